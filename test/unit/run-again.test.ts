import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ciProviders, warehouses } from '../../src/catalogue.ts';
import { type PartName, partNames, withNeeds } from '../../src/plan.ts';
import { questionsFor } from '../../src/questions.ts';
import { decide, drift, type Invocation, look, RunError, UsageError } from '../../src/run.ts';
import { needsOf } from '../support/scaffold.ts';

let folder = '';
beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'dbt-envs-again-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (file: string): string => path.join(folder, file);
const text = (file: string): string => readFileSync(at(file), 'utf8');
const put = (file: string, contents: string): void => {
  mkdirSync(path.dirname(at(file)), { recursive: true });
  writeFileSync(at(file), contents);
};
const files = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true })
      .map(String)
      .sort()
      .flatMap((file) => (statSync(at(file)).isDirectory() ? [] : [[file, text(file)]])),
  );
const invoked = (more: Partial<Invocation> = {}): Invocation => ({ cwd: folder, command: ['app'], given: {}, force: false, ...more });
const decisionOf = (more: Partial<Invocation> = {}) => decide(invoked(more), look(invoked(more)).known);
const run = (more: Partial<Invocation> = {}, answer: 'keep' | 'take' = 'keep') => decisionOf(more).apply(() => answer);
const GIVEN = { projectName: 'acme', warehouse: 'postgres', team: 'ana, bo', rolePrefix: 'zed', prodSchemas: 'gold', readers: 'looker' };
const first = (given: Readonly<Record<string, string>> = GIVEN, command: readonly PartName[] = ['app']) => run({ given, command });

/** The error's kind and text, or undefined where there is none. */
function refused(act: () => unknown): { readonly kind: unknown; readonly message: string } | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (error instanceof RunError || error instanceof UsageError) return { kind: error.constructor, message: error.message };
    throw error;
  }
}

describe('a file that says what this repository is, lost', () => {
  const ADOPTED = { team: 'ana, bo', warehouse: 'postgres' };
  const adopt = async (): Promise<void> => {
    put('dbt_project.yml', 'name: acme\nprofile: acme\n');
    put('models/own.sql', 'select 1\n');
    await first(ADOPTED);
  };
  describe.each([
    ['ours', () => first()],
    ['adopted', adopt],
  ] as const)('%s', (kind, begin) => {
    beforeEach(async () => void (await begin()));
    test.each(['.yo-rc.json', '.dbt-envs.lock', 'roster.yml', 'dbt_project.yml'])('%s: nothing but that file is written, or it is refused', async (lost) => {
      const before = files();
      rmSync(at(lost));
      const left = files();
      for (const command of [['app'], []] as const) {
        const no = refused(() => decisionOf({ command }));
        if (no === undefined) await run({ command });
        else
          expect(no.message).toMatch(lost === 'roster.yml' ? /^--team is missing/ : new RegExp(`^${lost.replaceAll('.', '\\.')} .*; nothing was written\\.$`));
        const now = files();
        expect([left, before]).toContainEqual(now);
      }
      const wayOn = { '.yo-rc.json': false, '.dbt-envs.lock': true, 'roster.yml': false, 'dbt_project.yml': kind === 'ours' }[lost];
      expect(refused(() => decisionOf()) === undefined).toBe(wayOn);
    });
  });

  test('.yo-rc.json: whatever is given is no way round, and the message has one', async () => {
    await first();
    rmSync(at('.yo-rc.json'));
    for (const more of [{}, { given: { warehouse: 'postgres' } }, { command: ['grants'] }, { command: [] }, { force: true }] as const) {
      expect(refused(() => look(invoked(more)))).toEqual({
        kind: RunError,
        message:
          '.yo-rc.json is missing, and .dbt-envs.lock says that files here are ours: without their answers they would be rewritten by defaults. Restore it from git; or delete .dbt-envs.lock and answer anew: then you are asked about each file that differs; nothing was written.',
      });
    }
    put('.yo-rc.json', '{"generator-node": {}}');
    expect(refused(() => look(invoked()))?.message).toMatch(/^\.yo-rc\.json has no answers of ours, and \.dbt-envs\.lock says/);
  });
  // The project counts as one that was there before us, and the runbook says something else for those.
  test('.yo-rc.json: answering anew without the record changes no file unasked, and the same answers give the same files', async () => {
    await first();
    const before = files();
    for (const file of ['.yo-rc.json', '.dbt-envs.lock']) rmSync(at(file));
    const other = decisionOf({ given: { warehouse: 'duckdb' } }).changes;
    expect(other.filter(({ kind, path: file }) => kind === 'updated' || (kind === 'created' && file in before && file !== '.yo-rc.json'))).toEqual([]);
    expect(other.filter(({ kind }) => kind === 'conflict').length).toBeGreaterThan(5);
    const { created, updated, conflicts } = await run({ given: { warehouse: 'postgres', rolePrefix: 'zed', prodSchemas: 'gold' } });
    expect([created, updated, conflicts]).toEqual([['.yo-rc.json'], [], ['docs/runbook.md']]);
  });
  test('.dbt-envs.lock alone, copied from elsewhere, says nothing about this place', () => {
    put('.dbt-envs.lock', `${'0'.repeat(64)} profiles.yml\n`);
    expect(refused(() => decisionOf({ given: GIVEN }))).toBeUndefined();
  });
  test('.yo-rc.json: of its lines, one that the first conversation asks for is missed, and may be given again', async () => {
    await first();
    const whole = text('.yo-rc.json');
    for (const name of ['warehouse', 'projectName', 'prodSchemas', 'database', 'ci']) {
      put('.yo-rc.json', whole.replace(new RegExp(`^ *"${name}": .*\n`, 'm'), ''));
      expect(refused(decisionOf)).toMatchObject({ kind: RunError, message: expect.stringMatching(new RegExp(`^\\.yo-rc\\.json has no answer for "${name}"`)) });
      const given = { [name]: JSON.parse(whole)['generator-dbt-envs'][name] };
      expect(refused(() => decisionOf({ given }))).toBeUndefined();
    }
    put('.yo-rc.json', whole.replace(/^ *"devDays": .*\n/m, ''));
    expect(drift(decisionOf().changes)).toBe(true);
  });
  test('.yo-rc.json: what another warehouse or a part more asks for first is not lost', async () => {
    await first({ ...GIVEN, warehouse: 'duckdb' }, ['profiles']);
    expect(refused(() => decisionOf({ given: { warehouse: 'postgres' } }))).toBeUndefined();
  });
  test('dbt_project.yml: it is said that dbt runs nowhere without it', async () => {
    await first();
    const about = (): readonly string[] => decisionOf().warnings.filter((warning) => warning.startsWith('There is no dbt_project.yml'));
    expect(about()).toEqual([]);
    rmSync(at('dbt_project.yml'));
    expect(about()).toEqual([expect.stringMatching(/ You deleted it: restore it from git\.$/)]);
  });
});

describe('another project name', () => {
  beforeEach(async () => void (await first({ projectName: 'acme', warehouse: 'duckdb', team: 'ana' })));

  test('than that of dbt_project.yml is refused', () => {
    expect(refused(() => decisionOf({ given: { projectName: 'other' } }))).toEqual({
      kind: UsageError,
      message:
        '--project-name: this project is called "acme" in dbt_project.yml, not "other". Leave the flag out, or first write other for acme throughout dbt_project.yml.',
    });
    expect(refused(() => decisionOf({ given: { projectName: 'acme' } }))).toBeUndefined();
  });
  test('is taken once dbt_project.yml has it, and until then its profile is known to be missing', async () => {
    put('dbt_project.yml', text('dbt_project.yml').replaceAll('acme', 'other'));
    expect(decisionOf().warnings).toContainEqual(
      'dbt_project.yml asks for the profile "other", and profiles.yml has "acme": dbt finds no connection. Write acme there, or run again with --project-name other.',
    );
    await run({ given: { projectName: 'other' } });
    expect(text('profiles.yml')).toMatch(/^other:$/m);
    expect(decisionOf().warnings.join('\n')).not.toContain('asks for the profile');
  });
  test('where there is no dbt_project.yml yet contradicts nothing', async () => {
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    await first({ projectName: 'acme', warehouse: 'duckdb', team: 'ana' }, ['grants']);
    expect(refused(() => decisionOf({ command: ['grants'], given: { projectName: 'other' } }))).toBeUndefined();
  });
});

describe('a changed answer that leaves something in the warehouse', () => {
  const warned = (given: Readonly<Record<string, string>>): readonly string[] =>
    decisionOf({ given, command: [] }).warnings.filter((warning) => /^--[a-z-]+: .* became /.test(warning));

  test.each<[claim: string, given: Record<string, string>, says: readonly RegExp[]]>([
    ['the role prefix', { rolePrefix: 'new' }, [/^--role-prefix: "zed" became "new"\. .*begins with zed stay.* grants\/README\.md/]],
    ['the database', { database: 'other' }, [/^--database: "acme" became "other"\. .* grants\/README\.md/]],
    ['the warehouse', { warehouse: 'duckdb' }, [/^--warehouse: "postgres" became "duckdb"\. .* grants\/README\.md/]],
    [
      'a prod schema that is declared no longer',
      { prodSchemas: 'silver, bronze' },
      [/^--prod-schemas: "gold" became "silver, bronze"\. What was built in gold and .* stay/],
    ],
    ['a source that is declared no longer', { sourceSchemas: 'raw' }, [/^--source-schemas: "raw, crm" became "raw"\. Whoever could read crm can still/]],
    ['a source that is closed', { sourceSchemas: 'raw, crm:pii' }, [/^--source-schemas: "raw, crm" became "raw, crm:pii"\. Whoever could read crm can still/]],
    ['the CI provider', { ci: 'gitlab' }, [/^--ci: "github" became "gitlab"\. Secrets, .* stay there\. Delete them/]],
    ['the warehouse with all that was in it', { warehouse: 'snowflake', rolePrefix: 'new', prodSchemas: 'silver', database: 'other' }, [/^--warehouse: /]],
    ['both', { rolePrefix: 'new', database: 'other' }, [/^--database: /, /^--role-prefix: /]],
    ['one schema more', { prodSchemas: 'gold, silver' }, []],
    ['one source more, and one opened', { sourceSchemas: 'crm, more, raw' }, []],
    ['nothing', {}, []],
    ['what lives in the repository alone', { devDays: '9', runner: 'big', buildDrafts: 'yes' }, []],
  ])('%s', async (_, given, says) => {
    await first({ ...GIVEN, sourceSchemas: 'raw, crm' });
    const warnings = warned(given);
    expect(warnings).toEqual(says.map((one) => expect.stringMatching(one)));
    await run({ given, command: [] });
    expect(warned({})).toEqual([]);
  });
  test('is none where no scripts of ours have been there', async () => {
    await first(GIVEN, ['profiles']);
    expect(warned({ rolePrefix: 'new', database: 'other' })).toEqual([]);
  });
  test.each(warehouses.map(({ id, questions }) => [id, questions.map(({ name }) => name)] as const))(
    'is declared by whoever asks: %s says it of every place',
    (id, names) => {
      const places = names.filter((name) => /database|layout|location/i.test(name));
      expect(places.length > 0 || id === 'duckdb').toBe(true);
      const own = questionsFor({ warehouse: id }).filter(({ name }) => places.includes(name));
      for (const { leaves } of own) expect(leaves?.('one', 'two')).toMatch(/\bone\b.* stay/);
    },
  );
});

describe('files of yours that were written for other answers', () => {
  const warned = (given: Readonly<Record<string, string>>, command: readonly PartName[] = []): readonly string[] =>
    decisionOf({ given, command }).warnings.filter((warning) => warning.includes('for other answers'));
  const toDuckdb = { warehouse: 'duckdb' };

  test('are named, with the way to have them anew', async () => {
    await first();
    expect(warned(toDuckdb)).toEqual([
      'README.md and .sqlfluff were written for other answers and are yours, so they stay as they are. Change them by hand; or, to have one anew, delete it and its line in .dbt-envs.lock and run again.',
    ]);
    await run({ given: toDuckdb, command: [] });
    expect(warned({})).toEqual([]);
    expect(warned(toDuckdb)).toEqual([]);
  });
  test.each([...warehouses.map(({ id }) => ({ warehouse: id })), { ci: 'gitlab' }, { prodSchemas: 'silver, tin' }, { mainBranch: 'trunk' }])(
    'are all that differs from a fresh repository: %j',
    async (given) => {
      await first();
      const vendor = 'warehouse' in given && given.warehouse === 'bigquery' ? { ...needsOf('bigquery'), database: 'acme-prod-1' } : {};
      const named = warned({ ...given, ...vendor }).join(' ');
      await run({ given: { ...given, ...vendor }, command: [] });
      const again = files();
      const stored = JSON.parse(again['.yo-rc.json'] ?? '')['generator-dbt-envs'];
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
      const { parts, ...answers } = stored;
      await first({ ...answers, team: GIVEN.team, readers: GIVEN.readers });
      const fresh = files();
      const differs = [...new Set([...Object.keys(again), ...Object.keys(fresh)])].filter((file) => again[file] !== fresh[file] && file !== '.dbt-envs.lock');
      expect([parts, differs.filter((file) => !named.includes(file))]).toEqual([['app'], []]);
    },
  );
  test('come anew by the way that is told', async () => {
    await first();
    await run({ given: toDuckdb, command: [] });
    rmSync(at('.sqlfluff'));
    put('.dbt-envs.lock', text('.dbt-envs.lock').replace('yours .sqlfluff\n', ''));
    expect((await run()).created).toEqual(['.sqlfluff']);
    expect(text('.sqlfluff')).toContain('dialect = duckdb');
  });
  test('are not those that you have brought there already, or deleted, or that follow anyway', async () => {
    await first();
    put('.sqlfluff', text('.sqlfluff').replace('dialect = postgres', 'dialect = duckdb'));
    rmSync(at('README.md'));
    expect(warned(toDuckdb)).toEqual([]);
  });
  test('are looked for only where an answer has changed: a part more is no other answer', async () => {
    await first(GIVEN, ['profiles']);
    put('README.md', 'mine\n');
    expect(warned({}, ['app'])).toEqual([]);
  });
  test('do not stop a run whose answers of before can be no longer', async () => {
    await first();
    put('.yo-rc.json', text('.yo-rc.json').replace('"sourceSchemas": ""', '"sourceSchemas": "gold"'));
    expect(refused(() => decisionOf({ given: { sourceSchemas: '' }, command: [] }))).toBeUndefined();
  });
});

describe('what is said at the end', () => {
  /** Paths, and the scripts of grants/ that a step names by their beginnings. */
  const pathsIn = (line: string): readonly string[] =>
    [...line.matchAll(/(?<![\w./-])(?:[\w.-]+\/)*[\w-]+\.(?:txt|ya?ml|json|sql|sh|py|md|toml)\b/g)].map(([file]) => file);
  const subsets = [...new Map(partNames.flatMap((one) => partNames.map((other) => withNeeds([one, other]))).map((parts) => [parts.join(' '), parts])).values()];
  const combinations = warehouses.flatMap(({ id: warehouse }) => ciProviders.map(({ id: ci }) => [warehouse, ci] as const));

  test.each(combinations)('names paths that are planned or there alone: %s and %s, every set of parts', (warehouse, ci) => {
    const missing = subsets.flatMap((command) => {
      const decision = decisionOf({ command, given: { ...GIVEN, readers: '', ...needsOf(warehouse), warehouse, ci } });
      const planned = new Set(decision.changes.map(({ path: file }) => file));
      return [...decision.nextSteps, ...decision.warnings.filter((warning) => !warning.startsWith('There is no'))].flatMap((line) =>
        pathsIn(line)
          .filter((file) => !planned.has(file) && !planned.has(`grants/${file}`) && !existsSync(at(file)))
          .map((file) => `${command.join('+')}: ${file}`),
      );
    });
    expect(missing).toEqual([]);
  });
  test('and a path that nobody plans would be seen', () => {
    expect(pathsIn('install what requirements.txt names, read docs/runbook.md, run grants/40_services.sh')).toEqual([
      'requirements.txt',
      'docs/runbook.md',
      'grants/40_services.sh',
    ]);
  });
  test('what is there already may be named', async () => {
    expect(decisionOf({ given: GIVEN, command: ['profiles'] }).nextSteps[0]).toBe('dbt parse reads the project without a connection: run it first.');
    put('requirements.txt', 'dbt-postgres\n');
    expect(decisionOf({ given: GIVEN, command: ['profiles'] }).nextSteps[0]).toContain('install what requirements.txt names');
  });
});
