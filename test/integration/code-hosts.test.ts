import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { codeHosts } from '../../src/catalogue.ts';
import { HOSTS, type HostStage, type Mistake, WAYS_TO_FAIL } from '../support/code-hosts.ts';

/** What docs/adding-a-code-host.md asks of every code host, over real HTTP. The sweep drops schemas on these words. */
test('every code host is on the stage', () => expect(Object.keys(HOSTS).sort()).toEqual(codeHosts.map(({ id }) => id).sort()));

const HEAD = 'c'.repeat(40);
const closed = (time: string) => ({ state: 'closed', closed_at: `2026-11-20T${time}Z` });

describe.each(Object.keys(HOSTS))('%s', (id) => {
  let host: HostStage;
  let numbers: number[] = [];
  beforeAll(async () => {
    host = await (HOSTS[id] as (typeof HOSTS)[string])();
  });
  afterAll(() => host.stop());
  beforeEach(() => {
    host.fails();
    for (const number of numbers) host.remove(number);
    numbers = [];
  });
  const put = (number: number, ...pull: Parameters<HostStage['put']> extends [number, ...infer Rest] ? Rest : never): void => {
    numbers.push(number);
    host.put(number, ...pull);
  };
  const have = (count: number): void => {
    for (let number = 1; number <= count; number += 1) put(number, { state: number % 2 === 0 ? 'open' : 'closed' });
  };
  /** It ended with an error, in one line without the login, and printed nothing that could be taken for an answer. */
  const refused = async (asked: ReturnType<HostStage['run']>): Promise<void> => {
    const { code, output } = await asked;
    expect(output).toMatch(/^(?:open_prs|pull_request_state): [^\n]+\n$/);
    expect(output).not.toContain(host.secret);
    expect(code).toBe(1);
  };
  const pulls = (output: string): Readonly<Record<string, unknown>> => JSON.parse(output).pulls;

  test('lists every pull request, open, closed or merged and since when, by its own clock', async () => {
    put(12, { state: 'closed', closedAt: '2026-11-20T05:17:00Z' });
    put(13, { state: 'merged', closedAt: '2026-11-21T05:17:00Z' });
    put(142, { state: 'open' });
    const { code, output } = await host.run('open_prs');
    expect(code, output).toBe(0);
    expect(pulls(output)).toEqual({
      12: { state: 'closed', closed_at: '2026-11-20T05:17:00Z' },
      13: { state: 'closed', closed_at: '2026-11-21T05:17:00Z' },
      142: { state: 'open' },
    });
    expect(Math.abs(Date.parse(JSON.parse(output).asked_at) - Date.now())).toBeLessThan(10_000);
  });
  test.each([0, 1, 100, 101, 200, 250])('lists %d of them, to the last page', async (count) => {
    have(count);
    const { code, output } = await host.run('open_prs');
    expect([code, Object.keys(pulls(output)).length]).toEqual([0, count]);
  });
  test.each(WAYS_TO_FAIL)('says nothing where the list fails: %s', async (how) => {
    have(250);
    host.fails(how, how === 'same page' ? 2 : 1);
    await refused(host.run('open_prs'));
  });
  test.each(WAYS_TO_FAIL.filter((how) => how !== 'last page missing'))('says nothing where the second page fails: %s', async (how) => {
    have(250);
    host.fails(how, 2);
    await refused(host.run('open_prs'));
  });
  test('asked for some, answers for those alone, as they are now', async () => {
    have(4);
    const { output } = await host.run('open_prs', '2', '3');
    expect(Object.keys(pulls(output))).toEqual(['2', '3']);
    put(3, { state: 'open' });
    expect(pulls((await host.run('open_prs', '3')).output)).toEqual({ 3: { state: 'open' } });
  });
  test('one that it does not know is left out, by its own word', async () => {
    have(2);
    expect(pulls((await host.run('open_prs', '1', '99')).output)).toEqual({ 1: { state: 'closed', closed_at: '2026-11-20T05:17:00Z' } });
  });
  test.each(WAYS_TO_FAIL.filter((how) => !['same page', 'last page missing'].includes(String(how))))(
    'asked for one, says nothing where the answer fails: %s',
    async (how) => {
      have(2);
      for (const from of [1, 2, 3]) {
        host.fails(how, from);
        await refused(host.run('open_prs', '1', '2'));
      }
    },
  );
  test.each(['0', '-1', '1.5', 'x', '1 2', '99999999999', '../issues'])('%s is no number of a pull request', async (number) => {
    await refused(host.run('open_prs', '--', number));
    await refused(host.run('pull_request_state', number));
  });
  test('says whether one is open, closed, or has moved on', async () => {
    put(1, { state: 'open', sha: HEAD });
    put(2, { state: 'closed', sha: HEAD });
    put(3, { state: 'merged', sha: HEAD });
    const state = async (...args: readonly string[]) => (await host.run('pull_request_state', ...args)).output.trim();
    expect(await state('1')).toBe('open');
    expect(await state('1', HEAD)).toBe('open');
    expect(await state('1', 'd'.repeat(40))).toBe('moved');
    for (const closed of ['2', '3']) expect(await state(closed, 'd'.repeat(40))).toBe('closed');
    await refused(host.run('pull_request_state', '99'));
  });
  test.each(WAYS_TO_FAIL.filter((how) => !['same page', 'last page missing'].includes(String(how))))('says neither where the answer fails: %s', async (how) => {
    put(1, { state: 'open' });
    host.fails(how);
    await refused(host.run('pull_request_state', '1'));
  });
});

describe("gitlab's own", () => {
  let host: HostStage;
  beforeAll(async () => {
    host = await (HOSTS.gitlab as (typeof HOSTS)[string])();
  });
  afterAll(() => host.stop());
  test.each([
    ['one that is being merged is open', { state: 'locked' }, { state: 'open' }],
    ['a time with an offset is read, and its fraction rounded up', { state: 'closed', closedAt: '2026-11-20T06:17:00.001+01:00' }, closed('05:17:01')],
    [
      'where the time is missing, the later one of the last change counts',
      { state: 'merged', closedAt: null },
      { ...closed(''), closed_at: '2026-11-22T05:17:01Z' },
    ],
  ] as const)('%s', async (_, pull, answer) => {
    host.put(5, pull);
    expect(JSON.parse((await host.run('open_prs', '5')).output).pulls).toEqual({ 5: answer });
  });
  test.each([{ state: 'reopening' }, { state: '' }, { state: 'closed', closedAt: 'yesterday' }, { state: 'closed', closedAt: '2026-11-20T05:17:00' }])(
    'nothing is concluded from %o',
    async (pull) => {
      host.put(5, pull);
      const { code, output } = await host.run('open_prs', '5');
      expect([code, output]).toEqual([1, 'open_prs: GitLab did not say whether merge request 5 is open or since when it is closed.\n']);
    },
  );
});

/** Each is a mistake that the tests above would find: here the very case that finds it. */
const MISTAKES: readonly (readonly [string, Mistake, (host: HostStage) => Promise<boolean>])[] = [
  [
    'gitlab: the first page is taken for all',
    { in: 'gitlab_api', from: 'if following == "" and len(items) < PER_PAGE:', to: 'if True:' },
    async (host) => {
      for (let number = 1; number <= 250; number += 1) host.put(number, { state: 'open' });
      return (await host.run('open_prs')).code !== 0;
    },
  ],
  [
    'gitlab: a merge request that is being merged counts as closed',
    { in: 'open_prs', from: 'if state in ("opened", "locked"):', to: 'if state == "opened":' },
    async (host) => {
      host.put(1, { state: 'locked' });
      return (await host.run('open_prs')).code !== 0;
    },
  ],
  [
    'gitlab: an unknown state counts as closed',
    { in: 'open_prs', from: 'if state not in ("closed", "merged") or not', to: 'if not' },
    async (host) => {
      host.put(1, { state: 'reopening' });
      return (await host.run('open_prs')).code === 0;
    },
  ],
  [
    'github: the first page is taken for all',
    { in: 'github_api', from: 'if following == "" and len(items) >= PER_PAGE:', to: 'following = ""\n            if False:' },
    async (host) => {
      for (let number = 1; number <= 250; number += 1) host.put(number, { state: 'open' });
      return (await host.run('open_prs')).code !== 0;
    },
  ],
];
test.each(MISTAKES)('a planted mistake is found: %s', async (name, mistake, shows) => {
  const host = await (HOSTS[name.split(':')[0] ?? ''] as (typeof HOSTS)[string])(mistake);
  expect(await shows(host)).toBe(true);
  await host.stop();
});
