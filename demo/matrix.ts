import type { Login, Warehouse } from './warehouse.ts';

/** Who may do what, as the server itself answered: every cell was tried under that login, and undone. */
export interface Matrix {
  readonly roles: readonly Role[];
  readonly rows: readonly Row[];
  readonly refused: number;
  readonly done: number;
}
export interface Role {
  readonly login: Login;
  readonly is: string;
}
export interface Row {
  readonly action: string;
  readonly statement: string;
  /** `done`, or the server's message; one for each role. */
  readonly answers: readonly string[];
}

const ROLES: readonly Role[] = [
  { login: 'priya', is: 'developer' },
  { login: 'anna', is: 'reviewer' },
  { login: 'looker', is: 'BI' },
  { login: 'acme_ci_service', is: 'CI' },
  { login: 'acme_janitor', is: 'sweep' },
  { login: 'acme_prod_service', is: 'production' },
];
/** Each action with who may: everybody else must be refused. */
const ACTIONS: readonly (readonly [action: string, statement: string, may: readonly Role['is'][]])[] = [
  ['read production', 'select count(*) from analytics.fct_revenue', ['developer', 'reviewer', 'BI', 'CI', 'production']],
  ['overwrite production', 'delete from analytics.fct_revenue', ['production']],
  ['drop a table of production', 'drop table analytics.fct_revenue cascade', ['production']],
  ['make a table in production', 'create table analytics.quick_test as select 1 as one', ['production']],
  ['make a schema of any name', 'create schema analytics_backup', []],
  ['become production', 'set role acme_prod_service', ['production']],
  ['build in dev_priya', 'create table dev_priya.quick_test as select 1 as one', ['developer']],
  ['build in dev_sam', 'create table dev_sam.quick_test as select 1 as one', []],
  ['read dev_sam', 'select count(*) from dev_sam.fct_revenue', []],
  ['build in pr_12', 'create table pr_12.quick_test as select 1 as one', ['CI']],
  ['read pr_12', 'select count(*) from pr_12.fct_revenue_daily', ['developer', 'reviewer', 'CI']],
  ['drop pr_12 without the door', 'drop schema pr_12 cascade', []],
  ['make pr_99 through the door', "call acme_door.create_schema('pr_99')", ['CI']],
  ['make product through the door', "call acme_door.create_schema('product')", []],
];

/** Tries every cell. Throws where the server answers otherwise than it should. */
export async function tryEverything(warehouse: Warehouse): Promise<Matrix> {
  const rows: Row[] = [];
  for (const [action, statement, may] of ACTIONS) {
    const answers: string[] = [];
    for (const { login, is } of ROLES) {
      const answer = await warehouse.attempt(login, statement);
      if ((answer === 'done') !== may.includes(is)) throw new Error(`${login}: "${statement}" was ${answer}`);
      answers.push(answer);
    }
    rows.push({ action, statement, answers });
  }
  const all = rows.flatMap(({ answers }) => answers);
  const done = all.filter((answer) => answer === 'done').length;
  return { roles: ROLES, rows, done, refused: all.length - done };
}
