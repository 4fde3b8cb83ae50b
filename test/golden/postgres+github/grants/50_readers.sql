-- 50_readers.sql: who reads production without developing, as roster.yml has it.
--
-- Who runs it   the administrator who ran 10_roles.sql, or a superuser, in the database of 20_boundary.sql; again after
--               every change of the readers.
-- What changes  a missing login is created, without a password; an existing one is given membership of acme_reader,
--               and of acme_reviewer where it reviews pull requests, and is otherwise left as it is. Whoever left the
--               list loses what this file had given, and nothing else.
-- How to undo   take the reader out of roster.yml, run the generator, run this file again.

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
  v_grant record;
  v_missing text;
  v_inherits text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH INHERIT TRUE' ELSE '' END;
BEGIN
  FOR v_login IN SELECT login FROM roster ORDER BY 1 LOOP
    IF to_regrole(quote_ident(v_login)) IS NULL THEN
      EXECUTE format('CREATE ROLE %I LOGIN', v_login);
      EXECUTE format('COMMENT ON ROLE %I IS %L', v_login, 'dbt-envs: project acme');
    END IF;
  END LOOP;

  -- All of them in one statement: each GRANT looks at everything that its grantor is a member of.
  SELECT string_agg(quote_ident(w.login), ', ') INTO v_missing FROM (SELECT login FROM roster) AS w
   WHERE NOT EXISTS (SELECT FROM pg_auth_members WHERE roleid = to_regrole('acme_reader') AND member = to_regrole(quote_ident(w.login)));
  IF v_missing IS NOT NULL THEN
    EXECUTE 'GRANT acme_reader TO ' || v_missing || v_inherits;
  END IF;

  FOR v_login IN SELECT login FROM roster ORDER BY 1 LOOP
    IF NOT pg_has_role(v_login, 'acme_reader', 'USAGE') THEN
      RAISE EXCEPTION 'Login % does not inherit what it is a member of. Have its owner run: ALTER ROLE % INHERIT', v_login, quote_ident(v_login);
    ELSIF (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = v_login) THEN
      RAISE WARNING 'Login % is an administrator: the boundary does not hold it. Give the person a second login for dbt.', v_login;
    END IF;
  END LOOP;

  FOR v_grant IN
    SELECT pg_get_userbyid(m.member) AS member, pg_get_userbyid(m.grantor) AS grantor,
           EXISTS (SELECT FROM acme_door.reader WHERE login = pg_get_userbyid(m.member)) AS managed
      FROM pg_auth_members m
     WHERE m.roleid = to_regrole('acme_reader') AND pg_get_userbyid(m.member) <> current_user
       AND pg_get_userbyid(m.member) NOT IN (SELECT login FROM roster)
       -- An administrator who may only grant the role to others is no member in this sense.
       AND NOT ((SELECT rolcreaterole FROM pg_roles WHERE oid = m.member) AND NOT pg_has_role(m.member, 'acme_reader', 'USAGE'))
  LOOP
    IF NOT v_grant.managed THEN
      RAISE WARNING '% is a member of acme_reader and not in roster.yml: nobody but an administrator can have done that.', v_grant.member;
      CONTINUE;
    END IF;
    -- From PostgreSQL 16 on each grantor's grant is a grant of its own.
    EXECUTE format('REVOKE acme_reader FROM %I', v_grant.member)
      || CASE WHEN current_setting('server_version_num')::int >= 160000 THEN format(' GRANTED BY %I', v_grant.grantor) ELSE '' END;
    IF EXISTS (SELECT FROM pg_auth_members WHERE roleid = to_regrole('acme_reader')
                  AND pg_get_userbyid(member) = v_grant.member AND pg_get_userbyid(grantor) = v_grant.grantor) THEN
      RAISE EXCEPTION '% is still a member of acme_reader: it was granted by %, who has to revoke it.', v_grant.member, v_grant.grantor;
    END IF;
  END LOOP;
END $$;

-- Membership of acme_reviewer: given to those who are wanted, taken from those whom an earlier run of this file had
-- given it to. A member that this file does not know was added by hand and is only reported.
DO $$
DECLARE
  v_login name;
  v_grant record;
  v_missing text;
  v_inherits text := CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH INHERIT TRUE' ELSE '' END;
BEGIN
  FOR v_login IN SELECT login FROM roster WHERE reviews ORDER BY 1 LOOP
    IF to_regrole(quote_ident(v_login)) IS NULL THEN
      EXECUTE format('CREATE ROLE %I LOGIN', v_login);
      EXECUTE format('COMMENT ON ROLE %I IS %L', v_login, 'dbt-envs: project acme');
    END IF;
  END LOOP;

  -- All of them in one statement: each GRANT looks at everything that its grantor is a member of.
  SELECT string_agg(quote_ident(w.login), ', ') INTO v_missing FROM (SELECT login FROM roster WHERE reviews) AS w
   WHERE NOT EXISTS (SELECT FROM pg_auth_members WHERE roleid = to_regrole('acme_reviewer') AND member = to_regrole(quote_ident(w.login)));
  IF v_missing IS NOT NULL THEN
    EXECUTE 'GRANT acme_reviewer TO ' || v_missing || v_inherits;
  END IF;

  FOR v_login IN SELECT login FROM roster WHERE reviews ORDER BY 1 LOOP
    IF NOT pg_has_role(v_login, 'acme_reviewer', 'USAGE') THEN
      RAISE EXCEPTION 'Login % does not inherit what it is a member of. Have its owner run: ALTER ROLE % INHERIT', v_login, quote_ident(v_login);
    ELSIF (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = v_login) THEN
      RAISE WARNING 'Login % is an administrator: the boundary does not hold it. Give the person a second login for dbt.', v_login;
    END IF;
  END LOOP;

  FOR v_grant IN
    SELECT pg_get_userbyid(m.member) AS member, pg_get_userbyid(m.grantor) AS grantor,
           EXISTS (SELECT FROM acme_door.reader WHERE login = pg_get_userbyid(m.member)) AS managed
      FROM pg_auth_members m
     WHERE m.roleid = to_regrole('acme_reviewer') AND pg_get_userbyid(m.member) <> current_user
       AND pg_get_userbyid(m.member) NOT IN (SELECT login FROM roster WHERE reviews)
       -- An administrator who may only grant the role to others is no member in this sense.
       AND NOT ((SELECT rolcreaterole FROM pg_roles WHERE oid = m.member) AND NOT pg_has_role(m.member, 'acme_reviewer', 'USAGE'))
  LOOP
    IF NOT v_grant.managed THEN
      RAISE WARNING '% is a member of acme_reviewer and not in roster.yml: nobody but an administrator can have done that.', v_grant.member;
      CONTINUE;
    END IF;
    -- From PostgreSQL 16 on each grantor's grant is a grant of its own.
    EXECUTE format('REVOKE acme_reviewer FROM %I', v_grant.member)
      || CASE WHEN current_setting('server_version_num')::int >= 160000 THEN format(' GRANTED BY %I', v_grant.grantor) ELSE '' END;
    IF EXISTS (SELECT FROM pg_auth_members WHERE roleid = to_regrole('acme_reviewer')
                  AND pg_get_userbyid(member) = v_grant.member AND pg_get_userbyid(grantor) = v_grant.grantor) THEN
      RAISE EXCEPTION '% is still a member of acme_reviewer: it was granted by %, who has to revoke it.', v_grant.member, v_grant.grantor;
    END IF;
  END LOOP;
END $$;

SET LOCAL ROLE acme_env_owner;
DELETE FROM acme_door.reader;
INSERT INTO acme_door.reader (login, reviews) SELECT login, reviews FROM roster;
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
