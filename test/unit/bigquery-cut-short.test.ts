import { describe, expect, test } from 'vitest';
import { emittedNames, installation, script } from '../support/bigquery-installed.ts';
import type { BigQueryModel } from '../support/bigquery-model/model.ts';
import { layouts, logins } from '../support/bigquery-table.ts';
import { ADMIN, company, step } from '../support/bigquery-world.ts';

/** 20 to 50, cut short after any statement of SQL and run again. */
describe.each(layouts)('an installation that is cut short, layout %s', (layout) => {
  const names = emittedNames(layout);
  const { lea } = logins(names);
  const first = installation(layout, 'before');
  const isSql = first.map(({ kind }) => kind === 'sql');
  const installed = (at: number): BigQueryModel => {
    const model = company('narrow', layout);
    for (const one of first.slice(0, at)) step(model, one);
    return model;
  };
  const cases = first.flatMap(({ name }, at) => (isSql[at] === true ? [[name, at] as const] : []));

  const heldBy = (model: BigQueryModel, who: string): readonly string[] =>
    model.policies().filter((line) => line.includes(who) && !line.startsWith('projects/elsewhere'));
  /** What a leaver still holds after each cut, when the next run has another roster. */
  const kept = (from: BigQueryModel, text: string): readonly string[] => {
    const found: string[] = [];
    for (let cuts = 0, model = from.copy(); model.sqlUntil(cuts, text, ADMIN); cuts += 1, model = from.copy()) {
      step(model, script(layout, '30_developers.sql'));
      found.push(...heldBy(model, lea.who));
    }
    return found;
  };

  test.each(cases)('%s comes out the same', (_, at) => {
    const from = installed(at);
    const whole = installed(at + 1).policies();
    const text = first[at]?.text ?? '';
    let cuts = 0;
    for (let model = from.copy(); model.sqlUntil(cuts, text, ADMIN); model = from.copy()) {
      cuts += 1;
      model.sql(text, ADMIN);
      expect(model.policies(), `after statement ${cuts}`).toEqual(whole);
    }
    expect(cuts).toBeGreaterThan(5);
  });

  test('whoever has left since keeps nothing, because what is given was written down before', () => {
    const at = first.findIndex(({ name }) => name === '30_developers.sql');
    const text = first[at]?.text ?? '';
    expect(kept(installed(at), text)).toEqual([]);
    const [written = ''] = /INSERT INTO [^;]*SELECT '30'[^;]*;/.exec(text) ?? [];
    expect(written).not.toBe('');
    expect(kept(installed(at), `${text.replace(written, '')}\n${written}`)).not.toEqual([]);
  });
});
