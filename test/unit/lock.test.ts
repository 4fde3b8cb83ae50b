import { expect, test } from 'vitest';
import { fileOf, parseLock, printLock } from '../../src/changes/lock.ts';

const a = 'a'.repeat(64);
const b = 'b'.repeat(64);

test('a record is read as it was printed', () => {
  const lock = new Map([
    ['z.md', new Set([a])],
    ['profiles.yml#acme.outputs.ci', new Set([a])],
    ['docs/a b.md', new Set(['yours'])],
  ]);
  expect(parseLock(printLock(lock))).toEqual(lock);
});

test('it is sorted by path, so that branches merge line by line', () => {
  const lock = new Map([
    ['b', new Set([b, a])],
    ['a', new Set(['yours'])],
  ]);
  expect(printLock(lock).split('\n').slice(1)).toEqual(['yours a', `${a} b`, `${b} b`, '']);
});

test('what a merge made of it is read: markers and comments are passed over, and both hashes are ours', () => {
  const lock = parseLock(`# header\n<<<<<<< HEAD\n${a} f\n=======\n${b} f\n>>>>>>> branch\n${a} g\n`);
  expect(lock.get('f')).toEqual(new Set([a, b]));
  expect([...lock.keys()]).toEqual(['f', 'g']);
});

test('CRLF is read like LF', () => expect(parseLock(`${a} f\r\nyours g\r\n`)).toEqual(parseLock(`${a} f\nyours g\n`)));

test('a line that is neither a hash nor yours says nothing', () => expect(parseLock(`abc f\n${a}\n${a}  f\nours f\n${a.toUpperCase()} f\n`).size).toBe(0));

const FOREIGN = [
  '/etc/hostname',
  '../../../../x',
  '../..',
  '..',
  '.',
  'a/../../b',
  'a//b',
  'a/./b',
  'a/',
  'C:/x',
  'c:\\x',
  'a\\b',
  'a\0b',
  'a\u001bb',
  'a\u0085b',
  `${'x'.repeat(300)}`,
  `${'x/'.repeat(3000)}y`,
  '/etc/passwd#acme.target',
];
test.each(FOREIGN.map((path) => [JSON.stringify(path).slice(0, 30), path] as const))('a line about %s, which no plan has, says nothing', (_, path) => {
  const lock = parseLock(`${a} ${path}\n${a} ../../f\n${b} profiles.yml#a.b/../c\n`, 2);
  expect([...lock.keys()]).toEqual(['../../f', 'profiles.yml#a.b/../c']);
});

test('how far upward a plan reaches is where a line may lead', () => {
  const text = `${a} f\n${a} ../g\n${a} ../../h\n`;
  expect([0, 1, 2].map((above) => parseLock(text, above).size)).toEqual([1, 2, 3]);
});

test('an edit is about its file', () => {
  expect(fileOf('profiles.yml#acme.outputs.ci')).toBe('profiles.yml');
  expect(fileOf('../.github/x.yml')).toBe('../.github/x.yml');
});
