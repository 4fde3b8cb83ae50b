import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { setMember } from '../../src/answers/json-member.ts';
import { parseStored } from '../../src/answers/stored-answers.ts';
import { parseProjectFile } from '../../src/disk/project-file.ts';
import { RunError, UsageError } from '../../src/errors.ts';
import { allQuestions, isStored } from '../../src/questions.ts';
import { answersIn } from '../../src/shell/answers-file.ts';
import { allOptions } from '../../src/shell/options.ts';
import { runBin, tree } from '../support/command-line.ts';
import { isOneLine, POOL } from '../support/hostile-plan.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-content-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const put = (file: string, text: string, into = folder): void => {
  mkdirSync(path.dirname(path.join(into, file)), { recursive: true });
  writeFileSync(path.join(into, file), text);
};

/** The value, or the one line that refuses it. */
function tried<T>(read: () => T): { readonly value?: T; readonly refusal?: string } {
  try {
    return { value: read() };
  } catch (error) {
    if (!(error instanceof RunError || error instanceof UsageError)) throw error;
    expect(error.message).toSatisfy(isOneLine);
    return { refusal: error.message };
  }
}

describe('a flag', () => {
  const flags = allOptions().filter(({ value, flag }) => value !== undefined && flag !== 'project-dir');
  test.each(flags.map((option) => [option.flag, option] as const))(
    '--%s with an attack is refused in one line with exit status 2, or a run that writes nothing strange',
    async (flag, option) => {
      const words = option.only === undefined ? [] : [option.only];
      const needed = flag === 'team' || flag === 'team-file' ? [] : ['--team', 'ana'];
      for (const text of POOL) {
        const { status, out, err } = await runBin(folder, [...words, ...needed, '--yes', '--dry-run', `--${flag}=${text}`]);
        if (status === 0) {
          expect(out + err, text).not.toMatch(/[^\P{C}\n]/u);
        } else {
          expect([status, out]).toEqual([2, '']);
          expect(err.endsWith('\n') && isOneLine(err.slice(0, -1)), `--${flag}=${JSON.stringify(text)}: ${JSON.stringify(err)}`).toBe(true);
        }
      }
      expect(readdirSync(folder)).toEqual([]);
    },
  );
});

describe('an answers file and .yo-rc.json', () => {
  const names = [...allQuestions().map(({ name }) => name), '__proto__', 'constructor', 'toString', 'parts', 'adopted', 'folder'];
  /** JSON as it is written: an own key `__proto__` is one here too. */
  const json = (name: string, value: unknown): string => `{${JSON.stringify(name)}: ${JSON.stringify(value)}}`;

  test.each(names)('with an attack under the key %s hold a plain value, or are refused in one line that names the file', (name) => {
    for (const value of [...POOL, {}, [], [[]], ['a', {}], null, true, 1e21, -1]) {
      const answers = tried(() => answersIn('a.json', json(name, value)));
      if (answers.refusal !== undefined) expect(answers.refusal).toMatch(/^--answers a\.json: /);
      else for (const [key, text] of Object.entries(answers.value ?? {})) expect([names.includes(key), typeof text]).toEqual([true, 'string']);
      const stored = tried(() => parseStored(`{"generator-dbt-envs": ${json(name, value)}}`));
      if (stored.refusal !== undefined) expect(stored.refusal).toMatch(/^\.yo-rc\.json .*nothing was written\.$/);
      else for (const [key, text] of Object.entries(stored.value?.answers ?? {})) expect([isStored(key), typeof text]).toEqual([true, 'string']);
    }
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });
  test.each(POOL.map((text) => [text]))('that are %j and nothing else are refused in one line', (text) => {
    expect(tried(() => answersIn('a.json', text)).refusal ?? 'accepted').toMatch(/^--answers a\.json: |^accepted$/);
    expect(tried(() => parseStored(text)).refusal ?? 'accepted').toMatch(/^\.yo-rc\.json |^accepted$/);
  });
});

describe('one member of a JSON file', () => {
  const space = fc.constantFrom('', ' ', '\n', '\r\n', '\t', '  ');
  const printed = (value: fc.JsonValue | undefined, gap: string): string => {
    if (Array.isArray(value)) return `[${gap}${value.map((one) => printed(one, gap)).join(`${gap},${gap}`)}${gap}]`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
    return `{${gap}${Object.entries(value)
      .map(([key, one]) => `${JSON.stringify(key)}${gap}:${gap}${printed(one, gap)}`)
      .join(`${gap},${gap}`)}${gap}}`;
  };
  const key = fc.oneof(fc.constantFrom('a', 'generator-dbt-envs', '__proto__', '', '{', '"', '\\', ':', '}', ...POOL), fc.string({ unit: 'binary' }));
  const members = fc.dictionary(key, fc.jsonValue({ maxDepth: 3 }));

  test('is set in any file, every other member and byte of it staying', () => {
    fc.assert(
      fc.property(members, key, fc.dictionary(fc.string(), fc.string({ unit: 'binary' })), space, (before, name, value, gap) => {
        const text = printed(before, gap);
        const after = setMember(text, name, value);
        const entries = new Map(Object.entries<unknown>(JSON.parse(text)));
        expect(new Map(Object.entries(JSON.parse(after)))).toEqual(new Map(entries.set(name, JSON.parse(JSON.stringify(value)))));
        expect(setMember(after, name, value)).toBe(after);
        for (const [other, one] of Object.entries(before))
          if (other !== name) expect(after).toContain(`${JSON.stringify(other)}${gap}:${gap}${printed(one, gap)}`);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('a dbt_project.yml that is there', () => {
  test.each(['name', 'profile', 'macro-paths'])('with an attack as its %s has a plain name, or is refused in one line', (place) => {
    for (const text of POOL) {
      for (const written of [text, JSON.stringify(text), `'${text.replaceAll("'", "''")}'`, `[${JSON.stringify(text)}]`]) {
        const rest = place === 'name' ? '' : 'name: acme\n';
        const { value, refusal } = tried(() => parseProjectFile(`${rest}${place}: ${written}\n`));
        if (refusal !== undefined) expect(refusal).toMatch(/^dbt_project\.yml .*nothing was written\.$/);
        else expect([value?.name, value?.profile].join(' ')).toMatch(/^[A-Za-z_][\w-]* [A-Za-z_][\w-]*$/);
      }
    }
  });

  test.each(['no', 'True', 'null', 'y', 'e1', '__proto__', 'constructor', 'on-off'])(
    'whose profile is %s gets it as a text in profiles.yml',
    async (profile) => {
      put('dbt_project.yml', `name: acme\nprofile: "${profile}"\n`);
      const { status, err } = await runBin(folder, ['profiles', '--yes', '--team', 'ana']);
      expect([status, err]).toEqual([0, expect.any(String)]);
      const keys = [...parse(readFileSync(path.join(folder, 'profiles.yml'), 'utf8'), { version: '1.1', mapAsMap: true }).keys()];
      expect(keys).toEqual([profile]);
    },
  );

  test('keeps odd lines of a .gitignore, and a file that leads outside is not written through', async () => {
    put('dbt_project.yml', 'name: acme\n');
    const odd = '*.log\n$(id)\n[!a]\\ \n\u202ex\n<%= 1 %>\n{{ x }}\n';
    put('.gitignore', odd);
    expect((await runBin(folder, ['app', '--yes', '--team', 'ana', '--keep'])).status).toBe(0);
    expect(readFileSync(path.join(folder, '.gitignore'), 'utf8').startsWith(odd)).toBe(true);
    const outside = mkdtempSync(path.join(tmpdir(), 'dbt-envs-outside-'));
    symlinkSync(outside, path.join(folder, 'linked'));
    rmSync(path.join(folder, 'docs'), { recursive: true });
    symlinkSync(outside, path.join(folder, 'docs'));
    const { status, err } = await runBin(folder, ['app', '--yes', '--force']);
    expect(status).toBe(1);
    expect(err).toMatch(/leads outside of .*nothing was written/);
    expect(readdirSync(outside)).toEqual([]);
    rmSync(outside, { recursive: true });
  });
});

describe('a folder', () => {
  const ODD = [
    'a b',
    "a'b",
    'a"b',
    'a[b](c)',
    '$(id)',
    '`id`',
    'a;b',
    'a&b',
    '{{ x }}',
    '<%= 1 %>',
    '${{ x }}',
    'a\nb',
    'a\u001b[31mb',
    'a\u202eb',
    '=1+1',
    '-rf',
    'ñ',
    'ñ',
    '李',
    '%PATH%',
    '#a',
    '...',
    'a\\b',
    '*',
  ];
  const FLAGS = ['--yes', '--team', 'ana, Bo Li <bo@acme.com>', '--warehouse', 'postgres', '--project-name', 'acme'];
  let plain: Readonly<Record<string, string>>;
  beforeEach(async () => {
    const place = path.join(folder, 'plain');
    mkdirSync(place);
    expect((await runBin(place, FLAGS)).status).toBe(0);
    plain = tree(place);
  });
  test.each(ODD)('called %j gets the files that any other folder gets', async (name) => {
    const place = path.join(folder, name);
    mkdirSync(place);
    expect((await runBin(place, FLAGS)).status).toBe(0);
    expect(tree(place)).toEqual(plain);
  });
  test.each(ODD.filter((name) => !/^\.+$/.test(name)))('inside of a repository called %j is one that CI files can carry, or refused', async (name) => {
    mkdirSync(path.join(folder, '.git'));
    const place = path.join(folder, name);
    mkdirSync(place);
    const { status, err } = await runBin(place, FLAGS);
    expect(status).toBe(1);
    expect(err).toMatch(/has characters that CI files cannot carry\. Rename it: .*nothing was written\.\n$/);
    expect(err.slice(0, -1)).toSatisfy(isOneLine);
    expect(readdirSync(place)).toEqual([]);
  });
});
