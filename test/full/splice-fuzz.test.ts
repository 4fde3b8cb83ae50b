import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { appendItem } from '../../src/changes/splice/append-item.ts';
import { CannotEdit } from '../../src/changes/splice/document.ts';
import { setKey, sourceAt } from '../../src/changes/splice/set-key.ts';
import { dedented } from '../../src/changes/splice/source.ts';

const ROUNDS = 20_000;

/** A small generator of numbers that gives the same ones for the same seed. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Documents as people write them: comments, quotes, braces, blocks of text, anchors, odd indentation. */
class Author {
  readonly #roll: () => number;
  constructor(seed: number) {
    this.#roll = dice(seed);
  }
  chance(odds: number): boolean {
    return this.#roll() < odds;
  }
  upTo(most: number): number {
    return Math.floor(this.#roll() * (most + 1));
  }
  pick<T>(from: readonly [T, ...T[]]): T {
    return from[Math.floor(this.#roll() * from.length)] ?? from[0];
  }
  document(): string {
    let text = this.#map(3, '', this.pick(['  ', '    ', ' ']));
    if (this.chance(0.3)) text = text.replaceAll('\n', '\r\n');
    return this.chance(0.3) ? text.replace(/(?:\r?\n)+$/, '') : text;
  }
  #comment(): string {
    return this.chance(0.25) ? this.pick(['  # c', ' # {a: 1}', '\t# tab']) : '';
  }
  #map(depth: number, indent: string, step: string): string {
    const entries = Array.from({ length: 1 + this.upTo(3) }, (_, at) => {
      const note = this.chance(0.2) ? `${this.chance(0.5) ? indent : ''}# note ${at}\n` : '';
      const gap = this.chance(0.15) ? '\n' : '';
      const name = this.pick([`k${at}`, `"k${at}"`, `'k${at}'`, `k${at}`]);
      return `${note}${gap}${indent}${name}:${this.#value(depth, indent, step)}`;
    });
    return entries.join('') + (this.chance(0.2) ? `${indent}# tail\n` : '') + (this.chance(0.15) ? '\n\n' : '');
  }
  #value(depth: number, indent: string, step: string): string {
    const roll = this.#roll();
    if (depth === 0 || roll < 0.35) return ` ${this.chance(0.03) ? '*a1' : this.pick(SCALARS)}${this.#comment()}\n`;
    if (roll < 0.5) return ` ${this.#flow(indent)}${this.#comment()}\n`;
    if (roll < 0.6) return this.#block(indent + step);
    if (roll < 0.65) return `${this.#comment()}\n`;
    if (roll < 0.78) return `${this.#comment()}\n${this.#list(this.chance(0.5) ? indent : indent + step)}`;
    return `${this.#comment()}\n${this.#map(depth - 1, indent + step, step)}`;
  }
  #flow(indent: string): string {
    return this.pick([
      '{a: 1, b: {c: [1, 2]}}',
      '{ }',
      '{}',
      '[a, b]',
      '[]',
      `{\n${indent}  a: 1,  # one\n${indent}  b: 2\n${indent}}`,
      `[\n${indent}  x,\n${indent}]`,
      '{a: 1, }',
      '{"k":1}',
    ]);
  }
  #block(indent: string): string {
    const head = this.pick([' |', ' |-', ' |+', ' >-', ' >']);
    return `${head}\n${indent}line one\n${this.chance(0.5) ? '\n' : ''}${indent}# not a comment\n${this.chance(0.4) ? '\n\n' : ''}`;
  }
  #list(indent: string): string {
    const entries = Array.from(
      { length: 1 + this.upTo(2) },
      () => `${this.chance(0.2) ? `${indent}# in list\n` : ''}${indent}- ${this.pick(SCALARS)}${this.#comment()}\n`,
    );
    return entries.join('');
  }
}
const SCALARS = [
  'x',
  '"{{ env_var(\'A\') }}"',
  "'it''s'",
  '5432',
  'true',
  'no',
  '~',
  '2020-01-01',
  '"a # b"',
  'a#b',
  '1_000',
  '0o17',
  '017',
  '1e3',
  '12:30:45',
  'ü🏦',
  '&a2 v',
  '!!str 5',
  'http://x:1/y',
  '""',
] as const satisfies readonly [string, ...string[]];
const SNIPPETS = ['a: 1\nb: "{{ x }}"\nc:\n  - 1\n  - 2', '5', '"{{ y }}"', '# first\na: 1 # one\n\nb: 2'] as const;

const asDbt = (text: string): unknown => parse(text, { version: '1.1', merge: true, intAsBigInt: true, logLevel: 'silent' });
const entriesOf = (value: unknown): Record<string, unknown> => (typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {});

/** The value with the one place changed, worked out without the code under test. */
function changed(whole: unknown, [step, ...rest]: readonly string[], make: (before: unknown) => unknown): unknown {
  if (step === undefined) return make(whole);
  const entries = entriesOf(whole);
  return { ...entries, [step]: changed(entries[step], rest, make) };
}
const appended = (item: unknown) => (before: unknown) => [...(before === undefined || before === null ? [] : [before].flat()), item];

type Editor = typeof setKey;
interface Tally {
  accepted: number;
  refused: number;
  readonly wrong: string[];
}

/** Edits many documents and looks at every outcome: the one wanted change, the file's own line ends, and nothing taken out where only something was added. */
function tally(seed: number, rounds: number, edit: { readonly set: Editor; readonly append: Editor }): Tally {
  const result: Tally = { accepted: 0, refused: 0, wrong: [] };
  for (let round = 0; round < rounds; round++) {
    const author = new Author(seed + round);
    const text = author.document();
    const path = [...Array.from({ length: author.upTo(2) }, () => author.pick(['k0', 'k1', 'k2', 'zz'])), author.pick(['k0', 'k1', 'new'])];
    const isSet = author.chance(0.6);
    const snippet = isSet ? author.pick(SNIPPETS) : '"{{ z }}"';
    try {
      const after = isSet ? edit.set(text, path, snippet) : edit.append(text, path, snippet);
      result.accepted++;
      const wanted = changed(asDbt(text), path, isSet ? () => asDbt(snippet) : appended('{{ z }}'));
      const problem = [
        isDeepStrictEqual(asDbt(after), wanted) ? '' : 'value',
        text.includes('\r\n') && /[^\r]\n/.test(after) && !/[^\r]\n/.test(text) ? 'line ends' : '',
        !text.includes('\r') && after.includes('\r') ? 'line ends' : '',
        isSet && edit.set(after, path, snippet) !== after && isBlock(after, path) ? 'not the same twice' : '',
        isSet && snippet.includes('\n') && isBlock(after, path) && dedented(sourceAt(after, path) ?? '') !== snippet ? 'source' : '',
      ].find((one) => one !== '');
      if (problem !== undefined) result.wrong.push(`${problem}: seed ${seed + round}, ${path.join('.')}\n${text}\n=>\n${after}`);
    } catch (error) {
      if (!(error instanceof CannotEdit)) {
        if (!(error instanceof Error && /resolved|alias/i.test(error.message))) throw error;
      }
      result.refused++;
    }
  }
  return result;
}

/** Whether the value stands as a block, not inside braces on one line. */
const isBlock = (text: string, path: readonly string[]): boolean => !/^\s*[{["\d]/.test(sourceAt(text, path) ?? '{');

test(`${ROUNDS} random documents: every edit that is made is the one that was asked for`, () => {
  const { accepted, refused, wrong } = tally(1, ROUNDS, { set: setKey, append: appendItem });
  expect(wrong.slice(0, 3)).toEqual([]);
  expect(accepted).toBeGreaterThan(ROUNDS / 2);
  expect(refused).toBeGreaterThan(100);
});

test('an editor that proves nothing is caught', () => {
  const nested = (path: readonly string[], snippet: string): string =>
    path.reduceRight(
      (inner, key) => `${key}:
${inner.replace(/^/gm, '  ')}`,
      snippet,
    );
  const naive: Editor = (text, path, snippet) => `${text}
${nested(path.map(String), snippet)}
`;
  const { wrong } = tally(1, 300, { set: naive, append: naive });
  expect(wrong.length).toBeGreaterThan(10);
});
