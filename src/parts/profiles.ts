import { DEV_SCHEMA_PATTERN, PR_SCHEMA_PATTERN } from '../names.ts';
import type { Part } from '../plan.ts';
import { yamlText } from '../yaml-text.ts';
import { adoptProfiles } from './adopt-profiles.ts';
import { adoptedProject } from './adopt-project.ts';

const MACROS = [
  'generate_schema_name.sql',
  'generate_alias_name.sql',
  'generate_database_name.sql',
  'refuse_target.sql',
  'refuse_schema.sql',
  'check_isolation.sql',
  '_macros.yml',
] as const;

/** profiles.yml, the schema rules with their guards, and what only this warehouse needs. */
export const profilesFiles: Part = (context) => {
  const { project, warehouse, text, adopted } = context;
  const targets = warehouse.targets(project);
  return [
    {
      path: 'profiles.yml',
      owner: 'ours',
      template: 'profiles/profiles.yml.ejs',
      view: { profile: yamlText(project.profile), dev: indented(text(targets.dev)), ci: indented(text(targets.ci)), prod: indented(text(targets.prod)) },
      edits: adoptProfiles(context),
    },
    ...(adopted ? [adoptedProject(context)] : []),
    {
      path: 'macros/dbt_envs/answers.sql',
      owner: 'ours',
      template: 'profiles/macros/dbt_envs/answers.sql.ejs',
      view: {
        name: project.name,
        devPattern: DEV_SCHEMA_PATTERN,
        prPattern: PR_SCHEMA_PATTERN,
        slugs: project.roster.developers.map(({ slug }) => slug),
        prodSchemas: project.prodSchemas,
        prodRuns: project.prodRuns,
        rolePrefix: project.rolePrefix,
      },
    },
    ...MACROS.map((name) => ({
      path: `macros/dbt_envs/${name}`,
      owner: 'ours' as const,
      template: `profiles/macros/dbt_envs/${name}.ejs`,
      view: {},
    })),
    ...warehouse.macros(project),
  ];
};

/** A target's mapping, moved under `<profile>: outputs: <target>:`. */
const indented = (text: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : `      ${line}`))
    .join('\n');
