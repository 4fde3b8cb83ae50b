{#-
  Facts for the page that scripts/dbt_envs/sweep_report.py writes. First writes the sizes of today down.

      DBT_CI_LOGIN=acme_janitor dbt run-operation report --target ci

  The last line is JSON. null: unknown. last_write_by_others is the newest CREATE, ALTER or DROP of somebody else's; who wrote rows
  is on record in Enterprise Edition alone. compute: credits of the last 30 days and the 30 before, by the tag of the query.
-#}
{% macro report() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- do dbt_envs_as_janitor('The report') -%}
  {%- set facts = fromjson(run_query('call acme_nonprod.acme_door.report()').rows[0][0]) -%}
  {%- do facts.update({'can_write': fromjson(run_query('call acme_nonprod.acme_door.audit()').rows[0][0])}) -%}
  {%- for one in facts['strangers'] -%}{%- do print(one['relation'] ~ ' of production belongs to ' ~ one['owner']) -%}{%- endfor -%}
  {%- set used = [] -%}
  {%- for one in facts.pop('credits') -%}
    {%- do print((one['who'] or one['environment']) ~ ': ' ~ one['credits'] ~ ' credits in 30 days, ' ~ one['credits_before'] ~ ' in the 30 before') -%}
    {%- do used.append({'environment': one['environment'], 'who': one['who'], 'amount': one['credits'], 'amount_before': one['credits_before']}) -%}
  {%- endfor -%}
  {%- do facts.update({'compute': {'unit': 'credits', 'used': used}}) -%}
  {%- do print(facts['storage'] | length ~ ' schemas measured, ' ~ facts['cleared'] | length ~ ' cleared in 30 days, ' ~ facts['proofs'] | length ~ ' proofs') -%}
  {%- do print(tojson(facts)) -%}
{% endmacro %}
