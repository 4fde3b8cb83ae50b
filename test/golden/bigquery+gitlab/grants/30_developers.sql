-- 30_developers.sql: the roster of project acme, as roster.yml has it.
--
-- Who runs it   the administrator who ran 20_boundary.sql, with roles/bigquery.admin and the right to set the policy
--               (roles/resourcemanager.projectIamAdmin) on acme-prod and acme-dev and acme-ci; again after every change of the roster:
--               bq query --project_id=acme-prod --location=US --use_legacy_sql=false < grants/30_developers.sql; then 30_developers.sh
-- What changes  each developer gets dataset dev_<slug>, in which they and nobody else may build. All of them may run
--               queries in project acme-dev, and read production, sources and every pr_<number>. Whoever left the
--               roster loses what this file gave, also where somebody else gave them the same, and nothing else.
-- How to undo   take the person out of roster.yml, run the generator, run this file again.
--
-- acme_query_runner lets somebody run queries, and create neither a dataset, as roles/bigquery.user would, nor a repository of
-- Dataform, as roles/bigquery.jobUser would: https://docs.cloud.google.com/dataform/docs/access-control

DECLARE v_problem STRING;
DECLARE v_new ARRAY<STRING>;
DECLARE v_given ARRAY<STRUCT<role STRING, kind STRING, name STRING, principal STRING>>;
DECLARE v_roster ARRAY<STRUCT<slug STRING, principal STRING>> DEFAULT ARRAY<STRUCT<slug STRING, principal STRING>>[
  ('priya', 'user:priya@example.com'),
  ('sam', 'user:sam.jones@example.com')
];

SET v_problem = (
  SELECT STRING_AGG(schema_name, ', ' ORDER BY schema_name)
  FROM `acme-dev`.`region-us`.INFORMATION_SCHEMA.SCHEMATA AS dataset
  WHERE LOWER(schema_name) IN (SELECT CONCAT('dev_', slug) FROM UNNEST(v_roster))
    AND (
      schema_name NOT IN (
    SELECT schema_name
    FROM `acme-dev`.`region-us`.INFORMATION_SCHEMA.SCHEMATA_OPTIONS
    WHERE option_name = 'labels' AND STRPOS(option_value, 'STRUCT("dbt_envs_project", "acme")') > 0
      )
    )
);
IF v_problem IS NOT NULL THEN
  RAISE USING MESSAGE = FORMAT('Dataset %s exists, and this project did not create it. Hand it over by its name with grants/adopt_leftovers.sql.', v_problem);
END IF;

SET v_given = ARRAY(
  SELECT AS STRUCT 'roles/bigquery.dataEditor' AS role, 'SCHEMA' AS kind, FORMAT('`acme-dev`.`dev_%s`', slug) AS name, principal
  FROM UNNEST(v_roster)
  UNION ALL
  SELECT AS STRUCT role, kind, name, principal
  FROM UNNEST([
    STRUCT('projects/acme-dev/roles/acme_query_runner' AS role, 'PROJECT' AS kind, '`acme-dev`' AS name)
    , STRUCT('roles/bigquery.dataViewer', 'SCHEMA', '`acme-prod`.`analytics`')
    , STRUCT('roles/bigquery.dataViewer', 'SCHEMA', '`acme-prod`.`staging`')
    , STRUCT('roles/bigquery.dataViewer', 'SCHEMA', '`acme-prod`.`raw`')
    , STRUCT('roles/bigquery.dataViewer', 'PROJECT', '`acme-ci`')
  ])
  CROSS JOIN (SELECT principal FROM UNNEST(v_roster))
);
-- Written down before it is given: a run that is cut short leaves nothing that the next one does not know of.
INSERT INTO `acme-prod`.`acme_record`.given (step, role, kind, name, principal)
SELECT '30', role, kind, name, principal
FROM UNNEST(v_given) AS now
WHERE NOT EXISTS (
  SELECT 1 FROM `acme-prod`.`acme_record`.given AS old
  WHERE old.step = '30' AND now.role = old.role AND now.kind = old.kind AND now.name = old.name AND now.principal = old.principal
);

SET v_new = ARRAY(
  SELECT CONCAT('dev_', slug)
  FROM UNNEST(v_roster)
  WHERE CONCAT('dev_', slug) NOT IN (SELECT schema_name FROM `acme-dev`.`region-us`.INFORMATION_SCHEMA.SCHEMATA)
);
-- Whoever creates a dataset owns it, also when they administer nothing any more. Written down first, and taken below.
INSERT INTO `acme-prod`.`acme_record`.given (step, role, kind, name, principal)
SELECT 'creator', 'roles/bigquery.dataOwner', 'SCHEMA', FORMAT('`acme-dev`.`%s`', name), CONCAT(IF(ENDS_WITH(SESSION_USER(), '.gserviceaccount.com'), 'serviceAccount:', 'user:'), SESSION_USER())
FROM UNNEST(v_new) AS name;

-- A dataset belongs to the project, not to a person: dataEditor builds in it, and can neither delete it nor let others in.
FOR person IN (SELECT slug, principal FROM UNNEST(v_roster)) DO
  IF CONCAT('dev_', person.slug) IN UNNEST(v_new) THEN
    INSERT INTO `acme-prod`.`acme_record`.made (made_at, name) SELECT CURRENT_TIMESTAMP(), CONCAT('acme-dev.dev_', person.slug);
  END IF;
  EXECUTE IMMEDIATE FORMAT("""
    CREATE SCHEMA IF NOT EXISTS `acme-dev`.`dev_%s`
    OPTIONS (
      location = 'US',
      -- The least that BigQuery keeps: what was dropped comes back for two days, and is paid for no longer.
      max_time_travel_hours = 48,
      labels = [('managed_by', 'dbt_envs'), ('dbt_envs_project', 'acme'), ('env', 'dev'), ('owner', '%s')]
    )""", person.slug, person.slug);
  EXECUTE IMMEDIATE FORMAT('GRANT `roles/bigquery.dataEditor` ON SCHEMA `acme-dev`.`dev_%s` TO "%s"', person.slug, person.principal);
  EXECUTE IMMEDIATE FORMAT('GRANT `projects/acme-dev/roles/acme_janitor` ON SCHEMA `acme-dev`.`dev_%s` TO "serviceAccount:acme-janitor@acme-ci.iam.gserviceaccount.com"', person.slug);
END FOR;
-- The project's owners own what whoever ran this created, and so do its administrators.
FOR one IN (
  SELECT DISTINCT name, principal
  FROM `acme-prod`.`acme_record`.given
  WHERE step = 'creator' AND REGEXP_CONTAINS(name, r'^`acme-dev`\.`[^`]+`$')
) DO
  BEGIN
    EXECUTE IMMEDIATE FORMAT('REVOKE `roles/bigquery.dataOwner` ON SCHEMA %s FROM "%s"', one.name, one.principal);
  EXCEPTION WHEN ERROR THEN
    -- The dataset, or the account itself, may be gone: then so is the right.
    IF NOT REGEXP_CONTAINS(@@error.message, r'(?i)not found|does not exist') THEN
      RAISE;
    END IF;
  END;
  DELETE FROM `acme-prod`.`acme_record`.given WHERE step = 'creator' AND name = one.name AND principal = one.principal;
END FOR;

GRANT `projects/acme-dev/roles/acme_query_runner` ON PROJECT `acme-dev` TO
  "user:priya@example.com",
  "user:sam.jones@example.com";
GRANT `roles/bigquery.dataViewer` ON SCHEMA `acme-prod`.`analytics` TO
  "user:priya@example.com",
  "user:sam.jones@example.com";
GRANT `roles/bigquery.dataViewer` ON SCHEMA `acme-prod`.`staging` TO
  "user:priya@example.com",
  "user:sam.jones@example.com";
GRANT `roles/bigquery.dataViewer` ON SCHEMA `acme-prod`.`raw` TO
  "user:priya@example.com",
  "user:sam.jones@example.com";
-- Nothing but pull requests is in project acme-ci.
GRANT `roles/bigquery.dataViewer` ON PROJECT `acme-ci` TO
  "user:priya@example.com",
  "user:sam.jones@example.com";

-- Whoever is not in the roster any more loses what this file once gave them, unless another file gives it too.
FOR one IN (
  SELECT DISTINCT role, kind, name, principal
  FROM `acme-prod`.`acme_record`.given AS old
  WHERE step = '30'
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
WHERE step = '30' AND NOT EXISTS (
  SELECT 1 FROM UNNEST(v_given) AS now
  WHERE now.role = old.role AND now.kind = old.kind AND now.name = old.name AND now.principal = old.principal
);
