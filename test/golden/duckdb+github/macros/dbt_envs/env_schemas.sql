{#-
  Lists the environment schemas in the file of this target; every other environment has a file of its own. DuckDB notes
  neither who made a schema nor when: the file's own date is when it was last written.

      dbt run-operation env_schemas

  The last line is JSON, {"schemas": [...]}.
-#}
{% macro env_schemas() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set known = dbt_envs_answers() -%}
  {%- set query -%}
    select s.schema_name, count(t.table_name)
    from information_schema.schemata as s
    left join information_schema.tables as t on t.table_catalog = s.catalog_name and t.table_schema = s.schema_name
    where s.catalog_name = '{{ target.database }}'
      and regexp_full_match(s.schema_name, '({{ known['dev_pattern'] }})|({{ known['pr_pattern'] }})')
    group by s.schema_name
    order by s.schema_name
  {%- endset -%}
  {%- set schemas = [] -%}
  {%- for row in run_query(query).rows -%}
    {%- do schemas.append({
      'schema': row[0], 'created_by': 'unknown', 'created_at': 'unknown', 'last_used_at': 'unknown',
      'closed_at': none, 'keep_until': none, 'relations': row[1] | int, 'bytes': none
    }) -%}
    {%- do print(row[0] ~ ': ' ~ row[1] | int ~ ' relations, in ' ~ target.database ~ '.duckdb') -%}
  {%- endfor -%}
  {%- do print(tojson({'schemas': schemas})) -%}
{% endmacro %}
