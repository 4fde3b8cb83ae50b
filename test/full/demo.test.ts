import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('npm run demo shows the promise on both engines, and ends well', () => {
  const { status, stdout, stderr } = spawnSync('npm', ['run', 'demo'], { encoding: 'utf8', maxBuffer: 1e8, shell: process.platform === 'win32' });
  expect(status, `${stdout}${stderr}`).toBe(0);
  expect(stdout).toMatch(/^That was it$/m);
  expect(stdout.match(/refused, as it should be/g)?.length).toBeGreaterThanOrEqual(3);
});
