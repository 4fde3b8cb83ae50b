import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installers } from '../../support/postgres-boundary.ts';
import { type Administrator, createDatabase, run, superuserOf, using } from '../../support/postgres-engine.ts';
import { installation, type Script, scripts } from '../../support/postgres-matrix.ts';
import { type Major, type Server, startServer } from '../../support/postgres-server.ts';

const DATABASE = 'warehouse';
const team = (people: number): string => Array.from({ length: people }, (_, at) => `person_${at + 1}`).join(', ');
const GONE = { slug: 'person_1', login: 'person_1', left: '2026-03-31' };
const developers = (people: number): Script => ['grants/30_developers.sql', scripts({ team: team(people) }).get('grants/30_developers.sql') ?? ''];

/** Milliseconds that a company of that size takes, on a server of its own. */
interface Times {
  readonly plan: number;
  readonly first: number;
  readonly again: number;
  readonly hundredLess: number;
  readonly halfLess: number;
  readonly audit: number;
  readonly leaver: number;
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const before = performance.now();
  await work();
  return performance.now() - before;
}
async function fastest(work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 3; round++) times.push(await took(work));
  return Math.min(...times);
}

/** Rows with the transaction that wrote them: a row that is written again differs, though it says the same. */
const written = (server: Server): Promise<unknown[]> =>
  using(server, superuserOf(server), DATABASE, async (client) => {
    const { rows } = await client.query(`
      select 'roles', md5(string_agg(r.xmin || r.rolname, ',' order by r.rolname)) from pg_authid r
      union all select 'members', md5(string_agg(m.xmin || m.member::text, ',' order by m.member, m.roleid, m.grantor)) from pg_auth_members m where m.roleid = 'acme_developer'::regrole
      union all select 'roster', md5(string_agg(d.xmin || d.login, ',' order by d.login)) from acme_door.developer d`);
    return rows;
  });
const onRoster = (server: Server): Promise<number[]> =>
  using(server, superuserOf(server), DATABASE, async (client) => {
    const { rows } = await client.query<{ roster: number; members: number }>(
      `select (select count(*) from acme_door.developer)::int as roster,
              (select count(distinct member) from pg_auth_members where roleid = 'acme_developer'::regrole and pg_get_userbyid(member) ~ '^person_')::int as members`,
    );
    return [rows[0]?.roster ?? -1, rows[0]?.members ?? -1];
  });

async function measure(major: Major, administrator: (server: Server) => Promise<Administrator>, people: number): Promise<Times> {
  const server = await startServer({ major });
  try {
    const admin = await administrator(server);
    await createDatabase(server, DATABASE, admin);
    const scriptsRun = (list: readonly Script[]): Promise<unknown> => run(server, admin, DATABASE, list);
    let all: readonly Script[] = [];
    const plan = await took(async () => {
      all = installation({ team: team(people) });
    });
    const first = await took(() => scriptsRun(all));
    expect(await onRoster(server)).toEqual([people, people]);

    const before = await written(server);
    const again = await fastest(() => scriptsRun(all));
    expect(await written(server)).toEqual(before);

    const audit = await fastest(() => scriptsRun([['grants/audit.sql', scripts({ team: team(people) }).get('grants/audit.sql') ?? '']]));
    const hundredLess = await took(() => scriptsRun([developers(people - 100)]));
    expect(await onRoster(server)).toEqual([people - 100, people - 100]);
    const halfLess = await took(() => scriptsRun([developers(people / 2)]));
    expect(await onRoster(server)).toEqual([people / 2, people / 2]);
    const leaver = await took(() => scriptsRun([['grants/leavers/person_1.sql', scripts({}, [GONE]).get('grants/leavers/person_1.sql') ?? '']]));
    return { plan, first, again, hundredLess, halfLess, audit, leaver };
  } finally {
    await server.stop();
  }
}
const sum = (times: Partial<Times>): number => Object.values(times).reduce((all, one) => all + one, 0);

/** How many times as long twice the people take. A neighbour's load only adds to a time: the least of several is the truth. */
async function growth(time: (people: number) => Promise<number>): Promise<number> {
  let [some, twice] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < 3; round++) [some, twice] = [Math.min(some, await time(2500)), Math.min(twice, await time(5000))];
  return twice / some;
}

/** CREATE ROLE and nothing else, as many times, by the same administrator on a server of its own. */
async function bareRoles(major: Major, administrator: (server: Server) => Promise<Administrator>, people: number): Promise<number> {
  const server = await startServer({ major });
  try {
    const admin = await administrator(server);
    return await using(server, admin, 'postgres', async (client) => {
      let all = 0;
      for (let from = 0; from < people; from += 1000) {
        all += await took(() =>
          client.query(`do $$ begin for i in ${from + 1}..${from + 1000} loop execute 'create role bare_' || i || ' login'; end loop; end $$`),
        );
      }
      return all;
    });
  } finally {
    await server.stop();
  }
}

describe.each<Major>([15, 18])('people by the thousand, on PostgreSQL %i', (major) => {
  describe.each(installers)('installed by %s', (_, administrator) => {
    // From PostgreSQL 16 on, CREATE ROLE by one who is no superuser looks through every role that he created before.
    const quadratic = major >= 16 && administrator !== installers[0]?.[1];

    test('10,000: the planning, every script, again, with fewer people, the audit and a leaver take less than a minute together', async () => {
      const times = await measure(major, administrator, 10_000);
      expect(sum(times)).toBeLessThan(60_000);
      if (quadratic) expect(times.first).toBeLessThan(2 * (await bareRoles(major, administrator, 10_000)) + 5_000);
    });

    test(`twice the people take less than three times as long${quadratic ? ', but for what CREATE ROLE itself costs' : ''}`, async () => {
      const linear = ({ first, ...others }: Times): number => sum(others) + (quadratic ? 0 : first);
      expect(await growth(async (people) => linear(await measure(major, administrator, people)))).toBeLessThan(3);
    });
  });
});

describe('the measure, and a roster that is larger than the lock table', () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer({ major: 18 });
    await createDatabase(server, DATABASE, superuserOf(server));
  });
  afterAll(async () => {
    await server?.stop();
  });

  test('a script that looked at everybody for everybody would be seen to grow faster', async () => {
    const everybodyForEverybody = (people: number): Promise<number> =>
      took(() =>
        using(server, superuserOf(server), DATABASE, (client) =>
          client.query(
            `set max_parallel_workers_per_gather = 0; select count(*) from generate_series(1, ${people}) a, generate_series(1, ${people}) b where a <> b`,
          ),
        ),
      );
    expect(await growth(everybodyForEverybody)).toBeGreaterThan(3);
  });

  test('15,000 logins cannot be made in one transaction', async () => {
    const atOnce = "do $$ begin for i in 1..15000 loop execute 'create role at_once_' || i || ' login'; end loop; end $$";
    await expect(using(server, superuserOf(server), DATABASE, (client) => client.query(atOnce))).rejects.toThrow('out of shared memory');
  });

  test('our script makes them; stopped half-way, it goes on from there', async () => {
    const [people, path] = [15_000, 'grants/30_developers.sql'] as const;
    await run(server, superuserOf(server), DATABASE, installation());
    const [, sql] = developers(people);
    const transactions = sql.split(/(?<=^COMMIT;$)/m);
    await run(server, superuserOf(server), DATABASE, [[path, transactions.slice(0, 7).join('')]]);
    expect((await onRoster(server))[1]).toBe(0);
    await run(server, superuserOf(server), DATABASE, [[path, sql]]);
    expect(await onRoster(server)).toEqual([people, people]);
  });
});
