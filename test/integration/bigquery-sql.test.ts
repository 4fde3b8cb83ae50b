import { beforeAll, describe, expect, test } from 'vitest';
import { INFORMATION_SCHEMA } from '../support/bigquery-catalog.ts';
import { refusalsOf, type World } from '../support/bigquery-sql.ts';
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
