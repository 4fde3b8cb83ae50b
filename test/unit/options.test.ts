import { describe, expect, test } from 'vitest';
import { ciProviders, warehouses } from '../../src/catalogue.ts';
import { UsageError } from '../../src/errors.ts';
import { partNames } from '../../src/plan.ts';
import { allQuestions, questionsFor } from '../../src/questions.ts';
import { parseFlags } from '../../src/shell/flags.ts';
import { allOptions, commandNames } from '../../src/shell/options.ts';
import { optionsPage } from '../../src/shell/options-page.ts';

test('every question is a flag, and no flag means two things', () => {
  const flags = allOptions().map(({ flag }) => flag);
  expect(allQuestions().filter(({ flag }) => !flags.includes(flag))).toEqual([]);
  expect(flags.filter((flag, at) => flags.indexOf(flag) !== at)).toEqual([]);
  expect(flags.filter((flag) => !/^[a-z]+(-[a-z]+)*$/.test(flag))).toEqual([]);
});

test('every part can be typed', () => expect(commandNames).toEqual(expect.arrayContaining([...partNames])));

test.each(warehouses.flatMap(({ id: warehouse }) => ciProviders.map(({ id: ci }) => [warehouse, ci])))(
  '%s with %s asks at most seven questions',
  (warehouse, ci) => expect(questionsFor({ warehouse, ci }).filter(({ asked }) => asked).length).toBeLessThanOrEqual(7),
);

test('docs/options.md is made from the table', async () => {
  await expect(optionsPage()).toMatchFileSnapshot('../../docs/options.md');
});

describe('flags', () => {
  const parse = (...words: string[]) => parseFlags(words, allOptions());

  test.each([
    [['--team', 'ana, bo'], 'ana, bo'],
    [['--team=ana, bo'], 'ana, bo'],
    [['--team=a=b, c'], 'a=b, c'],
    [['--team='], ''],
    [['grants', '--yes', '--team', 'ana'], 'ana'],
  ])('%j gives a team', (words, team) => expect(parse(...words).values.get('team')).toBe(team));

  test('a word that has to follow is kept apart', () => expect(parse('explain', '--json', 'a/b')).toMatchObject({ command: 'explain', operand: 'a/b' }));
  test('help needs no word', () => expect(parse('explain', '--help').command).toBe('explain'));
  test('a short flag is the long one', () => expect([...parse('-y').switches]).toEqual(['yes']));
  test('an empty value is a value', () => expect(parse('--readers', '').values.get('readers')).toBe(''));

  test.each([
    [['--warehous', 'x'], 'There is no flag --warehous. Did you mean --warehouse?'],
    [['--dry'], 'There is no flag --dry. Did you mean --dry-run?'],
    [['-x'], 'There is no flag -x. See --help.'],
    [['--ci'], /^--ci needs a value: --ci /],
    [['--ci', '--yes'], /^--ci needs a value/],
    [['--yes', '--yes'], '--yes is given twice. Give it once.'],
    [['--team', 'a', '--team=b'], '--team is given twice. Give it once.'],
    [['--yes=no'], '--yes takes no value, and "no" was given. Write --yes alone.'],
    [['grant'], 'There is no part "grant". Did you mean grants?'],
    [['zzz'], /^There is no part "zzz"\. Choose one of: app, /],
    [['grants', 'ci'], /^One part at a time: "ci" after grants is too many/],
    [['--', 'grants', 'ci'], /^One part at a time/],
    [['completion'], 'completion needs a shell: completion bash|zsh|fish, e.g. completion bash.'],
    [['completion', 'bsh'], 'There is no shell "bsh". Did you mean bash?'],
    [['completion', 'powershell'], 'There is no shell "powershell". Choose one of: bash, zsh, fish.'],
    [['completion', 'bash', 'zsh'], 'One shell at a time: "zsh" after bash is too many.'],
    [['completion', 'bash', '--yes'], '--yes has no meaning for completion. Leave it out.'],
    [['explain'], 'explain needs a path: explain PATH, e.g. explain profiles.yml.'],
    [['explain', 'a', '--team', 'ana'], '--team has no meaning for explain. Leave it out.'],
    [['explian', 'a'], 'There is no part "explian". Did you mean explain?'],
  ])('%j is refused', (words, message) => {
    const refusal = (): unknown => parse(...words);
    expect(refusal).toThrow(UsageError);
    expect(refusal).toThrow(message);
  });
});
