{#-
  Before a build: this dataset is in use today. The sweep reads it from the description of a view, dbt_envs_used, which costs
  nothing to make and is known at once; what a table says of its last write comes minutes later.
  https://docs.cloud.google.com/bigquery/docs/information-schema-table-storage
-#}
{% macro bigquery__dbt_envs_on_run_start() %}
  {%- if target.name in ['dev', 'ci'] -%}
    {%- call statement('used') -%}
      create or replace view `{{ target.database }}`.{{ target.schema }}.dbt_envs_used
      options (description = format_timestamp('%FT%H:%M:%E6SZ', current_timestamp()))
      as select 'The description says when dbt last built here.' as about
    {%- endcall -%}
  {%- endif -%}
  {%- do dbt_envs_clone_prod() -%}
  {{ return('') }}
{% endmacro %}

{#- Production's project, as every target sees it. -#}
{% macro bigquery__dbt_envs_prod_database() %}
  {{ return('acme-prod') }}
{% endmacro %}

{#- What is built in a dataset: kinds by name, as dbt writes kinds. No dbt builds a snapshot table of BigQuery's. -#}
{% macro bigquery__dbt_envs_built(database, schema) %}
  {%- set kinds = {'table': 'table', 'view': 'view', 'materialized view': 'materialized_view', 'external table': 'external'} -%}
  {%- set built = {} -%}
  {%- for name, relation in bigquery__dbt_envs_relations(database, schema).items() if relation['kind'] in kinds -%}
    {%- do built.update({name: kinds[relation['kind']]}) -%}
  {%- endfor -%}
  {{ return(built) }}
{% endmacro %}

{#- dbt's own words for what is no table and no view, `drop external … cascade`, are not BigQuery's. -#}
{% macro bigquery__get_drop_sql(relation) %}
  {%- if relation.type == 'external' -%}
    drop external table if exists {{ relation }}
  {%- elif relation.type == 'function' -%}
    drop function if exists {{ relation }}
  {%- else -%}
    {{ default__get_drop_sql(relation) }}
  {%- endif -%}
{% endmacro %}
