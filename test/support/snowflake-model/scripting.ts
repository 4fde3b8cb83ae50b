import { Reader, type Statement, type Token } from './tokens.ts';

/** A block of Snowflake Scripting: https://docs.snowflake.com/en/developer-guide/snowflake-scripting/blocks */
export interface Block {
  readonly declared: readonly Declared[];
  readonly body: readonly Step[];
  readonly handlers: readonly { readonly names: readonly string[]; readonly body: readonly Step[] }[];
}
export type Declared =
  | { readonly name: string; readonly is: 'value' | 'rows'; readonly from: Statement | undefined }
  | { readonly name: string; readonly is: 'exception'; readonly from: undefined; readonly code: number };
export type Step =
  | { readonly do: 'let'; readonly declared: Declared }
  | { readonly do: 'assign'; readonly name: string; readonly from: Statement }
  | { readonly do: 'return'; readonly value: Statement | undefined }
  | { readonly do: 'raise'; readonly name: string | undefined }
  | { readonly do: 'if'; readonly ways: readonly { readonly when: Statement | undefined; readonly body: readonly Step[] }[] }
  | { readonly do: 'for'; readonly name: string; readonly over: Statement; readonly body: readonly Step[] }
  | { readonly do: 'while'; readonly when: Statement; readonly body: readonly Step[] }
  | { readonly do: 'block'; readonly block: Block }
  | { readonly do: 'nothing' }
  | { readonly do: 'sql'; readonly statement: Statement };

const known = new WeakMap<Statement, Block>();

export function parseBlock(statement: Statement): Block {
  const before = known.get(statement);
  if (before !== undefined) return before;
  const reader = new Reader(statement);
  const parsed = block(reader);
  reader.accept(';');
  reader.end();
  known.set(statement, parsed);
  return parsed;
}

function block(reader: Reader): Block {
  const declared: Declared[] = [];
  if (reader.accept('DECLARE')) while (!reader.is('BEGIN')) declared.push(declaration(reader));
  reader.expect('BEGIN');
  const body = steps(reader, ['END', 'EXCEPTION']);
  const handlers: Block['handlers'][number][] = [];
  if (reader.accept('EXCEPTION')) {
    while (reader.accept('WHEN')) {
      const names = [reader.part()];
      while (reader.accept('OR')) names.push(reader.part());
      reader.accept('CONTINUE');
      reader.accept('EXIT');
      reader.expect('THEN');
      handlers.push({ names, body: steps(reader, ['WHEN', 'END']) });
    }
  }
  reader.expect('END');
  return { declared, body, handlers };
}

function declaration(reader: Reader): Declared {
  const name = reader.part();
  if (reader.accept('EXCEPTION')) {
    // https://docs.snowflake.com/en/developer-guide/snowflake-scripting/exceptions#declaring-an-exception
    const given = reader.is('(') ? reader.parenthesis() : [];
    const number = given.slice(
      0,
      Math.max(
        0,
        given.findIndex(({ text }) => text === ','),
      ),
    );
    reader.expect(';');
    return { name, is: 'exception', from: undefined, code: number.length === 0 ? -20000 : Number(number.map(({ text }) => text).join('')) };
  }
  if (reader.accept('CURSOR', 'FOR')) return { name, is: 'rows', from: until(reader, [';']) };
  if (reader.accept('RESULTSET')) return { name, is: 'rows', from: initial(reader) };
  return { name, is: 'value', from: typed(reader) };
}

function typed(reader: Reader): Statement | undefined {
  if (!reader.is(':=') && !reader.is('DEFAULT') && !reader.is(';')) {
    reader.name();
    if (reader.is('(')) reader.parenthesis();
    if (reader.accept('NOT')) reader.expect('NULL');
  }
  return initial(reader);
}

function initial(reader: Reader): Statement | undefined {
  if (reader.accept(';')) return undefined;
  if (!reader.accept(':=')) reader.expect('DEFAULT');
  return until(reader, [';']);
}

function steps(reader: Reader, ends: readonly string[]): readonly Step[] {
  const found: Step[] = [];
  while (!ends.some((end) => reader.is(end))) found.push(step(reader));
  return found;
}

function step(reader: Reader): Step {
  if (reader.accept('NULL', ';')) return { do: 'nothing' };
  if (reader.accept('LET')) {
    const name = reader.part();
    if (reader.accept('CURSOR', 'FOR')) return { do: 'let', declared: { name, is: 'rows', from: until(reader, [';']) } };
    if (reader.accept('RESULTSET')) return { do: 'let', declared: { name, is: 'rows', from: initial(reader) } };
    return { do: 'let', declared: { name, is: 'value', from: typed(reader) } };
  }
  if (reader.peek(1)?.text === ':=') {
    const name = reader.part();
    reader.expect(':=');
    return { do: 'assign', name, from: until(reader, [';']) };
  }
  if (reader.accept('RETURN')) return { do: 'return', value: reader.accept(';') ? undefined : until(reader, [';']) };
  if (reader.accept('RAISE')) {
    const name = reader.is(';') ? undefined : reader.part();
    reader.expect(';');
    return { do: 'raise', name };
  }
  if (reader.accept('IF')) return condition(reader);
  if (reader.accept('FOR')) {
    const name = reader.part();
    reader.expect('IN');
    const over = until(reader, ['DO', 'LOOP']);
    const body = steps(reader, ['END']);
    closes(reader, 'FOR');
    return { do: 'for', name, over, body };
  }
  if (reader.accept('WHILE')) {
    const when = until(reader, ['DO', 'LOOP']);
    const body = steps(reader, ['END']);
    closes(reader, 'WHILE');
    return { do: 'while', when, body };
  }
  if (reader.is('DECLARE') || (reader.is('BEGIN') && !reader.is('BEGIN', 'TRANSACTION') && !reader.is('BEGIN', ';'))) {
    const inner = block(reader);
    reader.expect(';');
    return { do: 'block', block: inner };
  }
  return { do: 'sql', statement: until(reader, [';']) };
}

function condition(reader: Reader): Step {
  const ways = [{ when: until(reader, ['THEN']), body: steps(reader, ['ELSEIF', 'ELSE', 'END']) } as { when: Statement | undefined; body: readonly Step[] }];
  while (reader.accept('ELSEIF')) ways.push({ when: until(reader, ['THEN']), body: steps(reader, ['ELSEIF', 'ELSE', 'END']) });
  if (reader.accept('ELSE')) ways.push({ when: undefined, body: steps(reader, ['END']) });
  closes(reader, 'IF');
  return { do: 'if', ways };
}

function closes(reader: Reader, what: string): void {
  reader.expect('END', what);
  reader.expect(';');
}

/** The tokens up to one of these words outside of parentheses and CASE, which is read over. */
function until(reader: Reader, ends: readonly string[]): Statement {
  const found: Token[] = [];
  let depth = 0;
  while (depth > 0 || !ends.some((end) => reader.is(end))) {
    const token = reader.next();
    if (token.kind === 'symbol') depth += token.text === '(' ? 1 : token.text === ')' ? -1 : 0;
    if (token.kind === 'word') depth += token.text === 'CASE' ? 1 : token.text === 'END' ? -1 : 0;
    found.push(token);
  }
  reader.next();
  return { source: reader.statement.source, tokens: found, line: found[0]?.line ?? reader.line };
}
