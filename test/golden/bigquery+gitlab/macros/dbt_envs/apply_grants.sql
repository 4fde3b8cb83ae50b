{#-
  Who reads is in roster.yml and grants/, a dataset at a time. A `grants` config would need bigquery.tables.setIamPolicy, which
  roles/bigquery.dataEditor does not have, so it would stop the build; it is passed over, and said.
  https://docs.cloud.google.com/bigquery/docs/access-control#bigquery.dataEditor
-#}
{% macro bigquery__apply_grants(relation, grant_config, should_revoke=True) -%}
  {%- if grant_config -%}
    {%- do log('The grants config of ' ~ relation ~ ' is passed over: who reads is in roster.yml and grants/.', info=true) -%}
  {%- endif -%}
{%- endmacro %}
