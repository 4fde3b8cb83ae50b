import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { appendItem, replaceItem } from '../../src/changes/splice/append-item.ts';
import { appendLines, missingLines } from '../../src/changes/splice/append-lines.ts';
import { CannotEdit } from '../../src/changes/splice/document.ts';
import { setKey, sourceAt } from '../../src/changes/splice/set-key.ts';
import { dedented } from '../../src/changes/splice/source.ts';

const fixture = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
const TARGET = `# your own login\ntype: postgres\nhost: "{{ env_var('DBT_PG_HOST') }}"\nschema: "pr_{{ env_var('PR_NUMBER') }}"\nthreads: 4\n`;

const SHAPES: readonly (readonly [string, (text: string) => string])[] = [
  ['LF', (text) => text],
  ['CRLF', (text) => text.replaceAll('\n', '\r\n')],
  ['no final line end', (text) => text.replace(/\n$/, '')],
  ['CRLF and no final line end', (text) => text.replace(/\n$/, '').replaceAll('\n', '\r\n')],
  ['a byte order mark', (text) => `\uFEFF${text}`],
];

/** What was taken out and put in between the longest common beginning and end. */
function delta(before: string, after: string): { readonly out: string; readonly put: string } {
  let start = 0;
  while (start < before.length && before[start] === after[start]) start++;
  let end = 0;
  while (end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  return { out: before.slice(start, before.length - end), put: after.slice(start, after.length - end) };
}
const message = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof CannotEdit) return error.message;
    throw error;
  }
  return 'no refusal';
};

describe.each(SHAPES)('a profiles.yml with %s', (shape, shaped) => {
  const text = shaped(fixture('profiles.yml'));
  const lines = (one: string): number => one.split('\n').length;

  test.each(['acme', 'finance', 'empty_outputs', 'keep_block', 'other_after_keep', 'team_1', 'team_19', 'last_profile', 'not_there'])(
    'gets a target for %s, and every byte that was there stays',
    (profile) => {
      const after = setKey(text, [profile, 'outputs', 'ci2'], TARGET);
      expect(delta(text, after).out).toBe('');
      expect(lines(after) - lines(text)).toBeGreaterThanOrEqual(6);
      expect(parse(after.replace(/^\uFEFF/, ''), { merge: true, version: '1.1' })[profile].outputs.ci2).toEqual(parse(TARGET));
      if (shape.startsWith('CRLF')) expect(after).not.toMatch(/[^\r]\n/);
      if (shape === 'LF') expect(after).not.toContain('\r');
      if (profile !== 'not_there') expect(after.endsWith('\n')).toBe(text.endsWith('\n'));
      expect(dedented(sourceAt(after, [profile, 'outputs', 'ci2']) ?? '')).toBe(TARGET.trimEnd());
    },
  );

  test.each(['flowing', 'multi_flow'])('gets a target inside the braces of %s', (profile) => {
    const after = setKey(text, [profile, 'outputs', 'ci2'], TARGET);
    expect(delta(text, after).out).toBe('');
    expect(parse(after.replace(/^\uFEFF/, ''), { merge: true, version: '1.1' })[profile].outputs.ci2).toEqual(parse(TARGET));
  });

  test.each([
    ['acme', 'sandbox'],
    ['finance', 'ci'],
    ['finance', 'default'],
    ['keep_block', 'prod'],
    ['last_profile', 'dev'],
    ['team_1', 'dev'],
  ])('has the target of %s.%s replaced, and its neighbours stay', (profile, target) => {
    const path = [profile, 'outputs', target];
    const after = setKey(text, path, TARGET);
    expect(dedented(sourceAt(after, path) ?? '')).toBe(TARGET.trimEnd());
    expect(setKey(after, path, TARGET)).toBe(after);
    const comments = (one: string): readonly string[] => one.match(/# (?:docker|1|the end of team 1|eof|finance, owned.*)$/gm) ?? [];
    expect(comments(after.replaceAll('\r', ''))).toEqual(comments(text.replaceAll('\r', '')));
  });

  test('is refused where the target carries an anchor that others use, or comes through an alias', () => {
    expect(message(() => setKey(text, ['acme', 'outputs', 'prod'], TARGET))).toMatch(/prod carries the anchor &acme_prod/);
    expect(message(() => setKey(text, ['bigquery_clone', 'outputs', 'ci2'], TARGET))).toMatch(/bigquery_clone.outputs is the alias \*bq_outputs/);
    expect(message(() => setKey(text, ['bigquery_team', 'outputs', 'ci2'], TARGET))).toMatch(/something else as well/);
  });
});

describe('a comment stays on the line that it is about', () => {
  test('after a key whose value is replaced', () =>
    expect(setKey('a:\n  dev:  # mine\n    x: 1\n', ['a', 'dev'], 'y: 2')).toBe('a:\n  dev:  # mine\n    y: 2\n'));
  test('after a value in braces', () => expect(setKey('a:\n  ci: {x: 1}   # docker\n', ['a', 'ci'], 'y: 2')).toBe('a:\n  ci:   # docker\n    y: 2\n'));
  test('after a key without a value', () =>
    expect(setKey('outputs:  # none yet\nz: 1\n', ['outputs', 'ci'], 'y: 2')).toBe('outputs:  # none yet\n  ci:\n    y: 2\nz: 1\n'));
  test('after a single value', () => expect(setKey('a: 1  # one\n', ['a'], '2')).toBe('a: 2  # one\n'));
  test('below a block, for what follows', () =>
    expect(setKey('o:\n  dev:\n    x: 1\n  # about ci\n  ci:\n    x: 2\n', ['o', 'dev'], 'y: 2')).toBe(
      'o:\n  dev:\n    y: 2\n  # about ci\n  ci:\n    x: 2\n',
    ));
});

test('a comment of yours inside our block belongs to it, so that it counts as an edit', () => {
  const ours = setKey('o:\n', ['o', 'dev'], 'x: 1\ny: 2\n');
  const edited = ours.replace('    y: 2\n', '    # careful\n    y: 2\n    # and this\n');
  expect(dedented(sourceAt(ours, ['o', 'dev']) ?? '')).toBe('x: 1\ny: 2');
  expect(dedented(sourceAt(edited, ['o', 'dev']) ?? '')).toBe('x: 1\n# careful\ny: 2\n# and this');
});

describe('what cannot be edited safely is refused, and says why', () => {
  test.each([
    ['several documents', 'a: 1\n---\nb: 2\n', /several YAML documents/],
    ['Jinja that is no YAML', 'a:\n  password: {{ env_var("X") }} y\n', /line \d+ is no valid YAML/],
    ['one key twice', 'a: 1\na: 2\n', /line 2 is no valid YAML/],
    ['a tab as indentation', 'a:\n\tb: 1\n', /line 2 is no valid YAML/],
    ['an alias to nothing', 'a: *x\n', /Unresolved alias/],
    ['a list at the top', '- a\n', /no mapping/],
    ['a text where a mapping is needed', 'p: text\n', /no mapping/],
    ['a block of text at the end, without a line end', 'a: |\n  text', /without a line end/],
    ['sets and ordered maps', 'a: !!set {x, y}\n', /!!set/],
  ])('%s', (_, text, reason) => expect(message(() => setKey(text, ['p', 'outputs', 'ci'], 'type: x\n'))).toMatch(reason));

  test('a hook in a block of text', () =>
    expect(message(() => appendItem('on-run-start: |\n  {{ a() }}\n', ['on-run-start'], '"x"'))).toMatch(/neither a list/));
  test('a hook through an alias', () => expect(message(() => appendItem('x: &h [a]\non-run-start: *h\n', ['on-run-start'], '"x"'))).toMatch(/alias \*h/));
  test('a list that an anchor shares', () => expect(message(() => appendItem('x: &h\n  - a\ny: *h\n', ['x'], 'b'))).toMatch(/something else as well/));
});

describe.each(SHAPES)('a dbt_project.yml with %s', (shape, shaped) => {
  const text = shaped(fixture('dbt_project.yml'));
  const CHECK = '"{{ dbt_envs_check_isolation() }}"';
  test.each([
    ['a list gets one more entry', ['on-run-start']],
    ['a list in brackets gets one more entry', ['macro-paths']],
    ['a single value becomes a list of two', ['on-run-end']],
    ['a missing list is made', ['clean-targets']],
    ['a list in brackets inside braces gets one more entry', ['flags', 'warn_error_options', 'error']],
  ])('%s', (_, path) => {
    const after = appendItem(text, path, CHECK);
    const [before, now] = [text, after].map((one) => path.reduce((at, key) => at?.[key], parse(one.replace(/^\uFEFF/, ''))));
    expect(now).toEqual([...(before === undefined ? [] : [before].flat()), '{{ dbt_envs_check_isolation() }}']);
    const { out, put } = delta(text, after);
    expect(out === '' || put.endsWith(']') || put.startsWith('[')).toBe(true);
    if (shape.startsWith('CRLF')) expect(after).not.toMatch(/[^\r]\n/);
  });
  test('an entry of ours is replaced in its place', () => {
    const once = appendItem(text, ['on-run-start'], CHECK);
    expect(replaceItem(once, ['on-run-start'], 2, '"{{ newer() }}"')).toBe(once.replace(CHECK, '"{{ newer() }}"'));
  });
});

test('an entry of several lines stands under its dash', () =>
  expect(appendItem('developers:\n  - slug: ana\n    login: ana\n', ['developers'], 'slug: bo\nlogin: bo')).toBe(
    'developers:\n  - slug: ana\n    login: ana\n  - slug: bo\n    login: bo\n',
  ));

test('a new key is quoted where YAML would read it otherwise', () => expect(setKey('', ['no', 'x'], '1')).toBe('"no":\n  x: 1\n'));

describe('lines of a .gitignore', () => {
  const wanted = '# Ours\ntarget/\n\n.env\n';
  test('that are there are not added again', () => expect(missingLines('target/\r\nfoo\r\n', wanted)).toEqual(['.env']));
  test('are added at the end, with the line ends of the file', () =>
    expect(appendLines('a\r\ntarget/', wanted, '# h')).toBe('a\r\ntarget/\r\n\r\n# h\r\n.env\r\n'));
  test('leave a file alone that has them all', () => expect(appendLines('.env\ntarget/', wanted, '# h')).toBe('.env\ntarget/'));
});
