import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { dbt, type Finished, python, query } from '../support/dbt.ts';
import { dbt2 } from '../support/dbt2.ts';
import { startGithubApi } from '../support/github-api.ts';
import { pythonEnvironment } from '../support/python.ts';
import { scaffold } from '../support/scaffold.ts';

/** A folder whose name means something to a shell, to SQL and to glob(). */
const FOLDER = "the team's files [2026] *";
const OLD = new Date('2026-09-01T10:00:00Z');
const NOW = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

interface Outcome {
  readonly code: number;
  readonly output: string;
  // biome-ignore lint/suspicious/noExplicitAny: JSON that the tests look into
  readonly json: any;
}
type Listed = { schema: string; last_used_at: string; relations: number | null; bytes: number | null; keep_until: string | null };

let project: string;
let warehouse: string;
const running: ChildProcess[] = [];
beforeAll(() => {
  project = scaffold({ warehouse: 'duckdb' });
});
afterAll(() => rmSync(project, { recursive: true, force: true }));
beforeEach(() => {
  warehouse = path.join(mkdtempSync(path.join(tmpdir(), 'dbt-envs-duck-')), FOLDER);
  for (const folder of ['dev', 'ci', 'prod', 'sweep']) mkdirSync(path.join(warehouse, folder), { recursive: true });
});
afterEach(async () => {
  for (const child of running.splice(0)) await ended(child, 'SIGKILL');
  rmSync(path.dirname(warehouse), { recursive: true, force: true });
});

const at = (file: string) => path.join(warehouse, file);
const runs = (name: string, args: object = {}, env: Record<string, string> = {}, target = 'ci', uid?: number): Promise<Finished> =>
  dbt(project, ['--quiet', 'run-operation', name, '--target', target, '--args', JSON.stringify(args)], {
    env: { DBT_DUCKDB_DIR: warehouse, ...env },
    ...(uid !== undefined && { uid }),
  });
async function operation(...asked: Parameters<typeof runs>): Promise<Outcome> {
  const { code, output } = await runs(...asked);
  const line = output.split('\n').findLast((one) => one.startsWith('{'));
  return { code, output, json: line === undefined ? undefined : JSON.parse(line) };
}
async function list(): Promise<{ listed_at: string; schemas: Listed[]; others: { schema: string }[]; handover: string }> {
  const { code, output, json } = await operation('env_schemas');
  expect(code, output).toBe(0);
  return json;
}
const drop = (candidates: readonly string[], listed_at: string, more: object = {}) => operation('drop_stale_schemas', { candidates, listed_at, ...more });
const pin = (schema: string, until: string | null, ...rest: [Record<string, string>?, string?]) => operation('keep_schema', { schema, until }, ...rest);

/** Database files with a table and a view in each schema, last written on that day. */
async function files(given: Readonly<Record<string, readonly string[]>>, written = OLD): Promise<void> {
  const script = `
import duckdb, json, sys
for name, schemas in json.loads(sys.argv[2]).items():
    with duckdb.connect(sys.argv[1] + '/' + name) as c:
        for schema in schemas:
            c.execute(f'create schema if not exists "{schema}"')
            c.execute(f'create table "{schema}".t as select 1 as a')
            c.execute(f'create view "{schema}".v as select a from "{schema}".t')
`;
  const made = await python(project, ['-c', script, warehouse, JSON.stringify(given)]);
  expect(made.output).toBe('');
  for (const name of Object.keys(given)) utimesSync(at(name), written, written);
}

/** Another process that has a file open until it is told to end. */
async function holds(file: string, sql: string, readOnly = false): Promise<ChildProcess> {
  const { python: program } = await pythonEnvironment('duckdb');
  const script = `import duckdb, sys\nc = duckdb.connect(sys.argv[1], read_only=${readOnly ? 'True' : 'False'})\nc.execute(sys.argv[2])\nprint('open', flush=True)\nsys.stdin.read()\nc.close()`;
  const child = spawn(program, ['-c', script, at(file), sql], { stdio: ['pipe', 'pipe', 'inherit'] });
  running.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child;
}
const ended = (child: ChildProcess, signal?: NodeJS.Signals): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    if (signal) child.kill(signal);
    else child.stdin?.end();
  });
const schemasIn = (file: string) =>
  query(
    project,
    at(file),
    "select schema_name from duckdb_schemas() where not internal and schema_name <> 'main' and database_name = current_database() order by 1",
  );

describe('env_schemas', () => {
  test('lists every environment file, whatever its folder is called, and leaves no file of its own', async () => {
    await files({ 'dev/priya.duckdb': ['dev_priya'], 'ci/pull_142.duckdb': ['pr_142'], 'ci/pull_1.duckdb': ['pr_1'] });
    const before = Date.now();
    const { listed_at, schemas, others } = await list();
    expect(listed_at).toMatch(NOW);
    expect(Math.abs(Date.parse(listed_at) - before)).toBeLessThan(60_000);
    const fixed = { created_by: null, created_at: null, closed_at: null, keep_until: null, relations: 2, last_used_at: '2026-09-01T10:00:00.000000Z' };
    expect(schemas).toEqual([
      { schema: 'dev_priya', bytes: statSync(at('dev/priya.duckdb')).size, ...fixed },
      { schema: 'pr_1', bytes: statSync(at('ci/pull_1.duckdb')).size, ...fixed },
      { schema: 'pr_142', bytes: statSync(at('ci/pull_142.duckdb')).size, ...fixed },
    ]);
    expect(others).toEqual([]);
    expect(readdirSync(at('ci'))).toEqual(['pull_1.duckdb', 'pull_142.duckdb']);
    expect(statSync(at('dev/priya.duckdb')).mtime).toEqual(OLD);
  });

  test('does not depend on the time zone of the machine', async () => {
    await files({ 'dev/priya.duckdb': ['dev_priya'] });
    const { json } = await operation('env_schemas', {}, { TZ: 'Pacific/Auckland' });
    expect(json.schemas[0].last_used_at).toBe('2026-09-01T10:00:00.000000Z');
    expect(Math.abs(Date.parse(json.listed_at) - Date.now())).toBeLessThan(60_000);
  });

  test('reports what is no environment by its name, and never lists it', async () => {
    await files({
      'ci/pull_7.duckdb': ['pr_7', 'pr_8', 'scratch'],
      'ci/pull_007.duckdb': ['pr_007'],
      'ci/PULL_9.duckdb': ['pr_9'],
      'ci/pull_old.duckdb': ['pr_old'],
      'ci/pr_5.duckdb': ['x'],
      'dev/Sam.duckdb': ['dev_sam'],
      "dev/o'brien [x].duckdb": ['dev_sam'],
      'dev/product.duckdb': ['dev_product'],
    });
    writeFileSync(at('dev/.gitignore'), '*');
    writeFileSync(at('dev/notes.csv'), 'a,b');
    const { schemas, others, handover } = await list();
    expect(schemas.map(({ schema }) => schema)).toEqual(['dev_product', 'pr_7']);
    expect(others.map(({ schema }) => schema)).toEqual([
      'dev/Sam.duckdb',
      'dev/notes.csv',
      "dev/o'brien [x].duckdb",
      'ci/PULL_9.duckdb',
      'ci/pr_5.duckdb',
      'ci/pull_007.duckdb',
      'pr_8 in ci/pull_7.duckdb',
      'scratch in ci/pull_7.duckdb',
      'ci/pull_old.duckdb',
    ]);
    expect(others[0]).toEqual({ schema: 'dev/Sam.duckdb', owner: null, relations: null, bytes: statSync(at('dev/Sam.duckdb')).size });
    expect(handover).toContain('whoever made it deletes it');
  });

  test('a file that a build has open is in use now, and its relations are unknown', async () => {
    await files({ 'dev/priya.duckdb': ['dev_priya'] });
    await holds('dev/priya.duckdb', 'create table dev_priya.x as select 1 as a');
    const { listed_at, schemas } = await list();
    expect(schemas).toMatchObject([{ schema: 'dev_priya', last_used_at: listed_at, relations: null }]);
  });

  test('a build that was killed has left its log: that one was written last', async () => {
    await files({ 'dev/priya.duckdb': ['dev_priya'] });
    const build = await holds('dev/priya.duckdb', 'create table dev_priya.x as select 1 as a');
    await ended(build, 'SIGKILL');
    utimesSync(at('dev/priya.duckdb'), OLD, OLD);
    expect(existsSync(at('dev/priya.duckdb.wal'))).toBe(true);
    const { schemas, others } = await list();
    expect(others).toEqual([]);
    expect(schemas).toMatchObject([{ schema: 'dev_priya', relations: 3 }]);
    expect(Date.now() - Date.parse(schemas[0]?.last_used_at ?? '')).toBeLessThan(60_000);
  });

  test('a file whose schema is gone is no litter, and is named in the log', async () => {
    await files({ 'ci/pull_142.duckdb': [], 'ci/pull_143.duckdb': ['pr_143'] });
    const { json, output } = await operation('env_schemas');
    expect(json).toMatchObject({ schemas: [{ schema: 'pr_143' }], others: [] });
    expect(output).toContain('Files that hold no environment any more: ci/pull_142.duckdb');
  });

  test('a folder without any database file is an error: in a folder that is not the team’s, every night would succeed', async () => {
    const refused = async () => {
      const { code, output } = await operation('env_schemas');
      expect([code, output]).toEqual([1, expect.stringMatching(/There is no database file in .*: does DBT_DUCKDB_DIR name the folder that everybody uses\?/s)]);
    };
    await refused();
    rmSync(warehouse, { recursive: true });
    await refused();
    mkdirSync(at('prod'), { recursive: true });
    await files({ 'prod/prod.duckdb': ['analytics'] });
    expect(await list()).toMatchObject({ schemas: [], others: [] });
  });

  test('also runs for a developer, whose own file this very run has open', async () => {
    await files({ 'dev/priya.duckdb': ['dev_priya'], 'dev/sam.duckdb': ['dev_sam'] });
    const { json, output } = await operation('env_schemas', {}, { DBT_DEV_NAME: 'priya' }, 'dev');
    expect(json?.schemas, output).toMatchObject([
      { schema: 'dev_priya', relations: 2, last_used_at: json?.listed_at },
      { schema: 'dev_sam', relations: 2, last_used_at: '2026-09-01T10:00:00.000000Z' },
    ]);
  });
});

describe('drop_stale_schemas', () => {
  test('drops exactly what it was given: pr_12 stays beside pr_1 and pr_123', async () => {
    await files({ 'ci/pull_1.duckdb': ['pr_1', 'mine'], 'ci/pull_12.duckdb': ['pr_12'], 'ci/pull_123.duckdb': ['pr_123'], 'dev/sam.duckdb': ['dev_sam'] });
    const { listed_at } = await list();
    const { code, json, output } = await drop(['pr_1', 'pr_123', 'dev_sam'], listed_at);
    const gone = (schema: string) => ({ schema, how: 'dropped', relations: 2, took_along: [] });
    expect(json, output).toEqual({ cleared: ['pr_1', 'pr_123', 'dev_sam'].map(gone), kept: [], failed: [] });
    expect(code).toBe(0);
    expect(await schemasIn('ci/pull_1.duckdb')).toEqual([['mine']]);
    expect(await schemasIn('ci/pull_12.duckdb')).toEqual([['pr_12']]);
    expect(await schemasIn('ci/pull_123.duckdb')).toEqual([]);
    expect((await list()).schemas.map(({ schema }) => schema)).toEqual(['pr_12']);
    expect(readdirSync(at('ci')).filter((name) => name.endsWith('.wal'))).toEqual([]);
  });

  test('on trial says what it would do, and does nothing', async () => {
    await files({ 'ci/pull_1.duckdb': ['pr_1'] });
    const { listed_at } = await list();
    const { json } = await drop(['pr_1'], listed_at, { dry_run: true });
    expect(json).toEqual({ cleared: [{ schema: 'pr_1', how: 'dropped', relations: 2, took_along: [] }], kept: [], failed: [] });
    expect(await schemasIn('ci/pull_1.duckdb')).toEqual([['pr_1']]);
    expect(statSync(at('ci/pull_1.duckdb')).mtime).toEqual(OLD);
    expect(readdirSync(at('sweep'))).toEqual([]);
  });

  test('keeps what was used since it was listed, in the same second too', async () => {
    await files({ 'ci/pull_1.duckdb': ['pr_1'], 'ci/pull_2.duckdb': ['pr_2'], 'ci/pull_3.duckdb': ['pr_3'] });
    const { listed_at } = await list();
    await ended(await holds('ci/pull_1.duckdb', 'create table pr_1.x as select 1 as a'));
    const second = new Date(Math.floor(Date.parse(listed_at) / 1000) * 1000);
    utimesSync(at('ci/pull_2.duckdb'), second, second);
    const { code, json } = await drop(['pr_1', 'pr_2', 'pr_3'], listed_at);
    expect(code).toBe(0);
    expect(json.cleared).toMatchObject([{ schema: 'pr_3' }]);
    expect(json.kept).toMatchObject([{ schema: 'pr_1' }, { schema: 'pr_2' }]);
    for (const { why } of json.kept) expect(why).toMatch(/^used at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, after it was listed$/);
    expect(await schemasIn('ci/pull_2.duckdb')).toEqual([['pr_2']]);
  });

  test('keeps what a build has open, and clears the next one', async () => {
    await files({ 'ci/pull_1.duckdb': ['pr_1'], 'ci/pull_2.duckdb': ['pr_2'] });
    const { listed_at } = await list();
    const build = await holds('ci/pull_1.duckdb', 'create table pr_1.x as select 1 as a');
    const { code, json } = await drop(['pr_1', 'pr_2'], listed_at);
    expect(code).toBe(0);
    expect(json).toMatchObject({ cleared: [{ schema: 'pr_2' }], kept: [{ schema: 'pr_1', why: 'another program has ci/pull_1.duckdb open' }], failed: [] });
    await ended(build);
    expect(await query(project, at('ci/pull_1.duckdb'), 'select count(*) from pr_1.x')).toEqual([[1]]);
  });

  test('says what it could not clear, in DuckDB’s own words too, and clears the next one', async () => {
    await files({ 'ci/pull_1.duckdb': ['pr_1'], 'ci/pull_2.duckdb': ['pr_2'], 'ci/pull_3.duckdb': ['pr_3'], 'ci/pull_4.duckdb': ['pr_4'] });
    writeFileSync(at('ci/pull_1.duckdb'), 'this is no database');
    truncateSync(at('ci/pull_2.duckdb'), 20_000);
    for (const name of ['ci/pull_1.duckdb', 'ci/pull_2.duckdb']) utimesSync(at(name), OLD, OLD);
    await holds('ci/pull_4.duckdb', 'select 1', true);
    const { listed_at, schemas } = await list();
    expect(schemas.map(({ schema, relations, last_used_at }) => [schema, relations, last_used_at.slice(0, 10)])).toEqual([
      ['pr_1', null, '2026-09-01'],
      ['pr_2', null, '2026-09-01'],
      ['pr_3', 2, '2026-09-01'],
      ['pr_4', 2, '2026-09-01'],
    ]);
    const { code, json, output } = await drop(['pr_1', 'pr_2', 'pr_4', 'pr_3'], listed_at);
    expect(code).not.toBe(0);
    expect(json, output).toEqual({
      cleared: [{ schema: 'pr_3', how: 'dropped', relations: 2, took_along: [] }],
      kept: [],
      failed: [
        { schema: 'pr_1', why: 'ci/pull_1.duckdb is damaged: DuckDB cannot make sense of it' },
        { schema: 'pr_2', why: 'ci/pull_2.duckdb is damaged: DuckDB cannot make sense of it' },
        { schema: 'pr_4', why: 'ci/pull_4.duckdb can be read and not written: another program reads it, or this account may not write it' },
      ],
    });
    expect(output).toContain('exists, but it is not a valid DuckDB database file!');
  });

  test('keeps what is gone already, and refuses what is no whole name before it looks for a file', async () => {
    await files({ 'ci/pull_1.duckdb': [], 'ci/pull_007.duckdb': ['pr_007'], 'dev/Sam.duckdb': ['dev_sam'] });
    const { listed_at } = await list();
    const asked = ['pr_1', 'pr_9', 'dev_sam', 'pr_007', 'PR_1', 'prod', 'pr_1; drop schema x', "pr_1' or '1", '../prod/prod', 'pr_1\n', ''];
    const { code, json } = await drop(asked, listed_at);
    expect(code).not.toBe(0);
    expect(json.cleared).toEqual([]);
    expect(json.kept.map(({ schema, why }: { schema: string; why: string }) => [schema, why])).toEqual(
      ['pr_1', 'pr_9', 'dev_sam'].map((schema) => [schema, 'it is gone already']),
    );
    expect(json.failed.map(({ schema }: { schema: string }) => schema)).toEqual(asked.slice(3));
    expect(await schemasIn('ci/pull_007.duckdb')).toEqual([['pr_007']]);
    expect(await schemasIn('dev/Sam.duckdb')).toEqual([['dev_sam']]);
  });

  test('runs for no pull request and for no developer, and wants a time that env_schemas said', async () => {
    await files({ 'ci/pull_1.duckdb': ['pr_1'] });
    const { listed_at } = await list();
    const args = { candidates: ['pr_1'], listed_at };
    for (const [env, target] of [
      [{ PR_NUMBER: '2' }, 'ci'],
      [{ DBT_DEV_NAME: 'priya' }, 'dev'],
    ] as const) {
      const { code, output } = await runs('drop_stale_schemas', args, env, target);
      expect([code, output.includes('The sweep runs under target ci and for no pull request')]).toEqual([1, true]);
    }
    for (const time of ['', '9999', '2026-11-27 03:43:00']) expect((await drop(['pr_1'], time)).output, time).toContain('is no time');
    expect(await schemasIn('ci/pull_1.duckdb')).toEqual([['pr_1']]);
  });

  test('two at once: each schema goes once, and neither fails', async () => {
    const names = [1, 2, 3, 4, 5, 6];
    await files(Object.fromEntries(names.map((number) => [`ci/pull_${number}.duckdb`, [`pr_${number}`]])));
    const { listed_at } = await list();
    const all = names.map((number) => `pr_${number}`);
    const both = await Promise.all([drop(all, listed_at), drop(all, listed_at)]);
    for (const { code, output } of both) expect(code, output).toBe(0);
    expect(both.flatMap(({ json }) => json.cleared.map(({ schema }: { schema: string }) => schema)).sort()).toEqual(all);
    expect((await list()).schemas).toEqual([]);
  });

  test('a developer’s next build works as before', async () => {
    const env = { DBT_DEV_NAME: 'priya', DBT_DUCKDB_DIR: warehouse };
    const build = () => dbt(project, ['build', '--select', 'raw_orders+', '--exclude', 'resource_type:snapshot'], { env });
    expect((await build()).output).toContain('Completed successfully');
    utimesSync(at('dev/priya.duckdb'), OLD, OLD);
    const { listed_at } = await list();
    expect((await drop(['dev_priya'], listed_at)).json.cleared).toMatchObject([{ schema: 'dev_priya' }]);
    expect((await list()).schemas).toEqual([]);
    expect((await build()).output).toContain('Completed successfully');
    expect((await list()).schemas).toMatchObject([{ schema: 'dev_priya' }]);
  });
});

/** As root the files are root's and the sweep is another user's; an ordinary user takes the permission from themselves. */
describe('what another account owns', () => {
  const root = process.getuid?.() === 0;
  const other = root ? 65534 : undefined;

  test('and may be read but not written is listed, and fails loudly when it is due', async () => {
    await files({ 'dev/priya.duckdb': ['dev_priya'] });
    openToAll();
    if (!root) chmodSync(at('dev/priya.duckdb'), 0o444);
    const listing = await operation('env_schemas', {}, {}, 'ci', other);
    expect(listing.json?.schemas, listing.output).toMatchObject([{ schema: 'dev_priya', relations: 2 }]);
    const { code, json } = await operation('drop_stale_schemas', { candidates: ['dev_priya'], listed_at: listing.json.listed_at }, {}, 'ci', other);
    expect([code, json.failed]).toMatchObject([1, [{ schema: 'dev_priya', why: expect.stringContaining('this account may not write it') }]]);
  });

  test('and may not even be read has no age, so it stays; the others are listed all the same', async () => {
    await files({ 'dev/priya.duckdb': ['dev_priya'], 'dev/sam.duckdb': ['dev_sam'] });
    openToAll();
    chmodSync(at('dev/priya.duckdb'), root ? 0o600 : 0);
    const { json } = await operation('env_schemas', {}, {}, 'ci', other);
    expect(json.schemas).toMatchObject([
      { schema: 'dev_priya', last_used_at: null, relations: null, bytes: null },
      { schema: 'dev_sam', relations: 2 },
    ]);
    const dropped = await operation('drop_stale_schemas', { candidates: ['dev_priya'], listed_at: json.listed_at }, {}, 'ci', other);
    expect(dropped.json.failed).toEqual([{ schema: 'dev_priya', why: 'this account may not read dev/priya.duckdb' }]);
  });

  /** The project is in a folder of its own that only its owner enters, as is the files' one. */
  function openToAll(): void {
    for (const folder of [project, path.dirname(warehouse)]) chmodSync(folder, 0o777);
    for (const folder of ['target', 'logs']) {
      mkdirSync(path.join(project, folder), { recursive: true });
      for (const name of readdirSync(path.join(project, folder), { recursive: true, encoding: 'utf8' })) chmodSync(path.join(project, folder, name), 0o777);
      chmodSync(path.join(project, folder), 0o777);
    }
  }
});

describe('keep_schema', () => {
  const day = (ahead: number) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);

  test('pins until a day, which the listing says and a drop heeds; without a day the pin is gone', async () => {
    await files({ 'ci/pull_142.duckdb': ['pr_142'] });
    const until = day(30);
    expect((await pin('pr_142', until)).json).toEqual({ schema: 'pr_142', keep_until: `${until}T00:00:00Z` });
    const { listed_at, schemas, others } = await list();
    expect([schemas[0]?.keep_until, others]).toEqual([`${until}T00:00:00Z`, []]);
    expect((await drop(['pr_142'], listed_at)).json).toEqual({ cleared: [], kept: [{ schema: 'pr_142', why: `it is pinned until ${until}` }], failed: [] });
    expect((await pin('pr_142', null)).json).toEqual({ schema: 'pr_142', keep_until: null });
    expect((await list()).schemas[0]?.keep_until).toBeNull();
    expect((await drop(['pr_142'], listed_at)).json.cleared).toMatchObject([{ schema: 'pr_142' }]);
  });

  test('holds when the pull request closes, too', async () => {
    await files({ 'ci/pull_142.duckdb': ['pr_142'] });
    const until = day(1);
    await pin('pr_142', until);
    const closing = () => operation('drop_pr_schema', {}, { PR_NUMBER: '142' });
    const { code, json, output } = await closing();
    expect([code, json, output.includes(`is kept until ${until}: nothing is dropped`)]).toEqual([0, { dropped: [] }, true]);
    expect(await schemasIn('ci/pull_142.duckdb')).toEqual([['pr_142']]);
    await pin('pr_142', null);
    expect((await closing()).json).toEqual({ dropped: ['pr_142'] });
  });

  test('a pin that has run out holds nothing', async () => {
    await files({ 'ci/pull_142.duckdb': ['pr_142'] });
    writeFileSync(at('ci/pull_142.keep'), '{"keep_until":"2026-10-01T00:00:00Z"}\n');
    const { listed_at, schemas } = await list();
    expect(schemas[0]?.keep_until).toBe('2026-10-01T00:00:00Z');
    expect((await drop(['pr_142'], listed_at)).json.cleared).toMatchObject([{ schema: 'pr_142' }]);
  });

  test('a pin that does not say until when is not taken for none', async () => {
    const texts = ['', 'for ever', '{"keep_until": 7}', '{"keep_until": "soon"}', '[]', '{}'];
    const names = texts.map((_, index) => `pr_${index + 1}`);
    await files(Object.fromEntries(names.map((name) => [`ci/pull_${name.slice(3)}.duckdb`, [name]])));
    for (const [index, text] of texts.entries()) writeFileSync(at(`ci/pull_${index + 1}.keep`), text);
    const { listed_at, schemas, others } = await list();
    expect(schemas).toEqual([]);
    for (const [index, name] of names.entries()) expect(others[index]?.schema, texts[index]).toContain(`${name}, whose pin `);
    const { json } = await drop(names, listed_at);
    expect(json.cleared).toEqual([]);
    for (const { why } of json.kept) expect(why).toContain('cannot be read');
  });

  test('a developer pins her own while she builds nothing, and nobody else’s; a pull request its own', async () => {
    await files({ 'dev/priya.duckdb': ['dev_priya'], 'dev/sam.duckdb': ['dev_sam'], 'ci/pull_1.duckdb': ['pr_1'], 'ci/pull_2.duckdb': ['pr_2'] });
    const priya = [{ DBT_DEV_NAME: 'priya' }, 'dev'] as const;
    expect((await pin('dev_priya', day(1), ...priya)).json).toMatchObject({ schema: 'dev_priya' });
    for (const [schema, env, target] of [
      ['dev_sam', ...priya],
      ['pr_1', ...priya],
      ['pr_2', { PR_NUMBER: '1' }, 'ci'],
    ] as const) {
      const { code, output } = await pin(schema, day(1), env, target);
      expect([code, output.includes(`and not "${schema}": its owner does, or the sweep`)]).toEqual([1, true]);
    }
    expect((await pin('pr_1', day(1), { PR_NUMBER: '1' }, 'ci')).code).toBe(0);
    expect(
      readdirSync(at('ci'))
        .concat(readdirSync(at('dev')))
        .filter((name) => name.endsWith('.keep')),
    ).toEqual(['pull_1.keep', 'priya.keep']);
  });

  test('refuses what is no day from tomorrow up to a year ahead, and a schema that is not there', async () => {
    await files({ 'ci/pull_142.duckdb': ['pr_142'] });
    for (const until of ['2027-02-30', 'tomorrow', day(0), day(368), "2027-01-01' or '1"]) {
      expect((await pin('pr_142', until)).output, until).toContain('is no day from tomorrow up to a year ahead');
    }
    expect((await pin('pr_142', day(365))).code).toBe(0);
    for (const schema of ['pr_9', '../prod/prod']) expect((await pin(schema, day(1))).output, schema).toContain('nothing to pin');
  });
});

describe('restore_schema', () => {
  test('says that DuckDB has no undo, and what helps', async () => {
    const { code, output } = await runs('restore_schema', { schema: 'pr_1' });
    expect([code, output.includes('Nothing was restored: DuckDB has no undo.'), output.includes('copy its file back from a backup')]).toEqual([1, true, true]);
  });
});

describe('report', () => {
  const written = async (sql: string) => {
    const { output } = await python(project, ['-c', 'import duckdb, sys\nduckdb.connect(sys.argv[1]).execute(sys.argv[2])', at('sweep/history.duckdb'), sql]);
    expect(output).toBe('');
  };

  test('gives the size of every file, and null for what DuckDB cannot know', async () => {
    await files({ 'dev/priya.duckdb': ['dev_priya'], 'ci/pull_1.duckdb': ['pr_1'], 'prod/prod.duckdb': ['analytics'] });
    const { code, json } = await operation('report');
    const size = (file: string) => statSync(at(file)).size;
    expect(code).toBe(0);
    expect(json).toEqual({
      at: expect.stringMatching(NOW),
      can_write: null,
      strangers: null,
      last_write_by_others: null,
      proofs: null,
      since: null,
      largest_dev: null,
      cleared: [],
      storage: [
        { environment: 'dev', who: 'priya', schema: 'dev_priya', bytes: size('dev/priya.duckdb'), bytes_then: null },
        { environment: 'ci', who: null, schema: 'pr_1', bytes: size('ci/pull_1.duckdb'), bytes_then: null },
        { environment: 'prod', who: null, schema: 'prod/prod.duckdb', bytes: size('prod/prod.duckdb'), bytes_then: null },
      ],
    });
  });

  test('remembers: the sizes of the oldest of the last thirty days, and what was cleared', async () => {
    await files({ 'dev/priya.duckdb': ['dev_priya'], 'dev/sam.duckdb': ['dev_sam'], 'ci/pull_1.duckdb': ['pr_1'] });
    const bytes = statSync(at('ci/pull_1.duckdb')).size;
    const { listed_at } = await list();
    await drop(['pr_1'], listed_at);
    await operation('report');
    const ago = (days: number) => `make_timestamp(epoch_us(now()))::date - ${days}`;
    await written(
      `insert into sizes values (${ago(401)}, 'dev_priya', 1), (${ago(31)}, 'dev_priya', 2), (${ago(30)}, 'dev_priya', 3), (${ago(29)}, 'dev_priya', 4), (${ago(30)}, 'pr_9', null)`,
    );
    await written(`insert into cleared values (now() - interval 31 days, 'pr_8', 'dropped', 7)`);
    const { json } = await operation('report');
    expect(json.since).toBe(new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10));
    expect(json.storage.map(({ schema, bytes_then }: { schema: string; bytes_then: number | null }) => [schema, bytes_then])).toEqual([
      ['dev_priya', 3],
      ['dev_sam', 0],
      ['pr_1', 0],
    ]);
    expect(json.cleared).toEqual([{ schema: 'pr_1', at: expect.stringMatching(NOW), how: 'dropped', bytes }]);
    expect(await query(project, at('sweep/history.duckdb'), 'select count(*) from sizes where bytes = 1')).toEqual([[0]]);
  });

  test('without its folder, or with a history that is damaged, it is unknown and nothing fails', async () => {
    await files({ 'dev/priya.duckdb': ['dev_priya'], 'ci/pull_1.duckdb': ['pr_1'], 'ci/pull_2.duckdb': ['pr_2'] });
    const { listed_at } = await list();
    writeFileSync(at('sweep/history.duckdb'), 'no database');
    expect(await drop(['pr_1'], listed_at)).toMatchObject({ code: 0, json: { cleared: [{ schema: 'pr_1' }] } });
    expect(await operation('report')).toMatchObject({ code: 0, json: { since: null, cleared: null, storage: [{ bytes_then: null }, {}, {}] } });
    rmSync(at('sweep'), { recursive: true });
    const { code, output } = await drop(['pr_2'], listed_at);
    expect([code, output.includes('could not be written into sweep/history.duckdb')]).toEqual([0, true]);
    expect((await operation('report')).json.cleared).toBeNull();
  });
});

describe('dbt_envs_tries, on which all of it rests', () => {
  test('where dbt-duckdb answers otherwise, nothing is done', async () => {
    await files({ 'ci/pull_1.duckdb': ['pr_1'] });
    const { listed_at } = await list();
    const copy = mkdtempSync(path.join(tmpdir(), 'dbt-envs-other-'));
    scaffold({ warehouse: 'duckdb' }, copy);
    const file = path.join(copy, 'macros/dbt_envs/env_files.sql');
    const text = readFileSync(file, 'utf8');
    for (const answer of ['true', 'false']) {
      writeFileSync(file, text.replace(/adapter\.location_exists\([^}]*\)\) \}\}/, `${answer}) }}`));
      expect(readFileSync(file, 'utf8')).not.toContain('adapter.location_exists(');
      const env = { DBT_DUCKDB_DIR: warehouse };
      for (const [name, args] of [['env_schemas', {}] as const, ['drop_stale_schemas', { candidates: ['pr_1'], listed_at }] as const]) {
        const { code, output } = await dbt(copy, ['--quiet', 'run-operation', name, '--target', 'ci', '--args', JSON.stringify(args)], { env });
        expect([code, output.includes('nothing was done: install the version of requirements.txt')]).toEqual([1, true]);
      }
    }
    expect(await schemasIn('ci/pull_1.duckdb')).toEqual([['pr_1']]);
    rmSync(copy, { recursive: true });
  });

  test('a copy of a file under a whole name is an environment without its schema, so nothing in it is dropped', async () => {
    await files({ 'ci/pull_1.duckdb': ['pr_1'] });
    copyFileSync(at('ci/pull_1.duckdb'), at('ci/pull_2.duckdb'));
    const { listed_at, schemas, others } = await list();
    expect([schemas.map(({ schema }) => schema), others.map(({ schema }) => schema)]).toEqual([['pr_1'], ['pr_1 in ci/pull_2.duckdb']]);
    expect((await drop(['pr_2'], listed_at)).json.kept).toEqual([{ schema: 'pr_2', why: 'it is gone already' }]);
    expect(await schemasIn('ci/pull_2.duckdb')).toEqual([['pr_1']]);
  });
});

test('a whole night, with the emitted scripts and real dbt: the right ones go, the rest says why, and the page tells of it', async () => {
  const week = new Date(Date.now() - 9 * 86_400_000).toISOString().replace(/\.\d+/, '');
  await files({ 'ci/pull_1.duckdb': ['pr_1'], 'ci/pull_12.duckdb': ['pr_12'], 'ci/pull_123.duckdb': ['pr_123'], 'ci/pull_900.duckdb': ['pr_900'] });
  await files({ 'dev/priya.duckdb': ['dev_priya'], 'dev/sam.duckdb': ['dev_sam'], 'dev/dee.duckdb': ['dev_dee'], 'ci/pull_old.duckdb': ['pr_old'] });
  utimesSync(at('dev/priya.duckdb'), new Date(), new Date());
  await holds('dev/sam.duckdb', 'create table dev_sam.x as select 1 as a');
  expect((await pin('pr_123', new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10))).code).toBe(0);
  const api = await startGithubApi();
  try {
    api.pulls.set(1, { state: 'closed', closedAt: week });
    api.pulls.set(12, { state: 'open' });
    api.pulls.set(123, { state: 'closed', closedAt: week });
    const { binDir } = await pythonEnvironment('duckdb');
    const env = {
      DBT_DUCKDB_DIR: warehouse,
      GITHUB_API_URL: api.url,
      GITHUB_REPOSITORY: 'acme/dbt',
      GITHUB_TOKEN: 'a-token',
      PATH: `${binDir}${path.delimiter}${process.env.PATH ?? ''}`,
    };
    const swept = await python(project, ['scripts/dbt_envs/sweep.py'], { env });
    expect(swept.code, swept.output).toBe(0);
    const result = JSON.parse(readFileSync(path.join(project, 'target/dbt_envs/sweep.json'), 'utf8'));
    expect(result.problems).toEqual([]);
    const fates = result.schemas.map(({ schema, action, done }: { schema: string; action: string; done: string | null }) => [schema, action, done]);
    expect(fates).toEqual([
      ['dev_dee', 'clear', 'dropped'],
      ['dev_priya', 'keep', null],
      ['dev_sam', 'keep', null],
      ['pr_1', 'clear', 'dropped'],
      ['pr_12', 'keep', null],
      ['pr_123', 'keep', null],
      ['pr_900', 'clear', 'dropped'],
      ['ci/pull_old.duckdb', 'report', null],
    ]);
    const reported = await python(project, ['scripts/dbt_envs/sweep_report.py'], { env });
    expect(reported.code, reported.output).toBe(0);
    const page = readFileSync(path.join(project, 'target/dbt_envs/report.md'), 'utf8');
    expect(page).toContain('unknown');
    for (const name of ['dev_dee', 'pr_1', 'pr_900', 'pull_old']) expect(page).toContain(name);
  } finally {
    await api.stop();
  }
});

test('dbt 2 lists, drops and pins the same', async () => {
  await files({ 'ci/pull_1.duckdb': ['pr_1'], 'ci/pull_2.duckdb': ['pr_2'], 'ci/pull_3.duckdb': ['pr_3'] });
  writeFileSync(at('ci/pull_3.duckdb'), 'this is no database');
  const second = async (name: string, args: object = {}) => {
    const { output } = await dbt2(project, ['run-operation', name, '--target', 'ci', '--args', JSON.stringify(args)], { DBT_DUCKDB_DIR: warehouse });
    const line = output.split('\n').findLast((one) => one.startsWith('{'));
    expect(line, output).toBeDefined();
    return JSON.parse(line ?? '');
  };
  expect((await second('keep_schema', { schema: 'pr_2', until: new Date(Date.now() + 86_400_000).toISOString().slice(0, 10) })).schema).toBe('pr_2');
  const { listed_at, schemas } = await second('env_schemas');
  expect(schemas.map(({ schema, relations }: Listed) => [schema, relations])).toEqual([
    ['pr_1', 2],
    ['pr_2', 2],
    ['pr_3', null],
  ]);
  const { cleared, kept, failed } = await second('drop_stale_schemas', { candidates: ['pr_1', 'pr_2', 'pr_3'], listed_at });
  expect([cleared, kept, failed].map((some) => some.map(({ schema }: Listed) => schema))).toEqual([['pr_1'], ['pr_2'], ['pr_3']]);
  expect(await schemasIn('ci/pull_1.duckdb')).toEqual([]);
  expect(await schemasIn('ci/pull_2.duckdb')).toEqual([['pr_2']]);
});
