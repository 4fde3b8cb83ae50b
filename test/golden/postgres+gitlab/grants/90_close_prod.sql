-- 90_close_prod.sql: from here on only acme_prod_service writes production.
--
-- Who runs it   a superuser, or the administrator who ran 10_roles.sql, is able to act for the present owners of the prod
--               schemas, and owns this database. Readers may go on reading: it waits for a moment in which nobody does.
-- What changes  in analytics, staging: schemas go to acme_prod_owner; relations, types and routines to acme_prod_service;
--               everybody else's right to create and to write is revoked, on columns and sequences too. Whoever read
--               goes on reading, former owners included: for one table of each schema dbt's swap is rehearsed here.
--               acme_prod_service is a member of the former owners no longer. PUBLIC may no longer create in this
--               database or in schema public, nor write functions: a view of a pull request could run one with its
--               reader's rights. Administrators, developers, acme_prod_service and owners of functions keep that right;
--               functions that acme_ci_service made in pr_<number> can be called by nobody. DO blocks are functions too;
--               so is an administrator's script: to one who comes later, a superuser grants USAGE ON LANGUAGE plpgsql.
--               Owners of what is in schema public may still create there.
--               Who is an administrator today is written down: the audit reports whoever becomes one later.
--               Refused before acme_prod_service has built something. Ends with the audit: read it.
-- How to undo   91_reopen_prod.sql; how it was is written down in acme_door.found.

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

-- Definer routines stay with their owners: nobody shall run anything with acme_prod_service's rights.
CREATE TEMPORARY TABLE move ON COMMIT DROP AS
SELECT kind, schema, name, oid, owner AS former, CASE kind WHEN 'SCHEMA' THEN 'acme_prod_owner' ELSE 'acme_prod_service' END::name AS owner
  FROM prod_object o
 WHERE owner <> to_regrole(CASE kind WHEN 'SCHEMA' THEN 'acme_prod_owner' ELSE 'acme_prod_service' END) AND NOT follows
   AND NOT EXISTS (SELECT FROM pg_proc f WHERE o.class = 'pg_proc'::regclass AND f.oid = o.oid AND f.prosecdef);

DO $$
DECLARE
  v_service CONSTANT name := 'acme_prod_service';
  v_one record;
  v_text text;
BEGIN
  -- Not before production runs without the shared login.
  IF NOT EXISTS (SELECT FROM prod_object WHERE kind = 'TABLE' AND owner = to_regrole(v_service)) THEN
    RAISE EXCEPTION '% has built nothing in analytics, staging yet. Deploy with it first: whoever builds production today would be locked out.', v_service;
  END IF;

  -- A view reads with its owner's rights: its next owner must be able to read the same.
  SELECT string_agg(DISTINCT format('%s reads %s', v.name, r.oid::regclass), ', ') INTO v_text
    FROM prod_object v
    JOIN pg_rewrite w ON v.class = 'pg_class'::regclass AND w.ev_class = v.oid
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_class r ON r.oid = d.refobjid AND r.oid <> v.oid
    JOIN pg_namespace rn ON rn.oid = r.relnamespace
   WHERE rn.nspname NOT IN ('analytics', 'staging')
     AND NOT (has_schema_privilege(v_service, rn.oid, 'USAGE')
       AND CASE d.refobjsubid WHEN 0 THEN has_any_column_privilege(v_service, r.oid, 'SELECT') ELSE has_column_privilege(v_service, r.oid, d.refobjsubid::smallint, 'SELECT') END);
  IF v_text IS NOT NULL THEN
    RAISE EXCEPTION '% may not read what these views read: %. Declare the schema with dbt-envs --source-schemas and run 20_boundary.sql, or drop the view.', v_service, v_text;
  END IF;

  -- Row policies do not hold the owner of a table, and hold the next owner of a view on it.
  SELECT string_agg(DISTINCT format('%s reads %s', v.name, r.oid::regclass), ', ') INTO v_text
    FROM move v
    JOIN pg_rewrite w ON w.ev_class = v.oid AND v.kind = 'TABLE'
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_class r ON r.oid = d.refobjid AND r.relrowsecurity AND r.relowner <> to_regrole(v_service) AND r.oid NOT IN (SELECT oid FROM move);
  IF v_text IS NOT NULL THEN
    RAISE EXCEPTION 'These views would silently show other rows, since row policies hold % where they did not hold the present owner: %. Move the view out of production, or let the policies pass % and give it the view beforehand.', v_service, v_text, v_service;
  END IF;
  FOR v_one IN SELECT c.oid::regclass AS name, pg_get_userbyid(m.former) AS former FROM move m JOIN pg_class c ON c.oid = m.oid AND m.kind = 'TABLE' WHERE c.relrowsecurity LOOP
    RAISE WARNING 'The row policies of % hold % from now on, who owned it.', v_one.name, v_one.former;
  END LOOP;
  FOR v_one IN
    SELECT DISTINCT f.srvname FROM pg_foreign_table t JOIN pg_foreign_server f ON f.oid = t.ftserver
     WHERE (t.ftrelid IN (SELECT oid FROM move WHERE kind = 'TABLE')
         OR t.ftrelid IN (SELECT d.refobjid FROM move v JOIN pg_rewrite w ON w.ev_class = v.oid JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid))
       AND NOT EXISTS (SELECT FROM pg_user_mappings u WHERE u.srvid = f.oid AND u.umuser IN (0, to_regrole(v_service)))
  LOOP
    RAISE WARNING 'Production reads through foreign server %, on which % has no user mapping: views on it fail until it has.', v_one.srvname, v_service;
  END LOOP;

  -- What others may lose, or keep.
  FOR v_one IN
    SELECT DISTINCT c.oid::regclass AS name, q.name AS sequence
      FROM prod_object q JOIN pg_depend d ON q.kind = 'SEQUENCE' AND d.refclassid = 'pg_class'::regclass AND d.refobjid = q.oid AND d.classid = 'pg_attrdef'::regclass
      JOIN pg_attrdef a ON a.oid = d.objid JOIN pg_class c ON c.oid = a.adrelid
     WHERE c.oid NOT IN (SELECT oid FROM prod_object)
  LOOP
    RAISE WARNING '% takes its default from %, which nobody but % may advance from now on.', v_one.name, v_one.sequence, v_service;
  END LOOP;
  FOR v_one IN
    SELECT c.oid::regclass AS name, string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type) AS rights
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN aclexplode(c.relacl) g
     WHERE g.grantee = to_regrole(v_service) AND c.relowner <> g.grantee AND n.nspname NOT IN ('analytics', 'staging', 'raw', 'crm', 'acme_door')
     GROUP BY c.oid
  LOOP
    RAISE WARNING '% keeps % on %, which no script gave it.', v_service, v_one.rights, v_one.name;
  END LOOP;
  FOR v_one IN SELECT f.name FROM prod_object f JOIN pg_proc p ON f.class = 'pg_proc'::regclass AND p.oid = f.oid WHERE p.prosecdef LOOP
    RAISE WARNING '% runs with the rights of its owner, and keeps it: make sure that it cannot write production for its caller.', v_one.name;
  END LOOP;
END $$;

-- Only an owner, or who acts for one, may grant and hand over.
DO $$
DECLARE
  v_role name;
  v_since_16 CONSTANT boolean := current_setting('server_version_num')::int >= 160000;
BEGIN
  FOR v_role IN
    SELECT pg_get_userbyid(former) FROM move
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

-- Written down for 91_reopen_prod.sql: what is not acme_prod_service's yet, as it is now.
DELETE FROM acme_door.found f USING prod_object o
 WHERE o.kind = f.kind AND o.name = f.name AND o.owner NOT IN (to_regrole('acme_prod_service'), to_regrole('acme_prod_owner'));
INSERT INTO acme_door.found (kind, name, col, grantee, grantor, privilege, grantable)
WITH theirs AS (
  SELECT * FROM prod_object WHERE owner NOT IN (to_regrole('acme_prod_service'), to_regrole('acme_prod_owner'))
)
SELECT o.kind, o.name, '', pg_get_userbyid(o.owner), pg_get_userbyid(o.owner), 'OWNER', false FROM theirs o
UNION ALL
SELECT o.kind, o.name, '', CASE WHEN g.grantee = 0 THEN 'public' ELSE pg_get_userbyid(g.grantee) END, pg_get_userbyid(g.grantor), g.privilege_type, g.is_grantable
  FROM theirs o CROSS JOIN aclexplode(o.acl) g WHERE g.grantee <> o.owner
UNION ALL
SELECT o.kind, o.name, format(' (%I)', a.attname), CASE WHEN g.grantee = 0 THEN 'public' ELSE pg_get_userbyid(g.grantee) END, pg_get_userbyid(g.grantor), g.privilege_type, g.is_grantable
  FROM theirs o JOIN pg_attribute a ON a.attrelid = o.oid AND NOT a.attisdropped CROSS JOIN aclexplode(a.attacl) g WHERE o.class = 'pg_class'::regclass AND g.grantee <> o.owner;

-- Rights to write, whoever holds them. MAINTAIN stays, since it changes no row; the audit asks whether it is meant.
DO $$
DECLARE
  v_service CONSTANT oid := to_regrole('acme_prod_service');
  v_owner CONSTANT oid := to_regrole('acme_prod_owner');
  v_super CONSTANT boolean := (SELECT rolsuper FROM pg_roles WHERE rolname = current_user);
  v_writes CONSTANT text[] := '{CREATE,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}';
  v_one record;
  v_who text;
BEGIN
  FOR v_one IN
    SELECT o.kind, o.name, '' AS col, g.grantee, g.privilege_type
      FROM prod_object o CROSS JOIN aclexplode(o.acl) g
     WHERE g.grantee NOT IN (o.owner, v_service, v_owner) AND (g.privilege_type = ANY (v_writes) OR (o.kind = 'SEQUENCE' AND g.privilege_type = 'USAGE'))
    UNION ALL
    SELECT o.kind, o.name, format(' (%I)', a.attname), g.grantee, g.privilege_type
      FROM prod_object o JOIN pg_attribute a ON a.attrelid = o.oid AND NOT a.attisdropped CROSS JOIN aclexplode(a.attacl) g
     WHERE o.class = 'pg_class'::regclass AND g.grantee NOT IN (o.owner, v_service) AND g.privilege_type = ANY (v_writes)
  LOOP
    v_who := CASE WHEN v_one.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(v_one.grantee)) END;
    EXECUTE format('REVOKE %s%s ON %s %s FROM %s CASCADE', v_one.privilege_type, v_one.col, v_one.kind, v_one.name, v_who);
  END LOOP;

  FOR v_one IN
    SELECT 'SCHEMA' AS kind, 'public' AS name, g.privilege_type, g.is_grantable, g.grantor
      FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) g WHERE n.nspname = 'public' AND g.grantee = 0 AND g.privilege_type = 'CREATE'
    UNION ALL
    SELECT 'DATABASE', quote_ident(datname), g.privilege_type, g.is_grantable, g.grantor
      FROM pg_database CROSS JOIN aclexplode(datacl) g WHERE datname = current_database() AND g.grantee = 0 AND g.privilege_type = 'CREATE'
  LOOP
    INSERT INTO acme_door.found VALUES (v_one.kind, v_one.name, '', 'public', pg_get_userbyid(v_one.grantor), v_one.privilege_type, v_one.is_grantable);
    -- Other applications' owners go on working in public; whoever is of this project does not.
    IF v_one.kind = 'SCHEMA' THEN
      EXECUTE (SELECT coalesce(string_agg(format('GRANT CREATE ON SCHEMA public TO %I', r.rolname), ';'), 'SELECT')
                 FROM pg_roles r
                WHERE r.oid IN (SELECT c.relowner FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
                                UNION SELECT f.proowner FROM pg_proc f WHERE f.pronamespace = 'public'::regnamespace)
                  AND NOT r.rolsuper AND r.rolname NOT IN ('acme_env_owner', 'acme_prod_owner', 'acme_developer', 'acme_reader', 'acme_reviewer', 'acme_ci_service', 'acme_prod_service', 'acme_janitor')
                  AND NOT EXISTS (SELECT FROM acme_door.developer d WHERE d.login = r.rolname) AND NOT EXISTS (SELECT FROM acme_door.reader d WHERE d.login = r.rolname)
                  AND NOT EXISTS (SELECT FROM aclexplode((SELECT nspacl FROM pg_namespace WHERE nspname = 'public')) g WHERE g.grantee = r.oid AND g.privilege_type = 'CREATE'));
    END IF;
    EXECUTE format('REVOKE %s ON %s %s FROM PUBLIC', v_one.privilege_type, v_one.kind, v_one.name);
  END LOOP;

  FOR v_one IN
    SELECT l.oid, quote_ident(l.lanname) AS name, coalesce(l.lanacl, acldefault('l', l.lanowner)) AS acl
      FROM pg_language l WHERE l.lanpltrusted AND EXISTS (SELECT FROM aclexplode(coalesce(l.lanacl, acldefault('l', l.lanowner))) g WHERE g.grantee = 0)
  LOOP
    IF NOT v_super THEN
      RAISE WARNING 'Everybody may write functions in %; only a superuser can change that. A view in pr_<number> may then run code with the rights of whoever selects from it: let administrators never query environment schemas.', v_one.name;
      CONTINUE;
    END IF;
    INSERT INTO acme_door.found
      SELECT 'LANGUAGE', v_one.name, '', CASE WHEN g.grantee = 0 THEN 'public' ELSE pg_get_userbyid(g.grantee) END, pg_get_userbyid(g.grantor), g.privilege_type, g.is_grantable
        FROM aclexplode(v_one.acl) g;
    EXECUTE format('GRANT USAGE ON LANGUAGE %s TO acme_env_owner, acme_developer, acme_prod_service', v_one.name);
    EXECUTE (SELECT coalesce(string_agg(format('GRANT USAGE ON LANGUAGE %s TO %I', v_one.name, r.rolname), ';'), 'SELECT')
               FROM pg_roles r
              WHERE r.rolname NOT IN ('acme_ci_service', 'acme_janitor')
                AND (r.rolcreaterole OR r.oid = (SELECT datdba FROM pg_database WHERE datname = current_database())
                  OR r.oid IN (SELECT p.proowner FROM pg_proc p WHERE p.prolang = v_one.oid)));
    EXECUTE format('REVOKE USAGE ON LANGUAGE %s FROM PUBLIC', v_one.name);
  END LOOP;
  -- What pull requests have written before would go on running as its reader, and its owner can always let everybody
  -- call it: acme_env_owner owns it from now on, nobody may call it, and it goes with its schema.
  FOR v_one IN
    SELECT format('%I.%I(%s)', n.nspname, p.proname, oidvectortypes(p.proargtypes)) AS name, p.prokind
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspowner = to_regrole('acme_env_owner')
     WHERE v_super AND p.proowner = to_regrole('acme_ci_service') AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
  LOOP
    IF v_one.prokind <> 'a' THEN
      EXECUTE format('ALTER ROUTINE %s SECURITY INVOKER', v_one.name);
    END IF;
    EXECUTE format('ALTER ROUTINE %s OWNER TO acme_env_owner', v_one.name);
    EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC, acme_ci_service, acme_developer, acme_reviewer', v_one.name);
  END LOOP;
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
  v_service CONSTANT name := 'acme_prod_service';
  v_one record;
  v_text text;
BEGIN
  -- Who owned goes on reading.
  FOR v_one IN SELECT kind, name, quote_ident(pg_get_userbyid(former)) AS former FROM move LOOP
    EXECUTE format('GRANT %s ON %s %s TO %s', CASE v_one.kind WHEN 'SCHEMA' THEN 'USAGE' WHEN 'ROUTINE' THEN 'EXECUTE' WHEN 'TYPE' THEN 'USAGE' ELSE 'SELECT' END, v_one.kind, v_one.name, v_one.former);
  END LOOP;
  FOR v_one IN SELECT name FROM acme_door.found WHERE CASE kind WHEN 'MEMBER' THEN to_regrole(name) END IS NOT NULL LOOP
    EXECUTE format('REVOKE %s FROM %I', v_one.name, v_service);
  END LOOP;
  -- A REVOKE by somebody who may not revoke is only a warning: look at what came of it.
  SELECT string_agg(DISTINCT what, '; ') INTO v_text FROM (
    SELECT format('%s may %s in %s', CASE WHEN g.grantee = 0 THEN 'everybody' ELSE pg_get_userbyid(g.grantee) END, g.privilege_type, n.nspname) AS what
      FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) g
     WHERE g.privilege_type = 'CREATE' AND ((n.oid IN (SELECT oid FROM prod_object WHERE kind = 'SCHEMA') AND g.grantee NOT IN (n.nspowner, to_regrole(v_service))) OR (n.nspname = 'public' AND g.grantee = 0))
    UNION ALL
    SELECT format('%s may %s %s', CASE WHEN g.grantee = 0 THEN 'everybody' ELSE pg_get_userbyid(g.grantee) END, g.privilege_type, c.oid::regclass)
      FROM pg_class c JOIN prod_object o ON o.kind = 'TABLE' AND o.oid = c.oid CROSS JOIN aclexplode(c.relacl) g
     WHERE g.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') AND g.grantee <> c.relowner
    UNION ALL
    SELECT format('%s is still a member of %s', v_service, f.name) FROM acme_door.found f
     WHERE f.kind = 'MEMBER' AND EXISTS (SELECT FROM pg_auth_members WHERE roleid = to_regrole(f.name) AND member = to_regrole(v_service))
  ) AS left_over;
  IF v_text IS NOT NULL THEN
    RAISE EXCEPTION 'Nothing was changed: % may not take this away: %. Run this as a superuser, or as who gave it.', current_user, v_text;
  END IF;

  -- Whoever is an administrator today is known to be one; the audit never takes anybody of the roster for one.
  INSERT INTO acme_door.accepted (login, how)
  SELECT DISTINCT login, 'administrator' FROM acme_door.audit() WHERE verdict = 'administrator'
     AND NOT EXISTS (SELECT FROM acme_door.accepted a WHERE a.how = 'administrator');
END $$;

-- The rehearsal: acme_prod_service swaps one table of each schema as dbt does. Whoever reads the old one must be able to
-- read the new one. All of it is undone.
DO $$
DECLARE
  v_one record;
  v_blind text;
BEGIN
  FOR v_one IN
    SELECT DISTINCT ON (n.nspname) n.nspname AS schema, c.relname AS name, c.oid
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid IN (SELECT oid FROM prod_object WHERE kind = 'TABLE') AND c.relkind = 'r' AND pg_get_userbyid(c.relowner) = 'acme_prod_service'
     ORDER BY n.nspname, c.oid NOT IN (SELECT oid FROM move), (SELECT count(*) FROM aclexplode(c.relacl)) DESC, c.oid
  LOOP
    BEGIN
      SET LOCAL ROLE acme_prod_service;
      EXECUTE format('CREATE TABLE %I.dbt_envs_rehearsal AS TABLE %1$I.%I WITH NO DATA', v_one.schema, v_one.name);
      EXECUTE format('ALTER TABLE %I.%I RENAME TO dbt_envs_replaced', v_one.schema, v_one.name);
      EXECUTE format('ALTER TABLE %I.dbt_envs_rehearsal RENAME TO %I', v_one.schema, v_one.name);
      CALL acme_door.keep_readers(v_one.schema, v_one.name, 'dbt_envs_replaced');
      SELECT string_agg(DISTINCT r.rolname, ', ') INTO v_blind
        FROM pg_class c CROSS JOIN aclexplode(c.relacl) g JOIN pg_roles r ON r.oid = g.grantee
       WHERE c.oid = v_one.oid AND g.privilege_type = 'SELECT' AND NOT has_table_privilege(r.oid, format('%I.%I', v_one.schema, v_one.name), 'SELECT');
      RAISE EXCEPTION USING ERRCODE = 'DE001', MESSAGE = 'rehearsed';
    EXCEPTION WHEN SQLSTATE 'DE001' THEN
      RESET ROLE;
    END;
    IF v_blind IS NOT NULL THEN
      RAISE EXCEPTION 'Nothing was changed: after the next deploy % could not read %.% any more.', v_blind, v_one.schema, v_one.name;
    END IF;
    RAISE NOTICE 'Rehearsed: % replaces %.%, and everybody who reads it still does.', 'acme_prod_service', v_one.schema, v_one.name;
  END LOOP;
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

-- What is left: administrators, and whatever is no right that this file could take.
SELECT * FROM acme_door.audit();
