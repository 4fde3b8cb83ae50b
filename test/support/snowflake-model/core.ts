import { type Account, Refused, type Session, type Thing } from './account.ts';
import { evaluate, UNKNOWN, type Value } from './expressions.ts';
import { KINDS } from './kinds.ts';
import type { Row } from './rows.ts';
import { Reader, type Statement, type Token, tokens } from './tokens.ts';

/** An exception that a block raised itself. */
export class Raised extends Error {
  readonly exception: string;
  /** Its SQLCODE. */
  readonly code: number | undefined;
  constructor(exception: string, code?: number) {
    super(`raised ${exception}`);
    this.exception = exception;
    this.code = code;
  }
}

/** The variables of a block. Rows stand for what a query returned, which is not known. */
export type Scope = Map<string, Value | Held>;

export type Held = { readonly rows: readonly Row[] | undefined } | { readonly row: Row } | { readonly exception: number };

export const isHeld = (value: Value | Held | undefined): value is Held => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `:name` becomes its value; after INTO it stays a name. */
export function bound(all: readonly Token[], scope: Scope, reader: Reader): readonly Token[] {
  const filled: Token[] = [];
  let isTarget = false;
  for (let at = 0; at < all.length; at += 1) {
    const token = all[at];
    if (token === undefined) break;
    if (token.kind === 'word' && token.text === 'INTO') isTarget = !/^(?:INSERT|MERGE|COPY)$/.test(all[0]?.text ?? '');
    else if (token.kind === 'word' && token.text === 'FROM') isTarget = false;
    const next = all[at + 1];
    const before = all[at - 1];
    // `x:name` is a path into a variant: https://docs.snowflake.com/en/user-guide/querying-semistructured
    const isPath =
      before !== undefined && before.end === token.start && (before.kind === 'word' || before.kind === 'quoted' || before.text === ')' || before.text === ']');
    if (isPath || token.kind !== 'symbol' || token.text !== ':' || next === undefined || (next.kind !== 'word' && next.kind !== 'quoted')) {
      filled.push(token);
      continue;
    }
    at += 1;
    const held = scope.get(next.text);
    const value = isHeld(held) || Array.isArray(held) ? UNKNOWN : held;
    if (isTarget && value !== undefined) filled.push(next);
    else if (value === undefined) throw reader.unknown(`the variable ${next.text}`);
    else if (typeof value === 'string') filled.push({ ...next, kind: 'string', text: value });
    else if (typeof value === 'number') filled.push({ ...next, kind: 'number', text: String(value) });
    else filled.push({ ...next, kind: 'word', text: value === null ? 'NULL' : typeof value === 'boolean' ? String(value).toUpperCase() : '?' });
  }
  return filled;
}

const SAME_TYPES: Readonly<Record<string, string>> = {
  STRING: 'VARCHAR',
  TEXT: 'VARCHAR',
  CHAR: 'VARCHAR',
  INT: 'NUMBER',
  INTEGER: 'NUMBER',
  BIGINT: 'NUMBER',
  DECIMAL: 'NUMBER',
  NUMERIC: 'NUMBER',
  TIMESTAMP: 'TIMESTAMP_NTZ',
};

export const typeName = (name: string): string => SAME_TYPES[name] ?? name;

/** The parameters of a routine, one list of tokens each. */
export function split(all: readonly Token[]): readonly (readonly Token[])[] {
  const found: Token[][] = [[]];
  let depth = 0;
  for (const token of all) {
    if (token.kind === 'symbol') depth += token.text === '(' ? 1 : token.text === ')' ? -1 : 0;
    if (depth === 0 && token.kind === 'symbol' && token.text === ',') found.push([]);
    else found.at(-1)?.push(token);
  }
  return found.filter((one) => one.length > 0);
}

const signature = (all: readonly Token[]): readonly string[] => split(all).map((one) => typeName(one[0]?.text ?? ''));

/** A session in an account: what everything that runs there shares. */
export abstract class Core {
  readonly account: Account;
  session: Session;
  private readonly choices: boolean[];
  protected chosen = 0;
  protected depth = 0;
  protected variables = new Map<string, Value>();
  /** The rows of the last statement, for RESULT_SCAN. */
  protected last: readonly Row[] | undefined;
  /** Whether rows that are not known have decided something. */
  guessed = false;
  /** Whether rows were written, which the account does not keep. */
  wrote = false;

  constructor(account: Account, session: Session, choices: boolean[] = []) {
    this.account = account;
    this.session = session;
    this.choices = choices;
  }

  abstract script(sql: string, firstLine?: number): void;
  protected abstract statement(statement: Statement): void;
  /** Runs a query with these roles. */
  protected abstract query(all: readonly Token[], roles: ReadonlySet<string>, line: number): void;

  /** Decides what rows would decide; `choices` holds the decisions, new ones are added. */
  protected choose(): boolean {
    this.guessed = true;
    const decided = this.choices[this.chosen] ?? true;
    if (this.chosen >= this.choices.length) this.choices.push(decided);
    this.chosen += 1;
    return decided;
  }

  protected refuse(why: string, line: number): Refused {
    return new Refused(`line ${line}: ${why}`);
  }

  protected get active(): ReadonlySet<string> {
    return this.account.activeRoles(this.session);
  }
  protected get primary(): ReadonlySet<string> {
    return this.account.primaryRoles(this.session);
  }
  protected get isWide(): boolean {
    return this.account.reading === 'wide';
  }

  /** A name, IDENTIFIER('…') or IDENTIFIER($variable): https://docs.snowflake.com/en/sql-reference/identifier-literal */
  protected parts(reader: Reader): readonly string[] {
    if (!reader.is('IDENTIFIER', '(')) return reader.name();
    reader.next();
    const inside = reader.parenthesis();
    const value = evaluate(new Reader({ ...reader.statement, tokens: inside }), this.surroundings(new Map()));
    if (typeof value !== 'string') throw reader.unknown('IDENTIFIER of what is not known');
    const name = new Reader({ source: value, tokens: tokens(value, reader.line), line: reader.line });
    const parts = name.name();
    name.end();
    return parts;
  }
  protected qualified(kind: string, parts: readonly string[], reader: Reader): string {
    const wanted = { ACCOUNT: 1, DATABASE: 2, SCHEMA: 3 }[KINDS[kind]?.within ?? 'ACCOUNT'];
    if (parts.length > wanted) throw reader.unknown(`the name ${parts.join('.')}`);
    const missing = [this.session.database, this.session.schema].slice(0, Math.max(0, wanted - 1)).slice(0, wanted - parts.length);
    if (missing.some((part) => part === undefined)) throw this.refuse(`no current database or schema for ${parts.join('.')}`, reader.line);
    return [...missing, ...parts].join('.');
  }
  /** The name of a thing of that kind; procedures and functions carry the types of their arguments. */
  protected named(kind: string, reader: Reader): string {
    const name = this.qualified(kind, this.parts(reader), reader);
    if (!['PROCEDURE', 'FUNCTION'].includes(kind) || !reader.is('(')) return name;
    return `${name}(${signature(reader.parenthesis()).join(',')})`;
  }
  /** A thing, or a refusal: who may not see it hears that it "does not exist or not authorized". */
  protected existing(kind: string, reader: Reader): Thing {
    const name = this.named(kind, reader);
    return this.must(this.lookUp(kind, name), `${kind} ${name}`, reader.line);
  }
  protected lookUp(kind: string, name: string): Thing | undefined {
    const found = this.account.find(kind, name);
    // https://docs.snowflake.com/en/sql-reference/sql/grant-ownership#usage-notes: VIEW stands for materialized views too, TABLE for what is like a table
    if (found !== undefined || !['TABLE', 'VIEW'].includes(kind)) return found;
    return kind === 'VIEW'
      ? this.account.find('MATERIALIZED VIEW', name)
      : ['DYNAMIC TABLE', 'ICEBERG TABLE'].map((one) => this.account.find(one, name)).find((one) => one !== undefined);
  }
  protected must(thing: Thing | undefined, what: string, line: number): Thing {
    if (thing === undefined) throw this.refuse(`${what} does not exist`, line);
    return thing;
  }
  protected kind(reader: Reader, kinds: readonly string[] = Object.keys(KINDS)): string {
    const found = reader.oneOf(kinds);
    if (found === undefined) throw reader.unknown(`"${reader.peek()?.text ?? ''}" as a kind of object`);
    return found;
  }
  protected demand(is: boolean, what: string, reader: Reader): void {
    if (!is) throw this.refuse(`insufficient privileges: ${what}`, reader.line);
  }
  protected demandReach(roles: ReadonlySet<string>, thing: Pick<Thing, 'kind' | 'name'>, reader: Reader): void {
    this.demand(this.account.reaches(roles, thing), `no way to ${thing.kind} ${thing.name}`, reader);
  }
  protected existingUser(reader: Reader): Thing {
    return this.existing('USER', reader);
  }
  /** What the owner of a task needs for it to run: https://docs.snowflake.com/en/user-guide/tasks-intro#running-tasks */
  protected demandTaskRights(task: Thing, reader: Reader): void {
    const roles = this.account.inherited([task.owner]);
    this.demand(this.account.holdsGlobal(roles, 'EXECUTE TASK'), `EXECUTE TASK on the account, of ${task.owner}`, reader);
    if (task.task?.warehouse === undefined)
      this.demand(this.account.holdsGlobal(roles, 'EXECUTE MANAGED TASK'), `EXECUTE MANAGED TASK on the account, of ${task.owner}`, reader);
  }

  protected surroundings(scope: Scope): Parameters<typeof evaluate>[1] {
    return {
      variable: (name, reader) => {
        if (name.startsWith('$')) {
          const value = this.variables.get(name.slice(1).toUpperCase());
          if (value === undefined) throw this.refuse(`variable ${name} is not set`, reader.line);
          return value;
        }
        const value = scope.get(name);
        if (value !== undefined && !isHeld(value)) return value;
        const [holder = '', column = ''] = name.split('.');
        const held = scope.get(holder);
        if (isHeld(held) && 'row' in held) return held.row[column] ?? null;
        if (name === 'SQLROWCOUNT' || name === 'SQLFOUND' || name === 'SQLCODE' || name === 'SQLSTATE') return UNKNOWN;
        if (column !== '' && scope.has(holder)) return UNKNOWN;
        if (['CURRENT_TIMESTAMP', 'CURRENT_DATE', 'CURRENT_USER'].includes(name)) return this.context(name, [], reader) ?? UNKNOWN;
        throw reader.unknown(`the variable ${name}`);
      },
      context: (name, args, reader) => this.context(name, args, reader),
      query: (inside, reader) => {
        this.query(bound(inside, scope, reader), this.active, reader.line);
        return UNKNOWN;
      },
      choose: () => this.choose(),
    };
  }
  /** Functions that read the session: https://docs.snowflake.com/en/sql-reference/functions/sys_context_snowflake_session */
  protected context(name: string, args: readonly Value[], reader: Reader): Value | undefined {
    const isOwners = this.session.caller !== undefined;
    switch (name) {
      case 'CURRENT_USER':
      case 'CURRENT_ROLE':
      case 'CURRENT_SECONDARY_ROLES':
      case 'CURRENT_AVAILABLE_ROLES':
      case 'IS_ROLE_IN_SESSION':
      case 'INVOKER_ROLE':
        // No page says what they are there.
        if (isOwners) throw reader.unknown(`${name} in an owner's-rights procedure`);
        if (name === 'CURRENT_USER') return this.session.user;
        if (name === 'CURRENT_ROLE') return this.session.primary;
        if (name === 'IS_ROLE_IN_SESSION') return typeof args[0] === 'string' ? this.active.has(args[0]) : UNKNOWN;
        return UNKNOWN;
      case 'GETVARIABLE':
        return isOwners ? null : (this.variables.get(String(args[0])) ?? null);
      case 'CURRENT_DATABASE':
        return this.session.database ?? null;
      case 'CURRENT_SCHEMA':
        return this.session.schema ?? null;
      case 'SYS_CONTEXT': {
        const session = this.session.caller ?? this.session;
        // "provided that the owner role has been granted the READ SESSION privilege on the account"; NULL otherwise
        if (isOwners && !this.account.holdsGlobal(this.primary, 'READ SESSION')) return null;
        if (args[0] !== 'SNOWFLAKE$SESSION') throw reader.unknown('SYS_CONTEXT of another name space');
        if (args[1] === 'PRINCIPAL_NAME') return session.user;
        if (args[1] === 'ROLE') return session.primary;
        if (args[1] === 'IS_ROLE_ACTIVATED')
          return typeof args[2] === 'string' ? String(this.account.activeRoles(session).has(args[2])).toUpperCase() : UNKNOWN;
        throw reader.unknown(`SYS_CONTEXT of ${String(args[1])}`);
      }
      default:
        return undefined;
    }
  }
}
