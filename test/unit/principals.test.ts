import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { warehouses } from '../../src/catalogue.ts';
import { contextOf } from '../../src/context.ts';
import { NameError } from '../../src/names.ts';
import { plan } from '../../src/plan.ts';
import { parseAnswers } from '../../src/questions.ts';
import { parseRosterFile } from '../../src/roster/roster-file.ts';

const PREFIXES = ['acme', 'z9y', 'two_words'] as const;
const SERVICE = /service|ci|prod|janitor/;

/** Entries of roster.yml: `ana=login`, with ` <address>` where one is written down. */
interface People {
  readonly developers: readonly string[];
  readonly leavers?: readonly string[];
  readonly readers?: readonly string[];
}

function rosterOf({ developers, leavers = [], readers = [] }: People) {
  const entry = (text: string, more = ''): string => {
    const [, slug = '', login = '', email] = /^(\w+)=(\S+)(?: <(.*)>)?$/.exec(text) ?? [];
    return `  - slug: "${slug}"\n    login: "${login}"\n${email === undefined ? '' : `    email: "${email}"\n`}${more}`;
  };
  const people = [...developers.map((one) => entry(one)), ...leavers.map((one) => entry(one, '    left: 2026-11-01\n'))];
  return parseRosterFile(
    `developers:\n${people.join('')}readers:${readers.length === 0 ? ' []\n' : `\n${readers.map((one) => `  - login: "${one}"\n`).join('')}`}`,
  );
}

const answersOf = (warehouse: string, rolePrefix = 'acme') =>
  parseAnswers({
    projectName: 'acme',
    warehouse,
    rolePrefix,
    team: 'ana',
    ...(warehouse === 'bigquery' && { database: 'shop-prod', emailDomain: 'acme.example', developersGroup: 'developers@acme.example' }),
  });

const planOf = (warehouse: string, people: People, rolePrefix?: string) =>
  plan(answersOf(warehouse, rolePrefix), rosterOf(people), { projectDir: '' }, ['grants']).filter(({ path }) => path.startsWith('grants/'));

/** Whom the warehouse knows everybody of an accepted roster as; undefined where it is refused. Any other error is a defect. */
function principalsOf(warehouse: string, people: People, rolePrefix?: string): readonly string[] | undefined {
  const roster = rosterOf(people);
  try {
    const { project, warehouse: vendor } = contextOf(answersOf(warehouse, rolePrefix), roster, { projectDir: '' }, ['grants']);
    return [...roster.developers, ...roster.leavers, ...roster.readers].map((one) => vendor.principalOf(project, one) ?? '');
  } catch (error) {
    if (error instanceof NameError) return undefined;
    throw error;
  }
}

/** Every name under which something may log in or be granted, read off the emitted scripts. */
function madeBy(warehouse: string, rolePrefix: string): readonly string[] {
  const files = planOf(warehouse, { developers: ['ana=ana'] }, rolePrefix).filter(({ path }) => /\/(?:[134]0_|README)/.test(path));
  const text = files.map(({ contents }) => contents).join('\n');
  const all = [
    ...[...text.matchAll(/CREATE (?:ROLE|USER) IF NOT EXISTS (\w+)/g)].map(([, name = '']) => name),
    ...[...text.matchAll(/\('(\w+)', '(?:NO)?LOGIN/g)].map(([, name = '']) => name),
    ...[...text.matchAll(/(?:groupadd --force|useradd --create-home) (\w+)/g)].map(([, name = '']) => name),
    ...[...text.matchAll(/^account (\S+) (\S+)/gm)].map(([, id, home]) => `${id}@${home}.iam.gserviceaccount.com`),
    ...[...text.matchAll(/group:([^"']+)/g)].map(([, name = '']) => name),
  ];
  return [...new Set(all)];
}

describe.each(warehouses.map(({ id }) => id))('on %s', (warehouse) => {
  test('nobody who is accepted is what the scripts make, however a name is folded', () => {
    const made = new Map(PREFIXES.map((prefix) => [prefix, madeBy(warehouse, prefix)]));
    for (const names of made.values()) expect(names.filter((name) => SERVICE.test(name)).length).toBeGreaterThanOrEqual(3);
    const folded = fc.constantFrom<(name: string) => string>(
      (name) => name,
      (name) => name.toUpperCase(),
      (name) => name.replace(/^./, (first) => first.toUpperCase()),
      (name) => `${name}x`,
    );
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(fc.constantFrom(...PREFIXES), fc.nat(), folded, fc.constantFrom('developers', 'leavers', 'readers'), (prefix, at, fold, where) => {
        const names = made.get(prefix) ?? [];
        const login = fold(names[at % names.length] ?? '');
        const people: People = {
          developers: ['ana=ana'],
          [where]: where === 'readers' ? [login] : [...(where === 'developers' ? ['ana=ana'] : []), `ops=${login}`],
        };
        const principals = principalsOf(warehouse, people, prefix);
        if (principals === undefined) seen.refused++;
        else {
          seen.accepted++;
          for (const one of principals) expect(names.map((name) => name.toLowerCase())).not.toContain(one.toLowerCase());
        }
      }),
      { numRuns: 400 },
    );
    expect(seen.accepted).toBeGreaterThan(50);
    expect(seen.refused).toBeGreaterThan(200);
  });

  test('a service or a group is refused in one line that says what to do, whichever list it is in', () => {
    const name = madeBy(warehouse, 'acme').find((one) => /janitor/.test(one)) ?? '';
    const ways: readonly (readonly [string, People])[] = [
      ['Developer "ops"', { developers: [`ops=${name}`] }],
      ['Developer "ops"', { developers: ['ana=ana'], leavers: [`ops=${name}`] }],
      [`Reader "${name}"`, { developers: ['ana=ana'], readers: [name] }],
    ];
    for (const [who, people] of ways)
      expect(() => planOf(warehouse, people)).toThrow(
        new RegExp(
          `^${who} cannot be "${name}": that is a role, a service or a group of this project .*\\. Give the login of the person, or of the tool that reads; leave out what is neither\\.$`,
          'i',
        ),
      );
  });

  test('who left and still reads is refused, with the way out; who left under another slug and develops is not', () => {
    expect(() => planOf(warehouse, { developers: ['ana=ana'], leavers: ['sam=sam'], readers: ['looker', 'sam'] })).toThrow(
      '"sam" left and is still the reader "sam", whom the grants let in again. Delete that reader in roster.yml first; who goes on reading is deleted under developers instead of being marked as left.',
    );
    expect(() => planOf(warehouse, { developers: ['ana=ana', 'sam=sam'], readers: ['looker', 'sam'] })).not.toThrow();
  });
});

describe('one person in two spellings', () => {
  test.each([
    [
      'bigquery',
      { developers: ['ana=ana <x@acme.example>', 'bo=bo <X@acme.example>'] },
      '"ana" and "bo" are both "x@acme.example" to BigQuery, and one person has one schema.',
    ],
    ['bigquery', { developers: ['ana=ana', 'bo=Ana@Acme.Example'] }, '"ana" and "bo" are both "ana@acme.example" to BigQuery'],
    [
      'bigquery',
      { developers: ['ana=ana'], readers: ['bi', 'bi@acme.example'] },
      '"bi" and "bi@acme.example" are both "bi@acme.example" to BigQuery, and are one reader. Name it once.',
    ],
    ['bigquery', { developers: ['ana=ana'], leavers: ['sam=sam'], readers: ['SAM@acme.example'] }, '"sam" left and is still the reader "SAM@acme.example"'],
    ['snowflake', { developers: ['ana=ana'], leavers: ['sam=sam'], readers: ['SAM'] }, '"sam" left and is still the reader "SAM"'],
    ['snowflake', { developers: ['cy=AccountAdmin'] }, 'Developer "cy" cannot be "ACCOUNTADMIN"'],
    ['snowflake', { developers: ['cy=acme_dev_cy'] }, 'Developer "cy" cannot be "ACME_DEV_CY"'],
    ['postgres', { developers: ['cy=rds_superuser'] }, 'Developer "cy" cannot be "rds_superuser"'],
    ['bigquery', { developers: ['cy=developers'] }, 'Developer "cy" cannot be "developers@acme.example"'],
  ])('on %s: %j', (warehouse, people, message) => expect(() => planOf(warehouse, people)).toThrow(message));

  test('two logins that the warehouse tells apart are two', () => {
    // In quotes, PostgreSQL folds no case: https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
    expect(principalsOf('postgres', { developers: ['ana=ana'], leavers: ['sam=sam'], readers: ['SAM'] })).toEqual(['ana', 'sam', 'SAM']);
    expect(principalsOf('bigquery', { developers: ['ana=ana', 'bo=bo <ana@other.example>'] })).toEqual(['ana@acme.example', 'ana@other.example']);
  });

  test('an address that is not known is compared with nothing', () => {
    const { emailDomain: _, ...rest } = { warehouse: 'bigquery', projectName: 'acme', database: 'shop-prod', team: 'ana', emailDomain: '' };
    const { project, warehouse } = contextOf(parseAnswers(rest), rosterOf({ developers: ['ana=ana', 'bo=bo'] }), { projectDir: '' }, ['profiles']);
    expect(project.roster.developers.map((one) => warehouse.principalOf(project, one))).toEqual([undefined, undefined]);
  });
});

test('a leaver whose address develops under another slug has a script that takes the old schema alone, and says so', () => {
  const files = planOf('bigquery', { developers: ['sam_k=sam_k <sam@acme.example>'], leavers: ['sam=sam', 'lea=lea'], readers: ['sam@acme.example'] });
  const script = (slug: string): string => files.find(({ path }) => path === `grants/leavers/${slug}.sql`)?.contents ?? '';
  expect(script('sam')).toMatch(/^-- leavers\/sam\.sql: sam@acme\.example, who left on 2026-11-01 and is on the roster as sam_k\.\n/);
  expect([...script('sam').matchAll(/\('(roles\/[^']+|projects\/[^']+)', '\w+', '([^']+)'\)/g)].map(([, role, name]) => [role, name])).toEqual([
    ['roles/bigquery.dataEditor', '`shop-dev`.`dev_sam`'],
  ]);
  expect(script('sam')).not.toMatch(/suspends|memberships delete/);
  expect(script('lea')).toMatch(/suspends[\s\S]*memberships delete[\s\S]*roles\/bigquery\.dataViewer', 'SCHEMA'/);
});
