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
  {%- elif custom in prod_schemas -%}
    {{ custom }}
  {%- elif custom == 'dbt_test__audit' -%}
    {#- The schema that dbt gives every data test which was given none. -#}
    {{ target.schema }}
  {%- else -%}
    {{ exceptions.raise_compiler_error(
      (node.name if node else 'A node') ~ ' asks for schema "' ~ custom ~ '", which production has not declared (' ~ prod_schemas | join(', ')
      ~ '): use one of these, or declare it with --prod-schemas and grant it.'
    ) }}
  {%- endif -%}
{%- endmacro %}
