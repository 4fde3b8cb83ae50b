import { Calling } from './calling.ts';
import { parseBlock } from './scripting.ts';
import { Reader, type Statement, statements } from './tokens.ts';

/** The session ended here. */
export class Cut extends Error {}

/** Runs statements in an account, as a session. */
export class Run extends Calling {
  /** Everything in a script; the first statement that is refused ends it. */
  script(sql: string, firstLine = 1): void {
    for (const statement of statements(sql, firstLine)) this.statement(statement);
  }
  /** After how many statements the session ends, those in blocks and procedures among them. */
  endsAfter = Number.POSITIVE_INFINITY;

  statement(statement: Statement): void {
    if (this.endsAfter <= 0) throw new Cut('the session ended');
    this.endsAfter -= 1;
    const reader = new Reader(statement);
    if (reader.is('DECLARE') || (reader.is('BEGIN') && statement.tokens.length > 1 && !reader.is('BEGIN', 'TRANSACTION') && !reader.is('BEGIN', 'WORK'))) {
      this.block(parseBlock(statement), new Map());
      return;
    }
    const verb = reader.next();
    if (verb.kind !== 'word') throw reader.unknown(`"${verb.text}"`);
    // "Other SQL statements cannot be called from inside an owner's rights stored procedure":
    // https://docs.snowflake.com/en/developer-guide/stored-procedure/stored-procedures-rights#restrictions-on-sql-statements
    if (this.session.caller !== undefined && ['USE', 'SET', 'UNSET', 'PUT', 'GET', 'REMOVE'].includes(verb.text)) {
      throw this.refuse(`${verb.text} is not allowed in an owner's-rights procedure`, verb.line);
    }
    switch (verb.text) {
      case 'USE':
        this.use(reader);
        return;
      case 'CREATE':
        this.create(reader);
        return;
      case 'DROP':
        this.drop(reader);
        return;
      case 'UNDROP':
        this.undrop(reader);
        return;
      case 'ALTER':
        this.alter(reader);
        return;
      case 'GRANT':
        this.grant(reader);
        return;
      case 'REVOKE':
        this.revoke(reader);
        return;
      case 'CALL':
        return void this.call(reader);
      case 'EXECUTE':
        this.execute(reader);
        return;
      case 'SELECT':
      case 'WITH':
        reader.at -= 1;
        this.query(reader.rest(), this.active, verb.line);
        return;
      case 'INSERT':
      case 'UPDATE':
      case 'DELETE':
      case 'MERGE':
      case 'TRUNCATE':
      case 'COPY':
        this.change(verb.text, reader);
        return;
      case 'COMMENT':
        this.comment(reader);
        return;
      case 'SHOW':
      case 'DESCRIBE':
      case 'DESC':
        this.show(reader, verb.text);
        return;
      case 'LIST':
      case 'LS':
        reader.rest();
        return;
      case 'BEGIN':
      case 'COMMIT':
      case 'ROLLBACK':
        reader.rest();
        return;
      case 'SET':
        this.set(reader);
        return;
      case 'UNSET':
        this.variables.delete(reader.part());
        reader.end();
        return;
      default:
        throw reader.unknown(verb.text);
    }
  }
}
