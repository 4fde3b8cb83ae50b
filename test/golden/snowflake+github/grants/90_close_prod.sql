-- 90_close_prod.sql: production is handed over to acme_prod_service, and nobody else may write it any more.
--
-- Who runs it   the administrator with ACCOUNTADMIN who ran 40_services.sql, after acme_prod_service has deployed.
-- What changes  who owns and writes production is written down in acme_nonprod.acme_door.found. Then the prod schemas
--               get managed access and belong to acme_prod_owner, and what is in them to acme_prod_service; every
--               other role and user loses the rights to write there. Who reads goes on reading, the former owners too.
-- How to undo   91_reopen_prod.sql.
--
-- Each statement of Snowflake's that changes rights stands by itself: there is no transaction around them. Cut short, run it
-- again: what was written down stays, and the rest is done.

-- SECURITYADMIN acts for acme_env_owner and acme_prod_owner while this runs, and gives that back at the end.
USE ROLE SECURITYADMIN;
USE WAREHOUSE acme_ci_wh;
GRANT ROLE acme_env_owner TO ROLE SECURITYADMIN;
GRANT ROLE acme_prod_owner TO ROLE SECURITYADMIN;

EXECUTE IMMEDIATE $$
DECLARE
  v_deployed NUMBER DEFAULT 0;
  v_here NUMBER;
  v_problem VARCHAR;
  v_sql VARCHAR;
BEGIN
  SHOW OBJECTS IN SCHEMA acme.analytics;
  SELECT COUNT_IF("owner" = 'ACME_PROD_SERVICE') INTO :v_here FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  v_deployed := v_deployed + v_here;
  SHOW OBJECTS IN SCHEMA acme.staging;
  SELECT COUNT_IF("owner" = 'ACME_PROD_SERVICE') INTO :v_here FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  v_deployed := v_deployed + v_here;
  IF (v_deployed = 0) THEN
    v_problem := 'acme_prod_service has not deployed yet: nothing in production belongs to it. Deploy first, so that nothing stops when the old way is closed.';
    -- RAISE takes no text that is put together, so a block with this very text is run; a quote and a backslash in a name stay a part
    -- of it: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
END;
$$;

-- Schema analytics: first everything is written down, then the rights to write are taken.
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_schema RESULTSET;
  v_owners RESULTSET;
  v_objects RESULTSET;
  v_grants RESULTSET;
BEGIN
  SHOW SCHEMAS IN DATABASE acme;
  v_schema := (
    SELECT "owner" AS owner, "options" AS options
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "name" = 'ANALYTICS' AND "owner" <> 'ACME_PROD_OWNER'
  );
  FOR one IN v_schema DO
    v_sql := 'GRANT OWNERSHIP ON SCHEMA acme.analytics TO ROLE "' || one.owner || '" COPY CURRENT GRANTS';
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 2, :v_sql;
    IF (POSITION('MANAGED ACCESS' IN one.options) = 0) THEN
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 1, 'ALTER SCHEMA acme.analytics DISABLE MANAGED ACCESS';
    END IF;
  END FOR;

  -- Whoever owned something here read all of it, and goes on reading.
  SHOW OBJECTS IN SCHEMA acme.analytics;
  v_owners := (
    SELECT DISTINCT "owner" AS owner
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "owner" NOT IN ('', 'ACME_PROD_SERVICE', 'ACME_PROD_OWNER', 'ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN')
  );
  FOR one IN v_owners DO
    v_sql := 'GRANT USAGE ON SCHEMA acme.analytics TO ROLE "' || one.owner || '"';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT SELECT ON FUTURE TABLES IN SCHEMA acme.analytics TO ROLE "' || one.owner || '"';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT SELECT ON FUTURE VIEWS IN SCHEMA acme.analytics TO ROLE "' || one.owner || '"';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA acme.analytics TO ROLE "' || one.owner || '"';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;

  SHOW OBJECTS IN SCHEMA acme.analytics;
  v_objects := (
    SELECT
      "owner" AS owner,
      IFF("kind" = 'VIEW', 'VIEW', 'TABLE') AS kind,
      'acme.analytics."' || REPLACE("name", '"', '""') || '"' AS name
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  );
  FOR one IN v_objects DO
    IF (one.owner NOT IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER')) THEN
      v_sql := 'GRANT OWNERSHIP ON ' || one.kind || ' ' || one.name || ' TO ROLE "' || one.owner || '" COPY CURRENT GRANTS';
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 3, :v_sql;
      IF (one.owner NOT IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN')) THEN
        v_sql := 'GRANT SELECT ON ' || one.kind || ' ' || one.name || ' TO ROLE "' || one.owner || '"';
        EXECUTE IMMEDIATE :v_sql;
      END IF;
    END IF;
    v_sql := 'SHOW GRANTS ON ' || one.kind || ' ' || one.name;
    EXECUTE IMMEDIATE :v_sql;
    v_grants := (
      SELECT "privilege" AS privilege, CASE "granted_to" WHEN 'DATABASE_ROLE' THEN 'DATABASE ROLE ' || "grantee_name" WHEN 'USER' THEN 'USER "' || "grantee_name" || '"' ELSE 'ROLE "' || "grantee_name" || '"' END AS grantee
      FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
      WHERE "privilege" IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'EVOLVE SCHEMA') AND "grantee_name" NOT IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER')
    );
    FOR two IN v_grants DO
      v_sql := 'GRANT ' || two.privilege || ' ON ' || one.kind || ' ' || one.name || ' TO ' || two.grantee;
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
      v_sql := 'REVOKE ' || two.privilege || ' ON ' || one.kind || ' ' || one.name || ' FROM ' || two.grantee;
      EXECUTE IMMEDIATE :v_sql;
    END FOR;
  END FOR;

  SHOW GRANTS ON SCHEMA acme.analytics;
  v_grants := (
    SELECT "privilege" AS privilege, CASE "granted_to" WHEN 'DATABASE_ROLE' THEN 'DATABASE ROLE ' || "grantee_name" WHEN 'USER' THEN 'USER "' || "grantee_name" || '"' ELSE 'ROLE "' || "grantee_name" || '"' END AS grantee
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE ("privilege" = 'MODIFY' OR STARTSWITH("privilege", 'CREATE ')) AND "grantee_name" NOT IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER')
  );
  FOR one IN v_grants DO
    v_sql := 'GRANT ' || one.privilege || ' ON SCHEMA acme.analytics TO ' || one.grantee;
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
    v_sql := 'REVOKE ' || one.privilege || ' ON SCHEMA acme.analytics FROM ' || one.grantee;
    EXECUTE IMMEDIATE :v_sql;
  END FOR;

  -- What tomorrow's tables would be written by, or belong to.
  SHOW FUTURE GRANTS IN SCHEMA acme.analytics;
  v_grants := (
    SELECT
      "privilege" AS privilege,
      REPLACE("grant_on", '_', ' ') || 'S' AS kind,
      IFF("grant_to" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || "grantee_name" || '"' AS grantee
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "privilege" IN ('OWNERSHIP', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'EVOLVE SCHEMA') AND "grantee_name" NOT IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER')
  );
  FOR one IN v_grants DO
    v_sql := 'GRANT ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme.analytics TO ' || one.grantee;
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
    v_sql := 'REVOKE ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme.analytics FROM ' || one.grantee;
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
END;
$$;

-- COPY CURRENT GRANTS keeps every reader: https://docs.snowflake.com/en/sql-reference/sql/grant-ownership
GRANT OWNERSHIP ON SCHEMA acme.analytics TO ROLE acme_prod_owner COPY CURRENT GRANTS;
GRANT OWNERSHIP ON ALL TABLES IN SCHEMA acme.analytics TO ROLE acme_prod_service COPY CURRENT GRANTS;
GRANT OWNERSHIP ON ALL VIEWS IN SCHEMA acme.analytics TO ROLE acme_prod_service COPY CURRENT GRANTS;
GRANT OWNERSHIP ON ALL DYNAMIC TABLES IN SCHEMA acme.analytics TO ROLE acme_prod_service COPY CURRENT GRANTS;
GRANT OWNERSHIP ON ALL FUNCTIONS IN SCHEMA acme.analytics TO ROLE acme_prod_service COPY CURRENT GRANTS;
GRANT OWNERSHIP ON ALL PROCEDURES IN SCHEMA acme.analytics TO ROLE acme_prod_service COPY CURRENT GRANTS;
GRANT OWNERSHIP ON ALL SEQUENCES IN SCHEMA acme.analytics TO ROLE acme_prod_service COPY CURRENT GRANTS;
GRANT OWNERSHIP ON ALL STAGES IN SCHEMA acme.analytics TO ROLE acme_prod_service COPY CURRENT GRANTS;
GRANT OWNERSHIP ON ALL FILE FORMATS IN SCHEMA acme.analytics TO ROLE acme_prod_service COPY CURRENT GRANTS;

-- Managed access is switched on by whoever owns the schema and has MANAGE GRANTS as well, and only where no future grant is
-- open: those are written down, revoked, and given again. https://docs.snowflake.com/en/sql-reference/sql/alter-schema#usage-notes
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_managed NUMBER;
  v_grants RESULTSET;
BEGIN
  SHOW SCHEMAS IN DATABASE acme;
  SELECT COUNT_IF("name" = 'ANALYTICS' AND POSITION('MANAGED ACCESS' IN "options") > 0) INTO :v_managed
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_managed = 0) THEN
    SHOW FUTURE GRANTS IN SCHEMA acme.analytics;
    v_grants := (
      SELECT
        "privilege" AS privilege,
        REPLACE("grant_on", '_', ' ') || 'S' AS kind,
        IFF("grant_to" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || "grantee_name" || '"' AS grantee
      FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    );
    FOR one IN v_grants DO
      v_sql := 'GRANT ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme.analytics TO ' || one.grantee;
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 6, :v_sql;
      v_sql := 'REVOKE ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme.analytics FROM ' || one.grantee;
      EXECUTE IMMEDIATE :v_sql;
    END FOR;
    ALTER SCHEMA acme.analytics ENABLE MANAGED ACCESS;
  END IF;
  v_grants := (
    SELECT DISTINCT statement FROM acme_nonprod.acme_door.found WHERE step = 6 AND CONTAINS(statement, ' IN SCHEMA acme.analytics TO ')
  );
  FOR one IN v_grants DO
    v_sql := one.statement;
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
  DELETE FROM acme_nonprod.acme_door.found WHERE step = 6 AND CONTAINS(statement, ' IN SCHEMA acme.analytics TO ');
END;
$$;

-- Schema staging: first everything is written down, then the rights to write are taken.
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_schema RESULTSET;
  v_owners RESULTSET;
  v_objects RESULTSET;
  v_grants RESULTSET;
BEGIN
  SHOW SCHEMAS IN DATABASE acme;
  v_schema := (
    SELECT "owner" AS owner, "options" AS options
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "name" = 'STAGING' AND "owner" <> 'ACME_PROD_OWNER'
  );
  FOR one IN v_schema DO
    v_sql := 'GRANT OWNERSHIP ON SCHEMA acme.staging TO ROLE "' || one.owner || '" COPY CURRENT GRANTS';
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 2, :v_sql;
    IF (POSITION('MANAGED ACCESS' IN one.options) = 0) THEN
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 1, 'ALTER SCHEMA acme.staging DISABLE MANAGED ACCESS';
    END IF;
  END FOR;

  -- Whoever owned something here read all of it, and goes on reading.
  SHOW OBJECTS IN SCHEMA acme.staging;
  v_owners := (
    SELECT DISTINCT "owner" AS owner
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "owner" NOT IN ('', 'ACME_PROD_SERVICE', 'ACME_PROD_OWNER', 'ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN')
  );
  FOR one IN v_owners DO
    v_sql := 'GRANT USAGE ON SCHEMA acme.staging TO ROLE "' || one.owner || '"';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT SELECT ON FUTURE TABLES IN SCHEMA acme.staging TO ROLE "' || one.owner || '"';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT SELECT ON FUTURE VIEWS IN SCHEMA acme.staging TO ROLE "' || one.owner || '"';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA acme.staging TO ROLE "' || one.owner || '"';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;

  SHOW OBJECTS IN SCHEMA acme.staging;
  v_objects := (
    SELECT
      "owner" AS owner,
      IFF("kind" = 'VIEW', 'VIEW', 'TABLE') AS kind,
      'acme.staging."' || REPLACE("name", '"', '""') || '"' AS name
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  );
  FOR one IN v_objects DO
    IF (one.owner NOT IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER')) THEN
      v_sql := 'GRANT OWNERSHIP ON ' || one.kind || ' ' || one.name || ' TO ROLE "' || one.owner || '" COPY CURRENT GRANTS';
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 3, :v_sql;
      IF (one.owner NOT IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN')) THEN
        v_sql := 'GRANT SELECT ON ' || one.kind || ' ' || one.name || ' TO ROLE "' || one.owner || '"';
        EXECUTE IMMEDIATE :v_sql;
      END IF;
    END IF;
    v_sql := 'SHOW GRANTS ON ' || one.kind || ' ' || one.name;
    EXECUTE IMMEDIATE :v_sql;
    v_grants := (
      SELECT "privilege" AS privilege, CASE "granted_to" WHEN 'DATABASE_ROLE' THEN 'DATABASE ROLE ' || "grantee_name" WHEN 'USER' THEN 'USER "' || "grantee_name" || '"' ELSE 'ROLE "' || "grantee_name" || '"' END AS grantee
      FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
      WHERE "privilege" IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'EVOLVE SCHEMA') AND "grantee_name" NOT IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER')
    );
    FOR two IN v_grants DO
      v_sql := 'GRANT ' || two.privilege || ' ON ' || one.kind || ' ' || one.name || ' TO ' || two.grantee;
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
      v_sql := 'REVOKE ' || two.privilege || ' ON ' || one.kind || ' ' || one.name || ' FROM ' || two.grantee;
      EXECUTE IMMEDIATE :v_sql;
    END FOR;
  END FOR;

  SHOW GRANTS ON SCHEMA acme.staging;
  v_grants := (
    SELECT "privilege" AS privilege, CASE "granted_to" WHEN 'DATABASE_ROLE' THEN 'DATABASE ROLE ' || "grantee_name" WHEN 'USER' THEN 'USER "' || "grantee_name" || '"' ELSE 'ROLE "' || "grantee_name" || '"' END AS grantee
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE ("privilege" = 'MODIFY' OR STARTSWITH("privilege", 'CREATE ')) AND "grantee_name" NOT IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER')
  );
  FOR one IN v_grants DO
    v_sql := 'GRANT ' || one.privilege || ' ON SCHEMA acme.staging TO ' || one.grantee;
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
    v_sql := 'REVOKE ' || one.privilege || ' ON SCHEMA acme.staging FROM ' || one.grantee;
    EXECUTE IMMEDIATE :v_sql;
  END FOR;

  -- What tomorrow's tables would be written by, or belong to.
  SHOW FUTURE GRANTS IN SCHEMA acme.staging;
  v_grants := (
    SELECT
      "privilege" AS privilege,
      REPLACE("grant_on", '_', ' ') || 'S' AS kind,
      IFF("grant_to" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || "grantee_name" || '"' AS grantee
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "privilege" IN ('OWNERSHIP', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'EVOLVE SCHEMA') AND "grantee_name" NOT IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER')
  );
  FOR one IN v_grants DO
    v_sql := 'GRANT ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme.staging TO ' || one.grantee;
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
    v_sql := 'REVOKE ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme.staging FROM ' || one.grantee;
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
END;
$$;

-- COPY CURRENT GRANTS keeps every reader: https://docs.snowflake.com/en/sql-reference/sql/grant-ownership
GRANT OWNERSHIP ON SCHEMA acme.staging TO ROLE acme_prod_owner COPY CURRENT GRANTS;
GRANT OWNERSHIP ON ALL TABLES IN SCHEMA acme.staging TO ROLE acme_prod_service COPY CURRENT GRANTS;
GRANT OWNERSHIP ON ALL VIEWS IN SCHEMA acme.staging TO ROLE acme_prod_service COPY CURRENT GRANTS;
GRANT OWNERSHIP ON ALL DYNAMIC TABLES IN SCHEMA acme.staging TO ROLE acme_prod_service COPY CURRENT GRANTS;
GRANT OWNERSHIP ON ALL FUNCTIONS IN SCHEMA acme.staging TO ROLE acme_prod_service COPY CURRENT GRANTS;
GRANT OWNERSHIP ON ALL PROCEDURES IN SCHEMA acme.staging TO ROLE acme_prod_service COPY CURRENT GRANTS;
GRANT OWNERSHIP ON ALL SEQUENCES IN SCHEMA acme.staging TO ROLE acme_prod_service COPY CURRENT GRANTS;
GRANT OWNERSHIP ON ALL STAGES IN SCHEMA acme.staging TO ROLE acme_prod_service COPY CURRENT GRANTS;
GRANT OWNERSHIP ON ALL FILE FORMATS IN SCHEMA acme.staging TO ROLE acme_prod_service COPY CURRENT GRANTS;

-- Managed access is switched on by whoever owns the schema and has MANAGE GRANTS as well, and only where no future grant is
-- open: those are written down, revoked, and given again. https://docs.snowflake.com/en/sql-reference/sql/alter-schema#usage-notes
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_managed NUMBER;
  v_grants RESULTSET;
BEGIN
  SHOW SCHEMAS IN DATABASE acme;
  SELECT COUNT_IF("name" = 'STAGING' AND POSITION('MANAGED ACCESS' IN "options") > 0) INTO :v_managed
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_managed = 0) THEN
    SHOW FUTURE GRANTS IN SCHEMA acme.staging;
    v_grants := (
      SELECT
        "privilege" AS privilege,
        REPLACE("grant_on", '_', ' ') || 'S' AS kind,
        IFF("grant_to" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || "grantee_name" || '"' AS grantee
      FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    );
    FOR one IN v_grants DO
      v_sql := 'GRANT ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme.staging TO ' || one.grantee;
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 6, :v_sql;
      v_sql := 'REVOKE ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme.staging FROM ' || one.grantee;
      EXECUTE IMMEDIATE :v_sql;
    END FOR;
    ALTER SCHEMA acme.staging ENABLE MANAGED ACCESS;
  END IF;
  v_grants := (
    SELECT DISTINCT statement FROM acme_nonprod.acme_door.found WHERE step = 6 AND CONTAINS(statement, ' IN SCHEMA acme.staging TO ')
  );
  FOR one IN v_grants DO
    v_sql := one.statement;
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
  DELETE FROM acme_nonprod.acme_door.found WHERE step = 6 AND CONTAINS(statement, ' IN SCHEMA acme.staging TO ');
END;
$$;

-- Whoever built production so far makes no schemas beside it any more. Others who may, a loader of sources perhaps, are left alone:
-- the audit names them.
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_owned VARCHAR;
  v_grants RESULTSET;
BEGIN
  SELECT LISTAGG(statement, ' ') INTO :v_owned FROM acme_nonprod.acme_door.found WHERE step IN (2, 3);
  SHOW GRANTS ON DATABASE acme;
  v_grants := (
    SELECT "privilege" AS privilege, "grantee_name" AS name
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "privilege" IN ('CREATE SCHEMA', 'MODIFY') AND "granted_to" = 'ROLE'
      AND "grantee_name" NOT IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN', 'ACME_ENV_OWNER', 'ACME_PROD_OWNER')
      AND CONTAINS(:v_owned, ' TO ROLE "' || "grantee_name" || '" ')
  );
  FOR one IN v_grants DO
    v_sql := 'GRANT ' || one.privilege || ' ON DATABASE acme TO ROLE "' || one.name || '"';
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
    v_sql := 'REVOKE ' || one.privilege || ' ON DATABASE acme FROM ROLE "' || one.name || '"';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
END;
$$;

-- Who may change settings of the database could take its time travel away.
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_grants RESULTSET;
BEGIN
  SHOW GRANTS ON DATABASE acme;
  v_grants := (
    SELECT "privilege" AS privilege, CASE "granted_to" WHEN 'DATABASE_ROLE' THEN 'DATABASE ROLE ' || "grantee_name" WHEN 'USER' THEN 'USER "' || "grantee_name" || '"' ELSE 'ROLE "' || "grantee_name" || '"' END AS grantee
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "privilege" = 'MODIFY' AND "grantee_name" NOT IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN')
  );
  FOR one IN v_grants DO
    v_sql := 'GRANT MODIFY ON DATABASE acme TO ' || one.grantee;
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
    v_sql := 'REVOKE MODIFY ON DATABASE acme FROM ' || one.grantee;
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
END;
$$;

-- acme_prod_service needs to act for nobody any more.
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_roles RESULTSET;
BEGIN
  SHOW GRANTS TO ROLE acme_prod_service;
  v_roles := (SELECT "name" AS name FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) WHERE "granted_on" = 'ROLE');
  FOR one IN v_roles DO
    v_sql := 'GRANT ROLE "' || one.name || '" TO ROLE acme_prod_service';
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 5, :v_sql;
    v_sql := 'REVOKE ROLE "' || one.name || '" FROM ROLE acme_prod_service';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
END;
$$;

-- Nobody acts for production but its service. Snowflake's own advice is to grant roles to SYSADMIN.
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_holders RESULTSET;
BEGIN
  SHOW GRANTS OF ROLE acme_prod_service;
  v_holders := (
    SELECT "granted_to" AS kind, "grantee_name" AS name
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE NOT ("granted_to" = 'USER' AND "grantee_name" = 'ACME_PROD_SERVICE') AND "grantee_name" NOT IN ('SECURITYADMIN', 'ACME_PROD_OWNER')
  );
  FOR one IN v_holders DO
    v_sql := 'REVOKE ROLE acme_prod_service FROM ' || one.kind || ' "' || one.name || '"';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
  SHOW GRANTS OF ROLE acme_prod_owner;
  v_holders := (
    SELECT "granted_to" AS kind, "grantee_name" AS name
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE NOT ("granted_to" = 'USER' AND "grantee_name" = 'ACME_PROD_SERVICE') AND "grantee_name" NOT IN ('SECURITYADMIN', 'ACME_PROD_OWNER')
  );
  FOR one IN v_holders DO
    v_sql := 'REVOKE ROLE acme_prod_owner FROM ' || one.kind || ' "' || one.name || '"';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
END;
$$;

USE ROLE SECURITYADMIN;
REVOKE ROLE acme_env_owner FROM ROLE SECURITYADMIN;
REVOKE ROLE acme_prod_owner FROM ROLE SECURITYADMIN;
