{#-
  What a pull request has built, beside production: one line a relation, with rows here, rows in production and the
  difference. Counts and names only, never a value from the data. Views are not counted: that would run them.

      PR_NUMBER=142 dbt --quiet run-operation review_card --target ci

  Prints Markdown, and JSON with the same content on the last line.
-#}
{% macro review_card() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set schema = dbt_envs_pr_schema() -%}
  {%- if target.name != 'ci' -%}
    {{ exceptions.raise_compiler_error('Only target ci has a pull request to review, and this is target ' ~ target.name ~ ': add --target ci.') }}
  {%- endif -%}

  {#- Some warehouses see production only after they have been told where it is. -#}
  {%- set before = adapter.dispatch('dbt_envs_on_run_start')() | trim -%}
  {%- if before -%}{%- do run_query(before) -%}{%- endif -%}

  {%- set rows = [] -%}
  {%- for node in graph.nodes.values() | sort(attribute='alias') if node.resource_type in ['model', 'seed', 'snapshot'] -%}
    {%- set here = adapter.get_relation(database=node.database, schema=node.schema, identifier=node.alias) -%}
    {%- if here and node.schema == schema -%}
      {%- do rows.append({'id': node.unique_id, 'name': node.alias, 'here': here, 'prod': dbt_envs_prod_relation(node)}) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- set counts = dbt_envs_row_counts(rows) -%}

  {%- set lines = ['### ' ~ schema ~ ': ' ~ rows | length ~ (' relation' if rows | length == 1 else ' relations'), ''] -%}
  {%- set facts = [] -%}
  {%- if rows -%}
    {%- do lines.extend(['| relation | rows here | rows in prod | difference |', '|---|---:|---:|---:|']) -%}
  {%- endif -%}
  {%- for row in rows -%}
    {%- set here = counts.get(row['id'] ~ ' here') -%}
    {%- set prod = counts.get(row['id'] ~ ' prod') -%}
    {%- set difference = here - prod if here is not none and prod is not none else none -%}
    {%- do lines.append(
      '| ' ~ dbt_envs_code_span(row['name'])
      ~ ' | ' ~ ('{:,}'.format(here) if here is not none else row['here'].type)
      ~ ' | ' ~ ('{:,}'.format(prod) if prod is not none else row['prod'].type if row['prod'] else 'not there')
      ~ ' | ' ~ ('{:+,}'.format(difference) if difference else '0' if difference is not none else 'new' if not row['prod'] else '')
      ~ ' |'
    ) -%}
    {%- do facts.append({
      'name': row['name'], 'type': row['here'].type | string, 'in_prod': row['prod'] is not none, 'rows': here, 'prod_rows': prod
    }) -%}
  {%- endfor -%}

  {%- set query = dbt_envs_query_to_paste(rows) -%}
  {%- if query -%}{%- do lines.extend(['', '```sql', query, '```']) -%}{%- endif -%}
  {%- do print(lines | join('\n')) -%}
  {%- do print(tojson({'schema': schema, 'relations': facts, 'query': query})) -%}
{% endmacro %}

{#- Rows of every table in the list, here and in production: one query, one number a table. -#}
{% macro dbt_envs_row_counts(rows) %}
  {%- set counts = {} -%}
  {%- set selects = [] -%}
  {%- for row in rows -%}
    {%- for side in ['here', 'prod'] if row[side] and row[side].type == 'table' -%}
      {%- do selects.append("select '" ~ row['id'] | replace("'", "''") ~ ' ' ~ side ~ "' as relation, count(*) as row_count from " ~ row[side]) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- if selects -%}
    {%- for line in run_query(selects | join('\nunion all\n')).rows -%}
      {%- do counts.update({line[0]: line[1] | int}) -%}
    {%- endfor -%}
  {%- endif -%}
  {{ return(counts) }}
{% endmacro %}

{#- The relation that target prod makes of a node, where there is one; or none. -#}
{% macro dbt_envs_prod_relation(node) %}
  {%- set known = dbt_envs_answers()['prod_schemas'] -%}
  {%- set custom = (node.config.schema or '') | trim -%}
  {%- set prefix = custom ~ '__' -%}
  {%- set prefixed = custom and custom in var('dbt_envs_prefixed_schemas', []) and node.alias.startswith(prefix) -%}
  {{ return(adapter.get_relation(
    database=node.config.database or adapter.dispatch('dbt_envs_prod_database')(),
    schema=custom if custom in known else known[0],
    identifier=node.alias[prefix | length:] if prefixed else node.alias
  )) }}
{% endmacro %}

{#- Production's database as this target sees it: a warehouse that keeps it apart defines <adapter>__dbt_envs_prod_database. -#}
{% macro default__dbt_envs_prod_database() %}
  {{ return(target.database) }}
{% endmacro %}

{#- A first look at what people read: what an exposure names, or else a model that no other one reads. -#}
{% macro dbt_envs_query_to_paste(rows) %}
  {%- set exposed = [] -%}
  {%- for exposure in graph.exposures.values() -%}{%- do exposed.extend(exposure.depends_on.nodes) -%}{%- endfor -%}
  {%- set read = [] -%}
  {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}{%- do read.extend(node.depends_on.nodes) -%}{%- endfor -%}
  {%- set first = [] -%}
  {%- set second = [] -%}
  {%- for row in rows -%}
    {%- if row['id'] in exposed -%}{%- do first.append(row) -%}
    {%- elif row['id'] not in read and row['id'].startswith('model.') -%}{%- do second.append(row) -%}{%- endif -%}
  {%- endfor -%}
  {%- set shown = (first + second + rows) | first -%}
  {{ return('select * from ' ~ shown['here'].include(database=false) ~ ' limit 100;' if shown else none) }}
{% endmacro %}

{% macro dbt_envs_code_span(text) %}
  {{ return('`' ~ text | replace('`', "'") | replace('|', '\\|') | replace('\n', ' ') ~ '`') }}
{% endmacro %}
