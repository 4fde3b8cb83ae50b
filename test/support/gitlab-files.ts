import { parse } from 'yaml';
import { planned } from './scaffold.ts';

/** A job as it stands in a file, `extends` taken in. */
export interface GitlabJob {
  readonly rules?: readonly {
    readonly if?: string;
    readonly when?: string;
    readonly allow_failure?: boolean;
    readonly variables?: Readonly<Record<string, string>>;
  }[];
  readonly script?: readonly string[];
  readonly inherit?: Readonly<Record<string, unknown>>;
  readonly image?: string;
  readonly tags?: readonly string[];
  readonly timeout?: string;
  readonly interruptible?: boolean;
  readonly resource_group?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly variables?: Readonly<Record<string, string>>;
  readonly needs?: readonly string[];
  readonly artifacts?: { readonly paths: readonly string[]; readonly when?: string; readonly expose_as?: string; readonly access?: string };
  readonly allow_failure?: boolean;
  readonly extends?: string;
  readonly id_tokens?: Readonly<Record<string, unknown>>;
}

/** GitLab's files of a plan, by path. */
export const gitlabFiles = (given: Record<string, string> = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(
    planned({ ci: 'gitlab', ...given })
      .filter(({ path }) => /^\.gitlab.*\.yml$/.test(path))
      .map(({ path, contents }) => [path, contents]),
  );

/** Every job of those files. Keys that are GitLab's own are none. */
export function gitlabJobs(files: Readonly<Record<string, string>>): Readonly<Record<string, GitlabJob>> {
  const all: Record<string, GitlabJob> = {};
  for (const text of Object.values(files)) Object.assign(all, parse(text));
  return Object.fromEntries(
    Object.entries(all)
      .filter(([name]) => !name.startsWith('.') && !['include', 'variables'].includes(name))
      .map(([name, job]) => [name, job.extends === undefined ? job : { ...all[job.extends], ...job }]),
  );
}
