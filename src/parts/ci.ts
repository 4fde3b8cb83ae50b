import type { Part } from '../plan.ts';

/** The CI provider's own files, at the root of the git repository. */
export const ciFiles: Part = ({ ci, pipeline, codeHost }) => [
  ...ci.files(pipeline).map((file) => ({ ...file, from: 'repository' as const })),
  ...codeHost.files().map((file) => ({ ...file, from: 'repository' as const })),
];
