import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { pythonEnvironment } from '../support/python.ts';
import { sweepScripts } from '../support/sweep.ts';

const RUNS = 1000;
const MUTANT_RUNS = 150;
/** What the dice have to have brought about, or the rest proves nothing. */
const EVERYTHING = [
  ['drops', 'of people', 'of closed ones', 'of unknown ones', 'emptied', 'in between', 'reopened after the list', 'well'],
  ['no listing', 'no second listing', 'no clearing', 'killed', 'another sweep', 'a drop fails', 'a drop that is none', 'contradicts itself', 'misses some'],
  ['says nothing', 'no json', 'no time', 'odd state', 'odd number', 'no closing time', 'from the future', 'a list', 'knows nothing'],
].flat();

type Seen = { readonly wrong: string | null; readonly seed?: number; readonly runs?: number; readonly [what: string]: unknown };

const { python } = await pythonEnvironment('tools');
const program = fileURLToPath(new URL('../support/sweep_simulation.py', import.meta.url));
async function simulate(runs: number, change?: (text: string) => string): Promise<Seen> {
  const { stdout } = await promisify(execFile)(python, [program, sweepScripts(change), String(runs), '1'], { encoding: 'utf8' });
  return JSON.parse(stdout);
}

test(`thirty days, ${RUNS} times: no wrong drop, and no litter stays after a night in which all worked`, async () => {
  const seen = await simulate(RUNS);
  expect(seen.wrong, `seed ${seen.seed}`).toBeNull();
  console.log(
    `sweep: ${seen.runs} runs, ${seen.nights} nights of which ${seen.well} well, ${seen.drops} drops, no wrong one, largest litter ${seen.largest_litter}`,
  );
  expect(seen.runs).toBe(RUNS);
  for (const what of EVERYTHING) expect(seen[what], what).toBeGreaterThan(20);
});

test('the same seed is the same month', async () => {
  expect(await simulate(5)).toEqual(await simulate(5));
});

describe('a sweep with a mistake in it is caught', () => {
  test.each([
    ['takes a pull request that was opened again for closed', 'if pull["state"] == "closed" else None', 'if pull.get("closed_at") else None', '1:'],
    ['does not ask again before a drop', 'names = self.still_due(names)', 'pass', '1:'],
    [
      'tells the warehouse another time than it listed at',
      'self.warehouse.clear(names, self.listing.listed_at,',
      'self.warehouse.clear(names, "9999-12-31T00:00:00Z",',
      '1:',
    ],
    ['goes by the first digits of a number', 'return int(name[3:]) if', 'return int(name[3:4]) if', '1:'],
    ['goes three days too early', 'if due <= now:', 'if due - NOTICE <= now:', '1:'],
    ['compares the wrong way round', 'if due <= now:', 'if due >= now:', '1:'],
    [
      'takes a number that the code host does not know for closed long ago',
      'if number not in pulls.closed:',
      'if number not in pulls.closed:\n        return Decision("clear", "unknown")\n    if False:',
      '1:',
    ],
    ['goes by the last use alone of what is closed', 'by_close = by_age(closed, pulls.at,', 'by_close = by_age(schema.last_used, now,', '1:'],
    ['goes by the closing alone of what is in use', 'last = max(by_close, by_use, key=later)', 'last = by_use = by_close', '1:'],
    ['measures a pull request with the days of developers', 'by_age(closed, pulls.at, options.pr_days', 'by_age(closed, pulls.at, options.dev_days', '4:'],
    ['announces no end of a pin', 'due is not None and due - NOTICE <= now else', 'False else', '7:'],
    [
      'measures developers with the days of a pull request',
      'by_age(schema.last_used, now, options.dev_days',
      'by_age(schema.last_used, now, options.pr_days',
      '1:',
    ],
    ['ignores the cap', 'if len(due) > self.options.allowed:', 'if False:', '3:'],
    [
      'clears up to the cap where more are due',
      'if not self.options.dry_run:\n                self.problems.append(too_many)\n                return',
      'due = due[: self.options.allowed]',
      '3:',
    ],
    ['ignores pins', 'if pin is not None and pin > now:', 'if False:', '6:'],
    ['clears in a dry run', 'self.listing.listed_at, self.options.dry_run)', 'self.listing.listed_at, False)', '2:'],
    ['stops after the first batch', 'range(0, len(due), BATCH)', 'range(0, min(len(due), BATCH), BATCH)', '4:'],
    ['is silent about a drop that failed', 'if done["done"] == "failed":', 'if False:', '5:'],
    ['is silent about an outage while it clears', 'self.problems.append(str(problem))', 'pass', '5:'],
    ['does not look again afterwards', 'self.look_again(due)', 'pass', '5:'],
    ['does not mind a host that contradicts itself', 'number in self.pulls.closed and number not in now.closed', 'False', '5:'],
    ['reports foreign schemas as its own', 'fixed = {"action": "report"', 'fixed = {"action": "clear"', '6:'],
    ['forgets the foreign schemas', 'for other in self.listing.others:\n            fixed', 'for other in []:\n            fixed', '6:'],
    ['gives no reason', '{"schema": name, "action": decision.action, "why": why,', '{"schema": name, "action": decision.action, "why": "",', '6:'],
    ['announces nothing', 'NOTICE = datetime.timedelta(days=3)', 'NOTICE = datetime.timedelta(days=0)', '7:'],
    ['takes a closing that is still to come', 'if closed > pulls.at + SKEW:', 'if False:', '5:'],
  ])('%s', async (_, right, wrong, invariant) => {
    const seen = await simulate(MUTANT_RUNS, (text) => {
      expect(text).toContain(right);
      return text.replace(right, wrong);
    });
    expect(seen.wrong ?? 'nothing was found').toContain(invariant);
  });
});
