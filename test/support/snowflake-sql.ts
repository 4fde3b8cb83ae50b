import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { pythonEnvironment } from './python.ts';

/** A statement of Snowflake's, and where it stands: in a script by itself, in a block, or put together by a block. */
export interface Piece {
  readonly sql: string;
  readonly from: string;
}

const TOKEN = /--[^\n]*|\/\*[\s\S]*?\*\/|\$\$[\s\S]*?\$\$|'(?:[^']|'')*'|"(?:[^"]|"")*"|\s+|[\w.]+|:=|\|\||./g;

/** The statements of a script, without comments. */
export function statementsOf(script: string): readonly string[] {
  const statements: string[] = [];
  let current = '';
  for (const [token] of script.matchAll(TOKEN)) {
    if (token.startsWith('--') || token.startsWith('/*')) continue;
    if (token === ';') {
      if (current.trim() !== '') statements.push(current.trim());
      current = '';
    } else current += token;
  }
  return current.trim() === '' ? statements : [...statements, current.trim()];
}

/** Everything in a script that a parser of statements can be asked about. Throws where a block holds what is no line of Snowflake Scripting. */
export function piecesOf(name: string, script: string): readonly Piece[] {
  return statementsOf(script).flatMap((sql) => {
    const head = /PROCEDURE\s+([\w.]+)/.exec(sql)?.[1] ?? 'a block';
    const bodies = [...sql.matchAll(/\$\$([\s\S]*?)\$\$/g)].flatMap(([, body = '']) => blockPieces(`${name}: ${head}`, body));
    return [{ sql, from: name }, ...bodies];
  });
}

const DECLARATION =
  /^\w+ (?:RESULTSET|EXCEPTION \(-2\d{4}, '(?:[^']|'')*'\)|(?:VARCHAR|NUMBER|ARRAY|BOOLEAN|DATE|VARIANT|TIMESTAMP_NTZ)(?: DEFAULT ([\s\S]+))?)$/;
const CONTROL = /^(?:DECLARE|BEGIN|ELSE|EXCEPTION(?=\s+WHEN)|WHEN OTHER THEN|END(?: IF| FOR)?;|FOR \w+ IN (?:\w+|\d+ TO [\s\S]+?) DO)/;

/**
 * The statements in a block: https://docs.snowflake.com/en/developer-guide/snowflake-scripting/index. Control lines are compared
 * here, conditions and values become a SELECT, and a text that the block puts together is put together with sample values.
 */
function blockPieces(from: string, body: string): readonly Piece[] {
  const pieces: Piece[] = [];
  const add = (sql: string, what = ''): void => {
    pieces.push({ sql, from: what === '' ? from : `${from}, ${what}` });
  };
  let rest = body.replace(/^\s*--[^\n]*$/gm, '').trim();
  let declaring = false;
  while (rest !== '') {
    const control = CONTROL.exec(rest)?.[0];
    const condition = /^(?:IF|ELSEIF) (?=\()/.exec(rest)?.[0];
    if (control !== undefined) {
      declaring = control === 'DECLARE';
      rest = rest.slice(control.length).trim();
    } else if (condition !== undefined) {
      const [inside, after] = bracketed(rest.slice(condition.length));
      if (!/^\s*THEN\b/.test(after)) throw new Error(`${from}: no THEN after ${inside}`);
      add(`SELECT ${bound(inside)}`, 'a condition');
      rest = after.replace(/^\s*THEN\b/, '').trim();
    } else {
      const [statement, after] = upToSemicolon(rest);
      rest = after.trim();
      if (declaring) {
        const declared = DECLARATION.exec(statement);
        if (!declared) throw new Error(`${from}: no declaration: ${statement}`);
        if (declared[1] !== undefined) add(`SELECT ${bound(declared[1])}`, 'a default');
      } else for (const sql of scriptingStatement(from, statement)) add(sql, sql.startsWith('SELECT') ? '' : 'put together');
    }
  }
  return pieces;
}

function scriptingStatement(from: string, statement: string): readonly string[] {
  if (/^RAISE(?: \w+)?$/.test(statement)) return [];
  if (statement === 'EXECUTE IMMEDIATE :v_sql') return [];
  const act = /^acts := ARRAY_APPEND\(acts, ARRAY_CONSTRUCT(\([\s\S]+\))\)$/.exec(statement)?.[1];
  if (act !== undefined) return actStatements(from, act);
  const [, target, value] = /^(?:(\w+) :=|RETURN) ?([\s\S]+)$/.exec(statement) ?? [];
  if (value === undefined) return [statement.replace(/\s+INTO (?::\w+,? ?)+/, ' ')];
  if (/^\(\s*(?:SELECT|WITH)\b/.test(value)) return [value.slice(1, -1).trim()];
  if (target !== 'v_sql') return [`SELECT ${bound(value)}`];
  const made = putTogether(value);
  if (made === undefined) return [`SELECT ${bound(value)}`];
  if (/\bDECLARE\b/.test(made)) return blockPieces(from, made).map(({ sql }) => sql);
  return [made];
}

/** What verify tries: name, statement, its undoing, what is expected, the control and its undoing. */
function actStatements(from: string, act: string): readonly string[] {
  const fields = split(act.trim().slice(1, -1), ',');
  if (fields.length !== 6) throw new Error(`${from}: an act has six fields: ${act}`);
  return [1, 2, 4, 5].flatMap((at) => {
    const field = fields[at] ?? '';
    const sql = putTogether(field.startsWith('IFF(') ? (split(field.slice(4, -1), ',')[2] ?? '') : field);
    if (sql === undefined) throw new Error(`${from}: an act with what has no sample: ${field}`);
    return sql === '' ? [] : [sql];
  });
}

/** What stands for a value that is known only while the block runs. */
const SAMPLES: Readonly<Record<string, string>> = {
  v_schema: 'acme_nonprod."PR_1"',
  v_name: 'PR_1',
  schema_name: 'PR_1',
  builder: 'acme_ci_service',
  v_builder: 'acme_ci_service',
  v_identity: 'ci',
  v_wrong: '0',
  v_own: 'acme_nonprod.dev_priya',
  "COALESCE(v_own, '')": 'acme_nonprod.dev_priya',
  v_other: 'acme_nonprod.dev_sam',
  v_table: 'acme."ANALYTICS"."T"',
  v_same: "'what it says'",
  'one.owner': 'TRANSFORMER',
  'one.role_name': 'acme_reader',
  'one.login': 'LOOKER',
  'one.privilege': 'INSERT',
  'two.privilege': 'INSERT',
  'one.grantee': 'ROLE "TRANSFORMER"',
  'two.grantee': 'USER "SAM"',
  'one.schema_name': 'ANALYTICS',
  'one.option': '',
  'two.option': ' WITH GRANT OPTION',
  'one.holder': 'ROLE "TRANSFORMER"',
  'one.signature': 'acme.analytics."F"(NUMBER)',
  'one.owner_role': 'ROLE "TRANSFORMER"',
};

/** A text from literals and samples; undefined where it is none that the block puts together itself. */
function putTogether(expression: string): string | undefined {
  let made = '';
  for (const operand of split(expression, '||')) {
    if (operand.startsWith("'")) made += operand.slice(1, -1).replaceAll("''", "'");
    else if (operand === 'one.kind' || operand === 'two.kind') made += made.endsWith(' FROM ') ? 'USER' : made.endsWith('FUTURE ') ? 'TABLES' : 'TABLE';
    else if (operand === 'one.name') made += made.endsWith('"') || made.endsWith("'") ? 'PR_1' : 'acme.analytics."T"';
    else if (operand.startsWith('REPLACE(v_problem')) made += 'why not';
    else if (/^REPLACE\((?:one|two)\.(?:owner|name), /.test(operand)) made += 'TRANSFORMER';
    else if (operand.startsWith('ARRAY_SIZE(')) made += '3';
    else if (operand in SAMPLES) made += SAMPLES[operand];
    else return undefined;
  }
  // sqlfluff knows no SHOW GRANTS on a function, which Snowflake has as on every object:
  // https://docs.snowflake.com/en/sql-reference/sql/show-grants
  if (made.startsWith('SHOW GRANTS ON FUNCTION ')) return made.replace('FUNCTION', 'TABLE').replace(/\(.*\)$/, '');
  // A privilege of a table is none of a schema's or a database's.
  return made.replace(
    /^(GRANT|REVOKE) INSERT ON (SCHEMA|DATABASE) /,
    (_, verb, kind) => `${verb} ${kind === 'SCHEMA' ? 'CREATE TABLE' : 'MODIFY'} ON ${kind} `,
  );
}

/** The parts between the separators that stand in no bracket. */
function split(expression: string, separator: string): readonly string[] {
  const parts = [''];
  let depth = 0;
  for (const [token] of expression.matchAll(TOKEN)) {
    if (token === '(') depth++;
    if (token === ')') depth--;
    if (token === separator && depth === 0) parts.push('');
    else parts[parts.length - 1] += token;
  }
  return parts.map((one) => one.trim());
}

/** In SQL a variable of the block carries a colon; in an expression of the block it need not. */
const bound = (expression: string): string => expression.replace(/\b(?:acts|results)\[i\](?:\[\d\])?/g, 'x');

function bracketed(text: string): readonly [inside: string, after: string] {
  let depth = 0;
  let at = 0;
  for (const [token] of text.matchAll(TOKEN)) {
    at += token.length;
    if (token === '(') depth++;
    if (token === ')' && --depth === 0) return [text.slice(0, at), text.slice(at)];
  }
  throw new Error(`an open bracket: ${text.slice(0, 80)}`);
}

function upToSemicolon(text: string): readonly [statement: string, after: string] {
  let at = 0;
  let statement = '';
  for (const [token] of text.matchAll(TOKEN)) {
    at += token.length;
    if (token === ';') return [statement.trim(), text.slice(at)];
    if (!token.startsWith('--')) statement += token;
  }
  throw new Error(`no semicolon after: ${text.slice(0, 80)}`);
}

/** What sqlfluff's Snowflake dialect says of each: null where it parses. */
export async function refusalsOf(statements: readonly string[]): Promise<readonly (string | null)[]> {
  const { python } = await pythonEnvironment('tools');
  const script = fileURLToPath(new URL('./snowflake_sql.py', import.meta.url));
  return new Promise((resolve, reject) => {
    const started = execFile(python, [script], { maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr));
      else resolve(JSON.parse(stdout));
    });
    started.stdin?.end(JSON.stringify(statements));
  });
}
