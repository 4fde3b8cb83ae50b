import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decide, type Invocation, look } from '../../src/run.ts';

let folder = '';
beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'dbt-envs-gitlab-')));
  put('.git/refs/remotes/origin/HEAD', 'ref: refs/remotes/origin/trunk\n');
  for (const file of ['dbt_project.yml', 'profiles.yml']) put(`data/dbt/${file}`, readFileSync(new URL(`fixtures/${file}`, import.meta.url), 'utf8'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (file: string, text: string): void => {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), text);
};
const text = (file: string): string => readFileSync(path.join(folder, file), 'utf8');
const decision = (...command: Invocation['command']) => {
  const given = { team: 'priya, sam', warehouse: 'postgres', database: 'acme', ci: 'gitlab' };
  const invocation: Invocation = { cwd: path.join(folder, 'data/dbt'), command, given, force: false };
  return decide(invocation, look(invocation).known);
};
const LINE = '  - local: /.gitlab/ci/dbt_*.yml\n';

describe('the parts ci and cleanup in a repository that is there: a project in a subfolder, branch trunk', () => {
  test('write their files at the root, and those run in the project’s folder, for that branch', async () => {
    const { created } = await decision('ci', 'cleanup').apply(() => 'keep');
    expect(created.filter((file) => file.startsWith('../../')).toSorted()).toEqual([
      '../../.gitlab-ci.yml',
      '../../.gitlab/ci/dbt_deploy.yml',
      '../../.gitlab/ci/dbt_merge_request.yml',
      '../../.gitlab/ci/dbt_sweep.yml',
    ]);
    for (const name of ['deploy', 'merge_request', 'sweep']) {
      const file = text(`.gitlab/ci/dbt_${name}.yml`);
      expect(file).toContain(`- "cd 'data/dbt'"`);
      expect(file).not.toMatch(/"main"|heads\/main|--branch main/);
    }
    expect(text('.gitlab/ci/dbt_merge_request.yml')).toContain('- data/dbt/target/dbt_envs/card.html');
    expect(text('.gitlab/ci/dbt_sweep.yml')).toContain('- data/dbt/target/dbt_envs/\n');
  });
  test.each([
    [
      'that includes others',
      'include:\n  - local: /ci/lint.yml\nlint:\n  script: [make]\n',
      `include:\n  - local: /ci/lint.yml\n${LINE}lint:\n  script: [make]\n`,
    ],
    ['that includes one in a word', 'include: /ci/lint.yml\n', 'include: [/ci/lint.yml, {"local": "/.gitlab/ci/dbt_*.yml"}]\n'],
    ['that includes nothing', 'lint:\n  script: [make] # ours\n', `lint:\n  script: [make] # ours\ninclude:\n${LINE}`],
  ])('a .gitlab-ci.yml of theirs %s gets one line, and keeps every other byte', async (_, before, after) => {
    put('.gitlab-ci.yml', before);
    await decision('ci').apply(() => 'keep');
    expect(text('.gitlab-ci.yml')).toBe(after);
    const { created, updated } = await decision('ci').apply(() => 'keep');
    expect([created, updated, text('.gitlab-ci.yml')]).toEqual([[], [], after]);
  });
  test('before anything is written it is said what each plan of GitLab protects, and what none does', () => {
    const { warnings } = decision('ci', 'cleanup');
    expect(warnings[0]).toMatch(
      /on every plan\. On Free nothing .* whoever may merge to trunk is production\. .* take Premium, and a maintainer .* take Ultimate\.$/,
    );
    expect(warnings[1]).toContain('may write no comment on GitLab');
    expect(warnings[2]).toMatch(/may write no issue on GitLab: .* project access tokens take Premium; on Free, /);
    expect(() => text('.gitlab-ci.yml')).toThrow('ENOENT');
  });
  test('cleanup alone brings the sweep, its one scope and nothing of merge requests', async () => {
    await decision('cleanup').apply(() => 'keep');
    expect(() => text('.gitlab/ci/dbt_merge_request.yml')).toThrow('ENOENT');
    const setup = text('data/dbt/scripts/dbt_envs/setup.py');
    expect(setup).toContain('PROTECTED = ["sweep", "sweep-issue"]');
    expect(setup).not.toMatch(/"pr\/\*"|PROD_PASSWORD|ci_allow_fork/);
    expect(text('.gitlab/ci/dbt_sweep.yml')).not.toContain('dbt-sweep-watch');
  });
});
