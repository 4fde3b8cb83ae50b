import { describe, expect, test } from 'vitest';
import { knownAnswers } from '../../src/answers/known-answers.ts';
import { repeatCommand } from '../../src/answers/repeat-command.ts';
import { PACKAGE, parseStored } from '../../src/answers/stored-answers.ts';
import { ciProviders, warehouses } from '../../src/catalogue.ts';
import { RunError, UsageError } from '../../src/errors.ts';
import type { Question } from '../../src/question.ts';
import { AnswerError, allQuestions, parseAnswers, questionsFor } from '../../src/questions.ts';
import { promptFor } from '../../src/shell/prompt.ts';
import { isAccepted, POOL, rulesOf, vendors } from '../support/hostile-plan.ts';

/** A flag that several vendors share is one word with a rule for each: what a Google Cloud project may be called, another warehouse's database cannot. */
const TEXTS = [...POOL, 'acme-prod', 'acme_prod', 'acme', 'separate'];
const rules = allQuestions();
const isShared = ({ name }: { readonly name: string }): boolean => rules.some((one) => one.name === name && (one.askedBy ?? []).length > 1);
/** As the chosen vendors' own folders declare them. */
const declaredBy = (chosen: Readonly<Record<string, string>>): readonly Question[] =>
  [...warehouses, ...ciProviders].filter(({ id }) => id === chosen.warehouse || id === chosen.ci).flatMap(({ questions }) => [...questions]);

/** Which of the texts are taken; another refusal than that of this answer is an error. */
function takenBy(read: (text: string) => unknown): readonly string[] {
  return TEXTS.filter((text) => {
    try {
      read(text);
      return true;
    } catch (error) {
      if (error instanceof AnswerError || error instanceof UsageError || (error instanceof RunError && /has a wrong answer for/.test(error.message)))
        return false;
      throw error;
    }
  });
}

describe.each(vendors)('a flag that $warehouse or $ci has in common with another', (chosen) => {
  const shared = declaredBy(chosen).filter(isShared);
  test.each(shared.map((one) => [one.flag, one] as const))(
    '--%s is read by the rule of the chosen one, wherever the answer comes from',
    (_, { name, parse }) => {
      const own = TEXTS.filter((text) => isAccepted(parse, text));
      const asked = questionsFor(chosen).find((one) => one.name === name);
      expect(takenBy((text) => parseAnswers({ ...chosen, projectName: 'acme', team: 'ana', [name]: text }))).toEqual(own);
      expect(takenBy((text) => knownAnswers({ root: '/', stored: undefined }, { ...chosen, [name]: text }))).toEqual(own);
      expect(takenBy((text) => knownAnswers({ root: '/', stored: { answers: chosen } }, { [name]: text }))).toEqual(own);
      expect(takenBy((text) => parseStored(JSON.stringify({ [PACKAGE]: { ...chosen, [name]: text } })))).toEqual(own);
      expect(TEXTS.filter((text) => asked && promptFor(asked, chosen, (answer) => answer).objection(text) === undefined)).toEqual(own);
    },
  );
  test('is drawn by that rule for the hostile plans', () => {
    const drawn = new Map<string, (text: string) => unknown>(rulesOf(chosen));
    for (const { name, parse, choices } of shared) if (choices === undefined) expect(drawn.get(name), name).toBe(parse);
  });
});

test('what another vendor takes is refused by name, and that is no empty claim', () => {
  const snowflake = { warehouse: 'snowflake', ci: 'github', projectName: 'acme', team: 'ana' };
  for (const flag of ['database', 'nonprod-database']) {
    const either = rules.find((one) => one.flag === flag);
    const own = declaredBy(snowflake).find((one) => one.flag === flag);
    expect(either && isAccepted(either.parse, 'acme-prod')).toBe(true);
    expect(own && isAccepted(own.parse, 'acme-prod')).toBe(false);
    expect(() => parseAnswers({ ...snowflake, [own?.name ?? '']: 'acme-prod' })).toThrow(`--${flag}: "acme-prod" cannot be a database`);
  }
  expect(parseAnswers({ ...snowflake, warehouse: 'bigquery', database: 'acme-prod' }).settings.database).toBe('acme-prod');
});

test('the command that repeats a run leaves out what is the default of the chosen one, and of no other', () => {
  const NOBODY = { developers: [], leavers: [], readers: [] };
  expect(repeatCommand(['app'], { projectName: 'acmeco', warehouse: 'snowflake', database: 'acmeco' }, NOBODY).repeat).not.toContain('--database');
  expect(repeatCommand(['app'], { projectName: 'acmeco', warehouse: 'bigquery', database: 'acmeco' }, NOBODY).repeat).toContain('--database acmeco');
  expect(repeatCommand(['app'], { projectName: 'acmeco', warehouse: 'bigquery', database: 'acmeco-prod' }, NOBODY).repeat).not.toContain('--database');
});
