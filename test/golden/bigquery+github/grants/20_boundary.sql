-- 20_boundary.sql: the datasets of production, and the record of what these scripts give and take.
--
-- Who runs it   an administrator with roles/bigquery.admin on project acme-prod:
--               bq query --project_id=acme-prod --location=US --use_legacy_sql=false < grants/20_boundary.sql
-- What changes  creates the datasets of production that are missing, and dataset acme_record with two tables. Who has which
--               right on a dataset that is there already stays as it is. Nothing is taken from anybody.
-- How to undo   DROP SCHEMA for each that this run created: it prints them.
--
-- Nobody but an administrator may create datasets in project acme-prod, acme-prod included: a schema
-- that is new in --prod-schemas is made by running this file again.

DECLARE v_problem STRING;

SET v_problem = (
  SELECT STRING_AGG(schema_name, ', ')
  FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.SCHEMATA
  WHERE schema_name = 'acme_record' AND schema_name NOT IN (
    SELECT schema_name
    FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.SCHEMATA_OPTIONS
    WHERE option_name = 'labels' AND STRPOS(option_value, 'STRUCT("dbt_envs_project", "acme")') > 0
  )
);
IF v_problem IS NOT NULL THEN
  RAISE USING MESSAGE = FORMAT('Dataset %s exists, and this project did not create it. Choose another name: dbt-envs --role-prefix <prefix>.', v_problem);
END IF;

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

-- What 30 and 50 gave, so that they can take back exactly that; what 90 took, so that 91 can give exactly that back.
CREATE SCHEMA IF NOT EXISTS `acme-prod`.`acme_record`
OPTIONS (
  location = 'US',
  labels = [('managed_by', 'dbt_envs'), ('dbt_envs_project', 'acme'), ('env', 'record')]
);
CREATE TABLE IF NOT EXISTS `acme-prod`.`acme_record`.given (step STRING, role STRING, kind STRING, name STRING, principal STRING);
CREATE TABLE IF NOT EXISTS `acme-prod`.`acme_record`.taken (taken_at TIMESTAMP, kind STRING, name STRING, role STRING, principal STRING);

SELECT schema_name, location, creation_time
FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.SCHEMATA
WHERE schema_name IN ('analytics', 'staging', 'acme_record')
ORDER BY creation_time;
