import { defineCiProvider } from '../../src/ci-provider.ts';
import { type Trigger, variablesOf } from '../../src/pipeline.ts';

const passage = (topic: string) => ({ template: `ci/example/docs/${topic}.md.ejs`, view: {} });

export const example = defineCiProvider({
  id: 'example',
  label: 'Example CI',
  codeHost: 'github',
  dropsOnClose: true,
  questions: [],
  files: (pipeline) =>
    pipeline.jobs.map((job) => ({
      path: `.example/dbt_${job.id}.yml`,
      owner: 'ours',
      template: 'ci/example/.example/dbt_job.yml.ejs',
      view: {
        title: job.title,
        when: when(job.trigger),
        variables: variablesOf(pipeline, job).map(({ name }) => name),
        commands: job.steps.map(({ run }) => run),
      },
    })),
  docs: () => ({ setup: passage('setup'), limits: passage('limits'), 'failed-deploy': passage('failed-deploy'), backfill: passage('backfill') }),
  nextSteps: () => ['Add the secrets that docs/runbook.md names.'],
  warnings: () => [],
});

function when(trigger: Trigger): string {
  switch (trigger.on) {
    case 'pull-request':
      return 'request-opened';
    case 'pull-request-closed':
      return 'request-closed';
    case 'main':
      return trigger.runs.map((run) => ({ merge: 'push', schedule: 'cron', manual: 'button' })[run]).join(', ');
  }
}
