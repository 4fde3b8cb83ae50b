{#-
  Nobody drops the schema before that day, and no close of a pull request does; a year ahead at most. null takes the pin away.

      dbt run-operation keep_schema --args '{schema: dev_priya, until: 2027-01-31}'                 as its owner
      DBT_CI_LOGIN=acme_janitor dbt run-operation keep_schema --target ci --args '{schema: pr_142, until: 2027-01-31}'

  The last line is JSON, {"schema": "dev_priya", "keep_until": "2027-01-31T00:00:00Z"}.
-#}
{% macro keep_schema(schema, until) %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set known = dbt_envs_answers() -%}
  {%- if modules.re.fullmatch(known['dev_pattern'], schema | string) is none and modules.re.fullmatch(known['pr_pattern'], schema | string) is none -%}
    {{ exceptions.raise_compiler_error('"' ~ schema ~ '" is no environment schema: dev_<name> or pr_<number>, its whole name.') }}
  {%- elif until is not none and modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', until | string) is none -%}
    {{ exceptions.raise_compiler_error('"' ~ until ~ '" is no day: write it as 2027-01-31, or null for no longer.') }}
  {%- endif -%}
  {%- set refusal = dbt_envs_refuse_door(schema, 'keep') -%}
  {%- if refusal -%}{{ exceptions.raise_compiler_error(refusal) }}{%- endif -%}
  {%- set midnight = 'null' if until is none else "'" ~ until ~ "T00:00:00Z'" -%}
  {%- if until is not none and run_query('select ' ~ midnight ~ '::timestamptz <= now()').rows[0][0] -%}
    {{ exceptions.raise_compiler_error(until ~ ' is past: ' ~ schema ~ ' is kept until a day to come.') }}
  {%- endif -%}
  {%- call statement('keep_schema', auto_begin=true) -%}
    call acme_door.keep_schema('{{ schema }}', {{ midnight }})
  {%- endcall -%}
  {%- do adapter.commit() -%}
  {%- set until_now = postgres__dbt_envs_kept_until(schema) -%}
  {%- do print(schema ~ (' is kept until ' ~ until_now ~ '.' if until_now else ' is kept no longer.')) -%}
  {%- do print(tojson({'schema': schema, 'keep_until': until_now ~ 'T00:00:00Z' if until_now else none})) -%}
{% endmacro %}
