-- why_the_bill_rose.sql: "why did the bill rise by 12 %?" The last 30 days against the 30 before, largest rise first.
--
-- Who runs it   an administrator with ACCOUNTADMIN, or whoever has the database roles SNOWFLAKE.USAGE_VIEWER and OBJECT_VIEWER.
-- What changes  nothing.
--
-- Queries are told apart by the tag that profiles.yml sets: {"project", "environment", "developer" or "pr"}. The views are hours
-- behind: https://docs.snowflake.com/en/sql-reference/account-usage

-- 1. Who: credits of compute by environment, developer and pull request, and which part of the whole rise each one is. What a
-- warehouse costs while it waits is in 2 only: https://docs.snowflake.com/en/sql-reference/account-usage/query_attribution_history
WITH credits AS (
  SELECT
    COALESCE(TRY_PARSE_JSON(query_tag):project::VARCHAR, 'untagged') AS project,
    COALESCE(TRY_PARSE_JSON(query_tag):environment::VARCHAR, '') AS environment,
    COALESCE(TRY_PARSE_JSON(query_tag):developer::VARCHAR, 'pr_' || TRY_PARSE_JSON(query_tag):pr::VARCHAR, user_name) AS who,
    SUM(IFF(start_time >= DATEADD('day', -30, CURRENT_TIMESTAMP()), credits_attributed_compute, 0)) AS now_30,
    SUM(IFF(start_time < DATEADD('day', -30, CURRENT_TIMESTAMP()), credits_attributed_compute, 0)) AS before_30
  FROM snowflake.account_usage.query_attribution_history
  WHERE start_time >= DATEADD('day', -60, CURRENT_TIMESTAMP())
  GROUP BY 1, 2, 3
)
SELECT
  project,
  environment,
  who,
  ROUND(before_30, 2) AS credits_before,
  ROUND(now_30, 2) AS credits_now,
  ROUND(now_30 - before_30, 2) AS rise,
  ROUND(100 * (now_30 - before_30) / NULLIF(SUM(before_30) OVER (), 0), 1) AS percent_of_the_bill_before
FROM credits
ORDER BY rise DESC
LIMIT 50;

-- 2. Which warehouse: all that is paid for, waiting included.
SELECT
  warehouse_name,
  ROUND(SUM(IFF(start_time < DATEADD('day', -30, CURRENT_TIMESTAMP()), credits_used, 0)), 2) AS credits_before,
  ROUND(SUM(IFF(start_time >= DATEADD('day', -30, CURRENT_TIMESTAMP()), credits_used, 0)), 2) AS credits_now,
  ROUND(SUM(IFF(start_time >= DATEADD('day', -30, CURRENT_TIMESTAMP()), credits_used, -credits_used)), 2) AS rise
FROM snowflake.account_usage.warehouse_metering_history
WHERE start_time >= DATEADD('day', -60, CURRENT_TIMESTAMP())
GROUP BY warehouse_name
ORDER BY rise DESC;

-- 3. Storage by database, in GB on average.
SELECT
  database_name,
  ROUND(AVG(IFF(usage_date < DATEADD('day', -30, CURRENT_DATE()), average_database_bytes + average_failsafe_bytes, NULL)) / 1e9, 2) AS gb_before,
  ROUND(AVG(IFF(usage_date >= DATEADD('day', -30, CURRENT_DATE()), average_database_bytes + average_failsafe_bytes, NULL)) / 1e9, 2) AS gb_now
FROM snowflake.account_usage.database_storage_usage_history
WHERE usage_date >= DATEADD('day', -60, CURRENT_DATE())
GROUP BY database_name
ORDER BY COALESCE(gb_now, 0) - COALESCE(gb_before, 0) DESC;

-- 4. The largest tables, with what they keep beside what they hold.
SELECT
  LOWER(table_catalog || '.' || table_schema || '.' || table_name) AS relation,
  ROUND(active_bytes / 1e9, 2) AS gb,
  ROUND(time_travel_bytes / 1e9, 2) AS gb_time_travel,
  ROUND(failsafe_bytes / 1e9, 2) AS gb_failsafe,
  ROUND(retained_for_clone_bytes / 1e9, 2) AS gb_held_by_clones,
  deleted
FROM snowflake.account_usage.table_storage_metrics
WHERE table_catalog IN ('ACME', 'ACME_NONPROD')
ORDER BY active_bytes + time_travel_bytes + failsafe_bytes + retained_for_clone_bytes DESC
LIMIT 30;

-- 5. Everything else that Snowflake bills by itself: pipes, clustering, search, serverless tasks.
SELECT
  service_type,
  ROUND(SUM(IFF(start_time < DATEADD('day', -30, CURRENT_TIMESTAMP()), credits_used, 0)), 2) AS credits_before,
  ROUND(SUM(IFF(start_time >= DATEADD('day', -30, CURRENT_TIMESTAMP()), credits_used, 0)), 2) AS credits_now
FROM snowflake.account_usage.metering_history
WHERE start_time >= DATEADD('day', -60, CURRENT_TIMESTAMP())
GROUP BY service_type
ORDER BY credits_now - credits_before DESC;

-- A cap that stops: only ACCOUNTADMIN makes one, and it may overrun a little.
-- https://docs.snowflake.com/en/user-guide/resource-monitors
--   CREATE RESOURCE MONITOR acme_nonprod WITH CREDIT_QUOTA = 50 FREQUENCY = MONTHLY START_TIMESTAMP = IMMEDIATELY
--     TRIGGERS ON 80 PERCENT DO NOTIFY ON 100 PERCENT DO SUSPEND ON 110 PERCENT DO SUSPEND_IMMEDIATE;
--   ALTER WAREHOUSE acme_dev_wh SET RESOURCE_MONITOR = acme_nonprod;
--   ALTER WAREHOUSE acme_ci_wh SET RESOURCE_MONITOR = acme_nonprod;
