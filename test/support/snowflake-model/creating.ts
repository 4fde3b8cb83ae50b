import { keyOf, type TaskBody, type Thing } from './account.ts';
import { split, typeName } from './core.ts';
import { KINDS } from './kinds.ts';
import { touchedBy } from './queries.ts';
import { Reading } from './reading.ts';
import { Reader, type Token } from './tokens.ts';

const LATER = 'CREATE OR REPLACE';

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

const parameterTypes = (all: readonly Token[]): readonly string[] => split(all).map((one) => typeName(one[1]?.text ?? ''));

const parameterNames = (all: readonly Token[]): readonly string[] => split(all).map((one) => one[0]?.text ?? '');

/** CREATE, and users. */
export abstract class Creating extends Reading {
  protected create(reader: Reader): void {
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
  protected ifNotExists(reader: Reader): boolean {
    return reader.accept('IF', 'NOT', 'EXISTS');
  }
  /** Whether to go on: something of that name is replaced, left or in the way. OR REPLACE drops it, which takes its owner. */
  protected clear(kind: string, name: string, replaces: boolean, ifNotExists: boolean, reader: Reader): boolean {
    const there = this.account.find(kind, name) ?? (KINDS[kind]?.within === 'SCHEMA' ? this.account.relation(name) : undefined);
    if (there === undefined) return true;
    if (ifNotExists) return false;
    if (!replaces) throw this.refuse(`${kind} ${name} exists already`, reader.line);
    this.demand((this.isWide ? this.active : this.primary).has(there.owner), `${LATER} of ${kind} ${name}, which ${there.owner} owns`, reader);
    this.account.drop(there);
    return true;
  }
  protected createInAccount(kind: string, reader: Reader, replaces: boolean): void {
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
  protected createDatabase(reader: Reader, replaces: boolean, isTransient: boolean): void {
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
  protected createDatabaseRole(reader: Reader, replaces: boolean): void {
    const ifNotExists = this.ifNotExists(reader);
    const name = this.named('DATABASE ROLE', reader);
    const database = this.must(this.account.databaseOf({ kind: 'DATABASE ROLE', name }), 'the database', reader.line);
    this.demand(this.account.holds(this.primary, 'CREATE DATABASE ROLE', database), `CREATE DATABASE ROLE on ${database.name}`, reader);
    if (this.clear('DATABASE ROLE', name, replaces, ifNotExists, reader)) this.account.create(this.session, { kind: 'DATABASE ROLE', name });
    this.settings(reader);
    reader.end();
  }
  /** https://docs.snowflake.com/en/sql-reference/sql/create-schema#access-control-requirements */
  protected createSchema(reader: Reader, replaces: boolean, isTransient: boolean): void {
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
    const comment = this.settings(reader).COMMENT ?? '';
    reader.end();
    const made = this.account.create(this.session, {
      kind: 'SCHEMA',
      name,
      managed: isManaged,
      transient: isTransient || database.transient === true,
      comment,
    });
    if (cloned !== undefined) this.cloneInto(made, cloned, isManaged, reader);
    const [first, second] = name.split('.');
    if (this.session.caller === undefined) this.session = { ...this.session, database: first, schema: second };
  }
  /**
   * https://docs.snowflake.com/en/sql-reference/sql/create-clone#access-control-requirements: only what the role has rights on is cloned, and
   * "a cloned schema retains any privileges granted on the tables" (considerations#understanding-cloned-objects-and-granted-privileges).
   */
  protected cloneInto(made: Thing, source: Thing, isManaged: boolean, reader: Reader): void {
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
  protected createInSchema(
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
  protected readSources(kind: string, rest: readonly Token[], line: number): void {
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
  protected streamSource(reader: Reader): Thing {
    this.settings(reader);
    reader.expect('ON');
    const kind = reader.oneOf(['TABLE', 'VIEW', 'EXTERNAL TABLE', 'STAGE', 'DYNAMIC TABLE']) ?? 'TABLE';
    return this.existing(kind, reader);
  }
  protected createExternalFunction(reader: Reader, replaces: boolean): void {
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
  protected routine(reader: Reader, parameters: readonly Token[]): NonNullable<Thing['routine']> {
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
  protected task(reader: Reader): TaskBody {
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
  protected settings(reader: Reader): Readonly<Record<string, string>> {
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
  protected createUser(reader: Reader, replaces: boolean): void {
    const ifNotExists = this.ifNotExists(reader);
    const name = this.named('USER', reader);
    this.demand(this.account.holdsGlobal(this.primary, 'CREATE USER'), 'CREATE USER on the account', reader);
    if (!this.clear('USER', name, replaces, ifNotExists, reader)) return void reader.rest();
    const settings = this.userSettings(reader);
    reader.end();
    this.account.create(this.session, { kind: 'USER', name, comment: settings.COMMENT ?? '' });
    this.setUser(name, {}, settings, reader);
  }
  protected userSettings(reader: Reader): Readonly<Record<string, string>> {
    const settings = this.settings(reader);
    for (const key of Object.keys(settings)) if (!USER_SETTINGS.has(key)) throw reader.unknown(`the setting ${key} of a user`);
    return settings;
  }
  protected setUser(name: string, before: Readonly<Record<string, string>>, changed: Readonly<Record<string, string>>, reader: Reader): void {
    const settings = { ...before, ...changed };
    const type = settings.TYPE ?? 'PERSON';
    if (type !== 'PERSON' && type !== 'SERVICE' && type !== 'LEGACY_SERVICE') throw reader.unknown(`a user of type ${type}`);
    if (type === 'SERVICE') for (const key of Object.keys(changed)) if (NOT_FOR_SERVICES.has(key)) throw this.refuse(`${key} of a SERVICE user`, reader.line);
    this.account.users.set(name, { type, settings });
  }
  protected alterUser(reader: Reader): void {
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
}
