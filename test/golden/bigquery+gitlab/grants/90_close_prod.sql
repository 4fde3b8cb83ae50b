-- 90_close_prod.sql: nobody but acme-prod may write the datasets and tables of production any more.
--
-- Who runs it   the administrator who ran 40_services.sql, after acme-prod has deployed; then 90_close_prod.sh:
--               bq query --project_id=acme-prod --location=US --use_legacy_sql=false --max_rows=100000 --max_child_jobs=0 < grants/90_close_prod.sql
-- What changes  who may write is written down in acme_record.taken. Then everybody else's right to write is taken from
--               the datasets and from each table and view in them. Whoever could write goes on reading.
-- How to undo   91_reopen_prod.sql.
--
-- Project owners keep what they have: BigQuery leaves a dataset with no owner alone, and whoever runs this keeps their own
-- entry too. The audit names them. BigQuery has no transaction around rights: what cannot be taken is passed over, and named at
-- the end, where this fails. Cut short, run it again: what was written down stays, and the rest is done. What a role does that
-- somebody made, SQL cannot see: it is left, and listed at the end. Each table is asked for by itself, a second or so each.

DECLARE v_problem STRING;
DECLARE v_here, v_found ARRAY<STRUCT<kind STRING, name STRING, role STRING, principal STRING>> DEFAULT [];
DECLARE v_stays ARRAY<STRUCT<name STRING, role STRING, principal STRING, why STRING>> DEFAULT [];

SET v_problem = (
  SELECT IF(COUNT(*) = 0, 'acme-prod@acme-prod.iam.gserviceaccount.com', NULL)
  FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT
  WHERE creation_time > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 90 DAY)
    AND user_email = 'acme-prod@acme-prod.iam.gserviceaccount.com'
    AND state = 'DONE' AND error_result IS NULL
    AND destination_table.project_id = 'acme-prod'
    AND destination_table.dataset_id IN ('analytics', 'staging')
    -- What verify does under this login is no deploy.
    AND destination_table.table_id != 'dbt_envs_proof' AND IFNULL(statement_type, '') != 'DELETE'
);
IF v_problem IS NOT NULL THEN
  RAISE USING MESSAGE = FORMAT('%s has not deployed yet: no job of its built anything in production. Deploy first, so that nothing stops when the old way is closed.', v_problem);
END IF;

-- On datasets.
SET v_found = ARRAY_CONCAT(v_found, ARRAY(
  SELECT AS STRUCT 'SCHEMA' AS kind, '`acme-prod`.`analytics`' AS name, privilege_type AS role, grantee AS principal
  FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES
  WHERE object_name = 'analytics' AND object_type = 'SCHEMA'
    AND privilege_type NOT IN ('roles/bigquery.dataViewer', 'roles/bigquery.filteredDataViewer', 'roles/bigquery.metadataViewer', 'roles/bigquery.routineDataViewer', 'roles/bigquery.routineMetadataViewer')
));
SET v_found = ARRAY_CONCAT(v_found, ARRAY(
  SELECT AS STRUCT 'SCHEMA' AS kind, '`acme-prod`.`staging`' AS name, privilege_type AS role, grantee AS principal
  FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES
  WHERE object_name = 'staging' AND object_type = 'SCHEMA'
    AND privilege_type NOT IN ('roles/bigquery.dataViewer', 'roles/bigquery.filteredDataViewer', 'roles/bigquery.metadataViewer', 'roles/bigquery.routineDataViewer', 'roles/bigquery.routineMetadataViewer')
));

-- On single tables and views.
FOR one IN (
  SELECT table_schema, table_name FROM `acme-prod`.`analytics`.INFORMATION_SCHEMA.TABLES
  UNION ALL SELECT table_schema, table_name FROM `acme-prod`.`staging`.INFORMATION_SCHEMA.TABLES
) DO
  BEGIN
    EXECUTE IMMEDIATE FORMAT("""
      SELECT ARRAY(
        SELECT AS STRUCT
          IF(object_type = 'EXTERNAL', 'EXTERNAL TABLE', object_type) AS kind,
          FORMAT('`%%s`.`%%s`.`%%s`', object_catalog, object_schema, object_name) AS name,
          privilege_type AS role,
          grantee AS principal
        FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES
        WHERE object_schema = '%s' AND object_name = '%s' AND privilege_type NOT IN ('roles/bigquery.dataViewer', 'roles/bigquery.filteredDataViewer', 'roles/bigquery.metadataViewer', 'roles/bigquery.routineDataViewer', 'roles/bigquery.routineMetadataViewer')
      )""", one.table_schema, one.table_name) INTO v_here;
    SET v_found = ARRAY_CONCAT(v_found, v_here);
  EXCEPTION WHEN ERROR THEN
    -- dbt may have dropped it since it was listed.
    IF NOT REGEXP_CONTAINS(@@error.message, r'(?i)not found') THEN
      SET v_stays = ARRAY_CONCAT(v_stays, [
        STRUCT(CONCAT(one.table_schema, '.', one.table_name) AS name, 'a right that could not be seen' AS role, 'somebody' AS principal, @@error.message AS why)
      ]);
    END IF;
  END;
END FOR;

-- A project's Editors and Viewers are 90_close_prod.sh's; an account that was deleted writes nothing any more.
SET v_found = ARRAY(
  SELECT AS STRUCT kind, name, role, IF(principal IN ('allUsers', 'allAuthenticatedUsers'), CONCAT('specialGroup:', principal), principal) AS principal
  FROM UNNEST(v_found)
  WHERE REGEXP_CONTAINS(principal, r'^((user|group|serviceAccount|domain|specialGroup|principal|principalSet):|all(Authenticated)?Users$)')
    AND principal NOT IN ('serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com', CONCAT('user:', SESSION_USER()), CONCAT('serviceAccount:', SESSION_USER()))
);

-- Everything is written down before anything is taken.
INSERT INTO `acme-prod`.`acme_record`.taken (taken_at, kind, name, role, principal)
SELECT CURRENT_TIMESTAMP(), kind, name, role, principal
FROM UNNEST(v_found) AS now
WHERE role IN ('roles/bigquery.dataEditor', 'roles/bigquery.dataOwner', 'roles/bigquery.admin')
  AND NOT EXISTS (
    SELECT 1 FROM `acme-prod`.`acme_record`.taken AS old
    WHERE old.kind = now.kind AND old.name = now.name AND old.role = now.role AND old.principal = now.principal
  );

FOR one IN (
  SELECT kind, name, role, principal FROM UNNEST(v_found) WHERE role IN ('roles/bigquery.dataEditor', 'roles/bigquery.dataOwner', 'roles/bigquery.admin')
) DO
  BEGIN
    EXECUTE IMMEDIATE FORMAT('GRANT `roles/bigquery.dataViewer` ON %s %s TO "%s"', one.kind, one.name, one.principal);
    EXECUTE IMMEDIATE FORMAT('REVOKE `%s` ON %s %s FROM "%s"', one.role, one.kind, one.name, one.principal);
  EXCEPTION WHEN ERROR THEN
    SET v_stays = ARRAY_CONCAT(v_stays, [STRUCT(one.name AS name, one.role AS role, one.principal AS principal, @@error.message AS why)]);
  END;
END FOR;

INSERT INTO `acme-prod`.`acme_record`.taken (taken_at, kind, name, role, principal)
SELECT CURRENT_TIMESTAMP(), 'CLOSED', 'acme-prod', '', CONCAT('user:', SESSION_USER());
DELETE FROM `acme-prod`.`acme_record`.taken
WHERE kind = 'CLOSED' AND taken_at < (SELECT MAX(taken_at) FROM `acme-prod`.`acme_record`.taken WHERE kind = 'CLOSED');

SET v_problem = (SELECT STRING_AGG(CONCAT(principal, ' holds ', role, ' on ', name, ' (', why, ')'), '; ') FROM UNNEST(v_stays));
IF v_problem IS NOT NULL THEN
  RAISE USING MESSAGE = FORMAT('All else was taken, and this could not be: %s. Take it by hand in the console, or run this again once the cause is gone.', v_problem);
END IF;

SELECT kind, name, role, principal, 'taken' AS verdict
FROM `acme-prod`.`acme_record`.taken
WHERE kind IN ('SCHEMA', 'TABLE', 'VIEW', 'EXTERNAL TABLE')
UNION ALL
SELECT kind, name, role, principal, 'stays: a role that is not known here, look at what it lets one do' AS verdict
FROM UNNEST(v_found)
WHERE role NOT IN ('roles/bigquery.dataEditor', 'roles/bigquery.dataOwner', 'roles/bigquery.admin')
ORDER BY verdict, kind, name, role, principal;
