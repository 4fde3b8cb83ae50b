import { describe, expect, test } from 'vitest';
import { decide } from '../../src/run.ts';
import { emptyFolder } from '../support/command-line.ts';
import { vendors } from '../support/hostile-plan.ts';
import { needsOf } from '../support/scaffold.ts';

/** `the 1 developers` */
const SLIP = /\b1 (?:developers|people|persons|logins|readers|services|schemas|roles|secrets|variables|files|scripts)\b/;

describe.each(vendors)('a team of one is spoken of as one: $warehouse and $ci', (chosen) => {
  const decisionFor = (team: string) =>
    decide({ cwd: emptyFolder(), command: ['app'], given: { projectName: 'acme', team, ...chosen, ...needsOf(chosen.warehouse) }, force: false }, {});
  test('in the next steps and in the warnings', () => {
    const { nextSteps, warnings } = decisionFor('ana');
    expect(nextSteps.length).toBeGreaterThan(2);
    for (const said of [...nextSteps, ...warnings]) expect(said).not.toMatch(SLIP);
  });
  test('and several as several', () => {
    const { nextSteps } = decisionFor('ana, bo, cy');
    expect(nextSteps.join('\n').includes('the 3 developers')).toBe(chosen.warehouse === 'postgres');
  });
});
