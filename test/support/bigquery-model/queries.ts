import { datasetOf, projectOf } from './estate.ts';
import { type Expression, ExpressionReader, isList, isStruct, type Place, type Query, type Row, STRUCTS, type Value } from './expressions.ts';
import { NotModelled, Refused } from './refusal.ts';
import type { Session } from './session.ts';
import type { Reader } from './tokens.ts';

/**
 * Queries whose rows decide what a script does: on lists, on tables whose rows are known, and on the information schema.
 * https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax
 */

type Source = (place: Place) => readonly Row[];
interface Item {
  readonly alias: string;
  readonly source: Source;
  readonly on: Expression | undefined;
}
interface Column {
  readonly name: string;
  readonly value: Expression | '*';
}

export class QueryReader {
  private readonly session: Session;
  private readonly named = new Map<string, Query>();
  constructor(session: Session) {
    this.session = session;
  }
  /** An expression outside of a query. */
  expression(reader: Reader): Expression {
    return new ExpressionReader((inside) => this.query(inside)).read(reader);
  }
  query(reader: Reader): Query {
    if (reader.accept('WITH')) {
      do {
        const name = reader.next().raw;
        reader.expect('AS');
        this.named.set(name.toLowerCase(), this.query(reader.parenthesis()));
      } while (reader.accept(','));
    }
    const parts = [this.select(reader)];
    while (reader.accept('UNION', 'ALL')) parts.push(this.select(reader));
    if (reader.is('UNION') || reader.is('EXCEPT') || reader.is('INTERSECT')) throw reader.unknown(reader.peek()?.raw ?? '');
    const order = this.tail(reader);
    reader.end();
    return (place) => {
      const [first = [], ...others] = parts.map((one) => one(place));
      const names = Object.keys(first[0] ?? {});
      const rows = [
        ...first,
        ...others.flat().map((row) => {
          if (names.length === 0) return row;
          const renamed = Object.fromEntries(Object.values(row).map((value, index) => [names[index] ?? `_${index}`, value]));
          if (STRUCTS.has(row)) STRUCTS.add(renamed);
          return renamed;
        }),
      ];
      return order(rows, place);
    };
  }
  /** ORDER BY and LIMIT. */
  private tail(reader: Reader): (rows: readonly Row[], place: Place) => readonly Row[] {
    let keys: { readonly value: Expression; readonly isDown: boolean }[] = [];
    if (reader.accept('ORDER', 'BY')) {
      keys = [];
      do {
        const value = this.expression(reader);
        const isDown = reader.accept('DESC');
        reader.accept('ASC');
        keys.push({ value, isDown });
      } while (reader.accept(','));
    }
    const limit = reader.accept('LIMIT') ? Number(reader.next().text) : undefined;
    return (rows, place) => {
      const sorted = [...rows].sort((a, b) => {
        for (const { value, isDown } of keys) {
          const [x, y] = [a, b].map((row) => String(value({ ...place, rows: new Map([['', row]]), outer: place })));
          if (x !== y) return (x ?? '') < (y ?? '') === isDown ? 1 : -1;
        }
        return 0;
      });
      return limit === undefined ? sorted : sorted.slice(0, limit);
    };
  }
  private select(reader: Reader): Query {
    if (reader.is('(')) {
      const inside = reader.parenthesis();
      return this.query(inside);
    }
    reader.expect('SELECT');
    const isDistinct = reader.accept('DISTINCT');
    reader.accept('ALL');
    const isStructs = reader.accept('AS', 'STRUCT');
    const expressions = new ExpressionReader((inside) => this.query(inside));
    const columns: Column[] = [];
    do {
      if (reader.is('FROM')) break;
      if (reader.accept('*')) {
        columns.push({ name: '*', value: '*' });
        continue;
      }
      const value = expressions.read(reader);
      const last = reader.peek(-1);
      const isPath = last?.kind === 'word' || last?.kind === 'quoted';
      const name = reader.accept('AS')
        ? reader.next()
        : reader.peek()?.kind === 'word' && !CLAUSES.has(reader.peek()?.text ?? '')
          ? reader.next()
          : isPath
            ? last
            : undefined;
      columns.push({ name: name === undefined ? `f${columns.length}_` : name.kind === 'quoted' ? name.text : name.raw, value });
    } while (reader.accept(','));
    const items = reader.accept('FROM') ? this.items(reader) : [];
    const where = reader.accept('WHERE') ? this.expression(reader) : undefined;
    let groups: Expression[] | undefined;
    if (reader.accept('GROUP', 'BY')) {
      groups = [];
      do groups.push(this.groupKey(reader, columns));
      while (reader.accept(','));
    }
    const having = reader.accept('HAVING') ? expressions.read(reader) : undefined;
    const isAggregate = expressions.aggregates || groups !== undefined;
    return (place) => {
      let places = this.joined(items, place);
      if (where !== undefined) places = places.filter((one) => where(one) === true);
      if (isAggregate) places = grouped(places, groups ?? [], place);
      if (having !== undefined) places = places.filter((one) => having(one) === true);
      const rows = places.map((one) => {
        const row = Object.fromEntries(columns.flatMap(({ name, value }) => (value === '*' ? starred(one) : [[name, value(one)] as const])));
        if (isStructs) STRUCTS.add(row);
        return row;
      });
      return isDistinct ? [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()] : rows;
    };
  }
  private groupKey(reader: Reader, columns: readonly Column[]): Expression {
    const token = reader.peek();
    const next = reader.peek(1);
    const named =
      token?.kind === 'word' && (next === undefined || next.text === ',' || CLAUSES.has(next.text))
        ? columns.find(({ name }) => name === token.raw)
        : undefined;
    if (named === undefined || named.value === '*') return this.expression(reader);
    reader.next();
    return named.value;
  }
  private items(reader: Reader): readonly Item[] {
    const items: Item[] = [this.item(reader)];
    for (;;) {
      if (reader.accept(',') || reader.accept('CROSS', 'JOIN') || reader.accept('JOIN') || reader.accept('INNER', 'JOIN')) items.push(this.item(reader));
      else if (reader.is('LEFT') || reader.is('RIGHT') || reader.is('FULL')) throw reader.unknown(`${reader.peek()?.raw ?? ''} JOIN`);
      else return items;
    }
  }
  private item(reader: Reader): Item {
    let source: Source;
    let own = '';
    if (reader.is('(')) {
      const query = this.query(reader.parenthesis());
      source = query;
    } else if (reader.accept('UNNEST')) {
      const inside = reader.parenthesis();
      const list = this.expression(inside);
      inside.end();
      source = (place) => {
        const value = list(place);
        if (value !== null && !isList(value)) throw new Refused(`line ${inside.line}: UNNEST of what is no array`);
        return (value ?? []).map((one) => (isStruct(one) ? one : { '': one }));
      };
    } else {
      const { line, at } = reader;
      const path = reader.path();
      own = path.at(-1) ?? '';
      const named = path.length === 1 ? this.named.get(own.toLowerCase()) : undefined;
      source = named ?? ((): readonly Row[] => this.rows(path, line, reader, at));
    }
    const alias = reader.accept('AS') ? reader.next().raw : reader.peek()?.kind === 'word' && !CLAUSES.has(reader.peek()?.text ?? '') ? reader.next().raw : own;
    const on = reader.accept('ON') ? this.expression(reader) : undefined;
    return { alias, source, on };
  }
  private joined(items: readonly Item[], place: Place): readonly Place[] {
    let places: readonly Place[] = [{ ...place, rows: new Map(), outer: place }];
    for (const [index, { alias: given, source, on }] of items.entries()) {
      const alias = given === '' ? `${index}` : given;
      places = places.flatMap((left) =>
        source(left)
          .map((row): Place => ({ ...left, rows: new Map([...left.rows, [alias, '' in row && Object.keys(row).length === 1 ? (row[''] ?? null) : row]]) }))
          .filter((one) => on === undefined || on(one) === true),
      );
    }
    return places;
  }

  /** The rows of a table, or of a view of the information schema. */
  private rows(path: readonly string[], line: number, reader: Reader, at: number): readonly Row[] {
    const { estate } = this.session;
    const cut = path.findIndex((part) => part.toUpperCase() === 'INFORMATION_SCHEMA');
    if (cut === -1) {
      const table = this.session.existing(path, line);
      if (table.rows === undefined) throw new NotModelled(`what is in ${table.name}`, line);
      return table.rows as readonly Row[];
    }
    const container = path[cut - 1];
    const isRegion = container === undefined || /^region-/i.test(container);
    const project = path[cut - 2] ?? this.session.project;
    const view = (path[cut + 1] ?? '').toUpperCase();
    const datasets = estate.children(`projects/${project}`).filter((one) => one.kind === 'dataset' && (isRegion || one.name.endsWith(`/${container}`)));
    const last = (name: string): string => name.split('/').at(-1) ?? '';
    switch (view) {
      case 'SCHEMATA':
        return datasets.map((one) => ({
          catalog_name: project,
          schema_name: last(one.name),
          location: 'US',
          creation_time: one.created ?? '2026-01-01',
          last_modified_time: '2026-01-01',
        }));
      case 'SCHEMATA_OPTIONS':
        return datasets
          .filter((one) => Object.keys(one.labels).length > 0)
          .map((one) => ({
            catalog_name: project,
            schema_name: last(one.name),
            option_name: 'labels',
            option_type: 'ARRAY<STRUCT<STRING, STRING>>',
            option_value: `[${Object.entries(one.labels)
              .map(([key, value]) => `STRUCT("${key}", "${value}")`)
              .join(', ')}]`,
          }));
      case 'TABLES':
        return datasets.flatMap((dataset) =>
          estate
            .children(dataset.name)
            .flatMap((one) =>
              one.kind === 'table'
                ? [{ table_catalog: project, table_schema: last(dataset.name), table_name: last(one.name), table_type: TABLE_TYPES[one.relation ?? 'TABLE'] }]
                : [],
            ),
        );
      case 'TABLE_OPTIONS':
        return datasets.flatMap((dataset) =>
          estate.children(dataset.name).flatMap((one) =>
            Object.entries(one.options ?? {}).map(([name, value]) => ({
              table_schema: last(dataset.name),
              table_name: last(one.name),
              option_name: name,
              option_value: value,
            })),
          ),
        );
      case 'OBJECT_PRIVILEGES': {
        // "queries must contain a WHERE clause that limits the query to a single dataset, or a table or view": https://docs.cloud.google.com/bigquery/docs/information-schema-object-privileges
        const limited = reader.tokens
          .slice(at)
          .findIndex(
            (token, index, all) => token.text === 'OBJECT_NAME' && all[index + 1]?.text === '=' && ['string', 'parameter'].includes(all[index + 2]?.kind ?? ''),
          );
        if (limited === -1) throw new Refused(`line ${line}: OBJECT_PRIVILEGES without object_name = …`);
        const literal = (column: string): string | undefined => {
          const from = reader.tokens.slice(at).findIndex((token, index, all) => token.text === column && all[index + 1]?.text === '=');
          const token = from === -1 ? undefined : reader.tokens[at + from + 2];
          return token?.kind === 'string' ? token.text : undefined;
        };
        const [schema, name] = [literal('OBJECT_SCHEMA'), literal('OBJECT_NAME')];
        if (!this.session.isWide && schema !== undefined && estate.find(`projects/${project}/datasets/${schema}/tables/${name}`) === undefined)
          throw new Refused(`line ${line}: Not found: Table ${project}:${schema}.${name}`);
        return datasets
          .flatMap((dataset) => [dataset, ...estate.children(dataset.name).filter((one) => one.kind === 'table')])
          .filter((one) => this.session.may(one.kind === 'dataset' ? 'bigquery.datasets.getIamPolicy' : 'bigquery.tables.getIamPolicy', one.name))
          .flatMap((one) =>
            one.policy.map(({ role, member }) => ({
              object_catalog: projectOf(one.name),
              object_schema: one.kind === 'dataset' ? null : last(datasetOf(one.name)),
              object_name: last(one.name),
              object_type: one.kind === 'dataset' ? 'SCHEMA' : (one.relation ?? 'TABLE'),
              privilege_type: role,
              grantee: member,
            })),
          );
      }
      case 'JOBS_BY_PROJECT':
        return (estate.must(`projects/${project}`, line).rows ?? []) as readonly Row[];
      default:
        throw new NotModelled(`rows of INFORMATION_SCHEMA.${view}`, line);
    }
  }
}

const TABLE_TYPES = { TABLE: 'BASE TABLE', VIEW: 'VIEW', SNAPSHOT: 'SNAPSHOT', EXTERNAL: 'EXTERNAL' } as const;

const starred = (place: Place): readonly (readonly [string, Value])[] =>
  [...place.rows].flatMap(([alias, row]): readonly (readonly [string, Value])[] => (isStruct(row) ? Object.entries(row) : [[alias, row]]));

function grouped(places: readonly Place[], keys: readonly Expression[], around: Place): readonly Place[] {
  if (keys.length === 0) return [{ ...around, rows: new Map(), outer: around, group: places }];
  const found = new Map<string, Place[]>();
  for (const place of places) {
    const key = JSON.stringify(keys.map((one) => one(place)));
    found.set(key, [...(found.get(key) ?? []), place]);
  }
  return [...found.values()].map((group) => ({ ...(group[0] ?? around), group }));
}

const CLAUSES: ReadonlySet<string> = new Set(
  'FROM WHERE GROUP HAVING ORDER LIMIT UNION JOIN LEFT INNER CROSS ON AS EXCEPT INTERSECT WINDOW QUALIFY DO'.split(' '),
);
