import { UsageError } from './errors.ts';
import { NameError, shown } from './names.ts';
import { parseTeam, type Roster } from './roster.ts';
import { parseRosterFile } from './roster-file.ts';

export interface RosterEdit {
  /** As for `--team`. */
  readonly add?: string;
  /** Slugs, separated by commas. */
  readonly remove?: string;
  /** `old=new`, or `old=new=login`. */
  readonly rename?: string;
  /** ISO date: the day on which those who leave leave. */
  readonly today: string;
}
/** stub */
export function editRoster(text: string, edit: RosterEdit): string {
  void [UsageError, NameError, shown, parseTeam, edit];
  const roster: Roster = parseRosterFile(text);
  void roster;
  return text;
}
