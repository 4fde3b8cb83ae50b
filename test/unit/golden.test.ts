import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ciProviders, warehouses } from '../../src/catalogue.ts';
import { planned } from '../support/scaffold.ts';

/**
 * Whole emitted repositories as real files: browse them as examples, review them as diffs. Every warehouse on the
 * first CI provider, every other provider on the first warehouse. `npm run golden` rewrites them.
 */
const ROOT = 'test/golden';
const trees = [...warehouses.map(({ id }) => [id, ciProviders[0].id] as const), ...ciProviders.slice(1).map(({ id }) => [warehouses[0].id, id] as const)];
const ANSWERS = { team: 'priya, sam=sam.jones', readers: 'looker, anna:reviews', sourceSchemas: 'raw, crm:pii' };
const filesIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true })
        .map((name) => String(name).replaceAll('\\', '/'))
        .filter((name) => statSync(path.join(folder, name)).isFile())
        .sort()
    : [];

describe.each(trees)('%s on %s', (warehouse, ci) => {
  const folder = `${ROOT}/${warehouse}+${ci}`;
  const files = planned({ warehouse, ci, ...ANSWERS });
  if (process.env.UPDATE_GOLDEN === '1') {
    rmSync(folder, { recursive: true, force: true });
    for (const file of files) {
      mkdirSync(path.dirname(path.join(folder, file.path)), { recursive: true });
      writeFileSync(path.join(folder, file.path), file.contents);
    }
  }
  test('has the planned files and no others', () => expect(filesIn(folder)).toEqual(files.map((file) => file.path).sort()));
  test.each(files.map((file) => [file.path, file.contents] as const))('%s', (name, contents) => {
    expect(readFileSync(path.join(folder, name), 'utf8')).toBe(contents);
  });
});

test('no golden tree is left of a vendor that is gone', () => {
  expect(readdirSync(ROOT).sort()).toEqual(trees.map((ids) => ids.join('+')).sort());
});
