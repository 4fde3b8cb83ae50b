import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { INFORMATION_SCHEMA } from '../support/bigquery-catalog.ts';
import { type Answer, type RecordedWorld, recorded } from '../support/bigquery-recorder.ts';
import { refusalsOf } from '../support/bigquery-sql.ts';
import { scalar, startGoogleSql } from '../support/googlesql.ts';
import { scaffold } from '../support/scaffold.ts';

/**
 * Real dbt with its real BigQuery adapter and a client that writes down every request and connects to nothing
 * (test/support/bigquery_recorder.py): what our macros ask of BigQuery, in which order, and what they make of an answer. What
 * BigQuery would answer is ours to believe; what its query of the datasets means is run in bigquery-listing.test.ts.
 */
const JSON_COLUMN = ['f0_'];
const json = (fits: string, ...answers: readonly unknown[]): Answer => [fits, JSON_COLUMN, answers.map((answer) => [JSON.stringify(answer)])];
const login = (email: string): Answer => ['^select session_user', ['f0_'], [[email]]];
const JANITOR = login('acme-janitor@acme-ci.iam.gserviceaccount.com');
const CI_SERVICE = login('acme-ci@acme-ci.iam.gserviceaccount.com');
const LISTED_AT = '2026-11-27T03:43:00.123456Z';
const now: Answer = ['^select format_timestamp', ['f0_'], [[LISTED_AT]]];
const fine: Answer = ["select '' as failed", ['failed'], [['']]];

/** A row of the query of the datasets: ours, unused and not pinned, unless it says otherwise. */
const dataset = (schema: string, more: object = {}) => ({
  schema,
  mark: 'acme',
  owner: schema.startsWith('dev_') ? schema.slice(4) : null,
  labels: '[STRUCT("managed_by", "dbt_envs"), STRUCT("dbt_envs_project", "acme"), STRUCT("env", "ci")]',
  dev: /^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(schema),
  pr: /^pr_[1-9][0-9]{0,9}$/.test(schema),
  created_at: '2026-10-01T10:00:00.000000Z',
  last_used_at: '2026-10-02T10:00:00.000000Z',
  keep_until: null,
  kept: false,
  used_since: false,
  relations: 3,
  bytes: 1024,
  asked_at: LISTED_AT,
  ...more,
});
type Dataset = ReturnType<typeof dataset>;
const one = (found: Dataset): Answer => json(`schema_name = '${found.schema}'`, found);
const gone = (schema: string): Answer => [`schema_name = '${schema}'`, JSON_COLUMN, []];
const all = (project: string, ...found: readonly Dataset[]): Answer => json(`from \`${project}\`.\`region-us\`.INFORMATION_SCHEMA.SCHEMATA as s`, ...found);

const relation = (name: string, kind = 'table') => ({
  name,
  sql: `\`acme-prod\`.\`analytics\`.\`${name}\``,
  kind,
  scan: kind === 'table' ? 0 : null,
  estimate: 10,
  columns: [{ name: 'event_id', type: 'INT64' }],
});
const relations = (place: string, ...found: readonly ReturnType<typeof relation>[]): Answer => json(`from ${place}.INFORMATION_SCHEMA.TABLES as t`, ...found);
const PROD = relations('`acme-prod`.analytics', relation('fct_events'), relation('orders_snapshot'), relation('fct_revenue'), relation('old_view', 'view'));

/** What every dbt asks. */
const COMMON: readonly Answer[] = [
  ['as failures', ['failures', 'should_warn', 'should_error'], [[0, false, false]]],
  ['actual_or_expected', ['actual_or_expected'], []],
  // Of every table, what any of them has.
  [
    '^-- columns',
    [
      ...['event_id', 'customer_id', 'occurred_at:TIMESTAMP', 'event_date:DATE', 'event_type', 'order_id', 'revenue_usd:NUMERIC', 'updated_at:TIMESTAMP'],
      ...['dbt_scd_id', 'dbt_updated_at:TIMESTAMP', 'dbt_valid_from:TIMESTAMP', 'dbt_valid_to:TIMESTAMP'],
    ],
    [],
  ],
];

/** One a target: another target in the same folder would be parsed anew. */
const projects = new Map<string, string>();
function projectOf(target: string): string {
  const folder = projects.get(target) ?? scaffold({ warehouse: 'bigquery', sourceSchemas: 'raw, crm:pii', emailDomain: 'example.com' });
  projects.set(target, folder);
  return folder;
}
afterAll(() => {
  for (const folder of projects.values()) rmSync(folder, { recursive: true, force: true });
});

const DEV = { DBT_DEV_NAME: 'priya' };
const CI = { PR_NUMBER: '142' };
const PROD_DATASETS = { 'acme-prod.analytics': { fct_events: 'TABLE' }, 'acme-prod.staging': {} };

async function asked(args: readonly string[], env: Readonly<Record<string, string>>, { datasets, answers }: RecordedWorld) {
  const done = await recorded(projectOf(args[args.indexOf('--target') + 1] ?? 'dev'), args, env, { datasets, answers: [...answers, ...COMMON] });
  const statements = done.statements.map((sql) =>
    sql
      // dbt's own comments.
      .replace(/^\s*(?:--[^\n]*\n\s*)+/, '')
      .replace(/\s+/g, ' ')
      .replace(/[ ;]+$/, '')
      .trim(),
  );
  for (const sql of done.statements) if (OURS.test(sql)) sent.add(sql);
  return { ...done, statements, changes: statements.filter(changes) };
}
/** Each statement of our macros that any run of this file has sent. */
const sent = new Set<string>();
const OURS = /^(?!--)[\s\S]*(?:dbt_envs|INFORMATION_SCHEMA|__TABLES__|session_user| clone |\bschema `|as failed|unix_millis)/i;
/** What is no question. A script that only asks is one. */
const changes = (sql: string): boolean => !/^select |^with |^declare v_on_tables|^begin execute immediate r""" ?select /.test(sql);
const operation = (name: string, env: Readonly<Record<string, string>>, answers: readonly Answer[], args: object = {}, target = 'ci', datasets = {}) =>
  asked(['--quiet', 'run-operation', name, '--target', target, '--args', JSON.stringify(args)], env, { datasets: { ...PROD_DATASETS, ...datasets }, answers });
const lastLine = (output: string): unknown => {
  const line = output.split('\n').findLast((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(output);
  return JSON.parse(line);
};

describe('a build of a pull request', () => {
  let built: Awaited<ReturnType<typeof asked>>;
  beforeAll(async () => {
    built = await asked(['build', '--target', 'ci', '--warn-error-options', '{"error": ["Deprecations"]}'], CI, { datasets: PROD_DATASETS, answers: [PROD] });
  });
  test('succeeds, without a deprecation, under the cap of its target', () => {
    expect(built.code, built.output).toBe(0);
    expect(new Set(built.settings.map(({ maximum_bytes_billed }) => maximum_bytes_billed))).toEqual(new Set([200 * 1024 ** 3]));
  });
  test('makes its dataset with the labels that say whose it is, in which no table expires', () => {
    expect(built.statements[0]).toBe(
      "create schema if not exists `acme-ci`.pr_142 options ( location = 'US', description = 'dbt-envs: project acme', labels = [('managed_by', 'dbt_envs'), ('dbt_envs_project', 'acme'), ('env', 'ci'), ('pr', '142')], max_time_travel_hours = 48 )",
    );
    expect(built.statements.filter((sql) => /expiration/i.test(sql) && !sql.includes('__dbt_tmp'))).toEqual([]);
  });
  test('labels every job with what it is for', () => {
    expect(built.labels.length).toBeGreaterThan(30);
    for (const label of built.labels) expect(label).toMatchObject({ dbt_envs_project: 'acme', environment: 'ci', schema: 'pr_142' });
    expect(built.labels.map(({ model }) => model)).toContain('fct_revenue_daily');
  });
  test('notes its use before anything else is in it', () => {
    expect(built.changes[1]).toMatch(/^create or replace view `acme-ci`\.pr_142\.dbt_envs_used options \(description = format_timestamp\(/);
  });
  test('begins incremental models and snapshots with a clone, and adds to it', () => {
    for (const table of ['fct_events', 'orders_snapshot']) {
      const clone = `create table \`acme-ci\`.\`pr_142\`.\`${table}\` clone \`acme-prod\`.\`analytics\`.\`${table}\``;
      expect(built.statements[built.statements.indexOf(clone) - 1]).toBe(`drop table if exists \`acme-ci\`.\`pr_142\`.\`${table}\``);
      expect(built.statements.filter((sql) => sql.startsWith(`create or replace table \`acme-ci\`.\`pr_142\`.\`${table}\``))).toEqual([]);
    }
    expect(built.statements.some((sql) => /^merge into `acme-ci`\.`pr_142`\.`fct_events`/.test(sql))).toBe(true);
    expect(built.statements.some((sql) => /^merge into `acme-ci`\.`pr_142`\.`orders_snapshot`/.test(sql))).toBe(true);
  });
  test('writes nowhere else', () => {
    expect(built.changes.length).toBeGreaterThan(10);
    const elsewhere = built.changes.filter((sql) => !/^[a-z\s-]*`?acme-ci`?\.`?pr_142\b/.test(sql));
    expect(elsewhere).toEqual([]);
  });
  test('clones nothing with --full-refresh, and makes no dataset that is there', async () => {
    const datasets = { ...PROD_DATASETS, 'acme-ci.pr_142': {} };
    const again = await asked(['build', '--target', 'ci', '--full-refresh'], CI, { datasets, answers: [PROD] });
    expect(again.code, again.output).toBe(0);
    expect(again.statements.filter((sql) => / clone |create schema/.test(sql))).toEqual([]);
  });
});

describe('the other targets', () => {
  test.each([
    ['dev', DEV, /Dataset "dev_priya" is not in project "acme-dev", or your login may not use it: an administrator runs grants\/30_developers\.sql/],
    ['prod', { DBT_ENVS_RUNNER: 'merge' }, /Dataset "(?:analytics|staging)" is not in project "acme-prod".*grants\/20_boundary\.sql/],
  ] as const)('under %s a dataset that is not there is an administrator’s to make', async (target, env, message) => {
    const { code, output, changes: made } = await asked(['build', '--target', target], env, { datasets: {}, answers: [] });
    expect(code).not.toBe(0);
    expect(output.replace(/\s+/g, ' ')).toMatch(message);
    expect(made).toEqual([]);
  });
  test('dev builds in its own dataset alone, notes its use and clones nothing', async () => {
    const {
      code,
      output,
      changes: made,
    } = await asked(['build', '--target', 'dev'], DEV, { datasets: { ...PROD_DATASETS, 'acme-dev.dev_priya': {} }, answers: [PROD] });
    expect(code, output).toBe(0);
    expect(made[0]).toMatch(/^create or replace view `acme-dev`\.dev_priya\.dbt_envs_used /);
    expect(made.filter((sql) => !/^[a-z\s-]*`?acme-dev`?\.`?dev_priya\b/.test(sql) || / clone /.test(sql))).toEqual([]);
  });
  test('prod builds in the declared datasets alone, and notes nothing', async () => {
    const { code, output, changes: made } = await asked(['build', '--target', 'prod'], { DBT_ENVS_RUNNER: 'merge' }, { datasets: PROD_DATASETS, answers: [] });
    expect(code, output).toBe(0);
    expect(made.length).toBeGreaterThan(10);
    expect(made.filter((sql) => !/^[a-z\s-]*`?acme-prod`?\.`?(?:analytics|staging)\b/.test(sql) || /dbt_envs_/.test(sql))).toEqual([]);
  });
});

describe('the run-operations', () => {
  test('env_schemas lists ours by name, place and labels, and the others apart', async () => {
    const { code, output, statements } = await operation('env_schemas', CI, [
      now,
      all('acme-dev', dataset('dev_priya', { last_used_at: null, keep_until: '2027-01-31', kept: true }), dataset('dev_old', { mark: null }), dataset('pr_7')),
      all('acme-ci', dataset('pr_142'), dataset('pr_9', { mark: 'shop' }), dataset('DEV_priya'), dataset('pr_01'), dataset('dev_priya')),
    ]);
    expect(code, output).toBe(0);
    expect(statements).toHaveLength(3);
    const usual = { created_at: '2026-10-01T10:00:00.000000Z', closed_at: null, relations: 3, bytes: 1024 };
    const ci = 'acme-ci@acme-ci.iam.gserviceaccount.com';
    expect(lastLine(output)).toEqual({
      listed_at: LISTED_AT,
      schemas: [
        { schema: 'dev_priya', created_by: 'priya', last_used_at: null, keep_until: '2027-01-31T00:00:00Z', ...usual },
        { schema: 'pr_142', created_by: ci, last_used_at: '2026-10-02T10:00:00.000000Z', keep_until: null, ...usual },
      ],
      others: [
        { schema: 'dev_old', owner: null, relations: 3, bytes: 1024 },
        { schema: 'pr_7 in acme-dev', owner: 'project acme', relations: 3, bytes: 1024 },
        { schema: 'pr_9', owner: 'project shop', relations: 3, bytes: 1024 },
        { schema: 'DEV_priya', owner: 'project acme', relations: 3, bytes: 1024 },
        { schema: 'pr_01', owner: 'project acme', relations: 3, bytes: 1024 },
        { schema: 'dev_priya in acme-ci', owner: 'project acme', relations: 3, bytes: 1024 },
      ],
      handover: 'an administrator hands it over by its name with grants/adopt_leftovers.sql',
    });
  });

  test('drop_stale_schemas looks once more, drops or empties, and collects what failed', async () => {
    const candidates = ['pr_142', 'dev_sam', 'dev_gone', 'pr_7', 'pr_8', 'pr_9', 'pr_10', 'pr_11', 'product', 'pr_01', "pr_1'; drop schema x; --", 'dev_Sam'];
    const {
      code,
      output,
      changes: done,
      statements,
    } = await operation(
      'drop_stale_schemas',
      CI,
      [
        JANITOR,
        one(dataset('pr_142')),
        one(dataset('dev_sam')),
        one(dataset('dev_gone')),
        one(dataset('pr_7', { kept: true, keep_until: '2027-01-31' })),
        one(dataset('pr_8')),
        one(dataset('pr_9', { mark: 'shop' })),
        one(dataset('pr_10', { used_since: true, last_used_at: '2026-11-27T03:44:01.000000Z' })),
        gone('pr_11'),
        ['drop schema `acme-ci`.pr_8 cascade', ['failed'], [['Access Denied: Dataset pr_8']]],
        fine,
      ],
      { candidates, listed_at: LISTED_AT },
    );
    expect(code).not.toBe(0);
    const whole = 'its name is not the whole name of an environment schema, dev_<name> or pr_<number>';
    expect(lastLine(output)).toEqual({
      cleared: [
        { schema: 'pr_142', how: 'dropped', relations: 3, took_along: [] },
        { schema: 'dev_sam', how: 'emptied', relations: 3, took_along: [] },
        { schema: 'dev_gone', how: 'dropped', relations: 3, took_along: [] },
      ],
      kept: [
        { schema: 'pr_7', why: 'it is kept until 2027-01-31' },
        { schema: 'pr_9', why: 'it belongs to project shop, not to this project' },
        { schema: 'pr_10', why: 'used at 2026-11-27T03:44:01.000000Z, of which the list did not know' },
        { schema: 'pr_11', why: 'it is gone already' },
        ...candidates.slice(8).map((schema) => ({ schema, why: whole })),
      ],
      failed: [{ schema: 'pr_8', why: 'Access Denied: Dataset pr_8' }],
    });
    const dropped = (place: string): string =>
      `begin drop schema ${place} cascade; select '' as failed; exception when error then select @@error.message as failed; end`;
    expect(done.filter((sql) => sql.includes('drop schema'))).toEqual(['`acme-ci`.pr_142', '`acme-dev`.dev_gone', '`acme-ci`.pr_8'].map(dropped));
    const [emptied] = done.filter((sql) => sql.includes('drop %s'));
    expect(emptied).toContain("execute immediate format('drop %s if exists `acme-dev`.dev_sam.`%s`', object.kind, object.name)");
    expect(emptied).toContain(`> timestamp_sub(timestamp '${LISTED_AT}', interval 1 hour)`);
    expect(done).toHaveLength(4);
    expect(statements).toContain(`select '{"schema": "dev_sam", "how": "emptied", "bytes": 1024}' as dbt_envs_cleared`);
    expect(statements.filter((sql) => sql.endsWith('as dbt_envs_cleared'))).toHaveLength(3);
  });
  test('drop_stale_schemas leaves the rest to somebody who came back while it was emptied', async () => {
    const { code, output } = await operation(
      'drop_stale_schemas',
      CI,
      [JANITOR, one(dataset('dev_sam', { relations: 1 })), ["select '' as failed", ['failed'], [['dbt_envs: in use at [3:5]']]]],
      { candidates: ['dev_sam'], listed_at: LISTED_AT },
    );
    expect(code, output).toBe(0);
    expect(lastLine(output)).toMatchObject({
      cleared: [],
      kept: [{ schema: 'dev_sam', why: expect.stringContaining('while it was being emptied; 1 relations are there') }],
      failed: [],
    });
  });
  test.each([
    ['nothing is done', CI, [JANITOR], { candidates: ['pr_142', 'dev_sam'], listed_at: LISTED_AT, dry_run: true }, 'ci', undefined],
    ['another login is refused', CI, [CI_SERVICE], { candidates: ['pr_142'], listed_at: LISTED_AT }, 'ci', /as acme-janitor@acme-ci/],
    ['another target is refused', DEV, [JANITOR], { candidates: ['pr_142'], listed_at: LISTED_AT }, 'dev', /Only target ci sweeps/],
    ['what is no time is refused', CI, [JANITOR], { candidates: ['pr_142'], listed_at: "2026' or true" }, 'ci', /listed_at is what env_schemas said/],
    ['what is no list is refused', CI, [JANITOR], { candidates: 'pr_142', listed_at: LISTED_AT }, 'ci', /candidates is a list/],
  ] as const)('drop_stale_schemas: %s', async (_, env, answers, args, target, refusal) => {
    const listed = [one(dataset('pr_142')), one(dataset('dev_sam'))];
    const { code, output, changes: done, statements } = await operation('drop_stale_schemas', env, [...answers, ...listed], args, target);
    expect(done).toEqual([]);
    expect(statements.filter((sql) => sql.includes('dbt_envs_cleared'))).toEqual([]);
    if (refusal === undefined) {
      expect(code, output).toBe(0);
      expect(lastLine(output)).toMatchObject({
        cleared: [
          { schema: 'pr_142', how: 'dropped' },
          { schema: 'dev_sam', how: 'emptied' },
        ],
        kept: [],
        failed: [],
      });
    } else {
      expect(code).not.toBe(0);
      expect(output.replace(/\s+/g, ' ')).toMatch(refusal);
    }
  });

  test('keep_schema is a view of one’s own as a developer, and a label as the janitor, with the others kept', async () => {
    const fits: Answer = ['^select coalesce', ['f0_'], [[true]]];
    const until = '2027-01-31';
    const own = await operation('keep_schema', DEV, [fits], { schema: 'dev_priya', until }, 'dev');
    expect(own.code, own.output).toBe(0);
    expect(own.changes).toEqual([
      'drop view if exists `acme-dev`.dev_priya.dbt_envs_keep',
      "create view `acme-dev`.dev_priya.dbt_envs_keep options (description = '2027-01-31') as select 'The description says until when nobody clears this dataset.' as about",
    ]);
    const undone = await operation('keep_schema', DEV, [], { schema: 'dev_priya', until: null }, 'dev');
    expect(undone.changes).toEqual(['drop view if exists `acme-dev`.dev_priya.dbt_envs_keep']);
    const others = await operation('keep_schema', DEV, [fits], { schema: 'dev_sam', until }, 'dev');
    expect(others.code).not.toBe(0);
    expect(others.changes).toEqual([]);
    const janitor = await operation('keep_schema', CI, [fits, JANITOR, one(dataset('pr_142'))], { schema: 'pr_142', until });
    expect(janitor.code, janitor.output).toBe(0);
    expect(janitor.changes).toEqual([
      "alter schema `acme-ci`.pr_142 set options (labels = [('managed_by', 'dbt_envs'), ('dbt_envs_project', 'acme'), ('env', 'ci'), ('keep_until', '2027-01-31')])",
    ]);
    expect(lastLine(janitor.output)).toEqual({ schema: 'pr_142', keep_until: '2027-01-31T00:00:00Z' });
    const foreign = await operation('keep_schema', CI, [fits, JANITOR, one(dataset('pr_142', { mark: 'shop' }))], { schema: 'pr_142', until });
    expect(foreign.code).not.toBe(0);
    const ci = await operation('keep_schema', CI, [fits, CI_SERVICE], { schema: 'pr_142', until });
    expect(ci.output).toContain('acme-janitor');
    expect([...foreign.changes, ...ci.changes]).toEqual([]);
  });

  test('restore_schema brings a dropped dataset back, pins it, and puts nothing in the place of one that is there', async () => {
    const there = await operation('restore_schema', CI, [JANITOR, one(dataset('pr_142'))], { schema: 'pr_142' });
    expect(there.code).not.toBe(0);
    expect(there.output).toContain('nothing is put in its place');
    expect(there.changes).toEqual([]);
    const ci = await operation('restore_schema', CI, [CI_SERVICE, gone('pr_142')], { schema: 'pr_142' });
    expect(ci.code).not.toBe(0);
    expect(ci.changes).toEqual([]);
    const day: Answer = ['^select format_date', ['f0_'], [['2026-12-27']]];
    const [fits, columns, rows] = one(dataset('pr_142'));
    const back = await operation('restore_schema', CI, [JANITOR, day, [fits, columns, rows, '^undrop schema'], gone('pr_142')], { schema: 'pr_142' });
    expect(back.code, back.output).toBe(0);
    expect(back.changes).toEqual([
      "undrop schema `acme-ci`.pr_142 options (location = 'US')",
      "alter schema `acme-ci`.pr_142 set options (labels = [('managed_by', 'dbt_envs'), ('dbt_envs_project', 'acme'), ('env', 'ci'), ('keep_until', '2026-12-27')])",
    ]);
    // Nothing answers the second time either: BigQuery said yes, and the dataset is not there.
    const lost = await operation('restore_schema', CI, [JANITOR, gone('pr_142')], { schema: 'pr_142' });
    expect(lost.changes).toEqual(["undrop schema `acme-ci`.pr_142 options (location = 'US')"]);
    expect(lost.code).not.toBe(0);
  });
  test('restore_schema copies an emptied developer’s tables back as they were, those alone that are not there', async () => {
    const there = relations('`acme-dev`.dev_priya', relation('fct_events'));
    const when = ['unix_millis', ['ms', 'fits'], [[1795750000000, true]]] as const;
    const env = { ...DEV, DBT_ENVS_EMPTIED_AT: '2026-11-27T03:45:00Z' };
    const back = await operation('restore_schema', env, [there, when], { schema: 'dev_priya' }, 'dev');
    expect(back.code, back.output).toBe(0);
    expect(back.changes).toEqual(['-- copy acme-dev.dev_priya.orders_snapshot@1795750000000 to acme-dev.dev_priya.orders_snapshot, WRITE_TRUNCATE']);
    expect(lastLine(back.output)).toEqual({ schema: 'dev_priya', restored: true });
    const late = await operation('restore_schema', env, [there, ['unix_millis', ['ms', 'fits'], [[1795750000000, false]]]], { schema: 'dev_priya' }, 'dev');
    const silent = await operation('restore_schema', DEV, [there, when], { schema: 'dev_priya' }, 'dev');
    const others = await operation('restore_schema', env, [there, when], { schema: 'dev_sam' }, 'dev');
    for (const { code, changes: done } of [late, silent, others]) {
      expect(code).not.toBe(0);
      expect(done).toEqual([]);
    }
  });

  test('drop_pr_schema deletes pr_<number> whole, and not where somebody keeps it', async () => {
    const datasets = { 'acme-ci.pr_142': {}, 'acme-ci.pr_14': {} };
    const dropped = await operation('drop_pr_schema', CI, [one(dataset('pr_142'))], {}, 'ci', datasets);
    expect(dropped.changes).toEqual(['-- delete dataset acme-ci.pr_142 with its contents']);
    expect(lastLine(dropped.output)).toEqual({ dropped: ['pr_142'] });
    const kept = await operation('drop_pr_schema', CI, [one(dataset('pr_142', { kept: true, keep_until: '2027-01-31' }))], {}, 'ci', datasets);
    const nothing = await operation('drop_pr_schema', CI, []);
    const wrong = await operation('drop_pr_schema', CI, [], { pr: '142 or 1' }, 'ci', datasets);
    for (const { changes: done } of [kept, nothing, wrong]) expect(done).toEqual([]);
    expect(lastLine(kept.output)).toEqual({ dropped: [] });
    expect(lastLine(nothing.output)).toEqual({ dropped: [] });
    expect(wrong.code).not.toBe(0);
  });
  test('clean_pr_schema drops what is not built again, by its kind', async () => {
    const there = relations(
      '`acme-ci`.pr_142',
      relation('fct_old'),
      relation('v', 'view'),
      relation('m', 'materialized view'),
      relation('x', 'external table'),
      relation('fct_revenue'),
    );
    const { output, changes: done, code } = await operation('clean_pr_schema', CI, [there], { keep: ['fct_revenue'] }, 'ci', { 'acme-ci.pr_142': {} });
    expect(done).toEqual([
      'drop table if exists `acme-ci`.`pr_142`.`fct_old`',
      'drop view if exists `acme-ci`.`pr_142`.`v`',
      'drop materialized view if exists `acme-ci`.`pr_142`.`m`',
      'drop external table if exists `acme-ci`.`pr_142`.`x`',
    ]);
    expect(code, output).not.toBe(0); // the list that is asked again has them still
    expect(output).toContain('it is still there');
  });
  test('check_prod_schemas names what is not there and what may not be built in', async () => {
    const visible = { 'acme-prod.analytics': {} };
    const { code, output } = await asked(['--quiet', 'run-operation', 'check_prod_schemas', '--target', 'ci'], CI, { datasets: visible, answers: [] });
    expect(code, output).toBe(0);
    expect(lastLine(output)).toMatchObject({
      problems: [
        { schema: 'analytics', why: expect.stringContaining('may not build in it') },
        { schema: 'staging', why: expect.stringContaining('is not in project acme-prod') },
      ],
    });
    const granted: Answer = ['OBJECT_PRIVILEGES', ['grantee'], [['serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com']]];
    const closed: Answer = ['OBJECT_PRIVILEGES', ['failed'], [['Access Denied: bigquery.datasets.getIamPolicy']]];
    for (const answer of [granted, closed]) expect(lastLine((await operation('check_prod_schemas', CI, [answer])).output)).toEqual({ problems: [] });
    const broken = await operation('check_prod_schemas', CI, [['OBJECT_PRIVILEGES', ['failed'], [['Syntax error']]]]);
    expect(broken.code).not.toBe(0);
  });
  test('review_card counts here and in production, each in its project', async () => {
    const counted: Answer = [
      'count\\(\\*\\) from',
      ['at', 'side', 'rows'],
      [
        [0, 0, 5],
        [0, 1, 7],
      ],
    ];
    const here = relations('`acme-ci`.pr_142', relation('fct_events'), relation('fct_revenue'), relation('stg_orders', 'view'));
    const { code, output, statements } = await operation('review_card', CI, [counted, here, PROD]);
    expect(code, output).toBe(0);
    const card = lastLine(output) as { relations: readonly { name: string; here: { rows: number } }[]; left_in_prod: readonly { name: string }[] };
    expect(card.relations.map(({ name }) => name)).toEqual(['fct_events', 'fct_revenue', 'stg_orders']);
    expect(card.relations[0]?.here.rows).toBe(5);
    expect(card.left_in_prod.map(({ name }) => name)).toEqual(['old_view']);
    expect(statements.filter((sql) => sql.includes('INFORMATION_SCHEMA.TABLES as t'))).toHaveLength(3);
  });

  const ACT = { act: 'build a table in analytics', wanted: 'refused', happened: 'refused', holds: true, said: 'Access Denied' };
  const acts = (...rows: readonly (typeof ACT)[]): Answer => ['v_proof', Object.keys(ACT), rows.map((row) => Object.values(row))];
  test('verify_boundary tries under its own login, notes the proof, and fails for one act that came out wrong', async () => {
    const good = await operation('verify_boundary', DEV, [login('priya@example.com'), acts(ACT)], {}, 'dev');
    expect(good.code, good.output).toBe(0);
    expect(lastLine(good.output)).toMatchObject({
      identity: 'dev',
      login: 'priya@example.com',
      wrong: 0,
      acts: [{ act: ACT.act, expected: 'refused', got: 'refused', ok: true }],
    });
    expect(good.statements.at(-1)).toBe(`select '{"acts": 1, "wrong": 0}' as dbt_envs_proof`);
    const bad = await operation('verify_boundary', CI, [CI_SERVICE, acts(ACT, { ...ACT, happened: 'succeeds', holds: false })]);
    expect(bad.code).not.toBe(0);
    expect(lastLine(bad.output)).toMatchObject({ identity: 'ci', wrong: 1 });
    const nothing = await operation('verify_boundary', DEV, [login('priya@example.com')], {}, 'dev');
    expect(nothing.code).not.toBe(0);
    expect(nothing.output).toContain('Nothing was tried');
  });
  test('audit fails for a hole, on a dataset or on a table, and never says that nobody else can', async () => {
    const way = (who: string, verdict: string) => ({ login: who, how: 'roles/bigquery.dataEditor on analytics', verdict });
    const ours = json(
      'OBJECT_PRIVILEGES.*readingRoles|to_json_string\\(a\\)',
      way('serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com', 'service'),
      way('group:bi@example.com', 'reads'),
    );
    const clean = await operation('audit', DEV, [ours], {}, 'dev');
    expect(clean.code, clean.output).toBe(0);
    expect(lastLine(clean.output)).toMatchObject({ can_write: [{ verdict: 'administrator', how: expect.stringContaining('audit.sh') }] });
    const hole = await operation('audit', DEV, [json('to_json_string\\(a\\)', way('user:sam@example.com', 'writes'))], {}, 'dev');
    const strange = await operation(
      'audit',
      DEV,
      [json('to_json_string\\(a\\)', way('user:sam@example.com', 'a role that is not known here: look at it'))],
      {},
      'dev',
    );
    const onTable = await operation('audit', DEV, [ours, ['v_on_tables', ['login', 'how'], [['user:sam@example.com', 'x']]]], {}, 'dev');
    for (const { code, output } of [hole, strange, onTable]) {
      expect(code).not.toBe(0);
      expect(output).toContain('user:sam@example.com');
    }
    const closed = await operation('audit', DEV, [['to_json_string\\(a\\)', ['failed'], [['Access Denied']]]], {}, 'dev');
    expect(closed.code).not.toBe(0);
  });
  test('report: what is not known is null', async () => {
    const known: readonly Answer[] = [
      JANITOR,
      ['^select format_timestamp.*format_date', ['now', 'day'], [[LISTED_AT, '2026-10-28']]],
      all('acme-dev', dataset('dev_priya')),
      all('acme-ci', dataset('pr_142'), dataset('pr_9', { mark: 'shop' })),
      json('`acme-dev`.*TABLE_STORAGE_USAGE_TIMELINE', { schema: 'dev_priya', bytes: 512 }, { schema: 'scratch', bytes: 9 }),
      json('`acme-ci`.*TABLE_STORAGE_USAGE_TIMELINE', { schema: 'pr_131', bytes: 77 }),
      json('limit 10', { relation: 'dev_priya.fct_events', bytes: 1000 }),
      json('dbt_envs_cleared', { noted_at: '2026-11-26T03:43:07Z', note: '{"schema": "pr_131", "how": "dropped", "bytes": 77}' }),
      ['__TABLES__', ['f0_'], [[4096]]],
      json('JOBS_BY_USER', { login: 'acme-janitor@acme-ci.iam.gserviceaccount.com', noted_at: '2026-11-20T09:00:00Z', note: '{"acts": 9, "wrong": 0}' }),
      ['JOBS_BY_PROJECT', ['failed'], [['Access Denied: bigquery.jobs.listAll']]],
    ];
    const { code, output, changes: done } = await operation('report', CI, known);
    expect(code, output).toBe(0);
    expect(done).toEqual([]);
    const facts = lastLine(output) as Record<string, unknown>;
    expect(facts).toEqual({
      at: LISTED_AT,
      can_write: [expect.objectContaining({ verdict: 'administrator' })],
      strangers: null,
      last_write_by_others: null,
      proofs: [{ acts: 9, wrong: 0, login: 'acme-janitor@acme-ci.iam.gserviceaccount.com', at: '2026-11-20T09:00:00Z', identity: 'janitor' }],
      since: '2026-10-28',
      storage: [
        { environment: 'prod', who: null, schema: 'analytics', bytes: 4096, bytes_then: null },
        { environment: 'dev', who: 'priya', schema: 'dev_priya', bytes: 1024, bytes_then: 512 },
        { environment: 'ci', who: null, schema: 'pr_131', bytes: 0, bytes_then: 77 },
        { environment: 'ci', who: null, schema: 'pr_142', bytes: 1024, bytes_then: 0 },
        { environment: 'prod', who: null, schema: 'staging', bytes: 4096, bytes_then: null },
      ],
      largest_dev: [{ relation: 'dev_priya.fct_events', bytes: 1000 }],
      cleared: [{ schema: 'pr_131', how: 'dropped', bytes: 77, at: '2026-11-26T03:43:07Z' }],
    });
    const denied: Answer = ['TIMELINE|JOBS_BY|__TABLES__|to_json_string\\(a\\)', ['failed'], [['Access Denied']]];
    const blind = lastLine((await operation('report', CI, [denied, ...known])).output) as Record<string, unknown>;
    expect(blind).toMatchObject({ can_write: null, proofs: null, since: null, cleared: null });
    expect((blind.storage as readonly { bytes_then: unknown }[]).every(({ bytes_then }) => bytes_then === null)).toBe(true);
    expect((await operation('report', CI, [CI_SERVICE])).code).not.toBe(0);
  });
});

describe('every statement that our macros have sent above', () => {
  const ids = { event_id: scalar('STRING') };
  const tables = ['fct_events', 'orders_snapshot'].map((name) => ({ path: ['acme-prod', 'analytics', name], columns: ids }));
  const world = {
    tables: [...INFORMATION_SCHEMA, ...tables, { path: ['SOME_TABLE'], columns: ids }],
    samples: { name: 'fct_old', kind: 'table', table_schema: 'analytics', table_name: 'fct_events', table_of: '`acme-prod`.analytics' },
  };
  test('is read by Google’s parser and analyzer, and a planted mistake is not', async () => {
    const google = await startGoogleSql();
    const refused = [...sent].flatMap((sql) => refusalsOf(google, sql.replace(/\s+/g, ' ').slice(0, 200), sql, world));
    expect(refused).toEqual([]);
    expect(sent.size).toBeGreaterThan(30);
    const listing = [...sent].find((sql) => sql.includes('SCHEMATA as s')) ?? '';
    for (const [right, wrong] of [
      ['total_logical_bytes', 'total_logical_byte'],
      ['current_timestamp()', 'now()'],
      ['left join', 'left joined'],
    ] as const) {
      expect(listing).toContain(right);
      expect(refusalsOf(google, 'x', listing.replaceAll(right, wrong), world)).not.toEqual([]);
    }
  });
});
