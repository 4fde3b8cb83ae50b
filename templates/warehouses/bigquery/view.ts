import { DEV_SCHEMA_PATTERN, devSchema, NameError, PR_SCHEMA_PATTERN, shown } from '../../../src/names.ts';
import { type Project, setting } from '../../../src/project.ts';
import type { Person } from '../../../src/warehouse.ts';
import { actsOf } from './acts.ts';

/**
 * People whom one policy takes by name. A project's policy has room for 1,500 principals, counted as often as they
 * appear, and others are in it too: https://docs.cloud.google.com/iam/quotas
 */
const NAMED_LIMIT = 1000;

/** A service account's id has 6 to 30 characters: https://docs.cloud.google.com/iam/docs/service-accounts-create */
const ACCOUNT = /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/;

/** The project's names in Google Cloud. What is shared by others in a Google Cloud project carries the prefix. */
export function namesOf(project: Project) {
  const { rolePrefix: prefix } = project;
  const prod = setting(project, 'database');
  const separate = setting(project, 'layout') === 'separate';
  const dev = separate ? setting(project, 'nonprodDatabase') : prod;
  const ci = separate ? setting(project, 'ciDatabase') : prod;
  if (separate && (dev === prod || ci === prod)) {
    throw new NameError(
      `${dev === prod ? '--nonprod-database' : '--ci-database'} is ${prod}, the project of production. Give another project, or --layout single where all is to be in one.`,
    );
  }
  const account = (name: string, home: string) => {
    const id = `${prefix.replaceAll('_', '-')}-${name}`;
    if (!ACCOUNT.test(id)) {
      throw new NameError(
        `"${shown(id)}" cannot be a service account: 6 to 30 lower-case letters, digits and -. Give a role prefix of 3 to 22 characters: --role-prefix.`,
      );
    }
    const email = `${id}@${home}.iam.gserviceaccount.com`;
    return { id, project: home, email, principal: `serviceAccount:${email}` };
  };
  const location = setting(project, 'location');
  const record = `${prefix}_record`;
  if ([...project.prodSchemas, ...project.sourceSchemas.map(({ schema }) => schema)].some((schema) => schema === record)) {
    throw new NameError(`"${record}" is the dataset in which these scripts keep their record. Choose another name for yours, or another --role-prefix.`);
  }
  return {
    /** The ids of the projects in Google Cloud. dbt says database, and so do our settings. */
    projects: { prod, dev, ci },
    /** Each of them once, production first. */
    allProjects: [...new Set([prod, dev, ci])],
    /** Each of those that hold environments, once. */
    nonprodProjects: [...new Set([dev, ci])],
    separate,
    /** Nothing but pull requests is in the project of CI, so that who reviews reads all of it. */
    ciIsAlone: ci !== prod && ci !== dev,
    location,
    /** What qualifies INFORMATION_SCHEMA: https://docs.cloud.google.com/bigquery/docs/information-schema-intro#region_qualifier */
    region: `region-${location.toLowerCase()}`,
    services: { ci: account('ci', ci), prod: account('prod', prod), janitor: account('janitor', ci) },
    /** Ids of custom roles, which have no hyphen, and their whole names: a project's own role counts in that project alone. */
    customRoles: {
      runnerId: `${prefix}_query_runner`,
      creatorId: `${prefix}_dataset_creator`,
      janitorId: `${prefix}_janitor`,
      prodRunner: `projects/${prod}/roles/${prefix}_query_runner`,
      devRunner: `projects/${dev}/roles/${prefix}_query_runner`,
      ciRunner: `projects/${ci}/roles/${prefix}_query_runner`,
      creator: `projects/${ci}/roles/${prefix}_dataset_creator`,
      devJanitor: `projects/${dev}/roles/${prefix}_janitor`,
      ciJanitor: `projects/${ci}/roles/${prefix}_janitor`,
    },
    /**
     * The workload identity pool and its provider, in the project of the service account that logs in: whoever administers CI's
     * project must not be able to become production. https://docs.cloud.google.com/iam/docs/workload-identity-federation
     */
    pool: { id: poolIdLike(prefix), provider: 'dbt-envs' },
    /** The dataset in which the scripts write down what they gave and took, in the project of production. */
    record,
  };
}

/** 4 to 32 characters, and none that begins with gcp-: https://docs.cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools/create */
const poolIdLike = (prefix: string): string => `dbt-${prefix.replaceAll('_', '-').slice(0, 28)}`;

/** What roster.yml calls a login is an e-mail address here, with which a person logs in to Google. */
export function emailOf({ login, email }: Person, domain: string): string | undefined {
  if (login.includes('@')) return login.toLowerCase();
  if (email !== undefined) return email.toLowerCase();
  return domain === '' ? undefined : `${login.toLowerCase()}@${domain}`;
}

/** A person, a service account of somebody's tool; a group has its own setting. */
const principalOf = (email: string): string => (email.endsWith('.gserviceaccount.com') ? `serviceAccount:${email}` : `user:${email}`);

/** People as BigQuery knows them. Throws {@link NameError} where somebody's address is not known: a guessed one could be a stranger's. */
function peopleOf(project: Project) {
  const domain = setting(project, 'emailDomain');
  const { developers, leavers, readers } = project.roster;
  const unknown = [...developers, ...leavers, ...readers].filter((one) => emailOf(one, domain) === undefined).map(({ login }) => login);
  if (unknown.length > 0) {
    const named = unknown.slice(0, 5).join(', ');
    throw new NameError(
      `BigQuery knows people by their e-mail address, and none is known of ${named}${unknown.length > 5 ? ` and ${unknown.length - 5} others` : ''}. Give --email-domain, e.g. example.com, or each address in roster.yml.`,
    );
  }
  const known = (one: Person) => {
    const email = emailOf(one, domain) ?? '';
    return { email, principal: principalOf(email) };
  };
  const developing = developers.map((one) => ({ slug: one.slug, schema: devSchema(one.slug), ...known(one) }));
  const slugs = new Map(developing.map(({ email, slug }) => [email, slug]));
  return {
    developers: developing,
    leavers: leavers
      .map((one) => ({ slug: one.slug, schema: devSchema(one.slug), left: one.left, ...known(one) }))
      /** The slug under which the same address still develops; empty where the person is gone. */
      .map((one) => ({ ...one, stays: slugs.get(one.email) ?? '' })),
    readers: readers.map((one) => ({ reviews: one.reviews, ...known(one) })),
  };
}

/** A script may be 1 MB long: https://docs.cloud.google.com/bigquery/quotas#query_jobs */
const SCRIPT_LIMIT = 900_000;

/** Who is granted what all developers are: the group, or each by name. */
function principalsOf(developers: readonly { readonly slug: string; readonly principal: string }[], group: string): readonly string[] {
  if (developers.reduce((length, { slug, principal }) => length + slug.length + principal.length + 12, 0) > SCRIPT_LIMIT) {
    throw new NameError(
      `${developers.length} developers do not fit into one script of BigQuery, which is 1 MB at most. Give each part of the team a project of its own.`,
    );
  }
  if (group !== '') return [`group:${group}`];
  if (developers.length > NAMED_LIMIT) {
    throw new NameError(
      `${developers.length} developers do not fit into a policy by name, which takes ${NAMED_LIMIT}. Put them into a Google group and give --developers-group.`,
    );
  }
  return developers.map(({ principal }) => principal);
}

/** A list of literals. */
const quoted = (values: readonly string[]): string => values.map((value) => `'${value}'`).join(', ');

/** Predefined roles on a dataset or a table: https://docs.cloud.google.com/bigquery/docs/access-control */
const WRITING_ROLES = ['roles/bigquery.dataEditor', 'roles/bigquery.dataOwner', 'roles/bigquery.admin'] as const;
const READING_ROLES = [
  'roles/bigquery.dataViewer',
  'roles/bigquery.filteredDataViewer',
  'roles/bigquery.metadataViewer',
  'roles/bigquery.routineDataViewer',
  'roles/bigquery.routineMetadataViewer',
] as const;

/** What each service is granted in 40_services.sql, in the words of the statement. */
function serviceGrantsOf(
  project: Project,
  { projects, nonprodProjects, ciIsAlone, customRoles }: ReturnType<typeof namesOf>,
  developersRead: readonly string[],
) {
  const grant = (on: string, ...roles: readonly string[]) => ({ on, roles: roles.map((role) => `\`${role}\``).join(', ') });
  const dataset = (schema: string): string => `SCHEMA \`${projects.prod}\`.\`${schema}\``;
  return {
    prod: [
      grant(`PROJECT \`${projects.prod}\``, customRoles.prodRunner),
      ...project.prodSchemas.map((schema) => grant(dataset(schema), 'roles/bigquery.dataEditor')),
      ...project.sourceSchemas.map(({ schema }) => grant(dataset(schema), 'roles/bigquery.dataViewer')),
    ],
    ci: [
      grant(`PROJECT \`${projects.ci}\``, customRoles.ciRunner, customRoles.creator),
      ...developersRead.map((name) => grant(`SCHEMA ${name}`, 'roles/bigquery.dataViewer')),
    ],
    janitor: [
      grant(`PROJECT \`${projects.ci}\``, customRoles.ciRunner, customRoles.creator, ...(ciIsAlone ? [customRoles.ciJanitor] : [])),
      ...nonprodProjects.map((id) => grant(`PROJECT \`${id}\``, 'roles/bigquery.metadataViewer')),
      ...project.prodSchemas.map((schema) => grant(dataset(schema), 'roles/bigquery.metadataViewer')),
    ],
  };
}

/** What every script of grants/ and every macro may print. */
export function grantsView(project: Project) {
  const names = namesOf(project);
  const people = peopleOf(project);
  const group = setting(project, 'developersGroup');
  const developerPrincipals = principalsOf(people.developers, group);
  const openSources = project.sourceSchemas.filter((one) => !one.pii).map(({ schema }) => schema);
  const pii = project.sourceSchemas.filter((one) => one.pii).map(({ schema }) => schema);
  const developersRead = [...project.prodSchemas, ...openSources].map((schema) => `\`${names.projects.prod}\`.\`${schema}\``);
  const reviewerPrincipals = people.readers.filter(({ reviews }) => reviews).map(({ principal }) => principal);
  return {
    ...names,
    ...people,
    project: project.name,
    group,
    /** The labels that say whose a dataset is. A dataset without `dbt_envs_project` is somebody else's: labels have lower-case letters, digits, - and _. */
    labels: { managedBy: 'dbt_envs', project: project.name },
    /** What SCHEMATA_OPTIONS prints of that label: https://docs.cloud.google.com/bigquery/docs/information-schema-datasets-schemata-options */
    markText: `STRUCT("dbt_envs_project", "${project.name}")`,
    mark: `dbt-envs: project ${project.name}`,
    prodSchemas: project.prodSchemas,
    sources: project.sourceSchemas,
    openSources,
    pii,
    developerPrincipals,
    reviewerPrincipals,
    /** Datasets of production and of sources that every developer, and so CI, reads: whole names, ready to print. */
    developersRead,
    readersGiven: people.readers.flatMap(({ principal, reviews }) => [
      ...project.prodSchemas.map((schema) => ({
        role: 'roles/bigquery.dataViewer',
        kind: 'SCHEMA',
        name: `\`${names.projects.prod}\`.\`${schema}\``,
        principal,
      })),
      ...(reviews
        ? [names.customRoles.ciRunner, ...(names.ciIsAlone ? ['roles/bigquery.dataViewer'] : [])].map((role) => ({
            role,
            kind: 'PROJECT',
            name: `\`${names.projects.ci}\``,
            principal,
          }))
        : []),
    ]),
    quoted: {
      prodSchemas: quoted(project.prodSchemas),
      /** Of production and of sources. */
      allSchemas: quoted([...project.prodSchemas, ...project.sourceSchemas.map(({ schema }) => schema)]),
      writingRoles: quoted(WRITING_ROLES),
      readingRoles: quoted(READING_ROLES),
      /** What 30 and 50 give or once gave: nothing else is taken because the record names it. */
      givenRoles: quoted([
        'roles/bigquery.dataEditor',
        'roles/bigquery.dataViewer',
        'roles/bigquery.jobUser',
        ...new Set([names.customRoles.devRunner, names.customRoles.ciRunner]),
      ]),
    },
    serviceGrants: serviceGrantsOf(project, names, developersRead),
    /** Whoever builds pr_<number> grants this on it: nothing where all of CI's project is for that. */
    prGrants: names.ciIsAlone
      ? []
      : [
          { role: names.customRoles.ciJanitor, principal: names.services.janitor.principal },
          ...[...new Set([...developerPrincipals, ...reviewerPrincipals])].map((principal) => ({ role: 'roles/bigquery.dataViewer', principal })),
        ],
    /** A colleague's dataset that verify tries to write: the second is for whoever owns the first. Empty where there is none. */
    colleagues: { first: people.developers[0]?.schema ?? '', second: people.developers[1]?.schema ?? '' },
    acts: actsOf({ ...names, prodSchemas: project.prodSchemas, openSources, pii, developers: people.developers }),
    devPattern: DEV_SCHEMA_PATTERN,
    prPattern: PR_SCHEMA_PATTERN,
    /** Where environments are, and which datasets there are looked at: in a project of pull requests alone, all. */
    environments: names.nonprodProjects.map((id) => ({
      project: id,
      names: id === names.projects.ci ? 'of_ci' : 'of_dev',
      pattern: id !== names.projects.ci ? DEV_SCHEMA_PATTERN : names.ciIsAlone ? '.' : `${DEV_SCHEMA_PATTERN}|${PR_SCHEMA_PATTERN}`,
    })),
    devDays: project.devDays,
    prDays: project.prDays,
  };
}
