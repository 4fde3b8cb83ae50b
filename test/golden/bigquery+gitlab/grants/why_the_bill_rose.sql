-- why_the_bill_rose.sql: what was billed and stored in the last 30 days against the 30 before, by environment, person and pull request.
--
-- Who runs it   an administrator with roles/bigquery.resourceViewer and roles/bigquery.metadataViewer on acme-prod and acme-dev and acme-ci:
--               bq query --project_id=acme-prod --location=US --use_legacy_sql=false --max_rows=100000 < grants/why_the_bill_rose.sql
-- What changes  nothing.
--
-- Queries on demand are billed by the bytes that they read, in slots by the time that they take: both are here. A price is in
-- none of these views: https://cloud.google.com/bigquery/pricing. Jobs that somebody runs in a project of their own, a
-- dashboard's for instance, are billed there and are not here.

-- 1. Jobs. A job of dbt carries labels that say where it belongs; of another job its dataset does, or its project.
WITH job AS (
  SELECT project_id, user_email, creation_time, labels, destination_table, total_bytes_billed, total_slot_ms
  FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT
  WHERE creation_time > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 60 DAY)
    -- A script counts what its statements count once more.
    AND (statement_type IS NULL OR statement_type != 'SCRIPT')
  UNION ALL SELECT project_id, user_email, creation_time, labels, destination_table, total_bytes_billed, total_slot_ms
  FROM `acme-dev`.`region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT
  WHERE creation_time > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 60 DAY)
    -- A script counts what its statements count once more.
    AND (statement_type IS NULL OR statement_type != 'SCRIPT')
  UNION ALL SELECT project_id, user_email, creation_time, labels, destination_table, total_bytes_billed, total_slot_ms
  FROM `acme-ci`.`region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT
  WHERE creation_time > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 60 DAY)
    -- A script counts what its statements count once more.
    AND (statement_type IS NULL OR statement_type != 'SCRIPT')
),
named AS (
  SELECT
    COALESCE(
      (SELECT MIN(value) FROM UNNEST(labels) WHERE key = 'environment'),
      CASE
        WHEN REGEXP_CONTAINS(destination_table.dataset_id, r'^pr_[1-9][0-9]{0,9}$') THEN 'ci'
        WHEN REGEXP_CONTAINS(destination_table.dataset_id, r'^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$') THEN 'dev'
        WHEN destination_table.dataset_id IN ('analytics', 'staging') THEN 'prod'
        ELSE CONCAT('other, in ', project_id)
      END
    ) AS environment,
    user_email AS who,
    COALESCE(
      (SELECT MIN(value) FROM UNNEST(labels) WHERE key = 'schema' AND REGEXP_CONTAINS(value, r'^pr_[1-9][0-9]{0,9}$')),
      IF(REGEXP_CONTAINS(destination_table.dataset_id, r'^pr_[1-9][0-9]{0,9}$'), destination_table.dataset_id, NULL)
    ) AS pull_request,
    creation_time > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 30 DAY) AS is_now,
    total_bytes_billed,
    total_slot_ms
  FROM job
)
SELECT
  environment,
  who,
  pull_request,
  ROUND(SUM(IF(is_now, total_bytes_billed, 0)) / POW(1024, 4), 3) AS tib_billed,
  ROUND(SUM(IF(is_now, 0, total_bytes_billed)) / POW(1024, 4), 3) AS tib_billed_before,
  ROUND(SUM(IF(is_now, total_slot_ms, 0)) / 3600000, 1) AS slot_hours,
  ROUND(SUM(IF(is_now, 0, total_slot_ms)) / 3600000, 1) AS slot_hours_before
FROM named
GROUP BY environment, who, pull_request
ORDER BY ABS(SUM(IF(is_now, total_bytes_billed, -total_bytes_billed))) DESC
LIMIT 100;

-- 2. Storage. Logical is billed unless a dataset was switched to physical, where time travel and fail-safe are billed too:
-- https://docs.cloud.google.com/bigquery/docs/information-schema-table-storage
SELECT
  project_id,
  table_schema,
  COUNT(*) AS relations,
  ROUND(SUM(active_logical_bytes) / POW(1024, 3), 2) AS active_gib,
  ROUND(SUM(long_term_logical_bytes) / POW(1024, 3), 2) AS long_term_gib,
  ROUND(SUM(active_physical_bytes + long_term_physical_bytes) / POW(1024, 3), 2) AS physical_gib,
  ROUND(SUM(time_travel_physical_bytes + fail_safe_physical_bytes) / POW(1024, 3), 2) AS past_gib,
  MAX(storage_last_modified_time) AS last_written_at
FROM (
  SELECT project_id, table_schema, active_logical_bytes, long_term_logical_bytes, active_physical_bytes, long_term_physical_bytes, time_travel_physical_bytes, fail_safe_physical_bytes, storage_last_modified_time
  FROM `acme-prod`.`region-us`.INFORMATION_SCHEMA.TABLE_STORAGE
  WHERE NOT deleted
  UNION ALL SELECT project_id, table_schema, active_logical_bytes, long_term_logical_bytes, active_physical_bytes, long_term_physical_bytes, time_travel_physical_bytes, fail_safe_physical_bytes, storage_last_modified_time
  FROM `acme-dev`.`region-us`.INFORMATION_SCHEMA.TABLE_STORAGE
  WHERE NOT deleted
  UNION ALL SELECT project_id, table_schema, active_logical_bytes, long_term_logical_bytes, active_physical_bytes, long_term_physical_bytes, time_travel_physical_bytes, fail_safe_physical_bytes, storage_last_modified_time
  FROM `acme-ci`.`region-us`.INFORMATION_SCHEMA.TABLE_STORAGE
  WHERE NOT deleted
)
GROUP BY project_id, table_schema
ORDER BY active_gib + long_term_gib DESC
LIMIT 100;
