import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pythonEnvironment } from '../support/python.ts';
import { scaffold } from '../support/scaffold.ts';

/**
 * Three nights of the sweep as CI runs it: the emitted sweep.py, real dbt with its real BigQuery adapter, and tables that stand for
 * INFORMATION_SCHEMA in the place of Google (test/support/bigquery_recorder.py). What is dropped and emptied is gone from them.
 */
const DAY = 86_400_000;
const at = (days: number): string => new Date(Date.now() - days * DAY).toISOString();
const support = (file: string): string => fileURLToPath(new URL(`../support/${file}`, import.meta.url));
const labels = (more = '', mark = 'acme'): string => `[STRUCT("managed_by", "dbt_envs"), STRUCT("dbt_envs_project", "${mark}")${more}]`;

type Catalog = Record<'SCHEMATA' | 'SCHEMATA_OPTIONS' | 'TABLES' | 'TABLE_OPTIONS' | 'TABLE_STORAGE', Record<string, unknown>[]>;
/** Datasets with a table each, last written so many days ago. */
function catalogOf(found: Readonly<Record<string, readonly [days: number, labels: string]>>): Catalog {
  const names = Object.entries(found);
  return {
    SCHEMATA: names.map(([schema_name, [days]]) => ({ schema_name, creation_time: at(days + 1) })),
    SCHEMATA_OPTIONS: names.map(([schema_name, [, option_value]]) => ({ schema_name, option_name: 'labels', option_value })),
    TABLES: names.map(([table_schema, [days]]) => ({ table_schema, table_name: 'orders', creation_time: at(days) })),
    TABLE_OPTIONS: [],
    TABLE_STORAGE: names.map(([table_schema, [days]]) => ({
      table_schema,
      table_name: 'orders',
      total_logical_bytes: 1000,
      storage_last_modified_time: at(days),
      deleted: false,
    })),
  };
}

let project: string;
let env: Record<string, string>;
let program: string;
let first: string;
const world = (): { catalog: { projects: Record<'acme-dev' | 'acme-ci', Catalog> } } => JSON.parse(readFileSync(path.join(project, 'world.json'), 'utf8'));
const names = (where: 'acme-dev' | 'acme-ci'): readonly unknown[] => world().catalog.projects[where].SCHEMATA.map(({ schema_name }) => schema_name);
const sent = (): readonly string[] =>
  readFileSync(path.join(project, 'all.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => JSON.parse(line).statements);

interface Night {
  readonly code: number | null;
  readonly log: string;
  readonly done: Readonly<Record<string, string | null>>;
}
function night(given: Readonly<Record<string, string>> = {}): Night {
  const run = spawnSync(program, ['scripts/dbt_envs/sweep.py'], { cwd: project, encoding: 'utf8', env: { ...env, ...given } });
  const swept: { schemas?: readonly { schema: string; done: string | null }[] } = JSON.parse(
    readFileSync(path.join(project, 'target/dbt_envs/sweep.json'), 'utf8'),
  );
  return { code: run.status, log: run.stdout + run.stderr, done: Object.fromEntries((swept.schemas ?? []).map(({ schema, done }) => [schema, done])) };
}

beforeAll(async () => {
  project = scaffold({ warehouse: 'bigquery', ci: 'github', emailDomain: 'example.com', database: 'acme-prod', prDays: '7', devDays: '30' });
  const [duckdb, bigquery, tools] = await Promise.all([pythonEnvironment('duckdb'), pythonEnvironment('bigquery'), pythonEnvironment('tools')]);
  program = tools.python;
  const projects = {
    'acme-dev': catalogOf({
      dev_priya: [40, labels()],
      dev_sam: [3, labels()],
      dev_gone: [90, labels()],
      dev_other: [400, labels('', 'shop')],
      device_events: [400, labels()],
    }),
    'acme-ci': catalogOf({
      pr_141: [20, labels()],
      pr_142: [20, labels()],
      pr_143: [20, labels()],
      pr_144: [20, labels()],
      pr_145: [20, labels(', STRUCT("keep_until", "2999-01-01")')],
      pr_1420: [20, labels()],
      pr_0142: [20, labels()],
      product: [400, labels()],
    }),
  };
  first = JSON.stringify({
    datasets: {},
    answers: [
      ['^select session_user', ['f0_'], [['acme-janitor@acme-ci.iam.gserviceaccount.com']]],
      ['^select format_timestamp', ['f0_'], [[new Date().toISOString().replace('Z', '000Z')]]],
      ['^select coalesce\\(safe_cast', ['f0_'], [[true]]],
    ],
    catalog: { python: duckdb.python, script: support('bigquery_listing.py'), projects },
  });
  writeFileSync(path.join(project, 'world.json'), first);
  mkdirSync(path.join(project, 'bin'));
  const recorder = [
    'import sys',
    `sys.path.insert(0, ${JSON.stringify(support('.'))})`,
    'import bigquery_recorder',
    'from dbt.cli.main import cli',
    'bigquery_recorder.run(sys.argv[1:], cli)',
  ].join('\n');
  writeFileSync(path.join(project, 'bin/recorder.py'), recorder);
  writeFileSync(
    path.join(project, 'bin/dbt'),
    `#!/bin/sh\n${bigquery.python} bin/recorder.py record.json world.json "$@"\nstatus=$?\ncat record.json >> all.jsonl && echo >> all.jsonl\nexit $status\n`,
  );
  chmodSync(path.join(project, 'bin/dbt'), 0o755);
  // GitHub says: 142 and 145 were closed long ago, 143 is open, 1420 was closed yesterday, 144 nobody knows, 141 was closed long ago.
  const closed = (days: number): object => ({ state: 'closed', closed_at: at(days).replace(/\.\d+Z/, 'Z') });
  const host = { 141: closed(20), 142: closed(20), 143: { state: 'open' }, 145: closed(20), 1420: closed(1) };
  writeFileSync(
    path.join(project, 'scripts/dbt_envs/open_prs.py'),
    `import datetime, json\nprint(json.dumps({"asked_at": datetime.datetime.now(datetime.timezone.utc).isoformat(), "pulls": json.loads(${JSON.stringify(JSON.stringify(host))})}))\n`,
  );
  env = { PATH: `${path.join(project, 'bin')}:/usr/bin:/bin`, DBT_SEND_ANONYMOUS_USAGE_STATS: 'false', HOME: project };
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

test('a pin, then what is due goes and nothing else, and the list after it says so', () => {
  const { code, log, done } = night({ DBT_ENVS_KEEP: `pr_141 ${at(-20).slice(0, 10)}` });
  expect(code, log).toBe(0);
  expect(done).toMatchObject({ dev_priya: 'emptied', dev_gone: 'dropped', pr_142: 'dropped', pr_145: 'dropped' });
  expect(names('acme-dev')).toEqual(['dev_priya', 'dev_sam', 'dev_other', 'device_events']);
  expect(names('acme-ci')).toEqual(expect.arrayContaining(['pr_141', 'pr_143', 'pr_1420', 'pr_0142', 'product']));
  expect(names('acme-ci')).not.toContain('pr_142');
  // A label of 2999 keeps nothing: the code of a pull request can write it.
  expect(names('acme-ci')).not.toContain('pr_145');
  expect(world().catalog.projects['acme-dev'].TABLES.map(({ table_schema }) => table_schema)).not.toContain('dev_priya');
  expect(sent().filter((sql) => /^\s*begin\s+drop schema/.test(sql))).toHaveLength(Object.values(done).filter((how) => how === 'dropped').length);
}, 300_000);

test('the next night finds nothing to do', () => {
  const before = world().catalog;
  const { code, log, done } = night();
  expect(code, log).toBe(0);
  expect(Object.values(done).filter((how) => how !== null)).toEqual([]);
  expect(world().catalog).toEqual(before);
}, 300_000);

test('without the pin it goes in the next', () => {
  const { code, log, done } = night({ DBT_ENVS_KEEP: 'pr_141 none' });
  expect(code, log).toBe(0);
  expect(done.pr_141).toBe('dropped');
  expect(names('acme-ci')).not.toContain('pr_141');
}, 300_000);

test('a macro that believes every label would be seen: what was to go stays', () => {
  writeFileSync(path.join(project, 'world.json'), first);
  const macro = path.join(project, 'macros/dbt_envs/datasets.sql');
  const sound = readFileSync(macro, 'utf8');
  const planted = sound.replace('<= date_add(current_date(), interval 366 day),', '<= date_add(current_date(), interval 999999 day),');
  expect(planted).not.toBe(sound);
  writeFileSync(macro, planted);
  const { code, log, done } = night();
  expect(code, log).toBe(0);
  expect(done).toMatchObject({ pr_142: 'dropped', pr_145: null });
}, 300_000);
