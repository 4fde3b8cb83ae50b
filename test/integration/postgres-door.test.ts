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
  superuserOf,
  using,
} from '../support/postgres-engine.ts';
import { furnish, identities, scripts, surprises, tryAll } from '../support/postgres-matrix.ts';
import { type Server, startServer } from '../support/postgres-server.ts';

const DATABASE = 'warehouse';
let server: Server;
let admin: Administrator;
let passwords: ReadonlyMap<string, string>;
let engine: ReturnType<typeof serverEngine>;

const script = (name: string, given: Record<string, string> = {}): readonly [string, string] => {
  const path = `grants/${name}.sql`;
  return [path, scripts(given).get(path) ?? ''];
};
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

describe('verify and audit', () => {
  const everybody = ['priya', 'sam', 'acme_ci_service', 'acme_prod_service', 'acme_janitor', 'looker', 'anna'];

  test.each(everybody)('verify.sql is green for %s', async (login) => {
    expect(await failure(login, script('verify')[1])).toBe('done');
  });

  test('verify.sql tries nothing as an administrator or as a stranger', async () => {
    await expect(run(server, superuserOf(server), DATABASE, [script('verify')])).rejects.toThrow('Nothing was tried');
    await expect(run(server, admin, DATABASE, [script('verify')])).rejects.toThrow(/Nothing was tried|permission denied for schema acme_door/);
  });

  const faults: readonly (readonly [name: string, plant: string, remove: string, login: string, red: RegExp])[] = [
    [
      'a developer who became a member of prod_service',
      'grant acme_prod_service to sam',
      'revoke acme_prod_service from sam',
      'sam',
      /act as acme_prod_service/,
    ],
    [
      'a role between, twice',
      'create role a; create role b; grant acme_prod_service to a; grant a to b; grant b to sam',
      'drop role a, b',
      'sam',
      /make a table in analytics/,
    ],
    ['create on the database', 'grant create on database warehouse to sam', 'revoke create on database warehouse from sam', 'sam', /make a schema/],
    [
      'create on prod for everybody',
      'grant create on schema analytics to public',
      'revoke create on schema analytics from public',
      'sam',
      /make a table in analytics/,
    ],
    ['the right to change all data', 'grant pg_write_all_data to sam', 'revoke pg_write_all_data from sam', 'sam', /change analytics\.orders/],
    [
      'a table of prod that a developer owns',
      'alter table analytics.orders owner to sam',
      'alter table analytics.orders owner to acme_prod_service',
      'sam',
      /read analytics|change/,
    ],
    [
      'CI that reads personal data',
      'grant usage on schema raw_pii to acme_ci_service',
      'revoke usage on schema raw_pii from acme_ci_service',
      'acme_ci_service',
      /look into raw_pii/,
    ],
    [
      'readers who lost production',
      'revoke usage on schema analytics from acme_reader',
      'grant usage on schema analytics to acme_reader',
      'looker',
      /read analytics\.orders/,
    ],
    ['create on public', 'grant create on schema public to public', 'revoke create on schema public from public', 'priya', /make a table in public/],
    [
      'a roster that anybody writes',
      'grant insert on acme_door.developer to acme_developer',
      'revoke insert on acme_door.developer from acme_developer',
      'priya',
      /place on the roster/,
    ],
  ];
  test.each(faults)('verify.sql turns red for %s', async (_, plant, remove, login, red) => {
    await asSuperuser(server, DATABASE, plant);
    const lines: string[] = [];
    const outcome = await using(server, { login, password: passwords.get(login) ?? '' }, DATABASE, async (client) => {
      client.on('notice', ({ message }) => void lines.push(message ?? ''));
      return client.query(script('verify')[1]).then(
        () => 'green',
        (error: Error) => error.message,
      );
    });
    await asSuperuser(server, DATABASE, remove);
    expect(outcome).toMatch(/acts came out wrong for/);
    expect(lines.filter((line) => line.startsWith('WRONG')).join('\n')).toMatch(red);
  });

  const holes = async (): Promise<string[]> =>
    (await rows('priya', script('audit')[1])).filter(({ administrator }) => administrator !== true).map(({ login, how }) => `${String(login)} ${String(how)}`);

  test('the audit names administrators only, on a right installation', async () => {
    expect(await holes()).toEqual([]);
    expect((await rows('priya', script('audit')[1])).map(({ login }) => login)).toContain('postgres');
  });

  test.each([
    [
      'membership through two roles',
      'create role a; create role b; grant acme_prod_service to a; grant a to b; grant b to sam',
      'drop role a, b',
      'sam may act as acme_prod_service, through b, through a, through acme_prod_service',
    ],
    [
      'a right on one column',
      'grant update (amount) on analytics.orders to sam',
      'revoke update (amount) on analytics.orders from sam',
      'sam may change columns in analytics',
    ],
    [
      'a right on a table',
      'grant insert on analytics.orders to acme_developer',
      'revoke insert on analytics.orders from acme_developer',
      'sam may change rows in analytics, through acme_developer',
    ],
    [
      'a right for everybody',
      'grant create on schema analytics to public',
      'revoke create on schema analytics from public',
      'PUBLIC may create in schema analytics',
    ],
    ['an owner', 'alter table analytics.orders owner to sam', 'alter table analytics.orders owner to acme_prod_service', 'sam owns relations in analytics'],
    [
      'the right to change all data',
      'grant pg_write_all_data to sam',
      'revoke pg_write_all_data from sam',
      'sam may change all data, through pg_write_all_data',
    ],
    [
      'a right on what will be built',
      'alter default privileges for role acme_prod_service in schema analytics grant update on tables to sam',
      'alter default privileges for role acme_prod_service in schema analytics revoke update on tables from sam',
      'sam may change what acme_prod_service will build',
    ],
  ])('the audit names %s', async (_, plant, remove, expected) => {
    await asSuperuser(server, DATABASE, plant);
    const found = await holes();
    await asSuperuser(server, DATABASE, remove);
    expect(found).toContain(expected);
    expect(await holes()).toEqual([]);
  });
});

test('after all of that, every act by every identity still comes out as the table says', async () => {
  await engine.as('sam', 'drop function dev_sam.now()');
  expect(surprises(await tryAll(engine))).toEqual([]);
});
