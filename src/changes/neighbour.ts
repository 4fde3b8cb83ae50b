import { RunError } from '../errors.ts';
import type { World } from './changes.ts';
import { LOCK_FILE, type Lock, parseLock } from './lock.ts';

/** Folder names in a text, with the folders on the way; more of them than this nobody writes down who means a project. */
const LOOKED_AT = 1000;

/**
 * The folder of another project of ours in this repository whose file it is, from the repository's root; empty for the
 * root itself. A file at the root names the folder of the project that it serves, and that project's own record names
 * the file. Undefined where nobody else's record does.
 */
export function neighbourOf(path: string, text: string, world: Pick<World, 'exists' | 'read'>): string | undefined {
  const [up = ''] = /^(?:\.\.\/)*/.exec(path) ?? [];
  const file = path.slice(up.length);
  const own = world.read(LOCK_FILE);
  return foldersIn(text).find((folder) => {
    const steps = folder === '' ? [] : folder.split('/');
    const record = textOf(up + [...steps, LOCK_FILE].join('/'), world);
    // Two projects never have the same record: the files at the root differ by the folder's name.
    return record !== undefined && record !== own && recorded(parseLock(record), '../'.repeat(steps.length) + file);
  });
}

const recorded = (lock: Lock, path: string): boolean => lock.has(path) || [...lock.keys()].some((one) => one.startsWith(`${path}#`));

/** The root, and every path in a text with the folders on the way to it. */
function foldersIn(text: string): readonly string[] {
  const folders = new Set(['']);
  for (const [word] of text.matchAll(/[\w.@+-]+(?:\/[\w.@+-]+)*/g)) {
    const steps = word.split('/');
    if (steps.some((step) => step === '.' || step === '..')) continue;
    for (let length = 1; length <= steps.length; length++) folders.add(steps.slice(0, length).join('/'));
    if (folders.size > LOOKED_AT) break;
  }
  return [...folders];
}

/** What cannot be read is nobody's record. */
function textOf(path: string, { exists, read }: Pick<World, 'exists' | 'read'>): string | undefined {
  try {
    return exists(path) ? read(path) : undefined;
  } catch (error) {
    if (error instanceof RunError) return undefined;
    throw error;
  }
}
