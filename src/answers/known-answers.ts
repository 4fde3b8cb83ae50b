import path from 'node:path';
import { UsageError } from '../errors.ts';
import { shown } from '../names.ts';
import { noSuch } from '../question.ts';
import { AnswerError, allQuestions, defaultOf, parseAnswer, questions, questionsFor } from '../questions.ts';

/** Stand beside the answers: the folder's name and the remote's default branch, from which others are guessed. They are never stored. */
const GUESSES: readonly string[] = ['folder', 'branch'];

/** Of the place, what answers follow from. */
interface Known {
  readonly root: string;
  readonly defaultBranch?: string;
  readonly adopted?: { readonly name: string };
  readonly stored: { readonly answers: Readonly<Record<string, string>> } | undefined;
}

/** The stored answers under the given ones. Throws {@link UsageError} where a given one is wrong. */
export function knownAnswers({ root, defaultBranch, adopted, stored }: Known, given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  checkGiven(given, { ...stored?.answers, ...given });
  const before = { folder: path.basename(root), ...(defaultBranch !== undefined && { branch: defaultBranch }), ...stored?.answers };
  const known: Record<string, string> = { ...before, ...given };
  follow(before, known, given);
  if (!adopted) return known;
  if (given.projectName !== undefined && given.projectName !== adopted.name) {
    throw new UsageError(`--project-name: this project is called "${adopted.name}" in dbt_project.yml, not "${shown(given.projectName)}". Leave the flag out.`);
  }
  return { ...known, projectName: adopted.name };
}

/** `known` says which vendors are asked, as far as that is settled. */
function checkGiven(given: Readonly<Record<string, string>>, known: Readonly<Record<string, string>>): void {
  const all = [...questionsFor(known), ...allQuestions()];
  for (const [name, text] of Object.entries(given)) {
    if (GUESSES.includes(name)) continue;
    const question = all.find((one) => one.name === name);
    if (!question) {
      const names = [...new Set(all.map((one) => one.name))];
      throw new UsageError(noSuch('question', name, names));
    }
    asUsage(() => parseAnswer(question, text));
  }
}

/** A stored answer that was only the default of another answer goes with it: another CI provider brings its own code host. */
function follow(before: Readonly<Record<string, string>>, known: Record<string, string>, given: Readonly<Record<string, string>>): void {
  for (const question of Object.values(questions)) {
    const { name } = question;
    if (given[name] !== undefined || before[name] === undefined || !('default' in question) || typeof question.default !== 'function') continue;
    const [old, now] = [defaultOf(question, before), defaultOf(question, known)];
    if (before[name] === old && now !== undefined && name !== 'projectName') known[name] = now;
  }
}

/** A wrong or missing answer is a matter of usage. */
export function asUsage<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (error instanceof AnswerError) throw new UsageError(error.message);
    throw error;
  }
}
