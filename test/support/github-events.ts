/** The `github` context of the events that matter to us, as GitHub sends them: pull requests 1 to n of acme/dbt. */
export type GithubContext = Readonly<Record<string, unknown>>;

/** Every title and branch name carries it; whatever runs it as a command prints {@link PLANTED_OUTPUT}. */
const PLANTED_COMMAND = "printf 'ran-%s\\n' planted";
export const PLANTED_OUTPUT = 'ran-planted';

interface PullRequest {
  readonly action: 'opened' | 'synchronize' | 'reopened' | 'ready_for_review' | 'closed';
  readonly number?: number;
  readonly draft?: boolean;
  /** `null` where the fork has been deleted. */
  readonly from?: string | null;
  readonly by?: string;
  readonly merged?: boolean;
}

export const pullRequest = ({ action, number = 142, draft = false, from = 'acme/dbt', by = 'priya', merged = false }: PullRequest): GithubContext => ({
  event_name: 'pull_request',
  repository: 'acme/dbt',
  ref: merged ? 'refs/heads/main' : `refs/pull/${number}/merge`,
  token: 'a-job-token',
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
      head: { ref: `$(${PLANTED_COMMAND})`, repo: from === null ? null : { full_name: from } },
    },
  },
});

export const onBranch = (event_name: 'push' | 'schedule' | 'workflow_dispatch', branch = 'main'): GithubContext => ({
  event_name,
  repository: 'acme/dbt',
  ref: `refs/heads/${branch}`,
  token: 'a-job-token',
  event: { repository: { default_branch: 'main' } },
});
