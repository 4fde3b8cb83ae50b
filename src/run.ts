import process from 'node:process';
import { answersLost, leftStanding, lostAnswer, outdated } from './answers/changed-answers.ts';
import { asUsage, knownAnswers } from './answers/known-answers.ts';
import { isRead } from './answers/part-questions.ts';
import { isSameTeam, type Repeat, repeatCommand, teamText } from './answers/repeat-command.ts';
import { ANSWERS_FILE, printStored, type Stored } from './answers/stored-answers.ts';
import { type Change, type Conflict, changes, ownLock, type World } from './changes/changes.ts';
import { LOCK_FILE, printLock } from './changes/lock.ts';
import { nextLock } from './changes/next-lock.ts';
import { type Summary, settle } from './changes/settle.ts';
import { type Context, contextOf, type Situation } from './context.ts';
import { apply } from './disk/disk.ts';
import { findPlace, namesOf, nameThere, type Place, PROJECT_FILE } from './disk/place.ts';
import { rivalMacros } from './disk/rival-macros.ts';
import { exists, textOf, textsBelow } from './disk/territory.ts';
import { refuseDuringTurn } from './disk/turn.ts';
import { RunError, UsageError } from './errors.ts';
import { type Explanation, explanationsOf } from './explain.ts';
import { type PartName, partNames, plan, withNeeds } from './plan.ts';
import type { PlannedFile } from './planned-file.ts';
import type { Question } from './question.ts';
import { type Answers, isStored, parseAnswers, questionsFor, withDefaults } from './questions.ts';
import { parseReaders, parseTeam, type Roster } from './roster/roster.ts';
import { editRoster, type RosterEdit } from './roster/roster-edit.ts';
import { parseRosterFile, ROSTER_FILE } from './roster/roster-file.ts';

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
  const { place, stored, context, roster, parts, all, planned, world, changes: decided } = now;
  return {
    about: aboutOf(context, all, parts),
    changes: decided,
    warnings: [
      ...(hasJobs(all) ? context.ci.warnings(context.pipeline) : []),
      ...warningsOf(now),
      ...changedAnswers(now),
      ...decided.flatMap((change) => (change.kind === 'conflict' && change.cannot !== undefined ? [`${change.cannot}\n${change.theirs}`] : [])),
    ],
    nextSteps: stepsFor(context, all, (path) => world.exists(path) || planned.some((file) => file.path === path)),
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

/** The stored answers under the given ones. Throws like {@link look}. */
function knownAt(place: Place, given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (!place.stored && isOurs(place)) throw answersLost(place.answersText !== undefined);
  return knownAnswers({ ...place, nameThere: () => nameThere(place) }, given);
}

/** A default may be another answer than the one that files here were written with. Where no parts are stored, those of this run count. */
function refuseLostAnswer(place: Place, raw: Readonly<Record<string, string>>, all: readonly PartName[]): void {
  if (!place.stored) return;
  const lost = lostAnswer(place.stored.answers, raw, place.stored.parts.length === 0 ? all : withNeeds(place.stored.parts));
  if (lost && isOurs(place)) throw lost;
}

/** Whether the record says that files here are ours. */
const isOurs = (place: Place): boolean => ownLock({ lock: place.lock, exists: (file) => exists(place, file) }).size > 0;

interface Prepared {
  readonly place: Place;
  readonly raw: Readonly<Record<string, string>>;
  readonly answers: Answers;
  /** What .yo-rc.json is to hold. */
  readonly stored: Stored;
  readonly roster: Roster;
  readonly situation: Situation;
  readonly context: Context;
  /** The installed and added parts. */
  readonly parts: readonly PartName[];
  /** The same, with all that they need. */
  readonly all: readonly PartName[];
  readonly planned: readonly PlannedFile[];
  readonly world: World;
  readonly changes: readonly Change[];
}

function prepared(invocation: Invocation, given: Readonly<Record<string, string>>): Prepared {
  const place = findPlace(invocation.cwd, invocation.projectDir);
  const raw = { ...knownAt(place, invocation.given), ...given };
  const team = teamOf(place, raw, invocation);
  const parts = installed(place, invocation.command);
  const all = withNeeds(parts);
  refuseLostAnswer(place, raw, all);
  const answers = asUsage(() => parseAnswers({ ...raw, ...(team && { team: teamText(team.roster.developers) }) }));
  const roster = team?.roster ?? { developers: answers.team, leavers: [], readers: answers.readers };
  const situation: Situation = { projectDir: place.projectDir, ...(place.adopted && { adopted: place.adopted }) };
  const planned = plan(answers, roster, situation, parts);
  const world = worldOf(place, invocation.force);
  const stored: Stored = { answers: toStore(raw, all), parts, adopted: place.adopted !== undefined };
  const decided = [answersChange(place, stored), ...changes(planned, world).map((change) => (change.path === ROSTER_FILE ? (team?.change ?? change) : change))];
  if (decided.some(({ kind }) => kind === 'conflict')) refuseMoving(place);
  return { place, raw, answers, stored, roster, situation, context: contextOf(answers, roster, situation, all), parts, all, planned, world, changes: decided };
}

/** What another run has half written looks like an edit of yours. Throws {@link RunError} where one is writing, or has written meanwhile. */
function refuseMoving({ root, boundary, lockText }: Place): void {
  refuseDuringTurn(root);
  if (textOf({ root, boundary }, LOCK_FILE) !== lockText) throw new RunError(`${LOCK_FILE} changed while it was being read; nothing was written. Run again.`);
}

/** Whether a CI provider has anything to run. */
const hasJobs = (parts: readonly PartName[]): boolean => parts.includes('ci') || parts.includes('cleanup');

function aboutOf({ project, warehouse, ci }: Context, parts: readonly PartName[], asked: readonly PartName[]): About {
  const vendors = [...(parts.includes('profiles') ? [warehouse.label] : []), ...(hasJobs(parts) ? [ci.label] : [])];
  const brought = asked.includes('app') ? [] : parts.filter((part) => !asked.includes(part));
  return { project: project.name, vendors, developers: project.roster.developers.length, parts: asked, brought };
}

/** Files for a dbt project, and none that makes one. */
const needsProject = (planned: readonly PlannedFile[], decided: readonly Change[]): boolean =>
  planned.some(({ part }) => part === 'profiles') && decided.every(({ path, kind }) => path !== PROJECT_FILE || kind !== 'created');

/** What the place itself makes doubtful. */
function warningsOf({ place, planned, context, changes: decided }: Prepared): readonly string[] {
  const theirs = (place.adopted?.macroPaths ?? []).flatMap((folder) => [...textsBelow(place, folder, '.sql')]);
  const projectless = place.adopted === undefined && !exists(place, PROJECT_FILE) && needsProject(planned, decided);
  const deleted = planned.some(({ path }) => path === PROJECT_FILE);
  const outer = place.projectDir !== '' && place.stored === undefined && place.adopted === undefined;
  return [
    ...rivalMacros(planned, new Map(theirs)),
    ...(projectless
      ? [
          `There is no dbt_project.yml in ${place.root}, and dbt runs nowhere else. ${deleted ? 'You deleted it: restore it from git.' : "Stand in the dbt project's folder, or name it with --project-dir."}`,
        ]
      : []),
    ...otherProfile(place, planned, context),
    ...(outer
      ? [
          `This folder is ${place.projectDir} of the git repository ${place.boundary}: CI files go there. If it is to be a repository of its own, run git init first.`,
        ]
      : []),
  ];
}

/** A profile that was renamed in dbt_project.yml alone: dbt does not find it. */
function otherProfile(place: Place, planned: readonly PlannedFile[], { project: { profile } }: Context): readonly string[] {
  if (place.adopted || planned.every(({ part }) => part !== 'profiles')) return [];
  const wanted = /^profile: *(["']?)([A-Za-z_][\w-]*)\1 *(?:#.*)?\r?$/m.exec(yourText(place, PROJECT_FILE) ?? '')?.[2];
  if (wanted === undefined || wanted === profile) return [];
  return [
    `${PROJECT_FILE} asks for the profile "${wanted}", and profiles.yml has "${profile}": dbt finds no connection. Write ${profile} there, or run again with --project-name ${wanted}.`,
  ];
}

/** What answers that are other ones now leave as it was: in the warehouse, and in files of yours. */
function changedAnswers(now: Prepared): readonly string[] {
  const { place, raw, stored, roster, planned } = now;
  if (!place.stored) return [];
  const [before, after] = [place.stored.answers, stored.answers];
  if (Object.entries(before).every(([name, value]) => after[name] === value)) return [];
  const earlier = earlierPlan({ ...raw, ...before, team: teamText(roster.developers) }, now);
  return [...leftStanding(before, after, withNeeds(place.stored.parts)), ...outdated(earlier, planned, (path) => yourText(place, path))];
}

/** The plan under the answers of before; none where a rule refuses them by now. */
function earlierPlan(before: Readonly<Record<string, string>>, { roster, situation, parts }: Prepared): readonly PlannedFile[] {
  try {
    return plan(parseAnswers(before), roster, situation, parts);
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

/** A file of yours that cannot be read is none that we could speak of. */
function yourText(place: Place, file: string): string | undefined {
  try {
    return textOf(place, file);
  } catch (error) {
    if (error instanceof RunError) return undefined;
    throw error;
  }
}

/** The installed parts and the added ones, in the order of planning; what an installed one needs anyway is not added. */
function installed({ stored }: Place, command: readonly PartName[]): readonly PartName[] {
  const there = stored?.parts ?? [];
  const planned = withNeeds(there);
  return partNames.filter((name) => there.includes(name) || (command.includes(name) && !planned.includes(name)));
}

function worldOf(place: Place, force: boolean): World {
  // Without a roster the team was asked for again, so roster.yml has to be written, whether or not it was deleted.
  const lock = new Map([...place.lock].filter(([recorded]) => recorded !== ROSTER_FILE || place.rosterText !== undefined));
  return {
    exists: (file) => exists(place, file),
    read: (file) => textOf(place, file),
    // Loaded when the first text is hashed: node:crypto brings streams along.
    hash: (text) => process.getBuiltinModule('node:crypto').hash('sha256', text),
    lock,
    force,
    complete: place.stored !== undefined && place.stored.parts.length > 0,
  };
}

/** The team where there is a roster.yml: edited if that was asked for. Throws {@link UsageError} where the flags name another one. */
function teamOf(
  { rosterText }: Place,
  { team, readers }: Readonly<Record<string, string>>,
  { rosterEdit: edit, today }: Invocation,
): { readonly roster: Roster; readonly change?: Change } | undefined {
  if (rosterText === undefined) {
    if (edit) throw new UsageError(`There is no ${ROSTER_FILE} to edit. Name the whole team with --team "ana, bo".`);
    return undefined;
  }
  const roster = parseRosterFile(rosterText, today);
  const way = `${ROSTER_FILE} is the team. Edit it, or run: npx generator-dbt-envs roster --add "ana" (or --remove, --rename).`;
  if (team !== undefined && !isSameTeam(parseTeam(team), roster.developers)) throw new UsageError(`--team differs from ${ROSTER_FILE}. ${way}`);
  if (readers !== undefined && JSON.stringify(parseReaders(readers)) !== JSON.stringify(roster.readers)) {
    throw new UsageError(`--readers differs from ${ROSTER_FILE}. ${way}`);
  }
  if (!edit) return { roster };
  const contents = editRoster(rosterText, edit);
  if (contents === rosterText) return { roster };
  return { roster: parseRosterFile(contents), change: { kind: 'updated', path: ROSTER_FILE, before: rosterText, contents } };
}

/** Every answer that these parts read, defaults included: a later version's other default changes nothing here. */
function toStore(raw: Readonly<Record<string, string>>, parts: readonly PartName[]): Readonly<Record<string, string>> {
  const full = withDefaults(raw);
  const kept = questionsFor(full).filter((question) => isStored(question.name) && isRead(question, parts));
  return Object.fromEntries(
    kept.flatMap(({ name }) => {
      const value = full[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** What is stored already stays as it is written. */
function answersChange({ answersText, stored }: Place, next: Stored): Change {
  if (answersText !== undefined && stored && sameStored(stored, next)) return { kind: 'unchanged', path: ANSWERS_FILE };
  const contents = printStored(answersText, next);
  return answersText === undefined ? { kind: 'created', path: ANSWERS_FILE, contents } : { kind: 'updated', path: ANSWERS_FILE, before: answersText, contents };
}

const sorted = ({ answers, parts, adopted }: Stored): string => JSON.stringify([Object.entries(answers).sort(), parts, adopted]);
const sameStored = (a: Stored, b: Stored): boolean => sorted(a) === sorted(b);

const someOf = (words: readonly string[]): string => [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((one) => one !== '').join(' or ');

function stepsFor({ project, warehouse, ci, pipeline }: Context, parts: readonly PartName[], isThere: (path: string) => boolean): readonly string[] {
  const first = isThere('requirements.txt') ? 'install what requirements.txt names, then run it.' : 'run it first.';
  return [
    ...(parts.includes('profiles') ? [`dbt parse reads the project without a connection: ${first}`] : []),
    ...(parts.includes('grants') ? warehouse.nextSteps(project, isThere) : []),
    ...(parts.includes('profiles') && !parts.includes('ci')
      ? [
          `Before you merge: your own job that builds production sets DBT_ENVS_RUNNER to ${someOf(project.prodRuns)}, or target prod is refused; your own job for pull requests runs dbt with --target ci and PR_NUMBER=<number>. Both log in as profiles.yml now says.`,
        ]
      : []),
    ...(parts.includes('ci') && !parts.includes('grants') && warehouse.grants(project).length > 0
      ? ['CI logs in as accounts of its own, with rights that an administrator gives them: npx generator-dbt-envs grants writes the scripts.']
      : []),
    ...(hasJobs(parts) ? ci.nextSteps(pipeline) : []),
    ...(parts.includes('grants') ? (warehouse.lastSteps?.(project) ?? []) : []),
  ];
}
