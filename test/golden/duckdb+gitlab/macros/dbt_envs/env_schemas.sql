{#-
  Lists the environment schemas in all files of dev/ and ci/. DuckDB notes neither who made a schema nor when; it was last
  used when its file was last written, and a file that somebody has open is in use now.

      dbt run-operation env_schemas --target ci

  Each file is opened for reading, for a few milliseconds: a build that starts within them is told that the file is locked.
  The file of a schema that was dropped stays, and is not listed. The last line is JSON:
  {"listed_at": ..., "schemas": [...], "others": [...], "handover": ...}.
-#}
{% macro env_schemas() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- do dbt_envs_demand_tries() -%}
  {%- set listed_at = dbt_envs_value(dbt_envs_time('now()')) -%}
  {%- set schemas = [] -%}
  {%- set others = [] -%}
  {%- set empty = [] -%}
  {%- set files = dbt_envs_files() -%}
  {#- A folder that is not there looks to glob() like one in which nothing is left to do, every night. -#}
  {%- set folder = env_var('DBT_DUCKDB_DIR', 'warehouse') -%}
  {%- if not files and not dbt_envs_is_there(folder ~ '/prod/prod.duckdb') -%}
    {{ exceptions.raise_compiler_error('There is no database file in ' ~ folder ~ ', neither of production nor of an environment: does DBT_DUCKDB_DIR name the folder that everybody uses?') }}
  {%- endif -%}
  {%- for file in files -%}
    {%- set seen = dbt_envs_look(file) -%}
    {%- set relations = dbt_envs_relations_inside(file, seen) -%}
    {%- set keep_until = dbt_envs_pin(file) if file['schema'] and file['pinned'] else none -%}
    {%- if file['schema'] is none -%}
      {%- do others.append({'schema': file['name'], 'owner': none, 'relations': none, 'bytes': seen['bytes']}) -%}
    {%- elif keep_until == 'unreadable' -%}
      {%- set named = file['schema'] ~ ', whose pin ' ~ file['pin'] ~ ' cannot be read' -%}
      {%- do others.append({'schema': named, 'owner': none, 'relations': relations, 'bytes': seen['bytes']}) -%}
    {%- elif seen['schemas'] is not none and relations is none -%}
      {%- do empty.append(file['name']) -%}
    {%- else -%}
      {%- do schemas.append({
        'schema': file['schema'], 'created_by': none, 'created_at': none,
        'last_used_at': listed_at if seen['state'] in ['locked', 'own'] else seen['used'],
        'closed_at': none, 'keep_until': keep_until, 'relations': relations, 'bytes': seen['bytes']
      }) -%}
      {%- set count = 'unknown' if relations is none else relations -%}
      {%- do print(file['schema'] ~ ': ' ~ count ~ ' relations, in ' ~ file['name'] ~ ', which is ' ~ seen['state']) -%}
    {%- endif -%}
    {%- for one in seen['schemas'] or [] if file['schema'] and one['schema'] | lower != file['schema'] -%}
      {%- do others.append({'schema': one['schema'] ~ ' in ' ~ file['name'], 'owner': none, 'relations': one['relations'], 'bytes': none}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- if empty -%}{%- do print('Files that hold no environment any more: ' ~ empty | join(', ')) -%}{%- endif -%}
  {%- do print(tojson({
    'listed_at': listed_at, 'schemas': schemas, 'others': others,
    'handover': 'whoever made it deletes it, or gives it the name of an environment (dev/<name>.duckdb, ci/pull_<number>.duckdb)'
  })) -%}
{% endmacro %}
