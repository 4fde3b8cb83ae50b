import { RunError } from '../errors.ts';
import type { PartName } from '../plan.ts';
import type { PlannedFile } from '../planned-file.ts';
import { isStored, questionsFor, type Raw } from '../questions.ts';
import { ROSTER_FILE } from '../roster/roster-file.ts';
import { isRead } from './part-questions.ts';
import { ANSWERS_FILE } from './stored-answers.ts';

const WAY = 'Restore it from git';

/** Files of ours are there, and what they were made from is not. `isThere`: the file is, with other generators' answers alone. */
export const answersLost = (isThere: boolean): RunError =>
  new RunError(
    `${ANSWERS_FILE} ${isThere ? 'has no answers of ours' : 'is missing'}, and .dbt-envs.lock says that files here are ours: without their answers they would be rewritten by defaults. ${WAY}; or delete .dbt-envs.lock and answer anew: then you are asked about each file that differs; nothing was written.`,
  );

/** The first answer of the conversation that these parts were written with and that nobody knows any more; another vendor's own are new. */
export function lostAnswer(stored: Raw, raw: Raw, parts: readonly PartName[]): RunError | undefined {
  const asked = new Set(questionsFor(stored).flatMap(({ name, asked }) => (asked && isStored(name) ? [name] : [])));
  const lost = questionsFor(raw).find((question) => asked.has(question.name) && isRead(question, parts) && raw[question.name] === undefined);
  if (lost === undefined) return undefined;
  return new RunError(
    `${ANSWERS_FILE} has no answer for "${lost.name}", and files here were written with one. ${WAY}, or give --${lost.flag}; nothing was written.`,
  );
}

/** What these parts have made outside of the repository and no run takes away, one text for each answer that is another one now. */
export function leftStanding(before: Raw, now: Raw, parts: readonly PartName[]): readonly string[] {
  const ofWarehouse = (question: { readonly name: string }): boolean => isRead(question, ['profiles']);
  const moved = before.warehouse !== now.warehouse;
  const changed = questionsFor(before).filter(
    (question) =>
      before[question.name] !== now[question.name] &&
      // Only scripts of ours make something there; and with the whole warehouse everything in it is left.
      (!ofWarehouse(question) || (parts.includes('grants') && (!moved || question.name === 'warehouse'))),
  );
  return changed.flatMap(({ name, flag, leaves }) => {
    const [was, is] = [before[name], now[name]];
    const left = was === undefined || is === undefined ? undefined : leaves?.(was, is);
    return left === undefined ? [] : [`--${flag}: "${was}" became "${is}". ${left}`];
  });
}

/**
 * Names the files of yours that would be others, had they been written now; `textOf` gives what is there. roster.yml is
 * no matter of answers.
 */
export function outdated(before: readonly PlannedFile[], now: readonly PlannedFile[], textOf: (path: string) => string | undefined): readonly string[] {
  const current = new Map(now.map(({ path, contents }) => [path, contents]));
  const paths = before.flatMap(({ path, owner, contents, edits = [] }) => {
    if (owner !== 'yours' || path === ROSTER_FILE || edits.length > 0 || current.get(path) === contents) return [];
    const there = textOf(path);
    return there === undefined || there.replaceAll('\r\n', '\n') === current.get(path) ? [] : [path];
  });
  if (paths.length === 0) return [];
  const [are, they] =
    paths.length === 1 ? ['was written for other answers and is', 'it stays as it is'] : ['were written for other answers and are', 'they stay as they are'];
  return [
    `${[paths.slice(0, -1).join(', '), ...paths.slice(-1)].filter((one) => one !== '').join(' and ')} ${are} yours, so ${they}. Change them by hand; or, to have one anew, delete it and its line in .dbt-envs.lock and run again.`,
  ];
}
