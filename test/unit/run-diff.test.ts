import { describe, expect, test } from 'vitest';
import type { Change } from '../../src/changes/changes.ts';
import { diffOf } from '../../src/changes/diff.ts';

const updated = (before: string, contents: string): Change => ({ kind: 'updated', path: 'f', before, contents });
const numbered = (from: number, to: number): string => Array.from({ length: to - from }, (_, at) => `line ${from + at}\n`).join('');

describe('a difference', () => {
  test('shows what is between the lines that stay, with three lines around it', () =>
    expect(diffOf(updated('1\n2\n3\n4\n5\n6\n7\n8\n9\n', '1\n2\n3\n4\nfive\n6\n7\n8\n9\n'))).toBe(
      '--- a/f\n+++ b/f\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n',
    ));
  test('of a new file is all of it', () =>
    expect(diffOf({ kind: 'created', path: 'f', contents: 'a\nb\n' })).toBe('--- /dev/null\n+++ b/f\n@@ -0,0 +1,2 @@\n+a\n+b\n'));
  test('of a removed file is all of it', () =>
    expect(diffOf({ kind: 'removed', path: 'f', before: 'a\n' })).toBe('--- a/f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n'));
  test('of a conflict is from yours to ours', () => expect(diffOf({ kind: 'conflict', path: 'f', mine: 'm\n', theirs: 't\n' })).toContain('-m\n+t\n'));
  test('names both paths of a move, even where nothing else changes', () =>
    expect(diffOf({ kind: 'updated', path: 'n', from: 'o', before: 'a\n', contents: 'a\n' })).toBe('--- a/o\n+++ b/n\n'));
  test('says that the last line has no end', () => expect(diffOf(updated('a', 'a\n'))).toContain('-a\n\\ No newline at end of file\n+a\n'));
  test('of what cannot be edited is why, and what to paste', () =>
    expect(diffOf({ kind: 'conflict', path: 'f#a', mine: 'm', theirs: 'a: 1\n', cannot: 'f cannot be edited:' })).toBe('f cannot be edited:\na: 1\n'));
  test('of what does not change is empty', () => expect(diffOf({ kind: 'unchanged', path: 'f' })).toBe(''));
  test('shows control characters instead of sending them to the terminal', () =>
    expect(diffOf(updated('', '\u001b[31mred\u0007\ttab\n'))).toContain('+\\u001b[31mred\\u0007\ttab\n'));
});

describe('a long difference', () => {
  test('is cut, and says by how much', () => {
    const lines = diffOf(updated(numbered(0, 10_000), numbered(20_000, 30_000))).split('\n');
    expect(lines.length).toBeLessThan(500);
    expect(lines.filter((line) => line.includes('9800 more lines'))).toEqual(['-... 9800 more lines', '+... 9800 more lines']);
  });
  test('takes time that grows with its length alone', () => {
    const took = (lines: number): number => {
      const [before, after] = [numbered(0, lines), numbered(lines, 2 * lines)];
      const start = performance.now();
      diffOf(updated(before, after));
      return performance.now() - start;
    };
    took(1_000);
    expect(took(100_000)).toBeLessThan(2_000);
  });
});
