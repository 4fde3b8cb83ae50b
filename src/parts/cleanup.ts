import { DEV_SCHEMA_PATTERN, PR_SCHEMA_PATTERN } from '../names.ts';
import type { Part } from '../plan.ts';
import { fromRepository, jobFiles, pipelineFile } from './jobs.ts';

/** The first night of a project that was there before may find more: then somebody has to look, and allow them by number. */
const MOST_CLEARED = 25;

/** The nightly sweep and its report: what is cleared and why is decided in one script, the same for every warehouse and host. */
export const cleanupFiles: Part = (context) => {
  const { project, warehouse, codeHost, ci, pipeline, parts } = context;
  return [
    ...(parts.includes('ci') ? [] : jobFiles(context)),
    pipelineFile('scripts/dbt_envs/sweep.py', {
      devDays: project.devDays,
      prDays: project.prDays,
      cap: MOST_CLEARED,
      codeHost: codeHost.label,
      noun: codeHost.pullRequest.noun,
      devPattern: DEV_SCHEMA_PATTERN,
      prPattern: PR_SCHEMA_PATTERN,
    }),
    pipelineFile('scripts/dbt_envs/sweep_account.py', { project: project.name }),
    pipelineFile('scripts/dbt_envs/sweep_report.py', { project: project.name }),
    pipelineFile('macros/dbt_envs/_sweep.yml'),
    ...warehouse.sweep(project),
    ...codeHost.sweepFiles(),
    ...ci.sweepFiles(pipeline).map(fromRepository),
  ];
};
