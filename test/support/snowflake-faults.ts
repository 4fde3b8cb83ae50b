import type { Identity, Names } from './snowflake-table.ts';

/** A mistake in the text of an installation, and the cell of the table that it turns red. */
export interface Fault {
  readonly name: string;
  /** Throws where the text has no such place. */
  readonly plant: (sql: string) => string;
  readonly turnsRed: { readonly act: string; readonly identity: Identity };
}

/** Statements that somebody runs afterwards. */
const then =
  (...extra: readonly string[]) =>
  (sql: string): string =>
    `${sql}\nUSE ROLE ACCOUNTADMIN;\n${extra.map((one) => `${one};\n`).join('')}`;

const change =
  (from: RegExp, to: string) =>
  (sql: string): string => {
    const changed = sql.replaceAll(from, to);
    if (changed === sql) throw new Error(`the installation has nothing like ${from}`);
    return changed;
  };

const fault = (name: string, plant: Fault['plant'], identity: Identity, act: string): Fault => ({ name, plant, turnsRed: { act, identity } });

/** The faults of an installation with these names; `door` says how its procedures and their grants are written. */
export function faults(
  { prod, nonprod, door }: Pick<Names, 'prod' | 'nonprod' | 'door'>,
  check: { readonly pattern: RegExp; readonly drop: string; readonly create: string },
): readonly Fault[] {
  const analytics = `${prod}.ANALYTICS`;
  return [
    fault('SYSADMIN inherits prod_service', then('GRANT ROLE ACME_PROD_SERVICE TO ROLE SYSADMIN'), 'sysadmin', 'create a table in prod'),
    fault('SYSADMIN inherits prod_owner', then('GRANT ROLE ACME_PROD_OWNER TO ROLE SYSADMIN'), 'sysadmin', 'rename the schema of prod'),
    fault('SYSADMIN inherits env_owner', then('GRANT ROLE ACME_ENV_OWNER TO ROLE SYSADMIN'), 'sysadmin', 'become env_owner'),
    fault('the borrowed role env_owner was not given back', then('GRANT ROLE ACME_ENV_OWNER TO ROLE SECURITYADMIN'), 'securityadmin', 'become env_owner'),
    fault('MANAGE GRANTS for developers', then('GRANT MANAGE GRANTS ON ACCOUNT TO ROLE ACME_DEVELOPER'), 'sam', 'give oneself prod_service'),
    fault(
      'MANAGE GRANTS on the database of prod for developers',
      then(`GRANT MANAGE GRANTS ON DATABASE ${prod} TO ROLE ACME_DEVELOPER`),
      'sam',
      'give insert on prod',
    ),
    fault('a developer holds prod_service', then('GRANT ROLE ACME_PROD_SERVICE TO USER SAM'), 'sam', 'become prod_service'),
    fault(
      'secondary roles: a developer still holds an old role that writes prod',
      then(
        'CREATE ROLE TRANSFORMER',
        `GRANT USAGE ON DATABASE ${prod} TO ROLE TRANSFORMER`,
        `GRANT USAGE ON SCHEMA ${analytics} TO ROLE TRANSFORMER`,
        `GRANT INSERT ON FUTURE TABLES IN SCHEMA ${analytics} TO ROLE TRANSFORMER`,
        'GRANT ROLE TRANSFORMER TO USER SAM',
      ),
      'sam',
      'insert into prod with all secondary roles',
    ),
    fault(
      'prod_service through three roles',
      then('CREATE ROLE A', 'CREATE ROLE B', 'GRANT ROLE ACME_PROD_SERVICE TO ROLE A', 'GRANT ROLE A TO ROLE B', 'GRANT ROLE B TO USER ANNA'),
      'anna',
      'update prod',
    ),
    fault('the janitor inherits production', then('GRANT ROLE ACME_PROD_SERVICE TO ROLE ACME_JANITOR'), 'janitor', 'drop a table of prod'),
    fault('the janitor inherits developers', then('GRANT ROLE ACME_DEV_PRIYA TO ROLE ACME_JANITOR'), 'janitor', "change priya's table"),
    fault('developers hold env_owner', then('GRANT ROLE ACME_ENV_OWNER TO ROLE ACME_DEVELOPER'), 'sam', "drop priya's schema"),
    fault('sam holds the role of sam_smith', then('GRANT ROLE ACME_DEV_SAM_SMITH TO USER SAM'), 'sam', "create a table in sam_smith's schema"),
    fault('looker is a developer', then('GRANT ROLE ACME_DEVELOPER TO USER LOOKER'), 'looker', 'read a source'),
    fault(
      'USERADMIN owns the role of production',
      then('GRANT OWNERSHIP ON ROLE ACME_PROD_SERVICE TO ROLE USERADMIN COPY CURRENT GRANTS'),
      'useradmin',
      'give oneself prod_service',
    ),
    fault(
      'USERADMIN owns the user of production',
      then('GRANT OWNERSHIP ON USER ACME_PROD_SERVICE TO ROLE USERADMIN COPY CURRENT GRANTS'),
      'useradmin',
      "set prod_service's key",
    ),
    fault(
      'a developer may set the keys of production',
      then('GRANT MODIFY PROGRAMMATIC AUTHENTICATION METHODS ON USER ACME_PROD_SERVICE TO ROLE ACME_DEV_SAM'),
      'sam',
      "set prod_service's key",
    ),
    fault(
      'a developer may make tokens of production',
      then('GRANT MODIFY PROGRAMMATIC AUTHENTICATION METHODS ON USER ACME_PROD_SERVICE TO ROLE PUBLIC'),
      'stranger',
      'make a token of prod_service',
    ),
    fault('the services are no SERVICE users', change(/TYPE\s*=\s*SERVICE/gi, 'TYPE = PERSON'), 'securityadmin', 'give prod_service a password'),
    fault(
      'the schema of prod was left with a person',
      then(`GRANT OWNERSHIP ON SCHEMA ${analytics} TO ROLE ACME_DEV_SAM COPY CURRENT GRANTS`),
      'sam',
      'drop the schema of prod',
    ),
    fault(
      'the database of prod was left with developers',
      then(`GRANT OWNERSHIP ON DATABASE ${prod} TO ROLE ACME_DEVELOPER COPY CURRENT GRANTS`),
      'sam',
      'drop the database of prod',
    ),
    fault(
      'priya owns her schema',
      then(`GRANT OWNERSHIP ON SCHEMA ${nonprod}.DEV_PRIYA TO ROLE ACME_DEV_PRIYA COPY CURRENT GRANTS`),
      'priya',
      "let others into priya's schema",
    ),
    fault("priya's schema has no managed access", change(/(DEV_PRIYA\b[^;]*?)\s+WITH\s+MANAGED\s+ACCESS/gi, '$1'), 'priya', "give others priya's table"),
    fault('the schemas of pull requests have no managed access', change(/('"?)\s*WITH\s+MANAGED\s+ACCESS/gi, '$1 '), 'ci_service', 'create a pull request'),
    fault(
      'everybody reads prod',
      then(
        ...['USAGE ON DATABASE', 'USAGE ON SCHEMA', 'SELECT ON FUTURE TABLES IN SCHEMA'].map(
          (what) => `GRANT ${what} ${what.endsWith('DATABASE') ? prod : analytics} TO ROLE PUBLIC`,
        ),
        'GRANT USAGE ON WAREHOUSE ACME_DEV_WH TO ROLE PUBLIC',
      ),
      'stranger',
      'read a table of prod, built after the grants',
    ),
    fault(
      'everybody creates in prod',
      then(`GRANT USAGE ON DATABASE ${prod} TO ROLE PUBLIC`, `GRANT USAGE, CREATE TABLE ON SCHEMA ${analytics} TO ROLE PUBLIC`),
      'looker',
      'create a table in prod',
    ),
    fault(
      'a right to create is enough to come in: CREATE VIEW without USAGE',
      then(`GRANT CREATE VIEW ON SCHEMA ${analytics} TO ROLE ACME_DEVELOPER`),
      'sam',
      'create a view in prod',
    ),
    fault(
      'a database-level future grant on schemas opens the environments',
      then(`GRANT USAGE, CREATE TABLE ON FUTURE SCHEMAS IN DATABASE ${nonprod} TO ROLE ACME_DEVELOPER`),
      'sam',
      'create a table in a pull request',
    ),
    fault(
      'readers hang on a database-level future grant, beside a schema-level one',
      (sql) =>
        then(`GRANT SELECT ON FUTURE TABLES IN SCHEMA ${analytics} TO ROLE SYSADMIN`)(
          change(
            new RegExp(`ON\\s+FUTURE\\s+TABLES\\s+IN\\s+SCHEMA\\s+${analytics.replace('.', '\\.')}\\b`, 'gi'),
            `ON FUTURE TABLES IN DATABASE ${prod}`,
          )(sql),
        ),
      'looker',
      'read a table of prod, built after the grants',
    ),
    fault(
      'no future grants on views',
      change(new RegExp(`GRANT\\s+SELECT\\s+ON\\s+FUTURE\\s+VIEWS\\s+IN\\s+SCHEMA\\s+${analytics.replace('.', '\\.')}\\s+TO\\s+ROLE\\s+\\w+\\s*;`, 'gi'), ''),
      'looker',
      'read a view of prod',
    ),
    fault(
      'USAGE on the schema of prod is missing',
      change(new RegExp(`GRANT\\s+USAGE\\s+ON\\s+SCHEMA\\s+${analytics.replace('.', '\\.')}\\s+TO\\s+ROLE\\s+\\w+\\s*;`, 'gi'), ''),
      'looker',
      'read a table of prod, built after the grants',
    ),
    fault('USAGE on the warehouse of CI is missing', then('REVOKE USAGE ON WAREHOUSE ACME_CI_WH FROM ROLE ACME_CI_SERVICE'), 'ci_service', 'read a source'),
    fault(
      'developers use the warehouse of production',
      then('GRANT USAGE ON WAREHOUSE ACME_PROD_WH TO ROLE ACME_DEVELOPER'),
      'sam',
      'use the warehouse of production',
    ),
    fault(
      'personal data for developers',
      then(`GRANT USAGE ON SCHEMA ${prod}.RAW_PII TO ROLE ACME_DEVELOPER`, `GRANT SELECT ON ALL TABLES IN SCHEMA ${prod}.RAW_PII TO ROLE ACME_DEVELOPER`),
      'priya',
      'read a source with personal data',
    ),
    fault(
      'personal data for CI',
      then(`GRANT USAGE ON SCHEMA ${prod}.RAW_PII TO ROLE ACME_CI_SERVICE`, `GRANT SELECT ON ALL TABLES IN SCHEMA ${prod}.RAW_PII TO ROLE ACME_CI_SERVICE`),
      'ci_service',
      'read a source with personal data',
    ),
    fault(
      'CI may create schemas',
      then(`GRANT CREATE SCHEMA ON DATABASE ${nonprod} TO ROLE ACME_CI_SERVICE`),
      'ci_service',
      'create a schema beside the environments',
    ),
    fault(
      'developers may create schemas beside prod',
      then(`GRANT CREATE SCHEMA ON DATABASE ${prod} TO ROLE ACME_DEVELOPER`),
      'sam',
      'create a schema beside prod',
    ),
    fault(
      'a developer may create tasks',
      then(`GRANT CREATE TASK ON SCHEMA ${nonprod}.DEV_PRIYA TO ROLE ACME_DEV_PRIYA`),
      'priya',
      "create a task in priya's schema",
    ),
    fault(
      'a developer may run tasks as production',
      then(`GRANT CREATE TASK ON SCHEMA ${nonprod}.DEV_PRIYA TO ROLE ACME_DEV_PRIYA`, 'GRANT IMPERSONATE ON USER ACME_PROD_SERVICE TO ROLE ACME_DEV_PRIYA'),
      'priya',
      "create a task that acts as prod_service in priya's schema",
    ),
    fault('the door acts with the rights of its caller', change(/EXECUTE\s+AS\s+OWNER/gi, 'EXECUTE AS CALLER'), 'ci_service', 'create a pull request'),
    fault(
      'the door takes names by their beginning',
      change(check.pattern, "'PR_.*'"),
      'ci_service',
      `${check.create} product through the door`.replace('product', 'pr_77_staging'),
    ),
    fault(
      'the door takes names by LIKE',
      change(new RegExp(`(?:REGEXP_LIKE|RLIKE)\\(([^,()]+),\\s*${check.pattern.source}\\)`, 'gi'), "($1 LIKE 'PR_%')"),
      'ci_service',
      `${check.create} pr_77_staging through the door`,
    ),
    fault(
      'the door looks for a name anywhere',
      change(new RegExp(`(?:REGEXP_LIKE|RLIKE)\\(([^,()]+),\\s*${check.pattern.source}\\)`, 'gi'), "(REGEXP_INSTR($1, 'PR_[1-9][0-9]{0,9}') > 0)"),
      'ci_service',
      `${check.create} pr_77_staging through the door`,
    ),
    fault(
      'everybody may use the door',
      then(
        `GRANT USAGE ON DATABASE ${nonprod} TO ROLE PUBLIC`,
        `GRANT USAGE ON SCHEMA ${door} TO ROLE PUBLIC`,
        `GRANT USAGE ON ALL PROCEDURES IN SCHEMA ${door} TO ROLE PUBLIC`,
      ),
      'sam',
      'drop a pull request',
    ),
    fault(
      'CI may put procedures into the door',
      then(`GRANT CREATE PROCEDURE ON SCHEMA ${door} TO ROLE ACME_CI_SERVICE`),
      'ci_service',
      'put a procedure into the door',
    ),
  ];
}
