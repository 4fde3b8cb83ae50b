/** The `github` context of the events that matter to us, as GitHub sends them: pull requests 1 to n of acme/dbt. */
export type GithubContext = Readonly<Record<string, unknown>>;

/** Every title and branch name carries it; whatever runs it as a command prints {@link PLANTED_OUTPUT}. */
const PLANTED_COMMAND = "printf 'ran-%s\\n' planted";
export const PLANTED_OUTPUT = 'ran-planted';

const RUN = { token: 'a-job-token', server_url: 'https://github.com', run_id: '77' } as const;

interface PullRequest {
  readonly action: 'opened' | 'synchronize' | 'reopened' | 'ready_for_review' | 'closed';
  readonly number?: number;
  readonly draft?: boolean;
  /** `null` where the fork has been deleted. */
  readonly from?: string | null;
  readonly by?: string;
  readonly merged?: boolean;
  /** The commit that it consists of up to. */
  readonly sha?: string;
  /** Who or what did this; a bot's merge is `github-actions[bot]`. */
  readonly actor?: string;
}

export const HEAD = 'c'.repeat(40);

export const pullRequest = ({
  action,
  number = 142,
  draft = false,
  from = 'acme/dbt',
  by = 'priya',
  merged = false,
  sha = HEAD,
  actor = by,
}: PullRequest): GithubContext => ({
  event_name: 'pull_request',
  repository: 'acme/dbt',
  ref: merged ? 'refs/heads/main' : `refs/pull/${number}/merge`,
  actor,
  ...RUN,
  event: {
    action,
    repository: { default_branch: 'main' },
    pull_request: {
      number,
      draft,
      merged,
      title: `"; ${PLANTED_COMMAND}; echo "`,
      state: action === 'closed' ? 'closed' : 'open',
      user: { login: by },
      head: { ref: `$(${PLANTED_COMMAND})`, sha, repo: from === null ? null : { full_name: from } },
    },
  },
});

export const onBranch = (
  event_name: 'push' | 'schedule' | 'workflow_dispatch',
  branch = 'main',
  { fork = false, defaultBranch = 'main' }: { readonly fork?: boolean; readonly defaultBranch?: string } = {},
): GithubContext => ({
  event_name,
  repository: 'acme/dbt',
  ref: `refs/heads/${branch}`,
  ...RUN,
  event: { repository: { default_branch: defaultBranch, fork } },
});

/** A group of the merge queue: it names no pull request in its payload. */
export const mergeGroup = (): GithubContext => ({
  event_name: 'merge_group',
  repository: 'acme/dbt',
  ref: 'refs/heads/gh-readonly-queue/main/pr-142-0123456',
  ...RUN,
  event: {
    action: 'checks_requested',
    repository: { default_branch: 'main' },
    merge_group: { head_ref: 'refs/heads/gh-readonly-queue/main/pr-142-0123456', base_ref: 'refs/heads/main', head_sha: HEAD },
  },
});
