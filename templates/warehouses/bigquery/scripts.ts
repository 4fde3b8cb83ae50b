import type { FileRequest } from '../../../src/planned-file.ts';
import type { Project } from '../../../src/project.ts';
import { grantsView } from './view.ts';

/** What SQL can do is SQL; what only the policies of projects and service accounts know is a shell script of the same number. */
const SCRIPTS: readonly string[] = [];

const ours = (path: string, template: string, view: object): FileRequest => ({ path, owner: 'ours', template: `warehouses/bigquery/${template}.ejs`, view });

/** grants/: what an administrator runs, in the order of the numbers. */
export function grantsFiles(project: Project): readonly FileRequest[] {
  const view = grantsView(project);
  return [ours('grants/README.md', 'grants/README.md', view), ...SCRIPTS.map((name) => ours(`grants/${name}`, `grants/${name}`, view))];
}
