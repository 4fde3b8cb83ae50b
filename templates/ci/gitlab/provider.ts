import { defineCiProvider } from '../../../src/ci-provider.ts';
import { buildsPullRequests, deploys, type Pipeline, sweeps, watchesSweep } from '../../../src/pipeline.ts';
import { jobFiles, rootFile, sweepFile } from './jobs.ts';
import { apiScripts, identityToken, sweepScripts } from './scripts.ts';
import { claimsOf, scopedSettings, setupScript } from './setup.ts';

export const gitlab = defineCiProvider({
  id: 'gitlab',
  label: 'GitLab CI/CD',
  codeHost: 'gitlab',
  dropsOnClose: true,
  afterReopening: 'press *Run pipeline*, under Pipelines',
  questions: [],
  commonFiles: (pipeline) => [rootFile, setupScript(pipeline), ...identityToken(pipeline)],
  files: (pipeline) => [...jobFiles(pipeline), ...apiScripts(pipeline)],
  sweepFiles: (pipeline) => [sweepFile(pipeline), ...sweepScripts(pipeline)],

  docs: (pipeline) => {
    const view = {
      mainBranch: pipeline.mainBranch,
      deploys: deploys(pipeline),
      sweeps: sweeps(pipeline),
      watched: watchesSweep(pipeline),
      buildsDrafts: pipeline.buildsDrafts,
      byHand: byHand(pipeline),
      retries: retries(pipeline),
      onSchedule: pipeline.prodRuns.includes('schedule'),
      identityToken: pipeline.workloadIdentity !== undefined,
      claims: claimsView(pipeline),
      ownRunner: pipeline.runner ?? '',
      settings: scopedSettings(pipeline).map(({ name, secret, scopes, what, default: fallback }) => ({
        name: `\`${name}\``,
        kind: secret ? 'masked, hidden' : 'variable',
        place: scopes.map((scope) => `\`${scope}\`${scope === 'pr/*' ? '' : ', protected'}`).join('; '),
        what: fallback === undefined ? what : `${what} (default: \`${fallback}\`)`,
      })),
    };
    const passage = (topic: string) => ({ template: `ci/gitlab/docs/${topic}.md.ejs`, view });
    return {
      setup: passage('setup'),
      limits: passage('limits'),
      'failed-deploy': passage('failed-deploy'),
      sweep: passage('sweep'),
      backfill: passage('backfill'),
    };
  },

  nextSteps: (pipeline) => [
    `As a maintainer of the GitLab project (better: as an account made for it, which owns the schedules from then on): python scripts/dbt_envs/setup.py, then again with --apply. It protects ${pipeline.mainBranch}${settingNames(pipeline)}.${defaultsUsed(pipeline)}`,
    ...(sweeps(pipeline) && !deploys(pipeline)
      ? [
          `Merge this to ${pipeline.mainBranch}, then Build, Pipelines, New pipeline on it with DBT_ENVS_RUN=sweep and DBT_ENVS_DRY_RUN=true: the job's report says what the first night would clear, and what is not this project's.`,
        ]
      : []),
    ...(pipeline.prodRuns.includes('external') ? ['In the orchestrator outside CI that runs production: set DBT_ENVS_RUNNER=external.'] : []),
  ],

  warnings: (pipeline) => [
    ...(deploys(pipeline)
      ? [
          `GitLab keeps production's variables from every branch that is not protected, on every plan. On Free nothing makes anybody look at what is merged: whoever may merge to ${pipeline.mainBranch} is production. Required approvals, code owners and protected environments take Premium, and a maintainer can take them away again; approval policies of the group, which bind maintainers too, take Ultimate.`,
        ]
      : []),
    ...(buildsPullRequests(pipeline)
      ? ['A job with its own token may write no comment on GitLab: the review card is a link on the merge request, to a page among the artifacts.']
      : []),
    ...(sweeps(pipeline)
      ? [
          'A job with its own token may write no issue on GitLab: the one that stays open while the sweep fails needs an access token in DBT_ENVS_GITLAB_TOKEN. On gitlab.com, project access tokens take Premium; on Free, use one of an account that is made for it.',
        ]
      : []),
    ...(pipeline.loginOfMachine
      ? [
          `The warehouse knows a service as the machine that runs its job, and the code of every merge request runs on ${pipeline.runner}: what those machines can log in as, it can. Let them be CI's service alone, and give production and the sweep machines of their own that only ${pipeline.mainBranch} can use, or store secrets instead.`,
        ]
      : []),
    ...(pipeline.needsOwnRunner
      ? [
          pipeline.runner === undefined
            ? "The warehouse is on the disk of the machine that runs the jobs, and GitLab's own machines start empty: name the tag of a runner that sees it with --runner, e.g. --runner warehouse."
            : `The runner ${pipeline.runner} must see the disk that the warehouse is on, and every merge request's code runs there: keep it apart from production with file permissions.`,
        ]
      : []),
  ],
});

/** What the token of each service says, under the name that the line of setup.py gives it. */
const claimsView = (pipeline: Pipeline) =>
  (['ci', 'prod', 'janitor'] as const).flatMap((identity) => {
    const claims = claimsOf(pipeline, identity);
    return claims === undefined ? [] : [{ who: `\`${identity.toUpperCase()}_CLAIMS\``, claims: claims.split(' ').map(shownClaim).join(', ') }];
  });
const shownClaim = (claim: string): string => `\`${claim.replace('{project}', '<project>').replace('{namespace}', '<group>').replaceAll(',', ' or ')}\``;

const byHand = (pipeline: Pipeline): boolean => deploys(pipeline) && pipeline.prodRuns.includes('manual');
const retries = (pipeline: Pipeline): boolean => byHand(pipeline) && pipeline.inputs.some(({ name }) => name === 'retry');

function settingNames(pipeline: Pipeline): string {
  const asked = scopedSettings(pipeline).filter((setting) => setting.default === undefined);
  return asked.length === 0 ? '' : ` and asks for ${asked.map(({ name }) => name).join(', ')}`;
}

/** Of what is not asked for, what most teams have otherwise: its example is not its default. */
function defaultsUsed(pipeline: Pipeline): string {
  const used = scopedSettings(pipeline).filter(({ default: fallback, example }) => fallback !== undefined && fallback !== example);
  const named = used.map(({ name, default: fallback }) => `${name}=${fallback}`).join(', ');
  return used.length === 0 ? '' : ` It does not ask for what has a default: where ${named} is wrong, set your own in the shell that runs it.`;
}
