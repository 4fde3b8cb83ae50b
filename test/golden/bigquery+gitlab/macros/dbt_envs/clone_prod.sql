{#-
  Before a pull request is built: incremental models and snapshots begin as a clone of production's, which copies nothing and
  costs nothing until one of the two changes. So a pull request shows what its code does to the table that is there.
  https://docs.cloud.google.com/bigquery/docs/table-clones-intro. Not with --full-refresh, which is to begin anew.
-#}
{% macro dbt_envs_clone_prod() %}
  {%- if target.name != 'ci' or flags.FULL_REFRESH or flags.EMPTY or flags.WHICH not in ['build', 'run', 'snapshot'] -%}{{ return([]) }}{%- endif -%}
  {%- set there = {} -%}
  {%- set cloned = [] -%}
  {%- for node in graph.nodes.values() if node.unique_id in selected_resources and (node.config.materialized == 'incremental' or node.resource_type == 'snapshot') -%}
    {%- set place = dbt_envs_prod_place(node) -%}
    {%- set key = (place['database'], place['schema']) -%}
    {%- if key not in there -%}{%- do there.update({key: bigquery__dbt_envs_relations(*key)}) -%}{%- endif -%}
    {%- set original = there[key].get(place['name']) -%}
    {%- if original and original['kind'] == 'table' -%}
      {%- set here = api.Relation.create(database=target.database, schema=target.schema, identifier=node.alias, type='table') -%}
      {#- A table is not replaced by one that is partitioned otherwise. -#}
      {%- call statement('drop_former') -%}
        drop table if exists {{ here }}
      {%- endcall -%}
      {%- call statement('clone_prod') -%}
        create table {{ here }} clone {{ original['sql'] }}
      {%- endcall -%}
      {#- dbt has listed the dataset before, and would build anew what it does not know of. -#}
      {%- do adapter.cache_added(here) -%}
      {%- do cloned.append(node.alias) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- if cloned -%}{%- do log('Cloned from production: ' ~ cloned | join(', '), info=true) -%}{%- endif -%}
  {{ return(cloned) }}
{% endmacro %}
