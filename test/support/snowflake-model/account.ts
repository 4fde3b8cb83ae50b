import { BY_ACCOUNTADMIN, GLOBAL_PRIVILEGES, KINDS, RELATIONS } from './kinds.ts';
import type { Row } from './rows.ts';

/**
 * Where Snowflake's pages leave a point open, it is read twice: `wide` gives whatever some page could mean, and what must be
 * refused has to be refused so; `narrow` gives only what every page gives, and what somebody needs has to work so.
 */
export type Reading = 'wide' | 'narrow';

/** Snowflake says no. Without a stack: it is an answer, of which a table has ten thousands, and its message has the line. */
export class Refused extends Error {
  constructor(message: string) {
    const limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = limit;
  }
}

export interface Thing {
  readonly kind: string;
  /** The qualified name, e.g. `ACME.ANALYTICS.ORDERS`; of a procedure with the types of its arguments. */
  name: string;
  owner: string;
  managed?: boolean;
  transient?: boolean;
  comment?: string;
  readonly routine?: Routine;
  readonly task?: TaskBody;
}
export interface Routine {
  readonly rights: 'OWNER' | 'CALLER';
  readonly language: string;
  readonly parameters: readonly string[];
  readonly body: string;
  readonly line: number;
}
export interface TaskBody {
  readonly body: string;
  readonly line: number;
  readonly warehouse: string | undefined;
  readonly asUser: string | undefined;
}
export interface User {
  readonly type: 'PERSON' | 'SERVICE' | 'LEGACY_SERVICE';
  readonly settings: Readonly<Record<string, string>>;
}
export interface Grant {
  readonly privilege: string;
  /** The key of a thing, or ACCOUNT. */
  readonly on: string;
  /** A role, a database role `DB.ROLE`, or a user `@NAME`. */
  readonly to: string;
  readonly option: boolean;
  readonly by: string;
}
export interface FutureGrant {
  readonly privilege: string;
  readonly kind: string;
  /** The key of a database or a schema. */
  readonly within: string;
  readonly to: string;
}
export interface Membership {
  readonly role: string;
  readonly to: string;
  readonly option: boolean;
  readonly by: string;
}

/** Whose rights a statement has. Authorization to create comes from `primary` alone: https://docs.snowflake.com/en/user-guide/security-access-control-overview#authorization-through-primary-role-and-secondary-roles */
export interface Session {
  readonly user: string;
  primary: string;
  secondary: 'ALL' | readonly string[];
  database: string | undefined;
  schema: string | undefined;
  warehouse: string | undefined;
  /** Inside of an owner's-rights procedure: the session of whoever called. */
  readonly caller?: Session;
}

const SYSTEM_ROLES = ['ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'PUBLIC'] as const;

export const keyOf = (kind: string, name: string): string => `${kind} ${name}`;
export const userKey = (user: string): string => `@${user}`;

/** A Snowflake account: who owns what, who was granted what. */
export class Account {
  readonly reading: Reading;
  things = new Map<string, Thing>();
  dropped: Thing[] = [];
  users = new Map<string, User>();
  grants: Grant[] = [];
  future: FutureGrant[] = [];
  memberships: Membership[] = [];
  settings: Record<string, string> = {};
  /** What is in a table, where somebody said so. */
  content = new Map<string, readonly Row[]>();
  /** How many rows SHOW answers with at most: https://docs.snowflake.com/en/sql-reference/sql/show-grants#usage-notes */
  showsAtMost = 10_000;

  /** https://docs.snowflake.com/en/user-guide/security-access-control-overview#system-defined-roles */
  constructor(reading: Reading) {
    this.reading = reading;
    for (const role of SYSTEM_ROLES) this.things.set(keyOf('ROLE', role), { kind: 'ROLE', name: role, owner: '' });
    const member = (role: string, to: string): void => void this.memberships.push({ role, to, option: false, by: '' });
    member('SYSADMIN', 'ACCOUNTADMIN');
    member('SECURITYADMIN', 'ACCOUNTADMIN');
    member('USERADMIN', 'SECURITYADMIN');
    const global = (to: string, privileges: readonly string[], option = false): void => {
      for (const privilege of privileges) this.grants.push({ privilege, on: 'ACCOUNT', to, option, by: '' });
    };
    global('USERADMIN', ['CREATE USER', 'CREATE ROLE']);
    global('SECURITYADMIN', ['MANAGE GRANTS'], true);
    global('SECURITYADMIN', ['MANAGE VISIBILITY', 'CREATE NETWORK POLICY', 'ATTACH POLICY']);
    global('SYSADMIN', ['CREATE DATABASE', 'CREATE WAREHOUSE']);
    const others = ['MANAGE GRANTS', 'CREATE USER', 'CREATE ROLE', 'MANAGE VISIBILITY'];
    global(
      'ACCOUNTADMIN',
      GLOBAL_PRIVILEGES.filter((one) => !others.includes(one)),
      true,
    );
    // https://docs.snowflake.com/en/sql-reference/account-usage: the shared database SNOWFLAKE, open to ACCOUNTADMIN.
    this.things.set(keyOf('DATABASE', 'SNOWFLAKE'), { kind: 'DATABASE', name: 'SNOWFLAKE', owner: '' });
    this.grants.push({ privilege: 'IMPORTED PRIVILEGES', on: 'DATABASE SNOWFLAKE', to: 'ACCOUNTADMIN', option: true, by: '' });
  }

  copy(): Account {
    // What the constructor would fill in is replaced by all that is here.
    const other: Account = Object.assign(Object.create(Account.prototype), { reading: this.reading });
    other.things = new Map([...this.things].map(([key, thing]) => [key, { ...thing }]));
    other.dropped = this.dropped.map((thing) => ({ ...thing }));
    other.users = new Map(this.users);
    other.grants = [...this.grants];
    other.future = [...this.future];
    other.memberships = [...this.memberships];
    other.settings = { ...this.settings };
    other.content = new Map(this.content);
    other.showsAtMost = this.showsAtMost;
    return other;
  }

  /** All that could change, as text. */
  picture(): string {
    return JSON.stringify([[...this.things], this.dropped, [...this.users], this.grants, this.future, this.memberships, this.settings]);
  }

  // Roles

  /** A role and all that it inherits; PUBLIC is granted to everybody: https://docs.snowflake.com/en/user-guide/security-access-control-overview#role-hierarchy-and-privilege-inheritance */
  inherited(from: readonly string[]): ReadonlySet<string> {
    const found = new Set<string>();
    const waiting = [...from, 'PUBLIC'];
    for (let role = waiting.pop(); role !== undefined; role = waiting.pop()) {
      if (found.has(role)) continue;
      found.add(role);
      for (const { role: below, to } of this.memberships) if (to === role) waiting.push(below);
    }
    return found;
  }
  /** Account roles that were granted to a user. Database roles are never active themselves. */
  grantedTo(user: string): readonly string[] {
    return this.memberships.filter(({ role, to }) => to === userKey(user) && !role.includes('.')).map(({ role }) => role);
  }
  /**
   * The roles that a user may take: "all roles that are granted directly to the user plus all account-level roles lower in the
   * hierarchies of these roles" (https://docs.snowflake.com/en/sql-reference/functions/current_available_roles).
   */
  takeable(user: string): readonly string[] {
    return [...this.inherited(this.grantedTo(user))].filter((role) => !role.includes('.'));
  }
  primaryRoles(session: Session): ReadonlySet<string> {
    return this.inherited([session.primary]);
  }
  /**
   * Primary and secondary roles. What was granted to the user itself counts only while all secondary roles are on
   * (https://docs.snowflake.com/en/sql-reference/sql/grant-privilege-user#usage-notes).
   */
  activeRoles(session: Session): ReadonlySet<string> {
    if (session.secondary !== 'ALL') return this.inherited([session.primary, ...session.secondary]);
    const own = this.memberships.filter(({ role, to }) => to === userKey(session.user) && role.includes('.')).map(({ role }) => role);
    const roles = new Set(this.inherited([session.primary, ...this.grantedTo(session.user), ...own]));
    if (this.settings.DISABLE_USER_PRIVILEGE_GRANTS !== 'TRUE') roles.add(userKey(session.user));
    return roles;
  }

  // Things

  find(kind: string, name: string): Thing | undefined {
    return this.things.get(keyOf(kind, name));
  }
  /** What a name in a query stands for. */
  relation(name: string): Thing | undefined {
    return RELATIONS.map((kind) => this.find(kind, name)).find((thing) => thing !== undefined);
  }
  schemaOf(thing: Pick<Thing, 'kind' | 'name'>): Thing | undefined {
    if (KINDS[thing.kind]?.within !== 'SCHEMA') return undefined;
    return this.find('SCHEMA', thing.name.split('.').slice(0, 2).join('.'));
  }
  databaseOf(thing: Pick<Thing, 'kind' | 'name'>): Thing | undefined {
    if (KINDS[thing.kind]?.within === 'ACCOUNT') return undefined;
    return this.find('DATABASE', thing.name.split('.')[0] ?? '');
  }
  inside(container: Thing): readonly Thing[] {
    return [...this.things.values()].filter(({ kind, name }) => KINDS[kind]?.within !== 'ACCOUNT' && name.startsWith(`${container.name}.`));
  }

  // Rights

  /** The owner "has all privileges on the object by default"; MANAGE GRANTS on a container is not among them. */
  holds(roles: ReadonlySet<string>, privilege: string, thing: Thing): boolean {
    if (roles.has(thing.owner) && privilege !== 'MANAGE GRANTS') return true;
    const key = keyOf(thing.kind, thing.name);
    return this.grants.some((grant) => grant.on === key && grant.privilege === privilege && roles.has(grant.to));
  }
  holdsGlobal(roles: ReadonlySet<string>, privilege: string): boolean {
    return this.grants.some((grant) => grant.on === 'ACCOUNT' && grant.privilege === privilege && roles.has(grant.to));
  }
  holdsAny(roles: ReadonlySet<string>, thing: Thing): boolean {
    const key = keyOf(thing.kind, thing.name);
    if (roles.has(thing.owner) || this.grants.some((grant) => grant.on === key && roles.has(grant.to))) return true;
    // "granting a database role to an account role implicitly grants the USAGE privilege on the database":
    // https://docs.snowflake.com/en/user-guide/security-access-control-considerations#managing-database-object-access-using-database-roles
    return thing.kind === 'DATABASE' && [...roles].some((role) => role.startsWith(`${thing.name}.`));
  }
  /**
   * "USAGE or any other privilege on the container database and schema"
   * (https://docs.snowflake.com/en/user-guide/security-access-control-considerations#accessing-database-objects); the notes below the
   * privileges of a database ask for USAGE on the schema: narrowly read, USAGE on both.
   */
  reaches(roles: ReadonlySet<string>, thing: Pick<Thing, 'kind' | 'name'>): boolean {
    const containers = [this.databaseOf(thing), this.schemaOf(thing)].filter((one) => one !== undefined);
    return containers.every((container) => {
      if (this.reading === 'wide') return this.holdsAny(roles, container);
      return this.holds(roles, 'USAGE', container) || (container.kind === 'DATABASE' && [...roles].some((role) => role.startsWith(`${container.name}.`)));
    });
  }
  managesGrants(roles: ReadonlySet<string>, thing?: Pick<Thing, 'kind' | 'name'>): boolean {
    if (this.holdsGlobal(roles, 'MANAGE GRANTS')) return true;
    if (thing === undefined) return false;
    // On a database or schema: https://docs.snowflake.com/en/user-guide/container-manage-grants-intro
    const containers = [this.databaseOf(thing), this.schemaOf(thing), this.things.get(keyOf(thing.kind, thing.name))];
    return containers.some((one) => one !== undefined && ['DATABASE', 'SCHEMA'].includes(one.kind) && this.holds(roles, 'MANAGE GRANTS', one));
  }
  /** https://docs.snowflake.com/en/sql-reference/sql/grant-privilege#access-control-requirements */
  mayGrant(roles: ReadonlySet<string>, privilege: string, thing: Thing): boolean {
    if (this.managesGrants(roles, thing)) return true;
    if (privilege === 'MANAGE GRANTS') return this.hasOption(roles, privilege, thing);
    const schema = this.schemaOf(thing);
    if (schema?.managed === true) return roles.has(schema.owner);
    return this.reaches(roles, thing) && (roles.has(thing.owner) || this.hasOption(roles, privilege, thing));
  }
  private hasOption(roles: ReadonlySet<string>, privilege: string, thing: Thing): boolean {
    const key = keyOf(thing.kind, thing.name);
    return this.grants.some((grant) => grant.on === key && grant.privilege === privilege && grant.option && roles.has(grant.to));
  }
  /** Some are marked "must be granted by the ACCOUNTADMIN role": https://docs.snowflake.com/en/user-guide/security-access-control-privileges#global-privileges-account-privileges */
  mayGrantGlobal(roles: ReadonlySet<string>, privilege: string): boolean {
    if (roles.has('ACCOUNTADMIN')) return true;
    if (privilege === 'MANAGE GRANTS' || !(BY_ACCOUNTADMIN.includes(privilege) && this.reading === 'narrow')) {
      if (this.managesGrants(roles)) return true;
    }
    return this.grants.some((grant) => grant.on === 'ACCOUNT' && grant.privilege === privilege && grant.option && roles.has(grant.to));
  }
  /** https://docs.snowflake.com/en/sql-reference/sql/grant-role#access-control-requirements */
  mayGrantRole(roles: ReadonlySet<string>, role: string, toRole: boolean): boolean {
    const thing = this.find(role.includes('.') ? 'DATABASE ROLE' : 'ROLE', role);
    if (thing === undefined) return false;
    if (this.managesGrants(roles, thing) || roles.has(thing.owner)) return true;
    return toRole && this.memberships.some((one) => one.role === role && one.option && roles.has(one.to));
  }
  /**
   * https://docs.snowflake.com/en/sql-reference/sql/grant-privilege#access-control-requirements: in a database MANAGE GRANTS; in a
   * managed access schema its owner too.
   */
  mayGrantFuture(roles: ReadonlySet<string>, container: Thing): boolean {
    return this.managesGrants(roles, container) || (container.managed === true && roles.has(container.owner));
  }

  // Changes

  /** A new thing belongs to the primary role; future grants apply. */
  create(session: Session, thing: Omit<Thing, 'owner'>, options: { readonly keepsGrantsOf?: Thing } = {}): Thing {
    const made: Thing = { ...thing, owner: session.primary };
    this.things.set(keyOf(made.kind, made.name), made);
    if (options.keepsGrantsOf === undefined) this.applyFuture(made);
    return made;
  }
  /**
   * Schema-level future grants on a kind of object make the database-level ones on it be ignored, whoever holds them
   * (https://docs.snowflake.com/en/sql-reference/sql/grant-privilege#considerations); those of OWNERSHIP in a database do not
   * apply in a managed access schema (restrictions, same page).
   */
  private applyFuture(made: Thing): void {
    const schema = this.schemaOf(made);
    const database = this.databaseOf(made);
    const inSchema = this.future.filter((one) => schema !== undefined && one.within === keyOf('SCHEMA', schema.name) && one.kind === made.kind);
    const inDatabase = this.future.filter((one) => database !== undefined && one.within === keyOf('DATABASE', database.name) && one.kind === made.kind);
    for (const { privilege, to } of inSchema.length > 0 ? inSchema : inDatabase) {
      if (privilege !== 'OWNERSHIP') this.grants.push({ privilege, on: keyOf(made.kind, made.name), to, option: false, by: made.owner });
      else if (inSchema.length > 0 || schema?.managed !== true) made.owner = to;
    }
  }
  drop(thing: Thing): void {
    for (const one of [thing, ...(['DATABASE', 'SCHEMA'].includes(thing.kind) ? this.inside(thing) : [])]) {
      const key = keyOf(one.kind, one.name);
      this.things.delete(key);
      this.dropped.unshift(one);
      this.grants = this.grants.filter(({ on }) => on !== key);
      this.future = this.future.filter(({ within }) => within !== key);
    }
  }
  rename(thing: Thing, name: string): void {
    for (const one of [...(['DATABASE', 'SCHEMA'].includes(thing.kind) ? this.inside(thing) : []), thing]) {
      const before = keyOf(one.kind, one.name);
      const after = one === thing ? name : `${name}${one.name.slice(thing.name.length)}`;
      this.things.delete(before);
      one.name = after;
      this.things.set(keyOf(one.kind, after), one);
      const moved = <T extends { readonly on: string }>(grant: T): T => (grant.on === before ? { ...grant, on: keyOf(one.kind, after) } : grant);
      this.grants = this.grants.map(moved);
      this.future = this.future.map((grant) => (grant.within === before ? { ...grant, within: keyOf(one.kind, after) } : grant));
    }
  }
  /** What a dropped role owned goes to the role that dropped it: https://docs.snowflake.com/en/sql-reference/sql/drop-role#usage-notes */
  dropRole(role: string, by: string): void {
    this.things.delete(keyOf(role.includes('.') ? 'DATABASE ROLE' : 'ROLE', role));
    for (const thing of this.things.values()) if (thing.owner === role) thing.owner = by;
    this.grants = this.grants.filter(({ to, by: grantor }) => to !== role && grantor !== role);
    this.future = this.future.filter(({ to }) => to !== role);
    this.memberships = this.memberships.filter((one) => one.role !== role && one.to !== role && one.by !== role);
  }
  grant(grant: Grant): void {
    const same = (one: Grant): boolean => one.privilege === grant.privilege && one.on === grant.on && one.to === grant.to && one.by === grant.by;
    this.grants = [...this.grants.filter((one) => !same(one)), grant];
  }
}
