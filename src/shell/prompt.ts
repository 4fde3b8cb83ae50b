import type { Known, MultilineQuestion, Question } from '../question.ts';
import { defaultOf, parseAnswer } from '../questions.ts';

/** One question as a terminal puts it. The answer is always a text; `yes` or `no` for a confirmation. */
export interface Prompt {
  readonly kind: 'line' | 'lines' | 'choice' | 'confirmation';
  readonly name: string;
  readonly message: string;
  readonly preset?: string;
  readonly choices?: readonly { readonly name: string; readonly value: string }[];
  /** What is wrong with an answer, or undefined. */
  readonly objection: (answer: string) => string | undefined;
}

/** Where a question may be answered with several pasted lines. */
const isMultiline = (question: Question<unknown>): question is MultilineQuestion<unknown> => question.name === 'team' || 'multiline' in question;

/** A question of the table as a prompt; `read` gives the text that a file name stands for. */
export function promptFor(question: Question<unknown>, known: Known, text: (answer: string) => string): Prompt {
  const preset = defaultOf(question, known);
  return {
    kind: question.choices === undefined ? (isMultiline(question) ? 'lines' : 'line') : 'choice',
    name: question.name,
    message: question.message,
    ...(preset !== undefined && { preset }),
    ...(question.choices !== undefined && { choices: question.choices }),
    objection: (answer) => objectionTo(() => parseAnswer(question, text(answer))),
  };
}

/** The same declaration for inquirer, and for Yeoman's adapter, which is inquirer too. `lines`: the name of a prompt that takes several lines. */
export function toInquirer(prompt: Prompt, lines?: string) {
  const { kind, name, message, preset, choices, objection } = prompt;
  const validate = (answer: unknown): true | string => objection(String(answer)) ?? true;
  const common = { name, message, ...(preset !== undefined && { default: preset }) };
  switch (kind) {
    case 'line':
      return { ...common, type: 'input' as const, validate };
    case 'lines':
      // The types know inquirer's own prompts alone.
      return Object.assign({ ...common, type: 'input' as const, validate }, lines === undefined ? {} : { type: lines });
    case 'choice':
      return { ...common, type: 'select' as const, choices: choices === undefined ? [] : [...choices] };
    case 'confirmation':
      return { ...common, type: 'confirm' as const, default: preset !== 'no' };
  }
}

/** What inquirer answers, as a text. */
export const asText = (answer: unknown): string => (answer === true ? 'yes' : answer === false ? 'no' : String(answer ?? ''));

function objectionTo(parse: () => unknown): string | undefined {
  try {
    parse();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
