import { fstatSync, writeSync } from 'node:fs';
import process from 'node:process';

/**
 * Standard output and error without Node's streams, which take longer to load than everything that is said through
 * them: the bin says a few lines and ends.
 */
export const standardStream = (descriptor: 1 | 2): { write(text: string): void } => ({
  write: (text) => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; ) at += written(descriptor, bytes, at);
  },
});

/** Whether a descriptor is a terminal. Only a character device can be one; node:tty is loaded for those alone. */
export function isTerminal(descriptor: 0 | 1 | 2): boolean {
  try {
    if (!fstatSync(descriptor).isCharacterDevice()) return false;
  } catch {
    // Windows cannot always say what a console is.
  }
  return process.getBuiltinModule('node:tty').isatty(descriptor);
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));

/** Bytes taken. A full pipe that does not block is waited for; one that nobody reads any more takes everything. */
function written(descriptor: number, bytes: Uint8Array, from: number): number {
  try {
    return writeSync(descriptor, bytes, from);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EPIPE') return bytes.length;
    if (code !== 'EAGAIN') throw error;
    Atomics.wait(PAUSE, 0, 0, 5);
    return 0;
  }
}
