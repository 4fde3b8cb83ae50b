import type { Node, YAMLSeq } from 'yaml';
import { yaml } from '../../yaml-package.ts';
import { CannotEdit, isEmpty, load, nodeAt, type Path, snippetValue, valueAt, valueIn, withValue } from './document.ts';
import { prove } from './prove.ts';
import { setKey } from './set-key.ts';
import { after, asFlow, columnOf, flowText, indented, inFlow, insertion, type Splice } from './source.ts';

/**
 * Adds `item` (YAML at column 0) to the list at `path`; makes the list where there is none, and one of two where a
 * single value stands. Every byte that is there stays. Throws {@link CannotEdit}.
 */
export function appendItem(text: string, path: Path, item: string): string {
  const { isAlias } = yaml();
  const document = load(text);
  const node = nodeAt(document, path);
  if (isAlias(node)) throw new CannotEdit(`${path.join('.')} is the alias *${node.source}`);
  if (isEmpty(node)) return setKey(text, path, itemText(item));
  const whole = valueIn(document);
  const before = valueAt(whole, path);
  const wanted = withValue(whole, path, [...(Array.isArray(before) ? before : [before]), snippetValue(item)]);
  return prove(text, wanted, waysToAppend(text, node, path, item));
}

/** Puts `item` in the place of the entry at `index` of the list at `path`. Throws {@link CannotEdit}. */
export function replaceItem(text: string, path: Path, index: number, item: string): string {
  const document = load(text);
  const node = nodeAt(document, [...path, index]);
  const wanted = withValue(valueIn(document), [...path, index], snippetValue(item));
  if (!yaml().isScalar(node) || !node.range || node.anchor) throw new CannotEdit(`entry ${index + 1} of ${path.join('.')} is no plain value`);
  return prove(text, wanted, [[{ at: node.range[0], until: node.range[1], text: asFlow(item) }]]);
}

function waysToAppend(text: string, node: Node, path: Path, item: string): readonly (readonly Splice[])[] {
  const { isSeq, isScalar } = yaml();
  if (isSeq(node)) {
    if (node.flow) return [inFlow(node, asFlow(item))];
    return after(text, node, itemText(item), dashColumn(text, node));
  }
  const [start, end] = node.range ?? [];
  if (!isScalar(node) || start === undefined || end === undefined || node.anchor || /^[|>]/.test(text.slice(start))) {
    throw new CannotEdit(`${path.join('.')} is neither a list nor a value on one line`);
  }
  const rest = `, ${asFlow(item)}]`;
  return [[insertion(start, '['), insertion(end, rest)], [{ at: start, until: end, text: `[${flowText(node.value)}${rest}` }]];
}

/** `- a: 1` with the lines that follow under it. */
const itemText = (item: string): string => `- ${indented(item.trimEnd(), 2, '\n').slice(2)}`;

const dashColumn = (text: string, list: YAMLSeq): number => columnOf(text, list.range?.[0] ?? 0);
