import { ANSWERS_FILE } from './answers/stored-answers.ts';
import { type Change, isEdited, type World } from './changes/changes.ts';
import { recordOf } from './changes/edits.ts';
import { fileOf, LOCK_FILE } from './changes/lock.ts';
import { UsageError } from './errors.ts';
import { shown } from './names.ts';
import type { Owner, PlannedFile } from './planned-file.ts';
import { nearest } from './question.ts';
import { ROSTER_FILE } from './roster/roster-file.ts';
import { whyOf } from './why.ts';

/** How a path stands to the plan. `not installed`: only a part that was never run plans it. `not planned`: nobody does. */
export type State =
  | 'not there'
  | 'as planned'
  | 'out of date'
  | 'edited'
  | 'deleted'
  | 'yours'
  | 'in conflict'
  | 'no longer planned'
  | 'not installed'
  | 'not planned';

/** An edit of ours inside a file of yours. */
export interface ExplainedEdit {
  /** As in the lock: `acme.outputs.ci`, `on-run-start`, `lines`. */
  readonly place: string;
  readonly state: State;
}

/** Why a path is there, who owns it, and what becomes of it. */
export interface Explanation {
  readonly path: string;
  readonly why: string;
  /** The part that plans it; absent where none does. */
  readonly part?: string;
  readonly owner: Owner;
  /** What changes it, in a sentence. */
  readonly rewrittenBy: string;
  readonly state: State;
  /** Whether `.dbt-envs.lock` knows it. */
  readonly recorded: boolean;
  readonly edits: readonly ExplainedEdit[];
}

/** All that an explanation is made from. */
export interface Explained {
  readonly planned: readonly PlannedFile[];
  /** What the parts that are not installed would plan as well. */
  readonly possible: readonly PlannedFile[];
  readonly changes: readonly Change[];
  readonly world: World;
}

/**
 * The explanation of one path, or of every planned path below a folder. `names` are the ways to read what was typed, as
 * paths from the project's folder, the likeliest first. Throws {@link UsageError} where there is nothing by any of them.
 */
export function explanationsOf(names: readonly string[], about: Explained): readonly Explanation[] {
  const known = knownPaths(about);
  const name = names.find((one) => known.has(fileOf(one))) ?? names.find((one) => known.has(one));
  if (name !== undefined) return [explanationOf(known.has(name) ? name : fileOf(name), about)];
  for (const folder of names) {
    const below = [...known].filter((path) => folder === '' || path.startsWith(`${folder.replace(/\/$/, '')}/`));
    if (below.length > 0) return below.map((path) => explanationOf(path, about));
  }
  const there = names.find((one) => about.world.exists(one));
  if (there !== undefined) return [notPlanned(there, about)];
  const [typed = ''] = names;
  const near = likely(typed, [...known]);
  throw new UsageError(
    `There is no "${shown(typed)}" in the plan, and no such file. ${near === undefined ? 'To list every planned file: explain .' : `Did you mean ${near}?`}`,
  );
}

/** Planned, bookkeeping, or still known to the lock; in that order, each by its path. */
function knownPaths({ planned, possible, changes }: Explained): ReadonlySet<string> {
  const changed = changes.map(({ path }) => fileOf(path));
  return new Set([...planned.map(({ path }) => path), ...changed, LOCK_FILE, ...possible.map(({ path }) => path)]);
}

function explanationOf(path: string, about: Explained): Explanation {
  const { planned, possible, changes, world } = about;
  const recorded = [...world.lock.keys()].some((one) => fileOf(one) === path);
  if (path === ANSWERS_FILE || path === LOCK_FILE) return { ...bookkeeping(path), recorded };
  const file = planned.find((one) => one.path === path);
  if (file !== undefined && isEdited(file, world)) {
    // Where several cannot be made, they are one conflict of the whole file.
    const together = changes.find((change) => change.path === path);
    const edits = (file.edits ?? []).flatMap((edit) => {
      const place = recordOf(path, edit);
      const change = changes.find((one) => one.path === place) ?? together;
      return change === undefined ? [] : [{ place: place.slice(path.length + 1), state: stateOf(change) }];
    });
    return {
      path,
      why: whyOf(file),
      part: file.part,
      owner: 'yours',
      rewrittenBy: 'A run writes at the places below and nowhere else; every other byte is yours.',
      state: 'yours',
      recorded,
      edits,
    };
  }
  const change = changes.find((one) => one.path === path);
  if (file !== undefined) return { ...described(file), state: change === undefined ? 'as planned' : stateOf(change), recorded, edits: [] };
  const later = possible.find((one) => one.path === path);
  if (later !== undefined) return { ...described(later), state: 'not installed', recorded, edits: [] };
  return {
    path,
    why: 'An earlier run wrote it, and the plan no longer has it.',
    owner: 'ours',
    rewrittenBy: change?.kind === 'removed' ? 'The next run removes it: nobody has edited it.' : 'Nothing: you edited it, so it stays.',
    state: 'no longer planned',
    recorded,
    edits: [],
  };
}

const described = (file: PlannedFile): Pick<Explanation, 'path' | 'why' | 'part' | 'owner' | 'rewrittenBy'> => ({
  path: file.path,
  why: whyOf(file),
  part: file.part,
  owner: file.owner,
  rewrittenBy: rewriting(file),
});

function rewriting({ path, owner }: PlannedFile): string {
  if (path === ROSTER_FILE) return 'Only the part roster, with --add, --remove or --rename; otherwise you.';
  if (owner === 'yours') return 'Nothing: it is written once, and then it is yours.';
  return 'Every run whose answers, roster.yml or version ask for another text, until you edit it: then it stays as you leave it.';
}

function bookkeeping(path: string): Omit<Explanation, 'recorded'> {
  const ours = { path, owner: 'ours', state: 'as planned', edits: [] } as const;
  return path === LOCK_FILE
    ? {
        ...ours,
        why: 'What was last offered for each path: it tells your edits from our own text. Commit it.',
        rewrittenBy: 'Every run that offers something new.',
      }
    : {
        ...ours,
        why: 'Your answers and the installed parts, so that nothing is asked twice. Commit it.',
        rewrittenBy: 'Every run that is given another answer or adds a part.',
      };
}

/** It is there, and no plan speaks of it. */
function notPlanned(path: string, { planned, world }: Explained): Explanation {
  const twin = planned.find((file) => path === `${file.path}.new`);
  const moved = planned.find((file) => file.was.includes(path));
  const recorded = world.lock.has(path);
  const why =
    twin !== undefined
      ? `Our version of ${twin.path}, written beside yours because you chose that. Take from it what you want, and delete it.`
      : moved !== undefined
        ? `${moved.path} was called that in an earlier version.`
        : 'No part plans it: it is yours alone.';
  return { path, why, owner: 'yours', rewrittenBy: 'Nothing.', state: 'not planned', recorded, edits: [] };
}

function stateOf(change: Change): State {
  switch (change.kind) {
    case 'created':
      return 'not there';
    case 'updated':
      return 'out of date';
    case 'unchanged':
      return 'as planned';
    case 'removed':
      return 'no longer planned';
    case 'conflict':
      return 'in conflict';
    case 'kept':
      return change.why;
  }
}

/** The path that was most likely meant: another case, two slips, or the same file name in another folder. */
function likely(typed: string, paths: readonly string[]): string | undefined {
  const lower = typed.toLowerCase();
  const base = baseOf(lower);
  const nearBase = nearest(
    base,
    paths.map((path) => baseOf(path.toLowerCase())),
  );
  return (
    paths.find((path) => path.toLowerCase() === lower) ??
    nearest(typed, paths) ??
    paths.find((path) => baseOf(path.toLowerCase()) === base) ??
    paths.find((path) => baseOf(path.toLowerCase()) === nearBase)
  );
}

const baseOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
