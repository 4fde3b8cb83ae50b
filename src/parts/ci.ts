import type { Part } from '../plan.ts';
import type { FileRequest } from '../planned-file.ts';
import { requirement } from '../versions.ts';

const MACROS = ['drop_pr_schema.sql', 'clean_pr_schema.sql', 'check_prod_schemas.sql', 'review_card.sql', '_operations.yml'] as const;
const SCRIPTS = ['build_pr', 'dbt_dev', 'dbt_command', 'prod_state', 'foreign_schemas'] as const;

/** What the jobs and the developers run, the same for every provider; and the CI provider's own files, at the root of the git repository. */
export const ciFiles: Part = ({ project, ci, pipeline, codeHost, warehouse, adopted }) => [
  {
    path: 'requirements.txt',
    owner: adopted ? 'yours' : 'ours',
    template: 'pipeline/requirements.txt.ejs',
    view: { warehouse: warehouse.label, requirements: [requirement('dbt-core'), requirement(warehouse.adapter), ...(warehouse.requirements ?? [])] },
  },
  ...MACROS.map((name) => ours(`macros/dbt_envs/${name}`)),
  ...SCRIPTS.map((name) => ours(`scripts/dbt_envs/${name}.py`)),
  ours('scripts/dbt_envs/deploy_prod.py', { viewsGoWithTables: warehouse.deploy.viewsGoWithTables }),
  ours('scripts/dbt_envs/review_card.py', { project: project.name }),
  ...ci.files(pipeline).map((file) => ({ from: 'repository' as const, ...file })),
  ...codeHost.files(),
];

const ours = (path: string, view: object = {}): FileRequest => ({ path, owner: 'ours', template: `pipeline/${path}.ejs`, view });
