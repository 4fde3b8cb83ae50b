{#-
  Why nothing may be built in this schema, in one line, or none. The last question before a schema is made, and the one
  that check_isolation asks for every node.
-#}
{% macro dbt_envs_refuse_schema(schema) %}
  {%- set prod_schemas = dbt_envs_answers()['prod_schemas'] -%}
  {%- set refusal = dbt_envs_refuse_target() -%}
  {%- if refusal -%}
    {{ return(refusal) }}
  {%- elif target.name == 'ci' and target.schema == 'pr_none' -%}
    {{ return('Target ci builds a pull request and PR_NUMBER is not set: set it to the number, e.g. PR_NUMBER=142.') }}
  {%- elif target.name == 'prod' -%}
    {%- if schema not in prod_schemas -%}
      {{ return('Target prod may not build in "' ~ schema ~ '": production has declared ' ~ prod_schemas | join(', ') ~ '.') }}
    {%- endif -%}
  {%- elif schema != target.schema -%}
    {{ return('Target ' ~ target.name ~ ' may not build in "' ~ schema ~ '", only in "' ~ target.schema ~ '".') }}
  {%- endif -%}
  {{ return(none) }}
{% endmacro %}
