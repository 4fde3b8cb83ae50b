import { RunError } from '../errors.ts';
import type { PlannedEdit, PlannedFile } from '../planned-file.ts';
import type { Change, FileEdit, World } from './changes.ts';
import { appendItem, replaceItem } from './splice/append-item.ts';
import { appendLines, missingLines } from './splice/append-lines.ts';
import { CannotEdit, load, same, snippetValue, valueAt, valueIn } from './splice/document.ts';
import { pairText, setKey, sourceAt } from './splice/set-key.ts';
import { dedented, flowText } from './splice/source.ts';

const HEADING = '# For the environments of generator-dbt-envs';

/** How the lock names an edit: `profiles.yml#acme.outputs.ci`. */
export const recordOf = (file: string, edit: PlannedEdit): string => `${file}#${edit.kind === 'lines' ? 'lines' : edit.at.join('.')}`;

/** What is hashed for the lock: what the edit puts there. */
export function offeredBy(edit: PlannedEdit, planned: string): string {
  switch (edit.kind) {
    case 'lines':
      return linesIn(edit, planned);
    case 'set':
      return dedented(edit.yaml);
    case 'append':
      return flowText(snippetValue(edit.yaml));
  }
}

const linesIn = ({ lines }: Extract<PlannedEdit, { kind: 'lines' }>, planned: string): string => lines?.join('\n') ?? planned;

/**
 * The edits of a file that is there and not ours, each by the rules that hold for whole files. Those that cannot be made
 * are one conflict: one thing to paste, one question.
 */
export function changesOfEdits({ path, contents, edits = [] }: PlannedFile, world: World): readonly Change[] {
  const text = world.read(path);
  if (text === undefined) return [];
  const refused: Refused[] = [];
  const changes = edits.flatMap((edit) => {
    const wanted = { file: path, edit, planned: contents };
    try {
      return changeOfEdit(wanted, text, world);
    } catch (error) {
      if (!(error instanceof CannotEdit)) throw error;
      const place = recordOf(path, edit);
      if (world.lock.get(place)?.has(world.hash(offeredBy(edit, contents))) === true)
        return [{ kind: 'kept', path: place, why: 'edited', owner: 'ours' } as const];
      refused.push({ wanted, error });
      return [];
    }
  });
  return [...changes, ...refusedTogether(path, text, refused)];
}

interface Refused {
  readonly wanted: FileEdit;
  readonly error: CannotEdit;
}

function refusedTogether(file: string, mine: string, refused: readonly Refused[]): readonly Change[] {
  const [first, ...more] = refused;
  if (first === undefined) return [];
  const cannot = refusal(file, [...new Set(refused.map(({ error }) => error.message))].join('; '));
  if (more.length === 0)
    return [{ kind: 'conflict', path: recordOf(file, first.wanted.edit), mine, theirs: toPaste(first.wanted), edit: first.wanted, cannot }];
  return [{ kind: 'conflict', path: file, mine, theirs: more.reduce((text, { wanted }) => together(text, wanted), toPaste(first.wanted)), cannot }];
}

/** Another edit in the text that is to be pasted. */
function together(text: string, wanted: FileEdit): string {
  try {
    return edited(text, wanted);
  } catch (error) {
    if (error instanceof CannotEdit) return text + toPaste(wanted);
    throw error;
  }
}

/** Throws {@link CannotEdit}. */
function changeOfEdit(wanted: FileEdit, text: string, { lock, hash, force }: World): readonly Change[] {
  const path = recordOf(wanted.file, wanted.edit);
  const recorded = lock.get(path);
  const isOffered = (source: string): boolean => recorded?.has(hash(source)) === true;
  const wasOffered = isOffered(offeredBy(wanted.edit, wanted.planned));
  const { state, index } = stateOf(wanted, text, isOffered);
  if (state === 'unwanted') return [];
  if (state === 'as planned') return [{ kind: 'unchanged', path }];
  if (state === 'absent' && recorded !== undefined && !force) return [{ kind: 'kept', path, why: 'deleted', owner: 'ours' }];
  if (state === 'other' && wasOffered) return [{ kind: 'kept', path, why: 'edited', owner: 'ours' }];
  const edit = { ...wanted, ...(index !== undefined && { index }) };
  const contents = edited(text, edit);
  if (state === 'other' && !force) return [{ kind: 'conflict', path, mine: text, theirs: contents, edit }];
  return [{ kind: 'updated', path, before: text, contents, edit }];
}

interface State {
  /** `ours`: what an earlier run put there; `other`: what you have there; `unwanted`: the file is silent there, and may be. */
  readonly state: 'as planned' | 'absent' | 'ours' | 'other' | 'unwanted';
  readonly index?: number;
}

function stateOf({ edit, planned }: FileEdit, text: string, isOffered: (source: string) => boolean): State {
  if (edit.kind === 'lines') {
    const lines = linesIn(edit, planned);
    if (missingLines(text, lines).length === 0) return { state: 'as planned' };
    return { state: isOffered(lines) ? 'other' : 'ours' };
  }
  const there = valueAt(valueIn(load(text)), edit.at);
  const value = snippetValue(edit.yaml);
  if (there === undefined && edit.whereGiven === true) return { state: 'unwanted' };
  if (edit.kind === 'set') {
    if (there === undefined) return { state: 'absent' };
    if (same(there, value)) return { state: 'as planned' };
    return { state: isOffered(dedented(sourceAt(text, edit.at) ?? '')) ? 'ours' : 'other' };
  }
  const items: readonly unknown[] = Array.isArray(there) ? there : [there];
  if (items.some((item) => same(item, value))) return { state: 'as planned' };
  const index = Array.isArray(there) ? items.findIndex((item) => isOffered(flowText(item))) : -1;
  return index < 0 ? { state: 'absent' } : { state: 'ours', index };
}

/** Throws {@link CannotEdit}. */
function edited(text: string, { edit, planned, index }: FileEdit): string {
  switch (edit.kind) {
    case 'lines':
      return appendLines(text, linesIn(edit, planned), HEADING);
    case 'set':
      return setKey(text, edit.at, edit.yaml);
    case 'append':
      return index === undefined ? appendItem(text, edit.at, edit.yaml) : replaceItem(text, edit.at, index, edit.yaml);
  }
}

/** The file's text with the edit made. Throws {@link RunError} where that cannot be done safely. */
export function makeEdit(text: string, edit: FileEdit): string {
  try {
    return edited(text, edit);
  } catch (error) {
    if (error instanceof CannotEdit) throw new RunError(`${refusal(edit.file, error.message)}\n${toPaste(edit)}`);
    throw error;
  }
}

const refusal = (file: string, reason: string): string =>
  `${file} cannot be edited safely: ${reason}. Nothing was written; put this in by hand, then run again with --keep:`;

/** The edit as a document of its own, to be merged by hand. */
function toPaste({ edit, planned }: FileEdit): string {
  if (edit.kind === 'lines') return linesIn(edit, planned);
  const value = edit.kind === 'append' ? `- ${edit.yaml}` : edit.yaml.trimEnd();
  return `${[...edit.at].reverse().reduce((inner, key) => pairText(key, inner), value)}\n`;
}
