import process from 'node:process';
import { Interrupted } from '../errors.ts';

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * From here on a signal waits: a listener replaces the default of ending at once. Node calls listeners between two
 * turns of its event loop alone (https://nodejs.org/docs/latest-v20.x/api/process.html#signal-events), so whether one
 * came is known only after a turn; setImmediate comes after the phase in which signals are read.
 */
export function holdSignals(): { noneCame(): Promise<void>; release(): void } {
  let came = false;
  const remember = (): void => {
    came = true;
  };
  for (const signal of ENDING) process.on(signal, remember);
  return {
    noneCame: async () => {
      for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
      if (came) throw new Interrupted('Interrupted while writing. Every file is as it was before.');
    },
    release: () => {
      for (const signal of ENDING) process.off(signal, remember);
    },
  };
}
