import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GitlabRun } from '../support/gitlab-ci.ts';
import { type GitlabCompany, startGitlabCompany } from '../support/gitlab-postgres.ts';

/** The jobs that GitLab would start, really run by gitlab-ci-local's shell executor: real dbt on a real PostgreSQL. */
let company: GitlabCompany;
beforeAll(async () => {
  company = await startGitlabCompany();
});
afterAll(() => company?.stop());

const edit = (file: string, change: (text: string) => string) => (folder: string) => {
  const place = path.join(folder, file);
  writeFileSync(place, change(readFileSync(place, 'utf8')));
};
const REVENUE = 'models/marts/fct_revenue.sql';
const DAILY = 'models/marts/fct_revenue_daily.sql';
const printed: string[] = [];
const ran = async (run: Promise<GitlabRun>): Promise<GitlabRun> => {
  const done = await run;
  printed.push(done.output);
  return done;
};
const onMerge = (...args: Parameters<GitlabCompany['site']['onMerge']>) => ran(company.site.onMerge(...args));
const onMain = (...args: Parameters<GitlabCompany['site']['onMain']>) => ran(company.site.onMain(...args));
const card = ({ artifacts }: GitlabRun): string => readFileSync(path.join(artifacts('dbt-build'), 'target/dbt_envs/card.html'), 'utf8');

describe('from the first deploy to the last merge', () => {
  test('a merge request before the first deploy is built whole, and the card says so', async () => {
    company.site.push(
      'first',
      edit(REVENUE, (text) => `${text}-- first\n`),
    );
    company.site.open(7, 'first');
    const done = await onMerge(7);
    expect(done.results, done.output).toEqual({ 'dbt-build': 'success' });
    expect(done.output).toContain('NO STATE: No deploy of main has published a state of production yet.');
    expect(card(done)).toContain('full: No deploy of main');
    expect(await company.relations('pr_7')).toEqual(expect.arrayContaining(['stg_orders', 'fct_revenue']));
  });
  test('the first deploy builds production from the tip of main, and publishes its state', async () => {
    const { results, output } = await onMain('push');
    expect(results, output).toEqual({ 'dbt-deploy': 'success' });
    expect(output).toContain('WARNING: No nightly sweep has succeeded yet.');
    expect(await company.relations('analytics')).toEqual(expect.arrayContaining(['fct_revenue', 'fct_revenue_daily']));
    const [state, ...others] = company.site.api.packages;
    expect(others).toEqual([]);
    expect([state?.name, state?.files.map(({ name }) => name)]).toEqual(['dbt-prod-state', ['manifest.json', 'state.json']]);
    expect(await company.ask('select count(*) > 0 from analytics.fct_revenue', 'looker')).toEqual([[true]]);
  });
  test('142 opened: only what it changes is built, and a reviewer queries it beside production', async () => {
    company.site.push(
      'discounts',
      edit(DAILY, (text) => text.replace('sum(', 'count(*) as orders, sum(')),
    );
    company.site.open(142, 'discounts');
    const done = await onMerge(142);
    expect(done.results, done.output).toEqual({ 'dbt-build': 'success' });
    expect(done.output).toContain('everything else is read from production');
    expect(await company.relations('pr_142')).toContain('fct_revenue_daily');
    expect(await company.relations('pr_142')).not.toContain('fct_revenue');
    for (const reviewer of ['anna', 'sam'] as const) {
      const both = await company.ask(
        'select (select sum(revenue_usd) from pr_142.fct_revenue_daily) = (select sum(revenue_usd) from analytics.fct_revenue_daily)',
        reviewer,
      );
      expect(both).toEqual([[true]]);
    }
    await expect(company.ask('select * from pr_142.fct_revenue_daily', 'looker')).rejects.toThrow('permission denied for schema pr_142');
    expect(card(done)).toContain('added `orders` `bigint`');
  });
  test('pushed to: a model is reverted and another renamed; nothing of the first push is left', async () => {
    company.site.push('discounts', (folder) => {
      edit(DAILY, (text) => text.replace('count(*) as orders, sum(', 'sum('))(folder);
      renameSync(path.join(folder, 'models/marts/fct_events.sql'), path.join(folder, 'models/marts/fct_clicks.sql'));
      edit('models/marts/_marts.yml', (text) => text.replaceAll('fct_events', 'fct_clicks'))(folder);
    });
    company.site.open(142, 'discounts');
    const { results, output } = await onMerge(142);
    expect(results, output).toEqual({ 'dbt-build': 'success' });
    const left = await company.relations('pr_142');
    expect(left).toContain('fct_clicks');
    expect(left).not.toContain('fct_revenue_daily');
  });
  test('an old job that is started again does not put older code over newer', async () => {
    const { results, output } = await onMerge(142, [], { CI_COMMIT_SHA: '0'.repeat(40) });
    expect(results).toEqual({ 'dbt-build': 'failure' });
    expect(output).toContain('has moved on');
    expect(await company.relations('pr_142')).toContain('fct_clicks');
  });
  test('where the state cannot be downloaded, nothing is built: a failure is not "none yet"', async () => {
    const before = await company.relations('pr_142');
    company.site.api.fails(/packages/, { status: 500 });
    const { results, output } = await onMerge(142);
    company.site.api.fails();
    expect(results).toEqual({ 'dbt-build': 'failure' });
    expect(output).toContain('fetch_state: GitLab answers');
    expect(output).not.toContain('FULL BUILD');
    expect(await company.relations('pr_142')).toEqual(before);
  });
  test('142 is stopped while it is open: it keeps its schema', async () => {
    const { results, output } = await onMerge(142, ['dbt-drop']);
    expect(results['dbt-drop'], output).toBe('success');
    expect(output).toContain('is open and keeps its schema');
    expect(await company.pulls()).toEqual(['pr_142', 'pr_7']);
  });
  test('7 closes, not merged, and its branch is gone: its schema goes, and no other, by the code of main', async () => {
    company.site.push('first', (folder) => writeFileSync(path.join(folder, 'macros/dbt_envs/drop_pr_schema.sql'), 'nothing of this is run'));
    company.site.close(7);
    const { results, output } = await onMerge(7, ['dbt-drop']);
    expect(results['dbt-drop'], output).toBe('success');
    expect(output).toContain('Dropped pr_7');
    expect(await company.pulls()).toEqual(['pr_142']);
  });
  test('142 is merged: its schema goes, and the deploy builds what was merged', async () => {
    company.site.merge(142);
    expect((await onMerge(142, ['dbt-drop'])).results['dbt-drop']).toBe('success');
    expect(await company.pulls()).toEqual([]);
    const { results, output } = await onMain('push');
    expect(results, output).toEqual({ 'dbt-deploy': 'success' });
    expect(await company.relations('analytics')).toContain('fct_clicks');
  });
});

describe('what never gets credentials', () => {
  test('a fork and a draft are parsed, with the reason', async () => {
    company.site.push(
      'later',
      edit(REVENUE, (text) => `${text}-- later\n`),
    );
    company.site.open(8, 'later');
    for (const [more, why] of [
      [{ CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '99' }, 'It comes from a fork'],
      [{ CI_MERGE_REQUEST_DRAFT: 'true' }, 'It is a draft'],
    ] as const) {
      const { results, output } = await onMerge(8, [], more);
      expect(results, output).toEqual({ 'dbt-parse': 'success' });
      expect(output).toContain(why);
    }
    expect(await company.pulls()).toEqual([]);
  });
  test('main that is not protected is not deployed', async () => {
    const before = company.site.api.packages.length;
    const { results, output } = await onMain('push', { CI_COMMIT_REF_PROTECTED: 'false' });
    expect(results).toEqual({ 'dbt-deploy': 'failure' });
    expect(output).toContain('main is not protected');
    expect(output).not.toContain('Running with dbt');
    expect(company.site.api.packages.length).toBe(before);
  });
});

describe('by hand, and at night', () => {
  test('a selection is built, and the published state stays', async () => {
    const before = company.site.api.packages.length;
    const { results, output } = await onMain('web', { DBT_ENVS_SELECT: 'fct_revenue', DBT_ENVS_FULL_REFRESH: 'true' });
    expect(results, output).toEqual({ 'dbt-deploy': 'success' });
    expect(output).toContain('dbt build --target prod --select fct_revenue --full-refresh');
    expect(company.site.api.packages.length).toBe(before);
  });
  test('what is no selection is refused before anything is built', async () => {
    const { results, output } = await onMain('web', { DBT_ENVS_SELECT: '$(touch owned); --target dev' });
    expect(results).toEqual({ 'dbt-deploy': 'failure' });
    expect(output).toContain('is nothing that dbt selects');
  });
  test('a deploy that failed is retried: only what failed is built, and then the state is published', async () => {
    await company.ask('create table raw.switch (i int); grant select on raw.switch to acme_prod_service, acme_ci_service');
    company.site.push('main', (folder) => writeFileSync(path.join(folder, 'models/marts/flaky.sql'), 'select 1 / (select count(*) from raw.switch) as x'));
    expect((await onMain('push')).results).toEqual({ 'dbt-deploy': 'failure' });
    expect(company.site.api.packages.at(-1)?.name).toBe('dbt-prod-failed');
    await company.ask('insert into raw.switch values (1)');
    const { results, output } = await onMain('web', { DBT_ENVS_RETRY: 'true' });
    expect(results, output).toEqual({ 'dbt-deploy': 'success' });
    expect(output).toContain('dbt retry --target prod --state retry');
    expect(company.site.api.packages.at(-1)?.name).toBe('dbt-prod-state');
  });
  test('the sweep clears what a close has missed, leaves a report, and is a deployment; the deploy sees that', async () => {
    company.site.open(8, 'later');
    expect((await onMerge(8)).results).toEqual({ 'dbt-build': 'success' });
    company.site.api.merges.set(8, { state: 'closed', sha: company.site.api.merges.get(8)?.sha ?? '', closedAt: '2026-01-01T00:00:00.000+01:00' });
    const done = await onMain('schedule', { DBT_ENVS_RUN: 'sweep' });
    expect(done.results, done.output).toEqual({ 'dbt-sweep': 'success', 'dbt-tell': 'success' });
    // It was used a moment ago: closed long since is not enough.
    expect(await company.pulls()).toEqual(['pr_8']);
    expect(existsSync(path.join(done.artifacts('dbt-sweep'), 'target/dbt_envs/report.md'))).toBe(true);
    expect(company.site.api.issues).toEqual([]);
    expect((await onMain('schedule', { DBT_ENVS_RUN: 'deploy' })).output).toContain('The last nightly sweep that succeeded ended on');
  });
  test('a sweep that only says what it would do is no deployment, and tells nobody', async () => {
    const before = company.site.api.deployments.length;
    const { results, output } = await onMain('web', { DBT_ENVS_RUN: 'sweep', DBT_ENVS_DRY_RUN: 'true' });
    expect(results, output).toEqual({ 'dbt-sweep-dry-run': 'success' });
    expect(company.site.api.deployments.length).toBe(before);
  });
  test('while the sweep fails, one issue stays open; the next one that succeeds closes it', async () => {
    company.site.api.fails(/GET \/projects\/7\/merge_requests/, { status: 500 });
    for (const night of [1, 2]) {
      const { results } = await onMain('schedule', { DBT_ENVS_RUN: 'sweep' });
      expect(results, String(night)).toMatchObject({ 'dbt-sweep': 'failure', 'dbt-tell': 'success' });
      expect(company.site.api.issues.map(({ state }) => state)).toEqual(['opened']);
    }
    company.site.api.fails();
    expect(company.site.api.issues[0]?.description).toContain('does not say which merge requests are open');
    expect((await onMain('schedule', { DBT_ENVS_RUN: 'sweep' })).results).toMatchObject({ 'dbt-sweep': 'success' });
    expect(company.site.api.issues.map(({ state }) => state)).toEqual(['closed']);
    expect(await company.pulls()).toEqual(['pr_8']);
  });
});

test('what titles, branch names and secrets hold is nowhere: it was never run, and never printed', () => {
  expect(printed.length).toBeGreaterThan(15);
  const everything = [...printed, ...company.site.api.issues.map(({ description }) => description)].join('\n');
  for (const secret of [company.password('acme_ci_service'), company.password('acme_prod_service'), company.password('acme_janitor'), 'glpat-of-the-sweep'])
    expect(everything).not.toContain(secret);
  expect(existsSync(path.join(company.site.desk, 'owned'))).toBe(false);
});
