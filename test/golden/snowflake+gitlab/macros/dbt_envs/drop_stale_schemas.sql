{#-
  Clears environment schemas that nobody needs. scripts/dbt_envs/sweep.py says which, and why.

      DBT_CI_LOGIN=acme_janitor dbt run-operation drop_stale_schemas --target ci --args '{
        candidates: [pr_142], listed_at: "2026-11-27T03:43:00.123456Z", dry_run: true}'

  The door looks at each once more (grants/20_boundary.sql): its name is whole, this project owns it, nobody keeps it, nothing in
  it was written since listed_at, which env_schemas gave, nor within the days that grants/20_boundary.sql holds, and nothing
  outside the environments is built on it, in production for instance. A schema of somebody on the roster is emptied: they
  could not make it again. For a day, restore_schema brings it back. A failure is collected and the next one tried.

  The last line is JSON, {"cleared": [...], "kept": [...], "failed": [...]}; an error follows where something failed.
-#}
{% macro drop_stale_schemas(candidates, listed_at, dry_run=false) %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- if target.name != 'ci' -%}
    {{ exceptions.raise_compiler_error('Only target ci sweeps, and this is target ' ~ target.name ~ ': add --target ci.') }}
  {%- elif candidates is string or candidates is mapping or candidates is not iterable -%}
    {{ exceptions.raise_compiler_error('candidates is a list of schemas, e.g. [pr_142, pr_143].') }}
  {%- elif dry_run is not boolean -%}
    {{ exceptions.raise_compiler_error('dry_run is true or false, and was "' ~ dry_run ~ '".') }}
  {%- elif modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?(Z|[+]00:00)', listed_at | string) is none -%}
    {{ exceptions.raise_compiler_error('listed_at is what env_schemas said, e.g. 2026-11-27T03:43:00.123456Z, and was "' ~ listed_at ~ '".') }}
  {%- endif -%}

  {%- set answer = {'cleared': [], 'kept': [], 'failed': []} -%}
  {%- for schema in candidates | map('string') | unique -%}
    {%- if modules.re.fullmatch(dbt_envs_answers()['dev_pattern'], schema) is none and modules.re.fullmatch(dbt_envs_answers()['pr_pattern'], schema) is none -%}
      {%- do answer['kept'].append({'schema': schema, 'why': 'its name is not the whole name of an environment schema, dev_<name> or pr_<number>'}) -%}
    {%- else -%}
      {%- set outcome = fromjson(run_query("call acme_nonprod.acme_door.sweep_schema('" ~ schema ~ "', '" ~ listed_at ~ "', " ~ dry_run | lower ~ ")").rows[0][0]) -%}
      {%- if outcome['how'] -%}
        {%- do answer['cleared'].append({'schema': schema, 'how': outcome['how'], 'relations': outcome['relations'], 'took_along': outcome['took_along']}) -%}
      {%- elif outcome['why'] -%}
        {%- do answer['kept'].append({'schema': schema, 'why': outcome['why'].split() | join(' ')}) -%}
      {%- else -%}
        {#- On one line, whatever names are in it: dbt prints it after the answer, and no line of it is to be taken for one. -#}
        {%- do answer['failed'].append({'schema': schema, 'why': (outcome['failed'] or 'nobody said why').split() | join(' ')}) -%}
      {%- endif -%}
    {%- endif -%}
  {%- endfor -%}

  {%- for one in answer['cleared'] -%}
    {%- do print(one['schema'] ~ (': would be ' if dry_run else ': ') ~ one['how'] ~ ', ' ~ one['relations'] ~ ' relations'
      ~ ((', and with it ' ~ one['took_along'] | join(', ')) if one['took_along'] else '')) -%}
  {%- endfor -%}
  {%- for one in answer['kept'] -%}{%- do print(one['schema'] ~ ': kept: ' ~ one['why']) -%}{%- endfor -%}
  {%- for one in answer['failed'] -%}{%- do print(one['schema'] ~ ': FAILED: ' ~ one['why']) -%}{%- endfor -%}
  {%- do print(tojson(answer)) -%}
  {%- if answer['failed'] -%}
    {{ exceptions.raise_compiler_error(answer['failed'] | length ~ ' schemas could not be cleared: ' ~ answer['failed'] | map(attribute='schema') | join(', ')
      ~ '. The first: ' ~ answer['failed'][0]['why']) }}
  {%- endif -%}
{% endmacro %}
