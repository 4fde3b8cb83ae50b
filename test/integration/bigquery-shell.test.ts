import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { pythonEnvironment } from '../support/python.ts';
import { scaffold } from '../support/scaffold.ts';

interface Binding {
  readonly role: string;
  readonly members: readonly string[];
  readonly condition?: { readonly title: string };
}
interface World {
  accounts: Record<string, string>;
  roles: Record<string, { description: string; permissions: readonly string[]; deleted?: true }>;
  numbers: Record<string, number>;
  policies: Record<string, readonly Binding[]>;
  above: Record<string, readonly Binding[]>;
  keys: Record<string, readonly string[]>;
  pools: Record<
    string,
    {
      description: string;
      condition?: string;
      issuer?: string;
      mapping?: string;
      keys?: string;
      others?: readonly string[];
      state?: 'DELETED';
      provider_state?: 'DELETED';
    }
  >;
  datasets: Record<string, readonly object[]>;
  labels: Record<string, Record<string, string>>;
  /** How many tables the record has. */
  tables?: number;
  taken: readonly { kind: string; name?: string; role?: string; principal?: string }[];
}

/** Of each role what the scripts look for: https://docs.cloud.google.com/iam/docs/roles-permissions */
const PREDEFINED: Readonly<Record<string, readonly string[]>> = {
  'roles/owner': ['bigquery.datasets.update', 'iam.serviceAccounts.actAs', 'resourcemanager.projects.setIamPolicy'],
  'roles/editor': ['bigquery.routines.update', 'iam.serviceAccounts.actAs', 'iam.serviceAccountKeys.create'],
  'roles/viewer': ['bigquery.jobs.create'],
  'roles/bigquery.admin': ['bigquery.tables.updateData', 'bigquery.datasets.setIamPolicy'],
  'roles/bigquery.dataEditor': ['bigquery.tables.updateData', 'bigquery.tables.getData'],
  'roles/bigquery.dataViewer': ['bigquery.tables.getData'],
  'roles/bigquery.jobUser': ['bigquery.jobs.create', 'dataform.repositories.create'],
  'roles/bigquery.user': ['bigquery.jobs.create', 'bigquery.datasets.create', 'dataform.repositories.create'],
  'roles/deploymentmanager.editor': ['deploymentmanager.deployments.create', 'deploymentmanager.deployments.update'],
  'roles/compute.serviceAgent': ['iam.serviceAccounts.actAs', 'iam.serviceAccounts.getAccessToken'],
};
const PROD = 'acme-prod@acme-prod.iam.gserviceaccount.com';

const emitted = scaffold({ warehouse: 'bigquery', prodSchemas: 'analytics, marts', sourceSchemas: 'raw, crm:pii' });
let place: string;
/** Not whatever `python3` is here: the scripts ask thousands of times, and a version manager's takes ten times as long to start. */
let program: string;
beforeAll(async () => {
  const { python } = await pythonEnvironment('tools');
  program = `#!${python} -IS\n${readFileSync('test/support/fake_gcloud.py', 'utf8')}`;
});
beforeEach(() => {
  place = mkdtempSync(path.join(tmpdir(), 'dbt-envs-'));
  for (const name of ['gcloud', 'bq']) {
    writeFileSync(path.join(place, name), program, { mode: 0o755 });
  }
  write({
    accounts: {},
    roles: Object.fromEntries(Object.entries(PREDEFINED).map(([name, permissions]) => [name, { description: '', permissions }])),
    numbers: { 'acme-prod': 1, 'acme-ci': 3 },
    policies: {},
    above: {},
    keys: {},
    pools: {},
    datasets: { analytics: [], marts: [], raw: [], crm: [] },
    labels: {},
    taken: [],
  });
});
const write = (world: World): void => writeFileSync(path.join(place, 'world.json'), JSON.stringify(world));
const read = (): World => JSON.parse(readFileSync(path.join(place, 'world.json'), 'utf8'));
const change = (act: (world: World) => void): void => {
  const world = read();
  act(world);
  write(world);
};
function run(name: string, options: readonly string[] = [], environment: Record<string, string> = {}) {
  const done = spawnSync('bash', [path.join(emitted, 'grants', name), ...options], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${place}:${process.env.PATH ?? ''}`, WORLD: path.join(place, 'world.json'), ...environment },
  });
  return { status: done.status, output: done.stdout + done.stderr };
}
const asked = (): string => {
  const log = path.join(place, 'world.json.log');
  return existsSync(log) ? readFileSync(log, 'utf8') : '';
};
const holds = (binding: readonly Binding[] | undefined, role: string, member: string): boolean =>
  (binding ?? []).some((one) => one.role === role && one.members.includes(member));

test('jq is here: without it nothing below means anything', () => {
  expect(execFileSync('jq', ['--version'], { encoding: 'utf8' })).toMatch(/^jq-/);
});

describe('10_roles.sh', () => {
  test('makes three accounts and the custom roles, and running it twice gives the same', () => {
    expect(run('10_roles.sh')).toMatchObject({ status: 0 });
    const once = read();
    expect(Object.keys(once.accounts)).toEqual(['acme-ci@acme-ci.iam.gserviceaccount.com', PROD, 'acme-janitor@acme-ci.iam.gserviceaccount.com']);
    expect(once.roles['projects/acme-ci/roles/acme_dataset_creator']?.permissions).toEqual([
      'bigquery.datasets.create',
      'bigquery.datasets.get',
      'bigquery.jobs.list',
    ]);
    for (const project of ['acme-prod', 'acme-dev', 'acme-ci'])
      expect(once.roles[`projects/${project}/roles/acme_query_runner`]?.permissions).toEqual([
        'bigquery.jobs.create',
        'bigquery.config.get',
        'resourcemanager.projects.get',
      ]);
    for (const project of ['acme-dev', 'acme-ci']) {
      const { permissions = [] } = once.roles[`projects/${project}/roles/acme_janitor`] ?? {};
      expect(permissions).toContain('bigquery.tables.delete');
      expect(permissions.filter((one) => /getData|setIamPolicy|create/.test(one))).toEqual([]);
    }
    expect(once.policies).toEqual({});
    expect(run('10_roles.sh')).toMatchObject({ status: 0 });
    expect(read()).toEqual(once);
  });
  test('brings back a role that was deleted', () => {
    run('10_roles.sh');
    const once = read();
    change(({ roles }) => {
      const role = roles['projects/acme-ci/roles/acme_query_runner'];
      if (role !== undefined) Object.assign(role, { deleted: true, permissions: [] });
    });
    expect(run('10_roles.sh')).toMatchObject({ status: 0 });
    expect(read()).toEqual(once);
  });
  test('refuses an account, and a role, that this project did not create, and changes neither', () => {
    change(({ accounts }) => {
      accounts[PROD] = 'the nightly load';
    });
    expect(run('10_roles.sh').output).toContain(`Service account ${PROD} exists, and this project did not create it.`);
    expect(read().accounts[PROD]).toBe('the nightly load');
    change((world) => {
      world.accounts = {};
      world.roles['projects/acme-ci/roles/acme_janitor'] = { description: '', permissions: ['x'] };
    });
    expect(run('10_roles.sh')).toMatchObject({ status: 1 });
    expect(read().roles['projects/acme-ci/roles/acme_janitor']?.permissions).toEqual(['x']);
  });
});

describe('20_record.sh', () => {
  test('makes a dataset that owners alone write, once and twice', () => {
    expect(run('20_record.sh')).toMatchObject({ status: 0 });
    const once = read();
    expect(once.datasets.acme_record).toEqual([{ role: 'OWNER', specialGroup: 'projectOwners' }]);
    expect(once.labels?.acme_record).toEqual({ managed_by: 'dbt_envs', dbt_envs_project: 'acme', env: 'record', entries: 'closed' });
    expect(run('20_record.sh')).toMatchObject({ status: 0 });
    expect(read()).toEqual(once);
  });
  test('goes on where it was cut short, and takes from one of an earlier installation whoever writes it', () => {
    change((world) => {
      world.datasets.acme_record = [
        { role: 'WRITER', specialGroup: 'projectWriters' },
        { role: 'OWNER', specialGroup: 'projectOwners' },
        { role: 'READER', specialGroup: 'projectReaders' },
        { role: 'OWNER', userByEmail: 'former@example.com' },
        { role: 'READER', userByEmail: 'auditor@example.com' },
      ];
      world.labels = { acme_record: { dbt_envs_project: 'acme' } };
    });
    expect(run('20_record.sh')).toMatchObject({ status: 0 });
    expect(new Set(read().datasets.acme_record?.map((one) => JSON.stringify(one)))).toEqual(
      new Set(['{"role":"OWNER","specialGroup":"projectOwners"}', '{"role":"READER","userByEmail":"auditor@example.com"}']),
    );
    expect(read().labels?.acme_record?.entries).toBe('closed');
  });
  test('one in which somebody else could write something is closed, named, and not taken for sound before it was looked at', () => {
    change((world) => {
      world.tables = 3;
      world.datasets.acme_record = [
        { role: 'OWNER', specialGroup: 'projectOwners' },
        { role: 'OWNER', userByEmail: 'mallory@example.com' },
        { role: 'roles/bigquery.dataEditor', iamMember: 'principalSet://elsewhere/*' },
        { role: 'READER', userByEmail: 'auditor@example.com' },
      ];
      world.labels = { acme_record: { dbt_envs_project: 'acme' } };
    });
    const { status, output } = run('20_record.sh');
    expect([status, output]).toEqual([1, expect.stringContaining('OWNER mallory@example.com')]);
    expect(output).toContain('roles/bigquery.dataEditor principalSet://elsewhere/*');
    expect(output).not.toMatch(/auditor|projectOwners|Now 20_boundary/);
    expect(read().datasets.acme_record).toHaveLength(2);
    expect(read().labels.acme_record?.entries).toBeUndefined();
    expect(run('20_record.sh')).toMatchObject({ status: 0, output: expect.stringContaining('Now 20_boundary.sql.') });
    expect(read().labels.acme_record?.entries).toBe('closed');
  });
  test('refuses one that is somebody else’s, and changes nothing', () => {
    change((world) => {
      world.datasets.acme_record = [{ role: 'WRITER', specialGroup: 'projectWriters' }];
    });
    const before = read();
    const { status, output } = run('20_record.sh');
    expect([status, output.includes('Dataset acme_record exists, and this project did not create it.')]).toEqual([1, true]);
    expect({ ...read(), labels: undefined }).toEqual({ ...before, labels: undefined });
  });
});

describe('whoever changes who may use a dataset while a script does the same', () => {
  const found = [
    { role: 'OWNER', specialGroup: 'projectOwners' },
    { role: 'WRITER', specialGroup: 'projectWriters' },
  ];
  const plant = (world: World): void => {
    for (const dataset of ['acme_record', 'analytics', 'raw', 'dev_priya', 'dev_sam']) world.datasets[dataset] = found;
    world.labels = { acme_record: { dbt_envs_project: 'acme' } };
    world.taken = [{ kind: 'CLOSED' }, { kind: 'ENTRY', name: 'analytics', role: 'WRITER', principal: 'projectReaders' }];
    world.policies['acme-prod'] = [{ role: 'roles/bigquery.dataEditor', members: ['user:kim@example.com'] }];
  };
  test.each([
    ['20_record.sh', 'acme-prod:acme_record', []],
    ['30_developers.sh', 'acme-dev:dev_priya', []],
    ['90_close_prod.sh', 'acme-prod:analytics', ['--apply']],
    ['90_close_prod.sh', 'acme-prod:raw', ['--apply']],
    ['91_reopen_prod.sh', 'acme-prod:analytics', []],
  ])('%s leaves what they did on %s, fails, and comes out the same when it is run again', (name, MEANWHILE, options) => {
    change(plant);
    const dataset = MEANWHILE.split(':')[1] ?? '';
    const { status, output } = run(name, options, { MEANWHILE });
    expect([status === 0, output.includes('Precondition check failed')], output).toEqual([false, true]);
    const stranger = { role: 'READER', userByEmail: 'meanwhile@example.com' };
    expect(read().datasets[dataset]).toEqual([...found, stranger]);
    if (dataset === 'raw') expect(holds(read().policies['acme-prod'], 'roles/bigquery.dataEditor', 'user:kim@example.com')).toBe(true);
    expect(run(name, options).status, name).toBe(0);
    expect(read().datasets[dataset]).toContainEqual(stranger);
    expect(read().datasets[dataset]).not.toEqual([...found, stranger]);
  });
});

test.each([
  ['20_record.sh', 'acme-prod:acme_record', []],
  ['30_developers.sh', 'acme-dev:dev_priya', []],
  ['90_close_prod.sh', 'acme-prod:analytics', ['--apply']],
  ['90_close_prod.sh', 'acme-prod:raw', ['--apply']],
  ['91_reopen_prod.sh', 'acme-prod:analytics', []],
])('%s takes a list that it may not see for no empty one: %s', (name, HIDDEN, options) => {
  change((world) => {
    for (const dataset of ['acme_record', 'analytics', 'raw', 'dev_priya', 'dev_sam'])
      world.datasets[dataset] = [
        { role: 'OWNER', specialGroup: 'projectOwners' },
        { role: 'READER', userByEmail: 'looker@example.com' },
      ];
    world.labels = { acme_record: { dbt_envs_project: 'acme' } };
    world.taken = [{ kind: 'CLOSED' }, { kind: 'ENTRY', name: 'analytics', role: 'WRITER', principal: 'projectReaders' }];
    world.policies['acme-prod'] = [{ role: 'roles/bigquery.dataEditor', members: ['user:kim@example.com'] }];
  });
  const dataset = HIDDEN.split(':')[1] ?? '';
  const before = read().datasets[dataset];
  expect(run(name, options, { HIDDEN }).status).not.toBe(0);
  expect(read().datasets[dataset]).toEqual(before);
});

test('30_developers.sh takes what BigQuery gives by itself, from each dataset of the roster, and nothing else', () => {
  const others = [
    { role: 'OWNER', specialGroup: 'projectOwners' },
    { role: 'WRITER', userByEmail: 'priya@example.com' },
    { role: 'OWNER', userByEmail: 'colleague@example.com' },
  ];
  const slugs = [...readFileSync(path.join(emitted, 'grants', '30_developers.sh'), 'utf8').matchAll(/^own_dataset_alone (\S+)$/gm)].map(
    ([, slug = '']) => slug,
  );
  expect(slugs.length).toBeGreaterThan(1);
  change((world) => {
    for (const slug of slugs)
      world.datasets[slug] = [...others, { role: 'WRITER', specialGroup: 'projectWriters' }, { role: 'READER', specialGroup: 'projectReaders' }];
  });
  const { status, output } = run('30_developers.sh');
  expect([status, output.includes('WRITER projectWriters')], output).toEqual([0, true]);
  for (const slug of slugs) expect(read().datasets[slug]).toEqual(others);
  const once = asked().length;
  expect(run('30_developers.sh')).toMatchObject({ status: 0, output: '' });
  expect(asked().slice(once)).not.toContain('"update"');
});

describe('40_services.sh', () => {
  const IDS = 'repository_id=42 owner_id=7';
  const TRUST = {
    TOKEN_ISSUER: 'https://token.example',
    CI_CLAIMS: `sub=repo:acme/dbt:environment:ci ${IDS}`,
    PROD_CLAIMS: `sub=repo:acme/dbt:environment:prod ${IDS}`,
    JANITOR_CLAIMS: `sub=repo:acme/dbt:environment:sweep ${IDS}`,
  };
  /** The same in the pool's language: https://docs.cloud.google.com/iam/docs/workload-identity-federation#conditions */
  const says = (environment: string): string =>
    `assertion.sub == 'repo:acme/dbt:environment:${environment}' && assertion.repository_id == '42' && assertion.owner_id == '7'`;
  const through = (project: number, subject: string): string =>
    `principal://iam.googleapis.com/projects/${project}/locations/global/workloadIdentityPools/dbt-acme/subject/${subject}`;

  test('trusts what a token says in full, production’s in production’s own project, and prints what CI needs', () => {
    const { status, output } = run('40_services.sh', [], TRUST);
    expect(status, output).toBe(0);
    const { pools, policies } = read();
    expect(pools['acme-prod/dbt-acme']).toMatchObject({ condition: `(${says('prod')})`, mapping: `google.subject=(${says('prod')}) ? 'prod' : 'nobody'` });
    expect(pools['acme-ci/dbt-acme']).toMatchObject({
      condition: `(${says('ci')}) || (${says('sweep')})`,
      mapping: `google.subject=(${says('ci')}) ? 'ci' : (${says('sweep')}) ? 'janitor' : 'nobody'`,
    });
    // gcloud ends a mapping at a comma.
    expect(pools['acme-ci/dbt-acme']?.mapping).not.toContain(',');
    expect(policies[PROD]).toEqual([{ role: 'roles/iam.workloadIdentityUser', members: [through(1, 'prod')] }]);
    expect(output).toContain('DBT_CI_IDENTITY_PROVIDER=projects/3/locations/global/workloadIdentityPools/dbt-acme/providers/dbt-envs');
    expect(output).toContain('DBT_PROD_IDENTITY_PROVIDER=projects/1/locations/global/workloadIdentityPools/dbt-acme/providers/dbt-envs');
    const once = read();
    expect(run('40_services.sh', [], TRUST)).toMatchObject({ status: 0 });
    expect(read()).toEqual(once);
  });
  test('a pool, or its provider, that was deleted is brought back', () => {
    run('40_services.sh', [], TRUST);
    const once = read();
    for (const state of ['state', 'provider_state'] as const) {
      change(({ pools }) => {
        for (const pool of Object.values(pools)) pool[state] = 'DELETED';
      });
      expect(run('40_services.sh', [], TRUST)).toMatchObject({ status: 0 });
      expect(read()).toEqual(once);
    }
  });
  test('one of several values is any of them and no other', () => {
    expect(run('40_services.sh', [], { ...TRUST, PROD_CLAIMS: 'ref=main source=push,web environment=prod sub=x' })).toMatchObject({ status: 0 });
    const said =
      "assertion.ref == 'main' && (assertion.source == 'push' || assertion.source == 'web') && assertion.environment == 'prod' && assertion.sub == 'x'";
    expect(read().pools['acme-prod/dbt-acme']).toMatchObject({ condition: `(${said})`, mapping: `google.subject=(${said}) ? 'prod' : 'nobody'` });
  });
  test('an issuer that Google cannot reach brings its keys', () => {
    run('40_services.sh', [], TRUST);
    expect(asked()).not.toContain('jwk-json-path');
    const TOKEN_KEYS = path.join(place, 'keys of ours.json');
    writeFileSync(TOKEN_KEYS, '{"keys": []}');
    for (const _ of [1, 2]) expect(run('40_services.sh', [], { ...TRUST, TOKEN_KEYS })).toMatchObject({ status: 0 });
    expect(asked()).toContain(`--jwk-json-path=${TOKEN_KEYS}`);
    const forgotten = run('40_services.sh', [], TRUST);
    expect([forgotten.status, forgotten.output]).toEqual([1, expect.stringContaining('has public keys and there is no TOKEN_KEYS')]);
  });
  test('a service that logs in no more is let in no more', () => {
    run('40_services.sh', [], TRUST);
    expect(run('40_services.sh', [], { ...TRUST, PROD_CLAIMS: '-' })).toMatchObject({ status: 0 });
    expect(read().policies[PROD]?.flatMap(({ members }) => members)).toEqual([]);
  });
  test('who came through the pool by another name is let in no more, and whom somebody else lets in stays', () => {
    run('40_services.sh', [], TRUST);
    change(({ policies }) => {
      policies[PROD] = [
        { role: 'roles/iam.workloadIdentityUser', members: [through(1, 'repo:acme/dbt:environment:prod'), 'principal://elsewhere/subject/x'] },
        { role: 'roles/iam.serviceAccountTokenCreator', members: ['user:dba@example.com'] },
      ];
    });
    run('40_services.sh', [], TRUST);
    expect(read().policies[PROD]).toEqual([
      { role: 'roles/iam.workloadIdentityUser', members: ['principal://elsewhere/subject/x', through(1, 'prod')] },
      { role: 'roles/iam.serviceAccountTokenCreator', members: ['user:dba@example.com'] },
    ]);
  });
  test('nobody else who comes through the pool keeps a role on an account, whatever its policy has beside', () => {
    const pool = (kind: string, project: number, rest: string): string =>
      `${kind}://iam.googleapis.com/projects/${project}/locations/global/workloadIdentityPools/dbt-acme${rest}`;
    const janitor = 'acme-janitor@acme-ci.iam.gserviceaccount.com';
    const stays = [
      { role: 'roles/iam.serviceAccountTokenCreator', members: ['user:dba@example.com'], condition: { title: 'nights' } },
      { role: 'roles/iam.workloadIdentityUser', members: [pool('principalSet', 3, '-other/*'), pool('principal', 9, '/subject/x')] },
    ];
    change(({ policies }) => {
      policies[janitor] = [
        ...stays,
        { role: 'roles/iam.workloadIdentityUser', members: [pool('principalSet', 3, '/*')], condition: { title: 'once' } },
        { role: 'roles/iam.serviceAccountTokenCreator', members: [through(3, 'ci'), pool('principalSet', 3, '/attribute.ref/main')] },
      ];
    });
    const { status, output } = run('40_services.sh', [], TRUST);
    expect(status, output).toBe(0);
    const [first, second] = stays;
    expect(read().policies[janitor]).toEqual([first, { ...second, members: [...(second?.members ?? []), through(3, 'janitor')] }]);
  });
  test('a pool into which somebody else puts tokens too is refused, and nobody is let in', () => {
    run('40_services.sh', [], TRUST);
    change((world) => {
      Object.assign(world.pools['acme-prod/dbt-acme'] ?? {}, { others: ['spare'] });
      world.policies = {};
    });
    const { status, output } = run('40_services.sh', [], TRUST);
    expect([status, output]).toEqual([1, expect.stringContaining('workloadIdentityPools/dbt-acme/providers/spare')]);
    expect(read().policies).toEqual({});
  });
  test.each([
    ['are not there', { PROD_CLAIMS: '' }, 'PROD_CLAIMS: is not set'],
    ['are a blank', { PROD_CLAIMS: ' ' }, 'cannot be what a token says'],
    ['have no value', { PROD_CLAIMS: 'sub' }, 'cannot be what a token says'],
    ['have an empty value', { PROD_CLAIMS: 'sub=' }, 'cannot be what a token says'],
    ['have an empty one of several', { PROD_CLAIMS: 'sub=a,' }, 'cannot be what a token says'],
    ['have no name', { PROD_CLAIMS: '=42' }, 'cannot be what a token says'],
    ['have two equals signs', { PROD_CLAIMS: 'a=b=c' }, 'cannot be what a token says'],
    ['have a star', { PROD_CLAIMS: 'sub=repo:acme/*' }, 'cannot be what a token says'],
    ['would say more than they name', { CI_CLAIMS: "sub=x'||true||'" }, 'cannot be what a token says'],
    ['would name more than a claim', { CI_CLAIMS: 'x||true||y=z' }, 'cannot be what a token says'],
    ['are nobody’s and somebody’s', { PROD_CLAIMS: '- sub=x' }, 'cannot be what a token says'],
    ['would let a pull request become production', { PROD_CLAIMS: TRUST.CI_CLAIMS }, 'a pull request would become production'],
    ['would let some pull request become production', { PROD_CLAIMS: IDS }, 'a pull request would become production'],
    ['would let one of several become production', { PROD_CLAIMS: `sub=other,repo:acme/dbt:environment:ci ${IDS}` }, 'a pull request would become production'],
    ['would let the sweep become production', { PROD_CLAIMS: TRUST.JANITOR_CLAIMS }, 'the sweep would become production'],
    ['would let a pull request become the sweep', { JANITOR_CLAIMS: TRUST.CI_CLAIMS }, 'a pull request would empty what developers have'],
  ])('refuses claims that %s, and changes nothing', (_, wrong, said) => {
    const before = read();
    expect(run('40_services.sh', [], { ...TRUST, ...wrong })).toMatchObject({ status: 1, output: expect.stringContaining(said) });
    expect(read()).toEqual(before);
  });
});

describe('90_close_prod.sh', () => {
  const found = (world: World): void => {
    world.taken = [{ kind: 'CLOSED' }];
    world.datasets.acme_record = [];
    world.policies['acme-prod'] = [
      { role: 'roles/owner', members: ['user:dba@example.com'] },
      { role: 'roles/editor', members: ['user:priya@example.com', 'serviceAccount:1-compute@developer.gserviceaccount.com'] },
      { role: 'roles/bigquery.dataEditor', members: ['serviceAccount:shared@acme-prod.iam.gserviceaccount.com', 'group:data@example.com'] },
      { role: 'roles/bigquery.dataEditor', members: ['user:night@example.com'], condition: { title: 'nights' } },
    ];
    world.datasets.analytics = [
      { role: 'OWNER', specialGroup: 'projectWriters' },
      { role: 'WRITER', specialGroup: 'projectReaders' },
      { role: 'OWNER', specialGroup: 'projectOwners' },
      { role: 'READER', userByEmail: 'looker@example.com' },
    ];
  };

  test('refuses before 90_close_prod.sql has run, which refuses before the first deploy', () => {
    change((world) => {
      found(world);
      world.taken = [];
    });
    const before = read();
    expect(run('90_close_prod.sh', ['--apply', '--editors']).status).toBe(1);
    expect(read()).toEqual(before);
  });
  test('says what it would take, and takes nothing without --apply', () => {
    change(found);
    const before = read();
    const { status, output } = run('90_close_prod.sh', ['--editors']);
    expect([status, output.includes('group:data@example.com loses roles/bigquery.dataEditor on acme-prod')]).toEqual([0, true]);
    expect(output).toContain('projectWriters loses OWNER on analytics');
    expect(output).toContain('projectReaders loses WRITER on analytics');
    expect(output).toContain('keeps it on raw');
    expect(output).toContain('user:priya@example.com loses roles/editor on acme-prod');
    expect(read()).toEqual(before);
  });
  test('who loses roles/editor reads what the project’s Editors could use, and no dataset that was closed to them', () => {
    const editors = { role: 'WRITER', specialGroup: 'projectWriters' };
    const owner = { role: 'OWNER', specialGroup: 'projectOwners' };
    const reads = { role: 'READER', userByEmail: 'priya@example.com' };
    change((world) => {
      found(world);
      Object.assign(world.datasets, { raw: [owner, editors], crm: [owner], marts: [owner, { role: 'READER', specialGroup: 'projectWriters' }] });
    });
    const before = read();
    expect(run('90_close_prod.sh', ['--apply', '--editors'], { DENIED: 'acme-prod:raw' })).toMatchObject({ status: 1 });
    expect(holds(read().policies['acme-prod'], 'roles/editor', 'user:priya@example.com')).toBe(true);
    write(before);
    expect(run('90_close_prod.sh', ['--apply', '--editors'])).toMatchObject({ status: 0 });
    const { datasets, policies } = read();
    expect([holds(policies['acme-prod'], 'roles/editor', 'user:priya@example.com'), datasets.raw, datasets.analytics, datasets.marts]).toEqual([
      false,
      expect.arrayContaining([editors, reads]),
      expect.arrayContaining([reads]),
      expect.arrayContaining([reads]),
    ]);
    expect(JSON.stringify([datasets.crm, policies['acme-prod']?.filter(({ role }) => role !== 'roles/editor')])).not.toContain('priya');
    write(before);
    run('90_close_prod.sh', ['--apply']);
    expect(JSON.stringify(read().datasets)).not.toContain('priya');
  });
  test('writes down before it takes, and 91_reopen_prod.sh gives exactly that back', () => {
    change(found);
    const before = read();
    expect(run('90_close_prod.sh', ['--apply', '--editors'])).toMatchObject({ status: 0 });
    const closed = read();
    expect(closed.datasets.analytics).toHaveLength(5);
    expect(closed.datasets.analytics).toEqual(
      expect.arrayContaining([
        ...(before.datasets.analytics?.slice(2) ?? []),
        { role: 'READER', specialGroup: 'projectWriters' },
        { role: 'READER', specialGroup: 'projectReaders' },
        { role: 'READER', userByEmail: 'priya@example.com' },
      ]),
    );
    for (const kept of ['raw', 'crm'])
      expect(closed.datasets[kept], kept).toEqual([
        { role: 'WRITER', groupByEmail: 'data@example.com' },
        { role: 'WRITER', userByEmail: 'shared@acme-prod.iam.gserviceaccount.com' },
      ]);
    expect([closed.datasets.marts, closed.datasets.acme_record]).toEqual([[], []]);
    expect(closed.policies['acme-prod']).toEqual([
      { role: 'roles/owner', members: ['user:dba@example.com'] },
      { role: 'roles/editor', members: ['serviceAccount:1-compute@developer.gserviceaccount.com'] },
      { role: 'roles/bigquery.dataEditor', members: ['user:night@example.com'], condition: { title: 'nights' } },
      {
        role: 'roles/bigquery.dataViewer',
        members: ['group:data@example.com', 'serviceAccount:shared@acme-prod.iam.gserviceaccount.com'],
      },
    ]);
    const first = asked().split('\n');
    expect(first.findIndex((line) => line.includes('INSERT INTO'))).toBeLessThan(first.findIndex((line) => line.includes('"update"')));
    expect(run('90_close_prod.sh', ['--apply', '--editors'])).toMatchObject({ status: 0 });
    expect(read()).toEqual(closed);

    expect(run('91_reopen_prod.sh')).toMatchObject({ status: 0 });
    const { policies, datasets, taken } = read();
    for (const { role, members } of before.policies['acme-prod'] ?? [])
      for (const one of members) expect(holds(policies['acme-prod'], role, one), one).toBe(true);
    expect(datasets.analytics).toEqual(expect.arrayContaining([...(before.datasets.analytics ?? [])]));
    expect(taken).toEqual([{ kind: 'CLOSED' }]);
    const reopened = read();
    expect(run('91_reopen_prod.sh')).toMatchObject({ status: 0 });
    expect(read()).toEqual(reopened);
  });
  test('takes a role from an account that was deleted, and goes on', () => {
    change((world) => {
      found(world);
      world.policies['acme-prod'] = [{ role: 'roles/bigquery.dataEditor', members: ['deleted:user:gone@example.com?uid=1', 'group:data@example.com'] }];
    });
    expect(run('90_close_prod.sh', ['--apply'])).toMatchObject({ status: 0 });
    expect(read().policies['acme-prod']).toEqual([{ role: 'roles/bigquery.dataViewer', members: ['group:data@example.com'] }]);
    expect(JSON.stringify(read().taken)).not.toContain('gone');
    expect(JSON.stringify(read().datasets)).not.toContain('gone');
  });
  test('leaves a role on the project where a source could not be kept for it, and says so with its exit status', () => {
    change(found);
    const { status, output } = run('90_close_prod.sh', ['--apply'], { DENIED: 'show acme-prod:raw' });
    expect([status, output]).toEqual([1, expect.stringContaining('! Not every other dataset could be kept for whoever writes it')]);
    expect(holds(read().policies['acme-prod'], 'roles/bigquery.dataEditor', 'group:data@example.com')).toBe(true);
    expect(read().datasets.analytics).toContainEqual({ role: 'READER', specialGroup: 'projectWriters' });
    expect(run('90_close_prod.sh', ['--apply'])).toMatchObject({ status: 0 });
    expect(holds(read().policies['acme-prod'], 'roles/bigquery.dataEditor', 'group:data@example.com')).toBe(false);
  });
  test('goes on where one dataset of production cannot be seen, and 91_reopen_prod.sh where one has gone', () => {
    change((world) => {
      found(world);
      world.datasets.marts = world.datasets.analytics ?? [];
    });
    const closed = run('90_close_prod.sh', ['--apply'], { DENIED: 'show acme-prod:analytics' });
    expect([closed.status, closed.output]).toEqual([1, expect.stringContaining('! Who may use analytics cannot be seen.')]);
    expect(read().datasets.marts).toContainEqual({ role: 'READER', specialGroup: 'projectWriters' });
    expect(run('90_close_prod.sh', ['--apply'])).toMatchObject({ status: 0 });
    change(({ datasets }) => {
      delete datasets.analytics;
    });
    const opened = run('91_reopen_prod.sh');
    expect([opened.status, opened.output]).toEqual([1, expect.stringContaining('! projectWriters could not be given OWNER on analytics again.')]);
    expect(read().datasets.marts).toContainEqual({ role: 'OWNER', specialGroup: 'projectWriters' });
    expect(holds(read().policies['acme-prod'], 'roles/bigquery.dataEditor', 'group:data@example.com')).toBe(true);
    expect(read().taken.map(({ kind, name }) => [kind, name])).toEqual([
      ['CLOSED', undefined],
      ['ENTRY', 'analytics'],
      ['ENTRY', 'analytics'],
    ]);
  });
  test('leaves Editors alone unless it is told', () => {
    change(found);
    run('90_close_prod.sh', ['--apply']);
    expect(holds(read().policies['acme-prod'], 'roles/editor', 'user:priya@example.com')).toBe(true);
    expect(run('90_close_prod.sh', ['--aply'])).toMatchObject({ status: 2 });
  });
});

describe('audit.sh', () => {
  const WAYS: readonly (readonly [string, (world: World) => void, string])[] = [
    [
      'a role on the project',
      ({ policies }) => (policies['acme-prod'] = [{ role: 'roles/bigquery.dataEditor', members: ['user:kim@example.com'] }]),
      'user:kim@example.com\troles/bigquery.dataEditor: writes data',
    ],
    [
      'a basic role',
      ({ policies }) => (policies['acme-prod'] = [{ role: 'roles/editor', members: ['user:kim@example.com'] }]),
      'user:kim@example.com\troles/editor: writes data, can become a service account',
    ],
    [
      'a role on the folder',
      ({ above }) => (above['acme-prod'] = [{ role: 'roles/bigquery.dataEditor', members: ['group:all@example.com'] }]),
      'group:all@example.com\troles/bigquery.dataEditor: writes data\tfolder 1',
    ],
    [
      'a role that somebody made',
      (world) => {
        world.roles['projects/acme-prod/roles/helper'] = { description: '', permissions: ['iam.serviceAccounts.getAccessToken'] };
        world.policies['acme-prod'] = [{ role: 'projects/acme-prod/roles/helper', members: ['user:kim@example.com'] }];
      },
      'user:kim@example.com\tprojects/acme-prod/roles/helper: can become',
    ],
    [
      'a role with a condition',
      ({ policies }) => (policies['acme-prod'] = [{ role: 'roles/bigquery.dataEditor', members: ['user:kim@example.com'], condition: { title: 'nights' } }]),
      'where nights',
    ],
    ['a key', ({ keys }) => (keys[PROD] = ['abc 2026-01-01']), 'whoever holds key abc 2026-01-01'],
    [
      'the account’s own policy',
      ({ policies }) => (policies[PROD] = [{ role: 'roles/iam.serviceAccountTokenCreator', members: ['user:kim@example.com'] }]),
      'user:kim@example.com\troles/iam.serviceAccountTokenCreator on the account itself',
    ],
  ];
  test.each(WAYS)('names whoever can write production by %s', (_, plant, line) => {
    change((world) => {
      world.policies['acme-prod'] = [{ role: 'roles/viewer', members: ['user:kim@example.com'] }];
    });
    expect(run('audit.sh').output).not.toContain(line);
    change(plant);
    expect(run('audit.sh').output).toContain(line);
  });
  test('ends well where administrators alone can, and badly where somebody else can', () => {
    change(({ policies, above }) => {
      above['acme-prod'] = [];
      policies['acme-prod'] = [
        { role: 'roles/owner', members: ['user:dba@example.com'] },
        { role: 'roles/bigquery.jobUser', members: ['user:priya@example.com'] },
        { role: 'roles/editor', members: ['serviceAccount:1@cloudservices.gserviceaccount.com'] },
      ];
    });
    expect(run('audit.sh')).toMatchObject({ status: 0, output: expect.stringContaining('user:dba@example.com') });
    change(({ policies }) => {
      policies['acme-prod'] = [...(policies['acme-prod'] ?? []), { role: 'roles/bigquery.dataEditor', members: ['user:priya@example.com'] }];
    });
    expect(run('audit.sh')).toMatchObject({ status: 1, output: expect.stringContaining('user:priya@example.com\troles/bigquery.dataEditor') });
  });
  test('says where it cannot see what is above the project, and that is no good end', () => {
    const { status, output } = run('audit.sh');
    expect(output).toContain('! What comes from the folders and the organization above acme-prod cannot be seen with this login.');
    expect([status, output.includes('whoever holds a role there\tunseen: nobody says')]).toEqual([1, true]);
  });
  test('ends badly where somebody else may act as production’s account, and well where what the pool calls production may', () => {
    const through = (number: number, pool: string, subject = 'prod') =>
      `principal://iam.googleapis.com/projects/${number}/locations/global/workloadIdentityPools/${pool}/subject/${subject}`;
    const audit = (member: string, role = 'roles/iam.workloadIdentityUser'): number | null => {
      change(({ policies, above, numbers }) => {
        above['acme-prod'] = [];
        numbers['acme-prod'] = 11;
        policies['acme-prod'] = [{ role: 'roles/owner', members: ['user:dba@example.com'] }];
        policies[PROD] = [{ role, members: [member] }];
      });
      return run('audit.sh').status;
    };
    const SAID = "(assertion.sub == 'main')";
    const provider = { description: '', condition: SAID, issuer: 'https://token.example', mapping: `google.subject=${SAID} ? 'prod' : 'nobody'` };
    const pool = (more: object): void =>
      change(({ pools }) => {
        pools['acme-prod/dbt-acme'] = { ...provider, ...more };
      });
    pool({});
    expect(audit(through(11, 'dbt-acme'))).toBe(0);
    expect(audit(through(11, 'dbt-acme', 'ci'))).toBe(1);
    expect(audit(through(11, 'dbt-acme', 'prod2'))).toBe(1);
    expect(run('audit.sh').output).toContain(`dbt-envs\thttps://token.example\t${SAID}`);
    for (const other of [
      { others: ['spare'] },
      { mapping: "google.subject='prod'" },
      { condition: 'true' },
      { condition: `${SAID} || (assertion.sub == 'mine')` },
      { keys: '{"keys": []}' },
    ]) {
      pool(other);
      expect([other, audit(through(11, 'dbt-acme'))]).toEqual([other, 1]);
    }
    pool({ keys: '{"keys": [1]}\n' });
    writeFileSync(path.join(place, 'keys.json'), '{"keys":[1]}');
    expect(audit(through(11, 'dbt-acme'))).toBe(1);
    expect(run('audit.sh', [], { TOKEN_KEYS: path.join(place, 'keys.json') }).status).toBe(0);
    pool({
      others: [],
      condition: `(assertion.sub == 'ci') || ${SAID}`,
      mapping: `google.subject=(assertion.sub == 'ci') ? 'ci' : ${SAID} ? 'prod' : 'nobody'`,
    });
    expect(audit(through(11, 'dbt-acme'))).toBe(0);
    pool({});
    expect(audit(through(12, 'dbt-acme'))).toBe(1);
    expect(audit(through(11, 'dbt-acme-other'))).toBe(1);
    expect(audit(through(11, 'dbt-acme'), 'roles/iam.serviceAccountTokenCreator')).toBe(1);
    expect(audit('user:kim@example.com')).toBe(1);
  });
  const audit = (plant: (world: World) => void) => {
    change((world) => {
      world.above['acme-prod'] = [];
      world.policies['acme-prod'] = [{ role: 'roles/owner', members: ['user:dba@example.com'] }];
      plant(world);
    });
    const { status, output } = run('audit.sh');
    const part = (name: string): string => output.split(/^== /m).find((one) => one.startsWith(name)) ?? '';
    return { status, output, part };
  };
  const bind = (world: World, ...bindings: readonly Binding[]): void => {
    world.policies['acme-prod'] = [...(world.policies['acme-prod'] ?? []), ...bindings];
  };
  const AGENT = 'serviceAccount:1@cloudservices.gserviceaccount.com';
  const DATAFORM = 'serviceAccount:service-1@gcp-sa-dataform.iam.gserviceaccount.com';

  test('names Google’s own accounts that can, and ends badly where somebody else may ask one', () => {
    const editor = { role: 'roles/editor', members: [AGENT] };
    const strange = { role: 'roles/compute.serviceAgent', members: ['serviceAccount:service-1@gcp-sa-new.iam.gserviceaccount.com'] };
    const alone = audit((world) => bind(world, editor, strange));
    expect([alone.status, alone.part('Others')]).toEqual([0, expect.stringContaining('nobody')]);
    expect(alone.part("Google's own")).toContain(`${AGENT}\troles/editor: writes data, can become`);
    expect(alone.part("Google's own")).toMatch(/gcp-sa-new.*who may ask it is not known here/);
    const asked = audit((world) => bind(world, editor, { role: 'roles/deploymentmanager.editor', members: ['user:kim@example.com', 'user:dba@example.com'] }));
    expect([asked.status, asked.part('Who may ask')]).toEqual([
      1,
      expect.stringContaining(`user:kim@example.com\tasks ${AGENT} by roles/deploymentmanager.editor: may ask it`),
    ]);
    expect(asked.part('Who may ask')).not.toContain('dba');
  });
  test('the right to run queries is one to ask Dataform, and counts where Dataform can write', () => {
    const queries = { role: 'roles/bigquery.jobUser', members: ['user:kim@example.com', `serviceAccount:${PROD}`] };
    expect(audit((world) => bind(world, queries)).status).toBe(0);
    const { status, part } = audit((world) => bind(world, queries, { role: 'roles/bigquery.dataEditor', members: [DATAFORM] }));
    expect([
      status,
      part('Who may ask')
        .split('\n')
        .filter((line) => line.includes('asks')),
    ]).toEqual([1, [expect.stringMatching(/^user:kim@example\.com\tasks/)]]);
  });
  test.each(['serviceAccount:service-1@acme-prod.iam.gserviceaccount.com', 'serviceAccount:service-77@gcp-sa-dataform.iam.gserviceaccount.com'])(
    'takes %s for no account of Google’s in this project',
    (member) => {
      const { status, part } = audit((world) => bind(world, { role: 'roles/bigquery.dataEditor', members: [member] }));
      expect([status, part('Others')]).toEqual([1, expect.stringContaining(member)]);
    },
  );
  test('knows each permission that writes, opens or becomes, and none that only looks', () => {
    const mighty = [
      ...['create', 'update', 'updateData', 'delete', 'deleteSnapshot', 'restoreSnapshot', 'setCategory', 'setColumnDataPolicy', 'setIamPolicy'].map(
        (one) => `bigquery.tables.${one}`,
      ),
      ...['update', 'delete', 'link', 'setIamPolicy'].map((one) => `bigquery.datasets.${one}`),
      ...['create', 'update', 'delete'].flatMap((one) => [`bigquery.routines.${one}`, `bigquery.rowAccessPolicies.${one}`, `bigquery.dataPolicies.${one}`]),
      ...[
        'bigquery.models.create',
        'bigquery.models.updateData',
        'bigquery.models.delete',
        'bigquery.dataPolicies.setIamPolicy',
        'datacatalog.taxonomies.setIamPolicy',
      ],
      ...['actAs', 'getAccessToken', 'implicitDelegation', 'signBlob', 'signJwt', 'setIamPolicy'].map((one) => `iam.serviceAccounts.${one}`),
      ...[
        'iam.serviceAccountKeys.create',
        'iam.roles.update',
        'iam.googleapis.com/workloadIdentityPoolProviders.update',
        'iam.googleapis.com/workloadIdentityPoolProviders.create',
      ],
      ...[
        'resourcemanager.projects.setIamPolicy',
        'resourcemanager.folders.setIamPolicy',
        'resourcemanager.projects.move',
        'resourcemanager.projects.delete',
        'orgpolicy.policy.set',
      ],
    ];
    const harmless = [
      ...[
        'tables.get',
        'tables.getData',
        'tables.list',
        'datasets.get',
        'datasets.create',
        'jobs.create',
        'routines.get',
        'models.getData',
        'rowAccessPolicies.get',
      ].map((one) => `bigquery.${one}`),
      ...[
        'iam.serviceAccounts.get',
        'iam.serviceAccounts.list',
        'iam.serviceAccountKeys.list',
        'iam.roles.get',
        'resourcemanager.projects.getIamPolicy',
        'xiam.roles.update',
      ],
    ];
    const { part } = audit((world) => {
      for (const [index, one] of [...mighty, ...harmless].entries()) {
        world.roles[`roles/r${index}`] = { description: '', permissions: [one] };
        bind(world, { role: `roles/r${index}`, members: [`user:${one.replaceAll('/', '-')}@example.com`] });
      }
    });
    const named = [...part('Others').matchAll(/^user:(.+)@example\.com\t/gm)].map(([, one]) => one);
    expect(new Set(named)).toEqual(new Set(mighty.map((one) => one.replaceAll('/', '-'))));
  }, 60_000);
  test('names who may create datasets, which is no writing', () => {
    const { status, part } = audit((world) => bind(world, { role: 'roles/bigquery.user', members: ['user:kim@example.com'] }));
    expect([status, part('Who may create')]).toEqual([0, expect.stringContaining('user:kim@example.com\troles/bigquery.user: creates datasets')]);
  });
  test('names who reads personal data: by a right, by a role on the project, and through what is authorized there', () => {
    const view = { projectId: 'acme-prod', datasetId: 'raw', tableId: 'names' };
    const plant = (world: World): void => {
      world.datasets.crm = [
        { role: 'READER', userByEmail: PROD },
        { role: 'OWNER', specialGroup: 'projectOwners' },
        { role: 'READER', specialGroup: 'projectReaders' },
        { role: 'READER', groupByEmail: 'support@example.com' },
        { view },
        { routine: { projectId: 'acme-prod', datasetId: 'raw', routineId: 'f' } },
        { dataset: { dataset: { projectId: 'acme-dev', datasetId: 'dev_kim' }, targetTypes: ['VIEWS'] } },
      ];
      bind(world, { role: 'roles/bigquery.dataViewer', members: ['user:kim@example.com'] });
    };
    const expected = [
      'projectReaders\tREADER\tcrm',
      'support@example.com\tREADER\tcrm',
      'view acme-prod.raw.names\tis authorized: whoever reads it\tcrm',
      'routine acme-prod.raw.f\tis authorized: whoever calls it\tcrm',
      'dataset acme-dev.dev_kim\tis authorized: whoever creates a view there\tcrm',
      'user:kim@example.com\troles/bigquery.dataViewer: reads data',
    ];
    const { status, part } = audit(plant);
    expect(status).toBe(0);
    for (const text of [part('Who reads personal data'), run('00_look.sh').output]) for (const line of expected) expect(text).toContain(line);
    expect(part('Who reads personal data')).not.toMatch(/projectOwners|acme-prod@/);
  });
  test.each([
    ['acme-ci:pr_5', { role: 'READER', specialGroup: 'allAuthenticatedUsers' }],
    ['acme-ci:pr_5', { role: 'READER', iamMember: 'allUsers' }],
    ['acme-dev:dev_kim', { role: 'WRITER', specialGroup: 'allAuthenticatedUsers' }],
    ['marts', { role: 'READER', iamMember: 'allUsers' }],
    ['raw', { role: 'READER', specialGroup: 'allAuthenticatedUsers' }],
  ])('ends badly where everybody in the world may use %s: %o', (name, entry) => {
    const opened = (...entries: readonly object[]) =>
      audit((world) => {
        world.datasets['acme-ci:pr_5'] = [{ role: 'OWNER', userByEmail: 'acme-ci@acme-ci.iam.gserviceaccount.com' }];
        world.datasets['acme-dev:dev_kim'] = [{ role: 'WRITER', userByEmail: 'kim@example.com' }];
        // Not ours to judge: whoever owns it says who may use it.
        world.datasets['acme-dev:developer_tools'] = [entry];
        world.datasets[name] = [...(world.datasets[name] ?? []), ...entries];
      });
    const sound = opened();
    expect([sound.status, sound.part('What everybody in the world').trim()]).toEqual([0, expect.stringMatching(/nothing$/)]);
    const { status, part } = opened(entry);
    expect([status, part('What everybody in the world')]).toEqual([
      1,
      expect.stringMatching(new RegExp(`^all(Authenticated)?Users\t${entry.role}\t${name.replace(/^.*:/, '')}$`, 'm')),
    ]);
  });
  test('a policy that cannot be read is not an empty one', () => {
    for (const name of ['audit.sh', '00_look.sh']) {
      const { status, output } = run(name, [], { DENIED: 'get-iam-policy' });
      expect([name, status === 0, output.includes('nobody')]).toEqual([name, false, false]);
      expect([name, run(name, [], { DENIED: 'show acme-prod:crm' }).status === 0]).toEqual([name, false]);
    }
    change(({ above, policies }) => {
      above['acme-prod'] = [];
      policies['acme-prod'] = [{ role: 'roles/owner', members: ['user:dba@example.com'] }];
    });
    expect([run('audit.sh').status, run('audit.sh', [], { DENIED: 'ls' }).status === 0]).toEqual([0, false]);
  });
});

test('00_look.sh only looks', () => {
  change(({ policies }) => {
    policies['acme-dev'] = [{ role: 'roles/viewer', members: ['user:kim@example.com'] }];
  });
  const before = read();
  const { status, output } = run('00_look.sh');
  expect([status, output.includes('user:kim@example.com\troles/viewer')]).toEqual([0, true]);
  expect(read()).toEqual(before);
  expect(asked()).not.toMatch(/add-iam|remove-iam|create|update/);
  rmSync(place, { recursive: true, force: true });
});
