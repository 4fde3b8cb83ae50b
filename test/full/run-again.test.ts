import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isStored, questionsFor } from '../../src/questions.ts';
import { decide, look, UsageError } from '../../src/run.ts';
import { dbt } from '../support/dbt.ts';

const made = mkdtempSync(path.join(tmpdir(), 'dbt-envs-changed-'));
afterAll(() => rmSync(made, { recursive: true, force: true }));

/** Another answer for each question that has no choices. */
const OTHER: Readonly<Record<string, string>> = {
  projectName: 'other',
  database: 'elsewhere',
  prodSchemas: 'gold, silver',
  sourceSchemas: 'raw, crm:pii',
  mainBranch: 'trunk',
  devDays: '9',
  prDays: '3',
  prodRuns: 'merge,external',
  rolePrefix: 'zed',
  runner: 'big',
  image: 'python:3.12',
  pythonIndex: 'https://pypi.example.com/simple',
};
const ENV: Readonly<Record<'dev' | 'ci' | 'prod', Readonly<Record<string, string>>>> = {
  dev: { DBT_DEV_NAME: 'priya', DBT_ENV_SECRET_DEV_PASSWORD: 'unused' },
  ci: { PR_NUMBER: '142', DBT_ENV_SECRET_CI_PASSWORD: 'unused' },
  prod: { DBT_ENVS_RUNNER: 'merge', DBT_ENV_SECRET_PROD_PASSWORD: 'unused' },
};
const WAREHOUSES = ['duckdb', 'postgres'] as const;
type Warehouse = (typeof WAREHOUSES)[number];

function decided(folder: string, given: Readonly<Record<string, string>>) {
  const invocation = { cwd: folder, command: ['app'], given, force: false } as const;
  return decide(invocation, look(invocation).known);
}

const READ_BY_DBT = /dbt_project\.yml|profiles\.yml|(?:macros|models|seeds|snapshots|tests)\//;

/** What dbt says against it; nothing where every target is parsed. */
async function refusals(
  folder: string,
  python: Warehouse | undefined,
  targets: readonly (keyof typeof ENV)[] = ['dev', 'ci', 'prod'],
): Promise<readonly string[]> {
  const parsed = await Promise.all(
    targets.map((target) => dbt(folder, ['parse', '--target', target, '--target-path', `target/${target}`], { python: python ?? 'duckdb', env: ENV[target] })),
  );
  return parsed.flatMap(({ code, output }) => (code === 0 ? [] : [output]));
}

/** The way that the warning tells for files of yours; which they are. */
function anew(folder: string, warnings: readonly string[]): readonly string[] {
  const files = warnings
    .filter((warning) => warning.includes('for other answers'))
    .flatMap((warning) => warning.match(/^.*?(?= w)/)?.[0].split(/, | and /) ?? []);
  const lock = path.join(folder, '.dbt-envs.lock');
  for (const file of files) {
    rmSync(path.join(folder, file));
    writeFileSync(lock, readFileSync(lock, 'utf8').replace(`yours ${file}\n`, ''));
  }
  return files;
}

describe.each(WAREHOUSES)('a repository on %s, after an answer has changed', (warehouse) => {
  const base = path.join(made, warehouse);
  const copied = (name: string): string => {
    const folder = path.join(made, `${warehouse}-${name}`);
    cpSync(base, folder, { recursive: true });
    return folder;
  };
  beforeAll(async () => {
    mkdirSync(base);
    await decided(base, { projectName: 'acme', warehouse, team: 'priya, sam' }).apply(() => 'keep');
  });
  const stored = questionsFor({ warehouse, ci: 'github' }).filter(({ name }) => isStored(name));
  const others = stored.map(({ name, choices = [] }) => {
    const possible = name === 'warehouse' ? WAREHOUSES : choices.map(({ value }) => value);
    return [name, OTHER[name] ?? possible.find((value) => ![warehouse, 'github', 'no'].includes(value)) ?? ''] as const;
  });

  test('there is another answer here to each that is stored', () => expect(others.filter(([, value]) => value === '')).toEqual([]));

  test('another name is refused', () => expect(() => decided(base, { projectName: 'other' })).toThrow(UsageError));

  /** These two need files of yours to follow, or make the repository another one. */
  const alone = ['warehouse', 'prodSchemas'];
  test('dbt reads it on every target: run after run, one answer each', async () => {
    const folder = copied('all');
    for (const [name, value] of others.filter(([one]) => one !== 'projectName' && !alone.includes(one))) {
      const decision = decided(folder, { [name]: value });
      expect(decision.warnings.filter((warning) => warning.includes('for other answers')).join('\n')).not.toMatch(READ_BY_DBT);
      await decision.apply(() => 'keep');
      expect(JSON.parse(readFileSync(path.join(folder, '.yo-rc.json'), 'utf8'))['generator-dbt-envs']).toMatchObject({ [name]: value });
    }
    expect(await refusals(folder, warehouse)).toEqual([]);
  });
  test.each(others.filter(([one]) => alone.includes(one)))(
    'dbt reads it on every target: %s %s, with the files of yours that are named made anew',
    async (name, value) => {
      const folder = copied(name);
      const decision = decided(folder, { [name]: value });
      await decision.apply(() => 'keep');
      const named = anew(folder, decision.warnings);
      expect(named).toContain(name === 'warehouse' ? '.sqlfluff' : 'dbt_project.yml');
      expect((await decided(folder, {}).apply(() => 'keep')).created).toEqual(expect.arrayContaining([...named]));
      expect(await refusals(folder, name === 'warehouse' ? WAREHOUSES.find((one) => one === value) : warehouse)).toEqual([]);
    },
  );
  test('the gate can fail: a file of yours that was not brought along', async () => {
    const folder = copied('spoiled');
    await decided(folder, { prodSchemas: 'gold, silver' }).apply(() => 'keep');
    expect((await refusals(folder, warehouse, ['prod'])).join('\n')).toContain('staging');
  });
});
