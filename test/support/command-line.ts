import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { main } from '../../src/cli/main.ts';
import type { Prompt } from '../../src/shell/prompt.ts';

/** What one command line did: its exit status, and what it said where. */
export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
  /** The prompts that were put, in order. */
  readonly asked: readonly Prompt[];
}

/** Answers prompts by name; `undefined` takes what is offered. Present: there is a terminal. */
export type Answering = (prompt: Prompt) => string | undefined;

export const emptyFolder = (): string => mkdtempSync(path.join(tmpdir(), 'dbt-envs-test-'));

/** Runs the bin in this process; without `answering` there is no terminal. */
export async function runBin(cwd: string, words: readonly string[], answering?: Answering, env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const said = { out: '', err: '' };
  const asked: Prompt[] = [];
  const status = await main(words, {
    cwd,
    env,
    now: new Date('2026-03-01T12:00:00Z'),
    present: answering !== undefined,
    stdout: { write: (text) => (said.out += text) },
    stderr: { write: (text) => (said.err += text) },
    asker: async () => async (prompt) => {
      asked.push(prompt);
      const answer = answering?.(prompt) ?? prompt.preset;
      if (answer === undefined) throw new Error(`no answer for ${prompt.name}`);
      const objection = prompt.objection(answer);
      if (objection !== undefined) throw new Error(`${prompt.name}: ${objection}`);
      return answer;
    },
  });
  return { status, ...said, asked };
}

/** Every file below a folder with its text, by path. */
export function tree(folder: string): Readonly<Record<string, string>> {
  const files = readdirSync(folder, { recursive: true })
    .map((name) => String(name).replaceAll('\\', '/'))
    .filter((name) => statSync(path.join(folder, name)).isFile());
  return Object.fromEntries(files.sort().map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
}
