import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { findPlace } from '../../src/disk/place.ts';
import { inside } from '../../src/disk/territory.ts';
import { runBin, tree } from '../support/command-line.ts';
import { planned } from '../support/scaffold.ts';

/**
 * Windows as our code sees it, on any system: node:path is its Windows half, and node:fs takes Windows paths to folders
 * of a temporary one. Nothing here shows how Windows itself behaves; what we make of its paths is shown.
 */
const disks = vi.hoisted(() => ({ base: '' }));

vi.mock('node:path', async (original) => {
  const real = await original<typeof import('node:path')>();
  return { ...real.win32, default: { ...real.win32, win32: real.win32, posix: real.posix } };
});

vi.mock('node:fs', async (original) => {
  const real = await original<typeof import('node:fs')>();
  /** `C:\a\b` is base/c/a/b, and `\\server\share\a` is base/unc/server/share/a. */
  const there = (file: unknown): unknown => {
    if (typeof file !== 'string') return file;
    const plain = file.replace(/^\\\\\?\\/, '').replaceAll('\\', '/');
    const [, drive, rest = ''] = /^([A-Za-z]):(.*)$/.exec(plain) ?? [];
    if (drive !== undefined) return `${disks.base}/${drive.toLowerCase()}${rest}`;
    return plain.startsWith('//') ? `${disks.base}/unc/${plain.slice(2)}` : file;
  };
  const back = (file: unknown): unknown => {
    if (typeof file !== 'string' || !file.startsWith(`${disks.base}/`)) return file;
    const [first = '', ...steps] = file.slice(disks.base.length + 1).split('/');
    return first === 'unc' ? `\\\\${steps.join('\\')}` : `${first.toUpperCase()}:\\${steps.join('\\')}`;
  };
  const translated =
    (act: (...given: never[]) => unknown) =>
    (...given: readonly unknown[]): unknown => {
      const said: unknown = Reflect.apply(
        act,
        real,
        given.map((one, at) => (at < 2 ? there(one) : one)),
      );
      return Array.isArray(said) ? said.map((name) => (typeof name === 'string' ? name.replaceAll('/', '\\') : name)) : back(said);
    };
  const names = [
    'lstatSync',
    'statSync',
    'existsSync',
    'openSync',
    'linkSync',
    'copyFileSync',
    'readFileSync',
    'readdirSync',
    'mkdirSync',
    'renameSync',
    'rmSync',
    'rmdirSync',
    'chmodSync',
    'chownSync',
    'symlinkSync',
    'openSync',
  ] as const;
  // Its second word is a text, which may look like a path.
  const writeFileSync = (file: string, ...more: readonly unknown[]): unknown => Reflect.apply(real.writeFileSync, real, [there(file), ...more]);
  const realpathSync = Object.assign(translated(real.realpathSync), { native: translated(real.realpathSync.native) });
  return { ...real, ...Object.fromEntries(names.map((name) => [name, translated(real[name])])), writeFileSync, realpathSync };
});

const HERE = 'C:\\Users\\Ana Li\\acme [1] (x86)';
const ANSWERS = ['--yes', '--project-name', 'acme', '--team', 'ana, bo'] as const;
const made = (folder: string): string => {
  mkdirSync(folder, { recursive: true });
  return folder;
};
const filesOf = (given: Record<string, string> = { team: 'ana, bo' }) => Object.fromEntries(planned(given).map((file) => [file.path, file.contents]));

beforeEach(async () => {
  const real = await vi.importActual<typeof import('node:fs')>('node:fs');
  const { realpathSync, mkdtempSync: make } = real;
  disks.base = realpathSync(make(`${tmpdir()}/dbt-envs-windows-`));
  for (const folder of [HERE, 'D:\\', '\\\\server\\share']) made(folder);
});

test('the mock is Windows: what is true there alone is true here', () => {
  expect(path.sep).toBe('\\');
  expect(path.relative('C:\\a', 'D:\\b')).toBe('D:\\b');
  expect(path.join('a', 'b')).toBe('a\\b');
});

describe('a run on a drive', () => {
  beforeEach(async () => expect(await runBin(HERE, ANSWERS)).toMatchObject({ status: 0 }));

  test('writes the same files and bytes as anywhere else', () => {
    const there = tree(HERE);
    const lock = there['.dbt-envs.lock'] ?? '';
    expect(there).toEqual({ ...filesOf(), '.yo-rc.json': expect.any(String), '.dbt-envs.lock': lock });
    expect(lock).toContain(' macros/dbt_envs/answers.sql\n');
    expect(lock).not.toContain('\\');
  });

  test('finds itself in step, from a folder below too', async () => {
    expect(await runBin(HERE, ['check'])).toMatchObject({ status: 0 });
    expect(await runBin(`${HERE}\\models\\marts`, ['check'])).toMatchObject({ status: 0 });
    expect(await runBin('C:\\', ['check', '--project-dir', 'Users/Ana Li/acme [1] (x86)'])).toMatchObject({ status: 0 });
  });

  test.each([
    ['macros\\dbt_envs\\answers.sql', 'macros/dbt_envs/answers.sql'],
    ['macros/dbt_envs/answers.sql', 'macros/dbt_envs/answers.sql'],
    ['.\\macros\\..\\profiles.yml', 'profiles.yml'],
    [`${HERE}\\profiles.yml`, 'profiles.yml'],
    [`${HERE.replaceAll('\\', '/')}/profiles.yml`, 'profiles.yml'],
    [`${HERE.replace('C:', 'c:')}\\profiles.yml`, 'profiles.yml'],
  ])('explains %s', async (typed, name) => {
    const { status, out } = await runBin(HERE, ['explain', typed, '--json']);
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ path: name, part: 'profiles' });
  });

  test.each(['D:\\profiles.yml', 'Z:\\profiles.yml', '\\\\server\\share\\profiles.yml'])('explains nothing elsewhere: %s', async (typed) =>
    expect(await runBin(HERE, ['explain', typed])).toMatchObject({ status: 2, err: expect.stringMatching(/is outside of C:\\Users\\Ana Li/) }),
  );
});

test.each([
  ['D:\\data\\acme', 'D:\\data\\acme'],
  ['D:/data/acme', 'D:\\data\\acme'],
  ['..\\other', 'C:\\Users\\Ana Li\\other'],
  ['new\\deep', `${HERE}\\new\\deep`],
  ['\\\\server\\share\\acme', '\\\\server\\share\\acme'],
])('--project-dir %s is %s', async (typed, folder) => {
  expect(await runBin(HERE, [...ANSWERS, '--project-dir', typed])).toMatchObject({ status: 0, err: expect.stringContaining(`Project ${folder}\n`) });
  expect(tree(folder)).toMatchObject(filesOf());
});

test('a drive that is not there is one line', async () =>
  expect(await runBin(HERE, [...ANSWERS, '--project-dir', 'Z:\\acme'])).toMatchObject({
    status: 1,
    err: 'dbt-envs: Cannot read Z:\\acme: it is not there, and its folder cannot be made there (ENOENT). Look for a slip in the path, or a drive that is away.\n',
  }));

test.each([
  ['--team-file', 'C:\\Users\\Ana Li\\team.csv'],
  ['--team-file', '..\\team.csv'],
  ['--team', '@../team.csv'],
])('%s %s is read', async (flag, typed) => {
  writeFileSync('C:\\Users\\Ana Li\\team.csv', 'name\r\nana\r\nbo\r\n');
  expect(await runBin(HERE, ['--yes', '--project-name', 'acme', flag, typed])).toMatchObject({ status: 0 });
  expect(tree(HERE)).toMatchObject(filesOf());
});

describe('in a monorepo', () => {
  const PROJECT = 'C:\\work\\data\\dbt';
  beforeEach(() => {
    made('C:\\work\\.git');
    made(PROJECT);
  });

  test('CI files go to its root, and the way back to the project has slashes', async () => {
    expect(await runBin(PROJECT, ANSWERS)).toMatchObject({ status: 0 });
    const outer = Object.keys(tree('C:\\work')).filter((name) => !name.startsWith('data/dbt/'));
    expect(outer).toEqual(expect.arrayContaining(['.github/CODEOWNERS', '.github/workflows/dbt_deploy.yml']));
    expect(tree('C:\\work')['.github/workflows/dbt_deploy.yml']).toContain('data/dbt');
    expect(tree(PROJECT)['.dbt-envs.lock']).toContain(' ../../.github/CODEOWNERS\n');
    expect(await runBin(PROJECT, ['explain', '.github\\CODEOWNERS'])).toMatchObject({ status: 0 });
  });

  test('the project is found from below, and not above the repository', () => {
    writeFileSync('C:\\dbt_project.yml', 'name: outer\n');
    writeFileSync(`${PROJECT}\\dbt_project.yml`, 'name: acme\n');
    expect(findPlace(made(`${PROJECT}\\models\\deep`))).toMatchObject({ root: PROJECT, boundary: 'C:\\work', projectDir: 'data/dbt' });
    expect(findPlace('C:\\work')).toMatchObject({ root: 'C:\\work', projectDir: '' });
  });

  test('a link to another drive leads outside, and nothing is written', async () => {
    made('D:\\elsewhere');
    symlinkSync('D:\\elsewhere', `${PROJECT}\\macros`);
    expect(await runBin(PROJECT, ANSWERS)).toMatchObject({ status: 1, err: expect.stringMatching(/leads outside of C:\\work \(to D:\\elsewhere/) });
    expect(tree('D:\\elsewhere')).toEqual({});
  });
});

describe('inside', () => {
  test.each([
    ['C:\\repo', 'C:\\repo\\a.md', true],
    ['C:\\repo', 'C:\\repo', true],
    ['C:\\repo', 'c:\\REPO\\a.md', true],
    ['C:\\repo', 'C:\\repo\\..a\\b', true],
    ['C:\\', 'C:\\a', true],
    ['\\\\server\\share', '\\\\server\\share\\a', true],
    ['C:\\repo', 'C:\\repo2\\a.md', false],
    ['C:\\repo', 'C:\\', false],
    ['C:\\repo', 'C:\\repo\\..\\x', false],
    ['C:\\repo', 'D:\\repo\\a.md', false],
    ['\\\\server\\share', '\\\\server\\other\\a', false],
    ['C:\\repo', '\\\\server\\share\\a', false],
  ])('%s holds %s: %s', (boundary, file, holds) => expect(inside(boundary, file)).toBe(holds));
});
