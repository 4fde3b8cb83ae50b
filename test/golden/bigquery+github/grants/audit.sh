#!/usr/bin/env bash
# audit.sh: everybody who can write production through a role on the project, its folder or its organization, or by acting as
# acme-prod.
#
# Who runs it   an administrator, in Cloud Shell or wherever gcloud is logged in: bash grants/audit.sh
#               It needs roles/iam.securityReviewer on project acme-prod, and above it to see what comes from there.
# What changes  nothing. Exit status 1 where somebody can who is no administrator, and where that cannot be told.
#
# Administrators are whoever may hand out roles on the project, owns it or holds roles/bigquery.admin. Google's own service
# agents are left out.
set -euo pipefail
# What fails inside $( ) ends the script too: a list that could not be read is not an empty one.
shopt -s inherit_errexit
for tool in gcloud jq; do
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

found=$(mighty acme-prod | sort -u)
administrators=$(grep -E $'\t''roles/(owner|bigquery\.admin|iam\.securityAdmin|resourcemanager\.(projectIamAdmin|folderAdmin|folderIamAdmin|organizationAdmin)):' <<< "$found" | cut -f1 | sort -u || true)
echo '== Administrators of acme-prod'
echo "${administrators:-nobody}"
echo
echo '== Others who can write production, or become who can'
others=$(awk -F '\t' '
  NR == FNR { administrator[$0] = 1; next }
  $0 != "" && !($1 in administrator) && $1 !~ /@(gcp-sa-[a-z0-9-]+|cloudservices)\.(iam\.)?gserviceaccount\.com$/ && $1 !~ /^serviceAccount:service-[0-9]+@/
' <(echo "$administrators") <(echo "$found"))
echo "${others:-nobody}"
echo
echo '== Who may act as acme-prod@acme-prod.iam.gserviceaccount.com'
near=$(around acme-prod@acme-prod.iam.gserviceaccount.com acme-prod)
echo "${near:-nobody}"
number=$(gcloud projects describe acme-prod --format='value(projectNumber)')
ours="principal://iam.googleapis.com/projects/$number/locations/global/workloadIdentityPools/dbt-acme/subject/"
strange=$(awk -F '\t' -v ours="$ours" '$0 != "" && !(index($1, ours) == 1 && $2 == "roles/iam.workloadIdentityUser on the account itself")' <<< "$near")
[ -z "$strange" ] || printf '\n== Of these, not 40_services.sh'"'"'s\n%s\n' "$strange"
[ -z "$others$strange" ]
