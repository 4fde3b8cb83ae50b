import { describe, expect, test } from 'vitest';
import { warehouses } from '../../src/catalogue.ts';
import { scopedSettings } from '../../templates/ci/gitlab/setup.ts';
import { gitlabFiles, gitlabJobs } from '../support/gitlab-files.ts';
import { findingsIn } from '../support/gitlab-rules.ts';
import { contextFor } from '../support/scaffold.ts';

describe.each(warehouses.map(({ id }) => id))('the jobs for %s', (warehouse) => {
  const files = gitlabFiles({ warehouse });
  const jobs = gitlabJobs(files);

  test('are eight, in three files and one that includes them', () => {
    expect(Object.keys(files).sort()).toEqual(['.gitlab-ci.yml', '.gitlab/ci/dbt_deploy.yml', '.gitlab/ci/dbt_merge_request.yml', '.gitlab/ci/dbt_sweep.yml']);
    expect(Object.keys(jobs)).toEqual(['dbt-build', 'dbt-parse', 'dbt-drop', 'dbt-deploy', 'dbt-sweep-watch', 'dbt-sweep', 'dbt-sweep-dry-run', 'dbt-tell']);
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
      'dbt-sweep-watch': undefined,
      'dbt-build': 'pr/$CI_MERGE_REQUEST_IID',
      'dbt-parse': undefined,
      'dbt-drop': 'pr/$CI_MERGE_REQUEST_IID',
      'dbt-sweep': 'sweep',
      'dbt-sweep-dry-run': 'sweep',
      'dbt-tell': 'sweep-issue',
    });
  });
  test('read no credentials but their own, from where they may; drop what they build; hide nothing', () => {
    for (const given of [{}, { buildDrafts: 'yes' }, { prodRuns: 'external' }, { mainBranch: 'trunk' }])
      expect(findingsIn(gitlabFiles({ warehouse, ...given }), contextFor({ warehouse, ci: 'gitlab', ...given }).pipeline)).toEqual([]);
  });
  test('have each variable in the scope of their own environment, and production’s secrets in no other', () => {
    const settings = scopedSettings(contextFor({ warehouse, ci: 'gitlab' }).pipeline);
    const scopesOf = (identity: string) => ({ ci: 'pr/*', prod: 'prod', janitor: 'sweep', dev: '' })[identity];
    for (const { name, secret, identities, scopes } of settings) {
      if (identities.length > 0) expect([...scopes].sort(), name).toEqual(identities.flatMap((one) => scopesOf(one) || []).sort());
      if (secret && identities.includes('prod')) expect(scopes, name).toEqual(['prod']);
    }
    expect(settings.filter(({ identities }) => identities.length === 0).map(({ name, scopes }) => [name, scopes])).toEqual([
      ['DBT_ENVS_GITLAB_TOKEN', ['sweep-issue']],
    ]);
  });
  test('look after the sweep beside the deploy: what that finds is seen, and stops nothing', () => {
    expect(jobs['dbt-sweep-watch']).toMatchObject({ allow_failure: true, needs: [] });
    expect(jobs['dbt-sweep-watch']?.rules?.map((rule) => rule.if)).toEqual(jobs['dbt-deploy']?.rules?.map((rule) => rule.if));
    expect(gitlabJobs(gitlabFiles({ warehouse, prodRuns: 'external' }))).not.toHaveProperty('dbt-sweep-watch');
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

describe('a planted mistake is found', () => {
  const files = gitlabFiles({ warehouse: 'postgres' });
  const { pipeline } = contextFor({ warehouse: 'postgres', ci: 'gitlab' });
  const MERGE = '.gitlab/ci/dbt_merge_request.yml';
  const DEPLOY = '.gitlab/ci/dbt_deploy.yml';
  const SWEEP = '.gitlab/ci/dbt_sweep.yml';
  test.each<[string, string, string, string]>([
    ['dbt-build: has no job that drops what it builds', MERGE, '    on_stop: dbt-drop\n', ''],
    ['dbt-build: has no job that drops what it builds', MERGE, '    action: stop\n', ''],
    ['dbt-build: is dropped by a job of another environment', MERGE, '    name: pr/$CI_MERGE_REQUEST_IID\n    action', '    name: pr/1\n    action'],
    ['dbt-build: runs beside its own drop', MERGE, '  needs: []\n  resource_group: dbt-pr-', '  needs: []\n  resource_group: dbt-drop-'],
    ['dbt-build: starts for a fork', MERGE, '$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID', '$CI_COMMIT_SHA'],
    ['dbt-build: starts in a fork', MERGE, ' == $CI_PROJECT_ID', ' != ""'],
    ['dbt-build: names DBT_ENV_SECRET_PROD_PASSWORD, which is not its own', MERGE, 'DBT_ENV_SECRET_CI_PASSWORD', 'DBT_ENV_SECRET_PROD_PASSWORD'],
    ['dbt-drop: drops before anything has stopped', MERGE, '      when: manual\n', '      when: on_success\n'],
    ['dbt-drop: has no resource group, so it runs beside itself', MERGE, '  needs: []\n  resource_group: dbt-pr-$CI_MERGE_REQUEST_IID\n', '  needs: []\n'],
    ['dbt-drop: has something in its script that anybody may choose', MERGE, 'git clone --quiet', 'git clone "${CI_COMMIT_REF_NAME}"'],
    ['dbt-deploy: has no resource group, so it runs beside itself', DEPLOY, '  resource_group: dbt-prod\n', ''],
    ['dbt-deploy: may be cancelled on the way', DEPLOY, '  interruptible: false\n', ''],
    ['dbt-deploy: starts elsewhere than on main', DEPLOY, '"push" && $CI_COMMIT_BRANCH == "main"', '"push"'],
    ['dbt-deploy: takes more than tags from what the team makes a default', DEPLOY, '  inherit:\n    default: [tags]\n', ''],
    ['dbt-sweep: names DBT_ENV_SECRET_PROD_PASSWORD, which is not its own', SWEEP, 'DBT_ENV_SECRET_JANITOR_PASSWORD', 'DBT_ENV_SECRET_PROD_PASSWORD'],
    ['dbt-tell: names DBT_ENV_SECRET_JANITOR_PASSWORD, which is not its own', SWEEP, 'tell_sweep.py', 'tell_sweep.py "$DBT_ENV_SECRET_JANITOR_PASSWORD"'],
    ['dbt-build: leaves out some that could be merged', MERGE, '      when: manual\n      allow_failure: false\n', '      when: never\n'],
    ['dbt-build: may be left out by whoever merges', MERGE, '      allow_failure: false\n', '      allow_failure: true\n'],
    [
      'dbt-build: has no drop in some pipelines that build',
      MERGE,
      '        $CI_MERGE_REQUEST_EVENT_TYPE != "merge_train"\n      when: manual\n      allow_failure: true',
      '        $CI_MERGE_REQUEST_DRAFT != "true"\n      when: manual\n      allow_failure: true',
    ],
    ['dbt-build: shows its artifacts to whoever sees the pipeline', MERGE, '    access: developer', '    access: all'],
    ['dbt-deploy: begins in what another job has left in its folder', DEPLOY, 'GIT_STRATEGY: clone', 'GIT_STRATEGY: fetch'],
    ['dbt-sweep: begins in what another job has left in its folder', SWEEP, 'GIT_STRATEGY: clone', 'GIT_STRATEGY: fetch'],
    ['dbt-sweep: shows its artifacts to whoever sees the pipeline', SWEEP, '    access: developer', '    access: all'],
    ['dbt-tell: may run for ever', SWEEP, '  timeout: 10 minutes\n', ''],
  ])('%s', (finding, file, from, to) => {
    expect(files[file]).toContain(from);
    const planted = { ...files, [file]: (files[file] ?? '').replaceAll(from, () => to) };
    expect(findingsIn(planted, pipeline)).toContain(finding);
  });
});

describe('what is asked for reaches every job', () => {
  const jobs = gitlabJobs(gitlabFiles({ runner: 'big, eu', image: 'registry.acme.example/dbt:1', pythonIndex: 'https://pypi.acme.example/simple' }));
  test('the tags of a runner and the image, but where a fork’s code runs, or none of the team’s', () => {
    for (const [name, { tags, image }] of Object.entries(jobs)) {
      if (name === 'dbt-parse') expect([tags, image]).toEqual([undefined, 'python:3.12']);
      else if (name === 'dbt-tell' || name === 'dbt-sweep-watch') expect([tags, image]).toEqual([['big', 'eu'], 'python:3.12']);
      else expect([tags, image], name).toEqual([['big', 'eu'], 'registry.acme.example/dbt:1']);
    }
  });
  test('the Python index', () => {
    for (const [name, { variables }] of Object.entries(jobs))
      if (name !== 'dbt-tell' && name !== 'dbt-sweep-watch') expect(variables?.PIP_INDEX_URL, name).toBe('https://pypi.acme.example/simple');
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
