import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Pipeline } from '../../src/pipeline.ts';
import { render } from '../../src/render.ts';
import { setupScript } from '../../templates/ci/github/setup.ts';
import { python } from './dbt.ts';
import { pipeline } from './pipeline.ts';

const FAKE = fileURLToPath(new URL('./fake-gh.mjs', import.meta.url));
export const REPOSITORY = {
  full_name: 'acme/dbt',
  name: 'dbt',
  id: 222,
  owner: { login: 'acme', id: 111, type: 'Organization' },
  private: true,
  fork: false,
  has_issues: true,
  default_branch: 'main',
  permissions: { admin: true },
};
export const PUBLIC = { ...REPOSITORY, private: false };
export const VALUES = {
  DBT_X_HOST: 'db.acme.example',
  DBT_ENV_SECRET_CI_PASSWORD: 'ci-s3cret',
  DBT_ENV_SECRET_PROD_PASSWORD: 'prod-s3cret',
  DBT_ENV_SECRET_JANITOR_PASSWORD: 'janitor-s3cret',
};
export const LIMITED = { protected_branches: false, custom_branch_policies: true };
export const CHECKS = ['Build the pull request into a schema of its own', 'Parse what is not built'];
export const checks = (...contexts: readonly string[]) => ({
  type: 'required_status_checks',
  parameters: { strict_required_status_checks_policy: false, required_status_checks: contexts.map((context) => ({ context })) },
});
export const reviews = (required_approving_review_count: number) => ({
  type: 'pull_request',
  parameters: {
    required_approving_review_count,
    dismiss_stale_reviews_on_push: false,
    require_code_owner_review: false,
    require_last_push_approval: false,
    required_review_thread_resolution: false,
  },
});
export const DELETION = { type: 'deletion' };
export const FORCE_PUSH = { type: 'non_fast_forward' };
export const ruleset = (rules: readonly object[], more: object = {}) => ({
  id: 1,
  name: 'dbt-envs: acme',
  target: 'branch',
  enforcement: 'active',
  bypass_actors: [],
  conditions: { ref_name: { include: ['refs/heads/main'], exclude: [] } },
  rules,
  ...more,
});
export const PROTECTED = ruleset([reviews(0), DELETION, FORCE_PUSH, checks(...CHECKS)]);

let folder: string;

/** Before each test: a folder with setup.py for `pipeline()` and a `gh` that answers from its state.json. */
export const newGithub = () => {
  folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-'));
  github({});
  mkdirSync(path.join(folder, 'bin'));
  writeFileSync(path.join(folder, 'bin/gh'), `#!/bin/sh\nexec "${process.execPath}" "${FAKE}" "$@"\n`);
  chmodSync(path.join(folder, 'bin/gh'), 0o755);
  script(pipeline());
};

export const script = (of: Pipeline) => {
  const { template, view } = setupScript(of);
  writeFileSync(path.join(folder, 'setup.py'), render(template, view));
};
const EMPTY = { rulesets: [], organisationRules: [], protection: {}, privateForks: {}, environments: {}, variables: {}, secrets: {} };
export const github = (given: object) => writeFileSync(path.join(folder, 'state.json'), JSON.stringify({ repository: REPOSITORY, ...EMPTY, ...given }));
export const state = () => JSON.parse(readFileSync(path.join(folder, 'state.json'), 'utf8'));
export const calls = () => (existsSync(path.join(folder, 'log.txt')) ? readFileSync(path.join(folder, 'log.txt'), 'utf8') : '');
export const writes = () =>
  calls()
    .split('\n')
    .filter((line) => /--method| set /.test(line));
export const setup = (args: readonly string[], env: Record<string, string> = {}) =>
  python(folder, ['setup.py', ...args], { env: { PATH: `${path.join(folder, 'bin')}:/usr/bin:/bin`, FAKE_GH: folder, ...env }, python: 'tools' });
