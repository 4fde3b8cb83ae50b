import type { Conflict, Decision, Summary } from './engine.ts';
import type { Ink } from './ink.ts';
import { hung, NARROWEST, wrapped } from './wrapped.ts';

type Changes = Decision['changes'];
type Kind = Changes[number]['kind'];

/** A symbol and a word for each kind of change: never colour alone. */
const MARKS: Readonly<Record<Kind, { readonly symbol: string; readonly ink: keyof Ink }>> = {
  created: { symbol: '+', ink: 'good' },
  updated: { symbol: '~', ink: 'changed' },
  removed: { symbol: '-', ink: 'bad' },
  kept: { symbol: '=', ink: 'quiet' },
  unchanged: { symbol: '=', ink: 'quiet' },
  conflict: { symbol: '!', ink: 'bad' },
};

const mark = (kind: Kind, text: string, ink: Ink): string => `${ink[MARKS[kind].ink](`${MARKS[kind].symbol} ${kind}`)}${' '.repeat(11 - kind.length)}${text}`;
const files = (count: number): string => (count === 1 ? '1 file' : `${count} files`);

/** Before the first byte: what, where, how many; what cannot be protected. `width`: the terminal's, where one reads. */
export function openingLines(
  { about, changes, warnings }: Pick<Decision, 'about' | 'changes' | 'warnings'>,
  root: string,
  ink: Ink,
  width?: number,
): readonly string[] {
  const count = (kind: Kind): number => changes.filter((change) => change.kind === kind).length;
  const parts = [
    ['to create', count('created')],
    ['to update', count('updated')],
    ['to remove', count('removed')],
    ['in conflict', count('conflict')],
    ['kept as you have them', count('kept')],
    ['unchanged', count('unchanged')],
  ] as const;
  const counted = parts.flatMap(([what, number]) => (number === 0 ? [] : [`${number} ${what}`]));
  return [
    `${ink.strong('Project')} ${root}`,
    ...hung(
      `${ink.strong('For')}     `,
      [about.project, ...about.vendors, about.developers === 1 ? '1 developer' : `${about.developers} developers`].join(', '),
      width,
    ),
    ...(about.brought.length === 0 ? [] : hung(`${ink.strong('Parts')}   `, `${about.parts.join(', ')}; needed for that: ${about.brought.join(', ')}`, width)),
    ...hung(`${ink.strong('Files')}   `, counted.length === 0 ? 'none planned' : counted.join(', '), width),
    ...warnings.flatMap((warning) => hung(`${ink.changed('! warning')}   `, warning, width)),
  ];
}

const TOLD = 20;
const WIDTH = 100;

/** Before the first byte: which paths. New files below one folder are a count; of what is there already, each has its name. */
export function intentLines(changes: Changes, ink: Ink, width = WIDTH): readonly string[] {
  const paths = (kind: Kind): readonly string[] => changes.filter((change) => change.kind === kind).map(({ path }) => path);
  const told = (names: readonly string[]): readonly string[] => (names.length <= TOLD ? names : [...names.slice(0, TOLD), `and ${names.length - TOLD} more`]);
  const lines = (verb: string, kind: Kind, names: readonly string[]): readonly string[] => {
    const [first, ...rest] = names.length === 0 ? [] : wrapped(names.join(', '), Math.max(Math.min(width, WIDTH), NARROWEST) - INDENT.length);
    if (first === undefined) return [];
    return [
      `${ink[MARKS[kind].ink](`${MARKS[kind].symbol} ${verb}`)}${' '.repeat(INDENT.length - verb.length - 2)}${first}`,
      ...rest.map((line) => INDENT + line),
    ];
  };
  return [
    ...lines('create', 'created', byFolder(paths('created'))),
    ...lines('update', 'updated', told(paths('updated'))),
    ...lines('remove', 'removed', told(paths('removed'))),
    ...lines('conflict', 'conflict', told(paths('conflict'))),
  ];
}

const INDENT = ' '.repeat(13);

/** Files at the top by name, folders with the number of files below them: `README.md`, `macros/ (16)`. */
function byFolder(paths: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const [, folder] = /^((?:\.\.\/)*[^/]+\/)/.exec(path) ?? [];
    counts.set(folder ?? path, (counts.get(folder ?? path) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => (name.endsWith('/') ? `${name} (${count})` : name));
}

/** One line a file; the unchanged ones are a count. */
export function resultLines({ created, updated, removed, kept, conflicts, unchanged }: Summary, ink: Ink): readonly string[] {
  return [
    ...created.map((path) => mark('created', path, ink)),
    ...updated.map((path) => mark('updated', path, ink)),
    ...removed.map((path) => mark('removed', path, ink)),
    ...keptLines(kept, ink),
    ...conflicts.map((path) => mark('conflict', path, ink)),
    ...(unchanged.length === 0 ? [] : [mark('unchanged', files(unchanged.length), ink)]),
  ];
}

/** What is left to do, and the command that does the same again without a question. */
export function closingLines(
  { nextSteps, repeat, needsRoster }: Pick<Decision, 'nextSteps' | 'repeat' | 'needsRoster'>,
  ink: Ink,
  width?: number,
): readonly string[] {
  return [
    ...(nextSteps.length === 0 ? [] : ['', ink.strong('Next steps'), ...nextSteps.flatMap((step, at) => hung(`${String(at + 1).padStart(2)}. `, step, width))]),
    '',
    needsRoster ? 'The same again, without questions; elsewhere, copy roster.yml there first, which holds the people:' : 'The same again, without questions:',
    `  ${repeat}`,
  ];
}

/** The plan file by file, with differences or by name alone. */
export function diffLines(changes: Changes, diffOf: (change: Changes[number]) => string, ink: Ink, detail: 'diffs' | 'names'): readonly string[] {
  const lines = changes.flatMap((change) => {
    if (change.kind === 'unchanged' || change.kind === 'kept') return [];
    const diff = detail === 'names' ? [] : diffOf(change).replace(/\n$/, '').split('\n');
    return [mark(change.kind, change.path, ink), ...diff];
  });
  return [...lines, ...keptLines(planned(changes).kept, ink)];
}

/** What is kept for a reason that a reader may not expect, by name; files that are yours anyway are a count. */
function keptLines(kept: Summary['kept'], ink: Ink): readonly string[] {
  const yours = kept.filter(({ why }) => why === 'yours');
  // Lines that are missing in a text file can be put in by hand alone.
  const hasWay = kept.some(({ path, why }) => why === 'edited' && !path.endsWith('#lines'));
  return [
    ...kept.filter(({ why }) => why !== 'yours').map(({ path, why }) => mark('kept', `${path} (${why})`, ink)),
    ...(hasWay ? [`${INDENT}To have ours in place of what is edited: delete that, then run with --force.`] : []),
    ...(yours.length === 0 ? [] : [mark('kept', `${files(yours.length)} of yours, written once and left alone`, ink)]),
  ];
}

/** Nobody was there to settle them: the files, and the ways on. */
export function conflictHelp(conflicts: readonly Conflict[]): string {
  const foreign = neighbourHelp(conflicts);
  const own = conflicts.filter(({ neighbour }) => neighbour === undefined);
  const plain = own.filter(({ cannot }) => cannot === undefined);
  const byHand = own.filter(({ cannot }) => cannot !== undefined);
  const those = plain.length === 1 ? 'This file is yours and differs' : 'These files are yours and differ';
  return [
    ...(foreign === undefined ? [] : [foreign]),
    ...(plain.length === 0 ? [] : [`${those} from ours: ${plain.map(({ path }) => path).join(', ')}.`]),
    ...(byHand.length === 0 ? [] : [`Ours cannot be put into ${byHand.map(fileOf).join(', ')}: the warning says why, and what to put in by hand.`]),
    'Nothing was written.',
    ...(foreign === undefined ? [waysOn(plain.length, byHand.length)] : []),
  ].join(' ');
}

function waysOn(plain: number, byHand: number): string {
  if (byHand === 0) return '--keep keeps yours, --force takes ours, --dry-run shows the differences.';
  return plain === 0
    ? 'Then run again with --keep.'
    : 'Then --keep keeps yours in all of them, and at a terminal each is asked about; --dry-run shows the differences.';
}

const fileOf = ({ path, edit }: Conflict): string => edit?.file ?? path;

/** Files at the repository's root that serve another project of it; undefined where there are none. */
export function neighbourHelp(conflicts: readonly Conflict[]): string | undefined {
  const foreign = conflicts.filter(({ neighbour }) => neighbour !== undefined);
  const folders = [...new Set(foreign.flatMap(({ neighbour }) => (neighbour === undefined ? [] : [neighbour])))];
  if (foreign.length === 0) return undefined;
  const owner = folders.map((folder) => (folder === '' ? 'the one at its root' : `the one in ${folder}`)).join(' and ');
  return `Another project of this repository, ${owner}, has these files, and they serve one project alone: ${foreign.map(({ path }) => path).join(', ')}. Run npx generator-dbt-envs profiles and npx generator-dbt-envs grants for this one, which write none of them, or give it a repository of its own.`;
}

/** A plan as the summary of the run that it would be. */
export function planned(changes: Changes): Summary {
  const paths = (kind: Kind): string[] => changes.filter((change) => change.kind === kind).map(({ path }) => path);
  return {
    created: paths('created'),
    updated: paths('updated'),
    unchanged: paths('unchanged'),
    kept: changes.flatMap((change) => (change.kind === 'kept' ? [{ path: change.path, why: change.why }] : [])),
    removed: paths('removed'),
    conflicts: paths('conflict'),
  };
}

/** The one object that `--json` prints. */
export function jsonOf(
  { created, updated, unchanged, kept, removed, conflicts }: Summary,
  { warnings, nextSteps }: Pick<Decision, 'warnings' | 'nextSteps'>,
): string {
  return `${JSON.stringify({ created, updated, unchanged, kept, removed, conflicts, warnings, nextSteps }, null, 2)}\n`;
}
