import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { RunError } from '../errors.ts';
import { isAlive } from './process.ts';

/** Holds the number of the process that is writing. No tool picks the name up, and it is none of those that a later run takes away. */
const TURN = '.dbt-envs-writing.tmp';
/** Milliseconds. Writing takes a fraction of a second: a file as old as that was left, whoever has its number by now. */
const LONGEST = 10 * 60_000;
const held = new Set<string>();

/**
 * One run at a time writes in a folder: what two have decided on would else be compared first and replaced afterwards, by
 * both. Returns what ends the turn. Throws {@link RunError} where another run is writing, and the system's own error.
 */
export function takeTurn(folder: string): () => void {
  const file = path.join(folder, TURN);
  if (isLeft(file)) rmSync(file, { force: true });
  const descriptor = opened(file);
  held.add(file);
  try {
    writeSync(descriptor, `${process.pid}\n`);
  } finally {
    closeSync(descriptor);
  }
  return () => {
    held.delete(file);
    rmSync(file, { force: true });
  };
}

/** Throws {@link RunError} where another run is writing, so that what was read may be half of one state and half of another. */
export function refuseDuringTurn(folder: string): void {
  const file = path.join(folder, TURN);
  if (existsSync(file) && !isLeft(file)) throw isTaken(folder);
}

const isTaken = (folder: string): RunError =>
  new RunError(`Another run is writing to ${folder}; nothing was written. Wait for it, and run again. If there is none, remove ${TURN} there.`);

function opened(file: string): number {
  try {
    return openSync(file, 'wx');
  } catch (error) {
    throw error instanceof Error && 'code' in error && error.code === 'EEXIST' ? isTaken(path.dirname(file)) : error;
  }
}

/** Whether its run has ended without taking it away. In a container the next process often has the same number. */
function isLeft(file: string): boolean {
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10);
    const isOurs = pid === process.pid ? held.has(file) : Number.isNaN(pid) || isAlive(pid);
    return !isOurs || Date.now() - statSync(file).mtimeMs > LONGEST;
  } catch {
    return false; // not there, or gone by now
  }
}
