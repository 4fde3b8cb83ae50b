import { parseIdentifier } from '../../../src/names.ts';
import { type Project, setting } from '../../../src/project.ts';
import { oneOf } from '../../../src/question.ts';
import { defineWarehouse, passagesIn, type Variable } from '../../../src/warehouse.ts';
import { macroFiles, sweepFiles } from './macros.ts';
import { grantsFiles } from './scripts.ts';
import { namesOf } from './view.ts';

export const snowflake = defineWarehouse({
  id: 'snowflake',
  label: 'Snowflake',
  adapter: 'dbt-snowflake',
  questions: [
    {
      name: 'database',
      flag: 'database',
      asked: true,
      message: 'Which database do you build in?',
      help: 'The database that dbt builds in.',
      default: ({ projectName = '' }) => projectName,
      parse: (raw) => parseIdentifier(raw, 'a database'),
    },
    {
      name: 'layout',
      flag: 'layout',
      asked: false,
      message: 'Where do dev_<name> and pr_<number> live?',
      help: 'separate: dev_<name> and pr_<number> in a database of their own; single: beside production.',
      choices: [
        { name: 'In a database of their own (recommended)', value: 'separate' },
        { name: 'In the database of production', value: 'single' },
      ],
      default: 'separate',
      parse: oneOf('layout', ['separate', 'single']),
    },
    {
      name: 'nonprodDatabase',
      flag: 'nonprod-database',
      asked: false,
      message: 'Which database holds dev_<name> and pr_<number>?',
      help: 'The database of dev_<name> and pr_<number>, with --layout separate.',
      default: ({ database, projectName = '' }) => `${database ?? projectName}_nonprod`,
      parse: (raw) => parseIdentifier(raw, 'a database'),
    },
  ],
  enforcement: {
    prodClosedToPeople: 'yes',
    devExact: 'yes',
    ciExact: 'yes',
    proof: 'modelled',
    summary:
      'Snowflake refuses every write outside the one schema that a role may build in; nobody may create schemas, and those of pull requests come and go through procedures that only CI and the janitor may call. It cannot hold ACCOUNTADMIN, SECURITYADMIN, whoever else has MANAGE GRANTS, or the owner of the database.',
  },
  reach: 'network',
  databases: (project) => {
    const { database, nonprod } = namesOf(project);
    return { dev: nonprod, ci: nonprod, prod: database };
  },
  variables,
  targets: (project) => {
    const { database, nonprod, roles, devRole, compute } = namesOf(project);
    const view = { project: project.name, database, nonprod, roles, devRole, compute, defaultSchema: project.prodSchemas[0] };
    const target = (name: string) => ({ template: `warehouses/snowflake/targets/${name}.yml.ejs`, view });
    return { dev: target('dev'), ci: target('ci'), prod: target('prod') };
  },
  macros: macroFiles,
  sweep: sweepFiles,
  grants: grantsFiles,
  // A view reads its table by name, and CREATE OR REPLACE TABLE keeps the name: it goes on working.
  deploy: { before: [], after: [], viewsGoWithTables: false, keepsWhatSucceeded: true },
  docs: (project) => {
    const { database, nonprod, separate, door, roles, devRole, compute } = namesOf(project);
    return passagesIn('warehouses/snowflake', {
      door,
      roles,
      devRole,
      compute,
      database,
      nonprod,
      separate,
      prodSchemas: project.prodSchemas,
      developer: project.roster.developers[0] ?? { slug: 'ana', login: 'ana' },
    });
  },
  nextSteps,
  lastSteps: (project) => [
    `After the first deploy as ${namesOf(project).roles.prodService}: the administrator runs grants/90_close_prod.sql; each identity runs grants/verify.sql under its own login; anybody runs grants/audit.sql.`,
  ],
});

function variables(project: Project): readonly Variable[] {
  const { roles } = namesOf(project);
  const variable = (name: string, identities: Variable['identities'], what: string, example: string, fallback?: string): Variable => ({
    name,
    secret: name.startsWith('DBT_ENV_SECRET_'),
    identities,
    what,
    example,
    ...(fallback !== undefined && { default: fallback }),
  });
  return [
    variable('DBT_SNOWFLAKE_ACCOUNT', ['dev', 'ci', 'prod', 'janitor'], 'The account, as <organization>-<account>', 'acme-main'),
    variable('DBT_DEV_NAME', ['dev'], 'Your name in roster.yml, where it is not the user name of your machine', 'priya'),
    variable('DBT_DEV_LOGIN', ['dev'], 'Your own user in Snowflake, where it is not that name', 'priya@example.com'),
    variable('DBT_DEV_AUTHENTICATOR', ['dev'], 'How you log in: a browser (externalbrowser), or Snowflake OAuth', 'externalbrowser', 'externalbrowser'),
    variable('DBT_CI_LOGIN', ['ci'], "The user of CI's account", roles.ciService, roles.ciService),
    variable('DBT_ENV_SECRET_CI_PRIVATE_KEY', ['ci'], `The private key of ${roles.ciService}, in PEM`, ''),
    { ...variable('DBT_JANITOR_LOGIN', ['janitor'], "The user of the sweep's account", roles.janitor, roles.janitor), as: 'DBT_CI_LOGIN' },
    {
      ...variable('DBT_ENV_SECRET_JANITOR_PRIVATE_KEY', ['janitor'], `The private key of ${roles.janitor}, in PEM`, ''),
      as: 'DBT_ENV_SECRET_CI_PRIVATE_KEY',
    },
    variable('DBT_PROD_LOGIN', ['prod'], "The user of production's account", roles.prodService, roles.prodService),
    variable('DBT_ENV_SECRET_PROD_PRIVATE_KEY', ['prod'], `The private key of ${roles.prodService}, in PEM`, ''),
  ];
}

function prodReader({ prodRuns, mainBranch }: Project): string {
  const deploy = `the deploy of ${mainBranch}`;
  if (!prodRuns.includes('external')) return `only ${deploy}`;
  return prodRuns.length === 1 ? 'only the orchestrator' : `only ${deploy} and the orchestrator`;
}

function nextSteps(project: Project): readonly string[] {
  const { roles } = namesOf(project);
  const { leavers } = project.roster;
  return [
    `An administrator with ACCOUNTADMIN reads grants/README.md and runs, in database ${setting(project, 'database')}: 00_look, then 10_roles, 20_boundary, 30_developers, 40_services, 50_readers. They only add.`,
    `The administrator makes a key pair for each of ${roles.ciService}, ${roles.prodService} and ${roles.janitor}, and gives each user its public key (grants/README.md).`,
    `Secrets, by name: DBT_ENV_SECRET_CI_PRIVATE_KEY (${roles.ciService}) for pull requests; DBT_ENV_SECRET_PROD_PRIVATE_KEY (${roles.prodService}) where ${prodReader(project)} can read it; DBT_ENV_SECRET_JANITOR_PRIVATE_KEY (${roles.janitor}) for the nightly sweep. DBT_SNOWFLAKE_ACCOUNT is a variable. Developers log in with their browser and keep no secret.`,
    ...(leavers.length > 0 ? ['An administrator runs grants/leavers/<slug>.sql for each person who left.'] : []),
  ];
}
