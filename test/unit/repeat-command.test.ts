import { copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { repeatCommand } from '../../src/answers/repeat-command.ts';
import { warehouses } from '../../src/catalogue.ts';
import { NameError } from '../../src/names.ts';
import { type Developer, distinct, parseReaders, parseTeam } from '../../src/roster/roster.ts';
import { emptyFolder, runBin, tree } from '../support/command-line.ts';
import { needsOf } from '../support/scaffold.ts';

/** The words that a shell makes of a printed line: nothing in it is quoted otherwise. */
function wordsOf(line: string): readonly string[] {
  expect(line).toMatch(/^npx generator-dbt-envs(?: (?:[\w./:@+-]+|"[\w ./:@+,=;()~?&<>-]*"))+$/);
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '').slice(2);
}
const wordAfter = (words: readonly string[], flag: string): string => words[words.indexOf(flag) + 1] ?? '';

const slug = fc.stringMatching(/^[a-z][a-z0-9]{0,6}(_[a-z0-9]{1,4}){0,2}$/);
const address = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._+-]{0,8}@[A-Za-z0-9][A-Za-z0-9.-]{0,6}[A-Za-z0-9]$/);
const person = fc
  .record({ slug, own: fc.option(fc.oneof(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._@+-]{0,9}$/), address)), email: fc.option(address), after: fc.boolean() })
  .map((one) => ({ slug: one.slug, login: one.own ?? one.slug, email: one.after && one.email !== null ? `${one.slug}@acme.com` : one.email }));
const csv = (people: readonly { slug: string; login: string; email: string | null }[]): string =>
  `slug,login,email\n${people.map((one) => `${one.slug},${one.login},${one.email ?? ''}\n`).join('')}`;

/** Undefined where the names themselves are refused. */
function teamOf(text: string): readonly Developer[] | undefined {
  try {
    return distinct(parseTeam(text));
  } catch (error) {
    if (error instanceof NameError) return undefined;
    throw error;
  }
}

describe('the command that repeats a run', () => {
  test('names the same people, with every field that they have', () => {
    const seen = { all: 0, three: 0 };
    fc.assert(
      fc.property(fc.array(person, { minLength: 1, maxLength: 5 }), (people) => {
        const developers = teamOf(csv(people));
        if (developers === undefined) return;
        seen.all++;
        if (developers.some((one) => one.email !== undefined && String(one.slug) !== one.login)) seen.three++;
        const { repeat } = repeatCommand(['app'], { projectName: 'acme' }, { developers, leavers: [], readers: [] });
        expect(parseTeam(wordAfter(wordsOf(repeat), '--team'))).toEqual(developers);
      }),
      { numRuns: 5_000 },
    );
    expect(seen.three, JSON.stringify(seen)).toBeGreaterThan(500);
  });

  test.each(warehouses.map(({ id }) => id))('gives the same files elsewhere: %s', async (warehouse) => {
    const rosters = fc
      .sample(fc.array(person, { minLength: 2, maxLength: 4 }), { numRuns: 60, seed: 8 })
      .map(csv)
      .filter((text) => teamOf(text) !== undefined);
    const fixed = 'slug,login,email\nana,aliu,ana.liu@acme.com\nbo,bo,\ncy,cy,c.y@acme.com\n';
    for (const text of [fixed, ...rosters.slice(0, 4)]) {
      const [here, elsewhere] = [emptyFolder(), path.join(emptyFolder(), path.basename(emptyFolder()))];
      const team = path.join(emptyFolder(), 'team.csv');
      writeFileSync(team, text);
      const needs = warehouse === 'bigquery' ? ['--database', 'acme-prod-1', '--email-domain', String(needsOf(warehouse).emailDomain)] : [];
      const said = await runBin(here, [
        '--yes',
        '--project-name',
        'acme',
        '--warehouse',
        warehouse,
        ...needs,
        '--readers',
        'looker, sam:reviews',
        '--team-file',
        team,
      ]);
      expect(said, text).toMatchObject({ status: 0 });
      const [, line = ''] = /without questions:\n {2}(.*)\n$/.exec(said.err) ?? [];
      expect(await runBin(elsewhere, wordsOf(line)), line).toMatchObject({ status: 0 });
      expect(tree(elsewhere)).toEqual(tree(here));
    }
  });

  const roster = (people: number) => ({
    developers: parseTeam(Array.from({ length: people }, (_, at) => `p${at}`).join('\n')),
    leavers: [],
    readers: parseReaders('bi'),
  });
  test('is one that every shell takes: a team that is too long for it stays in roster.yml', () => {
    for (const people of [1, 10, 500, 1_000, 1_100, 1_200, 1_300, 1_400, 2_000, 10_000]) {
      const { repeat, needsRoster } = repeatCommand(['app'], { projectName: 'acme' }, roster(people));
      expect(repeat.length).toBeLessThan(8_000 + 1);
      expect(needsRoster).toBe(!repeat.includes(' --team '));
      expect(needsRoster).toBe(people > 1_200);
    }
    expect(repeatCommand(['app'], { projectName: 'acme' }, roster(10_000)).repeat).toBe('npx generator-dbt-envs --yes --project-name acme');
  });

  test.each<[string, string, readonly string[]]>([
    ['of a team of ten thousand', Array.from({ length: 10_000 }, (_, at) => `p${at}`).join('\n'), []],
    ['of a team that somebody left', 'ana\nbo\ncy\n', ['--remove', 'bo']],
  ])('%s gives the same files beside a copy of roster.yml, and says that it takes one', async (_, people, edit) => {
    const [here, elsewhere] = [emptyFolder(), emptyFolder()];
    writeFileSync(path.join(here, 'people.txt'), people);
    const first = await runBin(here, ['grants', '--yes', '--project-name', 'acme', '--warehouse', 'postgres', '--readers', 'bi', '--team-file', 'people.txt']);
    const said = edit.length === 0 ? first : await runBin(here, ['roster', '--yes', ...edit]);
    expect(said).toMatchObject({ status: 0 });
    const [, line = ''] = /elsewhere, copy roster\.yml there first, which holds the people:\n {2}(.*)\n$/.exec(said.err) ?? [];
    const words = [...wordsOf(line)].map((word) => (word === 'roster' ? 'grants' : word));
    expect(await runBin(elsewhere, words)).toMatchObject({ status: 2, err: expect.stringContaining('--team') });
    copyFileSync(path.join(here, 'roster.yml'), path.join(elsewhere, 'roster.yml'));
    expect(await runBin(elsewhere, words)).toMatchObject({ status: 0 });
    const { 'people.txt': given, '.dbt-envs.lock': record, ...files } = tree(here);
    expect([given, record]).not.toContain(undefined);
    expect(tree(elsewhere)).toMatchObject(files);
    expect(await runBin(elsewhere, ['check'])).toMatchObject({ status: 0 });
  });
});
