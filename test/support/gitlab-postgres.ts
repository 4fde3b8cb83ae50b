import { type GitlabSite, startGitlabSite } from './gitlab-site.ts';
import { createDatabase, install, setPasswords, superuserOf, using } from './postgres-engine.ts';
import { startServer } from './postgres-server.ts';
import { scaffold } from './scaffold.ts';

const WAREHOUSE = { warehouse: 'postgres', team: 'priya, sam', readers: 'looker, anna:reviews', sourceSchemas: 'raw' };
const LOGINS = ['acme_ci_service', 'acme_prod_service', 'acme_janitor', 'priya', 'sam', 'looker', 'anna'] as const;
type Login = (typeof LOGINS)[number] | 'postgres';

/** acme/data/dbt on GitLab, and its warehouse: a PostgreSQL server with the boundary. */
export interface GitlabCompany {
  readonly site: GitlabSite;
  readonly password: (login: Login) => string;
  /** Rows, as that login sees them, in a session of its own. */
  ask(sql: string, login?: Login): Promise<readonly (readonly unknown[])[]>;
  /** Tables and views of a schema, in order. */
  relations(schema: string): Promise<readonly string[]>;
  /** The schemas of merge requests, in order. */
  pulls(): Promise<readonly string[]>;
  /** What a developer's own shell has. */
  shell(login: Login, slug: string): Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export async function startGitlabCompany(): Promise<GitlabCompany> {
  const server = await startServer();
  await createDatabase(server, 'warehouse', superuserOf(server), 'create schema raw');
  await install(server, superuserOf(server), 'warehouse', WAREHOUSE);
  const passwords = await setPasswords(server, LOGINS);
  const password = (login: Login): string => (login === 'postgres' ? server.password : (passwords.get(login) ?? ''));
  const place = { DBT_PG_HOST: server.host, DBT_PG_PORT: String(server.port), DBT_PG_DATABASE: 'warehouse', DBT_PG_SSLMODE: 'disable' };
  const everywhere = (value: string) => ({ 'pr/*': value, prod: value, sweep: value });
  const site = await startGitlabSite(scaffold({ ...WAREHOUSE, ci: 'gitlab' }), {
    python: 'postgres',
    variables: {
      ...Object.fromEntries(Object.entries(place).map(([name, value]) => [name, everywhere(value)])),
      DBT_ENV_SECRET_CI_PASSWORD: { 'pr/*': password('acme_ci_service') },
      DBT_ENV_SECRET_PROD_PASSWORD: { prod: password('acme_prod_service') },
      DBT_ENV_SECRET_JANITOR_PASSWORD: { sweep: password('acme_janitor') },
      DBT_ENVS_GITLAB_TOKEN: { 'sweep-issue': 'glpat-of-the-sweep' },
    },
  });
  const ask: GitlabCompany['ask'] = (sql, login = 'postgres') =>
    using(server, { login, password: password(login) }, 'warehouse', async (client) => (await client.query({ text: sql, rowMode: 'array' })).rows);
  const names = async (sql: string): Promise<readonly string[]> => (await ask(sql)).map(([name]) => String(name));
  return {
    site,
    password,
    ask,
    relations: (schema) => names(`select relname from pg_class where relnamespace = to_regnamespace('${schema}') and relkind in ('r', 'v', 'm') order by 1`),
    pulls: () => names("select nspname from pg_namespace where nspname ~ '^pr_' order by 1"),
    shell: (login, slug) => ({ ...place, DBT_DEV_NAME: slug, DBT_DEV_LOGIN: login, DBT_ENV_SECRET_DEV_PASSWORD: password(login) }),
    stop: async () => {
      await Promise.all([site.stop(), server.stop()]);
    },
  };
}
