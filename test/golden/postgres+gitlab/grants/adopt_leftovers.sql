-- adopt_leftovers.sql: hands schemas that were made by hand over to project acme, each by its name.
--
-- Who runs it   the administrator who ran 10_roles.sql, who owns this database and may act for those who own the
--               schemas; or a superuser. After 30_developers.sql, and after 00_look.sql has shown what is there:
--                 psql -v ON_ERROR_STOP=1 -c "SET dbt_envs.leftovers = 'dev_ghost, pr_500, dbt_sam as dev_sam, \"Old PR\" as pr_7'" -f grants/adopt_leftovers.sql
-- What changes  each named schema, under the name after "as": acme_env_owner owns it, and everybody's rights on it are
--               revoked. What is in dev_<slug> of somebody on the roster goes to that person, what is in pr_<number> to
--               acme_ci_service: pull requests can then read it, so rather drop one that holds personal data. In any other
--               dev_<slug> everything keeps its owner, who cannot get at it any more. It counts as used today, however
--               old it is. If one name cannot be handed over, none is, and all reasons are listed. Each relation holds a
--               lock until the end: where the server runs out of them, name fewer schemas at a time. Refused where a view,
--               a trigger or the like uses a function of somebody else: it would run as its next owner.
-- How to undo   with the statements that it prints, as the same login, as long as nobody has used the schema.

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
  FOREACH v_role IN ARRAY ARRAY['acme_env_owner', 'acme_ci_service']::name[] LOOP
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

-- What was named. rightful is who works in it from now on; null where that is nobody.
CREATE TEMPORARY TABLE leftover (
  n int PRIMARY KEY, old text NOT NULL, new text NOT NULL, adopted boolean NOT NULL, oid oid, owner name, rightful name, never text, relations bigint, size bigint
) ON COMMIT DROP;
-- What is in them and has an owner of its own: indexes and the sequences of columns follow their table.
CREATE TEMPORARY TABLE content (n int, classid oid, objid oid, kind text, owner name) ON COMMIT DROP;
CREATE TEMPORARY TABLE undo (step int GENERATED ALWAYS AS IDENTITY, statement text) ON COMMIT DROP;

-- Reads the names, and refuses all of them with every reason at once.
DO $$
DECLARE
  v_super CONSTANT boolean := (SELECT rolsuper FROM pg_roles WHERE rolname = current_user);
  v_creator CONSTANT boolean := (SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user) AND current_setting('server_version_num')::int < 160000;
  v_rest text := current_setting('dbt_envs.leftovers', true);
  v_entry text[];
  v_one leftover;
  v_n int := 0;
  v_problems text[] := '{}';
BEGIN
  IF coalesce(v_rest, '') !~ '\S' THEN
    RAISE EXCEPTION 'No schema was named, and nothing is changed. Name them in the same session before this file: SET dbt_envs.leftovers = ''dev_ghost, dbt_sam as dev_sam'';';
  ELSIF to_regprocedure('acme_door.user_of(name)') IS NULL THEN
    RAISE EXCEPTION 'Database % has no acme_door, or an old one. Run grants/10_roles.sql to 40_services.sql first.', current_database();
  END IF;

  WHILE v_rest ~ '\S' LOOP
    v_entry := regexp_match(v_rest, '^\s*(?:"((?:[^"]|"")+)"|([a-z_][a-z0-9_$]*))(?:\s+[aA][sS]\s+([^\s,"]+))?\s*(?:,(.*))?$');
    IF v_entry IS NULL THEN
      v_problems := v_problems || format('%s: write schema, schema as dev_<slug> or schema as pr_<number>, commas between; what is not plain lower case goes in double quotes', btrim(v_rest));
      EXIT;
    END IF;
    v_one := NULL;
    v_n := v_n + 1;
    v_one.n := v_n;
    v_one.old := coalesce(replace(v_entry[1], '""', '"'), v_entry[2]);
    v_one.new := coalesce(v_entry[3], v_one.old);
    v_rest := v_entry[4];
    PERFORM FROM acme_door.environment e WHERE e.schema_name = v_one.new FOR UPDATE; -- a build may be using it just now
    SELECT oid, pg_get_userbyid(nspowner), nspowner = to_regrole('acme_env_owner') AND nspname = v_one.new
      INTO v_one.oid, v_one.owner, v_one.adopted FROM pg_namespace WHERE nspname = v_one.old;
    IF NOT FOUND THEN -- an earlier run may have renamed it
      SELECT oid, pg_get_userbyid(nspowner), true INTO v_one.oid, v_one.owner, v_one.adopted
        FROM pg_namespace WHERE nspname = v_one.new AND nspowner = to_regrole('acme_env_owner');
    END IF;
    v_one.adopted := coalesce(v_one.adopted, false);
    v_one.rightful := (SELECT u FROM acme_door.user_of(v_one.new) u WHERE to_regrole(quote_ident(u)) IS NOT NULL);
    v_one.never := CASE
      WHEN v_one.old IN ('analytics', 'staging') THEN 'production'
      WHEN v_one.old IN ('raw', 'crm') THEN 'a source'
      WHEN v_one.old = 'public' THEN 'everybody''s'
      WHEN v_one.old = 'information_schema' OR v_one.old ~ '^pg_' THEN 'PostgreSQL''s own'
      WHEN obj_description(v_one.oid, 'pg_namespace') ~ '^dbt-envs: door of project ' THEN 'the door of a project' END;
    SELECT count(*), coalesce(sum(pg_total_relation_size(oid)) FILTER (WHERE relkind IN ('r', 'm')), 0) INTO v_one.relations, v_one.size
      FROM pg_class WHERE relnamespace = v_one.oid AND relkind IN ('r', 'p', 'v', 'm', 'f');
    INSERT INTO leftover SELECT v_one.*;
  END LOOP;

  INSERT INTO content
  SELECT l.n, d.classid, d.objid,
         CASE WHEN i.type IN ('function', 'procedure', 'aggregate') THEN 'routine' WHEN i.type = 'statistics object' THEN 'statistics' ELSE i.type END,
         pg_get_userbyid(coalesce(c.relowner, p.proowner, t.typowner, s.refobjid, 10)) -- what the first superuser (10) owns is in no pg_shdepend
    FROM leftover l
    JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = l.oid
   CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i
    LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
    LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
    LEFT JOIN pg_type t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
    LEFT JOIN pg_shdepend s ON s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.classid = d.classid AND s.objid = d.objid AND s.deptype = 'o'
   WHERE NOT l.adopted
     AND i.type IN ('table', 'view', 'materialized view', 'foreign table', 'sequence', 'function', 'procedure', 'aggregate', 'type', 'collation', 'conversion', 'operator',
                    'operator class', 'operator family', 'statistics object', 'text search configuration', 'text search dictionary')
     AND NOT EXISTS (SELECT FROM pg_depend b WHERE b.classid = d.classid AND b.objid = d.objid AND b.objsubid = 0 AND (b.deptype = 'i' OR (b.deptype = 'a' AND c.relkind = 'S')));

  SELECT v_problems || array_agg(format('%I: %s', l.old, p.what) ORDER BY l.n, p.what) INTO v_problems FROM leftover l CROSS JOIN LATERAL (
    SELECT 'there is no such schema; grants/00_look.sql lists what there is' AS what WHERE l.oid IS NULL
    UNION ALL SELECT 'is named twice: once is enough' WHERE EXISTS (SELECT FROM leftover o WHERE o.n < l.n AND o.old = l.old)
    UNION ALL SELECT format('%s is the new name of two schemas: choose another', l.new)
       WHERE EXISTS (SELECT FROM leftover o WHERE o.n < l.n AND o.new = l.new AND o.old <> l.old)
    UNION ALL SELECT format('%s is no whole name: write %I as dev_<slug>, of at most 30 characters, or as pr_<number>', l.new, l.old)
       WHERE l.new COLLATE "C" !~ '(^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$)|(^pr_[1-9][0-9]{0,9}$)' OR length(l.new) > 34
    UNION ALL SELECT format('schema %I exists: choose another new name', l.new) FROM pg_namespace e WHERE e.nspname = l.new AND l.old <> l.new AND NOT l.adopted
    UNION ALL SELECT format('%I of another project owns %s: clear it up there', o.owner, o.what)
       FROM (SELECT l.owner, 'it' UNION SELECT c.owner, 'part of it' FROM content c WHERE c.n = l.n AND c.owner <> l.owner) AS o(owner, what)
       JOIN pg_roles r ON r.rolname = o.owner WHERE shobj_description(r.oid, 'pg_authid') ~ '^dbt-envs: project ' AND shobj_description(r.oid, 'pg_authid') <> 'dbt-envs: project acme'
    UNION ALL SELECT format('belongs to %I, as production does: give it another owner first, with ALTER SCHEMA ... OWNER TO', l.owner)
       WHERE l.owner IN ('acme_prod_owner', 'acme_prod_service')
    UNION ALL SELECT 'is this project''s already, under this name: leave it, or drop it through the door' WHERE l.owner = 'acme_env_owner' AND NOT l.adopted
    UNION ALL SELECT format('extension %I is in it: move that first, with ALTER EXTENSION %1$I SET SCHEMA', x.extname) FROM pg_extension x WHERE x.extnamespace = l.oid
    UNION ALL SELECT format('extension %I made it: only DROP EXTENSION takes it away', x.extname) FROM pg_depend d JOIN pg_extension x ON x.oid = d.refobjid
       WHERE d.classid = 'pg_namespace'::regclass AND d.objid = l.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    -- It would run with the rights of its next owner, for whoever may call it.
    UNION ALL SELECT format('%s runs with the rights of its owner: drop it, or make it SECURITY INVOKER', f.oid::regprocedure) FROM pg_proc f
       WHERE f.pronamespace = l.oid AND f.prosecdef AND l.rightful IS NOT NULL AND NOT l.adopted
    UNION ALL SELECT format('%I may not act for %I, who %s: run this as a superuser', current_user, r.rolname, o.what)
           || CASE WHEN r.rolsuper THEN '' ELSE format(', or have one run GRANT %I TO %I WITH ADMIN OPTION', r.rolname, current_user) END
       FROM (SELECT l.owner, 'owns it' UNION SELECT c.owner, 'owns part of it' FROM content c WHERE c.n = l.n AND c.owner <> l.owner AND l.rightful <> c.owner
             UNION SELECT l.rightful, 'gets what is in it' WHERE EXISTS (SELECT FROM content c WHERE c.n = l.n AND c.owner <> l.rightful)) AS o(name, what)
       JOIN pg_roles r ON r.rolname = o.name
      WHERE NOT (l.adopted OR v_super OR (v_creator AND NOT r.rolsuper) OR pg_has_role(current_user, r.oid, 'USAGE') OR pg_has_role(current_user, r.oid, 'MEMBER WITH ADMIN OPTION'))
  ) AS p WHERE l.never IS NULL;
  SELECT v_problems || array_agg(format('%I: is %s, which is never handed over', old, never) ORDER BY n) INTO v_problems FROM leftover WHERE never IS NOT NULL;

  -- DROP SCHEMA ... CASCADE would take along whatever outside depends on what is inside.
  SELECT v_problems || array_agg(o.what ORDER BY o.n, o.what) INTO v_problems FROM (
    WITH RECURSIVE gone(n, classid, objid, objsubid, outside) AS (
      SELECT n, 'pg_namespace'::regclass::oid, oid, 0, false FROM leftover WHERE NOT adopted AND never IS NULL
      UNION
      SELECT g.n, d.classid, d.objid, d.objsubid, d.deptype <> 'i' AND h.schema NOT IN (SELECT quote_ident(old) FROM leftover UNION ALL SELECT 'pg_toast')
        FROM gone g JOIN pg_depend d ON d.refclassid = g.classid AND d.refobjid = g.objid
       CROSS JOIN LATERAL (
         SELECT coalesce((pg_identify_object(d.classid, d.objid, 0)).schema, quote_ident((pg_identify_object_as_address(d.classid, d.objid, 0)).object_names[1])) AS schema) AS h
       WHERE NOT g.outside AND d.classid NOT IN ('pg_extension'::regclass, 'pg_default_acl'::regclass, 'pg_amop'::regclass, 'pg_amproc'::regclass)
    )
    SELECT DISTINCT l.n, format('%I: %s depends on it and would be dropped with it: drop or change that first', l.old,
             CASE WHEN w.rulename = '_RETURN' THEN pg_describe_object('pg_class'::regclass, w.ev_class, 0) ELSE pg_describe_object(g.classid, g.objid, g.objsubid) END) AS what
      FROM gone g JOIN leftover l ON l.n = g.n LEFT JOIN pg_rewrite w ON g.classid = 'pg_rewrite'::regclass AND w.oid = g.objid
     WHERE g.outside
    UNION
    -- A trap: what a view, a trigger, a default, a check, a policy or an index calls runs as its next owner.
    SELECT l.n, format('%I: %s uses %s, which %I wrote and %I would run: drop the one, or read the other and hand it to %5$I first', l.old,
             CASE WHEN w.rulename = '_RETURN' THEN pg_describe_object('pg_class'::regclass, w.ev_class, 0) ELSE pg_describe_object(d.classid, d.objid, d.objsubid) END,
             pg_describe_object(u.classid, u.objid, 0), r.rolname, l.rightful)
      FROM gone g JOIN leftover l ON l.n = g.n AND l.rightful IS NOT NULL LEFT JOIN pg_rewrite w ON g.classid = 'pg_rewrite'::regclass AND w.oid = g.objid
      JOIN pg_depend d ON d.classid = g.classid AND d.objid = g.objid
     CROSS JOIN LATERAL (
       SELECT 'pg_proc'::regclass, p.oid, p.proowner, NULL::oid FROM pg_proc p JOIN pg_language a ON a.oid = p.prolang AND a.lanname NOT IN ('internal', 'c')
        WHERE p.oid = CASE d.refclassid WHEN 'pg_proc'::regclass THEN d.refobjid WHEN 'pg_operator'::regclass THEN (SELECT oprcode FROM pg_operator WHERE oid = d.refobjid) END
       -- The owner of a view or a domain can have it call anything tomorrow. Whoever reads production and sources relies on theirs anyway.
       UNION ALL SELECT d.refclassid, oid, relowner, relnamespace FROM pg_class WHERE relkind = 'v' AND oid = CASE d.refclassid WHEN 'pg_class'::regclass THEN d.refobjid END
       UNION ALL SELECT d.refclassid, oid, typowner, typnamespace FROM pg_type WHERE typtype = 'd'
          AND oid = CASE d.refclassid WHEN 'pg_type'::regclass THEN coalesce((SELECT nullif(e.typelem, 0) FROM pg_type e WHERE e.oid = d.refobjid), d.refobjid) END
      ) AS u(classid, objid, owner, schema)
      JOIN pg_roles r ON r.oid = u.owner AND NOT r.rolsuper AND r.rolname NOT IN (l.rightful, 'acme_env_owner', 'acme_prod_owner', 'acme_prod_service')
     WHERE NOT g.outside AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = u.classid AND x.objid = u.objid AND x.deptype = 'e')
       AND NOT EXISTS (SELECT FROM pg_namespace s WHERE s.oid = u.schema AND s.nspname IN ('analytics', 'staging', 'raw', 'crm'))
       AND NOT EXISTS (SELECT FROM leftover s WHERE s.oid = u.schema AND s.rightful = l.rightful AND NOT s.adopted)
  ) AS o;

  IF v_problems <> '{}' THEN
    RAISE EXCEPTION E'Nothing was handed over.\n%', array_to_string(v_problems, E'\n');
  END IF;
END $$;

-- Only an owner, or who acts for one, may grant and hand over.
DO $$
DECLARE
  v_role name;
  v_since_16 CONSTANT boolean := current_setting('server_version_num')::int >= 160000;
BEGIN
  FOR v_role IN
    SELECT owner FROM leftover WHERE NOT adopted
    UNION SELECT unnest(ARRAY[c.owner, l.rightful]) FROM content c JOIN leftover l ON l.n = c.n WHERE c.owner <> l.rightful
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

-- Hands over, and writes down what undoes it.
DO $$
DECLARE
  v_roles name[]; -- to act for
  v_role text;
  v_one leftover;
  v_object record;
  v_kind text;
  v_users text; -- of the schema, from now on
  v_former text; -- owners of what changes hands
  v_rights text[]; -- of others, on the schema
  v_grants text[]; -- of the next owner, on an object
  v_left text;
BEGIN
  SELECT array_agg(role ORDER BY role) INTO v_roles FROM borrowed;
  INSERT INTO undo (statement) VALUES ('BEGIN;');
  INSERT INTO undo (statement)
  SELECT format('GRANT %I TO %I%s;', r, current_user, CASE WHEN current_setting('server_version_num')::int >= 160000 THEN ' WITH INHERIT TRUE, SET TRUE' ELSE '' END)
    FROM unnest(v_roles) r;

  FOR v_one IN SELECT * FROM leftover WHERE NOT adopted ORDER BY n LOOP
    SELECT array_agg(format('GRANT %s ON SCHEMA %I TO %s%s;', g.privilege_type, v_one.old, CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
             CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END))
      INTO v_rights FROM pg_namespace s CROSS JOIN aclexplode(s.nspacl) g WHERE s.oid = v_one.oid AND g.grantee <> s.nspowner;
    SELECT string_agg(DISTINCT quote_ident(c.owner), ', ') INTO v_former FROM content c WHERE c.n = v_one.n AND c.owner <> v_one.rightful;
    v_users := quote_ident(v_one.rightful) || CASE WHEN v_one.rightful = 'acme_ci_service' THEN ', acme_developer, acme_reviewer' ELSE '' END;

    EXECUTE format('ALTER SCHEMA %I OWNER TO acme_env_owner', v_one.old);
    -- As the owner itself: PostgreSQL would also take somebody with a grant option, whom the administrator acts for, for the grantor.
    SET LOCAL ROLE acme_env_owner;
    IF v_one.new <> v_one.old THEN
      EXECUTE format('ALTER SCHEMA %I RENAME TO %I', v_one.old, v_one.new);
    END IF;
    FOR v_role IN SELECT DISTINCT CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END
                    FROM pg_namespace s CROSS JOIN aclexplode(s.nspacl) g WHERE s.oid = v_one.oid AND g.grantee <> s.nspowner LOOP
      EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %s CASCADE', v_one.new, v_role);
    END LOOP;
    IF v_former IS NOT NULL THEN -- until what is theirs has changed hands
      EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO %I, %s', v_one.new, v_one.rightful, v_former);
    END IF;
    RESET ROLE;

    -- Whoever becomes the owner of something must be able to create in its schema, on the way back too.
    INSERT INTO undo (statement)
    SELECT format(u, v_one.new, v_former) FROM unnest(ARRAY['SET LOCAL ROLE acme_env_owner;', 'GRANT USAGE, CREATE ON SCHEMA %I TO %s;', 'RESET ROLE;']) u
     WHERE v_former IS NOT NULL;
    FOR v_object IN
      SELECT c.classid, c.objid, upper(c.kind) AS kind, i.identity AS name, c.owner FROM content c CROSS JOIN LATERAL pg_identify_object(c.classid, c.objid, 0) i
       WHERE c.n = v_one.n AND c.owner <> v_one.rightful ORDER BY c.classid, c.objid
    LOOP
      -- What an owner holds by grant is forgotten.
      v_kind := CASE WHEN v_object.kind IN ('ROUTINE', 'SEQUENCE') THEN v_object.kind ELSE 'TABLE' END;
      SELECT array_agg(format('GRANT %s%s ON %s %s TO %s%s;', g.privilege_type, a.col, v_kind, v_object.name, CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
               CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)) INTO v_grants
        FROM (SELECT '' AS col, relacl AS acl FROM pg_class WHERE v_object.classid = 'pg_class'::regclass AND oid = v_object.objid
              UNION ALL SELECT format(' (%I)', attname), attacl FROM pg_attribute WHERE v_object.classid = 'pg_class'::regclass AND attrelid = v_object.objid
              UNION ALL SELECT '', proacl FROM pg_proc WHERE v_object.classid = 'pg_proc'::regclass AND oid = v_object.objid) AS a
       CROSS JOIN aclexplode(a.acl) g WHERE to_regrole(quote_ident(v_one.rightful)) IN (g.grantee, g.grantor);
      IF v_grants IS NOT NULL THEN
        EXECUTE format('SET LOCAL ROLE %I', v_object.owner);
        EXECUTE format('REVOKE ALL ON %s %s FROM %I CASCADE', v_kind, v_object.name, v_one.rightful);
        RESET ROLE;
      END IF;
      EXECUTE format('ALTER %s %s OWNER TO %I', v_object.kind, v_object.name, v_one.rightful);
      INSERT INTO undo (statement) VALUES (format('ALTER %s %s OWNER TO %I;', v_object.kind, v_object.name, v_object.owner));
      INSERT INTO undo (statement) SELECT u FROM unnest(format('SET LOCAL ROLE %I;', v_object.owner) || v_grants || 'RESET ROLE;'::text) u WHERE v_grants IS NOT NULL;
    END LOOP;

    SET LOCAL ROLE acme_env_owner;
    IF v_former IS NOT NULL THEN
      EXECUTE format('REVOKE ALL ON SCHEMA %I FROM %I, %s', v_one.new, v_one.rightful, v_former);
    END IF;
    EXECUTE format('GRANT ALL ON SCHEMA %I TO acme_env_owner', v_one.new);
    IF v_users IS NOT NULL THEN -- as the door's create_schema does
      EXECUTE format('GRANT USAGE ON SCHEMA %I TO %s', v_one.new, v_users);
      EXECUTE format('GRANT CREATE ON SCHEMA %I TO %I', v_one.new, v_one.rightful);
    END IF;
    RESET ROLE;
    SELECT string_agg(DISTINCT CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END, ', ') INTO v_left
      FROM pg_namespace s CROSS JOIN aclexplode(s.nspacl) g WHERE s.oid = v_one.oid AND g.grantee <> s.nspowner
       AND (g.is_grantable OR g.grantee = 0 OR coalesce(quote_ident(pg_get_userbyid(g.grantee)) <> ALL (string_to_array(v_users, ', ')), true));
    IF v_left IS NOT NULL THEN
      RAISE EXCEPTION 'Still able to use schema %: %. Run this as a superuser.', v_one.new, v_left;
    END IF;

    INSERT INTO undo (statement) VALUES ('SET LOCAL ROLE acme_env_owner;');
    INSERT INTO undo (statement) SELECT format('REVOKE ALL ON SCHEMA %I FROM %s;', v_one.new, r) FROM (VALUES (v_users), (v_former)) AS u(r) WHERE r IS NOT NULL;
    INSERT INTO undo (statement) SELECT format('ALTER SCHEMA %I RENAME TO %I;', v_one.new, v_one.old) WHERE v_one.new <> v_one.old;
    INSERT INTO undo (statement) VALUES
      (format('DELETE FROM acme_door.environment WHERE schema_name = %L;', v_one.new)), ('RESET ROLE;'), (format('ALTER SCHEMA %I OWNER TO %I;', v_one.old, v_one.owner));
    INSERT INTO undo (statement) SELECT u FROM unnest(format('SET LOCAL ROLE %I;', v_one.owner) || v_rights || 'RESET ROLE;'::text) u WHERE v_rights IS NOT NULL;
  END LOOP;

  INSERT INTO undo (statement) SELECT format('REVOKE %I FROM %I;', r, current_user) FROM unnest(v_roles) r;
  INSERT INTO undo (statement) VALUES ('COMMIT;');
END $$;

-- Birthday today: what was there before under that name is forgotten.
GRANT SELECT ON leftover TO acme_env_owner;
SET LOCAL ROLE acme_env_owner;
INSERT INTO acme_door.environment AS e (schema_name, created_by) SELECT new, owner FROM leftover WHERE NOT adopted
  ON CONFLICT (schema_name) DO UPDATE SET created_by = excluded.created_by, created_at = now(), last_used_at = now(), closed_at = NULL, keep_until = NULL;
INSERT INTO acme_door.environment (schema_name, created_by) SELECT new, owner FROM leftover WHERE adopted ON CONFLICT DO NOTHING;
RESET ROLE;

SELECT new AS "Handed over: schema", old AS was, owner AS former_owner, coalesce(rightful, 'nobody') AS works_in_it, relations, pg_size_pretty(size) AS size,
       CASE WHEN adopted THEN 'was this project''s already' ELSE 'handed over' END AS outcome
FROM leftover ORDER BY n;
SELECT statement AS "To undo it, run this as the same login" FROM undo WHERE EXISTS (SELECT FROM leftover WHERE NOT adopted) ORDER BY step;

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
