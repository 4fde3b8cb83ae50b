import type { PartName } from '../plan.ts';
import type { Question } from '../question.ts';
import { allQuestions } from '../questions.ts';

/** What can be typed after `dbt-envs`, or after `yo dbt-envs:`. The last three are no parts: they look, and write nothing. */
export const commands = {
  app: 'everything: the repository with its three environments (the default)',
  profiles: 'profiles.yml, the schema rules and their guards',
  grants: 'the scripts that let the warehouse enforce the boundary',
  ci: 'the jobs for pull requests and for production',
  cleanup: 'the nightly sweep and its report',
  roster: 'the team: --add, --remove, --rename',
  check: 'compare what is there with the plan; exit 1 on drift',
  explain: 'why a file is there, who owns it, what rewrites it; a folder: each of its files',
  completion: 'a script that makes this shell complete parts, flags and values',
} as const satisfies Readonly<Record<PartName | 'check' | 'explain' | 'completion', string>>;
export type Command = keyof typeof commands;
export const commandNames = Object.keys(commands) as readonly Command[];

export const shells = ['bash', 'zsh', 'fish'] as const;
export type ShellName = (typeof shells)[number];
export const isShell = (word: string | undefined): word is ShellName => shells.some((shell) => shell === word);

/** A word that has to follow a command. */
export interface Operand {
  /** What it is called in an error, and in its place in the help. */
  readonly noun: string;
  readonly value: string;
  readonly example: string;
  readonly choices?: readonly string[];
}

export const operands: Readonly<Partial<Record<Command, Operand>>> = {
  explain: { noun: 'path', value: 'PATH', example: 'profiles.yml' },
  completion: { noun: 'shell', value: shells.join('|'), example: shells[0], choices: shells },
};

/** A command as it is typed: `explain PATH`. */
export const shapeOf = (command: Command): string => [command, ...(operands[command] === undefined ? [] : [operands[command].value])].join(' ');

/** The commands that answer a question of their own: of the flags below they know these, and no others. */
export const flagsOf: Readonly<Partial<Record<Command, readonly Steering[]>>> = {
  explain: ['project-dir', 'json', 'no-color', 'help', 'version'],
  completion: ['no-color', 'help', 'version'],
};

export const isCommand = (word: string): word is Command => Object.hasOwn(commands, word);

/** A flag, whether it answers a question or steers the run. */
export interface Option {
  /** Without the dashes. */
  readonly flag: string;
  readonly short?: string;
  /** What stands for its value in the help; absent: a switch. */
  readonly value?: string;
  /** One line: meaning and limits. */
  readonly help: string;
  /** The question that it answers. */
  readonly question?: Question<unknown>;
  /** The vendors that ask it; absent: everybody does. */
  readonly askedBy?: readonly string[];
  /** The only command that knows it. */
  readonly only?: Command;
}

/** The flags that are not questions. */
const steering = [
  { flag: 'team-file', value: 'FILE', help: 'Reads the team from a file: a list or a CSV, as --team @FILE does.' },
  { flag: 'add', value: 'PERSON', help: 'Adds developers to roster.yml, written as for --team.', only: 'roster' },
  { flag: 'remove', value: 'SLUG', help: 'Marks a developer as left, as of today.', only: 'roster' },
  { flag: 'rename', value: 'OLD=NEW', help: 'Gives a developer another slug: a leaver and a new hire.', only: 'roster' },
  { flag: 'answers', value: 'FILE', help: 'Takes answers from a JSON file, such as the .yo-rc.json of another project.' },
  { flag: 'project-dir', value: 'DIR', help: 'The dbt project; by default found upward from here.' },
  { flag: 'yes', short: 'y', help: 'Asks nothing and takes the defaults; never invents a team, never settles a conflict.' },
  {
    flag: 'force',
    help: 'Takes ours in every conflict, and restores files of ours that you deleted. What you chose to keep is no conflict any more: delete it first.',
  },
  { flag: 'keep', help: 'Keeps your version of every file in conflict.' },
  { flag: 'dry-run', help: 'Prints the plan with its differences and writes nothing.' },
  { flag: 'check', help: 'Exits 1 if a run would write; writes nothing.' },
  { flag: 'json', help: 'Prints one JSON object on standard output.' },
  { flag: 'no-color', help: 'Prints without colours, as it does where NO_COLOR is set, or into a pipe.' },
  { flag: 'help', short: 'h', help: 'Prints this text.' },
  { flag: 'version', help: 'Prints the version.' },
] as const satisfies readonly Option[];

/** The switches and values that are not questions, by flag. */
export type Steering = (typeof steering)[number]['flag'];

/** Every flag there is, questions first: what parsing, help, Yeoman and docs/options.md are made from. */
export function allOptions(): readonly Option[] {
  return [
    ...allQuestions().map((question) => ({
      flag: question.flag,
      value: question.choices === undefined ? 'TEXT' : question.choices.map(({ value }) => value).join('|'),
      help: question.help,
      question,
      ...(question.askedBy !== undefined && { askedBy: question.askedBy }),
    })),
    ...steering,
  ];
}
