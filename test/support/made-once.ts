import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const windows = process.platform === 'win32';

/** Runs `make` unless `folder` was completed before; one process at a time. A folder that was not completed starts again; `make` may find none. */
export async function madeOnce(folder: string, make: () => Promise<void>): Promise<void> {
  const stamp = path.join(folder, '.complete');
  const lock = `${folder}.lock`;
  mkdirSync(path.dirname(folder), { recursive: true });
  while (!existsSync(stamp)) {
    if (!take(lock)) {
      await sleep(250);
      continue;
    }
    const before = process.umask(0o022); // readable by whoever else runs tests here
    try {
      if (existsSync(stamp)) return;
      rmSync(folder, { recursive: true, force: true });
      await make();
      if (!windows) chmodSync(folder, 0o755);
      writeFileSync(stamp, '');
    } finally {
      process.umask(before);
      rmSync(lock, { force: true });
    }
  }
}

/** One holder at a time, by process id; the lock of a process that died counts no more. */
function take(lock: string): boolean {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    const holder = read(lock);
    if (holder !== undefined && holder !== '' && !lives(Number(holder))) {
      const stale = `${lock}.${process.pid}`;
      try {
        renameSync(lock, stale);
        rmSync(stale, { force: true });
      } catch {
        // Another process was faster.
      }
    }
    return false;
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
