import { describe, expect, test } from 'vitest';
import { planned } from '../support/scaffold.ts';
import { createPr, doorContent, installation, type Layout, namesOf, script, scripts } from '../support/snowflake-emitted.ts';
import { faults } from '../support/snowflake-faults.ts';
import { Refused } from '../support/snowflake-model/account.ts';
import type { Login, SnowflakeModel } from '../support/snowflake-model/model.ts';
import { type Act, acts, ask, surprises } from '../support/snowflake-table.ts';
import { SHARED, world } from '../support/snowflake-world.ts';

const at = (layout: Layout, texts: readonly string[], faulty: 'faulty' | 'sound' = 'sound', before = ''): readonly [SnowflakeModel, SnowflakeModel] => {
  const made = (reading: 'wide' | 'narrow'): SnowflakeModel => world(reading, texts, namesOf(layout), createPr(layout), faulty, doorContent(layout), before);
  return [made('wide'), made('narrow')];
};

/** The scripts of a planted text: those that it leaves as they are one by one, so that what they make need not be made again, and the rest. */
function scriptsOf(planted: string, sound: readonly string[]): readonly string[] {
  const begun = sound.filter((_, index) => planted.startsWith(sound.slice(0, index + 1).join('\n')));
  return [...begun, planted.slice(begun.join('\n').length)];
}

test('ten thousand developers are as many lines more as there are developers more, and no statement is longer than Snowflake asks for', () => {
  const roster = (count: number): string => Array.from({ length: count }, (_, at) => `p${at + 10_000}`).join(', ');
  const written = (count: number): string =>
    planned({ warehouse: 'snowflake', team: roster(count) }, ['grants']).find(({ path }) => path === 'grants/30_developers.sql')?.contents ?? '';
  // Each has four digits: the script names the number too.
  const [few = '', half = '', most = '', all = ''] = [1_000, 5_000, 9_000, 10_000].map(written);
  expect(most.split('\n').length - half.split('\n').length).toBe(half.split('\n').length - few.split('\n').length);
  expect(most.length - half.length).toBe(half.length - few.length);
  // https://docs.snowflake.com/en/user-guide/query-size-limits: 1 MB
  expect(Math.max(...all.split(/;\n/).map(({ length }) => length))).toBeLessThan(1_000_000);
});

describe.each(['separate', 'single'] as const)('the scripts for Snowflake, environments in a database that is %s', (layout) => {
  const all = acts(namesOf(layout));

  test('give everybody what the table says and nothing more', () => {
    expect(surprises(ask(...at(layout, installation(layout)), all))).toEqual([]);
  });

  test('give the same when they are run twice', () => {
    expect(surprises(ask(...at(layout, [...installation(layout), ...installation(layout)]), all))).toEqual([]);
  });

  test('let nobody in through a grant on the whole database: one on the schema itself stands before it', () => {
    const extra = `use role accountadmin; grant usage on all schemas in database ${namesOf(layout).nonprod} to role acme_developer; grant select on future tables in database ${namesOf(layout).nonprod} to role acme_developer`;
    const red = surprises(
      ask(
        ...at(layout, [...installation(layout), extra]),
        all.filter(({ act }) => act === "read priya's tables"),
      ),
    );
    expect(red).toEqual([]);
  });

  test('give the same after production was closed, once and twice', () => {
    const [wide, narrow] = at(layout, installation(layout));
    for (const times of [1, 2]) {
      for (const model of [wide, narrow]) model.run(script(layout, '90_close_prod'));
      expect(surprises(ask(wide, narrow, all)), `${times}`).toEqual([]);
    }
  });

  test('close the production of a company that shared one role, and open it again', () => {
    const [wide, narrow] = at(layout, installation(layout), 'sound', SHARED);
    const write: readonly Login[] = (['PRIYA', 'SAM', 'SYS'] as const).map((user) => ({
      user,
      role: user === 'SYS' ? 'SYSADMIN' : 'TRANSFORMER',
      warehouse: 'OLD',
    }));
    const attempts = (model: SnowflakeModel): readonly string[] =>
      write.map((login) => model.attempt(login, 'create or replace table acme.analytics.legacy (i int)'));
    const reads = (model: SnowflakeModel): readonly string[] =>
      ['legacy', 'v_legacy', 'orders', 'v_orders'].map((name) =>
        model.attempt({ user: 'LOOKER', role: 'BI', secondary: 'NONE', warehouse: 'OLD' }, `select * from acme.analytics.${name}`),
      );
    const before = [wide, narrow].map((model) => JSON.stringify([model.thing('SCHEMA', 'ACME.ANALYTICS'), model.thing('TABLE', 'ACME.ANALYTICS.LEGACY')]));
    for (const model of [wide, narrow]) {
      expect(attempts(model)).toEqual(['done', 'done', 'done']);
      expect(reads(model)).toEqual(['done', 'done', 'done', 'done']);
      expect(
        model.attempt(
          { user: 'ACME_PROD_SERVICE', role: 'ACME_PROD_SERVICE', warehouse: 'ACME_PROD_WH' },
          'create or replace table acme.analytics.legacy (i int)',
        ),
      ).toBe('done');
      model.run(script(layout, '90_close_prod'));
      expect(attempts(model).filter((one) => one === 'done')).toEqual([]);
      expect(reads(model)).toEqual(['done', 'done', 'done', 'done']);
      expect(model.thing('SCHEMA', 'ACME.ANALYTICS')).toMatchObject({ owner: 'ACME_PROD_OWNER', managed: true });
      model.run('create table acme.analytics.tomorrow (i int)', { user: 'ACME_PROD_SERVICE', role: 'ACME_PROD_SERVICE', warehouse: 'ACME_PROD_WH' });
      expect(model.attempt({ user: 'LOOKER', role: 'BI', secondary: 'NONE', warehouse: 'OLD' }, 'select * from acme.analytics.tomorrow')).toBe('done');
    }
    // SYSADMIN had been granted the shared role, which goes on reading.
    expect(surprises(ask(wide, narrow, all))).toEqual(['sysadmin', 'accountadmin'].map((one) => `${one}: clone prod whole: expected refused, got done`));
    for (const model of [wide, narrow]) model.run(script(layout, '91_reopen_prod'));
    expect([wide, narrow].map((model) => JSON.stringify([model.thing('SCHEMA', 'ACME.ANALYTICS'), model.thing('TABLE', 'ACME.ANALYTICS.LEGACY')]))).toEqual(
      before,
    );
    for (const model of [wide, narrow]) expect(attempts(model)).toEqual(['done', 'done', 'done']);
  });

  test('would not do so without what the pages ask for', () => {
    const without = (sql: string, from: RegExp, to = ''): string => {
      const changed = sql.replaceAll(from, to);
      expect(changed).not.toBe(sql);
      return changed;
    };
    const close = script(layout, '90_close_prod');
    const [, narrow] = at(layout, installation(layout), 'sound', SHARED);
    const asOwner = without(close, /ALTER SCHEMA acme\.analytics ENABLE/g, 'USE ROLE acme_prod_owner; ALTER SCHEMA acme.analytics ENABLE');
    expect(() => narrow.run(asOwner)).toThrow('insufficient privileges: MANAGE GRANTS');
    const [, open] = at(layout, installation(layout), 'sound', SHARED);
    expect(() => open.run(without(close, /EXECUTE IMMEDIATE :v_sql;\n {4}END FOR;\n {4}ALTER SCHEMA/g, 'END FOR;\n    ALTER SCHEMA'))).toThrow(
      'has future grants, which have to be revoked first',
    );
    const apart = installation(layout).map((sql) => sql.replace('GRANT ROLE acme_prod_service TO ROLE acme_prod_owner;', ''));
    expect(() => at(layout, apart, 'sound', SHARED.replace('schema acme.analytics;', 'schema acme.analytics with managed access;'))[1].run(close)).toThrow(
      'ACME_PROD_SERVICE is not below ACME_PROD_OWNER',
    );
    const lenient = at(layout, installation(layout), 'sound', SHARED);
    for (const model of lenient) model.run(without(close, /= 'CREATE SCHEMA'/g, "= 'NOTHING'"));
    expect(surprises(ask(...lenient, all))).toContain('sam: create a schema beside prod: expected refused, got done');
  });

  test('do not go into a database that lets others build in every new schema', () => {
    const building = `${SHARED} use role accountadmin; grant create table on future schemas in database acme to role transformer;`;
    if (layout === 'separate')
      expect(
        surprises(
          ask(
            ...at(layout, installation(layout), 'sound', building),
            all.filter(({ act }) => act.includes('dev_priya')),
          ),
        ),
      ).toEqual([]);
    else expect(() => at(layout, installation(layout), 'sound', building)).toThrow('raised REFUSED');
    const coming = `${SHARED} use role accountadmin; grant monitor on future schemas in database acme to role transformer;`;
    expect(() => at(layout, installation(layout), 'sound', coming)).not.toThrow();
  });

  test('are refused by the roster’s script where somebody was let into every schema to come after the installation', () => {
    for (const model of at(layout, installation(layout))) {
      model.run(`grant usage, create table on future schemas in database ${namesOf(layout).nonprod} to role bi`);
      expect(() => model.run(script(layout, '30_developers'))).toThrow('raised REFUSED');
      model.run(`revoke create table on future schemas in database ${namesOf(layout).nonprod} from role bi`);
      model.run(script(layout, '30_developers'));
    }
  });

  test('give a reader that they make a role and a warehouse to ask with', () => {
    for (const model of at(layout, installation(layout), 'sound', 'use role useradmin; drop user looker;')) {
      expect(model.attempt({ user: 'LOOKER' }, 'select * from acme.analytics.orders')).toBe('done');
      model.run('revoke usage on warehouse acme_read_wh from role acme_reader');
      expect(model.attempt({ user: 'LOOKER' }, 'select * from acme.analytics.orders')).toContain('no warehouse');
    }
  });

  test('say no in one statement, whatever the name in the way is', () => {
    const odd = `"ODD\\'); begin drop database acme; end; --"`;
    const given = `use role accountadmin; create role ${odd}; grant ownership on schema ${namesOf(layout).nonprod}.dev_sam to role ${odd} copy current grants;`;
    const sound = script(layout, '30_developers');
    const careless = sound.replaceAll(/REPLACE\(REPLACE\(v_problem, '[^']+', '[^']+'\)/g, 'REPLACE(v_problem');
    expect(careless).not.toBe(sound);
    for (const model of at(layout, installation(layout))) {
      model.run(given);
      expect(() => model.run(sound)).toThrow(/^raised REFUSED$/);
      expect(() => model.run(careless)).not.toThrow(/^raised REFUSED$/);
    }
  });

  test('need a grant on the door itself where others have one on its database', () => {
    const bare = installation(layout).map((sql) =>
      sql.replaceAll(/GRANT \w+ ON FUTURE (?:TABLES|PROCEDURES) IN SCHEMA \w+\.acme_door TO ROLE acme_env_owner;/g, ''),
    );
    const red = surprises(ask(...at(layout, bare, 'sound', SHARED), all)).filter((line) => line.startsWith('looker: '));
    const opened = ['read the tables of the door', 'create a pull request'].map((one) => `looker: ${one}: expected refused, got done`);
    expect(red).toEqual(layout === 'single' ? expect.arrayContaining(opened) : []);
  });

  test('lock a leaver out, once and twice', () => {
    for (const model of at(layout, installation(layout))) {
      const leaver = scripts(layout, [{ slug: 'priya', login: 'priya', left: '2026-11-01' }]).get('grants/leavers/priya.sql') ?? '';
      expect(model.attempt({ user: 'PRIYA', role: 'ACME_DEV_PRIYA', warehouse: 'ACME_DEV_WH' }, 'select * from acme.analytics.orders')).toBe('done');
      for (const _ of [1, 2]) {
        model.run(leaver);
        expect(model.waysIn('PRIYA')).toEqual([]);
        model.run('alter user priya set disabled = false');
        expect(model.attemptAnyhow('PRIYA', 'select * from acme.analytics.orders')).not.toBe('done');
      }
    }
  });

  test('take nothing but the old role from a user who is on the roster under another slug', () => {
    for (const model of at(layout, installation(layout))) {
      const renamed = scripts(layout, [{ slug: 'pri', login: 'Priya', left: '2026-11-01' }]);
      const leaver = renamed.get('grants/leavers/pri.sql') ?? '';
      const before = [model.rights(), model.waysIn('PRIYA')];
      model.run("use role securityadmin; create role acme_dev_pri comment = 'dbt-envs: project acme'; grant role acme_dev_pri to user priya");
      expect(model.rights()).toContain('@PRIYA is in ACME_DEV_PRI');
      for (const _ of [1, 2]) {
        model.run(leaver);
        expect(model.rights()).not.toContain('@PRIYA is in ACME_DEV_PRI');
        expect(model.waysIn('PRIYA')).toEqual(before[1]);
        expect(model.rights()).toEqual(expect.arrayContaining([...(before[0] ?? [])]));
        expect(model.attempt({ user: 'PRIYA', role: 'ACME_DEV_PRIYA', warehouse: 'ACME_DEV_WH' }, 'select * from acme.analytics.orders')).toBe('done');
      }
    }
  });

  test('lock no service, of this project or another, whatever the roster says', () => {
    for (const model of at(layout, installation(layout))) {
      model.run('use role accountadmin; create user etl type = service; create user old_etl type = legacy_service');
      const mistaken = scripts(layout, [{ slug: 'ops', login: 'stand_in', left: '2026-11-01' }]).get('grants/leavers/ops.sql') ?? '';
      const state = (): readonly unknown[] => [model.rights(), ['ACME_PROD_SERVICE', 'ETL', 'OLD_ETL'].map((one) => model.waysIn(one))];
      const before = state();
      for (const login of ['ACME_PROD_SERVICE', 'ACME_JANITOR', 'ETL', 'OLD_ETL']) {
        expect(() => model.run(mistaken.replaceAll('STAND_IN', login)), login).toThrow('raised REFUSED');
        expect(state()).toEqual(before);
      }
      model.run(mistaken);
    }
  });

  test.each([
    ['a regular schema with a future grant', '', 'grant select on future tables in schema $ to role bi'],
    ['a schema with managed access', 'with managed access', ''],
  ])('adopt %s by its name', (_, managed, extra) => {
    for (const model of at(layout, installation(layout), 'sound', SHARED)) {
      const { nonprod } = namesOf(layout);
      const schema = `${nonprod}.pr_500`;
      model.run(
        `use role sysadmin; create schema ${schema} ${managed}; use warehouse old; create table ${schema}.t (i int); use role accountadmin; ${extra.replace('$', schema)}`,
      );
      expect(() => model.run(`set dbt_envs_leftovers = 'pr_500, product'; ${script(layout, 'adopt_leftovers')}`)).toThrow('raised REFUSED');
      model.run(`set dbt_envs_leftovers = 'pr_500'; ${script(layout, 'adopt_leftovers')}`);
      expect(model.thing('SCHEMA', schema.toUpperCase())).toMatchObject({ owner: 'ACME_ENV_OWNER', managed: true });
      expect(model.thing('TABLE', `${schema}.T`.toUpperCase())).toMatchObject({ owner: 'ACME_CI_SERVICE' });
      expect(
        model.attempt(
          { user: 'ACME_CI_SERVICE' },
          `drop table ${schema}.t; create table ${schema}.t (i int); call ${nonprod}.acme_door.drop_pr_schema('pr_500')`,
        ),
      ).toBe('done');
      expect(model.attempt({ user: 'SYS', role: 'SYSADMIN' }, `grant select on table ${schema}.t to role public`)).not.toBe('done');
    }
  });

  test.each(faults(namesOf(layout), { pattern: /'PR_\[1-9\]\[0-9\]\{0,9\}'/g, create: 'create', drop: 'drop' }))(
    'turn a cell red where $name',
    ({ plant, turnsRed }) => {
      const act = all.find((one: Act) => one.act === turnsRed.act);
      if (act === undefined) throw new Error(`the table has no act "${turnsRed.act}"`);
      let models: readonly [SnowflakeModel, SnowflakeModel];
      try {
        models = at(layout, scriptsOf(plant(installation(layout).join('\n')), installation(layout)), 'faulty');
      } catch (error) {
        // Some mistakes do not even install.
        expect(error).toBeInstanceOf(Refused);
        return;
      }
      const red = surprises(ask(...models, [act]));
      expect(red.filter((line) => line.startsWith(`${turnsRed.identity}: `))).toHaveLength(1);
    },
  );
});
