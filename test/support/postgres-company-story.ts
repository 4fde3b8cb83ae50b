import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installers } from './postgres-boundary.ts';
import { COMPANY_INSTALLATION, type Company, type CompanyLogin, found } from './postgres-company.ts';
import { type Major, type Server, startServer } from './postgres-server.ts';

/** Who reads what in production before us. Each must at every step, whoever builds it. */
const READERS: readonly (readonly [CompanyLogin, readonly string[]])[] = [
  ['shared', ['orders', 'fct_revenue', 'v_orders', 'mv_orders', 'invoices', 'staging.salaries']],
  ['tableau', ['orders', 'fct_revenue', 'v_orders', 'mv_orders', 'invoices', 'old_report']],
  ['metabase', ['orders', 'fct_revenue', 'v_orders', 'mv_orders', 'invoices']],
  ['cfo', ['staging.salaries']],
  ['auditor', ['orders']],
  ['intern', ['orders']],
];
const place = (name: string): string => (name.includes('.') ? name : `analytics.${name}`);
/** What the old job built, and how dbt would build it again: swapped in one transaction, the old one dropped after it. */
const SWAPS: readonly (readonly [name: string, make: string])[] = [
  ['orders', 'create table analytics.orders__dbt_tmp as select * from raw.orders'],
  ['fct_revenue', 'create table analytics.fct_revenue__dbt_tmp as select 1 as id, 3.5 as revenue_usd'],
  ['v_orders', 'create view analytics.v_orders__dbt_tmp as select * from raw.orders'],
  ['mv_orders', 'create materialized view analytics.mv_orders__dbt_tmp as select * from raw.orders'],
  ['invoices', 'create table analytics.invoices__dbt_tmp as select id, state from analytics.invoices'],
  ['staging.salaries', 'create table staging.salaries__dbt_tmp as select * from staging.salaries'],
  ['old_report', 'create table analytics.old_report__dbt_tmp as select 2 as id'],
];

/** Look, add, first deploy, close, deploy, reopen, close again: on a server of each major, by each kind of administrator. */
export function describeCompany(majors: readonly Major[]): void {
  describe.each(majors.flatMap((major) => installers.map(([who, administrator]) => ({ major, who, administrator }))))(
    'PostgreSQL $major, a company where one login owned everything, and $who closes production',
    ({ major, administrator }) => {
      let server: Server;
      let company: Company;
      let asFound: readonly string[];

      beforeAll(async () => {
        server = await startServer({ major });
        company = await found(server, await administrator(server), 'company');
      });
      afterAll(async () => server?.stop());

      const everybodyReads = async (when: string): Promise<void> => {
        for (const [login, names] of READERS)
          for (const name of names)
            await expect(company.as(login, `select count(*) from ${place(name)}`), `${login} reads ${name} ${when}`).resolves.toHaveLength(1);
        await expect(company.as('auditor', 'select person from staging.salaries'), `auditor reads a column ${when}`).resolves.toBeDefined();
        await expect(company.as('auditor', 'select amount from staging.salaries')).rejects.toThrow('permission denied');
        await expect(company.as('intern', 'select * from analytics.fct_revenue')).rejects.toThrow('permission denied');
        await expect(company.as('tableau', 'select * from staging.salaries')).rejects.toThrow('permission denied');
      };
      /** As dbt does it, with the macro's call after the swap and before the commit. */
      const deploy = async (login: CompanyLogin, names = SWAPS.map(([name]) => name)): Promise<void> => {
        for (const [relation, make] of SWAPS.filter(([name]) => names.includes(name))) {
          const [schema = '', name = ''] = place(relation).split('.');
          const session = await company.session(login);
          const kind = (await session.query<{ relkind: string }>(`select relkind from pg_class where oid = '${schema}.${name}'::regclass`)).rows[0]?.relkind;
          const sort = { v: 'view', m: 'materialized view' }[kind ?? ''] ?? 'table';
          try {
            await session.query('begin');
            await session.query(make);
            await session.query(`alter ${sort} ${schema}.${name} rename to ${name}__dbt_backup; alter ${sort} ${schema}.${name}__dbt_tmp rename to ${name}`);
            if (login === 'acme_prod_service') await session.query(`call acme_door.keep_readers('${schema}', '${name}', '${name}__dbt_backup')`);
            await session.query('commit');
            await session.query(`drop ${sort} ${schema}.${name}__dbt_backup cascade`);
          } finally {
            await session.end();
          }
        }
      };

      test('looking changes nothing, and adding takes nothing from anybody', async () => {
        const before = await company.catalogue();
        await company.script('00_look');
        expect(await company.catalogue()).toEqual(before);
        for (const script of [...COMPANY_INSTALLATION, ...COMPANY_INSTALLATION]) await company.script(script);
        await everybodyReads('after adding');
        await company.as(
          'shared',
          'insert into analytics.orders values (2, 2); create table analytics.scratch as select 1 as id; drop table analytics.scratch',
        );
        await company.as('sam', 'insert into analytics.fct_revenue values (7, 7)');
        await deploy('shared', ['fct_revenue']);
        await company.script('40_services');
        asFound = await company.catalogue();
        for (const line of before.filter((line) => !line.startsWith('language') && !line.includes('fct_revenue')))
          expect(
            asFound.some((now) => sameOwnerAndMore(now, line)),
            line,
          ).toBe(true);
      });

      test('production is not closed before its service has deployed', async () => {
        await expect(company.script('90_close_prod')).rejects.toThrow('acme_prod_service has built nothing in analytics, staging yet');
        expect(await company.catalogue()).toEqual(asFound);
      });

      test('the first deploy replaces what the shared login built, and everybody goes on reading', async () => {
        await deploy('acme_prod_service', ['orders', 'fct_revenue', 'mv_orders']);
        await company.as('acme_prod_service', 'create table analytics.fct_new as select 1 as id');
        await everybodyReads('after the first deploy');
        for (const login of ['shared', 'tableau', 'metabase', 'looker', 'priya', 'acme_ci_service'] as const)
          await expect(company.as(login, 'select * from analytics.fct_new'), `${login} reads what is new`).resolves.toHaveLength(1);
        await company.as('shared', "insert into staging.salaries values (1, 'ana', 1)");
      });

      test('closing: dashboards read all the time, and none of them sees an error', async () => {
        const stop = new AbortController();
        const dashboards = (['tableau', 'metabase', 'shared'] as const).map(async (login) => {
          const session = await company.session(login);
          let reads = 0;
          for (; !stop.signal.aborted; reads++)
            await session.query('select count(*) from analytics.orders o, analytics.v_orders v, analytics.invoices i, analytics.fct_revenue f');
          await session.end();
          return reads;
        });
        const slow = await company.session('tableau');
        await slow.query('begin; select * from analytics.invoices');
        const closing = company.script('90_close_prod');
        await pause(1500);
        await slow.query('select * from analytics.v_orders; commit');
        await slow.end();
        const said = await closing.finally(() => stop.abort());
        for (const dashboard of await Promise.allSettled(dashboards))
          expect(dashboard).toMatchObject({ status: 'fulfilled', value: expect.toSatisfy((reads: number) => reads > 10) });
        expect(said.join('\n')).toContain('Rehearsed: acme_prod_service replaces analytics.');
        await company.script('90_close_prod');
        await everybodyReads('after closing');
      });

      test('nobody but the service writes production, not even what it will build', async () => {
        const acts = [
          'insert into analytics.orders values (1, 1)',
          'update analytics.fct_revenue set revenue_usd = 0',
          'delete from staging.salaries',
          'truncate analytics.orders',
          'drop table analytics.invoices cascade',
          'drop table analytics.old_report',
          'create table analytics.x (i int)',
          'create table public.x (i int)',
          'alter table analytics.orders add column x int',
          'create or replace view analytics.v_orders as select 1 as id, 2 as amount',
          'refresh materialized view analytics.mv_orders',
          "alter type analytics.state add value 'lost'",
          "create or replace function analytics.usd(cents bigint) returns numeric language sql as 'select 0'",
          "select nextval('analytics.loose')",
          'drop schema analytics cascade',
          'create schema another',
        ];
        for (const login of ['shared', 'sam', 'tableau', 'auditor', 'priya', 'looker', 'acme_ci_service'] as const)
          for (const act of acts)
            await expect(company.as(login, `begin; ${act}; rollback`), `${login}: ${act}`).rejects.toThrow(/permission denied|must be owner/);
        const audit = await company.as<{ login: string }>('priya', 'select * from acme_door.audit()');
        expect(audit.map(({ login }) => login)).not.toEqual(expect.arrayContaining(['shared']));
        expect(await company.as('priya', "select from pg_auth_members where member = 'acme_prod_service'::regrole")).toEqual([]);
      });

      test('the service replaces every relation that was there, twice, and every reader still reads', async () => {
        for (const round of ['first', 'second']) {
          await deploy('acme_prod_service');
          await everybodyReads(`after the ${round} deploy`);
        }
        for (const script of COMPANY_INSTALLATION) await company.script(script);
        await everybodyReads('after running the scripts again');
      });

      test('reopening brings the catalogue back as it was, and the old job works again', async () => {
        await company.script('91_reopen_prod');
        expect(withoutReplaced(await company.catalogue())).toEqual(withoutReplaced(asFound));
        await everybodyReads('after reopening');
        await deploy('shared', ['fct_revenue', 'v_orders', 'mv_orders', 'invoices']);
        await company.as('shared', 'drop table analytics.fct_new');
        await company.script('91_reopen_prod');
      });

      test('and it can be closed again', async () => {
        await company.script('40_services');
        await deploy('acme_prod_service');
        await company.script('90_close_prod');
        await everybodyReads('after closing again');
        await expect(company.as('shared', 'insert into analytics.orders values (1, 1)')).rejects.toThrow('permission denied');
      });
    },
  );
}

/** The same object and owner, with at least the same rights: adding may only add. */
function sameOwnerAndMore(now: string, before: string): boolean {
  const [head = '', rights = ''] = before.split(': ');
  const [nowHead = '', nowRights = ''] = now.split(': ');
  return nowHead === head && rights.split(' ').every((right) => nowRights.split(' ').includes(right));
}

/** Without the sequences, row types and new tables that a rebuilt table does not have or has anew. */
function withoutReplaced(lines: readonly string[]): readonly string[] {
  return lines.filter((line) => !/fct_new|invoices_|type /.test(line) || /type state/.test(line));
}
