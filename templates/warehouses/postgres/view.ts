import { DEV_SCHEMA_PATTERN, PR_SCHEMA_PATTERN } from '../../../src/names.ts';
import type { Project } from '../../../src/project.ts';

/** The project's names in the server. Roles belong to the whole cluster, so each carries the prefix. */
export function namesOf({ rolePrefix }: Project) {
  return {
    door: `${rolePrefix}_door`,
    roles: {
      envOwner: `${rolePrefix}_env_owner`,
      prodOwner: `${rolePrefix}_prod_owner`,
      developer: `${rolePrefix}_developer`,
      reader: `${rolePrefix}_reader`,
      reviewer: `${rolePrefix}_reviewer`,
      ciService: `${rolePrefix}_ci_service`,
      prodService: `${rolePrefix}_prod_service`,
      janitor: `${rolePrefix}_janitor`,
    },
  };
}

/**
 * Predefined roles that are as good as an administrator on the server, and the administrators' groups of the clouds:
 * https://www.postgresql.org/docs/current/predefined-roles.html,
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.rds_superuser.html,
 * https://cloud.google.com/sql/docs/postgres/users, https://learn.microsoft.com/azure/postgresql/flexible-server/security-manage-database-users
 */
export const ADMINISTRATORS = [
  'pg_write_all_data',
  'pg_execute_server_program',
  'pg_write_server_files',
  'pg_read_server_files',
  'pg_database_owner',
  'rds_superuser',
  'cloudsqlsuperuser',
  'azure_pg_admin',
] as const;

/** What every script of grants/ may print. */
export function grantsView(project: Project) {
  const { door, roles } = namesOf(project);
  return {
    project: project.name,
    door,
    roles,
    allRoles: Object.values(roles),
    /** The comment that says whose a role, a schema or the door is. */
    mark: `dbt-envs: project ${project.name}`,
    doorMark: `dbt-envs: door of project ${project.name}`,
    prodSchemas: project.prodSchemas,
    /** The same as a list of literals. */
    prodList: project.prodSchemas.map((name) => `'${name}'`).join(', '),
    sources: project.sourceSchemas,
    /** Schemas on which others are granted something, as a list of literals. */
    granted: [...project.prodSchemas, ...project.sourceSchemas.map(({ schema }) => schema)].map((name) => `'${name}'`).join(', '),
    administrators: ADMINISTRATORS,
    readsProd: [roles.developer, roles.reader, roles.reviewer, roles.ciService].join(', '),
    readsSources: [roles.developer, roles.ciService, roles.prodService].join(', '),
    developers: project.roster.developers.map(({ login, slug }) => ({ login, slug })),
    readers: project.roster.readers.map(({ login, reviews }) => ({ login, reviews })),
    devPattern: DEV_SCHEMA_PATTERN,
    prPattern: PR_SCHEMA_PATTERN,
    /** Days without a use before the janitor may drop a schema. */
    days: { dev: project.devDays, pr: project.prDays },
    envPattern: `(${DEV_SCHEMA_PATTERN})|(${PR_SCHEMA_PATTERN})`,
  };
}
