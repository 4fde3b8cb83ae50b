import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { render } from '../../src/render.ts';
import { setupScript } from '../../templates/ci/github/setup.ts';
import { parseWorkflow } from '../support/github-workflow.ts';
import { ciTexts, pipeline, WORKLOAD_IDENTITY } from '../support/pipeline.ts';
import { type PythonEnvironment, pythonEnvironment } from '../support/python.ts';

let tools: PythonEnvironment;
let folder: string;
beforeAll(async () => {
  tools = await pythonEnvironment('tools');
  folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-'));
  for (const [name, text] of Object.entries(ciTexts())) write(name, text);
  const { template, view } = setupScript({ ...pipeline(), workloadIdentity: WORKLOAD_IDENTITY });
  write('scripts/with_tokens/setup.py', render(template, view));
  for (const id of ['sweep', 'deploy'] as const) {
    const { jobs, ...rest } = pipeline();
    const alone = setupScript({ ...rest, jobs: jobs.filter((job) => job.id === id) });
    write(`scripts/${id}_alone/setup.py`, render(alone.template, alone.view));
  }
});

const write = (name: string, text: string): string => {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
};
const run = (program: string, args: readonly string[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    execFile(program, [...args], { cwd: folder, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : 127, output: stdout + stderr }),
    );
  });

describe('zizmor, at its strictest', () => {
  const zizmor = (...files: readonly string[]) =>
    run(tools.bin('zizmor'), ['--offline', '--no-progress', '--no-config', '--persona=auditor', '--format=plain', ...files]);

  test('finds nothing in the emitted workflows, and nothing in them tells it to be silent', async () => {
    const { code, output } = await zizmor('.github/workflows');
    for (const name of ['dbt_deploy', 'dbt_sweep']) expect(output).toContain(`completed .github/workflows/${name}.yml`);
    expect([code, /No findings/.test(output)]).toEqual([0, true]);
    for (const text of Object.values(ciTexts())) expect(text).not.toContain('zizmor: ignore');
  });
  test.each<[string, string | RegExp, string, string]>([
    ['pull_request_target', '  pull_request:\n', '  pull_request_target:\n', 'dangerous-triggers'],
    ['an expression in a script', /run: dbt parse.*/, `run: echo '\${{ github.event.pull_request.title }}'`, 'template-injection'],
    ['a tag', /@[0-9a-f]{40} # v7.0.1/, '@v7', 'unpinned-uses'],
    ['a token left on disk', / {8}with:\n {10}persist-credentials: false\n/, '', 'artipacked'],
    ['permissions for everything', 'permissions: {}', 'permissions: write-all', 'excessive-permissions'],
    ['a secret outside an environment', / {4}environment:\n.*\n.*\n/, '', 'secrets-outside-env'],
  ])('and it finds a planted mistake: %s', async (_, from, to, audit) => {
    const text = readFileSync(path.join(folder, '.github/workflows/dbt_pull_request.yml'), 'utf8');
    const { code, output } = await zizmor(write('planted/.github/workflows/planted.yml', text.replace(from, to)));
    expect(output).toContain(audit);
    expect(code).not.toBe(0);
  });
  test.each<[string, string | RegExp, string, string]>([
    ['an input in a script', 'run: python scripts/dbt_envs/sweep.py', "run: echo '${{ inputs.keep }}'", 'template-injection'],
    ['a token left on disk', / {10}persist-credentials: false\n/, '', 'artipacked'],
    ['permissions for everything', 'permissions: {}', 'permissions: write-all', 'excessive-permissions'],
    ['a secret outside an environment', / {4}environment: sweep\n/, '', 'secrets-outside-env'],
    ['no order', /^concurrency:\n(?: {2}.*\n)+/m, '', 'concurrency-limits'],
  ])('and in the sweep: %s', async (_, from, to, audit) => {
    const text = readFileSync(path.join(folder, '.github/workflows/dbt_sweep.yml'), 'utf8');
    expect(text.match(from)?.index ?? -1).not.toBe(-1);
    const { code, output } = await zizmor(write('planted/.github/workflows/planted.yml', text.replace(from, to)));
    expect(output).toContain(audit);
    expect(code).not.toBe(0);
  });
});

describe('every script inside a workflow', () => {
  const scripts = Object.entries(ciTexts())
    .filter(([name]) => name.endsWith('.yml') && name.includes('workflows'))
    .flatMap(([, text]) => Object.entries(parseWorkflow(text).jobs))
    .flatMap(([job, { steps }]) => steps.flatMap(({ name = '', run: script }) => (script === undefined ? [] : [[`${job}: ${name}`, script] as const])));
  const shellcheck = (script: string) => run(tools.bin('shellcheck'), ['--shell=bash', '--severity=style', write('step.sh', script)]);

  test('is there', () => expect(scripts.length).toBeGreaterThan(12));
  test.each(scripts)('%s: shellcheck has nothing to say', async (_, script) => {
    const { code, output } = await shellcheck(script);
    expect(output).toBe('');
    expect(code).toBe(0);
  });
  test('and a planted mistake is found', async () => {
    expect((await shellcheck('if [ $state != open ]; then\n  exit 1\nfi\n')).output).toContain('SC2086');
    expect((await shellcheck('if true; then\n')).code).not.toBe(0);
  });
});
