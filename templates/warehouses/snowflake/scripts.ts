import type { FileRequest } from '../../../src/planned-file.ts';
import type { Project } from '../../../src/project.ts';
import { grantsView, stored } from './view.ts';

const SCRIPTS = [
  '00_look',
  '10_roles',
  '20_boundary',
  '30_developers',
  '40_services',
  '50_readers',
  '90_close_prod',
  '91_reopen_prod',
  'adopt_leftovers',
  'why_the_bill_rose',
  'verify',
  'audit',
] as const;

const ours = (path: string, template: string, view: object): FileRequest => ({ path, owner: 'ours', template: `warehouses/snowflake/${template}.ejs`, view });

/** grants/: what an administrator runs, in the order of the numbers. */
export function grantsFiles(project: Project): readonly FileRequest[] {
  const view = grantsView(project);
  const slugs = new Map(view.developers.map(({ login, slug }) => [login, slug]));
  const leavers = project.roster.leavers.map(({ slug, login, left }) => ({
    slug,
    login: stored(login),
    left,
    role: `${view.devRole}${slug}`,
    /** The slug under which the same user still develops; empty where the person is gone. */
    stays: slugs.get(stored(login)) ?? '',
  }));
  return [
    ours('grants/README.md', 'grants/README.md', { ...view, leavers }),
    ...SCRIPTS.map((name) => ours(`grants/${name}.sql`, `grants/${name}.sql`, view)),
    ...leavers.map((leaver) => ours(`grants/leavers/${leaver.slug}.sql`, 'grants/leavers/leaver.sql', { ...view, leaver })),
  ];
}
