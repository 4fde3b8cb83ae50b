import { hasJobs, stepsAfter, warningsOf } from './advice.ts';
import { isRead } from './answers/part-questions.ts';
import { type Repeat, repeatCommand } from './answers/repeat-command.ts';
import type { Change, Conflict } from './changes/changes.ts';
import { LOCK_FILE, printLock } from './changes/lock.ts';
import { nextLock } from './changes/next-lock.ts';
import { type Summary, settle } from './changes/settle.ts';
import { apply } from './disk/disk.ts';
import { findPlace, namesOf } from './disk/place.ts';
import { type Explanation, explanationsOf } from './explain.ts';
import { type PartName, partNames, plan, withNeeds } from './plan.ts';
import { installed, knownAt, type Prepared, prepared } from './prepared.ts';
import type { Question } from './question.ts';
import { isStored, questionsFor } from './questions.ts';
import type { RosterEdit } from './roster/roster-edit.ts';

export { type Change, type Conflict, drift } from './changes/changes.ts';
export { diffOf } from './changes/diff.ts';
export type { Summary } from './changes/settle.ts';
export { RunError, UsageError } from './errors.ts';
export type { Explanation } from './explain.ts';

/** What was asked for, in whichever shell. */
export interface Invocation {
  readonly cwd: string;
  readonly projectDir?: string;
  /** The parts that this command adds to the installed ones; none for a check. */
  readonly command: readonly PartName[];
  /** Flags and answers file, by question name. */
  readonly given: Readonly<Record<string, string>>;
  /** Takes every conflict, and restores files of ours that were deleted. */
  readonly force: boolean;
  readonly rosterEdit?: RosterEdit;
  /** ISO date, in UTC. A day after it, on which roster.yml says that somebody leaves, is refused; nothing else depends on it. */
  readonly today?: string;
}

/** What is known before anything is asked. */
export interface Look {
  /** Absolute: the dbt project's folder. */
  readonly root: string;
  /** Stored answers under the given ones; `folder`, from which defaults are guessed, stands beside them. */
  readonly known: Readonly<Record<string, string>>;
  /** Questions of the first conversation that have no answer, in order. */
  readonly open: readonly Question<unknown>[];
  readonly hasRoster: boolean;
  /** Installed and added ones, with all that they need. */
  readonly parts: readonly PartName[];
}

/** What the repository is for, in a reader's words. */
export interface About {
  readonly project: string;
  /** Labels of the vendors that the planned files are for. */
  readonly vendors: readonly string[];
  readonly developers: number;
  readonly parts: readonly string[];
  /** The parts that come along because the others need them. */
  readonly brought: readonly string[];
}

/** What a run would do; nothing is written before `apply`. */
export interface Decision extends Repeat {
  readonly about: About;
  readonly changes: readonly Change[];
  readonly warnings: readonly string[];
  readonly nextSteps: readonly string[];
  /** All or nothing. Rejects with {@link RunError}, or with an Interrupted where a signal came; nothing is changed then. */
  apply(settle: (conflict: Conflict) => 'keep' | 'take' | 'new'): Promise<Summary>;
}

/** Reads only. Throws {@link UsageError} for what was typed and {@link RunError} for what is there. */
export function look({ cwd, projectDir, command, given }: Invocation): Look {
  const place = findPlace(cwd, projectDir);
  const known = knownAt(place, given);
  const parts = withNeeds(installed(place, command));
  const hasRoster = place.rosterText !== undefined;
  const isOpen = (question: Question<unknown>): boolean =>
    question.asked && known[question.name] === undefined && isRead(question, parts) && (isStored(question.name) || !hasRoster);
  return { root: place.root, known, open: questionsFor(known).filter(isOpen), hasRoster, parts };
}

/** Everything is decided here, and nothing written. Throws like {@link look}; a missing answer takes its default or throws {@link UsageError}. */
export function decide(invocation: Invocation, given: Readonly<Record<string, string>>): Decision {
  const now = prepared(invocation, given);
  const { place, stored, roster, planned, world, changes: decided } = now;
  return {
    about: aboutOf(now),
    changes: decided,
    warnings: warningsOf(now),
    nextSteps: stepsAfter(now),
    ...repeatCommand(invocation.command, stored.answers, roster),
    apply: async (answer) => {
      const settled = settle(decided, answer, world.exists);
      const contents = printLock(nextLock(planned, world, settled.staying));
      await apply(place, { ...settled.work, record: { path: LOCK_FILE, contents, decidedOn: { text: place.lockText } } });
      return settled.summary;
    },
  };
}

/**
 * Why a path is there and what becomes of it; a folder stands for all that is planned below it. Reads only. Throws like
 * {@link look}, and {@link UsageError} where nothing is called that.
 */
export function explain(invocation: Invocation, given: string): readonly Explanation[] {
  const { place, answers, roster, situation, planned, world, changes: decided } = prepared(invocation, {});
  const taken = new Set(planned.map(({ path }) => path));
  const possible = plan(answers, roster, situation, partNames).filter(({ path }) => !taken.has(path));
  return explanationsOf(namesOf(place, invocation.cwd, given), { planned, possible, changes: decided, world });
}

function aboutOf({ context: { project, warehouse, ci }, all, parts }: Prepared): About {
  const vendors = [...(all.includes('profiles') ? [warehouse.label] : []), ...(hasJobs(all) ? [ci.label] : [])];
  const brought = parts.includes('app') ? [] : all.filter((part) => !parts.includes(part));
  return { project: project.name, vendors, developers: project.roster.developers.length, parts, brought };
}
