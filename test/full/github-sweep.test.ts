import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { query } from '../support/dbt.ts';
import { PLANTED_OUTPUT, pullRequest } from '../support/github-events.ts';
import { runJob, type WorkflowRun } from '../support/github-runner.ts';
import { type Site, startSite } from '../support/github-site.ts';
import { parseWorkflow } from '../support/github-workflow.ts';
import { ciTexts } from '../support/pipeline.ts';
import { scaffold } from '../support/scaffold.ts';

/** The workflow's own steps, on a fresh machine each night, with the warehouse on a disk that stays. */
let site: Site;
let data: string;
beforeAll(async () => {
  data = mkdtempSync(path.join(tmpdir(), 'dbt-envs-warehouse-'));
  for (const environment of ['ci', 'prod']) mkdirSync(path.join(data, environment));
  site = await startSite(scaffold({ warehouse: 'duckdb' }), { python: 'duckdb', vars: { DBT_DUCKDB_DIR: data }, secrets: {} });
});
afterAll(() => site?.stop());
beforeEach(() => site.api.fails());

const LIST = /^GET .*\/pulls\?state=all&sort/;
const printed: string[] = [];
const ran = async (run: Promise<WorkflowRun>): Promise<WorkflowRun> => {
  const done = await run;
  printed.push(done.printed);
  return done;
};
const sweep = (...args: Parameters<Site['sweep']>) => ran(site.sweep(...args));
const asked = (given: object) => ({ allow_drops: '', dry_run: false, keep: '', ...given });
/** The schemas of pull requests that hold something. */
const built = async (): Promise<readonly string[]> => {
  const files = readdirSync(path.join(data, 'ci')).filter((name) => /^pull_\d+\.duckdb$/.test(name));
  const names = "select distinct schema_name from duckdb_tables() where schema_name ^@ 'pr_'";
  const found = await Promise.all(files.map((name) => query(site.desk, path.join(data, 'ci', name), names)));
  return found.flat(2).map(String).toSorted();
};
/** Closed so many days ago, and not built since. */
const closed = (number: number, days: number): void => {
  const at = new Date(Date.now() - days * 86_400_000);
  site.api.pulls.set(number, { state: 'closed', closedAt: at.toISOString().replace(/\.\d+/, '') });
  utimesSync(path.join(data, 'ci', `pull_${number}.duckdb`), at, at);
};
const issues = (state: 'open' | 'closed') => site.api.issues.filter((issue) => issue.state === state);

describe('night after night', () => {
  test('two pull requests are built; the hook of one is missed', async () => {
    for (const number of [7, 142]) {
      site.push(`b${number}`, (folder) => appendFileSync(path.join(folder, 'models/marts/fct_revenue.sql'), `-- ${number}\n`));
      site.pull(number, `b${number}`);
      const { results, printed: log } = await ran(site.onPull(site.event('opened', number)));
      expect(results.build, log).toBe('success');
    }
    expect(await built()).toEqual(['pr_142', 'pr_7']);
    closed(7, 9);
  });
  test('GitHub gives half of its list: nothing goes, the report is there all the same, and an issue says why', async () => {
    site.api.fails(LIST, 'cut off');
    const { results, jobs } = await sweep();
    expect(results, jobs.sweep?.output).toEqual({ sweep: 'failure', tell: 'success' });
    expect(await built()).toHaveLength(2);
    expect(jobs.sweep?.ran).toEqual(['Install dbt', 'Sweep', 'Write the report', "Show the report on the run's page"]);
    expect(jobs.sweep?.summary).toContain('GitHub does not say which pull requests are open');
    expect(issues('open')).toHaveLength(1);
    expect(issues('open')[0]?.body).toContain('\n    GitHub does not say which pull requests are open');
    expect(issues('open')[0]?.body).toContain('https://github.com/acme/dbt/actions/runs/77');
  });
  test('by hand, only what it would do: nothing goes, and nobody is told', async () => {
    const { results, jobs } = await sweep('workflow_dispatch', asked({ dry_run: true }));
    expect(results, jobs.sweep?.output).toEqual({ sweep: 'success', tell: 'skipped' });
    expect(jobs.sweep?.output).toContain('would be dropped pr_7');
    expect(await built()).toHaveLength(2);
    expect(issues('open')).toHaveLength(1);
  });
  test('by hand, with a number that is none: the sweep refuses, and nothing of it runs', async () => {
    const { results, jobs } = await sweep('workflow_dispatch', asked({ allow_drops: `40"; printf 'ran-%s\\n' planted; "` }));
    expect(results).toEqual({ sweep: 'failure', tell: 'success' });
    expect(jobs.sweep?.output).toContain('give a number, such as 40');
    expect(await built()).toHaveLength(2);
    expect(issues('open')).toHaveLength(1);
    expect(issues('open')[0]?.body).toContain('\n    DBT_ENVS_ALLOW_DROPS is ');
  });
  test('all is well: what is due goes, the open one stays, and the issue is closed', async () => {
    const { results, jobs } = await sweep();
    expect(results, jobs.sweep?.output).toEqual({ sweep: 'success', tell: 'success' });
    expect(await built()).toEqual(['pr_142']);
    expect(jobs.sweep?.summary).toContain('pr_7');
    expect([issues('open').length, issues('closed').length]).toEqual([0, 1]);
    expect(jobs.tell?.output).toContain('tell_sweep: the sweep succeeded, and closed https://github.com/acme/dbt/issues/');
  });
  test('and the next night has nothing to do', async () => {
    const { results, jobs } = await sweep();
    expect(results).toEqual({ sweep: 'success', tell: 'success' });
    expect(jobs.tell?.output).toContain('no issue is open');
    expect(await built()).toEqual(['pr_142']);
  });
});

test('where dbt cannot even be installed, an issue says that there is no account', async () => {
  const workflow = parseWorkflow(readFileSync(path.join(site.desk, '.github/workflows/dbt_sweep.yml'), 'utf8'));
  const { steps = [], ...job } = workflow.jobs.sweep ?? {};
  const failing = steps.map((step) => (step.name === 'Install dbt' ? { ...step, run: 'exit 1' } : step));
  const broken = { ...workflow, jobs: { sweep: { ...job, steps: failing.filter(({ name }) => name !== 'Write the report') } } };
  const folder = scaffold({ warehouse: 'duckdb' });
  const options = { cwd: folder, github: pullRequest({ action: 'opened' }), env: { GITHUB_API_URL: site.api.url }, python: 'duckdb' as const };
  const { passed, outputs, ran: started } = await runJob(broken, 'sweep', options);
  expect([passed, outputs.account, started]).toEqual([false, '', ['Install dbt']]);
  await runJob(workflow, 'tell', { ...options, needs: { sweep: { result: 'failure', outputs } } });
  expect(issues('open').map(({ body }) => body)).toEqual([expect.stringContaining('\n    It left no account of what it did')]);
  await sweep();
  expect(issues('open')).toEqual([]);
});

test('a deploy sees the last night that succeeded; where it sees none, or nothing, it warns and goes on', async () => {
  const deploys = async (warning: RegExp): Promise<void> => {
    const { results, printed: log } = await ran(site.deploy());
    expect(results, log).toEqual({ deploy: 'success' });
    expect(log).toMatch(warning);
  };
  await deploys(/^The last nightly sweep that succeeded ended on \d{4}-\d\d-\d\d \d\d:\d\d UTC\.$/m);
  // A dry run, and a night that failed, are none.
  site.api.runs.splice(0, site.api.runs.length, ...site.api.runs.filter(({ jobs = [] }) => jobs.some(({ conclusion }) => conclusion !== 'success')));
  expect(site.api.runs.filter(({ workflow }) => workflow === 8)).toHaveLength(3);
  await deploys(/^::warning title=No nightly sweep has succeeded::Of its last 3 runs on main, none has\./m);
  site.api.fails(/actions\/workflows\/dbt_sweep/, { status: 500 });
  await deploys(/^::warning title=Whether the nightly sweep works cannot be seen::/m);
});

describe('a setting of the janitor that is missing', () => {
  const workflow = parseWorkflow(ciTexts()['.github/workflows/dbt_sweep.yml'] ?? '');
  const job = workflow.jobs.sweep;
  const only = { ...workflow, jobs: { sweep: { ...job, steps: (job?.steps ?? []).filter(({ name }) => name === 'Name the settings that are missing') } } };
  const options = { cwd: mkdtempSync(path.join(tmpdir(), 'dbt-envs-')), github: pullRequest({ action: 'opened' }), python: 'duckdb' as const };
  test('is named as setup.py knows it, not as profiles.yml does', async () => {
    const { passed, output } = await runJob(only, 'sweep', options);
    expect(passed).toBe(false);
    expect(output.match(/[A-Z_]+(?= is empty)/g)).toEqual(['DBT_X_HOST', 'DBT_ENV_SECRET_JANITOR_PASSWORD']);
  });
  test('one with a default is not missed, and a full set passes', async () => {
    const { passed } = await runJob(only, 'sweep', { ...options, vars: { DBT_X_HOST: 'db' }, secrets: { DBT_ENV_SECRET_JANITOR_PASSWORD: 'x' } });
    expect(passed).toBe(true);
  });
  test("ci's own does not serve", async () => {
    const { passed } = await runJob(only, 'sweep', { ...options, vars: { DBT_X_HOST: 'db' }, secrets: { DBT_ENV_SECRET_CI_PASSWORD: 'x' } });
    expect(passed).toBe(false);
  });
});

test('nothing that somebody typed was run', () => {
  expect(printed.length).toBeGreaterThan(8);
  expect(printed.join('\n')).not.toContain(PLANTED_OUTPUT);
});
