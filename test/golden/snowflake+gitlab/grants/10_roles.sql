-- 10_roles.sql: compute with its limits, the roles and the service users of project acme.
--
-- Who runs it   an administrator with ACCOUNTADMIN. It works as SYSADMIN for warehouses and as SECURITYADMIN for the
--               rest, which then owns it: a role is given away, and a user gets a key, by its owner, and USERADMIN
--               shall not be that.
-- What changes  creates the warehouses, roles and users below, without keys and without any right on data. One of these
--               names that exists is refused unless an earlier run of this file created it and it still belongs to
--               whom it did. Nothing is taken from anybody.
-- How to undo   undo 20 to 50 (grants/README.md), then DROP USER, DROP ROLE and DROP WAREHOUSE for each.
--
-- None of these roles is granted to SYSADMIN, against Snowflake's general advice: whoever holds SYSADMIN would write
-- production. https://docs.snowflake.com/en/user-guide/security-access-control-considerations

USE ROLE SYSADMIN;
-- Nobody but SYSADMIN may change size or limits: others get USAGE alone. A statement that runs longer is ended.
CREATE WAREHOUSE IF NOT EXISTS acme_dev_wh
  WAREHOUSE_SIZE = 'XSMALL' AUTO_SUSPEND = 60 AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE
  STATEMENT_TIMEOUT_IN_SECONDS = 1800 STATEMENT_QUEUED_TIMEOUT_IN_SECONDS = 600 COMMENT = 'dbt-envs: project acme';
CREATE WAREHOUSE IF NOT EXISTS acme_ci_wh
  WAREHOUSE_SIZE = 'XSMALL' AUTO_SUSPEND = 60 AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE
  STATEMENT_TIMEOUT_IN_SECONDS = 3600 STATEMENT_QUEUED_TIMEOUT_IN_SECONDS = 1800 COMMENT = 'dbt-envs: project acme';
-- For readers who have none of their own.
CREATE WAREHOUSE IF NOT EXISTS acme_read_wh
  WAREHOUSE_SIZE = 'XSMALL' AUTO_SUSPEND = 60 AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE
  STATEMENT_TIMEOUT_IN_SECONDS = 900 STATEMENT_QUEUED_TIMEOUT_IN_SECONDS = 300 COMMENT = 'dbt-envs: project acme';
CREATE WAREHOUSE IF NOT EXISTS acme_prod_wh
  WAREHOUSE_SIZE = 'SMALL' AUTO_SUSPEND = 60 AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE
  STATEMENT_TIMEOUT_IN_SECONDS = 14400 COMMENT = 'dbt-envs: project acme';

-- These scripts themselves need a little compute.
GRANT USAGE ON WAREHOUSE acme_ci_wh TO ROLE SECURITYADMIN;

USE ROLE SECURITYADMIN;
USE WAREHOUSE acme_ci_wh;
EXECUTE IMMEDIATE $$
DECLARE
  v_problem VARCHAR;
  v_sql VARCHAR;
BEGIN
  SHOW WAREHOUSES;
  SELECT LISTAGG("name", ', ') WITHIN GROUP (ORDER BY "name") INTO :v_problem
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  WHERE "name" IN ('ACME_DEV_WH', 'ACME_CI_WH', 'ACME_READ_WH', 'ACME_PROD_WH') AND NOT (COALESCE("comment", '') = 'dbt-envs: project acme' AND "owner" = 'SYSADMIN');
  IF (v_problem <> '') THEN
    v_problem := 'Warehouse ' || v_problem || ' exists, and this project did not create it or does not own it. Choose other names: dbt-envs --role-prefix <prefix>.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
  SHOW ROLES STARTS WITH 'ACME_';
  SELECT LISTAGG("name", ', ') WITHIN GROUP (ORDER BY "name") INTO :v_problem
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  WHERE "name" IN ('ACME_ENV_OWNER', 'ACME_PROD_OWNER', 'ACME_DEVELOPER', 'ACME_READER', 'ACME_REVIEWER', 'ACME_CI_SERVICE', 'ACME_PROD_SERVICE', 'ACME_JANITOR') AND NOT (COALESCE("comment", '') = 'dbt-envs: project acme' AND "owner" = 'SECURITYADMIN');
  IF (v_problem <> '') THEN
    v_problem := 'Role ' || v_problem || ' exists, and this project did not create it or does not own it. Choose other names: dbt-envs --role-prefix <prefix>.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
  SHOW USERS STARTS WITH 'ACME_';
  SELECT LISTAGG("name", ', ') WITHIN GROUP (ORDER BY "name") INTO :v_problem
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  WHERE "name" IN ('ACME_CI_SERVICE', 'ACME_PROD_SERVICE', 'ACME_JANITOR') AND NOT (COALESCE("comment", '') = 'dbt-envs: project acme' AND "owner" = 'SECURITYADMIN');
  IF (v_problem <> '') THEN
    v_problem := 'User ' || v_problem || ' exists, and this project did not create it or does not own it. Choose other names: dbt-envs --role-prefix <prefix>.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
END;
$$;

-- Owns every dev_<name> and pr_<number>, and the door to them. Nobody holds it; procedures act for it.
CREATE ROLE IF NOT EXISTS acme_env_owner COMMENT = 'dbt-envs: project acme';
-- Owns the schemas of production. Nobody holds it.
CREATE ROLE IF NOT EXISTS acme_prod_owner COMMENT = 'dbt-envs: project acme';
-- Reads production.
CREATE ROLE IF NOT EXISTS acme_reader COMMENT = 'dbt-envs: project acme';
-- Reads production and every pr_<number>.
CREATE ROLE IF NOT EXISTS acme_reviewer COMMENT = 'dbt-envs: project acme';
-- Reads production, sources and every pr_<number>.
CREATE ROLE IF NOT EXISTS acme_developer COMMENT = 'dbt-envs: project acme';
-- Builds pull requests.
CREATE ROLE IF NOT EXISTS acme_ci_service COMMENT = 'dbt-envs: project acme';
-- Builds production, from CI on the main branch.
CREATE ROLE IF NOT EXISTS acme_prod_service COMMENT = 'dbt-envs: project acme';
-- Drops environment schemas that nobody needs.
CREATE ROLE IF NOT EXISTS acme_janitor COMMENT = 'dbt-envs: project acme';

-- TYPE = SERVICE: no password and no browser, a key pair alone. () for secondary roles: what a service may do is what its
-- one role may. https://docs.snowflake.com/en/sql-reference/sql/create-user
CREATE USER IF NOT EXISTS acme_ci_service
  TYPE = SERVICE DEFAULT_ROLE = acme_ci_service DEFAULT_WAREHOUSE = acme_ci_wh DEFAULT_SECONDARY_ROLES = () COMMENT = 'dbt-envs: project acme';
CREATE USER IF NOT EXISTS acme_prod_service
  TYPE = SERVICE DEFAULT_ROLE = acme_prod_service DEFAULT_WAREHOUSE = acme_prod_wh DEFAULT_SECONDARY_ROLES = () COMMENT = 'dbt-envs: project acme';
CREATE USER IF NOT EXISTS acme_janitor
  TYPE = SERVICE DEFAULT_ROLE = acme_janitor DEFAULT_WAREHOUSE = acme_ci_wh DEFAULT_SECONDARY_ROLES = () COMMENT = 'dbt-envs: project acme';

-- CREATE IF NOT EXISTS passes over what is there, and SHOW ends after 10,000 rows (https://docs.snowflake.com/en/sql-reference/sql/show-grants#usage-notes):
-- nothing is granted before each of these is seen to be this project's.
EXECUTE IMMEDIATE $$
DECLARE
  v_ours NUMBER;
  v_problem VARCHAR;
  v_sql VARCHAR;
BEGIN
  SHOW WAREHOUSES;
  SELECT COUNT_IF("name" IN ('ACME_DEV_WH', 'ACME_CI_WH', 'ACME_READ_WH', 'ACME_PROD_WH') AND "comment" = 'dbt-envs: project acme' AND "owner" = 'SYSADMIN') INTO :v_ours
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_ours <> 4) THEN
    v_problem := 'SHOW WAREHOUSES shows ' || v_ours || ' of this project''s 4 with its mark, belonging to SYSADMIN. The others are not this project''s, or are left out of the 10,000 rows that SHOW answers with. Choose other names: dbt-envs --role-prefix <prefix>.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
  SHOW ROLES STARTS WITH 'ACME_';
  SELECT COUNT_IF("name" IN ('ACME_ENV_OWNER', 'ACME_PROD_OWNER', 'ACME_DEVELOPER', 'ACME_READER', 'ACME_REVIEWER', 'ACME_CI_SERVICE', 'ACME_PROD_SERVICE', 'ACME_JANITOR') AND "comment" = 'dbt-envs: project acme' AND "owner" = 'SECURITYADMIN') INTO :v_ours
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_ours <> 8) THEN
    v_problem := 'SHOW ROLES shows ' || v_ours || ' of this project''s 8 with its mark, belonging to SECURITYADMIN. The others are not this project''s, or are left out of the 10,000 rows that SHOW answers with. Choose other names: dbt-envs --role-prefix <prefix>.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
  SHOW USERS STARTS WITH 'ACME_';
  SELECT COUNT_IF("name" IN ('ACME_CI_SERVICE', 'ACME_PROD_SERVICE', 'ACME_JANITOR') AND "comment" = 'dbt-envs: project acme' AND "owner" = 'SECURITYADMIN') INTO :v_ours
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_ours <> 3) THEN
    v_problem := 'SHOW USERS shows ' || v_ours || ' of this project''s 3 with its mark, belonging to SECURITYADMIN. The others are not this project''s, or are left out of the 10,000 rows that SHOW answers with. Choose other names: dbt-envs --role-prefix <prefix>.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
END;
$$;

-- A procedure of the door runs on its caller's warehouse; no page says whether its owner must have a right on that too.
GRANT USAGE ON WAREHOUSE acme_dev_wh TO ROLE acme_env_owner;
GRANT USAGE ON WAREHOUSE acme_ci_wh TO ROLE acme_env_owner;
GRANT USAGE ON WAREHOUSE acme_read_wh TO ROLE acme_env_owner;
GRANT USAGE ON WAREHOUSE acme_prod_wh TO ROLE acme_env_owner;
-- In a schema with managed access, tables may only belong to roles below the schema's owner:
-- https://docs.snowflake.com/en/sql-reference/sql/grant-privilege#usage-notes
GRANT ROLE acme_prod_service TO ROLE acme_prod_owner;
GRANT ROLE acme_reader TO ROLE acme_reviewer;
GRANT ROLE acme_reader TO ROLE acme_developer;
GRANT ROLE acme_reader TO ROLE acme_ci_service;
