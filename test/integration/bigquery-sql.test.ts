import { beforeAll, describe, expect, test } from 'vitest';
import { INFORMATION_SCHEMA } from '../support/bigquery-catalog.ts';
import { bigqueryPlans, worldOf } from '../support/bigquery-emitted.ts';
import { type Piece, piecesOf, refusalOf, refusalsOf, type World } from '../support/bigquery-sql.ts';
import { type GoogleSql, scalar, startGoogleSql } from '../support/googlesql.ts';
import { CORPUS } from '../support/googlesql-corpus.ts';

let google: GoogleSql;
beforeAll(async () => {
  google = await startGoogleSql();
});

const ORDERS = { path: ['acme', 'analytics', 'orders'], columns: { id: scalar('INT64') } };

describe('Google’s parser and analyzer, on statements written by hand', () => {
  const world: World = { tables: [...INFORMATION_SCHEMA, ORDERS], samples: { v_name: 'pr_12' } };

  test.each(CORPUS)('take what $page shows, and refuse "$wrong"', ({ sql, right, wrong }) => {
    expect(refusalsOf(google, 'x', sql, world)).toEqual([]);
    expect(sql).toContain(right);
    expect(refusalsOf(google, 'x', sql.replace(right, wrong), world)).not.toEqual([]);
  });
  test('what a text is made of in a script is read too, and what nobody can tell is refused', () => {
    expect(refusalsOf(google, 'x', 'DECLARE v_a STRING;\nEXECUTE IMMEDIATE UPPER(v_a);', world)).not.toEqual([]);
    expect(refusalsOf(google, 'x', "DECLARE v_other STRING;\nEXECUTE IMMEDIATE FORMAT('DROP TABLE %s', v_other);", world)).not.toEqual([]);
  });
});

const scripts = (files: (typeof bigqueryPlans)[string] = []) => files.filter(({ path }) => /^grants\/.*\.sql$/.test(path));

describe('every statement of grants/', () => {
  test.each(Object.entries(bigqueryPlans))('is one of BigQuery’s: %s', (_, files) => {
    const world = worldOf(google, files);
    expect(scripts(files).length).toBeGreaterThan(10);
    expect(scripts(files).flatMap(({ path, contents }) => refusalsOf(google, path, contents, world))).toEqual([]);
  });
});

/** A reviewer's query in the README and in the pull request template. */
const pasted = (text: string): readonly string[] =>
  [...text.matchAll(/^ *(select [^;\n]+);/gm)].map(([, sql = '']) => sql.replaceAll('<n>', '142').replaceAll('your_model', 'fct_revenue_daily'));

test('what a reviewer pastes is one of BigQuery’s, with the project that a hyphen would tear apart', () => {
  const columns = { event_date: scalar('STRING'), revenue_usd: scalar('NUMERIC') };
  const tables = [
    ['acme-ci', 'pr_142'],
    ['acme-prod', 'analytics'],
  ].map((path) => ({ path: [...path, 'fct_revenue_daily'], columns }));
  const files = bigqueryPlans['three projects'] ?? [];
  const queries = files.filter(({ path }) => /^(?:README|\.github\/pull_request_template)\.md$/.test(path)).flatMap(({ contents }) => pasted(contents));
  expect(queries).toHaveLength(3);
  for (const sql of queries) {
    expect(refusalsOf(google, 'x', sql, { tables, samples: {} })).toEqual([]);
    expect(refusalsOf(google, 'x', sql.replace(/`acme-(?:ci|prod)`\./, ''), { tables, samples: {} })).not.toEqual([]);
  }
  const readme = files.find(({ path }) => path === 'README.md')?.contents;
  // A span of code that holds backticks has two around it.
  expect(readme).toMatch(/the table is `` `acme-dev`\.dev_\w+\.fct_revenue_daily ``\./);
});

/** A word of each kind of statement, and what a slip of the finger makes of it. */
const SLIPS: readonly (readonly [kind: RegExp, right: string | RegExp, wrong: string])[] = [
  [/^ALTER SCHEMA/, 'SET OPTIONS', 'SET OPTION'],
  [/^BEGIN\b/, /WHEN ERROR THEN/, 'WHEN OTHERS THEN'],
  [/^CREATE SCHEMA/, 'labels', 'lables'],
  [/^CREATE TABLE IF/, 'STRING', 'STRNG'],
  [/^CREATE OR REPLACE TABLE .* AS/, 'SELECT 1', 'SELEKT 1'],
  [/^DECLARE/, 'DECLARE', 'DECLARES'],
  [/^DELETE FROM/, ' WHERE ', ' WEHRE '],
  [/^DROP SCHEMA/, 'SCHEMA', 'SHEMA'],
  [/^DROP TABLE/, 'TABLE', 'TABEL'],
  [/^EXECUTE IMMEDIATE/, 'IMMEDIATE', 'IMEDIATE'],
  [/^FOR /, ' DO\n', ' LOOP\n'],
  [/^GRANT .* ON PROJECT/s, 'PROJECT', 'PROJEKT'],
  [/^GRANT .* ON SCHEMA/s, 'SCHEMA', 'DATASET'],
  [/^GRANT `projects/, '/roles/', '/role/'],
  [/^GRANT `roles/, 'roles/bigquery.', 'roles/bigqery.'],
  [/^IF /, ' THEN', ''],
  [/^INSERT INTO/, /\((?:taken_at|step),/, '(stepp,'],
  [/^RAISE$/, 'RAISE', 'RAISE ERROR'],
  [/^RAISE USING/, 'USING MESSAGE', 'MESSAGE'],
  [/^REVOKE/, ' FROM ', ' TO '],
  [/^SELECT[\s\S]*OBJECT_PRIVILEGES/, /object_name = /g, 'object_name > '],
  [/^SELECT[\s\S]*SCHEMATA\b/, 'schema_name', 'schema'],
  [/^SELECT/, /SELECT\s/, 'SELEKT '],
  [/^SET /, / = /, ' := '],
  [/^WITH/, 'total_bytes_billed', 'bytes_billed'],
];

describe('the gate can fail', () => {
  let all: readonly Piece[] = [];
  beforeAll(() => {
    all = Object.values(bigqueryPlans).flatMap((files) =>
      scripts(files).flatMap(({ path, contents }) => piecesOf(google, path, contents, worldOf(google, files))),
    );
  });

  test('every kind of statement has its slip', () => {
    expect(all.length).toBeGreaterThan(500);
    const kinds = all.filter(({ kind }) => kind !== 'expression').map(({ sql }) => sql);
    expect([...new Set(kinds.filter((sql) => !SLIPS.some(([kind]) => kind.test(sql))))]).toEqual([]);
  });
  test.each(SLIPS)('and every slip is refused: %s', (kind, right, wrong) => {
    const piece = all.find(({ sql, kind: sort }) => sort !== 'expression' && kind.test(sql) && sql.replace(right, wrong) !== sql);
    expect(piece).toBeDefined();
    expect(piece && refusalOf(google, piece)).toBeUndefined();
    expect(piece && refusalOf(google, { ...piece, sql: piece.sql.replace(right, wrong) })).toBeDefined();
  });
});
