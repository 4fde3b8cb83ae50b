import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { python } from '../support/dbt.ts';
import { ciTexts } from '../support/pipeline.ts';

let project: string;
beforeEach(() => {
  project = mkdtempSync(path.join(tmpdir(), 'dbt-envs-'));
  for (const folder of ['bin', 'models', 'scripts/dbt_envs']) mkdirSync(path.join(project, folder), { recursive: true });
  for (const [file, text] of Object.entries(ciTexts())) {
    if (/^scripts\/dbt_envs\/(?:dbt_|prod_state|deploy_prod|foreign)/.test(file)) writeFileSync(path.join(project, file), text);
  }
  // Stands for dbt: writes down where it was started and with what, and ends as DBT_ENDS says.
  writeFileSync(
    path.join(project, 'bin/dbt'),
    '#!/bin/sh\n[ "$1" = --version ] && echo "installed: 1.12.6" && exit\npwd -P > called\nfor one in "$@"; do echo "$one" >> called; done\n[ -z "$DBT_LEAVES" ] || echo "{}" > "$DBT_LEAVES"\nexit $DBT_ENDS\n',
  );
  chmodSync(path.join(project, 'bin/dbt'), 0o755);
});

const run = (script: string, args: readonly string[], { from = '', env = {} }: { from?: string; env?: Record<string, string> } = {}) =>
  python(path.join(project, from), [path.join(project, `scripts/dbt_envs/${script}.py`), ...args], {
    env: { PATH: `${path.join(project, 'bin')}:/usr/bin:/bin`, ...env },
    python: 'tools',
  });
const dbtDev = (args: readonly string[], options = {}) => run('dbt_dev', args, options);
const called = () => readFileSync(path.join(project, 'called'), 'utf8').trim().split('\n').slice(1);
const manifest = (hoursAgo: number, { folder = 'state', dbt_version = '1.12.1' } = {}) => {
  mkdirSync(path.join(project, folder), { recursive: true });
  const generated_at = new Date(Date.now() - hoursAgo * 3_600_000).toISOString().replace('Z', '123Z');
  writeFileSync(path.join(project, folder, 'manifest.json'), JSON.stringify({ metadata: { generated_at, dbt_version } }));
};
/** Stands for fetch_state.py: does what `script` says, in Python. */
const fetching = (script: string) => writeFileSync(path.join(project, 'scripts/dbt_envs/fetch_state.py'), script);
const SLIM = ['--select', 'state:modified+', '--defer', '--favor-state', '--state', expect.stringMatching(/\/state$/)];

describe('dbt_dev.py build', () => {
  test('without a state builds everything, and says so loudly', async () => {
    const { code, output } = await dbtDev(['build']);
    expect(code).toBe(0);
    expect(output).toContain('NO STATE: no deploy has published a state of production yet, so EVERYTHING is built in your schema.');
    expect(called()).toEqual(['build', '--target', 'dev']);
  });

  test.each([
    [0.2, 'less than an hour ago'],
    [5, '5 hours ago'],
    [24 * 9, '9 days ago'],
  ])('with a state of %d hours ago says its age and builds what changed', async (hours, age) => {
    manifest(hours);
    const { output } = await dbtDev(['build']);
    expect(output).toContain(`production as of ${age}`);
    expect(called()).toEqual(['build', '--target', 'dev', ...SLIM]);
  });

  test('fetches the newest state first, and says how old it is', async () => {
    fetching(`import json, pathlib, datetime
pathlib.Path("state").mkdir()
now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
pathlib.Path("state/manifest.json").write_text(json.dumps({"metadata": {"generated_at": now, "dbt_version": "1.12.6"}}))
pathlib.Path("state/state.json").write_text(json.dumps({"commit": "0123456789"}))
print("fetched")
`);
    const { output } = await dbtDev(['build']);
    expect(output).toContain('dbt_dev: production as of less than an hour ago, commit 0123456');
    expect(called()).toEqual(['build', '--target', 'dev', ...SLIM]);
  });
  test('where the newest cannot be fetched, takes the one that is here, and says so', async () => {
    fetching('raise SystemExit("fetch_state: no login")');
    manifest(5);
    const { output } = await dbtDev(['build']);
    expect(output).toContain('fetch_state: no login');
    expect(output).toContain('dbt_dev: NOT FETCHED: the state that is here is used; it may be old.');
    expect(output).toContain('dbt_dev: production as of 5 hours ago');
    expect(called()).toEqual(['build', '--target', 'dev', ...SLIM]);
  });
  test('where none can be fetched and none is here, stops: it does not quietly build everything', async () => {
    fetching('raise SystemExit("fetch_state: no login")');
    const { code, output } = await dbtDev(['build']);
    expect([code, output.includes('build everything with --all')]).toEqual([1, true]);
    expect(called).toThrow();
  });
  test('with --all builds everything and fetches nothing', async () => {
    fetching('raise SystemExit("fetched")');
    manifest(1);
    const { output } = await dbtDev(['build', '--all', '--select', 'fct_revenue']);
    expect([called(), output.includes('fetched')]).toEqual([['build', '--target', 'dev', '--select', 'fct_revenue'], false]);
    expect((await dbtDev(['build', '--all', '--state', 'x'])).output).toContain('give one of the two');
  });
  test('where none has been published, says what fetch_state found', async () => {
    fetching(
      'import pathlib\npathlib.Path("state").mkdir()\npathlib.Path("state/fetched.json").write_text(\'{"kind": "expired", "why": "The newest has expired."}\')\n',
    );
    const { output } = await dbtDev(['build']);
    expect(output).toContain('NO STATE: The newest has expired, so EVERYTHING is built in your schema.');
  });
  test('a state that another version of dbt made is not compared with: everything is built, and why is said', async () => {
    manifest(1, { dbt_version: '1.11.4' });
    const { output } = await dbtDev(['build']);
    expect(output).toContain('NO STATE: production was built by dbt 1.11.4, and this is dbt 1.12.6: what differs cannot be told, so EVERYTHING');
    expect(called()).toEqual(['build', '--target', 'dev']);
  });

  test('takes another state folder, another selection, and hands every other option to dbt', async () => {
    manifest(1, { folder: 'from_ci' });
    await dbtDev(['build', '--state', 'from_ci', '--select', 'fct_revenue+', 'tag:x', '--full-refresh', '--vars', '{"a b": 1}']);
    expect(called()).toEqual([
      ...['build', '--target', 'dev', '--select', 'fct_revenue+', 'tag:x', '--defer', '--favor-state', '--state', expect.stringMatching(/\/from_ci$/)],
      ...['--full-refresh', '--vars', '{"a b": 1}'],
    ]);
  });

  test('runs dbt in the project, wherever it is started, and ends as dbt ends', async () => {
    const { code } = await dbtDev(['build'], { from: 'models', env: { DBT_ENDS: '2', DBT_TARGET: 'prod' } });
    expect(code).toBe(2);
    expect(called().slice(0, 3)).toEqual(['build', '--target', 'dev']);
  });

  test.each([[['--target', 'prod']], [['--target=ci']], [['-t', 'prod']], [['-tprod']]])('refuses %j: nothing but dev is built from here', async (args) => {
    const { code, output } = await dbtDev(['build', ...args]);
    expect([code, output.includes('only dev is built from here')]).toEqual([1, true]);
    expect(called).toThrow();
  });

  test.each([
    ['no JSON', 'half a mani'],
    ['another shape', '{"metadata": []}'],
    ['no date', '{"metadata": {"generated_at": "yesterday"}}'],
  ])('with a state that is broken (%s) stops: it does not quietly build everything', async (_, text) => {
    manifest(1);
    writeFileSync(path.join(project, 'state/manifest.json'), text);
    const { code, output } = await dbtDev(['build']);
    expect([code, output.includes("is no manifest of dbt's")]).toEqual([1, true]);
    expect(called).toThrow();
  });

  test("refuses dbt's own folder as a state", async () => {
    manifest(1, { folder: 'target' });
    expect((await dbtDev(['build', '--state', 'target'])).output).toContain('target is no folder for a state: dbt overwrites it while it builds.');
  });

  test('says how to install dbt where there is none', async () => {
    rmSync(path.join(project, 'bin/dbt'));
    const { code, output } = await dbtDev(['build']);
    expect([code, output.endsWith('dbt_dev: dbt is not installed here. Run: pip install -r requirements.txt\n')]).toEqual([1, true]);
  });
});

describe('deploy_prod.py', () => {
  const deploy = (env: Record<string, string>) => run('deploy_prod', [], { env });
  beforeEach(() => {
    for (const args of [
      ['init', '-q'],
      ['add', '-A'],
      ['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-qm', 'x'],
    ])
      execFileSync('git', args, { cwd: project });
  });
  const commit = () => execFileSync('git', ['rev-parse', 'HEAD'], { cwd: project, encoding: 'utf8' }).trim();
  const BUILD = { which: 'build', target: 'prod' };
  const failed = (facts: object, args: unknown = BUILD) => {
    mkdirSync(path.join(project, 'retry'));
    writeFileSync(path.join(project, 'retry/run_results.json'), JSON.stringify({ args }));
    writeFileSync(path.join(project, 'retry/state.json'), JSON.stringify(facts));
  };
  const dbtLeaves = (file: string) => {
    mkdirSync(path.join(project, 'target'), { recursive: true });
    writeFileSync(path.join(project, 'target', file), '{}');
  };

  test('without a word builds everything, and leaves the state of it to be published', async () => {
    dbtLeaves('manifest.json');
    const { code, output } = await deploy({ DBT_ENVS_SELECT: '', DBT_ENVS_FULL_REFRESH: '', DBT_ENVS_RETRY: 'false' });
    expect(code, output).toBe(0);
    expect(called()).toEqual(['build', '--target', 'prod']);
    expect(JSON.parse(readFileSync(path.join(project, 'target/dbt_envs/state/state.json'), 'utf8'))).toEqual({
      commit: commit(),
      built_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/),
      dbt_version: '1.12.6',
    });
  });
  test('a selection is passed word for word, and publishes nothing', async () => {
    dbtLeaves('manifest.json');
    const { code, output } = await deploy({
      DBT_ENVS_SELECT: ' fct_revenue+  2+tag:daily,config.materialized:table path:models/marts/*',
      DBT_ENVS_FULL_REFRESH: 'true',
    });
    expect(code, output).toBe(0);
    expect(called()).toEqual([
      'build',
      '--target',
      'prod',
      '--select',
      'fct_revenue+',
      '2+tag:daily,config.materialized:table',
      'path:models/marts/*',
      '--full-refresh',
    ]);
    expect(existsSync(path.join(project, 'target/dbt_envs/state'))).toBe(false);
  });
  test.each([
    [{ DBT_ENVS_SELECT: '--target=dev' }, "'--target=dev' is nothing that dbt selects"],
    [{ DBT_ENVS_SELECT: 'fct_revenue -s x' }, "'-s' is nothing that dbt selects"],
    [{ DBT_ENVS_SELECT: '$(touch called)' }, 'is nothing that dbt selects'],
    [{ DBT_ENVS_SELECT: 'a;b' }, 'is nothing that dbt selects'],
    [{ DBT_ENVS_FULL_REFRESH: 'yes' }, "DBT_ENVS_FULL_REFRESH is 'yes': give true or false."],
    [{ DBT_ENVS_FULL_REFRESH: 'true' }, 'a full refresh of everything is not meant by accident'],
    [{ DBT_ENVS_RETRY: 'true', DBT_ENVS_SELECT: 'a' }, 'leave the selection and the full refresh out'],
    [{ DBT_ENVS_RETRY: 'true' }, 'the last deploy left nothing to retry'],
  ])('refuses %j', async (env, said) => {
    const { code, output } = await deploy(env);
    expect([code, output.includes(said)], output).toEqual([1, true]);
    expect(called).toThrow();
  });
  test('a build that failed leaves what a retry needs, and no state', async () => {
    dbtLeaves('manifest.json');
    const { code } = await deploy({ DBT_ENDS: '1', DBT_LEAVES: 'target/run_results.json' });
    expect(code).toBe(1);
    expect(JSON.parse(readFileSync(path.join(project, 'target/dbt_envs/failed/state.json'), 'utf8'))).toEqual({ commit: commit(), whole: true });
    expect(existsSync(path.join(project, 'target/dbt_envs/state'))).toBe(false);
  });
  test.each([
    [true, true],
    [false, false],
  ])('a retry of a deploy whose whole is %s publishes a state: %s', async (whole, publishes) => {
    failed({ commit: commit(), whole });
    dbtLeaves('manifest.json');
    await deploy({ DBT_ENVS_RETRY: 'true' });
    expect(called()).toEqual(['retry', '--target', 'prod', '--state', 'retry']);
    expect(existsSync(path.join(project, 'target/dbt_envs/state'))).toBe(publishes);
  });
  test.each<[string, unknown]>([
    ['any SQL', { which: 'run-operation', target: 'prod', macro: 'run_query', args: '{sql: drop schema analytics cascade}' }],
    ['another target', { which: 'build', target: 'ci' }],
    ['nothing that it says', null],
    ['no arguments', []],
  ])('a retry does what dbt build of production does, and not %s: dbt takes the command from the file', async (_, args) => {
    failed({ commit: commit(), whole: true }, args);
    const { code, output } = await deploy({ DBT_ENVS_RETRY: 'true' });
    expect([code, output]).toEqual([1, expect.stringContaining('what was left to retry is no build of production: deploy everything.')]);
    expect(called).toThrow();
  });
  test('a retry of other code is refused', async () => {
    failed({ commit: '0123456789abcdef', whole: true });
    const { code, output } = await deploy({ DBT_ENVS_RETRY: 'true' });
    expect([code, output.includes(`the deploy that failed built 0123456, and this is ${commit().slice(0, 7)}: deploy everything instead.`)], output).toEqual([
      1,
      true,
    ]);
    expect(called).toThrow();
  });
});

describe("SQL that names an environment's schema by hand", () => {
  const found = async (sql: string, own = 'pr_142', sources = {}) => {
    const nodes = {
      'model.acme.a': { alias: 'a', compiled_code: sql, depends_on: { nodes: ['model.acme.b'] } },
      'model.acme.b': { alias: 'b', config: { materialized: 'ephemeral' }, depends_on: { nodes: ['model.acme.c', 'model.acme.d'] } },
      'model.acme.c': { alias: 'c', config: { materialized: 'view' }, depends_on: { nodes: ['model.acme.e'] } },
      'model.acme.d': { alias: 'Sales Report' },
      'model.acme.e': { alias: 'e' },
    };
    writeFileSync(
      path.join(project, 'manifest.json'),
      JSON.stringify({ nodes, sources, macros: { 'macro.acme.dbt_envs_answers': { macro_sql: "'developers': [\n 'priya',\n 'sam'\n ]," } } }),
    );
    const script = `import json, pathlib, sys\nsys.path.insert(0, "scripts/dbt_envs")\nfrom foreign_schemas import foreign_schemas\nprint(json.dumps(foreign_schemas(pathlib.Path("manifest.json"), "${own}")))`;
    return JSON.parse((await python(project, ['-c', script], { python: 'tools' })).output) as string[];
  };

  test.each([
    ['another pull request', 'select * from pr_12.orders'],
    ['a developer', 'select * from dev_priya.orders'],
    ['quoted, with the database before it', 'select * from "warehouse"."dev_priya"."orders"'],
    ['in upper case', 'select * from PR_12.ORDERS'],
    ['in backticks', 'select * from `pr_12`.`orders`'],
    ['spread over lines', 'select *\nfrom pr_12\n  . orders'],
    ['after a comma', 'select * from a, dev_priya.orders'],
    ['its own schema, but nothing that a ref made', 'select * from pr_142.orders'],
    ['its own schema, and a model that no ref here leads to', 'select * from pr_142.e'],
    ['after a comment that quotes', "-- it's\nselect * from pr_12.orders"],
    ['beside a text with two quotes', "select 'it''s' from pr_12.orders"],
  ])('is found: %s', async (_, sql) =>
    expect(await found(sql)).toEqual([expect.stringMatching(/^model\.acme\.a names (?:pr_12|dev_priya|pr_142)\.(?:orders|e), which is dropped/)]),
  );

  test.each([
    ['what a ref made', 'select * from "pr_142"."b"'],
    ['what a ref in an ephemeral model made', 'with __dbt__cte__b as (select * from "w"."pr_142"."c") select * from __dbt__cte__b'],
    ['a name that only quotes can hold', 'select * from "pr_142"."Sales Report"'],
    ['itself', 'select * from "pr_142"."a" where i > 1'],
    ['a comment', '-- once pr_12.orders\nselect 1 /* dev_priya.orders */'],
    ['a text', "select 'pr_12.orders' as x"],
    ["a table's alias", 'select dev_hours.total from hours as dev_hours'],
    ['an alias without as', 'select pr_1.x from analytics.orders pr_1 where pr_1.y > 0'],
    ['a CTE', 'with dev_x as (select 1 as i) select dev_x.i from dev_x'],
    ['names that merely begin so', 'select * from product.items, pr_x.items, pr_007.items, device_events.clicks, xpr_12.orders'],
    ['a column', 'select a.pr_12 from analytics.a'],
  ])('is not: %s', async (_, sql) => expect(await found(sql)).toEqual([]));

  test("nor is a source whose schema merely begins like a developer's; one of somebody on the roster is", async () => {
    const sources = { 'source.acme.t.a': { schema: 'dev_tools' }, 'source.acme.t.b': { schema: 'dev_sam' } };
    expect(await found('select * from dev_tools.usage', 'pr_142', sources)).toEqual([]);
    expect(await found('select * from dev_sam.usage', 'pr_142', sources)).toHaveLength(1);
    expect(await found('select * from dev_tools.usage')).toHaveLength(1);
  });
});
