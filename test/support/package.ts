import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const cache = path.join(root, '.cache', 'package');
const lock = path.join(cache, 'packing');

/** The packed package, as `npm publish` would send it. */
export interface Packed {
  readonly tarball: string;
  /** Paths in the tarball. */
  readonly files: readonly string[];
  readonly bytes: number;
  /** As the registry shows it under dist.integrity: `sha512-` and base64. */
  readonly integrity: string;
}

/** `npm pack`, with the build that it runs; once for one state of the sources, whoever asks first. */
export async function packed(): Promise<Packed> {
  const folder = path.join(cache, sourcesHash());
  const done = path.join(folder, 'packed.json');
  mkdirSync(cache, { recursive: true });
  while (!existsSync(done)) {
    if (!take(lock)) {
      await sleep(250);
      continue;
    }
    try {
      if (!existsSync(done)) pack(folder, done);
    } finally {
      rmSync(lock, { recursive: true, force: true });
    }
  }
  return parsePacked(readFileSync(done, 'utf8'), folder);
}

/** What `packed()` gave to the tests of these very sources; nothing is packed here. Throws where none did. */
export function packedForTests(): Packed {
  const folder = path.join(cache, sourcesHash());
  const done = path.join(folder, 'packed.json');
  if (!existsSync(done)) throw new Error('No test has packed these sources. Run npm run test:integration first.');
  return parsePacked(readFileSync(done, 'utf8'), folder);
}

/** What the tarball is called in a folder of `installed()`. */
export const TARBALL = 'package.tgz';

/** Installs the tarball, and nothing else, into a new folder outside the checkout that everybody may read; returns that folder. */
export async function installed(): Promise<string> {
  const { tarball } = await packed();
  const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-installed-'));
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  const copy = path.join(folder, TARBALL);
  copyFileSync(tarball, copy);
  execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', copy], { cwd: folder, stdio: 'pipe', shell: process.platform === 'win32' });
  execFileSync('chmod', ['-R', 'a+rX', folder]);
  return folder;
}

function pack(folder: string, done: string): void {
  const into = mkdtempSync(path.join(cache, 'packing-'));
  const said = execFileSync('npm', ['pack', '--json', '--pack-destination', into], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1e8,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  rmSync(folder, { recursive: true, force: true });
  renameSync(into, folder);
  writeFileSync(done, said.slice(said.search(/^[[{]/m)));
}

function parsePacked(text: string, folder: string): Packed {
  const said: unknown = JSON.parse(text);
  const [first] = Array.isArray(said) ? said : Object.values(said ?? {});
  const { filename, files } = first;
  const tarball = path.join(folder, String(filename));
  const content = readFileSync(tarball);
  return { tarball, files: files.map((file: { path: string }) => file.path), bytes: content.length, integrity: integrityOf(content) };
}

export const integrityOf = (content: Buffer): string => `sha512-${createHash('sha512').update(content).digest('base64')}`;

/** What the package is made from, beside node_modules. */
export const packageSources = [
  'build.mjs',
  'tsconfig.json',
  'package.json',
  'package-lock.json',
  'README.md',
  'LICENSE',
  'tools',
  'src',
  'templates',
  'generators',
] as const;

function sourcesHash(): string {
  const hash = createHash('sha256');
  for (const name of packageSources) addTo(hash, path.join(root, name));
  return hash.digest('hex').slice(0, 16);
}

function addTo(hash: ReturnType<typeof createHash>, file: string): void {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isDirectory()) {
    for (const name of readdirSync(file).sort()) addTo(hash, path.join(file, name));
  } else if (found !== undefined && !/generators[\\/][a-z]+[\\/]index\.js$/.test(file)) {
    hash.update(path.relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  }
}

/** One packs at a time; one that died ten minutes ago counts no more. */
function take(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch {
    const since = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (since > 0 && Date.now() - since > 600_000) rmSync(folder, { recursive: true, force: true });
    return false;
  }
}
