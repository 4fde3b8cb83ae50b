import process from 'node:process';
import { main } from './main.ts';

/** The bin itself, once Node is known to be new enough. Sets the exit status instead of exiting, so that pipes are drained. */
process.exitCode = await main(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  now: new Date(),
  present: process.stdin.isTTY === true && process.stderr.isTTY === true,
  stdout: process.stdout,
  stderr: process.stderr,
  asker: async () => (await import('./ask.ts')).ask,
});
