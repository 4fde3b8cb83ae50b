import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { python } from '../support/dbt.ts';
import { type GitlabApi, startGitlabApi } from '../support/gitlab-api.ts';
import { gitlabTrust } from '../support/gitlab-tokens.ts';
import { planned } from '../support/scaffold.ts';

let api: GitlabApi;
beforeEach(async () => {
  api = await startGitlabApi();
});
afterEach(() => api.stop());

const VALUES = {
  DBT_PG_HOST: 'db.acme.example',
  DBT_PG_DATABASE: 'acme',
  DBT_ENV_SECRET_CI_PASSWORD: 'ci-long-and-random',
  DBT_ENV_SECRET_PROD_PASSWORD: 'prod-long-and-random',
  DBT_ENV_SECRET_JANITOR_PASSWORD: 'janitor-long-and-random',
  DBT_ENVS_GITLAB_TOKEN: '',
} as const;
/** setup.py of a project, of PostgreSQL where nothing else is said, in a folder of its own. */
const setup = async (
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  plant = (text: string): string => text,
  given: Record<string, string> = { warehouse: 'postgres' },
) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-'));
  for (const { path: name, contents } of planned({ ci: 'gitlab', ...given }).filter((file) => file.path.startsWith('scripts/'))) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), name.endsWith('setup.py') ? plant(contents) : contents);
  }
  const login = { CI_API_V4_URL: api.url, CI_PROJECT_ID: 'acme/data/dbt', GITLAB_TOKEN: 'glpat-maintainers' };
  return python(folder, ['scripts/dbt_envs/setup.py', ...args], { env: { ...login, ...VALUES, ...env }, python: 'tools' });
};
const apply = (env: Readonly<Record<string, string>> = {}) => setup(['--apply'], env);
const writes = (): readonly string[] => api.requests.filter((line) => !line.startsWith('GET'));

describe('without --apply', () => {
  test('it says what is missing, and changes nothing', async () => {
    const { code, output } = await setup();
    expect(code, output).toBe(0);
    expect(writes()).toEqual([]);
    for (const said of [
      'main: changes by merge request alone',
      'protect_merge_request_pipelines = False',
      'schedule "dbt sweep"',
      'DBT_ENV_SECRET_PROD_PASSWORD (environment prod)',
    ])
      expect(output).toContain(said);
    expect(output).toContain('Nothing has been changed; --apply does it.');
    expect(output).not.toContain('long-and-random');
  });
});

describe('with --apply', () => {
  test('main is protected, forks stay out, and production’s variables are for main alone', async () => {
    const { output } = await apply();
    expect(api.protectedBranches.get('main')).toEqual({ push: [0], merge: [40], force: false });
    expect(api.project).toMatchObject({
      ci_allow_fork_pipelines_to_run_in_parent_project: false,
      protect_merge_request_pipelines: false,
      only_allow_merge_if_pipeline_succeeds: true,
      ci_pipeline_variables_minimum_override_role: 'maintainer',
    });
    const secrets = api.variables.filter(({ key }) => key.includes('SECRET')).map(({ value: _, ...variable }) => variable);
    const secret = { masked: true, hidden: true, raw: true };
    expect(secrets).toEqual([
      { key: 'DBT_ENV_SECRET_CI_PASSWORD', environment_scope: 'pr/*', protected: false, ...secret },
      { key: 'DBT_ENV_SECRET_PROD_PASSWORD', environment_scope: 'prod', protected: true, ...secret },
      { key: 'DBT_ENV_SECRET_JANITOR_PASSWORD', environment_scope: 'sweep', protected: true, ...secret },
    ]);
    expect(
      api.variables
        .filter(({ key }) => key === 'DBT_PG_HOST' || key === 'DBT_PG_DATABASE')
        .every((one) => one.protected === (one.environment_scope !== 'pr/*')),
    ).toBe(true);
    expect(api.variables.some(({ environment_scope: scope }) => scope === '*')).toBe(false);
    expect(api.schedules.map(({ description, ref, active, variables }) => [description, ref, active, variables])).toEqual([
      ['dbt deploy', 'refs/heads/main', true, []],
      ['dbt sweep', 'refs/heads/main', true, []],
    ]);
    expect(output).toContain('! DBT_ENVS_GITLAB_TOKEN is left unset');
    expect(output).not.toContain('long-and-random');
    expect(api.requests.join('\n')).not.toContain('long-and-random');
  });
  test('main is protected before anything secret is stored', async () => {
    await apply();
    const order = writes().map((line) => line.split(' ')[1] ?? '');
    expect(order.findIndex((place) => place.endsWith('/protected_branches'))).toBeLessThan(order.findIndex((place) => place.endsWith('/variables')));
  });
  test('a second time it finds everything in place', async () => {
    const token = { DBT_ENVS_GITLAB_TOKEN: 'glpat-of-the-sweep' };
    await apply(token);
    const before = writes().length;
    const { code, output } = await apply(token);
    expect([code, writes().length - before], output).toEqual([0, 0]);
    expect(output).toContain('Everything is in place.');
  });
  test('a value is replaced where it is named, in each of its scopes, and no other is touched', async () => {
    await apply();
    const others = () => api.variables.filter(({ key }) => key !== 'DBT_PG_HOST');
    const before = JSON.stringify(others());
    await setup(['--apply', '--replace', 'DBT_PG_HOST'], { DBT_PG_HOST: 'other.acme.example' });
    expect(api.variables.filter(({ key }) => key === 'DBT_PG_HOST').map(({ value }) => value)).toEqual(Array.from({ length: 3 }, () => 'other.acme.example'));
    expect(JSON.stringify(others())).toBe(before);
  });
  test('what GitLab cannot mask is stored protected, and that is said', async () => {
    const { output } = await apply({ DBT_ENV_SECRET_PROD_PASSWORD: '-----BEGIN KEY-----\nabc\n' });
    expect(api.variables.find(({ key }) => key === 'DBT_ENV_SECRET_PROD_PASSWORD')).toMatchObject({ protected: true, masked: false });
    expect(output).toContain('! GitLab cannot mask DBT_ENV_SECRET_PROD_PASSWORD');
    expect(output).not.toContain('BEGIN KEY');
  });
  test('main that maintainers may push to, as GitLab makes it, is closed to pushes; who merges stays as it is', async () => {
    api.protectedBranches.set('main', { push: [40], merge: [30], force: true });
    await apply();
    expect(api.protectedBranches.get('main')).toEqual({ push: [0], merge: [30], force: false });
    expect(writes().filter((line) => line.startsWith('DELETE'))).toEqual([]);
  });
  test('where the plan does not let it, nothing secret is stored before somebody has done it by hand', async () => {
    api.premium(false);
    api.protectedBranches.set('main', { push: [40], merge: [40], force: false });
    const { code, output } = await apply();
    expect(code).toBe(1);
    expect(output).toContain('By hand: Settings, Repository, Protected branches, main: Allowed to push and merge, No one.');
    expect(api.variables).toEqual([]);
    api.protectedBranches.set('main', { push: [0], merge: [40], force: false });
    await apply();
    expect(api.variables.length).toBeGreaterThan(5);
  });
  test.each(['*', 'm*n', 'mai*'])('a rule %s that opens main as well is named, and nothing secret is stored: the most permissive one counts', async (name) => {
    const open = { push: [30], merge: [40], force: false };
    api.protectedBranches.set(name, open);
    const { code, output } = await apply();
    expect(code).toBe(1);
    expect(output).toContain(`! main is protected by the rule ${name}, but whoever may push can change it without a merge request. By hand: `);
    expect([api.variables, api.protectedBranches.get(name)]).toEqual([[], open]);
    api.protectedBranches.set(name, { ...open, push: [0] });
    await apply();
    expect(api.variables.length).toBeGreaterThan(5);
  });
  test.each(['release*', 'main-*', 'm.in', 'MAIN*'])('a rule %s is another branch’s', async (name) => {
    api.protectedBranches.set(name, { push: [40], merge: [40], force: true });
    const { output } = await apply();
    expect(output).toContain(`The branch ${name} is protected too, so maintainers can have production's credentials read there.`);
    expect(api.variables.length).toBeGreaterThan(5);
  });
  test.each<[string, () => void, string]>([
    [
      'push to',
      () => api.protectedBranches.set('develop', { push: [30], merge: [40], force: false }),
      '! The branch develop is protected, and developers may bring code there',
    ],
    [
      'merge to',
      () => api.protectedBranches.set('release/*', { push: [0], merge: [40, 30], force: false }),
      '! The branch release/* is protected, and developers may',
    ],
    ['tag', () => api.protectedTags.set('v*', [30]), '! The tag v* is protected, and developers may bring code there'],
  ])('what else is protected, and developers may %s, would show them production: it is named, and nothing secret is stored', async (_, make, saying) => {
    make();
    const { code, output } = await apply();
    expect([code, output]).toEqual([1, expect.stringContaining(saying)]);
    expect(api.variables).toEqual([]);
  });
  test('what is protected and open to nobody at all is none of its business', async () => {
    api.protectedBranches.set('frozen', { push: [0], merge: [], force: false });
    api.protectedTags.set('old', [0]);
    expect((await apply()).output).not.toMatch(/frozen|old is/);
  });
  test('a stricter project stays as strict, and its schedules are made: GitLab.com’s new projects let nobody give variables', async () => {
    api.project.ci_pipeline_variables_minimum_override_role = 'no_one_allowed';
    api.protectedBranches.set('main', { push: [0], merge: [60], force: false });
    const { output } = await apply();
    expect(api.schedules.map(({ description, active }) => [description, active])).toEqual([
      ['dbt deploy', true],
      ['dbt sweep', true],
    ]);
    expect(output).toContain('Nobody may give variables to a pipeline');
    expect(api.project.ci_pipeline_variables_minimum_override_role).toBe('no_one_allowed');
    expect(api.protectedBranches.get('main')).toEqual({ push: [0], merge: [60], force: false });
  });
  test('a role that counts for nothing, since variables are not restricted at all, is made to count', async () => {
    Object.assign(api.project, { ci_pipeline_variables_minimum_override_role: 'maintainer', restrict_user_defined_variables: false });
    await apply();
    expect(api.project.restrict_user_defined_variables).toBe(true);
  });
  test('a merge that nothing has built is closed: one whose pipeline was skipped', async () => {
    api.project.allow_merge_on_skipped_pipeline = true;
    await apply();
    expect(api.project.allow_merge_on_skipped_pipeline).toBe(false);
    expect((await apply()).output).not.toContain('allow_merge_on_skipped_pipeline');
  });
  test.each([
    [{ ci_config_path: 'ci/main.yml' }, '! This project reads ci/main.yml instead of .gitlab-ci.yml'],
    [{ visibility: 'internal', public_jobs: true }, "! Whoever sees the project reads its jobs' logs"],
  ])('what would surprise is named: %o', async (how, saying) => {
    expect((await apply()).output).not.toContain(saying);
    Object.assign(api.project, how);
    expect((await apply()).output).toContain(saying);
  });
  test('developers who may merge to main are named', async () => {
    api.protectedBranches.set('main', { push: [0], merge: [30, 40], force: false });
    expect((await apply()).output).toContain('! developers may merge to main, so they are production.');
    api.protectedBranches.set('main', { push: [0], merge: [40], force: false });
    expect((await apply()).output).not.toContain('so they are production');
  });
  test.each([
    ['long-and-random', true],
    ['x', false],
  ])('a variable that was open to every branch is closed, and masked where it can be: %s', async (value, masked) => {
    const open = { value, protected: false, masked: false, hidden: false, raw: false };
    api.variables.push({ key: 'DBT_ENV_SECRET_PROD_PASSWORD', environment_scope: 'prod', ...open });
    await apply();
    expect(api.variables.find(({ key }) => key === 'DBT_ENV_SECRET_PROD_PASSWORD')).toMatchObject({ protected: true, value, masked });
    expect((await setup()).output).not.toContain('DBT_ENV_SECRET_PROD_PASSWORD (environment prod)');
  });
  test.each(['*', 'pr/*', 'staging'])('production’s password that is set for %s too, and open to every branch, is named', async (scope) => {
    const open = { value: 'long-and-random', protected: false, masked: true, hidden: false, raw: false };
    api.variables.push({ key: 'DBT_ENV_SECRET_PROD_PASSWORD', environment_scope: scope, ...open });
    const { code, output } = await apply({ DBT_ENVS_GITLAB_TOKEN: 'glpat-of-the-sweep' });
    expect([code, output]).toEqual([
      1,
      expect.stringContaining(`! variable DBT_ENV_SECRET_PROD_PASSWORD (environment ${scope}) is not protected: pipelines of every branch read it.`),
    ]);
  });
  test('a token that only reads, for merge requests on a GitLab that needs one, is no mistake, and is said to be everybody’s', async () => {
    const open = { value: 'glpat-that-reads', protected: false, masked: true, hidden: false, raw: true };
    api.variables.push({ key: 'DBT_ENVS_GITLAB_TOKEN', environment_scope: 'pr/*', ...open });
    const { code, output } = await apply({ DBT_ENVS_GITLAB_TOKEN: 'glpat-of-the-sweep' });
    expect([code, output]).toEqual([0, expect.stringContaining('It must be another token than the one above, with the scope read_api alone.')]);
  });
  test('a secret is replaced in place: where GitLab refuses the new one, the old one stays', async () => {
    await apply();
    const stored = () => api.variables.find(({ key }) => key === 'DBT_ENV_SECRET_PROD_PASSWORD');
    await setup(['--apply', '--replace', 'DBT_ENV_SECRET_PROD_PASSWORD'], { DBT_ENV_SECRET_PROD_PASSWORD: 'another-long-one' });
    expect(stored()).toMatchObject({ value: 'another-long-one', protected: true, masked: true, hidden: true });
    for (const how of [{ status: 500 }, 'hang up'] as const) {
      api.fails(/(PUT|POST) .*variables.*PROD_PASSWORD|POST .*variables$/, how);
      const { code } = await setup(['--apply', '--replace', 'DBT_ENV_SECRET_PROD_PASSWORD'], { DBT_ENV_SECRET_PROD_PASSWORD: 'a-third-long-one' });
      expect([code, stored()?.value]).toEqual([1, 'another-long-one']);
    }
    api.fails();
    const { code } = await setup(['--apply', '--replace', 'DBT_ENV_SECRET_PROD_PASSWORD'], { DBT_ENV_SECRET_PROD_PASSWORD: 'two words' });
    expect([code, stored()?.value]).toEqual([1, 'another-long-one']);
    expect(writes().filter((line) => line.startsWith('DELETE'))).toEqual([]);
  });
  test('a schedule that is off is turned on; one whose owner has left is named, and left', async () => {
    await apply();
    const [deploy, sweep] = api.schedules;
    Object.assign(deploy ?? {}, { active: false });
    Object.assign(sweep ?? {}, { active: false, owner: { state: 'blocked' } });
    const { output } = await apply();
    expect(api.schedules.map(({ active }) => active)).toEqual([true, false]);
    expect(output).toContain('The schedule "dbt sweep" is off, and its owner is not active');
  });
});

test('a schedule that is somebody else’s is named, and everything else is done', async () => {
  await apply();
  Object.assign(api.schedules[1] ?? {}, { active: false });
  api.fails(/PUT .*pipeline_schedules/, { status: 403 });
  const { code, output } = await apply({ DBT_ENVS_GITLAB_TOKEN: 'glpat-of-the-sweep' });
  expect([code, output]).toEqual([1, expect.stringContaining('The schedule "dbt sweep" is somebody else')]);
  expect(api.variables.some(({ key }) => key === 'DBT_ENVS_GITLAB_TOKEN')).toBe(true);
});

describe('a secret of production, or of the sweep, that a group has too', () => {
  const PROD = 'DBT_ENV_SECRET_PROD_PASSWORD';
  const variable = (more: object = {}) => ({
    key: PROD,
    environment_scope: '*',
    value: 'planted-value',
    protected: false,
    masked: true,
    hidden: false,
    raw: true,
    ...more,
  });
  const TOKEN = { DBT_ENVS_GITLAB_TOKEN: 'glpat-of-the-sweep' };

  test.each<[string, object, string]>([
    ['acme/data', {}, 'environment *): pipelines of every branch of all projects of the group read it.'],
    ['acme', {}, 'environment *): pipelines of every branch of all projects of the group read it.'],
    ['acme', { environment_scope: 'pr/*' }, 'environment pr/*): pipelines of every branch of'],
    ['acme', { environment_scope: 'prod' }, 'environment prod): pipelines of every branch of'],
    ['acme', { protected: true, environment_scope: 'prod' }, 'environment prod): pipelines of protected branches of all projects of the group read it.'],
  ])('%s, %o, is named with the way out, is left to do, and stays', async (group, more, saying) => {
    api.groups.set(group, [variable(more), variable({ key: 'DBT_ENV_SECRET_CI_PASSWORD' }), variable({ key: 'DBT_PG_HOST' })]);
    const { code, output } = await apply(TOKEN);
    expect([code, output.match(/^! variable/gm)?.length, output.includes('1 still to do.')], output).toEqual([1, 1, true]);
    expect(output).toContain(`! variable ${PROD} (group ${group}, ${saying}`);
    expect(output).toContain('An owner deletes it, under Settings, CI/CD, Variables of the group');
    expect([output.includes('planted-value'), writes().some((line) => line.includes('/groups/'))]).toEqual([false, false]);
  });
  test('is found beyond the first page', async () => {
    const others = Array.from({ length: 100 }, (_, at) => variable({ key: `A_${at}` }));
    api.groups.set('acme', [...others, variable()]);
    expect((await apply()).output).toContain(`! variable ${PROD} (group acme, `);
  });
  test.each([403, 404])('is not looked for in a group that answers %s; the others are looked at, and nothing fails', async (status) => {
    api.groups.set('acme', [variable({ key: 'DBT_ENV_SECRET_JANITOR_PASSWORD' })]);
    api.fails(/groups\/acme%2Fdata\//, { status });
    const { code, output } = await apply(TOKEN);
    expect(output).toContain('! Not looked at: the variables of the group acme/data. ');
    expect(output).toContain(
      `None of these may stand there: ${PROD}, DBT_ENV_SECRET_JANITOR_PASSWORD, DBT_ENVS_GITLAB_TOKEN. Settings, CI/CD, Variables of this project`,
    );
    expect([code, output.includes('! variable DBT_ENV_SECRET_JANITOR_PASSWORD (group acme, ')]).toEqual([1, true]);
    api.groups.set('acme', []);
    expect((await apply(TOKEN)).code).toBe(0);
  });
  test.each([400, 401, 500])('an answer %s is not a group that has none', async (status) => {
    api.fails(/groups/, { status });
    const { code, output } = await apply(TOKEN);
    expect([code, /^setup: /m.test(output), output.includes('Not looked at')], output).toEqual([1, true, false]);
  });
  test('is looked for only where there is a group', async () => {
    Object.assign(api.project, { path_with_namespace: 'ada/dbt', namespace: { id: 3, kind: 'user', full_path: 'ada' } });
    const { code, output } = await apply(TOKEN);
    expect([code, output.includes('Not looked at'), api.requests.some((line) => line.includes('/groups/'))]).toEqual([0, false, false]);
  });
  test('is named without what a terminal would obey', async () => {
    api.groups.set('acme', [variable({ environment_scope: 'a\u001b[2J\nEverything is in place.\u202e' })]);
    const { output } = await apply(TOKEN);
    expect(output).toContain('(group acme, environment a [2J Everything is in place. )');
    expect([/^Everything is in place/m.test(output), [...output].some((one) => one !== '\n' && /\p{C}/u.test(one))]).toEqual([false, false]);
  });
});

describe('it fails, and says so', () => {
  test.each([
    ['a login that may not', { status: 403 }, 'This login may not do that'],
    ['a login that is not valid', { status: 401 }, 'The login is not valid'],
    ['a server in trouble', { status: 500 }, 'status 500'],
    ['half an answer', 'cut off', 'is not whole'],
  ] as const)('%s', async (_, how, saying) => {
    api.fails(/./, how);
    const { code, output } = await apply();
    expect([code, output]).toEqual([1, expect.stringContaining(saying)]);
    expect(writes()).toEqual([]);
  });
  test('a GitLab whose schedules would start nothing, in silence', async () => {
    for (const version of ['17.9.4-ee', '9.11.0', 'unknown']) {
      api.version = version;
      const { code, output } = await apply();
      expect([code, output]).toEqual([1, expect.stringContaining(`this GitLab is ${version}, and the jobs need 17.10`)]);
    }
    expect(writes()).toEqual([]);
    api.version = '17.10.0';
    await apply();
    expect(api.schedules).toHaveLength(2);
  });
  test('a login that is not shown who may give variables', async () => {
    delete api.project.ci_pipeline_variables_minimum_override_role;
    const { code, output } = await apply();
    expect([code, api.variables.length, output]).toEqual([
      1,
      0,
      expect.stringContaining('! GitLab does not show ci_pipeline_variables_minimum_override_role to this login'),
    ]);
  });
  test('a name that no job reads', async () => expect((await setup(['--replace', 'PATH'])).output).toContain('the jobs read no such variable'));
});

test('a planted mistake is found: a look at the rule of that very name alone', async () => {
  api.protectedBranches.set('*', { push: [40], merge: [40], force: false });
  await setup(['--apply'], {}, (text) => text.replace('if covers_main(rule) and wrong_with(rule)', 'if False'));
  expect(api.variables.length).toBeGreaterThan(5);
});
test('of a private key that is pasted, no first line is stored: it says how several lines are given', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-'));
  for (const { path: name, contents } of planned({ ci: 'gitlab', warehouse: 'snowflake' }).filter((file) => file.path.startsWith('scripts/'))) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), contents);
  }
  const typed = (line: string) => [
    'import getpass, sys; sys.path.insert(0, "scripts/dbt_envs"); import setup',
    'class Terminal:\n    def isatty(self): return True',
    `sys.stdin = Terminal(); getpass.getpass = lambda prompt: ${JSON.stringify(line)}`,
    'print([setup.ask({"name": "DBT_ENV_SECRET_CI_PRIVATE_KEY", "secret": True})])',
  ];
  const asked = async (line: string) => (await python(folder, ['-c', typed(line).join('\n')], { python: 'tools' })).output;
  expect(await asked('-----BEGIN PRIVATE KEY-----')).toMatch(/DBT_ENV_SECRET_CI_PRIVATE_KEY="\$\(cat key\.p8\)" python [^\n]+\n\[''\]/);
  expect(await asked('long-and-random')).toBe("['long-and-random']\n");
});
test('a planted mistake is found: no look at what else is protected', async () => {
  api.protectedTags.set('v*', [30]);
  await setup(['--apply'], {}, (text) => text.replace(' + look_at_others(api)', ''));
  expect(api.variables.length).toBeGreaterThan(5);
});
test('a planted mistake is found: variables that are protected nowhere', async () => {
  await setup(['--apply'], {}, (text) => text.replace(/^PROTECTED = .*$/m, 'PROTECTED: list = []'));
  expect(api.variables.find(({ key }) => key === 'DBT_ENV_SECRET_PROD_PASSWORD')?.protected).toBe(false);
});

describe('where the services log in with tokens of GitLab', () => {
  const PROVIDER = 'projects/1/locations/global/workloadIdentityPools/dbt-acme/providers/dbt-envs';
  const bigquery = (args: readonly string[] = [], env: Readonly<Record<string, string>> = {}, given: Record<string, string> = {}) =>
    setup(args, env, (text) => text, { warehouse: 'bigquery', ...given });
  const line = (output: string): string => /^ {2}TOKEN_ISSUER=.*$/m.exec(output)?.[0] ?? '';

  test('it prints what the warehouse has to trust: numbers, main while it is protected, and no merge request', async () => {
    const { code, output } = await bigquery();
    expect(code, output).toBe(0);
    expect(line(output)).toBe(
      "  TOKEN_ISSUER=https://gitlab.com CI_CLAIMS='pipeline_source=merge_request_event project_id=7 namespace_id=3 job_project_id=7' PROD_CLAIMS='pipeline_source=push,schedule,web project_id=7 namespace_id=3 ref_type=branch ref=main ref_protected=true environment=prod' JANITOR_CLAIMS='pipeline_source=schedule,web project_id=7 namespace_id=3 ref_type=branch ref=main ref_protected=true environment=sweep' bash grants/40_services.sh",
    );
    expect(writes()).toEqual([]);
    expect(output).not.toContain('ci_id_tokens_issuer_url');
  });
  test('they are the words of the table of who may become whom', async () => {
    Object.assign(api.project, { id: 42, namespace: { id: 7 } });
    const words = line((await bigquery()).output).matchAll(/([A-Z_]+)=(?:'([^']*)'|(\S+))/g);
    expect(Object.fromEntries([...words].map(([, name, quoted, plain]) => [name, quoted ?? plain]))).toEqual(gitlabTrust());
  });
  test('only for what CI runs, and for what starts it', async () => {
    const { output } = await bigquery([], {}, { prodRuns: 'external' });
    expect(line(output)).toContain("PROD_CLAIMS='-'");
    const once = line((await bigquery([], {}, { prodRuns: 'merge', mainBranch: 'release/live' })).output);
    expect(once).toContain(
      "PROD_CLAIMS='pipeline_source=push project_id=7 namespace_id=3 ref_type=branch ref=release/live ref_protected=true environment=prod' ",
    );
  });
  test('with --apply it stores the two providers, each where its jobs are, and asks for no password; a second time all is in place', async () => {
    const given = { DBT_CI_IDENTITY_PROVIDER: `${PROVIDER}-ci`, DBT_PROD_IDENTITY_PROVIDER: PROVIDER, DBT_ENVS_GITLAB_TOKEN: 'glpat-of-the-sweep' };
    const { code, output } = await bigquery(['--apply'], given);
    expect(code, output).toBe(0);
    expect(api.variables.map(({ key, environment_scope: scope, protected: closed, raw }) => [key, scope, closed, raw])).toEqual([
      ['DBT_CI_IDENTITY_PROVIDER', 'pr/*', false, true],
      ['DBT_CI_IDENTITY_PROVIDER', 'sweep', true, true],
      ['DBT_PROD_IDENTITY_PROVIDER', 'prod', true, true],
      ['DBT_ENVS_GITLAB_TOKEN', 'sweep-issue', true, true],
    ]);
    const before = writes().length;
    const again = await bigquery(['--apply'], given);
    expect([again.code, writes().length - before], again.output).toEqual([0, 0]);
    expect(line(again.output)).not.toBe('');
  });
  test('of a GitLab of one’s own it names the issuer, the way for one that cannot be reached, and a version that is too old', async () => {
    api.project.web_url = 'https://code.acme.example/gitlab/acme/data/dbt';
    const { output } = await bigquery();
    expect(line(output)).toContain('TOKEN_ISSUER=https://code.acme.example/gitlab CI_CLAIMS=');
    expect(output).toContain('unless an administrator of this GitLab has set ci_id_tokens_issuer_url');
    expect(output).toContain('curl --fail --output keys.json https://code.acme.example/gitlab/oauth/discovery/keys, and TOKEN_KEYS=keys.json');
    expect(output).not.toContain('job_project_id, so');
    api.version = '18.3.9-ee';
    expect((await bigquery()).output).toContain('! This GitLab is 18.3.9-ee. Before 18.4 a token does not say job_project_id');
    api.fails(/\/version/, { status: 403 });
    const unseen = await bigquery();
    expect([unseen.code, unseen.output.includes('! GitLab does not say which version it is. The jobs need 18.4 or newer.')], unseen.output).toEqual([0, true]);
    api.fails();
    const other = await bigquery([], { TOKEN_ISSUER: 'https://keys.acme.example' });
    expect(line(other.output)).toContain('TOKEN_ISSUER=https://keys.acme.example CI_CLAIMS=');
  });
  test('it guesses nothing where GitLab does not say the numbers', async () => {
    for (const plant of [{ namespace: {} }, { id: 'acme' }, { web_url: 'https://gitlab.com/other' }]) {
      const before = { ...api.project };
      Object.assign(api.project, plant);
      const { code, output } = await bigquery();
      expect([code, line(output)]).toEqual([1, '']);
      expect(output).toContain('the warehouse cannot be told whom to trust');
      Object.assign(api.project, before);
    }
  });
  test('and where they do not, nothing is said of it', async () => {
    expect((await setup()).output).not.toMatch(/TOKEN_|CLAIMS/);
  });
});
