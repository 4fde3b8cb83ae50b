import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dbt, type Finished, lines, query } from '../support/dbt.ts';
import { scaffold } from '../support/scaffold.ts';

const PRIYA = { DBT_DEV_NAME: 'priya' };
let scaffolded: string;
beforeAll(() => {
  scaffolded = scaffold({ warehouse: 'duckdb' });
  made.push(scaffolded);
});
const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** A copy that a test may spoil. */
function copy(changes: Readonly<Record<string, string>> = {}): string {
  const project = mkdtempSync(path.join(tmpdir(), 'dbt-envs-guard-'));
  made.push(project);
  cpSync(scaffolded, project, { recursive: true });
  for (const [file, text] of Object.entries(changes)) {
    mkdirSync(path.dirname(path.join(project, file)), { recursive: true });
    writeFileSync(path.join(project, file), text);
  }
  return project;
}
function edit(project: string, file: string, change: (text: string) => string): void {
  const full = path.join(project, file);
  const before = readFileSync(full, 'utf8');
  const after = change(before);
  expect(after, `${file} was to be changed`).not.toBe(before);
  writeFileSync(full, after);
}
const refusedWith = (run: Finished, message: string): void => {
  expect(lines(run)).toContain(message);
  expect(run.code).not.toBe(0);
};

describe('the target is refused while dbt parses, in one line', () => {
  const cases = [
    [
      'a name that is not on the roster',
      [],
      { DBT_DEV_NAME: 'bo' },
      '"bo" is not on the roster. Set DBT_DEV_NAME to your name in roster.yml (priya, sam), or be added there. Is another profiles.yml in use?',
    ],
    [
      'nobody at all',
      [],
      {},
      'Target dev does not know who you are: DBT_DEV_NAME, USER and USERNAME are empty. Set DBT_DEV_NAME to your name in roster.yml (priya, sam), or be added there. Is another profiles.yml in use?',
    ],
    [
      'a name that is no slug',
      [],
      { DBT_DEV_NAME: '../../prod/prod' },
      'Target dev may not build in "dev___/__/prod/prod", which is no dev_<name>. Set DBT_DEV_NAME to your name in roster.yml (priya, sam), or be added there. Is another profiles.yml in use?',
    ],
    [
      'a PR number with a leading zero',
      ['--target', 'ci'],
      { PR_NUMBER: '012' },
      'Target ci may not build in "pr_012": PR_NUMBER must be the number of a pull request, e.g. PR_NUMBER=142.',
    ],
    [
      'prod on a laptop',
      ['--target', 'prod'],
      PRIYA,
      'Target prod runs in CI only (merge, schedule, manual), and DBT_ENVS_RUNNER is "": merge to deploy, or build with --target dev.',
    ],
  ] as const;
  test.each(cases)('%s', async (_, args, env, message) => {
    refusedWith(await dbt(scaffolded, ['parse', ...args], { env }), message);
  });

  test('a profiles.yml with another target, or with another schema under a target', async () => {
    const project = copy();
    edit(project, 'profiles.yml', (text) => text.replace('    prod:', '    default:').replace('schema: analytics', 'schema: dev_priya'));
    refusedWith(
      await dbt(project, ['parse', '--target', 'default'], { env: PRIYA }),
      'There is no target "default": use dev, ci or prod. Is another profiles.yml in use?',
    );
    edit(project, 'profiles.yml', (text) => text.replace('    default:', '    prod:'));
    refusedWith(
      await dbt(project, ['parse', '--target', 'prod'], { env: { DBT_ENVS_RUNNER: 'merge' } }),
      'Target prod may not build in "dev_priya": its schema is "analytics". Is another profiles.yml in use?',
    );
  });
});

describe('target ci without a pull request', () => {
  test('parses, so that a run-operation of the janitor works, and builds nothing', async () => {
    const project = copy({ 'macros/list.sql': '{% macro list_nothing() %}{% do print(target.schema) %}{% endmacro %}' });
    const operation = await dbt(project, ['run-operation', 'list_nothing', '--target', 'ci']);
    expect(operation.output).toContain('pr_none');
    expect(operation.code).toBe(0);
    refusedWith(
      await dbt(project, ['build', '--target', 'ci']),
      'Target ci builds a pull request and PR_NUMBER is not set: set it to the number, e.g. PR_NUMBER=142.',
    );
    expect(readdirSync(path.join(project, 'warehouse/ci'))).toEqual(['.gitignore']);
  });
});

describe('a warm partial parse does not get past a guard', () => {
  test.each([
    ['another runner', { DBT_ENVS_RUNNER: 'laptop' }],
    ['none', {}],
  ] as const)('when the runner alone changes, to %s', async (_, env) => {
    const project = copy();
    expect((await dbt(project, ['parse', '--target', 'prod'], { env: { DBT_ENVS_RUNNER: 'merge' } })).code).toBe(0);
    expect(existsSync(path.join(project, 'target/partial_parse.msgpack'))).toBe(true);
    const run = await dbt(project, ['build', '--target', 'prod'], { env });
    expect(run.output).toContain('Target prod runs in CI only');
    expect(run.code).not.toBe(0);
  });

  test('when the name alone changes', async () => {
    const project = copy();
    expect((await dbt(project, ['parse'], { env: PRIYA })).code).toBe(0);
    const run = await dbt(project, ['build'], { env: { DBT_DEV_NAME: 'bo' } });
    expect(run.output).toContain('"bo" is not on the roster');
    expect(run.code).not.toBe(0);
  });

  test('when the roster alone changes: the same question is asked again before a schema is made and on run start', async () => {
    const project = copy();
    expect((await dbt(project, ['build', '--select', 'raw_orders'], { env: PRIYA })).code).toBe(0);
    edit(project, 'macros/dbt_envs/answers.sql', (text) => text.replace("'priya',", "'pria',"));
    const after = await dbt(project, ['build', '--select', 'raw_orders'], { env: PRIYA });
    expect(after.output).toContain('"priya" is not on the roster');
    expect(after.output).not.toContain('seed file');
    expect(after.code).not.toBe(0);
  });
});

describe('what gets past generate_schema_name is refused by name, before anything is built', () => {
  const snapshot = 'snapshots/orders_snapshot.yml';

  test('a snapshot with target_schema, whether or not that schema is there already', async () => {
    const project = copy();
    edit(project, snapshot, (text) => text.replace('      strategy:', '      target_schema: analytics\n      strategy:'));
    refusedWith(await dbt(project, ['build'], { env: PRIYA }), 'Target dev may not build in "analytics", only in "dev_priya".');
    edit(project, 'dbt_project.yml', (text) => text.replace('on-run-start:', 'on-run-start:\n  - "create schema if not exists analytics"'));
    edit(project, 'macros/dbt_envs/create_schema.sql', () => '');
    const check = await dbt(project, ['build'], { env: PRIYA });
    expect(check.output).toContain(
      'snapshot.acme.orders_snapshot: Target dev may not build in "analytics", only in "dev_priya". Its target_schema overrules the schema rules: use schema instead.',
    );
    expect(check.output).not.toContain('snapshotted');
    expect(check.code).not.toBe(0);
  });

  test('a package that brings its own generate_schema_name', async () => {
    const project = copy({
      'packages.yml': 'packages:\n  - local: vendored/other\n',
      'vendored/other/dbt_project.yml': 'name: other\nversion: "1.0.0"\nprofile: acme\n',
      'vendored/other/macros/names.sql': '{% macro generate_schema_name(custom_schema_name, node) %}raw{% endmacro %}',
      'vendored/other/models/theirs.sql': 'select 1 as a',
    });
    expect((await dbt(project, ['deps'], { env: PRIYA })).code).toBe(0);
    refusedWith(await dbt(project, ['build'], { env: PRIYA }), 'Target dev may not build in "raw", only in "dev_priya".');
    const other = await dbt(project, ['build', '--select', 'raw_orders'], { env: PRIYA });
    expect(other.output).toContain('Package other brings its own generate_schema_name');
    expect(other.code).not.toBe(0);
  });

  test('+database, which collapses and is said all the same', async () => {
    const project = copy({ 'models/marts/scratch.sql': '{{ config(database="prod") }} select 1 as a' });
    const run = await dbt(project, ['build', '--select', 'scratch'], { env: PRIYA });
    expect(run.output).toContain('model.acme.scratch: Target dev may not build in database "prod", only in "priya".');
    expect(run.output).not.toContain('START sql');
    expect(run.code).not.toBe(0);
  });

  test('in production, a schema that nobody declared', async () => {
    const project = copy({ 'models/marts/scratch.sql': '{{ config(schema="finance") }} select 1 as a' });
    const run = await dbt(project, ['parse', '--target', 'prod'], { env: { DBT_ENVS_RUNNER: 'merge' } });
    expect(run.output).toContain('scratch asks for schema "finance", which production has not declared (analytics, staging)');
    expect((await dbt(project, ['parse'], { env: PRIYA })).code).toBe(0);
  });

  test('in production, a schema that dbt has always named with the default one before it stays where it is', async () => {
    const project = copy({ 'models/marts/scratch.sql': '{{ config(schema="finance") }} select 1 as a' });
    edit(project, 'macros/dbt_envs/answers.sql', (text) =>
      text.replace("'prod_schemas': ['analytics', 'staging']", "'prod_schemas': ['analytics', 'staging', 'analytics_finance']"),
    );
    const placed = async (target: string, env: Record<string, string>) => {
      const { output } = await dbt(
        project,
        [
          '--quiet',
          'ls',
          '--target',
          target,
          '--resource-type',
          'model',
          '--select',
          'scratch',
          'stg_orders',
          '--output',
          'json',
          '--output-keys',
          'name',
          'schema',
        ],
        { env },
      );
      return output
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line));
    };
    expect(await placed('prod', { DBT_ENVS_RUNNER: 'merge' })).toEqual([
      { name: 'scratch', schema: 'analytics_finance' },
      { name: 'stg_orders', schema: 'staging' },
    ]);
    expect((await placed('dev', PRIYA)).map(({ schema }) => schema)).toEqual(['dev_priya', 'dev_priya']);
  });

  test('a hook in raw SQL that names prod fails in DuckDB, where no prod has been published yet', async () => {
    const project = copy({ 'models/marts/scratch.sql': '{{ config(post_hook="create table prod.analytics.x as select 1") }} select 1 as a' });
    const run = await dbt(project, ['build', '--select', 'scratch'], { env: PRIYA });
    expect(run.output).toContain('Catalog with name prod does not exist');
    expect(run.code).toBe(1);
  });
});

describe('two models of one name, which only custom schemas keep apart', () => {
  const clash = { 'models/marts/orders.sql': 'select 1 as a', 'models/staging/stg_same.sql': '{{ config(alias="orders") }} select 1 as a' };

  test('are stopped by dbt outside production', async () => {
    const run = await dbt(copy(clash), ['parse'], { env: PRIYA });
    expect(run.output).toContain('dbt found two resources with the database representation');
    expect(run.code).not.toBe(0);
  });

  test('live together once the schema is listed in dbt_envs_prefixed_schemas; production never has the prefix', async () => {
    const project = copy(clash);
    edit(project, 'dbt_project.yml', (text) => text.replace('dbt_envs_prefixed_schemas: []', 'dbt_envs_prefixed_schemas: [staging]'));
    expect((await dbt(project, ['build', '--exclude', 'resource_type:test'], { env: PRIYA })).output).toContain('Completed successfully');
    const tables = "select table_name from information_schema.tables where table_name in ('orders', 'staging__orders', 'staging__stg_events') order by 1";
    expect(await query(project, 'warehouse/dev/priya.duckdb', tables)).toEqual([['orders'], ['staging__orders'], ['staging__stg_events']]);
    await dbt(project, ['parse', '--target', 'prod'], { env: { DBT_ENVS_RUNNER: 'merge' } });
    const manifest: unknown = JSON.parse(readFileSync(path.join(project, 'target/manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({ nodes: { 'model.acme.stg_same': { schema: 'staging', alias: 'orders', database: 'prod' } } });
  });
});
