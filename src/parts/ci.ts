import type { Part } from '../plan.ts';

/** What a pull request's jobs run, in the project; the CI provider's own files, at the root of the git repository. */
export const ciFiles: Part = ({ ci, pipeline, codeHost }) => [
  ...ci.files(pipeline).map((file) => ({ from: 'repository' as const, ...file })),
  ...codeHost.files(),
];
