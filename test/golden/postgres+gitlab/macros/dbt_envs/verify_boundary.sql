{#-
  Tries the forbidden acts, beside each one an act of its kind that must succeed (the control), and what must be possible,
  under the login of this target; undoes all of it.

      dbt run-operation verify_boundary                                                    as yourself
      dbt run-operation verify_boundary --target ci                                        as acme_ci_service
      DBT_CI_LOGIN=acme_janitor dbt run-operation verify_boundary --target ci   as the janitor, with its password

  Fails when an act came out wrong; an act that could not be tried is wrong. The last line is JSON.
-#}
{% macro verify_boundary() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {#- Its note in acme_door.proof stays, whatever came out: the report reads it. -#}
  {%- call statement('verify', fetch_result=true, auto_begin=true) -%}call acme_door.verify(false){%- endcall -%}
  {%- do adapter.commit() -%}
  {%- set report = fromjson(load_result('verify')['data'][0][0]) -%}
  {%- for act in report['acts'] -%}
    {%- do print(('ok    ' if act['ok'] else 'WRONG ') ~ '| ' ~ act['act'] ~ ' | control ' ~ act['control'] ~ ' | expected ' ~ act['expected'] ~ ' | got ' ~ act['got']) -%}
  {%- endfor -%}
  {%- do print(report['acts'] | length ~ ' acts tried as ' ~ report['login'] ~ ' (' ~ report['identity'] ~ '), ' ~ report['wrong'] ~ ' came out wrong.') -%}
  {%- do print(tojson(report)) -%}
  {%- if report['wrong'] > 0 -%}
    {{ exceptions.raise_compiler_error(report['wrong'] ~ ' acts came out wrong for ' ~ report['login'] ~ '.') }}
  {%- endif -%}
{% endmacro %}
