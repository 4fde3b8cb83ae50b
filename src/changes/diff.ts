import type { Change } from './changes.ts';

const CONTEXT = 3;
/** Lines that a difference prints of each side, at most. */
const SHOWN = 200;

/**
 * A unified diff of one change, in linear time: what both sides begin and end with is left out, what lies between is
 * printed as removed and added. Long ones are cut, and say so. Control characters are made visible.
 */
export function diffOf(change: Change): string {
  switch (change.kind) {
    case 'created':
      return unified('/dev/null', change.path, '', change.contents);
    case 'updated':
      return unified(change.from ?? change.edit?.file ?? change.path, change.edit?.file ?? change.path, change.before, change.contents);
    case 'removed':
      return unified(change.path, '/dev/null', change.before, '');
    case 'conflict':
      if (change.cannot !== undefined) return `${change.cannot}\n${visible(change.theirs)}`;
      return unified(change.from ?? change.edit?.file ?? change.path, change.edit?.file ?? change.path, change.mine, change.theirs);
    case 'kept':
    case 'unchanged':
      return '';
  }
}

function unified(from: string, to: string, before: string, after: string): string {
  const old = linesOf(before);
  const young = linesOf(after);
  const head = `--- ${from === '/dev/null' ? from : `a/${from}`}\n+++ ${to === '/dev/null' ? to : `b/${to}`}\n`;
  const same = Math.min(old.length, young.length);
  let first = 0;
  while (first < same && old[first] === young[first]) first++;
  let last = 0;
  while (last < same - first && old.at(-1 - last) === young.at(-1 - last)) last++;
  if (first === old.length && first === young.length) return from === to ? '' : head;
  const start = Math.max(0, first - CONTEXT);
  const tail = Math.min(last, CONTEXT);
  const removed = old.slice(first, old.length - last);
  const added = young.slice(first, young.length - last);
  const context = first - start + tail;
  return [
    `${head}@@ -${range(start, removed.length + context)} +${range(start, added.length + context)} @@\n`,
    ...marked(' ', old.slice(start, first)),
    ...marked('-', removed),
    ...marked('+', added),
    ...marked(' ', old.slice(old.length - last, old.length - last + tail)),
  ].join('');
}

/** As diff prints it: an empty range begins on the line before. */
const range = (start: number, length: number): string => `${length === 0 ? start : start + 1},${length}`;

/** Every line with its end; the last may lack one. */
const linesOf = (text: string): readonly string[] => (text === '' ? [] : text.split(/(?<=\n)/));

function marked(mark: string, lines: readonly string[]): readonly string[] {
  const shown = lines
    .slice(0, SHOWN)
    .map((line) => (line.endsWith('\n') ? `${mark}${visible(line)}` : `${mark}${visible(line)}\n\\ No newline at end of file\n`));
  return lines.length <= SHOWN ? shown : [...shown, `${mark}... ${lines.length - SHOWN} more lines\n`];
}

/** A file may hold what a terminal would obey. Line ends are told apart by the file that is written, not here. */
const visible = (text: string): string =>
  text.replace(/\r(?=\n)/g, '').replace(/(?![\t\n])[\p{Cc}\ufeff]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
