{#-
  Facts for the page that scripts/dbt_envs/sweep_report.py writes. BigQuery keeps them itself: nothing is written down.

      dbt run-operation report --target ci      as acme-janitor@acme-ci.iam.gserviceaccount.com

  The last line is JSON. null: unknown. BigQuery does not say who owns a table, and who wrote to it last stands in records that the
  janitor may not read. In the project of production it sees the datasets and nothing else. Sizes of 30 days ago are the mean of
  that day, as billed, three days late:
  https://docs.cloud.google.com/bigquery/docs/information-schema-table-storage-usage

  What was billed, and proofs of others, stand in the jobs of everybody, with the text of each query. The janitor sees them where an
  administrator gives it roles/bigquery.resourceViewer on acme-prod and acme-dev and acme-ci; otherwise they are unknown.
-#}
{% macro report() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- do dbt_envs_as_janitor('The report') -%}
  {%- set now = run_query("select format_timestamp('%Y-%m-%dT%H:%M:%E6SZ', current_timestamp()), format_date('%Y-%m-%d', date_sub(current_date(), interval 30 day))").rows[0] -%}
  {%- set storage = {} -%}
  {%- set largest = [] -%}
  {%- set then_known = namespace(all=true) -%}
  {%- for project in ['acme-dev', 'acme-ci'] -%}
    {%- set then = {} -%}
    {%- set was = dbt_envs_rows_or_none(dbt_envs_sizes_on(project, now[1])) -%}
    {%- if was is none -%}{%- set then_known.all = false -%}{%- endif -%}
    {%- for row in was or [] -%}{%- set one = fromjson(row) -%}{%- do then.update({one['schema']: one['bytes']}) -%}{%- endfor -%}
    {%- for one in dbt_envs_datasets(project) if one['mark'] == 'acme' and dbt_envs_project_of(one['schema']) == project -%}
      {%- do storage.update({one['schema']: {
        'environment': 'dev' if one['dev'] else 'ci',
        'who': one['schema'][4:] if one['dev'] else none,
        'schema': one['schema'],
        'bytes': one['bytes'],
        'bytes_then': then.pop(one['schema'], 0) if was is not none else none
      }}) -%}
    {%- endfor -%}
    {#- What was there then and is gone has no labels any more: only its whole name says that it was an environment. -#}
    {%- for schema, bytes in then.items() if dbt_envs_project_of(schema) == project and schema not in storage -%}
      {%- do storage.update({schema: {
        'environment': 'dev' if schema[:4] == 'dev_' else 'ci', 'who': schema[4:] if schema[:4] == 'dev_' else none,
        'schema': schema, 'bytes': 0, 'bytes_then': bytes
      }}) -%}
    {%- endfor -%}
    {%- if project == 'acme-dev' -%}
      {%- for row in run_query(dbt_envs_largest_dev(project)).rows -%}{%- do largest.append(fromjson(row[0])) -%}{%- endfor -%}
    {%- endif -%}
  {%- endfor -%}

  {%- for schema in dbt_envs_answers()['prod_schemas'] -%}
    {%- set size = dbt_envs_rows_or_none('select coalesce(sum(size_bytes), 0) from `acme-prod`.' ~ schema ~ '.__TABLES__') -%}
    {%- do storage.update({schema: {'environment': 'prod', 'who': none, 'schema': schema, 'bytes': size[0] | int if size else none, 'bytes_then': none}}) -%}
  {%- endfor -%}

  {%- set noted = dbt_envs_rows_or_none(dbt_envs_cleared_lately()) -%}
  {%- set cleared = [] -%}
  {%- for row in noted or [] -%}
    {%- set one = fromjson(row) -%}
    {%- do cleared.append(dict(fromjson(one['note']), at=one['noted_at'])) -%}
  {%- endfor -%}
  {%- set proved = dbt_envs_proofs() -%}
  {%- set billed = dbt_envs_billed() -%}

  {%- set facts = {
    'at': now[0],
    'can_write': dbt_envs_can_write(),
    'strangers': none,
    'last_write_by_others': none,
    'proofs': proved,
    'since': now[1] if then_known.all else none,
    'storage': storage.values() | sort(attribute='schema'),
    'largest_dev': largest,
    'cleared': cleared if noted is not none else none,
    'compute': {'unit': 'bytes billed', 'used': billed}
  } -%}
  {%- do print(storage | length ~ ' schemas measured, ' ~ (cleared | length if noted is not none else 'unknown how many') ~ ' cleared in 30 days') -%}
  {%- do print(tojson(facts)) -%}
{% endmacro %}

{#- Bytes by dataset on a day. Usage is in MiB seconds, logical or physical as the dataset is billed. -#}
{% macro dbt_envs_sizes_on(project, day) %}
  select to_json_string(struct(
    table_schema as schema,
    cast(sum(if(billable_total_logical_usage > 0, billable_total_logical_usage, billable_total_physical_usage)) * 1048576 / 86400 as int64) as bytes
  ))
  from `{{ project }}`.`region-us`.INFORMATION_SCHEMA.TABLE_STORAGE_USAGE_TIMELINE
  where usage_date = date '{{ day }}'
  group by table_schema
{% endmacro %}

{% macro dbt_envs_largest_dev(project) %}
  select to_json_string(struct(concat(table_schema, '.', table_name) as relation, total_logical_bytes as bytes))
  from `{{ project }}`.`region-us`.INFORMATION_SCHEMA.TABLE_STORAGE
  where not deleted and total_logical_bytes > 0 and regexp_contains(table_schema, r'^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$')
  order by total_logical_bytes desc, table_schema, table_name
  limit 10
{% endmacro %}

{#- Bytes billed by environment and developer, the most first; none where the jobs of one project may not be seen. -#}
{% macro dbt_envs_billed() %}
  {%- set used = {} -%}
  {%- for project in ['acme-prod', 'acme-dev', 'acme-ci'] -%}
    {%- set rows = dbt_envs_rows_or_none(dbt_envs_billed_in(project)) -%}
    {%- if rows is none -%}{{ return(none) }}{%- endif -%}
    {%- for row in rows -%}
      {%- set one = fromjson(row) -%}
      {%- set before = used.get((one['environment'], one['who']), {'amount': 0, 'amount_before': 0}) -%}
      {%- do used.update({(one['environment'], one['who']): dict(one, amount=one['amount'] + before['amount'], amount_before=one['amount_before'] + before['amount_before'])}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return(used.values() | sort(attribute='amount', reverse=true)) }}
{% endmacro %}

{#-
  A job of dbt carries labels that say where it belongs; of another job the dataset that it wrote does, or the developer who ran it.
  Whoever runs a job may give it any label. A script counts what its statements count once more.
-#}
{% macro dbt_envs_billed_in(project) %}
  select to_json_string(struct(
    environment,
    if(environment = 'dev', who, null) as who,
    cast(sum(if(is_now, billed, 0)) as float64) as amount,
    cast(sum(if(is_now, 0, billed)) as float64) as amount_before
  ))
  from (
    select
      case
        when job.is_ours then job.environment
        when regexp_contains(job.dataset, r'^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$') then 'dev'
        when regexp_contains(job.dataset, r'^pr_[1-9][0-9]{0,9}$') then 'ci'
        when job.project_id = 'acme-prod' and job.dataset in ('analytics', 'staging') then 'prod'
        when person.slug is not null then 'dev'
        else 'other'
      end as environment,
      if(regexp_contains(job.dataset, r'^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$'), substr(job.dataset, 5), person.slug) as who,
      job.is_now,
      job.billed
    from (
      select
        project_id,
        user_email,
        exists(select 1 from unnest(labels) where key = 'dbt_envs_project' and value = 'acme') as is_ours,
        (select min(value) from unnest(labels) where key = 'environment') as environment,
        coalesce((select min(value) from unnest(labels) where key = 'schema'), destination_table.dataset_id, '') as dataset,
        creation_time > timestamp_sub(current_timestamp(), interval 30 day) as is_now,
        coalesce(total_bytes_billed, 0) as billed
      from `{{ project }}`.`region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT
      where creation_time > timestamp_sub(current_timestamp(), interval 60 day)
        and (statement_type is null or statement_type != 'SCRIPT')
    ) as job
    left join unnest(array<struct<email string, slug string>>[
      ('priya@example.com', 'priya'),
      ('sam.jones@example.com', 'sam')
    ]) as person on person.email = job.user_email
  )
  where billed > 0
  group by environment, who
{% endmacro %}

{#- What drop_stale_schemas noted, in the janitor's own statements: https://docs.cloud.google.com/bigquery/docs/information-schema-jobs-by-user -#}
{% macro dbt_envs_cleared_lately() %}
  select to_json_string(struct(
    format_timestamp('%Y-%m-%dT%H:%M:%SZ', creation_time) as noted_at,
    regexp_extract(query, r"select '([^']*)' as dbt_envs_cleared$") as note
  ))
  from `acme-ci`.`region-us`.INFORMATION_SCHEMA.JOBS_BY_USER
  where creation_time > timestamp_sub(current_timestamp(), interval 30 day)
    and statement_type = 'SELECT'
    and error_result is null
    and regexp_contains(query, r"select '[^']*' as dbt_envs_cleared$")
  order by creation_time
{% endmacro %}

{#-
  The newest proof of each login, by Google's own record of who ran what; none where the janitor may not see other people's
  statements: bigquery.jobs.listAll, which is not granted unless an administrator wants it. Then its own is known.
-#}
{% macro dbt_envs_proofs() %}
  {%- set services = {'acme-ci@acme-ci.iam.gserviceaccount.com': 'ci', 'acme-prod@acme-prod.iam.gserviceaccount.com': 'prod', 'acme-janitor@acme-ci.iam.gserviceaccount.com': 'janitor'} -%}
  {%- set proofs = {} -%}
  {%- for project in ['acme-prod', 'acme-dev', 'acme-ci'] -%}
    {%- set rows = dbt_envs_rows_or_none(dbt_envs_proofs_in(project, 'JOBS_BY_PROJECT')) -%}
    {%- if rows is none and project == 'acme-ci' -%}{%- set rows = dbt_envs_rows_or_none(dbt_envs_proofs_in(project, 'JOBS_BY_USER')) -%}{%- endif -%}
    {%- for row in rows or [] -%}
      {%- set one = fromjson(row) -%}
      {#- Whoever runs a statement may write anything into it. -#}
      {%- set note = fromjson(one['note']) -%}
      {%- if note is mapping and (one['login'] not in proofs or proofs[one['login']]['at'] < one['noted_at']) -%}
        {%- do proofs.update({one['login']: dict(note, login=one['login'], at=one['noted_at'], identity=services.get(one['login'], 'dev'))}) -%}
      {%- endif -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ return((proofs.values() | sort(attribute='login')) or none) }}
{% endmacro %}

{% macro dbt_envs_proofs_in(project, view) %}
  select to_json_string(struct(
    user_email as login,
    format_timestamp('%Y-%m-%dT%H:%M:%SZ', creation_time) as noted_at,
    regexp_extract(query, r"select '([^']*)' as dbt_envs_proof$") as note
  ))
  from `{{ project }}`.`region-us`.INFORMATION_SCHEMA.{{ view }}
  where creation_time > timestamp_sub(current_timestamp(), interval 90 day)
    and statement_type = 'SELECT'
    and error_result is null
    and regexp_contains(query, r"select '[^']*' as dbt_envs_proof$")
  qualify row_number() over (partition by user_email order by creation_time desc) = 1
{% endmacro %}
