import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dbt } from '../support/dbt.ts';
import { createDatabase, install, setPasswords, superuserOf, using } from '../support/postgres-engine.ts';
import { MATRIX_ANSWERS } from '../support/postgres-matrix.ts';
import { type Server, startServer } from '../support/postgres-server.ts';
import { scaffold } from '../support/scaffold.ts';

const LOGINS = ['acme_ci_service', 'acme_prod_service'] as const;

let server: Server;
let project: string;
let passwords: ReadonlyMap<string, string>;
beforeAll(async () => {
  project = scaffold(MATRIX_ANSWERS);
  server = await startServer();
  await createDatabase(server, 'warehouse', superuserOf(server));
  await install(server, superuserOf(server), 'warehouse');
  passwords = await setPasswords(server, LOGINS);
});
afterAll(() => server?.stop());

const connection = () => ({
  DBT_PG_HOST: server.host,
  DBT_PG_PORT: String(server.port),
  DBT_PG_DATABASE: 'warehouse',
  DBT_PG_SSLMODE: 'disable',
  DBT_ENV_SECRET_CI_PASSWORD: passwords.get('acme_ci_service') ?? '',
});
const ci = (number: number, ...args: readonly string[]) =>
  dbt(project, ['--quiet', ...args, '--target', 'ci'], { env: { ...connection(), PR_NUMBER: String(number) }, python: 'postgres' });
const lastLine = (output: string): unknown => JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');
const schemas = () =>
  using(server, superuserOf(server), 'warehouse', async (client) => {
    const { rows } = await client.query("select nspname from pg_namespace where nspname ~ '^pr_' order by 1");
    return rows.map(({ nspname }) => nspname);
  });

test('review_card has rows here and in production, as ci_service reads them, and no value from the data', async () => {
  const deployed = await dbt(project, ['build', '--target', 'prod', '--exclude', 'resource_type:test', 'resource_type:unit_test'], {
    env: { ...connection(), DBT_ENVS_RUNNER: 'merge', DBT_ENV_SECRET_PROD_PASSWORD: passwords.get('acme_prod_service') ?? '' },
    python: 'postgres',
  });
  expect(deployed.output).toContain('Completed successfully');
  writeFileSync(path.join(project, 'models/marts/new_model.sql'), "select 'not-on-the-card' as secret from {{ ref('fct_revenue') }} limit 2");
  const built = await ci(14, 'build', '--exclude', 'resource_type:test', 'resource_type:unit_test');
  expect(built.code, built.output).toBe(0);

  const { code, output } = await ci(14, 'run-operation', 'review_card');
  expect(code, output).toBe(0);
  expect(output).toContain('pr_14: 9 relations;');
  expect(output).not.toContain('not-on-the-card');
  const facts = lastLine(output);
  expect(facts).toMatchObject({ schema: 'pr_14', query: 'select * from pr_14.fct_revenue_daily limit 100;', left_in_prod: [] });
  const relations = expect.arrayContaining([
    expect.objectContaining({ name: 'new_model', here: expect.objectContaining({ rows: 2, exact: true }), prod: null }),
    expect.objectContaining({ name: 'stg_orders', here: expect.objectContaining({ kind: 'view', rows: null }), prod: expect.objectContaining({ rows: null }) }),
    expect.objectContaining({ name: 'fct_revenue', here: expect.objectContaining({ rows: 6 }), prod: expect.objectContaining({ rows: 6, exact: true }) }),
  ]);
  expect(facts).toMatchObject({ relations });
});

test('drop_pr_schema goes through the door and drops its own schema alone, of those whose names begin alike', async () => {
  const login = { login: 'acme_ci_service', password: passwords.get('acme_ci_service') ?? '' };
  for (const schema of ['pr_1', 'pr_142']) await using(server, login, 'warehouse', (client) => client.query(`call acme_door.create_schema('${schema}')`));
  expect(await schemas()).toEqual(['pr_1', 'pr_14', 'pr_142']);
  const { code, output } = await ci(14, 'run-operation', 'drop_pr_schema');
  expect(code, output).toBe(0);
  expect(lastLine(output)).toEqual({ dropped: ['pr_14'] });
  expect(await schemas()).toEqual(['pr_1', 'pr_142']);
  expect(lastLine((await ci(14, 'run-operation', 'drop_pr_schema')).output)).toEqual({ dropped: [] });
  expect(lastLine((await ci(142, 'run-operation', 'drop_pr_schema', '--args', '{pr: 1}')).output)).toEqual({ dropped: ['pr_1'] });
  expect(await schemas()).toEqual(['pr_142']);
});

test('a drop that the warehouse swallows without an error is an error', async () => {
  const careless = "{% macro postgres__drop_schema(relation) %}{% call statement('drop') %}select 1{% endcall %}{% endmacro %}";
  writeFileSync(path.join(project, 'macros/dbt_envs/create_schema.sql'), careless);
  const { code, output } = await ci(142, 'run-operation', 'drop_pr_schema');
  expect(code).not.toBe(0);
  expect(output).toContain('The warehouse was told to drop pr_142 in warehouse, raised no error, and the schema is still there.');
});
