import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Finished, python } from './dbt.ts';
import { startGithubApi } from './github-api.ts';
import { startGitlabApi } from './gitlab-api.ts';
import { planned } from './scaffold.ts';

/** What may go wrong between a script and any code host. */
export const WAYS_TO_FAIL = ['cut off', 'hang up', 'html', 'wrong shape', 'same page', 'last page missing', 401, 403, 404, 500, 'rate limit'] as const;
export type WayToFail = (typeof WAYS_TO_FAIL)[number];

export interface HostPull {
  readonly state: 'open' | 'closed' | 'merged' | (string & {});
  readonly sha?: string;
  readonly closedAt?: string | null;
}

/** A code host over real HTTP, and the scripts that are emitted for it. */
export interface HostStage {
  /** Pull requests by number. */
  put(number: number, pull: HostPull): void;
  remove(number: number): void;
  /** From the n-th request on, 1 the next; without a way, all is well again. */
  fails(how?: WayToFail, from?: number): void;
  run(script: 'open_prs' | 'pull_request_state', ...args: readonly string[]): Promise<Finished>;
  /** The login, which may stand in no message. */
  readonly secret: string;
  stop(): Promise<void>;
}

/** A code host's own scripts in a folder of their own, with a mistake planted where one is asked for. */
function scriptsOf(ci: string, mistake?: Mistake): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-'));
  let planted = mistake === undefined;
  for (const { path: name, contents } of planned({ ci }).filter((file) => file.path.startsWith('scripts/'))) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    const here = mistake !== undefined && name === `scripts/dbt_envs/${mistake.in}.py` && contents.includes(mistake.from);
    planted ||= here;
    writeFileSync(path.join(folder, name), here ? contents.replace(mistake.from, () => mistake.to) : contents);
  }
  if (!planted) throw new Error(`${mistake?.in} of ${ci} does not have ${mistake?.from}`);
  return folder;
}

/** A mistake planted in a script: the suite must notice. */
export interface Mistake {
  readonly in: string;
  readonly from: string;
  readonly to: string;
}

const SECRET = 'planted0Token0That0Nobody0May0See';

export const HOSTS: Readonly<Record<string, (mistake?: Mistake) => Promise<HostStage>>> = {
  github: async (mistake) => {
    const api = await startGithubApi();
    const folder = scriptsOf('github', mistake);
    const limit = { status: 403, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(Math.round(Date.now() / 1000) + 3000) } };
    return {
      secret: SECRET,
      put: (number, { state, closedAt = '2026-11-20T05:17:00Z', sha = 'c'.repeat(40) }) =>
        void api.pulls.set(number, state === 'open' ? { state: 'open', sha } : { state: 'closed', sha, closedAt: closedAt ?? '' }),
      remove: (number) => void api.pulls.delete(number),
      fails: (how, from = 1) => {
        if (how === undefined) return api.fails();
        const failure = how === 'rate limit' ? limit : typeof how === 'number' ? { status: how, body: '{"message": "Planted"}' } : how;
        api.fails();
        if (from > 1) api.fails(/./, 'not yet', from - 1);
        api.fails(/./, failure);
      },
      run: (script, ...args) =>
        python(folder, [`scripts/dbt_envs/${script}.py`, ...args], {
          env: { GITHUB_API_URL: api.url, GITHUB_REPOSITORY: 'acme/dbt', GITHUB_TOKEN: SECRET },
          python: 'tools',
        }),
      stop: () => api.stop(),
    };
  },
  gitlab: async (mistake) => {
    const api = await startGitlabApi();
    api.jobs.set(SECRET, { project_id: 7, ref: 'main', source: 'schedule', sha: 'c'.repeat(40) });
    const folder = scriptsOf('gitlab', mistake);
    return {
      secret: SECRET,
      put: (number, { state, closedAt = '2026-11-20T05:17:00Z', sha = 'c'.repeat(40) }) =>
        void api.merges.set(number, {
          state: state === 'open' ? 'opened' : state,
          sha,
          ...(state === 'closed' && { closedAt }),
          ...(state === 'merged' && { mergedAt: closedAt }),
        }),
      remove: (number) => void api.merges.delete(number),
      fails: (how, from = 1) => {
        const failure =
          how === 'rate limit'
            ? { status: 429, headers: { 'retry-after': '3000' } }
            : typeof how === 'number'
              ? { status: how, body: '{"message": "Planted"}' }
              : how;
        api.fails(how === undefined ? undefined : /./, failure, undefined, from);
      },
      run: (script, ...args) =>
        python(folder, [`scripts/dbt_envs/${script}.py`, ...args], {
          env: { CI_API_V4_URL: api.url, CI_PROJECT_ID: '7', CI_JOB_TOKEN: SECRET },
          python: 'tools',
        }),
      stop: () => api.stop(),
    };
  },
};
