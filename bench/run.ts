import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { asNobody, folderOfNobody } from '../test/support/yo.ts';

/** A command to be timed, and what it must have done: a run that fails fast is no fast run. */
export interface Contestant {
  readonly words: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** yo refuses to be root. */
  readonly asNobody?: true;
  /** What its folder holds before the clock starts; the command starts there. */
  readonly from?: string;
  readonly status: number;
  /** Files in its folder afterwards. */
  readonly files: number;
}

/** Milliseconds from start to end in a new folder, which is added to `used`. Throws where the run did not do what it should. */
export function timed(name: string, contestant: Contestant, used: string[]): number {
  const { from, status, files } = contestant;
  const [cwd, home] = [folderOfNobody(), folderOfNobody()];
  used.push(cwd, home);
  if (from !== undefined) mustRun(asNobody(['cp', '-R', `${from}/.`, cwd], { cwd, home }, false));
  const start = process.hrtime.bigint();
  const ran = started(contestant, cwd, home);
  const milliseconds = Number(process.hrtime.bigint() - start) / 1e6;
  const written = filesIn(cwd);
  if (ran.status !== status || written !== files) {
    throw new Error(`${name}: status ${ran.status} instead of ${status}, ${written} files instead of ${files}.\n${ran.stderr}`);
  }
  return milliseconds;
}

/** Whatever becomes somebody else first takes time for it, and would flatter a ratio: yo alone has to. */
function started({ words: [command = '', ...args], env = {}, asNobody: dropping }: Contestant, cwd: string, home: string): SpawnSyncReturns<string> {
  if (dropping) return asNobody([command, ...args], { cwd, home, env }, false);
  return spawnSync(command, args, {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: home, USERPROFILE: home, ...env },
    encoding: 'utf8',
    maxBuffer: 1e9,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export function mustRun({ status, stdout, stderr }: SpawnSyncReturns<string>): void {
  if (status !== 0) throw new Error(`ended with ${status}: ${stdout}${stderr}`);
}

export const filesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true }).filter((name) => statSync(path.join(folder, String(name))).isFile()).length;

/** Milliseconds by contestant, one a round. */
export type Times = ReadonlyMap<string, readonly number[]>;

/**
 * Every contestant once a round, so that a busy neighbour disturbs all of them; the first rounds warm the caches and do
 * not count. Folders are removed when all is over: ext4 looks past every inode that was freed in the minutes before
 * (recently_deleted in fs/ext4/ialloc.c), which made 64 new files cost bare Node 20 ms in place of 7.
 */
export function race(contestants: Readonly<Record<string, Contestant>>, rounds: number, warmUp: number): Times {
  const times = new Map<string, number[]>(Object.keys(contestants).map((name) => [name, []]));
  const used: string[] = [];
  try {
    for (let round = -warmUp; round < rounds; round++) {
      for (const [name, contestant] of Object.entries(contestants)) {
        const milliseconds = timed(name, contestant, used);
        if (round >= 0) times.get(name)?.push(milliseconds);
      }
    }
  } finally {
    for (const folder of used) rmSync(folder, { recursive: true, force: true });
  }
  return times;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** The median of the rounds' own ratios: what runs beside both of them in one round cancels out. */
export const ratio = (own: readonly number[], yardstick: readonly number[]): number =>
  median(own.map((milliseconds, round) => milliseconds / (yardstick[round] ?? Number.NaN)));

/** What an idle machine would say: the fastest round of each. */
export const ratioOfBest = (own: readonly number[], yardstick: readonly number[]): number => Math.min(...own) / Math.min(...yardstick);
