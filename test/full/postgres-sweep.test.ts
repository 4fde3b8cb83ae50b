import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run, superuserOf, using } from '../support/postgres-engine.ts';
import { installation } from '../support/postgres-matrix.ts';
import { CI, forgetful, JANITOR, lastLine, PROD, type SweptWarehouse, startSweptWarehouse } from '../support/postgres-sweep.ts';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const MICROSECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

const daysFromNow = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const NEXT_MONTH = daysFromNow(30);

let warehouse: SweptWarehouse;
beforeAll(async () => {
  warehouse = await startSweptWarehouse();
  await warehouse.sql('create table analytics.orders as select 1 as id', PROD);
});
afterAll(() => warehouse?.stop());

/** A schema of a pull request, of that age, with one table. */
async function pull(number: number, { aged = true } = {}): Promise<string> {
  await warehouse.sql(`call acme_door.create_schema('pr_${number}'); create table if not exists pr_${number}.orders as select * from analytics.orders`, CI);
  if (aged) await warehouse.age(`pr_${number}`);
  return `pr_${number}`;
}
async function developer(login: string, schema = `dev_${login}`): Promise<string> {
  await warehouse.sql(`call acme_door.create_schema('${schema}'); create table if not exists ${schema}.orders as select * from analytics.orders`, login);
  await warehouse.age(schema);
  return schema;
}
const listedAt = async (): Promise<string> => String((await warehouse.sql('call acme_door.look()', JANITOR))[0]?.listed_at);
/** Everything that is in the database and the registry, in one value. */
const everything = async (): Promise<unknown> =>
  await warehouse.sql(`select
    (select md5(string_agg(c.oid || c.relname || c.relowner, ',' order by c.oid)) from pg_class c where relnamespace <> 'pg_toast'::regnamespace and c.oid > 16384) as relations,
    (select md5(string_agg(n::text, ',' order by n.oid)) from pg_namespace n where nspname !~ '^pg_') as schemas,
    (select string_agg(e::text, ',' order by schema_name) from acme_door.environment e) as registry,
    (select count(*) from acme_door.swept) as swept`);

describe('env_schemas', () => {
  const foreign = ['"PR_7"', 'pr_007', 'pr_old', 'pr_5', '"DEV_ANA"', 'dev_', 'dev_Sam'];
  beforeAll(async () => {
    for (const number of [1, 12, 123]) await pull(number, { aged: false });
    await developer('priya');
    await developer('Sam.Smith@acme.example', 'dev_sam_smith');
    await warehouse.sql('create role other_env_owner; create schema prod; create table prod.t (i int)');
    for (const name of foreign) await warehouse.sql(`create schema ${name} authorization other_env_owner; create table ${name}.t as select 1 as i`);
    await warehouse.sql('create schema pr_777 authorization acme_env_owner; create table pr_777.t (i int); insert into pr_777.t values (1)');
    await warehouse.sql('create schema pr_odd authorization acme_env_owner');
  });
  afterAll(async () => {
    for (const name of [...foreign, 'pr_777', 'pr_odd', 'prod']) await warehouse.sql(`drop schema ${name} cascade`);
  });

  test('says when it looked, on the server’s clock, to the microsecond', async () => {
    const before = Number((await warehouse.sql('select extract(epoch from clock_timestamp()) as t'))[0]?.t);
    const { listed_at } = await warehouse.list();
    const [row] = await warehouse.sql(`select extract(epoch from '${listed_at}'::timestamptz) as listed, extract(epoch from clock_timestamp()) as t`);
    expect(listed_at).toMatch(MICROSECONDS);
    expect(Number(row?.listed)).toBeGreaterThan(before);
    expect(Number(row?.listed)).toBeLessThan(Number(row?.t));
  });

  test('lists whole names that this project owns, and nothing that merely begins like one', async () => {
    const { schemas } = await warehouse.list();
    expect(schemas.map(({ schema }) => schema)).toEqual(['dev_priya', 'dev_sam_smith', 'pr_1', 'pr_12', 'pr_123', 'pr_777']);
  });

  test('tells who made each, when it was used, and how large it is; what nobody noted is null', async () => {
    await warehouse.sql(`call acme_door.close_schema('pr_12'); call acme_door.keep_schema('pr_123', date_trunc('day', now()) + interval '3 days')`, JANITOR);
    await warehouse.sql('create view pr_12.v as select * from pr_12.orders; create index on pr_12.orders (id)', CI);
    const { schemas } = await warehouse.list();
    const of = (name: string) => schemas.find(({ schema }) => schema === name);
    const [size] = await warehouse.sql("select pg_total_relation_size('pr_12.orders')::int as bytes");
    expect(of('pr_12')).toEqual({
      schema: 'pr_12',
      created_by: CI,
      created_at: expect.stringMatching(TIME),
      last_used_at: expect.stringMatching(TIME),
      closed_at: expect.stringMatching(TIME),
      keep_until: null,
      relations: 2,
      bytes: size?.bytes,
    });
    expect(of('pr_123')?.keep_until).toMatch(TIME);
    expect(of('pr_777')).toEqual({
      schema: 'pr_777',
      created_by: null,
      created_at: null,
      last_used_at: null,
      closed_at: null,
      keep_until: null,
      relations: 1,
      bytes: 8192,
    });
    await warehouse.sql("call acme_door.keep_schema('pr_123', null)", JANITOR);
  });

  test('others begin like one and are not ours, with owner and size; sources and production that begin so are not among them', async () => {
    const { others, handover } = await warehouse.list();
    expect(others).toEqual(
      [
        ['DEV_ANA', 'other_env_owner', 1],
        ['PR_7', 'other_env_owner', 1],
        ['dev_', 'other_env_owner', 1],
        ['dev_sam', 'other_env_owner', 1],
        ['pr_007', 'other_env_owner', 1],
        ['pr_5', 'other_env_owner', 1],
        ['pr_odd', 'acme_env_owner', 0],
        ['pr_old', 'other_env_owner', 1],
      ].map(([schema, owner, relations]) => ({ schema, owner, relations, bytes: relations === 0 ? 0 : 8192 })),
    );
    expect(handover).toBe('an administrator hands it over by its name with grants/adopt_leftovers.sql');
  });

  test('a table that somebody is replacing at this moment is not waited for: its schema has no size', async () => {
    await pull(30);
    const session = await warehouse.server.connect(CI, warehouse.login(CI).password, 'warehouse');
    await session.query('begin; lock table pr_30.orders in access exclusive mode');
    const { schemas } = await warehouse.list();
    await session.end();
    expect(schemas.find(({ schema }) => schema === 'pr_30')).toMatchObject({ relations: 1, bytes: null });
    expect(schemas.find(({ schema }) => schema === 'pr_12')?.bytes).toBeGreaterThan(0);
  });

  test('nor is an index that is rebuilt, or somebody who himself waits to replace a table behind a reader', async () => {
    await pull(32);
    await pull(33);
    await warehouse.sql('create index by_id on pr_32.orders (id)', CI);
    const [reader, rebuilds, replaces] = await Promise.all([1, 2, 3].map(() => warehouse.server.connect(CI, warehouse.login(CI).password, 'warehouse')));
    await reader?.query('begin; select * from pr_33.orders');
    await rebuilds?.query('begin; reindex index pr_32.by_id');
    const replaced = replaces?.query('drop table pr_33.orders');
    await expect.poll(() => warehouse.sql('select from pg_locks where not granted').then((rows) => rows.length)).toBe(1);
    const started = Date.now();
    const { schemas } = await warehouse.list();
    expect(Date.now() - started).toBeLessThan(20_000);
    for (const name of ['pr_32', 'pr_33']) expect(schemas.find(({ schema }) => schema === name)).toMatchObject({ relations: 1, bytes: null });
    expect((await warehouse.operation('report')).code).toBe(0);
    await reader?.query('rollback');
    await replaced;
    for (const session of [reader, rebuilds, replaces]) await session?.end();
  });

  test('a use that was noted and not committed yet is waited for: the listing sees it', async () => {
    await pull(31);
    const session = await warehouse.server.connect(CI, warehouse.login(CI).password, 'warehouse');
    await session.query("begin; call acme_door.touch('pr_31')");
    const listing = warehouse.list();
    await expect
      .poll(() => warehouse.sql(`select from pg_stat_activity where usename = '${JANITOR}' and wait_event = 'PgSleep'`).then((rows) => rows.length), {
        timeout: 25_000,
      })
      .toBe(1);
    await session.query('commit');
    await session.end();
    const { listed_at, schemas } = await listing;
    const used = schemas.find(({ schema }) => schema === 'pr_31')?.last_used_at ?? '';
    expect(Date.now() - Date.parse(used)).toBeLessThan(60_000);
    expect(Date.parse(listed_at) - Date.parse(used)).toBeGreaterThan(0);
  });

  test('without that wait, the use would be older than the listing, and the door would drop what is used', async () => {
    await pull(33);
    const session = await warehouse.server.connect(CI, warehouse.login(CI).password, 'warehouse');
    await session.query("begin; call acme_door.touch('pr_33')");
    const careless = String((await warehouse.sql('select clock_timestamp()::text as now'))[0]?.now);
    await session.query('commit');
    await session.end();
    // By now, that it was used a moment ago holds it back. Nothing else does.
    expect((await warehouse.sql(`call acme_door.sweep_schema('pr_33', '${careless}')`, JANITOR))[0]?.outcome).toMatch(/without a use$/);
    await forgetful(warehouse, async () => {
      expect((await warehouse.sql(`call acme_door.sweep_schema('pr_33', '${careless}')`, JANITOR))[0]?.outcome).toBe('dropped');
    });
  });

  test('a use that nobody ever commits is an error that names the session', async () => {
    await pull(32);
    const session = await warehouse.server.connect(CI, warehouse.login(CI).password, 'warehouse');
    const [{ pid } = { pid: 0 }] = (await session.query<{ pid: number }>('select pg_backend_pid() as pid')).rows;
    await session.query("begin; call acme_door.touch('pr_32')");
    const { code, output } = await warehouse.operation('env_schemas');
    await session.end();
    expect(code).not.toBe(0);
    expect(output).toContain(`${CI} (session ${pid}) keeps open a transaction in which a schema was used, and nobody can say yet what is unused`);
    expect(lastLine(output)).toBe('');
  });
});

describe('drop_stale_schemas', () => {
  beforeEach(async () => {
    for (const schema of await warehouse.schemas())
      await warehouse.sql(`drop schema if exists "${schema}" cascade; delete from acme_door.environment where schema_name = '${schema}'`);
    await warehouse.sql('delete from acme_door.swept');
  });

  test('drops exactly what it is told to, beside names that begin alike', async () => {
    for (const number of [1, 12, 123]) await pull(number);
    const said = await warehouse.sweep(['pr_12'], await listedAt());
    expect(said).toMatchObject({ code: 0, cleared: [{ schema: 'pr_12', how: 'dropped', relations: 1, took_along: [] }], kept: [], failed: [] });
    expect(await warehouse.schemas()).toEqual(['pr_1', 'pr_123']);
    expect(await warehouse.sql('select schema_name from acme_door.environment order by 1')).toEqual([{ schema_name: 'pr_1' }, { schema_name: 'pr_123' }]);
    expect(await warehouse.sql("select schema_name, how, bytes, swept_by, now() - at < interval '1 minute' as today from acme_door.swept")).toEqual([
      { schema_name: 'pr_12', how: 'dropped', bytes: '8192', swept_by: JANITOR, today: true },
    ]);
  });

  test('dry_run says the same and changes nothing', async () => {
    await pull(12);
    await pull(13);
    await warehouse.sql("call acme_door.keep_schema('pr_13', now() + interval '2 days')", JANITOR);
    const at = await listedAt();
    const before = await everything();
    const dry = await warehouse.sweep(['pr_12', 'pr_13', 'pr_14'], at, true);
    expect(await everything()).toEqual(before);
    const real = await warehouse.sweep(['pr_12', 'pr_13', 'pr_14'], at);
    expect([dry.cleared, dry.kept, dry.failed]).toEqual([real.cleared, real.kept, real.failed]);
    expect(dry.output).toContain('pr_12: would be dropped, 1 relations');
    expect(await warehouse.schemas()).toEqual(['pr_13']);
  });

  test('what is used, kept, gone, somebody else’s or no whole name stays, and each line says why', async () => {
    await pull(1);
    await pull(2);
    await pull(3);
    for (const name of ['pr_5', 'pr_old', 'pr_007', '"PR_7"', 'prod'])
      await warehouse.sql(`create schema if not exists ${name}; create table ${name}.t (i int)`);
    await warehouse.sql(`call acme_door.keep_schema('pr_2', '${NEXT_MONTH}')`, JANITOR);
    const at = await listedAt();
    await warehouse.sql("call acme_door.touch('pr_3')", CI);
    const whole = 'its name is not the whole name of an environment schema, dev_<name> or pr_<number>';
    const odd = [
      'prod',
      'product',
      'private_x',
      'device_events',
      'PR_7',
      'pr_old',
      'pr_007',
      'analytics',
      'pr_',
      'pr_1; drop schema analytics',
      "pr_1'",
      'pr_1\n',
      7,
    ];
    const names = ['pr_1', 'pr_2', 'pr_3', 'pr_4', 'pr_5', ...odd];
    const before = await warehouse.sql("select nspname from pg_namespace where nspname !~ '^pg_' order by 1");
    const said = await warehouse.sweep(names as string[], at);
    expect(said.code, said.output).toBe(0);
    expect(said.cleared.map(({ schema }) => schema)).toEqual(['pr_1']);
    expect(said.kept).toEqual([
      { schema: 'pr_2', why: `it is kept until ${NEXT_MONTH}` },
      { schema: 'pr_3', why: expect.stringMatching(/^used at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, after it was listed$/) },
      { schema: 'pr_4', why: 'it is gone already' },
      { schema: 'pr_5', why: 'it belongs to postgres, not to this project' },
      ...odd.map((schema) => ({ schema: String(schema), why: whole })),
    ]);
    const after = await warehouse.sql("select nspname from pg_namespace where nspname !~ '^pg_' order by 1");
    expect(before.filter(({ nspname }) => !after.some((row) => row.nspname === nspname))).toEqual([{ nspname: 'pr_1' }]);
    await warehouse.sql('drop schema prod cascade');
  });

  test('what was used lately stays, whatever the caller says: dry_run says so too, and it is no failure', async () => {
    await pull(6, { aged: false });
    await pull(7);
    await warehouse.sql("update acme_door.environment set last_used_at = now() - interval '6 days 23 hours' where schema_name = 'pr_7'");
    await developer('priya');
    await warehouse.sql("update acme_door.environment set last_used_at = now() - interval '29 days' where schema_name = 'dev_priya'");
    const at = await listedAt();
    for (const dry of [true, false]) {
      const said = await warehouse.sweep(['pr_6', 'pr_7', 'dev_priya'], at, dry);
      expect(said.code, said.output).toBe(0);
      expect(said.kept).toEqual(
        [
          ['pr_6', 7],
          ['pr_7', 7],
          ['dev_priya', 30],
        ].map(([schema, days]) => ({
          schema,
          why: expect.stringMatching(new RegExp(`^used at [-0-9]{10}T[:0-9]{8}Z, and it stays until ${days} days have passed without a use$`)),
        })),
      );
    }
    expect(await warehouse.schemas()).toEqual(['dev_priya', 'pr_6', 'pr_7']);
    await warehouse.sql("update acme_door.environment set last_used_at = now() - interval '7 days' where schema_name = 'pr_7'");
    expect((await warehouse.sweep(['pr_7'], at)).cleared).toHaveLength(1);
  });

  test('a schema without a row in the registry goes as well, and so does one with all kinds of things in it', async () => {
    await warehouse.sql(`create schema pr_8 authorization acme_env_owner`);
    await pull(9);
    await warehouse.sql(
      `create materialized view pr_9.m as select * from pr_9.orders; create sequence pr_9.s; create type pr_9.e as enum ('a'); create table pr_9.p (i int, e pr_9.e) partition by range (i);
       create table pr_9.p1 partition of pr_9.p for values from (0) to (9); create function pr_9.f() returns int language sql as 'select 1'; create table pr_9."Odd ""name" (i int)`,
      CI,
    );
    const said = await warehouse.sweep(['pr_8', 'pr_9'], await listedAt());
    expect(said.cleared.map(({ schema, relations }) => [schema, relations])).toEqual([
      ['pr_8', 0],
      ['pr_9', 5],
    ]);
    expect(await warehouse.schemas()).toEqual([]);
    expect(await warehouse.sql('select * from acme_door.environment')).toEqual([]);
  });

  test('what colleagues have built on it is named and goes with it: their views at any depth, not their copies', async () => {
    await pull(12);
    await pull(13);
    await developer('sam');
    await warehouse.sql(
      `create view dev_sam.mine as select * from pr_12.orders; create view dev_sam."On mine" as select * from dev_sam.mine;
       create materialized view dev_sam.stored as select * from pr_12.orders; create table dev_sam.copied as select * from pr_12.orders;
       create view dev_sam.unrelated as select * from analytics.orders; create view dev_sam.on_13 as select * from pr_13.orders`,
      'sam',
    );
    await warehouse.sql('create view pr_13.v as select * from pr_12.orders', CI);
    const expected = ['dev_sam."On mine"', 'dev_sam.mine', 'dev_sam.stored', 'pr_13.v'];
    const at = await listedAt();
    const dry = await warehouse.sweep(['pr_12'], at, true);
    expect([...(dry.cleared[0]?.took_along ?? [])].sort()).toEqual(expected);
    const before = await warehouse.sql("select c.oid::regclass::text as name from pg_class c where relkind in ('r', 'v', 'm') and c.oid > 16384 order by 1");
    const said = await warehouse.sweep(['pr_12'], at);
    const after = await warehouse.sql("select c.oid::regclass::text as name from pg_class c where relkind in ('r', 'v', 'm') and c.oid > 16384 order by 1");
    const went = before.map(({ name }) => String(name)).filter((name) => !after.some((row) => row.name === name));
    expect(went.filter((name) => name !== 'pr_12.orders').sort()).toEqual([...(said.cleared[0]?.took_along ?? [])].sort());
    expect(said.cleared[0]?.took_along).toHaveLength(4);
  });

  test('what is in no environment stays, and so does the schema that it is built on: the run fails and names it', async () => {
    await developer('priya');
    await pull(14);
    await warehouse.sql(
      'create view analytics.on_dev as select * from dev_priya.orders; create schema bi; create view bi.board as select * from dev_priya.orders; create view pr_14.v as select * from dev_priya.orders',
    );
    const there = async () => await warehouse.sql("select to_regclass('analytics.on_dev') is not null as prod, to_regclass('bi.board') is not null as bi");
    for (const dry of [true, false]) {
      const said = await warehouse.sweep(['dev_priya', 'pr_14'], await listedAt(), dry);
      expect(said.failed).toEqual([
        { schema: 'dev_priya', why: 'what is in no environment is built on it and would go too, so it stays: analytics.on_dev, bi.board' },
      ]);
      expect(said.cleared.map(({ schema }) => schema)).toEqual(['pr_14']);
      expect(said.code).not.toBe(0);
      expect(await there()).toEqual([{ prod: true, bi: true }]);
    }
    await warehouse.sql('drop view analytics.on_dev; drop schema bi cascade');
    expect((await warehouse.sweep(['dev_priya'], await listedAt())).cleared).toHaveLength(1);
  });

  test('a schema that goes in steps goes with whatever is in it: an identity column that was added later, types and functions', async () => {
    await pull(15);
    await warehouse.sql(
      `do $$ begin for i in 1..510 loop execute format('create function pr_15.f%s() returns int language sql as ''select 1''', i); end loop; end $$;
       create type pr_15.r as range (subtype = float8); create type pr_15.c as (a int); create domain pr_15.d as int;
       create aggregate pr_15.a(*) (sfunc = int8inc, stype = int8, initcond = 0); alter table pr_15.orders add column n int generated always as identity`,
      CI,
    );
    expect(await warehouse.sweep(['pr_15'], await listedAt())).toMatchObject({ cleared: [{ schema: 'pr_15' }], failed: [] });
    expect(await warehouse.schemas()).toEqual([]);
  });

  test('a reader’s lock fails loudly within a minute, the next schema is dropped all the same, and the next night does the rest', async () => {
    await pull(21);
    await pull(22);
    const reader = await warehouse.server.connect('anna', warehouse.login('anna').password, 'warehouse');
    await reader.query('begin; select * from pr_21.orders');
    const at = await listedAt();
    const started = Date.now();
    const said = await warehouse.sweep(['pr_21', 'pr_22'], at);
    const took = Date.now() - started;
    expect(said.code).not.toBe(0);
    expect(said.failed).toEqual([{ schema: 'pr_21', why: 'canceling statement due to lock timeout' }]);
    expect(said.cleared.map(({ schema }) => schema)).toEqual(['pr_22']);
    expect(said.output).toContain('Could not drop pr_21. The first: canceling statement due to lock timeout');
    expect(took).toBeGreaterThan(29_000);
    expect(took).toBeLessThan(60_000);
    expect((await reader.query('select * from pr_21.orders')).rows).toEqual([{ id: 1 }]);
    await reader.end();
    expect((await warehouse.sweep(['pr_21'], at)).cleared).toHaveLength(1);
  });

  test('a drop that PostgreSQL refuses is collected with its reason, and the schema is whole', async () => {
    await pull(41);
    await pull(42);
    await warehouse.sql(`create function public.refuse() returns event_trigger language plpgsql as $$ begin
        if exists (select from pg_event_trigger_dropped_objects() where schema_name = 'pr_41') then raise exception 'not on a Friday'; end if; end $$;
      create event trigger refuse on sql_drop execute function public.refuse()`);
    const said = await warehouse.sweep(['pr_41', 'pr_42'], await listedAt());
    await warehouse.sql('drop event trigger refuse; drop function public.refuse()');
    expect(said.failed).toEqual([{ schema: 'pr_41', why: 'not on a Friday' }]);
    expect(said.cleared.map(({ schema }) => schema)).toEqual(['pr_42']);
    expect(await warehouse.sql('select id from pr_41.orders')).toEqual([{ id: 1 }]);
    expect(await warehouse.sql('select schema_name from acme_door.environment')).toEqual([{ schema_name: 'pr_41' }]);
    expect(await warehouse.sql('select schema_name from acme_door.swept')).toEqual([{ schema_name: 'pr_42' }]);
  });

  test('a leaver’s schema goes; a rostered developer’s too, and her next build works without an administrator', async () => {
    await warehouse.sql(`create role dee login; grant acme_developer to dee; insert into acme_door.developer values ('dee', 'dee')`);
    await warehouse.sql(`set session authorization dee; call acme_door.create_schema('dev_dee'); create table dev_dee.t (i int)`);
    await warehouse.sql(
      `reset session authorization; delete from acme_door.developer where login = 'dee'; revoke acme_developer from dee; revoke all on schema dev_dee from dee`,
    );
    await warehouse.age('dev_dee');
    await developer('priya');
    const said = await warehouse.sweep(['dev_dee', 'dev_priya'], await listedAt());
    expect(said.cleared.map(({ schema, how }) => [schema, how])).toEqual([
      ['dev_dee', 'dropped'],
      ['dev_priya', 'dropped'],
    ]);
    const { code, output } = await warehouse.develop(
      'priya',
      'build',
      '--select',
      '+fct_revenue_daily',
      '--exclude',
      'resource_type:test',
      'resource_type:unit_test',
    );
    expect(code, output).toBe(0);
    expect((await warehouse.sql('select count(*)::int as n from dev_priya.fct_revenue_daily', 'priya'))[0]?.n).toBeGreaterThan(0);
    await warehouse.sql('drop role dee');
  });

  test.each([
    ['a name instead of a list', { candidates: 'pr_1', listed_at: '2026-11-27T03:43:00Z' }, 'candidates is a list of schemas'],
    ['no time', { candidates: ['pr_1'], listed_at: null }, 'listed_at is what env_schemas said'],
    ['a time that is a statement', { candidates: ['pr_1'], listed_at: "2026-11-27T03:43:00Z'; drop schema analytics" }, 'listed_at is what env_schemas said'],
    ['a dry_run that is neither', { candidates: ['pr_1'], listed_at: '2026-11-27T03:43:00Z', dry_run: 'maybe' }, 'dry_run is true or false'],
  ])('%s: nothing is dropped', async (_, args, message) => {
    await pull(1);
    const { code, output } = await warehouse.operation('drop_stale_schemas', args);
    expect(code).not.toBe(0);
    expect(output).toContain(message);
    expect(await warehouse.schemas()).toEqual(['pr_1']);
  });

  test('the step itself refuses production and what begins like an environment, in words', async () => {
    for (const name of ['analytics', 'product', 'device_events', 'acme_door', 'pg_catalog']) {
      const [row] = await warehouse.sql(`call acme_door.sweep_schema('${name}', now())`, JANITOR);
      expect(row?.outcome).toBe(`failed: permission denied: login acme_janitor may not drop schema ${name}`);
    }
  });

  test('a time to come is refused by the door itself', async () => {
    await pull(1);
    const said = await warehouse.sweep(['pr_1'], '2099-01-01T00:00:00Z');
    expect(said.kept).toEqual([{ schema: 'pr_1', why: 'say when the schemas were listed: schema pr_1 may have been used since' }]);
    expect(await warehouse.schemas()).toEqual(['pr_1']);
  });
});

describe('keep_schema and restore_schema', () => {
  test('the janitor and the owner pin a schema, to a day within a year, and take the pin away; nobody else does', async () => {
    await pull(50);
    await developer('priya');
    const next = NEXT_MONTH;
    const pinned = await warehouse.operation('keep_schema', { schema: 'pr_50', until: next });
    expect(JSON.parse(lastLine(pinned.output))).toEqual({ schema: 'pr_50', keep_until: `${next}T00:00:00Z` });
    const own = await warehouse.develop('priya', '--quiet', 'run-operation', 'keep_schema', '--args', `{schema: dev_priya, until: ${next}}`);
    expect(JSON.parse(lastLine(own.output))).toEqual({ schema: 'dev_priya', keep_until: `${next}T00:00:00Z` });
    expect((await warehouse.list()).schemas.filter(({ keep_until }) => keep_until === `${next}T00:00:00Z`).map(({ schema }) => schema)).toEqual([
      'dev_priya',
      'pr_50',
    ]);

    const others = await warehouse.develop('priya', 'run-operation', 'keep_schema', '--args', `{schema: pr_50, until: null}`);
    expect(others.code).not.toBe(0);
    expect(others.output).toContain('login priya may not keep schema pr_50: its own is dev_priya');
    for (const [until, message] of [
      ['2020-01-31', '2020-01-31 is past'],
      [daysFromNow(368), 'can be kept for a year at most'],
      ['soon', '"soon" is no day'],
      ["2027-01-31'", 'is no day'],
    ] as const) {
      const refused = await warehouse.operation('keep_schema', { schema: 'pr_50', until });
      expect(refused.code).not.toBe(0);
      expect(refused.output).toContain(message);
    }
    expect((await warehouse.operation('keep_schema', { schema: 'analytics', until: next })).output).toContain('"analytics" is no environment schema');

    const taken = await warehouse.operation('keep_schema', { schema: 'pr_50', until: null });
    expect(JSON.parse(lastLine(taken.output))).toEqual({ schema: 'pr_50', keep_until: null });
  });

  test('a pull request that closes while it is pinned says until when, drops nothing and is no failure', async () => {
    await pull(51);
    await warehouse.sql(`call acme_door.keep_schema('pr_51', '${NEXT_MONTH}')`, JANITOR);
    const closed = await warehouse.pull(51, '--quiet', 'run-operation', 'drop_pr_schema');
    expect(closed.code, closed.output).toBe(0);
    expect(closed.output).toContain(`pr_51 in warehouse is kept until ${NEXT_MONTH}: nothing is dropped.`);
    expect(JSON.parse(lastLine(closed.output))).toEqual({ dropped: [] });
    expect(await warehouse.schemas()).toContain('pr_51');
    await warehouse.sql("call acme_door.keep_schema('pr_51', null)", JANITOR);
    const unpinned = await warehouse.pull(51, '--quiet', 'run-operation', 'drop_pr_schema');
    expect(JSON.parse(lastLine(unpinned.output))).toEqual({ dropped: ['pr_51'] });
  });

  test('PostgreSQL cannot restore: an error says what helps', async () => {
    const { code, output } = await warehouse.operation('restore_schema', { schema: 'pr_1' });
    expect(code).not.toBe(0);
    expect(output).toContain(
      'PostgreSQL cannot bring pr_1 back: it has no undo. Build it again; what cannot be built again comes from a backup of the database.',
    );
  });
});

describe('report', () => {
  const report = async () => {
    const { code, output } = await warehouse.operation('report');
    expect(code, output).toBe(0);
    return JSON.parse(lastLine(output));
  };

  test('has every field, what nobody knows is null, and the sizes of today are written down once', async () => {
    await developer('priya');
    await warehouse.sql('create table dev_priya.large as select generate_series(1, 50000) as i', 'priya');
    await warehouse.sql('create table analytics.by_hand (i int); alter table analytics.by_hand owner to sam');
    await warehouse.sql('delete from acme_door.size; delete from acme_door.swept');
    await pull(60);
    await warehouse.sweep(['pr_60'], await listedAt());
    const [facts] = [await report(), await report()];
    expect(Object.keys(facts)).toEqual(['at', 'can_write', 'strangers', 'last_write_by_others', 'proofs', 'since', 'storage', 'largest_dev', 'cleared']);
    expect(facts.at).toMatch(TIME);
    expect(facts.can_write).toContainEqual({ login: 'postgres', how: 'is a superuser', verdict: 'administrator' });
    expect(facts.strangers).toEqual([{ relation: 'analytics.by_hand', owner: 'sam' }]);
    expect(facts.last_write_by_others).toBeNull();
    expect(facts.since).toBeNull();
    expect(facts.storage).toContainEqual({ environment: 'dev', who: 'priya', schema: 'dev_priya', bytes: expect.any(Number), bytes_then: null });
    expect(facts.storage).toContainEqual({ environment: 'prod', who: null, schema: 'analytics', bytes: 8192, bytes_then: null });
    expect(facts.storage.map(({ schema }: { schema: string }) => schema)).toContain('staging');
    expect(facts.largest_dev[0]).toEqual({ relation: 'dev_priya.large', bytes: expect.any(Number) });
    expect(facts.largest_dev[0].bytes).toBeGreaterThan(1_000_000);
    expect(facts.cleared).toEqual([{ schema: 'pr_60', at: expect.stringMatching(TIME), how: 'dropped', bytes: 8192 }]);
    expect(
      await warehouse.sql("select count(distinct day)::int as days, count(*) filter (where schema_name = 'dev_priya')::int as rows from acme_door.size"),
    ).toEqual([{ days: 1, rows: 1 }]);
    await warehouse.sql('drop table analytics.by_hand');
  });

  test('compares with the day 30 days ago; what went since then has 0 bytes now, what came since then had 0', async () => {
    await pull(61);
    await warehouse.sql(`delete from acme_door.size; insert into acme_door.size (day, schema_name, bytes)
      select (now() at time zone 'UTC')::date - d, s, b from (values (401, 'dev_priya', 1), (30, 'dev_priya', 1000), (30, 'pr_8', 2000), (29, 'dev_priya', 3), (45, 'dev_priya', 4)) as v(d, s, b)`);
    const facts = await report();
    const [day] = await warehouse.sql(
      `select ((now() at time zone 'UTC')::date - 30)::text as since, count(*)::int as rows from acme_door.size where day < (now() at time zone 'UTC')::date - 400`,
    );
    expect(facts.since).toBe(day?.since);
    expect(day?.rows).toBe(0); // forgotten after 400 days
    const of = (schema: string) => facts.storage.find((one: { schema: string }) => one.schema === schema);
    expect(of('dev_priya').bytes_then).toBe(1000);
    expect(of('pr_8')).toEqual({ environment: 'ci', who: null, schema: 'pr_8', bytes: 0, bytes_then: 2000 });
    expect(of('pr_61')).toEqual({ environment: 'ci', who: null, schema: 'pr_61', bytes: 8192, bytes_then: 0 });
  });

  test('verify_boundary leaves its proof, right or wrong, in dbt and in psql; the report has the last of each login', async () => {
    await warehouse.sql('delete from acme_door.proof');
    const right = await warehouse.develop('sam', 'run-operation', 'verify_boundary');
    expect(right.code, right.output).toBe(0);
    const [first] = (await report()).proofs;
    expect(first).toEqual({ identity: 'dev', login: 'sam', at: expect.stringMatching(TIME), acts: expect.any(Number), wrong: 0 });
    expect(first.acts).toBeGreaterThan(50);

    await warehouse.sql('grant insert on analytics.orders to sam');
    const wrong = await warehouse.develop('sam', 'run-operation', 'verify_boundary');
    expect(wrong.code).not.toBe(0);
    expect((await report()).proofs).toMatchObject([{ login: 'sam', wrong: 2 }]);
    await warehouse.sql('revoke insert on analytics.orders from sam');
    // As psql runs verify.sql: each statement by itself.
    await using(warehouse.server, warehouse.login(JANITOR), 'warehouse', async (client) => {
      await client.query('call acme_door.verify(false)');
      await client.query('call acme_door.demand_proof()');
    });
    await warehouse.sql('grant acme_prod_service to sam');
    await using(warehouse.server, warehouse.login('sam'), 'warehouse', async (client) => {
      await client.query('call acme_door.verify(false)');
      await expect(client.query('call acme_door.demand_proof()')).rejects.toThrow(/^\d+ of \d+ acts came out wrong for sam/);
    });
    await warehouse.sql('revoke acme_prod_service from sam');
    expect(
      (await report()).proofs.map(({ identity, login, wrong: count }: { identity: string; login: string; wrong: number }) => [identity, login, count > 0]),
    ).toEqual([
      ['dev', 'sam', true],
      ['janitor', JANITOR, false],
    ]);
    expect(await warehouse.failure('call acme_door.demand_proof()', 'priya')).toBe('Nothing was tried as priya in the last hour.');
  });

  test('is the janitor’s, and says so', async () => {
    const { code, output } = await warehouse.operation('report', {}, CI);
    expect(code).not.toBe(0);
    expect(output).toContain('The report is made as acme_janitor, and this is acme_ci_service');
  });
});

describe('the history', () => {
  test('a view or a function that somebody else calls writes nothing into it', async () => {
    await warehouse.sql(
      'create function public.trap() returns void language plpgsql as $$ begin call acme_door.note_sizes(); end $$; grant execute on function public.trap() to acme_janitor',
    );
    expect(await warehouse.failure('select public.trap()', JANITOR)).toContain('permission denied: acme_door is called directly');
    await warehouse.sql('drop function public.trap()');
  });

  test('an older door is brought up to date: its tables, its rows and its rights', async () => {
    await pull(70);
    const rows = (): Promise<unknown> =>
      warehouse.sql('select schema_name, created_by, created_at, last_used_at, keep_until from acme_door.environment order by 1');
    const before = await rows();
    await warehouse.sql(`drop procedure acme_door.sweep_schema, acme_door.note_sizes, acme_door.note_proof, acme_door.demand_proof, acme_door.look;
      drop function acme_door.bytes_of, acme_door.used_lately, acme_door.days_unused, acme_door.built_on; drop function acme_door.demand_direct_call; drop table acme_door.size, acme_door.swept, acme_door.proof`);
    expect(await warehouse.failure('call acme_door.look()', JANITOR)).toContain('does not exist');
    await run(warehouse.server, warehouse.admin, 'warehouse', installation());
    expect(await rows()).toEqual(before);
    await warehouse.sql("insert into acme_door.size values ('2026-01-01', 'analytics', 1)");
    await run(warehouse.server, superuserOf(warehouse.server), 'warehouse', installation());
    expect(await warehouse.sql('select bytes from acme_door.size')).toEqual([{ bytes: '1' }]);
    expect((await warehouse.sweep(['pr_70'], await listedAt())).cleared).toHaveLength(1);
    expect((await warehouse.operation('report')).code).toBe(0);
  });
});
