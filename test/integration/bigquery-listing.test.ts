import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recorded } from '../support/bigquery-recorder.ts';
import { pythonEnvironment } from '../support/python.ts';
import { scaffold } from '../support/scaffold.ts';

/**
 * The query by which the sweep knows a dataset, taken from real dbt and run over tables that stand for INFORMATION_SCHEMA: whose a
 * dataset is, when it was last used, until when somebody keeps it. DuckDB runs it, with BigQuery's own engine of regular
 * expressions, RE2; sqlglot translates the rest.
 */
interface Row {
  readonly schema: string;
  readonly mark: string | null;
  readonly dev: boolean;
  readonly pr: boolean;
  readonly last_used_at: string | null;
  readonly keep_until: string | null;
  readonly kept: boolean;
  readonly used_since: boolean;
  readonly relations: number;
  readonly bytes: number;
}
type Catalog = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;

const CATALOG = '`acme-dev`.`region-us`.INFORMATION_SCHEMA.';
let project: string;
let listing: string;
let again: string;
let kept: string;
beforeAll(async () => {
  project = scaffold({ warehouse: 'bigquery', emailDomain: 'example.com' });
  const run = (name: string, args: object, answers: Parameters<typeof recorded>[3]['answers']) =>
    recorded(project, ['--quiet', 'run-operation', name, '--target', 'ci', '--args', JSON.stringify(args)], { PR_NUMBER: '142' }, { datasets: {}, answers });
  const listed = await run('env_schemas', {}, [['^select format_timestamp', ['f0_'], [['2026-11-27T03:43:00.000000Z']]]]);
  const looked = await run('drop_stale_schemas', { candidates: ['dev_priya'], listed_at: '2026-11-27T03:43:00.000000Z' }, [
    ['session_user', ['f0_'], [['acme-janitor@acme-ci.iam.gserviceaccount.com']]],
  ]);
  const closed = await recorded(
    project,
    ['--quiet', 'run-operation', 'drop_pr_schema', '--target', 'ci'],
    { PR_NUMBER: '142' },
    { datasets: { 'acme-ci.pr_142': {} }, answers: [] },
  );
  const query = ({ statements, output }: typeof listed, what = `${CATALOG}SCHEMATA as s`): string => {
    const found = statements.find((sql) => sql.includes(what));
    if (found === undefined) throw new Error(output);
    return found;
  };
  listing = query(listed);
  again = query(looked);
  const ofCi = CATALOG.replace('acme-dev', 'acme-ci');
  kept = query(closed, `${ofCi}SCHEMATA_OPTIONS`).replaceAll(ofCi, CATALOG);
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

async function answered<Answer = Row>(query: string, ...worlds: readonly Catalog[]): Promise<readonly (readonly Answer[])[]> {
  const { python } = await pythonEnvironment('duckdb');
  const script = fileURLToPath(new URL('../support/bigquery_listing.py', import.meta.url));
  return new Promise((resolve, reject) => {
    const child = execFile(python, [script], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      error ? reject(new Error(stderr)) : resolve(JSON.parse(stdout)),
    );
    child.stdin?.end(JSON.stringify({ query, catalog: CATALOG, worlds }));
  });
}

const LABELS = '[STRUCT("managed_by", "dbt_envs"), STRUCT("dbt_envs_project", "acme"), STRUCT("env", "dev"), STRUCT("owner", "priya")]';
const old = '2026-01-01 00:00:00+00';
const day = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const at = (days: number): string => `${day(days)}T12:00:00.000000Z`;
const dataset = (schema: string, labels: string | null = LABELS): Catalog => ({
  SCHEMATA: [{ schema_name: schema, creation_time: old }],
  SCHEMATA_OPTIONS: [
    { schema_name: schema, option_name: 'location', option_value: '"US"' },
    ...(labels === null ? [] : [{ schema_name: schema, option_name: 'labels', option_value: labels }]),
  ],
});
const relation = (schema: string, name: string, made = old) => ({ table_schema: schema, table_name: name, creation_time: made });
const described = (schema: string, name: string, text: string) => ({
  table_schema: schema,
  table_name: name,
  option_name: 'description',
  option_value: `"${text}"`,
});
const stored = (schema: string, name: string, written: string, deleted = false) => ({
  table_schema: schema,
  table_name: name,
  total_logical_bytes: 100,
  storage_last_modified_time: written,
  deleted,
});
const together = (...parts: readonly Catalog[]): Catalog => {
  const whole: Record<string, Record<string, unknown>[]> = {};
  for (const part of parts) for (const [table, rows] of Object.entries(part)) whole[table] = [...(whole[table] ?? []), ...rows];
  return whole;
};

test('names: whole ones alone are an environment’s, whatever looks like one is seen, and nothing else is', async () => {
  // Name, seen at all, dev_<slug>, pr_<number>.
  const traps: readonly (readonly [string, boolean, boolean, boolean])[] = [
    ['dev_priya', true, true, false],
    ['dev_sam_smith', true, true, false],
    ['pr_1', true, false, true],
    ['pr_142', true, false, true],
    ['pr_1234567890', true, false, true],
    ['pr_12345678901', true, false, false],
    ['pr_0', true, false, false],
    ['pr_01', true, false, false],
    ['pr_12__abc', true, false, false],
    ['pr_142_old', true, false, false],
    ['pr_', true, false, false],
    ['pr_12 ', true, false, false],
    ['pr_12\n', true, false, false],
    ['pr_12\ndev_x', true, false, false],
    ['pr_١٢', true, false, false],
    ['pr_none', true, false, false],
    ['PR_142', true, false, false],
    ['Dev_priya', true, false, false],
    ['dev_Priya', true, false, false],
    ['dev_', true, false, false],
    ['dev__priya', true, false, false],
    ['dev_priya_', true, false, false],
    ['dev_1', true, false, false],
    ['dev_prïya', true, false, false],
    ['dev_priya\n', true, false, false],
    ['dev_priya__x', true, false, false],
    ['prod', false, false, false],
    ['product', false, false, false],
    ['private', false, false, false],
    ['device_events', false, false, false],
    ['develop', false, false, false],
    ['xpr_1', false, false, false],
    ['x\npr_1', false, false, false],
    ['analytics', false, false, false],
    ['_dev_priya', false, false, false],
  ];
  const [rows = []] = await answered(listing, together(...traps.map(([name]) => dataset(name))));
  const found = new Map(rows.map(({ schema, dev, pr }) => [schema, [dev, pr]]));
  expect(traps.map(([name]) => [name, found.has(name), ...(found.get(name) ?? [false, false])])).toEqual(traps);
});

test('a dataset is whose its label says, letter for letter', async () => {
  const marks = [
    LABELS,
    '[STRUCT("dbt_envs_project", "acme2")]',
    '[STRUCT("dbt_envs_project", "acm")]',
    '[STRUCT("other", "acme"), STRUCT("x_dbt_envs_project", "acme")]',
    '[STRUCT("note", "dbt_envs_project")]',
    '[]',
    null,
  ];
  const answers = await answered(listing, ...marks.map((labels) => dataset('dev_priya', labels)));
  expect(answers.map(([row]) => row?.mark)).toEqual(['acme', 'acme2', 'acm', null, null, null, null]);
});

describe('last used', () => {
  const cases: readonly (readonly [what: string, world: Catalog, expected: string | null])[] = [
    ['never, where a developer has nothing yet', dataset('dev_priya'), null],
    ['when it was made, where a pull request has nothing yet', dataset('pr_142'), '2026-01-01T00:00:00.000000Z'],
    [
      'when dbt last built there, though all it has is a view of long ago',
      together(dataset('dev_priya'), {
        TABLES: [relation('dev_priya', 'stg_orders'), relation('dev_priya', 'dbt_envs_used')],
        TABLE_OPTIONS: [described('dev_priya', 'dbt_envs_used', at(-2))],
      }),
      at(-2),
    ],
    [
      'when a table was last written, whoever wrote',
      together(dataset('dev_priya'), {
        TABLES: [relation('dev_priya', 'x')],
        TABLE_STORAGE: [stored('dev_priya', 'x', at(-1)), stored('dev_priya', 'y', at(-9))],
      }),
      at(-1),
    ],
    ['when a relation was last made', together(dataset('dev_priya'), { TABLES: [relation('dev_priya', 'x', at(-3)), relation('dev_priya', 'y')] }), at(-3)],
    [
      'and not by a note of a day to come, nor by what is no time',
      together(dataset('dev_priya'), {
        TABLES: [relation('dev_priya', 'x')],
        TABLE_OPTIONS: [described('dev_priya', 'dbt_envs_used', at(9)), described('dev_priya', 'other', at(-1))],
      }),
      '2026-01-01T00:00:00.000000Z',
    ],
    [
      'nor by a table that is gone, nor by a pin',
      together(dataset('dev_priya'), {
        TABLES: [relation('dev_priya', 'x'), relation('dev_priya', 'dbt_envs_keep', at(-1))],
        TABLE_STORAGE: [stored('dev_priya', 'gone', at(-1), true)],
        TABLE_OPTIONS: [described('dev_priya', 'dbt_envs_used', 'yesterday')],
      }),
      '2026-01-01T00:00:00.000000Z',
    ],
    ['nor by what happens in another dataset', together(dataset('dev_priya'), dataset('dev_sam'), { TABLES: [relation('dev_sam', 'x', at(-1))] }), null],
  ];
  test('is the newest of what BigQuery knows, and unknown where it knows nothing', async () => {
    const answers = await answered(listing, ...cases.map(([, world]) => world));
    expect(answers.map(([row], index) => [cases[index]?.[0], row?.last_used_at])).toEqual(cases.map(([what, , expected]) => [what, expected]));
  });
  test('after it was listed, or so shortly before that the list may have missed it, the dataset stays', async () => {
    const late = '2026-11-27T03:43:00.000001Z';
    const shortly = '2026-11-27T02:43:00.000001Z';
    const before = '2026-11-27T02:43:00.000000Z';
    const used = (when: string): Catalog => together(dataset('dev_priya'), { TABLES: [relation('dev_priya', 'x', when)] });
    const written = together(dataset('dev_priya'), { TABLE_STORAGE: [stored('dev_priya', 'x', late)] });
    const answers = await answered(
      again,
      used(late),
      used(shortly),
      used(before),
      written,
      dataset('dev_priya'),
      together(used(before), dataset('dev_sam'), { TABLES: [relation('dev_sam', 'x', late)] }),
    );
    expect(answers.map((rows) => rows.map(({ schema, used_since }) => [schema, used_since]))).toEqual(
      [true, true, false, true, false, false].map((since) => [['dev_priya', since]]),
    );
  });
});

test('kept: by the label of the janitor, by a view in one’s own dataset for a year, and not by one in a pull request’s', async () => {
  const pinned = (schema: string, text: string, made: string): Catalog =>
    together(dataset(schema), { TABLES: [relation(schema, 'dbt_envs_keep', made)], TABLE_OPTIONS: [described(schema, 'dbt_envs_keep', text)] });
  const label = (until: string): Catalog => dataset('pr_142', LABELS.replace(']', `, STRUCT("keep_until", "${until}")]`));
  const answers = await answered(
    listing,
    label(day(3)),
    label(day(0)),
    label('soon'),
    pinned('dev_priya', day(20), at(-1)),
    pinned('dev_priya', '2999-01-01', at(-1)),
    pinned('dev_priya', '2999-01-01', at(-400)),
    pinned('dev_priya', 'for ever', at(-1)),
    pinned('pr_142', day(20), at(-1)),
  );
  expect(answers.map(([row]) => [row?.keep_until, row?.kept, row?.relations])).toEqual([
    [day(3), true, 0],
    [day(0), false, 0],
    [null, false, 0],
    [day(20), true, 0],
    [day(365), true, 0],
    [day(-34), false, 0],
    [null, false, 0],
    [null, false, 0],
  ]);
});

test('a label keeps a year at most, in the list and where a pull request is closed: whoever owns the dataset may write any', async () => {
  const label = (until: string, schema = 'pr_142'): Catalog => dataset(schema, LABELS.replace(']', `, STRUCT("keep_until", "${until}")]`));
  const cases: readonly (readonly [Catalog, string | null])[] = [
    [label(day(3)), day(3)],
    [label(day(366)), day(366)],
    [label(day(367)), null],
    [label('2999-01-01'), null],
    [label('9999-99-99'), null],
    [dataset('pr_142'), null],
    [dataset('pr_142', null), null],
    [together(label(day(3), 'pr_1423'), label(day(3), 'pr_14')), null],
  ];
  const listed = await answered(listing, ...cases.map(([world]) => world));
  expect(listed.map((rows) => rows.find(({ schema }) => schema === 'pr_142')?.keep_until ?? null)).toEqual(cases.map(([, until]) => until));
  const worlds = [...cases.map(([world]) => world), label(day(0)), label(day(-1))];
  const closing = await answered<string>(kept, ...worlds);
  expect(closing).toEqual([...cases.map(([, until]) => (until === null ? [] : [until])), [], []]);
});

test('10,000 datasets are one query, each once, with its own relations and bytes', async () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `pr_${index + 1}`);
  const world: Catalog = {
    SCHEMATA: names.map((schema_name) => ({ schema_name, creation_time: old })),
    SCHEMATA_OPTIONS: names.map((schema_name) => ({ schema_name, option_name: 'labels', option_value: LABELS })),
    TABLES: names.flatMap((name) => [relation(name, 'a'), relation(name, 'b'), relation(name, 'dbt_envs_used')]),
    TABLE_STORAGE: names.map((name) => stored(name, 'a', old)),
  };
  const [rows = []] = await answered(listing, world);
  expect(new Set(rows.map(({ schema }) => schema)).size).toBe(10_000);
  expect(rows).toHaveLength(10_000);
  expect(rows.every(({ relations, bytes }) => relations === 2 && bytes === 100)).toBe(true);
});

test('a query whose names are not anchored would be caught here', async () => {
  const loose = listing.replaceAll("0-9]{0,9}$'", "0-9]{0,9}'");
  expect(loose).not.toBe(listing);
  const [rows = []] = await answered(loose, dataset('pr_142_old'));
  expect(rows[0]?.pr).toBe(true);
});
