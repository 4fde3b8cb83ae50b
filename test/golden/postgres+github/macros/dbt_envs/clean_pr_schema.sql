{#-
  Before a build of a pull request: drops from pr_<number> every relation that the build will not replace, and nothing
  else. A push may have renamed or given up what an earlier one built.

      PR_NUMBER=142 dbt run-operation clean_pr_schema --target ci --args '{keep: [fct_revenue]}'

  The last line is JSON, {"dropped": ["fct_old"]}. Each drop is a transaction of its own.
-#}
{% macro clean_pr_schema(keep=[]) %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set schema = dbt_envs_pr_schema() -%}
  {%- if target.name != 'ci' -%}
    {{ exceptions.raise_compiler_error('Only target ci cleans ' ~ schema ~ ', and this is target ' ~ target.name ~ ': add --target ci.') }}
  {%- endif -%}
  {%- set dropped = [] -%}
  {%- if adapter.check_schema_exists(target.database, schema) -%}
    {%- set here = api.Relation.create(database=target.database, schema=schema) -%}
    {#- database, name, schema, kind: the columns that every adapter's macro of this name gives -#}
    {%- for row in list_relations_without_caching(here).rows if row[1] not in keep -%}
      {#- adapter.drop_relation would leave it to the warehouse whether the drop is kept: dbt ends an operation with a rollback. -#}
      {%- call statement('drop_relation', auto_begin=true) -%}
        {{ get_drop_sql(api.Relation.create(database=target.database, schema=schema, identifier=row[1], type=row[3])) }}
      {%- endcall -%}
      {%- do adapter.commit() -%}
      {%- do dropped.append(row[1]) -%}
    {%- endfor -%}
    {%- for row in list_relations_without_caching(here).rows if row[1] in dropped -%}
      {{ exceptions.raise_compiler_error('The warehouse was told to drop ' ~ schema ~ '.' ~ row[1] ~ ', raised no error, and it is still there.') }}
    {%- endfor -%}
  {%- endif -%}
  {%- do print(tojson({'dropped': dropped})) -%}
{% endmacro %}
