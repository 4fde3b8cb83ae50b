import type { Binding } from './estate.ts';
import { Refused } from './refusal.ts';
import { denied, type Session } from './session.ts';
import type { Reader } from './tokens.ts';

/** GRANT and REVOKE. https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-control-language */
export function grantOrRevoke(session: Session, reader: Reader, act: 'GRANT' | 'REVOKE'): void {
  const { line } = reader;
  const roles = list(() => {
    const token = reader.next();
    if (token.kind !== 'quoted') throw reader.unknown(`${token.raw} as a role: a role is quoted with backticks`);
    return token.text;
  });
  reader.expect('ON');
  const on = target(session, reader);
  reader.expect(act === 'GRANT' ? 'TO' : 'FROM');
  const members = list(() => memberOf(reader.string(), line, session.isWide));
  reader.end();
  demandPolicy(session, on, line);
  for (const role of roles)
    for (const member of members) {
      const binding: Binding = { role: roleName(role, line), member };
      if (act === 'GRANT') session.estate.grant(on, binding, line);
      // Nothing to take is no error: no page says that it is.
      else session.estate.revoke(on, binding, line);
    }

  function list<T>(one: () => T): readonly T[] {
    const found = [one()];
    while (reader.accept(',')) found.push(one());
    return found;
  }
}

function target(session: Session, reader: Reader): string {
  const { line } = reader;
  if (reader.accept('SCHEMA')) return session.estate.must(session.dataset(reader.path(), line), line).name;
  if (reader.accept('TABLE') || reader.accept('VIEW') || reader.accept('EXTERNAL', 'TABLE')) return session.existing(reader.path(), line).name;
  if (reader.accept('PROJECT')) {
    const name = reader.path().join('.');
    return session.estate.must(`projects/${name}`, line).name;
  }
  throw reader.unknown(`GRANT on "${reader.peek()?.raw ?? ''}"`);
}

/** DCL names custom roles as IAM does: `projects/p/roles/r`. */
function roleName(role: string, line: number): string {
  if (/^roles\/|^projects\/[^/]+\/roles\/|^organizations\/[^/]+\/roles\//.test(role)) return role;
  throw new Refused(`line ${line}: ${role} is no role`);
}

/** https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-control-language#user_list */
function memberOf(user: string, line: number, isWide: boolean): string {
  if (/^(?:user|group|serviceAccount|domain):./.test(user)) return user;
  if (user === 'specialGroup:allAuthenticatedUsers' || user === 'specialGroup:allUsers') return user.slice('specialGroup:'.length);
  // The page's list has no federated principals; https://docs.cloud.google.com/bigquery/docs/control-access-to-resources-iam has them.
  if (isWide && /^principal(?:Set)?:\/\//.test(user)) return user;
  throw new Refused(`line ${line}: ${user} is no type of user that GRANT and REVOKE know`);
}

/** Who may change the policy of a dataset, a table or a project. */
export function demandPolicy(session: Session, on: string, line: number): void {
  const kind = session.estate.must(on, line).kind;
  if (kind === 'project') session.demand('resourcemanager.projects.setIamPolicy', on, line);
  else if (kind === 'dataset') {
    // The page of DCL says update; https://docs.cloud.google.com/bigquery/docs/dataset-access-control says setIamPolicy since 17 March 2026.
    const held = ['bigquery.datasets.update', 'bigquery.datasets.setIamPolicy'].filter((one) => session.may(one, on));
    if (session.isWide ? held.length === 0 : held.length < 2) throw denied('bigquery.datasets.setIamPolicy', on, line);
  } else if (kind === 'table') session.demand('bigquery.tables.setIamPolicy', on, line);
  else if (kind === 'account') session.demand('iam.serviceAccounts.setIamPolicy', on, line);
  else if (kind === 'connection') session.demand('bigquery.connections.setIamPolicy', on, line);
  else if (kind === 'folder') session.demand('resourcemanager.folders.setIamPolicy', on, line);
  else if (kind === 'organization') session.demand('resourcemanager.organizations.setIamPolicy', on, line);
  else throw new Refused(`line ${line}: ${on} has no policy`);
}
