import { eolOf } from './source.ts';

/** The lines of `wanted` that say something and that `text` lacks: comments and blank lines say nothing. */
export function missingLines(text: string, wanted: string): readonly string[] {
  const there = new Set(linesOf(text));
  return linesOf(wanted).filter((line) => !line.startsWith('#') && !there.has(line));
}

/** Adds those lines at the end, under a heading; what is there stays, line ends included. */
export function appendLines(text: string, wanted: string, heading: string): string {
  const missing = missingLines(text, wanted);
  if (missing.length === 0) return text;
  const eol = eolOf(text);
  const before = text === '' || text.endsWith('\n') ? '' : eol;
  const gap = text === '' ? '' : eol;
  return `${text}${before}${gap}${[heading, ...missing].map((line) => line + eol).join('')}`;
}

const linesOf = (text: string): readonly string[] =>
  text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
