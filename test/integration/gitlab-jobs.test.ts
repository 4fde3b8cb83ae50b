import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { warehouses } from '../../src/catalogue.ts';
import { jobsFor } from '../support/gitlab-ci.ts';
import { type GitlabJob, gitlabFiles, gitlabJobs } from '../support/gitlab-files.ts';
import { runScript, type ScriptOptions } from '../support/gitlab-script.ts';
import { contextFor, scaffold } from '../support/scaffold.ts';

/** Which jobs GitLab would start, by its rules as gitlab-ci-local reads them, for every event. */
let folder = '';
let drafts = '';
beforeAll(() => {
  [folder, drafts] = [committed(scaffold({ ci: 'gitlab' })), committed(scaffold({ ci: 'gitlab', buildDrafts: 'yes' }))];
});

function committed(cwd: string): string {
  execFileSync('git', ['init', '-q', '-b', 'main'], { cwd });
  execFileSync('git', ['add', '-A'], { cwd });
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@acme.example', 'commit', '-qm', 'x'], { cwd });
  return cwd;
}

const MERGE = {
  CI_PIPELINE_SOURCE: 'merge_request_event',
  CI_PROJECT_ID: '7',
  CI_MERGE_REQUEST_PROJECT_ID: '7',
  CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '7',
  CI_MERGE_REQUEST_IID: '142',
  CI_MERGE_REQUEST_DRAFT: 'false',
  CI_MERGE_REQUEST_EVENT_TYPE: 'detached',
  CI_COMMIT_BRANCH: '',
} as const;
const on = (source: string, branch: string, more: Readonly<Record<string, string>> = {}) => ({
  CI_PIPELINE_SOURCE: source,
  CI_COMMIT_BRANCH: branch,
  CI_PROJECT_ID: '7',
  ...more,
});
const BUILD = { 'dbt-build': 'on_success', 'dbt-drop': 'manual' };
/** A pipeline with a job that waits and may not be left out is blocked: nothing is merged. */
const WAITS = { 'dbt-build': 'manual', 'dbt-parse': 'on_success', 'dbt-drop': 'manual' };
const NIGHTLY = { CI_PIPELINE_SCHEDULE_DESCRIPTION: 'dbt sweep' };
const MORNING = { CI_PIPELINE_SCHEDULE_DESCRIPTION: 'dbt deploy' };
const PARSE = { 'dbt-parse': 'on_success' };
const DEPLOY = { 'dbt-deploy': 'on_success', 'dbt-sweep-watch': 'on_success' };
const SWEEP = { 'dbt-sweep': 'on_success', 'dbt-tell': 'always' };

describe('what an event starts', () => {
  test.each<[string, Readonly<Record<string, string>>, Readonly<Record<string, string>>]>([
    ['a merge request', MERGE, BUILD],
    ['its merged result', { ...MERGE, CI_MERGE_REQUEST_EVENT_TYPE: 'merged_result' }, BUILD],
    ['a draft', { ...MERGE, CI_MERGE_REQUEST_DRAFT: 'true' }, WAITS],
    ['a fork’s draft', { ...MERGE, CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '99', CI_MERGE_REQUEST_DRAFT: 'true' }, PARSE],
    ['a merge train', { ...MERGE, CI_MERGE_REQUEST_EVENT_TYPE: 'merge_train' }, PARSE],
    ['a fork’s, which a member runs here', { ...MERGE, CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '99' }, PARSE],
    ['a fork’s, in the fork itself', { ...MERGE, CI_PROJECT_ID: '99', CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '99' }, PARSE],
    ['a push to main', on('push', 'main'), DEPLOY],
    ['a push to another branch', on('push', 'discounts'), {}],
    ['a push to a branch whose name begins like main', on('push', 'main-2'), {}],
    ['a tag', on('push', ''), {}],
    ['the deploy’s schedule', on('schedule', 'main', MORNING), DEPLOY],
    ['a schedule of somebody else’s', on('schedule', 'main'), {}],
    ['a schedule of somebody else’s that gives a variable', on('schedule', 'main', { DBT_ENVS_RUN: 'sweep' }), {}],
    ['the deploy’s schedule on another branch', on('schedule', 'discounts', MORNING), {}],
    ['the sweep’s schedule', on('schedule', 'main', NIGHTLY), SWEEP],
    ['the sweep’s schedule on another branch', on('schedule', 'discounts', NIGHTLY), {}],
    ['a pipeline by hand', on('web', 'main'), DEPLOY],
    ['a pipeline by hand on another branch', on('web', 'discounts'), {}],
    ['a sweep by hand', on('web', 'main', { DBT_ENVS_RUN: 'sweep' }), SWEEP],
    ['a sweep that only says what it would do', on('web', 'main', { DBT_ENVS_RUN: 'sweep', DBT_ENVS_DRY_RUN: 'true' }), { 'dbt-sweep-dry-run': 'on_success' }],
    ['a pipeline that another project triggers', on('pipeline', 'main'), {}],
    ['a trigger token', on('trigger', 'main', { DBT_ENVS_RUN: 'sweep' }), {}],
  ])('%s', async (_, variables, jobs) => expect(await jobsFor(folder, variables)).toEqual(jobs));

  test('a draft, where drafts are built', async () => expect(await jobsFor(drafts, { ...MERGE, CI_MERGE_REQUEST_DRAFT: 'true' })).toEqual(BUILD));
});

describe('a mistake that is planted in a rule shows', () => {
  const FORK = { ...MERGE, CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '99' };
  test.each<[string, string, string, string, Readonly<Record<string, string>>, Readonly<Record<string, string>>]>([
    ['a fork’s merge request is built', 'merge_request', '$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID &&\n', '\n', FORK, BUILD],
    [
      'a fork builds with what it has',
      'merge_request',
      '$CI_MERGE_REQUEST_PROJECT_ID == $CI_PROJECT_ID',
      '"a" == "a"',
      { ...MERGE, CI_PROJECT_ID: '99' },
      BUILD,
    ],
    [
      'every branch deploys',
      'deploy',
      '$CI_PIPELINE_SOURCE == "push" && $CI_COMMIT_BRANCH == "main"',
      '$CI_PIPELINE_SOURCE == "push"',
      on('push', 'discounts'),
      DEPLOY,
    ],
    ['whose name only begins so', 'deploy', '$CI_COMMIT_BRANCH == "main"', '$CI_COMMIT_BRANCH =~ /^main/', on('push', 'main-2'), DEPLOY],
    ['a night deploys too', 'deploy', ' && $CI_PIPELINE_SCHEDULE_DESCRIPTION == "dbt deploy"', '', on('schedule', 'main', NIGHTLY), { ...SWEEP, ...DEPLOY }],
    [
      'nobody is told of a night that failed',
      'sweep',
      '      when: always\n',
      '      when: on_success\n',
      on('schedule', 'main', NIGHTLY),
      { ...SWEEP, 'dbt-tell': 'on_success' },
    ],
  ])('%s', async (_, file, from, to, variables, jobs) => {
    const place = path.join(scaffold({ ci: 'gitlab' }), `.gitlab/ci/dbt_${file}.yml`);
    const text = readFileSync(place, 'utf8');
    expect(text).toContain(from);
    writeFileSync(place, text.replaceAll(from, to));
    const cwd = committed(path.resolve(place, '../../..'));
    expect(await jobsFor(cwd, variables)).toEqual(jobs);
  });
});

/** The steps of the plan that each job runs. */
const STEPS_OF = { 'dbt-build': 'build', 'dbt-drop': 'drop', 'dbt-deploy': 'deploy', 'dbt-sweep': 'sweep' } as const;
type JobName = keyof typeof STEPS_OF;

describe.each(warehouses.map(({ id }) => id))('a job for %s', (warehouse) => {
  const jobs = gitlabJobs(gitlabFiles({ warehouse }));
  const { pipeline } = contextFor({ warehouse, ci: 'gitlab' });
  const stepsOf = (name: JobName) => pipeline.jobs.find(({ id }) => id === STEPS_OF[name])?.steps ?? [];
  const run = (name: JobName, options: ScriptOptions = {}, planted = (job: GitlabJob): GitlabJob => job) =>
    runScript(planted(jobs[name] ?? {}), { state: name === 'dbt-drop' ? 'closed' : 'open', ...options });

  test.each(['bash', 'sh'] as const)('runs its steps in order, and ends well where they do: %s', (shell) => {
    for (const name of Object.keys(STEPS_OF) as JobName[]) {
      const { code, called } = run(name, { shell });
      expect([code, called.filter((line) => stepsOf(name).some(({ run }) => run === line))], name).toEqual([0, stepsOf(name).map(({ run }) => run)]);
    }
  });
  test.each(['bash', 'sh'] as const)('fails where any of its steps fails, and runs none behind it but those that it must: %s', (shell) => {
    for (const name of Object.keys(STEPS_OF) as JobName[])
      for (const [at, step] of stepsOf(name).entries()) {
        const { code, called } = run(name, { shell, fails: step.run });
        const behind = stepsOf(name).slice(at + 1);
        expect(code, `${name}: ${step.run}`).not.toBe(0);
        expect(called.filter((line) => behind.some(({ run }) => run === line))).toEqual(
          behind.filter(({ evenAfterFailure }) => evenAfterFailure).map(({ run }) => run),
        );
      }
  });
  test('fails before its first step where what it needs cannot be had', () => {
    for (const [name, needed] of [
      ['dbt-build', ['pip install', 'pull_request_state.py', 'fetch_state.py']],
      ['dbt-drop', ['git clone', 'pip install', 'pull_request_state.py']],
      ['dbt-deploy', ['git fetch', 'git checkout', 'pip install']],
      ['dbt-sweep', ['git fetch', 'git checkout', 'pip install']],
    ] as const)
      for (const fails of needed) {
        const { code, called } = run(name, { fails });
        expect([code === 0, called.filter((line) => stepsOf(name).some(({ run }) => run === line))], `${name}: ${fails}`).toEqual([false, []]);
      }
  });
  test('builds nothing of a merge request that is closed or has moved, drops nothing of an open one, deploys nothing from an open branch', () => {
    for (const state of ['closed', 'moved'] as const) expect(run('dbt-build', { state }).called).not.toContain('python scripts/dbt_envs/build_pr.py');
    const open = run('dbt-drop', { state: 'open' });
    expect([open.code, open.called.filter((line) => line.startsWith('dbt'))]).toEqual([0, []]);
    const unprotected = run('dbt-deploy', { env: { CI_COMMIT_REF_PROTECTED: 'false' } });
    expect([unprotected.code, unprotected.called]).toEqual([1, []]);
  });
  test('that drops and hides that it failed is noticed', () => {
    const swallowing = (job: GitlabJob): GitlabJob => ({
      ...job,
      script: (job.script ?? []).map((line) => line.replace(/^(dbt run-operation .*)$/, '$1 || true')),
    });
    expect(run('dbt-drop', { fails: 'drop_pr_schema' }, swallowing).code).toBe(0);
    const forgetting = (job: GitlabJob): GitlabJob => ({ ...job, script: (job.script ?? []).map((line) => line.replace('[ "$status" = 0 ]', 'true')) });
    for (const name of ['dbt-build', 'dbt-deploy', 'dbt-sweep'] as const)
      expect(run(name, { fails: stepsOf(name)[0]?.run ?? '' }, forgetting).code, name).toBe(0);
  });
});
