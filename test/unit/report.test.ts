import { describe, expect, test } from 'vitest';
import type { Conflict } from '../../src/run.ts';
import { colours, inkFor, noColours } from '../../src/shell/ink.ts';
import { closingLines, conflictHelp, diffLines, intentLines, jsonOf, openingLines, planned, resultLines } from '../../src/shell/report.ts';

const changes = [
  { kind: 'created', path: 'a', contents: 'x\n' },
  { kind: 'updated', path: 'b', before: 'x\n', contents: 'y\n' },
  { kind: 'unchanged', path: 'c' },
  { kind: 'kept', path: 'd', why: 'edited', owner: 'ours' },
  { kind: 'kept', path: 'g', why: 'yours', owner: 'yours' },
  { kind: 'removed', path: 'e', before: 'x\n' },
  { kind: 'conflict', path: 'f', mine: 'x\n', theirs: 'y\n' },
] as const;

test('before writing it says where, how many files of each kind, and what cannot be protected', () =>
  expect(
    openingLines(
      {
        about: { project: 'acme', vendors: ['A', 'B'], developers: 2, parts: ['cleanup'], brought: ['roster', 'profiles'] },
        changes,
        warnings: ['Anybody can push to main.'],
      },
      '/p',
      noColours,
    ),
  ).toEqual([
    'Project /p',
    'For     acme, A, B, 2 developers',
    'Parts   cleanup; needed for that: roster, profiles',
    'Files   1 to create, 1 to update, 1 to remove, 1 in conflict, 2 kept as you have them, 1 unchanged',
    '! warning   Anybody can push to main.',
  ]));

test('before writing it names what is there already, and counts new files by their folder', () => {
  const created = ['README.md', 'docs/a.md', 'docs/deep/b.md', '../../.ci/run.yml'].map((path) => ({ kind: 'created', path, contents: '' }) as const);
  expect(intentLines([...created, ...changes.slice(1)], noColours)).toEqual([
    '+ create     README.md, docs/ (2), ../../.ci/ (1)',
    '~ update     b',
    '- remove     e',
    '! conflict   f',
  ]);
});

test('a long list is cut, and says by how much', () => {
  const many = Array.from({ length: 32 }, (_, at) => ({ kind: 'removed', path: `leavers/${at}.sql`, before: '' }) as const);
  const lines = intentLines(many, noColours);
  expect(lines.map((line) => line.slice(13)).join(' ')).toMatch(/leavers\/19\.sql, and 12 more$/);
  expect(lines.filter((line) => line.length > 100)).toEqual([]);
});

test('afterwards every file that changed has a line with a symbol and a word; what is yours or unchanged is counted', () =>
  expect(resultLines(planned(changes), noColours)).toEqual([
    '+ created    a',
    '~ updated    b',
    '- removed    e',
    '= kept       d (edited)',
    '             To have ours in place of what is edited: delete that, then run with --force.',
    '= kept       1 file of yours, written once and left alone',
    '! conflict   f',
    '= unchanged  1 file',
  ]));

test('colour adds to the words and takes nothing away', () => {
  const plain = resultLines(planned(changes), noColours).join('\n');
  const coloured = resultLines(planned(changes), colours).join('\n');
  expect(coloured).not.toBe(plain);
  expect(coloured.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9]+m`, 'g'), '')).toBe(plain);
});

test('the steps are numbered, and the last line repeats the run', () =>
  expect(closingLines({ nextSteps: ['dbt parse', 'open a pull request'], repeat: 'dbt-envs --yes', needsRoster: false }, noColours)).toEqual([
    '',
    'Next steps',
    ' 1. dbt parse',
    ' 2. open a pull request',
    '',
    'The same again, without questions:',
    '  dbt-envs --yes',
  ]));

test('a dry run shows differences, a check only names', () => {
  const diffOf = ({ path }: { path: string }): string => `@@ ${path}\n`;
  expect(diffLines(changes, diffOf, noColours, 'diffs')).toContain('@@ b');
  expect(diffLines(changes, diffOf, noColours, 'names')).toEqual([
    '+ created    a',
    '~ updated    b',
    '- removed    e',
    '! conflict   f',
    '= kept       d (edited)',
    '             To have ours in place of what is edited: delete that, then run with --force.',
    '= kept       1 file of yours, written once and left alone',
  ]);
});

test('the way to ours is said where there is one: lines that are missing are put in by hand', () => {
  const kept = (path: string) => resultLines(planned([{ kind: 'kept', path, why: 'edited', owner: 'ours' }]), noColours);
  expect(kept('a').join('\n')).toContain('--force');
  expect(kept('profiles.yml#acme.target').join('\n')).toContain('--force');
  expect(kept('.gitignore#lines')).toEqual(['= kept       .gitignore#lines (edited)']);
});

describe('a conflict that nobody is there to settle names the files and the ways on', () => {
  const conflict = (path: string, more: Partial<Conflict> = {}): Conflict => ({ kind: 'conflict', path, mine: 'x\n', theirs: 'y\n', ...more });
  test('both of them where there are two', () =>
    expect(conflictHelp([conflict('a'), conflict('b')])).toBe(
      'These files are yours and differ from ours: a, b. Nothing was written. --keep keeps yours, --force takes ours, --dry-run shows the differences.',
    ));
  test('no --force where ours cannot be put in', () => {
    const byHand = conflict('profiles.yml', { cannot: 'why' });
    expect(conflictHelp([byHand])).toBe(
      'Ours cannot be put into profiles.yml: the warning says why, and what to put in by hand. Nothing was written. Then run again with --keep.',
    );
    expect(conflictHelp([conflict('a'), byHand])).toMatch(
      /^This file is yours and differs from ours: a\. Ours cannot be put into profiles\.yml: .* --keep keeps/,
    );
    expect(conflictHelp([conflict('a'), byHand])).not.toContain('--force');
  });
  test('neither where another project of the repository has the file', () => {
    const help = conflictHelp([conflict('../../a', { neighbour: 'x/dbt' }), conflict('../../b', { neighbour: 'x/dbt' }), conflict('c')]);
    expect(help).toMatch(
      /^Another project of this repository, the one in x\/dbt, has these files, and they serve one project alone: \.\.\/\.\.\/a, \.\.\/\.\.\/b\. /,
    );
    expect(help).toMatch(/profiles and .* grants .* repository of its own\. This file is yours and differs from ours: c\. Nothing was written\.$/);
    expect(help).not.toMatch(/--force|--keep/);
    expect(conflictHelp([conflict('a', { neighbour: '' })])).toContain('the one at its root');
  });
});

test('--json is one object with these keys', () =>
  expect(Object.keys(JSON.parse(jsonOf(planned(changes), { warnings: [], nextSteps: [] })))).toEqual(
    'created updated unchanged kept removed conflicts warnings nextSteps'.split(' '),
  ));

describe('colour', () => {
  test.each([
    [{}, true, colours],
    [{}, false, noColours],
    [{ NO_COLOR: '1' }, true, noColours],
    [{ NO_COLOR: '' }, true, colours],
    [{ TERM: 'dumb' }, true, noColours],
    [{ FORCE_COLOR: '1' }, false, colours],
    [{ FORCE_COLOR: '0' }, true, noColours],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false, colours],
  ])('%j, terminal: %s', (env, terminal, ink) => expect(inkFor(env, terminal)).toBe(ink));
});
