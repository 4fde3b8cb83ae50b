import type { FileRequest } from '../../../src/planned-file.ts';
import type { Project } from '../../../src/project.ts';

/** macros/dbt_envs/: environment schemas as dbt sees them, and what runs against the warehouse by `dbt run-operation`. */
export const macroFiles = (_project: Project): readonly FileRequest[] => [];
export const sweepFiles = (_project: Project): readonly FileRequest[] => [];
