import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { dbt as anyDbt, type Finished } from '../support/dbt.ts';
import { type Administrator, asSuperuser, createDatabase, install, plainAdministrator, setPasswords, using } from '../support/postgres-engine.ts';
import { type Server, startServer } from '../support/postgres-server.ts';
import { scaffold } from '../support/scaffold.ts';

const DATABASE = 'acme';
const GIVEN = { warehouse: 'postgres', team: 'priya, sam', readers: 'looker, anna:reviews', sourceSchemas: '' };
const CI = 'acme_ci_service';
const PROD = 'acme_prod_service';
const LOGINS = ['priya', 'sam', 'looker', 'anna', CI, PROD, 'acme_janitor'] as const;

/** One model of every materialization that leaves something behind or needs a temporary table on the way. */
const PROJECT: Readonly<Record<string, string>> = {
  'seeds/numbers.csv': 'id,amount,seen_at\n1,10,2026-01-01\n2,20,2026-01-02\n',
  'models/eph.sql': "{{ config(materialized='ephemeral') }} select id, amount, seen_at from {{ ref('numbers') }}",
  'models/vw.sql': "{{ config(materialized='view') }} select * from {{ ref('eph') }}",
  'models/tbl.sql': "{{ config(materialized='table') }} select id, amount + {{ var('more', 0) }} as amount from {{ ref('eph') }}",
  'models/mv.sql': "{{ config(materialized='materialized_view') }} select * from {{ ref('vw') }}",
  ...Object.fromEntries(
    ['append', 'merge', 'delete+insert'].map((strategy) => [
      `models/inc_${strategy.replace('+', '_')}.sql`,
      `{{ config(materialized='incremental', incremental_strategy='${strategy}', ${strategy === 'append' ? '' : "unique_key='id', "}on_schema_change='append_new_columns') }}
       select id, amount{% if var('more', 0) %}, seen_at{% endif %} from {{ ref('eph') }}`,
    ]),
  ),
  'snapshots/snap.yml':
    "snapshots:\n  - name: snap\n    relation: ref('tbl')\n    config:\n      unique_key: id\n      strategy: check\n      check_cols: [amount]\n",
};
const BUILT = ['inc_append', 'inc_delete_insert', 'inc_merge', 'mv', 'numbers', 'snap', 'tbl', 'vw'];

let server: Server;
let admin: Administrator;
let passwords: ReadonlyMap<string, string>;
const folders: string[] = [];

const secret = (login: string): string => passwords.get(login) ?? '';
const connection = (): Record<string, string> => ({
  DBT_PG_HOST: server.host,
  DBT_PG_PORT: String(server.port),
  DBT_PG_DATABASE: DATABASE,
  DBT_PG_SSLMODE: 'disable',
});
const developer = (name: string): Record<string, string> => ({ ...connection(), DBT_DEV_NAME: name, DBT_ENV_SECRET_DEV_PASSWORD: secret(name) });
const ci = (pr: number): Record<string, string> => ({ ...connection(), PR_NUMBER: String(pr), DBT_ENV_SECRET_CI_PASSWORD: secret(CI) });
const prod = (): Record<string, string> => ({ ...connection(), DBT_ENVS_RUNNER: 'merge', DBT_ENV_SECRET_PROD_PASSWORD: secret(PROD) });

const dbt = (project: string, args: readonly string[], env: Record<string, string>): Promise<Finished> => anyDbt(project, args, { env, python: 'postgres' });
const succeeds = async (running: Promise<Finished>): Promise<string> => {
  const { code, output } = await running;
  expect(output, output).not.toMatch(/\b(?:ERROR|FAIL)\b \d|Encountered an error/);
  expect(code, output).toBe(0);
  return output;
};
const sql = (login: string, statement: string): Promise<Record<string, unknown>[]> =>
  using(
    server,
    login === admin.login ? admin : login === server.superuser ? { login, password: server.password } : { login, password: secret(login) },
    DATABASE,
    async (client) => (await client.query(statement)).rows,
  );
const sessions: pg.Client[] = [];
/** A session that ends with its test: what it has read would hold up the deploys of the next one. */
async function connect(login: string): Promise<pg.Client> {
  const session = await server.connect(login, secret(login), DATABASE);
  sessions.push(session);
  return session;
}
afterEach(async () => {
  for (const session of sessions.splice(0)) await session.end();
});
/** The relations of a schema. */
const relations = async (schema: string): Promise<readonly string[]> =>
  (
    await sql(
      server.superuser,
      `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = '${schema}' and c.relkind in ('r', 'v', 'm', 'p') order by 1`,
    )
  ).map(({ name }) => String(name));

let scaffolded: string;
/** A checkout of the emitted repository with these models instead of the example. */
function checkout(files: Readonly<Record<string, string>> = PROJECT): string {
  const project = mkdtempSync(path.join(tmpdir(), 'dbt-envs-postgres-dbt-'));
  folders.push(project);
  cpSync(scaffolded, project, { recursive: true });
  for (const example of ['models', 'seeds', 'snapshots', 'tests']) rmSync(path.join(project, example), { recursive: true, force: true });
  for (const [file, text] of Object.entries(files)) put(project, file, text);
  return project;
}
function put(project: string, file: string, text: string): void {
  mkdirSync(path.dirname(path.join(project, file)), { recursive: true });
  writeFileSync(path.join(project, file), text);
}

beforeAll(async () => {
  server = await startServer();
  admin = await plainAdministrator(server);
  await createDatabase(server, DATABASE, admin, 'select 1');
  await install(server, admin, DATABASE, GIVEN);
  passwords = await setPasswords(server, LOGINS);
  scaffolded = scaffold(GIVEN);
  folders.push(scaffolded);
});
afterAll(async () => {
  await server?.stop();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** Runs dbt in several checkouts that all reach the door at the same moment: a row of ours in the registry, which nobody will keep, holds them there until the last has come. */
async function atOnce(schema: string, running: () => readonly Promise<Finished>[]): Promise<readonly Finished[]> {
  const gate = await server.connect(server.superuser, server.password, DATABASE);
  try {
    await gate.query(`begin; insert into acme_door.environment (schema_name, created_by) values ('${schema}', 'gate')`);
    const jobs = running();
    await expect
      .poll(
        async () => {
          await gate.query('select pg_stat_clear_snapshot()'); // a transaction sees pg_stat_activity as it was
          return (await gate.query("select from pg_stat_activity where wait_event_type = 'Lock' and query ~* 'create_schema'")).rowCount;
        },
        { timeout: 60_000 },
      )
      .toBe(jobs.length);
    await gate.query('rollback');
    return await Promise.all(jobs);
  } finally {
    await gate.end();
  }
}

describe('several at once', () => {
  test.each([
    ['pr_11', CI, 'ci', 3],
    ['dev_priya', 'priya', 'dev', 2],
  ] as const)('jobs that find %s missing all build in it, and it is registered once', async (schema, login, target, jobs) => {
    const env = target === 'ci' ? ci(11) : developer('priya');
    const checkouts = Array.from({ length: jobs }, (_, at) =>
      checkout(Object.fromEntries([1, 2, 3, 4].map((model) => [`models/job${at}_model${model}.sql`, "{{ config(materialized='table') }} select 1 as id"]))),
    );
    const finished = await atOnce(schema, () => checkouts.map((project) => dbt(project, ['run', '--target', target], env)));
    for (const { code, output } of finished) expect(code, output).toBe(0);
    expect(await relations(schema)).toHaveLength(4 * jobs);
    expect(await sql(login, `select created_by from acme_door.environment where schema_name = '${schema}'`)).toEqual([{ created_by: login }]);
  });
});

const environments = ['prod', 'ci', 'dev'] as const;
const homes = new Map<string, string>();
const home = (target: (typeof environments)[number]): string => {
  const made = homes.get(target) ?? checkout();
  homes.set(target, made);
  return made;
};
const envOf = { prod, ci: () => ci(7), dev: () => developer('sam') } as const;
const schemaOf = { prod: 'analytics', ci: 'pr_7', dev: 'dev_sam' } as const;
const build = (target: (typeof environments)[number], ...args: readonly string[]): Promise<string> =>
  succeeds(dbt(home(target), ['build', '--target', target, ...args], envOf[target]()));
const count = async (login: string, relation: string): Promise<number> => Number((await sql(login, `select count(*) from ${relation}`))[0]?.count);

describe('every materialization, in every environment', () => {
  /** dbt's own temporary relations, wherever they are. */
  const leftBehind = (): Promise<Record<string, unknown>[]> =>
    sql(server.superuser, "select relname from pg_class where relkind in ('r', 'v', 'm') and relname ~ '__dbt_(tmp|backup)'");
  const readerOf = { prod: 'looker', ci: 'anna', dev: 'sam' } as const;

  test.each([
    ['from nothing', [], { inc_append: 2, inc_merge: 2, inc_delete_insert: 2, snap: 2, mv: 2, tbl: 2 }],
    ['again, with changed rows and a new column', ['--vars', '{more: 1}'], { inc_append: 4, inc_merge: 2, inc_delete_insert: 2, snap: 4, mv: 2, tbl: 2 }],
    ['from nothing again', ['--vars', '{more: 1}', '--full-refresh'], { inc_append: 2, inc_merge: 2, inc_delete_insert: 2, snap: 4, mv: 2, tbl: 2 }],
  ] as const)('%s: all in the one schema, readable, and nothing left behind', async (_, args, rows) => {
    await Promise.all(environments.map((target) => build(target, ...args)));
    for (const target of environments) {
      // The example's dbt_project.yml gives seeds a schema of their own in production.
      expect(await relations(schemaOf[target]), target).toEqual(BUILT.filter((name) => target !== 'prod' || name !== 'numbers'));
      for (const [name, expected] of Object.entries(rows))
        expect(await count(readerOf[target], `${schemaOf[target]}.${name}`), `${target}: ${name}`).toBe(expected);
    }
    expect(await relations('staging')).toEqual(['numbers']);
    expect(await leftBehind()).toEqual([]);
  });

  test('a model that was renamed leaves its old relation, which dbt does not know any more', async () => {
    put(home('dev'), 'models/renamed.sql', PROJECT['models/tbl.sql'] ?? '');
    await succeeds(dbt(home('dev'), ['run', '--select', 'renamed'], developer('sam')));
    rmSync(path.join(home('dev'), 'models/renamed.sql'));
    put(home('dev'), 'models/renamed_again.sql', PROJECT['models/tbl.sql'] ?? '');
    await succeeds(dbt(home('dev'), ['run', '--select', 'renamed_again'], developer('sam')));
    expect(await relations('dev_sam')).toEqual([...BUILT, 'renamed', 'renamed_again'].sort());
  });
});

/** What production deploys below; AMOUNT changes the rows of orders, NARROW takes a column from daily. */
const DEPLOYED: Readonly<Record<string, string>> = {
  'models/orders.sql': "{{ config(materialized='table') }} select 1 as id, {{ env_var('AMOUNT', '10') }} as amount",
  'models/daily.sql': `{{ config(materialized='incremental', unique_key='id', on_schema_change='sync_all_columns') }}
    select 1 as id{% if env_var('NARROW', '') == '' %}, 10 as amount{% endif %}`,
  'models/on_orders.sql': "{{ config(materialized='view') }} select * from {{ ref('orders') }}",
};
let production: string;
const deploy = (args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<Finished> =>
  dbt(production, ['run', '--target', 'prod', ...args], { ...prod(), ...env });
const amount = async (login: string): Promise<unknown> => (await sql(login, 'select amount from analytics.orders'))[0]?.amount;
const waiting = (login: string): Promise<number> =>
  sql(server.superuser, `select from pg_stat_activity where usename = '${login}' and wait_event_type = 'Lock' and wait_event = 'relation'`).then(
    (rows) => rows.length,
  );
/** Everything in production, by name and by identity. */
const ofProduction = (): Promise<Record<string, unknown>[]> =>
  sql(server.superuser, "select relname, oid::text from pg_class where relnamespace = 'analytics'::regnamespace and relkind in ('r', 'v', 'm') order by 1");

describe('production replaces a table that somebody reads', () => {
  beforeAll(async () => {
    production = checkout(DEPLOYED);
    await succeeds(deploy());
  });

  test('an open transaction holds up the swap and every later reader; then the deploy gives up, says so, and has changed nothing', async () => {
    await asSuperuser(server, DATABASE, `alter role ${PROD} set lock_timeout = '6s'`);
    const before = await ofProduction();
    const dashboard = await connect('looker');
    await dashboard.query('begin; select * from analytics.orders');
    const deploying = deploy(['--select', 'orders'], { AMOUNT: '11' });
    await expect.poll(() => waiting(PROD), { timeout: 60_000 }).toBe(1);
    const later = amount('anna');
    await expect.poll(() => waiting('anna'), { timeout: 6_000 }).toBe(1);
    const failed = await deploying;
    expect(failed.code).not.toBe(0);
    expect(failed.output).toMatch(/Database Error in model orders .*\n\s*canceling statement due to lock timeout/);
    expect(await later).toBe(10);
    expect(await ofProduction()).toEqual(before);

    await dashboard.query('commit');
    await succeeds(deploy(['--select', 'orders'], { AMOUNT: '11' }));
    expect((await dashboard.query('select amount from analytics.orders')).rows).toEqual([{ amount: 11 }]);
    await asSuperuser(server, DATABASE, `alter role ${PROD} set lock_timeout = '10min'`);
  });

  test('a view on that table goes with it, until its own model runs', async () => {
    await expect(sql('looker', 'select * from analytics.on_orders')).rejects.toThrow('relation "analytics.on_orders" does not exist');
    await succeeds(deploy([], { AMOUNT: '12' }));
    expect(await sql('looker', 'select amount from analytics.on_orders')).toEqual([{ amount: 12 }]);
  });

  test('readers in autocommit see no error during hundreds of swaps, prepared or not, and each of them old rows or new', async () => {
    const service = await connect(PROD);
    const seen = new Set<string>();
    let done = false;
    const readers = ['looker', 'anna', 'priya', 'sam'].map(async (login, at) => {
      const session = await connect(login);
      const query = { text: 'select amount from analytics.orders', ...(at % 2 === 0 && { name: 'prepared' }) };
      while (!done) {
        seen.add(
          await session.query(query).then(
            ({ rows }) => JSON.stringify(rows),
            (error: Error) => error.message,
          ),
        );
      }
    });
    await succeeds(deploy(['--select', 'orders'], { AMOUNT: '13' }));
    // The same statements, transaction by transaction, without the seconds that dbt needs to start.
    for (let swap = 0; swap < 300; swap++) {
      await service.query(`begin; create table analytics.orders__dbt_tmp as select 1 as id, ${12 + (swap % 2)} as amount;
        alter table analytics.orders rename to orders__dbt_backup; alter table analytics.orders__dbt_tmp rename to orders; commit`);
      await service.query('drop table if exists analytics.orders__dbt_backup cascade');
    }
    done = true;
    await Promise.all(readers);
    expect([...seen].sort()).toEqual(['[{"amount":12}]', '[{"amount":13}]']);
  });

  test('two readers that a swap does not spare: one with an older snapshot reads no rows, one that prepared select * is refused once a column is new', async () => {
    // https://www.postgresql.org/docs/current/mvcc-caveats.html: the new table's rows are younger than the snapshot.
    const extract = await connect('looker');
    await extract.query('begin isolation level repeatable read; select * from analytics.daily');
    const dashboard = await connect('anna');
    const prepared = { name: 'all', text: 'select * from analytics.orders' };
    await dashboard.query(prepared);
    await succeeds(deploy(['--select', 'orders'], { AMOUNT: '14' }));
    expect((await extract.query('select * from analytics.orders')).rows).toEqual([]);
    await extract.query('commit');
    expect((await dashboard.query(prepared)).rows).toEqual([{ id: 1, amount: 14 }]);
    await succeeds(deploy(['--select', 'orders'], { AMOUNT: '0 as added, 14' }));
    await expect(dashboard.query(prepared)).rejects.toThrow('cached plan must not change result type');
  });
});

describe('what others build on production’s tables', () => {
  const mine = ['mine', 'mine_copied', 'mine_stored'];
  const onProduction = (): string =>
    checkout({
      ...DEPLOYED,
      'models/mine.sql': "{{ config(materialized='view') }} select * from {{ ref('orders') }}",
      'models/mine_stored.sql': "{{ config(materialized='materialized_view') }} select * from {{ ref('orders') }}",
      'models/mine_copied.sql': "{{ config(materialized='table') }} select * from {{ ref('orders') }}",
      'models/narrow.sql': "{{ config(materialized='view') }} select amount from {{ ref('daily') }}",
    });
  let dev: string;
  let pull: string;
  const state = (): readonly string[] => ['--defer', '--favor-state', '--state', path.join(production, 'target')];
  const inDev = (...select: readonly string[]): Promise<Finished> => dbt(dev, ['run', '--select', ...select, ...state()], developer('priya'));
  const inPull = (...select: readonly string[]): Promise<Finished> => dbt(pull, ['run', '--target', 'ci', '--select', ...select, ...state()], ci(8));

  beforeAll(async () => {
    await succeeds(deploy());
    [dev, pull] = [onProduction(), onProduction()];
    await sql('priya', "call acme_door.drop_schema('dev_priya')");
    await Promise.all([succeeds(inDev(...mine)), succeeds(inPull(...mine))]);
  });

  test('a deploy takes their views and materialized views with the old table, and nothing else; the next build makes them again', async () => {
    for (const schema of ['dev_priya', 'pr_8']) expect(await relations(schema)).toEqual(mine);
    const before = await relations('analytics');
    await succeeds(deploy([], { AMOUNT: '20' }));
    for (const schema of ['dev_priya', 'pr_8']) expect(await relations(schema)).toEqual(['mine_copied']);
    expect(await relations('analytics')).toEqual(before);

    await Promise.all([succeeds(inDev(...mine)), succeeds(inPull(...mine))]);
    for (const [login, schema] of [
      ['priya', 'dev_priya'],
      [CI, 'pr_8'],
    ] as const) {
      expect(await relations(schema)).toEqual(mine);
      expect(await sql(login, `select amount from ${schema}.mine`)).toEqual([{ amount: 20 }]);
    }
  });

  test('a column that production drops from an incremental table: a view of theirs on it goes with it; a view of production keeps it', async () => {
    await succeeds(inDev('narrow'));
    const narrowed = (): Promise<Finished> => deploy(['--select', 'daily'], { NARROW: 'yes' });
    await sql(PROD, 'create view analytics.by_hand as select amount from analytics.daily');
    const failed = await narrowed();
    expect(failed.output).toMatch(
      /cannot drop column amount of table analytics\.daily .*\n\s*DETAIL: +view (analytics\.by_hand|dev_priya\.narrow) depends on column amount/,
    );
    expect(failed.code).not.toBe(0);
    expect(await sql('looker', 'select amount from analytics.daily')).toEqual([{ amount: 10 }]);
    expect(await relations('dev_priya')).toContain('narrow');
    await sql(PROD, 'drop view analytics.by_hand');
    await succeeds(narrowed());
    expect(await sql('looker', 'select * from analytics.daily')).toEqual([{ id: 1 }]);
    expect(await relations('dev_priya')).not.toContain('narrow');
  });

  test('dropping their schemas never reaches production, and production cannot build on them', async () => {
    const before = await ofProduction();
    await expect(sql(PROD, 'create view analytics.leak as select * from dev_priya.mine_copied')).rejects.toThrow('permission denied for schema dev_priya');
    await expect(sql(PROD, 'create view analytics.leak as select * from pr_8.mine_copied')).rejects.toThrow('permission denied for schema pr_8');
    await sql('priya', "call acme_door.drop_schema('dev_priya')");
    await sql(CI, "call acme_door.drop_schema('pr_8')");
    expect(await ofProduction()).toEqual(before);
  });

  test('drop_pr_schema takes what other environments built on its tables, but no copy', async () => {
    await sql(CI, "call acme_door.create_schema('pr_21'); call acme_door.create_schema('pr_22'); create table pr_22.t as select 1 as id");
    await sql(CI, 'create view pr_21.v as select * from pr_22.t; create table pr_21.copied as select * from pr_22.t');
    await sql(
      'priya',
      "call acme_door.create_schema('dev_priya'); create view dev_priya.v as select * from pr_22.t; create table dev_priya.copied as select * from pr_22.t",
    );
    const before = await ofProduction();
    await succeeds(dbt(pull, ['run-operation', 'drop_pr_schema', '--target', 'ci'], ci(22)));
    expect([await relations('pr_21'), await relations('dev_priya'), await ofProduction()]).toEqual([['copied'], ['copied'], before]);
  });
});

describe('a grants config', () => {
  const GRANTED = {
    'models/granted.sql': "{{ config(materialized='incremental', grants={'select': ['acme_reader']}) }} select 1 as id",
  };
  const readers = async (): Promise<readonly string[]> =>
    (
      await sql(
        server.superuser,
        "select rolname from pg_roles where rolname in ('acme_developer', 'acme_reader', 'acme_reviewer', 'acme_ci_service') and has_table_privilege(oid, 'analytics.granted', 'SELECT') order by 1",
      )
    ).map(({ rolname }) => String(rolname));
  test('takes reading from nobody; without our macro it leaves only those whom it lists', async () => {
    const project = checkout(GRANTED);
    const run = (): Promise<string> => succeeds(dbt(project, ['run', '--target', 'prod'], prod()));
    for (const round of [1, 2]) {
      await run();
      expect(await readers(), `run ${round}`).toEqual(['acme_ci_service', 'acme_developer', 'acme_reader', 'acme_reviewer']);
    }
    rmSync(path.join(project, 'macros/dbt_envs/apply_grants.sql'));
    await run();
    expect(await readers()).toEqual(['acme_reader']);
  });
});

describe('3,000 schemas of others', () => {
  test('dbt makes and finds its own among them, and lists no other', async () => {
    for (let batch = 0; batch < 6; batch++) {
      await asSuperuser(
        server,
        DATABASE,
        `do $$ begin for i in 1..500 loop execute format('create schema dev%1$s_${batch}; create table dev%1$s_${batch}.t (i int)', i); end loop; end $$`,
      );
    }
    const project = checkout({ 'models/one.sql': "{{ config(materialized='table') }} select 1 as id" });
    for (const round of [1, 2]) {
      await succeeds(dbt(project, ['run', '--target', 'ci'], ci(33)));
      expect(await relations('pr_33'), `run ${round}`).toEqual(['one']);
    }
    const output = await succeeds(dbt(project, ['--quiet', 'run-operation', 'env_schemas', '--target', 'ci'], ci(33)));
    const listed: { schemas: { schema: string; relations: number }[] } = JSON.parse(output.trim().split('\n').at(-1) ?? '');
    expect(listed.schemas).toContainEqual(expect.objectContaining({ schema: 'pr_33', relations: 1 }));
    expect(listed.schemas.map(({ schema }) => schema).filter((schema) => !/^(dev_(priya|sam)|pr_\d+)$/.test(schema))).toEqual([]);
  });
});
