/** Whose login tries an act. */
type Who = 'dev' | 'ci' | 'prod' | 'janitor' | 'reader';

/** Something that somebody tries to do, and what has to come of it. */
export interface Act {
  readonly who: Who;
  readonly wanted: 'succeeds' | 'refused';
  readonly what: string;
  /** `OWN_DATASET`: the caller's own dataset; `OTHER_DATASET`: a colleague's; `user:THE_CALLER@example.com`: the caller; `SOME_TABLE`: a table of `tableOf`. */
  readonly statement: string;
  /** The dataset of which the act needs a table; empty where it needs none. Who may not list it is refused by that. */
  readonly tableOf: string;
  /** Takes back what was done, where it was done; empty where nothing is left. */
  readonly undo: string;
}

interface Boundary {
  readonly projects: Readonly<Record<'prod' | 'dev' | 'ci', string>>;
  readonly location: string;
  readonly prodSchemas: readonly string[];
  readonly openSources: readonly string[];
  readonly pii: readonly string[];
  readonly developers: readonly { readonly schema: string }[];
}

const PROOF = 'dbt_envs_proof';
const EVERYBODY: readonly Who[] = ['dev', 'ci', 'prod', 'janitor', 'reader'];

/**
 * What verify tries under each login. Beside each act that must be refused stands one of its kind that must succeed for
 * somebody: a refusal for another reason, such as a dataset that is not there, proves nothing.
 */
export function actsOf({ projects, location, prodSchemas, openSources, pii, developers }: Boundary): readonly Act[] {
  const path = (project: string, schema: string): string => `\`${project}\`.\`${schema}\``;
  const tries = (what: string, mayWho: readonly Who[], statement: string, undo = '', among: readonly Who[] = EVERYBODY, tableOf = ''): readonly Act[] =>
    among.map((who) => ({ who, wanted: mayWho.includes(who) ? 'succeeds' : 'refused', what, statement, undo, tableOf }));
  // OR REPLACE: a proof that was cut short may have left the table.
  const buildsIn = (what: string, dataset: string, mayWho: readonly Who[], among?: readonly Who[]): readonly Act[] =>
    tries(what, mayWho, `CREATE OR REPLACE TABLE ${dataset}.${PROOF} AS SELECT 1 AS one`, `DROP TABLE ${dataset}.${PROOF}`, among);
  const reads = (what: string, dataset: string, mayWho: readonly Who[], among?: readonly Who[]): readonly Act[] =>
    tries(what, mayWho, 'SELECT * FROM SOME_TABLE LIMIT 0', '', among, dataset);
  const createsIn = (project: string): readonly Act[] =>
    tries(
      `create a dataset in project ${project}`,
      // To create one is a right on the whole project of CI; the janitor brings datasets back there.
      project === projects.ci ? ['ci', 'janitor'] : [],
      `CREATE SCHEMA ${path(project, PROOF)} OPTIONS (location = "${location}")`,
      `DROP SCHEMA ${path(project, PROOF)}`,
    );
  const givesOn = (what: string, dataset: string, among?: readonly Who[]): readonly Act[] =>
    tries(
      what,
      [],
      `GRANT \`roles/bigquery.filteredDataViewer\` ON SCHEMA ${dataset} TO "user:THE_CALLER@example.com"`,
      `REVOKE \`roles/bigquery.filteredDataViewer\` ON SCHEMA ${dataset} FROM "user:THE_CALLER@example.com"`,
      among,
    );
  const lists = (what: string, dataset: string, mayWho: readonly Who[], among?: readonly Who[]): readonly Act[] =>
    tries(what, mayWho, `SELECT COUNT(*) FROM ${dataset}.INFORMATION_SCHEMA.TABLES`, '', among);
  const [prodSchema = ''] = prodSchemas;
  const [first] = developers;
  return [
    ...prodSchemas.flatMap((schema) => [
      ...buildsIn(`build a table in ${schema}`, path(projects.prod, schema), ['prod']),
      ...givesOn(`give rights on ${schema}`, path(projects.prod, schema)),
    ]),
    ...lists(`see which tables ${prodSchema} has`, path(projects.prod, prodSchema), EVERYBODY),
    ...prodSchemas.flatMap((schema) => [
      ...reads(`read a table of ${schema}`, path(projects.prod, schema), ['dev', 'ci', 'prod', 'reader']),
      // It changes no row, whoever may do it.
      ...tries(`delete from a table of ${schema}`, ['prod'], 'DELETE FROM SOME_TABLE WHERE FALSE', '', EVERYBODY, path(projects.prod, schema)),
    ]),
    ...openSources.flatMap((schema) => reads(`read source ${schema}`, path(projects.prod, schema), ['dev', 'ci', 'prod'], ['dev', 'ci', 'prod', 'janitor'])),
    ...pii.flatMap((schema) => reads(`read personal data in ${schema}`, path(projects.prod, schema), ['prod'])),
    ...[...new Set(Object.values(projects))].flatMap(createsIn),
    ...buildsIn('build a table in your own dataset', 'OWN_DATASET', ['dev'], ['dev']),
    ...givesOn('give rights on your own dataset', 'OWN_DATASET', ['dev']),
    ...(first === undefined
      ? []
      : [
          ...buildsIn(`build a table in ${first.schema}`, path(projects.dev, first.schema), [], ['ci', 'prod', 'janitor', 'reader']),
          ...lists(`look into ${first.schema}`, path(projects.dev, first.schema), ['janitor'], ['ci', 'prod', 'janitor', 'reader']),
        ]),
    ...buildsIn("build a table in a colleague's dataset", 'OTHER_DATASET', [], ['dev']),
    ...lists("look into a colleague's dataset", 'OTHER_DATASET', [], ['dev']),
  ];
}
