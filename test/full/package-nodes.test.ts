import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { environment7 as environment7Engine } from '../support/engines.ts';
import { lookedFor, requireNoNetwork } from '../support/no-network.ts';
import { type NodeMajor, nodeBinary, versionOf } from '../support/node-versions.ts';
import { installed } from '../support/package.ts';
import { environment6, environment7, type Installed, npx, otherBin, start, theBin, type Way, wholeTree, yo } from '../support/ways-in.ts';
import { yoFolder } from '../support/yo.ts';

const ANSWERS: readonly (readonly [string, readonly string[]])[] = [
  ['PostgreSQL', ['--yes', '--project-name', 'acme', '--warehouse', 'postgres', '--team', 'ana, bo']],
  ['DuckDB', ['--yes', '--project-name', 'acme', '--warehouse', 'duckdb', '--team', 'ana, bo']],
];
const NODES: readonly NodeMajor[] = ['20', '22', '24', '26'];
/** yeoman-environment 7 says in its own "engines" that it wants ^22.18 or >=24.11, and fails on 20 before it has read a generator. */
const waysOn = (major: NodeMajor): readonly Way[] => [theBin, otherBin, npx, yo, environment6, ...(major === '20' ? [] : [environment7])];

const binaries = new Map<NodeMajor, string>();
let all: Installed;
const expected = new Map<string, Readonly<Record<string, string>>>();
beforeAll(async () => {
  await environment7Engine.install();
  for (const major of ['18', ...NODES] as const) binaries.set(major, await nodeBinary(major));
  all = { prefix: await installed(), yo: await yoFolder(), environment7: environment7Engine.folder };
  for (const [warehouse, flags] of ANSWERS) {
    const { status, err, cwd } = start(theBin, process.execPath, all, flags);
    if (status !== 0) throw new Error(err);
    expected.set(warehouse, wholeTree(cwd));
  }
}, 600_000);
afterAll(() => rmSync(all.prefix, { recursive: true, force: true }));

const binary = (major: NodeMajor): string => {
  const found = binaries.get(major);
  if (found === undefined) throw new Error(`Node ${major} is not installed`);
  return found;
};

test('there is no network where these run, and one beside it', async () => {
  requireNoNetwork();
  expect([(await lookedFor(false)).reached, (await lookedFor(true)).reached]).toEqual([true, false]);
});
test('the Nodes are the oldest that we promise, and one of each later line', () => {
  const found = [...binaries.values()].map(versionOf);
  expect(found.map((version) => version.split('.')[0])).toEqual(['v18', 'v20', 'v22', 'v24', 'v26']);
  expect(found[1]).toBe('v20.17.0');
});

describe.each(NODES)('on Node %s', (major) => {
  describe.each(ANSWERS)('for %s, the same bytes come out through', (warehouse, flags) => {
    test.each(waysOn(major).map((way) => [way.name, way] as const))('%s', (_, way) => {
      const { status, err, cwd } = start(way, binary(major), all, flags);
      expect(status, err).toBe(0);
      expect(wholeTree(cwd)).toEqual(expected.get(warehouse));
    });
  });
  test('a second run finds nothing to do, and a missing file is drift', () => {
    const [[, flags] = ['', []]] = ANSWERS;
    const { cwd } = start(theBin, binary(major), all, flags);
    const before = wholeTree(cwd);
    expect(start(theBin, binary(major), all, ['--check'], cwd).status).toBe(0);
    expect(start(theBin, binary(major), all, ['--yes'], cwd).status).toBe(0);
    expect(wholeTree(cwd)).toEqual(before);
    rmSync(path.join(cwd, 'profiles.yml'));
    expect(start(theBin, binary(major), all, ['--check'], cwd).status).toBe(1);
  });
});

describe('on Node 18, which is too old', () => {
  const [[, flags] = ['', []]] = ANSWERS;
  test.each([theBin, otherBin].map((way) => [way.name, way] as const))('%s says so in one sentence, writes nothing and exits with 2', (_, way) => {
    const { status, out, err, cwd } = start(way, binary('18'), all, flags);
    expect({ status, out, err }).toEqual({
      status: 2,
      out: '',
      err: `dbt-envs: Node ${versionOf(binary('18')).slice(1)} is too old. Install Node 20.17 or a later 20, or 22.9 or later.\n`,
    });
    expect(wholeTree(cwd)).toEqual({});
  });
  test('yo 7 itself fails, with a syntax error of its own, before it looks for a generator; nothing is written', () => {
    const { status, err, cwd } = start(yo, binary('18'), all, flags);
    expect(status).toBe(1);
    expect(err).toContain('SyntaxError');
    expect(err).not.toContain('generator-dbt-envs');
    expect(wholeTree(cwd)).toEqual({});
  });
  test('so does yeoman-environment 6 in a program', () => {
    const { status, err, cwd } = start(environment6, binary('18'), all, flags);
    expect(status).toBe(1);
    expect(err).not.toContain('generator-dbt-envs');
    expect(wholeTree(cwd)).toEqual({});
  });
});

test('on Node 20, yeoman-environment 7 fails by itself, before it has read the generator', () => {
  const [[, flags] = ['', []]] = ANSWERS;
  const { status, err, cwd } = start(environment7, binary('20'), all, flags);
  expect(status).toBe(1);
  expect(err).toMatch(/execa|yeoman-environment/);
  expect(wholeTree(cwd)).toEqual({});
});
