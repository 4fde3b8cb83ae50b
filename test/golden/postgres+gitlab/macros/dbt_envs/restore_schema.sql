{#-
  PostgreSQL has no undo for a dropped schema: this says what helps, and fails.

      dbt run-operation restore_schema --args '{schema: pr_142}'
-#}
{% macro restore_schema(schema) %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {{ exceptions.raise_compiler_error(
    'PostgreSQL cannot bring ' ~ schema ~ ' back: it has no undo. Build it again; what cannot be built again comes from a backup of the database.'
  ) }}
{% endmacro %}
