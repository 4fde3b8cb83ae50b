import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Administrator, createDatabase, install, plainAdministrator, serverEngine, setPasswords, superuserOf } from './postgres-engine.ts';
import { furnish, identities, surprises, tryAll } from './postgres-matrix.ts';
import { type Major, type Server, startServer } from './postgres-server.ts';

/** Who may install the boundary, in words, and how a server gets such a login. */
export const installers: readonly (readonly [who: string, administrator: (server: Server) => Promise<Administrator>])[] = [
  ['a superuser', async (server) => superuserOf(server)],
  ['an administrator who is no superuser', plainAdministrator],
];

/** Installs the boundary on a server of each major, by each kind of administrator, and tries every act as every identity. */
export function describeBoundary(majors: readonly Major[]): void {
  describe.each(majors)('who may do what, on PostgreSQL %i with password logins', (major) => {
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

      test('the server is of that major', async () => {
        await engine.admin(`do $$ begin assert current_setting('server_version_num')::int / 10000 = ${major}; end $$`);
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
}
