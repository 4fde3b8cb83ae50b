import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { query } from '../support/dbt.ts';
import { dbt2 } from '../support/dbt2.ts';
import { scaffold } from '../support/scaffold.ts';

/**
 * The newest dbt 2 that is a wheel is a preview (2.0.0rc196), and it swallows what generate_schema_name raises while
 * parsing (dbt-core issue 15611). So here the second line holds: the same question, asked before a schema is made.
 */
let project: string;
beforeAll(() => {
  project = scaffold({ warehouse: 'duckdb' });
});
afterAll(() => rmSync(project, { recursive: true, force: true }));
const RELATIONS = 'select distinct schema_name from duckdb_schemas() where database_name = current_database() and not internal order by 1';

describe('dbt 2 on DuckDB', () => {
  test('builds dev into dev_<name> and a pull request into pr_<number>, as dbt 1.12 does', async () => {
    const dev = await dbt2(project, ['build'], { DBT_DEV_NAME: 'Priya' });
    expect(dev.output).toContain("Finished 'build' successfully");
    expect(await query(project, 'warehouse/dev/priya.duckdb', RELATIONS)).toEqual([['dev_priya']]);
    const ci = await dbt2(project, ['build', '--target', 'ci'], { PR_NUMBER: '142' });
    expect(ci.output).toContain("Finished 'build' successfully");
    expect(await query(project, 'warehouse/ci/pull_142.duckdb', RELATIONS)).toEqual([['pr_142']]);
  });

  test.each([
    ['a name that is not on the roster', [], { DBT_DEV_NAME: 'bo' }, '"bo" is not on the roster. Set DBT_DEV_NAME', 'dev/bo.duckdb'],
    ['target ci without a pull request', ['--target', 'ci'], {}, 'Target ci builds a pull request and PR_NUMBER is not set', 'ci/pull_none.duckdb'],
    ['prod on a laptop', ['--target', 'prod'], { DBT_DEV_NAME: 'priya' }, 'Target prod runs in CI only (merge, schedule, manual)', 'prod/next/prod.duckdb'],
  ] as const)('refuses %s with the same words, and makes no schema', async (_, args, env, message, file) => {
    mkdirSync(path.join(project, 'warehouse/prod/next'), { recursive: true });
    const run = await dbt2(project, ['build', ...args], env);
    expect(run.output).toContain(message);
    expect(run.code).not.toBe(0);
    if (existsSync(path.join(project, 'warehouse', file))) expect(await query(project, `warehouse/${file}`, RELATIONS)).toEqual([]);
  });

  test('refuses a snapshot with target_schema', async () => {
    const file = path.join(project, 'snapshots/orders_snapshot.yml');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, before.replace('      strategy:', '      target_schema: analytics\n      strategy:'));
    const run = await dbt2(project, ['build'], { DBT_DEV_NAME: 'priya' });
    writeFileSync(file, before);
    expect(run.output).toContain('Target dev may not build in "analytics", only in "dev_priya".');
    expect(run.code).not.toBe(0);
  });
});
