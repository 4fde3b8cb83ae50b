{#-
  Brings back what the sweep has cleared, for two days after it did.

      dbt run-operation restore_schema --target ci --args '{schema: pr_142}'      as acme-janitor@acme-ci.iam.gserviceaccount.com
      DBT_ENVS_EMPTIED_AT=2026-11-27T03:45:00Z dbt run-operation restore_schema --args '{schema: dev_priya}'     as its owner

  A dataset that was dropped comes back whole, as it was when it went, and is kept for 30 days. For a week nobody can drop it
  again: https://docs.cloud.google.com/bigquery/docs/restore-deleted-datasets

  A dataset that was emptied is its owner's to fill: `dbt build` makes most of it. What a build cannot make again, incremental
  models and snapshots, is copied as it was an hour before that time, which is in the report of the sweep; DBT_ENVS_TABLES names
  others, with spaces between. Partitions are not brought along: https://docs.cloud.google.com/bigquery/docs/restore-deleted-tables
  The janitor reads no data, so it cannot do this.

  Nothing is put in the place of what has been built since. The last line is JSON, {"schema": "pr_142", "restored": true}.
-#}
{% macro restore_schema(schema) %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set project = dbt_envs_environment_project(schema) -%}
  {%- if target.name == 'dev' -%}
    {%- do dbt_envs_restore_tables(project, schema) -%}
  {%- else -%}
    {%- do dbt_envs_as_janitor('Restoring ' ~ schema) -%}
    {%- if dbt_envs_datasets(project, schema) -%}
      {{ exceptions.raise_compiler_error('There is a ' ~ schema ~ ' in ' ~ project ~ ', so nothing is put in its place. '
        ~ ('If it was emptied, its owner restores it: dbt run-operation restore_schema, under target dev.' if schema[:4] == 'dev_' else 'What was dropped under its name cannot come back beside it: build it again.')) }}
    {%- endif -%}
    {%- do run_query('undrop schema `' ~ project ~ '`.' ~ schema ~ " options (location = 'US')") -%}
    {%- set dataset = dbt_envs_dataset(schema) -%}
    {%- if dataset is none -%}
      {{ exceptions.raise_compiler_error('BigQuery raised no error, and ' ~ schema ~ ' is not back as a dataset of this project.') }}
    {%- endif -%}
    {%- do dbt_envs_set_label(dataset, 'keep_until', run_query("select format_date('%Y-%m-%d', date_add(current_date(), interval 30 day))").rows[0][0]) -%}
    {%- do print(schema ~ ' is back, and is kept for 30 days.') -%}
  {%- endif -%}
  {%- do print(tojson({'schema': schema, 'restored': true})) -%}
{% endmacro %}

{% macro dbt_envs_restore_tables(project, schema) %}
  {%- set at = env_var('DBT_ENVS_EMPTIED_AT', '') -%}
  {%- set named = env_var('DBT_ENVS_TABLES', '').split() -%}
  {%- if schema != target.schema -%}
    {{ exceptions.raise_compiler_error('You restore your own schema, ' ~ target.schema ~ ', and ' ~ schema ~ ' is not yours.') }}
  {%- elif modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?Z', at | string) is none -%}
    {{ exceptions.raise_compiler_error('DBT_ENVS_EMPTIED_AT is when it was emptied, as the report of the sweep says, e.g. 2026-11-27T03:45:00Z, and was "' ~ at ~ '".') }}
  {%- endif -%}
  {%- set wanted = [] -%}
  {%- for node in graph.nodes.values() if node.schema == schema and (node.config.materialized == 'incremental' or node.resource_type == 'snapshot') -%}
    {%- do wanted.append(node.alias) -%}
  {%- endfor -%}
  {%- set there = bigquery__dbt_envs_relations(project, schema) -%}
  {%- set moment = run_query("select unix_millis(timestamp_sub(timestamp '" ~ at ~ "', interval 1 hour)), timestamp '" ~ at
    ~ "' between timestamp_sub(current_timestamp(), interval 48 hour) and current_timestamp()").rows[0] -%}
  {%- if not moment[1] -%}
    {{ exceptions.raise_compiler_error(at ~ ' is to come or more than two days ago, and what was deleted is kept for two: build it again.') }}
  {%- endif -%}
  {%- for table in (named or wanted | sort) -%}
    {%- if modules.re.fullmatch('[A-Za-z0-9_]{1,1000}', table | string) is none -%}
      {{ exceptions.raise_compiler_error('"' ~ table ~ '" is no table that dbt makes: letters, digits and _.') }}
    {%- elif table in there -%}
      {%- do print(schema ~ '.' ~ table ~ ' is there already.') -%}
    {%- else -%}
      {%- set former = api.Relation.create(database=project, schema=schema, identifier=table ~ '@' ~ (moment[0] | int)) -%}
      {%- do adapter.copy_table(former, api.Relation.create(database=project, schema=schema, identifier=table), 'table') -%}
      {%- do print(schema ~ '.' ~ table ~ ' is back.') -%}
    {%- endif -%}
  {%- endfor -%}
{% endmacro %}
