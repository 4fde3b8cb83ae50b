import { contextOf } from '../../src/context.ts';
import { pipelineOf } from '../../src/jobs.ts';
import { ciFiles } from '../../src/parts/ci.ts';
import { cleanupFiles } from '../../src/parts/cleanup.ts';
import type { Pipeline } from '../../src/pipeline.ts';
import { fromRepository } from '../../src/plan.ts';
import { parseAnswers } from '../../src/questions.ts';
import { render } from '../../src/render.ts';
import type { Variable } from '../../src/warehouse.ts';
import { TEAM } from './scaffold.ts';

/** Variables of no warehouse in particular: shared and single, secret and not, with a default and without, under its own name in profiles.yml and under another. */
export const VARIABLES: readonly Variable[] = [
  { name: 'DBT_X_HOST', secret: false, identities: ['dev', 'ci', 'prod', 'janitor'], what: "the warehouse's host", example: 'db.acme.example' },
  { name: 'DBT_X_PORT', secret: false, identities: ['dev', 'ci', 'prod', 'janitor'], what: 'its port', example: '5432', default: '5432' },
  { name: 'DBT_DEV_LOGIN', secret: false, identities: ['dev'], what: 'your login', example: 'priya' },
  { name: 'DBT_CI_LOGIN', secret: false, identities: ['ci'], what: "CI's login", example: 'acme_ci_service', default: 'acme_ci_service' },
  { name: 'DBT_ENV_SECRET_CI_PASSWORD', secret: true, identities: ['ci'], what: 'its password', example: 'a long random string' },
  { name: 'DBT_PROD_LOGIN', secret: false, identities: ['prod'], what: "production's login", example: "o'prod: #1", default: "o'prod: #1" },
  { name: 'DBT_ENV_SECRET_PROD_PASSWORD', secret: true, identities: ['prod'], what: 'its password', example: 'another one' },
  {
    name: 'DBT_JANITOR_LOGIN',
    secret: false,
    identities: ['janitor'],
    what: "the sweep's login",
    example: 'acme_janitor',
    default: 'acme_janitor',
    as: 'DBT_CI_LOGIN',
  },
  {
    name: 'DBT_ENV_SECRET_JANITOR_PASSWORD',
    secret: true,
    identities: ['janitor'],
    what: 'its password',
    example: 'a third one',
    as: 'DBT_ENV_SECRET_CI_PASSWORD',
  },
];

/** What a warehouse without stored passwords asks of the jobs. */
export const WORKLOAD_IDENTITY: NonNullable<Pipeline['workloadIdentity']> = {
  run: 'python scripts/dbt_envs/login.py',
  environment: { X_CREDENTIALS: 'target/login.json' },
  audience: 'https://warehouse.example/$DBT_X_HOST',
  trust: 'bash grants/trust.sh',
};

/** Everything that a CI provider has work with. */
const PARTS = ['ci', 'cleanup'];

/** The pipeline of the default answers, with the variables above: what a provider sees, and no warehouse behind it. */
export function pipeline(given: Record<string, string> = {}, projectDir = '', variables = VARIABLES): Pipeline {
  const answers = parseAnswers({ projectName: 'acme', team: TEAM, ...given });
  const { project } = contextOf(answers, { developers: answers.team, leavers: [], readers: answers.readers }, { projectDir }, PARTS);
  return { ...pipelineOf(answers, project, projectDir, PARTS), variables };
}

/** What the parts `ci` and `cleanup` write for it, by path from the project's folder. */
export function ciTexts(given: Record<string, string> = {}, projectDir = '', variables = VARIABLES): Readonly<Record<string, string>> {
  const answers = parseAnswers({ projectName: 'acme', team: TEAM, ...given });
  const context = contextOf(answers, { developers: answers.team, leavers: [], readers: answers.readers }, { projectDir }, PARTS);
  const of = pipeline(given, projectDir, variables);
  const files = [ciFiles, cleanupFiles].flatMap((part) => part({ ...context, pipeline: of }));
  return Object.fromEntries(
    files.map(({ path, template, view, from }) => [from === 'repository' ? fromRepository(projectDir, path) : path, render(template, view)]),
  );
}
