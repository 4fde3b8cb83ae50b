import { describe, expect, test } from 'vitest';
import { languageFindings } from '../support/github-language.ts';
import { ruleFindings } from '../support/github-rules.ts';
import { environmentOf, parseWorkflow, type WorkflowJob } from '../support/github-workflow.ts';
import { ciTexts, VARIABLES } from '../support/pipeline.ts';

const PULLS = '.github/workflows/dbt_pull_request.yml';
const DEPLOY = '.github/workflows/dbt_deploy.yml';
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

describe('a planted mistake is caught', () => {
  const pulls = ciTexts()[PULLS] ?? '';
  const deploy = ciTexts()[DEPLOY] ?? '';
  const planted = (text: string, from: string | RegExp, to: string): string => {
    const mutant = text.replace(from, to);
    expect(mutant, `nothing to plant at ${from}`).not.toBe(text);
    return mutant;
  };

  test.each<[string, string, string | RegExp, string, RegExp]>([
    ['a tag for a commit', pulls, /@[0-9a-f]{40} # v7.0.1/, '@v7', /not pinned/],
    ['a commit without its version', pulls, ' # v7.0.1', '', /not pinned/],
    ['pull_request_target', pulls, '  pull_request:', '  pull_request_target:', /pull_request_target/],
    ['a paths filter', pulls, '    types: [opened', '    paths: [models/**]\n    types: [opened', /paths filter/],
    ['wide permissions at the top', pulls, 'permissions: {}', 'permissions: write-all', /at the top/],
    ['no permissions in a job', deploy, / {4}permissions:\n {6}contents: read.*\n/, '', /deploy: no permissions/],
    ['a permission to write', pulls, 'pull-requests: read', 'pull-requests: write', /build: pull-requests: write/],
    ['no timeout', deploy, / {4}timeout-minutes: \d+\n/, '', /deploy: no timeout/],
    ['a token left on disk', pulls, '          persist-credentials: false\n', '', /leaves its token/],
    ['an expression in a script', pulls, 'run: dbt parse --target ci', `run: echo '\${{ github.event.pull_request.title }}'`, /inside the script of "Parse"/],
    ['a title in the environment', pulls, 'github.token', 'github.event.pull_request.title', /stranger's text/],
    ['a secret under another name', deploy, 'secrets.DBT_ENV_SECRET_PROD_PASSWORD', 'secrets.PROD_PASSWORD', /does not hide/],
    ['secrets without an environment', deploy, '    environment: prod\n', '', /outside an environment/],
    ['a cache', deploy, "python-version: '3.12'", "python-version: '3.12'\n          cache: pip", /a cache/],
    ['another shell', deploy, 'shell: bash', 'shell: sh', /not bash/],
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
    ['a key twice', deploy, '    environment: prod\n', '    environment: prod\n    environment: prod\n', /environment|unique/],
    ['a queue that is none', deploy, /^ {2}queue: max$/m, '  queue: most', /most/],
    ['an unknown key of an environment', pulls, 'deployment: false', 'deploymen: false', /deploymen/],
  ])("by GitHub's language service: %s", async (_, text, from, to, finding) => {
    expect((await languageFindings(planted(text, from, to))).join('\n')).toMatch(finding);
  });
});

describe('a job sees its own credentials and no others', () => {
  const jobs = workflowsOf({}, '').flatMap(([, text]) => Object.entries(parseWorkflow(text).jobs));
  const identities: Readonly<Record<string, 'ci' | 'prod' | undefined>> = { build: 'ci', drop: 'ci', deploy: 'prod', parse: undefined };
  const namesIn = (job: WorkflowJob) =>
    VARIABLES.map(({ name }) => name).filter((name) => new RegExp(`(?:secrets|vars)\\.${name}\\b`).test(JSON.stringify(job)));

  test('every job is one that this test knows', () => expect(jobs.map(([id]) => id).sort()).toEqual(Object.keys(identities).sort()));
  test.each(jobs)('%s', (id, job) => {
    const identity = identities[id];
    const own = VARIABLES.filter(({ identities: of }) => identity !== undefined && of.includes(identity)).map(({ name }) => name);
    expect(namesIn(job)).toEqual(own);
    expect(environmentOf(job)).toBe(identity);
  });
  test('only the deploy reads production, and a second reader would be seen', () => {
    const readers = (all: typeof jobs) => all.filter(([, job]) => /PROD/.test(JSON.stringify(job.env))).map(([id]) => id);
    expect(readers(jobs)).toEqual(['deploy']);
    expect(readers(jobs.map(([id, job]) => [id, { ...job, env: { DBT_ENV_SECRET_PROD_PASSWORD: 'x' } }]))).toHaveLength(jobs.length);
  });
});

describe('an answer reaches every job', () => {
  const [text = '', deploy = ''] = workflowsOf(
    { runner: 'self-hosted, linux', image: 'acme/dbt:3.12', pythonIndex: 'https://pypi.example.com/simple' },
    'data/dbt',
  ).map(([, one]) => one);
  const { build, drop, parse } = parseWorkflow(text).jobs;
  const own = [build, drop, parseWorkflow(deploy).jobs.deploy];

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
    for (const one of [text, deploy]) expect(parseWorkflow(one).defaults?.run?.['working-directory']).toBe('data/dbt');
  });
});

test('a close is handled with the code of the default branch, which somebody reviewed', () => {
  const { drop } = parseWorkflow(ciTexts()[PULLS] ?? '').jobs;
  expect(drop?.steps[0]?.with?.ref).toMatch(/^\$\{\{ github\.event\.repository\.default_branch \}\}$/);
});
