-- 40_services.sql: what the three services may do.
--
-- Who runs it   the administrator who ran 30_developers.sql:
--               bq query --project_id=acme-prod --location=US --use_legacy_sql=false < grants/40_services.sql
-- What changes  acme-prod may build in the datasets of production and nowhere else. acme-ci may create datasets
--               in project acme-ci and owns those alone; it reads what every developer reads. acme-janitor lists and
--               clears environments, and can read the data of none. Nothing is taken from anybody, but
--               roles/bigquery.jobUser from these three, which an earlier version of this file gave.
-- How to undo   REVOKE in the place of GRANT, FROM in the place of TO.
--
-- None of them can log in before 40_services.sh has run.

-- Production. It creates no dataset: 20_boundary.sql does.
GRANT `projects/acme-prod/roles/acme_query_runner` ON PROJECT `acme-prod` TO "serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com";
GRANT `roles/bigquery.dataEditor` ON SCHEMA `acme-prod`.`analytics` TO "serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com";
GRANT `roles/bigquery.dataEditor` ON SCHEMA `acme-prod`.`staging` TO "serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com";
GRANT `roles/bigquery.dataViewer` ON SCHEMA `acme-prod`.`raw` TO "serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com";
GRANT `roles/bigquery.dataViewer` ON SCHEMA `acme-prod`.`crm` TO "serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com";

-- CI runs the code of pull requests: it reads what every developer may read, so nothing that holds personal data. Whoever creates a dataset owns it:
-- https://docs.cloud.google.com/bigquery/docs/datasets
GRANT `projects/acme-ci/roles/acme_query_runner`, `projects/acme-ci/roles/acme_dataset_creator` ON PROJECT `acme-ci` TO "serviceAccount:acme-ci@acme-ci.iam.gserviceaccount.com";
GRANT `roles/bigquery.dataViewer` ON SCHEMA `acme-prod`.`analytics` TO "serviceAccount:acme-ci@acme-ci.iam.gserviceaccount.com";
GRANT `roles/bigquery.dataViewer` ON SCHEMA `acme-prod`.`staging` TO "serviceAccount:acme-ci@acme-ci.iam.gserviceaccount.com";
GRANT `roles/bigquery.dataViewer` ON SCHEMA `acme-prod`.`raw` TO "serviceAccount:acme-ci@acme-ci.iam.gserviceaccount.com";

-- The sweep. To see names, sizes and ages it needs no data; to bring back a dataset it has to create one. It is let into each
-- dev_<name> by 30_developers.sql.
GRANT `projects/acme-ci/roles/acme_query_runner`, `projects/acme-ci/roles/acme_dataset_creator`, `projects/acme-ci/roles/acme_janitor` ON PROJECT `acme-ci` TO "serviceAccount:acme-janitor@acme-ci.iam.gserviceaccount.com";
GRANT `roles/bigquery.metadataViewer` ON PROJECT `acme-dev` TO "serviceAccount:acme-janitor@acme-ci.iam.gserviceaccount.com";
GRANT `roles/bigquery.metadataViewer` ON PROJECT `acme-ci` TO "serviceAccount:acme-janitor@acme-ci.iam.gserviceaccount.com";
GRANT `roles/bigquery.metadataViewer` ON SCHEMA `acme-prod`.`analytics` TO "serviceAccount:acme-janitor@acme-ci.iam.gserviceaccount.com";
GRANT `roles/bigquery.metadataViewer` ON SCHEMA `acme-prod`.`staging` TO "serviceAccount:acme-janitor@acme-ci.iam.gserviceaccount.com";

-- acme_query_runner stands in the place of roles/bigquery.jobUser, which lets one run code as Dataform's agent too.
FOR one IN (
  SELECT project, principal
  FROM UNNEST([
    STRUCT('acme-prod' AS project, 'serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com' AS principal),
    STRUCT('acme-ci', 'serviceAccount:acme-ci@acme-ci.iam.gserviceaccount.com'),
    STRUCT('acme-ci', 'serviceAccount:acme-janitor@acme-ci.iam.gserviceaccount.com')
  ])
) DO
  BEGIN
    EXECUTE IMMEDIATE FORMAT('REVOKE `roles/bigquery.jobUser` ON PROJECT `%s` FROM "%s"', one.project, one.principal);
  EXCEPTION WHEN ERROR THEN
    -- Nothing to take is what a new installation has.
    IF NOT REGEXP_CONTAINS(@@error.message, r'(?i)not found|does not exist') THEN
      RAISE;
    END IF;
  END;
END FOR;
