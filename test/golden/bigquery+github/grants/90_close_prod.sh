#!/usr/bin/env bash
# 90_close_prod.sh: nobody but acme-prod may write production through a role on its project any more.
#
# Who runs it   the administrator who ran 90_close_prod.sql, and after it, in Cloud Shell or wherever gcloud is logged in:
#                 bash grants/90_close_prod.sh              says what it would take
#                 bash grants/90_close_prod.sh --apply      takes it
#                 bash grants/90_close_prod.sh --apply --editors
#               It needs roles/resourcemanager.projectIamAdmin and roles/bigquery.admin on project acme-prod.
# What changes  what it takes is written down in acme_record.taken first. Then: the project's Editors lose their entry in
#               each dataset of production, and whoever holds roles/bigquery.dataEditor or dataOwner on the project holds
#               roles/bigquery.dataViewer in its place. With --editors, people and groups lose roles/editor as well, on everything
#               in the project: an Editor can make a key for acme-prod and become production.
# How to undo   91_reopen_prod.sh.
#
# What comes from a folder or the organization cannot be taken from here, nor what has a condition: it is named. So are service
# accounts that are Editors, for a machine may need that for something else.
set -euo pipefail
# What fails inside $( ) ends the script too: a list that could not be read is not an empty one.
shopt -s inherit_errexit
for tool in gcloud bq jq; do
  command -v "$tool" > /dev/null || { echo "$tool is not installed here. Cloud Shell has it: https://shell.cloud.google.com" >&2; exit 1; }
done

# Whoever may do one of these can write what is in a project, let others write it, or act as one of its service accounts.
writes='^bigquery\.(tables\.(create|update|updateData|delete|setIamPolicy)|datasets\.(update|delete|setIamPolicy)|routines\.(update|delete)|rowAccessPolicies\.(create|update|delete))$'
becomes='^(iam\.serviceAccounts\.(actAs|getAccessToken|implicitDelegation|signBlob|signJwt|setIamPolicy)|iam\.serviceAccountKeys\.create|iam\.roles\.update|iam\.workloadIdentityPoolProviders\.(create|update)|resourcemanager\.(projects|folders|organizations)\.setIamPolicy)$'

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

permissions_of() {
  case $1 in
    projects/*) gcloud iam roles describe "${1##*/}" --project="$(cut -d/ -f2 <<< "$1")" --format=json ;;
    organizations/*) gcloud iam roles describe "${1##*/}" --organization="$(cut -d/ -f2 <<< "$1")" --format=json ;;
    *) gcloud iam roles describe "$1" --format=json ;;
  esac | jq -r '.includedPermissions[]?'
}

# Those lines whose role can write, or become whoever can: who, how, where.
mighty() {
  local role held permissions can
  held=$(policies "$1" | sort -u)
  cut -f2 <<< "$held" | sort -u | while read -r role; do
    [ -n "$role" ] || continue
    can=
    if [ "$role" = unseen ] || ! permissions=$(permissions_of "$role"); then
      can='nobody says here what that lets one do: look at it by hand'
    else
      if grep -Eq "$writes" <<< "$permissions"; then can='writes data'; fi
      if grep -Eq "$becomes" <<< "$permissions"; then can="${can:+$can, }can become a service account or give rights"; fi
    fi
    [ -z "$can" ] || awk -F '\t' -v role="$role" -v can="$can" '$2 == role { print $3 "\t" role ": " can "\t" $1 ($4 == "" ? "" : ", where " $4) }' <<< "$held"
  done
}

# What a service account's own policy and keys say: who may act as it.
around() {
  gcloud iam service-accounts get-iam-policy "$1" --project="$2" --format=json |
    jq -r '.bindings[]? | .role as $role | .members[] | [., $role + " on the account itself"] | @tsv'
  gcloud iam service-accounts keys list --iam-account="$1" --project="$2" --managed-by=user --format='value(name.basename(), validAfterTime)' |
    sed '/^$/d; s/^/whoever holds key /'
}

sql() { bq query --project_id=acme-prod --location=US --use_legacy_sql=false --format=json --quiet "$@" < /dev/null; }

apply='' editors=''
for option in "$@"; do
  case $option in
    --apply) apply=yes ;;
    --editors) editors=yes ;;
    *) echo "There is no option $option: --apply, --editors." >&2; exit 2 ;;
  esac
done
record='acme-prod.acme_record.taken'

closed=$(sql "SELECT COUNT(*) AS n FROM $record WHERE kind = 'CLOSED'" | jq -r '.[0].n')
if [ "$closed" = 0 ]; then
  echo '90_close_prod.sql has not run: it refuses before production was deployed by its service, and comes first.' >&2
  exit 1
fi

# take <kind> <name> <role> <principal>: says it, and with --apply writes it down. Once is enough.
take() {
  echo "$4 loses $3 on $2"
  [ -n "$apply" ] || return 0
  sql --parameter="kind::$1" --parameter="name::$2" --parameter="role::$3" --parameter="principal::$4" \
    "INSERT INTO $record (taken_at, kind, name, role, principal) SELECT CURRENT_TIMESTAMP(), @kind, @name, @role, @principal FROM (SELECT 1) WHERE NOT EXISTS (SELECT 1 FROM $record WHERE kind = @kind AND name = @name AND role = @role AND principal = @principal)" > /dev/null
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
datasets=(analytics staging)
for dataset in "${datasets[@]}"; do
  bq show --format=prettyjson --dataset "acme-prod:$dataset" > "$folder/$dataset.json"
  if jq -e '.access[] | select(.specialGroup == "projectWriters" and .role == "WRITER")' "$folder/$dataset.json" > /dev/null; then
    take ENTRY "$dataset" WRITER projectWriters
    if [ -n "$apply" ]; then
      jq '{access: [.access[] | select((.specialGroup == "projectWriters" and .role == "WRITER") | not)]}' "$folder/$dataset.json" > "$folder/$dataset.new.json"
      bq update --source "$folder/$dataset.new.json" --dataset "acme-prod:$dataset"
    fi
  fi
done

roles='roles/bigquery\.data(Editor|Owner)'
[ -z "$editors" ] || roles="($roles|roles/editor)"
gcloud projects get-iam-policy acme-prod --format=json > "$folder/policy.json"
jq -r '.bindings[]? | . as $bound | .members[] | [$bound.role, ., ($bound.condition.title // "")] | @tsv' "$folder/policy.json" |
  grep -E "^$roles"$'\t' | sort -u > "$folder/held" || true
while IFS=$'\t' read -r role member condition; do
  if [ -n "$condition" ]; then
    echo "! $member holds $role where $condition: look at it by hand."
    continue
  fi
  if [ "$role" = roles/editor ] && [[ $member == serviceAccount:* ]]; then
    echo "! $member is an Editor: take that by hand, where no machine needs it."
    continue
  fi
  take PROJECT acme-prod "$role" "$member"
  [ -n "$apply" ] || continue
  gcloud projects add-iam-policy-binding acme-prod --member="$member" --role=roles/bigquery.dataViewer --condition=None > /dev/null < /dev/null
  gcloud projects remove-iam-policy-binding acme-prod --member="$member" --role="$role" --condition=None > /dev/null < /dev/null
done < "$folder/held"

echo
echo 'What is left, administrators among it:'
mighty acme-prod | sort -u
[ -n "$apply" ] || { echo; echo 'Nothing has been changed; --apply does it.'; }
