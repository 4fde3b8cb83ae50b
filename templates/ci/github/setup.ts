import type { Job, Pipeline } from '../../../src/pipeline.ts';
import { variablesOf } from '../../../src/pipeline.ts';
import type { FileRequest } from '../../../src/planned-file.ts';
import type { Variable } from '../../../src/warehouse.ts';

/** A variable or secret, and the environments it belongs to. A variable that several need has none: the repository holds it. */
export interface Setting extends Variable {
  readonly environments: readonly string[];
}

/** The jobs whose workflow is written: production's only where CI runs production. */
export const writtenJobs = ({ jobs }: Pipeline): readonly Job[] => jobs.filter(({ trigger }) => trigger.on !== 'main' || trigger.runs.length > 0);

/** The environments of the jobs: one for each identity, named like it. */
export const environmentsOf = (pipeline: Pipeline): readonly string[] => [...new Set(writtenJobs(pipeline).map(({ identity }) => identity))];

/** Everything that the workflows read, once. */
export function settingsOf(pipeline: Pipeline): readonly Setting[] {
  const read = new Set(writtenJobs(pipeline).flatMap((job) => variablesOf(pipeline, job)));
  return [...read].map((variable) => {
    const environments = environmentsOf(pipeline).filter((name) => variable.identities.some((identity) => identity === name));
    return { ...variable, environments: variable.secret || environments.length === 1 ? environments : [] };
  });
}

/** scripts/dbt_envs/setup.py. A JSON string is a Python string too. */
export const setupScript = (pipeline: Pipeline): FileRequest => ({
  path: 'scripts/dbt_envs/setup.py',
  from: 'project',
  owner: 'ours',
  template: 'ci/github/scripts/dbt_envs/setup.py.ejs',
  view: {
    mainBranch: JSON.stringify(pipeline.mainBranch),
    environments: environmentsOf(pipeline).map((name) => ({
      name: JSON.stringify(name),
      branches: name === 'prod' ? list([pipeline.mainBranch]) : '[]',
    })),
    settings: settingsOf(pipeline).map(({ name, secret, environments, what, example, default: fallback }) => ({
      name: JSON.stringify(name),
      secret: secret ? 'True' : 'False',
      environments: environments.length === 0 ? '[""]' : list(environments),
      what: JSON.stringify(what),
      example: JSON.stringify(example),
      default: fallback === undefined ? 'None' : JSON.stringify(fallback),
    })),
  },
});

const list = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;
