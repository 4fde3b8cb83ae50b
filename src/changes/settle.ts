import { RunError } from '../errors.ts';
import { type Change, type Conflict, eolOf, type FileEdit, withEolOf } from './changes.ts';
import { makeEdit } from './edits.ts';
import type { Work, Write } from './work.ts';

/** What became of every path. */
export interface Summary {
  readonly created: string[];
  readonly updated: string[];
  readonly unchanged: string[];
  readonly kept: { path: string; why: string }[];
  readonly removed: string[];
  /** Those that were not settled by taking ours. */
  readonly conflicts: string[];
}

export type Settle = (conflict: Conflict) => 'keep' | 'take' | 'new';

export interface Settled {
  readonly summary: Summary;
  readonly work: Omit<Work, 'record'>;
  /** Earlier paths of files that stay where they are. */
  readonly staying: ReadonlySet<string>;
}

/** Every conflict answered: what is to be written and removed. Throws {@link RunError} before the first byte where that cannot be done. */
export function settle(changes: readonly Change[], answer: Settle, exists: (path: string) => boolean): Settled {
  const summary: Summary = { created: [], updated: [], unchanged: [], kept: [], removed: [], conflicts: [] };
  const writes: Write[] = [];
  const edited = new Map<string, { readonly before: string; text: string }>();
  const edits: FileEdit[] = [];
  const beside = new Map<string, Beside>();
  const removals: { path: string; decidedOn: { text: string | undefined } }[] = [];
  const staying = new Set<string>();

  const update = (change: Extract<Change, { kind: 'updated' }>): void => {
    summary.updated.push(change.path);
    if (change.edit) {
      edits.push(change.edit);
      const file = edited.get(change.edit.file) ?? { before: change.before, text: change.before };
      file.text = makeEdit(file.text, change.edit);
      edited.set(change.edit.file, file);
      return;
    }
    writes.push({ path: change.path, contents: change.contents, decidedOn: { text: change.from === undefined ? change.before : undefined } });
    if (change.from !== undefined) removals.push({ path: change.from, decidedOn: { text: change.before } });
  };

  for (const change of changes) {
    switch (change.kind) {
      case 'created':
        summary.created.push(change.path);
        writes.push({ path: change.path, contents: change.contents, decidedOn: { text: undefined } });
        break;
      case 'updated':
        update(change);
        break;
      case 'unchanged':
        summary.unchanged.push(change.path);
        break;
      case 'kept':
        summary.kept.push({ path: change.path, why: change.why });
        break;
      case 'removed':
        summary.removed.push(change.path);
        removals.push({ path: change.path, decidedOn: { text: change.before } });
        break;
      case 'conflict': {
        const settled = answer(change);
        if (settled === 'take') {
          if (change.cannot !== undefined) throw new RunError(`${change.cannot}\n${change.theirs}`);
          update({ ...change, kind: 'updated', before: change.mine, contents: change.theirs });
          break;
        }
        summary.conflicts.push(change.path);
        if (change.from !== undefined) staying.add(change.from);
        if (settled === 'new') {
          const file = change.edit?.file ?? change.path;
          const { offered } = beside.get(file) ?? { offered: [] };
          beside.set(file, { mine: change.mine, offered: [...offered, change] });
          if (change.edit !== undefined && change.cannot === undefined) edits.push(change.edit);
        }
        break;
      }
    }
  }
  for (const [file, ours] of beside) writes.push(writtenBeside(file, ours, edits, exists));
  for (const [path, { before, text }] of edited) writes.push({ path, contents: text, decidedOn: { text: before } });
  summary.created.push(...writes.filter(({ path }) => path.endsWith('.new') && !summary.created.includes(path)).map(({ path }) => path));
  return { summary, work: { writes, removals }, staying };
}

/** Conflicts in one file of which ours is to be written beside it. */
interface Beside {
  /** The whole file as it is. */
  readonly mine: string;
  readonly offered: readonly Conflict[];
}

/**
 * Ours beside yours: one file for all conflicts that were answered so. Of a file in which ours are places alone, it is
 * that file as it would be with all of them, and with the `edits` that are made anyway.
 */
function writtenBeside(of: string, { mine, offered }: Beside, edits: readonly FileEdit[], exists: (path: string) => boolean): Write {
  const path = `${of}.new`;
  if (exists(path)) throw new RunError(`${path} is there already. Move it away and run again; nothing was written.`);
  const pasted = offered.find(({ cannot }) => cannot !== undefined);
  const isEdited = offered.some(({ edit, cannot }) => edit !== undefined && cannot === undefined);
  const contents = isEdited ? withPasted(edits.filter(({ file }) => file === of).reduce(makeEdit, mine), pasted?.theirs) : (offered[0]?.theirs ?? mine);
  return { path, contents, decidedOn: { text: undefined } };
}

/** What no edit can put into the text stands below it, as comments. */
function withPasted(text: string, toPaste: string | undefined): string {
  if (toPaste === undefined) return text;
  const lines = ['Not in the text above; put it in by hand:', ...toPaste.trimEnd().split('\n')];
  return `${text}${text === '' || text.endsWith('\n') ? '' : eolOf(text)}${withEolOf(text, lines.map((line) => `# ${line}\n`).join(''))}`;
}
