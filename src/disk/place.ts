import { statSync } from 'node:fs';
import path from 'node:path';
import { ANSWERS_FILE, PACKAGE, parseStored, type Stored } from '../answers/stored-answers.ts';
import { LOCK_FILE, type Lock, parseLock } from '../changes/lock.ts';
import { RunError, UsageError } from '../errors.ts';
import { shown } from '../names.ts';
import { ROSTER_FILE } from '../roster/roster-file.ts';
import { type ProjectFile, parseProjectFile } from './project-file.ts';
import { hindrance, inside, NoText, realPath, type Territory, textOf } from './territory.ts';

/** What is there before a run: read once, never written here. */
export interface Place extends Territory {
  /** The dbt project's folder inside the git repository, with `/`; empty at its root or outside of one. */
  readonly projectDir: string;
  /** The branch that the git remote `origin` calls its default one, where a clone has noted it. */
  readonly defaultBranch?: string;
  /** A dbt project that was there before us. */
  readonly adopted?: ProjectFile;
  readonly answersText: string | undefined;
  readonly stored: Stored | undefined;
  readonly rosterText: string | undefined;
  readonly lockText: string | undefined;
  readonly lock: Lock;
}

export const PROJECT_FILE = 'dbt_project.yml';

/** Looks around from `cwd`, or in `projectDir` where that is given. Throws {@link UsageError} or {@link RunError}. */
export function findPlace(cwd: string, projectDir?: string): Place {
  const root = projectDir === undefined ? upward(cwd) : explicit(cwd, projectDir);
  const boundary = gitRoot(root) ?? root;
  const territory = { root, boundary };
  const answersText = textOf(territory, ANSWERS_FILE);
  const lockText = lockTextIn(territory);
  const way = wayTo(boundary, root);
  const lock = parseLock(lockText ?? '', way === '' ? 0 : way.split('/').length);
  const stored = answersText === undefined ? undefined : parseStored(answersText);
  const adopted = adoptedIn(territory, lock, stored);
  const defaultBranch = defaultBranchOf(boundary);
  return {
    ...territory,
    projectDir: way,
    answersText,
    stored,
    rosterText: textOf(territory, ROSTER_FILE),
    lockText,
    lock,
    ...(defaultBranch !== undefined && { defaultBranch }),
    ...(adopted && { adopted }),
  };
}

/** What dbt_project.yml calls the project, whoever wrote it. Throws {@link RunError} where that cannot be read. */
export function nameThere(place: Place): string | undefined {
  if (place.adopted) return place.adopted.name;
  const text = textOf(place, PROJECT_FILE);
  return text === undefined ? undefined : parseProjectFile(text).name;
}

/** https://git-scm.com/docs/git-remote#Documentation/git-remote.txt-set-head: a clone writes it. A work tree's `.git` is a file, and is not followed. */
function defaultBranchOf(boundary: string): string | undefined {
  const git = path.join(boundary, '.git');
  if (!look(git)?.isDirectory()) return undefined;
  return /^ref: refs\/remotes\/origin\/(\S+)\n?$/.exec(textOf({ root: git, boundary: git }, 'refs/remotes/origin/HEAD') ?? '')?.[1];
}

/**
 * What a typed path may mean, as paths from the project's folder, with `/`: from where the person stands, from the
 * project, from the git repository. Backslashes are tried as separators everywhere.
 */
export function namesOf({ root, boundary }: Territory, cwd: string, typed: string): readonly string[] {
  const spellings = path.sep === '/' && typed.includes('\\') ? [typed, typed.replaceAll('\\', '/')] : [typed];
  const places = spellings.flatMap((spelling) => [real(cwd), root, boundary].map((from) => inRealFolder(path.resolve(from, spelling))));
  const reached = places.filter((one) => inside(boundary, one));
  if (reached.length === 0) throw new UsageError(`"${shown(typed)}" is outside of ${boundary}. Name a path inside it.`);
  return [...new Set(reached.map((one) => path.relative(root, one).split(path.sep).join('/')))];
}

/** Links on the way are followed; one at the end is what is meant. What cannot be followed stays as it was typed. */
function inRealFolder(file: string): string {
  try {
    return path.join(realPath(path.dirname(file)), path.basename(file));
  } catch {
    return file;
  }
}

/** The nearest folder, from here upward to the git repository's root, that holds a dbt project or our answers; else here. */
function upward(cwd: string): string {
  const start = real(cwd);
  for (let at = start; ; at = path.dirname(at)) {
    // A package that `dbt deps` installed is no project of yours.
    if (path.basename(path.dirname(at)) !== 'dbt_packages' && isRoot(at)) return at;
    if (isThere(path.join(at, '.git')) || path.dirname(at) === at) return start;
  }
}

function isRoot(folder: string): boolean {
  const territory = { root: folder, boundary: folder };
  if (isThere(path.join(folder, PROJECT_FILE))) return true;
  return isThere(path.join(folder, ANSWERS_FILE)) && textOf(territory, ANSWERS_FILE)?.includes(`"${PACKAGE}"`) === true;
}

function explicit(cwd: string, projectDir: string): string {
  const folder = path.resolve(cwd, projectDir);
  if (projectDir === '') throw new UsageError('--project-dir is empty. Name the folder of the dbt project.');
  const there = look(folder);
  if (!there) refuseWindowsForm(projectDir);
  if (there && !there.isDirectory()) throw new UsageError(`--project-dir: "${shown(projectDir)}" is no folder. Name the folder of the dbt project.`);
  return real(folder);
}

/** Where `/` alone separates folders, a path with a drive or with backslashes would be the name of one. */
function refuseWindowsForm(typed: string): void {
  const [, drive, rest = ''] = /^([A-Za-z]):(?=[\\/]|$)(.*)$/s.exec(typed) ?? [];
  if (path.sep === '\\' || (drive === undefined && !typed.includes('\\'))) return;
  const slashed = (drive === undefined ? typed : `/mnt/${drive.toLowerCase()}${rest}`).replaceAll('\\', '/');
  const way =
    drive !== undefined
      ? `Write the name that it has here, on WSL "${shown(slashed)}"`
      : typed.startsWith('\\\\')
        ? 'Write the name that it has here'
        : `Write "${shown(slashed)}"`;
  throw new UsageError(`--project-dir: "${shown(typed)}" is a path as Windows writes it, and this is no Windows. ${way}.`);
}

/** `.git` is a folder, or a file in a worktree or a submodule. */
function gitRoot(from: string): string | undefined {
  for (let at = from; ; at = path.dirname(at)) {
    if (isThere(path.join(at, '.git'))) return at;
    if (path.dirname(at) === at) return undefined;
  }
}

/** CI files and commands carry this path, so it may hold nothing that a shell or YAML could read otherwise. */
function wayTo(boundary: string, root: string): string {
  const way = path.relative(boundary, root).split(path.sep).join('/');
  if (way !== '' && !/^(?![-/])[\w.@+/-]+$/.test(way)) {
    throw new RunError(
      `The project's folder "${shown(way)}" has characters that CI files cannot carry. Rename it: letters, digits and . _ - @ + only; nothing was written.`,
    );
  }
  return way;
}

/** The stored answers say whether the project was there before us; without them, whether our record knows its dbt_project.yml. */
function adoptedIn(territory: Territory, lock: Lock, stored: Stored | undefined): ProjectFile | undefined {
  if (stored ? !stored.adopted : lock.has(PROJECT_FILE)) return undefined;
  const text = textOf(territory, PROJECT_FILE);
  if (text !== undefined) return parseProjectFile(text);
  if (!stored) return undefined;
  throw new RunError(`${PROJECT_FILE} is not in ${territory.root}, and ${ANSWERS_FILE} says that it was there before us. Restore it; nothing was written.`);
}

/** Nothing is lost with a record but the memory of what was asked. */
function lockTextIn(territory: Territory): string | undefined {
  try {
    return textOf(territory, LOCK_FILE);
  } catch (error) {
    if (!(error instanceof NoText)) throw error;
    throw new RunError(`${LOCK_FILE} is no text. Restore it from git, or delete it: what differs from ours is then asked about again. Nothing was written.`);
  }
}

/** A path with its links followed, as far as it exists. */
function real(folder: string): string {
  try {
    return realPath(folder);
  } catch (error) {
    throw hindrance('read', folder, error);
  }
}

const isThere = (file: string): boolean => look(file) !== undefined;

function look(file: string) {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined; // a folder that may not be entered holds nothing for us
  }
}
