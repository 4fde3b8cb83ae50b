{#-
  Brings back what the sweep has cleared last under this name, within a day of it, and keeps it for 30 days.

      DBT_CI_LOGIN=acme_janitor dbt run-operation restore_schema --target ci --args '{schema: pr_142}'

  Nothing is put in the place of what has been built since. The last line is JSON, {"schema": "pr_142", "restored": true}.
-#}
{% macro restore_schema(schema) %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- if modules.re.fullmatch(dbt_envs_answers()['dev_pattern'], schema | string) is none and modules.re.fullmatch(dbt_envs_answers()['pr_pattern'], schema | string) is none -%}
    {{ exceptions.raise_compiler_error('"' ~ schema ~ '" is no environment schema: dev_<name> or pr_<number>, its whole name.') }}
  {%- endif -%}
  {%- do dbt_envs_as_janitor('Restoring ' ~ schema) -%}
  {%- do run_query("call acme_nonprod.acme_door.restore_schema('" ~ schema ~ "')") -%}
  {%- do print(schema ~ ' is back, and is kept for 30 days.') -%}
  {%- do print(tojson({'schema': schema, 'restored': true})) -%}
{% endmacro %}
