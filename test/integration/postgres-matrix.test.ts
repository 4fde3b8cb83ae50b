import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Administrator, createDatabase, install, plainAdministrator, serverEngine, setPasswords, superuserOf } from '../support/postgres-engine.ts';
import { furnish, identities, surprises, tryAll } from '../support/postgres-matrix.ts';
import { type Major, type Server, startServer } from '../support/postgres-server.ts';

const installers: readonly [who: string, administrator: (server: Server) => Promise<Administrator>][] = [
  ['a superuser', async (server) => superuserOf(server)],
  ['an administrator who is no superuser', plainAdministrator],
];

describe.each<Major>([18, 15])('who may do what, on PostgreSQL %i with password logins', (major) => {
  describe.each(installers)('installed by %s', (_, administrator) => {
    let server: Server;
    let engine: ReturnType<typeof serverEngine>;
    beforeAll(async () => {
      server = await startServer({ major });
      const admin = await administrator(server);
      await createDatabase(server, 'warehouse', admin);
      await install(server, admin, 'warehouse');
      engine = serverEngine(server, 'warehouse', await setPasswords(server, identities));
      await furnish(engine);
    });
    afterAll(async () => {
      await engine?.end();
      await server?.stop();
    });

    test('every act by every identity comes out as the table says', async () => {
      expect(surprises(await tryAll(engine))).toEqual([]);
    });

    test('the administrator keeps no membership of the roles that own things', async () => {
      const admins = superuserOf(server).login;
      await engine.admin(`do $$ begin
        if exists (select from pg_auth_members where pg_get_userbyid(member) not in ('${admins}') and pg_get_userbyid(roleid) in ('acme_env_owner', 'acme_prod_owner', 'acme_prod_service')
                     and pg_has_role(member, roleid, 'USAGE')) then
          raise exception 'a member is left';
        end if; end $$`);
    });
  });
});
