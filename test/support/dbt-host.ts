import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** A request to run dbt: what a shell would pass. */
export interface DbtRequest {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Another user's id, for files that root may always write. */
  readonly uid?: number;
  /** A Python file beside this one whose `run` takes the place of dbt's command line. */
  readonly instead?: string;
}

interface Host {
  readonly child: ChildProcessByStdio<Writable, Readable, null>;
  readonly answers: Interface;
}

const idle = new Map<string, Host[]>();
const program = fileURLToPath(new URL('dbt-host.py', import.meta.url));

/**
 * Runs dbt in a process that has imported it already: dbt-host.py says how. A host serves one request
 * at a time and ends with this process; as many are started as are asked at once.
 */
export async function runInHost(python: string, { args, cwd, env, uid, instead }: DbtRequest): Promise<{ code: number; output: string }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-host-'));
  const stdout = path.join(folder, 'stdout');
  const stderr = path.join(folder, 'stderr');
  for (const file of [stdout, stderr]) writeFileSync(file, '');
  const which = `${python} ${instead ?? ''}`;
  const host = idle.get(which)?.pop() ?? start(python, instead);
  try {
    const code = await ask(host, { args, cwd, env, uid: uid ?? null, stdout, stderr });
    idle.set(which, [...(idle.get(which) ?? []), host]);
    return { code, output: readFileSync(stdout, 'utf8') + readFileSync(stderr, 'utf8') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function start(python: string, instead?: string): Host {
  const files = [program, ...(instead === undefined ? [] : [fileURLToPath(new URL(instead, import.meta.url))])];
  const child = spawn(python, files, { stdio: ['pipe', 'pipe', 'inherit'], env: { PATH: process.env.PATH ?? '', PYTHONUTF8: '1' } });
  child.unref();
  return { child, answers: createInterface({ input: child.stdout }) };
}

function ask({ child, answers }: Host, request: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error('dbt-host.py ended without an answer'));
    child.once('exit', ended);
    answers.once('line', (line) => {
      child.off('exit', ended);
      resolve(Number(line));
    });
    child.stdin.write(`${JSON.stringify(request)}\n`);
  });
}
