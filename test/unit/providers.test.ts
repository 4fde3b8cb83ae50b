import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ciProviders, warehouses } from '../../src/catalogue.ts';
import type { Identity } from '../../src/warehouse.ts';
import { contextFor, planned } from '../support/scaffold.ts';

/** What docs/adding-a-ci-provider.md asks of every provider, for every warehouse: as far as it can be seen in the files alone. */
const product = warehouses.flatMap((warehouse) => ciProviders.map((ci) => [warehouse.id, ci.id] as const));

describe.each(product)('%s on %s', (warehouse, ci) => {
  const context = contextFor({ warehouse, ci });
  const { pipeline } = context;
  const own = [...context.ci.files(pipeline), ...context.ci.sweepFiles(pipeline)].map(({ path }) => path).filter((path) => path.endsWith('.yml'));
  const files = planned({ warehouse, ci }).filter(({ path }) => own.includes(path));
  const secretsOf = (identity: Identity): readonly string[] =>
    pipeline.variables.filter((variable) => variable.secret && variable.identities.includes(identity)).map(({ name }) => name);
  const naming = (names: readonly string[], among = files): readonly string[] =>
    among.filter(({ contents }) => names.some((name) => new RegExp(`\\b${name}\\b`).test(contents))).map(({ path }) => path);

  test('names production’s secrets where production is built, and nowhere else', () => {
    const secrets = secretsOf('prod');
    const where = naming(secrets);
    if (secrets.length > 0) expect(where).toEqual([expect.stringContaining('deploy')]);
    else expect(where).toEqual([]);
    const planted = files.map((file) => ({ ...file, contents: `${file.contents}# ${secrets[0] ?? 'NONE'}\n` }));
    expect(naming(secrets, planted).length).toBe(secrets.length > 0 ? files.length : 0);
  });
  test('names the janitor’s secrets in the sweep, and nowhere else', () => {
    const janitors = secretsOf('janitor').filter((name) => !secretsOf('ci').includes(name));
    for (const path of naming(janitors)) expect(path).toContain('sweep');
    expect(naming(janitors).length).toBe(janitors.length > 0 ? 1 : 0);
  });
  test('tells the deploy alone what production logs in with, secret or not', () => {
    const ofProd = pipeline.variables.filter(({ identities }) => identities.length === 1 && identities[0] === 'prod').map(({ name }) => name);
    if (ofProd.length > 0) expect(naming(ofProd)).toEqual([expect.stringContaining('deploy')]);
    const planted = files.map((file) => ({ ...file, contents: `${file.contents}# ${ofProd[0] ?? 'NONE'}\n` }));
    expect(naming(ofProd, planted).length).toBe(ofProd.length > 0 ? files.length : 0);
  });
  test('logs each job in with a token of its own where no secret is stored, and has no token where one is', () => {
    const tokens = files.flatMap(({ contents }) => contents.match(/id-token: write|DBT_ENVS_ID_TOKEN:/g) ?? []);
    const script = planned({ warehouse, ci }).some(({ path }) => path === 'scripts/dbt_envs/identity_token.py');
    expect([tokens.length, script]).toEqual(pipeline.workloadIdentity === undefined ? [0, false] : [pipeline.jobs.length, true]);
  });
  test('names no developer’s login', () => {
    const devs = pipeline.variables.filter(({ identities }) => identities.length === 1 && identities[0] === 'dev').map(({ name }) => name);
    expect(naming(devs)).toEqual([]);
  });
  test('opens each file with what it does', () => {
    for (const { path, contents } of files)
      expect(contents.split('\n').slice(0, 5), path).toEqual(Array.from({ length: 5 }, () => expect.stringMatching(/^#/)));
  });
  test('runs every step of every job', () => {
    const text = files.map(({ contents }) => contents).join('\n');
    for (const { steps } of pipeline.jobs) for (const { run } of steps) expect(text).toContain(run);
  });
  test('is YAML that a second reader reads alike', () => {
    for (const { path, contents } of files) expect(parse(contents, { version: '1.1' }), path).toBeTypeOf('object');
  });
  test('leaves production out where an orchestrator outside runs it', () => {
    const outside = planned({ warehouse, ci, prodRuns: 'external' }).filter(({ path }) => own.includes(path));
    for (const { path, contents } of outside) for (const name of secretsOf('prod')) expect(contents, path).not.toContain(name);
    expect(outside.map(({ path }) => path).filter((path) => path.includes('deploy'))).toEqual([]);
  });
});

describe.each(ciProviders.map(({ id }) => id))('where the services log in as the machine that runs their job, on %s', (ci) => {
  const given = { warehouse: 'snowflake', serviceLogin: 'aws', ci };
  test('a machine that nobody has named is refused before anything is written', () => {
    expect(() => planned(given)).toThrow(/^Snowflake knows the services as the machines .* --runner, or store secrets instead\.$/);
    expect(() => planned(given, ['profiles'])).not.toThrow();
  });
  test('and of one that is named it is said who else runs there', () => {
    const { ci: provider, pipeline } = contextFor({ ...given, runner: 'warehouse' });
    expect(provider.warnings(pipeline).join('\n')).toMatch(/runs on warehouse: what those machines can log in as, it can\./);
    const other = contextFor({ warehouse: 'snowflake', ci });
    expect(other.ci.warnings(other.pipeline).join('\n')).not.toContain('those machines');
  });
});

test('Snowflake takes no token of a CI provider, and says why', () => {
  expect(() => planned({ warehouse: 'snowflake', serviceLogin: 'oidc' })).toThrow(/by its issuer and its subject alone.* Use --service-login key-pair\.$/);
  expect(() => planned({ warehouse: 'snowflake', serviceLogin: 'awz' })).toThrow('Did you mean aws?');
});
