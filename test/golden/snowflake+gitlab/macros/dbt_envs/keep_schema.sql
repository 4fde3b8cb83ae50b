{#-
  Nobody drops the schema before that day, and no close of a pull request does; a year ahead at most. null takes the pin away.

      dbt run-operation keep_schema --args '{schema: dev_priya, until: 2027-01-31}'                 as its owner
      DBT_CI_LOGIN=acme_janitor dbt run-operation keep_schema --target ci --args '{schema: pr_142, until: 2027-01-31}'

  A developer's pin is a view in their own schema, dbt_envs_keep, which nobody else can make there: the sweep reads its comment.
  The last line is JSON, {"schema": "dev_priya", "keep_until": "2027-01-31T00:00:00Z"}.
-#}
{% macro keep_schema(schema, until) %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set known = dbt_envs_answers() -%}
  {%- if modules.re.fullmatch(known['dev_pattern'], schema | string) is none and modules.re.fullmatch(known['pr_pattern'], schema | string) is none -%}
    {{ exceptions.raise_compiler_error('"' ~ schema ~ '" is no environment schema: dev_<name> or pr_<number>, its whole name.') }}
  {%- elif until is not none and modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', until | string) is none -%}
    {{ exceptions.raise_compiler_error('"' ~ until ~ '" is no day: write it as 2027-01-31, or null for no longer.') }}
  {%- elif target.name == 'dev' and schema != target.schema -%}
    {{ exceptions.raise_compiler_error('You keep your own schema, ' ~ target.schema ~ ', and ' ~ schema ~ ' is not yours: the janitor keeps any.') }}
  {%- elif target.name == 'prod' -%}
    {{ exceptions.raise_compiler_error('Production keeps no environment schema: its owner does, or the janitor.') }}
  {%- endif -%}
  {%- if until is not none -%}
    {%- set day = "'" ~ until ~ "'::date" -%}
    {%- set fits = run_query('select ' ~ day ~ ' > current_date() and ' ~ day ~ " <= dateadd('day', 366, current_date())").rows[0][0] -%}
    {%- if not fits -%}
      {{ exceptions.raise_compiler_error(until ~ ' does not do: ' ~ schema ~ ' is kept until a day to come, a year ahead at most.') }}
    {%- endif -%}
  {%- endif -%}
  {%- if target.name == 'dev' and until is none -%}
    {%- do run_query('drop view if exists ' ~ target.database ~ '.' ~ schema ~ '.dbt_envs_keep') -%}
  {%- elif target.name == 'dev' -%}
    {%- do run_query('create or replace view ' ~ target.database ~ '.' ~ schema ~ ".dbt_envs_keep comment = '" ~ until ~ "' as select 1 as kept") -%}
  {%- else -%}
    {%- do dbt_envs_as_janitor('A pin on ' ~ schema) -%}
    {%- do run_query("call acme_nonprod.acme_door.keep_schema('" ~ schema ~ "', " ~ ('null' if until is none else "'" ~ until ~ "'") ~ ')') -%}
  {%- endif -%}
  {%- do print(schema ~ ((' is kept until ' ~ until ~ '.') if until is not none else ' is kept no longer.')) -%}
  {%- do print(tojson({'schema': schema, 'keep_until': (until ~ 'T00:00:00Z') if until is not none else none})) -%}
{% endmacro %}
