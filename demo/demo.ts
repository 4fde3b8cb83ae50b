import { performance } from 'node:perf_hooks';
import { demoDuckdb } from './duckdb.ts';
import { demoPostgres } from './postgres.ts';
import { prepare } from './prepare.ts';
import { chapter, say } from './stage.ts';

/** `npm run demo`: the promise of the first page, on real dbt and two real engines. Ends with 1 where anything surprises. */
try {
  await prepare();
  const started = performance.now();
  await demoDuckdb();
  await demoPostgres();
  chapter('That was it', `Everything above ran on this machine, in ${((performance.now() - started) / 1000).toFixed(0)} seconds; nothing is left of it.`);
  say('Start your own: npx generator-dbt-envs');
} catch (error) {
  console.error(`\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
