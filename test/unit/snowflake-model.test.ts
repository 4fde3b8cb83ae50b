import { describe, expect, test } from 'vitest';
import { type Login, NotModelled, type Reading, SnowflakeModel } from '../support/snowflake-model/model.ts';

/** Ada and Bob are people with a role each, ROLE_A and ROLE_B; D.S is a regular schema, D.M one with managed access. OWN_S and OWN_M own them. */
const WORLD = `
  use role securityadmin;
  create role role_a; create role role_b; create role role_c; create role own_s; create role own_m;
  grant role role_a to user ada; grant role role_b to user bob;
  use role sysadmin;
  create warehouse w; create database d; create schema d.s; create schema d.m with managed access; create database e; create schema e.s;
  use role securityadmin;
  grant ownership on schema d.s to role own_s copy current grants; grant ownership on schema d.m to role own_m copy current grants;
  grant usage on warehouse w to role public; grant usage on database d to role public;
  grant usage on schema d.s to role public; grant usage on schema d.m to role public;
  grant create table, create view, create procedure on schema d.s to role role_a;
  grant create table, create view, create procedure on schema d.m to role role_a;
  grant create table on schema d.s to role role_b;
`;
const ADA: Login = { user: 'ADA', role: 'ROLE_A', secondary: 'NONE', warehouse: 'W' };
const BOB: Login = { user: 'BOB', role: 'ROLE_B', secondary: 'NONE', warehouse: 'W' };
const BOB_ALL: Login = { ...BOB, secondary: 'ALL' };
const SYS: Login = { user: 'ADMIN', role: 'SYSADMIN', secondary: 'NONE', warehouse: 'W' };
const SEC: Login = { user: 'ADMIN', role: 'SECURITYADMIN', secondary: 'NONE' };
const USR: Login = { user: 'ADMIN', role: 'USERADMIN', secondary: 'NONE' };
const ACC: Login = { user: 'ADMIN', role: 'ACCOUNTADMIN', secondary: 'NONE', warehouse: 'W' };

function account(reading: Reading, more: string): SnowflakeModel {
  const model = new SnowflakeModel(reading);
  model.user('ADA');
  model.user('BOB');
  model.run(WORLD);
  // `as bob: …` and so on, one a line; other lines are an administrator's
  for (const line of more.split('\n').filter((one) => one.trim() !== '')) {
    const [, who, sql] = /^\s*as (ada|bob|sys|sec|usr): (.*)$/.exec(line) ?? [undefined, 'acc', line];
    model.run(sql ?? '', { ada: ADA, bob: BOB, sys: SYS, sec: SEC, usr: USR, acc: ACC }[who ?? 'acc']);
  }
  return model;
}

interface Rule {
  readonly rule: string;
  readonly world?: string;
  readonly yes: readonly [Login, string];
  readonly no: readonly [Login, string];
}
const rule = (text: string, world: string, yes: Rule['yes'], no: Rule['no']): Rule => ({ rule: text, world, yes, no });
const TABLE = 'as ada: create table d.s.t (i int)';
const MANAGED = 'as ada: create table d.m.t (i int)';

/** Each in both readings: what some page says clearly is the same in both. */
const RULES: readonly Rule[] = [
  rule('what is not granted is refused', TABLE, [ADA, 'select * from d.s.t'], [BOB, 'select * from d.s.t']),
  rule(
    'SELECT is the right to select',
    `${TABLE}\nas ada: grant select on table d.s.t to role role_b`,
    [BOB, 'select * from d.s.t'],
    [BOB, 'insert into d.s.t values (1)'],
  ),
  rule(
    'INSERT is no right to select',
    `${TABLE}\nas ada: grant insert on table d.s.t to role role_b`,
    [BOB, 'insert into d.s.t values (1)'],
    [BOB, 'select * from d.s.t'],
  ),
  rule(
    'UPDATE and DELETE are two',
    `${TABLE}\nas ada: grant update on table d.s.t to role role_b`,
    [BOB, 'update d.s.t set i = 1'],
    [BOB, 'delete from d.s.t'],
  ),
  rule(
    'a merge needs what it does',
    `${TABLE}\nas ada: grant update on table d.s.t to role role_b`,
    [BOB, 'merge into d.s.t a using (select 1 as i) b on a.i = b.i when matched then update set i = 2'],
    [BOB, 'merge into d.s.t a using (select 1 as i) b on a.i = b.i when not matched then insert values (1)'],
  ),
  rule(
    'TRUNCATE is a right of its own',
    `${TABLE}\nas ada: grant truncate on table d.s.t to role role_b`,
    [BOB, 'truncate table d.s.t'],
    [BOB, 'delete from d.s.t'],
  ),
  rule(
    'a subquery is read too',
    `${TABLE}\n${MANAGED}\nas ada: grant select on table d.s.t to role role_b`,
    [BOB, 'select * from (select * from d.s.t) x'],
    [BOB, 'select * from d.s.t where i in (select i from d.m.t)'],
  ),
  rule(
    'each side of a join is read',
    `${TABLE}\n${MANAGED}\nas ada: grant select on table d.s.t to role role_b`,
    [BOB, 'with x as (select * from d.s.t) select * from x'],
    [BOB, 'with x as (select 1 as i) select * from x join d.m.t using (i)'],
  ),
  rule(
    'each name after the comma is read',
    `${TABLE}\n${MANAGED}\nas ada: grant select on table d.s.t to role role_b`,
    [BOB, 'select * from d.s.t a, d.s.t b'],
    [BOB, 'select * from d.s.t a, d.m.t b'],
  ),
  rule(
    'what an insert reads is read',
    `${TABLE}\n${MANAGED}\nas ada: grant insert on table d.s.t to role role_b`,
    [BOB, 'insert into d.s.t select 1'],
    [BOB, 'insert into d.s.t select * from d.m.t'],
  ),
  rule(
    'a view is enough to read what is behind it',
    `${MANAGED}\nas ada: create view d.s.v as select * from d.m.t\nas ada: grant select on view d.s.v to role role_b`,
    [BOB, 'select * from d.s.v'],
    [BOB, 'select * from d.m.t'],
  ),
  rule(
    'a view is read-only',
    `${TABLE}\nas ada: create view d.s.v as select * from d.s.t`,
    [ADA, 'insert into d.s.t values (1)'],
    [ADA, 'insert into d.s.v values (1)'],
  ),
  rule(
    'a query needs a warehouse',
    `${TABLE}\nrevoke usage on warehouse w from role public; grant usage on warehouse w to role role_a`,
    [ADA, 'select * from d.s.t'],
    [{ ...ADA, role: 'PUBLIC' }, 'use warehouse w'],
  ),
  rule(
    'a way through database and schema is needed',
    `${TABLE}\nas sys: create table e.s.t (i int)\nas sys: grant select on table e.s.t to role role_b\nas ada: grant select on table d.s.t to role role_b`,
    [BOB, 'select * from d.s.t'],
    [BOB, 'select * from e.s.t'],
  ),

  rule(
    'a role inherits those below it',
    `${TABLE}\ngrant role role_a to role role_b`,
    [BOB, 'drop table d.s.t'],
    [{ ...BOB, role: 'PUBLIC' }, 'drop table d.s.t'],
  ),
  rule(
    'inheritance goes through many roles, and only upwards',
    `${TABLE}\ngrant role role_a to role role_c; grant role role_c to role role_b`,
    [BOB, 'select * from d.s.t'],
    [ADA, 'use role role_b'],
  ),
  rule(
    'the owner of a role does not inherit it',
    `${TABLE}\ngrant ownership on role role_a to role role_b copy current grants`,
    [BOB, 'grant role role_a to user bob'],
    [BOB, 'select * from d.s.t'],
  ),
  rule(
    'PUBLIC is granted to everybody',
    `${TABLE}\nas ada: grant select on table d.s.t to role public`,
    [BOB, 'select * from d.s.t'],
    [BOB, 'delete from d.s.t'],
  ),
  rule('SECURITYADMIN inherits USERADMIN, and not the other way round', '', [SEC, 'create role x'], [USR, 'grant manage grants on account to role role_a']),
  rule('ACCOUNTADMIN inherits SYSADMIN, and is no super-user', TABLE, [ACC, 'create database x'], [ACC, 'select * from d.s.t']),
  rule('SYSADMIN makes databases, and no roles', '', [SYS, 'create database x'], [SYS, 'create role x']),
  rule('USERADMIN makes roles and users, and no databases', '', [USR, "create user x password = 'y'"], [USR, 'create database x']),
  rule('USERADMIN manages what it owns', 'as usr: create role x', [USR, 'grant role x to user bob'], [USR, 'grant role role_a to user bob']),
  rule('a role is used by whom it was granted to', 'grant role role_c to role role_b', [BOB, 'use role role_c'], [BOB, 'use role role_a']),
  rule('a default role grants nothing', 'alter user bob set default_role = role_a', [ADA, 'use role role_a'], [{ user: 'BOB' }, 'use role role_a']),

  rule('secondary roles let one act', `${TABLE}\ngrant role role_a to user bob`, [BOB_ALL, 'drop table d.s.t'], [BOB, 'drop table d.s.t']),
  rule(
    'secondary roles let nobody create',
    'grant role role_a to user bob',
    [{ ...BOB, role: 'ROLE_A' }, 'create view d.s.v as select 1 as i'],
    [BOB_ALL, 'create view d.s.v as select 1 as i'],
  ),
  rule(
    'what a new table is made from is read with the primary role',
    `${TABLE}\ngrant role role_a to user bob`,
    [BOB_ALL, 'select * from d.s.t'],
    [BOB_ALL, 'create table d.s.t2 as select * from d.s.t'],
  ),
  rule(
    'USE SECONDARY ROLES takes what was granted',
    `${TABLE}\ngrant role role_a to user bob`,
    [BOB, 'use secondary roles role_a; select * from d.s.t'],
    [ADA, 'use secondary roles role_b'],
  ),
  rule(
    'USE SECONDARY ROLES NONE ends it',
    `${TABLE}\ngrant role role_a to user bob`,
    [BOB_ALL, 'select * from d.s.t'],
    [BOB_ALL, 'use secondary roles none; select * from d.s.t'],
  ),
  rule(
    'secondary roles are ALL unless the user says otherwise',
    `${TABLE}\ngrant role role_a to user bob; alter user bob set default_role = role_b default_warehouse = w`,
    [{ user: 'BOB' }, 'select * from d.s.t'],
    [{ user: 'BOB', secondary: 'NONE' }, 'select * from d.s.t'],
  ),
  rule(
    'rights of the user itself count with all secondary roles',
    `${TABLE}\nas ada: grant select on table d.s.t to user bob`,
    [BOB_ALL, 'select * from d.s.t'],
    [BOB, 'select * from d.s.t'],
  ),
  rule(
    'the account can switch rights of users off',
    'alter account set disable_user_privilege_grants = true',
    [SEC, 'grant usage on database d to role role_b'],
    [SEC, 'grant usage on database d to user bob'],
  ),
  rule('no right to create goes to a user', '', [SEC, 'grant create view on schema d.s to role role_b'], [SEC, 'grant create view on schema d.s to user bob']),

  rule('who creates owns', TABLE, [ADA, 'alter table d.s.t add column j int'], [BOB, 'alter table d.s.t add column j int']),
  rule('CREATE is by kind', '', [BOB, 'create table d.s.t (i int)'], [BOB, 'create view d.s.v as select 1 as i']),
  rule('CREATE SCHEMA is on the database', 'grant create schema on database d to role role_a', [ADA, 'create schema d.x'], [BOB, 'create schema d.x']),
  rule(
    'IF NOT EXISTS on a schema that is there needs it too',
    'grant create schema on database d to role role_a',
    [ADA, 'create schema if not exists d.s'],
    [BOB, 'create schema if not exists d.s'],
  ),
  rule('OR REPLACE takes what was there', TABLE, [ADA, 'create or replace table d.s.t (j int)'], [BOB, 'create or replace table d.s.t (j int)']),
  rule('a table is not made twice', TABLE, [ADA, 'create table if not exists d.s.t (i int)'], [ADA, 'create table d.s.t (i int)']),
  rule('a table and a view share their names', TABLE, [ADA, 'create view d.s.v as select 1 as i'], [ADA, 'create view d.s.t as select 1 as i']),
  rule(
    'a temporary table needs no right, but the name',
    TABLE,
    [BOB, 'create temporary table d.s.other (i int)'],
    [BOB, 'create temporary table d.s.t (i int)'],
  ),
  rule(
    'CREATE TABLE … LIKE reads',
    `${TABLE}\n${MANAGED}\nas ada: grant select on table d.s.t to role role_b`,
    [BOB, 'create table d.s.x like d.s.t'],
    [BOB, 'create table d.s.x like d.m.t'],
  ),
  rule(
    'a clone reads',
    `${TABLE}\n${MANAGED}\nas ada: grant select on table d.s.t to role role_b`,
    [BOB, 'create table d.s.x clone d.s.t'],
    [BOB, 'create table d.s.x clone d.m.t'],
  ),
  rule(
    'a clone belongs to who makes it',
    `${TABLE}\nas ada: grant select on table d.s.t to role role_b\nas bob: create table d.s.x clone d.s.t`,
    [BOB, 'drop table d.s.x'],
    [ADA, 'drop table d.s.x'],
  ),
  rule(
    'what is cloned with a schema keeps its rights',
    `${TABLE}\nas ada: grant select on table d.s.t to role public\ngrant create schema on database d to role role_a\nas ada: create schema d.c clone d.s\nas ada: grant usage on schema d.c to role public`,
    [BOB, 'select * from d.c.t'],
    [BOB, 'delete from d.c.t'],
  ),
  rule(
    'a stream takes SELECT',
    `${TABLE}\ngrant create stream on schema d.s to role role_b; grant create stream on schema d.s to role role_a`,
    [ADA, 'create stream d.s.x on table d.s.t'],
    [BOB, 'create stream d.s.x on table d.s.t'],
  ),
  rule(
    'an external function takes an integration',
    'create api integration i api_provider = aws_api_gateway enabled = true; create api integration j api_provider = aws_api_gateway enabled = true; grant usage on integration i to role role_a; grant create function on schema d.s to role role_a',
    [ADA, "create external function d.s.f() returns int api_integration = i as 'https://x'"],
    [ADA, "create external function d.s.f() returns int api_integration = j as 'https://x'"],
  ),

  rule('the owner drops', TABLE, [ADA, 'drop table d.s.t'], [BOB, 'drop table d.s.t']),
  rule(
    'the owner of a schema drops it, and no table in it',
    `${MANAGED}\ngrant role own_m to user bob`,
    [{ ...BOB, role: 'OWN_M' }, 'drop schema d.m cascade'],
    [{ ...BOB, role: 'OWN_M' }, 'drop table d.m.t'],
  ),
  rule('IF EXISTS forgives what is not there', '', [BOB, 'drop table if exists d.s.nothing'], [BOB, 'drop table d.s.nothing']),
  rule('UNDROP takes the owner', `${TABLE}\nas ada: drop table d.s.t`, [ADA, 'undrop table d.s.t; select * from d.s.t'], [BOB, 'undrop table d.s.t']),
  rule(
    'UNDROP takes the right to create',
    'grant role own_m to role accountadmin; grant role own_m to user ada; drop schema d.m',
    [ACC, 'undrop schema d.m'],
    [{ ...ADA, role: 'OWN_M' }, 'undrop schema d.m'],
  ),
  rule(
    'a schema is renamed by its owner with CREATE SCHEMA',
    'grant role own_m to user ada; grant role own_s to user bob; grant create schema on database d to role own_m',
    [{ ...ADA, role: 'OWN_M' }, 'alter schema d.m rename to d.x'],
    [{ ...BOB, role: 'OWN_S' }, 'alter schema d.s rename to d.x'],
  ),
  rule(
    'schemas are swapped by the owner of both',
    'grant role own_m to role own_s; grant role own_s to user ada; grant role own_m to user bob',
    [{ ...ADA, role: 'OWN_S' }, 'alter schema d.m swap with d.s'],
    [{ ...BOB, role: 'OWN_M' }, 'alter schema d.m swap with d.s'],
  ),
  rule(
    'nothing moves into a managed access schema of somebody else',
    `${TABLE}\nas ada: create table d.s.t2 (i int)`,
    [ADA, 'alter table d.s.t rename to d.s.t3'],
    [ADA, 'alter table d.s.t rename to d.m.t3'],
  ),
  rule('a database is dropped by its owner', '', [SYS, 'drop database d'], [SEC, 'drop database d']),
  rule(
    'a role is dropped by its owner, who gets what it owned',
    `as usr: create role x; grant role x to role useradmin\ngrant create table on schema d.s to role x; grant role x to user ada\nas ada: use role x; create table d.s.mine (i int)`,
    [USR, 'drop role x; drop table d.s.mine'],
    [BOB, 'drop role x'],
  ),
  rule(
    'dropping and making again loses the rights',
    `${TABLE}\nas ada: grant select on table d.s.t to role role_b\nas ada: create table d.s.u (i int)\nas ada: grant select on table d.s.u to role role_b\nas ada: create or replace table d.s.t (i int)\nas ada: create or replace table d.s.u (i int) copy grants`,
    [BOB, 'select * from d.s.u'],
    [BOB, 'select * from d.s.t'],
  ),

  rule(
    'in a regular schema the owner grants',
    `${TABLE}\n${MANAGED}`,
    [ADA, 'grant select on table d.s.t to role role_b'],
    [ADA, 'grant select on table d.m.t to role role_b'],
  ),
  rule(
    'in a managed access schema its owner grants, and has no rights on the tables',
    `${MANAGED}\ngrant role own_m to user bob`,
    [{ ...BOB, role: 'OWN_M' }, 'grant select on table d.m.t to role role_b'],
    [{ ...BOB, role: 'OWN_M' }, 'select * from d.m.t'],
  ),
  rule(
    'in a regular schema its owner does not grant',
    `${TABLE}\ngrant role own_s to user bob`,
    [{ ...BOB, role: 'OWN_S' }, 'grant usage on schema d.s to role role_b'],
    [{ ...BOB, role: 'OWN_S' }, 'grant select on table d.s.t to role role_b'],
  ),
  rule('MANAGE GRANTS grants everything, and reads nothing', TABLE, [SEC, 'grant select on table d.s.t to role securityadmin'], [SEC, 'select * from d.s.t']),
  rule(
    'MANAGE GRANTS on a schema is for that schema',
    `${TABLE}\n${MANAGED}\ngrant manage grants on schema d.m to role role_b`,
    [BOB, 'grant select on table d.m.t to role role_b'],
    [BOB, 'grant select on table d.s.t to role role_b'],
  ),
  rule(
    'MANAGE GRANTS on a database is for that database',
    `${TABLE}\ngrant manage grants on database d to role role_b`,
    [BOB, 'grant select on table d.s.t to role role_b'],
    [BOB, 'grant usage on database e to role role_b'],
  ),
  rule(
    'MANAGE GRANTS goes on with its own option alone',
    'grant manage grants on account to role role_b',
    [SEC, 'grant manage grants on database d to role role_a'],
    [USR, 'grant manage grants on database d to role role_a'],
  ),
  rule(
    'owning a database is no MANAGE GRANTS',
    TABLE,
    [SYS, 'grant create schema on database d to role role_b'],
    [SYS, 'grant select on table d.s.t to role role_b'],
  ),
  rule(
    'the grant option lets one grant',
    `${TABLE}\nas ada: grant select on table d.s.t to role role_b with grant option\nas ada: grant insert on table d.s.t to role role_b`,
    [BOB, 'grant select on table d.s.t to role public'],
    [BOB, 'grant insert on table d.s.t to role public'],
  ),
  rule(
    'the grant option is nothing in a managed access schema',
    `${TABLE}\nas ada: grant select on table d.s.t to role role_b with grant option\n${MANAGED}\ngrant select on table d.m.t to role role_b with grant option`,
    [BOB, 'grant select on table d.s.t to role public'],
    [BOB, 'grant select on table d.m.t to role public'],
  ),
  rule(
    'ON ALL is for what is there',
    `${TABLE}\ngrant select on all tables in schema d.s to role role_b\nas ada: create table d.s.later (i int)`,
    [BOB, 'select * from d.s.t'],
    [BOB, 'select * from d.s.later'],
  ),
  rule(
    'ALL PRIVILEGES are all but OWNERSHIP',
    `${TABLE}\nas ada: grant all privileges on table d.s.t to role role_b`,
    [BOB, 'delete from d.s.t'],
    [BOB, 'drop table d.s.t'],
  ),
  rule('a role is granted by its owner or with MANAGE GRANTS', '', [SEC, 'grant role role_a to user bob'], [ADA, 'grant role role_a to user bob']),
  rule(
    'a role with the grant option goes to roles',
    'grant role role_c to role role_b with grant option',
    [BOB, 'grant role role_c to role role_a'],
    [BOB, 'grant role role_c to user ada'],
  ),
  rule('roles make no circle', 'grant role role_a to role role_b', [SEC, 'grant role role_b to role role_c'], [SEC, 'grant role role_b to role role_a']),
  rule(
    'what is revoked is gone',
    `${TABLE}\nas ada: grant select, insert on table d.s.t to role role_b\nas ada: revoke select on table d.s.t from role role_b`,
    [BOB, 'insert into d.s.t values (1)'],
    [BOB, 'select * from d.s.t'],
  ),
  rule(
    'a revoke by somebody else changes nothing',
    `${TABLE}\nas ada: grant select on table d.s.t to role public\nas bob: revoke select on table d.s.t from role public`,
    [BOB, 'select * from d.s.t'],
    [BOB, 'insert into d.s.t values (1)'],
  ),
  rule(
    'OWNERSHIP is not revoked',
    `${TABLE}\nas ada: grant select on table d.s.t to role role_b`,
    [ADA, 'revoke select on table d.s.t from role role_b'],
    [ADA, 'revoke ownership on table d.s.t from role role_a'],
  ),
  rule(
    'a revoked role is gone',
    `${TABLE}\ngrant role role_a to user bob; grant role role_c to user bob; revoke role role_a from user bob`,
    [BOB, 'use role role_c'],
    [BOB, 'use role role_a'],
  ),

  rule('ownership moves', `${TABLE}\nas ada: grant ownership on table d.s.t to role role_b`, [BOB, 'drop table d.s.t'], [ADA, 'drop table d.s.t']),
  rule(
    'ownership with grants on it needs REVOKE or COPY',
    `${TABLE}\nas ada: grant select on table d.s.t to role role_b`,
    [ADA, 'grant ownership on table d.s.t to role role_b revoke current grants'],
    [ADA, 'grant ownership on table d.s.t to role role_b'],
  ),
  rule(
    'COPY CURRENT GRANTS takes MANAGE GRANTS or the new owner',
    `${TABLE}\nas ada: grant select on table d.s.t to role public`,
    [SEC, 'grant ownership on table d.s.t to role role_b copy current grants'],
    [ADA, 'grant ownership on table d.s.t to role role_b copy current grants'],
  ),
  rule(
    'COPY keeps the rights, REVOKE ends them',
    `${TABLE}\nas ada: create table d.s.u (i int)\nas ada: grant select on table d.s.t to role role_b\nas ada: grant select on table d.s.u to role role_b\ngrant ownership on table d.s.t to role role_c copy current grants; grant ownership on table d.s.u to role role_c revoke current grants`,
    [BOB, 'select * from d.s.t'],
    [BOB, 'select * from d.s.u'],
  ),
  rule(
    'in a managed access schema ownership stays below its owner',
    `${MANAGED}\ngrant role role_b to role own_m`,
    [SEC, 'grant ownership on table d.m.t to role role_b copy current grants'],
    [SEC, 'grant ownership on table d.m.t to role role_c copy current grants'],
  ),
  rule(
    'in a managed access schema the owner of a table does not give it away',
    `${TABLE}\n${MANAGED}\ngrant role role_a to role own_m; grant role role_b to role own_m`,
    [ADA, 'grant ownership on table d.s.t to role role_b'],
    [ADA, 'grant ownership on table d.m.t to role role_b'],
  ),
  rule(
    'a schema with open future ownership stays',
    'grant role role_b to role own_m; grant ownership on future tables in schema d.m to role role_b',
    [SEC, 'revoke ownership on future tables in schema d.m from role role_b; grant ownership on schema d.m to role role_c copy current grants'],
    [SEC, 'grant ownership on schema d.m to role role_c copy current grants'],
  ),

  rule(
    'a future grant is for what comes',
    `${TABLE}\ngrant select on future tables in schema d.s to role role_b\nas ada: create table d.s.later (i int)`,
    [BOB, 'select * from d.s.later'],
    [BOB, 'select * from d.s.t'],
  ),
  rule(
    'a future grant is by kind',
    `grant select on future tables in schema d.s to role role_b\nas ada: create table d.s.t (i int)\nas ada: create view d.s.v as select * from d.s.t`,
    [BOB, 'select * from d.s.t'],
    [BOB, 'select * from d.s.v'],
  ),
  rule(
    'future grants in a database take MANAGE GRANTS',
    '',
    [SEC, 'grant select on future tables in database d to role role_b'],
    [SYS, 'grant select on future tables in database d to role role_b'],
  ),
  rule(
    'future grants in a regular schema take MANAGE GRANTS, in a managed one its owner',
    'grant role own_m to user ada; grant role own_s to user bob',
    [{ ...ADA, role: 'OWN_M' }, 'grant select on future tables in schema d.m to role role_b'],
    [{ ...BOB, role: 'OWN_S' }, 'grant select on future tables in schema d.s to role role_b'],
  ),
  rule(
    'a schema-level future grant puts out the database-level ones on that kind',
    `grant select on future tables in database d to role role_b; grant insert on future tables in schema d.m to role role_c\n${TABLE}\n${MANAGED}`,
    [BOB, 'select * from d.s.t'],
    [BOB, 'select * from d.m.t'],
  ),
  rule(
    'it leaves those on other kinds',
    `grant select on future views in database d to role role_b; grant select on future tables in database d to role role_b; grant insert on future tables in schema d.m to role role_c\n${MANAGED}\nas ada: create view d.m.v as select * from d.m.t`,
    [BOB, 'select * from d.m.v'],
    [BOB, 'select * from d.m.t'],
  ),
  rule(
    'future ownership in a database is nothing in a managed access schema',
    `grant ownership on future tables in database d to role role_b\n${TABLE}\n${MANAGED}`,
    [BOB, 'drop table d.s.t'],
    [BOB, 'drop table d.m.t'],
  ),
  rule(
    'future grants on schemas',
    'grant usage on future schemas in database e to role role_b; grant usage on database e to role role_b',
    [SYS, 'create schema e.x'],
    [BOB, 'create table e.s.t (i int)'],
  ),
  rule(
    'a revoked future grant is over',
    `grant select on future tables in schema d.s to role role_b\n${TABLE}\nrevoke select on future tables in schema d.s from role role_b\nas ada: create table d.s.later (i int)`,
    [BOB, 'select * from d.s.t'],
    [BOB, 'select * from d.s.later'],
  ),
  rule(
    'COPY GRANTS keeps future grants out',
    `${TABLE}\ngrant select on future tables in schema d.s to role role_b\nas ada: create table d.s.u (i int)\nas ada: create or replace table d.s.t (i int) copy grants`,
    [BOB, 'select * from d.s.u'],
    [BOB, 'select * from d.s.t'],
  ),
  rule(
    'a renamed table gets no future grants',
    `${TABLE}\ngrant select on future tables in schema d.s to role role_b\nas ada: create table d.s.u (i int)\nas ada: alter table d.s.t rename to d.s.x`,
    [BOB, 'select * from d.s.u'],
    [BOB, 'select * from d.s.x'],
  ),
  rule(
    'managed access is switched on with MANAGE GRANTS',
    'grant role own_s to role accountadmin; grant role own_s to user bob',
    [ACC, 'alter schema d.s enable managed access'],
    [{ ...BOB, role: 'OWN_S' }, 'alter schema d.s enable managed access'],
  ),
  rule(
    'it is switched on without open future grants',
    'grant role own_s to role accountadmin; grant select on future tables in schema d.s to role role_b',
    [ACC, 'revoke select on future tables in schema d.s from role role_b; alter schema d.s enable managed access'],
    [ACC, 'alter schema d.s enable managed access'],
  ),
  rule(
    'it is switched off by the owner, with MANAGE GRANTS where there are future grants',
    'grant role own_m to user ada; grant role own_s to user bob',
    [{ ...ADA, role: 'OWN_M' }, 'alter schema d.m disable managed access'],
    [{ ...ADA, role: 'OWN_M' }, 'grant select on future tables in schema d.m to role role_b; alter schema d.m disable managed access'],
  ),

  rule(
    'a procedure is called with USAGE',
    'as ada: create procedure d.s.p() returns int language sql as $$begin return 1; end$$',
    [ADA, 'call d.s.p()'],
    [BOB, 'call d.s.p()'],
  ),
  rule(
    "an owner's-rights procedure does what its owner may",
    `${MANAGED}\nas ada: create procedure d.s.p() returns int language sql execute as owner as $$begin insert into d.m.t values (1); return 1; end$$\nas ada: create procedure d.s.q() returns int language sql execute as caller as $$begin insert into d.m.t values (1); return 1; end$$\nas ada: grant usage on procedure d.s.p() to role role_b\nas ada: grant usage on procedure d.s.q() to role role_b`,
    [BOB, 'call d.s.p()'],
    [BOB, 'call d.s.q()'],
  ),
  rule(
    "an owner's-rights procedure is the default",
    `${MANAGED}\nas ada: create procedure d.s.p() returns int language sql as $$begin delete from d.m.t; return 1; end$$\nas ada: grant usage on procedure d.s.p() to role role_b`,
    [BOB, 'call d.s.p()'],
    [BOB, 'delete from d.m.t'],
  ),
  rule(
    "an owner's-rights procedure does not do what its caller may",
    `as bob: create table d.s.b (i int)\nas ada: create procedure d.s.p() returns int language sql as $$begin delete from d.s.b; return 1; end$$\nas ada: grant usage on procedure d.s.p() to role role_b\nas ada: create procedure d.s.q() returns int language sql execute as caller as $$begin delete from d.s.b; return 1; end$$\nas ada: grant usage on procedure d.s.q() to role role_b`,
    [BOB, 'call d.s.q()'],
    [BOB, 'call d.s.p()'],
  ),
  rule(
    "an owner's-rights procedure takes no other role",
    `as ada: create procedure d.s.p() returns int language sql as $$begin use role role_a; return 1; end$$\nas ada: create procedure d.s.q() returns int language sql execute as caller as $$begin use role role_a; return 1; end$$`,
    [ADA, 'call d.s.q()'],
    [ADA, 'call d.s.p()'],
  ),
  rule(
    "what an owner's-rights procedure calls has its owner's rights",
    `${MANAGED}\nas bob: create table d.s.b (i int)\nas ada: create procedure d.s.inner() returns int language sql execute as caller as $$begin delete from d.m.t; return 1; end$$\nas ada: create procedure d.s.outer() returns int language sql execute as owner as $$begin call d.s.inner(); return 1; end$$\nas ada: grant usage on procedure d.s.outer() to role role_b`,
    [BOB, 'call d.s.outer()'],
    [BOB, 'call d.s.inner()'],
  ),
  rule(
    'a procedure is changed by its owner',
    'as ada: create procedure d.s.p() returns int language sql as $$begin return 1; end$$',
    [ADA, 'alter procedure d.s.p() execute as caller'],
    [BOB, 'alter procedure d.s.p() execute as caller'],
  ),
  rule(
    'EXECUTE IMMEDIATE is checked like the statement',
    `${MANAGED}\nas ada: create procedure d.s.p(x varchar) returns int language sql as $$begin execute immediate 'drop table d.m.' || x; return 1; end$$`,
    [ADA, "call d.s.p('t')"],
    [ADA, "call d.s.p('other')"],
  ),
  rule(
    'a pattern is anchored at both ends',
    "as ada: create procedure d.s.p(x varchar) returns int language sql as $$declare no exception (-20001, 'no'); begin if (not regexp_like(x, 'PR_[0-9]+')) then raise no; end if; return 1; end$$",
    [ADA, "call d.s.p('PR_1')"],
    [ADA, "call d.s.p('XPR_1X')"],
  ),
  rule(
    'an IF that is neither true nor false does nothing',
    "as ada: create procedure d.s.p(x varchar) returns int language sql as $$declare no exception (-20001, 'no'); begin if (not regexp_like(x, 'A')) then raise no; end if; return 1; end$$",
    [ADA, 'call d.s.p(null)'],
    [ADA, "call d.s.p('B')"],
  ),
  rule(
    'LIKE takes _ for any letter',
    "as ada: create procedure d.s.p(x varchar) returns int language sql as $$declare no exception (-20001, 'no'); begin if (x not like 'PR_%') then raise no; end if; return 1; end$$",
    [ADA, "call d.s.p('PRODUCT')"],
    [ADA, "call d.s.p('DEVICE')"],
  ),
  rule(
    'what a block catches is no refusal',
    `${MANAGED}\nas ada: create procedure d.s.p() returns int language sql as $$begin drop table d.m.nothing; return 1; exception when other then return 2; end$$\nas ada: create procedure d.s.q() returns int language sql as $$begin drop table d.m.nothing; return 1; exception when other then raise; end$$`,
    [ADA, 'call d.s.p()'],
    [ADA, 'call d.s.q()'],
  ),
  rule(
    'what a query says is tried both ways',
    `${MANAGED}\nas ada: create procedure d.s.p() returns int language sql as $$declare n int; no exception (-20001, 'no'); begin select count(*) into :n from d.m.t; if (n = 0) then raise no; end if; return 1; end$$`,
    [ADA, 'call d.s.p()'],
    [BOB, 'call d.s.p()'],
  ),

  rule(
    'a task takes CREATE TASK and a warehouse',
    'grant create task on schema d.s to role role_a',
    [ADA, 'create task d.s.x warehouse = w as select 1'],
    [BOB, 'create task d.s.x warehouse = w as select 1'],
  ),
  rule(
    'a task without a warehouse takes EXECUTE MANAGED TASK',
    'grant create task on schema d.s to role role_a; grant create task on schema d.s to role role_b; grant execute managed task on account to role role_a',
    [ADA, 'create task d.s.x as select 1'],
    [BOB, 'create task d.s.x as select 1'],
  ),
  rule(
    'a task runs if its owner has EXECUTE TASK',
    'grant create task on schema d.s to role role_a; grant create task on schema d.s to role role_b; grant execute task on account to role role_a\nas ada: create task d.s.x warehouse = w as select 1\nas bob: create task d.s.y warehouse = w as select 1',
    [ADA, 'execute task d.s.x'],
    [BOB, 'alter task d.s.y resume'],
  ),
  rule(
    'a task runs with the rights of its owner',
    `${MANAGED}\ngrant create task on schema d.s to role role_a; grant execute task on account to role role_a\nas ada: create task d.s.x warehouse = w as delete from d.m.t\nas ada: grant operate on task d.s.x to role role_b\nas bob: create table d.s.b (i int)\nas ada: create task d.s.y warehouse = w as delete from d.s.b`,
    [BOB, 'execute task d.s.x'],
    [ADA, 'execute task d.s.y'],
  ),
  rule(
    'a task as a user takes IMPERSONATE',
    'grant create task on schema d.s to role role_a; grant impersonate on user bob to role role_a',
    [ADA, 'create task d.s.x warehouse = w execute as user bob as select 1'],
    [ADA, 'create task d.s.x warehouse = w execute as user admin as select 1'],
  ),

  rule(
    'a user is altered by its owner',
    'create user x; grant ownership on user x to role role_a',
    [ADA, "alter user x set rsa_public_key = 'k'"],
    [BOB, "alter user x set rsa_public_key = 'k'"],
  ),
  rule(
    'keys are set with a right of their own',
    'create user x; grant modify programmatic authentication methods on user x to role role_b',
    [BOB, "alter user x set rsa_public_key_2 = 'k'"],
    [BOB, 'alter user x set default_role = role_b'],
  ),
  rule('one sets a few things oneself', '', [BOB, 'alter user bob set default_role = role_b'], [BOB, "alter user bob set rsa_public_key = 'k'"]),
  rule(
    'one does not set default secondary roles oneself',
    '',
    [BOB, 'alter user bob set default_warehouse = w'],
    [BOB, "alter user bob set default_secondary_roles = ('ALL')"],
  ),
  rule(
    'a person makes tokens, a service does not',
    'create user x type = service; grant role role_b to user x',
    [BOB, 'alter user bob add programmatic access token t'],
    [{ user: 'X', role: 'ROLE_B' }, 'alter user x add programmatic access token t'],
  ),
  rule(
    'a SERVICE user has no password',
    'create user x type = service; create user y',
    [ACC, "alter user y set password = 'p'"],
    [ACC, "alter user x set password = 'p'"],
  ),
  rule('a disabled user is out', 'alter user ada set disabled = true', [BOB, 'use role role_b'], [ADA, 'use role role_a']),
  rule('global privileges', 'grant create database on account to role role_a', [ADA, 'create database x'], [BOB, 'create database x']),
  rule('the account is altered by ACCOUNTADMIN', '', [ACC, 'alter account set timezone = utc'], [SEC, 'alter account set timezone = utc']),
  rule(
    'a warehouse is changed with MODIFY, run with OPERATE',
    'grant operate on warehouse w to role role_b',
    [BOB, 'alter warehouse w suspend'],
    [BOB, "alter warehouse w set warehouse_size = 'LARGE'"],
  ),
  rule(
    'resource monitors are for ACCOUNTADMIN',
    '',
    [ACC, 'create resource monitor r with credit_quota = 1'],
    [SYS, 'create resource monitor r with credit_quota = 1'],
  ),

  rule(
    'a database role acts through an account role',
    `${TABLE}\nas sys: create database role d.r\ngrant usage on schema d.s to database role d.r; grant select on table d.s.t to database role d.r; grant database role d.r to role role_b`,
    [BOB, 'select * from d.s.t'],
    [BOB, 'use role r'],
  ),
  rule(
    'a database role is granted by its owner',
    'as sys: create database role d.r',
    [SYS, 'grant database role d.r to role role_a'],
    [BOB, 'grant database role d.r to role role_b'],
  ),
  rule(
    'a database role opens its database',
    'as sys: create database role e.r; create table e.s.t (i int)\ngrant usage on schema e.s to database role e.r; grant select on table e.s.t to database role e.r; grant database role e.r to role role_b',
    [BOB, 'select * from e.s.t'],
    [ADA, 'select * from e.s.t'],
  ),
  rule(
    'account usage takes a right on SNOWFLAKE',
    'grant imported privileges on database snowflake to role role_a; grant database role snowflake.usage_viewer to role role_b',
    [ADA, 'select * from snowflake.account_usage.query_history'],
    [{ ...BOB, role: 'PUBLIC' }, 'select * from snowflake.account_usage.query_history'],
  ),
  rule(
    'the information schema takes a way to its database',
    '',
    [BOB, 'select * from d.information_schema.tables'],
    [BOB, 'select * from e.information_schema.tables'],
  ),
  rule('names without quotes fold, names in quotes do not', TABLE, [ADA, 'select * from D.s."T"'], [ADA, 'select * from d.s."t"']),
  rule('IDENTIFIER is a name', TABLE, [ADA, "drop table identifier('d.s.t')"], [ADA, "drop table identifier('d.s.x')"]),
];

describe.each(['wide', 'narrow'] as const)('Snowflake as its pages say, read %s', (reading) => {
  test.each(RULES)('$rule', ({ world = '', yes, no }) => {
    const model = account(reading, world);
    expect(model.attempt(...yes)).toBe('done');
    expect(model.attempt(...no)).toMatch(/^(?:line \d+: |user |role |raised )/);
  });
});

describe('where the pages can be read two ways', () => {
  const ways = (world: string, login: Login, sql: string): readonly string[] =>
    (['wide', 'narrow'] as const).map((reading) => (account(reading, world).attempt(login, sql) === 'done' ? 'done' : 'refused'));
  const open = ['done', 'refused'];

  test('any privilege on a schema, or USAGE, lets one in', () => {
    const world = 'grant usage on database e to role role_b; grant create table on schema e.s to role role_b';
    expect(ways(world, BOB, 'create table e.s.t (i int)')).toEqual(open);
    expect(ways(`${world}; grant usage on schema e.s to role role_b`, BOB, 'create table e.s.t (i int)')).toEqual(['done', 'done']);
  });
  test('the owner of a database drops the schemas of others, or not', () => {
    expect(ways('', SYS, 'drop schema d.m')).toEqual(open);
    expect(ways('', BOB, 'drop schema d.m')).toEqual(['refused', 'refused']);
  });
  test('SECURITYADMIN alters every user, or those that it owns', () => {
    expect(ways('create user x', SEC, "alter user x set rsa_public_key = 'k'")).toEqual(open);
    expect(ways('as sec: create user x', SEC, "alter user x set rsa_public_key = 'k'")).toEqual(['done', 'done']);
  });
  test('MANAGE GRANTS grants EXECUTE TASK, or only ACCOUNTADMIN does', () => {
    expect(ways('', SEC, 'grant execute task on account to role role_a')).toEqual(open);
    expect(ways('', ACC, 'grant execute task on account to role role_a')).toEqual(['done', 'done']);
  });
});

describe('what the model sees of a session inside of a procedure', () => {
  const guarded = (test: string): string =>
    `as ada: create procedure d.s.p() returns int language sql as $$declare no exception (-20001, 'no'); begin if (${test}) then return 1; end if; raise no; end$$`;

  test('SYS_CONTEXT says nothing without READ SESSION, and the primary role with it', () => {
    const world = `${guarded("sys_context('SNOWFLAKE$SESSION', 'ROLE') = 'ROLE_B'")}\nas ada: grant usage on procedure d.s.p() to role role_b`;
    expect(account('wide', world).attempt(BOB, 'call d.s.p()')).toBe('raised NO');
    expect(account('narrow', `${world}\ngrant read session on account to role role_a`).attempt(BOB, 'call d.s.p()')).toBe('done');
    expect(account('narrow', `${world}\ngrant read session on account to role role_a`).attempt(ADA, 'call d.s.p()')).toBe('raised NO');
  });
  test('CURRENT_ROLE and CURRENT_USER are said by no page, and so are not guessed', () => {
    for (const name of ['current_role()', 'current_user()', "is_role_in_session('ROLE_A')"]) {
      expect(() => account('wide', guarded(`${name} is not null`)).attempt(ADA, 'call d.s.p()')).toThrow(NotModelled);
    }
  });
});

describe('what the model does not know', () => {
  test.each([
    'explain select 1',
    'create or alter table d.s.t (i int)',
    'create database x clone d',
    'create warehouses w',
    'create something d.s.t',
    'grant usage on schema d.s to share outside',
    'grant inherited usage on all schemas in database d to role role_a',
    'grant fly on schema d.s to role role_a',
    'grant insert on schema d.s to role role_a',
    'grant select on future rockets in schema d.s to role role_a',
    'grant role role_a to role role_b with admin option',
    'alter user bob set shoe_size = 42',
    'create user x wings = 2',
    'create role r comment',
    'drop table d.s.t purge',
    'execute job service in d.s',
    'use catalog d',
    'lock table d.s.t',
    'create schema d.x with unmanaged access',
    'revoke select on table d.s.t to role role_a',
    '!source x.sql',
  ])('is not passed over: %s', (sql) => {
    expect(() => account('wide', 'as ada: create table d.s.t (i int)').run(`\n\n${sql};`)).toThrow(NotModelled);
    expect(() => account('wide', 'as ada: create table d.s.t (i int)').run(`\n\n${sql};`)).toThrow(/^line 3: .* is not modelled$/s);
  });
  test('a procedure with restricted rights is not guessed', () => {
    const sql = 'create procedure d.s.p() returns int language sql execute as restricted caller as $$begin return 1; end$$';
    expect(() => account('wide', '').attempt(ADA, sql)).toThrow(NotModelled);
  });
  test('a procedure in another language is not guessed', () => {
    const model = account('wide', 'as ada: create procedure d.s.p() returns int language javascript as $$return 1;$$');
    expect(() => model.attempt(ADA, 'call d.s.p()')).toThrow(NotModelled);
  });
  test('a statement whose text hangs on rows is not guessed', () => {
    const model = account(
      'wide',
      'as ada: create procedure d.s.p() returns int language sql as $$declare n varchar; begin select max(i) into :n from d.s.t; execute immediate n; return 1; end$$\nas ada: create table d.s.t (i int)',
    );
    expect(() => model.attempt(ADA, 'call d.s.p()')).toThrow(NotModelled);
  });
});

describe('what a script learns from SHOW and the information schema', () => {
  /** Runs a block that drops what a query named. */
  const drops = (query: string, before = 'show schemas in database d;'): string =>
    `declare v_sql varchar; v_rows resultset; begin ${before} v_rows := (${query}); for one in v_rows do v_sql := 'drop schema d."' || one.name || '"'; execute immediate :v_sql; end for; end;`;
  const left = (sql: string): readonly string[] => {
    const model = account('wide', 'grant role own_s to role accountadmin; grant role own_m to role accountadmin');
    model.run(sql);
    return ['S', 'M', 'PUBLIC'].filter((name) => model.thing('SCHEMA', `D.${name}`) !== undefined);
  };
  const scan = 'from table(result_scan(last_query_id()))';

  test('rows are chosen by WHERE', () => {
    expect(left(drops(`select "name" as name ${scan} where "owner" = 'OWN_S'`))).toEqual(['M', 'PUBLIC']);
    expect(left(drops(`select "name" as name ${scan} where "options" = 'MANAGED ACCESS' and "name" not in ('X')`))).toEqual(['S', 'PUBLIC']);
    expect(left(drops(`select "name" as name ${scan} where "owner" = 'NOBODY'`))).toEqual(['S', 'M', 'PUBLIC']);
  });
  test('rows are joined', () => {
    const both = `select s."name" as name from table(result_scan(last_query_id())) as s inner join d.information_schema.schemata as i on i.schema_name = s."name" where i.schema_owner = 'OWN_S'`;
    expect(left(drops(both))).toEqual(['M', 'PUBLIC']);
    const without = `select s."name" as name ${scan} as s left join e.information_schema.schemata as i on i.schema_name = s."name" where i.schema_name is null and s."owner" <> 'SYSADMIN'`;
    expect(left(drops(without))).toEqual(['S', 'PUBLIC']);
  });
  test('sums decide', () => {
    const when = (condition: string): string =>
      `declare n number; t varchar; begin show schemas in database d; select count_if("owner" = 'OWN_M') into :n ${scan}; show schemas in database d; select listagg("name", ', ') within group (order by "name") into :t ${scan} where startswith("name", 'Q'); if (${condition}) then drop schema d.m; end if; end;`;
    expect(left(when('n = 1'))).toEqual(['S', 'PUBLIC']);
    expect(left(when('n > 1'))).toEqual(['S', 'M', 'PUBLIC']);
    expect(left(when("t = ''"))).toEqual(['S', 'PUBLIC']);
  });
  test('what is not known is not guessed in a script', () => {
    expect(() =>
      left('declare n number; begin select count(*) into :n from d.information_schema.columns; if (n = 0) then drop schema d.m; end if; end;'),
    ).toThrow(NotModelled);
  });
  test('the information schema lists what one has a right on, MANAGE GRANTS or not', () => {
    const model = account(
      'narrow',
      'grant usage on database d to role securityadmin; grant usage on warehouse w to role securityadmin; revoke usage on schema d.s from role public',
    );
    const counts = (n: number): string =>
      `declare n number; no exception (-20001, 'no'); begin select count(*) into :n from d.information_schema.schemata where schema_name in ('S', 'M'); if (n <> ${n}) then raise no; end if; end;`;
    expect(model.attempt({ ...SEC, warehouse: 'W' }, counts(1))).toBe('done');
    expect(model.attempt({ ...SEC, warehouse: 'W' }, counts(2))).toBe('raised NO');
  });
  test('rows that were written down are run in their order', () => {
    const model = account('wide', 'create database f; create schema f.x; create table f.x.found (step number, statement varchar)');
    model.content('F.X.FOUND', []);
    model.run(
      `insert into f.x.found (step, statement) select 2, 'drop schema f.y'; insert into f.x.found (step, statement) select 1, 'create schema f.y'; insert into f.x.found (step, statement) select 3, 'drop database f';
      delete from f.x.found where step = 3`,
      ACC,
    );
    model.run(
      'declare v_rows resultset; v_sql varchar; begin v_rows := (select step, statement from f.x.found order by step); for one in v_rows do v_sql := one.statement; execute immediate :v_sql; end for; end;',
      ACC,
    );
    expect([model.thing('SCHEMA', 'F.Y'), model.thing('DATABASE', 'F')?.owner]).toEqual([undefined, 'ACCOUNTADMIN']);
  });
});

test('an attempt changes nothing', () => {
  const model = account('wide', TABLE);
  expect(model.attempt(ADA, 'drop table d.s.t')).toBe('done');
  expect(model.attempt(ADA, 'drop table d.s.t')).toBe('done');
});

test('ways in: a service has a key, a person signs on, nobody who is disabled', () => {
  const model = account('wide', "create user x type = service rsa_public_key = 'k'; create user y type = service; create user z password = 'p'");
  expect([model.waysIn('X'), model.waysIn('Y'), model.waysIn('Z')]).toEqual([['key pair'], [], ['password', 'single sign-on']]);
  model.run('alter user x set disabled = true');
  expect(model.waysIn('X')).toEqual([]);
});
