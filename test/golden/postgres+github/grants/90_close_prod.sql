-- 90_close_prod.sql: from here on only acme_prod_service writes production.
--
-- Who runs it   a superuser, or the administrator who ran 10_roles.sql, is able to act for the present owners of the prod
--               schemas, and owns this database. At a quiet time: it waits at most 30 seconds for any lock.
-- What changes  in analytics, staging: schemas go to acme_prod_owner, relations to acme_prod_service; everybody else's right
--               to create, insert, update, delete and truncate is revoked, on columns too. Former owners keep reading.
--               Further: PUBLIC may no longer create in this database or in schema public, nor write functions (USAGE on
--               languages): a view of a pull request could run one with its reader's rights. Roles that own a
--               function today, administrators, developers and acme_prod_service keep that right.
--               Refused before acme_prod_service has built something in analytics.
-- How to undo   91_reopen_prod.sql; what was taken away is written down in acme_door.closed.

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
  FOREACH r IN ARRAY ARRAY['acme_env_owner', 'acme_prod_owner', 'acme_prod_service'] LOOP
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

DO $$
DECLARE
  v_prod CONSTANT text[] := ARRAY['analytics', 'staging'];
  v_service CONSTANT name := 'acme_prod_service';
  v_super CONSTANT boolean := (SELECT rolsuper FROM pg_roles WHERE rolname = current_user);
  v_borrowed name[] := '{}';
  v_one record;
  v_text text;
BEGIN
  -- 1. Not before production runs without the shared login.
  IF NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = to_regnamespace('"analytics"') AND pg_get_userbyid(c.relowner) = v_service AND c.relkind IN ('r', 'p', 'v', 'm')) THEN
    RAISE EXCEPTION '% has built nothing in analytics yet. Deploy with it first: whoever builds production today would be locked out.', v_service;
  END IF;

  -- 2. A view reads with its owner's rights: its next owner must be able to read the same.
  SELECT string_agg(DISTINCT format('%I.%I reads %s', vn.nspname, v.relname, r.oid::regclass), ', ') INTO v_text
    FROM pg_class v
    JOIN pg_namespace vn ON vn.oid = v.relnamespace AND vn.nspname = ANY (v_prod)
    JOIN pg_rewrite w ON w.ev_class = v.oid
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
    JOIN pg_class r ON r.oid = d.refobjid AND r.oid <> v.oid
    JOIN pg_namespace rn ON rn.oid = r.relnamespace
   WHERE v.relkind IN ('v', 'm') AND rn.nspname <> ALL (v_prod)
     AND NOT (has_schema_privilege(v_service, rn.oid, 'USAGE') AND has_any_column_privilege(v_service, r.oid, 'SELECT'));
  IF v_text IS NOT NULL THEN
    RAISE EXCEPTION '% may not read what these views read: %. Declare the schema with dbt-envs --source-schemas and run 20_boundary.sql, or drop the view.', v_service, v_text;
  END IF;

  -- 3. Act for the present owners, where that is needed and allowed.
  FOR v_one IN
    SELECT DISTINCT pg_get_userbyid(o.owner) AS owner FROM (
      SELECT nspowner FROM pg_namespace WHERE nspname = ANY (v_prod)
      UNION SELECT relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY (v_prod)
    ) AS o(owner)
    WHERE NOT v_super AND NOT pg_has_role(current_user, o.owner, 'USAGE')
  LOOP
    BEGIN
      EXECUTE format('GRANT %I TO %I', v_one.owner, current_user);
      v_borrowed := v_borrowed || v_one.owner::name;
    EXCEPTION WHEN insufficient_privilege THEN
      RAISE EXCEPTION '% may not act for %, who owns part of production. Run this as a superuser, or have % made a member first.', current_user, v_one.owner, current_user;
    END;
  END LOOP;

  -- 4. Ownership. ALTER TABLE serves every kind of relation; indexes and owned sequences follow their table.
  FOR v_one IN SELECT nspname, pg_get_userbyid(nspowner) AS owner FROM pg_namespace WHERE nspname = ANY (v_prod) AND pg_get_userbyid(nspowner) <> 'acme_prod_owner' LOOP
    INSERT INTO acme_door.closed VALUES ('SCHEMA', quote_ident(v_one.nspname), '', v_one.owner, 'OWNER', false);
    EXECUTE format('ALTER SCHEMA %I OWNER TO acme_prod_owner', v_one.nspname);
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', v_one.nspname, v_one.owner);
  END LOOP;
  FOR v_one IN
    SELECT format('%I.%I', n.nspname, c.relname) AS name, n.nspname, pg_get_userbyid(c.relowner) AS owner
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = ANY (v_prod) AND pg_get_userbyid(c.relowner) <> v_service AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
       AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND c.relkind = 'S')
     ORDER BY c.oid
  LOOP
    INSERT INTO acme_door.closed VALUES ('TABLE', v_one.name, '', v_one.owner, 'OWNER', false);
    INSERT INTO acme_door.closed -- what an owner holds by grant is forgotten
      SELECT 'TABLE', v_one.name, '', quote_ident(v_service), g.privilege_type, g.is_grantable FROM pg_class c, aclexplode(c.relacl) g
       WHERE c.oid = v_one.name::regclass AND g.grantee = to_regrole(v_service);
    EXECUTE format('ALTER TABLE %s OWNER TO %I', v_one.name, v_service);
    EXECUTE format('GRANT SELECT ON %s TO %I', v_one.name, v_one.owner);
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA %I GRANT SELECT ON TABLES TO %I', v_service, v_one.nspname, v_one.owner);
  END LOOP;
  FOR v_one IN SELECT p.oid::regprocedure AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY (v_prod) AND p.prosecdef LOOP
    RAISE WARNING '% runs with the rights of its owner: make sure that it cannot write production for its caller.', v_one.name;
  END LOOP;

  -- 5. Rights to write, whoever holds them.
  FOR v_one IN
    SELECT 'SCHEMA' AS kind, quote_ident(n.nspname) AS name, '' AS col, g.grantee, g.privilege_type, g.is_grantable
      FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) g
     WHERE n.nspname = ANY (v_prod) AND g.privilege_type = 'CREATE' AND g.grantee NOT IN (n.nspowner, to_regrole(v_service))
    UNION ALL
    SELECT 'TABLE', format('%I.%I', n.nspname, c.relname), '', g.grantee, g.privilege_type, g.is_grantable
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN aclexplode(c.relacl) g
     WHERE n.nspname = ANY (v_prod) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND g.privilege_type <> 'SELECT' AND g.grantee NOT IN (c.relowner, to_regrole(v_service))
    UNION ALL
    SELECT 'TABLE', format('%I.%I', n.nspname, c.relname), quote_ident(a.attname), g.grantee, g.privilege_type, g.is_grantable
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN aclexplode(a.attacl) g
     WHERE n.nspname = ANY (v_prod) AND g.privilege_type <> 'SELECT' AND g.grantee NOT IN (c.relowner, to_regrole(v_service))
    UNION ALL
    SELECT 'SCHEMA', 'public', '', g.grantee, g.privilege_type, g.is_grantable
      FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) g WHERE n.nspname = 'public' AND g.grantee = 0 AND g.privilege_type = 'CREATE'
    UNION ALL
    SELECT 'DATABASE', quote_ident(datname), '', g.grantee, g.privilege_type, g.is_grantable
      FROM pg_database CROSS JOIN aclexplode(datacl) g WHERE datname = current_database() AND g.grantee = 0 AND g.privilege_type = 'CREATE'
    UNION ALL
    SELECT 'LANGUAGE', quote_ident(l.lanname), '', g.grantee, g.privilege_type, g.is_grantable
      FROM pg_language l CROSS JOIN aclexplode(coalesce(l.lanacl, acldefault('l', l.lanowner))) g WHERE l.lanpltrusted AND g.grantee = 0
  LOOP
    v_text := CASE WHEN v_one.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(v_one.grantee)) END;
    IF v_one.kind = 'LANGUAGE' THEN
      IF NOT v_super THEN
        RAISE WARNING 'Everybody may write functions in %; only a superuser can change that. A view in pr_<number> may then run code with the rights of whoever selects from it: let administrators never query environment schemas.', v_one.name;
        CONTINUE;
      END IF;
      EXECUTE format('GRANT USAGE ON LANGUAGE %s TO acme_env_owner, acme_developer, acme_prod_service', v_one.name);
      EXECUTE (SELECT coalesce(string_agg(format('GRANT USAGE ON LANGUAGE %s TO %I', v_one.name, r.rolname), ';'), 'SELECT')
                 FROM pg_roles r
                WHERE r.rolname NOT IN ('acme_ci_service', 'acme_janitor') AND (r.rolcreaterole
                   OR r.oid IN (SELECT p.proowner FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang WHERE quote_ident(l.lanname) = v_one.name)
                   OR r.oid = (SELECT datdba FROM pg_database WHERE datname = current_database())));
    END IF;
    INSERT INTO acme_door.closed VALUES (v_one.kind, v_one.name, v_one.col, v_text, v_one.privilege_type, v_one.is_grantable);
    EXECUTE format('REVOKE %s%s ON %s %s FROM %s CASCADE', v_one.privilege_type, CASE WHEN v_one.col = '' THEN '' ELSE format(' (%s)', v_one.col) END, v_one.kind, v_one.name, v_text);
  END LOOP;

  FOREACH v_text IN ARRAY v_borrowed LOOP
    EXECUTE format('REVOKE %I FROM %I', v_text, current_user);
  END LOOP;

  -- 6. A REVOKE by somebody who may not revoke is only a warning: look at what came of it.
  SELECT string_agg(DISTINCT format('%s on %s', CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END, n.nspname), ', ') INTO v_text
    FROM pg_namespace n CROSS JOIN aclexplode(n.nspacl) g
   WHERE g.privilege_type = 'CREATE' AND ((n.nspname = ANY (v_prod) AND g.grantee NOT IN (n.nspowner, to_regrole(v_service))) OR (n.nspname = 'public' AND g.grantee = 0));
  IF v_text IS NOT NULL THEN
    RAISE EXCEPTION 'Still able to create: %. Run this as the owner of the schema or as a superuser.', v_text;
  END IF;
END $$;

DO $$
DECLARE
  r text;
BEGIN
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    RETURN;
  END IF;
  FOREACH r IN ARRAY ARRAY['acme_env_owner', 'acme_prod_owner', 'acme_prod_service'] LOOP
    EXECUTE format('REVOKE %I FROM %I', r, current_user);
  END LOOP;
END $$;

COMMIT;
