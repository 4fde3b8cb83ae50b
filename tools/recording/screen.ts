/** A run of characters that look alike. */
export interface Run {
  readonly text: string;
  /** 0 to 7 as terminals number them, 8 to 15 the bright ones; absent: the ordinary one. */
  readonly colour?: number;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly underlined: boolean;
}

export type Line = readonly Run[];

interface Look {
  readonly colour: number | undefined;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly underlined: boolean;
}
interface Cell extends Look {
  readonly character: string;
}

const PLAIN: Look = { colour: undefined, bold: false, dim: false, underlined: false };
const ESCAPE = '\u001b';
const SEQUENCE = new RegExp(`^${ESCAPE}(?:\\[([0-9;?]*)([A-Za-z])|[78=>])`);

/**
 * What a terminal of this size shows after a text: cursor moves, erasing, colours, wrapping and scrolling, as far as
 * prompts use them (https://invisible-island.net/xterm/ctlseqs/ctlseqs.html). Throws at a sequence that it does not know.
 */
export class Screen {
  readonly #rows: number;
  readonly #columns: number;
  #cells: (Cell | undefined)[][] = [];
  #row = 0;
  #column = 0;
  #look = PLAIN;

  constructor(rows: number, columns: number) {
    this.#rows = rows;
    this.#columns = columns;
  }

  write(text: string): void {
    for (let at = 0; at < text.length; ) {
      const rest = text.slice(at, at + 40);
      const [sequence, parameters = '', final] = SEQUENCE.exec(rest) ?? [];
      if (sequence === undefined) {
        const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
        this.#put(character);
        at += character.length;
      } else {
        if (final !== undefined) this.#obey(parameters, final);
        at += sequence.length;
      }
    }
  }

  /** The lines from the top to the last that holds something. */
  lines(): readonly Line[] {
    const all = Array.from({ length: this.#rows }, (_, row) => runsOf(this.#cells[row] ?? []));
    return all.slice(0, all.findLastIndex((line) => line.length > 0) + 1);
  }

  #put(character: string): void {
    if (character === '\r') this.#column = 0;
    else if (character === '\n') this.#down();
    else if (character === '\b') this.#column = Math.max(0, this.#column - 1);
    else if (character === '\u0007') return;
    else if (character < ' ') throw new Error(`The screen does not know ${JSON.stringify(character)}.`);
    else {
      if (this.#column === this.#columns) {
        this.#column = 0;
        this.#down();
      }
      this.#line()[this.#column] = { character, ...this.#look };
      this.#column++;
    }
  }

  #line(): (Cell | undefined)[] {
    const line = this.#cells[this.#row] ?? [];
    this.#cells[this.#row] = line;
    return line;
  }

  #down(): void {
    if (this.#row < this.#rows - 1) this.#row++;
    else this.#cells = Array.from({ length: this.#rows }, (_, row) => this.#cells[row + 1] ?? []);
  }

  #obey(parameters: string, final: string): void {
    if (parameters.startsWith('?')) return; // the cursor's looks, and pasting in brackets
    const numbers = parameters.split(';').map(Number);
    const [first = 0] = numbers;
    const steps = Math.max(1, first);
    switch (final) {
      case 'A':
        this.#row = Math.max(0, this.#row - steps);
        break;
      case 'B':
        this.#row = Math.min(this.#rows - 1, this.#row + steps);
        break;
      case 'C':
        this.#column = Math.min(this.#columns - 1, this.#column + steps);
        break;
      case 'D':
        this.#column = Math.max(0, this.#column - steps);
        break;
      case 'G':
        this.#column = Math.min(this.#columns, steps) - 1;
        break;
      case 'J':
        this.#eraseBelow(first);
        break;
      case 'K':
        this.#eraseLine(first);
        break;
      case 'm':
        this.#look = numbers.reduce(painted, this.#look);
        break;
      default:
        throw new Error(`The screen does not know the sequence ESC [ ${parameters}${final}.`);
    }
  }

  #eraseBelow(what: number): void {
    if (what !== 0) throw new Error(`The screen does not erase ${what}.`);
    this.#cells = this.#cells.slice(0, this.#row + 1);
    this.#eraseLine(0);
  }

  #eraseLine(what: number): void {
    const line = this.#line();
    const [from, to] = what === 0 ? [this.#column, this.#columns] : what === 1 ? [0, this.#column + 1] : [0, this.#columns];
    for (let column = from; column < to; column++) line[column] = undefined;
  }
}

function painted(look: Look, number: number): Look {
  if (number === 0) return PLAIN;
  if (number === 1) return { ...look, bold: true };
  if (number === 2) return { ...look, dim: true };
  if (number === 4) return { ...look, underlined: true };
  if (number === 22) return { ...look, bold: false, dim: false };
  if (number === 24) return { ...look, underlined: false };
  if (number === 39) return { ...look, colour: undefined };
  if (number >= 30 && number <= 37) return { ...look, colour: number - 30 };
  if (number >= 90 && number <= 97) return { ...look, colour: number - 82 };
  throw new Error(`The screen does not know the colour ${number}.`);
}

function runsOf(cells: readonly (Cell | undefined)[]): Line {
  const runs: Run[] = [];
  const end = cells.findLastIndex((cell) => cell !== undefined && cell.character !== ' ') + 1;
  for (let column = 0; column < end; column++) {
    const { character, colour, ...look }: Cell = cells[column] ?? { character: ' ', ...PLAIN };
    const last = runs.at(-1);
    const isLike = last !== undefined && last.colour === colour && last.bold === look.bold && last.dim === look.dim && last.underlined === look.underlined;
    if (isLike) runs[runs.length - 1] = { ...last, text: last.text + character };
    else runs.push({ text: character, ...look, ...(colour !== undefined && { colour }) });
  }
  return runs;
}
