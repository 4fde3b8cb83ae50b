import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { python } from './dbt.ts';

/** What GitHub's own parser makes of a document, flat: every tag, comment, text and table row, and what each stands in. */
export interface Rendered {
  readonly tags: readonly { readonly tag: string; readonly attributes: Readonly<Record<string, string | null>>; readonly within: readonly string[] }[];
  readonly comments: readonly string[];
  readonly texts: readonly { readonly text: string; readonly within: readonly string[] }[];
  readonly rows: readonly { readonly cells: readonly string[]; readonly folded: boolean }[];
}

/** Renders documents with cmark-gfm. Throws where it does not run. */
export const renderAll = (documents: readonly string[]): Promise<readonly Rendered[]> => read(documents);

/** What an HTML parser makes of pages. */
export const parseAll = (pages: readonly string[]): Promise<readonly Rendered[]> => read(pages, '--html');

async function read(documents: readonly string[], ...how: readonly string[]): Promise<readonly Rendered[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-markdown-'));
  try {
    const file = path.join(folder, 'documents.json');
    writeFileSync(file, JSON.stringify(documents));
    const { code, output } = await python(folder, [fileURLToPath(new URL('github-markdown.py', import.meta.url)), file, ...how], { python: 'tools' });
    if (code !== 0) throw new Error(output);
    return JSON.parse(output);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const TAGS = new Set(['h3', 'p', 'strong', 'code', 'pre', 'ul', 'li', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'details', 'summary']);
const ATTRIBUTES = new Set(['align', 'lang']);
/** What GitHub turns into links after Markdown, in all text that is not code: docs.github.com, "Autolinked references and URLs", "Mentioning people and teams". */
const OBEYED: Readonly<Record<string, RegExp>> = {
  'a mention': /@[a-z0-9]/i,
  'a reference to an issue': /#\d|\bGH-\d/i,
  'an address': /:\/\/|\bwww\.|[\w.]@[\w.]/i,
  'a commit': /\b(?=[a-f]*\d)[0-9a-f]{7,40}\b/,
  'an emoji': /:[a-z0-9_+-]+:/i,
  mathematics: /\$/,
};
/** Direction, width, control, separators, halves of pairs, and fillers that are letters by category. */
const UNSEEN = /\u034f|[\ufe00-\ufe0f]|[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u115f\u1160\u2800\u3164\uffa0]/u;

/** What a reader's browser or GitHub would obey on a page that may only show: links, HTML, mentions; and what cannot be seen. */
export function obeyed({ tags, comments, texts }: Rendered, marker: string, more: readonly string[] = []): readonly string[] {
  return [
    ...tags.filter(({ tag }) => !TAGS.has(tag) && !more.includes(tag)).map(({ tag }) => `tag ${tag}`),
    ...tags.flatMap(({ tag, attributes }) =>
      Object.keys(attributes)
        .filter((name) => !ATTRIBUTES.has(name))
        .map((name) => `attribute ${name} of ${tag}`),
    ),
    ...(comments.length === 1 && comments[0] === marker ? [] : [`comments: ${JSON.stringify(comments)}`]),
    ...texts
      .filter(({ within }) => !within.includes('code') && !within.includes('pre'))
      .flatMap(({ text }) =>
        Object.entries(OBEYED)
          .filter(([, pattern]) => pattern.test(text))
          .map(([what]) => `${what}: ${text.slice(0, 80)}`),
      ),
    ...texts.filter(({ text }) => UNSEEN.test(text.replace(/\n/g, ''))).map(({ text }) => `cannot be seen: ${JSON.stringify(text.slice(0, 80))}`),
  ];
}
