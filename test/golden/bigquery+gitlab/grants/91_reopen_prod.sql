-- 91_reopen_prod.sql: whoever could write the datasets and tables of production before 90_close_prod can again.
--
-- Who runs it   whoever ran 90_close_prod.sql, after 91_reopen_prod.sh:
--               bq query --project_id=acme-prod --location=US --use_legacy_sql=false --max_rows=100000 --max_child_jobs=0 < grants/91_reopen_prod.sql
-- What changes  every right in acme_record.taken is given back and its line deleted. What cannot be given back, because a
--               table or an account has gone since, is named and stays in the list. acme-prod keeps its rights, and
--               whoever was given reading in exchange keeps that.
-- How to undo   90_close_prod.sql.

DECLARE v_passed ARRAY<STRUCT<name STRING, role STRING, principal STRING, why STRING>> DEFAULT [];

FOR one IN (
  SELECT DISTINCT kind, name, role, principal
  FROM `acme-prod`.`acme_record`.taken
  WHERE kind IN ('SCHEMA', 'TABLE', 'VIEW', 'EXTERNAL TABLE')
    -- Whoever may write the record may not have more given than this.
    AND role IN ('roles/bigquery.dataEditor', 'roles/bigquery.dataOwner', 'roles/bigquery.admin')
    AND REGEXP_CONTAINS(name, r'^`acme-prod`\.`(analytics|staging)`(\.`[^`]+`)?$')
) DO
  BEGIN
    EXECUTE IMMEDIATE FORMAT('GRANT `%s` ON %s %s TO "%s"', one.role, one.kind, one.name, one.principal);
    DELETE FROM `acme-prod`.`acme_record`.taken
    WHERE kind = one.kind AND name = one.name AND role = one.role AND principal = one.principal;
  EXCEPTION WHEN ERROR THEN
    SET v_passed = ARRAY_CONCAT(v_passed, [STRUCT(one.name AS name, one.role AS role, one.principal AS principal, @@error.message AS why)]);
  END;
END FOR;

DELETE FROM `acme-prod`.`acme_record`.taken WHERE kind = 'CLOSED';

SELECT name, role, principal, why FROM UNNEST(v_passed) ORDER BY name, role, principal;
