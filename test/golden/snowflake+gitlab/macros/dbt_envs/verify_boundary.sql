{#-
  Tries the forbidden acts, beside each one an act of its kind that must succeed (the control), and what must be possible,
  under the login of this target and with every role that it has; drops what it makes.

      dbt run-operation verify_boundary                                                    as yourself
      dbt run-operation verify_boundary --target ci                                        as acme_ci_service
      DBT_CI_LOGIN=acme_janitor dbt run-operation verify_boundary --target ci   as the janitor, with its key

  Fails when an act came out wrong; an act that could not be tried is wrong. The last line is JSON.
-#}
{% macro verify_boundary() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {#- A person may always switch on what else they have: https://docs.snowflake.com/en/sql-reference/sql/use-secondary-roles -#}
  {%- do run_query('use secondary roles all') -%}
  {%- set report = fromjson(run_query('call acme_nonprod.acme_door.verify()').rows[0][0]) -%}
  {%- for act in report['acts'] -%}
    {%- do print(('ok    ' if act['ok'] else 'WRONG ') ~ '| ' ~ act['act'] ~ ' | control ' ~ act['control'] ~ ' | expected ' ~ act['expected']
      ~ ' | got ' ~ act['got'] ~ ((': ' ~ act['why']) if act['why'] and not act['ok'] else '')) -%}
  {%- endfor -%}
  {%- do print(report['acts'] | length ~ ' acts tried as ' ~ report['login'] ~ ' (' ~ report['identity'] ~ '), ' ~ report['wrong'] ~ ' came out wrong.') -%}
  {%- do print(tojson(report)) -%}
  {%- if report['wrong'] > 0 -%}
    {{ exceptions.raise_compiler_error(report['wrong'] ~ ' acts came out wrong for ' ~ report['login'] ~ '.') }}
  {%- endif -%}
{% endmacro %}
