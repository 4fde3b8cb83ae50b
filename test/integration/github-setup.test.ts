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
