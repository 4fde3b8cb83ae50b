import { Refused, type Thing } from './account.ts';
import { bound, isHeld, Raised, type Scope } from './core.ts';
import { evaluate, UNKNOWN, type Value } from './expressions.ts';
import { Granting } from './granting.ts';
import { type Row, select } from './rows.ts';
import { type Block, type Declared, parseBlock, type Step } from './scripting.ts';
import { informationSchema } from './shown.ts';
import { NotModelled, Reader, type Statement, statements } from './tokens.ts';

function evaluateArgument(reader: Reader, around: Parameters<typeof evaluate>[1]): Value {
  if (reader.peek(1)?.text === '=>') reader.at += 2;
  return evaluate(reader, around);
}

/** 2003: "does not exist or not authorized", 3001: "insufficient privileges". Others are not known. */
function codeOf(error: Error): Value {
  if (error instanceof Raised) return error.code ?? UNKNOWN;
  return error.message.includes('does not exist') ? 2003 : /insufficient privileges|no way to/.test(error.message) ? 3001 : UNKNOWN;
}

/** CALL, EXECUTE and blocks of Snowflake Scripting. */
export abstract class Calling extends Granting {
  protected execute(reader: Reader): void {
    if (reader.accept('IMMEDIATE')) {
      const value = evaluate(reader, this.surroundings(new Map()));
      reader.end();
      this.immediate(value, reader.line);
      return;
    }
    if (reader.accept('TASK')) {
      const task = this.existing('TASK', reader);
      this.demandReach(this.active, task, reader);
      this.demand(this.active.has(task.owner) || this.account.holds(this.active, 'OPERATE', task), `OPERATE on ${task.name}`, reader);
      reader.end();
      this.demandTaskRights(task, reader);
      this.runTask(task);
      return;
    }
    throw reader.unknown('EXECUTE');
  }
  protected immediate(value: Value, line: number): void {
    if (typeof value !== 'string') throw new NotModelled('a statement whose text is not known', line);
    this.nested(() => this.script(value, line));
  }
  /** With the rights of its owner; as a user, also with that user's secondary roles: https://docs.snowflake.com/en/user-guide/tasks-intro#run-tasks-with-user-privileges */
  protected runTask(task: Thing): void {
    if (task.task === undefined) return;
    const { body, line, warehouse, asUser } = task.task;
    const [database, schema] = task.name.split('.');
    const outer = this.session;
    this.session = { user: asUser ?? 'SYSTEM', primary: task.owner, secondary: asUser === undefined ? [] : 'ALL', database, schema, warehouse };
    this.nested(() => this.script(body, line));
    this.session = outer;
  }
  /** https://docs.snowflake.com/en/developer-guide/stored-procedure/stored-procedures-rights */
  protected call(reader: Reader, scope: Scope = new Map()): Value {
    const parts = this.parts(reader);
    const inside = reader.parenthesis();
    if (reader.accept('INTO')) {
      reader.expect(':');
      scope.set(reader.part(), UNKNOWN);
    }
    reader.end();
    const argument = new Reader({ ...reader.statement, tokens: inside });
    const values = argument.done ? [] : argument.list(() => evaluateArgument(argument, this.surroundings(scope)));
    argument.end();
    if (parts[0] === 'SYSTEM') throw reader.unknown('a system procedure');
    const name = this.qualified('PROCEDURE', parts, reader);
    const fits = [...this.account.things.values()].filter(
      (thing) => thing.kind === 'PROCEDURE' && thing.name.startsWith(`${name}(`) && thing.routine?.parameters.length === values.length,
    );
    if (fits.length > 1) throw reader.unknown(`which of the procedures ${name} is meant`);
    const procedure = fits[0];
    if (procedure === undefined || !this.account.reaches(this.active, procedure) || !this.account.holds(this.active, 'USAGE', procedure)) {
      throw this.refuse(`procedure ${name} does not exist or not authorized`, reader.line);
    }
    const { routine } = procedure;
    if (routine === undefined || routine.language !== 'SQL') throw reader.unknown(`a procedure in ${routine?.language ?? 'no language'}`);
    const outer = this.session;
    const variables = this.variables;
    const [database, schema] = procedure.name.split('.');
    // "Any stored procedure called directly or indirectly from an owner's rights stored procedure behaves as an owner's rights stored procedure"
    const isOwners = routine.rights === 'OWNER' || outer.caller !== undefined;
    const own: Scope = new Map(routine.parameters.map((parameter, at) => [parameter, values[at] ?? null]));
    if (isOwners) {
      const runsAs = routine.rights === 'OWNER' ? procedure.owner : outer.primary;
      this.session = { user: outer.user, primary: runsAs, secondary: [], database, schema, warehouse: outer.warehouse, caller: outer.caller ?? outer };
      this.variables = new Map();
    }
    const [body] = statements(routine.body, routine.line);
    if (body === undefined) throw reader.unknown('a procedure without a body');
    let result: Value = null;
    this.nested(() => {
      result = this.block(parseBlock(body), own) ?? null;
    });
    if (isOwners) {
      this.session = outer;
      this.variables = variables;
    }
    return result;
  }
  protected nested(run: () => void): void {
    if (this.depth > 20) throw new NotModelled('so deep a nesting', 0);
    this.depth += 1;
    run();
    this.depth -= 1;
  }

  /** Runs a block; the value that it returns, or undefined. */
  protected block(block: Block, scope: Scope): Value | undefined {
    for (const declared of block.declared) this.declare(declared, scope);
    try {
      return this.steps(block.body, scope);
    } catch (error) {
      if (!(error instanceof Raised || error instanceof Refused)) throw error;
      const names = error instanceof Raised ? [error.exception, 'OTHER'] : ['STATEMENT_ERROR', 'OTHER'];
      const handler = block.handlers.find((one) => one.names.some((name) => names.includes(name)));
      if (handler === undefined) throw error;
      scope.set('SQLERRM', error.message);
      scope.set('SQLCODE', codeOf(error));
      try {
        return this.steps(handler.body, scope);
      } catch (again) {
        throw again instanceof Raised && again.exception === '' ? error : again;
      }
    }
  }
  protected declare(declared: Declared, scope: Scope): void {
    if (declared.is === 'exception') scope.set(declared.name, { exception: declared.code });
    else if (declared.is === 'rows') {
      scope.set(declared.name, { rows: declared.from === undefined ? undefined : this.rows(declared.from, scope) });
    } else scope.set(declared.name, declared.from === undefined ? null : this.value(declared.from, scope));
  }
  /** A query whose rows are gone through: SELECT, SHOW, or EXECUTE IMMEDIATE of one. */
  protected rows(from: Statement, scope: Scope): readonly Row[] | undefined {
    const reader = new Reader(from);
    const inside = { ...from, tokens: reader.is('(') ? reader.parenthesis() : reader.rest() };
    if (inside.tokens[0]?.text !== 'SELECT' && inside.tokens[0]?.text !== 'WITH') {
      this.sql(inside, scope);
      return this.last;
    }
    return this.read(inside, scope, inside.line);
  }
  /** Runs a query and says its rows, where they are known. */
  protected read(query: Statement, scope: Scope, line: number): readonly Row[] | undefined {
    const roles = this.active;
    this.query(bound(query.tokens, scope, new Reader(query)), roles, line);
    const source = (name: readonly string[]): readonly Row[] | undefined => {
      if (name.at(-2) === 'INFORMATION_SCHEMA') {
        return informationSchema(this.account, roles, name.length === 3 ? (name[0] ?? '') : (this.session.database ?? ''), name.at(-1) ?? '');
      }
      return name[0] === 'SNOWFLAKE' ? undefined : this.account.content.get(this.resolve(name, line));
    };
    return select(query, this.surroundings(scope), source, this.last);
  }
  protected value(from: Statement, scope: Scope): Value {
    const reader = new Reader(from);
    const value = evaluate(reader, this.surroundings(scope));
    reader.end();
    return value;
  }
  protected holdsTrue(from: Statement, scope: Scope): boolean {
    const value = this.value(from, scope);
    return value === UNKNOWN ? this.choose() : value === true;
  }
  protected steps(body: readonly Step[], scope: Scope): Value | undefined {
    for (const step of body) {
      const result = this.step(step, scope);
      if (result !== undefined) return result;
    }
    return undefined;
  }
  protected step(step: Step, scope: Scope): Value | undefined {
    switch (step.do) {
      case 'nothing':
        return undefined;
      case 'let':
        this.declare(step.declared, scope);
        return undefined;
      case 'assign': {
        const isQuery = step.from.tokens[0]?.text === '(' && /^(?:SELECT|WITH|SHOW|EXECUTE|CALL)$/.test(step.from.tokens[1]?.text ?? '');
        const before = scope.get(step.name);
        if (isQuery && isHeld(before) && 'rows' in before) scope.set(step.name, { rows: this.rows(step.from, scope) });
        else scope.set(step.name, this.value(step.from, scope));
        return undefined;
      }
      case 'return':
        if (step.value === undefined) return null;
        if (step.value.tokens[0]?.text === 'TABLE') return UNKNOWN;
        return this.value(step.value, scope);
      case 'raise': {
        const name = step.name ?? '';
        if (step.name !== undefined && !scope.has(name)) throw new NotModelled(`the exception ${name}`, 0);
        const held = scope.get(name);
        throw new Raised(name, isHeld(held) && 'exception' in held ? held.exception : undefined);
      }
      case 'if': {
        const way = step.ways.find(({ when }) => when === undefined || this.holdsTrue(when, scope));
        return way === undefined ? undefined : this.steps(way.body, scope);
      }
      case 'for': {
        const over = new Reader(step.over);
        const held = scope.get(over.peek()?.text ?? '');
        if (!isHeld(held) || !('rows' in held)) throw over.unknown('FOR over something else than rows');
        if (held.rows === undefined) {
          scope.set(step.name, UNKNOWN);
          return this.choose() ? this.steps(step.body, scope) : undefined;
        }
        for (const row of held.rows) {
          scope.set(step.name, { row });
          const result = this.steps(step.body, scope);
          if (result !== undefined) return result;
        }
        return undefined;
      }
      case 'while':
        return this.holdsTrue(step.when, scope) ? this.steps(step.body, scope) : undefined;
      case 'block':
        return this.block(step.block, scope);
      case 'sql':
        this.sql(step.statement, scope);
        return undefined;
    }
  }
  /** A statement in a block, its `:variables` filled in. */
  protected sql(statement: Statement, scope: Scope): void {
    const reader = new Reader(statement);
    if (reader.accept('EXECUTE', 'IMMEDIATE')) {
      const value = evaluate(reader, this.surroundings(scope));
      if (reader.accept('USING')) reader.parenthesis();
      reader.end();
      this.immediate(value, statement.line);
      return;
    }
    if (reader.accept('CALL')) return void this.call(reader, scope);
    const filled = { ...statement, tokens: bound(statement.tokens, scope, reader) };
    if (filled.tokens[0]?.text === 'SELECT') {
      const into = filled.tokens.findIndex((token) => token.kind === 'word' && token.text === 'INTO');
      const from = filled.tokens.findIndex((token) => token.kind === 'word' && token.text === 'FROM');
      if (into > 0 && (from < 0 || into < from)) {
        const targets = filled.tokens.slice(into + 1, from < 0 ? undefined : from).filter(({ kind }) => kind === 'word');
        const plain = statement.tokens.findIndex((token) => token.kind === 'word' && token.text === 'INTO');
        const rest = statement.tokens.findIndex((token) => token.kind === 'word' && token.text === 'FROM');
        const rows = this.read(
          { ...statement, tokens: [...statement.tokens.slice(0, plain), ...(rest < 0 ? [] : statement.tokens.slice(rest))] },
          scope,
          statement.line,
        );
        const values = rows?.length === 1 ? Object.values(rows[0] ?? {}) : undefined;
        targets.forEach(({ text }, at) => {
          scope.set(text, values?.[at] ?? (values === undefined ? UNKNOWN : null));
        });
        return;
      }
    }
    this.statement(filled);
  }
}
