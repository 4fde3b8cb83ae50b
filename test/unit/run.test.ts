import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { questions } from '../../src/questions.ts';
import { parseTeam } from '../../src/roster/roster.ts';
import { decide, drift, type Invocation, look, RunError, type Summary, UsageError } from '../../src/run.ts';

let folder = '';
beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'dbt-envs-run-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (...steps: readonly string[]): string => path.join(folder, ...steps);
const put = (file: string, text: string): void => {
  mkdirSync(path.dirname(at(file)), { recursive: true });
  writeFileSync(at(file), text);
};
const text = (file: string): string => readFileSync(at(file), 'utf8');
const tree = (from = folder): readonly string[] =>
  readdirSync(from, { recursive: true })
    .map(String)
    .filter((file) => !file.startsWith('.git/') && !statSync(path.join(from, file)).isDirectory())
    .sort();

const GIVEN = { projectName: 'acme', team: 'priya, sam' };
const invoked = (more: Partial<Invocation> = {}): Invocation => ({ cwd: folder, command: ['profiles'], given: {}, force: false, ...more });
const first = (more: Partial<Invocation> = {}): Promise<Summary> => run({ given: GIVEN, ...more });
async function run(more: Partial<Invocation> = {}, answer: 'keep' | 'take' | 'new' = 'keep'): Promise<Summary> {
  const invocation = invoked(more);
  return await decide(invocation, look(invocation).known).apply(() => answer);
}
const decisionOf = (more: Partial<Invocation> = {}) => decide(invoked(more), look(invoked(more)).known);
async function refusal(kind: typeof UsageError | typeof RunError, act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    if (error instanceof kind) return error.message;
    throw error;
  }
  return 'no refusal';
}

test('what another run has half written is no conflict: it is waited for', async () => {
  await first();
  put('macros/dbt_envs/answers.sql', `${text('macros/dbt_envs/answers.sql')}-- half\n`);
  const later = { given: { ...GIVEN, prodSchemas: 'gold' } };
  expect(decisionOf(later).changes.some(({ kind }) => kind === 'conflict')).toBe(true);
  put('.dbt-envs-writing.tmp', `${process.ppid}\n`);
  expect(await refusal(RunError, () => decisionOf(later))).toMatch(/^Another run is writing to /);
});

describe('a first run', () => {
  test('asks for what has no answer, in order', () => {
    const { open, parts, hasRoster, known, root } = look(invoked({ command: ['app'] }));
    const asked = Object.values(questions).filter((question) => question.asked);
    expect(open.map(({ name }) => name)).toEqual(asked.map(({ name }) => name));
    expect(parts).toEqual(['roster', 'profiles', 'grants', 'ci', 'cleanup', 'app']);
    expect([hasRoster, known, root]).toEqual([false, { folder: path.basename(folder) }, folder]);
  });
  test('asks no part for what it does not read', () =>
    expect(look(invoked({ command: ['roster'] })).open.map(({ name }) => name)).toEqual(['projectName', 'team']));
  test('does not ask again for what was given', () =>
    expect(look(invoked({ given: GIVEN })).open.map(({ name }) => name)).toEqual(['warehouse', 'prodSchemas', 'sourceSchemas']));
  test('writes everything, and stores the answers but not the team', async () => {
    const { created, updated, conflicts } = await first();
    expect(tree()).toEqual([...created, '.dbt-envs.lock'].sort());
    expect([updated, conflicts]).toEqual([[], []]);
    const stored = JSON.parse(text('.yo-rc.json'))['generator-dbt-envs'];
    expect(stored).toMatchObject({ projectName: 'acme', devDays: '30', parts: ['profiles'] });
    expect(Object.keys(stored)).not.toEqual(expect.arrayContaining(['team']));
    expect(Object.keys(stored)).not.toEqual(expect.arrayContaining(['ci']));
  });
  test('writes nothing before apply', () => {
    decisionOf({ given: GIVEN });
    expect(tree()).toEqual([]);
  });
  test('never invents a team', async () => expect(await refusal(UsageError, () => run({ given: { projectName: 'acme' } }))).toMatch(/^--team is missing/));
  test('keeps a file of the same text that is there', async () => {
    await first();
    rmSync(at('.dbt-envs.lock'));
    rmSync(at('.yo-rc.json'));
    expect((await first()).conflicts).toEqual([]);
  });
});

describe('a second run', () => {
  beforeEach(async () => void (await first()));

  test('writes nothing at all', async () => {
    for (const file of tree()) utimesSync(at(file), new Date(0), new Date(0));
    const { created, updated, removed, conflicts } = await run();
    expect([created, updated, removed, conflicts]).toEqual([[], [], [], []]);
    for (const file of tree()) expect([file, statSync(at(file)).mtimeMs]).toEqual([file, 0]);
    expect(drift(decisionOf().changes)).toBe(false);
  });
  test('gives the same from a folder below', () => {
    mkdirSync(at('models/marts'), { recursive: true });
    expect(look(invoked({ cwd: at('models/marts') })).root).toBe(folder);
  });
  test('asks for nothing', () => expect(look(invoked()).open).toEqual([]));
  test('adds a part, and keeps the ones that are installed', async () => {
    await run({ command: ['grants'] });
    expect(JSON.parse(text('.yo-rc.json'))['generator-dbt-envs'].parts).toEqual(['profiles', 'grants']);
    expect(look(invoked({ command: [] })).parts).toEqual(['roster', 'profiles', 'grants']);
  });
  test('takes a changed answer', async () => {
    expect((await run({ given: { prodSchemas: 'analytics, marts' } })).updated).toContain('.yo-rc.json');
    expect(text('macros/dbt_envs/answers.sql')).toContain('marts');
  });
  test('follows a roster that was edited by hand', async () => {
    put('roster.yml', `${text('roster.yml').replace('readers: []\n', '')}readers:\n  - login: looker\n`);
    put('roster.yml', text('roster.yml').replace('  - slug: sam\n    login: sam\n', '  - slug: eve\n    login: eve\n'));
    expect((await run()).updated).toEqual(['macros/dbt_envs/answers.sql']);
    expect(text('macros/dbt_envs/answers.sql')).toContain('eve');
  });
  test('leaves the files of other parts alone where .yo-rc.json names no parts any more', async () => {
    await run({ command: ['app'] });
    const before = tree();
    put('.yo-rc.json', text('.yo-rc.json').replace(/,\s*"parts": \[[^\]]*\]/, ''));
    expect(text('.yo-rc.json')).not.toContain('parts');
    const { removed } = await run();
    expect(removed).toEqual([]);
    expect(tree()).toEqual(before);
  });
  test('asks for the team again where roster.yml was deleted, and writes it', async () => {
    rmSync(at('roster.yml'));
    expect(look(invoked()).open.map(({ name }) => name)).toEqual(['team']);
    expect((await run({ given: { team: 'eve, kim' } })).created).toEqual(['roster.yml']);
  });
});

describe('a conflict', () => {
  const FILE = 'macros/dbt_envs/generate_schema_name.sql';
  const conflicts = (more: Partial<Invocation> = {}): readonly string[] =>
    decisionOf(more).changes.flatMap(({ kind, path: file }) => (kind === 'conflict' ? [file] : []));
  beforeEach(() => {
    put(FILE, 'mine\n');
    expect(conflicts({ given: GIVEN })).toEqual([FILE]);
  });

  test('kept is asked about once', async () => {
    expect(await first()).toMatchObject({ conflicts: [FILE] });
    expect(text(FILE)).toBe('mine\n');
    expect(conflicts()).toEqual([]);
    expect((await run()).kept).toContainEqual({ path: FILE, why: 'edited' });
  });
  test('taken is ours', async () => {
    expect((await run({ given: GIVEN }, 'take')).updated).toContain(FILE);
    expect(text(FILE)).not.toBe('mine\n');
    expect((await run()).unchanged).toContain(FILE);
  });
  test('written beside keeps yours, and is asked about once', async () => {
    expect((await run({ given: GIVEN }, 'new')).created).toContain(`${FILE}.new`);
    expect([text(FILE), text(`${FILE}.new`)]).toEqual(['mine\n', expect.stringContaining('generate_schema_name')]);
    expect(conflicts()).toEqual([]);
  });
  test('is not written beside over a file that is there', async () => {
    put(`${FILE}.new`, 'also mine\n');
    expect(await refusal(RunError, () => run({ given: GIVEN }, 'new'))).toMatch(/\.new is there already\. Move it away/);
    expect(existsSync(at('.dbt-envs.lock'))).toBe(false);
  });
  test('is taken by --force', async () => expect((await run({ given: GIVEN, force: true })).updated).toContain(FILE));
  test('in which the file changes while it is asked about writes nothing', async () => {
    const decision = decisionOf({ given: GIVEN });
    put(FILE, 'still typing\n');
    expect(await refusal(RunError, () => decision.apply(() => 'take'))).toBe(`${FILE} changed while you decided; nothing was written. Run again.`);
    expect(tree()).toEqual([FILE]);
  });
});

describe('the roster', () => {
  beforeEach(async () => void (await first()));
  const edit = (more: Omit<NonNullable<Invocation['rosterEdit']>, 'today'>) => run({ command: ['roster'], rosterEdit: { ...more, today: '2026-05-01' } });

  test('is edited, and everything that follows from it', async () => {
    expect((await edit({ add: 'eve' })).updated.sort()).toEqual(['macros/dbt_envs/answers.sql', 'roster.yml']);
    expect(text('roster.yml')).toContain('  - slug: eve\n    login: eve\n');
    expect(text('macros/dbt_envs/answers.sql')).toContain('eve');
  });
  test('marks who left', async () => {
    await edit({ remove: 'sam' });
    expect(text('roster.yml')).toContain('    login: sam\n    left: 2026-05-01\n');
    expect(text('macros/dbt_envs/answers.sql')).not.toContain('sam');
  });
  test('is not written again by the same edit', async () => {
    await edit({ add: 'eve' });
    expect((await edit({ add: 'eve' })).updated).toEqual([]);
  });
  test('is the team: another --team is refused, the same one is not', async () => {
    expect(await refusal(UsageError, () => run({ given: { team: 'priya, kim' } }))).toMatch(/^--team differs from roster\.yml\. .*roster --add/);
    expect(await refusal(UsageError, () => run({ given: { readers: 'looker' } }))).toMatch(/^--readers differs from roster\.yml/);
    expect((await run({ given: { team: 'priya, sam', readers: '' } })).updated).toEqual([]);
  });
  test('cannot be edited where there is none', async () => {
    rmSync(at('roster.yml'));
    expect(await refusal(UsageError, () => edit({ add: 'eve' }))).toMatch(/^There is no roster\.yml to edit\. Name the whole team with --team/);
  });
});

describe('whom the warehouse knows', () => {
  const edit = (more: Omit<NonNullable<Invocation['rosterEdit']>, 'today'>) => run({ command: ['roster'], rosterEdit: { ...more, today: '2026-05-01' } });
  test('nobody leaves and goes on reading: the roster stays as it is', async () => {
    await first({ given: { ...GIVEN, readers: 'looker, sam:reviews' } });
    const before = text('roster.yml');
    await expect(edit({ remove: 'sam' })).rejects.toThrow(/^"sam" left and is still the reader "sam"/);
    expect(text('roster.yml')).toBe(before);
    put('roster.yml', before.replace(/ {2}- login: sam\n {4}reviews: true\n/, ''));
    expect((await edit({ remove: 'sam' })).updated).toContain('roster.yml');
  });
  test('whose name changes keeps what the address has', async () => {
    const given = { projectName: 'acme', warehouse: 'bigquery', database: 'shop-prod', team: 'sam <sam@acme.example>, ana <ana@acme.example>' };
    await first({ command: ['grants'], given });
    await edit({ rename: 'sam=sam_k' });
    expect(text('grants/30_developers.sql')).toContain("('sam_k', 'user:sam@acme.example')");
    expect(text('grants/leavers/sam.sql')).toContain('is on the roster as sam_k');
    expect(text('grants/leavers/sam.sql')).not.toContain("roles/bigquery.dataViewer', 'SCHEMA");
    await expect(edit({ add: 'sam_l <Sam@acme.example>' })).rejects.toThrow('"sam_k" and "sam_l" are both "sam@acme.example" to BigQuery');
  });
});

describe('bad input is one line, of the right kind, and nothing is written', () => {
  const nothingWritten = (): void => expect(tree().filter((file) => file !== '.yo-rc.json' && file !== 'roster.yml' && file !== 'file')).toEqual([]);
  test.each<[claim: string, more: Partial<Invocation>, message: RegExp]>([
    ['a wrong answer', { given: { ...GIVEN, warehouse: 'snowflke' } }, /^--warehouse: There is no warehouse "snowflke"/],
    ['an unknown question', { given: { ...GIVEN, warehose: 'x' } }, /^There is no question "warehose"\. Did you mean warehouse\?/],
    ['a project folder that is a file', { projectDir: 'file' }, /^--project-dir: "file" is no folder/],
    ['an empty project folder', { projectDir: '' }, /^--project-dir is empty/],
  ])('typed: %s', async (_, more, message) => {
    put('file', 'x');
    expect(await refusal(UsageError, () => run(more))).toMatch(message);
    nothingWritten();
  });
  test.each<[claim: string, files: Readonly<Record<string, string>>, message: RegExp]>([
    ['a broken .yo-rc.json', { '.yo-rc.json': '{"generator-dbt-envs": ' }, /^\.yo-rc\.json is no JSON/],
    ['a broken roster', { 'roster.yml': 'developers: [\n' }, /^roster\.yml line/],
    ['a merge that is not finished', { 'roster.yml': 'developers:\n<<<<<<< HEAD\n' }, /^roster\.yml line 2: a conflict marker/],
  ])('there: %s', async (_, files, message) => {
    for (const [file, contents] of Object.entries(files)) put(file, contents);
    const said = await refusal(RunError, () => run({ given: { projectName: 'acme' } }));
    expect(said).toMatch(message);
    expect(said).not.toContain('\n');
    nothingWritten();
  });
  test('there: a folder that leads outside', async () => {
    const outside = mkdtempSync(path.join(tmpdir(), 'dbt-envs-outside-'));
    symlinkSync(outside, at('macros'));
    expect(await refusal(RunError, () => first())).toMatch(/^macros\/dbt_envs\/\S+ leads outside of/);
    expect(readdirSync(outside)).toEqual([]);
    rmSync(outside, { recursive: true });
  });
});

test('the day of a run changes nothing in its plan', async () => {
  await first({ command: ['grants'], given: { ...GIVEN, warehouse: 'postgres' }, today: '2026-05-01' });
  put('roster.yml', text('roster.yml').replace('login: sam\n', 'login: sam\n    left: 2026-05-01\n'));
  const [then, later] = ['2026-05-01', '2031-12-31'].map((today) => decisionOf({ today }));
  expect(then?.changes.some(({ path: changed }) => changed === 'grants/leavers/sam.sql')).toBe(true);
  expect({ ...later, apply: undefined }).toEqual({ ...then, apply: undefined });
  expect(() => decisionOf({ today: '2026-04-30' })).toThrow(/"sam" is to leave on 2026-05-01/);
});

describe('the command that repeats the run', () => {
  test('names what is not the default, and gives the same files elsewhere', async () => {
    const given = { projectName: 'acme', team: 'priya, sam=s.jones, kim@acme.com', readers: 'looker, anna:reviews', prodSchemas: 'gold, silver' };
    await first({ given });
    expect(decisionOf({ given }).repeat).toBe(
      'npx generator-dbt-envs profiles --yes --project-name acme --team "priya, sam=s.jones, kim@acme.com" --readers "looker, anna:reviews" --prod-schemas "gold, silver"',
    );
  });
  test('keeps an address that says more than the slug does, and takes no other team for the same', async () => {
    const given = { projectName: 'acme', team: 'Bo Li <bo@acme.com>, kim@acme.com, eve' };
    await first({ given });
    expect(decisionOf({ given }).repeat).toContain(' --team "bo_li <bo@acme.com>, kim@acme.com, eve"');
    expect(parseTeam('bo_li <bo@acme.com>, kim@acme.com, eve')).toEqual(parseTeam(given.team));
    expect(decisionOf({ given: { ...given, team: 'bo_li, kim@acme.com, eve' } }).repeat).toContain('bo_li <bo@acme.com>');
    expect(() => decisionOf({ given: { ...given, team: 'bo_li, kim' } })).toThrow(/^--team differs from roster\.yml/);
    expect(() => decisionOf({ given: { ...given, team: 'bo_li <bo@corp.com>, kim@acme.com, eve' } })).toThrow(/^--team differs from roster\.yml/);
    expect(() => decisionOf({ given: { ...given, team: 'bo_li, kim@acme.com, eve <eve@acme.com>' } })).toThrow(/^--team differs from roster\.yml/);
  });
  test('is safe to paste: what a shell would read otherwise is no answer', () =>
    expect(() => decisionOf({ given: { projectName: 'acme', team: 'a$(id)`x`@acme.com' } })).toThrow(/is no e-mail address/));
});

describe('git', () => {
  const git = (...given: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'init.defaultBranch=main', ...given], {
      cwd: folder,
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const commit = (message: string): void => {
    git('add', '-A');
    git('commit', '-qm', message);
  };

  test('two branches that both ran merge without a conflict in the record, and the next run settles', async () => {
    git('init', '-q');
    put('.gitattributes', '.dbt-envs.lock merge=union\n');
    await first();
    commit('start');
    git('checkout', '-qb', 'a');
    await run({ given: { prodSchemas: 'analytics, marts' } });
    commit('a');
    git('checkout', '-q', 'main');
    await run({ command: ['roster'], rosterEdit: { add: 'eve', today: '2026-05-01' } });
    commit('b');
    git('merge', '-q', '-X', 'ours', 'a');
    const hashes = text('.dbt-envs.lock').match(/^\S+ macros\/dbt_envs\/answers\.sql$/gm);
    expect(hashes).toHaveLength(2);
    const decision = decisionOf();
    expect(decision.changes.filter(({ kind }) => kind === 'conflict')).toEqual([]);
    await decision.apply(() => 'keep');
    for (const answer of ['marts', 'eve']) expect(text('macros/dbt_envs/answers.sql')).toContain(answer);
    expect(drift(decisionOf().changes)).toBe(false);
    const recorded = text('.dbt-envs.lock').match(/(?<= ).+$/gm) ?? [];
    expect(new Set(recorded).size).toBe(recorded.length);
  });

  test('in a project below the root, CI files go to the root and everything else stays below', async () => {
    git('init', '-q');
    mkdirSync(at('data/dbt'), { recursive: true });
    const outer = decisionOf({ cwd: at('data/dbt'), given: GIVEN, command: ['app'] }).warnings.filter((warning) => warning.includes('git init'));
    expect(outer).toHaveLength(1);
    await run({ cwd: at('data/dbt'), given: GIVEN, command: ['app'] });
    expect(decisionOf({ cwd: at('data/dbt'), command: [] }).warnings.filter((warning) => warning.includes('git init'))).toEqual([]);
    const roots = new Set(tree().map((file) => (file.startsWith('data/dbt/') ? 'data/dbt' : file.split('/')[0])));
    expect(roots).toContain('data/dbt');
    expect([...roots].every((one) => one === 'data/dbt' || one?.startsWith('.'))).toBe(true);
    expect(look(invoked({ cwd: at('data/dbt') })).root).toBe(at('data/dbt'));
    expect((await run({ cwd: at('data/dbt'), command: [] })).updated).toEqual([]);
  });
});
