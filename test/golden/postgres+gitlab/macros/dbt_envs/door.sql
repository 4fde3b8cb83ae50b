{#- Why the door does not let this login do that with this schema, in one line and with the way out; or none. -#}
{% macro dbt_envs_refuse_door(schema, act) %}
  {%- set found = run_query(
    "select case when has_schema_privilege(oid, 'USAGE') then 'open' else 'closed' end"
    ~ " from pg_catalog.pg_namespace where nspname = 'acme_door'"
  ) -%}
  {%- if found | length == 0 -%}
    {{ return('Database "' ~ target.database ~ '" has no acme_door yet, through which ' ~ schema
      ~ ' would be made: an administrator runs grants/10_roles.sql to grants/50_readers.sql there (grants/README.md).') }}
  {%- elif found.rows[0][0] == 'closed' and target.name == 'dev' -%}
    {{ return('Login "' ~ target.user ~ '" is not on the roster of database "' ~ target.database
      ~ '" yet: an administrator runs grants/30_developers.sql there. Is your login another one? Set DBT_DEV_LOGIN.') }}
  {%- elif found.rows[0][0] == 'closed' -%}
    {{ return('Login "' ~ target.user ~ '" may not use acme_door: target ' ~ target.name ~ ' logs in as acme_ci_service (DBT_CI_LOGIN).') }}
  {%- endif -%}
  {%- set answer = run_query("select acme_door.refusal('" ~ schema | replace("'", "''") ~ "', '" ~ act ~ "')").rows[0][0] -%}
  {{ return(('In database "' ~ target.database ~ '", ' ~ answer ~ '.') if answer else none) }}
{% endmacro %}

{#- Before a build: this schema is in use today. The sweep drops what nobody has used for a long time. -#}
{% macro postgres__dbt_envs_on_run_start() %}
  {%- if target.name == 'prod' -%}{{ return('') }}{%- endif -%}
  {%- set refusal = dbt_envs_refuse_door(target.schema, 'use') -%}
  {%- if refusal -%}{{ exceptions.raise_compiler_error(refusal) }}{%- endif -%}
  {{ return("call acme_door.touch('" ~ target.schema ~ "')") }}
{% endmacro %}

{#- The day until which somebody keeps this schema, or none: drop_schema would refuse. -#}
{% macro postgres__dbt_envs_kept_until(schema) %}
  {%- set query -%}
    select to_char(keep_until at time zone 'UTC', 'YYYY-MM-DD')
    from acme_door.environment
    where schema_name = '{{ schema | replace("'", "''") }}' and keep_until > now()
  {%- endset -%}
  {%- set kept = run_query(query).rows -%}
  {{ return(kept[0][0] if kept else none) }}
{% endmacro %}
