import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { python, query } from '../support/dbt.ts';
import { type GithubApi, startGithubApi } from '../support/github-api.ts';
import { type GithubContext, onBranch, PLANTED_OUTPUT, pullRequest } from '../support/github-events.ts';
import { type JobRun, runJob } from '../support/github-runner.ts';
import { parseWorkflow, selected, type Workflow } from '../support/github-workflow.ts';
import { ciTexts } from '../support/pipeline.ts';
import { scaffold } from '../support/scaffold.ts';

const TABLES = 'select distinct table_schema from information_schema.tables where table_catalog = current_database() order by 1';

let repository: string;
let data: string;
let api: GithubApi;
let pulls: Workflow;
let deploy: Workflow;
beforeAll(async () => {
  repository = scaffold({ warehouse: 'duckdb' });
  for (const args of [
    ['init', '-q'],
    ['add', '-A'],
    ['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-qm', 'x'],
  ])
    execFileSync('git', args, { cwd: repository });
  data = path.join(repository, 'warehouse');
  api = await startGithubApi();
  api.rules.push({ type: 'pull_request' });
  pulls = parseWorkflow(readFileSync(path.join(repository, '.github/workflows/dbt_pull_request.yml'), 'utf8'));
  deploy = parseWorkflow(readFileSync(path.join(repository, '.github/workflows/dbt_deploy.yml'), 'utf8'));
});
afterAll(() => api.stop());
beforeEach(() => api.says('open'));

const printed: string[] = [];
/** The one job that the event starts, run to its end. */
async function happens(workflow: Workflow, github: GithubContext): Promise<JobRun & { job: string }> {
  const [job = 'none', ...more] = selected(workflow, github);
  expect(more).toEqual([]);
  const done = await runJob(workflow, job, { cwd: repository, github, env: { GITHUB_API_URL: api.url }, python: 'duckdb' });
  printed.push(done.output + done.summary);
  return { job, ...done };
}
const schemas = (number: number) => query(repository, path.join(data, `ci/pull_${number}.duckdb`), TABLES);

describe('pull request 142, from its first push to its close', () => {
  test('opened: it is built into pr_142', async () => {
    const { job, passed, output, pip } = await happens(pulls, pullRequest({ action: 'opened' }));
    expect(output).toContain('FULL BUILD: No deploy of main has published a state of production yet. EVERYTHING is built.');
    expect(output).toContain('Completed successfully');
    expect([job, passed]).toEqual(['build', true]);
    expect(pip).toContain('-m pip install --quiet -r requirements.txt');
    expect(await schemas(142)).toEqual([['pr_142']]);
    expect(api.requests[0]).toBe('GET /repos/acme/dbt/pulls/142 Bearer a-job-token');
  });
  test('pushed to: what this build does not make anew goes first', async () => {
    await python(repository, ['-c', `import duckdb; duckdb.connect('warehouse/ci/pull_142.duckdb').sql('create table pr_142.fct_old as select 1 as i')`]);
    const { passed, output } = await happens(pulls, pullRequest({ action: 'synchronize' }));
    expect(output).toMatch(/build_pr: dropped of an earlier build: .*fct_old/);
    expect(passed).toBe(true);
    expect(
      await query(repository, path.join(data, 'ci/pull_142.duckdb'), "select count(*) from information_schema.tables where table_name = 'fct_old'"),
    ).toEqual([[0]]);
  });
  test('a build that is started again after the close builds nothing, and says so', async () => {
    api.says('closed');
    const { passed, ran, output } = await happens(pulls, pullRequest({ action: 'synchronize' }));
    expect(passed).toBe(false);
    expect(output).toContain('::error title=Nothing is built::Pull request 142 is closed. Reopen it to build it.');
    expect(ran).not.toContain('Build');
  });
  test('a drop that comes late, when the pull request is open again, drops nothing', async () => {
    const { passed, ran, output } = await happens(pulls, pullRequest({ action: 'closed' }));
    expect(output).toContain('Pull request 142 is open again and keeps its schema.');
    expect([passed, ran.includes('Drop')]).toEqual([true, false]);
    expect(await schemas(142)).toEqual([['pr_142']]);
  });
  test.each([
    ['an error', { status: 500, body: '{}' }],
    ['a refusal', { status: 403, body: '{"message":"rate limit"}' }],
    ['nothing known of it', { status: 404, body: '{"message":"Not Found"}' }],
    ['a page that is no JSON', { status: 200, body: '<html>' }],
    ['another pull request', { status: 200, body: '{"number":1,"state":"closed"}' }],
    ['a state that is none', { status: 200, body: '{"number":142,"state":"merged"}' }],
  ])('where GitHub answers with %s, the drop fails and drops nothing', async (_, answer) => {
    api.says(answer);
    const { passed, ran, output } = await happens(pulls, pullRequest({ action: 'closed' }));
    expect(output).toContain('GitHub did not say whether pull request 142 is open');
    expect([passed, ran.includes('Drop')]).toEqual([false, false]);
    expect(await schemas(142)).toEqual([['pr_142']]);
  });
  test('closed: pr_142 is dropped, and dropping it twice is no error', async () => {
    api.says('closed');
    const first = await happens(pulls, pullRequest({ action: 'closed', merged: true }));
    expect([first.job, first.passed]).toEqual(['drop', true]);
    expect(first.output).toContain('{"dropped": ["pr_142"]}');
    expect(await schemas(142)).toEqual([]);
    const second = await happens(pulls, pullRequest({ action: 'closed', merged: true }));
    expect(second.output).toContain('{"dropped": []}');
    expect(second.passed).toBe(true);
  });
});

describe('what is not built', () => {
  test.each([
    ['a fork', pullRequest({ action: 'opened', from: 'stranger/dbt' }), 'It comes from a fork, which must not read credentials.'],
    ['a draft', pullRequest({ action: 'opened', draft: true }), 'It is a draft.'],
    ['Dependabot', pullRequest({ action: 'opened', by: 'dependabot[bot]' }), 'Dependabot opened it'],
  ])('%s is parsed, and the run says why', async (_, event, why) => {
    const { job, passed, ran, summary } = await happens(pulls, event);
    expect([job, passed, ran.at(-1)]).toEqual(['parse', true, 'Parse']);
    expect(summary).toContain(why);
    expect(existsSync(path.join(data, 'ci/pull_7.duckdb'))).toBe(false);
  });
});

test('a title and a branch name full of shell run nothing, though every job above was handed them', async () => {
  expect(printed.length).toBeGreaterThan(10);
  expect(printed.join('\n')).not.toContain(PLANTED_OUTPUT);
  const careless = { ...pulls, jobs: { build: { steps: [{ run: `echo "\${{ github.event.pull_request.title }}"` }] } } };
  const { output } = await runJob(careless, 'build', { cwd: repository, github: pullRequest({ action: 'opened' }), python: 'duckdb' });
  expect(output).toContain(PLANTED_OUTPUT);
});

test('a deploy builds production, as the runner that the event says', async () => {
  const { job, passed, output } = await happens(deploy, onBranch('push'));
  expect(output).toContain('Completed successfully');
  expect([job, passed]).toEqual(['deploy', true]);
  expect(await query(repository, path.join(data, 'prod/prod.duckdb'), TABLES)).toEqual([['analytics'], ['staging']]);
});

describe('a setting that is missing', () => {
  const texts = ciTexts();
  const workflow = parseWorkflow(texts['.github/workflows/dbt_pull_request.yml'] ?? '');
  const build = workflow.jobs.build;
  const only = { ...workflow, jobs: { build: { ...build, steps: (build?.steps ?? []).filter(({ name }) => name === 'Name the settings that are missing') } } };
  const options = { cwd: mkdtempSync(path.join(tmpdir(), 'dbt-envs-')), github: pullRequest({ action: 'opened' }), python: 'duckdb' as const };

  test('stops the job, and every one is named', async () => {
    const { passed, output } = await runJob(only, 'build', options);
    expect(passed).toBe(false);
    expect(output.match(/[A-Z_]+(?= is empty)/g)).toEqual(['DBT_X_HOST', 'DBT_ENV_SECRET_CI_PASSWORD']);
  });
  test('one with a default is not missed, and a full set passes', async () => {
    const { passed } = await runJob(only, 'build', { ...options, vars: { DBT_X_HOST: 'db' }, secrets: { DBT_ENV_SECRET_CI_PASSWORD: 'x' } });
    expect(passed).toBe(true);
  });
});

test('where a build has left no card, the card job says that, and where to look', async () => {
  const needs = { build: { result: 'failure', outputs: { state: 'open', card: 'failure' } }, drop: { result: 'skipped', outputs: {} } };
  const github = pullRequest({ action: 'synchronize', number: 9 });
  const { passed, output } = await runJob(pulls, 'card', { cwd: repository, github, needs, env: { GITHUB_API_URL: api.url }, python: 'duckdb' });
  expect(passed, output).toBe(true);
  expect(api.comments.filter(({ pull }) => pull === 9).map(({ body }) => body)).toEqual([
    expect.stringContaining('https://github.com/acme/dbt/actions/runs/77'),
  ]);
});
