import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dbt, type Finished } from '../support/dbt.ts';
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
import { type Server, startServer } from '../support/postgres-server.ts';
import { scaffold } from '../support/scaffold.ts';

const DATABASE = 'acme';
const GIVEN = { warehouse: 'postgres', team: 'priya', readers: 'looker', sourceSchemas: '' };
const LOGINS = ['shared', 'tableau', 'finance', 'cfo', 'looker', 'priya', 'acme_prod_service', 'acme_ci_service'] as const;
let server: Server;
let admin: Administrator;
let passwords: ReadonlyMap<string, string>;
const projects: string[] = [];
let oldProject: string;
let newProject: string;

const edited = (from: string, edits: Readonly<Record<string, (text: string) => string>>): string => {
  const project = mkdtempSync(path.join(tmpdir(), 'dbt-envs-handover-'));
  projects.push(project);
  cpSync(from, project, { recursive: true });
  for (const [file, change] of Object.entries(edits)) {
    const before = readFileSync(path.join(project, file), 'utf8');
    const after = change(before);
    expect(after, `${file} was to be changed`).not.toBe(before);
    writeFileSync(path.join(project, file), after);
  }
  return project;
};

beforeAll(async () => {
  server = await startServer();
  admin = await plainAdministrator(server);
  await using(server, admin, 'postgres', (client) =>
    client.query('create role shared login; create role tableau login; create role finance login; create role cfo login'),
  );
  await createDatabase(server, DATABASE, admin, 'select 1');
  await asSuperuser(
    server,
    DATABASE,
    `create schema analytics authorization shared; create schema staging authorization shared;
     set role shared; grant usage on schema analytics to tableau, finance, cfo; alter default privileges in schema analytics grant select on tables to tableau`,
  );
  passwords = await setPasswords(server, ['shared']);

  // Their project has a grants config, as many have: on a table and on an incremental model.
  newProject = edited(scaffold(GIVEN), {
    'dbt_project.yml': (text) => text.replace('      +materialized: table\n', '      +materialized: table\n      +grants: {select: [finance]}\n'),
  });
  oldProject = edited(newProject, { 'dbt_project.yml': (text) => text.replace(/on-run-start:\n.*\n/, '') });
  rmSync(path.join(oldProject, 'macros/dbt_envs'), { recursive: true });
  writeFileSync(path.join(oldProject, 'macros/names.sql'), '{% macro generate_schema_name(custom, node) %}{{ custom or target.schema }}{% endmacro %}');
});
afterAll(async () => {
  await server?.stop();
  for (const project of projects) rmSync(project, { recursive: true, force: true });
});

const build = async (project: string, login: string, args: readonly string[] = []): Promise<Finished> => {
  const env = {
    DBT_PG_HOST: server.host,
    DBT_PG_PORT: String(server.port),
    DBT_PG_DATABASE: DATABASE,
    DBT_PG_SSLMODE: 'disable',
    DBT_ENVS_RUNNER: 'merge',
    DBT_PROD_LOGIN: login,
    DBT_ENV_SECRET_PROD_PASSWORD: passwords.get(login) ?? '',
  };
  return dbt(project, ['build', '--target', 'prod', ...args], { env, python: 'postgres' });
};
const succeeds = async (building: Promise<Finished>): Promise<void> => {
  const { code, output } = await building;
  expect(code, output).toBe(0);
};
const script = (name: string): Promise<readonly string[]> => run(server, admin, DATABASE, [[name, scripts(GIVEN).get(`grants/${name}.sql`) ?? '']]);
const reads = async (login: (typeof LOGINS)[number], relation: string): Promise<boolean> =>
  using(server, { login, password: passwords.get(login) ?? '' }, DATABASE, async (client) => {
    try {
      await client.query(`select * from ${relation} limit 1`);
      return true;
    } catch {
      return false;
    }
  });
const MODELS = ['analytics.fct_revenue', 'analytics.fct_revenue_daily', 'analytics.fct_events'];
const theirs = ['tableau', 'finance', 'shared', 'cfo'] as const;
let asFound: readonly string[] = [];
const whoReads = async (): Promise<readonly string[]> => {
  const found: string[] = [];
  for (const login of theirs) for (const model of MODELS) if (await reads(login, model)) found.push(`${login} reads ${model}`);
  return found;
};
/** Whoever read something before us reads it now; whoever could not, still cannot, but for what dbt itself would give. */
async function everybodyReads(when: string, butFor = ''): Promise<void> {
  expect(await whoReads(), when).toEqual(expect.arrayContaining(asFound.filter((reading) => reading !== butFor)));
  expect(await reads('cfo', 'analytics.fct_events')).toBe(false);
  for (const login of ['looker', 'priya', 'acme_ci_service'] as const)
    for (const model of MODELS) expect(await reads(login, model), `${login} reads ${model} ${when}`).toBe(true);
}

describe('a project that the shared login has deployed for years, handed over with real dbt', () => {
  test('the old job builds; we only add; it still builds', async () => {
    await succeeds(build(oldProject, 'shared'));
    await install(server, admin, DATABASE, GIVEN);
    passwords = await setPasswords(server, LOGINS);
    await succeeds(build(oldProject, 'shared'));
    await asSuperuser(server, DATABASE, 'grant select on analytics.fct_revenue to cfo');
    asFound = await whoReads();
    expect(asFound).toContain('cfo reads analytics.fct_revenue');
    expect(asFound).toContain('tableau reads analytics.fct_revenue');
    expect(asFound, "dbt's own doing: on an incremental model a grants config takes every reader away that it does not list").not.toContain(
      'tableau reads analytics.fct_events',
    );
  });

  test('the first deploy by the service is the whole project, and it is green', async () => {
    await succeeds(build(newProject, 'acme_prod_service'));
    await everybodyReads('after the first deploy');
    const { rows } = await using(server, superuserOf(server), DATABASE, (client) =>
      client.query(
        "select distinct pg_get_userbyid(relowner) as owner from pg_class where relnamespace in ('analytics'::regnamespace, 'staging'::regnamespace) and relkind in ('r', 'v')",
      ),
    );
    expect(rows.map(({ owner }) => owner).sort()).toEqual(['acme_prod_service', 'shared']); // seeds, snapshots and incremental models are changed in place
  });

  test('after closing the service builds on, nobody else writes, and everybody reads', async () => {
    await script('90_close_prod');
    await succeeds(build(newProject, 'acme_prod_service'));
    // The former owner is a reader now, and their own grants config takes an incremental model from every reader it does not list.
    const configured = 'shared reads analytics.fct_events';
    await everybodyReads('after closing and the next deploy', configured);
    await succeeds(build(newProject, 'acme_prod_service', ['--full-refresh', '--select', 'fct_events', 'fct_revenue']));
    await everybodyReads('after a full refresh', configured);
    const { code, output } = await build(oldProject, 'shared', ['--select', 'fct_revenue']);
    expect(code).not.toBe(0);
    expect(output).toMatch(/permission denied|must be owner/);
  });

  test('after reopening the old job builds again, all of it', async () => {
    await script('91_reopen_prod');
    await succeeds(build(oldProject, 'shared'));
  });
});
