import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { python } from './dbt.ts';
import { scaffold } from './scaffold.ts';

/** A step of test/support/snowflake_engine.py. */
export type EngineStep = { readonly dbt: readonly string[] } | { readonly call: string } | { readonly sql: string };
export interface DbtSaid {
  readonly ok: boolean;
  readonly lines: readonly string[];
}

export const DOOR = 'acme_nonprod.acme_door';
const DAY = 86_400_000;
const text = (value: string | null): string => (value === null ? 'null' : `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`);
/** A moment so many days ago. */
export const ago = (days: number): string => new Date(Date.now() - days * DAY).toISOString().slice(0, 19).replace('T', ' ');

/** What is there, on clocks that the test sets: a schema's owner and age, and its relations with their age. */
export interface PlantedSchema {
  readonly name: string;
  readonly owner?: string;
  readonly created?: number;
  readonly relations?: readonly { readonly name: string; readonly written: number; readonly comment?: string; readonly hidden?: true }[];
}
const relation = (name: string, written: number) => ({ name, written });
export const old = (name: string, written = 40): PlantedSchema => ({ name, relations: [relation('T', written)] });

export function setup(schemas: readonly PlantedSchema[]): readonly string[] {
  const place = 'planted.of_acme_nonprod';
  const all: readonly PlantedSchema[] = [{ name: 'ACME_DOOR' }, ...schemas];
  return [
    'create database planted',
    'create schema planted.of_acme_nonprod',
    'create schema planted.account_usage',
    'create schema acme_nonprod.acme_door',
    `create table ${place}.schemata (schema_name varchar, schema_owner varchar, created timestamp_ntz)`,
    `create table ${place}.tables (table_schema varchar, table_name varchar, created timestamp_ntz, last_altered timestamp_ntz, bytes number, comment varchar)`,
    `create table ${place}.dropped_schemata as select * from ${place}.schemata`,
    `create table ${place}.dropped_tables as select * from ${place}.tables`,
    'create table planted.account_usage.object_dependencies (referenced_database varchar, referenced_schema varchar, referencing_database varchar, referencing_schema varchar, referencing_object_name varchar)',
    'create table planted.account_usage.tables (table_catalog varchar, table_schema varchar, table_name varchar, deleted timestamp_ntz)',
    'create table planted.account_usage.grants_to_roles (grantee_name varchar, granted_to varchar, privilege varchar, granted_on varchar, table_catalog varchar, table_schema varchar, name varchar, deleted_on timestamp_ntz)',
    'create table planted.account_usage.grants_to_users (role varchar, grantee_name varchar, deleted_on timestamp_ntz)',
    'create table planted.account_usage.users (name varchar, deleted_on timestamp_ntz)',
    'create table planted.account_usage.schemata (catalog_name varchar, schema_name varchar, is_managed_access varchar, deleted timestamp_ntz)',
    ...all.flatMap(({ name, owner = 'ACME_ENV_OWNER', created = 200, relations = [] }) => [
      ...(/^[A-Z][A-Z0-9_]*$/.test(name) && name !== 'ACME_DOOR' ? [`create schema if not exists acme_nonprod."${name}"`] : []),
      `insert into ${place}.schemata values (${text(name)}, ${text(owner)}, '${ago(created)}')`,
      ...relations.flatMap((one) => [
        ...(one.hidden === true
          ? []
          : [
              `insert into ${place}.tables values (${text(name)}, ${text(one.name)}, '${ago(one.written)}', '${ago(one.written)}', 1000, ${text(one.comment ?? null)})`,
            ]),
        `insert into planted.account_usage.tables values ('ACME_NONPROD', ${text(name)}, ${text(one.name)}, null)`,
      ]),
    ]),
  ];
}

/** Runs steps in one account, one after the other; what each said. */
export async function runEngine(boundary: string, prepared: readonly string[], steps: readonly EngineStep[]): Promise<readonly unknown[]> {
  const project = steps.some((step) => 'dbt' in step) ? scaffold({ warehouse: 'snowflake', team: 'priya, sam, sam_smith', readers: 'looker' }) : undefined;
  const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-engine-'));
  try {
    const file = path.join(folder, 'task.json');
    writeFileSync(file, JSON.stringify({ boundary, setup: prepared, steps }));
    const script = fileURLToPath(new URL('./snowflake_engine.py', import.meta.url));
    const env = {
      DBT_SNOWFLAKE_ACCOUNT: 'acme-main',
      DBT_CI_LOGIN: 'acme_janitor',
      DBT_ENV_SECRET_CI_PRIVATE_KEY: '',
      DBT_SEND_ANONYMOUS_USAGE_STATS: 'false',
    };
    const { code, output } = await python(project ?? folder, [script, file], { python: 'fakesnow', env: { ...env, HOME: folder } });
    if (code !== 0) throw new Error(output);
    return JSON.parse(output.split('\n').findLast((line) => line.startsWith('[')) ?? '') as readonly unknown[];
  } finally {
    rmSync(folder, { recursive: true, force: true });
    if (project !== undefined) rmSync(project, { recursive: true, force: true });
  }
}
