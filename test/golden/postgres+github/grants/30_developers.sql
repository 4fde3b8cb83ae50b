-- 30_developers.sql: the roster of project acme, as roster.yml has it.
--
-- Who runs it   the administrator who ran 10_roles.sql, or a superuser, in the database of 20_boundary.sql; again after
--               every change of the roster.
-- What changes  a missing login is created, without a password; an existing one is given membership of acme_developer
--               and is otherwise left as it is. Whoever left the roster loses that membership and dev_<slug>; the
--               login itself stays (grants/leavers/<slug>.sql locks it).
-- How to undo   take the person out of roster.yml, run the generator, run this file again.
--
-- Set the password of a new login with psql, or let the person set it:  \password <login>

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
  FOREACH r IN ARRAY ARRAY['acme_env_owner'] LOOP
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

CREATE TEMPORARY TABLE roster (login name PRIMARY KEY, slug text NOT NULL UNIQUE) ON COMMIT DROP;
INSERT INTO roster (login, slug) VALUES
  ('priya', 'priya'),
  ('sam.jones', 'sam');
GRANT SELECT ON roster TO acme_env_owner;

-- Membership of acme_developer: given to those who are wanted, taken from those whom an earlier run of this file had
-- given it to. A member that this file does not know was added by hand and is only reported.
DO $$
DECLARE
  v_login name;
  v_grant record;
  v_missing text;
  v_inherits text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH INHERIT TRUE' ELSE '' END;
BEGIN
  FOR v_login IN SELECT login FROM roster ORDER BY 1 LOOP
    IF to_regrole(quote_ident(v_login)) IS NULL THEN
      EXECUTE format('CREATE ROLE %I LOGIN', v_login);
      EXECUTE format('COMMENT ON ROLE %I IS %L', v_login, 'dbt-envs: project acme');
      EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''10min''', v_login);
    END IF;
  END LOOP;

  -- All of them in one statement: each GRANT looks at everything that its grantor is a member of.
  SELECT string_agg(quote_ident(w.login), ', ') INTO v_missing FROM (SELECT login FROM roster) AS w
   WHERE NOT EXISTS (SELECT FROM pg_auth_members WHERE roleid = to_regrole('acme_developer') AND member = to_regrole(quote_ident(w.login)));
  IF v_missing IS NOT NULL THEN
    EXECUTE 'GRANT acme_developer TO ' || v_missing || v_inherits;
  END IF;

  FOR v_login IN SELECT login FROM roster ORDER BY 1 LOOP
    IF NOT pg_has_role(v_login, 'acme_developer', 'USAGE') THEN
      RAISE EXCEPTION 'Login % does not inherit what it is a member of. Have its owner run: ALTER ROLE % INHERIT', v_login, quote_ident(v_login);
    ELSIF (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = v_login) THEN
      RAISE WARNING 'Login % is an administrator: the boundary does not hold it. Give the person a second login for dbt.', v_login;
    END IF;
  END LOOP;

  FOR v_grant IN
    SELECT pg_get_userbyid(m.member) AS member, pg_get_userbyid(m.grantor) AS grantor,
           EXISTS (SELECT FROM acme_door.developer WHERE login = pg_get_userbyid(m.member)) AS managed
      FROM pg_auth_members m
     WHERE m.roleid = to_regrole('acme_developer') AND pg_get_userbyid(m.member) <> current_user
       AND pg_get_userbyid(m.member) NOT IN (SELECT login FROM roster)
       -- An administrator who may only grant the role to others is no member in this sense.
       AND NOT ((SELECT rolcreaterole FROM pg_roles WHERE oid = m.member) AND NOT pg_has_role(m.member, 'acme_developer', 'USAGE'))
  LOOP
    IF NOT v_grant.managed THEN
      RAISE WARNING '% is a member of acme_developer and not in roster.yml: nobody but an administrator can have done that.', v_grant.member;
      CONTINUE;
    END IF;
    -- From PostgreSQL 16 on each grantor's grant is a grant of its own.
    EXECUTE format('REVOKE acme_developer FROM %I', v_grant.member)
      || CASE WHEN current_setting('server_version_num')::int >= 160000 THEN format(' GRANTED BY %I', v_grant.grantor) ELSE '' END;
    IF EXISTS (SELECT FROM pg_auth_members WHERE roleid = to_regrole('acme_developer')
                  AND pg_get_userbyid(member) = v_grant.member AND pg_get_userbyid(grantor) = v_grant.grantor) THEN
      RAISE EXCEPTION '% is still a member of acme_developer: it was granted by %, who has to revoke it.', v_grant.member, v_grant.grantor;
    END IF;
  END LOOP;
END $$;

-- The door's own copy of the roster; who is not in it any more loses the schema that was theirs.
SET LOCAL ROLE acme_env_owner;
DO $$
DECLARE
  gone record;
BEGIN
  FOR gone IN
    SELECT d.login, d.slug FROM acme_door.developer d
     WHERE NOT EXISTS (SELECT FROM roster r WHERE r.login = d.login AND r.slug = d.slug)
  LOOP
    IF to_regnamespace(quote_ident('dev_' || gone.slug)) IS NOT NULL AND to_regrole(quote_ident(gone.login)) IS NOT NULL THEN
      EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %I', 'dev_' || gone.slug, gone.login);
    END IF;
    DELETE FROM acme_door.developer d WHERE d.login = gone.login;
  END LOOP;
END $$;
INSERT INTO acme_door.developer (login, slug) SELECT login, slug FROM roster ON CONFLICT DO NOTHING;
RESET ROLE;

DO $$
DECLARE
  r text;
BEGIN
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    RETURN;
  END IF;
  FOREACH r IN ARRAY ARRAY['acme_env_owner'] LOOP
    EXECUTE format('REVOKE %I FROM %I', r, current_user);
  END LOOP;
END $$;

COMMIT;
