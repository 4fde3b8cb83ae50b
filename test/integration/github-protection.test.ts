import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Branch, type Failure, type GithubApi, startGithubApi } from '../support/github-api.ts';
import { type GithubScripts, githubScripts, TOKEN } from '../support/github-script.ts';

const FREE = { status: 403, body: '{"message":"Upgrade to GitHub Pro or make this repository public to enable this feature."}' } as const;
const BLIND = { status: 403, body: '{"message":"Resource not accessible by integration"}' } as const;
const LIMIT = { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '99999999999' } } as const;
const [BRANCH, RULES] = [/\/repos\/acme\/dbt\/branches\/main/, /\/rules\/branches\/main/];

let api: GithubApi;
let scripts: GithubScripts;
beforeAll(async () => {
  api = await startGithubApi();
  scripts = githubScripts(api);
});
afterAll(() => api.stop());
beforeEach(() => {
  api.fails();
  api.branches.clear();
  api.rules.length = 0;
});

const main = (given: Partial<Branch>) => api.branches.set('main', { sha: 'a'.repeat(40), protected: false, classic: false, ...given });
const ask = (env: Record<string, string> = {}) => scripts.run('main_is_protected', [], env);

test.each(['pull_request', 'merge_queue', 'update'])('a ruleset with %s protects it', async (type) => {
  main({ protected: true });
  api.rules.push({ type: 'deletion' }, { type });
  expect(await ask()).toEqual({ code: 0, output: 'main changes by pull request alone: a ruleset says so.\n' });
});

test('a branch protection rule protects it, as far as a job may see', async () => {
  main({ protected: true, classic: true });
  const { code, output } = await ask();
  expect([code, output]).toEqual([0, 'main has a branch protection rule. Whether it asks for a pull request is shown to administrators alone.\n']);
});

const BARE: readonly [string, Partial<Branch>, string[]][] = [
  ['nothing protects it', {}, []],
  ['a ruleset asks for signed commits alone', { protected: true }, ['required_signatures', 'deletion', 'non_fast_forward']],
  ['a ruleset asks for checks alone', { protected: true }, ['required_status_checks']],
];
test.each(BARE)('where %s, the deploy stops, and it says what to do', async (_, branch, rules) => {
  main(branch);
  api.rules.push(...rules.map((type) => ({ type })));
  const { code, output } = await ask();
  expect(code).toBe(1);
  expect(output).toMatch(
    /^main_is_protected: main can be changed without a pull request: .*Settings, Rules, Rulesets.*DBT_ENVS_UNPROTECTED_MAIN to accepted\.\n$/,
  );
});

test('an administrator may accept that: each deploy then warns', async () => {
  const { code, output } = await ask({ DBT_ENVS_UNPROTECTED_MAIN: 'accepted' });
  expect([code, output.startsWith('::warning title=main is not protected::main can be changed without a pull request')]).toEqual([0, true]);
  expect((await ask({ DBT_ENVS_UNPROTECTED_MAIN: 'true' })).code).toBe(1);
});

const UNSEEN: readonly [string, RegExp, Failure, string][] = [
  ['the plan has no rules: a private repository on GitHub Free', RULES, FREE, 'status 403 (Upgrade to GitHub Pro'],
  ['the token may not read the rules', RULES, BLIND, 'status 403 (Resource not accessible'],
  ['the server is too old to have them', RULES, { status: 404, body: '{"message":"Not Found"}' }, 'status 404 (Not Found).'],
  ['the token may not read the branch', BRANCH, BLIND, 'status 403 (Resource not accessible'],
];
test.each(UNSEEN)('where %s, it warns that it cannot be seen, and the deploy goes on', async (_, where, failure, saying) => {
  api.fails(where, failure);
  const { code, output } = await ask();
  expect([code, output.startsWith('::warning title=Whether main is protected cannot be seen::'), output.includes(saying)]).toEqual([0, true, true]);
});
test('what the rules say counts, though the branch cannot be read', async () => {
  api.fails(BRANCH, BLIND);
  api.rules.push({ type: 'pull_request' });
  expect((await ask()).code).toBe(0);
});

const BROKEN: readonly [string, Failure, string][] = [
  ['401', { status: 401 }, 'The token is not valid'],
  ['500', { status: 500 }, 'status 500'],
  ['a rate limit, which is no answer', LIMIT, 'the rate limit is reached'],
  ['half an answer', 'cut off', 'is not whole'],
  ['no JSON', 'html', 'is not whole'],
  ['another shape', 'wrong shape', 'of another shape'],
];
test.each(BROKEN.flatMap(([how, failure, saying]) => [BRANCH, RULES].map((where) => [how, where, failure, saying] as const)))(
  'where GitHub answers with %s, the deploy stops (%s)',
  async (_, where, failure, saying) => {
    main({});
    api.fails(where, failure);
    const { code, output } = await ask({ DBT_ENVS_UNPROTECTED_MAIN: 'accepted' });
    expect([code, output.includes(saying), output.startsWith('main_is_protected: ')]).toEqual([1, true, true]);
  },
);
test('a branch that is not there is a wrong name, not one that cannot be seen', async () => {
  api.fails(BRANCH, { status: 404, body: '{"message":"Branch not found"}' });
  expect(await ask()).toEqual({ code: 1, output: "main_is_protected: acme/dbt has no branch main. Is that the main branch's name?\n" });
});

test('the token stands in nothing that was printed', () => expect(scripts.printed.join('\n')).not.toContain(TOKEN));
