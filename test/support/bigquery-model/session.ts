import { datasetOf, type Estate, type Node, projectOf } from './estate.ts';
import { Refused } from './refusal.ts';
import { readsOf } from './relations.ts';
import type { Reader } from './tokens.ts';

/** What BigQuery says to who may not, in contrast to what is wrong otherwise: https://docs.cloud.google.com/bigquery/docs/error-messages */
export const denied = (permission: string, on: string, line: number): Refused => new Refused(`line ${line}: Access Denied: ${permission} on ${on}`);

/** Somebody at work: who, in which project the job runs. */
export class Session {
  readonly estate: Estate;
  readonly who: string;
  /** The project that jobs run in, and that names without a project mean. */
  readonly project: string;
  /** After how many statements more a script is cut short. */
  endsAfter = Number.POSITIVE_INFINITY;
  constructor(estate: Estate, who: string, project: string) {
    this.estate = estate;
    this.who = who;
    this.project = project;
  }
  get isWide(): boolean {
    return this.estate.isWide;
  }
  may(permission: string, on: string): boolean {
    return this.estate.holds(this.who, permission, on);
  }
  demand(permission: string, on: string, line: number): void {
    if (!this.may(permission, on)) throw denied(permission, on, line);
  }
  demandAll(permissions: readonly string[], on: string, line: number): void {
    for (const permission of permissions) this.demand(permission, on, line);
  }
  /** Every query is a job: https://docs.cloud.google.com/bigquery/docs/running-queries#required_permissions */
  demandJob(line: number): void {
    this.demand('bigquery.jobs.create', `projects/${this.project}`, line);
  }

  /** The name of a dataset as a resource. */
  dataset(path: readonly string[], line: number): string {
    const [project, dataset] = path.length === 1 ? [this.project, path[0]] : path;
    if (path.length > 2 || dataset === undefined || dataset === '') throw new Refused(`line ${line}: ${path.join('.')} is no dataset`);
    return `projects/${project}/datasets/${dataset}`;
  }
  /** Of a table, or with `routines` of a routine. */
  inside(path: readonly string[], line: number, what: 'tables' | 'routines' = 'tables'): string {
    const [project, dataset, name] = path.length === 2 ? [this.project, ...path] : path;
    if (path.length < 2 || path.length > 3 || name === undefined) throw new Refused(`line ${line}: ${path.join('.')} needs a dataset`);
    return `projects/${project}/datasets/${dataset}/${what}/${name}`;
  }
  /** A table or view that is there. Who may not see it hears the same as where it is not. */
  existing(path: readonly string[], line: number, what: 'tables' | 'routines' = 'tables'): Node {
    return this.estate.must(this.inside(path, line, what), line);
  }

  /** Asks for everything that a query reads. */
  read(query: Reader): readonly string[] {
    const { line } = query;
    const { relations, routines, others } = readsOf(query);
    const names: string[] = [];
    for (const path of others) {
      const table = path.length < 2 || path.length > 3 ? undefined : this.estate.find(this.inside(path, line));
      if (table === undefined) continue;
      this.demandData(table, line);
      names.push(table.name);
    }
    for (const path of relations) {
      if (path.some((part) => part.toUpperCase() === 'INFORMATION_SCHEMA')) {
        this.demandInformation(path, line);
        continue;
      }
      const table = this.existing(path, line);
      this.demandData(table, line);
      // https://docs.cloud.google.com/bigquery/docs/querying-partitioned-tables#require_a_partition_filter_in_queries
      if (table.options?.require_partition_filter?.toLowerCase() === 'true' && !query.tokens.some(({ text }) => text === 'WHERE'))
        throw new Refused(`line ${line}: Cannot query over table ${table.name} without a filter over a column that can be used for partition elimination`);
      names.push(table.name);
    }
    for (const path of routines) {
      const routine = this.existing(path, line, 'routines');
      // https://docs.cloud.google.com/bigquery/docs/user-defined-functions ("bigquery.routines.get (for using routines)")
      this.demand('bigquery.routines.get', routine.name, line);
      names.push(routine.name);
    }
    return names;
  }

  /**
   * getData on a table; a logical view is read with the rights of whoever asks, unless the dataset behind it authorizes the view.
   * https://docs.cloud.google.com/bigquery/docs/authorized-views
   */
  demandData(table: Node, line: number, as: readonly string[] = []): void {
    const dataset = this.estate.find(datasetOf(table.name));
    const isAuthorized = as.some((reader) => dataset?.authorized?.some((one) => one === reader || one === datasetOf(reader)) === true);
    if (!isAuthorized) this.demand('bigquery.tables.getData', table.name, line);
    for (const name of table.reads ?? []) {
      const behind = this.estate.find(name);
      if (behind?.kind === 'table') this.demandData(behind, line, [table.name]);
    }
  }

  /** What its views ask for, on the project where they are qualified by region, else on the dataset. */
  private demandInformation(path: readonly string[], line: number): void {
    const at = path.findIndex((part) => part.toUpperCase() === 'INFORMATION_SCHEMA');
    const view = (path[at + 1] ?? '').toUpperCase();
    const container = path[at - 1];
    const isRegion = container === undefined || /^region-/i.test(container);
    const project = path[at - 2] ?? this.project;
    const on = isRegion ? `projects/${project}` : this.dataset([project, container], line);
    const wanted = INFORMATION[view];
    if (wanted === undefined) throw new Refused(`line ${line}: there is no INFORMATION_SCHEMA.${view} that this model knows`);
    for (const permission of wanted) this.demand(permission, permission.startsWith('bigquery.jobs') ? `projects/${project}` : on, line);
  }
  /** Whether a name is one of the project in which the job runs. */
  isHome(name: string): boolean {
    return projectOf(name) === this.project;
  }
}

/** https://docs.cloud.google.com/bigquery/docs/information-schema-intro and the page of each view ("Required permissions"). */
const INFORMATION: Readonly<Record<string, readonly string[]>> = {
  SCHEMATA: ['bigquery.datasets.get'],
  SCHEMATA_OPTIONS: ['bigquery.datasets.get'],
  TABLES: ['bigquery.tables.get', 'bigquery.tables.list'],
  TABLE_OPTIONS: ['bigquery.tables.get', 'bigquery.tables.list'],
  COLUMNS: ['bigquery.tables.get', 'bigquery.tables.list'],
  VIEWS: ['bigquery.tables.get', 'bigquery.tables.list'],
  TABLE_STORAGE: ['bigquery.tables.get', 'bigquery.tables.list'],
  ROUTINES: ['bigquery.routines.get', 'bigquery.routines.list'],
  // Of the one dataset that it asks about; whoever may not see its policy gets no rows.
  OBJECT_PRIVILEGES: [],
  JOBS: ['bigquery.jobs.listAll'],
  JOBS_BY_PROJECT: ['bigquery.jobs.listAll'],
  JOBS_BY_USER: ['bigquery.jobs.list'],
};
