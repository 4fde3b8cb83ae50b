-- 50_readers.sql: who reads production without developing, as roster.yml has it.
--
-- Who runs it   the administrator who ran 10_roles.sql, or a superuser, in the database of 20_boundary.sql; again after
--               every change of the readers.
-- What changes  a missing login is created, without a password; an existing one is given membership of acme_reader,
--               and of acme_reviewer where it reviews pull requests, and is otherwise left as it is. Whoever left the
--               list loses what this file had given, and nothing else.
-- How to undo   take the reader out of roster.yml, run the generator, run this file again.

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
  FOREACH v_role IN ARRAY ARRAY['acme_env_owner']::name[] LOOP
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

CREATE TEMPORARY TABLE roster (login name PRIMARY KEY, reviews boolean NOT NULL) ON COMMIT DROP;
INSERT INTO roster (login, reviews) VALUES
  ('looker', false),
  ('anna', true);
GRANT SELECT ON roster TO acme_env_owner;

-- Membership of acme_reader: given to those who are wanted, taken from those whom an earlier run of this file had
-- given it to. A member that this file does not know was added by hand and is only reported.
DO $$
DECLARE
  v_login name;
  v_names text;
  v_grant record;
  v_since_16 CONSTANT boolean := current_setting('server_version_num')::int >= 160000;
BEGIN
  SELECT string_agg(format('%s (%s)', o.login, o.other), ', ' ORDER BY o.login) INTO v_names FROM (
    SELECT w.login, CASE
        WHEN w.login IN ('acme_env_owner', 'acme_prod_owner', 'acme_developer', 'acme_reader', 'acme_reviewer', 'acme_ci_service', 'acme_prod_service', 'acme_janitor') THEN 'a role of this project itself'
        WHEN c.comment ~ '^dbt-envs: project ' AND c.comment <> 'dbt-envs: project acme' THEN 'a role of ' || substr(c.comment, 11)
        WHEN NOT r.rolcanlogin THEN format('may not log in: a group, or somebody who left; ALTER ROLE %I LOGIN takes a person back', w.login)
        ELSE (SELECT 'may be used by its members ' || string_agg(DISTINCT u.rolname, ', ')
                FROM pg_auth_members m JOIN pg_roles u ON u.oid = m.member
               WHERE m.roleid = r.oid AND NOT u.rolsuper AND NOT u.rolcreaterole
                 AND u.rolname <> 'acme_prod_service' -- until 90, a member of whoever built production before it
                 -- From PostgreSQL 16 on a member may be one that only lets others in. https://www.postgresql.org/docs/current/catalog-pg-auth-members.html
                 AND coalesce((to_jsonb(m) ->> 'inherit_option')::boolean OR (to_jsonb(m) ->> 'set_option')::boolean, true))
      END AS other
      FROM (SELECT login FROM roster) AS w
      JOIN pg_roles r ON r.rolname = w.login
      CROSS JOIN LATERAL (SELECT shobj_description(r.oid, 'pg_authid') AS comment) AS c) AS o
   WHERE o.other IS NOT NULL;
  IF v_names IS NOT NULL THEN
    RAISE EXCEPTION 'Not one person''s own login: %. Name the login of the person in roster.yml.', v_names;
  END IF;

  -- Nothing but CREATE: a COMMENT ON or ALTER ROLE by an administrator who is no superuser looks, from PostgreSQL 16 on,
  -- through every role that this administrator has ever created.
  FOR v_login IN SELECT login FROM roster ORDER BY 1 LOOP
    IF to_regrole(quote_ident(v_login)) IS NULL THEN
      EXECUTE format('CREATE ROLE %I LOGIN', v_login);
    END IF;
  END LOOP;

  -- All of them in one statement, for the same reason.
  SELECT string_agg(quote_ident(w.login), ', ') INTO v_names FROM (SELECT login FROM roster) AS w
   WHERE NOT EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = to_regrole('acme_reader') AND m.member = to_regrole(quote_ident(w.login))
                        AND coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true));
  IF v_names IS NOT NULL THEN
    EXECUTE 'GRANT acme_reader TO ' || v_names || CASE WHEN v_since_16 THEN ' WITH INHERIT TRUE' ELSE '' END;
  END IF;

  SELECT string_agg(format('ALTER ROLE %I INHERIT', w.login), '; ') INTO v_names FROM (SELECT login FROM roster) AS w
   WHERE NOT pg_has_role(w.login, 'acme_reader', 'USAGE');
  IF v_names IS NOT NULL THEN
    RAISE EXCEPTION 'A login does not inherit what it is a member of. Whoever administers it runs: %', v_names;
  END IF;
  SELECT string_agg(w.login, ', ') INTO v_names FROM (SELECT login FROM roster) AS w JOIN pg_roles r ON r.rolname = w.login WHERE r.rolsuper OR r.rolcreaterole;
  IF v_names IS NOT NULL THEN
    RAISE WARNING 'The boundary does not hold administrators: %. Give each person a second login for dbt.', v_names;
  END IF;

  SELECT string_agg(pg_get_userbyid(m.member), ', ') INTO v_names FROM pg_auth_members m
   WHERE m.roleid = to_regrole('acme_reader') AND pg_get_userbyid(m.member) <> current_user
     AND pg_get_userbyid(m.member) NOT IN (SELECT login FROM roster)
     AND NOT EXISTS (SELECT FROM acme_door.reader WHERE login = pg_get_userbyid(m.member))
     AND coalesce((to_jsonb(m) ->> 'inherit_option')::boolean OR (to_jsonb(m) ->> 'set_option')::boolean, true);
  IF v_names IS NOT NULL THEN
    RAISE WARNING 'Members of acme_reader who are not in roster.yml: %. Only an administrator can have let them in; REVOKE acme_reader FROM them, or put them on the roster.', v_names;
  END IF;

  FOR v_grant IN
    SELECT pg_get_userbyid(m.grantor) AS grantor, array_agg(m.member) AS members, string_agg(quote_ident(pg_get_userbyid(m.member)), ', ') AS names
      FROM pg_auth_members m
     WHERE m.roleid = to_regrole('acme_reader') AND coalesce((to_jsonb(m) ->> 'inherit_option')::boolean OR (to_jsonb(m) ->> 'set_option')::boolean, true)
       AND pg_get_userbyid(m.member) NOT IN (SELECT login FROM roster)
       AND EXISTS (SELECT FROM acme_door.reader WHERE login = pg_get_userbyid(m.member))
     GROUP BY m.grantor
  LOOP
    -- From PostgreSQL 16 on each grantor's grant is a grant of its own.
    BEGIN
      EXECUTE 'REVOKE acme_reader FROM ' || v_grant.names || CASE WHEN v_since_16 THEN format(' GRANTED BY %I', v_grant.grantor) ELSE '' END;
    EXCEPTION WHEN insufficient_privilege THEN
      NULL; -- said below
    END;
    IF EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = to_regrole('acme_reader') AND m.member = ANY (v_grant.members) AND pg_get_userbyid(m.grantor) = v_grant.grantor) THEN
      RAISE EXCEPTION 'Still members of acme_reader: %. They were let in by %, who has to run this file, or a superuser.', v_grant.names, v_grant.grantor;
    END IF;
  END LOOP;
END $$;

-- Membership of acme_reviewer: given to those who are wanted, taken from those whom an earlier run of this file had
-- given it to. A member that this file does not know was added by hand and is only reported.
DO $$
DECLARE
  v_login name;
  v_names text;
  v_grant record;
  v_since_16 CONSTANT boolean := current_setting('server_version_num')::int >= 160000;
BEGIN
  SELECT string_agg(format('%s (%s)', o.login, o.other), ', ' ORDER BY o.login) INTO v_names FROM (
    SELECT w.login, CASE
        WHEN w.login IN ('acme_env_owner', 'acme_prod_owner', 'acme_developer', 'acme_reader', 'acme_reviewer', 'acme_ci_service', 'acme_prod_service', 'acme_janitor') THEN 'a role of this project itself'
        WHEN c.comment ~ '^dbt-envs: project ' AND c.comment <> 'dbt-envs: project acme' THEN 'a role of ' || substr(c.comment, 11)
        WHEN NOT r.rolcanlogin THEN format('may not log in: a group, or somebody who left; ALTER ROLE %I LOGIN takes a person back', w.login)
        ELSE (SELECT 'may be used by its members ' || string_agg(DISTINCT u.rolname, ', ')
                FROM pg_auth_members m JOIN pg_roles u ON u.oid = m.member
               WHERE m.roleid = r.oid AND NOT u.rolsuper AND NOT u.rolcreaterole
                 AND u.rolname <> 'acme_prod_service' -- until 90, a member of whoever built production before it
                 -- From PostgreSQL 16 on a member may be one that only lets others in. https://www.postgresql.org/docs/current/catalog-pg-auth-members.html
                 AND coalesce((to_jsonb(m) ->> 'inherit_option')::boolean OR (to_jsonb(m) ->> 'set_option')::boolean, true))
      END AS other
      FROM (SELECT login FROM roster WHERE reviews) AS w
      JOIN pg_roles r ON r.rolname = w.login
      CROSS JOIN LATERAL (SELECT shobj_description(r.oid, 'pg_authid') AS comment) AS c) AS o
   WHERE o.other IS NOT NULL;
  IF v_names IS NOT NULL THEN
    RAISE EXCEPTION 'Not one person''s own login: %. Name the login of the person in roster.yml.', v_names;
  END IF;

  -- Nothing but CREATE: a COMMENT ON or ALTER ROLE by an administrator who is no superuser looks, from PostgreSQL 16 on,
  -- through every role that this administrator has ever created.
  FOR v_login IN SELECT login FROM roster WHERE reviews ORDER BY 1 LOOP
    IF to_regrole(quote_ident(v_login)) IS NULL THEN
      EXECUTE format('CREATE ROLE %I LOGIN', v_login);
    END IF;
  END LOOP;

  -- All of them in one statement, for the same reason.
  SELECT string_agg(quote_ident(w.login), ', ') INTO v_names FROM (SELECT login FROM roster WHERE reviews) AS w
   WHERE NOT EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = to_regrole('acme_reviewer') AND m.member = to_regrole(quote_ident(w.login))
                        AND coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true));
  IF v_names IS NOT NULL THEN
    EXECUTE 'GRANT acme_reviewer TO ' || v_names || CASE WHEN v_since_16 THEN ' WITH INHERIT TRUE' ELSE '' END;
  END IF;

  SELECT string_agg(format('ALTER ROLE %I INHERIT', w.login), '; ') INTO v_names FROM (SELECT login FROM roster WHERE reviews) AS w
   WHERE NOT pg_has_role(w.login, 'acme_reviewer', 'USAGE');
  IF v_names IS NOT NULL THEN
    RAISE EXCEPTION 'A login does not inherit what it is a member of. Whoever administers it runs: %', v_names;
  END IF;
  SELECT string_agg(w.login, ', ') INTO v_names FROM (SELECT login FROM roster WHERE reviews) AS w JOIN pg_roles r ON r.rolname = w.login WHERE r.rolsuper OR r.rolcreaterole;
  IF v_names IS NOT NULL THEN
    RAISE WARNING 'The boundary does not hold administrators: %. Give each person a second login for dbt.', v_names;
  END IF;

  SELECT string_agg(pg_get_userbyid(m.member), ', ') INTO v_names FROM pg_auth_members m
   WHERE m.roleid = to_regrole('acme_reviewer') AND pg_get_userbyid(m.member) <> current_user
     AND pg_get_userbyid(m.member) NOT IN (SELECT login FROM roster WHERE reviews)
     AND NOT EXISTS (SELECT FROM acme_door.reader WHERE login = pg_get_userbyid(m.member))
     AND coalesce((to_jsonb(m) ->> 'inherit_option')::boolean OR (to_jsonb(m) ->> 'set_option')::boolean, true);
  IF v_names IS NOT NULL THEN
    RAISE WARNING 'Members of acme_reviewer who are not in roster.yml: %. Only an administrator can have let them in; REVOKE acme_reviewer FROM them, or put them on the roster.', v_names;
  END IF;

  FOR v_grant IN
    SELECT pg_get_userbyid(m.grantor) AS grantor, array_agg(m.member) AS members, string_agg(quote_ident(pg_get_userbyid(m.member)), ', ') AS names
      FROM pg_auth_members m
     WHERE m.roleid = to_regrole('acme_reviewer') AND coalesce((to_jsonb(m) ->> 'inherit_option')::boolean OR (to_jsonb(m) ->> 'set_option')::boolean, true)
       AND pg_get_userbyid(m.member) NOT IN (SELECT login FROM roster WHERE reviews)
       AND EXISTS (SELECT FROM acme_door.reader WHERE login = pg_get_userbyid(m.member))
     GROUP BY m.grantor
  LOOP
    -- From PostgreSQL 16 on each grantor's grant is a grant of its own.
    BEGIN
      EXECUTE 'REVOKE acme_reviewer FROM ' || v_grant.names || CASE WHEN v_since_16 THEN format(' GRANTED BY %I', v_grant.grantor) ELSE '' END;
    EXCEPTION WHEN insufficient_privilege THEN
      NULL; -- said below
    END;
    IF EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = to_regrole('acme_reviewer') AND m.member = ANY (v_grant.members) AND pg_get_userbyid(m.grantor) = v_grant.grantor) THEN
      RAISE EXCEPTION 'Still members of acme_reviewer: %. They were let in by %, who has to run this file, or a superuser.', v_grant.names, v_grant.grantor;
    END IF;
  END LOOP;
END $$;

SET LOCAL ROLE acme_env_owner;
DELETE FROM acme_door.reader;
INSERT INTO acme_door.reader (login, reviews) SELECT login, reviews FROM roster;
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
