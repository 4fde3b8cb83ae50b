import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GithubContext } from './github-events.ts';
import { admits, interpolate, type Workflow } from './github-workflow.ts';
import { type PythonEnvironmentName, pythonEnvironment } from './python.ts';

export interface JobRun {
  readonly passed: boolean;
  /** Names of the `run:` steps that were started, in order. */
  readonly ran: readonly string[];
  /** Everything that the steps printed. */
  readonly output: string;
  /** What they wrote for the run's page. */
  readonly summary: string;
  /** What pip was asked to install. */
  readonly pip: string;
  readonly outputs: Readonly<Record<string, string>>;
}

export interface JobOptions {
  /** The checked-out repository; or makes one, for the `ref` that a checkout asks for. */
  readonly cwd: string | ((ref: string | undefined) => string);
  readonly github: GithubContext;
  readonly vars?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  readonly inputs?: Readonly<Record<string, string | boolean>>;
  /** What the jobs that it needs have come to. */
  readonly needs?: Readonly<Record<string, unknown>>;
  /** On top of what the runner sets: where GitHub's API answers, where the data are. */
  readonly env?: Readonly<Record<string, string>>;
  readonly python: PythonEnvironmentName;
  /** A folder with the artifacts of the run, by name. */
  readonly artifacts?: string;
  /** Ends the job when it is aborted, as a runner does that is killed. */
  readonly signal?: AbortSignal;
}

export interface WorkflowRun {
  /** success, failure or skipped, by job. */
  readonly results: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, JobRun>>;
  /** Everything that any job printed or wrote for the run's page. */
  readonly printed: string;
}

/** Runs the jobs that an event starts, each after those that it needs. */
export async function runWorkflow(workflow: Workflow, options: JobOptions): Promise<WorkflowRun> {
  const artifacts = options.artifacts ?? mkdtempSync(path.join(tmpdir(), 'dbt-envs-artifacts-'));
  const results: Record<string, string> = {};
  const jobs: Record<string, JobRun> = {};
  const waiting = new Map(Object.entries(workflow.jobs));
  while (waiting.size > 0) {
    const next = [...waiting].find(([, job]) => namesOf(job.needs).every((id) => id in results));
    if (!next) throw new Error(`${[...waiting.keys()]} wait for each other`);
    const [id, job] = next;
    waiting.delete(id);
    const needs = Object.fromEntries(namesOf(job.needs).map((one) => [one, { result: results[one], outputs: jobs[one]?.outputs ?? {} }]));
    const failed = Object.values(needs).some(({ result }) => result !== 'success');
    if (!admits(job.if, { github: options.github, needs, inputs: options.inputs ?? {}, vars: options.vars ?? {} }, { failed })) {
      results[id] = 'skipped';
      continue;
    }
    const done = await runJob(workflow, id, { ...options, needs, artifacts });
    jobs[id] = done;
    results[id] = done.passed ? 'success' : 'failure';
  }
  const printed = Object.values(jobs).map(({ output, summary }) => output + summary);
  return { results, jobs, printed: printed.join('\n') };
}

const namesOf = (needs: string | readonly string[] = []): readonly string[] => (typeof needs === 'string' ? [needs] : needs);

/**
 * Runs a job's own commands with bash, in order, as a runner does: conditions and expressions by GitHub's evaluator,
 * GITHUB_PATH, GITHUB_OUTPUT and the summary by file; what follows a failure runs only where its condition says so. Of
 * the `uses:` steps, artifacts are kept in and taken from a folder, and a checkout is what `cwd` makes of it; of the
 * Python set-up, the new environment is one that the tests have, and pip only writes down what it was asked for.
 */
export async function runJob(workflow: Workflow, id: string, options: JobOptions): Promise<JobRun> {
  const { github, vars = {}, secrets = {}, inputs = {}, needs = {}, env = {}, python } = options;
  const job = workflow.jobs[id];
  if (!job) throw new Error(`there is no job ${id}`);
  const temp = mkdtempSync(path.join(tmpdir(), 'dbt-envs-job-'));
  const file = (name: string) => path.join(temp, name);
  for (const name of ['output', 'path', 'summary', 'pip']) writeFileSync(file(name), '');
  const steps: Record<string, { outputs: Record<string, string>; outcome: string }> = {};
  let passed = true;
  let workspace = typeof options.cwd === 'string' ? options.cwd : temp;
  const context = () => ({ github, vars, secrets, inputs, needs, steps });
  const surroundings = () => ({ failed: !passed, workspace });
  const value = (text: unknown) => interpolate(String(text), context(), surroundings());
  const values = (given: Readonly<Record<string, unknown>> = {}) => Object.fromEntries(Object.entries(given).map(([name, text]) => [name, value(text)]));
  const machine = {
    PATH: `${await machineWithPython(temp, python)}:${process.env.PATH ?? ''}`,
    HOME: temp,
    DBT_SEND_ANONYMOUS_USAGE_STATS: 'false',
    DBT_VERSION_CHECK: 'false',
    DBT_USE_COLORS: 'false',
    RUNNER_TEMP: temp,
    GITHUB_ACTIONS: 'true',
    GITHUB_REPOSITORY: String(github.repository),
    GITHUB_OUTPUT: file('output'),
    GITHUB_PATH: file('path'),
    GITHUB_STEP_SUMMARY: file('summary'),
    ...env,
  };

  const ran: string[] = [];
  let output = '';
  for (const step of job.steps) {
    if (options.signal?.aborted || !admits(step.if, context(), surroundings())) continue;
    let code = 0;
    if (step.run === undefined) {
      const given = values(step.with);
      if (step.uses?.startsWith('actions/checkout@') && typeof options.cwd === 'function') workspace = options.cwd(given.ref);
      code = useArtifact(step.uses ?? '', given, workspace, options.artifacts ?? file('artifacts'));
    } else {
      const added = readFileSync(file('path'), 'utf8').split('\n').filter(Boolean).reverse();
      const script = file(`step-${ran.length}.sh`);
      writeFileSync(script, value(step.run));
      ran.push(step.name ?? step.run);
      const environment = { ...machine, ...values(job.env), ...values(step.env), PATH: [...added, machine.PATH].join(':') };
      const done = await bash(script, path.join(workspace, workflow.defaults?.run?.['working-directory'] ?? ''), environment, options.signal);
      output += done.output;
      code = done.code;
    }
    if (step.id !== undefined) steps[step.id] = { outputs: outputsIn(readFileSync(file('output'), 'utf8')), outcome: code === 0 ? 'success' : 'failure' };
    writeFileSync(file('output'), '');
    if (code !== 0) passed = false;
  }
  const outputs = values(job.outputs);
  return { passed, ran, output, summary: readFileSync(file('summary'), 'utf8'), pip: readFileSync(file('pip'), 'utf8'), outputs };
}

/** What actions/upload-artifact and actions/download-artifact do, as far as we use them: the folder's own files, without its path. */
function useArtifact(uses: string, given: Readonly<Record<string, string>>, workspace: string, artifacts: string): number {
  const kept = path.join(artifacts, given.name ?? '');
  const place = path.join(workspace, given.path ?? '');
  if (uses.startsWith('actions/upload-artifact@')) {
    // One path a line; what they have in common is left out, and all of ours are in one folder.
    const lines = (given.path ?? '').split('\n').filter((line) => line.trim() !== '');
    const places = lines.map((line) => path.join(workspace, line.trim())).filter((one) => existsSync(one));
    if (places.length === 0) return given['if-no-files-found'] === 'error' ? 1 : 0;
    rmSync(kept, { recursive: true, force: true });
    mkdirSync(kept, { recursive: true });
    for (const one of places) cpSync(one, statSync(one).isDirectory() ? kept : path.join(kept, path.basename(one)), { recursive: true });
  } else if (uses.startsWith('actions/download-artifact@')) {
    if (!existsSync(kept)) return 1;
    cpSync(kept, place, { recursive: true });
  }
  return 0;
}

/** GitHub's own way to start a step whose shell is `bash`. */
function bash(script: string, cwd: string, env: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    // A machine that dies takes everything with it: nothing is asked to end.
    const dies = (): void => void (child.pid !== undefined && process.kill(-child.pid, 'SIGKILL'));
    signal?.addEventListener('abort', dies);
    child.on('close', () => signal?.removeEventListener('abort', dies));
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

const outputsIn = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

/** A folder for the PATH whose `python` makes environments that hold dbt, and a pip that installs nothing. */
export async function machineWithPython(temp: string, name: PythonEnvironmentName): Promise<string> {
  const { python, dbt } = await pythonEnvironment(name);
  const bin = path.join(temp, 'machine');
  const inside = path.join(temp, 'inside');
  for (const folder of [bin, inside]) mkdirSync(folder);
  const program = (place: string, text: string) => {
    writeFileSync(place, `#!/bin/sh\n${text}\n`);
    chmodSync(place, 0o755);
  };
  program(
    path.join(inside, 'python'),
    `if [ "$1 $2" = "-m pip" ]; then test -f requirements.txt && echo "$PIP_INDEX_URL $*" >> "${temp}/pip"; exit; fi\nexec "${python}" "$@"`,
  );
  symlinkSync(dbt, path.join(inside, 'dbt'));
  program(path.join(bin, 'python'), `if [ "$1 $2" = "-m venv" ]; then mkdir -p "$3" && ln -s "${inside}" "$3/bin"; exit; fi\nexec "${python}" "$@"`);
  if (!existsSync(dbt)) throw new Error(`the environment ${name} has no dbt`);
  return bin;
}
