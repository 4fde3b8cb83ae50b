-- 00_look.sql: what is there before anything is changed.
--
-- Who runs it   an administrator, in the database that dbt builds in; nothing of this project need be there. Result 1
--               says what that login may not do or see.
-- What changes  nothing: the transaction is read-only and is rolled back.
-- How to read   the head of each result's first column says what it is. No rows: there is none. Keep the output: it is
--               the state that 91_reopen_prod.sql has to bring back.

BEGIN READ ONLY;

-- Nobody's function or table takes the place of PostgreSQL's own; names are printed with their schema.
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL lock_timeout = '30s';

-- Whoever owns part of production has to be acted for by whoever closes it. Up to PostgreSQL 15, CREATEROLE is enough
-- for that, except for superusers; from 16 on it takes ADMIN OPTION on that role.
WITH me AS (SELECT oid, rolname, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user)
SELECT w.what AS "1. Is this login enough: what is needed", w.scripts AS needed_for, w.found, CASE WHEN w.enough THEN 'yes' ELSE 'NO: ' || w.way_out END AS enough
FROM me CROSS JOIN LATERAL (
  SELECT 1 AS line, 'PostgreSQL 15 or later' AS what, 'all' AS scripts, current_setting('server_version') AS found,
         current_setting('server_version_num')::int >= 150000 AS enough, 'upgrade the server' AS way_out
  UNION ALL SELECT 2, 'a superuser, or CREATEROLE', '10 to 50',
         CASE WHEN me.rolsuper THEN me.rolname || ', a superuser' WHEN me.rolcreaterole THEN me.rolname || ', with CREATEROLE' ELSE me.rolname END,
         me.rolsuper OR me.rolcreaterole, 'log in as an administrator'
  UNION ALL SELECT 3, 'to own database ' || d.datname, '20, 40, 90', pg_get_userbyid(d.datdba) || ' owns it',
         pg_has_role(me.oid, d.datdba, 'USAGE'), format('log in as %I', pg_get_userbyid(d.datdba))
    FROM pg_database d WHERE d.datname = current_database()
  UNION ALL SELECT 4, format('to act for %I', r.rolname), '90', 'owns part of production' || CASE WHEN r.rolsuper THEN ', a superuser' ELSE '' END,
         pg_has_role(me.oid, r.oid, 'USAGE') OR pg_has_role(me.oid, r.oid, 'MEMBER WITH ADMIN OPTION')
           OR (me.rolcreaterole AND NOT r.rolsuper AND current_setting('server_version_num')::int < 160000),
         'run 90 as a superuser' || CASE WHEN r.rolsuper THEN '' ELSE format(', or have GRANT %I TO %I WITH ADMIN OPTION run', r.rolname, me.rolname) END
    FROM pg_roles r WHERE r.oid IN (
      SELECT nspowner FROM pg_namespace WHERE nspname IN ('analytics', 'staging')
      UNION SELECT c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('analytics', 'staging'))
  UNION ALL SELECT 5, 'to see the sessions and statements of others', 'results 5 and 6', CASE WHEN pg_has_role(me.oid, 'pg_read_all_stats', 'USAGE') THEN 'sees them' ELSE 'sees its own' END,
         pg_has_role(me.oid, 'pg_read_all_stats', 'USAGE'), format('have GRANT pg_read_all_stats TO %I run; results 5 and 6 are not complete', me.rolname)
) AS w
ORDER BY w.line, w.what;

SELECT w.login AS "2. Who can write production: login", w.how AS through, w.administrator
FROM (
WITH RECURSIVE
prod AS (
  SELECT oid, nspname, nspowner, nspacl FROM pg_namespace WHERE nspname IN ('analytics', 'staging')
),
source AS (
  SELECT oid, nspname, nspowner FROM pg_namespace WHERE nspname = ANY (ARRAY['raw', 'crm']::name[])
),
production(role) AS (
  SELECT oid FROM pg_roles WHERE rolname IN ('acme_prod_service', 'acme_prod_owner')
),
here AS (
  SELECT oid, datdba, coalesce(datacl, acldefault('d', datdba)) AS datacl, current_setting('server_version_num')::int >= 160000 AS admin_counts
    FROM pg_database WHERE datname = current_database()
),
-- From PostgreSQL 16 on a membership may carry the role's rights (inherit), allow SET ROLE (set), allow both to be
-- granted (admin), or none of that; before, whoever is a member may act. https://www.postgresql.org/docs/current/role-membership.html
edge(role, member, inherits, sets, admin, given) AS (
  SELECT roleid, member, bool_or(i), bool_or(s), bool_or(admin_option), bool_or((i OR s) AND grantor <> member)
    FROM pg_auth_members m
   CROSS JOIN LATERAL (SELECT coalesce((to_jsonb(m) ->> 'inherit_option')::boolean, true), coalesce((to_jsonb(m) ->> 'set_option')::boolean, true)) AS o(i, s)
   GROUP BY roleid, member
  UNION ALL SELECT to_regrole('pg_database_owner'), datdba, true, true, false, false FROM here -- it has no other member, and no row of its own
),
-- What changes production when it is changed, by one of these rights to it. Of a table and its partitions or children, a
-- statement wants the rights to the one that it names; a foreign key that cascades wants none; a view or a rule has its
-- owner's. https://www.postgresql.org/docs/current/ddl-inherit.html, https://www.postgresql.org/docs/current/rules-privileges.html
carrier(relation, rights, up, down, lends) AS (
  SELECT c.oid, '{INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER,MAINTAIN}'::text[], true, true, false
    FROM prod p JOIN pg_class c ON c.relnamespace = p.oid WHERE c.relkind IN ('r', 'p', 'v', 'f')
  UNION SELECT via.* FROM carrier c CROSS JOIN LATERAL (
    SELECT i.inhparent, c.rights, true, false, false FROM pg_inherits i WHERE i.inhrelid = c.relation AND c.up
    UNION ALL SELECT i.inhrelid, c.rights, false, true, false FROM pg_inherits i WHERE i.inhparent = c.relation AND c.down
    UNION ALL SELECT k.confrelid, array_remove(ARRAY[CASE WHEN k.confdeltype IN ('c', 'n', 'd') THEN 'DELETE' END, CASE WHEN k.confupdtype IN ('c', 'n', 'd') THEN 'UPDATE' END], NULL), true, false, false
      FROM pg_constraint k WHERE k.conrelid = c.relation AND k.contype = 'f' AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))
    UNION ALL SELECT v.oid, CASE w.ev_type WHEN '2' THEN '{UPDATE}' WHEN '3' THEN '{INSERT}' WHEN '4' THEN '{DELETE}' ELSE ARRAY(SELECT unnest(c.rights) INTERSECT SELECT unnest('{INSERT,UPDATE,DELETE}'::text[])) END, false, false, true
      FROM pg_depend d JOIN pg_rewrite w ON w.oid = d.objid JOIN pg_class v ON v.oid = w.ev_class AND v.oid <> c.relation
     WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.relation AND d.classid = 'pg_rewrite'::regclass
       AND (has_any_column_privilege(v.relowner, c.relation, 'INSERT, UPDATE') OR has_table_privilege(v.relowner, c.relation, 'DELETE'))
       AND (w.ev_type <> '1' OR NOT coalesce(v.reloptions && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false))
  ) AS via(relation, rights, up, down, lends)
),
-- Who holds what directly; 0 is PUBLIC. An attribute is nobody's but the role's own: to use it, one has to become the role.
own_way(holder, act, object, kind, attribute) AS (
  SELECT nspowner, 'owns schema ', quote_ident(nspname), 'write', false FROM prod
  UNION ALL SELECT g.grantee, 'may create in schema ', quote_ident(p.nspname), 'write', false
    FROM prod p CROSS JOIN aclexplode(p.nspacl) g WHERE g.privilege_type = 'CREATE' AND g.grantee <> p.nspowner
  UNION ALL SELECT c.relowner, 'owns ', format('%I.%I', p.nspname, c.relname), 'write', false
    FROM prod p JOIN pg_class c ON c.relnamespace = p.oid WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
  UNION ALL SELECT r.proowner, 'owns ', format('%I.%I(%s)', p.nspname, r.proname, oidvectortypes(r.proargtypes)), 'write', false
    FROM prod p JOIN pg_proc r ON r.pronamespace = p.oid
  UNION ALL SELECT t.typowner, 'owns ', format('%I.%I', p.nspname, t.typname), 'write', false
    FROM prod p JOIN pg_type t ON t.typnamespace = p.oid WHERE t.typtype IN ('d', 'e', 'r')
  -- A foreign key (REFERENCES) keeps production from deleting rows; MAINTAIN (17) locks and refreshes.
  UNION ALL SELECT g.grantee,
      CASE WHEN c.relkind = 'S' THEN 'may advance ' WHEN g.privilege_type = 'TRIGGER' THEN 'may put triggers on '
           WHEN g.privilege_type = 'REFERENCES' THEN 'may put foreign keys on ' WHEN g.privilege_type = 'MAINTAIN' THEN 'may lock and rebuild ' ELSE 'may change rows in ' END,
      format('%I.%I', p.nspname, c.relname), 'write', false
    FROM prod p JOIN pg_class c ON c.relnamespace = p.oid CROSS JOIN aclexplode(c.relacl) g WHERE g.privilege_type <> 'SELECT' AND g.grantee <> c.relowner
  UNION ALL SELECT g.grantee, CASE g.privilege_type WHEN 'REFERENCES' THEN 'may put foreign keys on ' ELSE 'may change columns in ' END,
      format('%I.%I (%I)', p.nspname, c.relname, a.attname), 'write', false
    FROM prod p JOIN pg_class c ON c.relnamespace = p.oid JOIN pg_attribute a ON a.attrelid = c.oid CROSS JOIN aclexplode(a.attacl) g
   WHERE NOT a.attisdropped AND g.privilege_type <> 'SELECT' AND g.grantee <> c.relowner
  UNION ALL SELECT g.grantee, 'may change what ' || pg_get_userbyid(d.defaclrole) || ' will build', coalesce(' in ' || quote_ident(p.nspname), ''), 'write', false
    FROM pg_default_acl d LEFT JOIN prod p ON p.oid = d.defaclnamespace CROSS JOIN aclexplode(d.defaclacl) g
   WHERE (p.oid IS NOT NULL OR d.defaclrole IN (SELECT role FROM production)) AND g.grantee <> d.defaclrole
     AND CASE d.defaclobjtype WHEN 'r' THEN g.privilege_type <> 'SELECT' WHEN 'S' THEN g.privilege_type <> 'SELECT' WHEN 'n' THEN g.privilege_type = 'CREATE' ELSE false END
  UNION ALL SELECT DISTINCT g.grantee, 'may change production through ', format('%I.%I', n.nspname, c.relname), 'write', false
    FROM carrier k JOIN pg_class c ON c.oid = k.relation JOIN pg_namespace n ON n.oid = c.relnamespace AND n.oid NOT IN (SELECT oid FROM prod)
   CROSS JOIN LATERAL (SELECT * FROM aclexplode(c.relacl) UNION ALL SELECT x.* FROM pg_attribute a CROSS JOIN aclexplode(a.attacl) x WHERE a.attrelid = c.oid AND NOT a.attisdropped) AS g
   WHERE g.privilege_type = ANY (k.rights) AND g.grantee <> c.relowner
  UNION ALL SELECT DISTINCT c.relowner, 'owns what production changes with: ', format('%I.%I', n.nspname, c.relname), 'write', false
    FROM carrier k JOIN pg_class c ON c.oid = k.relation JOIN pg_namespace n ON n.oid = c.relnamespace AND n.oid NOT IN (SELECT oid FROM prod) WHERE NOT k.lends
  UNION ALL SELECT oid, CASE rolname WHEN 'pg_write_all_data' THEN 'may change all data' WHEN 'pg_maintain' THEN 'may lock and rebuild all tables'
      WHEN 'pg_execute_server_program' THEN 'may run programs on the server' ELSE 'may write files of the server' END, '', 'write', false
    FROM pg_roles WHERE rolname IN ('pg_write_all_data', 'pg_maintain', 'pg_execute_server_program', 'pg_write_server_files')
  -- https://www.postgresql.org/docs/current/lo-funcs.html; pg_file_... came with adminpack until 16.
  UNION ALL SELECT g.grantee, 'may reach files of the server with ', format('%s(%s)', r.proname, oidvectortypes(r.proargtypes)), 'write', false
    FROM pg_proc r CROSS JOIN aclexplode(r.proacl) g
   WHERE r.pronamespace = 'pg_catalog'::regnamespace AND r.proname IN ('lo_export', 'lo_import', 'pg_file_write', 'pg_file_rename', 'pg_file_unlink') AND g.grantee <> r.proowner
  -- archive_command and others run programs. To SET something matters where it loads code.
  UNION ALL SELECT g.grantee, CASE g.privilege_type WHEN 'SET' THEN 'may load code into the server with ' ELSE 'may configure the server with ' END, p.parname, 'write', false
    FROM pg_parameter_acl p CROSS JOIN aclexplode(p.paracl) g
   WHERE g.privilege_type = 'ALTER SYSTEM' OR p.parname IN ('session_preload_libraries', 'dynamic_library_path', 'extension_control_path')
  UNION ALL SELECT oid, 'is a superuser', '', 'power', true FROM pg_roles WHERE rolsuper
  UNION ALL SELECT datdba, 'owns the database', '', 'power', false FROM here
  -- Until 15 CREATEROLE commands every role but superusers; since then only those on which it has ADMIN OPTION.
  UNION ALL SELECT r.oid, 'may give itself any role (CREATEROLE)', '', 'power', true FROM pg_roles r, here WHERE r.rolcreaterole AND NOT r.rolsuper AND NOT here.admin_counts
  UNION ALL SELECT r.oid, 'may set the password of ', 'acme_prod_service', 'power', true
    FROM pg_roles r, here
   WHERE r.rolcreaterole AND NOT r.rolsuper AND to_regrole('acme_prod_service') IS NOT NULL
     AND (NOT here.admin_counts OR EXISTS (SELECT FROM edge e WHERE e.role = to_regrole('acme_prod_service') AND e.admin AND pg_has_role(r.oid, e.member, 'MEMBER')))
),
way AS ( -- production's own roles hold all of that; to act as one of them is one way
  SELECT * FROM own_way WHERE kind = 'power' OR holder NOT IN (SELECT role FROM production)
  UNION ALL SELECT role, 'may act as ', pg_get_userbyid(role), 'write', false FROM production
),
-- A definer routine lends its owner's rights to whoever may call it; as a trigger, to whoever may write the table,
-- without EXECUTE. https://www.postgresql.org/docs/current/sql-createtrigger.html
lent(holder, act, object, kind, attribute) AS (
  SELECT c.role, c.act,
      format('%I.%I(%s), which runs as %s', n.nspname, r.proname, oidvectortypes(r.proargtypes), pg_get_userbyid(r.proowner))
        || CASE WHEN EXISTS (SELECT FROM unnest(r.proconfig) s WHERE s ^@ 'search_path=') THEN '' ELSE ' and pins no search_path' END,
      'write', false
    FROM pg_proc r
    JOIN pg_namespace n ON n.oid = r.pronamespace
   CROSS JOIN LATERAL (
     SELECT 'may call ', CASE WHEN x.grantee = 0 THEN u.grantee ELSE x.grantee END
       FROM aclexplode(coalesce(r.proacl, acldefault('f', r.proowner))) x
      CROSS JOIN aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) u
      WHERE x.privilege_type = 'EXECUTE' AND u.privilege_type = 'USAGE'
        AND (x.grantee = 0 OR u.grantee = 0 OR x.grantee = u.grantee OR pg_has_role(x.grantee, u.grantee, 'MEMBER'))
     UNION SELECT 'may fire ', g.grantee
       FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
      CROSS JOIN LATERAL (SELECT * FROM aclexplode(coalesce(c.relacl, acldefault('r', c.relowner)))
                          UNION ALL SELECT x.* FROM pg_attribute a CROSS JOIN aclexplode(a.attacl) x WHERE a.attrelid = c.oid AND NOT a.attisdropped) AS g
      WHERE t.tgfoid = r.oid AND t.tgtype & CASE g.privilege_type WHEN 'INSERT' THEN 4 WHEN 'DELETE' THEN 8 WHEN 'UPDATE' THEN 16 WHEN 'TRUNCATE' THEN 32 ELSE 0 END <> 0
   ) AS c(act, role)
   WHERE r.prosecdef AND r.oid >= 16384
     AND NOT (n.nspname = 'acme_door' AND pg_get_userbyid(r.proowner) = 'acme_env_owner')
     AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = r.oid AND e.deptype = 'e')
     AND EXISTS (SELECT FROM way w WHERE w.holder <> 0 AND pg_has_role(r.proowner, w.holder, 'MEMBER'))
     AND NOT EXISTS (SELECT FROM way w WHERE w.holder <> 0 AND c.role <> 0 AND pg_has_role(c.role, w.holder, 'MEMBER'))
),
-- Code that runs with the rights of whoever reads or writes: of production, that is, when it does. What a view calls
-- runs as the reader, whoever owns the view. https://www.postgresql.org/docs/current/rules-privileges.html
read(relation) AS (
  SELECT c.oid FROM pg_class c WHERE c.relnamespace IN (SELECT oid FROM prod UNION ALL SELECT oid FROM source) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  UNION SELECT d.refobjid
    FROM read JOIN pg_rewrite w ON w.ev_class = read.relation
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass
   WHERE d.refobjid >= 16384
),
-- What production is made of and runs, down to what an operator, an aggregate, a domain or a server consists of.
code(classid, objid) AS (
  (SELECT 'pg_rewrite'::regclass::oid, w.oid FROM read JOIN pg_rewrite w ON w.ev_class = read.relation
   UNION ALL SELECT 'pg_policy'::regclass, p.oid FROM read JOIN pg_policy p ON p.polrelid = read.relation
   UNION ALL SELECT 'pg_class'::regclass, c.oid FROM prod JOIN pg_class c ON c.relnamespace = prod.oid
   UNION ALL SELECT 'pg_trigger'::regclass, t.oid FROM prod JOIN pg_class c ON c.relnamespace = prod.oid JOIN pg_trigger t ON t.tgrelid = c.oid
   UNION ALL SELECT 'pg_attrdef'::regclass, a.oid FROM prod JOIN pg_class c ON c.relnamespace = prod.oid JOIN pg_attrdef a ON a.adrelid = c.oid
   UNION ALL SELECT 'pg_statistic_ext'::regclass, s.oid FROM prod JOIN pg_class c ON c.relnamespace = prod.oid JOIN pg_statistic_ext s ON s.stxrelid = c.oid
   UNION ALL SELECT 'pg_constraint'::regclass, k.oid FROM prod JOIN pg_constraint k ON k.connamespace = prod.oid
   UNION ALL SELECT 'pg_event_trigger'::regclass, oid FROM pg_event_trigger)
  UNION SELECT part.* FROM code CROSS JOIN LATERAL (
    SELECT d.refclassid, d.refobjid FROM pg_depend d
     WHERE d.classid = code.classid AND d.objid = code.objid AND d.refobjid >= 16384 AND d.refclassid NOT IN ('pg_class'::regclass, 'pg_namespace'::regclass)
    UNION ALL SELECT 'pg_constraint'::regclass, k.oid FROM pg_constraint k WHERE code.classid = 'pg_type'::regclass AND k.contypid = code.objid
    UNION ALL SELECT 'pg_class'::regclass, y.typrelid FROM pg_type y WHERE code.classid = 'pg_type'::regclass AND y.oid = code.objid AND y.typrelid <> 0
  ) AS part(classid, objid)
),
-- What people own; it says nothing of what the first superuser owns. https://www.postgresql.org/docs/current/catalog-pg-shdepend.html
owned(role, classid, objid) AS NOT MATERIALIZED (
  SELECT s.refobjid, s.classid, s.objid
    FROM pg_shdepend s JOIN here ON here.oid = s.dbid JOIN pg_roles o ON o.oid = s.refobjid AND NOT o.rolsuper
   WHERE s.deptype = 'o' AND o.oid NOT IN (SELECT role FROM production)
     AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = s.classid AND e.objid = s.objid AND e.deptype = 'e')
),
path_of_production(schema) AS ( -- where prod_service looks for what is not named in full
  SELECT CASE name WHEN '$user' THEN 'acme_prod_service' ELSE name END
    FROM (SELECT split_part(c, '=', 2) AS path
            FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c
           WHERE c ^@ 'search_path=' AND s.setrole IN (0, to_regrole('acme_prod_service')) AND s.setdatabase IN (0, (SELECT oid FROM here))
           UNION ALL SELECT '"$user", public') AS p
   CROSS JOIN LATERAL (SELECT trim('" ' FROM n) FROM regexp_split_to_table(p.path, ',') n) AS q(name)
),
source_owner(role, schema) AS ( -- they can put a view in a table's place
  SELECT c.relowner, quote_ident(n.nspname)
    FROM read JOIN pg_class c ON c.oid = read.relation JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.oid NOT IN (SELECT oid FROM prod)
  UNION SELECT nspowner, quote_ident(nspname) FROM source
),
run(holder, act, object, kind, attribute) AS (
  SELECT o.role, CASE WHEN i.runs THEN 'owns what production runs: ' ELSE 'owns what production is made of: ' END, CASE WHEN i.runs THEN '' ELSE i.type || ' ' END || i.identity,
      CASE WHEN o.role IN (SELECT role FROM source_owner) THEN 'source' ELSE 'write' END, false
    FROM code c JOIN owned o ON o.classid = c.classid AND o.objid = c.objid
   CROSS JOIN LATERAL (SELECT *, c.classid IN ('pg_proc'::regclass, 'pg_operator'::regclass) AS runs FROM pg_identify_object(c.classid, c.objid, 0)) AS i
   WHERE coalesce(i.schema, '') NOT IN (SELECT quote_ident(nspname) FROM prod) AND c.classid <> 'pg_event_trigger'::regclass
  UNION SELECT o.role, 'owns what production may run by its name: ', i.identity, 'write', false
    FROM pg_namespace n
    JOIN pg_depend d ON d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid AND d.classid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
    JOIN owned o ON o.classid = d.classid AND o.objid = d.objid
   CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i
   WHERE n.nspname IN (SELECT schema FROM path_of_production) AND n.oid NOT IN (SELECT oid FROM prod)
     AND NOT EXISTS (SELECT FROM pg_proc f WHERE d.classid = 'pg_proc'::regclass AND f.oid = d.objid AND f.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype))
  UNION SELECT g.grantee, 'may create in schema ', quote_ident(n.nspname) || ', where production looks for functions', 'write', false
    FROM pg_namespace n CROSS JOIN aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) g
   WHERE n.nspname IN (SELECT schema FROM path_of_production) AND n.oid NOT IN (SELECT oid FROM prod) AND g.privilege_type = 'CREATE'
     AND g.grantee NOT IN (SELECT role FROM production) AND g.grantee <> to_regrole('pg_database_owner')
  UNION SELECT role, 'owns what production reads in ', schema, 'source', false FROM source_owner WHERE role NOT IN (SELECT role FROM production)
),
-- A list that is cut short ends in its fingerprint: whoever accepts it accepts these objects and no others.
held(holder, how, kind, attribute, lone) AS (
  SELECT holder, act || array_to_string((array_agg(DISTINCT object ORDER BY object))[1:3], ', ')
      || CASE WHEN count(DISTINCT object) > 3 THEN format(' and %s more (%s)', count(DISTINCT object) - 3, left(encode(sha256(convert_to(string_agg(DISTINCT object, ', ' ORDER BY object), 'UTF8')), 'hex'), 8)) ELSE '' END,
      kind, attribute, act = 'may act as '
    FROM (SELECT * FROM way UNION ALL SELECT * FROM lent UNION ALL SELECT * FROM run) AS every_way
   GROUP BY holder, act, kind, attribute
),
-- From the holders down to everybody who can get there, at any depth. needs_set: whoever only inherits the role's
-- rights cannot use this, since SET ROLE wants a chain of memberships that all allow it.
reach(holder, how, kind, role, needs_set, path, lone) AS (
  SELECT holder, how, kind, holder, attribute, '' COLLATE "C", lone FROM held WHERE holder <> 0
  UNION SELECT r.holder, r.how, r.kind, e.member, NOT (e.admin OR (e.inherits AND NOT r.needs_set)),
      CASE WHEN r.lone THEN '' ELSE ', through ' || pg_get_userbyid(r.role) END
        || CASE WHEN e.sets OR (e.inherits AND NOT r.needs_set) THEN '' ELSE ' (which it may grant itself)' END || r.path, false
    FROM reach r JOIN edge e ON e.role = r.role
   WHERE e.admin OR e.sets OR (e.inherits AND NOT r.needs_set)
),
found(role, login, held, how, kind) AS (
  SELECT o.oid, o.rolname::text, r.how, r.how || r.path, r.kind
    FROM reach r JOIN pg_roles o ON o.oid = r.role
   WHERE (o.rolcanlogin OR (o.oid >= 16384 AND NOT EXISTS (SELECT FROM edge e WHERE e.role = o.oid AND (e.admin OR e.sets OR (e.inherits AND NOT r.needs_set)))))
     AND NOT r.lone AND NOT (r.kind IN ('write', 'source') AND o.oid IN (SELECT role FROM production))
  UNION SELECT 0, 'PUBLIC', how, how, kind FROM held WHERE holder = 0
),
named(role, login, how, kind, administrator) AS ( -- of an administrator one path for each thing: there may be one through every login that they created
  SELECT DISTINCT ON (role, CASE WHEN administrator THEN held ELSE how END) role, login, how, kind, administrator
    FROM (SELECT *, bool_or(kind = 'power') OVER (PARTITION BY role) AS administrator FROM found) AS f
   WHERE NOT (administrator AND kind IN ('source', 'person'))
   ORDER BY role, CASE WHEN administrator THEN held ELSE how END, length(how), how
)
SELECT login, how, administrator FROM named ORDER BY administrator, login, how
) AS w;

-- The owner of a relation is all that PostgreSQL knows of its history.
SELECT s.name AS "3. Who built production: schema", coalesce(pg_get_userbyid(n.nspowner), 'not there: 20_boundary.sql makes it') AS schema_owner, pg_get_userbyid(c.relowner) AS owner_of,
       count(c.oid) AS relations, pg_size_pretty(sum(pg_total_relation_size(c.oid)) FILTER (WHERE c.relkind IN ('r', 'm'))) AS size
FROM (VALUES ('analytics'), ('staging')) AS s(name)
LEFT JOIN pg_namespace n ON n.nspname = s.name
LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
GROUP BY s.name, n.nspowner, c.relowner ORDER BY 1, 4 DESC, 3;

-- A table that dbt replaces is a new one, and counts from 0 again.
SELECT format('%I.%I', s.schemaname, s.relname) AS "4. Rows written, the 50 most: table", pg_get_userbyid(c.relowner) AS owner, s.n_tup_ins AS inserted, s.n_tup_upd AS updated, s.n_tup_del AS deleted,
       greatest(s.last_analyze, s.last_autoanalyze) AS last_analyze, (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()) AS counted_since
FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
WHERE s.schemaname IN ('analytics', 'staging') AND s.n_tup_ins + s.n_tup_upd + s.n_tup_del > 0
ORDER BY s.n_tup_ins + s.n_tup_upd + s.n_tup_del DESC, 1 LIMIT 50;

-- Statements that name a relation of production as what they write; what reaches it through search_path is not found.
-- pg_stat_statements lives in any schema or is not there at all, hence a cursor.
-- https://www.postgresql.org/docs/current/pgstatstatements.html
DO $look$
DECLARE
  v_schema name := (SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements');
  v_unknown text;
  v_statements refcursor := 'statements';
BEGIN
  IF v_schema IS NULL THEN
    v_unknown := 'unknown: PostgreSQL itself keeps no such history. To have one from now on: pg_stat_statements in shared_preload_libraries, a restart, CREATE EXTENSION pg_stat_statements';
  ELSE
    BEGIN
      EXECUTE format('SELECT count(query) FROM %I.pg_stat_statements', v_schema);
    EXCEPTION WHEN OTHERS THEN
      v_unknown := 'unknown: extension pg_stat_statements is there, but: ' || SQLERRM;
    END;
  END IF;
  IF v_unknown IS NOT NULL THEN
    OPEN v_statements FOR SELECT v_unknown AS "5. Who wrote production, by statement: login";
    RETURN;
  END IF;
  OPEN v_statements FOR EXECUTE format($query$
    WITH told AS (
      SELECT s.userid, s.calls, s.rows, s.query = '<insufficient privilege>' AS hidden,
             regexp_match(s.query, -- the words of the statement, then perhaps the database, then the schema
               '\m(insert|update|delete|merge|truncate|copy|create|alter|drop|refresh|into)(?:\s+(?:into|from|only|or|replace|unlogged|foreign|table|materialized|view|concurrently|if|not|exists))*\s+(?:"?[\w$]+"?\s*\.\s*)?"?(analytics|staging)"?\s*\.', 'i') AS found
        FROM %I.pg_stat_statements s
       WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND s.query !~* '\mcopy\M.*\mto\s+(stdout|program|'')' -- a dump reads
    )
    SELECT pg_get_userbyid(userid)::text AS "5. Who wrote production, by statement: login",
           CASE WHEN hidden THEN 'hidden from this login' WHEN lower(found[1]) = 'into' THEN 'select into' ELSE lower(found[1]) END AS kind,
           lower(found[2]) AS schema, sum(calls) AS calls, sum(rows) AS rows
      FROM told WHERE hidden OR found IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC, 2, 3
  $query$, v_schema);
END $look$;
FETCH ALL FROM statements;

-- Those of this moment: run the file again while dashboards and jobs are at work.
SELECT a.usename AS "6. Who is connected now: login",
       a.usesysid IN (SELECT nspowner FROM pg_namespace WHERE nspname IN ('analytics', 'staging')
                      UNION SELECT c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('analytics', 'staging')) AS owns_production,
       a.application_name AS program, CASE WHEN min(a.backend_start) IS NULL THEN 'hidden from this login' ELSE coalesce(host(a.client_addr), 'this machine') END AS address,
       count(*) AS sessions, min(a.backend_start) AS since,
       count(*) OVER (PARTITION BY a.usename) > 1 AS shared -- by several programs or addresses
FROM pg_stat_activity a
WHERE a.datname = current_database() AND a.usename IS NOT NULL AND a.pid <> pg_backend_pid()
GROUP BY a.usename, a.usesysid, a.application_name, a.client_addr
ORDER BY 2 DESC, 1, 3, 4;

-- They have to keep reading. From PostgreSQL 16 on a member may have neither the rights of the role nor SET ROLE.
WITH member AS (
  SELECT roleid AS role, string_agg(DISTINCT pg_get_userbyid(member), ', ') AS names
    FROM pg_auth_members m WHERE coalesce((to_jsonb(m) ->> 'inherit_option')::boolean OR (to_jsonb(m) ->> 'set_option')::boolean, true) GROUP BY 1
), relation AS (
  SELECT n.oid AS schema, n.nspname, c.oid, c.relowner, c.relacl
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('analytics', 'staging') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
), reads AS (
  SELECT g.grantee, r.schema, r.nspname, count(*) AS relations, 0 AS columns
    FROM relation r CROSS JOIN aclexplode(r.relacl) g WHERE g.privilege_type = 'SELECT' AND g.grantee <> r.relowner GROUP BY 1, 2, 3
  UNION ALL SELECT g.grantee, r.schema, r.nspname, 0, count(*)
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid CROSS JOIN aclexplode(a.attacl) g WHERE g.privilege_type = 'SELECT' GROUP BY 1, 2, 3
)
SELECT CASE r.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r.grantee) END AS "7. Who reads production: role", r.nspname AS schema, sum(r.relations) AS relations,
       (SELECT count(*) FROM relation WHERE schema = r.schema) AS of, sum(r.columns) AS columns,
       has_schema_privilege(CASE r.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(r.grantee) END, r.schema, 'USAGE') AS usage_on_schema,
       (SELECT names FROM member WHERE role = r.grantee) AS members
FROM reads r GROUP BY r.grantee, r.schema, r.nspname
UNION ALL SELECT 'pg_read_all_data', NULL, NULL, NULL, NULL, NULL, names FROM member WHERE role = to_regrole('pg_read_all_data')
ORDER BY 1, 2;

SELECT pg_get_userbyid(d.defaclrole) AS "8. Rights on what will be built: by whom", coalesce(n.nspname, '(every schema)') AS schema,
       CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' ELSE 'schemas' END AS on,
       CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(g.grantee) END AS for, string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type) AS rights
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace CROSS JOIN aclexplode(d.defaclacl) g
WHERE g.grantee <> d.defaclrole
  AND (n.nspname IN ('analytics', 'staging') OR (n.oid IS NULL AND d.defaclrole IN (
         SELECT c.relowner FROM pg_class c JOIN pg_namespace p ON p.oid = c.relnamespace WHERE p.nspname IN ('analytics', 'staging'))))
GROUP BY d.defaclrole, n.nspname, d.defaclobjtype, g.grantee ORDER BY 1, 2, 3, 4;

-- What names production only in a string, such as the body of a function, PostgreSQL does not know of.
WITH relation AS (
  SELECT c.oid, c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ('analytics', 'staging')
), elsewhere AS (
  SELECT oid, nspname FROM pg_namespace WHERE nspname NOT IN ('analytics', 'staging')
)
SELECT h.kind AS "9. What hangs on production: kind", h.name, pg_get_userbyid(h.owner) AS owner, h.what
FROM (
  SELECT DISTINCT CASE v.relkind WHEN 'm' THEN 'materialized view elsewhere' ELSE 'view elsewhere' END AS kind,
         v.oid::regclass::text AS name, v.relowner AS owner, 'reads ' || r.oid::regclass AS what
    FROM relation r JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite w ON w.oid = d.objid JOIN pg_class v ON v.oid = w.ev_class AND v.relkind IN ('v', 'm') JOIN elsewhere e ON e.oid = v.relnamespace
  UNION ALL SELECT 'rule', format('%I on %s', w.rulename, w.ev_class::regclass), r.relowner, pg_get_ruledef(w.oid)
    FROM relation r JOIN pg_rewrite w ON w.ev_class = r.oid WHERE w.rulename <> '_RETURN'
  UNION ALL SELECT 'foreign key elsewhere', format('%I on %s', k.conname, k.conrelid::regclass), c.relowner, 'refers to ' || k.confrelid::regclass
    FROM relation r JOIN pg_constraint k ON k.confrelid = r.oid AND k.contype = 'f' JOIN pg_class c ON c.oid = k.conrelid JOIN elsewhere e ON e.oid = c.relnamespace
  UNION ALL SELECT 'child table elsewhere', i.inhrelid::regclass::text, c.relowner, 'inherits from ' || i.inhparent::regclass
    FROM relation r JOIN pg_inherits i ON i.inhparent = r.oid JOIN pg_class c ON c.oid = i.inhrelid JOIN elsewhere e ON e.oid = c.relnamespace
  UNION ALL SELECT 'trigger', format('%I on %s', t.tgname, t.tgrelid::regclass), p.proowner, 'calls ' || p.oid::regprocedure
    FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal JOIN pg_proc p ON p.oid = t.tgfoid
  UNION ALL SELECT 'policy', format('%I on %s', p.polname, p.polrelid::regclass), r.relowner,
      'for ' || (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(role) END, ', ') FROM unnest(p.polroles) role)
    FROM relation r JOIN pg_policy p ON p.polrelid = r.oid
  UNION ALL SELECT 'function', p.oid::regprocedure::text, p.proowner, l.lanname || CASE WHEN p.prosecdef THEN ', runs with the rights of its owner' ELSE '' END
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname IN ('analytics', 'staging')
  UNION SELECT 'function elsewhere', p.oid::regprocedure::text, p.proowner, 'uses ' || r.oid::regclass
    FROM relation r JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid AND d.classid = 'pg_proc'::regclass JOIN pg_proc p ON p.oid = d.objid JOIN elsewhere e ON e.oid = p.pronamespace
  UNION ALL SELECT 'publication', p.pubname, p.pubowner, r.oid::regclass::text
    FROM relation r JOIN pg_publication_rel x ON x.prrelid = r.oid JOIN pg_publication p ON p.oid = x.prpubid
  UNION ALL SELECT 'publication', p.pubname, p.pubowner, 'schema ' || n.nspname
    FROM pg_publication_namespace x JOIN pg_publication p ON p.oid = x.pnpubid JOIN pg_namespace n ON n.oid = x.pnnspid WHERE n.nspname IN ('analytics', 'staging')
  UNION ALL SELECT 'publication', p.pubname, p.pubowner, 'all tables' FROM pg_publication p WHERE p.puballtables
  UNION ALL SELECT 'subscription', s.subname, s.subowner, 'writes ' || r.oid::regclass
    FROM relation r JOIN pg_subscription_rel x ON x.srrelid = r.oid JOIN pg_subscription s ON s.oid = x.srsubid
  UNION ALL SELECT 'event trigger', t.evtname, t.evtowner, format('on %s calls %s', t.evtevent, t.evtfoid::regprocedure) FROM pg_event_trigger t
  UNION ALL SELECT 'extension', x.extname, x.extowner, 'in schema ' || n.nspname
    FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE n.nspname IN ('analytics', 'staging')
) AS h
ORDER BY 1, 2, 4;

-- Whole names, and whatever else begins like one and is nobody's here yet: adopt_leftovers.sql hands over by name. Last
-- activity is the last scan (from PostgreSQL 16 on), VACUUM or ANALYZE that is on record: none proves disuse.
WITH roster(slug, login) AS (
  VALUES ('priya', 'priya'), ('sam', 'sam.jones')
), leftover AS (
  SELECT oid, nspname, nspowner FROM pg_namespace
   WHERE nspname COLLATE "C" ~* '^(dev|pr|ci|dbt|test|tmp)([_0-9-]|$)' AND nspowner IS DISTINCT FROM to_regrole('acme_env_owner')
     AND nspname NOT IN ('analytics', 'staging', 'raw', 'crm')
), relation AS (
  SELECT l.oid AS schema, c.oid, c.relkind FROM leftover l JOIN pg_class c ON c.relnamespace = l.oid AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
), read AS MATERIALIZED (
  SELECT r.schema, string_agg(DISTINCT v.oid::regclass::text, ', ') AS views
    FROM relation r JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = r.oid AND d.classid = 'pg_rewrite'::regclass
    JOIN pg_rewrite w ON w.oid = d.objid JOIN pg_class v ON v.oid = w.ev_class JOIN pg_namespace n ON n.oid = v.relnamespace
   WHERE n.nspname IN ('analytics', 'staging') GROUP BY 1
), active AS MATERIALIZED (
  SELECT s.schemaname, max(greatest(s.last_vacuum, s.last_autovacuum, s.last_analyze, s.last_autoanalyze,
           (to_jsonb(s) ->> 'last_seq_scan')::timestamptz, (to_jsonb(s) ->> 'last_idx_scan')::timestamptz)) AS latest
    FROM pg_stat_user_tables s WHERE s.schemaname IN (SELECT nspname FROM leftover) GROUP BY 1
)
SELECT l.nspname AS "10. What looks left over: schema", pg_get_userbyid(l.nspowner) AS owner, count(r.oid) AS relations,
       pg_size_pretty(coalesce(sum(pg_total_relation_size(r.oid)) FILTER (WHERE r.relkind IN ('r', 'm')), 0)) AS size,
       CASE WHEN l.nspname COLLATE "C" ~ '^pr_[1-9][0-9]{0,9}$' THEN 'of a pull request'
            WHEN l.nspname COLLATE "C" ~ '(^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$)|(^pr_[1-9][0-9]{0,9}$)' THEN coalesce('of ' || (SELECT login FROM roster WHERE l.nspname = 'dev_' || slug), 'of nobody on the roster')
            ELSE 'no' END AS whole_name,
       (SELECT views FROM read WHERE schema = l.oid) AS production_reads_it_in, (SELECT latest FROM active WHERE schemaname = l.nspname) AS last_activity
FROM leftover l LEFT JOIN relation r ON r.schema = l.oid
GROUP BY l.oid, l.nspname, l.nspowner ORDER BY 1;

SELECT t.kind AS "11. Names that the scripts need and that somebody has: kind", t.name, t.owner, t.comment
FROM (
  SELECT 'role' AS kind, rolname AS name, NULL::name AS owner, shobj_description(oid, 'pg_authid') AS comment, 'dbt-envs: project acme' AS mark
    FROM pg_roles WHERE rolname IN ('acme_env_owner', 'acme_prod_owner', 'acme_developer', 'acme_reader', 'acme_reviewer', 'acme_ci_service', 'acme_prod_service', 'acme_janitor')
  UNION ALL SELECT 'schema', nspname, pg_get_userbyid(nspowner), obj_description(oid, 'pg_namespace'), 'dbt-envs: door of project acme' FROM pg_namespace WHERE nspname = 'acme_door'
) AS t
WHERE t.comment IS DISTINCT FROM t.mark
ORDER BY 1, 2;

-- What nothing but 90_close_prod.sql takes away.
SELECT p.what AS "12. What everybody (PUBLIC) may do"
FROM (
  SELECT format('create schemas in database %I', datname) AS what FROM pg_database CROSS JOIN aclexplode(coalesce(datacl, acldefault('d', datdba))) g
   WHERE datname = current_database() AND g.grantee = 0 AND g.privilege_type = 'CREATE'
  UNION ALL SELECT 'create tables and functions in schema public'
    FROM pg_namespace CROSS JOIN aclexplode(nspacl) g WHERE nspname = 'public' AND g.grantee = 0 AND g.privilege_type = 'CREATE'
  UNION ALL SELECT format('write functions in %I, where it may create anything', lanname)
    FROM pg_language CROSS JOIN aclexplode(coalesce(lanacl, acldefault('l', lanowner))) g WHERE lanpltrusted AND g.grantee = 0
) AS p
ORDER BY 1;

ROLLBACK;
