import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { madeOnce } from './made-once.ts';

const MANIFESTS = ['package.json', 'package-lock.json'] as const;

/** A workspace of its own for what is big and only tests and the demo need: installed under .cache/ as its lockfile pins it. */
export interface EngineWorkspace {
  /** Where it is, or will be; it changes with the lockfile. */
  readonly folder: string;
  /** Installs it, once; several processes may ask at the same time. */
  readonly install: () => Promise<void>;
}

function workspace(name: string, pins: string): EngineWorkspace {
  const from = fileURLToPath(new URL(pins, import.meta.url));
  const lock = createHash('sha256')
    .update(readFileSync(path.join(from, 'package-lock.json')))
    .digest('hex');
  const folder = fileURLToPath(new URL(`../../.cache/${name}-${lock.slice(0, 12)}`, import.meta.url));
  const install = (): Promise<void> =>
    madeOnce(folder, async () => {
      mkdirSync(folder, { recursive: true });
      for (const manifest of MANIFESTS) copyFileSync(path.join(from, manifest), path.join(folder, manifest));
      await promisify(execFile)('npm', ['ci', '--no-audit', '--no-fund'], { cwd: folder, shell: process.platform === 'win32' });
    });
  return { folder, install };
}

/** PostgreSQL servers of the oldest and the newest major that we support, and `yo`. */
export const engines = workspace('engines', '../engines/');
/** PostgreSQL servers of the majors between: 118 MB that only test:full starts. */
export const postgresBetween = workspace('postgres-between', '../engines/postgres-between/');
/** DuckDB's library, which dbt 2 loads as its driver. */
export const driver = workspace('dbt2', '../engines/dbt2/');
/** The Nodes that the packed package is tried on: 877 MB that only test:full starts. */
export const nodes = workspace('nodes', '../engines/nodes/');
/** What drives the Chromium that Debian has. */
export const browserDriver = workspace('browser', '../engines/browser/');
/** The yeoman-environment after the one that yo 7 brings. */
export const environment7 = workspace('environment-7', '../engines/environment-7/');
/** Other scaffolders, which only `npm run bench` starts. */
export const rivals = workspace('bench', '../engines/bench/');
/** gitlab-ci-local, which runs GitLab's jobs on this machine. */
export const gitlabRunner = workspace('gitlab', '../engines/gitlab/');
