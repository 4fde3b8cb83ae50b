import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
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

/** Installs the tarball, and nothing else, into a new folder outside the checkout; returns that folder. */
export async function installed(): Promise<string> {
  const { tarball } = await packed();
  const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-installed-'));
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], { cwd: folder, stdio: 'pipe', shell: process.platform === 'win32' });
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
  const { filename, files, size } = first;
  return { tarball: path.join(folder, String(filename)), files: files.map((file: { path: string }) => file.path), bytes: Number(size) };
}

function sourcesHash(): string {
  const hash = createHash('sha256');
  for (const name of ['build.mjs', 'package.json', 'package-lock.json', 'README.md', 'LICENSE', 'tools', 'src', 'templates', 'generators'])
    addTo(hash, path.join(root, name));
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
