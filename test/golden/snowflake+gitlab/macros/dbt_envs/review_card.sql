{#-
  What a pull request has built, beside production, as facts: row counts, and columns by name and type. Never a value
  from the data. scripts/dbt_envs/review_card.py makes the review card of it.

      PR_NUMBER=142 dbt --quiet run-operation review_card --target ci

  One metadata query a schema, then one query that counts. Views are not counted: that would run them. The last line is
  JSON, {"schema": ..., "relations": [...], "left_in_prod": [...], "query": ...}.
-#}
{% macro review_card() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set schema = dbt_envs_pr_schema() -%}
  {%- if target.name != 'ci' -%}
    {{ exceptions.raise_compiler_error('Only target ci has a pull request to review, and this is target ' ~ target.name ~ ': add --target ci.') }}
  {%- endif -%}

  {%- set here = dbt_envs_relations(target.database, schema) -%}
  {%- set prod = {} -%}
  {%- for name in dbt_envs_answers()['prod_schemas'] -%}
    {%- set place = (adapter.dispatch('dbt_envs_prod_database')(), name) -%}
    {%- do prod.update({place: dbt_envs_relations(*place)}) -%}
  {%- endfor -%}

  {%- set facts = [] -%}
  {%- set pairs = [] -%}
  {%- set made = {} -%}
  {%- for node in graph.nodes.values() | sort(attribute='alias') if dbt_envs_builds_relation(node) -%}
    {%- set there = dbt_envs_prod_place(node) -%}
    {%- set place = (there['database'], there['schema']) -%}
    {%- do made.update({(place, there['name']): true}) -%}
    {%- set built = here.get(node.alias) if node.schema == schema and node.resource_type in ['model', 'seed', 'snapshot'] else none -%}
    {%- if built -%}
      {%- if place not in prod -%}{%- do prod.update({place: dbt_envs_relations(*place)}) -%}{%- endif -%}
      {%- set other = prod[place].get(there['name']) -%}
      {%- do pairs.append((built, other)) -%}
      {%- do facts.append({'id': node.unique_id, 'name': node.alias, 'columns': dbt_envs_column_changes(built, other) if other else none}) -%}
    {%- endif -%}
  {%- endfor -%}

  {%- set counts = dbt_envs_row_counts(pairs) -%}
  {%- for fact in facts -%}
    {%- set at = loop.index0 -%}
    {%- for side in [0, 1] -%}
      {%- set relation = pairs[at][side] -%}
      {%- set count = counts.get((at, side)) -%}
      {%- do fact.update({['here', 'prod'][side]: {
        'kind': relation['kind'], 'bytes': relation['scan'], 'exact': count is not none,
        'rows': count if count is not none else relation['estimate']
      } if relation else none}) -%}
    {%- endfor -%}
  {%- endfor -%}

  {#- dbt's own names for what it is about to swap in, where a deploy runs at this moment. -#}
  {%- set left = [] -%}
  {%- for place, relations in prod.items() -%}
    {%- for name in relations if (place, name) not in made and not name.endswith('__dbt_tmp') and not name.endswith('__dbt_backup') -%}
      {%- do left.append({'schema': place[1], 'name': name}) -%}
    {%- endfor -%}
  {%- endfor -%}

  {%- do print(schema ~ ': ' ~ facts | length ~ ' relations; ' ~ counts | length ~ ' counts, here and in production') -%}
  {%- do print(tojson({'schema': schema, 'relations': facts, 'left_in_prod': left, 'query': dbt_envs_query_to_paste(facts, pairs)})) -%}
{% endmacro %}

{#- The relations of one schema, by name, from the warehouse's catalogue; empty where there is no such schema. -#}
{% macro dbt_envs_relations(database, schema) %}
  {{ return(adapter.dispatch('dbt_envs_relations')(database, schema)) }}
{% endmacro %}

{#-
  A warehouse runs one query for it and returns, by the name as dbt writes it:
    sql       the name as a query needs it, quoted
    kind      table, view or another word of the warehouse's
    scan      bytes that count(*) would read; none where it must not be counted (a view) or this login may not read it
    estimate  rows as the warehouse guesses them without reading; none where it does not know
    columns   [[name, type], ...] in their order
-#}
{% macro default__dbt_envs_relations(database, schema) %}
  {{ exceptions.raise_compiler_error('The review card does not know how to list the relations of ' ~ target.type
    ~ ': define macro ' ~ target.type ~ '__dbt_envs_relations(database, schema).') }}
{% endmacro %}

{#- Columns here against those in production: names and types. -#}
{% macro dbt_envs_column_changes(built, other) %}
  {%- set here = dict(built['columns']) -%}
  {%- set there = dict(other['columns']) -%}
  {%- set changes = {'added': [], 'removed': [], 'retyped': []} -%}
  {%- for name, type in here.items() -%}
    {%- if name not in there -%}{%- do changes['added'].append([name, type]) -%}
    {%- elif there[name] != type -%}{%- do changes['retyped'].append([name, there[name], type]) -%}{%- endif -%}
  {%- endfor -%}
  {%- for name, type in there.items() if name not in here -%}{%- do changes['removed'].append([name, type]) -%}{%- endfor -%}
  {{ return(changes) }}
{% endmacro %}

{#-
  Exact counts by (position, 0 here or 1 in production), in one query. The smallest pairs first, up to 1 GB in all, which
  PostgreSQL reads in one to two seconds from memory, and up to 1,000 pairs, since it locks each relation and a server's
  locks are limited. What is left out keeps the warehouse's estimate.
-#}
{% macro dbt_envs_row_counts(pairs) %}
  {%- set counts = {} -%}
  {%- set costs = [] -%}
  {%- for pair in pairs -%}
    {%- do costs.append((pair | select | map(attribute='scan') | select('number') | sum, loop.index0)) -%}
  {%- endfor -%}
  {%- set selects = [] -%}
  {%- set read = namespace(bytes=0) -%}
  {%- for cost, at in (costs | sort)[:1000] if read.bytes + cost <= 1000000000 -%}
    {%- set read.bytes = read.bytes + cost -%}
    {%- for side in [0, 1] if pairs[at][side] and pairs[at][side]['scan'] is not none -%}
      {%- do selects.append('select ' ~ at ~ ', ' ~ side ~ ', count(*) from ' ~ pairs[at][side]['sql']) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- if selects -%}
    {%- for row in run_query(selects | join('\nunion all ')).rows -%}
      {%- do counts.update({(row[0] | int, row[1] | int): row[2] | int}) -%}
    {%- endfor -%}
  {%- endif -%}
  {{ return(counts) }}
{% endmacro %}

{#- Where target prod builds a node. -#}
{% macro dbt_envs_prod_place(node) %}
  {%- set known = dbt_envs_answers()['prod_schemas'] -%}
  {%- set custom = (node.config.schema or '') | trim -%}
  {%- set prefix = custom ~ '__' -%}
  {%- set prefixed = custom and custom in var('dbt_envs_prefixed_schemas', []) and node.alias.startswith(prefix) -%}
  {{ return({
    'database': node.config.database or adapter.dispatch('dbt_envs_prod_database')(),
    'schema': (dbt_envs_prod_schema(custom) if custom) or known[0],
    'name': node.alias[prefix | length:] if prefixed else node.alias
  }) }}
{% endmacro %}

{#- Production's database as this target sees it: a warehouse that keeps it apart defines <adapter>__dbt_envs_prod_database. -#}
{% macro default__dbt_envs_prod_database() %}
  {{ return(target.database) }}
{% endmacro %}

{#- A first look at what people read: what an exposure names, or else a model that no other one reads. -#}
{% macro dbt_envs_query_to_paste(facts, pairs) %}
  {%- set exposed = [] -%}
  {%- for exposure in graph.exposures.values() -%}{%- do exposed.extend(exposure.depends_on.nodes) -%}{%- endfor -%}
  {%- set read = [] -%}
  {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}{%- do read.extend(node.depends_on.nodes) -%}{%- endfor -%}
  {%- set first = [] -%}
  {%- set second = [] -%}
  {%- set third = [] -%}
  {%- for fact in facts -%}
    {%- set name = pairs[loop.index0][0]['sql'] -%}
    {%- if fact['id'] in exposed -%}{%- do first.append(name) -%}
    {%- elif fact['id'] not in read and fact['id'].split('.')[0] == 'model' -%}{%- do second.append(name) -%}
    {%- else -%}{%- do third.append(name) -%}{%- endif -%}
  {%- endfor -%}
  {%- set shown = (first + second + third) | first -%}
  {{ return('select * from ' ~ shown ~ ' limit 100;' if shown else none) }}
{% endmacro %}
