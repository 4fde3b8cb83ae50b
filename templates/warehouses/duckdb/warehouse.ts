import { defineWarehouse } from '../../../src/warehouse.ts';

const passage = { template: 'warehouses/duckdb/docs/permissions.md.ejs', view: {} };
export const duckdb = defineWarehouse({
  id: 'duckdb',
  label: 'DuckDB',
  adapter: 'dbt-duckdb',
  questions: [],
  enforcement: { prodClosedToPeople: 'by file permission', devExact: 'no', ciExact: 'no', proof: 'engine', summary: 'DuckDB has no roles.' },
  reach: 'disk',
  variables: () => [],
  targets: () => ({ dev: passage, ci: passage, prod: passage }),
  macros: () => [],
  grants: () => [],
  deploy: { before: [], after: [] },
  docs: () => ({
    connect: passage,
    permissions: passage,
    install: passage,
    hire: passage,
    leaver: passage,
    'rotate-keys': passage,
    restore: passage,
    'break-glass': passage,
    migrate: passage,
  }),
  nextSteps: () => [],
});
