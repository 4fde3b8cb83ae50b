{#-
  Before a pull request is built: incremental models and snapshots begin as a clone of production's, which copies nothing and
  costs nothing until one of the two changes. So a pull request shows what its code does to the table that is there.
  https://docs.snowflake.com/en/sql-reference/sql/create-clone. Not with --full-refresh, which is to begin anew.
-#}
{% macro dbt_envs_clone_prod() %}
  {%- if target.name != 'ci' or flags.FULL_REFRESH or flags.EMPTY or flags.WHICH not in ['build', 'run', 'snapshot'] -%}{{ return([]) }}{%- endif -%}
  {%- set known = dbt_envs_answers()['prod_schemas'] -%}
  {%- set there = {} -%}
  {%- set cloned = [] -%}
  {%- for node in graph.nodes.values() if node.unique_id in selected_resources and (node.config.materialized == 'incremental' or node.resource_type == 'snapshot') -%}
    {%- set custom = (node.config.schema or '') | trim -%}
    {%- set schema = custom if custom in known else known[0] -%}
    {%- set prefix = custom ~ '__' -%}
    {%- set prefixed = custom and custom in var('dbt_envs_prefixed_schemas', []) and node.alias.startswith(prefix) -%}
    {%- set name = node.alias[prefix | length:] if prefixed else node.alias -%}
    {%- if schema not in there -%}{%- do there.update({schema: snowflake__dbt_envs_relations('acme', schema)}) -%}{%- endif -%}
    {%- set original = there[schema].get(name) -%}
    {%- if original and original['kind'] == 'table' -%}
      {%- call statement('clone_prod') -%}
        create or replace transient table {{ api.Relation.create(database=target.database, schema=target.schema, identifier=node.alias) }} clone {{ original['sql'] }}
      {%- endcall -%}
      {#- dbt has listed the schema before, in upper case, and would build anew what it does not know of. -#}
      {%- do adapter.cache_added(api.Relation.create(
        database=target.database | upper, schema=target.schema | upper, identifier=node.alias | upper, type='table',
        quote_policy={'database': true, 'schema': true, 'identifier': true}
      )) -%}
      {%- do cloned.append(node.alias) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if cloned -%}{%- do log('Cloned from production: ' ~ cloned | join(', '), info=true) -%}{%- endif -%}
  {{ return(cloned) }}
{% endmacro %}
