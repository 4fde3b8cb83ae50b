-- adopt_leftovers.sql: dev_<name> and pr_<number> that somebody made by hand become this project's, each by its name.
--
-- Who runs it   an administrator with roles/bigquery.admin on acme-prod and acme-dev and acme-ci. Put the names in the first line below; then:
--               bq query --project_id=acme-prod --location=US --use_legacy_sql=false --max_rows=100000 --max_statement_results=100000 < grants/adopt_leftovers.sql
-- What changes  each named dataset gets this project's labels in place of its own, and the sweep may clear it. A developer may build
--               in their own; CI may delete those of pull requests. Nobody's right on it is taken: this prints who else has
--               one. All are looked at before one is changed. Their age counts from their last change.
-- How to undo   ALTER SCHEMA <name> SET OPTIONS (labels = []), and REVOKE what is granted below.

-- Names, such as ['dev_ghost', 'pr_500'].
DECLARE v_asked ARRAY<STRING> DEFAULT [];
DECLARE v_problem STRING;
DECLARE v_roster ARRAY<STRUCT<slug STRING, principal STRING>> DEFAULT ARRAY<STRUCT<slug STRING, principal STRING>>[
  ('priya', 'user:priya@example.com'),
  ('sam', 'user:sam.jones@example.com')
];

IF ARRAY_LENGTH(v_asked) = 0 THEN
  RAISE USING MESSAGE = 'Name the datasets first, in the first line of this file.';
END IF;

SET v_problem = (
  SELECT STRING_AGG(name, ', ' ORDER BY name)
  FROM UNNEST(v_asked) AS name
  WHERE NOT (
    (REGEXP_CONTAINS(name, r'^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$') AND name IN (SELECT schema_name FROM `acme-dev`.`region-us`.INFORMATION_SCHEMA.SCHEMATA))
    OR (REGEXP_CONTAINS(name, r'^pr_[1-9][0-9]{0,9}$') AND name IN (SELECT schema_name FROM `acme-ci`.`region-us`.INFORMATION_SCHEMA.SCHEMATA))
  )
);
IF v_problem IS NOT NULL THEN
  RAISE USING MESSAGE = FORMAT('Nothing was changed. Not a whole name of an environment schema, or not there (dev_<name> in acme-dev, pr_<number> in acme-ci): %s', v_problem);
END IF;

-- Another project's mark: its own sweep clears that.
SET v_problem = (
  SELECT STRING_AGG(schema_name, ', ' ORDER BY schema_name)
  FROM (
    SELECT schema_name, option_name, option_value FROM `acme-dev`.`region-us`.INFORMATION_SCHEMA.SCHEMATA_OPTIONS
    UNION ALL SELECT schema_name, option_name, option_value FROM `acme-ci`.`region-us`.INFORMATION_SCHEMA.SCHEMATA_OPTIONS
  )
  WHERE schema_name IN UNNEST(v_asked) AND option_name = 'labels'
    AND STRPOS(option_value, 'STRUCT("dbt_envs_project", ') > 0 AND STRPOS(option_value, 'STRUCT("dbt_envs_project", "acme")') = 0
);
IF v_problem IS NOT NULL THEN
  RAISE USING MESSAGE = FORMAT('Nothing was changed. Another project of dbt-envs made %s.', v_problem);
END IF;

-- Written down before it is given: 30_developers.sql takes these for ours, and takes back what is given here once somebody leaves.
INSERT INTO `acme-prod`.`acme_record`.made (made_at, name)
SELECT CURRENT_TIMESTAMP(), CONCAT('acme-dev.', asked)
FROM UNNEST(v_asked) AS asked
WHERE STARTS_WITH(asked, 'dev_');
INSERT INTO `acme-prod`.`acme_record`.given (step, role, kind, name, principal)
SELECT '30', 'roles/bigquery.dataEditor', 'SCHEMA', FORMAT('`acme-dev`.`dev_%s`', slug), principal
FROM UNNEST(v_roster) AS person
WHERE CONCAT('dev_', slug) IN UNNEST(v_asked) AND NOT EXISTS (
  SELECT 1 FROM `acme-prod`.`acme_record`.given AS old
  WHERE old.step = '30' AND old.role = 'roles/bigquery.dataEditor' AND old.name = FORMAT('`acme-dev`.`dev_%s`', slug) AND old.principal = person.principal
);

FOR one IN (SELECT name FROM UNNEST(v_asked) AS name) DO
  IF STARTS_WITH(one.name, 'dev_') THEN
    EXECUTE IMMEDIATE FORMAT("""
      ALTER SCHEMA `acme-dev`.`%s`
      SET OPTIONS (labels = [('managed_by', 'dbt_envs'), ('dbt_envs_project', 'acme'), ('env', 'dev'), ('owner', '%s')])""", one.name, SUBSTR(one.name, 5));
    EXECUTE IMMEDIATE FORMAT('GRANT `projects/acme-dev/roles/acme_janitor` ON SCHEMA `acme-dev`.`%s` TO "serviceAccount:acme-janitor@acme-ci.iam.gserviceaccount.com"', one.name);
    FOR person IN (SELECT principal FROM UNNEST(v_roster) WHERE CONCAT('dev_', slug) = one.name) DO
      EXECUTE IMMEDIATE FORMAT('GRANT `roles/bigquery.dataEditor` ON SCHEMA `acme-dev`.`%s` TO "%s"', one.name, person.principal);
    END FOR;
    EXECUTE IMMEDIATE FORMAT("""
      SELECT object_name, privilege_type, grantee
      FROM `acme-dev`.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES
      WHERE object_name = '%s' AND object_type = 'SCHEMA'""", one.name);
  ELSE
    EXECUTE IMMEDIATE FORMAT("""
      ALTER SCHEMA `acme-ci`.`%s`
      SET OPTIONS (labels = [('managed_by', 'dbt_envs'), ('dbt_envs_project', 'acme'), ('env', 'ci'), ('pr', '%s')])""", one.name, SUBSTR(one.name, 4));
    EXECUTE IMMEDIATE FORMAT('GRANT `roles/bigquery.dataOwner` ON SCHEMA `acme-ci`.`%s` TO "serviceAccount:acme-ci@acme-ci.iam.gserviceaccount.com"', one.name);
    EXECUTE IMMEDIATE FORMAT('GRANT `projects/acme-ci/roles/acme_janitor` ON SCHEMA `acme-ci`.`%s` TO "serviceAccount:acme-janitor@acme-ci.iam.gserviceaccount.com"', one.name);
    EXECUTE IMMEDIATE FORMAT("""
      SELECT object_name, privilege_type, grantee
      FROM `acme-ci`.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES
      WHERE object_name = '%s' AND object_type = 'SCHEMA'""", one.name);
  END IF;
END FOR;
