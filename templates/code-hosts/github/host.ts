import { defineCodeHost } from '../../../src/code-host.ts';

export const github = defineCodeHost({
  id: 'github',
  label: 'GitHub',
  pullRequest: {
    noun: 'pull request',
    templatePath: '.github/pull_request_template.md',
    codeOwnersPath: '.github/CODEOWNERS',
  },
  files: () => [
    {
      path: 'scripts/dbt_envs/pull_request_state.py',
      owner: 'ours',
      template: 'code-hosts/github/scripts/dbt_envs/pull_request_state.py.ejs',
      view: {},
    },
  ],
});
