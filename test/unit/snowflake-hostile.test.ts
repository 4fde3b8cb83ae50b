import { beforeAll, describe, expect, test } from 'vitest';
import { createPr, doorContent, installation, type Layout, namesOf, script, scripts } from '../support/snowflake-emitted.ts';
import type { Login, Reading, SnowflakeModel } from '../support/snowflake-model/model.ts';
import { SHARED, world } from '../support/snowflake-world.ts';

/** Accounts that were not made for us: full of others' things, with names and grants that are meant to hurt. */
const LAYOUT: Layout = 'separate';
const READINGS: readonly Reading[] = ['wide', 'narrow'];
const company = (reading: Reading, before = SHARED, texts = installation(LAYOUT)): SnowflakeModel =>
  world(reading, texts, namesOf(LAYOUT), createPr(LAYOUT), 'sound', doorContent(LAYOUT), before);
const bare = (reading: Reading, before: string): SnowflakeModel => world(reading, [], namesOf(LAYOUT), createPr(LAYOUT), 'faulty', doorContent(LAYOUT), before);

const SAM: Login = { user: 'SAM', role: 'TRANSFORMER', warehouse: 'OLD' };
const PROD: Login = { user: 'ACME_PROD_SERVICE', role: 'ACME_PROD_SERVICE', warehouse: 'ACME_PROD_WH' };
const BI: Login = { user: 'LOOKER', role: 'BI', secondary: 'NONE', warehouse: 'OLD' };
const close = script(LAYOUT, '90_close_prod');
const reopen = script(LAYOUT, '91_reopen_prod');
/** A listing is full with fewer rows here. */
const fullAt = (rows: number, sql: string): string => {
  const changed = sql.replaceAll('>= 10000', `>= ${rows}`);
  expect(changed).not.toBe(sql);
  return changed;
};

describe.each(READINGS)('where SHOW answers with less than there is, read %s', (reading) => {
  const crowd = `use role useradmin; ${Array.from({ length: 40 }, (_, at) => `create role aaa_${at}; create user aaa_${at}; `).join('')}`;

  test.each([
    ['a role', 'create role acme_prod_service'],
    ['a role that carries our mark and belongs to somebody else', "create role acme_prod_service comment = 'dbt-envs: project acme'"],
    ['a user', 'create user acme_prod_service'],
    ['a user that carries our mark and belongs to somebody else', "create user acme_prod_service comment = 'dbt-envs: project acme'"],
  ])('10 does not adopt %s of one of our names', (_, foreign) => {
    for (const rows of [30, 10_000]) {
      const model = bare(reading, `${crowd} ${foreign};`);
      model.showAtMost(rows);
      expect(() => model.run(script(LAYOUT, '10_roles')), `${rows} rows`).toThrow('raised REFUSED');
      expect(model.rights()).not.toContain('ACME_PROD_OWNER is in ACME_PROD_SERVICE');
    }
  });
  test('10 is content with what it has made itself', () => {
    const model = bare(reading, crowd);
    for (const _ of [1, 2]) model.run(script(LAYOUT, '10_roles'));
    expect(model.rights()).toContain('ACME_PROD_OWNER is in ACME_PROD_SERVICE');
  });

  test('30 does not give somebody else’s role to a developer', () => {
    for (const rows of [30, 10_000]) {
      const model = bare(reading, `${crowd} create role acme_dev_sam;`);
      for (const name of ['10_roles', '20_boundary']) model.run(script(LAYOUT, name));
      model.showAtMost(rows);
      expect(() => model.run(script(LAYOUT, '30_developers')), `${rows} rows`).toThrow('raised REFUSED');
    }
  });
  test('30 leaves a role alone that merely begins like a developer’s', () => {
    const model = bare(reading, `${crowd} create role acme_dev_ops;`);
    for (const name of ['10_roles', '20_boundary', '30_developers']) model.run(script(LAYOUT, name));
    expect(model.rights()).toContain('@SAM is in ACME_DEV_SAM');
  });
  test('30 finds that a developer’s user is a service', () => {
    for (const rows of [30, 10_000]) {
      const model = bare(reading, `${crowd} drop user sam; create user sam type = service;`);
      for (const name of ['10_roles', '20_boundary']) model.run(script(LAYOUT, name));
      model.showAtMost(rows);
      expect(() => model.run(script(LAYOUT, '30_developers')), `${rows} rows`).toThrow('raised REFUSED');
    }
  });

  test.each(['30_developers', '50_readers'])('%s takes the role of whoever left, seen or not, and passes over who is gone', (name) => {
    const model = bare(reading, crowd);
    const table = name === '30_developers' ? 'DEVELOPER' : 'READER';
    const role = name === '30_developers' ? 'acme_dev_stranger' : 'acme_reader';
    for (const one of installation(LAYOUT)) model.run(one);
    model.run(`use role securityadmin; create role acme_dev_stranger comment = 'dbt-envs: project acme'; grant role ${role} to user stranger`);
    const door = namesOf(LAYOUT).door.toUpperCase();
    const rows = doorContent(LAYOUT).find(([one]) => one === `${door}.${table}`)?.[1] ?? [];
    model.content(`${door}.${table}`, [...rows, { LOGIN: 'STRANGER', ROLE_NAME: role, GONE: true }, { LOGIN: 'NOBODY.MORE', ROLE_NAME: role, GONE: true }]);
    // The roles of developers are seen, users are not.
    model.showAtMost(reading === 'narrow' ? 60 : 5);
    model.run(script(LAYOUT, name));
    expect(model.rights()).not.toContain(`@STRANGER is in ${role.toUpperCase()}`);
  });

  test('a leaver loses the roles of this project, seen or not', () => {
    const model = bare(reading, crowd);
    for (const one of installation(LAYOUT)) model.run(one);
    model.showAtMost(5);
    const leaver = scripts(LAYOUT, [{ slug: 'sam', login: 'sam', left: '2026-11-01' }]).get('grants/leavers/sam.sql') ?? '';
    model.run(leaver);
    expect(model.rights()).not.toContain('@SAM is in ACME_DEV_SAM');
    model.run('use role accountadmin; drop user sam');
    model.run(leaver);
  });

  test.each([
    ['40_services', 3],
    ['90_close_prod', 3],
  ])('%s refuses where a listing of production is full', (name, rows) => {
    const model = company(reading);
    model.run('create or replace table acme.analytics.legacy (i int)', PROD);
    model.run('create table acme.analytics.t1 (i int); create table acme.analytics.t2 (i int)', SAM);
    const before = model.rights();
    model.showAtMost(rows);
    expect(() => model.run(fullAt(rows, script(LAYOUT, name)))).toThrow('raised REFUSED');
    expect(model.rights()).toEqual(before);
  });

  test('20 finds the door of another project among many schemas, or refuses', () => {
    const model = bare(reading, `use role sysadmin; create database aaa; ${Array.from({ length: 40 }, (_, at) => `create schema aaa.s${at}; `).join('')}`);
    model.run(script(LAYOUT, '10_roles'));
    model.run(
      "use role sysadmin; create transient database acme_nonprod comment = 'dbt-envs: project acme'; create schema acme_nonprod.other_door comment = 'dbt-envs: door of project other'",
    );
    model.showAtMost(20);
    expect(() => model.run(script(LAYOUT, '20_boundary'))).toThrow('raised REFUSED');
  });
});

describe.each(READINGS)('names that are meant to hurt, read %s', (reading) => {
  test('an owner’s name ends no statement', () => {
    const evil = '"ACCOUNTADMIN"" TO USER ""SAM"" --"';
    const model = company(
      reading,
      `${SHARED} use role useradmin; create role ${evil}; use role accountadmin; grant usage on database acme to role ${evil};
       grant usage on schema acme.analytics to role ${evil}; grant ownership on view acme.analytics.v_legacy to role ${evil} copy current grants;
       create table acme.analytics."a TO ROLE ""SAM"" b" (i int);
       grant insert on table acme.analytics.legacy to role ${evil}; grant insert on future tables in schema acme.analytics to role ${evil};`,
    );
    model.run('create or replace table acme.analytics.legacy (i int)', PROD);
    model.run(close);
    model.run(reopen);
    expect(model.rights().filter((one) => one.includes('SAM is in ACCOUNTADMIN'))).toEqual([]);
  });

  test('what a database role owns is handed over and comes back, and an account role of its name gets nothing', () => {
    const model = company(
      reading,
      `${SHARED} use role sysadmin; create database role acme.builder; use role accountadmin; create role builder; grant role builder to user sam;
       grant ownership on view acme.analytics.v_legacy to database role acme.builder copy current grants; grant database role acme.builder to role bi;`,
    );
    expect(model.rights()).toContain('ACME_PROD_SERVICE is in ACME.BUILDER');
    expect(model.rights()).not.toContain('ACME_PROD_SERVICE is in BUILDER');
    model.run('create table acme.analytics.ours (i int)', PROD);
    model.run(close);
    expect(model.owner('VIEW', 'ACME.ANALYTICS.V_LEGACY')).toBe('ACME_PROD_SERVICE');
    expect(model.rights().filter((one) => /^BUILDER:|ACME_PROD_SERVICE is in ACME.BUILDER/.test(one))).toEqual([]);
    model.run(reopen);
    expect(model.owner('VIEW', 'ACME.ANALYTICS.V_LEGACY')).toBe('ACME.BUILDER');
    expect(model.rights()).toContain('ACME_PROD_SERVICE is in ACME.BUILDER');
  });

  test('a database role with the name of ours is not ours', () => {
    const model = company(
      reading,
      `${SHARED} use role sysadmin; create database role acme.acme_prod_service; use role accountadmin; grant insert on table acme.analytics.legacy to database role acme.acme_prod_service;
       grant insert on future tables in schema acme.analytics to database role acme.acme_prod_service; grant create table on schema acme.analytics to database role acme.acme_prod_service;
       grant database role acme.acme_prod_service to role bi;`,
    );
    model.run('create table acme.analytics.ours (i int)', PROD);
    model.run(close);
    expect(model.rights().filter((one) => /^ACME\.ACME_PROD_SERVICE: (?!USAGE)/.test(one))).toEqual([]);
    model.run('create table acme.analytics.tomorrow (i int)', PROD);
    expect(model.attempt({ ...BI, secondary: 'ALL' }, 'insert into acme.analytics.tomorrow values (1)')).not.toBe('done');
    expect(model.attempt({ ...BI, secondary: 'ALL' }, 'insert into acme.analytics.legacy values (1)')).not.toBe('done');
  });
});

describe.each(READINGS)('a schema that somebody made by hand, read %s', (reading) => {
  const adopt = `set dbt_envs_leftovers = 'pr_500'; ${script(LAYOUT, 'adopt_leftovers')}`;
  const leftover = (): SnowflakeModel => {
    const model = company(reading);
    model.run(
      `use role sysadmin; create schema acme_nonprod.pr_500; use warehouse old; create table acme_nonprod.pr_500.t (i int);
       use role accountadmin; grant usage on database acme_nonprod to role transformer; grant usage, modify, create table on schema acme_nonprod.pr_500 to role transformer;
       create role "ACCOUNTADMIN"" TO USER ""SAM"" --"; grant select on future tables in schema acme_nonprod.pr_500 to role "ACCOUNTADMIN"" TO USER ""SAM"" --";`,
    );
    return model;
  };
  test('is written by nobody else any more once it was adopted', () => {
    const model = leftover();
    expect(model.attempt(SAM, 'create table acme_nonprod.pr_500.mine (i int)')).toBe('done');
    model.run(adopt);
    expect(model.attempt(SAM, 'create table acme_nonprod.pr_500.mine (i int)')).not.toBe('done');
    expect(
      model.attempt({ user: 'ACME_CI_SERVICE' }, "call acme_nonprod.acme_door.create_pr_schema('pr_500'); create table acme_nonprod.pr_500.mine (i int)"),
    ).toBe('done');
  });
  test('is adopted by the next run where one was cut short', () => {
    const whole = leftover();
    whole.run(adopt);
    let cut = true;
    for (let at = 1; cut; at += 1) {
      const model = leftover();
      cut = model.runUntil(at, adopt);
      // What is adopted whole already is no leftover any more.
      if (model.thing('SCHEMA', 'ACME_NONPROD.PR_500')?.managed !== true) model.run(adopt);
      model.run("call acme_nonprod.acme_door.create_pr_schema('pr_500')", { user: 'ACME_CI_SERVICE' });
      const of = (one: SnowflakeModel): readonly string[] => one.rights().filter((line) => line.includes('PR_500'));
      expect(of(model), `cut after ${at}`).toEqual(of(whole));
    }
  });
});

/** What a company may have in a production schema beside tables and views, and who may do what with it. */
const RICH = `${SHARED}
  use role accountadmin;
  grant create function, create procedure, create sequence, create stage, create file format, create materialized view, create external table, create dynamic table,
    create task, create stream, create pipe on schema acme.analytics to role transformer;
  use role transformer;
  use warehouse old;
  create function acme.analytics.f(a number) returns number as '1';
  create sequence acme.analytics.seq;
  create stage acme.analytics.st;
  create file format acme.analytics.ff;
  create materialized view acme.analytics.mv as select * from acme.analytics.legacy;
  create external table acme.analytics.ext (i int) location = @acme.analytics.st;
  create dynamic table acme.analytics.dt target_lag = '1 hour' warehouse = old as select * from acme.analytics.legacy;
  create task acme.analytics.tk warehouse = old as insert into acme.analytics.legacy values (1);
  create procedure acme.analytics.anything(s varchar) returns varchar language sql execute as owner as $$ begin execute immediate :s; return 'x'; end $$;
  grant usage on procedure acme.analytics.anything(varchar) to role bi;
  grant insert on table acme.analytics.legacy to role bi with grant option;
  use role accountadmin;
  grant usage on schema acme.analytics to role bi;

  `;

/** What 90 gives to former owners, so that they go on reading, is not taken back. */
const given = (one: string): boolean => /^TRANSFORMER: (?:USAGE|MONITOR|SELECT) /.test(one);
const of = (one: SnowflakeModel): readonly string[] => one.rights().filter((line) => !given(line) && !/^(?:SECURITYADMIN is in ACME_)/.test(line));

describe.each(READINGS)('90 and 91 in a schema with everything in it, read %s', (reading) => {
  let model: SnowflakeModel;
  beforeAll(() => {
    model = company(reading, RICH);
    model.run('create table acme.analytics.ours (i int)', PROD);
  });

  test('what is in it belongs to the service afterwards, and to whom it had belonged after 91', () => {
    const mine = model.copy();
    const before = mine.rights().filter((one) => / ACME\.ANALYTICS\S* belongs to /.test(one) || / ACME\.ANALYTICS belongs to /.test(one));
    mine.run(close);
    const left = mine.rights().filter((one) => / ACME\.ANALYTICS\.\S* belongs to /.test(one) && !one.endsWith('to ACME_PROD_SERVICE'));
    expect(left).toEqual(['PROCEDURE ACME.ANALYTICS.ANYTHING(VARCHAR) belongs to TRANSFORMER', 'TASK ACME.ANALYTICS.TK belongs to TRANSFORMER']);
    mine.run(reopen);
    expect(mine.rights().filter((one) => / ACME\.ANALYTICS\S* belongs to /.test(one) || / ACME\.ANALYTICS belongs to /.test(one))).toEqual(before);
  });

  test('a procedure of its old owner writes nothing any more, and the new owner’s does not for others', () => {
    const mine = model.copy();
    const call = "call acme.analytics.anything('insert into acme.analytics.legacy values (1)')";
    const create = "call acme.analytics.anything('create table acme.analytics.evil (i int)')";
    expect([mine.attempt(BI, call), mine.attempt(BI, create)]).toEqual(['done', 'done']);
    mine.run(close);
    expect([mine.attempt(BI, call), mine.attempt(BI, create)].filter((one) => one === 'done')).toEqual([]);
  });

  test('the task of the old owner writes nothing any more', () => {
    const mine = model.copy();
    mine.run('use role accountadmin; grant execute task on account to role transformer');
    expect(mine.attempt(SAM, 'execute task acme.analytics.tk')).toBe('done');
    mine.run(close);
    expect(mine.attempt(SAM, 'execute task acme.analytics.tk')).not.toBe('done');
  });

  test('a right that was granted on is taken with all that hangs on it, and comes back as it was', () => {
    const mine = model.copy();
    mine.run(
      'use role accountadmin; create role deeper; grant role deeper to user anna; grant usage on database acme to role deeper; grant usage on schema acme.analytics to role deeper',
    );
    mine.run('grant insert on table acme.analytics.legacy to role deeper', { ...BI, secondary: 'NONE' });
    const inserts = (): readonly string[] => mine.rights().filter((one) => one.includes('INSERT on TABLE ACME.ANALYTICS.LEGACY'));
    const before = inserts();
    expect(before).toHaveLength(2);
    mine.run(close);
    expect(inserts()).toEqual([]);
    mine.run(reopen);
    expect(inserts()).toEqual(before);
  });

  test('whoever owns the database, and is no administrator, cannot drop production with it', () => {
    const mine = model.copy();
    mine.run('use role accountadmin; grant ownership on database acme to role transformer copy current grants');
    const acts = [
      'drop database acme',
      'drop schema acme.analytics cascade',
      'alter schema acme.analytics set data_retention_time_in_days = 0',
      'create schema acme.evil',
    ];
    mine.run(close);
    expect(acts.filter((act) => mine.attempt(SAM, act) === 'done')).toEqual([]);
    expect(mine.attempt(SAM, 'select * from acme.analytics.legacy')).toBe('done');
    mine.run(reopen);
    expect(mine.owner('DATABASE', 'ACME')).toBe('TRANSFORMER');
  });

  test('MANAGE GRANTS on the database or the schema alone goes too', () => {
    const mine = model.copy();
    mine.run('use role accountadmin; grant manage grants on schema acme.analytics to role bi; grant manage grants on database acme to role bi');
    mine.run(close);
    expect(mine.attempt(BI, 'grant insert on table acme.analytics.legacy to role bi')).not.toBe('done');
  });

  test('what the service was let do beside production, it goes on doing', () => {
    const mine = model.copy();
    mine.run('use role securityadmin; create role source_reader; grant role source_reader to role acme_prod_service');
    mine.run(close);
    expect(mine.rights()).toContain('ACME_PROD_SERVICE is in SOURCE_READER');
    expect(mine.rights()).not.toContain('ACME_PROD_SERVICE is in TRANSFORMER');
  });

  test('running 20 and 40 again opens nothing', () => {
    const mine = company(reading, `${RICH} grant insert on future tables in database acme to role transformer;`);
    mine.run('create table acme.analytics.ours (i int)', PROD);
    mine.run(close);
    for (const name of ['20_boundary', '40_services']) mine.run(script(LAYOUT, name));
    mine.run('create table acme.analytics.tomorrow (i int)', PROD);
    expect(mine.attempt(SAM, 'insert into acme.analytics.tomorrow values (1)')).not.toBe('done');
    expect(mine.attempt(BI, 'select * from acme.analytics.tomorrow')).toBe('done');
  });

  test('91 undoes 90; a second 91 changes nothing, and neither does 90 and 91 once more', () => {
    const mine = model.copy();
    const before = of(mine);
    mine.run(close);
    mine.run(reopen);
    expect(of(mine)).toEqual(before);
    mine.run(reopen);
    expect(of(mine)).toEqual(before);
    mine.run(close);
    mine.run(reopen);
    expect(of(mine)).toEqual(before);
  });

  test('what 91 could not do stays written down, and is done by the next', () => {
    const mine = model.copy();
    const before = of(mine);
    mine.run(close);
    mine.run('use role accountadmin; grant ownership on role bi to role securityadmin; drop role bi');
    mine.run(reopen);
    expect(mine.rights().filter((one) => one.startsWith('BI: INSERT'))).toEqual([]);
    expect(mine.owner('TABLE', 'ACME.ANALYTICS.LEGACY')).toBe('TRANSFORMER');
    mine.run('use role useradmin; create role bi');
    mine.run(reopen);
    expect(mine.rights().filter((one) => one.startsWith('BI: INSERT'))).toEqual(before.filter((one) => one.startsWith('BI: INSERT')));
  });
});

describe('90 and 91 that are cut short', () => {
  let model: SnowflakeModel;
  beforeAll(() => {
    model = company('narrow', RICH);
    model.run('create table acme.analytics.ours (i int)', PROD);
  });

  test('90 may be cut short after any statement and be run again', { timeout: 120_000 }, () => {
    const FOUND = `${namesOf(LAYOUT).door}.FOUND`.toUpperCase();
    const whole = model.copy();
    whole.run(close);
    const [closed, found] = [whole.rights(), whole.held(FOUND)];
    expect(found.length).toBeGreaterThan(20);
    let cut = true;
    let cuts = 0;
    for (let at = 1; cut; at += 1) {
      const mine = model.copy();
      cut = mine.runUntil(at, close);
      mine.run(close);
      expect(mine.rights(), `closed, cut after ${at}`).toEqual(closed);
      expect(mine.held(FOUND), `what was found, cut after ${at}`).toEqual(found);
      cuts += 1;
    }
    expect(cuts).toBeGreaterThan(60);
  });
  test('and so may 91, after a 90 that was cut short or not', { timeout: 120_000 }, () => {
    const before = of(model);
    for (const done of [40, 120, 10_000]) {
      const half = model.copy();
      half.runUntil(done, close);
      let cut = true;
      for (let at = 1; cut; at += 1) {
        const mine = half.copy();
        cut = mine.runUntil(at, reopen);
        mine.run(reopen);
        expect(of(mine), `90 cut after ${done}, 91 after ${at}`).toEqual(before);
      }
    }
  });
});
