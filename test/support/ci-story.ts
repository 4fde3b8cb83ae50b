import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { python } from './dbt.ts';

export type StoryJob = 'build' | 'drop' | 'parse' | 'deploy' | 'sweep';

/** What an event came to. */
export interface Done {
  readonly of: (job: StoryJob) => 'success' | 'failure' | 'skipped';
  /** Everything that any job printed. */
  readonly output: string;
  /** The review card as a reviewer sees it; empty where there is none. */
  readonly card: string;
}

/** A company with its code host, its CI provider and a PostgreSQL server, in no provider's words. */
export interface CiStage {
  /** Where people work: a clone with every branch. */
  readonly desk: string;
  /** Commits on a branch, from main where it is new, and pushes. */
  push(branch: string, change: (folder: string) => void): void;
  /** A pull request is opened, or what was pushed to it is taken note of; no job starts yet. */
  open(number: number, branch: string): void;
  close(number: number, days?: number): void;
  merge(number: number): void;
  /** What starts when a pull request is opened or pushed to. */
  opened(number: number, how?: 'ready' | 'draft' | 'from a fork' | 'an old run again'): Promise<Done>;
  /** What starts when it is closed. */
  closed(number: number): Promise<Done>;
  deployed(
    by: 'merge' | 'schedule' | 'manual',
    inputs?: Readonly<Record<'select' | 'full_refresh' | 'retry', string>>,
    how?: 'from a main that anybody may change' | 'a run of the commit before, started again',
  ): Promise<Done>;
  swept(how?: { readonly dryRun: boolean }): Promise<Done>;
  /** Until it is taken back: production's state, or the list of pull requests, cannot be had. */
  fails(what?: 'state' | 'list'): void;
  /** What of a card would act where it is shown: links, images, mentions, tags; not what stands there as text or code. */
  live(card: string): string;
  /** What sam's own shell has for dbt and for the code host. */
  readonly shell: Readonly<Record<string, string>>;
  /** What deploys have left, the oldest first. */
  left(): readonly ('state' | 'failed')[];
  openIssues(): number;
  /** Rows, as that login sees them. */
  ask(sql: string, login?: 'looker' | 'anna' | 'sam'): Promise<readonly (readonly unknown[])[]>;
  relations(schema: string): Promise<readonly string[]>;
  /** The schemas of pull requests, in order. */
  pulls(): Promise<readonly string[]>;
  /** What may be printed nowhere. */
  readonly secrets: readonly string[];
  stop(): Promise<void>;
}

/** Several jobs a test, each of which starts dbt a few times. */
const SLOW = { timeout: 600_000 } as const;
const REVENUE = 'models/marts/fct_revenue.sql';
const DAILY = 'models/marts/fct_revenue_daily.sql';
const edit = (file: string, change: (text: string) => string) => (folder: string) => {
  const place = path.join(folder, file);
  writeFileSync(place, change(readFileSync(place, 'utf8')));
};

/** One story for every CI provider: the provider's own files and jobs, real dbt on a real PostgreSQL. */
export function ciStory(start: () => Promise<CiStage>): void {
  let stage: CiStage;
  const printed: string[] = [];
  const told = async (done: Promise<Done>): Promise<Done> => {
    const { output } = await done;
    printed.push(output);
    return done;
  };
  const opened = (...args: Parameters<CiStage['opened']>) => told(stage.opened(...args));
  const closed = (number: number) => told(stage.closed(number));
  const deployed = (...args: Parameters<CiStage['deployed']>) => told(stage.deployed(...args));
  const swept = (...args: Parameters<CiStage['swept']>) => told(stage.swept(...args));
  beforeAll(async () => {
    stage = await start();
  });
  afterAll(() => stage?.stop());

  describe('from the first deploy to the last merge', SLOW, () => {
    test('a pull request before the first deploy is built whole, and the card says so', async () => {
      stage.push(
        'first',
        edit(REVENUE, (text) => `${text}-- first\n`),
      );
      stage.open(7, 'first');
      const { of, output, card } = await opened(7);
      expect([of('build'), of('parse'), of('drop')], output).toEqual(['success', 'skipped', 'skipped']);
      expect(output).toContain('FULL BUILD: No deploy of main has published a state of production yet. EVERYTHING is built.');
      expect(card).toMatch(/full/i);
      expect(await stage.relations('pr_7')).toEqual(expect.arrayContaining(['stg_orders', 'fct_revenue']));
    });
    test('the first deploy builds production from the tip of main, and publishes its state', async () => {
      const { of, output } = await deployed('merge');
      expect(of('deploy'), output).toBe('success');
      expect(await stage.relations('analytics')).toEqual(expect.arrayContaining(['fct_revenue', 'fct_revenue_daily']));
      expect(stage.left()).toEqual(['state']);
      expect(await stage.ask('select count(*) > 0 from analytics.fct_revenue', 'looker')).toEqual([[true]]);
    });
    test('142 opened: only what it changes is built, and a reviewer queries it beside production', async () => {
      stage.push(
        'discounts',
        edit(DAILY, (text) => text.replace('sum(', 'count(*) as orders, sum(')),
      );
      stage.open(142, 'discounts');
      const { of, output, card } = await opened(142);
      expect(of('build'), output).toBe('success');
      expect(output).toContain('everything else is read from production');
      expect(await stage.relations('pr_142')).toContain('fct_revenue_daily');
      expect(await stage.relations('pr_142')).not.toContain('fct_revenue');
      const same = 'select (select sum(revenue_usd) from pr_142.fct_revenue_daily) = (select sum(revenue_usd) from analytics.fct_revenue_daily)';
      for (const reviewer of ['anna', 'sam'] as const) expect(await stage.ask(same, reviewer)).toEqual([[true]]);
      await expect(stage.ask('select * from pr_142.fct_revenue_daily', 'looker')).rejects.toThrow('permission denied for schema pr_142');
      expect(card).toContain('added `orders` `bigint`');
    });
    test('pushed to: one model is reverted and another renamed; nothing of the first push is left', async () => {
      stage.push('discounts', (folder) => {
        edit(DAILY, (text) => text.replace('count(*) as orders, sum(', 'sum('))(folder);
        renameSync(path.join(folder, 'models/marts/fct_events.sql'), path.join(folder, 'models/marts/fct_clicks.sql'));
        edit('models/marts/_marts.yml', (text) => text.replaceAll('fct_events', 'fct_clicks'))(folder);
      });
      stage.open(142, 'discounts');
      const { of, output } = await opened(142);
      expect(of('build'), output).toBe('success');
      const left = await stage.relations('pr_142');
      expect(left).toContain('fct_clicks');
      expect(left).not.toContain('fct_revenue_daily');
    });
    test('an old run that is started again does not put older code over newer', async () => {
      const { of, output } = await opened(142, 'an old run again');
      expect(of('build')).toBe('failure');
      expect(output).toContain('has moved on');
      expect(await stage.relations('pr_142')).toContain('fct_clicks');
    });
    test('where the state cannot be downloaded, nothing is built: a failure is not "none yet"', async () => {
      const before = await stage.relations('pr_142');
      stage.fails('state');
      const { of, output } = await opened(142);
      stage.fails();
      expect(of('build')).toBe('failure');
      expect(output).toMatch(/fetch_state: \w+ answers .* with status 500/);
      expect(output).not.toContain('FULL BUILD');
      expect(await stage.relations('pr_142')).toEqual(before);
    });
    test('models whose names are shell and Markdown are built, and stay names', async () => {
      const names = ['x$(touch${IFS}owned)', '`touch${IFS}owned`', '[a](evil.example)', '@team#1', "it's", '<img$src=x>'];
      stage.push('names', (folder) => {
        for (const name of names) writeFileSync(path.join(folder, 'models/marts', `${name}.sql`), 'select 1 as i');
      });
      stage.open(13, 'names');
      const { of, output, card } = await opened(13);
      expect(of('build'), output).toBe('success');
      expect(await stage.relations('pr_13')).toEqual(expect.arrayContaining(names));
      expect(output).not.toContain('touch: ');
      expect(card).toContain('[a](evil.example)');
      expect(stage.live(card)).not.toMatch(/evil|@team|<img/);
      expect((await opened(13)).of('build')).toBe('success');
      stage.close(13);
      expect((await closed(13)).of('drop')).toBe('success');
    });
    test('1 and 12 side by side, both built at once, each in its own', async () => {
      stage.push(
        'one',
        edit(REVENUE, (text) => text.replace(/\n/, '\n-- one\n')),
      );
      stage.push('twelve', (folder) => writeFileSync(path.join(folder, 'models/marts/twelve.sql'), 'select 12 as i'));
      stage.open(1, 'one');
      stage.open(12, 'twelve');
      const both = await Promise.all([opened(1), opened(12)]);
      expect(both.map(({ of }) => of('build'))).toEqual(['success', 'success']);
      expect(await stage.relations('pr_1')).toEqual(expect.arrayContaining(['fct_revenue', 'fct_revenue_daily']));
      expect(await stage.relations('pr_12')).toEqual(['twelve']);
    });
    test('a close that is no longer true drops nothing', async () => {
      const { of, output } = await closed(142);
      expect(of('drop'), output).toBe('success');
      expect(output).toContain('keeps its schema');
      expect(await stage.pulls()).toEqual(['pr_1', 'pr_12', 'pr_142', 'pr_7']);
    });
    test('1 closes, not merged: its schema goes, and no other, and nothing of its own code is run', async () => {
      stage.push('one', (folder) => writeFileSync(path.join(folder, 'macros/dbt_envs/drop_pr_schema.sql'), 'nothing of this is run'));
      stage.close(1);
      const { of, output } = await closed(1);
      expect(of('drop'), output).toBe('success');
      expect(output).toContain('Dropped pr_1');
      expect(await stage.pulls()).toEqual(['pr_12', 'pr_142', 'pr_7']);
    });
    test('142 is merged: its schema goes, and the deploy builds what was merged', async () => {
      stage.merge(142);
      expect((await closed(142)).of('drop')).toBe('success');
      expect(await stage.pulls()).toEqual(['pr_12', 'pr_7']);
      const { of, output } = await deployed('merge');
      expect(of('deploy'), output).toBe('success');
      expect(await stage.relations('analytics')).toContain('fct_clicks');
    });
    test('two merges at once: the first of the two deploys builds both, and a run of the one before, started again, takes nothing back', async () => {
      stage.merge(12);
      stage.push('first', (folder) => writeFileSync(path.join(folder, 'models/marts/seven.sql'), 'select 7 as i'));
      stage.merge(7);
      for (const number of [12, 7]) expect((await closed(number)).of('drop')).toBe('success');
      const { of, output } = await deployed('merge');
      expect(of('deploy'), output).toBe('success');
      expect(await stage.relations('analytics')).toEqual(expect.arrayContaining(['seven', 'twelve']));
      const again = await deployed('merge', undefined, 'a run of the commit before, started again');
      expect(again.of('deploy'), again.output).toBe('success');
      expect(again.output).toMatch(/model analytics\.seven/);
    });
    test('a fork and a draft are parsed, with the reason', async () => {
      stage.push(
        'later',
        edit(REVENUE, (text) => `${text}-- later\n`),
      );
      stage.open(8, 'later');
      for (const [how, why] of [
        ['from a fork', 'It comes from a fork'],
        ['draft', 'It is a draft'],
      ] as const) {
        const { of, output } = await opened(8, how);
        expect([of('build'), of('parse')], output).toEqual(['skipped', 'success']);
        expect(output).toContain(why);
      }
      expect(await stage.pulls()).toEqual([]);
    });
  });

  describe('by hand', SLOW, () => {
    const NOTHING = { select: '', full_refresh: '', retry: '' } as const;
    test('a selection is built, and the published state stays', async () => {
      const before = stage.left().length;
      const { of, output } = await deployed('manual', { ...NOTHING, select: 'fct_revenue', full_refresh: 'true' });
      expect(of('deploy'), output).toBe('success');
      expect(output).toContain('dbt build --target prod --select fct_revenue --full-refresh');
      expect(stage.left().length).toBe(before);
    });
    test('a view that reads what is selected is built with it: PostgreSQL drops it with the table that is replaced', async () => {
      const { of, output } = await deployed('manual', { ...NOTHING, select: 'raw_orders', full_refresh: 'true' });
      expect(of('deploy'), output).toBe('success');
      expect(output).toContain('deploy_prod: built too, since a view goes with the table that it reads: acme.staging.stg_orders');
      expect(await stage.ask('select count(*) > 0 from staging.stg_orders', 'looker')).toEqual([[true]]);
    });
    test('what is no selection is refused before anything is built', async () => {
      const { of, output } = await deployed('manual', { ...NOTHING, select: '$(touch owned); --target dev' });
      expect(of('deploy')).toBe('failure');
      expect(output).toContain('is nothing that dbt selects');
      expect(output).not.toContain('dbt build');
    });
    test('a deploy that failed is retried: only what failed is built, and then the state is published', async () => {
      await stage.ask('create table raw.switch (i int); grant select on raw.switch to acme_prod_service, acme_ci_service');
      stage.push('main', (folder) => writeFileSync(path.join(folder, 'models/marts/flaky.sql'), 'select 1 / (select count(*) from raw.switch) as x'));
      expect((await deployed('merge')).of('deploy')).toBe('failure');
      expect(stage.left().at(-1)).toBe('failed');
      await stage.ask('insert into raw.switch values (1)');
      const { of, output } = await deployed('manual', { ...NOTHING, retry: 'true' });
      expect(of('deploy'), output).toBe('success');
      expect(output).toContain('dbt retry --target prod --state retry');
      expect(output).toMatch(/1 of 1 OK created sql \w+ model analytics\.flaky/);
      expect(stage.left().at(-1)).toBe('state');
    });
    test('a retry where nothing failed, or where main has moved since, is refused', async () => {
      const again = await deployed('manual', { ...NOTHING, retry: 'true' });
      expect(again.of('deploy')).toBe('failure');
      expect(again.output).toContain('did not fail');
      await stage.ask('truncate raw.switch');
      expect((await deployed('merge')).of('deploy')).toBe('failure');
      stage.push('main', (folder) => writeFileSync(path.join(folder, 'models/marts/moved.sql'), 'select 1 as i'));
      const moved = await deployed('manual', { ...NOTHING, retry: 'true' });
      expect(moved.of('deploy')).toBe('failure');
      expect(moved.output).toContain('deploy everything instead');
      await stage.ask('insert into raw.switch values (1)');
    });
    test('nothing is deployed from a main that anybody may change', async () => {
      const { of, output } = await deployed('schedule', undefined, 'from a main that anybody may change');
      expect(of('deploy')).toBe('failure');
      expect(output).not.toContain('dbt build');
      expect((await deployed('schedule')).of('deploy')).toBe('success');
    });
  });

  test("a developer's loop: with an empty schema, one changed model is built in seconds, from what production has published", SLOW, async () => {
    stage.push(
      'sams',
      edit('models/marts/fct_clicks.sql', (text) => `${text}-- mine\n`),
    );
    const started = Date.now();
    const { code, output } = await python(stage.desk, ['scripts/dbt_envs/dbt_dev.py', 'build'], { env: stage.shell, python: 'postgres' });
    console.log(`one model in ${((Date.now() - started) / 1000).toFixed(1)} s`);
    expect(code, output).toBe(0);
    expect(output).toContain('dbt_dev: production as of less than an hour ago, commit ');
    expect((await stage.relations('dev_sam')).filter((name) => !/_event_id$/.test(name))).toEqual(['fct_clicks']);
  });

  describe('at night', SLOW, () => {
    test('what a close has missed is cleared, once nobody has used it for as long; not by a sweep that only says so', async () => {
      stage.open(8, 'later');
      expect((await opened(8)).of('build')).toBe('success');
      stage.close(8, 200);
      expect((await swept()).of('sweep')).toBe('success');
      expect(await stage.pulls()).toEqual(['pr_8']);
      await stage.ask("update acme_door.environment set last_used_at = now() - interval '8 days' where schema_name = 'pr_8'");
      expect((await swept({ dryRun: true })).of('sweep')).toBe('success');
      expect(await stage.pulls()).toEqual(['pr_8']);
      const { of, output } = await swept();
      expect([of('sweep'), await stage.pulls(), stage.openIssues()], output).toEqual(['success', [], 0]);
    });
    test('where the list cannot be had, nothing goes: one issue is opened, and the next good night closes it', async () => {
      for (const night of [1, 2]) {
        stage.fails('list');
        const { of } = await swept();
        expect([night, of('sweep'), stage.openIssues()]).toEqual([night, 'failure', 1]);
      }
      stage.fails();
      expect((await swept()).of('sweep')).toBe('success');
      expect(stage.openIssues()).toBe(0);
    });
    test('the deploy on its schedule sees that the sweep works', async () => {
      const { of, output } = await deployed('schedule');
      expect(of('deploy'), output).toBe('success');
      expect(output).toContain('The last nightly sweep that succeeded ended on');
    });
  });

  test('what titles, branch names and secrets hold is nowhere: it was never run, and never printed', () => {
    expect(printed.length).toBeGreaterThan(20);
    for (const secret of stage.secrets) expect(printed.join('\n')).not.toContain(secret);
    expect(existsSync(path.join(stage.desk, 'owned'))).toBe(false);
  });
}
