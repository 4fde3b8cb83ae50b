import { environmentOf, parseWorkflow, type WorkflowJob } from './github-workflow.ts';

/** Our own rules, for what no validator of GitHub's says. One line a finding, none where all is well. */
export function ruleFindings(text: string): readonly string[] {
  const { on, permissions, jobs, defaults } = parseWorkflow(text);
  return [
    ...('pull_request_target' in on ? ['pull_request_target runs a stranger with our credentials'] : []),
    ...(JSON.stringify(on).includes('paths') ? ['a paths filter loses events'] : []),
    ...(JSON.stringify(permissions) === '{}' ? [] : ['permissions at the top are not empty']),
    ...(defaults?.run?.shell === 'bash' ? [] : ['the shell is not bash']),
    ...unpinned(text),
    ...Object.entries(jobs).flatMap(([id, job]) => jobFindings(job).map((finding) => `${id}: ${finding}`)),
  ];
}

/** Every action by its commit, with the version as a comment that Dependabot and people read. */
const unpinned = (text: string): readonly string[] =>
  [...text.matchAll(/^[ -]*uses:.*$/gm)]
    .map(([line]) => line.trim())
    .filter((line) => !/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))
    .map((line) => `not pinned: ${line}`);

function jobFindings(job: WorkflowJob): readonly string[] {
  const everything = JSON.stringify(job);
  return [
    ...(job.permissions === undefined ? ['no permissions'] : []),
    ...Object.entries(job.permissions ?? {})
      .filter(([, access]) => access !== 'read')
      .map(([scope, access]) => `${scope}: ${access} is more than it needs`),
    ...(job['timeout-minutes'] === undefined ? ['no timeout'] : []),
    ...(/secrets\.(?!DBT_ENV_SECRET)\w/.test(everything) ? ['reads a secret whose name dbt does not hide'] : []),
    ...(everything.includes('toJSON(secrets)') || /secrets:"?inherit/.test(everything) ? ['reads every secret'] : []),
    ...(/(?:secrets|vars)\.\w/.test(everything) && environmentOf(job) === undefined ? ['reads settings outside an environment'] : []),
    ...job.steps.flatMap(({ name, uses = '', run = '', with: inputs, ...step }) => [
      ...(run.includes('${{') ? [`an expression inside the script of "${name}"`] : []),
      ...(/\.(title|body|ref|label|message)\b|head_ref/.test(JSON.stringify(step)) ? [`a stranger's text in "${name}"`] : []),
      ...(uses.startsWith('actions/checkout@') && inputs?.['persist-credentials'] !== false ? ['checkout leaves its token behind'] : []),
      ...(/cache/.test(uses + JSON.stringify(inputs ?? {})) ? [`a cache, which a pull request could have filled`] : []),
      ...(/continue-on-error/.test(JSON.stringify(step)) ? [`"${name}" may fail unnoticed`] : []),
    ]),
  ];
}
