import type { Context } from '../context.ts';
import type { FileRequest } from '../planned-file.ts';
import { requirement } from '../versions.ts';

/** What every job needs, whichever part it is of. The part ci plans it; the part cleanup where there is no ci. */
export const jobFiles = ({ ci, pipeline, codeHost, warehouse, adopted }: Context): readonly FileRequest[] => [
  {
    path: 'requirements.txt',
    owner: adopted ? 'yours' : 'ours',
    template: 'pipeline/requirements.txt.ejs',
    view: { warehouse: warehouse.label, requirements: [requirement('dbt-core'), requirement(warehouse.adapter), ...(warehouse.requirements ?? [])] },
  },
  pipelineFile('scripts/dbt_envs/dbt_command.py'),
  pipelineFile('scripts/dbt_envs/inert_markdown.py'),
  pipelineFile('scripts/dbt_envs/json_api.py'),
  ...(warehouse.workloadIdentity?.files ?? []),
  ...ci.commonFiles(pipeline).map(fromRepository),
  ...codeHost.files(),
];

/** A file that is the same for every warehouse and provider, or differs by the view alone. */
export const pipelineFile = (path: string, view: object = {}): FileRequest => ({ path, owner: 'ours', template: `pipeline/${path}.ejs`, view });

/** A provider's paths start at the repository's root. */
export const fromRepository = (file: FileRequest): FileRequest => ({ from: 'repository', ...file });
