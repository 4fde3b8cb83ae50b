-- 10_roles.sql: the roles of project acme.
--
-- Who runs it   an administrator with CREATEROLE, or a superuser, in any database of the cluster. From PostgreSQL 16
--               on the same administrator should run the other files: whoever creates a role may grant it.
-- What changes  creates the roles below, without passwords and without any right. An existing role of one of these
--               names is refused unless an earlier run of this file created it. Nothing is taken from anybody.
-- How to undo   undo 20 to 50 (grants/README.md), then DROP ROLE for each.
--
-- Passwords are never in a file. Set those of the three services with psql:
--   \password acme_ci_service
--   \password acme_prod_service
--   \password acme_janitor

BEGIN;

-- Only PostgreSQL's own functions and what is named in full: somebody's function in schema public must not be run here
-- with an administrator's rights (https://wiki.postgresql.org/wiki/A_Guide_to_CVE-2018-1058).
SET LOCAL search_path = pg_catalog, pg_temp;
-- No waiting for hours behind somebody's open transaction.
SET LOCAL lock_timeout = '30s';

DO $$
DECLARE
  wanted record;
  present pg_roles%ROWTYPE;
BEGIN
  IF current_setting('server_version_num')::int < 150000 THEN
    RAISE EXCEPTION 'This needs PostgreSQL 15 or later; the server is %.', current_setting('server_version');
  END IF;

  FOR wanted IN
    SELECT * FROM (VALUES
      ('acme_env_owner', 'NOLOGIN'),            -- owns every dev_<name> and pr_<number> schema, and the door to them
      ('acme_prod_owner', 'NOLOGIN'),           -- owns the prod schemas
      ('acme_developer', 'NOLOGIN'),           -- reads prod, sources and every pr_<number>
      ('acme_reader', 'NOLOGIN'),              -- reads prod
      ('acme_reviewer', 'NOLOGIN'),            -- reads prod and every pr_<number>
      ('acme_ci_service', 'LOGIN NOINHERIT'),   -- builds pull requests
      ('acme_prod_service', 'LOGIN'),           -- builds prod, from CI on the main branch
      ('acme_janitor', 'LOGIN NOINHERIT')      -- drops environment schemas that nobody needs
    ) AS w(name, options)
  LOOP
    SELECT * INTO present FROM pg_roles WHERE rolname = wanted.name;
    IF NOT FOUND THEN
      EXECUTE format('CREATE ROLE %I %s', wanted.name, wanted.options);
      EXECUTE format('COMMENT ON ROLE %I IS %L', wanted.name, 'dbt-envs: project acme');
    ELSIF shobj_description(present.oid, 'pg_authid') IS DISTINCT FROM 'dbt-envs: project acme' THEN
      RAISE EXCEPTION 'Role % exists, and this project did not create it. Choose other names: dbt-envs --role-prefix <prefix>.', wanted.name;
    ELSIF present.rolsuper OR present.rolcreaterole OR present.rolcreatedb OR present.rolreplication OR present.rolbypassrls THEN
      RAISE EXCEPTION 'Role % has been given SUPERUSER, CREATEROLE, CREATEDB, REPLICATION or BYPASSRLS: the boundary cannot hold it. Take that away first.', wanted.name;
    END IF;
  END LOOP;
END $$;

COMMIT;
