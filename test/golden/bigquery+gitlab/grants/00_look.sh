#!/usr/bin/env bash
# 00_look.sh: who holds which role on the projects, and on the folders and the organization above them.
#
# Who runs it   an administrator, in Cloud Shell or wherever gcloud is logged in: bash grants/00_look.sh
#               It needs roles/iam.securityReviewer on the projects; what is above them is seen with that role up there.
# What changes  nothing. Keep what it prints.
#
# SQL sees the rights on datasets (00_look.sql) and nothing of this.
set -euo pipefail
# What fails inside $( ) ends the script too: a list that could not be read is not an empty one.
shopt -s inherit_errexit
for tool in gcloud bq jq; do
  command -v "$tool" > /dev/null || { echo "$tool is not installed here. Cloud Shell has it: https://shell.cloud.google.com" >&2; exit 1; }
done

# What permissions let one do in a project. Each service's are at https://docs.cloud.google.com/iam/docs/roles-permissions
# Writes data, lets others write it, or takes off what hides it.
writes='^(bigquery[.](tables[.](create|update|updateData|delete|deleteSnapshot|restoreSnapshot|setCategory|setColumnDataPolicy|setIamPolicy)|datasets[.](update|delete|link|setIamPolicy)|(routines|propertyGraphs)[.](create|update|delete)|models[.](create|updateData|updateMetadata|delete)|rowAccessPolicies[.](create|update|delete|setIamPolicy|overrideTimeTravelRestrictions)|dataPolicies[.](create|update|delete|attach|setIamPolicy))|datacatalog[.](taxonomies|categories)[.](update|delete|setIamPolicy)|resourcemanager[.]projects[.]delete)$'
# Becomes a service account, or changes who may, or lifts what the organization forbids: https://docs.cloud.google.com/iam/docs/service-account-permissions
becomes='^(iam[.]serviceAccounts[.](actAs|getAccessToken|implicitDelegation|signBlob|signJwt|setIamPolicy)|iam[.]serviceAccountKeys[.]create|iam[.]serviceAccountApiKeyBindings[.]create|iam[.]roles[.](update|undelete)|iam[.]googleapis[.]com/workloadIdentityPool(s[.](update|undelete|setIamPolicy)|Providers[.](create|update|undelete)|ProviderKeys[.](create|undelete))|resourcemanager[.](projects|folders|organizations)[.]setIamPolicy|resourcemanager[.](projects|folders)[.]move|orgpolicy[.](policy[.]set|policies[.](create|update|delete)))$'
creates='^bigquery[.]datasets[.]create$'
reads='^bigquery[.]tables[.](getData|export)$'
# A service of Google's that does what one asks with the rights of an account of its own, by the domain of that account, and the
# permissions by which one asks: https://docs.cloud.google.com/iam/docs/service-agents
# https://docs.cloud.google.com/dataform/docs/access-control ("Security considerations"), https://docs.cloud.google.com/deployment-manager/docs/access-control,
# https://docs.cloud.google.com/build/docs/cloud-build-service-account
machines=(
  'cloudservices ^deploymentmanager[.]deployments[.](create|update)$'
  'cloudbuild ^cloudbuild[.]builds[.](create|update)$'
  'gcp-sa-cloudbuild ^cloudbuild[.]builds[.](create|update)$'
  'gcp-sa-dataform ^dataform[.](repositories[.]create|workflowInvocations[.]create|workflowConfigs[.](create|update))$'
  'gcp-sa-bigquerydatatransfer ^bigquery[.]transfers[.]update$'
  'cloudcomposer-accounts ^composer[.](environments[.](create|update|executeAirflowCommand)|dags[.]execute)$'
  'dataflow-service-producer-prod ^dataflow[.]jobs[.](create|updateContents)$'
  'dataproc-accounts ^dataproc[.]((clusters|jobs|batches|sessions)[.](create|update)|clusters[.]use|workflowTemplates[.](create|update|instantiate|instantiateInline))$'
  'compute-system ^compute[.](instances[.](create|setMetadata|setServiceAccount|osLogin|osAdminLogin)|instanceTemplates[.]create|instanceGroupManagers[.](create|update)|projects[.]setCommonInstanceMetadata)$'
  'gcp-sa-notebooks ^notebooks[.](instances[.](create|update|updateConfig|use)|(runtimes|executions|schedules)[.]create|runtimes[.]update)$'
  'gcp-sa-aiplatform ^aiplatform[.]((customJobs|pipelineJobs|notebookExecutionJobs)[.]create|notebookRuntimes[.]assign)$'
  'gcp-sa-aiplatform-cc ^aiplatform[.]((customJobs|pipelineJobs|notebookExecutionJobs)[.]create|notebookRuntimes[.]assign)$'
)

# One line for each role that somebody holds on a project, its folders or its organization: where, role, who, condition.
policies() {
  local found
  if found=$(gcloud projects get-ancestors-iam-policy "$1" --format=json 2> /dev/null); then
    jq -r '.[] | (.type + " " + .id) as $where | .policy.bindings[]? | . as $bound | .members[] | [$where, $bound.role, ., ($bound.condition.title // "")] | @tsv' <<< "$found"
  else
    echo "! What comes from the folders and the organization above $1 cannot be seen with this login." >&2
    found=$(gcloud projects get-iam-policy "$1" --format=json)
    printf 'above project %s\tunseen\twhoever holds a role there\t\n' "$1"
    jq -r --arg project "$1" '.bindings[]? | . as $bound | .members[] | ["project " + $project, $bound.role, ., ($bound.condition.title // "")] | @tsv' <<< "$found"
  fi
}

# One line for each permission of a role: the role, the permission.
permissions_of() {
  case $1 in
    projects/*) gcloud iam roles describe "${1##*/}" --project="$(cut -d/ -f2 <<< "$1")" --format=json ;;
    organizations/*) gcloud iam roles describe "${1##*/}" --organization="$(cut -d/ -f2 <<< "$1")" --format=json ;;
    *) gcloud iam roles describe "$1" --format=json ;;
  esac < /dev/null | jq -r --arg role "$1" '.includedPermissions[]? | [$role, .] | @tsv'
}

# What those lines let one do: writes, creates, reads, or the domain of the machine that one may ask; who; how; where.
abilities() {
  local held role found
  held=$(policies "$1" | sort -u)
  [ -n "$held" ] || return 0
  {
    awk '{ print "held\t" $0 }' <<< "$held"
    cut -f2 <<< "$held" | sort -u | while read -r role; do
      [ -n "$role" ] || continue
      if [ "$role" = unseen ] || ! found=$(permissions_of "$role"); then printf '%s\tunseen\n' "$role"; else echo "$found"; fi
    done
  } | awk -F '\t' -v OFS='\t' -v writes="$writes" -v becomes="$becomes" -v creates="$creates" -v reads="$reads" -v machines="${machines[*]}" '
    BEGIN { for (at = split(machines, word, " "); at > 1; at -= 2) asks[word[at - 1]] = word[at] }
    $1 == "held" { held[++count] = $0; next }
    $2 == "unseen" { can[$1, "writes"] = "nobody says here what that lets one do: look at it by hand"; next }
    $2 ~ writes { writer[$1] }
    $2 ~ becomes { becomer[$1] }
    $2 ~ creates { can[$1, "creates"] = "creates datasets" }
    $2 ~ reads { can[$1, "reads"] = "reads data" }
    { for (domain in asks) if ($2 ~ asks[domain]) can[$1, domain] = "may ask it" }
    END {
      for (role in becomer) can[role, "writes"] = "can become a service account, give rights or lift a policy"
      for (role in writer) can[role, "writes"] = "writes data" (role in becomer ? ", " can[role, "writes"] : "")
      for (key in can)
        for (at = 1; at <= count; at++) {
          split(held[at], field, "\t")
          split(key, part, SUBSEP)
          if (field[3] == part[1]) print part[2], field[4], part[1] ": " can[key], field[2] (field[5] == "" ? "" : ", where " field[5])
        }
    }'
}

# Those who can write, or become whoever can: who, how, where.
mighty() { abilities "$1" | awk -F '\t' -v OFS='\t' '$1 == "writes" { print $2, $3, $4 }'; }

# What a service account's own policy and keys say: who may act as it.
around() {
  gcloud iam service-accounts get-iam-policy "$1" --project="$2" --format=json |
    jq -r '.bindings[]? | .role as $role | .members[] | [., $role + " on the account itself"] | @tsv'
  gcloud iam service-accounts keys list --iam-account="$1" --project="$2" --managed-by=user --format='value(name.basename(), validAfterTime)' |
    sed '/^$/d; s/^/whoever holds key /'
}

# entries <project> <dataset>: who is in a dataset's list, and as what. A view, a routine or all views of a dataset that are
# authorized there read it for whoever may use them: https://docs.cloud.google.com/bigquery/docs/authorized-datasets
entries() {
  bq show --format=prettyjson --dataset "$1:$2" < /dev/null |
    jq -r --arg dataset "$2" '
      .access[]
      | if .view then ["view " + .view.projectId + "." + .view.datasetId + "." + .view.tableId, "is authorized: whoever reads it", $dataset]
        elif .routine then ["routine " + .routine.projectId + "." + .routine.datasetId + "." + .routine.routineId, "is authorized: whoever calls it", $dataset]
        elif .dataset then ["dataset " + .dataset.dataset.projectId + "." + .dataset.dataset.datasetId, "is authorized: whoever creates a view there", $dataset]
        else [(.userByEmail // .groupByEmail // .domain // .iamMember // .specialGroup // "somebody"), .role, $dataset] end
      | @tsv'
}

echo '== acme-prod: who can write, or become whoever can'
found=$(abilities acme-prod | sort -u)
awk -F '\t' -v OFS='\t' '$1 == "writes" { print $2, $3, $4 }' <<< "$found"
echo
echo "== Who reads personal data beside acme-prod and the project's owners"
datasets=(crm)
for dataset in "${datasets[@]}"; do
  entries acme-prod "$dataset" | awk -F '\t' '$1 != "acme-prod@acme-prod.iam.gserviceaccount.com" && $1 != "projectOwners"'
done
awk -F '\t' -v OFS='\t' '$1 == "reads" { print $2, $3, $4 }' <<< "$found"
echo
echo '== acme-prod: basic roles. An Editor writes, and a Viewer reads, each dataset that is created there by default'
policies acme-prod | awk -F '\t' '$2 ~ /^roles\/(owner|editor|viewer)$/ { print $3 "\t" $2 "\t" $1 }' | sort -u
echo
echo '== acme-dev: who can write, or become whoever can'
found=$(abilities acme-dev | sort -u)
awk -F '\t' -v OFS='\t' '$1 == "writes" { print $2, $3, $4 }' <<< "$found"
echo
echo '== acme-dev: basic roles. An Editor writes, and a Viewer reads, each dataset that is created there by default'
policies acme-dev | awk -F '\t' '$2 ~ /^roles\/(owner|editor|viewer)$/ { print $3 "\t" $2 "\t" $1 }' | sort -u
echo
echo '== acme-ci: who can write, or become whoever can'
found=$(abilities acme-ci | sort -u)
awk -F '\t' -v OFS='\t' '$1 == "writes" { print $2, $3, $4 }' <<< "$found"
echo
echo '== acme-ci: basic roles. An Editor writes, and a Viewer reads, each dataset that is created there by default'
policies acme-ci | awk -F '\t' '$2 ~ /^roles\/(owner|editor|viewer)$/ { print $3 "\t" $2 "\t" $1 }' | sort -u
echo
