import { UsageError } from '../errors.ts';
import { shown } from '../names.ts';
import { noSuch } from '../question.ts';
import { allQuestions, type Raw } from '../questions.ts';

const PACKAGE = 'generator-dbt-envs';
/** What .yo-rc.json keeps beside the answers. */
const BOOKKEEPING = new Set(['parts', 'adopted']);

/**
 * The answers in a JSON file: an object of answers by question name, or a .yo-rc.json that holds one for us.
 * Throws a one-line error with exit status 2 that names the file and what is wrong in it.
 */
export function answersIn(file: string, text: string): Raw {
  const outer = objectIn(file, parsed(file, text));
  const inner = outer[PACKAGE];
  const answers = inner === undefined ? outer : objectIn(file, inner);
  const questions = allQuestions();
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(answers)) {
    if (BOOKKEEPING.has(name) || value === null) continue;
    if (!questions.some((question) => question.name === name)) {
      const names = questions.map((question) => question.name);
      throw new UsageError(`--answers ${file}: ${noSuch('question', name, names)}`);
    }
    given[name] = textOf(file, name, value);
  }
  return given;
}

function parsed(file: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw new UsageError(
      `--answers ${file}: this is no JSON (${error instanceof Error ? shown(error.message) : 'unreadable'}). Give an object of answers, such as {"projectName": "acme"}.`,
    );
  }
}

function objectIn(file: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.fromEntries(Object.entries(value));
  throw new UsageError(`--answers ${file}: this is no object of answers. Write it like {"projectName": "acme"}.`);
}

function textOf(file: string, name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(', ');
  throw new UsageError(`--answers ${file}: "${name}" is neither a text, nor a number, nor a list of texts.`);
}
