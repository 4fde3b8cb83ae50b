import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { helpText, yoManner } from '../../src/shell/help.ts';
import { version } from '../../src/shell/version.ts';
import { tree } from '../support/command-line.ts';
import { lookedFor, requireNoNetwork } from '../support/no-network.ts';
import { installed, type Packed, packed } from '../support/package.ts';
import { environment6, npx, otherBin, start, theBin, wholeTree, yo as yo7 } from '../support/ways-in.ts';
import { asNobody, folderOfNobody, putForNobody, yoBin, yoFolder } from '../support/yo.ts';

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
const bin = (words: readonly string[], cwd = folderOfNobody()): Run => run([path.join(prefix, 'node_modules', '.bin', 'dbt-envs'), ...words], cwd, {});
const yo = (words: readonly string[], cwd = folderOfNobody()): Run =>
  run([process.execPath, yoBin(engines), ...words], cwd, { NODE_PATH: path.join(prefix, 'node_modules') });

describe('the network', () => {
  test('is cut off from whatever these tests run', () => requireNoNetwork());
  test('is seen from outside of the cut, where it is not from inside', async () => {
    expect(await lookedFor(false)).toMatchObject({ reached: true, interfaces: expect.arrayContaining(['lo']) });
    expect(await lookedFor(true)).toEqual({ reached: false, interfaces: [] });
  });
});

/** Names of esbuild's chunks end in a hash of what is in them. */
const nameOf = (file: string): string => file.replace(/-[0-9A-Z]{8}\.js$/, '-*.js');

const vendorsIn = (kind: string): readonly string[] =>
  readdirSync(`templates/${kind}`, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

/** What belongs in the package; whoever adds a file says so here. */
const BELONGS = new Set([
  'LICENSE',
  'README.md',
  'THIRD_PARTY_NOTICES.txt',
  'package.json',
  'dist/ask.cjs',
  'dist/ask-plainly.cjs',
  'dist/chunk-*.js',
  'dist/cli.cjs',
  'dist/lines-prompt-*.js',
  'dist/start.cjs',
  ...['every', ...['warehouses', 'ci'].flatMap((kind) => vendorsIn(kind).map((vendor) => `${kind}-${vendor}`))].flatMap((group) => [
    `dist/templates/${group}.cjs`,
    `dist/templates/${group}.txt`,
  ]),
  ...readdirSync('generators').map((part) => `generators/${part}/index.js`),
  'vendor/yaml/index.cjs',
  'vendor/yeoman-generator/dist/index.js',
  'vendor/yeoman-generator/package.json',
]);
const strangers = (files: readonly string[]): readonly string[] => files.filter((file) => !BELONGS.has(nameOf(file)));

/** What no published text may hold: secrets, maps, tests, and the machine that it was packed on. */
const TRACES: readonly [string, RegExp | string][] = [
  ['the folder that it was packed in', process.cwd()],
  ['a map', /sourceMappingURL=/],
  ['a test', /from ?["']vitest["']|\bdescribe\.each\(/],
  ['a token of npm', /\bnpm_[A-Za-z0-9]{36}\b|_authToken ?=/],
  ['a token of GitHub', /\bgh[pousr]_[A-Za-z0-9]{36}\b|\bgithub_pat_/],
  ['a private key', /-----BEGIN [A-Z ]*PRIVATE KEY-----/],
  ['a key of AWS', /\bAKIA[0-9A-Z]{16}\b/],
];
const traces = (texts: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(texts).flatMap(([file, text]) =>
    TRACES.flatMap(([what, trace]) => ((typeof trace === 'string' ? text.includes(trace) : trace.test(text)) ? [`${file} holds ${what}`] : [])),
  );

describe('the tarball', () => {
  const unpacked = (): Readonly<Record<string, string>> => tree(path.join(prefix, 'node_modules/generator-dbt-envs'));

  test('holds what belongs in it, all of it, and nothing else', () => {
    expect(strangers(tarball.files)).toEqual([]);
    expect([...new Set(tarball.files.map(nameOf))].sort()).toEqual([...BELONGS].sort());
    expect(Object.keys(unpacked()).sort()).toEqual([...tarball.files].sort());
  });
  test.each(['dist/start.cjs.map', 'dist/start.cjs.LEGAL.txt', 'test/unit/names.test.js', 'src/names.ts', '.env', '.npmrc', 'generators/app/index.ts'])(
    'and %s would be noticed',
    (file) => expect(strangers([...tarball.files, file])).toEqual([file]),
  );
  test('says nothing of the machine that it was packed on, and holds neither secrets nor maps nor tests', () => expect(traces(unpacked())).toEqual([]));
  test.each([
    `throw new Error("at ${process.cwd()}/src/names.ts")`,
    `//# sourceMappingURL=start.cjs.map`,
    `import { test } from 'vitest'`,
    `const token = "npm_${'a1'.repeat(18)}"`,
    `//registry.example.com/:_authToken=secret`,
    `GH_TOKEN=ghp_${'a1'.repeat(18)}`,
    '-----BEGIN OPENSSH PRIVATE KEY-----',
    'AKIAIOSFODNN7EXAMPLE',
  ])('and %s would be noticed', (text) => expect(traces({ 'dist/start.cjs': text })).toHaveLength(1));
  test('brings no package with it', () => {
    const manifest: unknown = JSON.parse(readFileSync(path.join(prefix, 'node_modules/generator-dbt-envs/package.json'), 'utf8'));
    for (const kind of ['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies']) expect(manifest).not.toHaveProperty(kind);
    expect(Object.keys(JSON.parse(readFileSync(path.join(prefix, 'package-lock.json'), 'utf8')).packages)).toHaveLength(2);
    const { scripts } = JSON.parse(readFileSync(path.join(prefix, 'node_modules/generator-dbt-envs/package.json'), 'utf8'));
    expect(Object.keys(scripts).filter((name) => /^(?:pre|post)?install$|^prepare$/.test(name))).toEqual([]);
  });
  test('is less than 800 kB', () => {
    console.log(`The tarball has ${tarball.bytes} bytes.`);
    expect(tarball.bytes).toBeLessThan(800_000);
  });
  test('names the licence of whatever is bundled', () => {
    const notices = unpacked()['THIRD_PARTY_NOTICES.txt'];
    for (const name of ['yeoman-generator', 'inquirer', 'yaml', 'mem-fs-editor', 'ejs', 'esbuild'])
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+ \\(.+\\)$`, 'm'));
    expect(notices).toContain('Based on Underscore.js');
  });
});

describe.each([
  ['DuckDB', ['--yes', '--project-name', 'acme', '--warehouse', 'duckdb', '--team', 'ana, bo']],
  ['PostgreSQL', ANSWERS],
])('for %s, the same bytes come out through', (_, flags) => {
  let expected: Readonly<Record<string, string>>;
  beforeAll(() => {
    const { status, err, cwd } = start(theBin, process.execPath, { prefix, yo: engines }, flags);
    expect(status, err).toBe(0);
    expected = wholeTree(cwd);
    expect(Object.keys(expected).length).toBeGreaterThan(30);
  });
  test.each([otherBin, npx, yo7, environment6].map((way) => [way.name, way] as const))('%s', (_name, way) => {
    const { status, err, cwd } = start(way, process.execPath, { prefix, yo: engines }, flags);
    expect(status, err).toBe(0);
    expect(wholeTree(cwd)).toEqual(expected);
  });
  test('and another answer is seen in them', () => {
    const { cwd } = start(theBin, process.execPath, { prefix, yo: engines }, [...flags, '--main-branch', 'trunk']);
    expect(wholeTree(cwd)).not.toEqual(expected);
  });
});

describe('asked for nothing but its work, the bin', () => {
  /** Loaded before the program: writes down whoever opens a connection, asks for a name, or starts a process. */
  const WATCH = `
    const log = (what) => require('node:fs').appendFileSync(process.env.WATCHED, what + '\\n');
    for (const [module, names] of Object.entries({ net: ['connect', 'createConnection'], dns: ['lookup', 'resolve'], dgram: ['createSocket'], child_process: ['spawn', 'spawnSync', 'execFile', 'fork'], http: ['request', 'get'], https: ['request', 'get'], tls: ['connect'] })) {
      const real = require('node:' + module);
      for (const name of names) { const was = real[name]; real[name] = (...given) => { log(module + '.' + name); return was(...given); }; }
    }
    const { connect } = require('node:net').Socket.prototype;
    require('node:net').Socket.prototype.connect = function (...given) { log('socket.connect'); return connect.apply(this, given); };
    if (globalThis.fetch) globalThis.fetch = () => { log('fetch'); return Promise.reject(new Error('watched')); };`;

  function watched(words: readonly string[]): { readonly status: number | null; readonly seen: string } {
    const cwd = folderOfNobody();
    const hook = path.join(cwd, 'watch.cjs');
    const log = path.join(cwd, 'log');
    putForNobody(cwd, 'watch.cjs', WATCH);
    putForNobody(cwd, 'log', '');
    const { status } = asNobody([process.execPath, '--require', hook, ...words], { cwd: folderOfNobody(), home: cwd, env: { WATCHED: log } });
    return { status, seen: readFileSync(log, 'utf8') };
  }
  const cli = (): string => path.join(prefix, 'node_modules/generator-dbt-envs/dist/cli.cjs');

  test.each<[readonly string[], number]>([
    [ANSWERS, 0],
    [['--help'], 0],
    [['--version'], 0],
    [['--warehous', 'x'], 2],
  ])('%j: opens no connection, asks for no name, starts no program', (words, status) => {
    expect(watched([cli(), ...words])).toEqual({ status, seen: '' });
  });
  test.each([
    [`fetch('http://127.0.0.1:9').catch(() => {})`, 'fetch'],
    [`require('node:https').get('https://127.0.0.1:9').on('error', () => {})`, 'https.get'],
    [`require('node:net').connect(9, '127.0.0.1').on('error', () => {})`, 'net.connect'],
    [`require('node:dns').lookup('localhost', () => {})`, 'dns.lookup'],
    [`require('node:child_process').spawnSync('true')`, 'child_process.spawnSync'],
  ])('and %s would be noticed', (script, call) => expect(watched(['-e', script]).seen).toContain(call));
});

describe('installed elsewhere, as an ordinary user', () => {
  test('the bin writes a repository, and nothing at home', () => {
    const ran = bin(ANSWERS);
    expect(ran).toMatchObject({ status: 0, out: '' });
    expect(tree(ran.home)).toEqual({});
  });

  test.each([
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

  test('yo prints our version, and writes nothing', () => {
    const { status, out, cwd } = yo(['dbt-envs', ...ANSWERS, '--version']);
    expect({ status, out }).toEqual({ status: 0, out: `${version}\n` });
    expect(tree(cwd)).toEqual({});
  });

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
