import { buildsPullRequests, deploys, type Job, jobOn, type Pipeline, type Setting, settingsOf, sweeps } from '../../../src/pipeline.ts';
import type { FileRequest } from '../../../src/planned-file.ts';
import { SWEEP_SOURCES, sourceOf } from './jobs.ts';
import { DEPLOY_SCHEDULE, SWEEP_SCHEDULE } from './schedules.ts';

/** The scope of an identity's variables: the name of its jobs' environment, or a pattern of such names. */
export function scopeOf(identity: Job['identity']): string {
  switch (identity) {
    case 'ci':
      return 'pr/*';
    case 'prod':
      return 'prod';
    case 'janitor':
      return 'sweep';
  }
}

/** A variable and its scopes. One that several environments need is set in each. */
export interface ScopedSetting extends Setting {
  readonly scopes: readonly string[];
}

const TOKEN: Omit<ScopedSetting, 'identities' | 'readBy'> = {
  name: 'DBT_ENVS_GITLAB_TOKEN',
  secret: true,
  scopes: ['sweep-issue'],
  what: 'an access token of the project with the scope api and the role Reporter, which keeps one issue open while the sweep fails',
  example: 'glpat-…',
};

/** Everything that the jobs read, once. */
export const scopedSettings = (pipeline: Pipeline): readonly ScopedSetting[] => [
  ...settingsOf(pipeline).map((setting) => ({ ...setting, scopes: setting.readBy.map(scopeOf) })),
  ...(sweeps(pipeline) ? [{ ...TOKEN, identities: [], readBy: [] }] : []),
];

const protectedScopes = (pipeline: Pipeline): readonly string[] => [
  ...(deploys(pipeline) ? [scopeOf('prod')] : []),
  ...(sweeps(pipeline) ? [scopeOf('janitor'), ...TOKEN.scopes] : []),
];

/** Not on the hour: GitLab is busiest then. */
const schedulesOf = (pipeline: Pipeline) => [
  ...(deploys(pipeline) && pipeline.prodRuns.includes('schedule') ? [{ description: DEPLOY_SCHEDULE, cron: '17 5 * * *' }] : []),
  ...(sweeps(pipeline) ? [{ description: SWEEP_SCHEDULE, cron: '43 3 * * *' }] : []),
];

/** `{project}` and `{namespace}` stand for numbers: a path may be another project's one day, a number never is. */
const OURS = 'project_id={project} namespace_id={namespace}';

/**
 * What the token of a service's job says, and no other job's; absent where no job logs in as it. `sub` is not among it: that is the
 * project's path and a branch, the same for every job of that branch, and for a merge request its source branch, which may be
 * called main. https://docs.gitlab.com/ci/secrets/id_token_authentication
 */
export function claimsOf(pipeline: Pipeline, identity: Job['identity']): string | undefined {
  // What some tokens lack comes last, so that a token of another kind is refused before it is asked.
  const onMain = (sources: readonly string[]): string =>
    `pipeline_source=${sources.join(',')} ${OURS} ref_type=branch ref=${pipeline.mainBranch} ref_protected=true environment=${scopeOf(identity)}`;
  switch (identity) {
    case 'ci':
      // Of a fork's merge request that runs here, project_id is the fork's; of one of ours that runs elsewhere, job_project_id is theirs.
      // GitLab 18.4 says both: https://gitlab.com/gitlab-org/gitlab/-/merge_requests/202241
      return buildsPullRequests(pipeline) ? `pipeline_source=merge_request_event ${OURS} job_project_id={project}` : undefined;
    case 'prod':
      return deploys(pipeline) ? onMain(jobOn(pipeline, 'main').trigger.runs.map(sourceOf)) : undefined;
    case 'janitor':
      return sweeps(pipeline) ? onMain(SWEEP_SOURCES) : undefined;
  }
}
/** A Python string, with a line for what is ours of it and one for the rest. */
const inLines = (claims: string): string => JSON.stringify(claims).replace(`${OURS} `, `${OURS} "\n    "`);
const IDENTITIES = ['ci', 'prod', 'janitor'] as const satisfies readonly Job['identity'][];

/** scripts/dbt_envs/setup.py. A JSON string is a Python string too. */
export function setupScript(pipeline: Pipeline): FileRequest {
  const settings = scopedSettings(pipeline);
  return {
    path: 'scripts/dbt_envs/setup.py',
    from: 'project',
    owner: 'ours',
    template: 'ci/gitlab/scripts/dbt_envs/setup.py.ejs',
    view: {
      branch: JSON.stringify(pipeline.mainBranch),
      mainBranch: pipeline.mainBranch,
      buildsPullRequests: buildsPullRequests(pipeline),
      identityToken: pipeline.workloadIdentity !== undefined,
      /** What an administrator of the warehouse runs; empty where it trusts no token. A Python string. */
      trust: JSON.stringify(pipeline.workloadIdentity?.trust ?? ''),
      claims: IDENTITIES.map((identity) => [JSON.stringify(`${identity.toUpperCase()}_CLAIMS`), inLines(claimsOf(pipeline, identity) ?? '-')]),
      sweeps: sweeps(pipeline),
      replaced: (settings.find(({ secret }) => secret) ?? settings[0])?.name ?? 'NAME',
      protectedScopes: list(protectedScopes(pipeline)),
      schedules: schedulesOf(pipeline).map(({ description, cron }) => ({ description: JSON.stringify(description), cron: JSON.stringify(cron) })),
      settings: settings.map(({ name, secret, scopes, what, example, default: fallback }) => ({
        name: JSON.stringify(name),
        secret: secret ? 'True' : 'False',
        scopes: list(scopes),
        what: JSON.stringify(what),
        example: JSON.stringify(example),
        default: fallback === undefined ? 'None' : JSON.stringify(fallback),
      })),
    },
  };
}

const list = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;
