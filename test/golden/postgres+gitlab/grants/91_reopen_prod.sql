-- 91_reopen_prod.sql: the way back, from 90_close_prod.sql and from the first deploy.
--
-- Who runs it   whoever ran 90_close_prod.sql, in the same database.
-- What changes  owners and rights in analytics, staging are again what acme_door.found says that they were before
--               acme_prod_service took over. What it has built since goes to the former owner: of the relation of that
--               name, or else of most of the schema. Readers whom somebody has let in since stay.
-- How to undo   90_close_prod.sql.

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
  FOREACH v_role IN ARRAY ARRAY['acme_env_owner', 'acme_prod_owner', 'acme_prod_service']::name[] LOOP
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

-- What is in production's schemas, and who owns it. Members of an extension belong to it. A column's sequence, the
-- row type of a table and the constructors of a range follow what they belong to.
CREATE TEMPORARY TABLE prod_object ON COMMIT DROP AS
WITH prod AS (
  SELECT oid, nspname, nspowner, nspacl FROM pg_namespace WHERE nspname IN ('analytics', 'staging')
)
SELECT 'SCHEMA' AS kind, p.nspname AS schema, quote_ident(p.nspname) AS name, 'pg_namespace'::regclass AS class, p.oid,
       p.nspowner AS owner, coalesce(p.nspacl, acldefault('n', p.nspowner)) AS acl, false AS follows
  FROM prod p
UNION ALL
SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, p.nspname, format('%I.%I', p.nspname, c.relname), 'pg_class'::regclass, c.oid,
       c.relowner, coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, c.relowner)),
       EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND c.relkind = 'S')
  FROM prod p JOIN pg_class c ON c.relnamespace = p.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
UNION ALL
SELECT 'ROUTINE', p.nspname, format('%I.%I(%s)', p.nspname, f.proname, oidvectortypes(f.proargtypes)), 'pg_proc'::regclass, f.oid,
       f.proowner, coalesce(f.proacl, acldefault('f', f.proowner)), false
  FROM prod p JOIN pg_proc f ON f.pronamespace = p.oid
UNION ALL
SELECT 'TYPE', p.nspname, format('%I.%I', p.nspname, t.typname), 'pg_type'::regclass, t.oid,
       t.typowner, coalesce(t.typacl, acldefault('T', t.typowner)), false
  FROM prod p JOIN pg_type t ON t.typnamespace = p.oid
 WHERE t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind = 'c'));
DELETE FROM prod_object o USING pg_depend d
 WHERE d.classid = o.class AND d.objid = o.oid AND (d.deptype = 'e' OR (o.kind = 'ROUTINE' AND d.deptype = 'i'));

CREATE TEMPORARY TABLE move ON COMMIT DROP AS
WITH former AS (SELECT kind, name, grantee AS owner FROM acme_door.found WHERE privilege = 'OWNER'),
builder AS (
  SELECT o.schema, mode() WITHIN GROUP (ORDER BY f.owner) AS owner
    FROM former f JOIN prod_object o USING (kind, name) WHERE f.kind = 'TABLE' GROUP BY o.schema
)
SELECT o.kind, o.schema, o.name, o.oid, coalesce(f.owner, b.owner) AS owner
  FROM prod_object o LEFT JOIN former f USING (kind, name) LEFT JOIN builder b ON b.schema = o.schema AND o.kind IN ('TABLE', 'SEQUENCE')
 WHERE NOT o.follows AND pg_get_userbyid(o.owner) IN ('acme_prod_service', 'acme_prod_owner')
   AND to_regrole(quote_ident(coalesce(f.owner, b.owner))) IS NOT NULL;

-- Whoever granted a right is the one to grant it again.
-- Only an owner, or who acts for one, may grant and hand over.
DO $$
DECLARE
  v_role name;
  v_since_16 CONSTANT boolean := current_setting('server_version_num')::int >= 160000;
BEGIN
  FOR v_role IN
    SELECT owner FROM move UNION SELECT f.grantor FROM acme_door.found f JOIN pg_roles r ON r.rolname = f.grantor WHERE f.kind NOT IN ('LANGUAGE', 'DATABASE', 'MEMBER') AND f.name <> 'public'
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

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM acme_door.found) THEN
    RAISE NOTICE 'Nothing is written down: production is as it was.';
  ELSIF EXISTS (SELECT FROM acme_door.found WHERE kind = 'LANGUAGE') AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    RAISE EXCEPTION 'A superuser closed production, function languages included: a superuser reopens it.';
  END IF;
END $$;

-- For a moment PostgreSQL wants each relation for itself. This never waits for one while it holds others: readers would
-- queue behind it, or be the victim of a deadlock. It gives all of them back and tries again, for a
-- minute, or for as many seconds as SET dbt_envs.patience says.
DO $$
DECLARE
  v_move record;
  v_lent boolean;
  v_tries int := coalesce(current_setting('dbt_envs.patience', true), '60')::int;
BEGIN
  LOOP
    BEGIN
      SET LOCAL lock_timeout = '200ms'; -- less than deadlock_timeout, whose default is 1s
      FOR v_move IN SELECT * FROM move ORDER BY kind <> 'SCHEMA', name LOOP
        -- A new owner must be able to create there, unless a superuser says so.
        v_lent := v_move.kind <> 'SCHEMA' AND NOT has_schema_privilege(v_move.owner, quote_ident(v_move.schema), 'CREATE');
        IF v_lent THEN
          EXECUTE format('GRANT CREATE ON SCHEMA %I TO %I', v_move.schema, v_move.owner);
        END IF;
        EXECUTE format('ALTER %s %s OWNER TO %I', CASE v_move.kind WHEN 'SEQUENCE' THEN 'TABLE' ELSE v_move.kind END, v_move.name, v_move.owner);
        IF v_lent THEN
          EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM %I', v_move.schema, v_move.owner);
        END IF;
      END LOOP;
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN
      v_tries := v_tries - 1;
      IF v_tries < 1 THEN
        RAISE EXCEPTION 'Nothing was changed: % has been in use all the time, by %. Run this again at a quieter time.', v_move.name,
          (SELECT coalesce(string_agg(DISTINCT format('%s (%s)', a.usename, coalesce(nullif(a.application_name, ''), 'pid ' || a.pid)), ', '), 'somebody')
             FROM pg_locks l JOIN pg_stat_activity a USING (pid)
            WHERE l.relation = v_move.oid AND l.granted AND l.pid <> pg_backend_pid())
          USING ERRCODE = 'lock_not_available';
      END IF;
      PERFORM pg_sleep(1);
    WHEN out_of_memory THEN
      RAISE EXCEPTION 'Nothing was changed: % relations need more locks than this server has. Raise max_locks_per_transaction, or move some of them by hand with ALTER TABLE ... OWNER TO.',
        (SELECT count(*) FROM move);
    END;
  END LOOP;
  SET LOCAL lock_timeout = '30s';
END $$;

DO $$
DECLARE
  v_one record;
  v_who text;
BEGIN
  -- What 90 gave to those who kept the languages and schema public.
  FOR v_one IN
    SELECT DISTINCT f.kind, f.name, g.privilege_type, pg_get_userbyid(g.grantee) AS grantee
      FROM acme_door.found f
     CROSS JOIN LATERAL (SELECT lanacl, lanowner FROM pg_language WHERE f.kind = 'LANGUAGE' AND quote_ident(lanname) = f.name
                         UNION ALL SELECT nspacl, nspowner FROM pg_namespace WHERE f.kind = 'SCHEMA' AND f.name = 'public' AND nspname = f.name) AS l(acl, owner)
     CROSS JOIN aclexplode(l.acl) g
     WHERE g.grantee NOT IN (0, l.owner) AND g.privilege_type IN ('USAGE', 'CREATE') AND (f.kind = 'LANGUAGE' OR g.privilege_type = 'CREATE')
       AND NOT EXISTS (SELECT FROM acme_door.found k WHERE k.kind = f.kind AND k.name = f.name AND k.privilege = g.privilege_type AND k.grantee = pg_get_userbyid(g.grantee))
  LOOP
    EXECUTE format('REVOKE %s ON %s %s FROM %I', v_one.privilege_type, v_one.kind, v_one.name, v_one.grantee);
  END LOOP;

  -- What a relation got by acme_prod_service's default privileges when it was replaced.
  FOR v_one IN
    SELECT DISTINCT m.kind, m.name, g.grantee
      FROM move m JOIN pg_namespace n ON n.nspname = m.schema
      JOIN pg_default_acl d ON d.defaclnamespace = n.oid AND d.defaclrole = to_regrole('acme_prod_service') AND d.defaclobjtype = 'r'
     CROSS JOIN aclexplode(d.defaclacl) g
     WHERE m.kind = 'TABLE' AND pg_get_userbyid(g.grantee) <> m.owner AND EXISTS (SELECT FROM acme_door.found f WHERE (f.kind, f.name) = (m.kind, m.name))
       AND NOT EXISTS (SELECT FROM acme_door.found f WHERE (f.kind, f.name, f.col, f.privilege) = (m.kind, m.name, '', 'SELECT')
                          AND f.grantee = CASE WHEN g.grantee = 0 THEN 'public' ELSE pg_get_userbyid(g.grantee) END)
  LOOP
    EXECUTE format('REVOKE SELECT ON %s %s FROM %s', v_one.kind, v_one.name, CASE WHEN v_one.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(v_one.grantee)) END);
  END LOOP;

  FOR v_one IN SELECT DISTINCT f.grantee FROM acme_door.found f WHERE f.privilege = 'OWNER' AND to_regrole(quote_ident(f.grantee)) IS NULL LOOP
    RAISE WARNING '% owned part of production and is not there any more: what it owned stays with acme_prod_service.', v_one.grantee;
  END LOOP;

  -- Rights, each after the one by which its grantor may grant it. What is gone by now is said, and passed over.
  FOR v_one IN
    WITH RECURSIVE owned AS (
      SELECT kind, name, pg_get_userbyid(coalesce((SELECT r.oid FROM pg_roles r JOIN move m ON m.owner = r.rolname WHERE (m.kind, m.name) = (o.kind, o.name)), o.owner)) AS owner FROM prod_object o
    ), given AS (
      SELECT f.*, coalesce(o.owner, f.grantor) AS owner FROM acme_door.found f LEFT JOIN owned o USING (kind, name) WHERE f.privilege NOT IN ('OWNER', 'MEMBER')
    ), chain(kind, name, col, grantee, grantor, privilege, depth) AS (
      SELECT kind, name, col, grantee, grantor, privilege, 0 FROM given WHERE grantor = owner
      UNION
      SELECT g.kind, g.name, g.col, g.grantee, g.grantor, g.privilege, c.depth + 1
        FROM chain c JOIN given g ON (g.kind, g.name, g.col, g.privilege, g.grantor) = (c.kind, c.name, c.col, c.privilege, c.grantee) AND g.grantor <> g.owner
       WHERE c.depth < 20
    )
    SELECT g.*, coalesce((SELECT min(c.depth) FROM chain c WHERE (c.kind, c.name, c.col, c.grantee, c.grantor, c.privilege) = (g.kind, g.name, g.col, g.grantee, g.grantor, g.privilege)), 99) AS depth
      FROM given g ORDER BY depth, g.kind, g.name, g.col, g.privilege
  LOOP
    v_who := CASE v_one.grantee WHEN 'public' THEN 'PUBLIC' ELSE quote_ident(v_one.grantee) END;
    IF v_one.kind = 'DATABASE' THEN
      v_one.name := quote_ident(current_database());
    END IF;
    BEGIN
      IF v_one.depth BETWEEN 1 AND 20 THEN
        IF NOT EXISTS (SELECT FROM acme_door.found f WHERE (f.kind, f.name, f.col, f.grantee, f.privilege, f.grantor) = (v_one.kind, v_one.name, v_one.col, v_one.grantee, v_one.privilege, v_one.owner)) THEN
          EXECUTE format('REVOKE %s%s ON %s %s FROM %s CASCADE', v_one.privilege, v_one.col, v_one.kind, v_one.name, v_who);
        END IF;
        EXECUTE format('SET LOCAL ROLE %I', v_one.grantor);
      END IF;
      EXECUTE format('GRANT %s%s ON %s %s TO %s%s', v_one.privilege, v_one.col, v_one.kind, v_one.name, v_who, CASE WHEN v_one.grantable THEN ' WITH GRANT OPTION' ELSE '' END);
      RESET ROLE;
    EXCEPTION WHEN undefined_object OR undefined_table OR undefined_column OR undefined_function OR invalid_schema_name OR wrong_object_type OR invalid_grantor OR invalid_grant_operation OR insufficient_privilege THEN
      RAISE WARNING '% on % % was not given back to %: %', v_one.privilege || v_one.col, v_one.kind, v_one.name, v_who, SQLERRM;
    END;
  END LOOP;
  FOR v_one IN SELECT name, grantee FROM acme_door.found WHERE CASE kind WHEN 'MEMBER' THEN to_regrole(name) END IS NOT NULL LOOP
    EXECUTE format('GRANT %s TO %I', v_one.name, v_one.grantee)
      || CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH INHERIT TRUE, SET FALSE' ELSE '' END;
  END LOOP;

  DELETE FROM acme_door.found WHERE kind <> 'MEMBER';
  DELETE FROM acme_door.accepted WHERE how = 'administrator';
END $$;


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
