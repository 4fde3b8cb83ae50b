import { closeSync, openSync, readSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from '../errors.ts';
import { shown } from '../names.ts';
import type { ReadFile } from './request.ts';

/** Bytes. Ten thousand people with names, addresses and logins are one megabyte. */
const LARGEST = 16 * 2 ** 20;

/** Reads the files that a person names: a team, answers. What cannot be read is a wrong flag: one line, exit status 2. */
export const readerFrom =
  (cwd: string): ReadFile =>
  (file) => {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(path.resolve(cwd, file), file));
    } catch (error) {
      if (error instanceof UsageError) throw error;
      if (!(error instanceof Error && 'syscall' in error)) throw new UsageError(`${shown(file)} is not UTF-8 text. Save it as UTF-8.`);
      const code = 'code' in error ? String(error.code) : 'unknown error';
      throw new UsageError(`"${shown(file)}" cannot be read (${code}). Name a file that exists and that you may read.`);
    }
  };

/** A device or a pipe may never end, so nothing is read to its end unseen. */
function bytesOf(file: string, named: string): Uint8Array {
  const descriptor = openSync(file, 'r');
  try {
    const chunks: Uint8Array[] = [];
    for (let size = 0; ; ) {
      const chunk = Buffer.allocUnsafe(65_536);
      const taken = readSync(descriptor, chunk);
      if (taken === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, taken));
      size += taken;
      if (size > LARGEST) throw new UsageError(`"${shown(named)}" is larger than 16 MiB. Name a list of people or a file of answers.`);
    }
  } finally {
    closeSync(descriptor);
  }
}
