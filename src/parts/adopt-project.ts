import type { Context } from '../context.ts';
import type { FileRequest, PlannedEdit } from '../planned-file.ts';
import { yamlText } from '../yaml-text.ts';

/** dbt runs it before anything is built; where it fails, nothing is. */
const CHECK = '"{{ dbt_envs_check_isolation() }}"';

const edits: readonly PlannedEdit[] = [
  { kind: 'append', at: ['on-run-start'], yaml: CHECK },
  // dbt's default is true since 1.12, and 2 knows nothing else. A `flags:` of ours would clash with `config:` in profiles.yml.
  { kind: 'set', at: ['flags', 'skip_nodes_if_on_run_start_fails'], yaml: 'true', whereGiven: true },
  // Ours are in macros/dbt_envs; macros/ is dbt's default.
  { kind: 'append', at: ['macro-paths'], yaml: 'macros', whereGiven: true },
];

/** A dbt_project.yml that was there before us stays, but for what the guards need. */
export const adoptedProject = ({ project }: Context): FileRequest => ({
  path: 'dbt_project.yml',
  owner: 'yours',
  template: 'profiles/dbt_project.yml.ejs',
  view: { name: project.name, profile: yamlText(project.profile), check: CHECK },
  edits,
});
