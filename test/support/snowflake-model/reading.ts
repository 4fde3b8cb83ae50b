import type { Thing } from './account.ts';
import { Core } from './core.ts';
import { evaluate, type Value } from './expressions.ts';
import { touchedBy } from './queries.ts';
import { select } from './rows.ts';
import { shown } from './shown.ts';
import { NotModelled, Reader, type Statement, type Token, tokens } from './tokens.ts';

/** What a session may use and read, and the rows that it may change. */
export abstract class Reading extends Core {
  protected use(reader: Reader): void {
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
  protected set(reader: Reader): void {
    const name = reader.part();
    reader.expect('=');
    this.variables.set(name, evaluate(reader, this.surroundings(new Map())));
    reader.end();
  }
  protected show(reader: Reader, verb: string): void {
    // What they list depends on what one may see, and they change nothing. https://docs.snowflake.com/en/sql-reference/sql/show
    const isOwners = this.session.caller !== undefined;
    if (isOwners && verb === 'SHOW' && /^(?:VARIABLES|LOCKS|TRANSACTIONS|PARAMETERS)$/.test(reader.peek()?.text ?? '')) {
      throw this.refuse("it reads the caller's session, in an owner's-rights procedure", reader.line);
    }
    if (verb !== 'SHOW' && reader.accept('USER')) {
      // https://docs.snowflake.com/en/sql-reference/sql/desc-user
      const { name } = this.existingUser(reader);
      reader.end();
      this.last = [{ property: 'TYPE', value: this.account.users.get(name)?.type ?? '' }];
      return;
    }
    const asked = reader.rest();
    this.last = verb === 'SHOW' ? shown(this.account, this.active, asked, (kind, parts) => this.qualified(kind, parts, reader)) : undefined;
  }
  protected mayCompute(warehouse: Thing, roles: ReadonlySet<string>): boolean {
    return this.account.holds(roles, 'USAGE', warehouse);
  }
  /** "To query an object, a role must have the USAGE privilege on a warehouse": https://docs.snowflake.com/en/user-guide/security-access-control-configure#creating-custom-roles */
  protected demandCompute(roles: ReadonlySet<string>, reader: Reader | number): void {
    const all = [...this.account.things.values()].filter(({ kind }) => kind === 'WAREHOUSE');
    const { warehouse } = this.session.caller ?? this.session;
    const usable = this.isWide && warehouse === undefined ? all : all.filter(({ name }) => name === warehouse);
    // A procedure "inherits the current warehouse of the caller"; whether its owner must be let use it too, no page says.
    const { caller } = this.session;
    const users = caller === undefined ? [roles] : this.isWide ? [this.account.activeRoles(caller)] : [this.account.activeRoles(caller), roles];
    if (!usable.some((one) => users.every((user) => this.mayCompute(one, user))))
      throw this.refuse('no warehouse to run it', typeof reader === 'number' ? reader : reader.line);
  }
  protected resolve(parts: readonly string[], line: number): string {
    if (parts.length > 3) throw new NotModelled(`the name ${parts.join('.')}`, line);
    const missing = [this.session.database, this.session.schema].slice(0, 3 - parts.length);
    if (missing.some((part) => part === undefined)) throw this.refuse(`no current database or schema for ${parts.join('.')}`, line);
    return [...missing, ...parts].join('.');
  }
  /** Everything that a query reads, with these roles. */
  protected query(all: readonly Token[], roles: ReadonlySet<string>, line: number): void {
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
  protected readRelation(parts: readonly string[], roles: ReadonlySet<string>, line: number): void {
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
  protected readStage(parts: readonly string[], roles: ReadonlySet<string>, line: number): void {
    const name = this.resolve(parts, line);
    const stage = this.account.find('STAGE', name);
    const may =
      stage !== undefined && this.account.reaches(roles, stage) && (this.account.holds(roles, 'READ', stage) || this.account.holds(roles, 'USAGE', stage));
    if (!may) throw this.refuse(`stage ${name} does not exist or not authorized`, line);
  }
  /** https://docs.snowflake.com/en/user-guide/security-access-control-privileges#table-privileges */
  protected change(verb: string, reader: Reader): void {
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
  protected rewrite(verb: string, name: string, rest: Statement): void {
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
  protected unload(reader: Reader): void {
    const line = reader.line;
    const stage = this.existing('STAGE', reader);
    this.demandReach(this.active, stage, reader);
    this.demand(this.account.holds(this.active, 'WRITE', stage) || this.account.holds(this.active, 'USAGE', stage), `WRITE on stage ${stage.name}`, reader);
    this.query(reader.rest(), this.active, line);
  }
  protected comment(reader: Reader): void {
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
}
