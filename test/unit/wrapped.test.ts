import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { colours, noColours } from '../../src/shell/ink.ts';
import { closingLines, openingLines } from '../../src/shell/report.ts';
import { hung, wrapped } from '../../src/shell/wrapped.ts';

const visible = (line: string): string => line.replace(new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g'), '');

describe('a line of the report', () => {
  test('is broken at the width, and goes on below where it began', () =>
    expect(hung('! warning   ', 'whoever can push a branch could read the secrets of production.', 40)).toEqual([
      '! warning   whoever can push a branch',
      '            could read the secrets of',
      '            production.',
    ]));
  test('is left alone into a pipe, where it fits, and on a terminal narrower than 40', () => {
    for (const width of [undefined, 39, 20, 0, 80]) expect(hung(' 1. ', 'a text of more than forty columns, all in all', width)).toHaveLength(1);
  });
  test('never exceeds the width where its words do not, and loses nothing', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '名'), minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 60 }), fc.integer({ min: 40, max: 200 }), (words, width) => {
        const lines = hung(' 1. ', words.join(' '), width);
        for (const line of lines) expect(line.length + (line.match(/名/g)?.length ?? 0)).toBeLessThanOrEqual(width);
        expect(lines.map((line) => line.slice(4)).join(' ')).toBe(words.join(' '));
        expect(lines.map((line) => line.slice(0, 4))).toEqual([' 1. ', ...lines.slice(1).map(() => '    ')]);
      }),
    );
  });
  test('colours take no room', () => {
    const text = 'is read by everybody, and is written by nobody but production';
    expect(hung(`${colours.changed('! warning')}   `, text, 50).map(visible)).toEqual(hung('! warning   ', text, 50));
  });
  test('what is to be pasted stays as it is', () =>
    expect(hung('dbt-envs: ', 'profiles.yml cannot be edited safely, so paste this:\nacme:\n  outputs: {}', 40).slice(-2)).toEqual(['acme:', '  outputs: {}']));
});

test.each([
  [
    'a command',
    'Edit the file, or run: npx generator-dbt-envs roster --add "ana, bo" --project-dir data, and look again',
    'npx generator-dbt-envs roster --add "ana, bo" --project-dir data,',
  ],
  ['a command with a script', 'As an administrator of the repository: python scripts/dbt_envs/setup.py, then again', 'python scripts/dbt_envs/setup.py,'],
  ['a subcommand of dbt', 'In the folder of the whole project now dbt parse reads it', 'dbt parse'],
  ['a flag with its value', 'There is no roster to edit: name the team with --team "ana, bo, cy".', '--team "ana, bo, cy".'],
  ['a name in quotes', 'Let main change with the check "Build the pull request into a schema".', '"Build the pull request into a schema".'],
])('%s stays in one piece at every width', (_, text, whole) => {
  for (let width = 40; width <= 200; width++) expect(hung('dbt-envs: ', text, width).some((line) => line.includes(whole))).toBe(true);
});
test('a quote that is never closed holds nothing together', () =>
  expect(hung('', 'one 5" screen and many more words than will fit in here', 40).length).toBeGreaterThan(1));

test('the command that repeats the run, and the folder, are one line each at any width', () => {
  const repeat = `npx generator-dbt-envs --yes --team "${'ana, '.repeat(40)}bo"`;
  const root = `/srv/${'a long folder '.repeat(10)}`;
  const about = { project: 'acme', vendors: [], developers: 2, parts: [], brought: [] };
  for (const width of [40, 80, 200]) {
    expect(closingLines({ nextSteps: [], repeat, needsRoster: false }, noColours, width)).toContain(`  ${repeat}`);
    expect(openingLines({ about, changes: [], warnings: [] }, root, noColours, width)).toContain(`Project ${root}`);
  }
});

test('a longer word has a line of its own', () => expect(wrapped('a bbbbbbbb c', 4)).toEqual(['a', 'bbbbbbbb', 'c']));
