import { LOCK_FILE } from '../changes/lock.ts';
import type { PlannedEdit } from '../planned-file.ts';

/** Rules about line ends would change files of yours, so only our own record is added to a .gitattributes that was there. */
export const mergedFiles: readonly PlannedEdit[] = [{ kind: 'lines', lines: [`${LOCK_FILE} merge=union`] }];
