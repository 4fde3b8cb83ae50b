import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dbt, python } from '../support/dbt.ts';
import { createDatabase, install, setPasswords, superuserOf, using } from '../support/postgres-engine.ts';
import { type Server, startServer } from '../support/postgres-server.ts';
import { scaffold } from '../support/scaffold.ts';

const ANSWERS = { warehouse: 'postgres', team: 'priya, sam', sourceSchemas: 'raw' };

let server: Server;
let project: string;
let passwords: ReadonlyMap<string, string>;
beforeAll(async () => {
  project = scaffold(ANSWERS);
  git('init', '-q', '-b', 'main');
  commit('the first');
  server = await startServer();
  await createDatabase(server, 'warehouse', superuserOf(server), 'create schema raw');
  await install(server, superuserOf(server), 'warehouse', ANSWERS);
  passwords = await setPasswords(server, ['acme_ci_service', 'acme_prod_service', 'priya']);
  const { code, output } = await script('deploy_prod', { DBT_ENVS_RUNNER: 'merge' });
  expect(code, output).toBe(0);
  cpSync(at('target/dbt_envs/state'), at('state'), { recursive: true });
});
afterAll(() => server?.stop());

const at = (file: string): string => path.join(project, file);
const git = (...args: readonly string[]): void => void execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], { cwd: project });
const commit = (message: string): void => {
  git('add', '-A');
  git('commit', '-qm', message);
};
const edit = (file: string, change: (text: string) => string): void => writeFileSync(at(file), change(readFileSync(at(file), 'utf8')));
const connection = () => ({
  DBT_PG_HOST: server.host,
  DBT_PG_PORT: String(server.port),
  DBT_PG_DATABASE: 'warehouse',
  DBT_PG_SSLMODE: 'disable',
  DBT_ENV_SECRET_CI_PASSWORD: passwords.get('acme_ci_service') ?? '',
  DBT_ENV_SECRET_PROD_PASSWORD: passwords.get('acme_prod_service') ?? '',
});
const script = (name: string, env: Record<string, string>) =>
  python(project, [at(`scripts/dbt_envs/${name}.py`)], { env: { ...connection(), ...env }, python: 'postgres' });
const build = (number: number, env: Record<string, string> = {}) => script('build_pr', { PR_NUMBER: String(number), PR_COMMIT: 'c'.repeat(40), ...env });
const operation = (number: number, name: string, args: object, target = 'ci') =>
  dbt(project, ['--quiet', 'run-operation', name, '--target', target, '--args', JSON.stringify(args)], {
    env: { ...connection(), PR_NUMBER: String(number), DBT_DEV_NAME: 'priya', DBT_ENV_SECRET_DEV_PASSWORD: passwords.get('priya') ?? '' },
    python: 'postgres',
  });
const report = () => JSON.parse(readFileSync(at('target/dbt_envs/build.json'), 'utf8'));
const ask = (sql: string, login = 'postgres', password = server.password) =>
  using(server, { login, password }, 'warehouse', async (client) => (await client.query({ text: sql, rowMode: 'array' })).rows);
/** Tables and views, as a session of its own sees them. */
const relations = async (schema: string): Promise<readonly string[]> =>
  (await ask(`select relname from pg_class where relnamespace = to_regnamespace('${schema}') and relkind in ('r', 'v', 'm') order by 1`)).map(([name]) => name);

describe('with the state of production', () => {
  test('only what was changed is built, and what depends on it; the rest is read from production', async () => {
    edit('models/marts/fct_revenue.sql', (text) => `${text}-- a change\n`);
    const { code, output } = await build(14);
    expect(code, output).toBe(0);
    expect(output).toContain('build_pr: what was changed is built, everything else is read from production as of less than an hour ago, commit ');
    expect(await relations('pr_14')).toEqual(expect.arrayContaining(['fct_revenue', 'fct_revenue_daily']));
    expect(await relations('pr_14')).not.toEqual(expect.arrayContaining(['stg_orders']));
    expect(report()).toMatchObject({ schema: 'pr_14', commit: 'c'.repeat(40), mode: 'slim', built: true, problems: [] });
    expect(existsSync(at('target/dbt_envs/run_results.json'))).toBe(true);
    expect((await ask('select sum(revenue_usd) > 0 from pr_14.fct_revenue_daily', 'priya', passwords.get('priya')))[0]).toEqual([true]);
  });
  test('a push that reverts one model and renames another leaves nothing of either', async () => {
    edit('models/marts/fct_revenue.sql', (text) => text.replace('-- a change\n', ''));
    renameSync(at('models/marts/fct_revenue_daily.sql'), at('models/marts/fct_daily.sql'));
    rmSync(at('tests/daily_revenue_adds_up.sql'));
    edit('models/marts/_marts.yml', (text) => text.replaceAll('fct_revenue_daily', 'fct_daily'));
    const { code, output } = await build(14);
    expect(code, output).toBe(0);
    expect(output).toMatch(/build_pr: dropped of an earlier build: .*fct_revenue.*/);
    const left = await relations('pr_14');
    expect(left).toContain('fct_daily');
    expect(left).not.toContain('fct_revenue');
    expect(left).not.toContain('fct_revenue_daily');
    git('checkout', '-q', '.');
    git('clean', '-qfd', 'models');
  });
  test('an incremental model starts anew: what an earlier push has written is not added to', async () => {
    edit('models/marts/fct_events.sql', (text) => `${text}-- a change\n`);
    expect((await build(14)).code).toBe(0);
    await ask('insert into pr_14.fct_events select * from pr_14.fct_events', 'acme_ci_service', passwords.get('acme_ci_service'));
    const [before] = await ask('select count(*) from pr_14.fct_events');
    expect((await build(14)).code).toBe(0);
    expect(Number((await ask('select count(*) from pr_14.fct_events'))[0]?.[0])).toBe(Number(before?.[0]) / 2);
    git('checkout', '-q', '.');
  });
  test('where nothing that dbt builds was changed, nothing is built, and that is no failure', async () => {
    const { code, output } = await build(14);
    expect([code, output.includes('nothing that dbt builds was changed')], output).toEqual([0, true]);
    expect(await relations('pr_14')).toEqual([]);
  });
  test('a unit test that is new is run, though dbt would pass it over: its model is built for it', async () => {
    edit('models/marts/_marts.yml', (text) => {
      const [one = ''] = / {2}- name: daily_revenue_sums_a_day\n[\s\S]*?(?=\nexposures:)/.exec(text) ?? [];
      return text.replace(one, `${one}${one.replace('daily_revenue_sums_a_day', 'the_same_again')}`);
    });
    const { code, output } = await build(14);
    expect(code, output).toBe(0);
    expect(output).toMatch(/PASS fct_revenue_daily::the_same_again/);
    expect(await relations('pr_14')).toContain('fct_revenue_daily');
    git('checkout', '-q', '.');
  });
  test('a model that fails is a failure, what came of the others is left for the card, and nothing stays of an earlier push under the name of what was not built', async () => {
    writeFileSync(at('models/marts/wrong.sql'), 'select 1 as x');
    writeFileSync(at('models/marts/after_wrong.sql'), "select * from {{ ref('wrong') }}");
    writeFileSync(at('models/marts/right.sql'), 'select 1 as x');
    expect((await build(14)).code).toBe(0);
    writeFileSync(at('models/marts/wrong.sql'), 'select 1 / 0 as x');
    const { code, output } = await build(14);
    expect([code, report().built], output).toEqual([1, false]);
    expect(readFileSync(at('target/dbt_envs/run_results.json'), 'utf8')).toContain('model.acme.wrong');
    expect(await relations('pr_14')).toEqual(['right']);
    for (const name of ['wrong', 'after_wrong', 'right']) rmSync(at(`models/marts/${name}.sql`));
  });
});

describe('the checks of a pull request', () => {
  test("SQL that names another environment's schema fails it, though it was built", async () => {
    const ci = ['acme_ci_service', passwords.get('acme_ci_service')] as const;
    await ask("call acme_door.create_schema('pr_15')", ...ci);
    await ask('create table pr_15.fct_revenue as select * from analytics.fct_revenue', ...ci);
    writeFileSync(at('models/marts/borrowed.sql'), 'select * from pr_15.fct_revenue');
    const { code, output } = await build(16);
    expect(output).toContain('build_pr: model.acme.borrowed names pr_15.fct_revenue, which is dropped with its environment: use ref().');
    expect([code, report().built, report().problems.length]).toEqual([1, true, 1]);
    rmSync(at('models/marts/borrowed.sql'));
  });
  test('a schema of production that nobody has granted fails it, and names what the administrator runs', async () => {
    edit('macros/dbt_envs/answers.sql', (text) => text.replace("'staging'", "'staging', 'finance'"));
    const { code, output } = await build(16);
    expect(output).toContain('build_pr: Schema finance: it is not there. Before this is merged, an administrator runs grants/20_boundary.sql');
    expect([code, report().built]).toEqual([1, true]);
    const problems = async () => (await operation(16, 'check_prod_schemas', {})).output;
    await ask('create schema finance');
    expect(await problems()).toContain('finance: acme_prod_service may not build in it.');
    await install(server, superuserOf(server), 'warehouse', { ...ANSWERS, prodSchemas: 'analytics, staging, finance' });
    expect(await problems()).toBe('{"problems": []}\n');
    git('checkout', '-q', '.');
  });
});

describe('with a state that another version of dbt has made', () => {
  test('everything is built, and why is said', async () => {
    cpSync(at('state'), at('kept'), { recursive: true });
    edit('state/manifest.json', (text) => text.replace('"dbt_version": "1.12.6"', '"dbt_version": "1.11.4"'));
    const { code, output } = await build(17);
    expect(code, output).toBe(0);
    expect(output).toContain(
      'build_pr: FULL BUILD: production was built by dbt 1.11.4, and this is dbt 1.12.6: what differs cannot be told. EVERYTHING is built.',
    );
    expect(report()).toMatchObject({ mode: 'full', production: null });
    expect(await relations('pr_17')).toEqual(expect.arrayContaining(['stg_orders', 'fct_revenue', 'orders_snapshot', 'raw_orders']));
  });
  test('a state that cannot be read stops the build: it is not taken for none', async () => {
    rmSync(at('state'), { recursive: true, force: true });
    cpSync(at('kept'), at('state'), { recursive: true });
    writeFileSync(at('state/manifest.json'), '{"half a');
    const { code, output } = await build(17);
    expect([code, output.includes("is no manifest of dbt's")], output).toEqual([1, true]);
  });
});

describe('clean_pr_schema', () => {
  test('drops what it is not told to keep, of its own schema alone, and for good', async () => {
    const before = await relations('pr_17');
    const other = await relations('pr_16');
    const { code, output } = await operation(17, 'clean_pr_schema', { keep: ['fct_revenue', 'stg_orders'] });
    expect(code, output).toBe(0);
    // A view goes with the table that it reads.
    expect(await relations('pr_17')).toEqual(['fct_revenue']);
    expect(JSON.parse(output.trim().split('\n').at(-1) ?? '').dropped.length).toBeGreaterThan(before.length - 4);
    expect(await relations('pr_16')).toEqual(other);
    expect((await operation(17, 'clean_pr_schema', { keep: ['fct_revenue'] })).output).toContain('{"dropped": []}');
    expect((await operation(9999, 'clean_pr_schema', {})).output).toContain('{"dropped": []}');
  });
  test('runs under target ci alone', async () => {
    const { code, output } = await operation(17, 'clean_pr_schema', {}, 'dev');
    expect([code === 0, output.includes('Only target ci cleans pr_17')], output).toEqual([false, true]);
    expect(await relations('pr_17')).toEqual(['fct_revenue']);
  });
});
