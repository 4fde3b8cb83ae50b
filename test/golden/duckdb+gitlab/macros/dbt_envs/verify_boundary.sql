{#- What other warehouses try from inside cannot be tried here: DuckDB has no roles, and the wall is outside of it. -#}
{% macro verify_boundary() %}
  {{ exceptions.raise_compiler_error(
    'Nothing was tried: DuckDB has no roles. The wall is the permission on the production file and its folder; grants/README.md has the commands that try it.'
  ) }}
{% endmacro %}

{% macro audit() %}
  {{ exceptions.raise_compiler_error(
    'Nobody was named: DuckDB has no roles. Who can write production is who may write its file or its folder; ls -l says who, and so does grants/README.md.'
  ) }}
{% endmacro %}
