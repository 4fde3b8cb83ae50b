import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Administrator, asSuperuser, createDatabase, plainAdministrator, run, setPasswords, superuserOf, using } from '../support/postgres-engine.ts';
import { installation, type Script, scripts } from '../support/postgres-matrix.ts';
import { type Server, startServer } from '../support/postgres-server.ts';

const COMPANY = `
  create schema raw; create table raw.orders as select 1 as id, 'eu' as region;
  create schema analytics; create table analytics.orders as select * from raw.orders; create table analytics.report as select 1 as id, 2 as amount;
  alter schema analytics owner to shared; alter table analytics.orders owner to shared; alter table analytics.report owner to shared;
  grant usage on schema raw to shared; grant select on raw.orders to shared; grant usage on schema analytics to tableau, intern`;

let server: Server;
let superuser: Administrator;
let plain: Administrator;
let database: string;
let made = 0;
beforeAll(async () => {
  server = await startServer();
  superuser = superuserOf(server);
  plain = await plainAdministrator(server);
  await asSuperuser(
    server,
    'postgres',
    'create role shared login; create role tableau login; create role intern login; create role dba nologin createrole; create role people nologin',
  );
});
afterAll(async () => server?.stop());
beforeEach(() => {
  made++;
  database = `company_${made}`;
});

const prefix = (): string => `acme${made}`;
const given = (): Record<string, string> => ({ prodSchemas: 'analytics', sourceSchemas: 'raw', team: `priya${made}`, readers: '', rolePrefix: prefix() });
const script = (name: string): Script => {
  const sql = scripts(given()).get(`grants/${name}.sql`);
  if (sql === undefined) throw new Error(`there is no ${name}`);
  return [name, sql];
};
const runs = (who: Administrator, ...names: readonly string[]): Promise<readonly string[]> => run(server, who, database, names.map(script));
const as = async (login: string, sql: string): Promise<Record<string, unknown>[]> => {
  const password = (await setPasswords(server, [login])).get(login) ?? '';
  return using(server, { login, password }, database, async (client) => (await client.query(sql)).rows);
};
const service = (sql: string): Promise<Record<string, unknown>[]> => as(`${prefix()}_prod_service`, sql);
const rows = (sql: string): Promise<Record<string, unknown>[]> => using(server, superuser, database, async (client) => (await client.query(sql)).rows);
const founded = async (extra = 'select 1'): Promise<void> => {
  await createDatabase(server, database, superuser, `${COMPANY}; ${extra}`);
  await run(server, superuser, database, installation(given()));
  await service('create table analytics.first_deploy as select 1 as id');
};

describe('what a right is worth that anybody can give themselves', () => {
  test('default privileges of somebody who builds nothing are not copied to production', async () => {
    await founded();
    await as('intern', 'alter default privileges in schema analytics grant select on tables to public');
    await runs(superuser, '40_services');
    await service('create table analytics.secret as select 1 as id');
    await expect(as('intern', 'select * from analytics.secret')).rejects.toThrow('permission denied');
  });

  test("an advisory lock of somebody's stops neither an administrator nor CI", async () => {
    await founded();
    const password = (await setPasswords(server, ['intern'])).get('intern') ?? '';
    const intern = await server.connect('intern', password, database);
    await intern.query(
      `select pg_advisory_lock(hashtextextended('dbt-envs: project acme', 0)), pg_advisory_lock(hashtextextended('${prefix()}_door.pr_1', 0))`,
    );
    await expect(intern.query(`begin; lock table ${prefix()}_door.accepted in access share mode`)).rejects.toThrow('permission denied');
    await intern.query('rollback');
    await runs(superuser, '40_services', '90_close_prod');
    await as(`${prefix()}_ci_service`, `set lock_timeout = '5s'; call ${prefix()}_door.create_schema('pr_1')`);
    await intern.end();
  });

  test('a function that a view runs with its reader’s rights cannot go through the door', async () => {
    await founded();
    const [ci, priya] = [`${prefix()}_ci_service`, `priya${made}`];
    await as(priya, `call ${prefix()}_door.create_schema('dev_${priya}')`);
    await as(priya, `create table dev_${priya}.mine as select 1 as id`);
    await as(ci, `call ${prefix()}_door.create_schema('pr_1')`);
    await as(
      ci,
      `create function pr_1.f() returns int language plpgsql as $$ declare v bigint; begin call ${prefix()}_door.drop_schema('dev_${priya}', null, 500, v); return 1; end $$;
      create view pr_1.v as select pr_1.f() as harmless; grant select on pr_1.v to ${prefix()}_developer`,
    );
    await expect(as(priya, 'select * from pr_1.v')).rejects.toThrow('is called directly, not from inside a view or a function');
    expect(await as(priya, `select * from dev_${priya}.mine`)).toHaveLength(1);
  });
});

describe('an administrator who acts through another role', () => {
  test('is told so, instead of leaving memberships behind', async () => {
    await founded();
    await expect(run(server, superuser, database, [['20', `set role dba; ${script('20_boundary')[1]}`]])).rejects.toThrow('RESET ROLE, or log in as dba.');
  });

  test('keeps the memberships that they had, with their options', async () => {
    await createDatabase(server, database, plain, 'create schema raw; create table raw.orders as select 1 as id');
    await run(server, plain, database, installation(given()));
    const memberships = (): Promise<Record<string, unknown>[]> =>
      rows(
        `select pg_get_userbyid(roleid) as role, inherit_option, set_option, admin_option from pg_auth_members where member = '${plain.login}'::regrole and pg_get_userbyid(roleid) ~ '^${prefix()}_' order by 1, 2, 3`,
      );
    await using(server, plain, database, (client) =>
      client.query(
        `grant ${prefix()}_env_owner to ${plain.login} with inherit false, set true; grant ${prefix()}_prod_owner to ${plain.login} with inherit true, set true`,
      ),
    );
    const before = await memberships();
    await runs(plain, '20_boundary', '30_developers', '40_services', '50_readers');
    expect(await memberships()).toEqual(before);
  });

  test('is never told to become a superuser’s member', async () => {
    await createDatabase(server, database, plain, 'create schema raw; create table raw.orders as select 1 as id; create schema analytics');
    await asSuperuser(server, database, 'create table analytics.t as select 1 as id');
    await expect(run(server, plain, database, installation(given()))).rejects.toThrow(
      /cloud_admin may not act for postgres, who owns what this file is about\. Run this as a superuser\.$/,
    );
  });
});

describe('closing names what somebody else could lose', () => {
  test('a view whose rows would change silently is not moved', async () => {
    await founded(
      'alter table raw.orders enable row level security; alter table raw.orders owner to shared; create view analytics.v as select * from raw.orders; alter view analytics.v owner to shared',
    );
    await expect(runs(superuser, '90_close_prod')).rejects.toThrow(/These views would silently show other rows.*analytics\.v reads raw\.orders/);
  });

  test('a view on two columns, of which the service may read one', async () => {
    await founded('create schema elsewhere; create table elsewhere.t (a int, b int); create view analytics.v as select a, b from elsewhere.t');
    await asSuperuser(
      server,
      database,
      `grant usage on schema elsewhere to ${prefix()}_prod_service; grant select (a) on elsewhere.t to ${prefix()}_prod_service`,
    );
    await expect(runs(superuser, '90_close_prod')).rejects.toThrow('may not read what these views read: analytics.v reads elsewhere.t');
  });

  test('ranges, aggregates of every kind and columns that were dropped do not stop it, nor what CI wrote', async () => {
    await founded(`create type analytics.span as range (subtype = int4); alter type analytics.span owner to shared;
      create aggregate analytics.middle (float8 order by float8) (sfunc = ordered_set_transition, stype = internal, finalfunc = percentile_cont_float8_final);
      grant update (amount) on analytics.report to tableau; alter table analytics.report drop column amount`);
    const ci = `${prefix()}_ci_service`;
    await as(ci, `call ${prefix()}_door.create_schema('pr_1')`);
    await as(
      ci,
      "create function pr_1.f() returns int language sql as 'select 1'; create function pr_1.step(float8, float8) returns float8 language sql as 'select 1.0::float8'; create view pr_1.v as select pr_1.f(); create type pr_1.r as range (subtype = int4); create aggregate pr_1.oa (float8 order by float8) (sfunc = pr_1.step, stype = float8)",
    );
    await runs(superuser, '90_close_prod');
    await expect(as(`priya${made}`, 'select * from pr_1.v')).rejects.toThrow('permission denied for function f');
    await expect(as(ci, 'grant execute on function pr_1.f() to public; select 1 / (proacl is null)::int from pg_proc where proname = $$f$$')).rejects.toThrow();
    expect(await as(ci, `call ${prefix()}_door.drop_schema('pr_1')`)).toEqual([{ relations_left: '0' }]);
  });

  test('other applications go on creating in public, where they own something', async () => {
    await founded('grant create on schema public to public; create table public.app (i int); alter table public.app owner to tableau');
    await runs(superuser, '90_close_prod');
    await as('tableau', 'create table public.app2 (i int)');
    await expect(as('intern', 'create table public.x (i int)')).rejects.toThrow('permission denied for schema public');
    await runs(superuser, '91_reopen_prod');
    expect(
      await rows("select grantee::regrole::text as who from pg_namespace, aclexplode(nspacl) where nspname = 'public' and grantee = 'tableau'::regrole"),
    ).toEqual([]);
  });
});

test('after closing by a superuser, everybody of the project can still run verify.sql and audit.sql', async () => {
  await founded();
  await runs(superuser, '90_close_prod');
  for (const login of [`priya${made}`, `${prefix()}_ci_service`, `${prefix()}_janitor`, `${prefix()}_prod_service`]) {
    await as(login, script('verify')[1]);
    await as(login, script('audit')[1]);
  }
  await asSuperuser(server, database, 'grant insert on analytics.report to intern');
  await expect(as(`${prefix()}_janitor`, script('audit')[1])).rejects.toThrow(/^1 hole: intern may change rows in analytics\.report\. Take that away\./);
  await asSuperuser(server, database, 'revoke insert on analytics.report from intern');
});

describe('the way back', () => {
  test('is there after ordinary changes: a function, a column, a type and an owner that went away', async () => {
    await founded(`create function analytics.usd(int) returns int language sql as 'select $1'; grant execute on function analytics.usd(int) to tableau;
      create type analytics.state as enum ('open'); grant usage on type analytics.state to tableau;
      grant select (amount) on analytics.report to tableau; create table analytics.bobs as select 1 as id`);
    await asSuperuser(server, database, `create role bob${made}; alter table analytics.bobs owner to bob${made}`);
    await runs(superuser, '40_services', '90_close_prod');
    await service('drop function analytics.usd(int); drop type analytics.state; alter table analytics.report drop column amount');
    await asSuperuser(server, database, `drop owned by bob${made}; drop role bob${made}`);
    await runs(superuser, '90_close_prod');
    const said = (await runs(superuser, '91_reopen_prod')).join('\n');
    expect(said).toContain(`bob${made} owned part of production and is not there any more`);
    expect(await rows("select pg_get_userbyid(relowner) as owner from pg_class where oid = 'analytics.orders'::regclass")).toEqual([{ owner: 'shared' }]);
  });

  test('brings a chain of grants back as it was, through a swap', async () => {
    await asSuperuser(server, 'postgres', `create role a${made}; create role b${made}; create role c${made}`);
    await founded(`grant usage on schema analytics to a${made}, b${made}, c${made};
      set role shared; grant insert, select on analytics.orders to a${made} with grant option; reset role;
      set role a${made}; grant insert, select on analytics.orders to b${made} with grant option; reset role;
      set role b${made}; grant insert, select on analytics.orders to c${made}; reset role`);
    const acl = (): Promise<Record<string, unknown>[]> =>
      rows("select (select array_agg(a::text order by a::text) from unnest(relacl) a) as acl from pg_class where oid = 'analytics.orders'::regclass");
    const before = await acl();
    await runs(superuser, '90_close_prod');
    await service(
      `begin; create table analytics.n as select * from raw.orders; alter table analytics.orders rename to o; alter table analytics.n rename to orders; call ${prefix()}_door.keep_readers('analytics', 'orders', 'o'); commit; drop table analytics.o`,
    );
    await runs(superuser, '91_reopen_prod');
    expect(await acl()).toEqual(before);
  });

  test('without having closed changes nothing', async () => {
    await createDatabase(
      server,
      database,
      superuser,
      `${COMPANY}; create table analytics.chained as select 1 as id; grant select on analytics.chained to tableau with grant option; set role tableau; grant select on analytics.chained to intern; reset role`,
    );
    await run(server, superuser, database, installation(given()));
    const acls = (): Promise<Record<string, unknown>[]> =>
      rows(
        "select relname, pg_get_userbyid(relowner) as owner, (select array_agg(a::text order by a::text) from unnest(relacl) a) as acl from pg_class where relnamespace = 'analytics'::regnamespace order by 1",
      );
    const before = await acls();
    await runs(superuser, '91_reopen_prod', '91_reopen_prod');
    expect(await acls()).toEqual(before);
  });
});

describe('dropping', () => {
  test('a schema of thousands of functions goes in steps', async () => {
    await founded();
    const priya = `priya${made}`;
    await as(priya, `call ${prefix()}_door.create_schema('dev_${priya}')`);
    await as(
      priya,
      `do $$ begin for i in 1..1200 loop execute format('create function dev_${priya}.f%s() returns int language sql as ''select 1''', i); end loop; end $$`,
    );
    await asSuperuser(server, database, `update ${prefix()}_door.environment set last_used_at = now() - interval '40 days'`);
    const left: unknown[] = [];
    for (let call = 0; call < 4 && left.at(-1) !== '0'; call++)
      left.push((await as(`${prefix()}_janitor`, `call ${prefix()}_door.drop_schema('dev_${priya}', now())`))[0]?.relations_left);
    expect(left).toEqual(['700', '200', '0']);
  });

  test('nobody has listed schemas tomorrow', async () => {
    await founded();
    await as(`${prefix()}_ci_service`, `call ${prefix()}_door.create_schema('pr_1')`);
    await expect(as(`${prefix()}_janitor`, `call ${prefix()}_door.drop_schema('pr_1', 'infinity')`)).rejects.toThrow('say when the schemas were listed');
  });
});

test('what was revoked from somebody stays revoked after the next deploy', async () => {
  await founded('grant select on analytics.orders to shared');
  await runs(superuser, '90_close_prod');
  await asSuperuser(server, database, 'revoke select on analytics.orders from shared');
  await service(
    `begin; create table analytics.n as select * from raw.orders; alter table analytics.orders rename to o; alter table analytics.n rename to orders; call ${prefix()}_door.keep_readers('analytics', 'orders', 'o'); commit; drop table analytics.o`,
  );
  const [found] = await rows("select has_table_privilege('shared', 'analytics.orders', 'SELECT') as reads");
  expect(found?.reads).toBe(true); // by the default privilege that 40 gave to the builder: taken back with ALTER DEFAULT PRIVILEGES
  await asSuperuser(
    server,
    database,
    `alter default privileges for role ${prefix()}_prod_service in schema analytics revoke select on tables from shared; revoke select on analytics.orders from shared`,
  );
  await service(
    `begin; create table analytics.n as select * from raw.orders; alter table analytics.orders rename to o; alter table analytics.n rename to orders; call ${prefix()}_door.keep_readers('analytics', 'orders', 'o'); commit; drop table analytics.o`,
  );
  expect(await rows("select has_table_privilege('shared', 'analytics.orders', 'SELECT') as reads")).toEqual([{ reads: false }]);
});
