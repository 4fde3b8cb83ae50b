import type { Reader, Token } from './tokens.ts';

/** What a query would say, which depends on rows that the model does not keep. */
export const UNKNOWN = Symbol('unknown');
export type Value = string | number | boolean | null | typeof UNKNOWN | readonly Value[];

/** What an expression needs to know of where it stands. */
export interface Surroundings {
  variable(name: string, reader: Reader): Value;
  /** A function that depends on the session; undefined where it is none. */
  context(name: string, args: readonly Value[], reader: Reader): Value | undefined;
  /** A query in parentheses. */
  query(tokens: readonly Token[], reader: Reader): Value;
  /** Decides what cannot be known; each way is tried. */
  choose(): boolean;
}

const text = (value: Value): string => (typeof value === 'boolean' ? String(value).toUpperCase() : String(value));

/** An expression of Snowflake Scripting: https://docs.snowflake.com/en/developer-guide/snowflake-scripting/variables */
export function evaluate(reader: Reader, around: Surroundings): Value {
  return either(reader, around);
}

function either(reader: Reader, around: Surroundings): Value {
  let value = both(reader, around);
  while (reader.accept('OR')) {
    const right = both(reader, around);
    value = value === true || right === true ? true : value === UNKNOWN || right === UNKNOWN ? UNKNOWN : value === null || right === null ? null : false;
  }
  return value;
}

function both(reader: Reader, around: Surroundings): Value {
  let value = inverse(reader, around);
  while (reader.accept('AND')) {
    const right = inverse(reader, around);
    value = value === false || right === false ? false : value === UNKNOWN || right === UNKNOWN ? UNKNOWN : value === null || right === null ? null : true;
  }
  return value;
}

function inverse(reader: Reader, around: Surroundings): Value {
  if (!reader.accept('NOT')) return comparison(reader, around);
  const value = inverse(reader, around);
  return typeof value === 'boolean' ? !value : value;
}

function comparison(reader: Reader, around: Surroundings): Value {
  const left = sum(reader, around);
  const sign = ['=', '<>', '!=', '<=', '>=', '<', '>'].find((one) => reader.accept(one));
  if (sign !== undefined) return compare(left, sign, sum(reader, around));
  if (reader.accept('IS')) {
    const isNot = reader.accept('NOT');
    reader.expect('NULL');
    return left === UNKNOWN ? UNKNOWN : (left === null) !== isNot;
  }
  const isNot = reader.accept('NOT');
  const found = membership(left, reader, around);
  if (found === undefined) {
    if (isNot) throw reader.unknown('NOT');
    return left;
  }
  return isNot && typeof found === 'boolean' ? !found : found;
}

function membership(left: Value, reader: Reader, around: Surroundings): Value | undefined {
  if (reader.accept('IN')) {
    reader.expect('(');
    const values = reader.list(() => sum(reader, around));
    reader.expect(')');
    if (left === null) return null;
    if (left === UNKNOWN || values.includes(UNKNOWN)) return UNKNOWN;
    return values.includes(left);
  }
  for (const [word, call] of [
    ['RLIKE', 'REGEXP_LIKE'],
    ['REGEXP', 'REGEXP_LIKE'],
    ['ILIKE', 'ILIKE'],
    ['LIKE', 'LIKE'],
  ] as const)
    if (reader.accept(word)) return strings(call, [left, sum(reader, around)]);
  return undefined;
}

function compare(left: Value, sign: string, right: Value): Value {
  if (left === null || right === null) return null;
  if (left === UNKNOWN || right === UNKNOWN) return UNKNOWN;
  const [one, other] = typeof left === 'number' && typeof right === 'number' ? [left, right] : [text(left), text(right)];
  switch (sign) {
    case '=':
      return one === other;
    case '<>':
    case '!=':
      return one !== other;
    case '<':
      return one < other;
    case '>':
      return one > other;
    case '<=':
      return one <= other;
    default:
      return one >= other;
  }
}

function sum(reader: Reader, around: Surroundings): Value {
  let value = factor(reader, around);
  for (;;) {
    const sign = ['||', '+', '-', '*', '/', '%'].find((one) => reader.accept(one));
    if (sign === undefined) return value;
    const right = factor(reader, around);
    if (value === null || right === null) value = null;
    else if (value === UNKNOWN || right === UNKNOWN) value = UNKNOWN;
    else if (sign === '||') value = text(value) + text(right);
    else if (typeof value === 'number' && typeof right === 'number') value = arithmetic(value, sign, right);
    else value = UNKNOWN;
  }
}

const arithmetic = (left: number, sign: string, right: number): number =>
  sign === '+' ? left + right : sign === '-' ? left - right : sign === '*' ? left * right : sign === '/' ? left / right : left % right;

function factor(reader: Reader, around: Surroundings): Value {
  let value = primary(reader, around);
  for (;;) {
    if (reader.accept('::')) {
      reader.name();
      if (reader.is('(')) reader.parenthesis();
      if (typeof value === 'number') value = String(value);
    } else if (reader.accept(':')) {
      reader.name();
      value = UNKNOWN;
    } else if (reader.accept('[')) {
      evaluate(reader, around);
      reader.expect(']');
      value = UNKNOWN;
    } else return value;
  }
}

function primary(reader: Reader, around: Surroundings): Value {
  if (reader.accept('(')) {
    if (reader.is('SELECT') || reader.is('WITH') || reader.is('SHOW')) {
      reader.at -= 1;
      return around.query(reader.parenthesis(), reader);
    }
    const value = evaluate(reader, around);
    reader.expect(')');
    return value;
  }
  if (reader.accept('CASE')) return cases(reader, around);
  if (reader.accept('-')) {
    const value = primary(reader, around);
    return typeof value === 'number' ? -value : value;
  }
  reader.accept(':');
  const token = reader.next();
  if (token.kind === 'string') return token.text;
  if (token.kind === 'number') return Number(token.text);
  if (token.kind === 'word' && token.text === 'NULL') return null;
  if (token.kind === 'word' && (token.text === 'TRUE' || token.text === 'FALSE')) return token.text === 'TRUE';
  if (token.kind === 'symbol' && !token.text.startsWith('$')) throw reader.unknown(`"${token.text}" in an expression`);
  let name = token.text;
  while (reader.accept('.')) name += `.${reader.part()}`;
  if (!reader.is('(')) return around.variable(name, reader);
  reader.expect('(');
  if (name === 'POSITION') return position(reader, around);
  const args = reader.is(')') ? [] : reader.list(() => argument(reader, around));
  reader.expect(')');
  const said = around.context(name, args, reader);
  return said === undefined ? strings(name, args) : said;
}

/** POSITION(a IN b), or with a comma. */
function position(reader: Reader, around: Surroundings): Value {
  const part = sum(reader, around);
  if (!reader.accept('IN')) reader.expect(',');
  const whole = sum(reader, around);
  reader.expect(')');
  return typeof part === 'string' && typeof whole === 'string' ? whole.indexOf(part) + 1 : part === null || whole === null ? null : UNKNOWN;
}

function argument(reader: Reader, around: Surroundings): Value {
  if (reader.peek(1)?.text === '=>') reader.at += 2;
  if (reader.peek()?.kind === 'word' && /^(?:DAYS?|HOURS?|MINUTES?|SECONDS?|MONTHS?|YEARS?)$/.test(reader.peek()?.text ?? '') && reader.peek(1)?.text === ',') {
    return reader.next().text;
  }
  if (reader.accept('*')) return UNKNOWN;
  return evaluate(reader, around);
}

function cases(reader: Reader, around: Surroundings): Value {
  const subject = reader.is('WHEN') ? undefined : evaluate(reader, around);
  let result: Value | undefined;
  while (reader.accept('WHEN')) {
    const when = evaluate(reader, around);
    const fits = subject === undefined ? when : compare(subject, '=', when);
    reader.expect('THEN');
    const value = evaluate(reader, around);
    if (result === undefined && (fits === UNKNOWN ? around.choose() : fits === true)) result = value;
  }
  if (reader.accept('ELSE')) {
    const value = evaluate(reader, around);
    result ??= value;
  }
  reader.expect('END');
  return result ?? null;
}

/** Functions of text. What is not among them says something that the model cannot know. */
function strings(name: string, args: readonly Value[]): Value {
  if (name === 'COALESCE' || name === 'NVL' || name === 'IFNULL') return args.find((one) => one !== null) ?? null;
  if (name === 'ARRAY_CONSTRUCT') return args;
  if (name === 'IFF') return args[0] === UNKNOWN ? UNKNOWN : ((args[0] === true ? args[1] : args[2]) ?? null);
  if (args.includes(UNKNOWN)) return UNKNOWN;
  if (args.includes(null)) return null;
  if (name === 'ARRAY_CONTAINS') return Array.isArray(args[1]) ? args[1].includes(args[0]) : UNKNOWN;
  if (name === 'SPLIT') return text(args[0] ?? '').split(text(args[1] ?? ''));
  const [subject = '', pattern = '', third = ''] = args.map(text);
  switch (name) {
    case 'UPPER':
      return subject.toUpperCase();
    case 'LOWER':
      return subject.toLowerCase();
    case 'TRIM':
      return subject.trim();
    case 'LENGTH':
    case 'LEN':
      return subject.length;
    case 'CONCAT':
      return args.map(text).join('');
    case 'REPLACE':
      return subject.replaceAll(pattern, third);
    case 'TO_VARCHAR':
    case 'TO_CHAR':
      return subject;
    case 'LEFT':
      return subject.slice(0, Number(pattern));
    case 'SUBSTR':
      return third === '' ? subject.slice(Number(pattern) - 1) : subject.slice(Number(pattern) - 1, Number(pattern) - 1 + Number(third));
    case 'SPLIT_PART':
      return subject.split(pattern).at(Number(third) - (Number(third) > 0 ? 1 : 0)) ?? '';
    case 'STARTSWITH':
      return subject.startsWith(pattern);
    case 'ENDSWITH':
      return subject.endsWith(pattern);
    case 'CONTAINS':
      return subject.includes(pattern);
    case 'REGEXP_LIKE':
    case 'RLIKE':
      // "implicitly anchors a pattern at both ends": https://docs.snowflake.com/en/sql-reference/functions/regexp_like#usage-notes
      return new RegExp(`^(?:${pattern})$`, `u${third.includes('i') ? 'i' : ''}${third.includes('m') ? 'm' : ''}${third.includes('s') ? 's' : ''}`).test(
        subject,
      );
    case 'REGEXP_INSTR':
    case 'REGEXP_COUNT':
      return new RegExp(pattern, 'u').test(subject) ? 1 : 0;
    case 'LIKE':
    case 'ILIKE':
      return new RegExp(
        `^${pattern
          .replaceAll(/[^\w%]/g, '\\$&')
          .replaceAll('%', '.*')
          .replaceAll('_', '.')}$`,
        name === 'ILIKE' ? 'is' : 's',
      ).test(subject);
    default:
      return UNKNOWN;
  }
}
