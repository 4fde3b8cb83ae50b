import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { python } from '../support/dbt.ts';
import { parseAll, type Rendered, renderAll } from '../support/github-markdown.ts';
import { cardProject, makeCard, renderCards } from '../support/review-card.ts';
import { build, facts, hostile, manifestOf, ran, relation, sampleCard, table, texts } from '../support/sample-card.ts';
import { planned } from '../support/scaffold.ts';

/** The card as a page, beside what GitHub's own parser makes of the same card: one text, two renderers, one result. */
const project = cardProject();
const SCRIPT = planned({ ci: 'gitlab' }).find(({ path: name }) => name === 'scripts/dbt_envs/card_page.py')?.contents ?? '';
const MANY = `
import json, sys
sys.path.insert(0, "scripts/dbt_envs")
import card_page
with open("cards.json", encoding="utf-8") as file:
    print(json.dumps([card_page.page(card) for card in json.load(file)]))
`;

async function pagesOf(cards: readonly string[], script = SCRIPT): Promise<readonly string[]> {
  writeFileSync(path.join(project, 'scripts/dbt_envs/card_page.py'), script);
  writeFileSync(path.join(project, 'cards.json'), JSON.stringify(cards));
  const { code, output } = await python(project, ['-c', MANY], { python: 'tools' });
  if (code !== 0) throw new Error(output);
  return JSON.parse(output);
}

const BODY = /^<!doctype html>\n<html lang="en">\n<head>\n[\s\S]*?<\/head>\n<body>\n([\s\S]*)\n<\/body>\n<\/html>\n$/;
/** Its tags, texts and cells in order, in what both renderers have: no markup inside a query, and a dash in a cell that is empty. */
const seen = ({ tags, texts: said, rows }: Rendered) => ({
  tags: tags.filter(({ tag, within }) => !within.includes('pre') && tag !== 'br').map(({ tag }) => (tag === 'h3' ? 'h1' : tag)),
  texts: said.map(({ text, within }) => `${within.includes('details') ? 'folded: ' : ''}${text.trim()}`).filter((text) => !/^(?:folded: )?–?$/.test(text)),
  cells: rows.map(({ cells }) => cells.map((cell) => cell.trim().replace(/^–$/, ''))),
});

/** What is wrong with the pages of these cards, in words. */
async function findings(cards: readonly string[], script = SCRIPT): Promise<readonly string[]> {
  const pages = await pagesOf(cards, script);
  const bodies = pages.map((page) => BODY.exec(page)?.[1] ?? 'no page');
  const [ours, githubs] = [await parseAll(bodies), await renderAll(cards)];
  return ours.flatMap((tree, at) => {
    const theirs = githubs[at];
    const [one, other] = [seen(tree), theirs && seen(theirs)];
    const said = JSON.stringify(cards[at]?.slice(0, 60));
    return [
      ...tree.tags.flatMap(({ tag, attributes }) =>
        Object.keys(attributes)
          .filter((name) => !['class', 'data-column'].includes(name) || !/^t[dh]$/.test(tag))
          .map((name) => `attribute ${name} of ${tag} <- ${said}`),
      ),
      ...(['tags', 'texts', 'cells'] as const)
        .filter((what) => JSON.stringify(one[what]) !== JSON.stringify(other?.[what]))
        .map((what) => `other ${what} than GitHub shows <- ${said}`),
      ...(tree.comments.length > 0 ? [`a comment <- ${said}`] : []),
    ];
  });
}

test('a card is shown as GitHub shows it', async () => {
  const [card = ''] = await renderCards(project, [sampleCard]);
  expect(await findings([card])).toEqual([]);
  const [page = ''] = await pagesOf([card]);
  expect(page).toContain('<title>pr_142: build failed, 1 test failed</title>');
  expect(page).toContain('<td class="number" data-column="rows here">1,200</td>');
  expect(page).toContain('added <code>a</code> <code>integer</code>; removed <code>b</code>; retyped <code>c</code>');
  expect(page).toContain('<details><summary>1 failed and 1 skipped: why is in the job&#x27;s log</summary>');
});
test('it runs nothing and loads nothing', async () => {
  const [page = ''] = await pagesOf(await renderCards(project, [sampleCard]));
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
  expect(page).not.toMatch(/<script|<link|<img|\bsrc=|\bhref=|url\(|@import|https?:/);
});

describe('every text from outside is text', () => {
  let cards: readonly string[] = [];
  beforeAll(async () => {
    cards = await renderCards(project, texts.map(hostile));
    expect(new Set(cards).size).toBeGreaterThan(100);
  });
  test('in every place', async () => expect(await findings(cards)).toEqual([]));
  test.each<[string, string, string, RegExp]>([
    ['a name that is not escaped', '<code>{html.escape(part[1:-1])}</code>', '<code>{part[1:-1]}</code>', /other tags/],
    ['a query that is not escaped', '<pre>{html.escape(text)}</pre>', '<pre>{text}</pre>', /other texts/],
    ['bold inside a name', 'html.escape(part[1:-1])', 'bold(part[1:-1])', /other tags/],
    ['a list of which nothing is shown', 'return f"<ul>', 'return "" and f"<ul>', /other texts/],
    ['a table without its first row', 'others[: len(rows) - 2]', 'others[1: len(rows) - 2]', /other cells/],
    ['a fold that stays open', 'return "</details>"', 'return ""', /other texts/],
  ])('and a planted mistake is found: %s', async (_, from, to, finding) => {
    expect(SCRIPT).toContain(from);
    const found = await findings(
      cards,
      SCRIPT.replace(from, () => to),
    );
    expect(found.join('\n')).toMatch(finding);
  });
});

describe('the script', () => {
  const run = async (card: string | Buffer | undefined) => {
    writeFileSync(path.join(project, 'scripts/dbt_envs/card_page.py'), SCRIPT);
    if (card !== undefined) writeFileSync(path.join(project, 'card.md'), card);
    const { code, output } = await python(project, ['scripts/dbt_envs/card_page.py', card === undefined ? 'gone.md' : 'card.md', 'card.html'], {
      python: 'tools',
    });
    return { code, output, page: () => readFileSync(path.join(project, 'card.html'), 'utf8') };
  };
  test('makes a page of the card that review_card.py leaves', async () => {
    const { card } = await makeCard(project, { build: build(), manifest: manifestOf(), results: ran(), facts: facts(relation('fct', table(1), table(2))) });
    const { code, page } = await run(card);
    expect([code, page()]).toEqual([0, (await pagesOf([card]))[0]]);
  });
  test.each(['', '\n', 'x', '<!-- dbt-envs: acme -->', '| a |', '|', '```sql\nselect 1', '<b>', '- ', '### '])(
    'makes a page of %j too, and loses nothing of it',
    async (card) => {
      const { code, page } = await run(card);
      expect(code).toBe(0);
      expect(page()).toMatch(BODY);
      if (/[a-z]/.test(card) && !card.startsWith('<!--'))
        expect(BODY.exec(page())?.[1]).toContain(
          card
            .replace(/[^a-z0-9 ].*\n/, '')
            .replace(/[^a-z0-9 ]/g, '')
            .trim(),
        );
    },
  );
  test.each([
    ['no card', undefined, 'FileNotFoundError'],
    ['a card that is no text', Buffer.from([0xff, 0xfe, 0x41]), 'UnicodeDecodeError'],
  ])('ends with an error where there is %s', async (_, card, saying) => {
    const { code, output } = await run(card);
    expect([code, output]).toEqual([1, expect.stringContaining(saying)]);
  });
});
