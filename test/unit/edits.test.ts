import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type Change, changes, type World } from '../../src/changes/changes.ts';
import { makeEdit } from '../../src/changes/edits.ts';
import type { Lock } from '../../src/changes/lock.ts';
import { nextLock } from '../../src/changes/next-lock.ts';
import { RunError } from '../../src/errors.ts';
import type { PlannedEdit, PlannedFile } from '../../src/planned-file.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const NONE: Lock = new Map();
const CHECK = '"{{ dbt_envs_check_isolation() }}"';

function planned(path: string, edits: readonly PlannedEdit[], more: Partial<PlannedFile> = {}): PlannedFile {
  return { path, owner: 'ours', part: 'p', contents: 'the whole file\n', was: [], edits, ...more };
}
const profiles = (type: string): PlannedFile => planned('profiles.yml', [{ kind: 'set', at: ['acme', 'outputs', 'ci'], yaml: `type: ${type}\nthreads: 8\n` }]);
const hook = (yaml: string): PlannedFile => planned('dbt_project.yml', [{ kind: 'append', at: ['on-run-start'], yaml }], { owner: 'yours' });
const ignored = (contents: string): PlannedFile => planned('.gitignore', [{ kind: 'lines' }], { owner: 'yours', contents });

const worldOf = (file: PlannedFile, text: string | undefined, lock: Lock = NONE, force = false): World => ({
  exists: (path) => path === file.path && text !== undefined,
  read: (path) => (path === file.path ? text : undefined),
  hash,
  lock,
  force,
  complete: true,
});
const decided = (file: PlannedFile, text: string | undefined, lock?: Lock, force?: boolean): readonly Change[] =>
  changes([file], worldOf(file, text, lock, force));
const kinds = (...given: Parameters<typeof decided>): readonly string[] =>
  decided(...given).map((change) => `${change.path}: ${change.kind}${change.kind === 'kept' ? `, ${change.why}` : ''}`);

/** One run that takes what is offered: the new text and the new record. */
function run(file: PlannedFile, text: string, lock: Lock = NONE): { readonly text: string; readonly lock: Lock } {
  const world = worldOf(file, text, lock);
  const edited = changes([file], world).reduce((now, change) => (change.kind === 'updated' && change.edit ? makeEdit(now, change.edit) : now), text);
  return { text: edited, lock: nextLock([file], world, new Set()) };
}

const YOURS = 'acme:\n  target: prod   # for now\n  outputs:\n    prod:\n      type: postgres   # shared!\n';

describe('a target in a profiles.yml that was there', () => {
  const file = profiles('duckdb');
  const place = 'profiles.yml#acme.outputs.ci';
  const first = run(file, YOURS);

  test('is put in, and recorded by its place', () => {
    expect(kinds(file, YOURS)).toEqual([`${place}: updated`]);
    expect(first.text).toBe(`${YOURS}    ci:\n      type: duckdb\n      threads: 8\n`);
    expect([...first.lock.keys()]).toEqual([place]);
  });
  test('is unchanged in the second run', () => expect(kinds(file, first.text, first.lock)).toEqual([`${place}: unchanged`]));
  test('is updated when the plan changes and you did not touch it', () => {
    const next = run(profiles('postgres'), first.text, first.lock);
    expect(next.text).toBe(first.text.replace('type: duckdb', 'type: postgres'));
  });
  test('is updated in a checkout with CRLF, with CRLF', () => {
    const next = run(profiles('postgres'), first.text.replaceAll('\n', '\r\n'), first.lock);
    expect(next.text).toBe(first.text.replace('type: duckdb', 'type: postgres').replaceAll('\n', '\r\n'));
  });
  test('that you edited is kept', () => expect(kinds(file, first.text.replace('threads: 8', 'threads: 2'), first.lock)).toEqual([`${place}: kept, edited`]));
  test('that you edited is in conflict when the plan changes', () =>
    expect(kinds(profiles('postgres'), first.text.replace('threads: 8', 'threads: 2'), first.lock)).toEqual([`${place}: conflict`]));
  test('in which you wrote a comment is in conflict when the plan changes: the comment would be lost', () =>
    expect(kinds(profiles('postgres'), first.text.replace('threads: 8', '# slow\n      threads: 8'), first.lock)).toEqual([`${place}: conflict`]));
  test('that you deleted stays away, and --force brings it back', () => {
    expect(kinds(file, YOURS, first.lock)).toEqual([`${place}: kept, deleted`]);
    expect(kinds(file, YOURS, first.lock, true)).toEqual([`${place}: updated`]);
  });
  test('that was yours before us is in conflict, and asked about once', () => {
    const own = `${YOURS}    ci: {type: snowflake}  # own\n`;
    expect(kinds(file, own)).toEqual([`${place}: conflict`]);
    expect(kinds(file, own, run(file, own).lock)).toEqual([`${place}: kept, edited`]);
    expect(kinds(file, own, NONE, true)).toEqual([`${place}: updated`]);
  });
  test('that says the same in your own words is as planned', () =>
    expect(kinds(file, `${YOURS}    ci: {threads: 8, type: duckdb}\n`)).toEqual([`${place}: unchanged`]));
  test('is not asked about where the file is away: should it come back, it is still yours', () => {
    const other = planned('other', [], { contents: 'o' });
    const world: World = {
      ...worldOf(file, undefined, new Map([...first.lock, ['other', new Set([hash('o')])]])),
      exists: (path) => path === 'other',
      read: () => 'o',
    };
    expect(changes([file, other], { ...world, read: (path) => (path === 'other' ? 'o' : undefined) })[0]).toMatchObject({ kind: 'kept', why: 'deleted' });
    expect([...nextLock([file, other], world, new Set()).keys()]).toEqual([place, 'other']);
  });
});

describe('a profiles.yml that we wrote', () => {
  const file = profiles('duckdb');
  test('is updated as a whole', () =>
    expect(kinds({ ...file, contents: 'new\n' }, 'old\n', new Map([['profiles.yml', new Set([hash('old\n')])]]))).toEqual(['profiles.yml: updated']));
  test('is known as ours by its bytes where the record is lost', () => expect(kinds(file, file.contents)).toEqual(['profiles.yml: unchanged']));
  test('that is not there is written as a whole', () => expect(kinds(file, undefined)).toEqual(['profiles.yml: created']));
});

describe('a hook in a dbt_project.yml that was there', () => {
  const place = 'dbt_project.yml#on-run-start';
  const before = readFileSync(new URL('fixtures/dbt_project.yml', import.meta.url), 'utf8');
  const first = run(hook(CHECK), before);

  test('is added after the ones that are there', () => {
    expect(first.text).toContain(`  - '{{ create_udfs() }}'\n  - ${CHECK}\n  # - "{{ old() }}"\n`);
    expect(first.text.replace(`  - ${CHECK}\n`, '')).toBe(before);
  });
  test('is unchanged in the second run', () => expect(kinds(hook(CHECK), first.text, first.lock)).toEqual([`${place}: unchanged`]));
  test('is replaced in its place when the plan changes', () => {
    const next = run(hook('"{{ newer() }}"'), first.text, first.lock);
    expect(next.text).toBe(first.text.replace(CHECK, '"{{ newer() }}"'));
    expect(kinds(hook('"{{ newer() }}"'), next.text, next.lock)).toEqual([`${place}: unchanged`]);
  });
  test('that you took out stays out', () => expect(kinds(hook(CHECK), before, first.lock)).toEqual([`${place}: kept, deleted`]));
});

describe('what is only needed where the file speaks of it', () => {
  const file = planned('dbt_project.yml', [
    { kind: 'append', at: ['macro-paths'], yaml: 'macros', whereGiven: true },
    { kind: 'set', at: ['flags', 'strict'], yaml: 'true', whereGiven: true },
  ]);
  test('is passed over where it is silent', () => expect(kinds(file, 'name: acme\n')).toEqual([]));
  test('is put in where it says otherwise', () =>
    expect(kinds(file, 'macro-paths: [mine]\nflags:\n  strict: false\n')).toEqual([
      'dbt_project.yml#macro-paths: updated',
      'dbt_project.yml#flags.strict: conflict',
    ]));
});

describe('lines of a .gitignore that was there', () => {
  const file = ignored('# Secrets\n.env\n\ntarget/\n');
  const first = run(file, '*.log\ntarget/\n');
  test('are added where they are missing', () => expect(first.text).toBe('*.log\ntarget/\n\n# For the environments of generator-dbt-envs\n.env\n'));
  test('are unchanged in the second run', () => expect(kinds(file, first.text, first.lock)).toEqual(['.gitignore#lines: unchanged']));
  test('that you took out stay out', () => expect(kinds(file, '*.log\n', first.lock)).toEqual(['.gitignore#lines: kept, edited']));
});

describe('a file that cannot be edited safely', () => {
  const text = 'a: 1\n---\nb: 2\n';
  const [change] = decided(profiles('duckdb'), text);
  test('is a conflict that says why and what to paste', () => {
    expect(change).toMatchObject({
      kind: 'conflict',
      cannot: expect.stringMatching(/^profiles\.yml cannot be edited safely: it holds several YAML documents\. /),
      theirs: 'acme:\n  outputs:\n    ci:\n      type: duckdb\n      threads: 8\n',
    });
  });
  test('is kept without a question once that was said', () =>
    expect(kinds(profiles('duckdb'), text, run(profiles('duckdb'), text).lock)).toEqual(['profiles.yml#acme.outputs.ci: kept, edited']));
  test('is never edited by force', () => {
    const edit = change?.kind === 'conflict' ? change.edit : undefined;
    expect(() => edit && makeEdit(text, edit)).toThrow(RunError);
    expect(kinds(profiles('duckdb'), text, NONE, true)).toEqual(['profiles.yml#acme.outputs.ci: conflict']);
  });
});

test('several edits of one file are made one after the other', () => {
  const file = planned('profiles.yml', [
    { kind: 'set', at: ['acme', 'target'], yaml: 'dev' },
    { kind: 'set', at: ['acme', 'outputs', 'dev'], yaml: 'type: duckdb' },
    { kind: 'set', at: ['acme', 'outputs', 'ci'], yaml: 'type: duckdb' },
  ]);
  expect(run(file, 'acme:\n  outputs:\n').text).toBe('acme:\n  outputs:\n    dev:\n      type: duckdb\n    ci:\n      type: duckdb\n  target: dev\n');
});
