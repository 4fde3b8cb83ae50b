import { type Project, setting } from '../../../src/project.ts';
import { oneOf } from '../../../src/question.ts';
import { defineWarehouse, passagesIn, type Variable } from '../../../src/warehouse.ts';
import { macroFiles, sweepFiles } from './macros.ts';
import { parseDomain, parseGroup, parseLocation, parseProjectId, projectIdLike } from './names.ts';
import { grantsFiles } from './scripts.ts';
import { grantsView, namesOf } from './view.ts';

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
    },
    {
      name: 'nonprodDatabase',
      flag: 'nonprod-database',
      asked: false,
      message: 'Which Google Cloud project holds dev_<name>?',
      help: 'The project of dev_<name>, with --layout separate.',
      default: ({ database, projectName }) => beside(database ?? prodProject(projectName), '-dev'),
      parse: parseProjectId,
    },
    {
      name: 'ciDatabase',
      flag: 'ci-database',
      asked: false,
      message: 'Which Google Cloud project holds pr_<number>?',
      help: 'The project of pr_<number>, with --layout separate; that of dev_<name> to have two projects in all.',
      default: ({ database, projectName }) => beside(database ?? prodProject(projectName), '-ci'),
      parse: parseProjectId,
    },
    {
      name: 'location',
      flag: 'location',
      asked: false,
      message: 'In which location are the datasets?',
      help: 'The one location of all datasets: US, EU or a region such as europe-west4.',
      default: 'US',
      parse: parseLocation,
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
  workloadIdentity: true,
  variables,
  targets: (project) => {
    const view = { ...grantsView(project), defaultSchema: project.prodSchemas[0] };
    const target = (name: string) => ({ template: `warehouses/bigquery/targets/${name}.yml.ejs`, view });
    return { dev: target('dev'), ci: target('ci'), prod: target('prod') };
  },
  macros: macroFiles,
  sweep: sweepFiles,
  grants: grantsFiles,
  // A view reads its table by name, and CREATE OR REPLACE TABLE keeps the name: it goes on working.
  deploy: { before: [], after: [], viewsGoWithTables: false, keepsWhatSucceeded: true },
  docs: (project) => passagesIn('warehouses/bigquery', grantsView(project)),
  nextSteps,
});

function variables(_project: Project): readonly Variable[] {
  return [
    {
      name: 'DBT_DEV_NAME',
      secret: false,
      identities: ['dev'],
      what: 'Your name in roster.yml, where it is not the user name of your machine',
      example: 'priya',
    },
  ];
}

function nextSteps(project: Project): readonly string[] {
  return [`An administrator of ${namesOf(project).projects.prod} reads grants/README.md in ${setting(project, 'location')}.`];
}
