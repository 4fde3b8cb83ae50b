#!/usr/bin/env bash
# 91_reopen_prod.sh: whoever could write production through a role on its project before 90_close_prod.sh can again.
#
# Who runs it   whoever ran 90_close_prod.sh: bash grants/91_reopen_prod.sh; then 91_reopen_prod.sql
# What changes  what acme_record.taken says of the project and of special entries is given back, and its line deleted. What cannot
#               be given back, because a dataset or an account has gone since, is named, stays in the list, and makes the exit
#               status 1. Whoever was given something in exchange, reading or the role on another dataset, keeps that.
# How to undo   90_close_prod.sql, 90_close_prod.sh.
set -euo pipefail
# What fails inside $( ) ends the script too: a list that could not be read is not an empty one.
shopt -s inherit_errexit
for tool in gcloud bq jq; do
  command -v "$tool" > /dev/null || { echo "$tool is not installed here. Cloud Shell has it: https://shell.cloud.google.com" >&2; exit 1; }
done

sql() { bq query --project_id=acme-prod --location=US --use_legacy_sql=false --format=json --quiet "$@" < /dev/null; }

# replace_entries <dataset> <found> <wanted>: who may use it, as the file wanted says. Fails where somebody has changed the dataset
# since it was read into found. https://docs.cloud.google.com/bigquery/docs/reference/bq-cli-reference#bq_update
replace_entries() { bq update --etag="$(jq -r .etag "$2")" --source "$3" --dataset "$1" < /dev/null; }

record='acme-prod.acme_record.taken'
failed=''

# given <kind> <name> <role> <principal>: it is in nobody's list any more.
given() {
  sql --parameter="kind::$1" --parameter="name::$2" --parameter="role::$3" --parameter="principal::$4" \
    "DELETE FROM $record WHERE kind = @kind AND name = @name AND role = @role AND principal = @principal" > /dev/null
}

# back <kind> <name> <role> <principal>: gives it.
back() {
  if [ "$1" = PROJECT ]; then
    gcloud projects add-iam-policy-binding "$2" --member="$4" --role="$3" --condition=None > /dev/null
    return
  fi
  bq show --format=prettyjson --dataset "acme-prod:$2" > "$folder/before.json" &&
    jq --arg role "$3" --arg group "$4" '{access: ([.access[]] + [{role: $role, specialGroup: $group}] | unique)}' "$folder/before.json" > "$folder/after.json" &&
    replace_entries "acme-prod:$2" "$folder/before.json" "$folder/after.json"
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
sql --max_rows=100000 "SELECT DISTINCT kind, name, role, principal FROM $record WHERE (kind = 'PROJECT' AND name = 'acme-prod' AND role IN ('roles/bigquery.dataEditor', 'roles/bigquery.dataOwner', 'roles/editor')) OR (kind = 'ENTRY' AND name IN ('analytics', 'staging') AND role IN ('WRITER', 'OWNER') AND principal IN ('projectWriters', 'projectReaders'))" |
  jq -r '.[] | [.kind, .name, .role, .principal] | @tsv' > "$folder/taken"
while IFS=$'\t' read -r kind name role principal; do
  if back "$kind" "$name" "$role" "$principal" < /dev/null && given "$kind" "$name" "$role" "$principal"; then
    echo "$principal has $role on $name again"
  else
    echo "! $principal could not be given $role on $name again." >&2
    failed=yes
  fi
done < "$folder/taken"
echo 'Now 91_reopen_prod.sql, for datasets and tables.'
[ -z "$failed" ]
