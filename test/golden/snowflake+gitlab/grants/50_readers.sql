-- 50_readers.sql: who reads production without developing, as roster.yml has it.
--
-- Who runs it   the administrator with ACCOUNTADMIN who ran 20_boundary.sql; again after every change of the readers.
-- What changes  a missing user is created without a password; an existing one is given acme_reader, and
--               acme_reviewer where it reviews pull requests, and is otherwise left as it is. Whoever left the list
--               loses what this file had given, and nothing else.
-- How to undo   take the reader out of roster.yml, run the generator, run this file again.

-- SECURITYADMIN acts for acme_env_owner while this runs, and gives that back at the end.
USE ROLE SECURITYADMIN;
USE WAREHOUSE acme_ci_wh;
GRANT ROLE acme_env_owner TO ROLE SECURITYADMIN;

CREATE USER IF NOT EXISTS "LOOKER" DEFAULT_ROLE = acme_reader DEFAULT_WAREHOUSE = acme_read_wh DEFAULT_SECONDARY_ROLES = () COMMENT = 'dbt-envs: project acme';
CREATE USER IF NOT EXISTS "ANNA" DEFAULT_ROLE = acme_reviewer DEFAULT_WAREHOUSE = acme_read_wh DEFAULT_SECONDARY_ROLES = () COMMENT = 'dbt-envs: project acme';
GRANT ROLE acme_reader TO USER "LOOKER";
GRANT ROLE acme_reader TO USER "ANNA";
GRANT ROLE acme_reviewer TO USER "ANNA";
-- Who reads needs compute: a dashboard that brings its own keeps that.
GRANT USAGE ON WAREHOUSE acme_read_wh TO ROLE acme_reader;
GRANT USAGE ON WAREHOUSE acme_dev_wh TO ROLE acme_reviewer;

-- The door's own copy of the list.
USE ROLE acme_env_owner;
UPDATE acme_nonprod.acme_door.reader SET gone = TRUE;
MERGE INTO acme_nonprod.acme_door.reader AS t
USING (
  SELECT column1 AS login, column2 AS role_name
  FROM VALUES
    ('LOOKER', 'acme_reader'),
    ('ANNA', 'acme_reader'),
    ('ANNA', 'acme_reviewer')
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
  v_gone := (SELECT login, role_name FROM acme_nonprod.acme_door.reader WHERE gone);
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
  DELETE FROM acme_nonprod.acme_door.reader WHERE gone;
END;
$$;

USE ROLE SECURITYADMIN;
REVOKE ROLE acme_env_owner FROM ROLE SECURITYADMIN;
