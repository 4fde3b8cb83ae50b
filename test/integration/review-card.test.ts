import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { obeyed, type Rendered, renderAll } from '../support/github-markdown.ts';
import { type CardInputs, cardProject, MARKER, makeCard, renderCards } from '../support/review-card.ts';
import { build, facts, hostile, hoursAgo, manifestOf, PROD, ran, relation, sampleCard, table, texts } from '../support/sample-card.ts';

const results = ran({ unique_id: 'model.acme.fct', status: 'success', compiled: true });
const sound: CardInputs = { build: build(), manifest: manifestOf(), results, facts: facts(relation('fct', table(10), table(10))) };

const project = cardProject();
const cardOf = async (inputs: CardInputs, env: Record<string, string> = {}) => {
  const { code, card, printed } = await makeCard(project, { ...sound, ...inputs }, env);
  expect(code, printed).toBe(0);
  return card;
};
const rendered = async (card: string): Promise<Rendered> => {
  const [one] = await renderAll([card]);
  if (!one) throw new Error('nothing was rendered');
  return one;
};

describe('a card', () => {
  test('says of a pull request that changes nothing dbt builds that it built nothing, and not that something is missing', async () => {
    const card = await cardOf({ manifest: undefined, results: undefined, facts: { ...facts(), query: null } });
    expect(card).toContain('\nNothing that dbt builds was changed, so nothing was built.\n');
    expect(card).not.toMatch(/missing|ended early|No relation/);
    expect(await cardOf({ build: build({ built: false }), manifest: undefined, results: undefined })).toContain('**The results are missing**');
  });
  test.each(['skipped', 'error'])('shows no figure of what was not built (%s): what stands there is of an earlier push', async (status) => {
    const old = relation('fct', table(10), table(7), { added: [['a', 'integer']] });
    const card = await cardOf({ build: build({ built: false }), results: ran({ unique_id: 'model.acme.fct', status }), facts: facts(old) });
    expect(card).toContain(`\n| \`fct\` | ${status === 'error' ? 'failed' : 'skipped'} | 7 |  |  |\n`);
    expect(card).not.toMatch(/\+3|added/);
  });
  test('reads like this', async () => {
    const card = await cardOf(sampleCard);
    expect(card).toBe(`<!-- dbt-envs: acme -->
### \`pr_142\`: build failed, 1 test failed

commit \`4f2c9d8\` · slim: production has a manifest · production: \`9a8b7c6\`, built 29 hours ago

| relation | rows here | in prod | difference | columns |
|---|---:|---:|---:|---|
| \`broken\` | failed |  |  |  |
| \`wide\` | 50 | 50 | 0 | added \`a\` \`integer\`; removed \`b\`; retyped \`c\` from \`integer\` to \`bigint\` |
| \`big\` | ~2,000,000 | ~1,500,000 | ~+500,000 (+33.3 %) |  |
| \`fct\` | 1,200 | 1,000 | +200 (+20.0 %) |  |
| \`brand_new\` | 3 | not there | new |  |
| \`huge\` | large, 3.4 GB | 9 |  |  |
| \`same\` | 7 | 7 | 0 |  |
| \`stg\` | view | view |  |  |

**1 test failed**

- \`unique_fct_id\` of \`fct\`: 12 failing rows

<details><summary>1 failed and 1 skipped: why is in the job's log</summary>

- \`broken\` (model): failed in the warehouse
- \`model.acme.after\` (model): skipped, since something that it needs failed

</details>

<details><summary>1 test warned</summary>

- \`adds_up\` of \`fct\` and \`broken\`: 1 failing row

</details>

<details><summary>1 relation in production that nothing here makes: removed, newer on the main branch, or not dbt's</summary>

- \`analytics\` \`gone\`

</details>

\`\`\`sql
select * from pr_142.fct limit 100;
\`\`\`
`);
  });

  test('asks the warehouse once, under target ci, and prints what it wrote', async () => {
    const { card, printed } = await makeCard(project, sound);
    expect(printed).toBe(card);
    expect(readFileSync(path.join(project, 'called'), 'utf8')).toBe('--quiet run-operation review_card --target ci\n');
  });

  test.each([
    ['built', {}, {}],
    ['built, 2 checks failed', { built: true, problems: ['analytics is not granted', 'x names pr_12'] }, {}],
    ['build failed', { built: false }, { results: ran({ unique_id: 'model.acme.fct', status: 'error' }) }],
    ['build failed', { built: false }, { results: undefined }],
    ['2 tests failed', { built: false }, { results: ran(...['a', 'b'].map((name) => ({ unique_id: `test.acme.${name}`, status: 'fail', failures: 1 }))) }],
    ['1 test failed, 1 check failed', { built: false, problems: ['x'] }, { results: ran({ unique_id: 'unit_test.acme.a', status: 'fail' }) }],
    ['the build ended early', undefined, {}],
  ])('says "%s" in words', async (words, over, others) => {
    const card = await cardOf({ build: over && build(over), ...others });
    expect(card.split('\n')[1]).toBe(`### \`pr_142\`: ${words}`);
  });

  test.each([
    ['an hour', 0.5, 'built less than an hour ago'],
    ['a day', 25, 'built 25 hours ago'],
    ['days', 24 * 9, 'built 9 days ago'],
  ])('says how old production is: %s', async (_, hours, words) =>
    expect(await cardOf({ build: build({ production: { commit: PROD, built_at: hoursAgo(hours) } }) })).toContain(words),
  );
  test('says full and why, and that production has no state', async () =>
    expect(await cardOf({ build: build({ mode: 'full', why: 'there is no manifest yet', production: null }) })).toContain(
      'commit `4f2c9d8` · full: there is no manifest yet · production: no state',
    ));
  test('shows a query in the quotes that a warehouse needs', async () => {
    const query = 'select * from `acme-ci`.`pr_142`.`a|b` limit 100;';
    const card = await cardOf({ facts: { ...facts(relation('fct', table(1), table(1))), query } });
    const { texts } = await rendered(card);
    expect(texts.filter(({ within }) => within.includes('pre')).map(({ text }) => text)).toEqual([`${query}\n`]);
  });
  test('says that a table became a view', async () =>
    expect(await cardOf({ facts: facts(relation('x', { kind: 'view', rows: null }, table(4))) })).toContain('| view | 4 |  | was a table, is a view |'));
});

describe('what is missing is said, and the card is written all the same', () => {
  const cases: readonly [string, CardInputs, string][] = [
    ['build.json', { build: undefined }, 'The build ended before it said what it did'],
    ['run_results.json', { results: undefined }, '**The results are missing**'],
    ['manifest.json', { manifest: undefined }, "**dbt's manifest is missing**"],
    ['the facts', { facts: undefined }, '**Row counts and columns are missing**'],
    ['half a build.json', { build: '{"schema": "pr_1' }, 'The build ended before it said what it did'],
    ['facts that are none', { facts: 'Done.' }, '**Row counts and columns are missing**'],
    ['a build of nothing', { facts: facts() }, 'No relation of this project stands in the schema.'],
  ];
  test.each(cases)('%s', async (_, inputs, sentence) => expect(await cardOf(inputs)).toContain(sentence));
  test('everything', async () => {
    const { code, card, printed } = await makeCard(project, {});
    expect(code).toBe(0);
    for (const sentence of ['### `pr_142`: the build ended early', 'The build ended before', 'Row counts and columns are missing', 'The results are missing'])
      expect(card).toContain(sentence);
    expect(printed).toContain('review_card: the card has no facts from the warehouse: dbt run-operation review_card --target ci ended with 2.');
    expect(printed).not.toContain('secret-of-the-warehouse');
  });
  test('dbt itself', async () => {
    const { code, card, printed } = await makeCard(project, {}, { PATH: '/nowhere' });
    expect([code, card.includes('the build ended early'), printed.includes('dbt is not installed here')]).toEqual([0, true, true]);
  });

  test('no shape of JSON stops it', async () => {
    const leaf = fc.oneof(fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 1e300, '', 'x', 'pr_142', 'error', 'fail', 'model.a.b', [], {}), fc.string());
    const { any } = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 5 },
        leaf,
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom(
            ...['schema', 'commit', 'mode', 'why', 'production', 'built_at', 'built', 'problems', 'results', 'unique_id', 'status', 'failures', 'nodes'],
            ...['relations', 'here', 'prod', 'rows', 'exact', 'bytes', 'kind', 'columns', 'added', 'removed', 'retyped', 'left_in_prod', 'query', 'name', 'id'],
            ...['attached_node', 'depends_on', 'unit_tests', 'model.a.b'],
          ),
          tie('any'),
          { maxKeys: 6 },
        ),
      ),
    }));
    const shapes = fc.record({ build: any, manifest: any, results: fc.record({ results: fc.array(any) }), facts: fc.record({ relations: any, query: any }) });
    const cards = await renderCards(project, fc.sample(shapes, { numRuns: 2000, seed: 5 }));
    expect(cards).toHaveLength(2000);
    for (const card of cards) expect(card).toMatch(/^<!-- dbt-envs: acme -->\n### /);
  });
});

/** What is wrong with the cards of hostile texts, in words. */
async function findings(folder: string, given = texts): Promise<readonly string[]> {
  const cards = await renderCards(folder, given.map(hostile));
  const trees = await renderAll(cards);
  return trees.flatMap((tree, at) => {
    const rows = tree.rows.map(({ cells }) => cells.slice(1, 4).join());
    const wrong = [
      ...obeyed(tree, MARKER),
      // Printed, it is in the log of a job: the runner's own ActionCommand.cs says what it obeys there.
      ...(/##\[|^\s*::/m.test(cards[at] ?? '') ? ['a command to the runner'] : []),
      ...(tree.rows.every(({ cells }) => cells.length === 5) ? [] : ['a row of another width']),
      ...['rows here,in prod,difference', 'failed,,', '1,2,-1 (-50.0 %)'].filter((cells) => !rows.includes(cells)).map((cells) => `no row ${cells}`),
      ...(tree.rows.length === 4 ? [] : [`rows: ${tree.rows.length}`]),
      ...(tree.tags.filter(({ tag }) => tag === 'h3').length === 1 ? [] : ['another heading']),
      ...(tree.tags.some(({ tag, within }) => tag === 'details' && within.includes('details')) ? ['a fold in a fold'] : []),
    ];
    return wrong.map((one) => `${one} <- ${JSON.stringify(given[at]?.slice(0, 40))}`);
  });
}

describe('every text from outside is inert on GitHub', () => {
  test('in every place, as GitHub renders it', async () => expect(await findings(project)).toEqual([]));

  test.each<[string, string, string, RegExp]>([
    ['a name without its code span', 'return f"`{shown}`"', 'return shown', /tag (?:a|img|script)|mention/],
    ['a backtick in a name', 'ENDS = "`|"', 'ENDS = "|"', /tag img[\s\S]*mention|mention[\s\S]*tag img/],
    ['a pipe in a name', 'ENDS = "`|"', 'ENDS = "`"', /row|mention/],
    ['a line break and what cannot be seen', 'not text.isprintable() or ', '', /row|cannot be seen/],
    ['a filler that counts as a letter', '\\u3164', '\\u3163', /cannot be seen/],
    ['a sentence as it stands', 'word if WORD.fullmatch(word) else quoted(word)', 'word', /tag|mention/],
    ['a word of any letters', '[A-Za-z]+(?:', '\\S+(?:', /tag|mention/],
    ['a query as it stands', 'cannot_be_seen(query) or ', '', /cannot be seen|tag/],
    ['a command to the runner', '"##[", f', '"###[", f', /command to the runner/],
    ['a command to the runner in a query', '"##[" in query or ', '', /command to the runner/],
    ['no blank line after a summary', '</summary>", "",', '</summary>",', /row|text|mention/],
  ])('and a planted mistake is found: %s', async (_, from, to, finding) => {
    const before: string[] = [];
    const planted = cardProject((script) => {
      before.push(script);
      return script.replace(from, to);
    });
    expect(before.join('\n')).toContain(from);
    const found = await findings(
      planted,
      texts.filter((text) => !/\p{Cs}/u.test(text)),
    );
    expect(found.join('\n')).toMatch(finding);
  });
});

describe('secrets', () => {
  const SECRET = 'hunter2-of-ci';
  const planted = hostile(`${SECRET} and ${SECRET}`);
  const env = { DBT_ENV_SECRET_CI_PASSWORD: SECRET, OTHER_VARIABLE: 'value-of-another' };

  test('in names, in sentences, in messages and in the environment reach neither the card nor the log', async () => {
    for (const inputs of [planted, hostile(`x${SECRET}`), { ...planted, facts: undefined }]) {
      const { card, printed } = await makeCard(project, inputs, env);
      expect(card).toContain('*****');
      expect(card + printed).not.toContain(SECRET);
      expect(card + printed).not.toContain('value-of-another');
    }
  });
  test('and a message of the warehouse never does', async () => {
    const { card, printed } = await makeCard(project, {
      ...sound,
      results: ran(
        { unique_id: 'model.acme.a', status: 'error', message: 'invalid input syntax: "ana@example.com"', compiled: true },
        { unique_id: 'test.acme.b', status: 'error', message: 'invalid input syntax: "ana@example.com"' },
        { unique_id: 'test.acme.c', status: 'fail', message: 'Got 1 result, first is "ana@example.com"' },
      ),
    });
    expect(card).toContain('failed in the warehouse');
    expect(card + printed).not.toContain('ana');
  });
  test('and planted mistakes are found: a secret that is not taken out, a message on the card', async () => {
    const careless = cardProject((script) => script.replace('text.replace(secret, "*****")', 'text'));
    expect((await makeCard(careless, planted, env)).card).toContain(SECRET);
    const chatty = cardProject((script) => script.replace('            name=member(', '            name=one.get("message") or member('));
    const quoting = ran({ unique_id: 'model.a.b', status: 'error', message: 'invalid: "ana"' });
    expect((await makeCard(chatty, { ...sound, results: quoting })).card).toContain('ana');
  });
});

describe('one screen, and within the size of a comment', () => {
  const outsideFolds = (card: string): number =>
    card
      .replace(/<details>[\s\S]*?<\/details>/g, '')
      .split('\n')
      .filter((line) => /^(?:- |\| `)/.test(line)).length;
  const many = (count: number, name = (at: number) => `model_number_${at}`): CardInputs => ({
    build: build({ built: false, problems: Array.from({ length: 40 }, (_, at) => `Model ${name(at)} names pr_12`) }),
    manifest: manifestOf(
      Object.fromEntries([
        ...Array.from({ length: count }, (_, at) => [`model.acme.m${at}`, { name: name(at), alias: name(at) }]),
        ...Array.from({ length: count }, (_, at) => [`test.acme.t${at}`, { name: `not_null_${name(at)}`, attached_node: `model.acme.m${at}` }]),
      ]),
    ),
    results: ran(
      ...Array.from({ length: count }, (_, at) => ({ unique_id: `test.acme.t${at}`, status: at % 2 ? 'fail' : 'warn', failures: at })),
      ...Array.from({ length: count / 2 }, (_, at) => ({ unique_id: `model.acme.m${at}`, status: at % 2 ? 'error' : 'skipped' })),
    ),
    facts: {
      ...facts(
        ...Array.from({ length: count }, (_, at) =>
          relation(name(at), table(at), at % 3 ? table(at % 2 ? at : at + 5) : null, {
            added: Array.from({ length: 9 }, (__, n) => [`${name(at)}_${n}`, 'text']),
          }),
        ),
      ),
      left_in_prod: Array.from({ length: count }, (_, at) => ({ schema: 'analytics', name: name(at) })),
    },
  });

  test('500 relations: 25 lines outside folds, the rest folded, what is left out is counted', async () => {
    const card = await cardOf(many(500));
    expect(Buffer.byteLength(card)).toBeLessThan(60_000);
    expect(outsideFolds(card)).toBe(25);
    expect(card).toMatch(/\d+ left out: a comment has a limit\./);
    const tree = await rendered(card);
    expect(obeyed(tree, MARKER)).toEqual([]);
    expect(tree.rows.filter(({ folded }) => !folded)).toHaveLength(1 + 15);
    expect(card).toContain('select * from pr_142.fct limit 100;');
  });
  test('500 unchanged relations are all there: nothing is left out while there is room', async () => {
    const card = await cardOf({ facts: facts(...Array.from({ length: 500 }, (_, at) => relation(`model_number_${at}`, table(at), table(at)))) });
    expect(card).not.toContain('left out');
    expect(card.match(/`model_number_/g)).toHaveLength(500);
    expect(outsideFolds(card)).toBe(25);
  });
  test.each([
    ['longest names', (at: number) => `${at}${'x'.repeat(10_000)}`],
    ['names of four bytes a letter', (at: number) => `${at}${'𝐚'.repeat(10_000)}`],
    ['names that cannot be seen', (at: number) => `${at}${'\u202e'.repeat(10_000)}`],
  ])('500 relations with %s fit too', async (_, name) => {
    const card = await cardOf(many(500, name));
    expect(Buffer.byteLength(card)).toBeLessThan(60_000);
    expect(outsideFolds(card)).toBeGreaterThanOrEqual(5);
    expect(outsideFolds(card)).toBeLessThanOrEqual(25);
    expect(obeyed(await rendered(card), MARKER)).toEqual([]);
  });
  test('and planted mistakes are found: no limit, no screen', async () => {
    const { card } = await makeCard(
      cardProject((script) => script.replace('LIMIT = 60_000', 'LIMIT = 60_000_000')),
      many(500),
    );
    expect(Buffer.byteLength(card)).toBeGreaterThan(65_536);
    const tall = await makeCard(
      cardProject((script) => script.replace('SCREEN = 25', 'SCREEN = 250')),
      many(500),
    );
    expect(outsideFolds(tall.card)).toBeGreaterThan(25);
  });
});
