{#-
  Every environment is one file: dev/<name>.duckdb holds the schema dev_<name>, ci/pull_<number>.duckdb holds pr_<number>.
  What is in there, file by file, in the order of their names. What is no environment has schema none; what belongs to a
  file of an environment (its log, its pin) and what git needs are left out.
-#}
{% macro dbt_envs_files() %}
  {%- set known = dbt_envs_answers() -%}
  {%- set folder = env_var('DBT_DUCKDB_DIR', 'warehouse') -%}
  {%- set files = [] -%}
  {%- for kind, begin, pattern in [('dev', '', known['dev_pattern']), ('ci', 'pull_', known['pr_pattern'])] -%}
    {%- set names = "select parse_filename(file, false, 'both_slash') from glob(" ~ dbt_envs_glob(folder ~ '/' ~ kind, '/*') ~ ') order by 1' -%}
    {%- set names = run_query(names).columns[0].values() -%}
    {%- for name in names -%}
      {%- set stem = modules.re.sub('[.](duckdb|duckdb[.]wal|duckdb[.]tmp|keep)$', '', name) -%}
      {%- set schema = {'dev': 'dev_', 'ci': 'pr_'}[kind] ~ stem[begin | length:] -%}
      {%- set whole = stem[:begin | length] == begin and modules.re.fullmatch(pattern, schema) is not none -%}
      {%- if name == stem ~ '.duckdb' or not whole and name != '.gitignore' -%}
        {%- do files.append({
          'schema': schema if whole and name == stem ~ '.duckdb' else none,
          'name': kind ~ '/' ~ name,
          'path': folder ~ '/' ~ kind ~ '/' ~ name,
          'pin': folder ~ '/' ~ kind ~ '/' ~ stem ~ '.keep',
          'pinned': stem ~ '.keep' in names,
          'own': target.name == kind and name == target.database ~ '.duckdb'
        }) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return(files) }}
{% endmacro %}

{#- As a text in SQL. -#}
{% macro dbt_envs_text(value) %}
  {{ return("'" ~ value | replace("'", "''") ~ "'") }}
{% endmacro %}

{#- A path for glob(), in which [, * and ? stand for themselves; what comes after it is a pattern. -#}
{% macro dbt_envs_glob(path, pattern='') %}
  {{ return(dbt_envs_text(modules.re.sub('([*?\\[])', '[\\1]', path) ~ pattern)) }}
{% endmacro %}

{#- 2026-11-27T03:43:00.123456Z in SQL, on this machine's clock and in UTC whatever its zone is. -#}
{% macro dbt_envs_time(moment) %}
  {{ return("strftime(make_timestamp(epoch_us(" ~ moment ~ ")), '%Y-%m-%dT%H:%M:%S.%fZ')") }}
{% endmacro %}

{#-
  Runs statements and says whether all of them succeeded. Jinja cannot catch an error, and a file that is damaged or that
  somebody else writes is one. dbt-duckdb's location_exists() is the only method that answers an error with false: it runs
  select 1 from '<location>' where 1=0, and ours go between two of these.
  https://github.com/duckdb/dbt-duckdb/blob/master/dbt/adapters/duckdb/impl.py
-#}
{% macro dbt_envs_tries(statements) %}
  {{ return(adapter.location_exists("duckdb_databases' where 1=0; " ~ statements ~ "; select 1 from 'duckdb_databases")) }}
{% endmacro %}

{#- Before any of it: whether dbt_envs_tries() can be relied on, and a place in memory for what it finds, which every connection sees. -#}
{% macro dbt_envs_demand_tries() %}
  {%- do run_query("attach if not exists ':memory:' as dbt_envs_scratch") -%}
  {%- if not dbt_envs_tries('select 1') or dbt_envs_tries("select error('expected')") -%}
    {{ exceptions.raise_compiler_error('This dbt-duckdb does not answer as dbt_envs_tries() expects, so nothing was done: '
      ~ 'install the version of requirements.txt.') }}
  {%- endif -%}
{% endmacro %}

{#-
  One look at a file; with attached='write' it is left attached as dbt_envs_file where that works, so that nobody else can
  write it.
    state    open; locked: somebody else has it open; damaged; closed: this account may not read it; own: of this very run
    bytes    its size
    used     when it was last written, to the second, its log included
    schemas  [{schema, relations}, ...], main left out; none where it could not be opened
  A file's lock is lost as soon as the process that holds it reads the file in another way (fcntl(2)): so its date is
  asked first, and that of this run's own file never.
-#}
{% macro dbt_envs_look(file, attached='no') %}
  {%- set path = dbt_envs_text(file['path']) -%}
  {%- set inside -%}
    create or replace table dbt_envs_scratch.schemas as
      select to_json(coalesce(list({'schema': s.schema_name, 'relations': (
        select count(*) from (
          select database_name, schema_name from duckdb_tables() union all select database_name, schema_name from duckdb_views()
        ) as r
        where r.database_name = s.database_name and r.schema_name = s.schema_name
      )} order by s.schema_name), [])) as value
      from duckdb_schemas() as s
      where not s.internal and s.schema_name <> 'main' and s.database_name = {{ 'current_database()' if file['own'] else "'dbt_envs_file'" }}
  {%- endset -%}
  {%- if file['own'] -%}
    {%- do run_query(inside) -%}
    {{ return({'state': 'own', 'bytes': none, 'used': none, 'schemas': fromjson(dbt_envs_found('schemas'))}) }}
  {%- endif -%}

  {#- size and last_modified cost no reading of the file: https://duckdb.org/docs/stable/guides/file_formats/read_file -#}
  {%- set date -%}
    set variable dbt_envs_names = (
      select list(file) from (from glob({{ dbt_envs_glob(file['path']) }}) union all from glob({{ dbt_envs_glob(file['path'] ~ '.wal') }}))
    );
    create or replace table dbt_envs_scratch.date as
      select to_json({'bytes': max(size) filter (where not suffix(filename, '.wal')), 'used': {{ dbt_envs_time('max(last_modified)') }}}) as value
      from read_blob(getvariable('dbt_envs_names'))
  {%- endset -%}
  {%- if not dbt_envs_tries(date) -%}{{ return({'state': 'closed', 'bytes': none, 'used': none, 'schemas': none}) }}{%- endif -%}

  {%- set attach -%}
    detach database if exists dbt_envs_file;
    attach {{ path }} as dbt_envs_file (type duckdb{{ '' if attached == 'write' else ', read_only' }});
    {{ inside }}{{ '; detach dbt_envs_file' if attached == 'no' }}
  {%- endset -%}
  {%- if dbt_envs_tries(attach) -%}
    {%- set seen = fromjson(dbt_envs_found('date')) -%}
    {%- do seen.update({'state': 'open', 'schemas': fromjson(dbt_envs_found('schemas'))}) -%}
    {{ return(seen) }}
  {%- endif -%}

  {#- What DuckDB notes of its own reading tells a file that it cannot make sense of from one that it was not let into. -#}
  {%- do run_query("call truncate_duckdb_logs(); call enable_logging('FileSystem')") -%}
  {%- set free_by_now = dbt_envs_tries(attach) -%}
  {%- do run_query('call disable_logging(); detach database if exists dbt_envs_file') -%}
  {%- set read = dbt_envs_value("count(*) from duckdb_logs where type = 'FileSystem'") | int > 0 -%}
  {%- set seen = fromjson(dbt_envs_found('date')) -%}
  {%- do seen.update({'state': 'damaged' if read and not free_by_now else 'locked', 'schemas': none}) -%}
  {{ return(seen) }}
{% endmacro %}

{% macro dbt_envs_value(expression) %}
  {{ return(run_query('select ' ~ expression).columns[0].values()[0]) }}
{% endmacro %}

{#- What statements have left in dbt_envs_scratch. -#}
{% macro dbt_envs_found(name) %}
  {{ return(dbt_envs_value('value from dbt_envs_scratch.' ~ name)) }}
{% endmacro %}

{% macro dbt_envs_is_there(path) %}
  {{ return(dbt_envs_value('count(*) from glob(' ~ dbt_envs_glob(path) ~ ')') | int > 0) }}
{% endmacro %}

{#- The relations in the file's own schema; none where it is not there or could not be looked for. -#}
{% macro dbt_envs_relations_inside(file, seen) %}
  {%- for one in seen['schemas'] or [] if one['schema'] | lower == file['schema'] -%}{{ return(one['relations']) }}{%- endfor -%}
  {{ return(none) }}
{% endmacro %}

{#-
  A pin is a small file beside the environment's, {"keep_until": "2027-01-31T00:00:00Z"}, which keep_schema writes. Gives that
  time; none where there is no pin; unreadable where there is one and it does not say.
-#}
{% macro dbt_envs_pin(file) %}
  {%- if not dbt_envs_is_there(file['pin']) -%}{{ return(none) }}{%- endif -%}
  {%- do dbt_envs_demand_tries() -%}
  {%- if dbt_envs_tries('create or replace table dbt_envs_scratch.pin as select content as value from read_text(' ~ dbt_envs_text(file['pin']) ~ ')') -%}
    {%- set pin = fromjson(dbt_envs_found('pin'), {}) -%}
    {%- if pin is mapping and 'keep_until' in pin
        and (pin['keep_until'] is none or modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}T00:00:00Z', pin['keep_until'] | string) is not none) -%}
      {{ return(pin['keep_until']) }}
    {%- endif -%}
  {%- endif -%}
  {{ return('unreadable') }}
{% endmacro %}

{#- A pull request that is closed keeps its schema while it is pinned: drop_pr_schema asks. -#}
{% macro duckdb__dbt_envs_kept_until(schema) %}
  {%- for file in dbt_envs_files() if file['schema'] == schema -%}
    {%- set pin = dbt_envs_pin(file) -%}
    {%- if pin == 'unreadable' -%}{{ return('a day that ' ~ file['pin'] ~ ' does not say') }}{%- endif -%}
    {%- if pin is not none and pin > dbt_envs_value(dbt_envs_time('now()')) -%}{{ return(pin[:10]) }}{%- endif -%}
  {%- endfor -%}
  {{ return(none) }}
{% endmacro %}
