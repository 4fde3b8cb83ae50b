import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DbtOptions, dbt, python } from '../support/dbt.ts';
import { obeyed, renderAll } from '../support/github-markdown.ts';
import { asSuperuser, createDatabase, install, setPasswords, superuserOf, using } from '../support/postgres-engine.ts';
import { BEFORE, MATRIX_ANSWERS } from '../support/postgres-matrix.ts';
import { type Server, startServer } from '../support/postgres-server.ts';
import { MARKER } from '../support/review-card.ts';
import { scaffold } from '../support/scaffold.ts';

interface Side {
  readonly kind: string;
  readonly rows: number | null;
  readonly exact: boolean;
  readonly bytes: number | null;
}
interface Facts {
  readonly schema: string;
  readonly relations: readonly { readonly id: string; readonly name: string; readonly here: Side; readonly prod: Side | null; readonly columns: unknown }[];
  readonly left_in_prod: readonly unknown[];
  readonly query: string;
}
const factsIn = (output: string): Facts => JSON.parse(output.trimEnd().split('\n').at(-1) ?? '');
const operation = ['--quiet', 'run-operation', 'review_card', '--target', 'ci'];

const HOSTILE = 'tick` pipe| <img src=x> @team #1';
const put = (project: string, models: Readonly<Record<string, string>>): void => {
  for (const [name, sql] of Object.entries(models)) writeFileSync(path.join(project, 'models/marts', `${name}.sql`), sql);
};
/** What production was built from. */
const BEFORE_THE_CHANGE = {
  widened: "select 1 as id, cast('x' as varchar) as dropped, cast(1 as integer) as kept",
  was_there: 'select 1 as id',
  removed: 'select 1 as id',
  grows: "{{ config(materialized='incremental') }} select 1 as id union all select 2",
};
/** What the pull request makes of it, with `removed` gone, and `was_there` dropped from production by somebody. */
const AFTER_THE_CHANGE = {
  widened: `select 1 as id, cast(1 as bigint) as kept, 'x' as "${HOSTILE}"`,
  grows: "{{ config(materialized='incremental') }} select 1 as id union all select 2 union all select 3",
  new_model: "select 1 as id from {{ ref('fct_revenue') }} limit 2",
  hostile: `{{ config(alias='${HOSTILE}') }} select 1 as id`,
};
const change = (project: string): void => {
  rmSync(path.join(project, 'models/marts/removed.sql'));
  put(project, AFTER_THE_CHANGE);
};
const untouched = { added: [], removed: [], retyped: [] };

/** The facts of that change, the same on every warehouse but for its names of types. */
function expectTheChange(facts: Facts, types: { readonly text: string; readonly integer: string; readonly bigint: string; readonly literal: string }): void {
  const of = (name: string) => facts.relations.find((one) => one.name === name);
  expect(of('widened')?.columns).toEqual({
    added: [[HOSTILE, types.literal]],
    removed: [['dropped', types.text]],
    retyped: [['kept', types.integer, types.bigint]],
  });
  expect(of('new_model')).toMatchObject({ here: { kind: 'table', rows: 2, exact: true }, prod: null, columns: null });
  expect(of('was_there')).toMatchObject({ here: { rows: 1 }, prod: null });
  expect(of('grows')).toMatchObject({ here: { rows: 3, exact: true }, prod: { rows: 2, exact: true }, columns: untouched });
  expect(of('orders_snapshot')).toMatchObject({ id: 'snapshot.acme.orders_snapshot', here: { rows: 9 }, prod: { rows: 9 }, columns: untouched });
  expect(of('raw_orders')).toMatchObject({ id: 'seed.acme.raw_orders', here: { rows: 9, exact: true }, prod: { rows: 9, exact: true } });
  expect(of('stg_orders')).toMatchObject({ here: { kind: 'view', rows: null }, prod: { kind: 'view', rows: null }, columns: untouched });
  expect(of(HOSTILE)).toMatchObject({ here: { rows: 1 }, prod: null });
  expect(facts.relations).toHaveLength(13);
  expect(facts.left_in_prod).toEqual([{ schema: 'analytics', name: 'removed' }]);
}

/** What build_pr.py leaves right after dbt build: every later dbt command overwrites target/. */
function leave(project: string, build: object): void {
  const folder = path.join(project, 'target/dbt_envs');
  mkdirSync(folder, { recursive: true });
  for (const name of ['manifest.json', 'run_results.json']) copyFileSync(path.join(project, 'target', name), path.join(folder, name));
  const commit = '4f2c9d8e1b7a6053c2d1e0f9a8b7c6d5e4f3a2b1';
  writeFileSync(path.join(folder, 'build.json'), JSON.stringify({ commit, mode: 'full', why: 'no state yet', production: null, problems: [], ...build }));
}
/** The card that the script writes, with real dbt. */
async function cardOf(project: string, options: DbtOptions): Promise<string> {
  const { code, output } = await python(project, ['scripts/dbt_envs/review_card.py'], options);
  expect(code, output).toBe(0);
  return readFileSync(path.join(project, 'target/dbt_envs/card.md'), 'utf8');
}
const table = (card: string): string => card.split('<details>')[0] ?? '';

describe('on PostgreSQL, as ci_service', () => {
  const SECRET_ROW = 'ana@example.com';
  let server: Server;
  let project: string;
  let passwords: ReadonlyMap<string, string>;
  beforeAll(async () => {
    project = scaffold(MATRIX_ANSWERS);
    server = await startServer();
    await createDatabase(server, 'warehouse', superuserOf(server), `${BEFORE}; create table raw.people as select '${SECRET_ROW}'::text as email, 1 as id`);
    await install(server, superuserOf(server), 'warehouse');
    passwords = await setPasswords(server, ['acme_ci_service', 'acme_prod_service']);
    // Every statement of ci_service from its next session on, with its time.
    await asSuperuser(server, 'warehouse', 'alter role acme_ci_service set log_min_duration_statement = 0');
  });
  afterAll(() => server?.stop());

  const password = (login: string): string => passwords.get(login) ?? '';
  const optionsFor = (number: number): DbtOptions => ({
    env: {
      DBT_PG_HOST: server.host,
      DBT_PG_PORT: String(server.port),
      DBT_PG_DATABASE: 'warehouse',
      DBT_PG_SSLMODE: 'disable',
      DBT_ENV_SECRET_CI_PASSWORD: password('acme_ci_service'),
      PR_NUMBER: String(number),
    },
    python: 'postgres',
  });
  const as = (login: string, sql: string) => using(server, { login, password: password(login) }, 'warehouse', (client) => client.query(sql));
  const serverLog = () =>
    using(server, superuserOf(server), 'warehouse', async (client) => {
      const { rows } = await client.query('select pg_read_file(pg_current_logfile()) as log');
      return String(rows[0]?.log);
    });
  /** The statements that the server ran for ci_service meanwhile, with their seconds; transactions and dbt's settings left out. */
  const statementsOf = async (work: () => Promise<unknown>): Promise<readonly { readonly sql: string; readonly seconds: number }[]> => {
    const before = (await serverLog()).length;
    await work();
    const log = (await serverLog()).slice(before);
    return [...log.matchAll(/duration: ([\d.]+) ms {2}statement: ([\s\S]*?)(?=\n\d{4}-\d\d-\d\d |\s*$)/g)]
      .map(([, ms, sql = '']) => ({ sql, seconds: Number(ms) / 1000 }))
      .filter(({ sql }) => !/^\s*(?:begin|commit|rollback)\b/i.test(sql));
  };
  const prodSchemas = 2;

  test('facts of the change; one metadata query a schema and one that counts; the card', async () => {
    put(project, BEFORE_THE_CHANGE);
    const withoutTests = ['--exclude', 'resource_type:test', 'resource_type:unit_test'];
    const options = optionsFor(14);
    const deployed = await dbt(project, ['build', '--target', 'prod', ...withoutTests], {
      env: { ...options.env, DBT_ENVS_RUNNER: 'merge', DBT_ENV_SECRET_PROD_PASSWORD: password('acme_prod_service') },
      python: 'postgres',
    });
    expect(deployed.code, deployed.output).toBe(0);
    await as('acme_prod_service', 'drop table analytics.was_there');
    change(project);
    const built = await dbt(project, ['build', '--target', 'ci', ...withoutTests], options);
    expect(built.code, built.output).toBe(0);
    leave(project, { schema: 'pr_14', built: true });

    let output = '';
    const statements = await statementsOf(async () => {
      const ran = await dbt(project, operation, options);
      expect(ran.code, ran.output).toBe(0);
      output = ran.output;
    });
    expect(statements.filter(({ sql }) => sql.includes('pg_catalog.pg_class'))).toHaveLength(1 + prodSchemas);
    expect(statements.filter(({ sql }) => sql.includes('count(*)'))).toHaveLength(1);
    expect(statements.map(({ sql }) => sql)).toHaveLength(1 + prodSchemas + 1);
    expectTheChange(factsIn(output), { text: 'character varying', integer: 'integer', bigint: 'bigint', literal: 'text' });

    const card = await cardOf(project, options);
    expect(card).toContain('### `pr_14`: built\n');
    expect(table(card)).toContain('added `tick\\u{60} pipe\\u{7c} <img src=x> @team…` `text`; removed `dropped`; retyped `kept` from `integer` to `bigint`');
    expect(table(card)).toContain('| `grows` | 3 | 2 | +1 (+50.0 %) |  |');
    expect(table(card)).toContain('| `new_model` | 2 | not there | new |  |');
    expect(table(card)).toMatch(/\| `fct_revenue` \| (\d+) \| \1 \| 0 \|/);
    expect(table(card)).toContain('| `stg_orders` | view | view |  |  |');
    expect(card).toContain('```sql\nselect * from pr_14.fct_revenue_daily limit 100;\n```');
    const [tree] = await renderAll([card]);
    expect(tree && obeyed(tree, MARKER)).toEqual([]);
  });

  test('a query for every relation is more than one a schema: the count finds it', async () => {
    const file = path.join(project, 'macros/dbt_envs/review_card.sql');
    const sound = readFileSync(file, 'utf8');
    const asking = '{%- do adapter.get_columns_in_relation(api.Relation.create(database=target.database, schema=schema, identifier=node.alias)) -%}';
    writeFileSync(file, sound.replace('{%- if built -%}', `{%- if built -%}${asking}`));
    const statements = await statementsOf(() => dbt(project, operation, optionsFor(14)));
    writeFileSync(file, sound);
    expect(statements.length).toBeGreaterThan(1 + prodSchemas + 1 + 10);
  });

  test('what ci_service may not read is listed and not counted', async () => {
    const readers = await using(server, superuserOf(server), 'warehouse', (client) =>
      client.query(
        "select distinct grantee::regrole::text from pg_class c, aclexplode(c.relacl) where c.oid = 'analytics.grows'::regclass and grantee <> 0 and grantee <> relowner",
      ),
    );
    for (const { grantee } of readers.rows) await as('acme_prod_service', `revoke select on analytics.grows from ${grantee}`);
    const { code, output } = await dbt(project, operation, optionsFor(14));
    expect(code, output).toBe(0);
    expect(factsIn(output).relations.find(({ name }) => name === 'grows')).toMatchObject({
      here: { rows: 3, exact: true },
      prod: { kind: 'table', rows: null, exact: false },
    });
  });

  test('secrets in rows, in the environment and in names reach neither the card, nor the output, nor the log', async () => {
    const options = optionsFor(15);
    const secret = password('acme_ci_service');
    put(project, {
      people: `select email, id, 1 as "is ${secret}" from raw.people`,
      widened: `select 1 as id, 2 as kept, 3 as "col_${secret}"`,
    });
    writeFileSync(
      path.join(project, 'models/marts/_people.yml'),
      'models:\n  - name: people\n    columns:\n      - name: email\n        data_tests: [{accepted_values: {arguments: {values: [nobody]}}}]\n',
    );
    writeFileSync(path.join(project, 'tests/no_people.sql'), "select email from {{ ref('people') }}");
    rmSync(path.join(project, 'logs'), { recursive: true });
    const built = await dbt(project, ['build', '--target', 'ci', '--select', 'people+', 'widened'], options);
    expect(built.code, built.output).toBe(1);
    leave(project, { schema: 'pr_15', built: false });
    const ran = await dbt(project, operation, options);
    expect(factsIn(ran.output).relations.map(({ name }) => name)).toEqual(['people', 'widened']);
    const card = await cardOf(project, options);
    expect(card).toContain('### `pr_15`: 2 tests failed');
    expect(card).toContain('- `no_people` of `people`: 1 failing row');
    expect(card).toContain('of `people`: 1 failing row');
    expect(card).toContain('added `col_*****` `integer`');
    const log = readFileSync(path.join(project, 'logs/dbt.log'), 'utf8');
    for (const planted of [SECRET_ROW, secret]) {
      const found = Object.entries({ card, log, build: built.output, operation: ran.output }).filter(([, text]) => text.includes(planted));
      expect(found.map(([where]) => where)).toEqual([]);
    }
    // The same search finds what is there.
    expect([log.includes('raw.people'), ran.output.includes('people'), card.includes('people')]).toEqual([true, true, true]);
  });

  test("an error that quotes data is in dbt's log, as dbt writes it, and not on the card", async () => {
    put(project, { quoting: 'select email::integer as x from raw.people', after: "select * from {{ ref('quoting') }}", typo: 'select {{ nowhere() }} as x' });
    const built = await dbt(project, ['build', '--target', 'ci', '--select', 'quoting+', 'typo'], optionsFor(16));
    leave(project, { schema: 'pr_16', built: false });
    expect(built.output).toContain(SECRET_ROW);
    const card = await cardOf(project, optionsFor(16));
    expect(card).toContain('### `pr_16`: build failed');
    expect(card).toContain('| `quoting` | failed |');
    expect(card).toContain('- `quoting` (model): failed in the warehouse');
    expect(card).toContain('- `typo` (model): failed before it reached the warehouse');
    expect(card).toContain('- `after` (model): skipped, since something that it needs failed');
    expect(card).not.toContain(SECRET_ROW);
  });

  test('without its password the card is written and says that the warehouse could not be asked', async () => {
    const { env, ...others } = optionsFor(14);
    const card = await cardOf(project, { ...others, env: { ...env, DBT_ENV_SECRET_CI_PASSWORD: 'wrong' } });
    expect(card).toContain('**Row counts and columns are missing**');
  });

  test('500 models, over a gigabyte: under five seconds of warehouse time, in as many queries as one model takes', async () => {
    const many = scaffold(MATRIX_ANSWERS);
    const tables = 450;
    put(many, Object.fromEntries(Array.from({ length: 500 }, (_, at) => [`m_${at}`, 'select 1 as id'])));
    const furnish = (schema: string) => `do $$ begin
      for i in 0..${tables - 1} loop
        execute format('create table ${schema}.m_%s as select g as id, ${Array.from({ length: 20 }, (_, at) => `g as c${at}`).join(', ')}, repeat(''x'', 300) as t from generate_series(1, 3000) as g', i);
      end loop;
      for i in ${tables}..499 loop execute format('create view ${schema}.m_%s as select 1 as id', i); end loop;
    end $$`;
    await as('acme_ci_service', "call acme_door.create_schema('pr_20')");
    await as('acme_ci_service', furnish('pr_20'));
    await as('acme_prod_service', furnish('analytics'));
    // The largest pair, which comes last.
    for (const [login, schema] of [
      ['acme_ci_service', 'pr_20'],
      ['acme_prod_service', 'analytics'],
    ] as const)
      await as(login, `insert into ${schema}.m_449 select * from ${schema}.m_448`);
    await as('acme_prod_service', 'analyze analytics.m_449');

    let output = '';
    const statements = await statementsOf(async () => {
      output = (await dbt(many, operation, optionsFor(20))).output;
    });
    const { relations } = factsIn(output);
    expect(relations).toHaveLength(500);
    const sides = relations.flatMap(({ here, prod }) => (prod ? [here, prod] : [here]));
    const counted = sides.filter(({ exact }) => exact);
    const bytes = counted.reduce((sum, one) => sum + (one.bytes ?? 0), 0);
    const seconds = statements.reduce((sum, one) => sum + one.seconds, 0);
    const slowest = Math.max(...statements.map((one) => one.seconds));
    console.log(
      `review card of 500 models: ${statements.length} queries, ${seconds.toFixed(2)} s in the warehouse (slowest ${slowest.toFixed(2)} s), ${counted.length} tables counted, ${(bytes / 1e9).toFixed(2)} GB`,
    );
    expect(statements).toHaveLength(1 + prodSchemas + 1);
    expect(seconds).toBeLessThan(5);
    expect(counted.length).toBeGreaterThan(500);
    expect(counted.every(({ rows }) => rows === 3000)).toBe(true);
    expect([bytes > 900_000_000, bytes <= 1_000_000_000]).toEqual([true, true]);
    const last = relations.find(({ name }) => name === 'm_449');
    expect([last?.here.exact, last?.prod]).toEqual([false, expect.objectContaining({ exact: false, rows: 6000 })]);

    // Without its limit the operation counts everything: the check above can fail.
    const macro = path.join(many, 'macros/dbt_envs/review_card.sql');
    const sound = readFileSync(macro, 'utf8');
    expect(sound).toContain('<= 1000000000');
    writeFileSync(macro, sound.replace('<= 1000000000', '<= 9000000000'));
    const greedy = factsIn((await dbt(many, operation, optionsFor(20))).output);
    expect(greedy.relations.flatMap(({ here, prod }) => (prod ? [here, prod] : [here])).filter(({ exact }) => exact)).toHaveLength(2 * tables);
    writeFileSync(macro, sound);

    const card = await cardOf(many, optionsFor(20));
    expect(Buffer.byteLength(card)).toBeLessThan(60_000);
    expect(card).toContain('~6,000');
    expect(card).toMatch(/\| large, \d\.\d MB \|/);
  });
});

describe('on DuckDB', () => {
  test('facts of the change; one metadata query a schema and one that counts; the card', async () => {
    const project = scaffold({ warehouse: 'duckdb' });
    const options = { env: { PR_NUMBER: '142', DBT_ENVS_RUNNER: 'merge' } };
    put(project, BEFORE_THE_CHANGE);
    await python(project, ['scripts/dbt_envs/publish_prod.py', 'prepare']);
    const deployed = await dbt(project, ['build', '--target', 'prod'], options);
    expect(deployed.code, deployed.output).toBe(0);
    const drop = "import duckdb; duckdb.connect('warehouse/prod/next/prod.duckdb').execute('drop table analytics.was_there')";
    expect((await python(project, ['-c', drop])).code).toBe(0);
    await python(project, ['scripts/dbt_envs/publish_prod.py', 'publish']);
    change(project);
    const built = await dbt(project, ['build', '--target', 'ci'], options);
    expect(built.code, built.output).toBe(0);
    leave(project, { schema: 'pr_142', built: true });

    rmSync(path.join(project, 'logs'), { recursive: true });
    const { code, output } = await dbt(project, operation, options);
    expect(code, output).toBe(0);
    expectTheChange(factsIn(output), { text: 'VARCHAR', integer: 'INTEGER', bigint: 'BIGINT', literal: 'VARCHAR' });
    const log = readFileSync(path.join(project, 'logs/dbt.log'), 'utf8');
    expect(log.match(/from duckdb_tables\(\)/g)).toHaveLength(1 + prodSchemas(project));
    expect(log.split('On macro_review_card: ').filter((statement) => statement.includes('count(*)'))).toHaveLength(1);

    const card = await cardOf(project, options);
    expect(table(card)).toContain('| `grows` | 3 | 2 | +1 (+50.0 %) |  |');
    expect(card).toContain('```sql\nselect * from "pr_142"."fct_revenue_daily" limit 100;\n```');
  });

  const prodSchemas = (project: string): number =>
    (/'prod_schemas': \[(.*)\]/.exec(readFileSync(path.join(project, 'macros/dbt_envs/answers.sql'), 'utf8'))?.[1] ?? '').split(',').length;
});

test('another warehouse is told which macro it lacks', async () => {
  const project = scaffold({ warehouse: 'duckdb' });
  rmSync(path.join(project, 'macros/dbt_envs/relations.sql'));
  const { code, output } = await dbt(project, operation, { env: { PR_NUMBER: '1' } });
  expect([code, output.includes('define macro duckdb__dbt_envs_relations(database, schema)')]).toEqual([1, true]);
});
