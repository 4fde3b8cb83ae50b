-- audit.sql: who can write production or pass the boundary beside it, and through what; and what the boundary lacks.
--
-- Who runs it   anybody of this project, or the owner of the database; it only reads the catalogue.
-- What changes  nothing.
-- How to read   a HOLE has to be closed or accepted, and the script fails: with psql -v ON_ERROR_STOP=1 it exits with 3.
--               An administrator can do everything, since no grant can hold one. A source is somebody whose data
--               production reads: a view there can run code with production's rights. With dbt: dbt run-operation audit.

SELECT login, how, verdict FROM acme_door.audit();

CALL acme_door.demand_no_hole();
