{#-
  Drops environment schemas that nobody needs. scripts/dbt_envs/sweep.py says which, and why.

      DBT_CI_LOGIN=acme_janitor dbt run-operation drop_stale_schemas --target ci --args '{
        candidates: [pr_142], listed_at: "2026-11-27T03:43:00.123456Z", dry_run: true}'

  Each is looked at once more: its name is whole, this project owns it, nobody keeps it, nobody has used it since listed_at,
  which env_schemas gave, nor within the days that grants/20_boundary.sql holds, and nothing outside the environments is built
  on it, in production for instance: that CASCADE would take along. The door looks itself, with every step, and each step drops
  up to 500 relations, in a transaction of its own. Cut short between two steps, the schema is smaller and is finished the next
  night.
  What somebody reads is waited for, 30 seconds. A failure is collected and the next one tried.

  The last line is JSON, {"cleared": [...], "kept": [...], "failed": [...]}; an error follows where something failed.
-#}
{% macro drop_stale_schemas(candidates, listed_at, dry_run=false) %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- if target.name != 'ci' -%}
    {{ exceptions.raise_compiler_error('Only target ci sweeps, and this is target ' ~ target.name ~ ': add --target ci.') }}
  {%- elif candidates is string or candidates is mapping or candidates is not iterable -%}
    {{ exceptions.raise_compiler_error('candidates is a list of schemas, e.g. [pr_142, pr_143].') }}
  {%- elif dry_run is not boolean -%}
    {{ exceptions.raise_compiler_error('dry_run is true or false, and was "' ~ dry_run ~ '".') }}
  {%- elif modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?(Z|[+]00:00)', listed_at | string) is none -%}
    {{ exceptions.raise_compiler_error('listed_at is what env_schemas said, e.g. 2026-11-27T03:43:00.123456Z, and was "' ~ listed_at ~ '".') }}
  {%- endif -%}

  {%- set answer = {'cleared': [], 'kept': [], 'failed': []} -%}
  {%- for schema in candidates | map('string') | unique -%}
    {%- set seen = dbt_envs_stale_schema(schema, listed_at) -%}
    {%- if seen['why'] -%}
      {%- do answer['kept'].append({'schema': schema, 'why': seen['why']}) -%}
    {%- elif seen['outside'] -%}
      {%- do answer['failed'].append({'schema': schema, 'why': 'what is in no environment is built on it and would go too, so it stays: '
        ~ seen['outside'][:3] | join(', ') ~ ((' and ' ~ (seen['outside'] | length - 3) ~ ' more') if seen['outside'] | length > 3 else '') }) -%}
    {%- else -%}
      {%- set outcome = 'dropped' if dry_run else dbt_envs_sweep_schema(schema, listed_at) -%}
      {#- On one line, whatever names are in it: dbt prints it after the answer, and no line of it is to be taken for one. -#}
      {%- set result, _, why = (outcome.split() | join(' ')).partition(': ') -%}
      {%- if result == 'dropped' -%}
        {%- do answer['cleared'].append({'schema': schema, 'how': 'dropped', 'relations': seen['relations'], 'took_along': seen['took_along']}) -%}
      {%- elif result == 'failed' -%}
        {%- do answer['failed'].append({'schema': schema, 'why': why}) -%}
      {%- else -%}
        {%- do answer['kept'].append({'schema': schema, 'why': why or 'somebody else has dropped it just now'}) -%}
      {%- endif -%}
    {%- endif -%}
  {%- endfor -%}

  {%- for one in answer['cleared'] -%}
    {%- do print(one['schema'] ~ (': would be dropped, ' if dry_run else ': dropped, ') ~ one['relations'] ~ ' relations'
      ~ ((', and with it ' ~ one['took_along'] | join(', ')) if one['took_along'] else '')) -%}
  {%- endfor -%}
  {%- for one in answer['kept'] -%}{%- do print(one['schema'] ~ ': kept: ' ~ one['why']) -%}{%- endfor -%}
  {%- for one in answer['failed'] -%}{%- do print(one['schema'] ~ ': FAILED: ' ~ one['why']) -%}{%- endfor -%}
  {%- do print(tojson(answer)) -%}
  {%- if answer['failed'] -%}
    {{ exceptions.raise_compiler_error('Could not drop ' ~ answer['failed'] | map(attribute='schema') | join(', ') ~ '. The first: ' ~ answer['failed'][0]['why']) }}
  {%- endif -%}
{% endmacro %}

{#- Steps until the schema is gone or one of them is refused; what the last one said. -#}
{% macro dbt_envs_sweep_schema(schema, listed_at) %}
  {%- set last = namespace(outcome='more', steps=0) -%}
  {%- for step in range(10000) if last.outcome == 'more' -%}
    {%- call statement('sweep_schema', fetch_result=true, auto_begin=true) -%}
      call acme_door.sweep_schema('{{ schema }}', '{{ listed_at }}')
    {%- endcall -%}
    {%- do adapter.commit() -%}
    {%- set last.outcome = load_result('sweep_schema')['data'][0][0] -%}
    {%- set last.steps = loop.index -%}
  {%- endfor -%}
  {%- if last.steps > 1 and last.outcome.partition(': ')[0] == 'kept' -%}
    {{ return(last.outcome ~ '; up to ' ~ (last.steps - 1) * 500 ~ ' of its relations are gone already') }}
  {%- endif -%}
  {{ return(last.outcome) }}
{% endmacro %}

{#-
  One schema before it is dropped: why it must stay, or none; its relations; and what others have built on it, which
  CASCADE takes along. outside: those of them that are in no environment.
-#}
{% macro dbt_envs_stale_schema(schema, listed_at) %}
  {%- if modules.re.fullmatch(dbt_envs_answers()['dev_pattern'], schema) is none and modules.re.fullmatch(dbt_envs_answers()['pr_pattern'], schema) is none -%}
    {{ return({'why': 'its name is not the whole name of an environment schema, dev_<name> or pr_<number>'}) }}
  {%- endif -%}
  {%- set query -%}
    with swept as (
      select n.oid, pg_get_userbyid(n.nspowner) as owner, e.keep_until, e.last_used_at
      from pg_namespace as n
      left join acme_door.environment as e on e.schema_name = n.nspname
      where n.nspname = '{{ schema }}'
    ),
    along as (
      select b.identity, b.outside from acme_door.built_on('{{ schema }}') as b
    )
    select json_build_object(
      'why', coalesce((
        select case
          when s.owner <> 'acme_env_owner' then format('it belongs to %s, not to this project', s.owner)
          when s.keep_until > now() then format('it is kept until %s', to_char(s.keep_until at time zone 'UTC', 'YYYY-MM-DD'))
          when s.last_used_at > '{{ listed_at }}'::timestamptz
            then format('used at %s, after it was listed', to_char(s.last_used_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
          when acme_door.used_lately('{{ schema }}', s.last_used_at)
            then format(
              'used at %s, and it stays until %s days have passed without a use',
              to_char(s.last_used_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), acme_door.days_unused('{{ schema }}')
            )
          else ''
        end
        from swept as s
      ), 'it is gone already'),
      'relations', (
        select count(*)
        from swept as s
        inner join pg_class as c on c.relnamespace = s.oid
        where c.relkind in ('r', 'p', 'v', 'm', 'f')
      ),
      'took_along', (select coalesce(json_agg(a.identity order by a.identity), '[]') from along as a),
      'outside', (select coalesce(json_agg(a.identity order by a.identity) filter (where a.outside), '[]') from along as a)
    )::text
  {%- endset -%}
  {{ return(fromjson(run_query(query).rows[0][0])) }}
{% endmacro %}
