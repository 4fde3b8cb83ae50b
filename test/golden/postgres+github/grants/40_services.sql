-- 40_services.sql: what the three services may do.
--
-- Who runs it   the administrator who ran 10_roles.sql and who owns this database, or a superuser, in the database of
--               20_boundary.sql.
-- What changes  acme_prod_service may write the prod schemas; what it builds from now on is readable by everybody who
--               should read it. acme_ci_service builds pr_<number> through the door, and developers and reviewers read that.
--               acme_janitor may drop through the door and nothing else. Nothing is taken from anybody.
-- How to undo   REVOKE the same rights; DROP OWNED BY <role> takes all of them, and what the service built.

BEGIN;

-- One run at a time, and no waiting for hours behind somebody's open transaction.
SET LOCAL lock_timeout = '30s';
SELECT pg_advisory_xact_lock(hashtextextended('dbt-envs: project acme', 0));

-- An administrator need not be a superuser (RDS, Cloud SQL, Azure). Such a one must be able to act for these roles:
-- taken here, given back before the end of this transaction.
DO $$
DECLARE
  r text;
BEGIN
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    RETURN;
  END IF;
  FOREACH r IN ARRAY ARRAY['acme_prod_owner', 'acme_prod_service', 'acme_ci_service'] LOOP
    -- From PostgreSQL 16 on, membership alone need not carry the role's rights.
    EXECUTE format('GRANT %I TO %I', r, current_user)
      || CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH INHERIT TRUE, SET TRUE' ELSE '' END;
  END LOOP;
EXCEPTION
  WHEN undefined_object THEN
    RAISE EXCEPTION 'A role of this project is missing (%). Run grants/10_roles.sql first.', SQLERRM;
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION '% may not act for the roles of this project (%). Run this as the administrator who ran grants/10_roles.sql, or as a superuser.',
      current_user, SQLERRM USING ERRCODE = 'insufficient_privilege';
END $$;

GRANT USAGE, CREATE ON SCHEMA "analytics" TO acme_prod_service;
GRANT SELECT ON ALL TABLES IN SCHEMA "analytics" TO acme_prod_service;
GRANT USAGE, CREATE ON SCHEMA "staging" TO acme_prod_service;
GRANT SELECT ON ALL TABLES IN SCHEMA "staging" TO acme_prod_service;

-- What is built tomorrow. A default privilege belongs to the role that creates the table: without FOR ROLE this would
-- speak of the administrator's own tables. dbt's swap of a new table for the old one keeps it. Do not use dbt's
-- `grants` config beside this: for incremental models it revokes whatever it does not list.
ALTER DEFAULT PRIVILEGES FOR ROLE acme_prod_service IN SCHEMA "analytics" GRANT SELECT ON TABLES TO acme_developer, acme_reader, acme_reviewer, acme_ci_service;
ALTER DEFAULT PRIVILEGES FOR ROLE acme_prod_service IN SCHEMA "staging" GRANT SELECT ON TABLES TO acme_developer, acme_reader, acme_reviewer, acme_ci_service;
ALTER DEFAULT PRIVILEGES FOR ROLE acme_ci_service GRANT SELECT ON TABLES TO acme_developer, acme_reviewer;

-- Whoever reads new tables of a prod schema by a default privilege of its present builder goes on reading them.
DO $$
DECLARE
  copied record;
BEGIN
  FOR copied IN
    SELECT DISTINCT n.nspname, CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END AS reader
      FROM pg_namespace n
      JOIN pg_default_acl d ON d.defaclnamespace = n.oid
        OR (d.defaclnamespace = 0 AND d.defaclrole IN (SELECT relowner FROM pg_class WHERE relnamespace = n.oid))
     CROSS JOIN aclexplode(d.defaclacl) g
     WHERE n.nspname IN ('analytics', 'staging') AND d.defaclobjtype = 'r' AND g.privilege_type = 'SELECT'
       AND g.grantee <> d.defaclrole AND d.defaclrole <> to_regrole('acme_prod_service')
  LOOP
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE acme_prod_service IN SCHEMA %I GRANT SELECT ON TABLES TO %s', copied.nspname, copied.reader);
  END LOOP;
END $$;

-- A courtesy, not a boundary, since a session may set them again: a deploy gives up instead of queueing every reader
-- behind it, and a forgotten transaction does not hold locks for a day.
ALTER ROLE acme_prod_service SET lock_timeout = '10min';
ALTER ROLE acme_prod_service SET idle_in_transaction_session_timeout = '1h';
ALTER ROLE acme_ci_service SET idle_in_transaction_session_timeout = '1h';
ALTER ROLE acme_janitor SET lock_timeout = '1min';

-- A GRANT by somebody who may not grant is only a warning: look at what came of it.
DO $$
DECLARE
  v_schema text;
BEGIN
  FOREACH v_schema IN ARRAY ARRAY['analytics', 'staging'] LOOP
    IF NOT has_schema_privilege('acme_prod_service', quote_ident(v_schema)::regnamespace, 'USAGE')
      OR NOT has_schema_privilege('acme_prod_service', quote_ident(v_schema)::regnamespace, 'CREATE')
      OR NOT has_schema_privilege('acme_developer', quote_ident(v_schema)::regnamespace, 'USAGE') THEN
      RAISE EXCEPTION 'The grants on schema % had no effect: it belongs to %. Run 20 and 40 as that role, as a member of it, or as a superuser.',
        v_schema, (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = v_schema);
    END IF;
  END LOOP;
  IF has_schema_privilege('public', 'public', 'CREATE') THEN
    RAISE WARNING 'Everybody may create tables in schema public. grants/90_close_prod.sql closes it.';
  END IF;
  IF EXISTS (SELECT FROM pg_auth_members WHERE pg_get_userbyid(member) IN ('acme_ci_service', 'acme_janitor')) THEN
    RAISE WARNING 'acme_ci_service or acme_janitor is a member of another role: grants/audit.sql says of which.';
  END IF;
END $$;

DO $$
DECLARE
  r text;
BEGIN
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    RETURN;
  END IF;
  FOREACH r IN ARRAY ARRAY['acme_prod_owner', 'acme_prod_service', 'acme_ci_service'] LOOP
    EXECUTE format('REVOKE %I FROM %I', r, current_user);
  END LOOP;
END $$;

COMMIT;
