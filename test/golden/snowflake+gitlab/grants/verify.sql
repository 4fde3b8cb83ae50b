-- verify.sql: tries what must be refused, beside it what must succeed.
--
-- Who runs it   each identity, under its own login and with its own role (acme_dev_<name>, acme_ci_service,
--               acme_prod_service, acme_janitor, acme_reader). As an administrator it proves nothing, and says so.
-- What changes  a line in acme_nonprod.acme_door.proof. Everything else that it makes it drops again.
--
-- The answer is JSON: "wrong" must be 0. Secondary roles are switched on, because a person may always do that: a right that
-- an old role of theirs still has would show here. https://docs.snowflake.com/en/sql-reference/sql/use-secondary-roles

USE SECONDARY ROLES ALL;
CALL acme_nonprod.acme_door.verify();
