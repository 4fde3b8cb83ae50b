{#-
  Datasets that production has declared and its service cannot build in yet, and what to do. ci_service may read them, and with
  that see who else may: https://docs.cloud.google.com/bigquery/docs/information-schema-object-privileges
-#}
{% macro bigquery__dbt_envs_prod_schema_problems() %}
  {%- set way_out = '. Before this is merged, an administrator runs grants/20_boundary.sql to grants/50_readers.sql of this branch.' -%}
  {%- set visible = adapter.list_schemas('acme-prod') -%}
  {%- set problems = [] -%}
  {%- for schema in dbt_envs_answers()['prod_schemas'] -%}
    {%- if schema not in visible -%}
      {%- do problems.append({'schema': schema, 'why': 'it is not in project acme-prod, or acme-ci@acme-ci.iam.gserviceaccount.com may not read it' ~ way_out}) -%}
    {%- else -%}
      {%- set query -%}
        select grantee
        from `acme-prod`.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES
        where object_name = '{{ schema }}'
          and privilege_type in ('roles/bigquery.dataEditor', 'roles/bigquery.dataOwner')
          and grantee = 'serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com'
      {%- endset -%}
      {%- set grants = dbt_envs_rows_or_none(query) -%}
      {%- if grants is none -%}
        {%- do log('Whether acme-prod@acme-prod.iam.gserviceaccount.com may build in ' ~ schema ~ ' is not known: acme-ci@acme-ci.iam.gserviceaccount.com may not see who has it.', info=true) -%}
      {%- elif grants | length == 0 -%}
        {%- do problems.append({'schema': schema, 'why': 'acme-prod@acme-prod.iam.gserviceaccount.com may not build in it' ~ way_out}) -%}
      {%- endif -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(problems) }}
{% endmacro %}
