import { describe, expect, test } from 'vitest';
import { departure, emittedNames, installation, script } from '../support/bigquery-emitted.ts';
import { faults, loginFaults } from '../support/bigquery-faults.ts';
import type { BigQueryModel } from '../support/bigquery-model/model.ts';
import { acts, ask, layouts, loggedIn, logins, surprises } from '../support/bigquery-table.ts';
import { ADMIN, company, step, world } from '../support/bigquery-world.ts';

const readings = ['wide', 'narrow'] as const;

describe.each(layouts)('the scripts for BigQuery, layout %s', (layout) => {
  const names = emittedNames(layout);
  const { prod, dev } = names;
  const all = acts(names);
  const people = logins(names);
  const first = installation(layout, 'before');
  const then = departure(layout);
  const sound = { wide: world('wide', names, first, then), narrow: world('narrow', names, first, then) };
  const table = (wide: BigQueryModel, narrow: BigQueryModel): readonly string[] => surprises(ask(wide, narrow, names, all));

  test('give everybody what the table says and nothing more', () => {
    expect(table(sound.wide, sound.narrow)).toEqual([]);
    for (const model of [sound.wide, sound.narrow]) expect(loggedIn(model, names)).toEqual([]);
  });

  test('change nothing when they are run again, and lock a leaver out twice', () => {
    for (const reading of readings) {
      const model = sound[reading].copy();
      const before = model.policies();
      for (const one of [...installation(layout), ...then]) step(model, one);
      expect(model.policies()).toEqual(before);
    }
  });

  test('give a newcomer nothing before they are run and everything after', () => {
    for (const reading of readings) {
      const model = company(reading, layout);
      for (const one of installation(layout, 'before')) step(model, { ...one, text: one.text.replaceAll(/^.*noor.*\n/gm, '') });
      const tries = [`select * from \`${prod}\`.raw.orders`, `create table \`${dev}\`.dev_noor.t (i int64)`];
      for (const one of tries) expect(model.attempt(people.noor, one)).not.toBe('done');
      step(model, script(layout, '30_developers.sql'));
      for (const one of tries) expect(model.attempt(people.noor, one)).toBe('done');
    }
  });

  test('refuse names that are somebody else’s', () => {
    const tries: readonly (readonly [string, string, RegExp])[] = [
      [
        '10_roles.sh',
        `gcloud iam service-accounts create acme-prod --project=${prod} --description=theirs`,
        /acme-prod@.* exists, and this project did not create it/,
      ],
      [
        '10_roles.sh',
        `gcloud iam roles create acme_dataset_creator --project=${names.ci} --permissions=bigquery.tables.getData`,
        /acme_dataset_creator .*exists, and this project did not create it/,
      ],
      ['20_boundary.sql', `create schema \`${prod}\`.acme_record`, /acme_record exists, and this project did not create it/],
      ['30_developers.sql', `create schema \`${dev}\`.dev_priya`, /dev_priya exists, and this project did not create it/],
      [
        '40_services.sh',
        `gcloud iam workload-identity-pools create dbt-acme --location=global --project=${prod}`,
        /pool dbt-acme .*exists, and this project did not create it/,
      ],
    ];
    for (const [name, before, says] of tries) {
      const model = company('narrow', layout);
      model.run(before, ADMIN);
      expect(() => {
        for (const one of installation(layout)) step(model, one);
      }, name).toThrow(says);
    }
  });

  describe('for a company that shared production', () => {
    /** Sam and a machine write production through datasets, a table and the project; ed is an Editor of it. */
    const shared = (reading: 'wide' | 'narrow'): BigQueryModel => {
      const model = company(reading, layout);
      model.people('serviceAccount:airflow@elsewhere.iam.gserviceaccount.com');
      model.sql(
        `create schema \`${prod}\`.analytics; create table \`${prod}\`.analytics.legacy (i int64); create view \`${prod}\`.analytics.v_legacy as select * from \`${prod}\`.analytics.legacy;
         grant \`roles/bigquery.dataOwner\` on schema \`${prod}\`.analytics to "user:sam@acme.example";
         grant \`roles/bigquery.dataEditor\` on table \`${prod}\`.analytics.legacy to "user:priya@acme.example";
         grant \`roles/bigquery.dataEditor\` on schema \`${prod}\`.analytics to "domain:acme.example"`,
        { who: 'user:olga@acme.example', project: prod },
      );
      model.bind(`projects/${prod}`, 'roles/bigquery.dataEditor', 'serviceAccount:airflow@elsewhere.iam.gserviceaccount.com');
      for (const one of installation(layout)) step(model, one);
      return model;
    };
    const WRITE = `insert into \`${prod}\`.analytics.legacy values (1)`;
    const READ = `select * from \`${prod}\`.analytics.v_legacy`;
    const writers = (model: BigQueryModel): readonly string[] =>
      (['priya', 'sam', 'looker', 'prod', 'olga', 'dana', 'finn', 'ed'] as const).filter(
        (one) => model.attempt({ ...people[one], project: one === 'prod' ? prod : 'elsewhere' }, one === 'prod' ? WRITE : WRITE) === 'done',
      );
    const airflow = { who: 'serviceAccount:airflow@elsewhere.iam.gserviceaccount.com', project: 'elsewhere' };

    test('close it, once and twice, after the service has deployed, and open it again', () => {
      for (const reading of readings) {
        const model = shared(reading);
        expect(() => step(model, script(layout, '90_close_prod.sql'))).toThrow(/has not deployed yet/);
        expect(() => step(model, script(layout, '90_close_prod.sh'))).toThrow(/90_close_prod.sql has not run/);
        model.ran(prod, `acme-prod@${prod}.iam.gserviceaccount.com`, 'analytics');
        const before = model.policies();
        expect(writers(model)).toEqual(['priya', 'sam', 'looker', 'prod', 'olga', 'dana', 'finn', 'ed']);
        expect(model.attempt(airflow, WRITE)).toBe('done');
        for (const times of [1, 2]) {
          step(model, script(layout, '90_close_prod.sql'));
          model.shell(script(layout, '90_close_prod.sh').text, ADMIN, {}, ['--apply']);
          // Administrators, and whom the folder lets in, are named and stay.
          expect(writers(model), `${times}`).toEqual(['prod', 'olga', 'dana', 'finn']);
          expect(model.attempt(airflow, WRITE)).not.toBe('done');
          for (const one of ['priya', 'sam', 'looker', 'anna'] as const) expect(model.attempt({ ...people[one], project: 'elsewhere' }, READ)).toBe('done');
          expect(model.attempt(airflow, READ)).toBe('done');
        }
        model.shell(script(layout, '91_reopen_prod.sh').text, ADMIN);
        step(model, script(layout, '91_reopen_prod.sql'));
        expect(writers(model)).toEqual(['priya', 'sam', 'looker', 'prod', 'olga', 'dana', 'finn', 'ed']);
        expect(model.attempt(airflow, WRITE)).toBe('done');
        // Reading that was given in exchange stays; nothing is lost.
        const after = model.policies();
        for (const line of before) expect(after).toContain(line);
      }
    });

    test('say without --apply what they would take, and take nothing', () => {
      const model = shared('narrow');
      model.ran(prod, `acme-prod@${prod}.iam.gserviceaccount.com`, 'analytics');
      step(model, script(layout, '90_close_prod.sql'));
      const before = model.policies();
      const said = model.shell(script(layout, '90_close_prod.sh').text, ADMIN);
      expect(said).toContain('projectWriters loses WRITER on analytics');
      expect(said).toContain('airflow');
      expect(model.policies()).toEqual(before);
    });

    test('take the basic role Editor from people with --editors, and so their way to a key of production', () => {
      for (const reading of readings) {
        const model = shared(reading);
        model.ran(prod, `acme-prod@${prod}.iam.gserviceaccount.com`, 'analytics');
        step(model, script(layout, '90_close_prod.sql'));
        model.shell(script(layout, '90_close_prod.sh').text, ADMIN, {}, ['--apply', '--editors']);
        expect(model.becomes(people.ed.who)).not.toContain(people.prod.who);
        expect(model.attemptAnyhow(people.ed.who, [prod, 'elsewhere'], WRITE)).not.toBe('done');
        model.shell(script(layout, '91_reopen_prod.sh').text, ADMIN);
        expect(model.becomes(people.ed.who)).toContain(people.prod.who);
      }
    });
  });

  test.each(faults(names).filter((one) => one.layouts?.includes(layout) !== false))('turn a cell red where $name', ({ change, spoil, turnsRed }) => {
    const act = all.find((one) => one.act === turnsRed.act);
    if (act === undefined) throw new Error(`the table has no act "${turnsRed.act}"`);
    const made = (reading: 'wide' | 'narrow') => {
      const steps = change?.([...first, ...then]);
      const model = steps === undefined ? sound[reading].copy() : world(reading, names, steps.slice(0, first.length), steps.slice(first.length), 'faulty');
      spoil?.(model);
      return model;
    };
    const red = surprises(ask(made('wide'), made('narrow'), names, [act]));
    expect(red.filter((line) => line.startsWith(`${turnsRed.identity}: `))).toHaveLength(1);
  });

  test.each(loginFaults(names))('let a token further where $name', ({ spoil, token }) => {
    for (const reading of readings) {
      const model = sound[reading].copy();
      spoil(model);
      expect(loggedIn(model, names).filter((line) => line.startsWith(`${token}: `))).toHaveLength(1);
    }
  });
});
