{#- Replaces dbt-duckdb's own, so that a schema outside this environment is refused before it is made. -#}
{% macro duckdb__create_schema(relation) -%}
  {%- set refusal = dbt_envs_refuse_schema(relation.schema) -%}
  {%- if refusal -%}{{ exceptions.raise_compiler_error(refusal) }}{%- endif -%}
  {%- call statement('create_schema') -%}
    create schema if not exists {{ relation.without_identifier() }}
  {%- endcall -%}
{%- endmacro %}
