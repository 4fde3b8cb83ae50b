import { keyOf, type Thing, userKey } from './account.ts';
import { Creating } from './creating.ts';
import type { Reader } from './tokens.ts';

/** DROP, UNDROP and ALTER. */
export abstract class Altering extends Creating {
  protected drop(reader: Reader): void {
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
  protected undrop(reader: Reader): void {
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
  protected alter(reader: Reader): void {
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
  protected alterAccount(reader: Reader): void {
    // https://docs.snowflake.com/en/sql-reference/sql/alter-account: only ACCOUNTADMIN; SECURITYADMIN for network policies
    this.demand(this.active.has('ACCOUNTADMIN'), 'ALTER ACCOUNT', reader);
    if (reader.accept('UNSET')) for (const key of reader.list(() => reader.part())) delete this.account.settings[key];
    else {
      reader.expect('SET');
      Object.assign(this.account.settings, this.settings(reader));
    }
    reader.end();
  }
  protected alterWarehouse(warehouse: Thing, reader: Reader): void {
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
  protected rename(thing: Thing, reader: Reader): void {
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
  protected swap(thing: Thing, reader: Reader): void {
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
  protected manage(schema: Thing, reader: Reader): void {
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
}
