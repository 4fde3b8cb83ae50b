import { describe, expect, test } from 'vitest';
import { createPr, doorContent, installation, type Layout, namesOf, script } from '../support/snowflake-emitted.ts';
import { faults } from '../support/snowflake-faults.ts';
import type { Login, SnowflakeModel } from '../support/snowflake-model/model.ts';
import { type Act, acts, ask, surprises } from '../support/snowflake-table.ts';
import { SHARED, world } from '../support/snowflake-world.ts';

const at = (layout: Layout, texts: readonly string[], faulty: 'faulty' | 'sound' = 'sound', before = ''): readonly [SnowflakeModel, SnowflakeModel] => {
  const made = (reading: 'wide' | 'narrow'): SnowflakeModel => world(reading, texts, namesOf(layout), createPr(layout), faulty, doorContent(layout), before);
  return [made('wide'), made('narrow')];
};

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

  test.each(faults(namesOf(layout), { pattern: /'PR_\[1-9\]\[0-9\]\{0,9\}'/g, create: 'create', drop: 'drop' }))(
    'turn a cell red where $name',
    ({ plant, turnsRed }) => {
      const act = all.find((one: Act) => one.act === turnsRed.act);
      if (act === undefined) throw new Error(`the table has no act "${turnsRed.act}"`);
      const red = surprises(ask(...at(layout, [plant(installation(layout).join('\n'))], 'faulty'), [act]));
      expect(red.filter((line) => line.startsWith(`${turnsRed.identity}: `))).toHaveLength(1);
    },
  );
});
