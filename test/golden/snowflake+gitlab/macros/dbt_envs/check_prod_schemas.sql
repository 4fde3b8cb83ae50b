{#-
  Whether every schema that production has declared is there, and production's account may build in it: a deploy would
  fail otherwise. Run by CI for a pull request, which may have added one.

      PR_NUMBER=142 dbt run-operation check_prod_schemas --target ci

  The last line is JSON, {"problems": [{"schema": "marts", "why": "…"}]}. A problem is no error of this operation.
-#}
{% macro check_prod_schemas() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set problems = adapter.dispatch('dbt_envs_prod_schema_problems')() -%}
  {%- for one in problems -%}{%- do print(one['schema'] ~ ': ' ~ one['why']) -%}{%- endfor -%}
  {%- do print(tojson({'problems': problems})) -%}
{% endmacro %}

{#- A list of {'schema', 'why'}, in which each `why` says what an administrator runs. -#}
{% macro default__dbt_envs_prod_schema_problems() %}
  {{ exceptions.raise_compiler_error('Nobody has said how ' ~ target.type ~ ' shows that a schema is granted: define macro '
    ~ target.type ~ '__dbt_envs_prod_schema_problems().') }}
{% endmacro %}
