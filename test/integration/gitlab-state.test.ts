import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Finished, python } from '../support/dbt.ts';
import { type Deploy, type GitlabApi, type JobPipeline, startGitlabApi } from '../support/gitlab-api.ts';
import { planned } from '../support/scaffold.ts';

/** Who may have written production's state, and that nobody else's is taken for it. */
let api: GitlabApi;
let folder: string;
let tip: string;
let elsewhere: string;
const git = (...args: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=Priya', '-c', 'user.email=priya@acme.example', ...args], { cwd: folder, encoding: 'utf8' }).trim();

beforeAll(async () => {
  api = await startGitlabApi();
  folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-'));
  for (const { path: name, contents } of planned({ ci: 'gitlab' }).filter((file) => file.path.startsWith('scripts/'))) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), contents);
  }
  const origin = path.join(mkdtempSync(path.join(tmpdir(), 'dbt-envs-origin-')), 'dbt.git');
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', origin]);
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-qm', 'The first');
  git('remote', 'add', 'origin', origin);
  git('push', '-q', 'origin', 'main');
  tip = git('rev-parse', 'HEAD');
  git('checkout', '-q', '-b', 'evil');
  git('commit', '-q', '--allow-empty', '-m', 'Never merged');
  elsewhere = git('rev-parse', 'HEAD');
});
afterAll(() => api.stop());
beforeEach(() => {
  api.fails();
  api.packages.splice(0);
  api.deploys.splice(0);
  for (const name of ['state', 'retry', 'target']) rmSync(path.join(folder, name), { recursive: true, force: true });
});

const MAIN = (): JobPipeline => ({ project_id: 7, ref: 'main', source: 'push', sha: tip });
const manifest = (note = ''): Buffer =>
  Buffer.from(JSON.stringify({ note, metadata: { dbt_schema_version: 'https://schemas.getdbt.com/dbt/manifest/v12.json', project_name: 'acme' } }));
const facts = (): Buffer => Buffer.from(JSON.stringify({ commit: tip, built_at: '2026-11-27T03:43:02Z', dbt_version: '1.12.6', whole: true }));
let ids = 0;
const file = (name: string, data: Buffer, ...pipelines: readonly JobPipeline[]) => ({ id: ++ids, name, data, pipelines });
/** A package as a job leaves it that has deployed to prod; `deploy` where GitLab says something else of that job, null where it deployed nothing. */
const published = (job: number, from: JobPipeline, note = '', name = 'dbt-prod-state', deploy: Partial<Deploy> | null = {}): void => {
  const by = { id: 40_000 + job, ...from };
  if (deploy) api.deploys.push({ id: job, name: 'dbt-deploy', ref: by.ref, tag: false, pipeline: by.id, ...deploy });
  const first = name === 'dbt-prod-state' ? file('manifest.json', manifest(note), by) : file('run_results.json', Buffer.from('{"results": []}'), by);
  api.packages.push({ id: ++ids, name, version: `0.0.${job}`, files: [first, file('state.json', facts(), by)] });
};
const run = (script: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Finished> =>
  python(folder, [`scripts/dbt_envs/${script}.py`, ...args], {
    env: { CI_API_V4_URL: api.url, CI_PROJECT_ID: '7', GITLAB_TOKEN: 'glpat-planted', ...env },
    python: 'tools',
  });
const fetched = () => JSON.parse(readFileSync(path.join(folder, 'state/fetched.json'), 'utf8'));
const note = () => JSON.parse(readFileSync(path.join(folder, 'state/manifest.json'), 'utf8')).note;

describe('the state', () => {
  test('that the newest deploy has published is taken, and not fetched twice', async () => {
    published(9, MAIN(), 'old');
    published(10, { ...MAIN(), source: 'schedule' }, 'new');
    const { code, output } = await run('fetch_state');
    expect([code, fetched().kind, note()], output).toEqual([0, 'present', 'new']);
    const before = api.requests.length;
    expect((await run('fetch_state')).output).toContain('It is here already.');
    expect(api.requests.slice(before).some((line) => line.includes('/generic/'))).toBe(false);
  });
  test('is none where nothing was published, and where it is only called so', async () => {
    expect((await run('fetch_state')).output).toContain('NO STATE: No deploy of main');
    expect(fetched().kind).toBe('none');
    published(11, MAIN(), '', 'my-dbt-prod-state');
    expect((await run('fetch_state')).output).toContain('NO STATE');
  });
  test.each<[string, (main: JobPipeline) => JobPipeline, deploy?: Partial<Deploy> | null]>([
    ['a tag called main, of a commit that is on it', (main) => main, { tag: true }],
    ['another job of main’s own pipeline', (main) => main, { name: 'lint' }],
    ['another pipeline than its job’s', (main) => main, { pipeline: 4 }],
    ['a branch, to whose job it belongs, on main’s pipeline', (main) => main, { ref: 'evil' }],
    ['a job that deployed nothing', (main) => main, null],
    ['a merge request', (main) => ({ ...main, ref: 'refs/merge-requests/1/head', source: 'merge_request_event' })],
    ['another branch', (main) => ({ ...main, ref: 'evil' })],
    ['a fork, whose branch is called main too', (main) => ({ ...main, project_id: 8 })],
    ['a tag called main, of a commit that is not on it', (main) => ({ ...main, sha: elsewhere })],
    ['a commit that there is not', (main) => ({ ...main, sha: 'f'.repeat(40) })],
    ['a pipeline that another project triggers', (main) => ({ ...main, source: 'pipeline' })],
    ['a commit that is no commit', (main) => ({ ...main, sha: '--upload-pack=touch' })],
  ])('of %s is passed over, however new it is', async (_, by, deploy) => {
    published(9, MAIN(), 'ours');
    published(999, by(MAIN()), 'theirs', 'dbt-prod-state', deploy);
    api.deploys.push(null);
    const { code, output } = await run('fetch_state');
    expect([code, note()], output).toEqual([0, 'ours']);
  });
  test('of which nobody says who has written it is an error, and never "none": a person, or a login that may not see', async () => {
    published(9, MAIN(), 'ours');
    api.blind(true);
    const { code, output } = await run('fetch_state');
    api.blind(false);
    expect([code, output]).toEqual([1, expect.stringContaining('this login may not read pipelines')]);
    expect(existsSync(path.join(folder, 'state'))).toBe(false);
  });
  test('that a person has uploaded, with no job at all, is passed over beside ours, and an error alone', async () => {
    api.packages.push({ id: ++ids, name: 'dbt-prod-state', version: '0.0.999', files: [file('manifest.json', manifest()), file('state.json', facts())] });
    expect((await run('fetch_state')).code).toBe(1);
    published(9, MAIN(), 'ours');
    expect([(await run('fetch_state')).code, note()]).toEqual([0, 'ours']);
  });
  test('over which a merge request has laid another file is not taken: loudly', async () => {
    published(9, MAIN(), 'ours');
    api.packages[0]?.files.push(file('manifest.json', manifest('theirs'), { id: 40_009, ...MAIN(), ref: 'evil' }));
    const { code, output } = await run('fetch_state');
    expect(code).toBe(1);
    expect(output).toContain('is not the file that the pipeline on main uploaded');
    expect(existsSync(path.join(folder, 'state'))).toBe(false);
  });
  test('over which another job of its own pipeline has laid one is an error: no deploy uploads a file twice', async () => {
    published(9, MAIN(), 'ours');
    api.packages[0]?.files.push(file('manifest.json', manifest('theirs'), { id: 40_009, ...MAIN() }));
    const { code, output } = await run('fetch_state');
    expect([code, output]).toEqual([1, expect.stringContaining('has uploaded manifest.json twice')]);
  });
  test('is found under any number of packages that somebody else has put there, without a look at one of them', async () => {
    published(9, MAIN(), 'ours');
    for (let job = 10; job < 400; job += 1) published(job * 1e12, { ...MAIN(), ref: 'evil' }, 'theirs', 'dbt-prod-state', null);
    const before = api.requests.length;
    expect([(await run('fetch_state')).code, note()]).toEqual([0, 'ours']);
    expect(api.requests.slice(before).filter((line) => line.includes('package_files'))).toHaveLength(1);
  });
  test('is an error, and never "none", where GitLab has forgotten the deploys: somebody deleted the environment', async () => {
    published(9, MAIN(), 'ours', 'dbt-prod-state', null);
    const { code, output } = await run('fetch_state');
    expect([code, output]).toEqual([1, expect.stringContaining('Was the environment prod deleted?')]);
  });
  test('is none where others alone have put packages there, before the first deploy', async () => {
    published(9, { ...MAIN(), ref: 'evil' }, 'theirs');
    expect((await run('fetch_state')).output).toContain('NO STATE');
    for (let job = 10; job < 400; job += 1) published(job, { ...MAIN(), ref: 'evil' }, 'theirs', 'dbt-prod-state', null);
    const { code, output } = await run('fetch_state');
    expect([code, output]).toEqual([1, expect.stringContaining('no deploy wrote the newest 200')]);
  });
  test('of which a part is missing is an error, and never "none"', async () => {
    published(9, MAIN());
    api.packages[0]?.files.pop();
    const { code, output } = await run('fetch_state');
    expect([code, output]).toEqual([1, expect.stringContaining('does not hold exactly manifest.json and state.json')]);
  });
  test.each([
    ['the list', /packages\?/],
    ['the list of deploys', /deployments/],
    ['the files', /package_files/],
    ['the download', /generic/],
  ])('stays as it was where %s fails', async (_, where) => {
    published(9, MAIN(), 'kept');
    await run('fetch_state');
    published(10, MAIN(), 'new');
    for (const how of [{ status: 500 }, { status: 401 }, { status: 404 }, 'cut off', 'html', 'hang up'] as const) {
      api.fails(where, how);
      const { code, output } = await run('fetch_state');
      expect([code, note()], output).toEqual([1, 'kept']);
      expect(output).not.toContain('glpat-planted');
    }
  });
});

describe('a retry', () => {
  test('takes what the newest deploy failed at', async () => {
    published(9, MAIN());
    published(10, MAIN(), '', 'dbt-prod-failed');
    const { code, output } = await run('fetch_state', ['--failed']);
    expect([code, existsSync(path.join(folder, 'retry/run_results.json'))], output).toEqual([0, true]);
  });
  test('has nothing to do behind a success, nor where nothing was left', async () => {
    expect((await run('fetch_state', ['--failed'])).output).toContain('has left anything to retry');
    published(10, MAIN(), '', 'dbt-prod-failed');
    published(11, MAIN());
    expect((await run('fetch_state', ['--failed'])).output).toContain('did not fail');
  });
  test.each([
    ['which commit', { whole: true }],
    ['whether it was of the whole project', { commit: 'c'.repeat(40) }],
  ])('takes nothing that does not say %s', async (_, said) => {
    published(10, MAIN(), '', 'dbt-prod-failed');
    Object.assign(api.packages[0]?.files[1] ?? {}, { data: Buffer.from(JSON.stringify(said)) });
    const { code, output } = await run('fetch_state', ['--failed']);
    expect([code, existsSync(path.join(folder, 'retry'))], output).toEqual([1, false]);
    expect(output).toContain('state.json does not say commit and whole. Deploy everything. The folder retry/ stays as it was.');
  });
});

describe('publishing', () => {
  const put = (name: string, text: Buffer): void => {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  };
  test('goes with the job’s own token, whatever other login there is, and is what is fetched', async () => {
    api.jobs.set('job-token', { id: 40_077, ...MAIN() });
    api.deploys.push({ id: 77, name: 'dbt-deploy', ref: 'main', tag: false, pipeline: 40_077 });
    for (const [name, text] of [
      ['manifest.json', manifest('mine')],
      ['state.json', facts()],
    ] as const)
      put(`target/dbt_envs/state/${name}`, text);
    const { code, output } = await run('publish_state', [], { CI_JOB_ID: '77', CI_JOB_TOKEN: 'job-token', DBT_ENVS_GITLAB_TOKEN: 'glpat-other' });
    expect([code, api.packages.map(({ version }) => version)], output).toEqual([0, ['0.0.77']]);
    await run('fetch_state');
    expect(note()).toBe('mine');
  });
  test('does nothing where nothing is left, and only in a job', async () => {
    expect((await run('publish_state', [], { CI_JOB_ID: '77', CI_JOB_TOKEN: 'job-token' })).code).toBe(0);
    expect(api.packages).toEqual([]);
    expect((await run('publish_state')).code).toBe(1);
  });
});

describe('what older deploys have published', () => {
  const publish = async (job: number, plant?: readonly [string, string]) => {
    api.jobs.set('job-token', { id: 40_000 + job, ...MAIN() });
    api.deploys.push({ id: job, name: 'dbt-deploy', ref: 'main', tag: false, pipeline: 40_000 + job });
    const place = path.join(folder, 'target/dbt_envs/state');
    mkdirSync(place, { recursive: true });
    writeFileSync(path.join(place, 'manifest.json'), manifest('newest'));
    writeFileSync(path.join(place, 'state.json'), facts());
    const script = path.join(folder, 'scripts/dbt_envs/publish_state.py');
    const text = readFileSync(script, 'utf8');
    if (plant) expect(text).toContain(plant[0]);
    if (plant) writeFileSync(script, text.replace(...plant));
    const done = await run('publish_state', [], { CI_JOB_ID: String(job), CI_JOB_TOKEN: 'job-token' });
    writeFileSync(script, text);
    return done;
  };
  const versions = (name = 'dbt-prod-state') => api.packages.filter((one) => one.name === name).map(({ version }) => Number(version.slice(4)));
  const jobs = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => from + at);

  test('goes, but for the newest ten, of which the newest is the one that is fetched', async () => {
    for (const job of jobs(1, 14)) published(job, MAIN());
    const { code, output } = await publish(15);
    expect([code, versions()], output).toEqual([0, jobs(6, 15)]);
    expect(output).toContain('removed 5 older packages dbt-prod-state; the newest 10 stay.');
    expect([(await run('fetch_state')).code, note()]).toEqual([0, 'newest']);
  });
  test('stays where there are no more than ten, and nothing is said of it', async () => {
    for (const job of jobs(1, 9)) published(job, MAIN());
    const { output } = await publish(15);
    expect([versions().length, output]).toEqual([10, 'publish_state: published dbt-prod-state 0.0.15.\n']);
  });
  test('of another kind stays: a retry may need it', async () => {
    for (const job of jobs(1, 12)) published(job, MAIN(), '', 'dbt-prod-failed');
    await publish(15);
    expect(versions('dbt-prod-failed')).toEqual(jobs(1, 12));
  });
  test('that no job on main has written stays, however old, and counts for none of the ten', async () => {
    const others: readonly ((main: JobPipeline) => JobPipeline)[] = [
      (main) => ({ ...main, ref: 'refs/merge-requests/1/head', source: 'merge_request_event' }),
      (main) => ({ ...main, project_id: 8 }),
      (main) => ({ ...main, sha: elsewhere }),
    ];
    for (const [at, by] of others.entries()) for (const job of [1 + at, 101 + at]) published(job, by(MAIN()));
    api.packages.push({ id: ++ids, name: 'dbt-prod-state', version: '0.0.4', files: [file('manifest.json', manifest())] });
    api.packages.push({ id: ++ids, name: 'dbt-prod-state', version: '1.0', files: [file('manifest.json', manifest(), MAIN())] });
    published(5, MAIN(), '', 'my-dbt-prod-state');
    for (const job of jobs(11, 24)) published(job, MAIN());
    await publish(30);
    expect(versions().filter((job) => job > 0)).toEqual([1, 101, 2, 102, 3, 103, 4, ...jobs(16, 24), 30]);
    expect([api.packages.some(({ version }) => version === '1.0'), versions('my-dbt-prod-state')]).toEqual([true, [5]]);
  });
  test('goes fifty at a time, from the newest', async () => {
    for (const job of jobs(1, 70)) published(job, MAIN());
    await publish(80);
    expect(versions()).toEqual([...jobs(1, 11), ...jobs(62, 70), 80]);
  });
  test.each([
    ['GitLab refuses to remove one', /^DELETE/, { status: 403 }, 'GitLab refuses to remove one (status 403)'],
    ['one is gone already', /^DELETE/, { status: 404 }, 'GitLab refuses to remove one (status 404)'],
    ['GitLab has trouble', /^DELETE/, { status: 500 }, 'status 500'],
    ['the answer breaks off', /^DELETE/, 'hang up', 'does not answer'],
    ['the list cannot be had', /packages\?/, { status: 500 }, 'status 500'],
    ['the second page of it is missing', /packages\?/, 'last page missing', 'the list is not complete'],
    ['nobody says who has written one', /package_files/, { status: 403 }, 'GitLab refuses'],
    ['one answer is no JSON', /package_files/, 'html', 'is not whole'],
  ] as const)('stays where %s: that is said, the state is published, and the deploy stands', async (_, where, how, saying) => {
    for (const job of jobs(1, 14)) published(job, MAIN());
    api.fails(where, how);
    const { code, output } = await publish(15);
    expect([code, versions()], output).toEqual([0, jobs(1, 15)]);
    expect(output).toContain('publish_state: published dbt-prod-state 0.0.15.');
    expect(output).toContain('WARNING: older packages dbt-prod-state stay: ');
    expect(output).toContain(saying);
    expect(output).not.toContain('job-token');
  });
  test.each<[string, readonly [string, string], (left: readonly number[]) => boolean]>([
    ['the oldest are kept instead', ['KEPT, KEPT + MOST', '0, 5'], (left) => !left.includes(15)],
    [
      'everybody’s are taken for its own',
      [
        'deploy_packages.newest(api, (package,))',
        '(deploy_packages.Package(one["id"], "", "", {}, "") for one in api.every("/packages?package_name=dbt-prod-state"))',
      ],
      (left) => !left.includes(101),
    ],
  ])('a planted mistake is found: %s', async (_, plant, shows) => {
    published(101, { ...MAIN(), ref: 'evil' });
    for (const job of jobs(1, 14)) published(job, MAIN());
    await publish(15, plant);
    expect(shows(versions())).toBe(true);
  });
});

test.each<[string, readonly [string, string], (main: JobPipeline) => JobPipeline, Partial<Deploy>]>([
  ['a tag called main would do', [' and not job["tag"]', ''], (main) => main, { tag: true }],
  ['any job of main’s pipeline would do', ['job.get("name") == JOB and ', ''], (main) => main, { name: 'lint' }],
  ['any pipeline on main would do', ['one.get("id") == pipeline and ', ''], (main) => main, { pipeline: 4 }],
  ['a commit that main has lost would do', ['and is_on_main(sha)', ''], (main) => ({ ...main, sha: elsewhere }), {}],
])('a planted mistake is found: %s', async (_, [from, to], by, deploy) => {
  const place = path.join(folder, 'scripts/dbt_envs/deploy_packages.py');
  const text = readFileSync(place, 'utf8');
  expect(text).toContain(from);
  writeFileSync(place, text.replace(from, to));
  published(9, MAIN(), 'ours');
  published(999, by(MAIN()), 'theirs', 'dbt-prod-state', deploy);
  await run('fetch_state');
  expect(note()).toBe('theirs');
  writeFileSync(place, text);
});
