import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Failure, type GithubApi, startGithubApi } from '../support/github-api.ts';
import { type GithubScripts, githubScripts, type Mistake, TOKEN } from '../support/github-script.ts';

const NOW = new Date('2026-11-27T03:43:02Z');
const LIST = /\/pulls\?state=all&sort=created/;
const RATE_LIMIT = { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '99999999999' } } as const;
const BLIND = { status: 403, body: '{"message":"Resource not accessible by integration"}' } as const;
const NOT_FOUND = { status: 404, body: '{"message":"Not Found"}' } as const;

let api: GithubApi;
let scripts: GithubScripts;
beforeAll(async () => {
  api = await startGithubApi();
  scripts = githubScripts(api);
});
afterAll(() => api.stop());
beforeEach(() => {
  api.fails();
  api.clock(NOW);
  api.pulls.clear();
});

/** Half of them open, half of them closed. */
const have = (count: number): void => {
  for (let number = 1; number <= count; number += 1) api.pulls.set(number, number % 2 === 0 ? { state: 'open' } : { state: 'closed' });
};
const ask = (...numbers: readonly number[]) => scripts.run('open_prs', numbers.map(String));
const pulls = (output: string): Readonly<Record<string, unknown>> => JSON.parse(output).pulls;
/** The script ended with an error, in one line that says this, and printed nothing that could be taken for an answer. */
async function refused(asked: ReturnType<typeof ask>, saying: string | RegExp): Promise<void> {
  const { code, output } = await asked;
  expect(output).toMatch(/^open_prs: [^\n]+\n$/);
  expect(output).toMatch(saying);
  expect(output).not.toContain('asked_at');
  expect(code).toBe(1);
}

describe('every pull request', () => {
  test('is open, or closed and since when, and the moment is GitHub’s own', async () => {
    api.pulls.set(12, { state: 'closed', closedAt: '2026-11-20T05:17:00Z' });
    api.pulls.set(142, { state: 'open' });
    const { code, output } = await ask();
    expect([code, JSON.parse(output)]).toEqual([
      0,
      { asked_at: '2026-11-27T03:43:02Z', pulls: { 12: { state: 'closed', closed_at: '2026-11-20T05:17:00Z' }, 142: { state: 'open' } } },
    ]);
    expect(api.requests.at(-1)).toBe(`GET /repos/acme/dbt/pulls?state=all&sort=created&direction=asc&per_page=100 Bearer ${TOKEN}`);
  });
  test.each([0, 1, 100, 101, 250, 300])('%d of them, to the last page', async (count) => {
    have(count);
    const before = api.requests.length;
    const { code, output } = await ask();
    expect([code, Object.keys(pulls(output)).length]).toEqual([0, count]);
    expect(api.requests.length - before).toBe(Math.floor(count / 100) + 1);
  });
  test('where the links to the next pages are gone, they are asked for all the same', async () => {
    have(250);
    api.fails(LIST, 'no links');
    expect(Object.keys(pulls((await ask()).output)).length).toBe(250);
  });
  test('a renamed repository is followed, within the API', async () => {
    have(3);
    api.fails(/^GET \/repos\/acme\/dbt\/pulls/, { status: 301, headers: { location: `${api.url}/repositories/1296269/pulls?state=all&per_page=100` } });
    expect(Object.keys(pulls((await ask()).output)).length).toBe(3);
  });

  const FAILURES: readonly [string, Failure, string | RegExp][] = [
    ['half an answer', 'cut off', 'is not whole'],
    ['a connection that ends', 'hang up', 'does not answer'],
    ['no JSON', 'html', 'is not whole'],
    ['another shape', 'wrong shape', 'of another shape'],
    ['an object', { status: 200, body: '{"message":"ok"}' }, 'of another shape'],
    ['401', { status: 401, body: '{"message":"Bad credentials"}' }, /status 401 \(Bad credentials\).*The token is not valid/],
    ['403', BLIND, /status 403 \(Resource not accessible/],
    ['403 and a rate limit', RATE_LIMIT, 'the rate limit is reached. Try again in'],
    ['404 for everything', NOT_FOUND, 'It is not there, or this login may not see acme/dbt'],
    ['422', { status: 422, body: '{"message":"too many pages"}' }, 'status 422 (too many pages)'],
    ['500', { status: 500 }, 'status 500'],
    ['an empty list with status 500', { status: 500, body: '[]' }, 'status 500'],
    ['the same page twice', 'same page', 'the same page twice'],
    ['no last page', 'last page missing', 'ended early'],
    ['a next page elsewhere', 'next page elsewhere', 'said to be at another address'],
    ['a repository that has moved elsewhere', { status: 301, headers: { location: 'https://other.example/repos/acme/dbt/pulls' } }, 'has moved (status 301)'],
    ['a pull request without a number', { status: 200, body: '[{"state":"open","closed_at":null}]' }, 'has no number'],
    ['one that comes twice', { status: 200, body: JSON.stringify(Array(2).fill({ number: 7, state: 'open', closed_at: null })) }, 'pull request 7 came twice'],
  ];
  const saying = (text: string | RegExp) => (typeof text === 'string' ? new RegExp(text.replaceAll(/[().[\]]/g, '\\$&')) : text);
  test.each(FAILURES)('%s: nothing is printed, and the line says why', async (_, failure, text) => {
    have(250);
    api.fails(/./, failure);
    await refused(ask(), saying(text));
  });
  const onePage = FAILURES.filter(([, failure]) => !['same page', 'last page missing', 'next page elsewhere'].includes(String(failure)));
  test.each(onePage)('%s on the last page alone: the same', async (_, failure, text) => {
    have(250);
    api.fails(/[?&]page=3\b/, failure);
    await refused(ask(), saying(text));
  });
  test.each<[string, Failure, string, string]>([
    ['nothing', 'silent', 'TIMEOUT = 30', 'TIMEOUT = 1'],
    ['a byte now and then', 'drips', 'DEADLINE = 600', 'DEADLINE = 1'],
  ])('%s in the time that there is: the same', async (_, failure, from, to) => {
    api.fails(LIST, failure);
    await refused(githubScripts(api, { in: 'json_api', from, to }).run('open_prs'), /timed out|took longer than 1 seconds/);
  });
  test.each([
    ['no clock', null],
    ['a clock that shows no date', 'yesterday'],
    ['a clock of another time zone', 'Fri, 27 Nov 2026 09:13:02 +0530'],
  ])('%s: the same', async (_, says) => {
    have(3);
    api.clock(says);
    await refused(ask(), /do not say when they were given: their Date is missing, or no date/);
  });
  test('the moment is that of the first answer', async () => {
    have(250);
    api.fails(/[?&]page=2\b/, { status: 200, body: '[]', headers: { date: 'Fri, 27 Nov 2026 04:00:00 GMT', link: '' } }, 1);
    const late = await ask();
    expect(late.code).toBe(1);
    api.fails(/./, { status: 502, headers: { date: 'Fri, 27 Nov 2026 01:00:00 GMT' } }, 1);
    expect(JSON.parse((await ask()).output).asked_at).toBe('2026-11-27T03:43:02Z');
  });

  const odd = (pull: object) => ({ status: 200, body: JSON.stringify([{ number: 1, state: 'open', closed_at: null, ...pull }]) });
  test.each([
    ['a state that is none', odd({ state: 'merged' })],
    ['no state', odd({ state: null })],
    ['closed, and not since when', odd({ state: 'closed' })],
    ['closed since no moment', odd({ state: 'closed', closed_at: 'yesterday' })],
    ['closed since a moment without a time zone', odd({ state: 'closed', closed_at: '2026-11-20T05:17:00' })],
    ['open, and closed since', odd({ closed_at: '2026-11-20T05:17:00Z' })],
  ])('%s: the same', async (_, failure) => {
    api.fails(LIST, failure);
    await refused(ask(), /did not say whether pull request 1 is open or since when/);
  });
});

describe('pull requests by their numbers', () => {
  beforeEach(() => {
    api.pulls.set(12, { state: 'closed', closedAt: '2026-11-20T05:17:00Z' });
    api.pulls.set(142, { state: 'open' });
  });
  test('are asked for one by one, now; a number that is unknown is not there', async () => {
    const before = api.requests.length;
    const { code, output } = await ask(142, 9, 12, 142);
    expect([code, JSON.parse(output)]).toEqual([
      0,
      { asked_at: '2026-11-27T03:43:02Z', pulls: { 12: { state: 'closed', closed_at: '2026-11-20T05:17:00Z' }, 142: { state: 'open' } } },
    ]);
    const asked = api.requests.slice(before).map((line) => line.split(' ')[1]?.replace('/repos/acme/dbt', ''));
    const control = ['', '/pulls?state=all&per_page=1'];
    expect(asked).toEqual([...control, '/pulls/142', '/pulls/9', '/pulls/12', ...control]);
  });
  test('none of them known is an answer too, while the repository is seen', async () => {
    expect(pulls((await ask(7, 8)).output)).toEqual({});
  });

  const alone = (where: RegExp, failure: Failure, saying: RegExp, times?: number) => [where, failure, saying, times] as const;
  test.each([
    ['404 for everything: a login that lost its rights', ...alone(/./, NOT_FOUND, /It is not there, or this login may not see acme\/dbt/)],
    ['404 for the pull requests alone', ...alone(/\/pulls/, NOT_FOUND, /may not see acme\/dbt/)],
    ['a repository that shows itself, and no list', ...alone(/\/pulls\?/, BLIND, /status 403/)],
    ['a list of another shape', ...alone(/\/pulls\?/, 'wrong shape', /did not show the pull requests/)],
    ['a 404 of a proxy', ...alone(/\/pulls\/9/, { status: 404, body: '<html>not found</html>' }, /status 404/)],
    ['a 404 in other words', ...alone(/\/pulls\/9/, { status: 404, body: '{"message":"Route not found"}' }, /Route not found/)],
    ['410', ...alone(/\/pulls\/9/, { status: 410, body: '{"message":"Gone"}' }, /status 410/)],
    ['401', ...alone(/\/pulls\/9/, { status: 401 }, /The token is not valid/)],
    ['a rate limit', ...alone(/\/pulls\/9/, RATE_LIMIT, /the rate limit is reached/)],
    ['500', ...alone(/\/pulls\/9/, { status: 500 }, /status 500/)],
    ['no JSON', ...alone(/\/pulls\/9/, 'html', /is not whole/)],
    ['half an answer', ...alone(/\/pulls\/9/, 'cut off', /is not whole/)],
    [
      'another pull request',
      ...alone(/\/pulls\/9/, { status: 200, body: '{"number":1,"state":"closed","closed_at":"2026-11-20T05:17:00Z"}' }, /another pull request than 9/),
    ],
    ['a state that is none', ...alone(/\/pulls\/9/, { status: 200, body: '{"number":9,"state":"merged"}' }, /did not say whether pull request 9/)],
    [
      'closed, and not since when',
      ...alone(/\/pulls\/9/, { status: 200, body: '{"number":9,"state":"closed","closed_at":null}' }, /did not say whether pull request 9/),
    ],
    ['another repository', ...alone(/\/repos\/acme\/dbt$|\/repos\/acme\/dbt /, { status: 200, body: '{"message":"ok"}' }, /did not show the repository/)],
  ])('%s: nothing is printed, and the line says why', async (_, where, failure, saying) => {
    api.fails(where, failure);
    await refused(ask(142, 9, 12), saying);
  });
  test('a 404 counts only while the repository is still seen: rights that end between two questions are noticed', async () => {
    for (const [where, saying] of [
      [/\/dbt$/, /may not see acme\/dbt/],
      [/per_page=1$/, /may not see acme\/dbt/],
    ] as const) {
      api.fails();
      api.fails(where, NOT_FOUND);
      api.fails(/./, 'not yet', 3);
      const order = api.requests.length;
      await refused(ask(9), saying);
      expect(api.requests[order + 2]).toContain('/pulls/9 ');
    }
  });
  test.each([
    ['a schema', 'pr_142'],
    ['zero', '0'],
    ['a leading zero', '007'],
    ['a word', 'all'],
    ['shell', '1;id'],
  ])('%s is no number', async (_, number) => {
    const before = api.requests.length;
    await refused(scripts.run('open_prs', ['12', number]), /give pull requests by their numbers/);
    expect(api.requests.length).toBe(before);
  });
});

describe('and a mistake in it would be seen', () => {
  const planted = (mistake: Mistake, ...numbers: readonly string[]) => githubScripts(api, mistake).run('open_prs', numbers);
  test('a 404 that is believed, whoever says it', async () => {
    api.pulls.set(142, { state: 'open' });
    api.fails(/\/pulls\/142/, { status: 404, body: '<html>' });
    const careless = { in: 'open_prs', from: 'refused.status != 404 or refused.message != "Not Found"', to: 'refused.status != 404' };
    expect(pulls((await planted(careless, '142')).output)).toEqual({});
  });
  test('a repository that nobody asked for', async () => {
    api.pulls.set(142, { state: 'open' });
    api.fails(/./, NOT_FOUND);
    api.fails(/\/dbt$/, 'not yet', 1);
    const sight = '    if not isinstance(api.get("").get("id"), int):';
    const careless = { in: 'open_prs', from: sight, to: `    api.get("") if api.service.date is None else None\n    return\n${sight}` };
    expect(pulls((await planted(careless, '142')).output)).toEqual({});
  });
  test('an answer about another pull request', async () => {
    api.fails(/\/pulls\/9/, { status: 200, body: '{"number":1,"state":"open","closed_at":null}' });
    const careless = { in: 'open_prs', from: 'if pull.get("number") != number:', to: 'if False:' };
    expect(pulls((await planted(careless, '9')).output)).toEqual({ 9: { state: 'open' } });
  });
  test('a list that is printed before it is whole', async () => {
    have(250);
    api.fails(/[?&]page=3\b/, { status: 500 });
    const careless = {
      in: 'open_prs',
      from: '        pulls[str(number)] = state_of(pull, number)\n',
      to: '        pulls[str(number)] = state_of(pull, number)\n        print(number)\n',
    };
    expect((await planted(careless)).output).toMatch(/^1\n/);
  });
});

test('the token stands in nothing that was printed', () => {
  expect(scripts.printed.length).toBeGreaterThan(50);
  expect(scripts.printed.join('\n')).not.toContain(TOKEN);
});
