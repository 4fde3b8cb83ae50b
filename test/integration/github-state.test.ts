import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Failure, type GithubApi, type Run, startGithubApi } from '../support/github-api.ts';
import { type GithubScripts, githubScripts, type Mistake, TOKEN } from '../support/github-script.ts';
import { type ZipMember, zip } from '../support/zip.ts';

const [OLD, NEW] = ['a'.repeat(40), 'b'.repeat(40)];
const MANIFEST = { metadata: { dbt_schema_version: 'https://schemas.getdbt.com/dbt/manifest/v12.json', project_name: 'acme', adapter_type: 'duckdb' } };
const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString().replace('Z', '+00:00');
const state = (commit = NEW, given: object = {}) => ({ commit, built_at: hoursAgo(3), dbt_version: '1.12.6', ...given });
const members = (commit?: string, given: object = {}): ZipMember[] => [
  { name: 'manifest.json', data: JSON.stringify({ ...MANIFEST, nodes: { [`commit ${commit ?? NEW}`]: {} } }) },
  { name: 'state.json', data: JSON.stringify(state(commit, given)) },
];
const published = (commit?: string, given: object = {}) => zip(members(commit, given));

let api: GithubApi;
let scripts: GithubScripts;
const printed: string[] = [];
beforeAll(async () => {
  api = await startGithubApi();
});
afterAll(() => api.stop());
beforeEach(() => {
  scripts = githubScripts(api);
  for (const list of [api.runs, api.artifacts]) list.length = 0;
  api.workflows.splice(0, 9, { id: 7, path: '.github/workflows/dbt_deploy.yml' });
  api.main.splice(0, 9, OLD, NEW);
  api.fails();
});
afterEach(() => {
  printed.push(...scripts.printed);
});

const folder = (of = scripts) => path.join(of.folder, 'state');
const read = (name: string) => JSON.parse(readFileSync(path.join(folder(), name), 'utf8'));
/** Every file of the folder, with its text; nothing where there is no such folder. */
const contents = () =>
  existsSync(folder())
    ? Object.fromEntries(
        readdirSync(folder())
          .filter((name) => name !== '.gitignore')
          .map((name) => [name, readFileSync(path.join(folder(), name), 'utf8')]),
      )
    : {};
const fetchState = (env: Record<string, string> = {}) => scripts.run('fetch_state', [], env);
/** The commit whose state it fetched; nothing where it fetched none. */
const fetched = async (mistake?: Mistake): Promise<string | undefined> => {
  if (mistake) scripts = githubScripts(api, mistake);
  expect((await fetchState()).code).toBe(0);
  return read('fetched.json').kind === 'present' ? read('state.json').commit : undefined;
};

describe('present', () => {
  test('the manifest of the newest deploy is fetched, and a line says commit, age and run', async () => {
    api.deployed({}, published(OLD));
    const run = api.deployed({}, published(NEW));
    const { code, output } = await fetchState();
    const url = `https://github.com/acme/dbt/actions/runs/${run.id}`;
    expect(output).toBe(`fetch_state: production as of commit bbbbbbb, built 3 hours ago by dbt 1.12.6: ${url}.\n`);
    expect(code).toBe(0);
    expect(Object.keys(contents()).sort()).toEqual(['fetched.json', 'manifest.json', 'state.json']);
    const why = 'Production was deployed from commit bbbbbbb.';
    expect(read('fetched.json')).toEqual({ kind: 'present', why, run_url: url, artifact: api.artifacts.at(-1)?.id });
    expect([Object.keys(read('manifest.json').nodes), read('state.json').commit]).toEqual([[`commit ${NEW}`], NEW]);
  });

  test('the state may be of a newer commit than its run: a deploy that waited builds what was merged meanwhile', async () => {
    api.deployed({ sha: OLD }, published(NEW));
    expect(await fetched()).toBe(NEW);
  });

  test.each(['push', 'schedule', 'workflow_dispatch'])('a deploy by %s counts', async (event) => {
    api.deployed({ event }, published());
    expect(await fetched()).toBe(NEW);
  });

  test('a deploy that was started again counts from when it ran', async () => {
    api.deployed({ createdAt: '2026-11-01T05:00:00Z', startedAt: '2026-11-03T05:00:00Z' }, published(NEW));
    api.deployed({ createdAt: '2026-11-02T05:00:00Z' }, published(OLD));
    expect(await fetched()).toBe(NEW);
  });

  test('one that published twice counts with what it published last', async () => {
    const run = api.deployed({}, published(OLD), { createdAt: '2026-11-01T05:00:00Z' });
    api.artifacts.push({ id: 5, run: run.id, name: 'dbt-prod-state', zip: published(NEW), expired: false, createdAt: '2026-11-02T05:00:00Z' });
    expect(await fetched()).toBe(NEW);
  });

  test('what is here already is not downloaded again; a newer one is, and a folder that is not whole is filled', async () => {
    api.deployed({}, published(OLD));
    expect(await fetched()).toBe(OLD);
    const downloads = api.storageRequests.length;
    const { code, output } = await fetchState();
    expect([code, output.includes('commit aaaaaaa, built 3 hours ago'), output.includes('It is here already.')]).toEqual([0, true, true]);
    expect(api.storageRequests.length).toBe(downloads);
    rmSync(path.join(folder(), 'manifest.json'));
    expect(await fetched()).toBe(OLD);
    expect(Object.keys(contents())).toContain('manifest.json');
    api.deployed({}, published(NEW));
    expect(await fetched()).toBe(NEW);
    expect(api.storageRequests.length).toBe(downloads + 2);
  });

  test('files of others in the folder stay, and nothing of ours is left beside them', async () => {
    mkdirSync(folder(), { recursive: true });
    writeFileSync(path.join(folder(), 'notes.txt'), 'mine');
    api.deployed({}, published());
    await fetchState();
    expect(Object.keys(contents()).sort()).toEqual(['fetched.json', 'manifest.json', 'notes.txt', 'state.json']);
  });
});

describe('passed over, for the state of the deploy before it', () => {
  const STRANGER = 987;
  type Case = [what: string, run: Partial<Run>, mistake: Mistake | undefined];
  const inFetch = (from: string, to: string): Mistake => ({ in: 'fetch_state', from, to });
  test.each<Case>([
    ['the run of a fork whose branch is called main', { from: STRANGER }, inFetch('head.get("id") == repository', 'True')],
    ["a pull request's run", { event: 'pull_request' }, inFetch('run.get("event") in EVENTS', 'True')],
    ['a run of another branch', { branch: 'feature' }, undefined],
    ['a run that failed', { conclusion: 'failure' }, undefined],
    ['a run that was cancelled', { conclusion: 'cancelled' }, undefined],
    ['a run of another workflow', { workflow: 8, path: '.github/workflows/other.yml' }, undefined],
    ['the run of a tag that is called main', { sha: 'e'.repeat(40) }, inFetch('in ("ahead", "identical")', '!= ""')],
  ])('%s', async (_, run, mistake) => {
    api.workflows.push({ id: 8, path: '.github/workflows/other.yml' });
    api.deployed({}, published(OLD));
    api.deployed(run, published('d'.repeat(40)));
    expect(await fetched()).toBe(OLD);
    // The check that keeps it out is what keeps it out.
    if (mistake) expect(await fetched(mistake)).toBe('d'.repeat(40));
  });

  test("GitHub's own filters are not what is relied on: a server that ignores them changes nothing", async () => {
    api.deployed({}, published(OLD));
    for (const run of [{ branch: 'feature' }, { conclusion: 'failure' }, { path: '.github/workflows/other.yml' }]) api.deployed(run, published('d'.repeat(40)));
    api.ignoresFilters(true);
    expect(await fetched()).toBe(OLD);
    expect(await fetched({ in: 'fetch_state', from: 'status in (run.get("status"), run.get("conclusion"))', to: 'True' })).toBe('d'.repeat(40));
    expect(await fetched({ in: 'fetch_state', from: 'run.get("head_branch") == MAIN', to: 'True' })).toBe('d'.repeat(40));
    api.ignoresFilters(false);
  });

  test('a deploy by hand of a selection, which published nothing, and one that published something else', async () => {
    api.deployed({}, published(OLD));
    for (let by = 0; by < 5; by += 1) api.deployed({ event: 'workflow_dispatch' });
    api.deployed({}, published('d'.repeat(40)), { name: 'dbt-prod-state-2' });
    expect(await fetched()).toBe(OLD);
  });

  test('a hundred and twenty runs of a fork: the next page is read', async () => {
    api.deployed({}, published(OLD));
    for (let by = 0; by < 120; by += 1) api.deployed({ from: STRANGER }, published('d'.repeat(40)));
    expect(await fetched()).toBe(OLD);
    expect(api.requests.filter((line) => line.includes('/runs?')).at(-1)).toContain('page=2');
  });
});

describe('absent', () => {
  const none = async (why: string) => {
    mkdirSync(folder(), { recursive: true });
    for (const name of ['manifest.json', 'state.json']) writeFileSync(path.join(folder(), name), 'of another day');
    const { code, output } = await fetchState();
    expect([code, output]).toEqual([0, `fetch_state: NO STATE: ${why}\n`]);
    expect(Object.keys(contents())).toEqual(['fetched.json']);
    expect(read('fetched.json')).toEqual({ kind: 'none', why, run_url: null, artifact: null });
  };
  test('the workflow is not there yet', async () => {
    api.workflows.length = 0;
    await none('acme/dbt has never run .github/workflows/dbt_deploy.yml.');
  });
  test('no deploy has been successful yet', async () => {
    api.deployed({ conclusion: 'failure' }, published());
    await none('No deploy of main has published a state of production yet.');
  });
  test('a hundred deploys without a state, and it says that it looked no further', async () => {
    api.deployed({}, published());
    for (let by = 0; by < 100; by += 1) api.deployed({ event: 'workflow_dispatch' });
    await none('None of the last 100 deploys of main has published a state, and older ones were not looked at.');
  });
});

test('expired: it says since when there was a state, and keeps no old one', async () => {
  api.deployed({}, published(OLD));
  await fetchState();
  const run = api.deployed({}, published(NEW), { expired: true, createdAt: '2026-08-01T05:00:00Z' });
  api.artifacts.splice(0, 1);
  const { code, output } = await fetchState();
  expect([code, output]).toEqual([
    0,
    'fetch_state: NO STATE: The newest state that production published, on 2026-08-01, has expired on GitHub: a full deploy publishes it anew.\n',
  ]);
  expect(Object.keys(contents())).toEqual(['fetched.json']);
  expect(read('fetched.json')).toMatchObject({ kind: 'expired', run_url: expect.stringContaining(`/runs/${run.id}`), artifact: api.artifacts[0]?.id });
});

describe('what fails: exit 1, one line, and the folder as it was', () => {
  /** With a state of an older deploy in the folder, and in an empty project. */
  const fails = async (...saying: readonly string[]) => {
    for (const before of ['empty', 'full']) {
      if (before === 'full') {
        mkdirSync(folder(), { recursive: true });
        for (const name of ['fetched.json', 'manifest.json', 'state.json']) writeFileSync(path.join(folder(), name), `${name} of another day`);
      }
      const was = contents();
      const { code, output } = await fetchState();
      for (const words of saying) expect(output).toContain(words);
      expect(output).toMatch(/^fetch_state: .*The folder state\/ stays as it was\.\n$/);
      expect([code, contents()]).toEqual([1, was]);
      expect(existsSync(folder())).toBe(before === 'full');
    }
  };
  const ROUTES: readonly [string, RegExp][] = [
    ['the repository', /^GET \/repos\/acme\/dbt /],
    ['the workflows', /\/actions\/workflows\?/],
    ['the runs', /\/runs\?/],
    ["the run's artifacts", /\/artifacts\?/],
    ['main', /\/branches\/main/],
    ['whether a commit is on main', /\/compare\//],
    ['where the file is', /\/zip/],
  ];
  const FAILURES: readonly [string, Failure, string][] = [
    ['401', { status: 401 }, 'The token is not valid: log in again (gh auth login)'],
    ['403', { status: 403, headers: { 'x-accepted-github-permissions': 'actions=read' } }, 'it needs actions=read'],
    ['404', { status: 404 }, 'or this login may not see acme/dbt'],
    ['500', { status: 500 }, 'www.githubstatus.com'],
    ['a rate limit', { status: 429, headers: { 'retry-after': '3600' } }, 'the rate limit is reached. Try again in 60 minutes'],
    ['half an answer', 'cut off', ''],
    ['a page that is no JSON', 'html', ''],
    ['no answer', 'hang up', 'does not answer'],
    ['another shape', 'wrong shape', ''],
  ];
  const cases = ROUTES.flatMap(([what, where]) =>
    FAILURES.filter(([status]) => !(status === '404' && what.startsWith('whether'))).map(
      ([how, failure, saying]) => [what, how, where, failure, saying] as const,
    ),
  );
  test.each(cases)('GitHub is asked for %s and answers with %s', async (_, __, where, failure, saying) => {
    api.deployed({}, published());
    api.fails(where.source.endsWith(' ') ? /^GET \/repos\/acme\/dbt$/ : where, failure);
    await fails(saying);
  });

  test.each<[string, Failure, string]>([
    ['an error', { status: 500 }, 'answers with status 500'],
    ['a refusal', { status: 403 }, 'answers with status 403'],
    ['half a file', 'cut off', 'could not be downloaded'],
    ['nothing', 'hang up', 'could not be downloaded'],
    ['a page that is no zip', 'html', 'their digests differ'],
    ['a redirect to itself', { status: 302, headers: { location: '/again' } }, 'leads from one address to the next'],
    ['a redirect to an address that is not https', { status: 302, headers: { location: 'http://storage.example/x' } }, 'that is not https'],
  ])('the storage answers with %s', async (_, failure, saying) => {
    api.deployed({}, published());
    api.fails(/^STORAGE/, failure);
    await fails(saying);
  });

  test('the file is at an address that is not https, and nobody goes there', async () => {
    api.deployed({}, published());
    api.fails(/\/zip/, { status: 302, headers: { location: 'http://storage.example/file?sig=signed' } });
    await fails('said to be at an address that is not https');
  });

  test('a page of the runs that comes twice, or is missing', async () => {
    for (let by = 0; by < 150; by += 1) api.deployed({ from: 987 });
    api.fails(/\/runs\?/, 'same page');
    await fails('the same page twice');
    rmSync(folder(), { recursive: true });
    api.fails();
    api.fails(/\/runs\?/, 'last page missing');
    await fails('ended early');
  });

  const JUNK: readonly [string, Buffer, string][] = [
    ['no zip', Buffer.from('not a zip'), 'it is no zip that can be read'],
    ['half a zip', published().subarray(0, 300), 'it is no zip that can be read'],
    ['another file beside them', zip([...members(), { name: 'run_results.json', data: '{}' }]), 'it does not hold exactly manifest.json and state.json'],
    ['a file that leads out of the folder', zip([...members().slice(1), { name: '../manifest.json', data: '{}' }]), 'it does not hold exactly'],
    ['an absolute path', zip([...members().slice(1), { name: '/tmp/manifest.json', data: '{}' }]), 'it does not hold exactly'],
    ['one file twice', zip([...members(), ...members().slice(0, 1)]), 'it does not hold exactly'],
    ['no state', zip(members().slice(0, 1)), 'it does not hold exactly'],
    ['a file of another size than it says', zip(members().map((one) => ({ ...one, saysSize: 10 }))), 'it is no zip that can be read'],
    [
      'a state as large as a film',
      zip([...members().slice(0, 1), { name: 'state.json', data: Buffer.alloc(70_000) }]),
      'state.json is larger than 65536 bytes',
    ],
    ['a manifest that is no JSON', zip([{ name: 'manifest.json', data: 'half a mani' }, ...members().slice(1)]), 'manifest.json is not JSON'],
    ['a manifest of nobody', zip([{ name: 'manifest.json', data: '{"metadata":{}}' }, ...members().slice(1)]), "manifest.json is no manifest of dbt's"],
    [
      "another project's manifest",
      zip([{ name: 'manifest.json', data: JSON.stringify({ metadata: { ...MANIFEST.metadata, project_name: 'other' } }) }, ...members().slice(1)]),
      'manifest.json is of another dbt project than acme',
    ],
    ['a state without a commit', published(NEW, { commit: undefined }), 'state.json does not say commit, built_at and dbt_version'],
    ['a commit that is a command', published(NEW, { commit: '$(rm -rf /)' }), 'state.json does not say commit'],
    ['a date without a time zone', published(NEW, { built_at: '2026-11-27T05:17:00' }), 'state.json does not say commit'],
    ['a version with a line break', published(NEW, { dbt_version: '1.12\n::error::x' }), 'state.json does not say commit'],
  ];
  test.each(JUNK)('the artifact is %s', async (_, file, saying) => {
    api.deployed({}, file);
    await fails(saying);
  });
  test('the artifact is not what GitHub says that it holds', async () => {
    api.deployed({}, published(), { digest: `sha256:${'0'.repeat(64)}` });
    await fails('their digests differ');
  });
  test('nobody is logged in', async () => {
    const { code, output } = await fetchState({ GITHUB_TOKEN: '', GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' });
    expect([code, output.includes('there is no login for 127.0.0.1')]).toEqual([1, true]);
  });
});

describe("the storage that holds the file is not GitHub's API", () => {
  test('and gets no token', async () => {
    api.deployed({}, published());
    const before = api.storageRequests.length;
    expect(await fetched()).toBe(NEW);
    expect(api.storageRequests.slice(before)).toEqual([expect.stringMatching(/^GET \/artifacts\/\d+\?sig=signed$/)]);
    expect(api.requests.at(-1)).toMatch(new RegExp(`/zip Bearer ${TOKEN}$`));
  });
  test('a client that hands it on is caught', async () => {
    api.deployed({}, published());
    scripts = githubScripts(api, { in: 'json_api', from: 'headers={"User-Agent": "dbt-envs"})', to: 'headers=dict([self.login]))' });
    const { code, output } = await fetchState();
    expect(api.storageRequests.at(-1)).toContain(TOKEN);
    expect([code, output.includes('answers with status 401')]).toEqual([1, true]);
  });
  test('nor does its address, which opens the file, stand in anything that is printed', () => {
    expect(printed.length).toBeGreaterThan(100);
    expect(printed.join('\n')).not.toContain('sig=signed');
  });
});

test('the token stands in nothing that was printed', async () => {
  expect(printed.join('\n')).not.toContain(TOKEN);
  api.fails(/actions/, { status: 403, body: JSON.stringify({ message: `Bad token ${TOKEN}\n::error::forged` }) });
  const { output } = await fetchState();
  expect(output).toContain('(Bad token *** ::error::forged)');
  scripts = githubScripts(api, { in: 'json_api', from: '.replace(secret, "***")', to: '' });
  expect((await fetchState()).output).toContain(TOKEN);
});
