import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Failure, type GithubApi, REPOSITORY_ID, type Run, startGithubApi } from '../support/github-api.ts';
import { type GithubScripts, githubScripts, type Mistake, TOKEN } from '../support/github-script.ts';
import { parseWorkflow } from '../support/github-workflow.ts';
import { ciTexts } from '../support/pipeline.ts';

const FILE = '.github/workflows/dbt_sweep.yml';
const jobs = parseWorkflow(ciTexts()[FILE] ?? '').jobs;
const [SWEEP, TELL] = [jobs.sweep?.name ?? '', jobs.tell?.name ?? ''];
const NOW = new Date('2026-11-27T12:00:00Z');
const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000).toISOString().replace('.000', '');

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
  api.ignoresFilters(false);
  api.repository({});
  api.runs.length = 0;
  sweepIs('active');
});

const sweepIs = (state?: string): void => {
  api.workflows.length = 1;
  if (state !== undefined) api.workflows.push({ id: 8, path: FILE, state });
};
/** A run of the sweep that ended so many hours ago. */
function swept(hours: number, sweep = 'success', tell = sweep === 'skipped' ? 'skipped' : 'success', run: Partial<Run> = {}): void {
  const named = (name: string, conclusion: string) => ({ name, conclusion, completedAt: hoursAgo(hours) });
  const conclusion = [sweep, tell].includes('failure') ? 'failure' : 'success';
  const usual = { event: 'schedule', createdAt: hoursAgo(hours + 0.1), conclusion, jobs: [named(SWEEP, sweep), named(TELL, tell)] };
  api.deployed({ workflow: 8, path: FILE, ...usual, ...run });
}
const look = (of = scripts) => of.run('sweep_is_alive');
/** It warned in one line, under this title, and stopped nothing. */
async function warned(title: string, saying: RegExp, of = scripts): Promise<void> {
  const { code, output } = await look(of);
  expect(output).toMatch(/^::warning title=[^:\n]+::[^\n]+\n$/);
  expect(output).toContain(`::warning title=${title}::`);
  expect(output).toMatch(saying);
  expect(code).toBe(0);
}
const quiet = async (of = scripts) =>
  expect(await look(of)).toEqual({ code: 0, output: expect.stringMatching(/^The last nightly sweep that succeeded ended on 2026-11-2\d \d\d:\d\d UTC\.\n$/) });

describe('the sweep works', () => {
  test.each([0, 8, 32, 48])('where it succeeded %d hours ago', async (hours) => {
    swept(hours);
    await quiet();
  });
  test('though it failed last night, since two days are not over: the issue says it', async () => {
    swept(32);
    swept(8, 'failure');
    await quiet();
  });
  test('where somebody started it by hand, and where only the telling failed', async () => {
    swept(8, 'success', 'success', { event: 'workflow_dispatch' });
    await quiet();
    api.runs.length = 0;
    swept(8, 'success', 'failure');
    await quiet();
  });
  test('as one line that the page of the run shows nowhere', async () => {
    swept(8);
    expect((await look()).output).toBe('The last nightly sweep that succeeded ended on 2026-11-27 04:00 UTC.\n');
  });
});

describe('it is said where it does not', () => {
  const OLD = 'The nightly sweep has not succeeded for two days';
  const NEVER = 'No nightly sweep has succeeded';
  test('it succeeded two days and an hour ago', async () => {
    swept(49);
    await warned(OLD, /The last one that did ended 2 days ago, on 2026-11-25 11:00 UTC\. Start it by hand/);
  });
  test('it fails every night', async () => {
    for (const days of [5, 4, 3, 2, 1]) swept(days * 24, days === 5 ? 'success' : 'failure');
    await warned(OLD, /ended 5 days ago/);
  });
  test('it was cancelled, or took too long, every night', async () => {
    for (const days of [2, 1]) swept(days * 24, 'cancelled');
    await warned(NEVER, /Of its last 2 runs on main, none has\./);
  });
  test('it never ran', async () => await warned(NEVER, /It has not run on main yet\. Start it by hand: Actions, "dbt sweep", Run workflow\./));
  test.each<[string, string, string, Partial<Run>]>([
    ['only to say what it would do', 'success', 'skipped', { event: 'workflow_dispatch' }],
    ['on another branch', 'success', 'success', { branch: 'feature' }],
    ['from a fork whose branch is called main', 'success', 'success', { from: 4242 }],
    ['and its jobs were skipped', 'skipped', 'skipped', {}],
    ['and one of its jobs has another name by now', 'success', 'success', { jobs: [{ name: SWEEP, conclusion: 'success', completedAt: hoursAgo(1) }] }],
  ])('it ran %s', async (_, sweep, tell, run) => {
    api.ignoresFilters(true);
    swept(1, sweep, tell, run);
    await warned(NEVER, /none has|not run on main yet/);
  });
  test.each<[string, Mistake, Partial<Run>]>([
    ['a run by hand that swept nothing', { in: 'sweep_is_alive', from: ' or tell.get("conclusion") in (None, "skipped")', to: '' }, {}],
    ['a fork', { in: 'sweep_is_alive', from: ' and head.get("id") == repository', to: '' }, { from: 4242 }],
  ])('and a script that believes %s would be seen', async (_, mistake, run) => {
    api.ignoresFilters(true);
    swept(1, 'success', run.from === undefined ? 'skipped' : 'success', run);
    await quiet(githubScripts(api, mistake));
    await warned(NEVER, /none has|not run/);
  });
  test.each([
    [
      'disabled_inactivity',
      /^::warning title=The nightly sweep does not run::GitHub has disabled it: in a public repository, schedules stop after 60 days without activity\. Actions, dbt sweep, Enable workflow\./,
    ],
    ['disabled_manually', /somebody has disabled it/],
    ['disabled_fork', /this repository is a fork/],
    ['deleted', /its file is gone/],
    ['%0a::error::x', /its state is '%250a::error::x'/],
  ])('its workflow is %s, though it succeeded this morning', async (state, saying) => {
    swept(1);
    sweepIs(state);
    await warned('The nightly sweep does not run', saying);
  });
  test('there is no such workflow', async () => {
    sweepIs();
    await warned('The nightly sweep has never run', /acme\/dbt has no workflow dbt_sweep.yml on its default branch, or this job may not see it/);
  });
  test('the schedule cannot sweep: the default branch is another, the repository is a fork', async () => {
    api.repository({ default_branch: 'develop', fork: true });
    await warned(
      NEVER,
      /on the default branch alone, and that is develop\. This repository is a fork, in which it runs only with the variable DBT_ENVS_SWEEP_FORK=yes\./,
    );
    swept(100);
    await warned(OLD, /develop.*fork/);
  });
  test('only so many runs are looked at', async () => {
    for (let night = 1; night <= 40; night += 1) swept(night * 24, 'failure');
    const before = api.requests.length;
    await warned(NEVER, /Of its last 14 runs on main, none has/);
    expect(api.requests.length - before).toBeLessThan(20);
  });
});

describe('what cannot be seen stops no deploy, and is said', () => {
  const FAILURES: readonly [string, Failure, RegExp][] = [
    ['401', { status: 401 }, /The token is not valid/],
    ['403', { status: 403, body: '{"message":"Resource not accessible by integration"}' }, /status 403 \(Resource not accessible/],
    ['a rate limit', { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '99999999999' } }, /the rate limit is reached/],
    ['500', { status: 500 }, /status 500/],
    ['no JSON', 'html', /is not whole/],
    ['half an answer', 'cut off', /is not whole/],
    ['another shape', 'wrong shape', /of another shape/],
    ['no connection', 'hang up', /does not answer/],
  ];
  test.each(
    FAILURES.flatMap(([how, failure, saying]) =>
      [/actions\/workflows\/dbt_sweep/, /\/runs\?/, /\/jobs\?/, /\/dbt$/].map((where) => [how, where, failure, saying] as const),
    ),
  )('%s at %s', async (_, where, failure, saying) => {
    swept(1);
    api.fails(where, failure);
    await warned('Whether the nightly sweep works cannot be seen', saying);
  });
  test('an answer without a clock, a run without an id, a job without a time', async () => {
    swept(1);
    api.clock(null);
    await warned('Whether the nightly sweep works cannot be seen', /do not say when they were given/);
    api.clock(NOW);
    api.fails(/\/jobs\?/, {
      status: 200,
      body: JSON.stringify({
        total_count: 2,
        jobs: [
          { id: 1, name: SWEEP, conclusion: 'success' },
          { id: 2, name: TELL, conclusion: 'success' },
        ],
      }),
    });
    await warned('Whether the nightly sweep works cannot be seen', /it has no time/);
    api.fails(/\/runs\?/, {
      status: 200,
      body: JSON.stringify({ total_count: 1, workflow_runs: [{ head_branch: 'main', head_repository: { id: REPOSITORY_ID } }] }),
    });
    await warned('Whether the nightly sweep works cannot be seen', /it has no id/);
  });
  test('no login, no repository', async () => {
    const { code, output } = await scripts.run('sweep_is_alive', [], { GITHUB_REPOSITORY: 'no' });
    expect([code, output]).toEqual([0, '::warning title=Whether the nightly sweep works cannot be seen::GITHUB_REPOSITORY is not owner/name.\n']);
  });
  test('a mistake of its own', async () => {
    await warned(
      'Whether the nightly sweep works cannot be seen',
      /ZeroDivisionError: division by zero/,
      githubScripts(api, { in: 'sweep_is_alive', from: '    state = workflow.get("state")\n', to: '    state = 1 / 0\n' }),
    );
  });
});

test('the token stands in nothing that was printed', () => {
  expect(scripts.printed.length).toBeGreaterThan(40);
  expect(scripts.printed.join('\n')).not.toContain(TOKEN);
});
