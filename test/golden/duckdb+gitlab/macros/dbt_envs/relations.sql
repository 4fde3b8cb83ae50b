{#-
  The relations of one schema for the review card (macros/dbt_envs/review_card.sql says what each entry holds). count(*)
  costs nothing here: DuckDB answers it from what it notes of each group of rows.
-#}
{% macro duckdb__dbt_envs_relations(database, schema) %}
  {%- if database == duckdb__dbt_envs_prod_database() -%}
    {%- set attach = duckdb__dbt_envs_on_run_start() -%}
    {%- if attach -%}{%- do run_query(attach) -%}{%- endif -%}
  {%- endif -%}
  {%- set parts = ['r.schema_name', 'r.name'] if database == target.database else ['r.database_name', 'r.schema_name', 'r.name'] -%}
  {%- set query -%}
    select to_json({
      'name': r.name,
      'sql': concat_ws('.', {% for part in parts %}'"' || replace({{ part }}, '"', '""') || '"'{{ ', ' if not loop.last }}{% endfor %}),
      'kind': r.kind,
      'scan': case r.kind when 'table' then 0 end,
      'estimate': r.estimate,
      'columns': (
        select list([c.column_name, c.data_type] order by c.column_index)
        from duckdb_columns() as c
        where c.database_name = r.database_name and c.schema_name = r.schema_name and c.table_name = r.name
      )
    })::varchar
    from (
      select database_name, schema_name, table_name as name, 'table' as kind, estimated_size as estimate from duckdb_tables()
      union all
      select database_name, schema_name, view_name, 'view', null from duckdb_views()
    ) as r
    where r.database_name = '{{ database | replace("'", "''") }}' and r.schema_name = '{{ schema | replace("'", "''") }}'
    order by r.name
  {%- endset -%}
  {%- set relations = {} -%}
  {%- for row in run_query(query).rows -%}
    {%- set relation = fromjson(row[0]) -%}
    {%- do relations.update({relation['name']: relation}) -%}
  {%- endfor -%}
  {{ return(relations) }}
{% endmacro %}
