import { describe, expect, test } from 'vitest';
import type { Job } from '../../src/pipeline.ts';
import { versions } from '../../src/versions.ts';
import { sweepWorkflow, workflows } from '../../templates/ci/github/workflows.ts';
import { ACTIONS } from '../support/github-actions.ts';
import { languageFindings } from '../support/github-language.ts';
import { ruleFindings } from '../support/github-rules.ts';
import { environmentOf, parseWorkflow, type WorkflowJob } from '../support/github-workflow.ts';
import { ciTexts, pipeline, VARIABLES, WORKLOAD_IDENTITY } from '../support/pipeline.ts';

const PULLS = '.github/workflows/dbt_pull_request.yml';
const DEPLOY = '.github/workflows/dbt_deploy.yml';
const SWEEP = '.github/workflows/dbt_sweep.yml';
const variants: readonly [string, Record<string, string>, string][] = [
  ['the defaults', {}, ''],
  ['a project in a subfolder', {}, 'data/dbt'],
  [
    'a runner, an image and an index',
    { runner: 'self-hosted, linux', image: 'registry.example.com/acme/dbt:3.12', pythonIndex: 'https://pypi.example.com/simple?a=b' },
    '',
  ],
  ['one runner label', { runner: 'ubuntu-24.04' }, ''],
  ['merges alone, another branch', { prodRuns: 'merge', mainBranch: 'release/1.0' }, ''],
];
const workflowsOf = (given: Record<string, string>, projectDir: string) =>
  Object.entries(ciTexts(given, projectDir)).filter(([path]) => path.includes('.github/workflows/'));

describe.each(variants)('with %s', (_, given, projectDir) => {
  test.each(workflowsOf(given, projectDir))('%s keeps our rules', (_path, text) => expect(ruleFindings(text)).toEqual([]));
  test.each(workflowsOf(given, projectDir))("%s is valid in GitHub's language service", async (_path, text) =>
    expect(await languageFindings(text)).toEqual([]),
  );
});

test('every action that we may emit has been looked at, at the very commit that we name', () => {
  const pins = Object.entries(versions).filter(([name]) => name.startsWith('actions/'));
  expect(pins.length).toBeGreaterThan(3);
  expect(pins).toEqual(pins.map(([name]) => [name, { tag: ACTIONS[name]?.tag, commit: ACTIONS[name]?.commit }]));
});

const uses = (name: 'actions/upload-artifact' | 'actions/download-artifact' | 'actions/checkout') => `${name}@${versions[name].commit} # ${versions[name].tag}`;
describe('a planted mistake is caught', () => {
  const pulls = ciTexts()[PULLS] ?? '';
  // The one that can also retry what failed.
  const deploy = ciTexts({ warehouse: 'postgres' })[DEPLOY] ?? '';
  const sweep = ciTexts()[SWEEP] ?? '';
  const planted = (text: string, from: string | RegExp, to: string): string => {
    const mutant = text.replace(from, to);
    expect(mutant, `nothing to plant at ${from}`).not.toBe(text);
    return mutant;
  };

  test.each([pulls, deploy, sweep])('and there was none before', async (text) => {
    expect([ruleFindings(text), await languageFindings(text)]).toEqual([[], []]);
    expect(text).toMatch(/pull-requests: write|inputs\.select|issues: write/);
  });
  test('nor is a token for the warehouse one, in the environment that it trusts', () => {
    expect(ruleFindings(planted(deploy, '      contents: read', '      id-token: write\n      contents: read'))).toEqual([]);
  });

  test.each<[string, string, string | RegExp, string, RegExp]>([
    ['a tag for a commit', pulls, /@[0-9a-f]{40} # v7.0.1/, '@v7', /not pinned/],
    ['a commit without its version', pulls, ' # v7.0.1', '', /not pinned/],
    ['pull_request_target', pulls, '  pull_request:', '  pull_request_target:', /pull_request_target/],
    ['a paths filter', pulls, '    types: [opened', '    paths: [models/**]\n    types: [opened', /paths filter/],
    ['wide permissions at the top', pulls, 'permissions: {}', 'permissions: write-all', /at the top/],
    ['no permissions in a job', deploy, / {4}permissions:\n(?: {6}.*\n)+/, '', /deploy: no permissions/],
    ['a permission to write beside credentials', pulls, 'pull-requests: read', 'pull-requests: write', /build: pull-requests: write in a job that has/],
    [
      'a secret in the job that comments',
      pulls,
      'CARD: ${{ needs.build.outputs.card }}',
      'CARD: ${{ secrets.DBT_ENV_SECRET_X }}',
      /card: pull-requests: write in a job that has/,
    ],
    [
      'a variable in the job that comments',
      pulls,
      'CARD: ${{ needs.build.outputs.card }}',
      'CARD: ${{ vars.CARD }}',
      /card: pull-requests: write in a job that has/,
    ],
    [
      'an environment for the job that comments',
      pulls,
      '    needs: [build, drop]\n',
      '    needs: [build, drop]\n    environment: ci\n',
      /card: pull-requests: write in a job that has/,
    ],
    [
      'a permission to write code',
      pulls,
      '      contents: read # the code\n      pull-requests: write',
      '      contents: write # the code\n      pull-requests: write',
      /card: contents: write is more/,
    ],
    ['every permission in a job', deploy, / {4}permissions:\n(?: {6}.*\n)+/, '    permissions: write-all\n', /deploy: no permissions of its own/],
    ['a token for the warehouse outside an environment', pulls, 'pull-requests: write # the card', 'id-token: write', /card: id-token: write outside/],
    ['no timeout', deploy, / {4}timeout-minutes: \d+\n/, '', /deploy: no timeout/],
    ['a token left on disk', pulls, '          persist-credentials: false\n', '', /leaves its token/],
    [
      'an expression in a script',
      pulls,
      'run: dbt parse --target ci',
      `run: echo '\${{ github.event.pull_request.title }}'`,
      /parse: an expression inside the script in "Parse"/,
    ],
    ['a title in the environment', pulls, 'github.token', 'github.event.pull_request.title', /stranger's text/],
    ['a secret under another name', deploy, 'secrets.DBT_ENV_SECRET_PROD_PASSWORD', 'secrets.PROD_PASSWORD', /does not hide/],
    ['secrets without an environment', deploy, '    environment: prod\n', '', /outside an environment/],
    ['a cache', deploy, "python-version: '3.12'", "python-version: '3.12'\n          cache: pip", /a cache/],
    ['another shell', deploy, 'shell: bash', 'shell: sh', /not bash/],
    [
      'another shell in a job',
      deploy,
      '    environment: prod\n',
      '    environment: prod\n    defaults:\n      run:\n        shell: pwsh\n',
      /deploy: the shell is not bash/,
    ],
    [
      'another shell in a step',
      pulls,
      'run: dbt parse --target ci',
      'run: dbt parse --target ci\n        shell: sh',
      /parse: another shell than bash in "Parse"/,
    ],
    ['a time-out that is none', deploy, /timeout-minutes: \d+/, 'timeout-minutes: 400', /deploy: a timeout of 400 minutes/],
    ['no first line', pulls, /^/, '\n', /does not open with what it does/],
    ['no comment at all', deploy, /^(?:#.*\n)+/, '', /does not open with what it does/],
    [
      'a branch name for every job',
      pulls,
      'permissions: {}\n',
      'permissions: {}\n\nenv:\n  BRANCH: ${{ github.head_ref }}\n',
      /stranger's text in the environment of every/,
    ],
    [
      'a branch name for a job',
      pulls,
      'PR_NUMBER: ${{ github.event.pull_request.number }}',
      'PR_NUMBER: ${{ github.event.pull_request.head.ref }}',
      /build: a stranger's text in the environment of its/,
    ],
    ['a commit message', deploy, 'DBT_ENVS_SELECT: ${{ inputs.select }}', 'DBT_SELECT: ${{ github.event.head_commit.message }}', /deploy: a stranger's text/],
    ['the whole event', pulls, 'github.token', 'toJSON(github.event)', /stranger's text in "Stop/],
    [
      'a title as the name of an artifact',
      pulls,
      '          name: dbt-card\n          path: target/dbt_envs\n',
      '          name: ${{ github.event.pull_request.title }}\n',
      /card: a stranger's text in "Take the card over"/,
    ],
    [
      'an input in a script',
      deploy,
      'run: python scripts/dbt_envs/deploy_prod.py',
      "run: dbt build --select '${{ inputs.select }}'",
      /deploy: an input outside env in "Build"/,
    ],
    [
      'an input as the name of an artifact',
      deploy,
      'name: dbt-prod-state',
      'name: state-${{ inputs.select }}',
      /deploy: an input outside env in "Publish production's state"/,
    ],
    ['an input in the name of a job', deploy, 'name: Build production', 'name: Build ${{ inputs.select }}', /deploy: an input outside env$/m],
    [
      'an input in the name of a run',
      deploy,
      /^name: dbt deploy$/m,
      'name: dbt deploy\nrun-name: ${{ github.event.inputs.select }}',
      /an input outside a job's env/,
    ],
    [
      'a fork that is built',
      pulls,
      'head.repo.full_name == github.repository &&\n',
      'head.repo.full_name != null &&\n',
      /build: reads settings, and a fork starts it/,
    ],
    [
      'a fork that is gone and built',
      pulls,
      'github.event.pull_request.head.repo.full_name == github.repository',
      '(github.event.pull_request.head.repo == null || github.event.pull_request.head.repo.full_name == github.repository)',
      /build: reads settings, and a fork that is gone starts it/,
    ],
    [
      'Dependabot, by who pushed last',
      pulls,
      "github.event.pull_request.user.login != 'dependabot[bot]'",
      "github.actor != 'dependabot[bot]'",
      /build: reads settings, and Dependabot starts it/,
    ],
    ['no condition at all', pulls, / {4}if: >-\n(?: {6}.*\n)+/, '', /build: reads settings, and a fork starts it/],
    [
      'a secret for a stranger',
      pulls,
      'run: dbt parse --target ci',
      'run: dbt parse\n        env:\n          P: ${{ secrets.DBT_ENV_SECRET_CI_PASSWORD }}',
      /parse: a stranger's pull request could read/,
    ],
    [
      'an environment for a stranger',
      pulls,
      '    timeout-minutes: 15\n',
      '    timeout-minutes: 15\n    environment: ci\n',
      /parse: a stranger's pull request could read/,
    ],
    ['every secret', deploy, 'DBT_ENVS_SELECT: ${{ inputs.select }}', 'ALL: ${{ toJSON(secrets) }}', /deploy: reads every secret/],
    ['a secret by a name made up', deploy, 'DBT_ENVS_SELECT: ${{ inputs.select }}', "ONE: ${{ secrets[format('{0}', 'X')] }}", /does not hide/],
    ['a job that may fail', pulls, '    timeout-minutes: 15\n', '    timeout-minutes: 15\n    continue-on-error: true\n', /parse: may fail unnoticed/],
    [
      'a step that may fail',
      pulls,
      '      - name: Take the card over\n',
      '      - name: Take the card over\n        continue-on-error: true\n',
      /card: a failure that nobody notices in "Take the card over"/,
    ],
    ['an artifact kept for ever', deploy, '          retention-days: 90\n', '', /deploy: an artifact that says not how long.*"Publish/],
    ['an artifact that may be empty', deploy, '          if-no-files-found: error\n', '', /what happens when it is empty in "Publish/],
    ['an artifact that a second attempt cannot write', deploy, / {10}overwrite: true.*\n/, '', /a second attempt cannot write in "Publish/],
    [
      'production from an artifact',
      deploy,
      '      - name: Build\n',
      `      - name: Get\n        uses: ${uses('actions/download-artifact')}\n      - name: Build\n`,
      /deploy: deploys what another run left: "Get"/,
    ],
    [
      'production from an artifact, by a script',
      deploy,
      'run: python scripts/dbt_envs/deploy_prod.py',
      'run: gh run download',
      /deploy: deploys what another run left: "Build"/,
    ],
    ["production from a pull request's state", deploy, 'fetch_state.py --failed', 'fetch_state.py', /deploy: deploys what another run left: "Fetch/],
    ['production from the commit of an old run', deploy, / {10}ref: .*\n/, '', /deploy: checks out what the run was started for/],
    [
      'production from a commit by its number',
      deploy,
      / {10}ref: .*\n/,
      '          ref: ${{ github.sha }}\n',
      /deploy: checks out what the run was started for/,
    ],
    ['a deploy that a newer one cancels', deploy, '  queue: max\n', '  cancel-in-progress: true\n', /a deploy that waits or runs could be cancelled/],
    ['a deploy that loses its place', deploy, '  queue: max\n', '', /a deploy that waits or runs could be cancelled/],
    ['a sweep that a newer one cancels', sweep, '  queue: max\n', '  cancel-in-progress: true\n', /a sweep that waits or runs could be cancelled/],
    ['a sweep that loses its place', sweep, '  queue: max\n', '', /a sweep that waits or runs could be cancelled/],
    ['a sweep from any branch', sweep, "github.ref == 'refs/heads/main' &&\n", 'github.ref &&\n', /sweep: sweeps from any branch/],
    ['a sweep in every fork', sweep, /\(!github.event.repository.fork \|\| .*\)/, 'true', /sweep: sweeps by a fork's pull requests/],
    ['a sweep that no schedule starts', sweep, "github.ref == 'refs/heads/main' &&", "github.event_name != 'schedule' &&", /the schedule starts no sweep/],
    ['a sweep with the code of an old run', sweep, / {10}ref: main\n/, '', /sweep: checks out what the run was started for/],
    ['a sweep outside its environment', sweep, '    environment: sweep\n', '', /sweep: reads settings outside an environment/],
    ['a sweep that writes', sweep, 'pull-requests: read', 'pull-requests: write', /sweep: pull-requests: write in a job that has/],
    [
      'a sweep that opens issues itself',
      sweep,
      '      pull-requests: read',
      '      issues: write\n      pull-requests: read',
      /sweep: issues: write in a job that has/,
    ],
    [
      'a secret where issues are written',
      sweep,
      'RESULT: ${{ needs.sweep.result }}',
      'RESULT: ${{ secrets.DBT_ENV_SECRET_X }}',
      /tell: issues: write in a job that has/,
    ],
    [
      'an environment where issues are written',
      sweep,
      '    needs: [sweep]\n',
      '    needs: [sweep]\n    environment: sweep\n',
      /tell: issues: write in a job that has/,
    ],
    ['nobody is told of a failure', sweep, 'always() && ', '', /sweep: fails, and nobody is told/],
    ['people are told of a dry run', sweep, ' && !inputs.dry_run', '', /people are told of what was no sweep/],
    ['people are told of a skipped run', sweep, "needs.sweep.result != 'skipped' && ", '', /people are told of what was no sweep/],
    [
      'an input of the sweep in a script',
      sweep,
      'run: python scripts/dbt_envs/sweep.py',
      "run: python scripts/dbt_envs/sweep.py '${{ inputs.keep }}'",
      /sweep: an input outside env in "Sweep"/,
    ],
    [
      'a sweep that may fail',
      sweep,
      '      - name: Sweep\n',
      '      - name: Sweep\n        continue-on-error: true\n',
      /sweep: a failure that nobody notices in "Sweep"/,
    ],
  ])('by our rules: %s', (_, text, from, to, finding) => {
    expect(ruleFindings(planted(text, from, to)).join('\n')).toMatch(finding);
  });

  test.each<[string, string, string | RegExp, string, RegExp]>([
    ['an event that is none', pulls, '  pull_request:\n', '  pull_requests:\n', /pull_requests/],
    ['an activity that is none', pulls, 'synchronize,', 'synchronise,', /synchronise/],
    ['an unknown key', pulls, 'concurrency:\n', 'concurency:\n', /concurency/],
    ['an unknown key of a job', deploy, 'timeout-minutes:', 'timeout-minute:', /timeout-minute/],
    ['an unknown permission', pulls, 'pull-requests: read', 'pull-request: read', /pull-request/],
    ['a permission that is none', pulls, 'pull-requests: read', 'pull-requests: admin', /admin/],
    ['one = too few', deploy, 'github.ref ==', 'github.ref =', /[Uu]nexpected|symbol/],
    ['an expression left open', pulls, "'reopened' }}", "'reopened' }", /[Uu]nexpected|unclosed|terminat/],
    ['an unknown context', deploy, 'vars.DBT_X_HOST }}', 'var.DBT_X_HOST }}', /\bvar\b/],
    ['a field that the event lacks', pulls, 'github.event.pull_request.number', 'github.event.pull_request.num', /num/],
    ['secrets in a condition', deploy, 'if: github.ref ==', 'if: secrets.X ==', /secrets/],
    ['an output of no step', pulls, 'steps.pull_request.outputs', 'steps.pullrequest.outputs', /pullrequest/],
    ['a step that runs and uses', pulls, '      - name: Parse\n', '      - name: Parse\n        uses: actions/checkout@v7\n', /run|uses/],
    ['no runner', deploy, / {4}runs-on: .*\n/, '', /runs-on/],
    ['a cron that never comes', deploy, "'17 5 * * *'", "'17 25 * * *'", /cron/i],
    ['a cron of the sweep that never comes', sweep, "'43 3 * * *'", "'63 3 * * *'", /cron/i],
    ['an output of the sweep that is none', sweep, 'needs.sweep.outputs.account', 'needs.sweep.outputs.acount', /acount/],
    ['a need that is no job', sweep, 'needs: [sweep]', 'needs: [swept]', /swept/],
    ['an input that is none', sweep, '!inputs.dry_run', '!inputs.dryrun', /dryrun/],
    ['a key twice', deploy, '    environment: prod\n', '    environment: prod\n    environment: prod\n', /environment|unique/],
    ['a queue that is none', deploy, /^ {2}queue: max$/m, '  queue: most', /most/],
    ['an unknown key of an environment', pulls, 'deployment: false', 'deploymen: false', /deploymen/],
    ['an input that checkout lacks', pulls, 'persist-credentials:', 'persist-credential:', /Invalid action input 'persist-credential'/],
    ['an input that setup-python lacks', deploy, 'python-version:', 'python_version:', /Invalid action input 'python_version'/],
    ['an input that upload-artifact lacks', deploy, 'if-no-files-found:', 'if-no-file-found:', /Invalid action input 'if-no-file-found'/],
    [
      'an input that download-artifact lacks',
      pulls,
      '          name: dbt-card\n          path: target/dbt_envs\n',
      '          artifact: dbt-card\n          path: target/dbt_envs\n',
      /Invalid action input 'artifact'/,
    ],
    ['an input that is needed', deploy, '          path: target/dbt_envs/state\n', '', /Missing required input `path`/],
    [
      'a commit that nobody looked at',
      deploy,
      versions['actions/upload-artifact'].commit,
      '043fb46d1a93c77aae656e7c1c64a875d1fc6a0a',
      /Unable to resolve action/,
    ],
    ['an action that nobody looked at', pulls, 'actions/download-artifact@', 'actions/cache@', /Unable to resolve action/],
  ])("by GitHub's language service: %s", async (_, text, from, to, finding) => {
    expect((await languageFindings(planted(text, from, to))).join('\n')).toMatch(finding);
  });
});

describe('a job sees its own credentials and no others', () => {
  const jobs = workflowsOf({}, '').flatMap(([, text]) => Object.entries(parseWorkflow(text).jobs));
  const identities: Readonly<Record<string, Job['identity'] | undefined>> = {
    build: 'ci',
    drop: 'ci',
    deploy: 'prod',
    sweep: 'janitor',
    parse: undefined,
    card: undefined,
    tell: undefined,
  };
  const namesIn = (job: WorkflowJob) =>
    VARIABLES.map(({ name }) => name).filter((name) => new RegExp(`(?:secrets|vars)\\.${name}\\b`).test(JSON.stringify(job)));

  test('every job is one that this test knows', () => expect(jobs.map(([id]) => id).sort()).toEqual(Object.keys(identities).sort()));
  test.each(jobs)('%s', (id, job) => {
    const identity = identities[id];
    const own = VARIABLES.filter(({ identities: of }) => identity !== undefined && of.includes(identity)).map(({ name }) => name);
    expect(namesIn(job)).toEqual(own);
    expect(environmentOf(job)).toBe(identity === 'janitor' ? 'sweep' : identity);
  });
  test('the janitor’s reach the sweep under the names that target ci reads, and are named by their own where they are missing', () => {
    const { sweep } = Object.fromEntries(jobs);
    expect(sweep?.env).toMatchObject({
      DBT_CI_LOGIN: "${{ vars.DBT_JANITOR_LOGIN || 'acme_janitor' }}",
      DBT_ENV_SECRET_CI_PASSWORD: '${{ secrets.DBT_ENV_SECRET_JANITOR_PASSWORD }}',
    });
    expect(JSON.stringify(sweep)).not.toMatch(/(?:secrets|vars)\.DBT_(?:CI_LOGIN|ENV_SECRET_CI)/);
    expect(sweep?.env).not.toHaveProperty('PR_NUMBER');
  });
  test('only the sweep reads the janitor', () => {
    expect(jobs.filter(([, job]) => /JANITOR/.test(JSON.stringify(job.env))).map(([id]) => id)).toEqual(['sweep']);
  });
  test('only the deploy reads production, and a second reader would be seen', () => {
    const readers = (all: typeof jobs) => all.filter(([, job]) => /PROD/.test(JSON.stringify(job.env))).map(([id]) => id);
    expect(readers(jobs)).toEqual(['deploy']);
    expect(readers(jobs.map(([id, job]) => [id, { ...job, env: { DBT_ENV_SECRET_PROD_PASSWORD: 'x' } }]))).toHaveLength(jobs.length);
  });
});

describe('an answer reaches every job', () => {
  const [text = '', deploy = '', sweep = ''] = workflowsOf(
    { runner: 'self-hosted, linux', image: 'acme/dbt:3.12', pythonIndex: 'https://pypi.example.com/simple' },
    'data/dbt',
  ).map(([, one]) => one);
  const { build, drop, parse } = parseWorkflow(text).jobs;
  const own = [build, drop, parseWorkflow(deploy).jobs.deploy, parseWorkflow(sweep).jobs.sweep];

  test('the runner and the image: those with credentials', () => {
    for (const job of own) expect(job).toMatchObject({ 'runs-on': ['self-hosted', 'linux'], container: 'acme/dbt:3.12' });
  });
  test("but a fork's code never comes near a machine of yours", () => {
    expect(parse?.['runs-on']).toBe('ubuntu-latest');
    expect(parse?.container).toBeUndefined();
  });
  test('the image brings its own Python; a runner gets one', () => {
    for (const job of own) expect(JSON.stringify(job)).not.toContain('setup-python');
    expect(JSON.stringify(parse)).toContain('setup-python');
  });
  test('the package index and the folder: all of them', () => {
    for (const job of [...own, parse])
      expect(job?.steps.find(({ name }) => name === 'Install dbt')?.env).toEqual({ PIP_INDEX_URL: 'https://pypi.example.com/simple' });
    for (const one of [text, deploy, sweep]) expect(parseWorkflow(one).defaults?.run?.['working-directory']).toBe('data/dbt');
  });
});

test.each([
  ['asks for a token where the warehouse trusts one', true, { ...pipeline(), workloadIdentity: WORKLOAD_IDENTITY }],
  ['asks for none where it does not', false, pipeline()],
])('a job %s', (_, identityToken, of) => {
  const job = { identityToken };
  expect([...workflows(of), sweepWorkflow(of)].map(({ view }) => view)).toMatchObject([{ build: job, drop: job }, { deploy: job }, { sweep: job }]);
});

test('a close is handled with the code of the default branch, which somebody reviewed', () => {
  const { drop } = parseWorkflow(ciTexts()[PULLS] ?? '').jobs;
  expect(drop?.steps[0]?.with?.ref).toMatch(/^\$\{\{ github\.event\.repository\.default_branch \}\}$/);
});
