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
    {%- for name, kind in dbt_envs_built(target.database, schema).items() if name not in keep -%}
      {#- adapter.drop_relation would leave it to the warehouse whether the drop is kept: dbt ends an operation with a rollback. -#}
      {%- call statement('drop_relation', auto_begin=true) -%}
        {{ get_drop_sql(api.Relation.create(database=target.database, schema=schema, identifier=name, type=kind)) }}
      {%- endcall -%}
      {%- do adapter.commit() -%}
      {%- do dropped.append(name) -%}
    {%- endfor -%}
    {%- for name in dbt_envs_built(target.database, schema) if name in dropped -%}
      {{ exceptions.raise_compiler_error('The warehouse was told to drop ' ~ schema ~ '.' ~ name ~ ', raised no error, and it is still there.') }}
    {%- endfor -%}
  {%- endif -%}
  {%- do print(tojson({'dropped': dropped})) -%}
{% endmacro %}

{#- The kinds of the relations in one schema, by the name as dbt writes it. -#}
{% macro dbt_envs_built(database, schema) %}
  {{ return(adapter.dispatch('dbt_envs_built')(database, schema)) }}
{% endmacro %}

{#- database, name, schema, kind: the columns of most adapters' listing. -#}
{% macro default__dbt_envs_built(database, schema) %}
  {%- set built = {} -%}
  {%- for row in list_relations_without_caching(api.Relation.create(database=database, schema=schema)).rows -%}
    {%- do built.update({row[1]: row[3]}) -%}
  {%- endfor -%}
  {{ return(built) }}
{% endmacro %}
