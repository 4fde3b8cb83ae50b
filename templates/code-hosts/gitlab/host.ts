import { defineCodeHost } from '../../../src/code-host.ts';
import type { FileRequest } from '../../../src/planned-file.ts';

const script = (name: string): FileRequest => ({
  path: `scripts/dbt_envs/${name}.py`,
  owner: 'ours',
  template: `code-hosts/gitlab/scripts/dbt_envs/${name}.py.ejs`,
  view: {},
});

export const gitlab = defineCodeHost({
  id: 'gitlab',
  label: 'GitLab',
  pullRequest: {
    noun: 'merge request',
    templatePath: '.gitlab/merge_request_templates/Default.md',
    codeOwnersPath: '.gitlab/CODEOWNERS',
  },
  files: () => [script('gitlab_api'), script('pull_request_state')],
  sweepFiles: () => [script('open_prs')],
});
