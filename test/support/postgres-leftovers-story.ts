import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Administrator, asSuperuser, createDatabase, install, plainAdministrator, setPasswords, superuserOf, using } from './postgres-engine.ts';
import { BEFORE, scripts } from './postgres-matrix.ts';
import { type Major, type Server, startServer } from './postgres-server.ts';

const DATABASE = 'warehouse';
const LOOK = scripts().get('grants/00_look.sql') ?? '';
const ADOPT = scripts().get('grants/adopt_leftovers.sql') ?? '';

/** Schemas that somebody made by hand, with their owner and the relations in them: 40, and none of a name that merely begins alike. */
const OLD: readonly (readonly [schema: string, owner: string, relations: number])[] = [
  ['dev_priya', 'shared', 4],
  ['dev_ghost', 'ghost', 2],
  ['dev_tools_x', 'bob', 1],
  ['dbt_sam', 'shared', 1],
  ['dev_sam_marts', 'shared', 1],
  ['pr_12_staging', 'bob', 1],
  ['dbt_test__audit', 'bob', 3],
  ['dbt_cloud_pr_7_8', 'shared', 1],
  ['pr_0', 'bob', 0],
  ['PR_9', 'bob', 1],
  ['Dev-Bob', 'bob', 1],
  ['dev', 'shared', 1],
  ['ci', 'shared', 0],
  ['tmp_load', 'bob', 1],
  ['test', 'bob', 0],
  ...Array.from({ length: 25 }, (_, at) => [`pr_${500 + at}`, at % 2 === 0 ? 'shared' : 'bob', 1 + (at % 3)] as const),
];
const OTHERS = ['product', 'private_x', 'device_events', 'developer_tools', 'production', 'cicd_logs', 'tmpl', 'Weird, "Name"'];

const named = (name: string): string => `"${name.replaceAll('"', '""')}"`;
/** What a company has: the old schemas, and a production that others read and hang things on. */
const COMPANY = `
  create schema analytics authorization shared; create schema production; create schema cicd_logs; create schema tmpl;
  create schema ${named('Weird, "Name"')} authorization bob; grant usage on schema ${named('Weird, "Name"')} to public;
  grant usage on schema analytics to bi; grant usage on schema raw to shared; grant select on raw.orders to shared;
  set role shared;
  create table analytics.fct_revenue as select g as id, 1 as amount from generate_series(1, 500) g;
  update analytics.fct_revenue set amount = 2 where id <= 7;
  create view analytics.v as select * from raw.orders;
  grant select on analytics.fct_revenue to bi; grant select (id) on analytics.fct_revenue to tableau;
  alter default privileges in schema analytics grant select on tables to bi;
  reset role;
  create function analytics.audit() returns trigger language plpgsql as 'begin return new; end';
  create trigger audited before insert on analytics.fct_revenue for each row execute function analytics.audit();
  create policy everybody on analytics.fct_revenue to bi using (true);
  create view product.revenue as select * from analytics.fct_revenue;
  ${OLD.map(
    ([schema, owner, relations]) =>
      `create schema ${named(schema)} authorization ${owner}; set role ${owner};
       ${Array.from({ length: relations }, (_, at) => `create table ${named(schema)}.t${at} as select g as id from generate_series(1, ${500 * (at + 1)}) g;`).join('\n')}
       reset role;`,
  ).join('\n')}
  grant usage, create on schema dev_priya to bob with grant option; grant usage on schema dev_priya to public;
  grant select on dev_priya.t0 to priya with grant option; grant update (id) on dev_priya.t1 to priya;
  set role shared;
  create view dev_priya.v as select t0.id from dev_priya.t0; create materialized view dev_priya.m as select 1 as x;
  create table dev_priya.numbered (i serial, j int generated always as identity, k int) partition by range (k);
  create table dev_priya.numbered_1 partition of dev_priya.numbered for values from (1) to (9);
  create type dev_priya.mood as enum ('good'); create domain dev_priya.small as int check (value < 9); create type dev_priya.span as range (subtype = int4);
  create type dev_priya.pair as (a int, b int); create sequence dev_priya.s;
  create function dev_priya.f(int) returns int language sql as 'select 1'; create procedure dev_priya.p() language sql as 'select 1';
  create aggregate dev_priya.tally(*) (sfunc = int8inc, stype = int8, initcond = '0');
  create statistics dev_priya.st on id, (id % 2) from dev_priya.t0; create collation dev_priya.c from "C";
  create operator dev_priya.@@@ (leftarg = int, rightarg = int, function = int4pl);
  create text search configuration dev_priya.words (copy = pg_catalog.english);
  reset role;
  alter table dev_priya.t2 owner to bob; alter function dev_priya.f(int) owner to bob;
  grant execute on function dev_priya.f(int) to priya;
`;

/** What bob has outside, and others may use. */
const LAB = `
  create schema lab authorization bob; grant usage, create on schema lab to public; set role bob;
  create function lab.f() returns int language sql immutable as 'select 1'; create function lab.f(int) returns boolean language sql immutable as 'select true';
  create function lab.pair(int, int) returns int language sql as 'select 1'; create operator lab.### (leftarg = int, rightarg = int, function = lab.pair);
  create function lab.fire() returns trigger language plpgsql as 'begin return new; end';
  create type lab.mood as enum ('a'); create function lab.to_int(lab.mood) returns int language sql as 'select 1'; create cast (lab.mood as int) with function lab.to_int(lab.mood);
  create view lab.v as select 1 as i; grant select on lab.v to public; create domain lab.d as int;
  reset role;
`;

const installers: readonly [who: string, administrator: (server: Server) => Promise<Administrator>][] = [
  ['a superuser', async (server) => superuserOf(server)],
  ['an administrator who is no superuser', plainAdministrator],
];

type Row = Record<string, unknown>;
/** The results of a script, each by the head of its first column. */
async function results(client: pg.Client, sql: string): Promise<ReadonlyMap<string, readonly Row[]>> {
  const answered: pg.QueryResult<Row> | pg.QueryResult<Row>[] = await client.query<Row>(sql);
  return new Map([answered].flat().flatMap(({ fields, rows }) => (fields[0] === undefined ? [] : [[fields[0].name, rows] as const])));
}

/** Everything that says who owns what and may do what, in the database and among the roles. */
const catalogue = (server: Server, database = DATABASE): Promise<unknown> =>
  using(server, superuserOf(server), database, async (client) =>
    [
      ...(
        await results(
          client,
          `select 'schema' as schema, nspname, nspowner::regrole, (select array_agg(a::text order by a::text) from unnest(coalesce(nspacl, acldefault('n', nspowner))) a), obj_description(oid, 'pg_namespace')
             from pg_namespace where nspname !~ '^pg_(temp|toast)' order by nspname;
           select 'relation' as relation, oid::regclass, relkind, relowner::regrole, (select array_agg(a::text order by a::text) from unnest(coalesce(relacl, acldefault(case relkind when 'S' then 's'::"char" else 'r' end, relowner))) a)
             from pg_class where relnamespace::regnamespace::text !~ '^(pg_|information_schema)' order by oid;
           select 'column' as column, attrelid::regclass, attname, attacl from pg_attribute where attacl is not null order by 2, 3;
           select 'routine' as routine, oid::regprocedure, proowner::regrole, (select array_agg(a::text order by a::text) from unnest(coalesce(proacl, acldefault('f', proowner))) a)
             from pg_proc where pronamespace::regnamespace::text !~ '^(pg_|information_schema)' order by oid;
           select 'type' as type, oid::regtype, typowner::regrole from pg_type where typnamespace::regnamespace::text !~ '^(pg_|information_schema)' order by oid;
           select 'other' as other, pg_describe_object(classid, objid, objsubid), refobjid::regrole, deptype from pg_shdepend where refclassid = 'pg_authid'::regclass and deptype in ('o', 'r')
              and dbid = (select oid from pg_database where datname = current_database()) order by 2, 3;
           select 'default' as default, defaclrole::regrole, defaclnamespace::regnamespace, defaclobjtype, defaclacl from pg_default_acl order by 2, 3;
           select 'member' as member, m::text from pg_auth_members m order by 2;
           select 'role' as role, r::text, shobj_description(oid, 'pg_authid') from pg_roles r order by 2`,
        )
      ).entries(),
    ].flatMap(([kind, rows]) => rows.map((row) => `${kind}: ${JSON.stringify(Object.values(row).slice(1))}`)),
  );

/** A statement, or a whole script, by somebody; the message of its refusal. */
const refusal = (server: Server, who: Administrator, sql: string): Promise<string> =>
  using(server, who, DATABASE, (client) => client.query(sql)).then(
    () => 'done',
    (error: Error) => error.message,
  );

/** Old schemas of a company: looked at, and handed over by name; on a server of each major, by each kind of administrator. */
export function describeLeftovers(majors: readonly Major[]): void {
  describe.each(majors)('on PostgreSQL %i', (major) => {
    describe.each(installers)('by %s', (who, administrator) => {
      const isSuperuser = who === 'a superuser';
      let server: Server;
      let admin: Administrator;
      let passwords: ReadonlyMap<string, string>;
      const identity = (login: string): Administrator => ({ login, password: passwords.get(login) ?? '' });
      const look = (): Promise<ReadonlyMap<string, readonly Row[]>> => using(server, admin, DATABASE, (client) => results(client, LOOK));
      const found = async (number: number): Promise<readonly Row[]> => [...(await look())].find(([head]) => head.startsWith(`${number}. `))?.[1] ?? [];
      const values = (rows: readonly Row[], ...columns: number[]): unknown[][] => rows.map((row) => columns.map((column) => Object.values(row)[column]));
      const adopt = (names: string): Promise<ReadonlyMap<string, readonly Row[]>> =>
        using(server, admin, DATABASE, async (client) => {
          await client.query("select set_config('dbt_envs.leftovers', $1, false)", [names]);
          return results(client, ADOPT);
        });
      const adopted = async (names: string): Promise<unknown[][]> => values((await adopt(names)).get('Handed over: schema') ?? [], 0, 1, 2, 3, 6);
      const undo = async (given: ReadonlyMap<string, readonly Row[]>): Promise<void> => {
        const statements = values(given.get('To undo it, run this as the same login') ?? [], 0).flat();
        expect(statements.length).toBeGreaterThan(3);
        await using(server, admin, DATABASE, (client) => client.query(statements.join('\n')));
      };
      const schemas = (): Promise<unknown[]> =>
        using(server, superuserOf(server), DATABASE, async (client) =>
          (await client.query<Row>('select nspname from pg_namespace order by oid')).rows.map(({ nspname }) => nspname),
        );

      beforeAll(async () => {
        server = await startServer({ major });
        admin = await administrator(server);
        await using(server, admin, 'postgres', (client) =>
          client.query(
            'create role shared login; create role ghost login; create role bob login; create role priya login; create role sam login; create role tableau login; create role bi; grant bi to tableau',
          ),
        );
        await createDatabase(server, DATABASE, admin, BEFORE);
        await asSuperuser(server, DATABASE, COMPANY);
        passwords = await setPasswords(server, ['shared', 'ghost', 'bob', 'tableau']);
      });
      afterAll(() => server?.stop());

      describe('00_look, where nothing of ours is there', () => {
        test('changes nothing, and every result says in its head what it is', async () => {
          const before = await catalogue(server);
          const heads = [...(await look()).keys()];
          expect(heads.map((head) => Number(/^(\d+)\. /.exec(head)?.[1]))).toEqual(Array.from({ length: 12 }, (_, at) => at + 1));
          expect(await catalogue(server)).toEqual(before);
          expect(LOOK).toMatch(/^BEGIN READ ONLY;$/m);
          expect(await refusal(server, admin, LOOK.replace(/^ROLLBACK;$/m, 'CREATE TABLE public.planted (i int);'))).toContain('read-only transaction');
        });

        test('lists exactly what is left over, with owner and size, and whose name it has', async () => {
          const rows = await found(10);
          expect(values(rows, 0, 1).sort()).toEqual(OLD.map(([schema, owner]) => [schema, owner]).sort());
          for (const one of OTHERS) expect(values(rows, 0).flat()).not.toContain(one);
          const sizes = await using(server, superuserOf(server), DATABASE, (client) =>
            client.query<Row>(
              `select n.nspname, count(c.oid) as relations, pg_size_pretty(coalesce(sum(pg_total_relation_size(c.oid)) filter (where c.relkind in ('r', 'm')), 0)) as size
               from pg_namespace n left join pg_class c on c.relnamespace = n.oid and c.relkind in ('r', 'v', 'm', 'p') group by 1`,
            ),
          );
          const sizeOf = new Map(sizes.rows.map(({ nspname, relations, size }) => [nspname, [relations, size]]));
          for (const [schema, relations, size] of values(rows, 0, 2, 3)) expect([relations, size], String(schema)).toEqual(sizeOf.get(schema));
          const whole = new Map(values(rows, 0, 4).map(([schema, name]) => [schema, name]));
          expect(['dev_priya', 'dev_tools_x', 'pr_500', 'pr_0', 'dev_sam_marts', 'PR_9', 'dev'].map((schema) => whole.get(schema))).toEqual([
            'of priya',
            'of nobody on the roster',
            'of a pull request',
            'no',
            'of nobody on the roster',
            'no',
            'no',
          ]);
        });

        test('says which of them production reads', async () => {
          await asSuperuser(server, DATABASE, 'create view analytics.on_ghost as select id from dev_ghost.t0');
          const rows = await found(10);
          await asSuperuser(server, DATABASE, 'drop view analytics.on_ghost');
          expect(rows.filter(({ production_reads_it_in: views }) => views !== null).map((row) => Object.values(row)[0])).toEqual(['dev_ghost']);
          expect(rows.find(({ production_reads_it_in: views }) => views !== null)?.production_reads_it_in).toBe('analytics.on_ghost');
        });

        test('says whether this login is enough for the scripts, and what it may not see', async () => {
          await asSuperuser(server, DATABASE, 'alter view analytics.v owner to postgres');
          const needed = await found(1);
          await asSuperuser(server, DATABASE, 'alter view analytics.v owner to shared');
          const answers = new Map(values(needed, 0, 3).map(([what, enough]) => [String(what), String(enough)]));
          expect(answers.get('to act for shared')).toBe('yes');
          expect(answers.get(`to own database ${DATABASE}`)).toBe('yes');
          expect(answers.get('to see the sessions and statements of others')).toMatch(
            isSuperuser ? /^yes$/ : /^NO: have GRANT pg_read_all_stats TO cloud_admin run/,
          );
          expect(answers.get('to act for postgres')).toMatch(isSuperuser ? /^yes$/ : /^NO: run 90 as a superuser$/);
          const bob = await using(server, identity('bob'), DATABASE, (client) => results(client, LOOK));
          expect(
            values([...bob][0]?.[1] ?? [], 3)
              .flat()
              .filter((enough) => enough === 'yes'),
          ).toHaveLength(1);
        });

        test('says who built, wrote and reads production, and what hangs on it', async () => {
          expect(values(await found(3), 0, 1, 2, 3)).toEqual([
            ['analytics', 'shared', 'shared', '2'],
            ['staging', 'not there: 20_boundary.sql makes it', null, '0'],
          ]);
          await expect.poll(async () => values(await found(4), 0, 1, 2, 3, 4)).toEqual([['analytics.fct_revenue', 'shared', '500', '7', '0']]);
          expect(values(await found(7), 0, 1, 2, 3, 4, 5, 6)).toEqual([
            ['bi', 'analytics', '1', '2', '0', true, 'tableau'],
            ['tableau', 'analytics', '0', '2', '1', true, null],
          ]);
          expect(values(await found(8), 0, 1, 2, 3, 4)).toEqual([['shared', 'analytics', 'tables', 'bi', 'SELECT']]);
          expect(values(await found(9), 0, 1, 3)).toEqual([
            ['function', 'analytics.audit()', 'plpgsql'],
            ['policy', 'everybody on analytics.fct_revenue', 'for bi'],
            ['trigger', 'audited on analytics.fct_revenue', 'calls analytics.audit()'],
            ['view elsewhere', 'product.revenue', 'reads analytics.fct_revenue'],
          ]);
          expect(values(await found(12), 0).flat()).toContain('write functions in sql, where it may create anything');
        });

        test('names a login that several programs share, and marks the owner of production', async () => {
          const tools = await Promise.all(
            ['tableau desktop', 'airflow'].map(async (program) => {
              const client = await server.connect('shared', passwords.get('shared') ?? '', DATABASE);
              await client.query(`set application_name = '${program}'`);
              return client;
            }),
          );
          const other = await server.connect('bob', passwords.get('bob') ?? '', DATABASE);
          const rows = await found(6);
          for (const client of [...tools, other]) await client.end();
          const address = isSuperuser ? '127.0.0.1' : 'hidden from this login';
          expect(
            values(
              rows.filter((row) => ['shared', 'bob'].includes(String(Object.values(row)[0]))),
              0,
              1,
              2,
              3,
              4,
              6,
            ),
          ).toEqual([
            ['shared', true, 'airflow', address, '1', true],
            ['shared', true, 'tableau desktop', address, '1', true],
            ['bob', false, '', address, '1', false],
          ]);
        });

        // The servers of the tests do not ship pg_stat_statements: a view of its columns stands in for it.
        test('counts who wrote production by statement, where pg_stat_statements is there, and says so where it is not', async () => {
          expect(String(values(await found(5), 0)[0])).toMatch(/^unknown: PostgreSQL itself keeps no such history/);
          const told = [
            ['shared', 'insert into analytics.fct_revenue values ($1)', 3, 30],
            ['shared', '/* {"app": "dbt"} */ create table "warehouse"."analytics"."fct__dbt_tmp" as (select 1)', 2, 0],
            ['bob', 'INSERT INTO ANALYTICS.fct_revenue SELECT $1', 1, 1],
            ['bob', 'with x as (select 1) delete from only staging.t using x', 1, 4],
            ['bob', 'select * into analytics.copy from raw.orders', 1, 1],
            ['priya', 'insert into dev_priya.t0 select id from analytics.fct_revenue', 1, 1],
            ['priya', 'select * from analytics.fct_revenue', 5, 5],
            ['priya', 'insert into analytics_old.t values ($1)', 1, 1],
            ['priya', 'copy analytics.fct_revenue (id) to stdout', 1, 1],
            ['sam', '<insufficient privilege>', 9, 9],
          ];
          const statements = told.map(
            ([login, query, calls, rows]) =>
              `select (select oid from pg_roles where rolname = '${login}') as userid, (select oid from pg_database where datname = '${DATABASE}') as dbid, '${query}' as query, ${calls}::bigint as calls, ${rows}::bigint as rows`,
          );
          await asSuperuser(
            server,
            DATABASE,
            `create schema monitoring; create view monitoring.pg_stat_statements as ${statements.join(' union all ')};
           grant usage on schema monitoring to public; grant select on monitoring.pg_stat_statements to public;
           insert into pg_extension select 4000000000, 'pg_stat_statements', 10, 'monitoring'::regnamespace, false, '1.10'`,
          );
          const counted = values(await found(5), 0, 1, 2, 3, 4);
          await asSuperuser(
            server,
            DATABASE,
            `create or replace view monitoring.pg_stat_statements as select userid, dbid, case calls when 0 then '' else (1 / (calls - calls))::text end as query, calls, rows from (${statements.join(' union all ')}) as s`,
          );
          const broken = values(await found(5), 0).flat();
          await asSuperuser(server, DATABASE, "delete from pg_extension where extname = 'pg_stat_statements'; drop schema monitoring cascade");
          expect(counted).toEqual([
            ['bob', 'delete', 'staging', '1', '4'],
            ['bob', 'insert', 'analytics', '1', '1'],
            ['bob', 'select into', 'analytics', '1', '1'],
            ['sam', 'hidden from this login', null, '9', '9'],
            ['shared', 'insert', 'analytics', '3', '30'],
            ['shared', 'create', 'analytics', '2', '0'],
          ]);
          expect(broken).toEqual(['unknown: extension pg_stat_statements is there, but: division by zero']);
        });

        test('names the roles and the schema whose names are taken', async () => {
          await asSuperuser(server, DATABASE, "create role acme_reader; comment on role acme_reader is 'of another team'; create schema acme_door");
          const rows = await found(11);
          await asSuperuser(server, DATABASE, 'drop role acme_reader; drop schema acme_door');
          expect(values(rows, 0, 1, 3)).toEqual([
            ['role', 'acme_reader', 'of another team'],
            ['schema', 'acme_door', null],
          ]);
        });
      });

      describe('adopt_leftovers', () => {
        beforeAll(async () => {
          expect(await refusal(server, admin, `set dbt_envs.leftovers = 'dev_ghost'; ${ADOPT}`)).toMatch(/Run grants\/10_roles\.sql/);
          await install(server, admin, DATABASE);
          passwords = new Map([...passwords, ...(await setPasswords(server, ['priya', 'sam', 'anna', 'acme_ci_service', 'acme_janitor']))]);
        });

        test('without names does nothing, and says how to give them', async () => {
          const before = await catalogue(server);
          expect(await refusal(server, admin, ADOPT)).toBe(
            "No schema was named, and nothing is changed. Name them in the same session before this file: SET dbt_envs.leftovers = 'dev_ghost, dbt_sam as dev_sam';",
          );
          expect(await refusal(server, admin, `set dbt_envs.leftovers = ' '; ${ADOPT}`)).toMatch(/^No schema was named/);
          expect(await catalogue(server)).toEqual(before);
        });

        const refused: readonly (readonly [what: string, names: string, reasons: readonly string[], plant?: string, remove?: string])[] = [
          ['a schema that is not there', 'pr_4711', ['pr_4711: there is no such schema; grants/00_look.sql lists what there is']],
          ['production', 'analytics as dev_a', ['analytics: is production, which is never handed over']],
          ['a source', 'raw as dev_a', ['raw: is a source, which is never handed over']],
          ['the door', 'acme_door as dev_a', ['acme_door: is the door of a project, which is never handed over']],
          ['public', 'public as dev_a', ["public: is everybody's, which is never handed over"]],
          [
            "PostgreSQL's own",
            'pg_catalog as dev_a, information_schema as dev_b',
            ["pg_catalog: is PostgreSQL's own", "information_schema: is PostgreSQL's own"],
          ],
          [
            'what is no whole name',
            'dbt_sam, product',
            [
              'dbt_sam: dbt_sam is no whole name: write dbt_sam as dev_<slug>, of at most 30 characters, or as pr_<number>',
              'product: product is no whole name',
            ],
          ],
          [
            'a new name that is no whole name',
            'dbt_sam as sam_dev, pr_501 as pr_0501',
            ['dbt_sam: sam_dev is no whole name', 'pr_501: pr_0501 is no whole name'],
          ],
          ['a slug that is too long', `dbt_sam as dev_${'x'.repeat(31)}`, [`dbt_sam: dev_${'x'.repeat(31)} is no whole name`]],
          ['a new name that exists', 'dbt_sam as dev_priya', ['dbt_sam: schema dev_priya exists: choose another new name']],
          ['a name twice', 'pr_501, pr_501', ['pr_501: is named twice: once is enough']],
          ['one new name for two', 'dbt_sam as pr_8, tmp_load as pr_8', ['tmp_load: pr_8 is the new name of two schemas: choose another']],
          [
            'a name that has to be quoted',
            'dev_ghost, PR_9 as pr_9',
            ['PR_9 as pr_9: write schema, schema as dev_<slug> or schema as pr_<number>, commas between; what is not plain lower case goes in double quotes'],
          ],
          ['what cannot be read', 'dev_ghost pr_501', ['dev_ghost pr_501: write schema']],
          ['what is written to do something else', 'dev_ghost; drop schema product', ['dev_ghost; drop schema product: write schema']],
          [
            'what a view of production reads',
            'dev_ghost',
            ['dev_ghost: view analytics.on_ghost depends on it and would be dropped with it: drop or change that first'],
            'create view analytics.on_ghost as select id from dev_ghost.t0',
            'drop view analytics.on_ghost',
          ],
          [
            'what a view reads through another view',
            'pr_501',
            ['pr_501: view product.far depends on it'],
            'create view pr_501.near as select * from pr_501.t0; alter view pr_501.near owner to bob; create view product.far as select * from pr_501.near',
            'drop view pr_501.near cascade',
          ],
          [
            'what a table refers to, takes its type or its default from, or a trigger calls',
            'pr_500',
            [
              'pr_500: constraint part_id_fkey on table product.part depends on it',
              'pr_500: column k of table product.part depends on it',
              'pr_500: default value for column n of table product.part depends on it',
              'pr_500: trigger called on table product.part depends on it',
              'pr_500: event trigger guard depends on it',
            ],
            `set role shared; alter table pr_500.t0 add primary key (id); create type pr_500.kind as enum ('a'); create sequence pr_500.s;
           create function pr_500.call() returns trigger language plpgsql as 'begin return new; end'; create function pr_500.guard() returns event_trigger language plpgsql as 'begin end';
           reset role; create table product.part (id int references pr_500.t0, k pr_500.kind, n int default nextval('pr_500.s'));
           create trigger called before insert on product.part for each row execute function pr_500.call();
           create event trigger guard on ddl_command_end when tag in ('CREATE PUBLICATION') execute function pr_500.guard()`,
            `drop event trigger guard; drop table product.part; drop type pr_500.kind; drop sequence pr_500.s; drop function pr_500.call, pr_500.guard; alter table pr_500.t0 drop constraint t0_pkey`,
          ],
          [
            'what another project owns, or owns part of',
            'pr_501, pr_500',
            ['pr_501: beta_env_owner of another project owns it', 'pr_500: beta_env_owner of another project owns part of it'],
            "create role beta_env_owner; comment on role beta_env_owner is 'dbt-envs: project beta'; alter schema pr_501 owner to beta_env_owner; alter table pr_500.t0 owner to beta_env_owner",
            'alter schema pr_501 owner to bob; alter table pr_500.t0 owner to shared; drop role beta_env_owner',
          ],
          [
            'what belongs to the owner of production',
            'pr_501',
            ['pr_501: belongs to acme_prod_owner, as production does'],
            'alter schema pr_501 owner to acme_prod_owner',
            'alter schema pr_501 owner to bob',
          ],
          [
            'a schema in which an extension lives, and one that an extension made',
            'pr_501, dev_ghost',
            ['pr_501: extension plpgsql is in it', 'dev_ghost: extension plpgsql made it'],
            `update pg_extension set extnamespace = 'pr_501'::regnamespace where extname = 'plpgsql';
           insert into pg_depend select 'pg_namespace'::regclass, 'dev_ghost'::regnamespace, 0, 'pg_extension'::regclass, oid, 0, 'e' from pg_extension where extname = 'plpgsql'`,
            `update pg_extension set extnamespace = 'pg_catalog'::regnamespace where extname = 'plpgsql';
           delete from pg_depend where classid = 'pg_namespace'::regclass and objid = 'dev_ghost'::regnamespace and deptype = 'e'`,
          ],
          [
            'code that would run with the rights of its next owner',
            'pr_501',
            ['pr_501: pr_501.trap() runs with the rights of its owner: drop it, or make it SECURITY INVOKER'],
            "set role bob; create function pr_501.trap() returns int language sql security definer as 'select 1'",
            'drop function pr_501.trap()',
          ],
          [
            'what calls a function of somebody else, which would run as its next owner',
            'dbt_sam as dev_sam',
            [
              'view dbt_sam.v',
              'trigger fired on table dbt_sam.t',
              'default value for column i of table dbt_sam.t',
              'constraint checked on table dbt_sam.t',
              'policy passed on table dbt_sam.t',
              'rule also on table dbt_sam.t',
              'index dbt_sam.sorted',
              'function dbt_sam.parsed()',
              'operator dbt_sam.###(integer,integer)',
              'view dbt_sam.cast_to',
            ]
              .map((what) => `dbt_sam: ${what} uses function lab.`)
              .concat(
                'dbt_sam: view dbt_sam.compared uses function lab.pair(integer,integer), which bob wrote and sam would run: drop the one, or read the other and hand it to sam first',
              )
              .concat('dbt_sam: view dbt_sam.inside uses function dbt_sam.own()'),
            `${LAB} set role shared;
             create view dbt_sam.v as select lab.f() as x; create table dbt_sam.t (i int default lab.f() constraint checked check (lab.f(i)));
             create trigger fired before insert on dbt_sam.t for each row execute function lab.fire(); alter table dbt_sam.t enable row level security;
             create policy passed on dbt_sam.t using (lab.f(i)); create rule also as on update to dbt_sam.t do also select lab.f(); create index sorted on dbt_sam.t (lab.f(i));
             create function dbt_sam.parsed() returns int begin atomic select lab.f(); end; create operator dbt_sam.### (leftarg = int, rightarg = int, function = lab.pair);
             create view dbt_sam.compared as select 1 operator(lab.###) 1 as x; create view dbt_sam.cast_to as select ('a'::lab.mood)::int as x;
             create function dbt_sam.own() returns int language sql as 'select 1'; create view dbt_sam.inside as select dbt_sam.own() as x`,
            'drop view dbt_sam.v, dbt_sam.compared, dbt_sam.cast_to, dbt_sam.inside; drop table dbt_sam.t; drop function dbt_sam.parsed, dbt_sam.own; drop operator dbt_sam.### (int, int); drop schema lab cascade',
          ],
          [
            'what reads a view or has a domain of somebody else, who could have it call anything',
            'dbt_sam as dev_sam',
            [
              'dbt_sam: view dbt_sam.v uses view lab.v, which bob wrote and sam would run: drop the one, or read the other and hand it to sam first',
              'dbt_sam: column i of table dbt_sam.t uses type lab.d, which bob wrote',
              'dbt_sam: column j of table dbt_sam.t uses type lab.d, which bob wrote',
            ],
            `${LAB} set role shared; create view dbt_sam.v as select * from lab.v; create table dbt_sam.t (i lab.d, j lab.d[])`,
            'drop view dbt_sam.v; drop table dbt_sam.t; drop schema lab cascade',
          ],
        ];
        test.each(refused.map(([what, names, reasons, plant = 'select 1', remove = 'select 1']) => ({ what, names, reasons, plant, remove })))(
          'refuses $what, and hands over nothing else that is named',
          async ({ names, reasons, plant, remove }) => {
            await asSuperuser(server, DATABASE, plant);
            const before = await catalogue(server);
            const message = await adopt(`pr_502, ${names}`).then(
              () => 'done',
              (error: Error) => error.message,
            );
            const after = await catalogue(server);
            await asSuperuser(server, DATABASE, remove);
            const [head, ...lines] = message.split('\n').filter((line) => !line.includes('may not act for beta_env_owner'));
            expect(head).toBe('Nothing was handed over.');
            for (const reason of reasons) expect(lines.map((line) => line.slice(0, reason.length))).toContain(reason);
            expect(lines).toHaveLength(reasons.length);
            expect(after).toEqual(before);
          },
        );

        test('takes along what calls functions of PostgreSQL, a superuser, an extension or the next owner, or is read by nobody, and views of production', async () => {
          await asSuperuser(
            server,
            DATABASE,
            `${LAB} create function lab.of_root() returns int language sql as 'select 1'; create function lab.of_sam() returns int language sql as 'select 1'; alter function lab.of_sam() owner to sam;
             create function lab.shipped() returns int language sql as 'select 1'; alter function lab.shipped() owner to bob;
             insert into pg_depend select 'pg_proc'::regclass, 'lab.shipped()'::regprocedure, 0, 'pg_extension'::regclass, oid, 0, 'e' from pg_extension where extname = 'plpgsql';
             create function lab.read() returns int language sql as 'select 1'; alter function lab.read() owner to bob; set role shared; create view dbt_sam.read as select lab.read() as x;
             create view dbt_sam.w as select lab.of_root() + lab.of_sam() + lab.shipped() + length(upper('x')) as x; create view dbt_sam.p as select * from analytics.v; set role ghost; create view dev_ghost.v as select lab.f() as x`,
          );
          const before = await catalogue(server);
          await expect(adopt('dbt_sam as dev_sam, dev_ghost')).rejects.toThrow(
            /^Nothing was handed over\.\ndbt_sam: view dbt_sam\.read uses function lab\.read\(\), which bob wrote and sam would run: [^\n]*$/,
          );
          expect(await catalogue(server)).toEqual(before);
          await asSuperuser(server, DATABASE, 'alter function lab.read() owner to sam');
          const given = await adopt('dbt_sam as dev_sam, dev_ghost');
          expect(values(given.get('Handed over: schema') ?? [], 0, 3)).toEqual([
            ['dev_sam', 'sam'],
            ['dev_ghost', 'nobody'],
          ]);
          await undo(given);
          await asSuperuser(
            server,
            DATABASE,
            "drop view dbt_sam.w, dbt_sam.p, dbt_sam.read, dev_ghost.v; delete from pg_depend where classid = 'pg_proc'::regclass and objid = 'lab.shipped()'::regprocedure and deptype = 'e'; drop schema lab cascade",
          );
        });

        test('waits for the door, which is using a schema of that name just now', async () => {
          const busy = await server.connect(server.superuser, server.password, DATABASE);
          try {
            await busy.query("insert into acme_door.environment (schema_name, created_by) values ('pr_4712', 'bob')");
            await busy.query("begin; update acme_door.environment set last_used_at = now() where schema_name = 'pr_4712'");
            const asked = adopt('tmp_load as pr_4712').then(
              () => 'done',
              (error: Error) => error.message,
            );
            const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and usename = '${admin.login}'`;
            const count = (sql: string): Promise<number | null> =>
              using(server, superuserOf(server), DATABASE, async (client) => (await client.query(sql)).rowCount);
            await expect.poll(() => count(waiting), { timeout: 20_000 }).toBe(1);
            await busy.query('create schema pr_4712; commit');
            expect(await asked).toBe('Nothing was handed over.\ntmp_load: schema pr_4712 exists: choose another new name');
            await busy.query("drop schema pr_4712; delete from acme_door.environment where schema_name = 'pr_4712'");
          } finally {
            await busy.end();
          }
        });

        test('refuses what the administrator may not act for, and names the way out', async () => {
          await asSuperuser(server, DATABASE, 'create role stranger; alter schema pr_501 owner to stranger; alter schema dev_ghost owner to postgres');
          const before = await catalogue(server);
          const message = await adopt('dev_ghost, pr_501').then(
            () => 'done',
            (error: Error) => error.message,
          );
          if (isSuperuser) expect(message).toBe('done');
          else {
            expect(message).toMatch(/^dev_ghost: cloud_admin may not act for postgres, who owns it: run this as a superuser$/m);
            // Up to PostgreSQL 15, CREATEROLE is enough for everybody but superusers.
            if (major >= 16)
              expect(message).toContain(
                'pr_501: cloud_admin may not act for stranger, who owns it: run this as a superuser, or have one run GRANT stranger TO cloud_admin WITH ADMIN OPTION',
              );
            else expect(message).not.toContain('stranger');
            expect(await catalogue(server)).toEqual(before);
            await asSuperuser(server, DATABASE, 'alter schema dev_ghost owner to ghost; grant stranger to cloud_admin with admin option');
            await adopt('dev_ghost, pr_501');
          }
          await asSuperuser(
            server,
            DATABASE,
            `alter schema pr_501 owner to bob; revoke usage on schema pr_501 from acme_developer, acme_reviewer; revoke all on schema pr_501 from acme_ci_service; alter table pr_501.t0 owner to bob; alter table pr_501.t1 owner to bob;
           alter schema dev_ghost owner to ghost; delete from acme_door.environment; drop owned by stranger; drop role stranger`,
          );
        });

        const NAMES = 'dev_ghost, pr_500, dbt_sam as dev_sam, "Weird, ""Name""" AS pr_7 , dev_priya, dev_tools_x,';
        const EXPECTED = [
          ['dev_ghost', 'dev_ghost', 'ghost', 'nobody'],
          ['pr_500', 'pr_500', 'shared', 'acme_ci_service'],
          ['dev_sam', 'dbt_sam', 'shared', 'sam'],
          ['pr_7', 'Weird, "Name"', 'bob', 'acme_ci_service'],
          ['dev_priya', 'dev_priya', 'shared', 'priya'],
          ['dev_tools_x', 'dev_tools_x', 'bob', 'nobody'],
        ] as const;

        test('hands over by name, a second time nothing more, and what it prints undoes it', async () => {
          const before = await catalogue(server);
          const first = await adopt(NAMES);
          expect(values(first.get('Handed over: schema') ?? [], 0, 1, 2, 3)).toEqual(EXPECTED);
          const after = await catalogue(server);
          expect(after).not.toEqual(before);
          expect((await adopted(NAMES)).map((row) => row[4])).toEqual(EXPECTED.map(() => "was this project's already"));
          expect(await catalogue(server)).toEqual(after);
          await undo(first);
          expect(await catalogue(server)).toEqual(before);
          expect(await using(server, superuserOf(server), DATABASE, async (client) => (await client.query('select from acme_door.environment')).rowCount)).toBe(
            0,
          );
        });

        test('nobody but the rightful user gets in, and everything in it is theirs', async () => {
          await adopt(NAMES);
          const rights = await using(server, superuserOf(server), DATABASE, async (client) =>
            (
              await client.query<Row>(
                `select nspname || ' ' || case grantee when 0 then 'PUBLIC' else grantee::regrole::text end || ' ' || string_agg(privilege_type || case when is_grantable then '*' else '' end, ',' order by privilege_type) as line
                 from pg_namespace, aclexplode(nspacl) where nspowner = to_regrole('acme_env_owner') and nspname <> 'acme_door' and grantee <> nspowner group by nspname, grantee order by 1`,
              )
            ).rows.map(({ line }) => line),
          );
          const ofPullRequest = (pr: string): string[] => [`${pr} acme_ci_service CREATE,USAGE`, `${pr} acme_developer USAGE`, `${pr} acme_reviewer USAGE`];
          expect(rights).toEqual(['dev_priya priya CREATE,USAGE', 'dev_sam sam CREATE,USAGE', ...ofPullRequest('pr_500'), ...ofPullRequest('pr_7')]);
          const owners = await using(server, superuserOf(server), DATABASE, async (client) =>
            (
              await client.query<Row>(
                `select distinct n.nspname || ' ' || o.owner::regrole as line from pg_namespace n join (
                 select relnamespace as schema, relowner as owner from pg_class union select pronamespace, proowner from pg_proc p where not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i') union select typnamespace, typowner from pg_type where typtype <> 'm' and typelem = 0 union select oprnamespace, oprowner from pg_operator
                 union select collnamespace, collowner from pg_collation union select stxnamespace, stxowner from pg_statistic_ext union select cfgnamespace, cfgowner from pg_ts_config) o on o.schema = n.oid
                where n.nspowner = to_regrole('acme_env_owner') and n.nspname <> 'acme_door' order by 1`,
              )
            ).rows.map(({ line }) => line),
          );
          expect(owners).toEqual(['dev_ghost ghost', 'dev_priya priya', 'dev_sam sam', 'dev_tools_x bob', 'pr_500 acme_ci_service']);
          for (const [login, table] of [
            ['bob', 'dev_priya.t2'],
            ['shared', 'dev_priya.t0'],
            ['ghost', 'dev_ghost.t0'],
            ['sam', 'dev_priya.t0'],
          ] as const) {
            expect(await refusal(server, identity(login), `select * from ${table}`), login).toMatch(/^permission denied for schema dev_/);
          }
        });

        test("code that somebody left behind never runs with the rights of the door's owner", async () => {
          // ANALYZE computes the expressions of indexes as the owner of the table.
          await asSuperuser(
            server,
            DATABASE,
            `create function dev_ghost.try() returns int language plpgsql as $$ begin insert into acme_door.developer values ('ghost', 'ghost') on conflict do nothing; return 1; exception when insufficient_privilege then return 1; end $$;
           create function dev_ghost.climb(int) returns int language plpgsql immutable as $$ begin perform dev_ghost.try(); return $1; end $$;
           create table dev_ghost.bait as select g as id from generate_series(1, 100) g; alter table dev_ghost.bait owner to ghost;
           grant usage on schema dev_ghost to ghost; create index on dev_ghost.bait (dev_ghost.climb(id)); revoke usage on schema dev_ghost from ghost`,
          );
          const climbed = (): Promise<number | null> =>
            using(
              server,
              superuserOf(server),
              DATABASE,
              async (client) => (await client.query("select from acme_door.developer where login = 'ghost'")).rowCount,
            );
          expect(await refusal(server, superuserOf(server), 'analyze dev_ghost.bait')).toBe('permission denied for schema dev_ghost');
          expect(await climbed()).toBe(0);
          await asSuperuser(server, DATABASE, 'alter table dev_ghost.bait owner to acme_env_owner');
          await asSuperuser(server, DATABASE, 'analyze dev_ghost.bait');
          const planted = await climbed();
          await asSuperuser(
            server,
            DATABASE,
            "delete from acme_door.developer where login = 'ghost'; drop table dev_ghost.bait; drop function dev_ghost.climb, dev_ghost.try",
          );
          expect(planted, 'the attack would work if the table had changed hands').toBe(1);
        });

        test('its user goes on in it: priya, and ci', async () => {
          expect(
            await refusal(
              server,
              identity('priya'),
              "call acme_door.create_schema('dev_priya'); drop table dev_priya.t1; create table dev_priya.t1 (i int); create or replace function dev_priya.f(int) returns int language sql as 'select 2'",
            ),
          ).toBe('done');
          expect(
            await refusal(
              server,
              identity('acme_ci_service'),
              "call acme_door.create_schema('pr_500'); drop table pr_500.t0; create table pr_500.t0 as select 1 as id",
            ),
          ).toBe('done');
          expect(await refusal(server, identity('anna'), 'select * from pr_500.t0')).toBe('done');
          expect(
            await refusal(
              server,
              identity('sam'),
              "call acme_door.drop_schema('dev_sam'); call acme_door.create_schema('dev_sam'); create table dev_sam.t (i int)",
            ),
          ).toBe('done');
        });

        test('its birthday is today, and the janitor drops it and nothing else', async () => {
          const ages = await using(
            server,
            superuserOf(server),
            DATABASE,
            async (client) =>
              (
                await client.query<Row>(
                  "select schema_name from acme_door.environment where last_used_at < now() - interval '1 hour' or created_at > last_used_at",
                )
              ).rows,
          );
          expect(ages).toEqual([]);
          const before = await schemas();
          const drop = (schema: string): Promise<string> => refusal(server, identity('acme_janitor'), `call acme_door.drop_schema('${schema}', now())`);
          for (const [schema] of EXPECTED) expect(await drop(schema)).toMatch(`schema ${schema} was used at`);
          await asSuperuser(server, DATABASE, "update acme_door.environment set last_used_at = now() - interval '40 days'");
          for (const [schema] of EXPECTED) expect(await drop(schema)).toBe('done');
          for (const schema of ['pr_501', 'pr_502']) expect(await drop(schema)).toMatch(`permission denied: schema ${schema} belongs to`);
          for (const schema of ['product', 'device_events', 'private_x', 'dev', 'analytics']) expect(await drop(schema)).toMatch(/^permission denied/);
          const gone: readonly unknown[] = EXPECTED.map(([schema]) => schema);
          expect(await schemas()).toEqual(before.filter((schema) => !gone.includes(schema)));
          expect(values(await found(10), 0).flat()).toHaveLength(OLD.length - 5);
        });
      });
    });
  });
}
