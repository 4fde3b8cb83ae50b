import { readFileSync, writeFileSync } from 'node:fs';
import { example as exampleProvider } from '../test/support/example-provider.ts';
import { example } from '../test/support/example-warehouse.ts';
import { ciLacks } from './ci-check.ts';
import { lacks } from './warehouse-check.ts';

/** `npm run docs`: puts the compiled examples, and what the check says of them, into the documents that show them. */
function put(document: string, marker: string, language: string, text: string): void {
  const [before = '', after = ''] = readFileSync(document, 'utf8').split(`<!-- ${marker} -->\n`);
  const end = after.indexOf('\n```\n', 3);
  writeFileSync(document, `${before}<!-- ${marker} -->\n\`\`\`${language}\n${text.trimEnd()}${after.slice(end)}`);
}

put('docs/adding-a-warehouse.md', 'test/support/example-warehouse.ts', 'ts', readFileSync('test/support/example-warehouse.ts', 'utf8'));
put(
  'docs/adding-a-warehouse.md',
  'warehouse:check',
  '',
  lacks(example)
    .map((line) => `lacks  ${line}`)
    .join('\n'),
);
put('docs/adding-a-ci-provider.md', 'test/support/example-provider.ts', 'ts', readFileSync('test/support/example-provider.ts', 'utf8'));
put(
  'docs/adding-a-ci-provider.md',
  'ci:check',
  '',
  ciLacks(exampleProvider)
    .map((line) => `lacks  ${line}`)
    .join('\n'),
);
