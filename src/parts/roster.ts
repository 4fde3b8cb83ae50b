import type { Part } from '../plan.ts';
import { rosterView } from '../roster/roster-text.ts';

/** roster.yml: the team and the readers; every run reads it, `roster` edits it, nobody rewrites it. */
export const rosterFiles: Part = ({ project }) => [
  { path: 'roster.yml', owner: 'yours', template: 'roster/roster.yml.ejs', view: { ...rosterView(project.roster), name: project.name } },
];
