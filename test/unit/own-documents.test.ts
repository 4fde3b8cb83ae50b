import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { headings } from '../support/markdown.ts';
import { commandsIn, notWalked, ownDocuments, scenes, scriptsIn, unprovenCommands } from '../support/own-commands.ts';

/** What a document of this repository names and is not there: relative links, and tests and templates by their path. */
function missing(document: string, text: string): readonly string[] {
  const links = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, to = '']) => path.join(path.dirname(document), to));
  const paths = [...text.matchAll(/`((?:test|templates|src|tools|bench|docs)\/[\w./+-]+\.(?:ts|mjs|ejs|md|json|sql))`/g)].map(([, to = '']) => to);
  return [...links, ...paths].filter((to) => !existsSync(to));
}

/** Links of a document to a heading that is not there. */
function missingHeadings(document: string, text: string): readonly string[] {
  return [...text.matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)#([^)\s]+)\)/g)].flatMap(([, to = '', anchor = '']) => {
    const target = to === '' ? text : readFileSync(path.join(path.dirname(document), to), 'utf8');
    return headings(target).some((heading) => heading.anchor === anchor) ? [] : [`${document}: ${to} has no heading #${anchor}`];
  });
}

describe('the documents of this repository', () => {
  const documents = ownDocuments();

  test('are found', () => {
    expect(documents).toEqual(expect.arrayContaining(['README.md', path.join('docs', 'warehouses', 'postgres.md')]));
  });

  test.each(documents)('%s names only what is there', (document) => {
    expect(missing(document, readFileSync(document, 'utf8'))).toEqual([]);
  });

  test.each(documents)('%s leads to headings that are there', (document) => {
    expect(missingHeadings(document, readFileSync(document, 'utf8'))).toEqual([]);
  });

  test('a heading that went away is noticed', () => {
    expect(missingHeadings('docs/x.md', '# Here\n[a](#here) [b](#gone) [c](options.md#gone)')).toEqual([
      'docs/x.md:  has no heading #gone',
      'docs/x.md: options.md has no heading #gone',
    ]);
  });

  test('a link or a test that went away is noticed', () => {
    expect(missing('docs/x.md', 'see [this](gone.md#head), `test/unit/gone.test.ts` and [that](https://example.com)')).toEqual([
      path.join('docs', 'gone.md'),
      'test/unit/gone.test.ts',
    ]);
  });
});

describe('a command in a document', () => {
  const documents = ownDocuments().map((document) => [document, readFileSync(document, 'utf8')] as const);
  const scripts: unknown = JSON.parse(readFileSync('package.json', 'utf8')).scripts;

  test.each(documents)('of %s is run by a test, or has a reason', (document, text) => expect(unprovenCommands(document, text)).toEqual([]));
  test.each(documents)('of %s names a script that there is', (_, text) => {
    for (const script of scriptsIn(text)) expect(scripts).toHaveProperty([script]);
  });
  test('that has a scene or a reason is still there', () => {
    expect([...scenes.keys()].filter((document) => !documents.some(([name]) => name === document))).toEqual([]);
    const all = documents.flatMap(([, text]) => commandsIn(text));
    expect([...notWalked.keys()].filter((command) => !all.includes(command))).toEqual([]);
  });
  test('that is new, in a document without a scene or outside an sh block is noticed', () => {
    expect(unprovenCommands('README.md', '```sh\nnpm run gone\n```\n')).toEqual([expect.stringContaining('no test runs "npm run gone"')]);
    expect(unprovenCommands('docs/new.md', '```sh\nnpx generator-dbt-envs check\n```\n')).toEqual([expect.stringContaining('give docs/new.md a scene')]);
    expect(unprovenCommands('README.md', '```text\nnpm install\n```\n')).toEqual([expect.stringContaining('outside an sh block')]);
    expect(scriptsIn('`npm run gone`')).toEqual(['gone']);
  });
});
