import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { installation, script } from '../support/bigquery-installed.ts';
import { jq } from '../support/bigquery-model/jq.ts';
import { BigQueryModel, type Login, NotModelled, type Reading, Refused } from '../support/bigquery-model/model.ts';
import { PERMISSIONS, PREDEFINED } from '../support/bigquery-model/roles.ts';
import { Shell } from '../support/bigquery-model/shell.ts';
import { layouts } from '../support/bigquery-table.ts';
import { TRUST } from '../support/bigquery-world.ts';

const ADA: Login = { who: 'user:ada@x.example', project: 'home' };
const BOB: Login = { who: 'user:bob@x.example', project: 'home' };
const EVE: Login = { who: 'user:eve@evil.example', project: 'home' };
const ROOT: Login = { who: 'user:root@x.example', project: 'p' };
const BOT = 'serviceAccount:bot@p.iam.gserviceaccount.com';

/** Project p with dataset d of root's, which nobody else may use; q beside it; ada, bob and eve run queries in project home. */
function estate(reading: Reading, more: string): BigQueryModel {
  const model = new BigQueryModel(reading);
  model.organization('1');
  model.folder('10', 'organizations/1');
  model.project('p', '111', 'folders/10');
  model.project('q', '222', 'folders/10');
  model.project('home', '333');
  model.people('user:ada@x.example', 'user:bob@x.example', 'user:root@x.example', 'user:eve@evil.example');
  for (const one of [ADA, BOB, EVE]) model.bind('projects/home', 'roles/bigquery.jobUser', one.who);
  for (const project of ['p', 'q', 'home']) {
    model.bind(`projects/${project}`, 'roles/owner', ROOT.who);
    model.bind(`projects/${project}`, 'roles/bigquery.admin', ROOT.who);
  }
  model.connection('p', 'us', 'c');
  model.run(
    'create schema p.d; create table p.d.t (i int64); create view p.d.v as select * from p.d.t; create schema p.e; create table p.e.t (i int64); create schema q.d',
    ROOT,
  );
  model.run('gcloud iam service-accounts create bot-one --project=p', ROOT);
  model.people(BOT);
  // `bind <resource> <role> <member> [<condition>]`, `as ada: …`, or what root runs, one a line.
  for (const line of more
    .split('\n')
    .map((one) => one.trim())
    .filter((one) => one !== '')) {
    const [, on, role, member, condition] = /^bind (\S+) (\S+) (\S+)(?: (.+))?$/.exec(line) ?? [];
    const [, who, text] = /^as (ada|bob): (.*)$/.exec(line) ?? [];
    if (on !== undefined && role !== undefined && member !== undefined) model.bind(on, role, member, condition);
    else if (text !== undefined) model.run(text, who === 'ada' ? ADA : BOB);
    else model.run(line, ROOT);
  }
  return model;
}

interface Rule {
  readonly rule: string;
  readonly world: string;
  readonly yes: readonly [Login, string];
  readonly no: readonly [Login, string];
}
const rule = (text: string, world: string, yes: Rule['yes'], no: Rule['no']): Rule => ({ rule: text, world, yes, no });
const ON_D = (role: string, member = ADA.who): string => `bind projects/p/datasets/d roles/${role} ${member}`;
const WITHIN_D = ON_D('bigquery.dataEditor');
const READ = 'select * from p.d.t';
const WRITE = 'insert into p.d.t values (1)';

/** Each in both readings: what some page says clearly is the same in both. */
const RULES: readonly Rule[] = [
  rule('what is not granted is refused', ON_D('bigquery.dataViewer'), [ADA, READ], [BOB, READ]),
  rule('a query needs a project to run in', ON_D('bigquery.dataViewer'), [ADA, READ], [{ ...ADA, project: 'q' }, READ]),
  rule('a viewer does not write', ON_D('bigquery.dataViewer'), [ADA, READ], [ADA, WRITE]),
  rule('a right on a dataset ends there', WITHIN_D, [ADA, READ], [ADA, 'select * from p.e.t']),
  rule(
    'a right on a table ends there',
    'grant `roles/bigquery.dataViewer` on table p.d.t to "user:ada@x.example"',
    [ADA, READ],
    [ADA, 'create table p.d.u (i int64)'],
  ),
  rule('a project hands down', 'bind projects/p roles/bigquery.dataViewer user:ada@x.example', [ADA, 'select * from p.e.t'], [BOB, 'select * from p.e.t']),
  rule('a folder hands down', 'bind folders/10 roles/bigquery.dataViewer user:ada@x.example', [ADA, READ], [ADA, WRITE]),
  rule('an organization hands down', 'bind organizations/1 roles/bigquery.dataEditor user:ada@x.example', [ADA, WRITE], [ADA, 'create schema home.x']),
  rule(
    'a project hands nothing to its neighbour',
    'bind projects/q roles/bigquery.dataEditor user:ada@x.example',
    [ADA, 'create table q.d.t (i int64)'],
    [ADA, WRITE],
  ),
  rule(
    'an editor changes no policy',
    ON_D('bigquery.dataEditor'),
    [ADA, WRITE],
    [ADA, 'grant `roles/bigquery.dataViewer` on schema p.d to "user:bob@x.example"'],
  ),
  rule(
    'an editor does not drop the dataset',
    `${ON_D('bigquery.dataEditor')}\n${ON_D('bigquery.dataOwner', BOB.who)}`,
    [BOB, 'drop schema p.d cascade'],
    [ADA, 'drop schema p.d cascade'],
  ),
  rule(
    'an editor sets no options of the dataset',
    `${ON_D('bigquery.dataEditor')}\n${ON_D('bigquery.dataOwner', BOB.who)}`,
    [BOB, "alter schema p.d set options (labels = [('a', 'b')])"],
    [ADA, "alter schema p.d set options (labels = [('a', 'b')])"],
  ),
  rule(
    'an owner lets others in',
    ON_D('bigquery.dataOwner'),
    [ADA, 'grant `roles/bigquery.dataViewer` on schema p.d to "user:bob@x.example"'],
    [BOB, 'grant `roles/bigquery.dataViewer` on schema p.d to "user:bob@x.example"'],
  ),
  rule(
    'dataEditor on a dataset creates none',
    `${WITHIN_D}\nbind projects/q roles/bigquery.dataEditor user:ada@x.example`,
    [ADA, 'create schema q.x'],
    [ADA, 'create schema p.x'],
  ),
  rule(
    'jobUser creates no dataset, user does',
    'bind projects/q roles/bigquery.user user:ada@x.example',
    [ADA, 'create schema q.x'],
    [ADA, 'create schema home.x'],
  ),
  rule(
    'who creates a dataset owns it',
    'bind projects/q roles/bigquery.user user:ada@x.example\nas ada: create schema q.x',
    [ADA, 'grant `roles/bigquery.dataViewer` on schema q.x to "user:bob@x.example"'],
    [BOB, 'create table q.x.t (i int64)'],
  ),
  rule(
    'an Editor of the project writes what is created by default',
    'bind projects/p roles/editor user:ada@x.example',
    [ADA, WRITE],
    [ADA, 'drop schema p.d cascade'],
  ),
  rule('a Viewer of the project reads what is created by default', 'bind projects/p roles/viewer user:ada@x.example', [ADA, READ], [ADA, WRITE]),
  rule(
    'without the default entry a Viewer reads nothing',
    'bind projects/p roles/viewer user:ada@x.example\nbq remove-iam-policy-binding --member=projectViewer:p --role=roles/bigquery.dataViewer p:d',
    [ADA, 'select * from p.e.t'],
    [ADA, READ],
  ),
  rule(
    'a view is read with the rights of whoever asks',
    'grant `roles/bigquery.dataViewer` on table p.d.v to "user:ada@x.example"\ngrant `roles/bigquery.dataViewer` on schema p.d to "user:bob@x.example"',
    [BOB, 'select * from p.d.v'],
    [ADA, 'select * from p.d.v'],
  ),
  rule(
    'an authorized view is read on its own',
    'create view p.e.w as select * from p.d.t\ngrant `roles/bigquery.dataViewer` on schema p.e to "user:ada@x.example"\nbq update --view=p:e.w p:d',
    [ADA, 'select * from p.e.w'],
    [ADA, READ],
  ),
  rule('a view is not written through', WITHIN_D, [ADA, WRITE], [ADA, 'insert into p.d.v values (1)']),
  rule('what an insert reads is read', WITHIN_D, [ADA, 'insert into p.d.t select 1'], [ADA, 'insert into p.d.t select * from p.e.t']),
  rule('each side of a join is read', WITHIN_D, [ADA, 'select * from p.d.t a join p.d.t b using (i)'], [ADA, 'select * from p.d.t a join p.e.t b using (i)']),
  rule('each name after the comma is read', WITHIN_D, [ADA, 'select * from p.d.t a, p.d.t b'], [ADA, 'select * from p.d.t a, p.e.t b']),
  rule(
    'a relation behind a subquery is read',
    WITHIN_D,
    [ADA, 'select * from (select * from p.d.t) a, p.d.t b'],
    [ADA, 'select * from (select 1 as i) a, p.e.t b'],
  ),
  rule(
    'a subquery is read',
    WITHIN_D,
    [ADA, 'select * from p.d.t where i in (select i from p.d.t)'],
    [ADA, 'select * from p.d.t where i in (select i from p.e.t)'],
  ),
  rule(
    'a common table expression is read, and its name is no table',
    WITHIN_D,
    [ADA, 'with x as (select * from p.d.t) select * from x'],
    [ADA, 'with x as (select * from p.e.t) select * from x'],
  ),
  rule(
    'what USING reads is read',
    WITHIN_D,
    [ADA, 'merge into p.d.t a using p.d.t b on a.i = b.i when matched then delete'],
    [ADA, 'merge into p.d.t a using p.e.t b on a.i = b.i when matched then delete'],
  ),
  rule(
    'EXTRACT reads no table',
    WITHIN_D,
    [ADA, 'select extract(year from current_date()) from p.d.t'],
    [ADA, 'select extract(year from current_date()) from p.e.t'],
  ),
  rule('a name between backticks is one', WITHIN_D, [ADA, 'select * from `p.d.t`'], [ADA, 'select * from `p.e.t`']),
  rule('a table is made from what one reads', WITHIN_D, [ADA, 'create table p.d.u as select * from p.d.t'], [ADA, 'create table p.d.u as select * from p.e.t']),
  rule('a clone reads its source', WITHIN_D, [ADA, 'create table p.d.u clone p.d.t'], [ADA, 'create table p.d.u clone p.e.t']),
  rule(
    'a viewer makes snapshots elsewhere',
    `${ON_D('bigquery.dataViewer')}\nbind projects/q/datasets/d roles/bigquery.dataEditor user:ada@x.example`,
    [ADA, 'create snapshot table q.d.s clone p.d.t'],
    [ADA, 'create snapshot table p.d.s clone p.d.t'],
  ),
  rule(
    'an editor does not drop snapshots',
    `create snapshot table p.d.s clone p.d.t\n${ON_D('bigquery.dataEditor')}\n${ON_D('bigquery.dataOwner', BOB.who)}`,
    [BOB, 'drop snapshot table p.d.s'],
    [ADA, 'drop snapshot table p.d.s'],
  ),
  rule('DROP TABLE drops no view', WITHIN_D, [ADA, 'drop view p.d.v'], [ADA, 'drop table p.d.v']),
  rule('a dataset with something in it is dropped with CASCADE alone', ON_D('bigquery.dataOwner'), [ADA, 'drop schema p.d cascade'], [ADA, 'drop schema p.d']),
  rule('IF NOT EXISTS is no error where it is there', WITHIN_D, [ADA, 'create table if not exists p.d.t (i int64)'], [ADA, 'create table p.d.t (i int64)']),
  rule('a table is renamed within its dataset', WITHIN_D, [ADA, 'alter table p.d.t rename to u'], [ADA, 'alter table p.d.t rename to `q.d.u`']),
  rule(
    'an owner hides rows, an editor does not',
    `${ON_D('bigquery.dataEditor')}\n${ON_D('bigquery.dataOwner', BOB.who)}`,
    [BOB, 'create row access policy r on p.d.t grant to ("user:bob@x.example") filter using (true)'],
    [ADA, 'create row access policy r on p.d.t grant to ("user:bob@x.example") filter using (true)'],
  ),
  rule(
    'a procedure runs with the rights of its caller',
    `${WITHIN_D}\nbind projects/q/datasets/d roles/bigquery.dataViewer user:ada@x.example\nbind projects/q/datasets/d roles/bigquery.dataViewer user:bob@x.example\ncreate procedure q.d.w() begin insert into p.d.t values (1); end`,
    [ADA, 'call q.d.w()'],
    [BOB, 'call q.d.w()'],
  ),
  rule(
    'a function is used by who may see it',
    `${WITHIN_D}\ncreate function p.e.f(x int64) as (x + 1)\ncreate function p.d.f(x int64) as (x + 1)`,
    [ADA, 'select p.d.f(1)'],
    [ADA, 'select p.e.f(1)'],
  ),
  rule(
    'a remote function needs its connection',
    `${WITHIN_D}\n${ON_D('bigquery.dataEditor', BOB.who)}\nbind projects/p/locations/us/connections/c roles/bigquery.connectionAdmin user:bob@x.example`,
    [BOB, 'create function p.d.r(x int64) returns int64 remote with connection `p.us.c` options (endpoint = "https://x.example")'],
    [ADA, 'create function p.d.r(x int64) returns int64 remote with connection `p.us.c` options (endpoint = "https://x.example")'],
  ),
  rule(
    'rows are read without a job, and not without the right',
    `${ON_D('bigquery.dataViewer')}`,
    [{ ...ADA, project: 'q' }, 'bq head p:d.t'],
    [BOB, 'bq head p:d.t'],
  ),
  rule('names of tables are listed by who may', ON_D('bigquery.metadataViewer'), [ADA, 'bq ls p:d'], [ADA, READ]),
  rule(
    'a region is listed by who may see the project',
    'bind projects/p roles/bigquery.metadataViewer user:ada@x.example',
    [ADA, 'select * from p.`region-us`.INFORMATION_SCHEMA.SCHEMATA'],
    [ADA, 'select * from q.`region-us`.INFORMATION_SCHEMA.SCHEMATA'],
  ),
  rule(
    'what everybody ran is for who may see it',
    'bind projects/p roles/bigquery.resourceViewer user:ada@x.example\nbind projects/p roles/bigquery.jobUser user:bob@x.example',
    [ADA, 'select * from p.`region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT'],
    [BOB, 'select * from p.`region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT'],
  ),

  rule('a user is a member of his domain', 'bind projects/p/datasets/d roles/bigquery.dataViewer domain:x.example', [ADA, READ], [EVE, READ]),
  rule('everybody with a Google account is everybody', 'bind projects/p/datasets/d roles/bigquery.dataViewer allAuthenticatedUsers', [EVE, READ], [EVE, WRITE]),
  rule(
    'a condition on a dataset and what is in it',
    'bind projects/p roles/bigquery.dataEditor user:ada@x.example resource.name == "projects/p/datasets/d" || resource.name.startsWith("projects/p/datasets/d/")',
    [ADA, WRITE],
    [ADA, 'insert into p.e.t values (1)'],
  ),
  rule(
    'a condition on the dataset alone does not reach its tables',
    'bind projects/p roles/bigquery.dataEditor user:ada@x.example resource.name == "projects/p/datasets/d"',
    [ADA, 'create table p.d.u (i int64)'],
    [ADA, READ],
  ),
  rule(
    'a bare prefix reaches further',
    'create schema p.dd\ncreate table p.dd.t (i int64)\nbind projects/p roles/bigquery.dataViewer user:ada@x.example resource.name.startsWith("projects/p/datasets/d")',
    [ADA, 'select * from p.dd.t'],
    [ADA, 'select * from p.e.t'],
  ),
  rule(
    'a condition on the type',
    'bind projects/p roles/bigquery.dataViewer user:ada@x.example resource.type == "bigquery.googleapis.com/Table" && !resource.name.contains("/e/")',
    [ADA, READ],
    [ADA, 'select * from p.e.t'],
  ),
  rule(
    'a custom role gives what it lists',
    'gcloud iam roles create only_get --project=p --permissions=bigquery.tables.getData\nbind projects/p/datasets/d projects/p/roles/only_get user:ada@x.example',
    [ADA, READ],
    [ADA, 'bq ls p:d'],
  ),
  rule(
    'whoever may take a token of an account is it',
    `${ON_D('bigquery.dataEditor', 'serviceAccount:bot-one@p.iam.gserviceaccount.com')}\nbind projects/p/serviceAccounts/bot-one@p.iam.gserviceaccount.com roles/iam.serviceAccountTokenCreator user:ada@x.example`,
    [ADA, 'gcloud auth print-access-token --impersonate-service-account=bot-one@p.iam.gserviceaccount.com'],
    [BOB, 'gcloud auth print-access-token --impersonate-service-account=bot-one@p.iam.gserviceaccount.com'],
  ),
  rule(
    'whoever may make keys of an account may',
    'bind projects/p roles/iam.serviceAccountKeyAdmin user:ada@x.example',
    [ADA, 'gcloud iam service-accounts keys create k.json --iam-account=bot-one@p.iam.gserviceaccount.com'],
    [BOB, 'gcloud iam service-accounts keys create k.json --iam-account=bot-one@p.iam.gserviceaccount.com'],
  ),
  rule(
    'who administers the policy of a project gives roles',
    'bind projects/p roles/resourcemanager.projectIamAdmin user:ada@x.example',
    [ADA, 'gcloud projects add-iam-policy-binding p --member=user:bob@x.example --role=roles/bigquery.jobUser'],
    [ADA, 'gcloud projects add-iam-policy-binding q --member=user:bob@x.example --role=roles/bigquery.jobUser'],
  ),
  rule(
    'members have to exist',
    '',
    [ROOT, 'grant `roles/bigquery.dataViewer` on schema p.d to "user:bob@x.example"'],
    [ROOT, 'grant `roles/bigquery.dataViewer` on schema p.d to "user:nobody@x.example"'],
  ),
  rule(
    'a group has to exist',
    '',
    [ROOT, 'grant `roles/bigquery.dataViewer` on schema p.d to "domain:x.example"'],
    [ROOT, 'grant `roles/bigquery.dataViewer` on schema p.d to "group:none@x.example"'],
  ),
  rule(
    'a role on projects is none on datasets',
    '',
    [ROOT, 'grant `roles/bigquery.jobUser` on project p to "user:bob@x.example"'],
    [ROOT, 'grant `roles/bigquery.jobUser` on schema p.d to "user:bob@x.example"'],
  ),
  rule(
    'basic roles are none on datasets',
    '',
    [ROOT, 'grant `roles/bigquery.dataOwner` on schema p.d to "user:bob@x.example"'],
    [ROOT, 'grant `roles/editor` on schema p.d to "user:bob@x.example"'],
  ),
  rule(
    'a custom role is one of its project',
    'gcloud iam roles create r_one --project=p --permissions=bigquery.tables.get',
    [ROOT, 'grant `projects/p/roles/r_one` on schema p.d to "user:bob@x.example"'],
    [ROOT, 'grant `projects/p/roles/r_one` on schema q.d to "user:bob@x.example"'],
  ),
  rule(
    'GRANT knows no special group of a project',
    '',
    [ROOT, 'bq remove-iam-policy-binding --member=projectEditor:p --role=roles/bigquery.dataEditor p:d'],
    [ROOT, 'revoke `roles/bigquery.dataEditor` on schema p.d from "projectEditor:p"'],
  ),
  rule(
    'gcloud removes what is there',
    'bind projects/p roles/viewer user:ada@x.example',
    [ROOT, 'gcloud projects remove-iam-policy-binding p --member=user:ada@x.example --role=roles/viewer'],
    [ROOT, 'gcloud projects remove-iam-policy-binding p --member=user:bob@x.example --role=roles/viewer'],
  ),
  rule(
    'a policy with conditions wants to hear of one',
    'bind projects/p roles/bigquery.dataViewer user:ada@x.example resource.name == "x"',
    [ROOT, 'gcloud projects add-iam-policy-binding p --member=user:bob@x.example --role=roles/bigquery.jobUser --condition=None'],
    [ROOT, 'gcloud projects add-iam-policy-binding p --member=user:bob@x.example --role=roles/bigquery.jobUser'],
  ),
  rule(
    'what IF NOT EXISTS does not find is made',
    '',
    [ROOT, 'begin create schema p.d; exception when error then create schema p.x; end'],
    [ROOT, 'begin create schema p.d; exception when error then raise; end'],
  ),
  rule(
    'EXECUTE IMMEDIATE runs one statement',
    '',
    [ROOT, "execute immediate format('drop table p.%s.t', 'd')"],
    [ROOT, "execute immediate 'drop table p.d.t; drop table p.e.t'"],
  ),
  rule(
    'a script raises its own',
    '',
    [ROOT, "declare v string; if v is not null then raise using message = 'x'; end if"],
    [ROOT, "declare v string default 'y'; if v is not null then raise using message = 'x'; end if"],
  ),
  rule(
    'OBJECT_PRIVILEGES is asked about one object',
    '',
    [ROOT, "for x in (select grantee from p.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES where object_name = 'd') do select 1; end for"],
    [ROOT, 'for x in (select grantee from p.`region-us`.INFORMATION_SCHEMA.OBJECT_PRIVILEGES) do select 1; end for'],
  ),
];

describe.each(['wide', 'narrow'] as const)('the model of BigQuery, read %s', (reading) => {
  test.each(RULES)('$rule', ({ world, yes, no }) => {
    const model = estate(reading, world);
    expect(model.attempt(...yes)).toBe('done');
    expect(model.attempt(...no)).not.toBe('done');
  });

  test('a group of groups holds whom they hold', () => {
    const model = estate(reading, '');
    model.group('in@x.example', ADA.who);
    model.group('out@x.example', 'group:in@x.example');
    model.bind('projects/p/datasets/d', 'roles/bigquery.dataViewer', 'group:out@x.example');
    expect(model.attempt(ADA, READ)).toBe('done');
    expect(model.attempt(BOB, READ)).not.toBe('done');
  });

  test('a disabled account is nobody', () => {
    const model = estate(reading, 'bind projects/p/serviceAccounts/bot-one@p.iam.gserviceaccount.com roles/iam.serviceAccountTokenCreator user:ada@x.example');
    expect(model.becomes(ADA.who)).toEqual([ADA.who, 'serviceAccount:bot-one@p.iam.gserviceaccount.com']);
    model.run('gcloud iam service-accounts disable bot-one@p.iam.gserviceaccount.com --project=p', ROOT);
    expect(model.becomes(ADA.who)).toEqual([ADA.who]);
  });

  test('a script that is refused keeps what it did before', () => {
    const model = estate(reading, '');
    expect(() => model.run('create schema p.x; create schema p.d', ROOT)).toThrow(Refused);
    expect(model.exists('projects/p/datasets/x')).toBe(true);
  });

  test('a dropped dataset comes back with what was in it, its rights and its labels', () => {
    const model = estate(reading, `${ON_D('bigquery.dataViewer')}\nalter schema p.d set options (labels = [('a', 'b')])\ndrop schema p.d cascade`);
    expect(model.attempt(ADA, READ)).not.toBe('done');
    model.run('undrop schema p.d', ROOT);
    expect(model.attempt(ADA, READ)).toBe('done');
    expect(model.labels('projects/p/datasets/d')).toEqual({ a: 'b' });
    expect(model.attempt(ROOT, 'undrop schema p.never')).not.toBe('done');
  });

  test('a token is who its provider says, where it meets the condition', () => {
    const model = estate(reading, '');
    const pool = 'gcloud iam workload-identity-pools create pool-a --location=global --project=p';
    const provider = `gcloud iam workload-identity-pools providers create-oidc one --workload-identity-pool=pool-a --location=global --project=p --issuer-uri=https://i.example --attribute-mapping=google.subject=assertion.sub,attribute.repo=assertion.repository --attribute-condition="assertion.env == 'prod'"`;
    const letIn = `gcloud iam service-accounts add-iam-policy-binding bot-one@p.iam.gserviceaccount.com --role=roles/iam.workloadIdentityUser --member=principalSet://iam.googleapis.com/projects/111/locations/global/workloadIdentityPools/pool-a/attribute.repo/a/b`;
    for (const one of [pool, provider, letIn]) model.run(one, ROOT);
    const token = (repository: string, env: string, issuer = 'https://i.example') => ({ issuer, claims: { sub: 's', repository, env } });
    expect(model.logsInAs(token('a/b', 'prod'))).toEqual(['serviceAccount:bot-one@p.iam.gserviceaccount.com']);
    for (const other of [
      token('a/b', 'ci'),
      token('a/bb', 'prod'),
      token('a/b', 'prod', 'https://j.example'),
      { issuer: 'https://i.example', claims: { repository: 'a/b', env: 'prod' } },
    ])
      expect(model.logsInAs(other)).toEqual([]);
  });
});

/** Where pages leave a point open: done in the wide reading, refused in the narrow one. */
const OPEN: readonly (readonly [string, string, Login, string])[] = [
  [
    'a policy of a dataset with datasets.update alone',
    'gcloud iam roles create updates --project=p --permissions=bigquery.datasets.update,bigquery.datasets.get\nbind projects/p/datasets/d projects/p/roles/updates user:ada@x.example',
    ADA,
    'grant `roles/bigquery.dataViewer` on schema p.d to "user:ada@x.example"',
  ],
  ['what a folder hands down counts as an Editor of the project', 'bind folders/10 roles/editor user:ada@x.example', ADA, WRITE],
  ['a view of what one may not read', WITHIN_D, ADA, 'create view p.d.w as select * from p.e.t'],
  [
    'a clone without updateData',
    'gcloud iam roles create makes --project=p --permissions=bigquery.tables.create\nbind projects/p/datasets/e projects/p/roles/makes user:ada@x.example\nbind projects/p/datasets/d roles/bigquery.dataViewer user:ada@x.example',
    ADA,
    'create table p.e.u clone p.d.t',
  ],
  [
    'a connection that one may use and not delegate',
    `${WITHIN_D}\nbind projects/p/locations/us/connections/c roles/bigquery.connectionUser user:ada@x.example`,
    ADA,
    'create function p.d.r(x int64) returns int64 remote with connection `p.us.c` options (endpoint = "https://x.example")',
  ],
  [
    'a row deleted without reading it',
    'gcloud iam roles create writes_rows --project=p --permissions=bigquery.tables.updateData\nbind projects/p/datasets/d projects/p/roles/writes_rows user:ada@x.example',
    ADA,
    'delete from p.d.t where true',
  ],
  [
    'a condition on the name of a dataset that is not there yet',
    'bind projects/p roles/bigquery.dataEditor user:ada@x.example resource.name.startsWith("projects/p/datasets/dev_")',
    ADA,
    'create schema p.dev_x',
  ],
  [
    'the own policy of a dataset that is gone',
    'bind projects/q roles/bigquery.user user:ada@x.example\ngcloud iam roles create creates --project=p --permissions=bigquery.datasets.create\nbind projects/p projects/p/roles/creates user:ada@x.example\nas ada: create schema p.x\nas ada: drop schema p.x',
    ADA,
    'undrop schema p.x',
  ],
];

describe('where pages leave a point open', () => {
  test.each(OPEN)('%s', (_, world, who, text) => {
    expect(estate('wide', world).attempt(who, text)).toBe('done');
    expect(estate('narrow', world).attempt(who, text)).not.toBe('done');
  });

  test('the agent of Dataform, where one may make a repository of it', () => {
    const agent = 'serviceAccount:service-333@gcp-sa-dataform.iam.gserviceaccount.com';
    const becomes = (reading: Reading, isOn: boolean): readonly string[] => {
      const model = estate(reading, '');
      if (isOn) model.people(agent);
      return model.becomes(ADA.who);
    };
    expect(becomes('wide', true)).toContain(agent);
    expect(becomes('wide', false)).not.toContain(agent);
    expect(becomes('narrow', true)).not.toContain(agent);
  });

  test('an account that one may attach to what one runs', () => {
    const world = 'bind projects/p/serviceAccounts/bot-one@p.iam.gserviceaccount.com roles/iam.serviceAccountUser user:ada@x.example';
    expect(estate('wide', world).becomes(ADA.who)).toHaveLength(2);
    expect(estate('narrow', world).becomes(ADA.who)).toHaveLength(1);
  });
});

test.each([
  ["'prod' like 'pr_%'", true],
  ["'projectOwner:p' like 'projectOwner:%'", true],
  ["'user:p' not like 'projectOwner:%'", true],
  ["'pr_1' like r'pr\\_%'", true],
  ["'prod' like r'pr\\_%'", false],
  ["'a.b' like 'a_b'", true],
  ["regexp_contains('pr_12', r'^pr_[1-9][0-9]{0,9}$')", true],
  ["regexp_contains('pr_12_x', r'^pr_[1-9][0-9]{0,9}$')", false],
  ["format('`%s`.%%s', 'x') = '`x`.%s'", true],
  ["(select string_agg(x, '-' order by x) from unnest(['b', 'a']) as x) = 'a-b'", true],
  ['(select count(*) from unnest([1, 2]) as a, unnest([3, 4]) as b where a < b) = 4', true],
  ["exists (select 1 from unnest(['a']) as x where x = 'b')", false],
  ["'a' in (select x from unnest(['a', 'b']) as x)", true],
  ['null = null', false],
  ['not (null is null)', false],
  ["(select a.n from unnest([struct('k' as n)]) as a) = 'k'", true],
  ["array_length(array(select as struct 'a' as x union all select 'b')) = 2", true],
  ["case when false then 'a' else 'b' end = 'b'", true],
])('GoogleSQL: %s is %s', (expression, wanted) => {
  const run = (): void => estate('narrow', '').run(`if ${expression} then raise using message = 'so'; end if`, ROOT);
  if (wanted) expect(run).toThrow('so');
  else expect(run).not.toThrow();
});

describe('what the model does not know, it says', () => {
  test.each([
    ['a statement', 'create assignment p.x options ()'],
    ['an option', 'create schema p.x options (storage = 1)'],
    ['a clause of ALTER TABLE', 'alter table p.d.t cluster by i'],
    ['a function that decides', 'declare v string default json_value("x")'],
    ['a table function', 'select * from p.d.f(1)'],
    ['a predefined role', 'grant `roles/bigquery.studioUser` on schema p.d to "user:bob@x.example"'],
    ['a permission of a custom role', 'gcloud iam roles create r_two --project=p --permissions=storage.objects.get'],
    ['a command of gcloud', 'gcloud compute instances list'],
    ['a flag of gcloud', 'gcloud projects describe p --billing-project=q'],
    ['a format', "gcloud projects describe p --format='table(x)'"],
    ['a command of bq', 'bq insert p:d.t x'],
    ['a flag of bq', 'bq query --use_legacy_sql=false --schedule=daily "select 1"'],
    ['legacy SQL', 'bq query "select 1"'],
    [
      'a condition',
      `gcloud projects add-iam-policy-binding p --member=user:bob@x.example --role=roles/bigquery.dataViewer --condition='expression=request.time < timestamp("2030-01-01T00:00:00Z"),title=t'`,
    ],
  ])('%s', (_, text) => {
    const model = estate('narrow', '');
    expect(() => {
      model.run(text, ROOT);
      // A condition is read when somebody asks.
      model.run(READ, { ...BOB, project: 'home' });
    }).toThrow(NotModelled);
  });

  test.each([
    ['a program', 'ssh somewhere'],
    ['a pattern of file names', 'echo *.sql'],
    ['arithmetic', 'echo $((1 + 1))'],
    ['a command in the background', 'true &'],
    ['a file', 'cat < nowhere'],
    ['a filter of jq', `echo '{}' | jq 'map(.x)'`],
    ['a test', '[ -f x ]'],
    ['what another program prints, where it decides', `x=$(echo a | awk '{ print }'); if [ "$x" = b ]; then true; fi`],
  ])('in a shell script: %s', (_, text) => {
    expect(() => estate('narrow', '').shell(text, ROOT)).toThrow(NotModelled);
  });

  test('and it names the line', () => {
    expect(() => estate('narrow', '').run('select 1;\n\ncreate assignment x', ROOT)).toThrow('line 3: ');
    expect(() => estate('narrow', '').shell('true\ngcloud compute instances list', ROOT)).toThrow('line 2: ');
  });
});

test('predefined roles hold what their names say', () => {
  const holds = (role: string, permission: string): boolean => PREDEFINED.get(`roles/${role}`)?.has(permission) === true;
  expect(holds('bigquery.dataEditor', 'bigquery.datasets.create')).toBe(true);
  expect(holds('bigquery.dataEditor', 'bigquery.datasets.update')).toBe(false);
  expect(holds('bigquery.jobUser', 'bigquery.datasets.create')).toBe(false);
  expect(holds('bigquery.user', 'bigquery.datasets.create')).toBe(true);
  expect(holds('editor', 'iam.serviceAccountKeys.create')).toBe(true);
  expect(holds('editor', 'bigquery.tables.getData')).toBe(false);
  expect(holds('owner', 'iam.serviceAccounts.getAccessToken')).toBe(false);
  for (const one of PERMISSIONS) expect(one).toMatch(/^(?:bigquery|iam|iam\.googleapis\.com|resourcemanager|serviceusage|dataform)[./][\w.]+$/);
});

test.each([
  ['if .a == 1 then "one" elif .a == 2 then "two" else "more" end', { a: 2 }, '"two"'],
  ['[.[] | ltrimstr("user:")]', ['user:a', 'group:user:b', 'user'], '["a","group:user:b","user"]'],
  ['$keep[0] - . | length > 0', [{ b: 2, a: 1 }], 'false'],
  ['$keep[0] - . | length > 0', [{ a: 1, b: 3 }], 'true'],
  ['. + $keep[0] | unique | length', [{ b: 2, a: 1 }], '1'],
])('jq %s', (filter, input, output) => {
  const file = (): string => '[{"a": 1, "b": 2}]';
  expect(jq(['--slurpfile', 'keep', 'keep.json', filter], JSON.stringify(input), file, 1).output).toBe(`${output}\n`);
  expect(jq(['-e', '--slurpfile', 'keep', 'keep.json', filter], JSON.stringify(input), file, 1).status).toBe(output === 'false' ? 1 : 0);
});

describe('a script that is cut short', () => {
  const THREE = `create schema p.one; begin create schema p.two; exception when error then select 1; end; create schema p.three`;
  test('has done what stands before the cut and nothing behind it, and no EXCEPTION hears of that', () => {
    const made = [0, 1, 2, 3].map((at) => {
      const model = estate('narrow', '');
      return [model.sqlUntil(at, THREE, ROOT), ['one', 'two', 'three'].filter((one) => model.exists(`projects/p/datasets/${one}`))];
    });
    expect(made).toEqual([
      [true, []],
      [true, ['one']],
      [true, ['one', 'two']],
      [false, ['one', 'two', 'three']],
    ]);
  });
  test('so in a shell, where a condition does not hear of it either', () => {
    const model = estate('narrow', '');
    const text = 'bq mk --dataset p:one || true\nif ! bq mk --dataset p:two; then exit 0; fi\nbq mk --dataset p:three';
    expect(model.shellUntil(1, text, ROOT)).toBe(true);
    expect(['one', 'two', 'three'].map((one) => model.exists(`projects/p/datasets/${one}`))).toEqual([true, false, false]);
    expect(estate('narrow', '').shellUntil(3, text, ROOT)).toBe(false);
  });
});

test('an account that was deleted does nothing more, and can be taken from a policy and not put into one', () => {
  const model = estate('narrow', '');
  model.people('user:gone@x.example');
  model.bind('projects/p', 'roles/viewer', 'user:gone@x.example');
  model.forget('user:gone@x.example');
  const binding = (act: string, role: string): string =>
    `gcloud projects ${act}-iam-policy-binding p --member='deleted:user:gone@x.example?uid=1' --role=${role} --condition=None`;
  expect(model.attempt(ROOT, binding('add', 'roles/bigquery.dataViewer'))).toContain('was deleted');
  expect(model.attempt(ROOT, binding('remove', 'roles/viewer'))).toBe('done');
});

/** The calls that a shell makes of programs, which print nothing and are well; sorted, for the parts of a pipeline run side by side. */
const RECORD = ['gcloud', 'bq', 'jq'].map((one) => `${one}() { local said; said=$(printf '[%s]' "$@"); echo "[${one}]$said" >&3; }`).join('\n');
const sorted = (text: string): string => text.split('\n').sort().join('\n');
interface Calls {
  readonly calls: string;
  readonly output: string;
  readonly status: number | null;
}
const inBash = (text: string, args: readonly string[] = []): Calls => {
  const { output, status } = spawnSync('bash', ['-c', `${RECORD}\n${text}`, 'script', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...TRUST },
  });
  const made = (one: string | null | undefined): string => (one ?? '').replaceAll(/\/tmp\/tmp\.\w+/g, '/tmp/made');
  return { calls: sorted(made(output[3])), output: made(output[1]), status };
};
const inModel = (text: string, args: readonly string[] = []): Calls => {
  let calls = '';
  const shell = new Shell(
    ({ argv }) => {
      calls += `${argv.map((one) => `[${one}]`).join('')}\n`;
      return { status: 0, output: '' };
    },
    TRUST,
    args,
  );
  const status = shell.run(text);
  return { calls: sorted(calls), output: shell.output, status };
};
const ROUGH = `set -euo pipefail
shopt -s inherit_errexit
name='it is' other="$name \\"so\\" \\$x" empty=
list=(a "b c" "$name")
f() { local one=$1; shift; for x in "$@"; do gcloud "$one" "$x" \${empty:-none} "\${1:+has}"; done; return 0; }
f first "\${list[@]}" last
h() { local none= some=x; gcloud "[$none]" "$some" "$#"; while [ $# -gt 0 ]; do gcloud "$1"; shift 2; done; }
h 1 2 3 4
if [ "$name" = 'it is' ] && ! [[ $name == x* ]]; then gcloud yes; else gcloud no; fi
case $name in a | b) gcloud ab ;; it*) gcloud it ;; *) gcloud other ;; esac
gcloud "$(printf '%s-%s' a b)" 'a'"b"c --flag="$other"
printf '%s\\n' one two | while read -r line; do bq "$line"; done
while IFS=$'\\t' read -r a b; do gcloud "$b" "$a"; done <<< $'x y\\tz'
path=projects/p/roles/r
gcloud "\${path##*/}" "\${path%/*}" "\${path//\\//.}" "\${#list[@]}"
cat <<EOF | while read -r l; do gcloud "$l"; done
$name here
EOF
g() { [ -n "$1" ] || return 0; gcloud "g $1"; }
g ''; g x || true; false || gcloud after
for i in 1 2 3; do [ "$i" != 2 ] || continue; gcloud "$i"; done
(gcloud sub; exit 3) || gcloud "left with $?"
gcloud before; false; gcloud never`;

describe.skipIf(process.platform === 'win32')('the shell reads as bash does', () => {
  test('whatever it knows', () => {
    const bash = inBash(ROUGH);
    expect(bash.calls).toContain('[gcloud][left with 3]');
    expect(bash.calls).not.toContain('never');
    expect(inModel(ROUGH)).toEqual(bash);
  });

  test.each(layouts)('the emitted scripts, layout %s', (layout) => {
    const scripts = [...installation(layout).filter(({ kind }) => kind === 'sh'), script(layout, '90_close_prod.sh'), script(layout, '91_reopen_prod.sh')];
    for (const { name, text } of scripts) {
      const args = name.startsWith('90') ? ['--apply', '--editors'] : [];
      const bash = inBash(text, args);
      expect(bash.calls.split('\n').length, name).toBeGreaterThan(2);
      expect(inModel(text, args), name).toEqual(bash);
    }
  });
});
