import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installers } from './postgres-boundary.ts';
import { type Administrator, createDatabase, install, run, serverEngine, setPasswords, superuserOf, using } from './postgres-engine.ts';
import { audited, type Bench, CATALOGUE, EVERYTHING, faults, holes, observe, unseen, verified, wrongActs } from './postgres-faults.ts';
import { furnish, identities, type Script, scripts } from './postgres-matrix.ts';
import { type Major, type Server, startServer } from './postgres-server.ts';

const DATABASE = 'warehouse';
const script = (name: string): Script => [name, scripts().get(`grants/${name}.sql`) ?? ''];

/** Every planted fault on a server of each major, installed by each kind of administrator. */
export function describeFaults(majors: readonly Major[]): void {
  describe.each(majors)('verify and audit on PostgreSQL %i, each login with its password', (major) => {
    describe.each(installers)('installed by %s', (_, administrator) => {
      let server: Server;
      let admin: Administrator;
      let passwords: ReadonlyMap<string, string>;
      let bench: Bench;
      const as = (login: string): Administrator => ({ login, password: passwords.get(login) ?? '' });

      beforeAll(async () => {
        server = await startServer({ major });
        admin = await administrator(server);
        await createDatabase(server, DATABASE, admin);
        await install(server, admin, DATABASE);
        passwords = await setPasswords(server, identities);
        const engine = serverEngine(server, DATABASE, passwords);
        await furnish(engine);
        await engine.end();
        bench = {
          admin: engine.admin,
          query: (login, sql) => using(server, as(login), DATABASE, async (client) => (await client.query(sql)).rows),
        };
      });
      afterAll(() => server?.stop());

      test.each(identities)('verify.sql is green for %s and leaves nothing behind', async (login) => {
        const catalogue = (): Promise<readonly unknown[]> =>
          using(server, superuserOf(server), DATABASE, async (client) => (await client.query(CATALOGUE)).rows);
        const before = await catalogue();
        await run(server, as(login), DATABASE, [script('verify')]);
        expect(await catalogue()).toEqual(before);
      });

      test('it leaves nothing behind either where most attacks succeed', async () => {
        const catalogue = (): Promise<readonly unknown[]> =>
          using(server, superuserOf(server), DATABASE, async (client) => (await client.query(CATALOGUE)).rows);
        await bench.admin(EVERYTHING.plant);
        try {
          const before = await catalogue();
          expect(wrongActs(await verified(bench, 'sam')).length).toBeGreaterThan(60);
          expect(await catalogue()).toEqual(before);
        } finally {
          await bench.admin(EVERYTHING.remove);
        }
      });

      test('verify.sql tries nothing as an administrator', async () => {
        await expect(run(server, superuserOf(server), DATABASE, [script('verify')])).rejects.toThrow(/Nothing was tried/);
        await expect(run(server, admin, DATABASE, [script('verify')])).rejects.toThrow(/Nothing was tried|permission denied for procedure verify/);
      });

      test('audit.sql is green for everybody of the project and for whoever owns the database, and names administrators alone', async () => {
        const said = await audited(bench);
        expect(said.map(({ verdict }) => verdict)).toEqual(said.map(() => 'administrator'));
        expect(new Set(said.map(({ login }) => login))).toEqual(new Set([server.superuser, admin.login]));
        for (const login of identities) {
          await run(server, as(login), DATABASE, [script('audit')]);
          expect(await audited(bench, login), login).toEqual(said);
        }
        await run(server, admin, DATABASE, [script('audit')]);
      });

      test.each(faults.filter(({ from = 15 }) => from <= major))('a gate turns red and green again: $name', async (fault) => {
        expect(unseen(fault, await observe(bench, fault))).toEqual([]);
      });

      test('both scripts fail as psql sees it, with one line that names act and person', async () => {
        await bench.admin('grant update (amount) on analytics.orders to sam');
        try {
          await expect(run(server, as('sam'), DATABASE, [script('verify')])).rejects.toThrow(/1 of \d+ acts came out wrong for sam/);
          await expect(run(server, as('anna'), DATABASE, [script('audit')])).rejects.toThrow(
            `1 hole: sam may change columns in analytics.orders (amount). Take that away. Where it is meant, accept it as a superuser or as acme_env_owner: INSERT INTO acme_door.accepted (login, how) VALUES ('sam', 'may change columns in analytics.orders (amount)');`,
          );
        } finally {
          await bench.admin('revoke update (amount) on analytics.orders from sam');
        }
        expect(holes(await audited(bench))).toEqual([]);
      });

      test('administrators of the day on which production was closed stay administrators; one more is a hole', async () => {
        await bench.admin(
          `insert into acme_door.accepted (login, how) select distinct login, 'administrator' from acme_door.audit() where verdict = 'administrator'; create role carol login superuser`,
        );
        try {
          expect(holes(await audited(bench))).toEqual(['carol is a superuser']);
        } finally {
          await bench.admin('drop role carol; delete from acme_door.accepted');
        }
      });
    });
  });
}
