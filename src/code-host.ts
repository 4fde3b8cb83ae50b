import type { FileRequest } from './planned-file.ts';

/** Knows which pull requests are open, to the last page. */
export interface CodeHost<Id extends string = string> {
  readonly id: Id;
  readonly label: string;
  /** What this host calls a pull request. */
  readonly pullRequest: { readonly noun: string; readonly templatePath: string; readonly codeOwnersPath: string };
  files(): readonly FileRequest[];
}

export const defineCodeHost = <const Id extends string>(host: CodeHost<Id>): CodeHost<Id> => host;
