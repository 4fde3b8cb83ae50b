{#- Schemas that production has declared and cannot build in yet, and what to do. -#}
{% macro postgres__dbt_envs_prod_schema_problems() %}
  {%- set query -%}
    select
      s.name,
      case
        when n.oid is null then 'it is not there'
        when to_regrole('acme_prod_service') is null then 'there is no role acme_prod_service'
        when not has_schema_privilege('acme_prod_service', n.oid, 'CREATE') then 'acme_prod_service may not build in it'
        when not has_schema_privilege(n.oid, 'USAGE') then current_user || ' may not read it'
      end
    from unnest(array['{{ dbt_envs_answers()['prod_schemas'] | join("', '") }}']) with ordinality as s (name, place)
    left join pg_catalog.pg_namespace as n on n.nspname = s.name
    order by s.place
  {%- endset -%}
  {%- set problems = [] -%}
  {%- for row in run_query(query).rows if row[1] -%}
    {%- do problems.append({
      'schema': row[0],
      'why': row[1] ~ '. Before this is merged, an administrator runs grants/20_boundary.sql to grants/50_readers.sql of this branch.'
    }) -%}
  {%- endfor -%}
  {{ return(problems) }}
{% endmacro %}
