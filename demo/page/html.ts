import type { Table } from '../stage.ts';

/** Text on the page: nothing in it is markup, and nothing in it is invisible. */
export const text = (raw: string): string =>
  raw.replace(/[^\P{C}\t\n]/gu, (hidden) => `\\u{${hidden.codePointAt(0)?.toString(16)}}`).replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);

/** A cell, as HTML; `kind` says in what way it is to be coloured, beside its words. */
export interface Cell {
  readonly html: string;
  readonly kind?: 'done' | 'refused';
}

/**
 * A table that becomes a list of cards on a narrow screen, where each cell carries the heading of its column. The roles stay
 * what they are there: a browser forgets them with `display: block` (w3.org/WAI/ARIA/apg/patterns/table).
 */
export function tableOf(caption: string, heading: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const head = heading.map((title) => `<th role="columnheader" scope="col">${text(title)}</th>`).join('');
  const body = rows.map((cells) => `<tr role="row">${cells.map((cell, at) => cellOf(cell, at, heading[at] ?? '')).join('')}</tr>`).join('\n');
  return `<table role="table"><caption>${text(caption)}</caption><thead role="rowgroup"><tr role="row">${head}</tr></thead><tbody role="rowgroup">\n${body}\n</tbody></table>`;
}

function cellOf({ html, kind }: Cell, at: number, title: string): string {
  const label = title === '' ? '' : `<span class="label">${text(title)}</span>`;
  if (at === 0) return `<th role="rowheader" scope="row">${label}<span>${html}</span></th>`;
  return `<td role="cell"${kind === undefined ? '' : ` class="${kind}"`}>${label}<span>${html}</span></td>`;
}

export const plainTable = (caption: string, { heading, rows }: Table): string =>
  tableOf(
    caption,
    heading,
    rows.map((row) => row.map((cell) => ({ html: text(cell) }))),
  );
