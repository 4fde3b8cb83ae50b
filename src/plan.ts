import { type Context, contextOf, type Situation } from './context.ts';
import { appFiles } from './parts/app.ts';
import { ciFiles } from './parts/ci.ts';
import { cleanupFiles } from './parts/cleanup.ts';
import { grantsFiles } from './parts/grants.ts';
import { profilesFiles } from './parts/profiles.ts';
import { rosterFiles } from './parts/roster.ts';
import type { FileRequest, PlannedFile } from './planned-file.ts';
import type { Answers } from './questions.ts';
import { render } from './render.ts';
import type { Roster } from './roster/roster.ts';

export type Part = (context: Context) => readonly FileRequest[];

/** Which part owns which paths. A path belongs to one part. */
const parts = {
  roster: rosterFiles,
  profiles: profilesFiles,
  grants: grantsFiles,
  ci: ciFiles,
  cleanup: cleanupFiles,
  app: appFiles,
} as const satisfies Record<string, Part>;
export type PartName = keyof typeof parts;
export const partNames = Object.keys(parts) as readonly PartName[];

/** A part that needs another plans it too. */
const needs: Readonly<Record<PartName, readonly PartName[]>> = {
  roster: [],
  profiles: ['roster'],
  grants: ['profiles'],
  ci: ['profiles'],
  cleanup: ['profiles', 'grants'],
  app: ['profiles', 'grants', 'ci', 'cleanup'],
};

/** The parts together with all that they need, in the order in which they are planned. */
export function withNeeds(names: readonly PartName[]): readonly PartName[] {
  const wanted = new Set<PartName>();
  const add = (name: PartName): void => {
    if (wanted.has(name)) return;
    wanted.add(name);
    needs[name].forEach(add);
  };
  names.forEach(add);
  return partNames.filter((name) => wanted.has(name));
}

/**
 * Answers to files; pure: no disk, no clock, no environment. Throws where two parts ask for one path: that is a
 * mistake of ours, never of the answers.
 */
export function plan(answers: Answers, roster: Roster, situation: Situation, names: readonly PartName[]): readonly PlannedFile[] {
  const wanted = withNeeds(names);
  const context = contextOf(answers, roster, situation, wanted);
  const byPath = new Map<string, PlannedFile>();
  for (const part of wanted) {
    for (const { template, view, path, owner, was = [], from = 'project', edits } of parts[part](context)) {
      const place = from === 'project' ? path : fromRepository(situation.projectDir, path);
      const other = byPath.get(place);
      if (other) throw new Error(`parts ${other.part} and ${part} both plan ${place}`);
      byPath.set(place, { path: place, owner, part, contents: render(template, view), was, ...(edits !== undefined && { edits }) });
    }
  }
  return [...byPath.values()];
}

/** A path at the repository's root, as seen from the project's folder: `../../.github/…` for a project in `data/dbt`. */
export function fromRepository(projectDir: string, path: string): string {
  const depth = projectDir.split('/').filter((step) => step !== '').length;
  return '../'.repeat(depth) + path;
}
