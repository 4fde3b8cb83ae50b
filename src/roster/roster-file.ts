import type { Node } from 'yaml';
import { RunError } from '../errors.ts';
import { NameError, parseEmail, parseLogin, parseSlug, shown } from '../names.ts';
import { yaml } from '../yaml-package.ts';
import { type Entries, type Entry, KEYS, plainEntries, type Value } from './plain-roster.ts';
import { type Developer, distinct, type Leaver, type Reader, type Roster } from './roster.ts';

export const ROSTER_FILE = 'roster.yml';

/**
 * Reads roster.yml. Throws {@link RunError} with one line that names the place, the value, the rule and the way out. Whoever
 * leaves on a day after `today` (ISO date) is refused: the scripts that are made take a leaver's rights as soon as they run.
 */
export function parseRosterFile(text: string, today?: string): Roster {
  const conflict = /^(?:<{7}|={7}|>{7})/m.exec(text);
  if (conflict) throw wrong(text.slice(0, conflict.index).split('\n').length, 'a conflict marker. Finish the merge first');
  const { developers, readers } = entriesOf(text);
  const people = developers.map(personOf);
  if (today !== undefined) for (const entry of developers) refuseFuture(entry, today);
  return checked({ developers: people.filter((one) => !isLeaver(one)), leavers: people.filter(isLeaver), readers: readers.map(readerOf) });
}

/** Everybody's slug, leavers included, in the order of the file. Throws {@link RunError}. */
export const slugsIn = (text: string): readonly string[] => entriesOf(text).developers.map((entry) => personOf(entry).slug);

const entriesOf = (text: string): Entries => plainEntries(text) ?? new RosterReader(text).entries();

function personOf(entry: Entry): Developer | Leaver {
  const slug = required(entry, 'slug', 'a developer');
  const login = required(entry, 'login', 'a developer');
  const email = entry.values.get('email');
  const left = entry.values.get('left');
  return {
    slug: at(slug.line, () => parseSlug(slug.text)),
    login: at(login.line, () => parseLogin(login.text)),
    ...(email && { email: at(email.line, () => parseEmail(email.text)) }),
    ...(left && { left: parseDay(left) }),
  };
}

function readerOf(entry: Entry): Reader {
  const login = required(entry, 'login', 'a reader');
  const reviews = entry.values.get('reviews');
  if (reviews && !/^(?:true|false)$/.test(reviews.text))
    throw wrong(reviews.line, `"${shown(reviews.text)}" is neither true nor false. Write reviews: true, or leave the line out`);
  return { login: at(login.line, () => parseLogin(login.text)), reviews: reviews?.text === 'true' };
}

/** Reads whatever YAML allows. */
export class RosterReader {
  readonly #lines = new (yaml().LineCounter)();
  readonly #top: Node | null;

  /** Throws {@link RunError}. */
  constructor(text: string) {
    // Every scalar is a text here: the login 007 is no 7, and the slug `no` is no truth value.
    // A second document is an error at this level of the log alone.
    const document = yaml().parseDocument(text, { schema: 'failsafe', prettyErrors: false, logLevel: 'error', lineCounter: this.#lines });
    const [error] = document.errors;
    if (error?.code === 'MULTIPLE_DOCS') throw wrong(this.#lines.linePos(error.pos[0]).line, 'a second YAML document begins here. Make it one');
    if (error) throw wrong(this.#lines.linePos(error.pos[0]).line, `${shown(error.message.replace(/\.$/, ''))}. Repair the YAML`);
    this.#top = document.contents;
  }

  /** Throws {@link RunError}. */
  entries(): Entries {
    return {
      developers: this.#list('developers').map((node) => this.#entry(node, KEYS.developers, 'a developer')),
      readers: this.#list('readers').map((node) => this.#entry(node, KEYS.readers, 'a reader')),
    };
  }

  #entry(node: Node | null, keys: readonly string[], what: string): Entry {
    const values = [...this.#mapping(node, keys, what)].map(([key, value]) => [key, { text: this.#text(value, key), line: this.#line(value) }] as const);
    return { line: this.#line(node), values: new Map(values) };
  }

  #mapping(node: Node | null, keys: readonly string[], what: string): ReadonlyMap<string, Node | null> {
    const { isMap, isScalar, isNode } = yaml();
    if (!isMap(node)) throw wrong(this.#line(node), `${what} is no mapping. Write it as "${keys[0]}:" and so on`);
    const members = new Map<string, Node | null>();
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : '';
      const line = this.#line(isNode(key) ? key : node);
      if (!keys.includes(name)) throw wrong(line, `"${shown(name)}" means nothing in ${what}. It may have: ${keys.join(', ')}`);
      members.set(name, isNode(value) ? value : null);
    }
    return members;
  }

  #list(name: keyof Entries): readonly (Node | null)[] {
    const { isSeq, isScalar, isNode } = yaml();
    const node = this.#mapping(this.#top, Object.keys(KEYS), 'the file').get(name);
    if (node === undefined || node === null || (isScalar(node) && node.source === '')) return [];
    if (!isSeq(node)) throw wrong(this.#line(node), `${name} is no list. Begin each entry with "- "`);
    return node.items.map((item) => (isNode(item) ? item : null));
  }

  #text(node: Node | null, key: string): string {
    if (yaml().isScalar(node) && typeof node.value === 'string' && node.value !== '') return node.value;
    throw wrong(this.#line(node), `"${key}" has no text. Write it on the same line, or leave the line out`);
  }

  #line(node: Node | null): number {
    return node?.range ? this.#lines.linePos(node.range[0]).line : 1;
  }
}

const isLeaver = (one: Developer | Leaver): one is Leaver => 'left' in one;

function required({ line, values }: Entry, key: string, what: string): Value {
  const value = values.get(key);
  if (value) return value;
  throw wrong(line, `${what} has no ${key}. Add "${key}: ..."`);
}

/** ISO 8601, and a day that the calendar has. */
function parseDay({ text, line }: Value): string {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? new Date(`${text}T00:00:00Z`) : undefined;
  if (day && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text)) return text;
  throw wrong(line, `"${shown(text)}" is no date. Write it like left: 2026-11-01`);
}

/** Days are compared as texts, and counted as the command counts them: in UTC. */
function refuseFuture({ values }: Entry, today: string): void {
  const [slug, left] = [values.get('slug'), values.get('left')];
  if (!slug || !left || left.text <= today) return;
  throw wrong(
    left.line,
    `"${slug.text}" is to leave on ${left.text}, and today is ${today} (UTC): every right would go now. Take the line out, and on that day run npx generator-dbt-envs roster --remove ${slug.text}`,
  );
}

/** The rules that hold between entries. Throws {@link RunError}. */
export function checked(roster: Roster): Roster {
  const { developers, leavers, readers } = roster;
  if (developers.length === 0) throw wrong(undefined, 'nobody develops. Add one: npx generator-dbt-envs roster --add "ana"');
  at(undefined, () => distinct([...developers, ...leavers]));
  const logins = readers.map(({ login }) => login.toLowerCase());
  const twice = logins.find((login, index) => logins.indexOf(login) !== index);
  if (twice !== undefined) throw wrong(undefined, `the reader "${twice}" is named twice. Name each login once`);
  return roster;
}

/** A naming rule that is broken here, as an error that says where. */
function at<T>(line: number | undefined, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof NameError) throw wrong(line, error.message.replace(/\.$/, ''));
    throw error;
  }
}

const wrong = (line: number | undefined, what: string): RunError =>
  new RunError(`${ROSTER_FILE}${line === undefined ? '' : ` line ${line}`}: ${what}; nothing was written.`);
