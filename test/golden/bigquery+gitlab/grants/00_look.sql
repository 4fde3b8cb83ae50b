-- 00_look.sql: what production is, who has rights on it, who wrote it and who reads it, and what is left over.
--
-- Who runs it   an administrator with roles/bigquery.admin on acme-prod and acme-dev and acme-ci:
--               bq query --project_id=acme-prod --location=US --use_legacy_sql=false --max_rows=100000 < grants/00_look.sql
-- What changes  nothing. Keep what it prints. 00_look.sh says the rest: roles on the projects and what is above them.
--
-- Each view is of one region: what is in another location is not seen here.
-- https://docs.cloud.google.com/bigquery/docs/information-schema-intro#region_qualifier

-- 1. The datasets of production and of sources. One that is missing is not there, or in another location.
SELECT name, s.location, s.creation_time, o.option_value AS labels
FROM UNNEST(['analytics', 'staging', 'raw', 'crm']) AS name
LEFT JOIN `acme-prod`.`region-us`.INFORMATION_SCHEMA.SCHEMATA AS s ON s.schema_name = name
LEFT JOIN `acme-prod`.`region-us`.INFORMATION_SCHEMA.SCHEMATA_OPTIONS AS o ON o.schema_name = name AND o.option_name = 'labels'
ORDER BY name;

-- 2. Everybody with a right on a dataset of production. 90_close_prod takes the right to write from all but administrators.
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
ORDER BY verdict IN ('administrator', 'reads', 'service'), verdict, login, how;

-- 3. Who wrote production in the last 90 days, from which project. Jobs in other projects are in those projects' own view.
SELECT user_email, project_id AS ran_in, job_type, statement_type, destination_table.dataset_id AS schema_name, COUNT(*) AS times, MAX(creation_time) AS last_at
FROM (
  SELECT user_email, project_id, job_type, statement_type, destination_table, creation_time
  FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT
  WHERE creation_time > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 90 DAY) AND state = 'DONE' AND error_result IS NULL
  UNION ALL SELECT user_email, project_id, job_type, statement_type, destination_table, creation_time
  FROM `acme-dev`.`region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT
  WHERE creation_time > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 90 DAY) AND state = 'DONE' AND error_result IS NULL
  UNION ALL SELECT user_email, project_id, job_type, statement_type, destination_table, creation_time
  FROM `acme-ci`.`region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT
  WHERE creation_time > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 90 DAY) AND state = 'DONE' AND error_result IS NULL
)
WHERE destination_table.project_id = 'acme-prod' AND destination_table.dataset_id IN ('analytics', 'staging')
GROUP BY user_email, ran_in, job_type, statement_type, schema_name
ORDER BY times DESC
LIMIT 100;

-- 4. Who read it in the last 30 days: they go on reading.
SELECT job.user_email, job.project_id AS ran_in, read.dataset_id AS schema_name, COUNT(DISTINCT job.job_id) AS times, MAX(job.creation_time) AS last_at
FROM (
  SELECT user_email, project_id, job_id, referenced_tables, creation_time
  FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT
  WHERE creation_time > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 30 DAY) AND error_result IS NULL
  UNION ALL SELECT user_email, project_id, job_id, referenced_tables, creation_time
  FROM `acme-dev`.`region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT
  WHERE creation_time > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 30 DAY) AND error_result IS NULL
  UNION ALL SELECT user_email, project_id, job_id, referenced_tables, creation_time
  FROM `acme-ci`.`region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT
  WHERE creation_time > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 30 DAY) AND error_result IS NULL
) AS job, UNNEST(job.referenced_tables) AS read
WHERE read.project_id = 'acme-prod' AND read.dataset_id IN ('analytics', 'staging')
GROUP BY user_email, ran_in, schema_name
ORDER BY times DESC
LIMIT 100;

-- 5. Datasets that look like an environment's and were made by hand. Those of a whole name in the right project are handed
-- over, each by its name, with grants/adopt_leftovers.sql; the others are moved or dropped by hand.
SELECT catalog_name AS project, schema_name, location, creation_time
FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.SCHEMATA
WHERE REGEXP_CONTAINS(LOWER(schema_name), r'^(dev|pr)_') AND schema_name NOT IN ('analytics', 'staging', 'raw', 'crm')
  AND schema_name NOT IN (
    SELECT schema_name
    FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.SCHEMATA_OPTIONS
    WHERE option_name = 'labels' AND STRPOS(option_value, 'STRUCT("dbt_envs_project", "acme")') > 0
  )
UNION ALL
SELECT catalog_name AS project, schema_name, location, creation_time
FROM `acme-dev`.`region-us`.INFORMATION_SCHEMA.SCHEMATA
WHERE REGEXP_CONTAINS(LOWER(schema_name), r'^(dev|pr)_') AND schema_name NOT IN ('analytics', 'staging', 'raw', 'crm')
  AND schema_name NOT IN (
    SELECT schema_name
    FROM `acme-dev`.`region-us`.INFORMATION_SCHEMA.SCHEMATA_OPTIONS
    WHERE option_name = 'labels' AND STRPOS(option_value, 'STRUCT("dbt_envs_project", "acme")') > 0
  )
UNION ALL
SELECT catalog_name AS project, schema_name, location, creation_time
FROM `acme-ci`.`region-us`.INFORMATION_SCHEMA.SCHEMATA
WHERE REGEXP_CONTAINS(LOWER(schema_name), r'^(dev|pr)_') AND schema_name NOT IN ('analytics', 'staging', 'raw', 'crm')
  AND schema_name NOT IN (
    SELECT schema_name
    FROM `acme-ci`.`region-us`.INFORMATION_SCHEMA.SCHEMATA_OPTIONS
    WHERE option_name = 'labels' AND STRPOS(option_value, 'STRUCT("dbt_envs_project", "acme")') > 0
  )
ORDER BY project, schema_name;
