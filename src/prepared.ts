import process from 'node:process';
import { answersLost, lostAnswer } from './answers/changed-answers.ts';
import { asUsage, knownAnswers } from './answers/known-answers.ts';
import { isRead } from './answers/part-questions.ts';
import { isSameTeam, teamText } from './answers/repeat-command.ts';
import { ANSWERS_FILE, printStored, type Stored } from './answers/stored-answers.ts';
import { type Change, changes, ownLock, type World } from './changes/changes.ts';
import { LOCK_FILE } from './changes/lock.ts';
import { type Context, contextOf, type Situation } from './context.ts';
import { findPlace, nameThere, type Place } from './disk/place.ts';
import { exists, textOf } from './disk/territory.ts';
import { refuseDuringTurn } from './disk/turn.ts';
import { RunError, UsageError } from './errors.ts';
import { type PartName, partNames, plan, withNeeds } from './plan.ts';
import type { PlannedFile } from './planned-file.ts';
import { type Answers, isStored, parseAnswers, questionsFor, withDefaults } from './questions.ts';
import { parseReaders, parseTeam, type Roster } from './roster/roster.ts';
import { editRoster } from './roster/roster-edit.ts';
import { parseRosterFile, ROSTER_FILE } from './roster/roster-file.ts';
import type { Invocation } from './run.ts';

/** A run as far as it can be thought out: the plan, what is there, and what becomes of each path. */
export interface Prepared {
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

/** Reads only. Throws {@link UsageError} for what was typed and {@link RunError} for what is there. */
export function prepared(invocation: Invocation, given: Readonly<Record<string, string>>): Prepared {
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

/** The stored answers under the given ones. Throws like {@link prepared}. */
export function knownAt(place: Place, given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
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

/** What another run has half written looks like an edit of yours. Throws {@link RunError} where one is writing, or has written meanwhile. */
function refuseMoving({ root, boundary, lockText }: Place): void {
  refuseDuringTurn(root);
  if (textOf({ root, boundary }, LOCK_FILE) !== lockText) throw new RunError(`${LOCK_FILE} changed while it was being read; nothing was written. Run again.`);
}

/** The installed parts and the added ones, in the order of planning; what an installed one needs anyway is not added. */
export function installed({ stored }: Place, command: readonly PartName[]): readonly PartName[] {
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
