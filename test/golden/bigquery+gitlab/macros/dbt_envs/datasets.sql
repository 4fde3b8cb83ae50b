{#-
  Datasets of one project whose names begin like an environment's, as JSON texts; or of them the one called `schema`. One query,
  however many there are. `mark`: whose project's labels it carries. last_used_at is the newest of
    when dbt last built there (the view dbt_envs_used)
    when a relation was made
    when a table was written, which BigQuery tells some seconds to minutes later
  and, where a pull request has nothing yet, when its dataset was made. used_since: after the time `since`, or within the hour before
  it, of which a list made then may not have known yet. A developer's pin is a view in their own dataset,
  dbt_envs_keep, which counts for a year; the janitor's is a label, of a day that is at most a year ahead.
  https://docs.cloud.google.com/bigquery/docs/information-schema-table-storage
  https://docs.cloud.google.com/bigquery/docs/information-schema-datasets-schemata-options
-#}
{% macro dbt_envs_datasets(project, schema=none, since=none) %}
  {%- set catalog = '`' ~ project ~ '`.`region-us`.INFORMATION_SCHEMA' -%}
  {%- set query -%}
    with note as (
      select
        table_schema,
        max(if(table_name = 'dbt_envs_used', safe_cast(trim(option_value, '"') as timestamp), null)) as used_at,
        max(if(table_name = 'dbt_envs_keep', safe_cast(trim(option_value, '"') as date), null)) as keep_until
      from {{ catalog }}.TABLE_OPTIONS
      where table_name in ('dbt_envs_used', 'dbt_envs_keep') and option_name = 'description'
      group by table_schema
    ),
    content as (
      select
        table_schema,
        countif(not regexp_contains(table_name, r'^dbt_envs_')) as relations,
        max(if(regexp_contains(table_name, r'^dbt_envs_'), null, creation_time)) as made_at,
        max(if(table_name = 'dbt_envs_keep', creation_time, null)) as pinned_at
      from {{ catalog }}.TABLES
      group by table_schema
    ),
    written as (
      select table_schema, sum(total_logical_bytes) as bytes, max(storage_last_modified_time) as written_at
      from {{ catalog }}.TABLE_STORAGE
      where not deleted
      group by table_schema
    ),
    label as (
      select
        schema_name,
        option_value as labels,
        regexp_extract(option_value, r'STRUCT\("dbt_envs_project", "([^"]*)"\)') as mark,
        regexp_extract(option_value, r'STRUCT\("owner", "([^"]*)"\)') as owner,
        {{ dbt_envs_pin_of_labels() }} as keep_until
      from {{ catalog }}.SCHEMATA_OPTIONS
      where option_name = 'labels'
    ),
    found as (
      select
        s.schema_name,
        s.creation_time,
        l.labels,
        l.mark,
        l.owner,
        coalesce(c.relations, 0) as relations,
        coalesce(w.bytes, 0) as bytes,
        nullif(
          greatest(
            coalesce(if(n.used_at <= current_timestamp(), n.used_at, null), timestamp_seconds(0)),
            coalesce(c.made_at, timestamp_seconds(0)),
            coalesce(w.written_at, timestamp_seconds(0)),
            if(regexp_contains(s.schema_name, r'^pr_[1-9][0-9]{0,9}$'), s.creation_time, timestamp_seconds(0))
          ),
          timestamp_seconds(0)
        ) as last_used_at,
        nullif(
          greatest(
            coalesce(l.keep_until, date '1970-01-01'),
            if(
              regexp_contains(s.schema_name, r'^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$'),
              coalesce(least(n.keep_until, date_add(date(c.pinned_at), interval 366 day)), date '1970-01-01'),
              date '1970-01-01'
            )
          ),
          date '1970-01-01'
        ) as keep_until
      from {{ catalog }}.SCHEMATA as s
      left join label as l on l.schema_name = s.schema_name
      left join note as n on n.table_schema = s.schema_name
      left join content as c on c.table_schema = s.schema_name
      left join written as w on w.table_schema = s.schema_name
      where {% if schema is none %}regexp_contains(s.schema_name, r'^(?i:dev|pr)_'){% else %}s.schema_name = '{{ schema }}'{% endif %}
    )
    select to_json_string(struct(
      schema_name as schema,
      mark,
      owner,
      labels,
      regexp_contains(schema_name, r'^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$') as dev,
      regexp_contains(schema_name, r'^pr_[1-9][0-9]{0,9}$') as pr,
      format_timestamp('%Y-%m-%dT%H:%M:%E6SZ', creation_time) as created_at,
      format_timestamp('%Y-%m-%dT%H:%M:%E6SZ', last_used_at) as last_used_at,
      format_date('%Y-%m-%d', keep_until) as keep_until,
      coalesce(keep_until > current_date(), false) as kept,
      {% if since is none %}false{% else %}coalesce(last_used_at > timestamp_sub(timestamp '{{ since }}', interval 1 hour), false){% endif %} as used_since,
      relations,
      bytes,
      format_timestamp('%Y-%m-%dT%H:%M:%E6SZ', current_timestamp()) as asked_at
    ))
    from found
    order by schema_name
  {%- endset -%}
  {%- set datasets = [] -%}
  {%- for row in run_query(query).rows -%}{%- do datasets.append(fromjson(row[0])) -%}{%- endfor -%}
  {{ return(datasets) }}
{% endmacro %}

{#- Where an environment's dataset is by its name, and the project that holds it; none for every other name. -#}
{% macro dbt_envs_project_of(schema) %}
  {%- if modules.re.fullmatch(dbt_envs_answers()['dev_pattern'], schema | string) -%}{{ return('acme-dev') }}{%- endif -%}
  {%- if modules.re.fullmatch(dbt_envs_answers()['pr_pattern'], schema | string) -%}{{ return('acme-ci') }}{%- endif -%}
  {{ return(none) }}
{% endmacro %}

{#- The same, and an error that names the rule for every other name. -#}
{% macro dbt_envs_environment_project(schema) %}
  {%- set project = dbt_envs_project_of(schema) -%}
  {%- if project is none -%}
    {{ exceptions.raise_compiler_error('"' ~ schema ~ '" is no environment schema: dev_<name> or pr_<number>, its whole name.') }}
  {%- endif -%}
  {{ return(project) }}
{% endmacro %}

{#- One dataset, or none where there is no such one or its labels are not this project's. -#}
{% macro dbt_envs_dataset(schema) %}
  {%- for one in dbt_envs_datasets(dbt_envs_environment_project(schema), schema) if one['mark'] == 'acme' -%}{{ return(one) }}{%- endfor -%}
  {{ return(none) }}
{% endmacro %}

{#-
  Labels are set all together, so the others are written back, in whatever letters; they have letters, digits, - and _ alone:
  https://docs.cloud.google.com/bigquery/docs/labels-intro#requirements. none takes one away.
-#}
{% macro dbt_envs_set_label(dataset, label, value) %}
  {%- set labels = [] -%}
  {%- for name, text in modules.re.findall('STRUCT[(]"([^"]*)", "([^"]*)"[)]', dataset['labels'] or '') if name != label -%}
    {%- do labels.append("('" ~ name ~ "', '" ~ text ~ "')") -%}
  {%- endfor -%}
  {%- if value is not none -%}{%- do labels.append("('" ~ label ~ "', '" ~ value ~ "')") -%}{%- endif -%}
  {%- call statement('set_label') -%}
    alter schema `{{ dbt_envs_environment_project(dataset['schema']) }}`.{{ dataset['schema'] }} set options (labels = [{{ labels | join(', ') }}])
  {%- endcall -%}
{% endmacro %}

{#-
  The day until which a dataset's labels keep it. CI owns pr_<number> and builds what a pull request says, so a label may hold
  anything: what is further ahead than keep_schema writes does not count, or it would be one for ever.
-#}
{% macro dbt_envs_pin_of_labels() -%}
  if(
    safe_cast(regexp_extract(option_value, r'STRUCT\("keep_until", "([^"]*)"\)') as date) <= date_add(current_date(), interval 366 day),
    safe_cast(regexp_extract(option_value, r'STRUCT\("keep_until", "([^"]*)"\)') as date),
    null
  )
{%- endmacro %}

{#-
  The day until which somebody keeps the dataset of a pull request, or none. CI asks: it sees the labels of datasets, and no tables
  but its own. https://docs.cloud.google.com/bigquery/docs/information-schema-datasets-schemata-options
-#}
{% macro bigquery__dbt_envs_kept_until(schema) %}
  {%- set query -%}
    select format_date('%Y-%m-%d', keep_until)
    from (
      select {{ dbt_envs_pin_of_labels() }} as keep_until
      from `{{ dbt_envs_environment_project(schema) }}`.`region-us`.INFORMATION_SCHEMA.SCHEMATA_OPTIONS
      where schema_name = '{{ schema }}' and option_name = 'labels'
    )
    where keep_until > current_date()
  {%- endset -%}
  {%- for row in run_query(query).rows -%}{{ return(row[0]) }}{%- endfor -%}
  {{ return(none) }}
{% endmacro %}

{#- What only the janitor does. dbt does not know who it is here: Google does. -#}
{% macro dbt_envs_as_janitor(what) %}
  {%- if target.name != 'ci' -%}
    {{ exceptions.raise_compiler_error(what ~ ' is done under target ci, as acme-janitor@acme-ci.iam.gserviceaccount.com, and this is target ' ~ target.name ~ '.') }}
  {%- endif -%}
  {%- set login = run_query('select session_user()').rows[0][0] -%}
  {%- if login != 'acme-janitor@acme-ci.iam.gserviceaccount.com' -%}
    {{ exceptions.raise_compiler_error(what ~ ' is done as acme-janitor@acme-ci.iam.gserviceaccount.com, and this is ' ~ login ~ '.') }}
  {%- endif -%}
{% endmacro %}

{#-
  The first column of a query; none where what it asks about is not there or is closed to this login. Any other error is
  one. https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/procedural-language#beginexceptionend
-#}
{% macro dbt_envs_rows_or_none(query) %}
  {%- set script -%}
    begin
      execute immediate r"""{{ query }}""";
    exception when error then
      select @@error.message as failed;
    end
  {%- endset -%}
  {%- set answer = run_query(script) -%}
  {%- if answer.column_names | first != 'failed' -%}{{ return(answer.columns[0].values() | list) }}{%- endif -%}
  {%- set why = answer.rows[0][0] -%}
  {%- if modules.re.search('(?i)not found|access denied|permission', why) is none -%}
    {{ exceptions.raise_compiler_error(why) }}
  {%- endif -%}
  {%- do log(why) -%}
  {{ return(none) }}
{% endmacro %}

{#- Runs a script's statements; what went wrong in one line, or none. Nothing that follows in a script is done after an error. -#}
{% macro dbt_envs_try(statements) %}
  {%- set script -%}
    begin
      {{ statements }};
      select '' as failed;
    exception when error then
      select @@error.message as failed;
    end
  {%- endset -%}
  {%- set answer = run_query(script) -%}
  {%- if answer.column_names | first != 'failed' or answer.rows | length != 1 -%}
    {{ exceptions.raise_compiler_error('BigQuery did not say how this ended: ' ~ statements) }}
  {%- endif -%}
  {{ return(((answer.rows[0][0] or '').split() | join(' ')) or none) }}
{% endmacro %}
