import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { tree } from '../support/command-line.ts';
import { installed } from '../support/package.ts';
import { commandOfNobody, folderOfNobody, putForNobody, yoBin, yoFolder } from '../support/yo.ts';

let prefix: string;
let engines: string;
beforeAll(async () => {
  [prefix, engines] = [await installed(), await yoFolder()];
});

const SHELLS = ['the bin', 'yo'] as const;
type Shell = (typeof SHELLS)[number];

/** The command line of one part, and what the environment must have for it. */
function commandOf(shell: Shell, part: string, modules = path.join(prefix, 'node_modules')) {
  const bin = path.join(modules, 'generator-dbt-envs', 'dist', 'cli.cjs');
  return shell === 'the bin'
    ? { command: [process.execPath, bin, ...(part === 'app' ? [] : [part])], env: {} }
    : { command: [process.execPath, yoBin(engines), `dbt-envs${part === 'app' ? '' : `:${part}`}`], env: { NODE_PATH: modules } };
}

interface Started {
  readonly part?: string;
  readonly cwd?: string;
  readonly home?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A script of bash in which `"$@"` is the command. */
  readonly within?: string;
  /** Where the package is installed. */
  readonly modules?: string;
}
interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
  readonly cwd: string;
}

function prepared(shell: Shell, words: readonly string[], started: Started) {
  const { part = 'app', cwd = folderOfNobody(), home = folderOfNobody(), within, modules } = started;
  const { command, env } = commandOf(shell, part, modules);
  const whole = [...(within === undefined ? [] : ['bash', '-c', within, 'bash']), ...command, ...words];
  const ready = commandOfNobody(whole, { cwd, home, env: { ...env, ...started.env } });
  return { cwd, first: ready.command[0] ?? '', rest: ready.command.slice(1), environment: ready.environment };
}

/** Runs one part as an ordinary user with /dev/null for a terminal. */
function run(shell: Shell, words: readonly string[], started: Started = {}): Ended {
  const { cwd, first, rest, environment } = prepared(shell, words, started);
  const { status, stdout, stderr }: SpawnSyncReturns<string> = spawnSync(first, rest, {
    cwd,
    env: environment,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  return { status, out: stdout, err: stderr, cwd };
}

const ANSWERS = ['--yes', '--project-name', 'acme', '--warehouse', 'postgres', '--team', 'ana, bo'] as const;
const ESCAPE = '\u001b[';

/** One row of the matrix in the facts that this project is measured by; both shells have to keep it. */
interface Row extends Started {
  readonly what: string;
  readonly words: readonly string[];
  readonly status: number;
  /** What the person reads. */
  readonly says?: RegExp;
  /** Where yo itself answers, before our generator is asked. */
  readonly yo?: { readonly status: number; readonly says: RegExp };
  /** What is in the folder before. */
  readonly there?: Readonly<Record<string, string>>;
  readonly leaves: 'nothing new' | 'everything written';
  readonly coloured?: boolean;
}

const ALL_OPEN = /no terminal to ask at, and no answer for --project-name, --warehouse, --team, --prod-schemas, --source-schemas, --ci\./;
const MATRIX: readonly Row[] = [
  { what: 'an unknown flag', words: ['--warehous', 'x'], status: 2, says: /There is no flag --warehous\. Did you mean --warehouse\?/, leaves: 'nothing new' },
  { what: 'a misspelt value', words: ['--yes', '--team', 'ana', '--warehouse', 'postgre'], status: 2, says: /Did you mean postgres\?/, leaves: 'nothing new' },
  {
    what: 'a misspelt part',
    part: 'profile',
    words: [...ANSWERS],
    status: 2,
    says: /There is no part "profile"\. Did you mean profiles\?/,
    // yo looks for a generator of that name and finds none.
    yo: { status: 1, says: /You don't seem to have a generator with the name/ },
    leaves: 'nothing new',
  },
  { what: 'a misspelt path to explain', part: 'explain', words: ['profile.yml'], status: 2, says: /Nothing is installed in /, leaves: 'nothing new' },
  { what: 'no terminal: /dev/null', words: [], status: 2, says: ALL_OPEN, leaves: 'nothing new' },
  { what: 'no terminal: standard input closed', words: [], within: '"$@" <&-', status: 2, says: ALL_OPEN, leaves: 'nothing new' },
  { what: 'no terminal: a pipe with answers in it', words: [], within: 'yes "" | "$@"', status: 2, says: ALL_OPEN, leaves: 'nothing new' },
  { what: 'no terminal, the defaults, and no team', words: ['--yes'], status: 2, says: /--yes invents no answer for --team/, leaves: 'nothing new' },
  { what: 'CI=true and all that is needed', words: [...ANSWERS], env: { CI: 'true' }, status: 0, leaves: 'everything written' },
  {
    what: 'a folder with files of yours',
    words: [...ANSWERS],
    there: { 'notes.md': 'mine\n', 'models/mine.sql': 'select 1\n' },
    status: 0,
    leaves: 'everything written',
  },
  {
    what: 'a folder with a file in the way',
    words: [...ANSWERS],
    there: { 'macros/dbt_envs/answers.sql': 'mine\n' },
    status: 1,
    says: /This file is yours and differs from ours: macros\/dbt_envs\/answers\.sql\. Nothing was written\. --keep keeps yours, --force takes ours, --dry-run shows/,
    leaves: 'nothing new',
  },
  { what: 'a dry run', words: [...ANSWERS, '--dry-run'], status: 0, says: /Dry run: nothing was written\./, leaves: 'nothing new' },
  { what: 'a pipe: no colours', words: [...ANSWERS], status: 0, leaves: 'everything written', coloured: false },
  { what: 'FORCE_COLOR', words: [...ANSWERS], env: { FORCE_COLOR: '1' }, status: 0, leaves: 'everything written', coloured: true },
  { what: 'FORCE_COLOR=0', words: [...ANSWERS], env: { FORCE_COLOR: '0' }, status: 0, leaves: 'everything written', coloured: false },
  { what: 'NO_COLOR', words: [...ANSWERS], env: { NO_COLOR: '1' }, status: 0, leaves: 'everything written', coloured: false },
  { what: '--no-color', words: [...ANSWERS, '--no-color'], status: 0, leaves: 'everything written', coloured: false },
  { what: 'TERM=dumb', words: [...ANSWERS], env: { TERM: 'dumb' }, status: 0, leaves: 'everything written', coloured: false },
  { what: 'no HOME', words: [...ANSWERS], within: 'unset HOME USERPROFILE; "$@"', status: 0, leaves: 'everything written' },
  {
    what: 'a limit on the size of files',
    words: [...ANSWERS],
    within: 'ulimit -f 8; "$@"',
    status: 1,
    says: /Cannot write \S+: the file is larger than this process may write \(EFBIG\)\. Raise the limit \(ulimit -f\) and run again\. Nothing was written\./,
    leaves: 'nothing new',
  },
  { what: 'standard output closed', words: [...ANSWERS, '--json'], within: '"$@" >&-', status: 0, leaves: 'everything written' },
  { what: 'standard error closed', words: [...ANSWERS], within: '"$@" 2>&-', status: 0, leaves: 'everything written' },
  {
    what: 'data into a pipe that nobody reads',
    words: [...ANSWERS, '--json'],
    within: 'set -o pipefail; "$@" | true',
    status: 0,
    leaves: 'everything written',
  },
  {
    what: 'the report into a pipe that nobody reads',
    words: [...ANSWERS],
    within: 'set -o pipefail; "$@" 2>&1 | true',
    status: 0,
    leaves: 'everything written',
  },
  { what: 'help into a pipe that nobody reads', words: ['--help'], within: 'set -o pipefail; "$@" | true', status: 0, leaves: 'nothing new' },
  { what: 'help | head -1', words: ['--help'], within: 'set -o pipefail; "$@" | head -1', status: 0, leaves: 'nothing new' },
];

describe.each(MATRIX)('$what', (row) => {
  const { words, there = {}, leaves, coloured } = row;
  test.each(SHELLS)('%s', (shell) => {
    const { status, says } = (shell === 'yo' ? row.yo : undefined) ?? row;
    const cwd = folderOfNobody();
    for (const [name, text] of Object.entries(there)) putForNobody(cwd, name, text);
    const ran = run(shell, words, { ...row, cwd });
    expect(ran.status, ran.err).toBe(status);
    if (says !== undefined) expect(ran.err.replaceAll(/\s+/g, ' ')).toMatch(says);
    expect(ran.err).not.toMatch(/^ {4}at /m);
    if (leaves === 'nothing new') expect(tree(cwd)).toEqual(there);
    else expect(tree(cwd)).toMatchObject({ ...there, 'profiles.yml': expect.any(String), '.dbt-envs.lock': expect.any(String) });
    if (coloured !== undefined) expect((ran.err + ran.out).includes(ESCAPE)).toBe(coloured);
  });
});

test.each(SHELLS)('a pipe that stays open is not waited for: %s', async (shell) => {
  const { cwd, first, rest, environment } = prepared(shell, [], {});
  const child = spawn(first, rest, { cwd, env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
  let err = '';
  child.stderr.on('data', (text) => {
    err += String(text);
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  child.stdin.destroy();
  expect({ status, err }).toEqual({ status: 2, err: expect.stringMatching(ALL_OPEN) });
});

describe.each(SHELLS)('%s keeps data and report apart', (shell) => {
  test.each<[string, readonly string[]]>([
    ['of a run', []],
    ['of a dry run', ['--dry-run']],
  ])('%s: one object on standard output, everything else on standard error', (_, more) => {
    const { status, out, err } = run(shell, [...ANSWERS, '--json', ...more]);
    expect(status, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ created: expect.arrayContaining(['profiles.yml']), nextSteps: expect.any(Array) });
    expect(err).toMatch(/Project /);
    expect(err).not.toContain('"created"');
  });

  test('without --json nothing is on standard output', () => expect(run(shell, ANSWERS).out).toBe(''));

  test('an explanation is data', () => {
    const { cwd } = run(shell, ANSWERS, { part: 'profiles' });
    const text = run(shell, ['profiles.yml'], { part: 'explain', cwd });
    expect({ status: text.status, out: text.out }).toEqual({ status: 0, out: expect.stringMatching(/^profiles\.yml\n {2}why /) });
    const json = run(shell, ['profiles.yml', '--json'], { part: 'explain', cwd });
    expect(JSON.parse(json.out)).toMatchObject({ path: 'profiles.yml', part: 'profiles', owner: 'ours', state: 'as planned' });
    expect(run(shell, ['profile.yml'], { part: 'explain', cwd })).toMatchObject({
      status: 2,
      out: '',
      err: expect.stringMatching(/Did you mean profiles\.yml\?/),
    });
  });
});

test('the summary comes before the first byte, in both shells alike', () => {
  const summary = (shell: Shell): string => {
    const { err, cwd } = run(shell, ANSWERS);
    return (/^Project[\s\S]*?(?=^\+ created)/m.exec(err)?.[0] ?? 'none').replace(cwd, 'FOLDER');
  };
  expect(summary('the bin')).toMatch(
    /^Project FOLDER\nFor {5}acme, PostgreSQL, GitHub Actions, 2 developers\nFiles {3}\d+ to create\n[\s\S]*\+ create {5}[\s\S]*macros\/ \(\d+\)/,
  );
  expect(summary('yo')).toBe(summary('the bin'));
});

describe.each(SHELLS)('%s is interrupted while it writes', (shell) => {
  /** Sends the process a signal at a certain step of the writing: what a person's Ctrl-C or a runner's cancel may hit. */
  const atStep = (folder: string, signal: string, name: 'renameSync' | 'writeFileSync', call: number): string => {
    const text = `import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module';
const original = fs.${name}; let calls = 0;
fs.${name} = (...given) => {
  if (String(given[0]).includes('.dbt-envs-') && calls++ === ${call}) process.kill(process.pid, '${signal}');
  return original(...given);
};
syncBuiltinESMExports();`;
    putForNobody(folder, 'hook.mjs', text);
    return `--import=${path.join(folder, 'hook.mjs')}`;
  };
  const moments = [
    ['SIGINT', 'writeFileSync', 0],
    ['SIGINT', 'renameSync', 0],
    ['SIGINT', 'renameSync', 12],
    ['SIGTERM', 'renameSync', 3],
    ['SIGHUP', 'writeFileSync', 5],
  ] as const;

  test.each(moments)('by %s, at %s %i: 130, the line that says so, and an empty folder', (...moment) => {
    const ran = run(shell, ANSWERS, { env: { NODE_OPTIONS: atStep(folderOfNobody(), ...moment) } });
    expect(ran.status, ran.err).toBe(130);
    expect(ran.err).toMatch(/^(?:dbt-envs: )?Interrupted while writing\. Every file is as it was before\.$/m);
    expect(ran.err).not.toMatch(/^ {4}at /m);
    expect(tree(ran.cwd)).toEqual({});
  });

  test('in a repository that is there: every file is as it was, and the next run finds what it would have found', () => {
    const { cwd } = run(shell, ANSWERS, { part: 'profiles' });
    const before = tree(cwd);
    const change = ['--yes', '--prod-schemas', 'gold, silver'];
    const ran = run(shell, change, { cwd, env: { NODE_OPTIONS: atStep(folderOfNobody(), 'SIGINT', 'renameSync', 10) } });
    expect(ran.status, ran.err).toBe(130);
    expect(tree(cwd)).toEqual(before);
    expect(run(shell, change, { cwd }).status).toBe(0);
    expect(tree(cwd)['macros/dbt_envs/answers.sql']).toContain('gold');
  });

  test('by a step that never comes: it is written to the end, so the signal above was the cause', () => {
    const ran = run(shell, ANSWERS, { env: { NODE_OPTIONS: atStep(folderOfNobody(), 'SIGINT', 'renameSync', 10_000) } });
    expect(ran.status, ran.err).toBe(0);
    expect(tree(ran.cwd)).toHaveProperty(['.dbt-envs.lock']);
  });
});

describe.each(SHELLS)('%s, in a folder that', (shell) => {
  test('is read-only', () => {
    const cwd = folderOfNobody();
    chmodSync(cwd, 0o555);
    const ran = run(shell, ANSWERS, { cwd });
    expect(ran.status, ran.err).toBe(1);
    expect(ran.err).toMatch(
      /Cannot write \.yo-rc\.json: permission denied \(EACCES\)\. Give yourself the right to it, or choose another folder\. Nothing was written\./,
    );
    expect(tree(cwd)).toEqual({});
  });

  test('is called as folders in C:\\Program Files (x86) are, and the package in another such', () => {
    const odd = path.join(folderOfNobody(), "g [1] (x86) ü & 'q'");
    cpSync(path.join(prefix, 'node_modules', 'generator-dbt-envs'), path.join(odd, 'node_modules', 'generator-dbt-envs'), { recursive: true });
    const cwd = path.join(odd, 'my [dbt] (project)');
    putForNobody(path.dirname(odd), path.relative(path.dirname(odd), path.join(cwd, 'notes.md')), 'mine\n');
    spawnSync('chmod', ['-R', 'a+rX', path.join(odd, 'node_modules')]);
    const ran = run(shell, ANSWERS, { cwd, modules: path.join(odd, 'node_modules') });
    expect(ran.status, ran.err).toBe(0);
    expect(tree(cwd)).toEqual({ ...tree(run(shell, ANSWERS).cwd), 'notes.md': 'mine\n' });
  });
});

/** How this machine lets us be root: it is, or sudo asks for no password. */
function asRoot(): readonly string[] {
  if (process.getuid?.() === 0) return [];
  if (spawnSync('sudo', ['-n', 'true']).status === 0) return ['sudo', '-n'];
  throw new Error('This test needs root: run it as root in a container, or let sudo run without a password.');
}
const ORDINARY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--'] as const;

function runAsRoot(words: readonly string[], cwd: string): SpawnSyncReturns<string> {
  const [first = '', ...rest] = [...asRoot(), ...words];
  return spawnSync(first, rest, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
}
const bare = (env: Readonly<Record<string, string>>): readonly string[] => [
  'env',
  '-i',
  `PATH=${process.env.PATH}`,
  'NO_UPDATE_NOTIFIER=1',
  ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
];

describe('root in a container', () => {
  const rootsFolder = (): string => {
    const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-root-'));
    chmodSync(folder, 0o755);
    runAsRoot(['chown', '0:0', folder], tmpdir());
    return folder;
  };

  test('the bin writes, and what it writes is readable by everybody', () => {
    const cwd = rootsFolder();
    const { command, env } = commandOf('the bin', 'app');
    const ran = runAsRoot([...bare(env), ...command, ...ANSWERS], cwd);
    expect(ran.status, ran.stderr).toBe(0);
    expect(tree(cwd)).toEqual(tree(run('the bin', ANSWERS).cwd));
  });

  test('yo gives the rights of root away: one line says what to run instead, and nothing is written', () => {
    const cwd = rootsFolder();
    const { command, env } = commandOf('yo', 'app');
    const ran = runAsRoot([...bare({ ...env, HOME: cwd }), ...command, ...ANSWERS], cwd);
    expect(ran.status, ran.stderr).toBe(1);
    expect(ran.stderr).toMatch(
      /permission denied \(EACCES\).*Nothing was written\. yo gives the rights of root away; as root, run npx generator-dbt-envs instead\./,
    );
    expect(ran.stderr).not.toMatch(/^ {4}at /m);
    expect(tree(cwd)).toEqual({});
  });
});

test.each(SHELLS)('a full disk: one line, and nothing is written: %s', (shell) => {
  const report = mkdtempSync(path.join(tmpdir(), 'dbt-envs-disk-'));
  const disk = path.join(report, 'disk');
  mkdirSync(disk);
  chmodSync(report, 0o777);
  const home = folderOfNobody();
  const { command, env } = commandOf(shell, 'app');
  const script = `mount -t tmpfs -o size=64k,mode=777 none "${disk}" && cd "${disk}" || exit 99
"$@"; status=$?
ls -A > "${report}/left"
exit $status`;
  const ran = runAsRoot(['unshare', '-m', '--', 'bash', '-c', script, 'bash', ...ORDINARY, ...bare({ ...env, HOME: home }), ...command, ...ANSWERS], report);
  expect(ran.status, ran.stderr).toBe(1);
  expect(ran.stderr).toMatch(/Cannot write \S+: no space is left on the device \(ENOSPC\)\. Free some space and run again\. Nothing was written\./);
  expect(readFileSync(path.join(report, 'left'), 'utf8')).toBe('');
});

test('a trace in the report is seen by the tests above', () => {
  const folder = folderOfNobody();
  const hook = path.join(folder, 'hook.mjs');
  writeFileSync(
    hook,
    "import fs from 'node:fs'; import { syncBuiltinESMExports } from 'node:module'; fs.renameSync = () => { throw new TypeError('planted'); }; syncBuiltinESMExports();",
  );
  const { err } = run('the bin', ANSWERS, { env: { NODE_OPTIONS: `--import=${hook}` } });
  expect(err).toMatch(/^ {4}at /m);
});
