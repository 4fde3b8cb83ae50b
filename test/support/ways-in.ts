import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { TARBALL } from './package.ts';
import { asNobody, folderOfNobody, yoBin } from './yo.ts';

/** What is installed where, for whoever wants to run the package. */
export interface Installed {
  /** The folder with the tarball, and with it installed in node_modules. */
  readonly prefix: string;
  /** The node_modules of yo 7, which brings yeoman-environment 6. */
  readonly yo: string;
  /** A folder with yeoman-environment 7 in its node_modules, where that is tried. */
  readonly environment7?: string;
}

export interface Ran {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
  readonly cwd: string;
  readonly home: string;
}

/** One way to start the generator: the words of a command line, and what its environment needs. */
export interface Way {
  readonly name: string;
  readonly words: (node: string, installed: Installed, flags: readonly string[]) => readonly string[];
  readonly env?: (installed: Installed) => Readonly<Record<string, string>>;
}

const program = fileURLToPath(new URL('environment.mjs', import.meta.url));
const npm = spawnSync('npm', ['root', '--global'], { encoding: 'utf8' }).stdout.trim();
const ours = ({ prefix }: Installed): string => path.join(prefix, 'node_modules', 'generator-dbt-envs');

/** Starts the file behind a bin's link by its `#!/usr/bin/env node`; the PATH begins with the Node that is meant. */
const bin =
  (name: string): Way['words'] =>
  (_, { prefix }, flags) => [path.join(prefix, 'node_modules', '.bin', name), ...flags];

const environment =
  (folderOf: (installed: Installed) => string): Way['words'] =>
  (node, installed, flags) => [node, programFor(), folderOf(installed), ours(installed), JSON.stringify(asOptions(flags))];

export const theBin: Way = { name: 'the bin', words: bin('dbt-envs') };
export const otherBin: Way = { name: 'the bin under its other name', words: bin('generator-dbt-envs') };
export const npx: Way = {
  name: 'npx from the tarball',
  words: (node, { prefix }, flags) => [
    node,
    path.join(npm, 'npm/bin/npx-cli.js'),
    '--offline',
    '--yes',
    `--package=${path.join(prefix, TARBALL)}`,
    'generator-dbt-envs',
    ...flags,
  ],
};
export const yo: Way = {
  name: 'yo 7',
  words: (node, installed, flags) => [node, yoBin(installed.yo), 'dbt-envs', ...flags],
  env: ({ prefix }) => ({ NODE_PATH: path.join(prefix, 'node_modules') }),
};
export const environment6: Way = { name: 'yeoman-environment 6', words: environment(({ yo: modules }) => path.dirname(modules)) };
export const environment7: Way = {
  name: 'yeoman-environment 7',
  words: environment(({ environment7: folder }) => {
    if (folder === undefined) throw new Error('yeoman-environment 7 is not installed for this test');
    return folder;
  }),
};

/** Runs it as an ordinary user without a network, with this Node first on the PATH. */
export function start(way: Way, node: string, installed: Installed, flags: readonly string[], cwd = folderOfNobody()): Ran {
  const home = folderOfNobody();
  const env = { PATH: `${path.dirname(node)}:${process.env.PATH ?? ''}`, ...way.env?.(installed) };
  const { status, stdout, stderr, error } = asNobody(way.words(node, installed, flags), { cwd, home, env });
  if (error !== undefined) throw error;
  return { status, out: stdout, err: stderr, cwd, home };
}

/** Every file below a folder: its bytes, and whether it may be started. */
export function wholeTree(folder: string): Readonly<Record<string, string>> {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    names.flatMap((name) => {
      const file = path.join(folder, name);
      const found = statSync(file);
      return found.isFile() ? [[name, `${(found.mode & 0o111) === 0 ? '' : 'x '}${readFileSync(file, 'latin1')}`]] : [];
    }),
  );
}

/** `--project-name acme --yes` as a program would hand it in: { projectName: 'acme', yes: true }. */
function asOptions(flags: readonly string[]): Readonly<Record<string, string | true>> {
  const options: Record<string, string | true> = {};
  for (const [at, flag] of flags.entries()) {
    if (!flag.startsWith('--')) continue;
    const next = flags[at + 1];
    options[flag.slice(2).replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())] = next === undefined || next.startsWith('--') ? true : next;
  }
  return options;
}

let readable: string | undefined;
/** A copy of the program where an ordinary user can read it: a checkout in root's home is not. */
function programFor(): string {
  if (readable === undefined) {
    const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-program-'));
    chmodSync(folder, 0o755);
    readable = path.join(folder, 'environment.mjs');
    copyFileSync(program, readable);
    chmodSync(readable, 0o644);
  }
  return readable;
}
