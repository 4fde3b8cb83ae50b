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
  /** What dbt_project.yml calls the project. Looked at only where a name is given. */
  readonly nameThere?: () => string | undefined;
  readonly stored: { readonly answers: Readonly<Record<string, string>> } | undefined;
}

/** The stored answers under the given ones. Throws {@link UsageError} where a given one is wrong. */
export function knownAnswers(
  { root, defaultBranch, adopted, nameThere, stored }: Known,
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  checkGiven(given, { ...stored?.answers, ...given });
  const before = { folder: path.basename(root), ...(defaultBranch !== undefined && { branch: defaultBranch }), ...stored?.answers };
  const known: Record<string, string> = { ...before, ...given };
  follow(before, known, given);
  refuseOtherName(given.projectName, nameThere);
  return adopted ? { ...known, projectName: adopted.name } : known;
}

/** dbt finds no profile of another name than dbt_project.yml asks for, and that file is yours. */
function refuseOtherName(given: string | undefined, nameThere: (() => string | undefined) | undefined): void {
  const name = given === undefined ? undefined : nameThere?.();
  if (given === undefined || name === undefined || given === name) return;
  throw new UsageError(
    `--project-name: this project is called "${name}" in dbt_project.yml, not "${shown(given)}". Leave the flag out, or first write ${given} for ${name} throughout dbt_project.yml.`,
  );
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
