import type { BigQueryModel, Login, Token } from './bigquery-model/model.ts';

/** Who is asked. `noor` has just come onto the roster, `lea` has left; olga, ed and vic hold basic roles, dana administers BigQuery, finn edits a folder. */
export const identities = [
  'priya',
  'sam',
  'sam_smith',
  'noor',
  'lea',
  'looker',
  'anna',
  'ci',
  'prod',
  'janitor',
  'stranger',
  'dana',
  'olga',
  'ed',
  'vic',
  'finn',
] as const;
export type Identity = (typeof identities)[number];

/** Three projects, two, or one. */
export const layouts = ['three', 'two', 'single'] as const;
export type Layout = (typeof layouts)[number];

/** The names of an installation. */
export interface Names {
  readonly layout: Layout;
  readonly prod: string;
  readonly dev: string;
  readonly ci: string;
  /** Ids of the custom roles of the project of CI. */
  readonly creatorRole: string;
  readonly pool: string;
  readonly provider: string;
  /** What CI runs to make a pull request's dataset. */
  readonly createPr: (name: string) => string;
}

export const names = (layout: Layout): Pick<Names, 'layout' | 'prod' | 'dev' | 'ci'> => ({
  layout,
  prod: 'acme-prod',
  dev: layout === 'single' ? 'acme-prod' : 'acme-dev',
  ci: layout === 'single' ? 'acme-prod' : layout === 'two' ? 'acme-dev' : 'acme-ci',
});

/** What everybody is called, and where their jobs run every day. */
export function logins({ prod, dev, ci }: Pick<Names, 'prod' | 'dev' | 'ci'>): Readonly<Record<Identity, Login>> {
  const person = (name: string, project: string): Login => ({ who: `user:${name}@acme.example`, project });
  const service = (id: string, home: string): Login => ({ who: `serviceAccount:acme-${id}@${home}.iam.gserviceaccount.com`, project: home });
  return {
    priya: person('priya', dev),
    sam: person('sam', dev),
    sam_smith: person('sam.smith', dev),
    noor: person('noor', dev),
    lea: person('lea', 'elsewhere'),
    looker: person('looker', 'acme-bi'),
    anna: person('anna', ci),
    ci: service('ci', ci),
    prod: service('prod', prod),
    janitor: service('janitor', ci),
    stranger: { who: 'user:mallory@elsewhere.example', project: 'elsewhere' },
    dana: person('dana', prod),
    olga: person('olga', prod),
    ed: person('ed', prod),
    vic: person('vic', prod),
    finn: person('finn', 'elsewhere'),
  };
}

const DOCS = 'https://docs.cloud.google.com/';
const DDL = `${DOCS}bigquery/docs/reference/standard-sql/data-definition-language`;
const DCL = `${DOCS}bigquery/docs/reference/standard-sql/data-control-language`;
const DML = `${DOCS}bigquery/docs/reference/standard-sql/dml-syntax`;
const ROLES = `${DOCS}iam/docs/roles-permissions/bigquery`;
const BASIC = `${DOCS}bigquery/docs/access-control-basic-roles`;
const POLICIES = `${DOCS}bigquery/docs/control-access-to-resources-iam`;
const ACL = `${DOCS}bigquery/docs/dataset-access-control`;
const JOBS = `${DOCS}bigquery/docs/running-queries`;
const ACCOUNTS = `${DOCS}iam/docs/service-account-permissions`;
const KEYS = `${DOCS}iam/docs/keys-create-delete`;
const POOLS = `${DOCS}iam/docs/manage-workload-identity-pools-providers`;
const CUSTOM = `${DOCS}iam/docs/creating-custom-roles`;
const PROJECTS = `${DOCS}iam/docs/granting-changing-revoking-access`;
const ROWS = `${DOCS}bigquery/docs/managing-row-level-security`;
const VIEWS = `${DOCS}bigquery/docs/authorized-views`;
const REMOTE = `${DOCS}bigquery/docs/remote-functions`;
const SCHEMATA = `${DOCS}bigquery/docs/information-schema-intro`;
const EXPORT = `${DOCS}bigquery/docs/exporting-data`;
const RESTORE = `${DOCS}bigquery/docs/restore-deleted-tables`;

/** An act, who may do it, and the page it rests on. */
export interface Act {
  readonly act: string;
  readonly text: string;
  readonly may: readonly Identity[];
  readonly page: string;
  /** Those for whom Google's pages can be read either way. */
  readonly open?: readonly Identity[];
  /** It counts as done only where it changes something. */
  readonly changes?: true;
}

const developers = ['priya', 'sam', 'sam_smith', 'noor'] as const;
const nobody = [] as const;
/** Who writes every dataset: an administrator of BigQuery, an Owner and an Editor of the projects, an editor of the folder. */
const mighty = ['dana', 'olga', 'ed', 'finn'] as const;
/** Who may change the policy of every dataset, and delete it. */
const owners = ['dana', 'olga'] as const;

/** Who writes a developer's dataset from above: it has no entry for the Editors of its project, nor for the Viewers. */
const above = ['dana', 'olga', 'finn'] as const;

const act = (name: string, text: string, may: readonly Identity[], page: string, open?: readonly Identity[]): Act => ({
  act: name,
  text,
  may,
  page,
  ...(open !== undefined && { open }),
});
const changing = (name: string, text: string, may: readonly Identity[], page: string): Act => ({ act: name, text, may, page, changes: true });

/**
 * Everything that is tried. `may` is who can do it, administrators also by acting as a service; nobody else can, as themselves or as whomever they
 * can become. An Editor of a project creates keys of its service accounts (https://docs.cloud.google.com/iam/docs/roles-overview#basic), so `ed` is every service.
 */
export function acts(n: Names): readonly Act[] {
  const { layout, prod, dev, ci } = n;
  const isAlone = layout === 'three';
  const isSingle = layout === 'single';
  const analytics = `\`${prod}\`.analytics`;
  const pii = `\`${prod}\`.raw_pii`;
  const priya = `\`${dev}\`.dev_priya`;
  const pr = `\`${ci}\`.pr_12`;
  const prodAccount = `acme-prod@${prod}.iam.gserviceaccount.com`;
  const ciAccount = `acme-ci@${ci}.iam.gserviceaccount.com`;
  const janitorAccount = `acme-janitor@${ci}.iam.gserviceaccount.com`;

  const writesProd = ['prod', ...mighty] as const;
  const readsProd = [...developers, 'looker', 'anna', 'ci', ...writesProd, 'vic'] as const;
  const readsSources = [...developers, 'ci', ...writesProd, 'vic'] as const;
  const readsPii = [...writesProd, 'vic'] as const;
  const readsPr = [...developers, 'anna', 'ci', ...mighty, 'vic'] as const;
  const writesPr = ['ci', ...mighty] as const;
  const ownsPr = ['ci', ...owners, 'ed'] as const;
  const writesPriya = ['priya', ...above] as const;
  const clearsPriya = [...writesPriya, 'janitor', 'ed'] as const;
  const createsIn = (project: string): readonly Identity[] => [...mighty, ...(project === ci ? (['ci', 'janitor'] as const) : [])];
  const clears = ['janitor', ...owners, 'ed'] as const;

  return [
    act('read a table of prod, built after the grants', `select * from ${analytics}.orders`, readsProd, `${ROLES}#bigquery.dataViewer`),
    act('read a view of prod', `select * from ${analytics}.v_orders`, readsProd, VIEWS),
    act('read the other prod dataset', `select * from \`${prod}\`.staging.stg_orders`, readsProd, `${ROLES}#bigquery.dataViewer`),
    act(
      'read prod as it was',
      `select * from ${analytics}.orders for system_time as of timestamp_sub(current_timestamp(), interval 1 hour)`,
      readsProd,
      `${DOCS}bigquery/docs/access-historical-data`,
    ),
    act('read rows of prod without a job', `bq head ${prod}:analytics.orders`, readsProd, `${DOCS}bigquery/docs/reference/rest/v2/tabledata/list`),
    act('read a source', `select * from \`${prod}\`.raw.orders`, readsSources, `${ROLES}#bigquery.dataViewer`),
    act('read a source with personal data', `select * from ${pii}.people`, readsPii, `${ROLES}#bigquery.dataViewer`),
    act('read rows of personal data without a job', `bq head ${prod}:raw_pii.people`, readsPii, `${DOCS}bigquery/docs/reference/rest/v2/tabledata/list`),
    act('read a dataset of others', `select * from \`${prod}\`.product.items`, [...mighty, 'vic'], BASIC),
    act('read a pull request', `select * from ${pr}.orders`, readsPr, `${ROLES}#bigquery.dataViewer`),
    act('read another pull request', `select * from \`${ci}\`.pr_123.orders`, readsPr, `${ROLES}#bigquery.dataViewer`),
    act("read priya's tables", `select * from ${priya}.orders`, writesPriya, BASIC),
    act("read sam's tables", `select * from \`${dev}\`.dev_sam.orders`, ['sam', ...above], BASIC),
    act('read what the leaver has left', `select * from \`${dev}\`.dev_lea.orders`, above, BASIC),
    act('export prod', `export data options (uri = 'gs://b/*.csv', format = 'CSV') as select * from ${analytics}.orders`, readsProd, EXPORT),
    act('extract prod', `bq extract ${prod}:analytics.orders gs://b/o.csv`, readsProd, EXPORT),
    act('export personal data', `export data options (uri = 'gs://b/*.csv', format = 'CSV') as select * from ${pii}.people`, readsPii, EXPORT),

    act('create a table in prod', `create table ${analytics}.test (id int64)`, writesProd, `${DDL}#create_table_statement`),
    act('create a table in prod from a query', `create table ${analytics}.test as select 1 as id`, writesProd, `${DDL}#create_table_statement`),
    act('create a table in the other prod dataset', `create table \`${prod}\`.staging.test (id int64)`, writesProd, `${DDL}#create_table_statement`),
    act('create a view in prod', `create view ${analytics}.v2 as select 1 as x`, writesProd, `${DDL}#create_view_statement`),
    act(
      'create a materialized view in prod',
      `create materialized view ${analytics}.m2 as select id from ${analytics}.orders`,
      writesProd,
      `${DDL}#create_materialized_view_statement`,
    ),
    act('clone into prod', `create table ${analytics}.test clone ${analytics}.orders`, writesProd, `${DDL}#create_table_clone_statement`),
    act('snapshot into prod', `create snapshot table ${analytics}.snap clone ${analytics}.orders`, writesProd, `${DDL}#create_snapshot_table_statement`),
    act(
      'load into prod',
      `load data into ${analytics}.loaded from files (format = 'CSV', uris = ['gs://b/*.csv'])`,
      writesProd,
      `${DOCS}bigquery/docs/reference/standard-sql/load-statements`,
    ),
    act(
      'load over a table of prod',
      `load data overwrite ${analytics}.orders from files (format = 'CSV', uris = ['gs://b/*.csv'])`,
      writesProd,
      `${DOCS}bigquery/docs/reference/standard-sql/load-statements`,
    ),
    act('copy into prod', `bq cp ${prod}:raw.orders ${prod}:analytics.copied`, writesProd, `${DOCS}bigquery/docs/managing-tables`),
    act('insert into prod', `insert into ${analytics}.orders values (2, 2)`, writesProd, DML),
    act('update prod', `update ${analytics}.orders set amount = 0 where true`, writesProd, DML),
    act('delete from prod', `delete from ${analytics}.orders where true`, writesProd, DML),
    act('merge into prod', `merge into ${analytics}.orders o using (select 1 as id) s on o.id = s.id when matched then delete`, writesProd, DML),
    act('truncate prod', `truncate table ${analytics}.orders`, writesProd, DML),
    act('drop a table of prod', `drop table ${analytics}.orders`, writesProd, `${DDL}#drop_table_statement`),
    act('remove a table of prod', `bq rm -f -t ${prod}:analytics.orders`, writesProd, `${DDL}#drop_table_statement`),
    act('bring a dropped table of prod back', `bq cp ${prod}:analytics.gone@-3600000 ${prod}:analytics.gone`, writesProd, RESTORE),
    act('alter prod', `alter table ${analytics}.orders add column x int64`, writesProd, `${DDL}#alter_table_add_column_statement`),
    act('rename a table of prod', `alter table ${analytics}.orders rename to old`, writesProd, `${DDL}#alter_table_rename_to_statement`),
    act('replace a table of prod', `create or replace table ${analytics}.orders as select 1 as id`, writesProd, `${DDL}#create_table_statement`),
    act('change a view of prod', `create or replace view ${analytics}.v_orders as select 1 as id`, writesProd, `${DDL}#create_view_statement`),
    act('put a function into prod', `create function ${analytics}.f(x int64) as (x + 1)`, writesProd, `${DDL}#create_function_statement`),
    act('put a procedure into prod', `create procedure ${analytics}.p() begin select 1; end`, writesProd, `${DDL}#create_procedure`),
    act('let prod read a dev dataset through a view', `create view ${analytics}.leak as select * from ${priya}.orders`, above, `${DDL}#create_view_statement`, [
      'prod',
      'ed',
    ]),
    act('write a source', `insert into \`${prod}\`.raw.orders values (1, 1)`, mighty, DML),
    act('write a source with personal data', `delete from ${pii}.people where true`, mighty, DML),
    act('create a table in a source', `create table \`${prod}\`.raw.x (i int64)`, mighty, `${DDL}#create_table_statement`),
    act('write a dataset of others', `insert into \`${prod}\`.product.items values (1)`, mighty, DML),

    act('drop the dataset of prod', `drop schema ${analytics} cascade`, owners, `${DDL}#drop_schema_statement`),
    act('remove the dataset of prod', `bq rm -r -f -d ${prod}:analytics`, owners, `${DDL}#drop_schema_statement`),
    act('drop a source', `drop schema ${pii} cascade`, owners, `${DDL}#drop_schema_statement`),
    act('drop a dataset of others beside prod', `drop schema \`${prod}\`.product cascade`, owners, `${DDL}#drop_schema_statement`),
    act('drop a dataset of others beside the developers', `drop schema \`${dev}\`.notebooks cascade`, owners, `${DDL}#drop_schema_statement`),
    act('drop a dataset of others beside pull requests', `drop schema \`${ci}\`.product_x cascade`, isAlone ? clears : owners, `${DDL}#drop_schema_statement`),
    act(
      'bring a dropped dataset beside prod back',
      `undrop schema \`${prod}\`.retired`,
      [...mighty, ...(isSingle ? (['janitor', 'ci'] as const) : [])],
      `${DDL}#undrop_schema_statement`,
    ),
    changing('set labels of prod', `alter schema ${analytics} set options (labels = [('env', 'x')])`, owners, `${DDL}#alter_schema_set_options_statement`),
    act(
      'let time travel end early in prod',
      `alter schema ${analytics} set options (max_time_travel_hours = 48)`,
      owners,
      `${DDL}#alter_schema_set_options_statement`,
    ),
    act(
      'let tables of prod expire',
      `alter schema ${analytics} set options (default_table_expiration_days = 1)`,
      owners,
      `${DDL}#alter_schema_set_options_statement`,
    ),

    act('create a dataset beside prod', `create schema \`${prod}\`.analytics_x`, createsIn(prod), `${DDL}#create_schema_statement`),
    act('create a dataset beside prod with bq', `bq mk -d ${prod}:finance`, createsIn(prod), `${DOCS}bigquery/docs/reference/rest/v2/datasets/insert`),
    act('create a dataset of developers', `create schema \`${dev}\`.dev_priya_x`, createsIn(dev), `${DDL}#create_schema_statement`),
    act('create the dataset of somebody to come', `create schema \`${dev}\`.dev_mia`, createsIn(dev), `${DDL}#create_schema_statement`),
    act('create a pull request', n.createPr('pr_77'), createsIn(ci), `${DDL}#create_schema_statement`),
    act('create a dataset that is no pull request', `create schema \`${ci}\`.pr_77_staging`, createsIn(ci), `${DDL}#create_schema_statement`),
    act('create a dataset of any name beside pull requests', `create schema \`${ci}\`.anything`, createsIn(ci), `${DDL}#create_schema_statement`),
    act('create a dataset in ones own project', 'create schema elsewhere.mine', identities, `${DDL}#create_schema_statement`),

    act("create a table in priya's dataset", `create table ${priya}.t2 (i int64)`, writesPriya, `${ROLES}#bigquery.dataEditor`),
    act("create a view in priya's dataset", `create view ${priya}.v2 as select * from ${analytics}.orders`, writesPriya, `${DDL}#create_view_statement`),
    act("create a table in sam's dataset", `create table \`${dev}\`.dev_sam.t2 (i int64)`, ['sam', ...above], `${ROLES}#bigquery.dataEditor`),
    act("create a table in sam_smith's dataset", `create table \`${dev}\`.dev_sam_smith.t2 (i int64)`, ['sam_smith', ...above], `${ROLES}#bigquery.dataEditor`),
    act("create a table in the newcomer's dataset", `create table \`${dev}\`.dev_noor.t2 (i int64)`, ['noor', ...above], `${ROLES}#bigquery.dataEditor`),
    act("create a table in the leaver's dataset", `create table \`${dev}\`.dev_lea.t2 (i int64)`, above, `${ROLES}#bigquery.dataEditor`),
    act("replace priya's table", `create or replace table ${priya}.orders as select 1 as id`, writesPriya, `${DDL}#create_table_statement`),
    act("change priya's table", `insert into ${priya}.orders values (1, 1)`, writesPriya, DML),
    act("drop priya's table", `drop table ${priya}.orders`, clearsPriya, `${DDL}#drop_table_statement`),
    act("drop priya's view", `drop view ${priya}.v`, clearsPriya, `${DDL}#drop_view_statement`),
    act("drop priya's function", `drop function ${priya}.f`, clearsPriya, `${DDL}#drop_function_statement`),
    act("drop priya's snapshot", `drop snapshot table ${priya}.snap`, clears, `${DDL}#drop_snapshot_table_statement`),
    act("clone from prod into priya's dataset", `create table ${priya}.copy clone ${analytics}.orders`, writesPriya, `${DDL}#create_table_clone_statement`),
    act("copy from prod into priya's dataset", `bq cp ${prod}:analytics.orders ${dev}:dev_priya.copy`, writesPriya, `${DOCS}bigquery/docs/managing-tables`),
    act(
      "snapshot prod in priya's dataset",
      `create snapshot table ${priya}.snap2 clone ${analytics}.orders`,
      writesPriya,
      `${DDL}#create_snapshot_table_statement`,
    ),
    act("clone personal data into priya's dataset", `create table ${priya}.copy clone ${pii}.people`, above, `${DDL}#create_table_clone_statement`),
    act('clone personal data into a pull request', `create table ${pr}.copy clone ${pii}.people`, mighty, `${DDL}#create_table_clone_statement`),
    act('select personal data into a pull request', `create table ${pr}.copy as select * from ${pii}.people`, mighty, `${DDL}#create_table_statement`),
    act('read personal data through an own view', `create view ${priya}.leak as select * from ${pii}.people; select * from ${priya}.leak`, above, VIEWS),
    act(
      'read personal data through a view of a pull request',
      `create view ${pr}.leak as select * from ${pii}.people; select * from ${pr}.leak`,
      mighty,
      VIEWS,
    ),
    act(
      'write prod through an own procedure',
      `create procedure ${priya}.p() begin insert into ${analytics}.orders values (2, 2); end; call ${priya}.p()`,
      mighty,
      `${DOCS}bigquery/docs/procedures`,
    ),
    act(
      'write prod through a procedure of a pull request',
      `create procedure ${pr}.p() begin insert into ${analytics}.orders values (2, 2); end; call ${pr}.p()`,
      mighty,
      `${DOCS}bigquery/docs/procedures`,
    ),
    act(
      "make a remote function in priya's dataset",
      `create function ${priya}.r(x int64) returns int64 remote with connection \`${prod}.us.outside\` options (endpoint = 'https://example.com')`,
      owners,
      REMOTE,
      ['ed'],
    ),
    act(
      'make a remote function in a pull request',
      `create function ${pr}.r(x int64) returns int64 remote with connection \`${prod}.us.outside\` options (endpoint = 'https://example.com')`,
      owners,
      REMOTE,
      ['ed'],
    ),
    act("drop priya's dataset", `drop schema ${priya} cascade`, clears, `${DDL}#drop_schema_statement`),
    act("drop sam_smith's dataset", `drop schema \`${dev}\`.dev_sam_smith cascade`, clears, `${DDL}#drop_schema_statement`),
    act("drop the leaver's dataset", `drop schema \`${dev}\`.dev_lea cascade`, clears, `${DDL}#drop_schema_statement`),
    changing(
      "set labels of priya's dataset",
      `alter schema ${priya} set options (labels = [('env', 'x')])`,
      clears,
      `${DDL}#alter_schema_set_options_statement`,
    ),
    act(
      "let priya's tables live for ever",
      `alter schema ${priya} set options (default_table_expiration_days = null)`,
      clears,
      `${DDL}#alter_schema_set_options_statement`,
    ),

    act('create a table in a pull request', `create table ${pr}.t2 (i int64)`, writesPr, `${ROLES}#bigquery.dataOwner`),
    act('create a table in another pull request', `create table \`${ci}\`.pr_123.t2 (i int64)`, writesPr, `${ROLES}#bigquery.dataOwner`),
    act('change a table of a pull request', `insert into ${pr}.orders values (1, 1)`, writesPr, DML),
    act('clone from prod into a pull request', `create table ${pr}.copy clone ${analytics}.orders`, writesPr, `${DDL}#create_table_clone_statement`),
    act('drop a table of a pull request', `drop table ${pr}.orders`, [...writesPr, 'janitor'], `${DDL}#drop_table_statement`),
    act('drop a pull request', `drop schema ${pr} cascade`, [...ownsPr, 'janitor'], `${DDL}#drop_schema_statement`),
    act('drop another pull request', `drop schema \`${ci}\`.pr_123 cascade`, [...ownsPr, 'janitor'], `${DDL}#drop_schema_statement`),
    act('bring a dropped pull request back', `undrop schema \`${ci}\`.pr_9`, [...mighty, 'janitor', 'ci'], `${DDL}#undrop_schema_statement`),
    changing(
      'set labels of a pull request',
      `alter schema ${pr} set options (labels = [('env', 'x')])`,
      [...ownsPr, 'janitor'],
      `${DDL}#alter_schema_set_options_statement`,
    ),

    act('give developers prod', `grant \`roles/bigquery.dataEditor\` on schema ${analytics} to "user:sam@acme.example"`, owners, `${DCL}#required_permissions`),
    act(
      'give everybody prod',
      `grant \`roles/bigquery.dataViewer\` on schema ${analytics} to "specialGroup:allAuthenticatedUsers"`,
      owners,
      `${DCL}#user_list`,
    ),
    act(
      'give everybody personal data',
      `bq add-iam-policy-binding --member=allAuthenticatedUsers --role=roles/bigquery.dataViewer ${prod}:raw_pii`,
      owners,
      POLICIES,
    ),
    act(
      'give others a table of prod',
      `grant \`roles/bigquery.dataEditor\` on table ${analytics}.orders to "user:sam@acme.example"`,
      owners,
      `${DCL}#required_permissions`,
    ),
    changing(
      'take prod from a reader',
      `revoke \`roles/bigquery.dataViewer\` on schema ${analytics} from "user:looker@acme.example"`,
      owners,
      `${DCL}#required_permissions`,
    ),
    act("give sam priya's dataset", `grant \`roles/bigquery.dataEditor\` on schema ${priya} to "user:sam@acme.example"`, owners, ACL, ['janitor', 'ed']),
    act(
      "let sam see priya's table",
      `grant \`roles/bigquery.dataViewer\` on table ${priya}.orders to "user:sam@acme.example"`,
      owners,
      `${DCL}#required_permissions`,
    ),
    act('let everybody into a pull request', `grant \`roles/bigquery.dataViewer\` on schema ${pr} to "specialGroup:allAuthenticatedUsers"`, ownsPr, ACL, [
      'janitor',
    ]),
    act(
      'let everybody see a table of a pull request',
      `grant \`roles/bigquery.dataViewer\` on table ${pr}.orders to "specialGroup:allUsers"`,
      ownsPr,
      `${DCL}#required_permissions`,
    ),
    act('let an own view read personal data', `bq update --view=${dev}:dev_priya.v ${prod}:raw_pii`, owners, VIEWS),
    act('let an own view read prod', `bq update --view=${dev}:dev_priya.v ${prod}:analytics`, owners, VIEWS),
    act('hide rows of prod', `create row access policy p on ${analytics}.orders grant to ("user:sam@acme.example") filter using (true)`, owners, ROWS),
    act('show rows of prod again', `drop all row access policies on ${analytics}.orders`, owners, ROWS),
    act("hide rows of priya's table", `create row access policy p on ${priya}.orders grant to ("user:sam@acme.example") filter using (true)`, owners, ROWS),
    act('hide rows of a pull request', `create row access policy p on ${pr}.orders grant to ("user:sam@acme.example") filter using (true)`, ownsPr, ROWS),

    act(
      'give oneself the project of prod',
      `gcloud projects add-iam-policy-binding ${prod} --member=user:sam@acme.example --role=roles/bigquery.dataEditor`,
      owners,
      PROJECTS,
    ),
    act('give a basic role on prod', `gcloud projects add-iam-policy-binding ${prod} --member=user:sam@acme.example --role=roles/editor`, owners, PROJECTS),
    act(
      'give the project of prod with SQL',
      `grant \`roles/bigquery.dataEditor\` on project \`${prod}\` to "user:sam@acme.example"`,
      owners,
      `${DCL}#required_permissions`,
    ),
    act(
      'give the project of developers',
      `gcloud projects add-iam-policy-binding ${dev} --member=user:sam@acme.example --role=roles/bigquery.dataEditor`,
      owners,
      PROJECTS,
    ),
    act(
      'give the project of CI',
      `gcloud projects add-iam-policy-binding ${ci} --member=user:sam@acme.example --role=roles/bigquery.dataEditor`,
      owners,
      PROJECTS,
    ),
    act(
      'give the folder',
      'gcloud resource-manager folders add-iam-policy-binding 10 --member=user:sam@acme.example --role=roles/bigquery.dataEditor',
      nobody,
      PROJECTS,
    ),
    act(
      'give the organization',
      'gcloud organizations add-iam-policy-binding 1 --member=user:sam@acme.example --role=roles/bigquery.dataEditor',
      nobody,
      PROJECTS,
    ),
    act('make a key of prod', `gcloud iam service-accounts keys create k.json --iam-account=${prodAccount}`, ['olga', 'ed'], KEYS),
    act('make a key of CI', `gcloud iam service-accounts keys create k.json --iam-account=${ciAccount}`, ['olga', 'ed'], KEYS),
    act('make a key of the janitor', `gcloud iam service-accounts keys create k.json --iam-account=${janitorAccount}`, ['olga', 'ed'], KEYS),
    act('take a token of prod', `gcloud auth print-access-token --impersonate-service-account=${prodAccount}`, nobody, `${ACCOUNTS}#directly-impersonate`),
    act('take a token of CI', `gcloud auth print-access-token --impersonate-service-account=${ciAccount}`, nobody, `${ACCOUNTS}#directly-impersonate`),
    act(
      'take a token of the janitor',
      `gcloud auth print-access-token --impersonate-service-account=${janitorAccount}`,
      nobody,
      `${ACCOUNTS}#directly-impersonate`,
    ),
    act(
      'let sam act as prod',
      `gcloud iam service-accounts add-iam-policy-binding ${prodAccount} --member=user:sam@acme.example --role=roles/iam.serviceAccountTokenCreator`,
      owners,
      ACCOUNTS,
    ),
    act(
      'let sam attach prod to what he runs',
      `gcloud iam service-accounts add-iam-policy-binding ${prodAccount} --member=user:sam@acme.example --role=roles/iam.serviceAccountUser`,
      owners,
      ACCOUNTS,
    ),
    act('stop prod', `gcloud iam service-accounts disable ${prodAccount}`, [...owners, 'ed'], `${DOCS}iam/docs/service-accounts-disable-enable`),
    act(
      'trust another issuer',
      `gcloud iam workload-identity-pools providers update-oidc ${n.provider} --workload-identity-pool=${n.pool} --location=global --project=${prod} --issuer-uri=https://evil.example`,
      owners,
      POOLS,
    ),
    act(
      'trust every token',
      `gcloud iam workload-identity-pools providers update-oidc ${n.provider} --workload-identity-pool=${n.pool} --location=global --project=${prod} --attribute-condition=true`,
      owners,
      POOLS,
    ),
    act(
      'trust every token in the project of CI',
      `gcloud iam workload-identity-pools providers update-oidc ${n.provider} --workload-identity-pool=${n.pool} --location=global --project=${ci} --attribute-condition=true`,
      owners,
      POOLS,
    ),
    act('make a pool beside prod', `gcloud iam workload-identity-pools create another --location=global --project=${prod}`, owners, POOLS),
    act('let CI do more', `gcloud iam roles update ${n.creatorRole} --project=${ci} --add-permissions=bigquery.tables.getData`, owners, CUSTOM),
    act(
      'make a service account beside prod',
      `gcloud iam service-accounts create helper --project=${prod}`,
      [...owners, 'ed'],
      `${DOCS}iam/docs/service-accounts-create`,
    ),

    act(
      'run a query in the project of prod',
      `bq query --use_legacy_sql=false --project_id=${prod} 'select 1'`,
      [...(isSingle ? ([...developers, 'anna', 'ci', 'janitor'] as const) : []), 'prod', ...owners, 'ed', 'vic'],
      JOBS,
    ),
    act(
      'run a query in the project of developers',
      `bq query --use_legacy_sql=false --project_id=${dev} 'select 1'`,
      [...developers, ...(isAlone ? [] : (['anna', 'ci', 'janitor'] as const)), ...(isSingle ? (['prod'] as const) : []), ...owners, 'ed', 'vic'],
      JOBS,
    ),
    act(
      'run a query in the project of CI',
      `bq query --use_legacy_sql=false --project_id=${ci} 'select 1'`,
      ['ci', 'janitor', 'anna', ...(isAlone ? [] : developers), ...(isSingle ? (['prod'] as const) : []), ...owners, 'ed', 'vic'],
      JOBS,
    ),
    act(
      'list the datasets of developers',
      `select schema_name from \`${dev}\`.\`region-us\`.INFORMATION_SCHEMA.SCHEMATA`,
      // CI sees the names and labels of all that is in its own project.
      ['janitor', ...(dev === ci ? (['ci'] as const) : []), ...mighty, 'vic'],
      SCHEMATA,
    ),
    act(
      'list the datasets of CI',
      `select schema_name from \`${ci}\`.\`region-us\`.INFORMATION_SCHEMA.SCHEMATA`,
      ['janitor', 'ci', ...(isAlone ? ([...developers, 'anna'] as const) : []), ...mighty, 'vic'],
      SCHEMATA,
    ),
    // What CI asks when a pull request is closed: a pin is a label.
    act(
      'see until when a pull request is kept',
      `select option_value from \`${ci}\`.\`region-us\`.INFORMATION_SCHEMA.SCHEMATA_OPTIONS where schema_name = 'pr_12' and option_name = 'labels'`,
      ['janitor', 'ci', ...(isAlone ? ([...developers, 'anna'] as const) : []), ...mighty, 'vic'],
      `${DOCS}bigquery/docs/information-schema-datasets-schemata-options`,
    ),
    act(
      'list the tables of every pull request',
      `select table_name from \`${ci}\`.\`region-us\`.INFORMATION_SCHEMA.TABLES`,
      ['janitor', ...(isAlone ? ([...developers, 'anna'] as const) : []), ...mighty],
      `${DOCS}bigquery/docs/information-schema-tables`,
    ),
    act(
      'list the datasets beside prod',
      `select schema_name from \`${prod}\`.\`region-us\`.INFORMATION_SCHEMA.SCHEMATA`,
      [...(isSingle ? (['janitor', 'ci'] as const) : []), ...mighty, 'vic'],
      SCHEMATA,
    ),
    act(
      'see sizes of developers',
      `select * from \`${dev}\`.\`region-us\`.INFORMATION_SCHEMA.TABLE_STORAGE`,
      ['janitor', ...mighty],
      `${DOCS}bigquery/docs/information-schema-table-storage`,
    ),
    act(
      'see what everybody ran in the project of prod',
      `select query from \`${prod}\`.\`region-us\`.INFORMATION_SCHEMA.JOBS_BY_PROJECT`,
      owners,
      `${DOCS}bigquery/docs/information-schema-jobs`,
    ),
    ...(isSingle
      ? []
      : [
          act(
            'see what everybody ran in the project of CI',
            `select query from \`${ci}\`.\`region-us\`.INFORMATION_SCHEMA.JOBS_BY_PROJECT`,
            owners,
            `${DOCS}bigquery/docs/information-schema-jobs`,
          ),
        ]),
    act("list priya's tables", `bq ls ${dev}:dev_priya`, clearsPriya, `${ROLES}#bigquery.metadataViewer`),
  ];
}

export interface Cell {
  readonly act: string;
  readonly identity: Identity;
  readonly expected: 'done' | 'refused' | 'open';
  readonly got: string;
  readonly page: string;
}

/** They do what they do also by acting as a service. */
const administrators: readonly Identity[] = ['dana', 'olga', 'ed', 'vic', 'finn'];

/** Asks a model of the installation about every act and everybody. `narrow` is asked whether the allowed works, `wide` whether the forbidden does. */
export function ask(wide: BigQueryModel, narrow: BigQueryModel, n: Names, tried: readonly Act[]): readonly Cell[] {
  const all = logins(n);
  return tried.flatMap(({ act: name, text, may, open = [], page, changes }) =>
    identities.map((identity): Cell => {
      const login = all[identity];
      const cell = { act: name, identity, page };
      const effect = changes === true ? 'change' : 'any';
      const projects = [...new Set([login.project, 'elsewhere'])];
      const most = (model: BigQueryModel): string => model.attemptAnyhow(login.who, projects, text, effect);
      const least = (): string => (administrators.includes(identity) ? most(narrow) : narrow.attempt(login, text, effect));
      if (may.includes(identity)) return { ...cell, expected: 'done', got: least() };
      if (open.includes(identity)) {
        const [can, must] = [most(wide), least()];
        return { ...cell, expected: 'open', got: can === 'done' && must !== 'done' ? 'open' : can };
      }
      return { ...cell, expected: 'refused', got: most(wide) };
    }),
  );
}

/** The cells that came out otherwise than expected, as lines. */
export const surprises = (cells: readonly Cell[]): readonly string[] =>
  cells
    .filter(({ expected, got }) => (expected === 'refused' ? got === 'done' : got !== expected))
    .map(({ act: name, identity, expected, got }) => `${identity}: ${name}: expected ${expected}, got ${got}`);

const ISSUER = 'https://token.actions.githubusercontent.com';
const token = (sub: string, more: Readonly<Record<string, string>> = {}, issuer = ISSUER): Token => ({
  issuer,
  claims: { sub, repository: 'acme/warehouse', repository_id: '4711', repository_owner: 'acme', repository_owner_id: '11', ref: 'refs/heads/main', ...more },
});

/** Tokens that reach Google, and the services that their bearers may become. https://docs.github.com/en/actions/reference/security/oidc */
export interface TokenRow {
  readonly what: string;
  readonly token: Token;
  readonly may: readonly ('ci' | 'prod' | 'janitor')[];
}
export const tokens: readonly TokenRow[] = [
  { what: 'a deploy from main', token: token('repo:acme/warehouse:environment:prod', { environment: 'prod' }), may: ['prod'] },
  { what: 'a build of a pull request', token: token('repo:acme/warehouse:environment:ci', { environment: 'ci', ref: 'refs/pull/12/merge' }), may: ['ci'] },
  { what: 'the nightly sweep', token: token('repo:acme/warehouse:environment:janitor', { environment: 'janitor' }), may: ['janitor'] },
  { what: 'a pull request without an environment', token: token('repo:acme/warehouse:pull_request', { ref: 'refs/pull/12/merge' }), may: [] },
  { what: 'a push to another branch', token: token('repo:acme/warehouse:ref:refs/heads/feature', { ref: 'refs/heads/feature' }), may: [] },
  {
    what: 'another repository of the owner',
    token: token('repo:acme/website:environment:prod', { repository: 'acme/website', repository_id: '4712', environment: 'prod' }),
    may: [],
  },
  {
    what: 'a fork',
    token: token('repo:mallory/warehouse:environment:prod', {
      repository: 'mallory/warehouse',
      repository_id: '666',
      repository_owner: 'mallory',
      environment: 'prod',
    }),
    may: [],
  },
  { what: 'an environment whose name goes on', token: token('repo:acme/warehouse:environment:prod2', { environment: 'prod2' }), may: [] },
  {
    what: 'a repository whose name begins so',
    token: token('repo:acme/warehouse-evil:environment:prod', { repository: 'acme/warehouse-evil', repository_id: '667', environment: 'prod' }),
    may: [],
  },
  ...(['ci', 'prod', 'janitor'] as const).flatMap((environment): readonly TokenRow[] => [
    {
      what: `the same name, taken by another repository of the owner: ${environment}`,
      token: token(`repo:acme/warehouse:environment:${environment}`, { environment, repository_id: '900' }),
      may: [],
    },
    {
      what: `the same repository in another's hands: ${environment}`,
      token: token(`repo:acme/warehouse:environment:${environment}`, { environment, repository_owner_id: '90' }),
      may: [],
    },
  ]),
  { what: 'another issuer', token: token('repo:acme/warehouse:environment:prod', { environment: 'prod' }, 'https://evil.example'), may: [] },
];

/** The rows that came out otherwise than expected, as lines. */
export function loggedIn(model: BigQueryModel, n: Names, rows = tokens): readonly string[] {
  const all = logins(n);
  return rows.flatMap(({ what, token: one, may }) => {
    const got = model.logsInAs(one);
    const wanted = may.map((service) => all[service].who).sort();
    return JSON.stringify(got) === JSON.stringify(wanted) ? [] : [`${what}: expected ${wanted.join(', ') || 'nobody'}, got ${got.join(', ') || 'nobody'}`];
  });
}
