import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RunError } from '../../src/errors.ts';
import { plainEntries } from '../../src/roster/plain-roster.ts';
import { RosterReader } from '../../src/roster/roster-file.ts';
import { planned } from '../support/scaffold.ts';

const byYaml = (text: string) => {
  try {
    return new RosterReader(text).entries();
  } catch (error) {
    if (error instanceof RunError) return error.message;
    throw error;
  }
};

/** Lines as people write them, and slips of all kinds. */
const line = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('developers:', 'readers:', 'readers: []', 'developers: []', '', '# a comment', '  # indented', 'developers: # here'),
  },
  {
    weight: 8,
    arbitrary: fc
      .tuple(
        fc.constantFrom('  - ', '    ', '  ', '- ', '  -  ', '      ', '\t'),
        fc.constantFrom('slug', 'login', 'email', 'left', 'reviews', 'name'),
        fc.constantFrom(': ', ':', ' : ', ':  '),
        fc.constantFrom(
          'ana',
          '"ana"',
          '007',
          '2026-03-01',
          'true',
          'no',
          '~',
          '',
          '""',
          '"a b"',
          "'bo'",
          'a: b',
          'a#b',
          'a #b',
          'a ',
          'b@acme.com',
          '-',
          '- x',
          '[a]',
          '&a x',
          '*a',
          '|',
          '"a\\n"',
          'Zoë',
        ),
        fc.constantFrom('', '', '', ' # lead', '#', '\t', '\r'),
      )
      .map((pieces) => pieces.join('')),
  },
  { weight: 1, arbitrary: fc.constantFrom('---', '...', '%YAML 1.2', '<<<<<<< ours', 'x: 1', '  ana', '\uFEFF', '- a', '  - ', '  -') },
);

test('what is read plainly is what YAML says, lines included', () => {
  let read = 0;
  fc.assert(
    fc.property(fc.array(line, { maxLength: 9 }), fc.constantFrom('\n', '\r\n'), fc.boolean(), (lines, eol, whole) => {
      const text = [...(whole ? ['developers:', '  - slug: cy', '    login: cy'] : []), ...lines].join(eol);
      const plain = plainEntries(text);
      if (plain === undefined) return;
      read++;
      expect(plain).toEqual(byYaml(text));
    }),
    { numRuns: 20_000 },
  );
  expect(read).toBeGreaterThan(500);
});

describe('what the template writes is read plainly', () => {
  const roster = (more: Record<string, string>) => planned(more).find(({ path }) => path === 'roster.yml')?.contents ?? '';
  test.each([{}, { team: 'ana, Bo Li, cy@acme.com, dee=d.miller, no=007', readers: 'looker, anna:reviews' }])('%o', (more) => {
    const text = roster(more);
    expect(plainEntries(text)).toEqual(byYaml(text));
    expect(plainEntries(text)?.developers.length).toBeGreaterThan(0);
    expect(plainEntries(text.replaceAll('\n', '\r\n'))).toEqual(byYaml(text));
  });
});

test.each([
  ['a flow mapping', 'developers:\n  - {slug: ana, login: ana}\n'],
  ['another indentation', 'developers:\n- slug: ana\n  login: ana\n'],
  ['a key twice', 'developers:\n  - slug: ana\n    slug: bo\n    login: ana\n'],
  ['a list twice', 'developers:\n  - slug: ana\n    login: ana\ndevelopers:\n'],
  ['an entry below an empty list', 'developers: []\n  - slug: ana\n    login: ana\n'],
  ['a text that goes on', 'developers:\n  - slug: ana\n    login: ana\n      bo\n'],
  ['an unknown key', 'developers:\n  - slug: ana\n    name: ana\n'],
  ['no list of developers', 'readers: []\n'],
])('left to YAML: %s', (_, text) => expect(plainEntries(text)).toBeUndefined());
