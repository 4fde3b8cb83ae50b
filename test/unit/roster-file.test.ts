import { describe, expect, test } from 'vitest';
import { RunError, UsageError } from '../../src/errors.ts';
import { parseTeam } from '../../src/roster/roster.ts';
import { addDevelopers, editRoster, removeDeveloper, renameDeveloper } from '../../src/roster/roster-edit.ts';
import { parseRosterFile } from '../../src/roster/roster-file.ts';
import { planned } from '../support/scaffold.ts';

const ROSTER = `# Our team
developers:
  - slug: priya   # lead
    login: priya
    email: priya@acme.com
  - {slug: sam, login: Sam.Jones}
  # on leave until May
  - slug: "no"
    login: "007"
  - slug: olga
    login: olga
    left: 2026-03-01

readers:
  - login: looker
  - login: anna
    reviews: true
# the end
`;
const message = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof RunError || error instanceof UsageError) return error.message;
    throw error;
  }
  return 'no refusal';
};
const slugs = (text: string): readonly string[] => parseRosterFile(text).developers.map(({ slug }) => slug);

test('developers, leavers and readers are read; a login is a text, whatever it looks like', () => {
  expect(parseRosterFile(ROSTER)).toEqual({
    developers: [
      { slug: 'priya', login: 'priya', email: 'priya@acme.com' },
      { slug: 'sam', login: 'Sam.Jones' },
      { slug: 'no', login: '007' },
    ],
    leavers: [{ slug: 'olga', login: 'olga', left: '2026-03-01' }],
    readers: [
      { login: 'looker', reviews: false },
      { login: 'anna', reviews: true },
    ],
  });
});
test('a login that is not quoted keeps its zeros, and a slug may be a YAML word', () =>
  expect(parseRosterFile('developers:\n  - slug: no\n    login: 007\n').developers).toEqual([{ slug: 'no', login: '007' }]));
test('CRLF and a byte order mark are no obstacle', () => expect(parseRosterFile(`\uFEFF${ROSTER.replaceAll('\n', '\r\n')}`)).toEqual(parseRosterFile(ROSTER)));

test('what the template writes is what was answered', () => {
  const file = planned({ team: 'ana, Bo Li, cy@acme.com, dee=d.miller, no=007, on=1e3, x+1@y-z', readers: 'looker, anna:reviews, yes' }, ['roster'])[0];
  const roster = parseRosterFile(file?.contents ?? '');
  expect(roster.developers).toEqual(parseTeam('ana, Bo Li, cy@acme.com, dee=d.miller, no=007, on=1e3, x+1@y-z'));
  expect(roster.readers).toEqual([
    { login: 'looker', reviews: false },
    { login: 'anna', reviews: true },
    { login: 'yes', reviews: false },
  ]);
  expect(parseRosterFile(planned({}, ['roster'])[0]?.contents ?? '').readers).toEqual([]);
});

describe('a bad line is refused with the line, the value, the rule and the way out', () => {
  test.each([
    ['a slug', 'developers:\n  - slug: Priya\n    login: p\n', /^roster\.yml line 2: "Priya" is no slug: .*; nothing was written\.$/],
    ['a login', "developers:\n  - slug: a\n    login: x'; drop\n", /^roster\.yml line 3: "x'; drop" cannot be a login/],
    ['an e-mail address', 'developers:\n  - slug: a\n    login: a\n    email: nobody\n', /^roster\.yml line 4: "nobody" is no e-mail address/],
    [
      'a date',
      'developers:\n  - slug: a\n    login: a\n    left: 2026-02-30\n',
      /^roster\.yml line 4: "2026-02-30" is no date\. Write it like left: 2026-11-01/,
    ],
    ['reviews', 'developers: [{slug: a, login: a}]\nreaders:\n  - login: b\n    reviews: maybe\n', /^roster\.yml line 4: "maybe" is neither true nor false/],
    ['a missing login', 'developers:\n  - slug: a\n', /^roster\.yml line 2: a developer has no login\. Add "login: \.\.\."/],
    ['an empty value', 'developers:\n  - slug: a\n    login:\n', /"login" has no text/],
    [
      'an unknown key',
      'developers:\n  - slug: a\n    login: a\n    role: boss\n',
      /^roster\.yml line 4: "role" means nothing in a developer\. It may have: slug, login, email, left/,
    ],
    ['an unknown list', 'developer: []\n', /^roster\.yml line 1: "developer" means nothing in the file\. It may have: developers, readers/],
    ['an entry that is a text', 'developers:\n  - priya\n', /^roster\.yml line 2: a developer is no mapping/],
    ['developers that are no list', 'developers: priya\n', /^roster\.yml line 1: developers is no list/],
    ['nobody', 'developers: []\n', /^roster\.yml: nobody develops\. Add one/],
    ['an empty file', '', /^roster\.yml line 1: the file is no mapping/],
    ['one slug twice', 'developers:\n  - {slug: a, login: a}\n  - {slug: a, login: b}\n', /^roster\.yml: "a" and "b" share the slug "a"/],
    ['one login twice', 'developers:\n  - {slug: a, login: x}\n  - {slug: b, login: X}\n', /^roster\.yml: "a" and "b" share the login/],
    ['one reader twice', 'developers: [{slug: a, login: a}]\nreaders: [{login: b}, {login: B}]\n', /the reader "b" is named twice/],
    ['YAML that is broken', 'developers:\n  - slug: [\n', /^roster\.yml line \d: .*Repair the YAML; nothing was written\.$/],
    ['an alias', 'developers:\n  - &a {slug: a, login: a}\n  - *a\n', /a developer is no mapping/],
    [
      'a merge that is not finished',
      'developers:\n<<<<<<< HEAD\n  - {slug: a, login: a}\n=======\n>>>>>>> b\n',
      /^roster\.yml line 2: a conflict marker\. Finish the merge first/,
    ],
    [
      'a second document',
      'developers:\n  - slug: a\n    login: a\n---\ndevelopers:\n  - slug: b\n    login: b\n',
      /^roster\.yml line 4: a second YAML document begins here\. Make it one; nothing was written\.$/,
    ],
    ['a second document that is empty', 'developers:\n  - slug: a\n    login: a\n---\n', /^roster\.yml line 4: a second YAML document/],
    ['a second document behind an empty one', '---\n---\ndevelopers: [{slug: a, login: a}]\n', /^roster\.yml line 2: a second YAML document/],
    ['a slug that invites sharing', 'developers:\n  - {slug: team, login: a}\n', /invites several people/],
  ])('%s', (_, text, expected) => {
    const said = message(() => parseRosterFile(text));
    expect(said).toMatch(expected);
    expect(said).not.toContain('\n');
  });
});

test('one document may have its marks', () => expect(slugs('# ours\n---\ndevelopers:\n  - slug: a\n    login: a\n...\n# the end\n')).toEqual(['a']));

describe('a last day that is still to come', () => {
  const leaving = (day: string) => `developers:\n  - slug: a\n    login: a\n  - slug: bo\n    login: bo\n    left: ${day}\n`;
  test('is refused: the rights would go today', () => {
    for (const day of ['2026-05-02', '2026-06-01', '2035-01-01'])
      expect(message(() => parseRosterFile(leaving(day), '2026-05-01'))).toBe(
        `roster.yml line 6: "bo" is to leave on ${day}, and today is 2026-05-01 (UTC): every right would go now. Take the line out, and on that day run npx generator-dbt-envs roster --remove bo; nothing was written.`,
      );
  });
  test('is a last day from that day on', () => {
    for (const day of ['2026-05-01', '2026-04-30', '2009-12-31'])
      expect(parseRosterFile(leaving(day), '2026-05-01').leavers).toEqual([{ slug: 'bo', login: 'bo', left: day }]);
  });
  test('is refused in every notation, and a day that is none as such', () => {
    expect(message(() => parseRosterFile('developers: [{slug: a, login: a}, {slug: bo, login: bo, left: "2035-01-01"}]\n', '2026-05-01'))).toMatch(
      /"bo" is to leave on/,
    );
    expect(message(() => parseRosterFile(leaving('soon'), '2026-05-01'))).toMatch(/"soon" is no date/);
  });
});

describe('--add', () => {
  test('adds at the end of the list, and everything else stays', () => {
    const after = addDevelopers(ROSTER, parseTeam('eve, kim@acme.com, yes=1e3'));
    expect(after).toBe(
      ROSTER.replace(
        '    left: 2026-03-01\n',
        '    left: 2026-03-01\n  - slug: eve\n    login: eve\n  - slug: kim\n    login: kim\n    email: kim@acme.com\n  - slug: "yes"\n    login: "1e3"\n',
      ),
    );
    expect(slugs(after)).toEqual(['priya', 'sam', 'no', 'eve', 'kim', 'yes']);
  });
  test('keeps CRLF', () => expect(addDevelopers(ROSTER.replaceAll('\n', '\r\n'), parseTeam('eve'))).not.toMatch(/[^\r]\n/));
  test('adds to a list in brackets', () => expect(slugs(addDevelopers('developers: [{slug: a, login: a}]\n', parseTeam('eve')))).toEqual(['a', 'eve']));
  test('of somebody who is there changes nothing', () => expect(addDevelopers(ROSTER, parseTeam('priya'))).toBe(ROSTER));
  test('of somebody who is there passes no address over', () => {
    expect(addDevelopers(ROSTER, parseTeam('Priya@acme.com'))).toBe(ROSTER);
    expect(message(() => addDevelopers(ROSTER, parseTeam('priya <p@corp.com>')))).toBe(
      '--add: "priya" is on the roster already, with the address "priya@acme.com". Write "email: p@corp.com" there in roster.yml.',
    );
    expect(message(() => addDevelopers(ROSTER, parseTeam('sam=Sam.Jones <sam@acme.com>')))).toMatch(/is on the roster already, without an e-mail address/);
  });
  test('takes slug, login and address', () =>
    expect(parseRosterFile(editRoster(ROSTER, { add: 'eve=e.ross <eve.ross@acme.com>', today: '2026-05-01' })).developers.at(-1)).toEqual({
      slug: 'eve',
      login: 'e.ross',
      email: 'eve.ross@acme.com',
    }));
  test('refuses a slug or a login that is taken', () => {
    expect(message(() => addDevelopers(ROSTER, parseTeam('sam')))).toMatch(/^--add: the slug "sam" belongs to "sam"\. Write <slug>=<login>/);
    expect(message(() => addDevelopers(ROSTER, parseTeam('eve=sam.jones')))).toMatch(/^--add: the login "sam\.jones" belongs to "sam"/);
  });
  test('refuses a leaver, and says how to take her back', () =>
    expect(message(() => addDevelopers(ROSTER, parseTeam('olga')))).toMatch(
      /belongs to "olga", who left on 2026-03-01\. To take the person back, delete the line "left: 2026-03-01"/,
    ));
  test('refuses what is no person', () =>
    expect(message(() => editRoster(ROSTER, { add: '-', today: '2026-05-01' }))).toMatch(/^--add: No slug can be made from "-"/));
});

describe('--remove', () => {
  test('sets the day, and everything else stays', () =>
    expect(removeDeveloper(ROSTER, 'priya', '2026-05-01')).toBe(ROSTER.replace('email: priya@acme.com\n', 'email: priya@acme.com\n    left: 2026-05-01\n')));
  test('sets it in braces', () =>
    expect(parseRosterFile(removeDeveloper(ROSTER, 'sam', '2026-05-01')).leavers).toContainEqual({ slug: 'sam', login: 'Sam.Jones', left: '2026-05-01' }));
  test('finds a slug that YAML takes for something else', () =>
    expect(slugs(removeDeveloper('developers:\n  - {slug: a, login: a}\n  - slug: no\n    login: b\n', 'no', '2026-05-01'))).toEqual(['a']));
  test('of several people at once', () => expect(slugs(editRoster(ROSTER, { remove: 'sam, no', today: '2026-05-01' }))).toEqual(['priya']));
  test('of a leaver changes nothing', () => expect(removeDeveloper(ROSTER, 'olga', '2026-05-01')).toBe(ROSTER));
  test('refuses an unknown slug with a near miss', () =>
    expect(message(() => removeDeveloper(ROSTER, 'pryia', '2026-05-01'))).toBe('--remove: there is no developer "pryia" in roster.yml. Did you mean priya?'));
  test('refuses the last developer', () =>
    expect(message(() => removeDeveloper('developers:\n  - {slug: a, login: a}\n', 'a', '2026-05-01'))).toMatch(/is the last developer/));
  test('refuses nobody', () => expect(message(() => editRoster(ROSTER, { remove: ' , ', today: '2026-05-01' }))).toMatch(/--remove names nobody/));
});

describe('--rename', () => {
  test('is a leaver and a new hire, who keeps the e-mail address', () => {
    const roster = parseRosterFile(renameDeveloper(ROSTER, 'priya=pri', '2026-05-01'));
    expect(roster.leavers.map(({ slug }) => slug)).toEqual(['priya', 'olga']);
    expect(roster.developers.at(-1)).toEqual({ slug: 'pri', login: 'pri', email: 'priya@acme.com' });
  });
  test('takes a login that is not the slug', () =>
    expect(parseRosterFile(renameDeveloper(ROSTER, 'sam=sammy=s.jones', '2026-05-01')).developers.at(-1)).toEqual({ slug: 'sammy', login: 's.jones' }));
  test('takes another address', () =>
    expect(parseRosterFile(renameDeveloper(ROSTER, 'priya=pri=p.rao <pri@acme.com>', '2026-05-01')).developers.at(-1)).toEqual({
      slug: 'pri',
      login: 'p.rao',
      email: 'pri@acme.com',
    }));
  test('asked for twice changes nothing the second time', () => {
    const once = renameDeveloper(ROSTER, 'priya=pri', '2026-05-01');
    expect(renameDeveloper(once, 'priya=pri', '2026-06-01')).toBe(once);
  });
  test('refuses to give on the login: the script for leavers would lock it', () =>
    expect(message(() => renameDeveloper(ROSTER, 'sam=sammy=Sam.Jones', '2026-05-01'))).toMatch(/^--rename: the login "Sam\.Jones" belongs to "sam"/));
  test.each(['sam', 'sam=', '=sam', 'sam=a, b'])('refuses "%s"', (request) =>
    expect(message(() => renameDeveloper(ROSTER, request, '2026-05-01'))).toMatch(/Write it like --rename sam=sam_k\.$/),
  );
  test('keeps the address that was the login: some warehouses know a person by it', () => {
    const text = 'developers:\n  - slug: sam\n    login: sam@acme.com\nreaders: []\n';
    expect(parseRosterFile(renameDeveloper(text, 'sam=sam_k', '2026-05-01')).developers).toEqual([{ slug: 'sam_k', login: 'sam_k', email: 'sam@acme.com' }]);
  });
  test('refuses an unknown slug', () => expect(message(() => renameDeveloper(ROSTER, 'zoe=zo', '2026-05-01'))).toMatch(/there is no developer "zoe"/));
});

test('a roster that cannot be edited safely is refused', () =>
  expect(message(() => addDevelopers('x: &a 1\n', parseTeam('eve')))).toMatch(/"x" means nothing/));
