import { Interrupted, RunError, UsageError } from '../errors.ts';
import { allQuestions, type Raw, withDefaults } from '../questions.ts';
import type { Conflict, Decision, Engine, Invocation, Look } from './engine.ts';
import type { Ink } from './ink.ts';
import { type Prompt, promptFor } from './prompt.ts';
import { closingLines, conflictHelp, diffLines, intentLines, jsonOf, neighbourHelp, openingLines, planned, resultLines } from './report.ts';
import { partsOf, type ReadFile, type Request, teamText } from './request.ts';
import { hung } from './wrapped.ts';

/** Who is at the other end: a terminal, a pipe, or Yeoman's adapter. */
export interface Person {
  /** Why nobody can be asked, as the beginning of a sentence; undefined where somebody can. */
  readonly absence: string | undefined;
  readonly ink: Ink;
  /** Columns of the terminal on which the report is read, as they are now; undefined where it is read elsewhere. */
  readonly width?: () => number | undefined;
  /** Throws {@link Interrupted} where the person interrupts. */
  ask(prompt: Prompt): Promise<string>;
  /** Lines of the report, for people. */
  tell(...lines: readonly string[]): void;
  /** Data, for programs. */
  print(text: string): void;
}

const isThere = ({ absence }: Person): boolean => absence === undefined;

/** The directory and the day of a run: nothing below this asks the system for them. */
export interface Setting {
  readonly cwd: string;
  /** ISO date. */
  readonly today: string;
  readonly read: ReadFile;
}

/** What a run knows before it decides. */
export interface Gathered {
  readonly request: Request;
  readonly invocation: Invocation;
  readonly root: string;
  readonly answers: Raw;
}

/** One run, from the request to the last line: {@link gather}, then {@link carryOut}. */
export async function converse(request: Request, person: Person, setting: Setting, engine: Engine): Promise<0 | 1> {
  return await carryOut(await gather(request, person, setting, engine), person, engine);
}

/** Looks, and asks what is open; writes nothing. Throws a {@link UsageError} for whatever is wrong with the answers. */
export async function gather(request: Request, person: Person, setting: Setting, engine: Engine): Promise<Gathered> {
  const invocation = invocationOf(request, setting);
  return { request, invocation, ...(await settled(request, invocation, person, setting, engine)) };
}

/**
 * Says what will be done, settles the conflicts, writes, and says what is left to do. Returns 0, or 1 where `check`
 * found drift. Throws a {@link RunError} where a conflict is left, {@link Interrupted} where the person does not want it.
 */
export async function carryOut({ request, invocation, answers, root }: Gathered, person: Person, engine: Engine): Promise<0 | 1> {
  const decision = engine.decide(invocation, answers);
  if (request.check || request.dryRun) return compared(request, decision, root, person, engine);
  const width = person.width?.();
  person.tell(...openingLines(decision, root, person.ink, width), ...intentLines(decision.changes, person.ink, width));
  const settle = await settlement(request, decision, person, engine);
  if (isThere(person) && !request.yes && writes(decision)) await confirmed(root, person);
  const summary = await decision.apply(settle);
  if (request.json) person.print(jsonOf(summary, decision));
  person.tell(...resultLines(summary, person.ink), ...closingLines(decision, person.ink, person.width?.()));
  return 0;
}

export function invocationOf({ command, given, conflicts, projectDir, rosterEdit }: Request, { cwd, today }: Setting): Invocation {
  return {
    cwd,
    command: partsOf(command),
    given,
    force: conflicts === 'take',
    today,
    ...(projectDir !== undefined && { projectDir }),
    ...(rosterEdit !== undefined && { rosterEdit: { ...rosterEdit, today } }),
  };
}

export const nothingInstalled = (root: string): UsageError =>
  new UsageError(`Nothing is installed in ${root}. Run dbt-envs there first, or say where with --project-dir.`);

/** The answers that were asked for; given and stored ones are the engine's own to find, defaults its own to take. */
async function settled(request: Request, invocation: Invocation, person: Person, { read }: Setting, { look }: Engine): Promise<{ answers: Raw; root: string }> {
  let seen = look(invocation);
  if (request.check && seen.parts.length === 0) throw nothingInstalled(seen.root);
  if (request.yes || !isThere(person)) refuseOpen(request, seen, person);
  const answers: Record<string, string> = {};
  for (let [next] = seen.open; next !== undefined && !request.yes && isThere(person); [next] = seen.open) {
    const { name } = next;
    const text = (answer: string): string => (name === 'team' ? teamText(answer.trim(), read) : answer.trim());
    answers[name] = text(await person.ask(promptFor(next, seen.known, text)));
    seen = look({ ...invocation, given: { ...invocation.given, ...answers } });
  }
  refuseForeign(request, seen.known);
  return { answers, root: seen.root };
}

/** Nobody can be asked: what has no answer is named, all of it at once. */
function refuseOpen({ yes }: Request, { open }: Look, { absence }: Person): void {
  const missing = yes ? open.filter((question) => question.default === undefined) : open;
  if (missing.length === 0) return;
  const flags = missing.map(({ flag }) => `--${flag}`).join(', ');
  if (yes) throw new UsageError(`--yes invents no answer for ${flags}. Give it, e.g. --team "ana, bo".`);
  throw new UsageError(`${absence}, and no answer for ${flags}. Give them, or --yes for the defaults (a team has none).`);
}

/** A typed flag of a vendor that was not chosen would be passed over silently. */
function refuseForeign({ typed }: Request, known: Raw): void {
  const { warehouse, ci } = withDefaults(known);
  for (const { name, flag, askedBy } of allQuestions()) {
    if (askedBy === undefined || !typed.has(name) || askedBy.some((id) => id === warehouse || id === ci)) continue;
    throw new UsageError(`--${flag} belongs to ${askedBy.join(', ')}, and this project uses ${warehouse} and ${ci}. Leave it out.`);
  }
}

/** `--check` and `--dry-run`: the same plan, and nothing is written. */
function compared({ check, json }: Request, decision: Decision, root: string, person: Person, engine: Engine): 0 | 1 {
  const isDrift = engine.drift(decision.changes);
  if (json) person.print(jsonOf(planned(decision.changes), decision));
  person.tell(...openingLines(decision, root, person.ink, person.width?.()));
  person.tell(...diffLines(decision.changes, engine.diffOf, person.ink, check ? 'names' : 'diffs'));
  if (check)
    person.tell(
      isDrift ? `${person.ink.bad('! drift')}     a run would write. Nothing was written.` : `${person.ink.good('= in step')}   a run would write nothing.`,
    );
  else person.tell('Dry run: nothing was written.');
  return check && isDrift ? 1 : 0;
}

type Settlement = 'keep' | 'take' | 'new';
const conflictsIn = ({ changes }: Decision): readonly Conflict[] => changes.filter((change) => change.kind === 'conflict');

/** An answer for every conflict before the first byte is written. */
async function settlement(
  { conflicts: manner, yes, json }: Request,
  decision: Decision,
  person: Person,
  engine: Engine,
): Promise<(conflict: Conflict) => Settlement> {
  const conflicts = conflictsIn(decision);
  const chosen = new Map<string, Settlement>();
  const foreign = neighbourHelp(conflicts);
  const unanswered = manner === 'ask' && conflicts.length > 0 && (yes || !isThere(person));
  if (unanswered || (manner === 'take' && foreign !== undefined)) {
    if (json) person.print(jsonOf({ created: [], updated: [], unchanged: [], kept: [], removed: [], conflicts: conflicts.map(({ path }) => path) }, decision));
    throw new RunError(conflictHelp(conflicts));
  }
  if (foreign !== undefined) person.tell(...hung(`${person.ink.bad('! conflict')}   `, foreign, person.width?.()));
  if (manner !== 'ask') return () => manner;
  for (const conflict of conflicts) chosen.set(conflict.path, await settledByHand(conflict, person, engine));
  return ({ path }) => chosen.get(path) ?? 'keep';
}

async function settledByHand(conflict: Conflict, person: Person, { diffOf }: Engine): Promise<Settlement> {
  const take = conflict.cannot === undefined && conflict.neighbour === undefined ? [{ value: 'take', name: 'take ours' }] : [];
  for (;;) {
    const answer = await person.ask({
      kind: 'choice',
      name: 'conflict',
      message: `${conflict.path} differs from ours. What shall be done?`,
      preset: 'diff',
      choices: [
        { value: 'diff', name: 'show the differences' },
        { value: 'keep', name: 'keep yours' },
        ...take,
        { value: 'new', name: `keep yours, write ours to ${conflict.edit?.file ?? conflict.path}.new` },
      ],
      objection: () => undefined,
    });
    if (answer === 'keep' || answer === 'take' || answer === 'new') return answer;
    person.tell(diffOf(conflict));
  }
}

const writes = ({ changes }: Decision): boolean => changes.some(({ kind }) => kind !== 'unchanged' && kind !== 'kept');

async function confirmed(root: string, person: Person): Promise<void> {
  const answer = await person.ask({ kind: 'confirmation', name: 'write', message: `Write to ${root}?`, preset: 'yes', objection: () => undefined });
  if (answer !== 'yes') throw new Interrupted();
}
