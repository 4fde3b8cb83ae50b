import type { Part } from '../plan.ts';

const MACROS = ['drop_pr_schema.sql', 'review_card.sql', '_operations.yml'] as const;

/** What the jobs and the developers run, the same for every provider; and the CI provider's own files, at the root of the git repository. */
export const ciFiles: Part = ({ ci, pipeline, codeHost }) => [
  ...MACROS.map((name) => ({
    path: `macros/dbt_envs/${name}`,
    owner: 'ours' as const,
    template: `pipeline/macros/dbt_envs/${name}.ejs`,
    view: {},
  })),
  { path: 'scripts/dbt_envs/dbt_dev.py', owner: 'ours', template: 'pipeline/scripts/dbt_envs/dbt_dev.py.ejs', view: {} },
  ...ci.files(pipeline).map((file) => ({ from: 'repository' as const, ...file })),
  ...codeHost.files(),
];
