import { parseIdentifier } from '../../../src/names.ts';
import { type Project, setting } from '../../../src/project.ts';
import { oneOf, staysBehind } from '../../../src/question.ts';
import { defineWarehouse, passagesIn, type Variable } from '../../../src/warehouse.ts';
import { macroFiles, sweepFiles } from './macros.ts';
import { grantsFiles } from './scripts.ts';
import { ADMINISTRATORS, namesOf, stored } from './view.ts';

/** Throws {@link RangeError} for what Snowflake cannot hold, with the reason. */
function parseServiceLogin(raw: string) {
  // A user is found by issuer, subject and audience: https://docs.snowflake.com/en/sql-reference/sql/alter-user-add-workload-identity
  if (raw.toLowerCase() === 'oidc') {
    throw new RangeError(
      'Snowflake knows a token of a CI provider by its issuer and its subject alone, and not every provider gives production a subject that no pull request gets. Use --service-login key-pair.',
    );
  }
  return oneOf('service login', ['key-pair', 'aws', 'azure', 'gcp'])(raw);
}

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
      leaves: (was) => staysBehind(`Schemas and grants in database ${was}`),
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
      leaves: (was) => staysBehind(`dev_<name> and pr_<number> as --layout ${was} placed them, and the door beside them,`),
    },
    {
      name: 'nonprodDatabase',
      flag: 'nonprod-database',
      asked: false,
      message: 'Which database holds dev_<name> and pr_<number>?',
      help: 'The database of dev_<name> and pr_<number>, with --layout separate.',
      default: ({ database, projectName = '' }) => `${database ?? projectName}_nonprod`,
      parse: (raw) => parseIdentifier(raw, 'a database'),
      leaves: (was) => staysBehind(`Schemas, door and grants in database ${was}`),
    },
    {
      name: 'peopleLogin',
      flag: 'people-login',
      asked: false,
      message: 'How do people log in to Snowflake?',
      help: 'browser: single sign-on, or Snowflake OAuth, in the browser; key-pair: a private key of their own, encrypted.',
      choices: [
        { name: 'In their browser (recommended)', value: 'browser' },
        { name: 'With a key pair of their own', value: 'key-pair' },
      ],
      default: 'browser',
      parse: oneOf('people login', ['browser', 'key-pair']),
    },
    {
      name: 'serviceLogin',
      flag: 'service-login',
      asked: false,
      message: 'How do the services log in to Snowflake?',
      help: 'key-pair: a private key, kept as a secret of CI; aws, azure, gcp: the workload identity of the machine that runs the job.',
      choices: [
        { name: 'With a key pair (recommended)', value: 'key-pair' },
        { name: 'With the workload identity of a runner in AWS', value: 'aws' },
        { name: 'With the workload identity of a runner in Azure', value: 'azure' },
        { name: 'With the workload identity of a runner in Google Cloud', value: 'gcp' },
      ],
      default: 'key-pair',
      parse: parseServiceLogin,
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
  principalOf: (_, { login }) => stored(login),
  // A user may be called like a role: whoever names one as a login has taken the one for the other.
  reservedPrincipals: (project) => {
    const { roles, devRole } = namesOf(project);
    const { developers, leavers } = project.roster;
    return [...Object.values(roles), ...[...developers, ...leavers].map(({ slug }) => `${devRole}${slug}`), ...ADMINISTRATORS].map(stored);
  },
  loginOfMachine: (project) => namesOf(project).login.workload !== undefined,
  databases: (project) => {
    const { database, nonprod } = namesOf(project);
    return { dev: nonprod, ci: nonprod, prod: database };
  },
  variables,
  targets: (project) => {
    const { database, nonprod, roles, devRole, compute, login } = namesOf(project);
    const view = { login, project: project.name, database, nonprod, roles, devRole, compute, defaultSchema: project.prodSchemas[0] };
    const target = (name: string) => ({ template: `warehouses/snowflake/targets/${name}.yml.ejs`, view });
    return { dev: target('dev'), ci: target('ci'), prod: target('prod') };
  },
  macros: macroFiles,
  sweep: sweepFiles,
  grants: grantsFiles,
  // A view reads its table by name, and CREATE OR REPLACE TABLE keeps the name: it goes on working.
  deploy: { before: [], after: [], viewsGoWithTables: false, keepsWhatSucceeded: true },
  docs: (project) => {
    const { database, nonprod, separate, door, roles, devRole, compute, login } = namesOf(project);
    return passagesIn('warehouses/snowflake', {
      login,
      days: { dev: project.devDays, pr: project.prDays },
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
  const { roles, login } = namesOf(project);
  const variable = (name: string, identities: Variable['identities'], what: string, example: string, fallback?: string): Variable => ({
    name,
    secret: name.startsWith('DBT_ENV_SECRET_'),
    identities,
    what,
    example,
    ...(fallback !== undefined && { default: fallback }),
  });
  /** The secret of a service; with a workload identity it has none. */
  const key = (name: string, identity: Variable['identities'][number], user: string): readonly Variable[] =>
    login.workload === undefined ? [variable(name, [identity], `The private key of ${user}, in PEM`, '')] : [];
  return [
    variable('DBT_SNOWFLAKE_ACCOUNT', ['dev', 'ci', 'prod', 'janitor'], 'The account, as <organization>-<account>', 'acme-main'),
    variable('DBT_DEV_NAME', ['dev'], 'Your name in roster.yml, where it is not the user name of your machine', 'priya'),
    variable('DBT_DEV_LOGIN', ['dev'], 'Your own user in Snowflake, where it is not that name', 'priya@example.com'),
    ...(login.keyPair
      ? [
          variable('DBT_DEV_PRIVATE_KEY_PATH', ['dev'], 'Where your own private key is, in PEM and encrypted', '/home/priya/.ssh/snowflake.p8'),
          variable('DBT_ENV_SECRET_DEV_PRIVATE_KEY_PASSPHRASE', ['dev'], 'The passphrase of that key', ''),
        ]
      : [variable('DBT_DEV_AUTHENTICATOR', ['dev'], 'How you log in: a browser (externalbrowser), or Snowflake OAuth', 'externalbrowser', 'externalbrowser')]),
    variable('DBT_CI_LOGIN', ['ci'], "The user of CI's account", roles.ciService, roles.ciService),
    ...key('DBT_ENV_SECRET_CI_PRIVATE_KEY', 'ci', roles.ciService),
    { ...variable('DBT_JANITOR_LOGIN', ['janitor'], "The user of the sweep's account", roles.janitor, roles.janitor), as: 'DBT_CI_LOGIN' },
    ...key('DBT_ENV_SECRET_JANITOR_PRIVATE_KEY', 'janitor', roles.janitor).map((one) => ({ ...one, as: 'DBT_ENV_SECRET_CI_PRIVATE_KEY' })),
    variable('DBT_PROD_LOGIN', ['prod'], "The user of production's account", roles.prodService, roles.prodService),
    ...key('DBT_ENV_SECRET_PROD_PRIVATE_KEY', 'prod', roles.prodService),
  ];
}

function prodReader({ prodRuns, mainBranch }: Project): string {
  const deploy = `the deploy of ${mainBranch}`;
  if (!prodRuns.includes('external')) return `only ${deploy}`;
  return prodRuns.length === 1 ? 'only the orchestrator' : `only ${deploy} and the orchestrator`;
}

function nextSteps(project: Project): readonly string[] {
  const { roles, login } = namesOf(project);
  const { leavers } = project.roster;
  const people = login.keyPair ? 'Developers keep a key of their own, encrypted.' : 'Developers log in with their browser and keep no secret.';
  return [
    `An administrator with ACCOUNTADMIN reads grants/README.md and runs, in database ${setting(project, 'database')}: 00_look, then 10_roles, 20_boundary, 30_developers, 40_services, 50_readers. They only add.`,
    ...(login.workload === undefined
      ? [
          `The administrator makes a key pair for each of ${roles.ciService}, ${roles.prodService} and ${roles.janitor}, and gives each user its public key (grants/README.md).`,
          `Secrets, by name: DBT_ENV_SECRET_CI_PRIVATE_KEY (${roles.ciService}) for pull requests; DBT_ENV_SECRET_PROD_PRIVATE_KEY (${roles.prodService}) where ${prodReader(project)} can read it; DBT_ENV_SECRET_JANITOR_PRIVATE_KEY (${roles.janitor}) for the nightly sweep. DBT_SNOWFLAKE_ACCOUNT is a variable. ${people}`,
        ]
      : [
          `The administrator tells Snowflake which identity of the cloud is ${roles.ciService}, which ${roles.prodService} and which ${roles.janitor} (grants/README.md): three identities, and the machines that run pull requests can take on that of ${roles.ciService} alone.`,
          `No secret is needed. DBT_SNOWFLAKE_ACCOUNT is a variable. ${people}`,
        ]),
    ...(leavers.length > 0 ? ['An administrator runs grants/leavers/<slug>.sql for each person who left.'] : []),
  ];
}
