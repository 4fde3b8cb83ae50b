import { type Account, keyOf, Refused, type Session, type TaskBody, type Thing, userKey } from './account.ts';
import { evaluate, UNKNOWN, type Value } from './expressions.ts';
import { GLOBAL_PRIVILEGES, KINDS } from './kinds.ts';
import { touchedBy } from './queries.ts';
import { type Row, select } from './rows.ts';
import { type Block, type Declared, parseBlock, type Step } from './scripting.ts';
import { informationSchema, shown } from './shown.ts';
import { NotModelled, Reader, type Statement, statements, type Token, tokens } from './tokens.ts';

/** An exception that a block raised itself. */
class Raised extends Error {
  readonly exception: string;
  constructor(exception: string) {
    super(`raised ${exception}`);
    this.exception = exception;
  }
}

/** The variables of a block. Rows stand for what a query returned, which is not known. */
type Scope = Map<string, Value | Held>;
type Held = { readonly rows: readonly Row[] | undefined } | { readonly row: Row } | { readonly exception: true };
const isHeld = (value: Value | Held | undefined): value is Held => typeof value === 'object' && value !== null && !Array.isArray(value);

const LATER = 'CREATE OR REPLACE';
const SCHEMA_KINDS = Object.keys(KINDS).filter((kind) => KINDS[kind]?.within === 'SCHEMA');
const PLURALS = new Map(Object.entries(KINDS).map(([kind, { plural }]) => [plural, kind]));

/** https://docs.snowflake.com/en/sql-reference/sql/create-user, .../alter-user: all that an administrator may set. */
const USER_SETTINGS = new Set(
  `PASSWORD LOGIN_NAME DISPLAY_NAME FIRST_NAME MIDDLE_NAME LAST_NAME EMAIL MUST_CHANGE_PASSWORD DISABLED DAYS_TO_EXPIRY MINS_TO_UNLOCK DEFAULT_WAREHOUSE
  DEFAULT_NAMESPACE DEFAULT_ROLE DEFAULT_SECONDARY_ROLES MINS_TO_BYPASS_MFA DISABLE_MFA RSA_PUBLIC_KEY RSA_PUBLIC_KEY_FP RSA_PUBLIC_KEY_2 RSA_PUBLIC_KEY_2_FP TYPE
  WORKLOAD_IDENTITY NETWORK_POLICY COMMENT QUERY_TAG STATEMENT_TIMEOUT_IN_SECONDS STATEMENT_QUEUED_TIMEOUT_IN_SECONDS TIMEZONE ALLOWED_INTERFACES`.split(/\s+/),
);
/** "Individual users can execute the ALTER USER command on themselves": https://docs.snowflake.com/en/sql-reference/sql/alter-user#usage-notes */
const OWN_SETTINGS = new Set(['DEFAULT_WAREHOUSE', 'DEFAULT_NAMESPACE', 'DEFAULT_ROLE', 'QUERY_TAG', 'STATEMENT_TIMEOUT_IN_SECONDS', 'TIMEZONE']);
const KEYS = new Set(['RSA_PUBLIC_KEY', 'RSA_PUBLIC_KEY_FP', 'RSA_PUBLIC_KEY_2', 'RSA_PUBLIC_KEY_2_FP']);
/** "Incompatible properties cannot be set": https://docs.snowflake.com/en/user-guide/admin-user-management#types-of-users */
const NOT_FOR_SERVICES = new Set(['PASSWORD', 'MUST_CHANGE_PASSWORD', 'FIRST_NAME', 'MIDDLE_NAME', 'LAST_NAME', 'MINS_TO_BYPASS_MFA', 'DISABLE_MFA']);

/** Runs statements in an account, as a session. */
export class Run {
  readonly account: Account;
  session: Session;
  private readonly choices: boolean[];
  private chosen = 0;
  private depth = 0;
  private variables = new Map<string, Value>();
  /** The rows of the last statement, for RESULT_SCAN. */
  private last: readonly Row[] | undefined;
  /** Whether rows that are not known have decided something. */
  guessed = false;
  /** Whether rows were written, which the account does not keep. */
  wrote = false;

  constructor(account: Account, session: Session, choices: boolean[] = []) {
    this.account = account;
    this.session = session;
    this.choices = choices;
  }

  /** Everything in a script; the first statement that is refused ends it. */
  script(sql: string, firstLine = 1): void {
    for (const statement of statements(sql, firstLine)) this.statement(statement);
  }

  /** Decides what rows would decide; `choices` holds the decisions, new ones are added. */
  private choose(): boolean {
    this.guessed = true;
    const decided = this.choices[this.chosen] ?? true;
    if (this.chosen >= this.choices.length) this.choices.push(decided);
    this.chosen += 1;
    return decided;
  }

  private refuse(why: string, line: number): Refused {
    return new Refused(`line ${line}: ${why}`);
  }

  private get active(): ReadonlySet<string> {
    return this.account.activeRoles(this.session);
  }
  private get primary(): ReadonlySet<string> {
    return this.account.primaryRoles(this.session);
  }
  private get isWide(): boolean {
    return this.account.reading === 'wide';
  }

  statement(statement: Statement): void {
    const reader = new Reader(statement);
    if (reader.is('DECLARE') || (reader.is('BEGIN') && statement.tokens.length > 1 && !reader.is('BEGIN', 'TRANSACTION') && !reader.is('BEGIN', 'WORK'))) {
      this.block(parseBlock(statement), new Map());
      return;
    }
    const verb = reader.next();
    if (verb.kind !== 'word') throw reader.unknown(`"${verb.text}"`);
    // "Other SQL statements cannot be called from inside an owner's rights stored procedure":
    // https://docs.snowflake.com/en/developer-guide/stored-procedure/stored-procedures-rights#restrictions-on-sql-statements
    if (this.session.caller !== undefined && ['USE', 'SET', 'UNSET', 'PUT', 'GET', 'REMOVE'].includes(verb.text)) {
      throw this.refuse(`${verb.text} is not allowed in an owner's-rights procedure`, verb.line);
    }
    switch (verb.text) {
      case 'USE':
        this.use(reader);
        return;
      case 'CREATE':
        this.create(reader);
        return;
      case 'DROP':
        this.drop(reader);
        return;
      case 'UNDROP':
        this.undrop(reader);
        return;
      case 'ALTER':
        this.alter(reader);
        return;
      case 'GRANT':
        this.grant(reader);
        return;
      case 'REVOKE':
        this.revoke(reader);
        return;
      case 'CALL':
        return void this.call(reader);
      case 'EXECUTE':
        this.execute(reader);
        return;
      case 'SELECT':
      case 'WITH':
        reader.at -= 1;
        this.query(reader.rest(), this.active, verb.line);
        return;
      case 'INSERT':
      case 'UPDATE':
      case 'DELETE':
      case 'MERGE':
      case 'TRUNCATE':
      case 'COPY':
        this.change(verb.text, reader);
        return;
      case 'COMMENT':
        this.comment(reader);
        return;
      case 'SHOW':
      case 'DESCRIBE':
      case 'DESC':
        this.show(reader, verb.text);
        return;
      case 'LIST':
      case 'LS':
        reader.rest();
        return;
      case 'BEGIN':
      case 'COMMIT':
      case 'ROLLBACK':
        reader.rest();
        return;
      case 'SET':
        this.set(reader);
        return;
      case 'UNSET':
        this.variables.delete(reader.part());
        reader.end();
        return;
      default:
        throw reader.unknown(verb.text);
    }
  }

  // Names

  /** A name, IDENTIFIER('…') or IDENTIFIER($variable): https://docs.snowflake.com/en/sql-reference/identifier-literal */
  private parts(reader: Reader): readonly string[] {
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
  private qualified(kind: string, parts: readonly string[], reader: Reader): string {
    const wanted = { ACCOUNT: 1, DATABASE: 2, SCHEMA: 3 }[KINDS[kind]?.within ?? 'ACCOUNT'];
    if (parts.length > wanted) throw reader.unknown(`the name ${parts.join('.')}`);
    const missing = [this.session.database, this.session.schema].slice(0, Math.max(0, wanted - 1)).slice(0, wanted - parts.length);
    if (missing.some((part) => part === undefined)) throw this.refuse(`no current database or schema for ${parts.join('.')}`, reader.line);
    return [...missing, ...parts].join('.');
  }
  /** The name of a thing of that kind; procedures and functions carry the types of their arguments. */
  private named(kind: string, reader: Reader): string {
    const name = this.qualified(kind, this.parts(reader), reader);
    if (!['PROCEDURE', 'FUNCTION'].includes(kind) || !reader.is('(')) return name;
    return `${name}(${signature(reader.parenthesis()).join(',')})`;
  }
  /** A thing, or a refusal: who may not see it hears that it "does not exist or not authorized". */
  private existing(kind: string, reader: Reader): Thing {
    const name = this.named(kind, reader);
    return this.must(this.lookUp(kind, name), `${kind} ${name}`, reader.line);
  }
  private lookUp(kind: string, name: string): Thing | undefined {
    const found = this.account.find(kind, name);
    // https://docs.snowflake.com/en/sql-reference/sql/grant-ownership#usage-notes: VIEW stands for materialized views too, TABLE for what is like a table
    if (found !== undefined || !['TABLE', 'VIEW'].includes(kind)) return found;
    return kind === 'VIEW'
      ? this.account.find('MATERIALIZED VIEW', name)
      : ['DYNAMIC TABLE', 'ICEBERG TABLE'].map((one) => this.account.find(one, name)).find((one) => one !== undefined);
  }
  private must(thing: Thing | undefined, what: string, line: number): Thing {
    if (thing === undefined) throw this.refuse(`${what} does not exist`, line);
    return thing;
  }
  private kind(reader: Reader, kinds: readonly string[] = Object.keys(KINDS)): string {
    const found = reader.oneOf(kinds);
    if (found === undefined) throw reader.unknown(`"${reader.peek()?.text ?? ''}" as a kind of object`);
    return found;
  }
  private demand(is: boolean, what: string, reader: Reader): void {
    if (!is) throw this.refuse(`insufficient privileges: ${what}`, reader.line);
  }
  private demandReach(roles: ReadonlySet<string>, thing: Pick<Thing, 'kind' | 'name'>, reader: Reader): void {
    this.demand(this.account.reaches(roles, thing), `no way to ${thing.kind} ${thing.name}`, reader);
  }

  // Session

  private use(reader: Reader): void {
    if (reader.accept('ROLE')) {
      const [role = ''] = this.parts(reader);
      // https://docs.snowflake.com/en/sql-reference/sql/use-role#usage-notes
      this.demand(this.account.takeable(this.session.user).includes(role), `role ${role} was not granted to ${this.session.user}`, reader);
      this.session = { ...this.session, primary: role };
    } else if (reader.accept('SECONDARY', 'ROLES')) {
      if (reader.accept('ALL')) this.session = { ...this.session, secondary: 'ALL' };
      else if (reader.accept('NONE')) this.session = { ...this.session, secondary: [] };
      else {
        const roles = reader.list(() => reader.part());
        for (const role of roles)
          this.demand(this.account.takeable(this.session.user).includes(role), `role ${role} was not granted to ${this.session.user}`, reader);
        this.session = { ...this.session, secondary: roles };
      }
    } else if (reader.accept('WAREHOUSE')) {
      const warehouse = this.existing('WAREHOUSE', reader);
      this.demand(this.mayCompute(warehouse, this.active), `USAGE on warehouse ${warehouse.name}`, reader);
      this.session = { ...this.session, warehouse: warehouse.name };
    } else {
      const isSchema = reader.accept('SCHEMA');
      if (!isSchema) reader.accept('DATABASE');
      const parts = this.parts(reader);
      reader.end();
      const database = isSchema && parts.length === 1 ? this.session.database : parts[0];
      const schema = isSchema ? parts.at(-1) : parts[1];
      this.must(this.account.find('DATABASE', database ?? ''), `database ${database ?? ''}`, reader.line);
      if (schema !== undefined) this.must(this.account.find('SCHEMA', `${database}.${schema}`), `schema ${database}.${schema}`, reader.line);
      this.session = { ...this.session, database, schema };
    }
    reader.end();
  }
  private set(reader: Reader): void {
    const name = reader.part();
    reader.expect('=');
    this.variables.set(name, evaluate(reader, this.surroundings(new Map())));
    reader.end();
  }
  private show(reader: Reader, verb: string): void {
    // What they list depends on what one may see, and they change nothing. https://docs.snowflake.com/en/sql-reference/sql/show
    const isOwners = this.session.caller !== undefined;
    if (isOwners && verb === 'SHOW' && /^(?:VARIABLES|LOCKS|TRANSACTIONS|PARAMETERS)$/.test(reader.peek()?.text ?? '')) {
      throw this.refuse("it reads the caller's session, in an owner's-rights procedure", reader.line);
    }
    const asked = reader.rest();
    this.last = verb === 'SHOW' ? shown(this.account, this.active, asked, (kind, parts) => this.qualified(kind, parts, reader)) : undefined;
  }

  // Compute

  private mayCompute(warehouse: Thing, roles: ReadonlySet<string>): boolean {
    return this.account.holds(roles, 'USAGE', warehouse);
  }
  /** "To query an object, a role must have the USAGE privilege on a warehouse": https://docs.snowflake.com/en/user-guide/security-access-control-configure#creating-custom-roles */
  private demandCompute(roles: ReadonlySet<string>, reader: Reader | number): void {
    const all = [...this.account.things.values()].filter(({ kind }) => kind === 'WAREHOUSE');
    const { warehouse } = this.session.caller ?? this.session;
    const usable = this.isWide && warehouse === undefined ? all : all.filter(({ name }) => name === warehouse);
    // A procedure "inherits the current warehouse of the caller"; whether its owner must be let use it too, no page says.
    const { caller } = this.session;
    const users = caller === undefined ? [roles] : this.isWide ? [this.account.activeRoles(caller)] : [this.account.activeRoles(caller), roles];
    if (!usable.some((one) => users.every((user) => this.mayCompute(one, user))))
      throw this.refuse('no warehouse to run it', typeof reader === 'number' ? reader : reader.line);
  }

  // Queries and DML

  private resolve(parts: readonly string[], line: number): string {
    if (parts.length > 3) throw new NotModelled(`the name ${parts.join('.')}`, line);
    const missing = [this.session.database, this.session.schema].slice(0, 3 - parts.length);
    if (missing.some((part) => part === undefined)) throw this.refuse(`no current database or schema for ${parts.join('.')}`, line);
    return [...missing, ...parts].join('.');
  }
  /** Everything that a query reads, with these roles. */
  private query(all: readonly Token[], roles: ReadonlySet<string>, line: number): void {
    const { relations, stages, functions } = touchedBy(all);
    for (const parts of relations) this.readRelation(parts, roles, line);
    for (const parts of stages) this.readStage(parts, roles, line);
    for (const parts of functions) {
      if (parts.includes('INFORMATION_SCHEMA') || parts[0] === 'SNOWFLAKE') continue;
      const name = this.resolve(parts, line);
      const fits = [...this.account.things.values()].filter((thing) => thing.kind === 'FUNCTION' && thing.name.startsWith(`${name}(`));
      if (!fits.some((thing) => this.account.holds(roles, 'USAGE', thing) && this.account.reaches(roles, thing)))
        throw this.refuse(`function ${name} does not exist or not authorized`, line);
    }
    if (relations.length > 0) this.demandCompute(roles, line);
  }
  private readRelation(parts: readonly string[], roles: ReadonlySet<string>, line: number): void {
    if (parts.at(-2) === 'INFORMATION_SCHEMA') {
      const database = this.account.find('DATABASE', parts.length === 3 ? (parts[0] ?? '') : (this.session.database ?? ''));
      // It shows what the role has a right on, and so needs none: https://docs.snowflake.com/en/sql-reference/info-schema
      if (database === undefined || !this.account.reaches(roles, { kind: 'SCHEMA', name: `${database.name}.INFORMATION_SCHEMA` }))
        throw this.refuse(`${parts.join('.')} does not exist or not authorized`, line);
      return;
    }
    if (parts[0] === 'SNOWFLAKE') {
      // https://docs.snowflake.com/en/sql-reference/account-usage#enabling-other-roles-to-use-schemas-in-the-snowflake-database
      const database = this.account.find('DATABASE', 'SNOWFLAKE');
      const may =
        (database !== undefined && this.account.holds(roles, 'IMPORTED PRIVILEGES', database)) || [...roles].some((role) => role.startsWith('SNOWFLAKE.'));
      if (!may) throw this.refuse(`${parts.join('.')} does not exist or not authorized`, line);
      return;
    }
    const name = this.resolve(parts, line);
    const thing = this.account.relation(name);
    if (thing === undefined || !this.account.reaches(roles, thing) || !this.account.holds(roles, 'SELECT', thing))
      throw this.refuse(`${name} does not exist or not authorized`, line);
  }
  private readStage(parts: readonly string[], roles: ReadonlySet<string>, line: number): void {
    const name = this.resolve(parts, line);
    const stage = this.account.find('STAGE', name);
    const may =
      stage !== undefined && this.account.reaches(roles, stage) && (this.account.holds(roles, 'READ', stage) || this.account.holds(roles, 'USAGE', stage));
    if (!may) throw this.refuse(`stage ${name} does not exist or not authorized`, line);
  }
  /** https://docs.snowflake.com/en/user-guide/security-access-control-privileges#table-privileges */
  private change(verb: string, reader: Reader): void {
    const needs: string[] = verb === 'MERGE' || verb === 'COPY' ? [] : [verb];
    if (verb === 'INSERT') {
      if (reader.accept('OVERWRITE')) needs.push('DELETE');
      reader.expect('INTO');
    }
    if (verb === 'DELETE') reader.expect('FROM');
    if (verb === 'MERGE') reader.expect('INTO');
    if (verb === 'TRUNCATE') {
      reader.accept('TABLE');
      reader.accept('IF', 'EXISTS');
    }
    if (verb === 'COPY') {
      reader.expect('INTO');
      if (reader.accept('@')) {
        this.unload(reader);
        return;
      }
      needs.push('INSERT');
    }
    const line = reader.line;
    const name = this.resolve(this.parts(reader), line);
    const rest = reader.rest();
    if (verb === 'MERGE') {
      for (const act of ['INSERT', 'UPDATE', 'DELETE']) if (rest.some((token, at) => token.text === act && rest[at - 1]?.text === 'THEN')) needs.push(act);
    }
    const roles = this.active;
    const thing = this.account.relation(name);
    if (thing === undefined || !this.account.reaches(roles, thing)) throw this.refuse(`${name} does not exist or not authorized`, line);
    // "views are read-only": https://docs.snowflake.com/en/user-guide/security-access-control-privileges#view-privileges
    if (!/^(?:HYBRID |ICEBERG |EVENT )?TABLE$/.test(thing.kind)) throw this.refuse(`a ${thing.kind} is read-only`, line);
    for (const privilege of needs) {
      // https://docs.snowflake.com/en/sql-reference/sql/truncate-table: TRUNCATE, or DELETE in a wide reading
      const may = this.account.holds(roles, privilege, thing) || (privilege === 'TRUNCATE' && this.isWide && this.account.holds(roles, 'DELETE', thing));
      if (!may) throw this.refuse(`insufficient privileges: ${privilege} on ${name}`, line);
    }
    this.query(rest, roles, line);
    if (verb !== 'TRUNCATE') this.demandCompute(roles, line);
    this.wrote = true;
    if (this.account.content.has(name)) this.rewrite(verb, name, { ...reader.statement, tokens: rest });
  }
  /** Follows INSERT (…) SELECT … and DELETE in a table whose rows are known; what others do to it is left to whoever said what is in it. */
  private rewrite(verb: string, name: string, rest: Statement): void {
    const rows = this.account.content.get(name) ?? [];
    const around = this.surroundings(new Map());
    const reader = new Reader(rest);
    if (verb === 'INSERT' && reader.is('(')) {
      const columns = reader.parenthesis().filter(({ kind }) => kind === 'word');
      const added = select({ ...rest, tokens: reader.rest() }, around, () => undefined, undefined);
      if (added === undefined) throw new NotModelled(`what is inserted into ${name}`, rest.line);
      const made = added.map((row) => Object.fromEntries(columns.map(({ text }, at): [string, Value] => [text, Object.values(row)[at] ?? null])));
      this.account.content.set(name, [...rows, ...made]);
    }
    if (verb === 'DELETE') {
      const where = reader.accept('WHERE') ? reader.rest() : [];
      const query = (condition: readonly Token[]): Statement => ({
        ...rest,
        tokens: [
          ...tokens(`SELECT * FROM T ${condition.length > 0 ? 'WHERE NOT COALESCE(' : ''}`),
          ...condition,
          ...tokens(condition.length > 0 ? ', FALSE)' : ''),
        ],
      });
      const kept = where.length === 0 ? [] : rows.filter((row) => (select(query(where), around, () => [row], undefined)?.length ?? 1) > 0);
      this.account.content.set(name, kept);
    }
  }
  private unload(reader: Reader): void {
    const line = reader.line;
    const stage = this.existing('STAGE', reader);
    this.demandReach(this.active, stage, reader);
    this.demand(this.account.holds(this.active, 'WRITE', stage) || this.account.holds(this.active, 'USAGE', stage), `WRITE on stage ${stage.name}`, reader);
    this.query(reader.rest(), this.active, line);
  }
  private comment(reader: Reader): void {
    reader.accept('IF', 'EXISTS');
    reader.expect('ON');
    const kind = this.kind(reader);
    const thing = kind === 'USER' ? this.existingUser(reader) : this.existing(kind, reader);
    this.demand(
      this.active.has(thing.owner) || (['DATABASE', 'SCHEMA'].includes(kind) && this.account.holds(this.active, 'MODIFY', thing)),
      `a comment on ${kind} ${thing.name}`,
      reader,
    );
    reader.rest();
  }

  // CREATE

  private create(reader: Reader): void {
    const replaces = reader.accept('OR', 'REPLACE');
    if (reader.is('OR', 'ALTER')) throw reader.unknown('CREATE OR ALTER');
    let isTransient = false;
    let isTemporary = false;
    for (;;) {
      if (reader.accept('TRANSIENT')) isTransient = true;
      else if (reader.accept('TEMPORARY') || reader.accept('TEMP') || reader.accept('LOCAL', 'TEMPORARY')) isTemporary = true;
      else if (!reader.accept('SECURE') && !reader.accept('RECURSIVE')) break;
    }
    if (reader.accept('EXTERNAL', 'FUNCTION')) {
      this.createExternalFunction(reader, replaces);
      return;
    }
    for (const sort of ['API', 'STORAGE', 'NOTIFICATION', 'SECURITY', 'EXTERNAL ACCESS', 'CATALOG']) {
      if (reader.accept(...sort.split(' '), 'INTEGRATION')) {
        this.createInAccount('INTEGRATION', reader, replaces);
        return;
      }
    }
    const kind = this.kind(reader);
    switch (kind) {
      case 'USER':
        this.createUser(reader, replaces);
        return;
      case 'ROLE':
      case 'WAREHOUSE':
      case 'INTEGRATION':
      case 'NETWORK POLICY':
      case 'SHARE':
      case 'RESOURCE MONITOR':
        this.createInAccount(kind, reader, replaces);
        return;
      case 'DATABASE':
        this.createDatabase(reader, replaces, isTransient);
        return;
      case 'DATABASE ROLE':
        this.createDatabaseRole(reader, replaces);
        return;
      case 'SCHEMA':
        this.createSchema(reader, replaces, isTransient);
        return;
      default:
        this.createInSchema(kind, reader, { replaces, isTransient, isTemporary });
        return;
    }
  }
  private ifNotExists(reader: Reader): boolean {
    return reader.accept('IF', 'NOT', 'EXISTS');
  }
  /** Whether to go on: something of that name is replaced, left or in the way. OR REPLACE drops it, which takes its owner. */
  private clear(kind: string, name: string, replaces: boolean, ifNotExists: boolean, reader: Reader): boolean {
    const there = this.account.find(kind, name) ?? (KINDS[kind]?.within === 'SCHEMA' ? this.account.relation(name) : undefined);
    if (there === undefined) return true;
    if (ifNotExists) return false;
    if (!replaces) throw this.refuse(`${kind} ${name} exists already`, reader.line);
    this.demand((this.isWide ? this.active : this.primary).has(there.owner), `${LATER} of ${kind} ${name}, which ${there.owner} owns`, reader);
    this.account.drop(there);
    return true;
  }
  private createInAccount(kind: string, reader: Reader, replaces: boolean): void {
    const ifNotExists = this.ifNotExists(reader);
    const name = this.named(kind, reader);
    // https://docs.snowflake.com/en/user-guide/resource-monitors: only ACCOUNTADMIN creates them
    const may = kind === 'RESOURCE MONITOR' ? this.primary.has('ACCOUNTADMIN') : this.account.holdsGlobal(this.primary, `CREATE ${kind}`);
    this.demand(may, `CREATE ${kind} on the account`, reader);
    if (!this.clear(kind, name, replaces, ifNotExists, reader)) return void reader.rest();
    const made = this.account.create(this.session, { kind, name });
    if (kind === 'RESOURCE MONITOR') reader.rest();
    else made.comment = this.settings(reader).COMMENT ?? '';
    reader.end();
  }
  private createDatabase(reader: Reader, replaces: boolean, isTransient: boolean): void {
    const ifNotExists = this.ifNotExists(reader);
    const name = this.named('DATABASE', reader);
    this.demand(this.account.holdsGlobal(this.primary, 'CREATE DATABASE'), 'CREATE DATABASE on the account', reader);
    if (!this.clear('DATABASE', name, replaces, ifNotExists, reader)) return void reader.rest();
    if (reader.is('CLONE') || reader.is('FROM') || reader.is('AS')) throw reader.unknown('a database made from something else');
    const comment = this.settings(reader).COMMENT ?? '';
    reader.end();
    this.account.create(this.session, { kind: 'DATABASE', name, transient: isTransient, comment });
    // https://docs.snowflake.com/en/sql-reference/sql/create-database#general-usage-notes: with a schema PUBLIC
    this.account.create(this.session, { kind: 'SCHEMA', name: `${name}.PUBLIC`, transient: isTransient });
    this.session = { ...this.session, database: name, schema: 'PUBLIC' };
  }
  private createDatabaseRole(reader: Reader, replaces: boolean): void {
    const ifNotExists = this.ifNotExists(reader);
    const name = this.named('DATABASE ROLE', reader);
    const database = this.must(this.account.databaseOf({ kind: 'DATABASE ROLE', name }), 'the database', reader.line);
    this.demand(this.account.holds(this.primary, 'CREATE DATABASE ROLE', database), `CREATE DATABASE ROLE on ${database.name}`, reader);
    if (this.clear('DATABASE ROLE', name, replaces, ifNotExists, reader)) this.account.create(this.session, { kind: 'DATABASE ROLE', name });
    this.settings(reader);
    reader.end();
  }
  /** https://docs.snowflake.com/en/sql-reference/sql/create-schema#access-control-requirements */
  private createSchema(reader: Reader, replaces: boolean, isTransient: boolean): void {
    const ifNotExists = this.ifNotExists(reader);
    const name = this.named('SCHEMA', reader);
    const database = this.must(this.account.databaseOf({ kind: 'SCHEMA', name }), 'the database', reader.line);
    // With IF NOT EXISTS on a schema that is there it is asked for too: https://github.com/dbt-labs/dbt-external-tables/issues/214
    this.demand(this.account.holds(this.primary, 'CREATE SCHEMA', database), `CREATE SCHEMA on ${database.name}`, reader);
    if (!this.clear('SCHEMA', name, replaces, ifNotExists, reader)) return void reader.rest();
    const cloned = reader.accept('CLONE') ? this.existing('SCHEMA', reader) : undefined;
    if (cloned !== undefined && (reader.is('AT') || reader.is('BEFORE'))) {
      reader.next();
      reader.parenthesis();
    }
    const isManaged = reader.accept('WITH', 'MANAGED', 'ACCESS');
    this.settings(reader);
    reader.end();
    const made = this.account.create(this.session, { kind: 'SCHEMA', name, managed: isManaged, transient: isTransient || database.transient === true });
    if (cloned !== undefined) this.cloneInto(made, cloned, isManaged, reader);
    const [first, second] = name.split('.');
    if (this.session.caller === undefined) this.session = { ...this.session, database: first, schema: second };
  }
  /**
   * https://docs.snowflake.com/en/sql-reference/sql/create-clone#access-control-requirements: only what the role has rights on is cloned, and
   * "a cloned schema retains any privileges granted on the tables" (considerations#understanding-cloned-objects-and-granted-privileges).
   */
  private cloneInto(made: Thing, source: Thing, isManaged: boolean, reader: Reader): void {
    const roles = this.primary;
    this.demand(this.account.reaches(roles, source) && this.account.holds(roles, 'USAGE', source), `USAGE on ${source.name}`, reader);
    if (isManaged)
      this.demand(
        source.managed === true ? roles.has(source.owner) : this.account.managesGrants(roles),
        `WITH MANAGED ACCESS of a clone of ${source.name}`,
        reader,
      );
    for (const thing of this.account.inside(source)) {
      if (!/^(?:TABLE|VIEW|SEQUENCE)$/.test(thing.kind) || !this.account.holds(roles, thing.kind === 'SEQUENCE' ? 'USAGE' : 'SELECT', thing)) continue;
      const name = `${made.name}${thing.name.slice(source.name.length)}`;
      this.account.things.set(keyOf(thing.kind, name), { kind: thing.kind, name, owner: this.session.primary });
      for (const grant of this.account.grants.filter(({ on }) => on === keyOf(thing.kind, thing.name)))
        this.account.grant({ ...grant, on: keyOf(thing.kind, name) });
    }
    for (const one of this.account.future.filter(({ within }) => within === keyOf('SCHEMA', source.name)))
      this.account.future.push({ ...one, within: keyOf('SCHEMA', made.name) });
  }
  /** CREATE <kind> on the schema, from the primary role alone: https://docs.snowflake.com/en/sql-reference/sql/create-table#access-control-requirements */
  private createInSchema(
    kind: string,
    reader: Reader,
    how: { readonly replaces: boolean; readonly isTransient: boolean; readonly isTemporary: boolean },
  ): void {
    const ifNotExists = this.ifNotExists(reader);
    const plain = this.qualified(kind, this.parts(reader), reader);
    const isRoutine = kind === 'PROCEDURE' || kind === 'FUNCTION';
    const parameters = isRoutine ? reader.parenthesis() : [];
    const name = isRoutine ? `${plain}(${parameterTypes(parameters).join(',')})` : plain;
    const schema = this.must(this.account.schemaOf({ kind, name }), `the schema of ${name}`, reader.line);
    this.demandReach(this.primary, { kind, name }, reader);
    // "creating a temporary table does not require the CREATE TABLE privilege"; one of an existing name takes its owner
    if (how.isTemporary) {
      const same = this.account.relation(name);
      this.demand(same === undefined || this.primary.has(same.owner), `a temporary ${kind} with the name of ${name}`, reader);
    } else this.demand(this.account.holds(this.primary, `CREATE ${kind}`, schema), `CREATE ${kind} on ${schema.name}`, reader);
    const replaced = how.replaces ? this.account.find(kind, name) : undefined;
    const keptGrants = this.account.grants.filter(({ on }) => replaced !== undefined && on === keyOf(kind, name));
    if (!how.isTemporary && !this.clear(kind, name, how.replaces, ifNotExists, reader)) return void reader.rest();
    const line = reader.line;
    const extra = kind === 'PROCEDURE' ? { routine: this.routine(reader, parameters) } : kind === 'TASK' ? { task: this.task(reader) } : {};
    const source = kind === 'STREAM' ? this.streamSource(reader) : undefined;
    const rest = reader.rest();
    this.readSources(kind, rest, line);
    if (source !== undefined)
      this.demand(this.account.holds(this.primary, 'SELECT', source) && this.account.reaches(this.primary, source), `SELECT on ${source.name}`, reader);
    if (how.isTemporary) return;
    const copies = rest.some((token, at) => token.text === 'COPY' && rest[at + 1]?.text === 'GRANTS');
    this.account.create(
      this.session,
      { kind, name, transient: how.isTransient || schema.transient === true, ...extra },
      copies && replaced !== undefined ? { keepsGrantsOf: replaced } : {},
    );
    // https://docs.snowflake.com/en/sql-reference/sql/create-table: COPY GRANTS keeps the old ones, and future grants do not apply
    if (copies) for (const grant of keptGrants) this.account.grant({ ...grant, by: this.session.primary });
  }
  /** The tables that CTAS, LIKE, CLONE and views read. */
  private readSources(kind: string, rest: readonly Token[], line: number): void {
    if (['PROCEDURE', 'FUNCTION', 'TASK', 'STREAM'].includes(kind)) return;
    const reader = new Reader({ source: '', tokens: rest, line });
    for (let at = 0; at < rest.length; at += 1) {
      if (rest[at]?.kind !== 'word' || !['CLONE', 'LIKE'].includes(rest[at]?.text ?? '') || kind !== 'TABLE' || at > 0) continue;
      reader.at = at + 1;
      this.readRelation(this.parts(reader), this.primary, line);
      return;
    }
    const { relations } = touchedBy(rest);
    if (relations.length > 0) this.query(rest, this.primary, line);
    else if (rest.some(({ text }) => text === 'SELECT') && kind === 'TABLE') this.demandCompute(this.primary, line);
    if (kind === 'DYNAMIC TABLE' || kind === 'MATERIALIZED VIEW') this.demandCompute(this.primary, line);
  }
  private streamSource(reader: Reader): Thing {
    this.settings(reader);
    reader.expect('ON');
    const kind = reader.oneOf(['TABLE', 'VIEW', 'EXTERNAL TABLE', 'STAGE', 'DYNAMIC TABLE']) ?? 'TABLE';
    return this.existing(kind, reader);
  }
  private createExternalFunction(reader: Reader, replaces: boolean): void {
    const plain = this.qualified('FUNCTION', this.parts(reader), reader);
    const name = `${plain}(${parameterTypes(reader.parenthesis()).join(',')})`;
    const schema = this.must(this.account.schemaOf({ kind: 'FUNCTION', name }), `the schema of ${name}`, reader.line);
    this.demandReach(this.primary, { kind: 'FUNCTION', name }, reader);
    this.demand(this.account.holds(this.primary, 'CREATE FUNCTION', schema), `CREATE FUNCTION on ${schema.name}`, reader);
    while (!reader.accept('API_INTEGRATION', '=')) reader.next();
    const integration = this.existing('INTEGRATION', reader);
    // https://docs.snowflake.com/en/sql-reference/sql/create-external-function#access-control-requirements
    this.demand(this.account.holds(this.primary, 'USAGE', integration), `USAGE on integration ${integration.name}`, reader);
    reader.rest();
    if (this.clear('FUNCTION', name, replaces, false, reader)) this.account.create(this.session, { kind: 'FUNCTION', name });
  }
  private routine(reader: Reader, parameters: readonly Token[]): NonNullable<Thing['routine']> {
    let rights: 'OWNER' | 'CALLER' = 'OWNER';
    let language = 'SQL';
    while (!reader.accept('AS')) {
      if (reader.accept('EXECUTE', 'AS')) {
        if (reader.accept('CALLER')) rights = 'CALLER';
        else if (!reader.accept('OWNER')) throw reader.unknown('rights other than those of OWNER and CALLER');
      } else if (reader.accept('LANGUAGE')) language = reader.part();
      else reader.next();
    }
    const body = reader.peek();
    const text = body?.kind === 'string' ? body.text : undefined;
    const line = reader.line;
    const rest = reader.restText();
    return { rights, language, parameters: parameterNames(parameters), body: text ?? rest.text, line };
  }
  /** https://docs.snowflake.com/en/sql-reference/sql/create-task#access-control-requirements */
  private task(reader: Reader): TaskBody {
    let warehouse: string | undefined;
    let asUser: string | undefined;
    while (!reader.accept('AS')) {
      if (reader.accept('WAREHOUSE', '=')) {
        const thing = this.existing('WAREHOUSE', reader);
        this.demand(this.mayCompute(thing, this.primary), `USAGE on warehouse ${thing.name}`, reader);
        warehouse = thing.name;
      } else if (reader.accept('EXECUTE', 'AS', 'USER')) {
        const user = this.existingUser(reader);
        this.demand(this.account.holds(this.primary, 'IMPERSONATE', user), `IMPERSONATE on user ${user.name}`, reader);
        asUser = user.name;
      } else reader.next();
    }
    if (warehouse === undefined) this.demand(this.account.holdsGlobal(this.primary, 'EXECUTE MANAGED TASK'), 'EXECUTE MANAGED TASK on the account', reader);
    const { text, line } = reader.restText();
    return { body: text, line, warehouse, asUser };
  }

  /** `KEY = value` and the like, to the end or to a word that is none of them. */
  private settings(reader: Reader): Readonly<Record<string, string>> {
    const found: Record<string, string> = {};
    for (;;) {
      reader.accept(',');
      if (reader.accept('WITH', 'TAG') || reader.is('TAG', '(')) {
        reader.accept('TAG');
        reader.parenthesis();
        continue;
      }
      if (reader.is('WITH') && reader.peek(2)?.text === '=') reader.next();
      if (reader.peek()?.kind !== 'word' || reader.peek(1)?.text !== '=') return found;
      const key = reader.part();
      reader.expect('=');
      if (reader.is('(')) {
        found[key] = reader
          .parenthesis()
          .map(({ text }) => text)
          .join(' ');
      } else if (reader.peek()?.kind === 'word' || reader.peek()?.kind === 'quoted') found[key] = reader.name().join('.');
      else found[key] = (reader.accept('-') ? '-' : '') + reader.next().text;
    }
  }

  // Users

  private existingUser(reader: Reader): Thing {
    return this.existing('USER', reader);
  }
  private createUser(reader: Reader, replaces: boolean): void {
    const ifNotExists = this.ifNotExists(reader);
    const name = this.named('USER', reader);
    this.demand(this.account.holdsGlobal(this.primary, 'CREATE USER'), 'CREATE USER on the account', reader);
    if (!this.clear('USER', name, replaces, ifNotExists, reader)) return void reader.rest();
    const settings = this.userSettings(reader);
    reader.end();
    this.account.create(this.session, { kind: 'USER', name, comment: settings.COMMENT ?? '' });
    this.setUser(name, {}, settings, reader);
  }
  private userSettings(reader: Reader): Readonly<Record<string, string>> {
    const settings = this.settings(reader);
    for (const key of Object.keys(settings)) if (!USER_SETTINGS.has(key)) throw reader.unknown(`the setting ${key} of a user`);
    return settings;
  }
  private setUser(name: string, before: Readonly<Record<string, string>>, changed: Readonly<Record<string, string>>, reader: Reader): void {
    const settings = { ...before, ...changed };
    const type = settings.TYPE ?? 'PERSON';
    if (type !== 'PERSON' && type !== 'SERVICE' && type !== 'LEGACY_SERVICE') throw reader.unknown(`a user of type ${type}`);
    if (type === 'SERVICE') for (const key of Object.keys(changed)) if (NOT_FOR_SERVICES.has(key)) throw this.refuse(`${key} of a SERVICE user`, reader.line);
    this.account.users.set(name, { type, settings });
  }
  private alterUser(reader: Reader): void {
    const ifExists = reader.accept('IF', 'EXISTS');
    const isOwn = reader.is('SET') || reader.is('UNSET') || reader.is('ADD') || reader.is('ABORT');
    // "In the handler for an owner's rights procedure, you cannot execute ALTER USER statements that implicitly use the current user"
    if (isOwn && this.session.caller !== undefined) throw this.refuse('ALTER USER of the current user', reader.line);
    const name = isOwn ? this.session.user : this.named('USER', reader);
    const user = this.account.find('USER', name);
    if (user === undefined && ifExists) return void reader.rest();
    const thing = this.must(user, `user ${name}`, reader.line);
    const isSelf = name === this.session.user && this.session.caller === undefined;
    // "Only the role with the OWNERSHIP privilege on the user, or a higher role"; older pages let SECURITYADMIN alter every user: read widely.
    const isOwner = this.active.has(thing.owner) || (this.isWide && this.active.has('SECURITYADMIN'));
    const mayAuthenticate = isOwner || this.account.holds(this.active, 'MODIFY PROGRAMMATIC AUTHENTICATION METHODS', thing);
    const before = this.account.users.get(name);
    if (before === undefined) throw reader.unknown(`user ${name}`);
    if (reader.accept('ADD', 'PROGRAMMATIC', 'ACCESS', 'TOKEN') || reader.accept('ADD', 'PAT')) {
      // https://docs.snowflake.com/en/user-guide/programmatic-access-tokens#privileges-required-for-programmatic-access-tokens
      this.demand(mayAuthenticate || (isSelf && before.type === 'PERSON'), `a token of ${name}`, reader);
      reader.rest();
      this.account.users.set(name, { ...before, settings: { ...before.settings, PROGRAMMATIC_ACCESS_TOKEN: this.session.user } });
      return;
    }
    if (reader.accept('UNSET')) {
      const keys = reader.list(() => reader.part());
      reader.end();
      for (const key of keys) this.demand(isOwner || (KEYS.has(key) && mayAuthenticate) || (isSelf && OWN_SETTINGS.has(key)), `${key} of ${name}`, reader);
      this.account.users.set(name, { ...before, settings: Object.fromEntries(Object.entries(before.settings).filter(([key]) => !keys.includes(key))) });
      return;
    }
    if (
      reader.accept('RENAME', 'TO') ||
      reader.accept('RESET', 'PASSWORD') ||
      reader.accept('ABORT', 'ALL', 'QUERIES') ||
      reader.accept('ADD', 'WORKLOAD', 'IDENTITY')
    ) {
      this.demand(isOwner, `ALTER USER ${name}`, reader);
      if (before.type === 'SERVICE' && reader.is('RESET')) throw this.refuse('RESET PASSWORD of a SERVICE user', reader.line);
      reader.rest();
      return;
    }
    reader.expect('SET');
    if (reader.is('AUTHENTICATION', 'POLICY') || reader.is('PASSWORD', 'POLICY') || reader.is('SESSION', 'POLICY')) {
      this.demand(isOwner, `a policy of ${name}`, reader);
      return void reader.rest();
    }
    const settings = this.userSettings(reader);
    reader.end();
    for (const key of Object.keys(settings))
      this.demand(isOwner || (KEYS.has(key) && mayAuthenticate) || (isSelf && OWN_SETTINGS.has(key)), `${key} of ${name}`, reader);
    this.setUser(name, before.settings, settings, reader);
  }

  // DROP, UNDROP, ALTER

  private drop(reader: Reader): void {
    for (const sort of ['API', 'STORAGE', 'NOTIFICATION', 'SECURITY', 'EXTERNAL ACCESS']) if (reader.accept(...sort.split(' '), 'INTEGRATION')) reader.at -= 1;
    const kind = this.kind(reader);
    const ifExists = reader.accept('IF', 'EXISTS');
    const name = this.named(kind, reader);
    const thing = this.lookUp(kind, name);
    reader.accept('CASCADE');
    reader.accept('RESTRICT');
    reader.end();
    if (thing === undefined && ifExists) return;
    const there = this.must(thing, `${kind} ${name}`, reader.line);
    this.demandReach(this.active, there, reader);
    // "OWNERSHIP grants the ability to drop". The owner of a schema has "no other privileges (USAGE, SELECT, DROP, etc.)" on what is in it
    // (https://docs.snowflake.com/en/sql-reference/sql/create-schema#general-usage-notes), but DROP SCHEMA "drops the schema and all objects in the schema".
    const database = this.account.databaseOf(there);
    const may =
      this.active.has(there.owner) ||
      (this.isWide && kind === 'SCHEMA' && database !== undefined && this.active.has(database.owner)) ||
      (this.isWide && kind === 'ROLE' && this.account.managesGrants(this.active));
    this.demand(may, `DROP ${kind} ${name}, which ${there.owner} owns`, reader);
    if (kind === 'ROLE' || kind === 'DATABASE ROLE') {
      if (name === this.session.primary) throw this.refuse(`${name} is the current role`, reader.line);
      this.account.dropRole(name, this.session.primary);
      return;
    }
    if (kind === 'USER') this.account.memberships = this.account.memberships.filter(({ to }) => to !== userKey(name));
    this.account.drop(there);
  }
  /** "a user must have OWNERSHIP privileges for an object to restore it", and CREATE where it was: https://docs.snowflake.com/en/user-guide/data-time-travel#access-control-requirements-and-name-resolution */
  private undrop(reader: Reader): void {
    const kind = this.kind(reader, ['TABLE', 'SCHEMA', 'DATABASE', 'DYNAMIC TABLE']);
    const name = this.named(kind, reader);
    reader.end();
    const thing = this.must(
      this.account.dropped.find((one) => one.kind === kind && one.name === name),
      `a dropped ${kind} ${name}`,
      reader.line,
    );
    if (this.account.find(kind, name) !== undefined) throw this.refuse(`${kind} ${name} exists already`, reader.line);
    const container = kind === 'DATABASE' ? undefined : this.account.find(kind === 'SCHEMA' ? 'DATABASE' : 'SCHEMA', name.split('.').slice(0, -1).join('.'));
    this.demand(this.active.has(thing.owner), `OWNERSHIP on what ${kind} ${name} was`, reader);
    const creators = this.isWide ? this.active : this.primary;
    const may =
      kind === 'DATABASE'
        ? this.account.holdsGlobal(creators, 'CREATE DATABASE')
        : container !== undefined && this.account.holds(creators, `CREATE ${kind}`, container);
    this.demand(may, `CREATE ${kind} where ${name} was`, reader);
    const back = this.account.dropped.filter((one) => one === thing || (kind !== 'TABLE' && one.name.startsWith(`${name}.`)));
    for (const one of back) if (!this.account.things.has(keyOf(one.kind, one.name))) this.account.things.set(keyOf(one.kind, one.name), one);
    this.account.dropped = this.account.dropped.filter((one) => !back.includes(one));
  }
  private alter(reader: Reader): void {
    if (reader.accept('SESSION')) {
      if (this.session.caller !== undefined) throw this.refuse("ALTER SESSION in an owner's-rights procedure", reader.line);
      return void reader.rest();
    }
    if (reader.accept('ACCOUNT')) {
      this.alterAccount(reader);
      return;
    }
    if (reader.accept('USER')) {
      this.alterUser(reader);
      return;
    }
    const kind = this.kind(reader);
    const ifExists = reader.accept('IF', 'EXISTS');
    const name = this.named(kind, reader);
    const found = this.lookUp(kind, name);
    if (found === undefined && ifExists) return void reader.rest();
    const thing = this.must(found, `${kind} ${name}`, reader.line);
    this.demandReach(this.active, thing, reader);
    if (reader.accept('RENAME', 'TO')) {
      this.rename(thing, reader);
      return;
    }
    if (reader.accept('SWAP', 'WITH')) {
      this.swap(thing, reader);
      return;
    }
    if (kind === 'SCHEMA' && (reader.is('ENABLE') || reader.is('DISABLE'))) {
      this.manage(thing, reader);
      return;
    }
    if (kind === 'WAREHOUSE') {
      this.alterWarehouse(thing, reader);
      return;
    }
    if (kind === 'TASK' && (reader.is('RESUME') || reader.is('SUSPEND'))) {
      this.demand(this.active.has(thing.owner) || this.account.holds(this.active, 'OPERATE', thing), `OPERATE on ${name}`, reader);
      if (reader.accept('RESUME')) this.demandTaskRights(thing, reader);
      return void reader.rest();
    }
    if (kind === 'PROCEDURE' && reader.accept('EXECUTE', 'AS')) {
      this.demand(this.active.has(thing.owner), `OWNERSHIP on ${name}`, reader);
      const rights = reader.accept('CALLER') ? 'CALLER' : 'OWNER';
      if (rights === 'OWNER') reader.expect('OWNER');
      if (thing.routine !== undefined) this.account.things.set(keyOf(kind, name), { ...thing, routine: { ...thing.routine, rights } });
      reader.end();
      return;
    }
    // "Changing the properties of a schema requires the OWNERSHIP privilege for the database", MODIFY "enables altering any settings": both only widely read
    const database = this.account.databaseOf(thing);
    const may =
      this.active.has(thing.owner) ||
      (this.isWide && ['DATABASE', 'SCHEMA', 'RESOURCE MONITOR'].includes(kind) && this.account.holds(this.active, 'MODIFY', thing)) ||
      (this.isWide && kind === 'SCHEMA' && database !== undefined && this.active.has(database.owner));
    this.demand(may, `ALTER ${kind} ${name}, which ${thing.owner} owns`, reader);
    reader.rest();
  }
  private alterAccount(reader: Reader): void {
    // https://docs.snowflake.com/en/sql-reference/sql/alter-account: only ACCOUNTADMIN; SECURITYADMIN for network policies
    this.demand(this.active.has('ACCOUNTADMIN'), 'ALTER ACCOUNT', reader);
    if (reader.accept('UNSET')) for (const key of reader.list(() => reader.part())) delete this.account.settings[key];
    else {
      reader.expect('SET');
      Object.assign(this.account.settings, this.settings(reader));
    }
    reader.end();
  }
  private alterWarehouse(warehouse: Thing, reader: Reader): void {
    const runs = reader.is('SUSPEND') || reader.is('RESUME') || reader.is('ABORT');
    const monitors = reader.is('SET', 'RESOURCE_MONITOR');
    const may =
      this.active.has(warehouse.owner) ||
      this.account.holds(this.active, runs ? 'OPERATE' : 'MODIFY', warehouse) ||
      this.account.holdsGlobal(this.active, 'MANAGE WAREHOUSES');
    // "only the ACCOUNTADMIN role can assign warehouses to resource monitors"
    this.demand(monitors ? this.active.has('ACCOUNTADMIN') : may, `ALTER WAREHOUSE ${warehouse.name}`, reader);
    reader.rest();
  }
  /** https://docs.snowflake.com/en/sql-reference/sql/alter-schema#usage-notes, .../alter-table: "Moving an object to a managed access schema is prohibited unless the object owner also owns the target schema" */
  private rename(thing: Thing, reader: Reader): void {
    const name = this.named(thing.kind, reader);
    reader.end();
    this.demand(this.active.has(thing.owner), `RENAME of ${thing.kind} ${thing.name}, which ${thing.owner} owns`, reader);
    if (this.account.find(thing.kind, name) !== undefined) throw this.refuse(`${thing.kind} ${name} exists already`, reader.line);
    if (['ROLE', 'WAREHOUSE', 'USER'].includes(thing.kind)) throw reader.unknown(`RENAME of a ${thing.kind}`);
    if (thing.kind === 'DATABASE') this.demand(this.account.holdsGlobal(this.active, 'CREATE DATABASE'), 'CREATE DATABASE on the account', reader);
    else {
      const container = this.must(
        thing.kind === 'SCHEMA' ? this.account.databaseOf({ kind: 'SCHEMA', name }) : this.account.schemaOf({ kind: thing.kind, name }),
        `where ${name} goes`,
        reader.line,
      );
      this.demand(this.account.holds(this.active, `CREATE ${thing.kind}`, container), `CREATE ${thing.kind} on ${container.name}`, reader);
      this.demandReach(this.active, { kind: thing.kind, name }, reader);
      const moves = container.name !== thing.name.split('.').slice(0, -1).join('.');
      if (moves && container.managed === true && thing.owner !== container.owner) throw this.refuse(`${container.name} has managed access`, reader.line);
    }
    this.account.rename(thing, name);
  }
  private swap(thing: Thing, reader: Reader): void {
    const other = this.existing(thing.kind, reader);
    reader.end();
    this.demandReach(this.active, other, reader);
    this.demand(this.active.has(thing.owner) && this.active.has(other.owner), `SWAP of ${thing.name} with ${other.name}`, reader);
    const [first, second] = [thing.name, other.name];
    if (this.account.schemaOf(thing) !== this.account.schemaOf(other)) {
      for (const one of [thing, other]) {
        const schema = this.account.schemaOf(one);
        if (schema?.managed === true && !this.isWide) throw this.refuse(`${schema.name} has managed access`, reader.line);
      }
    }
    this.account.rename(thing, `${first}$SWAPPED`);
    this.account.rename(other, first);
    this.account.rename(thing, second);
  }
  /** https://docs.snowflake.com/en/sql-reference/sql/alter-schema#usage-notes: to managed with MANAGE GRANTS and no open future grants; back with MANAGE GRANTS where there are some */
  private manage(schema: Thing, reader: Reader): void {
    const enables = reader.accept('ENABLE');
    if (!enables) reader.expect('DISABLE');
    reader.expect('MANAGED', 'ACCESS');
    reader.end();
    const hasFuture = this.account.future.some(({ within }) => within === keyOf('SCHEMA', schema.name));
    this.demand(this.active.has(schema.owner), `OWNERSHIP on ${schema.name}`, reader);
    if (enables || hasFuture) this.demand(this.account.managesGrants(this.active), 'MANAGE GRANTS', reader);
    if (enables && hasFuture && schema.managed !== true) throw this.refuse(`${schema.name} has future grants, which have to be revoked first`, reader.line);
    schema.managed = enables;
  }

  // GRANT and REVOKE

  private grantee(reader: Reader): string {
    if (reader.accept('DATABASE', 'ROLE')) return this.existing('DATABASE ROLE', reader).name;
    if (reader.accept('USER')) return userKey(this.existingUser(reader).name);
    reader.accept('ROLE');
    return this.existing('ROLE', reader).name;
  }
  private grant(reader: Reader): void {
    if (reader.accept('ROLE')) {
      this.grantRole(reader, 'ROLE');
      return;
    }
    if (reader.is('DATABASE', 'ROLE')) {
      reader.expect('DATABASE', 'ROLE');
      this.grantRole(reader, 'DATABASE ROLE');
      return;
    }
    if (reader.accept('OWNERSHIP')) {
      this.grantOwnership(reader);
      return;
    }
    const { privileges, on } = this.privileges(reader);
    reader.expect('TO');
    if (reader.is('SHARE') || reader.is('APPLICATION')) throw reader.unknown('a grant to a share or an application');
    const to = this.grantee(reader);
    const option = reader.accept('WITH', 'GRANT', 'OPTION');
    reader.end();
    if (to.startsWith('@') && this.account.settings.DISABLE_USER_PRIVILEGE_GRANTS === 'TRUE')
      throw this.refuse('privileges are not granted to users in this account', reader.line);
    const by = this.session.primary;
    if (on.of === 'future') {
      this.demand(this.account.mayGrantFuture(this.active, on.container), `future grants in ${on.container.name}`, reader);
      if (to.startsWith('@')) throw this.refuse('future grants to a user', reader.line);
      for (const privilege of privileges(on.kind)) this.addFuture(privilege, on.kind, on.container, to);
      return;
    }
    if (on.of === 'account') {
      for (const privilege of privileges('ACCOUNT')) {
        this.demand(this.account.mayGrantGlobal(this.active, privilege), `GRANT ${privilege} ON ACCOUNT`, reader);
        this.account.grant({ privilege, on: 'ACCOUNT', to, option, by });
      }
      return;
    }
    for (const thing of on.things) {
      for (const privilege of privileges(thing.kind)) {
        if (to.startsWith('@') && privilege.startsWith('CREATE ')) throw this.refuse('CREATE privileges to a user', reader.line);
        this.demand(this.account.mayGrant(this.active, privilege, thing), `GRANT ${privilege} ON ${thing.kind} ${thing.name}`, reader);
        this.account.grant({ privilege, on: keyOf(thing.kind, thing.name), to, option, by });
      }
    }
  }
  private addFuture(privilege: string, kind: string, container: Thing, to: string): void {
    const within = keyOf(container.kind, container.name);
    const future = this.account.future.filter((one) => !(one.privilege === privilege && one.kind === kind && one.within === within && one.to === to));
    this.account.future = [...future, { privilege, kind, within, to }];
  }
  /** What a GRANT or REVOKE is about: privileges by the kind of the object, and the objects. */
  private privileges(reader: Reader): { readonly privileges: (kind: string) => readonly string[]; readonly on: Target } {
    const named: string[] = [];
    let isAll = false;
    if (reader.accept('ALL')) {
      reader.accept('PRIVILEGES');
      isAll = true;
    } else {
      do {
        const words: string[] = [];
        while (!reader.is(',') && !reader.is('ON')) words.push(reader.part());
        named.push(words.join(' '));
      } while (reader.accept(','));
    }
    const line = reader.line;
    reader.expect('ON');
    const privileges = (kind: string): readonly string[] => {
      const possible = kind === 'ACCOUNT' ? GLOBAL_PRIVILEGES : (KINDS[kind]?.privileges ?? []);
      if (isAll) return possible.filter((one) => one !== 'MANAGE GRANTS' || kind === 'ACCOUNT');
      // DML privileges "can be granted on views; because views are read-only, these privileges have no effect"
      for (const privilege of named)
        if (!possible.includes(privilege) && !(privilege === 'OWNERSHIP')) throw new NotModelled(`the privilege ${privilege} on ${kind}`, line);
      return named;
    };
    return { privileges, on: this.target(reader) };
  }
  private target(reader: Reader): Target {
    if (reader.accept('ACCOUNT')) return { of: 'account' };
    const isFuture = reader.accept('FUTURE');
    if (isFuture || reader.accept('ALL')) {
      const plural = reader.oneOf([...PLURALS.keys()]);
      const kind = PLURALS.get(plural ?? '');
      if (kind === undefined) throw reader.unknown(`"${reader.peek()?.text ?? ''}" as a kind of objects`);
      reader.expect('IN');
      const inDatabase = reader.accept('DATABASE');
      if (!inDatabase) reader.expect('SCHEMA');
      const container = this.existing(inDatabase ? 'DATABASE' : 'SCHEMA', reader);
      if (isFuture) return { of: 'future', kind, container };
      return { of: 'things', things: this.account.inside(container).filter((thing) => thing.kind === kind) };
    }
    const kind = this.kind(reader);
    return { of: 'things', things: [kind === 'USER' ? this.existingUser(reader) : this.existing(kind, reader)] };
  }
  private grantRole(reader: Reader, kind: 'ROLE' | 'DATABASE ROLE'): void {
    const roles = reader.list(() => this.existing(kind, reader));
    reader.expect('TO');
    const to = this.grantee(reader);
    const option = reader.accept('WITH', 'GRANT', 'OPTION');
    reader.end();
    for (const { name } of roles) {
      this.demand(this.account.mayGrantRole(this.active, name, !to.startsWith('@')), `GRANT ${kind} ${name}`, reader);
      if (!to.startsWith('@') && this.account.inherited([name]).has(to)) throw this.refuse(`${name} inherits ${to} already`, reader.line);
      const others = this.account.memberships.filter((one) => !(one.role === name && one.to === to && one.by === this.session.primary));
      this.account.memberships = [...others, { role: name, to, option, by: this.session.primary }];
    }
  }
  /** https://docs.snowflake.com/en/sql-reference/sql/grant-ownership */
  private grantOwnership(reader: Reader): void {
    reader.expect('ON');
    const on = this.target(reader);
    reader.expect('TO');
    const to = this.grantee(reader);
    const revokes = reader.accept('REVOKE', 'CURRENT', 'GRANTS');
    const copies = !revokes && reader.accept('COPY', 'CURRENT', 'GRANTS');
    reader.end();
    if (to.startsWith('@')) throw this.refuse('OWNERSHIP to a user', reader.line);
    if (on.of === 'account') throw reader.unknown('OWNERSHIP of the account');
    const roles = this.active;
    if (on.of === 'future') {
      this.demand(this.account.mayGrantFuture(roles, on.container), `future grants in ${on.container.name}`, reader);
      this.demandSubordinate(on.container.managed === true ? on.container : undefined, to, reader);
      this.addFuture('OWNERSHIP', on.kind, on.container, to);
      return;
    }
    for (const thing of on.things) {
      const schema = this.account.schemaOf(thing);
      const may =
        this.account.managesGrants(roles, thing) ||
        (schema?.managed === true ? roles.has(schema.owner) : roles.has(thing.owner) && this.account.reaches(roles, thing));
      this.demand(may, `GRANT OWNERSHIP ON ${thing.kind} ${thing.name}`, reader);
      // "In managed access schemas: The OWNERSHIP privilege on objects can only be transferred to a subordinate role of the schema owner"
      this.demandSubordinate(schema?.managed === true ? schema : undefined, to, reader);
      if (to.includes('.') && !thing.name.startsWith(`${to.split('.')[0]}.`))
        throw this.refuse('OWNERSHIP to a database role of another database', reader.line);
      const key = keyOf(thing.kind, thing.name);
      const outbound = this.account.grants.some((one) => one.on === key && one.to !== thing.owner);
      const isRole = thing.kind === 'ROLE' || thing.kind === 'DATABASE ROLE';
      if (outbound && !revokes && !copies && !isRole && thing.owner !== to)
        throw this.refuse(`${thing.kind} ${thing.name} has grants, which are neither revoked nor copied`, reader.line);
      if (copies) this.demand(this.account.managesGrants(roles, thing) || roles.has(to), `COPY CURRENT GRANTS to ${to}`, reader);
      if (thing.kind === 'SCHEMA' && thing.managed === true && this.account.future.some((one) => one.within === key && one.privilege === 'OWNERSHIP')) {
        throw this.refuse(`${thing.name} has future grants of OWNERSHIP, which have to be revoked first`, reader.line);
      }
      if (revokes) this.account.grants = this.account.grants.filter((one) => one.on !== key);
      if (copies) this.account.grants = this.account.grants.map((one) => (one.on === key ? { ...one, by: to } : one));
      thing.owner = to;
    }
  }
  private demandSubordinate(schema: Thing | undefined, to: string, reader: Reader): void {
    if (schema !== undefined)
      this.demand(
        this.account.inherited([schema.owner]).has(to),
        `${to} is not below ${schema.owner}, who owns the managed access schema ${schema.name}`,
        reader,
      );
  }
  /** https://docs.snowflake.com/en/sql-reference/sql/revoke-privilege#security-requirements: succeeds also where nothing is revoked */
  private revoke(reader: Reader): void {
    const optionOnly = reader.accept('GRANT', 'OPTION', 'FOR');
    if (reader.is('ROLE') || reader.is('DATABASE', 'ROLE')) {
      const kind = reader.accept('DATABASE') ? 'DATABASE ROLE' : 'ROLE';
      reader.expect('ROLE');
      const role = this.existing(kind, reader).name;
      reader.expect('FROM');
      const from = this.grantee(reader);
      this.ending(reader);
      this.demand(this.account.mayGrantRole(this.active, role, !from.startsWith('@')), `REVOKE ${kind} ${role}`, reader);
      this.account.memberships = this.account.memberships.filter((one) => optionOnly || !(one.role === role && one.to === from));
      return;
    }
    if (reader.accept('OWNERSHIP')) {
      reader.expect('ON');
      const on = this.target(reader);
      if (on.of !== 'future') throw this.refuse('OWNERSHIP cannot be revoked', reader.line);
      reader.expect('FROM');
      this.removeFuture(['OWNERSHIP'], on.kind, on.container, this.grantee(reader), reader);
      return;
    }
    const { privileges, on } = this.privileges(reader);
    reader.expect('FROM');
    const from = this.grantee(reader);
    this.ending(reader);
    if (on.of === 'future') {
      this.removeFuture(privileges(on.kind), on.kind, on.container, from, reader);
      return;
    }
    const things = on.of === 'account' ? [undefined] : on.things;
    for (const thing of things) {
      const key = thing === undefined ? 'ACCOUNT' : keyOf(thing.kind, thing.name);
      const wanted = privileges(thing?.kind ?? 'ACCOUNT');
      const schema = thing === undefined ? undefined : this.account.schemaOf(thing);
      const isMaster = this.account.managesGrants(this.active, thing) || (schema?.managed === true && this.active.has(schema.owner));
      const goes = (one: { readonly on: string; readonly privilege: string; readonly to: string; readonly by: string }): boolean =>
        one.on === key && wanted.includes(one.privilege) && one.to === from && (isMaster || (schema?.managed !== true && this.active.has(one.by)));
      this.account.grants = this.account.grants.flatMap((one) => (goes(one) ? (optionOnly ? [{ ...one, option: false }] : []) : [one]));
    }
  }
  private ending(reader: Reader): void {
    reader.accept('CASCADE');
    reader.accept('RESTRICT');
    reader.end();
  }
  private removeFuture(privileges: readonly string[], kind: string, container: Thing, from: string, reader: Reader): void {
    this.demand(this.account.mayGrantFuture(this.active, container), `future grants in ${container.name}`, reader);
    const within = keyOf(container.kind, container.name);
    this.account.future = this.account.future.filter(
      (one) => !(privileges.includes(one.privilege) && one.kind === kind && one.within === within && one.to === from),
    );
  }

  // CALL, EXECUTE and blocks

  private execute(reader: Reader): void {
    if (reader.accept('IMMEDIATE')) {
      const value = evaluate(reader, this.surroundings(new Map()));
      reader.end();
      this.immediate(value, reader.line);
      return;
    }
    if (reader.accept('TASK')) {
      const task = this.existing('TASK', reader);
      this.demandReach(this.active, task, reader);
      this.demand(this.active.has(task.owner) || this.account.holds(this.active, 'OPERATE', task), `OPERATE on ${task.name}`, reader);
      reader.end();
      this.demandTaskRights(task, reader);
      this.runTask(task);
      return;
    }
    throw reader.unknown('EXECUTE');
  }
  private immediate(value: Value, line: number): void {
    if (typeof value !== 'string') throw new NotModelled('a statement whose text is not known', line);
    this.nested(() => this.script(value, line));
  }
  /** What the owner of a task needs for it to run: https://docs.snowflake.com/en/user-guide/tasks-intro#running-tasks */
  private demandTaskRights(task: Thing, reader: Reader): void {
    const roles = this.account.inherited([task.owner]);
    this.demand(this.account.holdsGlobal(roles, 'EXECUTE TASK'), `EXECUTE TASK on the account, of ${task.owner}`, reader);
    if (task.task?.warehouse === undefined)
      this.demand(this.account.holdsGlobal(roles, 'EXECUTE MANAGED TASK'), `EXECUTE MANAGED TASK on the account, of ${task.owner}`, reader);
  }
  /** With the rights of its owner; as a user, also with that user's secondary roles: https://docs.snowflake.com/en/user-guide/tasks-intro#run-tasks-with-user-privileges */
  private runTask(task: Thing): void {
    if (task.task === undefined) return;
    const { body, line, warehouse, asUser } = task.task;
    const [database, schema] = task.name.split('.');
    const outer = this.session;
    this.session = { user: asUser ?? 'SYSTEM', primary: task.owner, secondary: asUser === undefined ? [] : 'ALL', database, schema, warehouse };
    this.nested(() => this.script(body, line));
    this.session = outer;
  }
  /** https://docs.snowflake.com/en/developer-guide/stored-procedure/stored-procedures-rights */
  private call(reader: Reader, scope: Scope = new Map()): Value {
    const parts = this.parts(reader);
    const inside = reader.parenthesis();
    if (reader.accept('INTO')) {
      reader.expect(':');
      scope.set(reader.part(), UNKNOWN);
    }
    reader.end();
    const argument = new Reader({ ...reader.statement, tokens: inside });
    const values = argument.done ? [] : argument.list(() => evaluateArgument(argument, this.surroundings(scope)));
    argument.end();
    if (parts[0] === 'SYSTEM') throw reader.unknown('a system procedure');
    const name = this.qualified('PROCEDURE', parts, reader);
    const fits = [...this.account.things.values()].filter(
      (thing) => thing.kind === 'PROCEDURE' && thing.name.startsWith(`${name}(`) && thing.routine?.parameters.length === values.length,
    );
    if (fits.length > 1) throw reader.unknown(`which of the procedures ${name} is meant`);
    const procedure = fits[0];
    if (procedure === undefined || !this.account.reaches(this.active, procedure) || !this.account.holds(this.active, 'USAGE', procedure)) {
      throw this.refuse(`procedure ${name} does not exist or not authorized`, reader.line);
    }
    const { routine } = procedure;
    if (routine === undefined || routine.language !== 'SQL') throw reader.unknown(`a procedure in ${routine?.language ?? 'no language'}`);
    const outer = this.session;
    const variables = this.variables;
    const [database, schema] = procedure.name.split('.');
    // "Any stored procedure called directly or indirectly from an owner's rights stored procedure behaves as an owner's rights stored procedure"
    const isOwners = routine.rights === 'OWNER' || outer.caller !== undefined;
    const own: Scope = new Map(routine.parameters.map((parameter, at) => [parameter, values[at] ?? null]));
    if (isOwners) {
      const runsAs = routine.rights === 'OWNER' ? procedure.owner : outer.primary;
      this.session = { user: outer.user, primary: runsAs, secondary: [], database, schema, warehouse: outer.warehouse, caller: outer.caller ?? outer };
      this.variables = new Map();
    }
    const [body] = statements(routine.body, routine.line);
    if (body === undefined) throw reader.unknown('a procedure without a body');
    let result: Value = null;
    this.nested(() => {
      result = this.block(parseBlock(body), own) ?? null;
    });
    if (isOwners) {
      this.session = outer;
      this.variables = variables;
    }
    return result;
  }
  private nested(run: () => void): void {
    if (this.depth > 20) throw new NotModelled('so deep a nesting', 0);
    this.depth += 1;
    run();
    this.depth -= 1;
  }

  private surroundings(scope: Scope): Parameters<typeof evaluate>[1] {
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
  private context(name: string, args: readonly Value[], reader: Reader): Value | undefined {
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

  /** Runs a block; the value that it returns, or undefined. */
  private block(block: Block, scope: Scope): Value | undefined {
    for (const declared of block.declared) this.declare(declared, scope);
    try {
      return this.steps(block.body, scope);
    } catch (error) {
      if (!(error instanceof Raised || error instanceof Refused)) throw error;
      const names = error instanceof Raised ? [error.exception, 'OTHER'] : ['STATEMENT_ERROR', 'OTHER'];
      const handler = block.handlers.find((one) => one.names.some((name) => names.includes(name)));
      if (handler === undefined) throw error;
      scope.set('SQLERRM', error.message);
      try {
        return this.steps(handler.body, scope);
      } catch (again) {
        throw again instanceof Raised && again.exception === '' ? error : again;
      }
    }
  }
  private declare(declared: Declared, scope: Scope): void {
    if (declared.is === 'exception') scope.set(declared.name, { exception: true });
    else if (declared.is === 'rows') {
      scope.set(declared.name, { rows: declared.from === undefined ? undefined : this.rows(declared.from, scope) });
    } else scope.set(declared.name, declared.from === undefined ? null : this.value(declared.from, scope));
  }
  /** A query whose rows are gone through: SELECT, SHOW, or EXECUTE IMMEDIATE of one. */
  private rows(from: Statement, scope: Scope): readonly Row[] | undefined {
    const reader = new Reader(from);
    const inside = { ...from, tokens: reader.is('(') ? reader.parenthesis() : reader.rest() };
    if (inside.tokens[0]?.text !== 'SELECT' && inside.tokens[0]?.text !== 'WITH') {
      this.sql(inside, scope);
      return this.last;
    }
    return this.read(inside, scope, inside.line);
  }
  /** Runs a query and says its rows, where they are known. */
  private read(query: Statement, scope: Scope, line: number): readonly Row[] | undefined {
    const roles = this.active;
    this.query(bound(query.tokens, scope, new Reader(query)), roles, line);
    const source = (name: readonly string[]): readonly Row[] | undefined => {
      if (name.at(-2) === 'INFORMATION_SCHEMA') {
        return informationSchema(this.account, roles, name.length === 3 ? (name[0] ?? '') : (this.session.database ?? ''), name.at(-1) ?? '');
      }
      return name[0] === 'SNOWFLAKE' ? undefined : this.account.content.get(this.resolve(name, line));
    };
    return select(query, this.surroundings(scope), source, this.last);
  }
  private value(from: Statement, scope: Scope): Value {
    const reader = new Reader(from);
    const value = evaluate(reader, this.surroundings(scope));
    reader.end();
    return value;
  }
  private holdsTrue(from: Statement, scope: Scope): boolean {
    const value = this.value(from, scope);
    return value === UNKNOWN ? this.choose() : value === true;
  }
  private steps(body: readonly Step[], scope: Scope): Value | undefined {
    for (const step of body) {
      const result = this.step(step, scope);
      if (result !== undefined) return result;
    }
    return undefined;
  }
  private step(step: Step, scope: Scope): Value | undefined {
    switch (step.do) {
      case 'nothing':
        return undefined;
      case 'let':
        this.declare(step.declared, scope);
        return undefined;
      case 'assign': {
        const isQuery = step.from.tokens[0]?.text === '(' && /^(?:SELECT|WITH|SHOW|EXECUTE|CALL)$/.test(step.from.tokens[1]?.text ?? '');
        const before = scope.get(step.name);
        if (isQuery && isHeld(before) && 'rows' in before) scope.set(step.name, { rows: this.rows(step.from, scope) });
        else scope.set(step.name, this.value(step.from, scope));
        return undefined;
      }
      case 'return':
        if (step.value === undefined) return null;
        if (step.value.tokens[0]?.text === 'TABLE') return UNKNOWN;
        return this.value(step.value, scope);
      case 'raise': {
        const name = step.name ?? '';
        if (step.name !== undefined && !scope.has(name)) throw new NotModelled(`the exception ${name}`, 0);
        throw new Raised(name);
      }
      case 'if': {
        const way = step.ways.find(({ when }) => when === undefined || this.holdsTrue(when, scope));
        return way === undefined ? undefined : this.steps(way.body, scope);
      }
      case 'for': {
        const over = new Reader(step.over);
        const held = scope.get(over.peek()?.text ?? '');
        if (!isHeld(held) || !('rows' in held)) throw over.unknown('FOR over something else than rows');
        if (held.rows === undefined) {
          scope.set(step.name, UNKNOWN);
          return this.choose() ? this.steps(step.body, scope) : undefined;
        }
        for (const row of held.rows) {
          scope.set(step.name, { row });
          const result = this.steps(step.body, scope);
          if (result !== undefined) return result;
        }
        return undefined;
      }
      case 'while':
        return this.holdsTrue(step.when, scope) ? this.steps(step.body, scope) : undefined;
      case 'block':
        return this.block(step.block, scope);
      case 'sql':
        this.sql(step.statement, scope);
        return undefined;
    }
  }
  /** A statement in a block, its `:variables` filled in. */
  private sql(statement: Statement, scope: Scope): void {
    const reader = new Reader(statement);
    if (reader.accept('EXECUTE', 'IMMEDIATE')) {
      const value = evaluate(reader, this.surroundings(scope));
      if (reader.accept('USING')) reader.parenthesis();
      reader.end();
      this.immediate(value, statement.line);
      return;
    }
    if (reader.accept('CALL')) return void this.call(reader, scope);
    const filled = { ...statement, tokens: bound(statement.tokens, scope, reader) };
    if (filled.tokens[0]?.text === 'SELECT') {
      const into = filled.tokens.findIndex((token) => token.kind === 'word' && token.text === 'INTO');
      const from = filled.tokens.findIndex((token) => token.kind === 'word' && token.text === 'FROM');
      if (into > 0 && (from < 0 || into < from)) {
        const targets = filled.tokens.slice(into + 1, from < 0 ? undefined : from).filter(({ kind }) => kind === 'word');
        const plain = statement.tokens.findIndex((token) => token.kind === 'word' && token.text === 'INTO');
        const rest = statement.tokens.findIndex((token) => token.kind === 'word' && token.text === 'FROM');
        const rows = this.read(
          { ...statement, tokens: [...statement.tokens.slice(0, plain), ...(rest < 0 ? [] : statement.tokens.slice(rest))] },
          scope,
          statement.line,
        );
        const values = rows?.length === 1 ? Object.values(rows[0] ?? {}) : undefined;
        targets.forEach(({ text }, at) => {
          scope.set(text, values?.[at] ?? (values === undefined ? UNKNOWN : null));
        });
        return;
      }
    }
    this.statement(filled);
  }
}

type Target =
  | { readonly of: 'account' }
  | { readonly of: 'future'; readonly kind: string; readonly container: Thing }
  | { readonly of: 'things'; readonly things: readonly Thing[] };

function evaluateArgument(reader: Reader, around: Parameters<typeof evaluate>[1]): Value {
  if (reader.peek(1)?.text === '=>') reader.at += 2;
  return evaluate(reader, around);
}

/** `:name` becomes its value; after INTO it stays a name. */
function bound(all: readonly Token[], scope: Scope, reader: Reader): readonly Token[] {
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
const typeName = (name: string): string => SAME_TYPES[name] ?? name;

/** The parameters of a routine, one list of tokens each. */
function split(all: readonly Token[]): readonly (readonly Token[])[] {
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
const parameterTypes = (all: readonly Token[]): readonly string[] => split(all).map((one) => typeName(one[1]?.text ?? ''));
const parameterNames = (all: readonly Token[]): readonly string[] => split(all).map((one) => one[0]?.text ?? '');

export { Raised, SCHEMA_KINDS };
