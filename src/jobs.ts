import type { Job, Pipeline } from './pipeline.ts';
import type { Project } from './project.ts';
import type { Answers } from './questions.ts';
import { versions } from './versions.ts';
import type { Warehouse } from './warehouse.ts';

/** The jobs of one project, in no provider's words. The same commands for every warehouse: its own work hides behind run-operations. */
export function pipelineOf(answers: Answers, project: Project, projectDir: string): Pipeline {
  const { warehouse, runner, image, pythonIndex } = answers;
  return {
    projectName: project.name,
    mainBranch: project.mainBranch,
    projectDir,
    pythonVersion: versions.python,
    jobs: jobsFor(warehouse, project),
    variables: warehouse.variables(project),
    prodRuns: project.prodRuns,
    needsOwnRunner: warehouse.reach === 'disk',
    settings: project.settings,
    ...(runner !== '' && { runner }),
    ...(image !== '' && { image }),
    ...(pythonIndex !== '' && { pythonIndex }),
  };
}

function jobsFor({ deploy }: Warehouse, { prodRuns }: Project): readonly Job[] {
  return [
    {
      id: 'build',
      title: 'Build the pull request into a schema of its own',
      trigger: { on: 'pull-request' },
      identity: 'ci',
      timeoutMinutes: 60,
      steps: [
        { name: 'Start clean: drop what an earlier build of this pull request left', run: 'dbt run-operation drop_pr_schema --target ci' },
        { name: 'Build', run: 'dbt build --target ci' },
      ],
    },
    {
      id: 'drop',
      title: 'Drop the schema of the closed pull request',
      trigger: { on: 'pull-request-closed' },
      identity: 'ci',
      timeoutMinutes: 30,
      steps: [{ name: 'Drop', run: 'dbt run-operation drop_pr_schema --target ci' }],
    },
    {
      id: 'deploy',
      title: 'Build production',
      trigger: { on: 'main', runs: prodRuns.filter((run) => run !== 'external') },
      identity: 'prod',
      timeoutMinutes: 180,
      steps: [
        ...deploy.before.map((run) => ({ name: 'Prepare', run })),
        { name: 'Build', run: 'dbt build --target prod' },
        ...deploy.after.map((run) => ({ name: 'Publish', run })),
      ],
    },
  ];
}
