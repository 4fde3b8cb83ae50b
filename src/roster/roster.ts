import { type Email, foldToSlug, type Login, lostLetters, NameError, parseEmail, parseLogin, parseSlug, type Slug, shown } from '../names.ts';

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
 * Reads a team as people give it: `ana, Bo Li, cy@acme.com, Eve Ito <eve@acme.com>, dee=d.miller`, one or several lines,
 * or a CSV with a header (`name`, `email`, `slug`, `login` in any order), separated by commas or semicolons. `slug=login` says both. Throws {@link NameError}.
 */
export function parseTeam(text: string): readonly Developer[] {
  const plain = text.replace(/^\uFEFF/, '');
  const headerOf = (cells: readonly (readonly string[])[]): readonly string[] => cells[0]?.map((cell) => cell.trim().toLowerCase()) ?? [];
  const isHeader = (cells: readonly string[]): boolean => cells.length > 0 && cells.every((cell) => COLUMNS.has(cell));
  // Spreadsheets of many countries write ; where others write a comma.
  const separated = csvRows(plain, ';');
  const rows = isHeader(headerOf(separated)) ? separated : csvRows(plain, ',');
  const header = headerOf(rows);
  const isTable = isHeader(header);
  const people = isTable
    ? rows
        .slice(1)
        .filter((row) => row.some((cell) => cell.trim() !== ''))
        .map((row) => fromRow(header, row))
    : rows
        .flat()
        .flatMap((cell) => cell.split(';'))
        .map((cell) => cell.trim())
        .filter((cell) => cell !== '')
        .map(fromEntry);
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

const COLUMNS = new Set(['name', 'email', 'slug', 'login']);
const named = ({ email, login }: Developer): string => `"${shown(email ?? login)}"`;

function fromRow(header: readonly string[], row: readonly string[]): Developer {
  if (row.length > header.length)
    throw new NameError(
      `The line "${shown(row.join(','))}" has ${row.length} cells, the header ${header.length}. Write a cell that holds a comma in "quotes".`,
    );
  const cell = (column: string): string | undefined => row[header.indexOf(column)]?.trim() || undefined;
  return person(cell('slug'), cell('login'), cell('email'), cell('name') ?? cell('email') ?? cell('login') ?? '');
}

function fromEntry(entry: string): Developer {
  const at = entry.indexOf('=');
  if (at >= 0) return person(entry.slice(0, at).trim(), entry.slice(at + 1).trim(), undefined, entry);
  const [, name = '', address] = /^([^<>]*)<([^<>]*)>$/.exec(entry) ?? [];
  const email = address ?? (entry.includes('@') ? entry : undefined);
  return person(undefined, undefined, email, name.trim() || (email ?? entry));
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

/** Cells of text that is separated by commas, or by semicolons, with "quoted, cells" and doubled quotes (RFC 4180). */
function csvRows(text: string, separator: ',' | ';'): string[][] {
  const rows: string[][] = [[]];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quoted) {
      if (char === '"' && text[at + 1] === '"') {
        cell += '"';
        at++;
      } else if (char === '"') quoted = false;
      else cell += char;
    } else if (char === '"' && cell.trim() === '') {
      quoted = true;
      cell = '';
    } else if (char === separator) {
      rows.at(-1)?.push(cell);
      cell = '';
    } else if (char === '\n' || char === '\r') {
      rows.at(-1)?.push(cell);
      rows.push([]);
      cell = '';
    } else cell += char;
  }
  if (quoted) throw new NameError(`A quote is not closed near "${shown(cell)}". Close it, or leave it out.`);
  rows.at(-1)?.push(cell);
  return rows.filter((row) => row.some((one) => one.trim() !== ''));
}
