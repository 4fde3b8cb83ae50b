import { performance } from 'node:perf_hooks';
import { demoDuckdb } from './duckdb.ts';
import { demoPostgres } from './postgres.ts';
import { prepare } from './prepare.ts';
import { chapter, say } from './stage.ts';

try {
  await prepare();
  const started = performance.now();
  const told = await demoPostgres();
  await demoDuckdb();
  chapter('That was it', `Everything above ran on this machine, in ${((performance.now() - started) / 1000).toFixed(0)} seconds; nothing is left of it.`);
  say('Start your own: npx generator-dbt-envs');
  void told;
} catch (error) {
  console.error(`\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
