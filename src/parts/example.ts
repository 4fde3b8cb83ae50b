import type { Context } from '../context.ts';
import type { FileRequest } from '../planned-file.ts';

const FILES = [
  'dbt_project.yml',
  'seeds/raw_orders.csv',
  'seeds/raw_events.csv',
  'seeds/_seeds.yml',
  'models/staging/stg_orders.sql',
  'models/staging/stg_events.sql',
  'models/staging/_staging.yml',
  'models/marts/fct_revenue.sql',
  'models/marts/fct_revenue_daily.sql',
  'models/marts/fct_events.sql',
  'models/marts/_marts.yml',
  'models/marts/revenue.md',
  'snapshots/orders_snapshot.yml',
  'tests/daily_revenue_adds_up.sql',
] as const;

/**
 * A project that builds at once: raw data as seeds, staging in a schema of its own where production has two, marts
 * with the two tables that the documents query, an incremental model, a snapshot, tests that keep their failures.
 * An adopted project has all that already.
 */
export function exampleFiles({ project, warehouse, adopted }: Context): readonly FileRequest[] {
  if (adopted) return [];
  const [defaultSchema, customSchema] = project.prodSchemas;
  const view = {
    name: project.name,
    profile: project.profile,
    defaultSchema,
    customSchema: customSchema ?? null,
    prodSchemas: project.prodSchemas,
    jobLabels: warehouse.jobLabels?.(project) ?? '',
    seedAmount: warehouse.seedAmount ?? 'decimal(12, 2)',
  };
  return FILES.map((path) => ({ path, owner: 'yours', template: `example/${path}.ejs`, view }));
}
