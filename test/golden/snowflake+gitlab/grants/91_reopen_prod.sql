-- 91_reopen_prod.sql: owners and rights of production are again as 90_close_prod.sql found them.
--
-- Who runs it   whoever ran 90_close_prod.sql.
-- What changes  every statement of acme_nonprod.acme_door.found is run, in its order: managed access off, owners, rights to
--               write. What fails, because it has been dropped since, say, is passed over and named, and stays written down: run
--               this again once the cause is gone. acme_prod_service keeps its rights.
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
  v_step NUMBER;
  v_passed VARCHAR DEFAULT '';
  v_found RESULTSET;
BEGIN
  v_found := (SELECT DISTINCT step, statement FROM acme_nonprod.acme_door.found ORDER BY step, statement);
  FOR one IN v_found DO
    v_sql := one.statement;
    BEGIN
      EXECUTE IMMEDIATE :v_sql;
      v_done := v_done + 1;
      -- Step 100: what an earlier run passed over.
      IF (one.step >= 100) THEN
        DELETE FROM acme_nonprod.acme_door.found WHERE step >= 100 AND statement = :v_sql;
      END IF;
    EXCEPTION
      WHEN OTHER THEN
        v_passed := v_passed || v_sql || ' (' || SQLERRM || '). ';
        IF (one.step < 100 AND one.step <> 5) THEN
          v_step := one.step + 100;
          INSERT INTO acme_nonprod.acme_door.found (step, statement) SELECT :v_step, :v_sql;
        END IF;
    END;
  END FOR;
  -- Step 5, for whom acme_prod_service acts while production is open, stays for the next 90_close_prod.sql.
  DELETE FROM acme_nonprod.acme_door.found WHERE step < 100 AND step <> 5;
  IF (v_passed = '') THEN
    v_passed := 'nothing';
  END IF;
  RETURN v_done || ' statements run; passed over: ' || v_passed;
END;
$$;

USE ROLE SECURITYADMIN;
REVOKE ROLE acme_env_owner FROM ROLE SECURITYADMIN;
REVOKE ROLE acme_prod_owner FROM ROLE SECURITYADMIN;
