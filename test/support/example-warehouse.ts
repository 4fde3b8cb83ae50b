import { defineWarehouse, passagesIn } from '../../src/warehouse.ts';

export const example = defineWarehouse({
  id: 'example',
  label: 'Example',
  adapter: 'dbt-example',
  questions: [],
  enforcement: {
    prodClosedToPeople: 'yes',
    devExact: 'yes',
    ciExact: 'yes',
    proof: 'modelled',
    summary: 'Example refuses every write outside your own schema.',
  },
  reach: 'network',
  principalOf: (_, { login }) => login.toLowerCase(),
  reservedPrincipals: ({ rolePrefix }) => [`${rolePrefix}_prod_service`],
  variables: () => [
    { name: 'DBT_EXAMPLE_HOST', secret: false, identities: ['dev', 'ci', 'prod'], what: 'The host of the warehouse', example: 'db.example.com' },
    { name: 'DBT_ENV_SECRET_PROD_PASSWORD', secret: true, identities: ['prod'], what: 'The password of the production service', example: '' },
  ],
  targets: () => ({
    dev: { template: 'warehouses/example/profile/dev.yml.ejs', view: {} },
    ci: { template: 'warehouses/example/profile/ci.yml.ejs', view: {} },
    prod: { template: 'warehouses/example/profile/prod.yml.ejs', view: {} },
  }),
  macros: () => [],
  sweep: () => [],
  grants: () => [],
  deploy: { before: [], after: [], viewsGoWithTables: true, keepsWhatSucceeded: true },
  docs: () => passagesIn('warehouses/example', {}),
  nextSteps: () => [],
});
