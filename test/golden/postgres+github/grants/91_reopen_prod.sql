-- 91_reopen_prod.sql: the inverse of 90_close_prod.sql.
--
-- Who runs it   whoever ran 90_close_prod.sql, in the same database.
-- What changes  owners and rights are again what acme_door.closed says that they were; the list is then emptied. Relations
--               that acme_prod_service has built since under the name of an older one go to the older one's owner.
-- How to undo   90_close_prod.sql.

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
  v_super CONSTANT boolean := (SELECT rolsuper FROM pg_roles WHERE rolname = current_user);
  v_borrowed name[] := '{}';
  v_one record;
  v_name text;
BEGIN
  FOR v_one IN SELECT DISTINCT grantee FROM acme_door.closed WHERE privilege = 'OWNER' AND NOT v_super AND NOT pg_has_role(current_user, grantee::name, 'USAGE') LOOP
    EXECUTE format('GRANT %I TO %I', v_one.grantee, current_user);
    v_borrowed := v_borrowed || v_one.grantee::name;
  END LOOP;

  -- Owners of schemas first: a relation's new owner must be able to create in its schema.
  FOR v_one IN SELECT * FROM acme_door.closed ORDER BY kind <> 'SCHEMA', privilege <> 'OWNER', kind, name LOOP
    IF v_one.kind = 'TABLE' AND to_regclass(v_one.name) IS NULL THEN
      RAISE NOTICE '% is not there any more.', v_one.name;
    ELSIF v_one.privilege = 'OWNER' THEN
      EXECUTE format('ALTER %s %s OWNER TO %I', v_one.kind, v_one.name, v_one.grantee);
    ELSE
      EXECUTE format('GRANT %s%s ON %s %s TO %s%s', v_one.privilege, CASE WHEN v_one.col = '' THEN '' ELSE format(' (%s)', v_one.col) END,
        v_one.kind, v_one.name, v_one.grantee, CASE WHEN v_one.grantable THEN ' WITH GRANT OPTION' ELSE '' END);
    END IF;
  END LOOP;

  -- What 90 gave to the former owners, and to those who kept the languages.
  FOR v_one IN SELECT DISTINCT split_part(name, '.', 1) AS schema, grantee FROM acme_door.closed WHERE kind = 'TABLE' AND privilege = 'OWNER' LOOP
    EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE acme_prod_service IN SCHEMA %s REVOKE SELECT ON TABLES FROM %I', v_one.schema, v_one.grantee);
  END LOOP;
  FOR v_one IN
    SELECT c.name, pg_get_userbyid(g.grantee) AS grantee
      FROM acme_door.closed c JOIN pg_language l ON quote_ident(l.lanname) = c.name CROSS JOIN aclexplode(l.lanacl) g
     WHERE c.kind = 'LANGUAGE' AND g.grantee NOT IN (0, l.lanowner)
  LOOP
    EXECUTE format('REVOKE USAGE ON LANGUAGE %s FROM %I', v_one.name, v_one.grantee);
  END LOOP;
  DELETE FROM acme_door.closed;

  FOREACH v_name IN ARRAY v_borrowed LOOP
    EXECUTE format('REVOKE %I FROM %I', v_name, current_user);
  END LOOP;
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
