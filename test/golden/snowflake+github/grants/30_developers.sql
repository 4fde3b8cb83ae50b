-- 30_developers.sql: the roster of project acme, as roster.yml has it.
--
-- Who runs it   the administrator with ACCOUNTADMIN who ran 20_boundary.sql; again after every change of the roster.
-- What changes  each developer gets a role of their own and the schema dev_<slug>, in which that role builds. A missing user
--               is created without a password: it logs in by SSO, or with a key that an administrator gives it. An existing
--               user is given the role and is otherwise left as it is. Whoever left the roster loses the role; the user
--               itself stays (grants/leavers/<slug>.sql locks it).
-- How to undo   take the person out of roster.yml, run the generator, run this file again.
--
-- A user's name is taken in upper case, as Snowflake stores it unless it was written in quotes.

-- SECURITYADMIN acts for acme_env_owner while this runs, and gives that back at the end.
USE ROLE SECURITYADMIN;
USE WAREHOUSE acme_ci_wh;
GRANT ROLE acme_env_owner TO ROLE SECURITYADMIN;

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
    -- RAISE takes no text that is put together, so a block with this very text is run; a quote and a backslash in a name stay a part
    -- of it: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
END;
$$;

EXECUTE IMMEDIATE $$
DECLARE
  v_problem VARCHAR;
  v_sql VARCHAR;
BEGIN
  SHOW ROLES STARTS WITH 'ACME_DEV_';
  SELECT LISTAGG("name", ', ') WITHIN GROUP (ORDER BY "name") INTO :v_problem
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  WHERE COALESCE("comment", '') <> 'dbt-envs: project acme';
  IF (v_problem <> '') THEN
    v_problem := 'Role ' || v_problem || ' exists, and this project did not create it. Choose other names: dbt-envs --role-prefix <prefix>.';
    -- RAISE takes no text that is put together, so a block with this very text is run; a quote and a backslash in a name stay a part
    -- of it: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
  SHOW USERS;
  SELECT LISTAGG("name", ', ') WITHIN GROUP (ORDER BY "name") INTO :v_problem
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  WHERE "type" IN ('SERVICE', 'LEGACY_SERVICE') AND "name" IN (
    'PRIYA',
    'SAM.JONES'
  );
  IF (v_problem <> '') THEN
    v_problem := 'User ' || v_problem || ' is a service and no person: a developer needs a user of their own. Correct roster.yml.';
    -- RAISE takes no text that is put together, so a block with this very text is run; a quote and a backslash in a name stay a part
    -- of it: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
  SHOW SCHEMAS IN DATABASE acme_nonprod;
  SELECT LISTAGG("name" || ' (' || "owner" || ')', ', ') WITHIN GROUP (ORDER BY "name") INTO :v_problem
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  WHERE "owner" <> 'ACME_ENV_OWNER' AND "name" IN (
    'DEV_PRIYA',
    'DEV_SAM',
    ''
  );
  IF (v_problem <> '') THEN
    v_problem := 'Schema ' || v_problem || ' exists, and this project did not create it. Hand it over by its name with grants/adopt_leftovers.sql.';
    -- RAISE takes no text that is put together, so a block with this very text is run; a quote and a backslash in a name stay a part
    -- of it: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
END;
$$;

CREATE ROLE IF NOT EXISTS acme_dev_priya COMMENT = 'dbt-envs: project acme';
CREATE USER IF NOT EXISTS "PRIYA"
  TYPE = PERSON DEFAULT_ROLE = acme_dev_priya DEFAULT_WAREHOUSE = acme_dev_wh DEFAULT_SECONDARY_ROLES = () COMMENT = 'dbt-envs: project acme';
GRANT ROLE acme_developer TO ROLE acme_dev_priya;
GRANT ROLE acme_dev_priya TO USER "PRIYA";
CREATE ROLE IF NOT EXISTS acme_dev_sam COMMENT = 'dbt-envs: project acme';
CREATE USER IF NOT EXISTS "SAM.JONES"
  TYPE = PERSON DEFAULT_ROLE = acme_dev_sam DEFAULT_WAREHOUSE = acme_dev_wh DEFAULT_SECONDARY_ROLES = () COMMENT = 'dbt-envs: project acme';
GRANT ROLE acme_developer TO ROLE acme_dev_sam;
GRANT ROLE acme_dev_sam TO USER "SAM.JONES";

-- The schema belongs to acme_env_owner: its user can neither rename nor drop it, nor let others in. REFERENCES and MONITOR
-- show that there is a table and how large it is, and nothing of what is in it: the sweep looks with that.
-- https://docs.snowflake.com/en/user-guide/security-access-control-privileges#table-privileges
USE ROLE acme_env_owner;
CREATE TRANSIENT SCHEMA IF NOT EXISTS acme_nonprod.dev_priya WITH MANAGED ACCESS DATA_RETENTION_TIME_IN_DAYS = 1 COMMENT = 'dbt-envs: project acme';
GRANT USAGE, MONITOR, CREATE TABLE, CREATE VIEW, CREATE DYNAMIC TABLE, CREATE FUNCTION, CREATE PROCEDURE, CREATE STAGE, CREATE FILE FORMAT, CREATE SEQUENCE ON SCHEMA acme_nonprod.dev_priya TO ROLE acme_dev_priya;
GRANT REFERENCES ON FUTURE TABLES IN SCHEMA acme_nonprod.dev_priya TO ROLE acme_env_owner;
GRANT REFERENCES ON FUTURE VIEWS IN SCHEMA acme_nonprod.dev_priya TO ROLE acme_env_owner;
GRANT MONITOR ON FUTURE DYNAMIC TABLES IN SCHEMA acme_nonprod.dev_priya TO ROLE acme_env_owner;
CREATE TRANSIENT SCHEMA IF NOT EXISTS acme_nonprod.dev_sam WITH MANAGED ACCESS DATA_RETENTION_TIME_IN_DAYS = 1 COMMENT = 'dbt-envs: project acme';
GRANT USAGE, MONITOR, CREATE TABLE, CREATE VIEW, CREATE DYNAMIC TABLE, CREATE FUNCTION, CREATE PROCEDURE, CREATE STAGE, CREATE FILE FORMAT, CREATE SEQUENCE ON SCHEMA acme_nonprod.dev_sam TO ROLE acme_dev_sam;
GRANT REFERENCES ON FUTURE TABLES IN SCHEMA acme_nonprod.dev_sam TO ROLE acme_env_owner;
GRANT REFERENCES ON FUTURE VIEWS IN SCHEMA acme_nonprod.dev_sam TO ROLE acme_env_owner;
GRANT MONITOR ON FUTURE DYNAMIC TABLES IN SCHEMA acme_nonprod.dev_sam TO ROLE acme_env_owner;

-- The door's own copy of the list.
USE ROLE acme_env_owner;
UPDATE acme_nonprod.acme_door.developer SET gone = TRUE;
MERGE INTO acme_nonprod.acme_door.developer AS t
USING (
  SELECT column1 AS login, column2 AS role_name
  FROM VALUES
    ('PRIYA', 'acme_dev_priya'),
    ('SAM.JONES', 'acme_dev_sam')
) AS r ON t.login = r.login AND t.role_name = r.role_name
WHEN MATCHED THEN UPDATE SET gone = FALSE
WHEN NOT MATCHED THEN INSERT (login, role_name, gone) VALUES (r.login, r.role_name, FALSE);
USE ROLE SECURITYADMIN;
-- Who left the list loses the role that was theirs, and nothing else.
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_gone RESULTSET;
BEGIN
  SHOW USERS;
  v_gone := (
    SELECT g.login, g.role_name
    FROM acme_nonprod.acme_door.developer AS g
    INNER JOIN TABLE(RESULT_SCAN(LAST_QUERY_ID())) AS u ON u."name" = g.login
    WHERE g.gone
  );
  FOR one IN v_gone DO
    v_sql := 'REVOKE ROLE ' || one.role_name || ' FROM USER "' || one.login || '"';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
  DELETE FROM acme_nonprod.acme_door.developer WHERE gone;
END;
$$;

USE ROLE SECURITYADMIN;
REVOKE ROLE acme_env_owner FROM ROLE SECURITYADMIN;
