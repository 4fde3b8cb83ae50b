import { beforeAll, expect, test } from 'vitest';
import { dbt, query } from '../support/dbt.ts';
import { scaffold } from '../support/scaffold.ts';

let project: string;
const lastLine = (output: string): unknown => JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');

beforeAll(async () => {
  project = scaffold();
  const built = await dbt(project, ['run', '--target', 'ci', '--select', 'stg_orders+', '--empty'], { env: { PR_NUMBER: '142' } });
  expect(built.output).toContain('relation'); // without seeds nothing can be selected from: the schema is made all the same
});

test('env_schemas lists the environment schema of this file, and drop_pr_schema takes exactly that one away', async () => {
  const before = await dbt(project, ['run-operation', 'env_schemas', '--target', 'ci'], { env: { PR_NUMBER: '142' } });
  expect(lastLine(before.output)).toMatchObject({ schemas: [{ schema: 'pr_142' }] });
  const dropped = await dbt(project, ['run-operation', 'drop_pr_schema', '--target', 'ci'], { env: { PR_NUMBER: '142' } });
  expect(lastLine(dropped.output)).toEqual({ dropped: ['pr_142'] });
  expect(await query(project, 'warehouse/ci/pull_142.duckdb', "select schema_name from information_schema.schemata where schema_name ~ '^(pr|dev)_'")).toEqual(
    [],
  );
});

test('what DuckDB cannot serve says so, and fails', async () => {
  const verify = await dbt(project, ['run-operation', 'verify_boundary'], { env: { DBT_DEV_NAME: 'priya' } });
  expect(verify.code).toBe(1);
  expect(verify.output).toContain('Nothing was tried: DuckDB has no roles.');
  const audit = await dbt(project, ['run-operation', 'audit'], { env: { DBT_DEV_NAME: 'priya' } });
  expect(audit.code).toBe(1);
  expect(audit.output).toContain('Nobody was named: DuckDB has no roles.');
});
