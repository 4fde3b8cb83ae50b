import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { havePrograms } from './debian.ts';
import { gitlabRunner } from './engines.ts';
import { machineWithPython } from './github-runner.ts';
import type { PythonEnvironmentName } from './python.ts';

export interface GitlabRun {
  /** success, failure, warning or not started, by job. */
  readonly results: Readonly<Record<string, string>>;
  readonly output: string;
  /** Where the artifacts of a job are. */
  readonly artifacts: (job: string) => string;
}

export interface RunOptions {
  /** A clone of the repository, at the commit of the pipeline. */
  readonly workspace: string;
  /** The variables that GitLab sets, and those of the project that this pipeline may read. */
  readonly variables: Readonly<Record<string, string>>;
  /** Jobs that somebody, or the end of the environment, starts by hand. Then no other job runs. */
  readonly only?: readonly string[];
  readonly python: PythonEnvironmentName;
}

/** Node's arguments of gitlab-ci-local, installed once. It copies files with rsync. */
export async function gitlabCiLocal(): Promise<string> {
  havePrograms(['rsync']);
  await gitlabRunner.install();
  return path.join(gitlabRunner.folder, 'node_modules/gitlab-ci-local/dist/index.js');
}

/** What GitLab would start for these variables, by job: its `when`. */
export async function jobsFor(workspace: string, variables: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
  const { code, stdout, stderr } = await start(workspace, ['--list-json', ...given(variables)]);
  if (code !== 0) throw new Error(stderr + stdout);
  const listed: readonly { name: string; when: string }[] = JSON.parse(stdout);
  return Object.fromEntries(listed.filter(({ when }) => when !== 'never').map(({ name, when }) => [name, when]));
}

/** Runs a pipeline's jobs with gitlab-ci-local's shell executor: GitLab's rules, needs and artifacts, and the jobs' own scripts. */
export async function runPipeline({ workspace, variables, only = [], python }: RunOptions): Promise<GitlabRun> {
  const temp = mkdtempSync(path.join(tmpdir(), 'dbt-envs-job-'));
  const machine = await machineWithPython(temp, python);
  const env = { PATH: `${machine}:${process.env.PATH ?? ''}`, HOME: temp, DBT_SEND_ANONYMOUS_USAGE_STATS: 'false', DBT_USE_COLORS: 'false' };
  const { stdout, stderr } = await start(workspace, [...only, '--shell-isolation', '--force-shell-executor', ...given(variables)], env);
  const output = `${stdout}${stderr}`;
  const results = Object.fromEntries(
    [...output.matchAll(/^\s*(PASS|FAIL|WARN)\s+(?:\[[^\]]*\]\s+)?([\w-]+)/gm)].map(([, how = '', job = '']) => [
      job,
      { PASS: 'success', FAIL: 'failure', WARN: 'warning' }[how] ?? how,
    ]),
  );
  return { results, output, artifacts: (job) => path.join(workspace, '.gitlab-ci-local/artifacts', job) };
}

/** The files of a job's artifacts, below their folder. */
export const filesOf = (folder: string): readonly string[] =>
  existsSync(folder) ? readdirSync(folder, { recursive: true }).map((name) => String(name).replaceAll('\\', '/')) : [];

const given = (variables: Readonly<Record<string, string>>): readonly string[] => [
  '--ignore-predefined-vars',
  Object.keys(variables).join(','),
  ...Object.entries(variables).flatMap(([name, value]) => ['--variable', `${name}=${value}`]),
];

async function start(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const program = await gitlabCiLocal();
  const surroundings = { PATH: process.env.PATH ?? '', HOME: cwd, NO_COLOR: '1', ...env };
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve, reject) => {
    const child = spawn(process.execPath, [program, '--no-color', ...args], { cwd, env: surroundings, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => (stdout += String(chunk)));
    child.stderr.on('data', (chunk) => (stderr += String(chunk)));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}
