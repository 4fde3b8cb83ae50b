{#-
  Names everybody who can write production, and through what. The same query as grants/audit.sql.

      dbt run-operation audit

  Fails when anybody can who is no administrator. The last line is JSON, {"can_write": [...]}.
-#}
{% macro audit() %}
  {%- if not execute -%}{{ return('') }}{%- endif -%}
  {%- set query -%}
WITH RECURSIVE
prod AS (
  SELECT oid, nspname, nspowner, nspacl FROM pg_namespace WHERE nspname IN ('analytics', 'staging')
),
held(holder, how) AS ( -- who holds a right to write, directly; 0 is PUBLIC
  SELECT nspowner, 'owns schema ' || nspname FROM prod
  UNION SELECT g.grantee, 'may create in schema ' || p.nspname FROM prod p, aclexplode(p.nspacl) g WHERE g.privilege_type = 'CREATE'
  UNION SELECT c.relowner, 'owns relations in ' || p.nspname FROM prod p JOIN pg_class c ON c.relnamespace = p.oid
  UNION SELECT g.grantee, 'may change rows in ' || p.nspname
          FROM prod p JOIN pg_class c ON c.relnamespace = p.oid, aclexplode(c.relacl) g WHERE g.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
  UNION SELECT g.grantee, 'may change columns in ' || p.nspname
          FROM prod p JOIN pg_class c ON c.relnamespace = p.oid JOIN pg_attribute a ON a.attrelid = c.oid, aclexplode(a.attacl) g WHERE g.privilege_type IN ('INSERT', 'UPDATE')
  UNION SELECT g.grantee, 'may change what ' || pg_get_userbyid(d.defaclrole) || ' will build'
          FROM pg_default_acl d, aclexplode(d.defaclacl) g
         WHERE d.defaclobjtype = 'r' AND (d.defaclnamespace IN (SELECT oid FROM prod) OR d.defaclrole = to_regrole('acme_prod_service'))
           AND g.privilege_type IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE') AND g.grantee <> d.defaclrole
  UNION SELECT to_regrole('pg_write_all_data'), 'may change all data'
  UNION SELECT oid, 'is a superuser' FROM pg_roles WHERE rolsuper
  UNION SELECT oid, 'may give itself roles (CREATEROLE)' FROM pg_roles WHERE rolcreaterole AND NOT rolsuper
  UNION SELECT datdba, 'owns the database' FROM pg_database WHERE datname = current_database()
),
ways(holder, how) AS ( -- production's own roles hold all of that; to act as one of them is one way
  SELECT holder, how FROM held WHERE holder NOT IN (SELECT oid FROM pg_roles WHERE rolname IN ('acme_prod_service', 'acme_prod_owner'))
  UNION SELECT oid, 'may act as ' || rolname FROM pg_roles WHERE rolname IN ('acme_prod_service', 'acme_prod_owner')
),
reach(login, role, path) AS ( -- every login, and every role that it is a member of, at any depth
  SELECT oid, oid, '' COLLATE "C" FROM pg_roles WHERE rolcanlogin
  UNION SELECT r.login, m.roleid, r.path || ', through ' || pg_get_userbyid(m.roleid) FROM reach r JOIN pg_auth_members m ON m.member = r.role
)
SELECT DISTINCT
  pg_get_userbyid(r.login)::text AS login,
  w.how || r.path AS how,
  (SELECT rolsuper OR rolcreaterole OR oid = (SELECT datdba FROM pg_database WHERE datname = current_database()) FROM pg_roles WHERE oid = r.login) AS administrator
FROM reach r JOIN ways w ON w.holder = r.role
WHERE r.login <> to_regrole('acme_prod_service')
UNION SELECT 'PUBLIC', w.how, false FROM ways w WHERE w.holder = 0
ORDER BY administrator, login, how
  {%- endset -%}
  {%- set can_write = [] -%}
  {%- set holes = [] -%}
  {%- for row in run_query(query).rows -%}
    {%- do can_write.append({'login': row[0], 'how': row[1], 'administrator': row[2]}) -%}
    {%- if not row[2] -%}{%- do holes.append(row[0] ~ ' ' ~ row[1]) -%}{%- endif -%}
    {%- do print(('administrator ' if row[2] else 'HOLE          ') ~ '| ' ~ row[0] ~ ' | ' ~ row[1]) -%}
  {%- endfor -%}
  {%- do print(tojson({'can_write': can_write})) -%}
  {%- if holes -%}
    {{ exceptions.raise_compiler_error('Production can be written by others than acme_prod_service and administrators: ' ~ holes | join('; ')) }}
  {%- endif -%}
{% endmacro %}
