import { Account, type Reading, Refused, type Session } from './account.ts';
import { Raised } from './core.ts';
import type { Row } from './rows.ts';
import { Cut, Run } from './statements.ts';
import { NotModelled } from './tokens.ts';

export type { Reading, Session } from './account.ts';
export { NotModelled } from './tokens.ts';

/** How a session is opened. */
export interface Login {
  readonly user: string;
  /** The role of the connection; without it the user's default, or PUBLIC. */
  readonly role?: string;
  readonly secondary?: 'ALL' | 'NONE';
  readonly warehouse?: string;
}

/** A model of Snowflake's access control, from its documentation. Throws NotModelled at every statement that it does not know. */
export class SnowflakeModel {
  private account: Account;

  constructor(reading: Reading) {
    this.account = new Account(reading);
    for (const role of ['OBJECT_VIEWER', 'USAGE_VIEWER', 'GOVERNANCE_VIEWER', 'SECURITY_VIEWER']) {
      const name = `SNOWFLAKE.${role}`;
      this.account.things.set(`DATABASE ROLE ${name}`, { kind: 'DATABASE ROLE', name, owner: '' });
    }
    this.user('ADMIN', 'ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN');
  }

  /** A user with these roles who was there before. */
  user(name: string, ...roles: readonly string[]): void {
    this.account.things.set(`USER ${name}`, { kind: 'USER', name, owner: 'USERADMIN' });
    this.account.users.set(name, { type: 'PERSON', settings: {} });
    for (const role of roles) this.account.memberships.push({ role, to: `@${name}`, option: false, by: '' });
  }

  /** https://docs.snowflake.com/en/user-guide/security-access-control-overview#active-roles */
  login({ user, role, secondary, warehouse }: Login): Session {
    const settings = this.account.users.get(user)?.settings;
    if (settings === undefined) throw new Refused(`user ${user} does not exist`);
    if (settings.DISABLED === 'TRUE') throw new Refused(`user ${user} is disabled`);
    const primary = role ?? settings.DEFAULT_ROLE ?? 'PUBLIC';
    if (!this.account.takeable(user).includes(primary)) throw new Refused(`role ${primary} was not granted to ${user}`);
    // DEFAULT_SECONDARY_ROLES: ('ALL') unless it says otherwise, https://docs.snowflake.com/en/sql-reference/sql/create-user
    const isAll = secondary === undefined ? settings.DEFAULT_SECONDARY_ROLES !== '' : secondary === 'ALL';
    return { user, primary, secondary: isAll ? 'ALL' : [], database: undefined, schema: undefined, warehouse: warehouse ?? settings.DEFAULT_WAREHOUSE };
  }

  /** Runs a script for good, as an administrator unless somebody else is named. Throws where a statement is refused. */
  run(sql: string, login: Login = this.administrator): void {
    const after = this.account.copy();
    const run = new Run(after, this.login(login));
    run.script(sql);
    if (run.guessed) throw new NotModelled('a script that depends on rows', 0);
    this.account = after;
  }

  /** Runs a script until so many statements are done, and no further: those stay. Says whether it was cut short. */
  runUntil(statements: number, sql: string, login: Login = this.administrator): boolean {
    const run = new Run(this.account, this.login(login));
    run.endsAfter = statements;
    try {
      run.script(sql);
      return false;
    } catch (error) {
      if (error instanceof Cut) return true;
      throw error;
    }
  }

  private get administrator(): Login {
    return { user: 'ADMIN', role: 'ACCOUNTADMIN', secondary: this.account.reading === 'wide' ? 'ALL' : 'NONE' };
  }

  /** Lets SHOW answer with fewer rows. */
  showAtMost(rows: number): void {
    this.account.showsAtMost = rows;
  }

  /** Who owns what and who was granted what, whoever granted it, in an order of its own. */
  rights(): readonly string[] {
    const { things, grants, future, memberships } = this.account;
    const all = [
      ...[...things.values()].map((one) => `${one.kind} ${one.name} belongs to ${one.owner}${one.managed === true ? ', managed' : ''}`),
      ...grants.map(({ privilege, on, to, option }) => `${to}: ${privilege} on ${on}${option ? ' with grant option' : ''}`),
      ...future.map(({ privilege, kind, within, to }) => `${to}: ${privilege} on future ${kind} in ${within}`),
      ...memberships.map(({ role, to }) => `${to} is in ${role}`),
    ];
    return [...new Set(all)].toSorted();
  }

  /**
   * `done`, `nothing` where it succeeds and has changed nothing though a change was asked for, as by every REVOKE, or why it is refused; the account stays as it is.
   * What rows would decide is tried both ways, and `done` wins.
   */
  attempt(login: Login, sql: string, effect: 'any' | 'change' = /^\s*revoke\b/i.test(sql) ? 'change' : 'any'): string {
    let session: Session;
    try {
      session = this.login(login);
    } catch (error) {
      if (error instanceof Refused) return error.message;
      throw error;
    }
    let refusal = '';
    let choices: boolean[] = [];
    for (let tries = 0; tries < 64; tries += 1) {
      const account = this.account.copy();
      const decided = [...choices];
      try {
        const run = new Run(account, { ...session }, decided);
        run.script(sql);
        if (effect === 'any' || run.wrote || account.picture() !== this.account.picture()) return 'done';
        refusal = 'nothing';
      } catch (error) {
        if (!(error instanceof Refused || error instanceof Raised)) throw error;
        refusal = error.message;
      }
      while (decided.at(-1) === false) decided.pop();
      if (decided.length === 0) return refusal;
      choices = [...decided.slice(0, -1), false];
    }
    throw new NotModelled('a procedure with so many ways', 0);
  }

  /** The same with every role that the user may take, and secondary roles on or off. */
  attemptAnyhow(user: string, sql: string, effect?: 'any' | 'change'): string {
    const roles = [...new Set([...this.account.takeable(user), 'PUBLIC'])];
    let first: string | undefined;
    for (const role of roles) {
      for (const secondary of ['ALL', 'NONE'] as const) {
        const answer = this.attempt({ user, role, secondary }, sql, effect);
        if (answer === 'done') return answer;
        first ??= answer;
      }
    }
    return first ?? 'refused';
  }

  /** All that could change, as text: two models that say the same here answer the same. */
  state(): string {
    return `${this.account.reading}${this.account.picture()}${JSON.stringify([...this.account.content])}`;
  }
  /** A model that goes on from here by itself. */
  copy(): SnowflakeModel {
    const other = new SnowflakeModel(this.account.reading);
    other.account = this.account.copy();
    return other;
  }

  /** Says what is in a table, which no statement does. */
  content(table: string, rows: readonly Row[]): void {
    this.account.content.set(table, rows);
  }

  /** What a table holds whose content was said, each row once, in an order of its own. */
  held(table: string): readonly string[] {
    return [...new Set(this.account.content.get(table)?.map((row) => JSON.stringify(row)))].toSorted();
  }

  /** How a user can log in: https://docs.snowflake.com/en/user-guide/admin-user-management#types-of-users */
  waysIn(user: string): readonly string[] {
    const found = this.account.users.get(user);
    if (found === undefined || found.settings.DISABLED === 'TRUE') return [];
    const has = (...keys: readonly string[]): boolean => keys.some((key) => found.settings[key] !== undefined);
    return [
      ...(found.type !== 'SERVICE' && has('PASSWORD') ? ['password'] : []),
      ...(found.type === 'PERSON' ? ['single sign-on'] : []),
      ...(has('RSA_PUBLIC_KEY', 'RSA_PUBLIC_KEY_2') ? ['key pair'] : []),
      ...(has('WORKLOAD_IDENTITY') ? ['workload identity'] : []),
      ...(has('PROGRAMMATIC_ACCESS_TOKEN') ? ['programmatic access token'] : []),
    ];
  }
  owner(kind: string, name: string): string | undefined {
    return this.account.things.get(`${kind} ${name}`)?.owner;
  }
  thing(kind: string, name: string): { readonly owner: string; readonly managed: boolean; readonly transient: boolean } | undefined {
    const found = this.account.things.get(`${kind} ${name}`);
    return found === undefined ? undefined : { owner: found.owner, managed: found.managed === true, transient: found.transient === true };
  }
}
