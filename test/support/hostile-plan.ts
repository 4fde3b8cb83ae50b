import { ciProviders, warehouses } from '../../src/catalogue.ts';
import { parseEmail, parseLogin, parseProdSchema, parseSlug, parseSourceSchema } from '../../src/names.ts';
import { plan } from '../../src/plan.ts';
import type { PlannedFile } from '../../src/planned-file.ts';
import { parseAnswers, questionsFor } from '../../src/questions.ts';
import type { Roster } from '../../src/roster/roster.ts';
import { ATTACKS, NEAR_MISSES, UNSEEN, WORDS } from './hostile-text.ts';
import { firstParting, meaningOf, replaced } from './meaning.ts';

type Rule = (text: string) => unknown;
type Vendors = Readonly<Record<string, string>>;

/** Fields that are a part of an answer, each with the rule for that part. */
const PARTS = {
  prodSchema: parseProdSchema,
  otherProdSchema: parseProdSchema,
  sourceSchema: parseSourceSchema,
  secretSchema: parseSourceSchema,
  slug: parseSlug,
  login: parseLogin,
  email: parseEmail,
  reader: parseLogin,
  reviewer: parseLogin,
  leaverSlug: parseSlug,
  leaverLogin: parseLogin,
} as const satisfies Readonly<Record<string, Rule>>;

/** Fields that are the whole answer to the question of that name. Which of them are asked, and by which rule they are read, the vendors say. */
const ANSWERS = [
  ...(['projectName', 'rolePrefix', 'mainBranch', 'runner', 'image', 'pythonIndex'] as const),
  ...(['database', 'nonprodDatabase', 'ciDatabase', 'emailDomain', 'developersGroup'] as const),
] as const;

/** A place where a person's or a repository's text gets into a plan. */
export type Field = keyof typeof PARTS | (typeof ANSWERS)[number];
export type Values = Readonly<Record<Field, string>>;

/** The questions whose answers those fields make up; the others are choices, numbers and words of a list. */
export const COVERED: Readonly<Record<string, readonly Field[]>> = {
  team: ['slug', 'login', 'email'],
  readers: ['reader', 'reviewer'],
  prodSchemas: ['prodSchema', 'otherProdSchema'],
  sourceSchemas: ['sourceSchema', 'secretSchema'],
  ...Object.fromEntries(ANSWERS.map((name) => [name, [name]])),
};

/** The fields that these vendors lead to, each with the rule that it has to pass: of two that share a flag, the chosen one's own. */
export function rulesOf(chosen: Vendors): ReadonlyMap<Field, Rule> {
  const asked = new Map(questionsFor(chosen).map(({ name, parse }) => [name, parse]));
  return new Map<Field, Rule>([
    ...ANSWERS.flatMap((name) => {
      const rule = asked.get(name);
      return rule === undefined ? [] : [[name, rule] as const];
    }),
    ...Object.entries(PARTS).flatMap(([name, rule]) => (isPart(name) ? [[name, rule] as const] : [])),
  ]);
}
const isPart = (name: string): name is keyof typeof PARTS => name in PARTS;

/** Values that nothing else in any file contains, so that what came from them can be told. */
export const MARKS: Values = {
  projectName: 'zqproject',
  rolePrefix: 'zqprefix',
  ciDatabase: 'zq-ci-database',
  emailDomain: 'zqdomain.zq',
  developersGroup: 'zqgroup@zqgroups.zq',
  prodSchema: 'zqprod_a',
  otherProdSchema: 'zqprod_b',
  sourceSchema: 'zqsource_a',
  secretSchema: 'zqsource_b',
  database: 'zqdatabase',
  nonprodDatabase: 'zqnonprod',
  mainBranch: 'zqbranch',
  runner: 'zqrunner',
  image: 'zqimage',
  pythonIndex: 'https://zqindex',
  slug: 'zqslug',
  login: 'zqlogin',
  email: 'zqmail@zqhost',
  reader: 'zqreader',
  reviewer: 'zqreviewer',
  leaverSlug: 'zqgone',
  leaverLogin: 'zqleft',
};

function parsed(values: Values, vendors: Vendors) {
  const answers = parseAnswers({
    ...vendors,
    projectName: values.projectName,
    rolePrefix: values.rolePrefix,
    prodSchemas: `${values.prodSchema}, ${values.otherProdSchema}`,
    sourceSchemas: `${values.sourceSchema}, ${values.secretSchema}:pii`,
    // Of these, a warehouse reads what it asks for.
    database: values.database,
    nonprodDatabase: values.nonprodDatabase,
    ciDatabase: values.ciDatabase,
    emailDomain: values.emailDomain,
    developersGroup: values.developersGroup,
    mainBranch: values.mainBranch,
    runner: `self-hosted, ${values.runner}`,
    image: values.image,
    pythonIndex: values.pythonIndex,
    team: `${values.slug}=${values.login}`,
    readers: `${values.reader}, ${values.reviewer}:reviews`,
  });
  const roster: Roster = {
    developers: answers.team.map((one) => ({ ...one, email: parseEmail(values.email) })),
    leavers: [{ slug: parseSlug(values.leaverSlug), login: parseLogin(values.leaverLogin), left: '2026-03-31' }],
    readers: answers.readers,
  };
  return { answers, roster };
}

/** The whole plan with these values, of which every one passes its rule. */
export function planWith(values: Values, vendors: Vendors): readonly PlannedFile[] {
  const { answers, roster } = parsed(values, vendors);
  return plan(answers, roster, { projectDir: '' }, ['app']);
}

/** The plan with a value that no rule has seen: as if the rule for that field had a hole. */
export function planUnchecked(field: Field, value: string, vendors: Vendors): readonly PlannedFile[] {
  const { answers, roster } = parsed(MARKS, vendors);
  const { warehouse, ci, codeHost } = answers; // functions, which no JSON holds
  return plan({ ...holed(answers, MARKS[field], value), warehouse, ci, codeHost }, holed(roster, MARKS[field], value), { projectDir: '' }, ['app']);
}

/** The same data with the mark replaced in every text of it. */
function holed<T>(data: T, mark: string, value: string): T {
  const quoted = JSON.stringify(value).slice(1, -1);
  return JSON.parse(JSON.stringify(data).replaceAll(mark, () => quoted));
}

/** Everything that is tried in every field. */
export const POOL: readonly string[] = [...ATTACKS, ...UNSEEN, ...WORDS, ...NEAR_MISSES];
export const vendors = warehouses.flatMap(({ id: warehouse }) => ciProviders.map(({ id: ci }) => ({ warehouse, ci })));
const fieldNames: readonly Field[] = [...ANSWERS, ...Object.keys(PARTS).filter(isPart)];

/** One line that a terminal prints as it is. */
export const isOneLine = (message: string): boolean => /^[^\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]+$/u.test(message) && !/[^\P{Z} ]/u.test(message);

/** Whether the rule lets the text through. Throws where it refuses in any other way than by one line. */
export function isAccepted(rule: (text: string) => unknown, text: string): boolean {
  try {
    rule(text);
    return true;
  } catch (error) {
    if (!(error instanceof RangeError) || !isOneLine(error.message)) throw error;
    return false;
  }
}

/** What of the pool each field lets through: what has to be inert in every file. */
export const accepted = (chosen: Vendors): ReadonlyMap<Field, readonly string[]> =>
  new Map([...rulesOf(chosen)].map(([field, rule]) => [field, POOL.filter((text) => isAccepted(rule, text))]));

/** Plans that together hold every accepted text in every field. */
export function rounds(chosen: Vendors): readonly Values[] {
  const all = accepted(chosen);
  const most = Math.max(...[...all.values()].map((texts) => texts.length));
  return Array.from({ length: most }, (_, at) => {
    const taken = new Set<string>();
    const pick = (texts: readonly string[]): string => {
      const free = [...texts.slice(at % texts.length), ...texts].find((text) => !taken.has(text.toLowerCase())) ?? '';
      taken.add(free.toLowerCase());
      return free;
    };
    return suited({ ...MARKS, ...Object.fromEntries([...all].map(([field, texts]) => [field, pick(texts)])) }, chosen);
  });
}

/** What this warehouse writes as it is given: an e-mail address is in lower case, and the name of a service account is short and has no _. */
export function suited(values: Values, { warehouse }: Vendors): Values {
  if (warehouse !== 'bigquery') return values;
  const { rolePrefix, login, email, reader, reviewer, leaverLogin } = values;
  // One with an @ is an address of its own, to which no domain is added.
  const address = (text: string): string => text.toLowerCase().replaceAll('@', '.');
  return {
    ...values,
    rolePrefix: /^[a-z0-9]{3,22}$/.test(rolePrefix) ? rolePrefix : MARKS.rolePrefix,
    login: address(login),
    email: email.toLowerCase(),
    reader: address(reader),
    reviewer: address(reviewer),
    leaverLogin: address(leaverLogin),
  };
}

const meanings = new Map<string, unknown>();
/** Parsed once: every round is held against it. */
function harmlessMeaning({ path, contents }: PlannedFile): unknown {
  const key = `${path}\n${contents}`;
  const known = meanings.get(key) ?? meaningOf(path, contents);
  meanings.set(key, known);
  return known;
}

/** The first of these files that does not mean what the harmless one means with the values put in, and why. */
export function firstDifference(files: readonly PlannedFile[], values: Partial<Values>, harmless: readonly PlannedFile[]): string | undefined {
  // A warehouse that stores names in upper case compares them so.
  const given = fieldNames.flatMap((field) => (values[field] === undefined ? [] : [[MARKS[field], values[field]] as const]));
  const marks = new Map(given.flatMap(([mark, value]) => [[mark, value] as const, [mark.toUpperCase(), value.toUpperCase()] as const]));
  const models = new Map(harmless.map((file) => [String(replaced(file.path, marks)), file]));
  for (const { path, contents } of files) {
    const model = models.get(path);
    if (model === undefined) return `${path} is no file of the harmless plan`;
    if (contents === model.contents) continue;
    const parting = attempted(() => firstParting(meaningOf(path, contents), replaced(harmlessMeaning(model), marks)));
    if (parting !== undefined) return `${path}: ${parting}`;
  }
  return undefined;
}

function attempted(act: () => string | undefined): string | undefined {
  try {
    return act();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
