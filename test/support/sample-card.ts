import { ATTACKS, UNSEEN, WORDS } from './hostile-text.ts';
import type { CardInputs } from './review-card.ts';

/** What a build and a warehouse say, in small; and the same with one hostile text in every place where a text may come from. */
export const HEAD = '4f2c9d8e1b7a6053c2d1e0f9a8b7c6d5e4f3a2b1';
export const PROD = '9a8b7c6d5e4f3a2b14f2c9d8e1b7a6053c2d1e0f';
export const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();
export const build = (over: object = {}) => ({
  schema: 'pr_142',
  commit: HEAD,
  mode: 'slim',
  why: 'production has a manifest',
  production: { commit: PROD, built_at: hoursAgo(5) },
  built: true,
  problems: [],
  ...over,
});
export const table = (rows: number | null, over: object = {}) => ({ kind: 'table', bytes: 8192, exact: rows !== null, rows, ...over });
export const relation = (name: string, here: object, prod: object | null, columns: object = {}) => ({
  id: `model.acme.${name}`,
  name,
  here,
  prod,
  columns: prod && { added: [], removed: [], retyped: [], ...columns },
});
export const facts = (...relations: object[]) => ({ schema: 'pr_142', relations, left_in_prod: [], query: 'select * from pr_142.fct limit 100;' });
export const ran = (...results: object[]) => ({ results });
export const manifestOf = (nodes: Record<string, object> = {}) => ({ metadata: { project_name: 'acme' }, nodes, unit_tests: {} });

/** A build in which everything happens that a card may say. */
export const sampleCard: CardInputs = {
  build: build({ built: false, production: { commit: PROD, built_at: hoursAgo(29) } }),
  manifest: manifestOf({
    'model.acme.broken': { name: 'broken', alias: 'broken' },
    'model.acme.fct': { name: 'fct', alias: 'fct' },
    'test.acme.unique_fct_id.1a': { name: 'unique_fct_id', attached_node: 'model.acme.fct' },
    'test.acme.adds_up': { name: 'adds_up', attached_node: null, depends_on: { nodes: ['model.acme.fct', 'model.acme.broken'] } },
  }),
  results: ran(
    { unique_id: 'model.acme.broken', status: 'error', compiled: true, message: 'Database Error: "ana@example.com"' },
    { unique_id: 'model.acme.after', status: 'skipped', compiled: false },
    { unique_id: 'test.acme.unique_fct_id.1a', status: 'fail', failures: 12, message: 'Got 12 results' },
    { unique_id: 'test.acme.adds_up', status: 'warn', failures: 1 },
  ),
  facts: {
    ...facts(
      relation('fct', table(1200), table(1000)),
      relation('same', table(7), table(7)),
      relation('stg', { kind: 'view', bytes: null, exact: false, rows: null }, { kind: 'view', bytes: null, exact: false, rows: null }),
      relation('brand_new', table(3), null),
      relation('wide', table(50), table(50), { added: [['a', 'integer']], removed: [['b', 'text']], retyped: [['c', 'integer', 'bigint']] }),
      relation('big', table(2_000_000, { exact: false }), table(1_500_000, { exact: false })),
      relation('huge', table(null, { bytes: 3_400_000_000 }), table(9)),
    ),
    left_in_prod: [{ schema: 'analytics', name: 'gone' }],
  },
};

const TRICKS = [
  '`',
  '``` ```',
  '`a`|`b`',
  '`<img src=x onerror=alert(1)>`',
  '`@acme/team`',
  '``[x](http://example.com)``',
  '|',
  '\\|',
  '\\\\|',
  'a\\',
  'x\n\n# heading\n\n| a |\n|---|\n',
  '<img src=x onerror=alert(1)>',
  '</details><script>alert(1)</script>',
  '@acme/team',
  'ana@example.com',
  '#123',
  'GH-12',
  'acme/dbt#5',
  HEAD,
  '[x](http://example.com)',
  '](http://example.com)',
  '![x](http://example.com/x.png)',
  'https://example.com',
  'www.example.com',
  '$(id)',
  '$x$',
  '$`x`$',
  ':tada:',
  '##[add-mask]x',
  '###[error]x',
  '::error::x',
  '-->',
  '--> <b>x</b> <!--',
  '&lt;b&gt; &#64;team',
  '**bold** _it_ ~~no~~',
  '\u202egnp.exe',
  'zero\u200bwidth',
  '\u2066@team\u2069',
  '\u034f\u3164\u2800',
  '\ud800',
  'x'.repeat(10_000),
  '`'.repeat(10_000),
  '\u{10ffff}'.repeat(10_000),
  '漢字',
  'a  b ',
  ' ',
  '',
];
/** One hostile text in every place where a text may come from. */
export const hostile = (text: string): CardInputs => ({
  build: build({
    schema: text,
    commit: text,
    why: text,
    mode: text,
    problems: [text, `Model ${text} is @wrong #1`],
    production: { commit: text, built_at: text },
    built: false,
  }),
  manifest: manifestOf({
    'model.acme.m': { name: text, alias: text },
    'test.acme.t': { name: text, attached_node: text },
    'test.acme.u': { name: text, depends_on: { nodes: ['model.acme.m', text] } },
  }),
  results: ran(
    { unique_id: 'model.acme.m', status: 'error', message: text, compiled: true },
    { unique_id: text, status: 'error', message: text },
    { unique_id: `model.acme.s${text}`, status: 'skipped' },
    { unique_id: 'test.acme.t', status: 'fail', failures: 1, message: text },
    { unique_id: 'test.acme.u', status: 'warn', failures: 1, message: text },
    { unique_id: `${text}.x`, status: text },
  ),
  facts: {
    schema: text,
    query: `select * from ${text} limit 100;`,
    left_in_prod: [{ schema: text, name: text }],
    relations: [
      {
        id: text,
        name: text,
        here: { kind: text, rows: null, exact: false, bytes: null },
        prod: { kind: `${text}x`, rows: null },
        columns: { added: [[text, text]], removed: [[text, text]], retyped: [[text, text, `${text}x`]] },
      },
      relation(text, table(1), table(2), { added: [0, 1, 2, 3].map((n) => [`${text}${n}`, text]) }),
    ],
  },
});
/** Texts that try to be something else than text. */
export const texts = [...new Set([...TRICKS, ...ATTACKS, ...UNSEEN, ...UNSEEN.map((one) => `a${one}b`), ...WORDS])];
