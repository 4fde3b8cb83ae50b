import { datasetOf } from './estate.ts';
import { Refused } from './refusal.ts';
import type { Session } from './session.ts';
import type { Reader } from './tokens.ts';

/**
 * What changes rows. "Required permissions" of https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax: updateData
 * on the table, and getData where rows are looked at; the narrow reading wants both always.
 */

function target(session: Session, reader: Reader, isLooking: boolean): void {
  const { line } = reader;
  const table = session.existing(reader.path(), line);
  if (table.relation !== 'TABLE') throw new Refused(`line ${line}: ${table.name} is a ${table.relation}, which cannot be changed`);
  session.demand('bigquery.tables.updateData', table.name, line);
  if (isLooking && !session.isWide) session.demand('bigquery.tables.getData', table.name, line);
}

export function insert(session: Session, reader: Reader): void {
  reader.accept('INTO');
  target(session, reader, false);
  session.read(reader.rest());
}

export function update(session: Session, reader: Reader): void {
  target(session, reader, true);
  session.read(reader.rest());
}

export function deleteFrom(session: Session, reader: Reader): void {
  reader.accept('FROM');
  target(session, reader, true);
  session.read(reader.rest());
}

export function merge(session: Session, reader: Reader): void {
  reader.accept('INTO');
  target(session, reader, true);
  // USING names what is read as FROM does.
  while (!reader.done && !reader.accept('USING')) reader.next();
  if (!reader.is('(')) {
    const { line } = reader;
    session.demandData(session.existing(reader.path(), line), line);
  }
  session.read(reader.rest());
}

export function truncate(session: Session, reader: Reader): void {
  reader.expect('TABLE');
  target(session, reader, true);
  reader.end();
}

/** https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/load-statements; the bucket is one's own. */
export function load(session: Session, reader: Reader): void {
  const { line } = reader;
  reader.expect('DATA');
  const isOver = reader.accept('OVERWRITE');
  if (!isOver) reader.expect('INTO');
  const name = session.inside(reader.path(), line);
  session.estate.must(datasetOf(name), line);
  if (reader.is('(')) reader.parenthesis();
  reader.expect('FROM', 'FILES');
  reader.parenthesis();
  reader.end();
  const there = session.estate.find(name);
  if (there === undefined) {
    session.demandAll(['bigquery.tables.create', 'bigquery.tables.updateData'], datasetOf(name), line);
    session.estate.add('table', name, datasetOf(name), { relation: 'TABLE' });
    return;
  }
  session.demandAll(
    session.isWide ? ['bigquery.tables.updateData'] : ['bigquery.tables.create', 'bigquery.tables.update', 'bigquery.tables.updateData'],
    name,
    line,
  );
}

/** https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/export-statements ("Required permissions"); the bucket is one's own. */
export function exportData(session: Session, reader: Reader): void {
  const { line } = reader;
  reader.expect('DATA');
  if (reader.accept('WITH', 'CONNECTION')) throw reader.unknown('EXPORT DATA WITH CONNECTION');
  reader.expect('OPTIONS');
  reader.parenthesis();
  reader.expect('AS');
  const names = session.read(reader.rest());
  if (!session.isWide) for (const name of names) session.demand('bigquery.tables.export', name, line);
}
