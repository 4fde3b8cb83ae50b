import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { startGithubApi } from '../test/support/github-api.ts';
import { zip } from '../test/support/zip.ts';
import { clean } from './stage.ts';

/** A stand-in for GitHub: its API over HTTP on this machine, beside a git repository. */
export interface CodeHost {
  /** What a job's scripts read to find it. */
  readonly environment: Readonly<Record<string, string>>;
  /** A branch with one change, checked out as CI would; its commit. */
  branch(name: string, file: string, change: (text: string) => string): string;
  checkout(name: string): void;
  /** Opens a pull request from a branch, or of whatever anybody else has built. */
  open(number: number, branch?: string): void;
  /** Closes it, so many days ago. */
  close(number: number, daysAgo?: number): void;
  /** Merges a branch into main, checks that out, and closes the pull request. */
  merge(number: number, branch: string): void;
  /** Publishes what the deploy left in a folder, as its run would. */
  publish(folder: string): void;
  stop(): Promise<void>;
}

export async function openCodeHost(folder: string): Promise<CodeHost> {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=Priya', '-c', 'user.email=priya@acme.example', '-c', 'commit.gpgsign=false', ...args], {
      cwd: folder,
      env: clean(),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  git('init', '-q', '-b', 'main');
  git('add', '-A');
  git('commit', '-qm', 'The first');
  const api = await startGithubApi();
  api.main.splice(0, api.main.length, git('rev-parse', 'HEAD'));
  const close = (number: number, daysAgo = 0): void => {
    const closedAt = new Date(Date.now() - daysAgo * 86_400_000).toISOString().replace(/\.\d+Z$/, 'Z');
    api.pulls.set(number, { ...api.pulls.get(number), state: 'closed', closedAt });
  };
  return {
    environment: { GITHUB_API_URL: api.url, GITHUB_REPOSITORY: 'acme/dbt', GITHUB_TOKEN: 'a-token-of-the-job' },
    branch: (name, file, change) => {
      git('checkout', '-q', '-b', name, 'main');
      const place = path.join(folder, file);
      const before = readFileSync(place, 'utf8');
      writeFileSync(place, change(before));
      git('commit', '-qam', name);
      return git('rev-parse', 'HEAD');
    },
    checkout: (name) => void git('checkout', '-q', name),
    open: (number, branch) => void api.pulls.set(number, { state: 'open', ...(branch !== undefined && { sha: git('rev-parse', branch) }) }),
    close,
    merge: (number, branch) => {
      git('checkout', '-q', 'main');
      git('merge', '-q', '--no-ff', '-m', `Merge #${number}`, branch);
      api.main.push(git('rev-parse', 'HEAD'));
      close(number);
    },
    publish: (left) => {
      const files = readdirSync(left).map((name) => ({ name, data: readFileSync(path.join(left, name)) }));
      api.deployed({}, zip(files));
    },
    stop: () => api.stop(),
  };
}
