import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { WASI } from 'node:wasi';
import { field, fieldsOf, joined, messagesAt, textAt } from './protobuf.ts';
import { pythonEnvironment } from './python.ts';

/** A type as the analyzer writes it: a TypeProto. */
export type SqlType = Uint8Array;
export type Columns = Readonly<Record<string, SqlType>>;

/** What the analyzer knows of by a name of one or more parts. */
export interface Table {
  readonly path: readonly string[];
  readonly columns: Columns;
}
export interface Scope {
  readonly tables: readonly Table[];
  /** `@name` in the text; of one that is not here the type is guessed. */
  readonly parameters: Columns;
  /** `@@error.message` in the text, without the two at signs. */
  readonly systemVariables: Columns;
  /** What OPTIONS may hold; undefined: anything. */
  readonly options: Columns | undefined;
}

/** The parser and the analyzer that BigQuery is built on, which Google publishes as GoogleSQL (once ZetaSQL). */
export interface GoogleSql {
  /** The tree of a script: an ASTScriptProto. Throws {@link GoogleSqlError} where it is none. */
  parse(script: string): Uint8Array;
  /** The columns that a query returns; none for another statement. Throws {@link GoogleSqlError} where a name or a type is wrong. */
  analyze(statement: string, scope: Scope): readonly Column[];
  /** The value of an expression that is a text. Throws {@link GoogleSqlError} where it is none or holds a name. */
  text(expression: string): string;
}
export interface Column {
  readonly name: string;
  readonly type: SqlType;
}
export class GoogleSqlError extends Error {}

/** What the parser knows only where it is told: https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-definition-language */
const ENTITIES = ['PROJECT', 'ORGANIZATION', 'RESERVATION', 'ASSIGNMENT', 'CAPACITY'];
const SUB_ENTITIES = ['REPLICA'];
/** What counts as under development there and BigQuery has: CREATE TABLE CLONE, collation, ALTER COLUMN SET DATA TYPE, columns' options in views. */
const FEATURES = [60, 13027, 62, 86];
const EXTERNAL = 1;

/** Starts it: 28 MB of WebAssembly in this process, half a second. */
export async function startGoogleSql(): Promise<GoogleSql> {
  const { python } = await pythonEnvironment('googlesql');
  const finding = 'import importlib.util as u\nfor name in ("zetasql", "tzdata"): print(u.find_spec(name).submodule_search_locations[0])';
  const [zetasql = '', tzdata = ''] = (await promisify(execFile)(python, ['-c', finding])).stdout.split(/\r?\n/);
  const call = await load(path.join(zetasql, 'wasi', 'zetasql.wasm'), path.join(tzdata, 'zoneinfo'));
  const language = languageOptions(call);
  const catalogs = new WeakMap<readonly Table[], number>();
  const catalogOf = (tables: readonly Table[]): number => {
    const known = catalogs.get(tables);
    if (known !== undefined) return known;
    const id = fieldsOf(call('RegisterCatalog', field(1, joined([catalog('', tables), field(5, field(1, language))]))))[0]?.value;
    if (typeof id !== 'number') throw new Error('the catalogue was not registered');
    catalogs.set(tables, id);
    return id;
  };
  const parse = once((script: string) => messagesAt(call('Parse', joined([field(1, script), field(2, language), field(4, true)])), 3)[0] ?? new Uint8Array());
  const analyze = once((request: string) => call('Analyze', Buffer.from(request, 'latin1')));
  const evaluate = once((expression: string) => call('Evaluate', joined([field(1, expression), field(6, field(1, language))])));
  return {
    parse,
    analyze: (statement, { tables, parameters, systemVariables, options }) => {
      const analyzer = joined([
        field(1, language),
        field(10, true),
        ...Object.entries(parameters).map(([name, type]) => field(2, joined([field(1, name), field(2, type)]))),
        ...Object.entries(systemVariables).map(([name, type]) => field(18, joined([...name.split('.').map((part) => field(1, part)), field(2, type)]))),
        ...(options === undefined ? [] : [field(11, allowed(options))]),
      ]);
      const answer = analyze(Buffer.from(joined([field(1, analyzer), field(4, catalogOf(tables)), field(5, statement)])).toString('latin1'));
      return messagesAt(answer, 1, QUERY_STATEMENT, 2).map((one) => ({ name: textAt(one, 2) ?? '', type: messagesAt(one, 3, 4)[0] ?? new Uint8Array() }));
    },
    text: (expression) => {
      const value = textAt(evaluate(expression), 1, STRING_VALUE);
      if (value === undefined) throw new GoogleSqlError(`no text: ${expression}`);
      return value;
    },
  };
}

/** The same question has the same answer: scripts of two layouts have most of their statements in common. */
function once(ask: (question: string) => Uint8Array): (question: string) => Uint8Array {
  const answers = new Map<string, Uint8Array | GoogleSqlError>();
  return (question) => {
    let answer = answers.get(question);
    if (answer === undefined) {
      try {
        answer = ask(question);
      } catch (error) {
        if (!(error instanceof GoogleSqlError)) throw error;
        answer = error;
      }
      answers.set(question, answer);
    }
    if (answer instanceof GoogleSqlError) throw answer;
    return answer;
  };
}

const QUERY_STATEMENT = 38;
const STRING_VALUE = 8;

/** TypeKind of a TypeProto. */
const KINDS = { INT64: 2, BOOL: 5, FLOAT64: 7, STRING: 8, BYTES: 9, DATE: 10, TIMESTAMP: 19, NUMERIC: 23, DATETIME: 21, INTERVAL: 27, JSON: 26 } as const;
export const scalar = (kind: keyof typeof KINDS): SqlType => field(1, KINDS[kind]);
export const arrayOf = (element: SqlType): SqlType => joined([field(1, 16), field(2, field(1, element))]);
export const structOf = (fields: readonly Column[]): SqlType =>
  joined([field(1, 17), field(3, joined(fields.map(({ name, type }) => field(1, joined([field(1, name), field(2, type)])))))]);

function catalog(name: string, tables: readonly Table[]): Uint8Array {
  const here = tables.filter(({ path: parts }) => parts.length === 1);
  const inside = new Map<string, Table[]>();
  for (const { path: parts, columns } of tables) {
    const [first = '', ...rest] = parts;
    if (rest.length > 0) inside.set(first, [...(inside.get(first) ?? []), { path: rest, columns }]);
  }
  return joined([
    field(1, name),
    ...here.map(({ path: [table = ''], columns }) =>
      field(2, joined([field(1, table), ...Object.entries(columns).map(([column, type]) => field(4, joined([field(1, column), field(2, type)])))])),
    ),
    ...[...inside].map(([part, rest]) => field(4, catalog(part, rest))),
  ]);
}

const allowed = (options: Columns): Uint8Array =>
  joined([field(1, true), field(7, true), ...Object.entries(options).map(([name, type]) => field(4, joined([field(1, name), field(2, type)])))]);

type Call = (method: string, request: Uint8Array) => Uint8Array;

/** Everything that Google has released of the language, with the names of types that users of its products see. */
function languageOptions(call: Call): Uint8Array {
  const everything = fieldsOf(call('GetLanguageOptions', field(1, true))).filter(({ number }) => number === 2 || number === 5 || number === 8);
  return joined([
    ...everything.map(({ number, value }) => field(number, value)),
    field(3, EXTERNAL),
    ...FEATURES.map((feature) => field(5, feature)),
    ...ENTITIES.map((name) => field(7, name)),
    ...SUB_ENTITIES.map((name) => field(9, name)),
  ]);
}

/** What is used here of the interface that every JavaScript engine has: https://webassembly.github.io/spec/js-api/ */
declare global {
  namespace WebAssembly {
    interface Instance {
      readonly exports: Readonly<Record<string, unknown>>;
    }
    function compile(bytes: Uint8Array): Promise<object>;
    function instantiate(module: object, imports: object): Promise<Instance>;
  }
}

/** The module's own interface: https://github.com/heoh/zetasql-wasi */
async function load(file: string, zones: string): Promise<Call> {
  const wasi = new WASI({ version: 'preview1', preopens: { '/usr/share/zoneinfo': zones } });
  const module = await WebAssembly.compile(readFileSync(file));
  const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
  wasi.initialize(instance);
  const exported = (name: string) => {
    const found = instance.exports[name];
    if (typeof found !== 'function') throw new Error(`${file} has no ${name}`);
    return (...words: readonly number[]): number => Number(found(...words));
  };
  const [malloc, free] = [exported('wasm_malloc'), exported('wasm_free')];
  const memory = (): ArrayBufferLike => {
    const { buffer } = Object(instance.exports.memory);
    if (buffer instanceof ArrayBuffer || buffer instanceof SharedArrayBuffer) return buffer;
    throw new Error(`${file} has no memory`);
  };
  const error = (): string => {
    const size = exported('wasm_get_last_error_size')();
    return new TextDecoder().decode(new Uint8Array(memory(), exported('wasm_get_last_error')(), size));
  };
  return (name, request) => {
    const [at, size] = [malloc(request.length), malloc(4)];
    new Uint8Array(memory()).set(request, at);
    const answer = exported(`ZetaSqlLocalService_${name}`)(at, request.length, size);
    const bytes = answer === 0 ? undefined : new Uint8Array(memory()).slice(answer, answer + new DataView(memory()).getUint32(size, true));
    for (const pointer of [at, size, answer]) if (pointer !== 0) free(pointer);
    if (bytes === undefined) throw new GoogleSqlError(error().replace(/^Code: \d+, Message: /, ''));
    return bytes;
  };
}
