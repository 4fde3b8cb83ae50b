{#-
  Schemas of pull requests come and go through the door, acme_nonprod.acme_door (grants/20_boundary.sql). dbt's own `create schema
  if not exists` needs CREATE SCHEMA on the database, even where the schema exists, and nobody has that. dev_<name> is made by an
  administrator.
-#}
{% macro snowflake__create_schema(relation) -%}
  {%- set refusal = dbt_envs_refuse_schema(relation.schema) -%}
  {%- if refusal -%}
    {{ exceptions.raise_compiler_error(refusal) }}
  {%- elif target.name == 'prod' -%}
    {{ exceptions.raise_compiler_error(
      'Schema "' ~ relation.schema ~ '" is not in database "' ~ target.database ~ '", or role "' ~ target.role
      ~ '" may not use it: an administrator runs grants/20_boundary.sql and grants/40_services.sql, which make it and grant it.'
    ) }}
  {%- elif target.name == 'dev' -%}
    {{ exceptions.raise_compiler_error(
      'Schema "' ~ relation.schema ~ '" is not in database "' ~ target.database ~ '", or role "' ~ target.role
      ~ '" may not use it: an administrator runs grants/30_developers.sql, which makes it and grants it.'
    ) }}
  {%- endif -%}
  {%- call statement('create_schema') -%}
    call acme_nonprod.acme_door.create_pr_schema('{{ relation.schema }}')
  {%- endcall -%}
{%- endmacro %}

{% macro snowflake__drop_schema(relation) -%}
  {%- if target.name != 'ci' -%}
    {{ exceptions.raise_compiler_error('Only target ci drops schemas, through acme_nonprod.acme_door, and this is target ' ~ target.name ~ '.') }}
  {%- endif -%}
  {%- call statement('drop_schema') -%}
    call acme_nonprod.acme_door.drop_pr_schema('{{ relation.schema | replace("'", "''") }}')
  {%- endcall -%}
{%- endmacro %}
