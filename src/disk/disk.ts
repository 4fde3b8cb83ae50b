import {
  chmodSync,
  chownSync,
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  type Stats,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import type { Work, Write } from '../changes/work.ts';
import { RunError } from '../errors.ts';
import { holdSignals } from './signals.ts';
import { removeLeftovers, temporaryIn } from './temporary.ts';
import { hindrance, inside, type Located, regularFile, type Territory, textAt, textOf } from './territory.ts';
import { takeTurn } from './turn.ts';

interface Staged {
  readonly write: Write;
  readonly temporary: string;
  readonly target: string;
  /** The file that is there, and a second name for it. */
  readonly old?: { readonly name: string; readonly there: Stats };
  /** This run has made its folder: there is nothing in it that could be replaced. */
  readonly inNewFolder: boolean;
}

/** What is written under temporary names so far, and the folders of it. */
interface Staging {
  readonly staged: Staged[];
  /** The topmost folders that this run made, to take away again. */
  readonly folders: string[];
  /** Folders that are there by now, and whether this run made them. */
  readonly ready: Map<string, boolean>;
}

/** The way back of one step. It writes no byte, so that a full disk does not stop it. */
interface Undo {
  readonly path: string;
  /** What holds the old text until it is put back. */
  readonly old?: string;
  act(): void;
}

/**
 * All or nothing, one run at a time. Everything is written under a temporary name in its own folder first, and what is
 * there already gets a second name; then come the renames, the removals, and the record last. Ctrl-C, or another signal
 * that ends a process, puts every file back: it is held while files change, and looked for between the steps. A kill leaves
 * whole files only, old or new, and the next run goes on from there. Rejects with {@link RunError}, one line that names the
 * path, or with an Interrupted; nothing has changed then, or the line says what has.
 */
export async function apply({ root, boundary }: Territory, work: Work): Promise<void> {
  const first = firstChange({ root, boundary }, work);
  if (first === undefined) return removeLeftovers({ root, boundary }, work, false);
  const staging: Staging = { staged: [], folders: [], ready: new Map() };
  const undo: Undo[] = [];
  const signals = holdSignals();
  let endTurn: (() => void) | undefined;
  try {
    endTurn = turnFor(first, root, staging);
    const territory = { root, boundary }; // what an earlier look found may have changed
    removeLeftovers(territory, work, true);
    for (const { path: file, decidedOn } of work.removals) unchangedSince(file, textOf(territory, file), decidedOn);
    for (const write of [...work.writes, work.record]) {
      const place = regularFile(territory, write.path);
      if (isNews(write, textAt(write.path, place))) stage(write, place, staging);
    }
    await signals.noneCame();
    commit(territory, staging.staged, work, undo);
    await signals.noneCame();
    for (const { old } of undo) clear(old);
  } catch (error) {
    throw withdrawn(staging, undo, error);
  } finally {
    endTurn?.();
    signals.release();
  }
  for (const { path: file } of work.removals) removeEmptyFolders({ root, boundary }, path.dirname(path.resolve(root, file)));
}

/** The first path that would change; undefined where nothing would. */
function firstChange(territory: Territory, { writes, removals, record }: Work): string | undefined {
  const news = [...writes, record].find((write) => isNews(write, textOf(territory, write.path)));
  return news?.path ?? removals[0]?.path;
}

/** Identical bytes are never written again. */
function isNews({ path: file, contents, decidedOn }: Write, text: string | undefined): boolean {
  if (decidedOn) unchangedSince(file, text, decidedOn);
  return text !== contents;
}

function unchangedSince(file: string, text: string | undefined, decidedOn: { readonly text: string | undefined }): void {
  if (text !== decidedOn.text) throw new RunError(`${file} changed while you decided; nothing was written. Run again.`);
}

function turnFor(first: string, root: string, staging: Staging): () => void {
  try {
    madeNow(root, staging);
    return takeTurn(root);
  } catch (error) {
    throw hindrance('write', first, error);
  }
}

function stage(write: Write, { target, there }: Located, staging: Staging): void {
  const folder = path.dirname(target);
  const temporary = temporaryIn(folder, 2 * staging.staged.length);
  const second = temporaryIn(folder, 2 * staging.staged.length + 1);
  try {
    const inNewFolder = madeNow(folder, staging);
    staging.staged.push({ write, temporary, target, inNewFolder, ...(there && { old: { name: second, there } }) });
    writeFileSync(temporary, write.contents, { flag: 'wx' });
    if (there) {
      setAs(there, temporary);
      keepUnder(second, target, there);
    }
  } catch (error) {
    throw hindrance('write', write.path, error);
  }
}

/** Makes a folder where there is none; whether this run has made it. */
function madeNow(folder: string, { folders, ready }: Staging): boolean {
  const known = ready.get(folder);
  if (known !== undefined) return known;
  const first = mkdirSync(folder, { recursive: true });
  if (first !== undefined) folders.push(first);
  ready.set(folder, first !== undefined);
  return first !== undefined;
}

/** A second name for a file, or where a file can have but one, a copy. */
function keepUnder(name: string, target: string, there: Stats): void {
  if (succeeds(() => linkSync(target, name))) return;
  copyFileSync(target, name, constants.COPYFILE_EXCL);
  setAs(there, name);
}

function setAs({ mode, uid, gid }: Stats, file: string): void {
  chmodSync(file, mode & 0o7777);
  if (process.getuid?.() === 0) chownSync(file, uid, gid);
}

/** Puts everything in its place; `undo` gets the way back, step by step. */
function commit(territory: Territory, staged: readonly Staged[], { removals, record }: Work, undo: Undo[]): void {
  const put = ({ write, temporary, target, old, inNewFolder }: Staged): void =>
    attempt('write', write.path, () => {
      if (!inNewFolder) unchangedSinceStaged(write.path, target, old?.there);
      renameSync(temporary, target);
      undo.push(
        old ? { path: write.path, old: old.name, act: () => renameSync(old.name, target) } : { path: write.path, act: () => rmSync(target, { force: true }) },
      );
    });
  const remove = (file: string, which: number): void =>
    attempt('remove', file, () => {
      const target = path.resolve(territory.root, file);
      const old = temporaryIn(path.dirname(target), 2 * staged.length + which);
      renameSync(target, old);
      undo.push({ path: file, old, act: () => renameSync(old, target) });
    });
  for (const one of staged) if (one.write !== record) put(one);
  for (const [which, { path: file }] of removals.entries()) remove(file, which);
  for (const one of staged) if (one.write === record) put(one);
}

/** The last look before a rename: since the one while staging, somebody may have saved the file. */
function unchangedSinceStaged(file: string, target: string, there: Stats | undefined): void {
  const now = lstatSync(target, { throwIfNoEntry: false });
  const same = now && there ? now.ino === there.ino && now.mtimeMs === there.mtimeMs && now.size === there.size : now === there;
  if (!same) throw new RunError(`${file} changed while you decided; nothing was written. Run again.`);
}

function attempt(what: 'write' | 'remove', file: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    throw hindrance(what, file, error);
  }
}

/** Takes back what was done. Returns the reason, or what is worse: which files could not be put back, and where their text is. */
function withdrawn({ staged, folders }: Staging, undo: readonly Undo[], reason: unknown): unknown {
  const left = undo.toReversed().filter(({ act }) => !succeeds(act));
  const needed = new Set(left.map(({ old }) => old));
  for (const { temporary, old } of staged) for (const name of [temporary, old?.name]) if (!needed.has(name)) clear(name);
  for (const folder of folders.toReversed()) succeeds(() => rmSync(folder, { recursive: true, force: true }));
  if (left.length === 0) return reason;
  const named = left.map(({ path: file, old }) => (old === undefined ? `${file} (new)` : `${file} (as it was: ${path.basename(old)} beside it)`));
  return new RunError(`Writing failed, and these could not be put back: ${named.join(', ')}. Put them back before you run again: a run takes such names away.`);
}

/** A temporary name that cannot be taken away is left to the next run. */
const clear = (name: string | undefined): boolean => name === undefined || succeeds(() => rmSync(name, { force: true }));

function succeeds(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}

function removeEmptyFolders({ root }: Territory, folder: string): void {
  for (let at = folder; at !== root && inside(root, at); at = path.dirname(at)) {
    try {
      rmdirSync(at);
    } catch {
      return; // not empty, or not ours to remove: it stays
    }
  }
}
