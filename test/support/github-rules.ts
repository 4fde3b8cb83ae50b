import { onBranch, pullRequest } from './github-events.ts';
import { admits, environmentOf, evaluate, isTruthy, parseWorkflow, type Workflow, type WorkflowJob, type WorkflowStep } from './github-workflow.ts';

/** Our own rules, for what no validator of GitHub's says. One line a finding, none where all is well. */
export function ruleFindings(text: string): readonly string[] {
  const workflow = parseWorkflow(text);
  return [
    ...WORKFLOW_RULES.flatMap((rule) => rule(workflow, text)),
    ...Object.entries(workflow.jobs).flatMap(([id, job]) => [
      ...JOB_RULES.flatMap((rule) => rule(job, id, workflow)).map((finding) => `${id}: ${finding}`),
      ...job.steps.flatMap((step) => STEP_RULES.flatMap((rule) => rule(step)).map((finding) => `${id}: ${finding} in "${step.name ?? step.uses}"`)),
    ]),
  ];
}

type WorkflowRule = (workflow: Workflow, text: string) => readonly string[];
type JobRule = (job: WorkflowJob, id: string, workflow: Workflow) => readonly string[];
type StepRule = (step: WorkflowStep) => readonly string[];
const when = (broken: boolean, finding: string): readonly string[] => (broken ? [finding] : []);

/** Text that whoever opens a pull request, names a branch or writes a commit can choose: the page "Secure use reference" of GitHub's documentation lists it. */
const STRANGERS_TEXT =
  /head_ref|github\.event\.[\w.*[\]']*\b(?:title|body|ref|label|message|email|page_name|description|name)\b|toJSON\(\s*github(?:\.event[\w.]*)?\s*\)/i;
/** Written by GitHub or by an administrator, not by a stranger. */
const OURS = /github\.event\.repository\.(?:default_branch|name|full_name)|head\.repo\.full_name/g;
const holdsStrangersText = (value: unknown): boolean => STRANGERS_TEXT.test(JSON.stringify(value ?? {}).replaceAll(OURS, ''));
const expressionsIn = (part: unknown): string => (JSON.stringify(part).match(/\$\{\{.*?\}\}/gs) ?? []).join('\n');
const readsSettings = (part: unknown): boolean => /\b(?:secrets|vars)\s*[.[)]/.test(expressionsIn(part));
const uses = ({ uses: action = '' }: WorkflowStep, name: string): boolean => action.startsWith(`actions/${name}@`);

const opensWithWhatItDoes: WorkflowRule = (_, text) => when(!/^# \S/.test(text), 'the file does not open with what it does');
const neverForAStranger: WorkflowRule = ({ on }) => when('pull_request_target' in on, 'pull_request_target runs a stranger with our credentials');
const losesNoEvent: WorkflowRule = ({ on }) => when(JSON.stringify(on).includes('paths'), 'a paths filter loses events');
const nothingAllowedAtTheTop: WorkflowRule = ({ permissions }) => when(JSON.stringify(permissions) !== '{}', 'permissions at the top are not empty');
const bashByDefault: WorkflowRule = ({ defaults }) => when(defaults?.run?.shell !== 'bash', 'the shell is not bash');
const noStrangersTextForAll: WorkflowRule = ({ env }) => when(holdsStrangersText(env), "a stranger's text in the environment of every job");
/** Every action by its commit, with the version as a comment that Dependabot and people read. */
const pinned: WorkflowRule = (_, text) =>
  [...text.matchAll(/^[ -]*uses:.*$/gm)]
    .map(([line]) => line.trim())
    .filter((line) => !/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))
    .map((line) => `not pinned: ${line}`);
const inOrder =
  (environment: string, finding: string): WorkflowRule =>
  ({ concurrency, jobs }) =>
    when(
      Object.values(jobs).some((job) => environmentOf(job) === environment) && (concurrency?.queue !== 'max' || 'cancel-in-progress' in concurrency),
      finding,
    );
const productionInOrder = inOrder('prod', 'a deploy that waits or runs could be cancelled');
const sweepsInOrder = inOrder('sweep', 'a sweep that waits or runs could be cancelled');
/** What somebody types into "Run workflow" reaches a script as data, never as its text; a condition only compares it. */
const inputsOnlyThroughEnv: WorkflowRule = (workflow) => {
  const { jobs, env: _, ...rest } = workflow;
  const typed = (part: unknown): boolean => /\binputs\b/.test(expressionsIn(part));
  return [
    ...when(typed(rest), "an input outside a job's env"),
    ...Object.entries(jobs).flatMap(([id, { env: ofJob, if: ofIf, steps, ...job }]) => [
      ...when(typed(job), `${id}: an input outside env`),
      ...steps.flatMap(({ env: ofStep, if: ofStepIf, ...step }) => when(typed(step), `${id}: an input outside env in "${step.name ?? step.uses}"`)),
    ]),
  ];
};
const WORKFLOW_RULES: readonly WorkflowRule[] = [
  opensWithWhatItDoes,
  neverForAStranger,
  losesNoEvent,
  nothingAllowedAtTheTop,
  bashByDefault,
  noStrangersTextForAll,
  pinned,
  productionInOrder,
  sweepsInOrder,
  inputsOnlyThroughEnv,
];

const saysItsPermissions: JobRule = ({ permissions }) => when(typeof permissions !== 'object', 'no permissions of its own');
/** A job that comments, or opens an issue, runs beside no credential; a token that a warehouse trusts is asked for only in the environment that it trusts. */
const writesNoMoreThanItNeeds: JobRule = (job) =>
  Object.entries(typeof job.permissions === 'object' ? job.permissions : {})
    .filter(([, access]) => access !== 'read' && access !== 'none')
    .flatMap(([scope, access]) => {
      if (scope === 'id-token') return when(environmentOf(job) === undefined, 'id-token: write outside an environment');
      if (scope !== 'pull-requests' && scope !== 'issues') return [`${scope}: ${access} is more than it needs`];
      return when(readsSettings(job) || environmentOf(job) !== undefined, `${scope}: ${access} in a job that has credentials`);
    });
const endsInTime: JobRule = ({ 'timeout-minutes': minutes }) => [
  ...when(minutes === undefined, 'no timeout'),
  ...when(minutes !== undefined && !(minutes > 0 && minutes <= 360), `a timeout of ${minutes} minutes: GitHub's own machines stop after 360`),
];
const onlySecretsThatDbtHides: JobRule = (job) =>
  when(/secrets\s*(?:\.(?!DBT_ENV_SECRET)\w|\[)/.test(expressionsIn(job)), 'reads a secret whose name dbt does not hide');
const notEverySecret: JobRule = (job) => when(/toJSON\(\s*secrets|secrets:"?inherit|"secrets":"inherit/.test(JSON.stringify(job)), 'reads every secret');
const settingsInAnEnvironment: JobRule = (job) => when(readsSettings(job) && environmentOf(job) === undefined, 'reads settings outside an environment');
const parsesWithoutSettings: JobRule = (job, id) =>
  when(id === 'parse' && (readsSettings(job) || environmentOf(job) !== undefined), "a stranger's pull request could read settings");
/** By GitHub's own evaluator: whatever a fork or Dependabot does to a pull request, no job with credentials starts. */
const closedToForksAndDependabot: JobRule = (job, _, { on }) => {
  if (!('pull_request' in on) || !(readsSettings(job) || environmentOf(job) !== undefined)) return [];
  const strangers = [
    { who: 'a fork', from: 'stranger/dbt' },
    { who: 'a fork that is gone', from: null },
    { who: 'Dependabot', by: 'dependabot[bot]', actor: 'priya' },
  ];
  return strangers
    .filter((stranger) =>
      (['opened', 'synchronize', 'reopened', 'ready_for_review', 'closed'] as const).some((action) =>
        isTruthy(evaluate(job.if ?? 'true', { github: pullRequest({ ...stranger, action }), needs: {}, vars: {}, inputs: {} })),
      ),
    )
    .map(({ who }) => `reads settings, and ${who} starts it`);
};
const noStrangersTextForTheJob: JobRule = ({ env }) => when(holdsStrangersText(env), "a stranger's text in the environment of its steps");
const mayNotFailUnnoticed: JobRule = (job) => when('continue-on-error' in job, 'may fail unnoticed');
const bashInTheJob: JobRule = ({ defaults }) => when((defaults?.run?.shell ?? 'bash') !== 'bash', 'the shell is not bash');
const production = (job: WorkflowJob): boolean => environmentOf(job) === 'prod';
/** But for a retry: what the last deploy failed at, which only a deploy from main can have left. */
const productionFetchesNothing: JobRule = (job) =>
  production(job)
    ? job.steps
        .filter((step) => uses(step, 'download-artifact') || /gh run download|actions\/artifacts|fetch_state(?!\.py --failed$)/.test(step.run ?? ''))
        .map(({ name, uses: action }) => `deploys what another run left: "${name ?? action}"`)
    : [];
const sweeps = (job: WorkflowJob): boolean => environmentOf(job) === 'sweep';
const runsTheTipOfMain: JobRule = (job) =>
  production(job) || sweeps(job)
    ? job.steps
        .filter((step) => uses(step, 'checkout') && /^$|\$\{\{/.test(String(step.with?.ref ?? '')))
        .map(() => 'checks out what the run was started for, not the tip of a branch by its name')
    : [];
/** By GitHub's own evaluator: neither from a branch that nobody reviewed, nor by a fork's numbers. */
const sweepsFromMainAlone: JobRule = (job, _, { jobs }) => {
  if (!sweeps(job)) return [];
  const starts = (github: Readonly<Record<string, unknown>>): boolean => isTruthy(evaluate(job.if ?? 'true', { github, needs: {}, vars: {}, inputs: {} }));
  const main = String(job.steps.find((step) => uses(step, 'checkout'))?.with?.ref);
  return [
    ...when(!starts(onBranch('schedule', main)), 'the schedule starts no sweep'),
    ...when(starts(onBranch('workflow_dispatch', 'made-up')), 'sweeps from any branch'),
    ...when(starts(onBranch('schedule', main, { fork: true })), "sweeps by a fork's pull requests"),
    ...when(
      Object.keys(jobs).every((id) => jobs[id] === job || !tells(jobs[id], 'failure', {})),
      'fails, and nobody is told',
    ),
    ...when(
      Object.values(jobs).some((other) => other !== job && (tells(other, 'failure', { dry_run: true }) || tells(other, 'skipped', {}))),
      'people are told of what was no sweep',
    ),
  ];
};
/** Whether a job that writes issues runs after a sweep that came to this. */
const tells = (job: WorkflowJob | undefined, result: string, inputs: Readonly<Record<string, unknown>>): boolean =>
  typeof job?.permissions === 'object' &&
  job.permissions.issues === 'write' &&
  admits(job.if, { github: onBranch('schedule'), needs: { sweep: { result, outputs: {} } }, inputs, vars: {} }, { failed: result !== 'success' });
const JOB_RULES: readonly JobRule[] = [
  saysItsPermissions,
  writesNoMoreThanItNeeds,
  endsInTime,
  onlySecretsThatDbtHides,
  notEverySecret,
  settingsInAnEnvironment,
  parsesWithoutSettings,
  closedToForksAndDependabot,
  noStrangersTextForTheJob,
  mayNotFailUnnoticed,
  bashInTheJob,
  productionFetchesNothing,
  runsTheTipOfMain,
  sweepsFromMainAlone,
];

const noExpressionInAScript: StepRule = ({ run = '' }) => when(run.includes('${{'), 'an expression inside the script');
const noStrangersText: StepRule = ({ name: _, run: __, if: ___, ...step }) => when(holdsStrangersText(step), "a stranger's text");
const keepsNoToken: StepRule = (step) => when(uses(step, 'checkout') && step.with?.['persist-credentials'] !== false, 'checkout leaves its token behind');
const noCache: StepRule = (step) => when(/cache/.test((step.uses ?? '') + JSON.stringify(step.with ?? {})), 'a cache, which a pull request could have filled,');
const failsLoudly: StepRule = (step) => when('continue-on-error' in step, 'a failure that nobody notices');
const bashInTheStep: StepRule = ({ shell = 'bash' }) => when(shell !== 'bash', 'another shell than bash');
/** Without `overwrite`, a job that is run again fails: its artifact is there already. https://github.com/actions/upload-artifact#overwriting-an-artifact */
const uploadsOnPurpose: StepRule = (step) =>
  uses(step, 'upload-artifact')
    ? [
        ...when(!Number.isInteger(step.with?.['retention-days']), 'an artifact that says not how long it is kept'),
        ...when(step.with?.['if-no-files-found'] === undefined, 'an artifact that says not what happens when it is empty'),
        ...when(step.with?.overwrite !== true && !/run_attempt/.test(String(step.with?.name)), 'an artifact that a second attempt cannot write'),
      ]
    : [];
const STEP_RULES: readonly StepRule[] = [noExpressionInAScript, noStrangersText, keepsNoToken, noCache, failsLoudly, bashInTheStep, uploadsOnPurpose];
