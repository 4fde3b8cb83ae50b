{#-
  on-run-start: looks at every node and refuses the run if one would land outside this environment. Three things get
  past generate_schema_name: a snapshot's target_schema, a package that brings its own, and +database. It also asks
  about the target once more: early builds of dbt 2 swallow an error raised while parsing (dbt-core issue 15611).
-#}
{% macro dbt_envs_check_isolation() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set refusal = dbt_envs_refuse_schema(target.schema) -%}
  {%- if refusal -%}{{ exceptions.raise_compiler_error(refusal) }}{%- endif -%}
  {%- set problems = [] -%}
  {%- for node in graph.nodes.values() if dbt_envs_builds_relation(node) -%}
    {%- set problem = dbt_envs_refuse_node(node) -%}
    {%- if problem -%}{%- do problems.append(node.unique_id ~ ': ' ~ problem) -%}{%- endif -%}
  {%- endfor -%}
  {%- if problems -%}
    {{ exceptions.raise_compiler_error(
      'Nothing was built, because this project would write outside ' ~ target.name ~ ':\n' ~ problems | join('\n')
    ) }}
  {%- endif -%}
  {{ return(adapter.dispatch('dbt_envs_on_run_start')()) }}
{% endmacro %}

{% macro dbt_envs_builds_relation(node) %}
  {{ return(
    node.resource_type in ['model', 'seed', 'snapshot', 'function']
      and node.config.materialized not in ['ephemeral', 'inline']
    or node.resource_type == 'test' and node.config.store_failures
  ) }}
{% endmacro %}

{#- Why this node may not be built where it would be, and what to change; or none. -#}
{% macro dbt_envs_refuse_node(node) %}
  {%- set refusal = dbt_envs_refuse_schema(node.schema) -%}
  {%- set asked = node.config.database or node.database or '' -%}
  {%- if refusal -%}
    {%- if node.config.target_schema -%}
      {{ return(refusal ~ ' Its target_schema overrules the schema rules: use schema instead.') }}
    {%- elif node.package_name != dbt_envs_answers()['project'] -%}
      {{ return(refusal ~ ' Package ' ~ node.package_name ~ ' brings its own generate_schema_name: remove that macro or the package.') }}
    {%- endif -%}
    {{ return(refusal) }}
  {%- elif target.name != 'prod' and (node.database | lower != target.database | lower or asked | lower != target.database | lower) -%}
    {{ return('Target ' ~ target.name ~ ' may not build in database "' ~ asked ~ '", only in "' ~ target.database
      ~ '". Remove +database or target_database from its configuration.') }}
  {%- endif -%}
  {{ return(none) }}
{% endmacro %}

{#- SQL that a warehouse runs once before a build: it defines <adapter>__dbt_envs_on_run_start. -#}
{% macro default__dbt_envs_on_run_start() %}
  {{ return('') }}
{% endmacro %}
