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
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
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
  WHERE NOT (COALESCE("comment", '') = 'dbt-envs: project acme' AND "owner" = 'SECURITYADMIN') AND "name" IN (
    'ACME_DEV_PRIYA',
    'ACME_DEV_SAM',
    ''
  );
  IF (v_problem <> '') THEN
    v_problem := 'Role ' || v_problem || ' exists, and this project did not create it or does not own it. Choose other names: dbt-envs --role-prefix <prefix>.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
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
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
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
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
END;
$$;

CREATE ROLE IF NOT EXISTS acme_dev_priya COMMENT = 'dbt-envs: project acme';
CREATE ROLE IF NOT EXISTS acme_dev_sam COMMENT = 'dbt-envs: project acme';
CREATE USER IF NOT EXISTS "PRIYA"
  TYPE = PERSON DEFAULT_ROLE = acme_dev_priya DEFAULT_WAREHOUSE = acme_dev_wh DEFAULT_SECONDARY_ROLES = () COMMENT = 'dbt-envs: project acme';
CREATE USER IF NOT EXISTS "SAM.JONES"
  TYPE = PERSON DEFAULT_ROLE = acme_dev_sam DEFAULT_WAREHOUSE = acme_dev_wh DEFAULT_SECONDARY_ROLES = () COMMENT = 'dbt-envs: project acme';
-- CREATE IF NOT EXISTS passes over what is there, and SHOW ends after 10,000 rows (https://docs.snowflake.com/en/sql-reference/sql/show-grants#usage-notes):
-- nothing is granted before each role is seen to be this project's, and each user to be no service.
EXECUTE IMMEDIATE $$
DECLARE
  v_ours NUMBER;
  v_people VARCHAR;
  v_logins ARRAY DEFAULT ARRAY_CONSTRUCT(
    'PRIYA',
    'SAM.JONES'
  );
  v_unseen RESULTSET;
  v_problem VARCHAR;
  v_sql VARCHAR;
BEGIN
  SHOW ROLES STARTS WITH 'ACME_DEV_';
  SELECT COUNT_IF("comment" = 'dbt-envs: project acme' AND "owner" = 'SECURITYADMIN' AND "name" IN (
    'ACME_DEV_PRIYA',
    'ACME_DEV_SAM'
  )) INTO :v_ours
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_ours <> 2) THEN
    v_problem := 'SHOW ROLES shows ' || v_ours || ' of 2 developers'' roles with this project''s mark. The others are not this project''s, or are left out of the 10,000 rows that SHOW answers with.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
  SHOW USERS;
  v_unseen := (
    SELECT l.value::VARCHAR AS login
    FROM TABLE(FLATTEN(INPUT => :v_logins)) AS l
    LEFT JOIN TABLE(RESULT_SCAN(LAST_QUERY_ID())) AS u ON u."name" = l.value::VARCHAR
    WHERE u."name" IS NULL
  );
  FOR one IN v_unseen DO
    v_sql := 'DESCRIBE USER "' || one.login || '"';
    EXECUTE IMMEDIATE :v_sql;
    SELECT LISTAGG("value", ', ') INTO :v_people FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) WHERE "property" = 'TYPE';
    IF (v_people NOT IN ('PERSON', 'null', '')) THEN
      v_problem := 'User ' || one.login || ' is a service and no person: a developer needs a user of their own. Correct roster.yml.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
    END IF;
  END FOR;
END;
$$;
GRANT ROLE acme_developer TO ROLE acme_dev_priya;
GRANT ROLE acme_dev_priya TO USER "PRIYA";
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
-- Who left the list loses the role that was theirs, and nothing else. Each is tried: SHOW USERS ends after 10,000.
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_gone RESULTSET;
BEGIN
  v_gone := (SELECT login, role_name FROM acme_nonprod.acme_door.developer WHERE gone);
  FOR one IN v_gone DO
    v_sql := 'REVOKE ROLE ' || one.role_name || ' FROM USER "' || one.login || '"';
    BEGIN
      EXECUTE IMMEDIATE :v_sql;
    EXCEPTION
      WHEN OTHER THEN
        -- 2003: there is no such user any more, or no such role.
        IF (SQLCODE <> 2003) THEN
          RAISE;
        END IF;
    END;
  END FOR;
  DELETE FROM acme_nonprod.acme_door.developer WHERE gone;
END;
$$;

USE ROLE SECURITYADMIN;
REVOKE ROLE acme_env_owner FROM ROLE SECURITYADMIN;
