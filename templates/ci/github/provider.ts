import { defineCiProvider } from '../../../src/ci-provider.ts';
import type { Pipeline } from '../../../src/pipeline.ts';
import { environmentsOf, settingsOf, setupScript } from './setup.ts';
import { workflows } from './workflows.ts';

export const github = defineCiProvider({
  id: 'github',
  label: 'GitHub Actions',
  codeHost: 'github',
  dropsOnClose: true,
  questions: [],
  files: (pipeline) => [...workflows(pipeline), setupScript(pipeline)],

  docs: (pipeline) => ({
    setup: { template: 'ci/github/docs/setup.md.ejs', view: setupView(pipeline) },
    limits: {
      template: 'ci/github/docs/limits.md.ejs',
      view: { mainBranch: pipeline.mainBranch, deploys: deploys(pipeline), onSchedule: pipeline.prodRuns.includes('schedule') },
    },
    'failed-deploy': {
      template: 'ci/github/docs/failed-deploy.md.ejs',
      view: { mainBranch: pipeline.mainBranch, deploys: deploys(pipeline), byHand: pipeline.prodRuns.includes('manual') },
    },
  }),

  nextSteps: (pipeline) => [
    `As an administrator of the GitHub repository: python scripts/dbt_envs/setup.py, then again with --apply. It makes ${environments(pipeline)}${settingNames(pipeline)}.`,
    `On GitHub, Settings, Rules: let ${pipeline.mainBranch} change by pull request alone, with the check "${checkName(pipeline)}".`,
    ...(pipeline.prodRuns.includes('external') ? ['In the orchestrator outside CI that runs production: set DBT_ENVS_RUNNER=external.'] : []),
  ],

  warnings: (pipeline) => [
    ...(deploys(pipeline)
      ? [
          'A private repository on GitHub Free has no environments and no branch protection: whoever can push a branch could read the secrets of production. Use GitHub Team or Pro, or deploy from a separate repository.',
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

const deploys = (pipeline: Pipeline): boolean => environmentsOf(pipeline).includes('prod');
const environments = (pipeline: Pipeline): string => {
  const names = environmentsOf(pipeline);
  return names.length === 1 ? `the environment ${names}` : `the environments ${names.join(' and ')}`;
};
const checkName = ({ jobs }: Pipeline): string => jobs.find(({ id }) => id === 'build')?.title ?? '';

function settingNames(pipeline: Pipeline): string {
  const asked = settingsOf(pipeline).filter((setting) => setting.default === undefined);
  return asked.length === 0 ? '' : ` and asks for ${asked.map(({ name }) => name).join(', ')}`;
}

function setupView(pipeline: Pipeline) {
  const settings = settingsOf(pipeline);
  const api = 'gh api --method';
  return {
    mainBranch: pipeline.mainBranch,
    check: checkName(pipeline),
    ownRunner: pipeline.runner ?? '',
    settings: settings.map(({ name, secret, environments: of, what, default: fallback }) => ({
      name,
      kind: secret ? 'secret' : 'variable',
      place: of.length === 0 ? 'the repository' : `environment ${of.map((one) => `\`${one}\``).join(' and ')}`,
      what: fallback === undefined ? what : `${what} (default: \`${fallback}\`)`,
    })),
    commands: [
      ...environmentsOf(pipeline).flatMap((name) =>
        name === 'prod'
          ? [
              `${api} PUT "repos/{owner}/{repo}/environments/prod" -F "deployment_branch_policy[protected_branches]=false" -F "deployment_branch_policy[custom_branch_policies]=true"`,
              `${api} POST "repos/{owner}/{repo}/environments/prod/deployment-branch-policies" -f "name=${pipeline.mainBranch}" -f type=branch`,
            ]
          : [`${api} PUT "repos/{owner}/{repo}/environments/${name}"`],
      ),
      ...settings.flatMap(({ name, secret, environments: of }) =>
        (of.length === 0 ? [''] : of.map((one) => ` --env ${one}`)).map((where) => `gh ${secret ? 'secret' : 'variable'} set ${name}${where}`),
      ),
    ],
  };
}
