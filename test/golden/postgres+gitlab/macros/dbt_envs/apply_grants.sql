{#-
  In production a new table takes the place of the old one, and whoever could read the old one reads the new one: rights
  on a table go with the table. This runs after the swap and before its commit, so that no reader ever sees a gap.
  A `grants` config in the project works as ever, but does not take reading from the groups of this project.
-#}
{% macro postgres__apply_grants(relation, grant_config, should_revoke=True) -%}
  {%- do default__apply_grants(relation, grant_config, should_revoke) -%}
  {%- if target.name == 'prod' -%}
    {%- call statement('keep_readers') -%}
      call acme_door.keep_readers('{{ relation.schema }}', '{{ relation.identifier | replace("'", "''") }}', '{{ make_backup_relation(relation, "table").identifier | replace("'", "''") }}')
    {%- endcall -%}
  {%- endif -%}
{%- endmacro %}
