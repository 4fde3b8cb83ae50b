import { deploys, type Pipeline, watchesSweep } from '../../../src/pipeline.ts';
import type { FileRequest } from '../../../src/planned-file.ts';
import { TELL } from './workflows.ts';

/** What the jobs ask of GitHub's API, and a developer of production's state. A JSON string is a Python string too. */
export const apiScripts = (pipeline: Pipeline): readonly FileRequest[] => {
  const { mainBranch, projectName } = pipeline;
  const branch = JSON.stringify(mainBranch);
  return [
    script('fetch_state', { mainBranch, branch }),
    script('post_card', { marker: JSON.stringify(`<!-- dbt-envs: ${projectName} -->`) }),
    ...(deploys(pipeline) ? [script('main_is_protected', { mainBranch, branch })] : []),
    ...(watchesSweep(pipeline)
      ? [script('sweep_is_alive', { mainBranch, branch, sweep: JSON.stringify(sweepTitle(pipeline)), tell: JSON.stringify(TELL) })]
      : []),
  ];
};

const sweepTitle = ({ jobs }: Pipeline): string => jobs.find(({ trigger }) => trigger.on === 'nightly')?.title ?? '';

/** What tells people of a sweep that fails. */
export const sweepScripts = (): readonly FileRequest[] => [script('tell_sweep', {})];

const script = (name: string, view: object): FileRequest => ({
  path: `scripts/dbt_envs/${name}.py`,
  from: 'project',
  owner: 'ours',
  template: `ci/github/scripts/dbt_envs/${name}.py.ejs`,
  view,
});
