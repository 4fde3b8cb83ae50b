import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Finished } from '../support/dbt.ts';
import { type Comment, type Failure, type GithubApi, startGithubApi } from '../support/github-api.ts';
import { PLANTED_OUTPUT } from '../support/github-events.ts';
import { type GithubScripts, githubScripts, type Mistake, TOKEN } from '../support/github-script.ts';

const MARKER = '<!-- dbt-envs: acme -->';
const SHA = '1234567890abcdef1234567890abcdef12345678';
const card = (text: string) => `${MARKER}\n### \`pr_142\` at ${SHA}\n\n${text}\n`;
const BOT = { login: 'github-actions[bot]', type: 'Bot', app: 'github-actions' } as const;

let api: GithubApi;
let scripts: GithubScripts;
beforeAll(async () => {
  api = await startGithubApi();
  scripts = githubScripts(api);
  api.pulls.set(142, { state: 'open' });
  api.pulls.set(143, { state: 'open' });
});
afterAll(() => api.stop());
beforeEach(() => {
  api.comments.length = 0;
  api.fails();
});

const post = (args: readonly string[], env: Record<string, string> = {}, of = scripts): Promise<Finished> =>
  of.run('post_card', args, { PR_NUMBER: '142', ...env });
const postCard = (text: string | Buffer, env: Record<string, string> = {}, of = scripts): Promise<Finished> => {
  writeFileSync(path.join(of.folder, 'card.md'), text);
  return post(['card.md'], env, of);
};
let id = 1;
const comment = (body: string, by: Partial<Comment> = {}): Comment => {
  const made: Comment = { id: id++, pull: 142, body, login: 'sam', type: 'User', app: null, ...by };
  api.comments.push(made);
  return made;
};
const bodies = () => api.comments.map(({ body }) => body);
const writes = () => api.requests.filter((line) => !line.startsWith('GET '));

describe('a card', () => {
  test('is posted once, then updated in place, and not sent where it says the same already', async () => {
    comment('Looks good');
    const before = writes().length;
    const first = await postCard(card('one'));
    expect([first.code, bodies()]).toEqual([0, ['Looks good', card('one')]]);
    expect(first.output).toMatch(/^post_card: posted https:\/\/github.com\/acme\/dbt\/pull\/142#issuecomment-\d+\n$/);
    const second = await postCard(card('two'));
    expect([second.code, second.output.includes('post_card: updated '), bodies()]).toEqual([0, true, ['Looks good', card('two')]]);
    expect((await postCard(card('two'))).output).toContain('the card says that already');
    expect(writes().length).toBe(before + 2);
  });

  test('is found among 250 comments, on the third page', async () => {
    for (let by = 0; by < 249; by += 1) comment(`comment ${by}`);
    const ours = comment(card('old'), BOT);
    const { code } = await postCard(card('new'));
    expect([code, api.comments.length, ours.body]).toEqual([0, 250, card('new')]);
  });

  test.each<[string, Failure, string]>([
    ['the same page twice', 'same page', 'the same page twice'],
    ['a missing last page', 'last page missing', 'ended early'],
    ['a next page at another address', 'next page elsewhere', 'said to be at another address'],
    ['half a page', 'cut off', 'is not whole'],
    ['a page of a proxy', 'html', 'is not whole'],
  ])('is posted by no client that was given %s', async (_, how, saying) => {
    for (let by = 0; by < 249; by += 1) comment(`comment ${by}`);
    comment(card('old'), BOT);
    const before = writes().length;
    api.fails(/\/comments\?/, how);
    const { code, output } = await postCard(card('new'));
    expect([code, output.includes(saying), writes().length]).toEqual([1, true, before]);
  });

  test('is found where somebody on the way takes the links to the next pages off', async () => {
    for (let by = 0; by < 249; by += 1) comment(`comment ${by}`);
    const ours = comment(card('old'), BOT);
    api.fails(/\/comments\?/, 'no links');
    await postCard(card('new'));
    expect(ours.body).toBe(card('new'));
    const careless: Mistake = { in: 'github_api', from: 'if following == "" and len(items) >= PER_PAGE:', to: 'if False:' };
    await postCard(card('newer'), {}, githubScripts(api, careless));
    expect(api.comments.length).toBe(251);
  });

  const careless: Mistake = { in: 'post_card', from: 'author.get("login") == AUTHOR\n        and author.get("type") == "Bot"', to: 'True' };
  const OTHERS: readonly [string, Partial<Comment>, Mistake | undefined][] = [
    ['a person who copied the marker', { login: 'mallory', type: 'User' }, careless],
    ["another app's", { login: 'other-app[bot]', type: 'Bot', app: 'other-app' }, undefined],
    ['a person who is called almost like it', { login: 'github-actions', type: 'User' }, undefined],
  ];
  test.each(OTHERS)('of %s is not touched', async (_, by, mistake) => {
    const theirs = comment(card('theirs'), by);
    await postCard(card('ours'));
    expect(bodies()).toEqual([card('theirs'), card('ours')]);
    // Whose it is, is what keeps it out.
    if (mistake) {
      await postCard(card('newer'), {}, githubScripts(api, mistake));
      expect(theirs.body).toBe(card('newer'));
    }
  });

  test('of another dbt project in the same repository is not touched', async () => {
    comment('<!-- dbt-envs: other -->\nits card', BOT);
    await postCard(card('ours'));
    expect(bodies()).toEqual(['<!-- dbt-envs: other -->\nits card', card('ours')]);
  });

  test('full of shell, Markdown and commands of GitHub arrives byte for byte, and nothing of it runs', async () => {
    const hostile = card(
      [
        `$(printf 'ran-%s\\n' planted) \`printf 'ran-%s\\n' planted\` ; printf 'ran-%s\\n' planted`,
        '::error::forged\n::add-mask::x\n${{ secrets.GITHUB_TOKEN }} %s %n {0} {card}',
        '</details><script>alert(1)</script>\r\n@acme/leads <!-- dbt-envs: other -->\t\u0000\u202e \u{1f4a9} "\'\\',
      ].join('\n'),
    );
    const { code, output } = await postCard(hostile);
    expect([code, bodies()]).toEqual([0, [hostile]]);
    expect(output).not.toMatch(new RegExp(`${PLANTED_OUTPUT}|forged`));
  });

  test.each<[string, string | Buffer, string]>([
    ['without a marker', '### a card', `does not begin with the line ${MARKER}`],
    ["with another project's marker", '<!-- dbt-envs: other -->\ntext', 'does not begin with the line'],
    ['with the marker in its middle', `text\n${MARKER}\n`, 'does not begin with the line'],
    ['with more characters than GitHub takes', card('x'.repeat(65_536)), 'has more than 65536 characters'],
    ['with as many that count twice', card('\u{1f4a9}'.repeat(32_768)), 'has more than 65536 characters'],
    ['that is no text', Buffer.concat([Buffer.from(card('')), Buffer.from([0xff, 0xfe])]), 'is not UTF-8'],
  ])('%s is refused before GitHub is asked', async (_, text, saying) => {
    const before = api.requests.length;
    const { code, output } = await postCard(text);
    expect([code, output.includes(saying), api.requests.length]).toEqual([1, true, before]);
  });
  test('of the largest size is posted', async () => {
    const { code } = await postCard(card('x'.repeat(65_536 - card('').length)));
    expect([code, bodies()[0]?.length]).toEqual([0, 65_536]);
  });

  test.each<[string, string[], Record<string, string>, string]>([
    ['for no pull request that GitHub knows', ['card.md'], { PR_NUMBER: '999' }, 'acme/dbt has no pull request 999, or this token may not see it.'],
    ['for a number that is none', ['card.md'], { PR_NUMBER: '142; id' }, 'PR_NUMBER is not the number of a pull request.'],
    ['that was never made', ['nowhere.md'], {}, 'nowhere.md cannot be read: No such file or directory. Use --no-card'],
  ])('%s fails in one line', async (_, args, env, saying) => {
    writeFileSync(path.join(scripts.folder, 'card.md'), card('one'));
    const { code, output } = await post(args, env);
    expect([code, output.startsWith('post_card: '), output.includes(saying), output.trim().split('\n').length]).toEqual([1, true, true, 1]);
  });

  test.each<[string, RegExp, { status: number; headers?: Record<string, string> }]>([
    ['GitHub does not let the token write', /^POST /, { status: 403, headers: { 'x-accepted-github-permissions': 'pull_requests=write' } }],
    ['GitHub has trouble', /^POST /, { status: 500 }],
  ])('fails where %s, after one try', async (_, where, failure) => {
    api.fails(where, failure);
    const before = writes().length;
    const { code } = await postCard(card('one'));
    expect([code, writes().length, bodies()]).toEqual([1, before + 1, []]);
  });
});

describe('--dropped', () => {
  beforeEach(() => void api.pulls.set(142, { state: 'closed' }));
  afterEach(() => void api.pulls.set(142, { state: 'open' }));
  test('makes of the card a short one that says so, keeps the commit and offers no query any more', async () => {
    const ours = comment(card('```sql\nselect * from pr_142.fct_revenue_daily\n```'), BOT);
    const { code } = await post(['--dropped']);
    expect(code).toBe(0);
    expect(ours.body).toMatch(/^<!-- dbt-envs: acme -->\n### `pr_142` was dropped on \d{4}-\d\d-\d\d \d\d:\d\d UTC\n/);
    expect(ours.body).toContain(`about commit ${SHA}`);
    expect(ours.body).not.toContain('select');
    const once = ours.body;
    expect((await post(['--dropped'])).output).toContain('the card says that already');
    expect(ours.body).toBe(once);
  });
  test('and a card of a build after it takes its place', async () => {
    comment(card('old'), BOT);
    await post(['--dropped']);
    api.pulls.set(142, { state: 'open' });
    await postCard(card('reopened'));
    expect(bodies()).toEqual([card('reopened')]);
  });
  test('does nothing where there is no card of ours', async () => {
    comment(card('theirs'));
    const before = writes().length;
    const { code, output } = await post(['--dropped']);
    expect([code, output, writes().length]).toEqual([0, 'post_card: there is no card on pull request 142: nothing to update.\n', before]);
  });
});

describe('a run that is started again after the pull request has moved on changes nothing', () => {
  const RUN = 'https://github.com/acme/dbt/actions/runs/77';
  afterEach(() => void api.pulls.set(142, { state: 'open' }));
  test.each<[string, 'open' | 'closed', readonly string[], string]>([
    ['a card of an older commit', 'open', ['card.md'], 'has moved on from 0000000'],
    ['no card, of an older commit', 'open', ['--no-card', RUN], 'has moved on from 0000000'],
    ['a card, where the pull request was closed', 'closed', ['card.md'], 'is closed by now'],
    ['no card, where it was closed', 'closed', ['--no-card', RUN], 'is closed by now'],
    ['dropped, where it was reopened', 'open', ['--dropped'], 'is open by now'],
  ])('%s', async (_, state, args, said) => {
    api.pulls.set(142, { state, sha: SHA });
    comment(card('the newest'), BOT);
    writeFileSync(path.join(scripts.folder, 'card.md'), card('older'));
    const { code, output } = await post(args, { PR_COMMIT: '0'.repeat(40) });
    expect([code, output, bodies()]).toEqual([0, `post_card: pull request 142 ${said}: its card stays as it is.\n`, [card('the newest')]]);
  });
  test('the run of the newest commit does', async () => {
    api.pulls.set(142, { state: 'open', sha: SHA });
    comment(card('older'), BOT);
    await postCard(card('the newest'), { PR_COMMIT: SHA });
    expect(bodies()).toEqual([card('the newest')]);
  });
});

describe('--no-card', () => {
  const RUN = 'https://github.com/acme/dbt/actions/runs/77';
  test.each(['there is none yet', 'there is one of an earlier commit'])('says that the build made none, with a link, where %s', async (when) => {
    if (when !== 'there is none yet') comment(card('old'), BOT);
    const { code } = await post(['--no-card', RUN]);
    expect([code, bodies().length]).toEqual([0, 1]);
    expect(bodies()[0]).toContain(`${MARKER}\n### No review card for \`pr_142\``);
    expect(bodies()[0]).toContain(`[its log](${RUN})`);
    expect(bodies()[0]).not.toContain(SHA);
  });
  test.each(['javascript:alert(1)', 'https://x.example/) [y](https://z.example', 'https://x.example/<b>'])('refuses %s as an address', async (url) => {
    const { code, output } = await post(['--no-card', url]);
    expect([code, output.includes('takes the address of a run'), bodies()]).toEqual([1, true, []]);
  });
});

test('the token stands in nothing that was printed', () => {
  expect(scripts.printed.length).toBeGreaterThan(20);
  expect(scripts.printed.join('\n')).not.toContain(TOKEN);
  expect(api.requests.every((line) => line.endsWith(` Bearer ${TOKEN}`))).toBe(true);
});
