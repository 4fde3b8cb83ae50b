import { NotModelled, Refused } from './refusal.ts';

/** A piece of GoogleSQL. `text` of a word is in upper case for comparison; `raw` is as written. */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'string' | 'number' | 'symbol' | 'parameter';
  readonly text: string;
  readonly raw: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

/** https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/lexical */
const PIECE =
  /\s+|--[^\n]*|#[^\n]*|\/\*[\s\S]*?\*\/|[rRbB]{0,2}(?:'''(?:[^\\]|\\[\s\S])*?'''|"""(?:[^\\]|\\[\s\S])*?"""|'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*")|`(?:[^`\\]|\\.)*`|@@?\w+(?:\.\w+)*|[A-Za-z_]\w*|\d+(?:\.\d+)?|\|\||=>|<>|!=|<=|>=|<<|>>|[^\s]/y;

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\u0007', b: '\b', f: '\f', v: '\v' };

function unescaped(piece: string): string {
  const [, prefix = ''] = /^([rRbB]{0,2})['"]/.exec(piece) ?? [];
  const body = piece.slice(prefix.length);
  const width = /^(?:'''|""")/.test(body) && body.length >= 6 ? 3 : 1;
  const inside = body.slice(width, -width);
  return /r/i.test(prefix) ? inside : inside.replaceAll(/\\([\s\S])/g, (_, escaped: string) => ESCAPES[escaped] ?? escaped);
}

const read = (piece: string): Pick<Token, 'kind' | 'text'> | undefined => {
  if (/^(?:\s|--|#|\/\*)/.test(piece)) return undefined;
  if (/^[rRbB]{0,2}['"]/.test(piece)) return { kind: 'string', text: unescaped(piece) };
  if (piece.startsWith('`')) return { kind: 'quoted', text: piece.slice(1, -1) };
  if (piece.startsWith('@')) return { kind: 'parameter', text: piece };
  if (/^[A-Za-z_]/.test(piece)) return { kind: 'word', text: piece.toUpperCase() };
  if (/^\d/.test(piece)) return { kind: 'number', text: piece };
  return { kind: 'symbol', text: piece };
};

export function tokens(sql: string): readonly Token[] {
  const found: Token[] = [];
  let line = 1;
  for (let at = 0; at < sql.length; ) {
    PIECE.lastIndex = at;
    const piece = PIECE.exec(sql)?.[0];
    if (piece === undefined) throw new NotModelled(`the text ${JSON.stringify(sql.slice(at, at + 20))}`, line);
    const token = read(piece);
    if (token?.kind === 'symbol' && /['"`]/.test(piece)) throw new Refused(`line ${line}: the text ${JSON.stringify(sql.slice(at, at + 20))} does not end`);
    if (token !== undefined) found.push({ ...token, raw: piece, line, start: at, end: at + piece.length });
    for (const one of piece) if (one === '\n') line += 1;
    at += piece.length;
  }
  return found;
}

/** Reads tokens from left to right. */
export class Reader {
  readonly tokens: readonly Token[];
  at: number;
  readonly limit: number;
  constructor(all: readonly Token[], at = 0, limit = all.length) {
    this.tokens = all;
    this.at = at;
    this.limit = limit;
  }
  get line(): number {
    return (this.tokens[this.at] ?? this.tokens.at(-1))?.line ?? 1;
  }
  get done(): boolean {
    return this.at >= this.limit;
  }
  peek(ahead = 0): Token | undefined {
    return this.at + ahead < this.limit ? this.tokens[this.at + ahead] : undefined;
  }
  next(): Token {
    const token = this.peek();
    if (token === undefined) throw new Refused(`line ${this.line}: syntax error: the statement ends too early`);
    this.at += 1;
    return token;
  }
  is(...words: readonly string[]): boolean {
    return words.every((word, index) => {
      const token = this.peek(index);
      return (token?.kind === 'word' || token?.kind === 'symbol') && token.text === word;
    });
  }
  accept(...words: readonly string[]): boolean {
    const is = this.is(...words);
    if (is) this.at += words.length;
    return is;
  }
  expect(...words: readonly string[]): void {
    if (!this.accept(...words)) throw new NotModelled(`"${this.peek()?.raw ?? 'the end'}" where ${words.join(' ')} was expected`, this.line);
  }
  end(): void {
    if (!this.done) throw this.unknown(`"${this.peek()?.raw ?? ''}"`);
  }
  unknown(what: string): NotModelled {
    return new NotModelled(what, this.line);
  }
  string(): string {
    const token = this.next();
    if (token.kind !== 'string') throw new NotModelled(`"${token.raw}" where a string was expected`, token.line);
    return token.text;
  }
  /** A path such as `p.d.t`, p.d.t or p-1.d.t: https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/lexical#table_names */
  path(): readonly string[] {
    const first = this.next();
    if (first.kind !== 'word' && first.kind !== 'quoted') throw new NotModelled(`"${first.raw}" as a name`, first.line);
    let text = first.kind === 'quoted' ? first.text : first.raw;
    let end = first.end;
    for (;;) {
      const [dot, after] = [this.peek(), this.peek(1)];
      if (dot === undefined || after === undefined || dot.kind !== 'symbol') break;
      const isDash = dot.text === '-' && dot.start === end && after.start === dot.end && first.kind === 'word';
      if ((dot.text !== '.' && !isDash) || (isDash && after.kind !== 'word' && after.kind !== 'number')) break;
      if (!isDash && after.kind !== 'word' && after.kind !== 'quoted') break;
      text += dot.text + (after.kind === 'quoted' ? after.text : after.raw);
      end = after.end;
      this.at += 2;
    }
    return text.split('.');
  }
  /** What stands between parentheses, as a reader of its own; goes behind them. */
  parenthesis(): Reader {
    this.expect('(');
    const from = this.at;
    for (let depth = 1; depth > 0; ) {
      const token = this.next();
      if (token.kind === 'symbol') depth += token.text === '(' ? 1 : token.text === ')' ? -1 : 0;
    }
    return new Reader(this.tokens, from, this.at - 1);
  }
  rest(): Reader {
    const rest = new Reader(this.tokens, this.at, this.limit);
    this.at = this.limit;
    return rest;
  }
}
