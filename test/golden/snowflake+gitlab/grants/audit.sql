-- audit.sql: names everybody who can write production, and through what. Changes nothing.
--
-- Who runs it   the first part: any role of this project. The rest, which is live where the first is up to two hours old: an
--               administrator with SECURITYADMIN.
-- What changes  nothing.
--
-- A HOLE is closed with REVOKE, or accepted by an administrator, in the very words of the line:
--   USE ROLE SECURITYADMIN; GRANT ROLE acme_env_owner TO ROLE SECURITYADMIN;
--   INSERT INTO acme_nonprod.acme_door.accepted (login, how) VALUES ('…', '…');
--   REVOKE ROLE acme_env_owner FROM ROLE SECURITYADMIN;

CALL acme_nonprod.acme_door.audit();

-- Live, without a delay. Future grants are in no view: the first part sees them with the first schema or table that they have
-- reached, this one before that. A line with OWNERSHIP, INSERT, UPDATE, DELETE or TRUNCATE is a hole, and so is one on SCHEMA with
-- more than USAGE or MONITOR.
USE ROLE SECURITYADMIN;
SHOW GRANTS OF ROLE acme_prod_service;
SHOW GRANTS OF ROLE acme_prod_owner;
SHOW GRANTS OF ROLE acme_env_owner;
SHOW GRANTS ON USER acme_prod_service;
SHOW GRANTS ON SCHEMA acme.analytics;
SHOW FUTURE GRANTS IN SCHEMA acme.analytics;
SHOW GRANTS ON SCHEMA acme.staging;
SHOW FUTURE GRANTS IN SCHEMA acme.staging;
SHOW FUTURE GRANTS IN DATABASE acme;
SHOW FUTURE GRANTS IN DATABASE acme_nonprod;
-- Whoever holds these can give themselves anything: no grant of ours can hold them.
SHOW GRANTS OF ROLE ACCOUNTADMIN;
SHOW GRANTS OF ROLE SECURITYADMIN;
SHOW GRANTS OF ROLE SYSADMIN;
SHOW GRANTS ON ACCOUNT;
