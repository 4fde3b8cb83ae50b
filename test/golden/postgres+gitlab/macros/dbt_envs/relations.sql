{#-
  The relations of one schema for the review card (macros/dbt_envs/review_card.sql says what each entry holds). The
  catalogue is open to every login, whatever it may read; estimates are ANALYZE's and autovacuum's.
-#}
{% macro postgres__dbt_envs_relations(database, schema) %}
  {%- set query -%}
    select json_build_object(
      'name', c.relname,
      'sql', format('%I.%I', n.nspname, c.relname),
      'kind', case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table' else 'table' end,
      'scan', case
        when c.relkind in ('v', 'f') or not has_schema_privilege(n.oid, 'USAGE') or not has_table_privilege(c.oid, 'SELECT') then null
        when c.relkind = 'p' then (select coalesce(sum(pg_relation_size(relid)), 0) from pg_partition_tree(c.oid))
        else pg_relation_size(c.oid)
      end,
      -- -1: never analysed
      'estimate', case when c.relkind <> 'v' and c.reltuples >= 0 then c.reltuples::bigint end,
      'columns', (
        select coalesce(json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod)) order by a.attnum), '[]')
        from pg_catalog.pg_attribute as a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      )
    )::text
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = '{{ schema | replace("'", "''") }}'
      and current_database() = '{{ database | replace("'", "''") }}'
      and c.relkind in ('r', 'p', 'v', 'm', 'f')
    order by c.relname
  {%- endset -%}
  {%- set relations = {} -%}
  {%- for row in run_query(query).rows -%}
    {%- set relation = fromjson(row[0]) -%}
    {%- do relations.update({relation['name']: relation}) -%}
  {%- endfor -%}
  {{ return(relations) }}
{% endmacro %}
