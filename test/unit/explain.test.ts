import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { partNames } from '../../src/plan.ts';
import type { Explanation } from '../../src/run.ts';
import { whyOf } from '../../src/why.ts';
import { emptyFolder, type Ran, runBin, tree } from '../support/command-line.ts';
import { goldenTrees } from '../support/golden.ts';

let folder: string;
beforeEach(() => {
  folder = emptyFolder();
});
const put = (name: string, text: string): void => {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), text);
};
const install = async (part = 'profiles', ...more: readonly string[]): Promise<void> => {
  expect((await runBin(folder, [part, '--yes', '--project-name', 'acme', '--team', 'ana, bo', ...more])).status).toBe(0);
};
const explained = async (name: string, cwd = folder): Promise<Explanation> => {
  const ran = await runBin(cwd, ['explain', name, '--json']);
  expect(ran).toMatchObject({ status: 0, err: '' });
  return JSON.parse(ran.out);
};

/** A sentence that a person reads, and not what is left of a comment. */
const isSentence = (why: string): boolean =>
  /^\S.*[.!?:]$/.test(why) && !/\n|^(?:--|#|<!|""")|\{#|#\}/.test(why) && why !== whyOf({ path: 'x.csv', contents: 'a,b\n' });

describe.each(goldenTrees())('every path of $folder', ({ folder: name, files }) => {
  test('is explained, each with a sentence, its part and its owner, and so is our own record', async () => {
    const [warehouse = '', ci = ''] = name.split('+');
    const given = [
      '--warehouse',
      warehouse,
      '--ci',
      ci,
      '--readers',
      'looker, anna:reviews',
      '--source-schemas',
      'raw, crm:pii',
      ...(warehouse === 'bigquery' ? ['--email-domain', 'example.com'] : []),
    ];
    expect((await runBin(folder, ['--yes', '--project-name', 'acme', '--team', 'priya, sam=sam.jones', ...given])).status).toBe(0);
    const before = tree(folder);
    for (const file of files) {
      const found = await explained(file.path);
      const state = file.owner === 'ours' ? 'as planned' : 'yours';
      expect(found).toMatchObject({ path: file.path, part: file.part, owner: file.owner, state, recorded: true, edits: [] });
      expect(found.why).toSatisfy(isSentence);
    }
    const all: { readonly files: readonly Explanation[] } = JSON.parse((await runBin(folder, ['explain', '.', '--json'])).out);
    expect(all.files.map((one) => one.path).sort()).toEqual(Object.keys(before).sort());
    expect(all.files.filter(({ why }) => !isSentence(why))).toEqual([]);
    expect(tree(folder)).toEqual(before);
  });
});

test('a file that says nothing of itself is noticed by the test above', () => {
  expect(isSentence(whyOf({ path: 'grants/new.csv', contents: 'a,b\n1,2\n' }))).toBe(false);
  expect(isSentence(whyOf({ path: 'grants/new.sql', contents: '-- new.sql: what is new.\nselect 1;\n' }))).toBe(true);
});

describe('what became of a file', () => {
  const FILE = 'macros/dbt_envs/answers.sql';
  beforeEach(() => install());

  test.each<[string, () => void, Explanation['state']]>([
    ['nothing', () => {}, 'as planned'],
    ['edited by you', () => put(FILE, 'mine\n'), 'edited'],
    ['deleted by you', () => rmSync(path.join(folder, FILE)), 'deleted'],
  ])('%s', async (_, happens, state) => {
    happens();
    expect(await explained(FILE)).toMatchObject({ state, recorded: true });
  });

  test('the plan has moved on', async () => {
    put('roster.yml', (tree(folder)['roster.yml'] ?? '').replace('  - slug: bo\n    login: bo\n', '  - slug: eve\n    login: eve\n'));
    expect(await explained(FILE)).toMatchObject({ state: 'out of date' });
    put(FILE, 'mine\n');
    expect(await explained(FILE)).toMatchObject({ state: 'in conflict' });
  });

  test('the record is lost: nothing of ours is there for certain', async () => {
    for (const name of ['.dbt-envs.lock', 'profiles.yml']) rmSync(path.join(folder, name));
    expect(await explained('profiles.yml')).toMatchObject({ state: 'not there', recorded: false });
  });

  test('only a part that was never run plans it', async () => {
    expect(await explained('grants/README.md')).toMatchObject({ part: 'grants', state: 'not installed', recorded: false });
    expect((await runBin(folder, ['explain', 'grants/README.md'])).out).toContain('grants, which is not installed');
  });

  test('an earlier run wrote it, and the plan no longer has it', async () => {
    const lock = tree(folder)['.dbt-envs.lock'] ?? '';
    put('old.sql', 'edited\n');
    put('.dbt-envs.lock', `${lock}${'0'.repeat(64)} old.sql\n`);
    expect(await explained('old.sql')).toMatchObject({ state: 'no longer planned', rewrittenBy: expect.stringContaining('you edited it'), recorded: true });
  });

  test('it is ours, written beside yours', async () => {
    put(`${FILE}.new`, '');
    expect(await explained(`${FILE}.new`)).toMatchObject({ why: expect.stringContaining(`Our version of ${FILE}`), state: 'not planned' });
  });

  test('nobody plans it: it is yours', async () => {
    put('models/own.sql', 'select 1');
    expect(await explained('models/own.sql')).toMatchObject({ owner: 'yours', state: 'not planned', rewrittenBy: 'Nothing.' });
  });

  test('it is what we keep for ourselves', async () => {
    expect(await explained('.yo-rc.json')).toMatchObject({ why: expect.stringContaining('answers'), owner: 'ours' });
    expect(await explained('.dbt-envs.lock')).toMatchObject({ why: expect.stringContaining('edits'), owner: 'ours' });
  });
});

describe('in a file of yours, the places that are ours are named', () => {
  beforeEach(() => {
    put('dbt_project.yml', 'name: acme\nprofile: acme\n');
    put('profiles.yml', 'acme:\n  target: prod\n  outputs:\n    prod: {type: duckdb, path: old.duckdb}\n');
  });

  test('before they are settled, and after', async () => {
    await install('profiles', '--keep');
    expect(await explained('profiles.yml')).toMatchObject({
      owner: 'yours',
      part: 'profiles',
      edits: [
        { place: 'acme.target', state: 'edited' },
        { place: 'acme.outputs.dev', state: 'as planned' },
        { place: 'acme.outputs.ci', state: 'as planned' },
        { place: 'acme.outputs.prod', state: 'edited' },
      ],
    });
    put('profiles.yml', 'acme:\n  target: prod\n  outputs:\n    prod: {type: duckdb, path: old.duckdb}\n');
    expect((await explained('profiles.yml#acme.outputs.ci')).edits[2]).toEqual({ place: 'acme.outputs.ci', state: 'deleted' });
    const { out } = await runBin(folder, ['explain', 'profiles.yml']);
    expect(out).toMatch(/acme\.outputs\.ci: deleted by you/);
    expect(out).toContain('every other byte is yours');
  });
});

describe('a path may be written', () => {
  const FILE = 'macros/dbt_envs/answers.sql';
  beforeEach(async () => {
    mkdirSync(path.join(folder, '.git'));
    mkdirSync(path.join(folder, 'data/dbt'), { recursive: true });
    expect((await runBin(path.join(folder, 'data/dbt'), ['--yes', '--project-name', 'acme', '--team', 'ana'])).status).toBe(0);
  });
  const project = (...steps: readonly string[]) => path.join(folder, 'data/dbt', ...steps);

  test.each<[string, () => Promise<Explanation>, string]>([
    ['from the project', () => explained(FILE, project()), FILE],
    ['from a folder below', () => explained('answers.sql', project('macros/dbt_envs')), FILE],
    ['from the project, by who stands below', () => explained(FILE, project('macros')), FILE],
    ['from the root of the git repository', () => explained(`data/dbt/${FILE}`, project()), FILE],
    ['as the code host shows it', () => explained('.github/CODEOWNERS', project()), '../../.github/CODEOWNERS'],
    ['with dots', () => explained('./macros/../profiles.yml', project()), 'profiles.yml'],
    ['with backslashes', () => explained('macros\\dbt_envs\\answers.sql', project()), FILE],
    ['whole', () => explained(project(FILE), project()), FILE],
  ])('%s', async (_, found, name) => expect(await found()).toMatchObject({ path: name }));

  test('through a link', async () => {
    const link = path.join(emptyFolder(), 'link');
    symlinkSync(project(), link);
    expect(await explained(path.join(link, FILE), project())).toMatchObject({ path: FILE });
  });

  test('as a folder: each file of it in a line', async () => {
    const { out } = await runBin(project(), ['explain', 'docs/']);
    expect(out).toMatch(/^docs\/environments\.md \(ours\): .+\ndocs\/runbook\.md \(ours\): .+\n$/);
  });
});

describe('what cannot be explained is one line and exit status 2', () => {
  const line = ({ status, out, err }: Ran): string => {
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toMatch(/^dbt-envs: [^\n]+\n$/);
    return err;
  };
  test.each<[string, readonly string[], RegExp]>([
    ['no path', ['explain'], /explain needs a path: explain PATH/],
    ['two paths', ['explain', 'a', 'b'], /One path at a time: "b" after a is too many/],
    ['a flag that means nothing here', ['explain', 'profiles.yml', '--force'], /--force has no meaning for explain/],
    ['a slip', ['explain', 'profile.yml'], /There is no "profile\.yml" in the plan, and no such file\. Did you mean profiles\.yml\?/],
    ['another case', ['explain', 'PROFILES.YML'], /Did you mean profiles\.yml\?/],
    ['a name without its folder', ['explain', 'generate_schema_name.sql'], /Did you mean macros\/dbt_envs\/generate_schema_name\.sql\?/],
    ['a slip in a name without its folder', ['explain', 'generate_shema_name.sql'], /Did you mean macros\/dbt_envs\/generate_schema_name\.sql\?/],
    ['nothing like it', ['explain', 'zzz'], /To list every planned file: explain \./],
    ['a path outside', ['explain', '../../../../../../etc/passwd'], /is outside of .* Name a path inside it/],
    ['a path with a line end', ['explain', 'a\nb'], /There is no "a.*b" in the plan/],
  ])('%s', async (_, words, message) => {
    await install();
    expect(line(await runBin(folder, words))).toMatch(message);
  });
  test('a place where nothing is installed', async () => expect(line(await runBin(folder, ['explain', 'profiles.yml']))).toMatch(/Nothing is installed in /));
  test('a plan that lacks an answer', async () => {
    await install();
    rmSync(path.join(folder, 'roster.yml'));
    expect(line(await runBin(folder, ['explain', 'profiles.yml']))).toMatch(/no answer for --team\. Run dbt-envs first/);
  });
});

test('every part has files to explain', () => {
  const parts = new Set(goldenTrees().flatMap(({ files }) => files.map(({ part }) => part)));
  expect([...parts].sort()).toEqual([...partNames].sort());
});
