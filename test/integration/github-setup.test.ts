import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, describe, expect, test } from 'vitest';
import { python } from '../support/dbt.ts';
import { ciTexts } from '../support/pipeline.ts';

const FAKE = fileURLToPath(new URL('../support/fake-gh.mjs', import.meta.url));
const REPOSITORY = { full_name: 'acme/dbt', private: true, permissions: { admin: true } };
const VALUES = { DBT_X_HOST: 'db.acme.example', DBT_ENV_SECRET_CI_PASSWORD: 'ci-s3cret', DBT_ENV_SECRET_PROD_PASSWORD: 'prod-s3cret' };
const LIMITED = { protected_branches: false, custom_branch_policies: true };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-'));
  github({});
  mkdirSync(path.join(folder, 'bin'));
  writeFileSync(path.join(folder, 'bin/gh'), `#!/bin/sh\nexec "${process.execPath}" "${FAKE}" "$@"\n`);
  chmodSync(path.join(folder, 'bin/gh'), 0o755);
  writeFileSync(path.join(folder, 'setup.py'), ciTexts()['scripts/dbt_envs/setup.py'] ?? '');
});

const github = (given: object) =>
  writeFileSync(
    path.join(folder, 'state.json'),
    JSON.stringify({ repository: REPOSITORY, branches: { main: true }, environments: {}, variables: {}, secrets: {}, ...given }),
  );
const state = () => JSON.parse(readFileSync(path.join(folder, 'state.json'), 'utf8'));
const calls = () => (existsSync(path.join(folder, 'log.txt')) ? readFileSync(path.join(folder, 'log.txt'), 'utf8') : '');
const writes = () =>
  calls()
    .split('\n')
    .filter((line) => /--method| set /.test(line));
const setup = (args: readonly string[], env: Record<string, string> = {}) =>
  python(folder, ['setup.py', ...args], { env: { PATH: `${path.join(folder, 'bin')}:/usr/bin:/bin`, FAKE_GH: folder, ...env }, python: 'tools' });

describe('setup.py', () => {
  test('says what is missing and changes nothing', async () => {
    const { code, output } = await setup([], VALUES);
    expect(code).toBe(0);
    expect(output).toContain('to do: environment prod, for main alone');
    expect(output).toContain('to do: secret DBT_ENV_SECRET_PROD_PASSWORD (environment prod)');
    expect(output).toContain('Nothing has been changed; --apply does it.');
    expect(writes()).toEqual([]);
  });

  test('with --apply makes all of it, each secret in its own environment, and none on a command line', async () => {
    const { code, output } = await setup(['--apply'], VALUES);
    expect(output).not.toMatch(/s3cret/);
    expect(code).toBe(0);
    const { environments, variables, secrets } = state();
    expect(environments.prod).toEqual({
      settings: { name: 'prod', deployment_branch_policy: LIMITED },
      branches: ['main'],
      variables: {},
      secrets: { DBT_ENV_SECRET_PROD_PASSWORD: 'prod-s3cret' },
    });
    expect(environments.ci).toMatchObject({ settings: { deployment_branch_policy: null }, branches: [], secrets: { DBT_ENV_SECRET_CI_PASSWORD: 'ci-s3cret' } });
    expect([variables, secrets]).toEqual([{ DBT_X_HOST: 'db.acme.example' }, {}]);
    expect(
      calls()
        .split('\n')
        .filter((line) => /s3cret/.test(line.split(' < ')[0] ?? '')),
    ).toEqual([]);
    const order = writes();
    expect(order.findIndex((line) => line.includes('deployment-branch-policies'))).toBeLessThan(order.findIndex((line) => line.includes('PROD_PASSWORD')));
  });

  test('a second time finds everything in place and changes nothing', async () => {
    await setup(['--apply'], VALUES);
    const before = [state(), writes()];
    const { code, output } = await setup(['--apply'], { ...VALUES, DBT_ENV_SECRET_CI_PASSWORD: 'another' });
    expect(output).toContain('Everything is in place.');
    expect([code, [state(), writes()]]).toEqual([0, before]);
  });

  test('--replace takes a new value for the one that it names', async () => {
    await setup(['--apply'], VALUES);
    await setup(['--apply', '--replace', 'DBT_ENV_SECRET_CI_PASSWORD'], {
      ...VALUES,
      DBT_ENV_SECRET_CI_PASSWORD: 'new',
      DBT_ENV_SECRET_PROD_PASSWORD: 'not this',
    });
    expect([state().environments.ci.secrets, state().environments.prod.secrets]).toEqual([
      { DBT_ENV_SECRET_CI_PASSWORD: 'new' },
      { DBT_ENV_SECRET_PROD_PASSWORD: 'prod-s3cret' },
    ]);
    expect((await setup(['--replace', 'DBT_TYPO'])).output).toContain('--replace DBT_TYPO: the workflows read no such setting.');
  });

  test('stores no secret where GitHub has no environments: a private repository on GitHub Free', async () => {
    github({ free: true });
    const { code, output } = await setup(['--apply'], VALUES);
    expect(code).toBe(1);
    expect(output).toContain('Nothing secret was stored. A private repository on GitHub Free has no environments');
    expect(calls()).not.toMatch(/secret set/);
  });

  test('stops where more than main may enter prod', async () => {
    github({ environments: { prod: { settings: { deployment_branch_policy: LIMITED }, branches: ['main', 'release/*'], variables: {}, secrets: {} } } });
    const { code, output } = await setup(['--apply'], VALUES);
    expect(code).toBe(1);
    expect(output).toContain('environment prod also admits release/*.');
    expect(calls()).not.toMatch(/secret set/);
  });

  test('keeps the reviewers and the wait that prod already had', async () => {
    const protection_rules = [
      { type: 'wait_timer', wait_timer: 30 },
      { type: 'required_reviewers', prevent_self_review: true, reviewers: [{ type: 'Team', reviewer: { id: 7, name: 'leads' } }] },
      { type: 'branch_policy' },
    ];
    github({ environments: { prod: { settings: { protection_rules, deployment_branch_policy: null }, branches: [], variables: {}, secrets: {} } } });
    await setup(['--apply'], VALUES);
    expect(state().environments.prod.settings).toEqual({
      name: 'prod',
      wait_timer: 30,
      reviewers: [{ type: 'Team', id: 7 }],
      prevent_self_review: true,
      deployment_branch_policy: LIMITED,
    });
  });

  test('warns where anybody may push to main', async () => {
    github({ branches: { main: false } });
    expect((await setup([])).output).toContain('main is not protected: whoever can push to it deploys to production.');
  });

  test('without a terminal and without a value says what is left, and fails', async () => {
    const { code, output } = await setup(['--apply'], { DBT_X_HOST: 'db' });
    expect(output).toContain('DBT_ENV_SECRET_CI_PASSWORD is left unset');
    expect([code, output.includes('2 still to do.')]).toEqual([1, true]);
  });

  test('tells a person who is no administrator, and one who has no gh', async () => {
    github({ repository: { ...REPOSITORY, permissions: { admin: false } } });
    expect((await setup(['--apply'])).output).toContain('you are not an administrator of acme/dbt');
    const { code, output } = await python(folder, ['setup.py'], { env: { PATH: '/nonexistent' }, python: 'tools' });
    expect([code, output]).toEqual([1, 'setup: gh is not installed. Get it from https://cli.github.com, run gh auth login, and start this again.\n']);
  });
});
