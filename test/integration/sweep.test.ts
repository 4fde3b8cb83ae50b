import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { python } from '../support/dbt.ts';
import { ago, host, listing, NIGHT, night, type Outcome, schema, sweepScripts, type World } from '../support/sweep.ts';

const scripts = sweepScripts();
const run = (world: World, env = {}): Outcome => night(scripts, world, env);
/** What becomes of one schema: what is done, and why. */
const fate = ({ result }: Outcome, name: string): string => {
  const found = result?.schemas.find((one) => one.schema === name);
  return found ? `${found.action}: ${found.why}` : 'is not on the list';
};

describe('which schema goes, and why', () => {
  const world: World = {
    listing: listing(
      [
        schema('pr_1', 20),
        schema('pr_12', 9),
        schema('pr_123', 40),
        schema('pr_2', 1),
        schema('pr_3', 6),
        schema('pr_4', 8),
        schema('pr_900', 8),
        schema('pr_901', 6),
        schema('pr_902', 1),
        schema('pr_903', null),
        schema('pr_5', 30, { keep_until: ago(-10) }),
        schema('pr_6', 30, { keep_until: ago(1) }),
        schema('dev_priya', 29, { relations: 12 }),
        schema('dev_sam', 31),
        schema('dev_sam_smith', 2),
        schema('dev_leaver', 300),
        schema('dev_nobody', null),
      ],
      [
        { schema: 'PR_7', owner: 'dba', relations: 1, bytes: 8192 },
        { schema: 'pr_007', owner: 'dba', relations: 1, bytes: 8192 },
        { schema: 'pr_old', owner: 'dbt_shared', relations: 4, bytes: 8192 },
        { schema: 'dev_priya_test_v2_FINAL_for_real', owner: 'priya', relations: 9, bytes: null },
        { schema: 'pr_8', owner: 'other_env_owner', relations: 2, bytes: 8192 },
      ],
    ),
    host: host({ 1: 'open', 12: 8, 123: 'open', 2: 1, 3: 5, 4: 7, 5: 30, 6: 30, 8: 30, 7: 30 }),
  };
  const outcome = run(world);
  test.each([
    ['pr_1', 'keep: pull request 1 is open'],
    ['pr_12', 'clear: pull request 12 was closed on 2026-11-19, 8 days ago'],
    ['pr_123', 'keep: pull request 123 is open'],
    ['pr_2', 'keep: pull request 2 was closed on 2026-11-26, a day ago'],
    ['pr_3', 'announce: pull request 3 was closed on 2026-11-22, 5 days ago; it goes on 2026-11-29'],
    ['pr_4', 'clear: pull request 4 was closed on 2026-11-20, 7 days ago'],
    ['pr_900', 'clear: GitHub has no pull request 900, and it was last used on 2026-11-19, 8 days ago'],
    ['pr_901', 'announce: GitHub has no pull request 901, and it was last used on 2026-11-21, 6 days ago; it goes on 2026-11-28'],
    ['pr_902', 'keep: GitHub has no pull request 902, and it was last used on 2026-11-26, a day ago'],
    ['pr_903', 'keep: nobody noted when it was last used, so it has no age'],
    ['pr_5', 'keep: it is pinned until 2026-12-07'],
    ['pr_6', 'clear: pull request 6 was closed on 2026-10-28, 30 days ago'],
    ['dev_priya', 'announce: it was last used on 2026-10-29, 29 days ago; it goes on 2026-11-28'],
    ['dev_sam', 'clear: it was last used on 2026-10-27, 31 days ago'],
    ['dev_sam_smith', 'keep: it was last used on 2026-11-25, 2 days ago'],
    ['dev_leaver', 'clear: it was last used on 2026-01-31, 300 days ago'],
    ['dev_nobody', 'keep: nobody noted when it was last used, so it has no age'],
    ['PR_7', 'report: it belongs to dba and not to this project; an administrator hands it over by its name'],
    ['pr_007', 'report: it belongs to dba and not to this project; an administrator hands it over by its name'],
    ['pr_old', 'report: it belongs to dbt_shared and not to this project; an administrator hands it over by its name'],
    ['dev_priya_test_v2_FINAL_for_real', 'report: it belongs to priya and not to this project; an administrator hands it over by its name'],
    ['pr_8', 'report: it belongs to other_env_owner and not to this project; an administrator hands it over by its name'],
  ])('%s', (name, expected) => expect(fate(outcome, name)).toBe(expected));
  test('those go, and no other; each is on the log with its reason', () => {
    expect(outcome.cleared.toSorted()).toEqual(['dev_leaver', 'dev_sam', 'pr_12', 'pr_4', 'pr_6', 'pr_900']);
    expect(outcome.result?.ok).toBe(true);
    for (const { schema: name, why } of outcome.result?.schemas ?? []) expect(outcome.log).toContain(`${name}: ${why}`);
    expect(outcome.log).toContain('17 schemas were listed, 6 due, 6 cleared; 11 are there now.');
  });
  test('each pull request is asked for once more just before', () => expect(outcome.asked).toEqual([[12, 4, 900, 6]]));
});

describe('what happens between the list and the drop', () => {
  const closed = { listing: listing([schema('pr_4', 9), schema('pr_5', 9)]), host: host({ 4: 8, 5: 8 }) };
  test('reopened: it stays', () => {
    const outcome = run({ ...closed, again: host({ 4: 'open', 5: 8 }) });
    expect(outcome.cleared).toEqual(['pr_5']);
    expect(fate(outcome, 'pr_4')).toBe('keep: pull request 4 is open');
    expect(outcome.result?.ok).toBe(true);
  });
  test('reopened and closed again: its days begin anew', () => expect(run({ ...closed, again: host({ 4: 0, 5: 8 }) }).cleared).toEqual(['pr_5']));
  test('not known any more: it stays, and the run fails', () => {
    const outcome = run({ ...closed, again: host({ 5: 8 }) });
    expect(outcome.cleared).toEqual(['pr_5']);
    expect(outcome.result).toMatchObject({ ok: false, problems: ['pr_4 stays: GitHub listed pull request 4, and then did not know it.'] });
  });
  test('the host falls silent: nothing goes, and the run fails', () => {
    const outcome = run({ ...closed, again: { problem: 'GitHub does not say' } });
    expect(outcome.cleared).toEqual([]);
    expect(outcome.result).toMatchObject({ ok: false, problems: ['GitHub does not say'] });
  });
  test('used: the warehouse keeps it, and says so', () => {
    const outcome = run({ ...closed, kept: { pr_4: 'used at 03:44, after it was listed' } });
    expect(outcome.cleared).toEqual(['pr_5']);
    expect(fate(outcome, 'pr_4')).toContain('; kept: used at 03:44, after it was listed');
    expect(outcome.result?.ok).toBe(true);
  });
  test('an unknown one turns up open: it stays', () =>
    expect(run({ listing: listing([schema('pr_9', 9)]), host: host({ 1: 'open' }), again: host({ 9: 'open' }) }).cleared).toEqual([]));
  test('the warehouse is told when it was listed, letter for letter', () => expect((run(closed) as unknown as { listed_at: string }).listed_at).toBe(NIGHT));
});

describe('a host that is not believed', () => {
  const schemas = listing([schema('pr_4', 9), schema('dev_sam', 99)]);
  test.each([
    ['it says nothing', { problem: 'GitHub does not say which pull requests are open' }, /does not say/],
    ['it is of another shape', { asked_at: NIGHT, pulls: [] }, /another shape/],
    ['a state that does not exist', { asked_at: NIGHT, pulls: { 4: { state: 'merged' } } }, /neither open nor closed/],
    ['closed, and not since when', { asked_at: NIGHT, pulls: { 4: { state: 'closed', closed_at: null } } }, /when 4 was closed/],
    ['closed at a time without a zone', { asked_at: NIGHT, pulls: { 4: { state: 'closed', closed_at: '2026-11-01T00:00:00' } } }, /no time with a zone/],
    ['closed tomorrow', host({ 4: -1 }), /still to come/],
    ['no clock', { asked_at: null, pulls: { 4: { state: 'open' } } }, /when it was asked/],
    ['a number that is none', { asked_at: NIGHT, pulls: { '04': { state: 'open' } } }, /neither/],
  ])('%s: nothing goes, dev schemas included', (_, said, why) => {
    const outcome = run({ listing: schemas, host: said });
    expect(outcome.cleared).toEqual([]);
    expect(outcome.problem).toMatch(why);
  });
  test('it knows no pull request at all: that it does not know this one proves nothing', () => {
    const outcome = run({ listing: schemas, host: host({}) });
    expect(fate(outcome, 'pr_4')).toMatch(/^keep: GitHub knows no pull request at all/);
    expect(outcome.cleared).toEqual(['dev_sam']);
  });
});

describe('a warehouse that is not believed', () => {
  const pulls = host({ 4: 9 });
  test.each([
    ['a name that is not whole', listing([schema('pr_4', 9), schema('pr_old', 9)]), /'pr_old' is no dev_<name> and no pr_<number>/],
    ['production', listing([schema('prod', 9)]), /'prod' is no dev_/],
    ['a line end', listing([schema('pr_4\n', 9)]), /is no dev_/],
    ['one twice', listing([schema('pr_4', 9), schema('pr_4', 9)]), /twice/],
    ['no clock', { ...listing([schema('pr_4', 9)]), listed_at: null }, /not complete/],
    ['a time in no zone', listing([schema('pr_4', 9, { last_used_at: '2026-11-01T00:00:00' })]), /no time with a zone/],
    ['a field that is missing', listing([{ schema: 'pr_4' } as never]), /is missing/],
  ])('%s: nothing goes', (_, listed, why) => {
    const outcome = run({ listing: listed, host: pulls });
    expect(outcome.cleared).toEqual([]);
    expect(outcome.problem).toMatch(why);
  });
  test('a drop that it says nothing of: the run fails', () =>
    expect(run({ listing: listing([schema('pr_4', 9)]), host: pulls, clear: { cleared: [], kept: [], failed: [] } }).result).toMatchObject({
      ok: false,
      problems: [expect.stringMatching(/speaks of nothing where pr_4 were to be cleared/)],
    }));
  test('a drop of something else: the run fails', () =>
    expect(
      run({ listing: listing([schema('pr_4', 9)]), host: pulls, clear: { cleared: [{ schema: 'pr_44', how: 'dropped' }], kept: [], failed: [] } }).result?.ok,
    ).toBe(false));
  test('a drop that failed: the others go, and the run fails', () => {
    const outcome = run({ listing: listing([schema('pr_4', 9), schema('dev_sam', 99)]), host: pulls, failed: { pr_4: 'lock timeout' } });
    expect(outcome.cleared).toEqual(['dev_sam']);
    expect(outcome.result).toMatchObject({ ok: false, problems: ['pr_4 could not be cleared: lock timeout'] });
  });
  test('it says dropped, and the schema is still there: the run fails', () =>
    expect(run({ listing: listing([schema('pr_4', 9)]), host: pulls, stays: ['pr_4'] }).result).toMatchObject({
      ok: false,
      problems: [expect.stringMatching(/pr_4 was to be dropped, the warehouse reported no error, and it is still there/)],
    }));
  test('dropped, and built again since: that is no failure', () =>
    expect(run({ listing: listing([schema('dev_sam', 99)]), host: pulls, after: listing([schema('dev_sam', -0.01)]) }).result?.ok).toBe(true));
  test('it cannot be listed again: the run fails', () =>
    expect(run({ listing: listing([schema('pr_4', 9)]), host: pulls, after: { problem: 'no connection' } }).result).toMatchObject({
      ok: false,
      problems: ['Whether all of it is done is not known. no connection'],
    }));
  test('what was emptied has to be empty', () => {
    const clear = { cleared: [{ schema: 'dev_sam', how: 'emptied', relations: 3, took_along: [] }], kept: [], failed: [] };
    const left = (relations: number) => listing([schema('dev_sam', 99, { relations })]);
    const at = (relations: number) => run({ listing: left(3), host: pulls, clear, after: left(relations) }).result?.ok;
    expect([at(0), at(1)]).toEqual([true, false]);
  });
});

describe('the cap', () => {
  const numbers = Array.from({ length: 40 }, (_, at) => at + 1);
  const world: World = {
    listing: listing(numbers.map((number) => schema(`pr_${number}`, 99))),
    host: host(Object.fromEntries(numbers.map((number) => [number, 20]))),
  };
  test('more than 25: none goes, the run fails and says how to allow them', () => {
    const outcome = run(world);
    expect(outcome.cleared).toEqual([]);
    expect(outcome.asked).toEqual([]);
    expect(outcome.result?.problems).toEqual([
      '40 schemas are due and 25 may go in one run, so none goes. Read the list; if it is right, run the sweep by hand with allow_drops=40.',
    ]);
  });
  test('allowed by number: all go, each asked for once more', () => {
    const outcome = run({ ...world, options: { allowed: 40 } });
    expect(outcome.cleared).toHaveLength(40);
    expect(outcome.asked.map((one) => one.length)).toEqual([25, 15]);
    expect(outcome.result?.ok).toBe(true);
  });
  test('0 is a number: nothing goes', () => expect(run({ ...world, options: { allowed: 0 } }).cleared).toEqual([]));
  test('a dry run clears nothing, fails at nothing, and says both', () => {
    const outcome = run({ ...world, options: { dry_run: true } });
    expect(outcome.cleared).toEqual([]);
    expect(outcome.result).toMatchObject({ ok: true, notes: [expect.stringContaining('40 schemas are due')] });
    expect(outcome.log).toContain('would be dropped pr_40');
  });
});

describe('clocks and zones', () => {
  const old = [schema('pr_4', 9), schema('dev_sam', 30)];
  const world = { listing: listing(old), host: host({ 4: 7 }) };
  test.each(['Pacific/Kiritimati', 'Etc/GMT+12', 'Asia/Kathmandu'])("this machine's zone does not matter: %s", (TZ) =>
    expect(run(world, { TZ }).cleared).toEqual(['pr_4', 'dev_sam']),
  );
  test('a time in another zone is the same moment', () => {
    const later = { asked_at: NIGHT, pulls: { 4: { state: 'closed', closed_at: '2026-11-20T09:13:00+05:30' } } };
    expect(run({ ...world, host: later }).cleared).toContain('pr_4');
    const sooner = { asked_at: NIGHT, pulls: { 4: { state: 'closed', closed_at: '2026-11-20T09:14:00+05:30' } } };
    expect(run({ ...world, host: sooner }).cleared).not.toContain('pr_4');
  });
  test('each age is measured on its own clock: the warehouse may be a day behind the code host', () => {
    const outcome = run({ listing: listing([schema('pr_4', 9), schema('dev_sam', 30.5)], [], ago(1)), host: host({ 4: 7 }) });
    expect(outcome.cleared).toEqual(['pr_4']);
  });
  test.each([
    ['the warehouse', { listing: listing(old, [], ago(-40)), host: host({ 4: 1 }) }],
    ['the code host', { listing: listing(old), host: host({ 4: 1 }, ago(-40)) }],
  ])('%s is forty days ahead: everything looks old, and nothing goes', (_, ahead) => {
    const outcome = run(ahead);
    expect(outcome.cleared).toEqual([]);
    expect(outcome.problem).toMatch(/one of them is wrong, so nothing is cleared/);
  });
  test('a minute between two clocks of one host is nothing', () => expect(run({ ...world, host: host({ 4: -0.001 }) }).result?.ok).toBe(true));
});

describe('a closed pull request whose schema is in use', () => {
  // Another repository with the same numbers, a fork, a name that somebody else has taken over.
  const closed = (used: number, days: number) => run({ listing: listing([schema('pr_4', used)]), host: host({ 4: days }) });
  test.each([
    [0.1, 200, 'keep: pull request 4 is closed, and its schema was last used on 2026-11-27'],
    [5, 200, 'announce: pull request 4 is closed, and its schema was last used on 2026-11-22, 5 days ago; it goes on 2026-11-29'],
    [7, 200, 'clear: pull request 4 was closed on 2026-05-11, 200 days ago'],
    [200, 5, 'announce: pull request 4 was closed on 2026-11-22, 5 days ago; it goes on 2026-11-29'],
    [-1, 200, 'keep: pull request 4 is closed, and its schema was last used on 2026-11-28'],
  ])('used %s days ago, closed %s days ago', (used, days, expected) => {
    expect(fate(closed(used, days), 'pr_4')).toBe(expected);
    expect(closed(used, days).cleared).toEqual(expected.startsWith('clear') ? ['pr_4'] : []);
  });
  test('when it was used is not noted: the close counts', () =>
    expect(run({ listing: listing([schema('pr_4', null)]), host: host({ 4: 8 }) }).cleared).toEqual(['pr_4']));
  test('a last use at the end of all time is no crash', () =>
    expect(fate(run({ listing: listing([schema('dev_sam', 0, { last_used_at: '9999-12-31T23:59:59Z' })]), host: host({}) }), 'dev_sam')).toBe(
      'keep: it was last used on 9999-12-31',
    ));
});

describe('a planted mistake is noticed by the tests above', () => {
  const world: World = {
    listing: listing([
      schema('pr_1', 20),
      schema('pr_12', 9),
      schema('pr_2', 20),
      schema('dev_sam', 29),
      schema('pr_5', 30, { keep_until: ago(-10) }),
      schema('pr_6', 0.1),
    ]),
    host: host({ 1: 'open', 12: 8, 2: 3, 5: 30, 6: 9 }),
    again: host({ 1: 'open', 12: 'open', 2: 3, 5: 30, 6: 9 }),
  };
  test('as it is, nothing goes', () => expect(run(world).cleared).toEqual([]));
  test.each([
    ['an open pull request goes', 'if closed is None:', 'if False:'],
    ['a pin is overlooked', 'if pin is not None and pin > now:', 'if False:'],
    ['nobody asks again', 'names = self.still_due(names)', 'pass'],
    ['too soon', 'if due <= now:', 'if due - NOTICE <= now:'],
    ['what is in use goes', 'last = max(by_close, by_use, key=later)', 'last = by_use = by_close'],
    ['days are hours', 'datetime.timedelta(days=days)', 'datetime.timedelta(hours=days)'],
  ])('%s', (_, right, wrong) => {
    const planted = sweepScripts((text) => {
      expect(text).toContain(right);
      return text.replace(right, wrong);
    });
    const outcome = (() => {
      try {
        return night(planted, world).cleared;
      } catch {
        return ['it crashed'];
      }
    })();
    expect(outcome).not.toEqual([]);
  });
});

describe('the log is obeyed by what runs the job, and names are anybody’s', () => {
  const evil = 'dev_priya."x\n::add-mask::dropped\n##[error]hm\n##vso[task.complete]\u001b[2J"';
  /** sweep.py itself, with a dbt that answers from files. */
  async function sweeping(answers: Readonly<Record<string, { text: string; code: number }>>): Promise<{ output: string; swept: { problems: string[] } }> {
    const project = path.dirname(path.dirname(sweepScripts()));
    mkdirSync(path.join(project, 'bin'));
    for (const [name, { text, code }] of Object.entries(answers)) {
      writeFileSync(path.join(project, `${name}.txt`), text);
      writeFileSync(path.join(project, `${name}.code`), String(code));
    }
    writeFileSync(path.join(project, 'bin/dbt'), `#!/bin/sh\ncat "${project}/$3.txt"\nexit $(cat "${project}/$3.code")\n`, { mode: 0o755 });
    writeFileSync(path.join(project, 'scripts/dbt_envs/open_prs.py'), `print(${JSON.stringify(JSON.stringify(host({ 4: 9, 5: 9 })))})\n`);
    const { output } = await python(project, ['scripts/dbt_envs/sweep.py'], { env: { PATH: `${project}/bin:/usr/bin:/bin` }, python: 'tools' });
    return { output, swept: JSON.parse(readFileSync(path.join(project, 'target/dbt_envs/sweep.json'), 'utf8')) };
  }
  test('no line of it is a command: neither of what the sweep says, nor of what dbt said before it failed', async () => {
    const answer = { cleared: [{ schema: 'pr_4', how: 'dropped', took_along: [evil] }], kept: [], failed: [{ schema: 'pr_5', why: `no: ${evil}` }] };
    const text = `pr_4: dropped, and with it ${evil}\n${JSON.stringify(answer)}\n\u001b[31mERROR\u001b[0m: ${evil}\n`;
    const { output, swept } = await sweeping({
      env_schemas: { text: JSON.stringify(listing([schema('pr_4', 9), schema('pr_5', 9)])), code: 0 },
      drop_stale_schemas: { text, code: 1 },
    });
    expect(output).toMatch(/^dropped pr_4, and with it dev_priya\."x ::add-mask::dropped/m);
    expect(output).toMatch(/^\| ERROR: dev_priya/m);
    expect(output).toContain('add-mask');
    expect(output).not.toMatch(/^\s*::|##\[|##vso/m);
    expect(output).not.toContain('\u001b');
    expect(swept.problems[0]).toMatch(/^pr_5 could not be cleared: no: dev_priya\."x ::add-mask::dropped # #\[error\]hm/);
  });
});
