import type { FileRequest } from './planned-file.ts';

/** Knows which pull requests are open, to the last page. */
export interface CodeHost<Id extends string = string> {
  readonly id: Id;
  readonly label: string;
  /** What this host calls a pull request. */
  readonly pullRequest: { readonly noun: string; readonly templatePath: string; readonly codeOwnersPath: string };
  /** What every job may ask: whether one pull request is open. */
  files(): readonly FileRequest[];
  /** scripts/dbt_envs/open_prs.py: which pull requests there are, to the last page; docs/adding-a-ci-provider.md says what it prints. */
  sweepFiles(): readonly FileRequest[];
}

export const defineCodeHost = <const Id extends string>(host: CodeHost<Id>): CodeHost<Id> => host;
