import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { warehouses } from '../../src/catalogue.ts';
import { parseAnswers } from '../../src/questions.ts';
import { planned } from '../support/scaffold.ts';

type Target = Readonly<Record<string, string | number>>;
const profileFor = (warehouse: string): { target: string; outputs: Record<string, Target> } => {
  const file = planned({ warehouse }).find(({ path }) => path === 'profiles.yml');
  return parse(file?.contents ?? '').acme;
};
const variablesIn = (target: Target | undefined): readonly string[] => [
  ...new Set(Object.values(target ?? {}).flatMap((value) => [...String(value).matchAll(/env_var\('(\w+)'/g)].map(([, name = '']) => name))),
];

describe.each(warehouses.map(({ id }) => id))('profiles.yml for %s', (id) => {
  const profile = profileFor(id);
  const answers = parseAnswers({ projectName: 'acme', team: 'ana', warehouse: id });
  const warehouse = answers.warehouse;

  test('has exactly three targets, dev first and by default, with 4, 8 and 16 threads', () => {
    expect(Object.entries(profile.outputs).map(([name, { threads }]) => [name, threads])).toEqual([
      ['dev', 4],
      ['ci', 8],
      ['prod', 16],
    ]);
    expect(profile.target).toBe('dev');
  });

  test('folds the developer’s name with filters that both versions of dbt know', () => {
    const schema = String(profile.outputs.dev?.schema);
    expect(schema).toMatch(/^dev_\{\{ \(env_var\('DBT_DEV_NAME', ''\) or env_var\('USER', ''\) or env_var\('USERNAME', ''\)\)(?: \| [^|]+)* \}\}$/);
    const filters = [...schema.matchAll(/\| (\w+)/g)].map(([, name]) => name);
    expect(new Set(filters)).toEqual(new Set(['trim', 'lower', 'replace']));
    expect(profileFor(warehouses[0].id).outputs.dev?.schema).toBe(schema);
  });

  test('reads in each target what that identity has, and every secret from the environment', () => {
    const declared = warehouse.variables({
      name: answers.projectName,
      profile: answers.projectName,
      rolePrefix: answers.rolePrefix,
      prodSchemas: answers.prodSchemas,
      sourceSchemas: answers.sourceSchemas,
      roster: { developers: answers.team, leavers: [], readers: answers.readers },
      devDays: answers.devDays,
      prDays: answers.prDays,
      prodRuns: answers.prodRuns,
      mainBranch: answers.mainBranch,
      settings: answers.settings,
    });
    const known = (identity: string) => declared.filter(({ identities }) => identities.some((one) => one === identity)).map(({ name }) => name);
    const always = ['DBT_DEV_NAME', 'USER', 'USERNAME', 'PR_NUMBER'];
    for (const identity of ['dev', 'ci', 'prod']) {
      const read = variablesIn(profile.outputs[identity]);
      expect(
        read.filter((name) => !always.includes(name) && !known(identity).includes(name)),
        identity,
      ).toEqual([]);
    }
    const secrets = Object.values(profile.outputs).flatMap((target) => Object.entries(target).filter(([key]) => /password|token|secret|key$/.test(key)));
    expect(secrets.filter(([, value]) => !String(value).includes("env_var('DBT_ENV_SECRET_"))).toEqual([]);
    expect(variablesIn(profile.outputs.dev).filter((name) => /_CI_|_PROD_|PR_NUMBER|RUNNER/.test(name))).toEqual([]);
  });
});
