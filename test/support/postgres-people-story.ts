import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { plan } from '../../src/plan.ts';
import { parseAnswers } from '../../src/questions.ts';
import { installers } from './postgres-boundary.ts';
import { type Administrator, asSuperuser, createDatabase, install, run, serverEngine, setPasswords, superuserOf, using } from './postgres-engine.ts';
import { furnish, identities, MATRIX_ANSWERS, type Parted, type Script, scripts, surprises, tryAll } from './postgres-matrix.ts';
import { type Major, type Server, startServer } from './postgres-server.ts';

const DATABASE = 'warehouse';
const BETA = { projectName: 'beta', team: 'bob, dee, flo', readers: '', sourceSchemas: '' };
const left = (slug: string, login = slug): Parted => ({ slug, login, left: '2026-03-31' });
const script = (name: string, team = '', leavers: readonly Parted[] = []): Script => {
  const path = `grants/${name}.sql`;
  // The generator refuses a role of the project's own as a login; the scripts have to refuse it by themselves too.
  const own = /^acme_/.exec(leavers.map(({ login }) => login).join());
  const planned = leavers.map((one) => ({ ...one, login: own ? 'stand_in' : one.login }));
  const sql = scripts({ team: `${MATRIX_ANSWERS.team}${team === '' ? '' : `, ${team}`}` }, planned).get(path);
  if (sql === undefined) throw new Error(`there is no ${path}`);
  return [path, own ? sql.replaceAll('stand_in', leavers.map(({ login }) => login).join()) : sql];
};
/** From the emitted runbook. */
function ridOfToday(schema: string): string {
  const runbook = plan(parseAnswers({ projectName: 'acme', ...MATRIX_ANSWERS }), { developers: [], leavers: [], readers: [] }, { projectDir: '' }, [
    'app',
  ]).find(({ path }) => path === 'docs/runbook.md');
  const sql = /To be rid of it today[\s\S]*?```sql\n([\s\S]*?)```/.exec(runbook?.contents ?? '')?.[1];
  if (sql === undefined) throw new Error('the runbook does not say how to be rid of a schema');
  return sql.replaceAll('dev_dee', schema);
}
const places = (majors: readonly Major[]) =>
  majors.flatMap((major, at) => (at === 0 ? installers : installers.slice(1)).map((who) => [major, ...who] as const));

/** Hire, leave, rename, come back, on a server of each major; on the newest by both kinds of administrator. */
export function describePeople(majors: readonly Major[]): void {
  describe.each(places(majors))('people on PostgreSQL %i, administered by %s', (major, who, administrator) => {
    let server: Server;
    let admin: Administrator;
    let engine: ReturnType<typeof serverEngine>;
    const passwords = new Map<string, string>();

    beforeAll(async () => {
      server = await startServer({ major });
      admin = await administrator(server);
      await createDatabase(server, DATABASE, admin);
      await install(server, admin, DATABASE);
      for (const [login, password] of await setPasswords(server, identities)) passwords.set(login, password);
      engine = serverEngine(server, DATABASE, passwords);
      await furnish(engine);
    });
    afterAll(async () => {
      await engine?.end();
      await server?.stop();
    });

    const root = (sql: string, database = DATABASE): Promise<void> => asSuperuser(server, database, sql);
    const rows = (sql: string, database = DATABASE): Promise<Record<string, unknown>[]> =>
      using(server, superuserOf(server), database, async (client) => (await client.query(sql)).rows);
    /** Somebody's own session; the password is set first where the test has not met that login yet. */
    const session = async (login: string, database = DATABASE): Promise<pg.Client> => {
      if (!passwords.has(login)) passwords.set(login, (await setPasswords(server, [login])).get(login) ?? '');
      return server.connect(login, passwords.get(login) ?? '', database);
    };
    const as = async (login: string, sql: string, database = DATABASE): Promise<string> => {
      const client = await session(login, database);
      try {
        await client.query(sql);
        return 'done';
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      } finally {
        await client.end();
      }
    };
    const roster = (team = '', leavers: readonly Parted[] = []): Promise<readonly string[]> =>
      run(server, admin, DATABASE, [script('30_developers', team, leavers)]);
    const leave = (person: Parted, team = ''): Promise<readonly string[]> => run(server, admin, DATABASE, [script(`leavers/${person.slug}`, team, [person])]);
    /** What the runbook has an administrator run to be rid of a schema today. */
    const ridOf = (schema: string): Promise<unknown> => using(server, admin, DATABASE, (client) => client.query(ridOfToday(schema)));
    const build = (slug: string): string => `call acme_door.create_schema('dev_${slug}'); create table dev_${slug}.t as select 1 as i, 'text' as x`;
    /** What an administrator's client meets that goes on after an error, as psql does without ON_ERROR_STOP: each transaction's refusal. */
    const goOn = (person: Parted, team = ''): Promise<readonly string[]> =>
      using(server, admin, DATABASE, async (client) => {
        const refusals: string[] = [];
        for (const transaction of script(`leavers/${person.slug}`, team, [person])[1]
          .split(/^(?=BEGIN;$)/m)
          .slice(1))
          await client.query(transaction).catch((error: Error) => {
            refusals.push(error.message);
            return client.query('rollback');
          });
        return refusals;
      });
    /** Everything in the server that says who may do what, or that exists: to be compared. */
    const catalogue = (): Promise<unknown[]> =>
      rows(`select r.rolname, r.rolcanlogin, r.rolpassword, shobj_description(r.oid, 'pg_authid') as comment, (select setconfig::text from pg_db_role_setting where setrole = r.oid) as settings,
                 (select array_agg(pg_get_userbyid(m.roleid) || ' by ' || pg_get_userbyid(m.grantor) order by 1) from pg_auth_members m where m.member = r.oid)::text as groups,
                 (select array_agg(s.deptype::text || ' ' || pg_describe_object(s.classid, s.objid, s.objsubid) order by 1) from pg_shdepend s
                   where s.refobjid = r.oid and s.refclassid = 'pg_authid'::regclass and s.dbid in (0, (select oid from pg_database where datname = current_database())))::text as objects
            from pg_authid r order by 1`);
    const canLogIn = async (login: string): Promise<unknown> => (await rows(`select rolcanlogin from pg_roles where rolname = '${login}'`))[0]?.rolcanlogin;

    describe('somebody comes', () => {
      test('a newcomer gets a login without a password, and builds as soon as it has one', async () => {
        await roster('dee');
        expect(await rows("select rolpassword, rolcanlogin, rolsuper, rolcreaterole, rolcreatedb from pg_authid where rolname = 'dee'")).toEqual([
          { rolpassword: null, rolcanlogin: true, rolsuper: false, rolcreaterole: false, rolcreatedb: false },
        ]);
        expect(await as('dee', `${build('dee')}; select * from analytics.orders`)).toBe('done');
        expect(await as('dee', build('priya'))).toContain('its own is dev_dee');
      });

      test('a login that was there keeps its password and everything else', async () => {
        await root(`create role eve login createdb connection limit 3 valid until '2099-01-01' password 'of her own'; comment on role eve is 'HR 4711';
                  alter role eve set statement_timeout = '1h'`);
        passwords.set('eve', 'of her own');
        const she = async (): Promise<unknown> => {
          const found =
            await rows(`select a.*, shobj_description(a.oid, 'pg_authid') as comment, (select setconfig::text from pg_db_role_setting where setrole = a.oid) as settings
                                    from pg_authid a where rolname = 'eve'`);
          return found[0];
        };
        const before = await she();
        await roster('dee, eve');
        expect(await she()).toEqual(before);
        expect(await as('eve', build('eve'))).toBe('done');
      });

      test.each([
        [
          'a group',
          'create role analysts nologin',
          'analysts',
          'analysts (may not log in: a group, or somebody who left; ALTER ROLE analysts LOGIN takes a person back)',
        ],
        ['a login that others may use', 'create role bi_team login; grant bi_team to sam, priya', 'bi_team', 'bi_team (may be used by its members priya, sam)'],
        ['one of our services', 'select', 'acme_ci_service', 'acme_ci_service (a role of this project itself)'],
        ['one of our groups', 'select', 'acme_developer', 'acme_developer (a role of this project itself)'],
        [
          "another project's role",
          "create role gamma_ci_service login; comment on role gamma_ci_service is 'dbt-envs: project gamma'",
          'gamma_ci_service',
          'gamma_ci_service (a role of project gamma)',
        ],
      ])('%s is not taken for a person, and nothing is changed', async (_, given, login, why) => {
        await root(given);
        const before = await catalogue();
        // The generator refuses names of the project's own before that.
        const [path, sql] = script('30_developers', 'dee, eve, newcomer, bot=stand_in');
        const mistaken = (): Promise<unknown> => run(server, admin, DATABASE, [[path, sql.replaceAll('stand_in', login)]]);
        await expect(mistaken()).rejects.toThrow(`Not one person's own login: ${why}`);
        await expect(mistaken()).rejects.toThrow('Name the login of the person in roster.yml.');
        const readers = scripts({ readers: 'looker, stand_in' }).get('grants/50_readers.sql') ?? '';
        await expect(run(server, admin, DATABASE, [['grants/50_readers.sql', readers.replaceAll('stand_in', login)]])).rejects.toThrow(why);
        expect(await catalogue()).toEqual(before);
      });

      test('somebody whose login has built production so far is still a person, while prod_service may act for it', async () => {
        await roster('dee, eve, lea');
        await root('create table analytics.of_lea (i int); alter table analytics.of_lea owner to lea');
        await run(server, admin, DATABASE, [script('40_services')]);
        expect(await rows("select pg_has_role('acme_prod_service', 'lea', 'member') as acts")).toEqual([{ acts: true }]);
        expect(await roster('dee, eve, lea')).toEqual([]);
        await root('drop table analytics.of_lea; revoke lea from acme_prod_service; delete from acme_door.found');
        await roster('dee, eve');
      });

      test('an administrator on the roster is taken, and warned about', async () => {
        await root('create role boss login createrole');
        expect(await roster('dee, eve, boss')).toContain('WARNING: The boundary does not hold administrators: boss. Give each person a second login for dbt.');
        await roster('dee, eve');
      });

      test('a login that inherits nothing is given what it needs, or refused with the way out', async () => {
        await root('create role nora login noinherit');
        if (major >= 16) {
          await roster('dee, eve, nora');
          expect(await as('nora', build('nora'))).toBe('done');
          await roster('dee, eve');
        } else await expect(roster('dee, eve, nora')).rejects.toThrow('Whoever administers it runs: ALTER ROLE nora INHERIT');
      });

      test('a member whom nobody put on the roster is named, and stays', async () => {
        await root('create role stray login; grant acme_developer to stray');
        expect((await roster('dee, eve')).join()).toContain('WARNING: Members of acme_developer who are not in roster.yml: stray.');
        await root('revoke acme_developer from stray');
        expect(await roster('dee, eve')).toEqual([]);
      });
    });

    describe('somebody leaves', () => {
      test('while in a transaction, with objects of every kind, rights of every kind, and a colleague at work in the schema', async () => {
        const dee = await session('dee');
        await dee.query(`create temporary table scratch (i int);
        create view dev_dee.v as select * from dev_dee.t; create materialized view dev_dee.m as select 1 as i; create sequence dev_dee.s; create type dev_dee.mood as enum ('good');
        create domain dev_dee.d as int; create function dev_dee.f() returns int language sql as 'select 1'; create procedure dev_dee.p() language sql as 'select 1';
        create statistics dev_dee.st on i, x from dev_dee.t; create index on dev_dee.t (i); alter table dev_dee.t add primary key (i);
        alter default privileges in schema dev_dee grant select on tables to sam; alter default privileges grant select on tables to priya;
        grant select on dev_dee.t to sam; create view dev_dee.back_door as select * from acme_door.developer; grant insert on dev_dee.back_door to sam`);
        // As an administrator may have done before, without thinking of this day.
        await root(`grant usage on schema dev_dee to sam; grant usage, create on schema product to dee; grant insert, update (i) on product.items to dee;
        create function product.g() returns int language sql as 'select 1'; grant execute on function product.g() to dee; create type product.size as enum ('big'); grant usage on type product.size to dee;
        create sequence product.seq; grant usage on sequence product.seq to dee; grant temporary on database ${DATABASE} to dee; grant usage on language sql to dee;
        alter default privileges for role acme_prod_service in schema analytics grant insert on tables to dee; alter default privileges for role acme_prod_service grant usage on types to dee;
        create foreign data wrapper fdw; create server elsewhere foreign data wrapper fdw; grant usage on foreign server elsewhere to dee; grant usage on foreign data wrapper fdw to dee;
        select lo_create(4711); grant select on large object 4711 to dee; grant set on parameter log_statement to dee; grant dee to sam; grant pg_read_all_settings to dee;
        create role analysts2; grant analysts2 to dee; grant select on analytics.orders to dee`);
        await dee.query('begin; delete from dev_dee.t; insert into scratch values (1)');
        const colleague = await session('sam');
        await colleague.query('begin; select * from dev_dee.t');

        await roster('eve', [left('dee')]);
        const said = await leave(left('dee'), 'eve');
        await expect(dee.query('select 1')).rejects.toThrow();
        await expect(session('dee')).rejects.toThrow('role "dee" is not permitted to log in');
        expect((await colleague.query('select i from dev_dee.t')).rows).toEqual([{ i: 1 }]);
        await colleague.query('commit');
        await colleague.end();

        // What a plain administrator may not take away, it names; a superuser takes it.
        const bySuperuser = (member: string, role: string): string =>
          `WARNING: ${member} is still a member of ${role}: postgres let it in, and has to revoke it.`;
        if (who === 'a superuser') expect(said).toEqual([]);
        else {
          expect(said).toEqual([
            ...(major >= 16 ? [bySuperuser('sam', 'dee'), bySuperuser('dee', 'pg_read_all_settings'), bySuperuser('dee', 'analysts2')] : []),
            'WARNING: dee still has rights on: foreign-data wrapper fdw, function product.g(), language sql, large object 4711, parameter ACL log_statement, sequence product.seq, server elsewhere, type product.size. Their owner, or whoever passed them on, has to revoke them.',
          ]);
          await run(server, superuserOf(server), DATABASE, [script('leavers/dee', 'eve', [left('dee')])]);
        }
        expect(await rows("select pg_describe_object(classid, objid, objsubid) from pg_shdepend where refobjid = 'dee'::regrole and deptype = 'a'")).toEqual(
          [],
        );
        expect(await rows("select pg_get_userbyid(roleid) from pg_auth_members where member = 'dee'::regrole")).toEqual([]);
        expect(await rows("select from pg_auth_members where roleid = 'dee'::regrole and pg_get_userbyid(member) = 'sam'")).toEqual([]);
        expect(await rows("select from pg_default_acl where defaclrole = 'dee'::regrole")).toEqual([]);
        expect(
          await rows("select has_schema_privilege('dee', 'dev_dee', 'usage') as any, has_table_privilege('dee', 'analytics.orders', 'select') as reads"),
        ).toEqual([{ any: false, reads: false }]);
        expect(await rows("select from acme_door.developer where login = 'dee'")).toEqual([]);
        expect(await rows('select i, x from dev_dee.t')).toEqual([{ i: 1, x: 'text' }]);
      });

      test('a second run changes nothing and says nothing', async () => {
        const before = await catalogue();
        expect(await leave(left('dee'), 'eve')).toEqual([]);
        expect(await catalogue()).toEqual(before);
      });

      test('their views and functions lend nobody a right; with a new owner they would lend his', async () => {
        const attack = "insert into dev_dee.back_door values ('looker', 'looker')";
        expect(await as('sam', attack)).toContain('permission denied for table developer');
        await root('alter view dev_dee.back_door owner to acme_env_owner');
        expect(await as('sam', `begin; ${attack}; rollback`)).toBe('done');
        await root('drop view dev_dee.back_door');
      });

      test('a client that connects again at once is out all the same', async () => {
        await roster('eve, gil');
        passwords.set('gil', (await setPasswords(server, ['gil'])).get('gil') ?? '');
        const open: pg.Client[] = [await session('gil')];
        const again = (async (): Promise<string> => {
          for (;;) {
            const client = await session('gil').catch((error: Error) => error);
            if (client instanceof Error) return client.message;
            open.push(client);
          }
        })();
        await roster('eve', [left('gil')]);
        await leave(left('gil'), 'eve');
        expect(await again).toMatch(/not permitted to log in|too many|terminat|remaining connection slots/);
        expect(await rows("select pid from pg_stat_activity where usename = 'gil'")).toEqual([]);
        await Promise.all(open.map((client) => client.end().catch(() => {})));
        await expect(session('gil')).rejects.toThrow('not permitted to log in');
      });

      test.each([
        ['table public.kept', 'create table public.kept (i int)', 'alter table public.kept owner to'],
        ['view public.kept_v', 'create view public.kept_v as select 1 as i', 'alter view public.kept_v owner to'],
        ['sequence public.kept_s', 'create sequence public.kept_s', 'alter sequence public.kept_s owner to'],
        ['schema kept', 'create schema kept', 'alter schema kept owner to'],
        [
          'function public.kept_f(integer)',
          "create function public.kept_f(int) returns int language sql as 'select 1'",
          'alter function public.kept_f(int) owner to',
        ],
        ['type public.kept_t', "create type public.kept_t as enum ('a')", 'alter type public.kept_t owner to'],
        ['table product.kept', 'create table product.kept (i int)', 'alter table product.kept owner to'],
        ['database kept_db', 'create database kept_db', 'alter database kept_db owner to'],
      ])('%s of theirs is named, and until it is handed over nothing happens', async (what, make, hand) => {
        await roster('eve, hal');
        await root(make);
        await root(`${hand} hal`);
        const hal = await session('hal');
        await roster('eve', [left('hal')]);
        const before = await catalogue();
        await expect(leave(left('hal'), 'eve')).rejects.toThrow(
          `hal still owns: ${what}. Hand it over first, with ALTER ... OWNER TO. To lock the login before that: ALTER ROLE hal NOLOGIN`,
        );
        expect(await catalogue()).toEqual(before);
        await hal.query('select 1');
        await hal.end();
        await root(`${hand} postgres`);
        expect(await leave(left('hal'), 'eve')).toEqual([]);
        expect(await canLogIn('hal')).toBe(false);
        await root('alter role hal login');
      });

      test.each([
        ['owns a table', 'alter table public.claimed owner to hal', 'hal', 'hal still owns: table public.claimed'],
        [
          'was locked by hand and owns a table',
          'alter table public.claimed owner to hal; alter role hal nologin',
          'hal',
          'hal still owns: table public.claimed',
        ],
        ['is a role of this project', 'select', 'acme_developer', 'Login acme_developer is not locked'],
        ['is on the roster', 'select', 'priya', 'Login priya is not locked'],
      ])('somebody who %s is refused twice: nothing is changed by a client that goes on after an error', async (_, given, login, why) => {
        await root('create table public.claimed (i int); alter role hal login');
        const open = login === 'acme_developer' ? undefined : await session(login);
        await root(`${given}; grant select on product.items to ${login}`);
        const before = await catalogue();
        expect(await goOn(left('hal', login), 'eve')).toEqual([expect.stringContaining(why), expect.stringContaining(why)]);
        expect(await catalogue()).toEqual(before);
        await open?.query('select 1');
        await open?.end();
        await root(`drop table public.claimed; alter role hal login; revoke select on product.items from ${login}`);
      });

      test('where the login could not be locked, the second transaction takes nothing either', async () => {
        const hal = await session('hal');
        await root('grant select on product.items to hal');
        const before = await catalogue();
        const second = script('leavers/hal', 'eve', [left('hal')])[1]
          .split(/^(?=BEGIN;$)/m)
          .slice(2);
        expect(second).toHaveLength(1);
        await expect(run(server, admin, DATABASE, [['the second transaction', second.join()]])).rejects.toThrow(
          'hal may still log in, and nothing was revoked. Run the whole of this file, with psql -v ON_ERROR_STOP=1.',
        );
        expect(await catalogue()).toEqual(before);
        await hal.query('select 1');
        await hal.end();
        await root('revoke select on product.items from hal');
      });

      test('whom the door knows under another slug keeps rights and sessions, where roster.yml of that day is another', async () => {
        await roster('eve, hal_b=hal');
        const hal = await session('hal');
        await expect(leave(left('hal'), 'eve')).rejects.toThrow(
          'hal is locked, and nothing was revoked: 30_developers.sql has put it on the roster as hal_b. Run that of this checkout first; or, if that person is back: ALTER ROLE hal LOGIN',
        );
        await hal.query("call acme_door.create_schema('dev_hal_b')");
        await hal.end();
        await root('alter role hal login');
        await roster('eve');
        await ridOf('dev_hal_b');
      });

      test('a user mapping, which knows no ALTER ... OWNER TO, is to be dropped', async () => {
        await root(`create foreign data wrapper far; create server "Far away" foreign data wrapper far; create user mapping for hal server "Far away"`);
        await expect(leave(left('hal'), 'eve')).rejects.toThrow(
          /hal still owns: user mapping hal on server "?Far away"?\. Run: DROP USER MAPPING FOR hal SERVER "Far away"\. To lock the login before that: ALTER ROLE hal NOLOGIN$/,
        );
        await root('create table public.claimed (i int); alter table public.claimed owner to hal');
        await expect(leave(left('hal'), 'eve')).rejects.toThrow(
          'Hand it over first, with ALTER ... OWNER TO. Run: DROP USER MAPPING FOR hal SERVER "Far away". To lock',
        );
        await root('drop table public.claimed; DROP USER MAPPING FOR hal SERVER "Far away"; drop foreign data wrapper far cascade');
        expect(await leave(left('hal'), 'eve')).toEqual([]);
        await root('alter role hal login');
      });

      test('nothing that others hold keeps the login from being locked: not their advisory locks, not another script, not their own row', async () => {
        const lock = script('leavers/hal', 'eve', [left('hal')])[1].split(/^(?=BEGIN;$)/m)[1] ?? '';
        const hal = await session('hal');
        await hal.query("select pg_advisory_lock(hashtextextended('dbt-envs: project acme', 0)), pg_advisory_lock(hashtextextended('acme_door.dev_hal', 0))");
        const another = await server.connect(server.superuser, server.password, DATABASE);
        try {
          await another.query('begin; lock table acme_door.accepted in share row exclusive mode');
          await run(server, admin, DATABASE, [['the first transaction', lock]]);
        } finally {
          await another.end();
        }
        expect(await canLogIn('hal')).toBe(false);
        await root('alter role hal login');

        const members = "select m::text from pg_auth_members m where roleid = 'hal'::regrole";
        const before = await rows(members);
        await hal.query("begin; alter role hal password 'held until commit'");
        await run(server, admin, DATABASE, [['the first transaction', lock]]);
        expect(await canLogIn('hal')).toBe(false);
        expect(await rows(members)).toEqual(before);
        await expect(hal.query('commit')).rejects.toThrow();
        await hal.end().catch(() => {});
        await root('alter role hal login');
      });

      test('what they own in another database of the server is named', async () => {
        await root('create database attic', 'postgres');
        await root('create table public.old (i int); alter table public.old owner to hal', 'attic');
        expect(await leave(left('hal'), 'eve')).toEqual([
          'WARNING: hal also owns something in other databases of this server: attic (1 objects). Look there before anybody drops the login.',
        ]);
        await root('drop database attic', 'postgres');
      });

      test('a login that does not exist any more is nothing to do', async () => {
        expect(await leave(left('ghost'))).toEqual(['NOTICE: There is no login ghost.']);
      });

      test.each([
        [
          'an administrator',
          'boss',
          'Login boss is not locked: it is an administrator. If that person left, first run: ALTER ROLE boss NOSUPERUSER NOCREATEROLE.',
        ],
        ['a service', 'acme_ci_service', 'Login acme_ci_service is not locked: it is a role of this project. Correct roster.yml.'],
        ['a group', 'acme_developer', 'Login acme_developer is not locked: it is a role of this project. Correct roster.yml.'],
        [
          'somebody who is on the roster under another slug',
          'priya',
          'Login priya is not locked: it is on the roster as priya. Name the login that was left in roster.yml.',
        ],
      ])('%s is never locked', async (_, login, why) => {
        const before = await catalogue();
        await expect(leave(left('mistake', login))).rejects.toThrow(why);
        expect(await catalogue()).toEqual(before);
      });

      test('nobody locks the login that is running the script', async () => {
        await expect(leave(left('mistake', admin.login))).rejects.toThrow(
          `Login ${admin.login} is not locked: you are logged in as it. Run this as another administrator.`,
        );
        expect(await canLogIn(admin.login)).toBe(true);
      });

      test('a login that somebody else made: whoever may not lock it is told who may', async () => {
        await root('create role hr_admin login createrole; create role ivy login; grant ivy to hr_admin with admin option');
        await roster('eve, ivy');
        await roster('eve', [left('ivy')]);
        if (who !== 'a superuser' && major >= 16) {
          await expect(leave(left('ivy'), 'eve')).rejects.toThrow(
            /cloud_admin may not lock ivy \(.*\)\. Run this as a superuser or as one who may administer it: hr_admin\./,
          );
          expect(await canLogIn('ivy')).toBe(true);
          await run(server, superuserOf(server), DATABASE, [script('leavers/ivy', 'eve', [left('ivy')])]);
        } else await leave(left('ivy'), 'eve');
        expect(await canLogIn('ivy')).toBe(false);
      });

      test('whom they had let in is not put out unasked', async () => {
        await root('create role guild; create role jon login; grant guild to jon with admin option; set role jon; grant guild to sam; reset role');
        const said = await run(server, superuserOf(server), DATABASE, [script('leavers/jon', 'eve', [left('jon')])]);
        expect(await rows("select pg_has_role('sam', 'guild', 'member') as stays")).toEqual([{ stays: true }]);
        if (major >= 16)
          expect(said.join()).toContain(
            'jon is still a member of guild, and has let others in: GRANT guild to them yourself, then REVOKE guild FROM jon CASCADE.',
          );
      });
    });

    describe('somebody changes', () => {
      test('deleted from roster.yml without "left": no rights, in the open session too; the login stays', async () => {
        await roster('eve, kim');
        const kim = await session('kim');
        await kim.query(build('kim'));
        expect(await roster('eve')).toEqual([]);
        await expect(kim.query('create table dev_kim.more (i int)')).rejects.toThrow('permission denied for schema dev_kim');
        await expect(kim.query('select * from analytics.orders')).rejects.toThrow('permission denied');
        await kim.query('select 1');
        await kim.end();
        expect(await canLogIn('kim')).toBe(true);
      });

      test('put on the roster again, they go on with what they had', async () => {
        expect(await roster('eve, kim')).toEqual([]);
        expect(await as('kim', 'call acme_door.create_schema($$dev_kim$$); drop table dev_kim.t; create table dev_kim.t (i int)')).toBe('done');
      });

      test('somebody who left and comes back is let in by an administrator, knowingly', async () => {
        await expect(roster('eve, kim, dee')).rejects.toThrow(
          "Not one person's own login: dee (may not log in: a group, or somebody who left; ALTER ROLE dee LOGIN takes a person back)",
        );
        await using(server, admin, DATABASE, (client) => client.query('ALTER ROLE dee LOGIN'));
        expect(await roster('eve, kim, dee')).toEqual([]);
        expect(await as('dee', 'call acme_door.create_schema($$dev_dee$$); drop table dev_dee.t cascade; create table dev_dee.t (i int)')).toBe('done');
      });

      test('a rename is somebody who leaves and somebody who comes', async () => {
        await roster('eve, kim_k, dee', [left('kim')]);
        await leave(left('kim'), 'eve, kim_k, dee');
        await expect(session('kim')).rejects.toThrow('not permitted to log in');
        expect(await as('kim_k', build('kim_k'))).toBe('done');
        expect(await as('kim_k', 'create table dev_kim.t2 (i int)')).toContain('permission denied for schema dev_kim');
        expect(await as('acme_janitor', "call acme_door.drop_schema('dev_kim', now())")).toContain('stays until 30 days have passed without a use');
        const memberships = "select * from pg_auth_members where roleid = 'acme_env_owner'::regrole order by 1, 2, 3, 4";
        const before = await rows(memberships);
        await ridOf('dev_kim');
        expect(await rows("select from pg_namespace where nspname = 'dev_kim'")).toEqual([]);
        expect(await rows("select from acme_door.environment where schema_name = 'dev_kim'")).toEqual([]);
        expect(await rows(memberships)).toEqual(before);
      });

      test("the janitor's answer to a leaver's schema that nobody has used for a month is to drop it", async () => {
        await roster('eve, kim_k, dee, lea');
        expect(await as('lea', build('lea'))).toBe('done');
        await roster('eve, kim_k, dee');
        await root("update acme_door.environment set last_used_at = now() - interval '40 days' where schema_name = 'dev_lea'");
        expect(await as('acme_janitor', "call acme_door.drop_schema('dev_lea', now())")).toBe('done');
        expect(await rows("select from pg_namespace where nspname = 'dev_lea'")).toEqual([]);
      });

      test('a new login behind an old slug is told what it cannot replace, and begins afresh by itself', async () => {
        expect(await roster('eve, kim_k=kim.k, dee')).toEqual([
          "WARNING: dev_kim_k still holds relations of kim_k, which kim.k cannot replace. To start afresh, kim.k runs: CALL acme_door.drop_schema('dev_kim_k')",
        ]);
        expect(await as('kim_k', 'create table dev_kim_k.t2 (i int)')).toContain('permission denied for schema dev_kim_k');
        expect(await as('kim.k', 'call acme_door.create_schema($$dev_kim_k$$); drop table dev_kim_k.t')).toContain('must be owner of table t');
        expect(await as('kim.k', "CALL acme_door.drop_schema('dev_kim_k')")).toBe('done');
        expect(await as('kim.k', build('kim_k'))).toBe('done');
      });
    });

    describe('a second project on the same server, in a database of its own', () => {
      const OTHER = 'beta';
      beforeAll(async () => {
        await createDatabase(server, OTHER, admin, '');
        await install(server, admin, OTHER, BETA);
      });
      const enter = (slug: string): string => `call beta_door.create_schema('dev_${slug}'); create table dev_${slug}.t (i int)`;

      test('nothing changes in the first: every act by every identity comes out as the table says', async () => {
        expect(surprises(await tryAll(engine))).toEqual([]);
      });

      test.each([
        'select * from analytics.orders',
        'create table analytics.x (i int)',
        'select * from pr_12.orders',
        'create table pr_12.x (i int)',
        'select * from dev_priya.orders',
        'select * from raw.orders',
        "call acme_door.create_schema('dev_bob')",
        "call acme_door.create_schema('dev_priya')",
        "call acme_door.create_schema('pr_7')",
        "call acme_door.drop_schema('pr_12', now())",
        'create schema dev_bob',
        'set role acme_developer',
      ])('nobody of the second may, in the first: %s', async (sql) => {
        for (const login of ['bob', 'beta_ci_service', 'beta_prod_service', 'beta_janitor']) expect(await as(login, sql), login).toContain('permission denied');
      });

      test('and nobody of the first in the second', async () => {
        for (const login of ['priya', 'acme_ci_service', 'acme_prod_service', 'acme_janitor']) {
          for (const sql of ['create table analytics.x (i int)', "call beta_door.create_schema('pr_7')", 'create schema dev_priya'])
            expect(await as(login, sql, OTHER), login).toContain('permission denied');
        }
      });

      test('a person may have one login for both, and lose one project without the other', async () => {
        expect(await as('dee', enter('dee'), OTHER)).toBe('done');
        expect(await as('dee', 'create table dev_dee.both (i int)')).toBe('done');
        expect(await roster('eve')).toEqual([]);
        expect(await as('dee', 'create table dev_dee.again (i int)')).toContain('permission denied for schema dev_dee');
        expect(await as('dee', 'create table dev_dee.again (i int)', OTHER)).toBe('done');
      });

      test("marked as left in one project, the person is locked in both: the script says so, and leaves the other's membership alone", async () => {
        await roster('eve, dee');
        await roster('eve', [left('dee')]);
        const said = await leave(left('dee'), 'eve');
        expect(said).toEqual([
          'WARNING: dee also owns something in other databases of this server: beta (2 objects). Look there before anybody drops the login.',
          'WARNING: dee is a member of beta_developer (dbt-envs: project beta) too, and is now locked for the whole server. Who left this project alone is taken out of roster.yml without "left", and keeps the login: ALTER ROLE dee LOGIN',
        ]);
        await expect(session('dee', OTHER)).rejects.toThrow('not permitted to log in');
        await using(server, admin, DATABASE, (client) => client.query('ALTER ROLE dee LOGIN'));
        expect(await as('dee', 'create table dev_dee.third (i int)', OTHER)).toBe('done');
        expect(await as('dee', 'create table dev_dee.third (i int)')).toContain('permission denied for schema dev_dee');
      });
    });
  });
}
