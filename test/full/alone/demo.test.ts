import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pageOf } from '../../../demo/page/page.ts';
import { prepare } from '../../../demo/prepare.ts';
import { type Browser, type Look, startBrowser } from '../../support/browser.ts';
import { STORY } from '../../support/demo-story.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'dbt-envs-demo-page-'));
const page = path.join(folder, 'out.html');
const run = (...args: readonly string[]) =>
  spawnSync('npm', ['run', 'demo', '--', ...args], { encoding: 'utf8', maxBuffer: 1e8, shell: process.platform === 'win32' });
let told: ReturnType<typeof run>;
let browser: Browser;
beforeAll(async () => {
  await prepare();
  told = run('--html', page);
  browser = await startBrowser();
  console.log(`Chromium ${browser.version}; ${/in \d+ seconds/.exec(told.stdout)?.[0]}`);
}, 600_000);
afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('npm run demo', () => {
  test('ends well', () => expect(told.status, `${told.stdout}${told.stderr}`).toBe(0));
  test('says how long it took', () => {
    const [said] = /^Everything above ran on this machine, in \d+ seconds/m.exec(told.stdout) ?? [];
    console.log(said);
    expect(said).toBeDefined();
  });
  test('has a time beside each step', () => {
    const steps = told.stdout.match(/^\d+\. /gm) ?? [];
    expect(steps.length).toBeGreaterThan(30);
    expect(told.stdout.match(/^ {3}(?:refused, as it should be )?\(\d+\.\d s\)$/gm)).toHaveLength(steps.length + 1); // and the set-up
  });
  test('tells the story, and what in it is not real', () => {
    for (const line of [
      /refused, as it should be/,
      /Target prod runs in CI only/,
      /permission denied for schema analytics/,
      /delete from analytics\.fct_revenue +refused: permission denied/,
      /OK created sql table model pr_1\.fct_revenue_daily/,
      /OK created sql table model pr_12\.fct_revenue /,
      /Dropped pr_1 in acme/,
      /^ {3}\| clear +pr_12: pull request 12 was closed on \S+, 8 days ago$/m,
      /^ {3}\| dropped pr_12/m,
      /^ {3}\| keep +pr_13: pull request 13 is open$/m,
      /^ {3}\| keep +pr_21: it is pinned until/m,
      /^ {3}\| announce +dev_sam: /m,
      /^ {3}\| report +dev_priya_test_v2_FINAL_for_real: it belongs to dbt_shared/m,
      /\*\*No sign of it\*\*: every relation of production belongs to its service/,
      /GitHub is a stand-in/,
      /the administrator sets the times in the registry back/,
    ])
      expect(told.stdout).toMatch(line);
  });
  test('shows no password', () => expect(told.stdout + readFileSync(page, 'utf8')).not.toMatch(/[0-9a-f]{18}/));
  test('a flag that it does not know ends it before anything is done', () => {
    const { status, stdout, stderr } = run('--htlm', page);
    expect([status, /--htlm/.test(stderr), /Set-up/.test(stdout)]).toEqual([1, true, false]);
  });
});

/** A telephone, a tablet and a desk, by day and by night; and paper. */
const LOOKS: readonly (readonly [string, Look])[] = [
  ...[360, 768, 1280].flatMap((width) => (['light', 'dark'] as const).map((scheme) => [`${width} wide, ${scheme}`, { width, scheme }] as const)),
  ['on paper', { width: 720, scheme: 'dark', print: true }],
];

describe('its page, in Chromium', () => {
  test.each(LOOKS)('%s: no error, no request, everything fits, has words and can be read', async (_, look) =>
    expect(await browser.look(page, look)).toEqual([]),
  );
  test('has the matrix, the timeline, the steps and the report', () => {
    const html = readFileSync(page, 'utf8');
    expect(html.match(/<td role="cell" class="(?:done|refused)">/g)).toHaveLength(6 * 14);
    expect(html).toMatch(/pr_1: there from 4, gone at 5\.[\s\S]*pr_12: there from 4, gone at 8\./);
    expect(html.match(/<span class="time">/g)?.length).toBeGreaterThan(30);
    expect(html).toContain('<h4>Who can write production</h4>');
    expect(Buffer.byteLength(html)).toBeLessThan(300_000);
  });

  const SOUND = pageOf(STORY);
  const look = async (html: string, how: Look = { width: 360, scheme: 'light' }): Promise<string> => {
    const file = path.join(folder, 'planted.html');
    writeFileSync(file, html);
    return (await browser.look(file, how)).join('\n');
  };
  test('the page in which the mistakes are planted is sound', async () => expect(await look(SOUND)).toBe(''));
  const open = (html: string): string => html.replace(/<meta http-equiv="Content-Security-Policy"[^>]*>/, '');
  test.each<[string, (html: string) => string, RegExp]>([
    [
      'a script with an error',
      (html) => open(html).replace('</main>', '<script>nobody.knows()</script></main>'),
      /an error of a script: nobody is not defined/,
    ],
    ['a script, under the policy', (html) => html.replace('</main>', '<script>1</script></main>'), /the console: .*script/i],
    [
      'a picture from elsewhere',
      (html) => open(html).replace('</main>', '<img alt="x" src="http://127.0.0.1:9/x.png"></main>'),
      /a request: http:\/\/127\.0\.0\.1:9/,
    ],
    ['a picture from elsewhere, under the policy', (html) => html.replace('</main>', '<img alt="x" src="http://127.0.0.1:9/x.png"></main>'), /the console: /],
    ['a font from elsewhere', (html) => open(html).replace('<style>', '<style>@import "http://127.0.0.1:9/x.css";'), /a request: /],
    ['a cell that is a colour alone', (html) => html.replace(/(<td role="cell" class="refused">.*?<span>).*?(<\/span><\/td>)/, '$1$2'), /a cell without words/],
    [
      'a cell whose words are hidden',
      (html) =>
        html
          .replace('class="refused">', 'class="refused" style="display:none">')
          .replace('<td role="cell" class="done">', '<td role="cell" class="done" style="font-size:0">'),
      /a cell whose words are not shown|letters of 0px/,
    ],
    [
      'a wide table',
      (html) => html.replace('</main>', '<table style="min-width:900px"><tr><td>x</td></tr></table></main>'),
      /the page is \d+ wide on a screen of 360/,
    ],
    ['a word that does not fit', (html) => html.replace('</main>', `<p style="white-space:nowrap">${'long '.repeat(30)}</p></main>`), /on a screen of 360/],
    ['pale letters', (html) => html.replace('--soft: #56616c', '--soft: #b0b5ba'), /contrast of [12]\./],
    ['a heading that is passed over', (html) => html.replace('<h3>A chapter</h3>', '<h5>A chapter</h5>'), /a heading out of order/],
    ['a picture without words', (html) => html.replace(/aria-labelledby="timeline-title-narrow[^"]*"/, ''), /a picture without words/],
    ['letters that are too small', (html) => html.replace('.timeline text { font: 13px', '.timeline text { font: 7px'), /letters of [67]\.\d pixels/],
  ])('and a planted mistake is found: %s', async (_, plant, finding) => {
    const planted = plant(SOUND);
    expect(planted).not.toBe(SOUND);
    expect(await look(planted)).toMatch(finding);
  });
  test('by night alone, too', async () => {
    const planted = SOUND.replace('--soft: #a9b3bd', '--soft: #4a525a');
    expect(await look(planted)).toBe('');
    expect(await look(planted, { width: 360, scheme: 'dark' })).toMatch(/contrast of [12]\./);
  });
});
