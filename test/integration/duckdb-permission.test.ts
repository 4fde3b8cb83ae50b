import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { python } from '../support/dbt.ts';

/**
 * What DuckDB enforces once every guard of dbt's is gone: nothing of its own; the operating system decides. As root the
 * file is root's and the attempts are another user's; an ordinary user takes the write permission from themselves.
 */
const NOBODY = 65534;
const other = process.getuid?.() === 0 ? { uid: NOBODY } : {};
let folder: string;
const attempt = (code: string) => python(folder, ['-c', `import duckdb, os\nprod = 'prod/prod.duckdb'\n${code}`], other);

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-permission-'));
  const made = await python(folder, [
    '-c',
    "import duckdb, os; os.mkdir('prod'); os.mkdir('dev'); c = duckdb.connect('prod/prod.duckdb'); c.sql('create schema analytics'); c.sql('create table analytics.fct_revenue as select 42 as revenue_usd')",
  ]);
  expect(made.output).toBe('');
  chmodSync(path.join(folder, 'prod/prod.duckdb'), 0o444);
  chmodSync(path.join(folder, 'prod'), 0o555);
  chmodSync(folder, 0o755);
  if (other.uid !== undefined) chownSync(path.join(folder, 'dev'), other.uid, other.uid);
});
afterAll(() => {
  chmodSync(path.join(folder, 'prod'), 0o755);
  rmSync(folder, { recursive: true });
});

test('somebody else reads production, attached read-only to a file of their own, and writes that', async () => {
  const run = await attempt(
    "c = duckdb.connect('dev/priya.duckdb'); c.sql(f\"attach '{prod}' as prod (read_only)\"); c.sql('create table mine as select * from prod.analytics.fct_revenue'); print(c.sql('select revenue_usd from mine').fetchall())",
  );
  expect(run.output.trim()).toBe('[(42,)]');
  expect(run.code).toBe(0);
});

test.each([
  ['opens it for writing', 'duckdb.connect(prod)'],
  [
    'detaches it and attaches it again for writing',
    "c = duckdb.connect(); c.sql(f\"attach '{prod}' as prod (read_only)\"); c.sql('detach prod'); c.sql(f\"attach '{prod}' as prod\")",
  ],
  ['puts another file in its place', "os.replace('dev/priya.duckdb', prod)"],
  ['takes it away', "os.rename(prod, 'prod/gone')"],
  ['puts a file beside it', "open('prod/x', 'w')"],
])('the operating system refuses somebody who %s', async (_, code) => {
  const run = await attempt(code);
  expect(run.output).toMatch(/Permission denied/);
  expect(run.code).not.toBe(0);
});

test('read-only attach alone is a seat belt: where the file may be written, it is undone in one line', async () => {
  const run = await python(folder, [
    '-c',
    "import duckdb; c = duckdb.connect('copy.duckdb'); c.sql('create table t as select 1 as a'); c.close(); c = duckdb.connect(); c.sql(\"attach 'copy.duckdb' as prod (read_only)\"); c.sql('detach prod'); c.sql(\"attach 'copy.duckdb' as prod\"); c.sql('drop table prod.t'); print('dropped')",
  ]);
  expect(run.output.trim()).toBe('dropped');
});
