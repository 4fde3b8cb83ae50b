import type { Part } from '../plan.ts';

/** grants/ and what proves it; the warehouse writes all of it. */
export const grantsFiles: Part = ({ project, warehouse }) => warehouse.grants(project);
