import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { ciProviders, warehouses } from '../../src/catalogue.ts';
import { plan } from '../../src/plan.ts';
import type { PlannedFile } from '../../src/planned-file.ts';
import { parseAnswers } from '../../src/questions.ts';
import { requirement } from '../../src/versions.ts';
import { deadLinks, missingFiles, wrongHeadings } from '../support/markdown.ts';
import { needsOf } from '../support/scaffold.ts';

interface Place {
  readonly projectDir?: string;
  readonly adopted?: { readonly profile: string };
}
function planFor(given: Record<string, string>, { projectDir = '', adopted }: Place = {}): readonly PlannedFile[] {
  const answers = parseAnswers({ projectName: 'acme', team: 'priya, sam=sam.jones', ...needsOf(given.warehouse), ...given });
  const roster = { developers: answers.team, leavers: [], readers: answers.readers };
  return plan(answers, roster, { projectDir, ...(adopted && { adopted }) }, ['app']);
}
const read = (files: readonly PlannedFile[], path: string): string => files.find((file) => file.path === path)?.contents ?? '';
const ownerOf = (files: readonly PlannedFile[], path: string): string | undefined => files.find((file) => file.path === path)?.owner;

describe.each(warehouses.map((warehouse) => [warehouse.id, warehouse] as const))('a repository on %s', (id, warehouse) => {
  const files = planFor({ warehouse: id });

  test('pins dbt, the adapter and what the warehouse asks for, from the one list of versions', () => {
    const lines = read(files, 'requirements.txt')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines).toEqual([requirement('dbt-core'), requirement(warehouse.adapter), ...(warehouse.requirements ?? [])]);
    for (const line of lines) expect(line).toMatch(/^[a-z-]+==\d+\.\d+\.\d+$/);
  });
  test('asks a developer for a developer’s variables, and sets none that would redirect dbt', () => {
    const example = read(files, '.env.example');
    const named = [...example.matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(([, name = '']) => name);
    const variables = warehouse.variables({ ...parsedProject(id) });
    const theirs = variables.filter(({ identities }) => identities.includes('dev')).map(({ name }) => name);
    expect([...named].sort()).toEqual([...new Set(['DBT_DEV_NAME', ...theirs])].sort());
    expect(example).not.toMatch(/^[^#]*DBT_TARGET/m);
    for (const { name, secret } of variables) if (secret) expect(example).not.toMatch(new RegExp(`^(?:# )?${name}=.`, 'm'));
  });
  test('lints in the warehouse’s own dialect', () => expect(read(files, '.sqlfluff')).toMatch(new RegExp(`^dialect = ${id}$`, 'm')));
  test('installs every hook, pinned, from the package index: nothing is cloned', () => {
    const config = read(files, '.pre-commit-config.yaml');
    expect(parseDocument(config).errors).toEqual([]);
    expect([...config.matchAll(/repo: (\S+)/g)].map(([, repo]) => repo)).toEqual(['local']);
    const installed = [...config.matchAll(/additional_dependencies: \["([^"]+)"\]/g)].map(([, name]) => name);
    expect(installed).toHaveLength(config.match(/- id: /g)?.length ?? -1);
    for (const name of installed) expect(name).toMatch(/^[a-z-]+==\d+\.\d+\.\d+$/);
  });
});

function parsedProject(warehouse: string) {
  const answers = parseAnswers({ projectName: 'acme', team: 'priya@example.com', warehouse });
  return {
    name: answers.projectName,
    profile: 'acme',
    rolePrefix: answers.rolePrefix,
    prodSchemas: answers.prodSchemas,
    sourceSchemas: answers.sourceSchemas,
    roster: { developers: answers.team, leavers: [], readers: [] },
    devDays: answers.devDays,
    prDays: answers.prDays,
    prodRuns: answers.prodRuns,
    mainBranch: answers.mainBranch,
    settings: answers.settings,
  };
}

test('git ignores secrets, and merges the lock line by line', () => {
  const files = planFor({});
  expect(read(files, '.gitignore').split('\n')).toEqual(expect.arrayContaining(['.env', 'target/', '.venv/']));
  expect(read(files, '.gitattributes').split('\n')).toEqual(expect.arrayContaining(['* text=auto eol=lf', '.dbt-envs.lock merge=union']));
});

describe.each(ciProviders.map(({ id }) => id))('owners on %s', (ci) => {
  const owners = (files: readonly PlannedFile[]) => files.find(({ path }) => /CODEOWNERS$/.test(path));
  test('are asked for, not invented: every rule waits behind a #', () => {
    expect(owners(planFor({ ci }))?.contents).toMatch(/^# \S/m);
    expect(owners(planFor({ ci }))?.contents).not.toMatch(/^[^#\n]/m);
  });
  test.each(['', 'data/dbt'])('guard paths that exist, with the project in "%s"', (projectDir) => {
    const files = planFor({ ci }, { projectDir });
    const depth = projectDir === '' ? 0 : projectDir.split('/').length;
    const atRoot = files.map(({ path }) =>
      path.startsWith('../'.repeat(Math.max(1, depth))) ? path.slice(3 * depth) : [projectDir, path].filter(Boolean).join('/'),
    );
    const rules = [...(owners(files)?.contents ?? '').matchAll(/^# \/(\S+) @/gm)].map(([, rule = '']) => rule);
    expect(rules.length).toBeGreaterThan(3);
    for (const rule of rules)
      expect(
        atRoot.some((path) => path === rule || path.startsWith(rule)),
        rule,
      ).toBe(true);
  });
});

test('a pull request says where to look and how to get back', () => {
  const template = planFor({}).find(({ path }) => /pull_request_template/.test(path))?.contents ?? '';
  expect(template).toMatch(/## What changes[\s\S]*## See it[\s\S]*pr_<n>[\s\S]*## Rollback/);
});

test.each(warehouses.map(({ id }) => id))('the documents of an adopted project on %s link to what it has', (warehouse) => {
  const files = planFor({ warehouse }, { adopted: { profile: 'jaffle' } });
  const tree = new Map([['dbt_project.yml', ''], ...files.map(({ path, contents }) => [path, contents] as const)]);
  for (const path of ['docs/environments.md', 'docs/runbook.md'])
    expect([...deadLinks(path, tree), ...missingFiles(path, tree), ...wrongHeadings(read(files, path))]).toEqual([]);
});

describe('who owns what', () => {
  test('the first draft of the README and the rules of the trade are yours, the rest follows the answers', () => {
    const files = planFor({});
    for (const path of ['README.md', '.gitignore', '.gitattributes', '.sqlfluff', '.pre-commit-config.yaml']) expect(ownerOf(files, path), path).toBe('yours');
    for (const path of ['docs/environments.md', 'docs/runbook.md', '.env.example', 'requirements.txt']) {
      expect(ownerOf(files, path), path).toBe('ours');
      expect(read(files, path).split('\n')[0], path).toMatch(/Written by generator-dbt-envs/);
    }
  });
  test('an adopted project keeps its README, its models and its requirements', () => {
    const files = planFor({}, { adopted: { profile: 'jaffle' } });
    expect(files.map(({ path }) => path).filter((path) => path === 'README.md' || /^(?:models|seeds|snapshots|tests)\//.test(path))).toEqual([]);
    expect(ownerOf(files, 'requirements.txt')).toBe('yours');
    expect(read(files, '.gitattributes')).not.toMatch(/text=auto/);
    expect(read(files, 'docs/runbook.md')).toMatch(/### Install/);
    expect(read(files, 'docs/runbook.md')).not.toMatch(/README\.md#/);
    expect(read(files, 'docs/environments.md')).not.toMatch(/fct_revenue_daily/);
  });
});

test('a roster from which everybody has left still gives documents', () => {
  const answers = parseAnswers({ projectName: 'acme', team: 'priya' });
  const files = plan(answers, { developers: [], leavers: answers.team.map((one) => ({ ...one, left: '2026-01-31' })), readers: [] }, { projectDir: '' }, [
    'app',
  ]);
  expect(read(files, 'README.md')).not.toMatch(/undefined/);
});
