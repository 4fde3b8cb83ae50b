import { describe, expect, test } from 'vitest';
import { faults, loginFaults } from '../support/bigquery-faults.ts';
import { sample, sampleLeaver, sampleNames } from '../support/bigquery-sample.ts';
import { acts, ask, layouts, loggedIn, surprises } from '../support/bigquery-table.ts';
import { world } from '../support/bigquery-world.ts';

const readings = ['wide', 'narrow'] as const;

describe.each(layouts)('the table of who may do what on BigQuery, layout %s', (layout) => {
  const names = sampleNames(layout);
  const all = acts(names);
  const first = sample(layout, true);
  const then = [...sampleLeaver(layout), ...sample(layout, false)];
  const sound = { wide: world('wide', names, first, then), narrow: world('narrow', names, first, then) };

  test('names every act once and the page of Google that it rests on', () => {
    expect(new Set(all.map(({ act }) => act)).size).toBe(all.length);
    expect(all.filter(({ page }) => !/^https:\/\/docs\.cloud\.google\.com\/[\w/.#-]+$/.test(page))).toEqual([]);
  });

  test('is what a boundary written by hand gives, installed once and twice', () => {
    const twice = [...then, ...then];
    for (const { wide, narrow } of [sound, { wide: world('wide', names, first, twice), narrow: world('narrow', names, first, twice) }]) {
      expect(surprises(ask(wide, narrow, names, all))).toEqual([]);
      for (const model of [wide, narrow]) expect(loggedIn(model, names)).toEqual([]);
    }
  });

  test.each(faults(names).filter((one) => one.layouts?.includes(layout) !== false))('turns red where $name', ({ change, spoil, turnsRed }) => {
    const act = all.find((one) => one.act === turnsRed.act);
    if (act === undefined) throw new Error(`the table has no act "${turnsRed.act}"`);
    const made = (reading: 'wide' | 'narrow') => {
      const steps = change?.([...first, ...then]);
      const model = steps === undefined ? sound[reading].copy() : world(reading, names, steps.slice(0, first.length), steps.slice(first.length), 'faulty');
      spoil?.(model);
      return model;
    };
    const red = surprises(ask(made('wide'), made('narrow'), names, [act]));
    expect(red.filter((line) => line.startsWith(`${turnsRed.identity}: `))).toHaveLength(1);
  });

  test.each(loginFaults(names))('lets a token further where $name', ({ spoil, token }) => {
    for (const reading of readings) {
      const model = sound[reading].copy();
      spoil(model);
      const red = loggedIn(model, names);
      expect(red.filter((line) => line.startsWith(`${token}: `))).toHaveLength(1);
    }
  });
});
