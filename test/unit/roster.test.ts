import { describe, expect, test } from 'vitest';
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
    ['slug=login', 'dee=d.miller', ['dee']],
  ])('may be %s', (_, text, expected) => expect(slugs(text)).toEqual(expected));

  test('keeps slug, login and e-mail apart', () => {
    expect(parseTeam('dee=d.miller, cy@acme.com')).toEqual([
      { slug: 'dee', login: 'd.miller' },
      { slug: 'cy', login: 'cy', email: 'cy@acme.com' },
    ]);
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
    ['a spreadsheet formula as e-mail', 'name,email\nx,=cmd()\n', /no e-mail address/],
  ])('%s is refused', (_, text, message) => expect(() => parseTeam(text)).toThrow(message));

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
