import { describe, expect, test } from 'vitest';
import { setMember } from '../../src/answers/json-member.ts';
import { PACKAGE, parseStored, printStored } from '../../src/answers/stored-answers.ts';
import { RunError } from '../../src/errors.ts';

const inFile = (ours: unknown): string => JSON.stringify({ [PACKAGE]: ours });
const message = (text: string): string => {
  try {
    parseStored(text);
  } catch (error) {
    if (error instanceof RunError) return error.message;
    throw error;
  }
  return 'no refusal';
};

test('answers and parts are read as they were printed', () => {
  const stored = { answers: { projectName: 'acme', devDays: '30' }, parts: ['grants'], adopted: true } as const;
  expect(parseStored(printStored(undefined, stored))).toEqual(stored);
});
test('null means unanswered', () =>
  expect(parseStored(inFile({ projectName: null, parts: null, adopted: null }))).toEqual({ answers: {}, parts: [], adopted: false }));
test('a file of other generators alone has nothing of ours', () => expect(parseStored('{"generator-node": {"x": 1}}')).toBeUndefined());

describe('what is wrong in it is one line that names the file and the way out', () => {
  test.each([
    ['conflict markers', '{\n<<<<<<< HEAD\n', /^\.yo-rc\.json holds conflict markers\. Finish the merge first; nothing was written\.$/],
    ['broken JSON', '{"generator-dbt-envs": {', /^\.yo-rc\.json is no JSON \(.*\)\. Repair it, or delete it/],
    ['an empty file', '', /is no JSON/],
    ['a list', '[]', /is no JSON object/],
    ['our entry as a text', inFile('app'), /has "generator-dbt-envs" that is no object/],
    ['an unknown answer', inFile({ warehose: 'x' }), /has an answer that nobody asked: There is no question "warehose"\. Did you mean warehouse\?/],
    ['a number', inFile({ devDays: 30 }), /has "devDays" that is no text\. Write it in quotes, e\.g\. "devDays": "30"/],
    ['a wrong answer', inFile({ warehouse: 'snowflke' }), /has a wrong answer for "warehouse": There is no warehouse "snowflke"/],
    ['the team', inFile({ team: 'ana' }), /has "team", which belongs in roster\.yml alone\. Delete that line/],
    ['the readers', inFile({ readers: 'looker' }), /belongs in roster\.yml alone/],
    ['an unknown part', inFile({ parts: ['grant'] }), /There is no part "grant"\. Did you mean grants\?/],
    ['parts that are no list', inFile({ parts: 'app' }), /has "parts" that is no list/],
    ['adopted as a text', inFile({ adopted: 'yes' }), /neither true nor false/],
  ])('%s', (_, text, expected) => {
    expect(message(text)).toMatch(expected);
    expect(message(text)).not.toContain('\n');
  });
});

describe('everything that is not ours stays, byte for byte', () => {
  const stored = { answers: { projectName: 'acme' }, parts: ['app'], adopted: false } as const;
  const other = '{\n\t"generator-node": { "big": 12345678901234567890, "x" : [1,2], "s": "}\\"{" },\n\t"generator-dbt-envs": {"old": [{}]},\n\t"z":1.0}\n';
  test('our entry is replaced in its place, with the file’s indentation', () =>
    expect(printStored(other, stored)).toBe(other.replace('{"old": [{}]}', '{\n\t\t"projectName": "acme",\n\t\t"parts": [\n\t\t\t"app"\n\t\t]\n\t}')));
  test('our entry is added after the others', () =>
    expect(setMember('{\n    "a": 1\n}\n', 'b', { c: 2 })).toBe('{\n    "a": 1,\n    "b": {\n        "c": 2\n    }\n}\n'));
  test('our entry is added to an empty object', () => expect(setMember('{}', 'b', 1)).toBe('{\n  "b": 1\n}'));
  test('CRLF stays', () => expect(setMember('{\r\n  "a": 1\r\n}\r\n', 'b', { c: 2 })).toBe('{\r\n  "a": 1,\r\n  "b": {\r\n    "c": 2\r\n  }\r\n}\r\n'));
  test('the last of two entries of one name is the one that counts', () => expect(JSON.parse(setMember('{"b": 1, "b": 2}', 'b', 3))).toEqual({ b: 3 }));
  test('a name with escapes is the name that it means', () => expect(setMember('{"\\u0062": 1}', 'b', 2)).toBe('{"\\u0062": 2}'));
});
