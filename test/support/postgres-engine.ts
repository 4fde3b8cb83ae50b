import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { BEFORE, type Engine, installation, type Script } from './postgres-matrix.ts';
import { sqlState } from './postgres-pglite.ts';
import type { Server } from './postgres-server.ts';

/** Somebody who installs the boundary: the cluster's superuser, or what RDS, Cloud SQL and Azure give. */
export interface Administrator {
  readonly login: string;
  readonly password: string;
}

/** An administrator without superuser rights: CREATEROLE, CREATEDB, owner of the database. */
export async function plainAdministrator(server: Server): Promise<Administrator> {
  const admin = { login: 'cloud_admin', password: randomBytes(8).toString('hex') };
  await asSuperuser(server, 'postgres', `create role ${admin.login} login createrole createdb password '${admin.password}'`);
  return admin;
}

/** A database that holds what a company has before us: `given` runs in it as its owner. */
export async function createDatabase(server: Server, database: string, owner: Administrator, given = BEFORE): Promise<void> {
  await asSuperuser(server, 'postgres', `create database ${database} owner "${owner.login}"`);
  await using(server, owner, database, (client) => client.query(given));
}

/** Runs scripts as an administrator, one after the other. Throws naming the script. */
export async function run(server: Server, who: Administrator, database: string, scripts: readonly Script[]): Promise<readonly string[]> {
  const notices: string[] = [];
  await using(server, who, database, async (client) => {
    client.on('notice', ({ severity, message }) => void notices.push(`${severity}: ${message}`));
    for (const [path, sql] of scripts) {
      try {
        await client.query(sql);
      } catch (error) {
        throw new Error(`${path}: ${String(error)}`, { cause: error });
      }
    }
  });
  return notices;
}

/** Installs the boundary, twice: the scripts may be run again. */
export async function install(server: Server, who: Administrator, database: string, given: Record<string, string> = {}): Promise<void> {
  for (const round of [1, 2]) {
    void round;
    await run(server, who, database, installation(given));
  }
}

/** Gives every login of the cluster a password, as \password would; a test's own short cut. */
export async function setPasswords(server: Server, logins: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const passwords = new Map(logins.map((login) => [login, randomBytes(8).toString('hex')]));
  for (const [login, password] of passwords) await asSuperuser(server, 'postgres', `alter role "${login}" password '${password}'`);
  return passwords;
}

/** Every identity over a connection of its own, logged in with its password. */
export function serverEngine(server: Server, database: string, passwords: ReadonlyMap<string, string>): Engine & { end(): Promise<void> } {
  const clients = new Map<string, pg.Client>();
  const client = async (login: string): Promise<pg.Client> => {
    const open = clients.get(login) ?? (await server.connect(login, passwords.get(login) ?? '', database));
    clients.set(login, open);
    return open;
  };
  const within = async (login: string, sql: string, ending: 'commit' | 'rollback'): Promise<void> => {
    const session = await client(login);
    try {
      await session.query('begin');
      await session.query(sql);
      await session.query(ending);
    } catch (error) {
      await session.query('rollback');
      throw error;
    }
  };
  return {
    admin: (sql) => asSuperuser(server, database, sql),
    as: (login, sql) => within(login, sql, 'commit'),
    attempt: async (login, sql) => {
      try {
        await within(login, sql, 'rollback');
        return 'done';
      } catch (error) {
        return sqlState(error);
      }
    },
    end: async () => {
      for (const open of clients.values()) await open.end();
    },
  };
}

export const superuserOf = (server: Server): Administrator => ({ login: server.superuser, password: server.password });

export async function asSuperuser(server: Server, database: string, sql: string): Promise<void> {
  await using(server, superuserOf(server), database, (client) => client.query(sql));
}

export async function using<T>(server: Server, { login, password }: Administrator, database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await server.connect(login, password, database);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
