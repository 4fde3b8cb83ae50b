-- 20_boundary.sql: the schemas of production, and the door through which environment schemas come and go.
--
-- Who runs it   the administrator who ran 10_roles.sql and who owns this database, or a superuser, connected to the
--               database that dbt builds in.
-- What changes  creates the prod schemas that are missing (analytics, staging) and the schema acme_door; lets this project's
--               groups read prod, and developers and CI read the sources. A prod schema that exists keeps its owner,
--               its writers and its readers. Nothing is taken from anybody outside this project.
-- How to undo   DROP SCHEMA acme_door CASCADE, then for each role of 10_roles.sql: DROP OWNED BY <role>. That also drops
--               what the services built, so take a backup first.

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
  FOREACH r IN ARRAY ARRAY['acme_env_owner', 'acme_prod_owner'] LOOP
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

-- The database: named grants, for the day on which PUBLIC loses its own. Temporary tables are part of a dbt build.
DO $$
BEGIN
  EXECUTE format('GRANT CREATE ON DATABASE %I TO acme_env_owner, acme_prod_owner', current_database());
  EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO acme_developer, acme_ci_service, acme_prod_service', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO acme_reader, acme_reviewer, acme_janitor', current_database());
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
-- temporary table of the caller's could take an object's place. They are procedures because a view can call a function
-- with its reader's rights, but nothing can CALL a procedure from inside a query.
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
-- What 90_close_prod.sql took away, for 91_reopen_prod.sql. privilege OWNER: grantee owned it.
CREATE TABLE IF NOT EXISTS acme_door.closed (
  kind text NOT NULL,
  name text NOT NULL,
  col text NOT NULL,
  grantee text NOT NULL,
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

CREATE OR REPLACE FUNCTION acme_door.demand(p_schema text, p_act text) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  v_refusal text := acme_door.refusal(p_schema, p_act);
  v_owner name;
BEGIN
  IF v_refusal IS NOT NULL THEN
    RAISE EXCEPTION 'permission denied: %', v_refusal USING ERRCODE = 'insufficient_privilege';
  END IF;
  SELECT pg_get_userbyid(n.nspowner) INTO v_owner FROM pg_namespace n WHERE n.nspname = p_schema;
  IF FOUND AND v_owner <> 'acme_env_owner' THEN
    RAISE EXCEPTION 'permission denied: schema % belongs to %, not to this project: an administrator moves it out of the way', p_schema, v_owner
      USING ERRCODE = 'insufficient_privilege';
  END IF;
END $$;

-- Makes the schema where it is missing; otherwise only notes the use. dbt's threads may race here.
CREATE OR REPLACE PROCEDURE acme_door.create_schema(p_schema text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('acme_door.' || p_schema, 0));
  PERFORM acme_door.demand(p_schema, 'create');
  IF to_regnamespace(quote_ident(p_schema)) IS NULL THEN
    EXECUTE format('CREATE SCHEMA %I', p_schema);
    DELETE FROM acme_door.environment e WHERE e.schema_name = p_schema;
  END IF;
  EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO %I', p_schema, session_user);
  IF p_schema COLLATE "C" ~ '^pr_[1-9][0-9]{0,9}$' THEN
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO acme_developer, acme_reviewer', p_schema);
  END IF;
  INSERT INTO acme_door.environment AS e (schema_name, created_by) VALUES (p_schema, session_user)
    ON CONFLICT (schema_name) DO UPDATE SET last_used_at = now(), closed_at = NULL;
END $$;

-- Notes that the schema is in use; a pull request that was closed and builds again is open again.
CREATE OR REPLACE PROCEDURE acme_door.touch(p_schema text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM acme_door.demand(p_schema, 'use');
  IF to_regnamespace(quote_ident(p_schema)) IS NOT NULL THEN
    INSERT INTO acme_door.environment AS e (schema_name, created_by) VALUES (p_schema, session_user)
      ON CONFLICT (schema_name) DO UPDATE SET last_used_at = now(), closed_at = NULL;
  END IF;
END $$;

-- Drops at most p_step relations, and the schema with the last of them; relations_left says how many remain. Repeat
-- until 0, one transaction each: every relation costs locks until commit, and the server has a limited number.
-- p_listed_at is when the caller looked: a schema that was used since then stays. The janitor must give it.
-- CASCADE reaches a view that somebody else built on this schema's tables; prod cannot have one, since
-- acme_prod_service may not use these schemas.
CREATE OR REPLACE PROCEDURE acme_door.drop_schema(
  p_schema text, p_listed_at timestamptz DEFAULT NULL, p_step int DEFAULT 500, INOUT relations_left bigint DEFAULT NULL)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS $$
DECLARE
  v_use acme_door.environment;
  v_relation record;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('acme_door.' || p_schema, 0));
  PERFORM acme_door.demand(p_schema, 'drop');
  SELECT * INTO v_use FROM acme_door.environment e WHERE e.schema_name = p_schema;
  IF v_use.keep_until > now() THEN
    RAISE EXCEPTION 'schema % is kept until %', p_schema, v_use.keep_until::date USING ERRCODE = 'object_in_use';
  ELSIF p_listed_at IS NULL AND session_user = 'acme_janitor' THEN
    RAISE EXCEPTION 'say when the schemas were listed: schema % may have been used since', p_schema USING ERRCODE = 'object_in_use';
  ELSIF v_use.last_used_at > p_listed_at THEN
    RAISE EXCEPTION 'schema % was used at %, after it was listed', p_schema, v_use.last_used_at USING ERRCODE = 'object_in_use';
  END IF;

  relations_left := 0;
  IF to_regnamespace(quote_ident(p_schema)) IS NOT NULL THEN
    SELECT count(*) INTO relations_left FROM pg_class c
     WHERE c.relnamespace = to_regnamespace(quote_ident(p_schema)) AND c.relkind IN ('r', 'p', 'v', 'm', 'f');
    IF relations_left > p_step THEN
      FOR v_relation IN
        SELECT c.relname, CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'f' THEN 'FOREIGN TABLE' ELSE 'TABLE' END AS kind
          FROM pg_class c
         WHERE c.relnamespace = to_regnamespace(quote_ident(p_schema)) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
         ORDER BY c.oid DESC LIMIT p_step
      LOOP
        EXECUTE format('DROP %s IF EXISTS %I.%I CASCADE', v_relation.kind, p_schema, v_relation.relname);
      END LOOP;
      SELECT greatest(count(*), 1) INTO relations_left FROM pg_class c
       WHERE c.relnamespace = to_regnamespace(quote_ident(p_schema)) AND c.relkind IN ('r', 'p', 'v', 'm', 'f');
      RETURN;
    END IF;
    EXECUTE format('DROP SCHEMA %I CASCADE', p_schema);
    relations_left := 0;
  END IF;
  DELETE FROM acme_door.environment e WHERE e.schema_name = p_schema;
END $$;

-- The pull request is closed: its schema may go.
CREATE OR REPLACE PROCEDURE acme_door.close_schema(p_schema text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM acme_door.demand(p_schema, 'close');
  UPDATE acme_door.environment e SET closed_at = coalesce(e.closed_at, now()) WHERE e.schema_name = p_schema;
END $$;

-- Nobody drops the schema before that moment; null takes the pin away.
CREATE OR REPLACE PROCEDURE acme_door.keep_schema(p_schema text, p_until timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM acme_door.demand(p_schema, 'keep');
  UPDATE acme_door.environment e SET keep_until = p_until WHERE e.schema_name = p_schema;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'schema % is not registered: build it first', p_schema;
  END IF;
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

-- Tries a statement with the caller's own rights (SECURITY INVOKER) and undoes it, whatever came of it.
CREATE OR REPLACE PROCEDURE acme_door.attempt(p_statement text, INOUT outcome text DEFAULT NULL)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp SET client_min_messages = error SET lock_timeout = '5s' AS $$
BEGIN
  BEGIN
    EXECUTE p_statement;
    RAISE EXCEPTION USING ERRCODE = 'DE001', MESSAGE = 'done; undo it';
  EXCEPTION
    WHEN SQLSTATE 'DE001' THEN outcome := 'done';
    WHEN insufficient_privilege THEN outcome := 'refused';
    WHEN OTHERS THEN outcome := 'not tried: ' || SQLERRM;
  END;
END $$;

-- Tries every forbidden act, and beside each one an act of the same kind that must succeed for somebody, under the
-- login that calls it. Leaves nothing behind. An act that could not be tried is a failure: it proves nothing.
CREATE OR REPLACE PROCEDURE acme_door.verify(p_fail boolean DEFAULT true, INOUT report text DEFAULT NULL)
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, pg_temp SET client_min_messages = notice AS $$
DECLARE
  v_who text := acme_door.identity();
  v_probe text := 'dbt_envs_probe_' || substr(md5(random()::text), 1, 12);
  v_pr text := 'pr_9' || lpad((random() * 999999999)::bigint::text, 9, '0');
  v_dev text;
  v_table text;
  v_act record;
  v_got text;
  v_rows jsonb := '[]';
  v_wrong int := 0;
BEGIN
  IF v_who IS NULL OR current_user <> session_user THEN
    RAISE EXCEPTION 'Nothing was tried: % is no identity of this project. Log in as a developer, a reader or a service, without SET ROLE.', session_user;
  END IF;
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = session_user) THEN
    RAISE EXCEPTION 'Nothing was tried: % is a superuser, whom no grant can hold.', session_user;
  END IF;
  SELECT format('%I.%I', n.nspname, c.relname) INTO v_table
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname IN ('analytics', 'staging') AND c.relkind = 'r' AND pg_get_userbyid(c.relowner) = 'acme_prod_service'
   ORDER BY c.oid LIMIT 1;
  v_table := coalesce(v_table, 'analytics.nothing_is_built_yet');
  v_dev := 'dev_' || v_probe;
  IF v_who = 'developer' THEN
    EXECUTE 'SELECT ''dev_'' || slug FROM acme_door.developer WHERE login = session_user' INTO v_dev;
  END IF;

  FOR v_act IN
    SELECT * FROM (VALUES
      ('read ' || v_table, format('SELECT FROM %s LIMIT 0', v_table), '{developer,reader,reviewer,ci_service,prod_service}'),
      ('change ' || v_table, format('DELETE FROM %s WHERE false', v_table), '{prod_service}'),
      ('replace ' || v_table, format('ALTER TABLE %s RENAME TO %I', v_table, v_probe), '{prod_service}'),
      ('make a table in analytics', format('CREATE TABLE %I.%I (i int)', 'analytics', v_probe), '{prod_service}'),
      ('drop schema analytics', format('DROP SCHEMA %I CASCADE', 'analytics'), '{}'),
      ('drop schema analytics through the door', 'CALL acme_door.drop_schema(''analytics'', now())', '{}'),
      ('make a table in staging', format('CREATE TABLE %I.%I (i int)', 'staging', v_probe), '{prod_service}'),
      ('drop schema staging', format('DROP SCHEMA %I CASCADE', 'staging'), '{}'),
      ('drop schema staging through the door', 'CALL acme_door.drop_schema(''staging'', now())', '{}'),
      ('look into crm, which holds personal data', 'SELECT ''crm''::regnamespace, to_regclass(''crm.' || v_probe || ''')', '{prod_service}'),
      ('make a schema', format('CREATE SCHEMA %I', v_probe), '{}'),
      ('make a table in public', format('CREATE TABLE public.%I (i int)', v_probe), '{}'),
      ('make somebody else''s dev schema', format('CALL acme_door.create_schema(%L)', 'dev_' || v_probe), '{}'),
      ('build in its own dev schema', format('CALL acme_door.create_schema(%L); CREATE TABLE %I.%I (i int)', v_dev, v_dev, v_probe), '{developer}'),
      ('build a pull request''s schema', format('CALL acme_door.create_schema(%L); CREATE TABLE %I.%I (i int)', v_pr, v_pr, v_probe), '{ci_service}'),
      ('drop a pull request''s schema', format('CALL acme_door.drop_schema(%L, now())', v_pr), '{ci_service,janitor}'),
      ('act as acme_prod_service', 'SET LOCAL ROLE acme_prod_service', '{prod_service}'),
      ('act as acme_prod_owner', 'SET LOCAL ROLE acme_prod_owner', '{}'),
      ('act as acme_env_owner', 'SET LOCAL ROLE acme_env_owner', '{}'),
      ('make a role', format('CREATE ROLE %I', v_probe), '{}'),
      ('give itself a place on the roster', format('INSERT INTO acme_door.developer VALUES (%L, %L)', v_probe, v_probe), '{}'),
      ('backdate the use of a schema', 'UPDATE acme_door.environment SET last_used_at = ''-infinity''', '{}')
    ) AS a(act, statement, may)
  LOOP
    CALL acme_door.attempt(v_act.statement, v_got);
    v_rows := v_rows || jsonb_build_object('act', v_act.act, 'got', v_got,
      'expected', CASE WHEN v_who = ANY (v_act.may::text[]) THEN 'done' ELSE 'refused' END,
      'ok', v_got = CASE WHEN v_who = ANY (v_act.may::text[]) THEN 'done' ELSE 'refused' END);
  END LOOP;

  FOR v_act IN SELECT * FROM jsonb_to_recordset(v_rows) AS r(act text, expected text, got text, ok boolean) LOOP
    RAISE NOTICE '% | % | expected % | got %', CASE WHEN v_act.ok THEN 'ok   ' ELSE 'WRONG' END, v_act.act, v_act.expected, v_act.got;
    v_wrong := v_wrong + (NOT v_act.ok)::int;
  END LOOP;
  report := jsonb_build_object('login', session_user, 'identity', v_who, 'acts', v_rows, 'wrong', v_wrong)::text;
  IF p_fail AND v_wrong > 0 THEN
    RAISE EXCEPTION '% of % acts came out wrong for %.', v_wrong, jsonb_array_length(v_rows), session_user;
  END IF;
END $$;

-- Everybody who can write production, and through what. It reads the catalogue with the caller's own rights.
CREATE OR REPLACE FUNCTION acme_door.audit() RETURNS TABLE (login text, how text, administrator boolean)
LANGUAGE sql STABLE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
WITH RECURSIVE
prod AS (
  SELECT oid, nspname, nspowner, nspacl FROM pg_namespace WHERE nspname IN ('analytics', 'staging')
),
held(holder, how) AS ( -- who holds a right to write, directly; 0 is PUBLIC
  SELECT nspowner, 'owns schema ' || nspname FROM prod
  UNION SELECT g.grantee, 'may create in schema ' || p.nspname FROM prod p, aclexplode(p.nspacl) g WHERE g.privilege_type = 'CREATE'
  UNION SELECT c.relowner, 'owns relations in ' || p.nspname FROM prod p JOIN pg_class c ON c.relnamespace = p.oid
  UNION SELECT g.grantee, 'may change rows in ' || p.nspname
          FROM prod p JOIN pg_class c ON c.relnamespace = p.oid, aclexplode(c.relacl) g WHERE g.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
  UNION SELECT g.grantee, 'may change columns in ' || p.nspname
          FROM prod p JOIN pg_class c ON c.relnamespace = p.oid JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) g WHERE g.privilege_type IN ('INSERT', 'UPDATE')
  UNION SELECT g.grantee, 'may change what ' || pg_get_userbyid(d.defaclrole) || ' will build'
          FROM pg_default_acl d, aclexplode(d.defaclacl) g
         WHERE d.defaclobjtype = 'r' AND (d.defaclnamespace IN (SELECT oid FROM prod) OR d.defaclrole = to_regrole('acme_prod_service'))
           AND g.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') AND g.grantee <> d.defaclrole
  UNION SELECT to_regrole('pg_write_all_data'), 'may change all data'
  UNION SELECT oid, 'is a superuser' FROM pg_roles WHERE rolsuper
  UNION SELECT oid, 'may give itself roles (CREATEROLE)' FROM pg_roles WHERE rolcreaterole AND NOT rolsuper
  UNION SELECT datdba, 'owns the database' FROM pg_database WHERE datname = current_database()
),
ways(holder, how) AS ( -- production's own roles hold all of that; to act as one of them is one way
  SELECT holder, how FROM held WHERE holder NOT IN (SELECT oid FROM pg_roles WHERE rolname IN ('acme_prod_service', 'acme_prod_owner'))
  UNION SELECT oid, 'may act as ' || rolname FROM pg_roles WHERE rolname IN ('acme_prod_service', 'acme_prod_owner')
),
reach(login, role, path) AS ( -- every login, and every role that it is a member of, at any depth
  SELECT oid, oid, '' COLLATE "C" FROM pg_roles WHERE rolcanlogin
  UNION SELECT r.login, m.roleid, r.path || ', through ' || pg_get_userbyid(m.roleid) FROM reach r JOIN pg_auth_members m ON m.member = r.role
)
SELECT DISTINCT
  pg_get_userbyid(r.login)::text AS login,
  w.how || r.path AS how,
  (SELECT rolsuper OR rolcreaterole OR oid = (SELECT datdba FROM pg_database WHERE datname = current_database()) FROM pg_roles WHERE oid = r.login) AS administrator
FROM reach r JOIN ways w ON w.holder = r.role
WHERE r.login <> to_regrole('acme_prod_service')
UNION SELECT 'PUBLIC', w.how, false FROM ways w WHERE w.holder = 0
ORDER BY administrator, login, how
$$;

REVOKE ALL ON SCHEMA acme_door FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA acme_door FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA acme_door FROM PUBLIC;
GRANT USAGE ON SCHEMA acme_door TO acme_developer, acme_reader, acme_reviewer, acme_ci_service, acme_prod_service, acme_janitor;
GRANT SELECT ON acme_door.developer, acme_door.environment TO acme_developer, acme_ci_service, acme_janitor;
GRANT EXECUTE ON FUNCTION acme_door.refusal(text, text) TO acme_developer, acme_ci_service, acme_janitor;
GRANT EXECUTE ON PROCEDURE acme_door.create_schema(text), acme_door.touch(text) TO acme_developer, acme_ci_service;
GRANT EXECUTE ON PROCEDURE acme_door.drop_schema(text, timestamptz, int, bigint), acme_door.keep_schema(text, timestamptz) TO acme_developer, acme_ci_service, acme_janitor;
GRANT EXECUTE ON PROCEDURE acme_door.close_schema(text) TO acme_ci_service, acme_janitor;
GRANT EXECUTE ON FUNCTION acme_door.identity() TO acme_developer, acme_reader, acme_reviewer, acme_ci_service, acme_prod_service, acme_janitor;
GRANT EXECUTE ON PROCEDURE acme_door.attempt(text, text), acme_door.verify(boolean, text) TO acme_developer, acme_reader, acme_reviewer, acme_ci_service, acme_prod_service, acme_janitor;
-- Everybody of this project may run the audit, and so may whoever owns this database.
GRANT USAGE ON SCHEMA acme_door TO pg_database_owner;
GRANT SELECT ON acme_door.accepted TO acme_developer, acme_reader, acme_reviewer, acme_ci_service, acme_prod_service, acme_janitor, pg_database_owner;
GRANT EXECUTE ON FUNCTION acme_door.audit() TO acme_developer, acme_reader, acme_reviewer, acme_ci_service, acme_prod_service, acme_janitor, pg_database_owner;

RESET ROLE;

DO $$
DECLARE
  r text;
BEGIN
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    RETURN;
  END IF;
  FOREACH r IN ARRAY ARRAY['acme_env_owner', 'acme_prod_owner'] LOOP
    EXECUTE format('REVOKE %I FROM %I', r, current_user);
  END LOOP;
END $$;

COMMIT;
