import { BigQueryModel, type Login, type Reading } from './bigquery-model/model.ts';
import { type Identity, type Layout, logins, type Names, names } from './bigquery-table.ts';

/** What an administrator runs, in order. */
export interface Step {
  readonly kind: 'sql' | 'sh';
  readonly text: string;
  readonly name: string;
}

/** Who runs the scripts: an administrator of BigQuery, of accounts, roles, pools and policies on the projects, and no Owner. */
export const ADMIN: Login = { who: 'user:dana@acme.example', project: 'acme-prod' };

/** What the tokens of CI's jobs say, for the script that lets them in. */
export const TRUST: Readonly<Record<string, string>> = {
  TOKEN_ISSUER: 'https://token.actions.githubusercontent.com',
  CI_CLAIMS: 'sub=repo:acme/warehouse:environment:ci repository_id=4711 repository_owner_id=11',
  PROD_CLAIMS: 'sub=repo:acme/warehouse:environment:prod repository_id=4711 repository_owner_id=11',
  JANITOR_CLAIMS: 'sub=repo:acme/warehouse:environment:janitor repository_id=4711 repository_owner_id=11',
};

/** Dataform's service agent in each project. */
const agentsOfDataform = ({ prod, dev, ci }: Pick<Names, 'prod' | 'dev' | 'ci'>): readonly string[] =>
  [...new Set([prod, dev, ci])].map((_, index) => `serviceAccount:service-${(index + 1) * 111}@gcp-sa-dataform.iam.gserviceaccount.com`);

/** The company before anything of ours: an organization, a folder, its projects, people with rights from above, sources, datasets of others. */
export function company(reading: Reading, layout: Layout): BigQueryModel {
  const { prod, dev, ci } = names(layout);
  const model = new BigQueryModel(reading);
  model.organization('1');
  model.folder('10', 'organizations/1');
  const own = [...new Set([prod, dev, ci])];
  own.forEach((id, index) => {
    model.project(id, `${(index + 1) * 111}`, 'folders/10');
  });
  model.project('acme-bi', '777', 'folders/10');
  // Everybody has some project to run queries in.
  model.project('elsewhere', '888');
  const people = ['priya', 'sam', 'sam.smith', 'noor', 'lea', 'looker', 'anna', 'dana', 'olga', 'ed', 'vic', 'finn'].map((one) => `user:${one}@acme.example`);
  model.people(...people, 'user:mallory@elsewhere.example');
  // Dataform is on.
  model.people(...agentsOfDataform({ prod, dev, ci }));
  model.bind('projects/elsewhere', 'roles/bigquery.user', 'allAuthenticatedUsers');
  model.bind('projects/acme-bi', 'roles/bigquery.jobUser', 'user:looker@acme.example');
  model.bind('folders/10', 'roles/bigquery.dataEditor', 'user:finn@acme.example');
  for (const id of own) {
    const on = `projects/${id}`;
    model.bind(on, 'roles/owner', 'user:olga@acme.example');
    model.bind(on, 'roles/editor', 'user:ed@acme.example');
    model.bind(on, 'roles/viewer', 'user:vic@acme.example');
    for (const role of ['bigquery.admin', 'resourcemanager.projectIamAdmin', 'iam.serviceAccountAdmin', 'iam.roleAdmin', 'iam.workloadIdentityPoolAdmin'])
      model.bind(on, `roles/${role}`, ADMIN.who);
  }
  model.connection(prod, 'us', 'outside');
  model.sql(
    `
    create schema \`${prod}\`.raw; create table \`${prod}\`.raw.orders (id int64, amount int64);
    create schema \`${prod}\`.raw_pii; create table \`${prod}\`.raw_pii.people (id int64, email string);
    create schema \`${prod}\`.product; create table \`${prod}\`.product.items (i int64);
    create schema \`${prod}\`.device_events; create schema \`${prod}\`.private_x;
    create schema \`${dev}\`.notebooks; create table \`${dev}\`.notebooks.n (i int64);
    create schema \`${ci}\`.product_x; create table \`${ci}\`.product_x.n (i int64);
    create schema \`${prod}\`.retired; create table \`${prod}\`.retired.old (i int64); drop schema \`${prod}\`.retired cascade;
    `,
    { who: 'user:olga@acme.example', project: prod },
  );
  return model;
}

/** What everybody has built once the boundary stands; the table is about this world. */
export function furniture(n: Names): readonly (readonly [Identity, string])[] {
  const { prod, dev, ci } = n;
  return [
    ['prod', `create table \`${prod}\`.analytics.orders as select * from \`${prod}\`.raw.orders`],
    ['prod', `create view \`${prod}\`.analytics.v_orders as select * from \`${prod}\`.analytics.orders`],
    ['prod', `create table \`${prod}\`.staging.stg_orders as select * from \`${prod}\`.raw.orders`],
    ['prod', `create table \`${prod}\`.analytics.gone (id int64); drop table \`${prod}\`.analytics.gone`],
    ...['pr_12', 'pr_123', 'pr_1', 'pr_9'].map((pr): readonly [Identity, string] => [
      'ci',
      `${n.createPr(pr)}; create table \`${ci}\`.${pr}.orders as select * from \`${prod}\`.analytics.orders`,
    ]),
    ['ci', `drop schema \`${ci}\`.pr_9 cascade`],
    ...(['priya', 'sam', 'sam_smith', 'noor'] as const).map((one): readonly [Identity, string] => [
      one,
      `create table \`${dev}\`.dev_${one}.orders as select * from \`${prod}\`.analytics.orders; create view \`${dev}\`.dev_${one}.v as select * from \`${dev}\`.dev_${one}.orders`,
    ]),
    ['priya', `create function \`${dev}\`.dev_priya.f(x int64) as (x + 1); create snapshot table \`${dev}\`.dev_priya.snap clone \`${prod}\`.analytics.orders`],
  ];
}

/** Runs a step as the administrator. */
export function step(model: BigQueryModel, { kind, text }: Step, variables: Readonly<Record<string, string>> = TRUST): void {
  if (kind === 'sql') model.sql(text, ADMIN);
  else model.shell(text, ADMIN, variables);
}

/**
 * The company with an installation in it: `first` with the leaver still there, who builds something; then `then` without her; then everybody at work.
 * Throws where a step is refused or not known, and where somebody cannot do their work, unless it is `faulty`.
 */
export function world(
  reading: Reading,
  n: Names,
  first: readonly Step[],
  then: readonly Step[],
  faulty: 'faulty' | 'sound' = 'sound',
  before?: (model: BigQueryModel) => void,
): BigQueryModel {
  const model = company(reading, n.layout);
  before?.(model);
  for (const one of first) step(model, one);
  const work = (who: Login, text: string): void => {
    if (faulty === 'sound' || model.attempt(who, text) === 'done') model.run(text, who);
  };
  work({ who: 'user:lea@acme.example', project: n.dev }, `create table \`${n.dev}\`.dev_lea.orders (id int64)`);
  for (const one of then) step(model, one);
  // Somebody builds production with Dataform too: whoever runs code as its agent writes it.
  for (const agent of agentsOfDataform(n)) model.bind(`projects/${n.prod}/datasets/analytics`, 'roles/bigquery.dataEditor', agent);
  const all = logins(n);
  for (const [identity, text] of furniture(n)) work(all[identity], text);
  return model;
}
