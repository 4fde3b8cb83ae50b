import { afterAll, describe, expect, test } from 'vitest';
import {
  all,
  asked,
  CI,
  CI_SERVICE,
  DEV,
  dataset,
  gone,
  JANITOR,
  json,
  LISTED_AT,
  lastLine,
  login,
  one,
  operation,
  PROD,
  PROD_DATASETS,
  refusalsOfSent,
  relation,
  relations,
  removeProjects,
} from '../support/bigquery-asked.ts';
import type { Answer } from '../support/bigquery-recorder.ts';

/** The run-operations and the build of a pull request, where something is refused, closed or otherwise than in bigquery-dbt.test.ts of test/integration. */
afterAll(removeProjects);

describe('a build of a pull request', () => {
  test('clones nothing with --full-refresh, and makes no dataset that is there', async () => {
    const datasets = { ...PROD_DATASETS, 'acme-ci.pr_142': {} };
    const again = await asked(['build', '--target', 'ci', '--full-refresh'], CI, { datasets, answers: [PROD] });
    expect(again.code, again.output).toBe(0);
    expect(again.statements.filter((sql) => / clone |create schema/.test(sql))).toEqual([]);
  });
});

describe('a pull request in a project that holds more', () => {
  const CI_OF_PROD = { 'acme-prod.pr_142': {} };
  const LACKING = 'v_lacking';
  test('is let into at the start of its build, before it is built, and by one question where nobody lacks anything', async () => {
    const built = await asked(
      ['build', '--target', 'ci', '--select', 'stg_orders'],
      CI,
      { datasets: { ...PROD_DATASETS, ...CI_OF_PROD }, answers: [PROD] },
      'single',
    );
    expect(built.code, built.output).toBe(0);
    const at = built.statements.findIndex((sql) => sql.includes(LACKING));
    expect(built.statements.filter((sql) => sql.includes(LACKING))).toHaveLength(1);
    expect(at).toBeLessThan(built.statements.findIndex((sql) => sql.includes('`stg_orders`')));
    expect(built.statements[at]).toContain("where object_name = 'pr_142' and object_type = 'SCHEMA'");
    expect(built.statements[at]).toContain("('projects/acme-prod/roles/acme_janitor', 'serviceAccount:acme-janitor@acme-prod.iam.gserviceaccount.com')");
    expect(built.statements[at]).toContain("('roles/bigquery.dataViewer', 'user:anna@example.com')");
  });
  test('an address that nobody has any more stops no build and is named; a janitor that is kept out does', async () => {
    const refused = (who: string): Answer => [LACKING, ['refused'], [[`${who}: User does not\n exist`]]];
    const reviewer = await asked(
      ['run-operation', 'dbt_envs_let_in', '--target', 'ci', '--args', '{"schema": "pr_142"}'],
      CI,
      { datasets: CI_OF_PROD, answers: [refused('user:anna@example.com')] },
      'single',
    );
    expect(reviewer.code, reviewer.output).toBe(0);
    expect(reviewer.output).toContain('pr_142 is closed to user:anna@example.com: User does not exist. The next build tries again.');
    const janitor = await operation(
      'dbt_envs_let_in',
      CI,
      [refused('serviceAccount:acme-janitor@acme-prod.iam.gserviceaccount.com')],
      { schema: 'pr_142' },
      'ci',
      CI_OF_PROD,
      'single',
    );
    expect(janitor.code).not.toBe(0);
    expect(janitor.output).toContain('Nobody could clear pr_142');
  });
  test('that the janitor cannot drop is named by the sweep, and who can', async () => {
    const closed: Answer = ['drop schema', ['failed'], [['Access Denied: Permission bigquery.datasets.delete denied']]];
    const janitor = login('acme-janitor@acme-prod.iam.gserviceaccount.com');
    const args = { candidates: ['pr_142'], listed_at: LISTED_AT };
    const { code, output } = await operation('drop_stale_schemas', CI, [janitor, one(dataset('pr_142')), closed], args, 'ci', {}, 'single');
    expect(code).not.toBe(0);
    expect(lastLine(output)).toMatchObject({
      failed: [{ schema: 'pr_142', why: expect.stringMatching(/denied; CI owns it and can: PR_NUMBER=142 dbt run-operation drop_pr_schema .* as acme-ci@/) }],
    });
  });
});

describe('the run-operations', () => {
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

  test('keep_schema is a view of one’s own as a developer, and refused to everybody else but the janitor', async () => {
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
    const foreign = await operation('keep_schema', CI, [fits, JANITOR, one(dataset('pr_142', { mark: 'shop' }))], { schema: 'pr_142', until });
    expect(foreign.code).not.toBe(0);
    const ci = await operation('keep_schema', CI, [fits, CI_SERVICE], { schema: 'pr_142', until });
    expect(ci.output).toContain('acme-janitor');
    expect([...foreign.changes, ...ci.changes]).toEqual([]);
  });

  test('restore_schema puts nothing in the place of a dataset that is there, and fails where none comes back', async () => {
    const there = await operation('restore_schema', CI, [JANITOR, one(dataset('pr_142'))], { schema: 'pr_142' });
    expect(there.code).not.toBe(0);
    expect(there.output).toContain('nothing is put in its place');
    expect(there.changes).toEqual([]);
    const ci = await operation('restore_schema', CI, [CI_SERVICE, gone('pr_142')], { schema: 'pr_142' });
    expect(ci.code).not.toBe(0);
    expect(ci.changes).toEqual([]);
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

  test('drop_pr_schema leaves what somebody keeps, what is not there, and what is no number', async () => {
    const datasets = { 'acme-ci.pr_142': {} };
    const kept = await operation('drop_pr_schema', CI, [['SCHEMATA_OPTIONS', ['day'], [['2027-01-31']]]], {}, 'ci', datasets);
    const nothing = await operation('drop_pr_schema', CI, []);
    const wrong = await operation('drop_pr_schema', CI, [], { pr: '142 or 1' }, 'ci', datasets);
    for (const { changes: done } of [kept, nothing, wrong]) expect(done).toEqual([]);
    expect(lastLine(kept.output)).toEqual({ dropped: [] });
    expect(kept.output).toContain('is kept until 2027-01-31');
    expect(lastLine(nothing.output)).toEqual({ dropped: [] });
    expect(wrong.code).not.toBe(0);
  });

  test('check_prod_schemas takes a right that is there, says what it cannot see, and fails for any other error', async () => {
    const granted: Answer = ['OBJECT_PRIVILEGES', ['grantee'], [['serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com']]];
    const closed: Answer = ['OBJECT_PRIVILEGES', ['failed'], [['Access Denied: bigquery.datasets.getIamPolicy']]];
    for (const answer of [granted, closed]) expect(lastLine((await operation('check_prod_schemas', CI, [answer])).output)).toEqual({ problems: [] });
    const broken = await operation('check_prod_schemas', CI, [['OBJECT_PRIVILEGES', ['failed'], [['Syntax error']]]]);
    expect(broken.code).not.toBe(0);
  });

  const ACT = { act: 'build a table in analytics', wanted: 'refused', happened: 'refused', holds: true, said: 'Access Denied' };
  const acts = (...rows: readonly (typeof ACT)[]): Answer => ['v_proof', Object.keys(ACT), rows.map((row) => Object.values(row))];
  test('verify_boundary fails for one act that came out wrong, and where nothing was tried', async () => {
    const bad = await operation('verify_boundary', CI, [CI_SERVICE, acts(ACT, { ...ACT, happened: 'succeeds', holds: false })]);
    expect(bad.code).not.toBe(0);
    expect(lastLine(bad.output)).toMatchObject({ identity: 'ci', wrong: 1 });
    const nothing = await operation('verify_boundary', DEV, [login('priya@example.com')], {}, 'dev');
    expect(nothing.code).not.toBe(0);
    expect(nothing.output).toContain('Nothing was tried');
  });

  test('audit fails for a role that nobody knows and for a right on a table, and never says that nobody else can', async () => {
    const way = (who: string, verdict: string) => ({ login: who, how: 'roles/bigquery.dataEditor on analytics', verdict });
    const ours = json(
      'OBJECT_PRIVILEGES.*readingRoles|to_json_string\\(a\\)',
      way('serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com', 'service'),
      way('group:bi@example.com', 'reads'),
    );
    const clean = await operation('audit', DEV, [ours], {}, 'dev');
    expect(clean.code, clean.output).toBe(0);
    expect(lastLine(clean.output)).toMatchObject({ can_write: [{ verdict: 'administrator', how: expect.stringContaining('audit.sh') }] });
    const strange = await operation(
      'audit',
      DEV,
      [json('to_json_string\\(a\\)', way('user:sam@example.com', 'a role that is not known here: look at it'))],
      {},
      'dev',
    );
    const onTable = await operation('audit', DEV, [ours, ['v_on_tables', ['login', 'how'], [['user:sam@example.com', 'x']]]], {}, 'dev');
    for (const { code, output } of [strange, onTable]) {
      expect(code).not.toBe(0);
      expect(output).toContain('user:sam@example.com');
    }
    const closed = await operation('audit', DEV, [['to_json_string\\(a\\)', ['failed'], [['Access Denied']]]], {}, 'dev');
    expect(closed.code).not.toBe(0);
  });

  test('report: nothing that is closed is 0, and what jobs say is added up over the projects', async () => {
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
    const denied: Answer = ['TIMELINE|JOBS_BY|__TABLES__|to_json_string\\(a\\)', ['failed'], [['Access Denied']]];
    const blind = lastLine((await operation('report', CI, [denied, ...known])).output) as Record<string, unknown>;
    expect(blind).toMatchObject({ can_write: null, proofs: null, since: null, cleared: null, compute: { used: null } });
    expect((blind.storage as readonly { bytes_then: unknown }[]).every(({ bytes_then }) => bytes_then === null)).toBe(true);
    expect((await operation('report', CI, [CI_SERVICE])).code).not.toBe(0);
    const billed = (project: string, ...rows: readonly object[]): Answer =>
      json(`\`${project}\`.*JOBS_BY_PROJECT.*is_ours|is_ours.*\`${project}\`.*JOBS_BY_PROJECT`, ...rows);
    const used = (environment: string, who: string | null, amount: number, amount_before: number) => ({ environment, who, amount, amount_before });
    const seen = await operation('report', CI, [
      billed('acme-prod', used('prod', null, 3e12, 1e12), used('dev', 'priya', 5e9, 0)),
      billed('acme-dev', used('dev', 'priya', 1e9, 2e9), used('other', null, 7, 0)),
      billed('acme-ci'),
      ...known,
    ]);
    expect(seen.code, seen.output).toBe(0);
    expect(lastLine(seen.output)).toMatchObject({
      compute: { unit: 'bytes billed', used: [used('prod', null, 3e12, 1e12), used('dev', 'priya', 6e9, 2e9), used('other', null, 7, 0)] },
    });
  });
});

test('every statement that was sent above is read by Google’s parser and analyzer, and a planted mistake is not', async () => {
  expect(await refusalsOfSent()).toEqual([]);
  for (const [right, wrong] of [
    ['v_lacking = array(', 'v_lacking = arrays('],
    ['grant `', 'gant `'],
    ['total_bytes_billed', 'bytes_billed'],
  ] as const)
    expect(await refusalsOfSent(right, wrong), right).not.toEqual([]);
});
