import { readdirSync } from 'node:fs';
import path from 'node:path';
import { dbt, type Finished } from './dbt.ts';
import { driver } from './engines.ts';

/** Where each system's loader looks for a library by name. */
const SEARCHED: Readonly<Partial<Record<NodeJS.Platform, string>>> = { darwin: 'DYLD_LIBRARY_PATH', win32: 'PATH' };

/**
 * Runs the dbt 2 binary against DuckDB. It downloads its drivers when they are first needed, from a place that is no
 * package registry; DuckDB's own library speaks the same protocol (ADBC), and dbt 2 looks for it by name first.
 */
export async function dbt2(project: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  const folder = await driverFolder();
  return dbt(project, args, { python: 'v2', env: { ...env, [SEARCHED[process.platform] ?? 'LD_LIBRARY_PATH']: folder } });
}

/** Installs DuckDB's library, once, and returns its folder. */
async function driverFolder(): Promise<string> {
  await driver.install();
  const scope = path.join(driver.folder, 'node_modules', '@duckdb');
  const found = readdirSync(scope).find((name) => readdirSync(path.join(scope, name)).some((file) => /^(?:lib)?duckdb\.(?:so|dylib|dll)$/.test(file)));
  if (found === undefined) throw new Error(`DuckDB's library for ${process.platform}-${process.arch} is not in ${scope}.`);
  return path.join(scope, found);
}
