import { parseLogin, parseSlug } from '../../src/names.ts';
import { plan } from '../../src/plan.ts';
import { parseAnswers } from '../../src/questions.ts';

/** The project that the matrix is about: two people whose slugs begin alike, one reader, one reviewer, a secret source. */
export const MATRIX_ANSWERS = {
  warehouse: 'postgres',
  team: 'priya, sam, sam_smith=Sam.Smith@acme.example',
  readers: 'looker, anna:reviews',
  sourceSchemas: 'raw, raw_pii:pii',
};

/** What runs statements against some PostgreSQL as some login. */
export interface Engine {
  /** As an administrator, for good. */
  admin(sql: string): Promise<void>;
  /** As that login, in a transaction of its own that is kept. Throws. */
  as(login: string, sql: string): Promise<void>;
  /** As that login, undone afterwards: `done`, or the SQLSTATE of the refusal. */
  attempt(login: string, sql: string): Promise<string>;
}

/** Somebody who left. */
export interface Parted {
  readonly slug: string;
  readonly login: string;
  readonly left: string;
}

export type Script = readonly [path: string, sql: string];

/** The emitted scripts below grants/, by path. */
export function scripts(given: Record<string, string> = {}, leavers: readonly Parted[] = []): ReadonlyMap<string, string> {
  const answers = parseAnswers({ projectName: 'acme', ...MATRIX_ANSWERS, ...given });
  const left = leavers.map(({ slug, login, left: date }) => ({ slug: parseSlug(slug), login: parseLogin(login), left: date }));
  const files = plan(answers, { developers: answers.team, leavers: left, readers: answers.readers }, { projectDir: '' }, ['grants']).filter(
    ({ path }) => path.startsWith('grants/') && path.endsWith('.sql'),
  );
  return new Map(files.map(({ path, contents }) => [path, contents]));
}

/** The scripts that install the boundary, in the order in which an administrator runs them. */
export function installation(given: Record<string, string> = {}): readonly Script[] {
  const all = scripts(given);
  return ['10_roles', '20_boundary', '30_developers', '40_services', '50_readers'].map((name) => {
    const path = `grants/${name}.sql`;
    const sql = all.get(path);
    if (sql === undefined) throw new Error(`there is no ${path}`);
    return [path, sql];
  });
}

/** What a company has before us: sources, and schemas whose names merely begin like an environment's. */
export const BEFORE = `
  create schema raw; create table raw.orders as select 1 as id, 10 as amount;
  create schema raw_pii; create table raw_pii.people as select 1 as id, 'ana@example.com' as email;
  create schema product; create table product.items (i int);
  create schema device_events; create table device_events.clicks (i int);
  create schema private_x; create schema developer_tools;
`;

/** What everybody has built once the boundary stands. */
export async function furnish(engine: Engine): Promise<void> {
  await engine.as(PROD, 'create table analytics.orders as select * from raw.orders');
  await engine.as(PROD, 'create view analytics.v_orders as select * from analytics.orders');
  for (const pr of ['pr_12', 'pr_123', 'pr_1']) {
    await engine.as(CI, `call acme_door.create_schema('${pr}')`);
    await engine.as(CI, `create table ${pr}.orders as select * from analytics.orders`);
  }
  for (const [login, schema] of [
    ['priya', 'dev_priya'],
    ['sam', 'dev_sam'],
    [SMITH, 'dev_sam_smith'],
  ] as const) {
    await engine.as(login, `call acme_door.create_schema('${schema}')`);
    await engine.as(login, `create table ${schema}.orders as select * from analytics.orders`);
  }
}

const CI = 'acme_ci_service';
const PROD = 'acme_prod_service';
const JANITOR = 'acme_janitor';
const SMITH = 'Sam.Smith@acme.example';
export const identities = ['priya', 'sam', SMITH, CI, PROD, JANITOR, 'looker', 'anna'] as const;
export type Identity = (typeof identities)[number];

/** An act, who may do it, and the SQLSTATEs (`a or b`) that everybody else gets where it is not insufficient_privilege alone. */
export interface Act {
  readonly act: string;
  readonly sql: string;
  readonly may: readonly Identity[];
  readonly code?: string;
}
const developers = ['priya', 'sam', SMITH] as const;
const nobody = [] as const;
const act = (name: string, sql: string, may: readonly Identity[], code?: string): Act => ({ act: name, sql, may, ...(code !== undefined && { code }) });
/** A grant by somebody who may use the schema but not grant is only a warning: then the division finds no effect. */
const NO_EFFECT = '42501 or 22012';

export const acts: readonly Act[] = [
  act('read a table of prod, built after the grants', 'select * from analytics.orders', [...developers, CI, PROD, 'looker', 'anna']),
  act('read a view of prod', 'select * from analytics.v_orders', [...developers, CI, PROD, 'looker', 'anna']),
  act('read a source', 'select * from raw.orders', [...developers, CI, PROD]),
  act('read a source with personal data', 'select * from raw_pii.people', [PROD]),
  act('read a pull request', 'select * from pr_12.orders', [...developers, CI, 'anna']),
  act('read another pull request', 'select * from pr_123.orders', [...developers, CI, 'anna']),
  act("read priya's tables", 'select * from dev_priya.orders', ['priya']),
  act('read a schema of others', 'select * from product.items', nobody),

  act('create a table in prod', 'create table analytics.test (id int)', [PROD]),
  act('create a table in prod from a query', 'create table analytics.test as select 1 as id', [PROD]),
  act('create a table in the other prod schema', 'create table staging.test (id int)', [PROD]),
  act('select into prod', 'select 1 as id into analytics.test', [PROD]),
  act('create a view in prod', 'create view analytics.v2 as select 1 as x', [PROD]),
  act('create a materialized view in prod', 'create materialized view analytics.m2 as select 1 as x', [PROD]),
  act('insert into prod', 'insert into analytics.orders values (2, 2)', [PROD]),
  act('update prod', 'update analytics.orders set amount = 0', [PROD]),
  act('delete from prod', 'delete from analytics.orders', [PROD]),
  act('merge into prod', 'merge into analytics.orders o using (select 1 as id) s on o.id = s.id when matched then delete', [PROD]),
  act('copy into prod', "copy analytics.orders from program 'true'", nobody),
  act('drop a table of prod', 'drop table analytics.orders cascade', [PROD]),
  act('truncate prod', 'truncate analytics.orders', [PROD]),
  act('alter prod', 'alter table analytics.orders add column x int', [PROD]),
  act('rename a table of prod', 'alter table analytics.orders rename to old', [PROD]),
  act('index prod', 'create index on analytics.orders (id)', [PROD]),
  act('put a rule on prod', 'create rule r as on insert to analytics.orders do instead nothing', [PROD]),
  act('put a function into prod', 'create function analytics.f() returns int language sql as $$select 1$$', [PROD]),
  act(
    'put a trigger on prod',
    'create trigger t before insert on analytics.orders for each row execute function pg_catalog.suppress_redundant_updates_trigger()',
    [PROD],
  ),
  act('put a policy on prod', 'create policy p on analytics.orders using (true)', [PROD]),
  act('switch the policies of prod on', 'alter table analytics.orders enable row level security', [PROD]),
  act('inherit from a table of prod', 'create temporary table child () inherits (analytics.orders)', [PROD]),
  act('put statistics on prod', 'create statistics analytics.s on id, amount from analytics.orders', [PROD]),
  act('reindex prod', 'reindex table analytics.orders', [PROD]),
  act('change a view of prod', 'create or replace view analytics.v_orders as select 1 as id, 2 as amount', [PROD]),
  act('write through a view of prod', 'insert into analytics.v_orders values (2, 2)', [PROD]),
  act('take a table of prod', 'alter table analytics.orders owner to current_user', [PROD]),
  act('move a table of prod away', 'alter table analytics.orders set schema staging', [PROD]),
  act('take the schema of prod', 'alter schema analytics owner to current_user', nobody),
  act('lock prod', 'lock table analytics.orders in access exclusive mode', [PROD]),
  act('comment on prod', "comment on table analytics.orders is 'x'", [PROD]),
  act('let prod read a dev schema through a view', 'create view analytics.leak as select * from dev_priya.orders', nobody),

  act('create a schema', 'create schema analytics_x', nobody),
  act('create a dev schema without the door', 'create schema dev_priya_x', nobody),
  act('create prod if not exists', 'create schema if not exists analytics', nobody),
  act('create an own schema if not exists', 'create schema if not exists dev_priya', nobody),
  act("create priya's schema", "call acme_door.create_schema('dev_priya')", ['priya']),
  act("create sam's schema", "call acme_door.create_schema('dev_sam')", ['sam']),
  act("create sam_smith's schema", "call acme_door.create_schema('dev_sam_smith')", [SMITH]),
  act('create a schema that begins like an own one', "call acme_door.create_schema('dev_priya_marts')", nobody),
  act('create another that begins so', "call acme_door.create_schema('dev_sam_x')", nobody),
  act("create nobody's dev schema", "call acme_door.create_schema('dev_ghost')", nobody),
  act('create a pull request', "call acme_door.create_schema('pr_77')", [CI]),
  act('create a pull request with ten digits', "call acme_door.create_schema('pr_9999999999')", [CI]),
  act('create a pull request with eleven', "call acme_door.create_schema('pr_99999999999')", nobody),
  act('create a schema that begins like a pull request', "call acme_door.create_schema('pr_77_staging')", nobody),
  act('create pr_0', "call acme_door.create_schema('pr_0')", nobody),
  act('create pr_012', "call acme_door.create_schema('pr_012')", nobody),
  act('create pr_abc', "call acme_door.create_schema('pr_abc')", nobody),
  act('create pr_none', "call acme_door.create_schema('pr_none')", nobody),
  act('create pr_1 and a line break', "call acme_door.create_schema(E'pr_1\\n')", nobody),
  act('create a statement', `call acme_door.create_schema('pr_1"; drop schema analytics cascade; --')`, nobody),
  act('create DEV_PRIYA', "call acme_door.create_schema('DEV_PRIYA')", nobody),
  act('create analytics2', "call acme_door.create_schema('analytics2')", nobody),
  act('create product', "call acme_door.create_schema('product')", nobody),
  act('create null', 'call acme_door.create_schema(null)', nobody),

  act('rename an own schema', 'alter schema dev_priya rename to analytics2', nobody),
  act('rename a pull request', 'alter schema pr_12 rename to analytics2', nobody),
  act('rename prod', 'alter schema analytics rename to old', nobody),
  act('drop prod', 'drop schema analytics cascade', nobody),
  act('drop a schema of others', 'drop schema product cascade', nobody),
  act('drop an own schema without the door', 'drop schema dev_priya cascade', nobody),
  act("drop priya's schema", "call acme_door.drop_schema('dev_priya', now())", ['priya', JANITOR]),
  act("drop sam_smith's schema", "call acme_door.drop_schema('dev_sam_smith', now())", [SMITH, JANITOR]),
  act('drop a pull request', "call acme_door.drop_schema('pr_12', now())", [CI, JANITOR]),
  act('drop what was used a second ago', "call acme_door.drop_schema('pr_123', now())", [CI], '42501 or 55006'),
  act('drop prod through the door', "call acme_door.drop_schema('analytics', now())", nobody),
  act('drop product through the door', "call acme_door.drop_schema('product', now())", nobody),
  act('drop device_events through the door', "call acme_door.drop_schema('device_events', now())", nobody),
  act('drop developer_tools through the door', "call acme_door.drop_schema('developer_tools', now())", nobody),
  act('drop the door through the door', "call acme_door.drop_schema('acme_door', now())", nobody),
  act('drop raw through the door', "call acme_door.drop_schema('raw', now())", nobody),
  act("note use of priya's schema", "call acme_door.touch('dev_priya')", ['priya']),
  act('note use of a pull request', "call acme_door.touch('pr_12')", [CI]),
  act('close prod through the door', "call acme_door.close_schema('analytics')", nobody),
  act('keep prod through the door', "call acme_door.keep_schema('analytics', now())", nobody),
  act('keep product through the door', "call acme_door.keep_schema('product', now())", nobody),
  act('keep a pull request for ever', "call acme_door.keep_schema('pr_12', 'infinity')", nobody, '42501 or 22023'),
  act('keep an own schema for two years', "call acme_door.keep_schema('dev_priya', now() + interval '2 years')", nobody, '42501 or 22023'),
  act('sweep a pull request', "call acme_door.sweep_schema('pr_12', now())", [JANITOR]),
  act('say when the schemas are listed', 'call acme_door.look()', [...developers, CI, JANITOR]),
  act('close a pull request', "call acme_door.close_schema('pr_12')", [CI, JANITOR]),
  act("keep priya's schema", "call acme_door.keep_schema('dev_priya', now())", ['priya', JANITOR]),
  act('keep a pull request', "call acme_door.keep_schema('pr_12', now())", [CI, JANITOR]),

  act("create a table in priya's schema", 'create table dev_priya.t2 (i int)', ['priya']),
  act("create a table in sam_smith's schema", 'create table dev_sam_smith.t2 (i int)', [SMITH]),
  act('create a table in a pull request', 'create table pr_12.t2 (i int)', [CI]),
  act("drop priya's table", 'drop table dev_priya.orders', ['priya']),
  act('drop a table of a pull request', 'drop table pr_12.orders', [CI]),
  act('create a temporary table', 'create temporary table tt (i int)', [...identities]),
  act('create a table in public', 'create table public.x (i int)', nobody),

  act('become env_owner', 'set role acme_env_owner', nobody),
  act('become prod_owner', 'set role acme_prod_owner', nobody),
  act('become prod_service', 'set role acme_prod_service', [PROD]),
  act('become ci_service', 'set role acme_ci_service', [CI]),
  act('become the janitor', 'set role acme_janitor', [JANITOR]),
  act('become another developer', 'set role sam', ['sam']),
  act('give oneself prod_service', 'grant acme_prod_service to sam', nobody),
  act('give oneself developer', 'grant acme_developer to looker', nobody),
  act(
    'give create on prod',
    "grant create on schema analytics to acme_developer; select 1 / has_schema_privilege('sam', 'analytics', 'CREATE')::int",
    nobody,
    NO_EFFECT,
  ),
  act(
    'give create on an own schema',
    "grant create on schema dev_priya to sam; select 1 / has_schema_privilege('sam', 'dev_priya', 'CREATE')::int",
    nobody,
    NO_EFFECT,
  ),
  act('give rights to what prod will build', 'alter default privileges for role acme_prod_service grant all on tables to sam', [PROD]),
  act('move an own table into prod', 'alter table dev_priya.orders set schema analytics', nobody),
  act('give an own table to prod_service', 'alter table dev_priya.orders owner to acme_prod_service', nobody),
  act('unpin the search path of the door', 'alter procedure acme_door.create_schema(text) reset all', nobody),
  act(
    'replace the function that decides',
    "create or replace function acme_door.refusal(p_schema text, p_act text) returns text language sql as 'select null'",
    nobody,
  ),
  act('put a table into the door', 'create table acme_door.x (i int)', nobody),
  act('join the roster', "insert into acme_door.developer values ('looker', 'looker')", nobody),
  act('leave the roster', 'delete from acme_door.developer', nobody),
  act('backdate use', "update acme_door.environment set last_used_at = '-infinity'", nobody),
  act('read the roster', 'select * from acme_door.developer', [...developers, CI, JANITOR]),
  act('read how production was found', 'select * from acme_door.found', nobody),
  act('forge how production was found', "insert into acme_door.found values ('TABLE', 'analytics.orders', '', 'sam', 'sam', 'OWNER', false)", nobody),
  act('accept oneself', "insert into acme_door.accepted values (session_user, 'administrator')", nobody),
  act('create a role', 'create role mallory', nobody),
  act('create a login', "create role mallory login password 'x'", nobody),
  act("set prod's password", "alter role acme_prod_service password 'x'", [PROD]),
  act('create an event trigger', 'create event trigger e on ddl_command_end execute function f()', nobody),
  act('create a publication', 'create publication p', nobody),
  act('create a server', 'create foreign data wrapper w', nobody),
  act(
    'hold an attribute that passes by every grant',
    'select 1 / (rolcreatedb or rolcreaterole or rolsuper or rolbypassrls or rolreplication)::int from pg_roles where rolname = session_user',
    nobody,
    '22012',
  ),
  act('copy to a program', "copy (select 1) to program 'id'", nobody),
  act('read a file of the server', "select pg_read_file('PG_VERSION')", nobody),
  act('change a setting that is not for users', "set log_statement = 'none'", nobody),
  act('read the history', 'select * from acme_door.size, acme_door.swept, acme_door.proof', [...identities]),
  act('write the sizes of today down', 'call acme_door.note_sizes()', [JANITOR]),
  act('forge a size', "insert into acme_door.size values ('2026-01-01', 'analytics', 0)", nobody),
  act('change a size', 'update acme_door.size set bytes = 0', nobody),
  act('forge that something was swept', "insert into acme_door.swept values ('pr_1', now(), 'dropped', 0, 'acme_janitor')", nobody),
  act('forget what was swept', 'delete from acme_door.swept', nobody),
  act('note its own proof', 'call acme_door.note_proof(1, 0)', [...identities]),
  act('forge the proof of somebody else', "insert into acme_door.proof values ('sam', 'developer', now(), 1, 0)", nobody),
  act('change the proofs of all', 'update acme_door.proof set wrong = 0', nobody),
  act('forget a proof', 'truncate acme_door.proof', nobody),
  act('ask how long what it drops must be unused', "select acme_door.days_unused('pr_1'), acme_door.used_lately('pr_1', now())", [JANITOR]),
  act('ask what is built on a schema', "select * from acme_door.built_on('pr_1')", [JANITOR]),
  act('measure with an internal of the door', "select acme_door.bytes_of('analytics'::regnamespace)", nobody),
  act('call an internal of the door', "select acme_door.demand('dev_priya', 'drop')", nobody),
];

export interface Cell {
  readonly act: string;
  readonly login: Identity;
  readonly expected: string;
  readonly got: string;
}

/** What the janitor may drop has been unused for long, and pr_123 has not. */
const AGES = `
  update acme_door.environment set last_used_at = now() - interval '40 days' where schema_name in ('dev_priya', 'dev_sam_smith', 'pr_12');
  update acme_door.environment set last_used_at = now() - interval '1 second' where schema_name = 'pr_123'`;

/** Tries every act as every identity. */
export async function tryAll(engine: Engine, tried: readonly Act[] = acts): Promise<readonly Cell[]> {
  await engine.admin(AGES);
  const cells: Cell[] = [];
  for (const { act: name, sql, may, code = '42501' } of tried) {
    for (const login of identities) {
      cells.push({ act: name, login, expected: may.includes(login) ? 'done' : code, got: await engine.attempt(login, sql) });
    }
  }
  return cells;
}

/** The cells that came out otherwise than expected, as lines. */
export const surprises = (cells: readonly Cell[]): readonly string[] =>
  cells
    .filter(({ expected, got }) => !expected.split(' or ').includes(got))
    .map(({ act: name, login, expected, got }) => `${login}: ${name}: expected ${expected}, got ${got}`);
