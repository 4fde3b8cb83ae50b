{#-
  Names everybody who can write production or pass the boundary beside it, and through what; and what the boundary
  lacks. The same as grants/audit.sql.

      dbt run-operation audit

  Fails when a line is a HOLE; the error says how to accept one that is meant. The last line is JSON, {"can_write": [...]}.
-#}
{% macro audit() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set can_write = [] -%}
  {%- for row in run_query('select login, how, verdict from acme_door.audit()').rows -%}
    {%- do can_write.append({'login': row[0], 'how': row[1], 'verdict': row[2], 'administrator': row[2] == 'administrator'}) -%}
    {%- do print('%-13s | %s | %s' | format(row[2], row[0], row[1])) -%}
  {%- endfor -%}
  {%- set error = run_query('select acme_door.audit_error()').rows[0][0] -%}
  {%- do print(tojson({'can_write': can_write})) -%}
  {%- if error -%}{{ exceptions.raise_compiler_error(error) }}{%- endif -%}
{% endmacro %}
