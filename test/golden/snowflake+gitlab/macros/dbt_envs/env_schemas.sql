{#-
  Lists this project's environment schemas, with their age and size; and, as others, schemas whose names merely begin like
  one or that belong to somebody else.

      dbt run-operation env_schemas

  Fails where the door sees nothing, its own schema included: an empty list would look like a night with nothing to do.

  The last line is JSON, {"listed_at": ..., "schemas": [...], "others": [...], "handover": ...}. Times are UTC. null: nobody
  knows. It is two queries, however many schemas there are.
-#}
{% macro env_schemas() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set said = run_query('call acme_nonprod.acme_door.env_schemas()').rows[0][0] -%}
  {%- set listing = fromjson(said) if said else {} -%}
  {%- if not listing['listed_at'] or listing['schemas'] is not iterable or listing['others'] is not iterable -%}
    {{ exceptions.raise_compiler_error('The door has not said what it sees: ' ~ tojson(listing)) }}
  {%- endif -%}
  {%- for one in listing['schemas'] -%}
    {%- do print(one['schema'] ~ ': ' ~ one['relations'] ~ ' relations, last used ' ~ (one['last_used_at'] or 'nobody knows when')
      ~ ', made for ' ~ (one['created_by'] or 'nobody known')) -%}
  {%- endfor -%}
  {%- for one in listing['others'] -%}{%- do print(one['schema'] ~ ': not this project\'s, belongs to ' ~ one['owner']) -%}{%- endfor -%}
  {%- do print(tojson({
    'listed_at': listing['listed_at'], 'schemas': listing['schemas'], 'others': listing['others'],
    'handover': 'an administrator hands it over by its name with grants/adopt_leftovers.sql'
  })) -%}
{% endmacro %}
