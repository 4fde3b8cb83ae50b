import { describe, expect, test } from 'vitest';
import { faults, loginFaults } from '../support/bigquery-faults.ts';
import { departure, emittedNames, GROUP, installation, script } from '../support/bigquery-installed.ts';
import { type BigQueryModel, type Login, Refused } from '../support/bigquery-model/model.ts';
import { acts, ask, type Identity, layouts, loggedIn, logins, surprises, tokens } from '../support/bigquery-table.ts';
import { ADMIN, company, step, TRUST, world } from '../support/bigquery-world.ts';
import { gitlabTokens, gitlabTrust, without } from '../support/gitlab-tokens.ts';

const readings = ['wide', 'narrow'] as const;
const SERVICES = ['ci', 'prod', 'janitor'] as const;
type Service = (typeof SERVICES)[number];
/** The names of what a service's token has to say. */
const claimsOf = (trust: Readonly<Record<string, string>>, service: Service): readonly string[] =>
  (trust[`${service.toUpperCase()}_CLAIMS`] ?? '').split(' ').map((one) => one.slice(0, one.indexOf('=')));

/** What the scripts do not hold yet. Such a test has to fail: whoever mends it takes its name out of here. */
const UNMENDED: ReadonlySet<'snapshots' | 'squatting' | 'record'> = new Set();
const held = (name: 'snapshots' | 'squatting' | 'record') => (UNMENDED.has(name) ? test.fails : test);
/** The sweep cannot drop what a developer may make. */
const OF_SNAPSHOTS: readonly string[] = ["drop priya's snapshot", "drop priya's dataset"];

describe.each(layouts)('the scripts for BigQuery, layout %s', (layout) => {
  const names = emittedNames(layout);
  const { prod, dev } = names;
  const all = acts(names);
  const people = logins(names);
  const first = installation(layout, 'before');
  const then = departure(layout);
  const sound = { wide: world('wide', names, first, then), narrow: world('narrow', names, first, then) };
  const proof = (model: BigQueryModel, one: Identity) => model.ask(script(layout, 'verify.sql').text, people[one]).at(-1) ?? [];

  test('give everybody what the table says and nothing more', () => {
    const tried = all.filter(({ act }) => !UNMENDED.has('snapshots') || !OF_SNAPSHOTS.includes(act));
    expect(surprises(ask(sound.wide, sound.narrow, names, tried))).toEqual([]);
    for (const model of [sound.wide, sound.narrow]) expect(loggedIn(model, names)).toEqual([]);
  });

  held('snapshots')('let the sweep drop what a developer can make and not drop', () => {
    expect(
      surprises(
        ask(
          sound.wide,
          sound.narrow,
          names,
          all.filter(({ act }) => OF_SNAPSHOTS.includes(act)),
        ),
      ),
    ).toEqual([]);
  });

  test('give the same to a group of developers, and to whoever else is in it', () => {
    const grouped = emittedNames(layout, true);
    const made = (reading: 'wide' | 'narrow', ...more: readonly string[]): BigQueryModel =>
      world(reading, grouped, installation(layout, 'before', true), departure(layout, true), 'sound', (model) => {
        // Lea was taken out of it by hand, as her file says.
        model.group(GROUP, ...(['priya', 'sam', 'sam_smith', 'noor'] as const).map((one) => people[one].who), ...more);
        model.bind(`projects/${dev}`, 'roles/bigquery.jobUser', people.lea.who);
      });
    const mistaken = all.filter(({ act }) => act === 'read a source' || act === 'read a table of prod, built after the grants');
    expect(surprises(ask(made('wide'), made('narrow'), grouped, mistaken))).toEqual([]);
    expect(surprises(ask(made('wide', people.looker.who), made('narrow', people.looker.who), grouped, mistaken))).toEqual([
      'looker: read a source: expected refused, got done',
    ]);
  });

  test('change nothing when they are run again, and lock a leaver out twice', () => {
    for (const reading of readings) {
      const model = sound[reading].copy();
      const before = model.policies();
      for (const one of [...installation(layout), ...then]) step(model, one);
      expect(model.policies()).toEqual(before);
    }
  });

  const opens = layout === 'three' ? 'at once, where nothing else is in CI’s project' : 'by its next build, where CI’s project holds more';
  test(`let the janitor and whoever reviews into a pull request whose build was cut short: ${opens}`, () => {
    for (const reading of readings) {
      const model = sound[reading].copy();
      const [create = ''] = names.createPr('pr_77').split(';\n');
      model.run(create, people.ci);
      model.run(`create table \`${names.ci}\`.pr_77.orders (id int64)`, people.ci);
      const tries: readonly (readonly [Identity, string])[] = [
        ['anna', `select * from \`${names.ci}\`.pr_77.orders`],
        ['janitor', `drop schema \`${names.ci}\`.pr_77 cascade`],
      ];
      if (layout === 'three') {
        for (const [one, text] of tries) expect(model.attempt(people[one], text), one).toBe('done');
        continue;
      }
      for (const [one, text] of tries) expect(model.attempt(people[one], text), one).not.toBe('done');
      // Somebody on the roster has no account any more: Google refuses the whole statement.
      const again = names.createPr('pr_77').replace("'user:sam@acme.example'", "'user:nobody@acme.example'");
      expect(again).toContain('nobody@acme.example');
      model.run(again, people.ci);
      for (const [one, text] of tries) expect(model.attempt(people[one], text), one).toBe('done');
      expect(model.attempt(people.sam, `select * from \`${names.ci}\`.pr_77.orders`)).not.toBe('done');
    }
  });

  test('leave nobody jobUser whom an earlier installation gave it, and give what it was for', () => {
    for (const reading of readings) {
      const model = company(reading, layout);
      for (const one of installation(layout, 'before')) {
        const [grants = ''] = one.name === '40_services.sql' ? one.text.split(/^FOR one IN/m) : [one.text];
        step(model, {
          ...one,
          text: one.kind === 'sh' ? one.text : grants.replaceAll(/projects\/[\w-]+\/roles\/acme_query_runner/g, 'roles/bigquery.jobUser'),
        });
      }
      const jobUsers = (): readonly string[] =>
        model.policies().filter((line) => line.endsWith('roles/bigquery.jobUser') && !line.startsWith('projects/acme-bi'));
      // Four developers and lea, a reviewer, three services.
      expect(jobUsers()).toHaveLength(9);
      for (const one of [...installation(layout), ...departure(layout)]) step(model, one);
      expect(jobUsers()).toEqual([]);
      for (const one of ['priya', 'anna', 'ci', 'prod', 'janitor'] as const) expect(model.attempt(people[one], 'select 1')).toBe('done');
      expect(model.attempt({ ...people.lea, project: dev }, 'select 1')).not.toBe('done');
    }
  });

  test.each(['by name', 'in a group'])('take nothing but the old dataset from somebody whose name changed and whose address did not, %s', (how) => {
    const group = how === 'in a group';
    for (const reading of readings) {
      const model = company(reading, layout);
      if (group) model.group(GROUP, ...(['priya', 'sam', 'sam_smith', 'noor', 'lea'] as const).map((one) => people[one].who));
      for (const one of installation(layout, 'before', group)) step(model, one);
      for (const one of ['30_developers.sql', '50_readers.sql']) step(model, script(layout, one, 'renamed', group));
      const given = (): readonly unknown[] => model.ask('select * from acme_record.given', ADMIN)[0] ?? [];
      const before = [model.policies(), given()];
      expect(JSON.stringify(before)).toContain('dev_lea_k');
      // The last as if 30 had been forgotten.
      for (const forgets of [false, false, true]) {
        if (forgets) model.bind(`projects/${dev}/datasets/dev_lea`, 'roles/bigquery.dataEditor', people.lea.who);
        step(model, script(layout, 'leavers/lea.sql', 'renamed', group));
        expect([model.policies(), given()]).toEqual(before);
      }
      const she = { ...people.lea, project: dev };
      for (const one of [`select * from \`${prod}\`.raw.orders`, `create table \`${dev}\`.dev_lea_k.t (i int64)`]) expect(model.attempt(she, one)).toBe('done');
      expect(model.attempt(she, `create table \`${dev}\`.dev_lea.t2 (i int64)`)).not.toBe('done');
    }
  });

  test('do not forget what a leaver could not be relieved of', () => {
    const model = company('narrow', layout);
    for (const one of installation(layout, 'before')) step(model, one);
    const leaves = script(layout, 'leavers/lea.sql');
    // One right cannot be taken.
    const stuck = leaves.text.replace("', one.role, one.kind", `', IF(one.name = '\`${dev}\`.\`dev_lea\`', 'refused', one.role), one.kind`);
    expect(stuck).not.toBe(leaves.text);
    const given = (): number => model.ask(`select * from acme_record.given where principal = '${people.lea.who}'`, ADMIN)[0]?.length ?? 0;
    expect(given()).toBeGreaterThan(1);
    expect(() => model.sql(stuck, ADMIN)).toThrow(/All else was taken, and this could not be: roles\/bigquery.dataEditor on .*dev_lea.* \(/);
    expect(given()).toBe(1);
    step(model, leaves);
    expect(given()).toBe(0);
    expect(model.policies().filter((line) => line.includes(people.lea.who))).toEqual([]);
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

  test('prove themselves under every login, and nobody else’s', () => {
    for (const reading of readings)
      for (const one of ['priya', 'sam', 'sam_smith', 'noor', 'ci', 'prod', 'janitor', 'looker', 'anna'] as const) {
        const found = proof(sound[reading].copy(), one);
        expect(found.length).toBeGreaterThan(10);
        expect(
          found.filter(({ holds }) => holds !== true),
          `${reading}: ${one}`,
        ).toEqual([]);
      }
    for (const one of ['lea', 'stranger', 'dana', 'olga'] as const) expect(() => proof(sound.wide.copy(), one)).toThrow('is no developer, service or reader');
  });

  test.each([
    ['sam', `projects/${prod}/datasets/analytics`, 'roles/bigquery.dataEditor', /^(?:build a table in analytics|delete from a table of analytics)$/],
    ['sam', `projects/${prod}`, 'roles/bigquery.user', new RegExp(`^create a dataset in project ${prod}$`)],
    ['looker', `projects/${prod}/datasets/raw_pii`, 'roles/bigquery.dataViewer', /^read personal data in raw_pii$/],
    ['sam', `projects/${dev}/datasets/dev_priya`, 'roles/bigquery.dataViewer', /^look into a colleague's dataset$/],
    ['priya', `projects/${dev}/datasets/dev_priya`, 'roles/bigquery.dataOwner', /^give rights on your own dataset$/],
    ['ci', `projects/${prod}/datasets/staging`, 'roles/bigquery.dataEditor', /^build a table in staging$/],
    ['prod', `projects/${prod}`, 'roles/bigquery.dataOwner', /^(?:give rights on |create a dataset in project )/],
  ] as const)('do not prove themselves where %s holds too much on %s', (one, on, role, acts) => {
    const model = sound.narrow.copy();
    model.bind(on, role, people[one].who);
    const holes = proof(model, one).filter(({ holds }) => holds !== true);
    expect(holes.filter(({ act }) => acts.test(String(act)))).not.toEqual([]);
  });

  test('prove themselves on a table that answers without a filter, with what an earlier proof has left, and beside what cannot be listed', () => {
    const model = sound.narrow.copy();
    // It is the first by its name.
    model.run(`create table \`${prod}\`.analytics.a_events (id int64, day date) partition by day options (require_partition_filter = true)`, people.prod);
    model.run(`create table \`${prod}\`.staging.dbt_envs_proof as select 1 as one`, people.prod);
    for (const one of ['priya', 'prod', 'ci'] as const) expect(proof(model.copy(), one).filter(({ holds }) => holds !== true)).toEqual([]);
    model.run(`revoke \`roles/bigquery.dataEditor\` on schema \`${prod}\`.staging from "${people.prod.who}"`, ADMIN);
    const acts = proof(model, 'prod').filter(({ holds }) => holds !== true);
    expect(acts.map(({ act, happened }) => `${act}: ${happened}`)).toEqual(
      ['build a table in staging', 'delete from a table of staging', 'read a table of staging'].map((act) => `${act}: refused`),
    );
  });

  test('say what they could not try, and never that data is closed where its list alone is', () => {
    const model = sound.narrow.copy();
    model.run(`drop table \`${prod}\`.raw_pii.people`, { who: 'user:olga@acme.example', project: prod });
    expect(proof(model.copy(), 'priya').find(({ act }) => act === 'read personal data in raw_pii')).toMatchObject({ happened: 'refused', holds: true });
    expect(proof(model, 'prod').filter(({ holds }) => holds !== true)).toEqual([
      expect.objectContaining({ act: 'read personal data in raw_pii', happened: 'not tried', holds: null }),
    ]);
  });

  test('do not prove themselves where a right is missing', () => {
    const model = sound.narrow.copy();
    model.run(
      `grant \`roles/bigquery.dataViewer\` on schema \`${prod}\`.staging to "${people.prod.who}"; revoke \`roles/bigquery.dataEditor\` on schema \`${prod}\`.staging from "${people.prod.who}"`,
      ADMIN,
    );
    expect(proof(model, 'prod').filter(({ holds }) => holds !== true)).toEqual([
      expect.objectContaining({ act: 'build a table in staging', happened: 'refused' }),
      expect.objectContaining({ act: 'delete from a table of staging', happened: 'refused' }),
    ]);
  });

  test('name in the audit who can write production by a right on a dataset or a table, asked by a developer', () => {
    const model = sound.narrow.copy();
    model.bind(`projects/${prod}/datasets/analytics`, 'roles/bigquery.dataEditor', people.anna.who);
    model.run(`grant \`roles/bigquery.dataOwner\` on table \`${prod}\`.analytics.orders to "${people.looker.who}"`, {
      who: 'user:olga@acme.example',
      project: prod,
    });
    const results = model.ask(script(layout, 'audit.sql').text, people.priya);
    const [found = []] = results;
    expect(found).toContainEqual({ login: people.anna.who, how: 'roles/bigquery.dataEditor on analytics', verdict: 'writes' });
    expect(found).toContainEqual({ login: people.prod.who, how: 'roles/bigquery.dataEditor on analytics', verdict: 'service' });
    expect(found).toContainEqual({ login: people.priya.who, how: 'roles/bigquery.dataViewer on analytics', verdict: 'reads' });
    expect(found.filter(({ verdict }) => verdict === 'writes').map(({ login }) => login)).not.toContain(people.priya.who);
    expect(found).toContainEqual({ login: people.looker.who, how: 'roles/bigquery.dataOwner on analytics.orders', verdict: 'writes' });
    // bq prints the last result of a script with many statements, and of a long one the first rows.
    const verdicts = found.map(({ verdict }) => verdict);
    expect([results.length, verdicts.lastIndexOf('writes') < verdicts.indexOf('reads')]).toEqual([1, true]);
    expect(() => model.ask(script(layout, 'audit.sql').text, people.stranger)).toThrow('Access Denied');
  });

  test('name whom a list names without a name: the project’s own groups, and everybody in the world', () => {
    const model = sound.narrow.copy();
    const verdicts = (): readonly (readonly [string, unknown])[] =>
      (model.ask(script(layout, 'audit.sql').text, people.priya)[0] ?? []).flatMap(({ login, how, verdict }) =>
        String(how).endsWith(' on analytics') ? [[String(login), verdict] as const] : [],
      );
    expect(verdicts().filter(([login, verdict]) => /Users$/.test(login) || String(verdict).includes('world'))).toEqual([]);
    const analytics = `projects/${prod}/datasets/analytics`;
    model.bind(analytics, 'roles/bigquery.dataEditor', `projectEditor:${prod}`);
    model.bind(analytics, 'roles/bigquery.dataViewer', `projectViewer:${prod}`);
    model.bind(analytics, 'roles/bigquery.dataViewer', 'allUsers');
    model.bind(analytics, 'roles/bigquery.dataEditor', 'allAuthenticatedUsers');
    expect(verdicts()).toEqual(
      expect.arrayContaining([
        [`projectEditor:${prod}`, 'writes'],
        [`projectViewer:${prod}`, 'reads'],
        ['allUsers', 'reads, as everybody in the world'],
        ['allAuthenticatedUsers', 'writes'],
      ]),
    );
  });

  test('adopt what somebody made by hand, each by its name', () => {
    for (const reading of readings) {
      const model = sound[reading].copy();
      const olga: Login = { who: 'user:olga@acme.example', project: prod };
      model.run(`create schema \`${names.ci}\`.pr_500; create table \`${names.ci}\`.pr_500.t (i int64); create schema \`${names.ci}\`.pr_5000`, olga);
      const adopt = script(layout, 'adopt_leftovers.sql').text;
      const asked = (list: string): string => adopt.replace('DECLARE v_asked ARRAY<STRING> DEFAULT [];', `DECLARE v_asked ARRAY<STRING> DEFAULT ${list};`);
      expect(() => model.sql(adopt, ADMIN)).toThrow('Name the datasets first');
      for (const name of ['product', 'pr_500_x', 'pr_0', 'analytics', 'pr_501'])
        expect(() => model.sql(asked(`['pr_500', '${name}']`), ADMIN)).toThrow(`Nothing was changed`);
      const drops = `drop schema \`${names.ci}\`.pr_500 cascade`;
      expect(model.attempt(people.ci, drops)).not.toBe('done');
      for (const _ of [1, 2]) model.sql(asked("['pr_500']"), ADMIN);
      expect(model.labels(`projects/${names.ci}/datasets/pr_500`)).toMatchObject({ dbt_envs_project: 'acme', env: 'ci', pr: '500' });
      expect(model.labels(`projects/${names.ci}/datasets/pr_5000`)).toEqual({});
      for (const one of ['ci', 'janitor'] as const) expect(model.attempt(people[one], drops), one).toBe('done');
      expect(model.attempt(people.ci, `drop schema \`${names.ci}\`.pr_5000`)).not.toBe('done');
    }
  });

  test('print who else has a right on what is adopted, and nothing else', () => {
    const adopt = script(layout, 'adopt_leftovers.sql').text.replace(
      'v_asked ARRAY<STRING> DEFAULT [];',
      "v_asked ARRAY<STRING> DEFAULT ['dev_ghost', 'pr_500'];",
    );
    const olga: Login = { who: 'user:olga@acme.example', project: prod };
    const places = [`projects/${dev}/datasets/dev_ghost`, `projects/${names.ci}/datasets/pr_500`];
    /** Of both datasets' rights, those that the script does not print; and what it prints that is none. */
    const unlike = (text: string): readonly string[] => {
      const model = sound.narrow.copy();
      model.run(`create schema \`${dev}\`.dev_ghost; create schema \`${names.ci}\`.pr_500; create table \`${names.ci}\`.pr_500.t (i int64)`, olga);
      for (const place of places) {
        model.bind(place, 'roles/bigquery.dataEditor', people.sam.who);
        model.bind(place, 'roles/bigquery.dataViewer', 'allAuthenticatedUsers');
      }
      const printed = model.ask(text, ADMIN).flatMap((rows) => rows.map((row) => `${row.object_name}: ${row.grantee}: ${row.privilege_type}`));
      const there = model.policies().filter((line) => places.some((place) => line.startsWith(`${place}: `)));
      for (const one of [olga.who, people.sam.who, 'allAuthenticatedUsers', `projectEditor:${dev}`]) expect(there.join('\n')).toContain(`: ${one}: `);
      const named = there.map((line) => line.replace(/^.*\/datasets\//, ''));
      return [...named.filter((one) => !printed.includes(one)), ...printed.filter((one) => !named.includes(one))];
    };
    expect(unlike(adopt)).toEqual([]);
    // Rights on tables are not those on the dataset; another's dataset is another's; whoever is not named is not seen.
    for (const [right, wrong] of [
      ["object_name = '%s' AND object_type = 'SCHEMA'\"\"\", one.name)", "object_name = '%s' AND object_type = 'TABLE'\"\"\", one.name)"],
      [
        "WHERE object_name = '%s' AND object_type = 'SCHEMA'\"\"\", one.name);\n  ELSE",
        "WHERE object_name = 'dev_sam' AND object_type = 'SCHEMA'\"\"\");\n  ELSE",
      ],
      ['SELECT object_name, privilege_type, grantee', 'SELECT object_name, privilege_type, privilege_type AS grantee'],
    ] as const) {
      expect(adopt).toContain(right);
      expect(unlike(adopt.replace(right, wrong)), wrong).not.toEqual([]);
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
      ['20_record.sh', `create schema \`${prod}\`.acme_record`, /acme_record exists, and this project did not create it/],
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

  if (layout !== 'three')
    held('squatting')('do not hand out a dataset that CI or the janitor made, though it carries the mark', () => {
      for (const reading of readings)
        for (const one of ['ci', 'janitor'] as const) {
          const model = sound[reading].copy();
          model.run(
            `create schema \`${dev}\`.dev_mia options (labels = [('managed_by', 'dbt_envs'), ('dbt_envs_project', 'acme'), ('env', 'dev'), ('owner', 'mia')])`,
            people[one],
          );
          const mia = {
            ...script(layout, '30_developers.sql'),
            text: script(layout, '30_developers.sql').text.replaceAll(
              "('noor', 'user:noor@acme.example')",
              "('noor', 'user:noor@acme.example'), ('mia', 'user:lea@acme.example')",
            ),
          };
          expect(mia.text).toContain('mia');
          expect(() => step(model, mia)).toThrow(/dev_mia/);
          expect(model.attempt(people.lea, `create table \`${dev}\`.dev_mia.t (i int64)`)).not.toBe('done');
        }
    });

  if (layout !== 'three')
    test('do not hand out a dataset that CI made and gave to somebody', () => {
      for (const reading of readings) {
        const model = sound[reading].copy();
        const marked = "options (labels = [('managed_by', 'dbt_envs'), ('dbt_envs_project', 'acme'), ('env', 'dev'), ('owner', 'mia')])";
        const handed = (name: string): string =>
          `create schema \`${dev}\`.${name} ${marked}; grant \`roles/bigquery.dataOwner\` on schema \`${dev}\`.${name} to "${people.sam.who}"; revoke \`roles/bigquery.dataOwner\` on schema \`${dev}\`.${name} from "${people.ci.who}"`;
        model.run(handed('dev_mia'), people.ci);
        const mia = (name: string) => ({
          ...script(layout, name),
          text: script(layout, name).text.replaceAll(
            "('noor', 'user:noor@acme.example')",
            "('noor', 'user:noor@acme.example'), ('mia', 'user:lea@acme.example')",
          ),
        });
        expect(() => step(model, mia('30_developers.sql'))).toThrow(/dev_mia exists, and this project did not create it/);
        // An administrator looks, and names it.
        const adopt = mia('adopt_leftovers.sql').text.replace('v_asked ARRAY<STRING> DEFAULT [];', "v_asked ARRAY<STRING> DEFAULT ['dev_mia'];");
        model.sql(adopt, ADMIN);
        step(model, mia('30_developers.sql'));
        expect(model.attempt(people.lea, `create table \`${dev}\`.dev_mia.t (i int64)`)).toBe('done');
        // What was given by hand is taken back once somebody leaves.
        step(model, script(layout, '30_developers.sql'));
        expect(model.members(`projects/${dev}/datasets/dev_mia`, 'roles/bigquery.dataEditor')).not.toContain(people.lea.who);

        // The janitor may drop a developer's dataset, and create one.
        model.later();
        model.run(`drop schema \`${dev}\`.dev_noor cascade; ${handed('dev_noor').replace(people.ci.who, people.janitor.who)}`, people.janitor);
        expect(() => step(model, script(layout, '30_developers.sql'))).toThrow(/dev_noor exists, and this project did not create it/);
        model.run(`drop schema \`${dev}\`.dev_noor cascade`, people.olga);
        for (const _ of [1, 2]) step(model, script(layout, '30_developers.sql'));

        model.run(`create schema \`${dev}\`.dev_noah ${marked}`, people.ci);
        expect(() => model.sql(adopt.replace("['dev_mia']", "['dev_noah']"), ADMIN)).toThrow(/Nothing was changed. Dataset dev_noah was made by CI/);
      }
    });

  if (layout === 'single')
    test('do not make a dataset that CI made and gave to somebody one of production', () => {
      for (const reading of readings) {
        const model = sound[reading].copy();
        model.run(
          `create schema \`${prod}\`.marts; grant \`roles/bigquery.dataOwner\` on schema \`${prod}\`.marts to "${people.sam.who}"; revoke \`roles/bigquery.dataOwner\` on schema \`${prod}\`.marts from "${people.ci.who}"`,
          people.ci,
        );
        const more = script(layout, '20_boundary.sql');
        const marts = { ...more, text: more.text.replaceAll('staging', 'marts') };
        expect(() => step(model, marts)).toThrow(/marts is there, and this file did not make it/);
        // Whose it is, an administrator says.
        model.sql(`insert into acme_record.made (made_at, name) select current_timestamp(), "${prod}.marts"`, ADMIN);
        step(model, marts);
        // One that an administrator dropped, and CI made again under its name, is not that one.
        model.run(`drop schema \`${prod}\`.marts cascade`, { who: 'user:olga@acme.example', project: prod });
        model.later();
        model.run(
          `create schema \`${prod}\`.marts; grant \`roles/bigquery.dataOwner\` on schema \`${prod}\`.marts to "${people.sam.who}"; revoke \`roles/bigquery.dataOwner\` on schema \`${prod}\`.marts from "${people.ci.who}"`,
          people.ci,
        );
        expect(() => step(model, marts)).toThrow(/marts is there, and this file did not make it/);
        model.run(`drop schema \`${prod}\`.marts cascade`, { who: 'user:olga@acme.example', project: prod });
        for (const _ of [1, 2]) step(model, marts);
      }
    });

  test('leave whoever ran them no right of their own', () => {
    for (const reading of readings) {
      const model = company(reading, layout);
      for (const one of installation(layout)) step(model, one);
      expect(model.policies().filter((line) => line.includes(ADMIN.who) && line.includes('/datasets/'))).toEqual([]);
    }
  });

  test('take no record for theirs that somebody has filled before they came', () => {
    const mallory = { who: 'user:mallory@elsewhere.example', project: prod };
    for (const reading of readings) {
      const model = company(reading, layout);
      model.bind(`projects/${prod}`, 'roles/bigquery.user', mallory.who);
      model.sql(
        `create schema \`${prod}\`.acme_record options (labels = [('dbt_envs_project', 'acme')]);
         create table \`${prod}\`.acme_record.taken (taken_at timestamp, kind string, name string, role string, principal string);
         grant \`roles/bigquery.dataOwner\` on table \`${prod}\`.acme_record.taken to "${mallory.who}"`,
        mallory,
      );
      step(model, script(layout, '10_roles.sh'));
      expect(() => step(model, script(layout, '20_record.sh'))).toThrow(/OWNER mallory@elsewhere\.example[\s\S]*look at it|status 1|ended/);
      step(model, script(layout, '20_record.sh'));
      expect(() => step(model, script(layout, '20_boundary.sql'))).toThrow(/user:mallory@elsewhere\.example holds roles\/bigquery\.dataOwner on taken/);
      model.sql(`revoke \`roles/bigquery.dataOwner\` on table \`${prod}\`.acme_record.taken from "${mallory.who}"`, ADMIN);
      step(model, script(layout, '20_boundary.sql'));
    }
  });

  test('write nothing down before the record is closed to Editors', () => {
    for (const reading of readings) {
      const model = company(reading, layout);
      step(model, script(layout, '10_roles.sh'));
      expect(() => step(model, script(layout, '20_boundary.sql'))).toThrow(/acme_record is not there.*20_record\.sh/);
      model.run(`create schema \`${prod}\`.acme_record options (labels = [('dbt_envs_project', 'acme')])`, ADMIN);
      expect(() => step(model, script(layout, '20_boundary.sql'))).toThrow(/others than administrators may write it/);
      step(model, script(layout, '20_record.sh'));
      step(model, script(layout, '20_boundary.sql'));
      for (const one of ['ed', 'vic', 'finn'] as const)
        for (const name of ['given', 'taken', 'made'])
          expect(model.attempt(people[one], `insert into \`${prod}\`.acme_record.${name} select * from \`${prod}\`.acme_record.${name}`) === 'done').toBe(
            one === 'finn',
          );
    }
  });

  if (layout === 'single')
    held('squatting')('do not make a dataset that CI made one of production', () => {
      for (const reading of readings) {
        const model = sound[reading].copy();
        model.run(`create schema \`${prod}\`.marts`, people.ci);
        const more = script(layout, '20_boundary.sql');
        expect(() => step(model, { ...more, text: more.text.replaceAll('staging', 'marts') })).toThrow(/marts/);
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
        // A proof under production's login is no deploy: it builds one table of its own, and deletes no row of another.
        const service = `acme-prod@${prod}.iam.gserviceaccount.com`;
        model.ran(prod, service, 'analytics', 'dbt_envs_proof');
        model.ran(prod, service, 'analytics', 'orders', 'DELETE');
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

    held('record')('give back what was taken, and not what others write between its lines', () => {
      const poison: readonly (readonly [string, string, string, string])[] = [
        ['SCHEMA', `\`${prod}\`.\`analytics\``, 'roles/bigquery.dataOwner', people.lea.who],
        ['SCHEMA', `\`${prod}\`.\`raw_pii\``, 'roles/bigquery.dataViewer', people.lea.who],
        ['PROJECT', `\`${prod}\``, 'roles/owner', people.lea.who],
        ['PROJECT', prod, 'roles/owner', people.lea.who],
        ['PROJECT', prod, 'roles/resourcemanager.projectIamAdmin', people.lea.who],
        ['SCHEMA', `\`${dev}\`.\`dev_priya\``, 'roles/bigquery.dataOwner', people.lea.who],
      ];
      for (const [kind, name, role, principal] of poison) {
        const model = shared('narrow');
        model.ran(prod, `acme-prod@${prod}.iam.gserviceaccount.com`, 'analytics');
        step(model, script(layout, '90_close_prod.sql'));
        const planted = `insert into \`${prod}\`.acme_record.taken (taken_at, kind, name, role, principal) select current_timestamp(), '${kind}', '${name}', '${role}', '${principal}'`;
        expect(model.attempt(people.ed, planted)).toContain('Access Denied');
        // What a role above the project lets somebody write looks like a line of 90's where it names a role that 90 takes; nothing else is believed.
        const fromAbove = kind === 'SCHEMA' && name.includes('analytics') ? undefined : people.finn;
        if (fromAbove !== undefined) model.run(planted, fromAbove);
        try {
          model.shell(script(layout, '91_reopen_prod.sh').text, ADMIN);
          step(model, script(layout, '91_reopen_prod.sql'));
        } catch (error) {
          expect(error).toBeInstanceOf(Refused);
        }
        expect(
          model.policies().filter((line) => line.includes(`${people.lea.who}: ${role}`)),
          `${role} on ${name}`,
        ).toEqual([]);
      }
    });

    test('are not silent where a dataset of production is newer than the closing', () => {
      for (const reading of readings) {
        const model = shared(reading);
        model.ran(prod, `acme-prod@${prod}.iam.gserviceaccount.com`, 'analytics');
        const marts = (name: string) => ({ ...script(layout, name), text: script(layout, name).text.replaceAll('staging', 'marts') });
        const close = (): void => {
          model.later();
          step(model, marts('90_close_prod.sql'));
          model.shell(marts('90_close_prod.sh').text, ADMIN, {}, ['--apply']);
          model.later();
        };
        step(model, script(layout, '20_boundary.sql'));
        step(model, script(layout, '90_close_prod.sql'));
        model.shell(script(layout, '90_close_prod.sh').text, ADMIN, {}, ['--apply']);
        step(model, script(layout, '20_boundary.sql'));
        model.later();
        for (const _ of [1, 2]) expect(() => step(model, marts('20_boundary.sql'))).toThrow(/dataset marts is newer than the closing of production/);
        expect(model.attempt(people.ed, `create table \`${prod}\`.marts.t (i int64)`)).toBe('done');
        close();
        step(model, marts('20_boundary.sql'));
        expect(model.attempt(people.ed, `create table \`${prod}\`.marts.t (i int64)`)).not.toBe('done');
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

  test.each(
    faults(names).filter((one) => one.layouts?.includes(layout) !== false && !(UNMENDED.has('snapshots') && one.name === 'the janitor cannot drop snapshots')),
  )('turn a cell red where $name', ({ change, spoil, turnsRed }) => {
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

  describe('let in tokens', () => {
    const trusting = (reading: 'wide' | 'narrow', trust: Readonly<Record<string, string>>) => {
      const model = sound[reading].copy();
      step(model, script(layout, '40_services.sh'), trust);
      return model;
    };
    const trust = gitlabTrust();

    test('of GitLab as they are to be, once and twice, and then none of the provider before', () => {
      for (const reading of readings) {
        const model = trusting(reading, trust);
        expect(loggedIn(model, names, gitlabTokens)).toEqual([]);
        expect(tokens.flatMap(({ token }) => model.logsInAs(token))).toEqual([]);
        const once = model.policies();
        step(model, script(layout, '40_services.sh'), trust);
        expect([model.policies(), loggedIn(model, names, gitlabTokens)]).toEqual([once, []]);
      }
    });
    describe.each([
      ['GitHub', TRUST, tokens],
      ['GitLab', trust, gitlabTokens],
    ] as const)('of %s', (_, words, rows) => {
      // One service alone, since the script refuses what two could mean.
      const furtherWith = (service: Service, said: Readonly<Record<string, string>>) => {
        const alone = { ...said, ...Object.fromEntries(SERVICES.filter((one) => one !== service).map((one) => [`${one.toUpperCase()}_CLAIMS`, '-'])) };
        const expected = rows.map((row) => ({ ...row, may: row.may.filter((one) => one === service) }));
        return readings.map((reading) => loggedIn(trusting(reading, alone), names, expected));
      };
      test.each(SERVICES)('as %s alone, where it says all', (service) => expect(furtherWith(service, words)).toEqual([[], []]));
      test.each(SERVICES.flatMap((service) => claimsOf(words, service).map((claim) => [service, claim] as const)))(
        'further as %s without %s',
        (service, claim) => {
          for (const further of furtherWith(service, without(words, `${service.toUpperCase()}_CLAIMS`, claim)))
            expect(further.join('\n')).toMatch(new RegExp(`got serviceAccount:acme-${service}@`));
        },
      );
    });
    test('by no subject of GitLab alone: a merge request of main becomes production', () => {
      const model = sound.narrow.copy();
      const sub = 'project_path:acme/warehouse:ref_type:branch:ref:main';
      step(model, script(layout, '40_services.sh'), { ...trust, PROD_CLAIMS: `sub=${sub} project_id=42`, JANITOR_CLAIMS: '-', CI_CLAIMS: '-' });
      expect(loggedIn(model, names, gitlabTokens).join('\n')).toContain(`a merge request of main into another branch: expected serviceAccount:acme-ci`);
    });
    test('of nobody where two services could be meant', () => {
      const before = sound.narrow.copy();
      for (const words of [
        { ...trust, PROD_CLAIMS: trust.CI_CLAIMS ?? '' },
        { ...trust, PROD_CLAIMS: without(trust, 'PROD_CLAIMS', 'environment').PROD_CLAIMS ?? '' },
        { ...trust, CI_CLAIMS: 'project_id=42 pipeline_source=merge_request_event,push' },
      ]) {
        const model = before.copy();
        expect(() => step(model, script(layout, '40_services.sh'), words)).toThrow();
        expect(model.policies()).toEqual(before.policies());
      }
    });
  });
});
