import type { Pipeline } from '../../src/pipeline.ts';
import { type GitlabJob, gitlabJobs } from './gitlab-files.ts';

/** What somebody may choose who only opens a merge request: none of it stands in a script, quoted or not. */
const CHOSEN_BY_ANYBODY =
  /\$\{?(?:CI_MERGE_REQUEST_(?:TITLE|DESCRIPTION|LABELS|MILESTONE|ASSIGNEES|SOURCE_BRANCH_NAME)|CI_COMMIT_(?:MESSAGE|TITLE|DESCRIPTION|AUTHOR|REF_NAME|BRANCH|TAG)|GITLAB_USER_NAME)\b/;

/** Whose credentials the variables in an environment's scope are. */
const IDENTITIES: Readonly<Record<string, 'ci' | 'prod' | 'janitor'>> = { 'pr/$CI_MERGE_REQUEST_IID': 'ci', prod: 'prod', sweep: 'janitor' };
/** Scopes of which only a protected branch may see the variables. */
const PROTECTED = ['prod', 'sweep', 'sweep-issue'];

/** What is wrong with GitLab's files, a line each: who could read or do what is not theirs, and what would go unnoticed. */
export function findingsIn(files: Readonly<Record<string, string>>, pipeline: Pipeline): readonly string[] {
  const jobs = gitlabJobs(files);
  return Object.entries(jobs).flatMap(([name, job]) =>
    [...ofCredentials(job, pipeline), ...ofRules(job, pipeline), ...ofTheEnd(job, jobs), ...ofWhatIsLeft(job), ...ofText(job)].map(
      (finding) => `${name}: ${finding}`,
    ),
  );
}

function ofCredentials({ environment, script = [], variables = {} }: GitlabJob, pipeline: Pipeline): readonly string[] {
  const identity = IDENTITIES[environment?.name ?? ''];
  // A name that a script gives is none that it reads; values that are made up are no credentials.
  const text = [...script, ...(identity === undefined ? [] : [JSON.stringify(variables)])].join('\n').replaceAll(/export \w+=/g, '');
  return pipeline.variables
    .filter(({ name, secret, identities }) => secret && !identities.some((one) => one === identity) && new RegExp(`\\b${name}\\b`).test(text))
    .map(({ name }) => `names ${name}, which is not its own`);
}

function ofRules({ environment, rules = [] }: GitlabJob, { mainBranch }: Pipeline): readonly string[] {
  const name = environment?.name ?? '';
  const starting = rules.filter(({ when }) => when !== 'never').map((rule) => rule.if ?? '');
  const everyRule = (condition: string, otherwise: string): string[] => (starting.every((one) => one.includes(condition)) ? [] : [otherwise]);
  return [
    ...(rules.length === 0 ? ['has no rules, so everything starts it'] : []),
    ...(PROTECTED.includes(name) ? everyRule(`$CI_COMMIT_BRANCH == "${mainBranch}"`, `starts elsewhere than on ${mainBranch}`) : []),
    ...(name.startsWith('pr/') ? everyRule('$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID', 'starts for a fork') : []),
    ...(name.startsWith('pr/') ? everyRule('$CI_MERGE_REQUEST_PROJECT_ID == $CI_PROJECT_ID', 'starts in a fork') : []),
  ];
}

/** Of builds and their drops, and of what may not run beside itself. */
function ofTheEnd({ environment, resource_group: group, rules, interruptible }: GitlabJob, jobs: Readonly<Record<string, GitlabJob>>): readonly string[] {
  const { name = '', action, on_stop: stop = '' } = environment ?? {};
  const drop = jobs[stop];
  const deployment = environment !== undefined && action === undefined;
  return [
    ...((deployment || action === 'stop') && group === undefined ? ['has no resource group, so it runs beside itself'] : []),
    ...(deployment && PROTECTED.includes(name) && interruptible !== false ? ['may be cancelled on the way'] : []),
    ...(deployment && name.startsWith('pr/') && drop?.environment?.action !== 'stop' ? ['has no job that drops what it builds'] : []),
    ...(drop && drop.environment?.name !== name ? ['is dropped by a job of another environment'] : []),
    ...(drop && drop.resource_group !== group ? ['runs beside its own drop'] : []),
    // Of a merge request that nothing has built, the pipeline may still be green.
    ...(drop && !rules?.some((rule) => rule.when !== 'never' && isWithin(drop.rules?.[0]?.if ?? '', rule.if ?? ''))
      ? ['leaves out some that could be merged']
      : []),
    ...(drop && rules?.some(({ when, allow_failure: optional }) => when === 'manual' && optional !== false) ? ['may be left out by whoever merges'] : []),
    ...(drop && !rules?.every((rule) => isWithin(rule.if ?? '', drop.rules?.[0]?.if ?? '')) ? ['has no drop in some pipelines that build'] : []),
    ...(action === 'stop' && rules?.some(({ when }) => when !== 'manual') ? ['drops before anything has stopped'] : []),
  ];
}

/** What one job leaves for another, or for whoever looks. */
function ofWhatIsLeft({ environment, variables, artifacts }: GitlabJob): readonly string[] {
  return [
    ...(PROTECTED.includes(environment?.name ?? '') && variables?.GIT_STRATEGY !== 'clone' ? ['begins in what another job has left in its folder'] : []),
    ...(artifacts && artifacts.access !== 'developer' ? ['shows its artifacts to whoever sees the pipeline'] : []),
  ];
}

/** Whether the one condition says everything that the other says, and perhaps more. */
const isWithin = (narrow: string, wide: string): boolean => {
  const saidBy = (condition: string) => condition.split('&&').map((one) => one.trim());
  return saidBy(wide).every((one) => saidBy(narrow).includes(one));
};

function ofText({ inherit, script = [], timeout }: GitlabJob): readonly string[] {
  return [
    ...(JSON.stringify(inherit) === '{"default":["tags"]}' ? [] : ['takes more than tags from what the team makes a default']),
    ...(timeout === undefined ? ['may run for ever'] : []),
    ...(CHOSEN_BY_ANYBODY.test(script.join('\n')) ? ['has something in its script that anybody may choose'] : []),
  ];
}
