import type { Document, Node, YAMLMap } from 'yaml';
import { yaml } from '../../yaml-package.ts';

/** A text cannot be edited without risk to something else in it. The message says why, without a full stop. */
export class CannotEdit extends Error {}

/** The way to a value: keys of mappings, and positions in lists. */
export type Path = readonly (string | number)[];

/** As dbt reads it: PyYAML speaks YAML 1.1, merge keys included. Large numbers keep every digit. */
const AS_DBT = { version: '1.1', merge: true, intAsBigInt: true, prettyErrors: false, logLevel: 'silent' } as const;

/** The last few texts: several edits of one file look at the same ones. Nobody changes a document. */
const loaded = new Map<string, Document.Parsed>();
const REMEMBERED = 4;

/** The one document that a text holds. Throws {@link CannotEdit} for several, and for what is no YAML. */
export function load(text: string): Document.Parsed {
  const document = loaded.get(text) ?? parsed(text);
  loaded.delete(text);
  loaded.set(text, document);
  for (const oldest of loaded.keys()) if (loaded.size > REMEMBERED) loaded.delete(oldest);
  return document;
}

function parsed(text: string): Document.Parsed {
  const [document, ...more] = yaml().parseAllDocuments(text, AS_DBT);
  if (more.length > 0) throw new CannotEdit('it holds several YAML documents');
  if (document === undefined || !('contents' in document)) return yaml().parseDocument('', AS_DBT);
  const [error] = document.errors;
  if (error) throw new CannotEdit(`line ${text.slice(0, error.pos[0]).split('\n').length} is no valid YAML (${error.message})`);
  return document;
}

/** The value of a snippet of ours. */
export const snippetValue = (snippet: string): unknown => yaml().parse(snippet, AS_DBT);

/** The document's value, in which no two places share an object: a change through an anchor shows as two. */
export function valueIn(document: Document.Parsed): unknown {
  try {
    return unshared(document.toJS());
  } catch (error) {
    if (error instanceof CannotEdit) throw error;
    throw new CannotEdit(error instanceof Error ? error.message : String(error)); // an alias to nothing, or far too many
  }
}

function unshared(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unshared);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof Map || value instanceof Set) throw new CannotEdit('it uses !!set or !!omap');
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unshared(inner)]));
}

export function same(a: unknown, b: unknown): boolean {
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((inner, at) => same(inner, b[at]));
  }
  if (!isRecord(a) || !isRecord(b)) return Object.is(a, b);
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** A copy of the document's value in which the place at `path` holds `value`; mappings on the way are made. Throws {@link CannotEdit}. */
export function withValue(whole: unknown, path: Path, value: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value;
  if (typeof step === 'number') {
    if (!Array.isArray(whole) || step >= whole.length) throw new CannotEdit(`there is no entry ${step + 1}`);
    return whole.map((inner: unknown, at) => (at === step ? withValue(inner, rest, value) : inner));
  }
  if (whole !== undefined && whole !== null && !isRecord(whole)) throw new CannotEdit(`what holds "${step}" is no mapping`);
  return { ...whole, [step]: withValue(whole?.[step], rest, value) };
}

export function valueAt(whole: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, step) => {
    if (typeof step === 'number') return Array.isArray(at) ? at[step] : undefined;
    return isRecord(at) && Object.hasOwn(at, step) ? at[step] : undefined;
  }, whole);
}

/** A key of a mapping with its value, and where both stand. */
export interface ParsedPair {
  readonly key: Node;
  readonly value: Node | null;
}

export function pairOf(map: YAMLMap, name: string | number): ParsedPair | undefined {
  const { isScalar, isNode } = yaml();
  for (const { key, value } of map.items) {
    if (isScalar(key) && String(key.value) === String(name)) return { key, value: isNode(value) ? value : null };
  }
  return undefined;
}

/** The node at `path`; where an alias stands in the way, that alias; undefined where the path ends early. */
export function nodeAt(document: Document.Parsed, path: Path): Node | null | undefined {
  const { isMap, isSeq, isAlias, isNode } = yaml();
  let node: Node | null | undefined = document.contents;
  for (const step of path) {
    if (isAlias(node)) return node;
    if (isMap(node)) node = pairOf(node, step)?.value;
    else if (isSeq(node) && typeof step === 'number') {
      const item: unknown = node.items[step];
      node = isNode(item) ? item : undefined;
    } else return undefined;
  }
  return node;
}

/** Nothing was written there: `outputs:` with no value. */
export const isEmpty = (node: Node | null | undefined): node is null | undefined | Node =>
  node === null || node === undefined || (yaml().isScalar(node) && node.value === null);
