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
/** An e-mail address that every file and shell can carry: ASCII, one `@`, at most 254 characters. */
export type Email = Brand<'Email'>;

/** A value that breaks a naming rule. The message names the value, the rule and the way out. */
export class NameError extends RangeError {}

export const SLUG_LIMIT = 30;
const IDENTIFIER_LIMIT = 63;
const PREFIX_LIMIT = 30;
/** https://www.rfc-editor.org/errata/eid1690 */
const EMAIL_LIMIT = 254;

const SLUG = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
const IDENTIFIER = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
const LOGIN = /^[A-Za-z0-9][A-Za-z0-9._@+-]*$/;
const EMAIL = /^[A-Za-z0-9_][A-Za-z0-9._+-]*@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/;

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

const words = (list: string): ReadonlySet<string> => new Set(list.trim().split(/\s+/));

/** Names of devices, which Windows lets no file have, whatever its ending: https://learn.microsoft.com/windows/win32/fileio/naming-a-file */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])$/;

/** What a YAML 1.1 reader, dbt's among them, takes for a truth value or for nothing: https://yaml.org/type/bool.html, https://yaml.org/type/null.html */
const YAML_WORDS = words('y yes n no true false on off null');

/**
 * Reserved in PostgreSQL (https://www.postgresql.org/docs/current/sql-keywords-appendix.html) or DuckDB
 * (https://duckdb.org/docs/stable/sql/dialect/keywords_and_identifiers), or a statement's own word in Snowflake
 * (https://docs.snowflake.com/sql-reference/reserved-keywords): as the name of a schema or a database it would need
 * quotes in every query that anybody writes.
 */
const SQL_WORDS = words(`
  all alter analyse analyze and anti any array as asc asof asymmetric at authorization between binary both by case cast check collate collation column
  concurrently connect constraint create cross current current_catalog current_date current_role current_schema current_time
  current_timestamp current_user database default deferrable delete desc describe distinct do drop else end except exists false
  fetch following for foreign freeze from full glob grant group having ilike in increment initially inner insert intersect into is
  isnull join lambda lateral leading left like limit localtime localtimestamp map minus natural not notnull null of offset on only or
  order outer overlaps pivot pivot_longer pivot_wider placing positional primary qualify references regexp returning revoke right rlike row
  rows schema select semi session_user set show similar some start struct summarize symmetric system_user table tablesample then to
  trailing trigger true try_cast union unique unpack unpivot update user using values variadic verbose view when whenever where window with
`);

/** dbt's own list (https://github.com/dbt-labs/dbt-core/blob/main/core/dbt/contracts/project.py), and what breaks its parser as a project's name. */
const DBT_WORDS = words(`
  adapter api column config context database dbt_version env env_var exceptions execute flags fromjson fromyaml graph invocation_id
  load_agate_table load_result log model modules post_hooks pre_hooks ref render return run_started_at schema source sql sql_now
  store_raw_result store_result target this tojson toyaml try_or_compiler_error var write
`);

/** `dev_<slug>`: the one schema that a developer writes. */
export const devSchema = (slug: Slug): Identifier => `dev_${slug}` as string as Identifier;

/** Latin letters that NFKD leaves whole, as people write them without a special keyboard. */
const LATIN: Readonly<Record<string, string>> = { ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ı: 'i', ħ: 'h', ŧ: 't', ŋ: 'n' };

/** A name, or what stands before the `@` of an e-mail address, in lower case without marks. */
function lettersOf(text: string): string {
  const name = EMAIL.test(text) ? text.slice(0, text.indexOf('@')) : text;
  if (isAscii(name)) return name.toLowerCase();
  return name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^\0-\x7f]/g, (letter) => LATIN[letter] ?? letter);
}

/** Asked first, because V8 takes a millisecond to compile a character class of Unicode. */
const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text);

/** Folds a name or an e-mail address into slug form; empty where nothing is left. `Ana Ñúñez` → `ana_nunez`. */
export const foldToSlug = (text: string): string =>
  lettersOf(text)
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');

/** The letters and digits of a name that its slug would silently leave out: those of other scripts, look-alikes of Latin ones among them. */
export function lostLetters(text: string): string {
  const letters = lettersOf(text);
  if (isAscii(letters)) return '';
  return [...new Set(letters.match(/(?![a-z0-9])[\p{Lu}\p{Ll}\p{Lt}\p{Lo}\p{N}]/gu) ?? [])].join('');
}

/** Accepts a slug as it stands. Throws {@link NameError}. */
export function parseSlug(text: string): Slug {
  if (!SLUG.test(text)) {
    throw new NameError(
      `"${shown(text)}" is no slug: lower-case letters, digits and single _ between them, a letter first. Give one, e.g. ${suggestion(text, 'ana')}.`,
    );
  }
  if (text.length > SLUG_LIMIT) {
    throw new NameError(`"${shown(text)}" has ${text.length} characters; a slug has at most ${SLUG_LIMIT}. Give a shorter one: <slug>=<login>.`);
  }
  if (SHARED_SLUGS.has(text)) {
    throw new NameError(`"${text}" invites several people into one schema. Give each person a slug of their own.`);
  }
  if (DEVICE.test(text)) {
    throw new NameError(`"${text}" names a device on Windows, where no file can be called so. Give another slug, e.g. ${text}_x=<login>.`);
  }
  return text as Slug;
}

/** dbt's own rule for a project name, and dbt 2's: a name that ends in `dbt` loses its generate_schema_name (dbt-fusion issue 138). */
export function parseProjectName(text: string): ProjectName {
  if (!SLUG.test(text) || text.length > SLUG_LIMIT) {
    throw new NameError(
      `"${shown(text)}" is no project name: lower-case letters, digits and single _ between them, a letter first, at most ${SLUG_LIMIT} characters. Choose e.g. ${suggestion(text, 'acme')}.`,
    );
  }
  const other = `${
    text
      .replace(/_?dbt$/, '')
      .slice(0, SLUG_LIMIT - '_data'.length)
      .replace(/_$/, '') || 'acme'
  }_data`;
  if (text.endsWith('dbt')) {
    throw new NameError(`"${text}" ends in "dbt", and dbt 2 then overlooks the project's schema rules. Choose another name, e.g. ${other}.`);
  }
  if (DBT_WORDS.has(text) || isYamlWord(text)) {
    throw new NameError(`"${text}" is a word of dbt's own or of YAML's, which no project can be called. Choose another name, e.g. ${other}.`);
  }
  if (DEVICE.test(text)) {
    throw new NameError(`"${text}" names a device on Windows, where no folder can be called so. Choose another name, e.g. ${other}.`);
  }
  return text as ProjectName;
}

/** The package yaml reads `e1` as a number of YAML 1.1 too. */
const isYamlWord = (text: string): boolean => YAML_WORDS.has(text) || /^e[0-9]+$/.test(text);

export const isProjectName = (text: string): boolean => {
  try {
    parseProjectName(text);
    return true;
  } catch {
    return false;
  }
};

/** The name of a schema or a database. `what` says which, in the user's words. */
export function parseIdentifier(text: string, what: string): Identifier {
  const identifier = wellFormed(text, what);
  if (SQL_WORDS.has(text) || isYamlWord(text)) {
    throw new NameError(`"${text}" cannot be ${what}: it is a word of SQL or YAML and would need quotes wherever it stands. Choose e.g. ${text}_data.`);
  }
  return identifier;
}

function wellFormed(text: string, what: string): Identifier {
  if (!IDENTIFIER.test(text) || text.length > IDENTIFIER_LIMIT) {
    throw new NameError(
      `"${shown(text)}" cannot be ${what}: lower-case letters, digits and single _ between them, a letter first, at most ${IDENTIFIER_LIMIT} characters. Choose e.g. ${suggestion(text, 'acme')}.`,
    );
  }
  return text as Identifier;
}

const RESERVED_SCHEMAS = /^(?:pg_.*|information_schema|public|main|default|temp|dev|ci|pr)$/;

/** A schema that prod may own: not an environment's, not the warehouse's own. */
export function parseProdSchema(text: string): Identifier {
  const schema = parseIdentifier(text, 'a prod schema');
  if (isEnvironmentLike(text)) {
    throw new NameError(`"${text}" looks like an environment schema, which the nightly sweep may drop. Choose another name for prod.`);
  }
  if (RESERVED_SCHEMAS.test(text)) {
    throw new NameError(`"${text}" cannot be a prod schema: the name is the warehouse's own or an environment's. Choose e.g. analytics.`);
  }
  return schema;
}

/** A schema of raw data, which people may read: not an environment's, not the warehouse's own catalogue. */
export function parseSourceSchema(text: string): Identifier {
  const schema = parseIdentifier(text, 'a source schema');
  if (isEnvironmentLike(text)) {
    throw new NameError(`"${text}" looks like an environment schema, and raw data has to outlive those. Move it to another schema, e.g. raw.`);
  }
  if (/^(?:pg_.*|information_schema)$/.test(text)) {
    throw new NameError(`"${text}" cannot be a source schema: it is the warehouse's own catalogue. Name the schema that holds your data, e.g. raw.`);
  }
  return schema;
}

const isEnvironmentLike = (schema: string): boolean => /^dev_/.test(schema) || /^pr_[0-9]+$/.test(schema);

/**
 * Starts the names of roles and of the door, e.g. `acme_door`; at most 30 characters. PostgreSQL reserves role names
 * that begin with `pg_` (its page on CREATE ROLE), and `dev_door` would be a developer's schema.
 */
export function parseRolePrefix(text: string): Identifier {
  const prefix = wellFormed(text, 'a role prefix');
  if (/^(?:pg|dev|pr)(?:_|$)/.test(prefix)) {
    throw new NameError(`"${text}" cannot be a role prefix: such names belong to the warehouse or to an environment. Choose e.g. acme.`);
  }
  if (prefix.length > PREFIX_LIMIT) {
    throw new NameError(`"${shown(text)}" has ${text.length} characters; a role prefix has at most ${PREFIX_LIMIT}. Choose e.g. ${suggestion(text, 'acme')}.`);
  }
  return prefix;
}

/** A login: letters, digits and `. _ @ + -`, at most 63 characters; no quotes, spaces or control characters. */
export function parseLogin(text: string): Login {
  if (!LOGIN.test(text) || text.length > IDENTIFIER_LIMIT) {
    throw new NameError(
      `"${shown(text)}" cannot be a login: letters, digits and . _ @ + - only, a letter or digit first, at most ${IDENTIFIER_LIMIT} characters. Give the name in the warehouse: <slug>=<login>.`,
    );
  }
  // In a GRANT these stand for everybody and for nobody, and pg_ is PostgreSQL's own: https://www.postgresql.org/docs/current/sql-createrole.html
  if (/^(?:public|none|pg_.*)$/i.test(text)) {
    throw new NameError(`"${shown(text)}" cannot be a login: the warehouse keeps that name for itself. Give the person's own: <slug>=<login>.`);
  }
  return text as Login;
}

/** Throws {@link NameError}. */
export function parseEmail(text: string): Email {
  if (!isEmail(text)) {
    throw new NameError(
      `"${shown(text)}" is no e-mail address: letters, digits and . _ + - around one @, at most ${EMAIL_LIMIT} characters. Correct it, or give <slug>=<login> in its place.`,
    );
  }
  return text as Email;
}

export const isEmail = (text: string): boolean => text.length <= EMAIL_LIMIT && EMAIL.test(text);

const SHOWN_LIMIT = 60;

/**
 * A value as a message may print it: one line, not endless, and nothing in it that a terminal obeys or hides. Control
 * characters, marks of direction, blanks other than the space, and whatever has no glyph are escaped as in JSON.
 */
export function shown(text: string): string {
  const pieces = [...text.slice(0, SHOWN_LIMIT + 1)].map(visible);
  const line = pieces.join('');
  if (line.length <= SHOWN_LIMIT) return line;
  let kept = '';
  for (const piece of pieces) {
    if (kept.length + piece.length > SHOWN_LIMIT - 3) break;
    kept += piece;
  }
  return `${kept}...`;
}

function visible(character: string): string {
  if (character === '"') return character;
  if (!/^[^\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]$|^ $/u.test(character)) return escaped(character);
  return JSON.stringify(character).slice(1, -1);
}

function escaped(character: string): string {
  const short = JSON.stringify(character).slice(1, -1);
  if (/^[ -~]+$/.test(short)) return short;
  return [...Array(character.length).keys()].map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
}

/** A name like the text, where one can be made of it and is accepted; otherwise the fallback. */
function suggestion(text: string, fallback: string): string {
  const folded = foldToSlug(text)
    .replace(/^[0-9_]+/, '')
    .slice(0, SLUG_LIMIT)
    .replace(/_+$/, '');
  const isTaken = SHARED_SLUGS.has(folded) || SQL_WORDS.has(folded) || isYamlWord(folded) || DBT_WORDS.has(folded) || DEVICE.test(folded);
  return folded === '' || isTaken || /dbt$|^(?:dev|pr|pg|ci|information)(?:_|$)/.test(folded) ? fallback : folded;
}
