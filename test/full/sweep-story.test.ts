import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Company, startCompany } from '../support/github-postgres.ts';
import { superuserOf, using } from '../support/postgres-engine.ts';

/** The nights of a company whose database was there before us, with the workflow's own jobs, real dbt and the janitor's login. */
const ABANDONED = Array.from({ length: 40 }, (_, at) => at + 1);
const DAY = 86_400_000;
let company: Company;

const closedAgo = (days: number) => new Date(Date.now() - days * DAY).toISOString().replace(/\.\d+/, '');
const closed = (number: number, days: number): void => void company.site.api.pulls.set(number, { state: 'closed', closedAt: closedAgo(days) });
const schemas = async (): Promise<readonly string[]> =>
  (await company.ask('select nspname from pg_namespace where nspname ~* \'^(dev|pr)_\' order by nspname collate "C"')).map(([name]) => String(name));
/** As if a schema had been used for the last time so many days ago. */
const age = (names: readonly string[], days: number) =>
  company.ask(`update acme_door.environment set last_used_at = now() - interval '${days} days' where schema_name in ('${names.join("', '")}')`);
const build = async (schema: string, login: 'acme_ci_service' | 'priya' | 'sam'): Promise<void> => {
  await company.ask(`call acme_door.create_schema('${schema}')`, login);
  await company.ask(`create table ${schema}.orders as select 1 as id`, login);
};
const open = () => company.site.api.issues.filter(({ state }) => state === 'open').length;

beforeAll(async () => {
  company = await startCompany();
  await company.ask('create role dbt_shared');
  for (const schema of [
    ...ABANDONED.map((number) => `pr_${number}`),
    'dev_dee',
    '"dev_priya_test_v2_FINAL_for_real"',
    '"PR_7"',
    'pr_007',
    'pr_old',
    'product',
    'private_x',
    'device_events',
    'prod',
  ])
    await company.ask(
      `create schema ${schema} authorization dbt_shared; create table ${schema}.orders as select 1 as id; alter table ${schema}.orders owner to dbt_shared`,
    );
  for (const number of ABANDONED.filter((one) => one < 38)) closed(number, 200 + number);
  company.site.api.pulls.set(60, { state: 'open' });
  const { results, printed } = await company.site.deploy();
  expect(results, printed).toEqual({ deploy: 'success' });
});
afterAll(() => company?.stop());

describe('the first night in a database that was there before', () => {
  test('nothing of it is touched; each is reported with owner and size, and how it is handed over', async () => {
    const before = await schemas();
    const { results, printed } = await company.site.sweep();
    expect(results.sweep, printed).toBe('success');
    expect(await schemas()).toEqual(before);
    for (const name of ['pr_1', 'pr_40', 'dev_dee', 'dev_priya_test_v2_FINAL_for_real', 'PR_7', 'pr_007', 'pr_old'])
      expect(printed).toMatch(new RegExp(`report +${name}: it belongs to dbt_shared and not to this project; .*adopt_leftovers`));
    for (const name of ['product', 'private_x', 'device_events', 'prod']) expect(printed).not.toMatch(new RegExp(`\\b${name}: it belongs`));
    expect(open()).toBe(0);
  });
  test('an administrator hands them over by name; the next night finds too many, clears none, and opens one issue', async () => {
    const names = [...ABANDONED.map((number) => `pr_${number}`), 'dev_dee', '"dev_priya_test_v2_FINAL_for_real" as dev_priya_test_v2_final_for_real'];
    const adopt = readFileSync(path.join(company.site.desk, 'grants/adopt_leftovers.sql'), 'utf8');
    await using(company.server, superuserOf(company.server), 'warehouse', async (client) => {
      await client.query("select set_config('dbt_envs.leftovers', $1, false)", [names.join(', ')]);
      await client.query(adopt);
    });
    await age(
      ABANDONED.map((number) => `pr_${number}`),
      8,
    );
    const before = await schemas();
    for (const night of [1, 2]) {
      const { results, printed } = await company.site.sweep();
      expect(results, printed).toEqual({ sweep: 'failure', tell: 'success' });
      expect(printed).toContain('40 schemas are due and 25 may go in one run, so none goes.');
      expect([night, open()]).toEqual([night, 1]);
    }
    expect(await schemas()).toEqual(before);
  });
  test('a dry run names all of them and clears none', async () => {
    const { results, printed } = await company.site.sweep('workflow_dispatch', { dry_run: true, allow_drops: '', keep: '' });
    expect(results.sweep, printed).toBe('success');
    expect(printed.match(/^would be dropped pr_[0-9]+/gm)).toHaveLength(40);
    expect((await company.pulls()).filter((name) => /^pr_[1-9][0-9]*$/.test(name))).toHaveLength(40);
    expect(open()).toBe(1);
  });
  test('allowed by number, they go, and the issue closes', async () => {
    const { results, printed } = await company.site.sweep('workflow_dispatch', { dry_run: false, allow_drops: '40', keep: '' });
    expect(results.sweep, printed).toBe('success');
    expect(await schemas()).toEqual(['PR_7', 'dev_dee', 'dev_priya_test_v2_final_for_real', 'pr_007', 'pr_old']);
    expect(open()).toBe(0);
    expect(printed).toContain('GitHub has no pull request 40, and it was last used on');
  });
  test("a leaver's schema and the forgotten one go after 30 days, announced before", async () => {
    await age(['dev_dee', 'dev_priya_test_v2_final_for_real'], 28);
    const announced = await company.site.sweep();
    expect(announced.printed).toMatch(/announce +dev_dee: it was last used on .*, 28 days ago; it goes on /);
    await age(['dev_dee', 'dev_priya_test_v2_final_for_real'], 30);
    const { results, printed } = await company.site.sweep();
    expect(results.sweep, printed).toBe('success');
    expect(await schemas()).toEqual(['PR_7', 'pr_007', 'pr_old']);
  });
});

describe('a night like any other', () => {
  test('exactly the right ones go, and each line of the log says why', async () => {
    for (const number of [51, 52, 512, 5123, 53, 54, 60, 901, 902]) await build(`pr_${number}`, 'acme_ci_service');
    await build('dev_priya', 'priya');
    await build('dev_sam', 'sam');
    await company.ask('grant select on pr_52.orders to sam', 'acme_ci_service');
    await company.ask('create view dev_sam.of_52 as select * from pr_52.orders', 'sam');
    closed(51, 1);
    closed(52, 8);
    company.site.api.pulls.set(512, { state: 'open' });
    company.site.api.pulls.set(5123, { state: 'open' });
    closed(53, 8);
    closed(54, 30);
    await company.ask("call acme_door.keep_schema('pr_54', now() + interval '10 days')", 'acme_janitor');
    await age(['pr_60', 'pr_512', 'pr_5123', 'pr_901'], 40);
    await age(['pr_52', 'pr_53'], 8);
    await age(['dev_priya'], 31);
    const { results, printed } = await company.site.sweep();
    expect(results.sweep, printed).toBe('success');
    expect(await schemas()).toEqual(['PR_7', 'dev_sam', 'pr_007', 'pr_51', 'pr_512', 'pr_5123', 'pr_54', 'pr_60', 'pr_902', 'pr_old']);
    for (const line of [
      /keep +pr_51: pull request 51 was closed on .*, a day ago/,
      /clear +pr_52: pull request 52 was closed on .*, 8 days ago/,
      /dropped pr_52.*and with it dev_sam\.of_52/,
      /keep +pr_512: pull request 512 is open/,
      /keep +pr_54: it is pinned until/,
      /keep +pr_60: pull request 60 is open/,
      /clear +pr_901: GitHub has no pull request 901, and it was last used on .*, 40 days ago/,
      /keep +pr_902: GitHub has no pull request 902, and it was last used on/,
      /clear +dev_priya: it was last used on .*, 31 days ago/,
      /keep +dev_sam: it was last used on/,
      /10 schemas|schemas were listed, 4 due, 4 cleared/,
    ])
      expect(printed).toMatch(line);
    expect(await company.relations('analytics')).toContain('fct_revenue');
  });
  test("priya's next build works without an administrator", async () => {
    await build('dev_priya', 'priya');
    expect(await company.relations('dev_priya')).toEqual(['orders']);
  });
  test('a schema is pinned by a sweep that is started by hand, and stays through the next night', async () => {
    closed(51, 9);
    const pinned = await company.site.sweep('workflow_dispatch', { dry_run: false, allow_drops: '0', keep: `pr_51 ${closedAgo(-5).slice(0, 10)}` });
    expect(pinned.printed).toContain('keep      pr_51: it is pinned until');
    const { results, printed } = await company.site.sweep();
    expect(results.sweep, printed).toBe('success');
    expect(await schemas()).toContain('pr_51');
  });
  test('a host that fails: nothing goes, the run fails, one issue says so, and the next good night closes it', async () => {
    closed(902, 9);
    await age(['pr_902'], 9);
    company.site.api.fails(/GET .*\/pulls\?/, { status: 502 }, 20);
    const failed = await company.site.sweep();
    expect(failed.results, failed.printed).toEqual({ sweep: 'failure', tell: 'success' });
    expect([await schemas(), open()]).toEqual([expect.arrayContaining(['pr_902']), 1]);
    company.site.api.fails();
    const { results, printed } = await company.site.sweep();
    expect(results.sweep, printed).toBe('success');
    expect([(await schemas()).includes('pr_902'), open()]).toEqual([false, 0]);
  });
});
