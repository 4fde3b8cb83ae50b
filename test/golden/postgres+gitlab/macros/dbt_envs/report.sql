{#-
  Facts for the page that scripts/dbt_envs/sweep_report.py writes. First writes the sizes of today down.

      DBT_CI_LOGIN=acme_janitor dbt run-operation report --target ci

  The last line is JSON. null: unknown. last_write_by_others is always null: PostgreSQL notes who owns a relation, and not
  who wrote to it last.
-#}
{% macro report() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- if target.user != 'acme_janitor' -%}
    {{ exceptions.raise_compiler_error('The report is made as acme_janitor, and this is ' ~ target.user
      ~ ': DBT_CI_LOGIN=acme_janitor dbt run-operation report --target ci, with its password.') }}
  {%- endif -%}
  {%- call statement('note_sizes', auto_begin=true) -%}
    call acme_door.note_sizes()
  {%- endcall -%}
  {%- do adapter.commit() -%}
  {%- do run_query("set lock_timeout = '60s'") -%}
  {%- set query -%}
    with today as (
      select (now() at time zone 'UTC')::date as day
    ),
    since as (
      select coalesce(
        (select max(s.day) from acme_door.size as s, today as t where s.day <= t.day - 30),
        (select min(s.day) from acme_door.size as s, today as t where s.day < t.day)
      ) as day
    ),
    storage as (
      select
        schema_name,
        case
          when schema_name in ('analytics', 'staging') then 'prod'
          when schema_name ~ '^pr_[1-9][0-9]{0,9}$' then 'ci'
          else 'dev'
        end as environment,
        case when n.schema_name is null then 0 else n.bytes end as bytes,
        case when w.day is null then null when p.schema_name is null then 0 else p.bytes end as bytes_then
      from (select s.schema_name, s.bytes from acme_door.size as s, today as t where s.day = t.day) as n
      full join (select s.schema_name, s.bytes from acme_door.size as s, since as w where s.day = w.day) as p using (schema_name)
      cross join since as w
    )
    select json_build_object(
      'at', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      'can_write', (select coalesce(json_agg(json_build_object('login', a.login, 'how', a.how, 'verdict', a.verdict)), '[]') from acme_door.audit() as a),
      'strangers', (
        select coalesce(json_agg(json_build_object(
          'relation', format('%I.%I', n.nspname, c.relname), 'owner', pg_get_userbyid(c.relowner)
        ) order by n.nspname, c.relname), '[]')
        from pg_namespace as n
        inner join pg_class as c on c.relnamespace = n.oid
        where n.nspname in ('analytics', 'staging')
          and c.relkind in ('r', 'p', 'v', 'm', 'f')
          and pg_get_userbyid(c.relowner) not in ('acme_prod_service', 'acme_prod_owner')
      ),
      'last_write_by_others', null,
      'proofs', (
        select coalesce(json_agg(json_build_object(
          'identity', case p.identity when 'developer' then 'dev' when 'ci_service' then 'ci' when 'prod_service' then 'prod' else p.identity end,
          'login', p.login,
          'at', to_char(p.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
          'acts', p.acts,
          'wrong', p.wrong
        ) order by p.identity, p.login), '[]')
        from acme_door.proof as p
      ),
      'since', (select w.day from since as w),
      'storage', (
        select coalesce(json_agg(json_build_object(
          'environment', s.environment,
          'who', case s.environment when 'dev' then substr(s.schema_name, 5) end,
          'schema', s.schema_name,
          'bytes', s.bytes,
          'bytes_then', s.bytes_then
        ) order by s.schema_name), '[]')
        from storage as s
      ),
      'largest_dev', (
        select coalesce(json_agg(json_build_object('relation', r.relation, 'bytes', r.bytes) order by r.bytes desc, r.relation), '[]')
        from (
          select format('%I.%I', n.nspname, c.relname) as relation, pg_total_relation_size(c.oid) as bytes
          from pg_namespace as n
          inner join pg_class as c on c.relnamespace = n.oid
          where n.nspowner = to_regrole('acme_env_owner')
            and n.nspname collate "C" ~ '^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$'
            and c.relkind in ('r', 'm')
            and c.oid not in (
              select coalesce(x.indrelid, k.relation)
              from pg_locks as k
              left join pg_index as x on x.indexrelid = k.relation
              where k.relation is not null and k.mode = 'AccessExclusiveLock'
            )
          order by 2 desc nulls last, 1
          limit 10
        ) as r
      ),
      'cleared', (
        select coalesce(json_agg(json_build_object(
          'schema', s.schema_name, 'at', to_char(s.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'how', s.how, 'bytes', s.bytes
        ) order by s.at, s.schema_name), '[]')
        from acme_door.swept as s
        where s.how = 'dropped' and s.at > now() - interval '30 days'
      )
    )::text
  {%- endset -%}
  {%- set facts = fromjson(run_query(query).rows[0][0]) -%}
  {%- for one in facts['strangers'] -%}{%- do print(one['relation'] ~ ' of production belongs to ' ~ one['owner']) -%}{%- endfor -%}
  {%- do print(facts['storage'] | length ~ ' schemas measured, ' ~ facts['cleared'] | length ~ ' cleared in 30 days, ' ~ facts['proofs'] | length ~ ' proofs') -%}
  {%- do print(tojson(facts)) -%}
{% endmacro %}
