import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { warehouses } from '../../src/catalogue.ts';
import { gitlabFiles, gitlabJobs } from '../support/gitlab-files.ts';
import { type PythonEnvironment, pythonEnvironment } from '../support/python.ts';
import { scaffold } from '../support/scaffold.ts';

let tools: PythonEnvironment;
let folder: string;
beforeAll(async () => {
  tools = await pythonEnvironment('tools');
  folder = scaffold({ ci: 'gitlab', warehouse: 'snowflake' }, mkdtempSync(path.join(tmpdir(), 'dbt-envs-')));
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

describe("GitLab's own schema, the one of its editor", () => {
  const check = (...files: readonly string[]) => run(tools.bin('check-jsonschema'), ['--builtin-schema', 'vendor.gitlab-ci', ...files]);

  test.each(warehouses.map(({ id }) => id))('finds nothing in the emitted files for %s', async (warehouse) => {
    for (const given of [{}, { prodRuns: 'external' }, { runner: 'big', image: 'acme/dbt', pythonIndex: 'https://pypi.acme.example/simple' }]) {
      const files = Object.entries(gitlabFiles({ warehouse, ...given })).map(([name, text]) => write(`${warehouse}/${name}`, text));
      const { code, output } = await check(...files);
      expect(code, output).toBe(0);
    }
  });
  test.each([
    ['a key that no job has', '.gitlab/ci/dbt_deploy.yml', '  resource_group:', '  resource_groups:'],
    ['a job without a script', '.gitlab/ci/dbt_sweep.yml', '  needs: [dbt-sweep]\n', '  needs: 7\n'],
    ['an action that there is not', '.gitlab/ci/dbt_merge_request.yml', '    action: stop', '    action: drop'],
    ['a when that there is not', '.gitlab/ci/dbt_merge_request.yml', '      when: manual', '      when: by_hand'],
    ['a rule that is no list', '.gitlab/ci/dbt_deploy.yml', '    - if: $CI_PIPELINE_SOURCE == "push"', '      if: $CI_PIPELINE_SOURCE == "push"'],
    ['artifacts at another time', '.gitlab/ci/dbt_merge_request.yml', '    when: always\n', '    when: often\n'],
    ['an include of no kind', '.gitlab-ci.yml', '- local:', '- near:'],
  ])('and it finds a planted mistake: %s', async (_, file, from, to) => {
    const text = readFileSync(path.join(folder, file), 'utf8');
    expect(text).toContain(from);
    const { code, output } = await check(write(`planted/${path.basename(file)}`, text.replace(from, to)));
    expect(code, output).not.toBe(0);
  });
});

describe('shellcheck', () => {
  /** A job's script as the runner joins it. `$?` after each line is the runner's own affair, and so is what it sets (SC2153 takes a name for a slip in another's). */
  const shellcheck = (name: string, script: readonly string[]) =>
    run(tools.bin('shellcheck'), ['--shell=sh', '--exclude=SC2164,SC2153', write(`shell/${name}.sh`, `${script.join('\n')}\n`)]);

  test.each(
    ['snowflake', 'bigquery'].flatMap((warehouse) =>
      Object.entries(gitlabJobs(gitlabFiles({ warehouse }))).map(([name, job]) => [`${name} for ${warehouse}`, job] as const),
    ),
  )('finds nothing in %s', async (name, { script = [] }) => {
    const { code, output } = await shellcheck(name.replaceAll(' ', '-'), script);
    expect(code, output).toBe(0);
  });
  test.each([
    ['a variable without quotes', 'git clone --depth 1 $CI_REPOSITORY_URL .', 'SC2086'],
    ['a test that is always true', '[ -n $PR_NUMBER ]', 'SC2070'],
    ['a bashism', '[[ $x == y ]]', 'SC3010'],
  ])('and it finds a planted mistake: %s', async (_, line, finding) => {
    expect((await shellcheck('planted', [line])).output).toContain(finding);
  });
});
