import { defineCodeHost } from '../../../src/code-host.ts';

import type { FileRequest } from '../../../src/planned-file.ts';

const script = (name: string): FileRequest => ({
  path: `scripts/dbt_envs/${name}.py`,
  owner: 'ours',
  template: `code-hosts/github/scripts/dbt_envs/${name}.py.ejs`,
  view: {},
});

export const github = defineCodeHost({
  id: 'github',
  label: 'GitHub',
  pullRequest: {
    noun: 'pull request',
    templatePath: '.github/pull_request_template.md',
    codeOwnersPath: '.github/CODEOWNERS',
  },
  files: () => [script('github_api'), script('pull_request_state')],
  sweepFiles: () => [script('open_prs')],
});
