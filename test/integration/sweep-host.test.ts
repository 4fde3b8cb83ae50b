import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Failure, type GithubApi, startGithubApi } from '../support/github-api.ts';
import { listing, nightAsking, schema, sweepScripts } from '../support/sweep.ts';

/** The sweep with the emitted open_prs.py and a GitHub over HTTP that fails in every way: nothing goes, dev schemas included. */
const scripts = sweepScripts();
const CLOSED = new Date(Date.now() - 9 * 86_400_000).toISOString().replace(/\.\d+/, '');
const LIST = /GET .*\/pulls\?state=all&sort/;
const ONE = /GET .*\/pulls\/[0-9]+ ?$|GET .*\/pulls\/[0-9]+/;
let api: GithubApi;
beforeAll(async () => {
  api = await startGithubApi();
});
afterAll(() => api?.stop());
beforeEach(() => {
  api.fails();
  api.pulls.clear();
  for (let number = 1; number <= 250; number++) api.pulls.set(number, number === 7 ? { state: 'open' } : { state: 'closed', closedAt: CLOSED });
});
const world = { listing: listing([schema('pr_4', 9), schema('pr_7', 90), schema('pr_204', 9), schema('dev_sam', 99)]), host: 'real' };
const run = () => nightAsking(api.url, scripts, world);

test('as it should be: every page is read, and the right ones go', async () => {
  const { cleared, result } = await run();
  expect(cleared).toEqual(['pr_4', 'pr_204', 'dev_sam']);
  expect(result).toMatchObject({ ok: true });
  expect(api.requests.filter((line) => LIST.test(line)).length).toBeGreaterThanOrEqual(3);
});

test.each<[string, Failure, RegExp]>([
  ['half of an answer', 'cut off', /not whole/],
  ['no JSON', 'html', /not whole/],
  ['401', { status: 401, body: '{"message":"Bad credentials"}' }, /status 401/],
  [
    '403, the rate limit',
    { status: 403, body: '{"message":"API rate limit exceeded"}', headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9999999999' } },
    /rate limit/,
  ],
  ['404', { status: 404, body: '{"message":"Not Found"}' }, /status 404/],
  ['500', { status: 500 }, /status 500/],
  ['an end without an answer', 'hang up', /does not answer|not whole/],
  ['the same page again and again', 'same page', /same page twice/],
  ['no last page', 'last page missing', /ended early, at page 3 of 3/],
  ['the next page somewhere else', 'next page elsewhere', /leads|elsewhere|another/],
  ['another shape', 'wrong shape', /another shape/],
])('the list comes with %s: nothing goes, and the run says why', async (_, how, why) => {
  api.fails(LIST, how, 9);
  const { cleared, problem, log } = await run();
  expect(cleared).toEqual([]);
  expect(problem).toBe('GitHub does not say which pull requests are open (why, stands above), so nothing more is cleared.');
  expect(log).toMatch(why);
});

test('links are taken off on the way: all of it is found all the same', async () => {
  api.fails(LIST, 'no links', 9);
  expect((await run()).cleared).toEqual(['pr_4', 'pr_204', 'dev_sam']);
});

test.each<[string, Failure]>([
  ['500', { status: 500 }],
  ['404, as for whoever may see nothing any more', { status: 404, body: '{"message":"Not Found"}' }],
  ['half of an answer', 'cut off'],
])('each by itself comes with %s just before the drop: nothing goes, and the run fails', async (_, how) => {
  api.fails(ONE, how, 99);
  const { cleared, result } = await run();
  expect(cleared.filter((name) => name.startsWith('pr_'))).toEqual([]);
  expect(result?.ok).toBe(false);
});

test('404 for everything after the list: nothing goes', async () => {
  api.fails(/GET (?!.*state=all&sort)/, { status: 404, body: '{"message":"Not Found"}' }, 99);
  const { cleared, result } = await run();
  expect(cleared).toEqual([]);
  expect(result?.ok).toBe(false);
});
