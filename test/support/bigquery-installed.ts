import { parseLogin, parseSlug } from '../../src/names.ts';
import { plan } from '../../src/plan.ts';
import { parseAnswers } from '../../src/questions.ts';
import { type Layout, type Names, names } from './bigquery-table.ts';
import type { Step } from './bigquery-world.ts';

const TEAM = 'priya, sam, sam_smith=sam.smith, noor';

/** The group that holds all developers, where there is one. */
export const GROUP = 'developers@acme.example';

const answersOf = (layout: Layout, team: string, group: boolean): Record<string, string> => {
  const { prod, dev, ci } = names(layout);
  return {
    projectName: 'acme',
    warehouse: 'bigquery',
    team,
    readers: 'looker, anna:reviews',
    sourceSchemas: 'raw, raw_pii:pii',
    prodSchemas: 'analytics, staging',
    emailDomain: 'acme.example',
    database: prod,
    layout: layout === 'single' ? 'single' : 'separate',
    ...(group && { developersGroup: GROUP }),
    ...(layout !== 'single' && { nonprodDatabase: dev, ciDatabase: ci }),
  };
};

const made = new Map<string, ReadonlyMap<string, string>>();

/** Lea is on the roster; or has left; or has another name, and so another slug, with the address that she had. */
export type When = 'before' | 'after' | 'renamed';
const TEAMS: Readonly<Record<When, string>> = { before: `${TEAM}, lea`, after: TEAM, renamed: `${TEAM}, lea_k=Lea@acme.example` };

/** The emitted files, by path, those below grants/ without it. */
export function scripts(layout: Layout, when: When = 'after', group = false): ReadonlyMap<string, string> {
  const key = `${layout} ${when} ${group}`;
  let found = made.get(key);
  if (found === undefined) {
    const answers = parseAnswers(answersOf(layout, TEAMS[when], group));
    const leavers = when === 'before' ? [] : [{ slug: parseSlug('lea'), login: parseLogin('lea'), left: '2026-11-01' }];
    const files = plan(answers, { developers: answers.team, leavers, readers: answers.readers }, { projectDir: '' }, ['grants', 'profiles']);
    found = new Map(files.map(({ path, contents }) => [path.replace(/^grants\//, ''), contents]));
    made.set(key, found);
  }
  return found;
}

/** One of them, as a step of an administrator. */
export function script(layout: Layout, name: string, when: When = 'after', group = false): Step {
  const text = scripts(layout, when, group).get(name);
  if (text === undefined) throw new Error(`there is no grants/${name}`);
  return { kind: name.endsWith('.sh') ? 'sh' : 'sql', text, name };
}

/** What installs the boundary, in the order in which an administrator runs it. */
export const installation = (layout: Layout, when: When = 'after', group = false): readonly Step[] =>
  ['10_roles.sh', '20_record.sh', '20_boundary.sql', '30_developers.sql', '30_developers.sh', '40_services.sql', '40_services.sh', '50_readers.sql'].map(
    (name) => script(layout, name, when, group),
  );

/** What is run when somebody has left: the roster without her, then her own file. */
export const departure = (layout: Layout, group = false): readonly Step[] => [
  script(layout, '30_developers.sql', 'after', group),
  script(layout, 'leavers/lea.sql', 'after', group),
];

/** The statements with which CI makes a pull request's dataset and lets others in, as dbt would send them. */
function createPr(layout: Layout, group: boolean): (name: string) => string {
  const macro = [...scripts(layout, 'after', group)].find(([path]) => path.endsWith('dbt_envs/create_schema.sql'))?.[1] ?? '';
  const [, create] = /macro bigquery__create_schema\([\s\S]*?call statement\('create_schema'\) -%\}([\s\S]*?)\{%- endcall/.exec(macro) ?? [];
  const [, letIn] = /macro dbt_envs_let_in\([\s\S]*?set script -%\}([\s\S]*?)\{%- endset/.exec(macro) ?? [];
  if (create === undefined || (letIn === undefined) !== (layout === 'three')) throw new Error('the macros that make pr_<number> are not what they were');
  return (name) =>
    [create, letIn ?? '']
      .filter((one) => one !== '')
      .map((one) => one.replaceAll(/\{\{ (?:relation\.)?schema \}\}/g, name).replaceAll('{{ relation.schema[3:] }}', name.slice(3)))
      .join(';\n')
      .replaceAll(/\{\{.*?\}\}|\{%.*?%\}/g, (left) => {
        throw new Error(`${left} is left of the macro`);
      });
}

export function emittedNames(layout: Layout, group = false): Names {
  return { ...names(layout), creatorRole: 'acme_dataset_creator', pool: 'dbt-acme', provider: 'dbt-envs', createPr: createPr(layout, group) };
}
