import { foldToSlug } from '../names.ts';
import type { PartName } from '../plan.ts';
import { defaultOf, questionsFor, withDefaults } from '../questions.ts';
import type { Developer, Reader, Roster } from '../roster/roster.ts';

/**
 * The command that gives the same files elsewhere, and here, without a question. Defaults are left out. It can be
 * pasted into any shell: what a shell would read otherwise is quoted.
 */
export function repeatCommand(command: readonly PartName[], answers: Readonly<Record<string, string>>, roster: Roster): string {
  const raw: Readonly<Record<string, string>> = {
    ...answers,
    team: roster.developers.map(withEmail).join(', '),
    readers: roster.readers.map(readerText).join(', '),
  };
  const flags = questionsFor(withDefaults(raw)).flatMap((question) => {
    const value = raw[question.name];
    if (value === undefined || (question.name !== 'projectName' && value === defaultOf(question, raw))) return [];
    return [`--${question.flag} ${quoted(value.trim().replaceAll(/\s+/g, ' '))}`];
  });
  const part = command.filter((name) => name !== 'app');
  return ['npx generator-dbt-envs', ...part, '--yes', ...flags].join(' ');
}

/** As `--team` reads it, without addresses: two teams of one such text are the same people. */
export const teamText = (developers: readonly Developer[]): string => developers.map(developerText).join(', ');

function developerText({ slug, login, email }: Developer): string {
  if (String(slug) !== login) return `${slug}=${login}`;
  return email !== undefined && foldToSlug(email) === slug ? email : slug;
}

/** An address may be what a warehouse knows somebody by. Beside `slug=login` there is no place for one. */
function withEmail(developer: Developer): string {
  const text = developerText(developer);
  return developer.email === undefined || text.includes('=') || text === developer.email ? text : `${text} <${developer.email}>`;
}

const readerText = ({ login, reviews }: Reader): string => (reviews ? `${login}:reviews` : login);

/** Double quotes where every shell leaves the inside alone, cmd.exe included; single quotes for the rest. */
function quoted(value: string): string {
  if (/^[\w./:@+-]+$/.test(value)) return value;
  return /^[\w ./:@+,=;()~?&<>-]*$/.test(value) ? `"${value}"` : `'${value.replaceAll("'", "'\\''")}'`;
}
