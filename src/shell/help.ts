import { allOptions, type Command, commandNames, commands, type Option, shapeOf } from './options.ts';
import { wrapped } from './wrapped.ts';

const WIDTH = 100;
const COLUMN = 26;

/** How a shell is called: `dbt-envs grants` or `yo dbt-envs:grants`. */
export interface Manner {
  readonly usage: string;
  /** What can be typed in this shell. */
  readonly commands: readonly Command[];
  /** The command line of a part. */
  readonly line: (command: Command) => string;
}

export const binManner: Manner = {
  usage: 'dbt-envs [part] [flags]',
  commands: commandNames,
  line: (command) => (command === 'app' ? 'dbt-envs' : `dbt-envs ${command}`),
};
/** yo gave up completion (https://github.com/yeoman/yo/issues/886): there is nothing that our script could complete. */
export const yoManner: Manner = {
  usage: 'yo dbt-envs[:part] [flags]',
  commands: commandNames.filter((name) => name !== 'completion'),
  line: (command) => (command === 'app' ? 'yo dbt-envs' : `yo dbt-envs:${command}`),
};

/** The whole help: parts, questions, flags, examples, exit codes. */
export function helpText(manner: Manner): string {
  const options = allOptions();
  return [
    `Usage: ${manner.usage}`,
    '',
    'Writes a dbt repository in which developers cannot write to production.',
    '',
    'Parts:',
    ...manner.commands.flatMap((name) => row(shapeOf(name), commands[name])),
    '',
    'Answers (each is also asked, stored in .yo-rc.json, or has a default):',
    ...options.filter(({ question }) => question !== undefined).flatMap(optionRow),
    '',
    'Flags:',
    ...options.filter(({ question }) => question === undefined).flatMap(optionRow),
    '',
    'Examples:',
    `  ${manner.line('app')} --yes --team "ana, bo"`,
    `  ${manner.line('app')} --team @team.csv --dry-run`,
    `  ${manner.line('roster')} --add cy@acme.com`,
    `  ${manner.line('check')}`,
    `  ${manner.line('explain')} profiles.yml`,
    '',
    'Exit status: 0 done, 1 failed or drift, 2 wrong flag or answer, 130 interrupted.',
    'Nothing is sent anywhere, and nothing is written outside the project.',
    '',
  ].join('\n');
}

function optionRow({ flag, short, value, help, askedBy, only }: Option): string[] {
  const name = `--${flag}${value === undefined ? '' : ` ${value}`}`;
  const where = askedBy === undefined ? (only === undefined ? '' : ` (${only})`) : ` (${askedBy.join(', ')})`;
  return row(short === undefined ? name : `-${short}, ${name}`, help + where);
}

function row(name: string, text: string): string[] {
  const [first = '', ...rest] = wrapped(text, WIDTH - COLUMN);
  const indent = ' '.repeat(COLUMN);
  const head = `  ${name}`;
  return head.length < COLUMN ? [head.padEnd(COLUMN) + first, ...rest.map((line) => indent + line)] : [head, ...[first, ...rest].map((line) => indent + line)];
}
