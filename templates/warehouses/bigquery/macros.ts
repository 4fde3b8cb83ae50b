import type { FileRequest } from '../../../src/planned-file.ts';
import type { Project } from '../../../src/project.ts';
import { isReader, ownDataset } from './scripts.ts';
import { grantsView } from './view.ts';

const MACROS = [
  'create_schema',
  'apply_grants',
  'clone_prod',
  'datasets',
  'env_schemas',
  'on_run_start',
  'prod_schemas',
  'relations',
  'verify_boundary',
  'audit',
] as const;

const SWEEP = ['drop_stale_schemas', 'keep_schema', 'restore_schema', 'report'] as const;

/** macros/dbt_envs/: environment schemas as dbt sees them, and what runs against the warehouse by `dbt run-operation`. */
export const macroFiles = (project: Project): readonly FileRequest[] => filesFor(MACROS, project);
export const sweepFiles = (project: Project): readonly FileRequest[] => filesFor(SWEEP, project);

function filesFor(names: readonly string[], project: Project): readonly FileRequest[] {
  const view = grantsView(project);
  const whoAsks = { ...view, ownDataset: ownDataset(view.developers), isReader: isReader(view.readers) };
  return names.map((name) => ({
    path: `macros/dbt_envs/${name}.sql`,
    owner: 'ours',
    template: `warehouses/bigquery/macros/dbt_envs/${name}.sql.ejs`,
    view: name === 'verify_boundary' ? whoAsks : view,
  }));
}
