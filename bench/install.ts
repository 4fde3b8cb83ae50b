import { execFile, execFileSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { packed } from '../test/support/package.ts';
import { localRegistry } from './registry.ts';
import { median } from './run.ts';

/** What somebody waits for who has nothing yet: `npx` with an empty cache, then the first result. */
export interface Installed {
  readonly what: string;
  readonly command: string;
  readonly packages: number;
  readonly megabytes: number;
  readonly seconds: number;
}

interface Rival {
  readonly what: string;
  readonly words: readonly string[];
}

/** Each once a round, an empty cache every time; the first round fills the registry on this machine and does not count. */
export async function installs(versions: Readonly<Record<'create-vite' | 'projen' | 'yo', string>>, rounds: number): Promise<readonly Installed[]> {
  const { tarball } = await packed();
  const manifest: unknown = JSON.parse(readFileSync('package.json', 'utf8'));
  if (!isManifest(manifest)) throw new Error('package.json has no name and version');
  const behind = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  const registry = await localRegistry(behind, manifest, tarball);
  const rivals: readonly Rival[] = [
    { what: 'generator-dbt-envs, everything', words: [manifest.name, '--yes', '--project-name', 'acme', '--warehouse', 'postgres', '--team', 'ana, bo'] },
    { what: 'create-vite', words: [`create-vite@${versions['create-vite']}`, 'acme', '--template', 'react-ts', '--no-interactive'] },
    { what: 'projen', words: [`projen@${versions.projen}`, 'new', 'node', '--no-git', '--no-post'] },
    { what: 'yo alone', words: [`yo@${versions.yo}`, '--version'] },
  ];
  try {
    const runs: Installed[] = [];
    for (let round = -1; round < rounds; round++) {
      for (const rival of rivals) {
        const run = await fromNothing(rival, registry.url);
        if (round >= 0) runs.push(run);
      }
    }
    return rivals.flatMap(({ what }) => {
      const own = runs.filter((run) => run.what === what);
      const [first] = own;
      return first === undefined ? [] : [{ ...first, seconds: median(own.map(({ seconds }) => seconds)) }];
    });
  } finally {
    registry.close();
  }
}

async function fromNothing({ what, words }: Rival, registry: string): Promise<Installed> {
  const home = mkdtempSync(path.join(tmpdir(), 'dbt-envs-npx-'));
  const cwd = mkdtempSync(path.join(tmpdir(), 'dbt-envs-npx-'));
  const cache = path.join(home, 'cache');
  const start = process.hrtime.bigint();
  await promisify(execFile)('npx', ['--yes', ...words], {
    cwd,
    shell: process.platform === 'win32',
    env: {
      PATH: process.env.PATH ?? '',
      HOME: home,
      USERPROFILE: home,
      npm_config_cache: cache,
      npm_config_registry: registry,
      npm_config_audit: 'false',
      npm_config_fund: 'false',
      npm_config_update_notifier: 'false',
      NO_UPDATE_NOTIFIER: '1',
    },
  });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const installed = path.join(cache, '_npx');
  const counted = { packages: packagesIn(installed), megabytes: bytesIn(installed) / 1e6 };
  for (const folder of [home, cwd]) rmSync(folder, { recursive: true, force: true });
  return { what, command: `npx ${words.map((word) => (word.includes(' ') ? `"${word}"` : word)).join(' ')}`, ...counted, seconds };
}

/** By what npm wrote down of its own work. */
function packagesIn(folder: string): number {
  const locks = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(`node_modules${path.sep}.package-lock.json`));
  const listed = locks.map((name): unknown => JSON.parse(readFileSync(path.join(folder, name), 'utf8')));
  return listed.reduce<number>((sum, lock) => sum + (isLock(lock) ? Object.keys(lock.packages).length : 0), 0);
}

const bytesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce((sum, name) => {
    const found = lstatSync(path.join(folder, name));
    return found.isFile() ? sum + found.size : sum;
  }, 0);

const isManifest = (read: unknown): read is { readonly name: string; readonly version: string } =>
  typeof read === 'object' && read !== null && 'name' in read && typeof read.name === 'string' && 'version' in read && typeof read.version === 'string';

const isLock = (read: unknown): read is { readonly packages: object } =>
  typeof read === 'object' && read !== null && 'packages' in read && typeof read.packages === 'object' && read.packages !== null;
