import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Administrator, asSuperuser, createDatabase, install, plainAdministrator, serverEngine, setPasswords, using } from '../support/postgres-engine.ts';
import { furnish, identities, surprises, tryAll } from '../support/postgres-matrix.ts';
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
    expect(await engine.attempt('acme_janitor', "call acme_door.drop_schema('dev_priya', now())")).toBe('done');
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
