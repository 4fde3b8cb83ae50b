import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { python } from '../support/dbt.ts';
import { PLANTED_OUTPUT } from '../support/github-events.ts';
import { type Company, startCompany } from '../support/github-postgres.ts';
import type { WorkflowRun } from '../support/github-runner.ts';

let company: Company;
beforeAll(async () => {
  company = await startCompany();
});
afterAll(() => company?.stop());

const edit = (file: string, change: (text: string) => string) => (folder: string) => {
  const place = path.join(folder, file);
  writeFileSync(place, change(readFileSync(place, 'utf8')));
};
const REVENUE = 'models/marts/fct_revenue.sql';
const DAILY = 'models/marts/fct_revenue_daily.sql';
const comment = (number: number) => company.site.api.comments.filter(({ pull }) => pull === number).map(({ body }) => body);
const printed: string[] = [];
const ran = async (run: Promise<WorkflowRun>): Promise<WorkflowRun> => {
  const done = await run;
  printed.push(done.printed);
  return done;
};
const happens = (...event: Parameters<Company['site']['event']>) => ran(company.site.onPull(company.site.event(...event)));
const deploys = (...args: Parameters<Company['site']['deploy']>) => ran(company.site.deploy(...args));

describe('from the first deploy to the last merge', () => {
  test('a pull request before the first deploy is built whole, and the card says so', async () => {
    company.site.push(
      'first',
      edit(REVENUE, (text) => `${text}-- first\n`),
    );
    company.site.pull(7, 'first');
    const { results, printed: log } = await happens('opened', 7);
    expect(results, log).toEqual({ build: 'success', card: 'success', parse: 'skipped', drop: 'skipped' });
    expect(log).toContain('FULL BUILD');
    expect(comment(7)[0]).toMatch(/full/i);
    expect(await company.relations('pr_7')).toEqual(expect.arrayContaining(['stg_orders', 'fct_revenue']));
  });
  test('the first deploy builds production from the tip of main, and publishes its state', async () => {
    const { results, printed: log } = await deploys();
    expect(results, log).toEqual({ deploy: 'success' });
    expect(await company.relations('analytics')).toEqual(expect.arrayContaining(['fct_revenue', 'fct_revenue_daily']));
    expect(company.site.api.artifacts.map(({ name }) => name)).toEqual(['dbt-prod-state']);
    expect(await company.ask('select count(*) > 0 from analytics.fct_revenue', 'looker')).toEqual([[true]]);
  });
  test('142 opened: only what it changes is built, and a reviewer queries real data beside production', async () => {
    company.site.push(
      'discounts',
      edit(DAILY, (text) => text.replace('sum(', 'count(*) as orders, sum(')),
    );
    company.site.pull(142, 'discounts');
    const { results, printed: log } = await happens('opened', 142);
    expect(results.card, log).toBe('success');
    expect(log).toContain('everything else is read from production');
    expect(await company.relations('pr_142')).toContain('fct_revenue_daily');
    expect(await company.relations('pr_142')).not.toContain('fct_revenue');
    for (const reviewer of ['anna', 'sam'] as const) {
      const both = await company.ask(
        "select (select sum(revenue_usd) from pr_142.fct_revenue_daily where event_date = '2026-01-05') = (select sum(revenue_usd) from analytics.fct_revenue_daily where event_date = '2026-01-05')",
        reviewer,
      );
      expect(both).toEqual([[true]]);
    }
    await expect(company.ask('select * from pr_142.fct_revenue_daily', 'looker')).rejects.toThrow('permission denied for schema pr_142');
    expect(comment(142)).toHaveLength(1);
    expect(comment(142)[0]).toContain('pr_142');
    expect(comment(142)[0]).toMatch(/slim/i);
    expect(comment(142)[0]).toMatch(/added `orders` `bigint`/);
  });
  test('pushed to: one model is reverted and another renamed; nothing of the first push is left, and the card is the same comment', async () => {
    company.site.push('discounts', (folder) => {
      edit(DAILY, (text) => text.replace('count(*) as orders, sum(', 'sum('))(folder);
      renameSync(path.join(folder, 'models/marts/fct_events.sql'), path.join(folder, 'models/marts/fct_clicks.sql'));
      edit('models/marts/_marts.yml', (text) => text.replaceAll('fct_events', 'fct_clicks'))(folder);
    });
    company.site.pull(142, 'discounts');
    const { results, printed: log } = await happens('synchronize', 142);
    expect(results.build, log).toBe('success');
    const left = await company.relations('pr_142');
    expect(left).toContain('fct_clicks');
    expect(left).not.toContain('fct_revenue_daily');
    expect(comment(142)).toHaveLength(1);
    expect(comment(142)[0]).toContain('fct_clicks');
  });
  test('an old run that is started again does not put older code over newer', async () => {
    const old = company.site.event('opened', 142, { sha: '0'.repeat(40) });
    const { results, printed: log } = await ran(company.site.onPull(old));
    expect(results.build).toBe('failure');
    expect(log).toContain('has moved on');
    expect(await company.relations('pr_142')).toContain('fct_clicks');
  });
  test('where the state cannot be downloaded, nothing is built: a failure is not "none yet"', async () => {
    const before = await company.relations('pr_142');
    company.site.api.fails(/actions\/workflows/, { status: 500 });
    const { results, printed: log } = await happens('synchronize', 142);
    company.site.api.fails();
    expect(results).toMatchObject({ build: 'failure', card: 'success' });
    expect(log).toContain('fetch_state: GitHub answers');
    expect(log).not.toContain('FULL BUILD');
    expect(await company.relations('pr_142')).toEqual(before);
    expect(comment(142)[0]).toContain('the build ended early');
  });
  test('models whose names are shell and Markdown are built, and stay names', async () => {
    const names = ['x$(touch${IFS}owned)', '`touch${IFS}owned`', '[a](evil.example)', '@team#1', "it's", '<img$src=x>'];
    company.site.push('names', (folder) => {
      for (const name of names) writeFileSync(path.join(folder, 'models/marts', `${name}.sql`), 'select 1 as i');
    });
    company.site.pull(13, 'names');
    const { results, printed: log } = await happens('opened', 13);
    expect(results, log).toMatchObject({ build: 'success', card: 'success' });
    expect(await company.relations('pr_13')).toEqual(expect.arrayContaining(names));
    expect(log).not.toContain('touch: ');
    const [card = ''] = comment(13);
    expect(card).toContain('`[a](evil.example)`');
    expect(card.replace(/```[^`]*```|`[^`\n]*`/g, '')).not.toMatch(/evil|@team|<img/);
    expect((await happens('synchronize', 13)).results.build).toBe('success');
    company.site.close(13);
    expect((await happens('closed', 13)).results.drop).toBe('success');
  });
  test('1 and 12 side by side, both built at once, each in its own', async () => {
    company.site.push(
      'one',
      edit(REVENUE, (text) => text.replace(/\n/, '\n-- one\n')),
    );
    company.site.push(
      'twelve',
      edit(DAILY, (text) => `${text}-- twelve\n`),
    );
    company.site.pull(1, 'one');
    company.site.pull(12, 'twelve');
    const both = await Promise.all([happens('opened', 1), happens('opened', 12)]);
    expect(both.map(({ results }) => results.build)).toEqual(['success', 'success']);
    expect(await company.relations('pr_1')).toEqual(expect.arrayContaining(['fct_revenue', 'fct_revenue_daily']));
    expect(await company.relations('pr_12')).toContain('fct_revenue_daily');
    expect(await company.relations('pr_12')).not.toContain('fct_revenue');
  });
  test('1 closes, not merged: its schema goes, and no other', async () => {
    company.site.close(1);
    const { results, printed: log } = await happens('closed', 1);
    expect(results, log).toEqual({ build: 'skipped', card: 'success', parse: 'skipped', drop: 'success' });
    expect(await company.pulls()).toEqual(['pr_12', 'pr_142', 'pr_7']);
    expect(comment(1)).toHaveLength(1);
    expect(comment(1)[0]).toContain('was dropped');
  });
  test('142 is merged: its schema goes, and the deploy builds what was merged', async () => {
    company.site.merge(142);
    expect((await happens('closed', 142, { merged: true })).results.drop).toBe('success');
    const { results, printed: log } = await deploys();
    expect(results, log).toEqual({ deploy: 'success' });
    expect(await company.relations('analytics')).toContain('fct_clicks');
    expect(await company.pulls()).toEqual(['pr_12', 'pr_7']);
  });
  test('two merges at once: the first of the two deploys builds both, the second changes nothing', async () => {
    company.site.merge(12);
    company.site.merge(7);
    const first = await deploys();
    expect(first.results.deploy, first.printed).toBe('success');
    const second = await deploys();
    expect(second.results.deploy, second.printed).toBe('success');
    const tip = company.site.api.main.at(-1);
    expect(company.site.published.slice(-2)).toEqual([tip, tip]);
    // A run of the first merge, started again when the second is in: it has the older commit, and builds the tip all the same.
    expect((await company.site.deploy('push', {}, {}, company.site.api.main.at(-2))).results.deploy).toBe('success');
    expect(company.site.published.at(-1)).toBe(tip);
  });
});

describe('by hand', () => {
  test('a selection is built, and the published state stays', async () => {
    const before = company.site.api.artifacts.length;
    const { results, printed: log } = await deploys('workflow_dispatch', { select: 'fct_revenue', full_refresh: true, retry: false });
    expect(results, log).toEqual({ deploy: 'success' });
    expect(log).toContain('dbt build --target prod --select fct_revenue --full-refresh');
    expect(company.site.api.artifacts.length).toBe(before);
  });
  test('a view that reads what is selected is built with it: PostgreSQL drops it with the table that is replaced', async () => {
    const { results, printed: log } = await deploys('workflow_dispatch', { select: 'raw_orders', full_refresh: true, retry: false });
    expect(results, log).toEqual({ deploy: 'success' });
    expect(log).toContain('deploy_prod: built too, since a view goes with the table that it reads: acme.staging.stg_orders');
    expect(await company.ask('select count(*) > 0 from staging.stg_orders', 'looker')).toEqual([[true]]);
  });
  test('what is no selection is refused before anything is built', async () => {
    const { results, printed: log } = await deploys('workflow_dispatch', { select: '$(touch x); --target dev', full_refresh: false, retry: false });
    expect(results.deploy).toBe('failure');
    expect(log).toContain('is nothing that dbt selects');
    expect(log).not.toContain('dbt build');
  });
  test('a deploy that failed is retried: only what failed is built, and then the state is published', async () => {
    company.site.push('main', (folder) => writeFileSync(path.join(folder, 'models/marts/flaky.sql'), 'select 1 / (select count(*) from raw.switch) as x'));
    await company.ask('create table raw.switch (i int); grant select on raw.switch to acme_prod_service, acme_ci_service');
    const failed = await deploys();
    expect(failed.results.deploy).toBe('failure');
    expect(company.site.api.artifacts.at(-1)?.name).toBe('dbt-prod-failed');
    await company.ask('insert into raw.switch values (1)');
    const { results, printed: log } = await deploys('workflow_dispatch', { select: '', full_refresh: false, retry: true });
    expect(results, log).toEqual({ deploy: 'success' });
    expect(log).toContain('dbt retry --target prod --state retry');
    expect(log).toMatch(/1 of 1 OK created sql \w+ model analytics\.flaky/);
    expect(company.site.api.artifacts.at(-1)?.name).toBe('dbt-prod-state');
  });
  test('a retry where nothing failed, or where main has moved since, is refused', async () => {
    const again = await deploys('workflow_dispatch', { select: '', full_refresh: false, retry: true });
    expect(again.results.deploy).toBe('failure');
    expect(again.printed).toContain('did not fail');
    await company.ask('truncate raw.switch');
    expect((await deploys()).results.deploy).toBe('failure');
    company.site.push(
      'main',
      edit(REVENUE, (text) => `${text}-- moved\n`),
    );
    const moved = await deploys('workflow_dispatch', { select: '', full_refresh: false, retry: true });
    expect(moved.results.deploy).toBe('failure');
    expect(moved.printed).toContain('deploy everything instead');
    await company.ask('insert into raw.switch values (1)');
  });
  test('nothing is deployed from a main that anybody may change', async () => {
    const { rules, branches } = company.site.api;
    const kept = rules.splice(0);
    branches.set('main', { sha: company.site.api.main.at(-1) ?? '', protected: false, classic: false });
    const { results, printed: log } = await deploys('schedule');
    expect(results.deploy).toBe('failure');
    expect(log).not.toContain('dbt build');
    rules.push(...kept);
    branches.set('main', { sha: company.site.api.main.at(-1) ?? '', protected: true, classic: false });
    expect((await deploys('schedule')).results.deploy).toBe('success');
  });
});

describe("a developer's loop", () => {
  test('with an empty schema, one changed model is built in seconds, from what production has published', async () => {
    company.site.push(
      'sams',
      edit('models/marts/fct_clicks.sql', (text) => `${text}-- mine\n`),
    );
    const env = { ...company.shell('sam', 'sam'), GITHUB_API_URL: company.site.api.url, GITHUB_REPOSITORY: 'acme/dbt', GITHUB_TOKEN: 'sams-own' };
    const started = Date.now();
    const { code, output } = await python(company.site.desk, ['scripts/dbt_envs/dbt_dev.py', 'build'], { env, python: 'postgres' });
    console.log(`one model in ${((Date.now() - started) / 1000).toFixed(1)} s`);
    expect(code, output).toBe(0);
    expect(output).toContain('dbt_dev: production as of less than an hour ago, commit ');
    expect((await company.relations('dev_sam')).filter((name) => !/_event_id$/.test(name))).toEqual(['fct_clicks']);
  });
});

test('what titles, branch names and secrets hold is nowhere: it was never run, and never printed', () => {
  expect(printed.length).toBeGreaterThan(15);
  const everything = [...printed, ...company.site.api.comments.map(({ body }) => body)].join('\n');
  for (const secret of [PLANTED_OUTPUT, company.password('acme_ci_service'), company.password('acme_prod_service'), 'a-job-token', 'sams-own']) {
    expect(everything).not.toContain(secret);
  }
  expect(company.site.api.requests.some((line) => line.includes('Bearer a-job-token'))).toBe(true);
  expect(company.site.api.storageRequests.length).toBeGreaterThan(3);
  expect(company.site.api.storageRequests.filter((line) => line.includes('Bearer'))).toEqual([]);
});
