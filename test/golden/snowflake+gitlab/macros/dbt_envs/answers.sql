{#- What the guards know. Written from the answers and roster.yml: change those, then run the generator again. -#}
{% macro dbt_envs_answers() %}
  {{ return({
    'project': 'acme',
    'role_prefix': 'acme',
    'developers': [
      'priya',
      'sam',
    ],
    'prod_schemas': ['analytics', 'staging'],
    'prod_runs': ['merge', 'schedule', 'manual'],
    'dev_pattern': '^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$',
    'pr_pattern': '^pr_[1-9][0-9]{0,9}$'
  }) }}
{% endmacro %}
