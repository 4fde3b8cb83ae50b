import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Pipeline } from '../../src/pipeline.ts';
import { render } from '../../src/render.ts';
import { setupScript } from '../../templates/ci/github/setup.ts';
import { workflows } from '../../templates/ci/github/workflows.ts';
import { python } from '../support/dbt.ts';
import {
  CHECKS,
  calls,
  checks,
  DELETION,
  FORCE_PUSH,
  github,
  LIMITED,
  newGithub,
  PROTECTED,
  PUBLIC,
  REPOSITORY,
  reviews,
  ruleset,
  script,
  setup,
  state,
  VALUES,
  writes,
} from '../support/github-setup.ts';
import { parseWorkflow } from '../support/github-workflow.ts';
import { ciTexts, pipeline, WORKLOAD_IDENTITY } from '../support/pipeline.ts';

beforeEach(newGithub);

describe('setup.py', () => {
  test('says what is missing and changes nothing', async () => {
    const { code, output } = await setup([], VALUES);
    expect(code).toBe(0);
    expect(output).toContain(
      `to do: main: changes by pull request alone, no deletion, no force push, the check "${CHECKS[0]}", the check "${CHECKS[1]}" (ruleset dbt-envs: acme)`,
    );
    expect(output).toContain('to do: environment prod, for main alone');
    expect(output).toContain('to do: secret DBT_ENV_SECRET_PROD_PASSWORD (environment prod)');
    expect(output).toContain('Nothing has been changed; --apply does it.');
    expect(writes()).toEqual([]);
  });

  test('with --apply makes all of it, each secret in its own environment, and none on a command line', async () => {
    const { code, output } = await setup(['--apply'], VALUES);
    expect(output).not.toMatch(/s3cret/);
    expect(code).toBe(0);
    const { environments, variables, secrets, rulesets } = state();
    expect(rulesets).toEqual([PROTECTED]);
    expect(environments.prod).toEqual({
      settings: { name: 'prod', deployment_branch_policy: LIMITED },
      branches: ['main'],
      // Defaults too: whoever can push may set a variable of the repository, and it must not count here.
      variables: { DBT_X_HOST: 'db.acme.example', DBT_X_PORT: '5432', DBT_PROD_LOGIN: "o'prod: #1" },
      secrets: { DBT_ENV_SECRET_PROD_PASSWORD: 'prod-s3cret' },
    });
    expect(environments.ci).toMatchObject({
      settings: { deployment_branch_policy: null },
      branches: [],
      variables: { DBT_X_HOST: 'db.acme.example' },
      secrets: { DBT_ENV_SECRET_CI_PASSWORD: 'ci-s3cret' },
    });
    expect([variables, secrets]).toEqual([{}, {}]);
    expect(
      calls()
        .split('\n')
        .filter((line) => /s3cret/.test(line.split(' < ')[0] ?? '')),
    ).toEqual([]);
    const order = writes();
    expect(order.findIndex((line) => line.includes('deployment-branch-policies'))).toBeLessThan(order.findIndex((line) => line.includes('PROD_PASSWORD')));
  });

  test('a second time finds everything in place and changes nothing', async () => {
    await setup(['--apply'], VALUES);
    const before = [state(), writes()];
    const { code, output } = await setup(['--apply'], { ...VALUES, DBT_ENV_SECRET_CI_PASSWORD: 'another' });
    expect(output).toContain('Everything is in place.');
    expect([code, [state(), writes()]]).toEqual([0, before]);
  });

  test('--replace takes a new value for the one that it names', async () => {
    await setup(['--apply'], VALUES);
    await setup(['--apply', '--replace', 'DBT_ENV_SECRET_CI_PASSWORD'], {
      ...VALUES,
      DBT_ENV_SECRET_CI_PASSWORD: 'new',
      DBT_ENV_SECRET_PROD_PASSWORD: 'not this',
    });
    expect([state().environments.ci.secrets, state().environments.prod.secrets]).toEqual([
      { DBT_ENV_SECRET_CI_PASSWORD: 'new' },
      { DBT_ENV_SECRET_PROD_PASSWORD: 'prod-s3cret' },
    ]);
    expect((await setup(['--replace', 'DBT_TYPO'])).output).toContain('--replace DBT_TYPO: the workflows read no such setting.');
  });

  test('stores no secret where GitHub has no environments: a private repository on GitHub Free', async () => {
    github({ free: true });
    const { code, output } = await setup(['--apply'], VALUES);
    expect(code).toBe(1);
    expect(output).toContain('Nothing secret was stored. A private repository on GitHub Free has no environments');
    expect(calls()).not.toMatch(/secret set/);
  });

  test('stops where more than main may enter prod', async () => {
    github({ environments: { prod: { settings: { deployment_branch_policy: LIMITED }, branches: ['main', 'release/*'], variables: {}, secrets: {} } } });
    const { code, output } = await setup(['--apply'], VALUES);
    expect(code).toBe(1);
    expect(output).toContain('environment prod also admits release/*.');
    expect(calls()).not.toMatch(/secret set/);
  });

  test('keeps the reviewers and the wait that prod already had', async () => {
    const protection_rules = [
      { type: 'wait_timer', wait_timer: 30 },
      { type: 'required_reviewers', prevent_self_review: true, reviewers: [{ type: 'Team', reviewer: { id: 7, name: 'leads' } }] },
      { type: 'branch_policy' },
    ];
    github({ environments: { prod: { settings: { protection_rules, deployment_branch_policy: null }, branches: [], variables: {}, secrets: {} } } });
    await setup(['--apply'], VALUES);
    expect(state().environments.prod.settings).toEqual({
      name: 'prod',
      wait_timer: 30,
      reviewers: [{ type: 'Team', id: 7 }],
      prevent_self_review: true,
      deployment_branch_policy: LIMITED,
    });
  });

  test('without a terminal and without a value says what is left, and fails', async () => {
    const { code, output } = await setup(['--apply'], { DBT_X_HOST: 'db' });
    expect(output).toContain('DBT_ENV_SECRET_CI_PASSWORD is left unset');
    expect([code, output.includes('3 still to do.')]).toEqual([1, true]);
  });

  test('stores no first line of a private key that is pasted: it says how several lines are given', async () => {
    const here = mkdtempSync(path.join(tmpdir(), 'dbt-envs-'));
    writeFileSync(path.join(here, 'setup.py'), ciTexts()['scripts/dbt_envs/setup.py'] ?? '');
    const asked = async (typed: string): Promise<string> => {
      const code = [
        'import getpass, sys, setup',
        'class Terminal:\n    def isatty(self): return True',
        `sys.stdin = Terminal(); getpass.getpass = lambda prompt: ${JSON.stringify(typed)}`,
        'print([setup.ask({"name": "DBT_ENV_SECRET_CI_PRIVATE_KEY", "secret": True})])',
      ];
      return (await python(here, ['-c', code.join('\n')], { python: 'tools' })).output;
    };
    expect(await asked('-----BEGIN PRIVATE KEY-----')).toMatch(/DBT_ENV_SECRET_CI_PRIVATE_KEY="\$\(cat key\.p8\)" python [^\n]+\n\[''\]/);
    expect(await asked('long-and-random')).toBe("['long-and-random']\n");
  });

  test('tells a person who is no administrator, and one who has no gh', async () => {
    github({ repository: { ...REPOSITORY, permissions: { admin: false } } });
    expect((await setup(['--apply'])).output).toContain('you are not an administrator of acme/dbt');
    const { code, output } = await setup([], { PATH: '/nonexistent' });
    expect([code, output]).toEqual([1, 'setup: gh is not installed. Get it from https://cli.github.com, run gh auth login, and start this again.\n']);
  });
});

test.each(['rules', 'branches', 'actions', 'environments'])('a server that fails is not a repository that lacks: %s', async (broken) => {
  github({ broken, repository: PUBLIC });
  const { code, output } = await setup(['--apply'], VALUES);
  expect(output).toMatch(/^setup: gh api .*Server Error \(HTTP 502\)$/m);
  expect(code).toBe(1);
  expect(calls()).not.toMatch(/secret set/);
});

describe("main's rule", () => {
  const apply = () => setup(['--apply'], VALUES);
  const ruleWrites = () => writes().filter((line) => line.includes('/rulesets'));

  test('asks for checks that are names of jobs: under another name nothing could ever be merged', () => {
    const jobs = workflows(pipeline()).flatMap(({ template, view }) => Object.values(parseWorkflow(render(template, view)).jobs));
    expect(jobs.map(({ name }) => name)).toEqual(expect.arrayContaining(CHECKS));
  });

  test.each<[string, object, object]>([
    ['a rule of the organisation that asks for two approvals', { organisationRules: [reviews(2), DELETION, FORCE_PUSH] }, ruleset([checks(...CHECKS)])],
    [
      'the older branch protection, with one of the checks',
      {
        protection: {
          main: {
            required_pull_request_reviews: { required_approving_review_count: 1 },
            required_status_checks: { contexts: CHECKS.slice(0, 1) },
            allow_deletions: { enabled: false },
            allow_force_pushes: { enabled: true },
          },
        },
      },
      ruleset([FORCE_PUSH, checks(...CHECKS.slice(1))]),
    ],
    ["somebody else's ruleset", { rulesets: [ruleset([reviews(1), FORCE_PUSH], { id: 9, name: 'ours' })] }, ruleset([DELETION, checks(...CHECKS)], { id: 2 })],
  ])('adds what is lacking beside %s, and leaves that alone', async (_, given, expected) => {
    github(given);
    const before = state();
    const { code, output } = await apply();
    expect([code, output]).toEqual([0, expect.not.stringContaining('!')]);
    const { rulesets, organisationRules, protection } = state();
    expect(rulesets).toEqual([...before.rulesets, expected]);
    expect([organisationRules, protection]).toEqual([before.organisationRules, before.protection]);
    const all = ruleWrites();
    expect((await apply()).output).toContain('Everything is in place.');
    expect(ruleWrites()).toEqual(all);
  });

  test('finishes its own ruleset where that is half done, and weakens nothing that somebody made stronger in it', async () => {
    const owner = { actor_id: null, actor_type: 'OrganizationAdmin', bypass_mode: 'pull_request' };
    const mine = ruleset([reviews(2), { type: 'required_signatures' }, checks('lint', ...CHECKS.slice(0, 1))], { bypass_actors: [owner] });
    github({ rulesets: [mine] });
    await apply();
    expect(state().rulesets).toEqual([{ ...mine, rules: [reviews(2), { type: 'required_signatures' }, checks('lint', ...CHECKS), DELETION, FORCE_PUSH] }]);
  });

  test('switches its own ruleset on where it is off, and points it at main where it is not', async () => {
    github({ rulesets: [{ ...PROTECTED, enforcement: 'disabled', conditions: { ref_name: { include: ['refs/heads/old'], exclude: [] } } }] });
    expect((await setup([])).output).toContain('to do: main: changes by pull request alone');
    await apply();
    expect(state().rulesets).toEqual([{ ...PROTECTED, conditions: { ref_name: { include: ['refs/heads/old', 'refs/heads/main'], exclude: [] } } }]);
  });

  test('is looked at again: a ruleset that GitHub takes and that does not hold is still to do', async () => {
    github({ rulesets: [ruleset([], { conditions: { ref_name: { include: [], exclude: ['refs/heads/main'] } } })] });
    const { code, output } = await apply();
    expect(output).toContain('! GitHub took the ruleset, and main still lacks: changes by pull request alone, no deletion, no force push, the check');
    expect([code, output.includes('1 still to do.')]).toEqual([1, true]);
  });

  test('is for the main branch by its own name', async () => {
    script(pipeline({ mainBranch: 'release/1.0' }));
    await apply();
    expect(state().rulesets[0].conditions.ref_name.include).toEqual(['refs/heads/release/1.0']);
    expect(calls()).toContain('/rules/branches/release%2F1.0?');
  });

  test('on a plan without rules: says before anything is written what is unprotected and what then', async () => {
    github({ free: true });
    for (const args of [[], ['--apply']]) {
      const { code, output } = await setup(args, VALUES);
      expect(code).toBe(args.length);
      expect(output).toContain('! main stays unprotected: gh: Upgrade to GitHub Pro');
      expect(output).toContain('Whoever can push to main changes what production is built from, unreviewed.');
      expect(output).toContain('deploy from a separate repository');
      expect(output).toContain('Until then the deploy refuses. To accept it as it is: gh variable set DBT_ENVS_UNPROTECTED_MAIN --body accepted');
    }
    expect(state().environments).toEqual({});
  });

  test('refused by a policy: the rest is done, the rule is left to do; accepted, it is not', async () => {
    github({ noRulesets: true });
    const refused = await apply();
    expect(refused.output).toContain('! main stays unprotected: gh: Repository rulesets are disabled');
    expect([refused.code, refused.output.includes('1 still to do.'), Object.keys(state().environments)]).toEqual([1, true, ['ci', 'prod', 'sweep']]);
    github({ ...state(), variables: { ...state().variables, DBT_ENVS_UNPROTECTED_MAIN: 'accepted' } });
    const accepted = await apply();
    expect(accepted.output).toContain('The variable DBT_ENVS_UNPROTECTED_MAIN says that this is accepted.');
    expect(accepted.code).toBe(0);
  });
});

describe('workflows of forks', () => {
  test('of a public repository wait for an approval, whoever sent them', async () => {
    github({ repository: PUBLIC, forks: { approval_policy: 'first_time_contributors' } });
    expect((await setup([], VALUES)).output).toContain('to do: workflows of forks: approval for everybody from outside');
    expect(state().forks).toEqual({ approval_policy: 'first_time_contributors' });
    await setup(['--apply'], VALUES);
    expect(state().forks).toEqual({ approval_policy: 'all_external_contributors' });
    expect((await setup(['--apply'], VALUES)).output).toContain('Everything is in place.');
  });

  test('are left to do where somebody else decides it', async () => {
    github({ repository: PUBLIC, forks: { approval_policy: 'first_time_contributors' }, forksDecidedAbove: true });
    const { code, output } = await setup(['--apply'], VALUES);
    expect(output).toContain('The organization decides this (HTTP 409). Ask for the approval of all external contributors by hand');
    expect([code, output.includes('1 still to do.')]).toEqual([1, true]);
  });

  test('of a private repository: GitHub has no such approval; that they get secrets is said', async () => {
    const { output } = await setup(['--apply'], VALUES);
    expect(calls()).not.toContain('fork-pr-contributor-approval');
    expect(output).not.toContain('Forks get secrets');
    github({ privateForks: { send_secrets_and_variables: true } });
    expect((await setup([], VALUES)).output).toContain('! Forks get secrets or a token that writes');
  });
});

describe('the environment of the janitor', () => {
  test('is `sweep`, for main alone, with its own settings under their own names', async () => {
    await setup(['--apply'], VALUES);
    expect(state().environments.sweep).toEqual({
      settings: { name: 'sweep', deployment_branch_policy: LIMITED },
      branches: ['main'],
      // profiles.yml reads the last two under the names of ci's: the workflow hands them over.
      variables: { DBT_X_HOST: 'db.acme.example', DBT_X_PORT: '5432', DBT_JANITOR_LOGIN: 'acme_janitor' },
      secrets: { DBT_ENV_SECRET_JANITOR_PASSWORD: 'janitor-s3cret' },
    });
    expect(Object.keys(state().environments.prod.secrets)).toEqual(['DBT_ENV_SECRET_PROD_PASSWORD']);
    expect(Object.keys(state().environments.ci.secrets)).toEqual(['DBT_ENV_SECRET_CI_PASSWORD']);
  });
  test('gets no secret where more than main may enter it', async () => {
    github({ environments: { sweep: { settings: { deployment_branch_policy: LIMITED }, branches: ['main', 'hotfix'], variables: {}, secrets: {} } } });
    const { code, output } = await setup(['--apply'], VALUES);
    expect([code, output.includes('environment sweep also admits hotfix.'), calls().includes('JANITOR')]).toEqual([1, true, false]);
  });
});

describe('a secret of production, or of the sweep, that stands a second time', () => {
  const PROD = 'DBT_ENV_SECRET_PROD_PASSWORD';
  const kept = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, 'planted-value']));
  const environment = (more: object = {}) => ({ settings: { deployment_branch_policy: null }, branches: [], variables: {}, secrets: kept([PROD]), ...more });
  const limited = (more: object) => ({ environments: { old: environment({ settings: { deployment_branch_policy: LIMITED }, ...more }) } });
  const apply = (given: object) => {
    github(given);
    return setup(['--apply'], VALUES);
  };
  const named = (output: string) =>
    [...output.matchAll(/^! secret (\w+) \(([^)]*)\): (.*) reads it\. Delete it, under (.*); and make/gm)].map(([, ...words]) => words);
  const BRANCH = 'a workflow that any branch brings';
  const ENTERS = 'a workflow of every branch that may enter it';

  test.each<[string, object, string, string, string]>([
    ['the repository', { secrets: kept([PROD]) }, 'repository', BRANCH, 'Settings, Secrets and variables, Actions'],
    ['the repository, written otherwise', { secrets: kept([PROD.toLowerCase()]) }, 'repository', BRANCH, 'Settings, Secrets and variables, Actions'],
    [
      'the organisation',
      { organisationSecrets: [PROD] },
      'organisation',
      BRANCH,
      "the organisation's Settings, Secrets and variables, Actions, or take this repository off its list",
    ],
    ['Codespaces', { codespaces: [PROD] }, 'Codespaces', 'the codespace of everybody who may push', 'Settings, Secrets and variables, Codespaces'],
    ['Dependabot', { dependabot: [PROD] }, 'Dependabot', 'a run that Dependabot starts', 'Settings, Secrets and variables, Dependabot'],
    ['the environment of pull requests', { environments: { ci: environment() } }, 'environment ci', ENTERS, 'Settings, Environments'],
    ['an environment that nothing limits', { environments: { old: environment() } }, 'environment old', ENTERS, 'Settings, Environments'],
    [
      'an environment of all protected branches',
      limited({ settings: { deployment_branch_policy: { protected_branches: true, custom_branch_policies: false } } }),
      'environment old',
      ENTERS,
      'Settings, Environments',
    ],
    ['an environment of main and others', limited({ branches: ['main', 'release/*'] }), 'environment old', ENTERS, 'Settings, Environments'],
    ['an environment of main and a tag of that name', limited({ branches: ['main'], tags: ['main'] }), 'environment old', ENTERS, 'Settings, Environments'],
  ])('in %s is named with the way out, is left to do, and stays', async (_, given, place, reader, where) => {
    const { code, output } = await apply(given);
    expect(named(output)).toEqual([[PROD, place, reader, where]]);
    expect([code, output.includes('1 still to do.'), output.includes('planted-value')]).toEqual([1, true, false]);
    for (const [store, secrets] of Object.entries(given)) if (store !== 'environments') expect(state()[store]).toEqual(secrets);
    expect(calls()).not.toMatch(/DELETE|secret delete/);
  });

  test('is no mistake where main alone enters, and CI’s own is everybody’s anyway', async () => {
    const { code, output } = await apply({
      ...limited({ branches: ['main'] }),
      secrets: kept(['DBT_ENV_SECRET_CI_PASSWORD', `${PROD}_OLD`]),
      organisationSecrets: ['DBT_ENV_SECRET_CI_PASSWORD'],
    });
    expect([code, named(output)], output).toEqual([0, []]);
  });

  test.each(['prod', 'Prod'])('is none in its own environment, which this very run limits to main: %s', async (name) => {
    github({ environments: { [name]: environment() } });
    const { output } = await setup([], VALUES);
    expect([named(output), output.includes('to do: environment prod, for main alone')]).toEqual([[], true]);
  });

  test('is found beyond the first page of each list', async () => {
    const names = Array.from({ length: 40 }, (_, at) => `A_${at}`);
    const secrets = kept([...names, PROD]);
    const environments = Object.fromEntries([...names, 'z'].map((name) => [name, environment({ secrets: name === 'z' ? secrets : {} })]));
    const { output } = await apply({ secrets, environments, organisationSecrets: [...names, 'DBT_ENV_SECRET_JANITOR_PASSWORD'] });
    expect(named(output).map(([name, place]) => `${name} ${place}`)).toEqual([
      `${PROD} repository`,
      'DBT_ENV_SECRET_JANITOR_PASSWORD organisation',
      `${PROD} environment z`,
    ]);
  }, 60_000);

  test.each([
    ['/actions/organization-secrets', 403, 'secrets (organisation)'],
    ['/actions/organization-secrets', 404, 'secrets (organisation)'],
    ['/codespaces', 404, 'secrets (Codespaces)'],
    ['/environments?', 403, 'environments'],
    ['/environments/old/secrets', 404, 'secrets (environment old)'],
  ])('is not looked for where the login may not: %s, %s', async (area, status, what) => {
    const { code, output } = await apply({ environments: { old: environment() }, secrets: {}, unseen: { [area]: status } });
    expect(output).toMatch(
      new RegExp(`^! Not looked at: ${what.replaceAll(/[()]/g, '\\$&')}\\. gh: .*\\(HTTP ${status}\\)\\. None of these may stand there: ${PROD}, `, 'm'),
    );
    expect(code).toBe(area.startsWith('/environments') ? 0 : 1);
  });

  test('is looked for in an organisation only where there is one', async () => {
    const { output } = await apply({ repository: { ...REPOSITORY, owner: { ...REPOSITORY.owner, type: 'User' } }, unseen: { '/actions/organization': 404 } });
    expect([output.includes('Not looked at'), calls().includes('organization-secrets')]).toEqual([false, false]);
  });

  test('is named without what a pushed workflow may call an environment', async () => {
    const name = 'a/b\u001b[2J\nEverything is in place.\u202e $(id)';
    const { code, output } = await apply({ environments: { [name]: environment() } });
    expect(output).toContain(`! secret ${PROD} (environment a/b [2J Everything is in place.  $(id)): `);
    expect([code, /^Everything is in place/m.test(output), [...output].some((one) => one !== '\n' && /\p{C}/u.test(one))]).toEqual([1, false, false]);
  });

  test('on a plan without environments is what somebody has accepted, and that is said', async () => {
    const todo = async (given: object) => {
      github({ free: true, ...given });
      const { output } = await setup([], VALUES);
      return [Number(/^(\d+) to do/m.exec(output)?.[1]), named(output).length, output.includes('Without environments, it has no other place.')];
    };
    const accepted = { variables: { DBT_ENVS_UNPROTECTED_MAIN: 'accepted' } };
    const [without] = await todo(accepted);
    expect(await todo({ ...accepted, secrets: kept([PROD]) })).toEqual([without, 1, true]);
    expect(await todo({ ...accepted, organisationSecrets: [PROD] })).toEqual([Number(without) + 1, 1, false]);
    expect(await todo({ secrets: kept([PROD]) })).toEqual([Number(without) + 2, 1, false]);
  });
  test('is not, where the plan has environments and only a policy forbids the rule', async () => {
    const { code, output } = await apply({ noRulesets: true, variables: { DBT_ENVS_UNPROTECTED_MAIN: 'accepted' }, secrets: kept([PROD]) });
    expect([code, named(output).length, output.includes('1 still to do.')]).toEqual([1, 1, true]);
  });
});

test.each(['prod', 'sweep'])('stops where a tag of main’s name may enter %s: whoever may push makes one', async (name) => {
  github({ environments: { [name]: { settings: { deployment_branch_policy: LIMITED }, branches: ['main'], tags: ['main'], variables: {}, secrets: {} } } });
  const { code, output } = await setup(['--apply'], VALUES);
  expect([code, output.includes(`environment ${name} also admits the tag main.`), /secret set .*PROD/.test(calls())]).toEqual([1, true, false]);
});

describe('what stops a sweep, or the word of one that fails, is said, and left to a person', () => {
  test.each([
    [
      'another default branch',
      { default_branch: 'develop' },
      'GitHub starts the nightly sweep on the default branch alone, and that is develop: make it main.',
    ],
    ['a fork', { fork: true }, 'This repository is a fork: the nightly sweep runs in it only after gh variable set DBT_ENVS_SWEEP_FORK --body yes'],
    ['no issues', { has_issues: false }, 'Issues are off, so nobody is told of a sweep that fails. Turn them on: Settings, General, Features.'],
  ])('%s', async (_, more, saying) => {
    github({ repository: { ...REPOSITORY, ...more } });
    const { code, output } = await setup(['--apply'], VALUES);
    expect([code, output.includes(`! ${saying}\n`)]).toEqual([0, true]);
    expect(output.match(/^!/gm)?.length).toBe(1);
  });
  test('and nothing of it where all is well, or where it was said already that the fork sweeps', async () => {
    for (const given of [{}, { repository: { ...REPOSITORY, fork: true }, variables: { DBT_ENVS_SWEEP_FORK: 'yes' } }]) {
      github(given);
      expect((await setup([], VALUES)).output).not.toContain('!');
    }
  });
});

describe('for the sweep alone, where another CI builds and deploys', () => {
  const { jobs, ...rest } = pipeline();
  const alone: Pipeline = { ...rest, jobs: jobs.filter(({ id }) => id === 'sweep') };
  test('it makes one environment, and asks for no check that nothing would ever report', async () => {
    script(alone);
    github({ repository: PUBLIC, forks: { approval_policy: 'first_time_contributors' } });
    const { code, output } = await setup(['--apply'], VALUES);
    expect([code, output]).toEqual([0, expect.not.stringContaining('check')]);
    expect(Object.keys(state().environments)).toEqual(['sweep']);
    expect(state().environments.sweep.secrets).toEqual({ DBT_ENV_SECRET_JANITOR_PASSWORD: 'janitor-s3cret' });
    expect(state().rulesets).toEqual([ruleset([reviews(0), DELETION, FORCE_PUSH])]);
    expect(state().forks).toEqual({ approval_policy: 'first_time_contributors' });
    expect((await setup(['--apply'], VALUES)).output).toContain('Everything is in place.');
  });
  test('on a plan without rules, it says what is unprotected, and stores no secret', async () => {
    script(alone);
    github({ free: true });
    const { code, output } = await setup(['--apply'], VALUES);
    expect(output).toContain('Whoever can push to main changes what runs with the secrets below, unreviewed.');
    expect([code, output.includes('production'), calls().includes('secret set')]).toEqual([1, false, false]);
  });
  test('without a sweep, nothing is said of one', () => {
    const { template, view } = setupScript({ ...rest, jobs: jobs.filter(({ id }) => id !== 'sweep') });
    expect(render(template, view)).not.toMatch(/sweep|janitor/i);
  });
});

describe('where the services log in with tokens of GitHub', () => {
  const subjects = async (given: object) => {
    script({ ...pipeline(), workloadIdentity: WORKLOAD_IDENTITY });
    github(given);
    return (await setup([], VALUES)).output;
  };

  test('names the subjects with ids where GitHub says so: it is asked, not the date', async () => {
    const output = await subjects({ subject: { use_default: true, use_immutable_subject: false, sub_claim_prefix: 'repo:acme@111/dbt@222' } });
    expect(output).toContain('the form with the ids of owner and repository');
    expect(output).toContain(
      "TOKEN_ISSUER=https://token.actions.githubusercontent.com CI_CLAIMS='sub=repo:acme@111/dbt@222:environment:ci repository_id=222 repository_owner_id=111' PROD_CLAIMS='sub=repo:acme@111/dbt@222:environment:prod repository_id=222 repository_owner_id=111' JANITOR_CLAIMS='sub=repo:acme@111/dbt@222:environment:sweep repository_id=222 repository_owner_id=111' bash grants/trust.sh",
    );
    expect(output).toContain('\n  ci: repo:acme@111/dbt@222:environment:ci\n  prod: repo:acme@111/dbt@222:environment:prod\n');
    expect(output).toContain('gh api repos/acme/dbt/actions/oidc/customization/sub');
  });
  test('makes them from the ids where GitHub says only that they are in', async () => {
    expect(await subjects({ subject: { use_default: true, use_immutable_subject: true } })).toContain('prod: repo:acme@111/dbt@222:environment:prod');
  });
  test('names those of an older repository, and of a server that knows no such thing', async () => {
    for (const subject of [{ use_default: true, use_immutable_subject: false, sub_claim_prefix: 'repo:acme/dbt' }, undefined]) {
      const output = await subjects({ subject });
      expect(output).toContain('prod: repo:acme/dbt:environment:prod');
      expect(output).toContain('the form of names alone, which pass to whoever takes the name next');
    }
  });
  test('guesses none where the organisation made up its own', async () => {
    const output = await subjects({ subject: { use_default: false, include_claim_keys: ['repo', 'job_workflow_ref'], sub_claim_prefix: 'repo:acme/dbt' } });
    expect(output).toContain('! The subject of tokens is made of repo, job_workflow_ref here');
    expect(output).not.toContain(':environment:');
  });
  test('and where they do not, says nothing of it', () => {
    expect(ciTexts()['scripts/dbt_envs/setup.py']).not.toMatch(/oidc|subject/i);
  });
});
