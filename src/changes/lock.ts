/**
 * What was last offered for each path: the hash of a file of ours, `yours` for one that is written once. An edit
 * inside a file of yours is recorded as `<path>#<place>`. Several hashes for one path are all ours: branches were merged.
 */
export type Lock = ReadonlyMap<string, ReadonlySet<string>>;

export const LOCK_FILE = '.dbt-envs.lock';
export const YOURS = 'yours';

const HEADER = '# Written by generator-dbt-envs; commit it. It tells your edits from its own.\n';
const LINE = /^(yours|[0-9a-f]{64}) (\S.*)$/;

/** Reads what a merge may have made of it: repeated paths add up; conflict markers, like every other line, are passed over. */
export function parseLock(text: string): Lock {
  const lock = new Map<string, Set<string>>();
  for (const line of text.split(/\r?\n/)) {
    const [, hash, path] = LINE.exec(line) ?? [];
    if (hash !== undefined && path !== undefined) lock.set(path, (lock.get(path) ?? new Set()).add(hash));
  }
  return lock;
}

/** One line a path and hash, sorted by path and then by hash, so that two branches merge line by line. */
export function printLock(lock: Lock): string {
  const entries = [...lock].flatMap(([path, hashes]) => [...hashes].map((hash) => ({ path, hash })));
  entries.sort((a, b) => compare(a.path, b.path) || compare(a.hash, b.hash));
  return HEADER + entries.map(({ path, hash }) => `${hash} ${path}\n`).join('');
}

/** By code units: the same order in every locale. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The file that a recorded path is about: `profiles.yml` for `profiles.yml#acme.outputs.ci`. */
export function fileOf(recorded: string): string {
  const at = recorded.indexOf('#');
  return at < 0 ? recorded : recorded.slice(0, at);
}
