#!/usr/bin/env bash
# audit.sh: everybody who can write production through a role on the project, its folder or its organization, or by acting as
# acme-prod@acme-prod.iam.gserviceaccount.com or as an account of Google's.
#
# Who runs it   an administrator, in Cloud Shell or wherever gcloud is logged in: bash grants/audit.sh
#               It needs roles/iam.securityReviewer and roles/iam.workloadIdentityPoolViewer on project acme-prod, the first
#               above it too, to see what comes from there; and roles/bigquery.metadataViewer on acme-prod, acme-dev, acme-ci.
#               TOKEN_KEYS=keys.json where 40_services.sh was given that too.
# What changes  nothing. Exit status 1 where somebody can who is no administrator, where that cannot be told, and where
#               everybody in the world may use a dataset of production, of a developer or of a pull request.
#
# Administrators are whoever may hand out roles on the project or sets the organization's policies, owns it or holds
# roles/bigquery.admin. Google's own service agents are named by themselves: they count where somebody who is no administrator
# may ask one to do something. Who may ask those that are not in the list below is not known here. Nor is which machine runs as
# acme-prod, if somebody attached it to one. Each dataset is asked for by itself, a second or so each; a right on a single
# table in it is not seen.
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

found=$(abilities acme-prod | sort -u)
number=$(gcloud projects describe acme-prod --format='value(projectNumber)')
agent="^serviceAccount:(service-(org|folder)-[0-9]+@(gcp-sa-[a-z0-9-]+|security-center-api)[.]iam|service-$number@(gcp-sa-[a-z0-9-]+|cloudcomposer-accounts|compute-system|container-engine-robot|containerregistry|dataflow-service-producer-prod|dataproc-accounts|dlp-api|gae-api-prod[.]google[.]com|gcf-admin-robot|serverless-robot-prod)[.]iam|$number@(cloudservices|cloudbuild))[.]gserviceaccount[.]com\$"
administrators=$(grep -E $'^writes\t[^\t]*\t''roles/(owner|bigquery\.admin|iam\.securityAdmin|orgpolicy\.policyAdmin|resourcemanager\.(projectIamAdmin|folderAdmin|folderIamAdmin|organizationAdmin)):' <<< "$found" | cut -f2 | sort -u || true)
echo '== Administrators of acme-prod'
echo "${administrators:-nobody}"
echo
echo '== Others who can write production, or become who can'
others=$(awk -F '\t' -v OFS='\t' -v agent="$agent" '
  NR == FNR { administrator[$0] = 1; next }
  $1 == "writes" && !($2 in administrator) && $2 !~ agent { print $2, $3, $4 }
' <(echo "$administrators") <(echo "$found"))
echo "${others:-nobody}"
echo
echo "== Google's own service agents that can"
known=$(printf ' %s ' "${machines[@]%% *}")
agents=$(awk -F '\t' -v OFS='\t' -v agent="$agent" -v known="$known" '
  $1 == "writes" && $2 ~ agent {
    domain = $2
    sub(/^[^@]*@/, "", domain)
    sub(/[.].*$/, "", domain)
    print $2, $3, $4, (index(known, " " domain " ") ? domain : "who may ask it is not known here")
  }
' <<< "$found")
echo "${agents:-none}"
echo
echo '== Who may ask one of them, and is no administrator'
asking=$(awk -F '\t' -v OFS='\t' -v agent="$agent" -v service=serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com '
  FILENAME == ARGV[1] { administrator[$0] = 1; next }
  FILENAME == ARGV[2] { account[$4] = $1; next }
  $1 in account && !($2 in administrator) && $2 !~ agent && $2 != service { print $2, "asks " account[$1] " by " $3, $4 }
' <(echo "$administrators") <(echo "$agents") <(echo "$found"))
echo "${asking:-nobody}"
echo
echo '== Who may create datasets beside those of production'
awk -F '\t' -v OFS='\t' '$1 == "creates" { print $2, $3, $4 }' <<< "$found"
echo
echo '== Who may act as acme-prod@acme-prod.iam.gserviceaccount.com'
near=$(around acme-prod@acme-prod.iam.gserviceaccount.com acme-prod)
echo "${near:-nobody}"
ours="principal://iam.googleapis.com/projects/$number/locations/global/workloadIdentityPools/dbt-acme/subject/prod"
strange=$(awk -F '\t' -v ours="$ours" '$0 != "" && !($1 == ours && $2 == "roles/iam.workloadIdentityUser on the account itself")' <<< "$near")
if grep -qF "$ours" <<< "$near"; then
  echo
  echo '== Whose tokens become acme-prod: compare it with what docs/runbook.md says'
  # Ours says the same twice: its condition, and again which of the services that is.
  providers=$(
    gcloud iam workload-identity-pools providers list --workload-identity-pool=dbt-acme --location=global --project=acme-prod --format=json |
      jq -r --argjson keys "$(if [ -n "${TOKEN_KEYS:-}" ]; then cat "$TOKEN_KEYS"; else echo null; fi)" '.[] |
        (.attributeCondition // "no condition") as $said | (.attributeMapping // {}) as $named |
        (($named["google.subject"] // "") | gsub(" [?] \u0027(ci|prod|janitor)\u0027 : "; " || ") | rtrimstr(" || \u0027nobody\u0027")) as $again |
        [(.name | split("/") | last), .oidc.issuerUri // "no OIDC", $said,
          (if (.oidc.jwksJson // "null" | fromjson) != $keys then "by keys that are not TOKEN_KEYS" else null end) //
          (if $again == $said and ($named | length) == 1 then "as 40_services.sh has it" else "by another mapping" end)] | @tsv'
  )
  echo "${providers:-nobody}"
  strange+=$(awk -F '\t' '$0 != "" && !($1 == "dbt-envs" && $4 == "as 40_services.sh has it") { print "\n" $0 }' <<< "$providers")
fi
[ -z "$strange" ] || printf '\n== Of these, not 40_services.sh'"'"'s\n%s\n' "$strange"
echo
echo "== Who reads personal data beside acme-prod and the project's owners"
datasets=(crm)
for dataset in "${datasets[@]}"; do
  entries acme-prod "$dataset" | awk -F '\t' '$1 != "acme-prod@acme-prod.iam.gserviceaccount.com" && $1 != "projectOwners"'
done
awk -F '\t' -v OFS='\t' '$1 == "reads" { print $2, $3, $4 }' <<< "$found"

echo
echo '== What everybody in the world may use'
# The organization policy iam.allowedPolicyMemberDomains forbids it: https://docs.cloud.google.com/organization-policy/domain-restricted-sharing
names_in() { bq ls --datasets --max_results=100000 --format=json "--project_id=$1" < /dev/null | jq -r '.[].datasetReference.datasetId'; }
of_dev=$(names_in acme-dev)
of_ci=$(names_in acme-ci)
datasets=(analytics staging raw crm)
public=$(
  {
    for dataset in "${datasets[@]}"; do entries acme-prod "$dataset"; done
    while read -r dataset; do
      [[ $dataset =~ ^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$ ]] || continue
      entries acme-dev "$dataset"
    done <<< "$of_dev"
    while read -r dataset; do
      [[ $dataset =~ . ]] || continue
      entries acme-ci "$dataset"
    done <<< "$of_ci"
  } | awk -F '\t' '$1 ~ /^all(Authenticated)?Users$/'
)
echo "${public:-nothing}"
[ -z "$others$asking$strange$public" ]
