import { datasetOf, type Node, projectOf } from './estate.ts';
import { Refused } from './refusal.ts';
import { denied, type Session } from './session.ts';
import type { Reader } from './tokens.ts';

/**
 * CREATE, ALTER, DROP and UNDROP. What each asks for stands below its statement on
 * https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language.
 */

export type Handler = (session: Session, reader: Reader) => void;

/** OPTIONS (name = value, …): the labels, and the names of the others. */
function options(
  reader: Reader,
  known: readonly string[],
): { readonly labels?: Readonly<Record<string, string>>; readonly names: readonly string[]; readonly texts: Readonly<Record<string, string>> } {
  const inside = reader.parenthesis();
  const names: string[] = [];
  const texts: Record<string, string> = {};
  let labels: Record<string, string> | undefined;
  while (!inside.done) {
    const name = inside.next().raw.toLowerCase();
    if (!known.includes(name)) throw inside.unknown(`the option ${name}`);
    names.push(name);
    inside.expect('=');
    if (name === 'labels') labels = pairs(inside);
    else {
      let depth = 0;
      texts[name] = '';
      while (!inside.done && !(depth === 0 && inside.is(','))) {
        const token = inside.next();
        texts[name] += token.raw;
        if (token.kind === 'symbol') depth += /^[([]$/.test(token.text) ? 1 : /^[)\]]$/.test(token.text) ? -1 : 0;
      }
    }
    if (!inside.done) inside.expect(',');
  }
  return { names, texts, ...(labels !== undefined && { labels }) };
}

/** [('key', 'value'), …] */
function pairs(reader: Reader): Record<string, string> {
  const found: Record<string, string> = {};
  reader.expect('[');
  while (!reader.accept(']')) {
    if (Object.keys(found).length > 0) reader.expect(',');
    reader.expect('(');
    const key = reader.string();
    reader.expect(',');
    found[key] = reader.string();
    reader.expect(')');
  }
  return found;
}

const SCHEMA_OPTIONS = [
  'default_kms_key_name',
  'default_partition_expiration_days',
  'default_rounding_mode',
  'default_table_expiration_days',
  'description',
  'friendly_name',
  'is_case_insensitive',
  'labels',
  'location',
  'max_time_travel_hours',
  'storage_billing_model',
];
const TABLE_OPTIONS = [
  'description',
  'friendly_name',
  'labels',
  'expiration_timestamp',
  'partition_expiration_days',
  'require_partition_filter',
  'enable_refresh',
  'format',
  'uris',
];
const EXPIRATIONS = ['expiration_timestamp', 'partition_expiration_days'];

/** https://docs.cloud.google.com/bigquery/docs/access-control-basic-roles ("When you create a new dataset, BigQuery adds default dataset access") */
export const defaultAccess = (creator: string, project: string) => [
  { role: 'roles/bigquery.dataOwner', member: creator.split(' ')[0] ?? '' },
  { role: 'roles/bigquery.dataOwner', member: `projectOwner:${project}` },
  { role: 'roles/bigquery.dataEditor', member: `projectEditor:${project}` },
  { role: 'roles/bigquery.dataViewer', member: `projectViewer:${project}` },
];

/** Whether somebody may create a dataset of that name: asked of the project, so no condition on names can be met, unless one reads "resources that don't exist yet" so. */
export function demandDatasetCreation(session: Session, name: string, line: number): void {
  const project = `projects/${projectOf(name)}`;
  if (session.isWide && session.may('bigquery.datasets.create', name)) return;
  session.demand('bigquery.datasets.create', project, line);
}

export function createSchema(session: Session, reader: Reader): void {
  const { line } = reader;
  const isQuiet = reader.accept('IF', 'NOT', 'EXISTS');
  const name = session.dataset(reader.path(), line);
  const given = reader.accept('OPTIONS') ? options(reader, SCHEMA_OPTIONS) : undefined;
  reader.end();
  session.estate.must(`projects/${projectOf(name)}`, line);
  // CREATE asks first whether one may, and only then whether it is there.
  demandDatasetCreation(session, name, line);
  if (session.estate.find(name) !== undefined) {
    if (isQuiet) return;
    throw new Refused(`line ${line}: ${name} exists already`);
  }
  session.estate.add('dataset', name, `projects/${projectOf(name)}`, {
    policy: defaultAccess(session.who, projectOf(name)),
    labels: given?.labels ?? {},
    created: session.estate.now,
  });
}

export function alterSchema(session: Session, reader: Reader): void {
  const { line } = reader;
  const isQuiet = reader.accept('IF', 'EXISTS');
  const name = session.dataset(reader.path(), line);
  reader.expect('SET', 'OPTIONS');
  const given = options(reader, SCHEMA_OPTIONS);
  reader.end();
  if (isQuiet && session.estate.find(name) === undefined) return;
  const dataset = session.estate.must(name, line);
  session.demandAll(session.isWide ? ['bigquery.datasets.update'] : ['bigquery.datasets.get', 'bigquery.datasets.update'], name, line);
  // A list replaces the one that was there: #alter_schema_set_options_statement
  if (given.labels !== undefined) dataset.labels = given.labels;
}

export function dropSchema(session: Session, reader: Reader): void {
  const { line } = reader;
  const isQuiet = reader.accept('IF', 'EXISTS');
  const name = session.dataset(reader.path(), line);
  const isCascade = reader.accept('CASCADE');
  reader.accept('RESTRICT');
  reader.end();
  if (isQuiet && session.estate.find(name) === undefined) return;
  session.estate.must(name, line);
  dropDataset(session, name, isCascade, line);
}

/** By SQL or by the API, which has delete_contents for CASCADE. */
export function dropDataset(session: Session, name: string, isCascade: boolean, line: number): void {
  session.demand('bigquery.datasets.delete', name, line);
  const inside = session.estate.children(name);
  if (inside.length > 0 && !isCascade) throw new Refused(`line ${line}: ${name} is not empty`);
  // "You must have permission to delete the resources, or else the statement returns an error."
  for (const one of inside) session.demand(deletionOf(one), one.name, line);
  const gone = [session.estate.must(name, line), ...inside].map((one) => ({ ...one }));
  session.estate.remove(name);
  session.estate.dropped = [...session.estate.dropped.filter((one) => datasetOf(one.name) !== name), ...gone];
}

const deletionOf = ({ kind, relation }: Node): string =>
  kind === 'routine' ? 'bigquery.routines.delete' : relation === 'SNAPSHOT' ? 'bigquery.tables.deleteSnapshot' : 'bigquery.tables.delete';

export function undropSchema(session: Session, reader: Reader): void {
  const { line } = reader;
  const isQuiet = reader.accept('IF', 'NOT', 'EXISTS');
  const name = session.dataset(reader.path(), line);
  if (reader.accept('OPTIONS')) options(reader, ['location']);
  reader.end();
  demandDatasetCreation(session, name, line);
  if (session.estate.find(name) !== undefined) {
    if (isQuiet) return;
    throw new Refused(`line ${line}: ${name} exists`);
  }
  const gone = session.estate.dropped.filter((one) => datasetOf(one.name) === name);
  if (gone.length === 0) throw new Refused(`line ${line}: no dataset ${name} was dropped`);
  // "bigquery.datasets.get: the dataset that you are undeleting": whether its own policy counts while it is gone, no page says.
  session.demand('bigquery.datasets.get', session.isWide ? name : `projects/${projectOf(name)}`, line);
  for (const one of gone) session.estate.nodes.set(one.name, one);
  session.estate.dropped = session.estate.dropped.filter((one) => !gone.includes(one));
}

/** Skips PARTITION BY and CLUSTER BY. */
function layoutClauses(reader: Reader): void {
  while (reader.is('PARTITION', 'BY') || reader.is('CLUSTER', 'BY')) {
    reader.at += 2;
    while (!reader.done && !['CLUSTER', 'OPTIONS', 'AS', 'PARTITION'].includes(reader.peek()?.text ?? '')) {
      if (reader.is('(')) reader.parenthesis();
      else reader.next();
    }
  }
}

/** Asks for what a new table needs, and whether it may stand where another one is. */
function demandTable(
  session: Session,
  name: string,
  how: { readonly isReplacing: boolean; readonly isQuiet: boolean; readonly isView: boolean },
  line: number,
): 'skip' | 'make' {
  session.estate.must(datasetOf(name), line);
  session.demand('bigquery.tables.create', datasetOf(name), line);
  const there = session.estate.find(name);
  if (there !== undefined && how.isQuiet) return 'skip';
  if (there !== undefined && !how.isReplacing) throw new Refused(`line ${line}: ${name} exists already`);
  // "In addition, the OR REPLACE clause requires …": of what is there, or always.
  if (how.isReplacing && (there !== undefined || !session.isWide))
    session.demandAll(how.isView ? ['bigquery.tables.update'] : ['bigquery.tables.update', 'bigquery.tables.updateData'], there?.name ?? datasetOf(name), line);
  return 'make';
}

const put = (session: Session, name: string, more: Partial<Node>): void => {
  // A new table of the same name keeps no policy of its own: #create_table_statement says that it replaces the table.
  session.estate.add('table', name, datasetOf(name), more);
};

export function createTable(session: Session, reader: Reader, isReplacing: boolean): void {
  const { line } = reader;
  const isQuiet = reader.accept('IF', 'NOT', 'EXISTS');
  const name = session.inside(reader.path(), line);
  const how = { isReplacing, isQuiet, isView: false };
  if (reader.accept('CLONE') || reader.accept('COPY')) {
    const isClone = reader.peek(-1)?.text === 'CLONE';
    const source = session.existing(reader.path(), line);
    if (reader.accept('FOR', 'SYSTEM_TIME', 'AS', 'OF')) reader.rest();
    else if (reader.accept('OPTIONS')) options(reader, TABLE_OPTIONS);
    reader.end();
    session.demandAll(['bigquery.tables.get', 'bigquery.tables.getData'], source.name, line);
    if (source.relation === 'SNAPSHOT') session.demand('bigquery.tables.restoreSnapshot', source.name, line);
    if (source.relation === 'VIEW') throw new Refused(`line ${line}: ${source.name} is a view`);
    const made = demandTable(session, name, how, line);
    // https://docs.cloud.google.com/bigquery/docs/table-clones-create names updateData too.
    if (isClone && !session.isWide) session.demand('bigquery.tables.updateData', datasetOf(name), line);
    if (made === 'make') put(session, name, { relation: 'TABLE' });
    return;
  }
  if (reader.accept('LIKE')) session.demand('bigquery.tables.get', session.existing(reader.path(), line).name, line);
  if (reader.is('(')) reader.parenthesis();
  layoutClauses(reader);
  const given = reader.accept('OPTIONS') ? options(reader, TABLE_OPTIONS) : undefined;
  if (given?.names.some((one) => EXPIRATIONS.includes(one))) session.demand('bigquery.tables.delete', datasetOf(name), line);
  const hasQuery = reader.accept('AS');
  if (hasQuery) session.read(reader.rest());
  reader.end();
  if (demandTable(session, name, how, line) === 'skip') return;
  if (hasQuery) session.demand('bigquery.tables.updateData', datasetOf(name), line);
  put(session, name, { relation: 'TABLE', ...(given !== undefined && { options: given.texts }) });
}

export function createSnapshot(session: Session, reader: Reader): void {
  const { line } = reader;
  const isQuiet = reader.accept('IF', 'NOT', 'EXISTS');
  const name = session.inside(reader.path(), line);
  reader.expect('CLONE');
  const source = session.existing(reader.path(), line);
  if (reader.accept('FOR', 'SYSTEM_TIME', 'AS', 'OF')) reader.rest();
  else if (reader.accept('OPTIONS')) options(reader, TABLE_OPTIONS);
  reader.end();
  session.demandAll(['bigquery.tables.createSnapshot', 'bigquery.tables.get', 'bigquery.tables.getData'], source.name, line);
  if (demandTable(session, name, { isReplacing: false, isQuiet, isView: false }, line) === 'make') put(session, name, { relation: 'SNAPSHOT' });
}

export function createView(session: Session, reader: Reader, isReplacing: boolean): void {
  const { line } = reader;
  const isQuiet = reader.accept('IF', 'NOT', 'EXISTS');
  const name = session.inside(reader.path(), line);
  if (reader.is('(')) reader.parenthesis();
  layoutClauses(reader);
  if (reader.accept('OPTIONS')) options(reader, TABLE_OPTIONS);
  reader.expect('AS');
  const query = reader.rest();
  const made = demandTable(session, name, { isReplacing, isQuiet, isView: true }, line);
  // The page asks for nothing on what the view reads. BigQuery looks at the query when it is saved, so the narrow reading wants to be able to read.
  const reads = session.isWide ? namesIn(session, query) : session.read(query);
  if (made === 'make') put(session, name, { relation: 'VIEW', reads });
}

/** What a query would read, without asking for it. */
function namesIn(session: Session, query: Reader): readonly string[] {
  const reader = { at: query.at };
  const names: string[] = [];
  for (; !query.done; ) {
    const token = query.next();
    if (token.kind !== 'word' && token.kind !== 'quoted') continue;
    query.at -= 1;
    const path = query.path();
    if (path.length === 2 || path.length === 3) {
      const found = session.estate.find(session.inside(path, query.line)) ?? session.estate.find(session.inside(path, query.line, 'routines'));
      if (found !== undefined) names.push(found.name);
    }
  }
  query.at = reader.at;
  return names;
}

export function createExternalTable(session: Session, reader: Reader, isReplacing: boolean): void {
  const { line } = reader;
  const isQuiet = reader.accept('IF', 'NOT', 'EXISTS');
  const name = session.inside(reader.path(), line);
  if (reader.is('(')) reader.parenthesis();
  if (reader.accept('WITH', 'CONNECTION')) demandConnection(session, reader, ['bigquery.connections.use', 'bigquery.connections.delegate']);
  if (reader.accept('OPTIONS')) options(reader, TABLE_OPTIONS);
  reader.end();
  if (demandTable(session, name, { isReplacing, isQuiet, isView: false }, line) === 'make') put(session, name, { relation: 'EXTERNAL' });
}

/** A connection has a service account of its own, which acts for whoever uses it. Pages name delegate, or use, or both. */
function demandConnection(session: Session, reader: Reader, permissions: readonly string[]): void {
  const { line } = reader;
  const path = reader.path();
  const [project, location, id] = path.length === 2 ? [session.project, ...path] : path;
  const { name } = session.estate.must(`projects/${project}/locations/${location}/connections/${id}`, line);
  const held = permissions.filter((one) => session.may(one, name));
  if (session.isWide ? held.length === 0 : held.length < permissions.length) throw denied(permissions[0] ?? '', name, line);
}

export function createRoutine(session: Session, reader: Reader, isReplacing: boolean, kind: 'FUNCTION' | 'PROCEDURE'): void {
  const { line } = reader;
  const isQuiet = reader.accept('IF', 'NOT', 'EXISTS');
  const name = session.inside(reader.path(), line, 'routines');
  reader.parenthesis();
  session.estate.must(datasetOf(name), line);
  session.demand('bigquery.routines.create', datasetOf(name), line);
  const there = session.estate.find(name);
  if (there !== undefined && isQuiet) return;
  if (there !== undefined && !isReplacing) throw new Refused(`line ${line}: ${name} exists already`);
  if (isReplacing && (there !== undefined || !session.isWide)) session.demand('bigquery.routines.update', there?.name ?? datasetOf(name), line);
  if (kind === 'FUNCTION') {
    while (!reader.done && !reader.is('REMOTE') && !reader.is('AS') && !reader.is('LANGUAGE')) reader.next();
    if (reader.accept('REMOTE', 'WITH', 'CONNECTION')) demandConnection(session, reader, ['bigquery.connections.delegate', 'bigquery.connections.use']);
    reader.rest();
    session.estate.add('routine', name, datasetOf(name), {});
    return;
  }
  if (reader.accept('OPTIONS')) options(reader, ['strict_mode', 'description']);
  reader.expect('BEGIN');
  const from = reader.peek()?.start ?? 0;
  const last = reader.tokens[reader.limit - 1];
  if (last?.text !== 'END') throw reader.unknown('a procedure that does not end with END');
  const source = reader.tokens
    .slice(reader.at, reader.limit - 1)
    .map((one) => one.raw)
    .join(' ');
  reader.rest();
  session.estate.add('routine', name, datasetOf(name), { body: from === 0 ? '' : source });
}

export function alterTable(session: Session, reader: Reader): void {
  const { line } = reader;
  const isQuiet = reader.accept('IF', 'EXISTS');
  const path = reader.path();
  if (isQuiet && session.estate.find(session.inside(path, line)) === undefined) return;
  const table = session.existing(path, line);
  session.demand('bigquery.tables.update', table.name, line);
  if (!session.isWide) session.demand('bigquery.tables.get', table.name, line);
  if (reader.accept('RENAME', 'TO')) {
    // The new name is one within the dataset: #alter_table_rename_to_statement
    const to = reader.next();
    reader.end();
    if (to.kind === 'quoted' && to.text.includes('.')) throw new Refused(`line ${line}: a table is renamed within its dataset`);
    const name = `${datasetOf(table.name)}/tables/${to.kind === 'quoted' ? to.text : to.raw}`;
    if (session.estate.find(name) !== undefined) throw new Refused(`line ${line}: ${name} exists already`);
    session.demand('bigquery.tables.create', datasetOf(table.name), line);
    session.demand('bigquery.tables.delete', table.name, line);
    session.estate.nodes.delete(table.name);
    session.estate.nodes.set(name, { ...table, name });
    return;
  }
  if (reader.accept('SET', 'OPTIONS')) {
    const given = options(reader, TABLE_OPTIONS);
    if (given.labels !== undefined) table.labels = given.labels;
    if (given.names.some((one) => EXPIRATIONS.includes(one))) session.demand('bigquery.tables.delete', table.name, line);
    reader.end();
    return;
  }
  if (!(reader.is('ADD') || reader.is('DROP') || reader.is('ALTER') || reader.is('RENAME', 'COLUMN')))
    throw reader.unknown(`ALTER TABLE … ${reader.peek()?.raw ?? ''}`);
  reader.rest();
}

export function dropRelation(session: Session, reader: Reader, relation: 'TABLE' | 'VIEW' | 'SNAPSHOT' | 'EXTERNAL'): void {
  const { line } = reader;
  const isQuiet = reader.accept('IF', 'EXISTS');
  const name = session.inside(reader.path(), line);
  reader.end();
  const table = session.estate.find(name);
  if (table === undefined && isQuiet) return;
  if (table === undefined) throw new Refused(`line ${line}: ${name} does not exist`);
  if (table.relation !== relation) throw new Refused(`line ${line}: ${name} is a ${table.relation}`);
  session.demand(deletionOf(table), name, line);
  if (relation !== 'SNAPSHOT' && !session.isWide) session.demand('bigquery.tables.get', name, line);
  session.estate.remove(name);
}

export function dropRoutine(session: Session, reader: Reader): void {
  const { line } = reader;
  const isQuiet = reader.accept('IF', 'EXISTS');
  const name = session.inside(reader.path(), line, 'routines');
  reader.end();
  if (session.estate.find(name) === undefined && isQuiet) return;
  session.estate.must(name, line);
  session.demand('bigquery.routines.delete', name, line);
  session.estate.remove(name);
}

/** https://docs.cloud.google.com/bigquery/docs/managing-row-level-security#required_permissions */
export function createRowPolicy(session: Session, reader: Reader): void {
  const { line } = reader;
  reader.accept('IF', 'NOT', 'EXISTS');
  reader.next();
  reader.expect('ON');
  const table = session.existing(reader.path(), line);
  reader.rest();
  session.demandAll(['bigquery.rowAccessPolicies.create', 'bigquery.rowAccessPolicies.setIamPolicy', 'bigquery.tables.getData'], table.name, line);
}

export function dropRowPolicies(session: Session, reader: Reader): void {
  const { line } = reader;
  while (!reader.done && !reader.accept('ON')) reader.next();
  const table = session.existing(reader.path(), line);
  reader.end();
  session.demandAll(['bigquery.rowAccessPolicies.delete', 'bigquery.rowAccessPolicies.setIamPolicy'], table.name, line);
}
