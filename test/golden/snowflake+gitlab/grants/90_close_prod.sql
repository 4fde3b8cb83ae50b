-- 90_close_prod.sql: production is handed over to acme_prod_service, and nobody else may write it any more.
--
-- Who runs it   the administrator with ACCOUNTADMIN who ran 40_services.sql, after acme_prod_service has deployed.
-- What changes  who owns and writes production is written down in acme_nonprod.acme_door.found. Then the prod schemas
--               get managed access and belong to acme_prod_owner, and what is in them to acme_prod_service; every
--               other role and user loses the rights to write there. Who reads goes on reading, the former owners too. The
--               database belongs to acme_prod_owner where its owner is no administrator. Procedures, tasks, pipes,
--               streams, alerts, tags and policies stay their owners': a procedure or a task acts as its owner, and
--               would write production for whoever may call it if that were acme_prod_service.
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
  v_rows NUMBER;
  v_problem VARCHAR;
  v_sql VARCHAR;
BEGIN
  -- SHOW never answers with more rows than this, and what it leaves out would be passed over:
  -- https://docs.snowflake.com/en/sql-reference/sql/show-grants#usage-notes
  v_problem := '';
  SHOW SCHEMAS IN DATABASE acme;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW SCHEMAS IN DATABASE acme; ';
  END IF;
  SHOW GRANTS ON DATABASE acme;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW GRANTS ON DATABASE acme; ';
  END IF;
  SHOW OBJECTS IN SCHEMA acme.analytics;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW OBJECTS IN SCHEMA acme.analytics; ';
  END IF;
  SHOW USER FUNCTIONS IN SCHEMA acme.analytics;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW USER FUNCTIONS IN SCHEMA acme.analytics; ';
  END IF;
  SHOW SEQUENCES IN SCHEMA acme.analytics;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW SEQUENCES IN SCHEMA acme.analytics; ';
  END IF;
  SHOW STAGES IN SCHEMA acme.analytics;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW STAGES IN SCHEMA acme.analytics; ';
  END IF;
  SHOW FILE FORMATS IN SCHEMA acme.analytics;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW FILE FORMATS IN SCHEMA acme.analytics; ';
  END IF;
  SHOW GRANTS ON SCHEMA acme.analytics;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW GRANTS ON SCHEMA acme.analytics; ';
  END IF;
  SHOW FUTURE GRANTS IN SCHEMA acme.analytics;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW FUTURE GRANTS IN SCHEMA acme.analytics; ';
  END IF;
  SHOW OBJECTS IN SCHEMA acme.staging;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW OBJECTS IN SCHEMA acme.staging; ';
  END IF;
  SHOW USER FUNCTIONS IN SCHEMA acme.staging;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW USER FUNCTIONS IN SCHEMA acme.staging; ';
  END IF;
  SHOW SEQUENCES IN SCHEMA acme.staging;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW SEQUENCES IN SCHEMA acme.staging; ';
  END IF;
  SHOW STAGES IN SCHEMA acme.staging;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW STAGES IN SCHEMA acme.staging; ';
  END IF;
  SHOW FILE FORMATS IN SCHEMA acme.staging;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW FILE FORMATS IN SCHEMA acme.staging; ';
  END IF;
  SHOW GRANTS ON SCHEMA acme.staging;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW GRANTS ON SCHEMA acme.staging; ';
  END IF;
  SHOW FUTURE GRANTS IN SCHEMA acme.staging;
  SELECT COUNT(*) INTO :v_rows FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  IF (v_rows >= 10000) THEN
    v_problem := v_problem || 'SHOW FUTURE GRANTS IN SCHEMA acme.staging; ';
  END IF;
  IF (v_problem <> '') THEN
    v_problem := 'Nothing was done: of what these list, SHOW answers with 10,000 rows alone, and the rest would be passed over: ' || v_problem || 'Less there, or by hand.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
  SHOW OBJECTS IN SCHEMA acme.analytics;
  SELECT COUNT_IF("owner" = 'ACME_PROD_SERVICE') INTO :v_here FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  v_deployed := v_deployed + v_here;
  SHOW OBJECTS IN SCHEMA acme.staging;
  SELECT COUNT_IF("owner" = 'ACME_PROD_SERVICE') INTO :v_here FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()));
  v_deployed := v_deployed + v_here;
  IF (v_deployed = 0) THEN
    v_problem := 'acme_prod_service has not deployed yet: nothing in production belongs to it. Deploy first, so that nothing stops when the old way is closed.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
END;
$$;

-- Schema analytics: each owner and each right is written down before it is taken.
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_problem VARCHAR;
  v_schema RESULTSET;
  v_owners RESULTSET;
  v_objects RESULTSET;
  v_grants RESULTSET;
BEGIN
  SHOW SCHEMAS IN DATABASE acme;
  v_schema := (
    SELECT IFF("owner_role_type" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("owner", '"', '""') || '"' AS holder, "options" AS options
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "name" = 'ANALYTICS' AND NOT ("owner_role_type" <> 'DATABASE_ROLE' AND "owner" = 'ACME_PROD_OWNER')
  );
  FOR one IN v_schema DO
    v_sql := 'GRANT OWNERSHIP ON SCHEMA acme.analytics TO ' || one.holder || ' COPY CURRENT GRANTS';
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 2, :v_sql;
    IF (POSITION('MANAGED ACCESS' IN COALESCE(one.options, '')) = 0) THEN
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 1, 'ALTER SCHEMA acme.analytics DISABLE MANAGED ACCESS';
    END IF;
  END FOR;

  -- Whoever owned something here read all of it, and goes on reading.
  SHOW OBJECTS IN SCHEMA acme.analytics;
  v_owners := (
    SELECT DISTINCT IFF("owner_role_type" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("owner", '"', '""') || '"' AS holder
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "owner" <> '' AND NOT ("owner_role_type" <> 'DATABASE_ROLE' AND "owner" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER')) AND "owner" NOT IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN')
  );
  FOR one IN v_owners DO
    v_sql := 'GRANT USAGE ON SCHEMA acme.analytics TO ' || one.holder;
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT SELECT ON FUTURE TABLES IN SCHEMA acme.analytics TO ' || one.holder;
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT SELECT ON FUTURE VIEWS IN SCHEMA acme.analytics TO ' || one.holder;
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA acme.analytics TO ' || one.holder;
    EXECUTE IMMEDIATE :v_sql;
  END FOR;

  SHOW GRANTS ON SCHEMA acme.analytics;
  v_grants := (
    SELECT "privilege" AS privilege, CASE "granted_to" WHEN 'DATABASE_ROLE' THEN 'DATABASE ROLE acme."' || REPLACE(SPLIT_PART("grantee_name", '.', -1), '"', '') || '"' WHEN 'USER' THEN 'USER ' WHEN 'APPLICATION' THEN 'APPLICATION ' ELSE 'ROLE ' END || IFF("granted_to" = 'DATABASE_ROLE', '', '"' || REPLACE("grantee_name", '"', '""') || '"') AS grantee, IFF("grant_option"::VARCHAR = 'true', ' WITH GRANT OPTION', '') AS option
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE ("privilege" IN ('MODIFY', 'MANAGE GRANTS') OR STARTSWITH("privilege", 'CREATE ')) AND NOT ("granted_to" NOT IN ('DATABASE_ROLE', 'APPLICATION') AND "grantee_name" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'))
  );
  FOR one IN v_grants DO
    v_sql := 'GRANT ' || one.privilege || ' ON SCHEMA acme.analytics TO ' || one.grantee || one.option;
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
    v_sql := 'REVOKE ' || one.privilege || ' ON SCHEMA acme.analytics FROM ' || one.grantee || ' CASCADE';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;

  -- What tomorrow's tables would be written by, or belong to.
  SHOW FUTURE GRANTS IN SCHEMA acme.analytics;
  v_grants := (
    SELECT
      "privilege" AS privilege,
      REPLACE("grant_on", '_', ' ') || 'S' AS kind,
      IFF("grant_to" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("grantee_name", '"', '""') || '"' || IFF("grant_option"::VARCHAR = 'true', ' WITH GRANT OPTION', '') AS grantee,
      IFF("grant_to" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("grantee_name", '"', '""') || '"' AS holder
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "privilege" IN ('OWNERSHIP', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'EVOLVE SCHEMA') AND NOT ("grant_to" <> 'DATABASE_ROLE' AND "grantee_name" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'))
  );
  FOR one IN v_grants DO
    v_sql := 'GRANT ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme.analytics TO ' || one.grantee;
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
    v_sql := 'REVOKE ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme.analytics FROM ' || one.holder;
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
  -- COPY CURRENT GRANTS keeps every reader: https://docs.snowflake.com/en/sql-reference/sql/grant-ownership
  GRANT OWNERSHIP ON SCHEMA acme.analytics TO ROLE acme_prod_owner COPY CURRENT GRANTS;

  SHOW OBJECTS IN SCHEMA acme.analytics;
  v_objects := (
    SELECT
      "owner" <> '' AND NOT ("owner_role_type" <> 'DATABASE_ROLE' AND "owner" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER')) AS moves,
      "owner" NOT IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN') AS reads,
      IFF("owner_role_type" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("owner", '"', '""') || '"' AS holder,
      REPLACE("kind", '_', ' ') AS kind,
      'acme.analytics."' || REPLACE("name", '"', '""') || '"' AS name
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  );
  FOR one IN v_objects DO
    IF (one.moves) THEN
      v_sql := 'GRANT OWNERSHIP ON ' || one.kind || ' ' || one.name || ' TO ' || one.holder || ' COPY CURRENT GRANTS';
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 3, :v_sql;
      IF (one.reads) THEN
        v_sql := 'GRANT SELECT ON ' || one.kind || ' ' || one.name || ' TO ' || one.holder;
        EXECUTE IMMEDIATE :v_sql;
      END IF;
      v_sql := 'GRANT OWNERSHIP ON ' || one.kind || ' ' || one.name || ' TO ROLE acme_prod_service COPY CURRENT GRANTS';
      EXECUTE IMMEDIATE :v_sql;
    END IF;
    v_sql := 'SHOW GRANTS ON ' || one.kind || ' ' || one.name;
    EXECUTE IMMEDIATE :v_sql;
    v_grants := (
      SELECT "privilege" AS privilege, CASE "granted_to" WHEN 'DATABASE_ROLE' THEN 'DATABASE ROLE acme."' || REPLACE(SPLIT_PART("grantee_name", '.', -1), '"', '') || '"' WHEN 'USER' THEN 'USER ' WHEN 'APPLICATION' THEN 'APPLICATION ' ELSE 'ROLE ' END || IFF("granted_to" = 'DATABASE_ROLE', '', '"' || REPLACE("grantee_name", '"', '""') || '"') AS grantee, IFF("grant_option"::VARCHAR = 'true', ' WITH GRANT OPTION', '') AS option
      FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
      WHERE "privilege" IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'EVOLVE SCHEMA') AND NOT ("granted_to" NOT IN ('DATABASE_ROLE', 'APPLICATION') AND "grantee_name" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'))
    );
    FOR two IN v_grants DO
      v_sql := 'GRANT ' || two.privilege || ' ON ' || one.kind || ' ' || one.name || ' TO ' || two.grantee || two.option;
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
      v_sql := 'REVOKE ' || two.privilege || ' ON ' || one.kind || ' ' || one.name || ' FROM ' || two.grantee || ' CASCADE';
      EXECUTE IMMEDIATE :v_sql;
    END FOR;
  END FOR;

  -- Whoever owns one of these may drop it, and put another in its place.
  SHOW SEQUENCES IN SCHEMA acme.analytics;
  v_objects := (
    SELECT 'acme.analytics.' || '"' || REPLACE("name", '"', '""') || '"' AS name, IFF("owner_role_type" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("owner", '"', '""') || '"' AS holder
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "owner" <> '' AND NOT ("owner_role_type" <> 'DATABASE_ROLE' AND "owner" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'))
  );
  FOR one IN v_objects DO
    v_sql := 'GRANT OWNERSHIP ON SEQUENCE ' || one.name || ' TO ' || one.holder || ' COPY CURRENT GRANTS';
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 3, :v_sql;
    v_sql := 'GRANT OWNERSHIP ON SEQUENCE ' || one.name || ' TO ROLE acme_prod_service COPY CURRENT GRANTS';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
  SHOW STAGES IN SCHEMA acme.analytics;
  v_objects := (
    SELECT 'acme.analytics.' || '"' || REPLACE("name", '"', '""') || '"' AS name, IFF("owner_role_type" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("owner", '"', '""') || '"' AS holder
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "owner" <> '' AND NOT ("owner_role_type" <> 'DATABASE_ROLE' AND "owner" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'))
  );
  FOR one IN v_objects DO
    v_sql := 'GRANT OWNERSHIP ON STAGE ' || one.name || ' TO ' || one.holder || ' COPY CURRENT GRANTS';
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 3, :v_sql;
    v_sql := 'GRANT OWNERSHIP ON STAGE ' || one.name || ' TO ROLE acme_prod_service COPY CURRENT GRANTS';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
  SHOW FILE FORMATS IN SCHEMA acme.analytics;
  v_objects := (
    SELECT 'acme.analytics.' || '"' || REPLACE("name", '"', '""') || '"' AS name, IFF("owner_role_type" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("owner", '"', '""') || '"' AS holder
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "owner" <> '' AND NOT ("owner_role_type" <> 'DATABASE_ROLE' AND "owner" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'))
  );
  FOR one IN v_objects DO
    v_sql := 'GRANT OWNERSHIP ON FILE FORMAT ' || one.name || ' TO ' || one.holder || ' COPY CURRENT GRANTS';
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 3, :v_sql;
    v_sql := 'GRANT OWNERSHIP ON FILE FORMAT ' || one.name || ' TO ROLE acme_prod_service COPY CURRENT GRANTS';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
  -- SHOW says no owner of a function, and its types up to the word RETURN: https://docs.snowflake.com/en/sql-reference/sql/show-functions
  SHOW USER FUNCTIONS IN SCHEMA acme.analytics;
  v_objects := (
    SELECT 'acme.analytics.' || '"' || REPLACE("name", '"', '""') || '"' || REPLACE(SPLIT_PART(SUBSTR("arguments", POSITION('(' IN "arguments")), ' RETURN ', 1), 'DEFAULT ', '') AS signature
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  );
  FOR one IN v_objects DO
    v_sql := 'SHOW GRANTS ON FUNCTION ' || one.signature;
    EXECUTE IMMEDIATE :v_sql;
    v_grants := (
      SELECT CASE "granted_to" WHEN 'DATABASE_ROLE' THEN 'DATABASE ROLE acme."' || REPLACE(SPLIT_PART("grantee_name", '.', -1), '"', '') || '"' WHEN 'USER' THEN 'USER ' WHEN 'APPLICATION' THEN 'APPLICATION ' ELSE 'ROLE ' END || IFF("granted_to" = 'DATABASE_ROLE', '', '"' || REPLACE("grantee_name", '"', '""') || '"') AS grantee
      FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
      WHERE "privilege" = 'OWNERSHIP' AND NOT ("granted_to" NOT IN ('DATABASE_ROLE', 'APPLICATION') AND "grantee_name" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'))
    );
    FOR two IN v_grants DO
      v_sql := 'GRANT OWNERSHIP ON FUNCTION ' || one.signature || ' TO ' || two.grantee || ' COPY CURRENT GRANTS';
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 3, :v_sql;
      v_sql := 'GRANT OWNERSHIP ON FUNCTION ' || one.signature || ' TO ROLE acme_prod_service COPY CURRENT GRANTS';
      EXECUTE IMMEDIATE :v_sql;
    END FOR;
  END FOR;

  SHOW OBJECTS IN SCHEMA acme.analytics;
  SELECT LISTAGG("name" || ' (' || "owner" || ')', ', ') WITHIN GROUP (ORDER BY "name") INTO :v_problem
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  WHERE "owner" <> '' AND NOT ("owner_role_type" <> 'DATABASE_ROLE' AND "owner" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'));
  IF (v_problem <> '') THEN
    v_problem := 'In analytics these still belong to somebody else: ' || v_problem || '. If they were built just now, stop what builds them, and run this again.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
END;
$$;

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
        IFF("grant_to" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("grantee_name", '"', '""') || '"' || IFF("grant_option"::VARCHAR = 'true', ' WITH GRANT OPTION', '') AS grantee,
        IFF("grant_to" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("grantee_name", '"', '""') || '"' AS holder
      FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    );
    FOR one IN v_grants DO
      v_sql := 'GRANT ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme.analytics TO ' || one.grantee;
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 6, :v_sql;
      v_sql := 'REVOKE ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme.analytics FROM ' || one.holder;
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

-- Schema staging: each owner and each right is written down before it is taken.
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_problem VARCHAR;
  v_schema RESULTSET;
  v_owners RESULTSET;
  v_objects RESULTSET;
  v_grants RESULTSET;
BEGIN
  SHOW SCHEMAS IN DATABASE acme;
  v_schema := (
    SELECT IFF("owner_role_type" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("owner", '"', '""') || '"' AS holder, "options" AS options
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "name" = 'STAGING' AND NOT ("owner_role_type" <> 'DATABASE_ROLE' AND "owner" = 'ACME_PROD_OWNER')
  );
  FOR one IN v_schema DO
    v_sql := 'GRANT OWNERSHIP ON SCHEMA acme.staging TO ' || one.holder || ' COPY CURRENT GRANTS';
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 2, :v_sql;
    IF (POSITION('MANAGED ACCESS' IN COALESCE(one.options, '')) = 0) THEN
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 1, 'ALTER SCHEMA acme.staging DISABLE MANAGED ACCESS';
    END IF;
  END FOR;

  -- Whoever owned something here read all of it, and goes on reading.
  SHOW OBJECTS IN SCHEMA acme.staging;
  v_owners := (
    SELECT DISTINCT IFF("owner_role_type" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("owner", '"', '""') || '"' AS holder
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "owner" <> '' AND NOT ("owner_role_type" <> 'DATABASE_ROLE' AND "owner" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER')) AND "owner" NOT IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN')
  );
  FOR one IN v_owners DO
    v_sql := 'GRANT USAGE ON SCHEMA acme.staging TO ' || one.holder;
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT SELECT ON FUTURE TABLES IN SCHEMA acme.staging TO ' || one.holder;
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT SELECT ON FUTURE VIEWS IN SCHEMA acme.staging TO ' || one.holder;
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT SELECT ON FUTURE DYNAMIC TABLES IN SCHEMA acme.staging TO ' || one.holder;
    EXECUTE IMMEDIATE :v_sql;
  END FOR;

  SHOW GRANTS ON SCHEMA acme.staging;
  v_grants := (
    SELECT "privilege" AS privilege, CASE "granted_to" WHEN 'DATABASE_ROLE' THEN 'DATABASE ROLE acme."' || REPLACE(SPLIT_PART("grantee_name", '.', -1), '"', '') || '"' WHEN 'USER' THEN 'USER ' WHEN 'APPLICATION' THEN 'APPLICATION ' ELSE 'ROLE ' END || IFF("granted_to" = 'DATABASE_ROLE', '', '"' || REPLACE("grantee_name", '"', '""') || '"') AS grantee, IFF("grant_option"::VARCHAR = 'true', ' WITH GRANT OPTION', '') AS option
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE ("privilege" IN ('MODIFY', 'MANAGE GRANTS') OR STARTSWITH("privilege", 'CREATE ')) AND NOT ("granted_to" NOT IN ('DATABASE_ROLE', 'APPLICATION') AND "grantee_name" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'))
  );
  FOR one IN v_grants DO
    v_sql := 'GRANT ' || one.privilege || ' ON SCHEMA acme.staging TO ' || one.grantee || one.option;
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
    v_sql := 'REVOKE ' || one.privilege || ' ON SCHEMA acme.staging FROM ' || one.grantee || ' CASCADE';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;

  -- What tomorrow's tables would be written by, or belong to.
  SHOW FUTURE GRANTS IN SCHEMA acme.staging;
  v_grants := (
    SELECT
      "privilege" AS privilege,
      REPLACE("grant_on", '_', ' ') || 'S' AS kind,
      IFF("grant_to" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("grantee_name", '"', '""') || '"' || IFF("grant_option"::VARCHAR = 'true', ' WITH GRANT OPTION', '') AS grantee,
      IFF("grant_to" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("grantee_name", '"', '""') || '"' AS holder
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "privilege" IN ('OWNERSHIP', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'EVOLVE SCHEMA') AND NOT ("grant_to" <> 'DATABASE_ROLE' AND "grantee_name" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'))
  );
  FOR one IN v_grants DO
    v_sql := 'GRANT ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme.staging TO ' || one.grantee;
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
    v_sql := 'REVOKE ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme.staging FROM ' || one.holder;
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
  -- COPY CURRENT GRANTS keeps every reader: https://docs.snowflake.com/en/sql-reference/sql/grant-ownership
  GRANT OWNERSHIP ON SCHEMA acme.staging TO ROLE acme_prod_owner COPY CURRENT GRANTS;

  SHOW OBJECTS IN SCHEMA acme.staging;
  v_objects := (
    SELECT
      "owner" <> '' AND NOT ("owner_role_type" <> 'DATABASE_ROLE' AND "owner" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER')) AS moves,
      "owner" NOT IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN') AS reads,
      IFF("owner_role_type" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("owner", '"', '""') || '"' AS holder,
      REPLACE("kind", '_', ' ') AS kind,
      'acme.staging."' || REPLACE("name", '"', '""') || '"' AS name
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  );
  FOR one IN v_objects DO
    IF (one.moves) THEN
      v_sql := 'GRANT OWNERSHIP ON ' || one.kind || ' ' || one.name || ' TO ' || one.holder || ' COPY CURRENT GRANTS';
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 3, :v_sql;
      IF (one.reads) THEN
        v_sql := 'GRANT SELECT ON ' || one.kind || ' ' || one.name || ' TO ' || one.holder;
        EXECUTE IMMEDIATE :v_sql;
      END IF;
      v_sql := 'GRANT OWNERSHIP ON ' || one.kind || ' ' || one.name || ' TO ROLE acme_prod_service COPY CURRENT GRANTS';
      EXECUTE IMMEDIATE :v_sql;
    END IF;
    v_sql := 'SHOW GRANTS ON ' || one.kind || ' ' || one.name;
    EXECUTE IMMEDIATE :v_sql;
    v_grants := (
      SELECT "privilege" AS privilege, CASE "granted_to" WHEN 'DATABASE_ROLE' THEN 'DATABASE ROLE acme."' || REPLACE(SPLIT_PART("grantee_name", '.', -1), '"', '') || '"' WHEN 'USER' THEN 'USER ' WHEN 'APPLICATION' THEN 'APPLICATION ' ELSE 'ROLE ' END || IFF("granted_to" = 'DATABASE_ROLE', '', '"' || REPLACE("grantee_name", '"', '""') || '"') AS grantee, IFF("grant_option"::VARCHAR = 'true', ' WITH GRANT OPTION', '') AS option
      FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
      WHERE "privilege" IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'EVOLVE SCHEMA') AND NOT ("granted_to" NOT IN ('DATABASE_ROLE', 'APPLICATION') AND "grantee_name" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'))
    );
    FOR two IN v_grants DO
      v_sql := 'GRANT ' || two.privilege || ' ON ' || one.kind || ' ' || one.name || ' TO ' || two.grantee || two.option;
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
      v_sql := 'REVOKE ' || two.privilege || ' ON ' || one.kind || ' ' || one.name || ' FROM ' || two.grantee || ' CASCADE';
      EXECUTE IMMEDIATE :v_sql;
    END FOR;
  END FOR;

  -- Whoever owns one of these may drop it, and put another in its place.
  SHOW SEQUENCES IN SCHEMA acme.staging;
  v_objects := (
    SELECT 'acme.staging.' || '"' || REPLACE("name", '"', '""') || '"' AS name, IFF("owner_role_type" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("owner", '"', '""') || '"' AS holder
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "owner" <> '' AND NOT ("owner_role_type" <> 'DATABASE_ROLE' AND "owner" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'))
  );
  FOR one IN v_objects DO
    v_sql := 'GRANT OWNERSHIP ON SEQUENCE ' || one.name || ' TO ' || one.holder || ' COPY CURRENT GRANTS';
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 3, :v_sql;
    v_sql := 'GRANT OWNERSHIP ON SEQUENCE ' || one.name || ' TO ROLE acme_prod_service COPY CURRENT GRANTS';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
  SHOW STAGES IN SCHEMA acme.staging;
  v_objects := (
    SELECT 'acme.staging.' || '"' || REPLACE("name", '"', '""') || '"' AS name, IFF("owner_role_type" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("owner", '"', '""') || '"' AS holder
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "owner" <> '' AND NOT ("owner_role_type" <> 'DATABASE_ROLE' AND "owner" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'))
  );
  FOR one IN v_objects DO
    v_sql := 'GRANT OWNERSHIP ON STAGE ' || one.name || ' TO ' || one.holder || ' COPY CURRENT GRANTS';
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 3, :v_sql;
    v_sql := 'GRANT OWNERSHIP ON STAGE ' || one.name || ' TO ROLE acme_prod_service COPY CURRENT GRANTS';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
  SHOW FILE FORMATS IN SCHEMA acme.staging;
  v_objects := (
    SELECT 'acme.staging.' || '"' || REPLACE("name", '"', '""') || '"' AS name, IFF("owner_role_type" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("owner", '"', '""') || '"' AS holder
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "owner" <> '' AND NOT ("owner_role_type" <> 'DATABASE_ROLE' AND "owner" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'))
  );
  FOR one IN v_objects DO
    v_sql := 'GRANT OWNERSHIP ON FILE FORMAT ' || one.name || ' TO ' || one.holder || ' COPY CURRENT GRANTS';
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 3, :v_sql;
    v_sql := 'GRANT OWNERSHIP ON FILE FORMAT ' || one.name || ' TO ROLE acme_prod_service COPY CURRENT GRANTS';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
  -- SHOW says no owner of a function, and its types up to the word RETURN: https://docs.snowflake.com/en/sql-reference/sql/show-functions
  SHOW USER FUNCTIONS IN SCHEMA acme.staging;
  v_objects := (
    SELECT 'acme.staging.' || '"' || REPLACE("name", '"', '""') || '"' || REPLACE(SPLIT_PART(SUBSTR("arguments", POSITION('(' IN "arguments")), ' RETURN ', 1), 'DEFAULT ', '') AS signature
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  );
  FOR one IN v_objects DO
    v_sql := 'SHOW GRANTS ON FUNCTION ' || one.signature;
    EXECUTE IMMEDIATE :v_sql;
    v_grants := (
      SELECT CASE "granted_to" WHEN 'DATABASE_ROLE' THEN 'DATABASE ROLE acme."' || REPLACE(SPLIT_PART("grantee_name", '.', -1), '"', '') || '"' WHEN 'USER' THEN 'USER ' WHEN 'APPLICATION' THEN 'APPLICATION ' ELSE 'ROLE ' END || IFF("granted_to" = 'DATABASE_ROLE', '', '"' || REPLACE("grantee_name", '"', '""') || '"') AS grantee
      FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
      WHERE "privilege" = 'OWNERSHIP' AND NOT ("granted_to" NOT IN ('DATABASE_ROLE', 'APPLICATION') AND "grantee_name" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'))
    );
    FOR two IN v_grants DO
      v_sql := 'GRANT OWNERSHIP ON FUNCTION ' || one.signature || ' TO ' || two.grantee || ' COPY CURRENT GRANTS';
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 3, :v_sql;
      v_sql := 'GRANT OWNERSHIP ON FUNCTION ' || one.signature || ' TO ROLE acme_prod_service COPY CURRENT GRANTS';
      EXECUTE IMMEDIATE :v_sql;
    END FOR;
  END FOR;

  SHOW OBJECTS IN SCHEMA acme.staging;
  SELECT LISTAGG("name" || ' (' || "owner" || ')', ', ') WITHIN GROUP (ORDER BY "name") INTO :v_problem
  FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
  WHERE "owner" <> '' AND NOT ("owner_role_type" <> 'DATABASE_ROLE' AND "owner" IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER'));
  IF (v_problem <> '') THEN
    v_problem := 'In staging these still belong to somebody else: ' || v_problem || '. If they were built just now, stop what builds them, and run this again.';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
END;
$$;

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
        IFF("grant_to" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("grantee_name", '"', '""') || '"' || IFF("grant_option"::VARCHAR = 'true', ' WITH GRANT OPTION', '') AS grantee,
        IFF("grant_to" = 'DATABASE_ROLE', 'DATABASE ROLE acme.', 'ROLE ') || '"' || REPLACE("grantee_name", '"', '""') || '"' AS holder
      FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    );
    FOR one IN v_grants DO
      v_sql := 'GRANT ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme.staging TO ' || one.grantee;
      INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 6, :v_sql;
      v_sql := 'REVOKE ' || one.privilege || ' ON FUTURE ' || one.kind || ' IN SCHEMA acme.staging FROM ' || one.holder;
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

-- Whoever owns the database can drop it. Its owner so far comes in and makes schemas as before, unless it has built production.
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_grants RESULTSET;
BEGIN
  SHOW GRANTS ON DATABASE acme;
  v_grants := (
    SELECT CASE "granted_to" WHEN 'DATABASE_ROLE' THEN 'DATABASE ROLE acme."' || REPLACE(SPLIT_PART("grantee_name", '.', -1), '"', '') || '"' WHEN 'USER' THEN 'USER ' WHEN 'APPLICATION' THEN 'APPLICATION ' ELSE 'ROLE ' END || IFF("granted_to" = 'DATABASE_ROLE', '', '"' || REPLACE("grantee_name", '"', '""') || '"') AS grantee
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "privilege" = 'OWNERSHIP' AND "grantee_name" NOT IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN', 'ACME_PROD_SERVICE', 'ACME_PROD_OWNER', 'ACME_ENV_OWNER')
  );
  FOR one IN v_grants DO
    v_sql := 'GRANT OWNERSHIP ON DATABASE acme TO ' || one.grantee || ' COPY CURRENT GRANTS';
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 2, :v_sql;
    v_sql := 'GRANT USAGE, MONITOR, CREATE SCHEMA ON DATABASE acme TO ' || one.grantee;
    EXECUTE IMMEDIATE :v_sql;
    GRANT OWNERSHIP ON DATABASE acme TO ROLE acme_prod_owner COPY CURRENT GRANTS;
  END FOR;
END;
$$;

-- Whoever built production so far makes no schemas beside it any more. Others who may, a loader of sources perhaps, are left alone:
-- the audit names them.
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_grants RESULTSET;
BEGIN
  SHOW GRANTS ON DATABASE acme;
  v_grants := (
    SELECT DISTINCT 'ROLE ' || '"' || REPLACE(g."grantee_name", '"', '""') || '"' AS grantee, IFF(g."grant_option"::VARCHAR = 'true', ' WITH GRANT OPTION', '') AS option
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) AS g
    INNER JOIN acme_nonprod.acme_door.found AS f
      ON (f.step IN (2, 3) AND ENDSWITH(f.statement, ' TO ROLE ' || '"' || REPLACE(g."grantee_name", '"', '""') || '"' || ' COPY CURRENT GRANTS'))
      OR (f.step = 5 AND f.statement = 'GRANT ROLE ' || '"' || REPLACE(g."grantee_name", '"', '""') || '"' || ' TO ROLE acme_prod_service')
    WHERE g."privilege" = 'CREATE SCHEMA' AND g."granted_to" NOT IN ('DATABASE_ROLE', 'USER', 'APPLICATION')
      AND g."grantee_name" NOT IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN', 'ACME_ENV_OWNER', 'ACME_PROD_OWNER')
  );
  FOR one IN v_grants DO
    v_sql := 'GRANT CREATE SCHEMA ON DATABASE acme TO ' || one.grantee || one.option;
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
    v_sql := 'REVOKE CREATE SCHEMA ON DATABASE acme FROM ' || one.grantee || ' CASCADE';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
END;
$$;

-- Who may change settings of the database could take its time travel away; who manages grants in it gives themselves the rest.
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_grants RESULTSET;
BEGIN
  SHOW GRANTS ON DATABASE acme;
  v_grants := (
    SELECT "privilege" AS privilege, CASE "granted_to" WHEN 'DATABASE_ROLE' THEN 'DATABASE ROLE acme."' || REPLACE(SPLIT_PART("grantee_name", '.', -1), '"', '') || '"' WHEN 'USER' THEN 'USER ' WHEN 'APPLICATION' THEN 'APPLICATION ' ELSE 'ROLE ' END || IFF("granted_to" = 'DATABASE_ROLE', '', '"' || REPLACE("grantee_name", '"', '""') || '"') AS grantee, IFF("grant_option"::VARCHAR = 'true', ' WITH GRANT OPTION', '') AS option
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE "privilege" IN ('MODIFY', 'MANAGE GRANTS') AND "grantee_name" NOT IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN')
  );
  FOR one IN v_grants DO
    v_sql := 'GRANT ' || one.privilege || ' ON DATABASE acme TO ' || one.grantee || one.option;
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
    v_sql := 'REVOKE ' || one.privilege || ' ON DATABASE acme FROM ' || one.grantee || ' CASCADE';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
END;
$$;

-- acme_prod_service needs to act for the former owners no more, as 40_services.sql has let it. Other roles that it was given,
-- to read a source perhaps, it keeps.
EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_roles RESULTSET;
BEGIN
  v_roles := (
    SELECT DISTINCT SUBSTR(statement, LENGTH('GRANT ') + 1, LENGTH(statement) - LENGTH('GRANT  TO ROLE acme_prod_service')) AS owner_role
    FROM acme_nonprod.acme_door.found
    WHERE step = 5
  );
  FOR one IN v_roles DO
    v_sql := 'REVOKE ' || one.owner_role || ' FROM ROLE acme_prod_service';
    BEGIN
      EXECUTE IMMEDIATE :v_sql;
    EXCEPTION
      WHEN OTHER THEN
        -- 2003: there is no such role any more.
        IF (SQLCODE <> 2003) THEN
          RAISE;
        END IF;
    END;
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
    SELECT IFF("granted_to" = 'USER', 'USER ', 'ROLE ') || '"' || REPLACE("grantee_name", '"', '""') || '"' AS holder
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE NOT ("granted_to" = 'USER' AND "grantee_name" = 'ACME_PROD_SERVICE') AND "grantee_name" NOT IN ('SECURITYADMIN', 'ACME_PROD_OWNER')
  );
  FOR one IN v_holders DO
    v_sql := 'GRANT ROLE acme_prod_service TO ' || one.holder;
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
    v_sql := 'REVOKE ROLE acme_prod_service FROM ' || one.holder;
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
  SHOW GRANTS OF ROLE acme_prod_owner;
  v_holders := (
    SELECT IFF("granted_to" = 'USER', 'USER ', 'ROLE ') || '"' || REPLACE("grantee_name", '"', '""') || '"' AS holder
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    WHERE NOT ("granted_to" = 'USER' AND "grantee_name" = 'ACME_PROD_SERVICE') AND "grantee_name" NOT IN ('SECURITYADMIN', 'ACME_PROD_OWNER')
  );
  FOR one IN v_holders DO
    v_sql := 'GRANT ROLE acme_prod_owner TO ' || one.holder;
    INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT 4, :v_sql;
    v_sql := 'REVOKE ROLE acme_prod_owner FROM ' || one.holder;
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
END;
$$;

USE ROLE SECURITYADMIN;
REVOKE ROLE acme_env_owner FROM ROLE SECURITYADMIN;
REVOKE ROLE acme_prod_owner FROM ROLE SECURITYADMIN;
