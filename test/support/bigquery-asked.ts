import { rmSync } from 'node:fs';
import { INFORMATION_SCHEMA } from './bigquery-catalog.ts';
import { type Answer, type RecordedWorld, recorded } from './bigquery-recorder.ts';
import { refusalsOf } from './bigquery-sql.ts';
import { scalar, startGoogleSql } from './googlesql.ts';
import { scaffold } from './scaffold.ts';

const JSON_COLUMN = ['f0_'];
export const json = (fits: string, ...answers: readonly unknown[]): Answer => [fits, JSON_COLUMN, answers.map((answer) => [JSON.stringify(answer)])];
export const login = (email: string): Answer => ['^select session_user', ['f0_'], [[email]]];
export const JANITOR = login('acme-janitor@acme-ci.iam.gserviceaccount.com');
export const CI_SERVICE = login('acme-ci@acme-ci.iam.gserviceaccount.com');
export const LISTED_AT = '2026-11-27T03:43:00.123456Z';
export const now: Answer = ['^select format_timestamp', ['f0_'], [[LISTED_AT]]];
export const fine: Answer = ["select '' as failed", ['failed'], [['']]];

/** A row of the query of the datasets: ours, unused and not pinned, unless it says otherwise. */
export const dataset = (schema: string, more: object = {}) => ({
  schema,
  mark: 'acme',
  owner: schema.startsWith('dev_') ? schema.slice(4) : null,
  labels: '[STRUCT("managed_by", "dbt_envs"), STRUCT("dbt_envs_project", "acme"), STRUCT("env", "ci")]',
  dev: /^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(schema),
  pr: /^pr_[1-9][0-9]{0,9}$/.test(schema),
  created_at: '2026-10-01T10:00:00.000000Z',
  last_used_at: '2026-10-02T10:00:00.000000Z',
  keep_until: null,
  kept: false,
  used_since: false,
  relations: 3,
  bytes: 1024,
  asked_at: LISTED_AT,
  ...more,
});
export type Dataset = ReturnType<typeof dataset>;
export const one = (found: Dataset): Answer => json(`schema_name = '${found.schema}'`, found);
export const gone = (schema: string): Answer => [`schema_name = '${schema}'`, JSON_COLUMN, []];
export const all = (project: string, ...found: readonly Dataset[]): Answer =>
  json(`from \`${project}\`.\`region-us\`.INFORMATION_SCHEMA.SCHEMATA as s`, ...found);

export const relation = (name: string, kind = 'table') => ({
  name,
  sql: `\`acme-prod\`.\`analytics\`.\`${name}\``,
  kind,
  scan: kind === 'table' ? 0 : null,
  estimate: 10,
  columns: [{ name: 'event_id', type: 'INT64' }],
});
export const relations = (place: string, ...found: readonly ReturnType<typeof relation>[]): Answer =>
  json(`from ${place}.INFORMATION_SCHEMA.TABLES as t`, ...found);
export const PROD = relations(
  '`acme-prod`.analytics',
  relation('fct_events'),
  relation('orders_snapshot'),
  relation('fct_revenue'),
  relation('old_view', 'view'),
);

/** What every dbt asks. */
const COMMON: readonly Answer[] = [
  ['as failures', ['failures', 'should_warn', 'should_error'], [[0, false, false]]],
  ['actual_or_expected', ['actual_or_expected'], []],
  // Of every table, what any of them has.
  [
    '^-- columns',
    [
      ...['event_id', 'customer_id', 'occurred_at:TIMESTAMP', 'event_date:DATE', 'event_type', 'order_id', 'revenue_usd:NUMERIC', 'updated_at:TIMESTAMP'],
      ...['dbt_scd_id', 'dbt_updated_at:TIMESTAMP', 'dbt_valid_from:TIMESTAMP', 'dbt_valid_to:TIMESTAMP'],
    ],
    [],
  ],
];

/** One a target and layout: another target in the same folder would be parsed anew. */
const projects = new Map<string, string>();
function projectOf(target: string, layout: string): string {
  const key = `${target} ${layout}`;
  const folder =
    projects.get(key) ??
    scaffold({
      warehouse: 'bigquery',
      sourceSchemas: 'raw, crm:pii',
      emailDomain: 'example.com',
      layout,
      readers: 'looker, anna:reviews',
      database: 'acme-prod',
    });
  projects.set(key, folder);
  return folder;
}
export function removeProjects(): void {
  for (const folder of projects.values()) rmSync(folder, { recursive: true, force: true });
}

export const DEV = { DBT_DEV_NAME: 'priya' };
export const CI = { PR_NUMBER: '142' };
export const PROD_DATASETS = { 'acme-prod.analytics': { fct_events: 'TABLE' }, 'acme-prod.staging': {} };

/** Runs dbt; what it sent, in one line each, and of that what is no question. */
export async function asked(args: readonly string[], env: Readonly<Record<string, string>>, { datasets, answers }: RecordedWorld, layout = 'separate') {
  const done = await recorded(projectOf(args[args.indexOf('--target') + 1] ?? 'dev', layout), args, env, { datasets, answers: [...answers, ...COMMON] });
  const statements = done.statements.map((sql) =>
    sql
      // dbt's own comments.
      .replace(/^\s*(?:--[^\n]*\n\s*)+/, '')
      .replace(/\s+/g, ' ')
      .replace(/[ ;]+$/, '')
      .trim(),
  );
  for (const sql of done.statements) if (OURS.test(sql)) sent.add(sql);
  return { ...done, statements, changes: statements.filter(changes) };
}
/** Each statement of our macros that any run of this process has sent. */
export const sent = new Set<string>();
const OURS = /^(?!--)[\s\S]*(?:dbt_envs|INFORMATION_SCHEMA|__TABLES__|session_user| clone |\bschema `|as failed|unix_millis)/i;
/** What is no question. A script that only asks is one. */
const changes = (sql: string): boolean => !/^select |^with |^declare v_on_tables|^begin execute immediate r""" ?select /.test(sql);
export const operation = (
  name: string,
  env: Readonly<Record<string, string>>,
  answers: readonly Answer[],
  args: object = {},
  target = 'ci',
  datasets: RecordedWorld['datasets'] = {},
  layout = 'separate',
) =>
  asked(
    ['--quiet', 'run-operation', name, '--target', target, '--args', JSON.stringify(args)],
    env,
    { datasets: { ...PROD_DATASETS, ...datasets }, answers },
    layout,
  );
export const lastLine = (output: string): unknown => {
  const line = output.split('\n').findLast((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(output);
  return JSON.parse(line);
};

let google: ReturnType<typeof startGoogleSql> | undefined;
/**
 * What Google's parser and analyzer refuse of everything that was sent, once for statements that differ in the name of an environment
 * alone; or of the first that has `from` in it, with `to` in its place.
 */
export async function refusalsOfSent(from = '', to = ''): Promise<readonly string[]> {
  google ??= startGoogleSql();
  const ids = { event_id: scalar('STRING') };
  const tables = ['fct_events', 'orders_snapshot'].map((name) => ({ path: ['acme-prod', 'analytics', name], columns: ids }));
  const world = {
    tables: [...INFORMATION_SCHEMA, ...tables, { path: ['SOME_TABLE'], columns: ids }],
    samples: {
      name: 'fct_old',
      kind: 'table',
      role: 'roles/bigquery.dataViewer',
      principal: 'user:anna@example.com',
      principals: '"user:anna@example.com"',
      table_schema: 'analytics',
      table_name: 'fct_events',
      table_of: '`acme-prod`.analytics',
    },
  };
  const distinct = [...new Map([...sent].map((sql) => [sql.replaceAll(/'(?:dev|pr)_\w+'/g, "''").replaceAll(/`acme-\w+`/g, '``'), sql])).values()];
  const planted = from === '' ? distinct : distinct.filter((sql) => sql.includes(from)).slice(0, 1);
  const parser = await google;
  return planted.flatMap((sql) => refusalsOf(parser, sql.replace(/\s+/g, ' ').slice(0, 200), from === '' ? sql : sql.replaceAll(from, to), world));
}
