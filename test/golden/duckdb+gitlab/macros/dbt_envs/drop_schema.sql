{#- Replaces dbt-duckdb's own, so that only this environment's schema is ever dropped. -#}
{% macro duckdb__drop_schema(relation) -%}
  {%- set refusal = dbt_envs_refuse_schema(relation.schema) -%}
  {%- if refusal or target.name == 'prod' -%}
    {{ exceptions.raise_compiler_error(refusal or 'Schema "' ~ relation.schema ~ '" is production: it is not dropped from here.') }}
  {%- endif -%}
  {%- call statement('drop_schema') -%}
    drop schema if exists {{ relation.without_identifier() }} cascade
  {%- endcall -%}
{%- endmacro %}
