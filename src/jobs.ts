import { NameError } from './names.ts';
import type { Job, Pipeline, RunInput } from './pipeline.ts';
import type { Project } from './project.ts';
import type { Answers } from './questions.ts';
import { versions } from './versions.ts';
import type { Warehouse, WorkloadIdentity } from './warehouse.ts';

/**
 * The jobs of one project, in no provider's words. The same commands for every warehouse: its own work hides behind run-operations.
 * Throws {@link NameError} where the services log in as machines that nobody has named.
 */
export function pipelineOf(answers: Answers, project: Project, projectDir: string, parts: readonly string[]): Pipeline {
  const { warehouse, runner, image, pythonIndex } = answers;
  const loginOfMachine = warehouse.loginOfMachine?.(project) === true;
  if (loginOfMachine && runner === '' && (parts.includes('ci') || parts.includes('cleanup'))) {
    throw new NameError(
      `${warehouse.label} knows the services as the machines that run their jobs, and those of a CI provider are everybody's: name runners of your own with --runner, or store secrets instead.`,
    );
  }
  return {
    projectName: project.name,
    mainBranch: project.mainBranch,
    projectDir,
    pythonVersion: versions.python,
    jobs: [...(parts.includes('ci') ? jobsForChanges(warehouse, project) : []), ...(parts.includes('cleanup') ? [SWEEP] : [])],
    variables: warehouse.variables(project),
    prodRuns: project.prodRuns,
    inputs: inputsFor(warehouse),
    sweepInputs: SWEEP_INPUTS,
    buildsDrafts: answers.buildDrafts === 'yes',
    needsOwnRunner: warehouse.reach === 'disk',
    loginOfMachine,
    settings: project.settings,
    ...(warehouse.workloadIdentity && { workloadIdentity: loginOf(warehouse.workloadIdentity) }),
    ...(runner !== '' && { runner }),
    ...(image !== '' && { image }),
    ...(pythonIndex !== '' && { pythonIndex }),
  };
}

/** Files are planned by the part, not by the provider. */
const loginOf = ({ run, environment, audience, trust }: WorkloadIdentity): NonNullable<Pipeline['workloadIdentity']> => ({ run, environment, audience, trust });

function jobsForChanges({ deploy }: Warehouse, { prodRuns }: Project): readonly Job[] {
  return [
    {
      id: 'build',
      title: 'Build the pull request into a schema of its own',
      trigger: { on: 'pull-request' },
      identity: 'ci',
      timeoutMinutes: 60,
      steps: [
        { name: 'Build what was changed', run: 'python scripts/dbt_envs/build_pr.py' },
        { name: 'Write the review card', run: 'python scripts/dbt_envs/review_card.py', evenAfterFailure: true },
      ],
    },
    {
      id: 'drop',
      title: 'Drop the schema of the closed pull request',
      trigger: { on: 'pull-request-closed' },
      identity: 'ci',
      timeoutMinutes: 30,
      steps: [{ name: 'Drop', run: 'dbt run-operation drop_pr_schema --target ci' }],
    },
    {
      id: 'deploy',
      title: 'Build production',
      trigger: { on: 'main', runs: prodRuns.filter((run) => run !== 'external') },
      identity: 'prod',
      timeoutMinutes: 180,
      steps: [
        ...deploy.before.map((run) => ({ name: 'Prepare', run })),
        { name: 'Build', run: 'python scripts/dbt_envs/deploy_prod.py' },
        ...deploy.after.map((run) => ({ name: 'Publish', run })),
      ],
    },
  ];
}

/** The nightly guarantee: what a close hook missed, and what nobody has used for long. */
const SWEEP: Job = {
  id: 'sweep',
  title: 'Sweep what is left of closed pull requests and unused dev schemas',
  trigger: { on: 'nightly' },
  identity: 'janitor',
  timeoutMinutes: 120,
  steps: [
    { name: 'Sweep', run: 'python scripts/dbt_envs/sweep.py', asksCodeHost: true },
    { name: 'Write the report', run: 'python scripts/dbt_envs/sweep_report.py', evenAfterFailure: true },
  ],
};

const SWEEP_INPUTS: readonly RunInput[] = [
  { name: 'allow_drops', variable: 'DBT_ENVS_ALLOW_DROPS', kind: 'text', what: 'How many schemas may be cleared in this run; 25 where it is empty.' },
  { name: 'dry_run', variable: 'DBT_ENVS_DRY_RUN', kind: 'true or false', what: 'Say what would be cleared, and clear nothing.' },
  { name: 'keep', variable: 'DBT_ENVS_KEEP', kind: 'text', what: 'A schema and the day until which nobody clears it: pr_142 2027-01-31.' },
];

function inputsFor({ deploy }: Warehouse): readonly RunInput[] {
  const select: RunInput = {
    name: 'select',
    variable: 'DBT_ENVS_SELECT',
    kind: 'text',
    what: "What to build, in dbt's words: fct_revenue+ tag:daily. Empty: everything.",
  };
  const fullRefresh: RunInput = {
    name: 'full_refresh',
    variable: 'DBT_ENVS_FULL_REFRESH',
    kind: 'true or false',
    what: 'Build the selected incremental models and seeds from nothing.',
  };
  const retry: RunInput = { name: 'retry', variable: 'DBT_ENVS_RETRY', kind: 'true or false', what: 'Build only what the last deploy failed at or skipped.' };
  return [select, fullRefresh, ...(deploy.keepsWhatSucceeded ? [retry] : [])];
}
