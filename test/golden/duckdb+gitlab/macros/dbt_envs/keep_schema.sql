{#-
  Pins a schema: the sweep does not clear it before that day. `until` is a day, at most a year ahead; without it the pin is
  taken away. A developer pins her own, the sweep's account any.

      dbt run-operation keep_schema --args '{schema: dev_priya, until: 2027-01-31}'

  The pin is a small file beside the environment's, <name>.keep: whoever may write in that folder can change it. The last line
  is JSON, {"schema": ..., "keep_until": ...}.
-#}
{% macro keep_schema(schema, until=none) %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- if target.name not in ['dev', 'ci'] or target.schema not in ['pr_none', schema] -%}
    {{ exceptions.raise_compiler_error('Target ' ~ target.name ~ ' pins ' ~ target.schema ~ ' and not "' ~ schema
      ~ '": its owner does, or the sweep (--target ci, without PR_NUMBER).') }}
  {%- endif -%}
  {%- set found = [] -%}
  {%- for file in dbt_envs_files() if file['schema'] == schema -%}{%- do found.append(file) -%}{%- endfor -%}
  {%- if not found -%}{{ exceptions.raise_compiler_error('There is no "' ~ schema ~ '" here: nothing to pin.') }}{%- endif -%}
  {%- set pin = found[0]['pin'] -%}

  {%- set day = 'null::varchar' -%}
  {%- if until is not none -%}
    {%- set text = until | string -%}
    {%- set whole = modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', text) is not none -%}
    {%- set today = "make_timestamp(epoch_us(now()))::date" -%}
    {%- if not whole or not dbt_envs_value("coalesce(try_cast('" ~ text ~ "' as date) between " ~ today ~ ' + 1 and ' ~ today ~ ' + 366, false)') -%}
      {{ exceptions.raise_compiler_error('"' ~ text ~ '" is no day from tomorrow up to a year ahead: give one such as 2027-01-31, or null.') }}
    {%- endif -%}
    {%- set day = dbt_envs_text(text ~ 'T00:00:00Z') -%}
  {%- endif -%}
  {%- if until is not none or dbt_envs_is_there(pin) -%}
    {%- do run_query('copy (select ' ~ day ~ ' as keep_until) to ' ~ dbt_envs_text(pin) ~ ' (format json)') -%}
  {%- endif -%}
  {%- do print(tojson({'schema': schema, 'keep_until': dbt_envs_pin(found[0])})) -%}
{% endmacro %}
