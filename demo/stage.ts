import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';

/** What the demo prints: chapters, numbered steps with the command as it is typed, its output, and the time it took. */
let step = 0;

export function chapter(title: string, text: string): void {
  step = 0;
  console.log(`\n${title}\n${'='.repeat(title.length)}\n${text}`);
}

export function say(text: string): void {
  console.log(text === '' ? '' : `   ${text}`);
}

export interface Command {
  /** What happens, for the reader. */
  readonly title: string;
  /** The command as a person would type it. */
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
  step += 1;
  console.log(`\n${step}. ${command.title}\n   $ ${command.typed}`);
  const started = performance.now();
  const { code, output } = await stream(command);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (command.refusal === undefined) {
    if (code !== 0) throw new Error(`"${command.typed}" ended with ${code}:\n${output}`);
    console.log(`   (${seconds} s)`);
  } else {
    if (code === 0) throw new Error(`"${command.typed}" should have been refused, and was not:\n${output}`);
    if (!command.refusal.test(output)) throw new Error(`"${command.typed}" was refused for another reason:\n${output}`);
    console.log(`   refused, as it should be (${seconds} s)`);
  }
  return output;
}

function stream({ program, args, cwd, env, show = /./ }: Command): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { cwd, env: { ...clean(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    const lines: string[] = [];
    for (const source of [child.stdout, child.stderr]) {
      createInterface({ input: source }).on('line', (line) => {
        lines.push(line);
        if (show.test(line)) console.log(`   | ${line.replace(/^\d\d:\d\d:\d\d +/, '')}`);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output: lines.join('\n') }));
  });
}

/** The environment without anybody's dbt settings: the demo shows what a new machine would do. */
export function clean(): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name, value]) => value !== undefined && !/^(DBT_|PR_NUMBER$|PG[A-Z]+$)/.test(name));
  return {
    ...Object.fromEntries(kept.map(([name, value]) => [name, value ?? ''])),
    DBT_SEND_ANONYMOUS_USAGE_STATS: 'false',
    NO_COLOR: '1',
    DBT_USE_COLORS: 'false',
  };
}

/** Rows under a heading, padded. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = heading.map((cell, at) => Math.max(cell.length, ...rows.map((row) => (row[at] ?? '').length)));
  for (const row of [heading, widths.map((width) => '-'.repeat(width)), ...rows])
    say(
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}
