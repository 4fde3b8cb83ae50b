import { OPTIONS, SYSTEM_VARIABLES } from './bigquery-catalog.ts';
import { problemOf, tokensOf } from './bigquery-rules.ts';
import { textsIn } from './bigquery-texts.ts';
import { type Column, type Columns, type GoogleSql, GoogleSqlError, type Scope, structOf, type Table } from './googlesql.ts';
import { fieldsOf, messagesAt, textAt } from './protobuf.ts';

/** What the parser and the analyzer can be asked about, and where it stands. */
export interface Piece {
  readonly from: string;
  readonly sql: string;
  /** An expression is asked about as what a SELECT returns; control (IF, FOR …) was asked about with its script. */
  readonly kind: 'statement' | 'expression' | 'control';
  readonly variables: Columns;
  readonly tables: readonly Table[];
}

/** What a script is read against. */
export interface World {
  /** {@link INFORMATION_SCHEMA}, and tables that are not made by the script. */
  readonly tables: readonly Table[];
  /** What stands for a value that is known only while the script runs, by the name of the variable or of the column. */
  readonly samples: Readonly<Record<string, string>>;
}

/** Numbers of the fields of the tree, https://github.com/google/googlesql/blob/master/zetasql/parser/parse_tree.proto, as release 2025.12 has them. */
const SCRIPT = 95;
const DDL = 111;
const CREATE = 150;
const CREATE_PROCEDURE = 167;
const EXECUTE_IMMEDIATE = 321;
const SYSTEM_ASSIGNMENT = 293;
const [CASE, IF, RAISE, BLOCK, DECLARE, BREAK, RETURN, ASSIGN, LOOP] = [262, 259, 277, 280, 282, 284, 290, 291, 301];
const [WHILE, REPEAT, FOR] = [302, 303, 304];
const STATEMENTS = 2;

/**
 * Everything in a script: its statements, those in its blocks, the conditions and values between them, and the statements that it
 * puts together as text. Throws {@link GoogleSqlError} where the script cannot be parsed.
 */
export function piecesOf(google: GoogleSql, from: string, script: string, world: World): readonly Piece[] {
  return read(google, from, script, world).pieces;
}

/** The tables that there are once a script has run. */
export const tablesAfter = (google: GoogleSql, from: string, script: string, world: World): readonly Table[] => read(google, from, script, world).tables;

interface Reading {
  readonly pieces: readonly Piece[];
  readonly tables: readonly Table[];
}

/** `given`: what a text that is run is given by USING. */
function read(google: GoogleSql, from: string, script: string, world: World, given: Columns = {}): Reading {
  const pieces: Piece[] = [];
  let { tables } = world;
  const source = Buffer.from(script);
  const textOf = (node: Uint8Array): string => {
    const [start, end] = placeOf(node);
    return source.subarray(start, end).toString();
  };
  const add = (sql: string, kind: Piece['kind'], variables: Columns, holdsPieces = kind === 'control', using?: Columns): Piece => {
    const piece = { from, sql, kind, variables: { ...variables }, tables };
    pieces.push(piece);
    if (!holdsPieces) {
      for (const made of textsIn(google, from, sql, world.samples, using !== undefined)) {
        pieces.push(...read(google, `${from}, put together`, made, { ...world, tables }, using).pieces);
      }
    }
    return piece;
  };
  const typeOf = (sql: string, variables: Columns) => {
    try {
      return google.analyze(bindingOf(sql, variables), scopeOf({ sql, variables, tables }));
    } catch (error) {
      if (error instanceof GoogleSqlError) return []; // The piece itself is refused.
      throw error;
    }
  };
  const condition = (nodes: readonly Uint8Array[], variables: Columns): void => {
    for (const node of nodes) add(`IF((${textOf(node)}), 1, 0)`, 'expression', variables);
  };
  const expression = (nodes: readonly Uint8Array[], variables: Columns): void => {
    for (const node of nodes) add(textOf(node), 'expression', variables);
  };

  const statements = (list: readonly Uint8Array[], outside: Columns): void => {
    const variables = { ...outside };
    for (const any of list.flatMap((one) => messagesAt(one, STATEMENTS))) {
      const [{ number, value } = { number: 0, value: 0 }] = fieldsOf(any);
      if (typeof value === 'number') throw new Error(`${from}: a statement without a node`);
      if (number === SCRIPT) control(value, variables);
      else statement(any, number, value, variables);
    }
  };
  const statement = (any: Uint8Array, number: number, node: Uint8Array, variables: Columns): void => {
    const [procedure] = number === DDL ? messagesAt(node, CREATE, CREATE_PROCEDURE) : [];
    const { sql } = add(textOf(any), 'statement', variables, number === EXECUTE_IMMEDIATE || procedure !== undefined);
    if (number === EXECUTE_IMMEDIATE) {
      const text = messagesAt(node, 2).map(textOf).join();
      const using = messagesAt(node, 4, 2).map((one) => [
        nameOf(messagesAt(one, 3, 2)[0]),
        typeOf(`SELECT ${messagesAt(one, 2).map(textOf)}`, variables)[0]?.type ?? new Uint8Array(),
      ]);
      add(text, 'expression', variables, false, Object.fromEntries(using));
      if (!/^[\w.]+$/.test(text) && textsIn(google, from, text, world.samples, true).length === 0) throw new Error(`${from}: what does this run? ${sql}`);
    }
    if (number === SYSTEM_ASSIGNMENT) expression(messagesAt(node, 3), variables);
    if (procedure !== undefined) {
      const parameters = messagesAt(procedure, 3, 2).flatMap((one) => messagesAt(one, 3).map((type) => [nameOf(messagesAt(one, 2)[0]), textOf(type)] as const));
      const types = parameters.map(([name, type]) => [name, typeOf(`SELECT CAST(NULL AS ${type})`, {})[0]?.type ?? new Uint8Array()]);
      statements(messagesAt(procedure, 5, 2), Object.fromEntries(types));
    }
    const made = tableMade(sql, (query) => typeOf(query, variables));
    if (made !== undefined) tables = [...tables.filter((one) => one.path.join('.') !== made.path.join('.')), made];
  };
  const control = (any: Uint8Array, variables: Columns & Record<string, Uint8Array>): void => {
    const [{ number, value: node } = { number: 0, value: 0 }] = fieldsOf(any);
    if (typeof node === 'number') throw new Error(`${from}: a statement without a node`);
    const { sql } = add(textOf(node), 'control', variables);
    switch (number) {
      case BLOCK:
        statements(messagesAt(node, 3), variables);
        statements(messagesAt(node, 4, 2, 2), variables);
        return;
      case IF:
        condition([...messagesAt(node, 2), ...messagesAt(node, 4, 2, 2)], variables);
        for (const list of [...messagesAt(node, 3), ...messagesAt(node, 4, 2, 3), ...messagesAt(node, 5)]) statements([list], variables);
        return;
      case CASE:
        expression([...messagesAt(node, 2), ...messagesAt(node, 3, 2, 2)], variables);
        for (const list of [...messagesAt(node, 3, 2, 3), ...messagesAt(node, 4)]) statements([list], variables);
        return;
      case RAISE:
        expression(messagesAt(node, 2), variables);
        return;
      case DECLARE: {
        const [type] = messagesAt(node, 3).map(textOf);
        const [value] = messagesAt(node, 4).map(textOf);
        const cast = type === undefined ? `(${value})` : value === undefined ? `CAST(NULL AS ${type})` : `IF(TRUE, CAST(NULL AS ${type}), (${value}))`;
        add(cast, 'expression', variables);
        const declared = typeOf(`SELECT ${cast}`, variables)[0]?.type ?? new Uint8Array();
        for (const name of messagesAt(node, 2, 2)) variables[nameOf(name)] = declared;
        return;
      }
      case ASSIGN: {
        const name = nameOf(messagesAt(node, 2)[0]);
        if (!(name in variables)) throw new GoogleSqlError(`${from}: nobody has declared ${name}: ${sql}`);
        for (const value of messagesAt(node, 3)) add(`IF(TRUE, ${name}, (${textOf(value)}))`, 'expression', variables);
        return;
      }
      case LOOP:
        loop(node, variables);
        return;
      case BREAK:
      case RETURN:
        return;
    }
    throw new Error(`${from}: no case for this statement: ${sql}`);
  };
  const loop = (any: Uint8Array, variables: Columns): void => {
    const [{ number, value: node } = { number: 0, value: 0 }] = fieldsOf(any);
    if (typeof node === 'number') throw new Error(`${from}: a loop without a node`);
    const body = messagesAt(node, 1, 3);
    if (number === FOR) {
      const [query] = messagesAt(node, 3);
      const { sql } = add(query === undefined ? '' : textOf(query), 'statement', variables);
      statements(body, { ...variables, [nameOf(messagesAt(node, 2)[0])]: structOf(typeOf(sql, variables)) });
    } else if (number === WHILE || number === REPEAT) {
      condition(number === WHILE ? messagesAt(node, 2) : messagesAt(node, 2, 2), variables);
      statements(body, variables);
    } else throw new Error(`${from}: no case for this loop`);
  };
  statements(messagesAt(google.parse(script), 2), given);
  return { pieces, tables };
}

/** Why BigQuery would not take it; undefined where nothing is known against it. */
export function refusalOf(google: GoogleSql, piece: Piece): string | undefined {
  const problem = problemOf(piece.sql);
  if (problem !== undefined) return problem;
  try {
    if (piece.kind === 'control') {
      google.parse(`${piece.sql};`);
      return undefined;
    }
    const sql = piece.kind === 'statement' ? piece.sql : `SELECT ${piece.sql}`;
    google.parse(sql);
    const asked = sql.replace(/^SET (@@[\w.]+) = ([\s\S]+)$/i, 'SELECT IF(TRUE, $1, $2)');
    if (!SCRIPTING.test(asked)) google.analyze(bindingOf(asked, piece.variables), scopeOf({ ...piece, sql }));
    return undefined;
  } catch (error) {
    if (error instanceof GoogleSqlError) return error.message;
    throw error;
  }
}

/** Statements that the analyzer has not, since scripts run them one level higher. Their expressions are pieces of their own. */
const SCRIPTING = /^EXECUTE IMMEDIATE\b/i;

const scopeOf = ({ sql, variables, tables }: Pick<Piece, 'sql' | 'variables' | 'tables'>): Scope => ({
  tables,
  parameters: variables,
  systemVariables: SYSTEM_VARIABLES,
  options: OPTIONS.find(([of]) => of.test(sql))?.[1],
});

const nameOf = (identifier: Uint8Array | undefined): string => (identifier === undefined ? '' : (textAt(identifier, 2) ?? '').toLowerCase());

/** From which byte to which a node goes. Its first field is its ancestor, and the last of them says it, after the name of no file. */
function placeOf(node: Uint8Array): readonly [start: number, end: number] {
  const [first, start, end] = fieldsOf(node).map(({ value }) => value);
  if (first === undefined || typeof first === 'number') throw new Error('a node without a place');
  return first.length > 0 ? placeOf(first) : [Number(start), Number(end)];
}

/** What a CREATE TABLE makes. */
function tableMade(sql: string, columnsOf: (query: string) => readonly Column[]): Table | undefined {
  const [, name, rest = ''] = /^CREATE (?:OR REPLACE )?(?:TEMP(?:ORARY)? )?TABLE (?:IF NOT EXISTS )?([^\s(]+)\s*([\s\S]*)$/i.exec(sql) ?? [];
  if (name === undefined) return undefined;
  const query = /\bAS\s+((?:\(\s*)?(?:SELECT|WITH)\b[\s\S]*)$/i.exec(rest)?.[1];
  const listed = /^\(([\s\S]*?)\)(?=\s*(?:PARTITION|CLUSTER|OPTIONS|$))/i.exec(rest)?.[1] ?? '';
  const typed = partsOf(listed)
    .map((one) => /^(\S+)\s+([\s\S]+?)(?:\s+(?:NOT NULL|DEFAULT|OPTIONS)\b[\s\S]*)?$/i.exec(one) ?? [])
    .map(([, column, type]) => `CAST(NULL AS ${type}) AS ${column}`);
  const columns = columnsOf(query ?? `SELECT ${typed.join(', ')}`);
  return { path: name.replaceAll('`', '').split('.'), columns: Object.fromEntries(columns.map(({ name: column, type }) => [column, type])) };
}

/** What commas separate that stand in no bracket, without comments. */
function partsOf(text: string): readonly string[] {
  const found = [''];
  let depth = 0;
  for (const token of tokensOf(text)) {
    if ('([<'.includes(token)) depth++;
    if (')]>'.includes(token)) depth--;
    if (token === ',' && depth === 0) found.push('');
    else if (!/^(?:--|#|\/\*)/.test(token)) found[found.length - 1] += token;
  }
  return found.map((one) => one.trim());
}

/** Names as the analyzer has them: variables as parameters, and what BigQuery offers to read without its region or dataset. */
function bindingOf(sql: string, variables: Columns): string {
  const tokens = tokensOf(sql);
  const near = (from: number, step: 1 | -1): string => {
    let at = from + step;
    while (/^(?:\s|--|#|\/\*)/.test(tokens[at] ?? '')) at += step;
    return tokens[at] ?? '';
  };
  const named = tokens.map((token, at) => {
    if (!(token.toLowerCase() in variables) || near(at, 1) === '(') return token;
    return /^(?:\.|AS)$/i.test(near(at, -1)) ? token : `@${token}`;
  });
  if (/^\s*(?:GRANT|REVOKE|ALTER PROJECT|ALTER ORGANIZATION)\b/i.test(sql)) return named.join('');
  const paths = named.map((token) => (/^`[^`/]*\.[^`/]*`$/.test(token) ? token.replaceAll('.', '`.`') : token));
  const runs: string[] = [''];
  for (const token of paths) {
    if (isText(token)) runs.push(token, '');
    else runs[runs.length - 1] += token;
  }
  return runs.map((run) => (isText(run) ? run : run.replace(LISTED, (path) => (/region-/i.test(path) ? 'region.' : 'dataset.')))).join('');
}

const isText = (token: string): boolean => /^[rRbB]{0,2}["']/.test(token);
/** What stands before what BigQuery offers to read of a region or of a dataset. */
const LISTED = /(?:(?:`[^`]*`|[\w-]+)\s*\.\s*)+(?=`?(?:INFORMATION_SCHEMA`?\s*\.|__TABLES__))/gi;

/** What is wrong with a script, a line each; none where everything in it is taken. */
export function refusalsOf(google: GoogleSql, from: string, script: string, world: World): readonly string[] {
  try {
    return piecesOf(google, from, script, world).flatMap((piece) => {
      const refusal = refusalOf(google, piece);
      return refusal === undefined ? [] : [`${piece.from}: ${piece.sql} (${refusal})`];
    });
  } catch (error) {
    return [error instanceof Error ? `${from}: ${error.message}` : String(error)];
  }
}
