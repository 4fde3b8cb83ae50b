import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Failure, type GithubApi, startGithubApi } from '../support/github-api.ts';
import { type GithubScripts, git, githubScripts, TOKEN } from '../support/github-script.ts';

let api: GithubApi;
let scripts: GithubScripts;
const printed: string[] = [];
beforeAll(async () => {
  api = await startGithubApi();
});
afterAll(() => api.stop());
afterEach(() => {
  printed.push(...scripts.printed);
});
beforeEach(() => {
  scripts = githubScripts(api);
  api.fails();
  api.says('open');
});

const PULL = /^GET \/repos\/acme\/dbt\/pulls\/142/;
const state = (env: Record<string, string> = {}, of = scripts) => of.run('pull_request_state', ['142'], env);
const asked = () => api.requests.filter((line) => PULL.test(line)).length;

describe('where the repository is', () => {
  const HOST = 'print(*github_api.host_and_repository(REMOTE), sep=" ")';
  test.each([
    ['https://github.com/acme/dbt.git', 'github.com acme/dbt'],
    ['https://github.com/acme/dbt', 'github.com acme/dbt'],
    ['https://github.com/acme/dbt/', 'github.com acme/dbt'],
    ['https://sam:pa55word@github.com/acme/dbt.git', 'github.com acme/dbt'],
    ['https://ghe.acme.example:8443/acme/dbt.git', 'ghe.acme.example:8443 acme/dbt'],
    ['ssh://git@github.com/acme/dbt.git', 'github.com acme/dbt'],
    ['ssh://git@ssh.github.com:443/acme/dbt.git', 'ssh.github.com acme/dbt'],
    ['git@github.com:acme/dbt.git', 'github.com acme/dbt'],
    ['org-1234@GitHub.com:acme/dbt', 'github.com acme/dbt'],
    ['github.com:acme/dbt.dbt.git', 'github.com acme/dbt.dbt'],
    ['git@ghe.acme.example:acme/dbt.git', 'ghe.acme.example acme/dbt'],
  ])('%s is %s', async (remote, found) => {
    expect((await scripts.ask(`REMOTE = ${JSON.stringify(remote)}\n${HOST}`)).output).toBe(`${found}\n`);
  });
  test.each([
    '/srv/git/dbt.git',
    '../dbt',
    'C:\\repos\\dbt',
    'file:///srv/dbt.git',
    'https://sam:pa55word@github.com/acme',
    'https://github.com/a/b/c',
    'git@x:',
  ])('%s is none, and is not printed: it may hold a password', async (remote) => {
    const { output } = await scripts.ask(
      `try:\n  github_api.host_and_repository(${JSON.stringify(remote)})\nexcept github_api.Problem as problem: print(problem)`,
    );
    expect(output).toMatch(/^the git remote "origin" is no repository on GitHub\. Set GITHUB_REPOSITORY=owner\/name/);
    expect(output).not.toContain('pa55word');
  });
  test.each([
    ['github.com', 'https://api.github.com'],
    ['ssh.github.com', 'https://api.github.com'],
    ['acme.ghe.com', 'https://api.acme.ghe.com'],
    ['ghe.acme.example', 'https://ghe.acme.example/api/v3'],
    ['ghe.acme.example:8443', 'https://ghe.acme.example:8443/api/v3'],
  ])('the API of %s is %s', async (host, base) => {
    expect((await scripts.ask(`print(github_api.api_of("${host}"))`)).output).toBe(`${base}\n`);
  });

  test('is read from git, from a folder inside of it too, where the environment does not say', async () => {
    await git(scripts.folder, 'init', '--quiet');
    await git(scripts.folder, 'remote', 'add', 'origin', 'git@ghe.acme.example:acme/dbt.git');
    const code = 'api = github_api.connect(HERE / "scripts/dbt_envs"); print(api.service.base, api.repository)';
    expect((await scripts.ask(code, { GITHUB_TOKEN: TOKEN })).output).toBe('https://ghe.acme.example/api/v3 acme/dbt\n');
    expect((await scripts.ask(code, { GITHUB_TOKEN: TOKEN, GITHUB_REPOSITORY: 'acme/other' })).output).toBe('https://api.github.com acme/other\n');
    expect((await state({ GITHUB_REPOSITORY: '' })).output).toBe('open\n');
  });
  test.each<[string, Record<string, string>, string]>([
    ['no remote', { GITHUB_REPOSITORY: '' }, 'this folder has no git remote "origin". Set GITHUB_REPOSITORY=owner/name.'],
    ['a repository that is none', { GITHUB_REPOSITORY: 'acme/dbt/../x' }, 'GITHUB_REPOSITORY is not owner/name.'],
    ['an API without TLS', { GITHUB_API_URL: 'http://ghe.acme.example/api/v3' }, 'GITHUB_API_URL is no https:// address, and a login goes nowhere else.'],
    ['an API that is a file', { GITHUB_API_URL: 'file:///etc/passwd' }, 'GITHUB_API_URL is no https:// address'],
    ['a token with a line break', { GITHUB_TOKEN: 'x\r\nHost: y' }, 'holds a character that no token has'],
  ])('%s: one line says what to do', async (_, env, saying) => {
    const { code, output } = await state(env);
    expect([code, output.startsWith('pull_request_state: '), output.includes(saying), output.trim().split('\n').length]).toEqual([1, true, true, 1]);
  });
});

describe('whose login is taken', () => {
  const OTHERS = { GITHUB_TOKEN: '', GIT_CONFIG_NOSYSTEM: '1' };
  const file = (name: string) => path.join(scripts.folder, name);
  const program = (name: string, text: string) => {
    mkdirSync(file('bin'), { recursive: true });
    writeFileSync(file(`bin/${name}`), `#!/bin/sh\n${text}\n`);
    chmodSync(file(`bin/${name}`), 0o755);
  };
  const onPath = () => ({ ...OTHERS, PATH: `${file('bin')}:/usr/bin:/bin` });
  const withGh = (token: string) => program('gh', `echo "gh $*" >> "${file('calls')}"\n${token === '' ? 'exit 1' : `echo ${token}`}`);
  const withGit = async (token: string) => {
    await git(scripts.folder, 'init', '--quiet');
    await git(scripts.folder, 'config', 'credential.helper', `!f() { cat >> "${file('asked')}"; echo username=sam; echo password=${token}; }; f`);
    program('git', `echo "git $*" >> "${file('calls')}"\nexec /usr/bin/git "$@"`);
  };
  const used = () => api.requests.at(-1)?.split(' Bearer ')[1];

  test('GITHUB_TOKEN, then GH_TOKEN, then that of gh, then what git has stored', async () => {
    withGh('of-gh');
    await withGit('of-git');
    await state({ ...onPath(), GITHUB_TOKEN: 'of-the-job', GH_TOKEN: 'of-gh-token' });
    expect(used()).toBe('of-the-job');
    await state({ ...onPath(), GH_TOKEN: 'of-gh-token' });
    expect(used()).toBe('of-gh-token');
    expect(existsSync(file('calls'))).toBe(false);
    await state(onPath());
    expect(used()).toBe('of-gh');
    withGh('');
    await state(onPath());
    expect(used()).toBe('of-git');
    const calls = readFileSync(file('calls'), 'utf8');
    expect(calls).toContain(`gh auth token --hostname ${new URL(api.url).host}\n`);
    expect(calls).toContain('credential fill\n');
    expect(calls).not.toMatch(/of-(gh|git|the-job)/);
    expect(readFileSync(file('asked'), 'utf8')).toContain(`protocol=http\nhost=${new URL(api.url).host}\n`);
    expect(scripts.printed.join('')).toBe('open\nopen\nopen\nopen\n');
  });

  test('nobody is asked for one: no prompt, no window', async () => {
    await git(scripts.folder, 'init', '--quiet');
    program('askpass', `echo asked >> "${file('asked')}"; echo typed`);
    await git(scripts.folder, 'config', 'core.askPass', file('bin/askpass'));
    const env = { ...onPath(), GIT_ASKPASS: file('bin/askpass'), SSH_ASKPASS: file('bin/askpass'), DISPLAY: ':0' };
    const { code, output } = await state(env);
    const host = new URL(api.url).host;
    expect([code, output]).toEqual([1, `pull_request_state: there is no login for ${host}. Run: gh auth login --hostname ${host} (or set GITHUB_TOKEN).\n`]);
    expect(existsSync(file('asked'))).toBe(false);
    // git would have asked, had it not been told.
    const careless = githubScripts(api, { in: 'json_api', from: 'env={**os.environ, **silent}', to: 'env=None' });
    await git(careless.folder, 'init', '--quiet');
    await state(env, careless);
    expect(readFileSync(file('asked'), 'utf8')).toContain('asked');
  });

  test('a helper that fails, or has nothing, is passed over without its words', async () => {
    await git(scripts.folder, 'init', '--quiet');
    await git(scripts.folder, 'config', 'credential.helper', `!f() { echo secret-in-an-error >&2; exit 1; }; f`);
    const { code, output } = await state(onPath());
    expect([code, output.includes('there is no login'), output.includes('secret-in-an-error')]).toEqual([1, true, false]);
  });
});

describe('an answer that is late', () => {
  test.each<[string, Failure]>([
    ['a secondary rate limit that says how long', { status: 429, headers: { 'retry-after': '1' } }],
    ['one with status 403', { status: 403, headers: { 'retry-after': '1' } }],
    ['a gateway that has trouble', { status: 502 }],
  ])('after %s, GitHub is asked again', async (_, failure) => {
    const before = asked();
    api.fails(PULL, failure, 2);
    expect(await state()).toEqual({ code: 0, output: 'open\n' });
    expect(asked()).toBe(before + 3);
  });
  test('after the third time, no more', async () => {
    const before = asked();
    api.fails(PULL, { status: 429, headers: { 'retry-after': '1' } });
    const { code, output } = await state();
    expect([code, output.includes('the rate limit is reached. Try again in 1 minutes.'), asked()]).toEqual([1, true, before + 3]);
  });
  test.each<[string, Failure, string]>([
    [
      'a limit that ends in an hour',
      { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.floor(Date.now() / 1000) + 3600) } },
      'Try again in 6',
    ],
    ['a limit that does not say', { status: 429 }, 'the rate limit is reached'],
    ['a refusal that is no limit', { status: 403 }, 'This login may not do that'],
    ['a token that is none', { status: 401 }, 'The token is not valid'],
  ])('%s is not waited for', async (_, failure, saying) => {
    const before = asked();
    api.fails(PULL, failure);
    const { code, output } = await state();
    expect([code, output.includes(saying), asked()]).toEqual([1, true, before + 1]);
  });
  test.each<[string, Failure, string, string]>([
    ['nothing', 'silent', 'TIMEOUT = 30', 'TIMEOUT = 1'],
    ['a byte now and then', 'drips', 'DEADLINE = 600', 'DEADLINE = 1'],
  ])('with %s in the time that there is, the script ends', async (_, failure, from, to) => {
    api.fails(PULL, failure);
    const started = Date.now();
    const { code, output } = await state({}, githubScripts(api, { in: 'json_api', from, to }));
    expect([code, /timed out|took longer than 1 seconds/.test(output), Date.now() - started < 10_000]).toEqual([1, true, true]);
  });
});

describe('an answer that leads elsewhere', () => {
  const moved = (location: string): Failure => ({ status: 301, headers: { location } });
  test('a renamed repository is followed, within the API', async () => {
    api.fails(PULL, moved(`${api.url}/repositories/1296269/pulls/142`));
    expect(await state()).toEqual({ code: 0, output: 'open\n' });
  });
  test('another address is not, and never gets the token', async () => {
    const other = await startGithubApi();
    api.fails(PULL, moved(`${other.url}/repos/acme/dbt/pulls/142`));
    const { code, output } = await state();
    expect([code, output.includes('has moved (status 301). Was the repository renamed?'), other.requests]).toEqual([1, true, []]);
    // Python's own way to follow would have handed it over.
    await state({}, githubScripts(api, { in: 'json_api', from: 'build_opener(NoRedirect)', to: 'build_opener()' }));
    expect(other.requests).toEqual(['GET /repos/acme/dbt/pulls/142 ']);
    const careless = githubScripts(api, {
      in: 'json_api',
      from: 'request.add_unredirected_header(*self.login)',
      to: 'request.add_header(*self.login)',
    });
    const file = path.join(careless.folder, 'scripts/dbt_envs/json_api.py');
    writeFileSync(file, readFileSync(file, 'utf8').replace('build_opener(NoRedirect)', 'build_opener()'));
    await state({}, careless);
    expect(other.requests.at(-1)).toBe(`GET /repos/acme/dbt/pulls/142 Bearer ${TOKEN}`);
    await other.stop();
  });
  test('in a circle, it ends', async () => {
    api.fails(/./, moved(`${api.url}/repositories/1296269/pulls/142`));
    expect((await state()).output).toContain('leads from one address to the next');
  });
});

describe('every page of a list', () => {
  const numbers = (env = {}) =>
    scripts.ask(
      'api = github_api.connect(HERE)\ntry:\n  print(len([one["number"] for one in api.every("/pulls?state=open")]))\nexcept github_api.Problem as problem: print(problem)',
      { GITHUB_API_URL: api.url, GITHUB_REPOSITORY: 'acme/dbt', GITHUB_TOKEN: TOKEN, ...env },
    );
  beforeEach(() => api.pulls.clear());
  afterAll(() => api.pulls.clear());
  const open = (count: number) => {
    for (let by = 1; by <= count; by += 1) api.pulls.set(by, { state: 'open' });
    api.pulls.set(9999, { state: 'closed' });
  };
  test.each([0, 1, 99, 100, 101, 200, 250])('%d of them', async (count) => {
    open(count);
    expect((await numbers()).output).toBe(`${count}\n`);
  });
  test.each<[Failure, string]>([
    ['same page', 'the same page twice'],
    ['last page missing', 'ended early'],
    ['next page elsewhere', 'said to be at another address'],
    ['cut off', 'is not whole'],
    ['html', 'is not whole'],
    ['wrong shape', 'of another shape'],
    [{ status: 200, body: '{"message":"ok"}' }, 'of another shape'],
    [{ status: 200, body: '[1, 2]' }, 'of another shape'],
    [{ status: 404 }, 'It is not there'],
  ])('never ends early and silently: %j', async (failure, saying) => {
    open(250);
    api.fails(/\/pulls\?/, failure);
    expect((await numbers()).output).toContain(saying);
    api.fails();
    api.fails(/\/pulls\?.*page=3/, typeof failure === 'object' || failure === 'html' || failure === 'cut off' ? failure : 'wrong shape');
    expect((await numbers()).output).not.toMatch(/^\d+\n$/);
  });
  test('an error page of a list that looks empty is no empty list', async () => {
    open(3);
    api.fails(/\/pulls\?/, { status: 500, body: '[]' });
    expect((await numbers()).output).toContain('status 500');
  });
});

test('the token stands in nothing that was printed', () => {
  expect(printed.length).toBeGreaterThan(50);
  expect(printed.join('\n')).not.toContain(TOKEN);
});
