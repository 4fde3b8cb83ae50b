{#-
  Lists this project's environment schemas, with their age and size; and, as others, datasets whose names merely begin like
  one, that carry another project's labels or none, or that are in the wrong project of Google Cloud or in another location.

      dbt run-operation env_schemas --target ci

  The last line is JSON, {"listed_at": ..., "schemas": [...], "others": [...], "handover": ...}. Times are UTC. null: nobody
  knows. It is a query and a list for each project of Google Cloud, and one query more, however many datasets there are.
-#}
{% macro env_schemas() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {#- A statement of its own, before the listing sees anything: what is used from now on is newer. -#}
  {%- set listed_at = run_query("select format_timestamp('%Y-%m-%dT%H:%M:%E6SZ', current_timestamp())").rows[0][0] -%}
  {%- set declared = [
    'acme-prod.analytics',
    'acme-prod.staging',
    'acme-prod.raw',
    'acme-prod.crm',
  ] -%}
  {%- set schemas = [] -%}
  {%- set others = [] -%}
  {%- set lines = [] -%}
  {%- for project in ['acme-dev', 'acme-ci'] -%}
    {%- set everywhere = adapter.list_schemas(project) -%}
    {%- set here = dbt_envs_datasets(project) -%}
    {%- for one in here -%}
      {%- set ours = one['mark'] == 'acme' and dbt_envs_project_of(one['schema']) == project and (one['dev'] or one['pr']) -%}
      {%- if ours -%}
        {%- do schemas.append({
          'schema': one['schema'],
          'created_by': one['owner'] if one['dev'] else 'acme-ci@acme-ci.iam.gserviceaccount.com',
          'created_at': one['created_at'],
          'last_used_at': one['last_used_at'],
          'closed_at': none,
          'keep_until': (one['keep_until'] ~ 'T00:00:00Z') if one['keep_until'] else none,
          'relations': one['relations'],
          'bytes': one['bytes']
        }) -%}
        {%- do lines.append(one['schema'] ~ ': ' ~ one['relations'] ~ ' relations, last used ' ~ (one['last_used_at'] or 'nobody knows when')) -%}
      {%- elif project ~ '.' ~ one['schema'] not in declared -%}
        {%- set place = one['schema'] if dbt_envs_project_of(one['schema']) in [none, project] else one['schema'] ~ ' in ' ~ project -%}
        {%- do others.append({'schema': place, 'owner': ('project ' ~ one['mark']) if one['mark'] else none, 'relations': one['relations'], 'bytes': one['bytes']}) -%}
        {%- do lines.append(place ~ ': not this project\'s, ' ~ one['relations'] ~ ' relations') -%}
      {%- endif -%}
    {%- endfor -%}
    {#- What was asked above shows datasets in US alone, and who may create one in a project may create it anywhere. -#}
    {%- set known = here | map(attribute='schema') | list -%}
    {%- for name in everywhere if modules.re.match('(?i)(?:dev|pr)_', name) and name not in known and project ~ '.' ~ name not in declared -%}
      {%- do others.append({'schema': name ~ ' outside US', 'owner': none, 'relations': none, 'bytes': none}) -%}
      {%- do lines.append(name ~ ': outside US, where no sweep sees what is in it') -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- do print(lines | join('\n')) -%}
  {%- do print(tojson({
    'listed_at': listed_at, 'schemas': schemas, 'others': others,
    'handover': 'an administrator hands it over by its name with grants/adopt_leftovers.sql'
  })) -%}
{% endmacro %}
