{#-
  Environment schemas come and go through the door, acme_door (grants/20_boundary.sql). dbt's own `create schema if not
  exists` needs CREATE on the database, even where the schema exists, and nobody has that.
-#}
{% macro postgres__create_schema(relation) -%}
  {%- set refusal = dbt_envs_refuse_schema(relation.schema) -%}
  {%- if refusal -%}
    {{ exceptions.raise_compiler_error(refusal) }}
  {%- elif target.name == 'prod' -%}
    {{ exceptions.raise_compiler_error(
      'Schema "' ~ relation.schema ~ '" is not in database "' ~ target.database
      ~ '": an administrator runs grants/20_boundary.sql and grants/40_services.sql, which make it and grant it.'
    ) }}
  {%- endif -%}
  {%- set refusal = dbt_envs_refuse_door(relation.schema, 'create') -%}
  {%- if refusal -%}{{ exceptions.raise_compiler_error(refusal) }}{%- endif -%}
  {%- call statement('create_schema') -%}
    call acme_door.create_schema('{{ relation.schema }}')
  {%- endcall -%}
{%- endmacro %}

{#-
  One call drops up to 500 relations, and the schema with the last of them: locks are limited. Call it until the schema
  is gone; each call is a transaction of its own.
-#}
{% macro postgres__drop_schema(relation) -%}
  {%- call statement('drop_schema') -%}
    call acme_door.drop_schema('{{ relation.schema | replace("'", "''") }}')
  {%- endcall -%}
{%- endmacro %}
