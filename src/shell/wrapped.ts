/** A text in lines of at most `width` characters; a longer word has a line of its own. */
export const wrapped = (text: string, width: number): readonly string[] => filled(text.split(' '), width);

/**
 * A line of the report for a terminal that is `width` columns wide: `head`, then the text, whose further lines begin
 * below its first. What may be copied stays in one piece, even where it is longer than a line: a command, a flag with
 * its value, whatever stands in double quotes. Lines after the text's first are to be pasted, and stay as they are.
 * Without a width, or with one below {@link NARROWEST}, nothing is broken.
 */
export function hung(head: string, text: string, width: number | undefined): readonly string[] {
  const [sentence = '', ...verbatim] = text.split('\n');
  const indent = columnsOf(head);
  if (width === undefined || width < NARROWEST || indent + columnsOf(sentence) <= width) return [head + sentence, ...verbatim];
  const lines = filled(pieces(sentence), width - indent).map((line, at) => (at === 0 ? head : ' '.repeat(indent)) + line);
  return [...lines, ...verbatim];
}

/** Below this, lines of our own would be harder to read than the terminal's. */
export const NARROWEST = 40;

function filled(words: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    if (line !== '' && columnsOf(line) + 1 + columnsOf(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

const COLOUR = new RegExp(`${String.fromCharCode(27)}\\[[0-9]+m`, 'g');
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** The columns that a text takes: none for a colour, two for a character of East Asia. */
function columnsOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  return [...text.replace(COLOUR, '')].reduce((sum, character) => sum + (WIDE.test(character) ? 2 : 1), 0);
}

const COMMAND = /^\(?(?:npx|yo|dbt-envs|python|git|pip)$/;

/** Words, but for what has to stay together: a command goes on to the next mark of punctuation. */
function pieces(text: string): readonly string[] {
  const found: string[] = [];
  const isBalanced = (text.split('"').length - 1) % 2 === 0;
  let quoted = false;
  let command = false;
  let before = '';
  for (const word of text.split(' ')) {
    const isValue = before.startsWith('--') && word.startsWith('"');
    if (quoted || command || isValue || before === 'dbt') found.push(`${found.pop() ?? ''} ${word}`);
    else found.push(word);
    if (isBalanced && (word.split('"').length - 1) % 2 === 1) quoted = !quoted;
    command = (command && (quoted || !/[,.;:)]$/.test(word))) || COMMAND.test(word);
    before = word;
  }
  return found;
}
