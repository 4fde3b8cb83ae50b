import { PGlite } from '@electric-sql/pglite';
import { beforeAll, describe, expect, test } from 'vitest';
import { audited, type Bench, CATALOGUE, EVERYTHING, faults, holes, observe, unseen, verified, wrongActs } from '../support/postgres-faults.ts';
import { BEFORE, furnish, identities, installation } from '../support/postgres-matrix.ts';
import { pgliteEngine } from '../support/postgres-pglite.ts';

let db: PGlite;
let bench: Bench;

beforeAll(async () => {
  db = await PGlite.create();
  await db.exec(BEFORE);
  for (const [, sql] of installation()) await db.exec(sql);
  await furnish(pgliteEngine(db));
  bench = {
    admin: async (sql) => void (await db.exec(sql)),
    query: async (login, sql) => {
      try {
        await db.exec(`begin; set local session authorization "${login}"`);
        const { rows } = await db.query(sql);
        await db.exec('commit');
        return rows;
      } catch (error) {
        await db.exec('rollback');
        throw error;
      } finally {
        await db.exec('set session authorization postgres');
      }
    },
  };
});

test('there are faults of more than sixty kinds, each with a name of its own and a gate that must see it', () => {
  expect(faults.length).toBeGreaterThan(60);
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
  expect(faults.filter(({ verify, audit }) => verify === undefined && audit === undefined)).toEqual([]);
});

describe('on a right installation', () => {
  test.each(identities)('verify is green for %s', async (login) => {
    const report = await verified(bench, login);
    expect(wrongActs(report)).toEqual([]);
    expect(report.acts.length).toBeGreaterThan(100);
  });

  test.each(identities)('beside every refusal that %s gets stands an act of its kind that succeeds', async (login) => {
    const { acts } = await verified(bench, login);
    expect(acts.filter(({ expected, control }) => expected === 'refused' && control !== 'done')).toEqual([]);
  });

  test('the audit says the same to everybody of the project and to the owner of the database: administrators, and no hole', async () => {
    const expected = [
      { login: 'postgres', how: 'is a superuser', verdict: 'administrator' },
      { login: 'postgres', how: 'owns the database', verdict: 'administrator' },
    ];
    for (const login of [...identities, 'postgres']) expect(await audited(bench, login), login).toEqual(expected);
  });
});

describe('verify leaves nothing behind', () => {
  const catalogue = async (): Promise<readonly unknown[]> => (await db.query(CATALOGUE)).rows;

  test.each(identities)('of what %s tried', async (login) => {
    const before = await catalogue();
    await verified(bench, login);
    expect(await catalogue()).toEqual(before);
  });

  test('even where most attacks succeed', async () => {
    await bench.admin(EVERYTHING.plant);
    const before = await catalogue();
    const report = await verified(bench, 'sam');
    const after = await catalogue();
    await bench.admin(EVERYTHING.remove);
    expect(wrongActs(report).length).toBeGreaterThan(60);
    expect(after).toEqual(before);
  });
});

describe('a planted fault turns a gate red, and green again once it is removed', () => {
  test.each(faults)('$name', async (fault) => {
    expect(unseen(fault, await observe(bench, fault))).toEqual([]);
  });
});

test('a fault that neither gate notices would be told', async () => {
  const nothing = {
    name: 'nothing',
    plant: 'select 1',
    remove: 'select 1',
    verify: { as: 'sam', act: 'make a schema' },
    audit: { who: 'sam', how: 'owns' },
  } as const;
  expect(unseen(nothing, await observe(bench, nothing))).toEqual([
    'the audit does not say "sam owns" but []',
    'the audit fails with ',
    'verify by sam does not fail at "make a schema" but at [] ',
  ]);
});

test('what is removed at last is only what was planted: both gates are green for everybody', async () => {
  for (const login of identities) expect(wrongActs(await verified(bench, login)), login).toEqual([]);
  expect(holes(await audited(bench))).toEqual([]);
});

/** While something is planted; it is removed whatever comes of the work. */
async function planted<T>({ plant, remove }: { readonly plant: string; readonly remove: string }, work: () => Promise<T>): Promise<T> {
  await bench.admin(plant);
  try {
    return await work();
  } finally {
    await bench.admin(remove);
  }
}

describe('what the audit finds can be accepted', () => {
  const insert = 'grant insert on analytics.orders to sam; create role carol login superuser';
  const remove = 'revoke insert on analytics.orders, analytics.v_orders from sam; drop role carol; delete from acme_door.accepted';
  const error = async (): Promise<string> =>
    String(Object.values((await db.query<Record<string, unknown>>('select acme_door.audit_error()')).rows[0] ?? {})[0]);

  test('by the statement that the error ends with, and then only this', () =>
    planted({ plant: insert, remove }, async () => {
      const said = await error();
      expect(said).toBe(
        '1 hole: sam may change rows in analytics.orders. Take that away. Where it is meant, accept it as a superuser or as acme_env_owner: ' +
          `INSERT INTO acme_door.accepted (login, how) VALUES ('sam', 'may change rows in analytics.orders');`,
      );
      await bench.admin(said.slice(said.indexOf('INSERT INTO')));
      expect(await audited(bench)).toContainEqual({ login: 'sam', how: 'may change rows in analytics.orders', verdict: 'accepted' });
      expect(await audited(bench)).toContainEqual({ login: 'carol', how: 'is a superuser', verdict: 'administrator' });
      await bench.admin('grant insert on analytics.v_orders to sam');
      expect(holes(await audited(bench))).toEqual(['sam may change rows in analytics.orders, analytics.v_orders']);
    }));

  test('and a list that the text cuts short is accepted for these tables alone', () => {
    const tables = (names: readonly string[]): string => names.map((name) => `analytics.${name}`).join(', ');
    const five = ['c1', 'c2', 'c3', 'harmless', 'salaries'];
    return planted(
      {
        plant: `${five.map((name) => `create table analytics.${name} (i int); alter table analytics.${name} owner to acme_prod_service; grant select on analytics.${name} to acme_developer, acme_reader, acme_reviewer, acme_ci_service`).join(';')};
                grant insert on ${tables(five.slice(0, 4))} to sam`,
        remove: `drop table ${tables(five)}; delete from acme_door.accepted`,
      },
      async () => {
        const said = await error();
        await bench.admin(said.slice(said.indexOf('INSERT INTO')));
        expect(holes(await audited(bench))).toEqual([]);
        await bench.admin(`revoke insert on analytics.harmless from sam; grant insert on analytics.salaries to sam`);
        expect(holes(await audited(bench))).toEqual([
          expect.stringMatching(/^sam may change rows in analytics\.c1, analytics\.c2, analytics\.c3 and 1 more \([0-9a-f]{8}\)$/),
        ]);
        await bench.admin(`revoke insert on analytics.salaries from sam; grant insert on analytics.harmless to sam`);
        expect(holes(await audited(bench))).toEqual([]);
      },
    );
  });

  test('an administrator since production was closed is accepted as one', () =>
    planted({ plant: `insert into acme_door.accepted (login, how) values ('postgres', 'administrator'); ${insert}`, remove }, async () => {
      const said = await error();
      expect(said).toContain(`('carol', 'administrator')`);
      await bench.admin(said.slice(said.indexOf('INSERT INTO')));
      expect(holes(await audited(bench))).toEqual([]);
    }));

  test('but an administrator who develops cannot be: the way out is a second login', () =>
    planted(
      {
        plant: `alter role sam superuser; insert into acme_door.accepted (login, how) values ('postgres', 'administrator'), ('sam', 'administrator'), ('sam', 'is a superuser')`,
        remove: 'alter role sam nosuperuser; delete from acme_door.accepted',
      },
      async () => expect(await error()).toBe('1 hole: sam is a superuser. Take that away. Give sam a second login, without these rights, for this project.'),
    ));

  test('of more than ten holes none is lost without a word', () => {
    const loaders = Array.from({ length: 12 }, (_, at) => `loader_${at}`);
    return planted(
      {
        plant: loaders.map((loader) => `create role ${loader} login; grant insert on analytics.orders to ${loader}`).join(';'),
        remove: loaders.map((loader) => `drop owned by ${loader}; drop role ${loader}`).join(';'),
      },
      async () => expect(await error()).toMatch(/^12 holes: loader_0 .*; and 2 more\. Take that away\./),
    );
  });
});

describe('what does not change production is no hole', () => {
  const lab = 'create schema lab; grant usage on schema lab to public';
  const remove = 'drop schema lab cascade';
  const items = (rule: string): string =>
    `${lab}; create table lab.customers (id int primary key); create table analytics.items (customer int references lab.customers ${rule}); alter table analytics.items owner to acme_prod_service;
     grant select on analytics.items to acme_developer, acme_reader, acme_reviewer, acme_ci_service`;

  test.each([
    ['a foreign key that does not cascade', `${items('')}; grant update, delete on lab.customers to sam`],
    ['to insert where a foreign key refers to', `${items('on delete cascade on update cascade')}; grant insert on lab.customers to sam`],
    ['to update where only deleting cascades', `${items('on delete cascade')}; grant update on lab.customers to sam`],
    [
      'another partition of the same parent',
      `${lab}; create table lab.parent (i int) partition by list (i); create table analytics.items partition of lab.parent for values in (1); alter table analytics.items owner to acme_prod_service;
       grant select on analytics.items to acme_developer, acme_reader, acme_reviewer, acme_ci_service; alter table lab.parent owner to acme_prod_service;
       create table lab.other partition of lab.parent for values in (2); alter table lab.other owner to sam`,
    ],
    [
      'a view whose owner may only read',
      `${lab}; create view lab.v as select * from analytics.orders; alter view lab.v owner to priya; grant insert, update, delete on lab.v to sam`,
    ],
    [
      'a view with the rights of whoever uses it',
      `${lab}; create view lab.v with (security_invoker = true) as select * from analytics.orders; alter view lab.v owner to acme_prod_service; grant insert on lab.v to sam`,
    ],
    [
      'a trigger that nobody but production may fire',
      `${lab}; create table lab.inbox (i int); alter table lab.inbox owner to acme_prod_service; grant select on lab.inbox to sam;
       create function lab.push() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as 'begin return new; end'; revoke execute on function lab.push() from public;
       alter function lab.push() owner to acme_prod_service; create trigger push after insert on lab.inbox for each row execute function lab.push()`,
    ],
    [
      'a trigger function in public, which nobody can call',
      `${lab}; create function public.stamp() returns trigger language plpgsql as 'begin return new; end'; alter function public.stamp() owner to sam`,
    ],
    ['a setting that loads nothing', `${lab}; grant set on parameter log_min_duration_statement to sam`],
    [
      'a developer’s function in a view of that developer',
      `${lab}; create function dev_sam.f() returns int language sql as 'select 1'; alter function dev_sam.f() owner to sam; create view dev_sam.v as select dev_sam.f() as i; alter view dev_sam.v owner to sam`,
    ],
  ])('%s', (_, plant) =>
    planted(
      {
        plant,
        remove: `drop table if exists analytics.items; ${remove}; drop function if exists public.stamp(); drop function if exists dev_sam.f() cascade; revoke set on parameter log_min_duration_statement from sam`,
      },
      async () => expect(holes(await audited(bench))).toEqual([]),
    ),
  );
});

describe('who owns what production reads', () => {
  test('is named as a source, since a function in a view there runs with the rights of prod_service', () =>
    planted(
      {
        plant: `create role loader login; grant usage, create on schema raw to loader; set role loader;
                create function raw.steal() returns int language plpgsql as $$ begin insert into analytics.orders values (666, 0); return 1; end $$;
                create view raw.bait as select raw.steal() as id; grant select on raw.bait to acme_prod_service; reset role`,
        remove: 'delete from analytics.orders where id = 666; drop view raw.bait; drop function raw.steal(); drop owned by loader; drop role loader',
      },
      async () => {
        const lines = (await audited(bench)).filter(({ login }) => login === 'loader');
        expect(lines).toContainEqual({ login: 'loader', how: 'owns what production reads in raw', verdict: 'source' });
        expect(lines).toContainEqual({ login: 'loader', how: 'owns what production runs: raw.steal()', verdict: 'source' });
        await bench.query('acme_prod_service', 'select * from raw.bait');
        expect((await db.query('select amount from analytics.orders where id = 666')).rows).toEqual([{ amount: 0 }]);
      },
    ));
});

describe('memberships count as PostgreSQL 16 and later count them', () => {
  test.each([
    ['inherited twice', 'grant a to b with inherit true, set false; grant b to sam with inherit true, set false', true],
    ['by SET ROLE twice', 'grant a to b with inherit false, set true; grant b to sam with inherit false, set true', true],
    ['by SET ROLE to who inherits', 'grant a to b with inherit true, set false; grant b to sam with inherit false, set true', true],
    ['inherited from who may only SET ROLE', 'grant a to b with inherit false, set true; grant b to sam with inherit true, set false', false],
    ['neither', 'grant a to b; grant b to sam with inherit false, set false', false],
  ])('%s', (_, grants, able) =>
    planted(
      {
        plant: `create role a; grant usage on schema analytics to a; grant insert on analytics.orders to a; create role b; ${grants}`,
        remove: 'drop owned by a; drop role a; drop role b',
      },
      async () => {
        const outcomes: string[] = [];
        for (const become of ['', 'set role b;', 'set role a;'])
          outcomes.push(await pgliteEngine(db).attempt('sam', `${become} insert into analytics.orders (id) values (1)`));
        expect(outcomes.includes('done')).toBe(able);
        expect(holes(await audited(bench))).toEqual([
          `${able ? 'sam may change rows in analytics.orders, through b' : 'b may change rows in analytics.orders'}, through a`,
        ]);
      },
    ),
  );
});
