-- 40_services.sql: what the three services may do.
--
-- Who runs it   the administrator who ran 10_roles.sql and who owns this database, or a superuser, in the database of
--               20_boundary.sql.
-- What changes  acme_prod_service may write the prod schemas, and replace what is there as a member of its present
--               owners until 90_close_prod.sql; what it builds from now on is readable by everybody who should read it.
--               Owners and rights are written down as they are now. acme_ci_service builds pr_<number> through the
--               door, and developers and reviewers read that. acme_janitor may drop through the door and nothing else.
--               Nothing is taken from anybody.
-- How to undo   91_reopen_prod.sql, if acme_prod_service has deployed; then REVOKE the same rights. Never DROP OWNED BY
--               acme_prod_service: what it owns is production.

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
  FOREACH v_role IN ARRAY ARRAY['acme_env_owner', 'acme_prod_owner', 'acme_prod_service', 'acme_ci_service']::name[] LOOP
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

-- Only an owner, or who acts for one, may grant and hand over.
DO $$
DECLARE
  v_role name;
  v_since_16 CONSTANT boolean := current_setting('server_version_num')::int >= 160000;
BEGIN
  FOR v_role IN
    SELECT pg_get_userbyid(owner) FROM prod_object WHERE kind IN ('SCHEMA', 'TABLE', 'SEQUENCE')
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

GRANT USAGE, CREATE ON SCHEMA "analytics" TO acme_prod_service;
GRANT SELECT ON ALL TABLES IN SCHEMA "analytics" TO acme_prod_service;
GRANT USAGE, CREATE ON SCHEMA "staging" TO acme_prod_service;
GRANT SELECT ON ALL TABLES IN SCHEMA "staging" TO acme_prod_service;

-- What is built tomorrow. A default privilege belongs to the role that creates the table: without FOR ROLE this would
-- speak of the administrator's own tables. dbt's swap of a new table for the old one keeps it.
ALTER DEFAULT PRIVILEGES FOR ROLE acme_prod_service IN SCHEMA "analytics" GRANT SELECT ON TABLES TO acme_developer, acme_reader, acme_reviewer, acme_ci_service;
ALTER DEFAULT PRIVILEGES FOR ROLE acme_prod_service IN SCHEMA "staging" GRANT SELECT ON TABLES TO acme_developer, acme_reader, acme_reviewer, acme_ci_service;
ALTER DEFAULT PRIVILEGES FOR ROLE acme_ci_service GRANT SELECT ON TABLES TO acme_developer, acme_reviewer;

-- What is there now, after these grants and before anything is taken away.
DROP TABLE prod_object;
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

DO $$
DECLARE
  v_service CONSTANT name := 'acme_prod_service';
  v_one record;
BEGIN
  -- Whoever builds a prod schema today goes on reading what is built there, and so does whoever reads it by a default
  -- privilege of the builder's. Nobody else's counts: everybody may set their own, in any schema.
  FOR v_one IN
    WITH builder AS (
      SELECT schema, owner FROM prod_object WHERE kind = 'SCHEMA'
      UNION SELECT schema, mode() WITHIN GROUP (ORDER BY owner) FROM prod_object WHERE kind = 'TABLE' GROUP BY schema
      EXCEPT SELECT o.schema, r.oid FROM prod_object o, pg_roles r WHERE r.rolname IN (v_service, 'acme_prod_owner')
    )
    SELECT b.schema, quote_ident(pg_get_userbyid(b.owner)) AS reader FROM builder b
    UNION
    SELECT b.schema, CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END
      FROM builder b
      JOIN pg_default_acl d ON d.defaclrole = b.owner AND d.defaclobjtype = 'r' AND d.defaclnamespace IN (0, to_regnamespace(quote_ident(b.schema)))
     CROSS JOIN aclexplode(d.defaclacl) g WHERE g.privilege_type = 'SELECT' AND g.grantee NOT IN (b.owner, to_regrole(v_service))
  LOOP
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT SELECT ON TABLES TO %s', v_service, v_one.schema, v_one.reader);
  END LOOP;

  -- Until 90_close_prod.sql the present builders build on, and this project's groups read that as well.
  FOR v_one IN
    SELECT DISTINCT o.schema, pg_get_userbyid(o.owner) AS owner FROM prod_object o
     WHERE o.kind = 'TABLE' AND o.owner <> to_regrole(v_service) AND pg_has_role(current_user, o.owner, 'USAGE')
  LOOP
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT SELECT ON TABLES TO acme_developer, acme_reader, acme_reviewer, acme_ci_service', v_one.owner, v_one.schema);
  END LOOP;

  -- Only its owner may replace a relation. Until 90_close_prod.sql moves what is there, acme_prod_service acts for the
  -- present owners, so that its first deploy can replace what they built; never for one who is more than that.
  FOR v_one IN
    SELECT pg_get_userbyid(o.owner) AS owner, string_agg(DISTINCT o.schema, ', ') AS schemas,
           EXISTS (SELECT FROM pg_roles r
                    WHERE pg_has_role(o.owner, r.oid, 'MEMBER')
                      AND (r.rolsuper OR r.rolcreaterole OR r.rolreplication OR r.rolbypassrls
                        OR r.rolname IN ('pg_write_all_data', 'pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files', 'pg_database_owner', 'rds_superuser', 'cloudsqlsuperuser', 'azure_pg_admin'))) AS administrator
      FROM prod_object o
     WHERE o.kind IN ('TABLE', 'SEQUENCE') AND NOT pg_has_role(v_service, o.owner, 'USAGE')
     GROUP BY o.owner
  LOOP
    IF v_one.administrator THEN
      RAISE WARNING 'Relations in % belong to %, an administrator, for whom % never acts. It cannot replace them before 90_close_prod.sql: deploy one new model first, close at a quiet hour, and deploy everything.', v_one.schemas, v_one.owner, v_service;
    ELSE
      BEGIN
        EXECUTE format('GRANT %I TO %I', v_one.owner, v_service)
          || CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH INHERIT TRUE, SET FALSE' ELSE '' END;
        INSERT INTO acme_door.found VALUES ('MEMBER', quote_ident(v_one.owner), '', v_service, current_user, 'MEMBER', false);
      EXCEPTION WHEN insufficient_privilege THEN
        RAISE WARNING 'Relations in % belong to %, and % may not let % act for it: before 90_close_prod.sql it cannot replace them. Have a superuser run: GRANT % TO % WITH ADMIN OPTION; then run this file again.', v_one.schemas, v_one.owner, current_user, v_service, quote_ident(v_one.owner), quote_ident(current_user);
      END;
    END IF;
  END LOOP;
END $$;

-- A courtesy, not a boundary, since a session may set them again: a deploy that meets a long query gives up, instead of
-- making every reader of that table wait behind it, and a forgotten transaction does not hold locks for a day.
ALTER ROLE acme_prod_service SET lock_timeout = '2min';
ALTER ROLE acme_prod_service SET idle_in_transaction_session_timeout = '1h';
ALTER ROLE acme_ci_service SET idle_in_transaction_session_timeout = '1h';
ALTER ROLE acme_janitor SET lock_timeout = '1min';
-- The janitor reads no view of anybody's. (15.8 and 16.4 are the first minors that know this setting:
-- https://www.postgresql.org/docs/release/16.4/)
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_settings WHERE name = 'restrict_nonsystem_relation_kind') THEN
    ALTER ROLE acme_janitor SET restrict_nonsystem_relation_kind = 'view, foreign-table';
  END IF;
END $$;

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
