{#-
  Names everybody who can write production through a right on its datasets or tables, and through what: the same as
  grants/audit.sql. It sees nothing of what comes from the project, its folder or its organization: that is grants/audit.sh, which
  an administrator runs.

      dbt run-operation audit

  Fails when a line is a HOLE. The last line is JSON, {"can_write": [...]}.
-#}
{% macro audit() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set can_write = dbt_envs_can_write() -%}
  {%- if can_write is none -%}
    {{ exceptions.raise_compiler_error('This login may not see who has rights on the datasets of production: grants/20_boundary.sql to grants/50_readers.sql give that.') }}
  {%- endif -%}
  {%- for row in run_query(dbt_envs_writers_of_tables()).rows -%}
    {%- do can_write.append({'login': row[0], 'how': row[1], 'verdict': 'HOLE'}) -%}
  {%- endfor -%}
  {%- set holes = can_write | selectattr('verdict', 'equalto', 'HOLE') | list -%}
  {%- for one in can_write -%}{%- do print('%-13s | %s | %s' | format(one['verdict'], one['login'], one['how'])) -%}{%- endfor -%}
  {%- do print(tojson({'can_write': can_write})) -%}
  {%- if holes -%}
    {{ exceptions.raise_compiler_error(holes | length ~ ' ways to write production are open. The first: ' ~ holes[0]['login'] ~ ', ' ~ holes[0]['how']
      ~ '. An administrator revokes it, or runs grants/90_close_prod.sql.') }}
  {%- endif -%}
{% endmacro %}

{#- Who can write production through a right on its datasets; none where this login may not see that. -#}
{% macro dbt_envs_can_write() %}
  {%- set query -%}
    select to_json_string(a) from (
      SELECT
  grantee AS login,
  CONCAT(privilege_type, ' on ', object_name) AS how,
  CASE
    WHEN grantee = 'serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com' THEN 'service'
    WHEN REGEXP_CONTAINS(grantee, r'^projectOwner:') THEN 'administrator'
    WHEN privilege_type IN ('roles/bigquery.dataViewer', 'roles/bigquery.filteredDataViewer', 'roles/bigquery.metadataViewer', 'roles/bigquery.routineDataViewer', 'roles/bigquery.routineMetadataViewer') THEN IF(REGEXP_CONTAINS(grantee, r'all(Authenticated)?Users$'), 'reads, as everybody in the world', 'reads')
    WHEN privilege_type IN ('roles/bigquery.dataEditor', 'roles/bigquery.dataOwner', 'roles/bigquery.admin') THEN 'writes'
    ELSE 'a role that is not known here: look at it'
  END AS verdict
FROM (
  SELECT object_name, privilege_type, grantee
  FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES
  WHERE object_name = 'analytics' AND object_type = 'SCHEMA'
  UNION ALL SELECT object_name, privilege_type, grantee
  FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES
  WHERE object_name = 'staging' AND object_type = 'SCHEMA'
)

    ) as a
  {%- endset -%}
  {%- set rows = dbt_envs_rows_or_none(query) -%}
  {%- if rows is none -%}{{ return(none) }}{%- endif -%}
  {%- set can_write = [] -%}
  {%- for row in rows -%}
    {%- set one = fromjson(row) -%}
    {%- if one['verdict'] == 'administrator' -%}
      {%- do can_write.append(one) -%}
    {%- elif one['verdict'] not in ['service', 'reads', 'reads, as everybody in the world'] -%}
      {%- do can_write.append({'login': one['login'], 'how': one['how'], 'verdict': 'HOLE'}) -%}
    {%- endif -%}
  {%- endfor -%}
  {#- Said wherever the list is read: it cannot be whole. -#}
  {%- do can_write.append({
    'login': 'whoever administers project acme-prod, its folder or its organization',
    'how': 'rights that are not on a dataset: grants/audit.sh names them',
    'verdict': 'administrator'
  }) -%}
  {{ return(can_write) }}
{% endmacro %}

{% macro dbt_envs_writers_of_tables() %}
declare v_on_tables, v_on_table array<struct<login string, how string>> default [];
FOR one IN (
  SELECT table_schema, table_name FROM `acme-prod`.`analytics`.INFORMATION_SCHEMA.TABLES
  UNION ALL SELECT table_schema, table_name FROM `acme-prod`.`staging`.INFORMATION_SCHEMA.TABLES
) DO
  BEGIN
    EXECUTE IMMEDIATE FORMAT("""
      SELECT ARRAY(
        SELECT AS STRUCT grantee AS login, CONCAT(privilege_type, ' on ', object_schema, '.', object_name) AS how
        FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES
        WHERE object_schema = '%s' AND object_name = '%s'
          AND privilege_type NOT IN ('roles/bigquery.dataViewer', 'roles/bigquery.filteredDataViewer', 'roles/bigquery.metadataViewer', 'roles/bigquery.routineDataViewer', 'roles/bigquery.routineMetadataViewer') AND grantee != 'serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com'
      )""", one.table_schema, one.table_name) INTO v_on_table;
    SET v_on_tables = ARRAY_CONCAT(v_on_tables, v_on_table);
  EXCEPTION WHEN ERROR THEN
    -- dbt may have dropped it since it was listed.
    IF NOT REGEXP_CONTAINS(@@error.message, r'(?i)not found') THEN
      RAISE;
    END IF;
  END;
END FOR;

select login, how from unnest(v_on_tables) order by login, how
{% endmacro %}
