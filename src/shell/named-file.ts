import { readFileSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from '../errors.ts';
import { shown } from '../names.ts';
import type { ReadFile } from './request.ts';

/** Reads the files that a person names: a team, answers. What cannot be read is a wrong flag: one line, exit status 2. */
export const readerFrom =
  (cwd: string): ReadFile =>
  (file) => {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path.resolve(cwd, file)));
    } catch (error) {
      if (!(error instanceof Error && 'syscall' in error)) throw new UsageError(`${shown(file)} is not UTF-8 text. Save it as UTF-8.`);
      const code = 'code' in error ? String(error.code) : 'unknown error';
      throw new UsageError(`"${shown(file)}" cannot be read (${code}). Name a file that exists and that you may read.`);
    }
  };
