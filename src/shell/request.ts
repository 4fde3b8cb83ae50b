import { UsageError } from '../errors.ts';
import { NameError, shown } from '../names.ts';
import type { PartName } from '../plan.ts';
import { allQuestions, parseAnswer, type Raw } from '../questions.ts';
import { parseTeam } from '../roster/roster.ts';
import { answersIn } from './answers-file.ts';
import { isOn, type Typed, valued } from './flags.ts';
import type { Command } from './options.ts';

/** What a person wants of one run, whichever shell it was said in. */
export interface Request {
  readonly command: Command;
  /** The word after it. */
  readonly operand?: string;
  /** Raw answers by question name: those of the answers file under those that were typed. */
  readonly given: Raw;
  /** The names of the questions whose flags were typed. */
  readonly typed: ReadonlySet<string>;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly check: boolean;
  readonly json: boolean;
  readonly conflicts: 'ask' | 'take' | 'keep';
  readonly projectDir?: string;
  readonly rosterEdit?: { readonly add?: string; readonly remove?: string; readonly rename?: string };
}

/** Reads a file that the user named; throws a one-line error that names it. */
export type ReadFile = (file: string) => string;

/** What was typed, as a request. Throws a one-line error with exit status 2 for what cannot be meant. */
export function requestOf(typed: Typed, read: ReadFile): Request {
  const command = typed.command ?? 'app';
  exclusive(typed);
  const projectDir = valued(typed, 'project-dir');
  const rosterEdit = rosterEditOf(typed, command, read);
  const fromFlags = typedAnswers(typed, read);
  const answers = valued(typed, 'answers');
  if (answers?.trim() === '') throw new UsageError('--answers names no file. Write it like --answers house.json.');
  return {
    command,
    ...(typed.operand !== undefined && { operand: typed.operand }),
    given: { ...(answers !== undefined && answersIn(answers, read(answers))), ...fromFlags },
    typed: new Set(Object.keys(fromFlags)),
    yes: isOn(typed, 'yes'),
    dryRun: isOn(typed, 'dry-run'),
    check: isOn(typed, 'check') || command === 'check',
    json: isOn(typed, 'json'),
    conflicts: isOn(typed, 'force') ? 'take' : isOn(typed, 'keep') ? 'keep' : 'ask',
    ...(projectDir !== undefined && { projectDir }),
    ...(rosterEdit !== undefined && { rosterEdit }),
  };
}

/** The parts that a command adds to those that are installed. */
export const partsOf = (command: Command): readonly PartName[] => (command === 'check' || command === 'explain' || command === 'completion' ? [] : [command]);

/** `@file` in place of a team means the file's text. Throws a one-line error with exit status 2. */
export function teamText(given: string, read: ReadFile): string {
  if (!given.startsWith('@')) return given;
  const file = given.slice(1);
  if (file.trim() === '') throw new UsageError('"@" names no file. Write it like @team.csv.');
  return read(file);
}

function typedAnswers(typed: Typed, read: ReadFile): Raw {
  const given: Record<string, string> = {};
  for (const question of allQuestions()) {
    const value = typed.values.get(question.flag);
    if (value === undefined) continue;
    given[question.name] = question.name === 'team' ? peopleIn(value, 'team', read) : value;
    parseAnswer(question, given[question.name] ?? '');
  }
  const file = valued(typed, 'team-file');
  if (file === undefined) return given;
  if (file.trim() === '') throw new UsageError('--team-file names no file. Write it like --team-file team.csv.');
  return { ...given, team: teamIn(read(file), `--team-file ${file}`) };
}

/** People as a flag gives them, out of a file or as they were typed. */
const peopleIn = (typed: string, flag: string, read: ReadFile): string => (typed.startsWith('@') ? teamIn(teamText(typed, read), `--${flag} ${typed}`) : typed);

/** A team out of a file; what is wrong in it is said with the file's name. */
function teamIn(text: string, typed: string): string {
  try {
    parseTeam(text);
    return text;
  } catch (error) {
    if (error instanceof NameError) throw new UsageError(`${shown(typed)}: ${error.message}`);
    throw error;
  }
}

const EITHER = [
  ['force', 'keep'],
  ['team', 'team-file'],
  ['check', 'dry-run'],
  ['check', 'force'],
  ['check', 'keep'],
] as const;

function exclusive({ command, values, switches }: Typed): void {
  const has = (flag: string): boolean => values.has(flag) || switches.has(flag) || (flag === 'check' && command === 'check');
  for (const [one, other] of EITHER) if (has(one) && has(other)) throw new UsageError(`--${one} and --${other} exclude each other. Give one of them.`);
}

function rosterEditOf(typed: Typed, command: Command, read: ReadFile): Request['rosterEdit'] {
  const add = valued(typed, 'add');
  const remove = valued(typed, 'remove');
  const rename = valued(typed, 'rename');
  const [first] = Object.entries({ add, remove, rename }).flatMap(([flag, value]) => (value === undefined ? [] : [flag]));
  if (first === undefined) return undefined;
  if (command !== 'roster') throw new UsageError(`--${first} belongs to the roster part. Write: roster --${first} ${typed.values.get(first)}`);
  return { ...(add !== undefined && { add: peopleIn(add, 'add', read) }), ...(remove !== undefined && { remove }), ...(rename !== undefined && { rename }) };
}
