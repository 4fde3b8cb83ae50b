import type { Document, Node, YAMLMap } from 'yaml';
import { yaml } from '../../yaml-package.ts';
import { CannotEdit, isEmpty, load, nodeAt, type ParsedPair, type Path, pairOf, snippetValue, valueIn, withValue } from './document.ts';
import { prove } from './prove.ts';
import { after, asFlow, columnOf, endOfValue, eolOf, indented, inFlow, insertion, isCollection, lineEndOf, type Splice } from './source.ts';

type Ways = readonly (readonly Splice[])[];

/**
 * Gives the key at the end of `path` the value `snippet` (YAML at column 0); keys on the way that are missing are made.
 * Every byte outside of that value stays, which is proved by parsing the outcome. Throws {@link CannotEdit}.
 */
export function setKey(text: string, path: Path, snippet: string): string {
  const document = load(text);
  const wanted = withValue(valueIn(document) ?? undefined, path, snippetValue(snippet));
  return prove(text, wanted, waysToSet(text, document, path, snippet.trimEnd()));
}

/** Where a value is, as {@link setKey} would take its place: its text at column 0; undefined where there is none. */
export function sourceAt(text: string, path: Path): string | undefined {
  const parent = nodeAt(load(text), path.slice(0, -1));
  const key = path.at(-1);
  const pair = yaml().isMap(parent) && key !== undefined ? pairOf(parent, key) : undefined;
  if (!pair?.value?.range) return undefined;
  const { from, until } = extentOf(text, pair, pair.value);
  return text.slice(from, until);
}

function waysToSet(text: string, document: Document.Parsed, path: Path, snippet: string): Ways {
  const { isMap, isAlias } = yaml();
  const way = path.slice(0, -1);
  const key = path.at(-1);
  if (typeof key !== 'string') throw new CannotEdit('the place is no key of a mapping');
  const parent = nodeAt(document, way);
  if (isAlias(parent)) throw new CannotEdit(`${way.join('.')} is the alias *${parent.source}`);
  if (isMap(parent)) {
    const pair = pairOf(parent, key);
    return pair ? waysToReplace(text, parent, pair, snippet) : waysToAdd(text, parent, key, snippet);
  }
  if (!isEmpty(parent)) throw new CannotEdit(`${way.length === 0 ? 'it' : way.join('.')} is no mapping`);
  if (way.length > 0) return waysToSet(text, document, way, pairText(key, snippet));
  const eol = eolOf(text);
  const isOpen = text === '' || text.endsWith('\n');
  return [[insertion(text.length, `${isOpen ? '' : eol}${indented(pairText(key, snippet), 0, eol)}${isOpen ? eol : ''}`)]];
}

function waysToAdd(text: string, map: YAMLMap, key: string, snippet: string): Ways {
  if (map.flow) return [inFlow(map, `${JSON.stringify(key)}: ${asFlow(snippet)}`)];
  const first = map.items[0]?.key;
  const column = yaml().isNode(first) && first.range ? columnOf(text, first.range[0]) : 0;
  return after(text, map, pairText(key, snippet), column);
}

function waysToReplace(text: string, map: YAMLMap, pair: ParsedPair, snippet: string): Ways {
  const { isAlias } = yaml();
  const { key, value } = pair;
  const name = text.slice(...(key.range ?? [0, 0]).slice(0, 2));
  if (isAlias(value)) throw new CannotEdit(`${name} is the alias *${value.source}`);
  if (value && 'anchor' in value && value.anchor) throw new CannotEdit(`${name} carries the anchor &${value.anchor}, which other places may use`);
  const wanted = snippetValue(snippet);
  if (map.flow) {
    if (!value?.range || value.range[0] === value.range[1]) throw new CannotEdit(`${name} has no value to replace`);
    return [[{ at: value.range[0], until: value.range[1], text: asFlow(snippet) }]];
  }
  const eol = eolOf(text);
  const colon = colonAfter(text, key);
  const column = columnOf(text, key.range?.[0] ?? 0);
  const body = isCollection(wanted) ? eol + indented(snippet, column + 2, eol) : ` ${snippet}`;
  if (!value?.range || value.range[0] === value.range[1]) {
    // A comment on the key's line stays there.
    return [[insertion(isCollection(wanted) ? lineEndOf(text, colon) : colon, body)], [insertion(colon, body)]];
  }
  const { from, until, isBelow } = extentOf(text, pair, value);
  const whole = { at: colon, until, text: body };
  if (!isCollection(wanted)) return [[whole]];
  if (isBelow) return [[{ at: from, until, text: body }], [whole]];
  return [[{ at: colon, until, text: '' }, insertion(lineEndOf(text, until), body)], [whole]];
}

/** From the end of the key's line, where the value stands below it; otherwise from the colon. Comments inside belong to it. */
function extentOf(text: string, { key }: ParsedPair, value: Node): { readonly from: number; readonly until: number; readonly isBelow: boolean } {
  const [start = 0] = value.range ?? [];
  const colon = colonAfter(text, key);
  const isBelow = text.slice(colon, start).includes('\n');
  return { from: isBelow ? lineEndOf(text, colon) : colon, until: endOfValue(text, value, columnOf(text, start)), isBelow };
}

const colonAfter = (text: string, key: Node): number => text.indexOf(':', key.range?.[1] ?? 0) + 1;

/** A key with its value, at column 0. */
export function pairText(key: string, snippet: string): string {
  const name = /^[A-Za-z_][\w-]*$/.test(key) && typeof snippetValue(key) === 'string' ? key : JSON.stringify(key);
  return isCollection(snippetValue(snippet)) ? `${name}:\n${indented(snippet, 2, '\n')}` : `${name}: ${snippet}`;
}
