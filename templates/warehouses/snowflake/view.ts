import { DEV_SCHEMA_PATTERN, devSchema, PR_SCHEMA_PATTERN } from '../../../src/names.ts';
import { type Project, setting } from '../../../src/project.ts';

/**
 * The project's names in the account. Roles, users and warehouses belong to the whole account, so each carries the prefix.
 * They are written without quotes and in lower case, which Snowflake stores in upper case:
 * https://docs.snowflake.com/en/sql-reference/identifiers-syntax
 */
export function namesOf(project: Project) {
  const prefix = project.rolePrefix;
  const database = setting(project, 'database');
  const separate = setting(project, 'layout') === 'separate';
  const nonprod = separate ? setting(project, 'nonprodDatabase') : database;
  const serviceLogin = setting(project, 'serviceLogin');
  return {
    /** How people and services log in; `workload` is the cloud whose identity a service has, none with key pairs. */
    login: { keyPair: setting(project, 'peopleLogin') === 'key-pair', workload: serviceLogin === 'key-pair' ? undefined : serviceLogin },
    database,
    separate,
    nonprod,
    /** The door's schema, with its database. */
    door: `${nonprod}.${prefix}_door`,
    doorSchema: `${prefix}_door`,
    roles: {
      envOwner: `${prefix}_env_owner`,
      prodOwner: `${prefix}_prod_owner`,
      developer: `${prefix}_developer`,
      reader: `${prefix}_reader`,
      reviewer: `${prefix}_reviewer`,
      ciService: `${prefix}_ci_service`,
      prodService: `${prefix}_prod_service`,
      janitor: `${prefix}_janitor`,
    },
    /** One role a developer starts with it. */
    devRole: `${prefix}_dev_`,
    compute: { dev: `${prefix}_dev_wh`, ci: `${prefix}_ci_wh`, read: `${prefix}_read_wh`, prod: `${prefix}_prod_wh` },
  };
}

/**
 * Roles that every account has. Whoever holds one of them administers the account or what is in it:
 * https://docs.snowflake.com/en/user-guide/security-access-control-overview
 */
export const ADMINISTRATORS = ['ACCOUNTADMIN', 'SECURITYADMIN', 'USERADMIN', 'SYSADMIN', 'ORGADMIN', 'GLOBALORGADMIN'] as const;

/** What dbt makes in a schema: https://docs.snowflake.com/en/user-guide/security-access-control-privileges#schema-privileges */
const MAKES = [
  'CREATE TABLE',
  'CREATE VIEW',
  'CREATE DYNAMIC TABLE',
  'CREATE FUNCTION',
  'CREATE PROCEDURE',
  'CREATE STAGE',
  'CREATE FILE FORMAT',
  'CREATE SEQUENCE',
];

/** What dbt reads. Privileges on objects to come are granted kind by kind. */
const READS = ['TABLES', 'VIEWS', 'DYNAMIC TABLES'] as const;

/** A list of literals. */
const literals = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ');
/** As Snowflake stores a name that was written without quotes. */
export const stored = (name: string): string => name.toUpperCase();
/** The patterns of whole names, as RLIKE reads them: it anchors at both ends by itself, and stored names are in upper case. */
const storedPattern = (pattern: string): string => stored(pattern).replace(/^\^|\$$/g, '');

/** Who may call which procedure of the door, beside those that everybody may call. */
function callersOf({ ciService, janitor, prodService, developer, reader }: ReturnType<typeof namesOf>['roles']) {
  return {
    everybody: [ciService, janitor, prodService, developer, reader],
    own: [
      { role: ciService, procedures: ['create_pr_schema(VARCHAR)', 'drop_pr_schema(VARCHAR)', 'note_proof_ci(NUMBER, NUMBER)'] },
      {
        role: janitor,
        procedures: [
          'sweep_schema(VARCHAR, VARCHAR, BOOLEAN)',
          'keep_schema(VARCHAR, VARCHAR)',
          'restore_schema(VARCHAR)',
          'report()',
          'note_proof_janitor(NUMBER, NUMBER)',
        ],
      },
      { role: prodService, procedures: ['note_proof_prod(NUMBER, NUMBER)'] },
      { role: developer, procedures: ['note_proof_dev(NUMBER, NUMBER)'] },
      { role: reader, procedures: ['note_proof_reader(NUMBER, NUMBER)'] },
    ],
  };
}

/** What every script of grants/ and every macro may print. */
export function grantsView(project: Project) {
  const { developers, readers } = project.roster;
  const names = namesOf(project);
  const services = [names.roles.ciService, names.roles.prodService, names.roles.janitor].map(stored);
  const starting = ` STARTS WITH '${stored(`${project.rolePrefix}_`)}'`;
  return {
    ...names,
    project: project.name,
    /** How many days without a use hold the janitor back. */
    days: { dev: project.devDays, pr: project.prDays },
    allRoles: Object.values(names.roles),
    /** The comment that says whose a role, a user, a database or a warehouse is. */
    mark: `dbt-envs: project ${project.name}`,
    doorMark: `dbt-envs: door of project ${project.name}`,
    prodSchemas: project.prodSchemas,
    prodList: literals(project.prodSchemas.map(stored)),
    sources: project.sourceSchemas,
    pii: project.sourceSchemas.filter(({ pii }) => pii).map(({ schema }) => schema),
    /** Schemas on which others are granted something. */
    granted: [...project.prodSchemas, ...project.sourceSchemas.map(({ schema }) => schema)],
    grantedList: literals([...project.prodSchemas, ...project.sourceSchemas.map(({ schema }) => schema)].map(stored)),
    administrators: literals(ADMINISTRATORS),
    makes: MAKES.join(', '),
    reads: READS,
    developers: developers.map(({ login, slug }) => ({ login: stored(login), slug, schema: devSchema(slug), role: `${names.devRole}${slug}` })),
    readers: readers.map(({ login, reviews }) => ({ login: stored(login), reviews })),
    /** A colleague's schema that verify tries to write, for somebody whose own is the first. */
    others: developers.slice(0, 2).map(({ slug }) => devSchema(slug)),
    /** What 10_roles.sql has to see with our mark before it grants anything: how it is shown, by whom it is owned. */
    seen: [
      {
        kind: 'WAREHOUSES',
        starting: '',
        owner: 'SYSADMIN',
        names: literals(Object.values(names.compute).map(stored)),
        count: Object.keys(names.compute).length,
      },
      { kind: 'ROLES', starting, owner: 'SECURITYADMIN', names: literals(Object.values(names.roles).map(stored)), count: Object.keys(names.roles).length },
      { kind: 'USERS', starting, owner: 'SECURITYADMIN', names: literals(services), count: services.length },
    ],
    callers: callersOf(names.roles),
    devPattern: storedPattern(DEV_SCHEMA_PATTERN),
    prPattern: storedPattern(PR_SCHEMA_PATTERN),
    /** In upper case, as Snowflake stores a name that was written without quotes. */
    stored: {
      database: stored(names.database),
      databases: literals([...new Set([names.database, names.nonprod])].map(stored)),
      nonprod: stored(names.nonprod),
      doorSchema: stored(names.doorSchema),
      devRole: stored(names.devRole),
      envOwner: stored(names.roles.envOwner),
      prodOwner: stored(names.roles.prodOwner),
      developer: stored(names.roles.developer),
      reader: stored(names.roles.reader),
      reviewer: stored(names.roles.reviewer),
      ciService: stored(names.roles.ciService),
      prodService: stored(names.roles.prodService),
      janitor: stored(names.roles.janitor),
      allRoles: literals(Object.values(names.roles).map(stored)),
      compute: literals(Object.values(names.compute).map(stored)),
      /** What every name of the project in the account begins with. */
      prefix: stored(`${project.rolePrefix}_`),
    },
  };
}
