import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decide, type Invocation, look } from '../../src/run.ts';
import { parseWorkflow } from '../support/github-workflow.ts';

const LINT = 'name: lint\non: [push]\njobs: {}\n';
let folder = '';
beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'dbt-envs-ci-')));
  put('.git/refs/remotes/origin/HEAD', 'ref: refs/remotes/origin/trunk\n');
  put('.github/workflows/lint.yml', LINT);
  put('README.md', '# Ours\n');
  for (const file of ['dbt_project.yml', 'profiles.yml']) put(`data/dbt/${file}`, readFileSync(new URL(`fixtures/${file}`, import.meta.url), 'utf8'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (file: string, text: string): void => {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), text);
};
const text = (file: string): string => readFileSync(path.join(folder, file), 'utf8');
const decision = () => {
  const invocation: Invocation = {
    cwd: path.join(folder, 'data/dbt'),
    command: ['ci'],
    given: { team: 'priya, sam', warehouse: 'postgres', database: 'acme' },
    force: false,
  };
  return decide(invocation, look(invocation).known);
};

describe('the part ci in a repository that is there: a project in a subfolder, branch trunk, workflows of its own', () => {
  test('writes two workflows at the root of the repository, and beside its macros and scripts nothing else there', async () => {
    const { created } = await decision().apply(() => 'keep');
    expect(created.filter((file) => file.startsWith('../../')).toSorted()).toEqual([
      '../../.github/workflows/dbt_deploy.yml',
      '../../.github/workflows/dbt_pull_request.yml',
    ]);
    expect(created.filter((file) => /^(?:grants|docs|models)\//.test(file))).toEqual([]);
    expect(created).toEqual(
      expect.arrayContaining(['requirements.txt', 'scripts/dbt_envs/build_pr.py', 'scripts/dbt_envs/dbt_dev.py', 'macros/dbt_envs/review_card.sql']),
    );
    expect([text('.github/workflows/lint.yml'), text('README.md')]).toEqual([LINT, '# Ours\n']);
  });
  test("they run in the project's folder, for that branch", async () => {
    await decision().apply(() => 'keep');
    const deploy = parseWorkflow(text('.github/workflows/dbt_deploy.yml'));
    const pulls = parseWorkflow(text('.github/workflows/dbt_pull_request.yml'));
    expect(deploy.on.push).toEqual({ branches: ['trunk'] });
    for (const one of [deploy, pulls]) expect(one.defaults?.run?.['working-directory']).toBe('data/dbt');
    const artifacts = [...Object.values(deploy.jobs), ...Object.values(pulls.jobs)].flatMap(({ steps }) =>
      steps.flatMap(({ uses = '', with: given }) => (uses.includes('-artifact@') ? [given?.path] : [])),
    );
    expect(artifacts.length).toBeGreaterThan(3);
    for (const place of artifacts) expect(place).toMatch(/^data\/dbt\/target\/dbt_envs/);
  });
  test('a branch that is named is taken, and so is main where the remote says nothing that a file could carry', () => {
    put('.git/refs/remotes/origin/HEAD', 'ref: refs/remotes/origin/$(touch x)\n');
    expect(decision().repeat).not.toContain('touch');
    expect(look({ cwd: path.join(folder, 'data/dbt'), command: ['ci'], given: { mainBranch: 'live' }, force: false }).known.mainBranch).toBe('live');
  });
  test('what CI needs of an administrator is said, though the part does not write it', () => {
    expect(decision().nextSteps.join('\n')).toContain('npx generator-dbt-envs grants writes the scripts');
  });
  test('a workflow of theirs that has the name of one of ours stays as it is, unless somebody says otherwise', async () => {
    put('.github/workflows/dbt_deploy.yml', LINT);
    const { conflicts } = await decision().apply(() => 'keep');
    expect(conflicts).toEqual(expect.arrayContaining(['../../.github/workflows/dbt_deploy.yml']));
    expect(text('.github/workflows/dbt_deploy.yml')).toBe(LINT);
  });
  test('a second run changes nothing', async () => {
    await decision().apply(() => 'keep');
    const { created, updated } = await decision().apply(() => 'keep');
    expect([created, updated]).toEqual([[], []]);
  });
});
