import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { ciProviders, warehouses } from '../../src/catalogue.ts';
import { pythonEnvironment } from '../support/python.ts';
import { scaffold } from '../support/scaffold.ts';

const RULES = ['--isolated', '--target-version=py310', '--line-length=160', '--select=E,F,W,I,B,UP,S,PTH,RET,SIM', '--ignore=S310,S603,S607,SIM105'];
let program = '';
beforeAll(async () => {
  program = (await pythonEnvironment('tools')).bin('ruff');
});
const ruff = (cwd: string): Promise<string> =>
  new Promise((resolve) => {
    execFile(program, ['check', ...RULES, '--output-format=concise', '.'], { cwd }, (_, stdout, stderr) => resolve(stdout + stderr));
  });

describe('the scripts are plain Python 3.10 in which ruff finds nothing', () => {
  test.each(warehouses.flatMap(({ id }) => ciProviders.map((ci) => [id, ci.id] as const)))('%s on %s', async (warehouse, ci) => {
    expect(await ruff(path.join(scaffold({ warehouse, ci }), 'scripts'))).toContain('All checks passed');
  });
  test.each([
    ['a shell and a name that is none', "import subprocess\n\nsubprocess.run('echo ' + name, shell=True)\n", /F821[\s\S]*S602|S602[\s\S]*F821/],
    ['a later Python', 'import tomllib\n\ntype X = int\nprint(tomllib)\n', /3\.1[02]|invalid-syntax|SyntaxError/i],
    ['a line that nobody can read', `print("${'word '.repeat(40)}")\n`, /E501/],
  ])('and a planted mistake is found: %s', async (_, text, finding) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-'));
    writeFileSync(path.join(folder, 'planted.py'), text);
    expect(await ruff(folder)).toMatch(finding);
  });
});
