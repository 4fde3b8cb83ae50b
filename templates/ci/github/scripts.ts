import type { Pipeline } from '../../../src/pipeline.ts';
import type { FileRequest } from '../../../src/planned-file.ts';
import { environmentsOf } from './setup.ts';

/** What the jobs ask of GitHub's API, and a developer of production's state. A JSON string is a Python string too. */
export const apiScripts = (pipeline: Pipeline): readonly FileRequest[] => {
  const { mainBranch, projectName } = pipeline;
  const branch = JSON.stringify(mainBranch);
  return [
    script('fetch_state', { mainBranch, branch, projectName: JSON.stringify(projectName) }),
    script('post_card', { marker: JSON.stringify(`<!-- dbt-envs: ${projectName} -->`) }),
    ...(environmentsOf(pipeline).some(({ name }) => name === 'prod') ? [script('main_is_protected', { mainBranch, branch })] : []),
  ];
};

const script = (name: string, view: object): FileRequest => ({
  path: `scripts/dbt_envs/${name}.py`,
  from: 'project',
  owner: 'ours',
  template: `ci/github/scripts/dbt_envs/${name}.py.ejs`,
  view,
});
