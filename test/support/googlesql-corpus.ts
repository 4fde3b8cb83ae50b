/**
 * Statements written by hand from Google's pages, with a word of each and what a slip of the finger makes of it. What names, types
 * and options are slipped in is found by the analyzer alone.
 */
const DDL = 'https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language';
const DCL = 'https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-control-language';
const DML = 'https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax';
const SCRIPTS = 'https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/procedural-language';
const DEBUG = 'https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/debugging-statements';
const QUERIES = 'https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax';
const LISTINGS = 'https://docs.cloud.google.com/bigquery/docs/information-schema-intro';

export interface Example {
  readonly page: string;
  readonly sql: string;
  readonly right: string;
  readonly wrong: string;
}
const example = (page: string, sql: string, right: string, wrong: string): Example => ({ page, sql, right, wrong });

const SCHEMA = "CREATE SCHEMA IF NOT EXISTS `acme-dev`.dev_priya OPTIONS (location = 'EU', labels = [('env', 'dev')], max_time_travel_hours = 48)";
const BLOCK = "BEGIN\n  SELECT 1;\nEXCEPTION WHEN ERROR THEN\n  SELECT @@error.message;\n  RAISE USING MESSAGE = CONCAT('no ', 'more');\nEND;";
const VIEW = "CREATE OR REPLACE VIEW `acme-dev`.dev_priya.kept OPTIONS (description = 'until 2027-01-31') AS SELECT 1 AS x";
const JOBS =
  'SELECT l.value, SUM(total_bytes_billed) FROM `acme-dev`.`region-eu`.INFORMATION_SCHEMA.JOBS, UNNEST(labels) AS l WHERE creation_time > TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 30 DAY) GROUP BY l.value';
const MERGE =
  'MERGE `acme`.analytics.orders AS t USING (SELECT 1 AS id) AS s ON t.id = s.id WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id) WHEN NOT MATCHED BY SOURCE THEN DELETE';
const CLONE =
  'CREATE OR REPLACE TABLE `acme-ci`.pr_12.orders CLONE `acme`.analytics.orders FOR SYSTEM_TIME AS OF TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR)';
const PRIVILEGES = "SELECT grantee, privilege_type FROM `acme`.`region-eu`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES WHERE object_name = 'analytics'";

export const CORPUS: readonly Example[] = [
  example(`${DDL}#create_schema_statement`, SCHEMA, 'CREATE SCHEMA', 'CREATE SHEMA'),
  example(`${DDL}#create_schema_statement`, SCHEMA, 'CREATE SCHEMA', 'CREATE DATASET'),
  example(`${DDL}#schema_option_list`, SCHEMA, 'labels', 'lables'),
  example(`${DDL}#schema_option_list`, SCHEMA, "[('env', 'dev')]", "'env:dev'"),
  example(`${DDL}#schema_option_list`, SCHEMA, "'EU'", "FORMAT('%s', 'EU')"),
  example(`${DDL}#alter_schema_set_options_statement`, "ALTER SCHEMA `acme-dev`.dev_priya SET OPTIONS (description = 'x')", 'SET OPTIONS', 'SET OPTION'),
  example(`${DDL}#drop_schema_statement`, 'DROP SCHEMA IF EXISTS `acme-ci`.pr_12 CASCADE', 'CASCADE', 'CASCADED'),
  example(`${DDL}#undrop_schema_statement`, 'UNDROP SCHEMA IF NOT EXISTS `acme-ci`.pr_12', 'NOT EXISTS', 'EXISTS'),
  example(`${DDL}#alter_project_set_options_statement`, 'ALTER PROJECT `acme-dev` SET OPTIONS (`region-eu.default_time_travel_window` = 48)', 'SET', 'SETT'),
  example(`${DDL}#create_table_clone`, CLONE, 'CLONE', 'CLONED'),
  example(`${DDL}#create_table_clone`, CLONE, 'SYSTEM_TIME', 'SYSTEMTIME'),
  example(`${DDL}#create_table_clone`, CLONE, 'analytics.orders', 'analytics.order'),
  example(`${DDL}#create_table_statement`, 'CREATE TABLE IF NOT EXISTS `acme`.record.given (step STRING, given_at TIMESTAMP NOT NULL)', 'STRING', 'STRNG'),
  example(`${DDL}#create_table_statement`, 'CREATE TEMP TABLE x AS SELECT id FROM `acme`.analytics.orders', 'SELECT id', 'SELECT ids'),
  example(`${DDL}#create_view_statement`, VIEW, 'VIEW', 'VEIW'),
  example(`${DDL}#view_option_list`, VIEW, 'description', 'comment'),
  example(`${DDL}#drop_table_statement`, 'DROP TABLE IF EXISTS `acme-ci`.pr_12.orders', 'IF EXISTS', 'IF EXIST'),
  example(`${DDL}#drop_view_statement`, 'DROP VIEW IF EXISTS `acme-ci`.pr_12.orders', 'VIEW', 'VEIW'),
  example(`${DDL}#drop_materialized_view_statement`, 'DROP MATERIALIZED VIEW IF EXISTS `acme-ci`.pr_12.m', 'MATERIALIZED', 'MATERIALISED'),
  example(`${DDL}#drop_snapshot_table_statement`, 'DROP SNAPSHOT TABLE IF EXISTS `acme-ci`.pr_12.s', 'TABLE', 'TABEL'),
  example(`${DDL}#drop_external_table_statement`, 'DROP EXTERNAL TABLE IF EXISTS `acme-ci`.pr_12.e', 'EXTERNAL', 'EXTERN'),
  example(`${DDL}#drop_function_statement`, 'DROP FUNCTION IF EXISTS `acme-ci`.pr_12.f', 'FUNCTION', 'FUNCTON'),
  example(`${DDL}#drop_table_function`, 'DROP TABLE FUNCTION IF EXISTS `acme-ci`.pr_12.f', 'FUNCTION', 'FUNCTON'),
  example(`${DDL}#drop_procedure_statement`, 'DROP PROCEDURE IF EXISTS `acme-ci`.pr_12.p', 'PROCEDURE', 'PROCEDURES'),
  example(`${DDL}#drop_model_statement`, 'DROP MODEL IF EXISTS `acme-ci`.pr_12.m', 'IF EXISTS', 'IF EXIST'),
  example(`${DCL}#grant_statement`, 'GRANT `roles/bigquery.dataEditor` ON SCHEMA `acme-dev`.dev_priya TO "user:priya@acme.example"', 'SCHEMA', 'DATASET'),
  example(
    `${DCL}#grant_statement`,
    'GRANT `roles/bigquery.dataEditor` ON SCHEMA `acme-dev`.dev_priya TO "user:priya@acme.example"',
    'dataEditor',
    'dataeditor',
  ),
  example(`${DCL}#grant_statement`, 'GRANT `roles/bigquery.jobUser` ON PROJECT `acme-dev` TO "group:data@acme.example"', 'ON PROJECT', 'PROJECT'),
  example(`${DCL}#grant_statement`, 'GRANT `roles/bigquery.dataViewer` ON TABLE `acme`.analytics.orders TO "user:bi@acme.example"', ' TO ', ' FROM '),
  example(
    `${DCL}#grant_statement`,
    'GRANT `roles/bigquery.dataViewer` ON VIEW `acme`.analytics.v TO "serviceAccount:a@acme.iam.gserviceaccount.com"',
    'serviceAccount:',
    'service:',
  ),
  example(
    `${DCL}#grant_statement`,
    'GRANT `projects/acme-ci/roles/acme_janitor` ON SCHEMA `acme-ci`.pr_1 TO "user:a@acme.example"',
    '`projects/acme-ci/roles/acme_janitor`',
    '`acme_janitor`',
  ),
  example(`${DCL}#revoke_statement`, 'REVOKE `roles/bigquery.dataEditor` ON SCHEMA `acme`.analytics FROM "user:sam@acme.example"', ' FROM ', ' TO '),
  example(
    `${DCL}#revoke_statement`,
    'REVOKE `roles/bigquery.dataEditor` ON SCHEMA `acme`.analytics FROM "user:sam@acme.example"',
    '"user:sam@acme.example"',
    'sam',
  ),
  example(
    `${DCL}#user_list`,
    'REVOKE `roles/bigquery.dataViewer` ON SCHEMA `acme`.raw FROM "specialGroup:allAuthenticatedUsers"',
    'allAuthenticatedUsers',
    'projectWriters',
  ),
  example(`${DML}#insert_statement`, 'INSERT INTO `acme`.analytics.orders (id) VALUES (1)', 'INTO', 'IN'),
  example(`${DML}#update_statement`, 'UPDATE `acme`.analytics.orders SET id = 2 WHERE id = 1', 'SET id', 'SET ids'),
  example(`${DML}#delete_statement`, 'DELETE FROM `acme`.analytics.orders WHERE TRUE', ' WHERE TRUE', ''),
  example(`${DML}#merge_statement`, MERGE, 'NOT MATCHED', 'NO MATCHED'),
  example(`${DML}#truncate_table_statement`, 'TRUNCATE TABLE `acme`.analytics.orders', 'TABLE ', ''),
  example(`${DEBUG}#assert`, "ASSERT NOT EXISTS (SELECT 1 FROM `acme`.analytics.orders) AS 'there is something'", ' AS ', ' WITH '),
  example(`${SCRIPTS}#declare`, "DECLARE v_x STRING DEFAULT 'a';", 'STRING', 'INT64'),
  example(`${SCRIPTS}#declare`, "DECLARE v_x STRING DEFAULT 'a';", 'DEFAULT', '='),
  example(`${SCRIPTS}#set`, 'DECLARE v_x STRING;\nSET v_x = UPPER(v_x);', 'SET v_x', 'SET v_y'),
  example(`${SCRIPTS}#set`, 'DECLARE v_x STRING;\nSET v_x = UPPER(v_x);', 'UPPER(v_x)', '1'),
  example(`${SCRIPTS}#set`, "SET @@query_label = 'env:dev';", '@@query_label', '@@query_labels'),
  example(`${SCRIPTS}#execute_immediate`, "EXECUTE IMMEDIATE 'SELECT 1';", 'IMMEDIATE', 'IMEDIATE'),
  example(`${SCRIPTS}#execute_immediate`, "DECLARE v_name STRING;\nEXECUTE IMMEDIATE FORMAT('DROP TABLE `acme-ci`.%s.t', v_name);", 'DROP TABLE', 'DROP TABEL'),
  example(`${SCRIPTS}#execute_immediate`, "DECLARE v_name STRING;\nEXECUTE IMMEDIATE 'DROP SCHEMA `acme-ci`.' || v_name;", 'DROP SCHEMA', 'DROP SCHEMAS'),
  example(`${SCRIPTS}#beginexceptionend`, BLOCK, 'WHEN ERROR', 'WHEN OTHERS'),
  example(`${SCRIPTS}#beginexceptionend`, BLOCK, '@@error.message', '@@error.msg'),
  example(`${SCRIPTS}#raise`, BLOCK, 'USING MESSAGE', 'MESSAGE'),
  example(`${SCRIPTS}#if`, 'IF 1 = 2 THEN\n  SELECT 1;\nELSEIF TRUE THEN\n  SELECT 2;\nELSE\n  SELECT 3;\nEND IF;', 'ELSEIF', 'ELSIF'),
  example(`${SCRIPTS}#if`, 'IF 1 = 2 THEN\n  SELECT 1;\nELSEIF TRUE THEN\n  SELECT 2;\nELSE\n  SELECT 3;\nEND IF;', 'ELSEIF TRUE', 'ELSEIF 1'),
  example(`${SCRIPTS}#for-in`, "FOR one IN (SELECT 'pr_1' AS name) DO\n  SELECT one.name;\nEND FOR;", 'DO', 'LOOP'),
  example(`${SCRIPTS}#for-in`, "FOR one IN (SELECT 'pr_1' AS name) DO\n  SELECT one.name;\nEND FOR;", 'one.name', 'one.schema'),
  example(`${SCRIPTS}#while`, 'DECLARE v_x INT64 DEFAULT 1;\nWHILE v_x < 3 DO\n  SET v_x = v_x + 1;\nEND WHILE;', 'END WHILE', 'END LOOP'),
  example(
    `${QUERIES}#qualify_clause`,
    'SELECT id FROM `acme`.analytics.orders QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY id) = 1',
    'QUALIFY',
    'QUALIFIED',
  ),
  example(`${QUERIES}#for_system_time_as_of`, "SELECT id FROM `acme`.analytics.orders FOR SYSTEM_TIME AS OF TIMESTAMP '2026-11-27 00:00:00+00'", 'AS OF', 'OF'),
  example(
    `${LISTINGS}-datasets-schemata`.replace('-intro', ''),
    'SELECT schema_name FROM `acme-dev`.`region-eu`.INFORMATION_SCHEMA.SCHEMATA',
    'schema_name',
    'schemaname',
  ),
  example(`${LISTINGS}#region_qualifier`, 'SELECT schema_name FROM `acme-dev`.`region-eu`.INFORMATION_SCHEMA.SCHEMATA', '`acme-dev`.`region-eu`.', ''),
  example(
    `${LISTINGS}#dataset_qualifier`,
    'SELECT table_name FROM `acme-dev`.dev_priya.INFORMATION_SCHEMA.TABLES',
    'INFORMATION_SCHEMA.TABLES',
    'INFORMATION_SCHEMA.TABLE',
  ),
  example(`${LISTINGS}#dataset_qualifier`, 'SELECT schema_name FROM `acme-dev.region-eu.INFORMATION_SCHEMA.SCHEMATA`', 'region-eu', 'dev_priya'),
  example(`${LISTINGS}-object-privileges`.replace('-intro', ''), PRIVILEGES, 'object_name', 'object_schema'),
  example(`${LISTINGS}-object-privileges`.replace('-intro', ''), PRIVILEGES, 'grantee', 'grantees'),
  example(`${LISTINGS}-jobs`.replace('-intro', ''), JOBS, 'l.value', 'l.val'),
  example(`${LISTINGS}-jobs`.replace('-intro', ''), JOBS, 'total_bytes_billed', 'bytes_billed'),
];
