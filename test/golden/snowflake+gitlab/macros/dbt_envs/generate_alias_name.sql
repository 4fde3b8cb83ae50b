{#-
  dbt's own rule, with one addition: outside production, where all custom schemas become one, a relation of a schema in
  var dbt_envs_prefixed_schemas is called <schema>__<name>, so that marts.orders and staging.orders can live together.
-#}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
  {%- if custom_alias_name -%}
    {%- set alias = custom_alias_name | trim -%}
  {%- elif node.version -%}
    {%- set alias = node.name ~ '_v' ~ (node.version | replace('.', '_')) -%}
  {%- else -%}
    {%- set alias = node.name -%}
  {%- endif -%}
  {%- set custom = (node.config.schema or '') | trim if node.config else '' -%}
  {%- if target.name != 'prod' and custom and custom in var('dbt_envs_prefixed_schemas', []) -%}
    {{ custom }}__{{ alias }}
  {%- else -%}
    {{ alias }}
  {%- endif -%}
{%- endmacro %}
