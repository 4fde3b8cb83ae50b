import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Failure, type GithubApi, type Issue, startGithubApi } from '../support/github-api.ts';
import { obeyed, renderAll } from '../support/github-markdown.ts';
import { type GithubScripts, githubScripts, type Mistake, TOKEN } from '../support/github-script.ts';

const MARKER = '<!-- dbt-envs sweep: acme -->';
const BOT = { login: 'github-actions[bot]', type: 'Bot', app: 'github-actions' } as const;
const run = (id: number) => `https://github.com/acme/dbt/actions/runs/${id}`;
const DAY = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY).toISOString().replace(/\.\d+Z$/, 'Z');
const day = (days: number) => daysAgo(days).slice(0, 10);

let api: GithubApi;
let scripts: GithubScripts;
beforeAll(async () => {
  api = await startGithubApi();
  scripts = githubScripts(api);
});
afterAll(() => api.stop());
beforeEach(() => {
  api.fails();
  api.ignoresFilters(false);
  api.issues.length = 0;
  api.comments.length = 0;
  rmSync(path.join(scripts.folder, 'target'), { recursive: true, force: true });
});

const account = (given: object | string, of = scripts): void => {
  const file = path.join(of.folder, 'target/dbt_envs/sweep.json');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, typeof given === 'string' ? given : JSON.stringify({ at: '2026-11-27T03:43:00Z', dry_run: false, ok: true, problems: [], ...given }));
};
const tell = (result: string, id = 77, of = scripts) => of.run('tell_sweep', [result, run(id)]);
const issue = (given: Partial<Issue> = {}): Issue => {
  const usual = { number: 100 + api.issues.length, title: 'The nightly dbt sweep fails', body: `${MARKER}\n[its newest run](${run(70)})`, ...BOT };
  const made: Issue = { ...usual, state: 'open', reason: null, createdAt: daysAgo(0), ...given };
  api.issues.push(made);
  return made;
};
const open = () => api.issues.filter(({ state }) => state === 'open');
const writes = () => api.requests.filter((line) => !line.startsWith('GET '));

describe('a sweep that fails', () => {
  test('the first night, opens an issue: since when, its run, what it says, what to do', async () => {
    account({ ok: false, problems: ['40 schemas are due and 25 may go in one run: nothing was cleared. Allow more with allow_drops.'] });
    const { code, output } = await tell('failure');
    expect([code, output]).toEqual([0, expect.stringMatching(/^tell_sweep: opened https:\/\/github.com\/acme\/dbt\/issues\/\d+\n$/)]);
    expect(open()).toMatchObject([{ title: 'The nightly dbt sweep fails', login: 'github-actions[bot]' }]);
    expect(open()[0]?.body.split('\n').slice(0, 5)).toEqual([
      MARKER,
      `The nightly sweep of the dbt project **acme** failed on ${day(0)}: [its newest run](${run(77)}).`,
      '',
      'What is left of closed pull requests, and dev schemas that nobody uses, stay until it succeeds. It says:',
      '',
    ]);
    expect(open()[0]?.body).toContain('\n    40 schemas are due and 25 may go in one run');
    expect(open()[0]?.body).toContain('Actions, **dbt sweep**, *Run workflow*');
  });
  test('the third night, updates it in place: no new issue, no comment', async () => {
    const first = issue({ createdAt: daysAgo(2) });
    account({ ok: false, problems: ['something else'] });
    const { code, output } = await tell('failure', 79);
    expect([code, output]).toEqual([0, `tell_sweep: updated https://github.com/acme/dbt/issues/${first.number}\n`]);
    expect([api.issues.length, api.comments.length]).toEqual([1, 0]);
    expect(first.body).toContain(`has failed since ${day(2)}, for 3 nights; last on ${day(0)}: [its newest run](${run(79)}).`);
    expect(first.body).toContain('\n    something else\n');
  });
  test.each<[string, string, object | string | undefined, string]>([
    ['it left no account', 'failure', undefined, 'It left no account of what it did'],
    ['its account is no JSON', 'failure', '<html>', 'The account of what it did cannot be read'],
    ['its account is a list', 'failure', '[]', 'The account of what it did cannot be read'],
    ['it names no problem', 'failure', { ok: false }, 'It does not say what went wrong'],
    ['its problems are no list', 'failure', { ok: false, problems: 'many' }, 'It does not say what went wrong'],
    ['it was cancelled, or took too long', 'cancelled', undefined, 'It was cancelled, or it ran out of time.'],
    ['it succeeded, and left no account', 'success', undefined, 'It left no account of what it did'],
    ['it succeeded, and its account says otherwise', 'success', { ok: false, problems: ['pr_7 is still there'] }, 'pr_7 is still there'],
    ['it succeeded, and did nothing', 'success', { dry_run: true }, 'It does not say what went wrong'],
  ])('%s: that is said', async (_, result, given, saying) => {
    if (given !== undefined) account(given);
    const { code } = await tell(result);
    expect([code, open().length]).toEqual([0, 1]);
    expect(open()[0]?.body).toContain(`\n    ${saying}`);
  });
  test('names thirty problems, each cut to a line, and counts the rest', async () => {
    account({ ok: false, problems: Array.from({ length: 1000 }, (_, at) => `problem ${at} ${'x'.repeat(1000)}`) });
    await tell('failure');
    const body = open()[0]?.body ?? '';
    expect(body.match(/^ {4}problem \d+ x+$/gm)?.length).toBe(30);
    expect(body).toContain('\n    and 970 more\n');
    expect(body.length).toBeLessThan(20_000);
  });
});

test('a sweep that has recovered says so in the issue and closes it; the next failure opens another', async () => {
  const old = issue({ createdAt: daysAgo(3) });
  account({});
  const { code, output } = await tell('success', 80);
  expect([code, output]).toEqual([0, `tell_sweep: the sweep succeeded, and closed https://github.com/acme/dbt/issues/${old.number}\n`]);
  expect([old.state, old.reason]).toEqual(['closed', 'completed']);
  expect(api.comments.map(({ pull, body }) => [pull, body])).toEqual([[old.number, `The sweep has recovered: [its run](${run(80)}).`]]);
  expect((await tell('success', 81)).output).toBe('tell_sweep: the sweep succeeded, and no issue is open.\n');
  account({ ok: false, problems: ['again'] });
  await tell('failure', 82);
  expect([api.issues.length, open().length, old.state]).toEqual([2, 1, 'closed']);
});

describe('one issue, and no second one', () => {
  test('a second open one of ours is closed as a duplicate, the older stays', async () => {
    const [first, second] = [issue(), issue()];
    account({ ok: false, problems: ['x'] });
    await tell('failure');
    expect([first.state, second.state, second.reason]).toEqual(['open', 'closed', 'duplicate']);
    expect(api.comments.map(({ pull, body }) => [pull, body])).toEqual([[second.number, `Duplicate of #${first.number}`]]);
  });
  test('two runs at once leave one', async () => {
    account({ ok: false, problems: ['x'] });
    await Promise.all([tell('failure', 77), tell('failure', 78), tell('failure', 79)]);
    expect(api.issues.length).toBeGreaterThan(0);
    expect(open().length).toBe(1);
    expect(open()[0]?.number).toBe(Math.min(...api.issues.map(({ number }) => number)));
  });
  test('and a script that does not look again leaves more', async () => {
    const careless = githubScripts(api, { in: 'tell_sweep', from: 'first, *others = ours(api) or [made]', to: 'first, others = made, []' });
    account({ ok: false, problems: ['x'] }, careless);
    // Each sees the list as it was before the other wrote.
    api.fails(/^GET .*\/issues\?/, { status: 200, body: '[]' });
    await tell('failure', 77, careless);
    await tell('failure', 78, careless);
    expect(open().length).toBe(2);
    api.fails();
    account({ ok: false, problems: ['x'] });
    await tell('failure', 79);
    expect(open().length).toBe(1);
  });
  test('is found on the third page, among issues and pull requests of others', async () => {
    const ours = issue();
    for (let at = 0; at < 249; at += 1)
      issue({ login: at % 2 === 0 ? 'sam' : BOT.login, type: at % 2 === 0 ? 'User' : 'Bot', body: 'another', ...(at % 3 === 0 && { isPull: true }) });
    api.ignoresFilters(true);
    account({ ok: false, problems: ['x'] });
    await tell('failure', 90);
    expect([api.issues.length, ours.body.includes(run(90))]).toEqual([250, true]);
  });

  const careless: Mistake = { in: 'tell_sweep', from: 'author.get("login") == AUTHOR\n        and author.get("type") == "Bot"', to: 'True' };
  test.each<[string, Partial<Issue>, Mistake | undefined]>([
    ['a person who copied the marker', { login: 'mallory', type: 'User', app: null }, careless],
    ["another app's", { login: 'other-app[bot]', app: 'other-app' }, undefined],
    ['another dbt project in the repository', { body: '<!-- dbt-envs sweep: other -->\nits issue' }, undefined],
    ['a pull request with the marker', { isPull: true }, undefined],
    ['an issue with the marker further down', { body: `text\n${MARKER}\n` }, undefined],
  ])('that of %s is left alone', async (_, by, mistake) => {
    const theirs = issue(by);
    const before = theirs.body;
    api.ignoresFilters(true);
    account({ ok: false, problems: ['x'] });
    await tell('failure');
    account({});
    await tell('success', 78);
    expect([theirs.body, theirs.state, api.issues.length, open().length]).toEqual([before, 'open', 2, 1]);
    if (mistake) {
      const wrong = githubScripts(api, mistake);
      account({}, wrong);
      await tell('success', 79, wrong);
      expect(theirs.state).toBe('closed');
    }
  });

  test.each<[string, Failure, string]>([
    ['the same page twice', 'same page', 'the same page twice'],
    ['a missing last page', 'last page missing', 'ended early'],
    ['a page of a proxy', 'html', 'is not whole'],
  ])('none is opened where the list came with %s', async (_, how, saying) => {
    for (let at = 0; at < 250; at += 1) issue({ body: 'another' });
    const before = writes().length;
    api.fails(/\/issues\?/, how);
    account({ ok: false, problems: ['x'] });
    const { code, output } = await tell('failure');
    expect([code, output.includes(saying), writes().length]).toEqual([1, true, before]);
  });
});

describe('an older run that is started again', () => {
  test.each(['failure', 'success'])('changes nothing where a newer one has told already: %s', async (result) => {
    const told = issue({ body: `${MARKER}\n[its newest run](${run(90)})` });
    account(result === 'success' ? {} : { ok: false, problems: ['old'] });
    const before = writes().length;
    const { code, output } = await tell(result, 89);
    expect([code, output, writes().length]).toEqual([
      0,
      `tell_sweep: a newer run has told already: https://github.com/acme/dbt/issues/${told.number}\n`,
      before,
    ]);
  });
  test('and the same run, started again, has the word', async () => {
    const told = issue({ body: `${MARKER}\n[its newest run](${run(90)})` });
    account({});
    await tell('success', 90);
    expect(told.state).toBe('closed');
  });
});

test('problems are text that others chose: no mention, no link, no HTML, no end of the block; and nothing of it is printed', async () => {
  const hostile = [
    '@acme/leads @priya look',
    'fixes #12, GH-12, acme/other#3',
    '</code></pre><script>alert(1)</script><img src=x onerror=alert(1)>',
    '```\n# A heading\n\n@sam [click](https://evil.example) ![x](https://evil.example/x.png)',
    '\u2028# another\u2029@sam \u0085@sam\u000b@sam\r\n@sam',
    '~~~~ `` ` &lt;b&gt; <!-- dbt-envs sweep: acme -->',
    '-->',
    '\u202egnp.exe \u0000\u001b[31m',
    '::error::forged',
    `](${run(999_999_999)})`,
  ];
  account({ ok: false, problems: hostile });
  const { code, output } = await tell('failure');
  expect([code, output]).toEqual([0, expect.stringMatching(/^tell_sweep: opened \S+\n$/)]);
  const [body = ''] = open().map((one) => one.body);
  const [rendered] = await renderAll([body]);
  if (!rendered) throw new Error('nothing was rendered');
  expect(new Set(obeyed(rendered, MARKER.slice(4, -3)))).toEqual(new Set(['tag a', 'attribute href of a', 'tag em']));
  expect(rendered.tags.filter(({ tag }) => tag === 'a').map(({ attributes }) => attributes.href)).toEqual([run(77)]);
  const shown = rendered.texts.filter(({ within }) => within.includes('pre')).map(({ text }) => text);
  expect(shown.join('').trim().split('\n').length).toBe(hostile.length);
  expect([...body.matchAll(/\p{Cc}|\p{Cf}/gu)].filter(([one]) => one !== '\n')).toEqual([]);
  const careless = githubScripts(api, { in: 'sweep_account', from: 'f"    {inert(problem)}"', to: 'f"- {problem}"' });
  account({ ok: false, problems: hostile }, careless);
  await tell('failure', 77, careless);
  const [wrong] = await renderAll([open()[0]?.body ?? '']);
  expect(wrong && obeyed(wrong, MARKER.slice(4, -3)).join('\n')).toMatch(/a mention[\s\S]*a reference to an issue|a reference to an issue[\s\S]*a mention/);
  // The run that counts is still ours.
  account({});
  await tell('success', 78);
  expect(open()).toEqual([]);
});

describe('where GitHub takes no issue', () => {
  const OFF = { status: 410, body: '{"message":"Issues has been disabled in this repository."}' };
  test('since they are turned off, a failure of the sweep fails here too, and says what to turn on', async () => {
    api.fails(/\/issues/, OFF);
    account({ ok: false, problems: ['x'] });
    const { code, output } = await tell('failure');
    expect(output).toBe(
      'tell_sweep: issues are turned off in acme/dbt, so nobody is told of a sweep that fails. Settings, General, Features: turn Issues on.\n',
    );
    expect(code).toBe(1);
  });
  test('a sweep that succeeded only warns of it', async () => {
    api.fails(/\/issues/, OFF);
    account({});
    const { code, output } = await tell('success');
    expect([code, output]).toEqual([
      0,
      expect.stringMatching(/^::warning title=Nobody would be told::issues are turned off in acme\/dbt.*\ntell_sweep: the sweep succeeded\.\n$/),
    ]);
  });
  test.each<[string, RegExp, Failure, string]>([
    [
      'the token may not read them',
      /^GET .*\/issues/,
      { status: 403, body: '{"message":"Resource not accessible by integration"}', headers: { 'x-accepted-github-permissions': 'issues=read' } },
      'it needs issues=read',
    ],
    [
      'the token may not write them',
      /^POST /,
      { status: 403, body: '{"message":"Resource not accessible by integration"}', headers: { 'x-accepted-github-permissions': 'issues=write' } },
      'it needs issues=write',
    ],
    ['the repository is archived', /^POST /, { status: 403, body: '{"message":"Repository was archived so is read-only."}' }, 'Repository was archived'],
    ['GitHub has trouble', /^POST /, { status: 500 }, 'status 500'],
  ])('since %s: one line says so, after one try', async (_, where, failure, saying) => {
    api.fails(where, failure);
    account({ ok: false, problems: ['x'] });
    const before = writes().length;
    const { code, output } = await tell('failure');
    expect([code, output.startsWith('tell_sweep: '), output.includes(saying), output.trim().split('\n').length]).toEqual([1, true, true, 1]);
    expect(writes().length - before).toBeLessThan(2);
    expect(api.issues).toEqual([]);
  });
});

test.each([
  'javascript:alert(1)',
  'https://x.example/) [y](https://z.example',
  `${run(1)}#x`,
  'https://github.com/acme/dbt/actions/runs/',
  'http://github.com/acme/dbt/actions/runs/1',
])('refuses %s as the address of a run', async (url) => {
  const before = api.requests.length;
  const { code, output } = await scripts.run('tell_sweep', ['failure', url]);
  expect([code, output.includes('is the address of a run'), api.requests.length]).toEqual([1, true, before]);
});
test('refuses a result that is none', async () => expect((await tell('skipped')).code).toBe(2));

test('the token stands in nothing that was printed or written', () => {
  expect(scripts.printed.length).toBeGreaterThan(30);
  expect(scripts.printed.join('\n') + JSON.stringify(api.issues)).not.toContain(TOKEN);
});
