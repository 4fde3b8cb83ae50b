-- 40_services.sql: what the three services may do.
--
-- Who runs it   the administrator with ACCOUNTADMIN who ran 20_boundary.sql.
-- What changes  acme_prod_service may build in the prod schemas, and replace what is there as a member of its present
--               owners' roles until 90_close_prod.sql, which is written down in acme_nonprod.acme_door.found. acme_ci_service builds pr_<number> through the door, and
--               developers and reviewers read that. acme_janitor may drop through the door and nothing else.
--               acme_env_owner, which nobody holds, may read who has which rights and what storage and compute
--               cost: audit and report say that. Nothing is taken from anybody.
-- How to undo   91_reopen_prod.sql, if acme_prod_service has deployed; then REVOKE the same rights.
--
-- No service has a key yet. grants/README.md says how to make one, and that its private part is in no file here.

-- SECURITYADMIN acts for acme_env_owner while this runs, and gives that back at the end.
USE ROLE SECURITYADMIN;
USE WAREHOUSE acme_ci_wh;
GRANT ROLE acme_env_owner TO ROLE SECURITYADMIN;

GRANT ROLE acme_ci_service TO USER acme_ci_service;
GRANT USAGE ON WAREHOUSE acme_ci_wh TO ROLE acme_ci_service;
GRANT ROLE acme_janitor TO USER acme_janitor;
GRANT USAGE ON WAREHOUSE acme_ci_wh TO ROLE acme_janitor;
GRANT ROLE acme_prod_service TO USER acme_prod_service;
GRANT USAGE ON WAREHOUSE acme_prod_wh TO ROLE acme_prod_service;
GRANT USAGE ON WAREHOUSE acme_dev_wh TO ROLE acme_developer;

GRANT USAGE ON DATABASE acme TO ROLE acme_prod_service;
GRANT USAGE, MONITOR, CREATE TABLE, CREATE VIEW, CREATE DYNAMIC TABLE, CREATE FUNCTION, CREATE PROCEDURE, CREATE STAGE, CREATE FILE FORMAT, CREATE SEQUENCE ON SCHEMA acme.analytics TO ROLE acme_prod_service;
GRANT SELECT ON ALL TABLES IN SCHEMA acme.analytics TO ROLE acme_prod_service;
GRANT SELECT ON FUTURE TABLES IN SCHEMA acme.analytics TO ROLE acme_prod_service;
GRANT SELECT ON ALL VIEWS IN SCHEMA acme.analytics TO ROLE acme_prod_service;
GRANT SELECT ON FUTURE VIEWS IN SCHEMA acme.analytics TO ROLE acme_prod_service;
GRANT SELECT ON ALL DYNAMIC TABLES IN SCHEMA acme.analytics TO ROLE acme_prod_service;
GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA acme.analytics TO ROLE acme_prod_service;
GRANT USAGE, MONITOR, CREATE TABLE, CREATE VIEW, CREATE DYNAMIC TABLE, CREATE FUNCTION, CREATE PROCEDURE, CREATE STAGE, CREATE FILE FORMAT, CREATE SEQUENCE ON SCHEMA acme.staging TO ROLE acme_prod_service;
GRANT SELECT ON ALL TABLES IN SCHEMA acme.staging TO ROLE acme_prod_service;
GRANT SELECT ON FUTURE TABLES IN SCHEMA acme.staging TO ROLE acme_prod_service;
GRANT SELECT ON ALL VIEWS IN SCHEMA acme.staging TO ROLE acme_prod_service;
GRANT SELECT ON FUTURE VIEWS IN SCHEMA acme.staging TO ROLE acme_prod_service;
GRANT SELECT ON ALL DYNAMIC TABLES IN SCHEMA acme.staging TO ROLE acme_prod_service;
GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA acme.staging TO ROLE acme_prod_service;

-- Views of Snowflake's own, on the whole account, for a role that only the door's procedures act for:
-- https://docs.snowflake.com/en/sql-reference/snowflake-db-roles
USE ROLE ACCOUNTADMIN;
GRANT DATABASE ROLE SNOWFLAKE.SECURITY_VIEWER TO ROLE acme_env_owner;
GRANT DATABASE ROLE SNOWFLAKE.OBJECT_VIEWER TO ROLE acme_env_owner;
GRANT DATABASE ROLE SNOWFLAKE.USAGE_VIEWER TO ROLE acme_env_owner;
USE ROLE SECURITYADMIN;

-- Only its owner may replace a table. Until 90_close_prod.sql moves what is there, acme_prod_service acts for the present
-- owners, so that its first deploy can replace what they built; never for one of Snowflake's own roles.
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_owners RESULTSET;
  v_said VARCHAR DEFAULT '';
  v_rows NUMBER;
  v_problem VARCHAR;
BEGIN
  -- SHOW never answers with more rows than this, and what it leaves out would be passed over:
  -- https://docs.snowflake.com/en/sql-reference/sql/show-grants#usage-notes
  v_problem := '';
  SHOW OBJECTS IN SCHEMA acme.analytics;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW OBJECTS IN SCHEMA acme.analytics; ';
  END IF;
  SHOW OBJECTS IN SCHEMA acme.staging;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW OBJECTS IN SCHEMA acme.staging; ';
  END IF;
  IF (v_problem <> '') THEN
    v_problem := 'Nothing was done: of what these list, SHOW answers with 10,000 rows alone, and the rest would be passed over: ' || v_problem || 'Less there, or by hand.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
  SHOW OBJECTS IN SCHEMA acme.analytics;
  v_owners := (
    SELECT DISTINCT "owner" AS owner, IFF("owner_role_type" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("owner", '"', '""') || '"' AS holder
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "owner" <> '' AND NOT ("owner_role_type" <> 'DATABASE_ROLE' AND "owner" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'))
  );
  FOR one IN v_owners DO
    IF (one.owner IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN')) THEN
      v_said := v_said || 'Relations in analytics belong to ' || one.owner || ', for which acme_prod_service never acts: it cannot replace them before 90_close_prod.sql. ';
    ELSE
      v_sql := 'GRANT ' || one.holder || ' TO ROLE acme_prod_service';
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 5, :v_sql;
      EXECUTE IMMEDIATE :v_sql;
    END IF;
  END FOR;
  SHOW OBJECTS IN SCHEMA acme.staging;
  v_owners := (
    SELECT DISTINCT "owner" AS owner, IFF("owner_role_type" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("owner", '"', '""') || '"' AS holder
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "owner" <> '' AND NOT ("owner_role_type" <> 'DATABASE_ROLE' AND "owner" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'))
  );
  FOR one IN v_owners DO
    IF (one.owner IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN')) THEN
      v_said := v_said || 'Relations in staging belong to ' || one.owner || ', for which acme_prod_service never acts: it cannot replace them before 90_close_prod.sql. ';
    ELSE
      v_sql := 'GRANT ' || one.holder || ' TO ROLE acme_prod_service';
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 5, :v_sql;
      EXECUTE IMMEDIATE :v_sql;
    END IF;
  END FOR;
  IF (v_said = '') THEN
    v_said := 'acme_prod_service can replace everything in production.';
  END IF;
  RETURN v_said;
END;
$$;

USE ROLE SECURITYADMIN;
REVOKE ROLE acme_env_owner FROM ROLE SECURITYADMIN;
