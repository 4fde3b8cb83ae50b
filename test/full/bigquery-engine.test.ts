import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { python } from '../support/dbt.ts';
import { pythonEnvironment } from '../support/python.ts';
import { scaffold } from '../support/scaffold.ts';

/**
 * The emitted project built by dbt with its real BigQuery adapter and Google's own client, on an emulator of BigQuery's API. It shows what
 * dbt builds, in which dataset, and which dataset it drops. It shows nothing of rights, of labels, of sizes or of BigQuery's own reading of
 * SQL: test/support/bigquery_engine.py says what stands in for what the emulator lacks.
 */
type Step = { readonly dbt: readonly string[]; readonly env: Readonly<Record<string, string>> } | { readonly sql: string; readonly project: string };
interface Said {
  readonly ok: boolean;
  readonly output: string;
}

const sql = (project: string, text: string): Step => ({ sql: text, project });
const build = (target: string, env: Readonly<Record<string, string>>): Step => ({ dbt: ['build', '--target', target], env });
const drop = (pr: string): Step => ({
  dbt: ['--quiet', 'run-operation', 'drop_pr_schema', '--target', 'ci', '--args', JSON.stringify({ pr })],
  env: { PR_NUMBER: '7' },
});
const datasets = (project: string): Step => sql(project, `select schema_name from \`${project}\`.\`region-us\`.INFORMATION_SCHEMA.SCHEMATA order by 1`);
const relations = (project: string, dataset: string): Step =>
  sql(
    project,
    `select table_name from \`${project}\`.${dataset}.INFORMATION_SCHEMA.TABLES where table_name in ('fct_revenue_daily', 'stg_orders', 'raw_orders', 'orders_snapshot', 'fct_events', 'gone_model') order by 1`,
  );
const create = (project: string, ...names: readonly string[]): readonly Step[] =>
  names.flatMap((name) => [sql(project, `create schema \`${project}\`.${name}`), sql(project, `create table \`${project}\`.${name}.t as select 1 as one`)]);

/** Names that begin like that of pull request 142, or contain it, and are none. */
const TRAPS = ['analytics_pr_142', 'pr_1', 'pr_14', 'pr_1420', 'pr_142_x', 'product', 'xpr_142'];
const PR = { PR_NUMBER: '142' };
const PROD = { DBT_ENVS_RUNNER: 'merge' };
const MODELS = [['fct_events'], ['fct_revenue_daily'], ['orders_snapshot'], ['raw_orders'], ['stg_orders']];
const REVENUE = [['488.49']];

/** What each step said, in one account; `plant` changes a file of the project first. */
async function ran(steps: readonly Step[], labels: Readonly<Record<string, string>> = {}, plant?: readonly [file: string, right: string, wrong: string]) {
  const project = scaffold({ warehouse: 'bigquery', team: 'priya, sam', emailDomain: 'example.com', database: 'acme-prod' });
  const home = mkdtempSync(path.join(tmpdir(), 'dbt-envs-engine-'));
  try {
    if (plant) {
      const [file, right, wrong] = plant;
      const before = readFileSync(path.join(project, file), 'utf8');
      expect(before).toContain(right);
      writeFileSync(path.join(project, file), before.replace(right, wrong));
    }
    const administrator = [...create('acme-dev', 'dev_priya', 'dev_sam'), ...create('acme-prod', 'analytics', 'staging')];
    const task = path.join(home, 'task.json');
    writeFileSync(task, JSON.stringify({ labels, steps: [...administrator, ...steps] }));
    const script = fileURLToPath(new URL('../support/bigquery_engine.py', import.meta.url));
    const emulator = (await pythonEnvironment('bqemulator')).python;
    const { code, output } = await python(project, [script, emulator, task], {
      python: 'bigquery',
      env: { HOME: home, DBT_SEND_ANONYMOUS_USAGE_STATS: 'false' },
    });
    if (code !== 0) throw new Error(output);
    const answers: readonly unknown[] = JSON.parse(output.split('\n').findLast((line) => line.startsWith('[[')) ?? '');
    return answers.slice(administrator.length);
  } finally {
    rmSync(project, { recursive: true, force: true });
    rmSync(home, { recursive: true, force: true });
  }
}
const said = (answer: unknown): Said => answer as Said;
const lastLine = (answer: unknown): unknown =>
  JSON.parse(
    said(answer)
      .output.split('\n')
      .findLast((line) => line.startsWith('{')) ?? '{}',
  );
const expectBuilt = (answer: unknown): void => expect(said(answer).ok, said(answer).output).toBe(true);

test('a developer, production and a pull request build where they belong, and of what looks like it the pull request alone is dropped', async () => {
  const [dev, own, others, stranger, prod, deployed, pr, revenue, , cleaned, again, rebuilt, ...rest] = await ran(
    [
      build('dev', { DBT_DEV_NAME: 'priya' }),
      relations('acme-dev', 'dev_priya'),
      relations('acme-dev', 'dev_sam'),
      build('dev', { DBT_DEV_NAME: 'kim' }),
      build('prod', PROD),
      relations('acme-prod', 'analytics'),
      build('ci', PR),
      sql('acme-ci', 'select round(sum(revenue_usd), 2) from `acme-ci`.pr_142.fct_revenue_daily'),
      sql('acme-ci', 'create table `acme-ci`.pr_142.gone_model as select 1 as one'),
      { dbt: ['--quiet', 'run-operation', 'clean_pr_schema', '--target', 'ci', '--args', JSON.stringify({ keep: MODELS.flat() })], env: PR },
      build('ci', PR),
      relations('acme-ci', 'pr_142'),
      ...create('acme-ci', ...TRAPS),
      drop('142'),
      datasets('acme-ci'),
      drop('142'),
      drop('142_x'),
      drop('1'),
      datasets('acme-ci'),
      datasets('acme-dev'),
      datasets('acme-prod'),
    ],
    { pr_1: '[STRUCT("keep_until", "2999-01-01")]', pr_14: `[STRUCT("keep_until", "${new Date(Date.now() + 9 * 86_400_000).toISOString().slice(0, 10)}")]` },
  );
  expectBuilt(dev);
  expect([own, others]).toEqual([MODELS, []]);
  expect(said(stranger).ok).toBe(false);
  expect(said(stranger).output).toMatch(/kim/);
  expectBuilt(prod);
  expect(deployed).toEqual(expect.arrayContaining([['fct_events'], ['fct_revenue_daily']]));
  expectBuilt(pr);
  expect(said(pr).output).toContain('Cloned from production: fct_events, orders_snapshot');
  expect(revenue).toEqual(REVENUE);
  expectBuilt(cleaned);
  const { dropped: cleared } = lastLine(cleaned) as { readonly dropped: readonly string[] };
  expect(cleared).toContain('gone_model');
  expect(cleared.filter((name) => MODELS.flat().includes(name))).toEqual([]);
  expectBuilt(again);
  expect(rebuilt).toEqual(MODELS);
  const [dropped, left, nothing, wrong, kept, after, ofDev, ofProd] = rest.slice(TRAPS.length * 2);
  expect(lastLine(dropped), said(dropped).output).toEqual({ dropped: ['pr_142'] });
  expect(left).toEqual(TRAPS.map((name) => [name]));
  expect(lastLine(nothing)).toEqual({ dropped: [] });
  expect(said(wrong).ok).toBe(false);
  // A label of a thousand years keeps nothing: keep_schema writes one of a year at most.
  expect(lastLine(kept)).toEqual({ dropped: ['pr_1'] });
  expect(after).toEqual(TRAPS.filter((name) => name !== 'pr_1').map((name) => [name]));
  expect([ofDev, ofProd]).toEqual([
    [['dev_priya'], ['dev_sam']],
    [['analytics'], ['staging']],
  ]);
});

test('a pin keeps a pull request', async () => {
  const day = new Date(Date.now() + 9 * 86_400_000).toISOString().slice(0, 10);
  const [, , kept, left] = await ran([...create('acme-ci', 'pr_142'), drop('142'), datasets('acme-ci')], { pr_142: `[STRUCT("keep_until", "${day}")]` });
  expect([lastLine(kept), left]).toEqual([{ dropped: [] }, [['pr_142']]]);
  expect(said(kept).output).toContain(`is kept until ${day}`);
});

test('a mistake is seen: another dataset is dropped; a seed’s type is none of the API’s', async () => {
  const other = ['macros/dbt_envs/drop_pr_schema.sql', 'schema=schema) -%}', "schema='product') -%}"] as const;
  const [, , , , operation, left] = await ran([...create('acme-ci', 'pr_142', 'product'), drop('142'), datasets('acme-ci')], {}, other);
  expect([said(operation).ok, left]).toEqual([false, [['pr_142']]]);
  const [seed] = await ran([build('dev', { DBT_DEV_NAME: 'priya' })], {}, ['seeds/_seeds.yml', 'amount_usd: numeric', 'amount_usd: decimal(12, 2)']);
  expect(said(seed).ok).toBe(false);
  expect(said(seed).output).toContain('Unknown BigQuery type');
});
