import type { Pipeline } from './pipeline.ts';
import type { FileRequest, Fragment } from './planned-file.ts';
import type { Question } from './question.ts';

/** Passages of the emitted documents that only the CI provider can write. */
export type CiTopic =
  | 'setup' // where secrets and variables go, by name; what must be clicked
  | 'limits' // what this subscription cannot protect
  | 'failed-deploy'
  | 'sweep' // how the nightly sweep is run by hand, where its report is, how it is heard of when it fails
  | 'backfill'; // how to have a model of production built from nothing, once

export interface CiProvider<Id extends string = string> {
  /** The folder's name, the `--ci` value, and what `.yo-rc.json` stores. */
  readonly id: Id;
  readonly label: string;
  /** The code host that this provider usually builds for. */
  readonly codeHost: string;
  /** Whether a job can run when a pull request closes. Where not, the nightly sweep drops its schema. */
  readonly dropsOnClose: boolean;
  /** What somebody has to do for a pull request to be built after it was reopened: “press *Run pipeline*”. Absent: nothing. */
  readonly afterReopening?: string;
  readonly questions: readonly Question[];
  /** What every job needs, whichever part it is of: its settings and where they go. Paths start at the git repository's root. */
  commonFiles(pipeline: Pipeline): readonly FileRequest[];
  /** Pull requests and production. */
  files(pipeline: Pipeline): readonly FileRequest[];
  /** The nightly sweep, and how people hear of one that fails. */
  sweepFiles(pipeline: Pipeline): readonly FileRequest[];
  docs(pipeline: Pipeline): Readonly<Record<CiTopic, Fragment>>;
  nextSteps(pipeline: Pipeline): readonly string[];
  /** What cannot be protected with these answers: said before anything is written. */
  warnings(pipeline: Pipeline): readonly string[];
}

export const defineCiProvider = <const Id extends string>(provider: CiProvider<Id>): CiProvider<Id> => provider;
