import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  all,
  asked,
  CI,
  DEV,
  dataset,
  fine,
  gone,
  JANITOR,
  json,
  LISTED_AT,
  lastLine,
  login,
  now,
  one,
  operation,
  PROD,
  PROD_DATASETS,
  refusalsOfSent,
  relation,
  relations,
  removeProjects,
  sent,
} from '../support/bigquery-asked.ts';
import type { Answer } from '../support/bigquery-recorder.ts';

/**
 * Real dbt with its real BigQuery adapter and a client that writes down every request and connects to nothing
 * (test/support/bigquery_recorder.py): what our macros ask of BigQuery, in which order, and what they make of an answer. What
 * BigQuery would answer is ours to believe; what its query of the datasets means is run in bigquery-listing.test.ts. What is
 * refused, and other ways, are in test/full/bigquery-operations.test.ts.
 */
afterAll(removeProjects);

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
    const { code, output, statements } = await operation(
      'env_schemas',
      CI,
      [
        now,
        all(
          'acme-dev',
          dataset('dev_priya', { last_used_at: null, keep_until: '2027-01-31', kept: true }),
          dataset('dev_old', { mark: null }),
          dataset('pr_7'),
        ),
        all('acme-ci', dataset('pr_142'), dataset('pr_9', { mark: 'shop' }), dataset('DEV_priya'), dataset('pr_01'), dataset('dev_priya')),
      ],
      {},
      'ci',
      { 'acme-ci.pr_142': {}, 'acme-ci.pr_143': {}, 'acme-ci.Dev_sam': {}, 'acme-ci.product': {}, 'acme-dev.dev_priya': {} },
    );
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
        { schema: 'pr_143 outside US', owner: null, relations: null, bytes: null },
        { schema: 'Dev_sam outside US', owner: null, relations: null, bytes: null },
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

  test('keep_schema is a label as the janitor, with the others kept', async () => {
    const fits: Answer = ['^select coalesce', ['f0_'], [[true]]];
    const labels = '[STRUCT("managed_by", "dbt_envs"), STRUCT("dbt_envs_project", "acme"), STRUCT("équipe", "données")]';
    const janitor = await operation('keep_schema', CI, [fits, JANITOR, one(dataset('pr_142', { labels }))], { schema: 'pr_142', until: '2027-01-31' });
    expect(janitor.code, janitor.output).toBe(0);
    expect(janitor.changes).toEqual([
      "alter schema `acme-ci`.pr_142 set options (labels = [('managed_by', 'dbt_envs'), ('dbt_envs_project', 'acme'), ('équipe', 'données'), ('keep_until', '2027-01-31')])",
    ]);
    expect(lastLine(janitor.output)).toEqual({ schema: 'pr_142', keep_until: '2027-01-31T00:00:00Z' });
  });

  test('restore_schema brings a dropped dataset back and pins it', async () => {
    const day: Answer = ['^select format_date', ['f0_'], [['2026-12-27']]];
    const [fits, columns, rows] = one(dataset('pr_142'));
    const back = await operation('restore_schema', CI, [JANITOR, day, [fits, columns, rows, '^undrop schema'], gone('pr_142')], { schema: 'pr_142' });
    expect(back.code, back.output).toBe(0);
    expect(back.changes).toEqual([
      "undrop schema `acme-ci`.pr_142 options (location = 'US')",
      "alter schema `acme-ci`.pr_142 set options (labels = [('managed_by', 'dbt_envs'), ('dbt_envs_project', 'acme'), ('env', 'ci'), ('keep_until', '2026-12-27')])",
    ]);
  });

  test('drop_pr_schema deletes pr_<number> whole; of the project CI asks for labels alone, which it may see', async () => {
    const datasets = { 'acme-ci.pr_142': {}, 'acme-ci.pr_14': {} };
    const dropped = await operation('drop_pr_schema', CI, [], {}, 'ci', datasets);
    expect(dropped.changes).toEqual(['-- delete dataset acme-ci.pr_142 with its contents']);
    expect(lastLine(dropped.output)).toEqual({ dropped: ['pr_142'] });
    const asks = dropped.statements.flatMap((sql) => [...sql.matchAll(/INFORMATION_SCHEMA\.(\w+)/g)].map(([, view]) => view));
    expect(asks).toEqual(['SCHEMATA_OPTIONS']);
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

  const ACT: Readonly<Record<'act' | 'wanted' | 'happened' | 'said', string> & { readonly holds: boolean | null }> = {
    act: 'build a table in analytics',
    wanted: 'refused',
    happened: 'refused',
    holds: true,
    said: 'Access Denied',
  };
  const acts = (...rows: readonly (typeof ACT)[]): Answer => ['v_proof', Object.keys(ACT), rows.map((row) => Object.values(row))];
  test('verify_boundary tries under its own login, notes the proof, and says what it could not try', async () => {
    const idle = { ...ACT, act: 'read source raw', happened: 'not tried', holds: null, said: 'there is no table to try it on' };
    const good = await operation('verify_boundary', DEV, [login('priya@example.com'), acts(ACT, idle)], {}, 'dev');
    expect(good.code, good.output).toBe(0);
    expect(good.output).toContain('read source raw | not tried: there is no table to try it on');
    expect(lastLine(good.output)).toEqual({
      identity: 'dev',
      login: 'priya@example.com',
      wrong: 0,
      acts: [{ act: ACT.act, expected: 'refused', got: 'refused', ok: true, why: 'Access Denied' }],
    });
    expect(good.statements.at(-1)).toBe(`select '{"acts": 1, "wrong": 0}' as dbt_envs_proof`);
  });

  test('audit fails for a hole', async () => {
    const way = { login: 'user:sam@example.com', how: 'roles/bigquery.dataEditor on analytics', verdict: 'writes' };
    const hole = await operation('audit', DEV, [json('to_json_string\\(a\\)', way)], {}, 'dev');
    expect(hole.code).not.toBe(0);
    expect(hole.output).toContain('user:sam@example.com');
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
      json(
        'JOBS_BY_USER',
        { login: 'acme-janitor@acme-ci.iam.gserviceaccount.com', noted_at: '2026-11-20T09:00:00Z', note: '{"acts": 9, "wrong": 0}' },
        // Whoever runs a statement may write anything into it.
        ...['x', '[1]', '"x"', ''].map((note) => ({ login: 'sam@example.com', noted_at: '2026-11-21T09:00:00Z', note })),
      ),
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
      compute: { unit: 'bytes billed', used: null },
    });
  });
});

describe('every statement that our macros have sent above', () => {
  test('is read by Google’s parser and analyzer, and a planted mistake is not', async () => {
    expect(await refusalsOfSent()).toEqual([]);
    expect(sent.size).toBeGreaterThan(30);
    for (const [right, wrong] of [
      ['total_logical_bytes', 'total_logical_byte'],
      ['current_timestamp()', 'now()'],
      ['left join', 'left joined'],
    ] as const)
      expect(await refusalsOfSent(right, wrong), right).not.toEqual([]);
  });
});
