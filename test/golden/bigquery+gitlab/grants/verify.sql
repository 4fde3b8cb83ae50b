-- verify.sql: tries what the boundary must refuse, and beside it what must succeed.
--
-- Who runs it   each developer and each reader, under their own login; the services in CI (dbt run-operation verify_boundary):
--               bq query --project_id=acme-dev --location=US --use_legacy_sql=false --max_rows=100000 --max_child_jobs=0 < grants/verify.sql
--               A reader has to name a project in which they may run queries. An administrator is refused.
-- What changes  nothing that stays: what succeeds is taken back at once. Each line of its last result must say that it holds,
--               or that it was not tried; one that does not hold is a hole, or a right that is missing.
--
-- What happened: "refused" is BigQuery's own word on rights, "failed" is anything else, "not tried" where there is no table to try it on.

BEGIN
  DECLARE v_own STRING DEFAULT (SELECT own FROM UNNEST(ARRAY<STRUCT<email STRING, own STRING>>[
    ('priya@example.com', 'dev_priya'),
    ('sam.jones@example.com', 'dev_sam')
  ]) WHERE email = SESSION_USER());
  DECLARE v_identity STRING DEFAULT CASE
    WHEN SESSION_USER() = 'acme-ci@acme-ci.iam.gserviceaccount.com' THEN 'ci'
    WHEN SESSION_USER() = 'acme-prod@acme-prod.iam.gserviceaccount.com' THEN 'prod'
    WHEN SESSION_USER() = 'acme-janitor@acme-ci.iam.gserviceaccount.com' THEN 'janitor'
    WHEN v_own IS NOT NULL THEN 'dev'
    WHEN SESSION_USER() IN ('looker@example.com', 'anna@example.com') THEN 'reader'
  END;
  DECLARE v_me STRING DEFAULT CONCAT(IF(ENDS_WITH(SESSION_USER(), '.gserviceaccount.com'), 'serviceAccount:', 'user:'), SESSION_USER());
  DECLARE v_other STRING DEFAULT IF(v_own = 'dev_priya', 'dev_sam', 'dev_priya');
  DECLARE v_table, v_statement STRING;
  DECLARE v_proof ARRAY<STRUCT<act STRING, wanted STRING, happened STRING, said STRING>> DEFAULT [];
  DECLARE v_acts ARRAY<STRUCT<who STRING, wanted STRING, act STRING, statement STRING, undo STRING, table_of STRING>> DEFAULT ARRAY<STRUCT<who STRING, wanted STRING, act STRING, statement STRING, undo STRING, table_of STRING>>[
    ('dev', 'refused', "build a table in analytics", 'CREATE OR REPLACE TABLE `acme-prod`.`analytics`.dbt_envs_proof AS SELECT 1 AS one', 'DROP TABLE `acme-prod`.`analytics`.dbt_envs_proof', ''),
    ('ci', 'refused', "build a table in analytics", 'CREATE OR REPLACE TABLE `acme-prod`.`analytics`.dbt_envs_proof AS SELECT 1 AS one', 'DROP TABLE `acme-prod`.`analytics`.dbt_envs_proof', ''),
    ('prod', 'succeeds', "build a table in analytics", 'CREATE OR REPLACE TABLE `acme-prod`.`analytics`.dbt_envs_proof AS SELECT 1 AS one', 'DROP TABLE `acme-prod`.`analytics`.dbt_envs_proof', ''),
    ('janitor', 'refused', "build a table in analytics", 'CREATE OR REPLACE TABLE `acme-prod`.`analytics`.dbt_envs_proof AS SELECT 1 AS one', 'DROP TABLE `acme-prod`.`analytics`.dbt_envs_proof', ''),
    ('reader', 'refused', "build a table in analytics", 'CREATE OR REPLACE TABLE `acme-prod`.`analytics`.dbt_envs_proof AS SELECT 1 AS one', 'DROP TABLE `acme-prod`.`analytics`.dbt_envs_proof', ''),
    ('dev', 'refused', "give rights on analytics", 'GRANT `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`analytics` TO "user:THE_CALLER@example.com"', 'REVOKE `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`analytics` FROM "user:THE_CALLER@example.com"', ''),
    ('ci', 'refused', "give rights on analytics", 'GRANT `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`analytics` TO "user:THE_CALLER@example.com"', 'REVOKE `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`analytics` FROM "user:THE_CALLER@example.com"', ''),
    ('prod', 'refused', "give rights on analytics", 'GRANT `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`analytics` TO "user:THE_CALLER@example.com"', 'REVOKE `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`analytics` FROM "user:THE_CALLER@example.com"', ''),
    ('janitor', 'refused', "give rights on analytics", 'GRANT `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`analytics` TO "user:THE_CALLER@example.com"', 'REVOKE `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`analytics` FROM "user:THE_CALLER@example.com"', ''),
    ('reader', 'refused', "give rights on analytics", 'GRANT `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`analytics` TO "user:THE_CALLER@example.com"', 'REVOKE `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`analytics` FROM "user:THE_CALLER@example.com"', ''),
    ('dev', 'refused', "build a table in staging", 'CREATE OR REPLACE TABLE `acme-prod`.`staging`.dbt_envs_proof AS SELECT 1 AS one', 'DROP TABLE `acme-prod`.`staging`.dbt_envs_proof', ''),
    ('ci', 'refused', "build a table in staging", 'CREATE OR REPLACE TABLE `acme-prod`.`staging`.dbt_envs_proof AS SELECT 1 AS one', 'DROP TABLE `acme-prod`.`staging`.dbt_envs_proof', ''),
    ('prod', 'succeeds', "build a table in staging", 'CREATE OR REPLACE TABLE `acme-prod`.`staging`.dbt_envs_proof AS SELECT 1 AS one', 'DROP TABLE `acme-prod`.`staging`.dbt_envs_proof', ''),
    ('janitor', 'refused', "build a table in staging", 'CREATE OR REPLACE TABLE `acme-prod`.`staging`.dbt_envs_proof AS SELECT 1 AS one', 'DROP TABLE `acme-prod`.`staging`.dbt_envs_proof', ''),
    ('reader', 'refused', "build a table in staging", 'CREATE OR REPLACE TABLE `acme-prod`.`staging`.dbt_envs_proof AS SELECT 1 AS one', 'DROP TABLE `acme-prod`.`staging`.dbt_envs_proof', ''),
    ('dev', 'refused', "give rights on staging", 'GRANT `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`staging` TO "user:THE_CALLER@example.com"', 'REVOKE `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`staging` FROM "user:THE_CALLER@example.com"', ''),
    ('ci', 'refused', "give rights on staging", 'GRANT `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`staging` TO "user:THE_CALLER@example.com"', 'REVOKE `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`staging` FROM "user:THE_CALLER@example.com"', ''),
    ('prod', 'refused', "give rights on staging", 'GRANT `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`staging` TO "user:THE_CALLER@example.com"', 'REVOKE `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`staging` FROM "user:THE_CALLER@example.com"', ''),
    ('janitor', 'refused', "give rights on staging", 'GRANT `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`staging` TO "user:THE_CALLER@example.com"', 'REVOKE `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`staging` FROM "user:THE_CALLER@example.com"', ''),
    ('reader', 'refused', "give rights on staging", 'GRANT `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`staging` TO "user:THE_CALLER@example.com"', 'REVOKE `roles/bigquery.filteredDataViewer` ON SCHEMA `acme-prod`.`staging` FROM "user:THE_CALLER@example.com"', ''),
    ('dev', 'succeeds', "see which tables analytics has", 'SELECT COUNT(*) FROM `acme-prod`.`analytics`.INFORMATION_SCHEMA.TABLES', '', ''),
    ('ci', 'succeeds', "see which tables analytics has", 'SELECT COUNT(*) FROM `acme-prod`.`analytics`.INFORMATION_SCHEMA.TABLES', '', ''),
    ('prod', 'succeeds', "see which tables analytics has", 'SELECT COUNT(*) FROM `acme-prod`.`analytics`.INFORMATION_SCHEMA.TABLES', '', ''),
    ('janitor', 'succeeds', "see which tables analytics has", 'SELECT COUNT(*) FROM `acme-prod`.`analytics`.INFORMATION_SCHEMA.TABLES', '', ''),
    ('reader', 'succeeds', "see which tables analytics has", 'SELECT COUNT(*) FROM `acme-prod`.`analytics`.INFORMATION_SCHEMA.TABLES', '', ''),
    ('dev', 'succeeds', "read a table of analytics", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`analytics`'),
    ('ci', 'succeeds', "read a table of analytics", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`analytics`'),
    ('prod', 'succeeds', "read a table of analytics", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`analytics`'),
    ('janitor', 'refused', "read a table of analytics", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`analytics`'),
    ('reader', 'succeeds', "read a table of analytics", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`analytics`'),
    ('dev', 'refused', "delete from a table of analytics", 'DELETE FROM SOME_TABLE WHERE FALSE', '', '`acme-prod`.`analytics`'),
    ('ci', 'refused', "delete from a table of analytics", 'DELETE FROM SOME_TABLE WHERE FALSE', '', '`acme-prod`.`analytics`'),
    ('prod', 'succeeds', "delete from a table of analytics", 'DELETE FROM SOME_TABLE WHERE FALSE', '', '`acme-prod`.`analytics`'),
    ('janitor', 'refused', "delete from a table of analytics", 'DELETE FROM SOME_TABLE WHERE FALSE', '', '`acme-prod`.`analytics`'),
    ('reader', 'refused', "delete from a table of analytics", 'DELETE FROM SOME_TABLE WHERE FALSE', '', '`acme-prod`.`analytics`'),
    ('dev', 'succeeds', "read a table of staging", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`staging`'),
    ('ci', 'succeeds', "read a table of staging", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`staging`'),
    ('prod', 'succeeds', "read a table of staging", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`staging`'),
    ('janitor', 'refused', "read a table of staging", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`staging`'),
    ('reader', 'succeeds', "read a table of staging", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`staging`'),
    ('dev', 'refused', "delete from a table of staging", 'DELETE FROM SOME_TABLE WHERE FALSE', '', '`acme-prod`.`staging`'),
    ('ci', 'refused', "delete from a table of staging", 'DELETE FROM SOME_TABLE WHERE FALSE', '', '`acme-prod`.`staging`'),
    ('prod', 'succeeds', "delete from a table of staging", 'DELETE FROM SOME_TABLE WHERE FALSE', '', '`acme-prod`.`staging`'),
    ('janitor', 'refused', "delete from a table of staging", 'DELETE FROM SOME_TABLE WHERE FALSE', '', '`acme-prod`.`staging`'),
    ('reader', 'refused', "delete from a table of staging", 'DELETE FROM SOME_TABLE WHERE FALSE', '', '`acme-prod`.`staging`'),
    ('dev', 'succeeds', "read source raw", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`raw`'),
    ('ci', 'succeeds', "read source raw", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`raw`'),
    ('prod', 'succeeds', "read source raw", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`raw`'),
    ('janitor', 'refused', "read source raw", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`raw`'),
    ('dev', 'refused', "read personal data in crm", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`crm`'),
    ('ci', 'refused', "read personal data in crm", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`crm`'),
    ('prod', 'succeeds', "read personal data in crm", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`crm`'),
    ('janitor', 'refused', "read personal data in crm", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`crm`'),
    ('reader', 'refused', "read personal data in crm", 'SELECT * FROM SOME_TABLE LIMIT 0', '', '`acme-prod`.`crm`'),
    ('dev', 'refused', "create a dataset in project acme-prod", 'CREATE SCHEMA `acme-prod`.`dbt_envs_proof` OPTIONS (location = "US")', 'DROP SCHEMA `acme-prod`.`dbt_envs_proof`', ''),
    ('ci', 'refused', "create a dataset in project acme-prod", 'CREATE SCHEMA `acme-prod`.`dbt_envs_proof` OPTIONS (location = "US")', 'DROP SCHEMA `acme-prod`.`dbt_envs_proof`', ''),
    ('prod', 'refused', "create a dataset in project acme-prod", 'CREATE SCHEMA `acme-prod`.`dbt_envs_proof` OPTIONS (location = "US")', 'DROP SCHEMA `acme-prod`.`dbt_envs_proof`', ''),
    ('janitor', 'refused', "create a dataset in project acme-prod", 'CREATE SCHEMA `acme-prod`.`dbt_envs_proof` OPTIONS (location = "US")', 'DROP SCHEMA `acme-prod`.`dbt_envs_proof`', ''),
    ('reader', 'refused', "create a dataset in project acme-prod", 'CREATE SCHEMA `acme-prod`.`dbt_envs_proof` OPTIONS (location = "US")', 'DROP SCHEMA `acme-prod`.`dbt_envs_proof`', ''),
    ('dev', 'refused', "create a dataset in project acme-dev", 'CREATE SCHEMA `acme-dev`.`dbt_envs_proof` OPTIONS (location = "US")', 'DROP SCHEMA `acme-dev`.`dbt_envs_proof`', ''),
    ('ci', 'refused', "create a dataset in project acme-dev", 'CREATE SCHEMA `acme-dev`.`dbt_envs_proof` OPTIONS (location = "US")', 'DROP SCHEMA `acme-dev`.`dbt_envs_proof`', ''),
    ('prod', 'refused', "create a dataset in project acme-dev", 'CREATE SCHEMA `acme-dev`.`dbt_envs_proof` OPTIONS (location = "US")', 'DROP SCHEMA `acme-dev`.`dbt_envs_proof`', ''),
    ('janitor', 'refused', "create a dataset in project acme-dev", 'CREATE SCHEMA `acme-dev`.`dbt_envs_proof` OPTIONS (location = "US")', 'DROP SCHEMA `acme-dev`.`dbt_envs_proof`', ''),
    ('reader', 'refused', "create a dataset in project acme-dev", 'CREATE SCHEMA `acme-dev`.`dbt_envs_proof` OPTIONS (location = "US")', 'DROP SCHEMA `acme-dev`.`dbt_envs_proof`', ''),
    ('dev', 'refused', "create a dataset in project acme-ci", 'CREATE SCHEMA `acme-ci`.`dbt_envs_proof` OPTIONS (location = "US")', 'DROP SCHEMA `acme-ci`.`dbt_envs_proof`', ''),
    ('ci', 'succeeds', "create a dataset in project acme-ci", 'CREATE SCHEMA `acme-ci`.`dbt_envs_proof` OPTIONS (location = "US")', 'DROP SCHEMA `acme-ci`.`dbt_envs_proof`', ''),
    ('prod', 'refused', "create a dataset in project acme-ci", 'CREATE SCHEMA `acme-ci`.`dbt_envs_proof` OPTIONS (location = "US")', 'DROP SCHEMA `acme-ci`.`dbt_envs_proof`', ''),
    ('janitor', 'succeeds', "create a dataset in project acme-ci", 'CREATE SCHEMA `acme-ci`.`dbt_envs_proof` OPTIONS (location = "US")', 'DROP SCHEMA `acme-ci`.`dbt_envs_proof`', ''),
    ('reader', 'refused', "create a dataset in project acme-ci", 'CREATE SCHEMA `acme-ci`.`dbt_envs_proof` OPTIONS (location = "US")', 'DROP SCHEMA `acme-ci`.`dbt_envs_proof`', ''),
    ('dev', 'succeeds', "build a table in your own dataset", 'CREATE OR REPLACE TABLE OWN_DATASET.dbt_envs_proof AS SELECT 1 AS one', 'DROP TABLE OWN_DATASET.dbt_envs_proof', ''),
    ('dev', 'refused', "give rights on your own dataset", 'GRANT `roles/bigquery.filteredDataViewer` ON SCHEMA OWN_DATASET TO "user:THE_CALLER@example.com"', 'REVOKE `roles/bigquery.filteredDataViewer` ON SCHEMA OWN_DATASET FROM "user:THE_CALLER@example.com"', ''),
    ('ci', 'refused', "build a table in dev_priya", 'CREATE OR REPLACE TABLE `acme-dev`.`dev_priya`.dbt_envs_proof AS SELECT 1 AS one', 'DROP TABLE `acme-dev`.`dev_priya`.dbt_envs_proof', ''),
    ('prod', 'refused', "build a table in dev_priya", 'CREATE OR REPLACE TABLE `acme-dev`.`dev_priya`.dbt_envs_proof AS SELECT 1 AS one', 'DROP TABLE `acme-dev`.`dev_priya`.dbt_envs_proof', ''),
    ('janitor', 'refused', "build a table in dev_priya", 'CREATE OR REPLACE TABLE `acme-dev`.`dev_priya`.dbt_envs_proof AS SELECT 1 AS one', 'DROP TABLE `acme-dev`.`dev_priya`.dbt_envs_proof', ''),
    ('reader', 'refused', "build a table in dev_priya", 'CREATE OR REPLACE TABLE `acme-dev`.`dev_priya`.dbt_envs_proof AS SELECT 1 AS one', 'DROP TABLE `acme-dev`.`dev_priya`.dbt_envs_proof', ''),
    ('ci', 'refused', "look into dev_priya", 'SELECT COUNT(*) FROM `acme-dev`.`dev_priya`.INFORMATION_SCHEMA.TABLES', '', ''),
    ('prod', 'refused', "look into dev_priya", 'SELECT COUNT(*) FROM `acme-dev`.`dev_priya`.INFORMATION_SCHEMA.TABLES', '', ''),
    ('janitor', 'succeeds', "look into dev_priya", 'SELECT COUNT(*) FROM `acme-dev`.`dev_priya`.INFORMATION_SCHEMA.TABLES', '', ''),
    ('reader', 'refused', "look into dev_priya", 'SELECT COUNT(*) FROM `acme-dev`.`dev_priya`.INFORMATION_SCHEMA.TABLES', '', ''),
    ('dev', 'refused', "build a table in a colleague's dataset", 'CREATE OR REPLACE TABLE OTHER_DATASET.dbt_envs_proof AS SELECT 1 AS one', 'DROP TABLE OTHER_DATASET.dbt_envs_proof', ''),
    ('dev', 'refused', "look into a colleague's dataset", 'SELECT COUNT(*) FROM OTHER_DATASET.INFORMATION_SCHEMA.TABLES', '', '')
  ];

  IF v_identity IS NULL THEN
    RAISE USING MESSAGE = CONCAT(SESSION_USER(), ' is no developer, service or reader of this project: what an administrator may do proves nothing.');
  END IF;

  FOR one IN (
    SELECT
      wanted,
      act,
      table_of,
      REPLACE(REPLACE(REPLACE(statement, 'OWN_DATASET', IFNULL(own, '')), 'OTHER_DATASET', IFNULL(other, '')), 'user:THE_CALLER@example.com', v_me) AS statement,
      REPLACE(REPLACE(REPLACE(undo, 'OWN_DATASET', IFNULL(own, '')), 'OTHER_DATASET', IFNULL(other, '')), 'user:THE_CALLER@example.com', v_me) AS undo
    FROM UNNEST(v_acts), (SELECT FORMAT('`acme-dev`.`%s`', v_own) AS own, FORMAT('`acme-dev`.`%s`', v_other) AS other)
    WHERE who = v_identity
      AND (v_other != '' OR STRPOS(statement, 'OTHER_DATASET') = 0)
  ) DO
    BEGIN
      IF one.table_of != '' THEN
        -- Data and not the list is tried, on a table that answers a query without a filter.
        EXECUTE IMMEDIATE FORMAT("""
          SELECT MIN(table_name)
          FROM %s.INFORMATION_SCHEMA.TABLES
          WHERE table_type = 'BASE TABLE' AND table_name NOT IN (
            SELECT table_name FROM %s.INFORMATION_SCHEMA.TABLE_OPTIONS WHERE option_name = 'require_partition_filter' AND option_value = 'true'
          )""", one.table_of, one.table_of) INTO v_table;
      END IF;
      IF one.table_of != '' AND v_table IS NULL THEN
        SET v_proof = ARRAY_CONCAT(v_proof, [STRUCT(one.act AS act, one.wanted AS wanted, 'not tried' AS happened, 'there is no table to try it on' AS said)]);
      ELSE
        SET v_statement = REPLACE(one.statement, 'SOME_TABLE', CONCAT(one.table_of, '.`', IFNULL(v_table, ''), '`'));
        EXECUTE IMMEDIATE v_statement;
        SET v_proof = ARRAY_CONCAT(v_proof, [STRUCT(one.act AS act, one.wanted AS wanted, 'succeeds' AS happened, '' AS said)]);
        IF one.undo != '' THEN
          EXECUTE IMMEDIATE one.undo;
        END IF;
      END IF;
    EXCEPTION WHEN ERROR THEN
      SET v_proof = ARRAY_CONCAT(v_proof, [STRUCT(
        one.act AS act,
        one.wanted AS wanted,
        -- A syntax error or a missing dataset is no refusal.
        IF(REGEXP_CONTAINS(@@error.message, r'(?i)access denied|permission'), 'refused', 'failed') AS happened,
        @@error.message AS said
      )]);
    END;
  END FOR;

  SELECT act, wanted, happened, IF(happened = 'not tried', NULL, happened = wanted) AS holds, said FROM UNNEST(v_proof) ORDER BY holds, act;
END;
