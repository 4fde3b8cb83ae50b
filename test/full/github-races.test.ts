import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Company, startCompany } from '../support/github-postgres.ts';

let company: Company;
beforeAll(async () => {
  company = await startCompany();
  const { results, printed } = await company.site.deploy();
  expect(results, printed).toEqual({ deploy: 'success' });
});
afterAll(() => company?.stop());

/** A model that takes three seconds, and one that reads it. */
const slow = (folder: string): void => {
  writeFileSync(path.join(folder, 'models/marts/slow.sql'), "{{ config(materialized='table') }}\nselect 1 as i from pg_sleep(3)\n");
  writeFileSync(path.join(folder, 'models/marts/after_slow.sql'), "{{ config(materialized='table') }}\nselect * from {{ ref('slow') }}\n");
};
/** Sixty models of a second each, one after the other: however late a drop comes, the build is still at it. */
const long = (folder: string): void => {
  slow(folder);
  for (let at = 0; at < 60; at++) {
    const before = at === 0 ? 'after_slow' : `long_${at - 1}`;
    writeFileSync(
      path.join(folder, `models/marts/long_${at}.sql`),
      `{{ config(materialized='table') }}\nselect t.* from {{ ref('${before}') }} as t, pg_sleep(1)\n`,
    );
  }
};
const change = (folder: string): void => {
  const place = path.join(folder, 'models/marts/fct_revenue.sql');
  writeFileSync(place, `${readFileSync(place, 'utf8')}-- a change\n`);
};
const opened = (number: number, what: (folder: string) => void): void => {
  company.site.push(`branch-${number}`, what);
  company.site.pull(number, `branch-${number}`);
};
const happens = (...event: Parameters<Company['site']['event']>) => company.site.onPull(company.site.event(...event));
/** Until the slow model is being built by that login. */
async function sleeping(login: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    const [row] = await company.ask(
      `select count(*)::int from pg_stat_activity where usename = '${login}' and state = 'active' and query like '%pg_sleep(3)%'`,
    );
    if (row?.[0] !== 0) return;
    await sleep(100);
  }
  throw new Error(`${login} never built the slow model`);
}
/** What dbt calls relations that it is about to swap in, or has swapped out. */
const halfDone = () =>
  company.ask("select relname from pg_class where relname ~ '__dbt_(tmp|backup)' and relnamespace = any (array['analytics', 'staging']::regnamespace[])");

describe('a build against a close', () => {
  test('the build is killed as GitHub cancels it, and the drop that follows is final', async () => {
    opened(21, slow);
    const killed = new AbortController();
    const build = company.site.onPull(company.site.event('opened', 21), { signal: killed.signal });
    await sleeping('acme_ci_service');
    killed.abort();
    await build;
    company.site.close(21);
    expect((await happens('closed', 21)).results.drop).toBe('success');
    await sleep(4000);
    expect(await company.pulls()).toEqual([]);
  });
  test('a build that nobody cancelled fails when its schema goes, and does not bring it back', async () => {
    opened(22, long);
    const build = happens('opened', 22);
    await sleeping('acme_ci_service');
    company.site.close(22);
    const drop = await happens('closed', 22);
    expect(drop.results.drop, drop.printed).toBe('success');
    const { results, printed } = await build;
    expect(results.build).toBe('failure');
    expect(printed).toMatch(/pr_22.* does not exist/);
    expect(await company.pulls()).toEqual([]);
  });
});

describe('a close against a reopen', () => {
  test('reopened before the drop has asked: the schema stays, and the build that waited makes it anew', async () => {
    opened(23, change);
    expect((await happens('opened', 23)).results.build).toBe('success');
    const late = company.site.event('closed', 23);
    const { results, printed } = await company.site.onPull(late);
    expect(results, printed).toEqual({ build: 'skipped', card: 'skipped', parse: 'skipped', drop: 'success' });
    expect(await company.relations('pr_23')).toContain('fct_revenue');
    expect((await happens('reopened', 23)).results.build).toBe('success');
    expect(await company.relations('pr_23')).toContain('fct_revenue');
  });
  test('reopened after the drop: it is built again, from nothing', async () => {
    company.site.close(23);
    expect((await happens('closed', 23)).results.drop).toBe('success');
    expect(await company.relations('pr_23')).toEqual([]);
    company.site.pull(23, 'branch-23');
    expect((await happens('reopened', 23)).results).toMatchObject({ build: 'success', card: 'success' });
    expect(await company.relations('pr_23')).toContain('fct_revenue');
    expect(company.site.api.comments.filter(({ pull }) => pull === 23).map(({ body }) => /was dropped/.test(body))).toEqual([false]);
  });
});

describe('a runner that dies in the middle', () => {
  test('of a pull request: the next push starts clean', async () => {
    opened(24, slow);
    const killed = new AbortController();
    const build = company.site.onPull(company.site.event('opened', 24), { signal: killed.signal });
    await sleeping('acme_ci_service');
    killed.abort();
    expect((await build).results.build).toBe('failure');
    opened(24, (folder) => {
      for (const name of ['slow', 'after_slow']) rmSync(path.join(folder, `models/marts/${name}.sql`));
      change(folder);
    });
    const { results, printed } = await happens('synchronize', 24);
    expect(results.build, printed).toBe('success');
    expect(await company.relations('pr_24')).toContain('fct_revenue');
    expect((await company.relations('pr_24')).filter((name) => /slow|__dbt_/.test(name))).toEqual([]);
  });
  test('of a deploy: readers read on, and the next deploy is whole', async () => {
    company.site.push('main', slow);
    const killed = new AbortController();
    const deploy = company.site.deploy('push', {}, { signal: killed.signal });
    await sleeping('acme_prod_service');
    expect(await company.ask('select count(*) > 0 from analytics.fct_revenue', 'looker')).toEqual([[true]]);
    killed.abort();
    expect((await deploy).results.deploy).toBe('failure');
    expect(company.site.published).toHaveLength(1);
    expect(await company.ask('select count(*) > 0 from analytics.fct_revenue', 'looker')).toEqual([[true]]);
    const next = await company.site.deploy('schedule');
    expect(next.results.deploy, next.printed).toBe('success');
    expect(await company.relations('analytics')).toContain('after_slow');
    expect(await halfDone()).toEqual([]);
    expect(company.site.published).toHaveLength(2);
  });
});

test('two deploys at once, which GitHub never starts: production is whole afterwards, and a failure is loud', async () => {
  const both = await Promise.all([company.site.deploy('push'), company.site.deploy('schedule')]);
  const outcomes = both.map(({ results }) => results.deploy);
  console.log(`two deploys at once: ${outcomes.join(', ')}`);
  for (const { results, printed } of both) if (results.deploy === 'failure') expect(printed).toMatch(/Database Error|Completed with \d+ error/);
  expect(await company.ask('select count(*) > 0 from analytics.fct_revenue_daily', 'looker')).toEqual([[true]]);
  const { results, printed } = await company.site.deploy('schedule');
  expect(results.deploy, printed).toBe('success');
  expect(await halfDone()).toEqual([]);
});
