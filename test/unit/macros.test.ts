import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { warehouses } from '../../src/catalogue.ts';
import { planned } from '../support/scaffold.ts';

const filesFor = (warehouse: string, given: Record<string, string> = {}) =>
  new Map(planned({ warehouse, ...given }).map(({ path, contents }) => [path, contents]));

describe.each(warehouses.map(({ id }) => id))('the macros for %s', (warehouse) => {
  const files = filesFor(warehouse);
  const sql = [...files].filter(([path]) => /^macros\/.*\.sql$/.test(path));

  test('never compare a schema with LIKE', () => {
    const comparing = (text: string) => /\b(?:i?like|similar\s+to|startswith|starts_with)\b/i.test(text.replace(/\{#[\s\S]*?#\}/g, ''));
    expect(sql.filter(([, text]) => comparing(text) && !text.includes('startswith(prefix)')).map(([path]) => path)).toEqual([]);
    expect(comparing("where schema_name like 'pr_%'")).toBe(true);
  });

  test('read only environment variables in the guards: a partial parse overlooks everything else', () => {
    const guards = ['generate_schema_name', 'refuse_target', 'refuse_schema'].map((name) => files.get(`macros/dbt_envs/${name}.sql`) ?? '');
    const untracked = (text: string) => /\b(?:flags|run_started_at|invocation_id|modules\.datetime|var\()/.test(text);
    expect(guards.every((text) => text !== '')).toBe(true);
    expect(guards.some(untracked)).toBe(false);
    expect(untracked("{% if flags.WHICH == 'run' %}")).toBe(true);
  });

  test('that people may call or override are described, with their arguments', () => {
    const described = [...files]
      .filter(([path]) => /^macros\/.*\.yml$/.test(path))
      .flatMap(([, text]) => parse(text).macros as { name: string; arguments?: { name: string }[] }[]);
    const byName = new Map(described.map(({ name, arguments: given = [] }) => [name, given.map(({ name: argument }) => argument)]));
    for (const [path, text] of sql) {
      for (const [, name = '', given = ''] of text.matchAll(/\{%-?\s*macro\s+(\w+)\(([^)]*)\)/g)) {
        if (!byName.has(name)) continue;
        const taken = given
          .split(',')
          .map((one) => one.split('=')[0]?.trim() ?? '')
          .filter((one) => one !== '');
        expect(byName.get(name), `${path}: ${name}`).toEqual(taken);
      }
    }
    const own = sql.flatMap(([, text]) => [...text.matchAll(/macro\s+(\w+)\(/g)].map(([, name]) => name));
    expect([...byName.keys()].filter((name) => !own.includes(name))).toEqual([]);
  });

  test('know the roster, the schemas of production and how it may run', () => {
    const answers = filesFor(warehouse, { team: 'ana, Bo Li', prodSchemas: 'core, mart', prodRuns: 'merge,external' }).get('macros/dbt_envs/answers.sql');
    expect(answers).toContain("      'ana',\n      'bo_li',\n");
    expect(answers).toContain("'prod_schemas': ['core', 'mart']");
    expect(answers).toContain("'prod_runs': ['merge', 'external']");
  });
});
