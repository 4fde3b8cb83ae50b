import { performance } from 'node:perf_hooks';
import { engines } from '../test/support/engines.ts';
import { pythonEnvironment } from '../test/support/python.ts';

/** What the demo needs and a new machine lacks: made once, kept in .cache and test/engines. */
export async function prepare(): Promise<void> {
  console.log('Set-up: dbt with two adapters, and a PostgreSQL server from npm (a minute on a new machine, nothing after that)');
  const started = performance.now();
  await Promise.all([pythonEnvironment('duckdb'), engines.install()]);
  await pythonEnvironment('postgres');
  console.log(`   (${((performance.now() - started) / 1000).toFixed(1)} s)`);
}
