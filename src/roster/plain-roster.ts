/** A value with the line that it stands on. */
export interface Value {
  readonly text: string;
  readonly line: number;
}
/** One mapping of a list in roster.yml, with the line on which it begins. */
export interface Entry {
  readonly line: number;
  readonly values: ReadonlyMap<string, Value>;
}
export interface Entries {
  readonly developers: readonly Entry[];
  readonly readers: readonly Entry[];
}

/** What a developer and a reader may have. */
export const KEYS = { developers: ['slug', 'login', 'email', 'left'], readers: ['login', 'reviews'] } as const;

const NOTHING = /^ *(?:#[ -~]*)?$/;
const LIST = /^(developers|readers):( \[\])?$/;
const MEMBER = /^ {2}(- | {2})([a-z]+): (?:([A-Za-z0-9][\w.@+-]*)|"([\w.@+-]+)")(?: +#[ -~]*)? *$/;

/**
 * Reads a roster.yml that is as plain as the template writes it, without the package yaml, whose loading takes longer
 * than all else that a second run does. Undefined for whatever is not: a text is never read otherwise than YAML reads
 * it (test/unit/plain-roster.test.ts).
 */
export function plainEntries(text: string): Entries | undefined {
  const lists: { developers?: Entry[]; readers?: Entry[] } = {};
  let open: { name: keyof Entries; entries: Entry[] } | undefined;
  let values: Map<string, Value> | undefined;
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (NOTHING.test(line)) continue;
    const [, list, empty] = LIST.exec(line) ?? [];
    if (list === 'developers' || list === 'readers') {
      if (lists[list]) return undefined;
      const entries: Entry[] = [];
      lists[list] = entries;
      open = empty === undefined ? { name: list, entries } : undefined;
      values = undefined;
      continue;
    }
    const [, start, key, plain, quoted] = MEMBER.exec(line) ?? [];
    const value = plain ?? quoted;
    if (open === undefined || key === undefined || value === undefined || !KEYS[open.name].some((one) => one === key)) return undefined;
    if (start === '- ') {
      values = new Map();
      open.entries.push({ line: at + 1, values });
    }
    if (values === undefined || values.has(key)) return undefined;
    values.set(key, { text: value, line: at + 1 });
  }
  return lists.developers && { developers: lists.developers, readers: lists.readers ?? [] };
}
