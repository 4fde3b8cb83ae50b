import { type Project, setting } from '../../../src/project.ts';
import { oneOf, staysBehind } from '../../../src/question.ts';
import { defineWarehouse, passagesIn, type Variable } from '../../../src/warehouse.ts';
import { macroFiles, sweepFiles } from './macros.ts';
import { parseDomain, parseGroup, parseLocation, parseProjectId, projectIdLike } from './names.ts';
import { grantsFiles } from './scripts.ts';
import { emailOf, namesOf } from './view.ts';

/** The project of production where none was given, and its neighbours: `acme-prod`, `acme-dev`, `acme-ci`. */
const prodProject = (projectName = ''): string => projectIdLike(projectName, '-prod');
const beside = (database: string, ending: string): string => projectIdLike(database.replace(/-prod$/, ''), ending);

export const bigquery = defineWarehouse({
  id: 'bigquery',
  label: 'BigQuery',
  adapter: 'dbt-bigquery',
  questions: [
    {
      name: 'database',
      flag: 'database',
      asked: true,
      message: 'Which Google Cloud project holds production?',
      help: 'The database that dbt builds in; with BigQuery the id of the Google Cloud project of production.',
      default: ({ projectName }) => prodProject(projectName),
      parse: parseProjectId,
      leaves: (was) => staysBehind(`Datasets, grants and service accounts in project ${was}`),
    },
    {
      name: 'layout',
      flag: 'layout',
      asked: false,
      message: 'Where do dev_<name> and pr_<number> live?',
      help: 'separate: dev_<name> and pr_<number> outside the database of production; single: beside production.',
      choices: [
        { name: 'In projects of their own (recommended)', value: 'separate' },
        { name: 'In the project of production', value: 'single' },
      ],
      default: 'separate',
      parse: oneOf('layout', ['separate', 'single']),
      leaves: (was) => staysBehind(`dev_<name> and pr_<number> as --layout ${was} placed them`),
    },
    {
      name: 'nonprodDatabase',
      flag: 'nonprod-database',
      asked: false,
      message: 'Which Google Cloud project holds dev_<name>?',
      help: 'The project of dev_<name>, with --layout separate.',
      default: ({ database, projectName }) => beside(database ?? prodProject(projectName), '-dev'),
      parse: parseProjectId,
      leaves: (was) => staysBehind(`Datasets and grants in project ${was}`),
    },
    {
      name: 'ciDatabase',
      flag: 'ci-database',
      asked: false,
      message: 'Which Google Cloud project holds pr_<number>?',
      help: 'The project of pr_<number>, with --layout separate; that of dev_<name> to have two projects in all.',
      default: ({ database, projectName }) => beside(database ?? prodProject(projectName), '-ci'),
      parse: parseProjectId,
      leaves: (was) => staysBehind(`Datasets, grants and service accounts in project ${was}`),
    },
    {
      name: 'location',
      flag: 'location',
      asked: false,
      message: 'In which location are the datasets?',
      help: 'The one location of all datasets: US, EU or a region such as europe-west4.',
      default: 'US',
      parse: parseLocation,
      leaves: (was) => staysBehind(`Datasets in ${was} cannot move to another location: they`),
    },
    {
      name: 'emailDomain',
      flag: 'email-domain',
      asked: false,
      message: "What is the domain of the team's e-mail addresses?",
      help: 'The domain of people whose e-mail address is not in roster.yml: <login>@<domain>.',
      default: '',
      parse: parseDomain,
    },
    {
      name: 'developersGroup',
      flag: 'developers-group',
      asked: false,
      message: 'Which Google group holds all developers?',
      help: 'The e-mail address of a Google group that holds all developers; needed from 1,001 of them.',
      default: '',
      parse: parseGroup,
    },
  ],
  enforcement: {
    prodClosedToPeople: 'yes',
    devExact: 'yes',
    ciExact: 'by project',
    proof: 'modelled',
    summary:
      'BigQuery refuses every write outside the one dataset that a developer was given, and nobody but CI may create datasets, in its own project alone. CI can create a dataset of any name there. It cannot hold whoever administers the project, its folder or its organization, or may set up the keys of the service account of production.',
  },
  reach: 'network',
  principalOf: (project, person) => emailOf(person, setting(project, 'emailDomain')),
  reservedPrincipals: (project) =>
    [...Object.values(namesOf(project).services).map(({ email }) => email), setting(project, 'developersGroup')].filter((one) => one !== ''),
  // A project's id may have hyphens: https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/lexical#identifiers
  databases: (project) => {
    const { dev, ci, prod } = namesOf(project).projects;
    return { dev: `\`${dev}\``, ci: `\`${ci}\``, prod: `\`${prod}\`` };
  },
  workloadIdentity: {
    run: 'python scripts/dbt_envs/login.py',
    environment: {
      // Not in target/dbt_envs, which a build empties.
      GOOGLE_APPLICATION_CREDENTIALS: 'target/login.json',
      // Google's library runs a command of the file above only where this says so: https://google.aip.dev/auth/4117
      GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES: '1',
    },
    // What a provider of a pool takes unless it was told another: https://docs.cloud.google.com/iam/docs/workload-identity-federation-with-other-providers
    audience: 'https://iam.googleapis.com/$DBT_GCP_IDENTITY_PROVIDER',
    trust: 'bash grants/40_services.sh',
    files: [{ path: 'scripts/dbt_envs/login.py', owner: 'ours', template: 'warehouses/bigquery/scripts/dbt_envs/login.py.ejs', view: {} }],
  },
  variables,
  targets: (project) => {
    const { projects, location } = namesOf(project);
    const view = { projects, location, caps: CAPS, defaultSchema: project.prodSchemas[0] };
    const target = (name: string) => ({ template: `warehouses/bigquery/targets/${name}.yml.ejs`, view });
    return { dev: target('dev'), ci: target('ci'), prod: target('prod') };
  },
  // dbt loads a seed by the API, which takes the name of a type alone: https://docs.cloud.google.com/bigquery/docs/reference/rest/v2/tables#TableFieldSchema
  seedAmount: 'numeric',
  jobLabels,
  macros: macroFiles,
  sweep: sweepFiles,
  grants: grantsFiles,
  // A view reads its table by name, and CREATE OR REPLACE TABLE keeps the name: it goes on working.
  deploy: { before: [], after: [], viewsGoWithTables: false, keepsWhatSucceeded: true },
  docs: (project) => {
    const { projects, ciIsAlone, services, record, pool, location } = namesOf(project);
    return passagesIn('warehouses/bigquery', {
      projects,
      allProjects: [...new Set([projects.prod, projects.dev, projects.ci])],
      ciIsAlone,
      services,
      layout: layoutOf(project),
      record,
      pool,
      location,
      caps: CAPS,
      jobLabels: jobLabels(project),
      group: setting(project, 'developersGroup'),
      prodSchemas: project.prodSchemas,
      developer: project.roster.developers[0] ?? { slug: 'ana' },
    });
  },
  nextSteps,
  lastSteps: (project) => [
    `After the first deploy as ${namesOf(project).services.prod.id}: the administrator runs grants/90_close_prod.sql and then grants/90_close_prod.sh, first without --apply; each identity runs grants/verify.sql under its own login; grants/audit.sql and grants/audit.sh name who can still write production.`,
  ],
});

/** What is where, and what another layout would do better. */
function layoutOf(project: Project): string {
  const { projects, separate, ciIsAlone } = namesOf(project);
  if (!separate) {
    return `Everything is in project \`${projects.prod}\`: CI can create datasets beside production's, though it writes none of them. Projects of their own keep them apart: \`--layout separate\`.`;
  }
  if (!ciIsAlone) {
    return `Production and its sources are in project \`${projects.prod}\`, \`dev_<name>\` and \`pr_<number>\` in \`${projects.dev}\`. A third project would keep CI from creating a dataset beside the developers': \`--ci-database\`.`;
  }
  return `Production and its sources are in project \`${projects.prod}\`, \`dev_<name>\` in \`${projects.dev}\`, \`pr_<number>\` in \`${projects.ci}\`. Nothing else belongs in the last: whoever reviews reads all of it, and the sweep may delete there.`;
}

/** dbt cuts what no label can hold: https://docs.cloud.google.com/bigquery/docs/labels-intro */
function jobLabels({ name }: Project): string {
  return `{"dbt_envs_project": "${name}", "environment": "{{ target.name }}", "schema": "{{ target.schema }}", "model": "{{ node.name if node else "none" }}"}`;
}

const GIB = 1024 ** 3;
/** What one query of dbt may read, in bytes. Each model is a query. */
const CAPS = { dev: 100 * GIB, ci: 200 * GIB } as const;

function variables(project: Project): readonly Variable[] {
  const { services } = namesOf(project);
  const variable = (name: string, identities: Variable['identities'], what: string, example: string, more: Partial<Variable> = {}): Variable => ({
    name,
    secret: false,
    identities,
    what,
    example,
    ...more,
  });
  const account = (name: string, identity: 'ci' | 'prod' | 'janitor', what: string): Variable =>
    variable(name, [identity], what, services[identity].email, { default: services[identity].email, as: 'DBT_GCP_SERVICE_ACCOUNT' });
  const provider = (name: string, identities: Variable['identities'], where: string): Variable =>
    variable(
      name,
      identities,
      `What trusts the token of a job, in project ${where}: grants/40_services.sh prints it`,
      `projects/123456789012/locations/global/workloadIdentityPools/${namesOf(project).pool.id}/providers/${namesOf(project).pool.provider}`,
      {
        as: 'DBT_GCP_IDENTITY_PROVIDER',
      },
    );
  return [
    variable('DBT_DEV_NAME', ['dev'], 'Your name in roster.yml, where it is not the user name of your machine', 'priya'),
    provider('DBT_CI_IDENTITY_PROVIDER', ['ci', 'janitor'], services.ci.project),
    account('DBT_CI_LOGIN', 'ci', "CI's service account"),
    account('DBT_JANITOR_LOGIN', 'janitor', "The sweep's service account"),
    provider('DBT_PROD_IDENTITY_PROVIDER', ['prod'], services.prod.project),
    account('DBT_PROD_LOGIN', 'prod', "Production's service account"),
  ];
}

function nextSteps(project: Project, isThere: (path: string) => boolean): readonly string[] {
  const { projects, services, ciIsAlone } = namesOf(project);
  const { leavers } = project.roster;
  const all = [...new Set([projects.prod, projects.dev, projects.ci])];
  return [
    `An administrator of the Google Cloud project${all.length === 1 ? '' : 's'} ${all.join(', ')} (${all.length === 1 ? 'it exists' : 'they exist'} and ${all.length === 1 ? 'has' : 'have'} billing) reads grants/README.md and runs, in Cloud Shell: 00_look, then 10_roles, 20_record, 20_boundary, 30_developers (.sql, then .sh), 40_services.sql, 50_readers. They only add.${ciIsAlone ? ` Nothing else belongs in ${projects.ci}: whoever reviews reads all of it.` : ''}`,
    `The administrator runs grants/40_services.sh with ${isThere('scripts/dbt_envs/setup.py') ? 'the line that scripts/dbt_envs/setup.py prints' : 'what your own CI says in its tokens, as the script asks for it'}, and hands back what it prints: DBT_CI_IDENTITY_PROVIDER and DBT_PROD_IDENTITY_PROVIDER, which are variables of CI. ${services.ci.id}, ${services.prod.id} and ${services.janitor.id} have no key, so there is no secret to store.`,
    'Each developer, once: gcloud auth application-default login.',
    ...(leavers.length > 0 ? ['An administrator runs grants/leavers/<slug>.sql for each person who left.'] : []),
  ];
}
