#!/usr/bin/env bash
# 91_reopen_prod.sh: whoever could write production through a role on its project before 90_close_prod.sh can again.
#
# Who runs it   whoever ran 90_close_prod.sh: bash grants/91_reopen_prod.sh; then 91_reopen_prod.sql
# What changes  what acme_record.taken says of the project and of special entries is given back, and its line deleted.
#               Whoever was given reading in exchange keeps that.
# How to undo   90_close_prod.sql, 90_close_prod.sh.
set -euo pipefail
# What fails inside $( ) ends the script too: a list that could not be read is not an empty one.
shopt -s inherit_errexit
for tool in gcloud bq jq; do
  command -v "$tool" > /dev/null || { echo "$tool is not installed here. Cloud Shell has it: https://shell.cloud.google.com" >&2; exit 1; }
done

sql() { bq query --project_id=acme-prod --location=US --use_legacy_sql=false --format=json --quiet "$@" < /dev/null; }

record='acme-prod.acme_record.taken'

# given <kind> <name> <role> <principal>: it is in nobody's list any more.
given() {
  sql --parameter="kind::$1" --parameter="name::$2" --parameter="role::$3" --parameter="principal::$4" \
    "DELETE FROM $record WHERE kind = @kind AND name = @name AND role = @role AND principal = @principal" > /dev/null
  echo "$4 has $3 on $2 again"
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sql --max_rows=100000 "SELECT DISTINCT kind, name, role, principal FROM $record WHERE (kind = 'PROJECT' AND name = 'acme-prod' AND role IN ('roles/bigquery.dataEditor', 'roles/bigquery.dataOwner', 'roles/editor')) OR (kind = 'ENTRY' AND name IN ('analytics', 'staging') AND role = 'WRITER' AND principal = 'projectWriters')" |
  jq -r '.[] | [.kind, .name, .role, .principal] | @tsv' > "$folder/taken"
while IFS=$'\t' read -r kind name role principal; do
  if [ "$kind" = ENTRY ]; then
    bq show --format=prettyjson --dataset "acme-prod:$name" < /dev/null |
      jq --arg role "$role" --arg group "$principal" '{access: (.access + [{role: $role, specialGroup: $group}] | unique)}' > "$folder/$name.json"
    bq update --source "$folder/$name.json" --dataset "acme-prod:$name" < /dev/null
  else
    gcloud projects add-iam-policy-binding "$name" --member="$principal" --role="$role" --condition=None > /dev/null < /dev/null
  fi
  given "$kind" "$name" "$role" "$principal"
done < "$folder/taken"
echo 'Now 91_reopen_prod.sql, for datasets and tables.'
