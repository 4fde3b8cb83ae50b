import { type Reading, SnowflakeModel } from './snowflake-model/model.ts';
import type { Row } from './snowflake-model/rows.ts';
import { type Act, EVIL, FURNITURE, type Identity, LOGINS, type Names } from './snowflake-table.ts';

const people = ['PRIYA', 'SAM', 'SAM.SMITH@ACME.EXAMPLE', 'LOOKER', 'ANNA', 'STRANGER'] as const;

/** What a company has before us: its people and administrators, sources, and schemas whose names merely begin like an environment's. */
export const BEFORE = `
  use role sysadmin;
  create warehouse old;
  create database acme;
  create schema acme.raw;
  create table acme.raw.orders (id int, amount int);
  create schema acme.raw_pii;
  create table acme.raw_pii.people (id int, email varchar);
  create schema acme.product;
  create table acme.product.items (i int);
  create schema acme.device_events;
  create schema acme.private_x;
  create schema acme.developer_tools;
  use role securityadmin;
  create role bi;
  grant usage on warehouse old to role bi;
  grant role bi to user looker;
`;

/** A company that shares one role for production: its schema without managed access, its readers on grants of the database. */
export const SHARED = `
  use role securityadmin;
  create role transformer;
  grant role transformer to role sysadmin;
  grant role transformer to user sam;
  grant role transformer to user priya;
  grant usage on database acme to role transformer;
  grant create schema on database acme to role transformer;
  grant usage on warehouse old to role transformer;
  grant usage on database acme to role bi;
  grant usage on future schemas in database acme to role bi;
  grant select on future tables in database acme to role bi;
  grant select on future views in database acme to role bi;
  grant usage on future procedures in database acme to role bi;
  use role transformer;
  use warehouse old;
  create schema acme.analytics;
  create table acme.analytics.legacy (id int);
  create view acme.analytics.v_legacy as select * from acme.analytics.legacy;
  grant insert on table acme.analytics.legacy to role bi;
  use role sysadmin;
  create schema acme.staging;
`;

/** Accounts with an installation in them, by what was run: many worlds begin with the same. */
const installed = new Map<string, SnowflakeModel>();

function install(reading: Reading, scripts: readonly string[], content: Content, before: string): SnowflakeModel {
  const key = JSON.stringify([reading, scripts, content, before]);
  const known = installed.get(key);
  if (known !== undefined) return known.copy();
  const [last, ...others] = scripts.toReversed();
  let model: SnowflakeModel;
  if (last === undefined) {
    model = new SnowflakeModel(reading);
    for (const name of people) model.user(name);
    model.user('SYS', 'SYSADMIN');
    model.user('USR', 'USERADMIN');
    model.user('SEC', 'SECURITYADMIN');
    model.user('ACC', 'ACCOUNTADMIN');
    model.run(BEFORE + before);
    for (const [table, rows] of content) model.content(table, rows);
  } else {
    model = install(reading, others.toReversed(), content, before);
    model.run(last);
  }
  installed.set(key, model.copy());
  return model;
}

type Content = readonly (readonly [string, readonly Row[]])[];

/**
 * The account with an installation in it, everybody at work. Throws where a statement of the installation is refused or not known,
 * and where somebody cannot do their work, unless the installation is `faulty`. Each script is run by itself, in a session of its own.
 */
export function world(
  reading: Reading,
  installation: readonly string[],
  names: Names,
  createPr: (name: string) => string,
  faulty: 'faulty' | 'sound' = 'sound',
  content: Content = [],
  before = '',
): SnowflakeModel {
  const model = install(reading, installation, content, before);
  for (const [identity, sql] of FURNITURE(names, createPr)) {
    if (faulty === 'sound' || model.attempt(LOGINS[identity], sql) === 'done') model.run(sql, LOGINS[identity]);
  }
  return model;
}

/** The door of test/support/snowflake-sample.sql. */
const DOOR = 'acme_nonprod.acme_door';
const PAGE = 'https://docs.snowflake.com/en/developer-guide/stored-procedure/stored-procedures-rights#privileges-on-database-objects';
const ANCHORED = 'https://docs.snowflake.com/en/sql-reference/functions/regexp_like#usage-notes';
const call = (name: string, sql: string, may: readonly Identity[], page = PAGE): Act => ({ act: name, sql, may, page });

export const SAMPLE: Names = {
  prod: 'acme',
  nonprod: 'acme_nonprod',
  door: DOOR,
  doorActs: [
    call('create a pull request', `call ${DOOR}.create_pr_schema('pr_77')`, ['ci_service']),
    call('create a pull request in upper case', `call ${DOOR}.create_pr_schema('PR_77')`, ['ci_service']),
    call('create a pull request with ten digits', `call ${DOOR}.create_pr_schema('pr_9999999999')`, ['ci_service']),
    call('drop a pull request', `call ${DOOR}.drop_pr_schema('pr_12')`, ['ci_service', 'janitor']),
    ...EVIL.flatMap(([name, text]) => [
      call(`create ${name} through the door`, `call ${DOOR}.create_pr_schema(${text})`, [], ANCHORED),
      call(`drop ${name} through the door`, `call ${DOOR}.drop_pr_schema(${text})`, [], ANCHORED),
    ]),
    call('let the door act as its caller', `alter procedure ${DOOR}.drop_pr_schema(varchar) execute as caller`, []),
    call('drop a procedure of the door', `drop procedure ${DOOR}.drop_pr_schema(varchar)`, []),
    call('let developers use the door', `grant usage on procedure ${DOOR}.drop_pr_schema(varchar) to role acme_developer`, ['securityadmin', 'accountadmin']),
  ],
};
export const createSamplePr = (name: string): string => `call ${DOOR}.create_pr_schema('${name}')`;
