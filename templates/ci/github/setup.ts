import { type Job, type Pipeline, type Setting as ReadSetting, settingsOf as readSettings, sweeps, writtenJobs } from '../../../src/pipeline.ts';
import type { FileRequest } from '../../../src/planned-file.ts';
import { PARSE } from './workflows.ts';

/**
 * A variable or secret, and the environments it belongs to. A variable that several need is set in each: one of the
 * repository may be set by whoever can push, and the host that gets production's password is none of theirs to name
 * (https://docs.github.com/actions/how-tos/write-workflows/choose-what-workflows-do/use-variables).
 */
export interface Setting extends ReadSetting {
  readonly environments: readonly string[];
}

/** Where an identity's secrets are: `sweep` for the janitor, who acts from the nightly sweep alone. */
export const environmentOf = (identity: Job['identity']): string => (identity === 'janitor' ? 'sweep' : identity);

const IDENTITIES = ['ci', 'prod', 'janitor'] as const satisfies readonly Job['identity'][];

/** Prints the token with which a job shows the warehouse who it is. */
export const identityToken = (pipeline: Pipeline): readonly FileRequest[] =>
  pipeline.workloadIdentity === undefined
    ? []
    : [
        {
          path: 'scripts/dbt_envs/identity_token.py',
          from: 'project',
          owner: 'ours',
          template: 'ci/github/scripts/dbt_envs/identity_token.py.ejs',
          view: {},
        },
      ];

/** An environment and the branches that may enter it: none named means every branch. */
export interface Environment {
  readonly name: string;
  readonly branches: readonly string[];
}

/** The environments of the jobs, one for each identity. Those whose credentials no pull request may reach admit the main branch alone. */
export function environmentsOf(pipeline: Pipeline): readonly Environment[] {
  const identities = new Set(writtenJobs(pipeline).map(({ identity }) => identity));
  return [...identities].map((identity) => ({ name: environmentOf(identity), branches: identity === 'ci' ? [] : [pipeline.mainBranch] }));
}

/** The checks that a change of the main branch has to pass, by their jobs' names: GitHub knows a check by nothing else. */
export const requiredChecks = ({ jobs }: Pipeline): readonly string[] =>
  jobs.filter(({ trigger }) => trigger.on === 'pull-request').flatMap(({ title }) => [title, PARSE]);

/** Everything that the workflows read, once. */
export const settingsOf = (pipeline: Pipeline): readonly Setting[] =>
  readSettings(pipeline).map((setting) => ({ ...setting, environments: setting.readBy.map(environmentOf) }));

/** The secrets that no pull request may reach: those whose every environment admits the main branch alone. */
export function guardedSecrets(pipeline: Pipeline): readonly string[] {
  const open = environmentsOf(pipeline)
    .filter(({ branches }) => branches.length === 0)
    .map(({ name }) => name);
  return settingsOf(pipeline)
    .filter(({ secret, environments }) => secret && !environments.some((name) => open.includes(name)))
    .map(({ name }) => name);
}

/** scripts/dbt_envs/setup.py. A JSON string is a Python string too. */
export const setupScript = (pipeline: Pipeline): FileRequest => ({
  path: 'scripts/dbt_envs/setup.py',
  from: 'project',
  owner: 'ours',
  template: 'ci/github/scripts/dbt_envs/setup.py.ejs',
  view: {
    mainBranch: JSON.stringify(pipeline.mainBranch),
    ruleset: JSON.stringify(`dbt-envs: ${pipeline.projectName}`),
    checks: requiredChecks(pipeline).map((name) => JSON.stringify(name)),
    buildsPullRequests: pipeline.jobs.some(({ trigger }) => trigger.on === 'pull-request'),
    sweeps: sweeps(pipeline),
    guards: guardedSecrets(pipeline).length > 0,
    guarded: list(guardedSecrets(pipeline)),
    secret: settingsOf(pipeline).find(({ secret }) => secret)?.name ?? 'DBT_ENV_SECRET_CI_PASSWORD',
    identityToken: pipeline.workloadIdentity !== undefined,
    /** What an administrator of the warehouse runs; empty where it trusts no token. A Python string. */
    trust: JSON.stringify(pipeline.workloadIdentity?.trust ?? ''),
    claims: IDENTITIES.map((identity) => [
      JSON.stringify(`${identity.toUpperCase()}_CLAIMS`),
      environmentsOf(pipeline).some(({ name }) => name === environmentOf(identity)) ? JSON.stringify(environmentOf(identity)) : 'None',
    ]),
    replaced: exampleOf(settingsOf(pipeline)),
    environments: environmentsOf(pipeline).map(({ name, branches }) => ({ name: JSON.stringify(name), branches: list(branches) })),
    settings: settingsOf(pipeline).map(({ name, secret, environments, what, example, default: fallback }) => ({
      name: JSON.stringify(name),
      secret: secret ? 'True' : 'False',
      environments: list(environments),
      what: JSON.stringify(what),
      example: JSON.stringify(example),
      default: fallback === undefined ? 'None' : JSON.stringify(fallback),
    })),
  },
});

/** A setting that somebody replaces one day: a secret, where there is one. */
const exampleOf = (settings: readonly Setting[]): string => (settings.find(({ secret }) => secret) ?? settings[0])?.name ?? 'NAME';

const list = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;
