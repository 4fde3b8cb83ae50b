import { defineCodeHost } from '../../../src/code-host.ts';

const SCRIPTS = ['scripts/dbt_envs/github_api.py', 'scripts/dbt_envs/pull_request_state.py'];

export const github = defineCodeHost({
  id: 'github',
  label: 'GitHub',
  pullRequest: {
    noun: 'pull request',
    templatePath: '.github/pull_request_template.md',
    codeOwnersPath: '.github/CODEOWNERS',
  },
  files: () => SCRIPTS.map((path) => ({ path, owner: 'ours', template: `code-hosts/github/${path}.ejs`, view: {} })),
});
