import type { Matrix } from '../../demo/matrix.ts';
import type { Story } from '../../demo/page/page.ts';

const roles = [
  { login: 'priya', is: 'developer' },
  { login: 'acme_prod_service', is: 'production' },
] as const;
const matrix: Matrix = {
  roles,
  rows: [
    { action: 'read production', statement: 'select 1', answers: ['done', 'done'] },
    { action: 'overwrite production', statement: 'delete from analytics.fct_revenue', answers: ['permission denied for table fct_revenue', 'done'] },
  ],
  done: 3,
  refused: 1,
};
const report = `<!-- dbt-envs report: acme -->
### Environments of \`acme\`, 27 November 2026

#### Did it happen again?

**No sign of it**: its service owns every relation of production.

#### Cleared in the last 30 days

- \`pr_8\` could not be cleared

<details><summary>Which</summary>

| when | schema | how |
|---|---|---:|
| 2026-11-26 03:43 UTC | \`pr_131\` |  |

</details>
`;

/** A short story, of which the demo did not have to be run. */
export const STORY: Story = {
  chapters: [
    {
      title: 'A chapter',
      text: 'What it is about.',
      steps: [
        { title: 'A step', typed: 'dbt build', lines: ['1 of 24 OK', '2 of 24 OK', '3 of 24 OK', 'Done.'], seconds: 8.41, outcome: 'done' },
        { title: 'One that is refused', typed: 'dbt run --target prod', lines: ['Target prod runs in CI only'], seconds: 2.5, outcome: 'refused' },
        { title: 'A query', lines: [], table: { heading: ['table', 'owner'], rows: [['dev_priya.fct_revenue', 'priya']] }, seconds: 0, outcome: 'done' },
      ],
    },
  ],
  matrix,
  moments: [
    { title: 'Production is built', schemas: ['analytics'] },
    { title: 'Pull requests 1 and 12 are built', schemas: ['analytics', 'pr_1', 'pr_12'] },
    { title: 'Pull request 1 closes', schemas: ['analytics', 'pr_12'] },
  ],
  report,
  seconds: 84.4,
  on: new Date('2026-11-27T05:00:00Z'),
};
