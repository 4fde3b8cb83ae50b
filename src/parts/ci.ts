import type { Part } from '../plan.ts';
import { fromRepository, jobFiles, pipelineFile } from './jobs.ts';

const MACROS = ['drop_pr_schema.sql', 'clean_pr_schema.sql', 'check_prod_schemas.sql', 'review_card.sql', '_operations.yml'] as const;
const SCRIPTS = ['build_pr', 'dbt_dev', 'prod_state', 'foreign_schemas'] as const;

/** What the jobs and the developers run, the same for every provider; and the CI provider's own files, at the root of the git repository. */
export const ciFiles: Part = (context) => [
  ...jobFiles(context),
  ...MACROS.map((name) => pipelineFile(`macros/dbt_envs/${name}`)),
  ...SCRIPTS.map((name) => pipelineFile(`scripts/dbt_envs/${name}.py`)),
  pipelineFile('scripts/dbt_envs/deploy_prod.py', { viewsGoWithTables: context.warehouse.deploy.viewsGoWithTables }),
  pipelineFile('scripts/dbt_envs/review_card.py', { project: context.project.name }),
  pipelineFile('scripts/dbt_envs/published_state.py', { project: context.project.name }),
  ...context.ci.files(context.pipeline).map(fromRepository),
];
