-- 20_boundary.sql: the databases, the schemas of production, and the door through which environment schemas come and go.
--
-- Who runs it   the administrator with ACCOUNTADMIN who ran 10_roles.sql. It works as SYSADMIN for databases, as
--               SECURITYADMIN for grants.
-- What changes  creates what is missing of: database acme and database acme_nonprod, the prod schemas
--               (analytics, staging), and the schema acme_nonprod.acme_door. Lets this project's roles read prod, and
--               developers and CI read the sources. A prod schema that exists keeps its owner, its writers and its
--               readers. Nothing is taken from anybody outside this project.
-- How to undo   after 90_close_prod.sql run 91_reopen_prod.sql first: what was there before is written down in the door. Then
--               DROP DATABASE acme_nonprod, and DROP ROLE for the roles of 10_roles.sql but acme_prod_service:
--               what it owns is production.

USE ROLE SECURITYADMIN;
USE WAREHOUSE acme_ci_wh;
EXECUTE IMMEDIATE $$
DECLARE
  v_problem VARCHAR;
  v_sql VARCHAR;
BEGIN
  SHOW DATABASES;
  SELECT LISTAGG("name", ', ') INTO :v_problem
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  WHERE "name" = 'ACME_NONPROD' AND COALESCE("comment", '') <> 'dbt-envs: project acme';
  IF (v_problem <> '') THEN
    v_problem := 'Database ' || v_problem || ' exists, and this project did not create it. Choose another name: dbt-envs --nonprod-database <name>.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
END;
$$;

USE ROLE SYSADMIN;
CREATE DATABASE IF NOT EXISTS acme;
-- Transient: no fail-safe, which would keep every dropped table for seven days more and be paid for. One day of time travel
-- brings back what the sweep should not have dropped. https://docs.snowflake.com/en/user-guide/tables-temp-transient
CREATE TRANSIENT DATABASE IF NOT EXISTS acme_nonprod DATA_RETENTION_TIME_IN_DAYS = 1 COMMENT = 'dbt-envs: project acme';

USE ROLE SECURITYADMIN;
USE WAREHOUSE acme_ci_wh;
EXECUTE IMMEDIATE $$
DECLARE
  v_rows NUMBER;
  v_problem VARCHAR;
  v_sql VARCHAR;
BEGIN
  SHOW DATABASES STARTS WITH 'ACME_NONPROD';
  SELECT COUNT_IF("name" = 'ACME_NONPROD' AND "comment" = 'dbt-envs: project acme') INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows = 0) THEN
    v_problem := 'Database acme_nonprod is not seen with this project''s mark. Choose another name: dbt-envs --nonprod-database <name>.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
  -- SHOW never answers with more rows than this, and what it leaves out would be passed over:
  -- https://docs.snowflake.com/en/sql-reference/sql/show-grants#usage-notes
  v_problem := '';
  SHOW SCHEMAS IN DATABASE acme_nonprod;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW SCHEMAS IN DATABASE acme_nonprod; ';
  END IF;
  IF (v_problem <> '') THEN
    v_problem := 'Nothing was done: of what these list, SHOW answers with 10,000 rows alone, and the rest would be passed over: ' || v_problem || 'Less there, or by hand.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
  -- Two projects in one database would own the same dev_<name> and pr_<number>.
  SHOW SCHEMAS IN DATABASE acme_nonprod;
  SELECT LISTAGG("name", ', ') WITHIN GROUP (ORDER BY "name") INTO :v_problem
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  WHERE STARTSWITH("comment", 'dbt-envs: door of project ') AND "comment" <> 'dbt-envs: door of project acme';
  IF (v_problem <> '') THEN
    v_problem := 'Database acme_nonprod has the door ' || v_problem || ' of another project already. Give this one a database of its own: dbt-envs --nonprod-database <name>.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
END;
$$;

-- Whoever is granted more than to come in, on every schema that this database will hold, would build in every new environment.
EXECUTE IMMEDIATE $$
DECLARE
  v_problem VARCHAR;
  v_sql VARCHAR;
BEGIN
  SHOW FUTURE GRANTS IN DATABASE acme_nonprod;
  SELECT LISTAGG("privilege" || ' to ' || "grantee_name", ', ') WITHIN GROUP (ORDER BY "privilege", "grantee_name") INTO :v_problem
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  WHERE "grant_on" = 'SCHEMA' AND "privilege" NOT IN ('USAGE', 'MONITOR');
  IF (v_problem <> '') THEN
    v_problem := 'Future grants on schemas in database acme_nonprod would reach into every dev_<name> and pr_<number>: ' || v_problem || '. Revoke them.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
END;
$$;

-- SECURITYADMIN acts for acme_env_owner and acme_prod_owner while this runs, and gives that back at the end.
USE ROLE SECURITYADMIN;
USE WAREHOUSE acme_ci_wh;
GRANT ROLE acme_env_owner TO ROLE SECURITYADMIN;
GRANT ROLE acme_prod_owner TO ROLE SECURITYADMIN;

GRANT USAGE ON DATABASE acme TO ROLE acme_prod_owner;
GRANT CREATE SCHEMA ON DATABASE acme TO ROLE acme_prod_owner;
-- CREATE SCHEMA IF NOT EXISTS fails where the schema exists and the role has no right on it.
GRANT USAGE ON ALL SCHEMAS IN DATABASE acme TO ROLE acme_prod_owner;
GRANT USAGE ON DATABASE acme_nonprod TO ROLE acme_env_owner;
GRANT CREATE SCHEMA ON DATABASE acme_nonprod TO ROLE acme_env_owner;
-- A schema is seen by who has some right on it: this is how the sweep reports what others made by hand.
GRANT USAGE ON ALL SCHEMAS IN DATABASE acme_nonprod TO ROLE acme_env_owner;
GRANT USAGE ON FUTURE SCHEMAS IN DATABASE acme_nonprod TO ROLE acme_env_owner;

-- In a schema with managed access only the schema's owner grants, not the owner of a table in it:
-- https://docs.snowflake.com/en/user-guide/security-access-control-configure#creating-managed-access-schemas
USE ROLE acme_prod_owner;
CREATE SCHEMA IF NOT EXISTS acme.analytics WITH MANAGED ACCESS COMMENT = 'dbt-envs: project acme';
CREATE SCHEMA IF NOT EXISTS acme.staging WITH MANAGED ACCESS COMMENT = 'dbt-envs: project acme';

USE ROLE SECURITYADMIN;
-- A future grant on a schema makes Snowflake ignore every future grant on the database for that kind of object, whoever
-- has it: https://docs.snowflake.com/en/user-guide/security-access-control-configure#considerations
-- So what somebody is granted on the database today is granted to them on our schemas first, or their dashboards would
-- stop reading tomorrow's tables. Future OWNERSHIP is not copied: production's new tables would not be its service's.
-- Nor is a right to write, once a schema is acme_prod_owner's: that would open what 90_close_prod.sql has closed.
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_schemas ARRAY DEFAULT ARRAY_CONSTRUCT('ANALYTICS', 'STAGING', 'RAW', 'CRM');
  v_others VARCHAR;
  v_grants RESULTSET;
BEGIN
  SHOW SCHEMAS IN DATABASE acme;
  SELECT LISTAGG('"' || "name" || '"', ',') INTO :v_others
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  WHERE "owner" <> 'ACME_PROD_OWNER' AND "name" IN ('ANALYTICS', 'STAGING', 'RAW', 'CRM');
  SHOW FUTURE GRANTS IN DATABASE acme;
  v_grants := (
    SELECT
      s.value::VARCHAR AS schema_name,
      g."privilege" AS privilege,
      REPLACE(g."grant_on", '_', ' ') || 'S' AS kind,
      IFF(g."grant_to" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE(g."grantee_name", '"', '""') || '"' AS grantee
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) AS g, LATERAL FLATTEN(INPUT => :v_schemas) AS s
    WHERE g."grant_on" IN ('TABLE', 'VIEW', 'DYNAMIC_TABLE') AND g."privilege" <> 'OWNERSHIP' AND NOT (g."grant_to" <> 'DATABASE_ROLE' AND g."grantee_name" IN ('ACME_ENV_OWNER', 'ACME_PROD_OWNER', 'ACME_DEVELOPER', 'ACME_READER', 'ACME_REVIEWER', 'ACME_CI_SERVICE', 'ACME_PROD_SERVICE', 'ACME_JANITOR'))
      AND (g."privilege" IN ('SELECT', 'REFERENCES', 'MONITOR') OR CONTAINS(:v_others, '"' || s.value::VARCHAR || '"'))
  );
  FOR one IN v_grants DO
    v_sql := 'GRANT ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme."' || one.schema_name || '" TO ' || one.grantee;
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
END;
$$;

-- Who reads production: what is there, and what will be.
GRANT USAGE ON DATABASE acme TO ROLE acme_reader;
GRANT USAGE ON SCHEMA acme.analytics TO ROLE acme_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA acme.analytics TO ROLE acme_reader;
GRANT SELECT ON FUTURE TABLES IN SCHEMA acme.analytics TO ROLE acme_reader;
GRANT SELECT ON ALL VIEWS IN SCHEMA acme.analytics TO ROLE acme_reader;
GRANT SELECT ON FUTURE VIEWS IN SCHEMA acme.analytics TO ROLE acme_reader;
GRANT SELECT ON ALL DYNAMIC TABLES IN SCHEMA acme.analytics TO ROLE acme_reader;
GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA acme.analytics TO ROLE acme_reader;
GRANT USAGE ON SCHEMA acme.staging TO ROLE acme_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA acme.staging TO ROLE acme_reader;
GRANT SELECT ON FUTURE TABLES IN SCHEMA acme.staging TO ROLE acme_reader;
GRANT SELECT ON ALL VIEWS IN SCHEMA acme.staging TO ROLE acme_reader;
GRANT SELECT ON FUTURE VIEWS IN SCHEMA acme.staging TO ROLE acme_reader;
GRANT SELECT ON ALL DYNAMIC TABLES IN SCHEMA acme.staging TO ROLE acme_reader;
GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA acme.staging TO ROLE acme_reader;

-- Sources. What holds personal data is production's alone: CI runs the code of pull requests, and a table that it
-- copies into pr_<number> is readable by every reviewer. A source that is not there yet stops this script: load it, or take
-- it out of --source-schemas.
GRANT USAGE ON DATABASE acme TO ROLE acme_prod_service;
GRANT USAGE ON SCHEMA acme.raw TO ROLE acme_developer;
GRANT SELECT ON ALL TABLES IN SCHEMA acme.raw TO ROLE acme_developer;
GRANT SELECT ON FUTURE TABLES IN SCHEMA acme.raw TO ROLE acme_developer;
GRANT SELECT ON ALL VIEWS IN SCHEMA acme.raw TO ROLE acme_developer;
GRANT SELECT ON FUTURE VIEWS IN SCHEMA acme.raw TO ROLE acme_developer;
GRANT SELECT ON ALL DYNAMIC TABLES IN SCHEMA acme.raw TO ROLE acme_developer;
GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA acme.raw TO ROLE acme_developer;
GRANT USAGE ON SCHEMA acme.raw TO ROLE acme_ci_service;
GRANT SELECT ON ALL TABLES IN SCHEMA acme.raw TO ROLE acme_ci_service;
GRANT SELECT ON FUTURE TABLES IN SCHEMA acme.raw TO ROLE acme_ci_service;
GRANT SELECT ON ALL VIEWS IN SCHEMA acme.raw TO ROLE acme_ci_service;
GRANT SELECT ON FUTURE VIEWS IN SCHEMA acme.raw TO ROLE acme_ci_service;
GRANT SELECT ON ALL DYNAMIC TABLES IN SCHEMA acme.raw TO ROLE acme_ci_service;
GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA acme.raw TO ROLE acme_ci_service;
GRANT USAGE ON SCHEMA acme.raw TO ROLE acme_prod_service;
GRANT SELECT ON ALL TABLES IN SCHEMA acme.raw TO ROLE acme_prod_service;
GRANT SELECT ON FUTURE TABLES IN SCHEMA acme.raw TO ROLE acme_prod_service;
GRANT SELECT ON ALL VIEWS IN SCHEMA acme.raw TO ROLE acme_prod_service;
GRANT SELECT ON FUTURE VIEWS IN SCHEMA acme.raw TO ROLE acme_prod_service;
GRANT SELECT ON ALL DYNAMIC TABLES IN SCHEMA acme.raw TO ROLE acme_prod_service;
GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA acme.raw TO ROLE acme_prod_service;
GRANT USAGE ON SCHEMA acme.crm TO ROLE acme_prod_service;
GRANT SELECT ON ALL TABLES IN SCHEMA acme.crm TO ROLE acme_prod_service;
GRANT SELECT ON FUTURE TABLES IN SCHEMA acme.crm TO ROLE acme_prod_service;
GRANT SELECT ON ALL VIEWS IN SCHEMA acme.crm TO ROLE acme_prod_service;
GRANT SELECT ON FUTURE VIEWS IN SCHEMA acme.crm TO ROLE acme_prod_service;
GRANT SELECT ON ALL DYNAMIC TABLES IN SCHEMA acme.crm TO ROLE acme_prod_service;
GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA acme.crm TO ROLE acme_prod_service;

-- The door: tables that only these procedures write, and procedures that act as acme_env_owner. Such a procedure cannot
-- rely on knowing who calls it (https://docs.snowflake.com/en/developer-guide/stored-procedure/stored-procedures-rights), so
-- each does one thing for one role, which alone may call it.
USE ROLE acme_env_owner;
USE WAREHOUSE acme_ci_wh;
CREATE SCHEMA IF NOT EXISTS acme_nonprod.acme_door WITH MANAGED ACCESS COMMENT = 'dbt-envs: door of project acme';
-- A grant on what the database will hold would open the door to whoever has it. One on the schema itself stands before it, for that
-- kind of object: https://docs.snowflake.com/en/sql-reference/sql/grant-privilege#considerations
GRANT REFERENCES ON FUTURE TABLES IN SCHEMA acme_nonprod.acme_door TO ROLE acme_env_owner;
GRANT USAGE ON FUTURE PROCEDURES IN SCHEMA acme_nonprod.acme_door TO ROLE acme_env_owner;
-- Times are UTC.
CREATE TABLE IF NOT EXISTS acme_nonprod.acme_door.environment (
  schema_name VARCHAR NOT NULL, keep_until TIMESTAMP_NTZ
);
-- When a schema that was made by hand was handed over: its age counts from there.
CREATE TABLE IF NOT EXISTS acme_nonprod.acme_door.adopted (
  schema_name VARCHAR NOT NULL, adopted_at TIMESTAMP_NTZ NOT NULL
);
CREATE TABLE IF NOT EXISTS acme_nonprod.acme_door.developer (
  login VARCHAR NOT NULL, role_name VARCHAR NOT NULL, gone BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS acme_nonprod.acme_door.reader (
  login VARCHAR NOT NULL, role_name VARCHAR NOT NULL, gone BOOLEAN NOT NULL
);
CREATE TABLE IF NOT EXISTS acme_nonprod.acme_door.swept (
  schema_name VARCHAR NOT NULL, swept_at TIMESTAMP_NTZ NOT NULL, how VARCHAR NOT NULL, relations NUMBER, bytes NUMBER
);
CREATE TABLE IF NOT EXISTS acme_nonprod.acme_door.size (
  day DATE NOT NULL, schema_name VARCHAR NOT NULL, bytes NUMBER
);
CREATE TABLE IF NOT EXISTS acme_nonprod.acme_door.proof (
  identity VARCHAR NOT NULL, login VARCHAR NOT NULL, tried_at TIMESTAMP_NTZ NOT NULL, acts NUMBER NOT NULL, wrong NUMBER NOT NULL
);
-- How production was found, for 91_reopen_prod.sql: a statement each, in the order in which they are run.
CREATE TABLE IF NOT EXISTS acme_nonprod.acme_door.found (
  step NUMBER NOT NULL, statement VARCHAR NOT NULL
);
-- What an administrator has accepted of what the audit names.
CREATE TABLE IF NOT EXISTS acme_nonprod.acme_door.accepted (
  login VARCHAR NOT NULL, how VARCHAR NOT NULL
);

-- Who builds in an environment schema and who sees it; as 30_developers.sql does for a new one. Nobody may call it.
CREATE OR REPLACE PROCEDURE acme_nonprod.acme_door.fit_schema(schema_name VARCHAR, builder VARCHAR)
RETURNS VARCHAR
LANGUAGE SQL
EXECUTE AS OWNER
AS
$$
DECLARE
  v_schema VARCHAR DEFAULT 'acme_nonprod."' || schema_name || '"';
  v_sql VARCHAR;
BEGIN
  v_sql := 'GRANT USAGE, MONITOR, CREATE TABLE, CREATE VIEW, CREATE DYNAMIC TABLE, CREATE FUNCTION, CREATE PROCEDURE, CREATE STAGE, CREATE FILE FORMAT, CREATE SEQUENCE ON SCHEMA ' || v_schema || ' TO ROLE ' || builder;
  EXECUTE IMMEDIATE :v_sql;
  v_sql := 'GRANT REFERENCES ON FUTURE TABLES IN SCHEMA ' || v_schema || ' TO ROLE acme_env_owner';
  EXECUTE IMMEDIATE :v_sql;
  v_sql := 'GRANT REFERENCES ON FUTURE VIEWS IN SCHEMA ' || v_schema || ' TO ROLE acme_env_owner';
  EXECUTE IMMEDIATE :v_sql;
  v_sql := 'GRANT MONITOR ON FUTURE DYNAMIC TABLES IN SCHEMA ' || v_schema || ' TO ROLE acme_env_owner';
  EXECUTE IMMEDIATE :v_sql;
  IF (NOT STARTSWITH(schema_name, 'PR_')) THEN
    RETURN schema_name;
  END IF;
  v_sql := 'GRANT USAGE ON SCHEMA ' || v_schema || ' TO ROLE acme_developer';
  EXECUTE IMMEDIATE :v_sql;
  v_sql := 'GRANT SELECT ON FUTURE TABLES IN SCHEMA ' || v_schema || ' TO ROLE acme_developer';
  EXECUTE IMMEDIATE :v_sql;
  v_sql := 'GRANT SELECT ON FUTURE VIEWS IN SCHEMA ' || v_schema || ' TO ROLE acme_developer';
  EXECUTE IMMEDIATE :v_sql;
  v_sql := 'GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA ' || v_schema || ' TO ROLE acme_developer';
  EXECUTE IMMEDIATE :v_sql;
  v_sql := 'GRANT USAGE ON SCHEMA ' || v_schema || ' TO ROLE acme_reviewer';
  EXECUTE IMMEDIATE :v_sql;
  v_sql := 'GRANT SELECT ON FUTURE TABLES IN SCHEMA ' || v_schema || ' TO ROLE acme_reviewer';
  EXECUTE IMMEDIATE :v_sql;
  v_sql := 'GRANT SELECT ON FUTURE VIEWS IN SCHEMA ' || v_schema || ' TO ROLE acme_reviewer';
  EXECUTE IMMEDIATE :v_sql;
  v_sql := 'GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA ' || v_schema || ' TO ROLE acme_reviewer';
  EXECUTE IMMEDIATE :v_sql;
  RETURN schema_name;
END;
$$;

-- For acme_ci_service: makes pr_<number>. RLIKE compares the whole name, never a beginning of one
-- (https://docs.snowflake.com/en/sql-reference/functions/rlike), and leaves no character that could end a name.
CREATE OR REPLACE PROCEDURE acme_nonprod.acme_door.create_pr_schema(schema_name VARCHAR)
RETURNS VARCHAR
LANGUAGE SQL
EXECUTE AS OWNER
AS
$$
DECLARE
  v_name VARCHAR DEFAULT COALESCE(UPPER(schema_name), '');
  v_owner VARCHAR;
  v_sql VARCHAR;
  no_pr EXCEPTION (-20001, 'CI makes pr_<number>, a whole number from 1 up, and nothing else.');
  not_ours EXCEPTION (-20002, 'This schema exists and is not this project''s: an administrator hands it over by its name with grants/adopt_leftovers.sql.');
BEGIN
  IF (NOT RLIKE(v_name, 'PR_[1-9][0-9]{0,9}')) THEN
    RAISE no_pr;
  END IF;
  SELECT MAX(schema_owner) INTO :v_owner FROM acme_nonprod.information_schema.schemata WHERE schema_name = :v_name;
  IF (v_owner <> 'ACME_ENV_OWNER') THEN
    RAISE not_ours;
  END IF;
  v_sql := 'CREATE TRANSIENT SCHEMA IF NOT EXISTS acme_nonprod."' || v_name || '" WITH MANAGED ACCESS DATA_RETENTION_TIME_IN_DAYS = 1 COMMENT = ''dbt-envs: project acme''';
  EXECUTE IMMEDIATE :v_sql;
  CALL acme_nonprod.acme_door.fit_schema(:v_name, 'acme_ci_service');
  RETURN v_name;
END;
$$;

-- For acme_ci_service: drops pr_<number>, when the pull request closes.
CREATE OR REPLACE PROCEDURE acme_nonprod.acme_door.drop_pr_schema(schema_name VARCHAR)
RETURNS VARCHAR
LANGUAGE SQL
EXECUTE AS OWNER
AS
$$
DECLARE
  v_name VARCHAR DEFAULT COALESCE(UPPER(schema_name), '');
  v_owner VARCHAR;
  v_kept NUMBER;
  v_sql VARCHAR;
  no_pr EXCEPTION (-20001, 'CI drops pr_<number>, a whole number from 1 up, and nothing else.');
  not_ours EXCEPTION (-20002, 'This schema is not this project''s, and is not dropped.');
  kept EXCEPTION (-20003, 'Somebody keeps this schema: dbt run-operation keep_schema takes the pin away.');
BEGIN
  IF (NOT RLIKE(v_name, 'PR_[1-9][0-9]{0,9}')) THEN
    RAISE no_pr;
  END IF;
  SELECT MAX(schema_owner) INTO :v_owner FROM acme_nonprod.information_schema.schemata WHERE schema_name = :v_name;
  IF (v_owner <> 'ACME_ENV_OWNER') THEN
    RAISE not_ours;
  END IF;
  SELECT COUNT(*) INTO :v_kept FROM acme_nonprod.acme_door.environment WHERE schema_name = :v_name AND keep_until > SYSDATE();
  IF (v_kept > 0) THEN
    RAISE kept;
  END IF;
  -- What is in it goes with it, whoever owns that: https://docs.snowflake.com/en/sql-reference/sql/drop-schema
  v_sql := 'DROP SCHEMA IF EXISTS acme_nonprod."' || v_name || '" CASCADE';
  EXECUTE IMMEDIATE :v_sql;
  DELETE FROM acme_nonprod.acme_door.environment WHERE schema_name = :v_name;
  RETURN v_name;
END;
$$;

-- For everybody of this project: the day until which somebody keeps a schema, or NULL.
CREATE OR REPLACE PROCEDURE acme_nonprod.acme_door.kept_until(schema_name VARCHAR)
RETURNS VARCHAR
LANGUAGE SQL
EXECUTE AS OWNER
AS
$$
DECLARE
  v_name VARCHAR DEFAULT UPPER(schema_name);
  v_day VARCHAR;
BEGIN
  SELECT TO_CHAR(MAX(keep_until), 'YYYY-MM-DD') INTO :v_day FROM acme_nonprod.acme_door.environment WHERE schema_name = :v_name AND keep_until > SYSDATE();
  RETURN v_day;
END;
$$;

-- For everybody of this project: environment schemas, their age and size, as JSON. What a table was last altered at moves with every
-- write to it, and with Snowflake's own upkeep, which errs on the safe side: https://docs.snowflake.com/en/sql-reference/info-schema/tables
-- That a schema was made, emptied or handed over counts as a use too. One that is empty and whose developer is on the roster has
-- no age: there is nothing in it to clear. A developer keeps their own dev_<name> with a view in it, dbt_envs_keep, that says
-- until when: only they can make one there. Its comment counts for a year.
CREATE OR REPLACE PROCEDURE acme_nonprod.acme_door.env_schemas()
RETURNS VARCHAR
LANGUAGE SQL
EXECUTE AS OWNER
AS
$$
DECLARE
  v_listed_at VARCHAR DEFAULT TO_CHAR(SYSDATE(), 'YYYY-MM-DD"T"HH24:MI:SS.FF6"Z"');
  v_seen NUMBER;
  v_schemas ARRAY;
  v_others ARRAY;
  v_time VARCHAR DEFAULT 'YYYY-MM-DD"T"HH24:MI:SS"Z"';
  blind EXCEPTION (-20001, 'The door does not see its own schema in database acme_nonprod, so it sees no other either, and that would look like a night with nothing to do: an administrator runs grants/20_boundary.sql.');
BEGIN
  SELECT COUNT(*) INTO :v_seen
  FROM acme_nonprod.information_schema.schemata
  WHERE schema_name = 'ACME_DOOR' AND schema_owner = 'ACME_ENV_OWNER';
  IF (v_seen = 0) THEN
    RAISE blind;
  END IF;

  WITH content AS (
    SELECT
    table_schema,
    COUNT(IFF(table_name = 'DBT_ENVS_KEEP', NULL, 1)) AS relations,
    COALESCE(SUM(bytes), 0) AS bytes,
    MAX(IFF(table_name = 'DBT_ENVS_KEEP', NULL, CONVERT_TIMEZONE('UTC', GREATEST(created, last_altered))::TIMESTAMP_NTZ)) AS written_at,
    MAX(IFF(table_name = 'DBT_ENVS_KEEP' AND STARTSWITH(table_schema, 'DEV_'), LEAST(TRY_TO_DATE(comment), DATEADD('day', 366, created::DATE)), NULL))::TIMESTAMP_NTZ AS keep_until
    FROM acme_nonprod.information_schema.tables
    GROUP BY table_schema
  ),
  handed_over AS (
    SELECT schema_name, MAX(adopted_at) AS adopted_at FROM acme_nonprod.acme_door.adopted GROUP BY schema_name
  ),
  named AS (
    SELECT
      s.schema_name,
      CONVERT_TIMEZONE('UTC', s.created)::TIMESTAMP_NTZ AS created_at,
      GREATEST(COALESCE(e.keep_until, c.keep_until), COALESCE(c.keep_until, e.keep_until)) AS keep_until,
      GREATEST(CONVERT_TIMEZONE('UTC', s.created)::TIMESTAMP_NTZ, COALESCE(c.written_at, '1970-01-01'::TIMESTAMP_NTZ), COALESCE(h.adopted_at, '1970-01-01'::TIMESTAMP_NTZ)) AS used_at,
      COALESCE(c.relations, 0) AS relations,
      COALESCE(c.bytes, 0) AS bytes,
      d.login
    FROM acme_nonprod.information_schema.schemata AS s
    LEFT JOIN content AS c ON c.table_schema = s.schema_name
    LEFT JOIN handed_over AS h ON h.schema_name = s.schema_name
    LEFT JOIN acme_nonprod.acme_door.environment AS e ON e.schema_name = s.schema_name
    LEFT JOIN acme_nonprod.acme_door.developer AS d
      ON STARTSWITH(s.schema_name, 'DEV_') AND UPPER(d.role_name) = 'ACME_DEV_' || SUBSTR(s.schema_name, 5) AND NOT d.gone
    WHERE s.schema_owner = 'ACME_ENV_OWNER'
      AND (RLIKE(s.schema_name, 'DEV_[A-Z][A-Z0-9]*(_[A-Z0-9]+)*') OR RLIKE(s.schema_name, 'PR_[1-9][0-9]{0,9}'))
  )
  SELECT ARRAY_AGG(OBJECT_CONSTRUCT_KEEP_NULL(
    'schema', LOWER(schema_name),
    'created_by', IFF(STARTSWITH(schema_name, 'PR_'), 'acme_ci_service', login),
    'created_at', TO_CHAR(created_at, :v_time),
    'last_used_at', IFF(relations = 0 AND login IS NOT NULL, NULL, TO_CHAR(used_at, :v_time)),
    'closed_at', NULL,
    'keep_until', TO_CHAR(keep_until, :v_time),
    'relations', relations,
    'bytes', bytes
  )) WITHIN GROUP (ORDER BY schema_name)
  INTO :v_schemas
  FROM named;

  -- What somebody else owns can be named, and not measured: nobody has let us look into it.
  SELECT ARRAY_AGG(OBJECT_CONSTRUCT_KEEP_NULL('schema', schema_name, 'owner', schema_owner, 'relations', NULL, 'bytes', NULL)) WITHIN GROUP (ORDER BY schema_name)
  INTO :v_others
  FROM acme_nonprod.information_schema.schemata
  WHERE RLIKE(schema_name, '(dev|pr)_.*', 'is')
    AND schema_name NOT IN ('ANALYTICS', 'STAGING', 'RAW', 'CRM')
    AND NOT (
      schema_owner = 'ACME_ENV_OWNER' AND (RLIKE(schema_name, 'DEV_[A-Z][A-Z0-9]*(_[A-Z0-9]+)*') OR RLIKE(schema_name, 'PR_[1-9][0-9]{0,9}'))
    );
  RETURN TO_JSON(OBJECT_CONSTRUCT_KEEP_NULL('listed_at', v_listed_at, 'schemas', v_schemas, 'others', v_others));
END;
$$;

-- For acme_janitor: clears one schema, after a look of its own. Whoever acts in its name clears nothing that was used lately, that
-- somebody keeps, or that something outside the environments is built on. A developer on the roster cannot make schemas, so
-- theirs is replaced by an empty one. A view that others have built on it stays and fails from then on, since Snowflake takes none
-- along; it is told as taken along. Who is built on whom is up to three hours old:
-- https://docs.snowflake.com/en/sql-reference/account-usage/object_dependencies
CREATE OR REPLACE PROCEDURE acme_nonprod.acme_door.sweep_schema(schema_name VARCHAR, listed_at VARCHAR, dry_run BOOLEAN)
RETURNS VARCHAR
LANGUAGE SQL
EXECUTE AS OWNER
AS
$$
DECLARE
  v_name VARCHAR DEFAULT COALESCE(UPPER(schema_name), '');
  v_listed_at TIMESTAMP_NTZ DEFAULT TRY_TO_TIMESTAMP_NTZ(REPLACE(REPLACE(REPLACE(listed_at, 'T', ' '), 'Z', ''), '+00:00', ''));
  v_found NUMBER;
  v_owner VARCHAR;
  v_created_at TIMESTAMP_NTZ;
  v_relations NUMBER;
  v_bytes NUMBER;
  v_written_at TIMESTAMP_NTZ;
  v_adopted_at TIMESTAMP_NTZ;
  v_used_at TIMESTAMP_NTZ;
  v_days NUMBER DEFAULT 30;
  v_keep_until TIMESTAMP_NTZ;
  v_marked_until TIMESTAMP_NTZ;
  v_builder VARCHAR;
  v_outside ARRAY;
  v_along ARRAY;
  v_hidden NUMBER;
  v_how VARCHAR DEFAULT 'dropped';
  v_why VARCHAR DEFAULT '';
  v_failed VARCHAR DEFAULT '';
  v_sql VARCHAR;
  v_time VARCHAR DEFAULT 'YYYY-MM-DD"T"HH24:MI:SS"Z"';
BEGIN
  -- What the answers dev-days and pr-days said when this script was made.
  IF (STARTSWITH(v_name, 'PR_')) THEN
    v_days := 7;
  END IF;
  SELECT COUNT(*), MAX(schema_owner), MAX(CONVERT_TIMEZONE('UTC', created)::TIMESTAMP_NTZ)
  INTO :v_found, :v_owner, :v_created_at
  FROM acme_nonprod.information_schema.schemata WHERE schema_name = :v_name;
  SELECT
    COUNT(IFF(table_name = 'DBT_ENVS_KEEP', NULL, 1)) AS relations,
    COALESCE(SUM(bytes), 0) AS bytes,
    MAX(IFF(table_name = 'DBT_ENVS_KEEP', NULL, CONVERT_TIMEZONE('UTC', GREATEST(created, last_altered))::TIMESTAMP_NTZ)) AS written_at,
    MAX(IFF(table_name = 'DBT_ENVS_KEEP' AND STARTSWITH(table_schema, 'DEV_'), LEAST(TRY_TO_DATE(comment), DATEADD('day', 366, created::DATE)), NULL))::TIMESTAMP_NTZ AS keep_until
  INTO :v_relations, :v_bytes, :v_written_at, :v_marked_until
  FROM acme_nonprod.information_schema.tables WHERE table_schema = :v_name;
  SELECT MAX(keep_until) INTO :v_keep_until FROM acme_nonprod.acme_door.environment WHERE schema_name = :v_name;
  SELECT MAX(adopted_at) INTO :v_adopted_at FROM acme_nonprod.acme_door.adopted WHERE schema_name = :v_name;
  SELECT MAX(role_name) INTO :v_builder
  FROM acme_nonprod.acme_door.developer
  WHERE STARTSWITH(:v_name, 'DEV_') AND UPPER(role_name) = 'ACME_DEV_' || SUBSTR(:v_name, 5) AND NOT gone;
  v_used_at := GREATEST(v_created_at, COALESCE(v_written_at, v_created_at), COALESCE(v_adopted_at, v_created_at));
  v_keep_until := GREATEST(COALESCE(v_keep_until, v_marked_until), COALESCE(v_marked_until, v_keep_until));

  IF (NOT RLIKE(v_name, 'DEV_[A-Z][A-Z0-9]*(_[A-Z0-9]+)*') AND NOT RLIKE(v_name, 'PR_[1-9][0-9]{0,9}')) THEN
    v_why := 'its name is not the whole name of an environment schema, dev_<name> or pr_<number>';
  ELSEIF (v_listed_at IS NULL) THEN
    v_why := 'nobody said when it was listed';
  ELSEIF (v_listed_at > SYSDATE()) THEN
    v_why := 'it is said to have been listed at a time that is still to come';
  ELSEIF (v_found = 0) THEN
    v_why := 'it is gone already';
  ELSEIF (v_owner <> 'ACME_ENV_OWNER') THEN
    v_why := 'it belongs to ' || v_owner || ', not to this project';
  ELSEIF (v_keep_until > SYSDATE()) THEN
    v_why := 'it is kept until ' || TO_CHAR(v_keep_until, 'YYYY-MM-DD');
  ELSEIF (v_used_at IS NULL) THEN
    v_why := 'nobody knows when it was last used';
  ELSEIF (v_used_at > v_listed_at) THEN
    v_why := 'used at ' || TO_CHAR(v_used_at, v_time) || ', after it was listed';
  ELSEIF (v_used_at > DATEADD('hour', -24 * v_days, SYSDATE())) THEN
    v_why := 'used at ' || TO_CHAR(v_used_at, v_time) || ', and it stays until ' || v_days || ' days have passed without a use';
  ELSEIF (v_builder IS NOT NULL AND v_relations = 0) THEN
    v_why := 'it is empty, and its developer could not make it again';
  END IF;
  IF (v_why <> '') THEN
    RETURN TO_JSON(OBJECT_CONSTRUCT('schema', LOWER(v_name), 'why', v_why));
  END IF;

  SELECT
    ARRAY_AGG(DISTINCT IFF(s.schema_name IS NULL, b.relation, NULL)),
    ARRAY_AGG(DISTINCT IFF(s.schema_name IS NULL, NULL, b.relation))
  INTO :v_outside, :v_along
  FROM (
    SELECT
      LOWER(referencing_database || '.' || referencing_schema || '.' || referencing_object_name) AS relation,
      IFF(referencing_database = 'ACME_NONPROD', referencing_schema, '') AS environment
    FROM snowflake.account_usage.object_dependencies
    WHERE referenced_database = 'ACME_NONPROD' AND referenced_schema = :v_name
      AND (referencing_database <> 'ACME_NONPROD' OR referencing_schema <> :v_name)
  ) AS b
  LEFT JOIN acme_nonprod.information_schema.schemata AS s
    ON s.schema_name = b.environment AND s.schema_owner = 'ACME_ENV_OWNER'
    AND (RLIKE(s.schema_name, 'DEV_[A-Z][A-Z0-9]*(_[A-Z0-9]+)*') OR RLIKE(s.schema_name, 'PR_[1-9][0-9]{0,9}'));
  -- The information schema shows what the door has a right on. What only the account's own list has could be in use unseen.
  SELECT COUNT(*) INTO :v_hidden
  FROM snowflake.account_usage.tables AS a
  LEFT JOIN acme_nonprod.information_schema.tables AS t ON t.table_schema = a.table_schema AND t.table_name = a.table_name
  WHERE a.deleted IS NULL AND a.table_catalog = 'ACME_NONPROD' AND a.table_schema = :v_name AND t.table_name IS NULL;
  IF (ARRAY_SIZE(v_outside) > 0) THEN
    v_failed := 'what is in no environment is built on it and would stop working, so it stays: ' || v_outside[0]::VARCHAR;
    IF (ARRAY_SIZE(v_outside) > 1) THEN
      v_failed := v_failed || ' and ' || (ARRAY_SIZE(v_outside) - 1) || ' more';
    END IF;
  ELSEIF (v_hidden > 0) THEN
    v_failed := v_hidden || ' relations in it are hidden from the door, which cannot say whether they are in use, so it stays: an administrator looks at it';
  END IF;
  IF (v_failed <> '') THEN
    RETURN TO_JSON(OBJECT_CONSTRUCT('schema', LOWER(v_name), 'failed', v_failed));
  END IF;

  IF (v_builder IS NOT NULL) THEN
    v_how := 'emptied';
  END IF;
  IF (NOT dry_run) THEN
    IF (v_how = 'emptied') THEN
      v_sql := 'CREATE OR REPLACE TRANSIENT SCHEMA acme_nonprod."' || v_name || '" WITH MANAGED ACCESS DATA_RETENTION_TIME_IN_DAYS = 1 COMMENT = ''dbt-envs: project acme''';
      EXECUTE IMMEDIATE :v_sql;
      CALL acme_nonprod.acme_door.fit_schema(:v_name, :v_builder);
    ELSE
      v_sql := 'DROP SCHEMA acme_nonprod."' || v_name || '" CASCADE';
      EXECUTE IMMEDIATE :v_sql;
    END IF;
    DELETE FROM acme_nonprod.acme_door.environment WHERE schema_name = :v_name;
    DELETE FROM acme_nonprod.acme_door.adopted WHERE schema_name = :v_name;
    INSERT INTO acme_nonprod.acme_door.swept (schema_name, swept_at, how, relations, bytes) VALUES (:v_name, SYSDATE(), :v_how, :v_relations, :v_bytes);
  END IF;
  RETURN TO_JSON(OBJECT_CONSTRUCT('schema', LOWER(v_name), 'how', v_how, 'relations', v_relations, 'took_along', v_along));
EXCEPTION
  WHEN OTHER THEN
    RETURN TO_JSON(OBJECT_CONSTRUCT('schema', LOWER(v_name), 'failed', SQLERRM));
END;
$$;

-- For acme_janitor: nobody drops the schema before that day, 2027-01-31, a year ahead at most; NULL takes the pin away.
CREATE OR REPLACE PROCEDURE acme_nonprod.acme_door.keep_schema(schema_name VARCHAR, until VARCHAR)
RETURNS VARCHAR
LANGUAGE SQL
EXECUTE AS OWNER
AS
$$
DECLARE
  v_name VARCHAR DEFAULT COALESCE(UPPER(schema_name), '');
  v_until TIMESTAMP_NTZ DEFAULT TRY_TO_DATE(until)::TIMESTAMP_NTZ;
  v_found NUMBER;
  no_schema EXCEPTION (-20001, 'This project has no such environment schema.');
  no_day EXCEPTION (-20002, 'A schema is kept until a day to come, a year ahead at most: write it as 2027-01-31.');
BEGIN
  SELECT COUNT(*) INTO :v_found
  FROM acme_nonprod.information_schema.schemata
  WHERE schema_name = :v_name AND schema_owner = 'ACME_ENV_OWNER'
    AND (RLIKE(schema_name, 'DEV_[A-Z][A-Z0-9]*(_[A-Z0-9]+)*') OR RLIKE(schema_name, 'PR_[1-9][0-9]{0,9}'));
  IF (v_found = 0) THEN
    RAISE no_schema;
  END IF;
  IF (until IS NOT NULL AND (v_until IS NULL OR v_until <= SYSDATE() OR v_until > DATEADD('day', 366, SYSDATE()))) THEN
    RAISE no_day;
  END IF;
  DELETE FROM acme_nonprod.acme_door.environment WHERE schema_name = :v_name;
  INSERT INTO acme_nonprod.acme_door.environment (schema_name, keep_until) SELECT :v_name, :v_until WHERE :v_until IS NOT NULL;
  RETURN TO_CHAR(v_until, 'YYYY-MM-DD');
END;
$$;

-- For acme_janitor: brings back what was cleared last under this name, for a day after it was, and pins it for 30 days.
-- https://docs.snowflake.com/en/sql-reference/sql/undrop-schema
CREATE OR REPLACE PROCEDURE acme_nonprod.acme_door.restore_schema(schema_name VARCHAR)
RETURNS VARCHAR
LANGUAGE SQL
EXECUTE AS OWNER
AS
$$
DECLARE
  v_name VARCHAR DEFAULT COALESCE(UPPER(schema_name), '');
  v_swept NUMBER;
  v_there NUMBER;
  v_relations NUMBER;
  v_builder VARCHAR;
  v_sql VARCHAR;
  no_name EXCEPTION (-20001, 'Only an environment schema comes back here: dev_<name> or pr_<number>, its whole name.');
  not_swept EXCEPTION (-20002, 'The sweep has not cleared this schema within the last day, and older ones are gone: build it again.');
  in_use EXCEPTION (-20003, 'Something has been built in this schema since: nothing is put in its place.');
BEGIN
  IF (NOT RLIKE(v_name, 'DEV_[A-Z][A-Z0-9]*(_[A-Z0-9]+)*') AND NOT RLIKE(v_name, 'PR_[1-9][0-9]{0,9}')) THEN
    RAISE no_name;
  END IF;
  SELECT COUNT(*) INTO :v_swept FROM acme_nonprod.acme_door.swept WHERE schema_name = :v_name AND swept_at > DATEADD('day', -1, SYSDATE());
  IF (v_swept = 0) THEN
    RAISE not_swept;
  END IF;
  SELECT COUNT(*) INTO :v_there FROM acme_nonprod.information_schema.schemata WHERE schema_name = :v_name;
  SELECT COUNT(*) INTO :v_relations FROM acme_nonprod.information_schema.tables WHERE table_schema = :v_name AND table_name <> 'DBT_ENVS_KEEP';
  IF (v_relations > 0) THEN
    RAISE in_use;
  END IF;
  -- A name that is taken cannot come back: the empty one steps aside.
  IF (v_there > 0) THEN
    v_sql := 'ALTER SCHEMA acme_nonprod."' || v_name || '" RENAME TO acme_nonprod."ACME_DOOR_ASIDE"';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
  BEGIN
    v_sql := 'UNDROP SCHEMA acme_nonprod."' || v_name || '"';
    EXECUTE IMMEDIATE :v_sql;
  EXCEPTION
    WHEN OTHER THEN
      IF (v_there > 0) THEN
        v_sql := 'ALTER SCHEMA acme_nonprod."ACME_DOOR_ASIDE" RENAME TO acme_nonprod."' || v_name || '"';
        EXECUTE IMMEDIATE :v_sql;
      END IF;
      RAISE;
  END;
  v_sql := 'DROP SCHEMA IF EXISTS acme_nonprod."ACME_DOOR_ASIDE" CASCADE';
  EXECUTE IMMEDIATE :v_sql;
  DELETE FROM acme_nonprod.acme_door.environment WHERE schema_name = :v_name;
  INSERT INTO acme_nonprod.acme_door.environment (schema_name, keep_until) SELECT :v_name, DATEADD('day', 30, SYSDATE());
  RETURN LOWER(v_name);
END;
$$;

-- For everybody of this project: who can write production, and through what, as JSON. What it reads is up to two hours old:
-- https://docs.snowflake.com/en/sql-reference/account-usage/grants_to_roles
CREATE OR REPLACE PROCEDURE acme_nonprod.acme_door.audit()
RETURNS VARCHAR
LANGUAGE SQL
EXECUTE AS OWNER
AS
$$
DECLARE
  v_rows ARRAY;
BEGIN
  WITH RECURSIVE
  direct AS (
    SELECT DISTINCT
      grantee_name AS role_name,
      granted_to,
      privilege || ' on ' || LOWER(granted_on) || ' ' || COALESCE(table_catalog || '.', '') || COALESCE(table_schema || '.', '') || name AS why
    FROM snowflake.account_usage.grants_to_roles
    WHERE deleted_on IS NULL
      AND (
        (granted_on = 'ACCOUNT' AND privilege = 'MANAGE GRANTS')
        OR (granted_on = 'DATABASE' AND name IN ('ACME', 'ACME_NONPROD') AND privilege IN ('OWNERSHIP', 'MODIFY', 'CREATE SCHEMA', 'MANAGE GRANTS'))
        OR (
          granted_on = 'SCHEMA' AND table_catalog = 'ACME' AND name IN ('ANALYTICS', 'STAGING')
          AND (privilege IN ('OWNERSHIP', 'MODIFY', 'MANAGE GRANTS') OR STARTSWITH(privilege, 'CREATE '))
        )
        -- Environments: a future grant on schemas, which is in no view, shows here with the first schema that it has reached.
        OR (
          granted_on = 'SCHEMA' AND table_catalog = 'ACME_NONPROD'
          AND (RLIKE(name, 'DEV_[A-Z][A-Z0-9]*(_[A-Z0-9]+)*') OR RLIKE(name, 'PR_[1-9][0-9]{0,9}') OR name = 'ACME_DOOR')
          AND (privilege IN ('OWNERSHIP', 'MODIFY', 'MANAGE GRANTS') OR STARTSWITH(privilege, 'CREATE '))
          AND grantee_name NOT IN ('ACME_ENV_OWNER', IFF(STARTSWITH(name, 'DEV_'), 'ACME_DEV_' || SUBSTR(name, 5), 'ACME_CI_SERVICE'))
        )
        -- The door's own tables.
        OR (
          table_catalog = 'ACME_NONPROD' AND table_schema = 'ACME_DOOR'
          AND privilege IN ('OWNERSHIP', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'EVOLVE SCHEMA') AND grantee_name <> 'ACME_ENV_OWNER'
        )
        OR (
          table_catalog = 'ACME' AND table_schema IN ('ANALYTICS', 'STAGING')
          AND (
            privilege IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'EVOLVE SCHEMA')
            -- 90_close_prod.sql leaves procedures, tasks and pipes with their owners, for whom they write nothing any more.
            OR (privilege = 'OWNERSHIP' AND REPLACE(granted_on, '_', ' ') NOT IN ('PROCEDURE', 'TASK', 'PIPE', 'STREAM', 'ALERT', 'TAG'))
          )
        )
        -- A procedure of production's service writes as that service, for whoever may call it, unless it acts for its caller.
        OR (
          granted_on = 'PROCEDURE' AND privilege = 'USAGE' AND grantee_name NOT IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER')
          AND table_catalog || '.' || table_schema || '.' || name IN (
            SELECT table_catalog || '.' || table_schema || '.' || name
            FROM snowflake.account_usage.grants_to_roles
            WHERE deleted_on IS NULL AND granted_on = 'PROCEDURE' AND privilege = 'OWNERSHIP'
              AND grantee_name IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER')
          )
        )
        OR (granted_on = 'ROLE' AND name IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER', 'ACME_ENV_OWNER') AND privilege = 'OWNERSHIP')
        OR (granted_on = 'USER' AND name = 'ACME_PROD_SERVICE' AND privilege IN ('OWNERSHIP', 'MODIFY PROGRAMMATIC AUTHENTICATION METHODS', 'IMPERSONATE'))
      )
  ),
  reach (role_name, via, administrator, why) AS (
    SELECT role_name, role_name::VARCHAR(4000), role_name IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN'), why
    FROM direct
    WHERE granted_to IN ('ROLE', 'ACCOUNT ROLE', 'DATABASE_ROLE')
    UNION ALL
    SELECT g.grantee_name, (r.via || ' < ' || g.grantee_name)::VARCHAR(4000), r.administrator OR g.grantee_name IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN'), r.why
    FROM reach AS r
    INNER JOIN snowflake.account_usage.grants_to_roles AS g
      ON g.name = r.role_name AND g.granted_on IN ('ROLE', 'DATABASE_ROLE') AND g.privilege = 'USAGE' AND g.deleted_on IS NULL
  ),
  writer (login, how, administrator) AS (
    SELECT u.grantee_name, r.via || ': ' || r.why, r.administrator
    FROM reach AS r
    INNER JOIN snowflake.account_usage.grants_to_users AS u ON u.role = r.role_name AND u.deleted_on IS NULL
    INNER JOIN snowflake.account_usage.users AS p ON p.name = u.grantee_name AND p.deleted_on IS NULL
    WHERE u.grantee_name <> 'ACME_PROD_SERVICE'
    UNION
    -- Nobody is listed as a holder of PUBLIC, because everybody is.
    SELECT 'everybody', r.via || ': ' || r.why, FALSE FROM reach AS r WHERE r.role_name = 'PUBLIC'
    UNION
    -- A right that was granted to the user itself, past every role: https://docs.snowflake.com/en/user-guide/security-access-control-overview
    SELECT d.role_name, 'granted to the user: ' || d.why, FALSE FROM direct AS d WHERE d.granted_to = 'USER'
    UNION
    SELECT 'any owner of a table', 'schema ' || LOWER(schema_name) || ' has no managed access: who owns a table in it can let others write it', FALSE
    FROM snowflake.account_usage.schemata
    WHERE deleted IS NULL AND catalog_name = 'ACME' AND schema_name IN ('ANALYTICS', 'STAGING') AND is_managed_access = 'NO'
  )
  SELECT ARRAY_AGG(OBJECT_CONSTRUCT('login', w.login, 'how', w.how, 'verdict', CASE
    WHEN w.administrator THEN 'administrator'
    WHEN a.login IS NOT NULL THEN 'accepted'
    ELSE 'HOLE'
  END)) WITHIN GROUP (ORDER BY w.administrator, w.login, w.how)
  INTO :v_rows
  FROM writer AS w
  LEFT JOIN acme_nonprod.acme_door.accepted AS a ON a.login = w.login AND a.how = w.how;
  RETURN TO_JSON(v_rows);
END;
$$;

-- For acme_janitor: the facts of the report, as JSON; first writes the sizes of today down. Bytes are all that is paid for,
-- time travel, fail-safe and what clones hold among them: https://docs.snowflake.com/en/sql-reference/account-usage/table_storage_metrics
CREATE OR REPLACE PROCEDURE acme_nonprod.acme_door.report()
RETURNS VARCHAR
LANGUAGE SQL
EXECUTE AS OWNER
AS
$$
DECLARE
  v_today DATE DEFAULT SYSDATE()::DATE;
  v_since DATE;
  v_time VARCHAR DEFAULT 'YYYY-MM-DD"T"HH24:MI:SS"Z"';
  v_strangers ARRAY;
  v_last VARIANT;
  v_proofs ARRAY;
  v_storage ARRAY;
  v_largest ARRAY;
  v_cleared ARRAY;
  v_credits ARRAY;
BEGIN
  DELETE FROM acme_nonprod.acme_door.size WHERE day = :v_today OR day < DATEADD('day', -400, :v_today);
  DELETE FROM acme_nonprod.acme_door.swept WHERE swept_at < DATEADD('day', -400, SYSDATE());
  INSERT INTO acme_nonprod.acme_door.size (day, schema_name, bytes)
  SELECT :v_today, LOWER(table_schema), SUM(active_bytes + time_travel_bytes + failsafe_bytes + retained_for_clone_bytes)
  FROM snowflake.account_usage.table_storage_metrics
  WHERE (table_catalog = 'ACME' AND table_schema IN ('ANALYTICS', 'STAGING'))
    OR (table_catalog = 'ACME_NONPROD' AND (RLIKE(table_schema, 'DEV_[A-Z][A-Z0-9]*(_[A-Z0-9]+)*') OR RLIKE(table_schema, 'PR_[1-9][0-9]{0,9}')))
  GROUP BY table_schema
  HAVING SUM(active_bytes + time_travel_bytes + failsafe_bytes + retained_for_clone_bytes) > 0;
  SELECT COALESCE(MAX(IFF(day <= DATEADD('day', -30, :v_today), day, NULL)), MIN(IFF(day < :v_today, day, NULL))) INTO :v_since FROM acme_nonprod.acme_door.size;

  SELECT ARRAY_AGG(OBJECT_CONSTRUCT('relation', LOWER(table_schema || '.' || table_name), 'owner', LOWER(table_owner))) WITHIN GROUP (ORDER BY table_schema, table_name)
  INTO :v_strangers
  FROM snowflake.account_usage.tables
  WHERE deleted IS NULL AND table_catalog = 'ACME' AND table_schema IN ('ANALYTICS', 'STAGING')
    AND table_owner NOT IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER');

  -- The last CREATE, ALTER or DROP by somebody else. Who inserted rows is on record in Enterprise Edition alone (ACCESS_HISTORY).
  SELECT MAX_BY(
    OBJECT_CONSTRUCT('at', TO_CHAR(CONVERT_TIMEZONE('UTC', last_ddl)::TIMESTAMP_NTZ, :v_time), 'login', last_ddl_by, 'relation', LOWER(table_schema || '.' || table_name)),
    last_ddl
  )
  INTO :v_last
  FROM snowflake.account_usage.tables
  WHERE table_catalog = 'ACME' AND table_schema IN ('ANALYTICS', 'STAGING') AND last_ddl_by <> 'ACME_PROD_SERVICE';

  SELECT ARRAY_AGG(OBJECT_CONSTRUCT('identity', identity, 'login', login, 'at', TO_CHAR(tried_at, :v_time), 'acts', acts, 'wrong', wrong)) WITHIN GROUP (ORDER BY identity, login)
  INTO :v_proofs
  FROM acme_nonprod.acme_door.proof;

  SELECT ARRAY_AGG(OBJECT_CONSTRUCT_KEEP_NULL(
    'environment', CASE WHEN n.schema_name IN ('analytics', 'staging') THEN 'prod' WHEN STARTSWITH(n.schema_name, 'pr_') THEN 'ci' ELSE 'dev' END,
    'who', IFF(STARTSWITH(n.schema_name, 'dev_'), SUBSTR(n.schema_name, 5), NULL),
    'schema', n.schema_name,
    'bytes', n.bytes,
    'bytes_then', IFF(:v_since IS NULL, NULL, n.bytes_then)
  )) WITHIN GROUP (ORDER BY n.schema_name)
  INTO :v_storage
  FROM (
    SELECT schema_name, COALESCE(SUM(IFF(day = :v_today, bytes, 0)), 0) AS bytes, COALESCE(SUM(IFF(day = :v_since, bytes, 0)), 0) AS bytes_then
    FROM acme_nonprod.acme_door.size
    WHERE day IN (:v_today, :v_since)
    GROUP BY schema_name
  ) AS n;

  SELECT ARRAY_AGG(OBJECT_CONSTRUCT('relation', t.relation, 'bytes', t.bytes)) WITHIN GROUP (ORDER BY t.bytes DESC, t.relation)
  INTO :v_largest
  FROM (
    SELECT LOWER(table_schema || '.' || table_name) AS relation, active_bytes AS bytes
    FROM snowflake.account_usage.table_storage_metrics
    WHERE NOT deleted AND table_catalog = 'ACME_NONPROD' AND RLIKE(table_schema, 'DEV_[A-Z][A-Z0-9]*(_[A-Z0-9]+)*')
    ORDER BY active_bytes DESC
    LIMIT 10
  ) AS t;

  SELECT ARRAY_AGG(OBJECT_CONSTRUCT('schema', LOWER(schema_name), 'at', TO_CHAR(swept_at, :v_time), 'how', how, 'bytes', bytes)) WITHIN GROUP (ORDER BY swept_at, schema_name)
  INTO :v_cleared
  FROM acme_nonprod.acme_door.swept
  WHERE swept_at > DATEADD('day', -30, SYSDATE());

  -- Credits of the last 30 days and of the 30 before, by the query tags that profiles.yml sets.
  SELECT ARRAY_AGG(OBJECT_CONSTRUCT_KEEP_NULL('environment', c.environment, 'who', c.who, 'credits', c.credits, 'credits_before', c.credits_before)) WITHIN GROUP (ORDER BY c.credits DESC)
  INTO :v_credits
  FROM (
    SELECT
      TRY_PARSE_JSON(query_tag):environment::VARCHAR AS environment,
      TRY_PARSE_JSON(query_tag):developer::VARCHAR AS who,
      ROUND(SUM(IFF(start_time > DATEADD('day', -30, CURRENT_TIMESTAMP()), credits_attributed_compute, 0)), 3) AS credits,
      ROUND(SUM(IFF(start_time <= DATEADD('day', -30, CURRENT_TIMESTAMP()), credits_attributed_compute, 0)), 3) AS credits_before
    FROM snowflake.account_usage.query_attribution_history
    WHERE start_time > DATEADD('day', -60, CURRENT_TIMESTAMP()) AND TRY_PARSE_JSON(query_tag):project::VARCHAR = 'acme'
    GROUP BY 1, 2
  ) AS c;

  RETURN TO_JSON(OBJECT_CONSTRUCT_KEEP_NULL(
    'at', TO_CHAR(SYSDATE(), :v_time), 'strangers', v_strangers, 'last_write_by_others', v_last, 'proofs', v_proofs,
    'since', TO_CHAR(v_since, 'YYYY-MM-DD'), 'storage', v_storage, 'largest_dev', v_largest, 'cleared', v_cleared, 'credits', v_credits
  ));
END;
$$;

-- For everybody of this project: tries what must be refused, each beside an act of its kind that must succeed, and what must be
-- possible, with the rights of whoever calls it. Nothing that it tries destroys anything where it is not refused: it deletes
-- no row, drops nothing that it has not made itself, and sets what it changes to what it was.
CREATE OR REPLACE PROCEDURE acme_nonprod.acme_door.verify()
RETURNS VARCHAR
LANGUAGE SQL
EXECUTE AS CALLER
AS
$$
DECLARE
  v_role VARCHAR DEFAULT CURRENT_ROLE();
  v_identity VARCHAR;
  v_own VARCHAR;
  v_other VARCHAR;
  v_found VARCHAR;
  v_table VARCHAR;
  v_same VARCHAR;
  v_sql VARCHAR;
  v_got VARCHAR;
  v_control VARCHAR;
  v_why VARCHAR;
  v_wrong NUMBER DEFAULT 0;
  acts ARRAY DEFAULT ARRAY_CONSTRUCT();
  results ARRAY DEFAULT ARRAY_CONSTRUCT();
  nobody EXCEPTION (-20001, 'This is run with a role of this project: USE ROLE acme_dev_<name>, acme_ci_service, acme_janitor, acme_prod_service or acme_reader.');
BEGIN
  IF (v_role = 'ACME_CI_SERVICE') THEN
    v_identity := 'ci';
  ELSEIF (v_role = 'ACME_PROD_SERVICE') THEN
    v_identity := 'prod';
  ELSEIF (v_role = 'ACME_JANITOR') THEN
    v_identity := 'janitor';
  ELSEIF (v_role IN ('ACME_READER', 'ACME_REVIEWER')) THEN
    v_identity := 'reader';
  ELSEIF (STARTSWITH(v_role, 'ACME_DEV_')) THEN
    v_identity := 'dev';
  ELSE
    RAISE nobody;
  END IF;

  -- Where this one may build.
  IF (v_identity = 'dev') THEN
    v_own := 'acme_nonprod.dev_' || LOWER(SUBSTR(v_role, LENGTH('ACME_DEV_') + 1));
  ELSEIF (v_identity = 'ci') THEN
    v_own := 'acme_nonprod.pr_9999999999';
    CALL acme_nonprod.acme_door.create_pr_schema('pr_9999999999');
  ELSEIF (v_identity = 'prod') THEN
    v_own := 'acme.analytics';
  END IF;
  IF (COALESCE(v_own, '') <> 'acme_nonprod.dev_priya') THEN
    v_other := 'acme_nonprod.dev_priya';
  END IF;
  IF (COALESCE(v_own, '') <> 'acme_nonprod.dev_sam') THEN
    v_other := 'acme_nonprod.dev_sam';
  END IF;

  -- Schemas come and go through the door alone.
  acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('make a schema beside production', 'CREATE SCHEMA acme.dbt_envs_probe', 'DROP SCHEMA IF EXISTS acme.dbt_envs_probe', 'refused', '', ''));
  acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('make a schema beside the environments', 'CREATE SCHEMA acme_nonprod.dbt_envs_probe', 'DROP SCHEMA IF EXISTS acme_nonprod.dbt_envs_probe', 'refused', '', ''));
  acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('give a role of production away', 'GRANT ROLE acme_prod_service TO ROLE acme_developer', 'REVOKE ROLE acme_prod_service FROM ROLE acme_developer', 'refused', '', ''));
  acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('change the service user of production', 'ALTER USER acme_prod_service SET COMMENT = ''dbt-envs: project acme''', '', 'refused', '', ''));
  acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('write the tables of the door', 'INSERT INTO acme_nonprod.acme_door.accepted (login, how) SELECT ''nobody'', ''nothing'' WHERE FALSE', '', 'refused', '', ''));
  acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('change the size of a warehouse', 'ALTER WAREHOUSE acme_dev_wh SET AUTO_SUSPEND = 60', '', 'refused', '', ''));
  IF (v_identity <> 'ci') THEN
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('make a schema of a pull request', 'CALL acme_nonprod.acme_door.create_pr_schema(''pr_9999999998'')', '', 'refused', 'CALL acme_nonprod.acme_door.kept_until(''pr_9999999998'')', ''));
  END IF;
  IF (v_identity <> 'janitor') THEN
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('sweep', 'CALL acme_nonprod.acme_door.sweep_schema(''pr_9999999998'', ''2000-01-01T00:00:00Z'', TRUE)', '', 'refused', 'CALL acme_nonprod.acme_door.kept_until(''pr_9999999998'')', ''));
  END IF;
  IF (v_identity = 'ci') THEN
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('make dev_priya through the door', 'CALL acme_nonprod.acme_door.create_pr_schema(''dev_priya'')', '', 'refused', 'CALL acme_nonprod.acme_door.create_pr_schema(''pr_9999999999'')', ''));
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('make pr_01 through the door', 'CALL acme_nonprod.acme_door.create_pr_schema(''pr_01'')', '', 'refused', 'CALL acme_nonprod.acme_door.create_pr_schema(''pr_9999999999'')', ''));
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('make pr_1_x through the door', 'CALL acme_nonprod.acme_door.create_pr_schema(''pr_1_x'')', '', 'refused', 'CALL acme_nonprod.acme_door.create_pr_schema(''pr_9999999999'')', ''));
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('make product through the door', 'CALL acme_nonprod.acme_door.create_pr_schema(''product'')', '', 'refused', 'CALL acme_nonprod.acme_door.create_pr_schema(''pr_9999999999'')', ''));
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('make pr_1" CASCADE; -- through the door', 'CALL acme_nonprod.acme_door.create_pr_schema(''pr_1" CASCADE; --'')', '', 'refused', 'CALL acme_nonprod.acme_door.create_pr_schema(''pr_9999999999'')', ''));
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('make analytics through the door', 'CALL acme_nonprod.acme_door.create_pr_schema(''analytics'')', '', 'refused', 'CALL acme_nonprod.acme_door.create_pr_schema(''pr_9999999999'')', ''));
  END IF;

  -- Production.
  acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT(
    'make a table in analytics', 'CREATE TABLE acme.analytics.dbt_envs_probe (x INTEGER)', 'DROP TABLE IF EXISTS acme.analytics.dbt_envs_probe',
    IFF(v_identity = 'prod', 'done', 'refused'),
    IFF(v_own IS NULL, '', 'CREATE OR REPLACE TABLE ' || COALESCE(v_own, '') || '.dbt_envs_probe_2 (x INTEGER)'), IFF(v_own IS NULL, '', 'DROP TABLE IF EXISTS ' || COALESCE(v_own, '') || '.dbt_envs_probe_2')
  ));
  acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT(
    'make a table in staging', 'CREATE TABLE acme.staging.dbt_envs_probe (x INTEGER)', 'DROP TABLE IF EXISTS acme.staging.dbt_envs_probe',
    IFF(v_identity = 'prod', 'done', 'refused'),
    IFF(v_own IS NULL, '', 'CREATE OR REPLACE TABLE ' || COALESCE(v_own, '') || '.dbt_envs_probe_2 (x INTEGER)'), IFF(v_own IS NULL, '', 'DROP TABLE IF EXISTS ' || COALESCE(v_own, '') || '.dbt_envs_probe_2')
  ));
  IF (v_identity <> 'janitor') THEN
    SELECT MIN(OBJECT_CONSTRUCT('name', 'acme."' || table_schema || '"."' || table_name || '"', 'comment', COALESCE(comment, ''))::VARCHAR) INTO :v_found
    FROM acme.information_schema.tables
    WHERE table_schema IN ('ANALYTICS', 'STAGING') AND table_type = 'BASE TABLE' AND table_name <> 'DBT_ENVS_PROBE';
    v_table := COALESCE(PARSE_JSON(v_found):name::VARCHAR, 'a table of production: there is none');
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('read a table of production', 'SELECT 1 FROM ' || v_table || ' WHERE FALSE', '', 'done', '', ''));
  END IF;
  IF (v_identity NOT IN ('janitor', 'prod')) THEN
    v_same := '''' || REPLACE(REPLACE(PARSE_JSON(v_found):comment::VARCHAR, '\\', '\\\\'), '''', '''''') || '''';
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('insert into a table of production', 'INSERT INTO ' || v_table || ' SELECT * FROM ' || v_table || ' WHERE FALSE', '', 'refused', 'SELECT 1 FROM ' || v_table || ' WHERE FALSE', ''));
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('delete from a table of production', 'DELETE FROM ' || v_table || ' WHERE FALSE', '', 'refused', 'SELECT 1 FROM ' || v_table || ' WHERE FALSE', ''));
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('alter a table of production', 'ALTER TABLE ' || v_table || ' SET COMMENT = ' || v_same, '', 'refused', 'SELECT 1 FROM ' || v_table || ' WHERE FALSE', ''));
  END IF;
  IF (v_identity <> 'prod') THEN
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('look into the personal data of crm', 'SHOW TABLES IN SCHEMA acme.crm', '', 'refused', IFF(v_identity = 'janitor', '', 'SHOW TABLES IN SCHEMA acme.analytics'), ''));
  END IF;

  -- One's own schema, and everybody else's.
  IF (v_own IS NOT NULL) THEN
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('build in ' || v_own, 'CREATE OR REPLACE TABLE ' || v_own || '.dbt_envs_probe_2 (x INTEGER)', 'DROP TABLE IF EXISTS ' || v_own || '.dbt_envs_probe_2', 'done', '', ''));
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('let everybody into ' || v_own, 'GRANT USAGE ON SCHEMA ' || v_own || ' TO ROLE PUBLIC', 'REVOKE USAGE ON SCHEMA ' || v_own || ' FROM ROLE PUBLIC', 'refused', '', ''));
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('rename ' || v_own, 'ALTER SCHEMA ' || v_own || ' SET DATA_RETENTION_TIME_IN_DAYS = 1', '', 'refused', '', ''));
  END IF;
  IF (v_other IS NOT NULL) THEN
    acts := ARRAY_APPEND(acts, ARRAY_CONSTRUCT('build in ' || v_other, 'CREATE TABLE ' || v_other || '.dbt_envs_probe (x INTEGER)', 'DROP TABLE IF EXISTS ' || v_other || '.dbt_envs_probe', 'refused', '', ''));
  END IF;

  FOR i IN 0 TO ARRAY_SIZE(acts) - 1 DO
    v_control := 'none';
    v_why := '';
    IF (acts[i][4]::VARCHAR <> '') THEN
      BEGIN
        v_sql := acts[i][4]::VARCHAR;
        EXECUTE IMMEDIATE :v_sql;
        v_control := 'done';
        IF (acts[i][5]::VARCHAR <> '') THEN
          v_sql := acts[i][5]::VARCHAR;
          EXECUTE IMMEDIATE :v_sql;
        END IF;
      EXCEPTION
        WHEN OTHER THEN
          v_control := 'failed: ' || SQLERRM;
      END;
    END IF;
    BEGIN
      v_sql := acts[i][1]::VARCHAR;
      EXECUTE IMMEDIATE :v_sql;
      v_got := 'done';
      IF (acts[i][2]::VARCHAR <> '') THEN
        v_sql := acts[i][2]::VARCHAR;
        EXECUTE IMMEDIATE :v_sql;
      END IF;
    EXCEPTION
      WHEN OTHER THEN
        -- 3001: insufficient privileges. 2003, 2043, 2140, 2141: hidden from who may not use it. Below -20000: the door's own no.
        v_why := SQLERRM;
        IF (SQLCODE IN (3001, 2003, 2043, 2140, 2141) OR SQLCODE < -20000) THEN
          v_got := 'refused';
        ELSE
          v_got := 'failed';
        END IF;
    END;
    IF (v_got <> acts[i][3]::VARCHAR OR v_control NOT IN ('none', 'done')) THEN
      v_wrong := v_wrong + 1;
    END IF;
    results := ARRAY_APPEND(results, OBJECT_CONSTRUCT(
      'act', acts[i][0], 'control', v_control, 'expected', acts[i][3], 'got', v_got, 'why', v_why,
      'ok', v_got = acts[i][3]::VARCHAR AND v_control IN ('none', 'done')
    ));
  END FOR;

  IF (v_identity = 'ci') THEN
    CALL acme_nonprod.acme_door.drop_pr_schema('pr_9999999999');
  END IF;
  v_sql := 'CALL acme_nonprod.acme_door.note_proof_' || v_identity || '(' || ARRAY_SIZE(results) || ', ' || v_wrong || ')';
  EXECUTE IMMEDIATE :v_sql;
  RETURN TO_JSON(OBJECT_CONSTRUCT('identity', v_identity, 'login', CURRENT_USER(), 'role', v_role, 'acts', results, 'wrong', v_wrong));
END;
$$;

-- What came of it, for the report. Each role writes its own line and no other; developers share one.
CREATE OR REPLACE PROCEDURE acme_nonprod.acme_door.note_proof_dev(acts NUMBER, wrong NUMBER)
RETURNS VARCHAR
LANGUAGE SQL
EXECUTE AS OWNER
AS
$$
BEGIN
  DELETE FROM acme_nonprod.acme_door.proof WHERE identity = 'dev';
  INSERT INTO acme_nonprod.acme_door.proof (identity, login, tried_at, acts, wrong) SELECT 'dev', 'a developer', SYSDATE(), :acts, :wrong;
  RETURN 'dev';
END;
$$;
CREATE OR REPLACE PROCEDURE acme_nonprod.acme_door.note_proof_ci(acts NUMBER, wrong NUMBER)
RETURNS VARCHAR
LANGUAGE SQL
EXECUTE AS OWNER
AS
$$
BEGIN
  DELETE FROM acme_nonprod.acme_door.proof WHERE identity = 'ci';
  INSERT INTO acme_nonprod.acme_door.proof (identity, login, tried_at, acts, wrong) SELECT 'ci', 'ACME_CI_SERVICE', SYSDATE(), :acts, :wrong;
  RETURN 'ci';
END;
$$;
CREATE OR REPLACE PROCEDURE acme_nonprod.acme_door.note_proof_prod(acts NUMBER, wrong NUMBER)
RETURNS VARCHAR
LANGUAGE SQL
EXECUTE AS OWNER
AS
$$
BEGIN
  DELETE FROM acme_nonprod.acme_door.proof WHERE identity = 'prod';
  INSERT INTO acme_nonprod.acme_door.proof (identity, login, tried_at, acts, wrong) SELECT 'prod', 'ACME_PROD_SERVICE', SYSDATE(), :acts, :wrong;
  RETURN 'prod';
END;
$$;
CREATE OR REPLACE PROCEDURE acme_nonprod.acme_door.note_proof_janitor(acts NUMBER, wrong NUMBER)
RETURNS VARCHAR
LANGUAGE SQL
EXECUTE AS OWNER
AS
$$
BEGIN
  DELETE FROM acme_nonprod.acme_door.proof WHERE identity = 'janitor';
  INSERT INTO acme_nonprod.acme_door.proof (identity, login, tried_at, acts, wrong) SELECT 'janitor', 'ACME_JANITOR', SYSDATE(), :acts, :wrong;
  RETURN 'janitor';
END;
$$;
CREATE OR REPLACE PROCEDURE acme_nonprod.acme_door.note_proof_reader(acts NUMBER, wrong NUMBER)
RETURNS VARCHAR
LANGUAGE SQL
EXECUTE AS OWNER
AS
$$
BEGIN
  DELETE FROM acme_nonprod.acme_door.proof WHERE identity = 'reader';
  INSERT INTO acme_nonprod.acme_door.proof (identity, login, tried_at, acts, wrong) SELECT 'reader', 'a reader', SYSDATE(), :acts, :wrong;
  RETURN 'reader';
END;
$$;

-- Who may call what. A procedure that is replaced loses its grants, so they are given here every time.
USE ROLE SECURITYADMIN;
GRANT USAGE ON DATABASE acme_nonprod TO ROLE acme_ci_service;
GRANT USAGE ON DATABASE acme_nonprod TO ROLE acme_janitor;
GRANT USAGE ON DATABASE acme_nonprod TO ROLE acme_prod_service;
GRANT USAGE ON DATABASE acme_nonprod TO ROLE acme_developer;
GRANT USAGE ON DATABASE acme_nonprod TO ROLE acme_reader;
USE ROLE acme_env_owner;
GRANT USAGE ON SCHEMA acme_nonprod.acme_door TO ROLE acme_ci_service;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.kept_until(VARCHAR) TO ROLE acme_ci_service;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.env_schemas() TO ROLE acme_ci_service;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.audit() TO ROLE acme_ci_service;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.verify() TO ROLE acme_ci_service;
GRANT USAGE ON SCHEMA acme_nonprod.acme_door TO ROLE acme_janitor;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.kept_until(VARCHAR) TO ROLE acme_janitor;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.env_schemas() TO ROLE acme_janitor;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.audit() TO ROLE acme_janitor;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.verify() TO ROLE acme_janitor;
GRANT USAGE ON SCHEMA acme_nonprod.acme_door TO ROLE acme_prod_service;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.kept_until(VARCHAR) TO ROLE acme_prod_service;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.env_schemas() TO ROLE acme_prod_service;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.audit() TO ROLE acme_prod_service;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.verify() TO ROLE acme_prod_service;
GRANT USAGE ON SCHEMA acme_nonprod.acme_door TO ROLE acme_developer;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.kept_until(VARCHAR) TO ROLE acme_developer;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.env_schemas() TO ROLE acme_developer;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.audit() TO ROLE acme_developer;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.verify() TO ROLE acme_developer;
GRANT USAGE ON SCHEMA acme_nonprod.acme_door TO ROLE acme_reader;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.kept_until(VARCHAR) TO ROLE acme_reader;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.env_schemas() TO ROLE acme_reader;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.audit() TO ROLE acme_reader;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.verify() TO ROLE acme_reader;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.create_pr_schema(VARCHAR) TO ROLE acme_ci_service;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.drop_pr_schema(VARCHAR) TO ROLE acme_ci_service;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.note_proof_ci(NUMBER, NUMBER) TO ROLE acme_ci_service;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.sweep_schema(VARCHAR, VARCHAR, BOOLEAN) TO ROLE acme_janitor;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.keep_schema(VARCHAR, VARCHAR) TO ROLE acme_janitor;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.restore_schema(VARCHAR) TO ROLE acme_janitor;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.report() TO ROLE acme_janitor;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.note_proof_janitor(NUMBER, NUMBER) TO ROLE acme_janitor;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.note_proof_prod(NUMBER, NUMBER) TO ROLE acme_prod_service;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.note_proof_dev(NUMBER, NUMBER) TO ROLE acme_developer;
GRANT USAGE ON PROCEDURE acme_nonprod.acme_door.note_proof_reader(NUMBER, NUMBER) TO ROLE acme_reader;

USE ROLE SECURITYADMIN;
REVOKE ROLE acme_env_owner FROM ROLE SECURITYADMIN;
REVOKE ROLE acme_prod_owner FROM ROLE SECURITYADMIN;
