import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { CiStage, Done, StoryJob } from '../support/ci-story.ts';
import { ciStory } from '../support/ci-story.ts';
import { filesOf, type GitlabRun } from '../support/gitlab-ci.ts';
import { startGitlabCompany } from '../support/gitlab-postgres.ts';

const SOURCES = { merge: 'push', schedule: 'schedule', manual: 'web' } as const;
const HOW = {
  ready: {},
  draft: { CI_MERGE_REQUEST_DRAFT: 'true' },
  'from a fork': { CI_MERGE_REQUEST_SOURCE_PROJECT_ID: '99' },
  'an old run again': { CI_COMMIT_SHA: '0'.repeat(40) },
} as const;
const CARD = 'target/dbt_envs/card.html';
/** The page's words, names in backticks. */
const wordsOf = (page: string): string =>
  page
    .replace(/^[\s\S]*<body>/, '')
    .replace(/<\/?code>/g, '`')
    .replace(/<[^>]*>/g, ' ');

/** A job's outcome; a sweep that only says what it would do is another job on GitLab. */
const doneOf = ({ results, output, artifacts }: GitlabRun): Done => ({
  of: (job: StoryJob) => {
    const [found = 'skipped'] = [`dbt-${job}`, `dbt-${job}-dry-run`].flatMap((name) => results[name] ?? []);
    return found === 'success' || found === 'failure' ? found : 'skipped';
  },
  output,
  card: filesOf(artifacts('dbt-build')).includes(CARD) ? wordsOf(readFileSync(path.join(artifacts('dbt-build'), CARD), 'utf8')) : '',
});

/** The jobs that GitLab's rules start, really run by gitlab-ci-local's shell executor. */
ciStory(async (): Promise<CiStage> => {
  const { site, password, ask, relations, pulls, shell, stop } = await startGitlabCompany();
  return {
    desk: site.desk,
    push: (branch, change) => void site.push(branch, change),
    open: (number, branch) => site.open(number, branch),
    close: (number, days = 0) =>
      void site.api.merges.set(number, {
        state: 'closed',
        sha: site.api.merges.get(number)?.sha ?? '',
        closedAt: new Date(Date.now() - days * 86_400_000).toISOString(),
      }),
    merge: (number) => site.merge(number),
    opened: async (number, how = 'ready') => doneOf(await site.onMerge(number, [], HOW[how])),
    closed: async (number) => doneOf(await site.onMerge(number, ['dbt-drop'])),
    deployed: async (by, inputs, how) =>
      doneOf(
        await site.onMain(SOURCES[by], {
          ...(how === 'from a main that anybody may change' && { CI_COMMIT_REF_PROTECTED: 'false' }),
          ...(how === 'a run of the commit before, started again' && { CI_COMMIT_SHA: site.before() }),
          ...(by === 'schedule' && { CI_PIPELINE_SCHEDULE_DESCRIPTION: 'dbt deploy' }),
          ...(inputs && { DBT_ENVS_SELECT: inputs.select, DBT_ENVS_FULL_REFRESH: inputs.full_refresh, DBT_ENVS_RETRY: inputs.retry }),
        }),
      ),
    swept: async (how) =>
      doneOf(
        await site.onMain(
          how ? 'web' : 'schedule',
          how ? { DBT_ENVS_RUN: 'sweep', ...(how.dryRun && { DBT_ENVS_DRY_RUN: 'true' }) } : { CI_PIPELINE_SCHEDULE_DESCRIPTION: 'dbt sweep' },
        ),
      ),
    fails: (what) => site.api.fails(what && { state: /packages/, list: /GET \/projects\/7\/merge_requests/ }[what]),
    live: (card) => (card.match(/<[^>]*>/g) ?? []).join(''),
    shell: { ...shell('sam', 'sam'), CI_API_V4_URL: site.api.url, CI_PROJECT_ID: '7', GITLAB_TOKEN: 'sams-own' },
    left: () => site.api.packages.map(({ name }) => (name === 'dbt-prod-state' ? 'state' : 'failed')),
    openIssues: () => site.api.issues.filter(({ state }) => state === 'opened').length,
    ask,
    relations,
    pulls,
    secrets: [...(['acme_ci_service', 'acme_prod_service', 'acme_janitor'] as const).map(password), 'glpat-of-the-sweep', 'job-token-', 'sams-own'],
    stop,
  };
});
