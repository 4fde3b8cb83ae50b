{#-
  Drops environment schemas, each after one more look: its file is there and nobody else has it open, it was not written
  since it was listed, and nobody has pinned it.

      dbt run-operation drop_stale_schemas --target ci --args '{candidates: [pr_142], listed_at: "2026-11-27T03:43:00.123456Z"}'

  A file is written under its lock, so no build can start meanwhile; that lock is taken some milliseconds after the file's
  date was read. The file itself stays: SQL cannot delete it. The last line is JSON, {"cleared": [...], "kept": [...],
  "failed": [...]}, before the error where something failed.
-#}
{% macro drop_stale_schemas(candidates, listed_at, dry_run=false) %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- if target.name != 'ci' or target.schema != 'pr_none' -%}
    {{ exceptions.raise_compiler_error('The sweep runs under target ci and for no pull request: add --target ci, and unset PR_NUMBER.') }}
  {%- elif modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z', listed_at | string) is none -%}
    {{ exceptions.raise_compiler_error('"' ~ listed_at ~ '" is no time: give listed_at as env_schemas said it.') }}
  {%- endif -%}
  {%- do dbt_envs_demand_tries() -%}

  {%- set files = {} -%}
  {%- for file in dbt_envs_files() if file['schema'] -%}{%- do files.update({file['schema']: file}) -%}{%- endfor -%}
  {%- set done = {'cleared': [], 'kept': [], 'failed': []} -%}
  {%- set unopened = [] -%}
  {%- for schema in candidates -%}
    {%- set outcome = dbt_envs_clear(schema | string, files.get(schema | string), listed_at, dry_run) -%}
    {%- do run_query('detach database if exists dbt_envs_file') -%}
    {%- if 'how' in outcome -%}
      {%- do done['cleared'].append({'schema': schema, 'how': outcome['how'], 'relations': outcome['relations'], 'took_along': []}) -%}
      {%- do print(schema ~ (' would be dropped' if dry_run else ' dropped')) -%}
      {%- set row = '(now(), ' ~ dbt_envs_text(schema) ~ ", 'dropped', " ~ (outcome['bytes'] or 'null') ~ ')' -%}
      {%- if not dry_run and not dbt_envs_note('insert into dbt_envs_history.cleared values ' ~ row) -%}
        {%- do print('That could not be written into sweep/history.duckdb.') -%}
      {%- endif -%}
    {%- else -%}
      {%- do done[outcome['is']].append({'schema': schema, 'why': outcome['why']}) -%}
      {%- do print(schema ~ ' ' ~ outcome['is'] ~ ': ' ~ outcome['why']) -%}
      {%- if outcome['is'] == 'failed' and schema in files -%}{%- do unopened.append(files[schema]) -%}{%- endif -%}
    {%- endif -%}
  {%- endfor -%}
  {%- do print(tojson(done)) -%}

  {%- if done['failed'] -%}
    {#- In DuckDB's own words, for the first of them: dbt ends here, and prints it. -#}
    {%- if unopened -%}{%- do run_query('attach ' ~ dbt_envs_text(unopened[0]['path']) ~ ' as dbt_envs_file (type duckdb)') -%}{%- endif -%}
    {{ exceptions.raise_compiler_error(done['failed'] | length ~ ' of ' ~ candidates | length ~ ' schemas could not be cleared: '
      ~ done['failed'] | map(attribute='schema') | join(', ')) }}
  {%- endif -%}
{% endmacro %}

{#- {'how', 'relations', 'bytes'} or {'is': kept or failed, 'why'}. -#}
{% macro dbt_envs_clear(schema, file, listed_at, dry_run) %}
  {%- set known = dbt_envs_answers() -%}
  {%- if modules.re.fullmatch(known['dev_pattern'] ~ '|' ~ known['pr_pattern'], schema) is none -%}
    {{ return({'is': 'failed', 'why': 'it is no dev_<name> and no pr_<number>'}) }}
  {%- elif file is none -%}
    {{ return({'is': 'kept', 'why': 'it is gone already'}) }}
  {%- endif -%}
  {%- set pin = dbt_envs_pin(file) -%}
  {%- if pin == 'unreadable' -%}
    {{ return({'is': 'kept', 'why': 'its pin ' ~ file['pin'] ~ ' cannot be read'}) }}
  {%- elif pin is not none and pin > dbt_envs_value(dbt_envs_time('now()')) -%}
    {{ return({'is': 'kept', 'why': 'it is pinned until ' ~ pin[:10]}) }}
  {%- endif -%}

  {%- set seen = dbt_envs_look(file, attached='no' if dry_run else 'write') -%}
  {%- if seen['state'] == 'locked' and not dry_run and dbt_envs_look(file)['state'] == 'open' -%}
    {{ return({'is': 'failed', 'why': file['name'] ~ ' can be read and not written: another program reads it, or this account may not write it'}) }}
  {%- elif seen['state'] == 'locked' -%}
    {{ return({'is': 'kept', 'why': 'another program has ' ~ file['name'] ~ ' open'}) }}
  {%- elif seen['state'] == 'closed' -%}
    {{ return({'is': 'failed', 'why': 'this account may not read ' ~ file['name']}) }}
  {%- elif seen['state'] == 'damaged' -%}
    {{ return({'is': 'failed', 'why': file['name'] ~ ' is damaged: DuckDB cannot make sense of it'}) }}
  {%- endif -%}
  {%- set relations = dbt_envs_relations_inside(file, seen) -%}
  {#- A file's date has no fraction of a second: one of the same second counts as later. -#}
  {%- if relations is none -%}
    {{ return({'is': 'kept', 'why': 'it is gone already'}) }}
  {%- elif seen['used'][:19] >= listed_at[:19] -%}
    {{ return({'is': 'kept', 'why': 'used at ' ~ seen['used'][:19] ~ 'Z, after it was listed'}) }}
  {%- elif dry_run -%}
    {{ return({'how': 'dropped', 'relations': relations, 'bytes': seen['bytes']}) }}
  {%- endif -%}
  {%- set gone = dbt_envs_tries('drop schema dbt_envs_file.' ~ schema ~ ' cascade') -%}
  {%- set left = "count(*) from duckdb_schemas() where database_name = 'dbt_envs_file' and lower(schema_name) = " ~ dbt_envs_text(schema) -%}
  {%- if not gone or dbt_envs_value(left) | int > 0 or not dbt_envs_tries('checkpoint dbt_envs_file; detach dbt_envs_file') -%}
    {{ return({'is': 'failed', 'why': 'DuckDB could not drop it, or not write that down'}) }}
  {%- endif -%}
  {{ return({'how': 'dropped', 'relations': relations, 'bytes': seen['bytes']}) }}
{% endmacro %}
