import { execFileSync } from 'node:child_process';
import { beforeAll, describe, expect, test } from 'vitest';
import { jobsFor } from '../support/gitlab-ci.ts';
import { scaffold } from '../support/scaffold.ts';

/** Which jobs GitLab would start, by its rules as gitlab-ci-local reads them, for every event. */
let folder = '';
let drafts = '';
beforeAll(() => {
  [folder, drafts] = [scaffold({ ci: 'gitlab' }), scaffold({ ci: 'gitlab', buildDrafts: 'yes' })] as const;
  for (const cwd of [folder, drafts]) {
    execFileSync('git', ['init', '-q', '-b', 'main'], { cwd });
    execFileSync('git', ['add', '-A'], { cwd });
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@acme.example', 'commit', '-qm', 'x'], { cwd });
  }
});

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
const PARSE = { 'dbt-parse': 'on_success' };
const DEPLOY = { 'dbt-deploy': 'on_success' };
const SWEEP = { 'dbt-sweep': 'on_success', 'dbt-tell': 'always' };

describe('what an event starts', () => {
  test.each<[string, Readonly<Record<string, string>>, Readonly<Record<string, string>>]>([
    ['a merge request', MERGE, BUILD],
    ['its merged result', { ...MERGE, CI_MERGE_REQUEST_EVENT_TYPE: 'merged_result' }, BUILD],
    ['a draft', { ...MERGE, CI_MERGE_REQUEST_DRAFT: 'true' }, PARSE],
    ['a merge train', { ...MERGE, CI_MERGE_REQUEST_EVENT_TYPE: 'merge_train' }, PARSE],
    ['a fork’s, which a member runs here', { ...MERGE, CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '99' }, PARSE],
    ['a fork’s, in the fork itself', { ...MERGE, CI_PROJECT_ID: '99', CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '99' }, PARSE],
    ['a push to main', on('push', 'main'), DEPLOY],
    ['a push to another branch', on('push', 'discounts'), {}],
    ['a push to a branch whose name begins like main', on('push', 'main-2'), {}],
    ['a tag', on('push', ''), {}],
    ['the deploy’s schedule', on('schedule', 'main', { DBT_ENVS_RUN: 'deploy' }), DEPLOY],
    ['a schedule of somebody else’s', on('schedule', 'main'), {}],
    ['the deploy’s schedule on another branch', on('schedule', 'discounts', { DBT_ENVS_RUN: 'deploy' }), {}],
    ['the sweep’s schedule', on('schedule', 'main', { DBT_ENVS_RUN: 'sweep' }), SWEEP],
    ['the sweep’s schedule on another branch', on('schedule', 'discounts', { DBT_ENVS_RUN: 'sweep' }), {}],
    ['a pipeline by hand', on('web', 'main'), DEPLOY],
    ['a pipeline by hand on another branch', on('web', 'discounts'), {}],
    ['a sweep by hand', on('web', 'main', { DBT_ENVS_RUN: 'sweep' }), SWEEP],
    ['a sweep that only says what it would do', on('web', 'main', { DBT_ENVS_RUN: 'sweep', DBT_ENVS_DRY_RUN: 'true' }), { 'dbt-sweep-dry-run': 'on_success' }],
    ['a pipeline that another project triggers', on('pipeline', 'main'), {}],
    ['a trigger token', on('trigger', 'main', { DBT_ENVS_RUN: 'sweep' }), {}],
  ])('%s', async (_, variables, jobs) => expect(await jobsFor(folder, variables)).toEqual(jobs));

  test('a draft, where drafts are built', async () => expect(await jobsFor(drafts, { ...MERGE, CI_MERGE_REQUEST_DRAFT: 'true' })).toEqual(BUILD));
});
