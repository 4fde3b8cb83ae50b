import { describe, expect, test } from 'vitest';
import { MARKS, planWith } from '../support/hostile-plan.ts';
import { planned } from '../support/scaffold.ts';
import { piecesOf, refusalsOf, statementsOf } from '../support/snowflake-sql.ts';

/**
 * Every statement of grants/, one by one, as sqlfluff's Snowflake dialect reads it: those of the scripts, those in their blocks
 * and procedures, and those that a block puts together. That a statement parses is no proof that it does what it should.
 */
const vendors = { warehouse: 'snowflake', ci: 'github' };
const plans = {
  'separate databases, with a leaver': planWith(MARKS, vendors),
  'one database': planned({ ...vendors, layout: 'single', readers: 'looker, anna:reviews', sourceSchemas: 'raw, crm:pii' }),
  'nobody to read and no source': planned({ ...vendors, prodSchemas: 'analytics' }),
};
const pieces = (files: ReturnType<typeof planWith>) =>
  files.filter(({ path }) => /^grants\/.*\.sql$/.test(path)).flatMap(({ path, contents }) => piecesOf(path, contents));

test.each(Object.entries(plans))('every statement is one of Snowflake’s: %s', async (_, files) => {
  const all = pieces(files);
  const refused = await refusalsOf(all.map(({ sql }) => sql));
  expect(all.length).toBeGreaterThan(500);
  expect(all.filter((__, at) => refused[at] !== null).map(({ from, sql }, at) => `${from}: ${sql} (${refused[at]})`)).toEqual([]);
});

/** A word of each kind of statement, and what a slip of the finger makes of it. */
const SLIPS: readonly (readonly [kind: RegExp, right: string | RegExp, wrong: string])[] = [
  [/^ALTER SCHEMA \S+ DISABLE/, 'MANAGED ACCESS', 'MANAGED ACESS'],
  [/^ALTER SCHEMA \S+ ENABLE/, 'MANAGED ACCESS', 'MANAGED ACESS'],
  [/^ALTER SCHEMA \S+ DISABLE/, 'MANAGED ACCESS', 'MANAGED ACESS'],
  [/^ALTER SCHEMA \S+ RENAME/, 'RENAME TO', 'RENAME INTO'],
  [/^ALTER SCHEMA \S+ SET/, 'DATA_RETENTION_TIME_IN_DAYS', 'RETENTION_DAYS'],
  [/^ALTER TABLE/, 'SET COMMENT', 'SETT COMMENT'],
  [/^ALTER USER \S+ SET DISABLED/, 'SET DISABLED', 'SETT DISABLED'],
  [/^ALTER USER \S+ SET/, 'SET COMMENT', 'SETT COMMENT'],
  [/^ALTER USER \S+ UNSET/, 'UNSET', 'UNSETT'],
  [/^ALTER USER \S+ ABORT/, 'ABORT ALL QUERIES', 'ABORT ALL'],
  [/^ALTER WAREHOUSE/, 'AUTO_SUSPEND', 'AUTO_SUSPENT'],
  [/^CALL/, '(', ''],
  [/^CREATE DATABASE/, 'IF NOT EXISTS', 'IF NOT EXIST'],
  [/^CREATE TRANSIENT DATABASE/, 'DATA_RETENTION_TIME_IN_DAYS =', 'DATA_RETENTION ='],
  [/^CREATE OR REPLACE PROCEDURE/, 'EXECUTE AS', 'EXECUTES AS'],
  [/^CREATE OR REPLACE TABLE/, '(x INTEGER)', '(x INTEGER'],
  [/^CREATE OR REPLACE TRANSIENT SCHEMA/, 'WITH MANAGED ACCESS', 'WITH MANAGED'],
  [/^CREATE ROLE/, 'CREATE ROLE', 'CREATE ROL'],
  [/^CREATE SCHEMA IF/, 'WITH MANAGED ACCESS', 'WITH ACCESS'],
  [/^CREATE SCHEMA \S+$/, 'CREATE SCHEMA', 'CREATE SHEMA'],
  [/^CREATE TABLE/, 'TABLE', 'TABEL'],
  [/^CREATE TRANSIENT SCHEMA/, 'TRANSIENT SCHEMA', 'TRANSIENT SHEMA'],
  [/^CREATE USER/, 'DEFAULT_SECONDARY_ROLES = ()', 'DEFAULT_SECONDARY_ROLE = ()'],
  [/^CREATE WAREHOUSE/, 'AUTO_RESUME', 'AUTORESUME'],
  [/^DELETE/, 'DELETE FROM', 'DELETE FORM'],
  [/^DROP SCHEMA/, 'DROP SCHEMA', 'DROP SHEMA'],
  [/^DROP TABLE/, 'IF EXISTS', 'IF EXIST'],
  [/^EXECUTE IMMEDIATE/, 'IMMEDIATE', 'IMEDIATE'],
  [/^DESCRIBE USER/, 'USER', 'USR'],
  [/^GRANT CREATE SCHEMA/, 'CREATE SCHEMA', 'CREATE SHEMA'],
  [/^GRANT DATABASE ROLE/, 'DATABASE ROLE', 'DATABASE ROL'],
  [/^GRANT INSERT ON TABLE/, 'INSERT', 'INSRT'],
  [/^GRANT INSERT ON FUTURE/, 'FUTURE', 'FUTRE'],
  [/^GRANT CREATE TABLE ON SCHEMA/, ' TO ', ' FROM '],
  [/^GRANT MODIFY ON DATABASE/, 'MODIFY', 'MODFY'],
  [/^REVOKE MODIFY ON DATABASE/, ' FROM ', ' TO '],
  [/^GRANT MONITOR ON ALL/, 'DYNAMIC TABLES', 'DYNAMICAL TABLES'],
  [/^GRANT MONITOR ON FUTURE/, 'DYNAMIC TABLES', 'DYNAMICAL TABLES'],
  [/^GRANT OWNERSHIP ON ALL/, 'COPY CURRENT GRANTS', 'COPY CURENT GRANTS'],
  [/^GRANT OWNERSHIP ON (?:SCHEMA|TABLE|DATABASE|SEQUENCE|STAGE|FILE FORMAT|FUNCTION)/, 'OWNERSHIP', 'OWNER'],
  [/^GRANT REFERENCES ON ALL/, 'REFERENCES', 'REFERENCE'],
  [/^GRANT REFERENCES ON FUTURE/, 'REFERENCES', 'REFERENCE'],
  [/^GRANT ROLE/, ' TO ', ' TOO '],
  [/^GRANT SELECT ON ALL/, 'IN SCHEMA', 'ON SCHEMA'],
  [/^GRANT SELECT ON FUTURE/, 'SELECT', 'SELEKT'],
  [/^GRANT SELECT ON TABLE/, 'SELECT', 'SELEKT'],
  [/^GRANT USAGE, MONITOR/, 'CREATE FILE FORMAT', 'CREATE FILEFORMAT'],
  [/^GRANT USAGE ON ALL/, 'SCHEMAS', 'SCHEMATA'],
  [/^GRANT USAGE ON DATABASE/, 'USAGE', 'USE'],
  [/^GRANT USAGE ON FUTURE/, 'FUTURE', 'FUTURES'],
  [/^GRANT USAGE ON PROCEDURE/, 'USAGE', 'USAGES'],
  [/^GRANT USAGE ON SCHEMA/, ' TO ', ' INTO '],
  [/^GRANT USAGE ON WAREHOUSE/, 'WAREHOUSE', 'WAREHOSE'],
  [/^INSERT/, 'INSERT INTO', 'INSERT IN'],
  [/^MERGE/, 'WHEN NOT MATCHED', 'WHEN NO MATCHED'],
  [/^REVOKE \w+ ON FUTURE/, 'FUTURE', 'FUTRE'],
  [/^REVOKE INSERT ON TABLE/, ' FROM ', ' TO '],
  [/^REVOKE CREATE SCHEMA ON DATABASE/, 'CASCADE', 'CASCADES'],
  [/^REVOKE CREATE TABLE ON SCHEMA/, ' FROM ', ' TO '],
  [/^REVOKE USAGE ON SCHEMA/, ' FROM ', ' TO '],
  [/^REVOKE ROLE/, ' FROM ', ' FORM '],
  [/^SELECT/, /SELECT\s/, 'SELEKT '],
  [/^SHOW DATABASES/, 'DATABASES', 'DATABASE'],
  [/^SHOW FUTURE GRANTS/, 'FUTURE', 'FUTRE'],
  [/^SHOW GRANTS O[FN]/, 'GRANTS', 'GRANT'],
  [/^SHOW GRANTS TO/, 'GRANTS', 'GRANT'],
  [/^SHOW OBJECTS/, 'OBJECTS', 'OBJECT'],
  [/^SHOW ROLES/, 'ROLES', 'ROLE'],
  [/^SHOW SEQUENCES/, 'SEQUENCES', 'SEQUENCE'],
  [/^SHOW STAGES/, 'STAGES', 'STAGE'],
  [/^SHOW FILE FORMATS/, 'FILE FORMATS', 'FILEFORMATS'],
  [/^SHOW USER FUNCTIONS/, 'FUNCTIONS', 'FUNCTION'],
  [/^SHOW SCHEMAS/, 'SCHEMAS', 'SCHEMATA'],
  [/^SHOW TASKS/, 'TASKS', 'TASK'],
  [/^SHOW PIPES/, 'PIPES', 'PIPE'],
  [/^SHOW TABLES/, 'TABLES', 'TABLE'],
  [/^SHOW USERS/, 'USERS', 'USER'],
  [/^SHOW WAREHOUSES/, 'WAREHOUSES', 'WAREHOUSE'],
  [/^UNDROP/, 'UNDROP SCHEMA', 'UNDROP SHEMA'],
  [/^UPDATE/, ' SET ', ' SETT '],
  [/^USE ROLE/, 'USE ROLE', 'USE ROLL'],
  [/^USE SECONDARY ROLES/, 'SECONDARY ROLES', 'SECONDARY ROLE'],
  [/^USE WAREHOUSE/, 'WAREHOUSE', 'WAREHOSE'],
  [/^WITH/, 'SELECT', 'SELEKT'],
];

describe('the gate can fail', () => {
  const all = pieces(plans['separate databases, with a leaver']);

  test('every kind of statement has its slip', () => {
    expect([...new Set(all.map(({ sql }) => sql).filter((sql) => !SLIPS.some(([kind]) => kind.test(sql))))]).toEqual([]);
  });
  test('and every slip is refused', async () => {
    const slipped = SLIPS.map(([kind, right, wrong]) => {
      const sql = all.map((one) => one.sql).find((one) => kind.test(one) && one.replace(right, wrong) !== one) ?? '';
      return sql.replace(right, wrong);
    });
    const refused = await refusalsOf(slipped);
    expect(SLIPS.map(([kind]) => String(kind)).filter((_, at) => slipped[at] === '' || refused[at] === null)).toEqual([]);
  });
  test.each([
    ['a line that is none of Snowflake Scripting', 'IF v_x = 1 THEN\n RAISE no;\nEND IF;'],
    ['a declaration without a type', 'DECLARE\n v_x;\nBEGIN\n RETURN 1;\nEND;'],
    ['a condition that is never closed', "BEGIN\n IF (v_x = 1 THEN\n RETURN 'x';\n END IF;\nEND;"],
    ['a FOR without DO', 'BEGIN\n FOR one IN v_x LOOP\n RETURN 1;\n END FOR;\nEND;'],
  ])('so is %s', async (_, body) => {
    const outcome = async (): Promise<boolean> => {
      const found = piecesOf('x', `EXECUTE IMMEDIATE $$\n${body}\n$$;`);
      return (await refusalsOf(found.map(({ sql }) => sql))).some((one) => one !== null);
    };
    expect(await outcome().catch(() => true)).toBe(true);
  });
  test('a semicolon in a text or a body ends no statement', () => {
    expect(statementsOf("SELECT ';'; -- a; b\nCALL x('--;');")).toEqual(["SELECT ';'", "CALL x('--;')"]);
  });
});
