{#-
  Facts for the report of the sweep. What DuckDB cannot know is null: it has no roles, so it cannot name who can write
  production, whose a relation is, or what was proved.

      dbt run-operation report --target ci

  Today's sizes and what the sweep has cleared are kept in sweep/history.duckdb, for 400 days; without that folder they are
  unknown. The last line is JSON.
-#}
{% macro report() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- do dbt_envs_demand_tries() -%}
  {%- set at = dbt_envs_value(dbt_envs_time('now()')) -%}
  {%- set folder = env_var('DBT_DUCKDB_DIR', 'warehouse') -%}
  {%- set storage = [] -%}
  {%- for file in dbt_envs_files() if file['schema'] -%}
    {%- set schema = file['schema'] -%}
    {%- do storage.append({
      'environment': 'dev' if schema[:4] == 'dev_' else 'ci', 'who': schema[4:] if schema[:4] == 'dev_' else none,
      'schema': schema, 'bytes': none if file['own'] else dbt_envs_size(file['path']), 'bytes_then': none
    }) -%}
  {%- endfor -%}
  {%- set prod = folder ~ '/prod/prod.duckdb' -%}
  {%- if dbt_envs_is_there(prod) -%}
    {%- do storage.append({'environment': 'prod', 'who': none, 'schema': 'prod/prod.duckdb', 'bytes': dbt_envs_size(prod), 'bytes_then': none}) -%}
  {%- endif -%}

  {%- set today = 'make_timestamp(epoch_us(now()))::date' -%}
  {%- set rows = [] -%}
  {%- for one in storage -%}
    {%- do rows.append('(' ~ today ~ ', ' ~ dbt_envs_text(one['schema']) ~ ', ' ~ ('null' if one['bytes'] is none else one['bytes']) ~ ')') -%}
  {%- endfor -%}
  {%- set read -%}
    delete from dbt_envs_history.sizes where day < {{ today }} - 400; delete from dbt_envs_history.cleared where cleared_at < now() - interval 400 days;
    {{ 'insert or replace into dbt_envs_history.sizes values ' ~ rows | join(', ') ~ ';' if rows }}
    set variable dbt_envs_since = (select min(day) from dbt_envs_history.sizes where day between {{ today }} - 30 and {{ today }} - 1);
    create or replace table dbt_envs_scratch.since as select getvariable('dbt_envs_since')::varchar as value;
    create or replace table dbt_envs_scratch.sizes as
      select to_json(map(list(schema), list(bytes))) as value from dbt_envs_history.sizes where day = getvariable('dbt_envs_since');
    create or replace table dbt_envs_scratch.cleared as
      select to_json(coalesce(list({'schema': schema, 'at': {{ dbt_envs_time('cleared_at') }}, 'how': how, 'bytes': bytes} order by cleared_at), [])) as value
      from dbt_envs_history.cleared where cleared_at >= now() - interval 30 days
  {%- endset -%}
  {%- set since, cleared = none, none -%}
  {%- set known = dbt_envs_note(read) -%}
  {%- if known -%}
    {%- set since = dbt_envs_found('since') -%}
    {%- set cleared = fromjson(dbt_envs_found('cleared')) -%}
    {%- if since -%}
      {%- set then = fromjson(dbt_envs_found('sizes')) -%}
      {%- for one in storage -%}{%- do one.update({'bytes_then': then.get(one['schema'], 0)}) -%}{%- endfor -%}
    {%- endif -%}
  {%- else -%}
    {%- do print('sweep/history.duckdb cannot be written: nothing is known of earlier days.') -%}
  {%- endif -%}
  {%- do print(tojson({
    'at': at, 'can_write': none, 'strangers': none, 'last_write_by_others': none, 'proofs': none,
    'since': since, 'storage': storage, 'largest_dev': none, 'cleared': cleared
  })) -%}
{% endmacro %}

{#- Bytes of a file; none where this account may not read it. -#}
{% macro dbt_envs_size(path) %}
  {%- if dbt_envs_tries('create or replace table dbt_envs_scratch.size as select size as value from read_blob([' ~ dbt_envs_text(path) ~ '])') -%}
    {{ return(dbt_envs_found('size') | int) }}
  {%- endif -%}
  {{ return(none) }}
{% endmacro %}

{#- Runs statements on the sweep's own file, dbt_envs_history, and says whether they succeeded. Another sweep may have it open for a moment. -#}
{% macro dbt_envs_note(statements) %}
  {%- set path = dbt_envs_text(env_var('DBT_DUCKDB_DIR', 'warehouse') ~ '/sweep/history.duckdb') -%}
  {%- set done = namespace(ok=false) -%}
  {%- for attempt in range(20) if not done.ok -%}
    {%- set done.ok = dbt_envs_tries('attach ' ~ path ~ ' as dbt_envs_history;'
      ~ 'create table if not exists dbt_envs_history.sizes (day date, schema varchar, bytes bigint, primary key (day, schema));'
      ~ 'create table if not exists dbt_envs_history.cleared (cleared_at timestamptz, schema varchar, how varchar, bytes bigint);' ~ statements) -%}
    {%- do run_query('detach database if exists dbt_envs_history') -%}
  {%- endfor -%}
  {{ return(done.ok) }}
{% endmacro %}
