import { deploys, LEFT, type Pipeline, watchesSweep } from '../../../src/pipeline.ts';
import type { FileRequest } from '../../../src/planned-file.ts';

/** What the jobs ask of GitLab's API, and a developer of production's state. A JSON string is a Python string too. */
export const apiScripts = (pipeline: Pipeline): readonly FileRequest[] => {
  const { mainBranch } = pipeline;
  return [
    script('card_page', {}),
    script('deploy_packages', { mainBranch, branch: JSON.stringify(mainBranch) }),
    script('fetch_state', { mainBranch }),
    ...(deploys(pipeline) ? [script('publish_state', { mainBranch, state: LEFT.state, failed: LEFT.failed })] : []),
    ...(watchesSweep(pipeline) ? [script('sweep_is_alive', { branch: JSON.stringify(mainBranch) })] : []),
  ];
};

/** Prints the token with which a job shows the warehouse who it is. */
export const identityToken = ({ workloadIdentity }: Pipeline): readonly FileRequest[] => (workloadIdentity === undefined ? [] : [script('identity_token', {})]);

/** What tells people of a sweep that fails. */
export const sweepScripts = ({ mainBranch }: Pipeline): readonly FileRequest[] => [script('tell_sweep', { branch: JSON.stringify(mainBranch) })];

const script = (name: string, view: object): FileRequest => ({
  path: `scripts/dbt_envs/${name}.py`,
  from: 'project',
  owner: 'ours',
  template: `ci/gitlab/scripts/dbt_envs/${name}.py.ejs`,
  view,
});
