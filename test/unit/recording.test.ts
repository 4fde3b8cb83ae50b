import { describe, expect, test } from 'vitest';
import { Screen } from '../../tools/recording/screen.ts';
import { framesIn, recordingSvg } from '../../tools/recording/svg.ts';

const shown = (text: string, rows = 4, columns = 10): readonly string[] => {
  const screen = new Screen(rows, columns);
  screen.write(text);
  return screen.lines().map((line) => line.map((run) => run.text).join(''));
};

describe('a screen', () => {
  test.each([
    ['goes on in the next line where a line is full', '0123456789ab', ['0123456789', 'ab']],
    ['does not wrap before there is something to wrap', '0123456789\r\nab', ['0123456789', 'ab']],
    ['loses its first line when it is full', '1\r\n2\r\n3\r\n4\r\n5', ['2', '3', '4', '5']],
    ['writes over what is there', 'abc\rX', ['Xbc']],
    ['goes up, and to a column', 'abc\r\ndef\u001b[1A\u001b[2GX', ['aXc', 'def']],
    ['erases to the end of the line, and a whole line', 'abc\r\u001b[1C\u001b[K\r\ndef\u001b[2K', ['a']],
    ['erases what is below', 'abc\r\ndef\u001b[1A\r\u001b[J', []],
    ['shows no cursor, and no bell', '\u001b[?25la\u0007\u001b[?25h', ['a']],
  ])('%s', (_, text, lines) => expect(shown(text)).toEqual(lines));

  test('knows what is coloured', () => {
    const screen = new Screen(2, 20);
    screen.write('a\u001b[1;32mb\u001b[0mc\u001b[90md');
    expect(screen.lines()).toEqual([
      [
        expect.objectContaining({ text: 'a', bold: false }),
        expect.objectContaining({ text: 'b', bold: true, colour: 2 }),
        expect.objectContaining({ text: 'c', bold: false }),
        expect.objectContaining({ text: 'd', colour: 8 }),
      ],
    ]);
  });

  test.each(['\u001b[5S', '\u001b[38;5;7m', '\u001b[2J', '\t'])('refuses %j, which it does not know, instead of showing something else', (text) =>
    expect(() => shown(text)).toThrow(/does not/),
  );
});

describe('a drawing of it', () => {
  const screen = new Screen(3, 20);
  screen.write('a <b> & "c"');
  const first = { lines: screen.lines(), seconds: 1 };
  screen.write('\r\n\u001b[32mdone');
  const svg = recordingSvg('a title', [first, { lines: screen.lines(), seconds: 2 }], 3, 20);

  test('says what the frames said', () => expect(framesIn(svg)).toEqual([['a <b> & "c"'], ['a <b> & "c"', 'done']]));
  test('writes a line that stays once', () => expect(svg.match(/&lt;b&gt;/g)).toHaveLength(1));
  test('stands still at its end for whoever wants no movement', () => expect(svg).toMatch(/prefers-reduced-motion:reduce.*#f1\{visibility:visible\}/));
  test('fetches nothing and runs nothing', () => expect(svg).not.toMatch(/<script|@import|url\(|href="(?!#)/));
});
