import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { obeyed, renderAll } from '../support/github-markdown.ts';
import { ATTACKS, UNSEEN, WORDS } from '../support/hostile-text.ts';
import { MARKER, makeReport, type ReportInputs, renderReports, reportProject } from '../support/sweep-report.ts';

const one = (schema: string, action: string, more: object = {}) => ({
  ...{ schema, action, why: 'nobody has used it', due: null, done: null, bytes: 8192, relations: 3, owner: 'acme_ci_service', took_along: [] },
  ...more,
});
const night = (over: object = {}) => ({
  ...{ at: '2026-11-27T03:43:00.123456Z', dry_run: false, ok: true, problems: [], notes: [], allowed: 25 },
  ...{ handover: 'an administrator hands it over by its name with grants/adopt_leftovers.sql', schemas: [] },
  ...over,
});
const ADMIN = { login: 'dba', how: 'superuser', verdict: 'administrator' };
const HOLE = { login: 'zoe', how: 'member of "acme_prod_service"', verdict: 'HOLE' };
const proof = (identity: string, login: string, over: object = {}) => ({ identity, login, at: '2026-11-20T09:00:00Z', acts: 29, wrong: 0, ...over });
const known = (over: object = {}) => ({
  ...{ at: '2026-11-27T03:45:00Z', can_write: [ADMIN], strangers: [], last_write_by_others: null, since: '2026-10-28' },
  proofs: [proof('dev', 'priya'), proof('ci', 'acme_ci_service'), proof('prod', 'acme_prod_service'), proof('janitor', 'acme_janitor')],
  storage: [{ environment: 'prod', who: null, schema: 'analytics', bytes: 1_000_000, bytes_then: 500_000 }],
  ...{ largest_dev: [], cleared: [] },
  ...over,
});

const project = reportProject();
const page = async (inputs: ReportInputs): Promise<string> => {
  const [text = ''] = await renderReports(project, [{ sweep: night(), facts: known(), ...inputs }]);
  return text;
};
/** What stands under a heading. */
const section = (text: string, title: string): string => text.split(/^#### /m).find((part) => part.startsWith(title)) ?? '';

describe('a page', () => {
  test('reads like this', async () => {
    const text = await page({
      sweep: night({
        schemas: [
          one('pr_12', 'clear', { why: 'pull request 12 was closed on 2026-11-19, 8 days ago', done: 'dropped', took_along: ['dev_sam.mine'] }),
          one('pr_8', 'clear', { why: 'pull request 8 was closed on 2026-11-10, 17 days ago', done: 'failed', bytes: null }),
          one('dev_sam', 'announce', { why: 'nobody has used it since 2026-10-30', due: '2026-11-29', owner: 'sam', bytes: 2_500_000_000 }),
          one('pr_13', 'announce', { why: 'pull request 13 was closed on 2026-11-21', due: '2026-11-28' }),
          one('pr_142', 'keep', { why: 'pull request 142 is open' }),
          one('dev_priya_test_v2_FINAL_for_real', 'report', { owner: 'dbt_shared', bytes: 12_000_000_000, relations: 3000 }),
        ],
      }),
      facts: known({
        can_write: [ADMIN, HOLE],
        storage: [
          { environment: 'prod', who: null, schema: 'analytics', bytes: 1_000_000, bytes_then: 500_000 },
          { environment: 'ci', who: '142', schema: 'pr_142', bytes: 2000, bytes_then: 0 },
          { environment: 'dev', who: 'priya', schema: 'dev_priya', bytes: 3000, bytes_then: 3000 },
          { environment: 'dev', who: 'sam', schema: 'dev_sam', bytes: 2_500_000_000, bytes_then: 500_000_000 },
        ],
        largest_dev: [{ relation: 'dev_sam.fct_events', bytes: 2_400_000_000 }],
        cleared: [{ schema: 'pr_131', at: '2026-11-26T03:43:07Z', how: 'dropped', bytes: 1_048_576 }],
      }),
    });
    expect(text).toBe(`<!-- dbt-envs report: acme -->
### Environments of \`acme\`, 27 November 2026

#### Did it happen again?

**No sign of it, but it can**: every relation of production belongs to its service, and 1 hole in the boundary is open.

Last write by anyone else: unknown. This warehouse keeps no record of writes that could be asked.

#### What goes in the next three days

What stops it: a build by its developer, the pull request being opened again, or a pin (\`dbt run-operation keep_schema\`).

| goes on | schema | made by | size | why |
|---|---|---|---:|---|
| 2026-11-28 | \`pr_13\` | \`acme_ci_service\` | 8.2 kB | pull request 13 was closed on \`2026-11-21\` |
| 2026-11-29 | \`dev_sam\` | \`sam\` | 2.5 GB | nobody has used it since \`2026-10-30\` |

#### Who can write production

| verdict | login | how |
|---|---|---|
| **HOLE** | \`zoe\` | member of \`"acme_prod_service"\` |
| administrator | \`dba\` | superuser |

#### When the boundary was last tried, under each login

| login | is | tried | acts | outcome |
|---|---|---|---:|---|
| \`priya\` | \`dev\` | 2026-11-20 09:00 UTC, 7 days ago | 29 | as it should be |
| \`acme_ci_service\` | \`ci\` | 2026-11-20 09:00 UTC, 7 days ago | 29 | as it should be |
| \`acme_prod_service\` | \`prod\` | 2026-11-20 09:00 UTC, 7 days ago | 29 | as it should be |
| \`acme_janitor\` | \`janitor\` | 2026-11-20 09:00 UTC, 7 days ago | 29 | as it should be |

#### Storage

| environment | now | on 2026-10-28 | difference |
|---|---:|---:|---:|
| \`prod\` | 1.0 MB | 500.0 kB | +500.0 kB (+100 %) |
| \`ci\` | 2.0 kB | 0 B | +2.0 kB |
| \`dev\` | 2.5 GB | 500.0 MB | +2.0 GB (+400 %) |

<details><summary>By developer: 2</summary>

| developer | now | on 2026-10-28 | difference |
|---|---:|---:|---:|
| \`sam\` | 2.5 GB | 500.0 MB | +2.0 GB (+400 %) |
| \`priya\` | 3.0 kB | 3.0 kB | +0 B (+0 %) |

</details>

<details><summary>Largest tables in dev: 1</summary>

| table | size |
|---|---:|
| \`dev_sam.fct_events\` | 2.4 GB |

</details>

#### What the sweep did at 2026-11-27 03:43 UTC

5 schemas of this project, 2 due: 1 dropped, 1 failed.

| done | schema | why | size | went along |
|---|---|---|---:|---|
| **FAILED** | \`pr_8\` | pull request 8 was closed on \`2026-11-10\`, 17 days ago | unknown |  |
| dropped | \`pr_12\` | pull request 12 was closed on \`2026-11-19\`, 8 days ago | 8.2 kB | \`dev_sam.mine\` |

<details><summary>What stays, and why: 1</summary>

| schema | size | why |
|---|---:|---|
| \`pr_142\` | 8.2 kB | pull request 142 is open |

</details>

#### Schemas of others

They are called like an environment, and are not this project's. The sweep never touches them. To have one cleared: an administrator hands it over by its name with \`grants/adopt_leftovers.sql\`.

| schema | owner | relations | size |
|---|---|---:|---:|
| \`dev_priya_test_v2_FINAL_for_real\` | \`dbt_shared\` | 3,000 | 12.0 GB |

#### Cleared in the last 30 days

1 schema, 1.0 MB together.

<details><summary>Which</summary>

| when | schema | how | size |
|---|---|---|---:|
| 2026-11-26 03:43 UTC | \`pr_131\` | dropped | 1.0 MB |

</details>
`);
  });

  test('is written beside its facts; dbt is asked once, under target ci, and the exit status is 0', async () => {
    const { code, page: text, printed } = await makeReport(project, { sweep: night({ at: new Date().toISOString() }), facts: known() });
    expect([code, printed]).toEqual([0, 'sweep_report: the page is target/dbt_envs/report.md.\n']);
    expect(text).toContain('**No sign of it**');
    const facts = JSON.parse(readFileSync(path.join(project, 'target/dbt_envs/report.json'), 'utf8'));
    expect(Object.keys(facts)).toEqual(['sweep', 'facts']);
    expect(readFileSync(path.join(project, 'called'), 'utf8')).toMatch(/^--quiet run-operation report --target ci --target-path \S+\n$/);
  });
});

describe('did it happen again', () => {
  const answer = async (facts: object | undefined): Promise<string> => {
    const [text = ''] = await renderReports(project, [{ sweep: night(), facts }]);
    return section(text, 'Did it').split('\n')[2] ?? '';
  };
  test('a stranger in production: it did, and which relation it is', async () => {
    expect(await answer(known({ strangers: [{ relation: 'analytics.fct_old', owner: 'dbt_shared' }] }))).toBe(
      '**It happened again**: production has 1 relation that its service does not own.',
    );
    const text = await page({ facts: known({ strangers: [{ relation: 'analytics.fct_old', owner: null }] }) });
    expect(section(text, 'Did it')).toContain('| `analytics.fct_old` | unknown |');
  });
  test('a write by somebody else in these 30 days: it did, and who it was', async () => {
    const text = await page({ facts: known({ last_write_by_others: { at: '2026-11-26T10:00:00Z', login: 'zoe', relation: 'analytics.fct_revenue' } }) });
    expect(text).toContain('**It happened again**: somebody else wrote to production at 2026-11-26 10:00 UTC.');
    expect(text).toContain('Last write by anyone else: 2026-11-26 10:00 UTC by `zoe` in `analytics.fct_revenue`, 19 hours ago.');
  });
  test('an older one is told with its age, and is not "again"', async () => {
    const text = await page({ facts: known({ last_write_by_others: { at: '2026-09-01T10:00:00Z', login: 'zoe' } }) });
    expect(text).toContain('**No sign of it**');
    expect(text).toContain('Last write by anyone else: 2026-09-01 10:00 UTC by `zoe`, 87 days ago.');
  });
  test.each<[string, object | undefined]>([
    ['nobody asked', undefined],
    ['owners were not looked at', known({ strangers: null })],
    ['who can write was not looked at', known({ can_write: null })],
    ['an answer of another shape', { strangers: 'none', can_write: 'nobody' }],
    ['an empty answer', {}],
  ])('"no" is never said of what was not looked at: %s', async (_, facts) => {
    expect(await answer(facts)).toMatch(/^\*\*Unknown\*\*/);
  });
  test('a hole: no sign of it, but it can', async () =>
    expect(await answer(known({ can_write: [HOLE, ADMIN] }))).toMatch(/^\*\*No sign of it, but it can\*\*: .*1 hole/));
  test('an act that came out wrong: no sign of it, but it can', async () =>
    expect(await answer(known({ proofs: [proof('dev', 'priya', { wrong: 2 })] }))).toBe(
      '**No sign of it, but it can**: every relation of production belongs to its service, and 2 acts came out wrong when the boundary was last tried.',
    ));
  test('before the first deploy there is nothing to say "no" of', async () =>
    expect(await answer(known({ storage: [{ environment: 'prod', who: null, schema: 'analytics', bytes: 0, bytes_then: null }] }))).toBe(
      '**Nothing to look at yet**: production is empty.',
    ));
  test('nobody else can write: said in full', async () =>
    expect(await answer(known({ can_write: [] }))).toBe(
      '**No sign of it**: every relation of production belongs to its service, and nobody else can write there.',
    ));
  test.each<[string, string, string]>([
    ['"no" where nobody looked', 'elif not isinstance(strangers, list):', 'elif False:'],
    ['"no" where the writers are unknown', 'elif not isinstance(writers, list):', 'elif False:'],
  ])('and a planted mistake is found: %s', async (_, from, to) => {
    const planted = reportProject((script) => script.replace(from, to));
    const texts = await renderReports(planted, [
      { sweep: night(), facts: known({ strangers: null }) },
      { sweep: night(), facts: known({ can_write: null }) },
    ]);
    expect(texts.some((text) => !section(text, 'Did it').includes('**Unknown**'))).toBe(true);
  });
});

describe('what is null is unknown', () => {
  const nothing = Object.fromEntries(Object.keys(known()).map((key) => [key, null]));
  const blank = (text: string): readonly string[] => text.split('\n').filter((line) => /^\|.*\|\s*\|/.test(line.replace(/^\| \|/, '|')));

  test('everything', async () => {
    const text = await page({ facts: nothing });
    for (const title of ['Did it', 'Who can', 'When the boundary', 'Storage', 'Cleared']) expect(section(text, title), title).toMatch(/unknown/i);
  });
  test('and where the sweep did not come to look, nobody says "nothing"', async () => {
    for (const sweep of [undefined, night({ at: null, ok: false, problems: ['GitHub does not answer.'] })]) {
      const text = await page({ sweep });
      for (const title of ['What goes', 'What the sweep', 'Schemas of others']) expect(section(text, title), title).toContain('Unknown: ');
    }
  });
  test('single facts: no 0, and no blank cell', async () => {
    const text = await page({
      sweep: night({
        schemas: ['clear', 'announce', 'keep', 'report'].map((action) =>
          one(`pr_${action.length}`, action, {
            why: null,
            bytes: null,
            relations: null,
            owner: null,
            done: action === 'clear' ? 'dropped' : null,
            took_along: ['x'],
          }),
        ),
      }),
      facts: known({
        can_write: [{ login: null, how: null, verdict: null }],
        proofs: [{ identity: null, login: null, at: null, acts: null, wrong: null }],
        storage: [{ environment: 'dev', who: null, schema: 'dev_x', bytes: null, bytes_then: null }],
        since: null,
        largest_dev: [{ relation: null, bytes: null }],
        cleared: [{ schema: 'pr_1', at: null, how: null, bytes: null }],
      }),
    });
    expect(blank(text)).toEqual([]);
    expect(section(text, 'Storage')).toContain('| environment | now | 30 days ago | difference |');
    expect(section(text, 'Storage')).toContain('| `prod` | unknown | unknown | unknown |');
    expect(section(text, 'Storage')).toContain('| `dev` | unknown | unknown | unknown |');
    expect(section(text, 'Cleared')).toContain('| unknown | `pr_1` | unknown | unknown |');
    expect(section(text, 'When the boundary')).toContain('| (no name) | unknown | unknown | unknown | unknown |');
  });
  test('one unknown size makes the sum of its environment unknown, and no other', async () => {
    const text = await page({
      facts: known({
        storage: [
          { environment: 'prod', schema: 'analytics', bytes: 1000, bytes_then: 1000 },
          { environment: 'ci', schema: 'pr_1', bytes: 1000, bytes_then: null },
          { environment: 'ci', schema: 'pr_2', bytes: 1000, bytes_then: 0 },
        ],
      }),
    });
    expect(section(text, 'Storage')).toContain(
      '| `prod` | 1.0 kB | 1.0 kB | +0 B (+0 %) |\n| `ci` | 2.0 kB | unknown | unknown |\n| `dev` | 0 B | 0 B | +0 B |',
    );
  });
  test('identities that nobody has tried are named', async () =>
    expect(section(await page({ facts: known({ proofs: [proof('ci', 'c', { wrong: 2 })] }) }), 'When the boundary')).toMatch(
      /\*\*2 WRONG\*\*[\s\S]*Never, as far as is known: a developer, production's service, the janitor\./,
    ));
  test('a time that is still to come is not "ago"', async () =>
    expect(section(await page({ facts: known({ proofs: [proof('dev', 'priya', { at: '2026-12-01T00:00:00Z' })] }) }), 'When the boundary')).toContain(
      '2026-12-01 00:00 UTC, which is still to come',
    ));
  test.each<[string, string, string]>([
    ['0 for an unknown size', 'if number is None or number < 0:\n        return UNKNOWN', 'if number is None:\n        return "0 B"'],
    ['a sum of what is known', 'if None not in numbers else None', ''],
    ['a blank for an unknown owner', 'else UNKNOWN\n\n\ndef how', 'else ""\n\n\ndef how'],
  ])('and a planted mistake is found: %s', async (_, from, to) => {
    const planted = reportProject((script, name) => {
      if (name === 'sweep_report.py') expect(script).toContain(from);
      return script.replace(from, to);
    });
    const storage = [
      { environment: 'ci', schema: 'pr_1', bytes: null, bytes_then: null },
      { environment: 'ci', schema: 'pr_2', bytes: 5, bytes_then: 5 },
    ];
    const [text = ''] = await renderReports(planted, [{ sweep: night({ schemas: [one('pr_1', 'report', { owner: null })] }), facts: known({ storage }) }]);
    expect(section(text, 'Storage').includes('| `ci` | unknown | unknown | unknown |') && blank(text).length === 0).toBe(false);
  });
});

describe('compute', () => {
  const used = [
    { environment: 'dev', who: 'sam', amount: 12.34, amount_before: 2 },
    { environment: 'dev', who: 'priya', amount: 30, amount_before: 30.04 },
    { environment: 'ci', who: null, amount: 5, amount_before: 0 },
    { environment: 'prod', who: null, amount: 1120, amount_before: 1000 },
  ];
  const compute = async (given: unknown, unit: unknown = 'credits'): Promise<string> =>
    section(await page({ facts: known({ compute: { unit, used: given } }) }), 'Compute');
  test('is said where the warehouse says it: by environment, and by developer with the dearest first', async () =>
    expect((await compute(used)).trim()).toBe(`Compute, in credits

| environment | last 30 days | 30 days before | difference |
|---|---:|---:|---:|
| \`prod\` | 1,120.0 | 1,000.0 | +120.0 (+12 %) |
| \`ci\` | 5.0 | 0.0 | +5.0 |
| \`dev\` | 42.3 | 32.0 | +10.3 (+32 %) |

<details><summary>By developer: 2</summary>

| developer | last 30 days | 30 days before | difference |
|---|---:|---:|---:|
| \`priya\` | 30.0 | 30.0 | +0.0 (+0 %) |
| \`sam\` | 12.3 | 2.0 | +10.3 (+517 %) |

</details>`));
  test('in bytes is said as a size', async () => {
    const bytes = [
      { environment: 'dev', who: 'priya', amount: 3.5e12, amount_before: 7e12 },
      { environment: 'prod', who: null, amount: 2_000_000_000, amount_before: 0 },
    ];
    const text = await compute(bytes, 'bytes billed');
    expect(text).toContain('Compute, in bytes billed\n');
    expect(text).toContain('| `prod` | 2.0 GB | 0 B | +2.0 GB |');
    expect(text).toContain('| `priya` | 3.5 TB | 7.0 TB | -3.5 TB (-50 %) |');
  });
  test('has no place on the page of a warehouse that is not paid by use', async () => expect(await page({ facts: known() })).not.toContain('Compute'));
  test('is unknown where one of its numbers is, and never 0', async () => {
    for (const unknown of [await compute(null), await compute(used, null), section(await page({ facts: known({ compute: null }) }), 'Compute')])
      expect(unknown).toContain('Unknown.');
    expect(await compute([])).toContain('None in the last 60 days.');
    for (const odd of [null, '5', true, [5], 1e300])
      expect(await compute([...used, { environment: 'ci', who: null, amount: odd, amount_before: 0 }])).toContain('| `ci` | unknown | 0.0 | unknown |');
  });
});

describe('a sweep that failed is said first, and the page is written all the same', () => {
  const first = (text: string): string => text.split('\n')[3] ?? '';
  test.each<[string, unknown, string]>([
    ['no result', undefined, '- It left no result'],
    ['half a result', '{"at": "2026', '- It left no result'],
    [
      'problems',
      night({ ok: false, problems: ['pr_8 could not be cleared: lock timeout', 'pr_9 too'] }),
      '- `pr_8` could not be cleared: lock timeout\n- `pr_9` too\n',
    ],
    ['not ok and silent', night({ ok: false }), '- It does not say why'],
    ['ok that is not true', night({ ok: 'yes' }), '- It does not say why'],
    ['last week', night({ at: '2026-11-20T03:43:00Z' }), '- Its result is of 2026-11-20 03:43 UTC: it has not run since.'],
  ])('%s', async (_, sweep, line) => {
    const { code, page: text } = await makeReport(project, { sweep, facts: known() });
    expect(code).toBe(0);
    expect(first(text)).toBe('**THE SWEEP FAILED.** What it was to clear may still be there.');
    expect(text).toContain(line);
  });
  test('one that did not is not called so', async () => expect(await page({})).not.toContain('FAILED'));
  test('where the warehouse does not answer, the status is 1 and the page says what is known', async () => {
    for (const facts of [undefined, 'Done.', '[1]']) {
      const { code, page: text, printed } = await makeReport(project, { sweep: night({ schemas: [one('pr_7', 'clear', { done: 'dropped' })] }), facts });
      expect(code).toBe(1);
      expect(text).toContain('**The warehouse could not be asked**');
      expect(text).toContain('| dropped | `pr_7` |');
      expect(text).toContain('**Unknown**');
      expect(printed).toContain('sweep_report: the page lacks what only the warehouse knows: dbt run-operation report failed');
    }
  });
  test('where dbt cannot be started, too', async () => {
    const broken = reportProject();
    writeFileSync(path.join(broken, 'bin/dbt'), 'no program');
    const { code, page: text } = await makeReport(broken, { sweep: night() });
    expect([code, text.includes('**The warehouse could not be asked**')]).toEqual([1, true]);
  });
  test('where dbt is missing, too', async () => {
    const { code, page: text, printed } = await makeReport(project, {}, { PATH: '/nowhere' });
    expect([code, text.includes('**THE SWEEP FAILED.**'), printed.includes('dbt is not installed here')]).toEqual([1, true, true]);
  });
  test('a trial says that nothing was cleared', async () => {
    const text = await page({ sweep: night({ dry_run: true, notes: ['30 schemas are due'], schemas: [one('pr_7', 'clear', { done: 'dropped' })] }) });
    expect(section(text, 'What the sweep')).toMatch(/\*\*A trial: nothing was cleared\.\*\*[\s\S]*30 schemas are due[\s\S]*\| would be dropped \| `pr_7` \|/);
    expect(text).toContain('1 schema of this project, 1 due: 1 would be dropped.');
  });
  test('more than may go: each is there, and not cleared', async () =>
    expect(await page({ sweep: night({ ok: false, problems: ['40 are due'], schemas: [one('pr_7', 'clear')] }) })).toContain('| not cleared | `pr_7` |'));
});

const TRICKS = [
  '`@acme/team`',
  '|',
  '\\|',
  'a\\',
  'x\n\n#### heading\n\n| a |\n|---|\n',
  '<img src=x onerror=alert(1)>',
  '</details><script>alert(1)</script>',
  '@acme/team',
];
const MORE = [
  '#123',
  '[x](http://example.com)',
  'https://example.com',
  '$x$',
  ':tada:',
  '##[add-mask]x',
  '::error::x',
  '--> <b>x</b> <!--',
  '\ud800',
  '`'.repeat(9000),
  '',
];
const texts = [...new Set([...TRICKS, ...MORE, ...ATTACKS, ...UNSEEN, ...UNSEEN.map((text) => `a${text}b`), ...WORDS])];
/** One hostile text in every place where a text may come from. */
const hostile = (text: string): ReportInputs => ({
  sweep: night({
    ok: false,
    problems: [text, `Schema ${text} is @wrong #1`],
    notes: [text],
    handover: text,
    schemas: ['clear', 'announce', 'keep', 'report', text].map((action, at) => {
      const said = { why: `${text} since ${text}`, owner: text, due: at % 2 ? text : '2026-11-29', took_along: [text, text] };
      return one(text, action, { ...said, done: action === 'clear' ? 'dropped' : at === 4 ? text : null });
    }),
  }),
  facts: {
    at: text,
    since: text,
    can_write: [HOLE, { login: text, how: text, verdict: text }],
    strangers: [{ relation: text, owner: text }],
    last_write_by_others: { at: '2026-11-26T10:00:00Z', login: text, relation: text },
    proofs: [{ identity: text, login: text, at: text, acts: text, wrong: text }],
    storage: [
      { environment: `of ${text}`, who: text, schema: text, bytes: 1, bytes_then: 1 },
      ...['dev'].map((environment) => ({ environment, who: text, bytes: 1, bytes_then: 1 })),
    ],
    largest_dev: [{ relation: text, bytes: 1 }],
    cleared: [{ schema: text, at: text, how: text, bytes: 1 }],
    compute: {
      unit: text,
      used: [
        { environment: `of ${text}`, who: text, amount: 1, amount_before: 1 },
        { environment: 'dev', who: text, amount: text, amount_before: 1 },
      ],
    },
  },
});
/** How many cells a row of each table has. */
const WIDTHS = new Set([2, 3, 4, 5]);
async function findings(folder: string, given = texts): Promise<readonly string[]> {
  const pages = await renderReports(folder, given.map(hostile));
  const trees = await renderAll(pages);
  return trees.flatMap((tree, at) => {
    const headings = tree.tags.filter(({ tag }) => /^h[1-6]$/.test(tag)).map(({ tag }) => tag);
    const wrong = [
      ...obeyed(tree, MARKER, ['h4']),
      ...(/##\[|^\s*::/m.test(pages[at] ?? '') ? ['a command to the runner'] : []),
      ...tree.rows.filter(({ cells }) => !WIDTHS.has(cells.length)).map(({ cells }) => `a row of ${cells.length}`),
      // A cell too many takes the last one's place.
      ...(tree.rows.filter(({ cells }) => cells.at(-1) === '1 B').length === 2 ? [] : ['a row without its size']),
      ...(tree.rows.length === 32 ? [] : [`rows: ${tree.rows.length}`]),
      ...(headings.join() === ['h3', ...Array.from({ length: 9 }, () => 'h4')].join() ? [] : [`headings: ${headings.join()}`]),
      ...(tree.tags.some(({ tag, within }) => tag === 'details' && within.includes('details')) ? ['a fold in a fold'] : []),
    ];
    return wrong.map((finding) => `${finding} <- ${JSON.stringify(given[at]?.slice(0, 40))}`);
  });
}

describe('every text from outside is inert on GitHub', () => {
  test('in every place, as GitHub renders it', async () => expect(await findings(project)).toEqual([]));
  test.each<[string, string, string, RegExp]>([
    ['a name without its code span', 'return f"`{shown}`"', 'return shown', /tag (?:a|img|script)|mention/],
    ['a pipe in a name', 'ENDS = "`|"', 'ENDS = "`"', /row|mention/],
    ['a verdict as it stands', 'else prose(member(one, "verdict"))', 'else member(one, "verdict")', /tag|mention|row/],
    [
      'a date as it stands',
      'return value if isinstance(value, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value)',
      'return value if isinstance(value, str)',
      /tag|mention|row/,
    ],
    ['how it was cleared as it stands', 'str(how) if how in ("dropped", "emptied") else', 'str(how) if True else', /tag|mention|row/],
  ])('and a planted mistake is found: %s', async (_, from, to, finding) => {
    const before: string[] = [];
    const planted = reportProject((script) => {
      before.push(script);
      return script.replace(from, to);
    });
    expect(before.join('\n')).toContain(from);
    const printable = texts.filter((text) => !/\p{Cs}/u.test(text));
    expect((await findings(planted, printable)).join('\n')).toMatch(finding);
  });
  test('a secret that stands in a fact does not reach the page', async () => {
    const { page: text } = await makeReport(project, hostile('hunter2-of-ci and hunter2-of-ci'), { DBT_ENV_SECRET_CI_PASSWORD: 'hunter2-of-ci' });
    expect(text).toContain('*****');
    expect(text).not.toContain('hunter2');
  });
});

test('no shape of JSON stops it', async () => {
  const leaf = fc.oneof(
    fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 1e300, '', 'clear', 'dropped', '2026-11-27T03:43:00Z', '2026-11-27', [], {}),
    fc.string(),
  );
  const { any } = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom(
          ...['at', 'ok', 'dry_run', 'problems', 'notes', 'handover', 'schemas', 'schema', 'action', 'why', 'due', 'done', 'bytes', 'relations', 'owner'],
          ...['took_along', 'can_write', 'login', 'how', 'verdict', 'strangers', 'relation', 'last_write_by_others', 'proofs', 'identity', 'acts', 'wrong'],
          ...['since', 'storage', 'environment', 'who', 'bytes_then', 'largest_dev', 'cleared', 'compute', 'unit', 'used', 'amount', 'amount_before'],
        ),
        tie('any'),
        { maxKeys: 6 },
      ),
    ),
  }));
  const list = fc.array(
    fc.record({ schema: any, action: leaf, due: any, done: any, at: any, environment: any, who: any, bytes: any, login: any, verdict: any }),
    { maxLength: 3 },
  );
  const sweep = fc.record({ at: leaf, ok: any, problems: any, schemas: fc.oneof(any, list) });
  const facts = fc.record({
    can_write: fc.oneof(any, list),
    strangers: any,
    last_write_by_others: any,
    proofs: fc.oneof(any, list),
    storage: fc.oneof(any, list),
    since: leaf,
  });
  const pages = await renderReports(project, fc.sample(fc.record({ sweep: fc.oneof(any, sweep), facts: fc.oneof(any, facts) }), { numRuns: 2000, seed: 6 }));
  expect(pages).toHaveLength(2000);
  for (const text of pages) expect(text.match(/^#### /gm)).toHaveLength(text.includes('#### Compute') ? 9 : 8);
});

describe('a screen or two, and within the size of a job summary', () => {
  const MIB = 1024 * 1024;
  const many = (count: number, name: (at: number) => string): ReportInputs => {
    const all = <T>(make: (at: number) => T): readonly T[] => Array.from({ length: count }, (_, at) => make(at));
    const actions = ['clear', 'announce', 'keep', 'report'];
    return {
      sweep: night({
        ok: false,
        problems: all((at) => `${name(at)} could not be cleared`),
        schemas: all((at) => one(name(at), actions[at % 4] ?? '', { why: `${name(at)} is due`, owner: name(at), due: '2026-11-29', took_along: [name(at)] })),
      }),
      facts: known({
        can_write: all((at) => ({ login: name(at), how: `${name(at)} ${name(at)}`, verdict: at % 2 ? 'HOLE' : 'accepted' })),
        strangers: all((at) => ({ relation: name(at), owner: name(at) })),
        proofs: all((at) => proof(name(at), name(at))),
        storage: all((at) => ({ environment: 'dev', who: name(at), schema: name(at), bytes: at, bytes_then: at })),
        largest_dev: all((at) => ({ relation: name(at), bytes: at })),
        cleared: all((at) => ({ schema: name(at), at: '2026-11-26T03:43:07Z', how: 'dropped', bytes: 1 })),
      }),
    };
  };
  const outside = (text: string): number =>
    text
      .replace(/<details>[\s\S]*?<\/details>/g, '')
      .split('\n')
      .filter((line) => /^(?:- |\| )/.test(line)).length;

  test.each<[string, (at: number) => string]>([
    ['plain names', (at) => `dev_number_${at}`],
    ['names of four bytes a letter', (at) => `${at}${'𝐚'.repeat(300)}`],
    ['names that cannot be seen', (at) => `${at}${'\u202e'.repeat(300)}`],
  ])('10,000 schemas with %s', async (_, name) => {
    const text = await page(many(10_000, name));
    expect(Buffer.byteLength(text)).toBeLessThan(MIB);
    expect(outside(text)).toBeLessThanOrEqual(90);
    const [tree] = await renderAll([text]);
    expect(tree && obeyed(tree, MARKER, ['h4'])).toEqual([]);
    for (const title of ['Did it', 'What goes', 'Who can', 'When the boundary', 'Storage', 'What the sweep', 'Schemas of others', 'Cleared'])
      expect(section(text, title), title).toMatch(/and [\d,]+ more: /);
  });
  test('holes come first, however many there are besides', async () => {
    const writers = [...Array.from({ length: 200 }, (_, at) => ({ ...ADMIN, login: `a${at}` })), HOLE];
    expect(section(await page({ facts: known({ can_write: writers }) }), 'Who can').split('\n')[4]).toContain('| **HOLE** | `zoe` |');
  });
  test('an administrator has one line, however many ways there are; every hole has its own', async () => {
    const ways = (login: string, verdict: string) => [1, 2, 3, 4, 5].map((at) => ({ login, how: `way ${at}`, verdict }));
    const text = section(await page({ facts: known({ can_write: [...ways('dba', 'administrator'), ...ways('zoe', 'HOLE')] }) }), 'Who can');
    expect(text).toContain('| administrator | `dba` | way 1, way 2, way 3 and 2 more |');
    expect(text.match(/HOLE/g)).toHaveLength(5);
  });
  test('and a planted mistake is found: no limit', async () => {
    const planted = reportProject((script) => script.replace('MOST = 50', 'MOST = 50_000').replace('LIMIT = 900_000', 'LIMIT = 900_000_000'));
    const [text = ''] = await renderReports(planted, [many(10_000, (at) => `dev_number_${at}`)]);
    expect(Buffer.byteLength(text)).toBeGreaterThan(MIB);
  });
});
