import type { Node } from 'yaml';
import { yaml } from '../../yaml-package.ts';
import { isRecord, snippetValue } from './document.ts';

/** A piece of the text that another takes the place of. */
export interface Splice {
  readonly at: number;
  readonly until: number;
  readonly text: string;
}
export const insertion = (at: number, text: string): Splice => ({ at, until: at, text });

export const eolOf = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n');

/** How far a place is from the beginning of its line; a byte order mark takes no room. */
export function columnOf(text: string, at: number): number {
  const line = text.lastIndexOf('\n', at - 1) + 1;
  return at - line - (line === 0 && text.startsWith('\uFEFF') ? 1 : 0);
}

/** The end of the line's text, before its line end. */
export function lineEndOf(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  if (end < 0) return text.length;
  return end > at && text[end - 1] === '\r' ? end - 1 : end;
}

/** Where a range ends without the white space at its end. */
export const trimmedEnd = (text: string, from: number, to: number): number => from + text.slice(from, to).trimEnd().length;

/** A block at column 0, moved to the right; empty lines stay empty. */
export const indented = (block: string, by: number, eol: string): string =>
  block
    .replace(/\n$/, '')
    .split('\n')
    .map((line) => (line === '' ? line : ' '.repeat(by) + line))
    .join(eol);

/** A piece of the text as it would stand at column 0, with LF and without the white space around it. */
export function dedented(piece: string): string {
  const lines = piece
    .replaceAll('\r\n', '\n')
    .replace(/^[ \t]*\n/, '')
    .trimEnd()
    .split('\n');
  const margins = lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  const margin = Math.min(...margins, Number.MAX_SAFE_INTEGER);
  return lines
    .map((line) => line.slice(margin))
    .join('\n')
    .trim();
}

/** A snippet as it may stand inside of brackets: a plain value as it is written, everything else on one line. */
export function asFlow(snippet: string): string {
  const value = snippetValue(snippet);
  return isCollection(value) || /[,[\]{}#\n]|: /.test(snippet) ? flowText(value) : snippet.trim();
}

/** A value on one line, as YAML and JSON both read it. */
export function flowText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flowText).join(', ')}]`;
  if (isRecord(value)) {
    const members = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}: ${flowText(inner)}`);
    return `{${members.join(', ')}}`;
  }
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}

export const isCollection = (value: unknown): boolean => Array.isArray(value) || isRecord(value);

/** The end of the last thing that a block says: comments and blank lines after it are left out. */
export function endOfContent(text: string, node: Node | null | undefined): number | undefined {
  const { isMap, isSeq, isNode } = yaml();
  if (isMap(node) && !node.flow) {
    const last = node.items.at(-1);
    if (!last) return undefined;
    const ends = isNode(last.value) ? endOfContent(text, last.value) : undefined;
    const key = isNode(last.key) ? last.key.range?.[1] : undefined;
    return ends ?? (key === undefined ? undefined : text.indexOf(':', key) + 1);
  }
  if (isSeq(node) && !node.flow) {
    const last: unknown = node.items.at(-1);
    return isNode(last) ? endOfContent(text, last) : undefined;
  }
  return node?.range ? trimmedEnd(text, node.range[0], node.range[1]) : undefined;
}

/** The end of a value together with the comments that stand in it, at its own depth. `column`: where its lines begin. */
export function endOfValue(text: string, node: Node, column: number): number {
  const { isMap, isSeq, isScalar } = yaml();
  const content = endOfContent(text, node) ?? node.range?.[1] ?? 0;
  if (isScalar(node) || ((isMap(node) || isSeq(node)) && node.flow)) return content;
  return endOfComments(text, lineEndOf(text, content), column);
}

/** The end of the last comment that stands at least that deep, among the comments and blank lines that follow. */
function endOfComments(text: string, lineEnd: number, depth: number): number {
  let end = lineEnd;
  for (let at = nextLine(text, lineEnd); at < text.length; at = nextLine(text, lineEndOf(text, at))) {
    const line = text.slice(at, lineEndOf(text, at));
    if (line.trim() === '') continue;
    if (!line.trimStart().startsWith('#') || line.length - line.trimStart().length < depth) break;
    end = at + line.trimEnd().length;
  }
  return end;
}

const nextLine = (text: string, end: number): number => {
  const line = text.indexOf('\n', end);
  return line < 0 ? text.length : line + 1;
};

/**
 * Lines at `column`, after a block: right after what it says last and the deeper comments on that; or, where that would
 * change a value (`|+` owns its blank lines), at its very end.
 */
export function after(text: string, node: Node, lines: string, column: number): readonly (readonly Splice[])[] {
  const eol = eolOf(text);
  const block = indented(lines, column, eol);
  const last = node.range?.[1] ?? text.length;
  const content = endOfContent(text, node) ?? trimmedEnd(text, node.range?.[0] ?? 0, last);
  const tight = endOfComments(text, lineEndOf(text, content), column + 1);
  const head = text.slice(0, last).endsWith('\n') ? '' : eol;
  return [[insertion(tight, eol + block)], [insertion(last, head + block + eol)]];
}

/** One more member of a `{...}` or `[...]`. */
export function inFlow(node: Node, member: string): readonly Splice[] {
  const { isMap, isSeq, isPair, isNode } = yaml();
  const items: readonly unknown[] = isMap(node) || isSeq(node) ? node.items : [];
  const last = items.at(-1);
  const value = isPair(last) ? (isNode(last.value) && last.value.range ? last.value : last.key) : last;
  const end = isNode(value) ? value.range?.[1] : undefined;
  return [end === undefined ? insertion((node.range?.[0] ?? 0) + 1, member) : insertion(end, `, ${member}`)];
}
