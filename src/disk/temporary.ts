import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import type { Work } from '../changes/work.ts';
import { isAlive } from './process.ts';
import type { Territory } from './territory.ts';

/** Temporary files of ours, by the process that made them. No tool picks up the name: it begins with a dot and ends in `.tmp`. */
const TEMPORARY = /^\.dbt-envs-([0-9]+)-[0-9]+\.tmp$/;

export const temporaryIn = (folder: string, number: number): string => `${folder}${path.sep}.dbt-envs-${process.pid}-${number}.tmp`;

/**
 * Takes away what killed runs left in the folders of `work`. A process that still lives keeps its files. `inTurn`: nobody
 * else is writing, so what bears our own number is of an earlier process, as it often is in a container.
 */
export function removeLeftovers(territory: Territory, { writes, removals, record }: Work, inTurn: boolean): void {
  const folders = new Set([...writes, ...removals, record].map((one) => path.dirname(one.path)));
  for (const below of folders) {
    const folder = path.resolve(territory.root, below);
    for (const name of namesIn(folder)) {
      const [, pid] = TEMPORARY.exec(name) ?? [];
      if (pid !== undefined && (Number(pid) === process.pid ? inTurn : !isAlive(Number(pid)))) rmSync(path.join(folder, name), { force: true });
    }
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // not there yet; if it cannot be read, writing into it says so
  }
}
