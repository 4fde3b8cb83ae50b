{#-
  A dataset is made by an administrator (production's, dev_<name>) or by CI, pr_<number> and nothing else, with the labels that
  say whose it is. dbt asks for it where it does not see the dataset.
-#}
{% macro bigquery__create_schema(relation) -%}
  {%- set refusal = dbt_envs_refuse_schema(relation.schema) -%}
  {%- if refusal -%}
    {{ exceptions.raise_compiler_error(refusal) }}
  {%- elif target.name == 'prod' -%}
    {{ exceptions.raise_compiler_error(
      'Dataset "' ~ relation.schema ~ '" is not in project "' ~ target.database
      ~ '", or this login may not use it: an administrator runs grants/20_boundary.sql and grants/40_services.sql, which make it and grant it.'
    ) }}
  {%- elif target.name == 'dev' -%}
    {{ exceptions.raise_compiler_error(
      'Dataset "' ~ relation.schema ~ '" is not in project "' ~ target.database
      ~ '", or your login may not use it: an administrator runs grants/30_developers.sql, which makes it and grants it.'
    ) }}
  {%- elif relation.database != 'acme-ci' or modules.re.fullmatch(dbt_envs_answers()['pr_pattern'], relation.schema) is none -%}
    {{ exceptions.raise_compiler_error('CI makes pr_<number> in project "acme-ci" and nothing else, not "'
      ~ relation.database ~ '.' ~ relation.schema ~ '".') }}
  {%- endif -%}
  {#-
    No table expires: BigQuery counts from when a table was made, not from when it was last used. What was dropped comes back for two
    days, the least that BigQuery keeps.
  -#}
  {%- call statement('create_schema') -%}
    create schema if not exists `acme-ci`.{{ relation.schema }}
    options (
      location = 'US',
      description = 'dbt-envs: project acme',
      labels = [('managed_by', 'dbt_envs'), ('dbt_envs_project', 'acme'), ('env', 'ci'), ('pr', '{{ relation.schema[3:] }}')],
      max_time_travel_hours = 48
    )
  {%- endcall -%}
{%- endmacro %}

{#- dbt 2 drops through this macro; dbt 1.12 asks Google itself, after the same questions (drop_pr_schema.sql). -#}
{% macro bigquery__drop_schema(relation) -%}
  {%- if target.name != 'ci' or relation.database != 'acme-ci' or modules.re.fullmatch(dbt_envs_answers()['pr_pattern'], relation.schema) is none -%}
    {{ exceptions.raise_compiler_error('Only target ci drops datasets, and of these only pr_<number> in project "acme-ci": this is target '
      ~ target.name ~ ' and "' ~ relation.database ~ '.' ~ relation.schema ~ '".') }}
  {%- endif -%}
  {%- call statement('drop_schema') -%}
    drop schema if exists `acme-ci`.{{ relation.schema }} cascade
  {%- endcall -%}
{%- endmacro %}
