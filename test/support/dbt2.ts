import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { dbt, type Finished } from './dbt.ts';
import { madeOnce } from './python.ts';

const pins = fileURLToPath(new URL('../engines/dbt2/', import.meta.url));
/** Where each system's loader looks for a library by name. */
const SEARCHED: Readonly<Partial<Record<NodeJS.Platform, string>>> = { darwin: 'DYLD_LIBRARY_PATH', win32: 'PATH' };
const cache = fileURLToPath(new URL('../../.cache/', import.meta.url));

/**
 * Runs the dbt 2 binary against DuckDB. It downloads its drivers when they are first needed, from a place that is no
 * package registry; DuckDB's own library speaks the same protocol (ADBC), and dbt 2 looks for it by name first.
 */
export async function dbt2(project: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  const folder = await driverFolder();
  return dbt(project, args, { python: 'v2', env: { ...env, [SEARCHED[process.platform] ?? 'LD_LIBRARY_PATH']: folder } });
}

/** Installs DuckDB's library, once, and returns its folder: `npm run setup` calls it too. */
export async function driverFolder(): Promise<string> {
  const lock = readFileSync(path.join(pins, 'package-lock.json'));
  const folder = path.join(cache, `dbt2-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`);
  await madeOnce(folder, async () => {
    mkdirSync(folder, { recursive: true });
    for (const file of ['package.json', 'package-lock.json']) copyFileSync(path.join(pins, file), path.join(folder, file));
    await promisify(execFile)('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, shell: process.platform === 'win32' });
  });
  const scope = path.join(folder, 'node_modules', '@duckdb');
  const found = readdirSync(scope).find((name) => readdirSync(path.join(scope, name)).some((file) => /^(?:lib)?duckdb\.(?:so|dylib|dll)$/.test(file)));
  if (found === undefined) throw new Error(`DuckDB's library for ${process.platform}-${process.arch} is not in ${scope}.`);
  return path.join(scope, found);
}
