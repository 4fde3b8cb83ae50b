#!/usr/bin/env bash
# 10_roles.sh: the service accounts and the roles of project acme, without any right on data.
#
# Who runs it   an administrator, in Cloud Shell or wherever gcloud is logged in: bash grants/10_roles.sh
#               It needs roles/iam.serviceAccountAdmin and roles/iam.roleAdmin on acme-prod and acme-dev and acme-ci.
# What changes  creates the service accounts acme-ci, acme-prod and acme-janitor, without a key, and three roles of the
#               projects' own. One of these names that exists is refused unless an earlier run of this file created it. Nothing
#               is granted to anybody and nothing is taken.
# How to undo   gcloud iam service-accounts delete, gcloud iam roles delete. For 7 days running this again brings a role back; after
#               that its name is taken for another month: https://docs.cloud.google.com/iam/docs/creating-custom-roles
#
# The projects themselves, with billing and the BigQuery API, have to be there: gcloud services enable bigquery.googleapis.com
set -euo pipefail
# What fails inside $( ) ends the script too: a list that could not be read is not an empty one.
shopt -s inherit_errexit
for tool in gcloud jq; do
  command -v "$tool" > /dev/null || { echo "$tool is not installed here. Cloud Shell has it: https://shell.cloud.google.com" >&2; exit 1; }
done

mark='dbt-envs: project acme'

# account <id> <project> <what it is for>
account() {
  local email="$1@$2.iam.gserviceaccount.com" found
  found=$(gcloud iam service-accounts list --project="$2" --filter="email=$email" --format=json | jq -r '.[] | if (.description // "") == "" then "none" else .description end')
  if [ -z "$found" ]; then
    gcloud iam service-accounts create "$1" --project="$2" --display-name="$3" --description="$mark"
  elif [ "$found" != "$mark" ]; then
    echo "Service account $email exists, and this project did not create it. Choose another name: dbt-envs --role-prefix <prefix>." >&2
    exit 1
  else
    echo "$email is there."
  fi
}

# role <id> <project> <title> <permissions>
role() {
  local found listed
  listed=$(gcloud iam roles list --project="$2" --show-deleted --filter="name=projects/$2/roles/$1" --format=json)
  found=$(jq -r '.[] | if (.description // "") == "" then "none" else .description end' <<< "$listed")
  if [ -z "$found" ]; then
    gcloud iam roles create "$1" --project="$2" --title="$3" --description="$mark" --permissions="$4" --stage=GA
  elif [ "$found" != "$mark" ]; then
    echo "Role $1 in project $2 exists, and this project did not create it. Choose another name: dbt-envs --role-prefix <prefix>." >&2
    exit 1
  else
    if [ "$(jq -r '.[] | .deleted // false' <<< "$listed")" = true ]; then
      gcloud iam roles undelete "$1" --project="$2"
    fi
    gcloud iam roles update "$1" --project="$2" --permissions="$4" --quiet
  fi
}

account acme-ci acme-ci 'Builds pull requests of acme'
account acme-prod acme-prod 'Builds production of acme, from CI on the main branch'
account acme-janitor acme-ci 'Clears environments of acme that nobody needs'

# Runs queries, and nothing more. roles/bigquery.jobUser would also let everybody run code as the service agent of Dataform:
# https://docs.cloud.google.com/dataform/docs/access-control
role acme_query_runner acme-prod 'Runs queries' bigquery.jobs.create,bigquery.config.get,resourcemanager.projects.get
role acme_query_runner acme-dev 'Runs queries' bigquery.jobs.create,bigquery.config.get,resourcemanager.projects.get
role acme_query_runner acme-ci 'Runs queries' bigquery.jobs.create,bigquery.config.get,resourcemanager.projects.get

# Whoever creates a dataset owns it; to create one is a right on the project and not on a name.
# datasets.get: INFORMATION_SCHEMA shows the labels of datasets, and with them who keeps one, to whoever has it on the project; it
# shows no table. jobs.list: whoever has it sees their own jobs, and with them what the sweep cleared and when the boundary was tried.
# https://docs.cloud.google.com/bigquery/docs/information-schema-datasets-schemata-options
# https://docs.cloud.google.com/bigquery/docs/information-schema-jobs-by-user
role acme_dataset_creator acme-ci 'Creates datasets' bigquery.datasets.create,bigquery.datasets.get,bigquery.jobs.list

# Clears and labels environments, and sees names, sizes and ages. No tables.getData: it reads nobody's data. No setIamPolicy: it
# lets nobody in. https://docs.cloud.google.com/iam/docs/roles-permissions/bigquery
clears=bigquery.datasets.get,bigquery.datasets.update,bigquery.datasets.delete
clears=$clears,bigquery.tables.list,bigquery.tables.get,bigquery.tables.delete,bigquery.tables.deleteSnapshot
clears=$clears,bigquery.models.list,bigquery.models.getMetadata,bigquery.models.delete
clears=$clears,bigquery.routines.list,bigquery.routines.get,bigquery.routines.delete
role acme_janitor acme-dev 'Clears environments' "$clears"
role acme_janitor acme-ci 'Clears environments' "$clears"
