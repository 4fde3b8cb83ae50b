-- 00_look.sql: who can write production today and who did, who reads it, which clients use which login, and what is left over.
--
-- Who runs it   an administrator with ACCOUNTADMIN, with a warehouse in the session.
-- What changes  nothing. Keep what it prints.
--
-- Views of SNOWFLAKE.ACCOUNT_USAGE are up to two hours behind.

USE ROLE ACCOUNTADMIN;

-- 1. Everybody who can write production, and through what. 90_close_prod.sql takes this away from all but administrators.
WITH RECURSIVE
  direct AS (
    SELECT DISTINCT
      grantee_name AS role_name,
      granted_to,
      privilege || ' on ' || LOWER(granted_on) || ' ' || COALESCE(table_catalog || '.', '') || COALESCE(table_schema || '.', '') || name AS why
    FROM snowflake.account_usage.grants_to_roles
    WHERE deleted_on IS NULL
      AND (
        (granted_on = 'ACCOUNT' AND privilege = 'MANAGE GRANTS')
        OR (granted_on = 'DATABASE' AND name IN ('ACME', 'ACME_NONPROD') AND privilege IN ('OWNERSHIP', 'MODIFY', 'CREATE SCHEMA', 'MANAGE GRANTS'))
        OR (
          granted_on = 'SCHEMA' AND table_catalog = 'ACME' AND name IN ('ANALYTICS', 'STAGING')
          AND (privilege IN ('OWNERSHIP', 'MODIFY', 'MANAGE GRANTS') OR STARTSWITH(privilege, 'CREATE '))
        )
        -- Environments: a future grant on schemas, which is in no view, shows here with the first schema that it has reached.
        OR (
          granted_on = 'SCHEMA' AND table_catalog = 'ACME_NONPROD'
          AND (RLIKE(name, 'DEV_[A-Z][A-Z0-9]*(_[A-Z0-9]+)*') OR RLIKE(name, 'PR_[1-9][0-9]{0,9}') OR name = 'ACME_DOOR')
          AND (privilege IN ('OWNERSHIP', 'MODIFY', 'MANAGE GRANTS') OR STARTSWITH(privilege, 'CREATE '))
          AND grantee_name NOT IN ('ACME_ENV_OWNER', IFF(STARTSWITH(name, 'DEV_'), 'ACME_DEV_' || SUBSTR(name, 5), 'ACME_CI_SERVICE'))
        )
        -- The door's own tables.
        OR (
          table_catalog = 'ACME_NONPROD' AND table_schema = 'ACME_DOOR'
          AND privilege IN ('OWNERSHIP', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'EVOLVE SCHEMA') AND grantee_name <> 'ACME_ENV_OWNER'
        )
        OR (
          table_catalog = 'ACME' AND table_schema IN ('ANALYTICS', 'STAGING')
          AND (
            privilege IN ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'EVOLVE SCHEMA')
            -- 90_close_prod.sql leaves procedures, tasks and pipes with their owners, for whom they write nothing any more.
            OR (privilege = 'OWNERSHIP' AND REPLACE(granted_on, '_', ' ') NOT IN ('PROCEDURE', 'TASK', 'PIPE', 'STREAM', 'ALERT', 'TAG'))
          )
        )
        -- A procedure of production's service writes as that service, for whoever may call it, unless it acts for its caller.
        OR (
          granted_on = 'PROCEDURE' AND privilege = 'USAGE' AND grantee_name NOT IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER')
          AND table_catalog || '.' || table_schema || '.' || name IN (
            SELECT table_catalog || '.' || table_schema || '.' || name
            FROM snowflake.account_usage.grants_to_roles
            WHERE deleted_on IS NULL AND granted_on = 'PROCEDURE' AND privilege = 'OWNERSHIP'
              AND grantee_name IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER')
          )
        )
        OR (granted_on = 'ROLE' AND name IN ('ACME_PROD_SERVICE', 'ACME_PROD_OWNER', 'ACME_ENV_OWNER') AND privilege = 'OWNERSHIP')
        OR (granted_on = 'USER' AND name = 'ACME_PROD_SERVICE' AND privilege IN ('OWNERSHIP', 'MODIFY PROGRAMMATIC AUTHENTICATION METHODS', 'IMPERSONATE'))
      )
  ),
  reach (role_name, via, administrator, why) AS (
    SELECT role_name, role_name::VARCHAR(4000), role_name IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN'), why
    FROM direct
    WHERE granted_to IN ('ROLE', 'ACCOUNT ROLE', 'DATABASE_ROLE')
    UNION ALL
    SELECT g.grantee_name, (r.via || ' < ' || g.grantee_name)::VARCHAR(4000), r.administrator OR g.grantee_name IN ('ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN'), r.why
    FROM reach AS r
    INNER JOIN snowflake.account_usage.grants_to_roles AS g
      ON g.name = r.role_name AND g.granted_on IN ('ROLE', 'DATABASE_ROLE') AND g.privilege = 'USAGE' AND g.deleted_on IS NULL
  ),
  writer (login, how, administrator) AS (
    SELECT u.grantee_name, r.via || ': ' || r.why, r.administrator
    FROM reach AS r
    INNER JOIN snowflake.account_usage.grants_to_users AS u ON u.role = r.role_name AND u.deleted_on IS NULL
    INNER JOIN snowflake.account_usage.users AS p ON p.name = u.grantee_name AND p.deleted_on IS NULL
    WHERE u.grantee_name <> 'ACME_PROD_SERVICE'
    UNION
    -- Nobody is listed as a holder of PUBLIC, because everybody is.
    SELECT 'everybody', r.via || ': ' || r.why, FALSE FROM reach AS r WHERE r.role_name = 'PUBLIC'
    UNION
    -- A right that was granted to the user itself, past every role: https://docs.snowflake.com/en/user-guide/security-access-control-overview
    SELECT d.role_name, 'granted to the user: ' || d.why, FALSE FROM direct AS d WHERE d.granted_to = 'USER'
    UNION
    SELECT 'any owner of a table', 'schema ' || LOWER(schema_name) || ' has no managed access: who owns a table in it can let others write it', FALSE
    FROM snowflake.account_usage.schemata
    WHERE deleted IS NULL AND catalog_name = 'ACME' AND schema_name IN ('ANALYTICS', 'STAGING') AND is_managed_access = 'NO'
  )
SELECT login, how, IFF(administrator, 'administrator', 'loses it with 90_close_prod.sql') AS verdict
FROM writer
ORDER BY administrator, login, how;

-- 2. Who built what is there: the owners, whose job acme_prod_service takes over.
SELECT table_schema, table_owner, last_ddl_by, COUNT(*) AS relations, MAX(last_ddl) AS last_at
FROM snowflake.account_usage.tables
WHERE deleted IS NULL AND table_catalog = 'ACME' AND table_schema IN ('ANALYTICS', 'STAGING')
GROUP BY table_schema, table_owner, last_ddl_by
ORDER BY table_schema, relations DESC;

-- 3. Who wrote in the last 90 days. Enterprise Edition alone keeps this; elsewhere it is empty.
SELECT h.user_name, q.role_name, q.query_type, f.value:objectName::VARCHAR AS relation, COUNT(*) AS times, MAX(h.query_start_time) AS last_at
FROM snowflake.account_usage.access_history AS h
INNER JOIN snowflake.account_usage.query_history AS q ON q.query_id = h.query_id,
LATERAL FLATTEN(INPUT => h.objects_modified) AS f
WHERE h.query_start_time > DATEADD('day', -90, CURRENT_TIMESTAMP())
  AND SPLIT_PART(f.value:objectName::VARCHAR, '.', 1) = 'ACME'
  AND SPLIT_PART(f.value:objectName::VARCHAR, '.', 2) IN ('ANALYTICS', 'STAGING')
GROUP BY 1, 2, 3, 4
ORDER BY times DESC
LIMIT 100;

-- 4. Who reads it: these roles go on reading.
SELECT grantee_name, granted_to, table_schema, COUNT(*) AS relations
FROM snowflake.account_usage.grants_to_roles
WHERE deleted_on IS NULL AND privilege = 'SELECT' AND table_catalog = 'ACME' AND table_schema IN ('ANALYTICS', 'STAGING')
GROUP BY grantee_name, granted_to, table_schema
ORDER BY relations DESC;

-- 5. Which programs log in as whom. One login that several programs share is the one to part.
SELECT user_name, reported_client_type, first_authentication_factor, COUNT(*) AS logins, MAX(event_timestamp) AS last_at
FROM snowflake.account_usage.login_history
WHERE event_timestamp > DATEADD('day', -30, CURRENT_TIMESTAMP()) AND is_success = 'YES'
GROUP BY user_name, reported_client_type, first_authentication_factor
ORDER BY logins DESC
LIMIT 100;

-- 6. Users whose session uses every role that they have, from the start: an old role of theirs counts as well as the new one.
SELECT name, type, default_role, default_secondary_role
FROM snowflake.account_usage.users
WHERE deleted_on IS NULL AND default_secondary_role = '["ALL"]'
ORDER BY name;

-- 7. Schemas that look like an environment's and were made by hand. Those in acme_nonprod are handed over, each by its
-- name, with grants/adopt_leftovers.sql; in another database they are moved or dropped by hand.
SELECT s.catalog_name, s.schema_name, s.schema_owner, s.created, COUNT(t.table_id) AS relations, SUM(t.bytes) AS bytes
FROM snowflake.account_usage.schemata AS s
LEFT JOIN snowflake.account_usage.tables AS t ON t.table_schema_id = s.schema_id AND t.deleted IS NULL
WHERE s.deleted IS NULL AND s.catalog_name IN ('ACME', 'ACME_NONPROD')
  AND RLIKE(s.schema_name, '(dev|pr)_.*', 'is') AND s.schema_owner <> 'ACME_ENV_OWNER' AND s.schema_name NOT IN ('ANALYTICS', 'STAGING', 'RAW', 'CRM')
GROUP BY 1, 2, 3, 4
ORDER BY bytes DESC;

-- 8. Tasks and pipes. One that writes production as another role than acme_prod_service fails after 90_close_prod.sql: part
-- them first, or let the deploy do their work.
SHOW TASKS IN ACCOUNT;
SHOW PIPES IN ACCOUNT;

-- 9. Future grants on the database. 20_boundary.sql copies them to our schemas, where they would not count any more. It stops
-- here where the database is not there yet: then there is nothing to see.
SHOW FUTURE GRANTS IN DATABASE acme;
