import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import helpers from 'yeoman-test';
import ExplainGenerator from '../../generators/explain/index.ts';
import ProfilesGenerator from '../../generators/profiles/index.ts';
import { helpText, yoManner } from '../../src/shell/help.ts';
import { allOptions } from '../../src/shell/options.ts';
import * as streams from '../../src/shell/standard-stream.ts';
import { version } from '../../src/shell/version.ts';
import { emptyFolder, runBin, tree } from '../support/command-line.ts';

const resolved = path.resolve('generators/profiles/index.ts');

/** The generator at a terminal: yeoman-test answers its prompts. */
class AtTerminal extends ProfilesGenerator {
  override get absence(): undefined {
    return undefined;
  }
}

function running(folder: string, given: Readonly<Record<string, unknown>> = {}, Generator: typeof ProfilesGenerator = ProfilesGenerator) {
  const options: Record<string, unknown> = { force: false, ...given }; // yeoman-test itself would force
  return helpers.create(Generator, { resolved, namespace: 'dbt-envs:profiles' }).cd(folder).withOptions(options);
}

async function byBin(...flags: string[]): Promise<Readonly<Record<string, string>>> {
  const folder = emptyFolder();
  expect((await runBin(folder, ['profiles', '--yes', '--project-name', 'acme', '--team', 'ana, bo', ...flags])).status).toBe(0);
  return tree(folder);
}

/** As `yo` starts it: what was typed stands in process.argv. */
const typing = (...words: string[]) => vi.spyOn(process, 'argv', 'get').mockReturnValue(['node', 'yo', 'dbt-envs:profiles', ...words]);
afterEach(() => vi.restoreAllMocks());

describe('the same answers give the same files as the bin', () => {
  test('as options', async () => {
    const folder = emptyFolder();
    await running(folder, { yes: true, projectName: 'acme', team: 'ana, bo', devDays: 14 });
    expect(tree(folder)).toEqual(await byBin('--dev-days', '14'));
  });

  test('as flags', async () => {
    const folder = emptyFolder();
    typing('--yes', '--project-name', 'acme', '--team', 'ana, bo', '--dev-days=14');
    await running(folder);
    expect(tree(folder)).toEqual(await byBin('--dev-days', '14'));
  });

  test('as answers to prompts', async () => {
    const folder = emptyFolder();
    const { askedQuestions } = await running(folder, {}, AtTerminal).withAnswers(
      { projectName: 'acme', warehouse: 'postgres', team: 'ana\nbo', prodSchemas: 'marts', write: true },
      { throwOnMissingAnswer: true },
    );
    expect(askedQuestions.map(({ name }) => name)).toContain('database');
    expect(tree(folder)).toEqual(await byBin('--warehouse', 'postgres', '--prod-schemas', 'marts'));
  });

  test('in an answers file', async () => {
    const folder = emptyFolder();
    const file = path.join(emptyFolder(), 'answers.json');
    writeFileSync(file, JSON.stringify({ projectName: 'acme', team: 'ana, bo' }));
    await running(folder, { yes: true, answers: file });
    expect(tree(folder)).toEqual(await byBin());
  });

  test('in .yo-rc.json and roster.yml', async () => {
    const folder = emptyFolder();
    const wanted = await byBin('--prod-schemas', 'marts');
    for (const name of ['.yo-rc.json', 'roster.yml']) writeFileSync(path.join(folder, name), wanted[name] ?? '');
    await running(folder);
    expect(tree(folder)).toEqual(wanted);
  });
});

describe('a wrong run ends with a number that yo can exit with, and writes nothing', () => {
  const failure = async (folder: string, options: Readonly<Record<string, unknown>> = {}) => {
    const error: unknown = await running(folder, options)
      .then(() => undefined)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    return error;
  };

  test.each<[string, readonly string[], RegExp]>([
    ['a misspelt flag', ['--warehous', 'x'], /Did you mean --warehouse\?/],
    ['a misspelt value', ['--warehouse', 'duckbd'], /Did you mean duckdb\?/],
    ['a list that yo would split', ['--yes', '--team', 'ana,', 'bo'], /There is no part "bo"|One part at a time/],
    ['a part after the colon', ['grants'], /yo dbt-envs:grants/],
    ['no terminal and no answers', [], /no terminal to ask at, and no answer for --project-name/],
    ['defaults for everything', ['--yes'], /--team/],
  ])('%s: 2', async (_, words, message) => {
    const folder = emptyFolder();
    typing(...words);
    expect(await failure(folder)).toMatchObject({ code: 2, message: expect.stringMatching(message) });
    expect(tree(folder)).toEqual({});
  });

  test('flags that yo reads itself are let through', async () => {
    typing('--yes', '--project-name', 'acme', '--team', 'ana', '--skip-install', '--no-color');
    await expect(running(emptyFolder())).resolves.toBeDefined();
  });

  test('a conflict without a terminal: 1', async () => {
    const folder = emptyFolder();
    mkdirSync(path.join(folder, 'macros/dbt_envs'), { recursive: true });
    writeFileSync(path.join(folder, 'macros/dbt_envs/generate_schema_name.sql'), 'mine\n');
    expect(await failure(folder, { yes: true, team: 'ana' })).toMatchObject({ code: 1, message: expect.stringMatching(/--keep.*--force/) });
    expect(Object.keys(tree(folder))).toEqual(['macros/dbt_envs/generate_schema_name.sql']);
  });

  test.each([
    ['.yo-rc.json', '{ "generator-dbt-envs": ', 1],
    ['package.json', '{ broken', undefined],
  ])('a broken %s is one line, or no matter', async (name, text, code) => {
    const folder = emptyFolder();
    writeFileSync(path.join(folder, name), text);
    const run = running(folder, { yes: true, team: 'ana' });
    if (code === undefined) await expect(run).resolves.toBeDefined();
    else await expect(run).rejects.toMatchObject({ code, message: expect.stringMatching(/^\.yo-rc\.json is no JSON[^\n]*$/) });
  });

  test('a no to the last question: 130', async () => {
    const folder = emptyFolder();
    const run = running(folder, {}, AtTerminal).withAnswers({ team: 'ana', write: false });
    await expect(run).rejects.toMatchObject({ code: 130 });
    expect(tree(folder)).toEqual({});
  });

  test('drift: 1', async () => {
    const folder = emptyFolder();
    await running(folder, { yes: true, team: 'ana' });
    typing('--check', '--team', 'ana', '--prod-schemas', 'other');
    expect(await failure(folder)).toMatchObject({ code: 1, message: 'Drift was found.' });
  });
});

test('a conflict at a terminal is asked about', async () => {
  const folder = emptyFolder();
  const file = path.join(folder, 'macros/dbt_envs/generate_schema_name.sql');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, 'mine\n');
  const { askedQuestions } = await running(folder, {}, AtTerminal).withAnswers({ team: 'ana', conflict: 'new', write: true });
  expect(askedQuestions.map(({ name }) => name)).toContain('conflict');
  expect(tree(folder)).toMatchObject({
    'macros/dbt_envs/generate_schema_name.sql': 'mine\n',
    'macros/dbt_envs/generate_schema_name.sql.new': expect.stringMatching(/macro/),
  });
});

describe('explain', () => {
  const explaining = (folder: string, ...words: readonly string[]) => {
    const options: Record<string, unknown> = { force: false };
    vi.spyOn(process, 'argv', 'get').mockReturnValue(['node', 'yo', 'dbt-envs:explain', ...words]);
    return helpers
      .create(ExplainGenerator, { resolved: path.resolve('generators/explain/index.ts'), namespace: 'dbt-envs:explain' })
      .cd(folder)
      .withOptions(options);
  };
  test('reads, says and writes nothing', async () => {
    const folder = emptyFolder();
    await running(folder, { yes: true, team: 'ana' });
    const before = tree(folder);
    await explaining(folder, 'profiles.yml');
    expect(tree(folder)).toEqual(before);
  });
  test.each<[string, readonly string[], RegExp]>([
    ['no path', [], /explain needs a path/],
    ['a slip', ['profile.yml'], /Did you mean profiles\.yml\?/],
  ])('%s: 2', async (_, words, message) => {
    const folder = emptyFolder();
    await running(folder, { yes: true, team: 'ana' });
    await expect(explaining(folder, ...words)).rejects.toMatchObject({ code: 2, message: expect.stringMatching(message) });
  });
});

describe('a switch of the table means what it means to the bin', () => {
  const FILE = 'macros/dbt_envs/answers.sql';
  const switches = allOptions().filter(({ value }) => value === undefined);
  const TEXTS: Readonly<Record<string, string>> = { version: `${version}\n`, help: helpText(yoManner) };
  /** What a run prints on standard output, and the status that it ends with. */
  async function through(run: () => Promise<unknown>): Promise<{ status: number; out: string }> {
    let out = '';
    vi.spyOn(streams, 'standardStream').mockReturnValue({
      write: (text) => {
        out += text;
        return true;
      },
    });
    const status = await run().then(
      () => 0,
      (error: unknown) => (error instanceof Error && 'code' in error ? Number(error.code) : Number.NaN),
    );
    return { status, out };
  }
  /** A project in which a run writes a file anew, and meets one in conflict. */
  async function ready(): Promise<readonly [string, string]> {
    const [one, other] = [emptyFolder(), emptyFolder()];
    expect((await runBin(one, ['profiles', '--yes', '--project-name', 'acme', '--team', 'ana, bo'])).status).toBe(0);
    writeFileSync(path.join(one, FILE), 'mine\n');
    cpSync(one, other, { recursive: true });
    return [one, other];
  }
  const CHANGED = ['--prod-schemas', 'marts'] as const;

  test('a run would write there, and meets a conflict: only then does a switch show what it does', async () => {
    const [folder] = await ready();
    const before = tree(folder);
    expect(switches.length).toBeGreaterThan(5);
    expect((await runBin(folder, ['profiles', ...CHANGED])).status).toBe(1);
    expect((await runBin(folder, ['profiles', '--keep', ...CHANGED])).status).toBe(0);
    expect(tree(folder)).not.toEqual(before);
  });
  test.each(switches.flatMap(({ flag, short }) => [`--${flag}`, ...(short === undefined ? [] : [`-${short}`])].map((word) => [word, flag] as const)))(
    '%s, as it is typed',
    async (word, flag) => {
      const [ours, theirs] = await ready();
      typing(word, ...CHANGED);
      const byYo = await through(async () => await running(ours));
      const byBin = await runBin(theirs, ['profiles', word, ...CHANGED]);
      expect(byYo).toEqual({ status: byBin.status, out: (TEXTS[flag] ?? byBin.out).replaceAll(theirs, ours) });
      expect(tree(ours)).toEqual(tree(theirs));
    },
  );
  test.each(switches.map(({ flag }) => flag))('%s, as an option', async (flag) => {
    const [ours, theirs] = await ready();
    const byYo = await through(async () => await running(ours, { [flag]: true, prodSchemas: 'marts' }));
    const byBin = await runBin(theirs, ['profiles', `--${flag}`, ...CHANGED]);
    expect(byYo).toEqual({ status: byBin.status, out: (TEXTS[flag] ?? byBin.out).replaceAll(theirs, ours) });
    expect(tree(ours)).toEqual(tree(theirs));
  });
});

test('help comes from the table of flags', () => expect(ProfilesGenerator.prototype.help()).toBe(helpText(yoManner)));
