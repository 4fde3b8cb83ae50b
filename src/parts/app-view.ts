import type { Context } from '../context.ts';
import type { FileRequest } from '../planned-file.ts';
import type { ProdRun, Project } from '../project.ts';
import { versions } from '../versions.ts';
import type { Enforcement, Identity, Variable } from '../warehouse.ts';

/** Beyond these, a table and a picture say "each of the 200" instead of naming everyone. */
const NAMED_IN_TABLE = 20;
const NAMED_IN_PICTURE = 5;

/** What README.md and the documents say about these very answers: plain data, decided here and named here. */
export type DocumentView = ReturnType<typeof documentView>;

export function documentView({ project, warehouse, ci, codeHost, pipeline, adopted, text }: Context) {
  const { developers, readers } = project.roster;
  const variables = warehouse.variables(project);
  const passages = warehouse.docs(project);
  const ciPassages = ci.docs(pipeline);
  const emitted = new Set([...warehouse.grants(project), ...warehouse.macros(project)].map(({ path }: FileRequest) => path));
  const deploysInCi = project.prodRuns.some((run) => run !== 'external');
  const external = project.prodRuns.includes('external');
  const open = coded([...project.prodSchemas, ...schemas(project, false)]);
  return {
    name: project.name,
    warehouse: warehouse.label,
    ci: ci.label,
    codeHost: codeHost.label,
    noun: codeHost.pullRequest.noun,
    adopted,
    mainBranch: project.mainBranch,
    python: versions.python,
    days: { dev: project.devDays, pr: project.prDays },
    prod: {
      all: codes(project.prodSchemas),
      first: project.prodSchemas[0],
      names: project.prodSchemas.join(', '),
      runs: inWords(project.prodRuns.map((run) => RUNS[run])),
      external,
      inCi: deploysInCi,
      keepers: inWords([...(deploysInCi ? [`${ci.label}, for \`${project.mainBranch}\` alone`] : []), ...(external ? ['the orchestrator outside CI'] : [])]),
      from: deploysInCi ? `from ${ci.label} on \`${project.mainBranch}\`` : 'from an orchestrator outside CI',
    },
    custom: customSchema(project),
    sources: { open: codes(schemas(project, false)), pii: codes(schemas(project, true)) },
    team: {
      size: developers.length,
      first: developers[0] ?? { slug: 'name', login: 'name' },
      second: developers[1] ?? { slug: 'bo', login: 'bo' },
      rows: developers.length > NAMED_IN_TABLE ? [] : developers,
      drawn: developers.length > NAMED_IN_PICTURE ? developers.slice(0, 2) : developers,
    },
    readers: {
      rows: readers.length > NAMED_IN_TABLE ? [] : readers,
      bi: readers.filter(({ reviews }) => !reviews).length,
      reviewers: readers.filter(({ reviews }) => reviews).length,
      all: readers.length,
    },
    services: { ci: login(variables, 'ci') ?? `${project.rolePrefix}_ci_service`, prod: login(variables, 'prod') ?? `${project.rolePrefix}_prod_service` },
    reads: {
      developers: inWords([...open, 'every `pr_<number>`']),
      ci: inWords(open),
      prod: inWords(coded([...schemas(project, false), ...schemas(project, true)])) || 'its own schemas',
      readers: codes(project.prodSchemas),
      reviewers: inWords([...coded(project.prodSchemas), 'every `pr_<number>`']),
    },
    enforcement: {
      rows: [
        { rule: `Nobody but production's own account writes ${codes(project.prodSchemas)}`, held: HELD[warehouse.enforcement.prodClosedToPeople] },
        { rule: 'A developer writes their own `dev_<name>` and no other', held: HELD[warehouse.enforcement.devExact] },
        { rule: 'CI writes `pr_<number>` schemas and no other', held: HELD[warehouse.enforcement.ciExact] },
      ],
      summary: warehouse.enforcement.summary,
      proved: warehouse.enforcement.proof === 'engine',
    },
    dropsOnClose: ci.dropsOnClose,
    oneFileEach: warehouse.reach === 'disk',
    publishes: warehouse.deploy.after.length > 0,
    has: {
      grants: warehouse.grants(project).length > 0,
      scripts: [...emitted].some((path) => /^grants\/.*\.sql$/.test(path)),
      verify: emitted.has('grants/verify.sql'),
      verifyOperation: emitted.has('macros/dbt_envs/verify_boundary.sql'),
      audit: emitted.has('grants/audit.sql'),
      look: emitted.has('grants/00_look.sql'),
      closeProd: emitted.has('grants/90_close_prod.sql'),
      grantsGuide: emitted.has('grants/README.md'),
    },
    secrets: {
      dev: codes(named(variables, 'dev', true)),
      ci: codes(named(variables, 'ci', true)),
      prod: codes(named(variables, 'prod', true)),
      any: variables.some(({ secret }) => secret),
    },
    text: {
      connect: text(passages.connect),
      permissions: text(passages.permissions),
      install: text(passages.install),
      hire: text(passages.hire),
      leaver: text(passages.leaver),
      rotateKeys: text(passages['rotate-keys']),
      restore: text(passages.restore),
      breakGlass: text(passages['break-glass']),
      migrate: text(passages.migrate),
      ciSetup: text(ciPassages.setup),
      ciLimits: text(ciPassages.limits),
      failedDeploy: text(ciPassages['failed-deploy']),
    },
  };
}

const RUNS: Readonly<Record<ProdRun, string>> = {
  merge: 'on a merge',
  schedule: 'on a schedule',
  manual: 'by hand',
  external: 'from an orchestrator outside CI',
};

const HELD: Readonly<Record<Enforcement, string>> = {
  yes: 'yes',
  'by prefix': 'by prefix: the beginning of the name, not the whole name',
  'by project': 'by project: one project or database for all of them, not each schema by itself',
  'by file permission': 'by file permission',
  no: 'no: only the guards in dbt hold it',
};

/** `` `a`, `b` and `c` ``: names as a sentence prints them. */
export const codes = (names: readonly string[]): string => inWords(coded(names));
const coded = (names: readonly string[]): readonly string[] => names.map((name) => `\`${name}\``);

function inWords(parts: readonly string[]): string {
  const last = parts.at(-1);
  return last === undefined || parts.length === 1 ? (last ?? '') : `${parts.slice(0, -1).join(', ')} and ${last}`;
}

/** A custom schema to explain with: one that prod has, otherwise one that it might have. */
const customSchema = ({ prodSchemas: [, second] }: Project): string => second ?? 'marts';

const schemas = ({ sourceSchemas }: Project, pii: boolean): readonly string[] => sourceSchemas.filter((one) => one.pii === pii).map(({ schema }) => schema);

const named = (variables: readonly Variable[], identity: Identity, secret: boolean): readonly string[] =>
  variables.filter((one) => one.secret === secret && one.identities.includes(identity)).map(({ name }) => name);

/** What a service logs in as, where the warehouse asks for it: the default of that identity's own login variable. */
function login(variables: readonly Variable[], identity: Identity): string | undefined {
  const own = variables.find(({ name, identities }) => name.endsWith('_LOGIN') && identities.length === 1 && identities[0] === identity);
  return own?.default;
}
