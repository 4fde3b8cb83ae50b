import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decide, type Invocation, look } from '../../src/run.ts';
import { environmentOf, parseWorkflow } from '../support/github-workflow.ts';

const LINT = 'name: lint\non: [push]\njobs: {}\n';
const WORKFLOWS = '../../.github/workflows';
let folder = '';
beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'dbt-envs-cleanup-')));
  put('.git/refs/remotes/origin/HEAD', 'ref: refs/remotes/origin/trunk\n');
  put('.github/workflows/lint.yml', LINT);
  put('README.md', '# Ours\n');
  for (const file of ['dbt_project.yml', 'profiles.yml']) put(`data/dbt/${file}`, fixture(file));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const fixture = (file: string): string => readFileSync(new URL(`fixtures/${file}`, import.meta.url), 'utf8');
const put = (file: string, text: string): void => {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), text);
};
const text = (file: string): string => readFileSync(path.join(folder, file), 'utf8');
const decision = (...command: Invocation['command']) => {
  const given = { team: 'priya, sam', warehouse: 'postgres', database: 'acme' };
  const invocation: Invocation = { cwd: path.join(folder, 'data/dbt'), command, given, force: false };
  return decide(invocation, look(invocation).known);
};
const sweep = () => parseWorkflow(text('.github/workflows/dbt_sweep.yml'));

describe('the part cleanup alone in a repository that is there: a project in a subfolder, branch trunk, a CI of its own', () => {
  test('writes one workflow at the root of the repository, and nothing of pull requests, deploys or documents', async () => {
    const { created } = await decision('cleanup').apply(() => 'keep');
    expect(created.filter((file) => file.startsWith('../../'))).toEqual([`${WORKFLOWS}/dbt_sweep.yml`]);
    expect(created.filter((file) => file.startsWith('scripts/')).toSorted()).toEqual([
      'scripts/dbt_envs/dbt_command.py',
      'scripts/dbt_envs/github_api.py',
      'scripts/dbt_envs/inert_markdown.py',
      'scripts/dbt_envs/json_api.py',
      'scripts/dbt_envs/open_prs.py',
      'scripts/dbt_envs/pull_request_state.py',
      'scripts/dbt_envs/setup.py',
      'scripts/dbt_envs/sweep.py',
      'scripts/dbt_envs/sweep_account.py',
      'scripts/dbt_envs/sweep_report.py',
      'scripts/dbt_envs/tell_sweep.py',
    ]);
    expect(created.filter((file) => /^(?:docs|models|seeds)\/|review_card|drop_pr_schema/.test(file))).toEqual([]);
    expect(created).toEqual(expect.arrayContaining(['requirements.txt', 'macros/dbt_envs/drop_stale_schemas.sql']));
    expect([text('.github/workflows/lint.yml'), text('README.md')]).toEqual([LINT, '# Ours\n']);
  });
  test("it runs in the project's folder, from that branch alone, and says so", async () => {
    await decision('cleanup').apply(() => 'keep');
    const { defaults, jobs } = sweep();
    expect(defaults?.run?.['working-directory']).toBe('data/dbt');
    expect(jobs.sweep?.if).toContain("github.ref == 'refs/heads/trunk'");
    for (const job of Object.values(jobs)) expect(job.steps[0]?.with?.ref).toBe('trunk');
    const places = Object.values(jobs).flatMap(({ steps }) =>
      steps.flatMap(({ uses = '', with: given }) => (uses.includes('-artifact@') ? [String(given?.path)] : [])),
    );
    expect(places.map((place) => place.trim().split('\n'))).toEqual([
      ['data/dbt/target/dbt_envs/report.md', 'data/dbt/target/dbt_envs/report.json', 'data/dbt/target/dbt_envs/sweep.json'],
      ['data/dbt/target/dbt_envs'],
    ]);
    expect(JSON.stringify(jobs).match(/hashFiles\('([^']*)'\)/g)?.length).toBe(3);
    expect(JSON.stringify(jobs)).not.toMatch(/hashFiles\('(?!data\/dbt\/)/);
    // Nothing here deploys, so nothing promises to look after it.
    expect(text('.github/workflows/dbt_sweep.yml')).not.toContain('The deploy');
  });
  test('the administrator makes one environment, with the settings of the janitor and no check that nothing reports', async () => {
    await decision('cleanup').apply(() => 'keep');
    const setup = text('data/dbt/scripts/dbt_envs/setup.py');
    expect(setup).toContain('ENVIRONMENTS = {"sweep": ["trunk"]}');
    expect(setup).toContain('CHECKS: list = []');
    expect([...setup.matchAll(/"name": "(\w+)"/g)].map(([, name]) => name)).toEqual([
      'DBT_PG_HOST',
      'DBT_PG_PORT',
      'DBT_PG_DATABASE',
      'DBT_PG_SSLMODE',
      'DBT_JANITOR_LOGIN',
      'DBT_ENV_SECRET_JANITOR_PASSWORD',
    ]);
    expect(environmentOf(sweep().jobs.sweep ?? { steps: [] })).toBe('sweep');
  });
  test('what is left to do, and what a subscription cannot protect, is said for these very answers', () => {
    const { nextSteps, warnings } = decision('cleanup');
    expect(nextSteps.join('\n')).toContain('makes the environment sweep and asks for DBT_ENV_SECRET_JANITOR_PASSWORD.');
    expect(warnings.join('\n')).toContain('and the nightly sweep does not run');
    expect(warnings.join('\n')).not.toContain('The deploy refuses');
  });
  test('the part ci, added later, keeps the sweep and looks after it; the other way round comes to the same', async () => {
    const files = [
      '.github/workflows/dbt_sweep.yml',
      '.github/workflows/dbt_deploy.yml',
      'data/dbt/scripts/dbt_envs/setup.py',
      'data/dbt/scripts/dbt_envs/sweep_is_alive.py',
    ];
    const come = async (...commands: readonly ('ci' | 'cleanup')[]) => {
      for (const command of commands) await decision(command).apply(() => 'keep');
      return files.map(text);
    };
    const one = await come('cleanup', 'ci');
    expect(one[0]).toContain('The deploy warns when no sweep has succeeded for two days.');
    expect(one[1]).toContain('sweep_is_alive.py');
    expect(one[2]).toContain('ENVIRONMENTS = {"ci": [], "prod": ["trunk"], "sweep": ["trunk"]}');
    rmSync(path.join(folder, 'data'), { recursive: true });
    rmSync(path.join(folder, '.github'), { recursive: true });
    for (const file of ['dbt_project.yml', 'profiles.yml']) put(`data/dbt/${file}`, fixture(file));
    expect(await come('ci', 'cleanup')).toEqual(one);
  });
  test('a workflow of theirs that has the name of ours stays as it is, unless somebody says otherwise', async () => {
    put('.github/workflows/dbt_sweep.yml', LINT);
    const { conflicts } = await decision('cleanup').apply(() => 'keep');
    expect(conflicts).toContain(`${WORKFLOWS}/dbt_sweep.yml`);
    expect(text('.github/workflows/dbt_sweep.yml')).toBe(LINT);
  });
  test('a second run changes nothing', async () => {
    await decision('cleanup').apply(() => 'keep');
    const { created, updated } = await decision('cleanup').apply(() => 'keep');
    expect([created, updated]).toEqual([[], []]);
  });
});
