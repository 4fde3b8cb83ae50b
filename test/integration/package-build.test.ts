import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import adaptations from '../../tools/adaptations.json' with { type: 'json' };
import { packageSources } from '../support/package.ts';
import { pythonEnvironment } from '../support/python.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The build's tools are JavaScript, because the build runs before anything that could read TypeScript. */
function tool(expression: string): string {
  const script = `import * as notices from './tools/notices.mjs'; import * as eager from './tools/eager.mjs'; import * as adapted from './tools/adaptations.mjs';
    try { console.log(JSON.stringify(${expression}) ?? 'nothing'); } catch (error) { console.log(error.message); }`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { cwd: root, encoding: 'utf8' }).trim();
}

describe('third-party notices', () => {
  const one = { name: 'left-pad', version: '1.0.0', license: 'MIT', source: 'https://example.com', text: 'Copyright' };
  const printed = (...packages: readonly object[]): string => tool(`notices.noticesOf(${JSON.stringify(packages)})`);

  test('print each package with its licence', () => expect(printed(one)).toMatch(/left-pad 1\.0\.0 \(MIT\).*https:\/\/example\.com.*Copyright/));
  test('a licence that nobody has looked at stops the build', () =>
    expect(printed(one, { ...one, name: 'viral', license: 'AGPL-3.0' })).toMatch(/cannot be written:.*viral 1\.0\.0 has the licence AGPL-3\.0/s));
  test('so does a package without a licence, or without its text', () => {
    expect(printed({ ...one, license: undefined })).toMatch(/has the licence \(none\)/);
    expect(printed({ ...one, text: undefined })).toMatch(/brings no text of its licence/);
  });
  test.each([
    ['MIT', true],
    ['(MIT OR GPL-3.0)', true],
    ['MIT AND GPL-3.0', false],
    ['(BSD-2-Clause OR MIT OR Apache-2.0)', true],
    ['GPL-3.0', false],
  ])('%s is allowed: %s', (license, allowed) => expect(tool(`notices.isAllowed(${JSON.stringify(license)})`)).toBe(String(allowed)));
});

describe('what the bin loads before anything is asked', () => {
  const metafile = (...inputs: readonly string[]): object => ({
    outputs: { 'dist/start.cjs': { inputs: Object.fromEntries(inputs.map((input) => [input, {}])) } },
  });
  const refusal = (...inputs: readonly string[]): string => tool(`eager.refuseEager(${JSON.stringify(metafile(...inputs))}, ['inquirer', '@inquirer/core'])`);
  test('may be ours', () => expect(refusal('src/cli/start.ts', 'node_modules/other/index.js')).toBe('nothing'));
  test('is no prompt', () =>
    expect(refusal('src/cli/start.ts', 'node_modules/@inquirer/core/dist/index.js')).toMatch(/loads @inquirer\/core before anything asks/));

  const slowness = (code: string): string => tool(`eager.refuseSlow('start.cjs', ${JSON.stringify(code)})`);
  test('is ASCII', () => {
    expect(slowness(String.raw`"\u0142"`)).toBe('nothing');
    expect(slowness('text.replace(/[ł]/g, "l")')).toMatch(/^start\.cjs holds a character that is not ASCII: text\.replace/);
  });
  test('holds no class of Unicode in a literal', () => {
    expect(slowness(String.raw`new RegExp("\\p{L}", "u")`)).toBe('nothing');
    expect(slowness(String.raw`text.match(/[\p{L}]/u)`)).toMatch(/^start\.cjs holds a class of Unicode in a literal: text\.match/);
  });
});

interface Built {
  readonly code: number;
  readonly said: string;
  readonly notices: () => string;
}

/** Builds a copy of what the package is made of, after `plant` has changed it. */
async function built(plant: (folder: string) => void): Promise<Built> {
  const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-build-'));
  for (const name of packageSources) cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  plant(folder);
  const [code, said] = await new Promise<[number, string]>((resolve) => {
    execFile(process.execPath, ['build.mjs'], { cwd: folder }, (error, stdout, stderr) => resolve([error === null ? 0 : 1, stdout + stderr]));
  });
  return { code, said, notices: () => readFileSync(path.join(folder, 'THIRD_PARTY_NOTICES.txt'), 'utf8') };
}

/** A package that the bin now imports, with this manifest and these other files. */
const imports =
  (manifest: object, files: Readonly<Record<string, string>> = {}) =>
  (folder: string): void => {
    const planted = path.join(folder, 'src/cli/node_modules/planted');
    mkdirSync(planted, { recursive: true });
    const all = {
      'package.json': JSON.stringify({ name: 'planted', version: '1.2.3', main: 'index.js', ...manifest }),
      'index.js': "export const planted = 'planted';",
      ...files,
    };
    for (const [name, text] of Object.entries(all)) writeFileSync(path.join(planted, name), text);
    const start = path.join(folder, 'src/cli/start.ts');
    writeFileSync(start, `import { planted } from 'planted';\nif (process.argv[9] === 'x') console.log(planted);\n${readFileSync(start, 'utf8')}`);
  };
const replacing =
  (file: string, from: string | RegExp, to: string) =>
  (folder: string): void => {
    const text = readFileSync(path.join(folder, file), 'utf8');
    const changed = text.replace(from, to);
    expect(changed, `nothing to plant in ${file}`).not.toBe(text);
    writeFileSync(path.join(folder, file), changed);
  };

describe('the build', () => {
  test('prints the licence of whatever a new import brings into the bundle, and what its source says in comments', async () => {
    const { code, said, notices } = await built(
      imports(
        { license: 'MIT' },
        { LICENSE: `MIT, by somebody new. ${'x'.repeat(200)}`, 'index.js': "/*! planted, after an older one */ export const planted = 'planted';" },
      ),
    );
    expect(code, said).toBe(0);
    expect(notices()).toMatch(/^planted 1\.2\.3 \(MIT\)$[\s\S]*MIT, by somebody new\.[\s\S]*planted, after an older one/m);
  });
  test.each<[string, (folder: string) => void, RegExp]>([
    [
      'whose licence nobody has looked at',
      imports({ license: 'AGPL-3.0' }, { LICENSE: 'x' }),
      /planted 1\.2\.3 has the licence AGPL-3\.0, which is not on the list/,
    ],
    ['without a licence', imports({}), /planted 1\.2\.3 has the licence \(none\)/],
    ['without the text of its licence', imports({ license: 'ISC' }), /planted 1\.2\.3 \(ISC\) brings no text of its licence/],
  ])('stops at an import %s', async (_, plant, message) => {
    const { code, said } = await built(plant);
    expect(said).toMatch(message);
    expect(code).toBe(1);
  });
  test('stops where a prompt brings a second copy of a class of ours', async () => {
    const { code, said } = await built(replacing('src/cli/ask-plainly.ts', '../shell/shell.ts', '../errors.ts'));
    expect(said).toMatch(/src\/errors\.ts would be in the package twice/);
    expect(code).toBe(1);
  });
  test('stops where the notices lack a package that the metafile has', async () => {
    const { code, said } = await built(
      replacing('tools/notices.mjs', 'const packages = unsorted.', "const packages = unsorted.filter(({ name }) => name !== 'yaml')."),
    );
    expect(said).toMatch(/THIRD_PARTY_NOTICES\.txt lacks what is bundled:\n {2}yaml \d+\.\d+\.\d+ \(ISC\)/);
    expect(code).toBe(1);
  });
  test('stops where a file has changed upstream that ours is adapted to', async () => {
    const { code, said } = await built(replacing('tools/adaptations.json', /("file": "dist\/generator\.js",\s*"sha256": ")[0-9a-f]{6}/, '$1000000'));
    expect(said).toMatch(
      /Read what changed upstream[\s\S]*src\/yeoman\/generator\.ts is adapted to dist\/generator\.js of yeoman-generator, which has changed/,
    );
    expect(code).toBe(1);
  });
});

describe("what of ours is adapted to somebody else's file", () => {
  /** Where each of dbt's packages is installed, for each adapter that we have. */
  let folders: readonly string[];
  beforeAll(async () => {
    const environments = await Promise.all((['duckdb', 'postgres', 'snowflake', 'bigquery'] as const).map(pythonEnvironment));
    folders = environments.map(({ python }) =>
      execFileSync(python, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'], { encoding: 'utf8' }).trim(),
    );
  });
  const installedIn = (name: string): readonly string[] =>
    folders.filter((folder) => readdirSync(folder).some((entry) => entry.startsWith(`${name.replaceAll('-', '_')}-`) && entry.endsWith('.dist-info')));
  const changed = (given: readonly object[], folder: string): readonly string[] =>
    JSON.parse(tool(`adapted.changedAdaptations(${JSON.stringify(given)}, '.', () => ${JSON.stringify(folder)})`));

  const ofDbt = adaptations.filter(({ registry }) => registry === 'pypi');
  test.each(ofDbt.map((one) => [one.ours, one.file, one] as const))("%s: dbt's %s is the one that it was written after", (_, __, one) => {
    const found = installedIn(one.package);
    expect(found).not.toEqual([]);
    for (const folder of found) expect(changed([one], folder)).toEqual([]);
  });
  test.each(ofDbt.map((one) => [one.ours, one.file, one] as const))('%s: the notices say whose %s was, under the licence that came with it', (_, __, one) => {
    for (const folder of installedIn(one.package)) {
      const [info = ''] = readdirSync(folder).filter((name) => name.startsWith(`${one.package.replaceAll('-', '_')}-`) && name.endsWith('.dist-info'));
      expect(readFileSync(path.join(folder, info, 'licenses/LICENSE'), 'utf8')).toMatch(/Apache License\s+Version 2\.0/);
    }
    expect(tool(`adapted.noticeOfAdaptations('.')`)).toContain(
      `${one.ours}\\n  ${one.package} (Apache-2.0, Copyright ${one.copyright}), ${one.file}: ${one.how}`,
    );
  });
  test('another content, and a file that is gone, are noticed', () => {
    const [one] = ofDbt;
    const [folder = ''] = installedIn(one?.package ?? '');
    expect(changed([{ ...one, sha256: createHash('sha256').update('').digest('hex') }], folder).join()).toMatch(
      /which has changed: its sha256 is [0-9a-f]{64}, not e3b0c442/,
    );
    expect(changed([{ ...one, file: 'gone.sql' }], folder).join()).toMatch(/which is gone$/);
    expect(changed([{ ...one, ours: 'templates/gone.ejs' }], folder).join()).toMatch(/names templates\/gone\.ejs, which is not there/);
  });

  const MACRO = /\{%-?\s*macro\s+(\w+)/g;
  const macrosIn = (file: string): readonly string[] => [...readFileSync(file, 'utf8').matchAll(MACRO)].map(([, name = '']) => name);
  const filesBelow = (folder: string, ending: string): readonly string[] =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((name) => (name.endsWith(ending) ? [path.join(folder, name)] : []));
  /** Files of ours with a macro that dbt has too, under its own name or an adapter's. */
  const overriding = (files: readonly string[]): readonly string[] => {
    const plain = (name: string): string => name.replace(/^[a-z0-9]+__/, '');
    const theirs = new Set(
      folders
        .flatMap((folder) => filesBelow(path.join(folder, 'dbt/include'), '.sql'))
        .flatMap(macrosIn)
        .map(plain),
    );
    return files.filter((file) => macrosIn(file).some((name) => theirs.has(plain(name))));
  };
  test("every macro of ours that overrides one of dbt's is listed", () => {
    const files = filesBelow(path.join(root, 'templates'), '.sql.ejs');
    const found = overriding(files).map((file) => path.relative(root, file).replaceAll('\\', '/'));
    const listed = new Set(ofDbt.map(({ ours }) => ours).filter((ours) => ours.startsWith('templates/')));
    expect(found.sort()).toEqual([...listed].sort());
  });
  test('and one that is not would be noticed', () => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'dbt-envs-macro-')), 'new.sql.ejs');
    writeFileSync(file, '{% macro postgres__get_merge_sql(target) %}{% endmacro %}');
    expect(overriding([file])).toEqual([file]);
    writeFileSync(file, '{% macro our_own_thing(target) %}{% endmacro %}');
    expect(overriding([file])).toEqual([]);
  });
});
