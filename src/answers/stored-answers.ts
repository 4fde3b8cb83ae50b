import { RunError } from '../errors.ts';
import { shown } from '../names.ts';
import { type PartName, partNames } from '../plan.ts';
import { noSuch } from '../question.ts';
import { allQuestions, isStored, parseAnswer, questionsFor } from '../questions.ts';
import { setMember } from './json-member.ts';

/** Yeoman's own file; other generators keep theirs in it too. */
export const ANSWERS_FILE = '.yo-rc.json';
export const PACKAGE = 'generator-dbt-envs';

/** What is kept between runs: answers by question name, and the installed parts. Never the team: that is roster.yml. */
export interface Stored {
  readonly answers: Readonly<Record<string, string>>;
  readonly parts: readonly PartName[];
  /** Whether the dbt project was there before us. */
  readonly adopted: boolean;
}

/** Our part of `.yo-rc.json`; undefined where it has none. Throws {@link RunError} with one line that names the file and the way out. */
export function parseStored(text: string): Stored | undefined {
  if (/^(?:<{7}|={7}|>{7})/m.test(text)) throw wrong('holds conflict markers', 'Finish the merge first');
  const file = parsed(text);
  if (!isObject(file)) throw wrong('is no JSON object', 'Repair it, or delete it and answer again');
  const ours = file[PACKAGE];
  if (ours === undefined || ours === null) return undefined;
  if (!isObject(ours)) throw wrong(`has "${PACKAGE}" that is no object`, 'Repair it, or delete that entry and answer again');
  const { parts, adopted, ...answers } = ours;
  return { answers: answersFrom(answers), parts: partsFrom(parts), adopted: flagFrom(adopted) };
}

/** The file's new text: our entry is replaced or added, every other byte stays. `before` must have been parsed. */
export function printStored(before: string | undefined, { answers, parts, adopted }: Stored): string {
  const ours = { ...answers, parts, ...(adopted && { adopted }) };
  if (before === undefined) return `${JSON.stringify({ [PACKAGE]: ours }, null, 2)}\n`;
  return setMember(before, PACKAGE, ours);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw wrong(`is no JSON (${shown(error instanceof Error ? error.message : 'unreadable')})`, 'Repair it, or delete it and answer again');
  }
}

function answersFrom(entries: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const vendor = (name: string): Record<string, string> => (typeof entries[name] === 'string' ? { [name]: entries[name] } : {});
  const questions = [...questionsFor({ ...vendor('warehouse'), ...vendor('ci') }), ...allQuestions()];
  const names = [...new Set(questions.map(({ name }) => name))].filter(isStored);
  const answers: Record<string, string> = {};
  for (const [name, value] of Object.entries(entries)) {
    const question = questions.find((one) => one.name === name);
    if (!isStored(name)) throw wrong(`has "${name}", which belongs in roster.yml alone`, 'Delete that line');
    if (!question) throw wrong(`has an answer that nobody asked: ${noSuch('question', name, names)}`, 'Rename or delete that line');
    if (value === null) continue; // unanswered
    if (typeof value !== 'string') throw wrong(`has "${name}" that is no text`, `Write it in quotes, e.g. "${name}": "${shown(String(value))}"`);
    try {
      parseAnswer(question, value);
    } catch (error) {
      if (error instanceof RangeError) throw wrong(`has a wrong answer for "${name}": ${error.message.replace(/^--[a-z-]+: /, '')}`, 'Correct that line');
      throw error;
    }
    answers[name] = value;
  }
  return answers;
}

function partsFrom(value: unknown): readonly PartName[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw wrong('has "parts" that is no list', 'Write it like "parts": ["app"]');
  return value.map((given: unknown) => {
    const part = partNames.find((name) => name === given);
    if (part === undefined) throw wrong(`has a wrong entry in "parts": ${noSuch('part', String(given), partNames)}`, 'Correct that line');
    return part;
  });
}

function flagFrom(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean') throw wrong('has "adopted" that is neither true nor false', 'Write it without quotes');
  return value;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> => typeof value === 'object' && value !== null && !Array.isArray(value);

const wrong = (what: string, way: string): RunError => new RunError(`${ANSWERS_FILE} ${what}. ${way}; nothing was written.`);
