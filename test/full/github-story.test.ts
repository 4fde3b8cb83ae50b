import { expect, test } from 'vitest';
import { type CiStage, ciStory, type Done } from '../support/ci-story.ts';
import { PLANTED_OUTPUT } from '../support/github-events.ts';
import { type Company, startCompany } from '../support/github-postgres.ts';
import type { WorkflowRun } from '../support/github-runner.ts';

const EVENTS = { merge: 'push', schedule: 'schedule', manual: 'workflow_dispatch' } as const;
const HOW = { ready: {}, draft: { draft: true }, 'from a fork': { from: 'mallory/dbt' }, 'an old run again': { sha: '0'.repeat(40) } } as const;

let company: Company;
/** What runs while nothing protects main. */
async function unprotected<T>(run: () => Promise<T>): Promise<T> {
  const { rules, branches, main } = company.site.api;
  const kept = rules.splice(0);
  branches.set('main', { sha: main.at(-1) ?? '', protected: false, classic: false });
  const done = await run();
  rules.push(...kept);
  branches.set('main', { sha: main.at(-1) ?? '', protected: true, classic: false });
  return done;
}

/** The workflows' own steps, with GitHub's evaluator for their conditions. */
ciStory(async (): Promise<CiStage> => {
  company = await startCompany();
  const { site, password, ask, relations, pulls, stop } = company;
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
    deployed: async (by, inputs, how) => {
      const given = inputs ? { select: inputs.select, full_refresh: inputs.full_refresh === 'true', retry: inputs.retry === 'true' } : {};
      const deploy = () => site.deploy(EVENTS[by], given, {}, site.api.main.at(how === 'a run of the commit before, started again' ? -2 : -1));
      return doneOf(await (how === 'from a main that anybody may change' ? unprotected(deploy) : deploy()));
    },
    live: (card) => card.replace(/```[^`]*```|`[^`\n]*`/g, ''),
    shell: { ...company.shell('sam', 'sam'), GITHUB_API_URL: site.api.url, GITHUB_REPOSITORY: 'acme/dbt', GITHUB_TOKEN: 'sams-own' },
    swept: async (how) => doneOf(await site.sweep(how ? 'workflow_dispatch' : 'schedule', how?.dryRun ? { dry_run: true } : {})),
    fails: (what) =>
      what === undefined ? site.api.fails() : site.api.fails({ state: /actions\/workflows/, list: /^GET .*\/pulls\?state=all&sort/ }[what], { status: 500 }),
    left: () =>
      site.api.artifacts.flatMap(({ name }) => (name === 'dbt-prod-state' ? ['state' as const] : name === 'dbt-prod-failed' ? ['failed' as const] : [])),
    openIssues: () => site.api.issues.filter(({ state }) => state === 'open').length,
    ask,
    relations,
    pulls,
    secrets: [...(['acme_ci_service', 'acme_prod_service', 'acme_janitor'] as const).map(password), PLANTED_OUTPUT, 'a-job-token', 'sams-own'],
    stop,
  };
});

test('a pull request has one comment of ours, however often it was built; of a closed one it says what became of the schema', () => {
  const { comments } = company.site.api;
  for (const number of [1, 7, 12, 13, 142]) expect(comments.filter(({ pull }) => pull === number)).toHaveLength(1);
  expect(comments.find(({ pull }) => pull === 1)?.body).toContain('was dropped');
  const secrets = [PLANTED_OUTPUT, company.password('acme_ci_service'), company.password('acme_prod_service'), 'a-job-token', 'sams-own'];
  for (const secret of secrets) expect(comments.map(({ body }) => body).join('\n')).not.toContain(secret);
});
test('the token goes to GitHub, and never to where it sends for a download', () => {
  const { requests, storageRequests } = company.site.api;
  expect(requests.some((line) => line.includes('Bearer a-job-token'))).toBe(true);
  expect(storageRequests.length).toBeGreaterThan(3);
  expect(storageRequests.filter((line) => line.includes('Bearer'))).toEqual([]);
});
