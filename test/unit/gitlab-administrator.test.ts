import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { gitlabFiles, gitlabJobs } from '../support/gitlab-files.ts';
import { planned } from '../support/scaffold.ts';

const PAGE = readFileSync('docs/gitlab-administrator.md', 'utf8');
const SETUP = planned({ ci: 'gitlab', warehouse: 'postgres' }).find(({ path }) => path === 'scripts/dbt_envs/setup.py')?.contents ?? '';

/** Job and environment, as the page's table has them. */
const promised = (page: string): readonly string[] =>
  [...page.matchAll(/^\| `(dbt-[\w-]+)` \| (?:`([\w/<>-]+)`|none) \| .* \|$/gm)].map(([, job, environment = 'none']) => `${job} ${environment}`);
const emitted = Object.entries(gitlabJobs(gitlabFiles({ warehouse: 'postgres' }))).map(
  ([name, { environment }]) => `${name} ${(environment?.name ?? 'none').replace('$CI_MERGE_REQUEST_IID', '<number>')}`,
);
/** What setup.py sets in the project, and the schedules that it makes, as far as the page does not name them. */
const unsaid = (page: string, setup = SETUP): readonly string[] =>
  [
    ...[...setup.matchAll(/^ {4}\("(\w+)", /gm), ...setup.matchAll(/^OVERRIDE = "(\w+)"$/gm)].map(([, name = '']) => name),
    ...[...setup.matchAll(/^ {4}\{"description": "([\w ]+)"/gm)].map(([, name = '']) => name),
  ].filter((name) => !page.includes(`\`${name}\``));

test('the page for GitLab’s administrator names every job with its environment', () => expect([...promised(PAGE)].sort()).toEqual([...emitted].sort()));
test('and everything that setup.py sets in the project', () => expect(unsaid(PAGE)).toEqual([]));
test('what the page forgets is seen', () => {
  expect(promised(PAGE.replace(/^\| `dbt-parse`.*\n/m, ''))).toHaveLength(emitted.length - 1);
  expect([...promised(PAGE.replace('| `dbt-sweep` | `sweep` |', '| `dbt-sweep` | `prod` |'))].sort()).not.toEqual([...emitted].sort());
  expect(unsaid(PAGE.replaceAll('`protect_merge_request_pipelines`', ''))).toEqual(['protect_merge_request_pipelines']);
  expect(unsaid(PAGE.replaceAll('`dbt sweep`', ''))).toEqual(['dbt sweep']);
  expect(unsaid(PAGE, `${SETUP}    ("new_setting", True, "why"),\n`)).toEqual(['new_setting']);
});
