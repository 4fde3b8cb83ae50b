import { describe, expect, test } from 'vitest';
import { emittedNames, installation, script } from '../support/bigquery-installed.ts';
import type { BigQueryModel, Login, Reading } from '../support/bigquery-model/model.ts';
import { layouts, logins, type Names } from '../support/bigquery-table.ts';
import { ADMIN, company, step } from '../support/bigquery-world.ts';

/** A company that shared production, with everything in it that 90 may stumble over; and scripts that are cut short. */
const readings = ['wide', 'narrow'] as const;
const OWNER: Login = { who: 'user:olga@acme.example', project: 'acme-prod' };
const FEDERATED = 'principalSet://iam.googleapis.com/projects/111/locations/global/workloadIdentityPools/old/*';
const LOADER: Login = { who: 'serviceAccount:airflow@elsewhere.iam.gserviceaccount.com', project: 'elsewhere' };
const GONE = 'user:zoe@acme.example';

function shared(reading: Reading, names: Names): BigQueryModel {
  const { prod, ci } = names;
  const model = company(reading, names.layout);
  model.people(LOADER.who, GONE);
  model.sql(
    `create schema \`${prod}\`.analytics; create table \`${prod}\`.analytics.legacy (i int64); create view \`${prod}\`.analytics.v_legacy as select * from \`${prod}\`.analytics.legacy;
     create table \`${prod}\`.analytics.second (i int64);
     grant \`roles/bigquery.dataOwner\` on schema \`${prod}\`.analytics to "user:sam@acme.example";
     grant \`roles/bigquery.dataEditor\` on schema \`${prod}\`.analytics to "domain:acme.example", "${GONE}", "specialGroup:allAuthenticatedUsers";
     grant \`roles/bigquery.dataEditor\` on table \`${prod}\`.analytics.legacy to "user:priya@acme.example", "${GONE}";
     grant \`roles/bigquery.dataOwner\` on view \`${prod}\`.analytics.v_legacy to "user:lea@acme.example"`,
    OWNER,
  );
  model.bind(`projects/${prod}/datasets/analytics`, 'roles/bigquery.dataOwner', `projectEditor:${prod}`);
  model.bind(`projects/${prod}`, 'roles/bigquery.dataEditor', LOADER.who);
  model.bind(`projects/${prod}`, 'roles/bigquery.dataOwner', 'domain:acme.example');
  for (const one of installation(names.layout)) step(model, one);
  model.ran(prod, `acme-prod@${prod}.iam.gserviceaccount.com`, 'analytics');
  model.run(`${names.createPr('pr_7')}; create table \`${ci}\`.pr_7.t (i int64)`, logins(names).ci);
  return model;
}
const everything = (model: BigQueryModel, { prod }: Names) => ({
  rights: model.policies(),
  // Time stands still here: a second line that says when it was closed is the same as the first.
  record: [...new Set(model.rows(`projects/${prod}/datasets/acme_record/tables/taken`))],
});

describe.each(layouts)('90 and 91 that are cut short, layout %s', (layout) => {
  const names = emittedNames(layout);
  const [closeSql, closeSh, openSh, openSql] = (['90_close_prod.sql', '90_close_prod.sh', '91_reopen_prod.sh', '91_reopen_prod.sql'] as const).map(
    (name) => script(layout, name).text,
  ) as [string, string, string, string];
  const APPLY = ['--apply', '--editors'] as const;
  const close = (model: BigQueryModel): void => {
    model.sql(closeSql, ADMIN);
    model.shell(closeSh, ADMIN, {}, APPLY);
  };
  const reopen = (model: BigQueryModel): void => {
    model.shell(openSh, ADMIN);
    model.sql(openSql, ADMIN);
  };
  const reading = layout === 'two' ? 'wide' : 'narrow';
  const before = shared(reading, names);
  const closed = before.copy();
  close(closed);
  const opened = closed.copy();
  reopen(opened);

  /** Runs it again after each cut; how many cuts there were. */
  const afterEachCut = (
    from: BigQueryModel,
    until: (model: BigQueryModel, at: number) => boolean,
    rest: (model: BigQueryModel, at: number) => void,
  ): number => {
    for (let at = 0; ; at += 1) {
      const model = from.copy();
      if (!until(model, at)) return at;
      rest(model, at);
    }
  };

  test('90_close_prod.sql comes out the same', () => {
    const whole = before.copy();
    whole.sql(closeSql, ADMIN);
    const cuts = afterEachCut(
      before,
      (model, at) => model.sqlUntil(at, closeSql, ADMIN),
      (model, at) => {
        model.sql(closeSql, ADMIN);
        expect(everything(model, names), `cut after ${at}`).toEqual(everything(whole, names));
      },
    );
    expect(cuts).toBeGreaterThan(25);
  });
  test('90_close_prod.sh comes out the same', () => {
    const from = before.copy();
    from.sql(closeSql, ADMIN);
    const cuts = afterEachCut(
      from,
      (model, at) => model.shellUntil(at, closeSh, ADMIN, APPLY),
      (model, at) => {
        model.shell(closeSh, ADMIN, {}, APPLY);
        expect(everything(model, names), `cut after ${at}`).toEqual(everything(closed, names));
      },
    );
    expect(cuts).toBeGreaterThan(25);
  });
  test('91 gives everything back, wherever 90 or 91 itself was cut', () => {
    expect(opened.rows(`projects/${names.prod}/datasets/acme_record/tables/taken`)).toEqual([]);
    for (const one of before.policies()) expect(opened.policies()).toContain(one);
    const half = before.copy();
    half.sqlUntil(30, closeSql, ADMIN);
    const lacks = (model: BigQueryModel): readonly string[] => {
      const after = new Set(model.policies());
      return before.policies().filter((one) => !after.has(one));
    };
    for (const from of [closed, half]) {
      const cuts = afterEachCut(
        from,
        (model, at) => model.shellUntil(at, openSh, ADMIN),
        (model, at) => {
          reopen(model);
          expect([lacks(model), everything(model, names).record], `91_reopen_prod.sh cut after ${at}`).toEqual([[], []]);
        },
      );
      const middle = from.copy();
      middle.shell(openSh, ADMIN);
      const more = afterEachCut(
        middle,
        (model, at) => model.sqlUntil(at, openSql, ADMIN),
        (model, at) => {
          model.sql(openSql, ADMIN);
          expect([lacks(model), everything(model, names).record], `91_reopen_prod.sql cut after ${at}`).toEqual([[], []]);
        },
      );
      expect(cuts + more).toBeGreaterThan(10);
    }
  });
  test('a script that takes without writing down first is found', () => {
    const careless = closeSql.replace(
      "WHERE role IN ('roles/bigquery.dataEditor', 'roles/bigquery.dataOwner', 'roles/bigquery.admin')\n  AND NOT EXISTS",
      'WHERE FALSE AND NOT EXISTS',
    );
    expect(careless).not.toBe(closeSql);
    const model = before.copy();
    model.sql(careless, ADMIN);
    reopen(model);
    expect(model.policies()).not.toEqual(expect.arrayContaining([...before.policies()]));
  });
});

describe.each(readings)('what 90 stumbles over, read %s', (reading) => {
  const names = emittedNames('three');
  const { prod } = names;
  const people = logins(names);
  const closeSql = script('three', '90_close_prod.sql');
  const closeSh = (model: BigQueryModel, ...options: readonly string[]): string => model.shell(script('three', '90_close_prod.sh').text, ADMIN, {}, options);
  const before = shared(reading, names);
  const writes = (model: BigQueryModel, who: Login, table: string): boolean => model.attempt(who, `insert into \`${prod}\`.${table} values (1)`) === 'done';
  const elsewhere = (who: Login): Login => ({ ...who, project: 'elsewhere' });

  test('a principal that REVOKE does not know: the rest is taken, and this is named at the end', () => {
    const model = before.copy();
    model.bind(`projects/${prod}/datasets/analytics`, 'roles/bigquery.dataEditor', FEDERATED);
    if (reading === 'wide') step(model, closeSql);
    else for (const _ of [1, 2]) expect(() => step(model, closeSql)).toThrow(`${FEDERATED} holds roles/bigquery.dataEditor on \`${prod}\`.\`analytics\` (`);
    expect(
      model.policies().filter((one) => /datasets\/analytics.*(?:dataEditor|dataOwner)/.test(one) && !/projectOwner|projectEditor|olga|dana/.test(one)),
    ).toEqual([
      ...(reading === 'wide' ? [] : [`projects/${prod}/datasets/analytics: ${FEDERATED}: roles/bigquery.dataEditor`]),
      `projects/${prod}/datasets/analytics: ${people.prod.who}: roles/bigquery.dataEditor`,
    ]);
    closeSh(model, '--apply');
    expect(writes(model, elsewhere(people.sam), 'analytics.legacy')).toBe(false);
  });
  test('everybody who is logged in', () => {
    const model = before.copy();
    expect(writes(model, people.stranger, 'analytics.legacy')).toBe(true);
    step(model, closeSql);
    expect(writes(model, people.stranger, 'analytics.legacy')).toBe(false);
  });
  test('an account that was deleted', () => {
    const model = before.copy();
    model.bind(`projects/${prod}`, 'roles/bigquery.dataEditor', GONE);
    model.forget(GONE);
    step(model, closeSql);
    closeSh(model, '--apply');
    expect(model.members(`projects/${prod}`, 'roles/bigquery.dataEditor')).toEqual([]);
    expect(writes(model, elsewhere(people.sam), 'analytics.legacy')).toBe(false);
  });
  test('an account that is deleted while it is closed: 91 gives back what it can, and ends badly', () => {
    const model = before.copy();
    model.bind(`projects/${prod}`, 'roles/bigquery.dataEditor', GONE);
    step(model, closeSql);
    closeSh(model, '--apply');
    model.forget(GONE);
    expect(() => step(model, script('three', '91_reopen_prod.sh'))).toThrow(`${GONE} could not be given roles/bigquery.dataEditor on ${prod} again`);
    step(model, script('three', '91_reopen_prod.sql'));
    expect(writes(model, LOADER, 'analytics.legacy')).toBe(true);
    expect(writes(model, elsewhere(people.sam), 'analytics.legacy')).toBe(true);
    expect(model.rows(`projects/${prod}/datasets/acme_record/tables/taken`).filter((one) => !one.includes(GONE))).toEqual([]);
  });
  test('a dataset of production that is dropped while it is closed: 91 gives back the rest', () => {
    const model = before.copy();
    step(model, closeSql);
    closeSh(model, '--apply');
    model.run(`drop schema \`${prod}\`.analytics cascade`, OWNER);
    expect(() => step(model, script('three', '91_reopen_prod.sh'))).toThrow('on analytics again');
    expect(model.attempt(LOADER, `create table \`${prod}\`.staging.mine (i int64)`)).toBe('done');
  });
  test('a table that is dropped while its rights are looked at', () => {
    const model = before.copy();
    const text = closeSql.text.replace(
      'UNION ALL SELECT table_schema',
      "UNION ALL SELECT 'analytics' AS table_schema, 'dropped' AS table_name\n  UNION ALL SELECT table_schema",
    );
    expect(text).not.toBe(closeSql.text);
    model.sql(text, ADMIN);
    expect(model.policies().filter((one) => /tables\/.*data(?:Editor|Owner)/.test(one))).toEqual([]);
  });
  test('a table whose rights cannot be seen: the rest is taken, and this is named at the end', () => {
    const model = before.copy();
    const text = closeSql.text
      .replace('UNION ALL SELECT table_schema', "UNION ALL SELECT 'analytics' AS table_schema, 'hidden' AS table_name\n  UNION ALL SELECT table_schema")
      .replace("r'(?i)not found'", "r'something else'");
    if (reading === 'wide') model.sql(text, ADMIN);
    else expect(() => model.sql(text, ADMIN)).toThrow('somebody holds a right that could not be seen on analytics.hidden (');
    expect(model.policies().filter((one) => /tables\/.*data(?:Editor|Owner)/.test(one))).toEqual([]);
  });
  test('a table that dbt replaced after a run that was cut short', () => {
    const model = before.copy();
    model.sqlUntil(30, closeSql.text, ADMIN);
    model.run(`drop table \`${prod}\`.analytics.second; drop view \`${prod}\`.analytics.v_legacy`, OWNER);
    step(model, closeSql);
    closeSh(model, '--apply');
    expect(writes(model, elsewhere(people.priya), 'analytics.legacy')).toBe(false);
  });
  test('a role that somebody made: it is listed', () => {
    const model = before.copy();
    model.run(`gcloud iam roles create loader --project=${prod} --title=x --permissions=bigquery.tables.updateData,bigquery.tables.get`, ADMIN);
    for (const on of ['schema `acme-prod`.analytics', 'table `acme-prod`.analytics.legacy'])
      model.run(`grant \`projects/${prod}/roles/loader\` on ${on} to "user:lea@acme.example"`, OWNER);
    const listed = model.ask(closeSql.text, ADMIN).at(-1) ?? [];
    expect(listed.filter(({ verdict }) => String(verdict).startsWith('stays:')).map(({ name, principal }) => [name, principal])).toEqual([
      [`\`${prod}\`.\`analytics\``, 'user:lea@acme.example'],
      [`\`${prod}\`.\`analytics\`.\`legacy\``, 'user:lea@acme.example'],
    ]);
    expect(listed.length).toBeGreaterThan(4);
  });
  test('an Editor’s entry that owns: it is taken, and they go on reading', () => {
    const model = before.copy();
    step(model, closeSql);
    expect(writes(model, elsewhere(people.ed), 'analytics.legacy')).toBe(true);
    closeSh(model, '--apply');
    expect(writes(model, elsewhere(people.ed), 'analytics.legacy')).toBe(false);
    expect(model.attempt(elsewhere(people.ed), `select * from \`${prod}\`.analytics.legacy`)).toBe('done');
  });
  test('a loader of sources: it goes on loading them, and writes production no more', () => {
    const model = before.copy();
    step(model, closeSql);
    expect(closeSh(model)).toContain(`keeps it on raw`);
    for (const table of ['analytics.legacy', 'raw.orders', 'raw_pii.people', 'product.items'])
      expect(model.attempt(LOADER, `truncate table \`${prod}\`.${table}`), table).toBe('done');
    closeSh(model, '--apply');
    for (const table of ['raw.orders', 'raw_pii.people', 'product.items'])
      expect(model.attempt(LOADER, `truncate table \`${prod}\`.${table}`), table).toBe('done');
    expect(model.attempt(LOADER, `create table \`${prod}\`.raw.another (i int64)`)).toBe('done');
    expect(model.attempt(LOADER, `truncate table \`${prod}\`.analytics.legacy`)).not.toBe('done');
    expect(model.attempt(LOADER, `create table \`${prod}\`.acme_record.x (i int64)`)).not.toBe('done');
    expect(model.attempt(LOADER, `create schema \`${prod}\`.more`)).not.toBe('done');
  });
  test('in one project, no environment is given to it', () => {
    const single = emittedNames('single');
    const model = shared(reading, single);
    step(model, script('single', '90_close_prod.sql'));
    model.shell(script('single', '90_close_prod.sh').text, ADMIN, {}, ['--apply']);
    for (const dataset of ['pr_7', 'dev_priya'])
      expect(model.attempt(LOADER, `create table \`${single.prod}\`.${dataset}.x (i int64)`), dataset).not.toBe('done');
    expect(model.attempt(LOADER, `truncate table \`${single.prod}\`.raw.orders`)).toBe('done');
  });
  test('a source whose list cannot be written: nothing is taken from whoever loads it', () => {
    const model = before.copy();
    step(model, closeSql);
    const broken = script('three', '90_close_prod.sh').text.replace(
      'replace_entries "acme-prod:$dataset" "$folder/other.json"',
      'replace_entries "acme-prod:nowhere" "$folder/other.json"',
    );
    expect(broken).not.toBe(script('three', '90_close_prod.sh').text);
    expect(() => model.shell(broken, ADMIN, {}, ['--apply'])).toThrow(/Who may use raw could not be written[\s\S]*Not every other dataset could be kept/);
    expect(model.members(`projects/${prod}`, 'roles/bigquery.dataEditor')).toContain(LOADER.who);
  });
});
