import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

/** What the demo prints, and keeps for the page: chapters, numbered steps with what was typed, what came of it, and the time it took. */
export interface Chapter {
  readonly title: string;
  readonly text: string;
  readonly steps: readonly Step[];
}
export interface Step {
  readonly title: string;
  /** As a person would type it. */
  readonly typed?: string;
  readonly lines: readonly string[];
  readonly table?: Table;
  readonly seconds: number;
  readonly outcome: 'done' | 'refused';
}
export interface Table {
  readonly heading: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Everything so far, in the order in which it happened. */
export const journal: (Chapter & { readonly steps: Step[] })[] = [];

export function chapter(title: string, text: string): void {
  journal.push({ title, text, steps: [] });
  console.log(`\n${title}\n${'='.repeat(title.length)}\n${text}`);
}

/** An indented line that is no step. */
export function say(text: string): void {
  console.log(text === '' ? '' : `   ${text}`);
}

export interface Act {
  /** What happens, for the reader. */
  readonly title: string;
  readonly typed?: string;
}
export interface Shown {
  readonly lines?: readonly string[];
  readonly table?: Table;
  /** The page has a picture of it instead. */
  readonly hasPicture?: true;
}

/** One step that is no program: does it, and shows what it gives. */
export async function act({ title, typed }: Act, work: () => Promise<Shown>): Promise<void> {
  announce(title, typed);
  const started = performance.now();
  const { lines = [], table, hasPicture = false } = await work();
  const seconds = (performance.now() - started) / 1000;
  for (const line of lines) say(`| ${line}`);
  if (table) for (const line of padded(table)) say(line);
  say(`(${seconds.toFixed(1)} s)`);
  record({ title, ...(typed !== undefined && { typed }), lines, ...(table && !hasPicture && { table }), seconds, outcome: 'done' });
}

export interface Command extends Act {
  readonly typed: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Lines of the output that are worth showing; all by default. */
  readonly show?: RegExp;
  /** A refusal is what the demo wants to see: it fails where the command succeeds, or refuses for another reason. */
  readonly refusal?: RegExp;
}

/** Runs one command and shows it as it happens. Throws where it did not end as it should. */
export async function run(command: Command): Promise<string> {
  const { title, typed, refusal } = command;
  announce(title, typed);
  const started = performance.now();
  const { code, output, shown } = await stream(command);
  const seconds = (performance.now() - started) / 1000;
  if (refusal === undefined) {
    if (code !== 0) throw new Error(`"${typed}" ended with ${code}:\n${output}`);
    say(`(${seconds.toFixed(1)} s)`);
  } else {
    if (code === 0) throw new Error(`"${typed}" should have been refused, and was not:\n${output}`);
    if (!refusal.test(output)) throw new Error(`"${typed}" was refused for another reason:\n${output}`);
    say(`refused, as it should be (${seconds.toFixed(1)} s)`);
  }
  record({ title, typed, lines: shown, seconds, outcome: refusal === undefined ? 'done' : 'refused' });
  return output;
}

function announce(title: string, typed?: string): void {
  console.log(`\n${(journal.at(-1)?.steps.length ?? 0) + 1}. ${title}`);
  if (typed !== undefined) say(`$ ${typed}`);
}

function record(step: Step): void {
  journal.at(-1)?.steps.push(step);
}

function stream({ program, args, cwd, env, show = /./ }: Command): Promise<{ code: number | null; output: string; shown: readonly string[] }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { cwd, env: { ...clean(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const lines: string[] = [];
    const shown: string[] = [];
    for (const source of [child.stdout, child.stderr]) {
      createInterface({ input: source }).on('line', (line) => {
        lines.push(line);
        if (!show.test(line)) return;
        shown.push(line.replace(/^\d\d:\d\d:\d\d +/, ''));
        say(`| ${shown.at(-1)}`);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output: lines.join('\n'), shown }));
  });
}

/** The environment without anybody's settings for dbt, git or GitHub: the demo shows what a new machine would do. */
export function clean(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name, value]) => value !== undefined && !/^(DBT_|PR_|GIT_|GITHUB_|GH_|PG[A-Z]+$)/.test(name));
  return {
    ...Object.fromEntries(kept.map(([name, value]) => [name, value ?? ''])),
    DBT_SEND_ANONYMOUS_USAGE_STATS: 'false',
    NO_COLOR: '1',
    DBT_USE_COLORS: 'false',
  };
}

/** Rows under a heading, as wide as they are. */
function padded({ heading, rows }: Table): readonly string[] {
  const widths = heading.map((cell, at) => Math.max(cell.length, ...rows.map((row) => (row[at] ?? '').length)));
  return [heading, widths.map((width) => '-'.repeat(width)), ...rows].map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
