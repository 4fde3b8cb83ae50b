import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Administrator,
  asSuperuser,
  createDatabase,
  install,
  plainAdministrator,
  run,
  serverEngine,
  setPasswords,
  using,
} from '../support/postgres-engine.ts';
import { furnish, identities, installation, surprises, tryAll } from '../support/postgres-matrix.ts';
import { type Server, startServer } from '../support/postgres-server.ts';

const DATABASE = 'warehouse';
let server: Server;
let admin: Administrator;
let passwords: ReadonlyMap<string, string>;
let engine: ReturnType<typeof serverEngine>;

const rows = (login: string, sql: string): Promise<Record<string, unknown>[]> =>
  using(server, { login, password: passwords.get(login) ?? '' }, DATABASE, async (client) => (await client.query(sql)).rows);
const failure = (login: string, sql: string): Promise<string> =>
  rows(login, sql).then(
    () => 'done',
    (error: Error) => error.message,
  );
/** The registry says that nobody has used it for so long. */
const aged = (schema: string, age: string): Promise<void> =>
  asSuperuser(server, DATABASE, `update acme_door.environment set last_used_at = now() - interval '1 hour' * ${hours(age)} where schema_name = '${schema}'`);
/** Of `6 days 23 hours 59 minutes`: a day of an interval is as long as the session's time zone makes it. */
function hours(age: string): number {
  const of = (unit: string): number => Number(new RegExp(`(\\d+) ${unit}`).exec(age)?.[1] ?? 0);
  return of('days') * 24 + of('hours') + of('minutes') / 60;
}

beforeAll(async () => {
  server = await startServer();
  admin = await plainAdministrator(server);
  await createDatabase(server, DATABASE, admin);
  await install(server, admin, DATABASE);
  passwords = await setPasswords(server, identities);
  engine = serverEngine(server, DATABASE, passwords);
  await furnish(engine);
});
afterAll(async () => {
  await engine?.end();
  await server?.stop();
});

describe('the door', () => {
  test('eight sessions that make one schema at once all succeed', async () => {
    await Promise.all(Array.from({ length: 8 }, () => rows('acme_ci_service', "call acme_door.create_schema('pr_901')")));
    expect(await rows('acme_ci_service', "select created_by from acme_door.environment where schema_name = 'pr_901'")).toHaveLength(1);
  });

  test('a schema of that name that belongs to somebody else is left alone, and said so', async () => {
    await asSuperuser(server, DATABASE, 'create schema pr_902; create table pr_902.kept (i int)');
    for (const call of ["create_schema('pr_902')", "drop_schema('pr_902')", "touch('pr_902')"]) {
      expect(await failure('acme_ci_service', `call acme_door.${call}`)).toContain('schema pr_902 belongs to postgres, not to this project');
    }
    await asSuperuser(server, DATABASE, 'select * from pr_902.kept');
  });

  test('a large schema goes in steps, and the last one takes the schema', async () => {
    await engine.as('acme_ci_service', "call acme_door.create_schema('pr_903')");
    await rows('acme_ci_service', "do $$ begin for i in 1..25 loop execute format('create table pr_903.t%s (i int primary key)', i); end loop; end $$");
    const left: unknown[] = [];
    for (let step = 0; step < 3; step++) left.push((await rows('acme_ci_service', "call acme_door.drop_schema('pr_903', null, 10)"))[0]?.relations_left);
    expect(left).toEqual(['15', '5', '0']);
    expect(await rows('acme_ci_service', "select from pg_namespace where nspname = 'pr_903'")).toHaveLength(0);
  });

  test('the janitor must say when it looked, and drops nothing that was used since', async () => {
    expect(await failure('acme_janitor', "call acme_door.drop_schema('pr_12')")).toContain('say when the schemas were listed');
    expect(await failure('acme_janitor', "call acme_door.drop_schema('pr_12', now() - interval '1 hour')")).toContain('after it was listed');
    expect(await failure('acme_janitor', "call acme_door.drop_schema('product', now())")).toContain('permission denied');
  });

  test('what is kept is not dropped, until it is kept no more', async () => {
    await engine.as('priya', "call acme_door.keep_schema('dev_priya', now() + interval '3 days')");
    expect(await failure('acme_janitor', "call acme_door.drop_schema('dev_priya', now())")).toContain('schema dev_priya is kept until');
    await engine.as('priya', "call acme_door.keep_schema('dev_priya', null)");
    expect(await failure('acme_janitor', "call acme_door.drop_schema('dev_priya', now())")).toContain('stays until 30 days have passed without a use');
    await aged('dev_priya', '30 days');
    expect(await engine.attempt('acme_janitor', "call acme_door.drop_schema('dev_priya', now())")).toBe('done');
  });

  test.each([
    ['dev_sam', '29 days 23 hours 59 minutes', '30 days'],
    ['pr_12', '6 days 23 hours', '7 days'],
    ['pr_12', '6 days 23 hours 59 minutes', '7 days'],
  ])('%s: the janitor drops nothing that was used %s ago, and drops it %s after', async (schema, young, old) => {
    const days = Number.parseInt(old, 10);
    await aged(schema, young);
    const refused = await failure('acme_janitor', `call acme_door.drop_schema('${schema}', now())`);
    expect(refused).toMatch(new RegExp(`schema ${schema} was used at [-0-9]{10}T[:0-9]{8}Z, and stays until ${days} days have passed without a use$`));
    expect(await engine.attempt('acme_janitor', `call acme_door.drop_schema('${schema}', now())`)).toBe('55006');
    await aged(schema, old);
    expect(await engine.attempt('acme_janitor', `call acme_door.drop_schema('${schema}', now())`)).toBe('done');
  });

  test('other days count once 20_boundary.sql has been run again, and not before', async () => {
    const boundary = (days: Record<string, string>): Promise<unknown> =>
      run(
        server,
        admin,
        DATABASE,
        installation(days).filter(([path]) => path.endsWith('20_boundary.sql')),
      );
    const drop = (schema: string): Promise<string> => engine.attempt('acme_janitor', `call acme_door.drop_schema('${schema}', now())`);
    await aged('pr_12', '2 days');
    await aged('dev_sam', '3 days');
    expect([await drop('pr_12'), await drop('dev_sam')]).toEqual(['55006', '55006']);
    await boundary({ devDays: '3', prDays: '2' });
    expect([await drop('pr_12'), await drop('dev_sam')]).toEqual(['done', 'done']);
    await boundary({ devDays: '4', prDays: '3' });
    expect([await drop('pr_12'), await drop('dev_sam')]).toEqual(['55006', '55006']);
    await boundary({});
  });

  test('a day is 24 hours, wherever the session says that it is', async () => {
    await aged('pr_12', '6 days 23 hours 59 minutes');
    for (const zone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', '<-12>+12', '<+14>-14']) {
      expect(await engine.attempt('acme_janitor', `set local timezone = '${zone}'; call acme_door.drop_schema('pr_12', now())`)).toBe('55006');
    }
  });

  test('what the janitor may call does not make a schema older: a closed one stays as long, and one whose pin was taken away', async () => {
    await aged('pr_12', '6 days');
    for (const before of ["close_schema('pr_12')", "keep_schema('pr_12', null)", "keep_schema('pr_12', now())"]) {
      expect(await engine.attempt('acme_janitor', `call acme_door.${before}; call acme_door.drop_schema('pr_12', now())`)).toBe('55006');
    }
    expect((await rows('acme_janitor', "call acme_door.sweep_schema('pr_12', now())"))[0]?.outcome).toMatch(/^kept: schema pr_12 was used at/);
    expect(await engine.attempt('acme_ci_service', "call acme_door.drop_schema('pr_12')")).toBe('done');
    expect(await engine.attempt('sam', "call acme_door.drop_schema('dev_sam')")).toBe('done');
  });

  test('the janitor takes nothing along that is in no environment; whose schema it is, may', async () => {
    await asSuperuser(
      server,
      DATABASE,
      "create view public.a as select * from pr_12.orders; create view public.b as select * from public.a; create function public.f(pr_12.orders) returns int language sql as 'select 1'; create view analytics.c as select * from pr_12.orders",
    );
    await aged('pr_12', '8 days');
    expect(await failure('acme_janitor', "call acme_door.drop_schema('pr_12', now())")).toContain(
      'what is in no environment is built on it and would go too, so it stays: analytics.c, public.a, public.b and 1 more',
    );
    expect((await rows('acme_janitor', "call acme_door.sweep_schema('pr_12', now(), null)"))[0]?.outcome).toMatch(/^failed: what is in no environment/);
    expect(await engine.attempt('acme_ci_service', "call acme_door.drop_schema('pr_12')")).toBe('done');
    await asSuperuser(server, DATABASE, 'drop view public.a cascade; drop function public.f; drop view analytics.c');
    expect(await engine.attempt('acme_janitor', "call acme_door.drop_schema('pr_12', now())")).toBe('done');
  });

  test('closing a pull request is undone by building it again', async () => {
    const closed = async (): Promise<unknown> =>
      (await rows('acme_janitor', "select closed_at is not null as closed from acme_door.environment where schema_name = 'pr_1'"))[0]?.closed;
    await engine.as('acme_ci_service', "call acme_door.close_schema('pr_1')");
    expect(await closed()).toBe(true);
    await engine.as('acme_ci_service', "call acme_door.touch('pr_1')");
    expect(await closed()).toBe(false);
  });

  test("a view cannot open it with its reader's rights: there is nothing in it that a query may call", async () => {
    await engine.as('acme_ci_service', "call acme_door.create_schema('pr_904')");
    expect(await failure('acme_ci_service', "create view pr_904.trap as select acme_door.drop_schema('dev_priya')")).toContain('is a procedure');
  });

  test('neither a function nor a temporary table of the caller takes the place of what it uses', async () => {
    await rows('sam', "create function dev_sam.now() returns timestamptz language sql as $$ select 'infinity'::timestamptz $$");
    const tricked = await failure(
      'sam',
      `create temporary table developer (login name, slug text); insert into developer values ('sam', 'priya');
       set search_path = pg_temp, dev_sam, pg_catalog; call acme_door.create_schema('dev_priya')`,
    );
    expect(tricked).toContain('login sam may not create schema dev_priya: its own is dev_sam');
  });
});

test('after all of that, every act by every identity still comes out as the table says', async () => {
  await engine.as('sam', 'drop function dev_sam.now()');
  expect(surprises(await tryAll(engine))).toEqual([]);
});
