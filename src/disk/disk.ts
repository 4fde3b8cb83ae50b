import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Work, Write } from '../changes/work.ts';
import { Interrupted, RunError } from '../errors.ts';
import { hindrance, inside, type Located, regularFile, type Territory, textAt, textOf } from './territory.ts';

interface Staged {
  readonly write: Write;
  readonly temporary: string;
  readonly target: string;
  /** This run has made its folder. */
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

/** Temporary files of ours, by the process that made them. No tool picks up the name: it begins with a dot and ends in `.tmp`. */
const TEMPORARY = /^\.dbt-envs-([0-9]+)-[0-9]+\.tmp$/;

/**
 * All or nothing. Everything is written under a temporary name in its own folder first; then come the renames, the
 * removals, and the record last. Ctrl-C, or another signal that ends a process, puts every file back: it is held while
 * files change, and looked for between the steps. A kill leaves whole files only, old or new, and the next run goes on
 * from there. Rejects with {@link RunError}, one line that names the path, or with {@link Interrupted}; nothing has
 * changed then.
 */
export async function apply({ root, boundary }: Territory, work: Work): Promise<void> {
  const territory = { root, boundary }; // what an earlier look found may have changed
  const staging: Staging = { staged: [], folders: [], ready: new Map() };
  const { staged, folders } = staging;
  const undo: (() => void)[] = [];
  const signals = holdSignals();
  try {
    removeLeftovers(territory, work);
    for (const { path: file, decidedOn } of work.removals) unchangedSince(file, textOf(territory, file), decidedOn);
    for (const write of [...work.writes, work.record]) {
      const place = regularFile(territory, write.path);
      if (isNews(write, textAt(write.path, place))) stage(write, place, staging);
    }
    await signals.noneCame();
    commit(territory, staged, work, undo);
    await signals.noneCame();
  } catch (error) {
    for (const step of undo.reverse()) step();
    for (const { temporary } of staged) rmSync(temporary, { force: true });
    for (const folder of folders.reverse()) rmSync(folder, { recursive: true, force: true });
    throw error;
  } finally {
    signals.release();
  }
  for (const { path: file } of work.removals) removeEmptyFolders(territory, path.dirname(path.resolve(root, file)));
}

/** Identical bytes are never written again. */
function isNews({ path: file, contents, decidedOn }: Write, text: string | undefined): boolean {
  if (decidedOn) unchangedSince(file, text, decidedOn);
  return text !== contents;
}

function unchangedSince(file: string, text: string | undefined, decidedOn: { readonly text: string | undefined }): void {
  if (text !== decidedOn.text) throw new RunError(`${file} changed while you decided; nothing was written. Run again.`);
}

function stage(write: Write, { target, there }: Located, staging: Staging): void {
  const folder = path.dirname(target);
  const temporary = `${folder}${path.sep}.dbt-envs-${process.pid}-${staging.staged.length}.tmp`;
  try {
    const inNewFolder = madeNow(folder, staging);
    staging.staged.push({ write, temporary, target, inNewFolder });
    writeFileSync(temporary, write.contents, { flag: 'wx' });
    if (there) {
      chmodSync(temporary, there.mode & 0o7777);
      if (process.getuid?.() === 0) chownSync(temporary, there.uid, there.gid);
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

/** Puts everything in its place; `undo` gets the way back, step by step. */
function commit(territory: Territory, staged: readonly Staged[], { removals, record }: Work, undo: (() => void)[]): void {
  const put = ({ write, temporary, target, inNewFolder }: Staged): void =>
    attempt('write', write.path, () => {
      const restore = inNewFolder ? remover(target) : restorer(target);
      renameSync(temporary, target);
      undo.push(restore);
    });
  const remove = (file: string): void =>
    attempt('remove', file, () => {
      const target = path.resolve(territory.root, file);
      const restore = restorer(target);
      rmSync(target);
      undo.push(restore);
    });
  for (const one of staged) if (one.write !== record) put(one);
  for (const { path: file } of removals) remove(file);
  for (const one of staged) if (one.write === record) put(one);
}

/** What puts a path back to how it is now. */
function restorer(target: string): () => void {
  const there = statSync(target, { throwIfNoEntry: false });
  if (!there) return remover(target);
  const bytes = readFileSync(target);
  return () => {
    writeFileSync(target, bytes, { mode: there.mode & 0o7777 });
    chmodSync(target, there.mode & 0o7777);
  };
}

const remover = (target: string) => (): void => rmSync(target, { force: true });

function attempt(what: 'write' | 'remove', file: string, act: () => void): void {
  try {
    act();
  } catch (error) {
    throw hindrance(what, file, error);
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

/** What a killed run left in the folders that this one writes to. A process that still lives keeps its files. */
function removeLeftovers(territory: Territory, { writes, removals, record }: Work): void {
  const folders = new Set([...writes, ...removals, record].map((one) => path.dirname(one.path)));
  for (const below of folders) {
    const folder = path.resolve(territory.root, below);
    for (const name of namesIn(folder)) {
      const [, pid] = TEMPORARY.exec(name) ?? [];
      if (pid !== undefined && (Number(pid) === process.pid || !isAlive(Number(pid)))) rmSync(path.join(folder, name), { force: true });
    }
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not there yet; if it cannot be read, writing into it says so
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * From here on a signal waits: a listener replaces the default of ending at once. Node calls listeners between two
 * turns of its event loop alone (https://nodejs.org/docs/latest-v20.x/api/process.html#signal-events), so whether one
 * came is known only after a turn; setImmediate comes after the phase in which signals are read.
 */
function holdSignals(): { noneCame(): Promise<void>; release(): void } {
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
