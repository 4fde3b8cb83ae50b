import type { FileRequest } from '../../../src/planned-file.ts';
import type { Project } from '../../../src/project.ts';
import { grantsView } from './view.ts';

type Script = readonly [name: string, actFor: readonly (keyof ReturnType<typeof grantsView>['roles'])[]];

/** Each script with the roles that an administrator who is no superuser must be able to act for while it runs. */
const SCRIPTS: readonly Script[] = [
  ['00_look', []],
  ['10_roles', []],
  ['20_boundary', ['envOwner', 'prodOwner']],
  ['30_developers', ['envOwner']],
  ['40_services', ['envOwner', 'prodOwner', 'prodService', 'ciService']],
  ['50_readers', ['envOwner']],
  ['90_close_prod', ['envOwner', 'prodOwner', 'prodService']],
  ['91_reopen_prod', ['envOwner', 'prodOwner', 'prodService']],
  ['adopt_leftovers', ['envOwner', 'ciService']],
  ['verify', []],
  ['audit', []],
];

const ours = (path: string, template: string, view: object): FileRequest => ({ path, owner: 'ours', template: `warehouses/postgres/${template}.ejs`, view });

/** grants/: what an administrator runs, in the order of the numbers. */
export function grantsFiles(project: Project): readonly FileRequest[] {
  const view = grantsView(project);
  const actingFor = (roles: Script[1]): object => ({ ...view, actFor: roles.map((role) => view.roles[role]) });
  return [
    ours('grants/README.md', 'grants/README.md', { ...view, leavers: project.roster.leavers.map(({ slug, login, left }) => ({ slug, login, left })) }),
    ...SCRIPTS.map(([name, actFor]) => ours(`grants/${name}.sql`, `grants/${name}.sql`, actingFor(actFor))),
    ...project.roster.leavers.map(({ slug, login, left }) =>
      ours(`grants/leavers/${slug}.sql`, 'grants/leavers/leaver.sql', { ...actingFor(['envOwner']), slug, login, left }),
    ),
  ];
}
