import { Refused } from './refusal.ts';
import type { Reader } from './tokens.ts';

/** A value of GoogleSQL, of the types that scripts of grants use. A struct keeps the order of its fields. */
export type Value = null | boolean | number | string | readonly Value[] | Struct;
export interface Struct {
  readonly [field: string]: Value;
}
export type Row = Struct;

export const isStruct = (value: Value | undefined): value is Struct => typeof value === 'object' && value !== null && !Array.isArray(value);
export const isList = (value: Value | undefined): value is readonly Value[] => Array.isArray(value);

/** Where names are looked up: the rows of the query, then those of the query around it, then variables. */
export interface Place {
  readonly rows: ReadonlyMap<string, Value>;
  readonly outer: Place | undefined;
  readonly variables: ReadonlyMap<string, Value>;
  /** The rows of a group, where there is one. */
  readonly group?: readonly Place[];
}
export type Expression = (place: Place) => Value;
export type Query = (place: Place) => readonly Row[];

/** Reads a query; given by queries.ts, which reads expressions in turn. */
export type ReadQuery = (reader: Reader) => Query;

/** Fields of a type such as ARRAY<STRUCT<a STRING, b STRING>>; undefined where it has none. */
export function typeFields(reader: Reader): readonly string[] | undefined {
  const fields: string[] = [];
  let depth = 0;
  let last = '';
  do {
    const token = reader.next();
    if (token.text === '<') depth += 1;
    else if (token.text === '>') depth -= 1;
    else if (token.text === '>>') depth -= 2;
    else if (token.kind === 'word' && last !== '' && !['ARRAY', 'STRUCT'].includes(last.toUpperCase())) fields.push(last);
    last = token.kind === 'word' && !['ARRAY', 'STRUCT'].includes(token.text) ? token.raw : '';
  } while (depth > 0 || reader.is('<'));
  return fields.length > 0 ? fields : undefined;
}

const AGGREGATES = ['COUNT', 'STRING_AGG', 'ARRAY_AGG', 'MAX', 'MIN', 'LOGICAL_OR', 'COUNTIF', 'SUM'];

export class ExpressionReader {
  private readonly readQuery: ReadQuery;
  /** Whether an aggregate was read. */
  aggregates = false;
  constructor(readQuery: ReadQuery) {
    this.readQuery = readQuery;
  }
  read(reader: Reader): Expression {
    let left = this.and(reader);
    while (reader.accept('OR')) {
      const [one, other] = [left, this.and(reader)];
      left = (place) => truth(one(place)) === true || truth(other(place));
    }
    return left;
  }
  private and(reader: Reader): Expression {
    let left = this.not(reader);
    while (reader.accept('AND')) {
      const [one, other] = [left, this.not(reader)];
      left = (place) => truth(one(place)) === true && truth(other(place));
    }
    return left;
  }
  private not(reader: Reader): Expression {
    if (!reader.accept('NOT')) return this.comparison(reader);
    const inner = this.not(reader);
    return (place) => {
      const value = inner(place);
      return value === null ? null : value !== true;
    };
  }
  private comparison(reader: Reader): Expression {
    const left = this.sum(reader);
    if (reader.accept('IS')) {
      const isNot = reader.accept('NOT');
      const wanted = reader.next().text;
      if (!['NULL', 'TRUE', 'FALSE'].includes(wanted)) throw reader.unknown(`IS ${wanted}`);
      const value = wanted === 'NULL' ? null : wanted === 'TRUE';
      return (place) => (left(place) === value) !== isNot;
    }
    const isNot = reader.accept('NOT');
    if (reader.accept('IN')) {
      const among = this.among(reader);
      return (place) => {
        const value = left(place);
        return value === null ? null : among(place).includes(value) !== isNot;
      };
    }
    if (reader.accept('LIKE')) {
      const right = this.sum(reader);
      return (place) => {
        const [one, wanted] = [left(place), right(place)];
        return one === null || wanted === null ? null : likeness(String(wanted)).test(String(one)) !== isNot;
      };
    }
    if (isNot) throw reader.unknown('NOT here');
    for (const operator of ['=', '!=', '<>', '<=', '>=', '<', '>']) {
      if (!reader.accept(operator)) continue;
      const right = this.sum(reader);
      return (place) => compare(operator, left(place), right(place));
    }
    return left;
  }
  private among(reader: Reader): (place: Place) => readonly Value[] {
    if (reader.accept('UNNEST')) {
      const inside = reader.parenthesis();
      const list = this.read(inside);
      inside.end();
      return (place) => {
        const value = list(place);
        return isList(value) ? value : [];
      };
    }
    const inside = reader.parenthesis();
    if (inside.is('SELECT') || inside.is('WITH')) {
      const query = this.readQuery(inside);
      return (place) => query(place).map((row) => Object.values(row)[0] ?? null);
    }
    const items = this.list(inside);
    return (place) => items.map((one) => one(place));
  }
  private list(reader: Reader): readonly Expression[] {
    const items: Expression[] = [];
    while (!reader.done) {
      if (items.length > 0) reader.expect(',');
      items.push(this.read(reader));
    }
    return items;
  }
  private sum(reader: Reader): Expression {
    let left = this.postfix(reader);
    for (;;) {
      const operator = ['||', '+', '-'].find((one) => reader.accept(one));
      if (operator === undefined) return left;
      const [one, other] = [left, this.postfix(reader)];
      left = (place) => {
        const [a, b] = [one(place), other(place)];
        if (a === null || b === null) return null;
        if (operator === '||') return typeof a === 'string' ? a + String(b) : isList(a) && isList(b) ? [...a, ...b] : null;
        return operator === '+' ? Number(a) + Number(b) : Number(a) - Number(b);
      };
    }
  }
  private postfix(reader: Reader): Expression {
    let left = this.primary(reader);
    for (;;) {
      if (reader.is('[')) {
        reader.next();
        const offset = reader.accept('OFFSET') || reader.accept('SAFE_OFFSET') ? reader.parenthesis() : reader;
        const [one, index] = [left, this.read(offset)];
        reader.expect(']');
        left = (place) => {
          const value = one(place);
          return isList(value) ? (value[Number(index(place))] ?? null) : null;
        };
      } else if (reader.peek()?.text === '.' && reader.peek()?.kind === 'symbol') {
        reader.next();
        const field = reader.next();
        const one = left;
        left = (place) => {
          const value = one(place);
          return isStruct(value) ? (value[field.kind === 'quoted' ? field.text : field.raw] ?? null) : null;
        };
      } else return left;
    }
  }
  private primary(reader: Reader): Expression {
    const token = reader.next();
    if (token.kind === 'string') return () => token.text;
    if (token.kind === 'number') return () => Number(token.text);
    if (token.kind === 'parameter') return (place) => variable(place, token.text, reader);
    if (token.text === '-' && token.kind === 'symbol') {
      const inner = this.postfix(reader);
      return (place) => -Number(inner(place));
    }
    if (token.text === '(' && token.kind === 'symbol') {
      reader.at -= 1;
      const inside = reader.parenthesis();
      if (inside.is('SELECT') || inside.is('WITH')) {
        const query = this.readQuery(inside);
        return (place) => {
          const rows = query(place);
          if (rows.length > 1) throw new Refused(`line ${token.line}: a scalar subquery gives more than one row`);
          const row = rows[0];
          return row === undefined ? null : (Object.values(row)[0] ?? null);
        };
      }
      const items = this.list(inside);
      if (items.length === 1 && items[0] !== undefined) return items[0];
      return (place) => Object.fromEntries(items.map((one, index) => [`_${index}`, one(place)]));
    }
    if (token.text === '[' && token.kind === 'symbol') return this.array(reader, undefined);
    if (token.kind === 'quoted') return (place) => name(place, token.text, token.line);
    if (token.kind !== 'word') throw reader.unknown(`"${token.raw}"`);
    switch (token.text) {
      case 'NULL':
        return () => null;
      case 'TRUE':
      case 'FALSE':
        return () => token.text === 'TRUE';
      case 'CASE':
        return this.cases(reader);
      case 'INTERVAL': {
        const amount = Number(reader.next().text);
        const hours = HOURS[reader.next().text];
        if (hours === undefined) throw reader.unknown('INTERVAL of that');
        return () => amount * hours;
      }
      case 'EXISTS': {
        const query = this.readQuery(reader.parenthesis());
        return (place) => query(place).length > 0;
      }
      case 'ARRAY': {
        if (reader.is('(')) {
          const query = this.readQuery(reader.parenthesis());
          return (place) =>
            query(place).map((row) =>
              '' in row ? (row[''] ?? null) : Object.keys(row).length === 1 && !STRUCTS.has(row) ? (Object.values(row)[0] ?? null) : row,
            );
        }
        let fields: readonly string[] | undefined;
        if (reader.is('<')) {
          reader.at -= 1;
          fields = typeFields(reader);
        }
        reader.expect('[');
        return this.array(reader, fields);
      }
      case 'STRUCT': {
        if (reader.is('<')) {
          reader.at -= 1;
          const fields = typeFields(reader) ?? [];
          const items = this.list(reader.parenthesis());
          return (place) => Object.fromEntries(items.map((one, index) => [fields[index] ?? `_${index}`, one(place)]));
        }
        const inside = reader.parenthesis();
        const items: [string, Expression][] = [];
        while (!inside.done) {
          if (items.length > 0) inside.expect(',');
          const from = inside.peek();
          const one = this.read(inside);
          const isName = from?.kind === 'word' && (inside.peek(-1) === from || inside.peek(-2)?.text === '.');
          items.push([inside.accept('AS') ? inside.next().raw : isName ? (inside.peek(-1)?.raw ?? '') : `_${items.length}`, one]);
        }
        return (place) => Object.fromEntries(items.map(([field, one]) => [field, one(place)]));
      }
      default:
    }
    if (reader.is('(')) return this.call(token.text, reader);
    return (place) => name(place, token.raw, token.line);
  }
  private array(reader: Reader, fields: readonly string[] | undefined): Expression {
    const items: Expression[] = [];
    while (!reader.accept(']')) {
      if (items.length > 0) reader.expect(',');
      items.push(this.read(reader));
    }
    return (place) => {
      const values = items.map((one) => one(place));
      const names = fields ?? (isStruct(values[0]) ? Object.keys(values[0]) : undefined);
      return names === undefined
        ? values
        : values.map((one) => (isStruct(one) ? Object.fromEntries(Object.values(one).map((value, index) => [names[index] ?? `_${index}`, value])) : one));
    };
  }
  private cases(reader: Reader): Expression {
    const subject = reader.is('WHEN') ? undefined : this.read(reader);
    const branches: [Expression, Expression][] = [];
    let otherwise: Expression = () => null;
    while (reader.accept('WHEN')) {
      const condition = this.read(reader);
      reader.expect('THEN');
      branches.push([condition, this.read(reader)]);
    }
    if (reader.accept('ELSE')) otherwise = this.read(reader);
    reader.expect('END');
    return (place) => {
      for (const [condition, value] of branches) {
        const met = condition(place);
        if (subject === undefined ? met === true : compare('=', subject(place), met) === true) return value(place);
      }
      return otherwise(place);
    };
  }
  private call(called: string, reader: Reader): Expression {
    const inside = reader.parenthesis();
    if (AGGREGATES.includes(called)) return this.aggregate(called, inside);
    const items = called === 'EXTRACT' ? [] : this.list(inside);
    if (called === 'CURRENT_TIMESTAMP') return (place) => variable(place, '@@now', reader);
    if (called === 'SESSION_USER') return (place) => variable(place, '@@user', reader);
    const known = FUNCTIONS[called];
    if (known === undefined) throw inside.unknown(`the function ${called}`);
    return (place) =>
      known(
        items.map((one) => one(place)),
        reader.line,
      );
  }
  private aggregate(called: string, inside: Reader): Expression {
    this.aggregates = true;
    const isDistinct = inside.accept('DISTINCT');
    if (inside.accept('*')) return (place) => place.group?.length ?? 0;
    const value = this.read(inside);
    const separator = inside.accept(',') ? this.read(inside) : (): Value => ',';
    let order: Expression | undefined;
    if (inside.accept('ORDER', 'BY')) order = this.read(inside);
    inside.accept('IGNORE', 'NULLS');
    if (inside.accept('LIMIT')) throw inside.unknown('LIMIT in an aggregate');
    inside.end();
    return (place) => {
      const places = [...(place.group ?? [])];
      if (order !== undefined) places.sort((a, b) => (String(order(a)) < String(order(b)) ? -1 : 1));
      let values = places.map((one) => value(one)).filter((one) => one !== null);
      if (isDistinct) values = [...new Map(values.map((one) => [JSON.stringify(one), one])).values()];
      if (called === 'COUNT') return values.length;
      if (called === 'COUNTIF') return values.filter((one) => one === true).length;
      if (called === 'ARRAY_AGG') return values;
      if (called === 'LOGICAL_OR') return values.includes(true);
      if (called === 'SUM') return values.reduce<number>((all, one) => all + Number(one), 0);
      if (values.length === 0) return null;
      if (called === 'STRING_AGG') return values.join(String(separator(place)));
      return [...values].sort((a, b) => (String(a) < String(b) ? -1 : 1)).at(called === 'MIN' ? 0 : -1) ?? null;
    };
  }
}

/** Rows that SELECT AS STRUCT made: they stay structs though they have one field. */
export const STRUCTS = new WeakSet<object>();

const truth = (value: Value): boolean | null => (value === null ? null : value === true);

function compare(operator: string, left: Value, right: Value): boolean | null {
  if (left === null || right === null) return null;
  if (operator === '=') return left === right;
  if (operator === '!=' || operator === '<>') return left !== right;
  const [a, b] = typeof left === 'number' ? [left, Number(right)] : [String(left), String(right)];
  return operator === '<' ? a < b : operator === '>' ? a > b : operator === '<=' ? a <= b : a >= b;
}

function variable(place: Place, text: string, reader: Reader): Value {
  for (let at: Place | undefined = place; at !== undefined; at = at.outer) {
    const value = at.variables.get(text);
    if (value !== undefined) return value;
  }
  throw reader.unknown(`the variable ${text}`);
}

/** A column of a row, a row, or a variable; names differ in case without differing. */
function name(place: Place, text: string, line: number): Value {
  const wanted = text.toLowerCase();
  for (let at: Place | undefined = place; at !== undefined; at = at.outer) {
    for (const [alias, row] of at.rows) {
      if (isStruct(row)) for (const [column, value] of Object.entries(row)) if (column.toLowerCase() === wanted) return value;
      if (alias.toLowerCase() === wanted) return row;
    }
  }
  for (const [variable, value] of place.variables) if (variable.toLowerCase() === wanted) return value;
  throw new Refused(`line ${line}: unrecognized name: ${text}`);
}

const HOURS: Readonly<Record<string, number>> = { DAY: 24, HOUR: 1, MINUTE: 1 / 60 };

/** `_` is any character, `%` any text: https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/operators#like_operator */
const likeness = (wanted: string): RegExp =>
  new RegExp(
    `^${wanted.replaceAll(/\\?[\s\S]/g, (one) => (one === '%' ? '[\\s\\S]*' : one === '_' ? '[\\s\\S]' : (one.at(-1) ?? '').replace(/[.*+?^${}()|[\]\\/]/, '\\$&')))}$`,
  );

const pattern = (text: string): RegExp => (text.startsWith('(?i)') ? new RegExp(text.slice(4), 'iu') : new RegExp(text, 'u'));
const text = (value: Value | undefined): string => String(value ?? '');
type Known = (args: readonly Value[], line: number) => Value;
const strict =
  (made: Known): Known =>
  (args, line) =>
    args.includes(null) ? null : made(args, line);

const FUNCTIONS: Readonly<Record<string, Known>> = {
  FORMAT: strict(([format, ...values]) => {
    let at = 0;
    return text(format).replaceAll(/%([sdt%])/gi, (_, kind: string) => (kind === '%' ? '%' : text(values[at++])));
  }),
  CONCAT: strict((args) => args.map(text).join('')),
  LOWER: strict(([one]) => text(one).toLowerCase()),
  UPPER: strict(([one]) => text(one).toUpperCase()),
  REPLACE: strict(([one, from, to]) => text(one).replaceAll(text(from), text(to))),
  STRPOS: strict(([one, wanted]) => text(one).indexOf(text(wanted)) + 1),
  STARTS_WITH: strict(([one, wanted]) => text(one).startsWith(text(wanted))),
  ENDS_WITH: strict(([one, wanted]) => text(one).endsWith(text(wanted))),
  REGEXP_CONTAINS: strict(([one, wanted]) => pattern(text(wanted)).test(text(one))),
  REGEXP_REPLACE: strict(([one, wanted, to]) => text(one).replaceAll(new RegExp(pattern(text(wanted)).source, 'gu'), text(to).replaceAll(/\\(\d)/g, '$$$1'))),
  REGEXP_EXTRACT: strict(([one, wanted]) => {
    const found = pattern(text(wanted)).exec(text(one));
    return found === null ? null : (found[1] ?? found[0]);
  }),
  SPLIT: strict(([one, separator]) => text(one).split(text(separator ?? ','))),
  SUBSTR: strict(([one, from, length]) => text(one).slice(Number(from) - 1, length === undefined ? undefined : Number(from) - 1 + Number(length))),
  TRIM: strict(([one]) => text(one).trim()),
  ARRAY_LENGTH: strict(([one]) => (isList(one) ? one.length : null)),
  ARRAY_CONCAT: strict((args) => args.flatMap((one) => (isList(one) ? one : []))),
  ARRAY_TO_STRING: strict(([one, separator]) => (isList(one) ? one.map(text).join(text(separator)) : null)),
  GREATEST: strict((args) => [...args].sort().at(-1) ?? null),
  COALESCE: (args) => args.find((one) => one !== null) ?? null,
  IFNULL: (args) => args[0] ?? args[1] ?? null,
  NULLIF: ([one, other]) => (one === other ? null : (one ?? null)),
  IF: ([condition, yes, no]) => (condition === true ? (yes ?? null) : (no ?? null)),
  TIMESTAMP_SUB: strict(([from, hours]) => new Date(Date.parse(text(from)) - Number(hours) * 3_600_000).toISOString()),
  TIMESTAMP: ([one]) => one ?? null,
  ERROR: ([message], line) => {
    throw new Refused(`line ${line}: ${text(message)}`);
  },
};
