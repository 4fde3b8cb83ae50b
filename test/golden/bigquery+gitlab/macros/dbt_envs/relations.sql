{#-
  The relations of one dataset for the review card (macros/dbt_envs/review_card.sql says what each entry holds). Whoever may
  read the dataset may ask it. BigQuery counts a table of its own from metadata and reads nothing, so scan is 0; __TABLES__ has
  rows and is what dbt's own catalog reads. A dataset that is not there, or is closed to this login, has none.
-#}
{% macro bigquery__dbt_envs_relations(database, schema) %}
  {%- set dataset = '`' ~ database ~ '`.' ~ schema -%}
  {%- set query -%}
    select to_json_string(struct(
      t.table_name as name,
      format('`%s`.`%s`.`%s`', t.table_catalog, t.table_schema, t.table_name) as sql,
      case t.table_type
        when 'BASE TABLE' then 'table'
        when 'CLONE' then 'table'
        when 'EXTERNAL' then 'external table'
        when 'SNAPSHOT' then 'snapshot table'
        else lower(t.table_type)
      end as kind,
      if(t.table_type in ('BASE TABLE', 'CLONE', 'SNAPSHOT'), 0, null) as scan,
      if(t.table_type in ('BASE TABLE', 'CLONE', 'SNAPSHOT'), r.row_count, null) as estimate,
      c.columns as columns
    ))
    from {{ dataset }}.INFORMATION_SCHEMA.TABLES as t
    left join {{ dataset }}.__TABLES__ as r on r.table_id = t.table_name
    left join (
      select table_name, array_agg(struct(column_name as name, data_type as type) order by ordinal_position) as columns
      from {{ dataset }}.INFORMATION_SCHEMA.COLUMNS
      group by table_name
    ) as c on c.table_name = t.table_name
    where not regexp_contains(t.table_name, r'^dbt_envs_')
    order by t.table_name
  {%- endset -%}
  {%- set relations = {} -%}
  {%- for row in dbt_envs_rows_or_none(query) or [] -%}
    {%- set relation = fromjson(row) -%}
    {%- set columns = [] -%}
    {%- for column in relation['columns'] or [] -%}{%- do columns.append([column['name'], column['type']]) -%}{%- endfor -%}
    {%- do relation.update({'columns': columns}) -%}
    {%- do relations.update({relation['name']: relation}) -%}
  {%- endfor -%}
  {{ return(relations) }}
{% endmacro %}
