#!/usr/bin/env bash
# 30_developers.sh: a developer's dataset is theirs alone, and not the project's Editors' and Viewers' too.
#
# Who runs it   whoever ran 30_developers.sql, right after it, in Cloud Shell or wherever bq is logged in: bash grants/30_developers.sh
# What changes  the Editors of project acme-dev lose their entry in each dev_<slug> of the roster, and its Viewers theirs.
# How to undo   bq update --source, with the entries that this prints.
#
# BigQuery puts these entries into each dataset that is new, and SQL cannot take them:
# https://docs.cloud.google.com/bigquery/docs/access-control-basic-roles
set -euo pipefail
# What fails inside $( ) ends the script too: a list that could not be read is not an empty one.
shopt -s inherit_errexit
for tool in bq jq; do
  command -v "$tool" > /dev/null || { echo "$tool is not installed here. Cloud Shell has it: https://shell.cloud.google.com" >&2; exit 1; }
done

# replace_entries <dataset> <found> <wanted>: who may use it, as the file wanted says. Fails where somebody has changed the dataset
# since it was read into found. https://docs.cloud.google.com/bigquery/docs/reference/bq-cli-reference#bq_update
replace_entries() { bq update --etag="$(jq -r .etag "$2")" --source "$3" --dataset "$1" < /dev/null; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

own_dataset_alone() {
  bq show --format=prettyjson --dataset "acme-dev:$1" < /dev/null > "$folder/found.json"
  jq '[.access[] | select(.specialGroup == "projectWriters" or .specialGroup == "projectReaders")]' "$folder/found.json" > "$folder/lost.json"
  if jq -e 'length == 0' "$folder/lost.json" > /dev/null; then
    return 0
  fi
  jq '{access: [.access[] | select((.specialGroup == "projectWriters" or .specialGroup == "projectReaders") | not)]}' "$folder/found.json" > "$folder/access.json"
  replace_entries "acme-dev:$1" "$folder/found.json" "$folder/access.json"
  echo "$1 is without:"
  jq -r '.[] | .role + " " + .specialGroup' "$folder/lost.json"
}

own_dataset_alone dev_priya
own_dataset_alone dev_sam
