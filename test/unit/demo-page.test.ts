import { describe, expect, test } from 'vitest';
import { tryEverything } from '../../demo/matrix.ts';
import { pageOf } from '../../demo/page/page.ts';
import { reportHtml } from '../../demo/page/report.ts';
import { livesOf, timeline } from '../../demo/page/timeline.ts';
import type { Warehouse } from '../../demo/warehouse.ts';
import { STORY } from '../support/demo-story.ts';
import { ATTACKS, UNSEEN } from '../support/hostile-text.ts';

const page = pageOf(STORY);

describe('the page of the demo', () => {
  test('asks for nothing: no script, no address, and a policy that forbids both', () => {
    const asks = (html: string) => /<script|<link(?! rel="icon" href="data:,")|\b(?:src|href|srcset|action)="(?!data:|#)|url\(|@import|https?:/.exec(html)?.[0];
    expect(asks(page)).toBeUndefined();
    expect(page).toContain(`http-equiv="Content-Security-Policy" content="default-src 'none';`);
    for (const planted of ['<img src="x.png">', '<script>', '<link rel="stylesheet">', 'url(x)', 'https://example.com'])
      expect(asks(page + planted)).toBeDefined();
  });
  test('answers first whether it happened again', () => expect(page.indexOf('No sign of it')).toBeLessThan(page.indexOf('<h2')));
  test('every cell of the matrix says in words what came of it', () => {
    const cells = [...page.matchAll(/<td role="cell" class="(done|refused)">(.*?)<\/td>/g)].map(([, kind, html = '']) => [kind, html.replace(/<[^>]*>/g, '')]);
    expect(cells).toEqual([
      ['done', 'developerdone'],
      ['done', 'productiondone'],
      ['refused', 'developerrefused'],
      ['done', 'productiondone'],
    ]);
    expect(page).toContain('priya: permission denied for table fct_revenue');
  });
  test('every step has its time, and long output is folded', () => {
    expect([...page.matchAll(/<span class="time">([^<]*)</g)].map(([, time]) => time)).toEqual(['8.4 s', '2.5 s', '0.0 s']);
    expect(page).toContain('<summary>4 lines of output</summary>');
    expect(page).toContain('refused, as it should be');
  });
  test('nothing in it is markup but our own', () => {
    for (const text of [...ATTACKS, ...UNSEEN]) {
      const step = { title: text, typed: text, lines: [text], table: { heading: [text], rows: [[text]] }, seconds: 1, outcome: 'done' as const };
      const html = pageOf({
        ...STORY,
        chapters: [{ title: text, text, steps: [step] }],
        moments: [{ title: text, schemas: [text] }],
        report: `**${text.replace(/[*\n\r]/g, '')}**`,
        matrix: { ...STORY.matrix, rows: [{ action: text, statement: text, answers: [text, text] }] },
      });
      expect(html.replace(/<style>[\s\S]*<\/style>/, '')).not.toMatch(/<script>alert|<img|javascript:alert\(1\)">/);
      expect(html.match(/<h1/g)).toHaveLength(1);
      expect(html).not.toMatch(/[^\P{C}\t\n]/u);
    }
  });
});

describe('the timeline', () => {
  test('a schema is there from the first moment that listed it, and gone at the one that did not', () =>
    expect(livesOf(STORY.moments)).toEqual([
      { schema: 'analytics', from: 0, to: 2, end: 'stays' },
      { schema: 'pr_1', from: 1, to: 1, end: 'gone at 3' },
      { schema: 'pr_12', from: 1, to: 2, end: 'stays' },
    ]));
  test.each(['wide', 'narrow'] as const)('says the same in words: %s', (shape) => {
    const picture = timeline(STORY.moments, shape);
    expect(picture).toMatch(/role="img" aria-labelledby="timeline-title-\w+ timeline-text-\w+"><title id="timeline-title-/);
    expect(picture).toContain('pr_1: there from 2, gone at 3. pr_12: there from 2, stays.');
  });
});

describe('the report on the page', () => {
  test('keeps its headings, lists, folds and tables, and no cell is blank', () => {
    const html = reportHtml(STORY.report);
    expect(html).toContain('<h3>Environments of <code>acme</code>, 27 November 2026</h3>');
    expect(html).toContain('<ul><li><code>pr_8</code> could not be cleared</li></ul>');
    expect(html).toMatch(/<details><summary>Which<\/summary>[\s\S]*<td role="cell"><span class="label">how<\/span><span>none<\/span><\/td>[\s\S]*<\/details>/);
  });
  test.each(['<img src=x>', '# A heading of another level', '> quoted'])('refuses what it could only guess at: %s', (line) =>
    expect(() => reportHtml(line)).toThrow('cannot show'),
  );
});

describe('the matrix', () => {
  const PROD = /^(?:select count\(\*\) from analytics|delete from analytics|drop table analytics|create table analytics|set role)/;
  const may: Readonly<Record<string, RegExp>> = {
    priya: /^(?:select count\(\*\) from (?:analytics|pr_12)|create table dev_priya)/,
    anna: /^select count\(\*\) from (?:analytics|pr_12)/,
    looker: /^select count\(\*\) from analytics/,
    acme_ci_service: /^(?:select count\(\*\) from (?:analytics|pr_12)|create table pr_12|call acme_door\.create_schema\('pr_99'\))/,
    acme_prod_service: PROD,
  };
  const warehouse = (besides: (login: string, statement: string) => string | undefined = () => undefined): Warehouse => ({
    address: '',
    ask: () => Promise.reject(new Error('not asked')),
    attempt: async (login, statement) => besides(login, statement) ?? (may[login]?.test(statement) ? 'done' : 'permission denied'),
    script: () => Promise.resolve(),
    environment: () => ({}),
    schemas: async () => [],
    stop: () => Promise.resolve(),
  });
  test('tries every action under every login', async () => {
    const { rows, roles, done, refused } = await tryEverything(warehouse());
    expect(rows.every(({ answers }) => answers.length === roles.length)).toBe(true);
    expect([done, refused]).toEqual([15, 69]);
  });
  test('and stops where a planted hole lets one through, or shuts one out', async () => {
    await expect(tryEverything(warehouse((login, statement) => (login === 'priya' && statement.startsWith('delete') ? 'done' : undefined)))).rejects.toThrow(
      'priya: "delete from analytics.fct_revenue" was done',
    );
    await expect(tryEverything(warehouse((login) => (login === 'looker' ? 'permission denied' : undefined)))).rejects.toThrow('looker: ');
  });
});
