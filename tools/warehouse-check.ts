import { existsSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { warehouses } from '../src/catalogue.ts';
import { parseIdentifier, parseProjectName } from '../src/names.ts';
import type { FileRequest, Fragment } from '../src/planned-file.ts';
import type { Project } from '../src/project.ts';
import { defaultOf } from '../src/questions.ts';
import { parseTeam } from '../src/roster/roster.ts';
import { templateOf } from '../src/template-store.ts';
import { versions } from '../src/versions.ts';
import type { Warehouse } from '../src/warehouse.ts';

/** The run-operations that every warehouse offers under the same names; the common ones come with the `ci` part. */
const OPERATIONS = ['env_schemas', 'verify_boundary', 'audit'] as const;
/** The scripts of a warehouse that has roles: SQL, or a shell script where SQL cannot do it. */
const SCRIPTS = ['00_look', '10_roles', '20_boundary', '30_developers', '40_services', '50_readers', '90_close_prod', '91_reopen_prod', 'verify', 'audit'];

/** What a warehouse's folder still lacks, a line each; empty when nothing is missing. */
export function lacks(warehouse: Warehouse): readonly string[] {
  const { id, adapter } = warehouse;
  const project = sampleProject(warehouse);
  const files = [...warehouse.macros(project), ...warehouse.grants(project)];
  const macros = files
    .filter(({ path }) => path.startsWith('macros/'))
    .map(textOf)
    .join('\n');
  const grants = new Set(warehouse.grants(project).map(({ path }) => path));
  const type = adapter.replace(/^dbt-/, '');
  const has = (claim: boolean, line: string): string[] => (claim ? [] : [line]);
  return [
    ...has(existsSync(`templates/warehouses/${id}/warehouse.ts`), `templates/warehouses/${id}/warehouse.ts: the folder of this warehouse`),
    ...has(
      warehouses.some((one) => one.id === id),
      'templates/warehouses/all.ts: one import and one entry',
    ),
    ...has(adapter in versions, `templates/versions.json: the pinned version of ${adapter}`),
    ...missingTemplates('target', warehouse.targets(project)),
    ...missingTemplates('passage', warehouse.docs(project)),
    ...files.filter(({ template }) => templateOf(template) === undefined).map(({ path, template }) => `templates/${template}: for ${path}`),
    ...['create_schema', 'drop_schema'].flatMap((name) =>
      has(defines(macros, `${type}__${name}`), `macro ${type}__${name}: environment schemas come and go through it`),
    ),
    ...has(defines(macros, `${type}__dbt_envs_prod_schema_problems`), `macro ${type}__dbt_envs_prod_schema_problems: a pull request is checked with it`),
    ...has(defines(macros, `${type}__dbt_envs_relations`), `macro ${type}__dbt_envs_relations: the review card lists relations through it`),
    ...OPERATIONS.flatMap((name) => has(defines(macros, name), `macro ${name}: a run-operation that every warehouse offers, or says that it cannot`)),
    ...has(grants.has('grants/README.md'), 'grants/README.md: who runs which script as whom'),
    ...(warehouse.enforcement.prodClosedToPeople === 'by file permission'
      ? []
      : SCRIPTS.flatMap((name) => has(grants.has(`grants/${name}.sql`) || grants.has(`grants/${name}.sh`), `grants/${name}.sql`))),
    ...has(existsSync(`test/engines/python/${id}.txt`), `test/engines/python/${id}.txt: the locked Python environment of its tests`),
    ...has(existsSync(`test/golden/${id}+github`), `test/golden/${id}+…: npm run golden`),
    ...has(readFileSync('docs/warehouses.md', 'utf8').includes(`| ${warehouse.label} |`), 'docs/warehouses.md: its row'),
  ];
}

function missingTemplates(what: string, fragments: Readonly<Record<string, Fragment>>): string[] {
  return Object.entries(fragments)
    .filter(([, { template }]) => templateOf(template) === undefined)
    .map(([name, { template }]) => `templates/${template}: the ${what} "${name}"`);
}

const textOf = ({ template }: FileRequest): string => (templateOf(template) !== undefined ? readFileSync(`templates/${template}`, 'utf8') : '');
const defines = (text: string, macro: string): boolean => new RegExp(`\\{%-?\\s*macro\\s+${macro}\\s*\\(`).test(text);

function sampleProject({ questions }: Warehouse): Project {
  const known = { projectName: 'acme' };
  return {
    name: parseProjectName('acme'),
    profile: 'acme',
    rolePrefix: parseIdentifier('acme', 'a role prefix'),
    prodSchemas: [parseIdentifier('analytics', 'a schema')],
    sourceSchemas: [],
    roster: { developers: parseTeam('Priya <priya@example.com>, Sam <sam@example.com>'), leavers: [], readers: [] },
    devDays: 30,
    prDays: 7,
    prodRuns: ['merge', 'schedule', 'manual'],
    mainBranch: 'main',
    settings: Object.fromEntries(questions.map((one) => [one.name, defaultOf(one, known) ?? ''])),
  };
}

function main(id: string | undefined): number {
  const warehouse = warehouses.find((one) => one.id === id);
  if (!warehouse) {
    console.error(
      `usage: npm run warehouse:check <id>, with one of: ${warehouses.map((one) => one.id).join(', ')} (a new one needs its entry in templates/warehouses/all.ts first)`,
    );
    return 2;
  }
  const missing = lacks(warehouse);
  for (const line of missing) console.log(`lacks  ${line}`);
  console.log(missing.length === 0 ? `${warehouse.label} lacks nothing.` : `${warehouse.label} lacks ${missing.length} things.`);
  return missing.length === 0 ? 0 : 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = main(process.argv[2]);
