import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NameError } from '../../src/names.ts';
import { parseReaders, parseTeam } from '../../src/roster/roster.ts';

const slugs = (text: string) => parseTeam(text).map(({ slug }) => slug);

describe('a team', () => {
  test.each([
    ['a comma list', 'priya, sam', ['priya', 'sam']],
    ['several lines', 'priya\nsam\r\nBo Li\n', ['priya', 'sam', 'bo_li']],
    ['semicolons', 'priya; sam', ['priya', 'sam']],
    ['e-mail addresses', 'first.last@acme.com, bo@acme.com', ['first_last', 'bo']],
    ['a CSV with a header', 'Name,Email\nAna Lee,ana@acme.com\n"Li, Bo",bo@acme.com\n', ['ana_lee', 'li_bo']],
    ['a CSV with its columns in another order and a BOM', '\uFEFFlogin,slug\nd.miller,dee\n', ['dee']],
    ['a CSV with semicolons, as spreadsheets of many countries write it', '\uFEFFName;Email\r\nAna Lee;ana@acme.com\r\n', ['ana_lee']],
    ['a table with tabs, as a spreadsheet copies it', 'name\tlogin\nAna Li\tali\n', ['ana_li']],
    ['a table with its headings as people write them, and empty cells beside it', '"Name";E-Mail;\r\nAna Lee;ana@acme.com;\r\n;;\r\n', ['ana_lee']],
    ['a table with the line that tells Excel its separator', 'sep=;\r\nName;Email\r\nAna Lee;ana@acme.com\r\n', ['ana_lee']],
    ['a list with a comma after each line', 'ana,\nbo,\n"Li, Cy",\n', ['ana', 'bo', 'li_cy']],
    ['slug=login', 'dee=d.miller', ['dee']],
  ])('may be %s', (_, text, expected) => expect(slugs(text)).toEqual(expected));

  test('keeps slug, login and e-mail apart', () => {
    expect(parseTeam('dee=d.miller, cy@acme.com')).toEqual([
      { slug: 'dee', login: 'd.miller' },
      { slug: 'cy', login: 'cy', email: 'cy@acme.com' },
    ]);
    expect(parseTeam('dee = d.miller <Dee.M@acme.com>')).toEqual([{ slug: 'dee', login: 'd.miller', email: 'Dee.M@acme.com' }]);
    expect(parseTeam('name,email,slug,login\nAna Lee,ana@acme.com,ana,alee\n')).toEqual([{ slug: 'ana', login: 'alee', email: 'ana@acme.com' }]);
  });
  test.each([
    ['nobody', ' , \n', /team is empty/],
    ['a header and nobody', 'name,email\n', /team is empty/],
    ['two people with one slug', 'ann.lee@a.com, ann_lee', /"ann\.lee@a\.com" and "ann_lee" share the slug "ann_lee".*<slug>=<login>/],
    ['one login for two slugs', 'a=x, b=X', /share the login "X"/],
    ['a name without Latin letters', '李', /No slug can be made from "李"/],
    ['a name that begins with a digit', '3com', /A slug begins with a letter/],
    ['a shared account', 'shared', /invites several people/],
    ['a row that is too long', 'name,email\na,b@c.d,e\n', /has 3 cells, the header 2/],
    ['an open quote', 'name,email\n"a,b\n', /quote is not closed/],
    ['an injected login', "x=a'; drop role y", /cannot be a login/],
    ['a table with bars', 'name|login\nana|ali\n', /^line 1: "name\|login" is no person/],
    ['JSON', '[{"name": "ana"}]', /is no person\. Write a name, an e-mail address or <slug>=<login>/],
    ['a roster.yml', 'developers:\n  - slug: ana\n    login: ana\n', /^line 1: "developers:" is no person/],
    ['a login of a form that has an address, and is none', 'dee=d miller <dee@acme.com>', /"d miller" cannot be a login/],
    ['an address behind a login that is none', 'dee=d.miller <dee>', /"dee" is no e-mail address/],
    ['a spreadsheet formula as e-mail', 'name,email\nx,=cmd()\n', /no e-mail address/],
  ])('%s is refused', (_, text, message) => expect(() => parseTeam(text)).toThrow(message));

  test.each([
    ['a foreign column', 'Name,Email,Department\nAna Li,ana@x.com,Finance\nBo Ito,bo@x.com,Risk\n', /names the column "Department"/],
    ['a foreign column with semicolons', 'Name;Abteilung\nAna Li;Finanzen\n', /names the column "Abteilung"/],
    ['a foreign column with tabs and a byte order mark', '\uFEFFName\tDepartment\nAna Li\tFinance\n', /names the column "Department"/],
    ['a foreign column below an empty line', ',,\nname,email,Department\nAna,ana@x.com,Risk\n', /names the column "Department"/],
    ['a column without a name', 'name,,login\nAna Li,Finance,ali\n', /names the column ""/],
    ['two columns without our names', 'First Name,Last Name\nAna,Li\nBo,Ito\n', /^line 1: "First Name, Last Name" has several cells, and no first line/],
    ['headings of another language', 'Vorname;Nachname\nAna;Li\n', /^line 1: "Vorname, Nachname" has several cells/],
    ['no headings and tabs', 'Ana Li\tali\nBo Ito\tbito\n', /^line 1: "Ana Li\\tali" has several cells/],
    ['no headings and lines of several lengths', 'Ana\nBo,Risk\n', /^line 2: "Bo, Risk" has several cells/],
    ['a column twice', 'name,login,login\nAna Li,ali,x\n', /names the column "login" twice\. Name it once\.$/],
    ['a column twice, written in two ways', 'Email,E-Mail\na@x.com,b@x.com\n', /names the column "email" twice/],
  ])('that is a table with %s is refused, and nobody is made of a cell', (_, text, message) => expect(() => parseTeam(text)).toThrow(message));

  test('is never more people than lines, whatever the table', () => {
    const cell = fc.constantFrom(
      'Name',
      'Email',
      'login',
      'Slug',
      'E-Mail',
      'Department',
      'Vorname',
      'ana',
      'Bo Li',
      'cy@acme.com',
      'Finance',
      '',
      '"Li, Dee"',
    );
    const table = fc
      .tuple(fc.array(fc.array(cell, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 5 }), fc.constantFrom(',', ';', '\t'))
      .map(([rows, separator]) => rows.map((row) => row.join(separator)).filter((row) => row.trim() !== ''));
    let read = 0;
    fc.assert(
      fc.property(table, fc.constantFrom('\n', '\r\n'), (lines, end) => {
        if (lines.filter((line) => /[^,;\s]/.test(line)).length < 2) return; // a list on one line
        try {
          const people = parseTeam(lines.join(end));
          read++;
          expect(people.length).toBeLessThanOrEqual(lines.length);
        } catch (error) {
          if (!(error instanceof NameError)) throw error;
        }
      }),
      { numRuns: 10_000 },
    );
    expect(read).toBeGreaterThan(200);
  });

  test('that is wrong in one of many lines is refused with that line', () => {
    const names = Array.from({ length: 50 }, (_, at) => `p${at}`);
    expect(() => parseTeam(names.with(7, '---').join('\r\n'))).toThrow(/^line 8: No slug can be made from "---"/);
    expect(() => parseTeam(['slug,login', ...names.map((name) => `${name},${name}`).with(7, 'p7,a b')].join('\n'))).toThrow(/^line 9: "a b" cannot be a login/);
    expect(() => parseTeam(['name', ...names.with(7, '"p7')].join('\n'))).toThrow(/^line 9: A quote is not closed/);
    expect(() => parseTeam('---')).toThrow(/^No slug/);
  });

  test('of ten thousand is read in linear time', () => {
    expect(parseTeam(Array.from({ length: 10_000 }, (_, i) => `p${i}`).join('\n'))).toHaveLength(10_000);
  });
});

test('readers read prod; :reviews reads PR schemas too', () => {
  expect(parseReaders('looker, anna:reviews')).toEqual([
    { login: 'looker', reviews: false },
    { login: 'anna', reviews: true },
  ]);
  expect(parseReaders('')).toEqual([]);
  expect(() => parseReaders('anna:review')).toThrow(/"anna:review" is no reader/);
  expect(() => parseReaders('a, A')).toThrow(/named twice/);
});
