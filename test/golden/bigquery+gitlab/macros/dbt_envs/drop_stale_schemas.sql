{#-
  Clears environment schemas that nobody needs. scripts/dbt_envs/sweep.py says which, and why.

      dbt run-operation drop_stale_schemas --target ci --args '{
        candidates: [pr_142], listed_at: "2026-11-27T03:43:00.123456Z", dry_run: true}'

  As acme-janitor@acme-ci.iam.gserviceaccount.com. Each is looked at once more, just before: its name is whole, its
  labels are this project's, nobody keeps it, and nobody has used it since an hour before listed_at, which env_schemas gave: what is
  written is known some minutes later. pr_<number> is dropped, and so is the dataset of somebody who has left; that of somebody on
  the roster is emptied, since only an administrator could make it again. For two days, restore_schema brings back what it can. A failure is collected and the next one tried.

  Emptied means tables, clones, snapshots, views, materialized views, external tables, functions and procedures; indexes and
  policies go with their table. Models of BigQuery ML stay: no query lists them, only bq and the API do
  (https://docs.cloud.google.com/bigquery/docs/listing-models). A view of somebody else's that reads a table
  from here is not dropped: BigQuery has no CASCADE beyond a dataset.

  The last line is JSON, {"cleared": [...], "kept": [...], "failed": [...]}; an error follows where something failed.
-#}
{% macro drop_stale_schemas(candidates, listed_at, dry_run=false) %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- if target.name != 'ci' -%}
    {{ exceptions.raise_compiler_error('Only target ci sweeps, and this is target ' ~ target.name ~ ': add --target ci.') }}
  {%- elif candidates is string or candidates is mapping or candidates is not iterable -%}
    {{ exceptions.raise_compiler_error('candidates is a list of schemas, e.g. [pr_142, pr_143].') }}
  {%- elif dry_run is not boolean -%}
    {{ exceptions.raise_compiler_error('dry_run is true or false, and was "' ~ dry_run ~ '".') }}
  {%- elif modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z', listed_at | string) is none -%}
    {{ exceptions.raise_compiler_error('listed_at is what env_schemas said, e.g. 2026-11-27T03:43:00.123456Z, and was "' ~ listed_at ~ '".') }}
  {%- endif -%}
  {%- do dbt_envs_as_janitor('The sweep') -%}

  {%- set answer = {'cleared': [], 'kept': [], 'failed': []} -%}
  {%- for schema in candidates | map('string') | unique(case_sensitive=true) -%}
    {%- set project = dbt_envs_project_of(schema) -%}
    {%- set seen = (dbt_envs_datasets(project, schema, listed_at) | first) if project else none -%}
    {%- set why = dbt_envs_why_kept(project, seen) -%}
    {%- if why -%}
      {%- do answer['kept'].append({'schema': schema, 'why': why}) -%}
    {%- else -%}
      {%- set how = 'emptied' if schema[:4] == 'dev_' and schema[4:] in dbt_envs_answers()['developers'] else 'dropped' -%}
      {%- set outcome = {'done': how} if dry_run else dbt_envs_clear(project, schema, how, listed_at) -%}
      {%- if outcome['done'] -%}
        {%- set cleared = {'schema': schema, 'how': how, 'relations': seen['relations'], 'took_along': []} -%}
        {%- do answer['cleared'].append(cleared) -%}
        {#- Google keeps the text of every statement for 180 days: the report reads what was cleared from there. -#}
        {%- if not dry_run -%}
          {%- do run_query("select '" ~ tojson({'schema': schema, 'how': how, 'bytes': seen['bytes']}) ~ "' as dbt_envs_cleared") -%}
        {%- endif -%}
      {%- elif outcome['why'] -%}
        {%- do answer['kept'].append({'schema': schema, 'why': outcome['why']}) -%}
      {%- else -%}
        {%- do answer['failed'].append({'schema': schema, 'why': outcome['failed']}) -%}
      {%- endif -%}
    {%- endif -%}
  {%- endfor -%}

  {%- for one in answer['cleared'] -%}
    {%- do print(one['schema'] ~ (': would be ' if dry_run else ': ') ~ one['how'] ~ ', ' ~ one['relations'] ~ ' relations') -%}
  {%- endfor -%}
  {%- for one in answer['kept'] -%}{%- do print(one['schema'] ~ ': kept: ' ~ one['why']) -%}{%- endfor -%}
  {%- for one in answer['failed'] -%}{%- do print(one['schema'] ~ ': FAILED: ' ~ one['why']) -%}{%- endfor -%}
  {%- do print(tojson(answer)) -%}
  {%- if answer['failed'] -%}
    {{ exceptions.raise_compiler_error(answer['failed'] | length ~ ' schemas could not be cleared: ' ~ answer['failed'] | map(attribute='schema') | join(', ')
      ~ '. The first: ' ~ answer['failed'][0]['why']) }}
  {%- endif -%}
{% endmacro %}

{#- Why a dataset stays that was to be cleared, or none. -#}
{% macro dbt_envs_why_kept(project, seen) %}
  {%- if project is none -%}
    {{ return('its name is not the whole name of an environment schema, dev_<name> or pr_<number>') }}
  {%- elif not seen -%}
    {{ return('it is gone already') }}
  {%- elif seen['mark'] != 'acme' -%}
    {{ return('it belongs to ' ~ (('project ' ~ seen['mark']) if seen['mark'] else 'nobody known') ~ ', not to this project') }}
  {%- elif seen['kept'] -%}
    {{ return('it is kept until ' ~ seen['keep_until']) }}
  {%- elif seen['used_since'] -%}
    {{ return('used at ' ~ seen['last_used_at'] ~ ', of which the list did not know') }}
  {%- endif -%}
  {{ return(none) }}
{% endmacro %}

{#- {'done': how}, {'why': …} where somebody came back to it in the meantime, or {'failed': …}. -#}
{% macro dbt_envs_clear(project, schema, how, listed_at) %}
  {%- if how == 'dropped' -%}
    {%- set failed = dbt_envs_try('drop schema `' ~ project ~ '`.' ~ schema ~ ' cascade') -%}
    {{ return({'failed': failed} if failed else {'done': how}) }}
  {%- endif -%}
  {%- set dataset = '`' ~ project ~ '`.' ~ schema -%}
  {%- set statements -%}
    for object in (
      select
        name,
        case kind
          when 'VIEW' then 'view'
          when 'MATERIALIZED VIEW' then 'materialized view'
          when 'EXTERNAL' then 'external table'
          when 'SNAPSHOT' then 'snapshot table'
          when 'BASE TABLE' then 'table'
          when 'CLONE' then 'table'
          when 'PROCEDURE' then 'procedure'
          when 'TABLE FUNCTION' then 'table function'
          else 'function'
        end as kind,
        mod(row_number() over (order by name = 'dbt_envs_used', kind = 'BASE TABLE', name), 20) = 1 as looks_again
      from (
        select table_name as name, table_type as kind from {{ dataset }}.INFORMATION_SCHEMA.TABLES
        union all
        select routine_name as name, routine_type as kind from {{ dataset }}.INFORMATION_SCHEMA.ROUTINES
      )
      order by name = 'dbt_envs_used', kind = 'BASE TABLE', name
    ) do
      -- Whoever builds in the meantime keeps what is there.
      if object.looks_again and exists (
        select 1
        from {{ dataset }}.INFORMATION_SCHEMA.TABLE_OPTIONS
        where table_name = 'dbt_envs_used'
          and option_name = 'description'
          and safe_cast(trim(option_value, '"') as timestamp) > timestamp_sub(timestamp '{{ listed_at }}', interval 1 hour)
      ) then
        raise using message = 'dbt_envs: in use';
      end if;
      execute immediate format('drop %s if exists {{ dataset }}.`%s`', object.kind, object.name);
    end for
  {%- endset -%}
  {%- set failed = dbt_envs_try(statements) -%}
  {%- if not failed -%}{{ return({'done': how}) }}{%- endif -%}
  {%- set left = dbt_envs_datasets(project, schema, listed_at) | first -%}
  {%- if left and 'dbt_envs: in use' in failed -%}
    {{ return({'why': 'used at ' ~ left['last_used_at'] ~ ', while it was being emptied; ' ~ left['relations'] ~ ' relations are there'}) }}
  {%- endif -%}
  {{ return({'failed': failed ~ (('; ' ~ left['relations'] ~ ' relations are left') if left else '')}) }}
{% endmacro %}
