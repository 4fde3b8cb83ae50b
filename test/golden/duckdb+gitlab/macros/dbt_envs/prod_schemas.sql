{#- None: a file has no grants, and a deploy makes the schemas that it needs. -#}
{% macro duckdb__dbt_envs_prod_schema_problems() %}
  {{ return([]) }}
{% endmacro %}
