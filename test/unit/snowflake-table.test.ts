import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { faults } from '../support/snowflake-faults.ts';
import { acts, ask, surprises } from '../support/snowflake-table.ts';
import { createSamplePr, SAMPLE, world } from '../support/snowflake-world.ts';

const SQL = readFileSync(new URL('../support/snowflake-sample.sql', import.meta.url), 'utf8');
const both = (sql: string) => (['wide', 'narrow'] as const).map((reading) => world(reading, [sql], SAMPLE, createSamplePr, 'faulty'));
const all = acts(SAMPLE);

describe('the table of who may do what on Snowflake', () => {
  test('names every act once and the page that it rests on', () => {
    expect(new Set(all.map(({ act }) => act)).size).toBe(all.length);
    expect(all.filter(({ page }) => !/^https:\/\/(?:docs\.snowflake\.com\/en\/|github\.com\/[\w-]+\/[\w-]+\/issues\/\d+$)/.test(page))).toEqual([]);
  });

  test('is what a boundary written by hand gives, installed once and twice', () => {
    for (const scripts of [[SQL], [SQL, SQL]]) {
      const [wide, narrow] = (['wide', 'narrow'] as const).map((reading) => world(reading, scripts, SAMPLE, createSamplePr));
      if (wide === undefined || narrow === undefined) throw new Error('there are two readings');
      expect(surprises(ask(wide, narrow, all))).toEqual([]);
    }
  });

  test.each(faults(SAMPLE, { pattern: /'PR_\[1-9\]\[0-9\]\{0,9\}'/g, create: 'create', drop: 'drop' }))('turns red where $name', ({ plant, turnsRed }) => {
    const act = all.find((one) => one.act === turnsRed.act);
    if (act === undefined) throw new Error(`the table has no act "${turnsRed.act}"`);
    const [wide, narrow] = both(plant(SQL));
    if (wide === undefined || narrow === undefined) throw new Error('there are two readings');
    const red = surprises(ask(wide, narrow, [act]));
    expect(red.filter((line) => line.startsWith(`${turnsRed.identity}: `))).toHaveLength(1);
  });
});
