import type { Owner, PlannedEdit, PlannedFile } from '../planned-file.ts';
import { changesOfEdits } from './edits.ts';
import { fileOf, type Lock, YOURS } from './lock.ts';
import { neighbourOf } from './neighbour.ts';

/** One edit inside a file of yours, and what makes it. */
export interface FileEdit {
  readonly file: string;
  readonly edit: PlannedEdit;
  /** The whole file, had it been ours. */
  readonly planned: string;
  /** The entry of a list that an earlier run put there and this one replaces. */
  readonly index?: number;
}

/** What a run would do to one path. `from`: the earlier path that the file moves from. */
export type Change =
  | { readonly kind: 'created'; readonly path: string; readonly contents: string }
  | {
      readonly kind: 'updated';
      readonly path: string;
      readonly before: string;
      readonly contents: string;
      readonly from?: string;
      /** Only this place in `edit.file` changes; `before` and `contents` are that whole file. */
      readonly edit?: FileEdit;
    }
  | { readonly kind: 'unchanged'; readonly path: string }
  | { readonly kind: 'kept'; readonly path: string; readonly why: 'yours' | 'edited' | 'deleted' | 'no longer planned'; readonly owner: Owner }
  | { readonly kind: 'removed'; readonly path: string; readonly before: string }
  | Conflict;

/** You and we both changed it, or you had it first: keep yours, take ours, or have ours written beside it. */
export interface Conflict {
  readonly kind: 'conflict';
  readonly path: string;
  readonly mine: string;
  readonly theirs: string;
  readonly from?: string;
  readonly edit?: FileEdit;
  /** Why ours cannot be put in: it has to be pasted by hand. `theirs` is then what to paste. */
  readonly cannot?: string;
  /** The folder of another project of this repository whose file it is, from the repository's root; empty for the root. */
  readonly neighbour?: string;
}

/** What is there. Reading throws where a file's text is needed and cannot be had. */
export interface World {
  readonly exists: (path: string) => boolean;
  readonly read: (path: string) => string | undefined;
  readonly hash: (text: string) => string;
  readonly lock: Lock;
  /** Takes every conflict, and restores files of ours that were deleted. */
  readonly force: boolean;
  /** Whether the plan covers every installed part: only then is a recorded path that is not in it no longer planned. */
  readonly complete: boolean;
}

/** The plan against what is there. Every decision falls here, before the first byte is written. Throws where the plan renames a file by case alone. */
export function changes(plan: readonly PlannedFile[], world: World): readonly Change[] {
  for (const { path, was } of plan) {
    const twin = was.find((one) => one !== path && one.toLowerCase() === path.toLowerCase());
    if (twin !== undefined) throw new Error(`${twin} became ${path}: some file systems cannot tell them apart`);
  }
  const here = { ...world, lock: ownLock(world) };
  const taken = new Set(plan.flatMap(({ path, was }) => [path, ...was]));
  const left = world.complete ? [...here.lock.keys()].filter((path) => !taken.has(path) && !recordsEdit(path, taken)) : [];
  return [...plan.flatMap((file) => changesOf(file, here)), ...left.flatMap((path) => leftover(path, here))];
}

/** Where no recorded file is present, the lock was copied from elsewhere and says nothing about this place. */
export function ownLock({ lock, exists }: Pick<World, 'lock' | 'exists'>): Lock {
  return [...lock.keys()].some((path) => exists(fileOf(path))) ? lock : new Map();
}

/** Whether its edits are made instead of the whole file: somebody else's file was there first. */
export function isEdited({ path, contents, edits = [] }: PlannedFile, { exists, read, lock }: Pick<World, 'exists' | 'read' | 'lock'>): boolean {
  return edits.length > 0 && !lock.has(path) && exists(path) && asLf(read(path) ?? '') !== contents;
}

function changesOf(file: PlannedFile, world: World): readonly Change[] {
  if (isEdited(file, world)) return changesOfEdits(file, world);
  return [file.owner === 'yours' ? changeOfYours(file, world) : changeOfOurs(file, world)];
}

function changeOfYours({ path, contents, was }: PlannedFile, { exists, read, lock }: World): Change {
  const paths = [path, ...was];
  if (exists(path) && !lock.has(path) && bytesMatch(read, path, contents)) return { kind: 'unchanged', path };
  if (paths.some(exists)) return { kind: 'kept', path, why: 'yours', owner: 'yours' };
  if (paths.some((one) => recorded(lock, one))) return { kind: 'kept', path, why: 'deleted', owner: 'yours' };
  return { kind: 'created', path, contents };
}

function changeOfOurs({ path, contents, was }: PlannedFile, world: World): Change {
  const { exists, read, hash, lock, force } = world;
  const from = exists(path) ? undefined : was.find((one) => lock.has(one) && exists(one));
  const there = read(from ?? path);
  const offered = new Set([path, ...was].flatMap((one) => [...(lock.get(one) ?? [])]));
  if (there === undefined) {
    const deleted = [path, ...was].some((one) => recorded(lock, one)) && !force;
    return deleted ? { kind: 'kept', path, why: 'deleted', owner: 'ours' } : { kind: 'created', path, contents };
  }
  const mine = asLf(there);
  const theirs = { kind: 'updated', path, before: there, contents: withEolOf(there, contents), ...(from !== undefined && { from }) } as const;
  if (mine === contents) return from === undefined ? { kind: 'unchanged', path } : theirs;
  if (offered.has(hash(mine))) return theirs;
  if (lock.get(path)?.has(hash(contents))) return { kind: 'kept', path, why: 'edited', owner: 'ours' };
  // What serves another project is not taken by force either: that one's deploy would stop.
  const neighbour = neighbourOf(path, there, world);
  if (force && neighbour === undefined) return theirs;
  return { kind: 'conflict', path, mine: there, theirs: theirs.contents, ...(from !== undefined && { from }), ...(neighbour !== undefined && { neighbour }) };
}

/** A path that was written once and is planned no more: ours to remove only while nobody has touched it. */
function leftover(path: string, { exists, read, hash, lock }: World): readonly Change[] {
  const hashes = lock.get(path);
  if (!exists(fileOf(path)) || hashes === undefined || hashes.has(YOURS)) return [];
  const there = path.includes('#') ? undefined : readable(read, path);
  if (there !== undefined && hashes.has(hash(asLf(there)))) return [{ kind: 'removed', path, before: there }];
  return [{ kind: 'kept', path, why: 'no longer planned', owner: 'ours' }];
}

/** `profiles.yml#acme.outputs.ci` belongs to the planned file profiles.yml. */
const recordsEdit = (path: string, taken: ReadonlySet<string>): boolean => path.includes('#') && taken.has(fileOf(path));
/** Whether a path was ever offered, as a whole or by an edit inside it. */
const recorded = (lock: Lock, path: string): boolean => lock.has(path) || [...lock.keys()].some((one) => one.startsWith(`${path}#`));

function bytesMatch(read: World['read'], path: string, contents: string): boolean {
  const there = readable(read, path);
  return there !== undefined && asLf(there) === contents;
}

/** Undefined for what we cannot read as a text: it is not as we wrote it, and stays as it is. */
function readable(read: World['read'], path: string): string | undefined {
  try {
    return read(path);
  } catch {
    return undefined;
  }
}

/** Git may check a file out with CRLF: line ends are no edit. A byte order mark is one. */
export const asLf = (text: string): string => text.replaceAll('\r\n', '\n');
export const eolOf = (text: string): '\r\n' | '\n' => (text.includes('\r\n') ? '\r\n' : '\n');
export const withEolOf = (there: string, contents: string): string => (eolOf(there) === '\r\n' ? contents.replaceAll('\n', '\r\n') : contents);

/** Whether a run would write, or a file of ours is missing. An edit that you keep is no drift. */
export const drift = (all: readonly Change[]): boolean => all.some(isDrift);

function isDrift(change: Change): boolean {
  switch (change.kind) {
    case 'created':
    case 'updated':
    case 'removed':
    case 'conflict':
      return true;
    case 'kept':
      return change.why === 'deleted' && change.owner === 'ours';
    case 'unchanged':
      return false;
  }
}
