import { days, matching, parseProdRuns, parseProdSchemas, parseSourceSchemas, projectNameFrom } from './answers/values.ts';
import { ciProviders, codeHosts, findCiProvider, findCodeHost, findWarehouse, vendorQuestions, warehouses } from './catalogue.ts';
import type { CiProvider } from './ci-provider.ts';
import { parseProjectName, parseRolePrefix } from './names.ts';
import { type Known, oneOf, type Question, question, staysBehind } from './question.ts';
import { parseReaders, parseTeam } from './roster/roster.ts';
import type { Warehouse } from './warehouse.ts';

/** https://git-scm.com/docs/git-check-ref-format, and nothing that a shell or YAML could read otherwise. */
const BRANCH = /^(?!.*(?:\.\.|\/\/|\/\.|\.lock(?:\/|$))|HEAD$)[A-Za-z0-9][A-Za-z0-9._/-]*[A-Za-z0-9]$|^[A-Za-z0-9]$/;

/** What every project is asked. The order is the order of the conversation. */
export const questions = {
  projectName: question({
    name: 'projectName',
    flag: 'project-name',
    asked: true,
    message: 'What is the dbt project called?',
    help: 'The dbt project: lower-case letters, digits and _; also the default role prefix.',
    default: ({ folder = '' }) => projectNameFrom(folder),
    parse: parseProjectName,
  }),
  warehouse: question({
    name: 'warehouse',
    flag: 'warehouse',
    asked: true,
    message: 'Which warehouse?',
    help: 'The warehouse that dbt builds in.',
    choices: warehouses.map(({ id, label }) => ({ value: id, name: label })),
    default: warehouses[0].id,
    parse: findWarehouse,
    leaves: (was) => staysBehind(`What was built in ${findWarehouse(was).label}, and the accounts and roles there,`),
  }),
  team: question({
    name: 'team',
    flag: 'team',
    asked: true,
    message: 'Who develops? Names or e-mail addresses, separated by commas or one a line (@file reads a list or a CSV)',
    help: 'The developers: "ana, Bo Li, cy@acme.com, dee=d.miller" (slug=login), "eve=e.ross <eve@acme.com>", or @file with such a list or a CSV (name, email, slug, login).',
    parse: parseTeam,
  }),
  readers: question({
    name: 'readers',
    flag: 'readers',
    asked: false,
    message: 'Who else reads prod? (logins; <login>:reviews reads PR schemas too)',
    help: 'Logins that read prod, such as BI: "looker, anna:reviews"; :reviews adds every PR schema.',
    default: '',
    parse: parseReaders,
  }),
  prodSchemas: question({
    name: 'prodSchemas',
    flag: 'prod-schemas',
    asked: true,
    message: 'Which schemas does production own? (the first is the default one)',
    help: 'Every schema that target prod may write; the first is where models without a schema of their own land.',
    default: 'analytics, staging',
    parse: parseProdSchemas,
    leaves: (was, is) =>
      whereAny(
        without(parseProdSchemas(was), parseProdSchemas(is)),
        (gone) =>
          `What was built in ${gone} and the rights on it stay as they are: no script knows of it any more. An administrator revokes the rights, and drops it once nobody reads it.`,
      ),
  }),
  sourceSchemas: question({
    name: 'sourceSchemas',
    flag: 'source-schemas',
    asked: true,
    message: 'Which schemas hold raw data? (add :pii to those that only production may read; empty if none)',
    help: 'Schemas of raw data that everybody may read; "name:pii" is readable by prod alone.',
    default: '',
    parse: parseSourceSchemas,
    leaves: (was, is) =>
      whereAny(
        without(openIn(was), openIn(is)),
        (closed) => `Whoever could read ${closed} can still: no script takes that right away. An administrator revokes it.`,
      ),
  }),
  ci: question({
    name: 'ci',
    flag: 'ci',
    asked: true,
    message: 'Which CI provider?',
    help: 'The CI provider that builds pull requests and deploys.',
    choices: ciProviders.map(({ id, label }) => ({ value: id, name: label })),
    default: ciProviders[0].id,
    parse: findCiProvider,
    leaves: (was) =>
      `Secrets, variables, schedules and rules that were made with ${findCiProvider(was).label} stay there. Delete them: production's credentials are among them.`,
  }),
  codeHost: question({
    name: 'codeHost',
    flag: 'code-host',
    asked: false,
    message: 'Which code host knows the pull requests?',
    help: "The code host that knows which pull requests are open; by default the CI provider's own.",
    choices: codeHosts.map(({ id, label }) => ({ value: id, name: label })),
    default: ({ ci }) => ciProviders.find(({ id }) => id === ci)?.codeHost ?? codeHosts[0].id,
    parse: findCodeHost,
  }),
  mainBranch: question({
    name: 'mainBranch',
    flag: 'main-branch',
    asked: false,
    message: 'Which branch is production?',
    help: 'The branch whose tip is deployed; by default that of the git remote, or main.',
    default: ({ branch = 'main' }) => (BRANCH.test(branch) ? branch : 'main'),
    parse: (raw) => matching(raw, BRANCH, 'a branch name', 'main'),
  }),
  devDays: question({
    name: 'devDays',
    flag: 'dev-days',
    asked: false,
    message: 'Clear a dev schema after how many days without use?',
    help: 'Days without use after which the sweep empties or drops a dev schema (1 to 3650).',
    default: '30',
    parse: days,
  }),
  prDays: question({
    name: 'prDays',
    flag: 'pr-days',
    asked: false,
    message: 'Drop a PR schema how many days after closing, at the latest?',
    help: 'Days after closing at which the sweep drops what the close job missed (1 to 3650).',
    default: '7',
    parse: days,
  }),
  prodRuns: question({
    name: 'prodRuns',
    flag: 'prod-runs',
    asked: false,
    message: 'How may production run? (merge, schedule, manual, external)',
    help: 'How target prod may run: merge, schedule, manual; external adds an orchestrator outside CI and widens the boundary.',
    default: 'merge,schedule,manual',
    parse: parseProdRuns,
  }),
  buildDrafts: question({
    name: 'buildDrafts',
    flag: 'build-drafts',
    asked: false,
    message: 'Are draft pull requests built too? (no: they are only parsed)',
    help: 'Whether a draft pull request is built like any other: yes or no. Otherwise it is only parsed, without credentials.',
    choices: [
      { value: 'no', name: 'no' },
      { value: 'yes', name: 'yes' },
    ],
    default: 'no',
    parse: oneOf('answer', ['no', 'yes']),
  }),
  rolePrefix: question({
    name: 'rolePrefix',
    flag: 'role-prefix',
    asked: false,
    message: 'What do role names begin with?',
    help: "Starts the names of roles, door and registry, which the whole cluster shares; by default the project's name.",
    default: ({ projectName = '' }) => projectName,
    parse: parseRolePrefix,
    leaves: (was) => staysBehind(`Roles, accounts and whatever else has a name in the warehouse that begins with ${was}`),
  }),
  runner: question({
    name: 'runner',
    flag: 'runner',
    asked: false,
    message: 'Which runner? (empty: the CI provider’s own)',
    help: "Runner label or labels, separated by commas; empty means the CI provider's own.",
    default: '',
    parse: (raw) =>
      raw === '' ? '' : matching(raw, /^[A-Za-z0-9][A-Za-z0-9._-]*(?: *, *[A-Za-z0-9][A-Za-z0-9._-]*)*$/, 'a runner label', 'self-hosted, linux'),
  }),
  image: question({
    name: 'image',
    flag: 'image',
    asked: false,
    message: 'Which container image do jobs run in? (empty: none)',
    help: 'Container image for the jobs, with bash, git and Python; empty means the runner itself.',
    default: '',
    parse: (raw) => (raw === '' ? '' : matching(raw, /^[a-z0-9][A-Za-z0-9._/:@-]*$/, 'a container image', 'python:3.12')),
  }),
  pythonIndex: question({
    name: 'pythonIndex',
    flag: 'python-index',
    asked: false,
    message: 'Which Python package index? (empty: the public one)',
    help: "URL of the package index that CI installs from; empty means pip's own default.",
    default: '',
    parse: (raw) =>
      raw === '' ? '' : matching(raw, /^https?:\/\/[A-Za-z0-9][A-Za-z0-9._~:/?&=+-]*$/, 'an index URL without credentials', 'https://pypi.example.com/simple'),
  }),
} as const satisfies Record<string, Question<unknown>>;

const without = (was: readonly string[], is: readonly string[]): readonly string[] => was.filter((one) => !is.includes(one));
/** The sources that everybody may read. */
const openIn = (raw: string): readonly string[] => parseSourceSchemas(raw).flatMap(({ schema, pii }) => (pii ? [] : [schema]));

const whereAny = (schemas: readonly string[], text: (listed: string) => string): string | undefined =>
  schemas.length === 0 ? undefined : text(schemas.join(', '));

type Questions = typeof questions;
export type QuestionName = keyof Questions;
/** Raw answers by question name, the vendors' included; all that is stored, replayed and typed. */
export type Raw = Readonly<Record<string, string>>;
/** The common answers, parsed. */
export type Answers = { readonly [Name in QuestionName]: ReturnType<Questions[Name]['parse']> } & {
  /** The answers to the chosen vendors' own questions, as they were given and checked. */
  readonly settings: Readonly<Record<string, string>>;
};

/** The team lives in roster.yml alone, so its answers are never stored. */
export const isStored = (name: string): boolean => name !== 'team' && name !== 'readers';

/** All questions, the vendors' after the common ones: the table that flags, help, completion and docs are made from. */
export function allQuestions(): readonly (Question<unknown> & { readonly askedBy?: readonly string[] })[] {
  return [...Object.values(questions), ...vendorQuestions()];
}

/** The questions that these answers lead to: the common ones and the chosen vendors' own. */
export function questionsFor(known: Known): readonly Question<unknown>[] {
  const vendors: readonly (Warehouse | CiProvider)[] = [
    ...warehouses.filter(({ id }) => id === known.warehouse),
    ...ciProviders.filter(({ id }) => id === known.ci),
  ];
  // A flag that several vendors share has each one's own words, default and rule.
  const chosen = [...new Map(vendors.flatMap(({ questions: own }) => own).map((one) => [one.name, one])).values()];
  const common = Object.values(questions);
  const at = common.findIndex(({ name }) => name === 'ci');
  return [...common.slice(0, at), ...chosen, ...common.slice(at)];
}

/** The default for a question, given what is known; undefined where nothing may be invented. */
export function defaultOf(one: Question<unknown>, known: Known): string | undefined {
  return typeof one.default === 'function' ? one.default(known) : one.default;
}

/** A wrong or missing answer. `flag` says which; the message is one line. */
export class AnswerError extends RangeError {
  readonly flag: string;
  constructor(flag: string, message: string) {
    super(message);
    this.flag = flag;
  }
}

/** Parses every answer; a missing one takes its default or throws {@link AnswerError} naming its flag. */
export function parseAnswers(given: Readonly<Record<string, string | undefined>>): Answers {
  const raw = withDefaults(given);
  const parsed: Record<string, unknown> = {};
  const settings: Record<string, string> = {};
  for (const one of questionsFor(raw)) {
    const text = raw[one.name];
    if (text === undefined) throw new AnswerError(one.flag, `--${one.flag} is missing: ${one.help}`);
    const value = parseAnswer(one, text);
    if (one.name in questions) parsed[one.name] = value;
    else settings[one.name] = text;
  }
  const answers = { ...parsed, settings } as Answers;
  refuseClashes(answers);
  return answers;
}

/** What two answers together cannot mean. */
function refuseClashes({ projectName, warehouse, prodSchemas, sourceSchemas, rolePrefix }: Answers): void {
  if (projectName === warehouse.adapter.replaceAll('-', '_')) {
    throw new AnswerError('project-name', `--project-name: "${projectName}" is the name of ${warehouse.adapter} itself. Choose another, e.g. acme.`);
  }
  const both = sourceSchemas.find(({ schema }) => prodSchemas.includes(schema));
  if (both) {
    throw new AnswerError(
      'source-schemas',
      `--source-schemas: "${both.schema}" is a prod schema too, and production alone writes those. Name it in one of the two: --source-schemas or --prod-schemas.`,
    );
  }
  const door = `${rolePrefix}_door`;
  for (const [flag, schemas] of [
    ['prod-schemas', prodSchemas],
    ['source-schemas', sourceSchemas.map(({ schema }) => schema)],
  ] as const) {
    if (schemas.some((schema) => schema === door)) {
      throw new AnswerError(flag, `--${flag}: "${door}" is the schema of the door, which we make. Choose another name, or another --role-prefix.`);
    }
  }
}

export function parseAnswer(one: Question<unknown>, text: string): unknown {
  try {
    return one.parse(text);
  } catch (error) {
    if (error instanceof RangeError) throw new AnswerError(one.flag, `--${one.flag}: ${error.message}`);
    throw error;
  }
}

/** Fills in every default that may be invented, vendors' questions included. */
export function withDefaults(given: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  const raw = { ...given };
  for (const round of [0, 1]) {
    void round; // the second round knows the warehouse and the provider that the first one chose
    for (const one of questionsFor(raw)) raw[one.name] ??= defaultOf(one, raw);
  }
  return raw;
}
