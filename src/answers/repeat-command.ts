import { foldToSlug } from '../names.ts';
import type { PartName } from '../plan.ts';
import { defaultOf, questionsFor, withDefaults } from '../questions.ts';
import type { Developer, Reader, Roster } from '../roster/roster.ts';

/**
 * cmd.exe takes 8,191 characters, of which npx, a script there, needs some; one argument on Linux 128 KiB.
 * https://learn.microsoft.com/troubleshoot/windows-client/shell-experience/command-line-string-limitation, execve(2)
 */
const LONGEST = 8_000;

export interface Repeat {
  readonly repeat: string;
  /** The line names nobody: elsewhere it needs a copy of roster.yml, for a team that no command line holds, and for people who left. */
  readonly needsRoster: boolean;
}

/**
 * The command that gives the same files elsewhere, and here, without a question. Defaults are left out. It can be
 * pasted into any shell: what a shell would read otherwise is quoted.
 */
export function repeatCommand(command: readonly PartName[], answers: Readonly<Record<string, string>>, roster: Roster): Repeat {
  const people = { team: roster.developers.map(withEmail).join(', '), readers: roster.readers.map(readerText).join(', ') };
  const whole = commandLine(command, { ...answers, ...people });
  const needsRoster = roster.leavers.length > 0 || whole.length > LONGEST;
  return { repeat: needsRoster ? commandLine(command, answers) : whole, needsRoster };
}

function commandLine(command: readonly PartName[], raw: Readonly<Record<string, string>>): string {
  const flags = questionsFor(withDefaults(raw)).flatMap((question) => {
    const value = raw[question.name];
    if (value === undefined || (question.name !== 'projectName' && value === defaultOf(question, raw))) return [];
    return [`--${question.flag} ${quoted(value.trim().replaceAll(/\s+/g, ' '))}`];
  });
  const part = command.filter((name) => name !== 'app');
  return ['npx generator-dbt-envs', ...part, '--yes', ...flags].join(' ');
}

/** Whether a team that was typed is the one that is there: it may leave an address out, and name no other. */
export function isSameTeam(typed: readonly Developer[], there: readonly Developer[]): boolean {
  const addresses = new Map(there.map(({ slug, email }) => [slug, email?.toLowerCase()]));
  return teamText(typed) === teamText(there) && typed.every(({ slug, email }) => email === undefined || email.toLowerCase() === addresses.get(slug));
}

/** As `--team` reads it, without the addresses that a slug does not come from. */
export const teamText = (developers: readonly Developer[]): string => developers.map(developerText).join(', ');

function developerText({ slug, login, email }: Developer): string {
  if (String(slug) !== login) return `${slug}=${login}`;
  return email !== undefined && foldToSlug(email) === slug ? email : slug;
}

/** An address may be what a warehouse knows somebody by. */
function withEmail(developer: Developer): string {
  const text = developerText(developer);
  return developer.email === undefined || text === developer.email ? text : `${text} <${developer.email}>`;
}

const readerText = ({ login, reviews }: Reader): string => (reviews ? `${login}:reviews` : login);

/** Double quotes where every shell leaves the inside alone, cmd.exe included; single quotes for the rest. */
function quoted(value: string): string {
  if (/^[\w./:@+-]+$/.test(value)) return value;
  return /^[\w ./:@+,=;()~?&<>-]*$/.test(value) ? `"${value}"` : `'${value.replaceAll("'", "'\\''")}'`;
}
