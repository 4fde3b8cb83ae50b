import { lstatSync, readdirSync, readFileSync, realpathSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { RunError } from '../errors.ts';

/** Where a run may read and write: from `root`, and never outside of `boundary`, the git repository's root in a monorepo. Both are real paths. */
export interface Territory {
  readonly root: string;
  readonly boundary: string;
}

export const inside = (boundary: string, file: string): boolean => {
  if (file.startsWith(boundary + path.sep) && !file.includes('..')) return true;
  const way = path.relative(boundary, file);
  return way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way);
};

/**
 * Where a path of the plan really is: symbolic links are followed. Throws {@link RunError} where that is outside of the
 * boundary, or where something else than a file or nothing stands in the place.
 */
export function regularFile(territory: Territory, file: string): Located {
  const { boundary } = territory;
  const wanted = wantedPlace(territory, file);
  const { target, there } = looking(file, wanted, () => located(territory, wanted));
  if (!inside(boundary, target)) {
    throw new RunError(`${file} leads outside of ${boundary} (to ${target}). Remove the link, or run where the file really is; nothing was written.`);
  }
  if (there?.isDirectory()) throw new RunError(`${file} is a folder, and a file is to be written there. Move it away; nothing was written.`);
  if (there && !there.isFile()) throw new RunError(`${file} is no regular file. Move it away; nothing was written.`);
  return { target, there };
}

/** A place and the file in it, if there is one. */
export interface Located {
  readonly target: string;
  readonly there: Stats | undefined;
}

function located(territory: Territory, wanted: string): Located {
  const folder = path.dirname(wanted);
  const { real, isThere } = folderAt(territory, folder);
  const there = isThere ? lstatSync(wanted, { throwIfNoEntry: false }) : undefined;
  if (!there?.isSymbolicLink()) return { target: real === folder ? wanted : path.join(real, path.basename(wanted)), there };
  const target = realpathSync.native(wanted);
  return { target, there: statSync(target) };
}

/** A folder of the plan: its real path, and whether it is there; in one that is not, there is nothing. */
interface Folder {
  readonly real: string;
  readonly isThere: boolean;
}

/** What a look has found: many files share a folder, and each is looked at more than once. */
interface Found {
  /** Absolute paths, links not followed, by the path of the plan. */
  readonly places: Map<string, string>;
  readonly folders: Map<string, Folder>;
  /** Whether something is there, by the path of the plan. */
  readonly existence: Map<string, boolean>;
}
const found = new WeakMap<Territory, Found>();

function foundIn(territory: Territory): Found {
  const known = found.get(territory) ?? { places: new Map<string, string>(), folders: new Map<string, Folder>(), existence: new Map<string, boolean>() };
  found.set(territory, known);
  return known;
}

function wantedPlace(territory: Territory, file: string): string {
  const { places } = foundIn(territory);
  const wanted = places.get(file) ?? absolute(territory.root, file);
  places.set(file, wanted);
  return wanted;
}

/** Nearly every path of a plan is steps downward alone. Resolving reads it character by character, with the root's. */
const absolute = (root: string, file: string): string =>
  file.includes('..') || path.isAbsolute(file) ? path.resolve(root, file) : root + path.sep + file.replaceAll('/', path.sep);

/** Throws the system's error, also for a link to nothing. */
function folderAt(territory: Territory, folder: string): Folder {
  const { folders } = foundIn(territory);
  const known = folders.get(folder) ?? { real: realPath(folder), isThere: lstatSync(folder, { throwIfNoEntry: false }) !== undefined };
  folders.set(folder, known);
  return known;
}

/** The real path of what exists; what is still to be made is added to it as it stands. Throws the system's error, also for a link to nothing. */
export function realPath(wanted: string): string {
  const parent = path.dirname(wanted);
  if (parent === wanted || lstatSync(wanted, { throwIfNoEntry: false })) return realpathSync.native(wanted);
  return path.join(realPath(parent), path.basename(wanted));
}

function looking<T>(file: string, wanted: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT')
      throw new RunError(`${file} needs a symbolic link that points nowhere, on the way to ${wanted}. Remove or repair it; nothing was written.`);
    if (code === 'ENOTDIR') throw new RunError(`${file} needs a folder where a file is. Move that file away; nothing was written.`);
    throw hindrance('read', file, error);
  }
}

/** Whether something is there, a link that points nowhere included; asked of the disk once. */
export function exists(territory: Territory, file: string): boolean {
  const { existence } = foundIn(territory);
  const known = existence.get(file) ?? isThere(territory, file);
  existence.set(file, known);
  return known;
}

function isThere(territory: Territory, file: string): boolean {
  const wanted = wantedPlace(territory, file);
  try {
    return folderAt(territory, path.dirname(wanted)).isThere && lstatSync(wanted, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOTDIR' || code === 'ENOENT') return false; // a file, or a link to nothing, on the way
    throw hindrance('read', file, error);
  }
}

/** The texts of the files with that ending in a folder and below it; what cannot be read as text is left out. */
export function textsBelow(territory: Territory, folder: string, ending: string): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  for (const name of namesBelow(path.resolve(territory.root, folder))) {
    if (!name.endsWith(ending)) continue;
    const file = path.posix.join(folder, name.split(path.sep).join('/'));
    try {
      const text = textOf(territory, file);
      if (text !== undefined) texts.set(file, text);
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
    }
  }
  return texts;
}

function namesBelow(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true }).map(String);
  } catch {
    return []; // no such folder, or one that we may not enter
  }
}

/** A file's bytes are no text. */
export class NoText extends RunError {}

/** A file's text, byte order mark and line ends included; undefined where there is none. Throws {@link RunError}. */
export function textOf(territory: Territory, file: string): string | undefined {
  return exists(territory, file) ? textAt(file, regularFile(territory, file)) : undefined;
}

/** The same, of a place that was just looked at. */
export function textAt(file: string, { target, there }: Located): string | undefined {
  if (!there) return undefined;
  const bytes = reading(file, () => readFileSync(target));
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new NoText(`${file} is not valid UTF-8. Convert it to UTF-8, or move it away; nothing was written.`);
  }
}

function reading<T>(file: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw hindrance('read', file, error);
  }
}

/** A system error as one line that names the path and the way out. */
export function hindrance(what: 'read' | 'write' | 'remove', file: string, error: unknown): Error {
  if (error instanceof RunError) return error;
  const code = codeOf(error);
  if (code === undefined) return error instanceof Error ? error : new Error(String(error));
  const [reason, way] = REASONS[code] ?? [error instanceof Error ? error.message : String(error), 'Look at the path.'];
  return new RunError(`Cannot ${what} ${file}: ${reason} (${code}). ${way}${what === 'read' ? '' : ' Nothing was written.'}`);
}

const REASONS: Readonly<Record<string, readonly [reason: string, way: string]>> = {
  EACCES: ['permission denied', 'Give yourself the right to it, or choose another folder.'],
  EPERM: ['not permitted', 'Give yourself the right to it, or choose another folder.'],
  EROFS: ['the file system is read-only', 'Choose another folder.'],
  ENOSPC: ['no space is left on the device', 'Free some space and run again.'],
  EDQUOT: ['your disk quota is used up', 'Free some space and run again.'],
  EFBIG: ['the file is larger than this process may write', 'Raise the limit (ulimit -f) and run again.'],
  ENOENT: ['it is not there, and its folder cannot be made there', 'Look for a slip in the path, or a drive that is away.'],
  ENOTDIR: ['a folder is needed where a file is', 'Move that file away.'],
  EISDIR: ['a folder is there', 'Move it away.'],
  ENAMETOOLONG: ['the path is too long', 'Choose a folder with a shorter path.'],
  ELOOP: ['the symbolic links lead in a circle', 'Repair them.'],
  EBUSY: ['it is in use', 'Close what uses it and run again.'],
};

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
