import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GithubContext } from './github-events.ts';
import { evaluate, interpolate, isTruthy, type Workflow } from './github-workflow.ts';
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
}

export interface JobOptions {
  /** The checked-out repository. */
  readonly cwd: string;
  readonly github: GithubContext;
  readonly vars?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string>>;
  /** On top of what the runner sets: where GitHub's API answers, where the data are. */
  readonly env?: Readonly<Record<string, string>>;
  readonly python: PythonEnvironmentName;
}

/**
 * Runs a job's own commands with bash, in order, as a runner does: conditions and expressions by GitHub's evaluator,
 * GITHUB_PATH, GITHUB_OUTPUT and the summary by file, the first failure ends it. `uses:` steps are taken as done; of
 * the Python set-up, the new environment is one that the tests have, and pip only writes down what it was asked for.
 */
export async function runJob(
  { jobs, defaults }: Workflow,
  id: string,
  { cwd, github, vars = {}, secrets = {}, env = {}, python }: JobOptions,
): Promise<JobRun> {
  const job = jobs[id];
  if (!job) throw new Error(`there is no job ${id}`);
  const temp = mkdtempSync(path.join(tmpdir(), 'dbt-envs-job-'));
  const file = (name: string) => path.join(temp, name);
  for (const name of ['output', 'path', 'summary', 'pip']) writeFileSync(file(name), '');
  const steps: Record<string, { outputs: Record<string, string> }> = {};
  const context = () => ({ github, vars, secrets, steps });
  const values = (given: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(Object.entries(given).map(([name, value]) => [name, interpolate(String(value), context())]));
  const machine = {
    PATH: `${await machineWithPython(temp, python)}:${process.env.PATH ?? ''}`,
    HOME: temp,
    DBT_SEND_ANONYMOUS_USAGE_STATS: 'false',
    DBT_VERSION_CHECK: 'false',
    DBT_USE_COLORS: 'false',
    RUNNER_TEMP: temp,
    GITHUB_REPOSITORY: String(github.repository),
    GITHUB_OUTPUT: file('output'),
    GITHUB_PATH: file('path'),
    GITHUB_STEP_SUMMARY: file('summary'),
    ...env,
  };

  const ran: string[] = [];
  let output = '';
  let passed = true;
  for (const step of job.steps) {
    if (step.run === undefined || (step.if !== undefined && !isTruthy(evaluate(step.if, context())))) continue;
    const added = readFileSync(file('path'), 'utf8').split('\n').filter(Boolean).reverse();
    const script = file(`step-${ran.length}.sh`);
    writeFileSync(script, interpolate(step.run, context()));
    ran.push(step.name ?? step.run);
    const done = await bash(script, path.join(cwd, defaults?.run?.['working-directory'] ?? ''), {
      ...machine,
      ...values(job.env),
      ...values(step.env),
      PATH: [...added, machine.PATH].join(':'),
    });
    output += done.output;
    if (step.id !== undefined) steps[step.id] = { outputs: outputsIn(readFileSync(file('output'), 'utf8')) };
    writeFileSync(file('output'), '');
    if (done.code !== 0) {
      passed = false;
      break;
    }
  }
  return { passed, ran, output, summary: readFileSync(file('summary'), 'utf8'), pip: readFileSync(file('pip'), 'utf8') };
}

/** GitHub's own way to start a step whose shell is `bash`. */
function bash(script: string, cwd: string, env: Readonly<Record<string, string>>): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['--noprofile', '--norc', '-eo', 'pipefail', script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
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
async function machineWithPython(temp: string, name: PythonEnvironmentName): Promise<string> {
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
