import { keyOf, type Thing, userKey } from './account.ts';
import { Altering } from './altering.ts';
import { GLOBAL_PRIVILEGES, KINDS } from './kinds.ts';
import { NotModelled, type Reader } from './tokens.ts';

const PLURALS = new Map(Object.entries(KINDS).map(([kind, { plural }]) => [plural, kind]));

type Target =
  | { readonly of: 'account' }
  | { readonly of: 'future'; readonly kind: string; readonly container: Thing }
  | { readonly of: 'things'; readonly things: readonly Thing[] };

/** GRANT and REVOKE. */
export abstract class Granting extends Altering {
  protected grantee(reader: Reader): string {
    if (reader.accept('DATABASE', 'ROLE')) return this.existing('DATABASE ROLE', reader).name;
    if (reader.accept('USER')) return userKey(this.existingUser(reader).name);
    reader.accept('ROLE');
    return this.existing('ROLE', reader).name;
  }
  protected grant(reader: Reader): void {
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
  protected addFuture(privilege: string, kind: string, container: Thing, to: string): void {
    const within = keyOf(container.kind, container.name);
    const future = this.account.future.filter((one) => !(one.privilege === privilege && one.kind === kind && one.within === within && one.to === to));
    this.account.future = [...future, { privilege, kind, within, to }];
  }
  /** What a GRANT or REVOKE is about: privileges by the kind of the object, and the objects. */
  protected privileges(reader: Reader): { readonly privileges: (kind: string) => readonly string[]; readonly on: Target } {
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
  protected target(reader: Reader): Target {
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
  protected grantRole(reader: Reader, kind: 'ROLE' | 'DATABASE ROLE'): void {
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
  protected grantOwnership(reader: Reader): void {
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
  protected demandSubordinate(schema: Thing | undefined, to: string, reader: Reader): void {
    if (schema !== undefined)
      this.demand(
        this.account.inherited([schema.owner]).has(to),
        `${to} is not below ${schema.owner}, who owns the managed access schema ${schema.name}`,
        reader,
      );
  }
  /** https://docs.snowflake.com/en/sql-reference/sql/revoke-privilege#security-requirements: succeeds also where nothing is revoked */
  protected revoke(reader: Reader): void {
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
    const cascades = reader.is('CASCADE');
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
      // "RESTRICT: If the privilege has been re-granted to another role, the REVOKE command fails", which is the default; CASCADE takes those too.
      const regranted = this.account.grants.filter((one) => one.on === key && wanted.includes(one.privilege) && one.by === from && thing?.owner !== from);
      if (regranted.length > 0 && !cascades) throw this.refuse(`${wanted.join(', ')} was granted on by ${from}, and the REVOKE does not cascade`, reader.line);
      this.account.grants = this.account.grants.filter((one) => !regranted.includes(one));
      this.account.grants = this.account.grants.flatMap((one) => (goes(one) ? (optionOnly ? [{ ...one, option: false }] : []) : [one]));
    }
  }
  protected ending(reader: Reader): void {
    reader.accept('CASCADE');
    reader.accept('RESTRICT');
    reader.end();
  }
  protected removeFuture(privileges: readonly string[], kind: string, container: Thing, from: string, reader: Reader): void {
    this.demand(this.account.mayGrantFuture(this.active, container), `future grants in ${container.name}`, reader);
    const within = keyOf(container.kind, container.name);
    this.account.future = this.account.future.filter(
      (one) => !(privileges.includes(one.privilege) && one.kind === kind && one.within === within && one.to === from),
    );
  }
}
