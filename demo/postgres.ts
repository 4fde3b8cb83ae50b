import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type CodeHost, openCodeHost } from './code-host.ts';
import { type Matrix, tryEverything } from './matrix.ts';
import { moment } from './moments.ts';
import { type Repository, scaffold } from './repository.ts';
import { act, chapter, say } from './stage.ts';
import { install, LEFTOVER, type Login, openWarehouse, type Warehouse } from './warehouse.ts';

const DAILY = 'models/marts/fct_revenue_daily.sql';
const REVENUE = 'models/marts/fct_revenue.sql';
/** What the scripts say of themselves, beside dbt's results. */
const SAID = /^(?:build_pr|deploy_prod|fetch_state|sweep|sweep_report): (?!dbt )|\bOK\b|\bERROR\b|Done\./;
const NIGHT = /^(?:clear|announce|keep|report|dropped|emptied|kept|failed) |schemas were listed|^sweep: /;

export interface Told {
  readonly matrix: Matrix;
  /** What sweep_report.py wrote, in Markdown. */
  readonly report: string;
}

interface Cast {
  readonly repository: Repository;
  readonly warehouse: Warehouse;
  readonly host: CodeHost;
}

/** The whole story on a real server, in the order in which a team lives it. Throws where anything goes otherwise. */
export async function demoPostgres(): Promise<Told> {
  chapter('A repository, and a database that refuses', 'A real PostgreSQL server. Everybody has a login of their own, and the server itself decides.');
  const repository = await scaffold('postgres', 'looker, anna:reviews');
  let warehouse: Warehouse | undefined;
  let host: CodeHost | undefined;
  try {
    warehouse = await openWarehouse(repository.folder);
    host = await openCodeHost(repository.folder);
    const cast: Cast = { repository, warehouse, host };
    await install(warehouse);
    await productionAndDevelopers(cast);
    await incident(cast);
    await pullRequests(cast);
    const matrix = await everybody(cast);
    await closing(cast);
    await eightDaysLater(cast);
    await sweep(cast);
    return { matrix, report: await report(cast) };
  } finally {
    await host?.stop();
    await warehouse?.stop();
    rmSync(path.dirname(repository.folder), { recursive: true, force: true });
  }
}

async function productionAndDevelopers({ repository, warehouse, host }: Cast): Promise<void> {
  await deploy({ repository, warehouse, host }, 'Production is built by its own service, as CI does on a merge');
  await act(
    { title: "From now on that service alone writes production: the administrator takes everybody else's right", typed: 'grants/90_close_prod.sql' },
    async () => {
      await warehouse.script('90_close_prod');
      return {};
    },
  );
  await moment(warehouse, 'Production is built');
  for (const name of ['priya', 'sam'] as const)
    await repository.dbt({
      title: `${name} builds, under a login of their own`,
      args: 'build',
      env: { DBT_DEV_NAME: name },
      secrets: warehouse.environment(name),
    });
  await query(
    warehouse,
    'priya',
    'Where her tables are',
    "select schemaname || '.' || tablename as \"table\", tableowner as owner from pg_tables where tableowner = 'priya' and tablename ~ '^fct_' order by 1",
  );
  await moment(warehouse, 'priya and sam build');
}

async function incident({ repository, warehouse }: Cast): Promise<void> {
  chapter('The incident, tried again', "Somebody's quick test once overwrote fct_revenue for two hours. priya tries exactly that, in every way that she has.");
  await repository.dbt({
    title: 'With dbt: it refuses before it connects',
    args: 'run --target prod --select fct_revenue',
    env: { DBT_DEV_NAME: 'priya' },
    secrets: warehouse.environment('priya'),
    refusal: /Target prod runs in CI only/,
  });
  await repository.dbt({
    title: "With dbt, and CI's own variable set by hand: the server refuses",
    args: 'run --target prod --select fct_revenue',
    env: { DBT_ENVS_RUNNER: 'merge', DBT_PROD_LOGIN: 'priya' },
    secrets: { ...warehouse.environment('priya'), DBT_ENV_SECRET_PROD_PASSWORD: warehouse.environment('priya').DBT_ENV_SECRET_DEV_PASSWORD ?? '' },
    refusal: /permission denied|must be owner/,
  });
  await act({ title: 'Past dbt, with plain SQL' }, async () => {
    const rows: string[][] = [];
    for (const statement of [
      'drop table analytics.fct_revenue',
      'delete from analytics.fct_revenue',
      'create schema analytics_backup',
      'set role acme_prod_service',
    ]) {
      const answer = await warehouse.attempt('priya', statement);
      if (answer === 'done') throw new Error(`priya: "${statement}" was done`);
      rows.push([statement, `refused: ${answer}`]);
    }
    return { table: { heading: ['statement', 'answer'], rows } };
  });
  await moment(warehouse, 'The incident is tried, and refused');
}

async function pullRequests({ repository, warehouse, host }: Cast): Promise<void> {
  chapter(
    'Pull requests 1 and 12',
    'Each is built into a schema of its own: what it changes, and what depends on that. GitHub is a stand-in on this machine: its API over HTTP.',
  );
  host.branch('count-orders', DAILY, (text) => text.replace('sum(', 'count(*) as orders, sum('));
  host.open(1, 'count-orders');
  await repository.script({
    title: "The job fetches production's state",
    args: 'scripts/dbt_envs/fetch_state.py',
    env: {},
    secrets: host.environment,
    show: SAID,
  });
  await build({ repository, warehouse, host }, '1', 'Pull request 1 counts orders');
  host.checkout('main');
  host.branch('large-orders', REVENUE, (text) => text.replace("'paid'", "'paid'\n    and amount_usd > 70"));
  host.open(12, 'large-orders');
  await build({ repository, warehouse, host }, '12', 'Pull request 12 leaves small orders out');
  await query(
    warehouse,
    'anna',
    'anna reviews 12: real data, beside production',
    'select (select sum(revenue_usd) from analytics.fct_revenue_daily) as production, (select sum(revenue_usd) from pr_12.fct_revenue_daily) as pr_12',
  );
  await query(warehouse, 'sam', 'sam reviews 1', 'select event_date::text as day, orders, revenue_usd from pr_1.fct_revenue_daily order by 1 limit 3');
  await moment(warehouse, 'Pull requests 1 and 12 are built');
}

/** Every role and every action, now that there is something of each kind. */
async function everybody({ warehouse, repository }: Cast): Promise<Matrix> {
  chapter('Who may do what', 'Every cell is an attempt, under that login, answered by the server and undone.');
  let matrix: Matrix | undefined;
  await act({ title: 'Everybody tries everything' }, async () => {
    matrix = await tryEverything(warehouse);
    const heading = ['', ...matrix.roles.map(({ is }) => is)];
    const rows = matrix.rows.map(({ action, answers }) => [action, ...answers.map((answer) => (answer === 'done' ? 'done' : 'refused'))]);
    return { table: { heading, rows }, hasPicture: true };
  });
  await repository.dbt({
    title: 'And the full proof, of which the report keeps the date: priya tries every forbidden act, each beside one that must succeed',
    args: 'run-operation verify_boundary',
    env: { DBT_DEV_NAME: 'priya' },
    secrets: warehouse.environment('priya'),
  });
  await act({ title: 'So does every service, under its own login', typed: 'grants/verify.sql' }, async () => {
    const lines: string[] = [];
    for (const login of ['acme_ci_service', 'acme_prod_service', 'acme_janitor'] as const) {
      const { rows } = await warehouse.ask(login, 'call acme_door.verify(false)');
      const { acts, wrong }: { acts: unknown[]; wrong: number } = JSON.parse(rows[0]?.[0] ?? '');
      if (wrong > 0 || acts.length === 0) throw new Error(`${login}: ${wrong} of ${acts.length} acts came out wrong`);
      lines.push(`${acts.length} acts tried as ${login}, ${wrong} came out wrong`);
    }
    return { lines };
  });
  if (!matrix) throw new Error('nothing was tried');
  return matrix;
}

async function closing({ repository, warehouse, host }: Cast): Promise<void> {
  chapter('One closes, one is merged, and a hook is missed', 'The name of a schema is a whole name: what drops pr_1 does not touch pr_12.');
  host.checkout('main');
  host.close(1);
  await repository.script({
    title: 'Pull request 1 is closed. The job asks GitHub whether it still is',
    args: 'scripts/dbt_envs/pull_request_state.py 1',
    env: {},
    secrets: host.environment,
    show: /./,
  });
  const secrets = warehouse.environment('acme_ci_service');
  await repository.dbt({ title: 'And drops its schema', args: 'run-operation drop_pr_schema --target ci', env: { PR_NUMBER: '1' }, secrets });
  await schemas(warehouse, 'pr_1 is gone, and pr_12 is not', ['pr_12'], ['pr_1']);
  await moment(warehouse, 'Pull request 1 closes: pr_1 goes');
  host.merge(12, 'large-orders');
  await deploy({ repository, warehouse, host }, 'Pull request 12 is merged, and production is deployed');
  await query(warehouse, 'looker', 'What the dashboard reads is what was reviewed', 'select sum(revenue_usd) as revenue_usd from analytics.fct_revenue_daily');
  await schemas(warehouse, 'The job that drops pr_12 never ran: its runner was gone. The schema is still there', ['pr_12'], []);
  await moment(warehouse, 'Pull request 12 is merged: its hook is missed');
}

async function eightDaysLater({ warehouse, host }: Cast): Promise<void> {
  chapter('Eight days later', 'Nobody waits eight days here: the administrator sets the times in the registry back, and the stand-in for GitHub its own.');
  host.close(12, 8);
  host.open(13);
  host.open(21);
  host.close(21, 20);
  await act({ title: 'Two more pull requests have left a schema: 13 is still open, and the janitor has pinned that of 21' }, async () => {
    for (const name of ['pr_13', 'pr_21']) {
      await warehouse.ask('acme_ci_service', `call acme_door.create_schema('${name}')`);
      await warehouse.ask('acme_ci_service', `create table ${name}.fct_revenue as select id from generate_series(1, 1000) as id`);
    }
    await warehouse.ask('acme_janitor', "call acme_door.keep_schema('pr_21', now() + interval '30 days')");
    return { lines: ['pr_13, open for a month', 'pr_21, closed 20 days ago, pinned for 30 more'] };
  });
  await act({ title: "The administrator sets the registry's times back", typed: 'update acme_door.environment set last_used_at = …' }, async () => {
    const ages = { pr_12: 9, pr_13: 40, pr_21: 21, dev_sam: 28 };
    for (const [schema, days] of Object.entries(ages))
      await warehouse.ask(
        'postgres',
        `update acme_door.environment set created_at = least(created_at, now() - interval '${days} days 1 hour'), last_used_at = now() - interval '${days} days' where schema_name = '${schema}'`,
      );
    return { lines: Object.entries(ages).map(([schema, days]) => `${schema}: last used ${days} days ago`) };
  });
  await moment(warehouse, 'Eight days pass');
}

async function sweep({ repository, warehouse, host }: Cast): Promise<void> {
  chapter(
    'The nightly sweep',
    'It drops what it can name a reason for, and asks GitHub again before it does. It has a login of its own, that can read nothing.',
  );
  await repository.script({
    title: 'The sweep runs, as CI does every night',
    args: 'scripts/dbt_envs/sweep.py',
    env: { DBT_CI_LOGIN: 'acme_janitor' },
    secrets: { ...warehouse.environment('acme_janitor'), ...host.environment },
    show: NIGHT,
  });
  await schemas(warehouse, 'What was missed is gone; everything else is there', ['pr_13', 'pr_21', 'dev_priya', 'dev_sam', LEFTOVER, 'analytics'], ['pr_12']);
  await moment(warehouse, 'The sweep: pr_12 goes');
}

async function report({ repository, warehouse }: Cast): Promise<string> {
  chapter('Did it happen again?', 'One page with every sweep, for whoever answers for production.');
  await repository.script({
    title: 'The report is written',
    args: 'scripts/dbt_envs/sweep_report.py',
    env: { DBT_CI_LOGIN: 'acme_janitor' },
    secrets: warehouse.environment('acme_janitor'),
    show: SAID,
  });
  const text = readFileSync(path.join(repository.folder, 'target/dbt_envs/report.md'), 'utf8');
  const answer = text.split('\n').find((line) => line.startsWith('**')) ?? '';
  if (!answer.startsWith('**No sign of it**')) throw new Error(`The report answers "${answer}":\n${text}`);
  await act({ title: 'What it answers' }, async () => ({ lines: [answer] }));
  for (const line of text.replace(/<details>[\s\S]*?<\/details>/g, '').split('\n')) if (line !== '' && !line.startsWith('<!--')) say(line);
  return text;
}

async function deploy({ repository, warehouse, host }: Cast, title: string): Promise<void> {
  await repository.script({
    title,
    args: 'scripts/dbt_envs/deploy_prod.py',
    env: { DBT_ENVS_RUNNER: 'merge' },
    secrets: warehouse.environment('acme_prod_service'),
    show: SAID,
  });
  host.publish(path.join(repository.folder, 'target/dbt_envs/state'));
}

function build({ repository, warehouse }: Cast, number: string, title: string): Promise<string> {
  const secrets = warehouse.environment('acme_ci_service');
  return repository.script({ title, args: 'scripts/dbt_envs/build_pr.py', env: { PR_NUMBER: number }, secrets, show: SAID });
}

async function query(warehouse: Warehouse, login: Login, title: string, statement: string): Promise<void> {
  await act({ title, typed: statement }, async () => {
    const table = await warehouse.ask(login, statement);
    if (table.rows.length === 0) throw new Error(`"${statement}" found nothing`);
    return { table };
  });
}

/** Which schemas the server lists. Throws where one is missing, or is there that should be gone. */
async function schemas(warehouse: Warehouse, title: string, there: readonly string[], gone: readonly string[]): Promise<void> {
  await act({ title }, async () => {
    const found = await warehouse.schemas();
    const wrong = [...there.filter((name) => !found.includes(name)), ...gone.filter((name) => found.includes(name))];
    if (wrong.length > 0) throw new Error(`${title}: ${wrong.join(', ')}; there are ${found.join(', ')}`);
    return { lines: [found.join(', ')] };
  });
}
