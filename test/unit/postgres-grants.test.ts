import { PGlite } from '@electric-sql/pglite';
import { loadModule, parseSync } from 'libpg-query';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BEFORE, furnish, installation, MATRIX_ANSWERS, scripts } from '../support/postgres-matrix.ts';
import { pgliteEngine } from '../support/postgres-pglite.ts';
import { planned } from '../support/scaffold.ts';

const LEAVERS = [{ slug: 'dee', login: 'dee', left: '2026-03-31' }];

describe('every emitted script', () => {
  beforeAll(loadModule);
  const all = [...scripts({}, LEAVERS)];

  test('is there', () => {
    expect(all.map(([path]) => path).sort()).toEqual(
      [
        ...[
          '00_look',
          '10_roles',
          '20_boundary',
          '30_developers',
          '40_services',
          '50_readers',
          '90_close_prod',
          '91_reopen_prod',
          'adopt_leftovers',
          'audit',
          'leavers/dee',
          'verify',
        ].map((name) => `grants/${name}.sql`),
      ].sort(),
    );
  });

  test.each(all)('%s is PostgreSQL, and a slip in it would be seen', (_, sql) => {
    expect(() => parseSync(sql)).not.toThrow();
    expect(() => parseSync(`${sql}\nGRANT SELECT TO ON nobody;`)).toThrow(/syntax error/);
  });

  test.each(all)('%s says who runs it, what it changes, and how to undo it', (_, sql) => {
    const header = sql.slice(0, sql.search(/^[^-\n]/m));
    expect(header).toMatch(/^-- Who runs it {2,}\S/m);
    expect(header).toMatch(/^-- What changes {2,}\S/m);
    expect(header).toMatch(/^-- How to (undo|read) {2,}\S/m);
  });

  const reads = (sql: string): boolean => sql.includes('Who runs it   each identity') || sql.includes('Who runs it   anybody');
  test.each(all.filter(([path, sql]) => !reads(sql) && !path.startsWith('grants/leavers/')))('%s is one transaction', (_, sql) => {
    expect(sql.match(/^(BEGIN|BEGIN READ ONLY);$/gm)).toHaveLength(1);
    expect(sql.match(/^(COMMIT|ROLLBACK);$/gm)).toHaveLength(1);
  });

  test('a leaver is locked in a transaction of its own; only what holds that up is ended in it', () => {
    const transactions = (scripts({}, LEAVERS).get('grants/leavers/dee.sql') ?? '').split(/^COMMIT;$/m);
    expect(transactions.map((sql) => [sql.includes("format('ALTER ROLE %I NOLOGIN', v_login)"), sql.includes('pg_terminate_backend')])).toEqual([
      [true, true],
      [false, true],
      [false, false],
    ]);
  });

  test.each([
    ['1000', 1],
    ['1001', 3],
    ['2500', 4],
  ])('a roster of %s makes its logins in %i transaction(s): each takes locks that all sessions share', (people, transactions) => {
    const team = Array.from({ length: Number(people) }, (_, at) => `person_${at}`).join(', ');
    const sql = scripts({ team }).get('grants/30_developers.sql') ?? '';
    expect(sql.match(/^BEGIN;$/gm)).toHaveLength(transactions);
    expect(sql.match(/^COMMIT;$/gm)).toHaveLength(transactions);
  });

  test('no name is compared with LIKE, and none of it holds a password', () => {
    const files = planned({ ...MATRIX_ANSWERS }, ['grants']).filter(({ path }) => path.endsWith('.sql'));
    for (const { path, contents } of files) {
      const code = contents.replace(/--.*$/gm, '').replace(/\{#[\s\S]*?#\}/g, '');
      expect(code, path).not.toMatch(/\b(?:I?LIKE|SIMILAR TO|starts_with)\b/i);
      expect(code, path).not.toMatch(/\bPASSWORD\b\s*'/i);
    }
  });

  test('every routine of the door that acts for its owner pins its search path', () => {
    const boundary = scripts().get('grants/20_boundary.sql') ?? '';
    const routines = boundary.match(/CREATE OR REPLACE (?:FUNCTION|PROCEDURE)[\s\S]*?AS \$\$/g) ?? [];
    expect(routines.length).toBeGreaterThan(8);
    expect(routines.filter((routine) => !routine.includes('SET search_path = pg_catalog, pg_temp'))).toEqual([]);
  });
});

describe('a server on which somebody was there before', () => {
  let db: PGlite;
  beforeAll(async () => {
    db = await PGlite.create();
    await db.exec(BEFORE);
  });
  afterEach(async () => void (await db.exec('rollback')));
  const run = async (list: readonly (readonly [string, string])[]): Promise<void> => {
    for (const [, sql] of list) await db.exec(sql);
  };
  const one = async (sql: string): Promise<unknown> => Object.values((await db.query<Record<string, unknown>>(sql)).rows[0] ?? {})[0];
  const script = (path: string, given: Record<string, string> = {}): string => scripts(given, LEAVERS).get(path) ?? '';

  test('a role of our name that we did not create is refused, never adopted', async () => {
    await db.exec('create role acme_developer login superuser');
    await expect(run(installation())).rejects.toThrow(
      'Role acme_developer exists, and this project did not create it. Choose other names: dbt-envs --role-prefix <prefix>.',
    );
    await db.exec('rollback; drop role acme_developer');
  });

  test('a role of ours that was given too much is refused', async () => {
    await db.exec(script('grants/10_roles.sql'));
    await db.exec('alter role acme_ci_service createrole');
    await expect(db.exec(script('grants/10_roles.sql'))).rejects.toThrow('Role acme_ci_service has been given SUPERUSER');
    await db.exec('rollback; alter role acme_ci_service nocreaterole');
  });

  test('a schema with the name of our door that is not ours is refused', async () => {
    await db.exec('create schema acme_door');
    await expect(run(installation())).rejects.toThrow('Schema acme_door exists, and this project did not create it.');
    await db.exec('rollback; drop schema acme_door');
  });

  test('the login of a person who was there is given membership and is otherwise left alone', async () => {
    await db.exec(`create role priya login createdb; comment on role priya is 'HR 4711'; alter role priya set statement_timeout = '1h'`);
    const before = await one(
      "select row(r.*, shobj_description(oid, 'pg_authid'), (select setconfig from pg_db_role_setting where setrole = r.oid))::text from pg_roles r where rolname = 'priya'",
    );
    await run(installation());
    expect(
      await one(
        "select row(r.*, shobj_description(oid, 'pg_authid'), (select setconfig from pg_db_role_setting where setrole = r.oid))::text from pg_roles r where rolname = 'priya'",
      ),
    ).toBe(before);
    expect(await one("select pg_has_role('priya', 'acme_developer', 'USAGE')")).toBe(true);
  });

  test('a second project in the same database is refused, with the way out', async () => {
    await expect(run(installation({ projectName: 'beta', prodSchemas: 'marts' }))).rejects.toThrow(
      'already: both would own the same dev_<name> and pr_<number>. Give this project a database of its own: dbt-envs --database <name>.',
    );
  });

  test('production is not closed before its service has built it', async () => {
    await expect(db.exec(script('grants/90_close_prod.sql'))).rejects.toThrow(
      'acme_prod_service has built nothing in analytics, staging yet. Deploy with it first',
    );
    await db.exec('rollback');
    await furnish(pgliteEngine(db));
  });

  test('whoever left the roster loses the schema and the reading; the login stays', async () => {
    await db.exec(script('grants/30_developers.sql', { team: 'priya, sam_smith=Sam.Smith@acme.example' }));
    const engine = pgliteEngine(db);
    expect(await engine.attempt('sam', 'select * from analytics.orders')).toBe('42501');
    expect(await engine.attempt('sam', 'create table dev_sam.t (i int)')).toBe('42501');
    expect(await engine.attempt('sam', "call acme_door.create_schema('dev_sam')")).toBe('42501');
    expect(await engine.attempt('priya', 'create table dev_priya.t (i int)')).toBe('done');
    await db.exec(script('grants/30_developers.sql'));
    expect(await engine.attempt('sam', "call acme_door.create_schema('dev_sam'); create table dev_sam.t (i int)")).toBe('done');
  });

  test('a new slug is a new schema: the old one is lost', async () => {
    await db.exec(script('grants/30_developers.sql', { team: 'priya, sami=sam, sam_smith=Sam.Smith@acme.example' }));
    const engine = pgliteEngine(db);
    expect(await engine.attempt('sam', "call acme_door.create_schema('dev_sami'); create table dev_sami.t (i int)")).toBe('done');
    expect(await engine.attempt('sam', 'create table dev_sam.t (i int)')).toBe('42501');
    expect(await engine.attempt('sam', 'select * from analytics.orders')).toBe('done');
    await db.exec(script('grants/30_developers.sql'));
  });

  test('a reader who left the list loses what the list gave', async () => {
    const engine = pgliteEngine(db);
    await db.exec(script('grants/50_readers.sql', { readers: 'looker' }));
    expect(await engine.attempt('anna', 'select * from pr_12.orders')).toBe('42501');
    expect(await engine.attempt('anna', 'select * from analytics.orders')).toBe('42501');
    expect(await engine.attempt('looker', 'select * from analytics.orders')).toBe('done');
    await db.exec(script('grants/50_readers.sql'));
    expect(await engine.attempt('anna', 'select * from pr_12.orders')).toBe('done');
  });

  test('a source that turns out to hold personal data is taken back', async () => {
    const engine = pgliteEngine(db);
    await db.exec(script('grants/20_boundary.sql', { sourceSchemas: 'raw:pii, raw_pii:pii' }));
    expect(await engine.attempt('priya', 'select * from raw.orders')).toBe('42501');
    expect(await engine.attempt('acme_ci_service', 'select * from raw.orders')).toBe('42501');
    expect(await engine.attempt('acme_prod_service', 'select * from raw.orders')).toBe('done');
    await db.exec(script('grants/20_boundary.sql'));
    expect(await engine.attempt('priya', 'select * from raw.orders')).toBe('done');
  });

  test('a leaver is locked and has no right left, twice; but not while they own something else', async () => {
    const engine = pgliteEngine(db);
    await db.exec(script('grants/30_developers.sql', { team: `${MATRIX_ANSWERS.team}, dee` }));
    await engine.as('dee', "call acme_door.create_schema('dev_dee')");
    await engine.as('dee', 'create table dev_dee.t (i int)');
    await db.exec('create table public.forgotten (i int); alter table public.forgotten owner to dee');
    await expect(db.exec(script('grants/leavers/dee.sql'))).rejects.toThrow('dee still owns: table public.forgotten');
    await db.exec('rollback; drop table public.forgotten');
    for (const round of [1, 2]) {
      await db.exec(script('grants/leavers/dee.sql'));
      expect(await one("select rolcanlogin from pg_roles where rolname = 'dee'"), `round ${round}`).toBe(false);
      expect(await engine.attempt('dee', 'create table dev_dee.t2 (i int)')).toBe('42501');
      expect(await engine.attempt('dee', 'select * from analytics.orders')).toBe('42501');
    }
    await db.exec(script('grants/30_developers.sql'));
  });

  test('nothing is taken from a login that is on the roster under another slug', async () => {
    const engine = pgliteEngine(db);
    const leaver = scripts({}, [{ slug: 'pri', login: 'priya', left: '2026-11-01' }]).get('grants/leavers/pri.sql') ?? '';
    await expect(db.exec(leaver)).rejects.toThrow('Login priya is not locked: it is on the roster as priya.');
    await db.exec('rollback');
    expect(await one("select rolcanlogin from pg_roles where rolname = 'priya'")).toBe(true);
    expect(await engine.attempt('priya', 'select * from analytics.orders')).toBe('done');
  });
});
