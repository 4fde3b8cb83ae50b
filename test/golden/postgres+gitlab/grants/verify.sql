-- verify.sql: tries what this login must not be able to do, and what it must, and undoes all of it.
--
-- Who runs it   each identity under its own login: a developer, a reader, acme_ci_service, acme_prod_service, acme_janitor.
--               Not an administrator: whoever may do everything proves nothing. After the first deploy, since rights
--               on production's tables cannot be tried before there are tables.
-- What changes  nothing but this login's line in acme_door.proof, which the report reads: every attempt is rolled back.
-- How to read   one line for each act: expected and got. The second call fails when one of them came out wrong, and an
--               act that could not be tried counts as wrong. With dbt: dbt run-operation verify_boundary.

CALL acme_door.verify(false);

-- A transaction of its own: the note of what came out wrong stays.
CALL acme_door.demand_proof();
