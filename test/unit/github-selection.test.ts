import { describe, expect, test } from 'vitest';
import { mergeGroup, onBranch, pullRequest } from '../support/github-events.ts';
import { admits, evaluate, interpolate, parseWorkflow, selected } from '../support/github-workflow.ts';
import { ciTexts } from '../support/pipeline.ts';

const workflow = (name: string, given = {}) => parseWorkflow(ciTexts(given)[`.github/workflows/${name}.yml`] ?? '');
const pulls = workflow('dbt_pull_request');
const deploy = workflow('dbt_deploy');
const sweep = workflow('dbt_sweep');

describe('which jobs an event starts', () => {
  test.each([
    ['opened', pullRequest({ action: 'opened' }), ['build']],
    ['pushed to', pullRequest({ action: 'synchronize' }), ['build']],
    ['reopened', pullRequest({ action: 'reopened' }), ['build']],
    ['out of draft', pullRequest({ action: 'ready_for_review' }), ['build']],
    ['opened as a draft', pullRequest({ action: 'opened', draft: true }), ['parse']],
    ['a draft is pushed to', pullRequest({ action: 'synchronize', draft: true }), ['parse']],
    ['from a fork', pullRequest({ action: 'opened', from: 'stranger/dbt' }), ['parse']],
    ['from a fork that is gone', pullRequest({ action: 'synchronize', from: null }), ['parse']],
    ['a draft from a fork', pullRequest({ action: 'opened', from: 'stranger/dbt', draft: true }), ['parse']],
    ['by Dependabot', pullRequest({ action: 'opened', by: 'dependabot[bot]' }), ['parse']],
    ['closed, merged', pullRequest({ action: 'closed', merged: true }), ['drop']],
    ['closed, not merged', pullRequest({ action: 'closed' }), ['drop']],
    ['closed as a draft, after it had been built', pullRequest({ action: 'closed', draft: true }), ['drop']],
    ['a fork closes', pullRequest({ action: 'closed', from: 'stranger/dbt' }), []],
    ['a fork that is gone closes', pullRequest({ action: 'closed', from: null }), []],
    ['merged by a bot', pullRequest({ action: 'closed', merged: true, actor: 'merge-bot[bot]' }), ['drop']],
    ['closed by a bot, not merged', pullRequest({ action: 'closed', actor: 'stale[bot]' }), ['drop']],
    ['pushed to with force, by somebody else', pullRequest({ action: 'synchronize', actor: 'sam' }), ['build']],
    ['in the merge queue', mergeGroup(), ['parse']],
    ['Dependabot closes', pullRequest({ action: 'closed', by: 'dependabot[bot]' }), []],
  ])('pull request: %s', (_, event, jobs) => expect(selected(pulls, event)).toEqual(jobs));

  test.each([
    ['a push to main', onBranch('push'), ['deploy']],
    ['the schedule', onBranch('schedule'), ['deploy']],
    ['by hand, from main', onBranch('workflow_dispatch'), ['deploy']],
    ['by hand, from another branch', onBranch('workflow_dispatch', 'feature'), []],
  ])('deploy: %s', (_, event, jobs) => expect(selected(deploy, event)).toEqual(jobs));

  test.each([
    ['a draft', pullRequest({ action: 'opened', draft: true }), ['build']],
    ['a draft of a fork', pullRequest({ action: 'opened', draft: true, from: 'stranger/dbt' }), ['parse']],
    ['in the merge queue', mergeGroup(), ['parse']],
  ])('with --build-drafts yes: %s', (_, event, jobs) => expect(selected(workflow('dbt_pull_request', { buildDrafts: 'yes' }), event)).toEqual(jobs));

  test.each([
    ['built', 'success', 'open', 'skipped', '', true],
    ['the build failed', 'failure', 'open', 'skipped', '', true],
    ['an old run is started again, and the pull request has moved on', 'failure', 'moved', 'skipped', '', false],
    ['or is closed', 'failure', 'closed', 'skipped', '', false],
    ['nothing was built: a fork, a draft, the merge queue', 'skipped', '', 'skipped', '', false],
    ['dropped', 'skipped', '', 'success', 'true', true],
    ['open again before the drop, pinned, or not there', 'skipped', '', 'success', '', false],
    ['the drop failed', 'skipped', '', 'failure', '', false],
  ])('the card: %s', (_, build, open, drop, dropped, posts) => {
    const needs = { build: { result: build, outputs: { state: open } }, drop: { result: drop, outputs: { dropped } } };
    expect(admits(pulls.jobs.card?.if, { github: {}, needs }, { failed: true })).toBe(posts);
    expect(pulls.jobs.card?.needs).toEqual(['build', 'drop']);
  });

  test.each([
    ['the schedule', onBranch('schedule'), ['sweep']],
    ['by hand, from main', onBranch('workflow_dispatch'), ['sweep']],
    ['by hand, from another branch', onBranch('workflow_dispatch', 'feature'), []],
    ['the schedule, where main is not the default branch', onBranch('schedule', 'develop', { defaultBranch: 'develop' }), []],
    ['the schedule of a fork', onBranch('schedule', 'main', { fork: true }), []],
    ['by hand in a fork', onBranch('workflow_dispatch', 'main', { fork: true }), []],
  ])('sweep: %s', (_, event, jobs) => expect(selected(sweep, event, {})).toEqual(jobs));
  test("sweep: a team's own repository that is a fork says so once", () => {
    const fork = onBranch('schedule', 'main', { fork: true });
    expect(selected(sweep, fork, { DBT_ENVS_SWEEP_FORK: 'yes' })).toEqual(['sweep']);
    expect(selected(sweep, fork, { DBT_ENVS_SWEEP_FORK: 'no' })).toEqual([]);
  });
  test('sweep: an event that does not say whether the repository is a fork starts it', () => {
    expect(selected(sweep, { ...onBranch('schedule'), event: { schedule: '43 3 * * *' } }, {})).toEqual(['sweep']);
  });

  test.each([
    ['the sweep succeeded', 'success', {}, true],
    ['it failed', 'failure', {}, true],
    ['it was cancelled, or ran out of time', 'cancelled', {}, true],
    ['it was skipped: another branch, a fork', 'skipped', {}, false],
    ['by hand, more was allowed', 'success', { allow_drops: '40', dry_run: false, keep: '' }, true],
    ['by hand, only what it would do', 'success', { allow_drops: '', dry_run: true, keep: '' }, false],
    ['that failed', 'failure', { allow_drops: '', dry_run: true, keep: '' }, false],
    ['by hand, a schema is pinned before it sweeps', 'failure', { allow_drops: '', dry_run: false, keep: 'pr_142 2027-01-31' }, true],
  ])('people are told: %s', (_, result, inputs, tells) => {
    const needs = { sweep: { result, outputs: { account: 'success' } } };
    for (const failed of [true, false]) expect(admits(sweep.jobs.tell?.if, { github: onBranch('schedule'), needs, inputs }, { failed })).toBe(tells);
    expect(sweep.jobs.tell?.needs).toEqual(['sweep']);
  });

  test('and a condition that lets a fork build would be seen', () => {
    const careless = { ...pulls, jobs: { build: { steps: [], if: "github.event.action != 'closed'" } } };
    expect(selected(careless, pullRequest({ action: 'opened', from: 'stranger/dbt' }))).toEqual(['build']);
  });
});

describe('what starts a workflow at all', () => {
  test('every event that builds, parses or drops, and no filter that would lose one', () => {
    expect(pulls.on).toEqual({ merge_group: null, pull_request: { types: ['opened', 'synchronize', 'reopened', 'ready_for_review', 'closed'] } });
  });
  test.each([
    ['merge,schedule,manual', ['push', 'schedule', 'workflow_dispatch']],
    ['merge', ['push']],
    ['schedule', ['schedule']],
    ['manual,external', ['workflow_dispatch']],
  ])('a deploy, where production runs on %s', (prodRuns, events) => expect(Object.keys(workflow('dbt_deploy', { prodRuns }).on)).toEqual(events));
  test('no deploy where an orchestrator is all that runs production', () => {
    expect(Object.keys(ciTexts({ prodRuns: 'external' })).filter((path) => path.includes('.github/workflows/'))).toEqual([
      '.github/workflows/dbt_pull_request.yml',
      '.github/workflows/dbt_sweep.yml',
    ]);
    expect(ciTexts({ prodRuns: 'external' })).not.toHaveProperty(['scripts/dbt_envs/sweep_is_alive.py']);
    expect(ciTexts({ prodRuns: 'external' })['.github/workflows/dbt_sweep.yml']).not.toContain('The deploy warns');
  });
  test('a sweep every night, not on the hour, and by hand with what may be asked of it', () => {
    const { schedule, workflow_dispatch: byHand } = sweep.on;
    expect(schedule).toEqual([{ cron: expect.stringMatching(/^(?!0 )\d+ \d+ \* \* \*$/) }]);
    expect(byHand).toMatchObject({ inputs: { allow_drops: { type: 'string' }, dry_run: { type: 'boolean' }, keep: { type: 'string' } } });
    expect(Object.keys(sweep.on)).toEqual(['schedule', 'workflow_dispatch']);
  });
  test('what may be asked reaches the sweep by its variables; nothing was asked of the schedule', () => {
    const env = (inputs: object) =>
      Object.entries(sweep.jobs.sweep?.env ?? {})
        .filter(([name]) => name.startsWith('DBT_ENVS_'))
        .map(([name, expression]) => [name, interpolate(expression, { inputs: { ...inputs } })]);
    expect(env({ allow_drops: '40', dry_run: true, keep: '' })).toEqual([
      ['DBT_ENVS_ALLOW_DROPS', '40'],
      ['DBT_ENVS_DRY_RUN', 'true'],
      ['DBT_ENVS_KEEP', ''],
    ]);
    expect(env({}).map(([, value]) => value)).toEqual(['', '', '']);
  });
  test('the deploy looks after the sweep, and no other workflow does', () => {
    const watches = ({ jobs }: typeof sweep) =>
      Object.entries(jobs).flatMap(([id, { steps }]) => (JSON.stringify(steps).includes('sweep_is_alive') ? [id] : []));
    expect([pulls, deploy, sweep].map(watches)).toEqual([[], ['deploy'], []]);
    expect(deploy.jobs.deploy?.permissions).toMatchObject({ actions: 'read' });
    const step = deploy.jobs.deploy?.steps.at(-1);
    expect(step?.run).toBe('python scripts/dbt_envs/sweep_is_alive.py');
    expect(admits(step?.if, {}, { failed: true })).toBe(true);
  });
  test('only the production branch', () => {
    const text = ciTexts({ mainBranch: 'release/1.0' })['.github/workflows/dbt_deploy.yml'] ?? '';
    const { on, jobs } = parseWorkflow(text);
    expect(on.push).toEqual({ branches: ['release/1.0'] });
    expect(selected(parseWorkflow(text), onBranch('push', 'release/1.0'))).toEqual(['deploy']);
    expect(selected(parseWorkflow(text), onBranch('push', 'main'))).toEqual([]);
    expect(jobs.deploy?.steps[0]?.with?.ref).toBe('release/1.0');
  });
  test('a branch whose name is a number stays a name', () => {
    expect(workflow('dbt_deploy', { mainBranch: '1.10' }).on.push).toEqual({ branches: ['1.10'] });
  });
});

describe('side by side', () => {
  const group = (event: ReturnType<typeof pullRequest>) => interpolate(pulls.concurrency?.group ?? '', { github: event });
  const cancels = (event: ReturnType<typeof pullRequest>) => evaluate(String(pulls.concurrency?.['cancel-in-progress']), { github: event });

  test('one pull request waits for itself and for no other', () => {
    expect(group(pullRequest({ action: 'closed' }))).toBe(group(pullRequest({ action: 'opened' })));
    expect(group(pullRequest({ action: 'opened', number: 1 }))).not.toBe(group(pullRequest({ action: 'opened', number: 12 })));
  });
  test('a group of the merge queue waits for nobody', () => expect(group(mergeGroup())).toBe('dbt-pr-77'));
  test.each([
    ['synchronize', true],
    ['closed', true],
    ['reopened', false],
  ] as const)('%s cancels what runs: %s', (action, expected) => expect(cancels(pullRequest({ action }))).toBe(expected));
  test('deploys queue, and none is cancelled', () => expect(deploy.concurrency).toEqual({ group: 'dbt-prod', queue: 'max' }));
  test('so do sweeps, and no deploy waits for one', () => expect(sweep.concurrency).toEqual({ group: 'dbt-sweep', queue: 'max' }));
});

test.each([
  ['merge,schedule,manual', 'push', 'merge'],
  ['merge,schedule,manual', 'schedule', 'schedule'],
  ['merge,schedule,manual', 'workflow_dispatch', 'manual'],
  ['merge', 'push', 'merge'],
  ['manual,schedule', 'schedule', 'schedule'],
  ['manual,schedule', 'workflow_dispatch', 'manual'],
] as const)('with --prod-runs %s, %s tells the guard that the runner is %s', (prodRuns, event, runner) => {
  const expression = workflow('dbt_deploy', { prodRuns }).jobs.deploy?.env?.DBT_ENVS_RUNNER ?? '';
  expect(evaluate(expression, { github: onBranch(event) })).toBe(runner);
});

test('a default with quotes, a colon and a number sign survives YAML and the expression', () => {
  const expression = deploy.jobs.deploy?.env?.DBT_PROD_LOGIN ?? '';
  expect(evaluate(expression, { vars: {} })).toBe("o'prod: #1");
  expect(evaluate(expression, { vars: { DBT_PROD_LOGIN: 'robot' } })).toBe('robot');
});
