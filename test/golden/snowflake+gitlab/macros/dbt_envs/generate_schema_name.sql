{#-
  Where a model, seed, snapshot or test goes. In production: the custom schema where one is set, otherwise the default.
  Everywhere else: the environment's one schema, whatever was set.

  dbt calls this while it parses, before any schema is made, so a refusal here costs nothing. With partial parsing dbt
  calls it again only if the target or an environment variable that it read has changed: the guards read nothing else.
-#}
{% macro generate_schema_name(custom_schema_name=none, node=none) -%}
  {%- set custom = (custom_schema_name or '') | trim -%}
  {%- set prod_schemas = dbt_envs_answers()['prod_schemas'] -%}
  {%- set refusal = dbt_envs_refuse_target() -%}
  {%- if refusal -%}
    {{ exceptions.raise_compiler_error(refusal) }}
  {%- elif target.name != 'prod' or not custom -%}
    {{ target.schema }}
  {%- elif dbt_envs_prod_schema(custom) -%}
    {{ dbt_envs_prod_schema(custom) }}
  {%- elif custom == 'dbt_test__audit' -%}
    {#- The schema that dbt gives every data test which was given none. -#}
    {{ target.schema }}
  {%- else -%}
    {{ exceptions.raise_compiler_error(
      (node.name if node else 'A node') ~ ' asks for schema "' ~ custom ~ '", which production has not declared (' ~ prod_schemas | join(', ')
      ~ '): use one of these, or declare it with --prod-schemas and grant it'
      ~ ' (as "' ~ prod_schemas[0] ~ '_' ~ custom ~ '", if dbt has always named it so here).'
    ) }}
  {%- endif -%}
{%- endmacro %}

{#-
  The schema of production that a custom schema stands for: itself, where it is declared; otherwise <default>_<custom>, the
  name that dbt's own rule gives, where that one is declared, so that tables of a project that grew up with it stay where
  they are. None, where neither is.
-#}
{% macro dbt_envs_prod_schema(custom) %}
  {%- set declared = dbt_envs_answers()['prod_schemas'] -%}
  {%- for schema in [custom, declared[0] ~ '_' ~ custom] if schema in declared -%}{{ return(schema) }}{%- endfor -%}
  {{ return(none) }}
{% endmacro %}
