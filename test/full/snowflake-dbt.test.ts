import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dbt, python } from '../support/dbt.ts';
import { scaffold } from '../support/scaffold.ts';
import { refusalsOf } from '../support/snowflake-sql.ts';

/**
 * Real dbt with its real Snowflake adapter and a driver that writes down every statement and connects to nothing
 * (test/support/snowflake_recorder.py): what our macros ask of Snowflake, in which order, and what they make of an answer. What
 * Snowflake would answer is ours to believe.
 */
type Answer = readonly [fits: string, columns: readonly string[], rows: readonly (readonly unknown[])[] | string];

const SCHEMAS = ['created_on', 'name', 'kind', 'database_name', 'schema_name'];
const schemas = (...names: string[]): Answer => ['^show terse schemas', SCHEMAS, names.map((name) => ['', name, '', '', ''])];
const json = (fits: string, answer: unknown): Answer => [fits, ['answer'], [[JSON.stringify(answer)]]];
const COLUMNS: readonly (readonly [name: string, type: string])[] = [
  ['EVENT_ID', 'NUMBER(38,0)'],
  ['CUSTOMER_ID', 'NUMBER(38,0)'],
  ['OCCURRED_AT', 'TIMESTAMP_NTZ(9)'],
  ['EVENT_DATE', 'DATE'],
  ['EVENT_TYPE', 'VARCHAR(16777216)'],
  ['ORDER_ID', 'NUMBER(38,0)'],
  ['REVENUE_USD', 'NUMBER(12,2)'],
  ['UPDATED_AT', 'TIMESTAMP_NTZ(9)'],
  ...['DBT_SCD_ID', 'DBT_UPDATED_AT', 'DBT_VALID_FROM', 'DBT_VALID_TO'].map((name) => [name, 'VARCHAR'] as const),
];
const relation = (name: string, kind = 'table') => ({
  name,
  sql: `acme.analytics."${name.toUpperCase()}"`,
  kind,
  scan: kind === 'table' ? 0 : null,
  estimate: 10,
  columns: [['event_id', 'NUMBER(38,0)']],
});
const relations: Answer = [
  'from (acme|acme_nonprod).information_schema.tables',
  ['relation'],
  ['fct_events', 'orders_snapshot', 'fct_revenue'].map((name) => [JSON.stringify(relation(name))]),
];
/** What every dbt asks. */
const COMMON: readonly Answer[] = [
  [
    '^show objects in',
    [
      'created_on',
      'name',
      'database_name',
      'schema_name',
      'kind',
      'comment',
      'cluster_by',
      'rows',
      'bytes',
      'owner',
      'retention_time',
      'owner_role_type',
      'is_dynamic',
      'is_iceberg',
    ],
    [],
  ],
  ['^show (user )?functions', ['created_on', 'name', 'schema_name', 'is_builtin', 'catalog_name'], []],
  ['as failures', ['failures', 'should_warn', 'should_error'], [[0, false, false]]],
  ['^describe table', ['name', 'type'], COLUMNS],
  ['actual_or_expected', ['actual_or_expected'], []],
];

let project: string;
beforeAll(() => {
  project = scaffold({ warehouse: 'snowflake', sourceSchemas: 'raw, crm:pii' });
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

const DEV = { DBT_DEV_NAME: 'priya' };
const CI = { PR_NUMBER: '142' };
const JANITOR = { DBT_CI_LOGIN: 'acme_janitor' };

async function asked(args: readonly string[], env: Readonly<Record<string, string>>, answers: readonly Answer[], place = project) {
  const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-recorded-'));
  try {
    const record = path.join(folder, 'record.json');
    const list = path.join(folder, 'answers.json');
    writeFileSync(list, JSON.stringify([...answers, ...COMMON]));
    const script = fileURLToPath(new URL('../support/snowflake_recorder.py', import.meta.url));
    const base = { DBT_SNOWFLAKE_ACCOUNT: 'acme-main', DBT_SEND_ANONYMOUS_USAGE_STATS: 'false', DBT_USE_COLORS: 'false', HOME: place };
    const { code, output } = await python(place, [script, record, list, ...args], { python: 'snowflake', env: { ...base, ...env } });
    const statements = (JSON.parse(readFileSync(record, 'utf8')) as string[]).map((sql) =>
      sql
        .replace(/\/\* \{"app": "dbt"[^*]*\*\//g, '')
        .replace(/\s+/g, ' ')
        .replace(/[ ;]+$/, '')
        .trim(),
    );
    return {
      code,
      output,
      statements,
      ours: statements.filter((sql) => /acme_door|clone|information_schema|secondary|dbt_envs|^drop|^show grants/i.test(sql)),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
const operation = (name: string, env: Readonly<Record<string, string>>, answers: readonly Answer[], args: object = {}, target = 'ci') =>
  asked(['--quiet', 'run-operation', name, '--target', target, '--args', JSON.stringify(args)], env, answers);
const lastLine = (output: string): unknown => {
  const line = output.split('\n').findLast((one) => one.startsWith('{'));
  if (line === undefined) throw new Error(output);
  return JSON.parse(line);
};
const legal = async (statements: readonly string[]): Promise<void> => {
  const sql = statements.filter((one) => !one.startsWith('--')).map((one) => one.replaceAll('%s', "''"));
  const refused = await refusalsOf(sql);
  expect(sql.filter((_, at) => refused[at] !== null).map((one, at) => `${one} (${refused[at]})`)).toEqual([]);
};

describe('a build of a pull request', () => {
  let built: Awaited<ReturnType<typeof asked>>;
  beforeAll(async () => {
    built = await asked(['build', '--target', 'ci'], CI, [schemas('PUBLIC'), relations]);
  });
  test('succeeds, as the CI service with its own role and a tag that says which one it is', () => {
    expect(built.code, built.output).toBe(0);
    const [session] = built.statements;
    expect(session).toBe(`-- acme_ci_service acme_ci_service {'QUERY_TAG': '{"project": "acme", "environment": "ci", "pr": "142"}'} by key pair`);
  });
  test('makes its schema through the door, never by itself', () => {
    expect(built.statements).toContain("call acme_nonprod.acme_door.create_pr_schema('pr_142')");
    expect(built.statements.filter((sql) => /create (?:transient )?schema/i.test(sql))).toEqual([]);
  });
  test('begins incremental models and snapshots with a clone, and adds to it', () => {
    expect(built.statements).toContain('create or replace transient table acme_nonprod.pr_142.fct_events clone acme.analytics."FCT_EVENTS"');
    expect(built.statements).toContain('create or replace transient table acme_nonprod.pr_142.orders_snapshot clone acme.analytics."ORDERS_SNAPSHOT"');
    const anew = built.statements.filter((sql) => /create or replace transient table acme_nonprod\.pr_142\.(?:fct_events|orders_snapshot) as/.test(sql));
    expect(anew).toEqual([]);
    expect(built.statements.some((sql) => /^(?:merge|insert|delete from|insert) .*acme_nonprod\.pr_142\.fct_events/.test(sql))).toBe(true);
    expect(built.statements.some((sql) => /^merge into "?acme_nonprod"?\."?pr_142"?\."?orders_snapshot/i.test(sql))).toBe(true);
  });
  test('writes nowhere else', () => {
    const written = built.statements.filter((sql) => /^(?:create|drop|alter|insert|merge|delete|update|truncate)\b/i.test(sql));
    expect(written.length).toBeGreaterThan(10);
    expect(written.filter((sql) => !/^[\w\s]*?"?acme_nonprod"?\."?pr_142"?\./i.test(sql))).toEqual([]);
  });
  test('in statements that are Snowflake’s', () => legal(built.ours));
  test('clones nothing with --full-refresh', async () => {
    const { code, output, statements } = await asked(['build', '--target', 'ci', '--full-refresh'], CI, [schemas('PR_142'), relations]);
    expect(code, output).toBe(0);
    expect(statements.filter((sql) => / clone /.test(sql))).toEqual([]);
    expect(statements.filter((sql) => sql.includes('create_pr_schema'))).toEqual([]);
  });
});

test.each([
  ['dev', DEV, /"dev_priya" is not in database "acme_nonprod", or role "acme_dev_priya" may not use it: an administrator runs grants\/30_developers\.sql/],
  ['prod', { DBT_ENVS_RUNNER: 'merge' }, /Schema "(?:analytics|staging)" is not in database "acme".*grants\/20_boundary\.sql/],
] as const)('under target %s a schema that is not there is an administrator’s to make', async (target, env, message) => {
  const { code, output, statements } = await asked(['build', '--target', target], env, [schemas('PUBLIC')]);
  expect(code).not.toBe(0);
  expect(output.replace(/\s+/g, ' ')).toMatch(message);
  expect(statements.filter((sql) => /^(?:create|call)/i.test(sql))).toEqual([]);
});

describe('the run-operations', () => {
  const listed = {
    listed_at: '2026-11-27T03:43:00.123456Z',
    schemas: [
      {
        schema: 'pr_142',
        created_by: 'acme_ci_service',
        created_at: '2026-11-20T10:00:00Z',
        last_used_at: null,
        closed_at: null,
        keep_until: null,
        relations: 0,
        bytes: 0,
      },
    ],
    others: [{ schema: 'dev_old', owner: 'TRANSFORMER', relations: null, bytes: null }],
  };
  const there: Answer = ['\\.schemata\\s', ['count'], [[1]]];
  const gone: Answer = [there[0], ['count'], [[0]]];

  test('env_schemas says what the door says', async () => {
    const { code, output, ours } = await operation('env_schemas', JANITOR, [json('env_schemas', listed)]);
    expect(code, output).toBe(0);
    expect(ours).toEqual(['call acme_nonprod.acme_door.env_schemas()']);
    expect(lastLine(output)).toEqual({ ...listed, handover: 'an administrator hands it over by its name with grants/adopt_leftovers.sql' });
    await legal(ours);
  });
  test.each([
    ['nothing', [['env_schemas', ['answer'], [[null]]]]],
    ['no list', [json('env_schemas', { listed_at: '2026-11-27T03:43:00.123456Z', schemas: null, others: [] })]],
    ['that it is blind', [['env_schemas', ['answer'], 'The door does not see its own schema']]],
  ] as const)('env_schemas fails where the door says %s: that is no night without work', async (_, answers) => {
    const { code, output } = await operation('env_schemas', JANITOR, answers as readonly Answer[]);
    expect(code).not.toBe(0);
    expect(output).toContain('The door ');
    expect(output.split('\n').filter((line) => line.startsWith('{'))).toEqual([]);
  });
  test('drop_stale_schemas asks the door for each whole name, and collects what failed', async () => {
    const answers: readonly Answer[] = [
      json("sweep_schema\\('pr_142'", { schema: 'pr_142', how: 'dropped', relations: 3, took_along: [] }),
      json("sweep_schema\\('dev_sam'", { schema: 'dev_sam', how: 'emptied', relations: 2, took_along: [] }),
      json("sweep_schema\\('pr_7'", { schema: 'pr_7', why: 'somebody keeps it' }),
      json("sweep_schema\\('pr_8'", { schema: 'pr_8', failed: 'no:\n{"cleared": []}' }),
    ];
    const candidates = ['pr_142', 'dev_sam', 'pr_7', 'pr_8', 'product', 'pr_01', "pr_1'; drop schema acme.analytics; --"];
    const { code, output, ours } = await operation('drop_stale_schemas', JANITOR, answers, { candidates, listed_at: listed.listed_at, dry_run: false });
    expect(code).not.toBe(0);
    expect(ours).toHaveLength(4);
    expect(ours[0]).toBe("call acme_nonprod.acme_door.sweep_schema('pr_142', '2026-11-27T03:43:00.123456Z', false)");
    expect(lastLine(output)).toMatchObject({
      cleared: [
        { schema: 'pr_142', how: 'dropped', relations: 3, took_along: [] },
        { schema: 'dev_sam', how: 'emptied', relations: 2, took_along: [] },
      ],
      kept: [{ schema: 'pr_7' }, { schema: 'product' }, { schema: 'pr_01' }, { schema: candidates[6] }],
      failed: [{ schema: 'pr_8', why: 'no: {"cleared": []}' }],
    });
    await legal(ours);
  });
  test('keep_schema is a view of one’s own as a developer, and the door’s as the janitor', async () => {
    const fits: Answer = ['^select .*current_date', ['fits'], [[true]]];
    const own = await operation('keep_schema', DEV, [fits], { schema: 'dev_priya', until: '2027-01-31' }, 'dev');
    expect(own.code, own.output).toBe(0);
    expect(own.statements).toContain("create or replace view acme_nonprod.dev_priya.dbt_envs_keep comment = '2027-01-31' as select 1 as kept");
    const others = await operation('keep_schema', DEV, [fits], { schema: 'dev_sam', until: '2027-01-31' }, 'dev');
    expect(others.code).not.toBe(0);
    expect(others.statements.filter((sql) => /create|call/.test(sql))).toEqual([]);
    const janitor = await operation('keep_schema', JANITOR, [fits], { schema: 'pr_142', until: '2027-01-31' });
    expect(janitor.code, janitor.output).toBe(0);
    expect(lastLine(janitor.output)).toEqual({ schema: 'pr_142', keep_until: '2027-01-31T00:00:00Z' });
    const ci = await operation('keep_schema', CI, [fits], { schema: 'pr_142', until: '2027-01-31' });
    expect(ci.output).toContain('acme_janitor');
    const undone = await operation('keep_schema', DEV, [fits], { schema: 'dev_priya', until: null }, 'dev');
    await legal([...own.statements, ...janitor.statements, ...undone.statements]);
  });
  test('restore_schema and report are the janitor’s', async () => {
    const restored = await operation('restore_schema', JANITOR, [], { schema: 'pr_142' });
    expect(restored.code, restored.output).toBe(0);
    expect(restored.ours).toEqual(["call acme_nonprod.acme_door.restore_schema('pr_142')"]);
    const facts = { at: 'x', strangers: [], last_write_by_others: null, proofs: [], since: null, storage: [], largest_dev: [], cleared: [] };
    const credits = [{ environment: 'dev', who: 'sam', credits: 12.34, credits_before: 2 }];
    const report = await operation('report', JANITOR, [json('report\\(\\)', { ...facts, credits }), json('audit\\(\\)', [])]);
    expect(report.code, report.output).toBe(0);
    const compute = { unit: 'credits', used: [{ environment: 'dev', who: 'sam', amount: 12.34, amount_before: 2 }] };
    expect(lastLine(report.output)).toEqual({ ...facts, can_write: [], compute });
    expect((await operation('report', CI, [])).code).not.toBe(0);
    await legal([...restored.ours, ...report.ours]);
  });
  test('clean_pr_schema drops what is not built again, by its kind', async () => {
    const kinds: Answer = [
      'information_schema.tables',
      ['relation'],
      [relation('fct_old'), relation('old_view', 'view'), relation('fct_revenue')].map((one) => [JSON.stringify(one)]),
    ];
    const { output, ours, code } = await operation('clean_pr_schema', CI, [there, kinds], { keep: ['fct_revenue'] });
    expect(ours.filter((sql) => sql.startsWith('drop')).map((sql) => sql.replace(/ cascade$/, ''))).toEqual([
      'drop table if exists acme_nonprod.pr_142.fct_old',
      'drop view if exists acme_nonprod.pr_142.old_view',
    ]);
    expect(code, output).not.toBe(0); // the list that is asked again has them still
    expect(output).toContain('it is still there');
    await legal(ours);
  });
  test('drop_pr_schema goes through the door, and not where somebody keeps it', async () => {
    const kept = await operation('drop_pr_schema', CI, [there, ['kept_until', ['day'], [['2027-01-31']]]]);
    expect(lastLine(kept.output)).toEqual({ dropped: [] });
    expect(kept.statements.filter((sql) => sql.includes('drop_pr_schema'))).toEqual([]);
    const nothing = await operation('drop_pr_schema', CI, [gone]);
    expect(lastLine(nothing.output)).toEqual({ dropped: [] });
    const dropped = await operation('drop_pr_schema', CI, [there, ['kept_until', ['day'], [[null]]]]);
    expect(dropped.statements.filter((sql) => sql.includes('drop_pr_schema'))[0]).toBe("call acme_nonprod.acme_door.drop_pr_schema('pr_142')");
    await legal(dropped.ours);
  });
  test('check_prod_schemas names what is not there and what may not be built in', async () => {
    const { code, output, ours } = await operation('check_prod_schemas', CI, [
      schemas('ANALYTICS'),
      ['^show grants on schema', ['privilege', 'grantee_name'], [['USAGE', 'ACME_PROD_SERVICE']]],
    ]);
    expect(code, output).toBe(0);
    expect(lastLine(output)).toMatchObject({ problems: [{ schema: 'analytics' }, { schema: 'staging' }] });
    const fine = await operation('check_prod_schemas', CI, [
      schemas('ANALYTICS', 'STAGING'),
      ['^show grants on schema', ['privilege', 'grantee_name'], [['CREATE TABLE', 'ACME_PROD_SERVICE']]],
    ]);
    expect(lastLine(fine.output)).toEqual({ problems: [] });
    await legal(ours);
  });
  test('review_card counts here and in production, each in its database', async () => {
    const { code, output, statements } = await operation('review_card', CI, [
      relations,
      [
        'count\\(\\*\\) from',
        ['at', 'side', 'rows'],
        [
          [0, 0, 5],
          [0, 1, 7],
        ],
      ],
    ]);
    expect(code, output).toBe(0);
    const card = lastLine(output) as { relations: readonly { name: string }[] };
    expect(card.relations.map(({ name }) => name)).toEqual(['fct_events', 'fct_revenue', 'orders_snapshot']);
    expect(statements.some((sql) => sql.includes('from acme.information_schema.tables'))).toBe(true);
    expect(statements.some((sql) => sql.includes('from acme_nonprod.information_schema.tables'))).toBe(true);
    await legal(statements);
  });
  test('verify_boundary switches every role on, and fails for one act that came out wrong', async () => {
    const act = { act: 'make a table in analytics', control: 'done', expected: 'refused', got: 'refused', why: '', ok: true };
    const report = { identity: 'dev', login: 'PRIYA', acts: [act], wrong: 0 };
    const good = await operation('verify_boundary', DEV, [json('verify\\(\\)', report)], {}, 'dev');
    expect(good.code, good.output).toBe(0);
    expect(lastLine(good.output)).toEqual(report);
    expect(good.statements.slice(1)).toEqual(['use secondary roles all', 'call acme_nonprod.acme_door.verify()']);
    const bad = await operation('verify_boundary', DEV, [json('verify\\(\\)', { ...report, acts: [{ ...act, got: 'done', ok: false }], wrong: 1 })], {}, 'dev');
    expect(bad.code).not.toBe(0);
    expect(lastLine(bad.output)).toMatchObject({ wrong: 1, acts: [{ act: act.act, got: 'done' }] });
    expect(bad.output).toContain('WRONG | make a table in analytics | control done | expected refused | got done');
    await legal(good.statements);
  });
  test('audit fails for a hole, and not for an administrator', async () => {
    const admin = { login: 'DBA', how: 'ACCOUNTADMIN: MANAGE GRANTS', verdict: 'administrator' };
    expect((await operation('audit', DEV, [json('audit\\(\\)', [admin])], {}, 'dev')).code).toBe(0);
    const hole = await operation('audit', DEV, [json('audit\\(\\)', [admin, { login: 'SAM', how: 'TRANSFORMER: INSERT', verdict: 'HOLE' }])], {}, 'dev');
    expect(hole.code).not.toBe(0);
    expect(hole.output).toContain('1 ways to write production are open. The first: SAM, TRANSFORMER: INSERT');
    expect(lastLine(hole.output)).toEqual({
      can_write: [
        { ...admin, administrator: true },
        { login: 'SAM', how: 'TRANSFORMER: INSERT', verdict: 'HOLE', administrator: false },
      ],
    });
  });
});

describe('people and services log in', () => {
  const places: string[] = [];
  afterAll(() => {
    for (const place of places) rmSync(place, { recursive: true, force: true });
  });
  const session = async (answers: Readonly<Record<string, string>>, target: string, env: Readonly<Record<string, string>>): Promise<string | undefined> => {
    const place = scaffold({ warehouse: 'snowflake', ...answers });
    places.push(place);
    const { code, output, statements } = await asked(['--quiet', 'run-operation', 'audit', '--target', target], env, [json('audit\\(\\)', [])], place);
    expect(code, output).toBe(0);
    return statements[0]?.replace(/\{.*\} /, '');
  };
  const PROD = { DBT_ENVS_RUNNER: 'merge' };
  test.each([
    [{}, 'dev', DEV, '-- priya acme_dev_priya by externalbrowser'],
    [{}, 'dev', { ...DEV, DBT_DEV_AUTHENTICATOR: 'oauth_authorization_code' }, '-- priya acme_dev_priya by oauth_authorization_code'],
    [{ peopleLogin: 'key-pair' }, 'dev', DEV, '-- priya acme_dev_priya by key pair'],
    [{ serviceLogin: 'aws', runner: 'aws' }, 'prod', PROD, '-- acme_prod_service acme_prod_service by WORKLOAD_IDENTITY aws'],
    [{ serviceLogin: 'azure', runner: 'azure' }, 'ci', JANITOR, '-- acme_janitor acme_janitor by WORKLOAD_IDENTITY azure'],
  ] as const)('%j, target %s', async (answers, target, env, line) => expect(await session(answers, target, env)).toBe(line));
  // dbt 2 passes over a key that it does not know, so this shows that the file is read and each variable found, and no more.
  test.each(['dev', 'ci', 'prod'] as const)('from a profile that dbt 2 reads, target %s', async (target) => {
    const place = scaffold({ warehouse: 'snowflake', peopleLogin: 'key-pair', serviceLogin: 'aws', runner: 'aws' });
    places.push(place);
    const keys = { DBT_DEV_PRIVATE_KEY_PATH: '/nowhere', DBT_ENV_SECRET_DEV_PRIVATE_KEY_PASSPHRASE: 'x' };
    const parse = async (env: Readonly<Record<string, string>>) =>
      dbt(place, ['parse', '--target', target], { python: 'v2', env: { DBT_ALLOW_EXPERIMENTAL_ADAPTERS: 'true', ...keys, ...DEV, ...CI, ...PROD, ...env } });
    const { code, output } = await parse({ DBT_SNOWFLAKE_ACCOUNT: 'acme-main' });
    expect(code, output).toBe(0);
    expect((await parse({})).code).not.toBe(0);
  });
});

test('a statement that no Snowflake would take is caught here too', async () => {
  expect(await refusalsOf(['call acme_nonprod.acme_door.verify', 'create or replace transient tabel x clone y'])).not.toContain(null);
});
