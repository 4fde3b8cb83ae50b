#!/usr/bin/env bash
# 40_services.sh: the three services log in with a token of the CI provider's own, so no key of theirs exists anywhere.
#
# Who runs it   an administrator, in Cloud Shell or wherever gcloud is logged in, with roles/iam.workloadIdentityPoolAdmin and
#               roles/iam.serviceAccountAdmin on acme-ci and acme-prod:
#                 TOKEN_ISSUER=... CI_CLAIMS=... PROD_CLAIMS=... JANITOR_CLAIMS=... bash grants/40_services.sh
#               What stands for the dots is in docs/runbook.md: what the token of each service says, 'name=value name=value', where
#               name=one,other is either. A service that does not log in from CI has the claims "-".
#               TOKEN_KEYS=keys.json is for an issuer that Google cannot reach: its public keys, as it publishes them (jwks_uri).
#               Whenever they change, this is run again.
# What changes  creates workload identity pool dbt-acme, which trusts that issuer, where a token says all that one service's
#               claims ask for, and no other token of it; lets each service act as its service account. Who came in through this
#               pool otherwise does no more.
# How to undo   gcloud iam workload-identity-pools delete dbt-acme --location=global --project=<project>. For 30 days its
#               name is not free, and running this again brings it back:
#               https://docs.cloud.google.com/iam/docs/manage-workload-identity-pools-providers
#
# Production's pool is in project acme-prod: whoever administers a pool can become whom it lets in.
# https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines
set -euo pipefail
# What fails inside $( ) ends the script too: a list that could not be read is not an empty one.
shopt -s inherit_errexit
for tool in gcloud jq; do
  command -v "$tool" > /dev/null || { echo "$tool is not installed here. Cloud Shell has it: https://shell.cloud.google.com" >&2; exit 1; }
done

issuer=${TOKEN_ISSUER:?is not set: docs/runbook.md says what it is}
ci=${CI_CLAIMS:?is not set: docs/runbook.md says what it is}
prod=${PROD_CLAIMS:?is not set: docs/runbook.md says what it is}
janitor=${JANITOR_CLAIMS:?is not set: docs/runbook.md says what it is}

# Letter for letter: nothing in it is an expression of the pool's language.
word='[A-Za-z0-9_.:/@+#~{}-]+'
pair="[A-Za-z_][A-Za-z0-9_]*=$word(,$word)*"
sound="^($pair( $pair)*|-)$"
for claims in "$ci" "$prod" "$janitor"; do
  [[ $claims =~ $sound ]] || { echo "\"$claims\" cannot be what a token says: 'name=value name=value', or \"-\"." >&2; exit 1; }
done

# apart <name> <claims> <name> <claims> <else>: some claim has other values in the one than in the other, so that no token says both.
apart() {
  local one other value both
  { [ "$2" != - ] && [ "$4" != - ]; } || return 0
  for one in $2; do
    for other in $4; do
      [ "${one%%=*}" = "${other%%=*}" ] || continue
      both=
      for value in ${one//,/ }; do
        case ",${other#*=}," in *",${value#*=},"*) both=yes ;; esac
      done
      [ -n "$both" ] || return 0
    done
  done
  echo "A token can say what $1 asks for and what $3 asks for: $5." >&2
  exit 1
}
apart PROD_CLAIMS "$prod" CI_CLAIMS "$ci" 'a pull request would become production'
apart PROD_CLAIMS "$prod" JANITOR_CLAIMS "$janitor" 'the sweep would become production'
apart JANITOR_CLAIMS "$janitor" CI_CLAIMS "$ci" 'a pull request would empty what developers have'

# says <claims>: the same in the pool's language. No comma: gcloud takes one for the end of a mapping.
says() {
  local all='' claim value any
  for claim in $1; do
    any=
    for value in ${claim//,/ }; do
      any="${any:+$any || }assertion.${claim%%=*} == '${value#*=}'"
    done
    case $claim in *,*) any="($any)" ;; esac
    all="${all:+$all && }$any"
  done
  echo "$all"
}

# pool <project> <service> <claims> [<service> <claims>]...: no other token of the issuer is let in, whatever it says, and one
# that is let in is called by its service's name. A subject of the issuer's may be longer than Google takes (127 bytes), be the
# same for several services, and pass to whoever takes a name next. The last service is asked first, and a claim that a token
# does not have is an error, which lets nobody in.
# https://docs.cloud.google.com/iam/docs/workload-identity-federation#mapping
pool() {
  local project=$1 trusted='' subject="'nobody'" said strange
  shift
  while [ $# -gt 0 ]; do
    if [ "$2" != - ]; then
      said=$(says "$2")
      trusted="($said)${trusted:+ || $trusted}"
      subject="($said) ? '$1' : $subject"
    fi
    shift 2
  done
  [ -n "$trusted" ] || return 0
  if ! gcloud iam workload-identity-pools describe dbt-acme --location=global --project="$project" > /dev/null 2>&1; then
    gcloud iam workload-identity-pools create dbt-acme --location=global --project="$project" --description='dbt-envs: project acme'
  elif [ "$(gcloud iam workload-identity-pools describe dbt-acme --location=global --project="$project" --format='value(description)')" != 'dbt-envs: project acme' ]; then
    echo "Workload identity pool dbt-acme in project $project exists, and this project did not create it. Choose another name: dbt-envs --role-prefix <prefix>." >&2
    exit 1
  elif [ "$(gcloud iam workload-identity-pools describe dbt-acme --location=global --project="$project" --format='value(state)')" = DELETED ]; then
    gcloud iam workload-identity-pools undelete dbt-acme --location=global --project="$project"
  fi
  # Whatever another provider lets in can call itself one of ours, and so can whoever holds the key of a public one that is given.
  strange=$(gcloud iam workload-identity-pools providers list --workload-identity-pool=dbt-acme --location=global --project="$project" --format=json |
    jq -r --arg keys "${TOKEN_KEYS:-}" '.[] | select((.name | endswith("/providers/dbt-envs") | not) or (.oidc.jwksJson != null and $keys == "")) | .name')
  if [ -n "$strange" ]; then
    echo "Nobody is let in: whoever comes through this provider can call themselves one of the three services. It is another one than ours, or has public keys and there is no TOKEN_KEYS. Look at it, and delete it: $strange" >&2
    exit 1
  fi
  local action=create-oidc
  if gcloud iam workload-identity-pools providers describe dbt-envs --workload-identity-pool=dbt-acme --location=global --project="$project" > /dev/null 2>&1; then
    action=update-oidc
    if [ "$(gcloud iam workload-identity-pools providers describe dbt-envs --workload-identity-pool=dbt-acme --location=global --project="$project" --format='value(state)')" = DELETED ]; then
      gcloud iam workload-identity-pools providers undelete dbt-envs --workload-identity-pool=dbt-acme --location=global --project="$project"
    fi
  fi
  gcloud iam workload-identity-pools providers "$action" dbt-envs --workload-identity-pool=dbt-acme --location=global --project="$project" \
    --issuer-uri="$issuer" ${TOKEN_KEYS:+"--jwk-json-path=$TOKEN_KEYS"} --attribute-mapping="google.subject=$subject" --attribute-condition="$trusted"
  echo "$project trusts tokens of $issuer where $trusted"
}

number_of() { gcloud projects describe "$1" --format='value(projectNumber)'; }

# let_in <account> <project> <service> <claims>: it, and nobody else who comes through this pool.
let_in() {
  local email=$1 project=$2 service=$3 claims=$4 pool ours role member
  pool="iam.googleapis.com/projects/$(number_of "$project")/locations/global/workloadIdentityPools/dbt-acme/"
  ours="principal://${pool}subject/$service"
  gcloud iam service-accounts get-iam-policy "$email" --project="$project" --format=json |
    jq -r --arg one "principal://$pool" --arg all "principalSet://$pool" '
      .bindings[]? | .role as $role | .members[] | select(startswith($one) or startswith($all)) | [$role, .] | @tsv' | sort -u |
    while IFS=$'\t' read -r role member; do
      { [ "$claims" != - ] && [ "$role $member" = "roles/iam.workloadIdentityUser $ours" ]; } ||
        gcloud iam service-accounts remove-iam-policy-binding "$email" --project="$project" --role="$role" --member="$member" --all --quiet > /dev/null < /dev/null
    done
  [ "$claims" != - ] || return 0
  gcloud iam service-accounts add-iam-policy-binding "$email" --project="$project" --role=roles/iam.workloadIdentityUser --member="$ours" --condition=None > /dev/null
  echo "$email: $claims"
}

pool acme-ci janitor "$janitor" ci "$ci"
pool acme-prod prod "$prod"
let_in acme-ci@acme-ci.iam.gserviceaccount.com acme-ci ci "$ci"
let_in acme-janitor@acme-ci.iam.gserviceaccount.com acme-ci janitor "$janitor"
let_in acme-prod@acme-prod.iam.gserviceaccount.com acme-prod prod "$prod"

echo
echo 'These two are variables of CI, no secrets:'
echo "DBT_CI_IDENTITY_PROVIDER=projects/$(number_of acme-ci)/locations/global/workloadIdentityPools/dbt-acme/providers/dbt-envs"
echo "DBT_PROD_IDENTITY_PROVIDER=projects/$(number_of acme-prod)/locations/global/workloadIdentityPools/dbt-acme/providers/dbt-envs"
