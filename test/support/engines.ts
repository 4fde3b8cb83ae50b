import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Where the engines that only tests and the demo need are installed, apart from the project's own dependencies. */
export const enginesDir = fileURLToPath(new URL('../engines/', import.meta.url));
const stamp = path.join(enginesDir, 'node_modules', '.installed');
const lock = path.join(enginesDir, '.cache', 'installing');

/** Installs what test/engines/package-lock.json pins, once; several processes may ask at the same time. */
export async function ensureEngines(): Promise<void> {
  const wanted = createHash('sha256')
    .update(readFileSync(path.join(enginesDir, 'package-lock.json')))
    .digest('hex');
  mkdirSync(path.dirname(lock), { recursive: true });
  while (read(stamp) !== wanted) {
    if (!take(lock)) {
      await sleep(250);
      continue;
    }
    try {
      if (read(stamp) === wanted) return;
      await promisify(execFile)('npm', ['ci', '--no-audit', '--no-fund'], { cwd: enginesDir, shell: process.platform === 'win32' });
      writeFileSync(stamp, wanted);
    } finally {
      rmSync(lock, { recursive: true, force: true });
    }
  }
}

/** One holder at a time; a holder that died ten minutes ago counts no more. */
function take(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch {
    const since = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (since > 0 && Date.now() - since > 600_000) rmSync(folder, { recursive: true, force: true });
    return false;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
