import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CI, forgetful, JANITOR, lastLine, PROD, type Sweep, type SweptWarehouse, startSweptWarehouse } from '../support/postgres-sweep.ts';
import { pythonEnvironment } from '../support/python.ts';

let warehouse: SweptWarehouse;
beforeAll(async () => {
  warehouse = await startSweptWarehouse();
  await warehouse.sql('create table analytics.orders as select 1 as id', PROD);
});
afterAll(() => warehouse?.stop());
beforeEach(async () => {
  for (const schema of await warehouse.schemas()) {
    const left = async (): Promise<unknown> =>
      (await warehouse.sql(`call acme_door.drop_schema('${schema}', clock_timestamp(), 500)`, JANITOR))[0]?.relations_left;
    await warehouse.sql(`update acme_door.environment set keep_until = null, last_used_at = now() - interval '40 days' where schema_name = '${schema}'`);
    while ((await left()) !== '0');
  }
  await warehouse.sql('delete from acme_door.swept');
});

async function pull(number: number, tables = 1): Promise<string> {
  const schema = `pr_${number}`;
  await warehouse.sql(`call acme_door.create_schema('${schema}')`, CI);
  for (let from = 0; from < tables; from += 250) {
    await warehouse.sql(
      `do $$ begin for i in ${from}..${Math.min(from + 249, tables - 1)} loop execute format('create table ${schema}.t_%s as select 1 as id', i); end loop; end $$`,
      CI,
    );
  }
  await warehouse.age(schema);
  return schema;
}
const listedAt = async (): Promise<string> => String((await warehouse.sql('call acme_door.look()', JANITOR))[0]?.listed_at);
const count = async (schema: string): Promise<number> =>
  Number((await warehouse.sql(`select count(*) as n from pg_class where relnamespace = to_regnamespace('${schema}') and relkind in ('r', 'v')`))[0]?.n);
/** Until so many relations of the schema are gone at least. */
async function under(schema: string, relations: number): Promise<void> {
  for (let tries = 0; tries < 2000; tries++) {
    if ((await count(schema)) < relations) return;
    await sleep(10);
  }
  throw new Error(`${schema} still has ${relations} relations`);
}

/** drop_stale_schemas in a process of its own, which can be killed as a machine dies. */
async function killable(candidates: readonly string[], listed_at: string): Promise<{ kill(): Promise<void> }> {
  const { dbt } = await pythonEnvironment('postgres');
  const child = spawn(dbt, ['--quiet', 'run-operation', 'drop_stale_schemas', '--target', 'ci', '--args', JSON.stringify({ candidates, listed_at })], {
    cwd: warehouse.project,
    stdio: 'ignore',
    env: {
      PATH: process.env.PATH,
      HOME: warehouse.project,
      DBT_PG_HOST: warehouse.server.host,
      DBT_PG_PORT: String(warehouse.server.port),
      DBT_PG_DATABASE: 'warehouse',
      DBT_PG_SSLMODE: 'disable',
      DBT_CI_LOGIN: JANITOR,
      DBT_ENV_SECRET_CI_PASSWORD: warehouse.login(JANITOR).password,
    },
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
      // The server ends the step that was under way: it is undone, or done.
      await expect
        .poll(() => warehouse.sql(`select from pg_stat_activity where usename = '${JANITOR}'`).then((rows) => rows.length), { timeout: 60_000 })
        .toBe(0);
    },
  };
}

describe('the job is killed', () => {
  test('between two steps: a smaller schema is left, as old as before, and the next night finishes it', async () => {
    await pull(31, 3000);
    const [before] = (await warehouse.list()).schemas;
    const job = await killable(['pr_31'], await listedAt());
    await under('pr_31', 2600);
    await job.kill();
    const { listed_at, schemas } = await warehouse.list();
    expect(schemas).toEqual([{ ...before, relations: expect.any(Number), bytes: expect.any(Number) }]);
    const left = schemas[0]?.relations ?? 0;
    expect(left).toBeGreaterThan(0);
    expect(left % 500).toBe(0); // whole steps
    console.log(`killed with ${left} of 3000 relations left`);
    expect(await warehouse.sql('select how from acme_door.swept')).toEqual([{ how: 'begun' }]);
    const said = await warehouse.sweep(['pr_31'], listed_at);
    expect(said.cleared).toEqual([{ schema: 'pr_31', how: 'dropped', relations: left, took_along: [] }]);
    expect(await warehouse.schemas()).toEqual([]);
    // The bytes of both nights.
    expect(await warehouse.sql('select schema_name, how, bytes from acme_door.swept')).toEqual([
      { schema_name: 'pr_31', how: 'dropped', bytes: String(3000 * 8192) },
    ]);
  });

  test('between two schemas: what is gone is gone, and the rest goes with the next run', async () => {
    const all = [];
    for (let number = 41; number < 61; number++) all.push(await pull(number, 40));
    const job = await killable(all, await listedAt());
    await expect.poll(() => warehouse.schemas().then((names) => names.length), { interval: 5, timeout: 60_000 }).toBeLessThan(17);
    await job.kill();
    const { listed_at, schemas } = await warehouse.list();
    const left = schemas.map(({ schema }) => schema);
    console.log(`killed with ${left.length} of 20 schemas left`);
    expect(left.length).toBeGreaterThan(0);
    expect(schemas.every(({ relations }) => relations === 40)).toBe(true);
    const said = await warehouse.sweep(all, listed_at);
    expect(said.cleared.map(({ schema }) => schema)).toEqual(left);
    expect(said.kept.map(({ why }) => why)).toEqual(all.filter((name) => !left.includes(name)).map(() => 'it is gone already'));
    expect(await warehouse.sql('select count(*)::int as n, count(distinct schema_name)::int as schemas from acme_door.swept')).toEqual([
      { n: 20, schemas: 20 },
    ]);
  });
});

describe('two sweeps at once', () => {
  test('each schema is dropped once, neither fails, and what the other one took is said', async () => {
    const all = [await pull(70, 1500)];
    for (let number = 71; number < 85; number++) all.push(await pull(number, 20));
    const at = await listedAt();
    const both = await Promise.all([warehouse.sweep(all, at), warehouse.sweep(all, at)]);
    for (const { code, output, failed } of both) {
      expect(code, output).toBe(0);
      expect(failed).toEqual([]);
    }
    expect(await warehouse.schemas()).toEqual([]);
    expect(both.flatMap(({ cleared }) => cleared.map(({ schema }) => schema)).sort()).toEqual([...all].sort());
    const reasons = new Set(both.flatMap(({ kept }) => kept.map(({ why }) => why)));
    expect([...reasons].filter((why) => why !== 'it is gone already' && why !== 'somebody else has dropped it just now')).toEqual([]);
    expect(await warehouse.sql('select count(*)::int as n, count(distinct schema_name)::int as schemas from acme_door.swept')).toEqual([
      { n: 15, schemas: 15 },
    ]);
  });

  test('one that waited for the other does not drop what bears the name since', async () => {
    await pull(90);
    const at = await listedAt();
    const [first, second, build] = await Promise.all([
      warehouse.server.connect(JANITOR, warehouse.login(JANITOR).password, 'warehouse'),
      warehouse.server.connect(JANITOR, warehouse.login(JANITOR).password, 'warehouse'),
      warehouse.server.connect(CI, warehouse.login(CI).password, 'warehouse'),
    ]);
    const waiting = (n: number): Promise<void> =>
      expect
        .poll(() => warehouse.sql("select from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'pr_90'").then((rows) => rows.length), {
          timeout: 20_000,
        })
        .toBe(n);
    await first.query(`begin; call acme_door.sweep_schema('pr_90', '${at}')`);
    const building = build.query("call acme_door.create_schema('pr_90'); create table pr_90.fresh (i int)");
    await waiting(1);
    const late = second.query(`call acme_door.sweep_schema('pr_90', '${at}')`);
    await waiting(2);
    await first.query('commit');
    await building;
    expect((await late).rows[0]?.outcome).toMatch(/^(gone|kept: schema pr_90 was used at .*, after it was listed)$/);
    expect(await count('pr_90')).toBe(1);
    for (const session of [first, second, build]) await session.end();
  });
});

describe('a sweep against a build', () => {
  const MODELS = 8;
  const BUILD = ['build', '--exclude', 'resource_type:test', 'resource_type:unit_test'];
  const as = {
    'a developer’s': { schema: 'dev_priya', login: 'priya', build: () => warehouse.develop('priya', ...BUILD) },
    'a pull request’s': { schema: 'pr_200', login: CI, build: () => warehouse.pull(200, ...BUILD) },
  } as const;
  const whose = Object.keys(as) as (keyof typeof as)[];

  test.each(whose)('%s build that began after the listing is not disturbed: used, so kept', async (who) => {
    const { schema, build } = as[who];
    expect((await build()).code).toBe(0);
    await warehouse.age(schema);
    const at = await listedAt();
    const building = build();
    await expect
      .poll(() => warehouse.sql(`select from acme_door.environment where schema_name = '${schema}' and last_used_at > '${at}'`).then((rows) => rows.length), {
        timeout: 60_000,
        interval: 20,
      })
      .toBe(1);
    const said = await warehouse.sweep([schema], at);
    expect(said.kept).toEqual([{ schema, why: expect.stringMatching(/^used at .*, after it was listed$/) }]);
    const { code, output } = await building;
    expect(code, output).toBe(0);
    expect(await count(schema)).toBe(MODELS);
  });

  test.each(whose)('%s build that begins in the middle of a drop stops it after that step, says so, and is whole', async (who) => {
    const { schema, login, build } = as[who];
    expect((await build()).code).toBe(0);
    for (let batch = 0; batch < 12; batch++) {
      await warehouse.sql(
        `do $$ begin for i in 1..250 loop execute format('create table ${schema}.old_${batch}_%s as select 1 as id', i); end loop; end $$`,
        login,
      );
    }
    await warehouse.age(schema);
    const at = await listedAt();
    const sweeping = warehouse.sweep([schema], at);
    await under(schema, 2900);
    await warehouse.sql(`call acme_door.touch('${schema}')`, login); // what a build does before its first model
    const [said, built] = await Promise.all([sweeping, build()]);
    expect(said.cleared).toEqual([]);
    expect(said.kept).toEqual([
      { schema, why: expect.stringMatching(/^schema \w+ was used at .*, after it was listed; up to \d+ of its relations are gone already$/) },
    ]);
    expect(built.code, built.output).toBe(0);
    expect(await count(schema)).toBeGreaterThan(MODELS);
    expect(await count(schema)).toBeLessThan(3000 + MODELS);
    console.log(said.kept[0]?.why);
  });

  test.each(whose)('%s build beside a sweep, or right after one has begun, succeeds or fails loudly; the next one is whole', async (who) => {
    const { schema, build } = as[who];
    const came: string[] = [];
    expect((await build()).code).toBe(0);
    for (const first of ['neither', 'the sweep']) {
      await warehouse.age(schema);
      const sweeping = warehouse.sweep([schema], await listedAt());
      if (first === 'the sweep') {
        const sessions = (): Promise<number> => warehouse.sql(`select from pg_stat_activity where usename = '${JANITOR}'`).then((rows) => rows.length);
        await expect.poll(sessions, { timeout: 60_000, interval: 20 }).toBe(1);
      }
      const [said, built] = await Promise.all([sweeping, build()]);
      expect(said.failed).toEqual([]);
      came.push(`${said.cleared.length === 1 ? 'dropped' : 'kept'}, build ${built.code === 0 ? 'whole' : 'failed'}`);
      if (built.code !== 0) expect(built.output).toMatch(/does not exist|Database Error/);
      expect((await build()).code).toBe(0);
      expect(await count(schema)).toBe(MODELS);
    }
    console.log(`${schema}: ${came.join('; ')}`);
  });
});

describe('four sessions that build all the time, against one that lists and drops all the time', () => {
  const UTC = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`;
  const now = `select to_char(clock_timestamp() at time zone 'UTC', ${UTC}) as now`;
  const careless = `select to_char(clock_timestamp() at time zone 'UTC', ${UTC}) as listed_at`;
  interface Drop {
    readonly schema: string;
    /** The last use that the listing saw. */
    readonly seen: string;
    /** While the drop still held the schema. */
    readonly at: string;
  }

  /** How it went, with this way to say when the schemas were listed; wrong: drops of what had a use that the listing had not seen. */
  async function race(look: string, seconds: number) {
    const drops: Drop[] = [];
    const outcomes = new Map<string, number>();
    const lost: { schema: string; used: string }[] = [];
    let builds = 0;
    let over = false;
    const builders = [301, 302, 303, 304].map(async (number) => {
      const schema = `pr_${number}`;
      const session = await warehouse.server.connect(CI, warehouse.login(CI).password, 'warehouse');
      while (!over) {
        await session.query(`begin; call acme_door.create_schema('${schema}')`);
        const { rows } = await session.query(
          `select to_char(last_used_at at time zone 'UTC', ${UTC}) as used from acme_door.environment where schema_name = '${schema}'`,
        );
        await session.query('select pg_sleep(0.01); commit');
        await sleep(Math.random() * 60);
        const there = await session.query(`select from pg_namespace where nspname = '${schema}'`);
        if (there.rowCount === 0) lost.push({ schema, used: rows[0].used });
        builds++;
      }
      await session.end();
    });
    const janitor = await warehouse.server.connect(JANITOR, warehouse.login(JANITOR).password, 'warehouse');
    for (const until = Date.now() + seconds * 1000; Date.now() < until; ) {
      const listedAt = String((await janitor.query(look)).rows[0]?.listed_at);
      const { rows } = await janitor.query(
        `select schema_name, to_char(last_used_at at time zone 'UTC', ${UTC}) as seen from acme_door.environment where schema_name ~ '^pr_30[1-4]$'`,
      );
      for (const { schema_name: schema, seen } of rows) {
        await janitor.query('begin');
        const said = String((await janitor.query(`call acme_door.sweep_schema('${schema}', '${listedAt}')`)).rows[0]?.outcome);
        if (said === 'dropped') drops.push({ schema, seen, at: (await janitor.query(now)).rows[0].now });
        await janitor.query('commit');
        const outcome = said.replace(/ pr_\d+ was used at .*/, ' was used');
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    }
    over = true;
    await Promise.all(builders);
    await janitor.end();
    const wrong = lost.filter(({ schema, used }) => {
      const drop = drops.find((one) => one.schema === schema && one.at > used);
      return drop === undefined || drop.seen < used;
    });
    console.log(
      `${builds} builds, ${lost.length} lost their schema, ${wrong.length} of them wrongly; ${[...outcomes].map(([what, n]) => `${n} ${what}`).join(', ')}`,
    );
    return { builds, wrong, outcomes: [...outcomes.keys()].sort() };
  }

  test('no use that the listing has not seen is dropped', async () => {
    const { builds, wrong, outcomes } = await forgetful(warehouse, () => race('call acme_door.look()', 15));
    expect(wrong).toEqual([]);
    expect(builds).toBeGreaterThan(200);
    expect(outcomes.filter((outcome) => outcome !== 'gone')).toEqual(['dropped', 'kept: schema was used']);
  });

  test('a listing that only looked at the clock would be caught', async () => {
    expect((await forgetful(warehouse, () => race(careless, 10))).wrong.length).toBeGreaterThan(0);
  });

  test('nor is anything dropped by one, as long as the door looks at the age', async () => {
    const { builds, wrong, outcomes } = await race(careless, 5);
    expect(wrong).toEqual([]);
    expect(builds).toBeGreaterThan(60);
    expect(outcomes).toEqual(['kept: schema was used']);
  });
});

test('the shape of what is said stays that of the contract', async () => {
  await pull(1);
  const { output } = await warehouse.operation('drop_stale_schemas', { candidates: ['pr_1', 'pr_2'], listed_at: await listedAt(), dry_run: false });
  const said: Sweep = JSON.parse(lastLine(output));
  expect(said).toEqual({
    cleared: [{ schema: 'pr_1', how: 'dropped', relations: 1, took_along: [] }],
    kept: [{ schema: 'pr_2', why: 'it is gone already' }],
    failed: [],
  });
});
