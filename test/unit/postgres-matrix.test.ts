import { PGlite } from '@electric-sql/pglite';
import { beforeAll, describe, expect, test } from 'vitest';
import { acts, BEFORE, furnish, identities, installation, surprises, tryAll } from '../support/postgres-matrix.ts';
import { pgliteEngine } from '../support/postgres-pglite.ts';

describe('who may do what, on PostgreSQL in the browser’s build', () => {
  let db: PGlite;
  const some = acts.filter(({ act }) => /^(read|insert)/.test(act));
  beforeAll(async () => {
    db = await PGlite.create();
    await db.exec(BEFORE);
    for (const round of ['first', 'second']) for (const [path, sql] of installation()) await applied(path, round, db.exec(sql));
    await furnish(pgliteEngine(db));
  });

  test('every act by every identity comes out as the table says', async () => {
    expect(acts.length * identities.length).toBeGreaterThan(800);
    expect(surprises(await tryAll(pgliteEngine(db)))).toEqual([]);
  });

  test('a right too many is seen', async () => {
    await db.exec('grant acme_prod_service to sam');
    const seen = surprises(await tryAll(pgliteEngine(db), some));
    await db.exec('revoke acme_prod_service from sam');
    expect(seen).toContain('sam: insert into prod: expected 42501, got done');
    expect(seen.every((line) => line.startsWith('sam: '))).toBe(true);
  });

  test('a right too few is seen', async () => {
    await db.exec('revoke usage on schema analytics from acme_reader');
    const seen = surprises(await tryAll(pgliteEngine(db), some));
    await db.exec('grant usage on schema analytics to acme_reader');
    expect(seen).toEqual([
      'looker: read a table of prod, built after the grants: expected done, got 42501',
      'looker: read a view of prod: expected done, got 42501',
    ]);
  });
});

async function applied(path: string, round: string, running: Promise<unknown>): Promise<void> {
  await running.catch((error: unknown) => {
    throw new Error(`${path}, ${round} time: ${String(error)}`);
  });
}
