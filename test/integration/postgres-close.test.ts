import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Administrator, asSuperuser, createDatabase, plainAdministrator, run, setPasswords, superuserOf, using } from '../support/postgres-engine.ts';
import { installation, type Script, scripts } from '../support/postgres-matrix.ts';
import { type Server, startServer } from '../support/postgres-server.ts';

const GIVEN = { prodSchemas: 'analytics', sourceSchemas: 'raw', team: 'priya', readers: 'looker' };
const COMPANY = `
  create schema raw; create table raw.orders as select 1 as id;
  create schema analytics; create table analytics.orders as select * from raw.orders; create view analytics.v as select * from analytics.orders`;

let server: Server;
let plain: Administrator;
let superuser: Administrator;
let database: string;
let made = 0;
beforeAll(async () => {
  server = await startServer();
  superuser = superuserOf(server);
  plain = await plainAdministrator(server);
  await asSuperuser(server, 'postgres', 'create role shared login; create role tableau login');
});
afterAll(async () => server?.stop());
/** Roles are the cluster's, so each database has a project of its own. */
beforeEach(() => {
  made++;
  database = `company_${made}`;
});

const prefix = (): string => `acme${made}`;
const given = (): Record<string, string> => ({ ...GIVEN, rolePrefix: prefix() });
const script = (name: string): Script => {
  const path = `grants/${name}.sql`;
  const sql = scripts(given()).get(path);
  if (sql === undefined) throw new Error(`there is no ${path}`);
  return [path, sql];
};
const install = (who: Administrator): Promise<readonly string[]> => run(server, who, database, installation(given()));
const close = (who: Administrator): Promise<readonly string[]> => run(server, who, database, [script('90_close_prod')]);
const service = async (sql: string): Promise<void> => {
  const login = `${prefix()}_prod_service`;
  const password = (await setPasswords(server, [login])).get(login) ?? '';
  await using(server, { login, password }, database, (client) => client.query(sql));
};
const owners = (): Promise<readonly string[]> =>
  using(server, superuser, database, async (client) => {
    const { rows } = await client.query<{ line: string }>(
      `select c.relname || ' of ' || pg_get_userbyid(c.relowner) as line from pg_class c where relnamespace = 'analytics'::regnamespace and relkind in ('r', 'v') order by 1`,
    );
    return rows.map(({ line }) => line);
  });
const deploy = 'create table analytics.first_deploy as select 1 as id';
const swap = (): string =>
  `begin; create table analytics.orders_new as select * from raw.orders; alter table analytics.orders rename to orders_old; alter table analytics.orders_new rename to orders; call ${prefix()}_door.keep_readers('analytics', 'orders', 'orders_old'); commit; drop table analytics.orders_old cascade`;

describe.each([
  ['a superuser built production', () => superuser],
  ['the administrator of a cloud built production', () => plain],
])('%s', (_, builder) => {
  test('the service never becomes a member of an administrator: one new model first, then closing, then everything', async () => {
    await createDatabase(server, database, builder(), COMPANY);
    const said = await install(builder());
    expect(said.join('\n')).toContain(
      `WARNING: Relations in analytics belong to ${builder().login}, an administrator, for whom ${prefix()}_prod_service never acts.`,
    );
    await expect(service(swap())).rejects.toThrow('must be owner of table orders');
    await service(deploy);
    await close(builder());
    await service(swap());
    expect(await owners()).toEqual([`first_deploy of ${prefix()}_prod_service`, `orders of ${prefix()}_prod_service`]);
    await run(server, builder(), database, [script('91_reopen_prod')]);
    expect(await owners()).toEqual([`first_deploy of ${builder().login}`, `orders of ${builder().login}`]);
  });
});

describe('closing is refused, and nothing is changed', () => {
  const refused = async (who: Administrator, message: string | RegExp, sql = script('90_close_prod')[1]): Promise<void> => {
    const before = await owners();
    await expect(run(server, who, database, [['90', sql]])).rejects.toThrow(message);
    expect(await owners()).toEqual(before);
  };
  const founded = async (extra = 'select 1'): Promise<void> => {
    await createDatabase(
      server,
      database,
      superuser,
      `${COMPANY}; alter schema analytics owner to shared; alter table analytics.orders owner to shared; alter view analytics.v owner to shared; grant usage on schema raw to shared; grant select on all tables in schema raw to shared; grant usage on schema analytics to tableau; grant select on all tables in schema analytics to tableau; ${extra}`,
    );
    await install(superuser);
    await service(deploy);
  };

  test('while a view reads what its next owner may not read', async () => {
    await founded('create schema elsewhere; create table elsewhere.t as select 1 as id; create view analytics.w as select * from elsewhere.t');
    await refused(
      superuser,
      `${prefix()}_prod_service may not read what these views read: analytics.w reads elsewhere.t. Declare the schema with dbt-envs --source-schemas and run 20_boundary.sql, or drop the view.`,
    );
  });

  test('while somebody uses a table all the time: they are named, and nobody waits behind', async () => {
    await founded();
    const password = (await setPasswords(server, ['tableau'])).get('tableau') ?? '';
    const dashboard = await server.connect('tableau', password, database);
    await dashboard.query("set application_name = 'Tableau'; begin; select * from analytics.orders");
    await refused(
      superuser,
      'Nothing was changed: analytics.orders has been in use all the time, by tableau (Tableau). Run this again at a quieter time.',
      `set dbt_envs.patience = 2; ${script('90_close_prod')[1]}`,
    );
    await dashboard.query('commit');
    await dashboard.end();
    await close(superuser);
  });

  test('where a reader would be lost with the next swap', async () => {
    await founded();
    const before = await using(
      server,
      superuser,
      database,
      async (client) =>
        (await client.query<{ source: string }>(`select pg_get_functiondef('${prefix()}_door.keep_readers'::regproc) as source`)).rows[0]?.source ?? '',
    );
    await asSuperuser(
      server,
      database,
      `create or replace procedure ${prefix()}_door.keep_readers(p_schema text, p_relation text, p_replaced text) language plpgsql as 'begin end'`,
    );
    await refused(superuser, 'Nothing was changed: after the next deploy tableau could not read analytics.orders any more.');
    await asSuperuser(server, database, before);
    await close(superuser);
  });

  test('where there are more relations than the server has locks for', async () => {
    await founded();
    for (let first = 1; first < 6000; first += 500)
      await asSuperuser(
        server,
        database,
        `do $$ begin for i in ${first}..${first + 499} loop execute format('create table analytics.t%s (i int primary key, t text)', i); execute format('alter table analytics.t%s owner to shared', i); end loop; end $$`,
      );
    await refused(superuser, /Nothing was changed: \d+ relations need more locks than this server has\. Raise max_locks_per_transaction/);
  });

  test('by an administrator who may not act for an owner: who has to do what is said, long before closing', async () => {
    await createDatabase(server, database, plain, COMPANY);
    await asSuperuser(server, database, 'create table analytics.report as select 1 as id; alter table analytics.report owner to shared');
    await expect(install(plain)).rejects.toThrow(
      'cloud_admin may not act for shared, who owns what this file is about. Run this as a superuser, or have one run: GRANT shared TO cloud_admin WITH ADMIN OPTION',
    );
  });

  test('reopening by somebody who cannot: the superuser who closed the languages opens them', async () => {
    await createDatabase(server, database, plain, COMPANY);
    await install(plain);
    await service(deploy);
    await close(superuser);
    await expect(run(server, plain, database, [script('91_reopen_prod')])).rejects.toThrow(
      'A superuser closed production, function languages included: a superuser reopens it.',
    );
    await run(server, superuser, database, [script('91_reopen_prod')]);
  });
});

describe('what closing leaves alone', () => {
  test('a definer routine stays with its owner, and is named', async () => {
    await createDatabase(
      server,
      database,
      superuser,
      `${COMPANY}; create function analytics.wipe() returns void security definer language sql as 'delete from analytics.orders'; alter function analytics.wipe() owner to shared`,
    );
    await install(superuser);
    await service(deploy);
    expect((await close(superuser)).join('\n')).toContain(
      'WARNING: analytics.wipe() runs with the rights of its owner, and keeps it: make sure that it cannot write production for its caller.',
    );
    await using(server, superuser, database, async (client) => {
      const { rows } = await client.query("select pg_get_userbyid(proowner) as owner from pg_proc where proname = 'wipe'");
      expect(rows).toEqual([{ owner: 'shared' }]);
    });
  });

  test('what belongs to an extension, other schemas, and the rights of a maintenance role', async () => {
    await createDatabase(
      server,
      database,
      superuser,
      `${COMPANY}; create extension pg_trgm schema analytics; create schema elsewhere authorization shared; create table elsewhere.mine (i int); alter table elsewhere.mine owner to shared; grant maintain on analytics.orders to tableau`,
    );
    await install(superuser);
    await service(deploy);
    await close(superuser);
    await using(server, superuser, database, async (client) => {
      const { rows } =
        await client.query(`select (select count(*)::int from pg_proc where proname = 'similarity' and pg_get_userbyid(proowner) = 'postgres') as extension,
        has_schema_privilege('shared', 'elsewhere', 'CREATE') as elsewhere, has_table_privilege('tableau', 'analytics.orders', 'MAINTAIN') as maintenance`);
      expect(rows).toEqual([{ extension: 1, elsewhere: true, maintenance: true }]);
    });
  });

  test("an administrator's scripts never run somebody's function from schema public", async () => {
    const trap = (signature: string): string =>
      `create function public.${signature} returns text language plpgsql as $$ begin raise exception 'ran as %', current_user; end $$`;
    await createDatabase(
      server,
      database,
      superuser,
      `${COMPANY}; ${trap('quote_ident(name)')}; ${trap('format(text, name)')}; ${trap('format(text, name, name)')}; ${trap('format(text, text, name)')}; ${trap('current_setting(unknown_type text, name)')}`,
    );
    await install(superuser);
    await service(deploy);
    await close(superuser);
    await run(server, superuser, database, [script('00_look'), script('91_reopen_prod')]);
    const unpinned = script('30_developers')[1].replace('SET LOCAL search_path = pg_catalog, pg_temp;', '');
    await expect(run(server, superuser, database, [['30', unpinned]]), 'without its search_path the script is fooled').rejects.toThrow('ran as postgres');
  });
});
