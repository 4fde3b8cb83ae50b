import { data, Evaluator, Lexer, Parser } from '@actions/expressions';
import { parse } from 'yaml';

/** As much of a workflow's shape as our tests read. */
export interface Workflow {
  readonly name: string;
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: unknown;
  readonly concurrency?: { readonly group: string; readonly 'cancel-in-progress'?: string | boolean; readonly queue?: string };
  readonly defaults?: { readonly run?: { readonly shell?: string; readonly 'working-directory'?: string } };
  readonly jobs: Readonly<Record<string, WorkflowJob>>;
}
export interface WorkflowJob {
  readonly name?: string;
  readonly if?: string;
  readonly 'runs-on'?: string | readonly string[];
  readonly container?: string;
  readonly 'timeout-minutes'?: number;
  readonly environment?: string | { readonly name: string };
  readonly permissions?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly steps: readonly WorkflowStep[];
}
export interface WorkflowStep {
  readonly id?: string;
  readonly name?: string;
  readonly if?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export const parseWorkflow = (text: string): Workflow => parse(text) as Workflow;

export const environmentOf = ({ environment }: WorkflowJob): string | undefined => (typeof environment === 'string' ? environment : environment?.name);

/** What GitHub makes of an expression, with its own evaluator. `${{ }}` around it is optional. */
export function evaluate(expression: string, context: Readonly<Record<string, unknown>>): unknown {
  const inside = /^\s*\$\{\{(.*)\}\}\s*$/s.exec(expression)?.[1] ?? expression;
  const functions = ['success', 'failure', 'cancelled', 'always'].map((name) => ({
    name,
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(name === 'success' || name === 'always'),
  }));
  const parsed = new Parser(new Lexer(inside).lex().tokens, Object.keys(context), functions).parse();
  const result = new Evaluator(parsed, dictionary(context), new Map(functions.map((one) => [one.name, one]))).evaluate();
  return 'value' in result ? result.value : result.coerceString();
}

/** A text with every `${{ }}` in it evaluated, as a runner sees it. */
export const interpolate = (text: string, context: Readonly<Record<string, unknown>>): string =>
  text.replaceAll(/\$\{\{.*?\}\}/gs, (expression) => String(evaluate(expression, context) ?? ''));

/** The jobs that an event starts, by id. */
export const selected = ({ jobs }: Workflow, github: Readonly<Record<string, unknown>>): readonly string[] =>
  Object.entries(jobs)
    .filter(([, job]) => job.if === undefined || isTruthy(evaluate(job.if, { github })))
    .map(([id]) => id);

/** GitHub's own rule for what an `if` counts as. */
export const isTruthy = (value: unknown): boolean => value !== false && value !== null && value !== undefined && value !== '' && value !== 0;

const dictionary = (value: Readonly<Record<string, unknown>>): data.Dictionary =>
  new data.Dictionary(...Object.entries(value).map(([key, one]) => ({ key, value: toData(one) })));

function toData(value: unknown): data.ExpressionData {
  if (value === null || value === undefined) return new data.Null();
  if (typeof value === 'string') return new data.StringData(value);
  if (typeof value === 'number') return new data.NumberData(value);
  if (typeof value === 'boolean') return new data.BooleanData(value);
  if (Array.isArray(value)) return new data.Array(...value.map(toData));
  if (typeof value === 'object') return dictionary({ ...value });
  throw new TypeError(`an event holds no ${typeof value}`);
}
