import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GitlabCompany, startGitlabCompany } from '../support/gitlab-postgres.ts';

let company: GitlabCompany;
beforeAll(async () => {
  company = await startGitlabCompany();
});
afterAll(() => company?.stop());

const open = (iid: number): void => {
  company.site.push(`branch-${iid}`, (folder) => appendFileSync(path.join(folder, 'models/marts/fct_revenue.sql'), `-- ${iid}\n`));
  company.site.open(iid, `branch-${iid}`);
};

test('closed during its first build, when GitLab has no job yet that drops: the build drops what it has made', async () => {
  open(5);
  const building = company.site.onMerge(5);
  while (!company.site.api.requests.some((line) => line.startsWith('GET /projects/7/merge_requests/5'))) await sleep(50);
  company.site.close(5);
  const { results, output } = await building;
  expect(results, output).toEqual({ 'dbt-build': 'success' });
  expect(output).toContain('Dropped pr_5');
  expect(await company.pulls()).toEqual([]);
});

test('closed before it came to be built, and a build that is started again after the drop: nothing is built', async () => {
  open(6);
  company.site.close(6);
  const { results, output } = await company.site.onMerge(6);
  expect(results).toEqual({ 'dbt-build': 'failure' });
  expect(output).toContain('Nothing is built: merge request 6 is closed.');
  expect(await company.pulls()).toEqual([]);
});

test('1 and 12 side by side, each in its own; 1 closes, and 12 stays', async () => {
  for (const iid of [1, 12]) open(iid);
  const both = await Promise.all([company.site.onMerge(1), company.site.onMerge(12)]);
  expect(both.map(({ results }) => results['dbt-build'])).toEqual(['success', 'success']);
  company.site.close(1);
  expect((await company.site.onMerge(1, ['dbt-drop'])).results['dbt-drop']).toBe('success');
  expect(await company.pulls()).toEqual(['pr_12']);
});
