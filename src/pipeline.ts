import type { ProdRun } from './project.ts';
import type { Identity, Variable, WorkloadIdentity } from './warehouse.ts';

/** When a job runs, in no provider's words. */
export type Trigger =
  | { readonly on: 'pull-request' }
  | { readonly on: 'pull-request-closed' }
  | { readonly on: 'main'; readonly runs: readonly Exclude<ProdRun, 'external'>[] }
  | { readonly on: 'nightly' };

/** One job: the same commands for every warehouse, run from the project's folder after Python and dbt are installed. */
export interface Job {
  readonly id: 'build' | 'drop' | 'deploy' | 'sweep';
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
  /** One command line for any shell; in pull-request jobs `PR_NUMBER` is set, and `PR_COMMIT` to the head that was pushed. */
  readonly run: string;
  /** Also after a step before it has failed; not in a job that was cancelled. */
  readonly evenAfterFailure?: true;
  /** It asks the code host which pull requests are open, so it needs a login there that may read them. */
  readonly asksCodeHost?: true;
}

/** What may be asked of a deploy or a sweep that somebody starts by hand. deploy_prod.py or sweep.py reads the variable and refuses what is no such value. */
export interface RunInput {
  readonly name: 'select' | 'full_refresh' | 'retry' | 'allow_drops' | 'dry_run' | 'keep';
  readonly variable: string;
  readonly kind: 'text' | 'true or false';
  readonly what: string;
}

/** What the scripts leave in the project's folder for the provider to keep and to hand on. */
export const LEFT = {
  /** What a reviewer reads, in Markdown. */
  card: 'target/dbt_envs/card.md',
  /** Production's manifest and what it was built from; there after a whole deploy that succeeded. */
  state: 'target/dbt_envs/state',
  /** What a retry needs; there after a deploy that failed. */
  failed: 'target/dbt_envs/failed',
  /** What the sweep did and what there is, in Markdown: one page for whoever answers for production. */
  report: 'target/dbt_envs/report.md',
  /** The facts of that page, all of them. */
  reportFacts: 'target/dbt_envs/report.json',
  /** What the sweep did, as data: whoever tells people of a sweep that fails reads it. */
  account: 'target/dbt_envs/sweep.json',
} as const;

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
  readonly inputs: readonly RunInput[];
  /** What may be asked of a sweep that somebody starts by hand. */
  readonly sweepInputs: readonly RunInput[];
  /** A draft is built like any other pull request; otherwise it is only parsed. */
  readonly buildsDrafts: boolean;
  /** Where the warehouse's data is on the runner's own disk. */
  readonly needsOwnRunner: boolean;
  /** Where the services log in as the machine that runs the job: a runner is named, and what runs there can log in too. */
  readonly loginOfMachine: boolean;
  /** Where the services log in with a token of the provider's own instead of a stored secret. */
  readonly workloadIdentity?: Omit<WorkloadIdentity, 'files'>;
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

/** Whom a job's token is for, `$NAME` standing for the variable that CI keeps under that name. Absent where nothing logs in with one; throws where the job has no such variable. */
export function audienceFor(pipeline: Pipeline, job: Job): string | undefined {
  const variables = variablesOf(pipeline, job);
  return pipeline.workloadIdentity?.audience.replace(/\$(\w+)/g, (_, read: string) => {
    const found = variables.find(({ name, as = name }) => as === read);
    if (found === undefined) throw new Error(`the job ${job.id} has no variable ${read}, which its token's audience names`);
    return `$${found.name}`;
  });
}

/** The jobs that are to be written: production's only where CI runs production. */
export const writtenJobs = ({ jobs }: Pipeline): readonly Job[] => jobs.filter(({ trigger }) => trigger.on !== 'main' || trigger.runs.length > 0);

/** A variable that the jobs read, and whose. */
export interface Setting extends Variable {
  /** Of its identities, those whose job is written. */
  readonly readBy: readonly Job['identity'][];
}

/** Everything that the written jobs read, once. */
export function settingsOf(pipeline: Pipeline): readonly Setting[] {
  const jobs = writtenJobs(pipeline);
  const read = new Set(jobs.flatMap((job) => variablesOf(pipeline, job)));
  return [...read].map((variable) => ({
    ...variable,
    readBy: [...new Set(jobs.map(({ identity }) => identity).filter((identity) => variable.identities.includes(identity)))],
  }));
}

/** The one job with this trigger, and that trigger. Throws where there is none, or more than one. */
export function jobOn<On extends Trigger['on']>({ jobs }: Pipeline, on: On): { readonly job: Job; readonly trigger: Extract<Trigger, { on: On }> } {
  const [found, ...more] = jobs.flatMap((job) => (isOn(job.trigger, on) ? [{ job, trigger: job.trigger }] : []));
  if (!found || more.length > 0) throw new Error(`the pipeline has ${found ? more.length + 1 : 'no'} job on ${on}`);
  return found;
}

const isOn = <On extends Trigger['on']>(trigger: Trigger, on: On): trigger is Extract<Trigger, { on: On }> => trigger.on === on;

export const deploys = (pipeline: Pipeline): boolean => writtenJobs(pipeline).some(({ trigger }) => trigger.on === 'main');
export const sweeps = ({ jobs }: Pipeline): boolean => jobs.some(({ trigger }) => trigger.on === 'nightly');
export const buildsPullRequests = ({ jobs }: Pipeline): boolean => jobs.some(({ trigger }) => trigger.on === 'pull-request');

/** A sweep that never starts tells nobody: the deploy looks after it, where there are both. */
export const watchesSweep = (pipeline: Pipeline): boolean => sweeps(pipeline) && deploys(pipeline);

/** From the project's folder to the repository's root. */
export const inRepository = ({ projectDir }: Pipeline, path: string): string => (projectDir === '' ? path : `${projectDir}/${path}`);
