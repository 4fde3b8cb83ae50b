{#-
  Lists this project's environment schemas, with their age and size; schemas of such a name that belong to somebody else
  are not this project's and are left out.

      dbt run-operation env_schemas

  The last line is JSON, {"schemas": [...]}. Times are UTC. unknown: made before this registry, or by hand.
-#}
{% macro env_schemas() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set query -%}
    select
      n.nspname,
      coalesce(e.created_by::text, 'unknown'),
      coalesce(to_char(e.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'unknown'),
      coalesce(to_char(e.last_used_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'unknown'),
      to_char(e.closed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      to_char(e.keep_until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      count(c.oid) filter (where c.relkind in ('r', 'p', 'v', 'm', 'f')),
      coalesce(sum(pg_total_relation_size(c.oid)) filter (where c.relkind in ('r', 'm')), 0)::bigint
    from pg_namespace as n
    left join acme_door.environment as e on e.schema_name = n.nspname
    left join pg_class as c on c.relnamespace = n.oid
    where n.nspowner = to_regrole('acme_env_owner')
      and n.nspname collate "C" ~ '(^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$)|(^pr_[1-9][0-9]{0,9}$)'
    group by 1, 2, 3, 4, 5, 6
    order by 1
  {%- endset -%}
  {%- set schemas = [] -%}
  {%- for row in run_query(query).rows -%}
    {%- do schemas.append({
      'schema': row[0], 'created_by': row[1], 'created_at': row[2], 'last_used_at': row[3],
      'closed_at': row[4], 'keep_until': row[5], 'relations': row[6] | int, 'bytes': row[7] | int
    }) -%}
    {%- do print(row[0] ~ ': ' ~ row[6] | int ~ ' relations, last used ' ~ row[3] ~ ', made by ' ~ row[1]) -%}
  {%- endfor -%}
  {%- do print(tojson({'schemas': schemas})) -%}
{% endmacro %}
