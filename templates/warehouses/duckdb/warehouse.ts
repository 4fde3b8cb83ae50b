import type { FileRequest } from '../../../src/planned-file.ts';
import type { Project } from '../../../src/project.ts';
import { requirement } from '../../../src/versions.ts';
import { defineWarehouse, passagesIn, type Variable } from '../../../src/warehouse.ts';

const folder = 'warehouses/duckdb';
const PUBLISH = 'python scripts/dbt_envs/publish_prod.py';

export const duckdb = defineWarehouse({
  id: 'duckdb',
  label: 'DuckDB',
  adapter: 'dbt-duckdb',
  requirements: [requirement('duckdb')],
  questions: [],
  enforcement: {
    prodClosedToPeople: 'by file permission',
    devExact: 'no',
    ciExact: 'no',
    proof: 'engine',
    summary:
      'DuckDB has no roles and no grants. Production is one file, and the permission on that file and its folder is the wall; that everything else is built where it belongs is checked by dbt alone, which is a seat belt.',
  },
  reach: 'disk',
  // Accounts of the machine that has the files.
  principalOf: (_, { login }) => login,
  reservedPrincipals: ({ rolePrefix }) => ['prod_service', 'ci_service', 'janitor', 'developers'].map((name) => `${rolePrefix}_${name}`),
  variables: (): readonly Variable[] => [
    {
      name: 'DBT_DEV_NAME',
      secret: false,
      identities: ['dev'],
      what: 'Your name in roster.yml; without it, the name you are logged in with on this machine.',
      example: 'ana',
      default: 'USER or USERNAME',
    },
    {
      name: 'DBT_DUCKDB_DIR',
      secret: false,
      identities: ['dev', 'ci', 'prod', 'janitor'],
      what: 'The folder with the database files: dev/, ci/ and prod/.',
      example: '/srv/warehouse',
      default: 'warehouse',
    },
  ],
  targets: ({ prodSchemas }) => ({
    dev: { template: `${folder}/targets/dev.yml.ejs`, view: {} },
    ci: { template: `${folder}/targets/ci.yml.ejs`, view: {} },
    prod: { template: `${folder}/targets/prod.yml.ejs`, view: { schema: prodSchemas[0] } },
  }),
  macros: () => [
    ...['create_schema', 'drop_schema', 'env_files', 'env_schemas', 'on_run_start', 'prod_schemas', 'relations', 'verify_boundary'].map((name) =>
      ours(`macros/dbt_envs/${name}.sql`),
    ),
    ours('scripts/dbt_envs/publish_prod.py'),
    ...['dev', 'ci', 'prod'].map(folderFor),
  ],
  sweep: () => [...['drop_stale_schemas', 'keep_schema', 'restore_schema', 'report'].map((name) => ours(`macros/dbt_envs/${name}.sql`)), folderFor('sweep')],
  grants: ({ rolePrefix, roster }) => [ours('grants/README.md', { prefix: rolePrefix, developers: roster.developers.map(({ login }) => login) })],
  // A build that failed is never published, and the next one starts from what was.
  deploy: { before: [`${PUBLISH} prepare`], after: [`${PUBLISH} publish`], viewsGoWithTables: false, keepsWhatSucceeded: false },
  docs: (project) => passages(project),
  nextSteps: () => [
    'Build as yourself: set DBT_DEV_NAME to your name in roster.yml, then dbt build. Your tables are in warehouse/dev/<name>.duckdb.',
    'Production is one file, and until its permissions are set everybody who reaches it can write it: an admin runs the commands of grants/README.md as root, on the machine that has the files.',
    'CI has to run on that machine, the deploy and the sweep each under an account of its own; set DBT_DUCKDB_DIR to the folder of the files for everybody and in CI.',
  ],
});

const ours = (path: string, view: object = {}): FileRequest => ({ path, owner: 'ours', template: `${folder}/${path}.ejs`, view });

const folderFor = (purpose: string): FileRequest => ({ ...ours('warehouse/gitignore'), path: `warehouse/${purpose}/.gitignore` });

function passages({ rolePrefix, prodSchemas, prodRuns, devDays }: Project): ReturnType<typeof passagesIn> {
  return passagesIn(folder, { prefix: rolePrefix, devDays, schema: prodSchemas[0], run: prodRuns.find((run) => run === 'manual') ?? prodRuns[0] ?? 'manual' });
}
