import { describe, expect, test } from 'vitest';
import { ciProviders, warehouses } from '../../src/catalogue.ts';
import type { PlannedFile } from '../../src/planned-file.ts';
import { deadLinks, fences, missingFiles, openFences, raggedTables, wrongFlowchart, wrongHeadings } from '../support/markdown.ts';
import { planned } from '../support/scaffold.ts';

const product = warehouses.flatMap((warehouse) => ciProviders.map((ci) => [warehouse.id, ci.id] as const));
const ANSWERS = [
  ['two developers', { team: 'priya, sam=sam.jones', readers: 'looker, anna:reviews', sourceSchemas: 'raw, crm:pii' }],
  ['one developer, one prod schema, no reader', { team: 'Ana Ñúñez', prodSchemas: 'gold' }],
  ['a developer called end, an orchestrator outside CI', { team: 'end, class, style', prodRuns: 'merge,external', mainBranch: 'release/main' }],
  ['production run by an orchestrator alone', { team: 'priya', prodRuns: 'external' }],
  ['200 developers and 30 readers', { team: crowd(200), readers: `${crowd(29, 'r')},anna:reviews`, prodSchemas: 'analytics,staging,finance,hr' }],
] as const;

function crowd(size: number, letter = 'd'): string {
  return Array.from({ length: size }, (_, at) => `${letter}${at}`).join(',');
}

const treeOf = (files: readonly PlannedFile[]): ReadonlyMap<string, string> => new Map(files.map(({ path, contents }) => [path, contents]));
const documents = (files: readonly PlannedFile[]): readonly PlannedFile[] => files.filter(({ path }) => path.endsWith('.md'));

/** Names of variables that the documents print. */
const variablesIn = (text: string): readonly string[] => [...new Set(text.match(/\b(?:DBT_[A-Z_]+[A-Z]|PR_NUMBER)\b/g) ?? [])];
/** Variables that the documents name and no other emitted file reads. */
const unread = (files: readonly PlannedFile[]): readonly string[] => {
  const readers = files.filter(({ path }) => !path.endsWith('.md') && path !== '.env.example').map(({ contents }) => contents);
  return documents(files).flatMap(({ path, contents }) =>
    variablesIn(contents)
      .filter((name) => name !== 'DBT_PROFILES_DIR' && !readers.some((text) => new RegExp(`\\b${name}\\b`).test(text)))
      .map((name) => `${path} names ${name}, which nothing reads`),
  );
};
/** Run-operations that the documents tell people to run and no emitted macro defines. */
const unknownOperations = (files: readonly PlannedFile[]): readonly string[] => {
  const macros = new Set(files.flatMap(({ contents }) => [...contents.matchAll(/\{%-?\s*macro\s+(\w+)\s*\(/g)].map(([, name = '']) => name)));
  return documents(files).flatMap(({ path, contents }) =>
    [...contents.matchAll(/dbt run-operation (\w+)/g)]
      .filter(([, name = '']) => !macros.has(name))
      .map(([, name = '']) => `${path} runs ${name}, which no macro defines`),
  );
};
/** Tools that people have at their prompt: a function that they paste stays in that shell and may not be called like one. */
const TOOLS = /^(?:bash|bq|cat|curl|dbt|duckdb|gcloud|gh|git|glab|gsutil|jq|make|node|npm|npx|pip|psql|python3?|sh|snow|snowsql|ssh|sudo|uv)$/;
const hiddenTools = (files: readonly PlannedFile[]): readonly string[] =>
  files
    .filter(({ path }) => /\.(?:md|sh)$/.test(path))
    .flatMap(({ path, contents }) =>
      [...contents.matchAll(/^\s*(?:function\s+)?([\w-]+)\s*\(\)\s*\{|^\s*alias\s+([\w-]+)=/gm)]
        .map(([, called, alias]) => called ?? alias ?? '')
        .filter((name) => TOOLS.test(name))
        .map((name) => `${path} hides the command ${name}`),
    );
/** Documents that say that there is no sweep, or speak of one that is not planned. */
const wrongOfSweep = (files: readonly PlannedFile[]): readonly string[] => {
  const swept = files.some(({ path }) => path === 'scripts/dbt_envs/sweep.py');
  return documents(files).flatMap(({ path, contents }) => [
    ...(swept ? (contents.match(/not in this repository yet|comes with the nightly|once the sweep|until the sweep is/gi) ?? []) : []),
    ...(!swept && /nightly sweep/i.test(contents) ? [`${path} promises one`] : []),
  ]);
};

describe.each(product)('the documents for %s on %s', (warehouse, ci) => {
  describe.each(ANSWERS)('%s', (_, answers) => {
    const files = planned({ warehouse, ci, ...answers });
    const tree = treeOf(files);
    const own = documents(files);

    test('are there', () => expect(own.map(({ path }) => path)).toEqual(expect.arrayContaining(['README.md', 'docs/environments.md', 'docs/runbook.md'])));
    test('hold no trace of a template, no missing value, nothing left to write', () => {
      for (const { path, contents } of own) expect(contents, path).not.toMatch(/<%|%>|\bundefined\b|\[object |\bNaN\b|\bTODO\b/);
    });
    test('have one title, levels in order, closed fences', () => {
      for (const { path, contents } of own.filter((file) => /^(?:README|docs\/)/.test(file.path)))
        expect([...wrongHeadings(contents), ...openFences(contents)], path).toEqual([]);
    });
    test('link to what is there', () => expect(own.flatMap(({ path }) => deadLinks(path, tree))).toEqual([]));
    test('name files that are there', () => expect(own.flatMap(({ path }) => missingFiles(path, tree))).toEqual([]));
    test('name run-operations that are there', () => expect(unknownOperations(files)).toEqual([]));
    test('name variables that something reads', () => expect(unread(files)).toEqual([]));
    test('hide no command behind a function of that name', () => expect(hiddenTools(files)).toEqual([]));
    test('speak of the sweep as it is', () => expect(wrongOfSweep(files)).toEqual([]));
    test('say that pull requests are not safe from each other', () =>
      expect(tree.get('docs/environments.md')).toMatch(/pull request from another|not walled off from each other/i));
    test('have rectangular tables', () => {
      for (const { path, contents } of own) expect(raggedTables(contents), path).toEqual([]);
    });
    test('draw a picture that can be drawn', () => {
      const pictures = own.flatMap(({ contents }) => fences(contents, 'mermaid'));
      expect(pictures.length).toBeGreaterThan(0);
      for (const picture of pictures) expect(wrongFlowchart(picture)).toEqual([]);
    });
    test('say how far the proof goes', () => {
      const { proof } = warehouses.find(({ id }) => id === warehouse)?.enforcement ?? { proof: undefined };
      for (const path of ['README.md', 'docs/environments.md']) expect(/Modelled, not yet proved/.test(tree.get(path) ?? ''), path).toBe(proof === 'modelled');
    });
    test('stay short enough to be read', () => {
      expect((tree.get('README.md') ?? '').split('\n').length).toBeLessThan(260);
      expect((tree.get('docs/environments.md') ?? '').split('\n').length).toBeLessThan(400);
    });
  });

  test('name every developer of a small team in the picture and the table, and sum up a large one', () => {
    const readme = (team: string): string => treeOf(planned({ warehouse, ci, team })).get('README.md') ?? '';
    expect(readme('priya, sam')).toMatch(/\| sam \| `sam` \| `dev_sam` \|/);
    expect(readme('priya, sam')).toMatch(/\["sam"\]/);
    expect(readme(crowd(20))).toMatch(/\| d19 \|/);
    expect(readme(crowd(21))).not.toMatch(/\| d19 \|/);
    expect(readme(crowd(200))).toMatch(/each of the 200 developers/);
  });
});

describe('the checks themselves find a planted mistake', () => {
  const tree = new Map([
    ['README.md', '# A\n\n[b](docs/b.md#here) [c](docs/c.md) `grants/none.sql` `grants/`\n\n```sh\npython scripts/gone.py\n```\n'],
    ['docs/b.md', '# B\n\n#### There\n\n## There\n'],
  ]);
  const file = (path: string, contents: string): PlannedFile => ({ path, contents, owner: 'ours', part: 'app', was: [] });
  test('links, files, headings', () => {
    expect(deadLinks('README.md', tree)).toHaveLength(2);
    expect(missingFiles('README.md', tree)).toEqual([
      'README.md: there is no grants/none.sql',
      'README.md: there is no grants/',
      'README.md: there is no scripts/gone.py',
    ]);
    expect(wrongHeadings(tree.get('docs/b.md') ?? '')).toEqual(['"There" skips a level', '"There" stands twice']);
    expect(openFences('```sh\nls\n')).toHaveLength(1);
  });
  test('functions that hide a command', () =>
    expect(
      hiddenTools([
        file('docs/b.md', '```sh\nbq() { command bq --location=US "$@"; }\nrun_sql() { bq query; }\n```\n'),
        file('grants/a.sh', 'alias git=hub\n'),
      ]),
    ).toEqual(['docs/b.md hides the command bq', 'grants/a.sh hides the command git']));
  test('tables', () => {
    expect(raggedTables('| a | b |\n|---|---|\n| 1 |\n')).toHaveLength(1);
    expect(raggedTables('| a | b |\n| 1 | 2 |\n')).toHaveLength(1);
    expect(raggedTables('| a | b |\n|---|---|\n| 1 | a \\| b |\n')).toEqual([]);
  });
  test('pictures', () => {
    expect(wrongFlowchart('flowchart LR\n  end["x"]\n  a["y"]\n  a --> b\n  a["z"]\n  c[un"quoted]\n  subgraph g["g"]\n')).toHaveLength(5);
  });
  test('variables, run-operations, promises', () => {
    const planted = [
      file('docs/a.md', 'Set DBT_NOWHERE, then `dbt run-operation drop_everything`. The nightly sweep drops the rest.'),
      file('.env.example', 'DBT_NOWHERE='),
    ];
    expect(unread(planted)).toHaveLength(1);
    expect(unknownOperations(planted)).toHaveLength(1);
    expect(wrongOfSweep(planted)).toHaveLength(1);
    expect(wrongOfSweep([file('scripts/dbt_envs/sweep.py', ''), file('docs/b.md', 'That comes with the nightly sweep.')])).toHaveLength(1);
  });
});
