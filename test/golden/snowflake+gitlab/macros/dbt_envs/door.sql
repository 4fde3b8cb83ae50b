{#- Before a build. Snowflake itself notes when a table was last written, so that nothing has to be noted here. -#}
{% macro snowflake__dbt_envs_on_run_start() %}
  {%- do dbt_envs_clone_prod() -%}
  {{ return('') }}
{% endmacro %}

{#- The day until which somebody keeps this schema, or none: drop_pr_schema would refuse. -#}
{% macro snowflake__dbt_envs_kept_until(schema) %}
  {{ return(run_query("call acme_nonprod.acme_door.kept_until('" ~ schema | replace("'", "''") ~ "')").rows[0][0]) }}
{% endmacro %}

{#- Production's database, as every target sees it. -#}
{% macro snowflake__dbt_envs_prod_database() %}
  {{ return('acme') }}
{% endmacro %}

{#- What is built in a schema: kinds by name, as dbt writes names. -#}
{% macro snowflake__dbt_envs_built(database, schema) %}
  {%- set built = {} -%}
  {%- for name, relation in snowflake__dbt_envs_relations(database, schema).items() -%}
    {%- do built.update({name: 'dynamic_table' if relation['kind'] == 'dynamic table' else relation['kind']}) -%}
  {%- endfor -%}
  {{ return(built) }}
{% endmacro %}

{#- One of the sweep's procedures, as acme_janitor. -#}
{% macro dbt_envs_as_janitor(what) %}
  {%- if target.name != 'ci' or target.user | lower != 'acme_janitor' -%}
    {{ exceptions.raise_compiler_error(what ~ ' is done as acme_janitor, and this is ' ~ target.user ~ ' under target ' ~ target.name
      ~ ': DBT_CI_LOGIN=acme_janitor with its key, and --target ci.') }}
  {%- endif -%}
{% endmacro %}
