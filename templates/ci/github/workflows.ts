import { inRepository, type Job, LEFT, type Pipeline, type RunInput, type Trigger, variablesOf, watchesSweep } from '../../../src/pipeline.ts';
import type { FileRequest } from '../../../src/planned-file.ts';
import { versions } from '../../../src/versions.ts';
import type { Variable } from '../../../src/warehouse.ts';
import { yamlScalar } from './yaml-scalar.ts';

type MainTrigger = Extract<Trigger, { on: 'main' }>;
type MainRun = MainTrigger['runs'][number];

/** The workflows of a pipeline. Production gets none where an orchestrator outside CI is all that runs it. */
export function workflows(pipeline: Pipeline): readonly FileRequest[] {
  const build = only(pipeline, 'build').job;
  const drop = only(pipeline, 'drop').job;
  const { job: deployJob, role } = only(pipeline, 'deploy');
  const deploy = { job: deployJob, runs: role.runs };
  const retries = deploy.runs.includes('manual') && pipeline.inputs.some(({ name }) => name === 'retry');
  return [
    workflow('dbt_pull_request', {
      runsOn: runsOn(pipeline),
      install: install(pipeline),
      build: jobView(pipeline, build),
      drop: jobView(pipeline, drop),
      parse: yamlScalar(PARSE),
      buildsDrafts: pipeline.buildsDrafts,
      card: { file: LEFT.card, path: yamlScalar(inRepository(pipeline, LEFT.card)), folder: yamlScalar(inRepository(pipeline, folderOf(LEFT.card))) },
      uploadArtifact: pinned('actions/upload-artifact'),
      downloadArtifact: pinned('actions/download-artifact'),
      madeUp: variablesOf(pipeline, build)
        .filter((variable) => variable.default === undefined)
        .map(({ name, secret, example }) => ({ name, value: yamlScalar(secret ? 'not-a-secret' : example) })),
    }),
    ...(deploy.runs.length === 0
      ? []
      : [
          workflow('dbt_deploy', {
            mainBranch: pipeline.mainBranch,
            branch: yamlScalar(pipeline.mainBranch),
            startedBy: deploy.runs.map((run) => startedBy(run, pipeline)),
            onMerge: deploy.runs.includes('merge'),
            onSchedule: deploy.runs.includes('schedule'),
            byHand: deploy.runs.includes('manual'),
            runner: runnerOf(deploy.runs),
            runsOn: runsOn(pipeline),
            install: install(pipeline),
            deploy: jobView(pipeline, deploy.job),
            inputs: deploy.runs.includes('manual') ? pipeline.inputs.map(inputView) : [],
            retries,
            state: inRepository(pipeline, LEFT.state),
            failed: inRepository(pipeline, LEFT.failed),
            watchesSweep: watchesSweep(pipeline),
            readsRuns: [...(retries ? ['what the last deploy failed at'] : []), ...(watchesSweep(pipeline) ? ['whether the nightly sweep works'] : [])].join(
              '; ',
            ),
            uploadArtifact: pinned('actions/upload-artifact'),
          }),
        ]),
  ];
}

/** The nightly sweep. */
export const sweepWorkflow = (pipeline: Pipeline): FileRequest =>
  workflow('dbt_sweep', {
    mainBranch: pipeline.mainBranch,
    branch: yamlScalar(pipeline.mainBranch),
    watched: watchesSweep(pipeline),
    tell: yamlScalar(TELL),
    report: { file: LEFT.report, path: inRepository(pipeline, LEFT.report), facts: inRepository(pipeline, LEFT.reportFacts) },
    account: { path: inRepository(pipeline, LEFT.account), folder: yamlScalar(inRepository(pipeline, folderOf(LEFT.account))) },
    uploadArtifact: pinned('actions/upload-artifact'),
    downloadArtifact: pinned('actions/download-artifact'),
    runsOn: runsOn(pipeline),
    install: install(pipeline),
    sweep: jobView(pipeline, only(pipeline, 'sweep').job),
    inputs: pipeline.sweepInputs.map(inputView),
  });

/** The check of whatever is not built: a fork, Dependabot, a draft, the merge queue. */
export const PARSE = 'Parse what is not built';
/** The job that tells people of a sweep that fails. */
export const TELL = 'Keep one issue open while the sweep fails';

const inputView = ({ name, variable, kind, what }: RunInput) => ({
  name,
  variable,
  what: yamlScalar(what),
  type: kind === 'text' ? 'string' : 'boolean',
});

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf('/'));

const workflow = (name: string, view: object): FileRequest => ({
  path: `.github/workflows/${name}.yml`,
  owner: 'ours',
  template: `ci/github/.github/workflows/${name}.yml.ejs`,
  view,
});

type Role = { readonly is: 'build' | 'drop' | 'sweep' } | { readonly is: 'deploy'; readonly runs: MainTrigger['runs'] };

/** What a trigger asks of this provider. A trigger that is not answered here does not compile. */
function roleOf(trigger: Trigger): Role {
  switch (trigger.on) {
    case 'pull-request':
      return { is: 'build' };
    case 'pull-request-closed':
      return { is: 'drop' };
    case 'main':
      return { is: 'deploy', runs: trigger.runs };
    case 'nightly':
      return { is: 'sweep' };
  }
}

/** The job that does this. Throws where it is missing, or comes twice: each has one place in the workflows. */
function only<Is extends Role['is']>({ jobs }: Pipeline, is: Is) {
  const [found, ...more] = jobs.flatMap((job) => {
    const role = roleOf(job.trigger);
    return isRole(role, is) ? [{ job, role }] : [];
  });
  if (!found || more.length > 0) throw new Error(`the pipeline has ${found ? more.length + 1 : 'no'} job to ${is}`);
  return found;
}

const isRole = <Is extends Role['is']>(role: Role, is: Is): role is Extract<Role, { is: Is }> => role.is === is;

/** An expression that gives production's runner, in the words of profiles.yml's guard, from the event. */
function runnerOf(runs: MainTrigger['runs']): string {
  const last = runs.at(-1);
  const tests = runs.slice(0, -1).map((run) => `github.event_name == '${eventOf(run)}' && '${run}' || `);
  return `${tests.join('')}'${last}'`;
}

/** When such a run comes, in the words of the file's first lines. */
function startedBy(run: MainRun, { mainBranch }: Pipeline): string {
  switch (run) {
    case 'merge':
      return `whenever ${mainBranch} changes`;
    case 'schedule':
      return 'every day, at the time below';
    case 'manual':
      return 'by hand: Actions, "dbt deploy", Run workflow';
  }
}

function eventOf(run: MainRun): 'push' | 'schedule' | 'workflow_dispatch' {
  switch (run) {
    case 'merge':
      return 'push';
    case 'schedule':
      return 'schedule';
    case 'manual':
      return 'workflow_dispatch';
  }
}

const jobView = (pipeline: Pipeline, job: Job) => {
  const variables = variablesOf(pipeline, job);
  const needed = variables.filter((variable) => variable.default === undefined);
  /** Whether what is set has another name in profiles.yml: what is missing is named as an administrator knows it. */
  const renamed = needed.some(({ as }) => as !== undefined);
  return {
    title: yamlScalar(job.title),
    timeoutMinutes: job.timeoutMinutes,
    /** Whether it asks GitHub for the token that the service logs in with: permission `id-token: write`. */
    identityToken: pipeline.workloadIdentity !== undefined,
    /** What logs the service in with that token; empty where nothing has to. */
    login: pipeline.workloadIdentity === undefined ? '' : yamlScalar(pipeline.workloadIdentity.run),
    variables: [
      ...variables.map((variable) => ({ name: variable.as ?? variable.name, expression: yamlScalar(expressionFor(variable)) })),
      ...Object.entries(pipeline.workloadIdentity?.environment ?? {}).map(([name, value]) => ({ name, expression: yamlScalar(value) })),
    ],
    needed: needed.map(({ name, as = name }) => (renamed ? `${name}:${as}` : name)).join(' '),
    renamed,
    steps: job.steps.map(({ name, run, evenAfterFailure, asksCodeHost }) => ({
      name: yamlScalar(name),
      run: yamlScalar(run),
      evenAfterFailure: evenAfterFailure === true,
      asksCodeHost: asksCodeHost === true,
    })),
  };
};

/** A variable that is not set arrives as an empty string, which dbt takes for a value: its default stands here too. */
const expressionFor = ({ name, secret, default: fallback = '' }: Variable): string =>
  `\${{ ${secret ? 'secrets' : 'vars'}.${name}${fallback === '' ? '' : ` || '${fallback.replaceAll("'", "''")}'`} }}`;

const runsOn = ({ runner = 'ubuntu-latest' }: Pipeline): string =>
  runner.includes(',')
    ? `[${runner
        .split(',')
        .map((label) => yamlScalar(label.trim()))
        .join(', ')}]`
    : yamlScalar(runner);

const install = ({ projectDir, pythonVersion, image, pythonIndex }: Pipeline) => ({
  projectDir: projectDir === '' ? '' : yamlScalar(projectDir),
  pythonVersion,
  image: image === undefined ? '' : yamlScalar(image),
  pythonIndex: pythonIndex === undefined ? '' : yamlScalar(pythonIndex),
  checkout: pinned('actions/checkout'),
  setupPython: pinned('actions/setup-python'),
});

type Action = Extract<keyof typeof versions, `actions/${string}`>;
const pinned = (action: Action): string => `${action}@${versions[action].commit} # ${versions[action].tag}`;
