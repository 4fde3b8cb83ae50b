import type { ProdRun } from './project.ts';
import type { Identity, Variable } from './warehouse.ts';

/** When a job runs, in no provider's words. */
export type Trigger =
  | { readonly on: 'pull-request' }
  | { readonly on: 'pull-request-closed' }
  | { readonly on: 'main'; readonly runs: readonly Exclude<ProdRun, 'external'>[] };

/** One job: the same commands for every warehouse, run from the project's folder after Python and dbt are installed. */
export interface Job {
  readonly id: 'build' | 'drop' | 'deploy';
  /** What it does, in the words of somebody who reads the pull request. */
  readonly title: string;
  readonly trigger: Trigger;
  /** Whose credentials the job may read: no job reads two identities' secrets. */
  readonly identity: Exclude<Identity, 'dev'>;
  readonly timeoutMinutes: number;
  readonly steps: readonly Step[];
}
export interface Step {
  readonly name: string;
  /** One command line for any shell; `PR_NUMBER` is set in pull-request jobs. */
  readonly run: string;
}

/** What stands between the two families: a provider writes it down and never learns which warehouse it is for. */
export interface Pipeline {
  readonly projectName: string;
  readonly mainBranch: string;
  /** The dbt project's folder inside the git repository; empty at its root. */
  readonly projectDir: string;
  readonly pythonVersion: string;
  readonly jobs: readonly Job[];
  /** Those that the jobs' identities need. */
  readonly variables: readonly Variable[];
  readonly prodRuns: readonly ProdRun[];
  /** Where the warehouse's data is on the runner's own disk. */
  readonly needsOwnRunner: boolean;
  /** `--runner`, `--image` and `--python-index`: absent where the provider's and pip's own are meant. */
  readonly runner?: string;
  readonly image?: string;
  readonly pythonIndex?: string;
  /** The answers to the provider's own questions, by question name. */
  readonly settings: Readonly<Record<string, string>>;
}

/** The variables that a job may read: those of its own identity. */
export const variablesOf = ({ variables }: Pipeline, { identity }: Job): readonly Variable[] =>
  variables.filter(({ identities }) => identities.includes(identity));
