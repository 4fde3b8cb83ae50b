/** A piece of SQL text. `text` of a word is in upper case, as Snowflake stores what is not quoted: https://docs.snowflake.com/en/sql-reference/identifiers-syntax */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'string' | 'number' | 'symbol';
  readonly text: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
}

/** One statement: its tokens without the semicolon, and the text that they were cut from. */
export interface Statement {
  readonly source: string;
  readonly tokens: readonly Token[];
  readonly line: number;
}

/** Something that this model does not know. Never a refusal: whoever asks must hear of it. */
export class NotModelled extends Error {
  constructor(what: string, line: number) {
    super(`line ${line}: ${what} is not modelled`);
  }
}

/** https://docs.snowflake.com/en/sql-reference/data-types-text#escape-sequences-in-single-quoted-string-constants */
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', 0: '\0', b: '\b', f: '\f' };

const PIECE =
  /\s+|--[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/|\$\$[\s\S]*?\$\$|'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"]|"")*"|[A-Za-z_][\w$]*|\d+(?:\.\d+)?|\$\w+|:=|::|=>|\|\||<>|!=|<=|>=|->>|[^\s]/y;

export function tokens(sql: string, firstLine = 1): readonly Token[] {
  const found: Token[] = [];
  let line = firstLine;
  for (let at = 0; at < sql.length; ) {
    PIECE.lastIndex = at;
    const piece = PIECE.exec(sql)?.[0];
    if (piece === undefined) throw new NotModelled(`the text ${JSON.stringify(sql.slice(at, at + 20))}`, line);
    const token = read(piece);
    if (token !== undefined) found.push({ ...token, line, start: at, end: at + piece.length });
    line += piece.split('\n').length - 1;
    at += piece.length;
  }
  return found;
}

function read(piece: string): Pick<Token, 'kind' | 'text'> | undefined {
  if (/^(?:\s|--|\/\/|\/\*)/.test(piece)) return undefined;
  if (piece.startsWith('$$') && piece.length > 3) return { kind: 'string', text: piece.slice(2, -2) };
  if (piece.length > 1 && piece.startsWith("'"))
    return {
      kind: 'string',
      text: piece.slice(1, -1).replaceAll(/''|\\([\s\S])/g, (all, escaped?: string) => (escaped === undefined ? all.slice(1) : (ESCAPES[escaped] ?? escaped))),
    };
  if (piece.length > 1 && piece.startsWith('"')) return { kind: 'quoted', text: piece.slice(1, -1).replaceAll('""', '"') };
  if (/^[A-Za-z_]/.test(piece)) return { kind: 'word', text: piece.toUpperCase() };
  if (/^\d/.test(piece)) return { kind: 'number', text: piece };
  return { kind: 'symbol', text: piece };
}

/** Texts that were read before: the same scripts and bodies run in every model of a test. */
const known = new Map<string, readonly Statement[]>();

/** The statements of a script. A semicolon inside of BEGIN … END ends none: https://docs.snowflake.com/en/developer-guide/snowflake-scripting/blocks */
export function statements(sql: string, firstLine = 1): readonly Statement[] {
  const key = `${firstLine}:${sql}`;
  const found = known.get(key) ?? cut(sql, firstLine);
  known.set(key, found);
  return found;
}

function cut(sql: string, firstLine: number): readonly Statement[] {
  const found: Statement[] = [];
  let open: Token[] = [];
  let depth = 0;
  const all = tokens(sql, firstLine);
  all.forEach((token, index) => {
    const next = all[index + 1]?.text;
    if (depth === 0 && isWord(token, ';')) {
      if (open.length > 0) found.push(statement(sql, open));
      open = [];
      return;
    }
    depth += step(open, token, next, depth);
    open.push(token);
  });
  if (open.length > 0) found.push(statement(sql, open));
  return found;
}

const statement = (source: string, parts: readonly Token[]): Statement => ({ source, tokens: parts, line: parts[0]?.line ?? 1 });
const isWord = (token: Token | undefined, text: string): boolean =>
  token !== undefined && (token.kind === 'word' || token.kind === 'symbol') && token.text === text;

/** How a token changes the depth of blocks. */
function step(before: readonly Token[], token: Token, next: string | undefined, depth: number): number {
  const last = before.at(-1);
  const opens = before.length === 0 || (depth === 0 && isWord(last, 'AS') && isWord(before[0], 'CREATE'));
  if (depth === 0 && opens && isWord(token, 'DECLARE')) return 1;
  if (depth === 0 && !opens) return 0;
  if (isWord(token, 'BEGIN')) {
    if (depth === 0 && (next === undefined || /^(?:;|TRANSACTION|WORK|NAME)$/.test(next))) return 0;
    return depth === 1 && before.some((one) => isWord(one, 'DECLARE')) && !before.some((one) => isWord(one, 'BEGIN')) ? 0 : 1;
  }
  if (depth > 0 && isWord(token, 'CASE') && !isWord(last, 'END')) return 1;
  if (depth > 0 && isWord(token, 'END') && !/^(?:IF|FOR|WHILE|LOOP|REPEAT)$/.test(next ?? '')) return -1;
  return 0;
}

/** Reads tokens from left to right. */
export class Reader {
  readonly statement: Statement;
  private readonly tokens: readonly Token[];
  at: number;

  constructor(from: Statement, at = 0) {
    this.statement = from;
    this.tokens = from.tokens;
    this.at = at;
  }

  get line(): number {
    return (this.tokens[this.at] ?? this.tokens.at(-1))?.line ?? this.statement.line;
  }
  get done(): boolean {
    return this.at >= this.tokens.length;
  }
  peek(ahead = 0): Token | undefined {
    return this.tokens[this.at + ahead];
  }
  next(): Token {
    const token = this.tokens[this.at];
    if (token === undefined) throw this.unknown('the end of the statement');
    this.at += 1;
    return token;
  }
  /** Whether these unquoted words or symbols come next. */
  is(...words: readonly string[]): boolean {
    return words.every((word, ahead) => isWord(this.tokens[this.at + ahead], word));
  }
  accept(...words: readonly string[]): boolean {
    if (!this.is(...words)) return false;
    this.at += words.length;
    return true;
  }
  expect(...words: readonly string[]): void {
    if (!this.accept(...words)) throw this.unknown(`"${this.shown()}" where ${words.join(' ')} is read`);
  }
  /** The first of these sequences of words that comes next. */
  oneOf(choices: readonly string[]): string | undefined {
    return [...choices].sort((a, b) => b.length - a.length).find((choice) => this.accept(...choice.split(' ')));
  }
  /** One part of a name. */
  part(): string {
    const token = this.next();
    if (token.kind !== 'word' && token.kind !== 'quoted') throw this.unknown(`"${token.text}" where a name is read`);
    return token.text;
  }
  /** A name and its qualifiers. */
  name(): readonly string[] {
    const parts = [this.part()];
    while (this.accept('.')) parts.push(this.part());
    return parts;
  }
  list<T>(read: () => T): readonly T[] {
    const items = [read()];
    while (this.accept(',')) items.push(read());
    return items;
  }
  /** What is in the parentheses that open here, as tokens. */
  parenthesis(): readonly Token[] {
    this.expect('(');
    const from = this.at;
    for (let depth = 1; depth > 0; ) {
      const { kind, text } = this.next();
      if (kind === 'symbol') depth += text === '(' ? 1 : text === ')' ? -1 : 0;
    }
    return this.tokens.slice(from, this.at - 1);
  }
  rest(): readonly Token[] {
    const left = this.tokens.slice(this.at);
    this.at = this.tokens.length;
    return left;
  }
  /** The text from here to the end. */
  restText(): { readonly text: string; readonly line: number } {
    const first = this.peek();
    const last = this.tokens.at(-1);
    const line = this.line;
    this.at = this.tokens.length;
    return { text: first === undefined || last === undefined ? '' : this.statement.source.slice(first.start, last.end), line };
  }
  end(): void {
    if (!this.done) throw this.unknown(`"${this.shown()}"`);
  }
  unknown(what: string): NotModelled {
    const { start, end } = { start: this.statement.tokens[0]?.start ?? 0, end: this.statement.tokens.at(-1)?.end ?? 0 };
    const text = this.statement.source.slice(start, end).replaceAll(/\s+/g, ' ');
    return new NotModelled(`${what} in "${text.length > 120 ? `${text.slice(0, 120)}…` : text}"`, this.line);
  }
  private shown(): string {
    return this.tokens
      .slice(this.at, this.at + 4)
      .map(({ text }) => text)
      .join(' ');
  }
}
