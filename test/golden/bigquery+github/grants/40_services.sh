#!/usr/bin/env bash
# 40_services.sh: the three services log in with a token of the CI provider's own, so no key of theirs exists anywhere.
#
# Who runs it   an administrator, in Cloud Shell or wherever gcloud is logged in, with roles/iam.workloadIdentityPoolAdmin and
#               roles/iam.serviceAccountAdmin on acme-ci and acme-prod:
#                 TOKEN_ISSUER=... CI_SUBJECT=... PROD_SUBJECT=... JANITOR_SUBJECT=... bash grants/40_services.sh
#               What stands for the dots is in docs/runbook.md. A service that does not log in from CI has the subject "-".
#               Optional, and the same on every run: TOKEN_CLAIMS='name=value ...', what each token has to say beside its subject;
#               TOKEN_CLAIMS=- takes that back.
# What changes  creates workload identity pool dbt-acme, which trusts that issuer and those subjects and no other token of it,
#               and lets each subject act as its service account. Who came in through this pool otherwise does no more.
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
ci=${CI_SUBJECT:?is not set: docs/runbook.md says what it is}
prod=${PROD_SUBJECT:?is not set: docs/runbook.md says what it is}
janitor=${JANITOR_SUBJECT:?is not set: docs/runbook.md says what it is}
for subject in "$ci" "$prod" "$janitor"; do
  case $subject in *[\'\"\\*]*) echo "$subject cannot be a subject: it is taken letter for letter." >&2; exit 1 ;; esac
done
if [ "$prod" != - ] && { [ "$prod" = "$ci" ] || [ "$prod" = "$janitor" ]; }; then
  echo 'PROD_SUBJECT is that of another service: a pull request would become production.' >&2
  exit 1
fi

if [ "$ci" != - ] && [ "$ci" = "$janitor" ]; then
  echo "CI_SUBJECT is the sweep's too: a pull request would empty what developers have." >&2
  exit 1
fi

# A subject may be made of names, and those pass to whoever takes them next; a number does not.
# https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-deployment-pipelines#conditions
claims=
for claim in ${TOKEN_CLAIMS:-}; do
  case $claim in
    -) ;;
    =* | *= | *=*=* | *[!A-Za-z0-9_=.:/@-]*) echo "$claim cannot be a claim: TOKEN_CLAIMS='name=value name=value'." >&2; exit 1 ;;
    *=*) claims="$claims && assertion.${claim%%=*} == '${claim#*=}'" ;;
    *) echo "$claim cannot be a claim: TOKEN_CLAIMS='name=value name=value'." >&2; exit 1 ;;
  esac
done

# pool <project> <subject>...: no other token of the issuer is let in, whatever it says.
pool() {
  local project=$1 trusted='' strange before
  shift
  for subject in "$@"; do
    [ "$subject" = - ] || trusted="${trusted:+$trusted, }'$subject'"
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
  # Whatever another provider lets in can call itself one of ours.
  strange=$(gcloud iam workload-identity-pools providers list --workload-identity-pool=dbt-acme --location=global --project="$project" --format=json |
    jq -r '.[].name | select(endswith("/providers/dbt-envs") | not)')
  if [ -n "$strange" ]; then
    echo "Nobody is let in: the pool has another provider, and who comes through that can have any of these subjects. Look at it, and delete it: $strange" >&2
    exit 1
  fi
  local action=create-oidc
  if gcloud iam workload-identity-pools providers describe dbt-envs --workload-identity-pool=dbt-acme --location=global --project="$project" > /dev/null 2>&1; then
    action=update-oidc
    before=$(gcloud iam workload-identity-pools providers describe dbt-envs --workload-identity-pool=dbt-acme --location=global --project="$project" --format='value(attributeCondition)')
    if [ -z "${TOKEN_CLAIMS:-}" ] && [[ $before == *'] && assertion.'* ]]; then
      echo "Until now a token has to say more than its subject: $before. Give TOKEN_CLAIMS again, or TOKEN_CLAIMS=- to ask for the subject alone." >&2
      exit 1
    fi
    if [ "$(gcloud iam workload-identity-pools providers describe dbt-envs --workload-identity-pool=dbt-acme --location=global --project="$project" --format='value(state)')" = DELETED ]; then
      gcloud iam workload-identity-pools providers undelete dbt-envs --workload-identity-pool=dbt-acme --location=global --project="$project"
    fi
  fi
  gcloud iam workload-identity-pools providers "$action" dbt-envs --workload-identity-pool=dbt-acme --location=global --project="$project" \
    --issuer-uri="$issuer" --attribute-mapping=google.subject=assertion.sub --attribute-condition="assertion.sub in [$trusted]$claims"
  echo "$project trusts tokens of $issuer where assertion.sub in [$trusted]$claims"
}

number_of() { gcloud projects describe "$1" --format='value(projectNumber)'; }

# let_in <account> <project> <subject>: it, and nobody else who comes through this pool.
let_in() {
  local email=$1 project=$2 subject=$3 pool ours role member
  pool="iam.googleapis.com/projects/$(number_of "$project")/locations/global/workloadIdentityPools/dbt-acme/"
  ours="principal://${pool}subject/$subject"
  gcloud iam service-accounts get-iam-policy "$email" --project="$project" --format=json |
    jq -r --arg one "principal://$pool" --arg all "principalSet://$pool" '
      .bindings[]? | .role as $role | .members[] | select(startswith($one) or startswith($all)) | [$role, .] | @tsv' | sort -u |
    while IFS=$'\t' read -r role member; do
      [ "$role $member" = "roles/iam.workloadIdentityUser $ours" ] ||
        gcloud iam service-accounts remove-iam-policy-binding "$email" --project="$project" --role="$role" --member="$member" --all --quiet > /dev/null < /dev/null
    done
  [ "$subject" != - ] || return 0
  gcloud iam service-accounts add-iam-policy-binding "$email" --project="$project" --role=roles/iam.workloadIdentityUser --member="$ours" --condition=None > /dev/null
  echo "$email: $subject"
}

pool acme-ci "$ci" "$janitor"
pool acme-prod "$prod"
let_in acme-ci@acme-ci.iam.gserviceaccount.com acme-ci "$ci"
let_in acme-janitor@acme-ci.iam.gserviceaccount.com acme-ci "$janitor"
let_in acme-prod@acme-prod.iam.gserviceaccount.com acme-prod "$prod"

echo
echo 'These two are variables of CI, no secrets:'
echo "DBT_CI_IDENTITY_PROVIDER=projects/$(number_of acme-ci)/locations/global/workloadIdentityPools/dbt-acme/providers/dbt-envs"
echo "DBT_PROD_IDENTITY_PROVIDER=projects/$(number_of acme-prod)/locations/global/workloadIdentityPools/dbt-acme/providers/dbt-envs"
