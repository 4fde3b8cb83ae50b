{#-
  The relations of one schema for the review card (macros/dbt_envs/review_card.sql says what each entry holds), from the
  information schema, which shows what this role has some right on. Snowflake counts a table from its metadata and reads
  nothing, so scan is 0; a dynamic or external table's count may be work.
-#}
{% macro snowflake__dbt_envs_relations(database, schema) %}
  {%- set query -%}
    select to_json(object_construct_keep_null(
      'name', iff(rlike(t.table_name, '[A-Z_][A-Z0-9_$]*'), lower(t.table_name), t.table_name),
      'sql', '{{ database }}.{{ schema }}."' || replace(t.table_name, '"', '""') || '"',
      'kind', case
        when t.is_dynamic = 'YES' then 'dynamic table'
        when t.table_type in ('BASE TABLE', 'LOCAL TEMPORARY') then 'table'
        when t.table_type = 'EVENT TABLE' then 'event table'
        else lower(t.table_type)
      end,
      'scan', iff(t.table_type = 'BASE TABLE' and t.is_dynamic = 'NO', 0, null),
      'estimate', t.row_count,
      'columns', array_agg(array_construct(
        iff(rlike(c.column_name, '[A-Z_][A-Z0-9_$]*'), lower(c.column_name), c.column_name),
        case
          when c.data_type = 'NUMBER' then 'NUMBER(' || c.numeric_precision || ',' || c.numeric_scale || ')'
          when c.data_type = 'TEXT' then 'VARCHAR(' || c.character_maximum_length || ')'
          else c.data_type
        end
      )) within group (order by c.ordinal_position)
    ))
    from {{ database }}.information_schema.tables as t
    left join {{ database }}.information_schema.columns as c
      on c.table_schema = t.table_schema and c.table_name = t.table_name
    where t.table_schema = upper('{{ schema | replace("'", "''") }}') and t.table_name <> 'DBT_ENVS_KEEP'
    group by t.table_name, t.is_dynamic, t.table_type, t.row_count
    order by t.table_name
  {%- endset -%}
  {%- set relations = {} -%}
  {%- for row in run_query(query).rows -%}
    {%- set relation = fromjson(row[0]) -%}
    {%- do relations.update({relation['name']: relation}) -%}
  {%- endfor -%}
  {{ return(relations) }}
{% endmacro %}
