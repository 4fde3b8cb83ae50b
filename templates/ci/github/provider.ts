import { defineCiProvider } from '../../../src/ci-provider.ts';
import { deploys, type Pipeline, sweeps } from '../../../src/pipeline.ts';
import { apiScripts, sweepScripts } from './scripts.ts';
import { environmentsOf, guardedSecrets, identityToken, requiredChecks, settingsOf, setupScript } from './setup.ts';
import { sweepWorkflow, workflows } from './workflows.ts';

export const github = defineCiProvider({
  id: 'github',
  label: 'GitHub Actions',
  codeHost: 'github',
  dropsOnClose: true,
  questions: [],
  commonFiles: (pipeline) => [setupScript(pipeline), ...identityToken(pipeline)],
  files: (pipeline) => [...workflows(pipeline), ...apiScripts(pipeline)],
  sweepFiles: (pipeline) => [sweepWorkflow(pipeline), ...sweepScripts()],

  docs: (pipeline) => ({
    setup: { template: 'ci/github/docs/setup.md.ejs', view: setupView(pipeline) },
    limits: {
      template: 'ci/github/docs/limits.md.ejs',
      view: {
        mainBranch: pipeline.mainBranch,
        deploys: deploys(pipeline),
        onSchedule: pipeline.prodRuns.includes('schedule'),
        sweeps: sweeps(pipeline),
        limited: listed(limited(pipeline).map((name) => `\`${name}\``)),
        guards: guardedSecrets(pipeline).length > 0,
        identityToken: pipeline.workloadIdentity !== undefined,
      },
    },
    'failed-deploy': {
      template: 'ci/github/docs/failed-deploy.md.ejs',
      view: { mainBranch: pipeline.mainBranch, deploys: deploys(pipeline), byHand: byHand(pipeline), retries: retries(pipeline) },
    },
    sweep: { template: 'ci/github/docs/sweep.md.ejs', view: { mainBranch: pipeline.mainBranch, deploys: deploys(pipeline) } },
    backfill: { template: 'ci/github/docs/backfill.md.ejs', view: { byHand: byHand(pipeline) } },
  }),

  nextSteps: (pipeline) => [
    `As an administrator of the GitHub repository: python scripts/dbt_envs/setup.py, then again with --apply. It lets ${pipeline.mainBranch} change by pull request alone, makes ${environments(pipeline)}${settingNames(pipeline)}.${defaultsStored(pipeline)}`,
    ...(sweeps(pipeline) && !deploys(pipeline)
      ? [
          `Merge this to ${pipeline.mainBranch}: GitHub starts the sweep from there alone. Then Actions, dbt sweep, Run workflow, with a tick at dry_run: its page says what the first night would clear, and what is not this project's.`,
        ]
      : []),
    ...(pipeline.prodRuns.includes('external') ? ['In the orchestrator outside CI that runs production: set DBT_ENVS_RUNNER=external.'] : []),
  ],

  warnings: (pipeline) => [
    ...(deploys(pipeline)
      ? [
          `A private repository on GitHub Free has no environments and no branch rules: whoever can push a branch can read every secret and change ${pipeline.mainBranch}, so they are production. Use GitHub Team (Pro for a person), or deploy from a separate repository that only those who may deploy can push to. The deploy refuses while ${pipeline.mainBranch} is unprotected, unless the repository variable DBT_ENVS_UNPROTECTED_MAIN is "accepted".`,
        ]
      : []),
    ...(sweeps(pipeline) && !deploys(pipeline)
      ? [
          `A private repository on GitHub Free has no environments and no branch rules: scripts/dbt_envs/setup.py then stores no secret, and the nightly sweep does not run. Use GitHub Team (Pro for a person).`,
        ]
      : []),
    ...(pipeline.loginOfMachine
      ? [
          `The warehouse knows a service as the machine that runs its job, and the code of every pull request runs on ${pipeline.runner}: what those machines can log in as, it can. Let them be CI's service alone, and give production and the sweep machines of their own that only ${pipeline.mainBranch} can use, or store secrets instead.`,
        ]
      : []),
    ...(pipeline.needsOwnRunner
      ? [
          pipeline.runner === undefined
            ? "The warehouse is on the disk of the machine that runs the jobs, and GitHub's own machines start empty: name a runner that sees it with --runner, e.g. --runner self-hosted."
            : `The runner ${pipeline.runner} must see the disk that the warehouse is on, and every pull request's code runs there: keep it apart from production with file permissions.`,
        ]
      : []),
  ],
});

const byHand = ({ prodRuns }: Pipeline): boolean => prodRuns.includes('manual');
const retries = (pipeline: Pipeline): boolean => byHand(pipeline) && pipeline.inputs.some(({ name }) => name === 'retry');
const environments = (pipeline: Pipeline): string => {
  const names = environmentsOf(pipeline).map(({ name }) => name);
  return `the environment${names.length === 1 ? '' : 's'} ${listed(names)}`;
};
/** The environments that the main branch alone may enter. */
const limited = (pipeline: Pipeline): readonly string[] => environmentsOf(pipeline).flatMap(({ name, branches }) => (branches.length > 0 ? [name] : []));
const listed = (names: readonly string[]): string => [names.slice(0, -1).join(', '), ...names.slice(-1)].filter((part) => part !== '').join(' and ');

function settingNames(pipeline: Pipeline): string {
  const asked = settingsOf(pipeline).filter((setting) => setting.default === undefined);
  return asked.length === 0 ? '' : ` and asks for ${asked.map(({ name }) => name).join(', ')}`;
}

/** Of what is not asked for, what most teams have otherwise: its example is not its default. */
function defaultsStored(pipeline: Pipeline): string {
  const stored = settingsOf(pipeline).filter(({ default: fallback, example }) => fallback !== undefined && fallback !== example);
  const named = listed(stored.map(({ name, default: fallback }) => `${name}=${fallback}`));
  return stored.length === 0 ? '' : ` It does not ask for what has a default: where ${named} is wrong, set your own in the shell that runs it.`;
}

function setupView(pipeline: Pipeline) {
  const settings = settingsOf(pipeline);
  const api = 'gh api --method';
  return {
    mainBranch: pipeline.mainBranch,
    checks: requiredChecks(pipeline)
      .map((name) => `**${name}**`)
      .join(' and '),
    identityToken: pipeline.workloadIdentity !== undefined,
    ownRunner: pipeline.runner ?? '',
    guarded: listed(guardedSecrets(pipeline).map((name) => `\`${name}\``)),
    settings: settings.map(({ name, secret, environments: of, what, default: fallback }) => ({
      name: `\`${name}\``,
      kind: secret ? 'secret' : 'variable',
      place: `environment${of.length === 1 ? '' : 's'} ${listed(of.map((one) => `\`${one}\``))}`,
      what: fallback === undefined ? what : `${what} (default: \`${fallback}\`)`,
    })),
    commands: [
      ...environmentsOf(pipeline).flatMap(({ name, branches }) =>
        branches.length === 0
          ? [`${api} PUT "repos/{owner}/{repo}/environments/${name}"`]
          : [
              `${api} PUT "repos/{owner}/{repo}/environments/${name}" -F "deployment_branch_policy[protected_branches]=false" -F "deployment_branch_policy[custom_branch_policies]=true"`,
              ...branches.map(
                (branch) => `${api} POST "repos/{owner}/{repo}/environments/${name}/deployment-branch-policies" -f "name=${branch}" -f type=branch`,
              ),
            ],
      ),
      ...settings.flatMap(({ name, secret, environments: of }) => of.map((one) => `gh ${secret ? 'secret' : 'variable'} set ${name} --env ${one}`)),
    ],
  };
}
