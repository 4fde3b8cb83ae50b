import process from 'node:process';
import { isTerminal, standardStream } from '../shell/standard-stream.ts';
import { main, type Terminal } from './main.ts';

export * from '../shell/shell.ts';

/** The bin itself, once Node is known to be new enough. */
export function start(): void {
  // inquirer colours by node:util, which knows the variable and not the flag; Node warns of FORCE_COLOR beside it.
  if (process.argv.includes('--no-color')) {
    process.env.NO_COLOR = '1';
    delete process.env.FORCE_COLOR;
  }
  // Everything is said by then, without streams that would still have to be drained; leaving at once saves the clean-up.
  void main(process.argv.slice(2), terminal()).then((status) => {
    process.exit(status);
  });
}

const terminal = (): Terminal => ({
  cwd: process.cwd(),
  env: process.env,
  now: new Date(),
  present: isTerminal(2) && isTerminal(0),
  onScreen: isTerminal(2),
  // Standard error's own stream, which is slow to load, is asked on a terminal alone.
  columns: () => (isTerminal(2) ? process.stderr.columns : undefined),
  stdout: standardStream(1),
  stderr: standardStream(2),
  asker: async () => (process.env.TERM === 'dumb' ? await import('./ask-plainly.ts') : await import('./ask.ts')).ask,
});
