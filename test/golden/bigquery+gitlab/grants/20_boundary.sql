-- 20_boundary.sql: the datasets of production, and the record of what these scripts give and take.
--
-- Who runs it   an administrator with roles/bigquery.admin on project acme-prod, after 20_record.sh:
--               bq query --project_id=acme-prod --location=US --use_legacy_sql=false --max_rows=100000 --max_child_jobs=0 < grants/20_boundary.sql
-- What changes  creates the datasets of production that are missing, and three tables in acme_record. Who has which right on a
--               dataset that is there already stays as it is. Nothing is taken from anybody, but from whoever runs this what
--               BigQuery gave them as the creator of a dataset.
-- How to undo   DROP SCHEMA for each that this run created: it prints them.
--
-- Nobody but an administrator may create datasets in project acme-prod, acme-prod included: a schema
-- that is new in --prod-schemas is made by running this file again.

DECLARE v_problem STRING;
DECLARE v_new ARRAY<STRING>;

SET v_problem = (
  SELECT IF(COUNT(*) = 0, 'acme_record', NULL)
  FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.SCHEMATA_OPTIONS
  WHERE schema_name = 'acme_record' AND option_name = 'labels'
    AND STRPOS(option_value, 'STRUCT("dbt_envs_project", "acme")') > 0 AND STRPOS(option_value, 'STRUCT("entries", "closed")') > 0
);
IF v_problem IS NOT NULL THEN
  RAISE USING MESSAGE = FORMAT('Dataset %s is not there, or others than administrators may write it: grants/20_record.sh comes first.', v_problem);
END IF;

-- What 30 and 50 gave, so that they can take back exactly that; what 90 took, so that 91 can give exactly that back; which
-- datasets are ours, and since when: a label can be set by whoever owns the dataset, and CI owns what it creates.
CREATE TABLE IF NOT EXISTS `acme-prod`.`acme_record`.given (step STRING, role STRING, kind STRING, name STRING, principal STRING);
CREATE TABLE IF NOT EXISTS `acme-prod`.`acme_record`.taken (taken_at TIMESTAMP, kind STRING, name STRING, role STRING, principal STRING);
CREATE TABLE IF NOT EXISTS `acme-prod`.`acme_record`.made (made_at TIMESTAMP, name STRING);

-- Who may write one of these tables itself needs no right on the dataset.
SET v_problem = (
  SELECT STRING_AGG(DISTINCT CONCAT(grantee, ' holds ', privilege_type, ' on ', object_name), '; ')
  FROM (
    SELECT object_name, privilege_type, grantee
    FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES
    WHERE object_schema = 'acme_record' AND object_name = 'given' AND privilege_type NOT IN ('roles/bigquery.dataViewer', 'roles/bigquery.filteredDataViewer', 'roles/bigquery.metadataViewer', 'roles/bigquery.routineDataViewer', 'roles/bigquery.routineMetadataViewer')
    UNION ALL SELECT object_name, privilege_type, grantee
    FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES
    WHERE object_schema = 'acme_record' AND object_name = 'taken' AND privilege_type NOT IN ('roles/bigquery.dataViewer', 'roles/bigquery.filteredDataViewer', 'roles/bigquery.metadataViewer', 'roles/bigquery.routineDataViewer', 'roles/bigquery.routineMetadataViewer')
    UNION ALL SELECT object_name, privilege_type, grantee
    FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES
    WHERE object_schema = 'acme_record' AND object_name = 'made' AND privilege_type NOT IN ('roles/bigquery.dataViewer', 'roles/bigquery.filteredDataViewer', 'roles/bigquery.metadataViewer', 'roles/bigquery.routineDataViewer', 'roles/bigquery.routineMetadataViewer')
  )
);
IF v_problem IS NOT NULL THEN
  RAISE USING MESSAGE = FORMAT('Nobody needs to write a table of acme_record: %s. Take that right, look at what stands in the table, and run this again.', v_problem);
END IF;

SET v_new = ARRAY(
  SELECT name
  FROM UNNEST(['analytics', 'staging']) AS name
  WHERE name NOT IN (SELECT schema_name FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.SCHEMATA)
);
-- Whoever creates a dataset owns it, also when they administer nothing any more. Written down first, and taken below.
INSERT INTO `acme-prod`.`acme_record`.given (step, role, kind, name, principal)
SELECT 'creator', 'roles/bigquery.dataOwner', 'SCHEMA', FORMAT('`acme-prod`.`%s`', name), CONCAT(IF(ENDS_WITH(SESSION_USER(), '.gserviceaccount.com'), 'serviceAccount:', 'user:'), SESSION_USER())
FROM UNNEST(v_new) AS name;

CREATE SCHEMA IF NOT EXISTS `acme-prod`.`analytics`
OPTIONS (
  location = 'US',
  labels = [('managed_by', 'dbt_envs'), ('dbt_envs_project', 'acme'), ('env', 'prod')]
);
CREATE SCHEMA IF NOT EXISTS `acme-prod`.`staging`
OPTIONS (
  location = 'US',
  labels = [('managed_by', 'dbt_envs'), ('dbt_envs_project', 'acme'), ('env', 'prod')]
);

-- A dataset cannot be moved. One in another location is not seen here, and CREATE SCHEMA leaves it where it is.
SET v_problem = (
  SELECT STRING_AGG(name, ', ' ORDER BY name)
  FROM UNNEST(['analytics', 'staging']) AS name
  WHERE name NOT IN (SELECT schema_name FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.SCHEMATA)
);
IF v_problem IS NOT NULL THEN
  RAISE USING MESSAGE = FORMAT('Dataset %s is not in location US, where everything else is. Give its location: dbt-envs --location <location>.', v_problem);
END IF;

-- The project's owners own what whoever ran this created, and so do its administrators.
FOR one IN (
  SELECT DISTINCT name, principal
  FROM `acme-prod`.`acme_record`.given
  WHERE step = 'creator' AND REGEXP_CONTAINS(name, r'^`acme-prod`\.`[^`]+`$')
) DO
  BEGIN
    EXECUTE IMMEDIATE FORMAT('REVOKE `roles/bigquery.dataOwner` ON SCHEMA %s FROM "%s"', one.name, one.principal);
  EXCEPTION WHEN ERROR THEN
    -- The dataset, or the account itself, may be gone: then so is the right.
    IF NOT REGEXP_CONTAINS(@@error.message, r'(?i)not found|does not exist') THEN
      RAISE;
    END IF;
  END;
  DELETE FROM `acme-prod`.`acme_record`.given WHERE step = 'creator' AND name = one.name AND principal = one.principal;
END FOR;

INSERT INTO `acme-prod`.`acme_record`.made (made_at, name)
SELECT CURRENT_TIMESTAMP(), CONCAT('acme-prod.', name)
FROM UNNEST(['analytics', 'staging']) AS name
WHERE name IN UNNEST(v_new) OR CONCAT('acme-prod.', name) NOT IN (SELECT old.name FROM `acme-prod`.`acme_record`.made AS old);

SELECT schema_name, location, creation_time
FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.SCHEMATA
WHERE schema_name IN ('analytics', 'staging', 'acme_record')
ORDER BY creation_time;

-- BigQuery lets the Editors of a project write a dataset that is new. 90_close_prod has taken that from those that were there.
SET v_problem = (
  SELECT STRING_AGG(schema_name, ', ' ORDER BY schema_name)
  FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.SCHEMATA
  WHERE schema_name IN ('analytics', 'staging')
    AND creation_time > (SELECT MAX(taken_at) FROM `acme-prod`.`acme_record`.taken WHERE kind = 'CLOSED')
);
IF v_problem IS NOT NULL THEN
  RAISE USING MESSAGE = FORMAT('All is made. But dataset %s is newer than the closing of production, so the Editors of project acme-prod may write it: run 90_close_prod.sql and 90_close_prod.sh --apply again, then the rest.', v_problem);
END IF;
