import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  DEV_SCHEMA_PATTERN,
  devSchema,
  foldToSlug,
  PR_SCHEMA_PATTERN,
  parseIdentifier,
  parseLogin,
  parseProdSchema,
  parseProjectName,
  parseRolePrefix,
  parseSlug,
} from '../../src/names.ts';

describe('a slug', () => {
  test.each([
    ['priya', 'priya'],
    ['Ana Ñúñez', 'ana_nunez'],
    ['Łukasz Strauß', 'lukasz_strauss'],
    ['Kadıköy İpek', 'kadikoy_ipek'],
    ['first.last@acme.com', 'first_last'],
    ['  __Bo--Li__ ', 'bo_li'],
    ['李', ''],
    ['O’Brien', 'o_brien'],
  ])('is folded from %j to %j', (from, to) => expect(foldToSlug(from)).toBe(to));

  test.each(['', 'Priya', '1ana', 'a__b', '_a', 'a_', 'a-b', 'ana\n', "o'brien", 'ana;drop', 'é'])('%j is refused', (text) =>
    expect(() => parseSlug(text)).toThrow(/is no slug/),
  );
  test('of 30 characters is accepted, of 31 refused', () => {
    expect(parseSlug('a'.repeat(30))).toHaveLength(30);
    expect(() => parseSlug('a'.repeat(31))).toThrow(/31 characters/);
  });
  test.each(['shared', 'team', 'dev', 'all', 'prod', 'ci'])('%s invites sharing and is refused', (text) =>
    expect(() => parseSlug(text)).toThrow(/invites several people/),
  );

  test('whatever is typed, is accepted only in a form that every pattern knows', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.string({ maxLength: 40 })), (text) => {
        let slug: ReturnType<typeof parseSlug>;
        try {
          slug = parseSlug(foldToSlug(text));
        } catch {
          return;
        }
        expect(devSchema(slug)).toMatch(new RegExp(DEV_SCHEMA_PATTERN));
        expect(devSchema(slug).length).toBeLessThanOrEqual(34);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('whole names', () => {
  const matches = (pattern: string) => (name: string) => new RegExp(pattern).test(name);
  test('a PR schema is pr_ and a number, and nothing else', () => {
    expect(['pr_1', 'pr_142', 'pr_9999999999'].filter(matches(PR_SCHEMA_PATTERN))).toHaveLength(3);
    expect(
      ['prod', 'product', 'private_x', 'pr_', 'pr_0', 'pr_007', 'pr_12_x', 'PR_7', 'pr_old', 'xpr_1', 'pr_1 ', 'pr_12345678901'].filter(
        matches(PR_SCHEMA_PATTERN),
      ),
    ).toEqual([]);
  });
  test('a dev schema is dev_ and a slug, and nothing else', () => {
    expect(['dev_priya', 'dev_bo_li'].filter(matches(DEV_SCHEMA_PATTERN))).toHaveLength(2);
    expect(['device_events', 'dev', 'dev_', 'dev_Priya', 'dev__x', 'my_dev_x', 'dev_x-y'].filter(matches(DEV_SCHEMA_PATTERN))).toEqual([]);
  });
});

test('a prod schema may not look like an environment or belong to the warehouse', () => {
  expect(parseProdSchema('analytics')).toBe('analytics');
  expect(parseProdSchema('product')).toBe('product');
  expect(parseProdSchema('device_events')).toBe('device_events');
  for (const name of ['dev_x', 'pr_12', 'public', 'pg_catalog', 'information_schema', 'Analytics', 'a b', "a'b", '']) {
    expect(() => parseProdSchema(name), name).toThrow(RangeError);
  }
});

test('a project name that ends in dbt is refused with the reason', () => {
  expect(parseProjectName('acme')).toBe('acme');
  expect(() => parseProjectName('acme_dbt')).toThrow(/ends in "dbt".*e\.g\. acme_data/);
  expect(() => parseProjectName('dbt')).toThrow(/ends in "dbt"/);
});

test('a role prefix may not be the warehouse’s or an environment’s', () => {
  expect(parseRolePrefix('acme')).toBe('acme');
  expect(parseRolePrefix('device')).toBe('device');
  for (const prefix of ['pg', 'pg_x', 'dev', 'dev_x', 'pr', 'a'.repeat(31), 'Acme'])
    expect(() => parseRolePrefix(prefix), prefix).toThrow(/cannot be a role prefix|at most 30/);
});

test('logins and identifiers carry no quotes, spaces or control characters', () => {
  expect(parseLogin('first.last@acme.com')).toBe('first.last@acme.com');
  for (const text of ["o'brien", 'a b', 'a"b', 'a;b', 'a\n', '', '-a', '$x', '`x`']) expect(() => parseLogin(text), text).toThrow(/cannot be a login/);
  expect(() => parseIdentifier('a-b', 'a role prefix')).toThrow('"a-b" cannot be a role prefix');
});
