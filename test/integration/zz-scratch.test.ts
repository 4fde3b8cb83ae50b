import { afterAll, beforeAll, expect, test } from 'vitest';
import { CI, JANITOR, PROD, type SweptWarehouse, startSweptWarehouse } from '../support/postgres-sweep.ts';

let w: SweptWarehouse;
beforeAll(async () => {
  w = await startSweptWarehouse();
  await w.sql('create table analytics.orders as select 1 as id', PROD);
});
afterAll(() => w?.stop());
const listedAt = async () => String((await w.sql('call acme_door.look()', JANITOR))[0]?.listed_at);
const pull = async (n: number) => {
  await w.sql(`call acme_door.create_schema('pr_${n}'); create table if not exists pr_${n}.orders as select 1 as id`, CI);
  await w.age(`pr_${n}`);
  return `pr_${n}`;
};
const many = (n: number, count = 510) =>
  w.sql(`do $$ begin for i in 1..${count} loop execute format('create view pr_${n}.v%s as select 1 as a', i); end loop; end $$`, CI);
const step = async (s: string, at: string) =>
  w.sql(`call acme_door.sweep_schema('${s}', '${at}')`, JANITOR).then(
    (r) => JSON.stringify(r),
    (e) => 'ERR ' + e.message,
  );
const odd: Record<string, string> = {
  identity: 'alter table S.orders add column n int generated always as identity',
  range: 'create type S.r as range (subtype = float8)',
  agg0: 'create aggregate S.a0(*) (sfunc = int8inc, stype = int8, initcond = 0)',
  aggord:
    'create aggregate S.ao(float8 order by anyelement) (sfunc = ordered_set_transition, stype = internal, finalfunc = percentile_disc_final, finalfunc_extra)',
  composite: 'create type S.c as (a int, b text)',
  enumt: "create type S.e as enum ('x')",
  domain: 'create domain S.d as int check (value > 0)',
  func: 'create function S.f(inout a int, variadic b int[]) language sql as $$ select 1 $$',
  proc: 'create procedure S.p(inout a int) language sql as $$ select 1 $$',
  serial: 'create table S.ser (id serial)',
  coll: 'create collation S.co from "C"',
  ts: 'create text search configuration S.ts (copy = simple); create text search dictionary S.tsd (template = simple)',
  op: 'create function S.plus(int, int) returns int language sql as $$ select 1 $$; create operator S.+ (leftarg=int, rightarg=int, procedure=S.plus)',
  quoted: 'create table S."a b""c$$;" (i int); create view S."x\n::error::y" as select 1 as a',
  stat: 'create table S.st (a int, b int); create statistics S.stt on a, b from S.st',
  matview: 'create materialized view S.mv as select 1 as a',
  fkself: 'create table S.fa (i int primary key); create table S.fb (i int references S.fa)',
  part: 'create table S.p1 (i int); create table S.pp (i int) partition by list (i); alter table S.pp attach partition S.p1 for values in (1)',
};
let n = 100;
for (const [kind, sql] of Object.entries(odd)) {
  const num = n++;
  test(kind, async () => {
    const s = await pull(num);
    // odd thing newest: dropped first
    await many(num);
    const made = await w.failure(sql.replaceAll('S.', `${s}.`), CI);
    await w.age(s);
    const at = await listedAt();
    const out = [made];
    for (let i = 0; i < 5; i++) {
      const o = await step(s, at);
      out.push(o);
      if (!o.includes('more')) break;
    }
    console.log(kind, out.join(' | '));
    // odd thing oldest
  }, 60000);
}
test('prod view on dev', async () => {
  await w.sql(`call acme_door.create_schema('dev_priya'); create table if not exists dev_priya.orders as select 1 as id`, 'priya');
  console.log(await w.failure('create view analytics.v_on_dev as select * from dev_priya.orders; alter view analytics.v_on_dev owner to acme_prod_service'));
  await w.sql('create schema bi; create view bi.board as select * from dev_priya.orders');
  await w.age('dev_priya');
  const at = await listedAt();
  console.log(JSON.stringify(await w.sweep(['dev_priya'], at)));
  console.log(JSON.stringify(await w.sql("select to_regclass('analytics.v_on_dev') as v, to_regclass('bi.board') as b")));
}, 60000);
test('listing hang: reindex', async () => {
  await pull(60);
  await w.sql('create index i on pr_60.orders (id)', CI);
  const s = await w.server.connect(CI, w.login(CI).password, 'warehouse');
  await s.query('begin; reindex index pr_60.i');
  const l = await Promise.race([w.list().then((x) => 'listed ' + x.schemas.length), new Promise((r) => setTimeout(() => r('HANGS 15s'), 15000))]);
  console.log('reindex', l);
  await s.query('rollback');
  await s.end();
  await new Promise((r) => setTimeout(r, 4000));
}, 60000);
test('listing hang: waiting exclusive', async () => {
  await pull(61);
  const s = await w.server.connect(CI, w.login(CI).password, 'warehouse');
  await s.query('begin; select * from pr_61.orders');
  const t = await w.server.connect(CI, w.login(CI).password, 'warehouse');
  const q = t.query('drop table pr_61.orders').catch((e) => e.message);
  await new Promise((r) => setTimeout(r, 500));
  const l = await Promise.race([w.list().then((x) => 'listed ' + x.schemas.length), new Promise((r) => setTimeout(() => r('HANGS 15s'), 15000))]);
  console.log('waiting', l);
  await s.query('rollback');
  await s.end();
  await q;
  await t.end();
  await new Promise((r) => setTimeout(r, 4000));
}, 60000);
test('janitor thief', async () => {
  await w.sql(
    `call acme_door.create_schema('pr_70'); create table pr_70.t as select 1 as id; call acme_door.keep_schema('pr_70', now() + interval '20 days')`,
    CI,
  );
  console.log('unpin', await w.failure(`call acme_door.keep_schema('pr_70', null)`, JANITOR));
  console.log('drop', await w.failure(`call acme_door.drop_schema('pr_70', clock_timestamp())`, JANITOR), JSON.stringify(await w.schemas()));
}, 60000);
test('attach many partitions', async () => {
  const s = await pull(71);
  console.log(
    await w.failure(
      `do $$ begin for i in 1..8000 loop execute format('create table pr_71.p%s (i int)', i); if i % 400 = 0 then commit; end if; end loop; end $$`,
      CI,
    ),
  );
  console.log(
    await w.failure(
      `create table pr_71.zz (i int) partition by list (i); do $$ begin for i in 1..8000 loop execute format('alter table pr_71.zz attach partition pr_71.p%s for values in (%s)', i, i); if i % 400 = 0 then commit; end if; end loop; end $$`,
      CI,
    ),
  );
  await w.age(s);
  console.log('partitions', await step(s, await listedAt()));
}, 300000);
