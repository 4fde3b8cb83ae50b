import type { Change } from './changes.ts';
import type { PlannedEdit, PlannedFile } from './planned-file.ts';

type World = import('./changes.ts').World;

/** The place as the lock records it: `acme.outputs.ci`. */
export const placeOf = (edit: PlannedEdit): string => (edit.kind === 'lines' ? 'lines' : edit.at.join('.'));
export const offeredBy = (edit: PlannedEdit, { contents }: PlannedFile): string => (edit.kind === 'lines' ? contents : edit.yaml);
export function changesOfEdits(file: PlannedFile, _world: World): readonly Change[] {
  return [{ kind: 'kept', path: file.path, why: 'yours', owner: 'yours' }];
}
export const makeEdit = (text: string, _edit: unknown): string => text;
