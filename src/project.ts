import type { Identifier, ProjectName } from './names.ts';
import type { Roster } from './roster/roster.ts';

/** How prod may be run: from CI on a merge, on its schedule or by hand; `external` adds an orchestrator outside CI. */
export type ProdRun = 'merge' | 'schedule' | 'manual' | 'external';

/** A schema of raw data. `pii` ones are readable by prod's service alone, so that no PR's code can launder them. */
export interface SourceSchema {
  readonly schema: Identifier;
  readonly pii: boolean;
}

/** Everything that a warehouse may know about the project: parsed, branded, and nothing of the CI provider. */
export interface Project {
  readonly name: ProjectName;
  /** The dbt profile that targets live under; an adopted project keeps its own. */
  readonly profile: string;
  /** Starts every role, the door and the registry: roles belong to the whole cluster or account. */
  readonly rolePrefix: Identifier;
  /** The first is where models without a schema of their own land. */
  readonly prodSchemas: readonly [Identifier, ...Identifier[]];
  readonly sourceSchemas: readonly SourceSchema[];
  readonly roster: Roster;
  /** Days without use after which a dev schema is emptied or dropped. */
  readonly devDays: number;
  /** Days after closing at which a PR schema is gone at the latest. */
  readonly prDays: number;
  readonly prodRuns: readonly ProdRun[];
  readonly mainBranch: string;
  /** The answers to the warehouse's own questions, by question name. */
  readonly settings: Readonly<Record<string, string>>;
}

/** A vendor's own answer. Throws where the vendor reads a question that it never declared. */
export function setting({ settings }: Pick<Project, 'settings'>, name: string): string {
  const value = settings[name];
  if (value === undefined) throw new Error(`the setting ${name} was never asked`);
  return value;
}
