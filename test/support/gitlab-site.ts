import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { type GitlabApi, startGitlabApi } from './gitlab-api.ts';
import { type GitlabRun, jobsFor, runPipeline } from './gitlab-ci.ts';
import type { PythonEnvironmentName } from './python.ts';

/** acme/data/dbt on GitLab: a git repository, its merge requests, the API over HTTP, and the pipelines that an event starts. */
export interface GitlabSite {
  readonly api: GitlabApi;
  /** Where people work: a clone with every branch. */
  readonly desk: string;
  /** Commits on a branch, from main where it is new, and pushes. Returns the commit. */
  push(branch: string, change: (folder: string) => void): string;
  /** Opens a merge request, or takes note of what was pushed to it. */
  open(iid: number, branch: string): void;
  close(iid: number): void;
  merge(iid: number): void;
  /** The commit that main was at before its newest. */
  before(): string;
  /** The variables that GitLab gives to a merge request's pipeline. */
  mergeVariables(iid: number, more?: Readonly<Record<string, string>>): Readonly<Record<string, string>>;
  /** What a merge request's pipeline would run: each job's `when`. */
  jobsOn(variables: Readonly<Record<string, string>>, branch?: string): Promise<Readonly<Record<string, string>>>;
  /** The pipeline of a merge request: what runs by itself, or those jobs that are started by hand. */
  onMerge(iid: number, only?: readonly string[], more?: Readonly<Record<string, string>>): Promise<GitlabRun>;
  /** A pipeline on main: a push, a schedule, or one that somebody starts with variables. */
  onMain(source: 'push' | 'schedule' | 'web', more?: Readonly<Record<string, string>>): Promise<GitlabRun>;
  stop(): Promise<void>;
}

export interface GitlabSiteOptions {
  readonly python: PythonEnvironmentName;
  /** The project's variables: by name, then by environment scope. */
  readonly variables: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Scopes whose variables are protected: a pipeline of another ref than main does not get them. */
const PROTECTED = ['prod', 'sweep', 'sweep-issue'];

/** Puts a repository there, with `folder` as the first commit of main. */
export async function startGitlabSite(folder: string, { python, variables }: GitlabSiteOptions): Promise<GitlabSite> {
  const git = (cwd: string, ...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=Priya', '-c', 'user.email=priya@acme.example', ...args], {
      cwd,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  const api = await startGitlabApi();
  git(folder, 'init', '-q', '-b', 'main');
  git(folder, 'add', '-A');
  git(folder, 'commit', '-qm', 'The first');
  const origin = path.join(mkdtempSync(path.join(tmpdir(), 'dbt-envs-origin-')), 'dbt.git');
  git(folder, 'clone', '-q', '--bare', folder, origin);
  const desk = mkdtempSync(path.join(tmpdir(), 'dbt-envs-desk-'));
  git(desk, 'clone', '-q', origin, '.');
  const branches = new Map<number, string>();
  let ran = 100;

  const checkout = (branch: string, isProtected: boolean): string => {
    const workspace = mkdtempSync(path.join(tmpdir(), 'dbt-envs-workspace-'));
    git(workspace, 'clone', '-q', origin, '.');
    git(workspace, 'checkout', '-q', '--detach', `origin/${branch}`);
    const visible = Object.entries(variables).flatMap(([name, byScope]) => {
      const values = Object.fromEntries(Object.entries(byScope).filter(([scope]) => isProtected || !PROTECTED.includes(scope)));
      return Object.keys(values).length === 0 ? [] : [[name, { type: 'variable', values }] as const];
    });
    writeFileSync(path.join(workspace, '.gitlab-ci-local-variables.yml'), stringify(Object.fromEntries(visible)));
    return workspace;
  };
  const always = (token: string, source: string): Record<string, string> => ({
    CI_PROJECT_ID: '7',
    // gitlab-ci-local names a folder in the root of this machine.
    CI_PROJECT_DIR: mkdtempSync(path.join(tmpdir(), 'dbt-envs-project-')),
    CI_API_V4_URL: api.url,
    CI_REPOSITORY_URL: `file://${origin}`,
    CI_JOB_TOKEN: token,
    CI_JOB_ID: String(++ran),
    CI_PIPELINE_URL: `https://gitlab.example.com/acme/data/dbt/-/pipelines/${ran}`,
    CI_PIPELINE_SOURCE: source,
  });
  const mergeVariables = (iid: number, more: Readonly<Record<string, string>> = {}): Record<string, string> => {
    const sha = api.merges.get(iid)?.sha ?? '';
    const token = `job-token-${ran + 1}`;
    api.jobs.set(token, { project_id: 7, ref: `refs/merge-requests/${iid}/head`, source: 'merge_request_event', sha });
    return {
      ...always(token, 'merge_request_event'),
      CI_MERGE_REQUEST_IID: String(iid),
      CI_MERGE_REQUEST_PROJECT_ID: '7',
      CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '7',
      CI_MERGE_REQUEST_DRAFT: 'false',
      CI_MERGE_REQUEST_EVENT_TYPE: 'detached',
      CI_MERGE_REQUEST_TITLE: '"; touch owned; echo "$(touch owned)',
      CI_MERGE_REQUEST_SOURCE_BRANCH_NAME: '$(touch${IFS}owned)',
      CI_COMMIT_SHA: sha,
      CI_COMMIT_BRANCH: '',
      CI_COMMIT_REF_PROTECTED: 'false',
      ...more,
    };
  };

  return {
    api,
    desk,
    push: (branch, change) => {
      git(desk, 'fetch', '-q');
      const known = git(desk, 'branch', '-r', '--list', `origin/${branch}`) !== '';
      git(desk, 'checkout', '-q', '-B', branch, known ? `origin/${branch}` : 'origin/main');
      change(desk);
      git(desk, 'add', '-A');
      git(desk, 'commit', '-qm', 'A change');
      git(desk, 'push', '-q', '-f', 'origin', branch);
      return git(desk, 'rev-parse', 'HEAD');
    },
    open: (iid, branch) => {
      branches.set(iid, branch);
      api.merges.set(iid, { state: 'opened', sha: git(desk, 'rev-parse', `origin/${branch}`) });
    },
    close: (iid) => void api.merges.set(iid, { state: 'closed', sha: api.merges.get(iid)?.sha ?? '' }),
    merge: (iid) => {
      git(desk, 'fetch', '-q');
      git(desk, 'checkout', '-q', '-B', 'main', 'origin/main');
      git(desk, 'merge', '-q', '--no-ff', '-m', `Merge !${iid}`, `origin/${branches.get(iid)}`);
      git(desk, 'push', '-q', 'origin', 'main');
      api.merges.set(iid, { state: 'merged', sha: api.merges.get(iid)?.sha ?? '' });
    },
    before: () => {
      git(desk, 'fetch', '-q');
      return git(desk, 'rev-parse', 'origin/main^');
    },
    mergeVariables,
    jobsOn: (given, branch = 'main') => jobsFor(checkout(branch, false), given),
    onMerge: (iid, only = [], more = {}) =>
      runPipeline({ workspace: checkout(branches.get(iid) ?? 'main', false), variables: mergeVariables(iid, more), only, python }),
    onMain: async (source, more = {}) => {
      const sha = git(desk, 'ls-remote', origin, 'refs/heads/main').slice(0, 40);
      const token = `job-token-${ran + 1}`;
      const pipeline = 9000 + ran;
      api.jobs.set(token, { id: pipeline, project_id: 7, ref: 'main', source, sha });
      api.deploys.push({ id: ran + 1, name: 'dbt-deploy', ref: 'main', tag: false, pipeline });
      const given = { ...always(token, source), CI_COMMIT_BRANCH: 'main', CI_COMMIT_SHA: sha, CI_COMMIT_REF_PROTECTED: 'true', ...more };
      const done = await runPipeline({ workspace: checkout('main', true), variables: given, python });
      if (done.results['dbt-sweep'] === 'success') api.deployments.push({ environment: 'sweep', status: 'success', finishedAt: new Date().toISOString() });
      return done;
    },
    stop: () => api.stop(),
  };
}
