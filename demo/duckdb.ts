import { rmSync } from 'node:fs';
import path from 'node:path';
import { scaffold } from './repository.ts';
import { chapter, run } from './stage.ts';

/** The default: two developers, one machine, no server. */
export async function demoDuckdb(): Promise<void> {
  chapter('The same without a server: DuckDB', 'No roles here. The repository keeps everybody in place, and file permissions are the wall.');
  const { folder, python, dbt, deploy } = await scaffold('duckdb');
  try {
    await deploy('Production is built, as CI builds it on a merge', {});
    await dbt({ title: 'priya builds', args: 'build', env: { DBT_DEV_NAME: 'priya' } });
    await run({
      title: 'Where her tables are',
      typed: 'duckdb warehouse/dev/priya.duckdb "select table_schema, table_name from information_schema.tables"',
      program: python.python,
      args: ['-c', LIST, path.join('warehouse', 'dev', 'priya.duckdb')],
      cwd: folder,
    });
    await dbt({
      title: 'The quick test that overwrote fct_revenue, tried by priya',
      args: 'run --target prod --select fct_revenue',
      env: { DBT_DEV_NAME: 'priya' },
      refusal: /Target prod runs in CI only/,
    });
    await run({
      title: 'Or past dbt: into the production file that her builds attach for reading',
      typed: 'create table prod.analytics.fct_revenue …',
      program: python.python,
      args: ['-c', WRITE],
      cwd: folder,
      show: /read-only|written/,
      refusal: /read-only/,
    });
  } finally {
    rmSync(path.dirname(folder), { recursive: true, force: true });
  }
}

const LIST = `
import duckdb, sys
for schema, name, kind in duckdb.connect(sys.argv[1], read_only=True).sql("select table_schema, table_name, table_type from information_schema.tables where regexp_matches(table_name, '^(raw|stg|fct|orders)_') order by 1, 2").fetchall():
    print(f"{schema}.{name:24} {kind.lower()}")
`;
const WRITE = `
import duckdb
connection = duckdb.connect()
connection.execute("attach 'warehouse/prod/prod.duckdb' as prod (read_only)")
connection.execute("create or replace table prod.analytics.fct_revenue as select 0 as revenue_usd")
print("written")
`;
