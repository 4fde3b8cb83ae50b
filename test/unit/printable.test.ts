import { expect, test } from 'vitest';
import { colours } from '../../src/shell/ink.ts';
import { printable } from '../../src/shell/printable.ts';

test('what a terminal would obey is printed, not obeyed; our own colours are', () => {
  expect(printable('a\u001b[2J\u0007b\u202ec\u2028d\u009be')).toBe('a\\u001b[2J\\u0007b\\u202ec\\u2028d\\u009be');
  for (const ink of Object.values(colours)) expect(printable(ink('x'))).toBe(ink('x'));
  expect(printable('two\nlines\tand C:\\folder, "quoted", ü, 李')).toBe('two\nlines\tand C:\\folder, "quoted", ü, 李');
});
