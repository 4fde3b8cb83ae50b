#!/usr/bin/env bash
# 90_close_prod.sh: nobody but acme-prod may write production through a role on its project any more.
#
# Who runs it   the administrator who ran 90_close_prod.sql, and after it, in Cloud Shell or wherever gcloud is logged in:
#                 bash grants/90_close_prod.sh              says what it would take
#                 bash grants/90_close_prod.sh --apply      takes it
#                 bash grants/90_close_prod.sh --apply --editors
#               It needs roles/resourcemanager.projectIamAdmin and roles/bigquery.admin on project acme-prod.
# What changes  what it takes is written down in acme_record.taken first. Then: the project's Editors and Viewers read each dataset
#               of production, and do not write it. Whoever holds roles/bigquery.dataEditor or dataOwner on the project holds it on
#               each other dataset that is there, sources among them, and reads the rest: what loads a source goes on. What they
#               lose besides is to create datasets. With --editors, people and groups lose roles/editor as well, on everything
#               in the project, and go on reading each dataset in whose list the project's Editors stand: an Editor can make a
#               key for acme-prod and become production.
# How to undo   91_reopen_prod.sh.
#
# What comes from a folder or the organization cannot be taken from here, nor what has a condition: it is named. So are service
# accounts that are Editors, for a machine may need that for something else. What fails is passed over, and the exit status is 1.
# A dataset whose list somebody else changes in between is left as it is, and counts as failed: run this again.
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

sql() { bq query --project_id=acme-prod --location=US --use_legacy_sql=false --format=json --quiet "$@" < /dev/null; }

# replace_entries <dataset> <found> <wanted>: who may use it, as the file wanted says. Fails where somebody has changed the dataset
# since it was read into found. https://docs.cloud.google.com/bigquery/docs/reference/bq-cli-reference#bq_update
replace_entries() { bq update --etag="$(jq -r .etag "$2")" --source "$3" --dataset "$1" < /dev/null; }

apply='' editors=''
for option in "$@"; do
  case $option in
    --apply) apply=yes ;;
    --editors) editors=yes ;;
    *) echo "There is no option $option: --apply, --editors." >&2; exit 2 ;;
  esac
done
record='acme-prod.acme_record.taken'
failed=''
fails() {
  echo "! $1" >&2
  failed=yes
}

closed=$(sql "SELECT COUNT(*) AS n FROM $record WHERE kind = 'CLOSED'" | jq -r '.[0].n')
if [ "$closed" = 0 ]; then
  echo '90_close_prod.sql has not run: it refuses before production was deployed by its service, and comes first.' >&2
  exit 1
fi

# take <kind> <name> <role> <principal>: writes it down. Once is enough.
take() {
  sql --parameter="kind::$1" --parameter="name::$2" --parameter="role::$3" --parameter="principal::$4" \
    "INSERT INTO $record (taken_at, kind, name, role, principal) SELECT CURRENT_TIMESTAMP(), @kind, @name, @role, @principal FROM (SELECT 1) WHERE NOT EXISTS (SELECT 1 FROM $record WHERE kind = @kind AND name = @name AND role = @role AND principal = @principal)" > /dev/null
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Who holds which role on the project; and those as a dataset's list names them, with what they keep there. Whoever loses roles/editor
# keeps reading, and only where the project's Editors have an entry: the basic role itself reads no data.
# https://docs.cloud.google.com/bigquery/docs/access-control-basic-roles
roles='roles/bigquery\.data(Editor|Owner)'
[ -z "$editors" ] || roles="($roles|roles/editor)"
gcloud projects get-iam-policy acme-prod --format=json > "$folder/policy.json"
jq -r '.bindings[]? | . as $bound | .members[]? | [$bound.role, ., ($bound.condition.title // "")] | @tsv' "$folder/policy.json" |
  grep -E "^$roles"$'\t' | sort -u > "$folder/held" || true
jq --arg editors "$editors" '[
  .bindings[]?
  | select(.condition == null)
  | (if .role == "roles/bigquery.dataOwner" then "OWNER" elif .role == "roles/bigquery.dataEditor" then "WRITER"
     elif .role == "roles/editor" and $editors != "" then "READER" else "" end) as $role
  | select($role != "")
  | .members[]?
  | select(startswith("deleted:") | not)
  | select($role != "READER" or (startswith("serviceAccount:") | not))
  | if startswith("user:") then {role: $role, userByEmail: ltrimstr("user:")}
    elif startswith("serviceAccount:") then {role: $role, userByEmail: ltrimstr("serviceAccount:")}
    elif startswith("group:") then {role: $role, groupByEmail: ltrimstr("group:")}
    elif startswith("domain:") then {role: $role, domain: ltrimstr("domain:")}
    elif . == "allAuthenticatedUsers" then {role: $role, specialGroup: .}
    else {role: $role, iamMember: .} end
]' "$folder/policy.json" > "$folder/keep.json"
kept=yes reading=yes

# 1. Entries of basic roles, on datasets of production.
datasets=(analytics staging)
for dataset in "${datasets[@]}"; do
  if ! bq show --format=prettyjson --dataset "acme-prod:$dataset" > "$folder/$dataset.json"; then
    fails "Who may use $dataset cannot be seen."
    reading=''
    continue
  fi
  jq -r '
    .access[]
    | select((.specialGroup == "projectWriters" or .specialGroup == "projectReaders") and (.role == "WRITER" or .role == "OWNER"))
    | [.role, .specialGroup] | @tsv
  ' "$folder/$dataset.json" > "$folder/entries"
  written=yes
  while IFS=$'\t' read -r role group; do
    echo "$group loses $role on $dataset"
    [ -n "$apply" ] || continue
    take ENTRY "$dataset" "$role" "$group" || written=''
  done < "$folder/entries"
  jq --slurpfile keep "$folder/keep.json" '
    (if [.access[] | select(.specialGroup == "projectWriters")] == [] then [] else [$keep[0][] | select(.role == "READER")] end) as $readers
    | {access: ([
        .access[]
        | if (.specialGroup == "projectWriters" or .specialGroup == "projectReaders") and (.role == "WRITER" or .role == "OWNER")
          then {role: "READER", specialGroup: .specialGroup}
          else . end
      ] + $readers | unique)}' "$folder/$dataset.json" > "$folder/$dataset.new.json"
  if [ -z "$apply" ] || jq -e --slurpfile new "$folder/$dataset.new.json" '(.access | unique) == $new[0].access' "$folder/$dataset.json" > /dev/null; then continue; fi
  if [ -z "$written" ] || ! replace_entries "acme-prod:$dataset" "$folder/$dataset.json" "$folder/$dataset.new.json"; then
    fails "That could not be taken."
    reading=''
  fi
done

# 2. What they hold on the project they hold on each other dataset too, before it is taken there; not on what has our label, such
# as an environment: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/datasets/list
bq ls --datasets --max_results=100000 --format=json --project_id=acme-prod |
  jq -r '.[] | select((.labels.dbt_envs_project // "") != "acme") | .datasetReference.datasetId' > "$folder/listed"
grep -vxE 'analytics|staging|acme_record' < "$folder/listed" > "$folder/others" || true
if jq -e 'length > 0' "$folder/keep.json" > /dev/null; then
  while read -r dataset; do
    if ! bq show --format=prettyjson --dataset "acme-prod:$dataset" > "$folder/other.json" < /dev/null; then
      fails "Who may use $dataset cannot be seen."
      kept='' reading=''
      continue
    fi
    jq --slurpfile keep "$folder/keep.json" '
      (if [.access[] | select(.specialGroup == "projectWriters")] == [] then [$keep[0][] | select(.role != "READER")] else $keep[0] end) as $more
      | {access: (.access + $more | unique)}' "$folder/other.json" > "$folder/other.new.json"
    if jq -e --slurpfile new "$folder/other.new.json" '(.access | unique) == $new[0].access' "$folder/other.json" > /dev/null; then continue; fi
    echo "Who may use $dataset by a role on acme-prod keeps it on $dataset, in its own list"
    [ -n "$apply" ] || continue
    replace_entries "acme-prod:$dataset" "$folder/other.json" "$folder/other.new.json" || {
      fails "Who may use $dataset could not be written."
      kept='' reading=''
    }
  done < "$folder/others"
fi
[ -n "$kept" ] || fails 'Not every other dataset could be kept for whoever writes it: dataEditor and dataOwner on the project stay.'
[ -z "$editors" ] || [ -n "$reading" ] || fails 'Not every dataset could be kept for whoever reads it as an Editor: roles/editor stays.'

# 3. Roles on the project.
while IFS=$'\t' read -r role member condition; do
  if [ -n "$condition" ]; then
    echo "! $member holds $role where $condition: look at it by hand."
    continue
  fi
  if [ "$role" = roles/editor ] && [[ $member == serviceAccount:* ]]; then
    echo "! $member is an Editor: take that by hand, where no machine needs it."
    continue
  fi
  if [ "$role" = roles/editor ]; then kept_here=$reading; else kept_here=$kept; fi
  [ -n "$kept_here" ] || continue
  echo "$member loses $role on acme-prod"
  [ -n "$apply" ] || continue
  # Whoever was deleted can be given nothing: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/Policy#Binding
  if [[ $member != deleted:* ]]; then
    if ! take PROJECT acme-prod "$role" "$member"; then
      fails "$role of $member could not be written down, and stays."
      continue
    fi
    if [ "$role" != roles/editor ] &&
      ! gcloud projects add-iam-policy-binding acme-prod --member="$member" --role=roles/bigquery.dataViewer --condition=None > /dev/null < /dev/null; then
      fails "$member could not be given reading in exchange, and keeps $role."
      continue
    fi
  fi
  gcloud projects remove-iam-policy-binding acme-prod --member="$member" --role="$role" --condition=None > /dev/null < /dev/null ||
    fails "$role could not be taken from $member."
done < "$folder/held"

echo
echo 'What is left, administrators among it:'
mighty acme-prod | sort -u
[ -n "$apply" ] || { echo; echo 'Nothing has been changed; --apply does it.'; }
[ -z "$failed" ]
