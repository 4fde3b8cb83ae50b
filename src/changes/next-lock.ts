import type { PlannedFile } from '../planned-file.ts';
import { isEdited, ownLock, type World } from './changes.ts';
import { offeredBy, recordOf } from './edits.ts';
import { type Lock, YOURS } from './lock.ts';

/**
 * The record after a run: what was offered, whatever was answered, so that one question is asked once. One hash a path
 * is enough: what was offered before is either replaced or has become your edit. `staying` are earlier paths that a
 * move did not take away; what is known of them stays. Where the plan is not complete, so does all else.
 */
export function nextLock(plan: readonly PlannedFile[], world: World, staying: ReadonlySet<string>): Lock {
  const before = ownLock(world);
  const next = new Map<string, ReadonlySet<string>>();
  for (const [path, hashes] of before) if (!world.complete || staying.has(path)) next.set(path, hashes);
  for (const file of plan) {
    const { path, owner, contents, edits = [] } = file;
    if (isEdited(file, { ...world, lock: before })) {
      for (const edit of edits) next.set(recordOf(path, edit), new Set([world.hash(offeredBy(edit, contents))]));
    } else if (world.force || !wasEdited(path, before)) next.set(path, new Set([owner === 'yours' ? YOURS : world.hash(contents)]));
    else for (const [recorded, hashes] of before) if (recorded.startsWith(`${path}#`)) next.set(recorded, hashes);
  }
  return next;
}

/** Your file, with edits of ours in it, is away: should it come back, it is still yours. */
const wasEdited = (path: string, before: Lock): boolean => !before.has(path) && [...before.keys()].some((one) => one.startsWith(`${path}#`));
