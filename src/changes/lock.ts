/**
 * What was last offered for each path: the hash of a file of ours, `yours` for one that is written once. An edit
 * inside a file of yours is recorded as `<path>#<place>`. Several hashes for one path are all ours: branches were merged.
 */
export type Lock = ReadonlyMap<string, ReadonlySet<string>>;

export const LOCK_FILE = '.dbt-envs.lock';
export const YOURS = 'yours';

const HEADER = '# Written by generator-dbt-envs; commit it. It tells your edits from its own.\n';
const LINE = /^(yours|[0-9a-f]{64}) (\S.*)$/;

/**
 * Reads what a merge may have made of it: repeated paths add up; conflict markers, like every other line that we do not
 * write, are passed over. `above`: how many folders lie between the project and the outermost that a run writes to.
 */
export function parseLock(text: string, above = Number.POSITIVE_INFINITY): Lock {
  const lock = new Map<string, Set<string>>();
  for (const line of text.split(/\r?\n/)) {
    const [, hash, path] = LINE.exec(line) ?? [];
    if (hash !== undefined && path !== undefined && isOfPlan(fileOf(path), above)) lock.set(path, (lock.get(path) ?? new Set()).add(hash));
  }
  return lock;
}

/** In characters: far beyond what any plan has, and within the 255 bytes of a name and the 4096 of a path that Linux takes. */
const LONGEST = { path: 1000, step: 80 } as const;
/** Backslashes, control characters, drives: no plan has them. */
const FOREIGN = /[^ -~\u00a0-\uffff]|\\|^[A-Za-z]:/;
const UPWARD = '../';

/** Whether a plan could have it: steps downward, after at most so many upward. */
function isOfPlan(file: string, above: number): boolean {
  if (file.length > LONGEST.path || FOREIGN.test(file)) return false;
  let from = 0;
  while (file.startsWith(UPWARD, from)) from += UPWARD.length;
  const steps = file.slice(from).split('/');
  return from / UPWARD.length <= above && steps.every((step) => step !== '' && step !== '.' && step !== '..' && step.length <= LONGEST.step);
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
