import type { Token } from './tokens.ts';

/** What a query or a DML statement touches, by name. */
export interface Touched {
  readonly relations: readonly (readonly string[])[];
  readonly stages: readonly (readonly string[])[];
  /** Qualified functions. */
  readonly functions: readonly (readonly string[])[];
}

const symbol = (token: Token | undefined, text: string): boolean => token?.kind === 'symbol' && token.text === text;
const word = (token: Token | undefined, ...texts: readonly string[]): boolean => token?.kind === 'word' && texts.includes(token.text);
const isName = (token: Token | undefined): boolean => token?.kind === 'word' || token?.kind === 'quoted';

/** Names after FROM, JOIN and USING, and after the commas of a FROM; subqueries are read with the rest, names of a WITH are none. */
export function touchedBy(tokens: readonly Token[]): Touched {
  const own = new Set<string>();
  tokens.forEach((token, at) => {
    if (isName(token) && (word(tokens[at - 1], 'WITH', 'RECURSIVE') || symbol(tokens[at - 1], ',')) && startsBody(tokens, at + 1)) own.add(token.text);
  });
  const relations: (readonly string[])[] = [];
  const stages: (readonly string[])[] = [];
  const functions: (readonly string[])[] = [];
  for (let at = 0; at < tokens.length; at += 1) {
    if (word(tokens[at], 'FROM', 'JOIN', 'USING') && !word(tokens[at - 1], 'DISTINCT')) {
      for (let next = at + 1; ; ) {
        const source = sourceAt(tokens, next);
        if (source === undefined) break;
        if (source.of === 'relation' && !(source.name.length === 1 && own.has(source.name[0] ?? ''))) relations.push(source.name);
        if (source.of === 'stage') stages.push(source.name);
        if (!word(tokens[at], 'FROM')) break;
        next = afterAlias(tokens, source.end);
        if (!symbol(tokens[next], ',')) break;
        next += 1;
      }
    }
    if (isName(tokens[at]) && symbol(tokens[at + 1], '.') && !symbol(tokens[at - 1], '.')) {
      const { name, end } = nameAt(tokens, at);
      if (symbol(tokens[end], '(')) functions.push(name);
    }
  }
  return { relations, stages, functions };
}

function startsBody(tokens: readonly Token[], from: number): boolean {
  let at = from;
  if (symbol(tokens[at], '(')) while (at < tokens.length && !symbol(tokens[at - 1], ')')) at += 1;
  return word(tokens[at], 'AS') && symbol(tokens[at + 1], '(');
}

export function nameAt(tokens: readonly Token[], from: number): { readonly name: readonly string[]; readonly end: number } {
  const name = [tokens[from]?.text ?? ''];
  let at = from + 1;
  while (symbol(tokens[at], '.') && isName(tokens[at + 1])) {
    name.push(tokens[at + 1]?.text ?? '');
    at += 2;
  }
  return { name, end: at };
}

type Source = { readonly of: 'relation' | 'stage' | 'other'; readonly name: readonly string[]; readonly end: number };

function sourceAt(tokens: readonly Token[], at: number): Source | undefined {
  const token = tokens[at];
  if (symbol(token, '@')) return { of: 'stage', ...nameAt(tokens, at + 1) };
  if (symbol(token, '(')) return undefined;
  if (!isName(token)) return token?.text.startsWith('$') ? { of: 'other', name: [], end: at + 1 } : undefined;
  if (word(token, 'TABLE', 'LATERAL', 'FLATTEN', 'VALUES', 'IDENTIFIER')) return undefined;
  const found = nameAt(tokens, at);
  return symbol(tokens[found.end], '(') ? undefined : { of: 'relation', ...found };
}

function afterAlias(tokens: readonly Token[], from: number): number {
  let at = from;
  if (word(tokens[at], 'AT', 'BEFORE') && symbol(tokens[at + 1], '(')) while (at < tokens.length && !symbol(tokens[at - 1], ')')) at += 1;
  if (word(tokens[at], 'AS')) at += 1;
  if (
    isName(tokens[at]) &&
    !word(tokens[at], 'WHERE', 'JOIN', 'INNER', 'LEFT', 'RIGHT', 'FULL', 'CROSS', 'GROUP', 'ORDER', 'UNION', 'QUALIFY', 'HAVING', 'LIMIT', 'ON')
  )
    at += 1;
  return at;
}
