import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { environmentOf, parseWorkflow } from '../support/github-workflow.ts';
import { ciTexts } from '../support/pipeline.ts';

const PAGE = readFileSync('docs/github-administrator.md', 'utf8');

/** Job, environment and permissions, as the page's table has them. */
const promised = (page: string): readonly string[] =>
  [...page.matchAll(/^\| `(\w+)` \| (?:`(\w+)`|none) \| (.*?) \| .* \|$/gm)].map(([, job, environment, permissions]) => `${job} ${environment} ${permissions}`);

const emitted = Object.entries(ciTexts({ warehouse: 'postgres' }))
  .filter(([path]) => path.includes('.github/workflows/'))
  .flatMap(([, text]) => Object.entries(parseWorkflow(text).jobs))
  .map(([id, job]) => {
    const permissions = Object.entries(typeof job.permissions === 'object' ? job.permissions : {}).map(([scope, access]) => `\`${scope}: ${access}\``);
    return `${id} ${environmentOf(job)} ${permissions.join(', ')}`;
  });

test('the page for GitHub’s administrator names every job with its environment and its permissions', () => expect(promised(PAGE)).toEqual(emitted));
test('and a permission that the page forgets is seen', () => {
  expect(promised(PAGE.replace('`contents: read`, `pull-requests: read`', '`contents: read`'))).not.toEqual(emitted);
  for (const job of ['parse', 'tell']) expect(promised(PAGE.replace(new RegExp(`^\\| \`${job}\`.*\\n`, 'm'), ''))).not.toEqual(emitted);
});
