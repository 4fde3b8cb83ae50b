import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

/** The build's tools are JavaScript, because the build runs before anything that could read TypeScript. */
function tool(expression: string): string {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const script = `import * as notices from './tools/notices.mjs'; import * as eager from './tools/eager.mjs';
    try { console.log(JSON.stringify(${expression}) ?? 'nothing'); } catch (error) { console.log(error.message); }`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' }).trim();
}

describe('third-party notices', () => {
  const one = { name: 'left-pad', version: '1.0.0', license: 'MIT', source: 'https://example.com', text: 'Copyright' };
  const printed = (...packages: readonly object[]): string => tool(`notices.noticesOf(${JSON.stringify(packages)})`);

  test('print each package with its licence', () => expect(printed(one)).toMatch(/left-pad 1\.0\.0 \(MIT\).*https:\/\/example\.com.*Copyright/));
  test('a licence that nobody has looked at stops the build', () =>
    expect(printed(one, { ...one, name: 'viral', license: 'AGPL-3.0' })).toMatch(/cannot be written:.*viral 1\.0\.0 has the licence AGPL-3\.0/s));
  test('so does a package without a licence, or without its text', () => {
    expect(printed({ ...one, license: undefined })).toMatch(/has the licence \(none\)/);
    expect(printed({ ...one, text: undefined })).toMatch(/brings no text of its licence/);
  });
  test.each([
    ['MIT', true],
    ['(MIT OR GPL-3.0)', true],
    ['MIT AND GPL-3.0', false],
    ['(BSD-2-Clause OR MIT OR Apache-2.0)', true],
    ['GPL-3.0', false],
  ])('%s is allowed: %s', (license, allowed) => expect(tool(`notices.isAllowed(${JSON.stringify(license)})`)).toBe(String(allowed)));
});

describe('what the bin loads before anything is asked', () => {
  const metafile = (...inputs: readonly string[]): object => ({
    outputs: { 'dist/start.cjs': { inputs: Object.fromEntries(inputs.map((input) => [input, {}])) } },
  });
  const refusal = (...inputs: readonly string[]): string => tool(`eager.refuseEager(${JSON.stringify(metafile(...inputs))}, ['inquirer', '@inquirer/core'])`);
  test('may be ours', () => expect(refusal('src/cli/start.ts', 'node_modules/other/index.js')).toBe('nothing'));
  test('is no prompt', () =>
    expect(refusal('src/cli/start.ts', 'node_modules/@inquirer/core/dist/index.js')).toMatch(/loads @inquirer\/core before anything asks/));
});
