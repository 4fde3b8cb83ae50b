import { completionFor } from '../shell/completion.ts';
import type { Person, Setting } from '../shell/conversation.ts';
import { isOn } from '../shell/flags.ts';
import { binManner } from '../shell/help.ts';
import {
  absenceIn,
  allOptions,
  converse,
  endingOf,
  engine,
  explanation,
  helpText,
  inkFor,
  noColours,
  parseFlags,
  printable,
  readerFrom,
  requestOf,
} from '../shell/shell.ts';
import { version } from '../shell/version.ts';
import { hung } from '../shell/wrapped.ts';

/** Everything that the bin takes from the process, so that tests can hand in their own. */
export interface Terminal {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: Date;
  /** Whether a person can be asked: both ends are a terminal. */
  readonly present: boolean;
  /** Whether the report is read on a terminal; by default as `present`. */
  readonly onScreen?: boolean;
  /** Columns of the terminal on which the report is read; undefined where it is read elsewhere. */
  readonly columns?: () => number | undefined;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  /** Puts one prompt; loaded only when there is a question. */
  readonly asker: () => Promise<Person['ask']>;
}

/** Runs one command line and returns its exit status; never throws. */
export async function main(words: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await run(words, terminal);
  } catch (error) {
    const { code, line } = endingOf(error);
    terminal.stderr.write(printable(`${hung('dbt-envs: ', line, terminal.columns?.()).join('\n')}\n`));
    return code;
  }
}

async function run(words: readonly string[], terminal: Terminal): Promise<number> {
  const typed = parseFlags(words, allOptions());
  if (isOn(typed, 'help')) {
    terminal.stdout.write(helpText(binManner));
    return 0;
  }
  if (isOn(typed, 'version')) {
    terminal.stdout.write(`${version}\n`);
    return 0;
  }
  const setting: Setting = { cwd: terminal.cwd, today: terminal.now.toISOString().slice(0, 10), read: readerFrom(terminal.cwd) };
  if (typed.command === 'completion') {
    terminal.stdout.write(completionFor(typed.operand));
    return 0;
  }
  const request = requestOf(typed, setting.read);
  const person = personAt(terminal, isOn(typed, 'no-color'));
  if (typed.command !== 'explain') return await converse(request, person, setting, engine);
  person.print(explanation(request, setting, engine));
  return 0;
}

function personAt({ present, onScreen = present, columns, stdout, stderr, env, asker }: Terminal, plain: boolean): Person {
  return {
    absence: absenceIn(env, present),
    ink: plain ? noColours : inkFor(env, onScreen),
    ...(columns !== undefined && { width: columns }),
    ask: async (prompt) => (await asker())(prompt),
    tell: (...lines) => stderr.write(printable(lines.map((line) => `${line}\n`).join(''))),
    print: (text) => stdout.write(text),
  };
}
