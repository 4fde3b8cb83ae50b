import { buildsPullRequests, deploys, type Job, type Pipeline, type Setting, settingsOf, sweeps } from '../../../src/pipeline.ts';
import type { FileRequest } from '../../../src/planned-file.ts';
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
      buildsPullRequests: buildsPullRequests(pipeline),
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
