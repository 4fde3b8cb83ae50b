import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { python } from '../support/dbt.ts';
import { type Deployment, type GitlabApi, startGitlabApi } from '../support/gitlab-api.ts';
import { planned } from '../support/scaffold.ts';

let api: GitlabApi;
let folder: string;
beforeEach(async () => {
  api = await startGitlabApi();
  api.jobs.set('job-token', { project_id: 7, ref: 'main', source: 'schedule', sha: 'c'.repeat(40) });
  folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-'));
  for (const { path: name, contents } of planned({ ci: 'gitlab' }).filter((file) => file.path.startsWith('scripts/'))) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), contents);
  }
});
afterEach(() => api.stop());

const run = (script: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) =>
  python(folder, [`scripts/dbt_envs/${script}.py`, ...args], {
    env: { CI_API_V4_URL: api.url, CI_PROJECT_ID: '7', CI_JOB_TOKEN: 'job-token', ...env },
    python: 'tools',
  });

describe('the issue of a failing sweep', () => {
  const left = (account: object | string | undefined, result?: string): void => {
    const place = path.join(folder, 'target/dbt_envs');
    rmSync(place, { recursive: true, force: true });
    mkdirSync(place, { recursive: true });
    if (account !== undefined) writeFileSync(path.join(place, 'sweep.json'), typeof account === 'string' ? account : JSON.stringify(account));
    if (result !== undefined) writeFileSync(path.join(place, 'result'), `${result}\n`);
  };
  const WELL = { ok: true, dry_run: false, problems: [] };
  const tell = (pipeline: number, env: Readonly<Record<string, string>> = { DBT_ENVS_GITLAB_TOKEN: 'glpat-of-the-sweep' }) =>
    run('tell_sweep', [`https://gitlab.example.com/acme/data/dbt/-/pipelines/${pipeline}`], env);
  const states = () => api.issues.map(({ state }) => state);

  test('is opened once, kept up to date, and closed by the first night that succeeds', async () => {
    left({ ok: false, dry_run: false, problems: ['26 would go'] });
    for (const night of [1, 2, 3]) expect((await tell(night)).code).toBe(0);
    expect(states()).toEqual(['opened']);
    expect(api.issues[0]?.description).toContain('26 would go');
    expect(api.issues[0]?.description).toContain('/-/pipelines/3)');
    left(WELL, 'success');
    const { output } = await tell(4);
    expect([states(), api.notes.length], output).toEqual([['closed'], 1]);
    expect((await tell(5)).output).toContain('no issue is open');
  });
  test.each<[string, object | string | undefined, string | undefined]>([
    ['its job ended before it came to anything', undefined, undefined],
    ['its account is well, and its job failed afterwards', WELL, undefined],
    ['its job was well, and its account is not', { ...WELL, ok: false }, 'success'],
    ['it only said what it would do', { ...WELL, dry_run: true }, 'success'],
    ['its account is no JSON', '{"ok": true', 'success'],
    ['its account is a list', '[]', 'success'],
    ['its account says no such thing', {}, 'success'],
  ])('is opened where %s', async (_, account, result) => {
    left(account, result);
    await tell(1);
    expect(states()).toEqual(['opened']);
  });
  test('is left alone by an old pipeline that is started again', async () => {
    left({ ok: false, problems: ['new'] });
    await tell(9);
    api.pipelines.set(9, { ref: 'main', tag: false, source: 'schedule' });
    left({ ok: false, problems: ['old'] });
    expect((await tell(8)).output).toContain('a newer pipeline has told already');
    left(WELL, 'success');
    expect((await tell(8)).output).toContain('a newer pipeline has told already');
    expect([states(), api.issues[0]?.description.includes('new')]).toEqual([['opened'], true]);
  });
  test('is updated and closed, whatever somebody has written into it: no pipeline that is not there is newer', async () => {
    left({ ok: false, problems: ['it cannot log in'] });
    await tell(9);
    const [issue] = api.issues;
    const planted = () =>
      Object.assign(issue ?? {}, { title: 'Lunch', description: '<!-- dbt-envs sweep: acme -->\n[x](https://gitlab.example.com/a/b/-/pipelines/999999999)' });
    planted();
    expect((await tell(10)).output).toContain('updated');
    expect([issue?.title, issue?.description.includes('it cannot log in')]).toEqual(['The nightly dbt sweep fails', true]);
    for (const other of [
      { ref: 'main', tag: true, source: 'push' },
      { ref: 'discounts', tag: false, source: 'web' },
      { ref: 'main', tag: false, source: 'push' },
    ]) {
      planted();
      api.pipelines.set(999999999, other);
      expect((await tell(11)).output, JSON.stringify(other)).toContain('updated');
    }
    planted();
    left(WELL, 'success');
    await tell(12);
    expect(states()).toEqual(['closed']);
  });
  test('a person’s issue with the same marker stays theirs, and a second one of ours is closed', async () => {
    const marker = '<!-- dbt-envs sweep: acme -->\nours';
    api.issues.push({ iid: 1, title: 'x', description: marker, state: 'opened', author: 'priya', createdAt: '2026-11-01T00:00:00Z' });
    for (const iid of [2, 3]) api.issues.push({ iid, title: 'x', description: marker, state: 'opened', author: 'bot', createdAt: '2026-11-01T00:00:00Z' });
    left({ ok: false, problems: ['x'] });
    await tell(1);
    expect(states()).toEqual(['opened', 'opened', 'closed']);
  });
  test('quotes what others have chosen as it is: no mention, no link, no command', async () => {
    left({ ok: false, problems: ['@all /close\n/assign @me\n![x](http://evil.example) <b>x</b>'] });
    await tell(1);
    const [line = ''] = api.issues[0]?.description.split('\n').filter((one) => one.includes('@all')) ?? [];
    expect(line).toMatch(/^ {4}@all \/close \/assign @me/);
  });
  test('without its token the job fails, and says where that goes', async () => {
    left(WELL, 'success');
    const { code, output } = await tell(1, {});
    expect([code, output]).toEqual([1, expect.stringContaining('DBT_ENVS_GITLAB_TOKEN is not set')]);
  });
  test.each([{ status: 500 }, { status: 403 }, 'cut off', 'html'] as const)('where GitLab fails, nothing is closed, and the job fails: %o', async (how) => {
    left({ ok: false, problems: ['x'] });
    await tell(1);
    left(WELL, 'success');
    api.fails(/issues/, how);
    const { code, output } = await tell(2);
    expect([code, states()]).toEqual([1, ['opened']]);
    expect(output).not.toContain('glpat-of-the-sweep');
  });
});

describe('a job beside the deploy looks after the sweep', () => {
  const ago = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString();
  const sweep = (days: number, status = 'success') => api.deployments.push({ environment: 'sweep', status, finishedAt: ago(days) });

  test('one that has succeeded within two days is well', async () => {
    for (const days of [9, 1]) sweep(days);
    const { code, output } = await run('sweep_is_alive');
    expect(code).toBe(0);
    expect(output).toMatch(/^The last nightly sweep that succeeded ended on /);
  });
  test.each<[string, Deployment['job']]>([
    ['a branch’s job', { name: 'dbt-sweep', ref: 'discounts', tag: false }],
    ['a tag that is called main', { name: 'dbt-sweep', ref: 'main', tag: true }],
    ['another job of main', { name: 'lint', ref: 'main', tag: false }],
    ['a merge request’s job', { name: 'dbt-sweep', ref: 'refs/merge-requests/1/head', tag: false }],
    ['somebody by hand', null],
  ])('what %s deploys to the environment sweep is none', async (_, job) => {
    sweep(5);
    for (let at = 0; at < 20; at++) api.deployments.push({ environment: 'sweep', status: 'success', finishedAt: ago(0), ...(job !== undefined && { job }) });
    expect((await run('sweep_is_alive')).output).toContain('has not succeeded for 5 days');
    api.deployments.splice(0, 1);
    expect((await run('sweep_is_alive')).output).toContain('has succeeded yet, and something else on GitLab deploys to the environment sweep');
  });
  test.each<[string, () => void, string]>([
    ['there was none', () => undefined, 'No nightly sweep has succeeded yet'],
    ['the last one that succeeded is old', () => void sweep(5), 'has not succeeded for 5 days'],
    ['the newest ones failed', () => void [sweep(5), sweep(1, 'failed')], 'has not succeeded for 5 days'],
    ['GitLab does not let it see', () => api.fails(/./, { status: 403 }), 'cannot be seen'],
    ['the answer is of another shape', () => api.fails(/./, 'wrong shape'), 'cannot be seen'],
    ['GitLab does not answer', () => api.fails(/./, 'hang up'), 'cannot be seen'],
  ])('its job fails where %s', async (_, make, saying) => {
    make();
    const { code, output } = await run('sweep_is_alive');
    expect([code, output]).toEqual([1, expect.stringContaining(saying)]);
    expect(output).toContain('WARNING');
  });
});
