{#-
  Why this target may not build, in one line, or none. Reads the target and environment variables only: anything else
  would be overlooked by a partial parse.
-#}
{% macro dbt_envs_refuse_target() %}
  {%- set known = dbt_envs_answers() -%}
  {%- set schema = target.schema or '' -%}
  {%- if target.name == 'dev' -%}
    {{ return(dbt_envs_refuse_developer(schema)) }}
  {%- elif target.name == 'ci' -%}
    {#- pr_none stands for "no pull request": the janitor works so. Nothing can be built in it (refuse_schema.sql). -#}
    {%- if schema != 'pr_none' and modules.re.fullmatch(known['pr_pattern'], schema) is none -%}
      {{ return('Target ci may not build in "' ~ schema ~ '": PR_NUMBER must be the number of a pull request, e.g. PR_NUMBER=142.') }}
    {%- endif -%}
  {%- elif target.name == 'prod' -%}
    {%- set runner = env_var('DBT_ENVS_RUNNER', '') -%}
    {%- if schema != known['prod_schemas'][0] -%}
      {{ return('Target prod may not build in "' ~ schema ~ '": its schema is "' ~ known['prod_schemas'][0]
        ~ '". Is another profiles.yml in use?') }}
    {%- elif runner not in known['prod_runs'] -%}
      {{ return('Target prod runs in CI only (' ~ known['prod_runs'] | join(', ') ~ '), and DBT_ENVS_RUNNER is "' ~ runner
        ~ '": merge to deploy, or build with --target dev.') }}
    {%- endif -%}
  {%- else -%}
    {{ return('There is no target "' ~ target.name ~ '": use dev, ci or prod. Is another profiles.yml in use?') }}
  {%- endif -%}
  {{ return(none) }}
{% endmacro %}

{% macro dbt_envs_refuse_developer(schema) %}
  {%- set known = dbt_envs_answers() -%}
  {%- set roster = known['developers'][:8] | join(', ') ~ (', ...' if known['developers'] | length > 8 else '') -%}
  {%- set way_out = 'Set DBT_DEV_NAME to your name in roster.yml (' ~ roster ~ '), or be added there. Is another profiles.yml in use?' -%}
  {%- if schema == 'dev_' -%}
    {{ return('Target dev does not know who you are: DBT_DEV_NAME, USER and USERNAME are empty. ' ~ way_out) }}
  {%- elif modules.re.fullmatch(known['dev_pattern'], schema) is none -%}
    {{ return('Target dev may not build in "' ~ schema ~ '", which is no dev_<name>. ' ~ way_out) }}
  {%- elif schema[4:] not in known['developers'] -%}
    {{ return('"' ~ schema[4:] ~ '" is not on the roster. ' ~ way_out) }}
  {%- endif -%}
  {{ return(none) }}
{% endmacro %}
