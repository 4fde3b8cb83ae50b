import { evaluate, type Surroundings, UNKNOWN, type Value } from './expressions.ts';
import { Reader, type Statement, type Token } from './tokens.ts';

/** A row by the names of its columns, as they are stored. */
export type Row = Readonly<Record<string, Value>>;
/** The rows of something that is named in a FROM; undefined where they are not known. */
export type Source = (name: readonly string[]) => readonly Row[] | undefined;

interface Named {
  readonly alias: string;
  readonly rows: readonly Row[];
  readonly on: Statement | undefined;
  /** Whether a row without a match stays. */
  readonly isLeft: boolean;
}

const word = (token: Token | undefined, ...texts: readonly string[]): boolean => token?.kind === 'word' && texts.includes(token.text);
const part = (statement: Statement, tokens: readonly Token[]): Statement => ({ ...statement, tokens });

/**
 * What a plain SELECT says where all that it reads is known: items with at most one aggregate around them, sources joined by inner
 * joins, a WHERE. Undefined for every other query, and wherever a row is in doubt.
 */
export function select(query: Statement, around: Surroundings, source: Source, scanned: readonly Row[] | undefined): readonly Row[] | undefined {
  if (!word(query.tokens[0], 'SELECT')) return undefined;
  const clauses = cut(query.tokens);
  if (clauses.get('GROUP') !== undefined || clauses.get('HAVING') !== undefined || clauses.get('UNION') !== undefined || clauses.get('QUALIFY') !== undefined) {
    return undefined;
  }
  const from = clauses.get('FROM');
  const sources = from === undefined ? [] : sourcesOf(part(query, from), around, source, scanned);
  if (sources === undefined) return undefined;
  const rows = joined(sources, around);
  if (rows === undefined) return undefined;
  const where = clauses.get('WHERE');
  const kept: Combined[] = [];
  for (const row of rows) {
    const fits = where === undefined ? true : worth(part(query, where), within(row, around));
    if (fits === UNKNOWN) return undefined;
    if (fits === true) kept.push(row);
  }
  const made = project(query, clauses.get('SELECT') ?? [], kept, around);
  return made === undefined ? undefined : ordered(made, clauses.get('ORDER') ?? []);
}

const CLAUSES = ['SELECT', 'FROM', 'WHERE', 'GROUP', 'HAVING', 'ORDER', 'UNION', 'QUALIFY', 'LIMIT'];

/** The tokens of each clause, without its first word. */
function cut(tokens: readonly Token[]): ReadonlyMap<string, readonly Token[]> {
  const found = new Map<string, Token[]>();
  let open: Token[] = [];
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (token.kind === 'symbol') depth += token.text === '(' ? 1 : token.text === ')' ? -1 : 0;
    if (depth === 0 && word(token, ...CLAUSES) && !word(tokens[at - 1], 'WITHIN')) {
      open = [];
      found.set(token.text, open);
    } else open.push(token);
  }
  return found;
}

type Combined = ReadonlyMap<string, Row>;

function within(row: Combined, around: Surroundings): Surroundings {
  return {
    ...around,
    variable: (name, reader) => {
      const [first = '', second] = name.split('.');
      if (second !== undefined && row.has(first)) return row.get(first)?.[second] ?? null;
      const holder = [...row.values()].find((one) => first in one);
      return second === undefined && holder !== undefined ? (holder[first] ?? null) : around.variable(name, reader);
    },
  };
}

function worth(text: Statement, around: Surroundings): Value {
  const reader = new Reader(text);
  const value = evaluate(reader, around);
  reader.end();
  return value;
}

function sourcesOf(from: Statement, around: Surroundings, source: Source, scanned: readonly Row[] | undefined): readonly Named[] | undefined {
  const reader = new Reader(from);
  const found: Named[] = [];
  let isLeft = false;
  for (;;) {
    const rows = rowsOf(reader, around, source, scanned);
    if (rows === undefined) return undefined;
    reader.accept('AS');
    const alias =
      !reader.done && !reader.is(',') && !reader.is('INNER') && !reader.is('JOIN') && !reader.is('ON') && !reader.is('LEFT')
        ? reader.part()
        : `#${found.length}`;
    let on: Statement | undefined;
    if (reader.accept('ON')) {
      const condition: Token[] = [];
      while (!reader.done && !reader.is('INNER') && !reader.is('JOIN') && !reader.is('LEFT')) condition.push(reader.next());
      on = part(from, condition);
    }
    found.push({ alias, rows, on, isLeft });
    isLeft = reader.accept('LEFT', 'JOIN');
    if (!isLeft && !reader.accept(',') && !reader.accept('INNER', 'JOIN') && !reader.accept('JOIN')) return reader.done ? found : undefined;
  }
}

function rowsOf(reader: Reader, around: Surroundings, source: Source, scanned: readonly Row[] | undefined): readonly Row[] | undefined {
  if (reader.accept('TABLE', '(', 'RESULT_SCAN', '(', 'LAST_QUERY_ID', '(', ')', ')', ')')) return scanned;
  if (reader.accept('LATERAL', 'FLATTEN') || reader.accept('TABLE', '(', 'FLATTEN')) {
    const inside = new Reader(part(reader.statement, reader.parenthesis()));
    reader.accept(')');
    if (!inside.accept('INPUT', '=>')) return undefined;
    const list = evaluate(inside, around);
    return Array.isArray(list) ? list.map((value) => ({ VALUE: value })) : undefined;
  }
  if (reader.peek()?.kind === 'symbol' || reader.is('TABLE') || reader.is('VALUES')) return undefined;
  return source(reader.name());
}

function joined(sources: readonly Named[], around: Surroundings): readonly Combined[] | undefined {
  let rows: Combined[] = [new Map()];
  for (const { alias, rows: more, on, isLeft } of sources) {
    const next: Combined[] = [];
    for (const row of rows) {
      const before = next.length;
      for (const one of more) {
        const both = new Map([...row, [alias, one]]);
        const fits = on === undefined ? true : worth(on, within(both, around));
        if (fits === UNKNOWN) return undefined;
        if (fits === true) next.push(both);
      }
      if (isLeft && next.length === before) next.push(new Map([...row, [alias, {}]]));
    }
    rows = next;
  }
  return rows;
}

/** ORDER BY columns of the result; anything else stays as it came. */
function ordered(rows: readonly Row[], clause: readonly Token[]): readonly Row[] {
  const columns = clause.filter(({ kind }) => kind === 'word' || kind === 'quoted').map(({ text }) => text);
  const [, ...by] = columns;
  if (by.length === 0 || rows.some((row) => by.some((column) => !(column in row)))) return rows;
  const key = (row: Row): string => JSON.stringify(by.map((column) => String(row[column] ?? '')));
  return rows.toSorted((one, other) => (key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0));
}

interface Item {
  readonly name: string;
  readonly text: Statement;
}

function project(query: Statement, list: readonly Token[], rows: readonly Combined[], around: Surroundings): readonly Row[] | undefined {
  if (list.length === 1 && list[0]?.text === '*') return rows.map((row) => Object.assign({}, ...row.values()) as Row);
  const isDistinct = word(list[0], 'DISTINCT');
  const items = itemsOf(query, isDistinct ? list.slice(1) : list);
  const aggregates = items.map(({ text }) => aggregateOf(text));
  if (aggregates.some((one) => one !== undefined)) {
    const made = items.map(({ name, text }, at): [string, Value] => {
      const aggregate = aggregates[at];
      if (aggregate === undefined) return [name, holdsAggregate(text) ? UNKNOWN : worth(text, around)];
      return [name, sumUp(aggregate, rows, around)];
    });
    return [Object.fromEntries(made)];
  }
  if (items.some(({ text }) => holdsAggregate(text))) return undefined;
  const made = rows.map((row) => Object.fromEntries(items.map(({ name, text }): [string, Value] => [name, worth(text, within(row, around))])));
  if (!isDistinct) return made;
  return made.filter((row, at) => made.findIndex((other) => JSON.stringify(Object.values(other)) === JSON.stringify(Object.values(row))) === at);
}

function itemsOf(query: Statement, list: readonly Token[]): readonly Item[] {
  const pieces: Token[][] = [[]];
  let depth = 0;
  for (const token of list) {
    if (token.kind === 'symbol') depth += token.text === '(' ? 1 : token.text === ')' ? -1 : 0;
    if (word(token, 'CASE')) depth += 1;
    if (word(token, 'END')) depth -= 1;
    if (depth === 0 && token.kind === 'symbol' && token.text === ',') pieces.push([]);
    else pieces.at(-1)?.push(token);
  }
  return pieces.map((piece, at) => {
    const isNamed = word(piece.at(-2), 'AS');
    const name = isNamed ? (piece.at(-1)?.text ?? '') : piece.length === 1 ? (piece[0]?.text ?? '') : `#${at}`;
    return { name, text: part(query, isNamed ? piece.slice(0, -2) : piece) };
  });
}

const AGGREGATES = ['LISTAGG', 'COUNT', 'COUNT_IF', 'MAX', 'MIN', 'SUM', 'ARRAY_AGG', 'MAX_BY'];
const holdsAggregate = ({ tokens }: Statement): boolean => tokens.some((token, at) => word(token, ...AGGREGATES) && tokens[at + 1]?.text === '(');

interface Aggregate {
  readonly name: string;
  readonly args: Statement;
}
function aggregateOf(text: Statement): Aggregate | undefined {
  const reader = new Reader(text);
  if (!word(reader.peek(), ...AGGREGATES) || reader.peek(1)?.text !== '(') return undefined;
  const name = reader.part();
  const args = part(text, reader.parenthesis());
  if (reader.accept('WITHIN', 'GROUP')) reader.parenthesis();
  return reader.done ? { name, args } : undefined;
}

function sumUp({ name, args }: Aggregate, rows: readonly Combined[], around: Surroundings): Value {
  if (name === 'COUNT') return args.tokens[0]?.text === '*' ? rows.length : UNKNOWN;
  const comma = args.tokens.findIndex(({ kind, text }) => kind === 'symbol' && text === ',');
  const first = part(args, name === 'LISTAGG' && comma > 0 ? args.tokens.slice(0, comma) : args.tokens);
  const values = rows.map((row) => worth(first, within(row, around))).filter((value) => value !== null);
  if (values.includes(UNKNOWN)) return UNKNOWN;
  switch (name) {
    case 'LISTAGG':
      return values.map(String).join(', ');
    case 'COUNT_IF':
      return values.filter((value) => value === true).length;
    case 'MAX':
    case 'MIN': {
      const sorted = values.map(String).sort();
      return (name === 'MAX' ? sorted.at(-1) : sorted[0]) ?? null;
    }
    default:
      return UNKNOWN;
  }
}
