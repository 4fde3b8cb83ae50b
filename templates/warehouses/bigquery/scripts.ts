import type { FileRequest } from '../../../src/planned-file.ts';
import type { Project } from '../../../src/project.ts';
import { grantsView } from './view.ts';

/** What SQL can do is SQL; what only the policies of projects and service accounts know is a shell script of the same number. */
const SCRIPTS = [
  '00_look.sql',
  '00_look.sh',
  '10_roles.sh',
  '20_record.sh',
  '20_boundary.sql',
  '30_developers.sql',
  '30_developers.sh',
  '40_services.sql',
  '40_services.sh',
  '50_readers.sql',
  '90_close_prod.sql',
  '90_close_prod.sh',
  '91_reopen_prod.sh',
  '91_reopen_prod.sql',
  'adopt_leftovers.sql',
  'why_the_bill_rose.sql',
  'audit.sql',
  'audit.sh',
] as const;

const ours = (path: string, view: object, template = path): FileRequest => ({ path, owner: 'ours', template: `warehouses/bigquery/${template}.ejs`, view });

/** grants/: what an administrator runs, in the order of the numbers. */
export function grantsFiles(project: Project): readonly FileRequest[] {
  const view = grantsView(project);
  const { leavers } = view;
  return [
    ours('grants/README.md', view),
    ...SCRIPTS.map((name) => ours(`grants/${name}`, view)),
    ours('grants/verify.sql', { ...view, ownDataset: ownDataset(view.developers), isReader: isReader(view.readers) }),
    ...leavers.map((leaver) => ours(`grants/leavers/${leaver.slug}.sql`, { ...view, leaver }, 'grants/leavers/leaver.sql')),
  ];
}

/** The dataset of whoever asks, as an expression of SQL. */
export const ownDataset = (developers: readonly { readonly email: string; readonly schema: string }[]): string =>
  developers.length === 0
    ? 'NULL'
    : `SELECT own FROM UNNEST(ARRAY<STRUCT<email STRING, own STRING>>[\n${developers.map(({ email, schema }) => `    ('${email}', '${schema}')`).join(',\n')}\n  ]) WHERE email = SESSION_USER()`;

/** Whether a reader asks, as an expression of SQL. */
export const isReader = (readers: readonly { readonly email: string }[]): string =>
  readers.length === 0 ? 'FALSE' : `SESSION_USER() IN (${readers.map(({ email }) => `'${email}'`).join(', ')})`;
