{#-
  Nobody clears the schema before that day, and no close of a pull request does; a year ahead at most. null takes the pin away.

      dbt run-operation keep_schema --args '{schema: dev_priya, until: 2027-01-31}'                 as its owner
      dbt run-operation keep_schema --target ci --args '{schema: pr_142, until: 2027-01-31}'        as acme-janitor@acme-ci.iam.gserviceaccount.com

  A developer's pin is a view in their own dataset, dbt_envs_keep, which nobody else can make there: the sweep reads its
  description. The janitor's is the label keep_until.
  The last line is JSON, {"schema": "dev_priya", "keep_until": "2027-01-31T00:00:00Z"}.
-#}
{% macro keep_schema(schema, until) %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set project = dbt_envs_environment_project(schema) -%}
  {%- if until is not none and modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', until | string) is none -%}
    {{ exceptions.raise_compiler_error('"' ~ until ~ '" is no day: write it as 2027-01-31, or null for no longer.') }}
  {%- elif target.name == 'dev' and schema != target.schema -%}
    {{ exceptions.raise_compiler_error('You keep your own schema, ' ~ target.schema ~ ', and ' ~ schema ~ ' is not yours: the janitor keeps any.') }}
  {%- elif target.name == 'prod' -%}
    {{ exceptions.raise_compiler_error('Production keeps no environment schema: its owner does, or the janitor.') }}
  {%- endif -%}
  {%- if until is not none -%}
    {%- set day = "safe_cast('" ~ until ~ "' as date)" -%}
    {%- set query = 'select coalesce(' ~ day ~ ' > current_date() and ' ~ day ~ ' <= date_add(current_date(), interval 366 day), false)' -%}
    {%- if not run_query(query).rows[0][0] -%}
      {{ exceptions.raise_compiler_error(until ~ ' does not do: ' ~ schema ~ ' is kept until a day to come, a year ahead at most.') }}
    {%- endif -%}
  {%- endif -%}
  {%- if target.name == 'dev' -%}
    {#- Made anew, so that the year counts from today. -#}
    {%- do run_query('drop view if exists `' ~ project ~ '`.' ~ schema ~ '.dbt_envs_keep') -%}
    {%- if until is not none -%}
      {%- do run_query('create view `' ~ project ~ '`.' ~ schema ~ ".dbt_envs_keep options (description = '" ~ until
        ~ "') as select 'The description says until when nobody clears this dataset.' as about") -%}
    {%- endif -%}
  {%- else -%}
    {%- do dbt_envs_as_janitor('A pin on ' ~ schema) -%}
    {%- set dataset = dbt_envs_dataset(schema) -%}
    {%- if dataset is none -%}
      {{ exceptions.raise_compiler_error('There is no ' ~ schema ~ ' of this project in ' ~ project ~ '.') }}
    {%- endif -%}
    {%- do dbt_envs_set_label(dataset, 'keep_until', until) -%}
  {%- endif -%}
  {%- do print(schema ~ ((' is kept until ' ~ until ~ '.') if until is not none else ' is kept no longer.')) -%}
  {%- do print(tojson({'schema': schema, 'keep_until': (until ~ 'T00:00:00Z') if until is not none else none})) -%}
{% endmacro %}
