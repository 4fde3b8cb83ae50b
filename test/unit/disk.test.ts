import { execFile } from 'node:child_process';
import fs, {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Work } from '../../src/changes/work.ts';
import { apply } from '../../src/disk/disk.ts';
import { exists, textOf } from '../../src/disk/territory.ts';
import { RunError } from '../../src/errors.ts';

let root = '';
beforeEach(() => {
  root = realpathSync(mkdtempSync(path.join(tmpdir(), 'dbt-envs-disk-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const record = { path: '.dbt-envs.lock', contents: 'record\n' };
const at = (...steps: readonly string[]): string => path.join(root, ...steps);
const put = (file: string, text: string | Uint8Array = 'old\n'): void => {
  mkdirSync(path.dirname(at(file)), { recursive: true });
  writeFileSync(at(file), text);
};
const tree = (folder = root): readonly string[] =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((name) => !statSync(path.join(folder, name)).isDirectory())
    .sort();
const write = (files: Readonly<Record<string, string>>, more: Partial<Work> = {}, boundary = root): Promise<void> =>
  apply({ root, boundary }, { writes: Object.entries(files).map(([file, contents]) => ({ path: file, contents })), removals: [], record, ...more });
async function refusal(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    if (error instanceof RunError) return error.message;
    throw error;
  }
  return 'no refusal';
}

type Function = 'writeFileSync' | 'renameSync' | 'mkdirSync' | 'rmSync' | 'linkSync';

/** Makes one call of a function of node:fs fail as the system would. */
const failing = <T>(name: Function, code: string, call: number, act: () => T): Promise<Awaited<T>> =>
  meddling(
    name,
    (calls) => {
      if (calls === call) throw Object.assign(new Error(`${code}: as the system says it`), { code });
    },
    act,
  );

/** Does something else before each call of a function of node:fs. */
async function meddling<T>(name: Function, before: (calls: number, ...given: readonly unknown[]) => void, act: () => T): Promise<Awaited<T>> {
  const original: unknown = Reflect.get(fs, name);
  if (typeof original !== 'function') throw new Error(`node:fs has no ${name}`);
  let calls = 0;
  Reflect.set(fs, name, (...given: readonly unknown[]) => {
    before(calls++, ...given);
    return Reflect.apply(original, fs, given);
  });
  syncBuiltinESMExports();
  try {
    return await act();
  } finally {
    Reflect.set(fs, name, original);
    syncBuiltinESMExports();
  }
}

describe('writing', () => {
  test('makes folders, and the record comes last', async () => {
    const order: string[] = [];
    const original = fs.renameSync;
    fs.renameSync = (from, to) => {
      order.push(path.basename(String(to)));
      original(from, to);
    };
    syncBuiltinESMExports();
    try {
      await write({ 'a/b/c.sql': 'c\n', 'd.md': 'd\n' });
    } finally {
      fs.renameSync = original;
      syncBuiltinESMExports();
    }
    expect(order).toEqual(['c.sql', 'd.md', '.dbt-envs.lock']);
    expect(readFileSync(at('a/b/c.sql'), 'utf8')).toBe('c\n');
  });
  test('never writes identical bytes again', async () => {
    await write({ 'a.sql': 'a\n' });
    const long = new Date(0);
    for (const file of ['a.sql', '.dbt-envs.lock']) utimesSync(at(file), long, long);
    const inode = statSync(at('a.sql')).ino;
    await write({ 'a.sql': 'a\n' });
    for (const file of ['a.sql', '.dbt-envs.lock']) expect(statSync(at(file)).mtimeMs).toBe(0);
    expect(statSync(at('a.sql')).ino).toBe(inode);
  });
  test('keeps the mode of a file that is there', async () => {
    put('run.sh');
    chmodSync(at('run.sh'), 0o750);
    await write({ 'run.sh': 'new\n' });
    expect(statSync(at('run.sh')).mode & 0o7777).toBe(0o750);
  });
  test('gives a new file no right to be executed', async () => {
    await write({ 'new.py': 'x\n' });
    expect(statSync(at('new.py')).mode & 0o111).toBe(0);
  });
  test('writes through a symbolic link, which stays', async () => {
    put('real/file.md');
    symlinkSync('real/file.md', at('link.md'));
    await write({ 'link.md': 'new\n' });
    expect(lstatSync(at('link.md')).isSymbolicLink()).toBe(true);
    expect(readFileSync(at('real/file.md'), 'utf8')).toBe('new\n');
  });
  test('removes, and takes the folder along that becomes empty', async () => {
    put('docs/old.md');
    put('grants/old.sql');
    put('grants/yours.sql');
    const removals = ['docs/old.md', 'grants/old.sql'].map((file) => ({ path: file, decidedOn: { text: 'old\n' } }));
    await write({}, { removals });
    expect(tree()).toEqual(['.dbt-envs.lock', 'grants/yours.sql']);
    expect(existsSync(at('docs'))).toBe(false);
  });
  test('reaches the root of the git repository, where CI files are', async () => {
    const project = at('data/dbt');
    mkdirSync(project, { recursive: true });
    await apply({ root: project, boundary: root }, { writes: [{ path: '../../.github/workflows/x.yml', contents: 'x\n' }], removals: [], record });
    expect(tree()).toEqual(['.github/workflows/x.yml', 'data/dbt/.dbt-envs.lock']);
  });
});

describe('a path that leads outside is refused, and nothing is written', () => {
  let outside = '';
  beforeEach(() => {
    outside = mkdtempSync(path.join(tmpdir(), 'dbt-envs-outside-'));
  });
  afterEach(() => rmSync(outside, { recursive: true, force: true }));

  test('through a folder that is a symbolic link', async () => {
    symlinkSync(outside, at('docs'));
    expect(await refusal(() => write({ 'ok.md': 'x', 'docs/x.md': 'x' }))).toMatch(/^docs\/x\.md leads outside of .*nothing was written\.$/);
    expect([readdirSync(outside), existsSync(at('ok.md'))]).toEqual([[], false]);
  });
  test('through a folder in such a folder, before any folder is made there', async () => {
    symlinkSync(outside, at('docs'));
    expect(await refusal(() => write({ 'docs/deep/x.md': 'x' }))).toMatch(/leads outside/);
    expect(readdirSync(outside)).toEqual([]);
  });
  test('through a file that is a symbolic link', async () => {
    writeFileSync(path.join(outside, 'secret'), 'theirs');
    symlinkSync(path.join(outside, 'secret'), at('profiles.yml'));
    expect(await refusal(() => write({ 'profiles.yml': 'x' }))).toMatch(/leads outside/);
    expect(readFileSync(path.join(outside, 'secret'), 'utf8')).toBe('theirs');
  });
  test('through ..', async () => expect(await refusal(() => write({ '../x.md': 'x' }))).toMatch(/leads outside/));
  test('also when it is only read', async () => {
    symlinkSync(outside, at('docs'));
    writeFileSync(path.join(outside, 'x.md'), 'theirs');
    expect(await refusal(() => textOf({ root, boundary: root }, 'docs/x.md'))).toMatch(/leads outside/);
  });
  test('a link that points nowhere', async () => {
    symlinkSync('nowhere', at('x.md'));
    expect(await refusal(() => write({ 'x.md': 'x' }))).toMatch(/points nowhere/);
  });
  test('links that lead in a circle', async () => {
    symlinkSync('b', at('a'));
    symlinkSync('a', at('b'));
    expect(await refusal(() => write({ 'a/x.md': 'x' }))).toMatch(/circle|points nowhere/);
  });
});

describe('what stands in the way is one line that names the path and the way out, and nothing is written', () => {
  test('a file where a folder is needed', async () => {
    put('docs');
    expect(await refusal(() => write({ 'a.md': 'x', 'docs/x.md': 'x' }))).toMatch(
      /^docs\/x\.md needs a folder where a file is\. Move that file away; nothing was written\.$|^Cannot .*docs/,
    );
    expect(tree()).toEqual(['docs']);
  });
  test('a folder where a file is to be', async () => {
    mkdirSync(at('README.md'));
    expect(await refusal(() => write({ 'a.md': 'x', 'README.md': 'x' }))).toBe(
      'README.md is a folder, and a file is to be written there. Move it away; nothing was written.',
    );
    expect(tree()).toEqual([]);
  });
  test('a file that changed since the decision', async () => {
    put('a.md', 'changed\n');
    const writes = [{ path: 'a.md', contents: 'new\n', decidedOn: { text: 'old\n' } }];
    expect(await refusal(() => write({}, { writes }))).toBe('a.md changed while you decided; nothing was written. Run again.');
  });
  test('a file that is not UTF-8', async () => {
    put('a.md', Uint8Array.from([0x63, 0x61, 0x66, 0xe9]));
    expect(await refusal(() => textOf({ root, boundary: root }, 'a.md'))).toBe(
      'a.md is not valid UTF-8. Convert it to UTF-8, or move it away; nothing was written.',
    );
    expect(exists({ root, boundary: root }, 'a.md')).toBe(true);
  });
  test('a name that is too long', async () =>
    expect(await refusal(() => write({ [`${'x'.repeat(300)}.md`]: 'x' }))).toMatch(/the path is too long \(ENAMETOOLONG\)/));
  test.each([
    [
      'a full disk',
      'writeFileSync',
      'ENOSPC',
      /^Cannot write b\.md: no space is left on the device \(ENOSPC\)\. Free some space and run again\. Nothing was written\.$/,
    ],
    ['a folder without the right to write', 'writeFileSync', 'EACCES', /^Cannot write b\.md: permission denied \(EACCES\)\. .*Nothing was written\.$/],
    ['a file system that is read-only', 'mkdirSync', 'EROFS', /^Cannot write c\/d\.md: the file system is read-only \(EROFS\)\. /],
    ['a rename that fails half-way', 'renameSync', 'EPERM', /^Cannot write b\.md: not permitted \(EPERM\)\. /],
  ] as const)('%s', async (_, name, code, message) => {
    put('a.md');
    put('gone.md');
    const before = tree();
    const removals = [{ path: 'gone.md', decidedOn: { text: 'old\n' } }];
    expect(await refusal(() => failing(name, code, 1, () => write({ 'a.md': 'new\n', 'b.md': 'b\n', 'c/d.md': 'd\n' }, { removals })))).toMatch(message);
    expect(tree()).toEqual(before);
    expect(readFileSync(at('a.md'), 'utf8')).toBe('old\n');
    expect(existsSync(at('c'))).toBe(false);
  });
  test('the last rename fails: every file is put back as it was, its mode too', async () => {
    put('a.md');
    chmodSync(at('a.md'), 0o640);
    put('gone.md');
    await refusal(() =>
      failing('renameSync', 'EIO', 2, () => write({ 'a.md': 'new\n', 'b.md': 'b\n' }, { removals: [{ path: 'gone.md', decidedOn: { text: 'old\n' } }] })),
    );
    expect(tree()).toEqual(['a.md', 'gone.md']);
    expect(readFileSync(at('a.md'), 'utf8')).toBe('old\n');
    expect(statSync(at('a.md')).mode & 0o777).toBe(0o640);
  });
  // Root may write everywhere, so for root the refusal above stands for it.
  const denied = (act: () => unknown): Promise<string> => (process.getuid?.() === 0 ? failing('writeFileSync', 'EACCES', 1, () => refusal(act)) : refusal(act));
  test('a folder that really is read-only', async () => {
    mkdirSync(at('docs'));
    chmodSync(at('docs'), 0o500);
    expect(await denied(() => write({ 'a.md': 'x', 'docs/x.md': 'x' }))).toMatch(/^Cannot write docs\/x\.md: permission denied/);
    chmodSync(at('docs'), 0o700);
    expect(tree()).toEqual([]);
  });
});

describe('putting back', () => {
  const full = (): never => {
    throw Object.assign(new Error('ENOSPC: as the system says it'), { code: 'ENOSPC' });
  };
  const work = { 'a.md': 'new\n', 'b.md': 'new\n', 'c.md': 'new\n' };
  beforeEach(() => {
    for (const file of Object.keys(work)) put(file);
  });
  const texts = (): readonly string[] => Object.keys(work).map((file) => readFileSync(at(file), 'utf8'));

  test('takes no space: the disk is full by then', async () => {
    const inode = statSync(at('a.md')).ino;
    let isFull = false;
    const filling = (calls: number): void => {
      if (calls !== 2) return;
      isFull = true;
      full();
    };
    const said = await meddling(
      'writeFileSync',
      () => isFull && full(),
      () => meddling('renameSync', filling, () => refusal(() => write(work))),
    );
    expect(said).toMatch(/^Cannot write c\.md: no space is left on the device \(ENOSPC\)\. .*Nothing was written\.$/);
    expect([tree(), texts()]).toEqual([Object.keys(work), ['old\n', 'old\n', 'old\n']]);
    expect(statSync(at('a.md')).ino).toBe(inode);
  });
  test('goes by a copy where a file can have but one name', async () => {
    chmodSync(at('a.md'), 0o640);
    await meddling(
      'linkSync',
      () => {
        throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
      },
      () => refusal(() => failing('renameSync', 'EIO', 2, () => write(work))),
    );
    expect([tree(), texts()]).toEqual([Object.keys(work), ['old\n', 'old\n', 'old\n']]);
    expect(statSync(at('a.md')).mode & 0o777).toBe(0o640);
  });
  test('that fails for one file goes on with the others, and says where its text is', async () => {
    const said = await meddling(
      'renameSync',
      (calls) => {
        if (calls === 2 || calls === 3) full();
      },
      () => refusal(() => write(work)),
    );
    expect(said).toMatch(/^Writing failed, and these could not be put back: b\.md \(as it was: \.dbt-envs-\d+-3\.tmp beside it\)\. /);
    const [, beside = ''] = /as it was: (\S+)/.exec(said) ?? [];
    expect([texts(), readFileSync(at(beside), 'utf8')]).toEqual([['old\n', 'new\n', 'old\n'], 'old\n']);
  });
});

describe('one run at a time', () => {
  const TURN = '.dbt-envs-writing.tmp';
  const another = /^Another run is writing to .*; nothing was written\. Wait for it, and run again\. If there is none, remove \.dbt-envs-writing\.tmp there\.$/;

  test('the second of two is refused while the first one writes, and afterwards sees what it wrote', async () => {
    put('roster.yml');
    const run = (text: string): Promise<void> => write({}, { writes: [{ path: 'roster.yml', contents: text, decidedOn: { text: 'old\n' } }] });
    const [first, second] = await Promise.allSettled([run('one\n'), run('two\n')]);
    expect([first.status, second.status === 'rejected' && second.reason.message]).toEqual(['fulfilled', expect.stringMatching(another)]);
    expect(await refusal(() => run('two\n'))).toBe('roster.yml changed while you decided; nothing was written. Run again.');
    expect([tree(), readFileSync(at('roster.yml'), 'utf8')]).toEqual([['.dbt-envs.lock', 'roster.yml'], 'one\n']);
  });
  test('a process that lives keeps its turn', async () => {
    put(TURN, `${process.ppid}\n`);
    expect(await refusal(() => write({ 'a.md': 'a\n' }))).toMatch(another);
    expect(tree()).toEqual([TURN]);
  });
  test.each([
    ['of a process that is gone', '4194305\n', 0],
    ['of an earlier process with our own number, as in a container', `${process.pid}\n`, 0],
    ['of a quarter of an hour ago, whoever has the number now', `${process.ppid}\n`, 15 * 60],
    ['with nothing in it, and as old', '', 15 * 60],
  ])('a turn %s is over', async (_, text, age) => {
    put(TURN, text);
    const then = new Date(Date.now() - age * 1000);
    utimesSync(at(TURN), then, then);
    await write({ 'a.md': 'a\n' });
    expect(tree()).toEqual(['.dbt-envs.lock', 'a.md']);
  });
  test('whoever has nothing to write waits for nobody', async () => {
    await write({ 'a.md': 'a\n' });
    put(TURN, `${process.ppid}\n`);
    await write({ 'a.md': 'a\n' });
    expect(tree()).toEqual([TURN, '.dbt-envs.lock', 'a.md'].sort());
  });
  test.each<[string, Readonly<Record<string, string>>]>([
    ['that was there', { 'a.md': 'old\n' }],
    ['that was not', {}],
  ])('a file %s and that an editor saves in the last moment is not replaced', async (_, files) => {
    for (const [file, text] of Object.entries(files)) put(file, text);
    const said = await meddling(
      'renameSync',
      (calls) => {
        if (calls === 0) put('a.md', 'saved by somebody\n');
      },
      () => refusal(() => write({ '0.md': 'first\n', 'a.md': 'new\n' })),
    );
    expect(said).toBe('a.md changed while you decided; nothing was written. Run again.');
    expect([tree(), readFileSync(at('a.md'), 'utf8')]).toEqual([['a.md'], 'saved by somebody\n']);
  });
});

describe('a run that is stopped', () => {
  /** The script as one file of plain JavaScript: it is started many times. */
  let script = '';
  beforeAll(() => {
    script = path.join(mkdtempSync(path.join(tmpdir(), 'dbt-envs-script-')), 'interrupted-apply.mjs');
    const entry = path.join(import.meta.dirname, 'fixtures', 'interrupted-apply.ts');
    buildSync({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', outfile: script });
  });
  afterAll(() => rmSync(path.dirname(script), { recursive: true, force: true }));

  const child = (...given: readonly string[]): Promise<{ readonly out: string; readonly signal: string | undefined }> =>
    new Promise((resolve) => {
      execFile(process.execPath, [script, ...given], (error, out) => resolve({ out, signal: error?.signal ?? undefined }));
    });
  const prepared = (name: string): string => {
    const folder = at(name);
    mkdirSync(folder);
    for (const file of ['kept.sql', 'gone.sql']) writeFileSync(path.join(folder, file), 'old\n');
    writeFileSync(path.join(folder, '.dbt-envs.lock'), 'old record\n');
    return folder;
  };
  const WHOLE = ['.dbt-envs.lock', 'kept.sql', 'new/a.sql', 'new/b.sql'];

  /** Every path with its text, mode and inode's age: what was never touched is the same file. */
  const state = (folder: string) =>
    readdirSync(folder, { recursive: true })
      .map(String)
      .sort()
      .map((name) => [
        name,
        statSync(path.join(folder, name)).mode,
        statSync(path.join(folder, name)).isFile() && readFileSync(path.join(folder, name), 'utf8'),
      ]);

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'])('by %s, at whatever step, leaves everything as it was, and says so', async (signal) => {
    const moments = [
      ['writeFileSync', '0'],
      ['writeFileSync', '3'],
      ['linkSync', '0'],
      ['renameSync', '0'],
      ['renameSync', '2'],
      ['renameSync', '3'],
      ['renameSync', '4'],
    ] as const;
    const folders = moments.map((moment) => prepared(`${signal}-${moment.join('-')}`));
    const before = state(folders[0] ?? '');
    const outcomes = await Promise.all(moments.map(([name, call], which) => child(folders[which] ?? '', signal, name, call)));
    for (const outcome of outcomes) expect(outcome).toEqual({ out: 'Interrupted while writing. Every file is as it was before.\n', signal: undefined });
    for (const folder of folders) expect(state(folder)).toEqual(before);
  });

  test('by Ctrl-C without the engine ends at once, half-way: the tests above can fail', async () => {
    expect(await child(prepared('bare'), 'SIGINT', 'renameSync', '1', 'bare')).toEqual({ out: '', signal: 'SIGINT' });
    expect(tree(at('bare'))).not.toEqual(tree(prepared('untouched')));
  });

  test('by a kill has whole files only, old or new, and the next run finishes', async () => {
    const moments = [
      ['writeFileSync', '0'],
      ['writeFileSync', '2'],
      ['linkSync', '0'],
      ['renameSync', '0'],
      ['renameSync', '2'],
      ['renameSync', '3'],
      ['renameSync', '4'],
    ] as const;
    const names = moments.map((moment) => moment.join('-'));
    const outcomes = await Promise.all(moments.map(([name, call]) => child(prepared(`${name}-${call}`), 'SIGKILL', name, call)));
    expect(outcomes.map(({ signal }) => signal)).toEqual(names.map(() => 'SIGKILL'));
    let leftovers = 0;
    for (const name of names) {
      const files = tree(at(name));
      for (const file of files.filter((one) => one.endsWith('.sql'))) expect(readFileSync(at(name, file), 'utf8')).toMatch(/^(?:old|new \S+)\n$/);
      expect(readFileSync(at(name, '.dbt-envs.lock'), 'utf8')).toBe('old record\n');
      leftovers += files.filter((file) => /(?:^|\/)\.dbt-envs-\d+-\d+\.tmp$/.test(file)).length;
    }
    expect(leftovers).toBeGreaterThan(0);
    expect((await Promise.all(names.map((name) => child(at(name), 'SIGKILL', 'none', '0')))).map(({ out }) => out)).toEqual(names.map(() => 'done\n'));
    for (const name of names) expect(tree(at(name))).toEqual(WHOLE);
  });

  test('leaves a file alone that another run is still writing', async () => {
    put(`.dbt-envs-${process.ppid}-0.tmp`);
    put('.dbt-envs-yours.tmp');
    await write({ 'a.md': 'a\n' });
    expect(tree()).toEqual([`.dbt-envs-${process.ppid}-0.tmp`, '.dbt-envs-yours.tmp', '.dbt-envs.lock', 'a.md'].sort());
  });
});
