{#-
  Names everybody who can write production or pass the boundary beside it, and through what. The same as the first part of
  grants/audit.sql, up to two hours behind.

      dbt run-operation audit

  Fails when a line is a HOLE; grants/audit.sql says how to accept one that is meant. The last line is JSON, {"can_write": [...]}.
-#}
{% macro audit() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set can_write = [] -%}
  {%- for row in fromjson(run_query('call acme_nonprod.acme_door.audit()').rows[0][0]) -%}
    {%- do can_write.append({'login': row['login'], 'how': row['how'], 'verdict': row['verdict'], 'administrator': row['verdict'] == 'administrator'}) -%}
    {%- do print('%-13s | %s | %s' | format(row['verdict'], row['login'], row['how'])) -%}
  {%- endfor -%}
  {%- set holes = can_write | selectattr('verdict', 'equalto', 'HOLE') | list -%}
  {%- do print(tojson({'can_write': can_write})) -%}
  {%- if holes -%}
    {{ exceptions.raise_compiler_error(holes | length ~ ' ways to write production are open. The first: ' ~ holes[0]['login'] ~ ', ' ~ holes[0]['how']
      ~ '. Revoke it, or have an administrator accept it as grants/audit.sql says.') }}
  {%- endif -%}
{% endmacro %}
