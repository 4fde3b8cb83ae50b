import { type Account, keyOf, type Thing } from './account.ts';
import { UNKNOWN } from './expressions.ts';
import { RELATIONS } from './kinds.ts';
import type { Row } from './rows.ts';
import { Reader, type Token } from './tokens.ts';

const last = (thing: Thing): string => thing.name.split('.').at(-1) ?? '';

/**
 * What SHOW answers, in at most so many rows: "any records above the 10K limit are not returned, even with a filter applied"
 * (https://docs.snowflake.com/en/sql-reference/sql/show-grants#usage-notes). Narrowly read, the limit comes before STARTS WITH.
 */
export function shown(
  account: Account,
  roles: ReadonlySet<string>,
  asked: readonly Token[],
  qualified: (kind: string, parts: readonly string[]) => string,
): readonly Row[] | undefined {
  const at = asked.findIndex((token, index) => token.text === 'STARTS' && asked[index + 1]?.text === 'WITH');
  const begins = at < 0 ? '' : (asked[at + 2]?.text ?? '');
  const all = everything(account, roles, at < 0 ? asked : [...asked.slice(0, at), ...asked.slice(at + 3)], qualified);
  const sorted = all?.every((row) => typeof row.name === 'string') ? all.toSorted((one, other) => (String(one.name) < String(other.name) ? -1 : 1)) : all;
  const fits = (row: Row): boolean => begins === '' || String(row.name).startsWith(begins);
  return account.reading === 'wide' ? sorted?.filter(fits).slice(0, account.showsAtMost) : sorted?.slice(0, account.showsAtMost).filter(fits);
}

/**
 * What SHOW lists, in the columns that its page names (https://docs.snowflake.com/en/sql-reference/sql/show-schemas and the like): what the
 * role has a right on, or everything with MANAGE GRANTS. Undefined for what the model does not list.
 */
function everything(
  account: Account,
  roles: ReadonlySet<string>,
  asked: readonly Token[],
  qualified: (kind: string, parts: readonly string[]) => string,
): readonly Row[] | undefined {
  const reader = new Reader({ source: '', tokens: asked, line: asked[0]?.line ?? 0 });
  const seen = (kinds: readonly string[]): readonly Thing[] =>
    [...account.things.values()].filter((thing) => kinds.includes(thing.kind) && (account.managesGrants(roles) || account.holdsAny(roles, thing)));
  const plain = (thing: Thing): Row => ({
    name: last(thing),
    owner: thing.owner.split('.').at(-1) ?? '',
    owner_role_type: thing.owner.includes('.') ? 'DATABASE_ROLE' : 'ROLE',
    comment: thing.comment ?? '',
  });
  reader.accept('TERSE');
  if (reader.accept('ROLES')) return reader.done ? [...account.things.values()].filter(({ kind }) => kind === 'ROLE').map(plain) : undefined;
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
      ? seen(RELATIONS.filter((kind) => kind !== 'STREAM'))
          .filter(({ name }) => name.startsWith(`${schema}.`))
          .map((thing) => ({ ...plain(thing), kind: thing.kind }))
      : undefined;
  }
  for (const [plural, kind] of [
    ['SEQUENCES', 'SEQUENCE'],
    ['STAGES', 'STAGE'],
    ['FILE FORMATS', 'FILE FORMAT'],
    ['USER FUNCTIONS', 'FUNCTION'],
  ] as const) {
    if (!reader.accept(...plural.split(' '), 'IN', 'SCHEMA')) continue;
    const schema = qualified('SCHEMA', reader.name());
    const inside = seen([kind]).filter(({ name }) => name.startsWith(`${schema}.`));
    if (kind !== 'FUNCTION') return inside.map(plain);
    // https://docs.snowflake.com/en/sql-reference/sql/show-functions: who owns one is not said
    return inside.map((thing) => ({ name: last(thing).replace(/\(.*/, ''), arguments: `${last(thing)} RETURN NUMBER` }));
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
        grant_option: 'false',
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
  const kind = reader.oneOf(['SCHEMA', 'DATABASE', 'FUNCTION', 'SEQUENCE', 'STAGE', 'FILE FORMAT', ...RELATIONS]);
  if (kind === undefined) return undefined;
  const plain = qualified(kind, reader.name());
  const types =
    kind === 'FUNCTION'
      ? `(${reader
          .parenthesis()
          .map(({ text }) => text)
          .join('')})`
      : '';
  // TABLE stands for what is like a table, VIEW for materialized views
  const thing = [kind, ...RELATIONS].map((one) => account.find(one, plain + types)).find((one) => one !== undefined);
  if (!reader.done || thing === undefined) return undefined;
  const key = keyOf(thing.kind, thing.name);
  return [
    { privilege: 'OWNERSHIP', ...grantee(thing.owner), grant_option: 'true' },
    ...account.grants.filter(({ on }) => on === key).map((one) => ({ privilege: one.privilege, ...grantee(one.to), grant_option: String(one.option) })),
  ];
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
