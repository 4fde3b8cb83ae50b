import { NotModelled } from './refusal.ts';

/** The part of jq that scripts use. https://jqlang.org/manual/ */

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Scope = ReadonlyMap<string, Json>;
type Filter = (input: Json, scope: Scope) => readonly Json[];

const PIECE = /\s+|"(?:[^"\\]|\\.)*"|\$[A-Za-z_]\w*|@[a-z]+|\/\/|==|!=|\.\.|\.[A-Za-z_]\w*|[A-Za-z_]\w*|\d+|[[\]{}(),:|.+?>-]/y;

class Parser {
  private readonly all: readonly string[];
  private at = 0;
  private readonly source: string;
  private readonly line: number;
  constructor(source: string, line: number) {
    this.source = source;
    this.line = line;
    const found: string[] = [];
    for (let at = 0; at < source.length; ) {
      PIECE.lastIndex = at;
      const piece = PIECE.exec(source)?.[0];
      if (piece === undefined) throw this.unknown(source.slice(at, at + 10));
      at += piece.length;
      if (piece.trim() !== '') found.push(piece);
    }
    this.all = found;
  }
  parse(): Filter {
    const found = this.pipe();
    if (this.at < this.all.length) throw this.unknown();
    return found;
  }
  private unknown(what = this.all[this.at] ?? 'the end'): NotModelled {
    return new NotModelled(`"${what}" in jq '${this.source}'`, this.line);
  }
  private accept(piece: string): boolean {
    const is = this.all[this.at] === piece;
    if (is) this.at += 1;
    return is;
  }
  private expect(piece: string): void {
    if (!this.accept(piece)) throw this.unknown();
  }
  private pipe(): Filter {
    const left = this.comma();
    if (this.accept('as')) {
      const name = this.all[this.at] ?? '';
      this.at += 1;
      this.expect('|');
      const body = this.pipe();
      return (input, scope) => left(input, scope).flatMap((value) => body(input, new Map([...scope, [name, value]])));
    }
    if (!this.accept('|')) return left;
    const right = this.pipe();
    return (input, scope) => left(input, scope).flatMap((value) => right(value, scope));
  }
  private comma(): Filter {
    const parts = [this.alternative()];
    while (this.accept(',')) parts.push(this.alternative());
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : (input, scope) => parts.flatMap((one) => one(input, scope));
  }
  private alternative(): Filter {
    const left = this.or();
    if (!this.accept('//')) return left;
    const right = this.alternative();
    return (input, scope) => {
      const found = left(input, scope).filter((one) => one !== null && one !== false);
      return found.length > 0 ? found : right(input, scope);
    };
  }
  private or(): Filter {
    const left = this.and();
    if (!this.accept('or')) return left;
    const right = this.or();
    return pairs(left, right, (a, b) => isTrue(a) || isTrue(b));
  }
  private and(): Filter {
    const left = this.comparison();
    if (!this.accept('and')) return left;
    const right = this.and();
    return pairs(left, right, (a, b) => isTrue(a) && isTrue(b));
  }
  private comparison(): Filter {
    const left = this.sum();
    if (this.accept('==')) return pairs(left, this.sum(), (a, b) => JSON.stringify(a) === JSON.stringify(b));
    if (this.accept('>')) return pairs(left, this.sum(), (a, b) => Number(a) > Number(b));
    if (this.accept('!=')) return pairs(left, this.sum(), (a, b) => JSON.stringify(a) !== JSON.stringify(b));
    return left;
  }
  private sum(): Filter {
    let left = this.postfix();
    for (;;) {
      if (this.accept('+')) left = pairs(left, this.postfix(), add);
      else if (this.accept('-')) left = pairs(left, this.postfix(), subtract);
      else return left;
    }
  }
  private postfix(): Filter {
    let left = this.term();
    for (;;) {
      const field = this.all[this.at];
      if (field !== undefined && /^\.[A-Za-z_]/.test(field)) {
        this.at += 1;
        left = then(left, (value) => [isObject(value) ? (value[field.slice(1)] ?? null) : null]);
      } else if (this.accept('[')) {
        if (this.accept(']')) left = then(left, (value) => (isArray(value) ? value : isObject(value) ? Object.values(value) : []));
        else {
          const index = this.pipe();
          this.expect(']');
          const one = left;
          left = (input, scope) =>
            one(input, scope).flatMap((value) =>
              index(input, scope).map((key) => (isArray(value) ? (value[Number(key)] ?? null) : isObject(value) ? (value[String(key)] ?? null) : null)),
            );
        }
      } else if (!this.accept('?')) return left;
    }
  }
  private term(): Filter {
    const piece = this.all[this.at];
    if (piece === undefined) throw this.unknown();
    if (/^\.[A-Za-z_]/.test(piece)) return (input) => [input];
    this.at += 1;
    if (piece === '.') return (input) => [input];
    if (piece.startsWith('"')) return () => [JSON.parse(piece) as string];
    if (/^\d/.test(piece)) return () => [Number(piece)];
    if (piece.startsWith('$')) return (_, scope) => [scope.get(piece) ?? null];
    if (piece === '(') {
      const inner = this.pipe();
      this.expect(')');
      return inner;
    }
    if (piece === '[') {
      if (this.accept(']')) return () => [[]];
      const inner = this.pipe();
      this.expect(']');
      return (input, scope) => [inner(input, scope)];
    }
    if (piece === '{') return this.object();
    switch (piece) {
      case 'null':
        return () => [null];
      case 'true':
      case 'false':
        return () => [piece === 'true'];
      case 'not':
        return (input) => [!isTrue(input)];
      case 'empty':
        return () => [];
      case 'unique':
        return (input) => [isArray(input) ? [...new Map(input.map((one) => [sorted(one), one])).values()] : null];
      case 'length':
        return (input) => [isArray(input) || typeof input === 'string' ? input.length : 0];
      case '@tsv':
        return (input) => [isArray(input) ? input.map((one) => (one === null ? '' : String(one))).join('\t') : null];
      case 'if':
        return this.choice();
      case 'ltrimstr': {
        this.expect('(');
        const start = this.pipe();
        this.expect(')');
        return (input, scope) => start(input, scope).map((one) => (String(input).startsWith(String(one)) ? String(input).slice(String(one).length) : input));
      }
      case 'startswith':
      case 'endswith': {
        this.expect('(');
        const wanted = this.pipe();
        this.expect(')');
        return (input, scope) =>
          wanted(input, scope).map((one) => (piece === 'startswith' ? String(input).startsWith(String(one)) : String(input).endsWith(String(one))));
      }
      case 'select': {
        this.expect('(');
        const inner = this.pipe();
        this.expect(')');
        return (input, scope) => (inner(input, scope).some(isTrue) ? [input] : []);
      }
      default:
        throw this.unknown(piece);
    }
  }
  /** What stands after if or elif. */
  private choice(): Filter {
    const condition = this.pipe();
    this.expect('then');
    const yes = this.pipe();
    let no: Filter;
    if (this.accept('elif')) no = this.choice();
    else {
      this.expect('else');
      no = this.pipe();
      this.expect('end');
    }
    return (input, scope) => condition(input, scope).flatMap((one) => (isTrue(one) ? yes : no)(input, scope));
  }
  private object(): Filter {
    const fields: [string, Filter][] = [];
    while (!this.accept('}')) {
      if (fields.length > 0) this.expect(',');
      const key = this.all[this.at] ?? '';
      this.at += 1;
      this.expect(':');
      fields.push([key.startsWith('"') ? (JSON.parse(key) as string) : key, this.alternative()]);
    }
    return (input, scope) => [Object.fromEntries(fields.map(([key, value]) => [key, value(input, scope)[0] ?? null]))];
  }
}

const isTrue = (value: Json): boolean => value !== null && value !== false;
const isArray = (value: Json): value is readonly Json[] => Array.isArray(value);
const isObject = (value: Json): value is { readonly [key: string]: Json } => typeof value === 'object' && value !== null && !Array.isArray(value);
const then =
  (left: Filter, right: (value: Json) => readonly Json[]): Filter =>
  (input, scope) =>
    left(input, scope).flatMap(right);
const pairs =
  (left: Filter, right: Filter, made: (a: Json, b: Json) => Json): Filter =>
  (input, scope) =>
    left(input, scope).flatMap((a) => right(input, scope).map((b) => made(a, b)));
const add = (a: Json, b: Json): Json => {
  if (a === null) return b;
  if (b === null) return a;
  if (isArray(a) && isArray(b)) return [...a, ...b];
  return typeof a === 'number' && typeof b === 'number' ? a + b : String(a) + String(b);
};

const subtract = (a: Json, b: Json): Json => {
  if (isArray(a) && isArray(b)) return a.filter((one) => !b.some((other) => same(one, other)));
  return Number(a) - Number(b);
};
/** Objects are the same whatever the order of their fields. */
const same = (a: Json, b: Json): boolean => sorted(a) === sorted(b);
const sorted = (value: Json): string =>
  JSON.stringify(value, (_, one: Json) => (isObject(one) ? Object.fromEntries(Object.entries(one).sort(([x], [y]) => (x < y ? -1 : 1))) : one));

/** Runs it: its output and exit status. */
export function jq(args: readonly string[], input: string, file: (name: string) => string, line: number): { readonly status: number; readonly output: string } {
  const scope = new Map<string, Json>();
  const words: string[] = [];
  let isRaw = false;
  let isExit = false;
  for (let at = 0; at < args.length; at += 1) {
    const one = args[at] ?? '';
    if (one === '--arg') {
      scope.set(`$${args[at + 1] ?? ''}`, args[at + 2] ?? '');
      at += 2;
    } else if (one === '--slurpfile') {
      scope.set(`$${args[at + 1] ?? ''}`, [JSON.parse(file(args[at + 2] ?? '')) as Json]);
      at += 2;
    } else if (/^-[re]+$/.test(one)) {
      isRaw ||= one.includes('r');
      isExit ||= one.includes('e');
    } else if (one.startsWith('-')) throw new NotModelled(`jq ${one}`, line);
    else words.push(one);
  }
  const [filter, ...files] = words;
  if (filter === undefined) throw new NotModelled('jq without a filter', line);
  const texts = files.length > 0 ? files.map(file) : [input];
  const run = new Parser(filter, line).parse();
  const values = texts.filter((one) => one.trim() !== '').flatMap((one) => run(JSON.parse(one) as Json, scope));
  const output = values.map((one) => `${isRaw && typeof one === 'string' ? one : JSON.stringify(one)}\n`).join('');
  const last = values.at(-1);
  return { status: isExit && (last === undefined || !isTrue(last)) ? (last === undefined ? 4 : 1) : 0, output };
}
