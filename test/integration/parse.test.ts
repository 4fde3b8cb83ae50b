import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dbt, type Finished, STRICT } from '../support/dbt.ts';
import { pythonEnvironment } from '../support/python.ts';
import { scaffold } from '../support/scaffold.ts';

type Env = Readonly<Record<string, string>>;
type Adapter = 'duckdb' | 'postgres' | 'snowflake' | 'bigquery';
type Parser = (project: string, adapter: Adapter, target: string, env: Env) => Promise<Finished>;

/** What each target's own people have, and nothing of the others'. */
const ENV: Readonly<Record<'dev' | 'ci' | 'prod', Env>> = {
  dev: { DBT_DEV_NAME: 'priya', DBT_ENV_SECRET_DEV_PASSWORD: 'unused-dev', DBT_SNOWFLAKE_ACCOUNT: 'acme-main' },
  ci: { PR_NUMBER: '142', DBT_ENV_SECRET_CI_PASSWORD: 'unused-ci', DBT_ENV_SECRET_CI_PRIVATE_KEY: 'unused-ci', DBT_SNOWFLAKE_ACCOUNT: 'acme-main' },
  prod: {
    DBT_ENVS_RUNNER: 'merge',
    DBT_ENV_SECRET_PROD_PASSWORD: 'unused-prod',
    DBT_ENV_SECRET_PROD_PRIVATE_KEY: 'unused-prod',
    DBT_SNOWFLAKE_ACCOUNT: 'acme-main',
  },
};
/** The databases, where a warehouse keeps the environments apart from production. */
const DATABASES: Readonly<Record<Adapter, Readonly<Record<'dev' | 'ci' | 'prod', string | undefined>>>> = {
  duckdb: { dev: undefined, ci: undefined, prod: undefined },
  postgres: { dev: 'acme', ci: 'acme', prod: 'acme' },
  snowflake: { dev: 'acme_nonprod', ci: 'acme_nonprod', prod: 'acme' },
  bigquery: { dev: 'acme-dev', ci: 'acme-ci', prod: 'acme-prod' },
};
const LANDS = { dev: ['dev_priya'], ci: ['pr_142'], prod: ['analytics', 'staging'] } as const;

const dbt1: Parser = (project, python, target, env) => dbt(project, ['parse', '--no-partial-parse', '--target', target, ...STRICT], { python, env });

const dbt1WithParserOf2: Parser = async (project, python, target, env) => {
  const parser = (await pythonEnvironment('v2')).bin('dbt-core-experimental-parser');
  return dbt(project, ['parse', '--use-v2-parser', '--v2-parser', `${parser} parse`, '--target', target], { python, env: { ...EXPERIMENTAL, ...env } });
};

const dbt2: Parser = (project, _, target, env) => dbt(project, ['parse', '--target', target], { python: 'v2', env: { ...EXPERIMENTAL, ...env } });

/** Builds of dbt 2 up to rc196 know the postgres adapter, and ask to be told that it is wanted. */
const EXPERIMENTAL = { DBT_ALLOW_EXPERIMENTAL_ADAPTERS: 'true' };

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});
const kept = (folder: string): string => {
  made.push(folder);
  return folder;
};

/** None of the four connects. Those of dbt 2 are the newest that are wheels: test/engines/python/README.md. */
describe.each(['duckdb', 'postgres', 'snowflake', 'bigquery'] as const)('the emitted project for %s', (warehouse) => {
  let project: string;
  beforeAll(() => {
    project = kept(scaffold({ warehouse }));
  });

  describe.each([
    ['dbt 1.12, deprecations as errors', dbt1, ['dev', 'ci', 'prod']],
    ['dbt 1.12 with the parser of dbt 2', dbt1WithParserOf2, ['prod']],
    ['dbt 2', dbt2, ['dev', 'ci', 'prod']],
  ] as const)('as %s reads it', (_, parse, targets) => {
    test.each(targets)('is clean for target %s, and every node lands where that target may write', async (target) => {
      const { code, output } = await parse(project, warehouse, target, ENV[target]);
      expect(code, output).toBe(0);
      expect(output).not.toMatch(/deprecat|\bwarning\b/i);
      expect(landed(project)).toEqual(LANDS[target]);
      const database = DATABASES[warehouse][target];
      if (database !== undefined) expect(landed(project, 'database')).toEqual([database]);
    });

    test('is not clean once test arguments stand where dbt 2 has none: the gate can fail', async () => {
      const spoiled = kept(mkdtempSync(path.join(tmpdir(), 'dbt-envs-spoiled-')));
      cpSync(project, spoiled, { recursive: true });
      const file = path.join(spoiled, 'models/staging/_staging.yml');
      const before = readFileSync(file, 'utf8');
      const after = before.replace('              arguments:\n                values:', '              values:');
      expect(after).not.toBe(before);
      writeFileSync(file, after);
      const { code, output } = await parse(spoiled, warehouse, 'dev', ENV.dev);
      expect(code, output).not.toBe(0);
      expect(output).toMatch(/arguments/i);
    });
  });

  test('needs no second schema: with one, everything of production is in it', async () => {
    const small = kept(scaffold({ warehouse, prodSchemas: 'analytics' }));
    const { code, output } = await dbt1(small, warehouse, 'prod', ENV.prod);
    expect(code, output).toBe(0);
    expect(landed(small)).toEqual(['analytics']);
  });
});

/** The schemas, or the databases, of what dbt would build, from the manifest that it has just written. */
function landed(project: string, part: 'schema' | 'database' = 'schema'): readonly string[] {
  const { nodes }: { nodes: Record<string, { schema: string; database: string; resource_type: string }> } = JSON.parse(
    readFileSync(path.join(project, 'target/manifest.json'), 'utf8'),
  );
  const built = Object.values(nodes).filter(({ resource_type }) => ['model', 'seed', 'snapshot', 'test'].includes(resource_type));
  expect(built.length).toBeGreaterThan(10);
  return [...new Set(built.map((node) => node[part]))].sort();
}
