import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { python } from '../../support/dbt.ts';
import { CI, JANITOR, type Listing, lastLine, type Sweep, type SweptWarehouse, startSweptWarehouse } from '../../support/postgres-sweep.ts';
import { pythonEnvironment } from '../../support/python.ts';

/** Runs dbt as a child of its own and says how much memory it took at most: on Linux ru_maxrss is in kilobytes. */
const MEASURED = `
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print("MB", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.exit(code)`;

interface Measured<T> {
  readonly said: T;
  readonly seconds: number;
  readonly megabytes: number;
  /** Statements that dbt sent for it, besides BEGIN, COMMIT, ROLLBACK and the end of the session. */
  readonly statements: number;
}

let warehouse: SweptWarehouse;
beforeAll(async () => {
  warehouse = await startSweptWarehouse();
});
afterAll(() => warehouse?.stop());

async function measured<T>(name: string, args: object = {}): Promise<Measured<T>> {
  const { dbt } = await pythonEnvironment('postgres');
  const { password } = warehouse.login(JANITOR);
  const log = path.join(warehouse.project, 'logs', 'dbt.log');
  rmSync(log, { force: true });
  const started = performance.now();
  const { code, output } = await python(
    warehouse.project,
    ['-c', MEASURED, dbt, '--quiet', 'run-operation', name, '--target', 'ci', '--args', JSON.stringify(args)],
    {
      python: 'postgres',
      env: {
        DBT_PG_HOST: warehouse.server.host,
        DBT_PG_PORT: String(warehouse.server.port),
        DBT_PG_DATABASE: 'warehouse',
        DBT_PG_SSLMODE: 'disable',
        DBT_CI_LOGIN: JANITOR,
        DBT_ENV_SECRET_CI_PASSWORD: password,
      },
    },
  );
  const seconds = (performance.now() - started) / 1000;
  if (code !== 0) throw new Error(output.slice(-3000));
  // A setting is no query; dbt's own comment stands before it.
  const sent = readFileSync(log, 'utf8').match(/On macro_\w+: (?!BEGIN|COMMIT|ROLLBACK|Close)(?:\/\*[\s\S]*?\*\/\s*)?\w+/g) ?? [];
  const statements = sent.filter((one) => !/\bset$/.test(one)).length;
  const megabytes = Number(/^MB (\d+)$/m.exec(output)?.[1]);
  console.log(`${name}: ${seconds.toFixed(1)} s, ${statements} statements, at most ${megabytes} MB`);
  return { said: JSON.parse(lastLine(output)), seconds, megabytes, statements };
}

/** Schemas of pull requests from `from` on, each with a table and a view on it, which nobody has used for long. */
async function pulls(from: number, count: number): Promise<void> {
  for (let start = from; start < from + count; start += 500) {
    await warehouse.sql(
      `begin; set local role acme_env_owner;
       do $$ begin for i in ${start}..${Math.min(start + 499, from + count - 1)} loop
         execute format('create schema pr_%1$s; create table pr_%1$s.orders (id int, note text); create view pr_%1$s.v as select * from pr_%1$s.orders', i);
         insert into acme_door.environment values ('pr_' || i, '${CI}', now() - interval '50 days', now() - interval '40 days');
       end loop; end $$; commit`,
    );
  }
}

describe('10,000 schemas', () => {
  let listing: Listing;
  beforeAll(async () => {
    await pulls(1, 10_000);
    await warehouse.sql(
      "create role stranger; do $$ begin for i in 1..300 loop execute format('create schema pr_old_%s authorization stranger', i); end loop; end $$",
    );
  }, 600_000);

  test('env_schemas lists them with two queries, in less than a minute and 500 MB', async () => {
    const small = await measured<object>('keep_schema', { schema: 'pr_1', until: null }); // what dbt itself takes
    const { said, seconds, megabytes, statements } = await measured<Listing>('env_schemas');
    listing = said;
    expect(said.schemas).toHaveLength(10_000);
    expect(said.schemas[0]).toMatchObject({ schema: 'pr_1', created_by: CI, relations: 2, bytes: 8192 });
    expect(said.others).toHaveLength(300);
    expect(statements).toBe(2);
    expect(seconds).toBeLessThan(60);
    expect(megabytes).toBeLessThan(500);
    expect(megabytes - small.megabytes).toBeLessThan(200);
  });

  test('25 of them go in a few seconds, with two statements each', async () => {
    const { said, seconds, statements } = await measured<Sweep>('drop_stale_schemas', {
      candidates: listing.schemas.slice(0, 25).map(({ schema }) => schema),
      listed_at: listing.listed_at,
      dry_run: false,
    });
    expect(said.cleared).toHaveLength(25);
    expect(statements).toBe(25 * 2);
    expect(seconds).toBeLessThan(30);
  });

  test('1,000 more go in one call, and two statements each are enough', async () => {
    const { said, seconds, megabytes, statements } = await measured<Sweep>('drop_stale_schemas', {
      candidates: listing.schemas.slice(25, 1025).map(({ schema }) => schema),
      listed_at: listing.listed_at,
      dry_run: false,
    });
    expect(said.cleared).toHaveLength(1000);
    expect(said.failed).toEqual([]);
    expect(statements).toBe(2000);
    expect(seconds).toBeLessThan(180);
    expect(megabytes).toBeLessThan(500);
    expect(await warehouse.sql('select count(*)::int as n from acme_door.swept')).toEqual([{ n: 1025 }]);
  });

  test('the report measures all that is left', async () => {
    const { said, seconds } = await measured<{ storage: unknown[]; cleared: unknown[] }>('report');
    expect(said.storage).toHaveLength(8975 + 2);
    expect(said.cleared).toHaveLength(1025);
    expect(seconds).toBeLessThan(60);
  });
});

describe('one schema of 6,000 tables', () => {
  const TABLES = 6000;
  /** The most locks that one session of that login held, while `work` ran. */
  async function mostLocks<T>(login: string, work: () => Promise<T>): Promise<{ readonly done: T; readonly locks: number }> {
    const watcher = await warehouse.server.connect(warehouse.server.superuser, warehouse.server.password, 'warehouse');
    let locks = 0;
    let over = false;
    const watching = (async () => {
      while (!over) {
        const { rows } = await watcher.query<{ n: number }>(
          `select coalesce(max(n), 0)::int as n from (select count(*) as n from pg_locks l join pg_stat_activity a using (pid) where a.usename = '${login}' group by pid) as x`,
        );
        locks = Math.max(locks, rows[0]?.n ?? 0);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    })();
    try {
      return { done: await work(), locks };
    } finally {
      over = true;
      await watching;
      await watcher.end();
    }
  }
  /** Tables of `schema`, each with those columns. */
  async function tables(schema: string, columns: string): Promise<void> {
    await warehouse.sql(`call acme_door.create_schema('${schema}')`, CI);
    for (let batch = 0; batch < TABLES / 200; batch++) {
      await warehouse.sql(`do $$ begin for i in 1..200 loop execute format('create table ${schema}.t_${batch}_%s (${columns})', i); end loop; end $$`, CI);
    }
    await warehouse.age(schema);
  }

  test.each([
    ['as dbt makes them', 'pr_20001', 'id int, name text'],
    ['with four indexes and a sequence each', 'pr_20002', 'id serial primary key, name text unique, x int unique, y int unique'],
  ])('%s: it goes in steps, and leaves half of the locks of the server to others', async (_, schema, columns) => {
    await tables(schema, columns);
    const [settings] = await warehouse.sql(
      "select current_setting('max_locks_per_transaction')::int as each, current_setting('max_connections')::int as connections, pg_size_pretty(sum(pg_total_relation_size(oid))) as size from pg_class where relnamespace = $$" +
        `${schema}$$::regnamespace and relkind = 'r'`,
    );
    expect(settings?.each).toBe(64); // PostgreSQL's default
    const all = 64 * Number(settings?.connections);
    const { listed_at } = await warehouse.list();
    const { done, locks } = await mostLocks(JANITOR, () => measured<Sweep>('drop_stale_schemas', { candidates: [schema], listed_at, dry_run: false }));
    console.log(`${TABLES} tables, ${String(settings?.size)}: at most ${locks} of ${all} locks at once`);
    expect(done.said.cleared).toEqual([{ schema, how: 'dropped', relations: TABLES, took_along: [] }]);
    // A server of 100 connections, the default, has 6,400; ours, of 60, has 3,840 and what is left of its shared memory.
    expect(locks).toBeLessThan(3200);
    expect(done.seconds).toBeLessThan(240);
  });

  test('to drop it in one transaction takes more locks than there are', async () => {
    await tables('pr_20003', 'id serial primary key, name text unique');
    await expect(warehouse.sql('drop schema pr_20003 cascade')).rejects.toThrow('out of shared memory');
  });
});
