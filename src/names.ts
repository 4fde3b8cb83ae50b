/**
 * The naming rules: the only module that knows what a slug, an environment schema or a role is called.
 * Everything else receives the branded values that are made here.
 */
declare const brand: unique symbol;
type Brand<Name extends string> = string & { readonly [brand]: Name };

/** A person's part of `dev_<slug>`: lower case, digits, single `_` between; at most 30 characters. */
export type Slug = Brand<'Slug'>;
/** A dbt project name: a slug that does not end in `dbt`. */
export type ProjectName = Brand<'ProjectName'>;
/** A schema, database or role name that needs no quoting in any warehouse we know: `[a-z][a-z0-9_]*`, at most 63 characters. */
export type Identifier = Brand<'Identifier'>;
/** What a person or a service logs in with; quoted wherever it is printed. */
export type Login = Brand<'Login'>;

/** A value that breaks a naming rule. The message names the value, the rule and the way out. */
export class NameError extends RangeError {}

export const SLUG_LIMIT = 30;
const IDENTIFIER_LIMIT = 63;
const PREFIX_LIMIT = 30;

const SLUG = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
const IDENTIFIER = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
const LOGIN = /^[A-Za-z0-9][A-Za-z0-9._@+-]*$/;

/**
 * The shapes of whole schema names, as anchored regular expressions that Python, JavaScript, PostgreSQL,
 * DuckDB and dbt 2's Rust engine read alike. Never matched by prefix: `LIKE 'pr_%'` also finds `prod`.
 */
export const DEV_SCHEMA_PATTERN = '^dev_[a-z][a-z0-9]*(_[a-z0-9]+)*$';
export const PR_SCHEMA_PATTERN = '^pr_[1-9][0-9]{0,9}$';

/** Slugs that invite several people into one schema, or that read like an environment. */
const SHARED_SLUGS = new Set(
  'all analysts analytics anyone ci common data dbt default dev developer developers everybody everyone group main nobody prod production public service shared staging team temp test tmp user users'.split(
    ' ',
  ),
);

/** `dev_<slug>`: the one schema that a developer writes. */
export const devSchema = (slug: Slug): Identifier => `dev_${slug}` as string as Identifier;

/** Folds a name or an e-mail address into slug form; empty where nothing is left. `Ana Ñúñez` → `ana_nunez`. */
export function foldToSlug(text: string): string {
  const name = text.includes('@') ? text.slice(0, text.indexOf('@')) : text;
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
}

/** Accepts a slug as it stands. Throws {@link NameError}. */
export function parseSlug(text: string): Slug {
  if (!SLUG.test(text)) {
    throw new NameError(
      `"${shown(text)}" is no slug: lower-case letters, digits and single _ between them, a letter first. Give one, e.g. ${text === '' ? 'ana' : suggestion(text)}.`,
    );
  }
  if (text.length > SLUG_LIMIT) {
    throw new NameError(`"${text}" has ${text.length} characters; a slug has at most ${SLUG_LIMIT}. Give a shorter one: <slug>=${text}.`);
  }
  if (SHARED_SLUGS.has(text)) {
    throw new NameError(`"${text}" invites several people into one schema. Give each person a slug of their own.`);
  }
  return text as Slug;
}

/** dbt's own rule for a project name, and dbt 2's: a name that ends in `dbt` loses its generate_schema_name (dbt-fusion issue 138). */
export function parseProjectName(text: string): ProjectName {
  if (!SLUG.test(text) || text.length > SLUG_LIMIT) {
    throw new NameError(
      `"${shown(text)}" is no project name: lower-case letters, digits and single _ between them, a letter first, at most ${SLUG_LIMIT} characters.`,
    );
  }
  if (text.endsWith('dbt')) {
    throw new NameError(
      `"${text}" ends in "dbt", and dbt 2 then overlooks the project's schema rules. Choose another name, e.g. ${text.replace(/_?dbt$/, '') || 'acme'}_data.`,
    );
  }
  return text as ProjectName;
}

/** A schema, database or role-prefix name. `what` says which, in the user's words. */
export function parseIdentifier(text: string, what: string): Identifier {
  if (!IDENTIFIER.test(text) || text.length > IDENTIFIER_LIMIT) {
    throw new NameError(
      `"${shown(text)}" cannot be ${what}: lower-case letters, digits and single _ between them, a letter first, at most ${IDENTIFIER_LIMIT} characters.`,
    );
  }
  return text as Identifier;
}

const RESERVED_SCHEMAS = /^(?:pg_.*|information_schema|public|main|default|temp|dev|ci|pr)$/;

/** A schema that prod may own: not an environment's, not the warehouse's own. */
export function parseProdSchema(text: string): Identifier {
  const schema = parseIdentifier(text, 'a prod schema');
  if (/^dev_/.test(text) || /^pr_[0-9]+$/.test(text)) {
    throw new NameError(`"${text}" looks like an environment schema, which the nightly sweep may drop. Choose another name for prod.`);
  }
  if (RESERVED_SCHEMAS.test(text)) {
    throw new NameError(`"${text}" cannot be a prod schema: the name is the warehouse's own or an environment's. Choose e.g. analytics.`);
  }
  return schema;
}

/**
 * Starts the names of roles and of the door, e.g. `acme_door`; at most 30 characters. PostgreSQL reserves role names
 * that begin with `pg_` (its page on CREATE ROLE), and `dev_door` would be a developer's schema.
 */
export function parseRolePrefix(text: string): Identifier {
  const prefix = parseIdentifier(text, 'a role prefix');
  if (/^(?:pg|dev|pr)(?:_|$)/.test(prefix)) {
    throw new NameError(`"${text}" cannot be a role prefix: such names belong to the warehouse or to an environment. Choose e.g. acme.`);
  }
  if (prefix.length > PREFIX_LIMIT) throw new NameError(`"${text}" has ${text.length} characters; a role prefix has at most ${PREFIX_LIMIT}.`);
  return prefix;
}

/** A login: letters, digits and `. _ @ + -`, at most 63 characters; no quotes, spaces or control characters. */
export function parseLogin(text: string): Login {
  if (!LOGIN.test(text) || text.length > IDENTIFIER_LIMIT) {
    throw new NameError(`"${shown(text)}" cannot be a login: letters, digits and . _ @ + - only, at most ${IDENTIFIER_LIMIT} characters.`);
  }
  return text as Login;
}

/** A value as a message may print it: one line, control characters escaped, not endless. */
export function shown(text: string): string {
  const line = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"');
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

function suggestion(text: string): string {
  const folded = foldToSlug(text)
    .replace(/^[0-9_]+/, '')
    .slice(0, SLUG_LIMIT)
    .replace(/_+$/, '');
  return folded === '' ? 'ana' : folded;
}
