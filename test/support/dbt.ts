import { execFile } from 'node:child_process';
import path from 'node:path';
import { runInHost } from './dbt-host.ts';
import { type PythonEnvironmentName, pythonEnvironment } from './python.ts';

export interface Finished {
  readonly code: number;
  /** What it printed, both streams. */
  readonly output: string;
}

export interface DbtOptions {
  /** On top of PATH alone: neither USER nor any DBT_ variable of this machine gets through. */
  readonly env?: Readonly<Record<string, string>>;
  readonly python?: PythonEnvironmentName;
  /** Another user's id: for files that root may always write. */
  readonly uid?: number;
  /** A Python file of test/support whose `run` takes the place of dbt's command line; not on Windows. */
  readonly instead?: string;
}

/** Deprecations are errors: for `parse`, `build` and every other command that reads the project. */
export const STRICT = ['--warn-error-options', '{"error": ["Deprecations"]}'] as const;

/** Runs dbt as a person would in that folder. Never throws for what dbt says: look at `code`. */
export async function dbt(project: string, args: readonly string[], { env = {}, python = 'duckdb', uid, instead }: DbtOptions = {}): Promise<Finished> {
  const { dbt: program, python: interpreter, binDir } = await pythonEnvironment(python);
  const request = { args, cwd: project, env: { ...BASE, HOME: project, PATH: `${binDir}${path.delimiter}${process.env.PATH ?? ''}`, ...env } };
  // dbt 2 is one binary and starts at once; Windows has no fork.
  if (python !== 'v2' && process.platform !== 'win32')
    return runInHost(interpreter, { ...request, ...(uid !== undefined && { uid }), ...(instead !== undefined && { instead }) });
  return run(program, args, project, request.env, uid);
}

/** Runs the Python of an environment, e.g. one of the emitted scripts. */
export async function python(project: string, args: readonly string[], { env = {}, python: name = 'duckdb', uid }: DbtOptions = {}): Promise<Finished> {
  const { python: program } = await pythonEnvironment(name);
  return run(program, args, project, { PATH: process.env.PATH ?? '', ...env }, uid);
}

/** The rows of a query on a DuckDB file, opened for reading by another process, as a reviewer would. */
export async function query(project: string, file: string, sql: string): Promise<readonly (readonly (string | null)[])[]> {
  const script =
    'import duckdb, json, sys\nwith duckdb.connect(sys.argv[1], read_only=True) as c: print(json.dumps(c.sql(sys.argv[2]).fetchall(), default=str))';
  const { code, output } = await python(project, ['-c', script, file, sql]);
  if (code !== 0) throw new Error(output);
  return JSON.parse(output);
}

/** One line for the message of ours that stopped a run: the line after dbt's own heading. */
export const lines = ({ output }: Finished): readonly string[] => output.split('\n').map((line) => line.trim());

const BASE = {
  DBT_SEND_ANONYMOUS_USAGE_STATS: 'false',
  DBT_VERSION_CHECK: 'false',
  DBT_USE_COLORS: 'false',
  DBT_USE_COLORS_FILE: 'false',
  PYTHONUTF8: '1',
  NO_COLOR: '1',
};

function run(program: string, args: readonly string[], cwd: string, env: Record<string, string>, uid?: number): Promise<Finished> {
  return new Promise((resolve) => {
    const options = { cwd, env: { ...BASE, HOME: cwd, ...env }, maxBuffer: 64 * 1024 * 1024, ...(uid !== undefined && { uid, gid: uid }) };
    execFile(program, [...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 1, output: stdout + stderr });
    });
  });
}
