import { beforeAll, describe, expect, test } from 'vitest';
import { dbt, python } from '../support/dbt.ts';
import { scaffold } from '../support/scaffold.ts';

let project: string;
beforeAll(() => {
  project = scaffold({ warehouse: 'duckdb' });
});

/** Several commands in one process: each is parsed and run as on its own, and dbt is loaded once. */
async function each(commands: readonly (readonly string[])[], env: Record<string, string> = {}): Promise<readonly { passed: boolean; output: string }[]> {
  const script = `
import contextlib, io, json, sys
from dbt.cli.main import dbtRunner
for command in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        result = dbtRunner().invoke(command)
    print(json.dumps({"passed": result.success, "output": said.getvalue()}))
`;
  const { output } = await python(project, ['-c', script, JSON.stringify(commands)], { env });
  return output
    .split('\n')
    .filter((line) => line.startsWith('{"passed"'))
    .map((line) => JSON.parse(line));
}
const drop = (args: string) => ['run-operation', 'drop_pr_schema', '--target', 'ci', '--args', args];

describe('drop_pr_schema', () => {
  test('takes a number from 1 up, as a number or as text', async () => {
    const asked = ['{pr: 142}', '{pr: "142"}', '{pr: 1}', '{pr: 9999999999}'];
    const answers = await each(asked.map(drop));
    expect(answers.map(({ passed }) => passed)).toEqual(asked.map(() => true));
    expect(answers[0]?.output).toMatch(/There is no pr_142 in .*: nothing to drop\.\n\{"dropped": \[\]\}\n$/);
  });

  test('refuses everything else', async () => {
    const asked = [
      '0',
      '-1',
      '1.5',
      'true',
      '"142x"',
      '"142; drop schema prod"',
      '"pr_142"',
      '"1 42"',
      '"142\\n"',
      '"٣"',
      '12345678901',
      '[142]',
      '{a: 1}',
      '""',
    ];
    const answers = await each(asked.map((value) => drop(`{pr: ${value}}`)));
    expect(answers).toHaveLength(asked.length);
    for (const [at, { passed, output }] of answers.entries()) {
      expect(passed, asked[at]).toBe(false);
      expect(output, asked[at]).toContain('is no pull request: set PR_NUMBER to its number, e.g. PR_NUMBER=142.');
    }
  });

  test('refuses to guess without a number', async () => {
    const [answer] = await each([['run-operation', 'drop_pr_schema', '--target', 'ci']]);
    expect([answer?.passed, answer?.output.includes('"" is no pull request')]).toEqual([false, true]);
  });

  test('runs under target ci alone', async () => {
    const [answer] = await each([['run-operation', 'drop_pr_schema', '--args', '{pr: 142}']], { DBT_DEV_NAME: 'priya' });
    expect([answer?.passed, answer?.output.includes('Only target ci drops pr_142, and this is target dev: add --target ci.')]).toEqual([false, true]);
  });
});

describe('review_card', () => {
  test('of a pull request that built nothing says so', async () => {
    const { code, output } = await dbt(project, ['--quiet', 'run-operation', 'review_card', '--target', 'ci'], { env: { PR_NUMBER: '7' } });
    const [line, json, rest] = output.split('\n');
    expect([code, line, rest]).toEqual([0, 'pr_7: 0 relations; 0 counts, here and in production', '']);
    expect(JSON.parse(json ?? '')).toEqual({ schema: 'pr_7', relations: [], left_in_prod: [], query: null });
  });
  test('runs under target ci alone', async () => {
    const { code, output } = await dbt(project, ['run-operation', 'review_card', '--target', 'dev'], { env: { PR_NUMBER: '7', DBT_DEV_NAME: 'priya' } });
    expect([code, output.includes('Only target ci has a pull request to review, and this is target dev: add --target ci.')]).toEqual([1, true]);
  });
  test('counts what is in production beside what is here', async () => {
    const build = (target: string, ...seeds: readonly string[]) => ['seed', '--target', target, '--select', ...seeds];
    const options = { env: { PR_NUMBER: '142', DBT_ENVS_RUNNER: 'merge' } };
    await python(project, ['scripts/dbt_envs/publish_prod.py', 'prepare']);
    await dbt(project, build('prod', 'raw_orders'), options);
    await python(project, ['scripts/dbt_envs/publish_prod.py', 'publish']);
    await dbt(project, build('ci', 'raw_orders', 'raw_events'), options);
    const { output } = await dbt(project, ['--quiet', 'run-operation', 'review_card', '--target', 'ci'], options);
    const { relations } = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');
    expect(relations).toMatchObject([
      { name: 'raw_events', here: { rows: 11, exact: true }, prod: null },
      { name: 'raw_orders', here: { rows: 9, exact: true }, prod: { rows: 9, exact: true } },
    ]);
  });
});
