import { defineCiProvider } from '../../src/ci-provider.ts';
import { type Job, type Pipeline, type Trigger, variablesOf } from '../../src/pipeline.ts';
import type { FileRequest } from '../../src/planned-file.ts';

const passage = (topic: string) => ({ template: `ci/example/docs/${topic}.md.ejs`, view: {} });

export const example = defineCiProvider({
  id: 'example',
  label: 'Example CI',
  codeHost: 'github',
  dropsOnClose: true,
  questions: [],
  commonFiles: () => [],
  files: (pipeline) => pipeline.jobs.filter(({ trigger }) => trigger.on !== 'nightly').map((job) => fileOf(pipeline, job)),
  sweepFiles: (pipeline) => pipeline.jobs.filter(({ trigger }) => trigger.on === 'nightly').map((job) => fileOf(pipeline, job)),
  docs: () => ({
    setup: passage('setup'),
    limits: passage('limits'),
    'failed-deploy': passage('failed-deploy'),
    sweep: passage('sweep'),
    backfill: passage('backfill'),
  }),
  nextSteps: () => ['Add the secrets that docs/runbook.md names.'],
  warnings: () => [],
});

const fileOf = (pipeline: Pipeline, job: Job): FileRequest => ({
  path: `.example/dbt_${job.id}.yml`,
  owner: 'ours',
  template: 'ci/example/.example/dbt_job.yml.ejs',
  view: {
    title: job.title,
    when: when(job.trigger),
    variables: variablesOf(pipeline, job).map(({ name, as = name }) => as),
    commands: job.steps.map(({ run }) => run),
  },
});

function when(trigger: Trigger): string {
  switch (trigger.on) {
    case 'pull-request':
      return 'request-opened';
    case 'pull-request-closed':
      return 'request-closed';
    case 'main':
      return trigger.runs.map((run) => ({ merge: 'push', schedule: 'cron', manual: 'button' })[run]).join(', ');
    case 'nightly':
      return 'cron, button';
  }
}
