import { describe, expect, test } from 'vitest';
import { plan } from '../../src/plan.ts';
import { parseAnswers } from '../../src/questions.ts';
import { planned } from '../support/scaffold.ts';

const BIGQUERY = { projectName: 'acme', warehouse: 'bigquery' };

/** The plan for these answers and nothing that a test adds. */
function planOf(given: Record<string, string>) {
  const answers = parseAnswers({ ...BIGQUERY, ...given });
  return plan(answers, { developers: answers.team, leavers: [], readers: answers.readers }, { projectDir: '' }, ['grants']);
}
const text = (given: Record<string, string>, path: string): string => planOf(given).find((one) => one.path === path)?.contents ?? '';
const people = (count: number): string => Array.from({ length: count }, (_, at) => `dev${String(at).padStart(5, '0')}`).join(', ');

describe('people are known by their e-mail address', () => {
  test('a login that is one, else the address in the roster, else the login in the domain that was given', () => {
    const script = text({ team: 'a=Ana.K@Acme.example, Bo Li <bo@acme.example>, cy', emailDomain: 'example.com' }, 'grants/30_developers.sql');
    for (const line of ["('a', 'user:ana.k@acme.example')", "('bo_li', 'user:bo@acme.example')", "('cy', 'user:cy@example.com')"])
      expect(script).toContain(line);
  });
  test('and none is guessed: the plan is refused with the names and the way out', () => {
    expect(() => planOf({ team: 'priya, sam@example.com', readers: 'looker' })).toThrow(
      'BigQuery knows people by their e-mail address, and none is known of priya, looker. Give --email-domain, e.g. example.com, or each address in roster.yml.',
    );
  });
  test('a service account is granted as one', () => {
    expect(text({ team: 'a@example.com', readers: 'bi@tools-1.iam.gserviceaccount.com' }, 'grants/50_readers.sql')).toContain(
      '"serviceAccount:bi@tools-1.iam.gserviceaccount.com"',
    );
  });
});

describe('the projects', () => {
  const TEAM = { team: 'a@example.com' };
  test.each([
    ['three, called after the first', { database: 'shop-prod' }, ['shop-prod', 'shop-dev', 'shop-ci']],
    ['two', { database: 'shop-prod', ciDatabase: 'shop-dev' }, ['shop-prod', 'shop-dev']],
    ['one', { database: 'shop-prod', layout: 'single' }, ['shop-prod']],
  ])('%s', (_, given, projects) => {
    const all = planOf({ ...TEAM, ...given })
      .map(({ contents }) => contents)
      .join('\n');
    const named = new Set([...all.matchAll(/ON PROJECT `([^`%]+)`/g)].map(([, name]) => name));
    expect([...named].sort()).toEqual([...projects].sort());
  });
  test('only where a project is for pull requests alone is something granted on all of it', () => {
    const onProject = (given: Record<string, string>) => text({ ...TEAM, ...given }, 'grants/40_services.sql').includes('acme_janitor` ON PROJECT');
    expect([{}, { ciDatabase: 'acme-dev' }, { layout: 'single' }].map(onProject)).toEqual([true, false, false]);
    expect(text({ ...TEAM, layout: 'single' }, 'grants/30_developers.sql')).not.toMatch(/dataViewer` ON PROJECT/);
  });
  test.each([
    [{ database: 'acme-prod', nonprodDatabase: 'acme-prod' }, /--nonprod-database is acme-prod, the project of production\..*--layout single/],
    [{ database: 'acme-prod', ciDatabase: 'acme-prod' }, /--ci-database is acme-prod/],
    [{ database: 'acme' }, /--database: "acme" is no id of a Google Cloud project/],
    [{ database: 'Acme_Prod' }, /--database: "Acme_Prod" is no id/],
    [{ rolePrefix: 'a' }, /"a-ci" cannot be a service account: .*--role-prefix/],
    [{ rolePrefix: 'a_prefix_of_twenty_three' }, /cannot be a service account/],
    [{ prodSchemas: 'acme_record' }, /"acme_record" is the dataset in which these scripts keep their record/],
    [{ location: 'Europe' }, /--location: "Europe" is no location/],
    [{ emailDomain: 'Example' }, /--email-domain/],
    [{ developersGroup: 'data' }, /--developers-group/],
  ])('%o is refused in one line', (given, message) => expect(() => planOf({ ...TEAM, ...given })).toThrow(message));
});

describe('many developers', () => {
  test('from 1,001 on, a group is asked for', () => {
    expect(() => planOf({ team: people(1001), emailDomain: 'example.com' })).toThrow('--developers-group');
    expect(planOf({ team: people(1000), emailDomain: 'example.com' })).not.toEqual([]);
  });
  test('ten thousand make each script longer by the same for each, and none longer than BigQuery takes', () => {
    const sizes = (count: number) =>
      planOf({ team: people(count), emailDomain: 'example.com', developersGroup: 'team@example.com' }).map(
        ({ path, contents }) => [path, contents.length] as const,
      );
    const before = process.cpuUsage().user;
    const most = new Map(sizes(10_000));
    expect((process.cpuUsage().user - before) / 1000, 'milliseconds of CPU').toBeLessThan(1500);
    const [few, more] = [new Map(sizes(1000)), new Map(sizes(2000))];
    for (const [path, size] of most) {
      const each = ((more.get(path) ?? 0) - (few.get(path) ?? 0)) / 1000;
      expect(Math.abs(size - (few.get(path) ?? 0) - each * 9000), path).toBeLessThan(10);
      if (path.endsWith('.sql') && path.startsWith('grants/')) expect(size, path).toBeLessThan(1_000_000);
    }
  });
});

describe('what no script does', () => {
  const scripts = planned({ warehouse: 'bigquery', readers: 'looker, anna:reviews', sourceSchemas: 'raw, crm:pii' }, ['grants']).filter(({ path }) =>
    path.startsWith('grants/'),
  );
  const code = (path: string): string =>
    (scripts.find((one) => one.path === path)?.contents ?? '')
      .split('\n')
      .filter((line) => !/^\s*(?:--|#)/.test(line))
      .join('\n');

  test('let a table expire', () => {
    for (const { path } of scripts.filter((one) => !one.path.endsWith('.md'))) expect(code(path), path).not.toMatch(/expiration_/i);
  });
  test('grant personal data to anybody but production’s service', () => {
    const grants = scripts.flatMap(({ path }) => (path === 'grants/verify.sql' ? '' : code(path)).match(/GRANT [^;]*`crm`[^;]*;/g) ?? []);
    expect(grants).toEqual(['GRANT `roles/bigquery.dataViewer` ON SCHEMA `acme-prod`.`crm` TO "serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com";']);
  });
  test('give anybody the right to create datasets, but CI and the janitor in CI’s project', () => {
    for (const { path } of scripts) expect(code(path), path).not.toMatch(/GRANT [^;]*roles\/bigquery\.(?:user|admin|dataOwner)`[^;]* ON PROJECT/);
    expect(code('grants/40_services.sql').match(/acme_dataset_creator`[^;]* ON PROJECT `[^`]+`/g)).toEqual([
      'acme_dataset_creator` ON PROJECT `acme-ci`',
      'acme_dataset_creator`, `projects/acme-ci/roles/acme_janitor` ON PROJECT `acme-ci`',
    ]);
  });
  test('take a right before 90, but what 30 and 50 themselves gave', () => {
    for (const path of ['00_look.sql', '00_look.sh', '10_roles.sh'].map((name) => `grants/${name}`))
      expect(code(path), path).not.toMatch(/\bREVOKE\b|\bDROP (?:SCHEMA|TABLE)\b|remove-iam|gcloud [^\n]* delete /i);
    // Whoever runs 20 and 30 gives back what BigQuery gave them as a creator; 30 takes what it once gave, too.
    const own = 'REVOKE `roles/bigquery.dataOwner` ON SCHEMA %s FROM "%s"\', one.name, one.principal);';
    expect(code('grants/20_boundary.sql').match(/(?:REVOKE|DROP) .*/g)).toEqual([own]);
    expect(code('grants/30_developers.sql').match(/(?:REVOKE|DROP) .*/g)).toEqual([
      own,
      'REVOKE `%s` ON %s %s FROM "%s"\', one.role, one.kind, one.name, one.principal);',
    ]);
    for (const path of ['grants/20_record.sh', 'grants/30_developers.sh']) expect(code(path), path).not.toMatch(/remove-iam|gcloud [^\n]* delete |bq rm/i);
    expect(code('grants/40_services.sql').match(/(?:REVOKE|DROP) .*/g)).toEqual([
      'REVOKE `roles/bigquery.jobUser` ON PROJECT `%s` FROM "%s"\', one.project, one.principal);',
    ]);
    expect(code('grants/40_services.sql').match(/STRUCT\('acme-\w+'(?: AS project)?, '[^']+/g)).toEqual([
      "STRUCT('acme-prod' AS project, 'serviceAccount:acme-prod@acme-prod.iam.gserviceaccount.com",
      "STRUCT('acme-ci', 'serviceAccount:acme-ci@acme-ci.iam.gserviceaccount.com",
      "STRUCT('acme-ci', 'serviceAccount:acme-janitor@acme-ci.iam.gserviceaccount.com",
    ]);
    expect(code('grants/50_readers.sql').match(/REVOKE/g)).toHaveLength(1);
  });
  test('match a name by LIKE', () => {
    for (const { path } of scripts) expect(code(path), path).not.toMatch(/schema_name\s+LIKE/i);
  });
  test('leave to bq which rows of its last list it prints: 100 of them, and none behind a loop', () => {
    // `bq help query`: --max_rows, --max_statement_results, --max_child_jobs.
    const hides = (text: string): boolean => {
      const [, flags = ''] = /^-- +bq query (.*) < grants/m.exec(text) ?? [];
      const lists = text.split(/;\n/).filter((one) => /^SELECT\b/.test(one.replace(/^(?:--.*\n|\s)+/g, ''))).length;
      const ofLoops = /^FOR\b/m.test(text) && !(flags.includes('--max_child_jobs=0') && lists <= 1) && !flags.includes('--max_statement_results=100000');
      return lists > 0 && (ofLoops || !flags.includes('--max_rows=100000'));
    };
    const sql = scripts.filter(({ path }) => path.endsWith('.sql'));
    expect(sql.filter(({ contents }) => hides(contents)).map(({ path }) => path)).toEqual([]);
    const audit = sql.find(({ path }) => path === 'grants/audit.sql')?.contents ?? '';
    expect([hides(`${audit}\nSELECT 1;`), hides(audit.replace(' --max_rows=100000', ''))]).toEqual([true, true]);
  });
  test('leave out who runs it, what it changes and how to undo it', () => {
    for (const { path, contents } of scripts.filter(({ path: one }) => /\.(?:sql|sh)$/.test(one))) {
      expect(contents, path).toMatch(/Who runs it /);
      expect(contents, path).toMatch(/What changes /);
      if (!/00_|verify|audit|why_/.test(path)) expect(contents, path).toMatch(/How to undo /);
    }
  });
});
