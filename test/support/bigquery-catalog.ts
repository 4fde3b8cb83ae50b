import { arrayOf, type Columns, scalar, structOf, type Table } from './googlesql.ts';

const STRING = scalar('STRING');
const INT64 = scalar('INT64');
const FLOAT64 = scalar('FLOAT64');
const BOOL = scalar('BOOL');
const TIMESTAMP = scalar('TIMESTAMP');
const DOCUMENT = scalar('JSON');

const all = (type: Uint8Array, names: string): Columns => Object.fromEntries(names.split(' ').map((name) => [name, type]));
const texts = (names: string): Columns => all(STRING, names);
const counts = (names: string): Columns => all(INT64, names);
const times = (names: string): Columns => all(TIMESTAMP, names);
const record = (columns: Columns): Uint8Array => structOf(Object.entries(columns).map(([name, type]) => ({ name, type })));

const table = texts('table_catalog table_schema table_name');
const option = texts('option_name option_type option_value');
const place = record(texts('project_id dataset_id table_id'));
const labels = arrayOf(record(texts('key value')));

/** https://docs.cloud.google.com/bigquery/docs/information-schema-jobs#schema, without what only a statement's plan is about. */
const jobs: Columns = {
  ...times('creation_time start_time end_time'),
  ...texts('edition job_id job_type parent_job_id principal_subject priority project_id query reservation_id state statement_type transaction_id user_email'),
  ...counts('project_number total_bytes_billed total_bytes_processed total_modified_partitions total_slot_ms transferred_bytes'),
  cache_hit: BOOL,
  destination_table: place,
  referenced_tables: arrayOf(place),
  dml_statistics: record(counts('inserted_row_count deleted_row_count updated_row_count')),
  error_result: record(texts('reason location debug_info message')),
  job_creation_reason: record(texts('code')),
  labels,
  session_info: record(texts('session_id')),
};

/** Views that are there with a region before INFORMATION_SCHEMA, each with the page that lists its columns. */
const REGIONAL: Readonly<Record<string, Columns>> = {
  // https://docs.cloud.google.com/bigquery/docs/information-schema-datasets-schemata#schema
  SCHEMATA: {
    ...texts('catalog_name schema_name schema_owner location ddl default_collation_name'),
    ...times('creation_time last_modified_time'),
    sync_status: DOCUMENT,
  },
  // https://docs.cloud.google.com/bigquery/docs/information-schema-datasets-schemata-options#schema
  SCHEMATA_OPTIONS: { ...texts('catalog_name schema_name'), ...option },
  // https://docs.cloud.google.com/bigquery/docs/information-schema-datasets-schemata-links#schema
  SCHEMATA_LINKS: texts('catalog_name schema_name linked_schema_catalog_number linked_schema_catalog_name linked_schema_name link_state shared_asset_id'),
  // https://docs.cloud.google.com/bigquery/docs/information-schema-object-privileges#schema
  OBJECT_PRIVILEGES: texts('object_catalog object_schema object_name object_type privilege_type grantee'),
  // https://docs.cloud.google.com/bigquery/docs/information-schema-table-storage#schema
  TABLE_STORAGE: {
    ...table,
    ...texts('project_id table_type managed_table_type table_deletion_reason'),
    ...counts('project_number total_rows total_partitions total_logical_bytes active_logical_bytes long_term_logical_bytes current_physical_bytes'),
    ...counts('total_physical_bytes active_physical_bytes long_term_physical_bytes time_travel_physical_bytes fail_safe_physical_bytes'),
    ...times('creation_time storage_last_modified_time last_metadata_index_refresh_time table_deletion_time'),
    deleted: BOOL,
  },
  // https://docs.cloud.google.com/bigquery/docs/information-schema-table-storage-usage#schema
  TABLE_STORAGE_USAGE_TIMELINE: {
    ...table,
    project_id: STRING,
    usage_date: scalar('DATE'),
    ...counts('project_number billable_total_logical_usage billable_active_logical_usage billable_long_term_logical_usage'),
    ...counts('billable_total_physical_usage billable_active_physical_usage billable_long_term_physical_usage'),
  },
  JOBS: jobs,
  JOBS_BY_PROJECT: jobs,
  JOBS_BY_USER: jobs,
};

/** Views that are there with a dataset before INFORMATION_SCHEMA, and with a region. */
const OF_DATASETS: Readonly<Record<string, Columns>> = {
  // https://docs.cloud.google.com/bigquery/docs/information-schema-tables#schema
  TABLES: {
    ...table,
    ...texts('table_type managed_table_type is_insertable_into is_fine_grained_mutations_enabled is_typed is_change_history_enabled'),
    ...texts('base_table_catalog base_table_schema base_table_name replica_source_catalog replica_source_schema replica_source_name'),
    ...texts('replication_status replication_error ddl default_collation_name'),
    ...times('creation_time snapshot_time_ms upsert_stream_apply_watermark'),
  },
  // https://docs.cloud.google.com/bigquery/docs/information-schema-table-options#schema
  TABLE_OPTIONS: { ...table, ...option },
  // https://docs.cloud.google.com/bigquery/docs/information-schema-columns#schema
  COLUMNS: {
    ...table,
    ...texts('column_name is_nullable data_type is_generated generation_expression is_stored is_hidden is_updatable is_system_defined'),
    ...texts('is_partitioning_column collation_name column_default rounding_mode'),
    ...counts('ordinal_position clustering_ordinal_position'),
    policy_tags: arrayOf(STRING),
  },
  // https://docs.cloud.google.com/bigquery/docs/information-schema-views#schema
  VIEWS: { ...table, ...texts('view_definition check_option use_standard_sql') },
  // https://docs.cloud.google.com/bigquery/docs/information-schema-routines#schema
  ROUTINES: {
    ...texts('specific_catalog specific_schema specific_name routine_catalog routine_schema routine_name routine_type data_type routine_body'),
    ...texts('routine_definition external_language is_deterministic security_type ddl'),
    ...times('created last_altered'),
  },
};
/** https://docs.cloud.google.com/bigquery/docs/information-schema-partitions#schema */
const PARTITIONS: Columns = {
  ...table,
  ...texts('partition_id storage_tier'),
  ...counts('total_rows total_logical_bytes total_billable_bytes'),
  last_modified_time: TIMESTAMP,
};
/** In no reference; what dbt's adapter and Google's own samples read. Times are milliseconds since 1970. */
const TABLES: Columns = { ...texts('project_id dataset_id table_id'), ...counts('creation_time last_modified_time row_count size_bytes type') };

const views = (scope: string, of: Readonly<Record<string, Columns>>): readonly Table[] =>
  Object.entries(of).map(([name, columns]) => ({ path: [scope, 'INFORMATION_SCHEMA', name], columns }));

/** What BigQuery itself offers to read: of a region and of a dataset, whose names `region` and `dataset` stand for. */
export const INFORMATION_SCHEMA: readonly Table[] = [
  ...views('region', { ...REGIONAL, ...OF_DATASETS }),
  ...views('dataset', { ...OF_DATASETS, PARTITIONS }),
  { path: ['dataset', '__TABLES__'], columns: TABLES },
];

/** https://docs.cloud.google.com/bigquery/docs/reference/system-variables */
export const SYSTEM_VARIABLES: Columns = {
  ...texts('dataset_id dataset_project_id project_id query_label reservation time_zone session_id current_job_id last_job_id'),
  ...texts('script.job_id error.message error.statement_text error.formatted_stack_trace'),
  ...counts('row_count script.bytes_billed script.bytes_processed script.slot_ms script.num_child_jobs'),
  'script.creation_time': TIMESTAMP,
};

const tags = arrayOf(record(texts('key value')));
/** https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language: the option lists of each statement. */
export const OPTIONS: readonly (readonly [of: RegExp, options: Columns])[] = [
  [
    /^(?:CREATE|ALTER|UNDROP) SCHEMA\b/i,
    {
      ...texts('default_kms_key_name default_rounding_mode description failover_reservation friendly_name location storage_billing_model'),
      ...all(FLOAT64, 'default_partition_expiration_days default_table_expiration_days'),
      is_case_insensitive: BOOL,
      is_primary: BOOL,
      primary_replica: STRING,
      labels: tags,
      max_time_travel_hours: INT64,
      tags,
    },
  ],
  [
    /^(?:CREATE (?:OR REPLACE )?(?:TEMP(?:ORARY)? )?(?:SNAPSHOT )?TABLE|ALTER TABLE)\b/i,
    {
      ...texts('default_rounding_mode description friendly_name kms_key_name'),
      partition_expiration_days: FLOAT64,
      require_partition_filter: BOOL,
      expiration_timestamp: TIMESTAMP,
      labels: tags,
      tags,
    },
  ],
  [/^(?:CREATE (?:OR REPLACE )?|ALTER )VIEW\b/i, { ...texts('description friendly_name privacy_policy'), expiration_timestamp: TIMESTAMP, labels: tags, tags }],
];
