import type { Part } from '../plan.ts';

/** What makes it a repository: README, dbt_project.yml, the example, the documents, the files of the trade. */
export const appFiles: Part = () => [];
