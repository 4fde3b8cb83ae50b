import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

/** What a document of this repository names and is not there: relative links, and tests and templates by their path. */
function missing(document: string, text: string): readonly string[] {
  const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, to = '']) => path.join(path.dirname(document), to));
  const paths = [...text.matchAll(/`((?:test|templates|src|tools|bench|docs)\/[\w./+-]+\.(?:ts|mjs|ejs|md|json|sql))`/g)].map(([, to = '']) => to);
  return [...links, ...paths].filter((to) => !existsSync(to));
}

describe('the documents of this repository', () => {
  const inDocs = readdirSync('docs', { recursive: true, encoding: 'utf8' }).map((name) => path.join('docs', name));
  const documents = [...readdirSync('.'), ...inDocs].filter((name) => name.endsWith('.md')).sort();

  test('are found', () => {
    expect(documents).toEqual(expect.arrayContaining(['README.md', path.join('docs', 'warehouses', 'postgres.md')]));
  });

  test.each(documents)('%s names only what is there', (document) => {
    expect(missing(document, readFileSync(document, 'utf8'))).toEqual([]);
  });

  test('a link or a test that went away is noticed', () => {
    expect(missing('docs/x.md', 'see [this](gone.md#head), `test/unit/gone.test.ts` and [that](https://example.com)')).toEqual([
      path.join('docs', 'gone.md'),
      'test/unit/gone.test.ts',
    ]);
  });
});
