import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { python } from '../support/dbt.ts';
import { ciTexts } from '../support/pipeline.ts';

let project: string;
beforeEach(() => {
  project = mkdtempSync(path.join(tmpdir(), 'dbt-envs-'));
  for (const folder of ['bin', 'models', 'scripts/dbt_envs']) mkdirSync(path.join(project, folder), { recursive: true });
  writeFileSync(path.join(project, 'scripts/dbt_envs/dbt_dev.py'), ciTexts()['scripts/dbt_envs/dbt_dev.py'] ?? '');
  // Stands for dbt: writes down where it was started and with what, and ends as DBT_ENDS says.
  writeFileSync(path.join(project, 'bin/dbt'), '#!/bin/sh\npwd -P > called\nfor one in "$@"; do echo "$one" >> called; done\nexit $DBT_ENDS\n');
  chmodSync(path.join(project, 'bin/dbt'), 0o755);
});

const dbtDev = (args: readonly string[], { from = '', env = {} }: { from?: string; env?: Record<string, string> } = {}) =>
  python(path.join(project, from), [path.join(project, 'scripts/dbt_envs/dbt_dev.py'), ...args], {
    env: { PATH: `${path.join(project, 'bin')}:/usr/bin:/bin`, ...env },
    python: 'tools',
  });
const called = () => readFileSync(path.join(project, 'called'), 'utf8').trim().split('\n').slice(1);
const manifest = (hoursAgo: number, folder = 'state') => {
  mkdirSync(path.join(project, folder), { recursive: true });
  const generated_at = new Date(Date.now() - hoursAgo * 3_600_000).toISOString().replace('Z', '123Z');
  writeFileSync(path.join(project, folder, 'manifest.json'), JSON.stringify({ metadata: { generated_at } }));
};

describe('dbt_dev.py build', () => {
  test('without a state builds everything, and says so loudly', async () => {
    const { code, output } = await dbtDev(['build']);
    expect(code).toBe(0);
    expect(output).toContain('NO STATE');
    expect(output).toContain('EVERYTHING is built in your schema.');
    expect(called()).toEqual(['build', '--target', 'dev']);
  });

  test.each([
    [0.2, 'less than an hour ago'],
    [5, '5 hours ago'],
    [24 * 9, '9 days ago: is that recent enough?'],
  ])('with a state of %d hours ago says its age and builds what changed', async (hours, age) => {
    manifest(hours);
    const { output } = await dbtDev(['build']);
    expect(output).toContain(`production as of ${age}`);
    expect(called()).toEqual([
      'build',
      '--target',
      'dev',
      '--select',
      'state:modified+',
      '--defer',
      '--favor-state',
      '--state',
      expect.stringMatching(/\/state$/),
    ]);
  });

  test('takes another state folder, another selection, and hands every other option to dbt', async () => {
    manifest(1, 'from_ci');
    await dbtDev(['build', '--state', 'from_ci', '--select', 'fct_revenue+', 'tag:x', '--full-refresh', '--vars', '{"a b": 1}']);
    expect(called()).toEqual([
      ...['build', '--target', 'dev', '--select', 'fct_revenue+', 'tag:x', '--defer', '--favor-state', '--state', expect.stringMatching(/\/from_ci$/)],
      ...['--full-refresh', '--vars', '{"a b": 1}'],
    ]);
  });

  test('runs dbt in the project, wherever it is started, and ends as dbt ends', async () => {
    const { code } = await dbtDev(['build'], { from: 'models', env: { DBT_ENDS: '2', DBT_TARGET: 'prod' } });
    expect(code).toBe(2);
    expect(called().slice(0, 3)).toEqual(['build', '--target', 'dev']);
  });

  test.each([[['--target', 'prod']], [['--target=ci']], [['-t', 'prod']], [['-tprod']]])('refuses %j: nothing but dev is built from here', async (args) => {
    const { code, output } = await dbtDev(['build', ...args]);
    expect([code, output.includes('only dev is built from here')]).toEqual([1, true]);
    expect(called).toThrow();
  });

  test.each([
    ['no JSON', 'half a mani'],
    ['another shape', '{"metadata": []}'],
    ['no date', '{"metadata": {"generated_at": "yesterday"}}'],
  ])('with a state that is broken (%s) stops: it does not quietly build everything', async (_, text) => {
    manifest(1);
    writeFileSync(path.join(project, 'state/manifest.json'), text);
    const { code, output } = await dbtDev(['build']);
    expect([code, output.includes("is no manifest of dbt's")]).toEqual([1, true]);
    expect(called).toThrow();
  });

  test("refuses dbt's own folder as a state", async () => {
    manifest(1, 'target');
    expect((await dbtDev(['build', '--state', 'target'])).output).toContain('dbt overwrites that folder while it builds');
  });

  test('says how to install dbt where there is none', async () => {
    rmSync(path.join(project, 'bin/dbt'));
    const { code, output } = await dbtDev(['build']);
    expect([code, output.endsWith('dbt_dev: dbt is not installed here. Run: pip install -r requirements.txt\n')]).toEqual([1, true]);
  });
});
