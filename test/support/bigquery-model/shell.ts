import { NotModelled } from './refusal.ts';

/**
 * The part of bash that scripts for Cloud Shell use. Whatever it does not know, it names with its line; `test/unit/bigquery-model.test.ts`
 * has bash itself read the same text. https://www.gnu.org/software/bash/manual/bash.html
 */

/** Runs a program that is not part of the shell. */
export type Program = (call: Call) => Result;
export interface Call {
  readonly argv: readonly string[];
  readonly input: string;
  readonly line: number;
  /** Reads a file that the script wrote. */
  readonly file: (name: string) => string;
}
export interface Result {
  readonly status: number;
  readonly output: string;
}

type Part =
  | { readonly kind: 'text'; readonly text: string; readonly quoted: boolean }
  | {
      readonly kind: 'variable';
      readonly name: string;
      readonly index: string | undefined;
      readonly quoted: boolean;
      readonly otherwise: Word | undefined;
      readonly operator: string;
      readonly isRequired: boolean;
    }
  | { readonly kind: 'command'; readonly body: readonly Chain[]; readonly quoted: boolean };
interface Word {
  readonly parts: readonly Part[];
  readonly line: number;
}
interface Redirect {
  readonly operator: string;
  readonly from: string;
  readonly target: Word;
}
type Command =
  | {
      readonly kind: 'simple';
      readonly assignments: readonly Assignment[];
      readonly words: readonly Word[];
      readonly redirects: readonly Redirect[];
      readonly line: number;
    }
  | {
      readonly kind: 'if';
      readonly branches: readonly (readonly [readonly Chain[], readonly Chain[]])[];
      readonly otherwise: readonly Chain[];
      readonly redirects: readonly Redirect[];
    }
  | { readonly kind: 'for'; readonly name: string; readonly words: readonly Word[]; readonly body: readonly Chain[]; readonly redirects: readonly Redirect[] }
  | {
      readonly kind: 'while';
      readonly condition: readonly Chain[];
      readonly body: readonly Chain[];
      readonly isUntil: boolean;
      readonly redirects: readonly Redirect[];
    }
  | {
      readonly kind: 'case';
      readonly subject: Word;
      readonly branches: readonly (readonly [readonly Word[], readonly Chain[]])[];
      readonly redirects: readonly Redirect[];
    }
  | { readonly kind: 'group'; readonly body: readonly Chain[]; readonly isSubshell: boolean; readonly redirects: readonly Redirect[] }
  | { readonly kind: 'function'; readonly name: string; readonly body: Command }
  | { readonly kind: 'test'; readonly words: readonly Word[]; readonly redirects: readonly Redirect[]; readonly line: number };
interface Assignment {
  readonly name: string;
  readonly value: Word | readonly Word[];
  readonly isAppending: boolean;
}
interface Pipeline {
  readonly isNegated: boolean;
  readonly commands: readonly Command[];
}
/** Pipelines joined by && and ||. */
interface Chain {
  readonly pipelines: readonly Pipeline[];
  readonly joints: readonly ('&&' | '||')[];
}

/** What a program printed that the model does not run; nothing may be decided by it. */
export const UNKNOWN = '\u0000';

const RESERVED = ['if', 'then', 'elif', 'else', 'fi', 'for', 'while', 'until', 'do', 'done', 'case', 'esac', '{', '}', '!', '[[', 'in', 'function'];

class ShellParser {
  private readonly text: string;
  private at = 0;
  private line: number;
  private pending: { readonly end: string; readonly isRaw: boolean; readonly isIndented: boolean; fill: (word: Word) => void }[] = [];

  constructor(text: string, line = 1) {
    this.text = text;
    this.line = line;
  }
  parse(): readonly Chain[] {
    const found = this.list([]);
    this.blank();
    if (this.at < this.text.length) throw this.unknown();
    return found;
  }
  private unknown(what = JSON.stringify(this.text.slice(this.at, this.at + 20))): NotModelled {
    return new NotModelled(`${what} in a shell script`, this.line);
  }
  private get rest(): string {
    return this.text.slice(this.at, this.at + 40);
  }
  /** Spaces and continued lines. */
  private space(): void {
    for (;;) {
      if (this.text.startsWith('\\\n', this.at)) {
        this.at += 2;
        this.line += 1;
      } else if (this.text[this.at] === ' ' || this.text[this.at] === '\t') this.at += 1;
      else if (this.text[this.at] === '#') while (this.at < this.text.length && this.text[this.at] !== '\n') this.at += 1;
      else return;
    }
  }
  private newline(): void {
    this.at += 1;
    this.line += 1;
    for (const here of this.pending.splice(0)) this.heredoc(here);
  }
  /** Spaces, comments, ends of lines. */
  private blank(): void {
    for (;;) {
      this.space();
      if (this.text[this.at] !== '\n') return;
      this.newline();
    }
  }
  private heredoc(here: { readonly end: string; readonly isRaw: boolean; readonly isIndented: boolean; fill: (word: Word) => void }): void {
    const { line } = this;
    let body = '';
    for (;;) {
      if (this.at >= this.text.length) throw this.unknown(`a text that ${here.end} does not end`);
      const stop = this.text.indexOf('\n', this.at);
      const one = this.text.slice(this.at, stop === -1 ? this.text.length : stop);
      this.at = stop === -1 ? this.text.length : stop + 1;
      this.line += 1;
      const shown = here.isIndented ? one.replace(/^\t+/, '') : one;
      if (shown === here.end) break;
      body += `${shown}\n`;
    }
    here.fill(here.isRaw ? { parts: [{ kind: 'text', text: body, quoted: true }], line } : { parts: new ShellParser(body, line).quotedParts(''), line });
  }
  private isWordHere(word: string): boolean {
    return this.text.startsWith(word, this.at) && /^(?:$|[\s;&|()<>])/.test(this.text.slice(this.at + word.length, this.at + word.length + 1));
  }
  private accept(word: string): boolean {
    this.blank();
    const is = this.isWordHere(word);
    if (is) this.at += word.length;
    return is;
  }
  private expect(word: string): void {
    if (!this.accept(word)) throw this.unknown(`${JSON.stringify(this.rest.split('\n')[0])} where ${word} was expected`);
  }

  private list(ends: readonly string[]): readonly Chain[] {
    const found: Chain[] = [];
    for (;;) {
      this.blank();
      if (this.at >= this.text.length || ends.some((end) => (end === ')' || end === ';;' ? this.text.startsWith(end, this.at) : this.isWordHere(end))))
        return found;
      found.push(this.chain());
      this.space();
      if (this.text.startsWith(';;', this.at)) continue;
      if (this.text[this.at] === ';') this.at += 1;
      else if (this.text[this.at] === '&' && this.text[this.at + 1] !== '&') throw this.unknown('a command in the background');
    }
  }
  private chain(): Chain {
    const pipelines = [this.pipeline()];
    const joints: ('&&' | '||')[] = [];
    for (;;) {
      this.space();
      const joint = this.text.slice(this.at, this.at + 2);
      if (joint !== '&&' && joint !== '||') return { pipelines, joints };
      this.at += 2;
      this.blank();
      joints.push(joint);
      pipelines.push(this.pipeline());
    }
  }
  private pipeline(): Pipeline {
    this.space();
    const isNegated = this.isWordHere('!');
    if (isNegated) this.at += 1;
    const commands = [this.command()];
    for (;;) {
      this.space();
      if (this.text[this.at] !== '|' || this.text[this.at + 1] === '|') return { isNegated, commands };
      this.at += 1;
      this.blank();
      commands.push(this.command());
    }
  }
  private command(): Command {
    this.space();
    if (this.accept('if')) {
      const branches: (readonly [readonly Chain[], readonly Chain[]])[] = [];
      let otherwise: readonly Chain[] = [];
      do {
        const condition = this.list(['then']);
        this.expect('then');
        branches.push([condition, this.list(['elif', 'else', 'fi'])]);
      } while (this.accept('elif'));
      if (this.accept('else')) otherwise = this.list(['fi']);
      this.expect('fi');
      return { kind: 'if', branches, otherwise, redirects: this.redirects() };
    }
    if (this.accept('for')) {
      this.space();
      const name = /^[A-Za-z_]\w*/.exec(this.rest)?.[0];
      if (name === undefined) throw this.unknown();
      this.at += name.length;
      const words: Word[] = [];
      if (this.accept('in')) for (let word = this.word(); word !== undefined; word = this.word()) words.push(word);
      else throw this.unknown('for without in');
      this.space();
      if (this.text[this.at] === ';') this.at += 1;
      return { kind: 'for', name, words, body: this.body(), redirects: this.redirects() };
    }
    for (const kind of ['while', 'until'] as const) {
      if (!this.accept(kind)) continue;
      const condition = this.list(['do']);
      return { kind: 'while', condition, body: this.body(), isUntil: kind === 'until', redirects: this.redirects() };
    }
    if (this.accept('case')) return this.caseCommand();
    if (this.accept('{')) {
      const body = this.list(['}']);
      this.expect('}');
      return { kind: 'group', body, isSubshell: false, redirects: this.redirects() };
    }
    if (this.text[this.at] === '(') {
      this.at += 1;
      const body = this.list([')']);
      this.at += 1;
      return { kind: 'group', body, isSubshell: true, redirects: this.redirects() };
    }
    if (this.accept('[[')) {
      const { line } = this;
      const words: Word[] = [];
      for (;;) {
        this.blank();
        if (this.isWordHere(']]')) break;
        const joint = /^(?:&&|\|\||[()])/.exec(this.rest)?.[0];
        if (joint !== undefined) {
          this.at += joint.length;
          words.push({ parts: [{ kind: 'text', text: joint, quoted: false }], line: this.line });
          continue;
        }
        const before = words.at(-1)?.parts[0];
        const word = this.word(before?.kind === 'text' && before.text === '=~');
        if (word === undefined) throw this.unknown();
        words.push(word);
      }
      this.at += 2;
      return { kind: 'test', words, redirects: this.redirects(), line };
    }
    const named = /^(?:function\s+)?([A-Za-z_]\w*)\s*\(\)/.exec(this.rest);
    if (named !== null && named[1] !== undefined) {
      this.at += named[0].length;
      this.blank();
      return { kind: 'function', name: named[1], body: this.command() };
    }
    return this.simple();
  }
  private body(): readonly Chain[] {
    this.expect('do');
    const body = this.list(['done']);
    this.expect('done');
    return body;
  }
  private caseCommand(): Command {
    this.space();
    const subject = this.word();
    if (subject === undefined) throw this.unknown();
    this.expect('in');
    const branches: (readonly [readonly Word[], readonly Chain[]])[] = [];
    while (!this.accept('esac')) {
      this.blank();
      if (this.text[this.at] === '(') this.at += 1;
      const patterns: Word[] = [];
      for (;;) {
        this.space();
        const pattern = this.word();
        if (pattern === undefined) throw this.unknown();
        patterns.push(pattern);
        this.space();
        if (this.text[this.at] === '|') this.at += 1;
        else break;
      }
      if (this.text[this.at] !== ')') throw this.unknown();
      this.at += 1;
      branches.push([patterns, this.list([';;', 'esac'])]);
      if (this.text.startsWith(';;', this.at)) this.at += 2;
    }
    return { kind: 'case', subject, branches, redirects: this.redirects() };
  }
  private redirects(): readonly Redirect[] {
    const found: Redirect[] = [];
    for (;;) {
      const one = this.redirect();
      if (one === undefined) return found;
      found.push(one);
    }
  }
  private redirect(): Redirect | undefined {
    this.space();
    const match = /^(\d?)(<<<|<<-?|>>|>&|<|>)/.exec(this.rest);
    if (match === null) return undefined;
    const [all, from = '', operator = ''] = match;
    this.at += all.length;
    this.space();
    const { line } = this;
    if (operator === '<<' || operator === '<<-') {
      const raw = /^(?:'([^']+)'|"([^"]+)"|\\?(\w+))/.exec(this.rest);
      if (raw === null) throw this.unknown();
      this.at += raw[0].length;
      const redirect = { operator: '<<', from, target: { parts: [], line } as Word };
      this.pending.push({
        end: raw[1] ?? raw[2] ?? raw[3] ?? '',
        isRaw: raw[3] === undefined || raw[0].startsWith('\\'),
        isIndented: operator === '<<-',
        fill: (word) => {
          redirect.target = word;
        },
      });
      return redirect;
    }
    const target = this.word();
    if (target === undefined) throw this.unknown();
    return { operator, from, target };
  }
  private simple(): Command {
    const { line } = this;
    const assignments: Assignment[] = [];
    const words: Word[] = [];
    const redirects: Redirect[] = [];
    for (;;) {
      const redirect = this.redirect();
      if (redirect !== undefined) {
        redirects.push(redirect);
        continue;
      }
      const assigned = /^([A-Za-z_]\w*)(\+?)=/.exec(this.rest);
      const isDeclaring =
        words.length > 0 &&
        words.every(
          (one) => one.parts.length === 1 && one.parts[0]?.kind === 'text' && /^(?:local|readonly|export|declare|-[a-zA-Z]+)$/.test(one.parts[0].text),
        );
      if (assigned !== null && (words.length === 0 || isDeclaring)) {
        this.at += assigned[0].length;
        assignments.push({
          name: assigned[1] ?? '',
          value: this.text[this.at] === '(' ? this.array() : ((/\s/.test(this.text[this.at] ?? '') ? undefined : this.word()) ?? { parts: [], line }),
          isAppending: assigned[2] === '+',
        });
        continue;
      }
      const word = this.word();
      if (word === undefined) break;
      if (
        words.length === 0 &&
        assignments.length === 0 &&
        word.parts.length === 1 &&
        word.parts[0]?.kind === 'text' &&
        !word.parts[0].quoted &&
        RESERVED.includes(word.parts[0].text)
      )
        throw this.unknown(`${word.parts[0].text} here`);
      words.push(word);
    }
    if (words.length === 0 && assignments.length === 0 && redirects.length === 0) throw this.unknown();
    return { kind: 'simple', assignments, words, redirects, line };
  }
  private array(): readonly Word[] {
    this.at += 1;
    const words: Word[] = [];
    for (;;) {
      this.blank();
      if (this.text[this.at] === ')') break;
      const word = this.word();
      if (word === undefined) throw this.unknown();
      words.push(word);
    }
    this.at += 1;
    return words;
  }
  /** One word, or undefined where another thing stands. After =~ parentheses belong to it. */
  private word(isPattern = false): Word | undefined {
    this.space();
    const { line } = this;
    const parts: Part[] = [];
    let isWord = false;
    for (;;) {
      const character = this.text[this.at];
      if (character === undefined || /[\s;]/.test(character) || (!isPattern && /[&|<>()]/.test(character))) break;
      if (this.text.startsWith('\\\n', this.at)) break;
      isWord = true;
      if (character === "'") {
        const stop = this.text.indexOf("'", this.at + 1);
        if (stop === -1) throw this.unknown();
        const text = this.text.slice(this.at + 1, stop);
        parts.push({ kind: 'text', text, quoted: true });
        this.line += text.split('\n').length - 1;
        this.at = stop + 1;
      } else if (character === '"') {
        this.at += 1;
        const inside = this.quotedParts('"');
        parts.push(...(inside.length > 0 ? inside : [{ kind: 'text' as const, text: '', quoted: true }]));
        this.at += 1;
      } else if (character === '\\') {
        parts.push({ kind: 'text', text: this.text[this.at + 1] ?? '', quoted: true });
        this.at += 2;
      } else if (this.text.startsWith("$'", this.at)) {
        const ansi = /^\$'((?:[^'\\]|\\.)*)'/.exec(this.text.slice(this.at));
        if (ansi === null) throw this.unknown();
        parts.push({
          kind: 'text',
          text: (ansi[1] ?? '').replaceAll(/\\(.)/g, (_, character: string) => ({ n: '\n', t: '\t' })[character] ?? character),
          quoted: true,
        });
        this.at += ansi[0].length;
      } else if (character === '$') parts.push(this.expansion(false));
      else if (character === '`') throw this.unknown('a command in backticks');
      else {
        const plain = (isPattern ? /^[^\s'"\\$`;]+/ : /^[^\s'"\\$`;&|<>()]+/).exec(this.text.slice(this.at))?.[0] ?? character;
        if (!isPattern && /[*?[\]{}~]/.test(plain) && !/^(?:\{\}|\[|\]|!)$/.test(plain)) {
          if (/[*?]|\[.+\]/.test(plain) || /^~/.test(plain) || /\{.*[,.].*\}/.test(plain)) parts.push({ kind: 'text', text: plain, quoted: false });
          else parts.push({ kind: 'text', text: plain, quoted: false });
        } else parts.push({ kind: 'text', text: plain, quoted: false });
        this.at += plain.length;
      }
    }
    return isWord ? { parts, line } : undefined;
  }
  /** Up to the quote, or to the end of a text. */
  quotedParts(end: '"' | '}' | ''): readonly Part[] {
    const parts: Part[] = [];
    let text = '';
    const flush = (): void => {
      if (text !== '') parts.push({ kind: 'text', text, quoted: true });
      text = '';
    };
    for (;;) {
      const character = this.text[this.at];
      if (character === undefined) {
        if (end === '') break;
        throw this.unknown('a text that does not end');
      }
      if (end !== '' && character === end) break;
      if (character === '\\' && /[$`"\\\n]/.test(this.text[this.at + 1] ?? '')) {
        if (this.text[this.at + 1] === '"' && end === '') text += '\\';
        if (this.text[this.at + 1] === '\n') this.line += 1;
        else text += this.text[this.at + 1];
        this.at += 2;
      } else if (character === '$' && /[A-Za-z_{(@*#?!0-9]/.test(this.text[this.at + 1] ?? '')) {
        flush();
        parts.push(this.expansion(true));
      } else if (character === '`') throw this.unknown('a command in backticks');
      else {
        if (character === '\n') this.line += 1;
        text += character;
        this.at += 1;
      }
    }
    flush();
    return parts;
  }
  private expansion(quoted: boolean): Part {
    const text = this.text.slice(this.at);
    const plain = /^\$([A-Za-z_]\w*|[@*#?0-9])/.exec(text);
    if (plain !== null) {
      this.at += plain[0].length;
      return { kind: 'variable', name: plain[1] ?? '', index: undefined, quoted, otherwise: undefined, operator: '', isRequired: true };
    }
    if (text.startsWith('$((')) throw this.unknown('arithmetic');
    if (text.startsWith('$(')) {
      this.at += 2;
      const body = this.list([')']);
      if (this.text[this.at] !== ')') throw this.unknown();
      this.at += 1;
      return { kind: 'command', body, quoted };
    }
    const braced = /^\$\{(#?)([A-Za-z_]\w*|[@*#?0-9])(?:\[([@*]|\d+|\w+)\])?(:-|-|:\?|:=|:\+|%%|%|##|#|\/\/|\/|\^\^|,,)?/.exec(text);
    if (braced === null) throw this.unknown();
    this.at += braced[0].length;
    let otherwise: Word | undefined;
    if (braced[4] !== undefined) otherwise = { parts: this.quotedParts('}'), line: this.line };
    if (this.text[this.at] !== '}') throw this.unknown();
    this.at += 1;
    return {
      kind: 'variable',
      name: braced[2] ?? '',
      index: braced[3],
      quoted,
      otherwise,
      operator: braced[1] === '#' ? 'length' : (braced[4] ?? ''),
      isRequired: true,
    };
  }
}

/** Leaves the script, a function, or a loop. */
class Leave extends Error {
  /** What was printed on the way. */
  output = '';
  readonly how: 'exit' | 'return' | 'break' | 'continue';
  readonly status: number;
  constructor(how: Leave['how'], status: number) {
    super(how);
    this.how = how;
    this.status = status;
  }
}

const read = new Map<string, readonly Chain[]>();

/** A shell that runs one script. */
export class Shell {
  private readonly program: Program;
  readonly variables: Map<string, string | readonly string[]>;
  private positional: readonly string[] = [];
  private readonly functions = new Map<string, Command>();
  private errexit = false;
  private nounset = false;
  private pipefail = false;
  private status = 0;
  private depth = 0;
  private readonly files = new Map<string, string>();
  /** What went to the two streams of the script itself. */
  output = '';
  errors = '';

  constructor(program: Program, variables: Readonly<Record<string, string>> = {}, args: readonly string[] = []) {
    this.program = program;
    this.positional = args;
    this.variables = new Map(Object.entries(variables));
  }
  /** Runs a script and returns its exit status. */
  run(text: string): number {
    let parsed = read.get(text);
    if (parsed === undefined) {
      parsed = new ShellParser(text).parse();
      read.set(text, parsed);
    }
    try {
      this.output += this.list(parsed, false, '').output;
    } catch (error) {
      if (!(error instanceof Leave)) throw error;
      this.output += error.output;
      return error.status;
    }
    return this.status;
  }
  /** Does the next thing; what was printed before it is not lost where it leaves. */
  private after(output: string, next: () => Result): Result {
    try {
      const result = next();
      return { status: result.status, output: output + result.output };
    } catch (error) {
      if (error instanceof Leave) error.output = output + error.output;
      throw error;
    }
  }

  private list(chains: readonly Chain[], isChecked: boolean, input: string): Result {
    let output = '';
    for (const chain of chains) output = this.after(output, () => this.chain(chain, isChecked, input)).output;
    return { status: this.status, output };
  }
  private chain({ pipelines, joints }: Chain, isChecked: boolean, input: string): Result {
    let output = '';
    for (const [index, pipeline] of pipelines.entries()) {
      const joint = joints[index - 1];
      if (joint === '&&' && this.status !== 0) continue;
      if (joint === '||' && this.status === 0) continue;
      const isLast = index === pipelines.length - 1;
      const result = this.after(output, () => this.pipeline(pipeline, isChecked || !isLast || pipeline.isNegated, input));
      output = result.output;
      this.status = result.status;
      if (this.errexit && result.status !== 0 && isLast && !isChecked && !pipeline.isNegated) {
        const leave = new Leave('exit', result.status);
        leave.output = output;
        throw leave;
      }
    }
    return { status: this.status, output };
  }
  private pipeline({ commands, isNegated }: Pipeline, isChecked: boolean, input: string): Result {
    let given = input;
    let worst = 0;
    let result: Result = { status: 0, output: '' };
    for (const command of commands) {
      result = this.redirected(command, isChecked, given);
      given = result.output;
      if (result.status !== 0) worst = result.status;
    }
    const status = this.pipefail ? worst : result.status;
    return { status: isNegated ? (status === 0 ? 1 : 0) : status, output: result.output };
  }
  private redirected(command: Command, isChecked: boolean, input: string): Result {
    if (command.kind === 'function') return this.command(command, isChecked, input);
    let given = input;
    let where: 'out' | 'nowhere' | 'errors' = 'out';
    let isQuiet = false;
    let written: { readonly name: string; readonly isAppending: boolean } | undefined;
    const errorsBefore = this.errors;
    for (const { operator, from, target } of command.redirects) {
      const name = operator === '<<' || operator === '<<<' ? '' : this.one(target);
      if (operator === '<<') given = this.one(target);
      else if (operator === '<<<') given = `${this.one(target)}\n`;
      else if (operator === '<') given = this.file(name, target.line);
      else if (operator === '>&' && from === '' && name === '2') where = 'errors';
      else if (operator === '>&' && from === '2' && name === '1') isQuiet = where === 'nowhere' || isQuiet;
      else if ((operator === '>' || operator === '>>') && name === '/dev/null') {
        if (from === '2') isQuiet = true;
        else where = 'nowhere';
      } else if ((operator === '>' || operator === '>>') && (from === '' || from === '1')) written = { name, isAppending: operator === '>>' };
      else throw new NotModelled(`${from}${operator}${name}`, target.line);
    }
    const result = this.command(command, isChecked, given);
    if (isQuiet) this.errors = errorsBefore;
    if (where === 'errors') this.errors += result.output;
    if (written !== undefined) {
      this.files.set(written.name, `${written.isAppending ? (this.files.get(written.name) ?? '') : ''}${result.output}`);
      return { status: result.status, output: '' };
    }
    return where === 'out' ? result : { status: result.status, output: '' };
  }
  private file(name: string, line: number): string {
    if (name === '/dev/null') return '';
    const text = this.files.get(name);
    if (text === undefined) throw new NotModelled(`the file ${name}`, line);
    return text;
  }

  private command(command: Command, isChecked: boolean, input: string): Result {
    switch (command.kind) {
      case 'simple':
        return this.simple(command, isChecked, input);
      case 'if': {
        for (const [condition, body] of command.branches) {
          const asked = this.list(condition, true, input);
          if (asked.status === 0) {
            this.status = 0;
            return this.after(asked.output, () => this.list(body, isChecked, input));
          }
        }
        this.status = 0;
        return this.list(command.otherwise, isChecked, input);
      }
      case 'for': {
        let output = '';
        this.status = 0;
        for (const value of this.fields(command.words)) {
          this.variables.set(command.name, value);
          const turn = this.turn(command.body, isChecked, input, output);
          output = turn.output;
          if (turn.isLast) break;
        }
        return { status: this.status, output };
      }
      case 'while':
        return this.loop(command, isChecked, input);
      case 'case': {
        const subject = this.one(command.subject);
        this.status = 0;
        for (const [patterns, body] of command.branches)
          if (patterns.some((pattern) => this.glob(pattern).test(subject))) return this.list(body, isChecked, input);
        return { status: 0, output: '' };
      }
      case 'group': {
        if (!command.isSubshell) return this.list(command.body, isChecked, input);
        return this.subshell(command.body, isChecked, input);
      }
      case 'function':
        this.functions.set(command.name, command.body);
        return { status: 0, output: '' };
      case 'test':
        return {
          status: this.test(
            command.words.map((word) => ({ word, text: this.one(word) })),
            command.line,
          )
            ? 0
            : 1,
          output: '',
        };
    }
  }
  private subshell(body: readonly Chain[], isChecked: boolean, input: string): Result {
    const before = new Map(this.variables);
    const [positional, errexit] = [this.positional, this.errexit];
    try {
      return this.list(body, isChecked, input);
    } catch (error) {
      if (!(error instanceof Leave) || error.how !== 'exit') throw error;
      return { status: error.status, output: error.output };
    } finally {
      this.variables.clear();
      for (const [name, value] of before) this.variables.set(name, value);
      this.positional = positional;
      this.errexit = errexit;
    }
  }
  private loop(command: Command & { readonly kind: 'while' }, isChecked: boolean, input: string): Result {
    let output = '';
    const lines = input.split('\n');
    for (let times = 0; times < 10_000; times += 1) {
      // `while read` takes a line at a time from what the loop is given.
      const first = command.condition[0]?.pipelines[0]?.commands[0];
      const isReading = first?.kind === 'simple' && first.words.some((one) => this.one(one) === 'read');
      if (isReading) {
        if (lines.length === 0 || (lines.length === 1 && lines[0] === '')) break;
        const names = first.words.map((one) => this.one(one)).filter((one) => one !== 'read' && one !== '-r');
        const separator = first.assignments.find(({ name }) => name === 'IFS')?.value;
        const isTabs = separator !== undefined && !Array.isArray(separator) && this.one(separator as Word) === '\t';
        const given = lines.shift() ?? '';
        if (given.includes(UNKNOWN)) throw new NotModelled('a line that is not known', first.line);
        // A tab is white space to IFS: several are one, so that an empty field in the middle is lost.
        const fields = names.length === 1 ? [given] : given.split(isTabs ? /\t+/ : /[ \t]+/);
        names.forEach((name, index) => {
          this.variables.set(name, index === names.length - 1 ? fields.slice(index).join(isTabs ? '\t' : ' ') : (fields[index] ?? ''));
        });
      } else {
        const asked = this.list(command.condition, true, '');
        output += asked.output;
        if ((asked.status === 0) === command.isUntil) break;
      }
      const turn = this.turn(command.body, isChecked, '', output);
      output = turn.output;
      if (turn.isLast) break;
    }
    this.status = 0;
    return { status: 0, output };
  }
  /** One turn of a loop, which break and continue end. */
  private turn(body: readonly Chain[], isChecked: boolean, input: string, before: string): { readonly output: string; readonly isLast: boolean } {
    try {
      return { output: this.after(before, () => this.list(body, isChecked, input)).output, isLast: false };
    } catch (error) {
      if (!(error instanceof Leave) || (error.how !== 'continue' && error.how !== 'break')) throw error;
      this.status = 0;
      return { output: error.output, isLast: error.how === 'break' };
    }
  }

  private simple({ assignments, words, line }: Command & { readonly kind: 'simple' }, isChecked: boolean, input: string): Result {
    const argv = this.fields(words);
    const name = argv[0];
    const isDeclaring = name !== undefined && ['local', 'readonly', 'export', 'declare'].includes(name);
    if (name === undefined || isDeclaring) {
      this.status = 0;
      for (const one of assignments) this.assign(one);
      return { status: this.status, output: '' };
    }
    const saved = assignments.map((one) => [one.name, this.variables.get(one.name)] as const);
    for (const one of assignments) this.assign(one);
    try {
      return this.invoke(name, argv, isChecked, input, line);
    } finally {
      for (const [given, value] of saved) {
        if (value === undefined) this.variables.delete(given);
        else this.variables.set(given, value);
      }
    }
  }
  private assign({ name, value, isAppending }: Assignment): void {
    const isList = Array.isArray(value);
    const made = isList ? this.fields(value as readonly Word[]) : this.one(value as Word);
    if (!isAppending) {
      this.variables.set(name, made);
      return;
    }
    const before = this.variables.get(name);
    if (typeof made === 'string') this.variables.set(name, `${typeof before === 'string' ? before : ''}${made}`);
    else this.variables.set(name, [...(Array.isArray(before) ? before : []), ...made]);
  }

  private invoke(name: string, argv: readonly string[], isChecked: boolean, input: string, line: number): Result {
    const own = this.functions.get(name);
    if (own !== undefined) {
      const before = this.positional;
      this.positional = argv.slice(1);
      this.depth += 1;
      if (this.depth > 50) throw new NotModelled('a function that calls itself without end', line);
      try {
        return this.redirected(own, isChecked, input);
      } catch (error) {
        if (!(error instanceof Leave) || error.how !== 'return') throw error;
        return { status: error.status, output: error.output };
      } finally {
        this.positional = before;
        this.depth -= 1;
      }
    }
    const args = argv.slice(1);
    switch (name) {
      case ':':
      case 'true':
        return { status: 0, output: '' };
      case 'false':
        return { status: 1, output: '' };
      case 'set':
        for (const one of args) this.option(one, line);
        return { status: 0, output: '' };
      case 'shopt':
        // The model always does so.
        if (args.join(' ') === '-s inherit_errexit') return { status: 0, output: '' };
        throw new NotModelled(`shopt ${args.join(' ')}`, line);
      case 'shift':
        this.positional = this.positional.slice(Number(args[0] ?? 1));
        return { status: 0, output: '' };
      case 'exit':
      case 'return':
        throw new Leave(name, Number(args[0] ?? this.status));
      case 'echo':
        return { status: 0, output: `${args.join(' ')}\n` };
      case 'printf':
        return { status: 0, output: printf(args, line) };
      case 'cat':
        if (args.length === 0) return { status: 0, output: input };
        return { status: 0, output: args.map((one) => this.file(one, line)).join('') };
      case 'test':
      case '[': {
        const inside = name === '[' ? args.slice(0, -1) : args;
        return {
          status: this.test(
            inside.map((text) => ({ word: undefined, text })),
            line,
          )
            ? 0
            : 1,
          output: '',
        };
      }
      case 'grep':
        return grep(args, input, line);
      case 'command':
        if (args[0] === '-v') return { status: ['gcloud', 'bq', 'jq', 'awk'].includes(args[1] ?? '') ? 0 : 1, output: '' };
        throw new NotModelled('command', line);
      case 'sort': {
        const lines = input.split('\n').filter((one, index, all) => one !== '' || index < all.length - 1);
        const sorted = (args.includes('-u') ? [...new Set(lines)] : lines).sort();
        return { status: 0, output: sorted.map((one) => `${one}\n`).join('') };
      }
      case 'cut': {
        const [, delimiter = '\t'] = /^-d(.)$/.exec(args[0] ?? '') ?? [];
        const field = /^-f(\d)$/.exec(args.at(-1) ?? '')?.[1];
        if (field === undefined || args.length > 2) throw new NotModelled(`cut ${args.join(' ')}`, line);
        return { status: 0, output: input.replaceAll(/^.*$/gm, (one) => one.split(delimiter)[Number(field) - 1] ?? '') };
      }
      case 'mktemp':
        return { status: 0, output: '/tmp/made\n' };
      case 'trap':
      case 'rm':
        return { status: 0, output: '' };
      // Programs of their own: nothing that they print may decide anything.
      case 'awk':
      case 'sed':
        return { status: 0, output: input === '' ? '' : `${UNKNOWN}\n` };
      case 'break':
      case 'continue':
        throw new Leave(name, 0);
      default: {
        if (argv.some((one) => one.includes(UNKNOWN))) throw new NotModelled(`${name} with what is not known`, line);
        const result = this.program({ argv, input, line, file: (one) => this.file(one, line) });
        if (result.status !== 0) this.errors += `line ${line}: ${name}: ${result.output}\n`;
        return result.status === 0 ? result : { status: result.status, output: '' };
      }
    }
  }
  private option(one: string, line: number): void {
    if (one === '-o' || one === '--') return;
    if (one === 'pipefail') this.pipefail = true;
    else if (/^-[euo]+$/.test(one)) {
      this.errexit ||= one.includes('e');
      this.nounset ||= one.includes('u');
    } else throw new NotModelled(`set ${one}`, line);
  }

  private one(word: Word): string {
    const [text = ''] = this.expanded(word, false);
    return text;
  }
  private fields(words: readonly Word[]): readonly string[] {
    return words.flatMap((word) => this.expanded(word, true));
  }
  /** The fields of a word: what is not quoted is split at spaces. */
  private expanded(word: Word, isSplit: boolean): readonly string[] {
    let fields: string[] = [''];
    let isThere = false;
    const append = (text: string): void => {
      fields[fields.length - 1] += text;
    };
    for (const part of word.parts) {
      if (part.kind === 'text') {
        if (isSplit && !part.quoted && /[*?]|^~|\{[^}]*,[^}]*\}/.test(part.text)) throw new NotModelled(`${part.text}, which the shell expands`, word.line);
        append(part.text);
        isThere = true;
        continue;
      }
      const values = part.kind === 'command' ? [this.substituted(part.body)] : this.value(part, word.line);
      if (part.quoted) {
        if (part.kind === 'variable' && (part.name === '@' || part.index === '@')) {
          values.forEach((value, index) => {
            if (index > 0) fields.push('');
            append(value);
          });
          isThere ||= values.length > 0;
        } else {
          append(values.join(' '));
          isThere = true;
        }
        continue;
      }
      const text = values.join(' ');
      if (!isSplit) {
        append(text);
        continue;
      }
      const split = text.split(/[ \t\n]+/);
      split.forEach((value, index) => {
        if (index > 0) fields.push('');
        append(value);
      });
      isThere ||= text.trim() !== '';
    }
    if (isSplit && !isThere) return [];
    if (isSplit) fields = fields.filter((one, index) => one !== '' || word.parts.some((part) => part.quoted) || (index === 0 && fields.length === 1));
    return isSplit ? fields : [fields.join(' ')];
  }
  private substituted(body: readonly Chain[]): string {
    const result = this.subshell(body, false, '');
    this.status = result.status;
    return result.output.replace(/\n+$/, '');
  }
  private value(part: Part & { readonly kind: 'variable' }, line: number): readonly string[] {
    const { name, index, operator, otherwise } = part;
    let values: readonly string[] | undefined;
    if (name === '@' || name === '*') values = this.positional;
    else if (name === '#') values = [String(this.positional.length)];
    else if (name === '?') values = [String(this.status)];
    else if (/^\d$/.test(name))
      values = name === '0' ? ['script'] : this.positional[Number(name) - 1] === undefined ? undefined : [this.positional[Number(name) - 1] ?? ''];
    else {
      const held = this.variables.get(name);
      if (Array.isArray(held))
        values = index === '@' || index === '*' ? held : held[Number(index ?? 0)] === undefined ? undefined : [held[Number(index ?? 0)] ?? ''];
      else if (typeof held === 'string') values = [held];
    }
    const isEmpty = values === undefined || (operator.startsWith(':') && values.join('') === '');
    if (operator === 'length') return [String(index === '@' || index === '*' ? (values?.length ?? 0) : (values?.[0]?.length ?? 0))];
    if (operator === ':-' || operator === '-') return isEmpty && otherwise !== undefined ? [this.one(otherwise)] : (values ?? ['']);
    if (operator === ':+') return isEmpty || otherwise === undefined ? [''] : [this.one(otherwise)];
    if (operator === ':?') {
      if (!isEmpty) return values ?? [''];
      this.errors += `${name}: ${otherwise === undefined ? '' : this.one(otherwise)}\n`;
      throw new Leave('exit', 1);
    }
    if (values === undefined) {
      if (!this.nounset || name === '@' || index === '@') return name === '@' || index === '@' ? [] : [''];
      this.errors += `${name}: unbound variable\n`;
      throw new Leave('exit', 1);
    }
    if (operator === '') return values;
    if (operator === ',,') return values.map((one) => one.toLowerCase());
    if (operator === '^^') return values.map((one) => one.toUpperCase());
    const pattern = otherwise === undefined ? '' : this.one(otherwise);
    if (/[*?[\]]/.test(pattern) && !/^(?:%|##?)/.test(operator)) throw new NotModelled(`\${${name}${operator}${pattern}}`, line);
    const expression = pattern
      .split(/(\*|\?)/)
      .map((piece) => (piece === '*' ? '[\\s\\S]*' : piece === '?' ? '[\\s\\S]' : escaped(piece)))
      .join('');
    if (operator === '%' && !pattern.includes('*')) return values.map((one) => one.replace(new RegExp(`${expression}$`), ''));
    if (operator === '#' && !pattern.includes('*')) return values.map((one) => one.replace(new RegExp(`^${expression}`), ''));
    if (operator === '##') return values.map((one) => one.replace(new RegExp(`^${expression}`), ''));
    if (operator === '#') return values.map((one) => one.replace(new RegExp(`^${expression.replaceAll('*', '*?')}`), ''));
    if (operator === '%%')
      return values.map((one) => {
        for (let at = 0; at <= one.length; at += 1) if (new RegExp(`^${expression}$`).test(one.slice(at))) return one.slice(0, at);
        return one;
      });
    if (operator === '%')
      return values.map((one) => {
        for (let at = one.length; at >= 0; at -= 1) if (new RegExp(`^${expression}$`).test(one.slice(at))) return one.slice(0, at);
        return one;
      });
    if (operator === '//' || operator === '/') {
      const [, raw = '', to = ''] = /^((?:\\.|[^/\\])*)\/?([\s\S]*)$/.exec(pattern) ?? [];
      const from = raw.replaceAll(/\\(.)/g, '$1');
      return values.map((one) => (operator === '//' ? one.replaceAll(from, to) : one.replace(from, to)));
    }
    throw new NotModelled(`\${${name}${operator}…}`, line);
  }
  private glob(word: Word): RegExp {
    const text = word.parts.map((part) => {
      if (part.kind !== 'text') return escaped(this.one({ parts: [part], line: word.line }));
      if (part.quoted) return escaped(part.text);
      return part.text
        .split(/(\*|\?|\[[^\]]+\])/)
        .map((piece) => (piece === '*' ? '[\\s\\S]*' : piece === '?' ? '[\\s\\S]' : /^\[[^\]]+\]$/.test(piece) ? piece.replace('[!', '[^') : escaped(piece)))
        .join('');
    });
    return new RegExp(`^${text.join('')}$`);
  }

  private test(words: readonly { readonly word: Word | undefined; readonly text: string }[], line: number): boolean {
    const texts = words.map(({ text }) => text);
    if (texts.some((one) => one.includes(UNKNOWN))) throw new NotModelled('a test of what is not known', line);
    const isJoint = (index: number, joint: string): boolean =>
      texts[index] === joint && words[index]?.word?.parts[0]?.kind === 'text' && !words[index]?.word?.parts[0]?.quoted;
    for (const [joint, both] of [
      ['||', false],
      ['&&', true],
    ] as const) {
      const at = words.findIndex((_, index) => isJoint(index, joint));
      if (at > 0) {
        const [left, right] = [this.test(words.slice(0, at), line), () => this.test(words.slice(at + 1), line)];
        return both ? left && right() : left || right();
      }
    }
    if (texts[0] === '!') return !this.test(words.slice(1), line);
    const [left = '', operator, right = ''] = texts;
    if (texts.length === 1) return left !== '';
    if (texts.length === 2) {
      if (left === '-n') return operator !== '';
      if (left === '-z') return operator === '';
      if (left === '-t') return false;
      throw new NotModelled(`the test ${left}`, line);
    }
    if (texts.length !== 3) throw new NotModelled(`the test ${texts.join(' ')}`, line);
    const pattern = words[2]?.word;
    switch (operator) {
      case '=':
      case '==':
        return pattern === undefined ? left === right : this.glob(pattern).test(left);
      case '!=':
        return pattern === undefined ? left !== right : !this.glob(pattern).test(left);
      case '=~':
        return new RegExp(right).test(left);
      case '-eq':
        return Number(left) === Number(right);
      case '-ne':
        return Number(left) !== Number(right);
      case '-gt':
        return Number(left) > Number(right);
      case '-lt':
        return Number(left) < Number(right);
      case '-ge':
        return Number(left) >= Number(right);
      default:
        throw new NotModelled(`the test ${operator}`, line);
    }
  }
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');

function printf(args: readonly string[], line: number): string {
  const [format = '', ...values] = args;
  const shape = format.replaceAll('\\n', '\n').replaceAll('\\t', '\t');
  const wanted = (shape.match(/%[sd]/g) ?? []).length;
  if (/%[^sd%]/.test(shape)) throw new NotModelled(`printf ${format}`, line);
  let output = '';
  let at = 0;
  do {
    output += shape.replaceAll(/%([sd%])/g, (_, kind: string) => (kind === '%' ? '%' : (values[at++] ?? '')));
  } while (wanted > 0 && at < values.length);
  return output;
}

function grep(args: readonly string[], input: string, line: number): Result {
  const flags = args
    .filter((one) => one.startsWith('-') && one !== '--' && one !== '-')
    .join('')
    .replaceAll('-', '');
  const [pattern, ...files] = args.filter((one) => !one.startsWith('-') || one === '-');
  if (pattern === undefined || files.length > 0 || /[^qxFEvc]/.test(flags)) throw new NotModelled(`grep ${args.join(' ')}`, line);
  const expression = flags.includes('F') ? escaped(pattern) : pattern;
  const tested = new RegExp(flags.includes('x') ? `^(?:${expression})$` : expression);
  const found = input.split('\n').filter((one, index, all) => (index < all.length - 1 || one !== '') && tested.test(one) !== flags.includes('v'));
  const output = flags.includes('q') ? '' : flags.includes('c') ? `${found.length}\n` : found.map((one) => `${one}\n`).join('');
  return { status: found.length > 0 ? 0 : 1, output };
}
