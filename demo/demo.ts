import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { demoDuckdb } from './duckdb.ts';
import { moments } from './moments.ts';
import { pageOf } from './page/page.ts';
import { demoPostgres } from './postgres.ts';
import { prepare } from './prepare.ts';
import { chapter, journal, say } from './stage.ts';

/**
 * `npm run demo`: the whole story on real dbt and two real engines; `npm run demo -- --html out.html` also writes it as one
 * page. Ends with 1 where anything surprises, and then writes no page.
 */
try {
  const { values } = parseArgs({ options: { html: { type: 'string' } } });
  await prepare();
  const started = performance.now();
  const told = await demoPostgres();
  await demoDuckdb();
  const seconds = (performance.now() - started) / 1000;
  if (values.html !== undefined) {
    // npm starts this at the package's root.
    const file = path.resolve(process.env.INIT_CWD ?? '.', values.html);
    writeFileSync(file, pageOf({ ...told, chapters: journal, moments, seconds, on: new Date() }));
    say('');
    say(`The same as one page: ${file}`);
  }
  chapter('That was it', `Everything above ran on this machine, in ${seconds.toFixed(0)} seconds; nothing is left of it.`);
  say('Start your own: npx generator-dbt-envs');
} catch (error) {
  console.error(`\nThe demo stopped: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
