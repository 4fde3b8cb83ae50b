import { describe, expect, test } from 'vitest';
import { script } from '../support/snowflake-emitted.ts';
import { ago, type DbtSaid, DOOR, old, runEngine, setup } from '../support/snowflake-engine.ts';

/**
 * What the door's own text decides, run by an engine: each query and expression of its procedures goes as it stands to fakesnow (sqlglot's
 * reading of Snowflake's SQL, DuckDB behind it), over a catalogue that the test has written; dbt with its real adapter and the emitted
 * macros asks and reads the answers. It shows which names, owners, ages, pins and dependents lead to what. It shows nothing of rights, and
 * nothing of what Snowflake itself writes into its catalogue: test/support/snowflake_engine.py says which part is ours.
 */
const BOUNDARY = script('separate', '20_boundary');
const LISTED = new Date(Date.now() - 60_000).toISOString();
const sweep = (name: string, listed = LISTED, dry = false): { readonly call: string } => ({
  call: `call ${DOOR}.sweep_schema('${name.replaceAll('\\', '\\\\').replaceAll("'", "''")}', '${listed}', ${dry})`,
});
const said = (answer: unknown): Record<string, unknown> => JSON.parse(String(answer)) as Record<string, unknown>;
const developers = { sql: `insert into ${DOOR}.developer select 'SAM', 'acme_dev_sam', false union all select 'PRIYA', 'acme_dev_priya', false` };

/** Names that begin like an environment's, or contain one, and are none: no procedure may take one for its own. */
const TRAPS = [
  ...['PROD', 'PRODUCT', 'PRIVATE_X', 'PR_', 'PR_0', 'PR_007', 'PR_12_X', 'PR_OLD', 'XPR_1', 'PR_1 ', ' PR_1', 'PR_12345678901', 'PR_1\n', '\nPR_1', 'PR_1\nX'],
  ...['DEVICE_EVENTS', 'DEV', 'DEV_', 'DEV__X', 'MY_DEV_X', 'DEV_X-Y', 'DEV_X ', 'DEV_1X', 'DEV_X__Y', 'DEV_SAM_', 'DEVELOPER_TOOLS', 'DEV_ÉVA', 'DEV_X\n'],
  ...['ANALYTICS', 'ACME_DOOR_2', 'INFORMATION_SCHEMA_2', 'pr_4', 'Pr_4', 'dev_sam', 'PR_\u0661', 'PR_1; DROP SCHEMA ANALYTICS', "PR_1'", 'PR%', 'PR_1|X'],
];
const WHOLE = ['PR_1', 'PR_142', 'PR_9999999999', 'DEV_GHOST', 'DEV_BO_LI', 'DEV_A1'];

describe('the night, by dbt', () => {
  const world = setup([
    old('PR_1'),
    old('PR_2', 1),
    old('PR_3'),
    old('PR_4'),
    { name: 'PR_5', owner: 'TRANSFORMER', created: 100, relations: [{ name: 'T', written: 40 }] },
    old('PR_6'),
    { name: 'PR_7', relations: [{ name: 'ICE', written: 40, hidden: true }] },
    { name: 'PR_8', created: 40 },
    old('DEV_SAM'),
    { name: 'DEV_PRIYA', created: 300 },
    {
      name: 'DEV_GHOST',
      relations: [
        { name: 'T', written: 31 },
        { name: 'DBT_ENVS_KEEP', written: 1, comment: '2999-01-01' },
      ],
    },
    { name: 'DEV_OLD_ONE', relations: [{ name: 'T', written: 29 }] },
    { name: 'PR_OLD', owner: 'TRANSFORMER', created: 100 },
  ]);
  const args = (value: object): readonly string[] => ['--args', JSON.stringify(value)];
  const dbt = (operation: string, value?: object): { readonly dbt: readonly string[] } => ({
    dbt: ['--quiet', 'run-operation', operation, '--target', 'ci', ...(value === undefined ? [] : args(value))],
  });
  const last = (answer: unknown): Record<string, unknown> => JSON.parse((answer as DbtSaid).lines.findLast((line) => line.startsWith('{')) ?? '{}');
  const candidates = ['pr_1', 'pr_2', 'pr_3', 'pr_4', 'pr_5', 'pr_6', 'pr_7', 'pr_8', 'pr_99', 'dev_sam', 'dev_priya', 'dev_ghost', 'dev_old_one', 'product'];

  test('lists, says what would go, clears exactly that, lists again, and brings one back', async () => {
    const [, , , , first, trial, swept, after, restored, again] = await runEngine(BOUNDARY, world, [
      developers,
      { sql: `insert into ${DOOR}.environment select 'PR_3', '${ago(-30)}'` },
      { sql: `insert into planted.account_usage.object_dependencies select 'ACME_NONPROD', 'PR_4', 'ACME', 'ANALYTICS', 'BOARD'` },
      {
        sql: `insert into planted.account_usage.object_dependencies select 'ACME_NONPROD', 'PR_1', 'ACME_NONPROD', 'DEV_SAM', 'MINE' union all select 'ACME_NONPROD', 'PR_1', 'ACME_NONPROD', 'PR_1', 'V'`,
      },
      dbt('env_schemas'),
      dbt('drop_stale_schemas', { candidates, listed_at: LISTED, dry_run: true }),
      dbt('drop_stale_schemas', { candidates, listed_at: LISTED, dry_run: false }),
      dbt('env_schemas'),
      dbt('restore_schema', { schema: 'pr_1' }),
      { call: `call ${DOOR}.env_schemas()` },
    ]);
    const names = (answer: Record<string, unknown>): readonly string[] => (answer.schemas as readonly { schema: string }[]).map(({ schema }) => schema);
    const before = last(first);
    expect(names(before)).toEqual(
      ['dev_ghost', 'dev_old_one', 'dev_priya', 'dev_sam', 'pr_1', 'pr_2', 'pr_3', 'pr_4', 'pr_6', 'pr_7', 'pr_8'], //
    );
    const of = (schema: string) => (before.schemas as readonly Record<string, unknown>[]).find((one) => one.schema === schema);
    expect(of('dev_priya')).toMatchObject({ created_by: 'PRIYA', last_used_at: null, relations: 0 });
    expect(of('dev_ghost')).toMatchObject({ created_by: null, relations: 1, keep_until: expect.stringMatching(/^20/) });
    expect(of('pr_8')?.last_used_at).toBe(of('pr_8')?.created_at);
    expect(of('pr_3')?.keep_until).toMatch(/^20/);
    expect(before.others).toEqual(['PR_5', 'PR_OLD'].map((schema) => ({ schema, owner: 'TRANSFORMER', relations: null, bytes: null })));
    expect(before.listed_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);

    const outcome = {
      cleared: [
        { schema: 'pr_1', how: 'dropped', relations: 1, took_along: ['acme_nonprod.dev_sam.mine'] },
        { schema: 'pr_6', how: 'dropped', relations: 1, took_along: [] },
        { schema: 'pr_8', how: 'dropped', relations: 0, took_along: [] },
        { schema: 'dev_sam', how: 'emptied', relations: 1, took_along: [] },
      ],
      kept: [
        { schema: 'pr_2', why: expect.stringMatching(/^used at .*Z, and it stays until 7 days have passed without a use$/) },
        { schema: 'pr_3', why: `it is kept until ${ago(-30).slice(0, 10)}` },
        { schema: 'pr_5', why: 'it belongs to TRANSFORMER, not to this project' },
        { schema: 'pr_99', why: 'it is gone already' },
        { schema: 'dev_priya', why: 'it is empty, and its developer could not make it again' },
        { schema: 'dev_ghost', why: expect.stringMatching(/^it is kept until 20/) },
        { schema: 'dev_old_one', why: expect.stringMatching(/30 days have passed without a use$/) },
        { schema: 'product', why: expect.stringContaining('whole name') },
      ],
      failed: [
        { schema: 'pr_4', why: 'what is in no environment is built on it and would stop working, so it stays: acme.analytics.board' },
        { schema: 'pr_7', why: expect.stringContaining('1 relations in it are hidden from the door') },
      ],
    };
    expect(last(trial), JSON.stringify(trial)).toEqual(outcome);
    expect((trial as DbtSaid).ok).toBe(false);
    expect(last(swept)).toEqual(outcome);
    expect((swept as DbtSaid).ok).toBe(false);
    expect(names(last(after))).toEqual(['dev_ghost', 'dev_old_one', 'dev_priya', 'dev_sam', 'pr_2', 'pr_3', 'pr_4', 'pr_7']);
    // Emptied counts as a use: it has no age, so that it is not due again tomorrow.
    expect((last(after).schemas as readonly Record<string, unknown>[]).find(({ schema }) => schema === 'dev_sam')).toMatchObject({
      relations: 0,
      last_used_at: null,
    });
    expect(last(restored)).toEqual({ schema: 'pr_1', restored: true });
    expect((said(again).schemas as readonly Record<string, unknown>[]).find(({ schema }) => schema === 'pr_1')).toMatchObject({
      relations: 1,
      keep_until: expect.stringMatching(/^20/),
    });
  });
});

describe('the trap table of names, in the very expressions of the door', () => {
  const world = setup([...TRAPS, ...WHOLE].map((name) => old(name)));
  test('the list takes the whole names and no other, though this project owned them all', async () => {
    const [, answer] = await runEngine(BOUNDARY, world, [developers, { call: `call ${DOOR}.env_schemas()` }]);
    const { schemas, others } = said(answer) as Record<string, readonly { schema: string }[]>;
    expect(schemas?.map(({ schema }) => schema).toSorted()).toEqual(WHOLE.map((name) => name.toLowerCase()).toSorted());
    expect(others?.map(({ schema }) => schema).toSorted()).toEqual(TRAPS.filter((name) => /^(?:dev|pr)_/i.test(name)).toSorted());
  });
  test('the sweep clears whole names alone, and CI makes and drops pull requests alone', async () => {
    const quoted = (name: string): string => `'${name.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
    const odd = TRAPS.filter((name) => name === name.toUpperCase());
    const all = [...odd, ...WHOLE];
    const answers = await runEngine(
      BOUNDARY,
      world,
      all.flatMap((name) => [
        { call: `call ${DOOR}.create_pr_schema(${quoted(name)})` },
        sweep(name),
        { call: `call ${DOOR}.drop_pr_schema(${quoted(name)})` },
        { call: `call ${DOOR}.restore_schema(${quoted(name)})` },
      ]),
    );
    const fate = all.map((name, at) => {
      const [made, swept, dropped, restored] = answers.slice(at * 4, at * 4 + 4);
      const no = (answer: unknown): boolean => typeof answer === 'object';
      return [name, no(made) ? '' : 'made', said(swept).how ?? '', no(dropped) ? '' : 'dropped', no(restored) ? '' : 'restored'].join(' ').trim();
    });
    const prs = WHOLE.filter((name) => name.startsWith('PR_'));
    expect(fate).toEqual([
      ...odd.map((name) => name.trim()),
      ...prs.map((name) => `${name} made dropped dropped restored`),
      ...WHOLE.filter((name) => !prs.includes(name)).map((name) => `${name}  dropped  restored`),
    ]);
  });
});

test('where the door does not see its own schema, the list is an error and not empty', async () => {
  const [, answer] = await runEngine(BOUNDARY, setup([old('PR_1')]), [
    { sql: "delete from planted.of_acme_nonprod.schemata where schema_name = 'ACME_DOOR'" },
    { call: `call ${DOOR}.env_schemas()` },
  ]);
  expect(answer).toEqual({ raised: 'blind' });
});

describe('a mistake in the door is seen', () => {
  const world = setup([
    ...[old('PR_1'), old('PR_2', 1), old('PR_3'), old('PR_4'), old('PR_12_X'), old('DEV_SAM', 29)],
    { name: 'PR_7', relations: [{ name: 'ICE', written: 40, hidden: true }] },
  ]);
  const fates = async (boundary: string, names: readonly string[]): Promise<readonly unknown[]> => {
    const steps = [
      { sql: `insert into ${DOOR}.environment select 'PR_3', '${ago(-30)}'` },
      { sql: `insert into planted.account_usage.object_dependencies select 'ACME_NONPROD', 'PR_4', 'ACME', 'ANALYTICS', 'BOARD'` },
      ...names.map((name) => sweep(name)),
    ];
    return (await runEngine(boundary, world, steps)).slice(2).map((answer) => said(answer).how ?? 'stays');
  };
  test('and without one they stay', async () => {
    const names = ['pr_2', 'dev_sam', 'pr_3', 'pr_4', 'pr_7', 'pr_12_x'];
    expect(await fates(BOUNDARY, [...names, 'pr_1'])).toEqual([...names.map(() => 'stays'), 'dropped']);
  });
  test.each([
    ['the days are not held', 'pr_2', 'v_used_at > DATEADD(', 'v_used_at < DATEADD('],
    ['days of a pull request count for developers', 'dev_sam', 'v_days NUMBER DEFAULT 30', 'v_days NUMBER DEFAULT 7'],
    ['a pin is passed over', 'pr_3', 'v_keep_until > SYSDATE()', 'v_keep_until < SYSDATE()'],
    ['what is built on it is passed over', 'pr_4', 'ARRAY_SIZE(v_outside) > 0', 'ARRAY_SIZE(v_outside) > 9'],
    ['what is hidden is passed over', 'pr_7', 'v_hidden > 0', 'v_hidden > 9'],
    ['a name is compared with its beginning', 'pr_12_x', "'PR_[1-9][0-9]{0,9}'", "'PR_[1-9][0-9]{0,9}.*'"],
  ])('%s', async (_, name, right, wrong) => {
    const planted = BOUNDARY.replaceAll(right, wrong);
    expect(planted).not.toBe(BOUNDARY);
    expect(await fates(planted, [name])).toEqual(['dropped']);
  });
});

describe('the audit, over rights that the test has written down', () => {
  /** What grants_to_roles holds: who, of which kind, has which privilege on what. */
  type Grant = readonly [grantee: string, to: string, privilege: string, on: string, database: string | null, schema: string | null, name: string];
  const OURS: readonly Grant[] = [
    ['SECURITYADMIN', 'ROLE', 'MANAGE GRANTS', 'ACCOUNT', null, null, 'ACME'],
    ['SYSADMIN', 'ROLE', 'OWNERSHIP', 'DATABASE', null, null, 'ACME'],
    ['SYSADMIN', 'ROLE', 'OWNERSHIP', 'DATABASE', null, null, 'ACME_NONPROD'],
    ['ACME_PROD_OWNER', 'ROLE', 'OWNERSHIP', 'SCHEMA', 'ACME', null, 'ANALYTICS'],
    ['ACME_PROD_OWNER', 'ROLE', 'CREATE SCHEMA', 'DATABASE', null, null, 'ACME'],
    ['ACME_PROD_SERVICE', 'ROLE', 'CREATE TABLE', 'SCHEMA', 'ACME', null, 'ANALYTICS'],
    ['ACME_PROD_SERVICE', 'ROLE', 'OWNERSHIP', 'TABLE', 'ACME', 'ANALYTICS', 'ORDERS'],
    ['ACME_PROD_OWNER', 'ROLE', 'USAGE', 'ROLE', null, null, 'ACME_PROD_SERVICE'],
    ['ACME_READER', 'ROLE', 'SELECT', 'TABLE', 'ACME', 'ANALYTICS', 'ORDERS'],
    ['ACME_READER', 'ROLE', 'USAGE', 'SCHEMA', 'ACME', null, 'ANALYTICS'],
    ['ACME_ENV_OWNER', 'ROLE', 'CREATE SCHEMA', 'DATABASE', null, null, 'ACME_NONPROD'],
    ['ACME_ENV_OWNER', 'ROLE', 'OWNERSHIP', 'SCHEMA', 'ACME_NONPROD', null, 'DEV_SAM'],
    ['ACME_DEV_SAM', 'ROLE', 'CREATE TABLE', 'SCHEMA', 'ACME_NONPROD', null, 'DEV_SAM'],
    ['ACME_CI_SERVICE', 'ROLE', 'CREATE TABLE', 'SCHEMA', 'ACME_NONPROD', null, 'PR_1'],
    ['ACME_ENV_OWNER', 'ROLE', 'OWNERSHIP', 'TABLE', 'ACME_NONPROD', 'ACME_DOOR', 'ACCEPTED'],
    ['ACME_DEV_SAM', 'ROLE', 'OWNERSHIP', 'TABLE', 'ACME_NONPROD', 'DEV_SAM', 'MINE'],
    ['FIVETRAN', 'ROLE', 'CREATE TABLE', 'SCHEMA', 'ACME', null, 'RAW'],
    ['SAM_OTHER', 'ROLE', 'INSERT', 'TABLE', 'ELSEWHERE', 'ANALYTICS', 'ORDERS'],
  ];
  const HOLDERS: readonly (readonly [role: string, user: string])[] = [
    ['SECURITYADMIN', 'DBA'],
    ['SYSADMIN', 'DBA'],
    ['ACME_PROD_SERVICE', 'ACME_PROD_SERVICE'],
    ['ACME_CI_SERVICE', 'ACME_CI_SERVICE'],
    ['ACME_DEV_SAM', 'SAM'],
    ['ACME_READER', 'LOOKER'],
    ['FIVETRAN', 'LOADER'],
    ['SAM_OTHER', 'SAM'],
    ['TRANSFORMER', 'SAM'],
    ['BI', 'LOOKER'],
  ];
  const value = (one: string | null): string => (one === null ? 'null' : `'${one}'`);
  const audited = async (extra: readonly Grant[], accepted: readonly string[] = []): Promise<readonly string[]> => {
    const steps = [
      ...[...OURS, ...extra].map(([grantee, to, privilege, on, database, schema, name]) => ({
        sql: `insert into planted.account_usage.grants_to_roles values (${[grantee, to, privilege, on, database, schema, name].map(value).join(', ')}, null)`,
      })),
      ...HOLDERS.map(([role, user]) => ({ sql: `insert into planted.account_usage.grants_to_users values ('${role}', '${user}', null)` })),
      ...[...new Set(HOLDERS.map(([, user]) => user))].map((user) => ({ sql: `insert into planted.account_usage.users values ('${user}', null)` })),
      ...accepted.map((how) => ({ sql: `insert into ${DOOR}.accepted values ('SAM', '${how}')` })),
      { call: `call ${DOOR}.audit()` },
    ];
    const found = JSON.parse(String((await runEngine(BOUNDARY, setup([]), steps)).at(-1))) as readonly { login: string; how: string; verdict: string }[];
    return found.filter(({ verdict }) => verdict !== 'administrator').map(({ login, how, verdict }) => `${verdict} ${login} ${how}`);
  };
  test('names administrators, and nobody else, where the boundary is whole', async () => expect(await audited([])).toEqual([]));
  test.each<readonly [string, readonly Grant[], RegExp]>([
    [
      'who may make schemas beside production',
      [['TRANSFORMER', 'ROLE', 'CREATE SCHEMA', 'DATABASE', null, null, 'ACME']],
      /^HOLE SAM TRANSFORMER: CREATE SCHEMA on database ACME$/,
    ],
    [
      'who may make schemas beside the environments',
      [['TRANSFORMER', 'ROLE', 'CREATE SCHEMA', 'DATABASE', null, null, 'ACME_NONPROD']],
      /^HOLE SAM .*CREATE SCHEMA on database ACME_NONPROD$/,
    ],
    [
      'who manages grants on the database',
      [['TRANSFORMER', 'ROLE', 'MANAGE GRANTS', 'DATABASE', null, null, 'ACME']],
      /^HOLE SAM .*MANAGE GRANTS on database ACME$/,
    ],
    [
      'who manages grants on a prod schema',
      [['TRANSFORMER', 'ROLE', 'MANAGE GRANTS', 'SCHEMA', 'ACME', null, 'STAGING']],
      /^HOLE SAM .*MANAGE GRANTS on schema ACME.STAGING$/,
    ],
    [
      'whom a future grant on schemas let into an environment',
      [['BI', 'ROLE', 'CREATE TABLE', 'SCHEMA', 'ACME_NONPROD', null, 'PR_1']],
      /^HOLE LOOKER BI: CREATE TABLE on schema ACME_NONPROD.PR_1$/,
    ],
    [
      'a developer in a colleague’s schema',
      [['ACME_DEV_SAM', 'ROLE', 'CREATE TABLE', 'SCHEMA', 'ACME_NONPROD', null, 'DEV_PRIYA']],
      /^HOLE SAM ACME_DEV_SAM: .*DEV_PRIYA$/,
    ],
    ['who may put something into the door', [['BI', 'ROLE', 'CREATE PROCEDURE', 'SCHEMA', 'ACME_NONPROD', null, 'ACME_DOOR']], /^HOLE LOOKER .*ACME_DOOR$/],
    ['who may accept their own hole', [['BI', 'ROLE', 'INSERT', 'TABLE', 'ACME_NONPROD', 'ACME_DOOR', 'ACCEPTED']], /^HOLE LOOKER .*ACCEPTED$/],
    ['everybody', [['PUBLIC', 'ROLE', 'INSERT', 'TABLE', 'ACME', 'ANALYTICS', 'ORDERS']], /^HOLE everybody PUBLIC: INSERT/],
    [
      'a way through a role in between',
      [
        ['ACME_PROD_SERVICE', 'ROLE', 'OWNERSHIP', 'VIEW', 'ACME', 'STAGING', 'V'],
        ['TRANSFORMER', 'ROLE', 'USAGE', 'ROLE', null, null, 'ACME_PROD_SERVICE'],
      ],
      /^HOLE SAM ACME_PROD_SERVICE < TRANSFORMER: /,
    ],
    [
      'a database role',
      [
        ['WRITER', 'DATABASE_ROLE', 'INSERT', 'TABLE', 'ACME', 'ANALYTICS', 'ORDERS'],
        ['TRANSFORMER', 'ROLE', 'USAGE', 'DATABASE_ROLE', 'ACME', null, 'WRITER'],
      ],
      /^HOLE SAM WRITER < TRANSFORMER: INSERT/,
    ],
    [
      'who may call a procedure of production’s service',
      [
        ['ACME_PROD_SERVICE', 'ROLE', 'OWNERSHIP', 'PROCEDURE', 'ACME', 'ANALYTICS', 'FIX(NUMBER)'],
        ['BI', 'ROLE', 'USAGE', 'PROCEDURE', 'ACME', 'ANALYTICS', 'FIX(NUMBER)'],
      ],
      /^HOLE LOOKER BI: USAGE on procedure ACME\.ANALYTICS\.FIX\(NUMBER\)$/,
    ],
    ['a right of the user’s own', [['SAM', 'USER', 'INSERT', 'TABLE', 'ACME', 'ANALYTICS', 'ORDERS']], /^HOLE SAM granted to the user: INSERT/],
  ])('names %s', async (_, extra, line) => expect((await audited(extra)).filter((one) => line.test(one))).not.toEqual([]));
  test('and nobody for a procedure or a task that 90_close_prod.sql has left with its owner', async () =>
    expect(
      await audited([
        ['TRANSFORMER', 'ROLE', 'OWNERSHIP', 'PROCEDURE', 'ACME', 'ANALYTICS', 'OLD()'],
        ['BI', 'ROLE', 'USAGE', 'PROCEDURE', 'ACME', 'ANALYTICS', 'OLD()'],
        ['TRANSFORMER', 'ROLE', 'OWNERSHIP', 'TASK', 'ACME', 'ANALYTICS', 'NIGHTLY'],
      ]),
    ).toEqual([]));
  test('and an accepted line is no hole', async () =>
    expect(await audited([['TRANSFORMER', 'ROLE', 'CREATE SCHEMA', 'DATABASE', null, null, 'ACME']], ['TRANSFORMER: CREATE SCHEMA on database ACME'])).toEqual([
      'accepted SAM TRANSFORMER: CREATE SCHEMA on database ACME',
    ]));
});
