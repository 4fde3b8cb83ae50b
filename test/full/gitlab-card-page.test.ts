import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, type Look, startBrowser } from '../support/browser.ts';
import { python } from '../support/dbt.ts';
import { cardProject, renderCards } from '../support/review-card.ts';
import { hostile, sampleCard } from '../support/sample-card.ts';
import { planned } from '../support/scaffold.ts';

/** GitLab's review card in a real browser: nothing overflows, nothing is too pale, nothing is loaded or run. */
const project = cardProject();
const at = (name: string): string => path.join(project, name);
let browser: Browser;
beforeAll(async () => {
  const page = planned({ ci: 'gitlab' }).find(({ path: name }) => name === 'scripts/dbt_envs/card_page.py')?.contents ?? '';
  writeFileSync(at('scripts/dbt_envs/card_page.py'), page);
  const cards = await renderCards(project, [sampleCard, hostile('<img src=x onerror=alert(1)>'), hostile('a_very_long_name_'.repeat(20))]);
  for (const [name, card] of [
    ['sample', cards[0]],
    ['hostile', cards[1]],
    ['long', cards[2]],
  ] as const) {
    writeFileSync(at(`${name}.md`), card ?? '');
    const { code, output } = await python(project, ['scripts/dbt_envs/card_page.py', `${name}.md`, `${name}.html`], { python: 'tools' });
    expect(code, output).toBe(0);
  }
  browser = await startBrowser();
});
afterAll(() => browser?.close());

const LOOKS: readonly Look[] = [
  { width: 1280, scheme: 'light' },
  { width: 1280, scheme: 'dark' },
  { width: 360, scheme: 'light' },
  { width: 360, scheme: 'dark' },
  { width: 800, scheme: 'light', print: true },
];
describe.each(['sample', 'hostile', 'long'])('the card %s', (name) => {
  test.each(LOOKS)('is well on $width pixels, $scheme', async (look) => expect(await browser.look(at(`${name}.html`), look)).toEqual([]));
});

test.each<[string, string, string, RegExp]>([
  ['letters that are too pale', '<style>', '<style>p { color: #aaa }', /contrast/],
  [
    'a table that ends outside of the screen',
    'table { border-collapse: collapse; width: 100%',
    'table { border-collapse: collapse; width: 2000px',
    /wide on a screen|ends at/,
  ],
  ['a name that is HTML', '&lt;img src=x onerror=alert(1)&gt;', '<img src="x.png" onerror="alert(1)">', /a request|picture|console/],
])('a planted mistake is found: %s', async (_, from, to, finding) => {
  const page = readFileSync(at('hostile.html'), 'utf8');
  expect(page).toContain(from);
  writeFileSync(at('planted.html'), page.replaceAll(from, to));
  expect((await browser.look(at('planted.html'), { width: 1280, scheme: 'light' })).join('\n')).toMatch(finding);
});
