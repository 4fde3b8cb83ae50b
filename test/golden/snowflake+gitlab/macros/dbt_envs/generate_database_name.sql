{#- Outside production everything stays in the environment's own database, whatever was set. -#}
{% macro generate_database_name(custom_database_name=none, node=none) -%}
  {%- if target.name == 'prod' and custom_database_name -%}
    {{ custom_database_name | trim }}
  {%- else -%}
    {{ target.database }}
  {%- endif -%}
{%- endmacro %}
