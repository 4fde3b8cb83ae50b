import type pg from 'pg';
import { type Administrator, asSuperuser, createDatabase, run, setPasswords, superuserOf, using } from './postgres-engine.ts';
import { installation, type Script, scripts } from './postgres-matrix.ts';
import type { Server } from './postgres-server.ts';

/** What the company answers when the generator asks. */
export const COMPANY_ANSWERS = { prodSchemas: 'analytics, staging', sourceSchemas: 'raw', team: 'priya, sam', readers: 'looker' };

/** Its logins: one that owned everything, dashboards, somebody with a right to pass on, and people. */
export const COMPANY_LOGINS = [
  'shared',
  'tableau',
  'metabase',
  'auditor',
  'intern',
  'cfo',
  'priya',
  'sam',
  'looker',
  'acme_ci_service',
  'acme_prod_service',
] as const;
export type CompanyLogin = (typeof COMPANY_LOGINS)[number];

/** A company's database before us: everything in it was built with the login `shared`. */
export interface Company {
  readonly database: string;
  as<T extends pg.QueryResultRow>(login: CompanyLogin, sql: string): Promise<T[]>;
  /** A client that the caller ends. */
  session(login: CompanyLogin): Promise<pg.Client>;
  /** Runs a script of grants/ as the administrator; the warnings and notices that it printed. */
  script(name: string): Promise<readonly string[]>;
  /** What decides who may do what with production, as lines that can be compared. */
  catalogue(): Promise<readonly string[]>;
}

const ROLES = `
  create role shared login; create role tableau login; create role metabase login; create role bi nologin; grant bi to metabase;
  create role auditor login; create role intern login; create role cfo login; create role bob nologin;
  create role sam login;
  create role developer nologin; create role ci_service login; grant developer to sam`;

const AS_OWNER = `
  create schema raw; create table raw.orders as select 1 as id, 10 as amount;
  create schema analytics authorization shared; create schema staging authorization shared;
  grant usage on schema raw to shared; grant select on all tables in schema raw to shared`;

const AS_SHARED = `
  grant usage on schema analytics to tableau, bi, auditor, intern, cfo, developer;
  alter default privileges in schema analytics grant select on tables to tableau, bi;
  create table analytics.orders as select * from raw.orders;
  create table analytics.fct_revenue as select 1 as id, 2.5 as revenue_usd;
  create view analytics.v_orders as select * from raw.orders;
  create materialized view analytics.mv_orders as select * from raw.orders;
  create type analytics.state as enum ('open', 'paid');
  create table analytics.invoices (id int generated always as identity, serial_no serial, state analytics.state);
  create sequence analytics.loose;
  create function analytics.usd(cents bigint) returns numeric language sql as 'select cents / 100.0';
  create procedure analytics.rebuild() language sql as 'select 1';
  create table staging.salaries (id int, person text, amount int);
  grant usage on schema staging to cfo, auditor, tableau;
  grant select on staging.salaries to cfo; grant select (id, person) on staging.salaries to auditor;
  grant select on analytics.orders to auditor with grant option;
  grant insert on analytics.fct_revenue to sam; grant update (revenue_usd) on analytics.fct_revenue to sam;
  grant all on analytics.orders to developer; grant usage on sequence analytics.loose to developer;
  grant truncate, trigger, references on analytics.orders to public`;

const AS_AUDITOR = 'grant select on analytics.orders to intern';

/** A report of somebody who has left since, and what a quick test of each left behind. */
const AFTERWARDS = (admin: string): string => `
  create table analytics.old_report as select 1 as id; alter table analytics.old_report owner to bob; grant select on analytics.old_report to tableau;
  grant create on schema public to public; grant create on database ${admin} to public;
  do $$ begin for i in 1..40 loop execute format('create schema %I; create table %1$I.t as select 1 as id', 'dbt_test_' || i); end loop; end $$`;

/** Founds the company, in a database of that name. Where the administrator is no superuser, everything is theirs, as in a cloud. */
export async function found(server: Server, administrator: Administrator, database: string): Promise<Company> {
  const superuser = superuserOf(server);
  await using(server, administrator, 'postgres', (client) => client.query(ROLES));
  await createDatabase(server, database, administrator, 'select 1');
  const passwords = await setPasswords(server, ['shared', 'auditor']);
  const early = (login: string): Administrator => ({ login, password: passwords.get(login) ?? '' });
  await asSuperuser(
    server,
    database,
    `set session authorization "${administrator.login}"; grant shared to "${administrator.login}"; ${AS_OWNER}; revoke shared from "${administrator.login}"`,
  ).catch(async () => asSuperuser(server, database, AS_OWNER));
  await using(server, early('shared'), database, (client) => client.query(AS_SHARED));
  await using(server, early('auditor'), database, (client) => client.query(AS_AUDITOR));
  await asSuperuser(server, database, AFTERWARDS(database));
  const rendered = scripts(COMPANY_ANSWERS);
  let secrets: ReadonlyMap<string, string> | undefined;
  const session = async (login: CompanyLogin): Promise<pg.Client> => {
    secrets ??= await setPasswords(server, COMPANY_LOGINS);
    return server.connect(login, secrets.get(login) ?? '', database);
  };
  return {
    database,
    session,
    as: async <T extends pg.QueryResultRow>(login: CompanyLogin, sql: string): Promise<T[]> => {
      const client = await session(login);
      try {
        return (await client.query<T>(sql)).rows;
      } finally {
        await client.end();
      }
    },
    script: (name) => run(server, administrator, database, [only(rendered, `grants/${name}.sql`)]),
    catalogue: async () => {
      const rows = await using(server, superuser, database, async (client) => (await client.query<{ line: string }>(CATALOGUE)).rows);
      return rows.map(({ line }) => line);
    },
  };
}

/** 10 to 50, as the administrator. */
export const COMPANY_INSTALLATION = installation(COMPANY_ANSWERS).map(([path]) => path.replace(/^grants\/|\.sql$/g, ''));

function only(rendered: ReadonlyMap<string, string>, path: string): Script {
  const sql = rendered.get(path);
  if (sql === undefined) throw new Error(`there is no ${path}`);
  return [path, sql];
}

/** Owners and rights, with what the server assumes where nothing was ever granted. */
const rights = (acl: string, kind: string, owner: string): string =>
  `(select string_agg(a::text, ' ' order by a::text) from unnest(coalesce(${acl}, acldefault('${kind}', ${owner}))) a)`;
const CATALOGUE = `
  select 'schema ' || nspname || ' of ' || pg_get_userbyid(nspowner) || ': ' || ${rights('nspacl', 'n', 'nspowner')} as line
    from pg_namespace where nspname in ('analytics', 'staging', 'raw', 'public')
  union all select 'relation ' || nspname || '.' || relname || ' of ' || pg_get_userbyid(relowner) || ': ' || coalesce(${rights('relacl', 'r', 'relowner')}, '')
    from pg_class c join pg_namespace n on n.oid = relnamespace where nspname in ('analytics', 'staging') and relkind <> 'i'
  union all select 'column ' || relname || '.' || attname || ': ' || ${rights('attacl', 'c', 'relowner')}
    from pg_attribute a join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace where nspname in ('analytics', 'staging') and attacl is not null
  union all select 'routine ' || proname || ' of ' || pg_get_userbyid(proowner) || ': ' || ${rights('proacl', 'f', 'proowner')}
    from pg_proc join pg_namespace n on n.oid = pronamespace where nspname = 'analytics'
  union all select 'type ' || typname || ' of ' || pg_get_userbyid(typowner) || ': ' || ${rights('typacl', 'T', 'typowner')}
    from pg_type join pg_namespace n on n.oid = typnamespace where nspname = 'analytics'
  union all select 'language ' || lanname || ': ' || ${rights('lanacl', 'l', 'lanowner')} from pg_language
  union all select 'database: ' || ${rights('datacl', 'd', 'datdba')} from pg_database where datname = current_database()
  union all select 'default of ' || defaclrole::regrole || ' in ' || coalesce(nspname, 'any') || ': ' || (select string_agg(a::text, ' ' order by a::text) from unnest(defaclacl) a)
    from pg_default_acl left join pg_namespace n on n.oid = defaclnamespace
  union all select pg_get_userbyid(member) || ' is a member of ' || pg_get_userbyid(roleid) from pg_auth_members
   where pg_get_userbyid(roleid) !~ '^pg_'
  order by 1`;
