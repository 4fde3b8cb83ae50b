{#-
  Drops the schema of one pull request, pr_<number>, with all that is in it, and nothing else.

      PR_NUMBER=142 dbt run-operation drop_pr_schema --target ci

  The number may also be given as an argument: --args '{pr: 142}'. A schema that is not there is no error, and neither is
  one that somebody keeps (keep_schema): it stays. The last line of the output is JSON, {"dropped": ["pr_142"]}.
-#}
{% macro drop_pr_schema(pr=none) %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set schema = dbt_envs_pr_schema(pr) -%}
  {%- set place = schema ~ ' in ' ~ target.database -%}
  {%- if target.name != 'ci' -%}
    {{ exceptions.raise_compiler_error('Only target ci drops ' ~ schema ~ ', and this is target ' ~ target.name ~ ': add --target ci.') }}
  {%- endif -%}

  {%- if not adapter.check_schema_exists(target.database, schema) -%}
    {%- do print('There is no ' ~ place ~ ': nothing to drop.') -%}
    {%- do print(tojson({'dropped': []})) -%}
    {{ return('') }}
  {%- endif -%}

  {%- set kept_until = dbt_envs_kept_until(schema) -%}
  {%- if kept_until -%}
    {%- do print(place ~ ' is kept until ' ~ kept_until ~ ': nothing is dropped. The nightly sweep drops it after that day.') -%}
    {%- do print(tojson({'dropped': []})) -%}
    {{ return('') }}
  {%- endif -%}

  {#- A warehouse may need several goes for a large schema; each is a statement and a transaction of its own. -#}
  {%- set relation = api.Relation.create(database=target.database, schema=schema) -%}
  {%- set still = namespace(there=true) -%}
  {%- for attempt in range(100) if still.there -%}
    {%- do adapter.drop_schema(relation) -%}
    {%- set still.there = adapter.check_schema_exists(target.database, schema) -%}
  {%- endfor -%}
  {%- if still.there -%}
    {{ exceptions.raise_compiler_error('The warehouse was told to drop ' ~ place ~ ', raised no error, and the schema is still there.') }}
  {%- endif -%}
  {%- do print('Dropped ' ~ place ~ '.') -%}
  {%- do print(tojson({'dropped': [schema]})) -%}
{% endmacro %}

{#- pr_<number>, for the number that was given, or for PR_NUMBER. Anything that is no whole number from 1 up is refused. -#}
{% macro dbt_envs_pr_schema(pr=none) %}
  {%- set number = (env_var('PR_NUMBER', '') if pr is none else pr) | string -%}
  {%- set schema = 'pr_' ~ number -%}
  {%- if modules.re.fullmatch(dbt_envs_answers()['pr_pattern'], schema) is none -%}
    {{ exceptions.raise_compiler_error(
      '"' ~ number ~ '" is no pull request: set PR_NUMBER to its number, e.g. PR_NUMBER=142.'
    ) }}
  {%- endif -%}
  {{ return(schema) }}
{% endmacro %}

{#- The day until which somebody keeps this schema, 2027-01-31; none where nobody does, or where the warehouse notes no such thing. -#}
{% macro dbt_envs_kept_until(schema) %}
  {{ return(adapter.dispatch('dbt_envs_kept_until')(schema)) }}
{% endmacro %}

{% macro default__dbt_envs_kept_until(schema) %}
  {{ return(none) }}
{% endmacro %}
