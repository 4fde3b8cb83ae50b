import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { type Change, changes, drift, type World } from '../../src/changes/changes.ts';
import { parseLock } from '../../src/changes/lock.ts';
import { nextLock } from '../../src/changes/next-lock.ts';
import type { PlannedFile } from '../../src/planned-file.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
const ours = (path: string, contents: string, was: readonly string[] = []): PlannedFile => ({ path, owner: 'ours', part: 'p', contents, was });
const yours = (path: string, contents: string, was: readonly string[] = []): PlannedFile => ({ ...ours(path, contents, was), owner: 'yours' });

/** What is recorded: a text stands for its hash, `yours` for itself. */
type Recorded = Readonly<Record<string, string | readonly string[]>>;
type Disk = Readonly<Record<string, string>>;

function world(disk: Disk, recorded: Recorded, more: Partial<World> = {}): World {
  const lines = Object.entries(recorded).flatMap(([path, texts]) => [texts].flat().map((text) => `${text === 'yours' ? text : hash(text)} ${path}`));
  return {
    exists: (path) => disk[path] !== undefined,
    read: (path) => disk[path],
    hash,
    lock: parseLock(lines.join('\n')),
    force: false,
    complete: true,
    ...more,
  };
}

const inWords = (change: Change): string => {
  switch (change.kind) {
    case 'created':
      return `${change.path}: created as ${JSON.stringify(change.contents)}`;
    case 'updated':
      return `${change.path}: updated to ${JSON.stringify(change.contents)}${change.from === undefined ? '' : ` from ${change.from}`}`;
    case 'kept':
      return `${change.path}: kept, ${change.why}`;
    case 'conflict':
      return `${change.path}: conflict with ${JSON.stringify(change.theirs)}${change.from === undefined ? '' : ` from ${change.from}`}`;
    case 'unchanged':
    case 'removed':
      return `${change.path}: ${change.kind}`;
  }
};
const decided = (plan: readonly PlannedFile[], there: World): readonly string[] => changes(plan, there).map(inWords);

const A = 'a\nv1\n';
const B = 'a\nv2\n';
const MINE = 'mine\n';

describe('a file of ours', () => {
  test.each<[claim: string, plan: readonly PlannedFile[], disk: Disk, recorded: Recorded, outcome: readonly string[]]>([
    ['that is new is created', [ours('f', A)], {}, {}, ['f: created as "a\\nv1\\n"']],
    ['as planned is unchanged', [ours('f', A)], { f: A }, { f: A }, ['f: unchanged']],
    ['as planned is unchanged even where nothing was recorded', [ours('f', A)], { f: A }, {}, ['f: unchanged']],
    ['that nobody touched is updated', [ours('f', B)], { f: A }, { f: A }, ['f: updated to "a\\nv2\\n"']],
    ['that you edited is kept while the plan is the same', [ours('f', A)], { f: MINE }, { f: A }, ['f: kept, edited']],
    ['that you edited is in conflict when the plan changes', [ours('f', B)], { f: MINE }, { f: A }, ['f: conflict with "a\\nv2\\n"']],
    ['that was there before us is in conflict', [ours('f', A)], { f: MINE }, {}, ['f: conflict with "a\\nv1\\n"']],
    ['that you deleted stays away', [ours('f', A), ours('g', A)], { g: A }, { f: A, g: A }, ['f: kept, deleted', 'g: unchanged']],
    ['that you deleted stays away when the plan changes', [ours('f', B), ours('g', A)], { g: A }, { f: A, g: A }, ['f: kept, deleted', 'g: unchanged']],
    ['is created where the record belongs to another place', [ours('f', A)], {}, { f: A }, ['f: created as "a\\nv1\\n"']],
    ['that two branches wrote is ours in either form', [ours('f', 'c')], { f: B }, { f: [A, B] }, ['f: updated to "c"']],
  ])('%s', (_, plan, disk, recorded, outcome) => expect(decided(plan, world(disk, recorded))).toEqual(outcome));
});

describe('line ends', () => {
  test.each<[claim: string, plan: readonly PlannedFile[], disk: Disk, recorded: Recorded, outcome: readonly string[]]>([
    ['a checkout with CRLF is no edit', [ours('f', A)], { f: 'a\r\nv1\r\n' }, { f: A }, ['f: unchanged']],
    ['an update keeps CRLF', [ours('f', B)], { f: 'a\r\nv1\r\n' }, { f: A }, ['f: updated to "a\\r\\nv2\\r\\n"']],
    ['mixed line ends become CRLF', [ours('f', B)], { f: 'a\r\nv1\n' }, { f: A }, ['f: updated to "a\\r\\nv2\\r\\n"']],
    ['a byte order mark is an edit', [ours('f', A)], { f: `\uFEFF${A}` }, { f: A }, ['f: kept, edited']],
  ])('%s', (_, plan, disk, recorded, outcome) => expect(decided(plan, world(disk, recorded))).toEqual(outcome));
});

describe('a file that was elsewhere before', () => {
  const moved = [ours('n', B, ['o'])];
  test.each<[claim: string, plan: readonly PlannedFile[], disk: Disk, recorded: Recorded, outcome: readonly string[]]>([
    ['moves where nobody touched it', moved, { o: A }, { o: A }, ['n: updated to "a\\nv2\\n" from o']],
    ['moves with the same text too', [ours('n', A, ['o'])], { o: A }, { o: A }, ['n: updated to "a\\nv1\\n" from o']],
    ['is in conflict where you edited it', moved, { o: MINE }, { o: A }, ['n: conflict with "a\\nv2\\n" from o']],
    ['is in conflict where you edited it and only the path changed', [ours('n', A, ['o'])], { o: MINE }, { o: A }, ['n: conflict with "a\\nv1\\n" from o']],
    ['stays away where you deleted it', [...moved, ours('k', A)], { k: A }, { o: A, k: A }, ['n: kept, deleted', 'k: unchanged']],
    ['is not taken from a path that we never wrote', moved, { o: MINE }, {}, ['n: created as "a\\nv2\\n"']],
  ])('%s', (_, plan, disk, recorded, outcome) => expect(decided(plan, world(disk, recorded))).toEqual(outcome));

  test('may not differ in case alone: on some file systems both are one', () =>
    expect(() => decided([ours('Read.md', A, ['read.md'])], world({}, {}))).toThrow(/cannot tell them apart/));

  test('is asked about once: kept at its old path, it stays there', () => {
    const there = world({ o: MINE }, { o: A });
    const lock = nextLock(moved, there, new Set(['o']));
    expect(decided(moved, { ...there, lock })).toEqual(['n: kept, edited']);
    expect(nextLock(moved, { ...there, lock }, new Set(['o']))).toEqual(lock);
  });
});

describe('what is planned no more', () => {
  const kept = ours('k', A);
  test.each<[claim: string, disk: Disk, recorded: Recorded, outcome: readonly string[]]>([
    ['is removed where nobody touched it', { k: A, o: A }, { k: A, o: A }, ['k: unchanged', 'o: removed']],
    ['is removed in a checkout with CRLF', { k: A, o: 'a\r\nv1\r\n' }, { k: A, o: A }, ['k: unchanged', 'o: removed']],
    ['is kept where you edited it', { k: A, o: MINE }, { k: A, o: A }, ['k: unchanged', 'o: kept, no longer planned']],
    ['is passed over where it is yours', { k: A, o: A }, { k: A, o: 'yours' }, ['k: unchanged']],
    ['is passed over where it is away', { k: A }, { k: A, o: A }, ['k: unchanged']],
  ])('%s', (_, disk, recorded, outcome) => expect(decided([kept], world(disk, recorded))).toEqual(outcome));

  test('is said once: the record forgets it', () => expect([...nextLock([kept], world({ k: A, o: MINE }, { k: A, o: A }), new Set()).keys()]).toEqual(['k']));

  test('is not known where the installed parts are not known: nothing is removed, and the record stays', () => {
    const there = world({ k: A, o: A }, { k: A, o: A }, { complete: false });
    expect(decided([kept], there)).toEqual(['k: unchanged']);
    expect([...nextLock([kept], there, new Set()).keys()].sort()).toEqual(['k', 'o']);
  });
});

describe('a file of yours', () => {
  test.each<[claim: string, plan: readonly PlannedFile[], disk: Disk, recorded: Recorded, outcome: readonly string[]]>([
    ['is written once', [yours('y', A)], {}, {}, ['y: created as "a\\nv1\\n"']],
    ['that was there is left alone', [yours('y', A)], { y: MINE }, {}, ['y: kept, yours']],
    ['is left alone when the plan changes', [yours('y', B)], { y: A }, { y: 'yours' }, ['y: kept, yours']],
    ['that you deleted does not come back', [yours('y', A), ours('k', A)], { k: A }, { y: 'yours', k: A }, ['y: kept, deleted', 'k: unchanged']],
    ['at its earlier path is left there', [yours('n', A, ['o'])], { o: MINE }, { o: 'yours' }, ['n: kept, yours']],
    ['that was ours is left alone', [yours('y', B)], { y: A }, { y: A }, ['y: kept, yours']],
    ['that becomes ours is in conflict', [ours('y', B)], { y: MINE }, { y: 'yours' }, ['y: conflict with "a\\nv2\\n"']],
  ])('%s', (_, plan, disk, recorded, outcome) => expect(decided(plan, world(disk, recorded))).toEqual(outcome));

  test('is not read where only its presence counts', () => {
    const unreadable = world(
      { y: MINE },
      { y: 'yours' },
      {
        read: () => {
          throw new Error('not UTF-8');
        },
      },
    );
    expect(decided([yours('y', A)], unreadable)).toEqual(['y: kept, yours']);
  });
});

describe('--force', () => {
  const forced = (disk: Disk, recorded: Recorded): World => world(disk, recorded, { force: true });
  test('takes a conflict', () => expect(decided([ours('f', B)], forced({ f: MINE }, { f: A }))).toEqual(['f: updated to "a\\nv2\\n"']));
  test('takes a foreign file', () => expect(decided([ours('f', A)], forced({ f: MINE }, {}))).toEqual(['f: updated to "a\\nv1\\n"']));
  test('restores a file of ours that you deleted', () =>
    expect(decided([ours('f', A), ours('g', A)], forced({ g: A }, { f: A, g: A }))).toEqual(['f: created as "a\\nv1\\n"', 'g: unchanged']));
  test('restores no file of yours', () =>
    expect(decided([yours('y', A), ours('g', A)], forced({ g: A }, { y: 'yours', g: A }))).toEqual(['y: kept, deleted', 'g: unchanged']));
  test('leaves an edit that you chose to keep', () => expect(decided([ours('f', A)], forced({ f: MINE }, { f: A }))).toEqual(['f: kept, edited']));
});

describe('the record after a run', () => {
  const asked = [ours('f', B)];
  test('has what was offered, so that a conflict is asked about once', () => {
    const there = world({ f: MINE }, { f: A });
    expect(decided(asked, there)).toEqual(['f: conflict with "a\\nv2\\n"']);
    const lock = nextLock(asked, there, new Set());
    expect(decided(asked, { ...there, lock })).toEqual(['f: kept, edited']);
    expect(decided([ours('f', 'v3')], { ...there, lock })).toEqual(['f: conflict with "v3"']);
  });
  test('is one hash a path again after two branches were merged', () => {
    const lock = nextLock([ours('f', 'c')], world({ f: B }, { f: [A, B] }), new Set());
    expect(lock.get('f')).toEqual(new Set([hash('c')]));
  });
});

describe('drift', () => {
  const isDrift = (plan: readonly PlannedFile[], disk: Disk, recorded: Recorded): boolean => drift(changes(plan, world(disk, recorded)));
  test.each<[claim: string, plan: readonly PlannedFile[], disk: Disk, recorded: Recorded, expected: boolean]>([
    ['none where everything is as planned', [ours('f', A), yours('y', A)], { f: A, y: MINE }, { f: A, y: 'yours' }, false],
    ['an edit that you keep is none', [ours('f', A)], { f: MINE }, { f: A }, false],
    ['an example that you deleted is none', [ours('f', A), yours('y', A)], { f: A }, { f: A, y: 'yours' }, false],
    ['a file of ours that is missing is', [ours('f', A), ours('g', A)], { f: A }, { f: A, g: A }, true],
    ['a file that would be updated is', [ours('f', B)], { f: A }, { f: A }, true],
    ['a conflict is', [ours('f', B)], { f: MINE }, { f: A }, true],
    ['a file that would be removed is', [ours('f', A)], { f: A, o: A }, { f: A, o: A }, true],
    ['a new file is', [ours('f', A)], {}, {}, true],
  ])('%s', (_, plan, disk, recorded, expected) => expect(isDrift(plan, disk, recorded)).toBe(expected));
});
