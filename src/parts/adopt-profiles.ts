import type { Context } from '../context.ts';
import type { PlannedEdit } from '../planned-file.ts';

/** In a profiles.yml that was there before us: the project's three targets, and dev as the one that is meant by default. */
export function adoptProfiles({ project, warehouse, text }: Context): readonly PlannedEdit[] {
  const { dev, ci, prod } = warehouse.targets(project);
  const target = (name: string, yaml: string): PlannedEdit => ({ kind: 'set', at: [project.profile, 'outputs', name], yaml });
  return [{ kind: 'set', at: [project.profile, 'target'], yaml: 'dev' }, target('dev', text(dev)), target('ci', text(ci)), target('prod', text(prod))];
}
