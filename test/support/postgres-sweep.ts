import { type Finished, dbt as run } from './dbt.ts';
import { type Administrator, createDatabase, install, plainAdministrator, setPasswords, superuserOf, using } from './postgres-engine.ts';
import { BEFORE, MATRIX_ANSWERS } from './postgres-matrix.ts';
import { type Server, startServer } from './postgres-server.ts';
import { scaffold } from './scaffold.ts';

export const JANITOR = 'acme_janitor';
export const CI = 'acme_ci_service';
export const PROD = 'acme_prod_service';
const LOGINS = ['priya', 'sam', 'Sam.Smith@acme.example', 'looker', 'anna', CI, PROD, JANITOR] as const;
const DATABASE = 'warehouse';

/** What env_schemas says of a schema of ours. */
export interface EnvironmentSchema {
  readonly schema: string;
  readonly created_by: string | null;
  readonly created_at: string | null;
  readonly last_used_at: string | null;
  readonly closed_at: string | null;
  readonly keep_until: string | null;
  readonly relations: number;
  readonly bytes: number | null;
}
export interface Listing {
  readonly listed_at: string;
  readonly schemas: readonly EnvironmentSchema[];
  readonly others: readonly { readonly schema: string; readonly owner: string; readonly relations: number; readonly bytes: number | null }[];
  readonly handover: string;
}
/** What drop_stale_schemas says. */
export interface Sweep {
  readonly cleared: readonly { readonly schema: string; readonly how: string; readonly relations: number; readonly took_along: readonly string[] }[];
  readonly kept: readonly { readonly schema: string; readonly why: string }[];
  readonly failed: readonly { readonly schema: string; readonly why: string }[];
}

/** A warehouse with the boundary, its emitted repository, and the janitor who runs dbt in it with its own login. */
export interface SweptWarehouse {
  readonly server: Server;
  readonly admin: Administrator;
  readonly project: string;
  /** Rows, in a session of that login's own; as the superuser without one. */
  sql(statement: string, login?: string): Promise<Record<string, unknown>[]>;
  /** The message of the error; `done` without one. */
  failure(statement: string, login?: string): Promise<string>;
  login(name: string): Administrator;
  /** An operation under target ci, without a pull request. */
  operation(name: string, args?: object, login?: string, env?: Readonly<Record<string, string>>): Promise<Finished>;
  /** dbt as a developer. */
  develop(slug: string, ...args: readonly string[]): Promise<Finished>;
  /** dbt as CI, for a pull request. */
  pull(number: number, ...args: readonly string[]): Promise<Finished>;
  list(): Promise<Listing>;
  sweep(candidates: readonly string[], listedAt: string, dryRun?: boolean): Promise<Sweep & { readonly code: number; readonly output: string }>;
  /** The registry says that nobody has used these for forty days. */
  age(...schemas: readonly string[]): Promise<void>;
  /** Environment schemas that are there, in order. */
  schemas(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export const lastLine = (output: string): string =>
  output
    .trimEnd()
    .split('\n')
    .findLast((line) => line.startsWith('{')) ?? '';

/**
 * While `work` runs, the door does not hold back what was used lately, so that what else stands between the sweep and a
 * schema in use is seen to hold alone.
 */
export async function forgetful<T>({ sql }: SweptWarehouse, work: () => Promise<T>): Promise<T> {
  await sql(`alter function acme_door.used_lately(text, timestamptz) rename to used_lately_kept;
    create function acme_door.used_lately(text, timestamptz) returns boolean language sql as 'select false'`);
  try {
    return await work();
  } finally {
    await sql('drop function acme_door.used_lately(text, timestamptz); alter function acme_door.used_lately_kept(text, timestamptz) rename to used_lately');
  }
}

export async function startSweptWarehouse(): Promise<SweptWarehouse> {
  const server = await startServer();
  const admin = await plainAdministrator(server);
  await createDatabase(server, DATABASE, admin, BEFORE);
  await install(server, admin, DATABASE);
  const passwords = await setPasswords(server, LOGINS);
  const project = scaffold(MATRIX_ANSWERS);
  const login = (name: string): Administrator => (name === server.superuser ? superuserOf(server) : { login: name, password: passwords.get(name) ?? '' });
  const sql: SweptWarehouse['sql'] = (statement, who = server.superuser) =>
    using(server, login(who), DATABASE, async (client) => {
      const result = await client.query(statement);
      return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows;
    });
  const connection = { DBT_PG_HOST: server.host, DBT_PG_PORT: String(server.port), DBT_PG_DATABASE: DATABASE, DBT_PG_SSLMODE: 'disable' };
  const operation: SweptWarehouse['operation'] = (name, args = {}, who = JANITOR, env = {}) =>
    run(project, ['--quiet', 'run-operation', name, '--target', 'ci', '--args', JSON.stringify(args)], {
      env: { ...connection, DBT_CI_LOGIN: who, DBT_ENV_SECRET_CI_PASSWORD: passwords.get(who) ?? '', ...env },
      python: 'postgres',
    });
  const said = async <T>(running: Promise<Finished>): Promise<T> => {
    const { code, output } = await running;
    if (code !== 0) throw new Error(output);
    return JSON.parse(lastLine(output));
  };
  return {
    server,
    admin,
    project,
    sql,
    failure: (statement, who) =>
      sql(statement, who).then(
        () => 'done',
        (error: Error) => error.message,
      ),
    login,
    operation,
    develop: (slug, ...args) =>
      run(project, args, { env: { ...connection, DBT_DEV_NAME: slug, DBT_ENV_SECRET_DEV_PASSWORD: passwords.get(slug) ?? '' }, python: 'postgres' }),
    pull: (number, ...args) =>
      run(project, [...args, '--target', 'ci'], {
        env: { ...connection, PR_NUMBER: String(number), DBT_ENV_SECRET_CI_PASSWORD: passwords.get(CI) ?? '' },
        python: 'postgres',
      }),
    list: () => said(operation('env_schemas')),
    sweep: async (candidates, listed_at, dry_run = false) => {
      const { code, output } = await operation('drop_stale_schemas', { candidates, listed_at, dry_run });
      const line = lastLine(output);
      if (line === '') throw new Error(output);
      return { ...JSON.parse(line), code, output };
    },
    age: async (...schemas) => {
      const names = schemas.map((name) => `'${name}'`).join(', ');
      await sql(
        `update acme_door.environment set last_used_at = now() - interval '40 days', created_at = now() - interval '50 days' where schema_name in (${names})`,
      );
    },
    schemas: async () => (await sql("select nspname from pg_namespace where nspname ~ '^(dev|pr)_' order by 1")).map(({ nspname }) => String(nspname)),
    stop: () => server.stop(),
  };
}
