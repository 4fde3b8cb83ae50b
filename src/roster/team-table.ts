import { NameError, shown } from '../names.ts';

/** What a table of people may have, in any order; case, `-`, `_` and blanks do not count: `E-Mail` is `email`. */
const COLUMNS = ['name', 'email', 'slug', 'login'] as const;
export type Column = (typeof COLUMNS)[number];

const SEPARATORS = [',', ';', '\t'] as const;
export type Separator = (typeof SEPARATORS)[number];

/** The cells of one line, without the blanks around them; `line` counts from 1. */
export interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}
export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly Row[];
}

/**
 * The table that a text is: its first line names at least one of our columns. Undefined for any other text. Throws
 * {@link NameError} for a column that is none of ours and for one that is there twice: a cell that is read as something
 * else than it says would be somebody else's name or login.
 */
export function tableIn(text: string): Table | undefined {
  const separator = separatorOf(/^.*[^\s,;"].*$/m.exec(text)?.[0] ?? '');
  if (separator === undefined) return undefined;
  const [header, ...rows] = rowsOf(text, separator).map(({ line, cells }) => ({ line, cells: withoutEmptyEnd(cells) }));
  const columns = columnsOf(header?.cells ?? []);
  for (const { line, cells } of rows) {
    if (cells.length > columns.length)
      throw new NameError(
        `line ${line}: "${shown(cells.join(separator))}" has ${cells.length} cells, the header ${columns.length}. Write a cell that holds a comma in "quotes".`,
      );
  }
  return { columns, rows };
}

/** Spreadsheets of many countries write ; where others write a comma, and a copied range has tabs. */
function separatorOf(line: string): Separator | undefined {
  const known = (separator: Separator): number => line.split(separator).filter((cell) => columnLike(cell) !== undefined).length;
  const [best] = SEPARATORS.map((separator) => ({ separator, known: known(separator) })).sort((a, b) => b.known - a.known);
  return best !== undefined && best.known > 0 ? best.separator : undefined;
}

function columnLike(cell: string): Column | undefined {
  const plain = cell.toLowerCase().replace(/["\s_-]/g, '');
  return COLUMNS.find((column) => column === plain);
}

function columnsOf(header: readonly string[]): readonly Column[] {
  const columns = header.map((cell) => {
    const column = columnLike(cell);
    if (column !== undefined) return column;
    throw new NameError(
      `The first line names the column "${shown(cell)}", and a team has no other than name, email, slug and login. Write one of these in its place, or delete the column.`,
    );
  });
  const twice = columns.find((column, at) => columns.indexOf(column) !== at);
  if (twice !== undefined) throw new NameError(`The first line names the column "${twice}" twice. Name it once.`);
  return columns;
}

/** Spreadsheets write the empty cells beside a table too. */
function withoutEmptyEnd(cells: readonly string[]): readonly string[] {
  return cells.slice(0, cells.findLastIndex((cell) => cell !== '') + 1);
}

/** The lines of a text that are not empty, as cells, with "quoted, cells" and doubled quotes (RFC 4180). Throws {@link NameError}. */
export function rowsOf(text: string, separator: Separator): readonly Row[] {
  const rows: Row[] = [];
  let cells: string[] = [];
  let cell = '';
  let line = 1;
  let begun = line;
  let quotedSince: number | undefined;
  const endCell = (): void => {
    cells.push(cell.trim());
    cell = '';
  };
  const endRow = (): void => {
    endCell();
    if (cells.some((one) => one !== '')) rows.push({ line: begun, cells });
    cells = [];
  };
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    const endsLine = char === '\n' || (char === '\r' && text[at + 1] !== '\n');
    if (endsLine) line++;
    if (quotedSince !== undefined) {
      if (char === '"' && text[at + 1] === '"') {
        cell += '"';
        at++;
      } else if (char === '"') quotedSince = undefined;
      else cell += char;
    } else if (char === '"' && cell.trim() === '') {
      quotedSince = line;
      cell = '';
    } else if (char === separator) endCell();
    else if (endsLine) {
      endRow();
      begun = line;
    } else cell += char;
  }
  if (quotedSince !== undefined)
    throw new NameError(`${line === 1 ? '' : `line ${quotedSince}: `}A quote is not closed near "${shown(cell)}". Close it, or leave it out.`);
  endRow();
  return rows;
}
