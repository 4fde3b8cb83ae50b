import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { loadModule } from 'libpg-query';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { repeatCommand } from '../../src/answers/repeat-command.ts';
import { parseIdentifier } from '../../src/names.ts';
import type { PlannedFile } from '../../src/planned-file.ts';
import { allQuestions, parseAnswers } from '../../src/questions.ts';
import { dbt, STRICT } from '../support/dbt.ts';
import { languageFindings } from '../support/github-language.ts';
import { parseWorkflow } from '../support/github-workflow.ts';
import { firstDifference, MARKS, planUnchecked, planWith, rounds, suited, type Values, vendors } from '../support/hostile-plan.ts';
import { NEAR_MISSES, WORDS } from '../support/hostile-text.ts';
import { firstParting, replaced } from '../support/meaning.ts';
import { BEFORE, scripts } from '../support/postgres-matrix.ts';
import { pythonEnvironment } from '../support/python.ts';

const made: string[] = [];
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});
function folderWith(files: readonly Pick<PlannedFile, 'path' | 'contents'>[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-hostile-'));
  made.push(folder);
  for (const { path: relative, contents } of files) {
    const file = path.join(folder, relative);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, contents);
  }
  return folder;
}

/** What a program prints when it reads that on standard input; rejects where it ends with another status than 0. */
function said(program: string, args: readonly string[], input: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, [...args], { maxBuffer: 256 * 1024 * 1024, env: { PATH: process.env.PATH ?? '', ...env } }, (error, stdout, stderr) =>
      error === null ? resolve(stdout) : reject(new Error(`${error.message}\n${stderr}`)),
    );
    child.stdin?.on('error', () => {}); // it ended without reading all of it: its status says the rest
    child.stdin?.end(input);
  });
}

const POSTGRES = { warehouse: 'postgres', ci: 'github' };
/** A warehouse that stores names in upper case compares them so. */
const marksOf = (values: Partial<Values>): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(MARKS).flatMap(([field, mark]) => {
      const value = new Map(Object.entries(values)).get(field);
      return value === undefined ? [] : [[mark, value] as const, [mark.toUpperCase(), value.toUpperCase()] as const];
    }),
  );

/**
 * Which files of a plan are read, by their place in it: on a second provider those that the first one does not have, letter
 * for letter, for the same answers. The others were read there, for both are given the same rounds.
 */
function toRead(values: Values, chosen: (typeof vendors)[number]): (file: PlannedFile, at: number) => boolean {
  const first = vendors.find(({ warehouse }) => warehouse === chosen.warehouse) ?? chosen;
  if (first.ci === chosen.ci) return () => true;
  const there = new Map(planWith(values, first).map((file) => [file.path, file.contents]));
  const own = planWith(values, chosen).map((file) => there.get(file.path) !== file.contents);
  return (_, at) => own[at] === true;
}

beforeAll(loadModule);

test.each(vendors)('$warehouse on $ci is given the rounds of the first provider', (chosen) =>
  expect(rounds(chosen)).toEqual(rounds({ ...chosen, ci: vendors[0]?.ci ?? '' })),
);

describe.each(vendors)('$warehouse on $ci: every accepted text in every field', (chosen) => {
  test('is a leaf of SQL, YAML, Markdown and GitHub’s expressions, and nothing else', () => {
    const harmless = planWith(MARKS, chosen);
    for (const values of rounds(chosen)) {
      const files = planWith(values, chosen).filter(toRead(values, chosen));
      expect(firstDifference(files, values, harmless), JSON.stringify(values)).toBeUndefined();
    }
  });

  test('leaves GitHub’s own language service content', async () => {
    const seen = new Set<string>();
    for (const values of rounds(chosen)) {
      for (const { path: file, contents } of planWith(values, chosen).filter(({ path: one }) => one.includes('.github/workflows/'))) {
        if (!seen.has(contents)) expect(await languageFindings(contents), file).toEqual([]);
        seen.add(contents);
      }
    }
  });
});

/** Python, Jinja as dbt sets it up, and the YAML reader that dbt has: the trees that they make of the texts on standard input. */
const READERS = `
import ast, json, sys
import jinja2, yaml
def tree(path, text):
    if path.endswith('.py'):
        return ast.dump(ast.parse(text))
    if path.endswith(('.yml', '.yaml')):
        return json.loads(json.dumps(list(yaml.safe_load_all(text)), default=str))
    words = [[kind, word] for _, kind, word in jinja2.Environment(extensions=['jinja2.ext.do']).lex(text)]
    return words
json.dump([tree(path, text) for path, text in json.load(sys.stdin)], sys.stdout)
`;

describe('read by Python, by Jinja and by dbt’s YAML reader', () => {
  const isRead = ({ path: file }: PlannedFile): boolean => /\.(?:py|ya?ml)$|^(?:macros|models|tests)\/.*\.sql$/.test(file);
  async function trees(files: readonly PlannedFile[]): Promise<unknown[]> {
    const { python } = await pythonEnvironment('postgres');
    return JSON.parse(await said(python, ['-c', READERS], JSON.stringify(files.map((file) => [file.path, file.contents]))));
  }
  async function parting(files: readonly PlannedFile[], values: Partial<Values>, harmless: readonly PlannedFile[]): Promise<string | undefined> {
    const [mine, models] = [await trees(files.filter(isRead)), replaced(await trees(harmless.filter(isRead)), marksOf(values))];
    return firstParting(mine, models);
  }

  test.each(vendors)('every accepted text is a leaf: $warehouse on $ci', async (chosen) => {
    const harmless = planWith(MARKS, chosen);
    for (const [at, values] of rounds(chosen).entries()) {
      if (at % 4 !== 0) continue;
      const read = toRead(values, chosen);
      expect(await parting(planWith(values, chosen).filter(read), values, harmless.filter(read)), JSON.stringify(values)).toBeUndefined();
    }
  });
  test.each([
    ['slug', "x', env_var('DBT_ENV_SECRET_PROD_PASSWORD'), '"],
    ['otherProdSchema', 'no'],
    ['projectName', "x' ~ 1 ~ 'y"],
  ] as const)('and a hole in the rule for %s is caught', async (field, value) => {
    const caught = await parting(planUnchecked(field, value, POSTGRES), { [field]: value }, planWith(MARKS, POSTGRES)).catch(String);
    expect(caught).toBeDefined();
  });
});

describe('run by a shell', () => {
  test('every script of a workflow is one that bash can parse, whatever was answered', async () => {
    const texts = new Set(
      rounds(POSTGRES)
        .filter((_, at) => at % 4 === 0)
        .flatMap((values) => planWith(values, POSTGRES).filter(({ path: file }) => file.includes('.github/workflows/')))
        .flatMap(({ contents }) => Object.values(parseWorkflow(contents).jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []))),
    );
    expect(texts.size).toBeGreaterThan(2);
    for (const text of texts) await said('bash', ['-n'], text);
    await expect(said('bash', ['-n'], `${[...texts].join('\n')}\nif "`)).rejects.toThrow(/unexpected EOF/);
  });

  test('.env.example, filled in, sets its variables to what it says and does nothing else', async () => {
    for (const values of rounds(POSTGRES).filter((_, at) => at % 8 === 0)) {
      const text = planWith(values, POSTGRES).find(({ path: file }) => file === '.env.example')?.contents ?? '';
      const filled = text.replaceAll(/^# ?([A-Z_]+=)/gm, '$1');
      const expected = [...filled.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value = '']) => `${name}=${value.replace(/^(["'])(.*)\1$/, '$2')}`);
      expect(expected.length).toBeGreaterThan(3);
      const file = path.join(folderWith([{ path: 'filled.env', contents: filled }]), 'filled.env');
      const out = await said('bash', ['--norc', '-c', 'set -eu -a; . "$1"; env', 'bash', file], '');
      for (const line of expected) expect(out.split('\n')).toContain(line);
    }
  });

  test('the command that repeats a run gives every answer back, word for word', async () => {
    const runs = rounds(POSTGRES).map((values) => {
      const answers: Record<string, string> = {
        projectName: values.projectName,
        warehouse: 'postgres',
        database: values.database,
        rolePrefix: values.rolePrefix,
        prodSchemas: `${values.prodSchema},\n  ${values.otherProdSchema}`,
        mainBranch: values.mainBranch,
        runner: `a, ${values.runner}`,
        image: values.image,
        pythonIndex: values.pythonIndex,
      };
      const { team, readers } = parseAnswers({ ...answers, team: `${values.slug}=${values.login}`, readers: `${values.reader}:reviews` });
      const typed = { ...answers, team: values.slug === values.login ? values.slug : `${values.slug}=${values.login}`, readers: `${values.reader}:reviews` };
      return { typed, command: repeatCommand(['app'], answers, { developers: team, leavers: [], readers }).repeat };
    });
    for (const { command } of runs) expect(command).toMatch(/^npx generator-dbt-envs [ -~]+$/);
    const script = runs.map(({ command }) => `words ${command.replace('npx generator-dbt-envs ', '')}`).join('\n');
    const out = await said('bash', ['--norc', '-s'], `words() { printf '%s\\0' "$@"; printf '\\1'; }\n${script}\n`);
    const read = out.split('\u0001').slice(0, -1);
    expect(read).toHaveLength(runs.length);
    for (const [at, { typed }] of runs.entries()) {
      const words = read[at]?.split('\0') ?? [];
      const given = new Map(words.flatMap((word, next) => (word.startsWith('--') ? [[word.slice(2), words[next + 1]] as const] : [])));
      expect(given.get('team')).toBe(typed.team);
      for (const { name, flag } of allQuestions()) {
        const answer = new Map(Object.entries(typed)).get(name);
        if (given.has(flag) && answer !== undefined) expect(given.get(flag)).toBe(answer.replaceAll(/\s+/g, ' '));
      }
    }
  });

  test('a branch that is accepted is one that git can have', async () => {
    for (const { mainBranch } of rounds(POSTGRES)) await said('git', ['check-ref-format', '--branch', mainBranch], '');
    await expect(said('git', ['check-ref-format', '--branch', 'a..b'], '')).rejects.toThrow();
  });
});

describe('run by dbt', () => {
  const ODD: Values = {
    ...MARKS,
    projectName: 'select',
    rolePrefix: 'endmacro',
    prodSchema: 'raw',
    otherProdSchema: 'none',
    sourceSchema: 'constructor',
    secretSchema: 'prototype',
    database: 'loop',
    mainBranch: 'feature/1.0_x-y',
    slug: 'endraw',
    login: '1e3',
    email: '1@2',
    reader: 'No',
    reviewer: '0x1f',
    leaverSlug: 'null',
    leaverLogin: '007',
  };
  // The id of a Google Cloud project has six letters at least.
  const oddFor = (chosen: (typeof vendors)[number]): Values =>
    suited(chosen.warehouse === 'bigquery' ? { ...ODD, database: 'import', nonprodDatabase: 'endfilter', ciDatabase: 'null-0' } : ODD, chosen);
  const onFirstProvider = vendors.filter(({ ci }) => ci === vendors[0]?.ci);
  test.each(vendors)('dbt reads the same on every provider: $warehouse on $ci', (chosen) => {
    const odd = oddFor(chosen);
    const readByDbt = planWith(odd, chosen).filter(({ path: file }) => /^(?:dbt_project|profiles)\.yml$|^(?:macros|models|seeds|snapshots|tests)\//.test(file));
    expect(readByDbt.length).toBeGreaterThan(20);
    const first = new Map(planWith(odd, { ...chosen, ci: vendors[0]?.ci ?? '' }).map((file) => [file.path, file.contents]));
    expect(readByDbt.filter((file) => first.get(file.path) !== file.contents).map(({ path: file }) => file)).toEqual([]);
  });
  test.each(onFirstProvider)('a project of odd names is parsed for every target: $warehouse', async (chosen) => {
    const project = folderWith(planWith(oddFor(chosen), chosen));
    for (const [target, env] of [
      ['dev', { DBT_DEV_NAME: ODD.slug, DBT_ENV_SECRET_DEV_PASSWORD: 'x' }],
      ['ci', { PR_NUMBER: '1', DBT_ENV_SECRET_CI_PASSWORD: 'x' }],
      ['prod', { DBT_ENVS_RUNNER: 'merge', DBT_ENV_SECRET_PROD_PASSWORD: 'x' }],
    ] as const) {
      const snowflake = { DBT_SNOWFLAKE_ACCOUNT: 'x', DBT_ENV_SECRET_CI_PRIVATE_KEY: 'x', DBT_ENV_SECRET_PROD_PRIVATE_KEY: 'x' };
      const { code, output } = await dbt(project, ['parse', '--no-partial-parse', '--target', target, ...STRICT], {
        python: chosen.warehouse,
        env: { ...env, ...(chosen.warehouse === 'snowflake' && snowflake) },
      });
      expect(code, output).toBe(0);
    }
  });
  test('and Jinja that got through a hole would run', async () => {
    const project = folderWith(planUnchecked('slug', "x' ~ env_var('DBT_ENV_SECRET_STOLEN') ~ '", POSTGRES));
    const { output } = await dbt(project, ['parse', '--no-partial-parse', '--target', 'dev'], { python: 'postgres', env: { DBT_DEV_NAME: 'zqslug' } });
    expect(output).toContain('DBT_ENV_SECRET_STOLEN');
  });
  test('no project may have a name that dbt keeps for itself', async () => {
    const { python } = await pythonEnvironment('postgres');
    const banned: string[] = JSON.parse(
      await said(python, ['-c', 'import json; from dbt.contracts.project import BANNED_PROJECT_NAMES as names; print(json.dumps(sorted(names)))'], ''),
    );
    expect(banned.length).toBeGreaterThan(20);
    for (const projectName of banned) expect(() => parseAnswers({ projectName, team: 'ana' }), projectName).toThrow(/no project/);
    for (const { warehouse } of vendors) expect(() => parseAnswers({ projectName: `dbt_${warehouse}`, warehouse, team: 'ana' })).toThrow(/is the name of dbt-/);
  });
});

describe('run by a database', () => {
  const NAMES = ['select', 'E5', '1e3', '0x1f', 'a--b', 'a..b', 'Sam.Smith+x@y-z.io', 'User', 'table', 'a-', '007', 'null', 'current_user', 'x'.repeat(63)];

  test('every odd login becomes that login, and no other statement runs', async () => {
    const db = new PGlite();
    try {
      await db.exec(BEFORE);
      const before = await db.query<{ nspname: string }>('select nspname from pg_namespace order by 1');
      const all = scripts({ team: NAMES.map((login, at) => `p${at}=${login}`).join(', '), readers: 'Look.Er, True:reviews' }, [
        { slug: 'gone', login: 'No.Body+1', left: '2026-03-31' },
      ]);
      await db.exec('create role "No.Body+1" login');
      for (const name of ['10_roles', '20_boundary', '30_developers', '40_services', '50_readers', 'leavers/gone'])
        await db.exec(all.get(`grants/${name}.sql`) ?? 'missing');
      const people = await db.query<{ rolname: string; rolcanlogin: boolean }>(
        'select rolname, rolcanlogin from pg_roles where rolname !~ \'^(pg_|acme_|postgres$)\' order by rolname collate "C"',
      );
      expect(people.rows.filter(({ rolcanlogin }) => rolcanlogin).map(({ rolname }) => rolname)).toEqual([...NAMES, 'Look.Er', 'True'].sort());
      expect(people.rows.filter(({ rolcanlogin }) => !rolcanlogin).map(({ rolname }) => rolname)).toEqual(['No.Body+1']);
      const after = await db.query<{ nspname: string }>('select nspname from pg_namespace order by 1');
      const added = after.rows.map(({ nspname }) => nspname).filter((name) => !before.rows.some(({ nspname }) => nspname === name));
      expect(added.filter((name) => !/^pg_t/.test(name)).sort()).toEqual(['acme_door', 'analytics', 'staging']);
    } finally {
      await db.close();
    }
  });

  const accepted = (name: string): boolean => {
    try {
      return parseIdentifier(name, 'a schema') === name;
    } catch {
      return false;
    }
  };
  test('PostgreSQL takes every accepted name without quotes: of all its keywords too', async () => {
    const db = new PGlite();
    try {
      const { rows } = await db.query<{ word: string }>('select word from pg_get_keywords()');
      const words = [...rows.map(({ word }) => word), ...WORDS, ...NEAR_MISSES];
      const tried = [...new Set(words)].filter(accepted);
      expect(rows.length - tried.length).toBeGreaterThan(70);
      for (const word of tried.filter((name) => !/^pg_|^information_schema$|^public$/.test(name)))
        await db.exec(`create schema ${word}; create table ${word}.t as select 1 as x; select x from ${word}.t; grant usage on schema ${word} to public`);
      await expect(db.exec('create schema select')).rejects.toThrow(/syntax error/);
    } finally {
      await db.close();
    }
  });
  test('DuckDB takes every accepted name without quotes: of all its keywords too', async () => {
    const { python } = await pythonEnvironment('duckdb');
    const words: string[] = JSON.parse(
      await said(
        python,
        ['-c', 'import duckdb, json; print(json.dumps([row[0] for row in duckdb.sql("select keyword_name from duckdb_keywords()").fetchall()]))'],
        '',
      ),
    );
    const tried = [...new Set([...words, ...WORDS, ...NEAR_MISSES])]
      .filter(accepted)
      .filter((name) => !/^(?:pg_catalog|information_schema|main|temp|system)$/.test(name));
    expect(tried.length).toBeGreaterThan(200);
    const script = `
import duckdb, json, sys
refused = []
for name in json.load(sys.stdin):
    c = duckdb.connect()
    try:
        c.execute(f"create schema {name}"); c.execute(f"create table {name}.t as select 1 as x"); c.execute(f"select x from {name}.t")
    except duckdb.ParserException as error:
        refused.append(name)
print(json.dumps(refused))
`;
    expect(JSON.parse(await said(python, ['-c', script], JSON.stringify(tried)))).toEqual([]);
    expect(JSON.parse(await said(python, ['-c', script], JSON.stringify(['select', 'qualify'])))).toEqual(['select', 'qualify']);
  });
});
