import { deleteFrom, exportData, insert, load, merge, truncate, update } from './changing.ts';
import * as define from './defining.ts';
import { type Expression, isList, isStruct, type Place, type Row, typeFields, type Value } from './expressions.ts';
import { grantOrRevoke } from './granting.ts';
import { QueryReader } from './queries.ts';
import { Cut, NotModelled, Refused } from './refusal.ts';
import type { Session } from './session.ts';
import { Reader, type Token, tokens } from './tokens.ts';

/** An error that a script raised itself. */
export class Raised extends Refused {}

const parsed = new Map<string, readonly Token[]>();
function tokensOf(sql: string): readonly Token[] {
  let found = parsed.get(sql);
  if (found === undefined) {
    found = tokens(sql);
    parsed.set(sql, found);
  }
  return found;
}

const BLOCK_ENDS = ['END', 'ELSE', 'ELSEIF', 'EXCEPTION', 'WHEN'];

/** What each statement is carried out by; with OR REPLACE where that may stand. */
const STATEMENTS: readonly (readonly [string, (session: Session, reader: Reader, script: Script) => void])[] = [
  ['GRANT', (session, reader) => grantOrRevoke(session, reader, 'GRANT')],
  ['REVOKE', (session, reader) => grantOrRevoke(session, reader, 'REVOKE')],
  ['CREATE SCHEMA', define.createSchema],
  ['CREATE SNAPSHOT TABLE', define.createSnapshot],
  ['CREATE TEMP TABLE', temporary],
  ['CREATE TEMPORARY TABLE', temporary],
  ...replaceable('TABLE', (session, reader, isReplacing, script) => script.createTable(session, reader, isReplacing)),
  ...replaceable('VIEW', define.createView),
  ...replaceable('MATERIALIZED VIEW', define.createView),
  ...replaceable('EXTERNAL TABLE', define.createExternalTable),
  ...replaceable('FUNCTION', (session, reader, isReplacing) => define.createRoutine(session, reader, isReplacing, 'FUNCTION')),
  ...replaceable('PROCEDURE', (session, reader, isReplacing) => define.createRoutine(session, reader, isReplacing, 'PROCEDURE')),
  ...replaceable('ROW ACCESS POLICY', define.createRowPolicy),
  ['ALTER SCHEMA', define.alterSchema],
  ['ALTER TABLE', define.alterTable],
  ['ALTER VIEW', define.alterTable],
  ['DROP SCHEMA', define.dropSchema],
  ['DROP TABLE', (session, reader) => define.dropRelation(session, reader, 'TABLE')],
  ['DROP VIEW', (session, reader) => define.dropRelation(session, reader, 'VIEW')],
  ['DROP SNAPSHOT TABLE', (session, reader) => define.dropRelation(session, reader, 'SNAPSHOT')],
  ['DROP EXTERNAL TABLE', (session, reader) => define.dropRelation(session, reader, 'EXTERNAL')],
  ['DROP FUNCTION', define.dropRoutine],
  ['DROP PROCEDURE', define.dropRoutine],
  ['DROP ROW ACCESS POLICY', define.dropRowPolicies],
  ['DROP ALL ROW ACCESS POLICIES', define.dropRowPolicies],
  ['UNDROP SCHEMA', define.undropSchema],
  ['INSERT', (_, reader, script) => script.insert(reader)],
  ['UPDATE', update],
  ['DELETE', (_, reader, script) => script.delete(reader)],
  ['MERGE', merge],
  ['TRUNCATE', truncate],
  ['LOAD', load],
  ['EXPORT', exportData],
  ['CALL', (_, reader, script) => script.call(reader)],
];

function replaceable(
  kind: string,
  run: (session: Session, reader: Reader, isReplacing: boolean, script: Script) => void,
): readonly (readonly [string, (session: Session, reader: Reader, script: Script) => void])[] {
  return [
    [`CREATE ${kind}`, (session, reader, script) => run(session, reader, false, script)],
    [`CREATE OR REPLACE ${kind}`, (session, reader, script) => run(session, reader, true, script)],
  ];
}

/** It belongs to the session alone: https://docs.cloud.google.com/bigquery/docs/multi-statement-queries#temporary_tables */
function temporary(session: Session, reader: Reader): void {
  while (!reader.done && !reader.accept('AS')) reader.next();
  session.read(reader.rest());
}

/** A script of GoogleSQL. https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/procedural-language */
export class Script {
  private readonly session: Session;
  private readonly variables: Map<string, Value>;
  private depth = 0;
  /** The rows of each query, where they are asked for. */
  readonly results: (readonly Row[])[] = [];
  private isAnswering = false;

  constructor(session: Session, variables: ReadonlyMap<string, Value> = new Map()) {
    this.session = session;
    this.variables = new Map([['@@user', session.who.split(':')[1] ?? ''], ['@@now', session.estate.now], ...variables]);
  }
  run(sql: string): void {
    const reader = new Reader(tokensOf(sql));
    this.block(reader, []);
    reader.end();
  }
  /** The rows of its last query, where they are wanted; a script without a query has none. */
  answer(sql: string, isWanted: boolean): readonly Row[] | undefined {
    this.isAnswering = isWanted;
    this.run(sql);
    return this.results.at(-1);
  }
  private get place(): Place {
    return { rows: new Map(), outer: undefined, variables: this.variables };
  }
  private block(reader: Reader, ends: readonly string[]): void {
    while (!reader.done) {
      if (reader.accept(';')) continue;
      if (ends.some((end) => reader.is(end))) return;
      this.statement(reader);
      if (!reader.done && !reader.accept(';')) throw reader.unknown(`"${reader.peek()?.raw ?? ''}" after a statement`);
    }
  }
  /** Passes a block over without running it. */
  private skip(reader: Reader, ends: readonly string[]): void {
    for (let depth = 0; !reader.done; ) {
      const token = reader.peek();
      if (token?.kind === 'word') {
        const isStart = reader.peek(-1) === undefined || [';', 'THEN', 'ELSE', 'DO', 'BEGIN', 'LOOP', 'ERROR'].includes(reader.peek(-1)?.text ?? '');
        if (depth === 0 && isStart && ends.includes(token.text)) return;
        if (isStart && ['BEGIN', 'IF', 'FOR', 'LOOP', 'WHILE', 'CASE', 'REPEAT'].includes(token.text)) depth += 1;
        else if (token.text === 'CASE' && reader.peek(-1)?.text !== 'END') depth += 1;
        else if (token.text === 'END') depth -= 1;
      }
      reader.next();
    }
  }
  private statement(reader: Reader): void {
    if (reader.is('BEGIN') && !reader.is('BEGIN', 'TRANSACTION')) this.begin(reader);
    else if (reader.accept('IF')) this.ifs(reader);
    else if (reader.accept('FOR')) this.loop(reader);
    else {
      const statement = this.cut(reader);
      if (this.session.endsAfter === 0) throw new Cut();
      this.session.endsAfter -= 1;
      if (statement.accept('DECLARE')) this.declare(statement);
      else if (statement.accept('SET')) this.set(statement);
      else if (statement.accept('EXECUTE', 'IMMEDIATE')) this.immediate(statement);
      else if (statement.accept('RAISE')) this.raise(statement);
      else if (statement.accept('ASSERT')) {
        const is = new QueryReader(this.session).expression(statement)(this.place);
        if (is !== true) throw new Raised(`line ${statement.line}: assertion failed`);
      } else this.simple(statement);
    }
  }
  private raise(reader: Reader): never {
    if (reader.done) throw new Raised(String(this.variables.get('@@error.message') ?? 'raised'));
    reader.expect('USING', 'MESSAGE', '=');
    throw new Raised(`raised: ${String(this.evaluate(reader))}`);
  }
  /** One statement that is no block, up to its semicolon. */
  private cut(reader: Reader): Reader {
    const from = reader.at;
    const isProcedure = reader.is('CREATE', 'PROCEDURE') || reader.is('CREATE', 'OR', 'REPLACE', 'PROCEDURE');
    let depth = 0;
    let blocks = 0;
    while (!reader.done) {
      const token = reader.peek();
      if (token?.kind === 'symbol') {
        if (token.text === '(') depth += 1;
        else if (token.text === ')') depth -= 1;
        else if (token.text === ';' && depth === 0 && blocks === 0) break;
      } else if (isProcedure && token?.kind === 'word') {
        const isStart = [';', 'THEN', 'ELSE', 'DO', 'BEGIN', ')'].includes(reader.peek(-1)?.text ?? '');
        if (token.text === 'BEGIN' || (isStart && ['IF', 'FOR', 'WHILE', 'LOOP'].includes(token.text))) blocks += 1;
        else if (token.text === 'END') {
          blocks -= 1;
          if (['IF', 'FOR', 'WHILE', 'LOOP'].includes(reader.peek(1)?.text ?? '')) reader.next();
        }
      }
      reader.next();
    }
    return new Reader(reader.tokens, from, reader.at);
  }
  private begin(reader: Reader): void {
    reader.next();
    const before = new Map(this.variables);
    const from = reader.at;
    try {
      this.block(reader, ['END', 'EXCEPTION']);
      if (reader.accept('EXCEPTION', 'WHEN', 'ERROR', 'THEN')) this.skip(reader, ['END']);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // The block is left, however deep in it the error was; EXCEPTION has what goes on.
      reader.at = from;
      this.skip(reader, ['END', 'EXCEPTION']);
      if (!reader.accept('EXCEPTION', 'WHEN', 'ERROR', 'THEN')) throw error;
      this.variables.set('@@error.message', error.message);
      this.block(reader, ['END']);
    }
    reader.expect('END');
    // What a block declares ends with it.
    for (const name of [...this.variables.keys()]) if (!before.has(name) && !name.startsWith('@@')) this.variables.delete(name);
  }
  private ifs(reader: Reader): void {
    let isDone = false;
    for (;;) {
      const met = new QueryReader(this.session).expression(reader)(this.place) === true;
      reader.expect('THEN');
      if (met && !isDone) {
        isDone = true;
        this.block(reader, BLOCK_ENDS);
      } else this.skip(reader, ['END', 'ELSE', 'ELSEIF']);
      if (!reader.accept('ELSEIF')) break;
    }
    if (reader.accept('ELSE')) {
      if (isDone) this.skip(reader, ['END']);
      else this.block(reader, ['END']);
    }
    reader.expect('END', 'IF');
  }
  private loop(reader: Reader): void {
    const name = reader.next().raw;
    reader.expect('IN');
    const inside = reader.parenthesis();
    this.session.read(new Reader(inside.tokens, inside.at, inside.limit));
    const rows = new QueryReader(this.session).query(inside)(this.place);
    reader.expect('DO');
    const from = reader.at;
    for (const row of rows) {
      reader.at = from;
      this.variables.set(name, row);
      this.block(reader, ['END']);
    }
    reader.at = from;
    this.skip(reader, ['END']);
    this.variables.delete(name);
    reader.expect('END', 'FOR');
  }
  private evaluate(reader: Reader): Value {
    this.session.read(new Reader(reader.tokens, reader.at, reader.limit));
    const value = new QueryReader(this.session).expression(reader)(this.place);
    reader.end();
    return value;
  }
  private declare(reader: Reader): void {
    const names = [reader.next().raw];
    while (reader.accept(',')) names.push(reader.next().raw);
    let fields: readonly string[] | undefined;
    if (!reader.done && !reader.is('DEFAULT')) fields = typeFields(reader);
    let value: Value = null;
    if (reader.accept('DEFAULT')) value = this.evaluate(reader);
    reader.end();
    if (fields !== undefined && isList(value)) value = value.map((one) => (isStruct(one) ? named(one, fields) : one));
    for (const name of names) this.variables.set(name, value);
  }
  private set(reader: Reader): void {
    const name = reader.next();
    if (name.kind === 'parameter' && name.text.startsWith('@@')) throw reader.unknown(`SET ${name.raw}`);
    const declared = [...this.variables.keys()].find((one) => one.toLowerCase() === name.raw.toLowerCase());
    if (declared === undefined) throw new Refused(`line ${name.line}: undeclared variable: ${name.raw}`);
    reader.expect('=');
    this.variables.set(declared, this.evaluate(reader));
  }
  /** https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/procedural-language#execute_immediate: one statement */
  private immediate(reader: Reader): void {
    const queries = new QueryReader(this.session);
    const sql = queries.expression(reader)(this.place);
    if (typeof sql !== 'string') throw new Refused(`line ${reader.line}: EXECUTE IMMEDIATE of what is no text`);
    const into: string[] = [];
    if (reader.accept('INTO')) {
      do into.push(reader.next().raw);
      while (reader.accept(','));
    }
    const given = new Map<string, Value>();
    if (reader.accept('USING')) {
      do {
        const value: Expression = queries.expression(reader);
        reader.expect('AS');
        given.set(`@${reader.next().raw}`, value(this.place));
      } while (reader.accept(','));
    }
    reader.end();
    const inner = new Reader(tokens(sql));
    if (inner.is('SELECT') || inner.is('WITH')) {
      this.session.read(new Reader(inner.tokens));
      // Of the tables of people nobody knows the rows: such a query is printed by a proof, which looks only at whether it was refused.
      if (into.length === 0 && !(this.isAnswering && /INFORMATION_SCHEMA/i.test(sql))) return;
      const rows = new QueryReader(this.session).query(inner)({ ...this.place, variables: new Map([...this.variables, ...given]) });
      if (into.length === 0) this.results.push(rows);
      const [row] = rows;
      into.forEach((name, index) => {
        this.variables.set(name, row === undefined ? null : (Object.values(row)[index] ?? null));
      });
      return;
    }
    if (into.length > 0 || given.size > 0) throw reader.unknown('EXECUTE IMMEDIATE … INTO of what is no query');
    if (inner.tokens.some((token) => token.text === ';' && token.kind === 'symbol' && token !== inner.tokens.at(-1)))
      throw new Refused(`line ${reader.line}: EXECUTE IMMEDIATE takes one statement`);
    new Script(this.session, this.variables).run(sql);
  }

  private simple(reader: Reader): void {
    const { line } = reader;
    const { session } = this;
    session.demandJob(line);
    if (reader.is('SELECT') || reader.is('WITH') || reader.is('(')) {
      session.read(new Reader(reader.tokens, reader.at, reader.limit));
      if (this.isAnswering) this.results.push(new QueryReader(session).query(reader)(this.place));
      return;
    }
    const found = STATEMENTS.find(([words]) => reader.is(...words.split(' ')));
    if (found === undefined) throw reader.unknown(`the statement ${reader.peek()?.raw ?? ''} ${reader.peek(1)?.raw ?? ''}`);
    const [words, run] = found;
    reader.at += words.split(' ').length;
    run(session, reader, this);
  }
  /** A table with columns begins without rows, which are known from then on. */
  createTable(session: Session, reader: Reader, isReplacing: boolean): void {
    const at = reader.at;
    reader.accept('IF', 'NOT', 'EXISTS');
    const name = session.inside(reader.path(), reader.line);
    const isListed = reader.is('(') && session.estate.find(name) === undefined;
    reader.at = at;
    define.createTable(session, reader, isReplacing);
    const table = session.estate.find(name);
    if (isListed && table !== undefined) table.rows = [];
  }
  insert(reader: Reader): void {
    const look = new Reader(reader.tokens, reader.at, reader.limit);
    look.accept('INTO');
    const table = this.session.estate.find(this.session.inside(look.path(), look.line));
    insert(this.session, reader);
    if (table?.rows === undefined) return;
    const columns: string[] = [];
    if (look.is('(')) {
      const inside = look.parenthesis();
      do columns.push(inside.next().raw);
      while (inside.accept(','));
    }
    if (columns.length === 0 || !(look.is('SELECT') || look.is('WITH'))) {
      delete table.rows;
      return;
    }
    const rows = new QueryReader(this.session).query(look)(this.place);
    table.rows = [
      ...(table.rows as readonly Row[]),
      ...rows.map((row) => Object.fromEntries(Object.values(row).map((value, index) => [columns[index] ?? `_${index}`, value]))),
    ];
  }
  delete(reader: Reader): void {
    const look = new Reader(reader.tokens, reader.at, reader.limit);
    look.accept('FROM');
    const table = this.session.estate.find(this.session.inside(look.path(), look.line));
    deleteFrom(this.session, reader);
    if (table?.rows === undefined) return;
    const alias = look.accept('AS') ? look.next().raw : '';
    look.expect('WHERE');
    const where = new QueryReader(this.session).expression(look);
    look.end();
    table.rows = (table.rows as readonly Row[]).filter(
      (row) => where({ rows: new Map([[alias, row]]), outer: this.place, variables: this.variables }) !== true,
    );
  }
  /** A procedure runs with the rights of whoever calls it, unless a dataset authorizes it: https://docs.cloud.google.com/bigquery/docs/procedures */
  call(reader: Reader): void {
    const routine = this.session.existing(reader.path(), reader.line, 'routines');
    this.session.demand('bigquery.routines.get', routine.name, reader.line);
    reader.parenthesis();
    reader.end();
    if (routine.body === undefined) throw new NotModelled(`CALL of ${routine.name}`, reader.line);
    this.depth += 1;
    if (this.depth > 20) throw new NotModelled('a procedure that calls itself', reader.line);
    new Script(this.session).run(routine.body);
    this.depth -= 1;
  }
}

const named = (value: Value & object, fields: readonly string[]): Value =>
  Object.fromEntries(Object.values(value as Readonly<Record<string, Value>>).map((one, index) => [fields[index] ?? `_${index}`, one]));
