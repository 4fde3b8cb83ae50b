import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { madeOnce } from './made-once.ts';

const run = promisify(execFile);
const locks = fileURLToPath(new URL('../engines/python/', import.meta.url));
const cache = fileURLToPath(new URL('../../.cache/python/', import.meta.url));
const windows = process.platform === 'win32';
const UV = '0.13.9';

/** The pinned environments of tests and demo: test/engines/python/README.md says what each holds. */
export const pythonEnvironments = ['duckdb', 'postgres', 'snowflake', 'bigquery', 'v2', 'tools', 'googlesql'] as const;
export type PythonEnvironmentName = (typeof pythonEnvironments)[number] | 'cookiecutter' | 'fakesnow' | 'bqemulator';

export interface PythonEnvironment {
  /** Absent programs are named too; starting one fails. */
  readonly bin: (program: string) => string;
  readonly dbt: string;
  readonly python: string;
  /** The folder to put first on a PATH. */
  readonly binDir: string;
}

/**
 * An environment with exactly what test/engines/python/<name>.txt pins, made once under .cache/python; several
 * processes may ask at the same time. Any Python >= 3.10 serves. Throws where there is none.
 */
export async function pythonEnvironment(name: PythonEnvironmentName): Promise<PythonEnvironment> {
  const lock = path.join(locks, `${name}.txt`);
  const folder = path.join(cache, `${name}-${hash(readFileSync(lock, 'utf8'))}`);
  await madeOnce(folder, async () => {
    const uv = await findUv();
    const python = await findPython();
    await uvRun(uv, ['venv', '--quiet', '--python', python, folder]);
    await uvRun(uv, ['pip', 'install', '--quiet', '--no-deps', '--compile-bytecode', '--python', folder, '-r', lock]);
  });
  return environmentAt(folder);
}

/** Makes those of tests and demo, one after the other: what `npm run setup` calls. */
export async function preparePython(): Promise<void> {
  for (const name of pythonEnvironments) await pythonEnvironment(name);
}

function environmentAt(folder: string): PythonEnvironment {
  const binDir = path.join(folder, windows ? 'Scripts' : 'bin');
  const bin = (program: string): string => path.join(binDir, windows ? `${program}.exe` : program);
  return { bin, binDir, dbt: bin('dbt'), python: bin('python') };
}

/** uv from the package index, in a folder of its own. Where Python came without venv, pip's --target serves. */
async function findUv(): Promise<string> {
  const folder = path.join(cache, `uv-${UV}`);
  await madeOnce(folder, async () => {
    const failures: string[] = [];
    for (const { python } of await installedPythons()) {
      try {
        await run(python, ['-m', 'venv', folder]);
        await run(environmentAt(folder).python, ['-m', 'pip', 'install', '--quiet', `uv==${UV}`]);
        return;
      } catch (error) {
        failures.push(String(error));
      }
      try {
        rmSync(folder, { recursive: true, force: true });
        await run(python, ['-m', 'pip', 'install', '--quiet', '--target', folder, `uv==${UV}`]);
        return;
      } catch (error) {
        failures.push(String(error));
      }
    }
    throw new Error(`uv ${UV} could not be installed with any Python here:\n${failures.join('\n')}`);
  });
  return environmentAt(folder).bin('uv');
}

/** Python is never downloaded, and the index that pip was told of is uv's too. */
async function uvRun(uv: string, args: readonly string[]): Promise<void> {
  const index = process.env.UV_DEFAULT_INDEX ?? process.env.PIP_INDEX_URL;
  await run(uv, [...args], {
    env: { ...process.env, UV_PYTHON_DOWNLOADS: 'never', UV_LINK_MODE: 'copy', ...(index !== undefined && { UV_DEFAULT_INDEX: index }) },
    maxBuffer: 64 * 1024 * 1024,
  });
}

interface InstalledPython {
  readonly python: string;
  /** Whether other users may run it: tests as root start some programs as nobody. */
  readonly shared: boolean;
}

async function findPython(): Promise<string> {
  const pythons = await installedPythons();
  const best = pythons.find(({ shared }) => shared) ?? pythons[0];
  if (!best) throw new Error('There is no Python >= 3.10 on this machine. Install one and run this again.');
  return best.python;
}

const NAMES = ['python3', 'python', '/usr/bin/python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];

/** Every Python >= 3.10 that answers, as the interpreter behind a shim, in the order of the names above. */
async function installedPythons(): Promise<readonly InstalledPython[]> {
  const found = new Map<string, InstalledPython>();
  for (const name of NAMES) {
    try {
      const { stdout } = await run(name, ['-c', 'import os, sys; print(sys.version_info >= (3, 10), os.path.realpath(sys.executable))']);
      const [recent, ...rest] = stdout.trim().split(' ');
      const python = rest.join(' ');
      if (recent === 'True') found.set(python, { python, shared: windows || othersMayReach(python) });
    } catch {
      // Not on this machine, or a shim without a version behind it.
    }
  }
  return [...found.values()];
}

function othersMayReach(file: string): boolean {
  for (let at = file; ; at = path.dirname(at)) {
    if ((statSync(at).mode & 0o005) !== 0o005) return false;
    if (at === path.dirname(at)) return true;
  }
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);
