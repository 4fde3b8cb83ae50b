import { existsSync } from 'node:fs';
import path from 'node:path';
import { data, Evaluator, Lexer, Parser } from '@actions/expressions';
import { parse } from 'yaml';

/** As much of a workflow's shape as our tests read. */
export interface Workflow {
  readonly name: string;
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: unknown;
  readonly concurrency?: { readonly group: string; readonly 'cancel-in-progress'?: string | boolean; readonly queue?: string };
  readonly defaults?: Defaults;
  readonly env?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, WorkflowJob>>;
}
interface Defaults {
  readonly run?: { readonly shell?: string; readonly 'working-directory'?: string };
}
export interface WorkflowJob {
  readonly name?: string;
  readonly if?: string;
  readonly 'runs-on'?: string | readonly string[];
  readonly container?: string;
  readonly 'timeout-minutes'?: number;
  readonly environment?: string | { readonly name: string };
  readonly permissions?: Readonly<Record<string, string>> | string;
  readonly defaults?: Defaults;
  readonly 'continue-on-error'?: boolean | string;
  readonly needs?: string | readonly string[];
  readonly outputs?: Readonly<Record<string, string>>;
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
  readonly shell?: string;
  readonly 'continue-on-error'?: boolean | string;
  readonly env?: Readonly<Record<string, string>>;
}

export const parseWorkflow = (text: string): Workflow => parse(text) as Workflow;

export const environmentOf = ({ environment }: WorkflowJob): string | undefined => (typeof environment === 'string' ? environment : environment?.name);

/** What an expression may ask beside its contexts. */
export interface Surroundings {
  /** Whether a step before this one, or a job that this one needs, has failed. */
  readonly failed?: boolean;
  /** The checked-out repository: what hashFiles looks at. */
  readonly workspace?: string;
}

/** What GitHub makes of an expression, with its own evaluator. `${{ }}` around it is optional. */
export function evaluate(expression: string, context: Readonly<Record<string, unknown>>, { failed = false, workspace = '' }: Surroundings = {}): unknown {
  const inside = /^\s*\$\{\{(.*)\}\}\s*$/s.exec(expression)?.[1] ?? expression;
  const status = { success: !failed, failure: failed, cancelled: false, always: true };
  const functions = [
    ...Object.entries(status).map(([name, value]) => ({ name, minArgs: 0, maxArgs: 0, call: () => new data.BooleanData(value) })),
    {
      name: 'hashFiles',
      minArgs: 1,
      maxArgs: 1,
      call: (file: data.ExpressionData) => new data.StringData(existsSync(path.join(workspace, file.coerceString())) ? 'a-hash' : ''),
    },
  ];
  const parsed = new Parser(new Lexer(inside).lex().tokens, Object.keys(context), functions).parse();
  const result = new Evaluator(parsed, dictionary(context), new Map(functions.map((one) => [one.name.toLowerCase(), one]))).evaluate();
  return 'value' in result ? result.value : result.coerceString();
}

/** Whether an `if` lets a step or a job run: without a word on the status of what came before, that must have succeeded. */
export function admits(condition: string | undefined, context: Readonly<Record<string, unknown>>, surroundings: Surroundings = {}): boolean {
  if (surroundings.failed && !/\b(?:success|failure|cancelled|always)\(/.test(condition ?? '')) return false;
  return condition === undefined || isTruthy(evaluate(condition, context, surroundings));
}

/** A text with every `${{ }}` in it evaluated, as a runner sees it. */
export const interpolate = (text: string, context: Readonly<Record<string, unknown>>, surroundings: Surroundings = {}): string =>
  text.replaceAll(/\$\{\{.*?\}\}/gs, (expression) => String(evaluate(expression, context, surroundings) ?? ''));

/** The jobs that an event starts, by id; not those that wait for what another job says. */
export const selected = ({ jobs }: Workflow, github: Readonly<Record<string, unknown>>, vars: Readonly<Record<string, string>> = {}): readonly string[] =>
  Object.entries(jobs)
    .filter(([, job]) => job.needs === undefined && admits(job.if, { github, vars }))
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
