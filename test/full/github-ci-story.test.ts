import type { CiStage, Done } from '../support/ci-story.ts';
import { ciStory } from '../support/ci-story.ts';
import { PLANTED_OUTPUT } from '../support/github-events.ts';
import { startCompany } from '../support/github-postgres.ts';
import type { WorkflowRun } from '../support/github-runner.ts';

const EVENTS = { merge: 'push', schedule: 'schedule', manual: 'workflow_dispatch' } as const;
const HOW = { ready: {}, draft: { draft: true }, 'from a fork': { from: 'mallory/dbt' }, 'an old run again': { sha: '0'.repeat(40) } } as const;

/** The workflows' own steps, with GitHub's evaluator for their conditions. */
ciStory(async (): Promise<CiStage> => {
  const { site, password, ask, relations, pulls, stop } = await startCompany();
  const doneOf = ({ results, printed }: WorkflowRun, number?: number): Done => ({
    of: (job) => (results[job] === 'success' || results[job] === 'failure' ? results[job] : 'skipped'),
    output: printed,
    card: site.api.comments.findLast(({ pull }) => pull === number)?.body ?? '',
  });
  return {
    desk: site.desk,
    push: (branch, change) => void site.push(branch, change),
    open: (number, branch) => site.pull(number, branch),
    close: (number, days = 0) => {
      const closedAt = new Date(Date.now() - days * 86_400_000).toISOString().replace(/\.\d+/, '');
      site.api.pulls.set(number, { state: 'closed', sha: site.api.pulls.get(number)?.sha ?? '', closedAt });
    },
    merge: (number) => site.merge(number),
    opened: async (number, how = 'ready') => doneOf(await site.onPull(site.event('synchronize', number, HOW[how])), number),
    closed: async (number) => doneOf(await site.onPull(site.event('closed', number)), number),
    deployed: async (by, inputs) =>
      doneOf(
        await site.deploy(EVENTS[by], inputs ? { select: inputs.select, full_refresh: inputs.full_refresh === 'true', retry: inputs.retry === 'true' } : {}),
      ),
    swept: async (how) => doneOf(await site.sweep(how ? 'workflow_dispatch' : 'schedule', how?.dryRun ? { dry_run: true } : {})),
    fails: (what) =>
      what === undefined ? site.api.fails() : site.api.fails({ state: /actions\/workflows/, list: /^GET .*\/pulls\?state=all&sort/ }[what], { status: 500 }),
    left: () =>
      site.api.artifacts.flatMap(({ name }) => (name === 'dbt-prod-state' ? ['state' as const] : name === 'dbt-prod-failed' ? ['failed' as const] : [])),
    openIssues: () => site.api.issues.filter(({ state }) => state === 'open').length,
    ask,
    relations,
    pulls,
    secrets: [...(['acme_ci_service', 'acme_prod_service', 'acme_janitor'] as const).map(password), PLANTED_OUTPUT, 'a-job-token'],
    stop,
  };
});
