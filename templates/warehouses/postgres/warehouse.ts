import { parseIdentifier } from '../../../src/names.ts';
import { type Project, setting } from '../../../src/project.ts';
import { staysBehind } from '../../../src/question.ts';
import { defineWarehouse, passagesIn, type Variable } from '../../../src/warehouse.ts';
import { macroFiles, sweepFiles } from './macros.ts';
import { grantsFiles } from './scripts.ts';
import { ADMINISTRATORS, namesOf } from './view.ts';

export const postgres = defineWarehouse({
  id: 'postgres',
  label: 'PostgreSQL',
  adapter: 'dbt-postgres',
  questions: [
    {
      name: 'database',
      flag: 'database',
      asked: true,
      message: 'Which database do you build in?',
      help: 'The database that dbt builds in.',
      default: ({ projectName = '' }) => projectName,
      parse: (raw) => parseIdentifier(raw, 'a database'),
      leaves: (was) => staysBehind(`Schemas, door and grants in database ${was}`),
    },
  ],
  enforcement: {
    prodClosedToPeople: 'yes',
    devExact: 'yes',
    ciExact: 'yes',
    proof: 'engine',
    summary:
      'PostgreSQL refuses every write outside the one schema that a login owns; schemas come and go only through procedures that look at the login. It cannot hold superusers, the owner of the database, or roles with CREATEROLE.',
  },
  reach: 'network',
  // Printed in quotes, so that no case is folded.
  principalOf: (_, { login }) => login,
  reservedPrincipals: (project) => [...Object.values(namesOf(project).roles), ...ADMINISTRATORS],
  variables,
  targets: (project) => {
    const { roles } = namesOf(project);
    const view = { database: setting(project, 'database'), roles, defaultSchema: project.prodSchemas[0] };
    const target = (name: string) => ({ template: `warehouses/postgres/targets/${name}.yml.ejs`, view });
    return { dev: target('dev'), ci: target('ci'), prod: target('prod') };
  },
  macros: macroFiles,
  sweep: sweepFiles,
  grants: grantsFiles,
  deploy: { before: [], after: [], viewsGoWithTables: true, keepsWhatSucceeded: true },
  docs: (project) => {
    const { door, roles } = namesOf(project);
    return passagesIn('warehouses/postgres', {
      door,
      roles,
      database: setting(project, 'database'),
      prodSchemas: project.prodSchemas,
      developer: project.roster.developers[0] ?? { slug: 'ana', login: 'ana' },
      leavers: project.roster.leavers.length,
      devDays: project.devDays,
      prDays: project.prDays,
    });
  },
  nextSteps,
  lastSteps: (project) => [
    `After the first deploy as ${namesOf(project).roles.prodService}: the administrator runs grants/90_close_prod.sql; each identity runs grants/verify.sql under its own login; anybody runs grants/audit.sql.`,
  ],
});

function variables(project: Project): readonly Variable[] {
  const { roles } = namesOf(project);
  const everybody = ['dev', 'ci', 'prod', 'janitor'] as const;
  const variable = (name: string, identities: Variable['identities'], what: string, example: string, fallback?: string): Variable => ({
    name,
    secret: name.startsWith('DBT_ENV_SECRET_'),
    identities,
    what,
    example,
    ...(fallback !== undefined && { default: fallback }),
  });
  return [
    variable('DBT_PG_HOST', everybody, 'The host of the PostgreSQL server', 'warehouse.example.com', 'localhost'),
    variable('DBT_PG_PORT', everybody, 'Its port', '5432', '5432'),
    variable('DBT_PG_DATABASE', everybody, 'The database', setting(project, 'database'), setting(project, 'database')),
    variable('DBT_PG_SSLMODE', everybody, 'How the connection is encrypted: verify-full wherever the server has a certificate', 'verify-full', 'prefer'),
    variable('DBT_DEV_NAME', ['dev'], 'Your name in roster.yml, where it is not the user name of your machine', 'priya'),
    variable('DBT_DEV_LOGIN', ['dev'], 'Your own login, where it is not that name', 'priya.s'),
    variable('DBT_ENV_SECRET_DEV_PASSWORD', ['dev'], 'The password of your own login', ''),
    variable('DBT_CI_LOGIN', ['ci'], "The login of CI's account", roles.ciService, roles.ciService),
    variable('DBT_ENV_SECRET_CI_PASSWORD', ['ci'], `The password of ${roles.ciService}`, ''),
    { ...variable('DBT_JANITOR_LOGIN', ['janitor'], "The login of the sweep's account", roles.janitor, roles.janitor), as: 'DBT_CI_LOGIN' },
    { ...variable('DBT_ENV_SECRET_JANITOR_PASSWORD', ['janitor'], `The password of ${roles.janitor}`, ''), as: 'DBT_ENV_SECRET_CI_PASSWORD' },
    variable('DBT_PROD_LOGIN', ['prod'], "The login of production's account", roles.prodService, roles.prodService),
    variable('DBT_ENV_SECRET_PROD_PASSWORD', ['prod'], `The password of ${roles.prodService}`, ''),
  ];
}

function prodReader({ prodRuns, mainBranch }: Project): string {
  const deploy = `the deploy of ${mainBranch}`;
  if (!prodRuns.includes('external')) return `only ${deploy}`;
  return prodRuns.length === 1 ? 'only the orchestrator' : `only ${deploy} and the orchestrator`;
}

function nextSteps(project: Project): readonly string[] {
  const { roles } = namesOf(project);
  const { developers, leavers } = project.roster;
  const newLogins = developers.length === 1 ? "the developer's login, if it is new" : `each new login of the ${developers.length} developers`;
  return [
    `An administrator reads grants/README.md and runs, in database ${setting(project, 'database')}: 00_look, then 10_roles, 20_boundary, 30_developers, 40_services, 50_readers. They only add.`,
    `The administrator sets the passwords with psql's \\password: ${roles.ciService}, ${roles.prodService}, ${roles.janitor}, and ${newLogins}.`,
    `Secrets, by name: DBT_ENV_SECRET_CI_PASSWORD (${roles.ciService}) for pull requests; DBT_ENV_SECRET_PROD_PASSWORD (${roles.prodService}) where ${prodReader(project)} can read it; DBT_ENV_SECRET_JANITOR_PASSWORD (${roles.janitor}) for the nightly sweep; DBT_ENV_SECRET_DEV_PASSWORD on each developer's own machine. DBT_PG_HOST is a variable.`,
    ...(leavers.length > 0 ? ['An administrator runs grants/leavers/<slug>.sql for each person who left.'] : []),
  ];
}
