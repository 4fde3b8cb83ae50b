import process from 'node:process';
import { Interrupted } from '../errors.ts';

/** What ends a process from outside; Ctrl-C at a prompt is a key, and the prompt's own. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Waits for an answer. A signal closes the prompt, which gives the terminal its echo and its cursor back, and then
 * counts as Ctrl-C. Left to itself, the prompt's package ends the process by the same signal again, in which Node
 * resets no terminal.
 */
export async function heedingSignals<T>(asking: Promise<T>, close: () => void): Promise<T> {
  let came = false;
  const stop = (): void => {
    came = true;
    close();
  };
  for (const signal of ENDING) process.on(signal, stop);
  try {
    return await asking;
  } catch (error) {
    throw came ? new Interrupted() : error;
  } finally {
    for (const signal of ENDING) process.off(signal, stop);
  }
}
