import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { helpText, yoManner } from '../../src/shell/help.ts';
import { tree } from '../support/command-line.ts';
import { installed, type Packed, packed } from '../support/package.ts';
import { asNobody, folderOfNobody, network, yoBin, yoFolder } from '../support/yo.ts';

const ANSWERS = ['--yes', '--project-name', 'acme', '--warehouse', 'postgres', '--team', 'ana, bo'] as const;

let tarball: Packed;
let prefix: string;
let engines: string;
beforeAll(async () => {
  [tarball, prefix, engines] = [await packed(), await installed(), await yoFolder()];
});

interface Run {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
  readonly cwd: string;
  readonly home: string;
}
const run = (words: readonly string[], cwd: string, env: Readonly<Record<string, string>>): Run => {
  const home = folderOfNobody();
  const { status, stdout, stderr } = asNobody(words, { cwd, home, env });
  return { status, out: stdout, err: stderr, cwd, home };
};
const bin = (words: readonly string[], cwd = folderOfNobody(), name = 'dbt-envs'): Run =>
  run([path.join(prefix, 'node_modules', '.bin', name), ...words], cwd, {});
const yo = (words: readonly string[], cwd = folderOfNobody()): Run =>
  run([process.execPath, yoBin(engines), ...words], cwd, { NODE_PATH: path.join(prefix, 'node_modules') });

test(`the network is ${network}`, () => {
  if (process.env.CI !== undefined && process.platform === 'linux') expect(network).toBe('cut off');
});

describe('the tarball', () => {
  test('holds the bin, one entry a part, the notices and nothing that is not needed', () => {
    expect(tarball.files).toEqual(
      expect.arrayContaining(['dist/cli.cjs', 'generators/app/index.js', 'vendor/yeoman-generator/package.json', 'THIRD_PARTY_NOTICES.txt', 'LICENSE']),
    );
    expect(tarball.files.filter((file) => /\.ts$|\.ejs$|node_modules|^test|^src|^templates/.test(file))).toEqual([]);
  });
  test('brings no package with it', () => {
    const manifest: unknown = JSON.parse(readFileSync(path.join(prefix, 'node_modules/generator-dbt-envs/package.json'), 'utf8'));
    expect(manifest).not.toHaveProperty('dependencies');
    expect(Object.keys(JSON.parse(readFileSync(path.join(prefix, 'package-lock.json'), 'utf8')).packages)).toHaveLength(2);
  });
  test('is at most 600 kB', () => expect(tarball.bytes).toBeLessThan(600_000));
  test('names the licence of whatever is bundled', () => {
    const notices = readFileSync(path.join(prefix, 'node_modules/generator-dbt-envs/THIRD_PARTY_NOTICES.txt'), 'utf8');
    for (const name of ['yeoman-generator', 'inquirer', 'yaml', 'mem-fs-editor'])
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(.+\\)$`, 'm'));
  });
  test('says nothing of the machine that it was packed on', () => {
    const texts = tree(path.join(prefix, 'node_modules/generator-dbt-envs'));
    expect(
      Object.entries(texts)
        .filter(([, text]) => text.includes(process.cwd()))
        .map(([name]) => name),
    ).toEqual([]);
  });
});

describe('installed elsewhere, as an ordinary user', () => {
  test('the bin writes a repository, under both its names, and nothing at home', () => {
    const one = bin(ANSWERS);
    const other = bin(ANSWERS, folderOfNobody(), 'generator-dbt-envs');
    expect(one).toMatchObject({ status: 0, out: '' });
    expect(tree(other.cwd)).toEqual(tree(one.cwd));
    expect(tree(one.home)).toEqual({});
  });

  test.each([
    ['app', [], []],
    ['profiles', [':profiles'], ['profiles']],
    ['roster', [':roster'], ['roster']],
  ])('yo writes the same bytes: %s', (_, [colon = ''], part) => {
    const byYo = yo([`dbt-envs${colon}`, ...ANSWERS]);
    expect(byYo, byYo.err).toMatchObject({ status: 0 });
    const byBin = bin([...part, ...ANSWERS]);
    expect(tree(byYo.cwd)).toEqual(tree(byBin.cwd));
    expect(Object.keys(tree(byYo.home)).filter((name) => name.includes('yo-rc'))).toEqual([]);
  });

  test('what yo wrote, the bin finds in step, and the other way round', () => {
    const { cwd } = yo(['dbt-envs', ...ANSWERS]);
    expect(bin(['check'], cwd).status).toBe(0);
    expect(yo(['dbt-envs:check'], cwd).status).toBe(0);
    expect(yo(['dbt-envs:app', '--check'], cwd).status).toBe(0);
  });

  test('yo prints our help', () => expect(yo(['dbt-envs', '--help']).out.trim()).toBe(helpText(yoManner).trim()));

  test.each<[string, readonly string[], number, RegExp]>([
    ['a misspelt flag', ['dbt-envs', '--warehous', 'x', ...ANSWERS.slice(0, 1)], 2, /There is no flag --warehous\. Did you mean --warehouse\?/],
    ['a misspelt value', ['dbt-envs', '--yes', '--team', 'ana', '--warehouse', 'postgre'], 2, /Did you mean postgres\?/],
    ['an unquoted list', ['dbt-envs', '--yes', '--team', 'ana,', 'bo'], 2, /There is no part "bo"|One part at a time/],
    ['no terminal', ['dbt-envs'], 2, /no terminal to ask at/],
    ['no team', ['dbt-envs', '--yes'], 2, /--team/],
  ])('under yo, %s is one line, a status and nothing written', (_, words, status, message) => {
    const ran = yo(words);
    expect(ran.status, ran.err).toBe(status);
    expect(ran.err).toMatch(message);
    expect(ran.err).not.toMatch(/^ {4}at /m);
    expect(tree(ran.cwd)).toEqual({});
  });

  test('under yo, a conflict ends with 1 and drift with 1', () => {
    const { cwd } = yo(['dbt-envs:profiles', ...ANSWERS]);
    writeFileSync(path.join(cwd, 'profiles.yml'), 'mine: 1\n');
    const conflict = yo(['dbt-envs:profiles', '--yes', '--prod-schemas', 'marts'], cwd);
    expect(conflict.status, conflict.err).toBe(1);
    expect(conflict.err).toMatch(/profiles\.yml.*--keep.*--force/s);
    expect(readFileSync(path.join(cwd, 'profiles.yml'), 'utf8')).toBe('mine: 1\n');
    expect(yo(['dbt-envs:check', '--prod-schemas', 'marts'], cwd).status).toBe(1);
  });

  test('under yo, a broken .yo-rc.json is one line', () => {
    const cwd = folderOfNobody();
    writeFileSync(path.join(cwd, '.yo-rc.json'), '{ "generator-dbt-envs": ');
    const ran = yo(['dbt-envs', ...ANSWERS], cwd);
    expect(ran.status, ran.err).toBe(1);
    expect(ran.err).toMatch(/\.yo-rc\.json is no JSON/);
    expect(ran.err).not.toMatch(/^ {4}at /m);
  });
});

describe('the bin, on a Node that is', () => {
  const starting = (version: string) => {
    const pretend = `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"${version}"}})`;
    return spawnSync(process.execPath, ['--import', pretend, path.join(prefix, 'node_modules/generator-dbt-envs/dist/cli.cjs'), '--version'], {
      encoding: 'utf8',
    });
  };
  test.each(['14.21.3', '18.20.0', '20.16.0', '21.7.0', '22.8.0'])('%s: too old, says so in one sentence', (version) =>
    expect(starting(version)).toMatchObject({
      status: 2,
      stdout: '',
      stderr: `dbt-envs: Node ${version} is too old. Install Node 20.17 or a later 20, or 22.9 or later.\n`,
    }),
  );
  test.each(['20.17.0', '22.9.0', '24.0.0'])('%s: starts', (version) =>
    expect(starting(version)).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d/) }),
  );
});

test('the bin does not wait for a pipe that never ends', async () => {
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, [path.join(prefix, 'node_modules/generator-dbt-envs/dist/cli.cjs')], {
    cwd: folderOfNobody(),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const status = await new Promise((resolve) => child.on('exit', resolve));
  expect(status).toBe(2);
  child.stdin.destroy();
});
