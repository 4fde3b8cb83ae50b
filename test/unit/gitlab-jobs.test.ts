import { describe, expect, test } from 'vitest';
import { warehouses } from '../../src/catalogue.ts';
import { gitlabFiles, gitlabJobs } from '../support/gitlab-files.ts';

/** What somebody may choose who only opens a merge request: none of it stands in a script, quoted or not. */
const CHOSEN_BY_ANYBODY =
  /\$\{?(?:CI_MERGE_REQUEST_(?:TITLE|DESCRIPTION|LABELS|MILESTONE|ASSIGNEES|SOURCE_BRANCH_NAME)|CI_COMMIT_(?:MESSAGE|TITLE|DESCRIPTION|AUTHOR|REF_NAME|BRANCH|TAG)|GITLAB_USER_NAME)\b/;

describe.each(warehouses.map(({ id }) => id))('the jobs for %s', (warehouse) => {
  const files = gitlabFiles({ warehouse });
  const jobs = gitlabJobs(files);

  test('are seven, in three files and one that includes them', () => {
    expect(Object.keys(files).sort()).toEqual(['.gitlab-ci.yml', '.gitlab/ci/dbt_deploy.yml', '.gitlab/ci/dbt_merge_request.yml', '.gitlab/ci/dbt_sweep.yml']);
    expect(Object.keys(jobs)).toEqual(['dbt-build', 'dbt-parse', 'dbt-drop', 'dbt-deploy', 'dbt-sweep', 'dbt-sweep-dry-run', 'dbt-tell']);
  });
  test('each say when they run, for how long at most, and nothing of what they say is a default', () => {
    for (const [name, { rules, timeout, script }] of Object.entries(jobs)) {
      expect(rules?.length, name).toBeGreaterThan(0);
      expect(timeout, name).toMatch(/^\d+ minutes$/);
      expect(script?.length, name).toBeGreaterThan(0);
    }
  });
  test('stand each in the scope of their own credentials', () => {
    const scopes = Object.fromEntries(Object.entries(jobs).map(([name, { environment }]) => [name, environment?.name]));
    expect(scopes).toEqual({
      'dbt-deploy': 'prod',
      'dbt-build': 'pr/$CI_MERGE_REQUEST_IID',
      'dbt-parse': undefined,
      'dbt-drop': 'pr/$CI_MERGE_REQUEST_IID',
      'dbt-sweep': 'sweep',
      'dbt-sweep-dry-run': 'sweep',
      'dbt-tell': 'sweep-issue',
    });
  });
  test('reach production and the janitor from main alone', () => {
    for (const name of ['dbt-deploy', 'dbt-sweep', 'dbt-sweep-dry-run', 'dbt-tell'])
      for (const rule of jobs[name]?.rules ?? []) expect(rule.if, name).toContain('$CI_COMMIT_BRANCH == "main"');
  });
  test('put build and drop of one merge request in one queue, and cancel neither deploy nor sweep', () => {
    expect(jobs['dbt-build']?.resource_group).toBe(jobs['dbt-drop']?.resource_group);
    expect(jobs['dbt-build']?.environment?.on_stop).toBe('dbt-drop');
    expect(jobs['dbt-drop']?.rules?.[0]?.if).toBe(jobs['dbt-build']?.rules?.[0]?.if);
    for (const name of ['dbt-deploy', 'dbt-sweep']) expect(jobs[name]).toMatchObject({ interruptible: false, resource_group: expect.stringMatching(/^dbt-/) });
  });
  test('take nothing but tags from what a team makes the default of its own jobs', () => {
    for (const [name, { inherit }] of Object.entries(jobs)) expect(inherit, name).toEqual({ default: ['tags'] });
  });
  test('hold nothing in a script that somebody else may choose', () => {
    for (const [name, { script = [] }] of Object.entries(jobs)) expect(script.join('\n'), name).not.toMatch(CHOSEN_BY_ANYBODY);
    expect('echo "$CI_MERGE_REQUEST_TITLE"').toMatch(CHOSEN_BY_ANYBODY);
    expect('git switch ${CI_COMMIT_REF_NAME}').toMatch(CHOSEN_BY_ANYBODY);
  });
  test('fetch the tip of main before they read anything of it, and the drop is never the merge request’s code', () => {
    for (const name of ['dbt-deploy', 'dbt-sweep']) {
      const script = jobs[name]?.script?.join('\n') ?? '';
      expect(script.indexOf('git checkout --quiet --detach FETCH_HEAD')).toBeGreaterThan(0);
      expect(script.indexOf('FETCH_HEAD')).toBeLessThan(script.indexOf('requirements.txt'));
    }
    const drop = jobs['dbt-drop'];
    expect(drop?.variables?.GIT_STRATEGY).toBe('none');
    expect(drop?.script?.findIndex((line) => line.startsWith('git clone'))).toBeLessThan(drop?.script?.findIndex((line) => line.startsWith('python')) ?? 0);
  });
});

describe('what is asked for reaches every job', () => {
  const jobs = gitlabJobs(gitlabFiles({ runner: 'big, eu', image: 'registry.acme.example/dbt:1', pythonIndex: 'https://pypi.acme.example/simple' }));
  test('the tags of a runner and the image, but where a fork’s code runs, or none of the team’s', () => {
    for (const [name, { tags, image }] of Object.entries(jobs)) {
      if (name === 'dbt-parse') expect([tags, image]).toEqual([undefined, 'python:3.12']);
      else if (name === 'dbt-tell') expect([tags, image]).toEqual([['big', 'eu'], 'python:3.12']);
      else expect([tags, image], name).toEqual([['big', 'eu'], 'registry.acme.example/dbt:1']);
    }
  });
  test('the Python index', () => {
    for (const [name, { variables }] of Object.entries(jobs))
      if (name !== 'dbt-tell') expect(variables?.PIP_INDEX_URL, name).toBe('https://pypi.acme.example/simple');
  });
  test('another main branch', () => {
    const other = gitlabFiles({ mainBranch: 'release/live' });
    for (const text of Object.values(other)) expect(text).not.toMatch(/"main"|heads\/main|--branch main/);
    expect(other['.gitlab/ci/dbt_deploy.yml']).toContain('$CI_COMMIT_BRANCH == "release/live"');
  });
  test('drafts are built where they are to be', () => {
    expect(gitlabFiles()['.gitlab/ci/dbt_merge_request.yml']).toContain('$CI_MERGE_REQUEST_DRAFT != "true"');
    expect(gitlabFiles({ buildDrafts: 'yes' })['.gitlab/ci/dbt_merge_request.yml']).not.toContain('DRAFT');
  });
  test.each([
    ['merge', ['push']],
    ['schedule', ['schedule']],
    ['manual', ['web']],
    ['merge,schedule,manual', ['push', 'schedule', 'web']],
  ])('production runs on %s', (prodRuns, sources) => {
    const rules = gitlabJobs(gitlabFiles({ prodRuns }))['dbt-deploy']?.rules ?? [];
    expect(rules.map((rule) => /CI_PIPELINE_SOURCE == "(\w+)"/.exec(rule.if ?? '')?.[1])).toEqual(sources);
    expect(rules.map(({ variables }) => variables?.DBT_ENVS_RUNNER)).toEqual(prodRuns.split(','));
  });
  test('production has no job where only an orchestrator outside runs it', () => {
    const files = gitlabFiles({ prodRuns: 'external' });
    expect(Object.keys(gitlabJobs(files))).not.toContain('dbt-deploy');
    expect(Object.values(files).join('\n')).not.toContain('PROD');
  });
});
