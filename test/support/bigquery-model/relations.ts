import { NotModelled } from './refusal.ts';
import type { Reader } from './tokens.ts';

/** What a query reads: tables and views, functions, and views of the information schema. */
export interface Reads {
  readonly relations: readonly (readonly string[])[];
  readonly routines: readonly (readonly string[])[];
  /** Paths elsewhere: a relation where there is one of that name. */
  readonly others: readonly (readonly string[])[];
}

/** After these a path is a relation, a query or UNNEST. */
const AFTER_FROM: readonly string[] = ['FROM', 'JOIN'];
/** EXTRACT(part FROM expression) and its like have a FROM of their own. */
const WITH_FROM: readonly string[] = ['EXTRACT', 'TRIM'];

/** Finds them. https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/query-syntax#from_clause */
export function readsOf(reader: Reader): Reads {
  const relations: (readonly string[])[] = [];
  const routines: (readonly string[])[] = [];
  const others: (readonly string[])[] = [];
  const named = new Set<string>();
  const isName = (ahead: number): boolean => ['word', 'quoted'].includes(reader.peek(ahead)?.kind ?? '');
  // Names of WITH first: a query may stand before the one that it names is read again.
  for (let at = 0; reader.peek(at) !== undefined; at += 1) {
    const [name, as, open] = [reader.peek(at), reader.peek(at + 1), reader.peek(at + 2)];
    const before = reader.peek(at - 1);
    if (name !== undefined && as?.text === 'AS' && open?.text === '(' && (before?.text === 'WITH' || before?.text === 'RECURSIVE' || before?.text === ','))
      named.add(name.text.toUpperCase());
  }
  const functions: string[] = [];
  let isItem = false;
  while (!reader.done) {
    const token = reader.next();
    if (token.kind === 'symbol') {
      if (token.text === '(') {
        const before = reader.peek(-2);
        functions.push(before?.kind === 'word' ? before.text : '');
        // A query or another item may stand in parentheses after FROM.
        if (isItem && (reader.is('SELECT') || reader.is('WITH'))) isItem = false;
        continue;
      }
      if (token.text === ')') {
        functions.pop();
        isItem = false;
      }
      continue;
    }
    if (token.kind === 'word' && AFTER_FROM.includes(token.text)) {
      if (token.text === 'FROM' && (WITH_FROM.includes(functions.at(-1) ?? '') || reader.peek(-2)?.text === 'DISTINCT')) continue;
      item();
      continue;
    }
    if ((token.kind === 'word' || token.kind === 'quoted') && reader.peek()?.text === '.' && isName(1)) {
      reader.at -= 1;
      const path = reader.path();
      if (reader.is('(') && path.length > 1 && !/^(?:NET|SAFE|HLL_COUNT|KEYS|AEAD|ML|AI)$/i.test(path[0] ?? '')) routines.push(path);
      else others.push(path);
    } else if (token.kind === 'quoted' && token.text.includes('.')) (reader.is('(') ? routines : others).push(token.text.split('.'));
  }
  function item(): void {
    for (;;) {
      if (reader.is('(')) {
        isItem = true;
        return;
      }
      if (reader.is('UNNEST')) {
        reader.next();
        return;
      }
      if (reader.is('LATERAL') || reader.is('TABLE')) throw reader.unknown(`"${reader.peek()?.raw}" in FROM`);
      const path = reader.path();
      if (reader.is('(')) throw new NotModelled('a table function', reader.line);
      const isOwn = path.length === 1 ? named.has(path[0]?.toUpperCase() ?? '') : named.has(path[0]?.toUpperCase() ?? '');
      if (!isOwn) relations.push(path);
      reader.accept('FOR', 'SYSTEM_TIME', 'AS', 'OF');
      if (reader.accept('AS')) {
        const alias = reader.next();
        named.add(alias.text.toUpperCase());
      } else if (reader.peek()?.kind === 'word' && !KEYWORDS.has(reader.peek()?.text ?? '')) named.add(reader.next().text.toUpperCase());
      if (!reader.is(',')) return;
      reader.next();
    }
  }
  return { relations, routines, others };
}

const KEYWORDS: ReadonlySet<string> = new Set(
  `WHERE GROUP ORDER HAVING LIMIT UNION INTERSECT EXCEPT JOIN LEFT RIGHT FULL INNER CROSS ON USING WINDOW QUALIFY TABLESAMPLE PIVOT UNPIVOT
   WHEN THEN SET FOR DO AS AND OR TIMESTAMP_SUB TIMESTAMP CURRENT_TIMESTAMP`.split(/\s+/),
);
