import type { PGlite } from '@electric-sql/pglite';
import type { Engine } from './postgres-matrix.ts';

/**
 * PGlite has one session and no passwords: an identity is taken with SET SESSION AUTHORIZATION, which, unlike
 * SET ROLE, also changes session_user.
 */
export function pgliteEngine(db: PGlite): Engine {
  const within = async (login: string, sql: string, ending: 'commit' | 'rollback'): Promise<void> => {
    try {
      await db.exec(`begin; set local session authorization "${login}"`);
      await db.exec(sql);
      await db.exec(ending);
    } catch (error) {
      await db.exec('rollback');
      throw error;
    } finally {
      await db.exec('set session authorization postgres');
    }
  };
  return {
    admin: async (sql) => void (await db.exec(sql)),
    as: (login, sql) => within(login, sql, 'commit'),
    attempt: async (login, sql) => {
      try {
        await within(login, sql, 'rollback');
        return 'done';
      } catch (error) {
        return sqlState(error);
      }
    },
  };
}

/** The five characters that PostgreSQL gives every error; the message of anything else. */
export function sqlState(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
}
