-- audit.sql: everybody who can write production through a right on its datasets or tables.
--
-- Who runs it   anybody of this project, with a right to run queries:
--               bq query --project_id=acme-dev --location=US --use_legacy_sql=false --max_rows=100000 --max_child_jobs=0 < grants/audit.sql
-- What changes  nothing.
--
-- It sees what is granted on datasets and tables, and nothing of what comes from the project, its folder or its organization:
-- that is audit.sh, which an administrator runs. It asks for each table by itself, a second or so each.
-- Whoever can write stands first.

DECLARE v_on_table, v_on_tables ARRAY<STRUCT<login STRING, how STRING>> DEFAULT [];

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

SELECT login, how, verdict
FROM (
  SELECT login, how, 'writes' AS verdict FROM UNNEST(v_on_tables)
  UNION ALL
  SELECT login, how, verdict
  FROM (
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
  )
)
ORDER BY verdict IN ('administrator', 'reads', 'service'), verdict, login, how;
