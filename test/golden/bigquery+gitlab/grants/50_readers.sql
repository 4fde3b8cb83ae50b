-- 50_readers.sql: who reads production without developing, as roster.yml has it.
--
-- Who runs it   the administrator who ran 30_developers.sql; again after every change of the readers:
--               bq query --project_id=acme-prod --location=US --use_legacy_sql=false < grants/50_readers.sql
-- What changes  each reader reads the datasets of production. Who reviews pull requests may also run queries in project
--               acme-ci and read every pr_<number> there. Whoever left the list loses what this file gave, also
--               where somebody else gave them the same, and nothing else.
-- How to undo   take the reader out of roster.yml, run the generator, run this file again.
--
-- A dashboard runs its queries in a project of its own, which pays for them: nothing of that is granted here.

DECLARE v_given ARRAY<STRUCT<role STRING, kind STRING, name STRING, principal STRING>>;

SET v_given = ARRAY<STRUCT<role STRING, kind STRING, name STRING, principal STRING>>[
  ('roles/bigquery.dataViewer', 'SCHEMA', '`acme-prod`.`analytics`', 'user:looker@example.com'),
  ('roles/bigquery.dataViewer', 'SCHEMA', '`acme-prod`.`staging`', 'user:looker@example.com'),
  ('roles/bigquery.dataViewer', 'SCHEMA', '`acme-prod`.`analytics`', 'user:anna@example.com'),
  ('roles/bigquery.dataViewer', 'SCHEMA', '`acme-prod`.`staging`', 'user:anna@example.com'),
  ('projects/acme-ci/roles/acme_query_runner', 'PROJECT', '`acme-ci`', 'user:anna@example.com'),
  ('roles/bigquery.dataViewer', 'PROJECT', '`acme-ci`', 'user:anna@example.com')
];
-- Written down before it is given: a run that is cut short leaves nothing that the next one does not know of.
INSERT INTO `acme-prod`.`acme_record`.given (step, role, kind, name, principal)
SELECT '50', role, kind, name, principal
FROM UNNEST(v_given) AS now
WHERE NOT EXISTS (
  SELECT 1 FROM `acme-prod`.`acme_record`.given AS old
  WHERE old.step = '50' AND now.role = old.role AND now.kind = old.kind AND now.name = old.name AND now.principal = old.principal
);

GRANT `roles/bigquery.dataViewer` ON SCHEMA `acme-prod`.`analytics` TO
  "user:looker@example.com",
  "user:anna@example.com";
GRANT `roles/bigquery.dataViewer` ON SCHEMA `acme-prod`.`staging` TO
  "user:looker@example.com",
  "user:anna@example.com";
GRANT `projects/acme-ci/roles/acme_query_runner`, `roles/bigquery.dataViewer` ON PROJECT `acme-ci` TO
  "user:anna@example.com";

-- Whoever is not in the roster any more loses what this file once gave them, unless another file gives it too.
FOR one IN (
  SELECT DISTINCT role, kind, name, principal
  FROM `acme-prod`.`acme_record`.given AS old
  WHERE step = '50'
    -- Nothing else is ever given, whatever the record says.
    AND role IN ('roles/bigquery.dataEditor', 'roles/bigquery.dataViewer', 'roles/bigquery.jobUser', 'projects/acme-dev/roles/acme_query_runner', 'projects/acme-ci/roles/acme_query_runner')
    AND REGEXP_CONTAINS(name, r'^`(acme-prod|acme-dev|acme-ci)`(\.`[^`]+`)?$')
    AND NOT EXISTS (
      SELECT 1 FROM UNNEST(v_given) AS now
      WHERE now.role = old.role AND now.kind = old.kind AND now.name = old.name AND now.principal = old.principal
    )
    AND NOT EXISTS (
      SELECT 1 FROM `acme-prod`.`acme_record`.given AS other
      WHERE other.step != old.step AND other.role = old.role AND other.kind = old.kind AND other.name = old.name AND other.principal = old.principal
    )
) DO
  BEGIN
    EXECUTE IMMEDIATE FORMAT('REVOKE `%s` ON %s %s FROM "%s"', one.role, one.kind, one.name, one.principal);
  EXCEPTION WHEN ERROR THEN
    -- The dataset, or the account itself, may be gone: then so is the right.
    IF NOT REGEXP_CONTAINS(@@error.message, r'(?i)not found|does not exist') THEN
      RAISE;
    END IF;
  END;
END FOR;
DELETE FROM `acme-prod`.`acme_record`.given AS old
WHERE step = '50' AND NOT EXISTS (
  SELECT 1 FROM UNNEST(v_given) AS now
  WHERE now.role = old.role AND now.kind = old.kind AND now.name = old.name AND now.principal = old.principal
);
