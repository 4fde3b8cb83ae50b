-- 20_boundary.sql: the schemas of production, and the door through which environment schemas come and go.
--
-- Who runs it   the administrator who ran 10_roles.sql and who owns this database, or a superuser, connected to the
--               database that dbt builds in.
-- What changes  creates the prod schemas that are missing (analytics, staging) and the schema acme_door; lets this project's
--               groups read prod, and developers and CI read the sources. A prod schema that exists keeps its owner,
--               its writers and its readers. Nothing is taken from anybody outside this project.
-- How to undo   after 90_close_prod.sql run 91_reopen_prod.sql first: without the door it cannot be undone any more. Then,
--               for everybody but acme_prod_service, REASSIGN OWNED BY <role> TO <administrator> and DROP OWNED BY <role>;
--               DROP SCHEMA acme_door CASCADE. What acme_prod_service owns is production: hand it over, never drop it.

BEGIN;

-- Only PostgreSQL's own functions and what is named in full: somebody's function in schema public must not be run here
-- with an administrator's rights (https://wiki.postgresql.org/wiki/A_Guide_to_CVE-2018-1058).
SET LOCAL search_path = pg_catalog, pg_temp;
-- No waiting for hours behind somebody's open transaction.
SET LOCAL lock_timeout = '30s';

-- An administrator need not be a superuser (RDS, Cloud SQL, Azure). Such a one must be able to act for these roles: taken
-- here where it is missing, given back before the end of this transaction. was: an own grant with other options.
CREATE TEMPORARY TABLE borrowed (role name PRIMARY KEY, was text) ON COMMIT DROP;
DO $$
DECLARE
  v_role name;
  v_since_16 CONSTANT boolean := current_setting('server_version_num')::int >= 160000;
BEGIN
  IF current_user <> session_user THEN
    RAISE EXCEPTION 'This takes and gives back memberships of the login itself. RESET ROLE, or log in as %.', current_user;
  END IF;
  FOREACH v_role IN ARRAY ARRAY['acme_env_owner', 'acme_prod_owner']::name[] LOOP
    IF to_regrole(quote_ident(v_role)) IS NULL THEN
      RAISE EXCEPTION 'Role % of this project is missing. Run grants/10_roles.sql first.', v_role;
    ELSIF NOT (pg_has_role(current_user, v_role, 'USAGE') AND pg_has_role(current_user, v_role, CASE WHEN v_since_16 THEN 'SET' ELSE 'MEMBER' END)) THEN
      INSERT INTO borrowed
        SELECT v_role, (SELECT format(' WITH INHERIT %s, SET %s', to_jsonb(m) ->> 'inherit_option', to_jsonb(m) ->> 'set_option') FROM pg_auth_members m
                         WHERE v_since_16 AND m.roleid = to_regrole(quote_ident(v_role)) AND m.member = to_regrole(quote_ident(current_user)) AND m.grantor = m.member);
      -- From PostgreSQL 16 on, membership alone need not carry the role's rights.
      EXECUTE format('GRANT %I TO %I', v_role, current_user) || CASE WHEN v_since_16 THEN ' WITH INHERIT TRUE, SET TRUE' ELSE '' END;
    END IF;
  END LOOP;
EXCEPTION
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION '% may not act for the roles of this project (%). Run this as the administrator who ran grants/10_roles.sql, or as a superuser.',
      current_user, SQLERRM USING ERRCODE = 'insufficient_privilege';
END $$;

-- One run at a time. Only this project's administrators can lock that table so.
DO $$
BEGIN
  IF to_regclass('acme_door.accepted') IS NOT NULL THEN
    LOCK TABLE acme_door.accepted IN SHARE ROW EXCLUSIVE MODE;
  END IF;
END $$;

-- Only an owner, or who acts for one, may grant and hand over.
DO $$
DECLARE
  v_role name;
  v_since_16 CONSTANT boolean := current_setting('server_version_num')::int >= 160000;
BEGIN
  FOR v_role IN
    SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname IN ('analytics', 'staging', 'raw', 'crm')
    UNION SELECT pg_get_userbyid(relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('analytics', 'staging', 'raw', 'crm') AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    EXCEPT SELECT rolname FROM pg_roles WHERE pg_has_role(current_user, oid, 'USAGE')
  LOOP
    BEGIN
      INSERT INTO borrowed
        SELECT v_role, (SELECT format(' WITH INHERIT %s, SET %s', to_jsonb(m) ->> 'inherit_option', to_jsonb(m) ->> 'set_option') FROM pg_auth_members m
                         WHERE v_since_16 AND m.roleid = to_regrole(quote_ident(v_role)) AND m.member = to_regrole(quote_ident(current_user)) AND m.grantor = m.member);
      -- From PostgreSQL 16 on, membership alone need not carry the role's rights.
      EXECUTE format('GRANT %I TO %I', v_role, current_user) || CASE WHEN v_since_16 THEN ' WITH INHERIT TRUE, SET TRUE' ELSE '' END;
    EXCEPTION WHEN insufficient_privilege THEN
      RAISE EXCEPTION '% may not act for %, who owns what this file is about. Run this as a superuser%.', current_user, v_role,
        CASE WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = v_role) THEN '' ELSE format(', or have one run: GRANT %I TO %I WITH ADMIN OPTION', v_role, current_user) END;
    END;
  END LOOP;
END $$;

-- A schema is this project's when its owner is. Anything else of that name is somebody else's, and stays theirs.
DO $$
DECLARE
  v_schema text;
  v_owner oid;
  v_other text;
BEGIN
  SELECT nspname INTO v_other FROM pg_namespace
   WHERE obj_description(oid, 'pg_namespace') ~ '^dbt-envs: door of project ' AND nspname <> 'acme_door';
  IF FOUND THEN
    RAISE EXCEPTION 'Database % has the door % of another project already: both would own the same dev_<name> and pr_<number>. Give this project a database of its own: dbt-envs --database <name>.',
      current_database(), v_other;
  END IF;

  SELECT nspowner INTO v_owner FROM pg_namespace WHERE nspname = 'acme_door';
  IF NOT FOUND THEN
    EXECUTE format('GRANT CREATE ON DATABASE %I TO acme_env_owner, acme_prod_owner', current_database());
    CREATE SCHEMA acme_door AUTHORIZATION acme_env_owner;
    COMMENT ON SCHEMA acme_door IS 'dbt-envs: door of project acme';
  ELSIF v_owner <> to_regrole('acme_env_owner') OR obj_description(to_regnamespace('acme_door'), 'pg_namespace') IS DISTINCT FROM 'dbt-envs: door of project acme' THEN
    RAISE EXCEPTION 'Schema acme_door exists, and this project did not create it. Choose another name: dbt-envs --role-prefix <prefix>.';
  END IF;

  FOREACH v_schema IN ARRAY ARRAY['analytics', 'staging'] LOOP
    SELECT nspowner INTO v_owner FROM pg_namespace WHERE nspname = v_schema;
    IF NOT FOUND THEN
      EXECUTE format('CREATE SCHEMA %I AUTHORIZATION acme_prod_owner', v_schema);
      EXECUTE format('COMMENT ON SCHEMA %I IS %L', v_schema, 'dbt-envs: project acme');
    ELSIF shobj_description(v_owner, 'pg_authid') ~ '^dbt-envs: project ' AND shobj_description(v_owner, 'pg_authid') <> 'dbt-envs: project acme' THEN
      RAISE EXCEPTION 'Schema % is another project''s production (owner %). Choose other prod schemas: dbt-envs --prod-schemas <names>.',
        v_schema, pg_get_userbyid(v_owner);
    ELSIF v_owner <> to_regrole('acme_prod_owner') THEN
      RAISE NOTICE 'Schema % belongs to % and stays so until grants/90_close_prod.sql.', v_schema, pg_get_userbyid(v_owner);
    END IF;
  END LOOP;
END $$;

-- The database: named grants, for the day on which PUBLIC loses its own. Temporary tables are part of a dbt build, and what verify.sql
-- tries beside a forbidden act.
DO $$
BEGIN
  EXECUTE format('GRANT CREATE ON DATABASE %I TO acme_env_owner, acme_prod_owner', current_database());
  EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO acme_developer, acme_reader, acme_reviewer, acme_ci_service, acme_prod_service, acme_janitor', current_database());
END $$;

-- Who reads production: what is there now. 40_services.sql adds what will be built tomorrow.
GRANT USAGE ON SCHEMA "analytics" TO acme_developer, acme_reader, acme_reviewer, acme_ci_service;
GRANT SELECT ON ALL TABLES IN SCHEMA "analytics" TO acme_developer, acme_reader, acme_reviewer, acme_ci_service;
GRANT USAGE ON SCHEMA "staging" TO acme_developer, acme_reader, acme_reviewer, acme_ci_service;
GRANT SELECT ON ALL TABLES IN SCHEMA "staging" TO acme_developer, acme_reader, acme_reviewer, acme_ci_service;

-- Sources. What holds personal data is production's alone: CI runs the code of pull requests, and a table that it
-- copies into pr_<number> is readable by every reviewer.
DO $$
DECLARE
  source record;
  loader name;
BEGIN
  FOR source IN
    SELECT * FROM (VALUES
      ('raw', 'acme_developer, acme_ci_service, acme_prod_service'),
      ('crm', 'acme_prod_service')
    ) AS s(name, readers)
  LOOP
    IF to_regnamespace(quote_ident(source.name)) IS NULL THEN
      RAISE WARNING 'Source schema % does not exist yet: run this file again once it does.', source.name;
      CONTINUE;
    END IF;
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM acme_developer, acme_ci_service, acme_prod_service', source.name);
    EXECUTE format('REVOKE ALL ON SCHEMA %I FROM acme_developer, acme_ci_service, acme_prod_service', source.name);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', source.name, source.readers);
    EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA %I TO %s', source.name, source.readers);
    -- What a loader adds tomorrow: default privileges belong to the role that will create the table.
    FOR loader IN
      SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = source.name
      UNION SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(source.name)) AND relkind IN ('r', 'p', 'v', 'm', 'f')
    LOOP
      BEGIN
        EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I REVOKE ALL ON TABLES FROM acme_developer, acme_ci_service, acme_prod_service', loader, source.name);
        EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT SELECT ON TABLES TO %s', loader, source.name, source.readers);
      EXCEPTION WHEN insufficient_privilege THEN
        RAISE WARNING 'New tables of % in % will not be readable: have % run ALTER DEFAULT PRIVILEGES IN SCHEMA % GRANT SELECT ON TABLES TO %.',
          loader, source.name, loader, quote_ident(source.name), source.readers;
      END;
    END LOOP;
  END LOOP;
END $$;

-- The door. Only acme_env_owner may create a schema here, and only these procedures act as acme_env_owner.
-- Each pins search_path to pg_catalog, with pg_temp last, and names every object in full: otherwise a function or a
-- temporary table of the caller's could take an object's place.
SET LOCAL ROLE acme_env_owner;

CREATE TABLE IF NOT EXISTS acme_door.developer (
  login name PRIMARY KEY,
  slug text NOT NULL UNIQUE CHECK (slug COLLATE "C" ~ '^[a-z][a-z0-9]*(_[a-z0-9]+)*$' AND length(slug) <= 30)
);
CREATE TABLE IF NOT EXISTS acme_door.reader (
  login name PRIMARY KEY,
  reviews boolean NOT NULL
);
-- When each schema was made and last used: PostgreSQL itself does not know.
CREATE TABLE IF NOT EXISTS acme_door.environment (
  schema_name text PRIMARY KEY,
  created_by name NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now(),
  closed_at timestamptz,
  keep_until timestamptz
);
-- Production as it was found: who owned what, and every right to it. 40_services.sql and 90_close_prod.sql write it down,
-- 91_reopen_prod.sql goes back to it. privilege OWNER: grantee owned it; MEMBER: grantee was made a member of name.
CREATE TABLE IF NOT EXISTS acme_door.found (
  kind text NOT NULL,
  name text NOT NULL,
  col text NOT NULL,
  grantee name NOT NULL,
  grantor name NOT NULL,
  privilege text NOT NULL,
  grantable boolean NOT NULL
);
-- What the audit may find and somebody has looked at: how is what it says, or 'administrator' for all that an administrator can do.
CREATE TABLE IF NOT EXISTS acme_door.accepted (
  login text NOT NULL,
  how text NOT NULL,
  accepted_at timestamptz NOT NULL DEFAULT now(),
  accepted_by name NOT NULL DEFAULT session_user,
  PRIMARY KEY (login, how)
);
-- For the report, 400 days of it: how large each schema was, what the janitor dropped, and each login's last verify.
CREATE TABLE IF NOT EXISTS acme_door.size (
  day date NOT NULL,
  schema_name text NOT NULL,
  bytes bigint,
  PRIMARY KEY (day, schema_name)
);
-- how: 'dropped', or 'begun' where a schema that goes in steps has not gone to the last of them.
CREATE TABLE IF NOT EXISTS acme_door.swept (
  schema_name text NOT NULL,
  at timestamptz NOT NULL,
  how text NOT NULL CHECK (how IN ('begun', 'dropped')),
  bytes bigint NOT NULL,
  swept_by name NOT NULL,
  PRIMARY KEY (schema_name, at)
);
CREATE TABLE IF NOT EXISTS acme_door.proof (
  login name PRIMARY KEY,
  identity text NOT NULL,
  at timestamptz NOT NULL,
  acts int NOT NULL CHECK (acts > 0),
  wrong int NOT NULL CHECK (wrong BETWEEN 0 AND acts)
);
COMMENT ON TABLE acme_door.size IS 'Bytes of each environment and prod schema, by day (UTC). Written by note_sizes().';
COMMENT ON TABLE acme_door.swept IS 'What acme_janitor has dropped. Written by drop_schema().';
COMMENT ON TABLE acme_door.proof IS 'The last verify() of each login, as that login said it. Written by note_proof().';
COMMENT ON TABLE acme_door.found IS 'Owners of production and rights to it before acme_prod_service. Written by grants/40_services.sql and 90_close_prod.sql.';
COMMENT ON TABLE acme_door.accepted IS 'Ways to write production that an administrator has accepted. Administrators are written down by grants/90_close_prod.sql.';
COMMENT ON TABLE acme_door.developer IS 'The roster: each login owns dev_<slug>. Written by grants/30_developers.sql.';
COMMENT ON TABLE acme_door.reader IS 'The readers of the roster. Written by grants/50_readers.sql.';
COMMENT ON TABLE acme_door.environment IS 'Environment schemas and their last use. Written by the procedures in this schema.';

-- Why this login may not do that with this schema; null where it may. The names are whole names: '^pr_...$' is not
-- LIKE 'pr_%', which also finds prod and product. session_user is the login itself: SET ROLE does not change it.
CREATE OR REPLACE FUNCTION acme_door.refusal(p_schema text, p_act text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_slug text;
BEGIN
  IF p_schema IS NULL THEN
    RETURN 'no schema was named';
  ELSIF session_user = 'acme_janitor' THEN
    IF p_act IN ('drop', 'keep', 'close') AND p_schema COLLATE "C" ~ '(^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$)|(^pr_[1-9][0-9]{0,9}$)' THEN
      RETURN NULL;
    END IF;
  ELSIF session_user = 'acme_ci_service' THEN
    IF p_schema COLLATE "C" ~ '^pr_[1-9][0-9]{0,9}$' THEN
      RETURN NULL;
    END IF;
  ELSE
    SELECT d.slug INTO v_slug FROM acme_door.developer d WHERE d.login = session_user;
    IF NOT FOUND THEN
      RETURN format('login %I is not on the roster of this database: an administrator runs grants/30_developers.sql', session_user);
    END IF;
    IF p_schema = 'dev_' || v_slug AND p_act <> 'close' THEN
      RETURN NULL;
    END IF;
    RETURN format('login %I may not %s schema %I: its own is dev_%s', session_user, p_act, p_schema, v_slug);
  END IF;
  RETURN format('login %I may not %s schema %I', session_user, p_act, p_schema);
END $$;

-- A view runs functions with its reader's rights, and a function may CALL: what the reader has sent must name the door.
CREATE OR REPLACE FUNCTION acme_door.demand_direct_call() RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF position('acme_door' IN current_query()) = 0 THEN
    RAISE EXCEPTION 'permission denied: acme_door is called directly, not from inside a view or a function' USING ERRCODE = 'insufficient_privilege';
  END IF;
END $$;

CREATE OR REPLACE FUNCTION acme_door.demand(p_schema text, p_act text) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_refusal text := acme_door.refusal(p_schema, p_act);
  v_owner name;
BEGIN
  PERFORM acme_door.demand_direct_call();
  IF v_refusal IS NOT NULL THEN
    RAISE EXCEPTION 'permission denied: %', v_refusal USING ERRCODE = 'insufficient_privilege';
  END IF;
  SELECT pg_get_userbyid(n.nspowner) INTO v_owner FROM pg_namespace n WHERE n.nspname = p_schema;
  IF FOUND AND v_owner <> 'acme_env_owner' THEN
    RAISE EXCEPTION 'permission denied: schema % belongs to %, not to this project: an administrator moves it out of the way', p_schema, v_owner
      USING ERRCODE = 'insufficient_privilege';
  END IF;
END $$;

-- Makes the schema where it is missing; otherwise only notes the use. dbt's threads may race here: they wait for each
-- other at the registry's row, which nobody else can lock.
CREATE OR REPLACE PROCEDURE acme_door.create_schema(p_schema text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM acme_door.demand(p_schema, 'create');
  INSERT INTO acme_door.environment AS e (schema_name, created_by, last_used_at) VALUES (p_schema, session_user, clock_timestamp())
    ON CONFLICT (schema_name) DO UPDATE SET last_used_at = clock_timestamp(), closed_at = NULL;
  -- The catalogue itself is asked: to_regnamespace may still know a schema that was dropped while we waited for that row.
  IF NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = p_schema) THEN
    EXECUTE format('CREATE SCHEMA %I', p_schema);
    UPDATE acme_door.environment e SET created_by = session_user, created_at = now(), last_used_at = clock_timestamp(), keep_until = NULL WHERE e.schema_name = p_schema;
  END IF;
  EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO %I', p_schema, session_user);
  IF p_schema COLLATE "C" ~ '^pr_[1-9][0-9]{0,9}$' THEN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO acme_developer, acme_reviewer', p_schema);
  END IF;
END $$;

-- When the schemas are listed. What was used before that moment is in the registry for all to see: whoever writes there now
-- may have looked at the clock already, and is waited for (in pg_locks, which blocks nobody). What is used after it bears a
-- later time, and drop_schema refuses.
CREATE OR REPLACE PROCEDURE acme_door.look(INOUT listed_at text DEFAULT NULL)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_now CONSTANT timestamptz := clock_timestamp();
  v_writers text[];
BEGIN
  v_writers := ARRAY(SELECT l.virtualtransaction FROM pg_locks l
    WHERE l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND l.relation = 'acme_door.environment'::regclass AND l.mode = 'RowExclusiveLock' AND l.granted AND l.pid IS DISTINCT FROM pg_backend_pid());
  WHILE EXISTS (SELECT FROM pg_locks l WHERE l.virtualtransaction = ANY (v_writers)) LOOP
    IF clock_timestamp() > v_now + interval '30 seconds' THEN
      RAISE EXCEPTION '% keeps open a transaction in which a schema was used, and nobody can say yet what is unused',
        (SELECT string_agg(DISTINCT CASE WHEN l.pid IS NULL THEN 'whoever prepared transaction ' || l.virtualtransaction ELSE format('%I (session %s)', a.usename, l.pid) END, ', ')
           FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.virtualtransaction = ANY (v_writers)) USING ERRCODE = 'object_in_use';
    END IF;
    PERFORM pg_sleep(0.05);
  END LOOP;
  listed_at := to_char(v_now AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
END $$;

-- Notes that the schema is in use; a pull request that was closed and builds again is open again.
CREATE OR REPLACE PROCEDURE acme_door.touch(p_schema text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM acme_door.demand(p_schema, 'use');
  IF to_regnamespace(quote_ident(p_schema)) IS NOT NULL THEN
    INSERT INTO acme_door.environment AS e (schema_name, created_by, last_used_at) VALUES (p_schema, session_user, clock_timestamp())
      ON CONFLICT (schema_name) DO UPDATE SET last_used_at = clock_timestamp(), closed_at = NULL;
  END IF;
END $$;

-- Bytes of a schema with its indexes and TOAST tables.
CREATE OR REPLACE FUNCTION acme_door.bytes_of(p_schema oid) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c WHERE c.relnamespace = p_schema AND c.relkind IN ('r', 'm')
$$;

-- How long a schema must have been without a use before acme_janitor may drop it: what the answers dev-days and pr-days
-- said when this script was made. In hours, since a day is not always 24 of them, and the session says where.
CREATE OR REPLACE FUNCTION acme_door.days_unused(p_schema text) RETURNS int
LANGUAGE sql IMMUTABLE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN p_schema COLLATE "C" ~ '^pr_[1-9][0-9]{0,9}$' THEN 7 ELSE 30 END
$$;
CREATE OR REPLACE FUNCTION acme_door.used_lately(p_schema text, p_last_used_at timestamptz) RETURNS boolean
LANGUAGE sql VOLATILE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
  SELECT coalesce(p_last_used_at > clock_timestamp() - interval '24 hours' * acme_door.days_unused(p_schema), false)
$$;

-- Relations and routines of other schemas that are built on this one, with which CASCADE would take them along: views, and
-- columns, functions and tables that use one of its types or tables. outside: those that are in no environment.
CREATE OR REPLACE FUNCTION acme_door.built_on(p_schema text) RETURNS TABLE (identity text, outside boolean)
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
  WITH RECURSIVE
  -- What goes with it. A view is dropped through its rule, of which it is the whole ('i').
  gone (classid, objid, objsubid) AS (
    SELECT d.classid, d.objid, d.objsubid
      FROM pg_namespace n JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid
     WHERE n.nspname = p_schema
    UNION
    SELECT via.classid, via.objid, via.objsubid
      FROM gone g CROSS JOIN LATERAL (
             SELECT d.classid, d.objid, d.objsubid
               FROM pg_depend d WHERE d.refclassid = g.classid AND d.refobjid = g.objid AND (g.objsubid = 0 OR d.refobjsubid = g.objsubid)
             UNION ALL
             SELECT d.refclassid, d.refobjid, d.refobjsubid
               FROM pg_depend d WHERE d.classid = g.classid AND d.objid = g.objid AND d.objsubid = g.objsubid AND d.deptype = 'i' AND g.classid = 'pg_rewrite'::regclass
           ) AS via
  )
  SELECT DISTINCT o.identity, NOT (n.nspowner = to_regrole('acme_env_owner') AND n.nspname COLLATE "C" ~ '(^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$)|(^pr_[1-9][0-9]{0,9}$)')
    FROM gone g
    LEFT JOIN pg_class c ON g.classid = 'pg_class'::regclass AND c.oid = g.objid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    LEFT JOIN pg_proc p ON g.classid = 'pg_proc'::regclass AND p.oid = g.objid
    JOIN pg_namespace n ON n.oid = coalesce(c.relnamespace, p.pronamespace) AND n.nspname <> p_schema
   CROSS JOIN LATERAL pg_identify_object(g.classid, g.objid, g.objsubid) o
$$;

-- Drops at most p_step relations, routines and types, and the schema with the last of them; relations_left says how many
-- remain. Repeat until 0, one transaction each: every object, index and TOAST table costs locks until commit, and all
-- sessions share a limited number (https://www.postgresql.org/docs/current/runtime-config-locks.html), so that tables with
-- many indexes go fewer at a time. p_listed_at is when the caller looked: a schema that was used since then stays. CASCADE
-- reaches a view that somebody else built on this schema's tables; acme_prod_service can build none, since it may not use
-- these schemas, but an administrator can, in production too. The janitor must say when it looked, and whoever acts in its
-- name drops neither what was used lately nor, by CASCADE, what is in no environment.
CREATE OR REPLACE PROCEDURE acme_door.drop_schema(
  p_schema text, p_listed_at timestamptz DEFAULT NULL, p_step int DEFAULT 500, INOUT relations_left bigint DEFAULT NULL)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
  v_use acme_door.environment;
  v_schema oid;
  v_drop text;
  v_drops text[];
  v_take int; -- how many of them in this step
  v_sweep CONSTANT boolean := session_user = 'acme_janitor';
  v_bytes bigint;
  v_outside text[];
BEGIN
  PERFORM acme_door.demand(p_schema, 'drop');
  -- Its row in the registry holds everybody else until commit, so a schema that was made without the door gets one here.
  IF to_regnamespace(quote_ident(p_schema)) IS NOT NULL THEN
    INSERT INTO acme_door.environment (schema_name, created_by, created_at, last_used_at)
      VALUES (p_schema, 'acme_env_owner', '-infinity', '-infinity') ON CONFLICT DO NOTHING;
  END IF;
  SELECT * INTO v_use FROM acme_door.environment e WHERE e.schema_name = p_schema FOR UPDATE;
  -- No row: another session has just dropped it, and what may bear that name now is new.
  IF FOUND THEN
    SELECT n.oid INTO v_schema FROM pg_namespace n WHERE n.nspname = p_schema; -- to_regnamespace may still know what is gone
  END IF;
  IF v_use.keep_until > now() THEN
    RAISE EXCEPTION 'schema % is kept until %', p_schema, to_char(v_use.keep_until AT TIME ZONE 'UTC', 'YYYY-MM-DD') USING ERRCODE = 'object_in_use';
  ELSIF v_sweep AND (p_listed_at IS NULL OR p_listed_at > clock_timestamp()) THEN
    RAISE EXCEPTION 'say when the schemas were listed: schema % may have been used since', p_schema USING ERRCODE = 'object_in_use';
  ELSIF v_use.last_used_at > p_listed_at THEN
    RAISE EXCEPTION 'schema % was used at %, after it was listed', p_schema, to_char(v_use.last_used_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') USING ERRCODE = 'object_in_use';
  ELSIF v_sweep AND acme_door.used_lately(p_schema, v_use.last_used_at) THEN
    RAISE EXCEPTION 'schema % was used at %, and stays until % days have passed without a use', p_schema,
      to_char(v_use.last_used_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), acme_door.days_unused(p_schema) USING ERRCODE = 'object_in_use';
  END IF;

  relations_left := 0;
  IF v_schema IS NOT NULL THEN
    IF v_sweep THEN
      v_outside := ARRAY(SELECT b.identity FROM acme_door.built_on(p_schema) b WHERE b.outside ORDER BY b.identity);
      IF cardinality(v_outside) > 0 THEN
        RAISE EXCEPTION 'what is in no environment is built on it and would go too, so it stays: %',
          array_to_string(v_outside[1:3], ', ') || CASE WHEN cardinality(v_outside) > 3 THEN format(' and %s more', cardinality(v_outside) - 3) ELSE '' END
          USING ERRCODE = 'dependent_objects_still_exist';
      END IF;
      v_bytes := acme_door.bytes_of(v_schema);
    END IF;
    SELECT array_agg(o.statement ORDER BY o.n), max(o.n) FILTER (WHERE o.n = 1 OR (o.n <= coalesce(p_step, 500) AND o.locks <= 1500)) INTO v_drops, v_take
      FROM (SELECT format('DROP %s IF EXISTS %s CASCADE', CASE i.type WHEN 'aggregate' THEN 'ROUTINE' ELSE upper(i.type) END, i.identity) AS statement, row_number() OVER w AS n,
                   sum(1 + coalesce((SELECT count(*) FROM pg_index x WHERE x.indrelid = c.oid) + CASE c.reltoastrelid WHEN 0 THEN 0 ELSE 2 END, 0)) OVER w AS locks
              FROM pg_depend d LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i
             WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = v_schema AND d.deptype = 'n'
               AND i.type IN ('table', 'view', 'materialized view', 'foreign table', 'sequence', 'function', 'procedure', 'aggregate', 'type')
               -- An identity column's sequence, for one, is part of something else, and goes with it alone.
               AND NOT EXISTS (SELECT FROM pg_depend p WHERE p.classid = d.classid AND p.objid = d.objid AND p.deptype = 'i')
            WINDOW w AS (ORDER BY d.classid <> 'pg_class'::regclass, d.objid DESC)) AS o;
    IF cardinality(v_drops) > v_take THEN
      FOREACH v_drop IN ARRAY v_drops[1:v_take] LOOP
        EXECUTE v_drop;
      END LOOP;
      SELECT greatest(count(*), 1) INTO relations_left FROM pg_depend d
       WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = v_schema AND d.deptype = 'n';
    ELSE
      EXECUTE format('DROP SCHEMA %I CASCADE', p_schema);
    END IF;
    IF v_sweep THEN
      UPDATE acme_door.swept s
         SET at = now(), bytes = s.bytes + greatest(v_bytes - acme_door.bytes_of(v_schema), 0), how = CASE relations_left WHEN 0 THEN 'dropped' ELSE 'begun' END
       WHERE s.schema_name = p_schema AND s.how = 'begun';
      IF NOT FOUND THEN
        INSERT INTO acme_door.swept (schema_name, at, how, bytes, swept_by)
          VALUES (p_schema, now(), CASE relations_left WHEN 0 THEN 'dropped' ELSE 'begun' END, greatest(v_bytes - acme_door.bytes_of(v_schema), 0), session_user);
      END IF;
    END IF;
    IF relations_left > 0 THEN
      RETURN;
    END IF;
  END IF;
  DELETE FROM acme_door.environment e WHERE e.schema_name = p_schema;
END $$;

-- One step of the sweep: a failure is its answer and undoes this step alone, so that the next schema can be tried. What
-- somebody reads or builds at this moment is waited for, and not for long. outcome: 'more', 'dropped', 'gone' (somebody
-- else has dropped it), 'kept: why', 'failed: why'.
CREATE OR REPLACE PROCEDURE acme_door.sweep_schema(p_schema text, p_listed_at timestamptz, INOUT outcome text DEFAULT NULL)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning SET lock_timeout = '30s' AS $$
DECLARE
  v_left bigint;
BEGIN
  CALL acme_door.drop_schema(p_schema, p_listed_at, 500, v_left);
  outcome := CASE WHEN v_left > 0 THEN 'more'
                  WHEN EXISTS (SELECT FROM acme_door.swept s WHERE s.schema_name = p_schema AND s.at = now()) THEN 'dropped'
                  ELSE 'gone' END;
EXCEPTION
  WHEN object_in_use THEN
    outcome := 'kept: ' || SQLERRM;
  WHEN OTHERS THEN
    outcome := 'failed: ' || SQLERRM;
END $$;

-- The pull request is closed: its schema may go.
CREATE OR REPLACE PROCEDURE acme_door.close_schema(p_schema text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM acme_door.demand(p_schema, 'close');
  UPDATE acme_door.environment e SET closed_at = coalesce(e.closed_at, now()) WHERE e.schema_name = p_schema;
END $$;

-- Nobody drops the schema before that moment, which is at most a year ahead; null takes the pin away.
CREATE OR REPLACE PROCEDURE acme_door.keep_schema(p_schema text, p_until timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM acme_door.demand(p_schema, 'keep');
  IF NOT isfinite(p_until) OR p_until > now() + interval '1 year 1 day' THEN
    RAISE EXCEPTION 'schema % can be kept for a year at most; keep it again before that is over', p_schema USING ERRCODE = 'invalid_parameter_value';
  END IF;
  UPDATE acme_door.environment e SET keep_until = p_until WHERE e.schema_name = p_schema;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'schema % is not registered: build it first', p_schema;
  END IF;
END $$;

-- Writes down how large each schema is today, and forgets what is older than 400 days. Takes nothing from the caller. A
-- schema in which a table is being replaced at this moment has no size today: to measure it would be to wait for that.
CREATE OR REPLACE PROCEDURE acme_door.note_sizes()
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '10s' AS $$
DECLARE
  v_today CONSTANT date := (now() AT TIME ZONE 'UTC')::date;
BEGIN
  IF session_user <> 'acme_janitor' THEN
    RAISE EXCEPTION 'permission denied: only acme_janitor writes sizes down' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM acme_door.demand_direct_call();
  INSERT INTO acme_door.size AS s (day, schema_name, bytes)
    SELECT v_today, n.nspname, CASE WHEN bool_or(l.relation IS NOT NULL) THEN NULL ELSE coalesce(sum(CASE WHEN l.relation IS NULL THEN pg_total_relation_size(c.oid) END), 0) END
      FROM pg_namespace n
      LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'm')
      -- Whoever waits for a lock is waited for as well, and so is whoever holds an index alone (REINDEX).
      LEFT JOIN (SELECT DISTINCT coalesce(x.indrelid, k.relation) AS relation FROM pg_locks k LEFT JOIN pg_index x ON x.indexrelid = k.relation
                  WHERE k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) AND k.mode = 'AccessExclusiveLock') AS l ON l.relation = c.oid
     WHERE n.nspname IN ('analytics', 'staging')
        OR (n.nspowner = to_regrole('acme_env_owner') AND n.nspname COLLATE "C" ~ '(^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$)|(^pr_[1-9][0-9]{0,9}$)')
     GROUP BY n.nspname ORDER BY n.nspname
    ON CONFLICT (day, schema_name) DO UPDATE SET bytes = coalesce(excluded.bytes, s.bytes);
  DELETE FROM acme_door.size s WHERE s.day < v_today - 400;
  DELETE FROM acme_door.swept s WHERE s.at < now() - interval '400 days';
END $$;

-- What verify() found for the login of this session. That is this login's own word: verify tries with its rights alone.
CREATE OR REPLACE PROCEDURE acme_door.note_proof(p_acts int, p_wrong int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_identity CONSTANT text := acme_door.identity();
BEGIN
  PERFORM acme_door.demand_direct_call();
  IF v_identity IS NULL THEN
    RAISE EXCEPTION 'permission denied: login % is no identity of this project', quote_ident(session_user) USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO acme_door.proof (login, identity, at, acts, wrong) VALUES (session_user, v_identity, now(), p_acts, p_wrong)
    ON CONFLICT (login) DO UPDATE SET identity = excluded.identity, at = excluded.at, acts = excluded.acts, wrong = excluded.wrong;
END $$;

-- dbt swaps a new table for the old one, and the rights that were granted on the old one go with it. Whoever could read
-- p_replaced, its owner included, reads p_schema.p_relation, and so do the groups of this project. With the caller's
-- own rights.
CREATE OR REPLACE PROCEDURE acme_door.keep_readers(p_schema text, p_relation text, p_replaced text)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_right record;
BEGIN
  EXECUTE format('GRANT SELECT ON %I.%I TO acme_developer, acme_reader, acme_reviewer, acme_ci_service', p_schema, p_relation);
  FOR v_right IN
    SELECT g.grantee, '' AS col FROM pg_class c CROSS JOIN aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) g
     WHERE c.oid = to_regclass(format('%I.%I', p_schema, p_replaced)) AND g.privilege_type = 'SELECT' AND pg_get_userbyid(g.grantee) <> current_user
    UNION
    SELECT g.grantee, format(' (%I)', a.attname)
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid AND NOT a.attisdropped CROSS JOIN aclexplode(a.attacl) g
     WHERE c.oid = to_regclass(format('%I.%I', p_schema, p_replaced)) AND g.privilege_type = 'SELECT' AND pg_get_userbyid(g.grantee) <> current_user
       AND EXISTS (SELECT FROM pg_attribute n WHERE n.attrelid = to_regclass(format('%I.%I', p_schema, p_relation)) AND n.attname = a.attname AND NOT n.attisdropped)
  LOOP
    EXECUTE format('GRANT SELECT%s ON %I.%I TO %s', v_right.col, p_schema, p_relation,
      CASE WHEN v_right.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(v_right.grantee)) END);
  END LOOP;
END $$;

-- What this login is to the project; null where it is nothing to it.
CREATE OR REPLACE FUNCTION acme_door.identity() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE
    WHEN session_user = 'acme_ci_service' THEN 'ci_service'
    WHEN session_user = 'acme_prod_service' THEN 'prod_service'
    WHEN session_user = 'acme_janitor' THEN 'janitor'
    WHEN EXISTS (SELECT FROM acme_door.developer d WHERE d.login = session_user) THEN 'developer'
    ELSE (SELECT CASE WHEN r.reviews THEN 'reviewer' ELSE 'reader' END FROM acme_door.reader r WHERE r.login = session_user)
  END
$$;

-- The control of verify: a schema can be made and dropped here, though not by its caller. Takes nothing from the caller.
CREATE OR REPLACE PROCEDURE acme_door.make_and_drop_schema()
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_schema CONSTANT text := 'dbt_envs_control_' || replace(gen_random_uuid()::text, '-', '');
BEGIN
  EXECUTE format('CREATE SCHEMA %I', v_schema);
  EXECUTE format('DROP SCHEMA %I', v_schema);
END $$;

-- Tries a statement with the caller's own rights (SECURITY INVOKER) and undoes it, whatever came of it. p_effect is what
-- must be true afterwards: a GRANT without the right to grant is only a warning.
CREATE OR REPLACE PROCEDURE acme_door.attempt(p_statement text, p_effect text, INOUT outcome text)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp SET client_min_messages = error SET lock_timeout = '5s' AS $$
DECLARE
  v_effect boolean := true;
BEGIN
  BEGIN
    EXECUTE p_statement;
    IF p_effect IS NOT NULL THEN
      EXECUTE 'SELECT ' || p_effect INTO v_effect;
    END IF;
    RAISE EXCEPTION USING ERRCODE = 'DE001', MESSAGE = 'undo it';
  EXCEPTION
    WHEN SQLSTATE 'DE001' THEN outcome := CASE WHEN v_effect THEN 'done' ELSE 'no effect' END;
    WHEN insufficient_privilege THEN outcome := 'refused';
    -- It was allowed: only what depends on the object, or its kind, stopped it.
    WHEN dependent_objects_still_exist OR wrong_object_type THEN outcome := 'done';
    WHEN OTHERS THEN outcome := 'not tried: ' || SQLERRM;
  END;
END $$;

-- Tries every forbidden act, and beside it an act of the same kind that must succeed for this login now (the control):
-- where that fails, the refusal proves nothing. Leaves nothing behind, not even when an act succeeds, but the note in
-- acme_door.proof of what came out; with p_fail, a failure takes that note back too. An act that could not be tried is wrong.
CREATE OR REPLACE PROCEDURE acme_door.verify(p_fail boolean DEFAULT true, INOUT report text DEFAULT NULL)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp SET client_min_messages = notice AS $$
DECLARE
  v_who CONSTANT text := acme_door.identity();
  v_me CONSTANT text := session_user;
  v_probe CONSTANT text := 'dbt_envs_probe_' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 12);
  v_pr CONSTANT text := 'pr_9' || lpad((random() * 999999999)::bigint::text, 9, '0');
  v_own text;       -- the schema in which this login may build
  v_door_call text; -- what this login may do through the door
  v_act record;
  v_statement text;
  v_got text;
  v_control text;
  v_one text;
  v_controls jsonb := '{}';
  v_rows jsonb := '[]';
  v_wrong int := 0;
BEGIN
  IF v_who IS NULL OR current_user <> session_user THEN
    RAISE EXCEPTION 'Nothing was tried: % is no identity of this project. Log in as a developer, a reader or a service, without SET ROLE.', session_user;
  END IF;
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
    RAISE EXCEPTION 'Nothing was tried: % is a superuser, whom no grant can hold.', session_user;
  END IF;
  IF v_who = 'developer' THEN
    EXECUTE 'SELECT ''dev_'' || slug FROM acme_door.developer WHERE login = session_user' INTO v_own;
  ELSIF v_who = 'ci_service' THEN
    v_own := v_pr;
  END IF;
  v_door_call := CASE WHEN v_own IS NOT NULL THEN format('CALL acme_door.create_schema(%L)', v_own)
                      WHEN v_who = 'janitor' THEN format('CALL acme_door.drop_schema(%L, now())', v_pr)
                      ELSE 'SELECT acme_door.identity()' END;

  FOR v_act IN
    WITH
    prod AS (SELECT oid, nspname FROM pg_namespace WHERE nspname IN ('analytics', 'staging')),
    -- One table of each prod schema to try the acts on: production's own, where there is one.
    target AS (
      SELECT DISTINCT ON (p.nspname) p.nspname, c.oid, format('%I.%I', p.nspname, c.relname) AS name,
             (SELECT quote_ident(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum LIMIT 1) AS col
        FROM prod p JOIN pg_class c ON c.relnamespace = p.oid AND c.relkind IN ('r', 'p')
       ORDER BY p.nspname, pg_get_userbyid(c.relowner) = 'acme_prod_service' DESC, c.oid
    ),
    -- Somebody else's environments, as far as there are any.
    environment AS (
      SELECT n.oid, n.nspname, n.nspname COLLATE "C" ~ '^pr_[1-9][0-9]{0,9}$' AS pull_request
        FROM pg_namespace n WHERE n.nspowner = to_regrole('acme_env_owner') AND n.nspname COLLATE "C" ~ '(^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$)|(^pr_[1-9][0-9]{0,9}$)' AND n.nspname IS DISTINCT FROM v_own
    ),
    other AS ( -- one of each kind
      (SELECT nspname FROM environment WHERE NOT pull_request ORDER BY oid DESC LIMIT 1)
      UNION ALL (SELECT nspname FROM environment WHERE pull_request AND v_who <> 'ci_service' ORDER BY oid DESC LIMIT 1)
    ),
    -- An act that has to succeed for everybody who is refused something of its kind.
    control(kind, statement) AS (VALUES
      ('table', format('CREATE TEMPORARY TABLE %I (i int); SELECT FROM pg_temp.%1$I; INSERT INTO pg_temp.%1$I VALUES (1); UPDATE pg_temp.%1$I SET i = 2; DELETE FROM pg_temp.%1$I;
                        TRUNCATE pg_temp.%1$I; LOCK TABLE pg_temp.%1$I IN ACCESS EXCLUSIVE MODE; COMMENT ON TABLE pg_temp.%1$I IS ''x''; CREATE INDEX ON pg_temp.%1$I (i);
                        CREATE RULE r AS ON INSERT TO pg_temp.%1$I DO ALSO NOTHING; ALTER TABLE pg_temp.%1$I ADD COLUMN j int, ALTER COLUMN i SET STATISTICS 1;
                        CREATE TRIGGER t BEFORE UPDATE ON pg_temp.%1$I FOR EACH ROW EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger();
                        ALTER TABLE pg_temp.%1$I OWNER TO %I; ALTER TABLE pg_temp.%1$I RENAME TO renamed; DROP TABLE pg_temp.renamed', v_probe, v_me)),
      ('view', format('CREATE TEMPORARY VIEW %I AS SELECT 1 AS i', v_probe)),
      -- An aggregate is a function for which nobody needs USAGE on a language.
      ('routine', format('CREATE AGGREGATE pg_temp.%I (int) (SFUNC = int4pl, STYPE = int); ALTER AGGREGATE pg_temp.%1$I (int) RENAME TO renamed', v_probe)),
      ('schema', 'CALL acme_door.make_and_drop_schema()'),
      ('door', v_door_call),
      ('role', format('ALTER ROLE %I SET application_name = %L', v_me, v_probe)),
      ('set role', format('SET LOCAL ROLE %I', v_me)),
      ('grant', format('CREATE TEMPORARY TABLE %I (i int); GRANT SELECT ON pg_temp.%1$I TO PUBLIC', v_probe)),
      ('default', 'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO acme_janitor'),
      ('setting', format('SET LOCAL application_name = %L', v_probe))
    ),
    act(n, act, statements, effect, control, may) AS (
      -- Tables of production. acme_prod_service owns them, and shows below what it can do on tables of its own making. An
      -- index is not tried: PostgreSQL notes it in pg_class.relhasindex in place, which no rollback undoes. Its right is the
      -- owner's, as renaming is.
      SELECT 10, a.act || t.name, ARRAY[format(a.statement, t.name, v_probe, t.col, v_me)], format(a.effect, t.name, v_me), a.control, a.may::text[]
        FROM target t CROSS JOIN (VALUES
          ('read ', 'SELECT FROM %1$s LIMIT 0', NULL, 'table', '{developer,reader,reviewer,ci_service,prod_service}'),
          ('insert into ', 'INSERT INTO %1$s SELECT * FROM %1$s LIMIT 0', NULL, 'table', NULL),
          ('update ', 'UPDATE %1$s SET %3$s = DEFAULT WHERE false', NULL, 'table', NULL),
          ('truncate ', 'TRUNCATE %1$s', NULL, 'table', NULL),
          ('drop ', 'DROP TABLE %1$s', NULL, 'table', NULL),
          ('rename ', 'ALTER TABLE %1$s RENAME TO %2$I', NULL, 'table', NULL),
          ('add a column to ', 'ALTER TABLE %1$s ADD COLUMN %2$I int', NULL, 'table', NULL),
          ('take over ', 'ALTER TABLE %1$s OWNER TO %4$I', NULL, 'table', NULL),
          ('put a rule on ', 'CREATE RULE %2$I AS ON INSERT TO %1$s DO ALSO NOTHING', NULL, 'table', NULL),
          ('put a trigger on ', 'CREATE TRIGGER %2$I BEFORE UPDATE ON %1$s FOR EACH ROW EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()', NULL, 'table', NULL),
          ('comment on ', 'COMMENT ON TABLE %1$s IS ''x''', NULL, 'table', NULL),
          ('lock ', 'LOCK TABLE %1$s IN ACCESS EXCLUSIVE MODE NOWAIT', NULL, 'table', NULL),
          ('grant itself rights on ', 'GRANT INSERT ON %1$s TO %4$I', 'has_table_privilege(%L, ''INSERT'')', 'grant', NULL)
        ) AS a(act, statement, effect, control, may)
       WHERE v_who <> 'prod_service' OR a.may IS NOT NULL
      UNION ALL
      SELECT 11, 'change a column of ' || t.name, array_agg(format('UPDATE %s SET %I = DEFAULT WHERE false', t.name, a.attname)), NULL, 'table', NULL
        FROM target t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
       WHERE v_who <> 'prod_service' GROUP BY t.name
      UNION ALL
      SELECT 12, 'change any of ' || CASE WHEN every.tables > 200 THEN format('200 of %s tables of ', every.tables) ELSE format('%s tables of ', every.tables) END || every.nspname, every.statements, NULL, 'table', NULL
        FROM (SELECT p.nspname, count(*) AS tables, (array_agg(format('DELETE FROM %I.%I WHERE false', p.nspname, c.relname) ORDER BY c.oid))[1:200]
                     || ARRAY(SELECT format('UPDATE %I.%I SET %I = DEFAULT WHERE false', p.nspname, c.relname, a.attname) -- columns that somebody was granted
                                FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
                               WHERE c.relnamespace = p.oid AND c.relkind IN ('r', 'p') AND c.oid NOT IN (SELECT oid FROM target) ORDER BY c.oid, a.attnum LIMIT 200) AS statements
                FROM prod p JOIN pg_class c ON c.relnamespace = p.oid AND c.relkind IN ('r', 'p') GROUP BY p.oid, p.nspname) AS every
       WHERE v_who <> 'prod_service'
      UNION ALL -- said, not skipped
      SELECT 13, 'change tables of ' || s.name, NULL, CASE WHEN EXISTS (SELECT FROM target) THEN 'no table there' ELSE 'not tried: nothing is built yet' END, NULL, NULL
        FROM unnest(ARRAY['analytics', 'staging']) AS s(name) WHERE s.name NOT IN (SELECT nspname FROM target)

      UNION ALL -- Schemas of production.
      SELECT 20, a.act || s.name, ARRAY[format(a.statement, s.name, v_probe, v_me)], format(a.effect, s.name, v_me), a.control, a.may::text[]
        FROM unnest(ARRAY['analytics', 'staging']) AS s(name) CROSS JOIN (VALUES
          ('make a table in ', 'CREATE TABLE %1$I.%2$I (i int)', NULL, 'table', '{prod_service}'),
          ('make a view in ', 'CREATE VIEW %1$I.%2$I AS SELECT 1 AS i', NULL, 'view', '{prod_service}'),
          ('put a routine into ', 'CREATE AGGREGATE %1$I.%2$I (int) (SFUNC = int4pl, STYPE = int)', NULL, 'routine', '{prod_service}'),
          ('make, where missing, schema ', 'CREATE SCHEMA IF NOT EXISTS %1$I', NULL, 'schema', NULL),
          ('drop schema ', 'DROP SCHEMA %1$I', NULL, 'schema', NULL),
          ('rename schema ', 'ALTER SCHEMA %1$I RENAME TO %2$I', NULL, 'schema', NULL),
          ('take over schema ', 'ALTER SCHEMA %1$I OWNER TO %3$I', NULL, 'schema', NULL),
          ('grant itself rights on schema ', 'GRANT CREATE ON SCHEMA %1$I TO PUBLIC', 'EXISTS (SELECT FROM pg_namespace, aclexplode(nspacl) g WHERE nspname = %L AND g.grantee = 0 AND g.privilege_type = ''CREATE'')', 'grant', NULL),
          ('create through the door ', 'CALL acme_door.create_schema(%1$L)', NULL, 'door', NULL),
          ('use through the door ', 'CALL acme_door.touch(%1$L)', NULL, 'door', NULL),
          ('close through the door ', 'CALL acme_door.close_schema(%1$L)', NULL, 'door', NULL),
          ('keep through the door ', 'CALL acme_door.keep_schema(%1$L, now())', NULL, 'door', NULL),
          ('drop through the door ', 'CALL acme_door.drop_schema(%1$L, now())', NULL, 'door', NULL)
        ) AS a(act, statement, effect, control, may)

      UNION ALL -- What acme_prod_service builds, and who reads it.
      SELECT 30, a.act || s.name, ARRAY[format(a.statement, s.name, v_probe)], NULL, NULL, '{prod_service}'
        FROM unnest(ARRAY['analytics', 'staging']) AS s(name) CROSS JOIN (VALUES
          ('replace a table, as dbt does, in ', 'CREATE TABLE %1$I.%2$I AS SELECT 1 AS i; CREATE TABLE %1$I.%2$I_new AS SELECT 2 AS i; ALTER TABLE %1$I.%2$I RENAME TO %2$I_old;
                                                 ALTER TABLE %1$I.%2$I_new RENAME TO %2$I; DROP TABLE %1$I.%2$I_old CASCADE')
        ) AS a(act, statement) WHERE v_who = 'prod_service'
      UNION ALL
      SELECT 31, format('build what %s reads in %s', g.name, s.name), ARRAY[format('CREATE TABLE %I.%I (i int)', s.name, v_probe)],
             format('has_schema_privilege(%L, %L, ''USAGE'') AND has_table_privilege(%1$L, %3$L, ''SELECT'')', g.name, quote_ident(s.name), format('%I.%I', s.name, v_probe)), NULL, '{prod_service}'
        FROM unnest(ARRAY['analytics', 'staging']) AS s(name) CROSS JOIN unnest(ARRAY['acme_developer', 'acme_reader', 'acme_reviewer', 'acme_ci_service']) AS g(name) WHERE v_who = 'prod_service'

      UNION ALL
      SELECT 40, a.act, ARRAY[a.statement], NULL, a.control, a.may::text[]
        FROM (VALUES
          ('look into raw', format('SELECT ''raw''::regnamespace, to_regclass(%L)', 'raw.' || v_probe), 'table', '{developer,ci_service,prod_service}'),
          ('make a table in raw', format('CREATE TABLE raw.%I (i int)', v_probe), 'table', '{}')
        ) AS a(act, statement, control, may)
      UNION ALL
      SELECT 41, a.act || format('%I.%I', n.nspname, c.relname), ARRAY[format(a.statement, n.nspname, c.relname)], NULL, 'table', a.may::text[]
        FROM (SELECT oid, nspname FROM pg_namespace WHERE nspname = 'raw') AS n
       CROSS JOIN LATERAL (SELECT relname FROM pg_class WHERE relnamespace = n.oid AND relkind IN ('r', 'p') ORDER BY oid LIMIT 1) AS c
       CROSS JOIN (VALUES ('read ', 'SELECT FROM %I.%I LIMIT 0', '{developer,ci_service,prod_service}'), ('change ', 'DELETE FROM %I.%I WHERE false', '{}')) AS a(act, statement, may)
      UNION ALL
      SELECT 41, 'read a table of raw', NULL, 'no table there', NULL, NULL
        FROM pg_namespace n WHERE n.nspname = 'raw' AND NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid AND relkind IN ('r', 'p'))
      UNION ALL
      SELECT 40, a.act, ARRAY[a.statement], NULL, a.control, a.may::text[]
        FROM (VALUES
          ('look into crm, which holds personal data', format('SELECT ''crm''::regnamespace, to_regclass(%L)', 'crm.' || v_probe), 'table', '{prod_service}'),
          ('make a table in crm', format('CREATE TABLE crm.%I (i int)', v_probe), 'table', '{}')
        ) AS a(act, statement, control, may)
      UNION ALL
      SELECT 41, a.act || format('%I.%I', n.nspname, c.relname), ARRAY[format(a.statement, n.nspname, c.relname)], NULL, 'table', a.may::text[]
        FROM (SELECT oid, nspname FROM pg_namespace WHERE nspname = 'crm') AS n
       CROSS JOIN LATERAL (SELECT relname FROM pg_class WHERE relnamespace = n.oid AND relkind IN ('r', 'p') ORDER BY oid LIMIT 1) AS c
       CROSS JOIN (VALUES ('read ', 'SELECT FROM %I.%I LIMIT 0', '{prod_service}'), ('change ', 'DELETE FROM %I.%I WHERE false', '{}')) AS a(act, statement, may)
      UNION ALL
      SELECT 41, 'read a table of crm', NULL, 'no table there', NULL, NULL
        FROM pg_namespace n WHERE n.nspname = 'crm' AND NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = n.oid AND relkind IN ('r', 'p'))

      UNION ALL -- Environments of others.
      SELECT 50, a.act || o.nspname, ARRAY[format(a.statement, o.nspname, v_probe, v_me)], NULL, a.control, a.may::text[]
        FROM other o CROSS JOIN (VALUES
          ('drop schema ', 'DROP SCHEMA %1$I', 'schema', NULL),
          ('rename schema ', 'ALTER SCHEMA %1$I RENAME TO %2$I', 'schema', NULL),
          ('create through the door ', 'CALL acme_door.create_schema(%1$L)', 'door', NULL),
          ('use through the door ', 'CALL acme_door.touch(%1$L)', 'door', NULL),
          ('drop through the door ', 'CALL acme_door.drop_schema(%1$L, ''-infinity'')', 'door', '{janitor}')
        ) AS a(act, statement, control, may) WHERE a.may IS NULL OR NOT v_who = ANY (a.may::text[])
      UNION ALL
      SELECT 51, format(a.act, CASE WHEN count(*) > 200 THEN '200 of ' ELSE '' END || count(*), CASE WHEN e.pull_request THEN 'pull requests' ELSE 'others' END),
             (array_agg(format(a.statement, e.nspname, v_probe) ORDER BY e.oid))[1:200], NULL, 'table',
             CASE WHEN e.pull_request AND a.readers_may THEN '{developer,reviewer}' ELSE '{}' END::text[]
        FROM environment e CROSS JOIN (VALUES
          ('look into any of %s schemas of %s', 'SELECT %1$L::regnamespace, to_regclass(''%1$I.%2$I'')', true),
          ('make a table in any of %s schemas of %s', 'CREATE TABLE %1$I.%2$I (i int)', false)
        ) AS a(act, statement, readers_may)
       WHERE NOT (e.pull_request AND v_who = 'ci_service') GROUP BY e.pull_request, a.act, a.readers_may
      UNION ALL
      SELECT 52, 'read ' || format('%I.%I', o.nspname, c.relname), ARRAY[format('SELECT FROM %I.%I LIMIT 0', o.nspname, c.relname)], NULL, 'table',
             CASE WHEN o.nspname COLLATE "C" ~ '^pr_[1-9][0-9]{0,9}$' THEN '{developer,reviewer}' ELSE '{}' END::text[]
        FROM other o
       CROSS JOIN LATERAL (SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(o.nspname)) AND relkind IN ('r', 'p') AND pg_get_userbyid(relowner) = acme_door.user_of(o.nspname) ORDER BY oid LIMIT 1) AS c
      UNION ALL
      SELECT 51, 'enter schemas of ' || k.name, NULL, 'no schema there', NULL, NULL
        FROM (VALUES (false, 'others'), (true, 'pull requests')) AS k(pull_request, name)
       WHERE NOT EXISTS (SELECT FROM environment e WHERE e.pull_request = k.pull_request) AND NOT (k.pull_request AND v_who = 'ci_service')
      UNION ALL
      SELECT 53, format('make through the door %L', replace(replace(replace(w.name, v_probe, '<probe>'), v_pr, '<pr>'), E'\n', '\n')), ARRAY[format('CALL acme_door.create_schema(%L)', w.name)], NULL, 'door', NULL
        FROM unnest(ARRAY['dev_' || v_probe, v_own || '_x', upper(v_own), 'pr_0', 'pr_012', 'pr_' || v_probe, v_pr || '_x', v_pr || '0', v_pr || E'\n', v_pr || '"; DROP SCHEMA x; --', 'product', 'acme_door', 'public', v_probe]) AS w(name)
       WHERE w.name IS NOT NULL

      UNION ALL -- Its own.
      SELECT 60, a.act, ARRAY[format(a.statement, v_own, v_probe)], format(a.effect, v_own, v_probe), a.control, a.may::text[]
        FROM (VALUES
          ('build in its own schema', 'CALL acme_door.create_schema(%1$L); CREATE TABLE %1$I.%2$I AS SELECT 1 AS i; CREATE VIEW %1$I.%2$I_v AS SELECT * FROM %1$I.%2$I', NULL, NULL, '{developer,ci_service}'),
          ('drop its own schema through the door', 'CALL acme_door.create_schema(%1$L); CALL acme_door.drop_schema(%1$L)', NULL, NULL, '{ci_service}'),
          ('build what acme_developer reads', 'CALL acme_door.create_schema(%1$L); CREATE TABLE %1$I.%2$I (i int)', 'has_schema_privilege(''acme_developer'', %1$L, ''USAGE'') AND has_table_privilege(''acme_developer'', ''%1$I.%2$I'', ''SELECT'')', NULL, '{ci_service}'),
          ('build what acme_reviewer reads', 'CALL acme_door.create_schema(%1$L); CREATE TABLE %1$I.%2$I (i int)', 'has_schema_privilege(''acme_reviewer'', %1$L, ''USAGE'') AND has_table_privilege(''acme_reviewer'', ''%1$I.%2$I'', ''SELECT'')', NULL, '{ci_service}'),
          ('drop its own schema without the door', 'CALL acme_door.create_schema(%1$L); DROP SCHEMA %1$I', NULL, 'schema', NULL),
          ('rename its own schema', 'CALL acme_door.create_schema(%1$L); ALTER SCHEMA %1$I RENAME TO %2$I', NULL, 'schema', NULL),
          ('let others into its own schema', 'CALL acme_door.create_schema(%1$L); GRANT CREATE ON SCHEMA %1$I TO PUBLIC', 'EXISTS (SELECT FROM pg_namespace, aclexplode(nspacl) g WHERE nspname = %1$L AND g.grantee = 0)', 'grant', NULL),
          ('move its own table into analytics', 'CALL acme_door.create_schema(%1$L); CREATE TABLE %1$I.%2$I (i int); ALTER TABLE %1$I.%2$I SET SCHEMA "analytics"', NULL, 'table', NULL),
          ('give its own table to acme_prod_service', 'CALL acme_door.create_schema(%1$L); CREATE TABLE %1$I.%2$I (i int); ALTER TABLE %1$I.%2$I OWNER TO acme_prod_service', NULL, 'table', NULL)
        ) AS a(act, statement, effect, control, may) WHERE v_own IS NOT NULL AND (a.may IS NULL OR v_who = ANY (a.may::text[]))
      UNION ALL
      SELECT 61, 'drop a pull request''s schema', ARRAY[v_door_call], NULL, 'door', '{janitor}' WHERE v_who = 'janitor'
      UNION ALL -- The one that has been unused for longest, so that no build of this moment is in the way; an hour before its time is up.
      SELECT 61, 'drop a schema that was used lately', CASE WHEN u.name IS NOT NULL THEN ARRAY[format(
               'DO $do$ DECLARE v_left bigint; BEGIN CALL acme_door.drop_schema(%L, now(), 1, v_left); EXCEPTION WHEN object_in_use THEN RAISE insufficient_privilege; END $do$', u.name)] END,
             CASE WHEN u.name IS NULL THEN 'no schema there' END, 'door', NULL
        FROM (SELECT (SELECT e.schema_name FROM acme_door.environment e JOIN environment n ON n.nspname = e.schema_name
                       WHERE e.last_used_at < now() AND e.last_used_at > now() + interval '1 hour' - CASE WHEN n.pull_request THEN interval '168 hours' ELSE interval '720 hours' END
                         AND coalesce(e.keep_until < now(), true) ORDER BY e.last_used_at LIMIT 1) AS name) AS u
       WHERE v_who = 'janitor'

      UNION ALL -- The database.
      SELECT 70, a.act, ARRAY[a.statement], NULL, a.control, NULL
        FROM (VALUES
          ('make a schema', format('CREATE SCHEMA %I', v_probe), 'schema'),
          ('make a dev schema without the door', format('CREATE SCHEMA dev_%s', v_probe), 'schema'),
          ('make a table in public', format('CREATE TABLE public.%I (i int)', v_probe), 'table'),
          ('put a routine into public', format('CREATE AGGREGATE public.%I (int) (SFUNC = int4pl, STYPE = int)', v_probe), 'routine'),
          ('make a publication', format('CREATE PUBLICATION %I', v_probe), 'schema'),
          ('change a setting of this database', format('ALTER DATABASE %I SET application_name = %L', current_database(), v_probe), 'role'),
          ('change a setting that is not for users', 'SET LOCAL log_statement = ''none''', 'setting'),
          ('make an event trigger', format('CREATE EVENT TRIGGER %I ON ddl_command_end EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()', v_probe), 'table'),
          ('make a foreign data wrapper', format('CREATE FOREIGN DATA WRAPPER %I', v_probe), 'table'),
          ('run a program on the server', 'COPY pg_roles TO PROGRAM ''true''', 'table'), -- a view cannot be copied: nothing ever runs
          ('read a file of the server', 'SELECT pg_read_file(''PG_VERSION'')', 'table')
        ) AS a(act, statement, control)

      UNION ALL -- Roles.
      SELECT 80, 'act as ' || r.name, ARRAY[format('SET LOCAL ROLE %I', r.name)], NULL, 'set role', CASE WHEN r.name = v_me THEN ARRAY[v_who] END
        FROM unnest(ARRAY['acme_env_owner', 'acme_prod_owner', 'acme_ci_service', 'acme_prod_service', 'acme_janitor']) AS r(name)
      UNION ALL
      SELECT 81, 'act as ' || d.name, ARRAY[format('SET LOCAL ROLE %I', d.name)], NULL, 'set role', NULL
        FROM (SELECT pg_get_userbyid(m.member) AS name FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member AND NOT r.rolcreaterole AND NOT r.rolsuper
               WHERE m.roleid = to_regrole('acme_developer') AND pg_get_userbyid(m.member) <> v_me ORDER BY m.member LIMIT 20) AS d
      UNION ALL
      SELECT 82, a.act, ARRAY[a.statement], a.effect, a.control, a.may::text[]
        FROM (VALUES
          ('give itself acme_prod_service', format('GRANT acme_prod_service TO %I', v_me), NULL, 'role', CASE WHEN v_who = 'prod_service' THEN '{skip}' END),
          ('give itself acme_env_owner', format('GRANT acme_env_owner TO %I', v_me), NULL, 'role', NULL),
          ('give acme_developer to acme_janitor', 'GRANT acme_developer TO acme_janitor', NULL, 'role', NULL),
          ('make a role', format('CREATE ROLE %I', v_probe), NULL, 'role', NULL),
          ('give itself CREATEROLE', format('ALTER ROLE %I CREATEROLE', v_me), NULL, 'role', NULL),
          ('set the password of acme_prod_service', format('ALTER ROLE acme_prod_service PASSWORD %L', gen_random_uuid()), NULL, 'role', '{prod_service}'),
          ('set the password of acme_janitor', format('ALTER ROLE acme_janitor PASSWORD %L', gen_random_uuid()), NULL, 'role', '{janitor}'),
          ('change a setting of acme_prod_owner', 'ALTER ROLE acme_prod_owner SET application_name = ''x''', NULL, 'role', NULL),
          ('grant rights on what acme_prod_service will build', format('ALTER DEFAULT PRIVILEGES FOR ROLE acme_prod_service GRANT ALL ON TABLES TO %I', 'acme_janitor'), NULL, 'default', '{prod_service}'),
          ('grant rights on what acme_ci_service will build', format('ALTER DEFAULT PRIVILEGES FOR ROLE acme_ci_service GRANT ALL ON TABLES TO %I', 'acme_janitor'), NULL, 'default', '{ci_service}')
        ) AS a(act, statement, effect, control, may) WHERE a.may IS DISTINCT FROM '{skip}'

      UNION ALL -- The door itself.
      SELECT 90, a.act, ARRAY[a.statement], CASE a.act WHEN 'call an internal of the door' THEN 'has_function_privilege(''acme_door.demand(text, text)'', ''EXECUTE'')' END, a.control, a.may::text[]
        FROM (VALUES
          ('give itself a place on the roster', format('INSERT INTO acme_door.developer VALUES (%L, %L)', v_probe, v_probe), 'table', NULL),
          ('take somebody off the roster', 'DELETE FROM acme_door.developer WHERE false', 'table', NULL),
          ('become a reviewer', 'UPDATE acme_door.reader SET reviews = true WHERE false', 'table', NULL),
          ('backdate the use of a schema', 'UPDATE acme_door.environment SET last_used_at = ''-infinity'' WHERE false', 'table', NULL),
          ('register a schema', format('INSERT INTO acme_door.environment VALUES (%L, %L)', v_probe, v_me), 'table', NULL),
          ('accept what the audit finds', format('INSERT INTO acme_door.accepted VALUES (%L, ''administrator'')', v_me), 'table', NULL),
          ('forge a proof', format('INSERT INTO acme_door.proof VALUES (%L, ''developer'', now(), 1, 0)', v_probe), 'table', NULL),
          ('change what was swept', 'DELETE FROM acme_door.swept WHERE false', 'table', NULL),
          ('change a size of the past', 'UPDATE acme_door.size SET bytes = 0 WHERE false', 'table', NULL),
          ('write the sizes of today down', 'CALL acme_door.note_sizes()', 'door', '{janitor}'),
          ('read how production was found', 'SELECT FROM acme_door.found LIMIT 0', 'table', NULL),
          ('change how production was found', 'DELETE FROM acme_door.found WHERE false', 'table', NULL),
          ('read the roster', 'SELECT FROM acme_door.developer LIMIT 0', 'table', '{developer,ci_service,janitor}'),
          ('put a table into acme_door', format('CREATE TABLE acme_door.%I (i int)', v_probe), 'table', NULL),
          ('put a routine into acme_door', format('CREATE AGGREGATE acme_door.%I (int) (SFUNC = int4pl, STYPE = int)', v_probe), 'routine', NULL),
          ('unpin what decides', 'ALTER FUNCTION acme_door.refusal(text, text) RESET ALL', 'routine', NULL),
          ('take over what makes schemas', format('ALTER PROCEDURE acme_door.create_schema(text) OWNER TO %I', v_me), 'routine', NULL),
          -- Who has nothing to drop would be refused by the routine itself: that would prove nothing.
          ('call an internal of the door', CASE WHEN v_door_call ^@ 'CALL' THEN format('SELECT acme_door.demand(%L, ''drop'')', coalesce(v_own, v_pr)) ELSE 'SELECT' END, 'door', NULL)
        ) AS a(act, statement, control, may)
    )
    SELECT a.act, a.statements, a.effect, c.statement AS control, CASE WHEN a.statements IS NULL THEN a.effect WHEN v_who = ANY (a.may) THEN 'done' ELSE 'refused' END AS expected
      FROM act a LEFT JOIN control c ON c.kind = a.control ORDER BY a.n, a.act
  LOOP
    v_control := CASE WHEN v_act.expected = 'refused' THEN 'missing' ELSE 'not needed' END;
    IF v_act.statements IS NULL THEN
      v_got := v_act.expected;
    ELSE
      IF v_act.expected = 'refused' AND v_act.control IS NOT NULL THEN
        IF NOT v_controls ? v_act.control THEN -- once for all acts of its kind
          CALL acme_door.attempt(v_act.control, NULL, v_control);
          v_controls := v_controls || jsonb_build_object(v_act.control, v_control);
        END IF;
        v_control := v_controls ->> v_act.control;
      END IF;
      FOREACH v_statement IN ARRAY v_act.statements LOOP
        CALL acme_door.attempt(v_statement, v_act.effect, v_one);
        v_got := CASE WHEN v_one = 'no effect' AND v_act.expected = 'refused' THEN 'refused' ELSE v_one END;
        EXIT WHEN v_got <> v_act.expected;
      END LOOP;
      IF v_got = 'refused' AND v_act.expected = 'refused' AND v_control <> 'done' THEN
        v_got := 'not tried: the control did not succeed';
      END IF;
    END IF;
    v_rows := v_rows || jsonb_build_object('act', v_act.act, 'expected', v_act.expected, 'got', v_got, 'control', v_control,
      'ok', v_got = v_act.expected AND v_got !~ '^not tried');
  END LOOP;

  FOR v_act IN SELECT * FROM jsonb_to_recordset(v_rows) AS r(act text, expected text, got text, control text, ok boolean) LOOP
    RAISE NOTICE '% | % | control % | expected % | got %', CASE WHEN v_act.ok THEN 'ok   ' ELSE 'WRONG' END, v_act.act, v_act.control, v_act.expected, v_act.got;
    v_wrong := v_wrong + (NOT v_act.ok)::int;
  END LOOP;
  CALL acme_door.note_proof(jsonb_array_length(v_rows), v_wrong);
  report := jsonb_build_object('login', session_user, 'identity', v_who, 'acts', v_rows, 'wrong', v_wrong)::text;
  IF p_fail AND v_wrong > 0 THEN
    RAISE EXCEPTION '% of % acts came out wrong for %: the lines that begin with WRONG. grants/audit.sql says through what.', v_wrong, jsonb_array_length(v_rows), session_user;
  END IF;
END $$;

-- Fails where the verify of this login, of a moment ago, came out wrong.
CREATE OR REPLACE PROCEDURE acme_door.demand_proof()
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_proof acme_door.proof;
BEGIN
  SELECT * INTO v_proof FROM acme_door.proof p WHERE p.login = session_user AND p.at > now() - interval '1 hour';
  IF NOT FOUND THEN
    RAISE EXCEPTION 'Nothing was tried as % in the last hour.', session_user;
  ELSIF v_proof.wrong > 0 THEN
    RAISE EXCEPTION '% of % acts came out wrong for %: the lines that begin with WRONG. grants/audit.sql says through what.', v_proof.wrong, v_proof.acts, session_user;
  END IF;
END $$;
-- Whose an environment schema is: dev_<slug> its developer's, pr_<number> CI's; null where it is nobody's.
CREATE OR REPLACE FUNCTION acme_door.user_of(p_schema name) RETURNS name
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE WHEN p_schema COLLATE "C" ~ '^pr_[1-9][0-9]{0,9}$' THEN 'acme_ci_service'
              ELSE (SELECT d.login FROM acme_door.developer d WHERE p_schema ^@ 'dev_' AND d.slug = substr(p_schema, 5) COLLATE "default") END
$$;

-- Who can write production or pass the boundary beside it, and through what; and what the boundary lacks. It follows
-- owners, rights to schemas, relations, columns and parameters, default privileges, memberships at any depth, parents and
-- partitions, foreign keys that cascade, views and rules, definer routines, and the functions, operators, types and servers
-- that production is made of. It does not read the bodies of functions, nor operator classes, which only a superuser
-- makes. It reads the catalogue with the caller's own rights. verdict:
--   HOLE           somebody has to act
--   administrator  a superuser, the owner of the database, or CREATEROLE where it reaches this project: no grant holds
--                  them. Once grants/90_close_prod.sql has written down who they were, another one is a HOLE; one who
--                  is also a developer, a reader or a service of this project always is.
--   accepted       this very line is in acme_door.accepted
--   source         owns what production reads: a view there runs functions with the rights of acme_prod_service
-- remedy is how to accept a HOLE, where that can be.
CREATE OR REPLACE FUNCTION acme_door.audit_with_remedy() RETURNS TABLE (login text, how text, verdict text, remedy text)
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
WITH RECURSIVE
prod AS (
  SELECT oid, nspname, nspowner, nspacl FROM pg_namespace WHERE nspname IN ('analytics', 'staging')
),
source AS (
  SELECT oid, nspname, nspowner FROM pg_namespace WHERE nspname = ANY (ARRAY['raw', 'crm']::name[])
),
production(role) AS (
  SELECT oid FROM pg_roles WHERE rolname IN ('acme_prod_service', 'acme_prod_owner')
),
here AS (
  SELECT oid, datdba, coalesce(datacl, acldefault('d', datdba)) AS datacl, current_setting('server_version_num')::int >= 160000 AS admin_counts
    FROM pg_database WHERE datname = current_database()
),
-- From PostgreSQL 16 on a membership may carry the role's rights (inherit), allow SET ROLE (set), allow both to be
-- granted (admin), or none of that; before, whoever is a member may act. https://www.postgresql.org/docs/current/role-membership.html
edge(role, member, inherits, sets, admin, given) AS (
  SELECT roleid, member, bool_or(i), bool_or(s), bool_or(admin_option), bool_or((i OR s) AND grantor <> member)
    FROM pg_auth_members m
   CROSS JOIN LATERAL (SELECT coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true), coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)) AS o(i, s)
   GROUP BY roleid, member
  UNION ALL SELECT to_regrole('pg_database_owner'), datdba, true, true, false, false FROM here -- it has no other member, and no row of its own
),
-- What changes production when it is changed, by one of these rights to it. Of a table and its partitions or children, a
-- statement wants the rights to the one that it names; a foreign key that cascades wants none; a view or a rule has its
-- owner's. https://www.postgresql.org/docs/current/ddl-inherit.html, https://www.postgresql.org/docs/current/rules-privileges.html
carrier(relation, rights, up, down, lends) AS (
  SELECT c.oid, '{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER,MAINTAIN}'::text[], true, true, false
    FROM prod p JOIN pg_class c ON c.relnamespace = p.oid WHERE c.relkind IN ('r', 'p', 'v', 'f')
  UNION SELECT via.* FROM carrier c CROSS JOIN LATERAL (
    SELECT i.inhparent, c.rights, true, false, false FROM pg_inherits i WHERE i.inhrelid = c.relation AND c.up
    UNION ALL SELECT i.inhrelid, c.rights, false, true, false FROM pg_inherits i WHERE i.inhparent = c.relation AND c.down
    UNION ALL SELECT k.confrelid, array_remove(ARRAY[CASE WHEN k.confdeltype IN ('c', 'n', 'd') THEN 'DELETE' END, CASE WHEN k.confupdtype IN ('c', 'n', 'd') THEN 'UPDATE' END], NULL), true, false, false
      FROM pg_constraint k WHERE k.conrelid = c.relation AND k.contype = 'f' AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
    UNION ALL SELECT v.oid, CASE w.ev_type WHEN '2' THEN '{UPDATE}' WHEN '3' THEN '{INSERT}' WHEN '4' THEN '{DELETE}' ELSE ARRAY(SELECT unnest(c.rights) INTERSECT SELECT unnest('{INSERT,UPDATE,DELETE}'::text[])) END, false, false, true
      FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid JOIN pg_class v ON v.oid = w.ev_class AND v.oid <> c.relation
     WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.relation AND d.classid = 'pg_rewrite'::regclass
       AND (has_any_column_privilege(v.relowner, c.relation, 'INSERT, UPDATE') OR has_table_privilege(v.relowner, c.relation, 'DELETE'))
       AND (w.ev_type <> '1' OR NOT coalesce(v.reloptions && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false))
  ) AS via(relation, rights, up, down, lends)
),
-- Who holds what directly; 0 is PUBLIC. An attribute is nobody's but the role's own: to use it, one has to become the role.
own_way(holder, act, object, kind, attribute) AS (
  SELECT nspowner, 'owns schema ', quote_ident(nspname), 'write', false FROM prod
  UNION ALL SELECT g.grantee, 'may create in schema ', quote_ident(p.nspname), 'write', false
    FROM prod p CROSS JOIN aclexplode(p.nspacl) g WHERE g.privilege_type = 'CREATE' AND g.grantee <> p.nspowner
  UNION ALL SELECT c.relowner, 'owns ', format('%I.%I', p.nspname, c.relname), 'write', false
    FROM prod p JOIN pg_class c ON c.relnamespace = p.oid WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
  UNION ALL SELECT r.proowner, 'owns ', format('%I.%I(%s)', p.nspname, r.proname, oidvectortypes(r.proargtypes)), 'write', false
    FROM prod p JOIN pg_proc r ON r.pronamespace = p.oid
  UNION ALL SELECT t.typowner, 'owns ', format('%I.%I', p.nspname, t.typname), 'write', false
    FROM prod p JOIN pg_type t ON t.typnamespace = p.oid WHERE t.typtype IN ('d', 'e', 'r')
  -- A foreign key (REFERENCES) keeps production from deleting rows; MAINTAIN (17) locks and refreshes.
  UNION ALL SELECT g.grantee,
      CASE WHEN c.relkind = 'S' THEN 'may advance ' WHEN g.privilege_type = 'TRIGGER' THEN 'may put triggers on '
           WHEN g.privilege_type = 'REFERENCES' THEN 'may put foreign keys on ' WHEN g.privilege_type = 'MAINTAIN' THEN 'may lock and rebuild ' ELSE 'may change rows in ' END,
      format('%I.%I', p.nspname, c.relname), 'write', false
    FROM prod p JOIN pg_class c ON c.relnamespace = p.oid CROSS JOIN aclexplode(c.relacl) g WHERE g.privilege_type <> 'SELECT' AND g.grantee <> c.relowner
  UNION ALL SELECT g.grantee, CASE g.privilege_type WHEN 'REFERENCES' THEN 'may put foreign keys on ' ELSE 'may change columns in ' END,
      format('%I.%I (%I)', p.nspname, c.relname, a.attname), 'write', false
    FROM prod p JOIN pg_class c ON c.relnamespace = p.oid JOIN pg_attribute a ON a.attrelid = c.oid CROSS JOIN aclexplode(a.attacl) g
   WHERE NOT a.attisdropped AND g.privilege_type <> 'SELECT' AND g.grantee <> c.relowner
  UNION ALL SELECT g.grantee, 'may change what ' || pg_get_userbyid(d.defaclrole) || ' will build', coalesce(' in ' || quote_ident(p.nspname), ''), 'write', false
    FROM pg_default_acl d LEFT JOIN prod p ON p.oid = d.defaclnamespace CROSS JOIN aclexplode(d.defaclacl) g
   WHERE (p.oid IS NOT NULL OR d.defaclrole IN (SELECT role FROM production)) AND g.grantee <> d.defaclrole
     AND CASE d.defaclobjtype WHEN 'r' THEN g.privilege_type <> 'SELECT' WHEN 'S' THEN g.privilege_type <> 'SELECT' WHEN 'n' THEN g.privilege_type = 'CREATE' ELSE false END
  UNION ALL SELECT DISTINCT g.grantee, 'may change production through ', format('%I.%I', n.nspname, c.relname), 'write', false
    FROM carrier k JOIN pg_class c ON c.oid = k.relation JOIN pg_namespace n ON n.oid = c.relnamespace AND n.oid NOT IN (SELECT oid FROM prod)
   CROSS JOIN LATERAL (SELECT * FROM aclexplode(c.relacl) UNION ALL SELECT x.* FROM pg_attribute a CROSS JOIN aclexplode(a.attacl) x WHERE a.attrelid = c.oid AND NOT a.attisdropped) AS g
   WHERE g.privilege_type = ANY (k.rights) AND g.grantee <> c.relowner
  UNION ALL SELECT DISTINCT c.relowner, 'owns what production changes with: ', format('%I.%I', n.nspname, c.relname), 'write', false
    FROM carrier k JOIN pg_class c ON c.oid = k.relation JOIN pg_namespace n ON n.oid = c.relnamespace AND n.oid NOT IN (SELECT oid FROM prod) WHERE NOT k.lends
  UNION ALL SELECT oid, CASE rolname WHEN 'pg_write_all_data' THEN 'may change all data' WHEN 'pg_maintain' THEN 'may lock and rebuild all tables'
      WHEN 'pg_execute_server_program' THEN 'may run programs on the server' ELSE 'may write files of the server' END, '', 'write', false
    FROM pg_roles WHERE rolname IN ('pg_write_all_data', 'pg_maintain', 'pg_execute_server_program', 'pg_write_server_files')
  -- https://www.postgresql.org/docs/current/lo-funcs.html; pg_file_... came with adminpack until 16.
  UNION ALL SELECT g.grantee, 'may reach files of the server with ', format('%s(%s)', r.proname, oidvectortypes(r.proargtypes)), 'write', false
    FROM pg_proc r CROSS JOIN aclexplode(r.proacl) g
   WHERE r.pronamespace = 'pg_catalog'::regnamespace AND r.proname IN ('lo_export', 'lo_import', 'pg_file_write', 'pg_file_rename', 'pg_file_unlink') AND g.grantee <> r.proowner
  -- archive_command and others run programs. To SET something matters where it loads code.
  UNION ALL SELECT g.grantee, CASE g.privilege_type WHEN 'SET' THEN 'may load code into the server with ' ELSE 'may configure the server with ' END, p.parname, 'write', false
    FROM pg_parameter_acl p CROSS JOIN aclexplode(p.paracl) g
   WHERE g.privilege_type = 'ALTER SYSTEM' OR p.parname IN ('session_preload_libraries', 'dynamic_library_path', 'extension_control_path')
  UNION ALL SELECT oid, 'is a superuser', '', 'power', true FROM pg_roles WHERE rolsuper
  UNION ALL SELECT datdba, 'owns the database', '', 'power', false FROM here
  -- Until 15 CREATEROLE commands every role but superusers; since then only those on which it has ADMIN OPTION.
  UNION ALL SELECT r.oid, 'may give itself any role (CREATEROLE)', '', 'power', true FROM pg_roles r, here WHERE r.rolcreaterole AND NOT r.rolsuper AND NOT here.admin_counts
  UNION ALL SELECT r.oid, 'may set the password of ', 'acme_prod_service', 'power', true
    FROM pg_roles r, here
   WHERE r.rolcreaterole AND NOT r.rolsuper AND to_regrole('acme_prod_service') IS NOT NULL
     AND (NOT here.admin_counts OR EXISTS (SELECT FROM edge e WHERE e.role = to_regrole('acme_prod_service') AND e.admin AND pg_has_role(r.oid, e.member, 'MEMBER')))
),
way AS ( -- production's own roles hold all of that; to act as one of them is one way
  SELECT * FROM own_way WHERE kind = 'power' OR holder NOT IN (SELECT role FROM production)
  UNION ALL SELECT role, 'may act as ', pg_get_userbyid(role), 'write', false FROM production
),
-- A definer routine lends its owner's rights to whoever may call it; as a trigger, to whoever may write the table,
-- without EXECUTE. https://www.postgresql.org/docs/current/sql-createtrigger.html
lent(holder, act, object, kind, attribute) AS (
  SELECT c.role, c.act,
      format('%I.%I(%s), which runs as %s', n.nspname, r.proname, oidvectortypes(r.proargtypes), pg_get_userbyid(r.proowner))
        || CASE WHEN EXISTS (SELECT FROM unnest(r.proconfig) s WHERE s ^@ 'search_path=') THEN '' ELSE ' and pins no search_path' END,
      'write', false
    FROM pg_proc r
    JOIN pg_namespace n ON n.oid = r.pronamespace
   CROSS JOIN LATERAL (
     SELECT 'may call ', CASE WHEN x.grantee = 0 THEN u.grantee ELSE x.grantee END
       FROM aclexplode(coalesce(r.proacl, acldefault('f', r.proowner))) x
      CROSS JOIN aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) u
      WHERE x.privilege_type = 'EXECUTE' AND u.privilege_type = 'USAGE'
        AND (x.grantee = 0 OR u.grantee = 0 OR x.grantee = u.grantee OR pg_has_role(x.grantee, u.grantee, 'MEMBER'))
     UNION SELECT 'may fire ', g.grantee
       FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
      CROSS JOIN LATERAL (SELECT * FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner)))
                          UNION ALL SELECT x.* FROM pg_attribute a CROSS JOIN aclexplode(a.attacl) x WHERE a.attrelid = c.oid AND NOT a.attisdropped) AS g
      WHERE t.tgfoid = r.oid AND t.tgtype & CASE g.privilege_type WHEN 'INSERT' THEN 4 WHEN 'DELETE' THEN 8 WHEN 'UPDATE' THEN 16 WHEN 'TRUNCATE' THEN 32 ELSE 0 END <> 0
   ) AS c(act, role)
   WHERE r.prosecdef AND r.oid >= 16384
     AND NOT (n.nspname = 'acme_door' AND pg_get_userbyid(r.proowner) = 'acme_env_owner')
     AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = r.oid AND e.deptype = 'e')
     AND EXISTS (SELECT FROM way w WHERE w.holder <> 0 AND pg_has_role(r.proowner, w.holder, 'MEMBER'))
     AND NOT EXISTS (SELECT FROM way w WHERE w.holder <> 0 AND c.role <> 0 AND pg_has_role(c.role, w.holder, 'MEMBER'))
),
-- Code that runs with the rights of whoever reads or writes: of production, that is, when it does. What a view calls
-- runs as the reader, whoever owns the view. https://www.postgresql.org/docs/current/rules-privileges.html
read(relation) AS (
  SELECT c.oid FROM pg_class c WHERE c.relnamespace IN (SELECT oid FROM prod UNION ALL SELECT oid FROM source) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  UNION SELECT d.refobjid
    FROM read JOIN pg_rewrite w ON w.ev_class = read.relation
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
   WHERE d.refobjid >= 16384
),
-- What production is made of and runs, down to what an operator, an aggregate, a domain or a server consists of.
code(classid, objid) AS (
  (SELECT 'pg_rewrite'::regclass::oid, w.oid FROM read JOIN pg_rewrite w ON w.ev_class = read.relation
   UNION ALL SELECT 'pg_policy'::regclass, p.oid FROM read JOIN pg_policy p ON p.polrelid = read.relation
   UNION ALL SELECT 'pg_class'::regclass, c.oid FROM prod JOIN pg_class c ON c.relnamespace = prod.oid
   UNION ALL SELECT 'pg_trigger'::regclass, t.oid FROM prod JOIN pg_class c ON c.relnamespace = prod.oid JOIN pg_trigger t ON t.tgrelid = c.oid
   UNION ALL SELECT 'pg_attrdef'::regclass, a.oid FROM prod JOIN pg_class c ON c.relnamespace = prod.oid JOIN pg_attrdef a ON a.adrelid = c.oid
   UNION ALL SELECT 'pg_statistic_ext'::regclass, s.oid FROM prod JOIN pg_class c ON c.relnamespace = prod.oid JOIN pg_statistic_ext s ON s.stxrelid = c.oid
   UNION ALL SELECT 'pg_constraint'::regclass, k.oid FROM prod JOIN pg_constraint k ON k.connamespace = prod.oid
   UNION ALL SELECT 'pg_event_trigger'::regclass, oid FROM pg_event_trigger)
  UNION SELECT part.* FROM code CROSS JOIN LATERAL (
    SELECT d.refclassid, d.refobjid FROM pg_depend d
     WHERE d.classid = code.classid AND d.objid = code.objid AND d.refobjid >= 16384 AND d.refclassid NOT IN ('pg_class'::regclass, 'pg_namespace'::regclass)
    UNION ALL SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint k WHERE code.classid = 'pg_type'::regclass AND k.contypid = code.objid
    UNION ALL SELECT 'pg_class'::regclass, y.typrelid FROM pg_type y WHERE code.classid = 'pg_type'::regclass AND y.oid = code.objid AND y.typrelid <> 0
  ) AS part(classid, objid)
),
-- What people own; it says nothing of what the first superuser owns. https://www.postgresql.org/docs/current/catalog-pg-shdepend.html
owned(role, classid, objid) AS NOT MATERIALIZED (
  SELECT s.refobjid, s.classid, s.objid
    FROM pg_shdepend s JOIN here ON here.oid = s.dbid JOIN pg_roles o ON o.oid = s.refobjid AND NOT o.rolsuper
   WHERE s.deptype = 'o' AND o.oid NOT IN (SELECT role FROM production)
     AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = s.classid AND e.objid = s.objid AND e.deptype = 'e')
),
path_of_production(schema) AS ( -- where prod_service looks for what is not named in full
  SELECT CASE name WHEN '$user' THEN 'acme_prod_service' ELSE name END
    FROM (SELECT split_part(c, '=', 2) AS path
            FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c
           WHERE c ^@ 'search_path=' AND s.setrole IN (0, to_regrole('acme_prod_service')) AND s.setdatabase IN (0, (SELECT oid FROM here))
           UNION ALL SELECT '"$user", public') AS p
   CROSS JOIN LATERAL (SELECT trim('" ' FROM n) FROM regexp_split_to_table(p.path, ',') n) AS q(name)
),
source_owner(role, schema) AS ( -- they can put a view in a table's place
  SELECT c.relowner, quote_ident(n.nspname)
    FROM read JOIN pg_class c ON c.oid = read.relation JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.oid NOT IN (SELECT oid FROM prod)
  UNION SELECT nspowner, quote_ident(nspname) FROM source
),
run(holder, act, object, kind, attribute) AS (
  SELECT o.role, CASE WHEN i.runs THEN 'owns what production runs: ' ELSE 'owns what production is made of: ' END, CASE WHEN i.runs THEN '' ELSE i.type || ' ' END || i.identity,
      CASE WHEN o.role IN (SELECT role FROM source_owner) THEN 'source' ELSE 'write' END, false
    FROM code c JOIN owned o ON o.classid = c.classid AND o.objid = c.objid
   CROSS JOIN LATERAL (SELECT *, c.classid IN ('pg_proc'::regclass, 'pg_operator'::regclass) AS runs FROM pg_identify_object(c.classid, c.objid, 0)) AS i
   WHERE coalesce(i.schema, '') NOT IN (SELECT quote_ident(nspname) FROM prod) AND c.classid <> 'pg_event_trigger'::regclass
  UNION SELECT o.role, 'owns what production may run by its name: ', i.identity, 'write', false
    FROM pg_namespace n
    JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid AND d.classid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
    JOIN owned o ON o.classid = d.classid AND o.objid = d.objid
   CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i
   WHERE n.nspname IN (SELECT schema FROM path_of_production) AND n.oid NOT IN (SELECT oid FROM prod)
     AND NOT EXISTS (SELECT FROM pg_proc f WHERE d.classid = 'pg_proc'::regclass AND f.oid = d.objid AND f.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype))
  UNION SELECT g.grantee, 'may create in schema ', quote_ident(n.nspname) || ', where production looks for functions', 'write', false
    FROM pg_namespace n CROSS JOIN aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) g
   WHERE n.nspname IN (SELECT schema FROM path_of_production) AND n.oid NOT IN (SELECT oid FROM prod) AND g.privilege_type = 'CREATE'
     AND g.grantee NOT IN (SELECT role FROM production) AND g.grantee <> to_regrole('pg_database_owner')
  UNION SELECT role, 'owns what production reads in ', schema, 'source', false FROM source_owner WHERE role NOT IN (SELECT role FROM production)
),
environment(oid, nspname, nspowner, nspacl, pull_request, rightful) AS (
  SELECT n.oid, n.nspname, n.nspowner, coalesce(n.nspacl, acldefault('n', n.nspowner)), n.nspname COLLATE "C" ~ '^pr_[1-9][0-9]{0,9}$', to_regrole(quote_ident(acme_door.user_of(n.nspname)))::oid
    FROM pg_namespace n
   WHERE n.nspname COLLATE "C" ~ '(^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$)|(^pr_[1-9][0-9]{0,9}$)' AND has_schema_privilege('acme_env_owner', 'acme_door', 'USAGE') -- user_of would fail
     AND (n.nspowner = to_regrole('acme_env_owner') OR EXISTS (SELECT FROM acme_door.environment e WHERE e.schema_name = n.nspname))
),
trap(relation, classid, objid) AS ( -- what a view or a row policy calls runs as whoever reads
  (SELECT v.oid, 'pg_rewrite'::regclass::oid, w.oid FROM environment e JOIN pg_class v ON v.relnamespace = e.oid JOIN pg_rewrite w ON w.ev_class = v.oid
   UNION ALL SELECT v.oid, 'pg_policy'::regclass, p.oid FROM environment e JOIN pg_class v ON v.relnamespace = e.oid JOIN pg_policy p ON p.polrelid = v.oid)
  UNION SELECT t.relation, d.refclassid, d.refobjid
    FROM trap t JOIN pg_depend d ON d.classid = t.classid AND d.objid = t.objid AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass) AND d.refobjid >= 16384
),
entry(holder, act, object, kind, attribute) AS (
  SELECT oid, 'may act as ', rolname::text, 'beside', false FROM pg_roles WHERE rolname IN ('acme_env_owner', 'acme_ci_service', 'acme_janitor')
  -- From 16 on whoever created a login has ADMIN OPTION on it: that an administrator may act as a developer goes without saying.
  UNION ALL SELECT d.oid, 'may act as ', d.rolname, 'person', false
    FROM edge g JOIN pg_roles d ON d.oid = g.member
   WHERE g.role = to_regrole('acme_developer') AND g.given
     AND EXISTS (SELECT FROM edge e JOIN pg_roles m ON m.oid = e.member WHERE e.role = d.oid AND NOT m.rolsuper AND NOT m.rolcreaterole)
  UNION ALL SELECT g.grantee, 'may create schemas in this database', '', 'beside', false
    FROM here CROSS JOIN aclexplode(datacl) g
   WHERE g.privilege_type = 'CREATE' AND g.grantee NOT IN (datdba, to_regrole('acme_env_owner'), to_regrole('acme_prod_owner'))
  UNION ALL SELECT nspowner, 'owns schema ', nspname, 'beside', false FROM environment WHERE nspowner <> to_regrole('acme_env_owner')
  UNION ALL SELECT g.grantee, CASE g.privilege_type WHEN 'CREATE' THEN 'may create in schema ' ELSE 'may look into schema ' END, e.nspname, 'beside', false
    FROM environment e CROSS JOIN aclexplode(e.nspacl) g
   WHERE g.grantee <> e.nspowner AND g.grantee IS DISTINCT FROM e.rightful
     AND NOT (e.pull_request AND g.privilege_type = 'USAGE' AND g.grantee IN (to_regrole('acme_developer'), to_regrole('acme_reviewer')))
  UNION ALL SELECT DISTINCT o.role, 'owns ', format('%s, which runs as whoever reads %s.%I', i.identity, e.nspname, v.relname),
      CASE WHEN o.role IN (SELECT role FROM source_owner) THEN 'source' ELSE 'beside' END, false
    FROM trap t JOIN owned o ON o.classid = t.classid AND o.objid = t.objid
    JOIN pg_class v ON v.oid = t.relation JOIN environment e ON e.oid = v.relnamespace
   CROSS JOIN LATERAL pg_identify_object(t.classid, t.objid, 0) i
   WHERE e.pull_request OR o.role <> v.relowner
  -- Readers of production are named; PUBLIC is everybody who may look into one of its schemas.
  UNION ALL SELECT g.grantee, 'will read what ' || pg_get_userbyid(d.defaclrole) || ' builds next', coalesce(' in ' || quote_ident(n.nspname), ''), 'beside', false
    FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace CROSS JOIN aclexplode(d.defaclacl) g
   WHERE d.defaclrole IN (SELECT role FROM production) AND d.defaclobjtype = 'r' AND g.privilege_type = 'SELECT' AND g.grantee = 0
     AND (d.defaclnamespace = 0 OR n.oid IN (SELECT oid FROM prod))
  UNION ALL SELECT nspowner, 'owns schema ', nspname, 'beside', false
    FROM pg_namespace WHERE nspname = 'acme_door' AND nspowner <> to_regrole('acme_env_owner')
  UNION ALL SELECT g.grantee, 'may create in schema ', n.nspname, 'beside', false
    FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) g WHERE n.nspname = 'acme_door' AND g.privilege_type = 'CREATE' AND g.grantee NOT IN (n.nspowner, to_regrole('acme_env_owner'))
  UNION ALL SELECT r.proowner, 'owns ', format('acme_door.%I(%s)', r.proname, oidvectortypes(r.proargtypes)), 'beside', false
    FROM pg_proc r WHERE r.pronamespace = to_regnamespace('acme_door') AND r.proowner <> to_regrole('acme_env_owner')
  UNION ALL SELECT 0, 'may call ', format('acme_door.%I(%s)', r.proname, oidvectortypes(r.proargtypes)), 'beside', false
    FROM pg_proc r CROSS JOIN aclexplode(coalesce(r.proacl, acldefault('f', r.proowner))) g WHERE r.pronamespace = to_regnamespace('acme_door') AND g.grantee = 0
  UNION ALL SELECT c.relowner, 'owns ', format('acme_door.%I', c.relname), 'beside', false
    FROM pg_class c WHERE c.relnamespace = to_regnamespace('acme_door') AND c.relkind <> 'i' AND c.relowner <> to_regrole('acme_env_owner')
  UNION ALL SELECT g.grantee, 'may change ', format('acme_door.%I', c.relname), 'beside', false
    FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
   CROSS JOIN LATERAL (SELECT * FROM aclexplode(c.relacl) UNION ALL SELECT * FROM aclexplode(a.attacl)) AS g
   WHERE c.relnamespace = to_regnamespace('acme_door') AND g.privilege_type <> 'SELECT' AND g.grantee NOT IN (c.relowner, to_regrole('acme_env_owner'))
),
-- A list that is cut short ends in its fingerprint: whoever accepts it accepts these objects and no others.
held(holder, how, kind, attribute, lone) AS (
  SELECT holder, act || array_to_string((array_agg(DISTINCT object ORDER BY object))[1:3], ', ')
      || CASE WHEN count(DISTINCT object) > 3 THEN format(' and %s more (%s)', count(DISTINCT object) - 3, left(encode(sha256(convert_to(string_agg(DISTINCT object, ', ' ORDER BY object), 'UTF8')), 'hex'), 8)) ELSE '' END,
      kind, attribute, act = 'may act as '
    FROM (SELECT * FROM way UNION ALL SELECT * FROM lent UNION ALL SELECT * FROM run UNION ALL SELECT * FROM entry) AS every_way
   GROUP BY holder, act, kind, attribute
),
-- From the holders down to everybody who can get there, at any depth. needs_set: whoever only inherits the role's
-- rights cannot use this, since SET ROLE wants a chain of memberships that all allow it.
reach(holder, how, kind, role, needs_set, path, lone) AS (
  SELECT holder, how, kind, holder, attribute, '' COLLATE "C", lone FROM held WHERE holder <> 0
  UNION SELECT r.holder, r.how, r.kind, e.member, NOT (e.admin OR (e.inherits AND NOT r.needs_set)),
      CASE WHEN r.lone THEN '' ELSE ', through ' || pg_get_userbyid(r.role) END
        || CASE WHEN e.sets OR (e.inherits AND NOT r.needs_set) THEN '' ELSE ' (which it may grant itself)' END || r.path, false
    FROM reach r JOIN edge e ON e.role = r.role
   WHERE e.admin OR e.sets OR (e.inherits AND NOT r.needs_set)
),
found(role, login, held, how, kind) AS (
  SELECT o.oid, o.rolname::text, r.how, r.how || r.path, r.kind
    FROM reach r JOIN pg_roles o ON o.oid = r.role
   WHERE (o.rolcanlogin OR (o.oid >= 16384 AND NOT EXISTS (SELECT FROM edge e WHERE e.role = o.oid AND (e.admin OR e.sets OR (e.inherits AND NOT r.needs_set)))))
     AND NOT r.lone AND NOT (r.kind IN ('write', 'source') AND o.oid IN (SELECT role FROM production))
  UNION SELECT 0, 'PUBLIC', how, how, kind FROM held WHERE holder = 0
),
named(role, login, how, kind, administrator) AS ( -- of an administrator one path for each thing: there may be one through every login that they created
  SELECT DISTINCT ON (role, CASE WHEN administrator THEN held ELSE how END) role, login, how, kind, administrator
    FROM (SELECT *, bool_or(kind = 'power') OVER (PARTITION BY role) AS administrator FROM found) AS f
   WHERE NOT (administrator AND kind IN ('source', 'person'))
   ORDER BY role, CASE WHEN administrator THEN held ELSE how END, length(how), how
)
,
flaw(login, how, kind) AS (
  SELECT w.name, 'is missing: run grants/10_roles.sql', 'flaw' FROM unnest(ARRAY['acme_env_owner', 'acme_prod_owner', 'acme_developer', 'acme_reader', 'acme_reviewer', 'acme_ci_service', 'acme_prod_service', 'acme_janitor']) AS w(name) WHERE to_regrole(w.name) IS NULL
  UNION ALL SELECT rolname, 'is not this project''s: its comment is not ''dbt-envs: project acme''', 'flaw'
    FROM pg_roles WHERE rolname IN ('acme_env_owner', 'acme_prod_owner', 'acme_developer', 'acme_reader', 'acme_reviewer', 'acme_ci_service', 'acme_prod_service', 'acme_janitor') AND shobj_description(oid, 'pg_authid') IS DISTINCT FROM 'dbt-envs: project acme'
  UNION ALL SELECT rolname, 'has ' || a.name, 'flaw'
    FROM pg_roles
   CROSS JOIN LATERAL (VALUES (rolsuper, 'SUPERUSER'), (rolcreaterole, 'CREATEROLE'), (rolcreatedb, 'CREATEDB'), (rolreplication, 'REPLICATION'), (rolbypassrls, 'BYPASSRLS'),
                              (rolcanlogin AND rolname NOT IN ('acme_ci_service', 'acme_prod_service', 'acme_janitor'), 'LOGIN')) AS a(has, name)
   WHERE rolname IN ('acme_env_owner', 'acme_prod_owner', 'acme_developer', 'acme_reader', 'acme_reviewer', 'acme_ci_service', 'acme_prod_service', 'acme_janitor') AND a.has
  -- Between 40_services.sql and 90_close_prod.sql acme_prod_service may be a member of those who own part of production.
  UNION ALL SELECT pg_get_userbyid(e.member), 'is a member of ' || pg_get_userbyid(e.role),
      CASE WHEN e.member = to_regrole('acme_prod_service') AND e.role IN (SELECT c.relowner FROM prod p JOIN pg_class c ON c.relnamespace = p.oid) THEN 'bridge' ELSE 'flaw' END
    FROM edge e WHERE pg_get_userbyid(e.member) IN ('acme_ci_service', 'acme_prod_service', 'acme_janitor', 'acme_env_owner', 'acme_prod_owner')
  UNION ALL SELECT 'acme_env_owner', format('lends its rights to whoever calls acme_door.%I(%s), which does not pin search_path = pg_catalog, pg_temp', r.proname, oidvectortypes(r.proargtypes)), 'flaw'
    FROM pg_proc r WHERE r.pronamespace = to_regnamespace('acme_door') AND r.prosecdef AND NOT coalesce(r.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)
  UNION ALL SELECT o.rolname, 'may look into schema ' || quote_ident(n.nspname) || ', which holds personal data', 'flaw'
    FROM pg_namespace n JOIN pg_roles o ON o.rolname IN ('acme_developer', 'acme_reader', 'acme_reviewer', 'acme_ci_service', 'acme_janitor')
   WHERE n.nspname = ANY (ARRAY['crm']::name[]) AND has_schema_privilege(o.oid, n.oid, 'USAGE')
  UNION ALL SELECT o.rolname, 'does not read ' || array_to_string((array_agg(format('%I.%I', p.nspname, c.relname) ORDER BY c.relname))[1:3], ', ')
      || CASE WHEN count(*) > 3 THEN format(' and %s more (%s)', count(*) - 3, left(encode(sha256(convert_to(string_agg(c.relname, ', ' ORDER BY c.relname), 'UTF8')), 'hex'), 8)) ELSE '' END, 'flaw'
    FROM prod p JOIN pg_class c ON c.relnamespace = p.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f') JOIN pg_roles o ON o.rolname IN ('acme_developer', 'acme_reader', 'acme_reviewer', 'acme_ci_service')
   WHERE NOT (has_schema_privilege(o.oid, p.oid, 'USAGE') AND has_any_column_privilege(o.oid, c.oid, 'SELECT'))
   GROUP BY o.rolname, p.nspname
  -- What is built next is read by a default privilege of its builder, in that schema or in all.
  UNION ALL SELECT o.rolname, format('will not read what %s builds next', w.builder) || coalesce(' in ' || quote_ident(w.schema), ''), 'flaw'
    FROM (SELECT 'acme_prod_service', nspname, oid, ARRAY['acme_developer', 'acme_reader', 'acme_reviewer', 'acme_ci_service'] FROM prod
          UNION ALL SELECT 'acme_ci_service', NULL, NULL, ARRAY['acme_developer', 'acme_reviewer']) AS w(builder, schema, nsp, readers)
    JOIN pg_roles o ON o.rolname = ANY (w.readers)
   WHERE NOT EXISTS (SELECT FROM pg_default_acl d CROSS JOIN aclexplode(d.defaclacl) g
                      WHERE d.defaclrole = to_regrole(w.builder) AND d.defaclnamespace IN (0, w.nsp) AND d.defaclobjtype = 'r' AND g.privilege_type = 'SELECT' AND g.grantee IN (0, o.oid))
      OR NOT coalesce(has_schema_privilege(o.oid, w.nsp, 'USAGE'), true)
),
person(role) AS ( -- of this project: whom the boundary is to hold
  SELECT oid FROM pg_roles WHERE rolname IN ('acme_env_owner', 'acme_prod_owner', 'acme_developer', 'acme_reader', 'acme_reviewer', 'acme_ci_service', 'acme_prod_service', 'acme_janitor')
  UNION SELECT e.member FROM person p JOIN edge e ON e.role = p.role
   WHERE e.given AND p.role NOT IN (SELECT oid FROM pg_roles WHERE rolname IN ('acme_ci_service', 'acme_prod_service', 'acme_janitor', 'acme_env_owner', 'acme_prod_owner'))
),
closed(done) AS ( -- 90_close_prod.sql has written the administrators down
  SELECT EXISTS (SELECT FROM acme_door.accepted a WHERE a.how = 'administrator')
),
judged AS (
  SELECT f.login, f.how,
      CASE WHEN f.administrator AND f.person THEN 'HOLE'
           WHEN EXISTS (SELECT FROM acme_door.accepted a WHERE a.login = f.login AND a.how = f.how) THEN 'accepted'
           WHEN f.administrator AND (NOT closed.done OR EXISTS (SELECT FROM acme_door.accepted a WHERE a.login = f.login AND a.how = 'administrator')) THEN 'administrator'
           WHEN f.kind = 'source' AND NOT f.person THEN 'source'
           WHEN f.kind = 'bridge' AND NOT closed.done THEN 'accepted'
           ELSE 'HOLE' END AS verdict,
      CASE WHEN f.administrator AND f.person THEN NULL ELSE format('(%L, %L)', f.login, CASE WHEN f.administrator THEN 'administrator' ELSE f.how END) END AS accept
    FROM (SELECT login, how, kind, administrator, role IN (SELECT role FROM person) AS person FROM named
          UNION ALL SELECT login, how, kind, false, false FROM flaw) AS f, closed
)
SELECT DISTINCT login, how, verdict, CASE verdict WHEN 'HOLE' THEN accept END FROM judged
$$;

CREATE OR REPLACE FUNCTION acme_door.audit() RETURNS TABLE (login text, how text, verdict text)
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
  SELECT login, how, verdict FROM acme_door.audit_with_remedy() ORDER BY verdict <> 'HOLE', verdict, login, how
$$;

-- What the audit fails with, in one line; null when there is no hole.
CREATE OR REPLACE FUNCTION acme_door.audit_error() RETURNS text
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE count(*) WHEN 1 THEN '1 hole: ' ELSE format('%s holes: ', count(*)) END
      || string_agg(login || ' ' || how, '; ' ORDER BY at) FILTER (WHERE at <= 10)
      || CASE WHEN count(*) > 10 THEN format('; and %s more', count(*) - 10) ELSE '' END
      || '. Take that away.'
      || CASE WHEN count(*) FILTER (WHERE remedy IS NULL) > 0 THEN
           format(' Give %s a second login, without these rights, for this project.', string_agg(DISTINCT login, ', ') FILTER (WHERE remedy IS NULL)) ELSE '' END
      || coalesce(' Where it is meant, accept it as a superuser or as acme_env_owner: INSERT INTO acme_door.accepted (login, how) VALUES '
                  || string_agg(DISTINCT remedy, ', ') FILTER (WHERE at <= 10) || ';', '')
    FROM (SELECT *, row_number() OVER (ORDER BY login, how) AS at FROM acme_door.audit_with_remedy() WHERE verdict = 'HOLE') AS hole
  HAVING count(*) > 0
$$;

-- Fails where there is a hole. A procedure and no DO block: not everybody may use a language.
CREATE OR REPLACE PROCEDURE acme_door.demand_no_hole()
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_error text := acme_door.audit_error();
BEGIN
  IF v_error IS NOT NULL THEN
    RAISE EXCEPTION '%', v_error;
  END IF;
END $$;

REVOKE ALL ON SCHEMA acme_door FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA acme_door FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA acme_door FROM PUBLIC;
GRANT USAGE ON SCHEMA acme_door TO acme_developer, acme_reader, acme_reviewer, acme_ci_service, acme_prod_service, acme_janitor;
GRANT SELECT ON acme_door.developer TO acme_developer, acme_ci_service, acme_janitor;
GRANT EXECUTE ON FUNCTION acme_door.refusal(text, text) TO acme_developer, acme_ci_service, acme_janitor;
GRANT EXECUTE ON PROCEDURE acme_door.create_schema(text), acme_door.touch(text) TO acme_developer, acme_ci_service;
GRANT EXECUTE ON PROCEDURE acme_door.drop_schema(text, timestamptz, int, bigint), acme_door.keep_schema(text, timestamptz), acme_door.look(text) TO acme_developer, acme_ci_service, acme_janitor;
GRANT EXECUTE ON PROCEDURE acme_door.sweep_schema(text, timestamptz, text), acme_door.note_sizes() TO acme_janitor;
GRANT EXECUTE ON FUNCTION acme_door.days_unused(text), acme_door.used_lately(text, timestamptz), acme_door.built_on(text) TO acme_janitor;
GRANT EXECUTE ON PROCEDURE acme_door.note_proof(int, int), acme_door.demand_proof() TO acme_developer, acme_reader, acme_reviewer, acme_ci_service, acme_prod_service, acme_janitor;
GRANT EXECUTE ON PROCEDURE acme_door.close_schema(text) TO acme_ci_service, acme_janitor;
GRANT EXECUTE ON PROCEDURE acme_door.keep_readers(text, text, text) TO acme_prod_service;
GRANT EXECUTE ON FUNCTION acme_door.identity() TO acme_developer, acme_reader, acme_reviewer, acme_ci_service, acme_prod_service, acme_janitor;
GRANT EXECUTE ON PROCEDURE acme_door.attempt(text, text, text), acme_door.make_and_drop_schema(), acme_door.verify(boolean, text) TO acme_developer, acme_reader, acme_reviewer, acme_ci_service, acme_prod_service, acme_janitor;
-- Everybody of this project may run the audit, and so may whoever owns this database.
GRANT USAGE ON SCHEMA acme_door TO pg_database_owner;
GRANT SELECT ON acme_door.environment, acme_door.accepted, acme_door.size, acme_door.swept, acme_door.proof TO acme_developer, acme_reader, acme_reviewer, acme_ci_service, acme_prod_service, acme_janitor, pg_database_owner;
GRANT EXECUTE ON FUNCTION acme_door.user_of(name), acme_door.audit_with_remedy(), acme_door.audit(), acme_door.audit_error() TO acme_developer, acme_reader, acme_reviewer, acme_ci_service, acme_prod_service, acme_janitor, pg_database_owner;
GRANT EXECUTE ON PROCEDURE acme_door.demand_no_hole() TO acme_developer, acme_reader, acme_reviewer, acme_ci_service, acme_prod_service, acme_janitor, pg_database_owner;
RESET ROLE;

DO $$
DECLARE
  v_one record;
BEGIN
  FOR v_one IN SELECT * FROM borrowed LOOP
    IF v_one.was IS NULL THEN
      EXECUTE format('REVOKE %I FROM %I', v_one.role, current_user);
    ELSE
      EXECUTE format('GRANT %I TO %I', v_one.role, current_user) || v_one.was;
    END IF;
  END LOOP;
END $$;

COMMIT;
