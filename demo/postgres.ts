import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { type Server, startServer } from '../test/support/postgres-server.ts';
import { type Repository, scaffold } from './repository.ts';
import { chapter, say, table } from './stage.ts';

const DATABASE = 'acme';
const ADMINISTRATOR = 'dba';
const SCRIPTS = ['10_roles', '20_boundary', '30_developers', '40_services', '50_readers'] as const;
const LOGINS = ['priya', 'sam', 'acme_ci_service', 'acme_prod_service', 'acme_janitor'] as const;
type Login = (typeof LOGINS)[number];

/** A real server, grants applied by an administrator who is no superuser, every identity under its own login. */
export async function demoPostgres(): Promise<void> {
  chapter('PostgreSQL', 'A real server. Every identity has its own login, and the server itself refuses the rest.');
  const { folder, dbt, deploy } = await scaffold('postgres');
  const server = await startServer();
  try {
    const passwords = await install(server, folder);
    const connection = { DBT_PG_HOST: server.host, DBT_PG_PORT: String(server.port), DBT_PG_DATABASE: DATABASE, DBT_PG_SSLMODE: 'disable' };
    const dev = (login: 'priya' | 'sam') => ({ ...connection, DBT_ENV_SECRET_DEV_PASSWORD: passwords[login] });

    await deploy('Production is built by its service, as CI does on a merge', { ...connection, DBT_ENV_SECRET_PROD_PASSWORD: passwords.acme_prod_service });
    await dbt({ title: 'priya builds, under her own login', args: 'build', env: { DBT_DEV_NAME: 'priya' }, secrets: dev('priya') });
    await show(
      server,
      passwords.priya,
      'Where her tables are',
      "select schemaname || '.' || tablename as \"table\", tableowner as owner from pg_tables where tableowner = 'priya' and tablename ~ '^(raw|stg|fct|orders)_' order by 1",
    );

    await dbt({
      title: 'The quick test that overwrote fct_revenue: dbt refuses before it connects',
      args: 'run --target prod --select fct_revenue',
      env: { DBT_DEV_NAME: 'priya' },
      secrets: dev('priya'),
      refusal: /Target prod runs in CI only/,
    });
    await attempts(server, passwords);
    await pullRequest({ dbt, connection, passwords, server });
    await dbt({
      title: 'priya tries every forbidden act, and what she may do beside it',
      args: 'run-operation verify_boundary',
      env: { DBT_DEV_NAME: 'priya' },
      secrets: dev('priya'),
    });
  } finally {
    await server.stop();
    rmSync(path.dirname(folder), { recursive: true, force: true });
  }
}

/** What an administrator does once: the scripts in the order of their numbers, then passwords. */
async function install(server: Server, folder: string): Promise<Readonly<Record<Login, string>>> {
  const secret = (): string => randomBytes(9).toString('hex');
  const admin = secret();
  const superuser = await server.connect(server.superuser, server.password, 'postgres');
  await superuser.query(`create role ${ADMINISTRATOR} login createrole createdb password '${admin}'`);
  await superuser.query(`create database ${DATABASE} owner ${ADMINISTRATOR}`);
  await superuser.end();

  say('');
  say(`An administrator who is no superuser runs grants/ (PostgreSQL at ${server.host}:${server.port})`);
  const dba = await server.connect(ADMINISTRATOR, admin, DATABASE);
  for (const name of SCRIPTS) {
    const started = performance.now();
    await dba.query(readFileSync(path.join(folder, 'grants', `${name}.sql`), 'utf8'));
    say(`| grants/${name}.sql (${Math.round(performance.now() - started)} ms)`);
  }
  const passwords = { priya: secret(), sam: secret(), acme_ci_service: secret(), acme_prod_service: secret(), acme_janitor: secret() };
  for (const login of LOGINS) await dba.query(`alter role ${login} password '${passwords[login]}'`);
  await dba.end();
  return passwords;
}

/** Past dbt, with plain SQL: the server answers. Throws where it answers otherwise than expected. */
async function attempts(server: Server, passwords: Readonly<Record<Login, string>>): Promise<void> {
  say('');
  say('Past dbt, with plain SQL: what the server itself answers');
  const tries: readonly (readonly [Login, string, 'done' | 'refused'])[] = [
    ['priya', 'select count(*) from analytics.fct_revenue', 'done'],
    ['priya', 'drop table analytics.fct_revenue', 'refused'],
    ['priya', 'create table analytics.fct_revenue_test as select 1', 'refused'],
    ['priya', 'create schema analytics_backup', 'refused'],
    ['priya', "call acme_door.create_schema('dev_sam')", 'refused'],
    ['priya', 'set role acme_prod_service', 'refused'],
    ['sam', 'select * from dev_priya.fct_revenue', 'refused'],
    ['acme_ci_service', 'insert into analytics.fct_revenue select * from analytics.fct_revenue', 'refused'],
    ['acme_ci_service', "call acme_door.create_schema('pr_7')", 'done'],
    ['acme_ci_service', "call acme_door.create_schema('product')", 'refused'],
    ['acme_janitor', 'select * from analytics.fct_revenue', 'refused'],
    ['acme_prod_service', "call acme_door.create_schema('dev_priya')", 'refused'],
  ];
  const rows: string[][] = [];
  for (const [login, statement, expected] of tries) {
    const client = await server.connect(login, passwords[login], DATABASE);
    await client.query('begin');
    const answer = await client.query(statement).then(
      () => 'done',
      (error: Error) => `refused: ${error.message}`,
    );
    await client.query('rollback');
    await client.end();
    if (!answer.startsWith(expected)) throw new Error(`${login}: "${statement}" was ${answer}; expected ${expected}`);
    rows.push([login, statement, answer]);
  }
  table(['login', 'statement', 'answer'], rows);
}

interface PullRequest {
  readonly dbt: Repository['dbt'];
  readonly connection: Readonly<Record<string, string>>;
  readonly passwords: Readonly<Record<Login, string>>;
  readonly server: Server;
}
async function pullRequest({ dbt, connection, passwords, server }: PullRequest): Promise<void> {
  const ci = { ...connection, DBT_ENV_SECRET_CI_PASSWORD: passwords.acme_ci_service };
  await dbt({ title: 'Pull request 142 is built by the CI service', args: 'build --target ci', env: { PR_NUMBER: '142' }, secrets: ci });
  await show(
    server,
    passwords.sam,
    'sam reviews it: real data, under his own login',
    'select sum(revenue_usd) as revenue_usd, count(*) as days from pr_142.fct_revenue_daily',
    'sam',
  );
  await dbt({ title: 'It is closed, and its schema goes', args: 'run-operation drop_pr_schema --target ci', env: { PR_NUMBER: '142' }, secrets: ci });
}

async function show(server: Server, password: string, title: string, sql: string, login: Login = 'priya'): Promise<void> {
  say('');
  say(`${title}: ${sql}`);
  const client = await server.connect(login, password, DATABASE);
  const { rows, fields } = await client.query<Record<string, unknown>>(sql);
  await client.end();
  if (rows.length === 0) throw new Error(`"${sql}" found nothing`);
  const heading = fields.map(({ name }) => name);
  table(
    heading,
    rows.map((row) => heading.map((name) => String(row[name]))),
  );
}
