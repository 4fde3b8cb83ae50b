import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ciProviders, warehouses } from '../../src/catalogue.ts';
import { pipelineOf } from '../../src/jobs.ts';
import { parseAnswers } from '../../src/questions.ts';
import { ciLacks } from '../../tools/ci-check.ts';
import { lacks } from '../../tools/warehouse-check.ts';
import { example as exampleProvider } from '../support/example-provider.ts';
import { example } from '../support/example-warehouse.ts';

/** The fenced block that follows `<!-- <name> -->`. */
const block = (document: string, name: string): string =>
  document
    .split(`<!-- ${name} -->`)[1]
    ?.split('```')[1]
    ?.replace(/^\w*\n/, '') ?? '';

describe('docs/adding-a-warehouse.md', () => {
  const document = readFileSync('docs/adding-a-warehouse.md', 'utf8');
  test('shows the example that compiles here', () =>
    expect(block(document, 'test/support/example-warehouse.ts')).toBe(readFileSync('test/support/example-warehouse.ts', 'utf8')));
  test('shows what the check says of it', () =>
    expect(block(document, 'warehouse:check').trimEnd().split('\n')).toEqual(lacks(example).map((line) => `lacks  ${line}`)));
});

describe('docs/adding-a-ci-provider.md', () => {
  const document = readFileSync('docs/adding-a-ci-provider.md', 'utf8');
  test('shows the example that compiles here', () =>
    expect(block(document, 'test/support/example-provider.ts')).toBe(readFileSync('test/support/example-provider.ts', 'utf8')));
  test('shows what the check says of it', () =>
    expect(block(document, 'ci:check').trimEnd().split('\n')).toEqual(ciLacks(exampleProvider).map((line) => `lacks  ${line}`)));
  test('whose jobs name only the variables of their own identity', () => {
    const answers = parseAnswers({ projectName: 'acme', team: 'priya' });
    const pipeline = { ...pipelineOf(answers, { ...sample(answers) }, '', ['ci']), variables: example.variables({ ...sample(answers) }) };
    const views = exampleProvider.files(pipeline).map(({ path, view }) => [path, JSON.stringify(view)] as const);
    expect(views.filter(([, view]) => view.includes('PROD_PASSWORD')).map(([path]) => path)).toEqual(['.example/dbt_deploy.yml']);
  });
});

test.each(warehouses.map((warehouse) => [warehouse.id, warehouse] as const))('%s lacks nothing', (_, warehouse) => expect(lacks(warehouse)).toEqual([]));

test.each(ciProviders.map((provider) => [provider.id, provider] as const))('%s lacks nothing', (_, provider) => expect(ciLacks(provider)).toEqual([]));

function sample(answers: ReturnType<typeof parseAnswers>) {
  return { ...answers, name: answers.projectName, profile: 'acme', roster: { developers: answers.team, leavers: [], readers: [] } };
}
