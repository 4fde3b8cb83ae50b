import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Server, startServer } from '../test/support/postgres-server.ts';
import { act, type Table } from './stage.ts';

const DATABASE = 'acme';
const ADMINISTRATOR = 'dba';
export const LOGINS = ['priya', 'sam', 'anna', 'looker', 'acme_ci_service', 'acme_janitor', 'acme_prod_service'] as const;
export type Login = (typeof LOGINS)[number];
/** Whoever looks at the whole, and sets the registry's times: PostgreSQL's superuser. */
type Anybody = Login | 'postgres' | typeof ADMINISTRATOR;

export interface Warehouse {
  readonly address: string;
  /** One statement under that login, in a session of its own. */
  ask(login: Anybody, statement: string): Promise<Table>;
  /** What one statement gives under that login; it is undone. */
  attempt(login: Login, statement: string): Promise<'done' | string>;
  /** Runs grants/<name>.sql as the administrator. */
  script(name: string): Promise<void>;
  /** Variables of an identity's own shell or job; its password among them. */
  environment(login: Login): Readonly<Record<string, string>>;
  /** Schemas of environments and of production, and those that are called like one. */
  schemas(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** A real server with a database in which somebody made a schema by hand, years ago. Nothing of ours is in it yet. */
export async function openWarehouse(folder: string): Promise<Warehouse> {
  const server = await startServer();
  const passwords = new Map<Anybody, string>([['postgres', server.password]]);
  const invent = (login: Anybody): string => {
    passwords.set(login, randomBytes(9).toString('hex'));
    return passwords.get(login) ?? '';
  };
  const session = async <T>(login: Anybody, database: string, work: (client: Awaited<ReturnType<Server['connect']>>) => Promise<T>): Promise<T> => {
    const client = await server.connect(login, passwords.get(login) ?? '', database);
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  };
  const script = (name: string): Promise<void> =>
    session(ADMINISTRATOR, DATABASE, async (client) => void (await client.query(readFileSync(path.join(folder, 'grants', `${name}.sql`), 'utf8'))));
  try {
    await session('postgres', 'postgres', async (client) => {
      await client.query(`create role ${ADMINISTRATOR} login createrole createdb password '${invent(ADMINISTRATOR)}'`);
      await client.query(`create database ${DATABASE} owner ${ADMINISTRATOR}`);
      await client.query('create role dbt_shared login');
    });
    await session('postgres', DATABASE, async (client) => {
      await client.query(`create schema "${LEFTOVER}" authorization dbt_shared`);
      await client.query('set role dbt_shared');
      await client.query(`create table "${LEFTOVER}".fct_events as select id, repeat('x', 200) as payload from generate_series(1, 20000) as id`);
    });
  } catch (error) {
    await server.stop();
    throw error;
  }
  return {
    address: `${server.host}:${server.port}`,
    ask: (login, statement) =>
      session(login, DATABASE, async (client) => {
        const { rows, fields } = await client.query<Record<string, unknown>>(statement);
        const heading = fields.map(({ name }) => name);
        return { heading, rows: rows.map((row) => heading.map((name) => String(row[name]))) };
      }),
    attempt: (login, statement) =>
      session(login, DATABASE, async (client) => {
        await client.query('begin');
        const answer = await client.query(statement).then(
          () => 'done',
          (error: Error) => error.message,
        );
        await client.query('rollback');
        return answer;
      }),
    script: async (name) => {
      await script(name);
      if (name !== '50_readers') return;
      await session(ADMINISTRATOR, DATABASE, async (client) => {
        for (const login of LOGINS) await client.query(`alter role ${login} password '${invent(login)}'`);
      });
    },
    environment: (login) => ({
      ...{ DBT_PG_HOST: server.host, DBT_PG_PORT: String(server.port), DBT_PG_DATABASE: DATABASE, DBT_PG_SSLMODE: 'disable' },
      [secretOf(login)]: passwords.get(login) ?? '',
    }),
    schemas: () =>
      session('postgres', DATABASE, async (client) => {
        const { rows } = await client.query<{ name: string }>(
          "select nspname as name from pg_namespace where nspname ~* '^(dev|pr)_' or nspname = 'analytics' order by nspname <> 'analytics', nspname",
        );
        return rows.map(({ name }) => name);
      }),
    stop: () => server.stop(),
  };
}

/** Not made by this project, and called as if it were: the sweep reports it, and leaves it. */
export const LEFTOVER = 'dev_priya_test_v2_FINAL_for_real';

function secretOf(login: Login): string {
  if (login === 'acme_prod_service') return 'DBT_ENV_SECRET_PROD_PASSWORD';
  return login === 'acme_ci_service' || login === 'acme_janitor' ? 'DBT_ENV_SECRET_CI_PASSWORD' : 'DBT_ENV_SECRET_DEV_PASSWORD';
}

/** What an administrator does once: the scripts in the order of their numbers, then passwords. */
export async function install(warehouse: Warehouse): Promise<void> {
  await act({ title: `An administrator who is no superuser reads grants/ and runs it (PostgreSQL at ${warehouse.address})` }, async () => {
    const lines: string[] = [];
    for (const name of ['10_roles', '20_boundary', '30_developers', '40_services', '50_readers']) {
      await warehouse.script(name);
      lines.push(`grants/${name}.sql`);
    }
    return { lines };
  });
}
