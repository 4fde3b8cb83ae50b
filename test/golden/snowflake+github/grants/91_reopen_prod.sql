-- 91_reopen_prod.sql: owners and rights of production are again as 90_close_prod.sql found them.
--
-- Who runs it   whoever ran 90_close_prod.sql.
-- What changes  every statement of acme_nonprod.acme_door.found is run, in its order: managed access off, owners, rights to
--               write. What has been built or dropped since is passed over and named. acme_prod_service keeps its rights.
-- How to undo   90_close_prod.sql.

-- SECURITYADMIN acts for acme_env_owner and acme_prod_owner while this runs, and gives that back at the end.
USE ROLE SECURITYADMIN;
USE WAREHOUSE acme_ci_wh;
GRANT ROLE acme_env_owner TO ROLE SECURITYADMIN;
GRANT ROLE acme_prod_owner TO ROLE SECURITYADMIN;

EXECUTE IMMEDIATE $$
DECLARE
  v_sql VARCHAR;
  v_done NUMBER DEFAULT 0;
  v_passed VARCHAR DEFAULT '';
  v_found RESULTSET;
BEGIN
  v_found := (SELECT DISTINCT step, statement FROM acme_nonprod.acme_door.found ORDER BY step, statement);
  FOR one IN v_found DO
    v_sql := one.statement;
    BEGIN
      EXECUTE IMMEDIATE :v_sql;
      v_done := v_done + 1;
    EXCEPTION
      WHEN OTHER THEN
        v_passed := v_passed || v_sql || ' (' || SQLERRM || '). ';
    END;
  END FOR;
  DELETE FROM acme_nonprod.acme_door.found;
  IF (v_passed = '') THEN
    v_passed := 'nothing';
  END IF;
  RETURN v_done || ' statements run; passed over: ' || v_passed;
END;
$$;

USE ROLE SECURITYADMIN;
REVOKE ROLE acme_env_owner FROM ROLE SECURITYADMIN;
REVOKE ROLE acme_prod_owner FROM ROLE SECURITYADMIN;
