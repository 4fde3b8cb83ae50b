import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { decide, drift, explain, type Invocation, look, RunError, UsageError } from '../../src/run.ts';

let folder = '';
beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'dbt-envs-adopt-')));
  for (const file of ['dbt_project.yml', 'profiles.yml']) put(file, readFileSync(new URL(`fixtures/${file}`, import.meta.url), 'utf8'));
  put('.gitignore', '*.log\ntarget/');
  put('models/own.sql', 'select 1\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (file: string, text: string): void => {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
  writeFileSync(path.join(folder, file), text);
};
const text = (file: string): string => readFileSync(path.join(folder, file), 'utf8');
const tree = (): readonly string[] =>
  readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => !statSync(path.join(folder, file)).isDirectory())
    .sort();
const invoked = (more: Partial<Invocation> = {}): Invocation => ({ cwd: folder, command: ['app'], given: {}, force: false, ...more });
const decisionOf = (more: Partial<Invocation> = {}) => decide(invoked(more), look(invoked(more)).known);
const TEAM = { team: 'priya, sam' };
/** Lines that are in the one and not in the other. */
const lost = (before: string, after: string): readonly string[] => before.split('\n').filter((line) => !after.split('\n').includes(line));

describe('a dbt project that was there', () => {
  test('is known by its name, which is not asked for', () => {
    const { known, open } = look(invoked());
    expect(known.projectName).toBe('acme');
    expect(open.map(({ name }) => name)).not.toContain('projectName');
  });
  test('keeps its name: another one is refused', () => expect(() => look(invoked({ given: { projectName: 'other' } }))).toThrow(UsageError));

  test('keeps every byte that we did not have to change', async () => {
    const before = { project: text('dbt_project.yml'), profiles: text('profiles.yml') };
    const summary = await decisionOf({ given: TEAM }).apply(() => 'keep');
    expect(lost(before.project, text('dbt_project.yml'))).toEqual([]);
    expect(text('dbt_project.yml')).toContain('  - "{{ dbt_envs_check_isolation() }}"\n');
    expect(lost(before.profiles, text('profiles.yml'))).toEqual([]);
    expect(Object.keys(parse(text('profiles.yml'), { merge: true }).acme.outputs)).toEqual(
      expect.arrayContaining(['dev', 'ci', 'prod', 'prod_big', 'sandbox']),
    );
    expect(text('.gitignore')).toMatch(/^\*\.log\ntarget\/\n\n# .*\n(?:.+\n)*\.env\n/);
    expect(summary.conflicts).toEqual(['profiles.yml#acme.target', 'profiles.yml#acme.outputs.prod']);
  });
  test('gets no example, no README and no second dbt_project.yml', async () => {
    const { created } = await decisionOf({ given: TEAM }).apply(() => 'keep');
    expect(created.filter((file) => /^(?:models|seeds|snapshots|tests)\/|^README\.md$|^dbt_project\.yml$|^profiles\.yml$/.test(file))).toEqual([]);
    expect(created).toContain('macros/dbt_envs/generate_schema_name.sql');
  });
  test('is not touched by the second run', async () => {
    await decisionOf({ given: TEAM }).apply(() => 'keep');
    for (const file of tree()) utimesSync(path.join(folder, file), new Date(0), new Date(0));
    const decision = decisionOf();
    expect(drift(decision.changes)).toBe(false);
    const { created, updated, removed, conflicts } = await decision.apply(() => 'take');
    expect([created, updated, removed, conflicts]).toEqual([[], [], [], []]);
    for (const file of tree()) expect([file, statSync(path.join(folder, file)).mtimeMs]).toEqual([file, 0]);
  });
  test('is still adopted where the record or the answers are lost', async () => {
    await decisionOf({ given: TEAM }).apply(() => 'keep');
    rmSync(path.join(folder, '.dbt-envs.lock'));
    expect(decisionOf().changes.filter(({ kind }) => kind === 'created')).toEqual([]);
    rmSync(path.join(folder, '.yo-rc.json'));
    expect(existsSync(path.join(folder, 'README.md'))).toBe(false);
    expect(decisionOf().changes.flatMap((change) => (change.kind === 'created' ? [change.path] : []))).toEqual(['.yo-rc.json']);
  });
  test('takes our production target only where that is chosen, and one that others use as an anchor not at all', async () => {
    const refused = decisionOf({ given: TEAM });
    const conflict = refused.changes.find((change) => change.path === 'profiles.yml#acme.outputs.prod');
    expect(conflict).toMatchObject({ kind: 'conflict', cannot: expect.stringContaining('carries the anchor &acme_prod') });
    expect(refused.warnings.join('\n')).toContain('profiles.yml cannot be edited safely');
    await expect(refused.apply(() => 'take')).rejects.toThrow(RunError);
    expect(existsSync(path.join(folder, '.dbt-envs.lock'))).toBe(false);
    put('profiles.yml', 'acme:\n  target: prod\n  outputs:\n    prod: {type: duckdb, path: old.duckdb}  # shared\n');
    await decisionOf({ given: TEAM }).apply(() => 'take');
    expect(parse(text('profiles.yml')).acme).toMatchObject({ target: 'dev', outputs: { dev: {}, ci: {}, prod: {} } });
    expect(text('profiles.yml')).not.toContain('old.duckdb');
  });
  test('without a profiles.yml of its own gets ours', async () => {
    rmSync(path.join(folder, 'profiles.yml'));
    const { created, conflicts } = await decisionOf({ given: TEAM }).apply(() => 'keep');
    expect(created).toContain('profiles.yml');
    expect(conflicts).toEqual([]);
    expect(Object.keys(parse(text('profiles.yml')).acme.outputs)).toEqual(['dev', 'ci', 'prod']);
  });
  test('keeps CRLF', async () => {
    for (const file of ['dbt_project.yml', 'profiles.yml']) put(file, text(file).replaceAll('\n', '\r\n'));
    await decisionOf({ given: TEAM }).apply(() => 'keep');
    for (const file of ['dbt_project.yml', 'profiles.yml']) expect(text(file)).not.toMatch(/[^\r]\n/);
  });
  test('whose dbt_project.yml was deleted afterwards is not taken for a new one', async () => {
    await decisionOf({ given: TEAM }).apply(() => 'keep');
    rmSync(path.join(folder, 'dbt_project.yml'));
    expect(() => look(invoked())).toThrow(/^dbt_project\.yml is not in .* Restore it; nothing was written\.$/);
  });
  test.each([
    ['no YAML', 'name: [\n', /^dbt_project\.yml cannot be read: /],
    ['no name', 'version: 1\n', /^dbt_project\.yml has no name\. /],
    ['a computed profile', 'name: a\nprofile: "{{ env_var(\'X\') }}"\n', /^dbt_project\.yml has the profile .*, which is no plain name/],
    ['several documents', 'name: a\n---\nname: b\n', /is not one YAML document/],
  ])('with %s is refused', (_, project, message) => {
    put('dbt_project.yml', project);
    expect(() => look(invoked())).toThrow(message);
    expect(() => look(invoked())).toThrow(RunError);
  });
});

describe('places of one profiles.yml that all differ', () => {
  const POSTGRES = { ...TEAM, warehouse: 'postgres' };
  const MINE = 'shop:\n  target: prod\n  outputs:\n    dev: {type: postgres, schema: a}\n    ci: {type: postgres, schema: b}\n';
  const shop = (profiles: string): void => {
    put('dbt_project.yml', 'name: shop\nprofile: shop\n');
    put('profiles.yml', profiles);
  };

  test('and are all to be written beside yours, are in one file: what the whole would be, had ours been taken', async () => {
    shop(MINE);
    const summary = await decisionOf({ given: POSTGRES }).apply(() => 'new');
    const beside = text('profiles.yml.new');
    expect(summary.conflicts).toEqual(['profiles.yml#shop.target', 'profiles.yml#shop.outputs.dev', 'profiles.yml#shop.outputs.ci']);
    expect(summary.created.filter((file) => file.endsWith('.new'))).toEqual(['profiles.yml.new']);
    expect(parse(text('profiles.yml')).shop).toMatchObject({ target: 'prod', outputs: { dev: { schema: 'a' }, ci: { schema: 'b' } } });
    for (const file of tree()) rmSync(path.join(folder, file));
    shop(MINE);
    await decisionOf({ given: POSTGRES }).apply(() => 'take');
    expect(beside).toBe(text('profiles.yml'));
  });
  test('and are answered differently, have beside yours what was not kept', async () => {
    shop(MINE);
    await decisionOf({ given: POSTGRES }).apply(({ path }) => (path.endsWith('.ci') ? 'keep' : path.endsWith('.dev') ? 'take' : 'new'));
    expect(parse(text('profiles.yml')).shop).toMatchObject({ target: 'prod', outputs: { dev: { threads: 4 }, ci: { schema: 'b' } } });
    expect(parse(text('profiles.yml.new')).shop).toMatchObject({ target: 'dev', outputs: { dev: { threads: 4 }, ci: { schema: 'b' }, prod: {} } });
  });
  test.each([
    ['which has its last line end', MINE],
    ['which has none', MINE.trimEnd()],
    ['with CRLF', MINE.replaceAll('\n', '\r\n')],
  ])('and of which one cannot be put in, have that one below the text, %s', async (_, mine) => {
    shop(mine.replace('dev: {', 'dev: &own {'));
    await decisionOf({ given: POSTGRES }).apply(() => 'new');
    const beside = text('profiles.yml.new');
    expect(parse(beside).shop).toMatchObject({ target: 'dev', outputs: { dev: { schema: 'a' }, ci: { threads: 8 } } });
    const below = beside.slice(beside.indexOf('# Not in the text above')).split(/\r?\n/).slice(1);
    expect(parse(below.map((line) => line.replace(/^# /, '')).join('\n')).shop.outputs.dev).toMatchObject({ threads: 4 });
    expect(/[^\r]\n/.test(beside)).toBe(!mine.includes('\r'));
  });

  describe('where it cannot be edited at all', () => {
    beforeEach(() => shop('shop:\n{% if true %}\n  target: prod\n{% endif %}\n'));
    test('it is one conflict and one warning, which has all that is to be put in', () => {
      const { changes, warnings } = decisionOf({ given: POSTGRES });
      const conflicts = changes.flatMap((change) => (change.kind === 'conflict' ? [change] : []));
      expect(conflicts).toMatchObject([{ path: 'profiles.yml', cannot: expect.stringMatching(/^profiles\.yml cannot be edited safely/) }]);
      expect(warnings.filter((warning) => warning.includes('cannot be edited safely'))).toHaveLength(1);
      expect(Object.keys(parse(conflicts[0]?.theirs ?? '').shop.outputs)).toEqual(['dev', 'ci', 'prod']);
      expect(parse(conflicts[0]?.theirs ?? '').shop.target).toBe('dev');
    });
    test('it is asked about once, and beside it stands what is to be put in', async () => {
      const summary = await decisionOf({ given: POSTGRES }).apply(() => 'new');
      expect(summary.conflicts).toEqual(['profiles.yml']);
      expect(Object.keys(parse(text('profiles.yml.new')).shop.outputs)).toEqual(['dev', 'ci', 'prod']);
      expect(drift(decisionOf().changes)).toBe(false);
      expect(explain(invoked({ command: [] }), 'profiles.yml')[0]?.edits.map(({ state }) => state)).toEqual(['edited', 'edited', 'edited', 'edited']);
    });
    test('every place of it is explained', async () => {
      await decisionOf({ given: { ...POSTGRES } }).apply(() => 'keep');
      rmSync(path.join(folder, '.dbt-envs.lock'));
      expect(explain(invoked({ command: [] }), 'profiles.yml')[0]?.edits).toEqual(
        ['target', 'outputs.dev', 'outputs.ci', 'outputs.prod'].map((place) => ({ place: `shop.${place}`, state: 'in conflict' })),
      );
    });
    test('it is not taken', async () => await expect(decisionOf({ given: POSTGRES, force: true }).apply(() => 'take')).rejects.toThrow(/by hand/));
  });
});

test('a macro of yours that has the name of one of ours is a warning: dbt refuses two', async () => {
  put('macros/schemas.sql', '{#- {% macro generate_alias_name() %} -#}\n{% macro generate_schema_name(custom, node) -%}x{%- endmacro %}\n');
  put('vendor/macros/own.sql', '{% macro own() %}{% endmacro %}\n');
  const { warnings } = decisionOf({ given: TEAM });
  expect(warnings.filter((warning) => warning.includes('two macros'))).toEqual([
    expect.stringMatching(/^macros\/schemas\.sql defines generate_schema_name, and so does macros\/dbt_envs\/generate_schema_name\.sql: dbt refuses/),
  ]);
  await decisionOf({ given: TEAM }).apply(() => 'keep');
  expect(decisionOf().warnings.filter((warning) => warning.includes('two macros'))).toHaveLength(1);
});

describe('the sweep alone, beside workflows of its own', () => {
  const steps = (...command: Invocation['command']) => decisionOf({ command, given: { ...TEAM, warehouse: 'postgres', mainBranch: 'trunk' } }).nextSteps;
  const at = (all: readonly string[], text: string): number => all.findIndex((step) => step.includes(text));
  test('says what comes along', () =>
    expect(decisionOf({ command: ['cleanup'], given: TEAM }).about).toMatchObject({ parts: ['cleanup'], brought: ['roster', 'profiles', 'grants'] }));
  test('says what its own deploy needs from then on, then what prepares the sweep, then how it is tried', () => {
    const all = steps('cleanup');
    const order = ['10_roles', 'DBT_ENVS_RUNNER to merge, schedule or manual', 'setup.py', 'Merge this to trunk'].map((text) => at(all, text));
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(order).not.toContain(-1);
    expect(all[at(all, 'setup.py')]).toContain('where DBT_PG_HOST=localhost');
  });
  test('where our workflows deploy, they set it', () => {
    expect(at(steps('ci'), 'DBT_ENVS_RUNNER')).toBe(-1);
    expect(at(steps('app'), 'DBT_ENVS_RUNNER')).toBe(-1);
  });
  test('names no document that only the whole project brings', async () => {
    await decisionOf({ command: ['cleanup'], given: { ...TEAM, warehouse: 'postgres' } }).apply(() => 'keep');
    const naming = () => tree().filter((file) => file !== '.dbt-envs.lock' && /docs\/(?:runbook|environments)\.md/.test(text(file)));
    expect(naming()).toEqual([]);
    put('grants/README.md', 'See docs/runbook.md.\n');
    expect(naming()).toEqual(['grants/README.md']);
  });
});

test('files for a dbt project where there is none are a warning', () => {
  rmSync(path.join(folder, 'dbt_project.yml'));
  const warned = (command: Invocation['command']) =>
    decisionOf({ command, given: TEAM }).warnings.filter((warning) => warning.startsWith('There is no dbt_project.yml'));
  expect(warned(['cleanup'])).toHaveLength(1);
  expect(warned(['app'])).toEqual([]);
  expect(warned(['roster'])).toEqual([]);
});

describe('where the project is', () => {
  test('an installed package below it is no project', () => {
    put('dbt_packages/utils/dbt_project.yml', 'name: utils\n');
    expect(look(invoked({ cwd: path.join(folder, 'dbt_packages', 'utils') })).root).toBe(folder);
  });
  test('no project above the git repository is meant', () => {
    mkdirSync(path.join(folder, 'repo', '.git'), { recursive: true });
    expect(look(invoked({ cwd: path.join(folder, 'repo') })).root).toBe(path.join(folder, 'repo'));
  });
  test('a .yo-rc.json of another generator marks no project', () => {
    const below = path.join(folder, 'web');
    mkdirSync(below);
    writeFileSync(path.join(below, '.yo-rc.json'), '{"generator-node": {}}');
    expect(look(invoked({ cwd: below })).root).toBe(folder);
  });
  test('--project-dir says where, also where nothing is yet', () =>
    expect(look(invoked({ projectDir: 'new/dbt' })).root).toBe(path.join(folder, 'new', 'dbt')));
  test('a folder whose name CI files cannot carry is refused', () => {
    mkdirSync(path.join(folder, '.git'));
    expect(() => look(invoked({ projectDir: 'my $(project)' }))).toThrow(/^The project's folder "my \$\(project\)" has characters that CI files cannot carry/);
  });
});

test('an interrupted first run is no adopted project: its own dbt_project.yml is taken for what it is', async () => {
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  await decisionOf({ given: { ...TEAM, projectName: 'acme' } }).apply(() => 'keep');
  const whole = tree();
  for (const file of ['.dbt-envs.lock', 'README.md', 'profiles.yml']) rmSync(path.join(folder, file));
  const { conflicts, created } = await decisionOf().apply(() => 'keep');
  expect([conflicts, created]).toEqual([[], expect.arrayContaining(['README.md', 'profiles.yml'])]);
  expect(tree()).toEqual(whole);
});
