import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { GOLDEN, goldenTrees } from '../support/golden.ts';

const filesIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true })
        .map((name) => String(name).replaceAll('\\', '/'))
        .filter((name) => statSync(path.join(folder, name)).isFile())
        .sort()
    : [];

describe.each(goldenTrees())('$folder', ({ folder, files }) => {
  test('has the planned files and no others', () => expect(filesIn(path.join(GOLDEN, folder))).toEqual(files.map((file) => file.path).sort()));
  test.each(files.map((file) => [file.path, file.contents] as const))('%s', (name, contents) => {
    expect(readFileSync(path.join(GOLDEN, folder, name), 'utf8')).toBe(contents);
  });
});

test('no golden tree is left of a vendor that is gone', () => {
  expect(readdirSync(GOLDEN).sort()).toEqual(
    goldenTrees()
      .map(({ folder }) => folder)
      .sort(),
  );
});
