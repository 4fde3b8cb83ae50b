{#-
  Attaches the published production file as prod, for reading, where there is one: a fresh clone builds without it.
  An attach in profiles.yml cannot say "if it exists".
-#}
{% macro duckdb__dbt_envs_on_run_start() %}
  {%- if target.name == 'prod' -%}{{ return('') }}{%- endif -%}
  {%- set file = (env_var('DBT_DUCKDB_DIR', 'warehouse') ~ '/prod/prod.duckdb') | replace("'", "''") -%}
  {%- if run_query("select file from glob('" ~ file ~ "')") | length == 0 -%}{{ return('') }}{%- endif -%}
  {{ return("attach if not exists '" ~ file ~ "' as prod (read_only)") }}
{% endmacro %}

{#- What production's database is called where it is attached, and in its own file. -#}
{% macro duckdb__dbt_envs_prod_database() %}
  {{ return('prod') }}
{% endmacro %}
