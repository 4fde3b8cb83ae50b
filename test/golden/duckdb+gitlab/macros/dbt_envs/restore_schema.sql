{#- DuckDB has no undo: what was dropped is built again, or copied back from a backup of its file. -#}
{% macro restore_schema(schema) %}
  {{ exceptions.raise_compiler_error('Nothing was restored: DuckDB has no undo. Build "' ~ schema
    ~ '" again, or copy its file back from a backup while nobody has it open.') }}
{% endmacro %}
