{#-
  A view in dev_<name> or pr_<number> may select from production, and PostgreSQL does not drop a column that a view uses.
  Production must not fail because of it: where such views are all that depends on the column, they go with it, as they do
  when a table is replaced, and come back with the next build there. Anything else is refused as ever.
-#}
{% macro postgres__alter_relation_add_remove_columns(relation, add_columns=none, remove_columns=none) -%}
  {%- if target.name == 'prod' and remove_columns -%}
    {%- set names = [] -%}
    {%- for column in remove_columns -%}{%- do names.append("'" ~ column.name | replace("'", "''") ~ "'") -%}{%- endfor -%}
    {%- set others -%}
      select w.ev_class::regclass::text
      from pg_depend as d
      inner join pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
      inner join pg_rewrite as w on w.oid = d.objid and w.ev_class <> d.refobjid
      inner join pg_class as v on v.oid = w.ev_class
      inner join pg_namespace as n on n.oid = v.relnamespace
      where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
        and d.refobjid = to_regclass('{{ relation | string | replace("'", "''") }}')
        and a.attname in ({{ names | join(', ') }})
        and not (n.nspowner = to_regrole('acme_env_owner') and n.nspname collate "C" ~ '(^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$)|(^pr_[1-9][0-9]{0,9}$)')
    {%- endset -%}
    {%- if run_query(others).rows | length == 0 -%}
      {%- call statement('drop_columns') -%}
        alter table {{ relation }}
        {% for column in remove_columns %}drop column {{ column.quoted }} cascade{{ ', ' if not loop.last }}{% endfor %}
      {%- endcall -%}
      {%- set remove_columns = none -%}
    {%- endif -%}
  {%- endif -%}
  {%- if add_columns or remove_columns -%}
    {%- do default__alter_relation_add_remove_columns(relation, add_columns, remove_columns) -%}
  {%- endif -%}
{%- endmacro %}
