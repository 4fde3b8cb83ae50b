import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { binManner, helpText, yoManner } from '../../src/shell/help.ts';
import { allOptions, commandNames } from '../../src/shell/options.ts';
import { emptyFolder, runBin, tree } from '../support/command-line.ts';

describe.each([
  ['the bin', binManner],
  ['yo', yoManner],
])('help for %s', (_, manner) => {
  const lines = helpText(manner).split('\n');
  test.each(allOptions().map(({ flag }) => flag))('names --%s', (flag) =>
    expect(lines.some((line) => line.startsWith('  ') && new RegExp(`--${flag}( |$)`).test(line))).toBe(true),
  );
  test.each(manner.commands)('names the part %s', (name) => expect(lines.some((line) => line.startsWith(`  ${name} `))).toBe(true));
  test('fits into 100 columns', () => expect(lines.filter((line) => line.length > 100)).toEqual([]));
  test('ends with a line end', () => expect(lines.at(-1)).toBe(''));
});

test('yo has every command but completion, which yo gave up', () => {
  expect(yoManner.commands).toEqual(commandNames.filter((name) => name !== 'completion'));
  expect(readdirSync('generators').sort()).toEqual([...yoManner.commands].sort());
  expect(binManner.commands).toEqual(commandNames);
});

test('--help beats everything else, goes to standard output and writes nothing', async () => {
  const folder = emptyFolder();
  const { status, out, err } = await runBin(folder, ['grants', '--help', '--yes']);
  expect({ status, err }).toEqual({ status: 0, err: '' });
  expect(out).toBe(helpText(binManner));
  expect(tree(folder)).toEqual({});
});

test('--version prints the version alone', async () => {
  const { status, out } = await runBin(emptyFolder(), ['--version']);
  expect({ status, out }).toEqual({ status: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});
