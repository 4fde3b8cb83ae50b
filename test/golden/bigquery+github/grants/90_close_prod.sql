-- 90_close_prod.sql: nobody but acme-prod may write the datasets and tables of production any more.
--
-- Who runs it   the administrator who ran 40_services.sql, after acme-prod has deployed; then 90_close_prod.sh:
--               bq query --project_id=acme-prod --location=US --use_legacy_sql=false < grants/90_close_prod.sql
-- What changes  who may write is written down in acme_record.taken. Then everybody else's right to write is taken from
--               the datasets and from each table and view in them. Whoever could write goes on reading.
-- How to undo   91_reopen_prod.sql.
--
-- Project owners keep what they have: BigQuery leaves a dataset with no owner alone, and whoever runs this keeps their own
-- entry too. The audit names them. BigQuery has no transaction around rights. Cut short, run it again: what was written down
-- stays, and the rest is done. Each table is asked for by itself, a second or so each.

DECLARE v_problem STRING;
DECLARE v_here, v_found ARRAY<STRUCT<kind STRING, name STRING, role STRING, principal STRING>> DEFAULT [];

SET v_problem = (
  SELECT IF(COUNT(*) = 0, 'acme-prod@acme-prod.iam.gserviceaccount.com', NULL)
  FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT
  WHERE creation_time > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 90 DAY)
    AND user_email = 'acme-prod@acme-prod.iam.gserviceaccount.com'
    AND state = 'DONE' AND error_result IS NULL
    AND destination_table.project_id = 'acme-prod'
    AND destination_table.dataset_id IN ('analytics', 'staging')
);
IF v_problem IS NOT NULL THEN
  RAISE USING MESSAGE = FORMAT('%s has not deployed yet: no job of its built anything in production. Deploy first, so that nothing stops when the old way is closed.', v_problem);
END IF;

INSERT INTO `acme-prod`.`acme_record`.taken (taken_at, kind, name, role, principal)
SELECT CURRENT_TIMESTAMP(), 'CLOSED', 'acme-prod', '', CONCAT('user:', SESSION_USER());

-- On datasets.
SET v_found = ARRAY_CONCAT(v_found, ARRAY(
  SELECT AS STRUCT 'SCHEMA' AS kind, '`acme-prod`.`analytics`' AS name, privilege_type AS role, grantee AS principal
  FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES
  WHERE object_name = 'analytics' AND object_type = 'SCHEMA'
    AND privilege_type IN ('roles/bigquery.dataEditor', 'roles/bigquery.dataOwner', 'roles/bigquery.admin')
));
SET v_found = ARRAY_CONCAT(v_found, ARRAY(
  SELECT AS STRUCT 'SCHEMA' AS kind, '`acme-prod`.`staging`' AS name, privilege_type AS role, grantee AS principal
  FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES
  WHERE object_name = 'staging' AND object_type = 'SCHEMA'
    AND privilege_type IN ('roles/bigquery.dataEditor', 'roles/bigquery.dataOwner', 'roles/bigquery.admin')
));

-- On single tables and views.
FOR one IN (
  SELECT table_schema, table_name FROM `acme-prod`.`analytics`.INFORMATION_SCHEMA.TABLES
  UNION ALL SELECT table_schema, table_name FROM `acme-prod`.`staging`.INFORMATION_SCHEMA.TABLES
) DO
  EXECUTE IMMEDIATE FORMAT("""
    SELECT ARRAY(
      SELECT AS STRUCT
        IF(object_type = 'EXTERNAL', 'EXTERNAL TABLE', object_type) AS kind,
        FORMAT('`%%s`.`%%s`.`%%s`', object_catalog, object_schema, object_name) AS name,
        privilege_type AS role,
        grantee AS principal
      FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES
      WHERE object_schema = '%s' AND object_name = '%s' AND privilege_type IN ('roles/bigquery.dataEditor', 'roles/bigquery.dataOwner', 'roles/bigquery.admin')
    )""", one.table_schema, one.table_name) INTO v_here;
  SET v_found = ARRAY_CONCAT(v_found, v_here);
END FOR;

-- Everything is written down before anything is taken. Special entries, such as a project's editors, are 90_close_prod.sh's.
INSERT INTO `acme-prod`.`acme_record`.taken (taken_at, kind, name, role, principal)
SELECT CURRENT_TIMESTAMP(), kind, name, role, principal
FROM UNNEST(v_found) AS now
WHERE REGEXP_CONTAINS(principal, r'^(user|group|serviceAccount|domain|specialGroup|principal|principalSet):')
  AND principal NOT IN ('serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com', CONCAT('user:', SESSION_USER()), CONCAT('serviceAccount:', SESSION_USER()))
  AND NOT EXISTS (
    SELECT 1 FROM `acme-prod`.`acme_record`.taken AS old
    WHERE old.kind = now.kind AND old.name = now.name AND old.role = now.role AND old.principal = now.principal
  );

FOR one IN (
  SELECT kind, name, role, principal
  FROM `acme-prod`.`acme_record`.taken
  WHERE kind IN ('SCHEMA', 'TABLE', 'VIEW', 'EXTERNAL TABLE')
    -- Whoever may write the record may not have more given than this.
    AND role IN ('roles/bigquery.dataEditor', 'roles/bigquery.dataOwner', 'roles/bigquery.admin')
    AND REGEXP_CONTAINS(name, r'^`acme-prod`\.`(analytics|staging)`(\.`[^`]+`)?$')
) DO
  EXECUTE IMMEDIATE FORMAT('GRANT `roles/bigquery.dataViewer` ON %s %s TO "%s"', one.kind, one.name, one.principal);
  EXECUTE IMMEDIATE FORMAT('REVOKE `%s` ON %s %s FROM "%s"', one.role, one.kind, one.name, one.principal);
END FOR;

SELECT kind, name, role, principal FROM `acme-prod`.`acme_record`.taken WHERE kind != 'CLOSED' ORDER BY kind, name, role, principal;
