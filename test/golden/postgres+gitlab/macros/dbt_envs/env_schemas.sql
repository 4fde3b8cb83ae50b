{#-
  Lists this project's environment schemas, with their age and size; and, as others, schemas whose names merely begin like
  one or that belong to somebody else.

      dbt run-operation env_schemas

  The last line is JSON, {"listed_at": ..., "schemas": [...], "others": [...], "handover": ...}. Times are UTC. null: nobody
  knows. It is two queries, however many schemas there are.
-#}
{% macro env_schemas() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {#- A statement of its own, before the listing sees anything: grants/20_boundary.sql says why. -#}
  {%- set listed_at = run_query('call acme_door.look()').rows[0][0] -%}
  {#- What is taken in the meantime ends the night with an error instead of a wait for hours. -#}
  {%- do run_query("set lock_timeout = '60s'") -%}
  {%- set query -%}
    with named as (
      select
        n.oid,
        n.nspname,
        pg_get_userbyid(n.nspowner) as owner,
        n.nspowner = to_regrole('acme_env_owner') and n.nspname collate "C" ~ '(^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$)|(^pr_[1-9][0-9]{0,9}$)' as ours
      from pg_namespace as n
      where n.nspname ~* '^(dev|pr)_' and n.nspname <> all (array['analytics', 'staging', 'raw', 'crm']::name[])
    ),
    -- To measure a table that is being replaced at this moment would be to wait for that: for whoever holds it, or an index of
    -- it alone (REINDEX), and for whoever waits to, since nobody overtakes him.
    taken as (
      select distinct coalesce(x.indrelid, k.relation) as relation
      from pg_locks as k
      left join pg_index as x on x.indexrelid = k.relation
      where k.database = (select oid from pg_database where datname = current_database()) and k.mode = 'AccessExclusiveLock'
    ),
    content as (
      select
        n.oid,
        count(*) filter (where c.relkind in ('r', 'p', 'v', 'm', 'f')) as relations,
        case
          when bool_or(t.relation is not null) then null
          else coalesce(sum(case when c.relkind in ('r', 'm') and t.relation is null then pg_total_relation_size(c.oid) end), 0)::bigint
        end as bytes
      from named as n
      inner join pg_class as c on c.relnamespace = n.oid
      left join taken as t on t.relation = c.oid
      group by n.oid
    )
    select n.ours, case
      when n.ours then json_build_object(
        'schema', n.nspname,
        'created_by', nullif(e.created_by, 'acme_env_owner'),
        'created_at', to_char(e.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'last_used_at', to_char(e.last_used_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'closed_at', to_char(e.closed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
        'keep_until', case
          when e.keep_until = 'infinity' then '9999-12-31T00:00:00Z'
          else to_char(e.keep_until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
        end,
        'relations', coalesce(c.relations, 0),
        'bytes', case when c.oid is null then 0 else c.bytes end
      )
      else json_build_object(
        'schema', n.nspname,
        'owner', n.owner,
        'relations', coalesce(c.relations, 0),
        'bytes', case when c.oid is null then 0 else c.bytes end
      )
    end::text
    from named as n
    left join content as c on c.oid = n.oid
    left join acme_door.environment as e on e.schema_name = n.nspname
    order by n.nspname collate "C"
  {%- endset -%}
  {%- set schemas = [] -%}
  {%- set others = [] -%}
  {%- set lines = [] -%}
  {%- for row in run_query(query).rows -%}
    {%- set one = fromjson(row[1]) -%}
    {%- if row[0] -%}
      {%- do schemas.append(one) -%}
      {%- do lines.append(one['schema'] ~ ': ' ~ one['relations'] ~ ' relations, last used ' ~ (one['last_used_at'] or 'nobody knows when')
        ~ ', made by ' ~ (one['created_by'] or 'nobody knows whom')) -%}
    {%- else -%}
      {%- do others.append(one) -%}
      {%- do lines.append(one['schema'] ~ ': not this project\'s, ' ~ one['relations'] ~ ' relations, belongs to ' ~ one['owner']) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- do print(lines | join('\n')) -%}
  {%- do print(tojson({
    'listed_at': listed_at, 'schemas': schemas, 'others': others,
    'handover': 'an administrator hands it over by its name with grants/adopt_leftovers.sql'
  })) -%}
{% endmacro %}
