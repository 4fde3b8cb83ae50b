import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import type { Prompt } from '../shell/prompt.ts';
import { Interrupted } from '../shell/shell.ts';

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Puts one prompt line by line and draws nothing: for TERM=dumb, and for whoever has the screen read to them. */
export async function ask(prompt: Prompt): Promise<string> {
  const reader = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  const interrupted = new AbortController();
  const stop = (): void => interrupted.abort();
  for (const signal of ENDING) process.once(signal, stop);
  reader.once('close', stop);
  try {
    process.stderr.write(`${opening(prompt)}\n`);
    for (;;) {
      const typed = prompt.kind === 'lines' ? await linesFrom(() => reader.question('> ', interrupted)) : await reader.question('> ', interrupted);
      const answer = meant(typed.trim(), prompt);
      const objection = prompt.objection(answer);
      if (objection === undefined) return answer;
      process.stderr.write(`${objection}\n`);
    }
  } catch (error) {
    if (interrupted.signal.aborted) throw new Interrupted();
    throw error;
  } finally {
    for (const signal of ENDING) process.removeListener(signal, stop);
    reader.removeListener('close', stop);
    reader.close();
  }
}

function opening({ kind, message, choices = [], preset }: Prompt): string {
  const offered = preset === undefined || preset === '' ? '' : ` (${preset})`;
  const how = { line: '', lines: ' An empty line ends it.', choice: ' Type a number.', confirmation: ' yes or no.' }[kind];
  return [`${message}${offered}${how}`, ...choices.map(({ name }, at) => `  ${at + 1}. ${name}`)].join('\n');
}

/** A number is the choice that bears it; nothing is what was offered. */
function meant(typed: string, { kind, choices = [], preset = '' }: Prompt): string {
  if (typed === '') return preset;
  if (kind === 'confirmation') return /^y(es)?$/i.test(typed) ? 'yes' : 'no';
  return choices[Number(typed) - 1]?.value ?? typed;
}

async function linesFrom(next: () => Promise<string>): Promise<string> {
  const lines: string[] = [];
  for (let line = await next(); line.trim() !== ''; line = await next()) lines.push(line.trim());
  return lines.join('\n');
}
