import { defineWarehouse } from '../../../src/warehouse.ts';

const passage = { template: 'warehouses/postgres/docs/permissions.md.ejs', view: {} };
export const postgres = defineWarehouse({
  id: 'postgres',
  label: 'PostgreSQL',
  adapter: 'dbt-postgres',
  questions: [],
  enforcement: { prodClosedToPeople: 'yes', devExact: 'yes', ciExact: 'yes', proof: 'engine', summary: 'PostgreSQL refuses it.' },
  reach: 'network',
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
