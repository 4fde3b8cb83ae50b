import type { FileRequest } from '../../../src/planned-file.ts';
import type { Project } from '../../../src/project.ts';
import { grantsView } from './view.ts';

const MACROS = ['create_schema', 'apply_grants', 'clone_prod', 'door', 'env_schemas', 'prod_schemas', 'relations', 'verify_boundary', 'audit'] as const;

const SWEEP = ['drop_stale_schemas', 'keep_schema', 'restore_schema', 'report'] as const;

/** macros/dbt_envs/: the door as dbt sees it, and what runs against the warehouse by `dbt run-operation`. */
export const macroFiles = (project: Project): readonly FileRequest[] => filesFor(MACROS, project);
export const sweepFiles = (project: Project): readonly FileRequest[] => filesFor(SWEEP, project);

function filesFor(names: readonly string[], project: Project): readonly FileRequest[] {
  const view = grantsView(project);
  return names.map((name) => ({
    path: `macros/dbt_envs/${name}.sql`,
    owner: 'ours',
    template: `warehouses/snowflake/macros/dbt_envs/${name}.sql.ejs`,
    view,
  }));
}
