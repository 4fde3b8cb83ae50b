import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type GithubApi, startGithubApi } from './github-api.ts';
import { type GithubContext, onBranch, pullRequest } from './github-events.ts';
import { type JobOptions, runWorkflow, type WorkflowRun } from './github-runner.ts';
import { parseWorkflow, type Workflow } from './github-workflow.ts';
import type { PythonEnvironmentName } from './python.ts';
import { zip } from './zip.ts';

/** acme/dbt on GitHub: a git repository and its pull requests, the API over HTTP, and runners that start what an event starts. */
export interface Site {
  readonly api: GithubApi;
  /** Where people work: a clone with every branch. */
  readonly desk: string;
  /** Commits on a branch, from main where it is new, and pushes. Returns the commit. */
  push(branch: string, change: (folder: string) => void, message?: string): string;
  /** Opens a pull request, or takes note of what was pushed to it. */
  pull(number: number, branch: string): void;
  close(number: number): void;
  /** Merges and closes. */
  merge(number: number): void;
  /** The event of a pull request as it is now. */
  event(action: Parameters<typeof pullRequest>[0]['action'], number: number, more?: Partial<Parameters<typeof pullRequest>[0]>): GithubContext;
  /** What an event starts in the workflow for pull requests, run to its end. */
  onPull(github: GithubContext, more?: Partial<JobOptions>): Promise<WorkflowRun>;
  /** A deploy, whose run and artifacts are on GitHub afterwards. */
  deploy(
    event?: 'push' | 'schedule' | 'workflow_dispatch',
    inputs?: Readonly<Record<string, string | boolean>>,
    more?: Partial<JobOptions>,
    sha?: string,
  ): Promise<WorkflowRun>;
  /** A night, or a sweep that somebody starts by hand; its run is on GitHub afterwards. */
  sweep(event?: 'schedule' | 'workflow_dispatch', inputs?: Readonly<Record<string, string | boolean>>, more?: Partial<JobOptions>): Promise<WorkflowRun>;
  /** The commits of production's published states, the oldest first. */
  readonly published: readonly string[];
  stop(): Promise<void>;
}

export interface SiteOptions {
  readonly python: PythonEnvironmentName;
  readonly vars: Readonly<Record<string, string>>;
  /** By environment: a job gets those of the one that it names. */
  readonly secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly env?: Readonly<Record<string, string>>;
}

const SWEEP = { id: 8, path: '.github/workflows/dbt_sweep.yml' } as const;

/** Puts a repository there, with `folder` as the first commit of main. */
export async function startSite(folder: string, { python, vars, secrets, env = {} }: SiteOptions): Promise<Site> {
  const git = (cwd: string, ...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=Priya', '-c', 'user.email=priya@acme.example', ...args], {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  const api = await startGithubApi();
  git(folder, 'init', '-q', '-b', 'main');
  git(folder, 'add', '-A');
  git(folder, 'commit', '-qm', 'The first');
  const origin = path.join(mkdtempSync(path.join(tmpdir(), 'dbt-envs-origin-')), 'dbt.git');
  git(folder, 'clone', '-q', '--bare', folder, origin);
  const desk = mkdtempSync(path.join(tmpdir(), 'dbt-envs-desk-'));
  git(desk, 'clone', '-q', origin, '.');
  api.main.splice(0, api.main.length, git(desk, 'rev-parse', 'main'));
  api.workflows.push(SWEEP);
  const protect = (): void => void api.branches.set('main', { sha: api.main.at(-1) ?? '', protected: true, classic: false });
  api.rules.push({ type: 'pull_request' });
  protect();
  const branches = new Map<number, string>();
  const published: string[] = [];

  /** The commit that GitHub would check out: main's tip, or what merging a pull request into it would give. */
  const checkout =
    (github: GithubContext) =>
    (ref: string | undefined): string => {
      const workspace = mkdtempSync(path.join(tmpdir(), 'dbt-envs-workspace-'));
      git(workspace, 'clone', '-q', origin, '.');
      const asked = ref === undefined || ref === '' ? String(github.ref) : `refs/heads/${ref}`;
      const number = /^refs\/pull\/([0-9]+)\/merge$/.exec(asked)?.[1];
      if (number === undefined) git(workspace, 'checkout', '-q', asked.replace('refs/heads/', ''));
      else git(workspace, 'merge', '-q', '--no-ff', '-m', 'merge', `origin/${branches.get(Number(number))}`);
      return workspace;
    };
  const workflow = (name: string): Workflow => parseWorkflow(readFileSync(path.join(desk, '.github/workflows', `${name}.yml`), 'utf8'));
  const options = (github: GithubContext, environment: string, more: Partial<JobOptions>): JobOptions => ({
    cwd: checkout(github),
    github,
    vars,
    secrets: secrets[environment] ?? {},
    env: { GITHUB_API_URL: api.url, ...env },
    python,
    ...more,
  });

  return {
    api,
    desk,
    push: (branch, change, message = 'A change') => {
      git(desk, 'fetch', '-q');
      const known = git(desk, 'branch', '-r', '--list', `origin/${branch}`) !== '';
      git(desk, 'checkout', '-q', '-B', branch, known ? `origin/${branch}` : 'origin/main');
      change(desk);
      git(desk, 'add', '-A');
      git(desk, 'commit', '-qm', message);
      git(desk, 'push', '-q', '-f', 'origin', branch);
      const sha = git(desk, 'rev-parse', 'HEAD');
      if (branch === 'main') api.main.push(sha);
      if (branch === 'main') protect();
      return sha;
    },
    pull: (number, branch) => {
      branches.set(number, branch);
      api.pulls.set(number, { state: 'open', sha: git(desk, 'rev-parse', `origin/${branch}`) });
    },
    close: (number) => void api.pulls.set(number, { state: 'closed', sha: api.pulls.get(number)?.sha ?? '' }),
    merge: (number) => {
      git(desk, 'fetch', '-q');
      git(desk, 'checkout', '-q', '-B', 'main', 'origin/main');
      git(desk, 'merge', '-q', '--no-ff', '-m', `Merge #${number}`, `origin/${branches.get(number)}`);
      git(desk, 'push', '-q', 'origin', 'main');
      api.main.push(git(desk, 'rev-parse', 'HEAD'));
      protect();
      api.pulls.set(number, { state: 'closed', sha: api.pulls.get(number)?.sha ?? '' });
    },
    event: (action, number, more = {}) => pullRequest({ action, number, sha: api.pulls.get(number)?.sha ?? '', ...more }),
    onPull: (github, more = {}) => runWorkflow(workflow('dbt_pull_request'), options(github, 'ci', more)),
    published,
    deploy: async (event = 'push', inputs = {}, more = {}, sha = api.main.at(-1) ?? '') => {
      const artifacts = mkdtempSync(path.join(tmpdir(), 'dbt-envs-artifacts-'));
      const done = await runWorkflow(workflow('dbt_deploy'), { ...options(onBranch(event), 'prod', more), inputs, artifacts });
      const conclusion = done.results.deploy === 'success' ? 'success' : 'failure';
      const run = api.deployed({ sha, event, conclusion });
      for (const name of readdirSync(artifacts)) {
        if (name === 'dbt-prod-state') published.push(JSON.parse(readFileSync(path.join(artifacts, name, 'state.json'), 'utf8')).commit);
        const files = readdirSync(path.join(artifacts, name)).map((file) => ({ name: file, data: readFileSync(path.join(artifacts, name, file)) }));
        api.artifacts.push({ id: run.id * 10 + api.artifacts.length, run: run.id, name, zip: zip(files), expired: false, createdAt: run.createdAt });
      }
      return done;
    },
    sweep: async (event = 'schedule', inputs = {}, more = {}) => {
      const artifacts = mkdtempSync(path.join(tmpdir(), 'dbt-envs-artifacts-'));
      const nightly = workflow('dbt_sweep');
      const done = await runWorkflow(nightly, { ...options(onBranch(event), 'sweep', more), inputs, artifacts });
      const now = new Date().toISOString().replace(/\.\d+/, '');
      const jobs = Object.entries(done.results).map(([id, conclusion]) => ({ name: nightly.jobs[id]?.name ?? id, conclusion, completedAt: now }));
      const conclusion = Object.values(done.results).includes('failure') ? 'failure' : 'success';
      api.deployed({ workflow: SWEEP.id, path: SWEEP.path, event, conclusion, createdAt: now, jobs });
      return done;
    },
    stop: () => api.stop(),
  };
}
