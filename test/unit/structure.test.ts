import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ciProviders, codeHosts, warehouses } from '../../src/catalogue.ts';

const sources = (...folders: string[]) =>
  folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true })
      .map((name) => path.posix.join(folder, String(name).replaceAll('\\', '/')))
      .filter((name) => name.endsWith('.ts') && !name.includes('/node_modules/')),
  );

describe('imports run one way', () => {
  const CONTRACTS = /^src\/(names|roster\/roster|roster\/team-table|question|project|planned-file|warehouse|ci-provider|code-host|pipeline|versions)\.ts$/;
  const DISK = /^src\/(disk\/.*|run|prepared|advice)\.ts$/;
  const layer = (file: string): string => {
    if (file.startsWith('src/shell/')) return 'shell';
    if (file.startsWith('src/cli/')) return 'cli';
    if (file.startsWith('src/yeoman/')) return 'yeoman';
    if (file.startsWith('generators/')) return 'generators';
    if (file.startsWith('templates/')) return file.endsWith('/all.ts') ? 'catalogue' : 'vendors';
    if (CONTRACTS.test(file)) return 'contracts';
    return DISK.test(file) ? 'disk' : 'engine';
  };
  const MAY: Readonly<Record<string, readonly string[]>> = {
    contracts: ['contracts'],
    vendors: ['contracts', 'vendors'],
    catalogue: ['vendors'],
    engine: ['contracts', 'catalogue', 'engine'],
    disk: ['contracts', 'engine', 'disk'],
    shell: ['contracts', 'engine', 'disk', 'shell'],
    cli: ['contracts', 'engine', 'disk', 'shell', 'cli'],
    yeoman: ['contracts', 'engine', 'disk', 'shell', 'yeoman'],
    generators: ['yeoman'],
  };
  const wrongImports = (file: string, text: string) =>
    [...text.matchAll(/(?:from|import\() ?'(\.[^']+)'/g)].flatMap(([, specifier = '']) => {
      const to = path.posix.join(path.posix.dirname(file), specifier);
      if (to.endsWith('.json')) return [];
      const sameVendor =
        layer(file) !== 'vendors' ||
        layer(to) !== 'vendors' ||
        path.posix.dirname(to).startsWith(path.posix.dirname(file)) ||
        path.posix.dirname(file).startsWith(path.posix.dirname(to));
      return MAY[layer(file)]?.includes(layer(to)) && sameVendor ? [] : [`${file} (${layer(file)}) imports ${to} (${layer(to)})`];
    });

  test('in every file', () => {
    expect(sources('src', 'templates', 'generators').flatMap((file) => wrongImports(file, readFileSync(file, 'utf8')))).toEqual([]);
  });
  test('and a planted wrong import is found', () => {
    expect(wrongImports('src/names.ts', "import { x } from './plan.ts'")).toHaveLength(1);
    expect(wrongImports('src/cli/main.ts', "import { x } from '../yeoman/generator.ts'")).toHaveLength(1);
    expect(wrongImports('templates/ci/github/provider.ts', "import { x } from '../../warehouses/duckdb/warehouse.ts'")).toHaveLength(1);
    expect(wrongImports('templates/warehouses/a/warehouse.ts', "import { x } from '../b/names.ts'")).toHaveLength(1);
  });
});

describe('no vendor in the engine', () => {
  const VENDORS = /\b(snowflake|bigquery|redshift|databricks|postgres|postgresql|duckdb|github|gitlab|bitbucket|azure|circleci|buildkite|jenkins)\b/i;
  const naming = (text: string) => text.split('\n').filter((line) => VENDORS.test(line) && !/^\s*(\*|\/\/|\/\*)/.test(line));

  test('not in src, not in generators', () => {
    expect(sources('src', 'generators').flatMap((file) => naming(readFileSync(file, 'utf8')).map((line) => `${file}: ${line.trim()}`))).toEqual([]);
  });
  test('and a planted one is found', () => expect(naming("if (id === 'postgres') return 1;")).toHaveLength(1));
});

test.each([
  ['warehouses', warehouses, 'warehouse.ts'],
  ['ci', ciProviders, 'provider.ts'],
  ['code-hosts', codeHosts, 'host.ts'],
])('the catalogue of %s is its folders', (kind, all, file) => {
  const folders = readdirSync(`templates/${kind}`, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).sort()).toEqual(all.map(({ id }) => id).sort());
  for (const { name } of folders) expect(readdirSync(`templates/${kind}/${name}`)).toContain(file);
});

test('Yeoman finds no command but ours: no index file outside generators/<part>', () => {
  const stray = sources('src', 'templates', 'test', 'generators').filter(
    (file) => /\/index\.[cm]?[jt]s$/.test(file) && !/^generators\/[a-z]+\/index\.ts$/.test(file),
  );
  expect(stray).toEqual([]);
});
