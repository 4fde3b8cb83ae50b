import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { projectNameFrom } from '../../src/answers/values.ts';
import {
  DEV_SCHEMA_PATTERN,
  devSchema,
  foldToSlug,
  NameError,
  PR_SCHEMA_PATTERN,
  parseEmail,
  parseIdentifier,
  parseLogin,
  parseProdSchema,
  parseProjectName,
  parseRolePrefix,
  parseSlug,
  parseSourceSchema,
  shown,
} from '../../src/names.ts';
import { type Developer, parseReaders, parseTeam } from '../../src/roster/roster.ts';
import { typedAddresses, typedNames } from '../support/hostile-text.ts';

/** Names, logins and addresses: each claim is held against as many as these. */
const RUNS = { numRuns: 10_000 };
const FEWER = { numRuns: 2_500 };

/** What each warehouse and file system says of a name: a rule that it breaks, or nothing. */
const PLACES = {
  // https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
  postgres: (name: string) => /^[a-z_][a-z0-9_$]*$/.test(name) && Buffer.byteLength(name) <= 63,
  // https://docs.snowflake.com/sql-reference/identifiers-syntax
  snowflake: (name: string) => /^[A-Z_][A-Z0-9_$]*$/.test(name.toUpperCase()) && name.length <= 255,
  // https://cloud.google.com/bigquery/docs/datasets#dataset-naming
  bigquery: (name: string) => /^[A-Za-z0-9_]+$/.test(name) && name.length <= 1024,
  // https://docs.aws.amazon.com/redshift/latest/dg/r_names.html
  redshift: (name: string) => /^[a-z_][a-z0-9_$]*$/.test(name) && Buffer.byteLength(name) <= 127,
  // https://docs.databricks.com/sql/language-manual/sql-ref-names
  databricks: (name: string) => /^[a-z_][a-z0-9_]*$/.test(name) && name.length <= 255,
  // https://duckdb.org/docs/stable/sql/dialect/keywords_and_identifiers
  duckdb: (name: string) => /^[a-z_][a-z0-9_$]*$/.test(name),
} as const satisfies Record<string, (name: string) => boolean>;

/** https://learn.microsoft.com/windows/win32/fileio/naming-a-file; macOS decomposes names and takes no account of case. */
const isFileName = (name: string): boolean =>
  Buffer.byteLength(name) <= 255 &&
  /^[^<>:"/\\|?*\p{Cc}]*[^<>:"/\\|?*\p{Cc}. ]$/u.test(name) &&
  !/^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?$/i.test(name) &&
  name.normalize('NFD') === name;

/** One name where case and the way of writing a letter do not count. */
const folded = (name: string): string => name.normalize('NFKD').toUpperCase().toLowerCase();

interface Tried<T> {
  readonly accepted?: T;
  readonly refusal?: string;
}
/** The value, or the message of the refusal. Any other error is a defect. */
function tried<T>(parse: () => T): Tried<T> {
  try {
    return { accepted: parse() };
  } catch (error) {
    if (error instanceof RangeError) return { refusal: error.message };
    throw error;
  }
}

/** One line that a terminal prints as it is, that names something, and that ends in what to do. */
function isRefusal(message: string): void {
  expect(message).toMatch(/^[^\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]+$/u);
  expect(message).not.toMatch(/[^\P{Z} ]/u);
  expect(message).toMatch(/\b(?:Give|Choose|Name|Write|Correct|Close|Move)\b[^.]*.*\.$/);
  expect(message).toMatch(/"/);
  expect(message.length).toBeLessThanOrEqual(400);
}

const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;
const named = (name: string): Tried<readonly Developer[]> => tried(() => parseTeam(`name\n${quoted(name)}\n`));

function isSound(slug: string): void {
  const schema = `dev_${slug}`;
  expect(slug).toMatch(/^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/);
  expect(slug.length).toBeLessThanOrEqual(30);
  expect(schema).toMatch(new RegExp(DEV_SCHEMA_PATTERN));
  expect(foldToSlug(slug)).toBe(slug);
  for (const [place, isValid] of Object.entries(PLACES)) expect(isValid(schema), `${schema} in ${place}`).toBe(true);
  for (const file of [`${slug}.sql`, `${slug}.duckdb`, slug]) expect(isFileName(file), file).toBe(true);
  expect(schema.toUpperCase().toLowerCase()).toBe(schema);
}

describe('whoever is named', () => {
  test('gets a slug that every warehouse and file system takes, or one line that says why not and what to do', () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(typedNames, (name) => {
        const { accepted, refusal } = named(name);
        if (refusal !== undefined) {
          seen.refused++;
          isRefusal(refusal);
        } else {
          seen.accepted++;
          expect(accepted).toHaveLength(1);
          for (const { slug } of accepted ?? []) isSound(slug);
        }
      }),
      RUNS,
    );
    expect(seen.accepted, JSON.stringify(seen)).toBeGreaterThan(2_000);
    expect(seen.refused, JSON.stringify(seen)).toBeGreaterThan(2_000);
  });

  test('gets no slug that leaves out a letter of another script, look-alikes included', () => {
    fc.assert(
      fc.property(typedNames, (name) => {
        if (!/[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Han}\p{Script=Hangul}\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Thai}]/u.test(name)) return;
        if (
          !/(?=[\p{Lu}\p{Ll}\p{Lo}])[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Han}\p{Script=Hangul}\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Thai}]/u.test(
            name,
          )
        )
          return;
        expect(named(name).refusal).toMatch(/letters that no slug can have|No slug can be made|A slug begins with a letter/);
      }),
      FEWER,
    );
    expect(named('аna').refusal).toBe('line 2: "аna" has letters that no slug can have (а). Give one: <slug>=<login>.');
    expect(named('李 Wei').refusal).toContain('(李)');
  });

  test('by a slug has that slug, and a second parse changes nothing', () => {
    fc.assert(
      fc.property(fc.oneof(typedNames, fc.stringMatching(/^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/), fc.stringMatching(/^[a-zA-Z_]{1,40}$/)), (text) => {
        const { accepted, refusal } = tried(() => parseSlug(text));
        if (refusal !== undefined) return isRefusal(refusal);
        isSound(String(accepted));
        expect(devSchema(parseSlug(String(accepted)))).toBe(`dev_${text}`);
      }),
      FEWER,
    );
  });

  test.each([
    ['con', /names a device on Windows/],
    ['LPT1', /names a device on Windows/],
    ['\u202egnp.exe', null],
    ['x\u001b[2J', null],
  ])('%j is refused, or folded to what is plain', (name, message) => {
    const { accepted, refusal } = named(name);
    if (message === null) expect(accepted?.map(({ slug }) => slug).join()).toMatch(/^[a-z0-9_]+$/);
    else expect(refusal).toMatch(message);
  });
});

test('a name of any length is refused in a short line', () =>
  expect(named('a'.repeat(100_000)).refusal).toMatch(/^line 2: "a{57}\.\.\." has 100000 characters; a slug has at most 30/));

describe('a team', () => {
  /** People as lists give them: each may come again in another spelling. */
  const variant = fc.constantFrom<(text: string) => string>(
    (text) => text,
    (text) => text.toUpperCase(),
    (text) => text.toLowerCase(),
    (text) => text.normalize('NFD'),
    (text) => text.normalize('NFKC'),
    (text) => `${text}\u200b`,
    (text) => text.replaceAll(' ', '_'),
    (text) => text.replaceAll('_', '-'),
  );
  const login = fc.oneof(fc.constant(''), fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,8}$/), typedNames);
  const people = fc.array(fc.record({ name: typedNames, login, email: fc.oneof(fc.constant(''), typedAddresses), again: variant }), {
    minLength: 1,
    maxLength: 4,
  });
  const easy = fc.array(
    fc.record({
      name: fc.stringMatching(/^[A-Za-zÀ-ÿ]{1,3}( [a-z]{1,2})?$/),
      login: fc.stringMatching(/^([A-Ca-c]{0,2})$/),
      email: fc.constant(''),
      again: variant,
    }),
    { minLength: 1, maxLength: 4 },
  );

  test('that is accepted has no two people with one slug, schema, login or file, however these are folded', () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(fc.oneof(people, easy), fc.boolean(), (all, twice) => {
        const rows = all.flatMap((one) => [one, ...(twice ? [{ ...one, name: one.again(one.name) }] : [])]);
        const text = ['name,login,email', ...rows.map((row) => [row.name, row.login, row.email].map(quoted).join(','))].join('\n');
        const { accepted, refusal } = tried(() => parseTeam(text));
        if (refusal !== undefined) {
          seen.refused++;
          return isRefusal(refusal);
        }
        seen.accepted++;
        const team = accepted ?? [];
        for (const of of [
          ({ slug }: Developer) => slug,
          ({ slug }: Developer) => devSchema(slug),
          ({ login }: Developer) => login,
          ({ slug }: Developer) => `grants/leavers/${slug}.sql`,
        ])
          expect(new Set(team.map((one) => folded(of(one)))).size).toBe(team.length);
        for (const { slug, login: known, email } of team) {
          isSound(slug);
          expect(known).toMatch(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,62}$/);
          if (email !== undefined) expect(email).toMatch(/^[\w.+-]+@[A-Za-z0-9.-]+$/);
        }
      }),
      RUNS,
    );
    expect(seen.accepted, JSON.stringify(seen)).toBeGreaterThan(1_500);
    expect(seen.refused, JSON.stringify(seen)).toBeGreaterThan(1_500);
  });

  test('is read the same from a list, whatever is typed, or refused in one line', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            typedNames,
            typedAddresses,
            fc.tuple(typedNames, typedNames).map((two) => two.join('=')),
          ),
          { maxLength: 4 },
        ),
        (entries) => {
          const { accepted, refusal } = tried(() => parseTeam(entries.join(', ')));
          if (refusal !== undefined) return isRefusal(refusal);
          for (const { slug } of accepted ?? []) isSound(slug);
        },
      ),
      FEWER,
    );
  });

  test('may be pasted from a mail client', () =>
    expect(parseTeam('Ana Lee <ana@acme.com>, "Li, Bo" <bo@acme.com>; <cy.d@acme.com>')).toEqual([
      { slug: 'ana_lee', login: 'ana_lee', email: 'ana@acme.com' },
      { slug: 'li_bo', login: 'li_bo', email: 'bo@acme.com' },
      { slug: 'cy_d', login: 'cy_d', email: 'cy.d@acme.com' },
    ]));
});

describe('an e-mail address, a login, a reader', () => {
  test('of any kind is plain ASCII where it is accepted, and refused in one line otherwise', () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(fc.oneof(typedAddresses, typedNames), (text) => {
        for (const parse of [() => parseEmail(text), () => parseLogin(text), () => parseReaders(text)]) {
          const { accepted, refusal } = tried<unknown>(parse);
          if (refusal !== undefined) {
            seen.refused++;
            isRefusal(refusal);
          } else {
            seen.accepted++;
            expect(JSON.stringify(accepted)).toMatch(/^[\w.@+"{}[\]:,-]*$/);
          }
        }
      }),
      RUNS,
    );
    expect(seen.accepted, JSON.stringify(seen)).toBeGreaterThan(3_000);
  });
  test('at its limit is accepted, one beyond refused', () => {
    expect(parseLogin('a'.repeat(63))).toHaveLength(63);
    expect(() => parseLogin('a'.repeat(64))).toThrow(/at most 63/);
    expect(parseEmail(`a@${'b'.repeat(252)}`)).toHaveLength(254);
    expect(() => parseEmail(`a@${'b'.repeat(253)}`)).toThrow(/at most 254/);
  });
  test.each(['public', 'PUBLIC', 'none', 'pg_read_all_data', 'Pg_x'])('%s is the warehouse’s own word and nobody’s login', (text) =>
    expect(() => parseLogin(text)).toThrow(/keeps that name for itself/),
  );
});

describe('a project, a schema, a role prefix', () => {
  test.each([
    ['project name', parseProjectName, 30],
    ['role prefix', parseRolePrefix, 30],
    ['prod schema', parseProdSchema, 63],
    ['source schema', parseSourceSchema, 63],
    ['database', (text: string) => parseIdentifier(text, 'a database'), 63],
  ] as const)('a %s is accepted as it stands or refused in one line, and what the line proposes is accepted', (_, parse, limit) => {
    const seen = { accepted: 0 };
    fc.assert(
      fc.property(fc.oneof(typedNames, fc.stringMatching(/^[a-z][a-z0-9_]{0,70}$/)), (text) => {
        const { accepted, refusal } = tried(() => parse(text));
        if (refusal !== undefined) {
          isRefusal(refusal);
          const [, proposal] = /(?:Choose|another name), e\.g\. (\w+)\.$|Choose e\.g\. (\w+)\.$/.exec(refusal)?.filter(Boolean) ?? [];
          if (proposal !== undefined) expect(parse(proposal), refusal).toBe(proposal);
          return;
        }
        seen.accepted++;
        expect(accepted).toBe(text);
        expect(text.length).toBeLessThanOrEqual(limit);
        for (const [place, isValid] of Object.entries(PLACES)) expect(isValid(text), `${text} in ${place}`).toBe(true);
      }),
      FEWER,
    );
    expect(seen.accepted).toBeGreaterThan(100);
  });
  test('a folder of any name gives a project name that is accepted', () => {
    fc.assert(
      fc.property(typedNames, (folder) => {
        expect(parseProjectName(projectNameFrom(folder))).toBe(projectNameFrom(folder));
      }),
      FEWER,
    );
  });
  test.each(['no', 'null', 'target', 'ref', 'con', 'acme_dbt', 'a_dbt'.padStart(30, 'x')])('%s is no project, and another name is proposed', (text) =>
    expect(() => parseProjectName(text)).toThrow(/Choose another name, e\.g\. \w+_data\.$/),
  );
  test.each(['select', 'user', 'order', 'on', 'null', 'window'])('%s is no schema: it would need quotes wherever it stands', (text) =>
    expect(() => parseProdSchema(text)).toThrow(`"${text}" cannot be a prod schema: it is a word of SQL or YAML`),
  );
  test.each(['dev_ana', 'pr_12', 'pg_catalog', 'information_schema'])('%s holds no raw data', (text) =>
    expect(() => parseSourceSchema(text)).toThrow(/looks like an environment|own catalogue/),
  );
});

test('the number of a pull request is one to ten digits without a zero in front, and nothing else', () => {
  const whole = new RegExp(PR_SCHEMA_PATTERN);
  const number = fc.oneof(
    fc.bigInt({ min: -10n, max: 10n ** 12n }).map(String),
    fc.stringMatching(/^[0-9]{0,12}$/),
    typedNames,
    fc.constantFrom('0', '007', '1\n', '1 ', '１', '٣', '1e3', '9999999999', '10000000000', '+1', '1_x'),
  );
  fc.assert(
    fc.property(number, (text) => {
      const expected = /^[0-9]+$/.test(text) && text === BigInt(text).toString() && BigInt(text) > 0n && BigInt(text) < 10n ** 10n;
      expect(whole.test(`pr_${text}`)).toBe(expected);
    }),
    RUNS,
  );
});

test('whatever a message shows is one short line of glyphs that a terminal prints and does not obey', () => {
  fc.assert(
    fc.property(fc.oneof(typedNames, typedAddresses, fc.string({ unit: 'binary', maxLength: 200 })), (text) => {
      const line = shown(text);
      expect(line).toMatch(/^[^\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]*$/u);
      expect(line).not.toMatch(/[^\P{Z} ]/u);
      expect(line.length).toBeLessThanOrEqual(60);
    }),
    RUNS,
  );
  expect(shown('x\u001b[31m\u202ey\u0085z\u2028\ud800')).toBe('x\\u001b[31m\\u202ey\\u0085z\\u2028\\ud800');
  expect(shown('Ana "Ñúñez" 李')).toBe('Ana "Ñúñez" 李');
});

describe('the gate can fail, and shows the shortest name that gets through', () => {
  /** The shortest name for which a rule with a mistake breaks the claims above. */
  const counterexample = (names: fc.Arbitrary<string>, accepts: (text: string) => boolean): string | undefined => {
    const claim = fc.property(names, (name) => {
      if (accepts(name)) isSound(name);
    });
    return fc.check(claim, { ...FEWER, seed: 4 }).counterexample?.[0];
  };
  const letters = fc.string({ unit: fc.constantFrom(...'abzAZ09_ .\n'), maxLength: 40 });
  test.each([
    ['forgets the first letter', letters, (text: string) => /^[a-z0-9_]+$/.test(text) && text.length <= 30, /^[09_]$/],
    ['forgets the case', letters, (text: string) => /^[a-z]+$/i.test(text) && text.length <= 30, /^[AZ]$/],
    ['forgets the end', letters, (text: string) => /^[a-z]+/.test(text), /^a[^a-z]$/],
    ['forgets that a text has several lines', letters, (text: string) => /^[a-z]+$/m.test(text) && text.length <= 30, /^(?:[^a-z]a|a[^a-z])$/],
    ['forgets the length', fc.string({ unit: fc.constant('a'), maxLength: 70, size: 'max' }), (text: string) => /^a+$/.test(text), /^a{31}$/],
    ['forgets devices', typedNames, (text: string) => /^[a-z]{1,3}$/.test(text), /^(?:con|nul|aux|prn)$/],
  ])('a rule that %s', (_, names, accepts, shortest) => expect(counterexample(names, accepts)).toMatch(shortest));
  test('the rule itself has none', () => {
    expect(
      counterexample(typedNames, (text) => {
        try {
          return parseSlug(text) === text;
        } catch (error) {
          if (error instanceof NameError) return false;
          throw error;
        }
      }),
    ).toBeUndefined();
  });
});
