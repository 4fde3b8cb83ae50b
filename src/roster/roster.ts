import { type Email, foldToSlug, type Login, lostLetters, NameError, parseEmail, parseLogin, parseSlug, type Slug, shown } from '../names.ts';
import { type Column, rowsOf, tableIn } from './team-table.ts';

/** A person who writes `dev_<slug>` and nothing else. */
export interface Developer {
  readonly slug: Slug;
  readonly login: Login;
  readonly email?: Email;
}
/** Somebody who left on `left` (ISO date): loses every right, keeps a script in grants/leavers. */
export interface Leaver extends Developer {
  readonly left: string;
}
/** Reads prod; with `reviews`, every `pr_<n>` too. */
export interface Reader {
  readonly login: Login;
  readonly reviews: boolean;
}
export interface Roster {
  readonly developers: readonly Developer[];
  readonly leavers: readonly Leaver[];
  readonly readers: readonly Reader[];
}

/**
 * Reads a team as people give it: `ana, Bo Li, cy@acme.com, Eve Ito <eve@acme.com>, dee=d.miller`, on one line or one a
 * line, or a table ({@link tableIn}). `slug=login` says both, and `slug=login <e-mail>` all three. Throws {@link NameError};
 * where there are several lines it says which one.
 */
export function parseTeam(text: string): readonly Developer[] {
  const plain = text.replace(/^\uFEFF/, '').replace(/^sep=[,;\t](?=[\r\n])/i, ''); // a line for Excel alone
  const onLine = /\S[^\S\r\n]*[\r\n]\s*\S/.test(plain) ? inLine : (_: number, parse: () => Developer) => parse();
  const table = tableIn(plain);
  const people = table
    ? table.rows.map(({ line, cells }) => onLine(line, () => fromRow(table.columns, cells)))
    : entriesIn(plain).map(({ line, entry }) => onLine(line, () => fromEntry(entry)));
  if (people.length === 0) throw new NameError('The team is empty. Name at least one developer, e.g. --team "ana, bo".');
  return distinct(people);
}

/** `looker, anna:reviews`: who reads prod, and who also reads every PR schema. Empty is allowed. */
export function parseReaders(text: string): readonly Reader[] {
  const readers = text
    .split(/[,\n]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
    .map((entry) => {
      const [login = '', mark, ...rest] = entry.split(':');
      if (rest.length > 0 || (mark !== undefined && mark !== 'reviews')) {
        throw new NameError(`"${shown(entry)}" is no reader. Write a login, or <login>:reviews for one who reads PR schemas too.`);
      }
      return { login: parseLogin(login), reviews: mark === 'reviews' };
    });
  const twice = firstDuplicate(readers.map(({ login }) => login));
  if (twice !== undefined) throw new NameError(`The reader "${twice}" is named twice. Name each login once.`);
  return readers;
}

/** Refuses two people in one schema, and two schemas behind one login. */
export function distinct<Person extends Developer>(people: readonly Person[]): readonly Person[] {
  const bySlug = new Map<string, Person>();
  const byLogin = new Map<string, Person>();
  for (const person of people) {
    const other = bySlug.get(person.slug);
    if (other) {
      throw new NameError(`${named(other)} and ${named(person)} share the slug "${person.slug}". Give one of them another: <slug>=<login>.`);
    }
    const sameLogin = byLogin.get(person.login.toLowerCase());
    if (sameLogin)
      throw new NameError(
        `"${sameLogin.slug}" and "${person.slug}" share the login "${person.login}". Name each person once, with a login of their own: <slug>=<login>.`,
      );
    bySlug.set(person.slug, person);
    byLogin.set(person.login.toLowerCase(), person);
  }
  return people;
}

const named = ({ email, login }: Developer): string => `"${shown(email ?? login)}"`;

function inLine<T>(line: number, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof NameError) throw new NameError(`line ${line}: ${error.message}`);
    throw error;
  }
}

/**
 * The people of a list. Several lines with several cells, and a line with a tab, are a table whose columns nobody knows:
 * taken for a list, it would make a developer of every cell.
 */
function entriesIn(text: string): readonly { readonly line: number; readonly entry: string }[] {
  const lines = rowsOf(text, ',').map(({ line, cells }) => ({
    line,
    entries: cells
      .flatMap((cell) => cell.split(';'))
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
  }));
  const wide = lines.find(({ entries }) => (lines.length > 1 && entries.length > 1) || entries.some((entry) => entry.includes('\t')));
  if (wide)
    throw new NameError(
      `line ${wide.line}: "${shown(wide.entries.join(', '))}" has several cells, and no first line says what they are. Write one person a line, or name the columns there: name, email, slug, login.`,
    );
  return lines.flatMap(({ line, entries }) => entries.map((entry) => ({ line, entry })));
}

function fromRow(columns: readonly Column[], cells: readonly string[]): Developer {
  const cell = (column: Column): string | undefined => cells[columns.indexOf(column)] || undefined;
  return person(cell('slug'), cell('login'), cell('email'), cell('name') ?? cell('email') ?? cell('login') ?? '');
}

function fromEntry(entry: string): Developer {
  if (/[|{}[\]:]/.test(entry)) throw new NameError(`"${shown(entry)}" is no person. Write a name, an e-mail address or <slug>=<login>, and no other notation.`);
  const [, before = entry, address] = /^([^<>]*)<([^<>]*)>$/.exec(entry) ?? [];
  const at = before.indexOf('=');
  if (at >= 0) return person(before.slice(0, at).trim(), before.slice(at + 1).trim(), address, entry);
  const email = address ?? (entry.includes('@') ? entry : undefined);
  return person(undefined, undefined, email, (address === undefined ? '' : before.trim()) || (email ?? entry));
}

function person(slug: string | undefined, login: string | undefined, email: string | undefined, from: string): Developer {
  const address = email === undefined ? undefined : parseEmail(email);
  const folded = slug ?? foldToSlug(from);
  if (folded === '') throw new NameError(`No slug can be made from "${shown(from)}". Give one: <slug>=<login>.`);
  if (slug === undefined && !/^[a-z]/.test(folded))
    throw new NameError(`A slug begins with a letter; "${shown(from)}" gives "${shown(folded)}". Give one: <slug>=<login>.`);
  const lost = slug === undefined ? lostLetters(from) : '';
  if (lost !== '') throw new NameError(`"${shown(from)}" has letters that no slug can have (${shown(lost)}). Give one: <slug>=<login>.`);
  const parsed = parseSlug(folded);
  return { slug: parsed, login: parseLogin(login ?? parsed), ...(address !== undefined && { email: address }) };
}

function firstDuplicate(values: readonly string[]): string | undefined {
  const seen = new Set<string>();
  return values.find((value) => seen.has(value.toLowerCase()) || !seen.add(value.toLowerCase()));
}
