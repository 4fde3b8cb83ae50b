import { type Account, keyOf, type Thing } from './account.ts';
import { UNKNOWN } from './expressions.ts';
import { RELATIONS } from './kinds.ts';
import type { Row } from './rows.ts';
import { Reader, type Token } from './tokens.ts';

const last = (thing: Thing): string => thing.name.split('.').at(-1) ?? '';

/**
 * What SHOW lists, in the columns that its page names (https://docs.snowflake.com/en/sql-reference/sql/show-schemas and the like): what the
 * role has a right on, or everything with MANAGE GRANTS. Undefined for what the model does not list.
 */
export function shown(
  account: Account,
  roles: ReadonlySet<string>,
  asked: readonly Token[],
  qualified: (kind: string, parts: readonly string[]) => string,
): readonly Row[] | undefined {
  const reader = new Reader({ source: '', tokens: asked, line: asked[0]?.line ?? 0 });
  const seen = (kinds: readonly string[]): readonly Thing[] =>
    [...account.things.values()].filter((thing) => kinds.includes(thing.kind) && (account.managesGrants(roles) || account.holdsAny(roles, thing)));
  const plain = (thing: Thing): Row => ({ name: last(thing), owner: thing.owner, comment: thing.comment ?? '' });
  reader.accept('TERSE');
  if (reader.accept('ROLES')) {
    const begins = reader.accept('STARTS', 'WITH') ? reader.next().text : '';
    return reader.done ? [...account.things.values()].filter(({ kind, name }) => kind === 'ROLE' && name.startsWith(begins)).map(plain) : undefined;
  }
  if (reader.accept('USERS'))
    return reader.done
      ? [...account.users].map(([name, { type, settings }]) => ({
          name,
          type,
          owner: account.find('USER', name)?.owner ?? '',
          comment: settings.COMMENT ?? '',
        }))
      : undefined;
  if (reader.accept('WAREHOUSES')) return reader.done ? seen(['WAREHOUSE']).map(plain) : undefined;
  if (reader.accept('DATABASES')) return reader.done ? seen(['DATABASE']).map(plain) : undefined;
  if (reader.accept('SCHEMAS', 'IN')) {
    if (!reader.accept('ACCOUNT') && !reader.accept('DATABASE')) return undefined;
    const database = reader.done ? undefined : reader.name().join('.');
    return seen(['SCHEMA'])
      .filter(({ name }) => database === undefined || name.startsWith(`${database}.`))
      .map((thing) => ({ ...plain(thing), database_name: thing.name.split('.')[0] ?? '', options: thing.managed === true ? 'MANAGED ACCESS' : '' }));
  }
  if (reader.accept('OBJECTS', 'IN', 'SCHEMA')) {
    const schema = qualified('SCHEMA', reader.name());
    return reader.done
      ? seen(RELATIONS)
          .filter(({ name }) => name.startsWith(`${schema}.`))
          .map((thing) => ({ ...plain(thing), kind: thing.kind }))
      : undefined;
  }
  if (reader.accept('FUTURE', 'GRANTS', 'IN')) {
    const kind = reader.accept('DATABASE') ? 'DATABASE' : 'SCHEMA';
    if (kind === 'SCHEMA') reader.expect('SCHEMA');
    const within = keyOf(kind, qualified(kind, reader.name()));
    if (!reader.done) return undefined;
    return account.future
      .filter((one) => one.within === within)
      .map((one) => ({
        privilege: one.privilege,
        grant_on: one.kind.replaceAll(' ', '_'),
        grant_to: one.to.includes('.') ? 'DATABASE_ROLE' : 'ROLE',
        grantee_name: one.to.split('.').at(-1) ?? '',
      }));
  }
  return reader.accept('GRANTS') ? grants(account, reader, qualified) : undefined;
}

function grants(account: Account, reader: Reader, qualified: (kind: string, parts: readonly string[]) => string): readonly Row[] | undefined {
  const grantee = (to: string): Row => ({
    granted_to: to.startsWith('@') ? 'USER' : to.includes('.') ? 'DATABASE_ROLE' : 'ROLE',
    grantee_name: to.replace(/^@/, ''),
  });
  if (reader.accept('OF', 'ROLE')) {
    const role = reader.part();
    return reader.done ? account.memberships.filter((one) => one.role === role).map((one) => ({ role, ...grantee(one.to) })) : undefined;
  }
  if (reader.accept('TO', 'ROLE')) {
    const role = reader.part();
    if (!reader.done) return undefined;
    return [
      ...account.memberships
        .filter(({ to }) => to === role)
        .map((one) => ({ privilege: 'USAGE', granted_on: one.role.includes('.') ? 'DATABASE_ROLE' : 'ROLE', name: one.role })),
      ...account.grants.filter(({ to }) => to === role).map((one) => ({ privilege: one.privilege, granted_on: one.on.split(' ')[0] ?? '', name: one.on })),
    ];
  }
  if (reader.accept('TO', 'USER')) {
    const user = `@${reader.part()}`;
    if (!reader.done) return undefined;
    return [
      ...account.memberships.filter(({ to }) => to === user).map((one): Row => ({ role: one.role, privilege: null, ...grantee(user) })),
      ...account.grants.filter(({ to }) => to === user).map((one): Row => ({ role: null, privilege: one.privilege, ...grantee(user) })),
    ];
  }
  if (!reader.accept('ON')) return undefined;
  const kind = reader.oneOf(['SCHEMA', 'TABLE', 'VIEW', 'DATABASE', 'DYNAMIC TABLE']);
  if (kind === undefined) return undefined;
  const key = keyOf(kind, qualified(kind, reader.name()));
  return reader.done ? account.grants.filter(({ on }) => on === key).map((one) => ({ privilege: one.privilege, ...grantee(one.to) })) : undefined;
}

/**
 * SCHEMATA and TABLES of an information schema: they list what the role has a right on, MANAGE GRANTS or not
 * (https://docs.snowflake.com/en/sql-reference/info-schema#general-usage-notes).
 */
export function informationSchema(account: Account, roles: ReadonlySet<string>, database: string, view: string): readonly Row[] | undefined {
  const inside = [...account.things.values()].filter((thing) => thing.name.startsWith(`${database}.`) && account.holdsAny(roles, thing));
  const unknown = { CREATED: UNKNOWN, LAST_ALTERED: UNKNOWN, BYTES: UNKNOWN, COMMENT: UNKNOWN } as const;
  if (view === 'SCHEMATA') {
    return inside
      .filter(({ kind }) => kind === 'SCHEMA')
      .map((thing) => ({ ...unknown, CATALOG_NAME: database, SCHEMA_NAME: last(thing), SCHEMA_OWNER: thing.owner }));
  }
  if (view !== 'TABLES') return undefined;
  return inside
    .filter(({ kind }) => RELATIONS.includes(kind) && kind !== 'STREAM')
    .map((thing) => ({
      ...unknown,
      TABLE_CATALOG: database,
      TABLE_SCHEMA: thing.name.split('.')[1] ?? '',
      TABLE_NAME: last(thing),
      TABLE_OWNER: thing.owner,
      TABLE_TYPE: thing.kind === 'TABLE' ? 'BASE TABLE' : thing.kind,
    }));
}
