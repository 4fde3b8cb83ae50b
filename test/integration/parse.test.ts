import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { dbt, type Finished, STRICT } from '../support/dbt.ts';
import { pythonEnvironment } from '../support/python.ts';
import { scaffold } from '../support/scaffold.ts';

const TARGETS = [
  ['dev', { DBT_DEV_NAME: 'priya', DBT_ENV_SECRET_DEV_PASSWORD: 'unused-dev' }],
  ['ci', { PR_NUMBER: '142', DBT_ENV_SECRET_CI_PASSWORD: 'unused-ci' }],
  ['prod', { DBT_ENVS_RUNNER: 'merge', DBT_ENV_SECRET_PROD_PASSWORD: 'unused-prod' }],
] as const;
const OUTSIDE_PROD: Readonly<Record<string, string>> = { dev: 'dev_priya', ci: 'pr_142' };

/** Parsers that never connect. The two of dbt 2 are the newest that are wheels: test/engines/python/README.md. */
const PARSERS = [
  ['dbt 1.12, deprecations as errors', (project: string, python: 'duckdb' | 'postgres', args: string[], env: object) => one(project, python, args, env)],
  [
    'dbt 1.12 with the parser of dbt 2',
    (project: string, python: 'duckdb' | 'postgres', args: string[], env: object) => withV2Parser(project, python, args, env),
  ],
  ['dbt 2', (project: string, _: string, args: string[], env: object) => v2(project, args, env)],
] as const;

const one = (project: string, python: 'duckdb' | 'postgres', args: string[], env: object): Promise<Finished> =>
  dbt(project, ['parse', '--no-partial-parse', ...args, ...STRICT], { python, env: { ...env } });

async function withV2Parser(project: string, python: 'duckdb' | 'postgres', args: string[], env: object): Promise<Finished> {
  const parser = (await pythonEnvironment('v2')).bin('dbt-core-experimental-parser');
  return dbt(project, ['parse', '--use-v2-parser', '--v2-parser', `${parser} parse`, ...args], { python, env: { ...EXPERIMENTAL, ...env } });
}

const v2 = (project: string, args: string[], env: object): Promise<Finished> =>
  dbt(project, ['parse', ...args], { python: 'v2', env: { ...EXPERIMENTAL, ...env } });

/** dbt 2's builds up to rc196 know the postgres adapter, but ask to be told that it is wanted. */
const EXPERIMENTAL = { DBT_ALLOW_EXPERIMENTAL_ADAPTERS: 'true' };

describe.each(['duckdb', 'postgres'] as const)('the emitted project for %s', (warehouse) => {
  let project: string;
  beforeAll(() => {
    project = scaffold({ warehouse });
  });

  describe.each(PARSERS)('as %s reads it', (_, parse) => {
    test.each(TARGETS)('is clean for target %s, and every node lands where that target may write', async (target, env) => {
      const { code, output } = await parse(project, warehouse, ['--target', target], env);
      expect(code, output).toBe(0);
      expect(output).not.toMatch(/deprecat|\bwarning\b/i);
      const schemas = landed(project);
      expect(schemas).toEqual(OUTSIDE_PROD[target] === undefined ? ['analytics', 'staging'] : [OUTSIDE_PROD[target]]);
    });

    test('is not clean once test arguments stand where dbt 2 has none: the gate can fail', async () => {
      const spoiled = mkdtempSync(path.join(tmpdir(), 'dbt-envs-spoiled-'));
      cpSync(project, spoiled, { recursive: true });
      const file = path.join(spoiled, 'models/staging/_staging.yml');
      const before = readFileSync(file, 'utf8');
      const after = before.replace('              arguments:\n                values:', '              values:');
      expect(after).not.toBe(before);
      writeFileSync(file, after);
      const { code, output } = await parse(spoiled, warehouse, [], TARGETS[0][1]);
      expect(code, output).not.toBe(0);
    });
  });

  test('needs no custom schema: with one prod schema everything is in it', async () => {
    const small = scaffold({ warehouse, prodSchemas: 'analytics' });
    const { code, output } = await one(small, warehouse, ['--target', 'prod'], TARGETS[2][1]);
    expect(code, output).toBe(0);
    expect(landed(small)).toEqual(['analytics']);
  });
});

/** The schemas of what dbt would build, from the manifest that it has just written. */
function landed(project: string): readonly string[] {
  const { nodes }: { nodes: Record<string, { schema: string; resource_type: string }> } = JSON.parse(
    readFileSync(path.join(project, 'target/manifest.json'), 'utf8'),
  );
  const built = Object.values(nodes).filter(({ resource_type }) => ['model', 'seed', 'snapshot', 'test'].includes(resource_type));
  expect(built.length).toBeGreaterThan(10);
  return [...new Set(built.map(({ schema }) => schema))].sort();
}
