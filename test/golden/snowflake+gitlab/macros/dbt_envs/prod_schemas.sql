{#-
  Schemas that production has declared and cannot build in yet, and what to do. ci_service sees a schema that it may read, and the
  rights on it; whose rights those are is in the same catalogue. https://docs.snowflake.com/en/sql-reference/sql/show-grants
-#}
{% macro snowflake__dbt_envs_prod_schema_problems() %}
  {%- set way_out = '. Before this is merged, an administrator runs grants/20_boundary.sql to grants/50_readers.sql of this branch.' -%}
  {%- set visible = [] -%}
  {%- for row in run_query('show terse schemas in database acme').rows -%}{%- do visible.append(row['name']) -%}{%- endfor -%}
  {%- set problems = [] -%}
  {%- for schema in dbt_envs_answers()['prod_schemas'] -%}
    {%- if schema | upper not in visible -%}
      {%- do problems.append({'schema': schema, 'why': 'it is not there, or ' ~ target.role ~ ' may not read it' ~ way_out}) -%}
    {%- else -%}
      {%- set builds = [] -%}
      {%- for row in run_query('show grants on schema acme.' ~ schema).rows
        if row['grantee_name'] == 'ACME_PROD_SERVICE' and row['privilege'] == 'CREATE TABLE' -%}
        {%- do builds.append(row['privilege']) -%}
      {%- endfor -%}
      {%- if not builds -%}
        {%- do problems.append({'schema': schema, 'why': 'acme_prod_service may not build in it' ~ way_out}) -%}
      {%- endif -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(problems) }}
{% endmacro %}
