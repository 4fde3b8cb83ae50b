import path from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { tree } from '../support/command-line.ts';
import { installed } from '../support/package.ts';
import { CTRL_C, DOWN, ENTER, play, type Seat, type Step } from '../support/terminal.ts';
import { asNobody, folderOfNobody, putForNobody, yoBin, yoFolder } from '../support/yo.ts';

let prefix: string;
let engines: string;
beforeAll(async () => {
  [prefix, engines] = [await installed(), await yoFolder()];
});

const bin = (): readonly string[] => [process.execPath, path.join(prefix, 'node_modules/generator-dbt-envs/dist/cli.cjs')];
const shells = {
  'the bin': (cwd: string, steps: readonly Step[], env: Readonly<Record<string, string>> = {}, seat: Seat = {}, words: readonly string[] = []) =>
    play([...bin(), ...words], cwd, steps, { ...seat, env }),
  yo: (cwd: string, steps: readonly Step[], env: Readonly<Record<string, string>> = {}, seat: Seat = {}, words: readonly string[] = []) =>
    play([process.execPath, yoBin(engines), 'dbt-envs', ...words], cwd, steps, { ...seat, env: { NODE_PATH: path.join(prefix, 'node_modules'), ...env } }),
} as const;

const CONVERSATION: readonly Step[] = [
  ['What is the dbt project called?', `acme${ENTER}`],
  ['Which warehouse?', `${DOWN}${ENTER}`],
  ['Who develops?', `ana${ENTER}Bo Li${ENTER}cy@acme.com${ENTER}${ENTER}`],
  ['Which schemas does production own?', ENTER],
  ['Which schemas hold raw data?', ENTER],
  ['Which database', ENTER],
  ['Which CI provider?', ENTER],
  ['Write to ', ENTER],
];
const byFlags = () => {
  const cwd = folderOfNobody();
  const { status } = asNobody([...bin(), '--yes', '--project-name', 'acme', '--warehouse', 'postgres', '--team', 'ana, Bo Li, cy@acme.com'], {
    cwd,
    home: folderOfNobody(),
  });
  expect(status).toBe(0);
  return tree(cwd);
};

describe.each(['the bin', 'yo'] as const)('at a real terminal, %s', (name) => {
  const shell = shells[name];
  test('asks, takes a pasted team of several lines, and writes what the flags would', () => {
    const cwd = folderOfNobody();
    const played = shell(cwd, CONVERSATION);
    expect(played, played.shown).toMatchObject({ status: 0, missing: null });
    expect(played.shown).toMatch(/Next steps/);
    expect(tree(cwd)).toEqual(byFlags());
  });

  test.each(CONVERSATION.map(([sees]) => sees))('Ctrl-C at "%s" ends with 130 and leaves the folder empty', (sees) => {
    const cwd = folderOfNobody();
    const before = CONVERSATION.slice(
      0,
      CONVERSATION.findIndex(([seen]) => seen === sees),
    );
    const played = shell(cwd, [...before, [sees, CTRL_C]]);
    expect(played, played.shown).toMatchObject({ status: 130, missing: null, restored: true });
    expect(played.shown).not.toMatch(/^ {4}at /m);
    expect(tree(cwd)).toEqual({});
  });

  test('a conversation asks at most seven questions before the last one', () => expect(CONVERSATION.length - 1).toBeLessThanOrEqual(7));

  test('Ctrl-C at a conflict ends with 130 and leaves your file and nothing else', () => {
    const cwd = folderOfNobody();
    putForNobody(cwd, 'macros/dbt_envs/generate_schema_name.sql', 'mine\n');
    const played = shell(cwd, [...CONVERSATION.slice(0, -1), ['generate_schema_name.sql differs from ours', CTRL_C]]);
    expect(played, played.shown).toMatchObject({ status: 130, missing: null });
    expect(tree(cwd)).toEqual({ 'macros/dbt_envs/generate_schema_name.sql': 'mine\n' });
  });

  test.each(['SIGTERM', 'SIGHUP'] as const)('%s at a question ends it, leaves the folder empty and the terminal as it was', (signal) => {
    const cwd = folderOfNobody();
    const played = shell(cwd, [...CONVERSATION.slice(0, 1), ['Which warehouse?', '']], {}, { signal });
    expect(played, played.shown).toMatchObject({ status: 130, missing: null, restored: true });
    expect(played.shown).toContain('Interrupted. Nothing was written.');
    expect(tree(cwd)).toEqual({});
  });

  test('asks just as well where the terminal is twenty columns wide', () => {
    const cwd = folderOfNobody();
    const played = shell(cwd, CONVERSATION, {}, { columns: 20, rows: 10 });
    expect(played, played.shown).toMatchObject({ status: 0, missing: null });
    expect(tree(cwd)).toEqual(byFlags());
  });

  test('with CI set asks nothing, though there is a terminal: 2, and what to give', () => {
    const cwd = folderOfNobody();
    const played = shell(cwd, [], { CI: 'true' });
    expect(played, played.shown).toMatchObject({ status: 2, missing: null });
    expect(played.shown.replaceAll(/\s+/g, ' ')).toContain('CI is set, so there is nobody to ask, and no answer for --project-name');
    expect(tree(cwd)).toEqual({});
  });

  test('objects to a wrong answer and asks again', () => {
    const cwd = folderOfNobody();
    const played = shell(cwd, [
      ['What is the dbt project called?', `Acme Data${ENTER}`],
      ['is no project name', CTRL_C],
    ]);
    expect(played, played.shown).toMatchObject({ status: 130, missing: null });
  });

  test('shows the differences of a file in conflict, and writes ours beside it if that is wanted', () => {
    const cwd = folderOfNobody();
    putForNobody(cwd, 'macros/dbt_envs/generate_schema_name.sql', 'mine\n');
    const conflict = 'generate_schema_name.sql differs from ours';
    const played = shell(cwd, [...CONVERSATION.slice(0, -1), [conflict, ENTER], [conflict, `${DOWN}${DOWN}${DOWN}${ENTER}`], ...CONVERSATION.slice(-1)]);
    expect(played, played.shown).toMatchObject({ status: 0, missing: null });
    expect(played.shown).toMatch(/^-mine$/m);
    expect(tree(cwd)).toEqual({ ...byFlags(), ...besideMine(cwd) });
  });
});

/** What differs from a run into an empty folder: the file in conflict, ours beside it, and what was recorded of it. */
function besideMine(cwd: string): Readonly<Record<string, string>> {
  const file = 'macros/dbt_envs/generate_schema_name.sql';
  const there = tree(cwd);
  expect(there).toMatchObject({ [file]: 'mine\n', [`${file}.new`]: byFlags()[file] });
  return Object.fromEntries([file, `${file}.new`, '.dbt-envs.lock'].map((name) => [name, there[name] ?? '']));
}

describe('a terminal that is', () => {
  const FIRST: readonly Step[] = [['What is the dbt project called?', CTRL_C]];
  test('an ordinary one gets colours', () => expect(shells['the bin'](folderOfNobody(), FIRST)).toMatchObject({ status: 130, coloured: true, moved: true }));
  test('under --no-color gets none', () =>
    expect(shells['the bin'](folderOfNobody(), FIRST, {}, {}, ['--no-color'])).toMatchObject({ status: 130, coloured: false }));
  test.each(['the bin', 'yo'] as const)('under NO_COLOR gets none from %s', (name) =>
    expect(shells[name](folderOfNobody(), FIRST, { NO_COLOR: '1' })).toMatchObject({ status: 130, coloured: false }),
  );

  test('dumb is written to line by line, and asks the same', () => {
    const cwd = folderOfNobody();
    const typed: readonly Step[] = CONVERSATION.map(([sees, types]) => [sees, types.replace(DOWN, '2').replaceAll(ENTER, '\n')]);
    const played = shells['the bin'](cwd, typed, { TERM: 'dumb' });
    expect(played, played.shown).toMatchObject({ status: 0, missing: null, coloured: false, moved: false });
    expect(tree(cwd)).toEqual(byFlags());
  });

  test.each(CONVERSATION.map(([sees], at) => [sees, at] as const))('dumb ends with 130 at "%s" after Ctrl-C', (sees, at) => {
    const cwd = folderOfNobody();
    const before: readonly Step[] = CONVERSATION.slice(0, at).map(([seen, types]) => [seen, types.replace(DOWN, '2').replaceAll(ENTER, '\n')]);
    expect(shells['the bin'](cwd, [...before, [sees, CTRL_C]], { TERM: 'dumb' })).toMatchObject({ status: 130, missing: null });
    expect(tree(cwd)).toEqual({});
  });
});
