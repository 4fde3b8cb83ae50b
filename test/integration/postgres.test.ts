import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dbt as anyDbt, type Finished, lines } from '../support/dbt.ts';
import { type Administrator, asSuperuser, createDatabase, install, plainAdministrator, setPasswords, superuserOf, using } from '../support/postgres-engine.ts';
import { type Server, startServer } from '../support/postgres-server.ts';
import { scaffold } from '../support/scaffold.ts';

const DATABASE = 'acme';
const GIVEN = { warehouse: 'postgres', team: 'priya, sam', readers: 'looker, anna:reviews', sourceSchemas: '' };
const OTHERS = 'create schema product; create table product.items (i int); create schema device_events; create table device_events.clicks (i int)';
let server: Server;
let admin: Administrator;
let passwords: ReadonlyMap<string, string>;
let scaffolded: string;
/** One checkout an identity, as in life: a change of login would make dbt read the whole project again. */
const copies: string[] = [];
const homes = new Map<string, string>();
const home = (who: 'priya' | 'ci' | 'prod'): string => {
  const made = homes.get(who) ?? copy({}, scaffolded);
  homes.set(who, made);
  return made;
};

beforeAll(async () => {
  server = await startServer();
  admin = await plainAdministrator(server);
  await createDatabase(server, DATABASE, admin, OTHERS);
  await install(server, admin, DATABASE, GIVEN);
  passwords = await setPasswords(server, ['priya', 'sam', 'looker', 'anna', 'acme_ci_service', 'acme_prod_service', 'acme_janitor']);
  scaffolded = scaffold(GIVEN);
});
afterAll(async () => {
  await server?.stop();
  for (const project of [scaffolded, ...copies]) if (project !== undefined) rmSync(project, { recursive: true, force: true });
});

const secret = (login: string): string => passwords.get(login) ?? '';
const connection = (): Record<string, string> => ({
  DBT_PG_HOST: server.host,
  DBT_PG_PORT: String(server.port),
  DBT_PG_DATABASE: DATABASE,
  DBT_PG_SSLMODE: 'disable',
});
/** Exactly what a developer's machine has: no variable of ci or prod. */
const developer = (name: string): Record<string, string> => ({ ...connection(), DBT_DEV_NAME: name, DBT_ENV_SECRET_DEV_PASSWORD: secret(name) });
const ci = (pr: string): Record<string, string> => ({ ...connection(), PR_NUMBER: pr, DBT_ENV_SECRET_CI_PASSWORD: secret('acme_ci_service') });
const prod = (): Record<string, string> => ({ ...connection(), DBT_ENVS_RUNNER: 'merge', DBT_ENV_SECRET_PROD_PASSWORD: secret('acme_prod_service') });

const dbt = (project: string, args: readonly string[], env: Record<string, string>): Promise<Finished> => anyDbt(project, args, { env, python: 'postgres' });
const succeeds = async (running: Promise<Finished>): Promise<Finished> => {
  const finished = await running;
  expect(finished.output, finished.output).not.toMatch(/\b(?:ERROR|FAIL)\b \d|Encountered an error/);
  expect(finished.code, finished.output).toBe(0);
  return finished;
};
const sql = (login: string, statement: string, database = DATABASE): Promise<Record<string, unknown>[]> =>
  using(
    server,
    login === 'postgres' ? superuserOf(server) : { login, password: secret(login) },
    database,
    async (client) => (await client.query(statement)).rows,
  );

/** How many relations each login owns in each schema: who built what, where. */
async function landscape(): Promise<Record<string, string>> {
  const found = await sql(
    'postgres',
    `select n.nspname || ' by ' || pg_get_userbyid(c.relowner) as place, count(*) || ' relations, newest ' || max(c.oid) as what
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'v', 'm') and n.nspname !~ '^(pg_|information_schema|acme_door)' group by 1 order by 1`,
  );
  return Object.fromEntries(found.map(({ place, what }) => [String(place), String(what)]));
}
/** The places that an act has changed. */
async function changed(act: () => Promise<unknown>): Promise<readonly string[]> {
  const before = await landscape();
  await act();
  const after = await landscape();
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((place) => before[place] !== after[place]).sort();
}

/** A copy that a test may spoil. */
function copy(changes: Readonly<Record<string, string>> = {}, from = home('priya')): string {
  const project = mkdtempSync(path.join(tmpdir(), 'dbt-envs-postgres-test-'));
  copies.push(project);
  cpSync(from, project, { recursive: true });
  for (const [file, text] of Object.entries(changes)) {
    mkdirSync(path.dirname(path.join(project, file)), { recursive: true });
    writeFileSync(path.join(project, file), text);
  }
  return project;
}
function edit(project: string, file: string, change: (text: string) => string): void {
  const full = path.join(project, file);
  const before = readFileSync(full, 'utf8');
  const after = change(before);
  expect(after, `${file} was to be changed`).not.toBe(before);
  writeFileSync(full, after);
}
/** What somebody does who does not want to be guarded: every macro of ours and the check are gone. */
function withoutGuards(changes: Readonly<Record<string, string>> = {}): string {
  const project = copy(changes);
  rmSync(path.join(project, 'macros/dbt_envs'), { recursive: true });
  edit(project, 'dbt_project.yml', (text) => text.replace(/on-run-start:\n.*\n/, ''));
  return project;
}

describe('each identity builds in its own place and nowhere else, with real dbt and its own login', () => {
  test('prod, as its service and from its runner', async () => {
    expect(await changed(() => succeeds(dbt(home('prod'), ['build', '--target', 'prod'], prod())))).toEqual([
      'analytics by acme_prod_service',
      'staging by acme_prod_service',
    ]);
  });

  test('dev, with none of the variables of ci and prod; twice', async () => {
    for (const round of [1, 2])
      expect(await changed(() => succeeds(dbt(home('priya'), ['build'], developer('priya')))), `build ${round}`).toEqual(['dev_priya by priya']);
    expect(await sql('priya', 'select count(*)::int > 0 as some from dev_priya.fct_revenue')).toEqual([{ some: true }]);
  });

  test('a build is use: the schema is not old as long as somebody builds in it', async () => {
    await asSuperuser(server, DATABASE, "update acme_door.environment set last_used_at = now() - interval '40 days' where schema_name = 'dev_priya'");
    await succeeds(dbt(home('priya'), ['run', '--select', 'stg_orders'], developer('priya')));
    expect(await sql('priya', "select last_used_at > now() - interval '1 hour' as fresh from acme_door.environment where schema_name = 'dev_priya'")).toEqual([
      { fresh: true },
    ]);
  });

  test('ci, for the number of its pull request; developers and reviewers query it, readers of production do not', async () => {
    for (const pr of ['1', '12']) await sql('acme_ci_service', `call acme_door.create_schema('pr_${pr}'); create table pr_${pr}.kept (i int)`);
    expect(await changed(() => succeeds(dbt(home('ci'), ['build', '--target', 'ci'], ci('142'))))).toEqual(['pr_142 by acme_ci_service']);
    const question = (schema: string): string =>
      `select sum(revenue_usd)::text as revenue from ${schema}.fct_revenue_daily where event_date = (select min(event_date) from ${schema}.fct_revenue_daily)`;
    const [answer] = await sql('acme_prod_service', question('analytics'));
    expect(answer?.revenue).toMatch(/^\d/);
    for (const login of ['anna', 'sam', 'priya']) expect(await sql(login, question('pr_142')), login).toEqual([answer]);
    await expect(sql('looker', question('pr_142'))).rejects.toThrow('permission denied for schema pr_142');
    expect(await sql('looker', question('analytics'))).toEqual([answer]);
  });

  test('drop_pr_schema takes exactly pr_142, and a second time finds nothing', async () => {
    const operation = (): Promise<Finished> => dbt(home('ci'), ['--quiet', 'run-operation', 'drop_pr_schema', '--target', 'ci'], ci('142'));
    const first = await changed(async () =>
      expect(
        lines(await succeeds(operation()))
          .filter(Boolean)
          .at(-1),
      ).toBe('{"dropped": ["pr_142"]}'),
    );
    expect(first).toEqual(['pr_142 by acme_ci_service']);
    expect(
      await changed(async () =>
        expect(
          lines(await succeeds(operation()))
            .filter(Boolean)
            .at(-1),
        ).toBe('{"dropped": []}'),
      ),
    ).toEqual([]);
    expect(
      await sql(
        'postgres',
        "select nspname from pg_namespace where nspname in ('pr_1', 'pr_12', 'pr_142', 'product', 'device_events', 'analytics') order by 1",
      ),
    ).toEqual(['analytics', 'device_events', 'pr_1', 'pr_12', 'product'].map((nspname) => ({ nspname })));
  });
});

describe('what somebody tries who should not', () => {
  /** Refused: the run fails, says so, and nothing has changed anywhere but in the places that are the caller's own. */
  const refused = async (
    project: string,
    args: readonly string[],
    env: Record<string, string>,
    message: string | RegExp,
    own: readonly string[] = [],
  ): Promise<void> => {
    let finished: Finished = { code: 0, output: '' };
    const places = await changed(async () => {
      finished = await dbt(project, args, env);
    });
    expect(finished.output).toMatch(message);
    expect(finished.code).not.toBe(0);
    expect(places.filter((place) => !own.includes(place))).toEqual([]);
  };
  const asSam = (): Record<string, string> => ({ ...developer('sam'), DBT_DEV_LOGIN: 'priya', DBT_ENV_SECRET_DEV_PASSWORD: secret('priya') });

  test("another developer's name: refused in one line by the door; without the guards, by the server", async () => {
    const line =
      /^ *In database "acme", login priya may not use schema dev_sam: its own is dev_priya\.$|^ *In database "acme", login priya may not create schema dev_sam: its own is dev_priya\.$/m;
    await refused(home('priya'), ['build'], asSam(), line);
    await refused(withoutGuards(), ['build'], asSam(), 'permission denied for database acme');
    await sql('sam', "call acme_door.create_schema('dev_sam')");
    await refused(home('priya'), ['build'], asSam(), line);
    await refused(
      withoutGuards({ 'macros/all.sql': '{% macro generate_schema_name(c, n) %}{{ target.schema }}{% endmacro %}' }),
      ['build'],
      asSam(),
      'permission denied for schema dev_sam',
    );
  });

  test('a name that is not on the roster: refused while dbt parses', async () => {
    await refused(home('priya'), ['build'], developer('bo'), '"bo" is not on the roster');
  });

  test('production from a laptop: refused while dbt parses; without the guards, by the server', async () => {
    const laptop = { ...developer('priya'), DBT_PROD_LOGIN: 'priya', DBT_ENV_SECRET_PROD_PASSWORD: secret('priya') };
    await refused(home('priya'), ['build', '--target', 'prod'], laptop, 'Target prod runs in CI only');
    await refused(
      withoutGuards(),
      ['build', '--target', 'prod'],
      laptop,
      /permission denied for schema (analytics|staging)|permission denied for database acme/,
    );
  });

  test("ci's login on another pull request's tables and on production", async () => {
    const project = withoutGuards({ 'macros/all.sql': '{% macro generate_schema_name(c, n) %}analytics{% endmacro %}' });
    await refused(project, ['build', '--target', 'ci'], ci('7'), 'permission denied for schema analytics');
  });

  test('a snapshot with target_schema', async () => {
    const project = copy();
    edit(project, 'snapshots/orders_snapshot.yml', (text) => text.replace('      strategy:', '      target_schema: analytics\n      strategy:'));
    await refused(project, ['build'], developer('priya'), 'Target dev may not build in "analytics", only in "dev_priya".', ['dev_priya by priya']);
    edit(project, 'dbt_project.yml', (text) => text.replace(/on-run-start:\n.*\n/, ''));
    await refused(project, ['snapshot'], developer('priya'), 'permission denied for table orders_snapshot', ['dev_priya by priya']);
  });

  test('a package that brings its own generate_schema_name', async () => {
    const project = copy({
      'packages.yml': 'packages:\n  - local: vendored/other\n',
      'vendored/other/dbt_project.yml': 'name: other\nversion: "1.0.0"\nprofile: acme\n',
      'vendored/other/macros/names.sql': '{% macro generate_schema_name(custom_schema_name, node) %}analytics{% endmacro %}',
      'vendored/other/models/theirs.sql': 'select 1 as a',
    });
    await succeeds(dbt(project, ['deps'], developer('priya')));
    await refused(project, ['build'], developer('priya'), 'Package other brings its own generate_schema_name', ['dev_priya by priya']);
  });

  test('+database and a hook in raw SQL', async () => {
    const database = copy({ 'models/marts/scratch.sql': '{{ config(database="postgres") }} select 1 as a' });
    await refused(database, ['build', '--select', 'scratch'], developer('priya'), 'Target dev may not build in database "postgres", only in "acme".');
    const hook = copy({ 'models/marts/scratch.sql': '{{ config(post_hook="create table analytics.x as select 1 as a") }} select 1 as a' });
    await refused(hook, ['build', '--select', 'scratch'], developer('priya'), 'permission denied for schema analytics', ['dev_priya by priya']);
  });
});

describe('what an administrator has not done yet is said in one line', () => {
  const inDatabase = (database: string, env: Record<string, string>): Record<string, string> => ({ ...env, DBT_PG_DATABASE: database });
  const says = async (args: readonly string[], env: Record<string, string>, line: string): Promise<void> => {
    const run = await dbt(home('priya'), args, env);
    expect(lines(run)).toContain(line);
    expect(run.code).not.toBe(0);
  };

  test('a database without the door', async () => {
    await createDatabase(server, 'bare', admin, 'select 1');
    await says(
      ['build'],
      inDatabase('bare', developer('priya')),
      'Database "bare" has no acme_door yet, through which dev_priya would be made: an administrator runs grants/10_roles.sql to grants/50_readers.sql there (grants/README.md).',
    );
    const deploy = await dbt(home('prod'), ['build', '--target', 'prod'], inDatabase('bare', prod()));
    expect(deploy.output).toMatch(
      /^ *Schema "(analytics|staging)" is not in database "bare": an administrator runs grants\/20_boundary\.sql and grants\/40_services\.sql, which make it and grant it\.$/m,
    );
    expect(deploy.code).not.toBe(0);
  });

  test('a developer who is in roster.yml, and not yet on the roster of the database', async () => {
    await createDatabase(server, 'behind', admin, 'select 1');
    await install(server, admin, 'behind', { ...GIVEN, team: 'priya' });
    const notYet = 'In database "behind", login sam is not on the roster of this database: an administrator runs grants/30_developers.sql.';
    await says(['build'], inDatabase('behind', developer('sam')), notYet);
    await asSuperuser(server, 'behind', 'create role stranger login; grant connect on database behind to stranger');
    const stranger = (await setPasswords(server, ['stranger'])).get('stranger') ?? '';
    await says(
      ['build'],
      { ...inDatabase('behind', developer('sam')), DBT_DEV_LOGIN: 'stranger', DBT_ENV_SECRET_DEV_PASSWORD: stranger },
      'Login "stranger" is not on the roster of database "behind" yet: an administrator runs grants/30_developers.sql there. Is your login another one? Set DBT_DEV_LOGIN.',
    );
  });
});

describe('run-operations, with JSON on the last line', () => {
  const operation = async (name: string, args: readonly string[], env: Record<string, string>): Promise<{ run: Finished; json: unknown }> => {
    const run = await dbt(home(args.length > 0 ? 'ci' : 'priya'), ['--quiet', 'run-operation', name, ...args], env);
    const last = lines(run).find((line) => line.startsWith('{"')) ?? 'null';
    return { run, json: JSON.parse(last) };
  };

  test('env_schemas lists what is this project’s, and nothing else', async () => {
    const { run, json } = await operation('env_schemas', [], developer('priya'));
    expect(run.code).toBe(0);
    expect(json).toMatchObject({ schemas: [{ schema: 'dev_priya', created_by: 'priya' }, { schema: 'dev_sam' }, { schema: 'pr_1' }, { schema: 'pr_12' }] });
  });

  test('verify_boundary is green for a developer and for ci, and red once a right too many was given', async () => {
    const green = await operation('verify_boundary', [], developer('priya'));
    expect(green.run.code, green.run.output).toBe(0);
    expect(green.json).toMatchObject({ login: 'priya', identity: 'developer', wrong: 0 });
    const janitor = await operation('verify_boundary', ['--target', 'ci'], {
      ...connection(),
      DBT_CI_LOGIN: 'acme_janitor',
      DBT_ENV_SECRET_CI_PASSWORD: secret('acme_janitor'),
    });
    expect(janitor.json).toMatchObject({ identity: 'janitor', wrong: 0 });

    await asSuperuser(server, DATABASE, 'grant insert, delete on all tables in schema analytics, staging to priya');
    const red = await operation('verify_boundary', [], developer('priya'));
    const audit = await operation('audit', [], developer('priya'));
    await asSuperuser(server, DATABASE, 'revoke insert, delete on all tables in schema analytics, staging from priya');
    expect(red.run.code).not.toBe(0);
    expect(red.run.output).toMatch(/^ *WRONG \| change .* \| expected refused \| got done$/m);
    expect(audit.run.code).not.toBe(0);
    expect(audit.run.output).toContain('HOLE          | priya | may change rows in analytics');
  });

  test('audit is green and names the administrators', async () => {
    const { run, json } = await operation('audit', [], developer('priya'));
    expect(run.code, run.output).toBe(0);
    expect(json).toMatchObject({
      can_write: expect.arrayContaining([{ login: 'postgres', how: 'is a superuser', verdict: 'administrator', administrator: true }]),
    });
  });
});
