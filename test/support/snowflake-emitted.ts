import { parseLogin, parseSlug } from '../../src/names.ts';
import { plan } from '../../src/plan.ts';
import { parseAnswers } from '../../src/questions.ts';
import type { Row } from './snowflake-model/rows.ts';
import { type Act, EVIL, type Identity, type Names } from './snowflake-table.ts';

export type Layout = 'separate' | 'single';

const ANSWERS = {
  projectName: 'acme',
  warehouse: 'snowflake',
  team: 'priya, sam, sam_smith=Sam.Smith@acme.example',
  readers: 'looker, anna:reviews',
  sourceSchemas: 'raw, raw_pii:pii',
};

/** Somebody who left. */
export interface Parted {
  readonly slug: string;
  readonly login: string;
  readonly left: string;
}

/** The emitted scripts below grants/, by path; whoever left develops no more, unless under another slug. */
export function scripts(layout: Layout, leavers: readonly Parted[] = []): ReadonlyMap<string, string> {
  const answers = parseAnswers({ ...ANSWERS, layout });
  const left = leavers.map(({ slug, login, left: date }) => ({ slug: parseSlug(slug), login: parseLogin(login), left: date }));
  const developers = answers.team.filter(({ slug }) => !left.some((gone) => gone.slug === slug));
  const files = plan(answers, { developers, leavers: left, readers: answers.readers }, { projectDir: '' }, ['grants']);
  return new Map(files.filter(({ path }) => /^grants\/.*\.sql$/.test(path)).map(({ path, contents }) => [path, contents]));
}

/** One script of them. */
export function script(layout: Layout, name: string): string {
  const sql = scripts(layout).get(`grants/${name}.sql`);
  if (sql === undefined) throw new Error(`there is no grants/${name}.sql`);
  return sql;
}

/** The scripts that install the boundary, in the order in which an administrator runs them. */
export const installation = (layout: Layout): readonly string[] =>
  ['10_roles', '20_boundary', '30_developers', '40_services', '50_readers'].map((name) => script(layout, name));

const RIGHTS = 'https://docs.snowflake.com/en/developer-guide/stored-procedure/stored-procedures-rights#privileges-on-database-objects';
const ANCHORED = 'https://docs.snowflake.com/en/sql-reference/functions/rlike';
const everybody = ['priya', 'sam', 'sam_smith', 'anna', 'ci_service', 'prod_service', 'janitor'] as const;
const granters = ['securityadmin', 'accountadmin'] as const;
const act = (name: string, sql: string, may: readonly Identity[], page = RIGHTS, changes?: true): Act => ({
  act: name,
  sql,
  may,
  page,
  ...(changes !== undefined && { changes }),
});

/** A dashboard brings its own warehouse, on which the door's owner has no right. */
const look = (name: string, sql: string): Act => ({ ...act(name, sql, everybody), open: ['looker'] });

/** What the tables of the door hold once the roster was written there. */
export function doorContent(layout: Layout): readonly (readonly [string, readonly Row[]])[] {
  const door = namesOf(layout).door.toUpperCase();
  const row = (login: string, role: string): Row => ({ LOGIN: login, ROLE_NAME: role, GONE: false });
  return [
    [`${door}.DEVELOPER`, [row('PRIYA', 'acme_dev_priya'), row('SAM', 'acme_dev_sam'), row('SAM.SMITH@ACME.EXAMPLE', 'acme_dev_sam_smith')]],
    [`${door}.READER`, [row('LOOKER', 'acme_reader'), row('ANNA', 'acme_reader'), row('ANNA', 'acme_reviewer')]],
    [`${door}.FOUND`, []],
  ];
}

export function namesOf(layout: Layout): Names {
  const nonprod = layout === 'separate' ? 'acme_nonprod' : 'acme';
  const door = `${nonprod}.acme_door`;
  const call = (procedure: string, ...args: readonly string[]): string => `call ${door}.${procedure}(${args.join(', ')})`;
  const listed = "'2026-11-27T03:43:00Z'";
  return {
    prod: 'acme',
    nonprod,
    door,
    doorActs: [
      act('create a pull request', call('create_pr_schema', "'pr_77'"), ['ci_service']),
      act('create a pull request in upper case', call('create_pr_schema', "'PR_77'"), ['ci_service']),
      act('create a pull request with ten digits', call('create_pr_schema', "'pr_9999999999'"), ['ci_service']),
      act('drop a pull request', call('drop_pr_schema', "'pr_12'"), ['ci_service'], RIGHTS, true),
      act('create dev_priya through the door', call('create_pr_schema', "'dev_priya'"), [], ANCHORED),
      act('drop dev_priya through the door', call('drop_pr_schema', "'dev_priya'"), [], ANCHORED, true),
      act('sweep a pull request', call('sweep_schema', "'pr_12'", listed, 'false'), ['janitor'], RIGHTS, true),
      act("sweep priya's schema", call('sweep_schema', "'dev_priya'", listed, 'false'), ['janitor'], RIGHTS, true),
      act('look what the sweep would do', call('sweep_schema', "'pr_12'", listed, 'true'), ['janitor']),
      act('change something by looking', call('sweep_schema', "'pr_12'", listed, 'true'), [], RIGHTS, true),
      act('keep a pull request', call('keep_schema', "'pr_12'", "'2027-01-31'"), ['janitor']),
      act('restore a pull request that is there', call('restore_schema', "'pr_12'"), []),
      ...EVIL.flatMap(([name, text]) => [
        act(`create ${name} through the door`, call('create_pr_schema', text), [], ANCHORED),
        act(`drop ${name} through the door`, call('drop_pr_schema', text), [], ANCHORED, true),
        act(`sweep ${name} through the door`, call('sweep_schema', text, listed, 'false'), [], ANCHORED, true),
        act(`keep ${name} through the door`, call('keep_schema', text, "'2027-01-31'"), [], ANCHORED, true),
        act(`restore ${name} through the door`, call('restore_schema', text), [], ANCHORED, true),
      ]),
      act('fit a schema past the door', call('fit_schema', "'PR_12'", "'acme_developer'"), []),
      look('list the environments', call('env_schemas')),
      look('ask what is kept', call('kept_until', "'pr_12'")),
      look('ask who can write prod', call('audit')),
      act('write the report', call('report'), ['janitor']),
      act('note the proof of CI', call('note_proof_ci', '1', '0'), ['ci_service']),
      act('note the proof of production', call('note_proof_prod', '1', '0'), ['prod_service']),
      act('note the proof of the janitor', call('note_proof_janitor', '1', '0'), ['janitor']),
      act('note the proof of developers', call('note_proof_dev', '1', '0'), ['priya', 'sam', 'sam_smith']),
      act('read the tables of the door', `select * from ${door}.developer`, []),
      act('join the roster', `insert into ${door}.developer values ('LOOKER', 'acme_dev_looker', false)`, []),
      act('forge how production was found', `insert into ${door}.found values (1, 'grant role accountadmin to user sam')`, []),
      act('accept oneself', `insert into ${door}.accepted values ('SAM', 'x')`, []),
      act('let the door act as its caller', `alter procedure ${door}.drop_pr_schema(varchar) execute as caller`, []),
      act('drop a procedure of the door', `drop procedure ${door}.drop_pr_schema(varchar)`, []),
      act('let developers use the door', `grant usage on procedure ${door}.drop_pr_schema(varchar) to role acme_developer`, granters),
    ],
  };
}
export const createPr =
  (layout: Layout) =>
  (name: string): string =>
    `call ${namesOf(layout).door}.create_pr_schema('${name}')`;
