import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { ciProviders, warehouses } from '../../src/catalogue.ts';
import { partNames, withNeeds } from '../../src/plan.ts';
import type { PlannedFile } from '../../src/planned-file.ts';
import { contextFor, planned } from '../support/scaffold.ts';

const product = warehouses.flatMap((warehouse) => ciProviders.map((ci) => [warehouse.id, ci.id] as const));
const HARD = {
  team: 'priya, sam=sam.jones, Ana Ñúñez',
  readers: 'looker, anna:reviews',
  prodSchemas: 'analytics, staging, finance',
  sourceSchemas: 'raw, crm:pii',
};
/** What the CI provider and its code host ask for themselves. */
const ownPaths = (warehouse: string, ci: string): readonly string[] => {
  const { pipeline, codeHost, ci: provider } = contextFor({ warehouse, ci });
  const files = [
    ...provider.commonFiles(pipeline),
    ...provider.files(pipeline),
    ...provider.sweepFiles(pipeline),
    ...codeHost.files(),
    ...codeHost.sweepFiles(),
  ];
  return files.map(({ path }) => path);
};
const byPath = (files: readonly PlannedFile[]) => new Map(files.map((file) => [file.path, file.contents]));

describe.each(product)('the plan for %s on %s', (warehouse, ci) => {
  const files = planned({ warehouse, ci, ...HARD });

  test('leaves no trace of a template or a missing value', () => {
    for (const { path, contents } of files) expect(contents, path).not.toMatch(/<%|%>|\bundefined\b|\[object |\bNaN\b/);
  });
  test('ends every file with one newline and no line with a blank', () => {
    for (const { path, contents } of files) {
      expect(contents, path).toMatch(/[^\n]\n$/);
      expect(contents, path).not.toMatch(/\r/);
      if (!path.endsWith('.md')) expect(contents, path).not.toMatch(/[ \t]\n/);
    }
  });
  test('writes only well-formed YAML', () => {
    for (const { path, contents } of files.filter((file) => /\.ya?ml$/.test(file.path))) {
      for (const document of parseAllDocuments(contents)) expect(document.errors, path).toEqual([]);
    }
  });
  test('never matches a schema name by LIKE', () => {
    for (const { path, contents } of files.filter((file) => /\.(sql|py|ya?ml)$/.test(file.path)))
      expect(contents.replaceAll(/(--|#).*/g, ''), path).not.toMatch(/\blike\s+'/i);
  });
  test('names each path once, in one case, inside the project', () => {
    const paths = files.map(({ path }) => path);
    expect(new Set(paths.map((path) => path.toLowerCase())).size).toBe(paths.length);
    for (const path of paths) expect(path).toMatch(/^(?!\/)(?!.*\.\.)[\w.@/-]+$/);
  });
  test('has exactly three targets, dev first and default', () => {
    const profiles = byPath(files).get('profiles.yml') ?? '';
    expect(profiles.match(/^ {4}[a-z]+:$/gm)).toEqual(['    dev:', '    ci:', '    prod:']);
    expect(profiles).toMatch(/^ {2}target: dev$/m);
  });
  test('keeps every secret in an environment variable whose name dbt hides', () => {
    const profiles = byPath(files).get('profiles.yml') ?? '';
    for (const line of profiles.split('\n').filter((line) => /password|token|private_key/.test(line) && !/^\s*#/.test(line)))
      expect(line).toMatch(/env_var\('DBT_ENV_SECRET_[A-Z_]+'[,)]/);
  });
  test('is the same twice', () => expect(planned({ warehouse, ci, ...HARD })).toEqual(files));
});

describe('orthogonality', () => {
  test.each(warehouses.map(({ id }) => id))('what %s writes does not depend on the CI provider, documents aside', (warehouse) => {
    const [first = [], ...rest] = ciProviders.map((ci) => {
      const vendors = new Set([...ownPaths(warehouse, ci.id), 'scripts/dbt_envs/sweep.py']); // which names the code host
      return planned({ warehouse, ci: ci.id }).filter(({ path }) => !vendors.has(path) && !/\.md$|^\.env|CODEOWNERS$/.test(path));
    });
    for (const other of rest) expect(byPath(other)).toEqual(byPath(first));
  });
  test.each(ciProviders.map(({ id }) => id))('what %s writes names no warehouse', (ci) => {
    for (const { id: warehouse } of warehouses) {
      const own = planned({ warehouse, ci }).filter(({ path }) => ownPaths(warehouse, ci).includes(path) && path.endsWith('.yml'));
      expect(own.length).toBeGreaterThan(0);
      for (const { path, contents } of own) {
        for (const { id } of warehouses)
          expect(contents.replaceAll(/\$\{\{[^}]*\}\}|[A-Z_]{3,}|scripts\/dbt_envs\/\w+/g, ''), path).not.toMatch(new RegExp(`\\b${id}\\b`, 'i'));
      }
    }
  });
});

test('a part brings what it needs, and nothing else', () => {
  expect(withNeeds(['app'])).toEqual(partNames);
  expect(withNeeds(['ci'])).toEqual(['roster', 'profiles', 'ci']);
  expect(withNeeds(['grants'])).toEqual(['roster', 'profiles', 'grants']);
});
