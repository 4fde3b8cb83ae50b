#!/usr/bin/env bash
# 20_record.sh: dataset acme_record, in which these scripts write down what they give, take and make.
#
# Who runs it   an administrator with roles/bigquery.admin on project acme-prod, in Cloud Shell or wherever bq is logged in,
#               before 20_boundary.sql: bash grants/20_record.sh
# What changes  creates dataset acme_record, which the project's owners and administrators alone may write. Where it is there, whoever
#               else may write it loses that and is named, and the project's Viewers do not read it any more.
# How to undo   bq rm -r -d acme-prod:acme_record. Nobody knows then what 30 and 50 gave and 90 took.
#
# BigQuery lets the Editors of a project write a dataset that is new, and SQL cannot take that. What stands in this one an
# administrator gives and takes without a further look. https://docs.cloud.google.com/bigquery/docs/access-control-basic-roles
set -euo pipefail
# What fails inside $( ) ends the script too: a list that could not be read is not an empty one.
shopt -s inherit_errexit
for tool in bq jq; do
  command -v "$tool" > /dev/null || { echo "$tool is not installed here. Cloud Shell has it: https://shell.cloud.google.com" >&2; exit 1; }
done

sql() { bq query --project_id=acme-prod --location=US --use_legacy_sql=false --format=json --quiet "$@" < /dev/null; }

# replace_entries <dataset> <found> <wanted>: who may use it, as the file wanted says. Fails where somebody has changed the dataset
# since it was read into found. https://docs.cloud.google.com/bigquery/docs/reference/bq-cli-reference#bq_update
replace_entries() { bq update --etag="$(jq -r .etag "$2")" --source "$3" --dataset "$1" < /dev/null; }

dataset=acme-prod:acme_record
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

there=$(sql "SELECT COUNT(*) AS n FROM \`acme-prod\`.\`region-us\`.INFORMATION_SCHEMA.SCHEMATA WHERE schema_name = 'acme_record'" | jq -r '.[0].n')
if [ "$there" = 0 ]; then
  bq mk --location=US --label=managed_by:dbt_envs --label=dbt_envs_project:acme --label=env:record --dataset "$dataset" < /dev/null
fi
bq show --format=prettyjson --dataset "$dataset" < /dev/null > "$folder/found.json"
if ! jq -e '.labels.dbt_envs_project == "acme"' "$folder/found.json" > /dev/null; then
  echo "Dataset acme_record exists, and this project did not create it. Choose another name: dbt-envs --role-prefix <prefix>." >&2
  exit 1
fi

# Who may write it until now. A new one its creator and the project's Editors may, and there is nothing in it.
others=$(jq -r '
  .access[]
  | select(.role != null and .role != "READER" and .specialGroup != "projectOwners")
  | .role + " " + (.userByEmail // .groupByEmail // .domain // .iamMember // .specialGroup // "somebody")
' "$folder/found.json")
tables=$(sql "SELECT COUNT(*) AS n FROM \`acme-prod\`.\`acme_record\`.INFORMATION_SCHEMA.TABLES" | jq -r '.[0].n')
[ "$tables" != 0 ] || others=''
[ -z "$others" ] || printf '! Until now these could write acme_record too:\n%s\n' "$others" >&2
jq '{access: ([.access[] | select(.specialGroup == "projectOwners" or (.role == "READER" and .specialGroup != "projectReaders"))] + [{role: "OWNER", specialGroup: "projectOwners"}] | unique)}' "$folder/found.json" > "$folder/access.json"
replace_entries "$dataset" "$folder/found.json" "$folder/access.json"
if [ -n "$others" ]; then
  echo 'Now nobody but owners and administrators can. What stands in given, taken and made may be theirs: look at it, delete what is not yours, and run this again.' >&2
  exit 1
fi
# 20_boundary.sql writes nothing into it before this stands here.
bq update --set_label=entries:closed --dataset "$dataset" < /dev/null
echo 'Now 20_boundary.sql.'
