import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dbt, python, query, STRICT } from '../support/dbt.ts';
import { scaffold } from '../support/scaffold.ts';

const PUBLISH = 'scripts/dbt_envs/publish_prod.py';
const RELATIONS = 'select distinct table_schema from information_schema.tables where table_catalog = current_database() order by 1';
const MARTS =
  "select table_schema || '.' || table_name from information_schema.tables where table_name in ('stg_orders', 'fct_revenue_daily', 'orders_snapshot') order by 1";

let project: string;
beforeAll(() => {
  project = scaffold({ warehouse: 'duckdb' });
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

describe('a developer', () => {
  test('builds twice into dev_<name> alone, and needs no variable of ci or prod', async () => {
    for (const round of [1, 2]) {
      const built = await dbt(project, ['build', ...STRICT], { env: { DBT_DEV_NAME: 'priya' } });
      expect(built.output, `round ${round}`).toContain('Completed successfully');
      expect(built.code).toBe(0);
    }
    expect(await query(project, 'warehouse/dev/priya.duckdb', RELATIONS)).toEqual([['dev_priya']]);
  });

  test('is known by USER, or by USERNAME, where DBT_DEV_NAME is not set; capitals and blanks are folded', async () => {
    const { code } = await dbt(project, ['parse'], { env: { USER: 'priya', USERNAME: 'someone' } });
    expect(code).toBe(0);
    expect((await dbt(project, ['parse'], { env: { USERNAME: ' Priya ' } })).code).toBe(0);
    expect((await dbt(project, ['parse'], { env: { DBT_DEV_NAME: '', USER: 'nobody' } })).output).toContain('"nobody" is not on the roster');
  });

  test('whose slug has an underscore may write her name with dots, dashes or blanks', async () => {
    const other = scaffold({ warehouse: 'duckdb', team: 'priya_s, sam' });
    for (const DBT_DEV_NAME of ['Priya.S', 'priya-s', 'PRIYA S', 'priya_s']) {
      const { code, output } = await dbt(other, ['parse'], { env: { DBT_DEV_NAME } });
      expect(code, `${DBT_DEV_NAME}: ${output}`).toBe(0);
    }
  });
});

describe('a pull request', () => {
  test('builds into pr_<number> alone, and a reviewer queries it by that name', async () => {
    const built = await dbt(project, ['build', '--target', 'ci', ...STRICT], { env: { PR_NUMBER: '142' } });
    expect(built.output).toContain('Completed successfully');
    expect(await query(project, 'warehouse/ci/pull_142.duckdb', RELATIONS)).toEqual([['pr_142']]);
    expect(
      await query(project, 'warehouse/ci/pull_142.duckdb', "select sum(revenue_usd) from pr_142.fct_revenue_daily where event_date = '2026-01-05'"),
    ).toEqual([['155.50']]);
  });
});

describe('production', () => {
  const deploy = (step: 'prepare' | 'publish') => python(project, [PUBLISH, step]);
  const build = (env = { DBT_ENVS_RUNNER: 'merge' }) => dbt(project, ['build', '--target', 'prod', ...STRICT], { env });
  const published = () => path.join(project, 'warehouse/prod/prod.duckdb');

  test('is refused outside its runner, before anything is made', async () => {
    const { code, output } = await build({ DBT_ENVS_RUNNER: 'laptop' });
    expect(code).not.toBe(0);
    expect(output).toContain('Target prod runs in CI only (merge, schedule, manual), and DBT_ENVS_RUNNER is "laptop"');
    expect(existsSync(path.join(project, 'warehouse/prod/next'))).toBe(false);
  });

  test('is built beside the published file, lands in its declared schemas and is put in place at once', async () => {
    expect((await deploy('publish')).output).toContain('was not prepared and built');
    expect((await deploy('prepare')).code).toBe(0);
    expect((await build()).output).toContain('Completed successfully');
    expect(existsSync(published())).toBe(false);
    expect((await deploy('publish')).code).toBe(0);
    expect(await query(project, 'warehouse/prod/prod.duckdb', MARTS)).toEqual([
      ['analytics.fct_revenue_daily'],
      ['analytics.orders_snapshot'],
      ['staging.stg_orders'],
    ]);
  });

  test('keeps what snapshots remember, and is not touched by a deploy that fails', async () => {
    const seed = path.join(project, 'seeds/raw_orders.csv');
    const before = readFileSync(seed, 'utf8');
    writeFileSync(seed, before.replace('placed,210.00,2026-01-06 19:55:00', 'paid,210.00,2026-01-10 08:00:00'));
    expect((await deploy('prepare')).code).toBe(0);
    expect((await build({ DBT_ENVS_RUNNER: 'schedule' })).code).toBe(0);
    expect((await deploy('publish')).code).toBe(0);
    const states = 'select status from analytics.orders_snapshot where order_id = 5 order by dbt_valid_from';
    expect(await query(project, 'warehouse/prod/prod.duckdb', states)).toEqual([['placed'], ['paid']]);

    const whole = readFileSync(published());
    writeFileSync(seed, before.replace('1,101,2026-01-05 09:12:00,paid', '2,101,2026-01-05 09:12:00,paid'));
    expect((await deploy('prepare')).code).toBe(0);
    expect((await build()).output).toContain('in test unique_stg_orders_order_id');
    expect(readFileSync(published()).equals(whole)).toBe(true);
    writeFileSync(seed, before);
  });

  test('is published by one deploy at a time: the second finds that production has changed', async () => {
    expect((await deploy('prepare')).code).toBe(0);
    expect((await build()).code).toBe(0);
    const away = `${published()}.kept`;
    renameSync(published(), away);
    writeFileSync(published(), 'another deploy');
    const second = await deploy('publish');
    expect(second.code).toBe(1);
    expect(second.output).toContain('another deploy published: run prepare and build again');
    renameSync(away, published());
  });

  test('can be read from dev and ci as prod, and written from neither', async () => {
    const scratch = (sql: string) => writeFileSync(path.join(project, 'models/marts/scratch.sql'), sql);
    const runScratch = () => dbt(project, ['build', '--select', 'scratch'], { env: { DBT_DEV_NAME: 'priya' } });
    scratch('select sum(revenue_usd) as revenue_usd from prod.analytics.fct_revenue_daily');
    expect((await runScratch()).output).toContain('Completed successfully');
    scratch('{{ config(pre_hook="create table prod.analytics.x as select 1") }} select 1 as a');
    const refused = await runScratch();
    expect(refused.code).toBe(1);
    expect(refused.output).toContain('attached in read-only mode');
  });
});
