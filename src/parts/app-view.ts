import type { Context } from '../context.ts';
import type { ProdRun, Project } from '../project.ts';
import { versions } from '../versions.ts';
import type { Enforcement, Identity, Variable } from '../warehouse.ts';
import { pictureOf } from './app-picture.ts';

/** Beyond these, a table says "each of the 200" instead of naming everyone. */
const NAMED_IN_TABLE = 20;

/** What README.md and the documents say about these very answers: plain data, decided here and named here. */
export function documentView(context: Context) {
  const { project, warehouse, ci, codeHost, adopted } = context;
  const { developers } = project.roster;
  return {
    name: project.name,
    warehouse: warehouse.label,
    ci: ci.label,
    noun: codeHost.pullRequest.noun,
    adopted,
    mainBranch: project.mainBranch,
    python: versions.python,
    days: { dev: project.devDays, pr: project.prDays },
    prod: production(context),
    at: placesOf(context),
    custom: customSchema(project),
    pii: codes(schemas(project, true)),
    team: {
      size: developers.length,
      first: developers[0] ?? { slug: 'ana', login: 'ana' },
      rows: developers.length > NAMED_IN_TABLE ? [] : developers,
    },
    readers: readersOf(project),
    ...access(context),
    picture: pictureOf(context),
    example: example(context),
    dropsOnClose: ci.dropsOnClose,
    buildsDrafts: context.pipeline.buildsDrafts,
    oneFileEach: warehouse.reach === 'disk',
    publishes: warehouse.deploy.after.length > 0,
    ...emittedBy(context),
    text: passages(context),
  };
}

/** How production is run, and what may run it. */
function production({ project, ci }: Context) {
  const external = project.prodRuns.includes('external');
  const inCi = project.prodRuns.some((run) => run !== 'external');
  const from = inCi ? `from ${ci.label} on \`${project.mainBranch}\`` : RUNS.external;
  const runs = inWords(project.prodRuns.map((run) => RUNS[run]));
  return {
    all: codes(project.prodSchemas),
    first: project.prodSchemas[0],
    names: project.prodSchemas.join(', '),
    external,
    publishes: inCi,
    from,
    runs,
    way: inCi ? `${from}, ${runs}` : runs,
    keepers: inWords([...(inCi ? [`${ci.label}, for \`${project.mainBranch}\` alone`] : []), ...(external ? ['the orchestrator outside CI'] : [])]),
  };
}

/** Readers as the table names them, or their numbers where they are many. */
function readersOf({ roster: { readers } }: Project) {
  const reviewers = readers.filter(({ reviews }) => reviews).length;
  return { rows: readers.length > NAMED_IN_TABLE ? [] : readers, all: readers.length, bi: readers.length - reviewers, reviewers };
}

/** Who reads what, as what the services log in, where secrets are, and how far the warehouse holds the rules. */
function access({ project, warehouse }: Context) {
  const variables = warehouse.variables(project);
  const { prodClosedToPeople, devExact, ciExact, summary, proof } = warehouse.enforcement;
  const open = coded([...project.prodSchemas, ...schemas(project, false)]);
  const secrets = (identity: Identity): string =>
    codes(variables.filter(({ secret, identities }) => secret && identities.includes(identity)).map(({ name }) => name)) || 'none';
  return {
    services: { ci: login(variables, 'ci') ?? `${project.rolePrefix}_ci_service`, prod: login(variables, 'prod') ?? `${project.rolePrefix}_prod_service` },
    reads: {
      developers: inWords([...open, EVERY_PR]),
      ci: inWords(open),
      prod: inWords(coded([...schemas(project, false), ...schemas(project, true)])) || 'its own schemas',
      readers: codes(project.prodSchemas),
      reviewers: inWords([...coded(project.prodSchemas), EVERY_PR]),
    },
    secrets: { any: variables.some(({ secret }) => secret), dev: secrets('dev'), ci: secrets('ci'), prod: secrets('prod'), janitor: secrets('janitor') },
    enforcement: {
      rows: [
        { rule: `Nobody but production's own account writes ${codes(project.prodSchemas)}`, held: HELD[prodClosedToPeople] },
        { rule: 'A developer writes their own `dev_<name>` and no other', held: HELD[devExact] },
        { rule: 'CI writes `pr_<number>` schemas and no other', held: HELD[ciExact] },
      ],
      summary,
      proved: proof === 'engine',
    },
  };
}

/** What stands before a schema's name in a query: nothing, or its database and a dot. */
export function placesOf({ project, warehouse }: Pick<Context, 'project' | 'warehouse'>) {
  const before = (database: string | undefined): string => (database === undefined ? '' : `${database}.`);
  const databases = warehouse.databases?.(project);
  return { dev: before(databases?.dev), ci: before(databases?.ci), prod: before(databases?.prod) };
}

/** What to try the first hour with: the example's models, or a stand-in for the adopted project's own. */
function example(context: Context) {
  const { adopted, project } = context;
  const schema = `${placesOf(context).dev}dev_${project.roster.developers[0]?.slug ?? 'ana'}`;
  return adopted
    ? { model: 'your_model', mart: 'your_model', incremental: 'your_model', place: `your tables are in ${code(schema)}` }
    : { model: 'fct_revenue', mart: 'fct_revenue_daily', incremental: 'fct_events', place: `the table is ${code(`${schema}.fct_revenue_daily`)}` };
}

/** What the warehouse's own files make possible. */
function emittedBy({ project, warehouse }: Context) {
  const paths = [...warehouse.grants(project), ...warehouse.macros(project)].map(({ path }) => path);
  const grants = paths.some((path) => path.startsWith('grants/'));
  return {
    has: {
      grants,
      scripts: paths.some((path) => /^grants\/.*\.sql$/.test(path)),
      verify: paths.includes('grants/verify.sql'),
      audit: paths.includes('grants/audit.sql'),
    },
    guarded: `${grants ? '`grants/`, ' : ''}\`macros/dbt_envs/\` and the CI files`,
  };
}

/** The vendors' passages, rendered. */
function passages({ project, warehouse, ci, pipeline, text }: Context) {
  const ours = warehouse.docs(project);
  const theirs = ci.docs(pipeline);
  return {
    connect: text(ours.connect),
    permissions: text(ours.permissions),
    install: text(ours.install),
    hire: text(ours.hire),
    leaver: text(ours.leaver),
    rotateKeys: text(ours['rotate-keys']),
    restore: text(ours.restore),
    breakGlass: text(ours['break-glass']),
    migrate: text(ours.migrate),
    ciSetup: text(theirs.setup),
    ciLimits: text(theirs.limits),
    failedDeploy: text(theirs['failed-deploy']),
    sweep: text(theirs.sweep),
    backfill: text(theirs.backfill),
  };
}

const EVERY_PR = 'every `pr_<number>`';

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
const coded = (names: readonly string[]): readonly string[] => names.map(code);
/** A span of code in Markdown; what is quoted with backticks itself needs two around it. */
const code = (text: string): string => (text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``);

function inWords(parts: readonly string[]): string {
  const last = parts.at(-1);
  return last === undefined || parts.length === 1 ? (last ?? '') : `${parts.slice(0, -1).join(', ')} and ${last}`;
}

/** A custom schema to explain with: one that prod has, otherwise one that it might have. */
const customSchema = ({ prodSchemas: [, second] }: Project): string => second ?? 'marts';

const schemas = ({ sourceSchemas }: Project, pii: boolean): readonly string[] => sourceSchemas.filter((one) => one.pii === pii).map(({ schema }) => schema);

/** What a service logs in as, where the warehouse asks for it: the default of that identity's own login variable. */
function login(variables: readonly Variable[], identity: Identity): string | undefined {
  const own = variables.find(({ name, identities }) => name.endsWith('_LOGIN') && identities.length === 1 && identities[0] === identity);
  return own?.default;
}
