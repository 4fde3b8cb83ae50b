import {
  audienceFor,
  inRepository,
  type Job,
  jobOn,
  LEFT,
  type Pipeline,
  type RunInput,
  type Trigger,
  variablesOf,
  watchesSweep,
} from '../../../src/pipeline.ts';
import type { FileRequest } from '../../../src/planned-file.ts';
import { DEPLOY_SCHEDULE, SWEEP_SCHEDULE } from './schedules.ts';

type MainRun = Extract<Trigger, { on: 'main' }>['runs'][number];

/** The review card as a page: GitLab shows no artifact in Markdown (gitlab.com/gitlab-org/gitlab/-/issues/21647). */
export const PAGE = 'target/dbt_envs/card.html';

/**
 * Where a merge request may be built. A fork's may run here, started by a developer; its code gets no credentials.
 * https://docs.gitlab.com/ci/variables/predefined_variables
 */
const OURS: readonly string[] = [
  '$CI_PIPELINE_SOURCE == "merge_request_event"',
  '$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID',
  '$CI_MERGE_REQUEST_PROJECT_ID == $CI_PROJECT_ID',
  '$CI_MERGE_REQUEST_EVENT_TYPE != "merge_train"',
];
const buildIf = ({ buildsDrafts }: Pipeline): readonly string[] => [...OURS, ...(buildsDrafts ? [] : ['$CI_MERGE_REQUEST_DRAFT != "true"'])];

/** .gitlab-ci.yml: a team's own is kept, and gets one line. */
export const rootFile: FileRequest = {
  path: '.gitlab-ci.yml',
  owner: 'yours',
  template: 'ci/gitlab/.gitlab-ci.yml.ejs',
  view: {},
  edits: [{ kind: 'append', at: ['include'], yaml: 'local: /.gitlab/ci/dbt_*.yml' }],
};

/** What runs on a merge request, and what builds production. A trigger that is not answered here does not compile. */
export const jobFiles = (pipeline: Pipeline): readonly FileRequest[] => pipeline.jobs.flatMap(({ trigger }) => filesOn(trigger, pipeline));

function filesOn(trigger: Trigger, pipeline: Pipeline): readonly FileRequest[] {
  switch (trigger.on) {
    case 'pull-request':
      return [mergeRequestFile(pipeline)];
    case 'pull-request-closed':
      return []; // in the same file: GitLab takes the stop job from the build's pipeline
    case 'main':
      return trigger.runs.length > 0 ? [deployFile(pipeline)] : [];
    case 'nightly':
      return []; // the part cleanup plans it
  }
}

function mergeRequestFile(pipeline: Pipeline): FileRequest {
  const build = jobOn(pipeline, 'pull-request').job;
  const drop = jobOn(pipeline, 'pull-request-closed').job;
  const card = `[ ! -f ${LEFT.card} ] || python scripts/dbt_envs/card_page.py ${LEFT.card} ${PAGE} || status=1`;
  // GitLab takes the stop job from the last build that has ended (app/models/environment.rb, last_finished_deployment_group).
  const closedMeanwhile = [
    '# Closed while it was built: where no build had ended before, GitLab has no job that drops.',
    'if [ "$(python scripts/dbt_envs/pull_request_state.py "$PR_NUMBER")" = closed ]; then',
    ...drop.steps.map(({ run }) => `  ${run} || status=1`),
    'fi',
  ];
  return file('dbt_merge_request', {
    ...common(pipeline),
    mayBuildIf: OURS,
    buildIf: buildIf(pipeline),
    buildsDrafts: pipeline.buildsDrafts,
    page: inRepository(pipeline, PAGE),
    card: inRepository(pipeline, LEFT.card),
    build: jobView(pipeline, build, [card, ...closedMeanwhile]),
    drop: jobView(pipeline, drop),
    parse: { image: imageOf({ ...pipeline, image: undefined }), tags: '', timeoutMinutes: 15 },
    madeUp: [
      ...variablesOf(pipeline, build)
        .filter((variable) => variable.default === undefined)
        .map(({ name, as = name, secret, example }) => ({ name: as, value: JSON.stringify(secret ? 'not-a-secret' : example) })),
      ...(pipeline.pythonIndex === undefined ? [] : [{ name: 'PIP_INDEX_URL', value: JSON.stringify(pipeline.pythonIndex) }]),
    ],
  });
}

function deployFile(pipeline: Pipeline): FileRequest {
  const { job, trigger } = jobOn(pipeline, 'main');
  const byHand = trigger.runs.includes('manual');
  const retries = byHand && pipeline.inputs.some(({ name }) => name === 'retry');
  const publish = 'python scripts/dbt_envs/publish_state.py || status=1';
  return file('dbt_deploy', {
    ...common(pipeline),
    startedBy: trigger.runs.map((run) => startedBy(run, pipeline)),
    rules: trigger.runs.map((run) => ({ condition: `${isDeploy(run)} && ${onMain(pipeline)}`, runner: run })),
    inputs: byHand ? pipeline.inputs.map(inputView) : [],
    retries,
    watched: watchesSweep(pipeline),
    watch: ofGitlabAlone(pipeline, 10),
    deploy: jobView(pipeline, job, [publish]),
  });
}

/** The nightly sweep. */
export const sweepFile = (pipeline: Pipeline): FileRequest =>
  file('dbt_sweep', {
    ...common(pipeline),
    watched: watchesSweep(pipeline),
    sweepIfs: [onSchedule(SWEEP_SCHEDULE), '$CI_PIPELINE_SOURCE == "web" && $DBT_ENVS_RUN == "sweep"'].map((started) => `${started} && ${onMain(pipeline)}`),
    runWhat: JSON.stringify('Which job: sweep for the nightly sweep; empty for all others.'),
    inputs: pipeline.sweepInputs.map(inputView),
    folder: inRepository(pipeline, 'target/dbt_envs/'),
    sweep: jobView(pipeline, jobOn(pipeline, 'nightly').job, ['mkdir -p target/dbt_envs', '[ "$status" != 0 ] || echo success > target/dbt_envs/result']),
    tell: ofGitlabAlone(pipeline, 10),
  });

const common = (pipeline: Pipeline) => ({
  mainBranch: pipeline.mainBranch,
  branch: pipeline.mainBranch,
  projectDir: pipeline.projectDir === '' ? '' : JSON.stringify(`cd ${shellWord(pipeline.projectDir)}`),
  pythonIndex: pipeline.pythonIndex === undefined ? '' : JSON.stringify(pipeline.pythonIndex),
});

/** `afterwards`: lines after the steps, also after a failure; `$status` is 0 as long as all went well. */
function jobView(pipeline: Pipeline, job: Job, afterwards: readonly string[] = []) {
  const variables = variablesOf(pipeline, job);
  const needed = variables.filter((variable) => variable.default === undefined);
  const audience = audienceFor(pipeline, job);
  return {
    image: imageOf(pipeline),
    tags: tagsOf(pipeline),
    timeoutMinutes: job.timeoutMinutes,
    /** Whom the job's token is for, and what logs the service in with it; empty where nothing has to. */
    audience: audience === undefined ? '' : JSON.stringify(audience),
    login: pipeline.workloadIdentity?.run ?? '',
    loginEnvironment: Object.entries(pipeline.workloadIdentity?.environment ?? {}).map(([name, value]) => ({ name, value: shellWord(value) })),
    /** What has to be set: one variable, or several. */
    neededAlone: needed.length === 1 ? (needed[0]?.name ?? '') : '',
    needed: needed.length === 1 ? '' : needed.map(({ name }) => name).join(' '),
    renamed: variables.flatMap(({ name, as, default: fallback = '' }) =>
      as === undefined ? [] : [{ name, as, fallback: fallback === '' ? '' : shellWord(fallback) }],
    ),
    afterwards,
    steps: job.steps.map(({ run, evenAfterFailure }) => ({ run, evenAfterFailure: evenAfterFailure === true })),
  };
}

/** A job that asks GitLab alone: Python will do. */
const ofGitlabAlone = (pipeline: Pipeline, timeoutMinutes: number) => ({
  image: imageOf({ ...pipeline, image: undefined }),
  tags: tagsOf(pipeline),
  timeoutMinutes,
});

const onMain = ({ mainBranch }: Pipeline): string => `$CI_COMMIT_BRANCH == "${mainBranch}"`;

/** When such a run comes, in the words of the file's first lines. */
function startedBy(run: MainRun, { mainBranch }: Pipeline): string {
  switch (run) {
    case 'merge':
      return `whenever ${mainBranch} changes`;
    case 'schedule':
      return `by the schedule "${DEPLOY_SCHEDULE}" (Build, Pipeline schedules), which scripts/dbt_envs/setup.py has made`;
    case 'manual':
      return `by hand: Build, Pipelines, New pipeline on ${mainBranch}`;
  }
}

/** A schedule is known by its description, not by a variable: a project may let nobody give any. */
const onSchedule = (description: string): string => `$CI_PIPELINE_SOURCE == "schedule" && $CI_PIPELINE_SCHEDULE_DESCRIPTION == "${description}"`;

/** How GitLab calls what started such a pipeline: https://docs.gitlab.com/ci/jobs/job_rules/#ci_pipeline_source-predefined-variable */
export function sourceOf(run: MainRun): 'push' | 'schedule' | 'web' {
  switch (run) {
    case 'merge':
      return 'push';
    case 'schedule':
      return 'schedule';
    case 'manual':
      return 'web';
  }
}
/** The same of a sweep. */
export const SWEEP_SOURCES = ['schedule', 'web'] as const;

/** Deploys and sweeps are told apart by the schedule that starts them, or by a variable where somebody does. */
function isDeploy(run: MainRun): string {
  const source = `$CI_PIPELINE_SOURCE == "${sourceOf(run)}"`;
  switch (run) {
    case 'merge':
      return source;
    case 'schedule':
      return onSchedule(DEPLOY_SCHEDULE);
    case 'manual':
      return `${source} && $DBT_ENVS_RUN != "sweep"`;
  }
}

const inputView = ({ variable, what, kind }: RunInput) => ({ variable, what: JSON.stringify(what), options: kind !== 'text' });

const imageOf = ({ image, pythonVersion }: { readonly image?: string | undefined; readonly pythonVersion: string }): string =>
  image === undefined ? `python:${pythonVersion}` : JSON.stringify(image);

const tagsOf = ({ runner }: Pipeline): string =>
  runner === undefined
    ? ''
    : `[${runner
        .split(',')
        .map((tag) => JSON.stringify(tag.trim()))
        .join(', ')}]`;

/** One word of a POSIX shell. */
const shellWord = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const file = (name: string, view: object): FileRequest => ({
  path: `.gitlab/ci/${name}.yml`,
  owner: 'ours',
  template: `ci/gitlab/.gitlab/ci/${name}.yml.ejs`,
  view,
});
