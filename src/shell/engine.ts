import type * as run from '../run.ts';

/** What a shell needs of the engine; it is loaded only when there is something to do. */
export type Engine = Pick<typeof run, 'look' | 'decide' | 'drift' | 'diffOf' | 'explain'>;
export type { Conflict, Decision, Explanation, Invocation, Look, Summary } from '../run.ts';
