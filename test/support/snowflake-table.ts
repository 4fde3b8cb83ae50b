import type { Login, SnowflakeModel } from './snowflake-model/model.ts';

/** Who is asked, how they log in, and what they are called in the account. */
export const identities = [
  'priya',
  'sam',
  'sam_smith',
  'looker',
  'anna',
  'ci_service',
  'prod_service',
  'janitor',
  'stranger',
  'sysadmin',
  'useradmin',
  'securityadmin',
  'accountadmin',
] as const;
export type Identity = (typeof identities)[number];

/** The session that each has every day: the role of the profile, no secondary roles; a dashboard keeps the role and the warehouse that it had. */
export const LOGINS: Readonly<Record<Identity, Login>> = {
  priya: { user: 'PRIYA', role: 'ACME_DEV_PRIYA', secondary: 'NONE', warehouse: 'ACME_DEV_WH' },
  sam: { user: 'SAM', role: 'ACME_DEV_SAM', secondary: 'NONE', warehouse: 'ACME_DEV_WH' },
  sam_smith: { user: 'SAM.SMITH@ACME.EXAMPLE', role: 'ACME_DEV_SAM_SMITH', secondary: 'NONE', warehouse: 'ACME_DEV_WH' },
  looker: { user: 'LOOKER', role: 'BI', secondary: 'ALL', warehouse: 'OLD' },
  anna: { user: 'ANNA', role: 'ACME_REVIEWER', secondary: 'NONE', warehouse: 'ACME_DEV_WH' },
  ci_service: { user: 'ACME_CI_SERVICE', role: 'ACME_CI_SERVICE', secondary: 'NONE', warehouse: 'ACME_CI_WH' },
  prod_service: { user: 'ACME_PROD_SERVICE', role: 'ACME_PROD_SERVICE', secondary: 'NONE', warehouse: 'ACME_PROD_WH' },
  janitor: { user: 'ACME_JANITOR', role: 'ACME_JANITOR', secondary: 'NONE', warehouse: 'ACME_CI_WH' },
  stranger: { user: 'STRANGER', role: 'PUBLIC', secondary: 'NONE' },
  sysadmin: { user: 'SYS', role: 'SYSADMIN', secondary: 'NONE', warehouse: 'OLD' },
  useradmin: { user: 'USR', role: 'USERADMIN', secondary: 'NONE' },
  securityadmin: { user: 'SEC', role: 'SECURITYADMIN', secondary: 'NONE' },
  accountadmin: { user: 'ACC', role: 'ACCOUNTADMIN', secondary: 'NONE', warehouse: 'OLD' },
};

const developers = ['priya', 'sam', 'sam_smith'] as const;
const owners = ['sysadmin', 'accountadmin'] as const;
const granters = ['securityadmin', 'accountadmin'] as const;
const nobody = [] as const;

const DOCS = 'https://docs.snowflake.com/en/';
const PRIVILEGES = `${DOCS}user-guide/security-access-control-privileges`;
const OVERVIEW = `${DOCS}user-guide/security-access-control-overview`;
const CONSIDERATIONS = `${DOCS}user-guide/security-access-control-considerations`;
const GRANT = `${DOCS}sql-reference/sql/grant-privilege`;
const OWNERSHIP = `${DOCS}sql-reference/sql/grant-ownership`;
const GRANT_ROLE = `${DOCS}sql-reference/sql/grant-role`;
const RIGHTS = `${DOCS}developer-guide/stored-procedure/stored-procedures-rights`;
const SQL = `${DOCS}sql-reference/sql/`;

/** An act, who may do it, and the page it rests on. */
export interface Act {
  readonly act: string;
  readonly sql: string | ((identity: Identity) => string);
  readonly may: readonly Identity[];
  readonly page: string;
  /** Those for whom Snowflake's pages can be read either way. */
  readonly open?: readonly Identity[];
  /** It counts as done only where it changes something: a procedure may say no in its answer. */
  readonly changes?: true;
}

/** The names of an installation. */
export interface Names {
  readonly prod: string;
  readonly nonprod: string;
  readonly door: string;
  /** The acts that go through the door, which are the installation's own. */
  readonly doorActs: readonly Act[];
}

/** Names that look like an environment's, or that mean harm. No procedure takes them. */
export const EVIL: readonly (readonly [string, string])[] = [
  ['a name with more than ten digits', "'pr_99999999999'"],
  ['pr_0', "'pr_0'"],
  ['pr_012', "'pr_012'"],
  ['pr_abc', "'pr_abc'"],
  ['pr_77_staging', "'pr_77_staging'"],
  ['pr_ alone', "'pr_'"],
  ['product', "'product'"],
  ['private_x', "'private_x'"],
  ['prod', "'prod'"],
  ['device_events', "'device_events'"],
  ['developer_tools', "'developer_tools'"],
  ['analytics', "'analytics'"],
  ['analytics with its database', "'acme.analytics'"],
  ['the door', "'acme_door'"],
  ['information_schema', "'information_schema'"],
  ['raw', "'raw'"],
  ['nothing', "''"],
  ['null', 'null'],
  ['a line break after pr_1', "'pr_1\\n'"],
  ['a line break before pr_1', "'\\npr_1'"],
  ['a second line', "'pr_1\\nanalytics'"],
  ['a second statement', "'pr_1; drop schema acme.analytics cascade; --'"],
  ['a quote', `'pr_1"; drop schema acme.analytics; --'`],
  ['a quoted name', `'"pr_1"'`],
  ['another database', "'pr_1.analytics'"],
  ['a comment', "'pr_1/**/'"],
  ['a digit of another script', "'pr_\u0661'"],
];

const act = (name: string, sql: Act['sql'], may: readonly Identity[], page: string, open?: readonly Identity[]): Act => ({
  act: name,
  sql,
  may,
  page,
  ...(open !== undefined && { open }),
});

const roleOf = (identity: Identity): string => LOGINS[identity].role ?? 'PUBLIC';
const quoted = (name: string): string => `"${name}"`;

/** What everybody has built once the boundary stands; the table is about this world. */
export const FURNITURE = (names: Names, createPr: (name: string) => string): readonly (readonly [Identity, string])[] => [
  ['prod_service', `create table ${names.prod}.analytics.orders as select * from ${names.prod}.raw.orders`],
  ['prod_service', `create view ${names.prod}.analytics.v_orders as select * from ${names.prod}.analytics.orders`],
  ['prod_service', `create table ${names.prod}.staging.stg_orders as select * from ${names.prod}.raw.orders`],
  ['prod_service', `create table ${names.prod}.analytics.gone (id int); drop table ${names.prod}.analytics.gone`],
  ...['PR_12', 'PR_123', 'PR_1'].map((pr): readonly [Identity, string] => [
    'ci_service',
    `${createPr(pr)}; create table ${names.nonprod}.${pr}.orders as select * from ${names.prod}.analytics.orders`,
  ]),
  ...developers.map((one): readonly [Identity, string] => [
    one,
    `create table ${names.nonprod}.dev_${one}.orders as select * from ${names.prod}.analytics.orders; create view ${names.nonprod}.dev_${one}.v as select * from ${names.nonprod}.dev_${one}.orders`,
  ]),
];

/**
 * Everything that is tried. `may` is who can do it with the role of every day; nobody else can with any role that they may take, secondary
 * roles included. SYSADMIN owns the databases, as the company made them; SECURITYADMIN made our roles and service users.
 */
export function acts({ prod, nonprod, door, doorActs }: Names): readonly Act[] {
  const analytics = `${prod}.analytics`;
  const priya = `${nonprod}.dev_priya`;
  return [
    act(
      'read a table of prod, built after the grants',
      `select * from ${analytics}.orders`,
      [...developers, 'looker', 'anna', 'ci_service', 'prod_service'],
      `${GRANT}#future-grants-on-database-or-schema-objects`,
    ),
    act(
      'read a view of prod',
      `select * from ${analytics}.v_orders`,
      [...developers, 'looker', 'anna', 'ci_service', 'prod_service'],
      `${PRIVILEGES}#view-privileges`,
    ),
    act(
      'read the other prod schema',
      `select * from ${prod}.staging.stg_orders`,
      [...developers, 'looker', 'anna', 'ci_service', 'prod_service'],
      `${PRIVILEGES}#table-privileges`,
    ),
    act('read a source', `select * from ${prod}.raw.orders`, [...developers, 'ci_service', 'prod_service', ...owners], `${PRIVILEGES}#table-privileges`),
    act('read a source with personal data', `select * from ${prod}.raw_pii.people`, ['prod_service', ...owners], `${PRIVILEGES}#table-privileges`),
    act(
      'read a source with personal data with all secondary roles',
      `use secondary roles all; select * from ${prod}.raw_pii.people`,
      ['prod_service', ...owners],
      `${SQL}use-secondary-roles`,
    ),
    act(
      'read a pull request',
      `select * from ${nonprod}.pr_12.orders`,
      [...developers, 'anna', 'ci_service'],
      `${GRANT}#future-grants-on-database-or-schema-objects`,
    ),
    act(
      'read another pull request',
      `select * from ${nonprod}.pr_123.orders`,
      [...developers, 'anna', 'ci_service'],
      `${GRANT}#future-grants-on-database-or-schema-objects`,
    ),
    act("read priya's tables", `select * from ${priya}.orders`, ['priya'], `${CONSIDERATIONS}#accessing-database-objects`),
    act('read a schema of others', `select * from ${prod}.product.items`, owners, `${CONSIDERATIONS}#accessing-database-objects`),

    act('create a table in prod', `create table ${analytics}.test (id int)`, ['prod_service'], `${SQL}create-table#access-control-requirements`),
    act(
      'create a transient table in prod',
      `create transient table ${analytics}.test (id int)`,
      ['prod_service'],
      `${SQL}create-table#access-control-requirements`,
    ),
    act(
      'create a table in prod from a query',
      `create table ${analytics}.test as select 1 as id`,
      ['prod_service'],
      `${SQL}create-table#access-control-requirements`,
    ),
    act(
      'create a table in the other prod schema',
      `create table ${prod}.staging.test (id int)`,
      ['prod_service'],
      `${SQL}create-table#access-control-requirements`,
    ),
    act(
      'create a table in prod with all secondary roles',
      `use secondary roles all; create table ${analytics}.test (id int)`,
      ['prod_service'],
      `${OVERVIEW}#authorization-through-primary-role-and-secondary-roles`,
    ),
    act('create a view in prod', `create view ${analytics}.v2 as select 1 as x`, ['prod_service'], `${SQL}create-view#access-control-requirements`),
    act(
      'create a dynamic table in prod',
      `create dynamic table ${analytics}.d2 target_lag = '1 day' warehouse = acme_prod_wh as select id from ${analytics}.orders`,
      ['prod_service'],
      `${PRIVILEGES}#schema-privileges`,
    ),
    act('clone into prod', `create table ${analytics}.test clone ${analytics}.orders`, ['prod_service'], `${SQL}create-clone#access-control-requirements`),
    act('insert into prod', `insert into ${analytics}.orders values (2, 2)`, ['prod_service'], `${PRIVILEGES}#table-privileges`),
    act('overwrite prod', `insert overwrite into ${analytics}.orders select * from ${prod}.raw.orders`, ['prod_service'], `${PRIVILEGES}#table-privileges`),
    act(
      'insert into prod with all secondary roles',
      `use secondary roles all; insert into ${analytics}.orders values (2, 2)`,
      ['prod_service'],
      `${OVERVIEW}#authorization-through-primary-role-and-secondary-roles`,
    ),
    act('update prod', `update ${analytics}.orders set amount = 0`, ['prod_service'], `${PRIVILEGES}#table-privileges`),
    act('delete from prod', `delete from ${analytics}.orders`, ['prod_service'], `${PRIVILEGES}#table-privileges`),
    act(
      'merge into prod',
      `merge into ${analytics}.orders o using (select 1 as id) s on o.id = s.id when matched then delete`,
      ['prod_service'],
      `${PRIVILEGES}#table-privileges`,
    ),
    act('truncate prod', `truncate table ${analytics}.orders`, ['prod_service'], `${PRIVILEGES}#table-privileges`),
    act('copy into prod', `copy into ${analytics}.orders from @${priya}.nowhere`, nobody, `${PRIVILEGES}#stage-privileges`),
    act('drop a table of prod', `drop table ${analytics}.orders`, ['prod_service'], `${SQL}drop-table#access-control-requirements`),
    act(
      'bring a dropped table of prod back',
      `undrop table ${analytics}.gone`,
      ['prod_service'],
      `${DOCS}user-guide/data-time-travel#access-control-requirements-and-name-resolution`,
    ),
    act('alter prod', `alter table ${analytics}.orders add column x int`, ['prod_service'], `${PRIVILEGES}#table-privileges`),
    act('rename a table of prod', `alter table ${analytics}.orders rename to ${analytics}.old`, ['prod_service'], `${SQL}alter-table`),
    act('swap a table of prod for an own one', `alter table ${analytics}.orders swap with ${priya}.orders`, nobody, `${SQL}alter-table`),
    act('replace a table of prod', `create or replace table ${analytics}.orders as select 1 as id`, ['prod_service'], `${SQL}create-table#usage-notes`),
    act('change a view of prod', `create or replace view ${analytics}.v_orders as select 1 as id`, ['prod_service'], `${SQL}create-view#general-usage-notes`),
    act('write through a view of prod', `insert into ${analytics}.v_orders values (2, 2)`, nobody, `${PRIVILEGES}#view-privileges`),
    act(
      'hide a table of prod behind a temporary one',
      `create temporary table ${analytics}.orders (id int)`,
      ['prod_service'],
      `${PRIVILEGES}#table-privileges`,
    ),
    act('comment on prod', `comment on table ${analytics}.orders is 'x'`, ['prod_service'], `${PRIVILEGES}#table-privileges`),
    act('put a function into prod', `create function ${analytics}.f() returns int as '1'`, ['prod_service'], `${PRIVILEGES}#schema-privileges`),
    act(
      'put a task into prod',
      `create task ${analytics}.t warehouse = acme_prod_wh schedule = '60 minutes' as delete from ${analytics}.orders`,
      nobody,
      `${SQL}create-task#access-control-requirements`,
    ),
    act('put a stream on prod', `create stream ${priya}.s on table ${analytics}.orders`, nobody, `${SQL}create-stream#access-control-requirements`),
    act('put a tag into prod', `create tag ${analytics}.t`, nobody, `${PRIVILEGES}#schema-privileges`),
    act('put a policy into prod', `create row access policy ${analytics}.p as (i int) returns boolean -> true`, nobody, `${PRIVILEGES}#schema-privileges`),
    act(
      'let prod read a dev schema through a view',
      `create view ${analytics}.leak as select * from ${priya}.orders`,
      nobody,
      `${SQL}create-view#access-control-requirements`,
    ),

    act('drop the schema of prod', `drop schema ${analytics} cascade`, nobody, `${PRIVILEGES}#schema-privileges`, owners),
    act('rename the schema of prod', `alter schema ${analytics} rename to ${prod}.old`, nobody, `${SQL}alter-schema#usage-notes`),
    act('swap the schema of prod', `alter schema ${analytics} swap with ${prod}.staging`, nobody, `${SQL}alter-schema#usage-notes`),
    act('let owners grant in prod again', `alter schema ${analytics} disable managed access`, nobody, `${SQL}alter-schema#usage-notes`),
    act('let time travel end in prod', `alter schema ${analytics} set data_retention_time_in_days = 0`, nobody, `${PRIVILEGES}#schema-privileges`, owners),
    act('drop the database of prod', `drop database ${prod}`, owners, `${PRIVILEGES}#database-privileges`),
    act('rename the database of prod', `alter database ${prod} rename to elsewhere`, owners, `${PRIVILEGES}#database-privileges`),
    act('clone prod whole', `create schema ${nonprod}.copy clone ${analytics}`, nobody, `${SQL}create-clone#access-control-requirements`),

    act('create a schema beside prod', `create schema ${prod}.analytics_x`, owners, `${SQL}create-schema#access-control-requirements`),
    act('create prod if it is not there', `create schema if not exists ${analytics}`, owners, 'https://github.com/dbt-labs/dbt-external-tables/issues/214'),
    act('create a schema beside the environments', `create schema ${nonprod}.finance`, owners, `${SQL}create-schema#access-control-requirements`),
    act('create a dev schema without an administrator', `create schema ${nonprod}.dev_priya_x`, owners, `${SQL}create-schema#access-control-requirements`),
    act('create a pull request without the door', `create schema ${nonprod}.pr_77`, owners, `${SQL}create-schema#access-control-requirements`),
    act('create a database', 'create database finance', owners, `${PRIVILEGES}#global-privileges-account-privileges`),

    act("create a table in priya's schema", `create table ${priya}.t2 (i int)`, ['priya'], `${SQL}create-table#access-control-requirements`),
    act(
      "create a view in priya's schema",
      `create view ${priya}.v2 as select * from ${analytics}.orders`,
      ['priya'],
      `${SQL}create-view#access-control-requirements`,
    ),
    act("create a table in sam's schema", `create table ${nonprod}.dev_sam.t2 (i int)`, ['sam'], `${SQL}create-table#access-control-requirements`),
    act(
      "create a table in sam_smith's schema",
      `create table ${nonprod}.dev_sam_smith.t2 (i int)`,
      ['sam_smith'],
      `${SQL}create-table#access-control-requirements`,
    ),
    act('create a table in a pull request', `create table ${nonprod}.pr_12.t2 (i int)`, ['ci_service'], `${SQL}create-table#access-control-requirements`),
    act("drop priya's table", `drop table ${priya}.orders`, ['priya'], `${SQL}drop-table#access-control-requirements`),
    act("change priya's table", `insert into ${priya}.orders values (1, 1)`, ['priya'], `${PRIVILEGES}#table-privileges`),
    act('drop a table of a pull request', `drop table ${nonprod}.pr_12.orders`, ['ci_service'], `${SQL}drop-table#access-control-requirements`),
    act(
      "clone from prod into priya's schema",
      `create table ${priya}.copy clone ${analytics}.orders`,
      ['priya'],
      `${SQL}create-clone#access-control-requirements`,
    ),
    act(
      'clone from prod into a pull request',
      `create table ${nonprod}.pr_12.copy clone ${analytics}.orders`,
      ['ci_service'],
      `${SQL}create-clone#access-control-requirements`,
    ),
    act(
      "clone personal data into priya's schema",
      `create table ${priya}.copy clone ${prod}.raw_pii.people`,
      nobody,
      `${SQL}create-clone#access-control-requirements`,
    ),
    act("rename priya's schema", `alter schema ${priya} rename to ${nonprod}.finance`, nobody, `${SQL}alter-schema#usage-notes`),
    act('rename a pull request', `alter schema ${nonprod}.pr_12 rename to ${nonprod}.finance`, nobody, `${SQL}alter-schema#usage-notes`),
    act("drop priya's schema", `drop schema ${priya} cascade`, nobody, `${PRIVILEGES}#schema-privileges`, owners),
    act('drop a pull request without the door', `drop schema ${nonprod}.pr_12 cascade`, nobody, `${PRIVILEGES}#schema-privileges`, owners),
    act("move priya's table into prod", `alter table ${priya}.orders rename to ${analytics}.mine`, nobody, `${SQL}alter-table`),
    act("move priya's table to sam", `alter table ${priya}.orders rename to ${nonprod}.dev_sam.mine`, nobody, `${SQL}alter-table`),
    act(
      "give priya's table to prod_service",
      `grant ownership on table ${priya}.orders to role acme_prod_service copy current grants`,
      nobody,
      `${OWNERSHIP}#usage-notes`,
    ),
    act(
      "create a task in priya's schema",
      `create task ${priya}.t warehouse = acme_dev_wh schedule = '60 minutes' as select 1`,
      nobody,
      `${SQL}create-task#access-control-requirements`,
    ),
    act(
      "create a task that acts as prod_service in priya's schema",
      `create task ${priya}.t warehouse = acme_dev_wh execute as user acme_prod_service as delete from ${analytics}.orders`,
      nobody,
      `${DOCS}user-guide/tasks-intro#run-tasks-with-user-privileges`,
    ),
    act(
      "create an external function in priya's schema",
      `create external function ${priya}.f() returns int api_integration = outside as 'https://example.com'`,
      nobody,
      `${SQL}create-external-function#access-control-requirements`,
    ),
    act(
      "write prod through an own procedure with its owner's rights",
      `create procedure ${priya}.p() returns int language sql execute as owner as $$begin insert into ${analytics}.orders values (2, 2); return 1; end$$; call ${priya}.p()`,
      nobody,
      `${RIGHTS}#privileges-on-database-objects`,
    ),
    act(
      'write prod through an own procedure with the rights of its caller',
      `create procedure ${priya}.p() returns int language sql execute as caller as $$begin insert into ${analytics}.orders values (2, 2); return 1; end$$; call ${priya}.p()`,
      nobody,
      `${RIGHTS}#privileges-on-database-objects`,
    ),
    act(
      'create a temporary table in an own schema',
      (identity) => `create temporary table ${nonprod}.${identity === 'ci_service' ? 'pr_12' : `dev_${identity}`}.tt (i int)`,
      [...developers, 'ci_service'],
      `${SQL}create-table#access-control-requirements`,
    ),

    act('become env_owner', 'use role acme_env_owner', nobody, `${SQL}use-role#usage-notes`),
    act('become prod_owner', 'use role acme_prod_owner', nobody, `${SQL}use-role#usage-notes`),
    act('become prod_service', 'use role acme_prod_service', ['prod_service'], `${SQL}use-role#usage-notes`),
    act('take prod_service as a secondary role', 'use secondary roles acme_prod_service', ['prod_service'], `${SQL}use-secondary-roles#usage-notes`),
    act('become ci_service', 'use role acme_ci_service', ['ci_service'], `${SQL}use-role#usage-notes`),
    act('become the janitor', 'use role acme_janitor', ['janitor'], `${SQL}use-role#usage-notes`),
    act('become priya', 'use role acme_dev_priya', ['priya'], `${SQL}use-role#usage-notes`),
    act('become sam', 'use role acme_dev_sam', ['sam'], `${SQL}use-role#usage-notes`),
    act(
      'give oneself prod_service',
      (identity) => `grant role acme_prod_service to user ${quoted(LOGINS[identity].user)}`,
      granters,
      `${GRANT_ROLE}#access-control-requirements`,
    ),
    act(
      'give ones role prod_service',
      (identity) =>
        `grant role acme_prod_service to role ${roleOf(identity) === 'PUBLIC' ? 'acme_developer' : roleOf(identity) === 'ACME_PROD_SERVICE' ? 'sysadmin' : roleOf(identity)}`,
      granters,
      `${GRANT_ROLE}#access-control-requirements`,
    ),
    act(
      'give oneself prod_owner',
      (identity) => `grant role acme_prod_owner to user ${quoted(LOGINS[identity].user)}`,
      granters,
      `${GRANT_ROLE}#access-control-requirements`,
    ),
    act(
      'give oneself env_owner',
      (identity) => `grant role acme_env_owner to user ${quoted(LOGINS[identity].user)}`,
      granters,
      `${GRANT_ROLE}#access-control-requirements`,
    ),
    act('give looker developer', 'grant role acme_developer to user looker', granters, `${GRANT_ROLE}#access-control-requirements`),
    act("give sam priya's role", 'grant role acme_dev_priya to user sam', granters, `${GRANT_ROLE}#access-control-requirements`),
    act('drop prod_service', 'drop role acme_prod_service', granters, `${SQL}drop-role#usage-notes`),
    act('take prod_service from its user', 'revoke role acme_prod_service from user acme_prod_service', granters, `${GRANT_ROLE}#access-control-requirements`),
    act('give insert on prod', `grant insert on table ${analytics}.orders to role acme_developer`, granters, `${GRANT}#access-control-requirements`),
    act('give create on prod', `grant create table on schema ${analytics} to role acme_developer`, granters, `${GRANT}#access-control-requirements`),
    act('give everybody prod', `grant select on all tables in schema ${analytics} to role public`, granters, `${GRANT}#access-control-requirements`),
    act(
      'give rights to what prod will build',
      `grant insert on future tables in schema ${analytics} to role acme_developer`,
      granters,
      `${GRANT}#access-control-requirements`,
    ),
    act(
      'give rights to what the database will hold',
      `grant insert on future tables in database ${prod} to role acme_developer`,
      granters,
      `${GRANT}#access-control-requirements`,
    ),
    act(
      "give others priya's table",
      `grant select on table ${priya}.orders to role acme_dev_sam`,
      granters,
      `${DOCS}user-guide/security-access-control-configure#creating-managed-access-schemas`,
    ),
    act(
      "give everybody priya's table",
      `grant select on table ${priya}.orders to role public`,
      granters,
      `${DOCS}user-guide/security-access-control-configure#creating-managed-access-schemas`,
    ),
    act("let others into priya's schema", `grant usage on schema ${priya} to role acme_dev_sam`, granters, `${GRANT}#access-control-requirements`),
    act(
      'give rights to what priya will build',
      `grant select on future tables in schema ${priya} to role acme_dev_sam`,
      granters,
      `${GRANT}#access-control-requirements`,
    ),
    act(
      'give others a table of a pull request',
      `grant select on table ${nonprod}.pr_12.orders to role public`,
      granters,
      `${DOCS}user-guide/security-access-control-configure#creating-managed-access-schemas`,
    ),
    act(
      'let CI create schemas',
      `grant create schema on database ${nonprod} to role acme_ci_service`,
      [...granters, 'sysadmin'],
      `${GRANT}#access-control-requirements`,
    ),
    act(
      'let developers create schemas in prod',
      `grant create schema on database ${prod} to role acme_developer`,
      [...granters, 'sysadmin'],
      `${GRANT}#access-control-requirements`,
    ),
    act(
      'give oneself MANAGE GRANTS',
      (identity) => `grant manage grants on account to role ${roleOf(identity)}`,
      granters,
      `${PRIVILEGES}#global-privileges-account-privileges`,
    ),
    act(
      'give oneself MANAGE GRANTS on prod',
      (identity) => `grant manage grants on database ${prod} to role ${roleOf(identity)}`,
      granters,
      `${DOCS}user-guide/container-manage-grants-using`,
    ),
    act(
      'take the right to read prod from developers',
      `revoke usage on schema ${analytics} from role acme_reader`,
      granters,
      `${SQL}revoke-privilege#security-requirements`,
    ),
    act(
      'take the tables of prod',
      (identity) => `grant ownership on table ${analytics}.orders to role ${roleOf(identity)} copy current grants`,
      nobody,
      `${GRANT}#usage-notes`,
    ),
    act('take the schema of prod', (identity) => `grant ownership on schema ${analytics} to role ${roleOf(identity)} copy current grants`, granters, OWNERSHIP),
    act("take priya's schema", (identity) => `grant ownership on schema ${priya} to role ${roleOf(identity)} copy current grants`, granters, OWNERSHIP),
    act('take the role of production', (identity) => `grant ownership on role acme_prod_service to role ${roleOf(identity)}`, granters, OWNERSHIP),
    act('share prod', 'create share outside', ['accountadmin'], `${PRIVILEGES}#global-privileges-account-privileges`),

    act('create a role', 'create role mallory', ['useradmin', ...granters], `${OVERVIEW}#system-defined-roles`),
    act('create a user', "create user mallory password = 'x'", ['useradmin', ...granters], `${OVERVIEW}#system-defined-roles`),
    act("set prod_service's key", "alter user acme_prod_service set rsa_public_key = 'MIIB'", granters, `${SQL}alter-user#usage-notes`),
    act("set ci_service's second key", "alter user acme_ci_service set rsa_public_key_2 = 'MIIB'", granters, `${SQL}alter-user#usage-notes`),
    act("set the janitor's key", "alter user acme_janitor set rsa_public_key = 'MIIB'", granters, `${SQL}alter-user#usage-notes`),
    act(
      'make a token of prod_service',
      'alter user acme_prod_service add programmatic access token t',
      granters,
      `${DOCS}user-guide/programmatic-access-tokens#privileges-required-for-programmatic-access-tokens`,
    ),
    act('give prod_service a password', "alter user acme_prod_service set password = 'x'", nobody, `${DOCS}user-guide/admin-user-management#types-of-users`),
    act('let prod_service log in as a person', 'alter user acme_prod_service set type = person', granters, `${SQL}alter-user#usage-notes`),
    act(
      "set prod_service's identity",
      "alter user acme_prod_service set workload_identity = (type = oidc issuer = 'https://example.com' subject = 'x')",
      granters,
      `${SQL}alter-user#usage-notes`,
    ),
    act(
      "let others set prod_service's key",
      (identity) => `grant modify programmatic authentication methods on user acme_prod_service to role ${roleOf(identity)}`,
      granters,
      `${GRANT}#access-control-requirements`,
    ),
    act(
      'impersonate prod_service',
      (identity) => `grant impersonate on user acme_prod_service to role ${roleOf(identity)}`,
      granters,
      `${DOCS}user-guide/tasks-intro#run-tasks-with-user-privileges`,
    ),
    act('drop prod_service, the user', 'drop user acme_prod_service', granters, `${PRIVILEGES}#user-privileges`),
    act('let tasks run', 'grant execute task on account to role acme_developer', ['accountadmin'], `${PRIVILEGES}#global-privileges-account-privileges`, [
      'securityadmin',
    ]),
    act(
      'let the door see its caller',
      'grant read session on account to role acme_env_owner',
      ['accountadmin'],
      `${PRIVILEGES}#global-privileges-account-privileges`,
      ['securityadmin'],
    ),

    act('use the warehouse of production', 'use warehouse acme_prod_wh', ['prod_service', ...owners], `${PRIVILEGES}#virtual-warehouse-privileges`),
    act('use the warehouse of developers', 'use warehouse acme_dev_wh', [...developers, 'anna', ...owners], `${PRIVILEGES}#virtual-warehouse-privileges`),
    act(
      'make the warehouse of developers large',
      "alter warehouse acme_dev_wh set warehouse_size = 'XXXLARGE'",
      owners,
      `${PRIVILEGES}#virtual-warehouse-privileges`,
    ),
    act('create a warehouse', 'create warehouse w', owners, `${PRIVILEGES}#global-privileges-account-privileges`),
    act(
      'create an integration',
      'create api integration i api_provider = aws_api_gateway enabled = true',
      ['accountadmin'],
      `${PRIVILEGES}#global-privileges-account-privileges`,
    ),
    act('change the account', 'alter account set timezone = utc', ['accountadmin'], `${SQL}alter-account`),

    act('put a table into the door', `create table ${door}.x (i int)`, nobody, `${SQL}create-table#access-control-requirements`),
    act(
      'put a procedure into the door',
      `create procedure ${door}.x() returns int language sql as $$begin return 1; end$$`,
      nobody,
      `${PRIVILEGES}#schema-privileges`,
    ),
    act('drop the door', `drop schema ${door} cascade`, nobody, `${PRIVILEGES}#schema-privileges`, owners),
    act('let everybody into the door', `grant usage on schema ${door} to role public`, granters, `${GRANT}#access-control-requirements`),
    ...doorActs,
  ];
}

export interface Cell {
  readonly act: string;
  readonly identity: Identity;
  readonly expected: 'done' | 'refused' | 'open';
  readonly got: string;
  readonly page: string;
}

/** Cells by the state of both models: where two are the same, so are their answers. */
const asked = new Map<string, Map<Act, readonly Cell[]>>();

/** Asks a model of the installation about every act and everybody. `narrow` is asked whether the allowed works, `wide` whether the forbidden does. */
export function ask(wide: SnowflakeModel, narrow: SnowflakeModel, tried: readonly Act[]): readonly Cell[] {
  const state = `${wide.state()}\n${narrow.state()}`;
  const known = asked.get(state) ?? new Map<Act, readonly Cell[]>();
  asked.set(state, known);
  return tried.flatMap((one) => {
    const cells = known.get(one) ?? cellsOf(one, wide, narrow);
    known.set(one, cells);
    return cells;
  });
}

function cellsOf({ act: name, sql, may, open = [], page, changes }: Act, wide: SnowflakeModel, narrow: SnowflakeModel): readonly Cell[] {
  return identities.map((identity): Cell => {
    const text = typeof sql === 'string' ? sql : sql(identity);
    const cell = { act: name, identity, page };
    const effect = changes === true ? 'change' : undefined;
    if (may.includes(identity)) return { ...cell, expected: 'done', got: narrow.attempt(LOGINS[identity], text, effect) };
    if (open.includes(identity)) {
      const [most, least] = [wide.attemptAnyhow(LOGINS[identity].user, text, effect), narrow.attempt(LOGINS[identity], text, effect)];
      return { ...cell, expected: 'open', got: most === 'done' && least !== 'done' ? 'open' : most };
    }
    return { ...cell, expected: 'refused', got: wide.attemptAnyhow(LOGINS[identity].user, text, effect) };
  });
}

/** The cells that came out otherwise than expected, as lines. */
export const surprises = (cells: readonly Cell[]): readonly string[] =>
  cells
    .filter(({ expected, got }) => (expected === 'refused' ? got === 'done' : got !== expected))
    .map(({ act: name, identity, expected, got }) => `${identity}: ${name}: expected ${expected}, got ${got}`);
