import { NotModelled } from './refusal.ts';

/**
 * The part of the Common Expression Language that conditions use.
 * https://docs.cloud.google.com/iam/docs/conditions-attribute-reference and https://github.com/google/cel-spec/blob/master/doc/langdef.md
 */
export type CelValue = string | boolean | readonly string[] | undefined;
export type Attributes = Readonly<Record<string, CelValue>>;

type Expression = (attributes: Attributes) => CelValue;
interface Piece {
  readonly kind: 'name' | 'string' | 'symbol';
  readonly text: string;
}

const PIECE = /\s+|'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*|&&|\|\||==|!=|[![\](),+?:]/y;

function pieces(text: string): readonly Piece[] {
  const found: Piece[] = [];
  for (let at = 0; at < text.length; ) {
    PIECE.lastIndex = at;
    const piece = PIECE.exec(text)?.[0];
    if (piece === undefined) throw new NotModelled(`${JSON.stringify(text.slice(at, at + 20))} in the condition ${text}`, 1);
    at += piece.length;
    if (/^\s/.test(piece)) continue;
    if (/^['"]/.test(piece)) found.push({ kind: 'string', text: piece.slice(1, -1).replaceAll(/\\([\s\S])/g, '$1') });
    else found.push({ kind: /^[A-Za-z_]/.test(piece) ? 'name' : 'symbol', text: piece });
  }
  return found;
}

/** Functions on strings: https://docs.cloud.google.com/iam/docs/conditions-attribute-reference#resource-name-functions */
const METHODS: Readonly<Record<string, (on: string, argument: string) => boolean>> = {
  startsWith: (on, argument) => on.startsWith(argument),
  endsWith: (on, argument) => on.endsWith(argument),
  contains: (on, argument) => on.includes(argument),
  // RE2, "matches" anywhere in the string: https://github.com/google/cel-spec/blob/master/doc/langdef.md#regular-expressions
  matches: (on, argument) => new RegExp(argument, 'u').test(on),
};

class Parser {
  private readonly all: readonly Piece[];
  private at = 0;
  private readonly source: string;
  constructor(source: string) {
    this.source = source;
    this.all = pieces(source);
  }
  parse(): Expression {
    const found = this.choice();
    if (this.at < this.all.length) throw this.unknown();
    return found;
  }
  private choice(): Expression {
    const condition = this.or();
    if (!this.accept('?')) return condition;
    const then = this.or();
    this.expect(':');
    const otherwise = this.choice();
    return (attributes) => (condition(attributes) === true ? then(attributes) : otherwise(attributes));
  }
  private unknown(): NotModelled {
    return new NotModelled(`"${this.all[this.at]?.text ?? 'the end'}" in the condition ${this.source}`, 1);
  }
  private accept(symbol: string): boolean {
    const piece = this.all[this.at];
    const is = piece?.kind === 'symbol' && piece.text === symbol;
    if (is) this.at += 1;
    return is;
  }
  private expect(symbol: string): void {
    if (!this.accept(symbol)) throw this.unknown();
  }
  private or(): Expression {
    const parts = [this.and()];
    while (this.accept('||')) parts.push(this.and());
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : (attributes) => parts.some((one) => one(attributes) === true);
  }
  private and(): Expression {
    const parts = [this.comparison()];
    while (this.accept('&&')) parts.push(this.comparison());
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : (attributes) => parts.every((one) => one(attributes) === true);
  }
  private comparison(): Expression {
    const left = this.sum();
    if (this.accept('==')) {
      const right = this.sum();
      return (attributes) => left(attributes) !== undefined && left(attributes) === right(attributes);
    }
    if (this.accept('!=')) {
      const right = this.sum();
      return (attributes) => left(attributes) !== undefined && left(attributes) !== right(attributes);
    }
    const next = this.all[this.at];
    if (next?.kind === 'name' && next.text === 'in') {
      this.at += 1;
      const right = this.unary();
      return (attributes) => {
        const [one, all] = [left(attributes), right(attributes)];
        return typeof one === 'string' && Array.isArray(all) && all.includes(one);
      };
    }
    return left;
  }
  private sum(): Expression {
    const parts = [this.unary()];
    while (this.accept('+')) parts.push(this.unary());
    if (parts.length === 1 && parts[0] !== undefined) return parts[0];
    return (attributes) => {
      const values = parts.map((one) => one(attributes));
      return values.every((one) => typeof one === 'string') ? values.join('') : undefined;
    };
  }
  private unary(): Expression {
    if (this.accept('!')) {
      const inner = this.unary();
      return (attributes) => inner(attributes) === false;
    }
    return this.primary();
  }
  private primary(): Expression {
    if (this.accept('(')) {
      const inner = this.choice();
      this.expect(')');
      return inner;
    }
    if (this.accept('[')) {
      const items: Expression[] = [];
      while (!this.accept(']')) {
        if (items.length > 0) this.expect(',');
        items.push(this.or());
      }
      return (attributes) => items.map((one) => String(one(attributes)));
    }
    const piece = this.all[this.at];
    if (piece === undefined || piece.kind === 'symbol') throw this.unknown();
    this.at += 1;
    if (piece.kind === 'string') return () => piece.text;
    if (piece.text === 'true' || piece.text === 'false') return () => piece.text === 'true';
    const dot = piece.text.lastIndexOf('.');
    const [path, last] = [piece.text.slice(0, Math.max(0, dot)), piece.text.slice(dot + 1)];
    if (!this.accept('(')) return (attributes) => attributes[piece.text];
    const argument = this.or();
    this.expect(')');
    if (piece.text === 'has') return (attributes) => argument(attributes) !== undefined;
    const method = METHODS[last];
    if (path === '' || method === undefined) throw new NotModelled(`${piece.text}() in the condition ${this.source}`, 1);
    return (attributes) => {
      const [on, given] = [attributes[path], argument(attributes)];
      return typeof on === 'string' && typeof given === 'string' ? method(on, given) : undefined;
    };
  }
}

const parsed = new Map<string, Expression>();

/** Whether a condition is met. What it names and is not there fails it: an error is no permission. */
export function isMet(condition: string, attributes: Attributes): boolean {
  let expression = parsed.get(condition);
  if (expression === undefined) {
    expression = new Parser(condition).parse();
    parsed.set(condition, expression);
  }
  return expression(attributes) === true;
}

/** The value of a mapping such as `assertion.sub`. */
export function mappedValue(expression: string, attributes: Attributes): CelValue {
  return new Parser(expression).parse()(attributes);
}
