-- adopt_leftovers.sql: dev_<name> and pr_<number> schemas that somebody made by hand in database acme_nonprod become this
-- project's, each by its whole name.
--
-- Who runs it   the administrator with ACCOUNTADMIN who ran 40_services.sql. First, in the same session:
--                 SET dbt_envs_leftovers = 'dev_ghost, pr_500';
-- What changes  each schema belongs to acme_env_owner, with managed access; what is in it belongs to the developer's role, to
--               acme_ci_service, or to acme_env_owner where nobody has that name. Future grants in it go, and so do
--               rights to build in it. All are looked at before one is changed. Their age counts from this hand-over. Cut short,
--               run it again with the same names.
-- How to undo   GRANT OWNERSHIP ON SCHEMA … TO ROLE <its owner, which this prints> COPY CURRENT GRANTS; the same for ALL TABLES
--               and ALL VIEWS in it; and the rights that this prints.

-- SECURITYADMIN acts for acme_env_owner while this runs, and gives that back at the end.
USE ROLE SECURITYADMIN;
USE WAREHOUSE acme_ci_wh;
GRANT ROLE acme_env_owner TO ROLE SECURITYADMIN;

EXECUTE IMMEDIATE $$
DECLARE
  v_asked VARCHAR DEFAULT UPPER(GETVARIABLE('DBT_ENVS_LEFTOVERS'));
  v_problem VARCHAR;
  v_sql VARCHAR;
  v_schema VARCHAR;
  v_builder VARCHAR;
  v_said VARCHAR DEFAULT '';
  v_adopted RESULTSET;
  v_grants RESULTSET;
BEGIN
  IF (v_asked IS NULL) THEN
    v_problem := 'Name the schemas first: SET dbt_envs_leftovers = ''dev_ghost, pr_500'';';
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
  SHOW SCHEMAS IN DATABASE acme_nonprod;
  SELECT LISTAGG(TRIM(a.value::VARCHAR), ', ') INTO :v_problem
  FROM TABLE(FLATTEN(INPUT => SPLIT(:v_asked, ','))) AS a
  LEFT JOIN TABLE(RESULT_SCAN(LAST_QUERY_ID())) AS s ON s."name" = TRIM(a.value::VARCHAR)
  -- One of this project's without managed access is where an earlier run was cut short.
  WHERE s."name" IS NULL OR s."owner" = 'ACME_PROD_OWNER'
    OR (s."owner" = 'ACME_ENV_OWNER' AND POSITION('MANAGED ACCESS' IN COALESCE(s."options", '')) > 0)
    OR NOT (RLIKE(s."name", 'DEV_[A-Z][A-Z0-9]*(_[A-Z0-9]+)*') OR RLIKE(s."name", 'PR_[1-9][0-9]{0,9}'));
  IF (v_problem <> '') THEN
    v_problem := 'Nothing was changed. Not in database acme_nonprod, not a whole name of an environment schema, or this project''s already: ' || v_problem;
    -- RAISE takes no text that is put together: https://docs.snowflake.com/en/sql-reference/sql/execute-immediate
    v_sql := 'DECLARE refused EXCEPTION (-20001, ''' || REPLACE(REPLACE(v_problem, '\\', '\\\\'), '''', '''''') || '''); BEGIN RAISE refused; END;';
    EXECUTE IMMEDIATE :v_sql;
  END IF;
  SHOW SCHEMAS IN DATABASE acme_nonprod;
  v_adopted := (
    SELECT
      s."name" AS name,
      s."owner" AS owner,
      CASE WHEN STARTSWITH(s."name", 'PR_') THEN 'acme_ci_service' ELSE COALESCE(d.role_name, 'acme_env_owner') END AS builder
    FROM TABLE(RESULT_SCAN(LAST_QUERY_ID())) AS s
    LEFT JOIN acme_nonprod.acme_door.developer AS d ON UPPER(d.role_name) = 'ACME_DEV_' || SUBSTR(s."name", 5)
    WHERE ARRAY_CONTAINS(s."name"::VARIANT, SPLIT(REPLACE(:v_asked, ' ', ''), ','))
  );
  FOR one IN v_adopted DO
    v_schema := 'acme_nonprod."' || one.name || '"';
    v_builder := one.builder;
    v_said := v_said || one.name || ' belonged to ' || one.owner || '. ';
    v_sql := 'GRANT OWNERSHIP ON SCHEMA ' || v_schema || ' TO ROLE acme_env_owner COPY CURRENT GRANTS';
    EXECUTE IMMEDIATE :v_sql;
    -- With managed access, tables may only belong to roles below the schema's owner, and it is switched on where no future grant is
    -- open: https://docs.snowflake.com/en/sql-reference/sql/alter-schema#usage-notes
    v_sql := 'ALTER SCHEMA ' || v_schema || ' DISABLE MANAGED ACCESS';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'SHOW FUTURE GRANTS IN SCHEMA ' || v_schema;
    EXECUTE IMMEDIATE :v_sql;
    v_grants := (
      SELECT
        "privilege" AS privilege,
        REPLACE("grant_on", '_', ' ') || 'S' AS kind,
        IFF("grant_to" = 'DATABASE_ROLE', 'DATABASE ROLE acme_nonprod.', 'ROLE ') || '"' || REPLACE("grantee_name", '"', '""') || '"' AS grantee
      FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
    );
    FOR two IN v_grants DO
      v_sql := 'REVOKE ' || two.privilege || ' ON FUTURE ' || two.kind || ' IN SCHEMA ' || v_schema || ' FROM ' || two.grantee;
      EXECUTE IMMEDIATE :v_sql;
    END FOR;
    v_sql := 'SHOW GRANTS ON SCHEMA ' || v_schema;
    EXECUTE IMMEDIATE :v_sql;
    v_grants := (
      SELECT
        "privilege" AS privilege,
        CASE "granted_to" WHEN 'DATABASE_ROLE' THEN 'DATABASE ROLE acme_nonprod."' || REPLACE(SPLIT_PART("grantee_name", '.', -1), '"', '') || '"' WHEN 'USER' THEN 'USER ' ELSE 'ROLE ' END || IFF("granted_to" = 'DATABASE_ROLE', '', '"' || REPLACE("grantee_name", '"', '""') || '"') AS grantee
      FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))
      WHERE "privilege" IN ('MODIFY', 'MANAGE GRANTS') OR STARTSWITH("privilege", 'CREATE ')
    );
    FOR two IN v_grants DO
      v_sql := 'REVOKE ' || two.privilege || ' ON SCHEMA ' || v_schema || ' FROM ' || two.grantee || ' CASCADE';
      EXECUTE IMMEDIATE :v_sql;
      v_said := v_said || two.grantee || ' had ' || two.privilege || '. ';
    END FOR;
    v_sql := 'GRANT OWNERSHIP ON ALL TABLES IN SCHEMA ' || v_schema || ' TO ROLE ' || v_builder || ' COPY CURRENT GRANTS';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT OWNERSHIP ON ALL VIEWS IN SCHEMA ' || v_schema || ' TO ROLE ' || v_builder || ' COPY CURRENT GRANTS';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT OWNERSHIP ON ALL DYNAMIC TABLES IN SCHEMA ' || v_schema || ' TO ROLE ' || v_builder || ' COPY CURRENT GRANTS';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT OWNERSHIP ON ALL FUNCTIONS IN SCHEMA ' || v_schema || ' TO ROLE ' || v_builder || ' COPY CURRENT GRANTS';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT OWNERSHIP ON ALL STAGES IN SCHEMA ' || v_schema || ' TO ROLE ' || v_builder || ' COPY CURRENT GRANTS';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT REFERENCES ON ALL TABLES IN SCHEMA ' || v_schema || ' TO ROLE acme_env_owner';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT REFERENCES ON ALL VIEWS IN SCHEMA ' || v_schema || ' TO ROLE acme_env_owner';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'GRANT MONITOR ON ALL DYNAMIC TABLES IN SCHEMA ' || v_schema || ' TO ROLE acme_env_owner';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'INSERT INTO acme_nonprod.acme_door.adopted (schema_name, adopted_at) SELECT ''' || one.name || ''', SYSDATE()';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'ALTER SCHEMA ' || v_schema || ' ENABLE MANAGED ACCESS';
    EXECUTE IMMEDIATE :v_sql;
    v_sql := 'CALL acme_nonprod.acme_door.fit_schema(''' || one.name || ''', ''' || v_builder || ''')';
    EXECUTE IMMEDIATE :v_sql;
  END FOR;
  RETURN v_said;
END;
$$;

USE ROLE SECURITYADMIN;
REVOKE ROLE acme_env_owner FROM ROLE SECURITYADMIN;
