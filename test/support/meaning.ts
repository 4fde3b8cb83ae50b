import { Lexer } from '@actions/expressions';
import { parseSync, scanSync } from 'libpg-query';
import { parseAllDocuments } from 'yaml';
import { deadLinks, fences, headings, openFences, raggedTables, wrongFlowchart } from './markdown.ts';

/**
 * What a file says to whatever reads it: statements, keys, tokens, cells, with the values as leaves. Two files that
 * differ in a value alone have the same meaning but for that leaf. Throws where the reader cannot read it. SQL needs
 * `loadModule` of libpg-query first.
 */
export function meaningOf(path: string, text: string): unknown {
  if (/^grants\/.*\.sql$/.test(path)) return script(text);
  if (path.endsWith('.sql')) return jinjaPieces(text);
  if (/\.ya?ml$/.test(path)) return (['1.1', '1.2'] as const).map((version) => withCode(documents(text, version), path.includes('.github/')));
  if (path.endsWith('.json')) return JSON.parse(text);
  if (path.endsWith('.md')) return markdown(path, text);
  return text.split('\n');
}

/**
 * A script as PostgreSQL's parser reads it; one that it cannot read, as the words and literals of another dialect. A script for
 * PostgreSQL that an attack has spoiled has another shape then than the harmless one, and so another meaning.
 */
function script(text: string): unknown {
  try {
    return { statements: withoutPlaces(parseSync(text)), words: wordsOf(text) };
  } catch {
    return { pieces: sqlPieces(text) };
  }
}

/** Comments, literals, names in quotes and words of SQL; bodies in dollar quotes and literals with blanks in them once more. */
function sqlPieces(sql: string): readonly unknown[] {
  const pieces = sql.match(/--[^\n]*|\$\$[\s\S]*?\$\$|'(?:[^']|'')*'|"(?:[^"]|"")*"|[\w.@+-]+|\S/g) ?? [];
  return pieces.map((piece) => {
    if (piece.startsWith('$$')) return { body: sqlPieces(piece.slice(2, -2)) };
    return piece.startsWith("'") && /\s/.test(piece) ? { literal: sqlPieces(piece.slice(1, -1).replaceAll("''", "'")) } : piece;
  });
}

/** The same meaning with every mark in it replaced, in keys too: what a file with other values ought to say. */
export function replaced(meaning: unknown, marks: ReadonlyMap<string, string>): unknown {
  const anyMark = new RegExp([...marks.keys()].map((mark) => mark.replaceAll(/[^\w]/g, '\\$&')).join('|'), 'g');
  return replacedBy(meaning, marks, anyMark);
}

function replacedBy(meaning: unknown, marks: ReadonlyMap<string, string>, anyMark: RegExp): unknown {
  if (typeof meaning === 'string') return meaning.replaceAll(anyMark, (mark) => marks.get(mark) ?? mark);
  if (typeof meaning === 'number') {
    const value = marks.get(String(meaning));
    return value === undefined ? meaning : Number(value);
  }
  if (Array.isArray(meaning)) return meaning.map((one) => replacedBy(one, marks, anyMark));
  if (typeof meaning !== 'object' || meaning === null || meaning instanceof Date) return meaning;
  return Object.fromEntries(Object.entries(meaning).map(([key, value]) => [replacedBy(key, marks, anyMark), replacedBy(value, marks, anyMark)]));
}

/** The first place where two meanings part, and how; undefined where they are one. */
export function firstParting(one: unknown, other: unknown, place = ''): string | undefined {
  if (one instanceof Date && other instanceof Date) return firstParting(one.toISOString(), other.toISOString(), place);
  if (typeof one === 'object' && typeof other === 'object' && one !== null && other !== null && Array.isArray(one) === Array.isArray(other)) {
    const [mine, theirs] = [new Map(Object.entries(one)), new Map(Object.entries(other))];
    for (const key of new Set([...mine.keys(), ...theirs.keys()])) {
      if (!mine.has(key) || !theirs.has(key)) return `${place}/${key} is in one of the two`;
      const parting = firstParting(mine.get(key), theirs.get(key), `${place}/${key}`);
      if (parting !== undefined) return parting;
    }
    return undefined;
  }
  return Object.is(one, other) ? undefined : `${place} is ${JSON.stringify(one)}, not ${JSON.stringify(other)}`;
}

/** A statement's position in its file is no part of its meaning. */
function withoutPlaces(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(withoutPlaces);
  if (typeof tree !== 'object' || tree === null) return tree;
  return Object.fromEntries(
    Object.entries(tree).flatMap(([key, value]) => (/^(?:location|stmt_location|stmt_len|\w+_(?:start|end))$/.test(key) ? [] : [[key, withoutPlaces(value)]])),
  );
}

/** PostgreSQL's own words of a script, those inside of the bodies in dollar quotes and of literals included. In a sentence a keyword is a word like others. */
function wordsOf(sql: string, isSentence = false): unknown {
  const bytes = Buffer.from(sql);
  return scanSync(sql).tokens.map(({ start, end, tokenName }) => {
    const source = bytes.toString('utf8', start, end);
    const body = /^(\$\w*\$)([\s\S]*)\1$/.exec(source)?.[2] ?? (tokenName === 'SCONST' ? source.slice(1, -1).replaceAll("''", "'") : undefined);
    if (body === undefined || !/\s/.test(body)) return [isSentence && /^\w+$/.test(source) ? 'word' : tokenName, source];
    try {
      return [tokenName, wordsOf(body, tokenName === 'SCONST' && source.startsWith("'"))];
    } catch {
      return [tokenName, source]; // a sentence with an apostrophe
    }
  });
}

/** Expressions, statements, comments and strings of a template, and what stands between. dbt reads them with Jinja itself: test/full/injection.test.ts. */
const jinjaPieces = (text: string): readonly string[] => text.split(/(\{\{-?|-?\}\}|\{%-?|-?%\}|\{#-?|-?#\}|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\n)/);

function documents(text: string, version: '1.1' | '1.2'): readonly unknown[] {
  return parseAllDocuments(text, { version }).map((document) => {
    const [error] = document.errors;
    if (error) throw error;
    return document.toJS();
  });
}

/** Values that are code to dbt or to GitHub, as the words of that code. */
function withCode(value: unknown, isWorkflow: boolean, key = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => withCode(one, isWorkflow));
  if (value instanceof Date) return value;
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withCode(one, isWorkflow, name)]));
  if (typeof value !== 'string') return value;
  if (!isWorkflow) return /\{[{%#]/.test(value) ? { jinja: jinjaPieces(value) } : value;
  const expressions =
    key === 'if' ? [value.replace(/^\s*\$\{\{(.*)\}\}\s*$/s, '$1')] : [...value.matchAll(/\$\{\{(.*?)\}\}/gs)].map(([, inside = '']) => inside);
  return expressions.length === 0 ? value : { value, words: expressions.map((one) => new Lexer(one).lex().tokens.map(({ type, lexeme }) => [type, lexeme])) };
}

function markdown(path: string, text: string): unknown {
  const faults = [
    ...openFences(text),
    ...raggedTables(text),
    ...fences(text, 'mermaid').flatMap(wrongFlowchart),
    ...deadLinks(path, new Map([[path, text]])).filter((link) => link.includes('no such heading')),
  ];
  if (faults.length > 0) throw new Error(`${path}: ${faults.join('; ')}`);
  const lines = text.split('\n');
  return {
    headings: headings(text).map(({ level, title }) => [level, title]),
    code: [...text.matchAll(/`+[^`\n]*`+/g)].map(([span]) => span),
    fences: [...text.matchAll(/^ *```\w*$/gm)].map(([line]) => line),
    pictures: fences(text, 'mermaid').map((block) => block.split('\n')),
    links: [...text.matchAll(/!?\[[^\]\n]*\](?:\([^)\n]*\))?/g)].map(([link]) => link),
    tags: [...text.matchAll(/<[A-Za-z!/][^>\n]*>?/g)].map(([tag]) => tag),
    starred: [...text.matchAll(/\*{1,2}[^*\n]+\*{1,2}/g)].map(([span]) => span),
    tables: lines.filter((line) => line.trimStart().startsWith('|')).map((line) => line.split('|')),
    lines,
  };
}
