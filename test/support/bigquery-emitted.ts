import type { PlannedFile } from '../../src/planned-file.ts';
import { INFORMATION_SCHEMA } from './bigquery-catalog.ts';
import { tablesAfter, type World } from './bigquery-sql.ts';
import { type GoogleSql, scalar, type Table } from './googlesql.ts';
import { planned } from './scaffold.ts';

const GIVEN = { warehouse: 'bigquery', ci: 'github', database: 'acme-prod', emailDomain: 'acme.example' };
const READ = { readers: 'looker@acme.example, anna:reviews', sourceSchemas: 'raw, crm:pii' };

/** What is emitted for BigQuery, in each layout and with each choice that changes a statement. */
export const bigqueryPlans: Readonly<Record<string, readonly PlannedFile[]>> = {
  'three projects': planned({ ...GIVEN, ...READ, prodSchemas: 'analytics, marts' }),
  'one project': planned({ ...GIVEN, ...READ, layout: 'single' }),
  'two projects and a group': planned({ ...GIVEN, ...READ, nonprodDatabase: 'acme-dev', ciDatabase: 'acme-dev', developersGroup: 'data@acme.example' }),
  'nobody to read and no source, in a region': planned({ ...GIVEN, prodSchemas: 'analytics', location: 'europe-west4' }),
};

/** What stands for what the scripts find while they run. */
const samples = {
  slug: 'priya',
  principal: 'user:priya@acme.example',
  role: 'roles/bigquery.dataViewer',
  kind: 'SCHEMA',
  name: '`acme-prod`.analytics',
  'one.name': 'dev_priya',
  'one.project': 'acme-prod',
  'object.kind': 'table',
  'object.name': 'orders',
  table_schema: 'analytics',
  table_of: '`acme-prod`.analytics',
  table_name: 'orders',
};
const columns = { id: scalar('INT64') };
const tables: readonly Table[] = [
  ...INFORMATION_SCHEMA,
  { path: ['acme-prod', 'analytics', 'orders'], columns },
  // verify puts a table of production in its place.
  { path: ['SOME_TABLE'], columns },
];

const worlds = new WeakMap<GoogleSql, Map<string, World>>();
/** What the scripts read: INFORMATION_SCHEMA, and what 20_boundary.sql makes. */
export function worldOf(google: GoogleSql, files: readonly PlannedFile[]): World {
  const known = worlds.get(google) ?? new Map<string, World>();
  worlds.set(google, known);
  const boundary = files.find(({ path }) => path === 'grants/20_boundary.sql')?.contents ?? '';
  const made = [...boundary.matchAll(/^CREATE TABLE .*$/gm)].join('\n');
  const world = known.get(made) ?? { samples, tables: tablesAfter(google, 'grants/20_boundary.sql', made, { samples, tables }) };
  known.set(made, world);
  return world;
}
