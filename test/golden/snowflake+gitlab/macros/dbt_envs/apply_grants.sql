{#-
  In a schema with managed access its owner alone grants, and that is nobody's role: who reads is in roster.yml and grants/.
  A `grants` config would stop the build; it is passed over, and said.
  https://docs.snowflake.com/en/user-guide/security-access-control-configure#creating-managed-access-schemas
-#}
{% macro snowflake__apply_grants(relation, grant_config, should_revoke=True) -%}
  {%- if grant_config -%}
    {%- do log('The grants config of ' ~ relation ~ ' is passed over: who reads is in roster.yml and grants/.', info=true) -%}
  {%- endif -%}
{%- endmacro %}
